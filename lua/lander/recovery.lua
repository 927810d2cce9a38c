-- recovery.lua: what is done when a training diverges: bad data and a net that makes NaN by
-- itself are told apart first, since no rate cures them; then back to a good place with a lower
-- rate, within a budget. doc/divergence.md has the whole policy with its reasons.
local lander = ...
local core = lander.core

-- ---- options ----

local defaults = {
  max = 5,            -- retries in all
  same_place = 3,     -- of them at one place
  factor = 0.1,       -- on the rate, before there is a good place to go back to
  late_factor = 0.5,  -- and after
  trial = 300,        -- iterations by which rates are compared after a new start; 0: not
  min_scale = 1e-6,   -- what the factors together may come to
  every = 100,        -- iterations between two places
  ring = 3,           -- places that are kept, beside the start
  good_after = 50,    -- accepted iterations that make a place good
  memory = 1 << 30,   -- bytes that places may take up; beyond that they are files
}

local kinds = { max = "count", same_place = "integer", factor = "number", late_factor = "number",
                trial = "count", min_scale = "number", every = "integer", ring = "integer",
                good_after = "count", memory = "number" }

local function check_fraction(name, value)
  if not (value > 0 and value < 1) then
    error(("lander.train: retry.%s must be between 0 and 1, found %s"):format(name,
      core.number_text(value)), 0)
  end
end

-- The option `retry` with its defaults; false: no retries.
function core.read_retry(retry)
  local given = type(retry) == "table" and retry or {}
  local wrong = core.check_options("lander.train: retry", given, kinds)
  if wrong then error(wrong, 0) end
  local result = {}
  for name, value in pairs(defaults) do result[name] = given[name] or value end
  if retry == false then result.max = 0 end
  for _, name in ipairs { "factor", "late_factor", "min_scale" } do
    check_fraction(name, result[name])
  end
  return result
end

-- ---- triage ----

local function range_text(range)
  if not range or range.count == 0 then return "nothing" end
  local bad = range.not_finite > 0
    and (", %d of %d not finite"):format(range.not_finite, range.count) or ""
  if not range.min then return ("%d numbers, none of them finite"):format(range.count) end
  return ("numbers from %s to %s%s"):format(core.number_text(range.min),
    core.number_text(range.max), bad)
end

-- How a training ends whose net is not finite at good weights.
local function model_fault(t, probe, when)
  local where = probe.where or "its output"
  local what, cure
  if probe.rule == "R2" then
    what = ("the gradient of %s is not finite, though the loss is (%s)"):format(where,
      core.number_text(probe.loss))
    cure = "look at the backward of the layers between it and the loss"
  else
    what = ("layer '%s' makes what is not finite of %s"):format(where,
      range_text(probe.inputs and probe.inputs[1]))
    cure = "look at what it computes (log of 0, root of a negative number, overflow)"
  end
  local sample = probe.sample and t.batches:samples()[probe.sample]
  return { status = "model_fault", rule = probe.rule, where = probe.where, loss = probe.loss,
    probe = probe,
    message = ("%s, %s%s: %s; a lower rate does not cure that"):format(when, what,
      sample and (" (sample %d)"):format(sample) or "", cure) }
end

-- An iteration that was rejected as not finite, with good data: whether it is so at good
-- weights too. Returns how the training ends with that, or nil where it is the rate.
local function triage(t, what, p, x, y)
  if what.rule ~= "R1" and what.rule ~= "R2" then return nil end
  local place, untrained = p.fresh and core.ring_find(t) or p.place, t.solver.iter == 0
  local kept, now = pcall(t.solver.checkpoint, t.solver)
  if not untrained then core.ring_load(t, place) end
  local ok, probe = pcall(t.solver.probe, t.solver, x, y)
  -- Weights that are not finite themselves have no checkpoint, and are not gone on from.
  if kept then t.solver:return_to(now) else p.lost = true end
  if not ok then error(core.plain_message(probe), 0) end
  if not probe.rule then return nil end
  return model_fault(t, probe, untrained and "before the first update"
    or ("at the good weights of iteration %d"):format(place.iter))
