-- The monitor on real nets: what its rules report, the probe, checkpoints, the chance level.
-- (The rules on sequences of losses are in tests/unit/test_monitor.c.)
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local nn = lander.nn
local fails = support.fails

local function batch(n, seed)
  local x = lander.zeros(n, 6)
  local y = lander.zeros(n)
  local state = seed or 1
  local function draw()
    state = (state * 1103515245 + 12345) % 2147483648
    return state / 2147483648
  end
  for i = 1, n do
    local class = 1 + math.floor(3 * draw())
    for j = 1, 6 do x:set(2 * draw() - 1 + (j == class and 1 or 0), i, j) end
    y:set(class, i)
  end
  return x, y
end

-- Everything that training changes in a net: dropout's draws, running statistics.
local function classifier(seed)
  return nn.net { nn.input { 6 }, nn.linear { 12 }, nn.batch_norm {}, nn.tanh {},
    nn.dropout { 0.3 }, nn.linear { 3 }, seed = seed or 1 }
end

local function solver_of(net, options)
  options = options or {}
  options.base_lr = options.base_lr or 0.1
  options.momentum = options.momentum or 0.9
  return lander.solver(net, options)
end

local function copies(net)
  local list = {}
  for i = 1, #net.params do list[i] = net.params[i].data:clone() end
  return list
end

local function unchanged(net, list)
  for i = 1, #net.params do
    local now = net.params[i].data
    local nan = now:isfinite():eq(0) -- what is no number is not equal to itself
    lu.assertEquals(now:eq(list[i]):maximum(nan):min(), 1)
  end
end

-- ---- the chance level ----

TestChance = {}

-- Of a net that ends in these losses: lines of its text that read `scores` and `label`.
local function chance(classes, losses, label)
  return lander.core.net_build(([[
    data = input () shape=%d
    scores = power (data)
    label = label () %s
  ]]):format(classes, label or "") .. losses, 1):chance()
end

local function close(found, expected)
  lu.assertAlmostEquals(found, expected, 1e-12)
end

function TestChance.test_losses_of_classes()
  local ln = math.log
  close(chance(10, "loss = softmax_loss (scores, label)"), ln(10))
  close(chance(10, "loss = nll_loss (scores, label)"), ln(10))
  close(chance(10, "loss = softmax_loss (scores, label) label_smoothing=0.2"), ln(10))
  -- A label that never counts is no class to guess; one outside of them changes nothing.
  close(chance(10, "loss = softmax_loss (scores, label) ignore_label=3,3,255"), ln(9))
  close(chance(4, "loss = nll_loss (scores, label) ignore_label=1"), ln(3))
  close(chance(4, "loss = sigmoid_loss (scores, label)", "shape=4"), 4 * ln(2))
  -- Smoothing gives the ignored class its part all the same: the entropy of the target.
  local p, q = 0.7 / 2 + 0.1, 0.1
  close(chance(3, "loss = softmax_loss (scores, label) ignore_label=2 label_smoothing=0.3"),
    -2 * p * ln(p) - q * ln(q))
end

-- The same by force: the best constant answer when every class is as frequent.
local function best_constant(classes, loss_line)
  local net = lander.core.net_build(([[
    data = input () shape=1
    scores = linear (data) outputs=%d
    label = label ()
  ]]):format(classes) .. loss_line, 1)
  net.params[1].data:zero_()
  net.params[2].data:zero_()
  local x, y = lander.ones(classes, 1), lander.arange(1, classes)
  local best = math.huge
  for value = -1.5, 1.5, 0.0125 do
    net.params[2].data:fill_(value)
    best = math.min(best, net:loss(x, y))
  end
  return best
end

function TestChance.test_it_is_the_best_constant_answer()
  for _, loss in ipairs { "softmax_loss (scores, label)",
    "softmax_loss (scores, label) label_smoothing=0.3",
    "hinge_loss (scores, label)", "hinge_loss (scores, label) norm=L2" } do
    for _, classes in ipairs { 2, 5, 8 } do
      lu.assertAlmostEquals(chance(classes, "loss = " .. loss),
        best_constant(classes, "loss = " .. loss), 1e-3, loss)
    end
  end
