-- test_layers.lua: layers that work element by element, linear, dropout, the fillers, and
-- what holds for all layers.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local layers = require "tests.layers"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails
local apart, forward, with, labels = layers.apart, layers.forward, layers.with, layers.labels
local assert_near, assert_gradients = layers.assert_near, layers.assert_gradients

-- ---- element by element ----

TestElementwise = {}

local functions = {
  relu = { {}, function(v) return math.max(0, v) end },
  leaky = { { slope = 0.1 }, function(v) return v > 0 and v or 0.1 * v end, "relu" },
  sigmoid = { {}, function(v) return 1 / (1 + math.exp(-v)) end },
  tanh = { {}, function(v) return 1 - 2 / (math.exp(2 * v) + 1) end },
}

function TestElementwise.test_each_function_and_its_gradient()
  for name, case in pairs(functions) do
    local kind = nn[case[3] or name]
    local x = apart(7, 3, 5)
    assert_near(forward(kind(case[1]), x), naive.map(case[2], naive.of(x)), name)
    assert_gradients(nn.net { nn.input { 3, 5 }, kind(case[1]) }, x)
  end
end

-- More than one piece of the loop, and a last one that is no multiple of a vector.
function TestElementwise.test_a_large_batch()
  local x = lander.randn(7, 10007)
  local y = forward(nn.relu {}, x)
  lu.assertTrue(y:eq(x:clamp(0, 1e30)):min() == 1)
end

function TestElementwise.test_infinities_and_nan()
  local x = lander.tensor { { 1 / 0, -1 / 0, 0 / 0 } }
  local function values(layer)
    local y = forward(layer, x)
    return { y[1][1], y[1][2], tostring(y[1][3] ~= y[1][3]) }
  end
  lu.assertEquals(values(nn.relu {}), { 1 / 0, 0, "true" })
  lu.assertEquals(values(nn.sigmoid {}), { 1, 0, "true" })
  lu.assertEquals(values(nn.tanh {}), { 1, -1, "true" })
end

function TestElementwise.test_flatten()
  local x = lander.randn(2, 3, 4, 5)
  support.same_bits(forward(nn.flatten {}, x), x:view(2, 60))
  local net = nn.net { nn.input { 3, 2 }, nn.flatten {}, nn.linear { 2 } }
  assert_gradients(net, lander.randn(2, 3, 2))
end

function TestElementwise.test_linear()
  local x = lander.randn(5, 2, 3)
  local net = nn.net { nn.input { 2, 3 }, nn.linear { 4 } }
  net.params["linear1.bias"].data:normal_(0, 1)
  local weight, bias = naive.of(net.params["linear1.weight"].data), net.params["linear1.bias"].data
  local flat = naive.of(x:view(5, 6))
  assert_near(net:forward(x), naive.make({ 5, 4 }, function(at)
    local sum = bias[at[2]]
    for i = 1, 6 do
      sum = sum + naive.get(flat, { at[1], i }) * naive.get(weight, { at[2], i })
    end
    return sum
  end))
  assert_gradients(net, x)
  assert_gradients(nn.net { nn.input { 6 }, nn.linear { 3, bias = false } }, lander.randn(2, 6))
end

-- With an axis, every place before it is a row by itself.
function TestElementwise.test_linear_along_the_last_dimensions()
  for _, case in ipairs { { -1, 5 }, { 3, 5 }, { 2, 20 }, { -2, 20 }, { 1, 60 } } do
    local axis, fan_in = table.unpack(case)
    local x = lander.randn(2, 3, 4, 5)
    local net = nn.net { nn.input { 3, 4, 5 }, nn.linear { 7, axis = axis } }
    net.params["linear1.bias"].data:normal_(0, 1)
    lu.assertEquals(net.params["linear1.weight"].data:size(), { 7, fan_in })
    local y, rows = net:forward(x):clone(), 120 // fan_in
    local size = ({ [5] = { 2, 3, 4, 7 }, [20] = { 2, 3, 7 }, [60] = { 2, 7 } })[fan_in]
    lu.assertEquals(y:size(), size)
    local plain = nn.net { nn.input { fan_in }, nn.linear { 7 } }
    for i = 1, 2 do plain.params[i].data:copy_(net.params[i].data) end
    support.same_bits(y, plain:forward(x:view(rows, fan_in)):view(table.unpack(size)))
    assert_gradients(net, x)
  end
  assert_gradients(nn.net { nn.input { 2, 3 }, nn.linear { 4, axis = -1, bias = false } },
    lander.randn(2, 2, 3))
end

