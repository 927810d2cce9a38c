-- tune.lua: lander.tune: a search for the options that give the best result. Which ones are
-- tried is tune_search.lua's, how tune_trials.lua's, what is told about it tune_table.lua's.
local lander = ...
local core = lander.core

local function fail(text, ...)
  error(("lander.tune: " .. text):format(...), 0)
end

core.tune_fail = fail

-- ---- options ----

local known = {
  search = "table", trial = "function", method = "string", trials = "integer", seed = "count",
  budget = "table|number", metric = "string", prefix = "string", processes = "count",
  time_limit = "number", options = "table", resume = "boolean", again = "boolean",
  quiet = "boolean",
}

local methods = { grid = true, random = true, halving = true }

local function check_word(option, word, words)
  if words[word] == nil then
    local names = core.sorted_keys(words)
    fail("%s = '%s' is unknown%s; there are %s", option, word, core.did_you_mean(word, names),
      table.concat(names, ", "))
  end
end

local function check(options)
  local wrong = core.check_options("lander.tune", options, known)
  if wrong then error(wrong, 0) end
  if not options.search then
    fail("search is missing: { base_lr = { 0.1, 0.01 }, momentum = { 0.5, 0.99, log = false } }")
  elseif not options.trial then
    fail("trial is missing: a function (options) that returns a run of lander.train")
  end
  check_word("method", options.method or "grid", methods)
  check_word("metric", options.metric or "accuracy", core.tune_metrics)
  local limit = options.time_limit
  if limit and not (limit > 0 and core.is_finite(limit)) then
    fail("time_limit, seconds for a trial, must be a positive number")
  end
end

-- Searched options must be there where the script says which there are.
local function check_name(base, name)
  local owner, path = base, ""
  for part in name:gmatch "[^.]+" do
    if type(owner) ~= "table" or owner[part] == nil then
      local names = type(owner) == "table" and core.sorted_keys(owner) or {}
      for i, other in ipairs(names) do names[i] = path .. other end
      fail("search.%s: the script's options have no '%s'%s", name, name,
        core.did_you_mean(path .. part, names))
    end
    owner, path = owner[part], path .. part .. "."
  end
end

