-- info.lua: lander info FILE: what a saved net or a snapshot holds.
local lander = ...
local core = lander.core

-- What stands in a journal in place of a loss, in words.
local function strange_text(loss, number)
  local found = type(loss) ~= "string" and "a " .. type(loss)
    or ("the text '%s'"):format(core.cut_middle(core.harmless_word(loss), 40, "..."))
  return ("the loss in line %d is %s, expected a number"):format(number, found)
end

-- What is wrong with the lines of a journal, a text each: those that are no JSON, as a run that was
-- killed or an editor leaves them, and the first loss that is no number.
local function faults_of(path)
  local broken, first, strange, number = 0, nil, nil, 0
  for line in core.read_file(path):gmatch "([^\n]*)\n?" do
    number = number + 1
    local event = line == "" and {} or core.read_event(line)
    if not event then
      broken, first = broken + 1, first or number
    elseif event.loss and type(event.loss) ~= "number" then
      strange = strange or strange_text(event.loss, number)
    end
  end
  local faults = { strange }
  if broken > 0 then
    faults[#faults + 1] = ("%s %s no JSON, the first is line %d"):format(core.count_text(broken),
      broken == 1 and "line is" or "lines are", first)
  end
  return faults
end

local function show_run(path)
  local last
  for _, event in ipairs(core.run_rows(path)) do
    local kind = event.event
    if kind == "end" or kind == "snapshot" or kind == "train" then last = event end
  end
  local parts = { core.harmless_word(path) .. ": " }
  if not last then
    parts[2] = "a journal without iterations"
  else
    local status = type(last.status) == "string" and core.harmless_word(last.status)
    parts[2] = ("%s at iteration %s, loss %s, accuracy %s"):format(status or "running or cut off",
      core.number_text(last.iter), core.number_text(last.loss),
      last.accuracy and core.share_text(last.accuracy, core.number_text(last.accuracy)) or "-")
  end
  for _, fault in ipairs(faults_of(path)) do parts[#parts + 1] = "; " .. fault end
  return table.concat(parts)
end

local MOST = 12 -- names of columns or classes

local function list_text(names)
  local text = core.harmless_word(table.concat(names, ", ", 1, math.min(#names, MOST)))
  return #names > MOST and ("%s ... (%d)"):format(text, #names) or text
end

-- Whose mean was taken out and what was divided by: "area 110.8 and 52.96, rooms 3.4 and 1.7".
local function levels_text(what, names, mean, std)
  local parts = {}
  for i = 1, math.min(#mean, MOST) do
    local name = names and names[i] or #mean > 1 and ("%s %d"):format(what, i) or what
    parts[i] = ("%s %s and %s"):format(core.harmless_word(name), core.number_text(mean[i] + 0.0),
      core.number_text(std[i] + 0.0))
  end
  return table.concat(parts, ", ") .. (#mean > MOST and (" ... (%d)"):format(#mean) or "")
end

-- What the net knows of the data that it was trained on, a line each.
local function show_known(net)
  local known, rows = core.noted_data(net), {}
  local function add(name, text) rows[#rows + 1] = text and { name, text } or nil end
  if not known then
    add("note", net:note() and list_text { net:note():match "^[^\n]*" })
  else
    local by, names = known.normalize, known.class_names
    add("data", known.data and core.harmless_word(known.data))
    add("inputs", known.columns and list_text(known.columns))
    add("target", known.targets and list_text(known.targets))
    add("classes", names and ("%d: %s"):format(#names, list_text(names)))
    add("mean, deviation", by and levels_text("input", known.columns, by.mean, by.std))
    add("of the target", by and by.y_mean
      and levels_text("target", known.targets, by.y_mean, by.y_std))
    add("trained on", known.crop and "parts of pictures, at random places")
  end
  return #rows > 0 and "\n" .. table.concat(core.columns(rows, {}), "\n") or ""
end

local function show_net(path)
  local kind = core.is_snapshot(path) and "a snapshot (resume = goes on with it)"
    or "a saved net (lander.load reads it)"
  local net = lander.load(path)
  return ("%s: %s\n%s%s"):format(core.harmless_word(path), kind, net:summary(), show_known(net))
end

local function check(path)
  if core.commands.is_model(path) then
    core.exit(2, ("%s is a model, no file: lander summary %s shows its layers, lander help %s "
      .. "tells about it"):format(path, path, path))
  end
  core.commands.check_file(path)
  if not (path:find "%.npz$" or path:find "%.jsonl$") then
    core.exit(2, ("%s: info is for saved nets and snapshots (.npz) and journals (.jsonl)"):format(
      path))
  end
end

return {
  usage = "info FILE ...", help = "what a saved net, a snapshot or a journal (.jsonl) holds",
  least = 1, most = math.huge,
  run = function(opt)
    for _, path in ipairs(opt) do check(path) end
    for _, path in ipairs(opt) do
      core.print((path:find "%.jsonl$" and show_run or show_net)(path) .. "\n")
    end
  end,
}
