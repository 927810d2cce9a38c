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
    test_interval = 500, snapshot = 0, display = 100, prefix = "", resume = "",
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
    display = "iterations between two rows",
    prefix = "how files begin (runs/train_MODEL, with a number where that is there)",
    resume = "a snapshot to go on from, or latest", mirror = "mirrors pictures at random",
    crop = "crops so many rows and columns at random", pad = "pads by so many before the crop",
    retry = "whether a training that diverges is tried again at a lower rate",
    strict = "exit status 4 where it had to lower its rate",
    dry_run = "two iterations of everything, and nothing left behind",
  },
  more = datasets.more .. [[

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

-- A net for these data: a model that takes the size of an input, or how many classes there are, is
-- told; an mlp has its sizes of the data and --hidden.
local function make_net(opt, data)
  local size, classes = data:shape(), data.classes
  if not (classes and classes > 0) then classes = nil end
  if opt[1] == "mlp" then
    local outputs = 1
    for _, n in ipairs(data:target_shape()) do outputs = outputs * n end
    local sizes = { 1, table.unpack(opt.hidden) } -- the first is that of the data
    sizes[#sizes + 1] = classes or outputs
    sizes.size = size
    return core.commands.open_net(opt[1], sizes)
  end
  for _, options in ipairs { { size = size, classes = classes }, { classes = classes } } do
    local ok, net = pcall(core.commands.open_net, opt[1], options)
    if ok then return net end
  end
  return core.commands.open_net(opt[1]) -- it takes neither, or tells what is wrong
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

function command.run(opt)
  core.strict = core.strict or opt.strict
  local saved = opt[1]:find "%.npz$" and core.commands.open_net(opt[1])
  local data = datasets.open(datasets.word_for(saved, opt.data))
  local net = saved or make_net(opt, data.train)
  local run = lander.train {
    net = net, data = data.train, test_data = data.test, batch_size = opt.batch_size,
    loss = opt.loss ~= "" and opt.loss or nil,
    solver = solver_options(opt), augment = augmentation(opt), display = opt.display,
    test_interval = opt.test_interval, snapshot = opt.snapshot, retry = opt.retry,
    snapshot_prefix = opt.prefix ~= "" and opt.prefix or own_prefix(opt[1], opt.resume),
    resume = opt.resume ~= "" and opt.resume or nil, dry_run = opt.dry_run,
  }
  core.print(("%s %d %s %s\n"):format(run.status, run.iter, core.number_text(run.loss),
    core.number_text(run.accuracy)))
end

return command
