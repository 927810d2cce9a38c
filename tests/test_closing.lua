-- What a script may do to objects at the wrong moment: close them while others use them,
-- from a function that the library calls, or make new ones in a finalizer. And options
-- that look right and are not. The answer is words, never a crash.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails

local function close(object) getmetatable(object).__close(object) end

local function small_net() return nn.net { nn.input { 4 }, nn.linear { 3 } } end
local x, y = lander.ones(2, 4), lander.tensor { 1, 2 }

TestClosing = {}

function TestClosing.test_what_belongs_to_a_closed_net()
  local net = small_net()
  local layer, params, param = net.linear1, net.params, net.params[1]
  close(net)
  close(net)
  local words = "the net that this belongs to was closed"
  fails(words, function() return layer.output end)
  fails(words, function() return param.data end)
  fails(words, function() param.lr_mult = 2 end)
  fails(words, function() return #params end)
  fails("this net was closed", function() return net:forward(x) end)
end

function TestClosing.test_the_solver_of_a_closed_net()
  local net = small_net()
  local solver = lander.solver(net, { base_lr = 0.1 })
  solver:step(x, y)
  close(net)
  local words = "the net of this solver was closed"
  fails(words, function() return solver:step(x, y) end)
  fails(words, function() return solver:lr() end)
  fails(words, function() return solver.loss end)
  fails(words, function() return solver:snapshot(support.folder() .. "/s.npz") end)
  close(solver)
  fails("this solver was closed", function() return solver:step(x, y) end)
end

function TestClosing.test_a_schedule_that_closes()
  local net = small_net()
  fails("this net was closed", function()
    return lander.solver(net, { lr_policy = function() close(net) return 0.1 end })
  end)
  local solver
  solver = lander.solver(small_net(), { lr_policy = function()
    if solver then close(solver) end
    return 0.1
  end })
  fails("this solver was closed", function() return solver:step(x, y) end)
end

-- Inputs are collected without running anything of the script's.
function TestClosing.test_a_list_of_inputs_that_closes()
  local net, mine = small_net(), lander.ones(2, 4)
  local list = setmetatable({ mine }, {
    __len = function() return 2 end,
    __index = function() close(mine) close(net) return mine end,
  })
  lu.assertEquals(net:forward(list):size(), { 2, 3 })
end

function TestClosing.test_finalizers_that_make_tensors()
  local going_on, runs, wrong = true, 0, 0
  local function leave_garbage()
    setmetatable({}, { __gc = function()
      if not going_on then return end
      runs = runs + 1
      lander.full(-1, 3)
      leave_garbage()
    end })
  end
  leave_garbage()
  local started, i = os.time(), 0
  repeat -- tensors and nothing else, so that making one wakes the collector
    i = i + 1
    local t = lander.full(i % 1000, 2)
    if t[1] ~= i % 1000 then wrong = wrong + 1 end
  until runs >= 3 or os.time() - started > 60
  going_on = false
  lu.assertTrue(runs >= 3)
  lu.assertEquals(wrong, 0)
end

TestOptionTables = {}

local function conv(options)
  return nn.net { nn.input { 1, 8, 8 }, nn.conv(options) }:text()
end

function TestOptionTables.test_what_would_be_lost_is_refused()
  fails("more unnamed entries than its type", conv,
    { 2, kernel = 3, weight_filler = { "gaussian", 0.5, std = 1 } })
  fails("more unnamed entries than its type", conv,
    { 2, kernel = 3, weight_filler = { "gaussian", type = "xavier" } })
  fails("'weight_filler' must be", conv, { 2, kernel = 3, weight_filler = "xavier\0 and more" })
  fails("'pad", conv, { 2, kernel = 3, ["pad\0"] = 1 })
  fails("counted from 1 on without a hole, found [7]", lander.data.tensors(x, y).batches,
    lander.data.tensors(x, y), { size = 1, [7] = 2 })
  fails("counted from 1 on without a hole, found [0]", lander.solver, small_net(),
    { base_lr = 0.1, [0] = 2 })
end

-- What a table's metatable does while it is read must not matter.
function TestOptionTables.test_they_are_read_raw()
  local options = setmetatable({ base_lr = 0.1, ["moment" .. "um"] = 0.5 }, {
    __len = function(t) t.momentum = nil collectgarbage() return 0 end,
  })
  lu.assertEquals(lander.solver(small_net(), options).momentum, 0.5)
end

function TestOptionTables.test_too_long()
  fails("conv: the options are too long", conv,
    { 2, kernel = 3, weight_filler = ("x"):rep(20000) })
end

-- The rate that a function says first is base_lr when there is none, with all its digits.
function TestOptionTables.test_base_lr_of_a_schedule()
  local rate = 0.1 + 2 ^ -50
  local solver = lander.solver(small_net(), { lr_policy = function() return rate end })
  lu.assertEquals(solver.base_lr, rate)
end
