-- plot_attempts.lua: what became of each attempt of a run: it diverged; it was the trial of a rate
-- (rate_search.lua) that another one beat; or the training went on from it.
local lander = ...
local core = lander.core

-- What a row has for a field: a number that is not finite is null in a journal, with a word.
function core.row_value(row, field)
  local word = row[field .. "_is"]
  if row[field] == nil and word then
    return word == "nan" and 0 / 0 or word == "-inf" and -math.huge or math.huge
  end
  return row[field]
end

-- The attempt that a trial's event is about: where it went back, the next one has begun already.
local function attempt_of(trial)
  return trial.back_to and trial.attempt - 1 or trial.attempt
end

-- How a run that diverged for good has ended: its last good state was put back. nil where it has
-- not, or was resumed since.
local function end_of_diverged(rows)
  for i = #rows, 1, -1 do
    local event = rows[i].event
    if event == "start" then return nil end
    if event == "end" then return rows[i].status == "diverged" and rows[i].iter and rows[i] end
  end
end

-- Of each attempt the last iteration that counts: a later one went back to there.
local function last_kept(rows)
  local last, most = {}, 1
  for _, row in ipairs(rows) do most = math.max(most, row.attempt) end
  for attempt = 1, most do last[attempt] = math.huge end
  for _, row in ipairs(rows) do
    if (row.event == "retry" or row.event == "trial") and row.back_to then
      for attempt = 1, row.attempt - 1 do
        last[attempt] = math.min(last[attempt], row.back_to)
      end
    end
  end
  local stop = end_of_diverged(rows)
  for attempt = 1, stop and stop.attempt or 0 do
    last[attempt] = math.min(last[attempt], stop.iter)
  end
  return last
end

-- The trials of each search, in lists: a retry is between those of two.
local function searches(rows)
  local list, search = {}, nil
  for _, row in ipairs(rows) do
    if row.event == "retry" then
      search = nil
    elseif row.event == "trial" then
      if not search then
        search = {}
        list[#list + 1] = search
      end
      search[#search + 1] = row
    end
  end
  return list
end

-- Whether the training has gone on since the last trial: then none is to come.
local function is_over(rows, last)
  if not last.back_to then return true end
  for _, row in ipairs(rows) do
    if row.event == "end" or row.iter and row.attempt >= last.attempt
      and row.iter > (last.iter or math.huge) then
      return true
    end
  end
  return false
end

local function best_of(search)
  local best
  for _, trial in ipairs(search) do
    if trial.is_best == true then best = trial end
  end
  return best
end

-- The trials of a run in order: { row =, attempt =, outcome = "kept", "lost", "diverged", or
-- "best so far" of a search that is not over }.
function core.trials_of(rows)
  local list = {}
  for _, search in ipairs(searches(rows)) do
    local best, over = best_of(search), is_over(rows, search[#search])
    for _, row in ipairs(search) do
      list[#list + 1] = { row = row, attempt = attempt_of(row),
        outcome = not row.loss and "diverged" or row ~= best and "lost"
          or over and "kept" or "best so far" }
    end
  end
  return list
end

local function divergence_text(row)
  return ("attempt %d%s diverged at %s: %s"):format(row.attempt,
    row.base_lr and (" at base_lr %s"):format(core.short_number(row.base_lr)) or "",
    core.number_text(row.iter), core.divergence_words(row))
end

core.divergence_text = divergence_text

-- Attempt -> { last =, text =, trial = { base_lr =, kept =, lost = } }. last: the last iteration
-- of it that counts; text: how it ended; trial: of one that was gone back from without harm.
function core.attempts_of(rows)
  local attempts = {}
  for attempt, last in ipairs(last_kept(rows)) do attempts[attempt] = { last = last } end
  for _, row in ipairs(rows) do
    if row.event == "diverged" and row.iter then
      attempts[row.attempt].text = divergence_text(row)
    end
  end
  for _, trial in ipairs(core.trials_of(rows)) do
    local a, row = attempts[trial.attempt], trial.row
    -- One that was not gone back from is the training, which may diverge later.
    if a and row.back_to and trial.outcome ~= "diverged" then
      a.trial = { base_lr = row.base_lr, kept = trial.outcome == "kept",
                  lost = trial.outcome == "lost" }
      a.text = ("trial at %s, %s: mean loss %s"):format(core.short_number(row.base_lr),
        trial.outcome, core.short_number(row.loss))
    end
  end
  return attempts
end
