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

-- A new start, with a rate that is not known to be good: the search begins there.
function core.search_begin(t)
  t.search = can_search(t) and { tried = {}, sum = 0, count = 0 } or nil
end

-- Whether so little is done that to look for a rate from the start is better than to halve it
-- where a good place is.
function core.search_is_worth_it(t)
  return can_search(t) and t.solver.iter - t.start.iter < length(t)
end

-- The losses of the second half of a trial are what it is judged by.
function core.search_note(t, loss)
  local s = t.search
  if s and t.solver.iter - t.start.iter > length(t) // 2 then
    s.sum, s.count = s.sum + loss, s.count + 1
  end
end

-- The rates that are tried are 1, 0.3, 0.1, 0.03 ... times the one that has held.
local function next_scale(s)
  local n = #s.tried
  return core.scaled(s.tried[1].scale, (n % 2 == 1 and 0.3 or 1) * 0.1 ^ (n // 2), 1)
end

local function margin(t)
  local policy = t.options.solver.lr_policy or "fixed"
  return policy == "fixed" and MARGIN or 0
end

-- Takes the trial that has just ended into the list; whether it is the best so far.
local function judge(t)
  local s = t.search
  local trial = { scale = t.run.lr_scale, base_lr = t.run.base_lr, loss = s.sum / s.count }
  s.tried[#s.tried + 1], s.sum, s.count = trial, 0, 0
  local is_best = not s.least or trial.loss <= s.least + margin(t) * math.abs(s.least)
  if is_best then s.best, s.least = #s.tried, math.min(trial.loss, s.least or trial.loss) end
  return is_best, trial
end

-- While nothing is learnt, one of two losses at chance is the lower by luck alone.
local function goes_on(t, is_best)
  local s = t.search
  if #s.tried >= MOST or next_scale(s) < t.retry.min_scale * t.first_scale * 0.999 then
    return false
  end
  return is_best or t.chance ~= nil and s.least >= LEARNT * t.chance
end

local function start_again(t, scale)
  core.ring_return(t, t.start)
  core.set_scale(t, scale)
  t.attempt = t.attempt + 1
  t.progress:start(t.solver.iter, t.run.retries + 1, t.retry.max + 1)
end

local function say(t, trial, what)
  local text = ("base_lr %s: mean loss %s up to iteration %d; %s"):format(
    core.number_text(trial.base_lr), core.number_text(trial.loss), t.start.iter + length(t), what)
  t.progress:say(text)
  t.log:say(text)
end

-- When a trial is over: the next one, or on with the best.
function core.search_if_due(t)
  local s = t.search
  if not s or t.solver.iter ~= t.start.iter + length(t) then return end
  local is_best, trial = judge(t)
  local event = { event = "trial", iter = t.solver.iter, lr_scale = trial.scale,
                  base_lr = trial.base_lr, loss = trial.loss, is_best = is_best }
  if goes_on(t, is_best) then
    start_again(t, next_scale(s))
    event.back_to = t.start.iter
    say(t, trial, ("is base_lr %s better? Back to the start"):format(
      core.number_text(t.run.base_lr)))
  elseif s.best == #s.tried then
    t.search = nil
    say(t, trial, "it is kept")
  else
    t.search = nil
    start_again(t, s.tried[s.best].scale)
    event.back_to = t.start.iter
    say(t, trial, ("base_lr %s was better: back to the start with it"):format(
      core.number_text(t.run.base_lr)))
  end
  core.train_event(t, event)
end
