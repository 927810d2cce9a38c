-- show.lua: values as text, and errors with the user's own lines.
local lander = ...
local core = lander.core

-- ---- showing values ----

local MOST_ENTRIES, MOST_DEPTH, MOST_BYTES, WIDTH = 40, 2, 10000, 76
local HIDDEN = "{...}" -- a table that lies too deep

local show

-- Whether the code of this source is ours, or no Lua.
function core.is_library(source)
  return source:find "^@lander/" ~= nil or source:find "^@command/" ~= nil
    or source:find "^=%[C%]" ~= nil
end

-- A terminal obeys some letters: those, and bytes that are no letters, are written as Lua has them.
local names = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\", ["\""] = "\\\"" }

local function escape(letter)
  return names[letter] or (letter:gsub(".", function(c) return ("\\%03d"):format(c:byte()) end))
end

local function escape_invalid(text)
  local parts, at = {}, 1
  while at <= #text do
    local _, bad = utf8.len(text, at)
    parts[#parts + 1] = text:sub(at, (bad or #text + 1) - 1)
    if bad then parts[#parts + 1] = escape(text:sub(bad, bad)) end
    at = (bad or #text) + 1
  end
  return table.concat(parts)
end

-- U+0080 to U+009F are commands too.
local function harmless(text, letters)
  return (escape_invalid((text:gsub(letters, escape))):gsub("\194[\128-\159]", escape))
end

-- A text for the terminal, which may be of anybody's making: its lines stay lines.
function core.harmless(text)
  return harmless(text, "[^%C\n\t]")
end

-- Signs that turn the direction of what stands behind them, and ends of lines beyond ASCII's.
local TURNS = { "\226\128[\142\143\168-\174]", "\226\129[\166-\169]", "\216\156" }

-- A text that stands within a line, such as a name: it neither ends nor turns that, nor reaches
-- into others.
function core.harmless_word(text)
  text = harmless(core.with_few_marks(text), "%c")
  for _, turn in ipairs(TURNS) do text = text:gsub(turn, escape) end
  return text
end

local function quoted(text)
  if #text <= MOST_BYTES then return '"' .. harmless(text, '[%c"\\]') .. '"' end
  local cut = utf8.len(text) and utf8.offset(text, 0, MOST_BYTES + 1) - 1 or MOST_BYTES
  return ('"%s"... %s bytes'):format(harmless(text:sub(1, cut), '[%c"\\]'), core.count_text(#text))
end

-- Where a function is written, in place of an address.
local function function_text(f)
  local place = debug.getinfo(f, "S")
  if core.is_library(place.source) then return "function (built in)" end
  return ("function (%s:%d)"):format(place.short_src, place.linedefined)
end

local function show_key(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" then return key .. " = " end
  return "[" .. show(key, 0) .. "] = "
end

-- Keys in a steady order: numbers, then words, then the rest.
local function ordered_keys(t, length)
  local keys = {}
  for key in next, t do
    if not (math.type(key) == "integer" and key >= 1 and key <= length) then
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

-- Short ones, as many to a line as it holds.
local function filled(parts)
  local lines, line = {}, ""
  for i, part in ipairs(parts) do
    local item = part .. (i < #parts and "," or "")
    if line ~= "" and #line + 1 + #item > WIDTH - 2 then
      lines[#lines + 1], line = line, ""
    end
    line = line == "" and item or line .. " " .. item
  end
  lines[#lines + 1] = line
  return lines
end

-- As it is: nothing of the user's is called. What is within is shown to that depth.
local function show_table(t, depth)
  local length = rawlen(t)
  local keys = ordered_keys(t, length)
  local parts, count, plain, all_hidden = {}, length + #keys, #keys == 0, #keys == 0
  for i = 1, math.min(count, MOST_ENTRIES) do
    local key = i <= length and i or keys[i - length]
    local value = rawget(t, key)
    parts[i] = (i > length and show_key(key) or "") .. show(value, depth - 1)
    plain = plain and (parts[i] == HIDDEN or type(value) ~= "table" and type(value) ~= "userdata")
    all_hidden = all_hidden and parts[i] == HIDDEN
  end
  if count == 0 then return "{}" end
  if all_hidden and count > 3 then
    return ("{ %s, ... %s more }"):format(HIDDEN, core.count_text(count - 1))
  end
  if count > MOST_ENTRIES then
    parts[#parts + 1] = ("... %s more"):format(core.count_text(count - MOST_ENTRIES))
  end
  local line = "{ " .. table.concat(parts, ", ") .. " }"
  if #line <= WIDTH and not line:find "\n" then return line end
  if plain then return "{\n  " .. table.concat(filled(parts), "\n  ") .. "\n}" end
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
  ["lander.param"] = function(param)
    return ("parameter %s, %s%s"):format(param.name, core.size_text(param.data:size()),
      param.frozen and ", frozen" or "")
  end,
  ["lander.batches"] = function(batches)
    return ("batches of %s, %d samples given out"):format(core.size_text(batches:shape()),
      batches:position())
  end,
}

-- The library's own tables are lists of names.
local function show_library(value, depth)
  for path, owner in pairs { ["lander.nn"] = lander.nn, ["lander.data"] = lander.data,
                             ["lander.data.synthetic"] = lander.data.synthetic } do
    if value == owner then
      return depth < MOST_DEPTH and path
        or path .. "\n" .. core.wrapped(core.sorted_keys(value))
    end
  end
  return value == lander and ("lander %s: help lists what there is"):format(lander.version) or nil
end

-- What an object says of itself.
local function own_text(value)
  local ok, text = pcall(tostring, value)
  if ok then return text end
  return ("a %s whose __tostring failed: %s"):format(type(value),
    core.harmless(tostring(core.plain_message(text))))
end

function show(value, depth)
  local kind, meta = type(value), getmetatable(value)
  if kind == "string" then return quoted(value) end
  if kind == "function" then return function_text(value) end
  if value ~= value then return "nan" end
  if meta == core.net_metatable then
    return depth == MOST_DEPTH and value:summary(core.window and core.window(1))
      or ("net of %d layers"):format(#value:layers())
  end
  local own = type(meta) == "table" and special[meta.__name]
  if own then return own(value) end
  local text = kind == "table" and show_library(value, depth)
  if text then return text end
  if kind ~= "table" or type(meta) == "table" and meta.__tostring then return own_text(value) end
  if depth > 0 then return show_table(value, depth) end
  return next(value) == nil and "{}" or HIDDEN
end

-- A value as text: tensors and nets as they print themselves, tables a level or two deep.
function core.show(value)
  return show(value, MOST_DEPTH)
end

-- ---- errors ----

-- A function that is not there, where one of ours has that name or nearly.
local function of_function(message)
  local kind, name = message:match "attempt to call a nil value %((%a+) '([%w_]+)'%)"
  if not name then return nil end
  local known = core.help_names()
  if kind == "global" then table.move(core.sorted_keys(_G), 1, 100, #known + 1, known) end
  local near = core.nearest(name, known)
  if kind == "global" and near == name then
    local is_layer = pcall(function() return lander.nn[name] end)
    near = lander[name] and "lander." .. name or is_layer and "lander.nn." .. name or name
  end
  return near and near ~= name and ("%s, did you mean '%s'?"):format(message, near)
end

-- A model that is not there: the folders that Lua looked through are no help, the name may be.
local function of_model(message)
  local place, name = message:match "^(.-)module 'models%.([%w_.-]+)' not found:"
  if not name then return nil end
  local models = core.model_names()
  return ("%sthere is no model '%s'%s; built in are %s, and models/%s.lua is no file"):format(place,
    name, core.did_you_mean(name, models), table.concat(models, ", "), name:gsub("%.", "/"))
end

local function with_hint(message)
  return of_function(message) or of_model(message) or message
end

-- The message handler of the command: the message and the user's own lines. What was raised in
-- a line of ours names the user's, where there is one. What core.exit raises goes through as it
-- is.
function core.traceback(message)
  if core.is_exit(message) then return message end
  local plain = core.plain_message(message)
  local lines = { type(message) == "string" and core.harmless(with_hint(plain))
    or message == nil and "an error without a message" or core.show(message) }
  local level = 2
  while #lines < 12 do
    local frame = debug.getinfo(level, "Slnt")
    if not frame then break end
    if not core.is_library(frame.source) and frame.currentline > 0 then
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
