-- divergence.lua: measures what doc/divergence.md claims: how many failing runs the rules
-- notice and how many healthy ones they disturb (detect), how well the runs end that
-- lander.train has recovered (recover), and whether any rate from 0.1 to 1000 ends well (hold).
--
--   build/lander scripts/study/divergence.lua [--part=detect] [--tasks=lenet,mlp] [--seeds=2]
--
-- `make study` does it all. Results go to runs/study_*.jsonl, a run a line; a study that was
-- stopped goes on there, and --fresh begins anew (needed when rules have changed). Tables in
-- markdown go to stdout. --first_seed=3 takes other seeds, --policy=cosine a schedule,
-- --retry.trial=0 another policy of lander.train, --quick little of everything.
local lander = require "lander"
local tasks, rows = require "tasks", require "rows"
local detect, recover, hold = require "detect", require "recover", require "hold"

local opt = lander.args { part = { "detect", "recover", "hold" }, tasks = tasks.names,
  seeds = 2, first_seed = 1,
  max_iter = 700, policy = "fixed", hold_seeds = 20, threads = 1, fresh = false, quick = false,
  retry = lander.core.read_retry(), out = "runs/study", data = "",
  text = "/usr/share/common-licenses/GPL-3" }
local parts = {}
for _, part in ipairs(opt.part) do
  assert(part == "detect" or part == "recover" or part == "hold",
    "--part is detect, recover, hold, or several of them")
  parts[part] = true
end
if opt.quick then opt.max_iter, opt.seeds, opt.hold_seeds = 40, 1, 1 end
if opt.data == "" then opt.data = nil end
lander.threads(opt.threads)

local function open(part) return rows.open(("%s_%s.jsonl"):format(opt.out, part), opt.fresh) end

local function fixed_rates()
  local file, runs, chances = open "detect", {}, {}
  for _, name in ipairs(opt.tasks) do
    local task = tasks.make(name, opt)
    chances[name] = task.chance
    for _, run in ipairs(detect.run(task, file, opt)) do runs[#runs + 1] = run end
  end
  return runs, chances
end

print(("Lander %s, %s, %d iterations a run\n"):format(lander.version, lander.config().real,
  opt.max_iter))
if parts.detect or parts.recover then
  local runs, chances = fixed_rates()
  if parts.detect then
    print "## Detectors\n"
    detect.report(runs, chances)
  end
  if parts.recover then
    print "## Recovery\n"
    recover.report(recover.run(runs, open "recover", opt))
  end
end
if parts.hold then
  print "## Rates from 0.1 to 1000\n"
  hold.report(hold.run(open "hold", opt))
end
