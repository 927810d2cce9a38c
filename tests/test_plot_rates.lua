-- Rates in plots and pages: a step where the journal knows of one.
local lu = require "luaunit"
local lander = require "lander"
local core = lander.core

-- The rate's curve of a run with these options of the solver, and rows { iter, rate, attempt }.
local function curve_of(solver, rows, events)
  local start = { event = "start", attempt = 1, iter = 0, solver = solver }
  local run = { history = {}, events = { start, table.unpack(events or {}) } }
  for i, row in ipairs(rows) do
    run.history[i] = { event = "train", iter = row[1], rate = row[2], attempt = row[3] or 1,
                       loss = 1 }
  end
  return core.plot_curves({ run }, { what = "rate" })[1]
end

local function points(stretch)
  local list = {}
  for i, x in ipairs(stretch.x) do list[i] = ("%g:%g"):format(x, stretch.y[i]) end
  return table.concat(list, " ")
end

local function check(solver, rows, expected)
  local curve = curve_of(solver, rows)
  lu.assertEquals(#curve.stretches, 1)
  lu.assertEquals(points(curve.stretches[1]), expected)
end

TestPlotRates = {}

function TestPlotRates.test_a_step()
  local step = { lr_policy = "step", stepsize = 25, gamma = 0.1 }
  check(step, { { 0, 1 }, { 20, 1 }, { 40, 0.1 } }, "0:1 20:1 25:1 25:0.1 40:0.1")
  -- The row at the change has the rate before it, as an update at that iteration is to come.
  check(step, { { 25, 1 }, { 26, 0.1 } }, "25:1 25:1 25:0.1 26:0.1")
  check(step, { { 20, 1 }, { 60, 0.01 } }, "20:1 25:1 25:0.1 50:0.1 50:0.01 60:0.01")
end

function TestPlotRates.test_others_with_steps()
  check({ lr_policy = "multistep", stepvalue = { 10, 70, 80 }, gamma = 0.5 },
    { { 0, 1 }, { 50, 0.5 }, { 100, 0.125 } }, "0:1 10:1 10:0.5 50:0.5 70:0.5 70:0.25 80:0.25 "
    .. "80:0.125 100:0.125")
  -- Nobody knows where: between the rows, all the same no slope.
  check({ lr_policy = "plateau" }, { { 0, 1 }, { 50, 0.5 } }, "0:1 49:1 49:0.5 50:0.5")
  check({ lr_policy = "fixed" }, { { 0, 1 }, { 50, 0.5 } }, "0:1 49:1 49:0.5 50:0.5")
end

function TestPlotRates.test_those_without()
  for _, policy in ipairs { "cosine", "function: 0x1" } do
    check({ lr_policy = policy }, { { 0, 1 }, { 50, 0.5 } }, "0:1 50:0.5")
  end
  check({ lr_policy = "fixed", warmup_iter = 60 }, { { 0, 0.1 }, { 50, 0.5 } }, "0:0.1 50:0.5")
  check(nil, { { 0, 1 }, { 50, 0.5 } }, "0:1 50:0.5")
  check({ lr_policy = "step", stepsize = 0, gamma = {} }, { { 0, 1 }, { 50, 0.5 } },
    "0:1 49:1 49:0.5 50:0.5")
end

-- A retry begins with its rate where the run went back to, whatever the schedule is.
function TestPlotRates.test_a_retry()
  local curve = curve_of({ lr_policy = "cosine" }, { { 0, 1 }, { 50, 0.9 }, { 90, 0.8 },
    { 70, 0.4, 2 } }, { { event = "diverged", attempt = 1, iter = 92, rate = 0.8 },
    { event = "retry", attempt = 2, iter = 92, back_to = 60 } })
  lu.assertEquals(points(curve.stretches[1]), "50:0.9 90:0.8 92:0.8")
  lu.assertEquals(points(curve.stretches[2]), "0:1 50:0.9 60:0.9 60:0.4 70:0.4")
end
