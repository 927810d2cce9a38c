-- loop.lua: one attempt of lander.train: iterations, tests, snapshots, until the last
-- iteration or until something ends it. What is done about that is train.lua's.
local lander = ...
local core = lander.core

-- ---- the loss, smoothed: the mean of the last n ----

local Smooth = {}
Smooth.__index = Smooth

function core.new_smooth(n)
  return setmetatable({ n = n, at = 0, values = {} }, Smooth)
end

function Smooth:add(value)
  self.at = self.at % self.n + 1
  self.values[self.at] = value
end

function Smooth:mean()
  local sum = 0
  for _, value in ipairs(self.values) do sum = sum + value end
  return #self.values > 0 and sum / #self.values or nil
end

-- ---- callbacks and events ----

local function call(t, name, event)
  local callback = t.options[name]
  if callback then return callback(event) end
end

local function write(t, event)
  local trouble = t.journal:write(event)
  if trouble then t.progress:say("warning: the journal ends here: " .. trouble) end
end

-- What a callback's word means for the attempt.
local function stop_word(word)
  return word == "stop" and { status = "stopped" } or nil
end

-- An event of the run: into run.events and the journal, with the attempt's number.
function core.train_event(t, event)
  event.attempt = t.attempt
  t.run.events[#t.run.events + 1] = event
  write(t, event)
  return event
end

-- ---- tests ----

-- Hits of a batch: the place of the largest score of each sample beside its class.
local function count_hits(scores, target)
  return scores:argmax(2):eq(target):sum()
end

-- The mean loss over a dataset, and the share of samples whose class is right. Batches
-- weigh what they hold, so the short one at the end counts right. nil and what happened
-- when there is no result.
local function measure(t)
  local net, loss, hits, count = t.net, 0, 0, 0
  local output = net[net:output_name()]
  local batches = t.test_data:batches { size = t.batch_size, reuse = true }
  for x, y in batches do
    if core.stopped() then return nil, { status = "stopped" } end
    local n = x:size(1)
    local ok, value = pcall(net.loss, net, x, y)
    if not (ok and core.is_finite(value)) then
      local fault = core.batch_fault(t, batches, x, y)
      if fault then
        return nil, { status = "data_fault", message = "in the test data, " .. fault }
      elseif not ok then
        error(value, 0)
      end
    end
    loss = loss + value * n
    if t.classes then hits = hits + count_hits(output.output, y) end
    count = count + n
  end
  return loss / count, t.classes and hits / count or nil
end

-- measure in the test phase, out of which the net comes in any case.
local function measure_in_test_phase(t)
  t.net:test_phase()
  local ok, loss, more = pcall(measure, t)
  t.net:train_phase()
  if ok then return loss, more end
  if core.stopped() then return nil, { status = "stopped" } end
  error(core.plain_message(loss), 0)
end

-- Tests now, unless that was just done. Returns how the attempt ends with that, or nil.
local function test(t)
  local iter = t.solver.iter
  if not t.test_data or t.tested == iter then return end
  t.progress:pause()
  local loss, accuracy = measure_in_test_phase(t)
  t.progress:continue()
  if not loss then return accuracy end
  t.tested = iter
  t.run.test_loss, t.run.accuracy = loss, accuracy
  local said = accuracy and (", accuracy %.4f"):format(accuracy) or ""
  t.progress:say(("test at %d: loss %s%s"):format(iter, core.number_text(loss), said))
  return stop_word(call(t, "on_test", core.train_event(t, {
    event = "test", iter = iter, loss = loss, accuracy = accuracy,
  })))
end

-- ---- snapshots ----

-- A later attempt writes over the files of the one before it, by the same names.
local function keep_newest(t, path)
  for i, old in ipairs(t.snapshots) do
    if old == path then table.remove(t.snapshots, i) break end
  end
  t.snapshots[#t.snapshots + 1] = path
  while #t.snapshots > t.keep do
    local oldest = table.remove(t.snapshots, 1)
    if rawget(_G, "os") then os.remove(oldest) end
  end
end

-- One that can't be written is a warning: training goes on, the older one is still there.
local function snapshot(t)
  local iter = t.solver.iter
  local path = ("%s_iter_%d.npz"):format(t.prefix, iter)
  if t.snapped == iter then return end
  local note = ("attempt=%d lr_scale=%.17g"):format(t.attempt, t.run.lr_scale)
  t.progress:pause()
  local ok, message = pcall(t.solver.snapshot, t.solver, path, note)
  t.progress:continue()
  if not ok then
    message = core.plain_message(message)
    core.train_event(t, { event = "snapshot_failed", iter = iter, path = path, message = message })
    t.progress:say("warning: no snapshot: " .. message)
    return
  end
  t.snapped = iter
  keep_newest(t, path)
  return stop_word(call(t, "on_snapshot", core.train_event(t, {
    event = "snapshot", iter = iter, path = path,
  })))
end

-- ---- iterations ----

-- A row for every `display` iterations, for run.history and the journal.
local function record(t, iter, rate)
  local row = {
    event = "train", iter = iter, loss = t.smooth:mean(), rate = rate, attempt = t.attempt,
  }
  t.run.history[#t.run.history + 1] = row
  write(t, row)
end

local function every(n, iter)
  return n > 0 and iter % n == 0
end

-- What comes after an accepted iteration. Returns how the attempt ends with it, or nil.
local function after_step(t, loss, rate)
  local iter, last = t.solver.iter, t.solver.iter == t.max_iter
  t.run.iter = iter
  t.smooth:add(loss)
  t.run.loss = t.smooth:mean()
  if every(t.display, iter) or last then record(t, iter, rate) end
  t.progress:iteration(iter, t.run.loss, rate)
  local ends
  if t.options.on_iter then
    ends = stop_word(t.options.on_iter { event = "iter", iter = iter, loss = loss,
      smoothed = t.run.loss, rate = rate, attempt = t.attempt, net = t.net, solver = t.solver })
  end
  if every(t.test_interval, iter) or last then ends = test(t) or ends end
  local stop = every(t.snapshot, iter) and snapshot(t)
  return ends or stop or nil
end

-- What is wrong with the batch x, y, as words, or nil: a lower rate does not cure bad data.
function core.batch_fault(t, batches, x, y)
  local samples = batches:samples()
  local function first(bad)
    for i = 1, bad:size(1) do
      if bad:select(1, i):max() > 0 then return i end
    end
  end
  local finite = x:isfinite():eq(0)
  if finite:max() > 0 then
    local i = first(finite)
    local sample = x:select(1, i):contiguous():view(-1)
    local field = sample:isfinite():argmin()
    return ("sample %d: value %d of the input is %s"):format(samples[i], field,
      core.number_text(sample[field]))
  end
  finite = y:isfinite():eq(0)
  if finite:max() > 0 then
    return ("sample %d: the label is not finite"):format(samples[first(finite)])
  end
  if t.classes then
    local outside = y:lt(1):maximum(y:gt(t.classes)):maximum(y:ne(y:floor()))
    if outside:max() > 0 then
      local i = first(outside)
      return ("sample %d: label %s, expected a class from 1 to %d"):format(samples[i],
        core.number_text(y:select(1, i):max()), t.classes)
    end
  end
end

-- The next batch and one step. Returns the loss, or nil and what happened: a table
-- { status =, message =, rule =, where =, threshold = }.
local function step(t)
  local read, x, y = pcall(t.batches.next, t.batches)
  if not read then
    return nil, { status = "data_fault", message = core.plain_message(x) }
  end
  local ok, loss, rule, where, detail = pcall(t.solver.step, t.solver, x, y)
  if ok and loss then return loss end
  local fault = core.batch_fault(t, t.batches, x, y)
  if fault then return nil, { status = "data_fault", message = fault } end
  if not ok then
    if core.stopped() then return nil, { status = "stopped" } end
    error(core.plain_message(loss), 0)
  end
  detail = detail or {}
  local what = { status = "diverged", rule = rule, where = where, loss = detail.loss,
    gradient_norm = detail.gradient_norm, threshold = detail.threshold }
  if t.solver.iter == 0 and rule ~= "R3" then
    -- No update was made: it is not the rate.
    what.status = "model_fault"
    what.message = ("not finite before the first update%s"):format(where and ", first in layer "
      .. where or "")
  end
  return nil, what
end

-- The rate of the next iteration. A schedule in Lua may fail.
local function next_rate(solver)
  local ok, rate = pcall(solver.lr, solver)
  if not ok then error(core.plain_message(rate), 0) end
  return rate
end

local function iterate(t)
  local solver = t.solver
  local ends = t.options.test_initialization and test(t)
  while not ends and solver.iter < t.max_iter do
    if core.stopped() then return { status = "stopped" } end
    local rate = next_rate(solver)
    local loss, what = step(t)
    if loss then
      ends = after_step(t, loss, rate)
    else
      what.rate, ends = rate, what
    end
  end
  return ends or { status = "finished" }
end

-- One attempt, from where the solver stands. Returns { status =, ... } as step does. One
-- that a signal has stopped, wherever that was, leaves a snapshot to go on from.
function core.run_attempt(t)
  t.smooth = core.new_smooth(t.average)
  t.tested, t.snapped = nil, nil
  t.progress:start(t.solver.iter, t.attempt, t.attempts)
  local ends = iterate(t)
  if ends.status == "stopped" and core.stopped() and t.prefix
    and t.solver.iter > t.first_iter then
    snapshot(t)
  end
  return ends
end
