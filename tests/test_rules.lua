-- test_rules.lua: every update rule against arithmetic done by hand, and what must hold for
-- all of them: parts of a minibatch, threads, snapshots.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local problem = require "tests.least_squares"
local nn = lander.nn
local fails = support.fails

-- ---- the rules, a number at a time ----

-- rule.NAME(o, s, at) -> the weight after an iteration. o: options. s: what is remembered
-- of the number, empty at first. at: w, grad (clipped), pull (the regulariser's part), rate
-- (alpha lr_mult), t from 1, and of the whole parameter weight_norm, gradient_norm (of
-- grad) and lambda.
local rule = {}

function rule.gd(_, _, at) return at.w - at.rate * (at.grad + at.pull) end

function rule.sgd(o, s, at)
  s.v = (o.momentum or 0) * (s.v or 0) - at.rate * (at.grad + at.pull)
  return at.w + s.v
end

function rule.nesterov(o, s, at)
  local old = s.v or 0
  s.v = o.momentum * old - at.rate * (at.grad + at.pull)
  return at.w + s.v + o.momentum * (s.v - old)
end

function rule.adagrad(o, s, at)
  local g = at.grad + at.pull
  s.h = (s.h or 0) + g * g
  return at.w - at.rate * g / (math.sqrt(s.h) + (o.delta or 1e-8))
end

function rule.rmsprop(o, s, at)
  local g, rho = at.grad + at.pull, o.rms_decay or 0.99
  s.h = rho * (s.h or 0) + (1 - rho) * g * g
  return at.w - at.rate * g / (math.sqrt(s.h) + (o.delta or 1e-8))
end

function rule.adadelta(o, s, at)
  local g, rho, delta = at.grad + at.pull, o.momentum, o.delta or 1e-8
  s.h = rho * (s.h or 0) + (1 - rho) * g * g
  local d = math.sqrt((delta + (s.u or 0)) / (delta + s.h)) * g
  s.u = rho * (s.u or 0) + (1 - rho) * d * d
  return at.w - at.rate * d
end

local function adam(s, beta1, beta2, g)
  s.m = beta1 * (s.m or 0) + (1 - beta1) * g
  s.v = beta2 * (s.v or 0) + (1 - beta2) * g * g
end

function rule.adam(o, s, at)
  local beta1, beta2 = o.momentum or 0, o.momentum2 or 0.999
  adam(s, beta1, beta2, at.grad + at.pull)
  local correction = math.sqrt(1 - beta2 ^ at.t) / (1 - beta1 ^ at.t)
  return at.w - at.rate * correction * s.m / (math.sqrt(s.v) + (o.delta or 1e-8))
end

function rule.adamw(o, s, at)
  local beta1, beta2 = o.momentum or 0.9, o.momentum2 or 0.999
  adam(s, beta1, beta2, at.grad)
  local m, v = s.m / (1 - beta1 ^ at.t), s.v / (1 - beta2 ^ at.t)
  return at.w - at.rate * at.pull - at.rate * m / (math.sqrt(v) + (o.delta or 1e-8))
end

function rule.lars(o, s, at)
  local ratio = 1
  if at.weight_norm > 0 and at.gradient_norm > 0 then
    local lambda = o.regularization_type == "L1" and 0 or at.lambda
    ratio = (o.trust_coefficient or 0.001) * at.weight_norm
      / (at.gradient_norm + lambda * at.weight_norm)
  end
  s.v = (o.momentum or 0) * (s.v or 0) - at.rate * ratio * (at.grad + at.pull)
  return at.w + s.v
end

-- The options that each of these is tried with. Rates with which no weight comes so near to 0 in
-- five iterations that rounding would decide its sign.
local given = {
  { type = "gd" },
  { type = "sgd", momentum = 0.9 },
  { momentum = 0.5, base_lr = 0.3 }, -- sgd is the default
  { type = "sgd" },
  { type = "nesterov", momentum = 0.9 },
  { type = "adagrad", base_lr = 0.07 },
  { type = "adagrad", base_lr = 0.07, delta = 0.01 },
  { type = "rmsprop", base_lr = 0.013 },
  { type = "rmsprop", base_lr = 0.03, rms_decay = 0.8, delta = 0.001 },
  { type = "adadelta", base_lr = 0.7, momentum = 0.95, delta = 0.0001 },
  { type = "adadelta", base_lr = 30, momentum = 0.9 },
  { type = "adam", base_lr = 0.013 },
  { type = "adam", base_lr = 0.03, momentum = 0.9 },
  { type = "adam", base_lr = 0.03, momentum = 0.8, momentum2 = 0.9, delta = 0.01 },
  { type = "adamw", base_lr = 0.03 },
  { type = "adamw", base_lr = 0.03, momentum = 0.8, momentum2 = 0.9, delta = 0.01 },
  { type = "lars", base_lr = 3, momentum = 0.9, trust_coefficient = 0.02 },
  { type = "lars" },
}

-- Rules that are no arithmetic for each number; test_NAME.lua is theirs.
local others = { { type = "lbfgs", base_lr = 1 } }

local function with(options, more)
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  for key, value in pairs(more) do all[key] = value end
  return all
end

-- ---- five iterations of least squares ----

-- Rows of numbers, updated in place. memory: a table for each number.
local function update(rows, grads, memory, o, at)
  at.weight_norm, at.gradient_norm = problem.norm(rows), at.clip * problem.norm(grads)
  for r, row in ipairs(rows) do
    for i, w in ipairs(row) do
      at.w, at.grad = w, at.clip * grads[r][i]
      at.pull = at.lambda * problem.pull[o.regularization_type or "L2"](w)
      memory[r * 10 + i] = memory[r * 10 + i] or {}
      row[i] = rule[o.type or "sgd"](o, memory[r * 10 + i], at)
    end
  end
end

-- Five iterations by hand -> losses, W, b.
local function by_hand(o, mult)
  local W = { { table.unpack(problem.W[1]) }, { table.unpack(problem.W[2]) } }
  local B = { table.unpack(problem.B) }
  local memory, losses = { {}, {} }, {}
  for t = 1, 5 do
    local loss, dW, dB = problem.gradients(W, B)
    local norm, most = problem.norm { dW[1], dW[2], dB }, o.clip_gradients or 0
    local clip = most > 0 and norm > most and most / norm or 1
    losses[t] = loss
    for p, pair in ipairs { { W, dW }, { { B }, { dB } } } do
      update(pair[1], pair[2], memory[p], o, { t = t, clip = clip,
        rate = o.base_lr * mult.lr[p], lambda = (o.weight_decay or 0) * mult.decay[p] })
    end
  end
  return losses, W, B
end

-- Five operations on numbers near 1, a few roundings each.
local tolerance = support.is_double and 1e-13 or 4e-6

local function close(found, expected, what)
  local near = math.abs(found - expected) <= tolerance -- false for NaN
  if not near then
    lu.fail(("%s: %.17g, expected %.17g"):format(what, found, expected))
  end
end

local function check_by_hand(options, mult)
  local net = problem.net(mult)
  options = with({ base_lr = 0.1, loss = "mse_loss" }, options)
  local losses, W, B = by_hand(options, mult or { lr = { 1, 1 }, decay = { 1, 1 } })
  local solver = lander.solver(net, options)
  local x, target = lander.tensor(problem.X), lander.tensor(problem.T)
  local what = (options.type or "sgd") .. " " .. (options.regularization_type or "") .. " "
  for t = 1, 5 do
    lu.assertEquals(solver.iter, t - 1)
    close(solver:step(x, target), losses[t], what .. "loss " .. t)
  end
  for o = 1, 2 do
    for i = 1, 3 do close(net.params[1].data:get(o, i), W[o][i], what .. "W " .. o .. i) end
    close(net.params[2].data:get(o), B[o], what .. "b " .. o)
  end
  return solver, net
end

-- Every rule with these options on top.
local function check_all(more, mult)
  for _, options in ipairs(given) do check_by_hand(with(options, more), mult) end
end

TestRulesByHand = {}

function TestRulesByHand.test_every_rule()
  check_all {}
end

function TestRulesByHand.test_regularisation()
  check_all { weight_decay = 0.1 }
  check_all { weight_decay = 0.1, regularization_type = "L2" }
  check_all { weight_decay = 0.1, regularization_type = "L1" } -- problem.W has a 0
  check_all { weight_decay = 0.05, regularization_type = "L1L2" }
end

function TestRulesByHand.test_multipliers()
  local mult = { lr = { 1, 2 }, decay = { 1, 0 } }
  check_all({ weight_decay = 0.1 }, mult)
  mult = { lr = { 0.5, 0 }, decay = { 3, 0.5 } }
  check_all({ weight_decay = 0.1, regularization_type = "L1" }, mult)
  check_all({ weight_decay = 0.05, regularization_type = "L1L2" }, mult)
end

function TestRulesByHand.test_clipping()
  check_all { clip_gradients = 0.5 }
  -- The regulariser's part is not clipped.
  check_all { clip_gradients = 0.5, weight_decay = 0.2 }
  check_all { clip_gradients = 1e6 } -- never reached
end

function TestRulesByHand.test_iter_size()
  check_all { iter_size = 2 }
  check_all { iter_size = 4, weight_decay = 0.1, clip_gradients = 0.5 }
end

function TestRulesByHand.test_gd_is_sgd_without_momentum_to_the_bit()
  local nets = {}
  for i, type in ipairs { "gd", "sgd" } do
    local _, net = check_by_hand { type = type, weight_decay = 0.01 }
    nets[i] = net
  end
  support.same_params(nets[1], nets[2])
end

function TestRulesByHand.test_a_frozen_parameter_stays()
  local net = problem.net()
  net.params[1].frozen = true
  local solver = lander.solver(net, { base_lr = 0.1, momentum = 0.9, weight_decay = 0.1,
    clip_gradients = 0.1, loss = "mse_loss" })
  local before = net.params[2].data:clone()
  -- The norm that is clipped is of what is trained.
  local _, _, dB = problem.gradients(problem.W, problem.B)
  local norm = problem.norm { dB }
  solver:step(lander.tensor(problem.X), lander.tensor(problem.T))
  support.same_bits(net.params[1].data, lander.tensor(problem.W))
  for o = 1, 2 do
    local moved = -0.1 * (0.1 / norm * dB[o] + 0.1 * problem.B[o])
    close(net.params[2].data:get(o) - before:get(o), moved, "b " .. o)
  end
end

-- What the trust ratio is made of may be 0: then it is 1.
function TestRulesByHand.test_lars_without_a_norm()
  local net = problem.net()
  net.params[2].data:zero_()
  local solver = lander.solver(net, { type = "lars", base_lr = 0.1, loss = "mse_loss" })
  local _, _, dB = problem.gradients(problem.W, { 0, 0 })
  solver:step(lander.tensor(problem.X), lander.tensor(problem.T))
  for o = 1, 2 do close(net.params[2].data:get(o), -0.1 * dB[o], "b " .. o) end
  net = nn.net { nn.input { 3 }, nn.linear { 2, bias = false } }
  local before = net.params[1].data:clone()
  solver = lander.solver(net, { type = "lars", base_lr = 0.1, loss = "mse_loss" })
  solver:step(lander.zeros(4, 3), lander.zeros(4, 2)) -- no gradient
  support.same_bits(net.params[1].data, before)
  -- A gradient of almost nothing makes no infinite factor.
  solver:step(lander.full(support.is_double and 1e-160 or 1e-22, 4, 3), lander.zeros(4, 2))
  lu.assertEquals(net.params[1].data:isfinite():min(), 1)
end

-- A weight whose gradient is 0 stays, also where the gradient is divided by its size.
function TestRulesByHand.test_no_gradient_no_step()
  for _, options in ipairs(given) do
    local net = problem.net()
    local solver = lander.solver(net, with({ base_lr = 0.1 }, with(options, { loss = "mse_loss" })))
    net.params[1].data:zero_()
    net.params[2].data:zero_()
    solver:step(lander.tensor(problem.X), lander.zeros(4, 2))
    for i = 1, 2 do lu.assertEquals(net.params[i].data:abs():max(), 0) end
  end
end

-- ---- what holds for all ----

-- Large enough for more than one span, so that a norm is a sum of sums.
local function mlp(seed)
  return nn.net { nn.input { 20 }, nn.linear { 500 }, nn.tanh {}, nn.dropout { 0.2 },
    nn.linear { 5 }, seed = seed }
end

local function small(seed)
  return nn.net { nn.input { 20 }, nn.linear { 30 }, nn.tanh {}, nn.linear { 5 }, seed = seed }
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

-- For each type that is registered options to run it with.
local function each_type(f)
  local count = 0
  for _, description in ipairs(lander.core.describe "solver") do
    local found
    for _, list in ipairs { given, others } do
      for _, options in ipairs(list) do
        found = found or options.type == description.name and options or nil
      end
    end
    lu.assertNotNil(found, description.name .. " is not in this test: give it options")
    f(with({ base_lr = 0.1, weight_decay = 0.001 }, found), description)
    count = count + 1
  end
  lu.assertTrue(count >= 9)
end

local function steps(solver, count)
  for _ = 1, count do assert(solver:step(batch(16, solver.iter + 1))) end
end

TestRules = {}

function TestRules.test_iter_size_4_with_batches_of_16_is_64()
  each_type(function(options, description)
    -- A gradient that is all rounding error is not to be divided by itself.
    for _, option in ipairs(description.options) do
      if option.name == "delta" then options.delta = 0.01 end
    end
    local nets = { small(3), small(3) }
    local x, y = batch(64)
    local one = lander.solver(nets[1], options)
    local four = lander.solver(nets[2], with(options, { iter_size = 4 }))
    local iterations = options.type == "lbfgs" and 4 or 10 -- which magnifies most
    for _ = 1, iterations do
      lu.assertAlmostEquals(one:step(x, y), four:step(x, y), 10 * tolerance)
    end
    -- The sums are the same ones in another order.
    for i = 1, #nets[1].params do
      local difference = (nets[1].params[i].data - nets[2].params[i].data):abs():max()
      lu.assertTrue(difference <= 10 * tolerance, options.type .. " " .. difference)
    end
    fails("can't be cut in iter_size=4", four.step, four, batch(63))
    lu.assertEquals(four.iter, iterations)
  end)
end

function TestRules.test_threads_do_not_change_a_bit()
  local before = lander.threads()
  each_type(function(options)
    local nets = {}
    for threads = 1, 3 do
      lander.threads(threads)
      nets[threads] = mlp(9)
      local clip = options.type ~= "lbfgs" and 0.3 or 0
      steps(lander.solver(nets[threads], with(options, { clip_gradients = clip })), 6)
    end
    support.same_params(nets[1], nets[2])
    support.same_params(nets[1], nets[3])
  end)
  lander.threads(before)
end

function TestRules.test_resumed_to_the_bit()
  local path = support.folder() .. "/snapshot.npz"
  each_type(function(options)
    local whole = lander.solver(mlp(7), options)
    steps(whole, 9)
    local first = lander.solver(mlp(7), options)
    steps(first, 4)
    first:snapshot(path)
    local second = lander.solver(mlp(8), options) -- weights and dropout: the snapshot's
    second:restore(path)
    steps(second, 5)
    support.same_params(whole.net, second.net)
    -- It is the history, too: without it the end is another.
    local without = lander.solver(mlp(7), options)
    without.net.params[1].data:copy_(lander.load(path).params[1].data)
    steps(without, 9)
    lu.assertTrue(without.net.params[1].data:eq(whole.net.params[1].data):min() == 0)
  end)
end

function TestRules.test_a_checkpoint_brings_back_every_bit()
  each_type(function(options)
    local whole, other = lander.solver(mlp(7), options), lander.solver(mlp(7), options)
    steps(whole, 9)
    steps(other, 4)
    local c = other:checkpoint()
    steps(other, 3)
    other:return_to(c)
    steps(other, 5)
    support.same_params(whole.net, other.net)
  end)
end

function TestRules.test_a_rejected_step_never_happened()
  local bad, y = batch(16)
  bad:set(0 / 0, 1, 1)
  each_type(function(options)
    local nets = {}
    for i = 1, 2 do
      nets[i] = mlp(5)
      local solver = lander.solver(nets[i], options)
      for t = 1, 6 do
        if i == 2 and t % 2 == 0 then
          lu.assertEquals(select(2, solver:step(bad, y)), "R1")
        end
        steps(solver, 1)
      end
    end
    support.same_params(nets[1], nets[2])
  end)
end

function TestRules.test_each_learns()
  each_type(function(options)
    local solver = lander.solver(small(1), options)
    local x, y = batch(32)
    local first = solver:step(x, y)
    for _ = 1, 300 do solver:step(x, y) end
    lu.assertTrue(solver.loss < 0.7 * first, options.type .. " " .. solver.loss)
  end)
end

-- ---- descriptions and options ----

TestRulesDescribed = {}

function TestRulesDescribed.test_every_type_says_what_it_is()
  each_type(function(_, description)
    lu.assertTrue(#description.help > 20, description.name)
    local example = assert(load("local lander, net = ... return " .. description.example))
    lu.assertEquals(example(lander, small(1)).type, description.name)
    for _, option in ipairs(description.options) do
      lu.assertTrue(#option.help > 5, option.name)
    end
    lu.assertTrue(rule[description.name] ~= nil
      or support.exists(("tests/test_%s.lua"):format(description.name)), description.name)
  end)
end

function TestRulesDescribed.test_mistakes()
  local function solver_of(options)
    return lander.solver(small(1), with({ base_lr = 0.1 }, options))
  end
  fails("did you mean 'adam'", solver_of, { type = "adan" })
  fails("did you mean 'rms_decay'", solver_of, { type = "rmsprop", rms_decy = 0.9 })
  fails("'momentum2' has no effect with type=sgd; it belongs to adam, adamw", solver_of,
    { momentum2 = 0.9 })
  fails("'momentum' has no effect with type=rmsprop", solver_of,
    { type = "rmsprop", momentum = 0.9 })
  fails("rms_decay", solver_of, { type = "rmsprop", rms_decay = 1 })
  fails("momentum", solver_of, { type = "adam", momentum = 1 })
  fails("momentum2", solver_of, { type = "adamw", momentum2 = 1 })
  fails("delta", solver_of, { type = "adagrad", delta = 0 })
  fails("trust_coefficient", solver_of, { type = "lars", trust_coefficient = -1 })
  fails("L1L2", solver_of, { regularization_type = "L2L1" })
end
