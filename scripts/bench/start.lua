-- start.lua: how long it takes to start the command and open the module, processor and waiting.
--
--   build/lander scripts/bench/start.lua [--times=50] [--program=build/lander]
local lander = require "lander"
local measure = require "measure"
local opt = lander.args { times = 50, program = "build/lander" }

local times = {}
for i = 1, opt.times do
  local start = lander.core.clock()
  assert(os.execute(opt.program .. " -e 'require \"lander\"'"))
  times[i] = (lander.core.clock() - start) * 1000
end
print(("start: %.1f ms (median of %d, with the shell's own; best %.1f)"):format(
  measure.median(times), opt.times, times[1]))
