-- test_layers_shapes.lua: layers that cut, join, move and combine: their numbers beside
-- naive ones, gradients, several outputs, and what they refuse.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local layers = require "tests.layers"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails
local apart, forward = layers.apart, layers.forward
local assert_near, assert_gradients = layers.assert_near, layers.assert_gradients

local function sample(size)
  return table.move(size, 2, #size, 1, {})
end

-- A net that puts inputs of these sizes (of samples) through one layer.
local function merged(kind, sizes, options)
  local entries = layers.with(options or {}, {})
  for i, size in ipairs(sizes) do
    entries[i] = nn.input(layers.with(size, { name = "in" .. i }))
  end
  return nn.net { nn[kind](entries) }
end

local function with_batch(batch, size)
  return table.move(size, 1, #size, 2, { batch })
end

local function draws(batch, sizes)
  local list = {}
  for i, size in ipairs(sizes) do
    list[i] = apart(table.unpack(with_batch(batch, size))) * (1 + i / 7)
  end
  return list
end

local function run(net, inputs)
  return net:forward(table.unpack(inputs))
end

-- ---- reshape, permute, crop ----

TestReshape = {}

function TestReshape.test_keeps_the_order_of_the_numbers()
  local x = lander.randn(3, 4, 6)
  for _, case in ipairs { { { 24 }, { 24 } }, { { 2, -1 }, { 2, 12 } }, { { -1 }, { 24 } },
    { { 0, 2, 3 }, { 4, 2, 3 } }, { { 0, -1, 1 }, { 4, 6, 1 } }, { { 1, 4, 0x6 }, { 1, 4, 6 } } } do
    local y = forward(nn.reshape(case[1]), x)
    lu.assertEquals(sample(y:size()), case[2])
    support.same_bits(y, x:view(3, table.unpack(case[2])))
  end
  support.same_bits(forward(nn.reshape { shape = { 8, 3 } }, x), x:view(3, 8, 3))
  assert_gradients(nn.net { nn.input { 2, 3 }, nn.reshape { 3, 2 }, nn.linear { 2 } },
    lander.randn(2, 2, 3))
end

function TestReshape.test_refuses()
  local function build(...)
    return forward, nn.reshape { ... }, lander.zeros(1, 4, 6)
  end
  fails("reshape: an input (4, 6) of 24 numbers can't become (5, 5)", build(5, 5))
  fails("can't become (7, -1)", build(7, -1))
  fails("can't become (48, -1)", build(48, -1))
  fails("can't become (4, 6, 0)", build(4, 6, 0))
  fails("only one size of the shape can be -1", build(-1, -1))
  fails("at most 7 dimensions, got 8", build(1, 1, 1, 1, 1, 1, 4, 6))
  fails("can't become", build(1 << 30, 1 << 30, 1 << 30, -1))
  fails("required", function() return (nn.reshape {}) end)
end

TestPermute = {}

function TestPermute.test_every_order()
  local orders = { { 1, 2, 3 }, { 1, 3, 2 }, { 2, 1, 3 }, { 2, 3, 1 }, { 3, 1, 2 }, { 3, 2, 1 } }
  for _, size in ipairs { { 4, 2, 3, 5 }, { 1, 1, 4, 3 }, { 2, 3, 1, 1 } } do
    local x = lander.randn(table.unpack(size))
    for _, order in ipairs(orders) do
      local y = forward(nn.permute(order), x)
      local all = { 1, order[1] + 1, order[2] + 1, order[3] + 1 }
      assert_near(y, naive.permute(naive.of(x), all))
      assert_gradients(nn.net { nn.input(sample(size)), nn.permute(order) }, x, nil,
        { samples = 20 })
    end
  end
  support.same_bits(forward(nn.permute { 1 }, lander.ones(2, 3)), lander.ones(2, 3))
end

-- Large enough that planes are turned by blocks.
function TestPermute.test_planes()
  for _, size in ipairs { { 17, 24 }, { 8, 9 }, { 3, 17, 24 }, { 5, 16, 8 } } do
    local x, order, all = lander.randn(2, table.unpack(size)), {}, { 1 }
    for d = 1, #size do order[d] = d end
    order[#size - 1], order[#size] = #size, #size - 1
    for d, o in ipairs(order) do all[d + 1] = o + 1 end
    local net = nn.net { nn.input(size), nn.permute(order) }
    net:want_input_gradient(true)
    local y = net:forward(x):clone()
    support.same_bits(y, x:permute(all):contiguous())
    net:backward(y)
    support.same_bits(net.data.gradient, x)
  end
end

-- More rows than one piece has, and back again.
function TestPermute.test_there_and_back()
  local x = lander.randn(9, 33, 65, 17)
  local size = { 33, 65, 17 }
  local net = nn.net { nn.input(size), nn.permute { 3, 1, 2 }, nn.permute { 2, 3, 1 } }
  support.same_bits(net:forward(x), x)
end

function TestPermute.test_refuses()
  local function build(...) return forward, nn.permute { ... }, lander.zeros(1, 2, 3) end
  for _, order in ipairs { { 1 }, { 1, 1 }, { 1, 3 }, { 1, 2, 3 } } do
    fails("permute: the order must have each of the numbers 1 to 2 once, for an input (2, 3)",
      build(table.unpack(order)))
  end
  fails("order", function() return (nn.permute { 0, 1 }) end)
end

TestCrop = {}

function TestCrop.test_beside_narrow()
  local x = lander.randn(3, 4, 7, 6)
  for _, case in ipairs {
    { { 3, 2 }, { 4, 3, 2 }, { 0, 0, 0 } },
    { { 5, 5, offset = { 2, 1 } }, { 4, 5, 5 }, { 0, 2, 1 } },
    { { 4, offset = 2 }, { 4, 4, 4 }, { 0, 2, 2 } },
    { { 2, axis = -1, offset = 4 }, { 4, 7, 2 }, { 0, 0, 4 } },
    { { 2, 6, 1, axis = 1, offset = { 1, 0, 3 } }, { 2, 6, 1 }, { 1, 0, 3 } },
    { { 7, 6 }, { 4, 7, 6 }, { 0, 0, 0 } } } do
    local options, size, offset = table.unpack(case)
    local expected = naive.of(x)
    for d = 1, 3 do expected = naive.narrow(expected, d + 1, offset[d] + 1, size[d]) end
    assert_near(forward(nn.crop(options), x), expected)
    assert_gradients(nn.net { nn.input { 4, 7, 6 }, nn.crop(options) }, x, nil, { samples = 60 })
  end
end

function TestCrop.test_to_the_size_of_a_second_input()
  local sizes = { { 2, 5, 4 }, { 3, 3, 2 } }
  local net = merged("crop", sizes, { offset = { 1, 2 } })
  local inputs = draws(2, sizes)
  support.same_bits(run(net, inputs), inputs[1]:narrow(3, 2, 3):narrow(4, 3, 2))
  assert_gradients(nn.net { nn.input { 2, 4 }, nn.crop { 2, offset = 1 }, nn.linear { 2 } },
    lander.randn(1, 2, 4))
  net:want_input_gradient()
  run(net, inputs)
  net:backward(lander.ones(2, 2, 3, 2))
  lu.assertEquals(net["in1"].gradient:sum(), 24)
  lu.assertEquals(net["in2"].gradient:abs():sum(), 0)
end

function TestCrop.test_refuses()
  local x = lander.zeros(1, 2, 5, 5)
  fails("crop: offset 3 and size 3 in dimension 2 of an input that has 5 there", forward,
    nn.crop { 3, offset = 3 }, x)
  fails("size has 3 entries, expected one or 2", forward, nn.crop { 3, 3, 3 }, x)
  fails("offset has 3 entries", forward, nn.crop { 3, offset = { 1, 1, 1 } }, x)
  fails("takes either a size or a second input", forward, nn.crop {}, x)
  fails("takes either a size or a second input", merged, "crop", { { 4 }, { 2 } },
    { size = 2, axis = 1 })
  fails("crop: axis 2 of an input with 1 dimension, (4)", forward, nn.crop { 2 },
    lander.zeros(1, 4))
  fails("the input is (4, 4), but the second one, whose size it gets, (2)", merged, "crop",
    { { 4, 4 }, { 2 } })
end

-- ---- concat, slice, split, tile ----

TestConcat = {}

function TestConcat.test_along_each_axis()
  for _, case in ipairs { { { { 2, 3 }, { 4, 3 }, { 1, 3 } }, 1 }, { { { 2, 3 }, { 2, 1 } }, 2 },
    { { { 2, 3, 2 }, { 2, 5, 2 } }, -2 }, { { { 3 } }, 1 }, { { { 1 }, { 1 } }, -1 } } do
    local sizes, axis = case[1], case[2]
    for _, batch in ipairs { 1, 3 } do
      local net, inputs = merged("concat", sizes, { axis = axis }), draws(batch, sizes)
      local dim = axis < 0 and #sizes[1] + axis + 2 or axis + 1
      support.same_bits(run(net, inputs), lander.cat(inputs, dim))
      assert_gradients(net, inputs)
    end
  end
end

function TestConcat.test_refuses()
  fails("concat: input 2 is (3, 4), but the first one (2, 3); they may differ only in dimension 1",
    merged, "concat", { { 2, 3 }, { 3, 4 } })
  fails("input 2 is (2), but the first one (2, 3)", merged, "concat", { { 2, 3 }, { 2 } })
  fails("axis 3 of an input with 2 dimensions, (2, 3)", merged, "concat", { { 2, 3 } },
    { axis = 3 })
  fails("axis 0", merged, "concat", { { 2, 3 } }, { axis = 0 })
end

TestSlice = {}

-- All outputs of the last forward pass, put together again along dimension `dim`.
local function slices(options, size)
  local x = nn.input(size)
  return nn.net { nn.concat(layers.with({ x:slice(options):outputs() }, { axis = options.axis })) }
end

function TestSlice.test_parts_and_points()
  local x = lander.randn(2, 6, 4)
  for _, case in ipairs { { { parts = 3 }, 2, { 2, 2, 2 } }, { { 2 }, 2, { 3, 3 } },
    { { points = { 1, 5 } }, 2, { 1, 4, 1 } }, { { parts = 2, axis = 2 }, 3, { 2, 2 } },
    { { points = 3, axis = -1 }, 3, { 3, 1 } } } do
    local options, dim, sizes = table.unpack(case)
    local start = 1
    for k, length in ipairs(sizes) do
      local y = nn.input { 6, 4 }:slice(options):output(k)
      support.same_bits(nn.net { y }:forward(x), x:narrow(dim, start, length))
      start = start + length
      assert_gradients(nn.net { y:linear { 2 } }, x, nil, { samples = 48 }) -- the rest: zero
    end
    support.same_bits(slices(options, { 6, 4 }):forward(x), x)
    assert_gradients(slices(options, { 6, 4 }), x, nil, { samples = 48 })
  end
end

function TestSlice.test_refuses()
  local function build(options) return forward, nn.slice(options), lander.zeros(1, 6, 4) end
  fails("slice takes either a number of parts (2 or more) or points", build {})
  fails("slice takes either", build { 1 })
  fails("slice takes either", build { parts = 2, points = 3 })
  fails("6 places, which can't be divided into 4 equal parts", build { 4 })
  fails("points must ascend between 1 and 5, point 1 is 6", build { points = 6 })
  fails("point 2 is 2", build { points = { 2, 2 } })
  fails("point 2 is 1", build { points = { 3, 1 } })
  local many = {}
  for i = 1, 16 do many[i] = i end
  fails("16 points make 17 outputs, at most 16", forward, nn.slice { points = many },
    lander.zeros(1, 40))
end

TestSplit = {}

function TestSplit.test_copies_and_adds_gradients()
  local x = apart(3, 4)
  local a, b, c = nn.input { 4 }:split { 3 }:outputs()
  local net = nn.net { nn.concat { a:tanh {}, b, c:linear { 2 } } }
  support.same_bits(net:forward(x):narrow(2, 5, 4), x)
  assert_gradients(net, x)
  support.same_bits(forward(nn.split { 1 }, x), x)
  fails("from 1 to 16", nn.split, { 17 })
end

TestOutputs = {}

function TestOutputs.test_the_text_and_what_it_builds()
  local x = nn.input { 6 }
  local a, b = x:slice { parts = 2 }:outputs()
  local net = nn.net { b:linear { 2 }:add { a:linear { 2 } } }
  lu.assertStrContains(net:text(), "slice1:2")
  local copy = net:clone()
  local input = lander.randn(3, 6)
  support.same_bits(copy:forward(input), net:forward(input))
  lu.assertEquals(#net.params, 4)
end

-- The net's output is a layer's first output: another one gets a layer of its own, which
-- all that read it see.
function TestOutputs.test_as_the_output_of_the_net()
  local x = lander.randn(2, 4)
  local s = nn.input { 4 }:slice { 2 }
  local net = nn.net { s:output(1), s:output(2) }
  support.same_bits(net:forward(x), x:narrow(2, 3, 2))
  local one = nn.net { s:output(2):tanh {}, s:output(1) }
  support.same_bits(one:forward(x), x:narrow(2, 1, 2))
  local y = s:output(2)
  net = nn.net { y, loss = y:mse_loss { nn.label { 2 } } }
  local loss = net:loss(x, lander.zeros(2, 2))
  lu.assertTrue(math.abs(loss - x:narrow(2, 3, 2):pow(2):sum() / 4) < 1e-6)
end

function TestOutputs.test_in_chains_and_with_a_label_of_their_own()
  local x = lander.randn(2, 4)
  local net = nn.net { nn.input { 4 }, nn.slice { points = 1 }:output(2), nn.tanh {} }
  support.same_bits(net:forward(x), x:narrow(2, 2, 3):tanh())
  net = nn.net { nn.input { 4 }, nn.slice { points = 1 }:output(2), loss = "mse_loss" }
  lu.assertTrue(net:loss(x, lander.zeros(2, 3)) > 0)
  local data = nn.input { 4 }
  local a, b = data:slice { points = 1 }:outputs()
  net = nn.net { data:linear { 2 }, a:mse_loss {}, loss = { b:mse_loss { data:linear { 3 } } } }
  lu.assertEquals(net:labels(), 1)
end

function TestOutputs.test_errors()
  local x = nn.input { 4 }
  local s = x:slice { 2 }
  for _, bad in ipairs { 0, 17, -1, 1.5, "1" } do
    lu.assertStrMatches(fails("count from 1 to at most 16, found " .. bad, function()
      local _ = s:output(bad)
    end), "tests/test_layers_shapes.lua:%d+: .*")
  end
  fails("has no others", function() local _ = s:output(1):output(1) end)
  lu.assertStrMatches(fails("linear: say how many outputs are wanted", function()
    local _ = x:linear { 2 }:outputs()
  end), "tests/test_layers_shapes.lua:%d+: .*")
  fails("'slice1' has 2 outputs, not 3", nn.net, { s:output(3):tanh {} })
  local a, b = x:linear { 2 }:outputs(2)
  lu.assertEquals({ tostring(a):sub(1, 8), tostring(b):sub(1, 8) }, { "output 1", "output 2" })
end

TestTile = {}

function TestTile.test_repeats()
  local x = lander.randn(3, 2, 5)
  for axis = 1, 2 do
    for _, times in ipairs { 1, 4 } do
      local list = {}
      for i = 1, times do list[i] = x end
      local layer = nn.tile { times, axis = axis }
      support.same_bits(forward(layer, x), lander.cat(list, axis + 1))
      assert_gradients(nn.net { nn.input { 2, 5 }, layer }, x)
    end
  end
  fails("times", nn.tile, { 0 })
  fails("required", nn.tile, {})
  fails("axis 3", forward, nn.tile { 2, axis = 3 }, x)
  fails("would have", forward, nn.tile { 1 << 24 }, lander.zeros(1, 1 << 23))
end

-- ---- reduction, argmax ----

TestReduction = {}

local operations = {
  sum = naive.sum, mean = naive.mean,
  asum = function(list)
    local sum = 0
    for _, v in ipairs(list) do sum = sum + math.abs(v) end
    return sum
  end,
  sumsq = function(list) return naive.norm(list) ^ 2 end,
}

function TestReduction.test_each_over_the_last_dimensions()
  for _, size in ipairs { { 2, 3, 4, 5 }, { 1, 1 }, { 3, 7 } } do
    local x = apart(table.unpack(size))
    for name, f in pairs(operations) do
      for axis = 1, #size - 1 do
        local kept = table.move(size, 1, axis, 1, {})
        local flat_size = table.move(kept, 1, axis, 1, {})
        flat_size[axis + 1] = naive.count(size) // naive.count(kept)
        local flat = naive.reshape(naive.of(x), flat_size)
        local expected = naive.map(function(v) return -1.5 * v end, naive.reduce(f, flat, axis + 1))
        local layer = nn.reduction { operation = name, axis = axis, coeff = -1.5 }
        assert_near(forward(layer, x), expected, name)
        assert_gradients(nn.net { nn.input(sample(size)), layer }, x, nil, { samples = 40 })
      end
    end
  end
  local x = lander.randn(2, 30000)
  lu.assertTrue((forward(nn.reduction {}, x) - x:sum(2)):abs():max() < 1e-3)
  fails("did you mean 'mean'?", nn.reduction, { operation = "meen" })
end

TestArgmax = {}

function TestArgmax.test_counts_from_one()
  local nan = 0 / 0
  local x = lander.tensor { { 1, 5, 3, 5 }, { nan, 1, nan, 9 }, { -1, -2, -1 / 0, -3 } }
  lu.assertEquals(forward(nn.argmax {}, x):totable(), { { 2 }, { 1 }, { 1 } })
  lu.assertEquals(forward(nn.argmax { 4 }, x):totable(),
    { { 2, 4, 3, 1 }, { 1, 3, 4, 2 }, { 1, 2, 4, 3 } })
  local y = lander.randn(5, 3, 4, 2)
  for axis = 1, 3 do
    local found = forward(nn.argmax { axis = axis }, y)
    support.same_bits(found, y:argmax(axis + 1, true))
    lu.assertEquals(found:size(axis + 1), 1)
  end
  fails("argmax: top_k is 4, but there are 3 classes", forward, nn.argmax { top_k = 4 }, y)
end

function TestArgmax.test_has_no_gradient()
  local x = nn.input { 3 }
  local net = nn.net { x:argmax {}:concat { x:reduction {}:reshape { 1 } } }
  net:want_input_gradient()
  net:forward(lander.randn(2, 3))
  net:backward(lander.ones(2, 2))
  lu.assertEquals(net["data"].gradient:totable(), { { 1, 1, 1 }, { 1, 1, 1 } })
end

-- ---- add, mul, maximum ----

TestMerge = {}

local merges = {
  { "add", {}, function(a, b, c) return a + b + c end },
  { "add", { coeff = { 2, -1, 0.5 } }, function(a, b, c) return 2 * a - b + c / 2 end },
  { "mul", {}, function(a, b, c) return a * b * c end },
  { "maximum", {}, function(a, b, c) return math.max(a, b, c) end },
}

function TestMerge.test_three_inputs()
  for _, case in ipairs(merges) do
    local kind, options, f = table.unpack(case)
    for _, size in ipairs { { 3, 5 }, { 1 } } do
      local sizes = { size, size, size }
      local net, inputs = merged(kind, sizes, options), draws(3, sizes)
      inputs[2] = -inputs[2]
      inputs[3] = inputs[3] * 0.7 + 0.3
      local a, b, c = naive.of(inputs[1]), naive.of(inputs[2]), naive.of(inputs[3])
      assert_near(run(net, inputs), naive.make(a.size, function(_, k)
        return f(a.at[k], b.at[k], c.at[k])
      end), kind)
      assert_gradients(net, inputs)
    end
  end
end

function TestMerge.test_zeros_infinities_and_equal_numbers()
  local nan = 0 / 0
  local net = merged("mul", { { 2 }, { 2 } })
  net:want_input_gradient()
  run(net, { lander.tensor { { 0, 0 } }, lander.tensor { { 3, 0 } } })
  net:backward(lander.ones(1, 2))
  lu.assertEquals(net["in1"].gradient:totable(), { { 3, 0 } })
  net = merged("maximum", { { 4 }, { 4 } })
  net:want_input_gradient()
  local first = lander.tensor { { 1, nan, 1, -1 / 0 } }
  local y = run(net, { first, lander.tensor { { 1, 1, nan, 2 } } })
  lu.assertEquals(y:isfinite():totable(), { { 1, 0, 0, 1 } })
  net:backward(lander.ones(1, 4))
  lu.assertEquals(net["in1"].gradient:totable(), { { 1, 1, 0, 0 } })
  lu.assertEquals(net["in2"].gradient:totable(), { { 0, 0, 1, 1 } })
end

function TestMerge.test_refuses()
  for _, kind in ipairs { "add", "mul", "maximum" } do
    fails(kind .. ": all inputs must have one shape; the first is (2, 3), but input 3 (3, 2)",
      merged, kind, { { 2, 3 }, { 2, 3 }, { 3, 2 } })
    fails(kind .. " takes 2 to 16 inputs, 1 are given", merged, kind, { { 2 } })
  end
  fails("coeff has 3 entries, but there are 2 inputs", merged, "add", { { 2 }, { 2 } },
    { coeff = { 1, 2, 3 } })
end

-- Both inputs of the last layer, and the same one three times, have gradients already
-- from other readers.
function TestMerge.test_inputs_that_others_read_too()
  local x = nn.input { 3 }
  local a, b = x:linear { 3 }:tanh {}, x:linear { 3 }:sigmoid {}
  for _, kind in ipairs { "add", "mul", "concat" } do
    local both = nn[kind] { a, b, a, a }
    local net = nn.net { nn.concat { both, a:mul { b }, both:tanh {}, b:tanh {}, a:sigmoid {} } }
    assert_gradients(net, lander.randn(4, 3))
  end
end

-- ---- scale, bias ----

TestScale = {}

-- y = x * factor + bias, where factor(at) and bias(at) look at the places in the sample.
local function naive_scale(x, factor, bias)
  return naive.make(x.size, function(at, k) return x.at[k] * factor(at) + bias(at) end)
end

function TestScale.test_learnt()
  for _, case in ipairs { { { 3, 4, 2, 5 }, 1, 1 }, { { 2, 4, 3 }, 2, 1 }, { { 2, 4, 3 }, 1, 2 },
    { { 2, 4, 3 }, 2, -1 }, { { 2, 4, 3 }, -2, -1 }, { { 5, 7 }, 1, 1 }, { { 5, 130 }, 1, 1 },
    { { 2, 3, 2 }, 1, 0 }, { { 1, 1 }, 1, 1 } } do
    local size, axis, num_axes = table.unpack(case)
    local x = lander.randn(table.unpack(size))
    local first = axis < 0 and #size + axis + 1 or axis + 1
    local last = num_axes < 0 and #size or first + num_axes - 1
    local scale = nn.scale { axis = axis, num_axes = num_axes, bias = true, name = "s" }
    local net = nn.net { nn.input(sample(size)), scale }
    local weight, bias = net.params["s.weight"].data, net.params["s.bias"].data
    lu.assertEquals({ weight:min(), weight:max(), bias:abs():max() }, { 1, 1, 0 })
    lu.assertEquals(weight:size(), table.move(size, first, last, 1, {}))
    weight:normal_(0, 1)
    bias:normal_(0, 1)
    local function pick(t)
      local values = naive.of(t)
      return function(at) return naive.get(values, table.move(at, first, last, 1, {})) end
    end
    assert_near(net:forward(x), naive_scale(naive.of(x), pick(weight), pick(bias)))
    assert_gradients(net, x, nil, { samples = 60 })
    net = nn.net { nn.input(sample(size)), nn.bias { axis = axis, num_axes = num_axes, name = "s",
      bias_filler = { "gaussian", std = 1 } } }
    assert_near(net:forward(x), naive_scale(naive.of(x), function() return 1 end,
      pick(net.params["s.bias"].data)))
    assert_gradients(net, x, nil, { samples = 60 })
  end
end

function TestScale.test_given_by_a_second_input()
  for _, case in ipairs { { { 4, 2, 3 }, { 4 } }, { { 4, 2, 3 }, { 4, 1, 1 } },
    { { 4, 2, 3 }, { 4, 2, 3 } }, { { 4, 2, 3 }, { 2, 3 }, 2 }, { { 4, 2, 3 }, { 3 }, -1 },
    { { 4, 2, 3 }, { 2 }, 2 }, { { 5 }, { 1 } }, { { 1 }, { 1 } }, { { 70 }, { 70 } } } do
    local size, given, axis = table.unpack(case)
    axis = axis or 1
    local first = axis < 0 and #size + axis + 1 or axis
    local last = first + #given - 1
    while last >= first and given[last - first + 1] == 1 do last = last - 1 end
    for kind, bias in pairs { scale = false, bias = true } do
      local sizes = { size, given }
      local net, inputs = merged(kind, sizes, { axis = axis }), draws(3, sizes)
      local w = naive.of(inputs[2])
      local function pick(at)
        local place = table.move(at, first + 1, last + 1, 2, { at[1] })
        for d = #place + 1, #given + 1 do place[d] = 1 end
        return naive.get(w, place)
      end
      local function constant(v) return function() return v end end
      assert_near(run(net, inputs), naive_scale(naive.of(inputs[1]), bias and constant(1) or pick,
        bias and pick or constant(0)))
      assert_gradients(net, inputs, nil, { samples = 60 })
      lu.assertEquals(#net.params, 0)
    end
  end
  -- Given factors and a learnt bias.
  local net = merged("scale", { { 4, 3 }, { 4 } }, { bias = true })
  lu.assertEquals(net.params["scale1.bias"].data:size(), { 4 })
  assert_gradients(net, draws(2, { { 4, 3 }, { 4 } }))
end

function TestScale.test_fillers_and_frozen_weights()
  local net = nn.net { nn.input { 3, 2 }, nn.scale { weight_filler = { "constant", value = 0.5 },
    bias = true, bias_filler = { "constant", value = 2 }, name = "s" } }
  lu.assertEquals(net:forward(lander.ones(1, 3, 2)):sum(), 15)
  net.params["s.weight"].frozen = true
  net:backward(lander.ones(1, 3, 2))
  lu.assertEquals(net.params["s.bias"].grad:totable(), { 2, 2, 2 })
  lu.assertEquals(nn.net { nn.input { 2 }, nn.scale { weight_filler = "constant" } }
    .params[1].data:totable(), { 1, 1 })
end

function TestScale.test_refuses()
  for _, kind in ipairs { "scale", "bias" } do
    fails(kind .. ": the input is (4, 2) and the second one (2), which has not its sizes from "
      .. "dimension 1 on", merged, kind, { { 4, 2 }, { 2 } })
    fails("from dimension 2 on", merged, kind, { { 4, 2 }, { 2, 3 } }, { axis = 2 })
    fails(kind .. ": 2 dimensions from dimension 2 on, but the input has 2", forward,
      nn[kind] { axis = 2, num_axes = 2 }, lander.zeros(1, 4, 2))
    fails(kind .. ": axis 3", forward, nn[kind] { axis = 3 }, lander.zeros(1, 4, 2))
  end
end

-- ---- all of them ----

TestShapesTogether = {}

-- A loss or metric is one number for the whole batch, nothing that a layer could read.
function TestShapesTogether.test_a_loss_is_no_input()
  local x = nn.input { 3 }
  fails("'softmax_loss1' gives one number for the whole batch", nn.net,
    { x:linear { 2 }:softmax_loss { nn.label {} }:relu {} })
end

-- Sizes that make several pieces of every loop, the last one short.
local function net_of_all()
  local x = nn.input { 6, 35, 34 }
  local a, b = x:permute { 1, 3, 2 }:crop { 33, 31, offset = 1 }:scale { bias = true }
    :slice { parts = 2 }:outputs()
  local h = nn.add { nn.mul { a, b }, nn.maximum { a, b }, coeff = { 0.5, -1 } }
  h = nn.concat { h, b:bias { num_axes = -1 } }:tile { 2, axis = 3 }
  h = h:scale { h:reduction { operation = "mean", axis = 2 } }:log_softmax {}
  return nn.net { h:linear { 4 }, seed = 5 }
end

function TestShapesTogether.test_threads_do_not_change_a_bit()
  local x = lander.randn(7, 6, 35, 34)
  local function run_with(threads)
    local before = lander.threads()
    lander.threads(threads)
    local net = net_of_all()
    net:want_input_gradient()
    local y = net:forward(x):clone()
    net:backward(y)
    lander.threads(before)
    return net, y
  end
  local one, y = run_with(1)
  for threads = 2, 3 do
    local other, other_y = run_with(threads)
    support.same_bits(other_y, y)
    support.same_bits(other["data"].gradient, one["data"].gradient)
    for name, p in pairs(one.params) do support.same_bits(p.grad, other.params[name].grad) end
  end
end

function TestShapesTogether.test_batches_change_and_nets_survive_saving()
  local net = net_of_all()
  local path = support.folder() .. "/net.npz"
  net:save(path)
  local loaded = lander.load(path)
  for _, batch in ipairs { 2, 5, 1 } do
    local x = lander.randn(batch, 6, 35, 34)
    support.same_bits(loaded:forward(x), net:forward(x))
  end
end
