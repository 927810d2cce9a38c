-- rate_search.lua: which rate, when the one that was asked for diverged before there was a good
-- place. A tenth of it may hold and still be ten times too high, and its loss alone does not
-- tell. So a rate that has held for some iterations is compared with lower ones, each from the
-- start and on the same data, until one is worse; the training is then that of the best of them,
-- bit for bit as if it had been asked for.
local lander = ...
local core = lander.core

local LEAST = 20     -- iterations of a trial that tell anything
local MOST = 6       -- trials of one search
local LEARNT = 0.9   -- of chance: a loss above it says that nothing was learnt yet
local MARGIN = 0.05  -- how much worse a lower rate may be and is taken, where no schedule lowers it

-- How many iterations a trial takes, warmup included: not more than half of the training.
local function length(t)
  local left = t.max_iter - t.start.iter
  return math.min(t.retry.trial + (t.solver.warmup_iter or 0), left // 2)
end

local function can_search(t)
  return t.retry.trial > 0 and length(t) >= LEAST
end

local function seconds_spent(t)
  return t.seconds_before + core.clock() - t.began
end

-- A new start, with a rate that is not known to be good: the search begins there. How long its
-- trials are is settled here, also for a run that is resumed with another max_iter.
function core.search_begin(t)
  t.search = can_search(t) and { length = length(t), tried = {}, sum = 0, count = 0,
                                 seconds = seconds_spent(t) } or nil
end

-- Whether so little is done that to look for a rate from the start is better than to halve it
-- where a good place is.
function core.search_is_worth_it(t)
  return can_search(t) and t.solver.iter - t.start.iter < length(t)
end

-- Whether there is a search that has a rate which held: it is what to go back to when another one
-- diverges.
function core.search_has_held(t)
  return t.search ~= nil and #t.search.tried > 0
end

-- The losses of the second half of a trial are what it is judged by.
function core.search_note(t, loss)
  local s = t.search
  if s and t.solver.iter - t.start.iter > s.length // 2 then
    s.sum, s.count = s.sum + loss, s.count + 1
  end
end

-- The rates that are tried are 1, 0.3, 0.1, 0.03 ... times the one that has held.
local function next_scale(s)
  local n = #s.tried
  return core.scaled(s.tried[1].scale, (n % 2 == 1 and 0.3 or 1) * 0.1 ^ (n // 2), 1)
end

local function has_learnt(t)
  return not (t.chance and t.search.least >= LEARNT * t.chance)
end

-- Of losses at chance, which differ by little, the lowest rate would be taken each time, which
-- learns slowest.
local function margin(t)
  local policy = t.options.solver.lr_policy or "fixed"
  return policy == "fixed" and has_learnt(t) and MARGIN or 0
end

-- Takes the trial that has just ended into the list; whether it is the best so far. loss: nil where
-- it diverged.
local function judge(t, loss)
  local s = t.search
  s.tried[#s.tried + 1] = { scale = t.run.lr_scale, base_lr = t.run.base_lr, loss = loss }
  local is_best = loss ~= nil
    and (not s.least or loss < s.least + margin(t) * math.abs(s.least))
  if is_best then s.best, s.least = #s.tried, math.min(loss, s.least or loss) end
  return is_best
end

-- Under a time limit, which trials take their part of: whether another one like the last leaves
-- twice as much to the training as it takes.
local function has_time(t)
  local spent = seconds_spent(t)
  return not t.max_time or t.max_time - spent >= 3 * (spent - t.search.seconds)
end

-- While nothing is learnt, one of two losses at chance is the lower by luck alone.
local function goes_on(t, is_best)
  local s = t.search
  if #s.tried >= MOST or next_scale(s) < t.retry.min_scale * t.first_scale * 0.999
    or not has_time(t) then
    return false
  end
  return is_best or not has_learnt(t)
end

local function start_again(t, scale)
  core.ring_return(t, t.start)
  core.set_scale(t, scale)
  t.attempt = t.attempt + 1
end

-- The next trial, or (search: nil) the training with the rate that was best.
local function begin(t, search)
  t.search = search
  if search then search.sum, search.count, search.seconds = 0, 0, seconds_spent(t) end
  core.stretch_begins(t)
end

-- What speaks for the best, which is a higher rate than the last: its loss is the lower one, but
-- where it is so by less than the margin that is luck.
local function why_best(t, loss)
  local best = t.search.tried[t.search.best].loss
  if not loss or not best then return "was better" end
  if not has_learnt(t) then return "had the lowest loss, but none has learnt much" end
  return loss - best < MARGIN * math.abs(best) and "is as good, and higher" or "was better"
end

-- After a trial the next one, or on with the best. `said`: how the trial ended.
local function settle(t, loss, said)
  local s = t.search
  local is_best = judge(t, loss)
  local event = { event = "trial", iter = t.solver.iter, lr_scale = t.run.lr_scale,
                  base_lr = t.run.base_lr, loss = loss, is_best = is_best }
  if goes_on(t, is_best) then
    start_again(t, next_scale(s))
    begin(t, s)
    event.back_to = t.start.iter
    said = ("%s is base_lr %s better? Back to the start"):format(said,
      core.number_text(t.run.base_lr))
  elseif s.best == #s.tried then
    begin(t, nil)
    said = said .. " it is kept"
  else
    local why = why_best(t, loss)
    start_again(t, s.tried[s.best].scale)
    begin(t, nil)
    event.back_to = t.start.iter
    said = ("%s base_lr %s %s: back to the start with it"):format(said,
      core.number_text(t.run.base_lr), why)
  end
  t.progress:say(said)
  t.log:say(said)
  core.train_event(t, event)
end

-- When a trial is over.
function core.search_if_due(t)
  local s = t.search
  if not s or t.solver.iter ~= t.start.iter + s.length then return end
  local loss = s.sum / s.count
  if t.display > 0 then core.record_end(t) end
  settle(t, loss, ("base_lr %s: mean loss %s up to iteration %d;"):format(
    core.number_text(t.run.base_lr), core.number_text(loss), t.solver.iter))
end

-- A trial has diverged (`said`), of a lower rate than one that held: it is worse than that. No
-- retry, since the rate to go on with is there.
function core.search_failed(t, said)
  settle(t, nil, said .. ";")
end
