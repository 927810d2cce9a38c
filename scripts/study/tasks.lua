-- tasks.lua: what the study of divergence trains: seven tasks that have little in common.
--
-- A task: { name =, train =, test = (datasets), make = function(seed) -> a net, loss = what
--   it learns by, kind = "classes" or "loss", constant = the test loss of the best constant answer,
--   chance = the score of that answer, batches = { sizes } }.
-- Its score is the test accuracy; where there is none, the part of the best constant answer's
-- loss that is gone: 1 - loss / constant.
local lander = require "lander"
local nn = lander.nn

local tasks = {}
local makers = {}

-- ---- pictures ----

local images

-- The first pictures of Fashion-MNIST, for three of the tasks.
local function pictures(task, options)
  images = images or lander.data.fashion_mnist(options.data)
  task.train = images.train:subset(1, math.min(4000, #images.train))
  task.test = images.test:subset(1, math.min(1000, #images.test))
  task.loss = "softmax_loss"
  task.kind, task.constant, task.chance = "classes", math.log(10), 1 / 10
  return task
end

-- LeNet as in models/, with a third of its filters: the study needs many runs of it.
function makers.lenet(options)
  local function make(seed)
    return nn.net { seed = seed, nn.input { 1, 28, 28 }, nn.conv { 8, kernel = 5 },
      nn.max_pool { 2, stride = 2 }, nn.conv { 16, kernel = 5 }, nn.max_pool { 2, stride = 2 },
      nn.linear { 64 }, nn.relu {}, nn.linear { 10 } }
  end
  return pictures({ make = make, batches = { 8, 32 } }, options)
end

function makers.batch_norm(options)
  local function make(seed)
    return nn.net { seed = seed, nn.input { 1, 28, 28 },
      nn.conv { 8, kernel = 3, stride = 2, bias = false }, nn.batch_norm {}, nn.relu {},
      nn.conv { 16, kernel = 3, stride = 2, bias = false }, nn.batch_norm {}, nn.relu {},
      nn.global_avg_pool {}, nn.linear { 10 } }
  end
  return pictures({ make = make, batches = { 8, 64 } }, options)
end

function makers.mlp(options)
  local function make(seed)
    return nn.net { seed = seed, nn.input { 1, 28, 28 }, nn.flatten {}, nn.linear { 64 },
      nn.tanh {}, nn.linear { 64 }, nn.tanh {}, nn.linear { 10 } }
  end
  return pictures({ make = make, batches = { 4, 64 } }, options)
end

-- ---- numbers ----

-- A smooth function of eight numbers, of which five matter, with noise on what is trained on:
-- normal, or (heavy) of Student's t with three degrees of freedom, whose squares have no
-- variance: single batches with huge losses are healthy there.
local function numbers(n, noise)
  local x = lander.randn(n, 8)
  local function column(i) return x:select(2, i) end
  local y = (column(1) * 2):tanh() + column(2) * column(3) + column(4):abs() * 0.5 + column(5)
  if noise == "normal" then
    y = y + lander.randn(n) * 0.3
  elseif noise == "heavy" then
    local squares = lander.randn(n, 3)
    squares = (squares * squares):mean(2)
    y = y + lander.randn(n) / squares:sqrt() * 0.5
  end
  return x, y:view(n, 1)
end

local function regression(noise)
  lander.seed(77)
  local x, y = numbers(4000, noise)
  local tx, ty = numbers(1000)
  local off = ty - y:mean()
  return { train = lander.data.tensors(x, y), test = lander.data.tensors(tx, ty), kind = "loss",
    loss = "mse_loss", constant = (off * off):mean(), chance = 0, batches = { 4, 64 },
    make = function(seed)
      return nn.net { seed = seed, nn.input { 8 }, nn.linear { 64 }, nn.relu {},
        nn.linear { 32 }, nn.relu {}, nn.linear { 1 } }
    end }
end

-- mse_loss is half of the mean square, as in Caffe: so is what it is compared with.
function makers.regression()
  local task = regression "normal"
  task.constant = task.constant / 2
  return task
end

function makers.heavy()
  local task = regression "heavy"
  task.constant = task.constant / 2
  return task
end

-- ---- characters ----

local function symbols(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a"):gsub("[^\n\x20-\x7e]", " "):gsub(" +", " ")
  file:close()
  local list = {}
  for i = 1, #text do
    local byte = text:byte(i)
    list[i] = byte == 10 and 96 or byte - 31
  end
  return list
end

-- The entropy of symbols, in nats: the loss of who knows nothing but how frequent each is.
local function entropy(list)
  local counts, sum = {}, 0
  for _, symbol in ipairs(list) do counts[symbol] = (counts[symbol] or 0) + 1 end
  for _, n in pairs(counts) do sum = sum - n / #list * math.log(n / #list) end
  return sum
end

-- Pieces of a text of 24 characters; what is asked for is the next one at each place. Every
-- seventh piece is kept for the test.
function makers.lstm(options)
  local steps, list = 24, symbols(options.text)
  local parts = { train = { x = {}, y = {} }, test = { x = {}, y = {} } }
  for piece = 1, (#list - 1) // steps do
    local part, from = parts[piece % 7 == 0 and "test" or "train"], (piece - 1) * steps + 1
    part.x[#part.x + 1] = table.move(list, from, from + steps - 1, 1, {})
    part.y[#part.y + 1] = table.move(list, from + 1, from + steps, 1, {})
  end
  local function dataset(part)
    return lander.data.tensors(lander.tensor(part.x), lander.tensor(part.y))
  end
  return { train = dataset(parts.train), test = dataset(parts.test), kind = "loss",
    loss = "softmax_loss", constant = entropy(list), chance = 0, batches = { 4, 32 },
    make = function(seed)
      local scores = nn.lstm { nn.input { steps }:embedding { 96, 16 }, 48 }:permute { 2, 1 }
        :conv { 96, kernel = 1 }
      return nn.net { scores, seed = seed }
    end }
end

-- ---- the plane ----

-- Three arms that wind around each other.
local function arms(n)
  local along, off, x, y = lander.rand(n), lander.randn(n), {}, {}
  for i = 1, n do
    local angle = 4 * along[i] + i % 3 * 2 * math.pi / 3 + 0.1 * off[i]
    x[i] = { 2 * along[i] * math.cos(angle), 2 * along[i] * math.sin(angle) }
    y[i] = i % 3 + 1
  end
  return lander.data.tensors(lander.tensor(x), lander.tensor(y), { classes = 3 })
end

function makers.spiral()
  lander.seed(78)
  return { train = arms(1200), test = arms(600), kind = "classes",
    loss = "softmax_loss", constant = math.log(3), chance = 1 / 3, batches = { 8, 64 },
    make = function(seed)
      return nn.net { seed = seed, nn.input { 2 }, nn.linear { 32 }, nn.relu {},
        nn.linear { 32 }, nn.relu {}, nn.linear { 3 } }
    end }
end

-- The four corners, 16 times.
function makers.xor()
  local x, y = {}, {}
  for i = 1, 64 do
    local one, other = i % 2, i // 2 % 2
    x[i], y[i] = { 2 * one - 1, 2 * other - 1 }, (one ~ other) + 1
  end
  local data = lander.data.tensors(lander.tensor(x), lander.tensor(y), { classes = 2 })
  return { train = data, test = data, kind = "classes", loss = "softmax_loss",
    constant = math.log(2), chance = 1 / 2, batches = { 8 },
    make = function(seed)
      return nn.net { seed = seed, nn.input { 2 }, nn.linear { 16 }, nn.tanh {},
        nn.linear { 2 } }
    end }
end

-- ---- making and measuring ----

tasks.names = { "lenet", "batch_norm", "mlp", "spiral", "lstm", "regression", "heavy" }

-- options: data (a folder of pictures; nil: the whole Fashion-MNIST), text (a file).
function tasks.make(name, options)
  local task = makers[name](options)
  task.name = name
  return task
end

local function measure(net, task)
  local loss, hits, count = 0, 0, 0
  local output = net[net:output_name()]
  for x, y in task.test:batches { size = 100, reuse = true } do
    local n = x:size(1)
    loss, count = loss + net:loss(x, y) * n, count + n
    if task.kind == "classes" then hits = hits + output.output:argmax(2):eq(y):sum() end
  end
  if loss ~= loss then return task.chance end -- and no hits either, whatever argmax says
  return task.kind == "classes" and hits / count or 1 - loss / count / task.constant
end

-- The net's test score; no worse than that of the best constant answer.
function tasks.score(net, task)
  net:test_phase()
  local score = measure(net, task)
  net:train_phase()
  return math.max(score, task.chance)
end

-- At a fixed rate the score jumps from iteration to iteration: it is the mean of four, over
-- the last tenth of the iterations.
function tasks.is_scored(iter, max_iter)
  local every = math.max(max_iter // 40, 1)
  return iter <= max_iter and (max_iter - iter) % every == 0 and iter > max_iter - 4 * every
end

return tasks
