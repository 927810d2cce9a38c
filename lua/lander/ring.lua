-- ring.lua: good states of a training to go back to: the start, and a ring of the last few, one
-- every so many iterations, in memory; on the disk where they would take too much of it, and
-- beside each snapshot, so that a run that was killed can still go back after it was resumed.
--
-- A place is { iter =, attempt =, position = (in the data), state =, checkpoint = or path = }.
local lander = ...
local core = lander.core

-- What this side of the library knows at a place, beside the solver's own state.
local remembered = { "tested", "unimproved", "to_beat", "tested_finite" }
local results = { "test_loss", "accuracy", "regression" }

local LOST = "a place to go back to is not on the disk"

local function state(t)
  local s = {}
  for _, key in ipairs(remembered) do s[key] = t[key] end
  for _, key in ipairs(results) do s[key] = t.run[key] end
  return s
end

local function new_place(t)
  return { iter = t.solver.iter, attempt = t.attempt, position = t.batches:position(),
           state = state(t) }
end

local function file_name(prefix, place)
  return ("%s_ring_%d_%d.npz"):format(prefix, place.attempt, place.iter)
end

-- ---- taking ----

-- How many places there may be in memory, the start counted; beyond that they are files.
local function fits(t, bytes, places)
  return bytes * places <= t.retry.memory
end

-- A place whose state is written to its file at once.
local function spill(t, place)
  place.path = file_name(t.prefix, place)
  local ok, message = pcall(t.solver.snapshot, t.solver, place.path)
  if not ok then
    core.snapshot_failed(t, place.iter, place.path, message, LOST)
    return nil
  end
  return place
end

local function take_in_memory(t, reuse)
  local place = new_place(t)
  place.checkpoint = t.solver:checkpoint(reuse)
  return place
end

-- This place. nil where a file would be needed and could not be written.
local function take(t, reuse)
  local place = take_in_memory(t, reuse)
  if not t.prefix or fits(t, place.checkpoint.bytes, t.retry.ring + 1) then return place end
  place.checkpoint = nil
  return spill(t, place)
end

local function same(a, b)
  return a.iter == b.iter and a.attempt == b.attempt
end

