-- measure.lua: the time that a function takes, and what this machine can do at best.
local lander = require "lander"
local clock = lander.core.clock

local measure = {}

function measure.median(values)
  table.sort(values)
  return values[(#values + 1) // 2]
end

-- Seconds a call, called for `seconds`, at least 3 times: the median, the best, and how often
-- it was called. Two calls before do not count.
function measure.seconds(f, seconds)
  f()
  f()
  local times, finish = {}, clock() + seconds
  repeat
    local start = clock()
    f()
    times[#times + 1] = clock() - start
  until #times >= 3 and clock() > finish
  return measure.median(times), times[1], #times
end

-- Floating-point operations a second in a large product; 2 for a multiplication and addition.
function measure.peak_products(seconds, size)
  local a, b = lander.randn(size, size), lander.randn(size, size)
  local _, best = measure.seconds(function() a:mm(b) end, seconds)
  return 2 * size ^ 3 / best
end

-- Bytes a second between memory and processor in a = a + b, of which three are moved for one
-- of the result: `numbers` should be more than the caches hold.
function measure.peak_bandwidth(seconds, numbers)
  local a, b = lander.ones(numbers), lander.ones(numbers)
  local _, best = measure.seconds(function() a:add_(b) end, seconds)
  local size = lander.config().real == "double" and 8 or 4
  return 3 * size * numbers / best
end

return measure
