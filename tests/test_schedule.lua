-- Learning-rate schedules: the formulas, the options that each needs, and changing them.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local nn = lander.nn
local fails = support.fails

local function net()
  return nn.net { nn.input { 2 }, nn.linear { 2 } }
end

local function solver(options)
  options.base_lr = options.base_lr or 0.01
  return lander.solver(net(), options)
end

-- Rates come from pow, exp and cos: a few units in the last place of a double.
local function near(found, expected)
  lu.assertTrue(math.abs(found - expected) <= 1e-14 * math.abs(expected),
    ("%.17g, expected %.17g"):format(found, expected))
end

local function follows(options, formula)
  local s = solver(options)
  for _, t in ipairs { 0, 1, 2, 7, 99, 100, 101, 299, 300, 1000, 3499 } do
    near(s:rate_at(t), formula(t))
  end
end

TestSchedule = {}

function TestSchedule.test_the_worked_example()
  local s = solver { lr_policy = "step", gamma = 0.1, stepsize = 1000, max_iter = 3500 }
  for t = 0, 3499 do
    near(s:rate_at(t), t < 1000 and 1e-2 or t < 2000 and 1e-3 or t < 3000 and 1e-4 or 1e-5)
  end
end

function TestSchedule.test_fixed()
  follows({}, function() return 0.01 end)
end

