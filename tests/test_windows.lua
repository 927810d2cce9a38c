-- test_windows.lua: convolution and pooling beside the slow and obvious way in plain Lua,
-- and their gradients beside differences.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local layers = require "tests.layers"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails
local apart, forward, with = layers.apart, layers.forward, layers.with
local assert_near, assert_gradients = layers.assert_near, layers.assert_gradients

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
      local plane = ((n - 1) * channels + group * group_in + c - 1) * height
      local taps = ((out - 1) * group_in + c - 1) * kh
      for i = 1, kh do
        local y = (oy - 1) * stride[1] - pad[1] + (i - 1) * dilation[1] + 1
        for j = 1, kw do
          local z = (ox - 1) * stride[2] - pad[2] + (j - 1) * dilation[2] + 1
          if y >= 1 and y <= height and z >= 1 and z <= width then
            sum = sum + weight.at[(taps + i - 1) * kw + j] * x.at[(plane + y - 1) * width + z]
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
  -- Several outputs of a channel, under strides and paddings that the kernel does not reach.
  { { 9, 2, 8, 33 }, { 4, kernel = 5, groups = 2, pad = 2, stride = 2 } },
  { { 2, 2, 10, 9 }, { 6, kernel = 4, groups = 2, pad = { 5, 0 }, bias = false } },
  { { 2, 4, 9, 20 }, { 4, kernel = 3, groups = 2, pad = 1, stride = { 1, 2 } } },
  { { 1, 4, 5, 5 }, { 4, kernel = 3, groups = 4 } },
  { { 2, 4, 6, 7 }, { 6, kernel = { 3, 2 }, stride = { 2, 1 }, pad = { 1, 0 },
    dilation = { 1, 2 }, groups = 2 } },
  { { 2, 3, 4, 20 }, { 2, kernel = { 1, 9 }, pad = { 0, 4 } } },
  { { 3, 4, 3, 3 }, { 5, kernel = 1 } },
  { { 2, 4, 3, 3 }, { 6, kernel = 1, groups = 2, bias = false } },
  { { 2, 3, 5, 5 }, { 2, kernel = 1, stride = 2 } },
  { { 2, 3, 2, 2 }, { 2, kernel = 1, pad = 1 } },
  { { 37, 2, 4, 4 }, { 2, kernel = 3, groups = 2 } }, -- several images a piece
  -- Blocks of channels and places that do not come out even.
  { { 3, 5, 9, 7 }, { 13, kernel = 3, pad = 1 } },
  { { 2, 9, 8, 8 }, { 20, kernel = 5, pad = 2 } },
  { { 1, 1, 12, 21 }, { 7, kernel = 5 } },
  { { 19, 3, 6, 17 }, { 10, kernel = 3, stride = 2, pad = 1 } },
  { { 2, 3, 6, 37 }, { 3, kernel = { 2, 4 }, stride = { 1, 2 }, pad = { 1, 2 } } },
  { { 2, 6, 11, 10 }, { 6, kernel = 3, groups = 6, pad = 1 } },
  { { 2, 3, 10, 11 }, { 12, kernel = 3, groups = 3, pad = 4, dilation = 3 } },
  { { 1, 3, 9, 9 }, { 2, kernel = 3, stride = 4, pad = 2, dilation = 2 } },
  { { 1, 2, 1, 40 }, { 9, kernel = { 1, 7 }, pad = { 0, 3 } } },
  { { 2, 16, 60, 61 }, { 1, kernel = { 2, 3 }, pad = { 0, 1 } } }, -- several bands of rows
  { { 2, 16, 59, 61 }, { 1, kernel = { 3, 3 }, stride = 2, bias = false } },
  { { 2, 3, 2, 4 }, { 2, kernel = { 1, 9 }, pad = { 0, 6 } } }, -- more zeros than numbers
  { { 2, 3, 3, 5 }, { 2, kernel = { 2, 8 }, stride = { 3, 1 }, pad = { 2, 7 } } },
  -- Winograd's tiles: parts of tiles, paddings on both sides of the kernel's, vectors that are
  -- not full, groups, several blocks of images, several bands of an image.
  { { 1, 16, 8, 8 }, { 16, kernel = 3, pad = 1 } },
  { { 2, 32, 7, 14 }, { 31, kernel = 3 } },
  { { 1, 31, 9, 6 }, { 16, kernel = 3, pad = { 0, 3 }, bias = false } },
  { { 2, 16, 8, 11 }, { 31, kernel = 5, pad = 2 } },
  { { 1, 24, 8, 9 }, { 16, kernel = 5, pad = 1 } }, -- but for the image's gradient
  { { 2, 30, 8, 6 }, { 32, kernel = 3, pad = 1, groups = 2 } },
  { { 37, 16, 4, 4 }, { 16, kernel = 3, pad = 1 } },
  { { 1, 2080, 3, 3 }, { 64, kernel = 3, pad = 1, groups = 2 } }, -- weights in parts of outputs
  { { 1, 16, 40, 81 }, { 16, kernel = 3, pad = 1 } },
  { { 2, 260, 4, 4 }, { 3, kernel = 3, pad = 1 } }, -- a product
  { { 2, 520, 4, 4 }, { 6, kernel = 3, groups = 2 } },
  -- Planes: rows shorter than a vector, of one, of two, of more; steps and dilations along one
  -- side and both; kernels of all sizes; windows that leave a border; a column that none sees.
  { { 2, 3, 7, 7 }, { 3, kernel = 3, groups = 3, pad = 1 } },
  { { 3, 2, 14, 16 }, { 2, kernel = 3, groups = 2, pad = 1, bias = false } },
  { { 2, 2, 5, 33 }, { 2, kernel = 5, groups = 2, pad = 2 } },
  { { 1, 2, 3, 50 }, { 2, kernel = { 1, 7 }, groups = 2, pad = { 0, 3 } } },
  { { 2, 2, 13, 21 }, { 2, kernel = { 4, 2 }, groups = 2 } },
  { { 2, 3, 12, 15 }, { 3, kernel = 3, groups = 3, stride = 2, pad = 1 } },
  { { 1, 2, 9, 70 }, { 2, kernel = 5, groups = 2, stride = 2, pad = 2 } },
  { { 2, 2, 11, 40 }, { 2, kernel = 3, groups = 2, stride = { 3, 1 }, pad = 1 } },
  { { 2, 2, 8, 17 }, { 2, kernel = 3, groups = 2, stride = { 1, 2 } } },
  { { 1, 2, 9, 37 }, { 2, kernel = 3, groups = 2, dilation = 2, pad = 2 } },
  { { 1, 2, 11, 12 }, { 2, kernel = 3, groups = 2, dilation = { 2, 1 }, stride = 2 } },
  { { 2, 2, 6, 6 }, { 2, kernel = 1, groups = 2, pad = 1 } }, -- more padding than kernel
  { { 1, 2, 9, 12 }, { 2, kernel = 3, groups = 2, stride = 3 } }, -- steps of more than two
  { { 1, 1, 30, 40 }, { 1, kernel = 8, pad = 3 } },
  { { 1, 1, 30, 20 }, { 1, kernel = 9, pad = 3 } }, -- more taps than a plane has
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

