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

-- Said at the head of a run.
TestHints = {}

local function hints(net, d, unasked)
  return table.concat(core.data_hints(net, d, unasked), "; ")
end

function TestHints.test_numbers_that_are_far_from_1()
  local net = require "models.mlp" { 2, 4, 1 }
  local x, y = lander.randn(300, 2), lander.randn(300)
  local function hint(dx, dy) return hints(net, lander.data.tensors(dx, dy)) end
  lu.assertEquals(hint(x, y), "")
  lu.assertEquals(hint(x * 15, y + 15), "")
  lu.assertStrContains(hint(x, y + 50), "target has mean ")
  x:select(2, 2):mul_(1000)
  lu.assertStrMatches(hint(x, y), "input 2 has mean %S+ and deviation %S+: nets learn badly from "
    .. "numbers so far from 1; .*")
  lu.assertStrMatches(hint(x, y + 1e6), "input 2 has .*, target has mean 1e%+06 and deviation "
    .. "[%d.]+: nets .*")
  lu.assertStrMatches(hint(x * 0, y * 1e30), "target has mean %S+ and deviation %S+e%+%d+: .*")
  lu.assertStrContains(hints(net, lander.data.tensors(lander.full(200, 9, 3, 2, 2),
    lander.arange(1, 9):gt(4) + 1, { classes = 2 })), "channel 1 has mean 200 and deviation 0")
  local nn = lander.nn
  lu.assertEquals(hints(nn.net { nn.input { 2 }, nn.embedding { 500, 2 } }, lander.data.tensors(
    lander.full(400, 9, 2), lander.arange(1, 9):gt(4) + 1, { classes = 2 })), "")
end

local function table_of(text)
  return support.write(support.folder() .. "/t.csv", text)
end

function TestHints.test_columns_go_by_their_names()
  local net = require "models.mlp" { 2, 4, 1 }
  local d = lander.data.csv(table_of "a,b,c\n1,2000,3.5\n2,1000,4000\n", { y = "c" })
  lu.assertStrMatches(hints(net, d), "input 'b' has mean 1500 and .*, target 'c' has mean .*")
end

-- Labels that are read as numbers.
function TestHints.test_a_target_that_looks_like_labels()
  local net = require "models.mlp" { 1, 4, 1 }
  local function hint(labels, unasked)
    local rows = { "a,sold" }
    for i = 1, 40 do rows[#rows + 1] = ("0,%s"):format(labels[i % #labels + 1]) end
    local d = lander.data.csv(table_of(table.concat(rows, "\n")), { y = "sold" })
    local said = hints(net, d, unasked ~= false)
    lu.assertEquals(hints(net, (d:normalize()), unasked ~= false), said)
    return said
  end
  lu.assertEquals(hint { 0, 1 }, "the target 'sold' is 0 or 1 in 40 samples; if these are classes "
    .. "and no amounts, classes = 2 where the data are read makes labels of them")
  lu.assertStrContains(hint { 1, 2 }, "is 1 or 2 in 40 samples; if these are classes and no "
    .. "amounts, classes = 2, first = 1 where")
  lu.assertStrContains(hint { 3, 1, 5 }, "is a whole number from 1 to 5 in 40 samples; if these "
    .. "are classes and no amounts, classes = 5, first = 1 where")
  lu.assertEquals(hint { 0, 1, 0.5 }, "")
  lu.assertEquals(hint { 0, 60 }, "")
  lu.assertEquals(hint({ 0, 1 }, false), "") -- where it was said that they are numbers
  lu.assertEquals(hint { 7 }, "the target 'sold' is 7 in all of 40 samples: there is nothing to "
    .. "learn")
end

function TestHints.test_classes_without_anything_to_tell_apart()
  local net = require "models.mlp" { 1, 4, 2 }
  lu.assertEquals(hints(net, lander.data.csv(table_of "a,b\n1,no\n2,no\n", { y = "b" })),
    "all of 2 samples are of one class, 'no': there is nothing to tell apart")
  lu.assertEquals(hints(net, lander.data.tensors(lander.ones(3, 1), lander.ones(3) * 2,
    { classes = 2 })), "all of 3 samples are of one class, number 2: there is nothing to tell "
    .. "apart")
  lu.assertEquals(hints(net, lander.data.tensors(lander.ones(2, 1), lander.tensor { 1, 2 },
    { classes = 2 })), "")
  local rows = { "a,name" }
  for i = 1, 20 do rows[i + 1] = ("1,n%02d"):format(i) end
  lu.assertEquals(hints(net, lander.data.csv(table_of(table.concat(rows, "\n")), { y = "name" })),
    "20 samples are of 20 classes, such as 'n01' and 'n02': is 'name' the column that you meant?")
end

-- Bad data go by the line and the column that they come from.
TestFaults = {}
support.keep_status(TestFaults)

local function fault_of(text, o)
  local path = table_of(text)
  local d = lander.data.csv(path, { y = o.y or "c" })
  if o.normalize then d = d:normalize() end
  local run = lander.train { net = require "models.mlp" { 2, 4, 1 }, data = d:shuffle(5),
    quiet = true, batch_size = 4, solver = { base_lr = 1e-3, max_iter = 2 } }
  return run.status, run.message:gsub(path:gsub("%p", "%%%0"), "t.csv"), run.fault
end

function TestFaults.test_a_cell_of_a_table()
  local text = "a,b,c\n1,2,3\n2,nan,4\n5,6,7\n"
  for _, normalize in ipairs { false, true } do
    local status, message, fault = fault_of(text, { normalize = normalize })
    lu.assertEquals(status, "data_fault")
    lu.assertStrMatches(message, "sample %d %(t.csv, line 3%): the input 'b' is nan; fill it in, "
      .. "or leave that line out")
    lu.assertStrMatches(fault.place, ".*, line 3")
    lu.assertEquals(fault.field, "input[2]")
    status, message = fault_of(text, { y = "b", normalize = normalize })
    lu.assertEquals(status, "data_fault")
    lu.assertStrMatches(message, "sample %d %(t.csv, line 3%): the target 'b' is nan; .*")
  end
end

-- Squares that overflow are the data's fault, and normalising cures it.
function TestFaults.test_numbers_whose_squares_are_too_large()
  local e = lander.config().real == "double" and "200" or "22"
  local text = ("a,b,c\n1,2,3eE\n2,5,4eE\n5,6,7eE\n"):gsub("E", e)
  local status, message, fault = fault_of(text, {})
  lu.assertEquals({ status, fault.field }, { "data_fault", "target" })
  lu.assertStrMatches(message, "sample %d %(t.csv, line %d%): the target 'c' is %de%+%d+, too "
    .. "large for its square to be a number: it is the scale of the data, not the net; "
    .. "d:normalize%(%) .*")
  status, message = fault_of(text, { y = "a" })
  lu.assertEquals(status, "data_fault")
  lu.assertStrContains(message, "the input 'c' is")
  local d = lander.data.csv(table_of(text), { y = "c" }):normalize()
  local _, y = all(d)
  lu.assertAlmostEquals(y:std(), math.sqrt(3 / 2), 1e-3)
  lu.assertAlmostEquals(y:mean(), 0, 1e-3)
end
