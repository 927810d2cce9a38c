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
-- weigh what they hold, so the short one at the end counts right. nil when it was stopped.
local function measure(t)
  local net, loss, hits, count = t.net, 0, 0, 0
  local output = net[net:output_name()]
  net:test_phase()
  for x, y in t.test_data:batches { size = t.batch_size } do
    local n = x:size(1)
    if core.stopped() then break end
    loss = loss + net:loss(x, y) * n
    if t.classes then hits = hits + count_hits(output.output, y) end
    count = count + n
  end
  net:train_phase()
  if core.stopped() then return nil end
  return loss / count, t.classes and hits / count or nil
end

-- Tests now, unless that was just done. Returns "stop" when the callback says so.
local function test(t)
  local iter = t.solver.iter
  if not t.test_data or t.tested == iter then return end
  t.progress:pause()
  local loss, accuracy = measure(t)
  t.progress:continue()
  if not loss then return "stop" end
  t.tested = iter
  t.run.test_loss, t.run.accuracy = loss, accuracy
  local said = accuracy and (", accuracy %.4f"):format(accuracy) or ""
  t.progress:say(("test at %d: loss %s%s"):format(iter, core.number_text(loss), said))
  return call(t, "on_test", core.train_event(t, {
    event = "test", iter = iter, loss = loss, accuracy = accuracy,
  }))
end

-- ---- snapshots ----

local function forget_oldest(t)
  while #t.snapshots > t.keep do
    local path = table.remove(t.snapshots, 1)
    if rawget(_G, "os") then os.remove(path) end
  end
end

-- One that can't be written is a warning: training goes on, the older one is still there.
local function snapshot(t)
  local iter = t.solver.iter
  local path = ("%s_iter_%d.npz"):format(t.prefix, iter)
  if t.snapshots[#t.snapshots] == path then return end
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
  t.snapshots[#t.snapshots + 1] = path
  forget_oldest(t)
  return call(t, "on_snapshot", core.train_event(t, {
    event = "snapshot", iter = iter, path = path,
  }))
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

-- What comes after an accepted iteration; true when a callback wants to stop.
local function after_step(t, loss, rate)
  local iter, last = t.solver.iter, t.solver.iter == t.max_iter
  t.run.iter = iter
  t.smooth:add(loss)
  t.run.loss = t.smooth:mean()
  if every(t.display, iter) or last then record(t, iter, rate) end
  t.progress:iteration(iter, t.run.loss, rate)
  local word
  if t.options.on_iter then
    word = t.options.on_iter { event = "iter", iter = iter, loss = loss, smoothed = t.run.loss,
      rate = rate, attempt = t.attempt, net = t.net, solver = t.solver }
  end
  if (every(t.test_interval, iter) or last) and test(t) == "stop" then word = "stop" end
  if every(t.snapshot, iter) and t.prefix and snapshot(t) == "stop" then word = "stop" end
  return word == "stop"
end

-- What is wrong with a batch, as words, or nil: a lower rate does not cure bad data.
function core.batch_fault(t, x, y)
  local samples = t.batches:samples()
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
  local fault = core.batch_fault(t, x, y)
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

-- One attempt, from where the solver stands. Returns { status =, ... } as step does.
function core.run_attempt(t)
  local solver = t.solver
  t.smooth = core.new_smooth(t.average)
  t.tested = nil
  t.progress:start(solver.iter, t.attempt, t.attempts)
  if t.options.test_initialization and test(t) == "stop" then return { status = "stopped" } end
  while solver.iter < t.max_iter do
    if core.stopped() then
      if t.prefix and solver.iter > 0 then snapshot(t) end
      return { status = "stopped" }
    end
    local rate = solver:lr()
    local loss, what = step(t)
    if not loss then
      what.rate = rate
      return what
    end
    if after_step(t, loss, rate) then return { status = "stopped" } end
  end
  return { status = "finished" }
end
