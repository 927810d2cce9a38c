-- guard.lua: what the guard costs: LeNet's step with the rules R3 to R5 and the places to go back
-- to, as lander.train takes them, beside the same without.
--
--   build/lander scripts/bench/guard.lua [--rounds=40] [--threads=1] [--every=100]
--
-- A round is 100 steps of each, of one net and one solver, the one first and then the other; so
-- what else the machine does meets both, and both have the same memory. Time is that of the
-- processor. Printed are the median and the quartiles of the rounds' ratios, and the ratio of the
-- best rounds. --tiny takes little of everything, to try the script out.
local lander = require "lander"
local measure, nets = require "measure", require "nets"
local opt = lander.args { rounds = 40, threads = 1, every = 100, tiny = false }
if opt.tiny then opt.rounds, opt.every = 3, 5 end
lander.threads(opt.threads)

local RING = 3 -- places that are kept, the oldest giving its memory to the next

local net, _, x, y = nets.make("lenet", opt.tiny)
local solver = nets.solver(net)
solver:baseline { net:loss(x, y), net:loss(x, y) }
local ring = {}

-- Every so many iterations: rule R7, and a place.
local function keep()
  assert(solver:check())
  local oldest = #ring == RING and table.remove(ring, 1) or nil
  ring[#ring + 1] = solver:checkpoint(oldest)
end

local function round(guard)
  local began = os.clock()
  solver.guard = guard
  for _ = 1, opt.every do assert(solver:step(x, y), "diverged") end
  if guard then keep() end
  return (os.clock() - began) / opt.every
end

for _ = 1, RING + 1 do round(true) end -- not counted: memory is taken, caches fill
local ratios, best = {}, { [true] = math.huge, [false] = math.huge }
for i = 1, opt.rounds do
  local time = {}
  for _, guard in ipairs { i % 2 == 0, i % 2 == 1 } do
    time[guard] = round(guard)
    best[guard] = math.min(best[guard], time[guard])
  end
  ratios[i] = time[true] / time[false]
end
local median = measure.median(ratios) -- sorts them
print(("guard on / off: median %.3f (quartiles %.3f to %.3f), best rounds %.3f; %d rounds of %d "
  .. "steps, %d thread%s"):format(median, ratios[(opt.rounds + 3) // 4],
  ratios[(3 * opt.rounds + 3) // 4], best[true] / best[false], opt.rounds, opt.every, opt.threads,
  opt.threads == 1 and "" or "s"))
