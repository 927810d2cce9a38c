-- layers.lua: layers one by one, beside what this machine can do: GFLOP/s beside the rate of a
-- large product, for the others GB/s beside the memory's (above it: they are in a cache).
--
--   build/lander scripts/bench/layers.lua [--threads=1,2] [--only=conv]
--
-- --only=word: those with that word in them; --json=path appends a line for each; --tiny
-- takes a batch of two, to try the script out.
local lander = require "lander"
local measure, nets = require "measure", require "nets"
local nn = lander.nn
local opt = lander.args { threads = { 1, 2 }, only = "", json = "", tiny = false }

-- What it is, the input of a sample, the layer, the batch: as in the nets of nets.lua.
local layers = {
  { "conv 5x5, 1 to 20 (LeNet)", { 1, 28, 28 }, nn.conv { 20, kernel = 5 }, 64 },
  { "conv 5x5, 20 to 50 (LeNet)", { 20, 12, 12 }, nn.conv { 50, kernel = 5 }, 64 },
  { "conv 5x5, 3 to 32 (CIFAR)", { 3, 32, 32 }, nn.conv { 32, kernel = 5, pad = 2 }, 100 },
  { "conv 5x5, 32 to 32 (CIFAR)", { 32, 16, 16 }, nn.conv { 32, kernel = 5, pad = 2 }, 100 },
  { "conv 5x5, 32 to 64 (CIFAR)", { 32, 8, 8 }, nn.conv { 64, kernel = 5, pad = 2 }, 100 },
  { "conv 3x3, 16 (ResNet)", { 16, 32, 32 }, nn.conv { 16, kernel = 3, pad = 1 }, 128 },
  { "conv 3x3, 32 (ResNet)", { 32, 16, 16 }, nn.conv { 32, kernel = 3, pad = 1 }, 128 },
  { "conv 3x3, 64 (ResNet)", { 64, 8, 8 }, nn.conv { 64, kernel = 3, pad = 1 }, 128 },
  { "conv 3x3, 16 to 32, stride 2", { 16, 32, 32 },
    nn.conv { 32, kernel = 3, pad = 1, stride = 2 }, 128 },
  { "conv 3x3, 64 planes", { 64, 32, 32 }, nn.conv { 64, kernel = 3, pad = 1, groups = 64 }, 16 },
  { "conv 3x3, 256 planes", { 256, 14, 14 },
    nn.conv { 256, kernel = 3, pad = 1, groups = 256 }, 16 },
  { "conv 3x3, 64 planes, stride 2", { 64, 32, 32 },
    nn.conv { 64, kernel = 3, pad = 1, stride = 2, groups = 64 }, 16 },
  { "linear 784 to 512", { 784 }, nn.linear { 512 }, 64 },
  { "linear 512 to 512", { 512 }, nn.linear { 512 }, 64 },
  { "lstm 256, 64 steps", { 64, 256 }, nn.lstm { 256 }, 32 },
  { "gru 256, 64 steps", { 64, 256 }, nn.gru { 256 }, 32 },
  { "attention 128, 4 heads, 128 steps", { 128, 128 }, nn.attention { 4, causal = true }, 16 },
  { "max_pool 2, stride 2", { 20, 24, 24 }, nn.max_pool { 2, stride = 2 }, 64 },
  { "max_pool 3, stride 2", { 32, 32, 32 }, nn.max_pool { 3, stride = 2 }, 100 },
  { "avg_pool 3, stride 2", { 32, 16, 16 }, nn.avg_pool { 3, stride = 2 }, 100 },
  { "global_avg_pool", { 64, 8, 8 }, nn.global_avg_pool {}, 128 },
  { "batch_norm", { 16, 32, 32 }, nn.batch_norm {}, 128 },
  { "layer_norm", { 128, 128 }, nn.layer_norm { dims = 1 }, 16 },
  { "lrn", { 32, 16, 16 }, nn.lrn {}, 100 },
  { "relu", { 16, 32, 32 }, nn.relu {}, 128 },
  { "gelu", { 128, 512 }, nn.gelu {}, 16 },
  { "tanh", { 128, 512 }, nn.tanh {}, 16 },
  { "sigmoid", { 128, 512 }, nn.sigmoid {}, 16 },
  { "dropout", { 128, 512 }, nn.dropout { 0.5 }, 16 },
  { "softmax", { 1000 }, nn.softmax {}, 256 },
  { "permute", { 128, 512 }, nn.permute { 2, 1 }, 16 },
}

