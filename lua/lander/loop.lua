-- loop.lua: iterations, tests and snapshots of lander.train, until the last iteration or until
-- something ends it. What is done about a divergence is recovery.lua's.
local lander = ...
local core = lander.core

-- ---- callbacks and events ----

local function call(t, name, event)
  local callback = t.options[name]
  if callback then return callback(event) end
end

local function write(t, event)
  local written, trouble = t.journal:write(event)
  if trouble then t.progress:say("warning: events are missing in the journal: " .. trouble) end
  return written
end

-- What a callback's word means for the training.
local function stop_word(word)
  return word == "stop" and { status = "stopped", reason = "callback" } or nil
end

-- An event of the run: into run.events and the journal, with the attempt's number. Returns it,
-- and whether the journal has it.
function core.train_event(t, event)
  event.attempt = t.attempt
  t.run.events[#t.run.events + 1] = event
  return event, write(t, event)
end

-- ---- tests ----

local function enough(t)
  local stop = t.early_stop
  if not (stop and t.unimproved >= stop.patience) or t.search then return nil end
  t.progress:say(("early stop: %s has not become better than %s in %d tests"):format(t.metric,
    core.number_text(t.to_beat), t.unimproved))
  return { status = "finished", reason = "early_stop" }
end

-- Rule R6: what has a test loss that is not finite is no state to go back to.
local function test_is_bad(t, iter, loss)
  local since = t.tested_finite or 0
  core.ring_forget_after(t, since)
  for _, snapshot in ipairs(t.snapshots) do snapshot.bad = snapshot.bad or snapshot.iter > since end
  core.train_event(t, { event = "bad_test", rule = "R6", iter = iter, loss = loss, since = since })
  t.progress:say(("warning: the test loss at %d is %s (rule R6): what was kept since %d is not "
    .. "gone back to"):format(iter, core.number_text(loss), since))
end

-- Tests now, unless that was just done. Returns how the training ends with that, or nil.
local function test(t)
  local iter = t.solver.iter
  if not t.test_data or t.tested == iter then return end
  t.progress:pause()
  local loss, accuracy, regression = core.measure(t)
  t.progress:continue()
  if not loss then return accuracy end
  t.tested = iter
  t.run.test_loss, t.run.accuracy, t.run.regression = loss, accuracy, regression
  local said = accuracy and ", accuracy " .. core.share_text(accuracy)
    or regression and ", " .. core.regression_text(regression) or ""
  t.progress:say(("test at %d: loss %s%s"):format(iter, core.number_text(loss), said))
  t.log:test(iter, loss, accuracy)
  local event = core.train_event(t, {
    event = "test", iter = iter, loss = loss, accuracy = accuracy,
    mae = regression and regression.mae, r2 = regression and regression.r2,
  })
  if core.is_finite(loss) then
    t.tested_finite = iter
    core.note_best(t)
  else
    test_is_bad(t, iter, loss) -- its accuracy is one of nothing
    t.unimproved = t.unimproved + 1
  end
  return stop_word(call(t, "on_test", event)) or enough(t)
end

-- ---- iterations ----

local function every(n, iter)
  return n > 0 and iter % n == 0
end

-- A row for every `display` iterations and the last, for run.history and the journal.
local function record(t, iter, loss, rate)
  t.recorded = iter
  local row = { event = "train", iter = iter, loss = loss, rate = rate, attempt = t.attempt }
  t.run.history[#t.run.history + 1] = row
  write(t, row)
end

-- The row of the iteration that was the last of something, where it has none: curves go to there.
function core.record_end(t)
  local iter = t.solver.iter
  if iter > t.first_iter and t.recorded ~= iter then record(t, iter, t.run.loss, t.rate) end
end

-- Rule R7: a state that is not finite is not kept. How the training ends with it.
local function not_finite(t)
  local fine, rule, where = t.solver:check()
  if fine then return nil end
  return { status = "diverged", rule = rule, where = where, loss = t.run.loss, rate = t.rate }
end

-- Snapshots are taken where one is due, and where a signal asks for one (SIGHUP); places to go
-- back to after that. Returns how the training ends with it, or nil.
local function keep_if_due(t)
  local asked = t.prefix and core.signalled and core.signalled "snapshot"
  local snapshot, place = asked or every(t.snapshot, t.solver.iter), core.ring_is_due(t)
  if not (snapshot or place) then return end
  local bad = not_finite(t)
  if bad then return bad end
  local word = snapshot and core.snapshot(t)
  if place then core.ring_add(t) end
  return stop_word(word)
end

-- What comes after an accepted iteration. Returns how the training ends with it, or nil.
local function after_step(t, loss, rate)
  local solver, iter = t.solver, t.solver.iter
  t.run.iter, t.run.loss, t.rate = iter, solver.loss, rate
  core.search_note(t, loss)
  if every(t.display, iter) then record(t, iter, t.run.loss, rate) end
  if every(t.display, iter - 1) then t.log:iteration(iter - 1, t.run.loss, rate) end
  t.progress:iteration(iter, t.run.loss, rate)
  local ends = stop_word(call(t, "on_iter", { event = "iter", iter = iter, loss = loss,
    smoothed = t.run.loss, rate = rate, attempt = t.attempt, net = t.net, solver = solver }))
  if every(t.test_interval, iter) then ends = test(t) or ends end
  local kept = keep_if_due(t)
  if kept and kept.status == "diverged" then return core.recover(t, kept) or ends end
  return kept or ends
end

-- A warning of rule R5.
local function warn(t, rule, detail)
  local event = core.train_event(t, { event = "warning", rule = rule, iter = t.solver.iter,
    reason = detail.reason, value = detail.value, baseline = detail.baseline,
    threshold = detail.threshold, distance = detail.distance })
  t.progress:say("warning: " .. core.warning_words(event))
end

-- The next batch and one step. Returns the loss; or nil, what happened (a table { status =,
-- message =, rule =, where =, threshold = ... }) and the batch.
local function step(t)
  local read, x, y = pcall(t.batches.next, t.batches)
  if not read then
    return nil, { status = "data_fault", message = core.plain_message(x) }
  end
  local ok, loss, rule, where, detail = pcall(t.solver.step, t.solver, x, y)
  if ok and loss then
    if rule then warn(t, rule, detail) end
    return loss
  end
  local fault, fault_detail = core.batch_fault(t, t, x, y, not ok)
  if fault then return nil, { status = "data_fault", message = fault, fault = fault_detail } end
  if not ok then
    if core.stopped() then return nil, { status = "stopped", reason = "signal" } end
    error(core.plain_message(loss), 0)
  end
  detail.status, detail.rule, detail.where = "diverged", rule, where
  return nil, detail, x, y
end

-- The rate of the next iteration. A schedule in Lua may fail.
local function next_rate(solver)
  local ok, rate = pcall(solver.lr, solver)
  if not ok then error(core.plain_message(rate), 0) end
  return rate
end

-- A stretch of a training begins: an attempt, from where the solver stands. Curves begin with the
-- loss of the untrained net, which was measured without an update, and the rate of the first one.
function core.stretch_begins(t)
  core.progress_begins(t)
  if t.solver.iter == 0 and t.display > 0 and t.first_loss and core.is_finite(t.first_loss) then
    record(t, 0, t.first_loss, next_rate(t.solver))
  end
end

local function one_iteration(t)
  core.search_if_due(t)
  local rate = next_rate(t.solver)
  local loss, what, x, y = step(t)
  if loss then return after_step(t, loss, rate) end
  what.rate = rate
  return what.status == "diverged" and core.recover(t, what, x, y) or what.status ~= "diverged"
    and what or nil
end

-- How the training ends before the next iteration, or nil.
local function is_over(t)
  if core.stopped() then return { status = "stopped", reason = "signal" } end
  if t.solver.iter >= t.max_iter then return { status = "finished", reason = t.max_reason } end
  if t.max_time and core.clock() - t.began + t.seconds_before >= t.max_time then
    return { status = "finished", reason = "max_time" }
  end
  if core.signalled and core.signalled "status" then t.progress:status() end
end

-- A test that was due where this stretch begins and was not done: of the untrained net, or
-- where a resumed run was stopped between an iteration and its test.
local function first_test(t)
  local iter = t.solver.iter
  if iter == 0 and t.test_first or iter > 0 and every(t.test_interval, iter) then
    local ends = test(t)
    core.ring_start_is_tested(t)
    return ends
  end
end

-- The last row, test and snapshot of a training that is done. Returns how it ends; nil when
-- the last update has ruined the weights, and it goes on from a good place.
local function finish(t, ends)
  local bad = not_finite(t)
  if bad then return core.recover(t, bad) end
  core.record_end(t)
  ends = test(t) or ends
  if t.snapshot > 0 then core.snapshot(t) end
  return ends
end

-- Iterations from where the solver stands. Returns how it ends, { status =, ... }. One that
-- a signal has stopped, wherever that was, leaves a snapshot to go on from.
function core.run_loop(t)
  core.stretch_begins(t)
  local ends = first_test(t)
  if not ends and core.ring_is_due(t) then core.ring_add(t) end -- where a run was resumed
  repeat
    while not ends do ends = is_over(t) or one_iteration(t) end
    if ends.status == "finished" then ends = finish(t, ends) end
  until ends
  if ends.reason == "signal" and t.prefix and t.solver.iter > t.first_iter then
    core.snapshot(t, true)
  end
  return ends
end
