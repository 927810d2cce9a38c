-- The module in a stock lua5.4: LUA_CPATH="build/?.so" lua5.4 tests/stock.lua
local checks = require "tests.checks"
local check = checks.check

local lander = require "lander"
check(lander == require "lander", "require gives the same module twice")
check(type(lander.version) == "string", "the module has a version")
check(not pcall(lander.tensor, "nonsense"), "nonsense is refused")

local t = lander.tensor { { 1, 2 }, { 3, 4 } }
check((t + t):sum() == 20, "tensors add up")

local net = require "models.lenet" { classes = 10 }
check(#net.params == 8, "the built-in LeNet has 8 parameters")
local y = net:predict(lander.zeros(2, 1, 28, 28))
check(y:size(1) == 2 and y:size(2) == 10, "it predicts")

checks.finish()
