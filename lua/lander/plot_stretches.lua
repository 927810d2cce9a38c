-- plot_stretches.lua: points as the stretches and marks of a curve (plot_curves.lua tells what that
-- is), and their means.
local lander = ...
local core = lander.core

-- Adds the points to the curve: stretches between values that are not finite, and a mark for
-- each row of those. about: { gone =, text =, trial = } of the stretches.
function core.add_points(curve, x, y, about)
  local stretch, bad
  for i = 1, #y do
    if not core.is_finite(y[i]) then
      stretch = nil
      local text = core.number_text(y[i])
      if bad and bad.what == text then
        bad.to = x[i]
        bad.text = ("%s from %s to %s"):format(text, core.number_text(bad.x),
          core.number_text(bad.to))
      else
        bad = { x = x[i], what = text,
                text = ("%s at %s"):format(text, core.number_text(x[i])) }
        curve.marks[#curve.marks + 1] = bad
      end
    else
      bad = nil
      if not stretch then
        stretch = { x = {}, y = {} }
        for key, value in pairs(about or {}) do stretch[key] = value end
        curve.stretches[#curve.stretches + 1] = stretch
      end
      stretch.x[#stretch.x + 1], stretch.y[#stretch.y + 1] = x[i], y[i]
    end
  end
end

-- A name may come from a file's name: nothing in it may steer a terminal, or turn a line.
function core.new_curve(name)
  return { name = name and core.harmless_word(tostring(name)), stretches = {}, marks = {} }
end

-- The mean of the last `count` of a list's numbers, whose sum is at hand where it is finite.
local function mean_of_last(list, count, sum)
  if core.is_finite(sum) then return sum / count end
  local mean = 0
  for i = #list - count + 1, #list do mean = mean + list[i] / count end
  return mean
end

-- The mean of the last n values that are finite; what is not finite stays. Values are cut into
-- blocks of n: the last n are the tail of one block and the head of the next, so that nothing is
-- ever subtracted, and one large value leaves no trace behind it.
local function smooth(y, n)
  local result, kept, head, tails = {}, {}, 0, {}
  for i, value in ipairs(y) do
    result[i] = value
    if core.is_finite(value) then
      kept[#kept + 1] = value
      local place = (#kept - 1) % n + 1
      head = place == 1 and value or head + value
      result[i] = mean_of_last(kept, math.min(#kept, n), head + (tails[place + 1] or 0))
      for k = place == n and n or 0, 1, -1 do
        tails[k] = kept[#kept - n + k] + (tails[k + 1] or 0)
      end
    end
  end
  return result
end

-- As the option says.
function core.smoothed(y, options)
  return options.smooth and smooth(y, options.smooth) or y
end
