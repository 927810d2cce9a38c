-- test_layers_deconv.lua: deconv and global_avg_pool beside loops in plain Lua.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local layers = require "tests.layers"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails
local assert_near, assert_gradients = layers.assert_near, layers.assert_gradients

TestDeconv = {}

local function pair(value) return type(value) == "table" and value or { value, value } end

-- x and weight as images: (batch, channels, height, width), (channels, outputs / groups, kh, kw).
local function deconv(x, weight, bias, o)
  local stride, pad = pair(o.stride or 1), pair(o.pad or 0)
  local dilation, more = pair(o.dilation or 1), pair(o.output_pad or 0)
  local groups, size = o.groups or 1, { x.size[1], o.outputs }
  for side = 1, 2 do
    size[side + 2] = (x.size[side + 2] - 1) * stride[side] - 2 * pad[side]
      + dilation[side] * (weight.size[side + 2] - 1) + more[side] + 1
  end
  local y = naive.make(size, function(at) return bias and bias[at[2]] or 0 end)
  local inputs, outputs = x.size[2] // groups, o.outputs // groups
  naive.make(x.size, function(at, k)
    local group = (at[2] - 1) // inputs
    naive.make({ outputs, weight.size[3], weight.size[4] }, function(w)
      local place = { at[1], group * outputs + w[1] }
      for side = 1, 2 do
        place[side + 2] = (at[side + 2] - 1) * stride[side] + (w[side + 1] - 1) * dilation[side]
          - pad[side] + 1
        if place[side + 2] < 1 or place[side + 2] > size[side + 2] then return 0 end
      end
      local i = 0
      for d = 1, 4 do i = i * size[d] + place[d] - 1 end
      y.at[i + 1] = y.at[i + 1] + x.at[k] * naive.get(weight, { at[2], w[1], w[2], w[3] })
      return 0
    end)
    return 0
  end)
  return y
end

local cases = {
  { { 3, 3, 5, 6 }, { outputs = 4, kernel = 3, stride = 2, pad = 1, output_pad = 1 } },
  { { 2, 4, 3, 3 }, { outputs = 6, kernel = 2, stride = 3, output_pad = 2, groups = 2 } },
  { { 2, 2, 4, 1 }, { outputs = 2, kernel = 1 } },
  { { 1, 1, 1, 1 }, { outputs = 3, kernel = 4, stride = 2, pad = 1 } },
  { { 1, 6, 5, 4 }, { outputs = 6, kernel = 3, pad = 1, dilation = 2, groups = 6 } },
  { { 2, 2, 4, 4 }, { outputs = 3, kernel = { 3, 2 }, stride = { 2, 1 }, pad = { 1, 0 },
    output_pad = { 1, 0 }, dilation = { 1, 2 } } },
  { { 2, 2, 4, 3 }, { outputs = 3, kernel = 3, pad = 1, output_pad = 1, dilation = 2 } },
  { { 2, 4, 3, 5 }, { outputs = 2, kernel = 1, stride = 2, output_pad = 1, groups = 2 } },
  { { 20, 2, 2, 2 }, { outputs = 2, kernel = 2, stride = 2 } },
}