end

-- ---- where to, and how ----

-- The place to go back to; what was learnt about places so far is in t.place.
local function choose(t, what)
  core.ring_drop_unreadable(t)
  if what.rule == "R5" or core.search_has_held(t) then return t.start end -- dead since it began
  local newest = core.ring_find(t)
  if not newest or core.search_is_worth_it(t) then return t.start end
  if what.rule == "R4b" then -- what killed it lies a while back; before the oldest, where that
    local oldest = t.ring[1] -- was gone back to in vain
    return t.place and t.place.from == oldest.iter and t.start or oldest
  end
  if not (t.place and newest.iter <= t.place.iter) then return newest end
  return core.ring_find(t, t.place.from) or t.ring[1]
end

-- What t.place will be after a retry from this place: tries are counted until a newer place than
-- the first one there has become good.
local function count_tries(t, place)
  local newest = core.ring_find(t)
  local here = newest and newest.iter or t.start.iter
  if t.place and here <= t.place.iter then
    return { iter = t.place.iter, tries = t.place.tries + 1, from = place.iter }
  end
  return { iter = here, tries = 1, from = place.iter }
end

-- What a retry will do: place, rate, momentum, data.
local function plan(t, what)
  local place = choose(t, what)
  local fresh = place == t.start
  local counted = count_tries(t, place)
  local tries = counted.tries
  local factor = fresh and t.retry.factor or t.retry.late_factor
  local again = not fresh and tries > 1
  return {
    place = place, fresh = fresh, counted = counted, tries = tries, factor = factor,
    scale = core.scaled(t.run.lr_scale, factor, 1),
    momentum = not fresh and (again and 0 or factor) or nil,
    skip_to = again and t.batches:position() or nil,
  }
end

-- Why there is no other try; nil: there is.
local function exhausted(t, p)
  if t.retry.max == 0 then return "retries are off" end
  if t.run.retries >= t.retry.max then
    return ("all %d retries are spent"):format(t.retry.max)
  elseif not p.fresh and p.tries > t.retry.same_place then
    return ("%d retries at one place"):format(t.retry.same_place)
  elseif p.scale < t.retry.min_scale * t.first_scale * 0.999 then
    return ("the rate would come under %s of what was asked for"):format(
      core.number_text(t.retry.min_scale))
  end
end

-- ---- saying it ----

local function say(t, text)
  t.progress:say(text)
  t.log:say(text)
end

local function back_text(t, p)
  local try = ("attempt %d (retry %d of %d)."):format(t.attempt, t.run.retries, t.retry.max)
  if p.fresh and t.start.iter == 0 then
    return ("Back to the start, base_lr %s -> %s, %s"):format(core.number_text(p.old_base_lr),
      core.number_text(t.run.base_lr), try)
  end
  local skipped = p.skip_to and (", %s samples skipped"):format(
    core.count_text(p.skip_to - p.place.position)) or ""
  return ("Back to %d, rate x %s%s, %s"):format(p.place.iter,
    core.number_text(t.run.lr_scale / p.old_scale), skipped, try)
end

-- ---- doing it ----

local function set_scale(t, scale)
  t.run.lr_scale = scale
  t.run.base_lr = core.scaled(t.solver.base_lr, scale, 1) -- a script may have changed it
  t.solver.lr_scale = scale
end

core.set_scale = set_scale

local function go_back(t, p)
  p.old_scale, p.old_base_lr = t.run.lr_scale, t.run.base_lr
  t.place = p.counted
  core.ring_return(t, p.place)
  set_scale(t, p.asked and p.asked / t.solver.base_lr or p.scale)
  if p.momentum then t.solver:scale_history(p.momentum) end
  if p.skip_to then t.batches:seek(p.skip_to) end
  t.run.retries, t.attempt = t.run.retries + 1, t.attempt + 1
  t.search = nil
  if p.fresh and not p.asked then core.search_begin(t) end
  core.stretch_begins(t)
end

-- The last good state, for the end of a run that has no other try.
local function restore_good(t)
  core.ring_return(t, core.ring_find(t) or t.start)
  t.run.lr_scale = tonumber(t.solver.lr_scale)