end

function TestChance.test_sums_and_what_has_none()
  lu.assertNil(chance(3, "loss = mse_loss (scores, label)", "shape=3"))
  lu.assertNil(chance(3, "")) -- no loss at all
  lu.assertNil(chance(1, "loss = hinge_loss (scores, label)")) -- one class: nothing to guess
  lu.assertNil(chance(1, "loss = softmax_loss (scores, label)"))
  lu.assertNil(chance(2, "loss = softmax_loss (scores, label) ignore_label=1,2"))
  close(chance(3, [[
    one = softmax_loss (scores, label)
    two = softmax_loss (scores, label) loss_weight=0.5
  ]]), 1.5 * math.log(3))
  local both = [[
    one = softmax_loss (scores, label)
    other = label () shape=3
    two = mse_loss (scores, other) loss_weight=%g
  ]]
  lu.assertNil(chance(3, both:format(0.1)))
  close(chance(3, both:format(0)), math.log(3))
end

-- ---- what a step reports ----

TestRules = {}

-- Steps on the same batch until one has more to say than the loss.
local function until_something(solver, x, y, most)
  for _ = 1, most do
    local loss, rule, where, detail = solver:step(x, y)
    if rule then return { loss = loss, rule = rule, where = where, detail = detail } end
  end
end

function TestRules.test_r4_a_rise_above_the_losses_before()
  local solver = solver_of(nn.net { nn.input { 6 }, nn.linear { 3 } },
    { base_lr = 0, loss = "mse_loss" })
  local x, target = batch(32), lander.zeros(32, 3)
  local first = solver.net:loss(x, target)
  solver:baseline { first, first }
  for _ = 1, 120 do assert(solver:step(x, target)) end
  local found = until_something(solver, x * math.sqrt(2.9), target, 20)
  lu.assertEquals({ found.loss, found.rule, found.where, solver.iter }, { nil, "R4", nil, 122 })
  local d = found.detail
  lu.assertAlmostEquals(d.value, 2.9 * first, 1e-4 * first)
  lu.assertAlmostEquals(d.baseline, first * (0.98 + 0.02 * 2.9), 1e-4 * first)
  lu.assertTrue(d.value > d.threshold and d.threshold > 2 * d.baseline)
  lu.assertNil(d.distance)
  lu.assertNil(d.reason)
end

-- Labels that have nothing to do with the samples, and base_lr for R5 to judge.
local function stalled(prepare, options)
  local net = classifier()
  local solver = solver_of(net, options)
  local x, y = batch(96)
  solver:baseline { 1.1, 1.1 }
  prepare(net)
  return until_something(solver, x * 0, y, 1000), solver, x * 0, y
end

function TestRules.test_r5_says_what_it_is()
  local function nothing() end
  local slow, solver, x, y = stalled(nothing, { base_lr = 1e-9 })
  lu.assertAlmostEquals(slow.loss, math.log(3), 0.05)
  lu.assertEquals({ slow.rule, slow.detail.reason, solver.iter }, { "R5", "rate too low", 501 })
  lu.assertTrue(slow.detail.distance < 1e-6)
  close(slow.detail.baseline, math.log(3))
  lu.assertNil(until_something(solver, x, y, 250)) -- said once

  local dead
  dead, solver = stalled(function(net)
    net.params["linear1.weight"].data:mul_(3)
  end, { base_lr = 1e-9, guard_stall_after = 300, warmup_iter = 70 })
  lu.assertEquals({ dead.loss, dead.rule, dead.detail.reason, solver.iter },
    { nil, "R5", "dead net", 370 })
  lu.assertTrue(dead.detail.distance > 0.6)

  local lost = stalled(function(net) net.params["linear1.weight"].data:mul_(1.3) end,
    { base_lr = 1e-9 })
  lu.assertEquals({ lost.rule, lost.detail.reason }, { "R5", "nothing to learn" })
  lu.assertIsNumber(lost.loss)
end

