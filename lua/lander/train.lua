-- train.lua: lander.train: what a run is made of, its head and its end. Between them lie loop.lua
-- and, when a training diverges, recovery.lua.
local lander = ...
local core = lander.core

-- ---- exit statuses: the worst that happened in a script is the command's ----

local statuses = { diverged = 3, data_fault = 5, model_fault = 1, interrupted = 130, unsaved = 6 }
local rank = { [0] = 0, [1] = 1, [3] = 2, [5] = 3, [6] = 4, [130] = 5 }

local function note_status(word)
  local status = statuses[word]
  if rank[status] > rank[core.exit_status or 0] then core.exit_status = status end
end

-- ---- getting ready ----

local function check_classes(t)
  local there = t.data.classes
  if t.classes and there > t.classes then
    error(("lander.train: the data have %d classes, the net's output '%s' has %d"):format(there,
      core.class_loss(t.net, "softmax_loss").scores, t.classes), 0)
  end
end

-- A solver, or one that is there already, which goes on from where it stands.
local function new_solver(t)
  if core.is_solver(t.options.solver) then
    t.solver = t.options.solver
    core.begin_with(t.solver)
    if t.max_iter < math.maxinteger then t.solver.max_iter = t.max_iter end
    t.base_lr, t.goes_on = t.solver.base_lr, t.solver.iter > 0
    return
  end
  local options = { average_loss = 20 }
  for key, value in pairs(t.options.solver) do options[key] = value end
  options.loss = nil -- the net has it by now
  if t.max_iter < math.maxinteger then options.max_iter = t.max_iter end
  if t.options.dry_run then options.max_iter = t.options.solver.max_iter end
  t.solver = lander.solver(t.net, options)
  t.base_lr = t.solver.base_lr
end

