-- report_attempts.lua: what a page tells of the attempts of a run: what became of each, and which
-- rate it had.
local lander = ...
local core = lander.core
core.page = core.page or {} -- report_page.lua fills it
local page = core.page

local MOST_TOLD = 60 -- attempts

local function last_of(rows, event, attempt)
  for i = #rows, 1, -1 do
    if rows[i].event == event and rows[i].attempt == attempt then return rows[i] end
  end
end

local function diverged_words(row)
  if not row.rule then return "gone back from" end
  return ("diverged (%s)"):format(core.rule_words(row))
end

-- { base_lr =, iter =, loss =, text = } of an attempt from which the run went back.
local function gone_back(rows, attempt, trial)
  local diverged = last_of(rows, "diverged", attempt) or {}
  if trial and trial.outcome ~= "diverged" then
    return { base_lr = trial.row.base_lr, iter = trial.row.iter, loss = trial.row.loss,
             text = "trial, " .. trial.outcome }
  end
  return { base_lr = diverged.base_lr or trial and trial.row.base_lr,
           iter = diverged.iter or trial and trial.row.iter,
           loss = core.row_value(diverged, "loss"),
           text = (trial and "trial, " or "") .. diverged_words(diverged) }
end

-- Of the last one, which the run ended with; or runs, or was killed with.
local function last_one(rows, attempt, trial)
  local stop = last_of(rows, "end", attempt)
  local train, diverged = last_of(rows, "train", attempt) or {}, last_of(rows, "diverged", attempt)
  local kept = trial and ("trial, %s; "):format(trial.outcome) or ""
  if not stop then
    return { iter = train.iter, loss = core.row_value(train, "loss"), text = kept .. "no end yet" }
  elseif stop.status == "diverged" and diverged then
    return { base_lr = diverged.base_lr, iter = diverged.iter,
             loss = core.row_value(diverged, "loss"), text = kept .. diverged_words(diverged) }
  end
  return { base_lr = stop.base_lr, iter = stop.iter, loss = core.row_value(stop, "loss"),
           text = kept .. tostring(stop.status):gsub("_", " ") }
end

-- Attempt -> what there is to tell of it, in order.
local function tell(rows)
  local most, trials, backs, rates, list = 1, {}, {}, {}, {}
  for _, row in ipairs(rows) do
    most = math.max(most, row.attempt)
    -- Both have the number of what follows.
    if (row.event == "retry" or row.event == "trial") and row.back_to then
      backs[row.attempt - 1] = row.back_to
    end
    if row.event == "retry" then rates[row.attempt] = row.base_lr end
  end
  for _, trial in ipairs(core.trials_of(rows)) do trials[trial.attempt] = trial end
  for attempt = 1, most do
    local make = attempt < most and gone_back or last_one
    list[attempt] = make(rows, attempt, trials[attempt])
    list[attempt].back_to = backs[attempt]
    list[attempt].base_lr = list[attempt].base_lr or rates[attempt]
  end
  return list
end

local function diverged_text(list)
  for _, told in ipairs(list) do
    if told.text:find "diverged" then
      return "In the curves what diverged is dashed and ends in a cross; where that is above the "
        .. "picture, an arrow tells. "
    end
  end
  return ""
end

local function trials_text(rows)
  if #core.trials_of(rows) == 0 then return "" end
  return "After a new start rates are compared, each from the start on the same data: these are "
    .. "trials, whose loss here is the mean of their second half. From the one that was kept the "
    .. "training went on; in the curves those that lost are dotted. "
end

-- The table of attempts; nil where there was one.
function core.report_attempts(rows)
  local list, lines = tell(rows), {}
  if #list == 1 then return nil end -- the page is about it
  for i, told in ipairs(list) do
    lines[i] = { page.show(i), page.show(told.base_lr), page.show(told.iter), page.show(told.loss),
                 page.escape(told.text), page.show(told.back_to) }
  end
  for i = #lines, MOST_TOLD + 1, -1 do lines[i] = nil end
  return page.paragraph((diverged_text(list) .. trials_text(rows) .. core.rules_text(rows)))
    .. page.table("Attempts", { { "attempt", number = true }, { "base_lr", number = true },
      { "up to iteration", number = true }, { "loss", number = true },
      { "what became of it", words = true },
      { "then back to", number = true } }, lines, true)
end

-- What became of the attempt that a row is of, where the run went back from it.
function core.fate_of(attempt)
  if not attempt.text then return "" end
  if not attempt.trial then return "diverged" end
  return attempt.trial.kept and "trial, kept" or attempt.trial.lost and "trial, lost" or "trial"
end
