-- commands.lua: the commands (lander train, lander test ...), each a small file in this folder that
-- returns { usage =, help =, more =, defaults = { option = default }, about = { option = text },
-- run = function(opt, given) }: words are opt[1], opt[2] ..., options opt.base_lr ..., and those
-- that were typed have given[name].given_at. more_options() lists options without a default here.
-- examples = { option = value }: of those whose default does nothing, for a message.
-- first_words() lists what the first word may be besides a file, for the shells' completions.
-- With passes_on its words are another's, and are not read here.
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

-- All options of a command, in order: { name =, kind =, help =, default = }. Those without a
-- default come from command.more_options(). is_unset: its default does nothing, and isn't told.
function commands.options(command)
  local list = command.more_options and command.more_options() or {}
  for name, default in pairs(command.defaults or {}) do
    list[#list + 1] = { name = name, kind = core.kind_of_option(default), default = default,
                        help = command.about[name],
                        is_unset = (command.examples or {})[name] ~= nil }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

-- "the learning rate (0.01)"
local function about(option)
  local default = option.default
  if default == nil or default == "" or option.is_unset then return option.help or "" end
  return ("%s (%s)"):format(option.help or "", type(default) == "boolean"
    and (default and "yes" or "no") or core.default_text(default))
end

local COLUMN = 30 -- where the texts of options begin

-- A text in lines of the window's width, from that column on.
local function lines_of(text)
  local width = math.max(20, math.min(core.window and core.window(1) or 80, 100) - COLUMN)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    if line ~= "" and #line + 1 + #word > width then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return lines
end

-- An option: how it is written, and beside that, or below where there is no room, its text.
local function add_option(out, written, text)
  local first = "  " .. written
  for i, line in ipairs(lines_of(text)) do
    if i == 1 and #first > COLUMN - 2 then out[#out + 1], first = first, "" end
    out[#out + 1] = (i == 1 and first or "") .. (" "):rep(COLUMN - (i == 1 and #first or 0)) .. line
  end
end

-- Options that have a title come below it, the others first.
function commands.help_text(command)
  local out, titled, titles = {}, {}, {}
  for _, option in ipairs(commands.options(command)) do
    local title = option.title
    if title and not titled[title] then titled[title], titles[#titles + 1] = {}, title end
    add_option(title and titled[title] or out, core.option_text(option), about(option))
  end
  add_option(out, "--help", "shows this")
  for _, title in ipairs(titles) do
    out[#out + 1] = "\n" .. title .. "\n" .. table.concat(titled[title], "\n")
  end
  return ("usage: lander %s\n%s\n%s\n%s\n"):format(command.usage, command.help,
    table.concat(out, "\n"), command.more and "\n" .. command.more or "")
end

-- The options in these words, and which were typed. `other`: defaults in place of the command's;
-- may_repeat: as for core.read_args.
function commands.read(command, words, other, may_repeat)
  local defaults = {}
  for name, value in pairs(command.defaults or {}) do defaults[name] = value end
  for name, value in pairs(other or {}) do defaults[name] = value end
  return core.read_args(defaults, words, command.more_options and command.more_options() or {},
    command.examples or {}, may_repeat)
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

-- A word with one dash is an option of other programs', and no file here.
local function check_dashes(command, words)
  for _, word in ipairs(words) do
    local name = word:match "^%-(%a[%w_%-]*)"
    if name and not core.file_exists(word) then
      local known = {}
      for i, option in ipairs(commands.options(command)) do known[i] = option.name end
      local near = core.nearest(name, known) or core.other_words[name]
      commands.usage_error(command, ("unknown option %s: options have two dashes%s"):format(word,
        near and (", did you mean --%s?"):format(near) or ""))
    end
  end
end

function commands.run(command, words)
  if wants_help(words) then return core.print(commands.help_text(command)) end
  local opt, given = words, nil
  if not command.passes_on then
    opt, given = commands.read(command, words)
    for name, value in pairs(opt) do
      if type(value) == "string" then opt[name] = commands.at_home(value) end
    end
    check_dashes(command, opt)
  end
  if #opt < (command.least or 0) then
    commands.usage_error(command, missing(command, #opt + 1) .. " is missing")
  elseif #opt > (command.most or 0) then
    commands.usage_error(command, ("'%s' is too much"):format(opt[(command.most or 0) + 1]))
  end
  return command.run(opt, given)
end

core.load_source "command/words.lua"(lander, commands)
core.load_source "command/datasets.lua"(lander, commands)

return commands
