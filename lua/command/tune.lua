-- tune.lua: lander tune SCRIPT|MODEL: a search over the options of what trains once.
local lander = ...
local core = lander.core
local target = core.load_source "command/tune_target.lua"(lander)

local command = {
  usage = "tune SCRIPT.lua|MODEL NAME=VALUES ... [-- OPTIONS]",
  help = "searches the options of a script, or of train MODEL, for the best result",
  first_words = core.model_names, least = 2, most = math.huge, passes_on = true,
  defaults = { method = "grid", trials = 0, metric = "accuracy", processes = -1, seed = 1,
               prefix = "", time_limit = 0.0, resume = true },
  examples = { trials = 20, processes = 2, prefix = "runs/search", time_limit = 60 },
  about = {
    method = "grid or random", trials = "how many, of random; a grid has its own",
    seed = "of random",
    metric = "accuracy, test_loss or loss",
    processes = "trials at a time; by itself as many as threads",
    prefix = "how files begin (runs/tune_SCRIPT)",
    time_limit = "seconds for a trial; by itself there is none",
    resume = "whether it goes on with what its files have of the same search",
  },
  more = [[
NAME is an option of the training, VALUES what is tried of it:
  base_lr=0.001,0.01,0.1    a list
  base_lr=1e-4:1:log:5      five values of a range, by factors; momentum=0.5:0.9:3 by differences
  base_lr=1e-4:1:log        a range, of which --method=random draws --trials=20
OPTIONS, behind --, are the same in every trial. MODEL is one that lander train takes (lenet, a
saved net, a file that returns a net), and the options are train's; a SCRIPT reads them with
lander.args, and what counts is its last lander.train. All are checked before the first trial. At
the end there is a table, and the command that trains with the best values.

example: lander tune lenet base_lr=0.003,0.01,0.03 momentum=0.5,0.9 -- --max_iter=300
example: lander tune scripts/lenet_fashion.lua base_lr=0.003,0.01,0.03 -- --max_iter=300]],
}

local function wrong(text, ...)
  core.commands.usage_error(command, text:format(...))
end

-- ---- words ----

-- Whether an option of solvers is one of fractions, also where a range of it is typed as 0:1.
local function takes_fractions(name)
  for _, d in ipairs(core.describe "solver") do
    for _, option in ipairs(d.options) do
      if option.name == name then return option.kind == "number" end
    end
  end
end

-- "0.5:0.9", with ":log" and ":5" behind it -> a range; nil: it is none.
local function read_range(name, text)
  local low, high, rest = text:match "^([^:,]+):([^:,]+)(.*)$"
  low, high = tonumber(low), tonumber(high)
  if not (low and high) then return nil end
  local log, points = rest:match "^(:?l?o?g?):?(%d*)$"
  if log ~= "" and log ~= ":log" and log ~= ":" then return nil end
  if takes_fractions(name) then low, high = low + 0.0, high + 0.0 end
  return { low, high, log = log == ":log", points = math.tointeger(tonumber(points)) }
end

