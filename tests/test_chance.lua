-- test_chance.lua: the chance level as the data have it, and what rules R4b and R5 see with it.
local lu = require "luaunit"
local lander = require "lander"
local nn = lander.nn
local chance = lander.core.chance

TestChanceOfData = {}

-- A net of so many inputs and outputs that learns by `loss`.
local function net(inputs, outputs, loss)
  local result = nn.net { nn.input { inputs }, nn.linear { outputs }, seed = 1 }
  lander.core.ensure_loss(result, loss)
  return result
end

local function labels(list, classes)
  return lander.data.tensors(lander.ones(#list, 2), lander.tensor(list), { classes = classes })
end

function TestChanceOfData.test_classes_as_frequent_as_they_are()
  local data = labels({ 1, 1, 1, 2, 1, 1, 1, 3 }, 4)
  local expected = -(6 * math.log(6 / 8) + 2 * math.log(1 / 8)) / 8
  lu.assertAlmostEquals(chance(net(2, 4, "softmax_loss"), data, 3), expected, 1e-12)
  -- All alike: what the net knows by itself.
  data = labels({ 3, 1, 2, 4, 4, 2, 1, 3 }, 4)
  lu.assertAlmostEquals(chance(net(2, 4, "softmax_loss"), data, 3), math.log(4), 1e-12)
end

function TestChanceOfData.test_places_each_with_a_label()
  local scores = nn.input { 3, 2 }:conv { 2, kernel = 1 }
  local places = nn.net { scores, seed = 1 }
  lander.core.ensure_loss(places, "softmax_loss")
  local data = lander.data.tensors(lander.ones(2, 3, 2), lander.tensor { { 1, 2 }, { 2, 2 } })
  local expected = -(math.log(1 / 4) + 3 * math.log(3 / 4)) / 4
  lu.assertAlmostEquals(chance(places, data, 1), expected, 1e-12)
end

function TestChanceOfData.test_targets_that_are_numbers()
  -- Variances 2/3 and 8/3, far from zero, with a short batch at the end.
  local y = lander.tensor { { 1001, 4 }, { 1002, 0 }, { 1003, 2 } }
  local data = lander.data.tensors(lander.ones(3, 2), y)
  lu.assertAlmostEquals(chance(net(2, 2, "mse_loss"), data, 2), (2 / 3 + 8 / 3) / 2, 1e-6)
  -- The same by force: the loss of the best constant answer.
  local constant = net(2, 2, "mse_loss")
  constant.params[1].data:zero_()
  constant.params[2].data:copy_(y:mean(1))
  lu.assertAlmostEquals(constant:loss(lander.ones(3, 2), y), (2 / 3 + 8 / 3) / 2, 1e-6)
end

function TestChanceOfData.test_where_the_net_alone_has_a_say()
  local one = labels({ 2, 2, 2 }, 3) -- nothing to guess: no level
  lu.assertAlmostEquals(chance(net(2, 3, "softmax_loss"), one, 2), math.log(3), 1e-12)
  local x, y = nn.input { 2 }:linear { 3 }, nn.label {}
  local smooth = nn.net { x, loss = x:softmax_loss { y, label_smoothing = 0.1 } }
  local data = labels({ 1, 1, 2 }, 3)
  lu.assertEquals(chance(smooth, data, 2), smooth:chance())
  lu.assertNil(chance(net(2, 1, "l1_loss"), lander.data.tensors(lander.ones(2, 2),
    lander.tensor { { 1 }, { 2 } }), 2))
  -- Numbers that are no labels are told of elsewhere.
  local wrong = lander.data.tensors(lander.ones(2, 2), lander.tensor { 0.5, 1 })
  lu.assertAlmostEquals(chance(net(2, 3, "softmax_loss"), wrong, 2), math.log(3), 1e-12)
end

-- A regression whose hidden layer dies at its rate: the loss stays at the variance.
function TestChanceOfData.test_a_dead_regression_is_noticed()
  lander.seed(3)
  local x = lander.randn(256, 4)
  local y = (x:select(2, 1) * x:select(2, 2)):view(256, 1)
  local before = lander.core.exit_status
  local run = lander.train { data = lander.data.tensors(x, y), batch_size = 32, quiet = true,
    net = nn.net { seed = 1, nn.input { 4 }, nn.linear { 32 }, nn.relu {}, nn.linear { 1 } },
    loss = "mse_loss", solver = { base_lr = 0.5, momentum = 0.9, max_iter = 600 },
    on_iter = function(e)
      -- What a step that was too long does: no unit ever speaks again.
      if e.attempt == 1 and e.iter == 1 then e.net.params["linear1.bias"].data:fill_(-100) end
    end }
  lander.core.exit_status = before
  lu.assertEquals({ run.status, run.retries }, { "finished", 1 })
  local diverged
  for _, e in ipairs(run.events) do diverged = diverged or e.event == "diverged" and e end
  lu.assertEquals({ diverged.rule, diverged.iter, diverged.reason }, { "R5", 500, "dead net" })
end