end

-- The rate that a script asked for, as a factor on the schedule.
local function asked_scale(t, p, rate)
  if rate == nil then return p.scale end
  if type(rate) ~= "number" or not (rate > 0 and core.is_finite(rate)) then
    error(("on_diverge: the rate behind \"retry\" must be a positive number, found %s"):format(
      type(rate) == "number" and core.number_text(rate) or "a " .. type(rate)), 0)
  end
  if t.solver.base_lr == 0 then
    error("on_diverge: base_lr is 0, so no rate is a multiple of it; return \"retry\" alone", 0)
  end
  return rate / t.solver.base_lr -- about: the place may have another base_lr, see go_back
end

local function ask_script(t, event)
  if not t.options.on_diverge then return nil end
  local word, rate = t.options.on_diverge(event)
  if word ~= nil and word ~= "retry" and word ~= "stop" and word ~= "skip" then
    error(("on_diverge must return \"retry\" (and a rate), \"stop\", \"skip\" or nothing, it "
      .. "returned %s"):format(tostring(word)), 0)
  end
  return word, rate
end

local BEFORE = 30 -- losses that led to it, one by one

local function diverged_event(t, what, p, iter)
  return core.train_event(t, {
    event = "diverged", iter = iter, rule = what.rule, where = what.where,
    reason = what.reason, loss = what.loss, value = what.value, baseline = what.baseline,
    threshold = what.threshold, distance = what.distance, gradient_norm = what.gradient_norm,
    rate = what.rate, lr_scale = t.run.lr_scale, verdict = "rate",
    base_lr = core.scaled(t.solver.base_lr, t.run.lr_scale, 1), -- a script may have changed it
    back_to = p.place.iter, retries_left = t.retry.max - t.run.retries,
    samples = t.batches:samples(), before = t.solver:losses(BEFORE),
  })
end

local function retry_event(t, p, from)
  core.train_event(t, {
    event = "retry", iter = from, back_to = p.place.iter, old_lr_scale = p.old_scale,
    lr_scale = t.run.lr_scale, base_lr = t.run.base_lr, momentum = p.momentum or 0,
    tries_here = p.tries, retries_left = t.retry.max - t.run.retries,
    skipped_from = p.skip_to and p.place.position, skipped_to = p.skip_to,
  })
end

-- An iteration is left out, nothing else: what the rule saw stays as it was. A whole epoch of
-- such is no training.
local function skip(t, said)
  t.skipped_at, t.skipped = t.solver.iter, t.skipped_at == t.solver.iter and t.skipped + 1 or 1
  if t.skipped > math.max(#t.data // t.batch_size, 1) then
    return "a whole epoch was skipped"
  end
  say(t, said .. ". Skipped by on_diverge.")
  core.train_event(t, { event = "skip", iter = t.solver.iter, samples = t.batches:samples() })
end

-- After a divergence (what: { rule =, loss =, ... }, with the batch x, y where there was one):
-- nil when the training goes on, from wherever that is now; or how it ends.
function core.recover(t, what, x, y)
  local iter = t.solver.iter
  local said = ("diverged at %d: %s"):format(iter, core.divergence_words(what))
  local p = plan(t, what)
  local fault = x and triage(t, what, p, x, y)
  if fault then return fault end
  local word, rate = ask_script(t, diverged_event(t, what, p, iter))
  local why = word == "stop" and "stopped by on_diverge" or nil
  if word == "skip" and not p.lost and x then
    why = skip(t, said)
    if not why then return nil end
  end
  p.asked = word == "retry" and rate or nil
  if core.search_has_held(t) and not (why or p.asked) then
    return core.search_failed(t, said)
  end
  p.scale = asked_scale(t, p, p.asked)
  why = why or exhausted(t, p)
  if why then
    say(t, ("%s: %s."):format(said, why))
    restore_good(t)
    what.why = why
    return what
  end
  go_back(t, p)
  say(t, ("%s. %s"):format(said, back_text(t, p)))
  retry_event(t, p, iter)
end
