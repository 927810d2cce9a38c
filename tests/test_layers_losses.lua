-- test_layers_losses.lua: log_softmax and the losses beside naive ones, their gradients,
-- labels that don't count, numbers that are not finite, and what they refuse.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local layers = require "tests.layers"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails
local apart, forward, labels = layers.apart, layers.forward, layers.labels
local assert_near, assert_gradients = layers.assert_near, layers.assert_gradients
local nan = 0 / 0

-- A net whose input is the scores.
local function loss_net(kind, size, label, options)
  local scores = nn.input(size)
  local entries = layers.with(options or {}, { nn.label(label or {}), name = "loss" })
  return nn.net { scores[kind](scores, entries) }
end

local function sample(size)
  return table.move(size, 2, #size, 1, {})
end

local function assert_close(found, expected, what)
  lu.assertTrue(found == expected
    or math.abs(found - expected) <= layers.close * math.max(1, math.abs(expected)),
    ("%s: %.12g, expected %.12g"):format(what or "loss", found, expected))
end

-- f(the scores of one place as a list, its label) for all places -> a list.
local function each_place(x, target, f)
  local list, places = {}, naive.count(x.size) // (x.size[1] * x.size[2])
  for i, label in ipairs(target.at) do
    local n, place, scores = (i - 1) // places, (i - 1) % places, {}
    for c = 1, x.size[2] do scores[c] = x.at[(n * x.size[2] + c - 1) * places + place + 1] end
    list[i] = f(scores, label)
  end
  return list
end

local function log_sum(scores)
  local top, sum = math.max(table.unpack(scores)), 0
  for _, v in ipairs(scores) do sum = sum + math.exp(v - top) end
  return top + math.log(sum)
end

-- ---- log_softmax ----

TestLogSoftmax = {}

function TestLogSoftmax.test_over_each_axis()
  for _, case in ipairs { { { 4, 7 }, 1 }, { { 3, 5, 2 }, 1 }, { { 3, 5, 2 }, 2 },
    { { 3, 5, 2 }, -1 }, { { 2, 3, 9, 9 }, 1 }, { { 1, 1 }, 1 } } do
    local size, axis = case[1], case[2]
    local dim = axis > 0 and axis + 1 or #size + 1 + axis
    local x = lander.randn(table.unpack(size)) * 3
    local sums = naive.reduce(log_sum, naive.of(x), dim)
    assert_near(forward(nn.log_softmax { axis = axis }, x), naive.make(size, function(at, k)
      local place = table.move(at, 1, #at, 1, {})
      table.remove(place, dim)
      return naive.of(x).at[k] - naive.get(sums, place)
    end))
    assert_gradients(nn.net { nn.input(sample(size)), nn.log_softmax { axis = axis } }, x, nil,
      { samples = 60 })
  end
end

function TestLogSoftmax.test_large_scores_and_infinities()
  local y = forward(nn.log_softmax {}, lander.tensor { { 1000, 0, -1 / 0 } })
  lu.assertEquals(y:totable(), { { 0, -1000, -1 / 0 } })
  y = forward(nn.log_softmax {}, lander.tensor { { 1, nan }, { 1 / 0, 0 } })
  lu.assertEquals(y:isfinite():sum(), 0)
  fails("log_softmax: axis 2 of an input with 1 dimension", forward, nn.log_softmax { axis = 2 },
    lander.ones(1, 2))
end

-- ---- losses on class labels ----

TestClassLosses = {}

local function smoothed(scores, label, s)
  local sum, loss = log_sum(scores), 0
  for c, v in ipairs(scores) do
    local target = s / #scores + (c == label and 1 - s or 0)
    loss = loss + target * (sum - v)
  end
  return loss
end

local function smoothing(s)
  return function(scores, label) return smoothed(scores, label, s) end
end

local function hinge(power)
  return function(scores, label)
    local loss = 0
    for c, v in ipairs(scores) do
      loss = loss + math.max(0, 1 - (c == label and v or -v)) ^ power
    end
    return loss
  end
end

local class_losses = {
  { "nll_loss", {}, function(scores, label) return -scores[label] end },
  { "softmax_loss", { label_smoothing = 0.3 }, smoothing(0.3) },
  { "softmax_loss", { label_smoothing = 1 }, smoothing(1) },
  { "hinge_loss", {}, hinge(1) },
  { "hinge_loss", { norm = "L2" }, hinge(2) },
}

function TestClassLosses.test_value_and_gradient()
  for _, case in ipairs(class_losses) do
    local kind, options, f = table.unpack(case)
    for _, shape in ipairs { { { 4, 7 } }, { { 1, 2 } }, { { 3, 1 } }, { { 900, 10 } },
      { { 3, 4, 5 }, { 5 } }, { { 2, 3, 3, 2 }, { 3, 2 } }, { { 3, 4, 1, 1 } } } do
      local size, label = shape[1], shape[2] or {}
      local x = apart(table.unpack(size))
      local target = labels(size[2], size[1], table.unpack(label))
      local net = loss_net(kind, sample(size), label, options)
      assert_close(net:loss(x, target),
        naive.mean(each_place(naive.of(x), naive.of(target), f)), kind)
      -- Of a single class softmax_loss knows everything: its gradient is rounding.
      if size[1] < 100 and size[2] > 1 then assert_gradients(net, x, target) end
    end
    local net = loss_net(kind, { 4 }, {}, options)
    fails("label 5 of sample 1 is outside 1..4", net.loss, net, lander.ones(1, 4),
      lander.full(5, 1))
    fails("scores (4, 3) need labels (3), got (2)", loss_net, kind, { 4, 3 }, { 2 }, options)
  end
end

local ignoring = {
  { "softmax_loss", {}, smoothing(0) },
  { "softmax_loss", { label_smoothing = 0.2 }, smoothing(0.2) },
  { "nll_loss", {}, function(scores, label) return -scores[label] end },
}

function TestClassLosses.test_ignored_labels_do_not_count()
  local x, target = apart(3, 4, 5), labels(4, 3, 5)
  target:set(255, 1, 2)
  target:set(0, 3, 5)
  target:set(255, 3, 1)
  for _, case in ipairs(ignoring) do
    local kind, options, f = case[1], layers.with(case[2], { ignore_label = { 255, 0 } }), case[3]
    local net, counted = loss_net(kind, { 4, 5 }, { 5 }, options), {}
    each_place(naive.of(x), naive.of(target), function(scores, label)
      if label <= 4 and label >= 1 then counted[#counted + 1] = f(scores, label) end
    end)
    lu.assertEquals(#counted, 12)
    assert_close(net:loss(x, target), naive.mean(counted), kind)
    assert_gradients(net, x, target)
    net:want_input_gradient()
    net:loss(x, target)
    net:backward()
    lu.assertEquals(net["data"].gradient:select(1, 1):select(2, 2):totable(), { 0, 0, 0, 0 })
    local one = loss_net(kind, { 4 }, {}, layers.with(case[2], { ignore_label = 0 }))
    fails("outside 1..4", one.loss, one, lander.ones(1, 4), lander.ones(1) * 255)
  end
end

function TestClassLosses.test_when_all_are_ignored_the_loss_is_zero()
  for _, case in ipairs(ignoring) do
    local net = loss_net(case[1], { 3 }, {}, layers.with(case[2], { ignore_label = -1 }))
    net:want_input_gradient()
    for _, value in ipairs { 1, nan } do
      lu.assertEquals(net:loss(lander.full(value, 2, 3), lander.full(-1, 2)), 0)
      net:backward()
      lu.assertEquals(net["data"].gradient:totable(), { { 0, 0, 0 }, { 0, 0, 0 } })
    end
  end
end

function TestClassLosses.test_accuracy_ignores_too()
  local scores = nn.input { 2 }
  local net = nn.net { scores:accuracy { nn.label {}, ignore_label = 9, name = "accuracy" } }
  local x = lander.tensor { { 1, 0 }, { 1, 0 }, { 1, 0 }, { 1, 0 } }
  net:forward(x, lander.tensor { 1, 9, 1, 2 })
  lu.assertAlmostEquals(net["accuracy"].output:get(), 2 / 3, 1e-6)
  net:forward(x, lander.full(9, 4))
  lu.assertEquals(net["accuracy"].output:get(), 0)
end

-- PyTorch 1.13: F.cross_entropy(..., label_smoothing=0.1), F.nll_loss(F.log_softmax(...)).
function TestClassLosses.test_numbers_from_pytorch()
  local x = lander.tensor { { 1, 2, -1 }, { 0.5, -3, 4 } }
  local target = lander.tensor { 2, 3 }
  assert_close(loss_net("softmax_loss", { 3 }, {}, { label_smoothing = 0.1 }):loss(x, target),
    0.431490364764)
  local net = nn.net { nn.input { 3 }, nn.log_softmax {}, loss = "nll_loss" }
  assert_close(net:loss(x, target), 0.189823698098)
  assert_gradients(net, x, target)
  assert_near(net:predict(x), naive.of(forward(nn.softmax {}, x)))
end

function TestClassLosses.test_options_that_cannot_be()
  fails("label_smoothing", nn.softmax_loss, { label_smoothing = 1.1 })
  fails("label_smoothing", nn.softmax_loss, { label_smoothing = -0.1 })
  fails("ignore_label", nn.softmax_loss, { ignore_label = 1.5 })
  fails("'L1', 'L2'", nn.hinge_loss, { norm = "L3" })
end

-- ---- losses on pairs of numbers ----

TestPairLosses = {}

local pair_losses = {
  { "l1_loss", {}, function(x, t) return math.abs(x - t) end },
  { "huber_loss", {}, function(x, t)
    local d = math.abs(x - t)
    return d <= 1 and d * d / 2 or d - 0.5
  end },
  { "huber_loss", { delta = 0.4 }, function(x, t)
    local d = math.abs(x - t)
    return d <= 0.4 and d * d / 2 or 0.4 * (d - 0.2)
  end },
  { "sigmoid_loss", {}, function(x, t)
    local p = 1 / (1 + math.exp(-x))
    return -t * math.log(p) - (1 - t) * math.log(1 - p)
  end },
}

-- The target is an input too, whose gradient is looked at.
local function both_learnt(kind, size, options)
  local a = nn.input(layers.with(size, { name = "a" }))
  local b = nn.input(layers.with(size, { name = "b" }))
  local sum = b:reduction {}
  return nn.net { sum, loss = { sum:mse_loss {}, a[kind](a, layers.with({ b }, options)) } }
end

function TestPairLosses.test_value_and_both_gradients()
  for _, case in ipairs(pair_losses) do
    local kind, options, f = table.unpack(case)
    for _, shape in ipairs { { { 1, 1 } }, { { 3, 2, 4 } }, { { 5, 2 } }, { { 900, 11 } },
      { { 4, 3, 1, 1 }, { 3 } } } do
      local size = shape[1]
      local x = apart(table.unpack(size)) * 1.5
      local target = (apart(table.unpack(size)) * 0.21):abs()
      local label = target:view(size[1], table.unpack(shape[2] or sample(size)))
      local net = loss_net(kind, sample(size), shape[2] or sample(size), options)
      local terms = naive.binary(f, naive.of(x), naive.of(target))
      assert_close(net:loss(x, label), naive.sum(terms.at) / size[1], kind)
      if size[1] < 100 then
        assert_gradients(net, x, label)
        assert_gradients(both_learnt(kind, sample(size), options), { x, target },
          lander.zeros(size[1]))
      end
    end
    fails(kind .. ": the prediction is (2, 3), but the target (3, 2)", loss_net, kind, { 2, 3 },
      { 3, 2 }, options)
  end
  fails("delta", nn.huber_loss, { delta = 0 })
end

function TestPairLosses.test_equal_numbers_and_those_that_are_not_finite()
  for _, case in ipairs(pair_losses) do
    local kind, options = case[1], case[2]
    local net = loss_net(kind, { 2 }, { 2 }, options)
    net:want_input_gradient()
    local loss = net:loss(lander.tensor { { nan, 0.5 } }, lander.tensor { { 0.5, 0.5 } })
    net:backward()
    local g = net["data"].gradient
    lu.assertTrue(loss ~= loss and g[1][1] ~= g[1][1] and g[1][2] == g[1][2], kind)
    if kind ~= "sigmoid_loss" then
      lu.assertEquals(g[1][2], 0)
      lu.assertEquals(net:loss(lander.tensor { { 1 / 0, 0 } }, lander.zeros(1, 2)), 1 / 0)
    end
  end
end

function TestPairLosses.test_sigmoid_loss_of_large_scores()
  local net = loss_net("sigmoid_loss", { 1 }, { 1 })
  local function loss(x, t) return net:loss(lander.tensor { { x } }, lander.tensor { { t } }) end
  lu.assertEquals(loss(1000, 1), 0)
  lu.assertEquals(loss(1000, 0), 1000)
  lu.assertEquals(loss(-1000, 1), 1000)
  lu.assertTrue(math.abs(loss(-15, 0) / math.exp(-15) - 1) < 1e-5) -- small, not zero
  assert_close(net:predict(lander.tensor { { 1 } }):sum(), 1 / (1 + math.exp(-1)))
end

function TestClassLosses.test_hinge_loss_at_the_margin_and_nan()
  for _, norm in ipairs { "L1", "L2" } do
    local net = loss_net("hinge_loss", { 2 }, {}, { norm = norm })
    net:want_input_gradient()
    lu.assertEquals(net:loss(lander.tensor { { 1, -1 } }, lander.tensor { 1 }), 0)
    net:backward()
    lu.assertEquals(net["data"].gradient:abs():sum(), 0)
    local loss = net:loss(lander.tensor { { nan, -1 } }, lander.tensor { 1 })
    net:backward()
    lu.assertTrue(loss ~= loss and net["data"].gradient:isfinite():sum() == 1)
  end
end

-- ---- contrastive_loss ----

TestContrastiveLoss = {}

local function pair_net(size, options, label)
  local a = nn.input(layers.with(size, { name = "a" }))
  local b = nn.input(layers.with(size, { name = "b" }))
  return nn.net { a:contrastive_loss(layers.with({ b, label }, options)) }
end

local function naive_contrastive(a, b, target, margin, legacy)
  local n, loss = #a.at // a.size[1], 0
  for pair = 1, a.size[1] do
    local square = 0
    for i = (pair - 1) * n + 1, pair * n do square = square + (a.at[i] - b.at[i]) ^ 2 end
    if target.at[pair] == 1 then
      loss = loss + square
    elseif legacy then
      loss = loss + math.max(0, margin - square)
    else
      loss = loss + math.max(0, margin - math.sqrt(square)) ^ 2
    end
  end
  return loss / (2 * a.size[1])
end

function TestContrastiveLoss.test_value_and_gradient()
  for _, size in ipairs { { 6, 5 }, { 1, 1 }, { 4, 2, 3 }, { 3000, 3 } } do
    for _, margin in ipairs { 0.5, 2.5 } do
      for _, legacy in ipairs { false, true } do
        local a, b = apart(table.unpack(size)), apart(table.unpack(size)) * -0.3
        local target = lander.zeros(size[1])
        for i = 1, size[1], 2 do target[i] = 1 end
        local net = pair_net(sample(size), { margin = margin, legacy = legacy })
        assert_close(net:loss({ a, b, target }),
          naive_contrastive(naive.of(a), naive.of(b), naive.of(target), margin, legacy))
        if size[1] < 100 then assert_gradients(net, { a, b }, target) end
      end
    end
  end
end

function TestContrastiveLoss.test_equal_pairs_nan_and_labels()
  local net = pair_net({ 2 }, {})
  net:want_input_gradient()
  local x = lander.tensor { { 1, 2 } }
  lu.assertEquals(net:loss { x, x, lander.tensor { 0 } }, 0.5)
  net:backward()
  lu.assertEquals(net["a"].gradient:totable(), { { 0, 0 } })
  for label = 0, 1 do
    local loss = net:loss { x, x * nan, lander.tensor { label } }
    lu.assertTrue(loss ~= loss)
  end
  for _, bad in ipairs { 2, 0.5, -1, nan } do
    fails("of sample 1 is neither 1 (a similar pair) nor 0", net.loss, net,
      { x, x, lander.tensor { bad } })
  end
  fails("contrastive_loss needs one label a pair, got (2)", pair_net, { 2 }, {}, nn.label { 2 })
  fails("contrastive_loss takes 3 inputs, 1 are given", nn.net, { nn.input { 2 },
    nn.contrastive_loss {} })
  fails("the first is (2), but the second (3)", function()
    local y = nn.input { 2 }
    return (nn.net { y:contrastive_loss { y:linear { 3 } } })
  end)
end

-- The classical use: one net for both of a pair.
function TestContrastiveLoss.test_twins()
  local a, b = nn.input { 4, name = "a" }, nn.input { 4, name = "b" }
  local first = a:linear { 3, name = "first" }
  local second = b:linear { 3, share = "first" }
  local net = nn.net { second, loss = first:contrastive_loss { second } }
  lu.assertEquals(#net.params, 2)
  local pairs_of = { lander.randn(5, 4), lander.randn(5, 4) }
  assert_gradients(net, pairs_of, lander.tensor { 0, 1, 1, 0, 1 })
end

-- ---- what is built around them ----

TestLabels = {}

function TestLabels.test_losses_of_places_get_labels_of_their_shape()
  local net = nn.net { nn.input { 3, 4, 2 }, loss = "softmax_loss" }
  lu.assertTrue(net:loss(lander.randn(2, 3, 4, 2), labels(3, 2, 4, 2)) > 0)
  net = nn.net { nn.input { 3, 1, 1 }, loss = "nll_loss" }
  lu.assertTrue(net:loss(lander.ones(2, 3, 1, 1), labels(3, 2)) == -1)
end

-- Sizes that make several pieces of every loop, the last one short.
function TestLabels.test_threads_do_not_change_a_bit()
  local function run(kind, threads)
    local before = lander.threads()
    lander.threads(threads)
    lander.seed(3)
    local net = nn.net { nn.input { 17 }, nn.linear { 11 }, loss = kind, seed = 2 }
    local pairwise = kind:find "^[lhm].*[1r]_loss" or kind:find "^sig"
    local x = lander.randn(1201, 17)
    local loss = net:loss(x, pairwise and lander.rand(1201, 11) or labels(11, 1201))
    net:backward()
    lander.threads(before)
    return loss, net.params[1].grad:clone()
  end
  for _, kind in ipairs { "softmax_loss", "nll_loss", "sigmoid_loss", "huber_loss", "l1_loss",
    "hinge_loss" } do
    local loss, gradient = run(kind, 1)
    for threads = 2, 3 do
      local other_loss, other = run(kind, threads)
      lu.assertEquals(other_loss, loss)
      support.same_bits(other, gradient)
    end
  end
end
