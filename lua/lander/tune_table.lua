-- tune_table.lua: what lander.tune found: sorted, as a text, as .csv; and as .jsonl, from which
-- a search goes on.
local lander = ...
local core = lander.core

-- ---- the order ----

local higher_is_better = { accuracy = true, loss = false, test_loss = false }
local place = { done = 1, diverged = 2, failed = 3 }

core.tune_metrics = higher_is_better

-- Whether row a comes before row b: by what became of them, how much of the budget they were
-- given, and the result; equal ones in the order of their trials.
function core.tune_before(metric, a, b)
  if a.status ~= b.status then return place[a.status] < place[b.status] end
  if a.rung ~= b.rung then return a.rung > b.rung end
  if a.value ~= b.value then
    if higher_is_better[metric] then return a.value > b.value end
    return a.value < b.value
  end
  return a.trial < b.trial
end

-- ---- as a text ----

function core.options_text(options)
  local parts = {}
  for i, name in ipairs(core.sorted_keys(options)) do
    parts[i] = ("%s %s"):format(name, core.value_text(options[name]))
  end
  return table.concat(parts, ", ")
end

local function is_better_outside(axis, value)
  local low, high = axis.low, axis.high
  if axis.list then
    for _, item in ipairs(axis.list) do
      if type(item) ~= "number" then return nil end
      low, high = math.min(low or item, item), math.max(high or item, item)
    end
  end
  if low == high then return nil end
  local part = (value - low) / (high - low)
  if axis.log then part = math.log(value / low) / math.log(high / low) end
  local margin = axis.list and 0 or 0.05
  return part <= margin and "lowest" or part >= 1 - margin and "highest" or nil
end

