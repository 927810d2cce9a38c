-- args.lua: a script's options, read from the command line.
--
--   local opt = lander.args { base_lr = 0.01, epochs = 3, verbose = false, "default.npz" }
--
-- --base_lr=0.1, --base_lr 0.1, --solver.momentum=0.95 (tables in tables), --verbose and
-- --no-verbose, --sizes=100,50 (lists); other words are opt[1], opt[2] ... The kind of
-- each value is that of its default. lander.options does the same for a function that
-- takes a table.
local lander = ...
local core = lander.core

-- Ends the script with an exit status: the command catches this object quietly. Where
-- a stock lua5.4 runs the script it reads as a message.
local Exit = { __name = "lander.exit", __tostring = function(exit) return exit.message end }

function core.exit(status, message)
  error(setmetatable({ exit_status = status, message = message }, Exit), 0)
end

-- Whether an error is such an object. A table of the user's own that says an exit_status isn't.
function core.is_exit(failure)
  return type(failure) == "table" and getmetatable(failure) == Exit
end

-- What a library's message says to who wrote no script: options are words of the command line.
local function as_words(message)
  return (message:gsub("^lander%.%l+: ", ""):gsub("^solver: ", "")
    :gsub("^batches: option 'size'", "--batch_size"):gsub("must be a table or ", "must be ")
    :gsub("option '([%a_][%w_.]*)'", "--%1"):gsub("%f[%a]solver%.([%a_]+)", "--%1")
    :gsub("^(%l[%l_]*) = '(.-)'", "--%1=%2"):gsub("^(%l[%l_]*) = ([%d.]+)", "--%1=%2")
    :gsub("^(%l[%l_]*)( must )", "--%1%2"):gsub("^(%l[%l_]*)( needs )", "--%1%2")
    :gsub("^(%l[%l_]*)(, )", "--%1%2"))
end

