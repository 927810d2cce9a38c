-- detect.lua: part A of the study: which runs fail, and which detectors notice.
--
-- Each run goes on without the guard to its end, so that all detectors are judged by the same
-- losses. Until the first rule speaks the guard is on: what it rejects has changed nothing, so
-- the same step is then taken without it. So what the rules in C say is measured on the same
-- run, and detectors.lua, which goes over the losses again, must say the same.
local lander = require "lander"
local tasks, detectors, rows = require "tasks", require "detectors", require "rows"

local detect = {}

-- Six decades for each update rule.
local rates = {
  sgd = { 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 100 },
  adam = { 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10 },
}

-- ---- one run ----

-- As lander.train does it: five losses, without leaving a trace.
local function measure_first(solver, batches, chance)
  local losses, before = {}, solver:checkpoint()
  for i = 1, 5 do
    local x, y = batches:next()
    losses[i] = solver.net:loss(x, y)
  end
  solver:return_to(before)
  batches:seek(0)
  losses.chance = chance
  solver:baseline(losses)
  losses.chance = nil
  return losses
end

-- How far the weights are from where they were, as rule R5 measures it: running statistics are
-- frozen, and no weights.
local function distance_from(start, net)
  local gone, began = 0, 0
  for i, first in ipairs(start) do
    local param = net.params[i]
    if not param.frozen then
      local off = param.data - first
      gone, began = gone + (off * off):sum(), began + (first * first):sum()
    end
  end
  return math.sqrt(gone / began)
end

local function copies(net)
  local list = {}
  for i = 1, #net.params do list[i] = net.params[i].data:clone() end
  return list
end

-- One iteration. What the rules R3 to R5 reject is written down once, and then done.
local function step(run, solver, x, y)
  local loss, rule = solver:step(x, y)
  if loss or rule == "R1" or rule == "R2" then return loss, rule end
  run.found, run.found_at = rule, solver.iter
  solver.guard = false
  return solver:step(x, y)
end

function detect.solver_options(config, max_iter)
  return { type = config.type, base_lr = config.rate, momentum = config.type == "sgd" and 0.9
    or nil, lr_policy = config.policy, max_iter = max_iter }
end

