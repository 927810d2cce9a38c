-- detectors.lua: ways to notice that a training has diverged, each a pure function of what a
-- run without a guard has left behind:
--
--   run = { first = { five losses before training }, chance = (nil: not known),
--           loss = { the loss of each iteration }, rule = (R1 or R2: how it ended, before its
--           last iteration; nil: at the end), distance = { by iteration, as text } }
--   detector(run, options) -> the iteration (counting from 0) that it would have stopped at,
--                             and the rule; nil: it has seen nothing
--
-- options: the thresholds, guard_blowup and so on, as a solver has them.
local detectors = {}

local WINDOW, MEDIAN, MOST, SURE = 100, 5, 2, 6

local function is_finite(x) return x == x and math.abs(x) < math.huge end

-- ---- what others do ----

-- Keras's TerminateOnNaN, Lightning's terminate_on_nan. A gradient that is not finite makes
-- the weights so, and with them the next loss.
function detectors.not_finite(run)
  if run.rule == "R1" then return #run.loss, "loss" end
  if run.rule == "R2" then return #run.loss + 1, "loss" end
end

-- Three times the first loss: char-rnn.
function detectors.three_times(run)
  for i, loss in ipairs(run.loss) do
    if loss > 3 * run.loss[1] then return i - 1, "loss" end
  end
  return detectors.not_finite(run)
end

-- More than five deviations above the mean of the last 128: llm.c's z-score of the loss.
function detectors.z_score(run)
  local window = 128
  for i = window + 1, #run.loss do
    local sum, squares = 0, 0
    for k = i - window, i - 1 do sum = sum + run.loss[k] end
    local mean = sum / window
    for k = i - window, i - 1 do squares = squares + (run.loss[k] - mean) ^ 2 end
    local deviation = math.sqrt(squares / window)
    if deviation > 0 and (run.loss[i] - mean) / deviation > 5 then return i - 1, "z" end
  end
  return detectors.not_finite(run)
end

-- ---- the rules of src/solver/monitor.c, over a whole run ----

-- Mean and sample deviation of losses first to last.
local function mean_of(loss, first, last)
  local sum = 0
  for i = first, last do sum = sum + loss[i] end
  return sum / (last - first + 1)
end

local function deviation_of(loss, first, last, mean)
  local squares = 0
  for i = first, last do squares = squares + (loss[i] - mean) ^ 2 end
  return last > first and math.sqrt(squares / (last - first)) or 0
end

-- What the monitor knows before the first iteration.
local function baseline_of(run, o)
  local mean = mean_of(run.first, 1, #run.first)
  local spread = deviation_of(run.first, 1, #run.first, mean)
  if not (is_finite(mean) and is_finite(spread)) then return nil end
  local m = { baseline = mean, chance = run.chance or 0, best = math.huge }
  m.size = math.max(math.abs(mean), m.chance)
  m.blowup = mean + math.max(o.guard_blowup * m.size, o.guard_blowup_spread * spread)
  return m
end

local function last_median(loss, i)
  local last = table.move(loss, i - MEDIAN + 1, i, 1, {})
  table.sort(last)
  return last[(MEDIAN + 1) // 2]
end

-- Of the losses before number i, of which there are enough.
local function rise_bound(loss, i, m, o)
  local first = math.max(i - WINDOW, 1)
  local mean = mean_of(loss, first, i - 1)
  return mean + math.max(o.guard_rise * math.abs(mean), o.guard_rise_first * m.size,
    o.guard_rise_spread * deviation_of(loss, first, i - 1, mean))
end

-- The losses before number i, none of which counts for more than so many times chance: their
-- mean, and how far that is off by chance.
local function level(loss, i, chance)
  local last = {}
  for k = i - WINDOW, i - 1 do last[#last + 1] = math.min(loss[k], MOST * chance) end
  local mean = mean_of(last, 1, WINDOW)
  return mean, deviation_of(last, 1, WINDOW, mean) / math.sqrt(WINDOW)
end

-- Keeps m.level with its m.deviation, of the losses before number i, and m.best, the lowest level.
local function remember(m, loss, i)
  if i <= WINDOW or m.chance <= 0 then return end
  m.level, m.deviation = level(loss, i, m.chance)
  m.best = math.min(m.best, m.level)
end

local function is_shift(m, o)
  if not (m.chance > 0 and m.best < o.guard_learnt * m.chance) then return false end
  return m.level > m.best + math.max(o.guard_shift * (m.chance - m.best), SURE * m.deviation)
end

local function is_dead(m, run, i, o)
  local since = i - 1 - (o.warmup_iter or 0) - o.guard_stall_after
  if m.chance <= 0 or since < 0 or since % WINDOW ~= 0 or m.baseline > 2 * m.chance then
    return false
  end
  if m.best < o.guard_learnt * m.chance or m.level < o.guard_stall * m.chance then return false end
  local distance = run.distance[tostring(i - 1)]
  return distance ~= nil and distance >= o.guard_dead
end

-- The rules that `rules` names; the iteration of the first that speaks.
local function watch(run, o, rules)
  local loss, m = run.loss, baseline_of(run, o)
  for i = 1, m and #loss or 0 do
    remember(m, loss, i)
    local median = i >= MEDIAN and last_median(loss, i)
    if median and median > m.blowup then return i - 1, "R3" end
    if i > o.guard_rise_after and median > rise_bound(loss, i, m, o) then
      return i - 1, "R4"
    end
    if rules.R4b and is_shift(m, o) then return i - 1, "R4b" end
    if rules.R5 and is_dead(m, run, i, o) then return i - 1, "R5" end
  end
  if run.rule then return #loss, run.rule end
end

function detectors.R1_R4(run, o) return watch(run, o, {}) end
function detectors.R1_R4b(run, o) return watch(run, o, { R4b = true }) end
function detectors.R1_R5(run, o) return watch(run, o, { R4b = true, R5 = true }) end

-- In the order of the table, with what it calls them.
detectors.list = {
  { "not_finite", "loss not finite (Keras, Lightning)" },
  { "three_times", "loss > 3 x first loss (char-rnn)" },
  { "z_score", "z-score > 5 (llm.c)" },
  { "R1_R4", "R1-R4" },
  { "R1_R4b", "R1-R4 and R4b" },
  { "R1_R5", "R1-R5" },
}

return detectors
