-- test_define.lua: layers that a script computes.
local lu = require "luaunit"
local lander = require "lander"
local nn = lander.nn
local support = require "tests.support"
local fails = support.fails

nn.define("test_swish", {
  help = "y = x sigmoid(beta x)",
  options = { beta = 1 },
  forward = function(self, x) return x * (x * self.beta):sigmoid() end,
  backward = function(self, x, _, dy)
    local s = (x * self.beta):sigmoid()
    return dy * (s + x * self.beta * s * (1 - s))
  end,
})

-- y = x * weight + other, weight for each number of a sample.
nn.define("test_mix", {
  inputs = 2,
  params = function(_, size)
    return { weight = { size = size, filler = { "uniform", min = 1, max = 2 } } }
  end,
  forward = function(self, x, other) return x * self.params.weight + other end,
  backward = function(self, x, _, _, dy)
    return dy * self.params.weight, dy, { weight = (dy * x):sum(1) }
  end,
})

local saved

nn.define("test_broken", {
  options = { where = 0 },
  size = function(self, size) return self.where == 1 and { 0 } or size end,
  forward = function(self, x)
    if self.where == 2 then error "forward went wrong" end
    if self.where == 3 then return 7 end
    if self.where == 4 then return x:narrow(1, 1, 1) end
    if self.where == 6 then saved:forward(x) end
    return x
  end,
  backward = function(self, _, _, dy)
    if self.where == 5 then error { "no text" } end
    return dy
  end,
})

TestDefine = {}

function TestDefine.test_forward_and_gradients()
  local x = nn.input { 3 }
  local y = x:linear { 4 }:test_swish { beta = 1.5 }:linear { 2 }
  local net = nn.net { y, seed = 3 }
  local input = lander.randn(5, 3)
  net:forward(input)
  local a, b = net["linear1"].output, net["test_swish1"].output
  lu.assertTrue(b:allclose(a * (a * 1.5):sigmoid(), 1e-6, 1e-6))
  local result = lander.check_gradients(net, input)
  lu.assertTrue(result.ok)
  lu.assertStrContains(net:text(), "test_swish1 = test_swish (linear1) beta=1.5")
end

function TestDefine.test_parameters_and_several_inputs()
  local x = nn.input { 3 }
  local h = x:tanh {}
  local net = nn.net { nn.test_mix { x:linear { 3 }, h }:linear { 2 }, seed = 4 }
  lu.assertEquals(net.params["test_mix1.weight"].data:size(), { 3 })
  lu.assertTrue(net.params["test_mix1.weight"].data:min() >= 1)
  lu.assertTrue(lander.check_gradients(net, lander.randn(4, 3)).ok)
end

function TestDefine.test_gradients_where_an_input_is_not_read()
  local net = lander.core.net_build([[
    data = input () shape=3
    other = input () shape=3
    scores = linear (data) outputs=2
  ]], 1)
  local result = lander.check_gradients(net, { lander.randn(2, 3), lander.randn(2, 3) })
  lu.assertTrue(result.ok)
end

function TestDefine.test_a_net_with_it_is_saved_and_loaded()
  local net = nn.net { nn.input { 3 }, nn.test_swish { beta = 2 }, nn.linear { 2 } }
  local path = os.tmpname()
  net:save(path)
  local x = lander.randn(2, 3)
  lu.assertEquals(lander.load(path):forward(x):eq(net:forward(x)):sum(), 4)
  os.remove(path)
end

function TestDefine.test_it_trains()
  local net = nn.net {
    nn.input { 2 }, nn.linear { 8 }, nn.test_swish {}, nn.linear { 2 }, seed = 1,
  }
  local solver = lander.solver(net, { type = "sgd", base_lr = 0.5, momentum = 0.9 })
  local x = lander.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }
  local t = lander.tensor { 1, 2, 2, 1 }
  local loss
  for _ = 1, 300 do loss = solver:step(x, t) end
  lu.assertTrue(loss < 0.05, tostring(loss))
end

function TestDefine.test_errors_travel_and_name_the_layer()
  local function broken(where)
    return nn.net { nn.input { 3 }, nn.linear { 3 }, nn.test_broken { where = where } }
  end
  local x = lander.randn(2, 3)
  fails("test_broken", broken, 1)
  fails("test_broken1: ", function() broken(2):forward(x) end)
  fails("forward went wrong", function() broken(2):forward(x) end)
  fails("must be a tensor, found a number", function() broken(3):forward(x) end)
  fails("must have 6 numbers, found 3", function() broken(4):forward(x) end)
  local net = broken(5)
  net:forward(x)
  fails("test_broken1", function() net:backward(x) end)
  saved = broken(6)
  fails("in the middle of a pass", function() saved:forward(x) end)
  saved = nil
  -- and the net is still good for other things
  lu.assertEquals(net:forward(x):size(), { 2, 3 })