local function read_values(name, text)
  local range = read_range(name, text)
  if range then return range end
  local low, high = text:match "^([%d.eE+-]-)%.%.+([%d.eE+-]+)$"
  if tonumber(low) and tonumber(high) then
    wrong("a range is written %s=%s:%s:log, found '%s'", name, low, high, text)
  end
  local list = {}
  for item in text:gmatch "[^,]+" do list[#list + 1] = core.value_of(item) end
  return list
end

-- An option that is none of tune's own stands for the training: searched, or behind --.
local function check_own(word)
  local name, value = word:match "^%-%-([^=]*)=?(.*)$"
  name = name:gsub("%-", "_")
  if name == "" or name == "help" or command.defaults[name] ~= nil
    or type(command.defaults[name:match "^no_(.*)$"]) == "boolean" then return end
  local low, high = value:match "^([%d.eE+-]-)%.%.+([%d.eE+-]+)$"
  local values = low and ("%s:%s:log:5"):format(low, high) or value:find "[,:]" and value
  local near = core.did_you_mean(name, core.sorted_keys(command.defaults)):gsub("'(.*)'", "--%1")
  wrong("%s is no option of tune's own%s; %s", word, near, values
    and ("what is searched has no dashes: %s=%s"):format(name, values)
    or "an option that is the same in every trial stands behind -- (and what is searched has no "
    .. "dashes)")
end

-- The words in their parts: tune's own, what is searched, and those for every training.
local function split(words)
  local own, search, rest, count = {}, {}, {}, 0
  local i = 1
  while i <= #words and words[i] ~= "--" do
    local word = words[i]
    local name, values = word:match "^([%a_][%w_.]*)=(.+)$"
    if word:find "^%-%-" then
      check_own(word)
      local plain = word:match "^%-%-([%w_]+)$"
      own[#own + 1] = word
      if plain and type(command.defaults[plain]) ~= "boolean" then -- its value is the next word
        i = i + 1
        own[#own + 1] = words[i]
      end
    elseif name then
      if search[name] then wrong("%s is there twice", name) end
      search[name], count = read_values(name, values), count + 1
    else
      table.insert(own, word)
    end
    i = i + 1
  end
  table.move(words, i + 1, #words, 1, rest)
  return own, search, rest, count
end

-- ---- the search ----

-- What is wrong with the search itself, in the words of the command line.
local function check_search(options)
  for name, values in pairs(options.search) do
    if values.log ~= nil and not values.points and options.method == "grid" then
      wrong("%s is a range: %s=%.14g:%.14g%s:5 tries five values of it, --method=random "
        .. "--trials=20 draws some", name, name, values[1], values[2], values.log and ":log" or "")
    end
  end
  if options.method ~= "grid" and options.method ~= "random" then
    wrong("--method is grid or random, found '%s'%s", options.method, options.method == "halving"
      and " (that is for lander.tune in a script)" or "")
  end
  local ok, t = pcall(core.tune_prepare, options)
  if ok then return t end
  wrong("%s", (tostring(core.plain_message(t)):gsub("^lander.tune: ", ""):gsub("search%.", "")))
end

local function say_next(words)
  core.write_error(("next: %s\n"):format(words))
end

function command.run(words)
  local own, search, rest, count = split(words)
  local opt = core.read_args(command.defaults, own, {}, command.examples)
  if #opt == 0 then wrong("SCRIPT.lua or MODEL is missing") end
  if #opt > 1 then wrong("'%s' is too much: what is searched is NAME=VALUES", opt[2]) end
  if count == 0 then wrong("nothing to search: give NAME=VALUES, as in base_lr=0.001,0.01,0.1") end
  local t = target.find(opt[1], rest)
  local name = opt[1]:match "([^/]+)$":gsub("%.%w+$", "")
  local options = {
    search = search, method = opt.method, metric = opt.metric, seed = opt.seed,
    trials = opt.trials > 0 and opt.trials or nil,
    resume = opt.resume, processes = opt.processes >= 0 and opt.processes or nil,
    time_limit = opt.time_limit > 0 and opt.time_limit or nil,
    prefix = opt.prefix ~= "" and opt.prefix or "runs/tune_" .. name,
    trial = function(o, _, info) return target.train(t, o, info.prefix) end,
  }
  local axes = check_search(options).axes
  if not core.wanted_trial() then target.check(t, axes, opt.metric) end
  core.tuned = { opt[1], table.unpack(rest) }
  local result = lander.tune(options)
  core.print(core.harmless(tostring(result)) .. "\n")
  if result.status == "stopped" then
    say_next(core.again())
  elseif result.best then
    say_next(target.command(t, result.best.options))
  else
    -- What happened to the trials was said; where none has a result, so says the status.
    core.exit(result.diverged > 0 and 3 or 1, "")
  end
end

return command
