-- turns.lua: compares programs that time the same nets: runs them in turns, so that what else
-- the machine does meets all of them, and prints medians over the rounds and their ratios.
--
--   build/lander scripts/bench/turns.lua [--rounds=5] [--nets=lenet] "one=COMMAND" "two=COMMAND"
--
-- A command gets --nets=, --threads=, --seconds= and --lines, and prints a line of JSON for each
-- net with its name and median_ms, as steps.lua does. --json=path keeps all lines.
local lander = require "lander"
local measure, nets = require "measure", require "nets"
local opt = lander.args { "", "", rounds = 5, nets = nets.names, threads = 2, seconds = 1,
  json = "" }

local sides = {}
for i, word in ipairs(opt) do
  local name, command = word:match "^([%w_.-]+)=(.+)$"
  assert(name, "a program is written name=command, found '" .. word .. "'")
  sides[i] = { name = name, command = command, times = {} }
end
assert(#sides >= 2, "two programs at least")
local file = opt.json ~= "" and assert(io.open(opt.json, "a"))

-- One round of one program for one net, in milliseconds.
local function run(side, name)
  local command = ("%s --nets=%s --threads=%d --seconds=%g --lines"):format(side.command, name,
    opt.threads, opt.seconds)
  local out = assert(io.popen(command))
  local line = out:read "l" or ""
  assert(out:close(), "failed: " .. command)
  local time = tonumber(line:match '"median_ms": *([%d.eE+-]+)')
  assert(time, "no median_ms in: " .. line)
  if file then file:write(('{"side":"%s",'):format(side.name), line:sub(2), "\n") end
  return time
end

-- The first program's time stands below: how many times faster it is than each other one.
local function report(name)
  local first, cells = sides[1].times[name], {}
  for i, side in ipairs(sides) do
    cells[#cells + 1] = ("%s %.2f ms"):format(side.name, measure.median { table.unpack(
      side.times[name]) })
    if i > 1 then
      local ratios = {}
      for round, time in ipairs(side.times[name]) do ratios[round] = time / first[round] end
      cells[#cells + 1] = ("ratio %.2f"):format(measure.median(ratios))
    end
  end
  print(("%-14s %s"):format(name, table.concat(cells, "   ")))
end

print(("%d threads, medians of %d rounds; ratio: the other's time over %s's, round by round")
  :format(opt.threads, opt.rounds, sides[1].name))
for _, name in ipairs(opt.nets) do
  for _, side in ipairs(sides) do side.times[name] = {} end
  for round = 1, opt.rounds do
    for _, side in ipairs(sides) do side.times[name][round] = run(side, name) end
  end
  report(name)
end
if file then file:close() end
