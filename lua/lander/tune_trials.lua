-- tune_trials.lua: the trials of lander.tune, in this process or in others.
--
-- Another process is the same program with the same script and words, and a piece of Lua before
-- them that says which trial is wanted: `lander_trial = { ... }`. There, lander.tune makes that
-- one trial, writes what came of it as JSON, and ends the process. A shell starts these
-- processes, so many at a time, and says on a pipe which began and ended.
local lander = ...
local core = lander.core

local function log_path(t, trial, rung)
  return ("%s/%d%s.log"):format(t.folder, trial, rung > 1 and "_" .. rung or "")
end

local function result_path(t, trial, rung)
  return ("%s/%d_%d.json"):format(t.folder, trial, rung)
end

-- ---- one trial, here ----

local taken = { "iter", "loss", "test_loss", "accuracy", "retries", "lr_scale", "rule" }

-- What became of a run, as status, value and reason.
local function judge(t, run)
  local word, value = run.status or "finished", run[t.metric]
  if word == "diverged" then
    local rule = run.rule and "rule " .. run.rule
    return word, nil, run.retries ~= 0 and run.message or rule or run.message
  end
  if word ~= "finished" and word ~= "stopped" then
    return "failed", nil, tostring(word) .. (run.message and ": " .. tostring(run.message) or "")
  elseif type(value) ~= "number" then
    return "failed", nil, ("the run has no %s%s"):format(t.metric,
      t.metric ~= "loss" and " (test_data is needed for one)" or "")
  elseif not core.is_finite(value) then
    return "diverged", nil, ("%s is %s"):format(t.metric, core.number_text(value))
  end
  return "done", value + 0.0
end

-- The iteration at which a run diverged: its own is where it went back to.
local function diverged_at(run)
  local events = type(run.events) == "table" and run.events or {}
  for i = #events, 1, -1 do
    if events[i].event == "diverged" then return events[i].iter end
  end
  return run.iter
end

-- What a trial returned, as a row.
local function row_of(t, result)
  if type(result) == "number" then result = { [t.metric] = result } end
  if type(result) ~= "table" then
    return { status = "failed", reason = "the trial returned "
      .. (result == nil and "nothing" or "a " .. type(result))
      .. "; it must return a run of lander.train or a number" }
  end
  local row = {}
  for _, name in ipairs(taken) do row[name] = result[name] end
  row.status, row.value, row.reason = judge(t, result)
  if result.status == "diverged" then row.iter = diverged_at(result) end
  return row
end

-- A stock lua5.4 tells of Ctrl-C by an error with this end; the command by the stop flag.
local function was_stopped(message)
  return core.stopped() or type(message) == "string" and message:find "interrupted!$" ~= nil
end

-- Makes a trial -> its row, or nil when a signal has stopped it: then there is no result.
local function make_trial(t, trial, rung)
  local began, status, recovered = core.clock(), core.exit_status, core.recovered
  local options = core.lay_over(t.base, t.candidates[trial])
  local ok, result = pcall(t.trial, options, t.rungs[rung], {
    trial = trial, rung = rung,
    prefix = t.folder and ("%s/%d%s"):format(t.folder, trial, rung > 1 and "_" .. rung or ""),
  })
  if was_stopped(not ok and result) then return nil end
  -- What diverged here is a result of the search, and none of the script.
  core.exit_status, core.recovered = status, recovered
  local row
  if ok then
    row = row_of(t, result)
  else
    local message = tostring(core.plain_message(result)):gsub("\n%(%-%-help shows.*", "")
    row = { status = "failed", reason = message }
  end
  row.seconds = core.clock() - began
  return core.read_json(core.json(row, true)) -- the same as from another process
end

-- ---- one trial, in a process of its own ----

-- The trial that this process was started for; nil: none.
function core.wanted_trial()
  return rawget(_G, "lander_trial")
end