-- From far above chance a loss may pass it, or stay there for a while: only a net most of whose
-- parameters get no gradient is dead.
function TestRules.test_r5_from_far_above_chance()
  local function from_far(bias, last_alone)
    local net = nn.net { nn.input { 6 }, nn.linear { 8 }, nn.relu {}, nn.linear { 3 } }
    local solver = solver_of(net, { base_lr = 1e-9 })
    solver:baseline { 4, 4 }
    net.params["linear1.weight"].data:mul_(3)
    net.params["linear1.bias"].data:fill_(bias)
    net.params["linear2.weight"].data:zero_()
    local x, y = batch(96)
    if not last_alone then return until_something(solver, x, y, 1000) end
    local shift = net.params["linear1.bias"].data
    shift:fill_(0)
    for _ = 1, 500 do lu.assertNotNil(solver:step(x, y)) end
    shift:fill_(bias) -- and then one minibatch that no unit answers
    return until_something(solver, x, y, 1)
  end
  local dead = from_far(-100)
  lu.assertEquals({ dead.loss, dead.rule, dead.detail.reason }, { nil, "R5", "dead net" })
  lu.assertNil(from_far(0))
  lu.assertNil(from_far(-100, true))
end

function TestRules.test_without_guard_or_chance_nothing_stalls()
  local function dead(net) net.params["linear1.weight"].data:mul_(3) end
  lu.assertNil((stalled(dead, { base_lr = 1e-9, guard = false })))
  local net = nn.net { nn.input { 6 }, nn.linear { 3 } }
  local solver = solver_of(net, { base_lr = 0, loss = "mse_loss" })
  solver:baseline { 1, 1 }
  local x = batch(4)
  lu.assertNil(until_something(solver, x, lander.ones(4, 3), 700))
end

function TestRules.test_a_baseline_is_checked()
  local solver = solver_of(classifier())
  fails("chance", solver.baseline, solver, { 1, 2, chance = "x" })
  fails("above 0", solver.baseline, solver, { 1, 2, chance = -1 })
  fails("above 0", solver.baseline, solver, { 1, 2, chance = math.huge })
  fails("at most 100", solver.baseline, solver, lander.ones(101):totable())
  solver:baseline { 0 / 0, chance = 1 } -- off, and no error
end

-- With the guard on, a healthy run has the same bits as with it off.
function TestRules.test_the_guard_changes_no_bit()
  local nets = {}
  for i, guard in ipairs { true, false } do
    nets[i] = classifier()
    local solver = solver_of(nets[i], { guard = guard, weight_decay = 0.001 })
    solver:baseline { 1.1, 1.2, 1.1 }
    for t = 1, 620 do lu.assertNotNil(solver:step(batch(8, t))) end
  end
  support.same_params(nets[1], nets[2])
end

-- ---- the probe ----

TestProbe = {}

function TestProbe.test_a_good_batch_and_nothing_is_touched()
  local x, y = batch(16)
  local nets = {}
  for i = 1, 2 do
    nets[i] = classifier()
    local solver = solver_of(nets[i], { iter_size = 2 })
    for t = 1, 20 do
      if i == 2 then
        local before, iter = copies(nets[2]), solver.iter
        local probe = solver:probe(x, y)
        unchanged(nets[2], before)
        lu.assertEquals(solver.iter, iter)
        lu.assertNil(probe.rule)
        lu.assertTrue(probe.gradient_norm > 0)
        nets[3] = probe.loss
      end
      local loss = solver:step(x, y)
      -- The same draws of dropout as the step's.
      if i == 2 then lu.assertEquals(loss, nets[3], "iteration " .. t) end
    end
  end
  support.same_params(nets[1], nets[2])
end

function TestProbe.test_dropout_outside_of_training_draws_the_same()
  local net = classifier()
  local solver = solver_of(net)
  local x, y = batch(16)
  local expected = net:clone():loss(x, y)
  solver:probe(x, y)
  lu.assertEquals(net:loss(x, y), expected)
end

