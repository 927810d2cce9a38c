-- commands.lua: the commands (lander train, lander test ...), each a small file in this folder that
-- returns { usage =, help =, more =, defaults = { option = default }, about = { option = text },
-- run = function(opt) }: words are opt[1], opt[2] ..., options opt.base_lr ... With passes_on its
-- words are another's, and are not read here.
local lander = ...
local core = lander.core

local names = { "train", "resume", "test", "predict", "tune", "plot", "report", "summary", "time",
                "info", "version", "help" }

local commands = { names = names }
local loaded = {}

local function load_command(name)
  if not loaded[name] then
    loaded[name] = core.load_source("command/" .. name .. ".lua")(lander)
    loaded[name].name = name
  end
  return loaded[name]
end

function commands.list()
  local list = {}
  for i, name in ipairs(names) do list[i] = load_command(name) end
  return list
end

-- The command of that name, or nil: a script's path has a dot or a slash in it.
function commands.find(word)
  for _, name in ipairs(names) do
    if name == word then return load_command(name) end
  end
end

local function option_text(name, default)
  if type(default) == "boolean" then return ("--%s, --no-%s"):format(name, name) end
  return ("--%s=%s"):format(name, type(default) == "number" and "NUMBER"
    or type(default) == "table" and "LIST" or "TEXT")
end

function commands.help_text(command)
  local rows = {}
  for _, name in ipairs(core.sorted_keys(command.defaults or {})) do
    local default = command.defaults[name]
    local said = default ~= "" and (" (%s)"):format(type(default) == "boolean"
      and (default and "yes" or "no") or core.default_text(default)) or ""
    rows[#rows + 1] = { "  " .. option_text(name, default), (command.about[name] or "") .. said }
  end
  rows[#rows + 1] = { "  --help", "shows this" }
  return ("usage: lander %s\n%s\n%s\n%s\n"):format(command.usage, command.help,
    table.concat(core.columns(rows, {}), "\n"), command.more and "\n" .. command.more or "")
end

local function wants_help(words)
  for _, word in ipairs(words) do
    if word == "--help" or word == "-h" then return true end
  end
end

function commands.usage_error(command, message)
  core.exit(2, ("%s: %s\nusage: lander %s\n(lander %s --help shows the options)"):format(
    command.name, message, command.usage, command.name))
end

-- What the n-th word of a command is called in its usage.
local function missing(command, n)
  for word in command.usage:gsub("^%l+ ", ""):gmatch "%S+" do
    if word ~= "..." then n = n - 1 end
    if n == 0 then return word end
  end
end

function commands.run(command, words)
  if wants_help(words) then return core.print(commands.help_text(command)) end
  local opt = command.passes_on and words or lander.args(command.defaults or {}, words)
  if #opt < (command.least or 0) then
    commands.usage_error(command, missing(command, #opt + 1) .. " is missing")
  elseif #opt > (command.most or 0) then
    commands.usage_error(command, ("'%s' is too much"):format(opt[(command.most or 0) + 1]))
  end
  return command.run(opt)
end

-- ---- what several commands need ----

-- A net: a saved one (.npz), a file that returns one or a function (.lua), or the name of a
-- model that is built in.
function commands.open_net(word, options)
  if word:find "%.npz$" then return lander.load(word) end
  local made
  if word:find "%.lua$" or word:find "/" then
    made = assert(loadfile(word))()
  else
    local models = core.model_names()
    local known = false
    for _, name in ipairs(models) do known = known or name == word end
    if not known then
      error(("there is no model '%s'%s; there are %s, a saved net (.npz) and a file that returns "
        .. "one (.lua)"):format(word, core.did_you_mean(word, models),
        table.concat(models, ", ")), 0)
    end
    made = require("models." .. word)
  end
  local net = type(made) == "function" and made(options or {}) or made
  if getmetatable(net) ~= core.net_metatable then
    error(("%s returns a %s, expected a net or a function that returns one"):format(word,
      type(net)), 0)
  end
  return net
end

-- The prefix of a run, which is given by that or by one of its files.
function commands.prefix_of(run)
  local prefix = run:match "^(.+)_iter_%d+%.npz$" or run:match "^(.+)_best%.npz$"
  for _, ending in ipairs { "jsonl", "npz", "html", "log" } do
    prefix = prefix or run:match("^(.+)%." .. ending .. "$")
  end
  return prefix or run
end

function commands.journal_of(run)
  return commands.prefix_of(run) .. ".jsonl"
end

core.load_source "command/datasets.lua"(lander, commands)

return commands