local function check_names(t, given)
  local before
  for _, axis in ipairs(t.axes) do
    if not ("." .. axis.name):find "^[.%w_]+$" or ("." .. axis.name .. "."):find("..", 1, true) then
      fail("search: '%s' is no name of an option", axis.name)
    elseif before and axis.name:sub(1, #before + 1) == before .. "." then
      fail("search.%s lies within search.%s: one of the two", axis.name, before)
    end
    if given then check_name(given, axis.name) end
    before = axis.name
  end
end

-- Where the trials are made.
local function read_processes(t, options)
  local asked = options.processes
  if options.prefix and asked ~= 0 then t.words, t.first_word = core.own_command() end
  t.processes = asked or t.words and lander.threads() or 0
  if core.wanted_trial() then t.processes = 0 end
  if t.processes > 0 and not options.prefix then
    fail("processes = %d needs a prefix, where they leave their results", t.processes)
  elseif t.processes > 0 and not t.words then
    fail("processes = %d needs a script that can be started again; here there is none: leave "
      .. "processes out", t.processes)
  elseif t.processes == 0 and options.time_limit and not core.wanted_trial() then
    fail("time_limit is for trials in processes of their own")
  end
end

local function read_budget(t, budget)
  if t.method == "halving" then
    if type(budget) ~= "table" then
      fail("method = \"halving\" needs budget = { min =, max = }, such as iterations")
    end
    t.rungs, t.factor = core.make_rungs(budget)
    return
  end
  if type(budget) == "table" then
    fail("budget = { min =, max = } is for halving; give a number, which every trial gets")
  end
  -- Without a budget there is one rung all the same.
  t.rungs = { budget or false }
end

local function prepare(options)
  check(options)
  local t = {
    trial = options.trial, method = options.method or "grid", seed = options.seed or 1,
    metric = options.metric or "accuracy", base = options.options or {}, prefix = options.prefix,
    time_limit = options.time_limit, again = options.again, rows = {},
    folder = options.prefix and options.prefix .. "_trials",
  }
  t.axes = core.read_search(options.search, t.base)
  check_names(t, options.options)
  read_budget(t, options.budget)
  t.candidates = core.make_candidates(t.axes, t.method, options.trials, t.seed)
  for rung = 1, #t.rungs do t.rows[rung] = {} end
  read_processes(t, options)
  t.progress = core.new_progress { every = 0, total = math.maxinteger, batch = 1,
                                   quiet = options.quiet }
  return t
end

core.tune_prepare = prepare

-- A process that was started for a trial makes it here. A search with another prefix that comes
-- before is done already: its results are read.
local function be_child(t)
  local wanted = core.wanted_trial()
  if not wanted then return end
  if not t.prefix then
    error("lander.tune: a search without prefix before one with processes would be made again by "
      .. "each of them: give it a prefix", 3)
  end
  if wanted.prefix == t.prefix then core.tune_child(t, wanted) end
end

local function begin(t, resume)
  if not t.prefix then return end
  core.with_status(6, "tune", core.probe_prefix, t.prefix)
  local path, table_path = t.prefix .. ".jsonl", t.prefix .. ".csv"
  if core.file_exists(table_path) and not core.file_exists(path) then
    core.as_usage("tune", core.tune_fail, "%s is there, and is of no search (there is no %s): "
      .. "choose another prefix", table_path, path)
  end
  core.make_dir(t.folder)
  local found = resume ~= false and core.as_usage("tune", core.tune_read, t, path)
  t.journal = core.open_journal(path, found, true)
  if not found then t.journal:write(core.tune_definition(t)) end
end

-- ---- searching ----

local function say_best(best)
  if not best then return "" end
  return (", best so far %s (trial %d)"):format(core.number_text(best.value), best.trial)
end

local function say_row(t, row)
  t.made = t.made + 1
  local rung = #t.rungs > 1 and (", rung %d of %d"):format(row.rung, #t.rungs) or ""
  local what = row.status == "done" and t.metric .. " " .. core.number_text(row.value)
    or row.status .. (row.reason and " (" .. row.reason .. ")" or "")
  t.progress:say(("%d of %d%s: trial %d, %s: %s%s"):format(t.made, t.due, rung, row.trial,
    core.options_text(row.options), what, say_best(t.best)))
end

-- A trial has ended.
local function settle(t, trial, rung, row)
  row.event, row.trial, row.rung = "trial", trial, rung
  row.budget, row.options = t.rungs[rung] or nil, t.candidates[trial]
  t.rows[rung][trial] = row
  if row.status == "done" and (not t.best or core.tune_before(t.metric, row, t.best)) then
    t.best = row
  end
  local _, trouble
  if t.journal then _, trouble = t.journal:write(row) end
  if trouble then
    t.progress:say("warning: the journal ends here, and the search can't go on from later "
      .. "trials: " .. trouble)
  end
  say_row(t, row)
end

-- The trials of a rung: all; later the best of the rung before, in the order of their trials.
local function choose(t, rung)
  local chosen = {}
  if rung == 1 then
    for trial = 1, #t.candidates do chosen[trial] = trial end
    return chosen
  end
  local rows = {}
  for _, row in pairs(t.rows[rung - 1]) do
    if row.status == "done" then rows[#rows + 1] = row end
  end
  table.sort(rows, function(a, b) return core.tune_before(t.metric, a, b) end)
  local most = math.max(1, math.floor(#t.candidates / t.factor ^ (rung - 1) + 1e-9))
  for i = 1, math.min(most, #rows) do chosen[i] = rows[i].trial end
  table.sort(chosen)
  return chosen
end

-- Makes what is missing of a rung; false: stopped by a signal.
local function make_rung(t, rung)
  local chosen, missing = choose(t, rung), {}
  for _, trial in ipairs(chosen) do
    if not t.rows[rung][trial] then missing[#missing + 1] = trial end
  end
  t.made, t.due, t.best = #chosen - #missing, #chosen, nil
  for _, row in pairs(t.rows[rung]) do
    if row.status == "done" and (not t.best or core.tune_before(t.metric, row, t.best)) then
      t.best = row
    end
  end
  if t.made > 0 then
    t.progress:say(("%d of %d trials are there already%s"):format(t.made, t.due,
      t.prefix and ", in " .. t.prefix .. ".jsonl" or ""))
  end
  return core.make_trials(t, missing, rung, function(trial, row) settle(t, trial, rung, row) end)
end

-- While this runs, Ctrl-C raises the stop flag and nothing else.
local function catch_stop()
  if not core.catch_stop then return nil end
  core.catch_stop(true)
  return setmetatable({}, { __close = function() core.catch_stop(false) end })
end

local function search(t)
  local _ <close> = catch_stop()
  for rung = 1, #t.rungs do
    if not make_rung(t, rung) then return "stopped" end
  end
  return "finished"
end

-- ---- the end ----

local function write_csv(t, result)
  local path = t.prefix .. ".csv"
  local ok, message = pcall(core.write_file, path, core.tune_csv(result))
  if not ok then
    t.progress:say("warning: the table could not be written: " .. core.plain_message(message))
    return
  end
  result.path = path
end

-- The command that goes on with what this program does, where its words are known.
function core.again()
  if core.in_session or not core.command_words then return nil end
  return core.shell_words { core.program or "lander", table.unpack(core.command_words) }
end

-- `lander tune` says it below its table.
local function say_stopped(t, result)
  t.progress:say(("stopped with %d of %d trials"):format(#result.trials, #t.candidates))
  if not t.prefix or core.running_command == "tune" then return end
  local again = core.again()
  t.progress:say(again and "next: " .. again or "the same again goes on from there")
end

local function finish(t, status)
  local result = core.tune_result(t)
  result.status = status
  if t.prefix then write_csv(t, result) end
  if status == "stopped" then
    core.exit_status = 130
    say_stopped(t, result)
  elseif not result.best then
    local row = result.trials[1]
    t.progress:say(("no trial has a result; the first of them %s%s"):format(row.status,
      row.reason and ": " .. row.reason or ""))
  end
  return result
end

local function close_journal(t)
  return setmetatable({}, { __close = function() if t.journal then t.journal:close() end end })
end

core.topics.tune = [==[
lander.tune { search =, trial = }: tries options, and tells which gave the best result. base_lr
and momentum (0.5 to 0.99) must be tuned to get the best out of a net; they depend on each other.
  search      { base_lr = { 0.001, 0.01, 0.1 }, momentum = { 0.5, 0.99, log = false } }: lists, and
              ranges (log: by factors; points: how many of it are in a grid)
  trial       function (options, budget, info): trains and returns the run, or a number
  options     the script's options, of which each trial gets a copy with the searched ones
  method      "grid" (all), "random" (drawn) or "halving" (all start on a little of the budget, the
              best go on with more)
  trials      how many are drawn; seed (1)
  budget      what trial gets: a number; for halving { min =, max =, factor = 3 }
  metric      "accuracy", "test_loss" or "loss" of the run
  prefix      where results go, and where the same search goes on from: <prefix>.jsonl and .csv
  processes   how many trials at a time, each in a process of its own (as many as threads); 0: here
  time_limit  seconds for a trial in a process
  resume      false begins anew; again = true makes failed trials again; quiet
  -> { best = { options =, value =, ... }, trials =, done =, diverged =, failed =, status =,
       path = }; print shows it
  example: lander.tune { search = { base_lr = { 0.01, 0.1 } }, trial = function(opt)
    return 1 - opt.base_lr end, metric = "accuracy", quiet = true }]==]

-- lander.tune { search =, trial =, ... } -> a table that print shows; doc/tuning.md
function lander.tune(options)
  local t = core.at_user(core.as_usage, "tune", prepare, options)
  be_child(t)
  core.at_user(begin, t, options.resume)
  local _ <close> = close_journal(t)
  return finish(t, core.at_user(search, t))
end
