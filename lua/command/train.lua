-- train.lua: lander train MODEL: a training without a script.
local lander = ...
local core = lander.core
local datasets = core.commands.datasets

local command = {
  usage = "train MODEL [--data=DATA] [options]",
  help = "trains a model that is built in, one of a .lua file, or a saved net further",
  first_words = core.model_names, least = 1, most = 1,
  -- What it has a value for where nothing is said, and what is its own.
  defaults = {
    data = "", type = "sgd", base_lr = 0.01, momentum = 0.9, weight_decay = 0.0005,
    lr_policy = "fixed", gamma = 0.1, stepsize = 1000, power = 1.0, max_iter = 1000,
    batch_size = 64, seed = 1, hidden = { 512, 512 }, snapshot = 1000,
    prefix = "", mirror = false, crop = 0, pad = 0, retry = true, strict = false, dry_run = false,
    quiet = false,
  },
  examples = { data = datasets.example, prefix = "runs/mine", crop = 28, pad = 4 },
  about = {
    data = datasets.about .. "; by itself a saved net's own, or fashion_mnist",
    type = "the update rule: sgd, adam ... (lander help sgd)",
    base_lr = "the learning rate", momentum = "mu", weight_decay = "lambda",
    lr_policy = "the schedule: fixed, step, poly, cosine ... (lander help step)",
    gamma = "of step and exp", stepsize = "of step", power = "of poly and inv",
    hidden = "sizes of an mlp's hidden layers", max_iter = "iterations",
    seed = "of weights and order",
    prefix = "how files begin (runs/train_MODEL, with a number where that is there)",
    mirror = "mirrors pictures at random",
    crop = "crops so many rows and columns at random", pad = "pads by so many before the crop",
    strict = "exit status 4 where it had to lower its rate",
  },
  more = ([[
MODEL is one that is built in (lander help lenet tells about it):
  MODELS
or a saved net, or a .lua file that returns a net, or a function that makes one for the data:
  local nn = require "lander".nn
  return function(o) -- o.size, such as { 3, 32, 32 }; o.outputs: classes, or numbers to give out
    return nn.net { nn.input(o.size), nn.flatten {}, nn.linear { 50 }, nn.relu {},
                    nn.linear { o.outputs } }
  end
]]):gsub("MODELS", table.concat(core.model_names(), " ")) .. datasets.more .. [[


example: lander train lenet --base_lr=0.05 --max_iter=2000
example: lander train mlp --hidden=16 --data=csv:iris.csv,y=kind --base_lr=0.1]],
}

-- ---- options ----

-- All options that some solver has, by name, and those that belong to schedules alone.
local function solver_table()
  local all, scheduled = {}, {}
  for _, d in ipairs(core.describe "solver") do
    for _, option in ipairs(d.options) do all[option.name] = all[option.name] or option end
  end
  for _, d in ipairs(core.describe "schedule") do
    for _, option in ipairs(d.options or {}) do scheduled[option.name] = true end
  end
  scheduled.max_iter = nil
  all.random_seed = nil -- it is --seed
  return all, scheduled
end

-- How a value is read that lander.train, or a solver, wants to be of a type.
local kinds = {
  integer = "number", count = "number", number = "number", string = "text", boolean = "flag",
  any = "text", ["string|boolean"] = "value", ["table|integer"] = "number",
  int = "number", choice = "text", bool = "flag", ints = "numbers",
}

for name, text in pairs(core.train_words) do
  if command.defaults[name] ~= nil then command.about[name] = text end
end

-- The options of lander.train and of solvers that have no default here.
function command.more_options()
  local list, _, types = {}, core.train_options()
  for name, text in pairs(core.train_words) do
    if command.defaults[name] == nil then
      list[#list + 1] = { name = name, kind = kinds[types[name]], help = text,
                          may_be_off = types[name]:find "boolean" ~= nil }
    end
  end
  for name, option in pairs((solver_table())) do
    if command.defaults[name] == nil then
      list[#list + 1] = { name = name, kind = kinds[option.kind], help = option.help,
                          title = "of solvers (lander help sgd, lander help step)" }
    end
  end
  return list