end

function TestDefine.test_a_definition_is_checked()
  fails("forward is missing", nn.define, "test_a", { backward = print })
  fails("a word", nn.define, "not a word", {})
  fails("did you mean 'backward'", nn.define, "test_a", { forward = print, bakward = print })
  fails("'conv' is a layer of the library", nn.define, "conv",
    { forward = print, backward = print })
  fails("must have a number", nn.define, "test_a",
    { forward = print, backward = print, options = { a = "b" } })
  fails("did you mean 'beta'", function() return nn.test_swish { bata = 1 } end)
end

function TestDefine.test_in_a_coroutine()
  local net = nn.net { nn.input { 3 }, nn.test_swish {} }
  local y = coroutine.wrap(function() return net:forward(lander.ones(1, 3)) end)()
  lu.assertEquals(y:size(), { 1, 3 })
end

-- Calls `act` in forward (or backward) of the layer test_meddle.
local act

nn.define("test_meddle", {
  params = function() return { w = { size = { 1 } } } end,
  forward = function(_, x)
    if act and act.forward then act.forward() end
    return x
  end,
  backward = function(_, _, _, dy)
    if act and act.backward then act.backward() end
    return dy, { w = lander.ones(1) }
  end,
})

function TestDefine.test_a_coroutine_inside_that_is_gone_afterwards()
  local other = nn.net { nn.input { 2 }, nn.test_swish {} }
  local net = nn.net { nn.input { 2 }, nn.test_meddle {}, nn.test_meddle {}, nn.test_swish {} }
  act = { forward = function()
    coroutine.wrap(function() other:forward(lander.ones(1, 2)) end)()
    collectgarbage()
    collectgarbage()
  end }
  for _ = 1, 3 do lu.assertEquals(net:forward(lander.ones(1, 2)):size(), { 1, 2 }) end
  act = nil
end

function TestDefine.test_nothing_in_use_can_be_closed()
  local net = nn.net { nn.input { 2 }, nn.test_meddle {}, nn.linear { 3 } }
  local solver = lander.solver(net, { type = "sgd", base_lr = 0.1 })
  local x, t = lander.ones(1, 2), lander.tensor { 1 }
  act = { forward = function() getmetatable(net).__gc(net) end }
  fails("can't be closed", net.forward, net, x)
  act = { backward = function() getmetatable(solver).__gc(solver) end }
  fails("can't be closed", solver.step, solver, x, t)
  act = { forward = function() solver:step(x, t) end }
  fails("in the middle of a pass", solver.step, solver, x, t)
  act = { forward = function() net:want_input_gradient(true) end }
  fails("in the middle of a pass", net.forward, net, x)
  act = nil
  lu.assertNotNil(solver:step(x, t))
end

function TestDefine.test_more_threads_inside()
  local before = lander.threads()
  lander.threads(1)
  local net = nn.net { nn.input { 3, 16, 16 }, nn.test_meddle {}, nn.conv { 8, kernel = 3 } }
  local x = lander.randn(8, 3, 16, 16)
  local y = net:forward(x):clone()
  act = { forward = function() lander.threads(3) end }
  local z = net:forward(x)
  act = nil
  lander.threads(before)
  lu.assertTrue(y:eq(z):all())
end

function TestDefine.test_no_parameter_thaws_inside()
  local a = nn.input { 2 }:linear { 2, name = "first" }:tanh {}
  local net = nn.net { nn.add { a:linear { 2 }, nn.test_meddle { a } } }
  net.params["first.weight"].frozen = true
  net.params["first.bias"].frozen = true
  net:forward(lander.ones(1, 2))
  act = { backward = function() net.params["first.weight"].frozen = false end }
  fails("in the middle of a pass", net.backward, net, lander.ones(1, 2))
  act = nil
end

