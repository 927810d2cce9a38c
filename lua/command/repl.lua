-- repl.lua: exploring: the loop that reads, runs and prints.
--
-- `_` is the last result; a `;` at the end of a line is quiet; a line that begins with a colon
-- is a word to the REPL itself (:help lists them). core.read_line is the command's.
local lander = ...
local core = lander.core
local hints = core.load_source "command/hints.lua"(lander)

local CONTINUED = ">> "
local PROMPT = "> "

-- ---- reading ----

-- `x = 5; x` as a chunk that gives x; nil: it is nothing of that kind.
local function value_at_end(text)
  for at in text:gmatch "();" do
    local value = text:sub(at + 1)
    local chunk = value:find "%S" and load(text:sub(1, at) .. "return " .. value, "=input", "t")
    if chunk then return chunk end
  end
end

-- A chunk from what was typed: as an expression first, then as a statement; or nil and
-- "more" when it is unfinished, or the error. `= x` is how older Luas were asked for x.
local function compile(text)
  text = text:gsub("^%s*=%f[^=]", "", 1)
  local chunk, wanted = load("return " .. text, "=input", "t")
  if chunk then return chunk end
  local message
  chunk, message = load(text, "=input", "t")
  if chunk then return chunk end
  if message:find "<eof>'?$" then return value_at_end(text) or nil, "more" end
  if wanted:find "<eof>'?$" then return nil, "more" end -- an expression, such as { 1,
  return nil, message
end

-- The line without a `;` at its end, and whether there was one.
local function without_semicolon(line)
  local rest = line:match "^(.-)%s*;%s*$"
  return rest or line, rest ~= nil
end

-- What a line becomes, with those that go on with it -> the whole text, and what read_chunk gives.
local function read_on(line)
  if hints.asked_help(line) then return line, "word", ":doc " .. hints.asked_help(line) end
  if line:find "^%s*:" then return line, "word", line end
  local said = hints.of_words(line)
  if said then return line, nil, said end
  local text = line
  while true do
    local plain, quiet = without_semicolon(text)
    local chunk, message = compile(plain)
    if chunk then return text, chunk, quiet, plain end
    if message ~= "more" then return text, nil, message end
    local more = core.read_line(CONTINUED)
    if more == nil then return text, nil, select(2, load(text, "=input", "t")) end
    if more == false then return text, false end
    text = text .. "\n" .. more
  end
end

-- Reads lines until they make a chunk -> chunk, quiet, its text; nil and a message; nil alone at
-- the end of the input; false after Ctrl-C; "word" and a line that begins with a colon.
local function read_chunk(remember)
  local line = core.read_line(PROMPT)
  if not line or hints.is_exit(line) then return line and nil end
  local text, chunk, more, plain = read_on(line)
  remember(text)
  return chunk, more, plain
end

-- ---- running ----

local function print_results(quiet, count, ...)
  if count == 0 then return end
  rawset(_G, "_", (...))
  if quiet then return end
  for i = 1, count do core.print(core.show((select(i, ...))) .. "\n") end
end

local function report(failure)
  local message = type(failure) == "table" and failure.message or failure
  if message ~= "" then core.write_error(message .. "\n") end
end

-- f() with its errors reported; whether there was none.
local function protected(f, ...)
  local results = table.pack(xpcall(f, core.traceback, ...))
  if not results[1] then report(results[2]) end
  return table.unpack(results, 1, results.n)
end

-- Runs what was typed as `text` and prints its results: a name that is misspelled gives nil, for
-- which a hint stands.
local function run(chunk, quiet, text)
  local results = table.pack(protected(chunk))
  if not results[1] then return false end
  local is_nil = results.n == 2 and results[2] == nil
  local hint = is_nil and hints.of_nil(text) or results.n == 1 and hints.of_locals(text)
  if hint then
    if is_nil then rawset(_G, "_", nil) end
    report(hint)
    return true
  end
  return protected(print_results, quiet, results.n - 1, table.unpack(results, 2, results.n))
end

-- ---- words to the REPL itself ----

local words = {}
local about = {
  { ":time EXPRESSION", "how long it takes, and its result" },
  { ":who", "the session's own variables" },
  { ":doc WORD", "help on a layer, an option, a function" },
  { ":help", "this list; help for everything else" },
  { "help, help WORD", "all that there is; about a layer, an option, a function" },
  { "exit, quit, Ctrl-D", "leave" },
}

function words.time(rest)
  local chunk, message = compile(rest)
  if not chunk then return report(message == "more" and "unfinished: " .. rest or message) end
  local began = core.clock()
  local ok = run(chunk, false, rest)
  local spent = core.clock() - began
  local text = spent < 1 and ("%.3f ms\n"):format(1e3 * spent) or ("%.3f s\n"):format(spent)
  if ok then core.print(text) end
  return ok
end

local function kind_of(value)
  local meta = getmetatable(value)
  local name = type(meta) == "table" and meta.__name or type(value)
  if type(name) == "string" and name:find "^lander%." then name = name:sub(8) end
  return name
end

-- A value in a few words.
local function in_short(value)
  if getmetatable(value) == core.net_metatable then return #value:layers() .. " layers" end
  local tensor = kind_of(value) == "tensor" and value:dim() > 0
  if tensor and value:numel() > 8 then return core.size_text(value:size()) end
  local text = core.show(value):match "^[^\n]*"
  if text == "{" then return "{...}" end
  return #text > 50 and utf8.len(text) and text:sub(1, utf8.offset(text, 0, 47) - 1) .. "..."
    or text
end

-- The names that the session has made.
function core.own_names()
  local names = {}
  for _, name in ipairs(core.sorted_keys(_G)) do
    if name ~= "_" and not core.standard_names[name] then names[#names + 1] = name end
  end
  return names
end

function words.who()
  local rows = {}
  for i, name in ipairs(core.own_names()) do
    rows[i] = { name, kind_of(_G[name]), in_short(_G[name]) }
  end
  if #rows == 0 then core.print "nothing yet\n" end
  for _, line in ipairs(core.columns(rows, {})) do core.print(line .. "\n") end
  return true
end

function words.doc(rest)
  local word = rest:gsub("^['\"]", ""):gsub("['\"]$", "")
  lander.help(word ~= "" and word or nil)
  return true
end

function words.help()
  for _, line in ipairs(core.columns(about, {})) do core.print(line .. "\n") end
  return true
end

function core.own_words()
  local set = {}
  for name in pairs(words) do set[name] = true end
  return set
end

local function run_word(line)
  local name, rest = line:match "^%s*:%s*(%a*)%s*(.-)%s*$"
  local word = words[name]
  if word then return word(rest) end
  report(("there is no :%s%s; :help lists what there is"):format(name,
    core.did_you_mean(name, core.sorted_keys(words))))
end

-- ---- history ----

-- In the user's state folder, as the XDG base directories have it.
local function history_path()
  local state = core.environment "XDG_STATE_HOME"
  local home = core.environment "HOME"
  if not (state and state ~= "") then
    if not (home and home ~= "") then return nil end
    state = home .. "/.local/state"
  end
  return state .. "/lander/history"
end

-- remember(text), which adds it to the history. Where its file can't be used, that is said once.
local function open_history()
  local path = history_path()
  local function complain(why)
    core.write_error("the history is not kept: " .. core.plain_message(why) .. "\n")
    path = nil
  end
  local made, why = true, nil
  if path then made, why = pcall(core.make_dir, path:match "^(.*)/") end
  if path and made then made, why = core.load_history(path) end
  if not made then complain(why) end
  return function(text)
    local kept
    kept, why = core.remember(text, path)
    if not kept then complain(why) end
  end
end

-- ---- the loop ----

local function read_and_run(remember)
  local chunk, more, text = read_chunk(remember)
  if chunk == "word" then return true, run_word(more) end
  if chunk then return true, run(chunk, more, text) end
  if more then report(more) end
  return chunk == false or more ~= nil, chunk == false
end

-- Someone who types may go on after an error; a script that is piped in ends with an error
-- status when one of its lines failed.
return function()
  local failed, typed = false, core.interactive()
  rawset(_G, "help", lander.help)
  if rawget(_G, "nn") == nil then rawset(_G, "nn", lander.nn) end
  core.in_session = true
  core.complete = core.load_source "command/complete.lua"(lander)
  core.set_interactive(typed)
  if typed then
    core.print(("Lander %s. help lists what there is; TAB completes; exit or Ctrl-D leaves.\n")
      :format(lander.version))
  end
  local remember = typed and open_history() or function() end
  repeat
    -- Protected: Ctrl-C may come between two lines.
    local fine, goes_on, ok = protected(read_and_run, remember)
    failed = failed or not fine or goes_on and not ok
  until fine and not goes_on
  core.close_editor()
  -- What a training's divergence would say is settled: the one who typed has seen it.
  core.exit_status = core.terminated() and 130 or failed and not typed and 1 or 0
end
