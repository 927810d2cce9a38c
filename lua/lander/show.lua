-- show.lua: values as text, and errors with the user's own lines.
local lander = ...
local core = lander.core

-- ---- showing values ----

local MOST_ENTRIES, MOST_DEPTH = 40, 2

local show

local function show_key(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return key .. " = " end
  return "[" .. show(key, 0) .. "] = "
end

-- Keys in a steady order: numbers, then words, then the rest.
local function ordered_keys(t)
  local keys = {}
  for key in pairs(t) do
    if not (math.type(key) == "integer" and key >= 1 and key <= #t) then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, function(a, b)
    local ta, tb = type(a), type(b)
    if ta ~= tb then return ta < tb end
    if ta == "number" or ta == "string" then return a < b end
    return tostring(a) < tostring(b)
  end)
  return keys
end

local function indented(text)
  return (text:gsub("\n", "\n  "))
end

local function show_table(t, depth)
  local parts, left = {}, MOST_ENTRIES
  local function add(text)
    if left > 0 then parts[#parts + 1] = text end
    left = left - 1
  end
  for i = 1, math.min(#t, MOST_ENTRIES + 1) do add(show(t[i], depth - 1)) end
  for _, key in ipairs(ordered_keys(t)) do add(show_key(key) .. show(t[key], depth - 1)) end
  if left < 0 then parts[#parts + 1] = "..." end
  if #parts == 0 then return "{}" end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line <= 76 and not line:find "\n" then return line end
  for i, part in ipairs(parts) do parts[i] = "  " .. indented(part) end
  return "{\n" .. table.concat(parts, ",\n") .. "\n}"
end

-- What would be an address: the parameters of a net, batches, the module itself.
local special = {
  ["lander.params"] = function(params)
    local rows = {}
    for i = 1, #params do
      rows[i] = { params[i].name, core.size_text(params[i].data:size()) }
    end
    return table.concat(core.columns(rows, {}), "\n")
  end,
  ["lander.batches"] = function(batches)
    return ("batches of %s, %d samples given out"):format(core.size_text(batches:shape()),
      batches:position())
  end,
}

function show(value, depth)
  if value == lander then
    return ("lander %s: help lists what there is"):format(lander.version)
  end
  if type(value) == "string" then return (("%q"):format(value):gsub("\\\n", "\\n")) end
  if value ~= value then return "nan" end
  local meta = getmetatable(value)
  if meta == core.net_metatable then return value:summary(core.window and core.window(1)) end
  local own = type(meta) == "table" and special[meta.__name]
  if own then return own(value) end
  if type(value) ~= "table" or type(meta) == "table" and meta.__tostring then
    return tostring(value)
  end
  return depth > 0 and show_table(value, depth) or "{...}"
end

-- A value as text: tensors and nets as they print themselves, tables a level or two deep.
function core.show(value)
  return show(value, MOST_DEPTH)
end

-- ---- errors ----

local function is_library(source)
  return source:find "^@lander/" ~= nil or source:find "^@command/" ~= nil
    or source:find "^=%[C%]" ~= nil
end

-- A function that is not there, where one of ours has nearly that name.
local function with_hint(message)
  local name = message:match "attempt to call a nil value %(%a+ '([%w_]+)'%)"
  local near = name and core.nearest(name, core.help_names())
  return near and near ~= name and ("%s, did you mean '%s'?"):format(message, near) or message
end

-- The message handler of the command: the message and the user's own lines. What was raised in
-- a line of ours names the user's, where there is one. Objects that say their exit status go
-- through as they are.
function core.traceback(message)
  if type(message) == "table" and rawget(message, "exit_status") then return message end
  local plain = core.plain_message(message)
  local lines = { type(message) == "string" and with_hint(plain) or core.show(message) }
  local level = 2
  while #lines < 12 do
    local frame = debug.getinfo(level, "Slnt")
    if not frame then break end
    if not is_library(frame.source) and frame.currentline > 0 then
      local where = frame.what == "main" and "the main part"
        or frame.name and ("function '%s'"):format(frame.name)
        or ("the function of line %d"):format(frame.linedefined)
      lines[#lines + 1] = ("  %s:%d: in %s"):format(frame.short_src, frame.currentline, where)
    end
    level = level + 1
  end
  if plain ~= message and lines[2] then
    lines[1] = ("%s %s"):format(lines[2]:match "^  (.-:%d+:)", plain)
  end
  -- One line that only repeats the message's own place says nothing.
  if #lines == 2 and lines[1]:find(lines[2]:match "^  (.-:%d+:)", 1, true) == 1 then
    lines[2] = nil
  end
  return table.concat(lines, "\n")
end