function TestSchedule.test_step()
  follows({ lr_policy = "step", gamma = 0.5, stepsize = 100 },
    function(t) return 0.01 * 0.5 ^ (t // 100) end)
end

function TestSchedule.test_exp()
  follows({ lr_policy = "exp", gamma = 0.99 }, function(t) return 0.01 * 0.99 ^ t end)
end

function TestSchedule.test_inv()
  follows({ lr_policy = "inv", gamma = 0.0001, power = 0.75 },
    function(t) return 0.01 * (1 + 0.0001 * t) ^ -0.75 end)
end

function TestSchedule.test_multistep()
  follows({ lr_policy = "multistep", gamma = 0.1, stepvalue = { 2, 100, 300 } }, function(t)
    return 0.01 * 0.1 ^ (t < 2 and 0 or t < 100 and 1 or t < 300 and 2 or 3)
  end)
  follows({ lr_policy = "multistep", gamma = 0.1, stepvalue = 100 },
    function(t) return 0.01 * (t < 100 and 1 or 0.1) end)
end

function TestSchedule.test_poly()
  follows({ lr_policy = "poly", power = 2, max_iter = 1000 },
    function(t) return 0.01 * (1 - math.min(t / 1000, 1)) ^ 2 end)
end

function TestSchedule.test_sigmoid()
  follows({ lr_policy = "sigmoid", gamma = -0.05, stepsize = 100 },
    function(t) return 0.01 / (1 + math.exp(0.05 * (t - 100))) end)
end

function TestSchedule.test_cosine()
  local s = solver { lr_policy = "cosine", max_iter = 300 }
  near(s:rate_at(0), 0.01)
  near(s:rate_at(100), 0.0075)
  near(s:rate_at(150), 0.005)
  lu.assertEquals(s:rate_at(300), 0)
  lu.assertEquals(s:rate_at(1000), 0)
end

function TestSchedule.test_one_cycle()
  local s = solver { base_lr = 1, lr_policy = "one_cycle", max_iter = 1000 }
  near(s:rate_at(0), 0.04)
  near(s:rate_at(150), 0.52) -- half way up
  near(s:rate_at(300), 1)
  near(s:rate_at(650), (1 + 4e-6) / 2) -- half way down
  near(s:rate_at(1000), 4e-6)
  near(s:rate_at(2000), 4e-6)
end

function TestSchedule.test_a_lua_function()
  local asked = {}
  local s = lander.solver(net(), { lr_policy = function(t)
    asked[#asked + 1] = t
    return 1 / (t + 1)
  end })
  lu.assertEquals(asked, { 0 }) -- once, to see that it works
  near(s:rate_at(3), 0.25)
  lu.assertEquals(asked, { 0, 3 })
  near(s:lr(), 1)
  lu.assertEquals(type(s.lr_policy), "function")
  s.lr_scale = 0.5
  near(s:rate_at(3), 0.125)
end

function TestSchedule.test_errors_in_a_lua_function()
  local broken = false
  local x, y = lander.zeros(4, 2), lander.ones(4)
  local s = lander.solver(net(), { lr_policy = function()
    if broken then error "no rate today" end
    return 0.1
  end })
  s:step(x, y)
  broken = true
  fails("no rate today", s.step, s, x, y)
  fails("no rate today", s.lr, s)
  fails("no rate today", tostring, s)
  lu.assertEquals(s.iter, 1)
  for _, value in ipairs { 0 / 0, math.huge, -1, "x", {}, false } do
    local function policy() return value end
    fails("it must return a rate", lander.solver, net(), { lr_policy = policy })
  end
  fails("it must return a rate", lander.solver, net(), { lr_policy = function() end })
end

function TestSchedule.test_warmup_in_front()
  -- A quarter of the rate at first, then in even steps.
  local s = solver { base_lr = 1, warmup_iter = 3, warmup_start = 0.25 }
  for t, rate in pairs { [0] = 0.25, [1] = 0.5, [2] = 0.75, [3] = 1, [4] = 1 } do
    near(s:rate_at(t), rate)
  end
  s = solver { base_lr = 1, lr_policy = "step", gamma = 0.1, stepsize = 2, warmup_iter = 4,
    warmup_start = 0.5 }
  for t, rate in pairs { [0] = 0.5, [1] = 0.625, [2] = 0.075, [3] = 0.0875, [4] = 0.01 } do
    near(s:rate_at(t), rate)
  end
  s = lander.solver(net(), { lr_policy = function() return 2 end, warmup_iter = 2,
    warmup_start = 0 })
  for t, rate in pairs { [0] = 0, [1] = 1, [2] = 2 } do near(s:rate_at(t), rate) end
end

-- Found by a fuzzer: 0 times what has grown past all numbers was NaN.
function TestSchedule.test_nothing_stays_nothing()
  for _, policy in ipairs { "step", "exp" } do
    local stepsize = policy == "step" and 1 or nil
    local s = solver { base_lr = 0, lr_policy = policy, gamma = 5, stepsize = stepsize }
    lu.assertEquals(s:rate_at(1000000), 0)
    s.base_lr = 1
    lu.assertEquals(s:rate_at(1000000), math.huge) -- which a step refuses
    s.lr_scale = 0
    lu.assertEquals(s:rate_at(1000000), 0)
  end
end

function TestSchedule.test_lr_scale_multiplies()
  local s = solver { lr_policy = "step", gamma = 0.1, stepsize = 10, lr_scale = 0.01 }
  near(s:rate_at(0), 1e-4)
  near(s:rate_at(10), 1e-5)
  lu.assertEquals(s.base_lr, 0.01)
  s.lr_scale = 1
  near(s:rate_at(10), 1e-3)
end

function TestSchedule.test_what_is_missing()
  fails("lr_policy=step needs gamma", solver, { lr_policy = "step", stepsize = 5 })
  fails("lr_policy=step needs stepsize", solver, { lr_policy = "step", gamma = 0.1 })
  fails("lr_policy=exp needs gamma", solver, { lr_policy = "exp" })
  fails("lr_policy=inv needs power", solver, { lr_policy = "inv", gamma = 0.1 })
  fails("lr_policy=multistep needs stepvalue", solver, { lr_policy = "multistep", gamma = 0.1 })
  fails("lr_policy=poly needs power", solver, { lr_policy = "poly", max_iter = 5 })
  fails("lr_policy=poly needs max_iter", solver, { lr_policy = "poly", power = 1 })
  fails("lr_policy=sigmoid needs stepsize", solver, { lr_policy = "sigmoid", gamma = -1 })
  fails("lr_policy=cosine needs max_iter", solver, { lr_policy = "cosine" })
  fails("lr_policy=one_cycle needs max_iter", solver, { lr_policy = "one_cycle" })
  fails("lr_policy=plateau needs gamma", solver, { lr_policy = "plateau", patience = 5 })
  fails("lr_policy=plateau needs patience", solver, { lr_policy = "plateau", gamma = 0.5 })
end

function TestSchedule.test_what_has_no_effect()
  fails("'stepsize' has no effect with lr_policy=fixed; it belongs to step, sigmoid", solver,
    { stepsize = 1000 })
  fails("'power' has no effect with lr_policy=exp; it belongs to inv, poly", solver,
    { lr_policy = "exp", gamma = 0.9, power = 1 })
  fails("'patience' has no effect", solver, { patience = 3 })
  fails("'gamma' has no effect", lander.solver, net(),
    { gamma = 0.1, lr_policy = function() return 1 end })
  fails("'warmup_start' has no effect without warmup_iter", solver, { warmup_start = 0.5 })
  solver { max_iter = 10 } -- every training has an end
end

function TestSchedule.test_what_is_wrong()
  fails("did you mean 'step'", solver, { lr_policy = "setp" })
  fails("did you mean 'stepsize'", solver, { lr_policy = "step", gamma = 0.1, stepsise = 5 })
  fails("gamma", solver, { lr_policy = "step", gamma = -0.1, stepsize = 5 })
  fails("gamma", solver, { lr_policy = "plateau", gamma = 1, patience = 5 })
  fails("stepsize", solver, { lr_policy = "step", gamma = 0.1, stepsize = 0 })
  fails("stepsize", solver, { lr_policy = "step", gamma = 0.1, stepsize = -3 })
  fails("stepsize", solver, { lr_policy = "step", gamma = 0.1, stepsize = 2.5 })
  fails("stepvalue must go up, but 5 comes after 7", solver,
    { lr_policy = "multistep", gamma = 0.1, stepvalue = { 3, 7, 5 } })
  fails("base_lr", solver, { base_lr = -1 })
  fails("base_lr", solver, { base_lr = 0 / 0 })
  fails("base_lr", solver, { base_lr = math.huge })
  fails("'base_lr' is required", lander.solver, net(), {})
  fails("count from 0", function() return solver({}):rate_at(-1) end)
end

function TestSchedule.test_changing_it()
  local s = solver { lr_policy = "step", gamma = 0.1, stepsize = 10 }
  s.base_lr = 1
  near(s:rate_at(10), 0.1)
  s.gamma = 0.5
  near(s:rate_at(20), 0.25)
  fails("needs stepsize", function() s.stepsize = 0 end)
  lu.assertEquals(s.stepsize, 10)
  fails("needs power", function() s.lr_policy = "poly" end)
  lu.assertEquals(s.lr_policy, "step")
  s.power, s.max_iter = 1, 100 -- what poly needs, then poly
  s.lr_policy = "poly"
  near(s:rate_at(25), 0.75)
  s.lr_policy = function(t) return t end
  near(s:rate_at(25), 25)
  fails("did you mean", function() s.lr_policy = "polly" end)
  near(s:rate_at(25), 25)
  s.lr_policy = "fixed"
  near(s:rate_at(25), 1)
end

-- Plateau itself is tested with given losses in tests/unit/test_monitor.c.
function TestSchedule.test_plateau_in_a_training()
  local x, y = lander.zeros(4, 2), lander.ones(4)
  local n = net()
  n.params[2].lr_mult = 0 -- with x = 0 the loss stays where it is
  local s = lander.solver(n, { base_lr = 1, lr_policy = "plateau", gamma = 0.5, patience = 3 })
  local rates = {}
  for i = 1, 10 do
    rates[i] = s:lr()
    s:step(x, y)
  end
  lu.assertEquals(rates, { 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25 })
end

function TestSchedule.test_every_schedule_is_described()
  local words = {}
  for _, schedule in ipairs(lander.core.describe "schedule") do
    words[#words + 1] = schedule.name
    lu.assertTrue(#schedule.help > 5 and #schedule.example > 5, schedule.name)
    -- The example is what can be written down.
    local options = assert(load("return { base_lr = 1, " .. schedule.example .. " }"))()
    lu.assertEquals(solver(options).lr_policy, schedule.name)
  end
  lu.assertEquals(words, { "fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid", "cosine",
    "one_cycle", "plateau" })
end

-- ---- a schedule in Lua and snapshots ----

TestOwnSchedule = {}

local function of_function()
  return lander.solver(support.mlp(1), { lr_policy = function() return 0.1 end })
end

function TestOwnSchedule.test_a_word_that_was_set_later_wins_after_a_restore()
  local path = support.folder() .. "/step.npz"
  local first = of_function()
  local _, x, y = support.blobs(8)
  first:step(x, y)
  first.gamma, first.stepsize, first.base_lr = 0.5, 1, 0.02
  first.lr_policy = "step"
  lu.assertAlmostEquals(first:lr(), 0.01, 1e-12)
  first:snapshot(path)
  local other = of_function()
  other:restore(path)
  lu.assertEquals({ other:lr(), other.lr_policy }, { first:lr(), "step" })
  -- And a function that was set after the word.
  first.lr_policy = function() return 0.3 end
  first:snapshot(path)
  other = of_function()
  other:restore(path)
  lu.assertEquals({ other:lr(), type(other.lr_policy) }, { 0.1, "function" }) -- its own
end
