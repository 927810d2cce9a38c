-- plot_scale.lua: axes: from values to places between 0 and 1, and where the ticks are.
local lander = ...
local core = lander.core

-- An axis ends here: what is beyond can't be subtracted any more, or has lost its digits.
local HUGE, TINY = 1e300, 1e-300

local function within(x, low, high)
  return math.max(low, math.min(high, x))
end

-- The step, 1, 2 or 5 times a power of ten, with which about `count` ticks fit into a range
-- (Heckbert, Nice numbers for graph labels, Graphics Gems, 1990).
local function nice_step(range, count)
  local raw = range / count
  local power = 10.0 ^ math.floor(math.log(raw, 10))
  local part = raw / power * (1 - 1e-9) -- a range of three steps of 0.05 is no hair wider
  return (part <= 1 and 1 or part <= 2 and 2 or part <= 5 and 5 or 10) * power
end

-- 1e-05 -> 1e-5: an exponent without zeros in front.
local function short_exponent(text)
  return (text:gsub("e([+-])0*(%d)", function(sign, digit)
    return "e" .. (sign == "-" and "-" or "") .. digit
  end))
end

-- A tick's label; `step` tells how many digits are needed, so that no two labels are the same.
local function tick_text(value, step)
  if math.abs(value) < step * 1e-6 then return "0" end
  if math.abs(value) >= 1e6 or step < 1e-4 then
    local significant = math.ceil(math.log(math.abs(value) / step, 10) - 1e-9) + 1
    return short_exponent(("%." .. math.max(1, math.min(significant, 15)) .. "g"):format(value))
  end
  local digits = math.max(0, math.ceil(-math.log(step, 10) - 1e-9))
  if digits > 0 then return ("%." .. digits .. "f"):format(value) end
  return core.count_text(math.floor(value + 0.5))
end

local LEAST = 3 -- ticks: of one alone nothing can be read off, of two little

-- Every multiple of a nice step within the range; a smaller one where few lie within it, but
-- none under 1 where only whole numbers are (iterations).
local function linear_ticks(scale, count, whole)
  local ticks, least = {}, math.min(count, LEAST)
  while #ticks < least do
    local step = nice_step(scale.high - scale.low, count)
    if whole and step <= 1 then step, least = 1, 0 end
    ticks = {}
    for k = math.ceil(scale.low / step - 1e-6), math.floor(scale.high / step + 1e-6) do
      ticks[#ticks + 1] = { at = k * step, text = tick_text(k * step, step) }
    end
    count = 2 * count
  end
  return ticks
end

-- Those of parts[i] * 10^power that lie within the range, of every `every`th power.
local function parts_of_powers(scale, first, last, every, parts)
  local ticks = {}
  for power = first, last, every do
    for _, part in ipairs(parts) do
      local at = part * 10.0 ^ power
      if at >= scale.low * (1 - 1e-9) and at <= scale.high * (1 + 1e-9) then
        ticks[#ticks + 1] = { at = at, text = short_exponent(("%.6g"):format(at)) }
      end
    end
  end
  return ticks
end

local powers, twos_and_fives = { 1 }, { 1, 2, 5 }

-- Powers of ten, every second or third of them where there are many; the twos and fives
-- between them where there are few; within less than a decade, where those are few too, the
-- ticks of a linear axis.
local function log_ticks(scale, count)
  local first = math.floor(math.log(scale.low, 10) + 1e-9)
  local last = math.ceil(math.log(scale.high, 10) - 1e-9)
  local least = math.min(count, LEAST)
  if 3 * (last - first) + 1 > 1.5 * count then
    for every = math.ceil((last - first) / count), 1, -1 do
      local ticks = parts_of_powers(scale, first, last, every, powers)
      if #ticks >= least then return ticks end
    end
  end
  local ticks = parts_of_powers(scale, first, last, 1, twos_and_fives)
  return #ticks < least and scale.high < 10 * scale.low and linear_ticks(scale, count) or ticks
end

-- The nearest of 1, 2, 5 times a power of ten that is not above x (`up`: not below).
local function log_bound(x, up)
  local power = 10.0 ^ math.floor(math.log(x, 10) + 1e-9)
  local part = x / power
  if up then
    return power * (part <= 1.000001 and 1 or part <= 2 and 2 or part <= 5 and 5 or 10)
  end
  return power * (part >= 4.99999 and 5 or part >= 1.99999 and 2 or 1)
end

-- Values that are all the same get some room around them.
local function widen(low, high, whole)
  local least = math.max(1e-12 * math.max(math.abs(low), math.abs(high)), TINY)
  if high - low > least then return low, high end
  local by = (math.abs(low) < TINY or whole) and 1 or math.abs(low) / 2
  return low - by, high + by
end

-- An axis for the values from low to high (nil: there are none, nor ticks). options: log; ticks,
-- about how many; tight: it ends where the values do (else at a tick, and at 0 where that is near);
-- whole: only whole numbers have a place on it.
function core.new_scale(low, high, options)
  local scale = { log = options.log }
  if not low then
    scale.low, scale.high, scale.ticks = scale.log and 0.1 or 0, 1, {}
    return scale
  end
  local least = scale.log and TINY or -HUGE
  low, high = within(low, least, HUGE), within(high, least, HUGE)
  if scale.log then
    scale.low, scale.high = low, high
    if not options.tight then
      scale.low, scale.high = log_bound(low, false), log_bound(high, true)
    end
    if scale.high <= scale.low * 1.000001 then
      scale.low, scale.high = scale.low / 2, scale.high * 2
    end
    scale.ticks = log_ticks(scale, options.ticks)
    return scale
  end
  local same = low == high
  low, high = widen(low, high, options.whole)
  if not options.tight and low > 0 and (same or low < 0.3 * high) then low = 0 end
  if not options.tight then
    local step = nice_step(high - low, options.ticks)
    low, high = math.floor(low / step + 1e-6) * step, math.ceil(high / step - 1e-6) * step
  end
  scale.low, scale.high = low, high
  scale.ticks = linear_ticks(scale, options.ticks, options.whole)
  return scale
end

-- Whether the value has a place on the axis at all.
function core.scale_holds(scale, value)
  return core.is_finite(value) and not (scale.log and value <= 0)
end

function core.is_above(scale, value)
  return value > scale.high + 1e-9 * (scale.log and scale.high or scale.high - scale.low)
end

function core.is_below(scale, value)
  return value < scale.low - 1e-9 * (scale.log and scale.low or scale.high - scale.low)
end

local FAR = 1e6 -- lengths of the axis: what is further off is there

-- 0 at the low end, 1 at the high one; what lies beyond is less or more.
function core.scale_place(scale, value)
  local place
  if scale.log then
    local low = math.log(scale.low)
    place = (math.log(value) - low) / (math.log(scale.high) - low)
  else
    -- Twice as far as an axis goes is still beyond it.
    value = within(value, -2 * HUGE, 2 * HUGE)
    place = (value - scale.low) / (scale.high - scale.low)
  end
  return within(place, -FAR, FAR)
end

-- 333,333
function core.iteration_text(iter)
  return math.tointeger(iter) and core.count_text(math.tointeger(iter)) or core.number_text(iter)
end

-- A value in few letters: 45,024, 0.5313, 3e12.
function core.short_number(x)
  if x and math.abs(x) >= 1000 and math.abs(x) < 1e6 then
    return core.count_text(math.floor(x + 0.5))
  end
  return short_exponent(core.number_text(x))
end