-- Makes it and ends the process.
function core.tune_child(t, wanted)
  -- Ctrl-C is for the search, which tells its trials.
  if core.ignore_interrupts then core.ignore_interrupts() end
  lander.threads(wanted.threads)
  local row = make_trial(t, wanted.trial, wanted.rung)
  if row then core.write_file(result_path(t, wanted.trial, wanted.rung), core.json(row, true)) end
  os.exit(row and 0 or 130, true)
end

-- ---- the processes ----

-- Whether the script that this program was started with is what calls.
local function script_calls(script)
  local level, place = 2, debug.getinfo(2, "S")
  while place and not (place.what == "main" and place.source == "@" .. script) do
    level = level + 1
    place = debug.getinfo(level, "S")
  end
  return place ~= nil
end

-- The words that this program was started with, and which of them is the program: nil where
-- there is no script or command that could be run again (a REPL, a host), where it is not
-- that script that calls, or where a host has a say in files, which another program would not ask.
function core.own_command()
  local words = rawget(_G, "arg")
  if core.has_path_hook() then return nil end
  if type(words) ~= "table" or not (rawget(_G, "io") and rawget(_G, "os") and io.popen
    and rawget(_G, "debug")) then return nil end
  if type(words[0]) ~= "string" or type(words[-1]) ~= "string" then return nil end
  if not (core.running_command or script_calls(words[0])) then return nil end
  local first = -1
  while words[first - 1] do first = first - 1 end
  return words, first
end

local function quote(word)
  return core.shell_words { word }
end

