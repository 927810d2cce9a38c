-- plot_legend.lua: what a plot's legend says, the same in the terminal and in a picture.
--
-- An entry is { text =, short =, curve = number } or { text =, short =, draw = }, where draw is
-- "diverged" (a dashed line), "ended" (one that ends in a cross), "bad" (a cross alone), "trial"
-- (a dotted line), "up" or "down" (an arrow), "none" (no sign). short: what stands there where
-- text is too long.
local lander = ...
local core = lander.core

-- A text as lines that fit, as fits(text) tells, broken behind commas; nil where it can't be.
function core.wrap_at_commas(text, fits)
  local lines, line = {}, nil
  for part in text:gsub(", ", ",\0"):gmatch "[^\0]+" do
    local longer = line and line .. " " .. part or part
    if fits(longer) then
      line = longer
    elseif line and fits(part) then
      lines[#lines + 1], line = line, part
    else
      return nil
    end
  end
  lines[#lines + 1] = line
  return lines
end

local MOST_NAMED = 3 -- attempts, trials, marks that are told one by one
local MOST_OWNERS = 6 -- curves, each of which has a line for those

local function any_diverged(curves)
  for _, curve in ipairs(curves) do
    for _, stretch in ipairs(curve.stretches) do
      if stretch.gone == "diverged" then return true end
    end
  end
  return false
end

-- Whether more of a stretch is in the picture than where it leaves the curve.
local function is_seen(stretch, y)
  for k = math.min(2, #stretch.y), #stretch.y do
    local v = stretch.y[k]
    if core.scale_holds(y, v) and not core.is_above(y, v) and not core.is_below(y, v) then
      return true
    end
  end
end

-- The rates of trials that are in the picture, in order, each once, and whether all lost.
local function trials_of(curves, y)
  local rates, seen, lost = {}, {}, true
  for _, curve in ipairs(curves) do
    for _, stretch in ipairs(curve.stretches) do
      local trial = stretch.trial
      if trial and is_seen(stretch, y) then
        local rate = core.short_number(trial.base_lr)
        if not seen[rate] then rates[#rates + 1] = rate end
        seen[rate], lost = true, lost and trial.lost
      end
    end
  end
  return rates, lost
end

-- trial at 0.003, lost
local function add_trials(entries, curves, y)
  local rates, lost = trials_of(curves, y)
  if #rates == 0 then return end
  local short = #rates == 1 and "trial" or "trials"
  local text = #rates > MOST_NAMED and ("trials of %d rates"):format(#rates)
    or ("%s at %s"):format(short, table.concat(rates, ", "))
  entries[#entries + 1] = { draw = "trial", short = short,
    text = text .. (lost and ", lost" or "") }
end

local function marks_of(curves, diverged)
  local list, owners = {}, 0
  for _, curve in ipairs(curves) do
    local before = #list
    for _, mark in ipairs(curve.marks) do
      if (mark.diverged or false) == diverged then list[#list + 1] = mark end
    end
    if #list > before then owners = owners + 1 end
  end
  return list, owners
end

-- Whether the legend tells all divergences one by one.
function core.legend_names_marks(curves)
  local list, owners = marks_of(curves, true)
  return owners <= 1 and #list <= MOST_NAMED
end

-- Of several curves that diverged each has a line: diverged at 4 (nan), 7 (45,024) and so on.
local function add_each(entries, curves)
  for i, curve in ipairs(curves) do
    local list, named = marks_of({ curve }, true), {}
    for k = 1, math.min(#list, MOST_NAMED) do named[k] = list[k].short end
    if #list > 0 then
      local more = #list > MOST_NAMED and (" and %d more"):format(#list - MOST_NAMED) or ""
      entries[#entries + 1] = { draw = any_diverged { curve } and "ended" or "bad",
        of = #curves > 1 and i or nil,
        text = ("diverged at %s%s"):format(table.concat(named, ", "), more),
        short = ("diverged %d times"):format(#list) }
    end
  end
end

-- diverged at 4 (nan), 7 (45,024); or: nan at 3, inf at 7; or how often.
local function add_marks(entries, curves, diverged, word)
  local list, owners = marks_of(curves, diverged)
  local lines = diverged and any_diverged(curves)
  if #list == 0 then
    if lines then entries[#entries + 1] = { draw = "diverged", text = word } end
    return
  end
  local named, short = {}, #list > 1 and ("%d %s"):format(#list, word) or word
  local often = ("%s%s"):format(word, #list > 1 and (" %d times"):format(#list) or "")
  if owners == 1 and #list <= MOST_NAMED then
    for i, mark in ipairs(list) do named[i] = mark.short or mark.text end
  end
  local text = #named > 0 and (diverged and word .. " at " or "") .. table.concat(named, ", ")
  entries[#entries + 1] = { draw = lines and "ended" or "bad", text = text or often,
    short = short }
end

-- Whether the marks that are told one by one have told this value.
local function is_told(curves, value)
  local list, owners = marks_of(curves, true)
  for _, mark in ipairs(list) do
    if mark.y == value then return owners == 1 and #list <= MOST_NAMED end
  end
end

local function add_beyond(entries, curves, y)
  local far = {}
  far.up, far.down = core.plot_beyond(curves, y)
  for _, side in ipairs { "up", "down" } do
    if far[side] and not is_told(curves, far[side]) then
      local short = "left the picture"
      entries[#entries + 1] = { draw = side, short = short,
        text = ("%s, %s to %s"):format(short, side, core.short_number(far[side])) }
    end
  end
end

-- The entries of curves over an axis of y. label: what that axis is called; one curve of that
-- name needs no entry. each: of few curves each has a line for its divergences (of = the curve).
function core.legend_entries(curves, y, label, each)
  local entries = {}
  for i, curve in ipairs(curves) do
    if curve.name and (#curves > 1 or curve.name ~= label) then
      entries[#entries + 1] = { text = curve.name, curve = i }
    end
  end
  local _, owners = marks_of(curves, true)
  if each and not core.legend_names_marks(curves) and owners <= MOST_OWNERS then
    add_each(entries, curves)
  else
    add_marks(entries, curves, true, "diverged")
  end
  add_trials(entries, curves, y)
  add_marks(entries, curves, false, "not finite")
  add_beyond(entries, curves, y)
  local placeless = core.count_placeless(curves, y)
  if placeless > 0 then
    entries[#entries + 1] = { draw = "none", short = "not above 0", text =
      ("%s not above 0, without a logarithm"):format(core.count_text(placeless)) }
  end
  return entries
end
