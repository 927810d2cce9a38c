-- Solvers: iterations, the monitor, options, snapshots. (The update rules: test_rules.lua.)
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local problem = require "tests.least_squares"
local nn = lander.nn
local fails = support.fails

-- ---- a larger net ----

local function mlp(seed, dropout)
  local layers = { nn.input { 20 }, nn.linear { 30 }, nn.tanh {} }
  if dropout then layers[#layers + 1] = nn.dropout { 0.4 } end
  layers[#layers + 1] = nn.linear { 5 }
  layers.seed = seed
  return nn.net(layers)
end

local function batch(n, seed)
  local x, y = lander.zeros(n, 20), lander.zeros(n)
  local state = seed or 1
  local function draw()
    state = (state * 1103515245 + 12345) % 2147483648
    return state / 2147483648
  end
  for i = 1, n do
    for j = 1, 20 do x:set(2 * draw() - 1, i, j) end
    y:set(1 + math.floor(5 * draw()), i)
  end
  return x, y
end

local function copies(net)
  local list = {}
  for i = 1, #net.params do list[i] = net.params[i].data:clone() end
  return list
end

local function unchanged(net, list)
  for i = 1, #net.params do support.same_bits(net.params[i].data, list[i]) end
end

TestSolver = {}

function TestSolver.test_it_learns()
  local net = mlp(1)
  local x, y = batch(32)
  local solver = lander.solver(net, { base_lr = 0.2, momentum = 0.9 })
  local first = solver:step(x, y)
  for _ = 1, 200 do solver:step(x, y) end
  lu.assertTrue(solver.loss < 0.1 * first)
end

function TestSolver.test_the_smoothed_loss()
  local solver = lander.solver(mlp(1), { base_lr = 0.1, average_loss = 3 })
  local x, y = batch(8)
  local losses = {}
  lu.assertTrue(solver.loss ~= solver.loss) -- NaN before the first
  for i = 1, 5 do losses[i] = solver:step(x, y) end
  lu.assertAlmostEquals(solver.loss, (losses[3] + losses[4] + losses[5]) / 3, 1e-12)
  solver.average_loss = 1
  lu.assertEquals(solver.loss, losses[5])
end

function TestSolver.test_inputs_one_by_one_and_in_tables()
  local net = lander.core.net_build([[
    a = input () shape=2
    b = input () shape=3
    one = linear (a) outputs=2
    two = linear (b) outputs=2
    label = label ()
    target = label () shape=2
    loss1 = softmax_loss (one, label)
    loss2 = mse_loss (two, target)
  ]], 1)
  local solver = lander.solver(net, { base_lr = 0 })
  local a, b = lander.ones(4, 2), lander.ones(4, 3)
  local label, target = lander.ones(4), lander.ones(4, 2)
  local loss = solver:step(a, b, label, target)
  lu.assertIsNumber(loss)
  lu.assertEquals(solver:step({ a, b }, { label, target }), loss)
  lu.assertEquals(solver:step({ a, b, label, target }), loss)
  lu.assertEquals(solver:step({ a, b }, label, target), loss)
  fails("a step takes 4 tensors", solver.step, solver, { a, b })
  fails("a step takes 4 tensors", solver.step, solver, { a, b }, label)
  fails("a step takes 4 tensors", solver.step, solver, { a, b }, { label, target, target })
  fails("tensor", solver.step, solver, { a, b }, 5)
  fails("tensor", solver.step, solver, { a, "b" }, label)
  lu.assertEquals(solver.iter, 4)
end

function TestSolver.test_the_phase_is_train_and_given_back()
  local net = mlp(1, true)
  net:test_phase()
  local solver = lander.solver(net, { base_lr = 0 })
  local x, y = batch(8)
  local first = solver:step(x, y)
  lu.assertNotEquals(solver:step(x, y), first) -- another dropout
  lu.assertEquals(net:phase(), "test")
end

function TestSolver.test_a_net_without_a_loss_gets_one()
  local net = mlp(1)
  lu.assertFalse(net:has_loss())
  lander.solver(net, { base_lr = 0.1 })
  lu.assertTrue(net:has_loss())
  lander.solver(net, { base_lr = 0.1 })
  lander.solver(problem.net(), { base_lr = 0.1, loss = "mse_loss" })
  fails("did you mean 'mse_loss'", lander.solver, problem.net(),
    { base_lr = 0.1, loss = "mse_los" })
end

function TestSolver.test_a_net_outlives_its_variable()
  local solver = lander.solver(mlp(1), { base_lr = 0.1 })
  local x, y = batch(8)
  for _ = 1, 5 do
    collectgarbage()
    solver:step(x, y)
  end
  lu.assertEquals(#solver.net.params, 4)
end

-- ---- what is rejected ----

TestMonitor = {}

local function rejects(solver, x, y, rule)
  local net, iter, before = solver.net, solver.iter, copies(solver.net)
  local loss, found, where, info = solver:step(x, y)
  lu.assertNil(loss)
  lu.assertEquals(found, rule)
  unchanged(net, before)
  lu.assertEquals(solver.iter, iter)
  lu.assertEquals(info.where, where)
  lu.assertEquals(info.rate, solver:lr())
  return where, info
end

function TestMonitor.test_r1_a_value_that_is_not_finite()
  local solver = lander.solver(mlp(1), { base_lr = 0.1, momentum = 0.9 })
  local x, y = batch(8)
  solver:step(x, y)
  x:set(0 / 0, 3, 4)
  lu.assertEquals(rejects(solver, x, y, "R1"), "data")
  x:set(1, 3, 4)
  local weight = solver.net.params["linear2.weight"].data
  local old = weight:get(1, 1)
  weight:set(math.huge, 1, 1)
  lu.assertEquals(rejects(solver, x, y, "R1"), "linear2")
  weight:set(old, 1, 1)
  lu.assertIsNumber(solver:step(x, y))
end

-- The history is untouched too: after a rejected step the next ones have the same bits.
function TestMonitor.test_a_rejected_step_never_happened()
  local nets = {}
  local x, y = batch(16)
  local bad = x:clone()
  bad:set(0 / 0, 1, 1)
  for i = 1, 2 do
    nets[i] = mlp(5, true)
    local solver = lander.solver(nets[i], { base_lr = 0.1, momentum = 0.9, iter_size = 2 })
    for t = 1, 10 do
      if i == 2 and t % 3 == 0 then rejects(solver, bad, y, "R1") end
      lu.assertIsNumber(solver:step(x, y))
    end
  end
  support.same_params(nets[1], nets[2])
end

function TestMonitor.test_r2_a_gradient_that_is_not_finite()
  -- The loss, (w x)^2 / 2, is finite, but its gradient, w x^2, is beyond the largest number.
  local x = lander.full(support.is_double and 1e160 or 1e28, 1, 1)
  local net = nn.net { nn.input { 1 }, nn.linear { 1, bias = false } }
  net.params[1].data:fill_(1e-10)
  local solver = lander.solver(net, { base_lr = 0.1, loss = "mse_loss" })
  local where, info = rejects(solver, x, lander.zeros(1, 1), "R2")
  lu.assertEquals(where, "linear1.weight")
  lu.assertEquals(info.gradient_norm, math.huge)
  lu.assertTrue(info.loss < math.huge)
end

local function rising(options)
  options.base_lr, options.loss = 0, "mse_loss"
  local solver = lander.solver(problem.net(), options)
  solver:baseline { 1, 1.1, 0.9, 1, 1 }
  local x, target = lander.tensor(problem.X) * 10, lander.tensor(problem.T) * 10
  local found
  for t = 1, 10 do
    local loss, rule, where, info = solver:step(x, target)
    if not loss then
      found = { t = t, rule = rule, where = where, info = info }
      break
    end
  end
  return found, solver
end

function TestMonitor.test_r3_a_loss_far_above_the_first()
  local found, solver = rising {}
  lu.assertEquals(found.t, 5) -- with fewer losses there is no median
  lu.assertEquals(found.rule, "R3")
  lu.assertNil(found.where)
  lu.assertAlmostEquals(found.info.threshold, 3, 1e-12)
  lu.assertTrue(found.info.loss > 3 and found.info.gradient_norm > 0)
  lu.assertEquals(solver.iter, 4)
end

function TestMonitor.test_r3_needs_a_guard_and_a_baseline()
  lu.assertNil((rising { guard = false }))
  local found, solver = rising { guard = true }
  lu.assertEquals(found.rule, "R3")
  solver:baseline {}
  lu.assertIsNumber(solver:step(lander.tensor(problem.X) * 10, lander.tensor(problem.T) * 10))
end

function TestMonitor.test_a_label_out_of_range_is_an_error()
  local solver = lander.solver(mlp(1), { base_lr = 0.1 })
  local x, y = batch(8)
  y:set(6, 2)
  local before = copies(solver.net)
  fails("6", solver.step, solver, x, y)
  unchanged(solver.net, before)
  lu.assertEquals(solver.iter, 0)
end

function TestMonitor.test_far_too_high_a_rate_is_found_in_a_few_iterations()
  local net = mlp(1)
  local x, y = batch(32)
  local solver = lander.solver(net, { base_lr = 1e4, momentum = 0.9 })
  solver:baseline { 1.6, 1.6, 1.6 }
  local rule
  for _ = 1, 50 do
    local _, found = solver:step(x, y)
    rule = rule or found
  end
  lu.assertNotNil(rule)
  for i = 1, #net.params do lu.assertEquals(net.params[i].data:isfinite():min(), 1) end
end

-- ---- options ----

TestSolverOptions = {}

local function solver_of(options)
  options.base_lr = options.base_lr or 0.1
  return lander.solver(mlp(1), options)
end

function TestSolverOptions.test_reading_and_changing()
  local s = solver_of { momentum = 0.9, lr_policy = "multistep", gamma = 0.1,
    stepvalue = { 10, 20 }, guard = false }
  lu.assertEquals(s.type, "sgd")
  lu.assertEquals(s.momentum, 0.9)
  lu.assertEquals(s.weight_decay, 0)
  lu.assertEquals(s.stepvalue, { 10, 20 })
  lu.assertEquals(s.guard, false)
  lu.assertEquals(s.iter, 0)
  s.momentum = 0.5
  s.stepvalue = { 5, 6, 7 }
  s.guard = true
  s.regularization_type = "L1"
  local options = s:options()
  lu.assertEquals({ options.momentum, options.stepvalue, options.guard, options.base_lr,
    options.regularization_type, options.lr_policy },
    { 0.5, { 5, 6, 7 }, true, 0.1, "L1", "multistep" })
  lu.assertStrContains(tostring(s), "sgd solver: iteration 0, rate 0.1")
end

function TestSolverOptions.test_mistakes()
  local s = solver_of {}
  fails("did you mean 'momentum'", solver_of, { momentun = 0.9 })
  fails("did you mean 'sgd'", solver_of, { type = "sdg" })
  fails("did you mean 'momentum'", function() s.momentun = 0.9 end)
  fails("did you mean 'base_lr'", function() return s.base_rl end)
  fails("'momentum' has no effect with type=gd; it belongs to sgd", solver_of,
    { type = "gd", momentum = 0.9 })
  fails("momentum", function() s.momentum = 2 end)
  fails("momentum", function() s.momentum = 0 / 0 end)
  fails("momentum", function() s.momentum = "much" end)
  fails("momentum", function() s.momentum = {} end)
  fails("can't be nil", function() s.momentum = nil end)
  fails("the type of a solver can't be changed", function() s.type = "gd" end)
  fails("'iter' can't be set", function() s.iter = 5 end)
  fails("iter_size", solver_of, { iter_size = 0 })
  fails("clip_gradients", solver_of, { clip_gradients = -1 })
  fails("L1", solver_of, { regularization_type = "L3" })
  fails("solver: ", solver_of, { 0.1 })
  fails("lander.net", lander.solver, {}, {})
  fails("table", lander.solver, mlp(1), 0.1)
  lu.assertEquals(s.momentum, 0)
end

function TestSolverOptions.test_no_parameters()
  fails("no parameters", lander.solver, nn.net { nn.input { 3 }, nn.relu {} }, { base_lr = 1 })
end

function TestSolverOptions.test_a_rate_that_is_too_large()
  local s = solver_of { base_lr = 1e30, lr_scale = 1e30 }
  local x, y = batch(8)
  if not support.is_double then fails("the rate of iteration 0", s.step, s, x, y) end
  s = solver_of { base_lr = 2, lr_policy = "exp", gamma = 1e6 }
  s.net.params[1].lr_mult = 1.7e308
  fails("too large", s.step, s, x, y)
  lu.assertTrue(s:rate_at(1000) == math.huge)
end

function TestSolverOptions.test_closing()
  local s <close> = solver_of {}
  getmetatable(s).__close(s)
  fails("closed", function() return s:lr() end)
  fails("closed", function() s.base_lr = 1 end)
end

-- ---- snapshots ----

TestSnapshot = {}

local options = { base_lr = 0.1, momentum = 0.9, weight_decay = 0.001, iter_size = 2,
  lr_policy = "plateau", gamma = 0.7, patience = 3, average_loss = 4, clip_gradients = 1 }

local function steps(solver, count)
  for _ = 1, count do
    local x, y = batch(16, solver.iter + 1)
    assert(solver:step(x, y))
  end
end

local function snapshot_path()
  return support.folder() .. "/snapshot.npz"
end

function TestSnapshot.test_resumed_to_the_bit()
  local whole, path = lander.solver(mlp(7, true), options), snapshot_path()
  steps(whole, 40)
  local first = lander.solver(mlp(7, true), options)
  first:baseline { 1.6, 1.7 }
  steps(first, 17)
  first:snapshot(path, "a note\nin two lines")
  local loss = first.loss
  steps(first, 5)
  -- Another seed: weights and dropout come from the snapshot.
  local second = lander.solver(mlp(8, true), options)
  lu.assertEquals(second:restore(path), "a note\nin two lines")
  lu.assertEquals({ second.iter, second.loss }, { 17, loss })
  steps(second, 23)
  support.same_params(whole.net, second.net)
  lu.assertEquals(second:lr(), whole:lr())
  lu.assertTrue(whole:lr() < 0.1) -- plateau did something
  lu.assertEquals(second.loss, whole.loss)
end

function TestSnapshot.test_resumed_in_a_new_process()
  local whole, path = lander.solver(mlp(7, true), options), snapshot_path()
  steps(whole, 9)
  whole:snapshot(path)
  steps(whole, 6)
  local script = support.write(path .. ".lua", ([[
    package.path = "./?.lua;" .. package.path
    local lander = require "lander"
    local nn = lander.nn
    local net = nn.net { nn.input { 20 }, nn.linear { 30 }, nn.tanh {}, nn.dropout { 0.4 },
      nn.linear { 5 } }
    local solver = lander.solver(net, { base_lr = 0.1, momentum = 0.9, weight_decay = 0.001,
      iter_size = 2, lr_policy = "plateau", gamma = 0.7, patience = 3, average_loss = 4,
      clip_gradients = 1 })
    assert(solver:restore "%s" == nil)
    lander.threads(1)
    local function batch(n, seed)
      local x, y = lander.zeros(n, 20), lander.zeros(n)
      local state = seed
      local function draw()
        state = (state * 1103515245 + 12345) %% 2147483648
        return state / 2147483648
      end
      for i = 1, n do
        for j = 1, 20 do x:set(2 * draw() - 1, i, j) end
        y:set(1 + math.floor(5 * draw()), i)
      end
      return x, y
    end
    for _ = 1, 6 do solver:step(batch(16, solver.iter + 1)) end
    net:save "%s.net"
  ]]):format(path, path))
  local ran = support.run { script }
  lu.assertEquals(ran.status, 0, ran.err)
  support.same_params(whole.net, lander.load(path .. ".net"))
end

function TestSnapshot.test_it_is_a_saved_net_too()
  local solver, path = lander.solver(mlp(7), options), snapshot_path()
  steps(solver, 3)
  solver:snapshot(path)
  local net = lander.load(path)
  support.same_params(net, solver.net)
  local x = batch(4)
  support.same_bits(net:predict(x), solver.net:predict(x))
end

function TestSnapshot.test_what_was_changed_while_it_ran_comes_back()
  local solver, path = lander.solver(mlp(7), options), snapshot_path()
  steps(solver, 2)
  solver.base_lr = 0.05
  solver.lr_scale = 0.1
  solver.net.params[1].frozen = true
  solver.net.params[2].lr_mult = 3
  solver:snapshot(path)
  local script = {}
  for key, value in pairs(options) do script[key] = value end
  script.momentum, script.base_lr = 0.8, 7 -- the script was edited meanwhile
  local other = lander.solver(mlp(7), script)
  other:restore(path)
  lu.assertEquals({ other.base_lr, other.lr_scale, other.momentum }, { 0.05, 0.1, 0.8 })
  lu.assertTrue(other.net.params[1].frozen)
  lu.assertEquals(other.net.params[2].lr_mult, 3)
  -- And once more through the second one.
  other:snapshot(path)
  local third = lander.solver(mlp(7), options)
  third:restore(path)
  lu.assertEquals({ third.base_lr, third.lr_scale, third.momentum }, { 0.05, 0.1, 0.9 })
end

-- restore must fail with this text and change nothing.
local function refuses(solver, path, text)
  local before, iter, rate = copies(solver.net), solver.iter, solver:lr()
  fails(text, solver.restore, solver, path)
  unchanged(solver.net, before)
  lu.assertEquals({ solver.iter, solver:lr() }, { iter, rate })
end

function TestSnapshot.test_what_is_no_snapshot_of_this()
  local path = snapshot_path()
  local solver = lander.solver(mlp(7, true), options)
  steps(solver, 3)
  solver.net:save(path)
  refuses(solver, path, "this is a saved net without a solver's state: load it with lander.load")
  lander.solver(mlp(7), options):snapshot(path)
  refuses(solver, path, "its layer 4 is 'linear2 = linear (tanh1) outputs=5', here it is 'dropout1")
  local gd = lander.solver(mlp(7, true), { type = "gd", base_lr = 1 })
  gd:snapshot(path)
  refuses(solver, path, "of a solver of type 'gd', here it is 'sgd'")
  refuses(solver, path .. ".nowhere", "nowhere")
  refuses(solver, "tests/data/caffe_lenet/init.npz", "saved net without a solver's state")
end

function TestSnapshot.test_a_damaged_file()
  local path = snapshot_path()
  local solver = lander.solver(mlp(7), options)
  steps(solver, 3)
  solver:snapshot(path, "note")
  local whole = support.read(path)
  solver = lander.solver(mlp(8), options)
  for _, length in ipairs { 0, 10, 1000, #whole // 2, #whole - 30, #whole - 1 } do
    support.write(path, whole:sub(1, length))
    refuses(solver, path, path)
  end
  for at = 5, #whole, 97 do
    local byte = string.char(whole:byte(at) ~ 16)
    support.write(path, whole:sub(1, at - 1) .. byte .. whole:sub(at + 1))
    refuses(solver, path, path)
  end
  support.write(path, whole)
  lu.assertEquals(solver:restore(path), "note")
end

function TestSnapshot.test_nothing_that_is_not_finite_is_saved()
  local path = snapshot_path()
  local solver = lander.solver(mlp(7), options)
  solver:snapshot(path)
  local before = support.read(path)
  solver.net.params[3].data:set(0 / 0, 1, 1)
  fails("linear2.weight, or its history, is not finite", solver.snapshot, solver, path)
  lu.assertEquals(support.read(path), before)
end

function TestSnapshot.test_a_folder_that_is_not_there()
  local solver = lander.solver(mlp(7), options)
  fails("/no/such/folder", solver.snapshot, solver, "/no/such/folder/x.npz")
  fails("without zeros", solver.snapshot, solver, snapshot_path(), "a\0b")
end
