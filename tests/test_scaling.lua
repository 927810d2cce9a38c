-- d:normalize, and what a training says and keeps of its data.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core = lander.core

TestNormalize = {}
support.keep_status(TestNormalize)

local function all(d)
  return d:batches({ size = #d }):next()
end

-- Columns by themselves, one of them far from 0 and one that is always the same; targets too.
function TestNormalize.test_columns()
  local x = lander.tensor { { 1000, 5, 1 }, { 1002, 5, 2 }, { 1004, 5, 6 } }
  local d, numbers = lander.data.tensors(x, lander.tensor { 1e6, 2e6, 3e6 }):normalize()
  lu.assertAlmostEquals(numbers.mean, { 1002, 5, 3 }, 1e-6)
  lu.assertAlmostEquals(numbers.std, { math.sqrt(8 / 3), 1, math.sqrt(14 / 3) }, 1e-6)
  lu.assertAlmostEquals(numbers.y_mean, { 2e6 }, 1)
  lu.assertAlmostEquals(numbers.y_std, { 1e6 * math.sqrt(2 / 3) }, 1)
  local nx, ny = all(d)
  lu.assertTrue(nx:allclose((x - x:mean(1, true)) / lander.tensor { numbers.std }, 1e-4, 1e-5))
  lu.assertAlmostEquals(ny:mean(), 0, 1e-6)
  lu.assertTrue(core.denormalized(ny:view(3, 1), numbers.y_mean, numbers.y_std):view(3):allclose(
    lander.tensor { 1e6, 2e6, 3e6 }))
  -- A test set by the training set's numbers.
  local other = lander.data.tensors(x + 2, lander.tensor { 2e6, 3e6, 4e6 }):normalize(numbers)
  lu.assertTrue(all(other):allclose(nx + 2 / lander.tensor { numbers.std }, 1e-4, 1e-4))
end

function TestNormalize.test_channels_and_classes()
  local x = lander.randn(20, 2, 3, 4) * 7 + 100
  x:select(2, 2):mul_(0.01)
  local d, numbers = lander.data.tensors(x, lander.ones(20), { classes = 2 })
    :name_classes({ "a", "b" }):normalize()
  lu.assertEquals({ #numbers.mean, numbers.y_mean, d.classes, d:class_names(), d:shape() },
    { 2, nil, 2, { "a", "b" }, { 2, 3, 4 } })
  local nx, ny = all(d)
  for c = 1, 2 do
    lu.assertAlmostEquals(nx:select(2, c):mean(), 0, 1e-3)
    lu.assertAlmostEquals(nx:select(2, c):contiguous():view(-1):std(), 1, 0.01)
  end
  lu.assertEquals(ny:sum(), 20)
end

-- A sample that is bad stays so, and the others are as they would be without it.
function TestNormalize.test_what_is_not_finite_is_left_out()
  local x = lander.tensor { { 1 }, { 0 / 0 }, { 3 } }
  local d, numbers = lander.data.tensors(x, lander.ones(3), { classes = 1 }):normalize()
  lu.assertEquals({ numbers.mean, numbers.std }, { { 2 }, { 1 } })
  local nx = all(d)
  lu.assertEquals({ nx:get(1, 1), nx:get(3, 1) }, { -1, 1 })
  lu.assertTrue(nx:get(2, 1) ~= nx:get(2, 1))
end

function TestNormalize.test_refused()
  local d = support.blobs(8)
  local _, numbers = lander.data.synthetic.blobs({ dims = 3 }):normalize()
  support.fails("the numbers are for 3 columns, the data have 2", d.normalize, d, numbers)
  support.fails("the numbers are those that d:normalize() returned", d.normalize, d, { 1 })
end

TestNoted = {}
support.keep_status(TestNoted)

local function train(d, more)
  local o = { net = require "models.mlp" { 2, 4, 3 }, data = d, quiet = true, batch_size = 8,
              solver = { base_lr = 0.1, max_iter = 2 } }
  for key, value in pairs(more or {}) do o[key] = value end
  return lander.train(o)
end

-- What predict has to know is in the net; a text of the script's own stays.
function TestNoted.test_what_a_training_keeps()
  local d = lander.data.synthetic.blobs():name_classes { "a", "b", "c" }
  local normal, numbers = d:normalize()
  local net = train(normal).net
  lu.assertEquals(core.noted_data(net),
    { lander = 1, class_names = { "a", "b", "c" }, normalize = numbers })
  train(lander.data.synthetic.blobs(), { net = net }) -- of which there is nothing to say
  lu.assertNil(net:note())
  net:note "mine"
  train(d, { net = net })
  lu.assertEquals(net:note(), "mine")
  lu.assertNil(core.noted_data(net))
end

-- Where the net has no loss, the data decide.
function TestNoted.test_the_loss_of_the_data()
  local x = lander.randn(16, 2)
  local function loss_of(y, outputs, options)
    local net = require "models.mlp" { 2, 4, outputs }
    train(lander.data.tensors(x, y, options), { net = net })
    local layers = net:layers()
    return layers[#layers].type
  end
  lu.assertEquals(loss_of(lander.randn(16), 1), "mse_loss")
  lu.assertEquals(loss_of(lander.randn(16, 3), 3), "mse_loss")
  lu.assertEquals(loss_of(lander.ones(16), 3, { classes = 3 }), "softmax_loss")
  lu.assertEquals(loss_of(lander.ones(16), 3), "softmax_loss") -- labels that nobody called so
end

-- Said at the head of a run: numbers that are far from 1.
function TestNoted.test_a_hint_where_numbers_are_far_from_1()
  local net = require "models.mlp" { 2, 4, 1 }
  local x, y = lander.randn(300, 2), lander.randn(300)
  local function hint(dx, dy) return core.scaling_text(net, lander.data.tensors(dx, dy)) end
  lu.assertNil(hint(x, y))
  lu.assertNil(hint(x * 50, y + 50))
  x:select(2, 2):mul_(1000)
  lu.assertStrMatches(hint(x, y), "input 2 has mean %S+ and deviation %S+: nets learn badly from "
    .. "numbers so far from 1; .*")
  lu.assertStrMatches(hint(x, y + 1e6), "input 2 has .*, target has mean 1e%+06 and deviation "
    .. "[%d.]+: nets .*")
  lu.assertStrContains(core.scaling_text(net, lander.data.tensors(lander.full(200, 9, 3, 2, 2),
    lander.ones(9), { classes = 2 })), "channel 1 has mean 200 and deviation 0: nets")
  local nn = lander.nn
  lu.assertNil(core.scaling_text(nn.net { nn.input { 2 }, nn.embedding { 500, 2 } },
    lander.data.tensors(lander.full(400, 9, 2), lander.ones(9), { classes = 2 })))
end