-- Sums over many places do not lose digits, by planes and by strips.
function TestConv.test_weights_of_a_large_plane()
  for side, batch in pairs { [120] = 128, [200] = 64 } do
    local net = nn.net { nn.input { 1, side, side }, nn.conv { 1, kernel = 1 } }
    local x, dy = lander.rand(batch, 1, side, side), lander.rand(batch, 1, side, side)
    net:forward(x)
    net:backward(dy)
    local expected = (x * dy):sum()
    lu.assertAlmostEquals(net.params["conv1.weight"].grad:sum() / expected, 1, 1e-6)
  end
end

-- A pixel that no window reads does not come to the weights, not even times zero.
function TestConv.test_a_pixel_that_nobody_reads()
  local function is_read(at, kernel, stride, out)
    local window = math.min((at - 1) // stride, out - 1)
    return at - 1 - window * stride < kernel
  end
  for _, case in ipairs { { 1, 2, 6 }, { 1, 2, 36 }, { 3, 1, 9 }, { 2, 2, 21 }, { 2, 2, 41 } } do
    local kernel, stride, side = table.unpack(case)
    local out = (side - kernel) // stride + 1
    local net = nn.net { nn.input { 2, side, side },
      nn.conv { 2, kernel = kernel, stride = stride, groups = 2 } }
    local x = lander.ones(1, 2, side, side)
    for row = 1, side do
      for column = row % 3 + 1, side, 3 do
        x:set(0 / 0, 1, 1, row, column)
        net:forward(x)
        net:backward(lander.ones(1, 2, out, out))
        x:set(1, 1, 1, row, column)
        local dw = net.params["conv1.weight"].grad
        local read = is_read(row, kernel, stride, out) and is_read(column, kernel, stride, out)
        lu.assertEquals({ dw[1]:isfinite():all(), case, row, column },
          { not read, case, row, column })
        lu.assertTrue(dw[2]:isfinite():all())
      end
    end
  end
end

function TestConv.test_gradients()
  for _, case in ipairs(convolutions) do
    local size, options = table.unpack(case)
    local net = nn.net { nn.input { size[2], size[3], size[4] }, nn.conv(options) }
    assert_gradients(net, lander.randn(table.unpack(size)), nil, { samples = 40 })
  end
end

-- Of the output and of all gradients.
function TestConv.test_threads_do_not_change_a_bit()
  local function run(case, threads)
    local size, options = table.unpack(case)
    local before = lander.threads()
    lander.threads(threads)
    local net = nn.net { nn.input { size[2], size[3], size[4] }, nn.conv(options) }
    net:want_input_gradient()
    lander.seed(1)
    local y = net:forward(lander.randn(table.unpack(size)))
    net:backward(y:clone():fill_(1):sub_(y))
    local all = { y:clone(), net["data"].gradient:clone() }
    for _, p in ipairs(net.params) do all[#all + 1] = p.grad:clone() end
    lander.threads(before)
    return all
  end
  for _, case in ipairs(convolutions) do
    local one = run(case, 1)
    for threads = 2, 3 do
      for i, t in ipairs(run(case, threads)) do support.same_bits(t, one[i]) end
    end
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
  fails("a kernel of height 5 is larger than the input (1, 4, 4)",
    net({ 1, 4, 4 }, { 2, kernel = 5 }))
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
  { { 1, 2, 9, 41 }, { 3, stride = 2 } },
  { { 1, 1, 54, 61 }, { 3, stride = 2, pad = 1 } }, -- copied in several parts
}

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

-- Padding is never the largest, not even of nothing but -infinity.
function TestPool.test_the_place_of_infinities_is_inside()
  local pool = nn.max_pool { 3, stride = 2, pad = 1, rounding = "ceil" }
  local net = nn.net { nn.input { 2, 5, 5 }, pool }
  net:want_input_gradient()
  local ones = net:forward(lander.zeros(1, 2, 5, 5):fill_(-1 / 0)):clone():fill_(1)
  net:backward(ones)
  local gradient = net.data.gradient
  for channel = 1, 2 do
    for _, at in ipairs { { 1, 1 }, { 1, 2 }, { 1, 4 }, { 2, 1 }, { 4, 4 } } do
      lu.assertEquals(gradient:get(1, channel, at[1], at[2]), 1)
    end
    lu.assertEquals(gradient[1][channel]:sum(), 9)
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