-- Iterations that this training makes at most, and what that follows from.
local function set_limits(t)
  local options = t.options
  local most = options.solver.max_iter
  t.max_iter, t.max_reason = most and most > 0 and most or math.maxinteger, "max_iter"
  if options.max_epoch then
    local epochs = math.ceil(options.max_epoch * #t.data / t.batch_size)
    if epochs < t.max_iter then t.max_iter, t.max_reason = epochs, "max_epoch" end
  end
  t.max_time = options.max_time
  if options.dry_run then t.max_iter, t.max_reason = 2, "dry_run" end
end

-- The data of a run: a few batches of them where the net is to learn those by heart, which
-- shows whether it can learn at all.
local function set_data(t)
  local options = t.options
  t.data, t.test_data, t.shuffle = options.data, options.test_data, options.shuffle ~= false
  t.augment = options.augment
  if not options.overfit then return end
  t.data = t.data:subset(1, math.min(options.overfit * t.batch_size, #t.data))
  t.test_data, t.shuffle, t.augment = t.data, false, nil
end

local function make_batches(t)
  t.batches = t.data:batches {
    size = t.batch_size, shuffle = t.shuffle, seed = t.seed, loop = true, augment = t.augment,
    reuse = true, -- nothing here keeps a batch
  }
  t.batches:seek(t.first_position)
end

local function open_files(t)
  local path = t.prefix
  local continued = t.resume ~= nil or t.same_files
  t.writes_over = path and not continued and (core.file_size(path .. ".jsonl") or 0) > 0
  t.journal = core.open_journal(path and path .. ".jsonl", continued)
  t.log = core.open_log(path and path .. ".log", continued)
end

local function set_loss(t)
  local options = t.options
  local loss = options.loss or not core.is_solver(options.solver) and options.solver.loss or nil
  if not t.net:has_loss() and not loss then
    loss = core.loss_for(t.net, t.data)
    t.numbers_unasked = loss == "mse_loss"
    t.loss_said = ("loss: %s, as %s"):format(loss, t.data.classes > 0 and "the targets are classes"
      or loss == "mse_loss" and "the targets are numbers" or "the net has none")
  end
  core.ensure_loss(t.net, loss)
end

local function as_usage(f, t)
  return core.as_usage("train", f, t)
end

-- Where the net takes one input, it is what the batches have.
local function check_shape(t)
  local inputs = {}
  for _, info in ipairs(t.net:layers()) do
    if info.type == "input" then inputs[#inputs + 1] = info end
  end
  local wanted, found = core.size_text(inputs[1].size), core.size_text(t.batches:shape())
  if #inputs == 1 and wanted ~= found then
    error(("lander.train: the data have samples of %s%s, the net's input '%s' takes %s"):format(
      found, t.augment and " (as augment makes them)" or "", inputs[1].name, wanted), 0)
  end
end

-- What follows from the options and the data.
local function settle(t)
  set_loss(t)
  t.classes = core.count_classes(t.net)
  check_classes(t)
  core.read_best(t)
  -- `lander resume RUN` runs the script again, which may not say it itself.
  local resume = t.options.resume or t.prefix and core.resume_prefix == t.prefix and "latest" or nil
  t.resume = core.find_resume(resume, t.prefix)
end

local function prepare(options)
  local retry = as_usage(core.check_train, options)
  -- A trial of `lander tune` that diverges is one that failed, unless the script wants retries.
  if core.trial_prefix and options.retry == nil then retry = core.read_retry(false) end
  local solver = options.solver
  local t = {
    options = options, net = options.net or solver.net, retry = retry,
    batch_size = options.batch_size or 64,
    test_interval = options.test_interval or 0,
    snapshot = options.snapshot or 0,
    -- A trial of `lander tune` has files of its own, whatever the script says.
    prefix = options.snapshot_prefix and core.trial_prefix or options.snapshot_prefix,
    keep = options.keep or 3,
    seed = math.type(solver.random_seed) == "integer" and solver.random_seed or 1,
    snapshots = {}, attempt = 1, told = {},
    first_scale = tonumber(solver.lr_scale) or 1,
    first_position = 0, unimproved = 0, seconds_before = 0,
    run = { status = "started", iter = 0, retries = 0, lr_scale = 1, history = {}, events = {} },
  }
  if options.dry_run then
    t.prefix = t.prefix and t.prefix .. "_dry_run"
    t.test_batches, t.snapshot = 2, t.prefix and 2 or 0
  end
  set_data(t)
  set_limits(t)
  t.display = options.display or core.display_for(t.max_iter)
  as_usage(settle, t)
  t.test_first = options.test_initialization
  if t.test_first == nil then t.test_first = t.test_interval > 0 or options.dry_run end
  if options.weights then
    core.check_kind(options.weights, "weights")
    t.weights_said = tostring(t.net:load_weights(options.weights, { partial = true }))
  end
  t.net:train_phase()
  as_usage(new_solver, t)
  if t.resume then core.resume(t) elseif t.goes_on then core.take_up(t) end
  t.run.net, t.run.solver = t.net, t.solver
  core.note_data(t.net, options.data, t.augment and t.augment.crop and true or nil)
  as_usage(make_batches, t)
  as_usage(check_shape, t)
  if t.prefix then
    core.with_status(6, "train", core.probe_prefix, t.prefix)
    core.sweep(t.prefix)
  end
  t.progress = core.new_progress {
    every = t.display, total = t.max_iter, batch = t.batch_size, quiet = options.quiet,
    seconds = t.max_time and t.max_time - t.seconds_before,
  }
  return t
end

-- Whatever lander.train would say against these options, before it does anything: nothing is
-- written. Returns what it knows of the training then.
function core.check_training(options)
  local without = {}
  for name, value in pairs(options) do without[name] = value end
  without.snapshot_prefix, without.snapshot, without.resume = nil, nil, nil
  return prepare(without)
end

-- ---- the head of a run ----

local function data_text(t)
  local count = t.data.classes or 0
  local classes = count > 0 and (", %d class%s"):format(count, count == 1 and "" or "es") or ""
  local text = ("data: %s samples of %s%s"):format(core.count_text(#t.data),
    core.size_text(t.data:shape()), classes)
  if t.test_data then text = text .. (", %s to test"):format(core.count_text(#t.test_data)) end
  if t.options.overfit then text = text .. ", the same ones (overfit)" end
  return text
end

-- The first loss, without an update; what layers remember is put back.
local function measure_start(t)
  local before, sum = t.solver:checkpoint(), 0
  local losses = core.measure_start(t)
  t.solver:return_to(before)
  t.batches:seek(t.first_position)
  for _, loss in ipairs(losses) do sum = sum + loss end
  t.first_loss = sum / #losses
  losses.chance = t.chance
  t.solver:baseline(losses)
end

-- How a training ends whose weights are not finite before it begins; nil: they are.
local function check_weights(t)
  local fine, _, where = t.solver:check()
  if fine then return nil end
  return { status = "model_fault", rule = "R7", where = where,
    message = ("before the first update the values of %s are not finite: look at the weights that "
      .. "were loaded, or at how they are filled"):format(where) }
end

-- What this process has in memory, where the system tells.
local function memory_text()
  local status = not core.has_path_hook() and core.read_file "/proc/self/status" or ""
  local kilobytes = tonumber(status:match "VmRSS:%s*(%d+) kB")
  return kilobytes and (", %d MB in memory"):format(math.ceil(kilobytes / 1024)) or ""
end

-- Of a resumed run that has nothing left to do.
local function finished_text(t)
  local more = core.running_command == "train" and t.prefix
    and ("%s resume %s --max_iter=%d"):format(core.program or "lander", t.prefix, 2 * t.max_iter)
    or "a larger " .. t.max_reason
  return ("it is finished: %d of %d iterations are done; %s makes it longer"):format(
    t.solver.iter, t.max_iter, more)
end

local function say_head(t)
  local config, say = lander.config(), function(text) t.progress:say(text) end
  say(("lander %s, %s, seed %d, %d thread%s, %s, products %s"):format(config.version, config.real,
    t.seed, config.threads, config.threads == 1 and "" or "s", config.instructions,
    tostring(config.blas)))
  say(t.net:summary(core.window and core.window(2)))
  say(data_text(t))
  if t.weights_said then say(t.weights_said) end
  if t.loss_said then say(t.loss_said) end
  for _, hint in ipairs(core.data_hints(t.net, t.data, t.numbers_unasked)) do
    say("hint: " .. hint)
  end
  if t.writes_over then say(t.prefix .. ": the files of an older run are written over") end
  if t.resume then
    say(("resumed from %s at iteration %d"):format(t.resume, t.solver.iter))
    if t.rate_said then say(t.rate_said) end
    if t.solver.iter >= t.max_iter then say(finished_text(t)) end
    return
  elseif t.goes_on then
    return say(("the solver goes on from iteration %d"):format(t.solver.iter))
  elseif t.options.resume then
    say("resume = \"latest\": there is no snapshot yet, so this is the beginning")
  end
  local of = t.classes and (" for %d class%s"):format(t.classes,
    t.classes == 1 and "" or "es") or ""
  say(("first loss %s%s"):format(core.number_text(t.first_loss), t.chance
    and (", chance%s %s"):format(of, core.number_text(t.chance)) or "") .. memory_text())
end

-- Returns how the training ends where it can't even begin.
local function begin(t)
  t.began = core.clock()
  t.chance = core.chance(t.net, t.data, t.batch_size)
  local ends = check_weights(t)
  if not t.resume then
    if not (ends or t.goes_on) then measure_start(t) end
    core.set_scale(t, t.first_scale)
  end
  open_files(t) -- what could not begin has not cost the journal of an older run
  t.first_iter, t.run.iter = t.solver.iter, t.solver.iter
  say_head(t)
  t.log:start(t.prefix or "")
  core.train_event(t, { event = "start", command = core.command_words, version = lander.version,
    seed = t.seed, data = core.about_data(t.options.data).data,
    net = t.net:text(), samples = #t.data, batch_size = t.batch_size, loss = t.first_loss,
    chance = t.chance, solver = t.solver:options(), iter = t.solver.iter,
    resumed = t.resume })
  if not ends then core.ring_start(t) end
  return ends
end

-- ---- running ----

-- While this runs, Ctrl-C raises the stop flag and nothing else.
local function catch_stop()
  if not core.catch_stop then return nil end
  core.catch_stop(true)
  return setmetatable({}, { __close = function() core.catch_stop(false) end })
end

local function run_to_the_end(t)
  local _ <close> = catch_stop()
  return core.run_loop(t)
end

-- ---- the end ----

local function save(t)
  local path = t.prefix .. ".npz"
  local ok, message = pcall(t.net.save, t.net, path)
  if ok then
    t.run.path = path
  else
    t.run.message = core.plain_message(message)
    t.progress:say("error: the net could not be saved: " .. t.run.message)
    note_status "unsaved"
  end
end

-- A command that comes next, with the program as it was called.
local function say_next(t, words)
  t.progress:say(("next: %s %s"):format(core.program or "lander", words))
end

-- What a run that was stopped can go on from. Of one that was started by words `lander resume`
-- knows them, from the journal.
local function say_resume(t)
  if core.trial_prefix then return end -- the search is what goes on, and makes the trial again
  local newest = t.snapshots[#t.snapshots]
  if not (newest and t.snapped == t.solver.iter) then return end
  if core.command_words and t.journal.path and not core.in_session then
    say_next(t, "resume " .. t.prefix)
  elseif core.in_session then
    t.progress:say(("to go on: lander.train { solver = run.solver, ... }, or the same with "
      .. "resume = %q"):format(newest.path))
  else
    t.progress:say(("to go on: the same training with resume = %q, or resume = \"latest\""):format(
      newest.path))
  end
end

-- What the last test has found, and of which iteration that is where it is not the last one.
local function test_text(t)
  local run = t.run
  local found = run.accuracy and "accuracy " .. core.share_text(run.accuracy)
    or run.regression and core.regression_text(run.regression)
  return found and (", test %s%s"):format(found, t.tested and t.tested ~= run.iter
    and (" (at %d)"):format(t.tested) or "") or ""
end

-- A file of the data that `lander predict` reads by itself: a table or a picture.
local function sample_file(d)
  local place = #d > 0 and d:place(1)
  local path = place and place:gsub(", line %d+$", "")
  local ending = path and path:lower():match "%.(%a+)$"
  return (ending == "csv" or ending == "png" or ending == "jpg" or ending == "jpeg") and path or nil
end

-- The commands that come next, each to be typed as it stands: only those whose data the net knows.
local function say_commands(t)
  local names = t.test_data and t.test_data:class_names()
  local data = core.about_data(t.options.data).data or names and names[1] == "T-shirt"
  say_next(t, "plot " .. core.shell_words { t.prefix })
  say_next(t, (data and "test " or "info ") .. core.shell_words { t.run.path })
  local file = core.about_data(t.options.data).data and sample_file(t.test_data or t.data)
  if file then
    say_next(t, "predict " .. core.shell_words { t.run.path, file })
  end
end

local function say_end(t)
  local run = t.run
  local reason = run.reason and run.reason ~= "max_iter" and (" (%s)"):format(run.reason) or ""
  if run.status == "diverged" then
    t.progress:say(("diverged: the net is as it was at %d"):format(run.iter))
  else
    t.progress:say(("%s at %d%s: loss %s%s"):format(run.status, run.iter, reason,
      core.number_text(run.loss), test_text(t)))
  end
  for _, line in ipairs(t.advice) do t.progress:say(line) end
  if t.best and t.best.iter ~= run.iter and (t.best.iter > 0 or (t.tested or 0) > 0) then
    t.progress:say(("best %s: %s at %d%s%s"):format(t.best.metric, core.number_text(t.best.value),
      t.best.iter, t.best.iter == 0 and ", of the untrained net: no later test was better" or "",
      t.best.path and ", saved in " .. t.best.path or ""))
  end
  if run.retries > 0 and run.status == "finished" then
    t.progress:say(("recovered: %d %s, base_lr %s -> %s"):format(run.retries,
      run.retries == 1 and "retry" or "retries",
      core.number_text(t.base_lr * t.first_scale + 0.0), core.number_text(run.base_lr)))
  end
  if run.path and not t.options.dry_run then
    t.progress:say(("saved: %s, journal: %s"):format(run.path, t.journal.path or "none"))
  end
  if run.status == "stopped" then say_resume(t) end
  if run.status == "finished" and run.path and core.is_command and not t.options.dry_run
    and not core.trial_prefix then
    say_commands(t)
  end
end

-- Bad data or a net that makes NaN by itself leave nothing new to save; nor does a run that
-- was stopped before its first iteration, which must not cost an older file.
local function worth_saving(t, status)
  return status == "finished" or status == "diverged"
    or status == "stopped" and t.solver.iter > t.first_iter
end

local function forget_test(run)
  run.test_loss, run.accuracy, run.regression = nil, nil, nil
end

-- A test of the untrained net says nothing about one that was trained since.
local function forget_first_test(t)
  if t.tested == 0 and t.solver.iter > 0 then forget_test(t.run) end
end

local function finish(t, what)
  local run = t.run
  run.status, run.reason, run.message, run.rule = what.status, what.reason, what.message, what.rule
  run.fault, run.iter = what.fault, t.solver.iter
  local good = what.status == "finished" or what.status == "stopped"
  if what.reason == "signal" then note_status "interrupted" end
  if what.status == "finished" and run.retries > 0 then core.recovered = true end
  if not good then note_status(what.status) end
  if what.status == "diverged" then
    run.message = what.why
    run.loss = what.loss ~= what.loss and core.nan or what.loss
    forget_test(run)
  elseif not good then
    t.progress:say(("%s at %d: %s"):format((what.status:gsub("_", " ")), run.iter,
      what.message))
  end
  if t.prefix and worth_saving(t, what.status) then save(t) end
  -- They are for the run that goes on from a snapshot.
  if what.status == "finished" or #t.snapshots == 0 then core.ring_clean(t, true) end
  if what.status == "finished" then core.remove_left(t) end
  forget_first_test(t)
  t.advice = core.advice(t)
  say_end(t)
  core.last_run = run
  core.leave(t)
  t.log:finish(run.iter, run.loss)
  core.train_event(t, { event = "end", status = run.status, reason = run.reason, iter = run.iter,
    loss = run.loss, accuracy = run.accuracy, retries = run.retries, base_lr = run.base_lr,
    path = run.path, message = run.message,
    advice = #t.advice > 0 and table.concat(t.advice, "\n") or nil })
  if t.prefix and not t.options.dry_run then core.write_report(t) end
  return run
end

-- A dry run tried everything and leaves nothing behind: the net is as it was, the files are
-- gone again. That its snapshot can be read is a part of it.
local function forget_dry_run(t)
  local failed
  if t.run.status == "finished" and t.prefix then
    local snapshot = t.snapshots[1]
    local ok, message = pcall(function()
      if not snapshot then error("dry_run: the snapshot could not be written", 0) end
      t.solver:restore(snapshot.path)
    end)
    failed = not ok and message or nil
  end
  if t.start then core.ring_load(t, t.start) end
  t.run.path, t.run.best = nil, nil
  for _, ending in ipairs(t.prefix and { ".npz", "_best.npz", "_iter_2.npz", ".jsonl", ".log" }
    or {}) do
    core.remove_file(t.prefix .. ending)
  end
  core.ring_clean(t, true)
  if failed then error(core.plain_message(failed), 0) end
end

-- Closes the files however the training ends; an error (of a callback, say) is told there.
local function close_at_end(t)
  return setmetatable({}, { __close = function(_, message)
    if message ~= nil and t.journal then
      core.train_event(t, { event = "end", status = "error", iter = t.solver.iter,
        message = tostring(message) })
    end
    if t.journal then t.journal:close() end
    if t.log then t.log:close() end
    if t.options.dry_run then forget_dry_run(t) end
  end })
end

-- lander.train { net =, data =, solver = { base_lr =, max_iter =, ... }, ... } -> a run:
--   { status =, reason =, iter =, loss =, test_loss =, accuracy =, regression =, best =, retries =,
--     lr_scale =, base_lr =, history =, events =, path =, rule =, message =, fault =, net =,
--     solver = }, as doc/training.md tells
function lander.train(options)
  local t = core.at_user(prepare, options)
  local _ <close> = close_at_end(t)
  return finish(t, core.at_user(begin, t) or run_to_the_end(t))
end