local function probe_of(net, x, y, options)
  local solver = solver_of(net, options)
  local before = copies(net)
  local probe = solver:probe(x, y)
  unchanged(net, before)
  local loss, rule, where = solver:step(x, y)
  lu.assertNil(loss)
  lu.assertEquals(rule, probe.rule)
  return probe, where
end

function TestProbe.test_a_pixel_that_is_not_finite()
  local x, y = batch(16)
  x:set(0 / 0, 11, 4)
  for _, parts in ipairs { 1, 2, 4 } do
    local probe, where = probe_of(classifier(), x, y, { iter_size = parts })
    lu.assertEquals({ probe.rule, probe.where, where, probe.is_input, probe.sample },
      { "R1", "data", "data", true, 11 })
    lu.assertEquals(probe.inputs, {})
    lu.assertEquals(probe.output.not_finite, 1)
    lu.assertEquals(probe.output.count, 96 // parts)
    lu.assertTrue(probe.output.min < 0 and probe.output.max > 0)
  end
end

function TestProbe.test_a_target_that_is_infinite()
  local net = nn.net { nn.input { 6 }, nn.linear { 2 } }
  local x = batch(4)
  local target = lander.ones(4, 2)
  target:set(-math.huge, 3, 2)
  local probe = probe_of(net, x, target, { loss = "mse_loss" })
  lu.assertEquals({ probe.where, probe.is_input, probe.sample }, { "label", true, 3 })
  -- A class that is none is an error, as in a step.
  local solver = solver_of(classifier())
  fails("label inf", solver.probe, solver, x, lander.tensor { 1, 2, math.huge, 3 })
end

function TestProbe.test_a_weight_that_is_not_finite()
  local net = classifier()
  net.params["linear2.weight"].data:set(0 / 0, 2, 5)
  local x, y = batch(8)
  local probe, where = probe_of(net, x, y)
  lu.assertEquals({ probe.rule, probe.where, where, probe.is_input },
    { "R1", "linear2", "linear2", false })
  lu.assertEquals(probe.inputs[1].not_finite, 0)
  lu.assertEquals(probe.output.not_finite, 8) -- one score of each
end

-- A layer in Lua between two linear ones.
local function with_layer(name, definition)
  nn.define(name, definition)
  return nn.net { nn.input { 6 }, nn.linear { 4 }, nn[name] {}, nn.linear { 3 } }
end

function TestProbe.test_a_layer_in_lua_that_takes_the_logarithm_of_zero()
  local net = with_layer("bad_log", {
    forward = function(_, x) return x:relu():log() end,
    backward = function(_, x, _, dy) return dy / x end,
  })
  local x, y = batch(8)
  local probe, where = probe_of(net, x, y)
  lu.assertEquals({ probe.rule, probe.where, where, probe.is_input },
    { "R1", "bad_log1", "bad_log1", false })
  lu.assertEquals(probe.inputs[1].count, 32)
  lu.assertEquals(probe.inputs[1].not_finite, 0)
  lu.assertTrue(probe.inputs[1].min < 0)
  lu.assertTrue(probe.output.not_finite > 0)
end

-- What is infinite on purpose and swallowed again is not the one to blame.
function TestProbe.test_an_infinity_that_is_meant_to_be()
  nn.define("mask", { forward = function(_, x) return x * 0 - math.huge end,
    backward = function(_, x) return x * 0 end })
  nn.define("late", { forward = function(_, x) return x * 0 + 0 / 0 end,
    backward = function(_, x) return x * 0 end })
  local data = nn.input { 6 }
  local h = data:linear { 4 }
  local masked = nn.mask { h }:sigmoid {} -- of -inf: 0
  local probe = probe_of(nn.net { nn.late { nn.add { h, masked } }:linear { 3 } }, batch(8))
  lu.assertEquals({ probe.where, probe.rule }, { "late1", "R1" })
end

function TestProbe.test_a_gradient_that_is_not_finite()
  local net = with_layer("bad_gradient", {
    forward = function(_, x) return x end,
    backward = function(_, _, _, dy)
      local dx = dy:clone()
      dx:set(0 / 0, 6, 2)
      return dx
    end,
  })
  local x, y = batch(16)
  local probe = probe_of(net, x, y, { iter_size = 2 })
  lu.assertEquals({ probe.rule, probe.where, probe.sample }, { "R2", "bad_gradient1", 6 })
  lu.assertEquals(probe.inputs[1].not_finite, 0)
  lu.assertEquals(probe.inputs[1].count, 32)
  lu.assertEquals(probe.output.not_finite, 1)
  lu.assertTrue(probe.loss < math.huge)
end

function TestProbe.test_the_gradient_of_a_weight_alone()
  nn.define("bad_weight", {
    params = function(_, size) return { gain = { size = size } } end,
    forward = function(_, x) return x end,
    backward = function(_, _, _, dy) return dy, { gain = dy:sum(1) * math.huge } end,
  })
  local net = nn.net { nn.input { 6 }, nn.linear { 4 }, nn.bad_weight {}, nn.linear { 3 } }
  local probe, where = probe_of(net, batch(8))
  lu.assertEquals({ probe.rule, probe.where, where, probe.sample },
    { "R2", "bad_weight1.gain", "bad_weight1.gain", nil })
  lu.assertEquals(probe.output.count, 4)
end

-- ---- checkpoints ----

TestCheckpoint = {}

local options = { base_lr = 0.1, momentum = 0.9, weight_decay = 0.001, iter_size = 2,
  lr_policy = "plateau", gamma = 0.7, patience = 3, average_loss = 4 }

local function run(solver, count)
  for _ = 1, count do assert(solver:step(batch(16, solver.iter + 1))) end
end

function TestCheckpoint.test_back_at_every_iteration_to_the_bit()
  local whole = solver_of(classifier(), options)
  local solver = solver_of(classifier(), options)
  local ring, after = {}, {}
  solver:baseline { 1.1, 1.2 }
  whole:baseline { 1.1, 1.2 }
  for t = 0, 30 do
    ring[t] = solver:checkpoint()
    lu.assertEquals(ring[t].iter, t)
    after[t] = { copies(solver.net), solver:lr(), solver.loss }
    run(solver, 1)
  end
  run(whole, 40)
  for t = 30, 0, -1 do
    solver:return_to(ring[t])
    unchanged(solver.net, after[t][1])
    lu.assertEquals(solver.iter, t)
    lu.assertEquals(solver:lr(), after[t][2])
    if t > 0 then lu.assertEquals(solver.loss, after[t][3]) end
    run(solver, 40 - t)
    support.same_params(solver.net, whole.net)
    lu.assertEquals({ solver:lr(), solver.loss }, { whole:lr(), whole.loss })
  end
  lu.assertTrue(whole:lr() < 0.1) -- the plateau's memory came back too
end

function TestCheckpoint.test_every_type_comes_back_to_the_bit()
  for _, type in ipairs(lander.core.describe "solver") do
    local function new()
      return lander.solver(classifier(), { type = type.name, base_lr = 0.01 })
    end
    local whole, solver, c = new(), new(), nil
    run(whole, 15)
    for _ = 1, 10 do
      c = solver:checkpoint(c)
      run(solver, 2)
      solver:scale_history(0)
      solver:return_to(c)
      run(solver, 1)
    end
    run(solver, 5)
    support.same_params(whole.net, solver.net)
  end
end

function TestCheckpoint.test_one_that_is_used_again()
  local solver = solver_of(classifier(), options)
  local c = solver:checkpoint()
  run(solver, 5)
  lu.assertTrue(rawequal(solver:checkpoint(c), c))
  local at, before = solver.iter, copies(solver.net)
  run(solver, 5)
  solver:return_to(c)
  lu.assertEquals(solver.iter, at)
  unchanged(solver.net, before)
  lu.assertTrue(c.bytes > 2 * 4 * (6 * 12 + 12 * 5 + 12 * 3 + 3))
  lu.assertStrContains(tostring(c), "checkpoint: iteration 5")
  fails("'iter' and 'bytes'", function() return c.size end)
end

function TestCheckpoint.test_options_and_multipliers()
  local solver = solver_of(classifier(), options)
  solver.lr_scale = 0.5
  local c = solver:checkpoint()
  local text = solver.net:text()
  solver.lr_scale, solver.base_lr, solver.gamma = 0.1, 7, 0.5
  solver.net.params[1].frozen = true
  solver.net.params[2].lr_mult = 3
  solver:return_to(c)
  lu.assertEquals({ solver.lr_scale, solver.base_lr, solver.gamma }, { 0.5, 0.1, 0.7 })
  lu.assertEquals(solver.net:text(), text)
  lu.assertFalse(solver.net.params[1].frozen)
  solver.lr_scale = 0.25 -- as a retry does, and what it set goes into a snapshot
  local path = support.folder() .. "/s.npz"
  solver:snapshot(path)
  local other = solver_of(classifier(), options)
  other:restore(path)
  lu.assertEquals({ other.lr_scale, other.base_lr }, { 0.25, 0.1 })
end

function TestCheckpoint.test_of_what_it_can_be_returned_to()
  local c = solver_of(classifier(), options):checkpoint()
  local other = solver_of(classifier(), options)
  fails("a checkpoint of another net", other.return_to, other, c)
  fails("a checkpoint of another net", other.checkpoint, other, c)
  local net = classifier()
  local sgd, gd = solver_of(net), lander.solver(net, { type = "gd", base_lr = 1 })
  fails("(sgd, here it is gd)", gd.return_to, gd, sgd:checkpoint())
  gd:return_to(gd:checkpoint())
  local closed = sgd:checkpoint()
  getmetatable(closed).__close(closed)
  fails("closed", sgd.return_to, sgd, closed)
  fails("closed", function() return closed.iter end)
  fails("lander.checkpoint", sgd.return_to, sgd, {})
end

function TestCheckpoint.test_nothing_that_is_not_finite()
  local solver = solver_of(classifier(), options)
  run(solver, 3)
  local c = solver:checkpoint()
  local good = copies(solver.net)
  lu.assertTrue(solver:check())
  solver.net.params["linear2.weight"].data:set(0 / 0, 1, 1)
  local ok, rule, where, message = solver:check()
  lu.assertEquals({ ok, rule, where }, { nil, "R7", "linear2.weight" })
  lu.assertStrContains(message, "not finite")
  fails("not finite", solver.checkpoint, solver)
  fails("not finite", solver.checkpoint, solver, c)
  solver:return_to(c) -- which was left as it was
  unchanged(solver.net, good)
end

function TestCheckpoint.test_the_history_is_scaled()
  local x, y = batch(16)
  local function moved_by(factor)
    local net = nn.net { nn.input { 6 }, nn.linear { 3 } }
    net.params[1].data:fill_(0.1)
    local solver = solver_of(net, { base_lr = 0.1, momentum = 0.5 })
    solver:step(x, y)
    local before = net.params[1].data:clone()
    solver:scale_history(factor)
    solver.base_lr = 0
    solver:step(x, y) -- half of the velocity alone
    return net.params[1].data - before
  end
  local whole = moved_by(1)
  lu.assertTrue(whole:abs():max() > 1e-3)
  lu.assertTrue(moved_by(0.5):allclose(whole * 0.5, 1e-3, 1e-7))
  lu.assertEquals(moved_by(0):abs():max(), 0)
  local solver = solver_of(classifier())
  for _, wrong in ipairs { -1, 2, 0 / 0, math.huge } do
    fails("from 0 to 1", solver.scale_history, solver, wrong)
  end
end

function TestCheckpoint.test_not_in_the_middle_of_a_pass()
  local solver, c
  local said = {}
  nn.define("meddler", {
    forward = function(_, x)
      if solver then
        said[#said + 1] = select(2, pcall(solver.return_to, solver, c))
        said[#said + 1] = select(2, pcall(solver.checkpoint, solver))
        said[#said + 1] = select(2, pcall(solver.probe, solver, x, x))
      end
      return x
    end,
    backward = function(_, _, _, dy) return dy end,
  })
  local net = nn.net { nn.input { 6 }, nn.meddler {}, nn.linear { 3 } }
  local new = solver_of(net)
  c, solver = new:checkpoint(), new
  lu.assertIsNumber(solver:step(batch(4)))
  lu.assertEquals(#said, 3)
  for _, message in ipairs(said) do lu.assertStrContains(message, "in the middle of a pass") end
end

function TestCheckpoint.test_the_collector_knows_how_large_they_are()
  local solver = solver_of(nn.net { nn.input { 300 }, nn.linear { 300 } }, { loss = "mse_loss" })
  local count = lander.core.tensor_bytes
  collectgarbage()
  collectgarbage() -- what earlier tests have left: a net goes one cycle after its solver
  local before = count()
  local bytes = solver:checkpoint().bytes
  for _ = 1, 200 * 2 ^ 20 // bytes do solver:checkpoint() end
  lu.assertTrue(count() - before < 100 * 2 ^ 20)
  collectgarbage()
  collectgarbage()
  lu.assertEquals(count(), before)
end

-- ---- no false alarm ----

TestNoFalseAlarm = {}

local function watch(solver, iterations, batch_of)
  for t = 1, iterations do
    local loss, rule, _, detail = solver:step(batch_of(t))
    if rule then
      lu.fail(("%s at %d: value %s, threshold %s, baseline %s (%s)"):format(rule, t,
        detail.value, detail.threshold, detail.baseline, detail.reason))
    end
    assert(loss)
  end
end

local function batches_of(n)
  return function(t) return batch(n, t * 7919) end
end

local function measured_start(solver, batch_of)
  local losses = {}
  for i = 1, 5 do losses[i] = solver.net:loss(batch_of(1000 + i)) end
  solver:baseline(losses)
  return losses
end

-- From scratch at a rate that is high but works, with batches of 1 and in parts.
function TestNoFalseAlarm.test_small_batches_and_parts()
  for _, case in ipairs { { 1, 0.003, 1 }, { 4, 0.03, 4 }, { 32, 0.2, 2 } } do
    local net = nn.net { nn.input { 6 }, nn.linear { 12 }, nn.relu {}, nn.linear { 3 }, seed = 3 }
    local solver = solver_of(net, { base_lr = case[2], iter_size = case[3] })
    measured_start(solver, batches_of(case[1]))
    watch(solver, 1500, batches_of(case[1]))
  end
end

-- A problem that is solved already, trained on at ten times the rate and with other noise: the
-- loss becomes many times what it was, and is small all the same.
function TestNoFalseAlarm.test_from_a_loss_near_zero()
  local net = nn.net { nn.input { 6 }, nn.linear { 12 }, nn.tanh {}, nn.linear { 3 }, seed = 3 }
  local function easy(n, size)
    return function(t)
      local x, y = batch(n, t * 7919)
      for i = 1, n do x:set(x:get(i, y[i]) + size, i, math.tointeger(y[i])) end
      return x, y
    end
  end
  local first = solver_of(net, { base_lr = 0.1 })
  for t = 1, 1500 do first:step(easy(16, 8)(t)) end
  local solver = solver_of(net, { base_lr = 0.1 })
  local losses = measured_start(solver, easy(16, 8))
  lu.assertTrue(losses[1] < 0.002)
  watch(solver, 60, easy(16, 8))
  local most = 0
  for t = 1, 600 do
    local loss, rule = solver:step(easy(16, 1.5)(t))
    lu.assertNil(rule)
    most = math.max(most, loss)
  end
  lu.assertTrue(most > 20 * losses[1])
end

-- A loss below zero, that crosses zero on the way: least squares with something taken off.
function TestNoFalseAlarm.test_losses_below_zero()
  nn.define("shifted_loss", {
    loss = true, options = { shift = 5 },
    forward = function(self, x, target)
      return ((x - target) ^ 2):sum() / (2 * x:size(1)) - self.shift
    end,
    backward = function(_, x, target, _, dy) return (x - target) * (dy / x:size(1)) end,
  })
  for _, shift in ipairs { 0.5, 2, 50 } do
    local x = nn.input { 6 }:linear { 2 }
    local net = nn.net { x, loss = nn.shifted_loss { x, nn.label { 2 }, shift = shift } }
    local function batch_of(t)
      local inputs = batch(8, t * 7919)
      return inputs, inputs:narrow(2, 1, 2):contiguous() * 2
    end
    local solver = solver_of(net, { base_lr = 0.05 })
    measured_start(solver, batch_of)
    watch(solver, 800, batch_of)
    lu.assertTrue(solver.loss < -0.9 * shift)
  end
end

-- Batch norm and dropout, under schedules that raise and drop the rate.
function TestNoFalseAlarm.test_schedules()
  for _, schedule in ipairs {
    { base_lr = 0.1, lr_policy = "one_cycle", max_iter = 1500 },
    { base_lr = 0.001, lr_policy = "exp", gamma = 1.004 },
    { base_lr = 0.2, lr_policy = "step", gamma = 0.1, stepsize = 400 },
    { base_lr = 0.2, warmup_iter = 700, warmup_start = 0 },
    { base_lr = 0.1, lr_policy = function(t) return t % 200 < 100 and 0.05 or 0.002 end },
  } do
    local solver = solver_of(classifier(), schedule)
    measured_start(solver, batches_of(16))
    watch(solver, 1500, batches_of(16))
  end
end

-- ---- what a rejection leaves as it was ----

TestRejected = {}

-- R1 and R2 end a pass; R3 to R5 judge a whole one, which has changed running statistics.
function TestRejected.test_a_loss_that_is_finite_leaves_the_net_as_it_was()
  local solver, next_batch = solver_of(classifier()), batches_of(16)
  measured_start(solver, next_batch)
  for _ = 1, 20 do lu.assertNil(select(2, solver:step(next_batch(solver.iter + 1)))) end
  solver.net.params["linear2.bias"].data:set(1e4, 1)
  local rule, before, iter
  for _ = 1, 10 do
    before, iter = copies(solver.net), solver.iter
    rule = select(2, solver:step(next_batch(solver.iter + 1)))
    if rule then break end
  end
  lu.assertEquals({ rule, solver.iter }, { "R3", iter })
  lu.assertNotNil(solver.net.params["batch_norm1.running_mean"])
  unchanged(solver.net, before)
end

function TestCheckpoint.test_the_seed_of_the_net_comes_back()
  local path = support.folder() .. "/other.npz"
  solver_of(classifier(2), options):snapshot(path)
  local whole, solver = solver_of(classifier(), options), solver_of(classifier(), options)
  local c = solver:checkpoint()
  solver:restore(path) -- with the other net's seed, which dropout draws from
  solver:return_to(c)
  run(whole, 5)
  run(solver, 5)
  support.same_params(whole.net, solver.net)
end

-- Of adam the mean is a direction, and the mean square a size, which going back does not change.
-- With gradients that are all 1 both are known.
function TestCheckpoint.test_only_directions_of_the_history_are_scaled()
  local function moved_by(factor)
    local net = nn.net { nn.input { 1 }, nn.linear { 1, bias = false } }
    local solver = lander.solver(net, { type = "adam", base_lr = 0.125, momentum = 0.5,
      momentum2 = 0.75, loss = function(y) return y:sum(), lander.ones(1, 1) end })
    local x = lander.ones(1, 1) -- and a label that the loss does not look at
    for _ = 1, 3 do solver:step(x, x) end
    solver:scale_history(factor)
    local before = net.params[1].data[1][1]
    solver:step(x, x)
    return before - net.params[1].data[1][1]
  end
  lu.assertAlmostEquals(moved_by(1), 0.125, 1e-6)
  -- m = 0.5 * factor * (1 - 0.5^3) + 0.5, corrected by 1 - 0.5^4; v = 1 - 0.75^4, corrected to 1
  lu.assertAlmostEquals(moved_by(0), 0.125 * 0.5 / (1 - 0.5 ^ 4), 1e-6)
  lu.assertAlmostEquals(moved_by(0.5), 0.125 * (0.25 * (1 - 0.5 ^ 3) + 0.5) / (1 - 0.5 ^ 4), 1e-6)
end
