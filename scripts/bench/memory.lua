-- memory.lua: the most memory that training a net takes, of the whole process: as /usr/bin/time -v
-- has it ("Maximum resident set size").
--
--   build/lander scripts/bench/memory.lua [--net=lenet] [--steps=3] [--tiny]
local lander = require "lander"
local nets = require "nets"
local opt = lander.args { net = "lenet", steps = 3, tiny = false }

local net, batch, x, y = nets.make(opt.net, opt.tiny)
local solver = nets.solver(net)
for _ = 1, opt.steps do assert(solver:step(x, y), "diverged") end

local file = assert(io.open "/proc/self/status", "Linux tells the memory of a process there")
local kilobytes = file:read("a"):match "VmHWM:%s*(%d+)"
print(("%-14s batch %3d  %7.1f MB"):format(opt.net, batch, kilobytes * 1024 / 1e6))
