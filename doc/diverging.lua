-- diverging.lua: trains LeNet for a moment with several rates, nobody watching, and writes the
-- losses to doc/curves/diverging.csv, which doc/curves.lua draws. Not run by the tests: a
-- training that diverges makes much of the last bit, which other processors round otherwise.
--   build/lander doc/diverging.lua
local lander = require "lander"

local data = lander.data.fashion_mnist("tests/data/fashion_mnist").train

local function losses(options)
  options.momentum, options.weight_decay, options.max_iter = 0.9, 0.0005, 200
  options.guard = false -- only what is not finite ends it
  local list = {}
  lander.train {
    net = require "models.lenet" { classes = 10 }, data = data, batch_size = 64, quiet = true,
    solver = options, retry = false,
    on_iter = function(e) list[#list + 1] = ("%.4g"):format(e.loss) end,
  }
  return table.concat(list, ",")
end

local file = assert(io.open("doc/curves/diverging.csv", "w"))
for _, base_lr in ipairs { 0.0001, 0.001, 0.01, 0.05, 0.1 } do
  file:write(("base_lr %g,%s\n"):format(base_lr, losses { base_lr = base_lr }))
end
file:write(("dead,%s\n"):format(losses { base_lr = 0.2, clip_gradients = 5 }))
file:close()
