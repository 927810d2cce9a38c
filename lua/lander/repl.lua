-- repl.lua: exploring: how values are shown, errors with the user's own lines, and the
-- loop that reads, runs and prints. The command gives core.read_line.
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

function show(value, depth)
  if type(value) == "string" then return (("%q"):format(value):gsub("\\\n", "\\n")) end
  local meta = getmetatable(value)
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
  return source:find "^@lander/" ~= nil or source:find "^=%[C%]" ~= nil
end

-- The message handler of the command: the message and the user's own lines. Objects that
-- say their exit status go through as they are.
function core.traceback(message)
  if type(message) == "table" and rawget(message, "exit_status") then return message end
  local lines = { type(message) == "string" and message or core.show(message) }
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
  -- One line that only repeats the message's own place says nothing.
  if #lines == 2 and lines[1]:find(lines[2]:match "^  (.-:%d+:)", 1, true) == 1 then
    lines[2] = nil
  end
  return table.concat(lines, "\n")
end

-- ---- reading ----

-- A chunk from what was typed: as an expression first, then as a statement; or nil and
-- "more" when it is unfinished, or the error.
local function compile(text)
  local chunk = load("return " .. text, "=input", "t")
  if chunk then return chunk end
  local message
  chunk, message = load(text, "=input", "t")
  if chunk then return chunk end
  if message:find "<eof>'?$" then return nil, "more" end
  return nil, message
end

-- Reads lines until they make a chunk. nil at the end of the input, false after Ctrl-C.
local function read_chunk()
  local text = core.read_line "> "
  while text do
    local chunk, message = compile(text)
    if chunk then return chunk end
    if message ~= "more" then return nil, message end
    local more = core.read_line ">> "
    if more == nil then return nil, select(2, load(text, "=input", "t")) end
    text = more and text .. "\n" .. more
  end
  return text
end

local function print_results(count, ...)
  for i = 1, count do core.print(core.show((select(i, ...))) .. "\n") end
end

local function run(chunk)
  local results = table.pack(xpcall(chunk, core.traceback))
  if results[1] then
    results = table.pack(xpcall(print_results, core.traceback, results.n - 1,
      table.unpack(results, 2, results.n)))
  end
  if results[1] then return true end
  local failure = results[2]
  local message = type(failure) == "table" and failure.message or failure
  if message ~= "" then core.write_error(message .. "\n") end
  return false
end

-- The loop. Someone who types may go on after an error; a script that is piped in ends
-- with an error status when one of its lines failed.
function core.repl()
  local failed = false
  local typed = core.interactive()
  if typed then
    core.print(("Lander %s. help() lists what there is; Ctrl-D leaves.\n"):format(lander.version))
  end
  rawset(_G, "help", lander.help)
  repeat
    local chunk, message = read_chunk()
    if chunk then
      failed = not run(chunk) or failed
    elseif message then
      core.write_error(message .. "\n")
      failed = true
    end
  until chunk == nil and not message
  -- What a training's divergence would say is settled: the one who typed has seen it.
  core.exit_status = failed and not typed and 1 or 0
end
