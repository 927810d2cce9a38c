-- plot_reach.lua: how far axes reach, and what leaves the picture.
local lander = ...
local core = lander.core

-- Calls look(v) for the x or y of what counts, or (gone) of what a run went back from. The ends of
-- attempts are among that; where they are is seen on any axis of x.
local function each_value(curves, key, gone, look)
  for _, curve in ipairs(curves) do
    for _, stretch in ipairs(curve.stretches) do
      if (stretch.gone ~= nil) == gone then
        for _, v in ipairs(stretch[key]) do look(v) end
      end
    end
    if gone or key == "x" then
      for _, mark in ipairs(curve.marks) do
        if mark[key] then look(mark[key]) end
        if key == "x" and mark.to then look(mark.to) end
      end
    end
  end
end

-- The lowest and highest of those between `least` and `most`.
local function reach(curves, key, log, gone, least, most)
  local low, high
  each_value(curves, key, gone, function(v)
    if core.is_finite(v) and (not log or v > 0) and v >= least and v <= most then
      low, high = math.min(low or v, v), math.max(high or v, v)
    end
  end)
  return low, high
end

local function any_whole(curves)
  for _, curve in ipairs(curves) do
    if curve.whole then return true end
  end
  return core.only_gone(curves)
end

-- What is gone may have had any loss. It is in the picture as far as what counts from low to high
-- keeps half of the height about; what is further off leaves it.
local function limits(low, high, log)
  if log then
    local factor = math.max(10, high / low)
    return low / factor, high * factor
  end
  local room = math.max(high - low, math.max(math.abs(low), math.abs(high)) / 2)
  return low - room, high + room
end

-- Bounds of an axis, "x" or "y"; nil where nothing has a place.
local function bounds(curves, key, log)
  local low, high = reach(curves, key, log, false, -math.huge, math.huge)
  local least, most = -math.huge, math.huge
  if low and key == "y" and not any_whole(curves) then least, most = limits(low, high, log) end
  local gone_low, gone_high = reach(curves, key, log, true, least, most)
  if not low or not gone_low then return low or gone_low, high or gone_high end
  return math.min(low, gone_low), math.max(high, gone_high)
end

core.plot_bounds = bounds

-- Whether places are iterations, which are whole numbers.
local function are_iterations(curves)
  for _, curve in ipairs(curves) do
    if not curve.iterations then return false end
  end
  return true
end

-- The axis of x, which ends where the curves do.
function core.plot_x_scale(curves, log, options, ticks)
  local low, high = bounds(curves, "x", log)
  if options.x_range then low, high = options.x_range[1], options.x_range[2] end
  return core.new_scale(low, high, { log = log, ticks = ticks, tight = true,
    whole = are_iterations(curves) })
end

-- The axis of y: of what is there, or as it is asked for.
function core.plot_y_scale(curves, log, options, ticks)
  local low, high = bounds(curves, "y", log)
  if options.y_range then low, high = options.y_range[1], options.y_range[2] end
  return core.new_scale(low, high, { log = log, ticks = ticks, tight = options.y_range ~= nil })
end

-- The x that several panels share.
function core.panels_range(panels)
  local low, high
  for _, panel in ipairs(panels) do
    local from, to = bounds(panel.curves, "x", (panel.options.log or ""):find "x")
    if from then low, high = math.min(low or from, from), math.max(high or to, to) end
  end
  return low and { low, high }
end

-- The highest value above an axis and the lowest below it; nil where there is none.
function core.plot_beyond(curves, scale)
  local up, down
  local function look(v)
    if not core.scale_holds(scale, v) then return end
    if core.is_above(scale, v) then up = math.max(up or v, v) end
    if core.is_below(scale, v) then down = math.min(down or v, v) end
  end
  each_value(curves, "y", false, look)
  each_value(curves, "y", true, look)
  return up, down
end

-- How many values have no logarithm: none is above 0.
function core.count_placeless(curves, scale)
  local count = 0
  local function look(v)
    if core.is_finite(v) and not core.scale_holds(scale, v) then count = count + 1 end
  end
  each_value(curves, "y", false, look)
  each_value(curves, "y", true, look)
  return count
end

-- The line from point a to b, as much of it as lies between low and high; nil: none of it.
local function clip(a, b, low, high)
  if a[2] > b[2] then
    b, a = clip(b, a, low, high)
    return a, b
  end
  if b[2] < low or a[2] > high then return nil end
  local slope = (b[1] - a[1]) / (b[2] - a[2])
  return a[2] < low and { a[1] + (low - a[2]) * slope, low } or a,
    b[2] > high and { a[1] + (high - a[2]) * slope, high } or b
end

-- A line through points { x, y } as the pieces of it between low and high, and where it leaves:
-- { { x =, to = low or high }, ... }.
function core.clip_line(points, low, high)
  local pieces, exits, piece = {}, {}, nil
  local was_inside = true
  for i, b in ipairs(points) do
    local inside = b[2] >= low and b[2] <= high
    local from, to
    if i > 1 then from, to = clip(points[i - 1], b, low, high) end
    if from and not piece then
      piece = { from }
      pieces[#pieces + 1] = piece
    end
    if to then
      piece[#piece + 1] = to
    elseif inside and not piece then
      piece = { b }
      pieces[#pieces + 1] = piece
    end
    if not inside then
      piece = nil
      if was_inside or to then
        exits[#exits + 1] = { x = to and to[1] or b[1], to = b[2] < low and low or high }
      end
    end
    was_inside = inside
  end
  return pieces, exits
end
