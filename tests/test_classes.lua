-- test_classes.lua: softmax, the losses and accuracy.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local layers = require "tests.layers"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails
local forward, labels = layers.forward, layers.labels
local assert_near, assert_gradients = layers.assert_near, layers.assert_gradients

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
      fails("axis -3 of an input with 2 dimensions", forward, nn.softmax { axis = axis }, x)
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
local function loss_net(kind, size, label)
  local scores = nn.input(size)
  return nn.net { scores[kind](scores, { nn.label(label or {}), name = "loss" }) }
end

-- The mean over batch and places of -log p[label].
local function naive_loss(x, target)
  local p, sum = naive_softmax(x, 2), 0
  for i, label in ipairs(target.at) do
    local places = #target.at // x.size[1]
    local n, place = (i - 1) // places, (i - 1) % places
    sum = sum - math.log(p.at[(n * x.size[2] + label - 1) * places + place + 1])
  end
  return sum / #target.at
end

-- (p - 1 at the label's class) / (batch * places)
local function naive_gradient(x, target)
  local p, places = naive_softmax(x, 2), naive.count(target.size) // x.size[1]
  return naive.make(x.size, function(at, k)
    local place = (k - 1) % places
    local label = target.at[(at[1] - 1) * places + place + 1]
    return (p.at[k] - (label == at[2] and 1 or 0)) / #target.at
  end)
end

function TestSoftmaxLoss.test_value_and_gradient()
  for _, case in ipairs { { { 4, 7 } }, { { 1, 2 } }, { { 700, 10 } }, { { 3, 4, 5 }, { 5 } },
    { { 2, 3, 9, 9 }, { 9, 9 } }, { { 3, 4, 1, 1 }, { 1, 1 } }, { { 3, 4, 1, 1 } } } do
    local size = case[1]
    local x = lander.randn(table.unpack(size)) * 2
    local target = labels(size[2], size[1], table.unpack(case[2] or {}))
    local net = loss_net("softmax_loss", table.move(size, 2, #size, 1, {}), case[2])
    local expected = naive_loss(naive.of(x), naive.of(target))
    lu.assertTrue(math.abs(net:loss(x, target) - expected) <= layers.close * expected)
    net:want_input_gradient()
    net:loss(x, target)
    net:backward()
    assert_near(net["data"].gradient, naive_gradient(naive.of(x), naive.of(target)))
  end
  local net = loss_net("softmax_loss", { 4, 3 }, { 3 })
  assert_gradients(net, lander.randn(2, 4, 3), labels(4, 2, 3))
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
  lu.assertTrue(math.abs(loss(15, 0, 1) / math.exp(-15) - 1) < 1e-5) -- small, not zero
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
    lu.assertTrue(math.abs(net:loss(x, target) - expected) <= layers.close * expected)
    assert_gradients(net, x, target)
  end
  fails("the prediction is (3), but the target (2)", loss_net, "mse_loss", { 3 }, { 2 })
  fails("the prediction is (2, 3), but the target (3, 2)", loss_net, "mse_loss", { 2, 3 },
    { 3, 2 })
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
  local net = nn.net { scores:accuracy { nn.label(label or {}), top_k = top_k, name = "accuracy" } }
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
