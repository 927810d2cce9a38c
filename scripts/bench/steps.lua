-- steps.lua: how long one training step takes: forward, backward, update by momentum.
--
--   build/lander scripts/bench/steps.lua [--nets=lenet,mlp] [--threads=1,2] [--seconds=1]
--
-- --json=path appends a line for each to a file, --lines prints such lines only; --tiny takes
-- batches of two, to try the script out.
local lander = require "lander"
local measure, nets = require "measure", require "nets"
local opt = lander.args { nets = nets.names, threads = { 1, 2 }, seconds = 1, json = "",
  lines = false, tiny = false }

local config = lander.config()
local file = opt.json ~= "" and assert(io.open(opt.json, "a"))

local function say(...)
  if not opt.lines then print(...) end
end

local function time(name, threads)
  lander.threads(threads)
  local net, batch, x, y = nets.make(name, opt.tiny)
  local solver = nets.solver(net)
  local function step() assert(solver:step(x, y), "diverged") end
  local median, best, times = measure.seconds(step, opt.seconds)
  return { event = "step", net = name, batch = batch, threads = threads,
    median_ms = median * 1000, best_ms = best * 1000, steps = times,
    instructions = config.instructions, blas = config.blas }
end

say(("%s, %s, %s"):format(config.instructions, config.blas, config.real))
say(("%-14s %6s %8s %10s %10s %7s"):format("net", "batch", "threads", "median ms", "best ms",
  "steps"))
for _, name in ipairs(opt.nets) do
  for _, threads in ipairs(opt.threads) do
    local row = time(name, threads)
    say(("%-14s %6d %8d %10.2f %10.2f %7d"):format(name, row.batch, threads, row.median_ms,
      row.best_ms, row.steps))
    local line = lander.core.json(row) .. "\n"
    if opt.lines then io.write(line) end
    if file then file:write(line) end
    collectgarbage()
  end
end
if file then file:close() end