-- f(...). What fails in it ends the command of that name, where that runs, with this status.
function core.with_status(status, command, f, ...)
  local results = table.pack(pcall(f, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local message = core.plain_message(results[2])
  if core.running_command == command and type(message) == "string" then
    core.exit(status, as_words(message))
  end
  error(message, 0)
end

-- The same, of options that are words of the command line there: what is wrong with them is wrong
-- usage. A script's options are its own.
function core.as_usage(command, f, ...)
  return core.with_status(2, command, f, ...)
end

local function is_list(value)
  return type(value) == "table" and #value > 0
end

-- What the words behind an option are read as.
local function kind_of(default)
  if is_list(default) then return type(default[1]) == "number" and "numbers" or "texts" end
  return type(default) == "boolean" and "flag" or type(default) == "number" and "number" or "text"
end

core.kind_of_option = kind_of

-- Every option by its full name: { name =, kind =, default =, owner = the table it is in, key = }.
local function collect(defaults, prefix, found)
  local result = {}
  for key, value in pairs(defaults) do
    if type(key) == "string" then
      local name = prefix .. key
      local kind = type(value)
      if kind == "table" and not is_list(value) then
        result[key] = collect(value, name .. ".", found)
      elseif kind == "function" or kind == "userdata" or kind == "thread" then
        error(("lander.args: the default of '%s' is a %s; it must be a number, a string, "
          .. "true, false or a table of them"):format(name, kind), 0)
      else
        result[key] = value
        found[name] = { name = name, kind = kind_of(value), default = value, owner = result,
                        key = key }
      end
    elseif prefix == "" then
      result[key] = value
    end
  end
  return result
end

local function usage_error(message)
  core.exit(2, message .. "\n(--help shows the options)")
end

-- An option, or a word that has a place.
local function shown(option)
  return option.name and "--" .. option.name or "argument " .. option.place
end

-- Words for what numbers can become, and nobody can give.
local function is_infinite(text)
  local word = text:lower():match "^%s*[+-]?(%l+)%s*$"
  return word == "inf" or word == "infinity" or word == "nan"
end

-- 1e999 is written as a number, and becomes none that can be reckoned with: only an option whose
-- default is such a one, as a limit that there isn't, means it.
local function may_be(default, number)
  return core.is_finite(number) or type(default) == "number" and not core.is_finite(default)
end

local function read_number(option, text)
  local number = tonumber(text)
  if not number then
    if is_infinite(text) then
      usage_error(("%s must be a finite number, found '%s'"):format(shown(option), text))
    end
    local point = text:match "^%s*%-?%d+,%d+%s*$" and text:gsub(",", "."):match "%S+"
    usage_error(("%s must be a number, found '%s'%s"):format(shown(option), text, point
      and (" (%s is written with a point)"):format(point) or ""))
  end
  if not may_be(option.default, number) then
    usage_error(("%s must be a finite number, found '%s'"):format(shown(option), text))
  end
  return math.tointeger(number) or number
end

local truth = { ["true"] = true, yes = true, on = true, ["1"] = true,
                ["false"] = false, no = false, off = false, ["0"] = false }

local function read_list(option, text)
  local list = {}
  for item in text:gmatch "[^,]+" do
    local number = option.kind == "numbers" and tonumber(item)
    if option.kind == "numbers" and not number then
      usage_error(("--%s must be %snumbers with commas between them, found '%s'"):format(
        option.name, is_infinite(item) and "finite " or "", item))
    end
    list[#list + 1] = number and (math.tointeger(number) or number) or item
  end
  if #list == 0 then usage_error(("--%s is an empty list"):format(option.name)) end
  return list
end

local function read_flag(option, text)
  local value = truth[text:lower()]
  if value == nil then
    usage_error(("--%s must be true or false, found '%s'"):format(option.name, text))
  end
  return value
end

local readers = {
  numbers = read_list, texts = read_list, flag = read_flag,
  number = read_number,
  value = function(_, text) return core.value_of(text) end,
  text = function(_, text) return text end,
}

local function read_value(option, text)
  return readers[option.kind](option, text)
end

local function show_default(value)
  if is_list(value) then
    local items = {}
    for i, item in ipairs(value) do items[i] = tostring(item) end
    return table.concat(items, ",")
  end
  return tostring(value)
end

core.default_text = show_default

local said = { numbers = "LIST", texts = "LIST", number = "NUMBER", text = "TEXT", value = "VALUE" }

-- How an option is written: "--base_lr=NUMBER".
function core.option_text(option)
  if option.kind == "flag" then return ("--%s, --no-%s"):format(option.name, option.name) end
  return ("--%s=%s"):format(option.name, said[option.kind])
end

local function help_text(options, script)
  local rows = {}
  for _, name in ipairs(core.sorted_keys(options)) do
    rows[#rows + 1] = { "  " .. core.option_text(options[name]),
                        "default " .. show_default(options[name].default) }
  end
  rows[#rows + 1] = { "  --help", "shows this" }
  return ("usage: lander %s [options]\n%s\n"):format(script,
    table.concat(core.columns(rows, {}), "\n"))
end

-- The option that a word "--name" or "--no-name" means, and whether it says no.
local function find_option(options, word)
  local name = options[word] and word or word:gsub("%-", "_")
  if options[name] then return options[name], false end
  local positive = name:match "^no_(.+)$"
  local option = positive and options[positive]
  if option and (option.kind == "flag" or option.may_be_off) then return option, true end
  if word == "help" then usage_error "--help takes no value" end
  if core.is_own_option and core.is_own_option("--" .. word) then
    usage_error(("--%s is lander's own: it goes before the script"):format(word))
  end
  local other = core.other_words[name]
  if other and options[other] then
    usage_error(("unknown option --%s: here it is --%s"):format(word, other))
  end
  usage_error(("unknown option --%s%s"):format(word,
    core.did_you_mean(name, core.sorted_keys(options)):gsub("'(.*)'", "--%1")))
end

-- What other engines call an option.
core.other_words = {
  lr = "base_lr", learning_rate = "base_lr", beta1 = "momentum", beta2 = "momentum2",
  epsilon = "delta", eps = "delta", wd = "weight_decay", clip = "clip_gradients",
  epoch = "max_epoch", epochs = "max_epoch", iterations = "max_iter", steps = "max_iter",
  batch = "batch_size", optimizer = "type", scheduler = "lr_policy", random_seed = "seed",
  snapshot_prefix = "prefix",
}

-- Once for an option: of two values nobody knows which is meant. But words that `lander resume`
-- puts behind those of a run take their place.
local function set(option, value, words, at)
  local before = option.given_at
  if before and not (option.may_repeat or core.resume_prefix) then
    usage_error(words[before] == words[at] and ("%s is there twice"):format(words[at])
      or ("--%s is there twice, %s and %s"):format(option.name, words[before], words[at]))
  end
  option.given_at = at
  option.owner[option.key] = value
end

-- What may stand behind an option: its default, but one such as 0 or -1, for which nothing is done,
-- is no example.
local function example_of(option)
  local default = option.default
  if option.example then return show_default(option.example) end
  local is_off = default == nil or default == "" or math.type(default) and default <= 0
  return is_off and said[option.kind] or show_default(default)
end

-- Reads words[at], and the word behind it when that is its value; returns what is next.
local function read_option(options, words, at)
  local word, equals, text = words[at]:match "^%-%-([^=]+)(=?)(.*)$"
  if not word then usage_error(("'%s' is no option"):format(words[at])) end
  local option, negative = find_option(options, word)
  if equals ~= "" and negative then
    usage_error(("--%s takes no value"):format(word))
  elseif equals ~= "" and text == "" and option.is_command then
    usage_error(("--%s= has no value: --%s=%s"):format(word, word, example_of(option)))
  elseif equals ~= "" then
    set(option, read_value(option, text), words, at)
  elseif negative or option.kind == "flag" then
    set(option, not negative, words, at)
  else
    if not words[at + 1] or words[at + 1]:find "^%-%-" then
      usage_error(("--%s needs a value: --%s=%s"):format(word, word, example_of(option)))
    end
    set(option, read_value(option, words[at + 1]), words, at)
    at = at + 1
  end
  return at + 1
end

local function show_help(options, words)
  local text = help_text(options, words[0] or "script.lua")
  core.print(text)
  if core.is_command or not rawget(_G, "os") then core.exit(0, "") end
  os.exit(0, true)
end

local function read_words(options, result, words)
  local at, position, plain = 1, 0, false
  while words[at] do
    local word = words[at]
    if plain or not word:find "^%-%-" and word ~= "-h" then
      local name = not plain and word:match "^([%w_.%-]+)="
      if name and options[name] then
        usage_error(("'%s' is written --%s"):format(word, word))
      end
      position = position + 1
      local default = result[position]
      if type(default) == "number" then
        word = read_value({ place = position, kind = "number" }, word)
      end
      result[position] = word
      at = at + 1
    elseif word == "--" then
      plain, at = true, at + 1
    elseif word == "--help" or word == "-h" then
      show_help(options, words)
    else
      at = read_option(options, words, at)
    end
  end
end

-- The values of a command's options: those of `defaults`, and of `more`, a list of { name =,
-- kind = }, where they are given. may_be_off: --no-NAME makes it false. examples: of values, where
-- a default is none. may_repeat: an option may be there twice, as in the journal of a run that was
-- resumed with others.
function core.read_args(defaults, words, more, examples, may_repeat)
  local options = {}
  local result = collect(defaults, "", options)
  for _, option in ipairs(more) do
    options[option.name] = setmetatable({ owner = result, key = option.name }, { __index = option })
  end
  for name, option in pairs(options) do
    option.is_command, option.may_repeat, option.example = true, may_repeat, examples[name]
  end
  read_words(options, result, words)
  return result, options
end

-- lander.args(defaults[, words]) -> a table of values. `words` is the global `arg`.
function lander.args(defaults, words)
  if type(defaults) ~= "table" then
    error(("lander.args takes a table of defaults, found a %s"):format(type(defaults)), 2)
  end
  local options = {}
  local result = core.at_user(collect, defaults, "", options)
  -- Outside of at_user: the exit object carries no place.
  read_words(options, result, words or rawget(_G, "arg") or {})
  return result
end

-- ---- options of a function ----

local function kind_name(default)
  local kind = math.type(default) == "integer" and "whole number" or type(default)
  return "a " .. kind
end

-- A value of the kind of its default, or nil. An integer stands for a float, and one
-- number or word for a list of them.
local function of_kind(value, default)
  if type(default) == "table" and type(value) ~= "table" then
    local one = of_kind(value, default[1])
    return one ~= nil and { one } or nil
  elseif math.type(default) == "integer" then
    return type(value) == "number" and math.tointeger(value) or nil
  end
  if type(value) == type(default) then return value end
end

local function check_option(owner, what, value, default)
  local result = of_kind(value, default)
  if result == nil then
    error(("%s: %s must be %s, found %s"):format(owner, what, kind_name(default),
      type(value) == "number" and core.number_text(value) or "a " .. type(value)), 0)
  end
  return result
end

local function check_entries(owner, given, defaults, result)
  if core.has_hole(given) then
    error(("%s: there is a nil among the unnamed entries"):format(owner), 0)
  end
  if #given == 0 then return end
  if #defaults == 0 then
    error(("%s: options have names, found an entry without one"):format(owner), 0)
  end
  for i in ipairs(defaults) do result[i] = nil end
  for i, value in ipairs(given) do
    result[i] = check_option(owner, "entry " .. i, value, defaults[1])
  end
end

local function read_options(owner, given, defaults)
  if given == nil then given = {} end
  if type(given) ~= "table" then
    error(("%s takes a table of options, found a %s"):format(owner, type(given)), 0)
  end
  local result = {}
  for key, default in pairs(defaults) do result[key] = default end
  check_entries(owner, given, defaults, result)
  for key, value in pairs(given) do
    if math.type(key) ~= "integer" then
      if type(key) ~= "string" or defaults[key] == nil then
        local names = core.sorted_keys(defaults)
        error(("%s: unknown option '%s'%s; there are %s"):format(owner, tostring(key),
          core.did_you_mean(tostring(key), names), table.concat(names, ", ")), 0)
      end
      result[key] = check_option(owner, ("option '%s'"):format(key), value, defaults[key])
    end
  end
  return result
end

-- lander.options(owner, given, defaults) -> a table with every option. For a function that
-- takes a table, such as a model: `owner` is its name, `given` what it was called with (nil
-- for nothing). What has no default is an error at the caller's line, as is a value of
-- another kind. Where the defaults have unnamed entries, those that are given take their
-- place, all of the kind of the first.
function lander.options(owner, given, defaults)
  local ok, result = pcall(read_options, owner, given, defaults)
  if not ok then error(core.plain_message(result), 3) end
  return result
end