end

-- The options of the type and the schedule that are asked for, where they were not typed.
local function own_options(opt)
  -- These any has; of a type that there isn't they are passed on, to be told so.
  local own = { type = true, lr_policy = true, base_lr = true, max_iter = true }
  local all, scheduled = solver_table()
  for kind, name in pairs { solver = opt.type, schedule = opt.lr_policy } do
    for _, d in ipairs(core.describe(kind)) do
      for _, option in ipairs(d.name == name and d.options or {}) do
        own[option.name] = own[option.name] or kind == "schedule" or not scheduled[option.name]
      end
    end
  end
  return own, all
end

-- What was typed, and what lander train has a value for: where the type and the schedule use it,
-- as the solver would refuse it.
local function solver_options(opt, given)
  local solver, own, all = { random_seed = opt.seed }, own_options(opt)
  for name in pairs(all) do
    if given[name].given_at or own[name] then solver[name] = opt[name] end
  end
  if not given.max_iter.given_at and (opt.max_epoch or opt.max_time) then solver.max_iter = nil end
  return solver
end

-- As tests are asked for, or so that there is a curve of them.
local function test_interval(opt, solver, data)
  if opt.test_interval then return opt.test_interval end
  local most = solver.max_iter or math.maxinteger
  local epochs = opt.max_epoch and math.ceil(opt.max_epoch * #data / opt.batch_size)
  return core.test_interval_for(epochs and math.min(epochs, most) or most)
end

local function augmentation(opt)
  if not opt.mirror and opt.crop == 0 and opt.pad == 0 then return nil end
  return { mirror = opt.mirror, crop = opt.crop ~= 0 and opt.crop or nil, pad = opt.pad }
end

local function check_hidden(opt, given)
  if not given.hidden.given_at then return end
  if opt[1] ~= "mlp" then
    core.exit(2, ("--hidden is for mlp, and %s has its own layers"):format(opt[1]))
  end
  for _, n in ipairs(opt.hidden) do
    if math.type(n) ~= "integer" or n < 1 then
      core.exit(2, ("--hidden must be sizes of layers, whole numbers from 1, found %s"):format(n))
    end
  end
end

-- What is wrong whatever the data are.
local function check_words(opt, given)
  check_hidden(opt, given)
  if math.type(opt.seed) ~= "integer" or opt.seed < 0 then
    core.exit(2, ("--seed must be a whole number from 0, found %s"):format(opt.seed))
  end
  if opt.prefix:find "/$" or core.list_dir(opt.prefix) then
    core.exit(2, ("--prefix=%s is a folder: put a name behind it, such as %s/%s"):format(opt.prefix,
      opt.prefix:gsub("/+$", ""), opt[1]:match "([^/]+)$":gsub("%.%w+$", "")))
  end
  if opt.weights then core.commands.check_file(opt.weights, "--weights: ") end
  if opt.resume and opt.resume ~= "latest" then
    core.commands.check_file(opt.resume, "--resume: ")
  end
end

-- ---- a net for the data ----

local function same_list(a, b)
  for i = 1, math.max(#a, #b) do
    if a[i] ~= b[i] then return false end
  end
  return true
end

-- What helps where a net takes samples of `wanted` and the data have those of `found`.
local function way_out(opt, found, wanted)
  if opt[1]:find "%.npz$" then return "a saved net stays as it is" end
  if opt[1]:find "%.lua$" then
    return "a file that returns function(options) is told options.size and options.outputs"
  elseif #found == 3 and #wanted == 3 then
    return ("of pictures, images:FOLDER,size=%dx%d brings all to that"):format(wanted[2], wanted[3])
  elseif #found < 3 and #wanted == 3 then
    return "it is for pictures; for rows of numbers there is mlp"
  end
  return "lander help " .. opt[1] .. " tells what it is for"
end

-- The net, where it takes samples of this size. `refused`: why it could not be made for them.
local function check_size(opt, net, size, refused)
  local wanted = net:layers()[1].size
  if same_list(wanted, size) then return net end
  core.exit(2, ("%s takes samples of %s, the data have %s%s; %s"):format(opt[1],
    core.size_text(wanted), core.size_text(size), refused
    and (" (%s)"):format(core.plain_message(refused)) or "", way_out(opt, size, wanted)))
end

-- The size of an input: of the data, or of the parts of pictures that it gets.
local function size_for(opt, data)
  local size = data:shape()
  if opt.crop > 0 and #size == 3 then size[2], size[3] = opt.crop, opt.crop end
  return size
end

local function check_augment(opt, data)
  local size = data:shape()
  if #size == 3 or not augmentation(opt) then return end
  core.exit(2, ("--mirror, --crop and --pad are for pictures; a sample of these data is %s"):format(
    core.size_text(size)))
end

-- How many numbers a net for these data gives out.
local function outputs_for(data)
  local outputs = 1
  for _, n in ipairs(data:target_shape()) do outputs = outputs * n end
  return data.classes > 0 and data.classes or outputs
end

-- A net for these data: a model is told the size of an input and how many outputs there are, as
-- far as it wants to know; an mlp has its sizes of the data and --hidden.
local function make_net(opt, data)
  local size, outputs = size_for(opt, data), outputs_for(data)
  if opt[1] == "mlp" then
    local sizes = { 1, table.unpack(opt.hidden) } -- the first is that of the data
    sizes[#sizes + 1] = outputs
    sizes.size = size
    return core.as_usage("train", core.commands.open_net, opt[1], sizes)
  end
  local tries = { { size = size, classes = outputs }, { classes = outputs }, {} }
  if opt[1]:find "%.lua$" then
    local classes = data.classes > 0 and data.classes or nil
    table.insert(tries, 1, { size = size, classes = classes, outputs = outputs })
  end
  local refused
  for _, options in ipairs(tries) do
    local ok, net = pcall(core.commands.open_net, opt[1], options)
    if ok then return check_size(opt, net, size, refused) end
    if core.interrupted() then error(net, 0) end
    -- An option that it doesn't take says nothing about these data.
    if not tostring(net):find("unknown option", 1, true) then refused = refused or net end
  end
  if core.commands.is_model(opt[1]) then
    core.exit(2, ("%s can't be made for samples of %s: %s"):format(opt[1], core.size_text(size),
      core.plain_message(refused)))
  end
  error(refused, 0)
end

-- ---- files ----

-- What a run was about: { model =, data = }, nil where a script made it or nobody knows.
local function subject_of(prefix)
  for _, event in ipairs(core.read_journal(prefix .. ".jsonl") or {}) do
    local words = event.event == "start" and event.command
    if type(words) == "table" and words[1] == "train" then
      local opt = core.commands.read(command, table.move(words, 2, #words, 1, {}), nil, true)
      return { model = opt[1], data = opt.data }
    end
  end
end

-- The files of a run, and of no other whose prefix begins as its does.
local function files_of(prefix)
  local folder, name = prefix:match "^(.-)([^/]*)$"
  local endings = { [".jsonl"] = true, [".log"] = true, [".html"] = true, [".npz"] = true,
                    ["_best.npz"] = true }
  local files = {}
  for _, file in ipairs(core.list_dir(folder ~= "" and folder or ".")) do
    local ending = file:sub(1, #name) == name and file:sub(#name + 1) or ""
    if endings[ending] or ending:find "^_iter_%d+%.npz$" then files[#files + 1] = folder .. file end
  end
  table.sort(files)
  return files
end

-- The files of a run are written over by one of the same model and target, and no other.
local function check_prefix(opt)
  local prefix = opt.prefix
  if opt.resume or core.resume_prefix or not core.file_exists(prefix .. ".jsonl") then return end
  local ok, found = pcall(subject_of, prefix)
  if ok and found and found.model == opt[1] and datasets.same(found.data, opt.data) then
    return
  end
  core.exit(2, ("--prefix=%s: there are files of another run, %s; give another prefix, or remove "
    .. "them: rm %s"):format(prefix, ok and found and ("of %s%s"):format(found.model,
    found.data ~= "" and " on " .. found.data or "") or "of a script",
    core.shell_words(files_of(prefix))))
end

-- Of trainings that begin at once one gets the prefix: it makes the journal, empty, and removes
-- it where nothing came of the training. What can't be made is told when the journal is opened.
local function claim(prefix)
  pcall(core.make_dir, prefix:match "^(.*)/")
  if core.claim_file(prefix .. ".jsonl") == false then return nil end
  return setmetatable({}, { __close = function()
    if core.file_size(prefix .. ".jsonl") == 0 then core.remove_file(prefix .. ".jsonl") end
  end })
end

-- A prefix that no run has yet, and what keeps it: nothing is written over unasked. `lander resume`
-- wants the one it names, --resume=latest the newest; what writes none of its own keeps none.
local function own_prefix(opt)
  if core.resume_prefix then return core.resume_prefix end
  local base = "runs/train_" .. opt[1]:match "([^/]+)$":gsub("%.%w+$", "")
  local prefix, newest, number, kept = base, base, 1, nil
  local function is_free()
    for _, ending in ipairs { ".jsonl", ".npz" } do
      if core.file_exists(prefix .. ending) then return false end
    end
    if opt.resume == "latest" or opt.dry_run or core.trial_prefix then return true end
    kept = claim(prefix)
    return kept ~= nil
  end
  while not is_free() do
    number, newest = number + 1, prefix
    prefix = ("%s_%d"):format(base, number)
  end
  return opt.resume == "latest" and newest or prefix, kept
end

-- ---- running ----

-- What lander.train takes, of the options that are its own.
local function train_options(opt)
  local options = {}
  for name in pairs(core.train_words) do options[name] = opt[name] end
  return options
end

-- One training with these options; its run.
function command.train(opt, given)
  check_words(opt, given)
  local saved = opt[1]:find "%.npz$" and core.commands.open_net(opt[1])
  local data = datasets.open(datasets.word_for(saved, opt.data))
  check_augment(opt, data.train)
  local options = train_options(opt)
  options.net = saved and check_size(opt, saved, size_for(opt, data.train))
    or make_net(opt, data.train)
  options.data, options.test_data = data.train, data.test
  options.solver, options.augment = solver_options(opt, given), augmentation(opt)
  options.test_interval = test_interval(opt, options.solver, data.train)
  local prefix, kept = opt.prefix, nil
  if prefix == "" then prefix, kept = own_prefix(opt) end
  local _ <close> = kept
  options.snapshot_prefix = prefix
  return lander.train(options)
end

-- finished 1000 0.3148 0.8893: the loss and the test accuracy; where there is no accuracy, numbers
-- with their names.
local function result_line(run)
  local parts = { run.status, ("%d"):format(run.iter) }
  if run.accuracy then
    parts[3], parts[4] = core.number_text(run.loss),
      core.share_text(run.accuracy, core.number_text(run.accuracy))
  else
    parts[3] = "loss " .. core.number_text(run.loss)
    parts[4] = run.test_loss and "test_loss " .. core.number_text(run.test_loss) or nil
  end
  return table.concat(parts, " ") .. "\n"
end

function command.run(opt, given)
  core.strict = core.strict or opt.strict
  if opt.prefix ~= "" then check_prefix(opt) end
  local run = command.train(opt, given)
  core.print(result_line(run))
end

return command
