-- test_layers_norm.lua: batch_norm, layer_norm, group_norm and lrn beside sums in plain Lua.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local layers = require "tests.layers"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails
local assert_near, assert_gradients = layers.assert_near, layers.assert_gradients

-- Sizes of a batch: channels only, one side, two; one sample, one channel, odd planes, more
-- than one block of columns, planes with and without a rest behind whole vectors.
local sizes = { { 4, 3 }, { 5, 1 }, { 9, 70 }, { 7, 5, 3 }, { 1, 2, 9 }, { 3, 2, 5, 4 },
  { 1, 1, 7, 7 }, { 2, 3, 8, 4 }, { 3, 2, 2, 3, 2 } }

local function build(size, layer)
  local net = nn.net { nn.input(table.move(size, 2, #size, 1, {})), layer }
  lander.seed(7)
  for _, p in pairs(net.params) do p.data:uniform_(0.5, 2) end
  return net, lander.randn(table.unpack(size)) * 2 + 3
end

-- { name of a group of positions = { mean =, var =, count = } }, by key(positions).
local function statistics(x, key)
  local groups = {}
  for i = 1, 2 do
    naive.make(x.size, function(at, k)
      local name = key(at)
      local g = groups[name] or { sum = 0, count = 0, squares = 0 }
      groups[name] = g
      if i == 1 then
        g.sum, g.count = g.sum + x.at[k], g.count + 1
        g.mean = g.sum / g.count
      else
        g.squares = g.squares + (x.at[k] - g.mean) ^ 2
        g.var = g.squares / g.count
      end
      return 0
    end)
  end
  return groups
end

-- `place(at)`: where weight and bias of an element are; nil: it has none.
local function normalised(x, groups, key, eps, weight, bias, place)
  return naive.make(x.size, function(at, k)
    local g = groups[key(at)]
    local v = (x.at[k] - g.mean) / math.sqrt(g.var + eps)
    if not place then return v end
    return naive.get(weight, place(at)) * v + naive.get(bias, place(at))
  end)
end

local function param(net, name)
  local p = net.params[name]
  return p and naive.of(p.data)
end

local function channel_of(at) return at[2] end
local function place_of_channel(at) return { at[2] } end

-- ---- batch_norm ----

TestBatchNorm = {}

function TestBatchNorm.test_forward_in_the_train_phase()
  for _, size in ipairs(sizes) do
    for _, affine in ipairs { true, false } do
      local net, x = build(size, nn.batch_norm { affine = affine, eps = 0.01 })
      local data = naive.of(x)
      local expected = normalised(data, statistics(data, channel_of), channel_of, 0.01,
        param(net, "batch_norm1.weight"), param(net, "batch_norm1.bias"),
        affine and place_of_channel or nil)
      assert_near(net:forward(x), expected, table.concat(size, "x"))
    end
  end
end

function TestBatchNorm.test_running_statistics()
  for _, size in ipairs(sizes) do
    local net, x = build(size, nn.batch_norm { momentum = 0.3 })
    local mean, var = net.params["batch_norm1.running_mean"], net.params["batch_norm1.running_var"]
    local before_mean, before_var = naive.of(mean.data), naive.of(var.data)
    net:forward(x)
    local groups = statistics(naive.of(x), channel_of)
    assert_near(mean.data, naive.make({ size[2] }, function(at, k)
      return 0.7 * before_mean.at[k] + 0.3 * groups[at[1]].mean
    end))
    assert_near(var.data, naive.make({ size[2] }, function(at, k)
      local g = groups[at[1]]
      return 0.7 * before_var.at[k] + 0.3 * g.var * g.count / (g.count - 1)
    end))
  end
end

function TestBatchNorm.test_the_test_phase_uses_them_and_leaves_them()
  for _, size in ipairs(sizes) do
    local net, x = build(size, nn.batch_norm {})
    local mean, var = param(net, "batch_norm1.running_mean"), param(net, "batch_norm1.running_var")
    local weight, bias = param(net, "batch_norm1.weight"), param(net, "batch_norm1.bias")
    net:test_phase()
    assert_near(net:forward(x), naive.make(size, function(at)
      local c = at[2]
      return weight.at[c] * (x:get(table.unpack(at)) - mean.at[c]) / math.sqrt(var.at[c] + 1e-5)
        + bias.at[c]
    end))
    assert_near(net.params["batch_norm1.running_mean"].data, mean)
    assert_near(net.params["batch_norm1.running_var"].data, var)
    assert_gradients(net, x)
  end
end

function TestBatchNorm.test_what_it_begins_with()
  local net = nn.net { nn.input { 3, 2 }, nn.batch_norm {} }
  for name, value in pairs { weight = 1, bias = 0, running_mean = 0, running_var = 1 } do
    local data = net.params["batch_norm1." .. name].data
    lu.assertEquals(data:size(), { 3 })
    lu.assertEquals({ data:min(), data:max() }, { value, value })
  end
  lu.assertTrue(net.params["batch_norm1.running_var"].state)
end

function TestBatchNorm.test_gradients()
  for _, size in ipairs(sizes) do
    for _, affine in ipairs { true, false } do
      local net, x = build(size, nn.batch_norm { affine = affine })
      assert_gradients(net, x)
    end
  end
end

function TestBatchNorm.test_one_number_a_channel()
  local net = nn.net { nn.input { 3 }, nn.batch_norm {} }
  local mean = net.params["batch_norm1.running_mean"].data
  fails("batch of at least 2", net.forward, net, lander.ones(1, 3))
  lu.assertEquals(mean:abs():max(), 0)
  lu.assertEquals(net:predict(lander.ones(1, 3)):size(), { 1, 3 })
  lu.assertEquals(net:forward(lander.ones(2, 3)):abs():max(), 0)
end

-- The variance of numbers that are large beside their differences does not get lost.
function TestBatchNorm.test_a_mean_far_from_zero()
  for _, size in ipairs { { 64, 2 }, { 4, 2, 16 } } do
    local net = nn.net { nn.input(table.move(size, 2, #size, 1, {})), nn.batch_norm { eps = 0 } }
    local x = lander.zeros(table.unpack(size))
    for i = 1, size[1] do x[i]:fill_(4096 + i % 2) end
    lu.assertEquals(net:forward(x):abs():min(), 1)
  end
end

function TestBatchNorm.test_nan_travels()
  for _, size in ipairs { { 40, 3 }, { 4, 3, 40 } } do
    local net, x = build(size, nn.batch_norm {})
    x:view(x:numel())[size[3] and 41 or 2] = 0 / 0
    local y = net:forward(x)
    local second = y:select(2, 2)
    lu.assertEquals(second:eq(second):sum(), 0)
    lu.assertTrue(y:select(2, 1):isfinite():min() == 1)
    local mean = net.params["batch_norm1.running_mean"].data
    lu.assertTrue(mean[2] ~= mean[2] and mean[3] == mean[3])
  end
end

function TestBatchNorm.test_saved_with_its_statistics()
  local net, x = build({ 5, 3, 4 }, nn.batch_norm {})
  net:forward(x)
  local path = support.folder() .. "/net.npz"
  net:save(path)
  support.same_bits(lander.load(path):predict(x), net:predict(x))
end

-- ---- layer_norm and group_norm ----

TestLayerNorm = {}

function TestLayerNorm.test_forward_and_gradients()
  for _, size in ipairs(sizes) do
    for dims = 0, #size - 1 do
      local first = dims == 0 and 2 or #size - dims + 1 -- dimension that is normalised
      local function key(at) return table.concat(at, ",", 1, first - 1) end
      local function place(at) return table.move(at, first, #at, 1, {}) end
      for _, affine in ipairs { true, false } do
        local net, x = build(size, nn.layer_norm { dims = dims, affine = affine, eps = 0.01 })
        local data = naive.of(x)
        assert_near(net:forward(x), normalised(data, statistics(data, key), key, 0.01,
          param(net, "layer_norm1.weight"), param(net, "layer_norm1.bias"),
          affine and place or nil))
        if naive.count(place(size)) > 2 then assert_gradients(net, x) end
      end
    end
  end
end

function TestLayerNorm.test_one_number_and_too_many_dims()
  local net, x = build({ 4, 1 }, nn.layer_norm { affine = false })
  lu.assertEquals(net:forward(x):abs():max(), 0)
  fails("option 'dims' is 3, but the input (4, 2) has 2 dimensions", function()
    nn.net { nn.input { 4, 2 }, nn.layer_norm { dims = 3 } }
  end)
  fails("dims", function() nn.net { nn.input { 4 }, nn.layer_norm { dims = -1 } } end)
end

TestGroupNorm = {}

function TestGroupNorm.test_forward_and_gradients()
  local many = { { 2, 4, 3 }, { 1, 6, 2, 5 }, { 3, 1, 4 }, { 2, 12 }, { 2, 6, 40 } }
  for _, size in ipairs(many) do
    for groups = 1, size[2] do
      local channels = size[2] // groups
      local function key(at) return at[1] .. "," .. (at[2] - 1) // channels end
      for _, affine in ipairs { true, false } do
        if size[2] % groups == 0 then
          local net, x = build(size, nn.group_norm { groups, affine = affine, eps = 0.01 })
          local data = naive.of(x)
          assert_near(net:forward(x), normalised(data, statistics(data, key), key, 0.01,
            param(net, "group_norm1.weight"), param(net, "group_norm1.bias"),
            affine and place_of_channel or nil))
          if channels * (size[3] or 1) > 2 then assert_gradients(net, x) end
        end
      end
    end
  end
end

function TestGroupNorm.test_groups_that_do_not_divide()
  fails("group_norm: 6 channels must be divisible by groups, which is 4", function()
    nn.net { nn.input { 6, 3 }, nn.group_norm { 4 } }
  end)
  fails("groups", function() nn.net { nn.input { 6 }, nn.group_norm { 0 } } end)
  fails("groups", function() nn.net { nn.input { 6 }, nn.group_norm {} } end)
end

-- ---- lrn ----

TestLrn = {}

-- The window of size n around i, cut off at 1 and `most`.
local function window(i, n, most)
  return math.max(1, i - n // 2), math.min(most, i + (n - 1) // 2)
end

local function lrn_across(x, o)
  return naive.make(x.size, function(at, k)
    local sum, from = 0, table.move(at, 1, #at, 1, {})
    local first, last = window(at[2], o.local_size, x.size[2])
    for c = first, last do
      from[2] = c
      sum = sum + naive.get(x, from) ^ 2
    end
    return x.at[k] * (o.k + o.alpha / o.local_size * sum) ^ -o.beta
  end)
end

local function lrn_within(x, o)
  local sides = #x.size - 2
  return naive.make(x.size, function(at, k)
    local sum = 0
    local a, b = window(at[#at], o.local_size, x.size[#at])
    local c, d = 1, 1
    if sides == 2 then c, d = window(at[3], o.local_size, x.size[3]) end
    for i = c, d do
      for j = a, b do
        local from = sides == 2 and { at[1], at[2], i, j } or { at[1], at[2], j }
        sum = sum + naive.get(x, from) ^ 2
      end
    end
    return x.at[k] * (o.k + o.alpha / o.local_size ^ sides * sum) ^ -o.beta
  end)
end

local function check_lrn(size, reference, region)
  local betas = { 0.6, 0.75, 0.5, 0.75, 1 } -- some are taken as roots
  for i, local_size in ipairs { 1, 2, 3, 5, 8 } do
    local o = { local_size = local_size, alpha = 0.7, beta = betas[i], k = 1.5,
      norm_region = region }
    local net, x = build(size, nn.lrn(o))
    assert_near(net:forward(x), reference(naive.of(x), o), table.concat(size, "x"))
    assert_gradients(net, x, nil, { samples = 40 })
  end
end

function TestLrn.test_across_channels()
  -- The last one has more places than are done at a time.
  for _, size in ipairs { { 2, 7 }, { 3, 1, 2 }, { 2, 6, 3 }, { 1, 5, 3, 2 }, { 2, 3, 30, 20 } } do
    check_lrn(size, lrn_across, "across_channels")
  end
end

function TestLrn.test_within_channel()
  for _, size in ipairs { { 3, 2, 1 }, { 2, 2, 7 }, { 1, 1, 1, 5 }, { 2, 3, 6, 4 },
    { 1, 2, 5, 1 } } do
    check_lrn(size, lrn_within, "within_channel")
  end
end

function TestLrn.test_defaults_and_errors()
  local net, x = build({ 2, 7, 2 }, nn.lrn {})
  local o = { local_size = 5, alpha = 1e-4, beta = 0.75, k = 1 }
  assert_near(net:forward(x), lrn_across(naive.of(x), o))
  fails("lrn within_channel needs an input (channels, length) or (channels, height, width), "
    .. "got (7)", function()
    nn.net { nn.input { 7 }, nn.lrn { norm_region = "within_channel" } }
  end)
  fails("local_size", function() nn.net { nn.input { 7 }, nn.lrn { 0 } } end)
  fails("did you mean 'within_channel'", function() nn.lrn { norm_region = "within_chanel" } end)
end

-- ---- all of them ----

TestNormThreads = {}

local function run(threads, layer)
  local before = lander.threads()
  lander.threads(threads)
  local net, x = build({ 21, 20, 17, 19 }, layer)
  net:want_input_gradient()
  local y = net:forward(x):clone()
  net:backward(x)
  lander.threads(before)
  return net, y
end

function TestNormThreads.test_threads_do_not_change_a_bit()
  local all = { nn.batch_norm {}, nn.layer_norm {}, nn.layer_norm { dims = 1 },
    nn.group_norm { 4 }, nn.lrn {}, nn.lrn { norm_region = "within_channel" } }
  for _, layer in ipairs(all) do
    local one, y = run(1, layer)
    for threads = 2, 3 do
      local other, other_y = run(threads, layer)
      support.same_bits(y, other_y)
      support.same_bits(one["data"].gradient, other["data"].gradient)
      for name, p in pairs(one.params) do
        support.same_bits(p.data, other.params[name].data)
        if not p.state then support.same_bits(p.grad, other.params[name].grad) end
      end
    end
  end
end

function TestNormThreads.test_backward_twice_gives_the_same_bits()
  for _, layer in ipairs { nn.batch_norm {}, nn.layer_norm {}, nn.group_norm { 2 } } do
    local net, x = build({ 6, 4, 5 }, layer)
    net:forward(x)
    net:backward(x)
    local first = {}
    for name, p in pairs(net.params) do if not p.state then first[name] = p.grad:clone() end end
    net:backward(x)
    for name, grad in pairs(first) do support.same_bits(net.params[name].grad, grad) end
  end
end

-- The same minibatch twice, gradients added up, moves the weights as it does once.
function TestNormThreads.test_gradients_are_added_to()
  local x, target = lander.randn(6, 4, 5), layers.labels(3, 6)
  local function moved(iter_size, input, labels)
    local net = nn.net { nn.input { 4, 5 }, nn.batch_norm {}, nn.layer_norm {},
      nn.group_norm { 2 }, nn.prelu { channel_shared = false }, nn.deconv { 3, kernel = 2 },
      nn.global_avg_pool {}, loss = "softmax_loss", seed = 5 }
    lander.solver(net, { type = "gd", base_lr = 1, iter_size = iter_size }):step(input, labels)
    return net
  end
  local once = moved(1, x, target)
  local twice = moved(2, lander.cat({ x, x }, 1), lander.cat({ target, target }, 1))
  for name, p in pairs(once.params) do
    if not p.state then
      lu.assertTrue(p.data:allclose(twice.params[name].data, 1e-5, 1e-6), name)
    end
  end
end

TestNormRejected = {}

-- What a layer remembers goes back with everything else when the solver refuses an
-- iteration: one NaN in running statistics would never leave them.
function TestNormRejected.test_running_statistics_are_put_back()
  local net = nn.net {
    nn.input { 3 }, nn.linear { 4 }, nn.batch_norm {}, nn.linear { 2 }, seed = 1,
  }
  local solver = lander.solver(net, { type = "sgd", base_lr = 0.1 })
  local x, target = lander.randn(6, 3), lander.tensor { 1, 2, 1, 2, 1, 2 }
  lu.assertNotNil(solver:step(x, target))
  local before = {}
  for name, p in pairs(net.params) do before[name] = p.data:clone() end
  lu.assertTrue(before["batch_norm1.running_mean"]:abs():sum() > 0) -- a step does change them
  local bad = x:clone()
  bad:set(0 / 0, 2, 1)
  local loss, rule = solver:step(bad, target)
  lu.assertNil(loss)
  lu.assertEquals(rule, "R1")
  for name, p in pairs(net.params) do
    lu.assertTrue(before[name]:eq(p.data):all(), name)
  end
end