-- The command of a trial, for the shell; the trial's number is its $1.
local function command_text(t, rung)
  local parts = {}
  for i = t.first_word, #t.words do parts[#parts + 1] = quote(t.words[i]) end
  local threads = math.max(1, lander.threads() // t.processes)
  local code = ("lander_trial = { prefix = %q, rung = %d, threads = %d, trial = "):format(
    t.prefix, rung, threads)
  table.insert(parts, 2, "-e " .. quote(code) .. '"$1 }"')
  return table.concat(parts, " ")
end

-- Workers take the next trial that nobody has claimed (mkdir succeeds once). Each second there
-- is an empty line, so that the reader wakes up; when nobody reads any more, whatever became of
-- the reader, everything is stopped: at first kindly, after five seconds not. Who sleeps is woken,
-- so that nothing is left when the shell ends. Ctrl-C at a terminal is a signal to this shell too,
-- and none to those that it starts behind a `&`. A terminal that is closed stops nothing, as it
-- does not stop a training.
local shell_text = [[
exec 2>/dev/null
claims=%s
trials='%s'
trial() { exec %s </dev/null >%s/"$1"%s.log 2>&1; }
rest() {
  sleep "$1" >/dev/null &
  nap=$!
  wait $nap
}
make_sure() {
  trap 'kill $nap; wait; exit' TERM
  rest 5
  kill -9 "$pid"
}
stop_trial() {
  trap '' TERM PIPE
  [ "$pid" ] || exit 1
  kill "$pid"
  make_sure &
  sure=$!
  wait "$pid"
  kill $sure
  wait $sure
  exit 1
}
work() {
  pid=
  trap stop_trial TERM PIPE
  for n in $trials; do
    mkdir "$claims/$n" || continue
    trial "$n" &
    pid=$!
    echo "$n began $pid"
    wait "$pid"
    echo "$n ended $?"
    pid=
  done
}
beat() {
  trap 'kill $nap; wait; exit' TERM
  trap 'kill $$ $nap; wait; exit' PIPE
  while :; do rest 1; echo; done
}
finish() {
  trap '' INT TERM PIPE
  kill $beat $workers
  wait
  rm -rf "$claims"
  exit
}
workers= beat=
trap '' HUP
trap finish INT TERM PIPE
mkdir "$claims" || exit 1
for w in %s; do
  work &
  workers="$workers $!"
done
beat &
beat=$!
wait $workers
finish
]]

local function start(t, trials, rung)
  -- mkdir and rm would take a dash for an option.
  local folder = t.folder:find "^%-" and "./" .. t.folder or t.folder
  local claims = ("%s/claims_%s_%d"):format(folder, os.time(), math.floor(core.clock() * 1e6))
  local workers = {}
  for w = 1, math.min(t.processes, #trials) do workers[w] = w end
  return assert(io.popen(shell_text:format(quote(claims), table.concat(trials, " "),
    command_text(t, rung), quote(folder), rung > 1 and "_" .. rung or "",
    table.concat(workers, " ")), "r"))
end

-- The last lines of a log, for people.
local function last_words(path)
  local lines = {}
  for line in (core.read_file(path, 2000) or ""):gmatch "[^\n]+" do
    if line:find "%S" then lines[#lines + 1] = line end
  end
  return table.concat(lines, " / ", math.max(1, #lines - 2))
end

-- The row of a process that has ended.
local function collect(t, job)
  local path = result_path(t, job.trial, job.rung)
  local result = core.read_file(path)
  if result then
    core.remove_file(path)
    return core.read_json(result)
  end
  local row = { status = "failed", seconds = core.clock() - job.began }
  local log = log_path(t, job.trial, job.rung)
  if job.overdue then
    row.reason = ("it took longer than the time limit of %s s"):format(
      core.number_text(t.time_limit))
  else
    local how = job.status > 128 and ("it was killed by signal %d"):format(job.status - 128)
      or ("it ended without a result, with exit status %d"):format(job.status)
    local words = last_words(log)
    row.reason = words == "" and how or how .. ": " .. words
  end
  row.log = log
  return row
end

-- A process that has had its time is told to stop; one that does not, is made to.
local function watch(t, jobs)
  for _, job in pairs(jobs) do
    local late = core.clock() - job.began - (t.time_limit or math.huge)
    if late > 0 and not job.overdue then
      job.overdue = true
      os.execute(("kill %d 2>/dev/null"):format(job.pid))
    elseif late > 5 then
      os.execute(("kill -9 %d 2>/dev/null"):format(job.pid))
    end
  end
end

local function read_line(t, line, rung, jobs)
  local trial, word, number = line:match "^(%d+) (%a+) (%d+)$"
  if not trial then return watch(t, jobs) end
  trial, number = math.tointeger(tonumber(trial)), math.tointeger(tonumber(number))
  if word == "began" then
    jobs[trial] = { trial = trial, rung = rung, pid = number, began = core.clock() }
    return
  end
  local job = jobs[trial]
  jobs[trial], job.status = nil, number
  return trial, collect(t, job)
end

-- Reads what the shell says of these trials, until all have ended -> true; false: it was stopped.
local function follow(t, pipe, count, rung, settle)
  local left, jobs = count, {}
  for line in pipe:lines() do
    local trial, row = read_line(t, line, rung, jobs)
    if row then
      settle(trial, row)
      left = left - 1
      if left == 0 then return true end
    end
    if core.stopped() then return false end
  end
  -- Ctrl-C ends the shell too, which may be the first to know.
  if core.stopped() then return false end
  core.tune_fail("the shell that runs the trials has ended early")
end

local function make_in_processes(t, trials, rung, settle)
  for _, trial in ipairs(trials) do core.remove_file(result_path(t, trial, rung)) end
  local pipe <close> = start(t, trials, rung)
  local ok, result = pcall(follow, t, pipe, #trials, rung, settle)
  if ok then return result end
  if was_stopped(result) then return false end
  error(result, 0)
end

-- Makes these trials; settle(trial, row) hears of each as it ends. false: a signal has stopped
-- them.
function core.make_trials(t, trials, rung, settle)
  if #trials == 0 then return true end
  if t.processes > 0 then return make_in_processes(t, trials, rung, settle) end
  for _, trial in ipairs(trials) do
    local row = make_trial(t, trial, rung)
    if not row then return false end
    settle(trial, row)
  end
  return true
end
