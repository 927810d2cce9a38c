-- main.lua: what the words of the command line mean: options, a script with its arguments, a
-- command such as `train`, or a REPL. Called with the words; returns the exit status.
local lander = require "lander"
local core = lander.core

local DONE, ERROR, USAGE, RECOVERED, INTERRUPTED = 0, 1, 2, 4, 130

-- What is said may have words of a file in it, or of who typed the command.
local write_error = core.write_error
function core.write_error(text)
  write_error(core.harmless(text))
end

-- ---- the options of the command itself: help, man page and completion come from here ----

local options = {
  { "-e", "CODE", "runs a piece of Lua (lander is loaded)" },
  { "-i", nil, "a REPL after the script or the code" },
  { "-", nil, "the script comes from the standard input" },
  { "--strict", nil, "exit status 4 when a training had to lower its rate" },
  { "--version", nil, "the version, and what this build uses" },
  { "--help", nil, "shows this" },
}
local short = { ["-v"] = "--version", ["-h"] = "--help" }

local function usage_text()
  local rows = {}
  for _, o in ipairs(options) do
    rows[#rows + 1] = { "  " .. o[1] .. (o[2] and " " .. o[2] or ""), o[3] }
  end
  local commands = {}
  for _, command in ipairs(core.commands.list()) do
    commands[#commands + 1] = { "  " .. command.usage, command.help }
  end
  return table.concat({
    "usage: lander [options] [script.lua [arguments]]",
    "       lander COMMAND [arguments]",
    "Without a script, code or command: a REPL.",
    "", "options", table.concat(core.columns(rows, {}), "\n"),
    "", "commands (lander COMMAND --help tells more)",
    table.concat(core.columns(commands, {}), "\n"), "",
    "Exit status: 0 done, 1 error, 2 usage, 3 diverged, 4 recovered (--strict),",
    "5 bad data, 6 could not save, 130 interrupted.", "",
  }, "\n")
end

core.command_options, core.usage_text = options, usage_text

-- Whether an option that a script doesn't know is one of these. A command has its own.
function core.is_own_option(word)
  if core.running_command then return false end
  for _, o in ipairs(options) do
    if o[1] == word then return true end
  end
  return false
end

-- ---- reading the words ----

local function usage_error(what)
  core.write_error(("lander: %s\n(lander --help shows what there is)\n"):format(what))
  return nil
end

local function unknown(word)
  local names, command = {}, word:match "^%-+(%a+)$"
  if command and core.commands.find(command) then
    return usage_error(("unknown option: '%s'; commands have no dashes: lander %s"):format(word,
      command))
  end
  for _, o in ipairs(options) do names[#names + 1] = o[1] end
  return usage_error(("unknown option: '%s'%s"):format(word, core.did_you_mean(word, names)))
end

-- { codes = { ... }, first = place of the script or command, interactive =, strict =, ... };
-- nil after a word that is no option.
local function read_words(words)
  local line, i = { codes = {} }, 1
  while words[i] and not line.first do
    local word = short[words[i]] or words[i]
    if word:sub(1, 1) ~= "-" or word == "-" then
      line.first = i
    elseif word == "-e" then
      i = i + 1
      if not words[i] then return usage_error "no code after: '-e'" end
      line.codes[#line.codes + 1] = words[i]
    elseif word == "-i" then
      line.interactive = true
    elseif word == "--strict" or word == "--version" or word == "--help" then
      line[word:sub(3)] = true
    else
      return unknown(word)
    end
    i = i + 1
  end
  return line
end

-- ---- running ----

-- The exit status that an error means; prints it. An object of core.exit says which it wants, but
-- where a signal came, that was the reason.
local function report(failure)
  local status = core.is_exit(failure) and failure.exit_status or ERROR
  if core.interrupted() then status = INTERRUPTED end
  local message = tostring(failure)
  if message ~= "" then core.write_error("lander: " .. message .. "\n") end
  return status
end

local function call(f, ...)
  local ok, failure = xpcall(f, core.traceback, ...)
  return ok and DONE or report(failure)
end

local function call_loaded(chunk, message, ...)
  if not chunk then return report(message) end
  return call(chunk, ...)
end

-- A script finds the modules that lie beside it, from wherever it is started.
local function add_script_folder(script)
  local folder = script:match "^(.*)/[^/]*$"
  if folder then
    package.path = ("%s;%s/?.lua;%s/../?.lua"):format(package.path, folder, folder)
  end
end

-- The table `arg`, as in lua: arg[0] is the script, arg[1] what comes after it.
local function set_arg(words, script)
  arg = {}
  for i = 0, #words do
    if script or i == 0 then arg[i - (script or 0)] = words[i] end
  end
end

-- What other programs call a command.
local other_names = { fit = "train", eval = "test", evaluate = "test", infer = "predict",
                      continue = "resume", search = "tune", show = "plot" }

-- Files that are no scripts, and what is for them.
local not_scripts = {
  npz = "a saved net or a snapshot: lander info, lander test and lander predict take it",
  jsonl = "a journal: lander plot, lander report and lander resume take its run",
  csv = "a table: lander train mlp --data=csv:FILE,y=COLUMN trains on it",
}

-- A word that is no command is a script, which is there.
local function check_script(name)
  local what = not_scripts[name:match "%.(%w+)$"]
  if what and core.file_exists(name) then
    core.exit(2, ("'%s' is %s"):format(name, what))
  elseif name:find "[./]" or core.file_exists(name) or core.list_dir(name) then
    return core.commands.check_file(name)
  elseif core.commands.is_model(name) then
    core.exit(2, ("'%s' is a model: lander train %s trains it, lander help %s tells about it")
      :format(name, name, name))
  end
  local near = other_names[name] or core.nearest(name, core.commands.names)
  core.exit(2, ("there is no command and no script '%s'%s\n(lander --help lists the commands)")
    :format(name, near and (", did you mean lander %s?"):format(near) or ""))
end

local function run_script(words, first)
  local name = words[first]
  if name ~= "-" then
    local status = call(check_script, name)
    if status ~= DONE then return status end
    add_script_folder(name)
  end
  local ok, chunk, message = pcall(loadfile, name ~= "-" and name or nil)
  if not ok then return report(chunk) end -- it was interrupted, while it waited for a script
  return call_loaded(chunk, message, table.unpack(words, first + 1))
end

local function run_codes(codes)
  local status = DONE
  for _, code in ipairs(codes) do
    if status == DONE then status = call_loaded(load(code, "=(command line)")) end
  end
  return status
end

-- After the script's own status, which is done or error: the trainings in it may have something
-- worse to tell. An error that follows from a divergence (lander.retry with no attempt left)
-- is a divergence.
local function training_status(status)
  local trained = core.exit_status or DONE
  if trained ~= DONE then return trained end
  return status == DONE and core.strict and core.recovered and RECOVERED or status
end

local function run_first(line, words)
  if not line.first then return DONE end
  local command = core.commands.find(words[line.first])
  core.running_command = command and command.name
  if command then
    return call(core.commands.run, command,
      table.move(words, line.first + 1, #words, 1, { [0] = words[line.first] }))
  end
  return run_script(words, line.first)
end

local function run(line, words)
  core.strict, core.program = line.strict, words[0]
  core.command_words = line.first and table.move(words, 1, #words, 1, {}) or nil
  set_arg(words, line.first)
  local wants_repl = line.interactive or not (line.first or line.version or #line.codes > 0)
  if wants_repl or #line.codes > 0 then rawset(_G, "lander", lander) end
  if line.version then call(core.commands.run, core.commands.find "version", {}) end
  local status = run_codes(line.codes)
  if status == DONE then status = run_first(line, words) end
  if wants_repl then status = call(core.load_source "command/repl.lua"(lander)) end
  if status == DONE or status == ERROR then status = training_status(status) end
  return status
end

-- What is there before a script or a session makes its own.
core.standard_names = { lander = true, nn = true, help = true, arg = true }
for name in pairs(_G) do core.standard_names[name] = true end

core.commands = core.load_source "command/commands.lua"(lander)

-- Runs a script or a command as if its words had been typed.
function core.run_words(words)
  local line = read_words(words)
  if not line or not line.first then error("there is nothing to run", 0) end
  core.command_words, core.strict = words, core.strict or line.strict
  set_arg(words, line.first)
  local status = run_first(line, words)
  if status ~= DONE then core.exit(status, "") end
end

local words = ...
local line = read_words(words)
if not line then return USAGE end
if line.help then
  core.print(usage_text())
  return DONE
end
return run(line, words)