function TestDefine.test_sizes_and_names_that_can_not_be()
  nn.define("test_huge", {
    params = function() return { w = { size = { 1 << 40, 1 << 40 } } } end,
    forward = print, backward = print,
  })
  fails("test_huge1", nn.net, { nn.input { 2 }, nn.test_huge {} })
  for _, params in ipairs { { ["a..b"] = { size = { 1 } } }, { { size = { 1 } } }, { w = 7 } } do
    nn.define("test_names", {
      params = function() return params end, forward = print, backward = print,
    })
    fails("the name a word", nn.net, { nn.input { 2 }, nn.test_names {} })
  end
  local function define(options, inputs)
    nn.define("test_a", { options = options, inputs = inputs, forward = print, backward = print })
  end
  fails("means something already", define, { name = 1 })
  fails("means something already", define, { lr_mult = 1 })
  fails("must be finite", define, { a = 0 / 0 })
  fails("must be finite", define, { a = math.huge })
  fails("inputs; from 1 to 16", define, {}, (1 << 32) + 1)
end

TestLosses = {}

-- The mean absolute distance, by hand.
local function distance(y, target)
  local n = y:numel()
  return (y - target):abs():sum() / n, (y - target):sign() / n
end

function TestLosses.test_a_function_as_the_loss_of_a_training()
  local x = lander.randn(64, 2)
  local target = x:mm(lander.tensor { { 1 }, { -2 } })
  local data = lander.data.tensors(x, target)
  local net = nn.net { nn.input { 2 }, nn.linear { 1 }, seed = 2 }
  local solver = { type = "sgd", base_lr = 0.1, momentum = 0.5, lr_policy = "exp", gamma = 0.99,
                   max_iter = 300 }
  local function train(loss)
    return lander.train { net = net, data = data, batch_size = 16, loss = loss, quiet = true,
                          solver = solver }
  end
  lu.assertEquals(train(distance).status, "finished")
  local learnt = net.params["linear1.weight"].data
  lu.assertTrue(learnt:allclose(lander.tensor { { 1, -2 } }, 0.05, 0.05), tostring(learnt))
  lu.assertEquals(train(distance).status, "finished") -- again, but not with another one
  fails("a loss of its own", train, function() return 0 end)
  fails("a loss of its own", train, "mse_loss")
end

function TestLosses.test_a_solver_takes_one_too()
  local net = nn.net { nn.input { 2 }, nn.linear { 1 }, seed = 2 }
  local solver = lander.solver(net, { type = "sgd", base_lr = 0.1, loss = distance })
  local x, target = lander.ones(4, 2), lander.ones(4, 1)
  local before = (net:forward(x) - target):abs():mean()
  lu.assertAlmostEquals(solver:step(x, target), before, 1e-6)
  lu.assertTrue((net:forward(x) - target):abs():mean() < before)
end

function TestLosses.test_its_gradient_and_its_errors()
  local net = nn.net { nn.input { 3 }, nn.linear { 2 }, seed = 3 }
  lander.core.ensure_loss(net, function(y, target)
    return ((y - target) ^ 2):sum(), (y - target) * 2
  end)
  local x, target = lander.randn(4, 3), lander.randn(4, 2)
  lu.assertTrue(lander.check_gradients(net, x, target).ok)
  local function bad(f)
    local wrong = nn.net { nn.input { 3 }, nn.linear { 2 } }
    lander.core.ensure_loss(wrong, f)
    wrong:loss(x, target)
    wrong:backward()
  end
  fails("must return the loss, a number", bad, function() return "much" end)
  fails("gradient of the scores behind the loss", bad, function() return 1 end)
end

function TestLosses.test_a_net_trained_so_is_loaded_and_predicts()
  local path = os.tmpname()
  local net = nn.net { nn.input { 3 }, nn.linear { 2 }, seed = 3 }
  lander.core.ensure_loss(net, distance)
  net:save(path)
  local x = lander.randn(4, 3)
  lu.assertTrue(lander.load(path):predict(x):eq(net:predict(x)):all())
  os.remove(path)
end

function TestLosses.test_a_loss_that_is_defined()
  nn.define("test_square_loss", {
    loss = true,
    forward = function(_, y, target) return ((y - target) ^ 2):sum() end,
    backward = function(_, y, target, _, dloss) return (y - target) * (2 * dloss), target * 0 end,
  })
  local y = nn.input { 3 }:linear { 2 }
  local net = nn.net {
    y, loss = y:test_square_loss { nn.label { 2, name = "t" }, loss_weight = 0.5 }, seed = 1,
  }
  lu.assertTrue(lander.check_gradients(net, lander.randn(4, 3), lander.randn(4, 2)).ok)
  -- it is one number for the whole batch, and nothing stands behind it
  lu.assertFalse(net:layers()[#net:layers()].batched)
  fails("gives one number for the whole batch", lander.core.net_build,
    net:text() .. "z = relu (test_square_loss1)\n", 1)
end
