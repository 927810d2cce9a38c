-- tune_target.lua: what `lander tune` searches the options of: a script that trains, or a model
-- that `lander train` takes; how its words are checked before the first trial, and one training.
--
-- A target is { word =, script = (whether it is one), rest = (words for every training) }.
local lander = ...
local core = lander.core

local target = {}

local function fail(text, ...)
  core.exit(2, "tune: " .. text:format(...))
end

-- ---- what it is ----

local function is_model(word)
  return word:find "%.npz$" or core.commands.is_model(word)
end

function target.find(word, rest)
  if is_model(word) then return { word = word, rest = rest } end
  if not word:find "[./]" then
    local models = core.model_names()
    fail("there is no model '%s'%s; there are %s, a saved net (.npz), a script that trains and a "
      .. "file that returns a net (.lua)", word, core.did_you_mean(word, models),
      table.concat(models, ", "))
  end
  core.commands.check_file(word, "tune: ")
  local chunk, message = loadfile(word)
  if not chunk then core.exit(1, message) end
  return { word = word, rest = rest, script = true }
end

-- ---- training it once ----

-- The words of a training with these options.
local function words_with(t, options)
  local words = table.move(t.rest, 1, #t.rest, 1, {})
  for _, name in ipairs(core.sorted_keys(options)) do
    words[#words + 1] = ("--%s=%s"):format(name, tostring(options[name]))
  end
  return words
end

-- Sets what a training finds around it; put back when the result is closed.
local function surroundings(words, prefix)
  local before = { arg, core.trial_prefix, core.running_command }
  arg, core.trial_prefix = words, prefix -- its files are beside the search, not over the user's own
  return setmetatable({}, { __close = function()
    arg, core.trial_prefix, core.running_command = before[1], before[2], before[3]
  end })
end

-- The options of `lander train` in these words. Of a trial that diverges its rate is what failed.
local function read_train(t, words)
  return core.commands.read(core.commands.find "train", { t.word, table.unpack(words) },
    { retry = false })
end

local function train_model(t, words)
  core.running_command = "train"
  return core.commands.find "train".train(read_train(t, words))
end

-- What a file returns that is no script: a net, or a function that makes one.
local function is_net(value)
  return type(value) == "function" or getmetatable(value) == core.net_metatable
end

local function run_file(t, words)
  core.last_run = nil
  local result = assert(loadfile(t.word))(table.unpack(words))
  if core.last_run then return core.last_run end
  if is_net(result) then return train_model(t, words) end
  error(t.word .. " did not train: it must call lander.train, or return a net", 0)
end

-- A training with these options, its files beside `prefix`; its run.
function target.train(t, options, prefix)
  local words = words_with(t, options)
  words[0] = t.word
  local _ <close> = surroundings(words, prefix)
  return (t.script and run_file or train_model)(t, words)
end

-- The command that trains with these options.
function target.command(t, options)
  local words = t.script and { t.word } or { "train", t.word }
  table.insert(words, 1, core.program or "lander")
  return core.shell_words(table.move(words_with(t, options), 1, 1000, #words + 1, words))
end

-- ---- checking it ----

-- Each value once, with the others at their first: a list of options. `whole`: whether the training
-- is to be looked at too, which takes longer; of numbers one is enough.
local function samples(axes)
  local first = {}
  for _, axis in ipairs(axes) do first[axis.name] = axis.list and axis.list[1] or axis.low end
  local list = { { options = first, whole = true } }
  for _, axis in ipairs(axes) do
    for i, value in ipairs(axis.list or { axis.low, axis.high }) do
      local options = {}
      for name, other in pairs(first) do options[name] = other end
      options[axis.name] = value
      list[#list + 1] = i > 1 and { options = options, whole = type(value) ~= "number" } or nil
    end
  end
  return list
end

local function check_metric(t, training)
  if not training.test_data and t.metric ~= "loss" then
    fail("%s has no test_data, so there is no %s: --metric=loss", t.word, t.metric)
  elseif t.metric == "accuracy" and not training.classes then
    fail("the targets of %s are no classes, so there is no accuracy: --metric=test_loss", t.word)
  end
end

-- Calls f as far as its first lander.train, the options of which are checked -> whether it came
-- there, and what f returned where it did not. Nothing is printed meanwhile. The error that ends
-- it there may be caught in a script, and whatever comes then is not looked at.
local function until_training(t, f)
  local train, write, came, trouble = lander.train, print, false, nil
  function lander.train(options)
    local ok, result = pcall(core.check_training, options)
    if ok then ok, result = pcall(check_metric, t, result) end
    came, trouble = true, trouble or not ok and result
    error("this was as far as the check goes", 0)
  end
  rawset(_G, "print", function() end)
  local ok, result = pcall(f)
  lander.train = train
  rawset(_G, "print", write)
  if not came and not ok then error(result, 0) end
  if trouble then error(type(trouble) == "string" and core.plain_message(trouble) or trouble, 0) end
  return came, result
end

-- The words are `lander train`'s.
local function check_model(t, list)
  local datasets, opened = core.commands.datasets, {}
  local open = datasets.open
  function datasets.open(word) -- once for all
    opened[word] = opened[word] or open(word)
    return opened[word]
  end
  local ok, message = pcall(function()
    for _, sample in ipairs(list) do
      local words = words_with(t, sample.options)
      read_train(t, words)
      if sample.whole then until_training(t, function() train_model(t, words) end) end
    end
  end)
  datasets.open = open
  if not ok then error(message, 0) end
end

-- The words are the script's own: it runs as far as its training, and where it reads them, all that
-- will be tried is read. A file that returns a net is a model after all.
local function check_script(t, list)
  local args, read = lander.args, false
  function lander.args(defaults, words)
    read = true
    for _, sample in ipairs(list) do args(defaults, words or words_with(t, sample.options)) end
    return args(defaults, words)
  end
  local ok, came, result = pcall(until_training, t, function()
    return assert(loadfile(t.word))(table.unpack(arg))
  end)
  lander.args = args
  if not ok then error(came, 0) end
  if came and not read then
    core.write_error(("warning: %s doesn't read options with lander.args: what is searched has a "
      .. "say only where it reads `arg` itself\n"):format(t.word))
  elseif not came and is_net(result) then
    t.script = false
    return check_model(t, list)
  elseif not came then
    fail("%s did not train: it must call lander.train, or return a net", t.word)
  end
end

-- Whether the target takes all that these axes mean: what is wrong is told before the first trial,
-- and once. An error is of the target's options, so it is that which --help is asked of.
function target.check(t, axes, metric)
  t.metric = metric
  local list = samples(axes)
  local words = words_with(t, list[1].options)
  words[0] = t.word
  local _ <close> = surroundings(words, "unused") -- as a trial, it claims no name for files
  local ok, failure = pcall(t.script and check_script or check_model, t, list)
  if ok then return end
  if core.is_exit(failure) and failure.exit_status == 2 then
    local message, changed = failure.message:gsub("\n%(%-%-help shows.*", "")
    core.exit(2, changed == 0 and message or ("%s\n(lander %s --help shows the options)"):format(
      message, t.script and t.word or "train"))
  end
  error(core.plain_message(failure), 0)
end

return target