-- More rows than one piece of the bias's sum has.
function TestElementwise.test_linear_with_many_rows()
  local x, dy = lander.randn(6, 50, 3), lander.randn(6, 50, 300)
  local net = nn.net { nn.input { 50, 3 }, nn.linear { 300, axis = -1 } }
  net:forward(x)
  net:backward(dy)
  local sums = dy:view(300, 300):sum(1)
  lu.assertTrue(net.params["linear1.bias"].grad:allclose(sums, 1e-4, 1e-4))
  lu.assertTrue(net.params["linear1.weight"].grad:allclose(dy:view(300, 300):t():mm(
    x:view(300, 3)), 1e-4, 1e-4))
end

function TestElementwise.test_linear_axis_errors()
  fails("linear: axis 3 of an input with 2 dimensions, (2, 3)", nn.net,
    { nn.input { 2, 3 }, nn.linear { 4, axis = 3 } })
  fails("linear: axis 0 of", nn.net, { nn.input { 2, 3 }, nn.linear { 4, axis = 0 } })
end

-- ---- dropout ----

TestDropout = {}

local function dropout(ratio, size)
  local net = nn.net { nn.input { size }, nn.dropout { ratio }, seed = 3 }
  net:want_input_gradient()
  return net
end

function TestDropout.test_what_stays_is_scaled_and_backward_uses_the_same_mask()
  for _, ratio in ipairs { 0, 0.2, 0.5, 0.9 } do
    local net, n = dropout(ratio, 5000), 4 * 5000
    local ones = lander.ones(4, 5000)
    local y = net:forward(ones):clone()
    local kept = y:ne(0):sum()
    -- Five standard deviations of a binomial distribution.
    local slack = 5 * math.sqrt(n * ratio * (1 - ratio))
    lu.assertTrue(math.abs(kept - (1 - ratio) * n) <= slack, ratio .. ": " .. kept)
    lu.assertTrue(math.abs(y:max() - 1 / (1 - ratio)) < 1e-5)
    net:backward(ones)
    support.same_bits(net["data"].gradient, y)
  end
end

function TestDropout.test_a_ratio_of_0_drops_nothing()
  local net, x, dy = dropout(0, 300), lander.randn(4, 300), lander.randn(4, 300)
  support.same_bits(net:forward(x), x)
  net:want_input_gradient(true)
  net:forward(x)
  net:backward(dy)
  support.same_bits(net.data.gradient, dy)
end

function TestDropout.test_nothing_is_dropped_in_test_phase()
  local net = dropout(0.5, 100)
  local x = lander.randn(3, 100)
  net:test_phase()
  support.same_bits(net:forward(x), x)
  net:backward(x)
  support.same_bits(net["data"].gradient, x)
  support.same_bits(net:predict(x), x)
end

function TestDropout.test_masks_depend_on_the_seed_and_not_on_threads()
  local ones = lander.ones(8, 5000)
  local function mask(threads)
    local before = lander.threads()
    lander.threads(threads)
    local y = dropout(0.5, 5000):forward(ones):clone()
    lander.threads(before)
    return y
  end
  support.same_bits(mask(1), mask(3))
  local other = nn.net { nn.input { 5000 }, nn.dropout {}, seed = 4 }
  lu.assertTrue(other:forward(ones):eq(mask(1)):mean() < 0.6)
end

function TestDropout.test_ratios_that_cannot_be()
  for _, ratio in ipairs { 1, -0.1, 0 / 0, 2 } do
    fails("ratio", function() nn.net { nn.input { 2 }, nn.dropout { ratio } } end)
  end
end

-- ---- fillers ----

TestFillers = {}

local function filled(options, size)
  local net = nn.net { nn.input(size or { 200 }), nn.linear(with({ 100 }, options)), seed = 2 }
  return net.params["linear1.weight"].data, net.params["linear1.bias"].data
end

-- Uniform numbers reach near their bounds and no further.
local function assert_uniform(t, low, high)
  local slack = 0.01 * (high - low)
  lu.assertTrue(t:min() >= low and t:min() < low + slack, t:min() .. " " .. low)
  lu.assertTrue(t:max() <= high and t:max() > high - slack, t:max() .. " " .. high)
  lu.assertTrue(math.abs(t:mean() - (low + high) / 2) < slack)
end

-- 20,000 draws: the mean is good to 5/sqrt(n) deviations, the deviation to 5/sqrt(2n).
local function assert_normal(t, mean, std)
  lu.assertTrue(math.abs(t:mean() - mean) < 0.036 * std)
  lu.assertTrue(math.abs(t:std() / std - 1) < 0.026)
