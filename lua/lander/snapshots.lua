-- snapshots.lua: the files of a training: snapshots, which of them are kept, the best net,
-- and going on from one.
--
-- A snapshot is the solver's (weights, history, what the monitor and the schedule
-- remember) with a note of the training's own, as JSON: the place in the data and all that
-- this side of the library must know to go on with the same bits.
local lander = ...
local core = lander.core

-- ---- what a note holds ----

local NOTE_VERSION = 1

-- Iterations of the snapshots that rule R6 has found to be none to go back to.
local function bad_snapshots(t)
  local list = {}
  for _, snapshot in ipairs(t.snapshots) do
    if snapshot.bad then list[#list + 1] = snapshot.iter end
  end
  return list
end

local function note(t)
  return core.json({
    version = NOTE_VERSION, attempt = t.attempt, retries = t.run.retries,
    lr_scale = t.run.lr_scale, first_scale = t.first_scale, base_lr = t.solver.base_lr,
    samples = #t.data, batch_size = t.batch_size, shuffle = t.shuffle, seed = t.seed,
    position = t.batches:position(), first_loss = t.first_loss,
    tested = t.tested, test_loss = t.run.test_loss, accuracy = t.run.accuracy,
    regression = t.run.regression,
    best = t.best, unimproved = t.unimproved, to_beat = t.to_beat,
    tested_finite = t.tested_finite,
    ring = core.ring_note(t), stale = t.stale, bad = bad_snapshots(t),
    place = t.place, search = t.search,
    seconds = t.seconds_before + core.clock() - t.began,
  }, true)
end

local function bad_note(path, message)
  error(("%s has a note that is none of lander.train's (%s); solver:restore(path) reads such a "
    .. "snapshot"):format(path, message), 0)
end

local function read_note(path, text)
  if not text then bad_note(path, "there is none") end
  local ok, found = pcall(core.read_json, text)
  if not ok then bad_note(path, found) end
  if type(found) ~= "table" or found.version ~= NOTE_VERSION then
    bad_note(path, "another version")
  end
  for _, name in ipairs { "attempt", "retries", "lr_scale", "first_scale", "samples", "seed",
                          "position", "unimproved", "seconds" } do
    if type(found[name]) ~= "number" then bad_note(path, name .. " is missing") end
  end
  for _, name in ipairs { "ring", "stale", "bad" } do
    if type(found[name]) ~= "table" then bad_note(path, name .. " is missing") end
  end
  return found
end

-- ---- writing ----

-- A later attempt writes over the files of the one before it, by the same names.
local function forget(list, path)
  for i, old in ipairs(list) do
    if old.path == path then table.remove(list, i) break end
  end
end

-- The newest `keep` stay, and where they are younger than that, the last good one and the next
-- to become good; and the newest that the journal names, from where a run is resumed.
local function remove_old(t)
  local list, good, named = t.snapshots, 0, 0
  for i, snapshot in ipairs(list) do
    if snapshot.named then named = i end
    if not snapshot.bad and core.is_good(t, snapshot) then good = i end
  end
  for i = #list - t.keep, 1, -1 do
    if i ~= good and i ~= good + 1 and i ~= named then
      core.remove_file(table.remove(list, i).path)
    end
  end
end

-- A file that can't be written is a warning: training goes on, the older one is still there.
-- On a full disk that happens again and again: a cause is told once, until all can be written
-- again; the journal has every one.
function core.snapshot_failed(t, iter, path, message, what)
  message = core.plain_message(message)
  core.train_event(t, { event = "snapshot_failed", iter = iter, path = path, message = message })
  what = what or "no snapshot"
  local cause = what .. message:match "[^:]*$"
  if t.told[cause] then return end
  t.told[cause] = true
  t.progress:say(("warning: %s: %s"):format(what, message))
end

-- The places to go back to and the snapshot that names them. Where there is no room for all, the
-- snapshot is what counts.
local function write_snapshot(t, path)
  local places = core.ring_write(t)
  if not places then core.ring_unwrite(t) end
  local ok, message = pcall(t.solver.snapshot, t.solver, path, note(t))
  if not ok and places and core.ring_unwrite(t) then
    places, ok, message = false, pcall(t.solver.snapshot, t.solver, path, note(t))
  end
  if ok and places then t.told = {} end
  return ok, message
end

-- Takes a snapshot of this iteration, unless that was just done. Returns what the script's
-- on_snapshot said. `stopped`: it is there only to go on from.
function core.snapshot(t, stopped)
  local iter = t.solver.iter
  local path = ("%s_iter_%d.npz"):format(t.prefix, iter)
  if t.snapped == iter then return end
  t.progress:pause()
  local ok, message = write_snapshot(t, path)
  t.progress:continue()
  if not ok then return core.snapshot_failed(t, iter, path, message) end
  t.snapped = iter
  forget(t.snapshots, path)
  t.snapshots[#t.snapshots + 1] = { path = path, iter = iter, stopped = stopped }
  local event, written = core.train_event(t, { event = "snapshot", iter = iter, path = path,
    stopped = stopped })
  t.log:snapshot(path)
  -- Only now: whenever this is killed, the journal names a file that is there. Where it could
  -- not be written, the newest that it names has to stay.
  t.snapshots[#t.snapshots].named = written
  remove_old(t)
  if written or not t.journal.path then core.ring_clean(t) end
  if t.options.on_snapshot then return t.options.on_snapshot(event) end
end

-- A run that is finished needs none of those that Ctrl-C had left.
function core.remove_left(t)
  for i = #t.snapshots, 1, -1 do
    if t.snapshots[i].stopped then core.remove_file(table.remove(t.snapshots, i).path) end
  end
end

-- ---- the best by a metric ----

local function is_better(metric, value, than, delta)
  if not core.is_finite(value) then return false end
  if than == nil then return true end
  if metric == "loss" then return value < than - delta end
  return value > than + delta
end

-- Looks at a test's result: counts the tests since it became better for early_stop, where attempts
-- that were given up don't count, and saves the net when it is the best so far, where they do.
function core.note_best(t)
  local metric = t.metric
  local value = metric == "loss" and t.run.test_loss or metric == "accuracy" and t.run.accuracy
  if not value then return end
  local delta = t.early_stop and t.early_stop.min_delta or 0
  if is_better(metric, value, t.to_beat, delta) then
    t.unimproved, t.to_beat = 0, value
  else
    t.unimproved = t.unimproved + 1
  end
  if not is_better(metric, value, t.best and t.best.value, delta) then return end
  t.best = { metric = metric, value = value, iter = t.solver.iter }
  t.run.best = t.best
  if not (t.prefix and t.keep_best) then return end
  local path = t.prefix .. "_best.npz"
  t.progress:pause()
  local ok, message = pcall(t.net.save, t.net, path)
  t.progress:continue()
  if not ok then
    return core.snapshot_failed(t, t.solver.iter, path, message, "the best net is not saved")
  end
  t.best.path = path
  core.train_event(t, { event = "best", iter = t.solver.iter, metric = metric, value = value,
    path = path })
end

-- ---- going on ----

local function check_kind(path, wanted)
  local is_snapshot = core.is_snapshot(path)
  if wanted == "resume" and not is_snapshot then
    error(("resume: '%s' is a saved net, without a solver's state: weights = path begins a new "
      .. "training with its weights; resume takes a snapshot (<prefix>_iter_<n>.npz)"):format(path),
      0)
  elseif wanted == "weights" and is_snapshot then
    error(("weights: '%s' is a snapshot of a training: resume = path goes on with that "
      .. "training; for its weights alone call net:load_weights(path) before"):format(path), 0)
  end
end

-- Raises an error when the file is the other kind of thing.
core.check_kind = check_kind

-- The snapshots that the journal of this prefix names and that are there, oldest first:
-- { { path =, iter = }, ... }
local function list_snapshots(prefix)
  local list = {}
  for _, event in ipairs(core.read_journal(prefix .. ".jsonl") or {}) do
    local path = event.event == "snapshot" and event.path
    -- The prefix goes before the path that was written: the folder may have been moved.
    local iter = type(path) == "string" and math.tointeger(tonumber(path:match "_iter_(%d+)%.npz$"))
    if iter then
      path = ("%s_iter_%d.npz"):format(prefix, iter)
      forget(list, path)
      list[#list + 1] = { path = path, iter = iter, named = true, stopped = event.stopped }
    end
  end
  for i = #list, 1, -1 do
    if not pcall(check_kind, list[i].path, "resume") then table.remove(list, i) end
  end
  return list
end

-- The path that the option `resume` means; nil: a run that can't be gone on with yet.
function core.find_resume(resume, prefix)
  if resume == nil or resume ~= "latest" then return resume end
  if not prefix then
    error("lander.train: resume = \"latest\" needs snapshot_prefix, the beginning of the files' "
      .. "names", 0)
  end
  local list = list_snapshots(prefix)
  return #list > 0 and list[#list].path or nil
end

local function check_same(t, found)
  if found.samples ~= #t.data then
    error(("resume: that run had %s samples to train on, here are %s; to train on other data from "
      .. "where it stood: net:load_weights(path), without resume"):format(
      core.count_text(found.samples), core.count_text(#t.data)), 0)
  end
  local given = t.options.solver.random_seed
  if given and given ~= found.seed then
    error(("resume: that run had random_seed = %d, here it is %d: leave it out, or begin "
      .. "anew"):format(found.seed, given), 0)
  end
end

-- The rate goes on as it was, retries and all; but where another base_lr is asked for than that
-- run had, it is meant as it stands.
local function take_rate(t, found)
  local asked = t.solver.base_lr
  if not found.base_lr or asked == found.base_lr then
    t.first_scale = found.first_scale
    return core.set_scale(t, found.lr_scale)
  end
  t.rate_said = ("that run had base_lr %s, times %s by its retries; here it is %s, as "
    .. "asked for"):format(core.number_text(found.base_lr), core.number_text(found.lr_scale),
    core.number_text(asked))
  core.set_scale(t, t.first_scale)
end

-- Restores the snapshot t.resume: the solver, and the notes of the training. The batches
-- are made after it, as they need the seed.
function core.resume(t)
  check_kind(t.resume, "resume")
  local found = read_note(t.resume, t.solver:restore(t.resume))
  check_same(t, found)
  local run = t.run
  t.attempt, run.retries = found.attempt, found.retries
  take_rate(t, found)
  t.seed, t.first_position, t.first_loss = found.seed, found.position, found.first_loss
  t.tested, run.test_loss, run.accuracy = found.tested, found.test_loss, found.accuracy
  run.regression = found.regression
  t.best, t.unimproved, t.seconds_before = found.best, found.unimproved, found.seconds
  t.tested_finite, t.place, t.to_beat = found.tested_finite, found.place, found.to_beat
  run.best = t.best
  run.loss = t.solver.iter > 0 and t.solver.loss or nil
  t.snapped = t.solver.iter
  core.ring_from_note(t, found)
  -- A search of the rate goes on where it can be gone back to the start, and nobody says otherwise.
  if t.start and t.retry.trial > 0 and not t.rate_said then t.search = found.search end
  t.snapshots = t.prefix and list_snapshots(t.prefix) or {}
  for _, iter in ipairs(found.bad) do
    for _, snapshot in ipairs(t.snapshots) do
      if snapshot.iter == iter then snapshot.bad = true end
    end
  end
end

-- ---- going on with a solver that is still there ----

-- What the last training of a solver knew at its end, for one that goes on with that solver.
local left = setmetatable({}, { __mode = "k" })
local kept = { "prefix", "seed", "best", "metric", "unimproved", "to_beat", "tested",
               "tested_finite" }

-- The factor that retries left on the rate of a solver that nobody trains just now.
local rescued = setmetatable({}, { __mode = "k" })

-- Who sets base_lr then means it as it stands, so the factor goes. While a training runs, a rate
-- that its callbacks set keeps it, or each would undo the rescue.
local function mean_base_lr()

function core.begin_with(solver)
  rescued[solver] = nil
end
  local meta = core.solver_metatable
  local set = meta.__newindex
  function meta.__newindex(solver, key, value)
    core.at_user(set, solver, key, value)
    local scale = key == "base_lr" and rescued[solver]
    if scale and scale == solver.lr_scale then set(solver, "lr_scale", 1) end
  end
end

mean_base_lr()

function core.leave(t)
  rescued[t.solver] = t.run.retries > 0 and t.solver.lr_scale or nil
  local l = { position = t.batches:position(),
              seconds_before = t.seconds_before + core.clock() - t.began }
  for _, key in ipairs(kept) do l[key] = t[key] end
  left[t.solver] = l
end

-- For the solver t.solver, which stands behind its first iterations: its place in the data, and
-- its files where they are the same.
function core.take_up(t)
  local l = left[t.solver]
  if not l then
    t.first_position = t.solver.iter * t.batch_size
    return
  end
  t.first_position, t.seed = l.position, l.seed
  t.tested, t.tested_finite, t.seconds_before = l.tested, l.tested_finite, l.seconds_before
  if l.metric == t.metric then
    t.best, t.unimproved, t.to_beat, t.run.best = l.best, l.unimproved, l.to_beat, l.best
  end
  t.same_files = t.prefix ~= nil and t.prefix == l.prefix
  if t.same_files then t.snapshots = list_snapshots(t.prefix) end
end
