-- layers.lua: what the suites of the layers share.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local support = require "tests.support"
local nn = lander.nn

local layers = {}

-- Rounding of sums of some hundred products of numbers of about one.
layers.close = support.is_double and 1e-12 or 2e-5

-- Every element is the naive one, or both are NaN.
function layers.assert_near(found, expected, what)
  lu.assertEquals(found:size(), expected.size, what)
  for k, value in ipairs(naive.of(found).at) do
    local want = expected.at[k]
    local same = value ~= value and want ~= want or value == want
    lu.assertTrue(same or math.abs(value - want) <= layers.close * math.max(1, math.abs(want)),
      ("%s: element %d is %.9g, expected %.9g"):format(what or "output", k, value, want))
  end
end

-- Draws that are far from each other and from zero: no step of a difference passes a kink.
function layers.apart(...)
  local t = lander.zeros(...)
  local flat, n = t:view(t:numel()), t:numel()
  for i = 1, n do
    local shuffled = i * 7919 % n
    flat[i] = (shuffled + 0.5) / n * 4 - 2
  end
  return t
end

-- In double every gradient is right to 1e-6; in float differences are good to some 1e-2.
-- What is drawn for it does not depend on what was drawn before.
function layers.assert_gradients(net, x, target, options)
  lander.seed(1)
  local result = lander.check_gradients(net, x, target, options)
  lu.assertTrue(result.ok, tostring(result))
  for _, row in ipairs(result.report) do
    lu.assertTrue(row.checked >= 0.8 * (row.checked + row.skipped), tostring(result))
  end
end

-- What one layer makes of a batch.
function layers.forward(layer, x)
  local size = x:size()
  table.remove(size, 1)
  return nn.net { nn.input(size), layer }:forward(x)
end

-- The options of both.
function layers.with(options, more)
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  for key, value in pairs(more) do all[key] = value end
  return all
end

-- Labels from 1 to classes, all of them.
function layers.labels(classes, ...)
  local t = lander.zeros(...)
  local flat = t:view(t:numel())
  for i = 1, t:numel() do flat[i] = i * 5 % classes + 1 end
  return t
end

return layers