-- What a best one at the edge of what was searched means.
local function edges(result)
  local lines = {}
  for _, axis in ipairs(result.axes) do
    local value = result.best.options[axis.name]
    local which = is_better_outside(axis, value)
    if which then
      lines[#lines + 1] = ("%s = %s is at the %s end of what was searched: look further there")
        :format(axis.name, core.value_text(value), which)
    end
  end
  return lines
end

-- Why trials failed, each reason once.
local function failures(result)
  local trials, reasons = {}, {}
  for _, row in ipairs(result.trials) do
    if row.status == "failed" then
      if not trials[row.reason] then
        trials[row.reason], reasons[#reasons + 1] = {}, row.reason
      end
      table.insert(trials[row.reason], tostring(row.trial))
    end
  end
  for i, reason in ipairs(reasons) do
    local of = trials[reason]
    reasons[i] = ("trial%s %s failed: %s"):format(#of > 1 and "s" or "", table.concat(of, ", "),
      reason)
  end
  return reasons
end

local function text(result)
  local names, rows, right = result.names, {}, {}
  local head = { "trial" }
  table.move(names, 1, #names, 2, head)
  if result.has_budget then head[#head + 1] = "budget" end
  for _, name in ipairs { result.metric, "status", "iter", "retries", "seconds" } do
    head[#head + 1] = name
  end
  for i in ipairs(head) do right[i] = head[i] ~= "status" end
  rows[1] = head
  for _, row in ipairs(result.trials) do
    local cells = { tostring(row.trial) }
    for _, name in ipairs(names) do cells[#cells + 1] = core.value_text(row.options[name]) end
    if result.has_budget then cells[#cells + 1] = core.value_text(row.budget) end
    for _, cell in ipairs { core.number_text(row.value), row.status, tostring(row.iter or "-"),
                            tostring(row.retries or "-"), ("%.1f"):format(row.seconds) } do
      cells[#cells + 1] = cell
    end
    rows[#rows + 1] = cells
  end
  local lines = core.columns(rows, right)
  for _, line in ipairs(failures(result)) do lines[#lines + 1] = line end
  lines[#lines + 1] = core.tune_summary(result)
  return table.concat(lines, "\n")
end

-- The last lines: how many of what, the best, and whether it lies at an edge.
function core.tune_summary(result)
  local lines = { ("%d trials: %d done, %d diverged, %d failed"):format(#result.trials,
    result.done, result.diverged, result.failed) }
  if result.best then
    lines[2] = ("best: trial %d, %s: %s %s"):format(result.best.trial,
      core.options_text(result.best.options), result.metric, core.number_text(result.best.value))
    for _, line in ipairs(edges(result)) do lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n")
end

-- ---- the result ----

-- The rows, one for each trial (the last that it came to), sorted; and what is told about them.
function core.tune_result(t)
  local result = { metric = t.metric, names = {}, axes = t.axes, trials = {},
                   has_budget = t.rungs[1] ~= false, done = 0, diverged = 0, failed = 0 }
  for i, axis in ipairs(t.axes) do result.names[i] = axis.name end
  for trial = 1, #t.candidates do
    local last
    for rung = 1, #t.rungs do last = t.rows[rung][trial] or last end
    if last then
      result.trials[#result.trials + 1] = last
      result[last.status] = result[last.status] + 1
    end
  end
  table.sort(result.trials, function(a, b) return core.tune_before(t.metric, a, b) end)
  local first = result.trials[1]
  result.best = first and first.status == "done" and first or nil
  return setmetatable(result, { __tostring = text })
end

-- ---- .csv ----

local function cell(value)
  if value == nil then return "" end
  if type(value) == "number" then return core.json(value, true) end
  local plain = type(value) == "table" and core.value_text(value) or tostring(value)
  return plain:find '[",\r\n]' and '"' .. plain:gsub('"', '""') .. '"' or plain
end

local columns = { "status", "value", "iter", "loss", "test_loss", "accuracy", "retries",
                  "lr_scale", "seconds", "reason" }

-- The table as comma-separated values (RFC 4180), a line for each trial under one with names.
function core.tune_csv(result)
  local head = { "trial", "rung", "budget" }
  table.move(result.names, 1, #result.names, #head + 1, head)
  table.move(columns, 1, #columns, #head + 1, head)
  for i, name in ipairs(head) do head[i] = cell(name) end
  local lines = { table.concat(head, ",") }
  for _, row in ipairs(result.trials) do
    local cells = { cell(row.trial), cell(row.rung), cell(row.budget) }
    for _, name in ipairs(result.names) do cells[#cells + 1] = cell(row.options[name]) end
    for _, name in ipairs(columns) do cells[#cells + 1] = cell(row[name] or row[name .. "_is"]) end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

-- ---- .jsonl ----

-- What there is of a value that JSON has words for.
local function plain(value)
  local kind = type(value)
  if kind ~= "table" then
    return (kind == "number" or kind == "string" or kind == "boolean") and value or nil
  end
  local result = {}
  for key, item in pairs(value) do result[key] = plain(item) end
  return result
end

-- What of a search must be the same for its trials to be the same. Drawn trials are the first
-- of a list without end, so there may be more of them later.
function core.tune_definition(t)
  local search = {}
  for _, axis in ipairs(t.axes) do
    search[axis.name] = axis.list or { low = axis.low, high = axis.high, log = axis.log,
                                       points = axis.points }
  end
  return { event = "tune", search = search, method = t.method, metric = t.metric,
           seed = t.method ~= "grid" and t.seed or nil,
           budget = t.rungs[1] and t.rungs or nil,
           trials = t.method == "halving" and #t.candidates or nil,
           command = core.tuned, -- of `lander tune`: what is trained, and with which other words
           -- What is searched has no say there.
           options = plain(core.lay_over(t.base, t.candidates[1])) }
end

-- Leaves of tables in tables by their full names, as JSON.
local function flatten(value, name, found)
  if type(value) == "table" and #value == 0 then
    for key, item in pairs(value) do flatten(item, name and name .. "." .. key or key, found) end
  else
    found[name] = core.json(value, true)
  end
  return found
end

-- In which words two searches differ, for people; "" when they do not.
local function differences(before, now)
  before, now = flatten(before, nil, {}), flatten(now, nil, {})
  local names = {}
  for name in pairs(before) do names[name] = true end
  for name in pairs(now) do names[name] = true end
  local parts = {}
  for _, name in ipairs(core.sorted_keys(names)) do
    if before[name] ~= now[name] then
      parts[#parts + 1] = ("%s was %s, is now %s"):format(name, before[name] or "not given",
        now[name] or "not given")
    end
  end
  return table.concat(parts, "; ")
end

local function check_row(t, row)
  return row.event == "trial" and place[row.status] and t.rows[row.rung]
    and t.candidates[row.trial] and (row.status ~= "done" or type(row.value) == "number")
end

-- Whether a trial of the journal has come to something: a search that failed as a whole, by a
-- misspelled name say, is none to go on with.
local function has_result(events)
  for _, event in ipairs(events) do
    if event.event ~= "tune" and event.status ~= "failed" then return true end
  end
  return false
end

-- The rows that a journal has, into t.rows; whether there is one.
function core.tune_read(t, path)
  local events = core.read_journal(path)
  if not events or #events == 0 then return false end
  local definition = core.read_json(core.json(core.tune_definition(t), true))
  local what = events[1].event == "tune" and differences(events[1], definition)
    or "it is no journal of lander.tune"
  if what ~= "" then
    if events[1].event == "tune" and not has_result(events) then return false end
    core.tune_fail("%s has another search: %s (%s begins anew, another prefix keeps both)", path,
      what, core.running_command and "--no-resume" or "resume = false")
  end
  for i = 2, #events do
    local row = events[i]
    if check_row(t, row) then
      local again = t.again and row.status == "failed"
      row.options = t.candidates[row.trial]
      t.rows[row.rung][row.trial] = not again and row or nil
    end
  end
  return true
end
