-- report_head.lua: the head of a page about a run: how it ended, what was seen where it did not go
-- well, what to do next, and the numbers.
local lander = ...
local core = lander.core
core.page = core.page or {} -- report_page.lua fills it
local page = core.page

local function last_event(rows, kind)
  for i = #rows, 1, -1 do
    if rows[i].event == kind then return rows[i] end
  end
  return {}
end

core.last_event = last_event

local function count_events(rows, kind)
  local count = 0
  for _, row in ipairs(rows) do
    if row.event == kind then count = count + 1 end
  end
  return count
end

-- ---- numbers ----

local function final(rows, kind, field)
  local row = last_event(rows, kind)
  return row[field] or row[field .. "_is"]
end

local function best_accuracy(rows)
  local best
  for _, row in ipairs(rows) do
    if row.event == "test" and row.accuracy and not (best and best.accuracy >= row.accuracy) then
      best = row
    end
  end
  return best
end

-- The iteration at which the net stands, and whether it was put back there.
local function stands_at(rows)
  local stop = last_event(rows, "end")
  return stop.iter or last_event(rows, "train").iter or 0, stop.status == "diverged"
end

-- The numbers of a run, which are also compared: names and what page.show has made.
function core.run_facts(rows)
  local stop, start = last_event(rows, "end"), last_event(rows, "start")
  local iter, was_put_back = stands_at(rows)
  local list = {}
  local function add(name, value, text)
    if value ~= nil then list[#list + 1] = { name, text or page.show(value) } end
  end
  add("status", stop.status or "running or killed")
  add("iterations", was_put_back and last_event(rows, "diverged").iter or iter)
  add("loss", final(rows, "end", "loss") or final(rows, "train", "loss"))
  local tested = last_event(rows, "test").iter
  -- A test of the untrained net says nothing about one that was trained since.
  if tested and (tested > 0 or iter == 0 and not was_put_back) then
    local at = tested ~= iter and (" at %s"):format(page.show(tested)) or ""
    local loss, accuracy = final(rows, "test", "loss"), final(rows, "test", "accuracy")
    add("test loss", loss, loss and page.show(loss) .. at)
    add("test accuracy", accuracy,
      type(accuracy) == "number" and page.percent(accuracy) .. at or nil)
    local mae, r2 = final(rows, "test", "mae"), final(rows, "test", "r2")
    add("mean absolute error", mae, type(mae) == "number" and core.amount_text(mae) .. at or nil)
    add("R2", r2, type(r2) == "number" and core.share_text(r2) .. at or nil)
  end
  local best = best_accuracy(rows)
  if best and best.iter and not (was_put_back and best.iter == 0) then
    add("best accuracy", best.iter, ("%s at %s"):format(page.percent(best.accuracy),
      page.show(best.iter)))
  end
  local asked = type(start.solver) == "table" and start.solver.base_lr
  add("base_lr", stop.base_lr or asked or nil, asked and stop.base_lr and asked ~= stop.base_lr
    and ("%s, from %s"):format(page.show(stop.base_lr), page.show(asked)) or nil)
  add("retries", count_events(rows, "retry"))
  return list
end

-- What losses are to be compared with: of the run alone, since it is the same in like ones.
local function levels(rows)
  local start, list = last_event(rows, "start"), {}
  for _, level in ipairs { { "first loss", "loss" }, { "chance", "chance" } } do
    local value = start[level[2]]
    if type(value) == "number" then list[#list + 1] = { level[1], page.show(value) } end
  end
  return list
end

-- ---- words ----

local ends = { finished = "finished", diverged = "diverged", stopped = "was stopped",
               data_fault = "ended with a data fault", model_fault = "ended with a model fault",
               error = "ended with an error" }

local function status_line(rows)
  local stop = last_event(rows, "end")
  local good = stop.status == "finished" and not stop.advice
  local text = "The run " .. (ends[stop.status] or "has no end yet")
  if stop.reason and stop.reason ~= "max_iter" then
    text = ("%s (%s)"):format(text, tostring(stop.reason))
  end
  local retries = count_events(rows, "retry")
  if retries > 0 then
    text = ("%s, after %d %s"):format(text, retries, retries == 1 and "retry" or "retries")
  end
  if stop.status == "finished" and not good then text = text .. ", but not well" end
  if stop.message then text = ("%s: %s"):format(text, tostring(stop.message)) end
  return page.paragraph(text .. ".", good and "good" or "bad")
end

-- What was seen where a run diverged for good, and where its net stands.
local function seen(rows)
  local row, iter = last_event(rows, "diverged"), stands_at(rows)
  if not row.iter then return "" end
  local text = ("%s diverged at iteration %s%s: %s"):format(
    row.attempt > 1 and "Attempt " .. row.attempt or "It", page.show(row.iter),
    row.base_lr and ", at base_lr " .. core.number_text(row.base_lr) or "",
    core.divergence_words(row))
  local meaning = core.rule_meaning(row.rule)
  if meaning then text = ("%s. Rule %s: %s"):format(text, row.rule, meaning) end
  return page.paragraph(text .. ".") .. page.paragraph(iter == 0
    and "The net is what it was before the first update, so there is nothing to tell of it."
    or ("The net is what it was at iteration %s, its last good state."):format(
      page.show(iter)))
end

-- Lines of advice; a command is seen to be one.
local function advice(text)
  local parts = {}
  for line in tostring(text or ""):gmatch "[^\n]+" do
    local command = line:match "^next: (%S*lander .*)"
    parts[#parts + 1] = command and ("<p>next: <code>%s</code></p>"):format(page.escape(command))
      or page.paragraph((line:gsub("^%l", string.upper)))
  end
  return table.concat(parts)
end

local function warnings(rows)
  local parts = {}
  for _, row in ipairs(rows) do
    local text = row.event == "warning" and core.warning_words(row)
    if text then parts[#parts + 1] = page.paragraph(("Warning: %s."):format(text)) end
  end
  return table.concat(parts)
end

-- The command that began a run, and what its data are where they are known and no word of it.
local function made_by(rows)
  local command, data = core.run_command(rows), last_event(rows, "start").data
  if not command then return "" end
  local told = type(data) ~= "string" or command:find(data, 1, true)
  return ("<p>Begun by <code>%s</code>%s</p>"):format(page.escape(command),
    told and "" or (", on <code>%s</code>"):format(page.show(data)))
end

-- The head of the page of one run.
function core.report_head(rows)
  local stop, list = last_event(rows, "end"), core.run_facts(rows)
  table.move(levels(rows), 1, 2, #list + 1, list)
  return status_line(rows) .. (stop.status == "diverged" and seen(rows) or "")
    .. warnings(rows) .. advice(stop.advice) .. made_by(rows) .. page.facts(list)
end