local real_size = lander.config().real == "double" and 8 or 4
local file = opt.json ~= "" and assert(io.open(opt.json, "a"))
local products, bandwidth -- with the threads of the moment

local function say(name, threads, forward, backward, rate, unit, peak)
  print(("%-36s %2d %10.3f %10.3f %8.1f %-7s %4.0f %%"):format(name, threads, forward * 1000,
    backward * 1000, rate * 1e-9, unit, 100 * rate / peak))
  if file then
    file:write(lander.core.json { event = "layer", layer = name, threads = threads,
      forward_ms = forward * 1000, backward_ms = backward * 1000, rate = rate,
      unit = unit == "GFLOP/s" and "FLOP/s" or "B/s", of_peak = rate / peak }, "\n")
  end
end

-- Forward reads x and writes y; backward reads x and dy and writes dx.
local function bytes_moved(size, y, batch)
  local x = real_size * batch
  for _, n in ipairs(size) do x = x * n end
  return 3 * x + 2 * y
end

local function time_layer(row, threads)
  local name, size, layer, batch = table.unpack(row)
  if opt.tiny then batch = 2 end
  local net = nn.net { nn.input(size), layer }
  net:want_input_gradient(true)
  local it = lander.time(net, batch, opt.tiny and 0 or 0.3).layers[1]
  if it.operations > 0 then
    say(name, threads, it.forward, it.backward, it.operations / it.total, "GFLOP/s", products)
  else
    say(name, threads, it.forward, it.backward, bytes_moved(size, it.bytes, batch) / it.total,
      "GB/s", bandwidth)
  end
end

-- The update: what is left of a step when the layers are taken away. Momentum reads weight,
-- gradient and history, and writes two of them.
local function time_update(threads)
  local net, _, x, y = nets.make("mlp", opt.tiny)
  local solver, numbers = nets.solver(net), 0
  for i = 1, #net.params do numbers = numbers + net.params[i].data:numel() end
  local best = math.huge
  for _ = 1, 20 do
    net:time(true)
    local start = lander.core.clock()
    solver:step(x, y)
    local rest = lander.core.clock() - start
    for _, info in ipairs(net:layers()) do rest = rest - info.forward_time - info.backward_time end
    best = math.min(best, rest)
  end
  say("update, norm and monitor (MLP)", threads, 0, best, 6 * real_size * numbers / best, "GB/s",
    bandwidth)
end

print(("%-36s %2s %10s %10s %16s %s"):format("layer", "", "forward ms", "back ms", "", "of peak"))
for _, threads in ipairs(opt.threads) do
  lander.threads(threads)
  products = measure.peak_products(opt.tiny and 0 or 1, opt.tiny and 64 or 1536)
  bandwidth = measure.peak_bandwidth(opt.tiny and 0 or 1, opt.tiny and 2 ^ 16 or 2 ^ 25)
  print(("%d thread%s at best: %.0f GFLOP/s in a large product, %.1f GB/s of memory"):format(
    threads, threads == 1 and "" or "s", products * 1e-9, bandwidth * 1e-9))
  for _, row in ipairs(layers) do
    if row[1]:find(opt.only, 1, true) then time_layer(row, threads) end
  end
  if ("update"):find(opt.only, 1, true) then time_update(threads) end
end
if file then file:close() end
