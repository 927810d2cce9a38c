-- script.lua: the module in a stock lua5.4, which finds it by LUA_CPATH, or where it is
-- installed:
--
--     LUA_CPATH="build/?.so" lua5.4 tests/embed/script.lua
local lander = require "lander"

local clouds = lander.cat({ lander.randn(100, 2) + 2, lander.randn(100, 2) - 2 }, 1)
local classes = lander.cat({ lander.ones(100), lander.full(2, 100) }, 1)
local net = require "models.mlp" { 2, 8, 2 }
local run = lander.train {
  net = net, data = lander.data.tensors(clouds, classes),
  batch_size = 20, quiet = true, retry = { max = 5, factor = 0.1 },
  solver = { base_lr = 0.1, momentum = 0.9, max_iter = 100 },
}
print(("%s after %d iterations"):format(run.status, run.iter))
local point = lander.tensor { { 3, 1 } }
print(("(3, 1) is of class %d"):format(net:predict(point):argmax(2)[1]))
