-- test_help.lua: there is help on everything that is public, and its examples run.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core = lander.core

-- Names of an object's methods: of its metatable, or upvalues of the function that finds them.
local function methods(object)
  local index, names = getmetatable(object).__index, {}
  local tables = { type(index) == "table" and index or nil }
  for i = 1, type(index) == "function" and 10 or 0 do
    local name, value = debug.getupvalue(index, i)
    if not name then break end
    if type(value) == "table" then tables[#tables + 1] = value end
  end
  for _, t in ipairs(tables) do
    for name in pairs(t) do
      if type(name) == "string" then names[#names + 1] = name end
    end
  end
  return names
end

-- Every public name, with what stands before it.
local function public()
  local list = {}
  local function add(owner, names)
    for _, name in ipairs(names) do list[#list + 1] = owner .. name end
  end
  local modules = { core = true, nn = true, data = true }
  for _, name in ipairs(core.sorted_keys(lander)) do
    if not modules[name] then add("lander.", { name }) end
  end
  -- In this process other suites may have defined layers of their own.
  local r = support.run { "-e", "for _, n in ipairs(lander.core.sorted_keys(lander.nn)) do "
    .. "print(n) end" }
  for name in r.out:gmatch "%S+" do add("lander.nn.", { name }) end
  for _, name in ipairs(core.sorted_keys(lander.data)) do
    if name ~= "synthetic" then add("lander.data.", { name }) end
  end
  add("lander.data.synthetic.", core.sorted_keys(lander.data.synthetic))
  add("lander.image.", core.sorted_keys(lander.image))
  local net, d = support.mlp(1), support.blobs(4)
  add("t:", methods(lander.zeros(1)))
  add("net:", methods(net))
  add("solver:", methods(lander.solver(net, { base_lr = 1 })))
  add("d:", methods(d))
  add("batches:", methods(d:batches { size = 1 }))
  for _, kind in ipairs { "solver", "schedule", "filler" } do
    for _, described in ipairs(core.describe(kind)) do add("", { described.name }) end
  end
  return list
end

TestHelpTexts = {}

function TestHelpTexts.test_every_public_name_has_help_with_an_example()
  local without, count = {}, 0
  for _, name in ipairs(public()) do
    local text = core.help_text(name) or core.help_text(name:match "[%w_]+$")
    count = count + 1
    if not (text and text:find "example: %S") then without[#without + 1] = name end
  end
  lu.assertEquals(without, {})
  lu.assertTrue(count > 250)
end

-- What stands at the head of a model's file; options are in it.
function TestHelpTexts.test_models()
  for _, name in ipairs(core.model_names()) do
    local text = core.help_text(name)
    lu.assertEquals(text:sub(1, #name + 8), name .. " (model;")
    lu.assertStrContains(text, "Options: ", false, false, name)
    lu.assertStrContains(text, 'require "models.' .. name, false, false, name)
    lu.assertNil(text:find("local lander", 1, true), name)
    lu.assertStrContains(core.help_text(), name)
    lu.assertEquals(core.help_text("models." .. name), text)
  end
end

-- What the examples stand on, in a folder of their own.
local before = [[
lander = require "lander"
local lander, nn = lander, lander.nn
arg = { [0] = "script.lua" }
x, y = lander.rand(4, 2), lander.tensor { 1, 2, 1, 2 }
d = lander.data.tensors(x, y, { classes = 2 })
data = d
function make() return require "models.mlp" { 2, 3, 2, activation = "tanh" } end
for _, name in ipairs { "a", "b", "lenet" } do
  lander.train { net = make(), data = d, test_data = d, batch_size = 4, quiet = true,
    solver = { base_lr = 0.1, max_iter = 2 }, display = 1, snapshot_prefix = "runs/" .. name }
end
function fresh()
  lander.core.ensure_loss(net)
  t, u = lander.tensor { { 1, 2 }, { 3, 4 } }, lander.ones(2, 2)
end
local failed = 0
local function try(name, text)
  net = make()
  solver = lander.solver(net, { base_lr = 0.1 })
  fresh()
  data = name == "range_test" and { train = d } or d
  local example = text:gsub("\n +", " ")
  local chunk = load("return " .. example) or assert(load(example, name))
  local ok, message = pcall(chunk)
  if not ok then io.stderr:write(name, ": ", tostring(message), "\n") failed = failed + 1 end
end
]]

function TestHelpTexts.test_the_examples_run()
  local folder, list = support.folder(), { before }
  local here = io.popen "pwd"
  os.execute(("ln -s '%s/tests' '%s/tests'"):format(here:read "l", folder))
  here:close()
  core.help_text "train" -- reads the texts
  local count = 0
  local function add(name, example)
    count = count + 1
    list[#list + 1] = ("try(%q, %q)\n"):format(name, example)
  end
  for _, group in ipairs(core.help_groups) do
    for _, entry in ipairs(group.entries) do
      local example = entry.text:match "\n  example: (.*)$"
      add(entry.name, example)
    end
  end
  list[#list + 1] = "io.stderr:write(failed, ' failed\\n')"
  local r = support.run({ support.write(folder .. "/all.lua", table.concat(list)) },
    { folder = folder })
  lu.assertEquals({ r.status, r.err:match "[^\n]*failed\n$" }, { 0, "0 failed\n" }, r.err)
  lu.assertTrue(count > 150)
end

function TestHelpTexts.test_words_and_values()
  local function starts(text, start) lu.assertEquals(text:sub(1, #start), start) end
  starts(core.help_text "mm", "t:mm(u): the matrix product")
  starts(core.help_text(lander.train), "lander.train { net =")
  starts(core.help_text(lander.plot), "lander.plot(thing")
  starts(core.help_text(lander.zeros(1).mm), "t:mm(u): ")
  starts(core.help_text(lander.nn.conv), "conv (layer)")
  starts(core.help_text "lander.nn.conv", "conv (layer)")
  lu.assertStrContains(core.help_text(support.mlp(1)), "\nnet:predict(x, ...) -> output: ")
  lu.assertStrContains(core.help_text(support.blobs(2)), "d:split(n)")
  lu.assertStrContains(core.help_text(lander.data), "lander.data.csv(path")
  lu.assertStrContains(core.help_text "snapshot_prefix", "lander.train { net =")
  -- An option that all solvers have is told once.
  lu.assertStrContains(core.help_text "lr_policy", "lr_policy of sgd, gd, nesterov")
  lu.assertEquals(select(2, core.help_text("lr_policy"):gsub("\n", "")), 0)
  local text, message = core.help_text(print)
  lu.assertEquals({ text, message }, { nil, "there is no help on this function; help() lists what "
    .. "there is" })
  lu.assertEquals({ core.help_text "stpe" }, { nil, "there is no help on 'stpe', did you mean "
    .. "'step'?" })
  for line in core.help_text():gmatch "[^\n]+" do lu.assertTrue(#line <= 80, line) end
end

function TestHelpTexts.test_the_command()
  local r = support.run { "help", "mm" }
  lu.assertEquals({ r.status, r.out:match "^t:mm" }, { 0, "t:mm" })
  r = support.run { "help", "stpe" }
  lu.assertEquals({ r.status, r.out }, { 2, "" })
  lu.assertStrContains(r.err, "did you mean 'step'?")
  r = support.run { "help", "sumary" }
  lu.assertEquals(r.status, 2)
  lu.assertStrContains(r.err, "did you mean")
end
