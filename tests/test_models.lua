-- test_models.lua: the nets of models/: parameter counts as published, a few steps of
-- training, options that are checked.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"

-- Functions of models.name: the model, and its count of parameters.
local function model(name, options)
  return require("models." .. name)(options)
end

local function parameters(net)
  local sum = 0
  for _, info in ipairs(net:layers()) do sum = sum + info.parameters end
  return sum
end

-- The number that the head comment of the file says.
local function said(name)
  local head = support.read("models/" .. name .. ".lua"):match "^(.-)\nlocal "
  return head:gsub("[^\n%d,]%-%- ", " ")
end

TestModelCounts = {}

local counts = {
  lenet = 431080, mlp = 669706, cifar10_quick = 145578, cifar10_full = 89578,
  nin = 966986, resnet20 = 269722, resnet18 = 11689512, autoencoder = 2837314,
  char_lstm = 886880, gpt_tiny = 834304, alexnet = 60965224, vgg11 = 132863336,
}

for name, count in pairs(counts) do
  TestModelCounts["test_" .. name] = function()
    lu.assertEquals(parameters(model(name)), count)
    lu.assertStrContains(said(name), lander.core.count_text(count))
    collectgarbage() -- the largest hold a gigabyte
  end
end

function TestModelCounts.test_resnets_of_other_depths()
  for depth, count in pairs { [32] = 464154, [44] = 658586, [56] = 853018 } do
    lu.assertEquals(parameters(model("resnet20", { depth = depth })), count)
    lu.assertStrContains(said "resnet20", lander.core.count_text(count))
  end
  lu.assertEquals(parameters(model("resnet20", { shortcut = "projection" })), 272474)
end

-- Running statistics of batch_norm are states, which are saved like parameters but are none.
function TestModelCounts.test_states_are_not_counted()
  local sum, net = 0, model "resnet20"
  for i = 1, #net.params do sum = sum + net.params[i].data:numel() end
  local channels = 7 * 16 + 6 * 32 + 6 * 64
  lu.assertEquals(sum, counts.resnet20 + 2 * channels)
end

TestModelSteps = {}

-- Some steps on one batch; returns the losses.
local function train(net, x, y, steps, options)
  options.type, options.momentum = "sgd", options.momentum or 0.9
  local solver, losses = lander.solver(net, options), {}
  for i = 1, steps do
    losses[i] = solver:step(x, y)
    lu.assertNotNil(losses[i], "diverged")
  end
  return losses
end

