-- test_memory.lua: the memory that a solver's net saves changes no number.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails

-- A net of layers that take and give 8 numbers, put together by chance: chains, shortcuts,
-- branches of several lengths, sums with one input twice.
local function random_net(seed)
  local state = seed
  local function draw(n) -- 1 to n
    state = (state * 1103515245 + 12345) % 2 ^ 31
    return state // 65536 % n + 1
  end
  local nodes, read = { nn.input { 6 }:linear { 8 } }, {}
  local function pick()
    local at = draw(3) == 1 and draw(#nodes) or #nodes -- more often than not the last one
    read[at] = true
    return nodes[at]
  end
  local kinds = {
    function() return pick():relu {} end,
    function() return pick():relu { slope = 0.1 } end,
    function() return pick():relu { slope = -0.5 } end,
    function() return pick():dropout { 0.3 } end,
    function() return pick():dropout { 0 } end,
    function() return pick():batch_norm {} end,
    function() return pick():sigmoid {} end,
    function() return pick():gelu {} end,
    function() return pick():linear { 8 } end,
    function() return nn.add { pick(), pick() } end,
    function() return nn.add { pick(), pick(), pick(), coeff = { 2, -1, 0.5 } } end,
    function() return nn.mul { pick(), pick() } end,
    function() return nn.maximum { pick(), pick() } end,
  }
  for _ = 1, 14 do nodes[#nodes + 1] = kinds[draw(#kinds)]() end
  local ends = {}
  for i, node in ipairs(nodes) do
    if not read[i] then ends[#ends + 1] = node end
  end
  local last = #ends > 1 and nn.add(ends) or ends[1]
  return nn.net { last:relu {}:linear { 3 }, seed = seed }
end

-- Three steps, and what is asked of the net behind them.
local function train(net, keep, x, y, options)
  local solver = lander.solver(net, options or { type = "sgd", base_lr = 0.01, momentum = 0.9 })
  net:want_input_gradient(true)
  net:keep(keep)
  local losses = {}
  for i = 1, 3 do losses[i] = solver:step(x, y) or "too large" end
  local went_back = losses[3] ~= "too large"
  return { losses = losses, output = net[net:output_name()].output:clone(),
    gradient = went_back and net.data.gradient:clone() }
end

local function assert_same(make, x, y, options)
  local plain, saving = make(), make()
  local want, found = train(plain, true, x, y, options), train(saving, false, x, y, options)
  lu.assertEquals(found.losses, want.losses, plain:text())
  support.same_params(saving, plain)
  if not want.gradient then return false end -- NaN is not equal to itself
  support.same_bits(found.output, want.output)
  support.same_bits(found.gradient, want.gradient)
  support.same_bits(saving:predict(x), plain:predict(x))
  return true
end

local function batch(n, ...)
  lander.seed(1)
  local y = lander.zeros(n)
  for i = 1, n do y[i] = i % 3 + 1 end
  return lander.randn(n, ...), y
end

TestMemory = {}

function TestMemory.test_nets_put_together_by_chance()
  local x, y = batch(6, 6)
  local compared = 0
  for seed = 1, 80 do
    if assert_same(function() return random_net(seed) end, x, y) then compared = compared + 1 end
  end
  lu.assertTrue(compared > 60, compared)
end

function TestMemory.test_models()
  local x, y = batch(4, 3, 8, 8)
  for _, shortcut in ipairs { "zeros", "projection" } do
    assert_same(function()
      return require "models.resnet20" { depth = 14, size = { 3, 8, 8 }, classes = 3,
        shortcut = shortcut }
    end, x, y)
  end
end

function TestMemory.test_parts_of_a_minibatch_and_frozen_weights()
  local x, y = batch(6, 6)
  for seed = 1, 10 do
    assert_same(function()
      local net = random_net(seed)
      net.params[1].frozen, net.params[2].frozen = true, true
      return net
    end, x, y, { type = "adam", base_lr = 0.01, iter_size = 3 })
  end
end

local function small_maps(seed)
  local x = nn.input { 2, 5, 5 }:conv { 3, kernel = 3 }
  local norm = x:batch_norm { name = "norm" }
  return x, norm, function(last)
    return nn.net { last:linear { 3 }, seed = seed }
  end
end

-- The layer in front of a ReLU does its work where it can, with the same numbers.
function TestMemory.test_relu_in_the_layer_before()
  local x, y = batch(4, 2, 5, 5)
  local function check(done, make)
    assert_same(make, x, y)
    local net = make()
    lander.solver(net, { type = "sgd", base_lr = 0.1 }):step(x, y)
    for _, pass in ipairs { "train_phase", "test_phase" } do
      net[pass](net:time(true)):forward(x, y)
      lu.assertEquals(net:layer("relu").forward_time == 0, done, net:text())
    end
    net:keep(true):forward(x, y)
    lu.assertTrue(net:layer("relu").forward_time > 0)
    local predicts = make():time(true)
    predicts:predict(x)
    lu.assertEquals(predicts:layer("relu").forward_time == 0, done, net:text())
  end
  local relu = { name = "relu" }
  for seed = 1, 3 do
    check(true, function()
      local _, norm, net = small_maps(seed)
      return net(norm:relu(relu))
    end)
    check(true, function()
      local maps, norm, net = small_maps(seed)
      return net(nn.add { norm, maps, coeff = { 1, -2 } }:relu(relu))
    end)
    check(true, function() -- its output is read twice
      local _, norm, net = small_maps(seed)
      local positive = norm:relu(relu)
      return net(nn.add { positive:sigmoid {}, positive })
    end)
    check(false, function()
      local _, norm, net = small_maps(seed)
      return net(norm:relu { name = "relu", slope = 0.1 })
    end)
    check(false, function() -- another wants what the relu has not changed
      local _, norm, net = small_maps(seed)
      return net(nn.add { norm, norm:relu(relu) })
    end)
    check(false, function()
      local maps, _, net = small_maps(seed)
      return net(maps:relu(relu))
    end)
  end
end

-- Before a solver has the net, and when it is told so, all stays to be looked at.
function TestMemory.test_looking()
  local function make()
    return nn.net { nn.input { 6 }, nn.linear { 8, name = "sum" }, nn.relu { name = "positive" },
      nn.linear { 3, name = "scores" } }
  end
  local x, y = batch(4, 6)
  local net = make()
  net:forward(x)
  lu.assertTrue(net.sum.output:min() < 0)
  net:backward(lander.ones(4, 3))
  lu.assertEquals(net.sum.gradient:size(), { 4, 8 })
  local solver = lander.solver(net, { type = "sgd", base_lr = 0.1 })
  solver:step(x, y)
  fails("sum: its output was written over by the next layer", function() return net.sum.output end)
  fails("positive: its gradient is gone", function() return net.positive.gradient end)
  lu.assertEquals(net.positive.output:min(), 0)
  lu.assertEquals(net.scores.output:size(), { 4, 3 })
  net:keep(true)
  solver:step(x, y)
  lu.assertTrue(net.sum.output:min() < 0)
  lu.assertEquals(net.positive.gradient:size(), { 4, 8 })
  net:keep(false):forward(x)
  fails("net:keep(true)", function() return net.sum.output end)
end

-- A prediction shares memory between outputs; those that are asked for afterwards are there.
function TestMemory.test_predicting()
  local x = batch(5, 6)
  for seed = 1, 40 do
    local kept, saving = random_net(seed), random_net(seed)
    kept:keep(true)
    lu.assertEquals(saving:predict(x):totable(), kept:predict(x):totable(), kept:text())
    for _, info in ipairs(kept:layers()) do
      lu.assertEquals(saving:layer(info.name).output:totable(),
        kept:layer(info.name).output:totable(), info.name .. "\n" .. kept:text())
    end
    lu.assertEquals(saving:predict(x * 2):totable(), kept:predict(x * 2):totable())
  end
end

-- Predictions and features between the steps of a training change nothing in it.
function TestMemory.test_features_of_a_solvers_net()
  local x, y = batch(4, 6)
  for seed = 1, 20 do
    local plain, asked = random_net(seed), random_net(seed)
    local options = { type = "sgd", base_lr = 0.01, momentum = 0.9 }
    local first, second = lander.solver(plain, options), lander.solver(asked, options)
    for _ = 1, 3 do
      lu.assertEquals(second:step(x, y), first:step(x, y))
      local twin = asked:clone()
      for _, info in ipairs(asked:layers()) do
        if info.type ~= "label" and not info.type:find "loss" then
          lu.assertEquals(asked:features(info.name, x):totable(),
            twin:features(info.name, x):totable(), info.name)
        end
      end
      lu.assertEquals(asked:predict(x):totable(), twin:predict(x):totable())
    end
  end
end

-- The net's own output is not written over, also where what is behind it needs the label.
function TestMemory.test_the_output_is_there_to_be_looked_at()
  local net = lander.core.net_build([[
    data = input () shape=4
    scores = linear (data) outputs=3
    target = label () shape=3
    zero = label () shape=3
    diff = add (scores, target) coeff=1,-1
    loss = mse_loss (diff, zero)
  ]], 1)
  local x, target = batch(5, 4), lander.randn(5, 3)
  local scores = net:forward(x, target, target * 0):clone()
  local solver = lander.solver(net, { type = "sgd", base_lr = 0.1 })
  lu.assertTrue(net:forward(x, target, target * 0):eq(scores):all())
  target:set(math.huge, 2, 1)
  local probe = solver:probe(x, target, target * 0)
  lu.assertEquals({ probe.where, probe.is_input, probe.sample }, { "target", true, 2 })
end

-- Which layer made what is not finite is found, though its output was written over by then.
function TestMemory.test_blame_of_a_sum()
  local function probe(text, ...)
    local net = lander.core.net_build(text .. [[
      sum = add (a, b)
      scores = linear (sum) outputs=3
      label = label ()
      loss = softmax_loss (scores, label)
    ]], 1)
    return lander.solver(net, { type = "sgd", base_lr = 0.1 }):probe(...)
  end
  local _, y = batch(5, 4)
  local found = probe([[
    data = input () shape=4
    a = linear (data) outputs=3
    b0 = linear (data) outputs=3 weight_filler=constant weight_filler.value=1
    b = exp (b0)
  ]], lander.ones(5, 4) * 1000, y)
  lu.assertEquals({ found.rule, found.where, found.is_input }, { "R1", "b", false })
  local extra = lander.zeros(5, 3)
  extra:set(math.huge, 2, 1)
  found = probe([[
    data = input () shape=4
    b = input () shape=3
    a = linear (data) outputs=3
  ]], lander.ones(5, 4), extra, y)
  lu.assertEquals({ found.rule, found.where, found.is_input, found.sample }, { "R1", "b", true, 2 })
end

-- What came to the layer whose gradient is not finite is told, though that is written over.
function TestMemory.test_blame_on_the_way_back()
  local large = lander.config().real == "double" and 1e300 or 1e30
  local net = lander.core.net_build([[
    data = input () shape=4
    a = linear (data) outputs=3
    steep = relu (a) slope=1000000
    steeper = relu (steep) slope=1000000
    scores = linear (steeper) outputs=3
    label = label () shape=3
    loss = l1_loss (scores, label)
  ]], 1)
  net.params["a.bias"].data:fill_(-1 / large)
  net.params["scores.weight"].data:fill_(large)
  local solver = lander.solver(net, { type = "sgd", base_lr = 0.1 })
  local found = solver:probe(lander.zeros(5, 4), lander.zeros(5, 3))
  lu.assertEquals({ found.rule, found.where, found.inputs[1].not_finite }, { "R2", "steep", 0 })
end

-- A prediction of a larger batch than was trained with takes a prediction's memory, and the next
-- step has the same bits.
function TestMemory.test_predicting_many()
  local function resident()
    local file = io.open "/proc/self/status"
    return file and tonumber(file:read "a":match "VmHWM:%s*(%d+)")
  end
  if not resident() then lu.skip "no /proc to see memory by" end
  local layers = { nn.input { 1000 } }
  for _ = 1, 20 do
    table.move({ nn.linear { 1000 }, nn.sigmoid {} }, 1, 2, #layers + 1, layers)
  end
  local function make() return nn.net(layers) end
  local x, y = batch(2, 1000)
  local net, twin = make(), make()
  local options = { type = "sgd", base_lr = 0.01 }
  local solver, plain = lander.solver(net, options), lander.solver(twin, options)
  lu.assertEquals(solver:step(x, y), plain:step(x, y))
  local before, many = resident(), lander.zeros(2000, 1000)
  net:predict(many)
  -- 40 outputs are 40 times as much as the input; two or three are there at a time.
  local rows = 2000 * 1000 * (lander.config().real == "double" and 8 or 4) / 1024
  lu.assertTrue(resident() - before < 8 * rows, (resident() - before) / rows)
  lu.assertEquals(solver:step(x, y), plain:step(x, y))
end

-- What a layer made in a prediction is worked out again, not what training left there.
function TestMemory.test_looking_behind_a_prediction()
  local net = nn.net { nn.input { 6 }, nn.linear { 8, name = "sum" }, nn.relu {}, nn.linear { 3 } }
  local x, y = batch(4, 6)
  lander.solver(net, { type = "sgd", base_lr = 0.1 }):step(x, y)
  fails("net:keep(true)", function() return net.sum.output end)
  net:predict(x)
  local sum = net.sum.output:clone()
  lu.assertTrue(sum:min() < 0)
  lu.assertTrue(sum:eq(net:features("sum", x)):all())
  net:train_phase():forward(x)
  fails("net:keep(true)", function() return net.sum.output end)
end
