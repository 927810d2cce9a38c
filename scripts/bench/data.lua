-- data.lua: how many images of Fashion-MNIST come through in a second of one core.
--   build/lander scripts/bench/data.lua [--batches=1000] [--rounds=5]
-- Time is that of the processor, in both threads: reading out of memory, shuffling,
-- converting bytes, augmenting. The best of several rounds.
local lander = require "lander"
local opt = lander.args { batches = 1000, rounds = 5, batch_size = 64 }

local data = lander.data.fashion_mnist().train

local function measure(name, options)
  options.size, options.loop, options.reuse = opt.batch_size, true, true
  local batches <close> = data:batches(options)
  local best = math.huge
  for _ = 1, opt.rounds do
    local start = os.clock()
    for _ = 1, opt.batches do batches:next() end
    best = math.min(best, os.clock() - start)
  end
  print(("%-36s %10.0f images a second"):format(name, opt.batches * opt.batch_size / best))
end

measure("in order", {})
measure("shuffled", { shuffle = true })
measure("shuffled, mirrored", { shuffle = true, augment = { mirror = true } })
measure("shuffled, padded, cropped, mirrored",
  { shuffle = true, augment = { mirror = true, pad = 4, crop = 28 } })
