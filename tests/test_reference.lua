-- Numbers from elsewhere: LeNet's first twenty iterations beside Caffe's, from the same
-- weights, on the same images (tests/data/caffe_lenet/README.md).
local lu = require "luaunit"
local lander = require "lander"

local folder = "tests/data/caffe_lenet/"
local BATCH, ITERATIONS = 64, 20

-- Where each parameter's numbers lie in grad.npy, in its order: every `rows`-th row of a
-- matrix of `columns`, or all.
local layers = { "conv1", "conv2", "ip1", "ip2" }

local function names()
  local list = {}
  for _, layer in ipairs(layers) do
    list[#list + 1] = layer .. ".weight"
    list[#list + 1] = layer .. ".bias"
  end
  return list
end

-- iteration -> { rate =, loss = }
local function trajectory()
  local rows = {}
  for line in io.lines(folder .. "trajectory.tsv") do
    local iter, rate, loss = line:match "^(%d+)\t(%S+)\t(%S+)$"
    if iter then rows[tonumber(iter)] = { rate = tonumber(rate), loss = tonumber(loss) } end
  end
  return rows
end

local function every_eighth_row(t)
  local rows = {}
  for i = 1, t:size(1), 8 do rows[#rows + 1] = t[i] end
  return lander.stack(rows, 1)
end

local function largest_difference(a, b)
  lu.assertEquals(a:numel(), b:numel())
  return (a:contiguous():view(-1) - b):abs():max()
end

-- Walks through the flat file: next(n) gives its next n numbers.
local function reader(path)
  local all, at = lander.load_npy(path), 1
  return function(n)
    at = at + n
    return all:narrow(1, at - n, n)
  end, function() return at - 1 == all:numel() end
end

-- The tolerance of a gradient is relative to the largest one of its parameter.
-- Reached are, in float and double alike: losses 2e-7, gradients 4.4e-7, weights 1.2e-6.
local function check_gradients(net)
  local next_numbers, at_end = reader(folder .. "grad.npy")
  for _, name in ipairs(names()) do
    local found = net.params[name].grad
    if name == "ip1.weight" then found = every_eighth_row(found) end
    local expected = next_numbers(found:numel())
    local worst = largest_difference(found, expected) / expected:abs():max()
    lu.assertTrue(worst <= 1e-6, ("gradient of %s: %g"):format(name, worst))
  end
  lu.assertTrue(at_end())
end

local function check_weights(net)
  local next_numbers, at_end = reader(folder .. "final.npy")
  for _, name in ipairs(names()) do
    if not name:find "^ip1" then
      local found = net.params[name].data
      local worst = largest_difference(found, next_numbers(found:numel()))
      lu.assertTrue(worst <= 1e-5, ("%s: %g"):format(name, worst))
    end
  end
  lu.assertTrue(at_end())
end

local function data()
  local images = "tests/data/fashion_mnist/train-"
  return lander.data.idx(images .. "images-idx3-ubyte.gz", images .. "labels-idx1-ubyte.gz",
    { scale = 1 / 256, limit = BATCH * ITERATIONS }):batches { size = BATCH }
end

TestReference = {}

function TestReference.test_lenet_as_caffe_trains_it()
  local net, expected = lander.load(folder .. "init.npz"), trajectory()
  local solver = lander.solver(net, {
    type = "sgd", base_lr = 0.01, momentum = 0.9, weight_decay = 0.0005,
    lr_policy = "inv", gamma = 0.0001, power = 0.75,
  })
  for x, y in data() do
    local at = expected[solver.iter]
    lu.assertTrue(math.abs(solver:lr() / at.rate - 1) <= 1e-7) -- Caffe's is a float
    local loss = solver:step(x, y)
    lu.assertTrue(math.abs(loss / at.loss - 1) <= 1e-5,
      ("loss %d: %.9g, expected %.9g"):format(solver.iter - 1, loss, at.loss))
    if solver.iter == 1 then check_gradients(net) end
  end
  lu.assertEquals(solver.iter, ITERATIONS)
  check_weights(net)
end
