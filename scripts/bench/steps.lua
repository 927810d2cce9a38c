-- steps.lua: how long one training step takes (forward, backward, update).
--   build/lander scripts/bench/steps.lua [--rounds=30] [--threads=0]
local lander = require "lander"
local nn = lander.nn
local opt = lander.args { rounds = 30, threads = 0 }

if opt.threads > 0 then lander.threads(opt.threads) end
local config = lander.config()
print(("%s, %s, %d threads"):format(config.instructions, config.blas, lander.threads()))

local function median(values)
  table.sort(values)
  return values[(#values + 1) // 2]
end

local function time_steps(name, net, batch, shape)
  local x = lander.randn(batch, table.unpack(shape))
  local y = lander.zeros(batch)
  for i = 1, batch do y[i] = (i - 1) % 10 + 1 end
  local solver = lander.solver(net, { type = "sgd", base_lr = 0.001, momentum = 0.9,
    weight_decay = 0.0005 })
  for _ = 1, 5 do solver:step(x, y) end
  local times = {}
  for i = 1, opt.rounds do
    local start = lander.core.clock()
    solver:step(x, y)
    times[i] = (lander.core.clock() - start) * 1000
  end
  print(("%-28s %8.2f ms a step (median of %d, best %.2f)"):format(name, median(times),
    opt.rounds, times[1]))
end

time_steps("lenet, batch 64", require "models.lenet" { classes = 10 }, 64, { 1, 28, 28 })
time_steps("mlp 784-512-512-10, batch 64",
  nn.net { nn.input { 784 }, nn.linear { 512 }, nn.relu {}, nn.linear { 512 }, nn.relu {},
    nn.linear { 10 } }, 64, { 784 })
