-- test_lbfgs.lua: directions made by hand with whole matrices, the line search's promises,
-- and what an iteration that moves only after looking must leave as it was. (What holds for
-- all rules is in test_rules.lua; numbers from PyTorch in test_compare_rules.lua.)
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local problem = require "tests.least_squares"
local nn = lander.nn
local fails = support.fails

local function with(options, more)
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  for key, value in pairs(more) do all[key] = value end
  return all
end

-- ---- by hand ----

-- All weights in one list.
local function flat(W, B)
  local list = {}
  for _, row in ipairs { W[1], W[2], B } do table.move(row, 1, #row, #list + 1, list) end
  return list
end

-- -> the objective, its gradient, the loss in it
local function objective(w, o, mult)
  local W, B = { { w[1], w[2], w[3] }, { w[4], w[5], w[6] } }, { w[7], w[8] }
  local loss, dW, dB = problem.gradients(W, B)
  local g, f = flat(dW, dB), loss
  for i, v in ipairs(w) do
    local lambda = (o.weight_decay or 0) * mult.decay[i > 6 and 2 or 1]
    local kind = o.regularization_type or "L2"
    g[i] = g[i] + lambda * problem.pull[kind](v)
    f = f + lambda * ((kind ~= "L1" and v * v / 2 or 0) + (kind ~= "L2" and math.abs(v) or 0))
  end
  return f, g, loss
end

local function dot(a, b)
  local sum = 0
  for i = 1, #a do sum = sum + a[i] * b[i] end
  return sum
end

local function minus(a, b)
  local list = {}
  for i = 1, #a do list[i] = a[i] - b[i] end
  return list
end

local function times(H, v)
  local list = {}
  for i = 1, #v do list[i] = dot(H[i], v) end
  return list
end

-- BFGS with a whole matrix (Nocedal and Wright 6.17): (1 - r s y') H (1 - r y s') + r s s'.
local function bfgs(H, s, y)
  local r, Hy, new = 1 / dot(s, y), times(H, y), {}
  local middle = r * r * dot(y, Hy) + r
  for i = 1, #s do
    new[i] = {}
    for j = 1, #s do
      new[i][j] = H[i][j] - r * (s[i] * Hy[j] + Hy[i] * s[j]) + middle * s[i] * s[j]
    end
  end
  return new
end

-- The matrix that the last `most` pairs make of gamma diag(lr_mult).
local function inverse(list, most, mult)
  local function shape(i) return mult.lr[i > 6 and 2 or 1] end
  local H, gamma, last = {}, 1, list[#list]
  if last then
    local shaped = {}
    for i, v in ipairs(last.y) do shaped[i] = shape(i) * v end
    gamma = dot(last.s, last.y) / dot(last.y, shaped)
  end
  for i = 1, 8 do
    H[i] = {}
    for j = 1, 8 do H[i][j] = i == j and gamma * shape(i) or 0 end
  end
  for k = math.max(1, #list - most + 1), #list do H = bfgs(H, list[k].s, list[k].y) end
  return H
end

-- What rounding leaves, when numbers are about 1.
local slack = support.is_double and 1e-13 or 4e-6
local near = support.is_double and 1e-10 or 1e-3

-- A step along -d that satisfies the strong Wolfe conditions.
local function check_step(s, d, f, g, f_new, g_new, what)
  local length = -dot(s, d) / dot(d, d)
  for i = 1, #s do
    local off = math.abs(s[i] + length * d[i])
    lu.assertTrue(off <= near * math.sqrt(dot(s, s)), ("%s: off by %g"):format(what, off))
  end
  local slope, slope_new = -dot(g, d), -dot(g_new, d)
  lu.assertTrue(length > 0, what)
  lu.assertTrue(f_new <= f + 1e-4 * length * slope + slack, what)
  lu.assertTrue(math.abs(slope_new) <= -0.9 * slope + slack, what)
end

-- Five iterations, each along -H g, H made as a whole matrix.
local function follow(options, mult)
  mult = mult or { lr = { 1, 1 }, decay = { 1, 1 } }
  local net = problem.net(mult)
  local o = with({ type = "lbfgs", base_lr = 1, loss = "mse_loss", history_size = 2 }, options)
  local solver = lander.solver(net, o)
  local function weights()
    return flat(net.params[1].data:totable(), net.params[2].data:totable())
  end
  local list, x, target = {}, lander.tensor(problem.X), lander.tensor(problem.T)
  for t = 1, 5 do
    local before = weights()
    local f, g, loss = objective(before, o, mult)
    lu.assertAlmostEquals(solver:step(x, target), loss, slack)
    local after = weights()
    local s, d = minus(after, before), times(inverse(list, o.history_size, mult), g)
    local f_new, g_new = objective(after, o, mult)
    check_step(s, d, f, g, f_new, g_new, "iteration " .. t)
    list[#list + 1] = { s = s, y = minus(g_new, g) }
  end
end

Testlbfgs = {}

function Testlbfgs.test_directions_by_hand()
  follow {}
  follow { history_size = 1 }
  follow { history_size = 10 }
  follow { iter_size = 2 }
end

function Testlbfgs.test_the_first_length_is_too_long_or_too_short()
  follow { base_lr = 50 }
  follow { base_lr = 0.01 }
end

function Testlbfgs.test_regularisation_and_multipliers_by_hand()
  follow { weight_decay = 0.1 }
  follow({ weight_decay = 0.1 }, { lr = { 1, 1 }, decay = { 2, 0 } })
  follow({}, { lr = { 1, 3 }, decay = { 1, 1 } })
  follow({ weight_decay = 0.1, iter_size = 4 }, { lr = { 0.5, 0 }, decay = { 1, 1 } })
  follow { weight_decay = 0.001, regularization_type = "L1L2" }
end

function Testlbfgs.test_the_first_step_by_hand()
  -- Steepest descent, no longer than rate / |g|_1; that short, it is accepted as it is
  -- when the slope at its end is flat enough, as with this rate.
  local net = problem.net()
  local _, dW, dB = problem.gradients(problem.W, problem.B)
  local g, size = flat(dW, dB), 0
  for _, v in ipairs(g) do size = size + math.abs(v) end
  local solver = lander.solver(net, { type = "lbfgs", base_lr = 0.8, loss = "mse_loss" })
  solver:step(lander.tensor(problem.X), lander.tensor(problem.T))
  local w = flat(net.params[1].data:totable(), net.params[2].data:totable())
  for i, v in ipairs(flat(problem.W, problem.B)) do
    lu.assertAlmostEquals(w[i], v - math.min(1, 1 / size) * 0.8 * g[i], slack)
  end
end

function Testlbfgs.test_a_frozen_parameter_stays()
  local net = problem.net()
  net.params[1].frozen = true
  local solver = lander.solver(net, { type = "lbfgs", base_lr = 1, loss = "mse_loss" })
  for _ = 1, 5 do solver:step(lander.tensor(problem.X), lander.tensor(problem.T)) end
  support.same_bits(net.params[1].data, lander.tensor(problem.W))
  local _, _, dB = problem.gradients(problem.W, net.params[2].data:totable())
  lu.assertTrue(problem.norm { dB } < 100 * slack) -- the minimum in b
end

-- ---- what the search may and may not do ----

-- The loss of a hard problem, Rosenbrock's valley, for a net whose only parameter is the
-- point; and how often it was looked at.
local looks = 0
nn.define("test_valley", {
  params = function() return { point = { size = { 2 }, filler = { "constant", value = 0 } } } end,
  forward = function(self, x)
    looks = looks + 1
    local p = self.params.point
    local a, b = p:get(1), p:get(2)
    return x * 0 + lander.tensor { 10 * (b - a * a), 1 - a }
  end,
  backward = function(self, x, _, dy)
    local a, n = self.params.point:get(1), x:size(1)
    local first, second = dy:narrow(2, 1, 1):sum(), dy:narrow(2, 2, 1):sum()
    return lander.zeros(n, 2),
      { point = lander.tensor { -20 * a * first - second, 10 * first } }
  end,
})

local function valley(options)
  local net = nn.net { nn.input { 2 }, nn.test_valley {} }
  net.params[1].data:copy_(lander.tensor { -1.2, 1 }) -- the classical start
  local o = with({ type = "lbfgs", base_lr = 1, loss = "mse_loss" }, options or {})
  local solver, x, t = lander.solver(net, o), lander.zeros(1, 2), lander.zeros(1, 2)
  return solver, function() return solver:step(x, t) end
end

function Testlbfgs.test_a_curved_valley()
  local solver, step = valley()
  local last = math.huge
  for _ = 1, 40 do
    local loss = step()
    lu.assertTrue(loss <= last)
    last = loss
  end
  local point = solver.net.params[1].data
  lu.assertAlmostEquals(point:get(1), 1, support.is_double and 1e-6 or 1e-2)
  lu.assertAlmostEquals(point:get(2), 1, support.is_double and 1e-6 or 1e-2)
end

function Testlbfgs.test_the_number_of_evaluations_is_bounded()
  local most = 0
  for _, limit in ipairs { 2, 3, 5 } do
    local _, step = valley { max_evaluations = limit, base_lr = 1000 }
    for _ = 1, 20 do
      looks = 0
      lu.assertNotNil(step())
      lu.assertTrue(looks <= limit)
      most = math.max(most, looks)
    end
  end
  lu.assertEquals(most, 5)
end

function Testlbfgs.test_at_the_minimum_nothing_moves()
  local solver, step = valley()
  local there = lander.tensor { 1, 1 }
  solver.net.params[1].data:copy_(there)
  for t = 1, 3 do
    lu.assertEquals(step(), 0)
    lu.assertEquals(solver.iter, t)
  end
  support.same_bits(solver.net.params[1].data, there)
end

function Testlbfgs.test_a_rate_of_zero()
  local solver, step = valley()
  for _ = 1, 3 do step() end
  local before = solver.net.params[1].data:clone()
  solver.base_lr = 0
  step()
  support.same_bits(solver.net.params[1].data, before)
  solver.base_lr = 1
  local loss = step()
  lu.assertTrue(step() < loss)
end

-- ---- points where nothing is finite ----

local function mlp()
  return nn.net { nn.input { 4 }, nn.linear { 6 }, nn.exp {}, nn.linear { 3 }, seed = 4 }
end

local x = lander.tensor { { 1, -2, 0.5, 3 }, { -1, 0.25, 2, -3 }, { 0.5, 0.5, -2, 1 } }
local t = lander.tensor { 1, 2, 3 }

function Testlbfgs.test_a_point_that_is_not_finite_is_too_far()
  local solver = lander.solver(mlp(), { type = "lbfgs", base_lr = 1e6, max_evaluations = 60 })
  local first = solver:step(x, t)
  lu.assertTrue(solver:step(x, t) < first)
  for i = 1, 4 do lu.assertEquals(solver.net.params[i].data:isfinite():min(), 1) end
end

function Testlbfgs.test_no_finite_point_is_a_rejection()
  local solvers = {}
  for i = 1, 2 do
    solvers[i] = lander.solver(mlp(), { type = "lbfgs", base_lr = 1 })
    for _ = 1, 3 do assert(solvers[i]:step(x, t)) end
  end
  local solver, before = solvers[1], {}
  for i = 1, 4 do before[i] = solver.net.params[i].data:clone() end
  solver.base_lr, solver.max_evaluations = 1e20, 3
  local loss, rule, where = solver:step(x, t)
  lu.assertEquals({ loss, rule }, { nil, "R1" })
  lu.assertIsString(where)
  lu.assertEquals(solver.iter, 3)
  for i = 1, 4 do support.same_bits(solver.net.params[i].data, before[i]) end
  -- It never happened: pairs and all.
  solver.base_lr, solver.max_evaluations = 1, 25
  for _ = 1, 4 do
    solvers[1]:step(x, t)
    solvers[2]:step(x, t)
  end
  support.same_params(solvers[1].net, solvers[2].net)
end

-- An error from inside the net, in the middle of a search.
local break_at = math.huge
nn.define("test_fragile", {
  forward = function(_, input)
    looks = looks + 1
    if looks >= break_at then error "it broke" end
    return input + 0
  end,
  backward = function(_, _, _, dy) return dy + 0 end,
})

function Testlbfgs.test_an_error_in_the_search_changes_nothing()
  local solvers = {}
  for i = 1, 2 do
    local net = nn.net { nn.input { 4 }, nn.batch_norm {}, nn.linear { 3 }, nn.test_fragile {},
      seed = 2 }
    solvers[i] = lander.solver(net, { type = "lbfgs", base_lr = 1 })
    for _ = 1, 2 do solvers[i]:step(x, t) end
  end
  looks, break_at = 0, 2 -- the first point that the search looks at
  fails("it broke", solvers[1].step, solvers[1], x, t)
  break_at = math.huge
  support.same_params(solvers[1].net, solvers[2].net) -- running statistics among them
  for _ = 1, 2 do
    solvers[1]:step(x, t)
    solvers[2]:step(x, t)
  end
  support.same_params(solvers[1].net, solvers[2].net)
end

function Testlbfgs.test_running_statistics_move_once_an_iteration()
  local nets = {}
  for i, type in ipairs { "gd", "lbfgs" } do
    nets[i] = nn.net { nn.input { 4 }, nn.batch_norm {}, nn.linear { 3 }, seed = 2 }
    local solver = lander.solver(nets[i], { type = type, base_lr = 30 })
    for _ = 1, 3 do solver:step(x, t) end
  end
  local compared = 0
  for i = 1, #nets[1].params do
    local name = nets[1].params[i].name
    if name:find "running" then
      support.same_bits(nets[1].params[name].data, nets[2].params[name].data)
      compared = compared + 1
    end
  end
  lu.assertEquals(compared, 2)
end

-- ---- options and snapshots ----

function Testlbfgs.test_options()
  fails("clip_gradients has no place in lbfgs", valley, { clip_gradients = 1 })
  fails("history_size", valley, { history_size = 0 })
  fails("max_evaluations", valley, { max_evaluations = 1 })
  fails("'history_size' has no effect with type=sgd; it belongs to lbfgs", lander.solver,
    problem.net(), { base_lr = 1, history_size = 3 })
  local solver = valley()
  fails("how much it remembers can't be changed", function() solver.history_size = 3 end)
  fails("clip_gradients", function() solver.clip_gradients = 1 end)
  lu.assertEquals(solver.history_size, 10)
  solver.history_size = 10
end

function Testlbfgs.test_a_snapshot_of_another_size()
  local path = support.folder() .. "/snapshot.npz"
  local solver, step = valley { history_size = 3 }
  for _ = 1, 8 do step() end
  solver:snapshot(path)
  local other = valley { history_size = 4 }
  fails("it had another history_size", other.restore, other, path)
  lu.assertEquals(other.iter, 0)
  local beside = lander.solver(solver.net, { type = "lbfgs", base_lr = 1, history_size = 4 })
  fails("remembers other things", beside.return_to, beside, solver:checkpoint())
  local same, step_same = valley { history_size = 3 }
  same:restore(path)
  for _ = 1, 5 do lu.assertEquals(step_same(), step()) end
  support.same_params(same.net, solver.net)
end

-- They are those of the point where the iteration began, as with every other rule: of one that
-- goes somewhere, and of one that stays where it is as no point that it looked at was better.
function Testlbfgs.test_running_statistics_are_of_the_point_where_it_began()
  local function make()
    return nn.net { nn.input { 4 }, nn.linear { 5 }, nn.batch_norm {}, nn.linear { 3 }, seed = 2 }
  end
  for _, case in ipairs { { moves = true, base_lr = 1 },
                          { moves = false, base_lr = 1e4, max_evaluations = 2 } } do
    local net, still = make(), make()
    local weight = net.params[1].data:clone()
    lander.solver(net, { type = "lbfgs", base_lr = case.base_lr,
                         max_evaluations = case.max_evaluations }):step(x, t)
    lander.solver(still, { type = "sgd", base_lr = 0 }):step(x, t)
    lu.assertEquals((net.params[1].data - weight):abs():max() > 0, case.moves)
    for _, name in ipairs { "batch_norm1.running_mean", "batch_norm1.running_var" } do
      support.same_bits(net.params[name].data, still.params[name].data)
    end
  end
end