local function run_one(task, config, max_iter)
  local net = task.make(config.seed)
  net:train_phase()
  local options = detect.solver_options(config, max_iter)
  options.loss = task.loss
  local solver = lander.solver(net, options)
  local batches <close> = task.train:batches { size = config.batch, shuffle = true,
    seed = config.seed, loop = true, reuse = true }
  local run = { loss = {}, distance = {}, scores = {},
    chance = lander.core.chance(net, task.train, config.batch) }
  run.first = measure_first(solver, batches, run.chance)
  local start = copies(net)
  for iter = 0, max_iter - 1 do
    if iter >= 500 and iter % 100 == 0 then
      run.distance[tostring(iter)] = distance_from(start, net)
    end
    local loss, rule = step(run, solver, batches:next())
    if not loss then
      run.rule = rule
      break
    end
    run.loss[iter + 1] = loss
    if tasks.is_scored(iter + 1, max_iter) then
      run.scores[#run.scores + 1] = tasks.score(net, task)
    end
  end
  if run.rule and not run.found then run.found, run.found_at = run.rule, #run.loss end
  for key, value in pairs(config) do run[key] = value end
  run.score = run.rule and task.chance or detect.mean(run.scores)
  return run
end

function detect.mean(list)
  local sum = 0
  for _, value in ipairs(list) do sum = sum + value end
  return sum / #list
end

-- ---- all of them ----

local function configs(task, opt)
  local list = {}
  for _, kind in ipairs { "sgd", "adam" } do
    for _, batch in ipairs(kind == "sgd" and task.batches or { task.batches[2] }) do
      for seed = opt.first_seed, opt.first_seed + (kind == "sgd" and opt.seeds or 1) - 1 do
        for i, rate in ipairs(rates[kind]) do
          if not opt.quick or i % 4 == 3 then
            list[#list + 1] = { task = task.name, type = kind, policy = opt.policy,
              batch = batch, seed = seed, rate = rate }
          end
        end
      end
    end
  end
  return list
end

function detect.key(config)
  return ("%s %s %s batch %d rate %g seed %d"):format(config.task, config.type, config.policy,
    config.batch, config.rate, config.seed)
end

-- Runs of the task, by detect.key and in a list, from the file or done now.
function detect.run(task, file, opt)
  local list = {}
  for _, config in ipairs(configs(task, opt)) do
    local key = detect.key(config)
    list[#list + 1] = file:get(key, function()
      local run = run_one(task, config, opt.max_iter)
      rows.say("%s: score %.3f %s", key, run.score, run.found and
        ("%s at %d"):format(run.found, run.found_at) or "")
      return run
    end)
  end
  return list
end

-- ---- what became of them ----

-- The best fixed rate of each kind of run: { rate =, score = (mean over the seeds) }.
function detect.best(runs)
  local sums, best = {}, {}
  for _, run in ipairs(runs) do
    local group = ("%s %s %d"):format(run.task, run.type, run.batch)
    run.group = group
    sums[group] = sums[group] or {}
    local sum = sums[group][run.rate] or { 0, 0 }
    sums[group][run.rate] = { sum[1] + run.score, sum[2] + 1 }
  end
  for group, by_rate in pairs(sums) do
    for rate, sum in pairs(by_rate) do
      local score = sum[1] / sum[2]
      if not best[group] or score > best[group].score then
        best[group] = { rate = rate, score = score }
      end
    end
  end
  return best
end

-- failed: not finite; or at more than the best rate, with less than half of what the best rate
--   learns over chance.
-- hurt: at more than the best rate, with half to nine tenths of that.
-- good: everything else; also where the rate is merely too low.
function detect.judge(run, best, chance)
  local b = best[run.group]
  local part = (run.score - chance) / (b.score - chance)
  if run.rule then return "failed" end
  if run.rate <= b.rate or part >= 0.9 then return "good" end
  return part < 0.5 and "failed" or "hurt"
end

-- ---- the tables ----

local function thresholds()
  local net = lander.nn.net { lander.nn.input { 1 }, lander.nn.linear { 1 } }
  return lander.solver(net, { base_lr = 1, loss = "mse_loss" }):options()
end

local function new_count()
  return { found = 0, failed = 0, alarms = 0, good = 0, in_hurt = 0, hurt = 0, at = 0, missed = {},
           false_ones = {} }
end

local function count_one(c, run, verdict, iter, rule)
  c[verdict] = c[verdict] + 1
  if verdict == "good" and iter then
    c.alarms = c.alarms + 1
    c.false_ones[#c.false_ones + 1] = ("%s: %s at %d"):format(run.key, rule, iter)
  elseif verdict == "hurt" and iter then
    c.in_hurt = c.in_hurt + 1
  elseif verdict == "failed" and iter then
    c.found, c.at = c.found + 1, c.at + iter
  elseif verdict == "failed" then
    c.missed[#c.missed + 1] = ("%s: score %.2f"):format(run.key, run.score)
  end
end

local function cells(c)
  return ("%d of %d"):format(c.found, c.failed), c.found > 0 and ("%.0f"):format(c.at / c.found)
    or "-", ("%d of %d"):format(c.alarms, c.good), ("%d of %d"):format(c.in_hurt, c.hurt)
end

-- groups: by the name of a task, and "all".
local function count_all(runs, verdicts, o)
  local counts = {}
  for _, pair in ipairs(detectors.list) do
    local by_task = { all = new_count() }
    for _, run in ipairs(runs) do
      by_task[run.task] = by_task[run.task] or new_count()
      local iter, rule = detectors[pair[1]](run, o)
      count_one(by_task.all, run, verdicts[run], iter, rule)
      count_one(by_task[run.task], run, verdicts[run], iter, rule)
    end
    counts[pair[1]] = by_task
  end
  return counts
end

-- Runs whose rules in C have said something else than detectors.lua.
local function differing(runs, o)
  local list = {}
  for _, run in ipairs(runs) do
    local iter, rule = detectors.R1_R5(run, o)
    if rule ~= run.found or iter ~= run.found_at then
      list[#list + 1] = ("%s: %s %s, in C %s %s"):format(run.key, rule, iter, run.found,
        run.found_at)
    end
  end
  return list
end

local function print_list(title, list)
  if #list == 0 then return end
  print(title)
  for _, line in ipairs(list) do print("- " .. line) end
  print()
end

function detect.report(runs, chances)
  local best, verdicts, o = detect.best(runs), {}, thresholds()
  for _, run in ipairs(runs) do verdicts[run] = detect.judge(run, best, chances[run.task]) end
  local counts = count_all(runs, verdicts, o)
  print(("%d runs\n"):format(#runs))
  local whole = { { "detector", "failed runs found", "mean iteration", "false alarms",
                    "alarms in runs that are hurt" } }
  for _, pair in ipairs(detectors.list) do
    whole[#whole + 1] = { pair[2], cells(counts[pair[1]].all) }
  end
  rows.print(whole)
  local by_task = { { "task", "found by R1-R5", "mean iteration", "false alarms",
                      "alarms in runs that are hurt", "found by loss > 3 x first",
                      "its false alarms" } }
  for _, name in ipairs(tasks.names) do
    local c, other = counts.R1_R5[name], counts.three_times[name]
    if c then
      local found, at, alarms, hurt = cells(c)
      local found_too, _, alarms_too = cells(other)
      by_task[#by_task + 1] = { name, found, at, alarms, hurt, found_too, alarms_too }
    end
  end
  rows.print(by_task)
  print_list("Missed by R1-R5:", counts.R1_R5.all.missed)
  print_list("False alarms of R1-R5:", counts.R1_R5.all.false_ones)
  print_list("The rules in C say something else than detectors.lua:", differing(runs, o))
  return best
end

return detect
