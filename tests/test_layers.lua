-- test_layers.lua: every layer beside the slow and obvious way in plain Lua, and its
-- gradients beside differences.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails

-- Rounding of sums of some hundred products of numbers of about one.
local CLOSE = support.is_double and 1e-12 or 2e-5

local function assert_near(found, expected, what)
  lu.assertEquals(found:size(), expected.size, what)
  for k, value in ipairs(naive.of(found).at) do
    local want = expected.at[k]
    local same = value ~= value and want ~= want or value == want
    lu.assertTrue(same or math.abs(value - want) <= CLOSE * math.max(1, math.abs(want)),
      ("%s: element %d is %.9g, expected %.9g"):format(what or "output", k, value, want))
  end
end

-- Draws that are far from each other and from zero: no step of a difference passes a kink.
local function apart(...)
  local t = lander.zeros(...)
  local flat, n = t:view(t:numel()), t:numel()
  for i = 1, n do
    local shuffled = i * 7919 % n
    flat[i] = (shuffled + 0.5) / n * 4 - 2
  end
  return t
end

-- In double every gradient is right to 1e-6; in float differences are good to some 1e-2.
local function assert_gradients(net, x, target, options)
  local result = lander.check_gradients(net, x, target, options)
  lu.assertTrue(result.ok, tostring(result))
  for _, row in ipairs(result.report) do
    lu.assertTrue(row.checked >= 0.8 * (row.checked + row.skipped), tostring(result))
  end
end

local function forward(layer, x)
  local size = x:size()
  table.remove(size, 1)
  return nn.net { nn.input(size), layer }:forward(x)
end

-- ---- convolution ----

local function pair(value, default)
  if type(value) == "table" then return value end
  return { value or default, value or default }
end

