-- recover.lua: parts B and C of the study: how lander.train ends, with nothing but its defaults,
-- from rates that are too high.
local lander = require "lander"
local tasks, rows = require "tasks", require "rows"
local detect = require "detect"

local recover = {}

-- ---- one training ----

-- config: { task =, type =, policy =, batch =, rate =, seed = }
local function run_one(task, config, opt)
  local max_iter = opt.max_iter
  local net, scores = task.make(config.seed), {}
  local solver = detect.solver_options(config, max_iter)
  solver.random_seed = config.seed
  local run = lander.train {
    net = net, data = task.train, batch_size = config.batch, loss = task.loss, quiet = true,
    display = 0,
    solver = solver, retry = opt.retry,
    on_iter = function(e)
      if not tasks.is_scored(e.iter, max_iter) then return end
      scores[e.iter] = tasks.score(net, task)
    end,
  }
  local row = { status = run.status, retries = run.retries, base_lr = run.base_lr, tries = {},
                message = run.message }
  local list = {}
  for _, score in pairs(scores) do list[#list + 1] = score end
  row.score = run.status == "finished" and detect.mean(list) or task.chance
  for _, e in ipairs(run.events) do
    if e.event == "diverged" then
      row.tries[#row.tries + 1] = ("%s at %d, back to %d"):format(e.rule, e.iter, e.back_to)
    end
  end
  for key, value in pairs(config) do row[key] = value end
  return row
end

-- The run of a configuration, from the file or done now.
function recover.get(file, task, config, opt)
  local key = detect.key(config)
  return file:get(key, function()
    local row = run_one(task, config, opt)
    rows.say("%s: %s, score %.3f, %d retries, base_lr %g (%s)", key, row.status, row.score,
      row.retries, row.base_lr, table.concat(row.tries, "; "))
    return row
  end)
end

-- ---- part B: from too high a rate to what the best fixed one reaches ----

local times = { sgd = { 10, 30, 100, 300, 1000 }, adam = { 10, 100, 1000 } }

-- fixed: the runs of part A. Those of this part, each with `best`, the score of the best fixed
-- rate.
function recover.run(fixed, file, opt)
  local list, best = {}, detect.best(fixed)
  for _, run in ipairs(fixed) do
    local b = best[run.group]
    if run.rate == b.rate then
      local task = tasks.make(run.task, opt)
      for _, factor in ipairs(times[run.type]) do
        local config = { task = run.task, type = run.type, policy = run.policy, batch = run.batch,
          seed = run.seed, rate = run.rate * factor }
        local row = recover.get(file, task, config, opt)
        row.best, row.best_rate, row.fixed = b.score, b.rate, run.score
        list[#list + 1] = row
      end
    end
  end
  return list
end

-- Of those that belong: how many there are, finished, and were retried; and how the score of the
-- retried ones compares with the best fixed rate's.
local function count(list, belongs)
  local c = { all = 0, finished = 0, retried = 0, near = 0, nearer = 0, retries = 0, lost = 0 }
  for _, row in ipairs(list) do
    if belongs(row) then
      c.all = c.all + 1
      if row.status == "finished" then c.finished = c.finished + 1 end
      if row.retries > 0 then
        local lost = row.best - row.score
        c.retried, c.retries, c.lost = c.retried + 1, c.retries + row.retries, c.lost + lost
        if lost <= 0.01 then c.near = c.near + 1 end
        if lost <= 0.03 then c.nearer = c.nearer + 1 end
      end
    end
  end
  return c
end

-- What could be had at most: how often a run at the best rate is itself near what such runs
-- reach in the mean.
local function say_best(list)
  local near, all, seen = 0, 0, {}
  for _, row in ipairs(list) do
    local run = ("%s %s %d %d"):format(row.task, row.type, row.batch, row.seed)
    if not seen[run] then
      seen[run], all = true, all + 1
      if row.best - row.fixed <= 0.01 then near = near + 1 end
    end
  end
  print(("Of the runs at the best rate %d of %d are within 0.01 of their mean.\n"):format(near,
    all))
end

function recover.report(list)
  local function line(name, belongs)
    local c = count(list, belongs)
    local of = math.max(c.retried, 1)
    return { name, ("%d of %d"):format(c.finished, c.all), c.retried,
             ("%.1f"):format(c.retries / of), ("%d of %d"):format(c.near, c.retried),
             ("%d of %d"):format(c.nearer, c.retried), ("%.3f"):format(c.lost / of) }
  end
  local shown = { { "from", "finished", "recovered", "mean retries", "within 0.01 of the best rate",
                    "within 0.03", "mean score below it" } }
  for _, factor in ipairs(times.sgd) do
    shown[#shown + 1] = line(("%g x the best rate"):format(factor), function(row)
      return math.abs(row.rate / row.best_rate / factor - 1) < 0.01
    end)
  end
  for _, name in ipairs(tasks.names) do
    shown[#shown + 1] = line(name, function(row) return row.task == name end)
  end
  shown[#shown + 1] = line("all", function() return true end)
  rows.print(shown)
  say_best(list)
  print "Recovered, and not within 0.03:"
  for _, row in ipairs(list) do
    if row.retries > 0 and row.score < row.best - 0.03 then
      print(("- %s: %s, score %.3f, the best rate's (%g) %.3f, at the end %g (%s)"):format(row.key,
        row.status, row.score, row.best_rate, row.best, row.base_lr,
        table.concat(row.tries, "; ")))
    end
  end
  print()
end

return recover
