-- plot_rates.lua: rates between the rows of a run. A schedule that makes steps, and a retry, change
-- the rate at one iteration, which the journal knows: the curve has a step there, not a slope from
-- one row to the next.
local lander = ...
local core = lander.core

local MOST_STEPS = 100 -- between two rows; of more nobody sees one

-- Schedules whose rate stays as it is between their changes.
local flat = { fixed = true, step = true, multistep = true, plateau = true }

-- The first change behind iteration x, or nil: each schedule's own.
local next_change = {
  step = function(solver, x)
    local size = math.tointeger(solver.stepsize)
    return size and size > 0 and (x // size + 1) * size or nil
  end,
  multistep = function(solver, x)
    for _, at in ipairs(type(solver.stepvalue) == "table" and solver.stepvalue or {}) do
      if type(at) == "number" and at > x then return at end
    end
  end,
}

-- The solver's options where iteration x was trained: a run that was resumed may have others.
local function solver_at(starts, x)
  local found = starts[1]
  for _, start in ipairs(starts) do
    if (start.iter or 0) <= x then found = start end
  end
  return found and found.solver or {}
end

local function starts_of(rows)
  local list = {}
  for _, row in ipairs(rows) do
    if row.event == "start" and type(row.solver) == "table" then list[#list + 1] = row end
  end
  return list
end

-- Adds what lies between two rows to list: steps { x =, y = } from the rate y1 at x1. The row at x
-- has the rate of the update before it, so a change at x comes behind that row.
local function add_steps(list, solver, x1, y1, x2, y2)
  local function add(x, y) list.x[#list.x + 1], list.y[#list.y + 1] = x, y end
  local after = next_change[solver.lr_policy]
  local gamma, places = tonumber(solver.gamma) or 1, {}
  local at = after and after(solver, x1 - 1)
  while at and at < x2 and #places <= MOST_STEPS do
    places[#places + 1] = at
    at = after(solver, at)
  end
  if #places > MOST_STEPS then return end
  -- Where nothing tells the place it is the last one that it can be.
  if #places == 0 then places[1] = math.max(x1, x2 - 1) end
  for i, place in ipairs(places) do
    add(place, y1)
    y1 = i == #places and y2 or y1 * gamma
    add(place, y1)
  end
end

-- The rates of rows, x and y, of the attempts `of`, with the steps between them.
local function with_steps(list, starts, attempts)
  local result = { x = {}, y = {}, ended = list.ended }
  for i, x2 in ipairs(list.x) do
    local x1, y1, y2 = list.x[i - 1], list.y[i - 1], list.y[i]
    if x1 and y1 ~= y2 and x1 < x2 then
      local solver, back = solver_at(starts, x1), attempts[list.of[i - 1]].last
      if list.of[i] ~= list.of[i - 1] and back >= x1 and back < x2 then
        table.move({ back, back }, 1, 2, #result.x + 1, result.x)
        table.move({ y1, y2 }, 1, 2, #result.y + 1, result.y)
      elseif flat[solver.lr_policy] and x1 >= (tonumber(solver.warmup_iter) or 0) then
        add_steps(result, solver, x1, y1, x2, y2)
      end
    end
    result.x[#result.x + 1], result.y[#result.y + 1] = x2, y2
  end
  return result
end

-- A function that makes of the rates of a run, a list { x =, y =, of = (attempts) }, one with the
-- steps between rows.
function core.rate_stepper(rows, attempts)
  local starts = starts_of(rows)
  return function(list) return with_steps(list, starts, attempts) end
end