local function build(size, options)
  local net = nn.net { nn.input(table.move(size, 2, #size, 1, {})), nn.deconv(options) }
  lander.seed(3)
  for _, p in pairs(net.params) do p.data:normal_(0, 1) end
  return net, lander.randn(table.unpack(size))
end

function TestDeconv.test_images()
  for _, case in ipairs(cases) do
    for _, bias in ipairs { true, false } do
      local size, options = case[1], layers.with(case[2], { bias = bias })
      local net, x = build(size, options)
      local weight = naive.of(net.params["deconv1.weight"].data)
      local values = bias and net.params["deconv1.bias"].data
      assert_near(net:forward(x), deconv(naive.of(x), weight, values, options))
      assert_gradients(net, x)
    end
  end
end

function TestDeconv.test_sequences()
  local options = { outputs = 4, kernel = 3, stride = 2, pad = 1, output_pad = 1, groups = 2 }
  local net, x = build({ 3, 2, 6 }, options)
  local weight = net.params["deconv1.weight"].data
  lu.assertEquals(weight:size(), { 2, 2, 3 })
  local y = net:forward(x)
  lu.assertEquals(y:size(), { 3, 4, 12 })
  local flat = layers.with(options, { stride = { 1, 2 }, pad = { 0, 1 }, output_pad = { 0, 1 } })
  assert_near(y:view(3, 4, 1, 12), deconv(naive.of(x:view(3, 2, 1, 6)),
    naive.of(weight:view(2, 2, 1, 3)), net.params["deconv1.bias"].data, flat))
  assert_gradients(net, x)
end

-- Its forward pass is the backward pass of conv with the same weights.
function TestDeconv.test_it_is_the_gradient_of_conv()
  local o = { kernel = 3, stride = 2, pad = 1, bias = false }
  local conv = nn.net { nn.input { 3, 9, 7 }, nn.conv(layers.with(o, { outputs = 5 })) }
  conv:want_input_gradient()
  local dy = lander.randn(2, 5, 5, 4)
  conv:forward(lander.randn(2, 3, 9, 7))
  conv:backward(dy)
  local net = nn.net { nn.input { 5, 5, 4 }, nn.deconv(layers.with(o, { outputs = 3 })) }
  net.params["deconv1.weight"].data:copy_(conv.params["conv1.weight"].data)
  lu.assertTrue(net:forward(dy):allclose(conv["data"].gradient, 1e-5, 1e-6))
end

-- The bilinear filler enlarges a flat picture to a flat picture, but for the border.
function TestDeconv.test_bilinear()
  local net = nn.net { nn.input { 2, 5, 5 }, nn.deconv { 2, kernel = 4, stride = 2, pad = 1,
    groups = 2, bias = false, weight_filler = "bilinear" } }
  local y = net:forward(lander.ones(1, 2, 5, 5))
  lu.assertEquals(y:size(), { 1, 2, 10, 10 })
  local middle = y:narrow(3, 2, 8):narrow(4, 2, 8)
  lu.assertEquals({ middle:min(), middle:max() }, { 1, 1 })
end

function TestDeconv.test_threads_do_not_change_a_bit()
  local function run(threads)
    local before = lander.threads()
    lander.threads(threads)
    local net, x = build({ 19, 4, 6, 5 }, { outputs = 6, kernel = 3, stride = 2, groups = 2 })
    local y = net:forward(x)
    net:backward(y)
    lander.threads(before)
    return y, net
  end
  local y, one = run(1)
  for threads = 2, 3 do
    local other_y, other = run(threads)
    support.same_bits(y, other_y)
    for name, p in pairs(one.params) do support.same_bits(p.grad, other.params[name].grad) end
  end
end

function TestDeconv.test_wrong_options_and_shapes()
  local function build_with(size, options)
    return function() nn.net { nn.input(size), nn.deconv(options) } end
  end
  fails("deconv: 3 channels and 4 outputs must both be divisible by groups, which is 2",
    build_with({ 3, 4, 4 }, { 4, kernel = 3, groups = 2 }))
  fails("output_pad 2 of the height must be less than stride or dilation, which is 2",
    build_with({ 3, 4, 4 }, { 4, kernel = 3, stride = 2, output_pad = 2 }))
  fails("use less padding", build_with({ 3, 1, 4 }, { 4, kernel = 3, pad = 2 }))
  fails("deconv needs an input of 3 dimensions", build_with({ 3 }, { 4, kernel = 3 }))
  fails("option 'stride' must be one number for an input with 1 side, got 2",
    build_with({ 3, 9 }, { 4, kernel = 3, stride = { 1, 2 } }))
  fails("would have", build_with({ 3, 4, 4 }, { 1 << 24, kernel = 1 << 20 }))
  fails("would have", build_with({ 3, 4000, 4000 }, { 1, kernel = 3, stride = 1 << 20 }))
end

-- ---- global_avg_pool ----

TestGlobalAvgPool = {}

function TestGlobalAvgPool.test_forward_and_gradients()
  local sizes = { { 3, 2, 5, 4 }, { 1, 1, 1 }, { 2, 3, 7 }, { 2, 3, 2, 3, 2 }, { 2, 1, 9, 9 } }
  for _, size in ipairs(sizes) do
    local net = nn.net { nn.input(table.move(size, 2, #size, 1, {})), nn.global_avg_pool {} }
    local x = lander.randn(table.unpack(size))
    local flat = naive.of(x:view(size[1], size[2], x:numel() // (size[1] * size[2])))
    assert_near(net:forward(x), naive.reduce(naive.mean, flat, 3))
    assert_gradients(net, x)
  end
end

function TestGlobalAvgPool.test_it_needs_channels()
  fails("global_avg_pool needs an input of at least 2 dimensions, (channels, length) or "
    .. "(channels, height, width), got (5)", function()
    nn.net { nn.input { 5 }, nn.global_avg_pool {} }
  end)
end
