-- journal.lua: a run's journal: JSON, one object a line, one line an event.
local lander = ...
local core = lander.core

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return escapes[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local encode

-- JSON has no word for nan and inf: null takes their place, and a key beside it
-- ("loss_is": "nan") says what it was.
local function encode_object(object)
  local parts = {}
  local function add(key, value)
    if type(value) == "number" and not core.is_finite(value) then
      parts[#parts + 1] = quote(key) .. ":null"
      parts[#parts + 1] = quote(key .. "_is") .. ":" .. quote(core.number_text(value))
    else
      parts[#parts + 1] = quote(key) .. ":" .. encode(value)
    end
  end
  if object.event then add("event", object.event) end -- what it is comes first
  for _, key in ipairs(core.sorted_keys(object)) do
    if key ~= "event" then add(key, object[key]) end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

function encode(value)
  local kind = type(value)
  if kind == "number" then
    if math.type(value) == "integer" then return ("%d"):format(value) end
    if not core.is_finite(value) then return "null" end
    -- A point in any locale.
    return (("%.9g"):format(value):gsub(",", "."))
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "table" and #value > 0 then
    local items = {}
    for i, item in ipairs(value) do items[i] = encode(item) end
    return "[" .. table.concat(items, ",") .. "]"
  elseif kind == "table" then
    return encode_object(value)
  elseif kind == "nil" then
    return "null"
  end
  return quote(tostring(value))
end

core.json = encode

local Journal = {}
Journal.__index = Journal

-- Opens the journal at `path`; raises a plain message when that can't be. Without io (a
-- host's choice) there is no file and nothing is written.
function core.open_journal(path, continued)
  local journal = setmetatable({}, Journal)
  if path and rawget(_G, "io") then
    local file, message = io.open(path, continued and "a" or "w")
    if not file then error(("can't write the journal: %s"):format(message), 0) end
    journal.file, journal.path = file, path
  end
  return journal
end

-- Writes one event. A full disk is no reason to stop a training: the first failure is
-- returned, and the journal ends there.
function Journal:write(event)
  if not self.file then return end
  local ok, message = self.file:write(encode(event), "\n")
  if ok then ok, message = self.file:flush() end
  if not ok then
    self:close()
    return message
  end
end

function Journal:close()
  if self.file then self.file:close() end
  self.file = nil
end