-- Its file goes away with the next snapshot where the last one names it, else now: also one that
-- a run which was killed had written before it came to its snapshot. Not the start's.
local function drop(t, place)
  if not t.prefix or same(place, t.start) then return end
  if place.named then
    t.stale[#t.stale + 1] = { iter = place.iter, attempt = place.attempt }
  else
    core.remove_file(file_name(t.prefix, place))
  end
end

-- The start of the run, to which a fresh start goes back: the one place that there has to be.
function core.ring_start(t)
  t.ring, t.stale = t.ring or {}, t.stale or {}
  t.start = t.start or take(t) or take_in_memory(t)
end

-- The test of the untrained net belongs to the start.
function core.ring_start_is_tested(t)
  if t.start.iter == t.solver.iter then t.start.state = state(t) end
end

-- A new place at the end of the ring, the oldest giving way: in the memory of that one.
function core.ring_add(t)
  local reuse
  local most = t.retry.ring
  if not t.prefix and t.start.checkpoint then
    -- Nowhere to spill to: fewer places.
    while most > 1 and not fits(t, t.start.checkpoint.bytes, most + 1) do most = most - 1 end
  end
  while #t.ring >= most do
    local oldest = table.remove(t.ring, 1)
    reuse = oldest.checkpoint
    drop(t, oldest)
  end
  t.ring[#t.ring + 1] = take(t, reuse)
end

function core.ring_is_due(t)
  local iter, newest = t.solver.iter, t.ring[#t.ring]
  return iter > 0 and iter % t.retry.every == 0 and not (newest and newest.iter == iter)
end

-- ---- choosing ----

-- Whether so many iterations were accepted after it that it does not hold the disease. What was
-- good once is good for ever, also where a training has just gone back to it.
function core.is_good(t, place)
  return place.proven or place.iter + t.retry.good_after <= t.solver.iter
end

local function note_good(t)
  for _, place in ipairs(t.ring) do place.proven = core.is_good(t, place) end
end

-- The newest good place before iteration `before`; nil: none but the start.
function core.ring_find(t, before)
  for i = #t.ring, 1, -1 do
    local place = t.ring[i]
    if core.is_good(t, place) and place.iter < (before or math.huge) then return place end
  end
end

-- Places after iteration `iter` are none to go back to.
function core.ring_forget_after(t, iter)
  while #t.ring > 0 and t.ring[#t.ring].iter > iter do drop(t, table.remove(t.ring)) end
end

-- Places whose files are gone are none.
function core.ring_drop_unreadable(t)
  for i = #t.ring, 1, -1 do
    local place = t.ring[i]
    if not place.checkpoint and not pcall(core.check_kind, place.path, "resume") then
      table.remove(t.ring, i)
    end
  end
end

-- ---- going back ----

-- The solver as it was there, and nothing else.
function core.ring_load(t, place)
  if place.checkpoint then
    t.solver:return_to(place.checkpoint)
  else
    t.solver:restore(place.path)
  end
end

-- Everything as it was at the place; the ring ends there.
function core.ring_return(t, place)
  note_good(t)
  core.ring_load(t, place)
  t.net:train_phase()
  t.batches:seek(place.position)
  for _, key in ipairs(remembered) do t[key] = place.state[key] end
  for _, key in ipairs(results) do t.run[key] = place.state[key] end
  t.snapped, t.recorded = nil, nil
  t.first_iter = math.min(t.first_iter, place.iter) -- of a resumed run: it may lie before that
  t.run.iter = t.solver.iter
  t.run.loss = t.run.iter > 0 and t.solver.loss or nil
  core.ring_forget_after(t, place == t.start and -1 or place.iter)
end

-- ---- with snapshots ----

-- Writes a place that is in memory to its file, with the solver put there for the moment.
local function write(t, place, now)
  t.solver:return_to(place.checkpoint)
  local path = file_name(t.prefix, place)
  local ok, message = pcall(t.solver.snapshot, t.solver, path)
  t.solver:return_to(now)
  if not ok then return core.snapshot_failed(t, place.iter, path, message, LOST) end
  place.path = path
  return true
end

local function all_places(t)
  local list = { t.start }
  for _, place in ipairs(t.ring) do list[#list + 1] = place end
  return list
end

-- Every place has a file after this; false where one could not be written.
function core.ring_write(t)
  local now
  for _, place in ipairs(all_places(t)) do
    if not place.path then
      now = now or t.solver:checkpoint()
      if not write(t, place, now) then return false end
    end
  end
  return true
end

-- Removes the files of places that are in memory too, to make room; whether there were any.
function core.ring_unwrite(t)
  local any = false
  for _, place in ipairs(all_places(t)) do
    if place.checkpoint and place.path then
      core.remove_file(place.path)
      place.path, place.named, any = nil, nil, true
    end
  end
  return any
end

-- The places for the note of a snapshot.
function core.ring_note(t)
  local list = {}
  for _, place in ipairs(all_places(t)) do
    if place.path then
      place.named = true -- the snapshot may be there even where it fails afterwards
      list[#list + 1] = { iter = place.iter, attempt = place.attempt, position = place.position,
                          state = place.state, start = place == t.start,
                          proven = place.proven }
    end
  end
  return list
end

-- Takes a place's file into memory, from another run's folder.
local function load_place(t, place)
  t.solver:restore(place.path)
  place.checkpoint, place.path, place.named = t.solver:checkpoint(), nil, nil
end

-- The places of the note of the snapshot t.resume, as far as their files are there.
function core.ring_from_note(t, note)
  local prefix = t.resume:match "^(.*)_iter_%d+%.npz$"
  local loaded = false
  t.ring, t.stale = {}, prefix == t.prefix and note.stale or {}
  for _, found in ipairs(prefix and note.ring or {}) do
    local place = { iter = found.iter, attempt = found.attempt, position = found.position,
                    state = found.state, proven = found.proven }
    place.path, place.named = file_name(prefix, place), true
    if pcall(core.check_kind, place.path, "resume") then
      if prefix ~= t.prefix then
        load_place(t, place)
        loaded = true
      end
      if found.start then t.start = place else t.ring[#t.ring + 1] = place end
    end
  end
  if loaded then t.solver:restore(t.resume) end
end

-- Removes the files of places that are gone, now that no snapshot names them any more; at the
-- end of a training those of all.
function core.ring_clean(t, all)
  if not t.ring then return end -- it has not even begun
  for _, place in ipairs(t.stale) do core.remove_file(file_name(t.prefix, place)) end
  t.stale = {}
  for _, place in ipairs(all and all_places(t) or {}) do
    if place.path then core.remove_file(place.path) end
  end
end

-- ---- what a killed run leaves ----

local endings = { "^_ring_%d+_%d+%.npz$", "^_iter_%d+%.npz$", "^_best%.npz$", "^%.npz$",
                  "^%.html$" }

local function is_own(ending)
  for _, pattern in ipairs(endings) do
    if ending:find(pattern) then return true end
  end
  return false
end

-- Removes files of this prefix that were being written when their process was killed, or ended by
-- a second Ctrl-C, which waits for nothing: they have names of their own until they are whole. One
-- that is written again by the same name loses them by itself, but the next run may come to
-- snapshots at other iterations.
function core.sweep(prefix)
  local folder, base = prefix:match "^(.*/)([^/]*)$"
  folder, base = folder or "./", base or prefix
  for _, name in ipairs(core.list_dir(folder) or {}) do
    local ending, pid = name:sub(#base + 1):match "^(.-)%.tmp%-(%d+)%-%d+$"
    if ending and name:sub(1, #base) == base and is_own(ending) then
      core.remove_orphan(folder .. name, math.tointeger(tonumber(pid)) or 0)
    end
  end
end
