-- json.lua: JSON, for the journal of a run and the notes in snapshots.
local lander = ...
local core = lander.core

-- ---- writing ----

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(c)
    return escapes[c] or ("\\u%04x"):format(c:byte())
  end) .. '"'
end

local encode

-- JSON has no word for nan and inf: null takes their place, and a key beside it
-- ("loss_is": "nan") says what it was.
local function encode_object(object, exact)
  local parts = {}
  local function add(key, value)
    if type(value) == "number" and not core.is_finite(value) then
      parts[#parts + 1] = quote(key) .. ":null"
      parts[#parts + 1] = quote(key .. "_is") .. ":" .. quote(core.number_text(value))
    else
      parts[#parts + 1] = quote(key) .. ":" .. encode(value, exact)
    end
  end
  if object.event then add("event", object.event) end -- what it is comes first
  for _, key in ipairs(core.sorted_keys(object)) do
    if key ~= "event" then add(key, object[key]) end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- A point in any locale. Nine digits for people, up to seventeen where the same bits matter.
local function encode_number(value, exact)
  if math.type(value) == "integer" then return ("%d"):format(value) end
  if not core.is_finite(value) then return "null" end
  local text = (exact and "%.15g" or "%.9g"):format(value)
  if exact and tonumber(text) ~= value then text = ("%.17g"):format(value) end
  return (text:gsub(",", "."))
end

function encode(value, exact)
  local kind = type(value)
  if kind == "number" then return encode_number(value, exact) end
  if kind == "boolean" then return tostring(value) end
  if kind == "nil" then return "null" end
  if kind ~= "table" then return quote(tostring(value)) end
  if #value == 0 then return encode_object(value, exact) end
  local items = {}
  for i, item in ipairs(value) do items[i] = encode(item, exact) end
  return "[" .. table.concat(items, ",") .. "]"
end

-- A value as JSON on one line. `exact`: numbers read back with the same bits.
core.json = encode

-- ---- reading ----

local decode

local MOST_DEPTH = 100 -- tables in tables; what nests deeper is nothing that we wrote

local words = { ["true"] = true, ["false"] = false }
local letters = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function fail(text, at, wanted)
  local found = at > #text and "the end" or ("'%s'"):format(text:sub(at, at + 9))
  error(("JSON: expected %s at byte %d, found %s"):format(wanted, at, found), 0)
end

local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

-- What lies beyond 16 bits is written as two surrogates (RFC 8259, section 7), which make one
-- character; one alone makes none.
local function join_surrogates(text)
  return (text:gsub("\xed([\xa0-\xaf])(.)\xed([\xb0-\xbf])(.)", function(...)
    local a, b, c, d = string.byte(table.concat { ... }, 1, 4)
    return utf8.char(0x10000 + ((a & 15) << 16 | (b & 63) << 10 | (c & 15) << 6 | d & 63))
  end):gsub("\xed[\xa0-\xbf].", "\u{fffd}"))
end

local function unescape(piece)
  return join_surrogates(piece:gsub("\\(.)(%x?%x?%x?%x?)", function(c, hex)
    if c == "u" and #hex == 4 then return utf8.char(tonumber(hex, 16)) end
    return (letters[c] or c) .. hex
  end))
end

local function decode_string(text, at)
  local stop = at + 1
  while true do
    stop = text:find('["\\]', stop)
    if not stop then fail(text, #text + 1, "the end of a text") end
    if text:byte(stop) == 34 then break end
    stop = stop + 2
  end
  return unescape(text:sub(at + 1, stop - 1)), stop + 1
end

-- Entries up to `close`; `entry` reads one and returns where it ends.
local function decode_entries(text, at, close, entry)
  at = skip(text, at + 1)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = skip(text, entry(at))
    local mark = text:sub(at, at)
    if mark == close then return at + 1 end
    if mark ~= "," then fail(text, at, ("',' or '%s'"):format(close)) end
    at = skip(text, at + 1)
  end
end

local function decode_list(text, at, depth)
  local list, count = {}, 0
  local stop = decode_entries(text, at, "]", function(from)
    local value, past = decode(text, from, depth)
    count = count + 1
    list[count] = value
    return past
  end)
  return list, stop
end

local function decode_object(text, at, depth)
  local object = {}
  local stop = decode_entries(text, at, "}", function(from)
    if text:sub(from, from) ~= '"' then fail(text, from, "a name in quotes") end
    local key, past = decode_string(text, from)
    past = skip(text, past)
    if text:sub(past, past) ~= ":" then fail(text, past, "':'") end
    object[key], past = decode(text, skip(text, past + 1), depth)
    return past
  end)
  return object, stop
end

local function decode_word(text, at)
  local word = text:match("^%a+", at)
  if word == "null" then return nil, at + 4 end
  if words[word] ~= nil then return words[word], at + #word end
  local digits = text:match("^-?%d[%d.eE+-]*", at)
  local number = digits and tonumber(digits)
  if not number then fail(text, at, "a value") end
  return number, at + #digits
end

function decode(text, at, depth)
  if depth == 0 then fail(text, at, "fewer tables in tables") end
  local mark = text:sub(at, at)
  if mark == "{" then return decode_object(text, at, depth - 1) end
  if mark == "[" then return decode_list(text, at, depth - 1) end
  if mark == '"' then return decode_string(text, at) end
  return decode_word(text, at)
end

-- The value that a text holds; raises a message that names the place where it is no JSON.
-- null is nil. Nothing in it is ever run.
function core.read_json(text)
  local value, at = decode(text, skip(text, 1), MOST_DEPTH)
  at = skip(text, at)
  if at <= #text then fail(text, at, "nothing more") end
  return value
end