local function naive_conv(x, weight, bias, o)
  local stride, pad = pair(o.stride, 1), pair(o.pad, 0)
  local dilation, groups = pair(o.dilation, 1), o.groups or 1
  local batch, channels, height, width = table.unpack(x.size)
  local outputs, group_in, kh, kw = table.unpack(weight.size)
  local out_h = (height + 2 * pad[1] - dilation[1] * (kh - 1) - 1) // stride[1] + 1
  local out_w = (width + 2 * pad[2] - dilation[2] * (kw - 1) - 1) // stride[2] + 1
  lu.assertEquals(group_in, channels // groups)
  return naive.make({ batch, outputs, out_h, out_w }, function(at)
    local n, out, oy, ox = table.unpack(at)
    local group = (out - 1) // (outputs // groups)
    local sum = bias and bias.at[out] or 0
    for c = 1, group_in do
      for i = 1, kh do
        for j = 1, kw do
          local y = (oy - 1) * stride[1] - pad[1] + (i - 1) * dilation[1] + 1
          local z = (ox - 1) * stride[2] - pad[2] + (j - 1) * dilation[2] + 1
          if y >= 1 and y <= height and z >= 1 and z <= width then
            sum = sum + naive.get(weight, { out, c, i, j })
              * naive.get(x, { n, group * group_in + c, y, z })
          end
        end
      end
    end
    return sum
  end)
end

TestConv = {}

-- { batch, channels, height, width }, options
local convolutions = {
  { { 1, 1, 1, 1 }, { 1, kernel = 1 } },
  { { 2, 3, 7, 6 }, { 4, kernel = 3 } },
  { { 1, 2, 5, 5 }, { 3, kernel = 5 } },
  { { 2, 3, 7, 6 }, { 4, kernel = 3, pad = 1 } },
  { { 2, 2, 4, 3 }, { 2, kernel = 3, pad = 3 } },
  { { 2, 2, 9, 8 }, { 3, kernel = 3, stride = 2 } },
  { { 1, 2, 9, 8 }, { 3, kernel = 3, stride = 3, pad = 1 } },
  { { 2, 2, 9, 10 }, { 3, kernel = 3, dilation = 2 } },
  { { 1, 2, 9, 10 }, { 3, kernel = 3, dilation = 3, pad = 2, stride = 2 } },
  { { 2, 4, 6, 5 }, { 6, kernel = 3, groups = 2, pad = 1 } },
  { { 1, 4, 5, 5 }, { 4, kernel = 3, groups = 4 } },
  { { 2, 4, 6, 7 }, { 6, kernel = { 3, 2 }, stride = { 2, 1 }, pad = { 1, 0 },
    dilation = { 1, 2 }, groups = 2 } },
  { { 2, 3, 4, 20 }, { 2, kernel = { 1, 9 }, pad = { 0, 4 } } },
  { { 3, 4, 3, 3 }, { 5, kernel = 1 } },
  { { 2, 4, 3, 3 }, { 6, kernel = 1, groups = 2, bias = false } },
  { { 2, 3, 5, 5 }, { 2, kernel = 1, stride = 2 } },
  { { 2, 3, 2, 2 }, { 2, kernel = 1, pad = 1 } },
  { { 21, 1, 4, 4 }, { 2, kernel = 3, bias = false } },
}

function TestConv.test_forward_is_the_sum_over_the_window()
  for _, case in ipairs(convolutions) do
    local size, options = table.unpack(case)
    local x = lander.randn(table.unpack(size))
    local net = nn.net { nn.input { size[2], size[3], size[4] }, nn.conv(options) }
    local bias = net.params["conv1.bias"]
    if bias then bias.data:normal_(0, 1) end
    local expected = naive_conv(naive.of(x), naive.of(net.params["conv1.weight"].data),
      bias and naive.of(bias.data), options)
    assert_near(net:forward(x), expected, net:text())
  end
end

function TestConv.test_gradients()
  for _, case in ipairs(convolutions) do
    local size, options = table.unpack(case)
    local net = nn.net { nn.input { size[2], size[3], size[4] }, nn.conv(options) }
    assert_gradients(net, lander.randn(table.unpack(size)), nil, { samples = 40 })
  end
end

function TestConv.test_a_sequence_is_an_image_of_height_one()
  local x = lander.randn(3, 2, 9)
  local options = { 4, kernel = 3, stride = 2, pad = 1, dilation = 2 }
  local net = nn.net { nn.input { 2, 9 }, nn.conv(options) }
  local weight = net.params["conv1.weight"].data
  lu.assertEquals(weight:size(), { 4, 2, 3 })
  local image = naive_conv(naive.of(x:view(3, 2, 1, 9)), naive.of(weight:view(4, 2, 1, 3)), nil,
    { stride = { 1, 2 }, pad = { 0, 1 }, dilation = { 1, 2 } })
  assert_near(net:forward(x), naive.reshape(image, { 3, 4, 4 }))
  assert_gradients(net, x)
end

function TestConv.test_shapes_that_do_not_fit()
  local function net(size, options)
    return function() nn.net { nn.input(size), nn.conv(options) } end
  end
  fails("conv1", net({ 1, 4, 4 }, { 2, kernel = 5 }))
  fails("a kernel of height 5 is larger than the input (1, 4, 4)", net({ 1, 4, 4 }, { 2, kernel = 5 }))
  fails("kernel of width 3 (5 with dilation 2)", net({ 1, 9, 4 }, { 2, kernel = 3, dilation = 2 }))
  fails("divisible by groups", net({ 3, 4, 4 }, { 2, kernel = 1, groups = 2 }))
  fails("divisible by groups", net({ 4, 4, 4 }, { 3, kernel = 1, groups = 2 }))
  fails("(channels, height, width), got (16)", net({ 16 }, { 2, kernel = 1 }))
  fails("option 'kernel' must be one number", net({ 1, 4, 4 }, { 2, kernel = { 1, 2, 3 } }))
  fails("one number for an input with 1 side", net({ 1, 4 }, { 2, kernel = { 1, 2 } }))
  fails("did you mean 'kernel'", net({ 1, 4, 4 }, { 2, kernal = 1 }))
  fails("'outputs' is required", net({ 1, 4, 4 }, { kernel = 1 }))
  fails("numbers", net({ 65536, 65536, 65536 }, { 1 << 24, kernel = 1000 }))
end

-- ---- pooling ----

-- Windows along one side: how many, and the places from 1 on of one with its padding.
local function naive_windows(size, kernel, stride, pad, ceil)
  local room = (size + 2 * pad - kernel) / stride
  local count = (ceil and math.ceil(room) or math.floor(room)) + 1
  if (count - 1) * stride >= size + pad then count = count - 1 end
  return count
end

-- f gets the values inside the window, and how many places it has with the padding.
local function naive_pool(x, o, f)
  local kernel = pair(o[1] or o.kernel)
  local stride, pad = pair(o.stride or kernel), pair(o.pad, 0)
  local batch, channels, height, width = table.unpack(x.size)
  local ceil = o.rounding == "ceil"
  local out_h = naive_windows(height, kernel[1], stride[1], pad[1], ceil)
  local out_w = naive_windows(width, kernel[2], stride[2], pad[2], ceil)
  return naive.make({ batch, channels, out_h, out_w }, function(at)
    local list, places = {}, 0
    for i = 1, kernel[1] do
      for j = 1, kernel[2] do
        local y, z = (at[3] - 1) * stride[1] - pad[1] + i, (at[4] - 1) * stride[2] - pad[2] + j
        if y <= height + pad[1] and z <= width + pad[2] then places = places + 1 end
        if y >= 1 and y <= height and z >= 1 and z <= width then
          list[#list + 1] = naive.get(x, { at[1], at[2], y, z })
        end
      end
    end
    return f(list, places)
  end)
end

local function largest(list)
  local best = list[1]
  for _, v in ipairs(list) do
    if v > best or v ~= v then best = v end
  end
  return best
end

local pools = {
  { { 2, 3, 6, 8 }, { 2 } }, -- the fast one, with whole vectors and without
  { { 1, 2, 7, 5 }, { 2 } },
  { { 1, 2, 24, 24 }, { 2, stride = 2 } },
  { { 2, 1, 7, 5 }, { 2, rounding = "ceil" } },
  { { 2, 2, 8, 7 }, { 3, stride = 2 } },
  { { 2, 2, 8, 7 }, { 3, stride = 2, rounding = "ceil" } },
  { { 2, 2, 8, 7 }, { 3, stride = 2, pad = 1 } },
  { { 1, 2, 4, 4 }, { 3, stride = 2, pad = 1, rounding = "ceil" } },
  { { 1, 1, 4, 3 }, { 1, stride = 3, rounding = "ceil" } },
  { { 1, 2, 6, 7 }, { { 2, 3 }, stride = { 1, 2 }, pad = { 0, 2 } } },
  { { 1, 2, 5, 5 }, { 5 } },
  { { 2, 1, 2, 2 }, { 3, pad = 2, stride = 1 } },
  { { 1, 70, 3, 3 }, { 2, stride = 1 } },
}

local function with(options, more)
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  for key, value in pairs(more) do all[key] = value end
  return all
end

TestPool = {}

function TestPool.test_max_pool_takes_the_largest()
  for _, case in ipairs(pools) do
    local x = apart(table.unpack(case[1]))
    local y = forward(nn.max_pool(case[2]), x)
    assert_near(y, naive_pool(naive.of(x), case[2], largest))
  end
end

function TestPool.test_avg_pool_takes_the_mean_of_either_kind()
  for _, case in ipairs(pools) do
    local x = lander.randn(table.unpack(case[1]))
    local function mean(valid)
      return function(list, places) return naive.sum(list) / (valid and #list or places) end
    end
    assert_near(forward(nn.avg_pool(case[2]), x), naive_pool(naive.of(x), case[2], mean(false)))
    assert_near(forward(nn.avg_pool(with(case[2], { divisor = "valid" })), x),
      naive_pool(naive.of(x), case[2], mean(true)))
  end
end

function TestPool.test_gradients()
  for _, case in ipairs(pools) do
    local size = case[1]
    local input = nn.input { size[2], size[3], size[4] }
    local x = apart(table.unpack(size))
    local samples = { samples = 150 }
    -- In float a step of 1e-2 takes numbers past each other in large images.
    if support.is_double or x:numel() < 200 then
      assert_gradients(nn.net { input, nn.max_pool(case[2]) }, x, nil,
        { samples = 150, step = support.is_double and 1e-5 or 2e-3 })
    end
    assert_gradients(nn.net { input, nn.avg_pool(case[2]) }, x, nil, samples)
    assert_gradients(nn.net { input, nn.avg_pool(with(case[2], { divisor = "valid" })) }, x, nil,
      samples)
  end
end

-- PyTorch 1.13: F.avg_pool2d and F.max_pool2d (x, 3, 2, 1) of the squares of 0 .. 15.
function TestPool.test_numbers_from_pytorch()
  local x = lander.arange(0, 15):pow(2):view(1, 1, 4, 4)
  local function check(kind, options, expected)
    local y = forward(nn[kind](with({ 3, stride = 2, pad = 1 }, options)), x)
    lu.assertTrue(y:contiguous():view(-1):allclose(lander.tensor(expected), 1e-6, 1e-6))
  end
  check("avg_pool", {}, { 4.6666665, 13.777778, 55.444442, 111.333336 })
  check("avg_pool", { divisor = "valid" }, { 10.5, 20.666666, 83.166664, 111.333336 })
  check("avg_pool", { rounding = "ceil" }, { 4.6666665, 13.777778, 9.666667, 55.444442,
    111.333336, 65.833336, 52.166668, 98.333336, 56.25 })
  check("avg_pool", { rounding = "ceil", divisor = "valid" }, { 10.5, 20.666666, 29, 83.166664,
    111.333336, 131.66667, 156.5, 196.66667, 225 })
  check("max_pool", {}, { 25, 49, 169, 225 })
  check("max_pool", { rounding = "ceil" }, { 25, 49, 49, 169, 225, 225, 169, 225, 225 })
end

function TestPool.test_nan_comes_out_of_its_windows_and_no_others()
  for _, options in ipairs { { 2 }, { 3, stride = 1, pad = 1 } } do
    local x = lander.zeros(1, 1, 9, 9)
    x:set(0 / 0, 1, 1, 4, 5)
    x:set(-1 / 0, 1, 1, 1, 1)
    local y = forward(nn.max_pool(options), x)
    assert_near(y, naive_pool(naive.of(x), options, largest))
    lu.assertTrue(y:ne(y):sum() > 0)
    -- And back: its gradient goes to the NaN, nothing outside.
    local net = nn.net { nn.input { 1, 9, 9 }, nn.max_pool(options) }
    net:want_input_gradient()
    local ones = net:forward(x):clone():fill_(1)
    net:backward(ones)
    lu.assertEquals(net["data"].gradient:sum(), ones:numel())
    lu.assertTrue(net["data"].gradient:get(1, 1, 4, 5) >= 1)
  end
end

function TestPool.test_backward_after_a_forward_pass_in_test_phase()
  local net = nn.net { nn.input { 1, 4, 4 }, nn.max_pool { 2 } }
  net:want_input_gradient()
  net:test_phase()
  local dy = net:forward(apart(1, 1, 4, 4)):clone():fill_(1)
  net:backward(dy)
  lu.assertEquals(net["data"].gradient:sum(), 4)
end

function TestPool.test_shapes_that_do_not_fit()
  local function net(size, options)
    return function() nn.net { nn.input(size), nn.max_pool(options) } end
  end
  fails("a kernel of width 5 is larger than the input (1, 8, 4)", net({ 1, 8, 4 }, { 5 }))
  fails("padding 2 must be smaller than the kernel 2", net({ 1, 8, 8 }, { 2, pad = 2 }))
  fails("(channels, height, width), got (7)", net({ 7 }, { 2 }))
  fails("rounding", net({ 1, 8, 8 }, { 2, rounding = "up" }))
  fails("kernel", net({ 1, 8, 8 }, {}))
  lu.assertEquals(forward(nn.max_pool { 3, stride = 2 }, lander.zeros(1, 2, 7)):size(), { 1, 2, 3 })
end

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
  assert_gradients(nn.net { nn.input { 3, 2 }, nn.flatten {}, nn.linear { 2 } }, lander.randn(2, 3, 2))
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

function TestDropout.test_nothing_is_dropped_in_test_phase()
  local net = dropout(0.5, 100)
  local x = lander.randn(3, 100)
  net:test_phase()
  support.same_bits(net:forward(x), x)
  net:backward(x)
  support.same_bits(net["data"].gradient, x)
  support.same_bits(net:predict(x), x)
end

function TestDropout.test_masks_depend_on_seed_and_pass_and_not_on_threads()
  local ones = lander.ones(8, 5000)
  local function two_passes(threads)
    local before = lander.threads()
    lander.threads(threads)
    local net = dropout(0.5, 5000)
    local solver = lander.solver(nn.net { nn.input { 4 }, nn.linear { 2 }, seed = 3 }, {})
    lu.assertEquals(solver.iter, 0)
    local first = net:forward(ones):clone()
    lander.threads(before)
    return first
  end
  support.same_bits(two_passes(1), two_passes(3))
  local other = nn.net { nn.input { 5000 }, nn.dropout {}, seed = 4 }
  lu.assertTrue(other:forward(ones):eq(two_passes(1)):mean() < 0.6)
end

function TestDropout.test_ratios_that_cannot_be()
  for _, ratio in ipairs { 1, -0.1, 0 / 0, 2 } do
    fails("ratio", function() nn.net { nn.input { 2 }, nn.dropout { ratio } } end)
  end
end

-- ---- classes ----

local function naive_softmax(x, axis)
  return naive.make(x.size, function(at)
    local top, sum = -1 / 0, 0
    local function each(f)
      for c = 1, x.size[axis] do
        local place = table.move(at, 1, #at, 1, {})
        place[axis] = c
        f(naive.get(x, place))
      end
    end
    each(function(v) top = math.max(top, v) end)
    each(function(v) sum = sum + math.exp(v - top) end)
    return math.exp(naive.get(x, at) - top) / sum
  end)
end

TestSoftmax = {}

function TestSoftmax.test_over_each_axis()
  for _, case in ipairs { { { 4, 7 }, 1 }, { { 3, 5, 2 }, 1 }, { { 3, 5, 2 }, 2 },
    { { 3, 5, 2 }, -1 }, { { 3, 5, 2 }, -3 }, { { 2, 3, 9, 9 }, 1 }, { { 2, 1 }, 1 } } do
    local size, axis = case[1], case[2]
    local x = lander.randn(table.unpack(size)) * 3
    if axis >= -(#size - 1) then
      local dim = axis > 0 and axis + 1 or #size + 1 + axis
      assert_near(forward(nn.softmax { axis = axis }, x), naive_softmax(naive.of(x), dim))
      local sample = table.move(size, 2, #size, 1, {})
      assert_gradients(nn.net { nn.input(sample), nn.softmax { axis = axis } }, x, nil,
        { samples = 60 })
    else
      fails("softmax: axis -3 of an input with 2 dimensions", forward, nn.softmax { axis = axis }, x)
    end
  end
end

function TestSoftmax.test_large_scores_and_infinities()
  local y = forward(nn.softmax {}, lander.tensor { { 1000, 1000, -1 / 0 } })
  lu.assertEquals(y:totable(), { { 0.5, 0.5, 0 } })
  y = forward(nn.softmax {}, lander.tensor { { 1, 0 / 0 } })
  lu.assertEquals(y:isfinite():sum(), 0)
end

TestSoftmaxLoss = {}

-- A net whose input is the scores.
local function loss_net(kind, size, label, options)
  local scores = nn.input(size)
  return nn.net { scores[kind](scores, with({ nn.label(label or {}) }, options or {})) }
end

-- The mean over batch and places of -log p[label].
local function naive_loss(x, labels)
  local p, sum = naive_softmax(x, 2), 0
  for i, label in ipairs(labels.at) do
    local places = #labels.at // x.size[1]
    local n, place = (i - 1) // places, (i - 1) % places
    sum = sum - math.log(p.at[(n * x.size[2] + label - 1) * places + place + 1])
  end
  return sum / #labels.at
end

local function labels(classes, ...)
  local t = lander.zeros(...)
  local flat = t:view(t:numel())
  for i = 1, t:numel() do flat[i] = i * 5 % classes + 1 end
  return t
end

function TestSoftmaxLoss.test_value_and_gradient()
  for _, case in ipairs { { { 4, 7 } }, { { 1, 2 } }, { { 700, 10 } }, { { 3, 4, 5 }, { 5 } },
    { { 2, 3, 9, 9 }, { 9, 9 } }, { { 3, 4, 1, 1 }, { 1, 1 } }, { { 3, 4, 1, 1 } } } do
    local size = case[1]
    local x = lander.randn(table.unpack(size)) * 2
    local target = labels(size[2], size[1], table.unpack(case[2] or {}))
    local net = loss_net("softmax_loss", table.move(size, 2, #size, 1, {}), case[2])
    local expected = naive_loss(naive.of(x), naive.of(target))
    lu.assertTrue(math.abs(net:loss(x, target) - expected) <= CLOSE * expected)
    assert_gradients(net, x, target, { samples = 60 })
  end
end

-- PyTorch 1.13: F.cross_entropy.
function TestSoftmaxLoss.test_a_number_from_pytorch()
  local net = loss_net("softmax_loss", { 3 })
  local x = lander.tensor { { 1, 2, -1 }, { 0.5, -3, 4 } }
  lu.assertTrue(math.abs(net:loss(x, lander.tensor { 2, 3 }) - 0.18982364) < 1e-7)
end

-- Caffe's stays at 87.3365: a net that has diverged must be seen to have.
function TestSoftmaxLoss.test_nothing_is_clamped()
  local net = loss_net("softmax_loss", { 2 })
  local function loss(a, b, label)
    return net:loss(lander.tensor { { a, b } }, lander.tensor { label })
  end
  lu.assertEquals(loss(1000, 0, 2), 1000)
  lu.assertEquals(loss(1e30, -1e30, 1), 0)
  lu.assertTrue(math.abs(loss(30, 0, 1) / math.exp(-30) - 1) < 1e-3) -- small ones are exact
  lu.assertEquals(loss(-1 / 0, 0, 1), 1 / 0)
  for _, bad in ipairs { 1 / 0, 0 / 0 } do
    for label = 1, 2 do
      local value = loss(bad, 0, label)
      lu.assertTrue(value ~= value or value == 1 / 0)
    end
  end
end

function TestSoftmaxLoss.test_labels_must_be_classes()
  local net = loss_net("softmax_loss", { 10 })
  for _, bad in ipairs { 0, 11, -1, 2.5, 0 / 0, 1 / 0, -1 / 0, 1e30 } do
    local target = labels(10, 5)
    target[3], target[4] = bad, 0
    local message = fails("of sample 3 is outside 1..10 (classes count from one)", net.loss, net,
      lander.randn(5, 10), target)
    lu.assertStrContains(message, "loss: label ")
  end
  lu.assertTrue(net:loss(lander.randn(5, 10), labels(10, 5)) > 0)
  fails("scores (4, 3) need labels (3), got (2)", loss_net, "softmax_loss", { 4, 3 }, { 2 })
  fails("scores (4) need labels (), got (4)", loss_net, "softmax_loss", { 4 }, { 4 })
end

function TestSoftmaxLoss.test_predictions_are_probabilities()
  local net = loss_net("softmax_loss", { 3, 4 }, { 4 })
  local x = lander.randn(2, 3, 4)
  assert_near(net:predict(x), naive_softmax(naive.of(x), 2))
end

TestMseLoss = {}

function TestMseLoss.test_is_half_the_squared_distance_a_sample()
  for _, case in ipairs { { { 6 } }, { { 2, 3 }, { 2, 3 } }, { { 1 }, {} }, { { 4, 1 }, { 4 } } } do
    local net = loss_net("mse_loss", case[1], case[2] or case[1])
    local x = lander.randn(5, table.unpack(case[1]))
    local target = lander.randn(5, table.unpack(case[2] or case[1]))
    local expected = (x:view(5, -1) - target:view(5, -1)):pow(2):sum() / (2 * 5)
    lu.assertTrue(math.abs(net:loss(x, target) - expected) <= CLOSE * expected)
    assert_gradients(net, x, target)
  end
  fails("the prediction is (3), but the target (2)", loss_net, "mse_loss", { 3 }, { 2 })
  fails("the prediction is (2, 3), but the target (3, 2)", loss_net, "mse_loss", { 2, 3 }, { 3, 2 })
end

-- A target that is itself made by parameters gets a gradient too.
function TestMseLoss.test_both_sides_are_learnt()
  local data = nn.input { 3 }
  local net = nn.net { data:linear { 2 }:mse_loss { data:linear { 2 } } }
  lu.assertEquals(#net.params, 4)
  assert_gradients(nn.net { data:linear { 2 }, loss = "mse_loss" }, lander.randn(4, 3),
    lander.randn(4, 2))
  local x = lander.randn(4, 3)
  net:forward(x)
  net:backward()
  local first, second = net.params[1].grad, net.params[3].grad
  lu.assertTrue((first + second):abs():max() < 1e-5 and first:abs():max() > 1e-3)
end

TestAccuracy = {}

local function accuracy(x, target, top_k, label)
  local size = x:size()
  table.remove(size, 1)
  local scores = nn.input(size)
  local net = nn.net { scores:accuracy { nn.label(label or {}), top_k = top_k } }
  net:forward(x, target)
  return net["accuracy"].output:get()
end

function TestAccuracy.test_counts_the_right_ones()
  local x = lander.tensor { { 1, 2, 3 }, { 3, 2, 1 }, { 2, 3, 1 }, { 1, 3, 2 } }
  local target = lander.tensor { 3, 2, 1, 1 }
  lu.assertEquals(accuracy(x, target), 0.25)
  lu.assertEquals(accuracy(x, target, 2), 0.75)
  lu.assertEquals(accuracy(x, target, 3), 1)
  fails("top_k is 4, but there are 3 classes", accuracy, x, target, 4)
  fails("of sample 1 is outside 1..3", accuracy, x, target + 1)
end

function TestAccuracy.test_equal_scores_and_nan_are_no_success()
  local nan = 0 / 0
  lu.assertEquals(accuracy(lander.ones(1, 3), lander.tensor { 1 }), 0)
  lu.assertEquals(accuracy(lander.tensor { { nan, nan } }, lander.tensor { 1 }), 0)
  lu.assertEquals(accuracy(lander.tensor { { nan, 0 } }, lander.tensor { 1 }, 2), 0)
  lu.assertEquals(accuracy(lander.tensor { { nan, 0 } }, lander.tensor { 2 }), 0)
  lu.assertEquals(accuracy(lander.tensor { { -1 / 0, 0 } }, lander.tensor { 2 }), 1)
end

function TestAccuracy.test_over_places()
  local x = lander.zeros(1, 2, 2, 2)
  x:set(1, 1, 2, 1, 1)
  x:set(1, 1, 1, 1, 2)
  x:set(1, 1, 1, 2, 1)
  x:set(1, 1, 2, 2, 2)
  local target = lander.tensor { { { 2, 1 }, { 2, 2 } } }
  lu.assertEquals(accuracy(x, target, 1, { 2, 2 }), 0.75)
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
      lu.assertTrue(#option.help > 3 and not option.help:find "%.$", layer.name .. "." .. option.name)
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
