-- plot_runs.lua: a run's rows in the order in which they came, from the table that lander.train
-- returns or from a journal.
local lander = ...
local core = lander.core

local MOST_ATTEMPTS = 1000

local numbers = { "iter", "loss", "rate", "accuracy", "back_to", "base_lr", "value",
                  "baseline", "distance" }

-- A list of values of that type, where it is one.
local function clean_list(list, kind)
  if type(list) ~= "table" then return nil end
  for _, value in ipairs(list) do
    if type(value) ~= kind then return nil end
  end
  return list
end

-- What may be a table in a row.
local lists = { solver = true, before = true, command = true }

-- A journal is a file like others: what its rows hold is of the kind that is expected here, or
-- gone.
local function clean(row)
  row.before = clean_list(row.before, "number") -- the losses before a divergence
  row.command = clean_list(row.command, "string")
  for key, value in pairs(row) do
    if type(value) == "table" and not lists[key] then row[key] = nil end
  end
  for _, key in ipairs(numbers) do
    if type(row[key]) ~= "number" then row[key] = nil end
  end
  local attempt = math.tointeger(row.attempt)
  row.attempt = attempt and attempt >= 1 and attempt <= MOST_ATTEMPTS and attempt or 1
  return row
end

-- Rows that come again behind the `start` of a resumed run: all since its snapshot. Where that
-- has no row (a journal that began later), those with a larger iteration.
local function forget_after(rows, iter)
  for i = #rows, 1, -1 do
    if rows[i].event == "snapshot" and rows[i].iter == iter then
      return table.move(rows, 1, i, 1, {})
    end
  end
  local kept = {}
  for _, row in ipairs(rows) do
    if not (row.iter and row.iter > iter) then kept[#kept + 1] = row end
  end
  return kept
end

-- The rows of a journal without those that a resumed run made a second time; whether there were.
local function without_repeats(events)
  local rows, repeats = {}, false
  for _, event in ipairs(events) do
    clean(event)
    if event.event == "start" and event.resumed and event.iter then
      rows, repeats = forget_after(rows, event.iter), true
    end
    rows[#rows + 1] = event
  end
  return rows, repeats
end

local function read_journal(path, thinned)
  local events, count = core.read_journal(path, thinned)
  if not events then events, count = core.read_journal(path .. ".jsonl", thinned) end
  return events, count
end

-- The rows of a run: { event =, iter =, attempt =, ... }. thinned: of many those that a picture
-- shows; then how many rows of a training there are is returned too, false where nobody knows.
function core.run_rows(run, thinned)
  if type(run) == "string" then
    local events, count = read_journal(run, thinned)
    if not events then
      error(("there is no journal '%s' (lander.train writes <snapshot_prefix>.jsonl)"):format(run),
        0)
    elseif #events == 0 then
      error(("'%s' is no journal of a run: no line of it is a JSON object"):format(run), 0)
    end
    local rows, repeats = without_repeats(events)
    return rows, not (count and repeats) and count
  end
  local rows = {}
  for _, list in ipairs { run.history or {}, run.events or {} } do
    for _, row in ipairs(list) do
      rows[#rows + 1] = row
    end
  end
  if thinned then return core.thinned_rows(rows) end
  return rows
end

-- What a run is called: as its files are.
function core.run_name(run, number)
  local path = type(run) == "string" and run or run.path
  local name = path and path:gsub("^.*/", ""):gsub("%.jsonl$", ""):gsub("%.npz$", "")
  return name and name ~= "" and name or ("run %d"):format(number)
end
