-- train.lua: lander train MODEL: a training without a script.
local lander = ...
local core = lander.core
local datasets = core.commands.datasets

local command = {
  usage = "train MODEL [--data=DATA] [options]",
  help = "trains a model that is built in, one of a .lua file, or a saved net further",
  least = 1, most = 1,
  defaults = {
    data = "", type = "sgd", base_lr = 0.01, momentum = 0.9, weight_decay = 0.0005,
    lr_policy = "fixed", loss = "", gamma = 0.1, stepsize = 1000, power = 1.0, max_iter = 1000,
    batch_size = 64,
    seed = 1, hidden = { 512, 512 },
    test_interval = 500, snapshot = 0, display = "", prefix = "", resume = "",
    mirror = false, crop = 0, pad = 0, retry = true, dry_run = false,
    strict = false,
  },
  about = {
    data = datasets.about .. "; by itself a saved net's own, or fashion_mnist",
    type = "the update rule: sgd, adam ... (lander help sgd)",
    base_lr = "the learning rate", momentum = "mu", weight_decay = "lambda",
    lr_policy = "the schedule: fixed, step, poly, cosine ... (lander help step)",
    gamma = "of step and exp", stepsize = "of step", power = "of poly and inv",
    loss = "of a net that has none: softmax_loss for classes, mse_loss for numbers by itself",
    hidden = "sizes of an mlp's hidden layers",
    max_iter = "iterations", batch_size = "samples in a minibatch", seed = "of weights and order",
    test_interval = "iterations between two tests", snapshot = "iterations between two snapshots",
    display = "iterations between two rows (by itself 1 to 100, by max_iter)",
    prefix = "how files begin (runs/train_MODEL, with a number where that is there)",
    resume = "a snapshot to go on from, or latest", mirror = "mirrors pictures at random",
    crop = "crops so many rows and columns at random", pad = "pads by so many before the crop",
    retry = "whether a training that diverges is tried again at a lower rate",
    strict = "exit status 4 where it had to lower its rate",
    dry_run = "two iterations of everything, and nothing left behind",
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

-- What a schedule or a type doesn't use is left out, as the solver would refuse it.
local function solver_options(opt)
  local solver = { type = opt.type, lr_policy = opt.lr_policy, base_lr = opt.base_lr,
                   weight_decay = opt.weight_decay, max_iter = opt.max_iter,
                   random_seed = opt.seed }
  for kind, name in pairs { solver = opt.type, schedule = opt.lr_policy } do
    for _, d in ipairs(core.describe(kind)) do
      for _, option in ipairs(d.name == name and d.options or {}) do
        if option.name == "momentum" or kind == "schedule" and opt[option.name] then
          solver[option.name] = opt[option.name]
        end
      end
    end
  end
  return solver
end

local function augmentation(opt)
  if not opt.mirror and opt.crop == 0 and opt.pad == 0 then return nil end
  return { mirror = opt.mirror, crop = opt.crop > 0 and opt.crop or nil, pad = opt.pad }
end

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
  error(("%s takes samples of %s, the data have %s%s; %s"):format(opt[1], core.size_text(wanted),
    core.size_text(size), refused and (" (%s)"):format(core.plain_message(refused)) or "",
    way_out(opt, size, wanted)), 0)
end

-- The size of an input: of the data, or of the parts of pictures that it gets.
local function size_for(opt, data)
  local size = data:shape()
  if opt.crop > 0 and #size == 3 then size[2], size[3] = opt.crop, opt.crop end
  return size
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
    return core.commands.open_net(opt[1], sizes)
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
    -- An option that it doesn't take says nothing about these data.
    if not tostring(net):find("unknown option", 1, true) then refused = refused or net end
  end
  error(refused, 0)
end

-- A prefix that no run has yet: nothing is written over unasked. `lander resume` wants the one it
-- names, --resume=latest the newest.
local function own_prefix(model, resume)
  if core.resume_prefix then return core.resume_prefix end
  local base = "runs/train_" .. model:match "([^/]+)$":gsub("%.%w+$", "")
  local prefix, newest, number = base, base, 1
  while core.file_exists(prefix .. ".jsonl") do
    number, newest = number + 1, prefix
    prefix = ("%s_%d"):format(base, number)
  end
  return resume == "latest" and newest or prefix
end

-- One training with these options; its run.
function command.train(opt)
  local saved = opt[1]:find "%.npz$" and core.commands.open_net(opt[1])
  local data = datasets.open(datasets.word_for(saved, opt.data))
  local net = saved and check_size(opt, saved, size_for(opt, data.train))
    or make_net(opt, data.train)
  return lander.train {
    net = net, data = data.train, test_data = data.test, batch_size = opt.batch_size,
    loss = opt.loss ~= "" and opt.loss or nil,
    solver = solver_options(opt), augment = augmentation(opt),
    display = opt.display ~= "" and core.value_of(opt.display) or nil,
    test_interval = opt.test_interval, snapshot = opt.snapshot, retry = opt.retry,
    snapshot_prefix = opt.prefix ~= "" and opt.prefix or own_prefix(opt[1], opt.resume),
    resume = opt.resume ~= "" and opt.resume or nil, dry_run = opt.dry_run,
  }
end

function command.run(opt)
  core.strict = core.strict or opt.strict
  local run = command.train(opt)
  core.print(("%s %d %s %s\n"):format(run.status, run.iter, core.number_text(run.loss),
    core.number_text(run.accuracy)))
end

return command