end

function TestFillers.test_each()
  local _, bias = filled { bias_filler = { "constant", value = 0.25 } }
  lu.assertEquals({ bias:min(), bias:max() }, { 0.25, 0.25 })
  assert_uniform(filled {}, -math.sqrt(3 / 200), math.sqrt(3 / 200))
  local x = { "xavier", variance_norm = "fan_out" }
  assert_uniform(filled { weight_filler = x }, -math.sqrt(3 / 100), math.sqrt(3 / 100))
  x.variance_norm = "average"
  assert_uniform(filled { weight_filler = x }, -math.sqrt(3 / 150), math.sqrt(3 / 150))
  assert_uniform(filled { weight_filler = { "uniform", min = -3, max = 5 } }, -3, 5)
  assert_normal(filled { weight_filler = { "gaussian", mean = 1, std = 0.5 } }, 1, 0.5)
  assert_normal(filled { weight_filler = "msra" }, 0, math.sqrt(2 / 200))
  local rows = filled { weight_filler = "positive_unitball" }
  lu.assertTrue((rows:sum(2) - 1):abs():max() < 1e-5 and rows:min() >= 0)
end

function TestFillers.test_fan_of_a_convolution_is_its_window()
  local net = nn.net { nn.input { 8, 20, 20 }, nn.conv { 64, kernel = { 3, 5 }, groups = 2 } }
  assert_uniform(net.params["conv1.weight"].data, -math.sqrt(3 / 60), math.sqrt(3 / 60))
end

function TestFillers.test_bilinear_enlarges()
  local net = nn.net { nn.input { 1, 8, 8 }, nn.conv { 1, kernel = 4, weight_filler = "bilinear" } }
  local row = { 0.25, 0.75, 0.75, 0.25 }
  local weight = net.params["conv1.weight"].data
  for i = 1, 4 do
    for j = 1, 4 do
      lu.assertAlmostEquals(weight:get(1, 1, i, j), row[i] * row[j], 1e-7)
    end
  end
end

function TestFillers.test_wrong_ones()
  local function build(filler)
    return function() nn.net { nn.input { 2 }, nn.linear { 2, weight_filler = filler } } end
  end
  fails("did you mean 'xavier'", build "xaiver")
  fails("std", build { "gaussian", std = -1 })
  fails("did you mean", build { "gaussian", sdt = 1 })
end

-- ---- all of them ----

TestAllLayers = {}

function TestAllLayers.test_each_has_help_and_an_example_that_runs()
  for _, layer in ipairs(lander.core.describe "layer") do
    lu.assertTrue(#layer.help > 20, layer.name)
    lu.assertStrContains(layer.example, layer.name)
    local chunk = assert(load("local nn, y = ...; return " .. layer.example))
    local y = nn.input { 3 }
    lu.assertStrContains(tostring(chunk(nn, y)), layer.name)
    for _, option in ipairs(layer.options) do
      local help = option.help
      lu.assertTrue(#help > 3 and not help:find "%.$", layer.name .. "." .. option.name)
    end
  end
end

function TestAllLayers.test_too_many_dimensions()
  fails("at most 7 dimensions", function() nn.net { nn.input { 1, 1, 1, 1, 1, 1, 1, 1 } } end)
end

-- All kinds in one net: the same bits with 1, 2 and 3 threads, forward and backward.
function TestAllLayers.test_threads_do_not_change_a_bit()
  local function run(threads)
    local before = lander.threads()
    lander.threads(threads)
    local net = nn.net {
      nn.input { 4, 13, 12 }, nn.conv { 6, kernel = 3, pad = 1, groups = 2 }, nn.tanh {},
      nn.avg_pool { 3, stride = 2, pad = 1 }, nn.conv { 8, kernel = 1 }, nn.sigmoid {},
      nn.max_pool { 3, stride = 2, rounding = "ceil" }, nn.dropout { 0.3 }, nn.flatten {},
      nn.linear { 300 }, nn.relu { slope = 0.1 }, nn.linear { 7 }, loss = "softmax_loss",
    }
    lander.seed(1)
    local x = lander.randn(37, 4, 13, 12)
    local loss = net:loss(x, labels(7, 37))
    net:backward()
    lander.threads(before)
    return loss, net
  end
  local loss, one = run(1)
  for threads = 2, 3 do
    local other_loss, other = run(threads)
    lu.assertEquals(other_loss, loss)
    for name, p in pairs(one.params) do support.same_bits(p.grad, other.params[name].grad) end
  end
end