local function learns(net, x, y, steps, options)
  local losses = train(net, x, y, steps, options)
  lu.assertTrue(losses[#losses] < losses[1], ("from %g to %g"):format(losses[1], losses[#losses]))
  return losses
end

local function pictures(n, ...)
  lander.seed(1)
  local y = lander.zeros(n)
  for i = 1, n do y:set(1 + i % 3, i) end
  return lander.randn(n, ...), y
end

-- With the size of the pictures, the rate that these few steps are taken with, and options.
local small = {
  lenet = { { 1, 28, 28 }, 0.01 },
  cifar10_quick = { { 3, 32, 32 }, 0.01 },
  cifar10_full = { { 3, 32, 32 }, 0.01 },
  nin = { { 3, 32, 32 }, 0.001, { dropout = 0 } },
  resnet20 = { { 1, 28, 28 }, 0.01 },
}

for name, row in pairs(small) do
  TestModelSteps["test_" .. name] = function()
    local options = row[3] or {}
    options.size, options.classes = row[1], 3
    local x, y = pictures(4, table.unpack(row[1]))
    local net = model(name, options)
    learns(net, x, y, 8, { base_lr = row[2] })
    lu.assertEquals({ net:predict(x):size(1), net:predict(x):size(2) }, { 4, 3 })
  end
end

-- The large ones: one forward and one backward pass, on the smallest picture that they take.
local large = { resnet18 = 32, alexnet = 67, vgg11 = 32 }

for name, size in pairs(large) do
  TestModelSteps["test_" .. name] = function()
    local x, y = pictures(2, 3, size, size) -- batch_norm takes no less
    local net = model(name, { size = { 3, size, size }, classes = 3 })
    lu.assertEquals(#train(net, x, y, 1, { base_lr = 1e-4 }), 1)
    for i = 1, #net.params do
      lu.assertEquals(net.params[i].grad:isfinite():sum(), net.params[i].grad:numel())
    end
    collectgarbage()
  end
end

function TestModelSteps.test_mlp()
  local x, y = pictures(4, 5)
  learns(model("mlp", { 5, 8, 3, activation = "tanh" }), x, y, 8, { base_lr = 0.1 })
end

function TestModelSteps.test_projection_shortcuts()
  local x, y = pictures(2, 3, 8, 8)
  learns(model("resnet20", { shortcut = "projection", depth = 8, size = { 3, 8, 8 } }), x, y, 8,
    { base_lr = 0.01 })
end

function TestModelSteps.test_autoencoder()
  lander.seed(1)
  local x = lander.rand(4, 12)
  local net = model("autoencoder", { 12, 8, 3 })
  learns(net, x, x, 10, { base_lr = 0.1 })
  lu.assertEquals(net["code"].output:size(2), 3)
  local y = net:predict(x)
  lu.assertEquals(y:size(2), 12)
  lu.assertTrue(y:min() > 0 and y:max() < 1) -- pixels
end

-- A sentence that is shifted by one is what follows each of its characters.
local function text(steps, symbols)
  local x, y = lander.zeros(2, steps), lander.zeros(2, steps)
  for i = 1, steps do
    for b = 1, 2 do
      x:set(1 + (b + i * i) % symbols, b, i)
      y:set(1 + (b + (i + 1) * (i + 1)) % symbols, b, i)
    end
  end
  return x, y
end

function TestModelSteps.test_char_lstm()
  local net = model("char_lstm", { steps = 12, symbols = 7, hidden = 16, embedding = 5 })
  local x, y = text(12, 7)
  local losses = learns(net, x, y, 10, { base_lr = 0.5 })
  lu.assertAlmostEquals(losses[1], math.log(7), 0.3) -- all symbols alike at first
end

-- Cut in two, with the state carried on, a text gives what it gives in one piece.
function TestModelSteps.test_char_lstm_carries_its_state_on()
  local function make(steps, state)
    return model("char_lstm", { steps = steps, symbols = 7, hidden = 8, state = state })
  end
  local whole, half, x = make(12), make(6, true), text(12, 7)
  local want = whole:predict(x)
  local h, c = lander.zeros(2, 2, 8), lander.zeros(2, 2, 8)
  for part = 1, 2 do
    local y = half:predict(x:narrow(2, 6 * part - 5, 6):clone(), h, c)
    lu.assertTrue(y:allclose(want:narrow(3, 6 * part - 5, 6):clone(), 1e-4, 1e-5))
    local outputs = half["lstm1"].outputs
    h, c = outputs[2]:clone(), outputs[3]:clone()
  end
end

-- The new state can be read behind a whole step of the solver.
function TestModelSteps.test_char_lstm_shows_its_state_while_training()
  local function make() return model("char_lstm", { steps = 6, symbols = 7, state = true }) end
  local net, x, y = make(), text(6, 7)
  local h, c = lander.randn(2, 2, 256), lander.randn(2, 2, 256)
  local same = make()
  same:forward(x, h, c)
  local want = { same["lstm1"].outputs[2]:clone(), same["lstm1"].outputs[3]:clone() }
  lu.assertEquals(#train(net, { x, h, c }, y, 1, { base_lr = 0.1 }), 1)
  for k = 1, 2 do support.same_bits(net["lstm1"].outputs[k + 1], want[k]) end
end

function TestModelSteps.test_gpt_tiny()
  local net = model("gpt_tiny", { steps = 12, symbols = 7, width = 16, layers = 2 })
  local x, y = text(12, 7)
  local losses = learns(net, x, y, 10, { base_lr = 0.1 })
  lu.assertAlmostEquals(losses[1], math.log(7), 0.3)
end

-- What comes later in the text changes nothing before it.
local function only_looks_back(net, symbols)
  local x = text(12, symbols)
  local before = net:predict(x):clone()
  x:set(x:get(1, 7) % symbols + 1, 1, 7)
  local after = net:predict(x)
  local changed = before:ne(after):sum(2) -- (batch, 1 or nothing, steps)
  local steps = changed:view(2, 12)
  lu.assertEquals(steps:narrow(2, 1, 6):sum(), 0)
  lu.assertTrue(steps:get(1, 7) > 0 and steps:get(1, 12) > 0)
  lu.assertEquals(steps[2]:sum(), 0) -- the other sentence
end

function TestModelSteps.test_language_models_only_look_back()
  only_looks_back(model("char_lstm", { steps = 12, symbols = 7, hidden = 16 }), 7)
  only_looks_back(model("gpt_tiny", { steps = 12, symbols = 7, width = 16, layers = 2 }), 7)
end

function TestModelSteps.test_gradients()
  if not support.is_double then return end
  local x, y = pictures(2, 3, 8, 8)
  for _, shortcut in ipairs { "zeros", "projection" } do
    local net = model("resnet20", { depth = 8, size = { 3, 8, 8 }, classes = 3,
      shortcut = shortcut })
    lander.core.ensure_loss(net)
    local result = lander.check_gradients(net, x, y, { samples = 6 })
    lu.assertTrue(result.ok, tostring(result))
  end
  local t, u = text(5, 4)
  local net = model("gpt_tiny", { steps = 5, symbols = 4, width = 8, layers = 1, heads = 2 })
  lander.core.ensure_loss(net)
  local result = lander.check_gradients(net, t, u, { samples = 6 })
  lu.assertTrue(result.ok, tostring(result))
end

TestModelOptions = {}

-- Every model refuses what it does not know, with the word that was meant.
function TestModelOptions.test_unknown_options()
  for name in pairs(counts) do
    support.fails(("models.%s: unknown option 'sed', did you mean 'seed'?"):format(name),
      model, name, { sed = 3 })
    support.fails(("models.%s takes a table of options, found a number"):format(name),
      model, name, 3)
  end
  support.fails("unknown option 'clases', did you mean 'classes'?", model, "lenet", { clases = 3 })
  support.fails("entry without", model, "lenet", { 3 })
end

function TestModelOptions.test_kinds_of_values()
  support.fails("option 'classes' must be a whole number, found 2.5", model, "lenet",
    { classes = 2.5 })
  support.fails("option 'classes' must be a whole number, found a string", model, "lenet",
    { classes = "ten" })
  support.fails("depth must be 6n + 2 (8, 14, 20, 32, 56 ...), found 21", model, "resnet20",
    { depth = 21 })
  support.fails("found 2", model, "resnet20", { depth = 2 })
  support.fails('shortcut must be "zeros" or "projection"', model, "resnet20",
    { shortcut = "C" })
  support.fails("at least two sizes", model, "mlp", { 5 })
  support.fails("at least two sizes", model, "autoencoder", { 5 })
  support.fails("entry 2 must be a whole number, found a string", model, "mlp", { 5, "x" })
end

function TestModelOptions.test_options_do_something()
  lu.assertEquals(parameters(model("lenet", { classes = 3 })), 431080 - 7 * 501)
  lu.assertEquals(parameters(model("char_lstm", { symbols = 10 })), 886880 - 86 * (64 + 257))
  local function first(seed) return model("lenet", { seed = seed }).params[1].data end
  support.same_bits(first(1), model("lenet").params[1].data)
  lu.assertTrue(first(2):ne(first(1)):sum() > 0)
end

TestOptions = {}

local function options(given, defaults)
  return lander.options("thing", given, defaults)
end

function TestOptions.test_values()
  local defaults = { rate = 0.5, n = 3, name = "x", flag = true, list = { 1, 2 } }
  lu.assertEquals(options(nil, defaults), defaults)
  lu.assertEquals(options({}, defaults), defaults)
  lu.assertEquals(options({ rate = 1, n = 4.0, name = "y", flag = false, list = { 7 } }, defaults),
    { rate = 1, n = 4, name = "y", flag = false, list = { 7 } })
  lu.assertEquals(options({ list = 5 }, defaults).list, { 5 })
  lu.assertEquals(defaults.n, 3) -- nobody's table is changed
end

function TestOptions.test_unnamed_entries()
  local defaults = { 1, 2, 3, a = 1 }
  lu.assertEquals(options({ a = 2 }, defaults), { 1, 2, 3, a = 2 })
  lu.assertEquals(options({ 9, 8 }, defaults), { 9, 8, a = 1 })
  support.fails("thing: there is a nil among the unnamed entries", options, { 1, nil, 3 }, defaults)
  support.fails("thing: entry 2 must be a whole number, found a boolean", options, { 1, true },
    defaults)
end

function TestOptions.test_wrong_values()
  local defaults = { rate = 0.5, n = 3, name = "x", flag = true, list = { 1, 2 } }
  support.fails("thing: option 'rate' must be a number, found a string", options,
    { rate = "1" }, defaults)
  support.fails("thing: option 'n' must be a whole number, found 0.5", options, { n = 0.5 },
    defaults)
  support.fails("thing: option 'n' must be a whole number, found nan", options, { n = 0 / 0 },
    defaults)
  support.fails("thing: option 'n' must be a whole number, found inf", options, { n = 1 / 0 },
    defaults)
  support.fails("thing: option 'name' must be a string, found 3", options, { name = 3 }, defaults)
  support.fails("thing: option 'flag' must be a boolean, found 3", options, { flag = 3 }, defaults)
  support.fails("thing: option 'list' must be a table, found a string", options, { list = "a" },
    defaults)
  support.fails("thing: unknown option 'rat', did you mean 'rate'?; there are flag, list, n, "
    .. "name, rate", options, { rat = 3 }, defaults)
  support.fails("unknown option 'true'", options, { [true] = 3 }, defaults)
end

-- The place is the line of whoever called the function that has the options.
function TestOptions.test_the_error_is_at_the_users_line()
  local chunk = assert(load([[
    local thing = ...
    local function user()
      thing { wrong = 1 }
    end
    user()
  ]], "=user"))
  local function thing(given) return (lander.options("thing", given, { right = 1 })) end
  support.fails("user:3: thing: unknown option 'wrong'", chunk, thing)
end
