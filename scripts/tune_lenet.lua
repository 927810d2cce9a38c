-- tune_lenet.lua: which base_lr and momentum are best for LeNet? They depend on each other, and
-- must be tuned together to get the best result. 30 pairs start with 100 iterations; the best
-- third goes on to 300, and a third of those to 900 (successive halving). As many trials run
-- at a time as there are threads; Ctrl-C stops, and the same command goes on.
--
--     build/lander scripts/tune_lenet.lua
--     build/lander scripts/tune_lenet.lua --train --base_lr=0.03 --momentum=0.9
--
-- What is tuned is judged on 5,000 of the training images, which are left out of the training:
-- the test images are for the one net that is trained in the end.
--
-- On Fashion-MNIST: base_lr 0.03 with momentum 0.9, 0.891 on the 5,000 images, and close behind it
-- 0.01 with 0.95 (0.889) and with 0.9 (0.883): with other seeds, or where sums are rounded
-- differently, the second may be the first. 11 of the 30 diverge within 20 iterations, all with
-- 0.1 and more among them. It takes some 100 seconds of processor time in all (measured on a busy
-- machine), shared by as many as there are. The test accuracy after --train is 0.914; with the
-- default rate, 0.01, 0.907.
local lander = require "lander"
local opt = lander.args {
  base_lr = 0.01, momentum = 0.9, max_iter = 3500, -- of --train
  train = false, prefix = "runs/tune_lenet", folder = "", -- of the data
  base_lrs = { 0.001, 0.003, 0.01, 0.03, 0.1, 0.3 }, momenta = { 0.5, 0.7, 0.9, 0.95, 0.99 },
  least = 100, most = 900, processes = lander.threads(),
}
local data = lander.data.fashion_mnist(opt.folder ~= "" and opt.folder or nil)

-- One training; more: what it is besides.
local function train(o, max_iter, more)
  local options = {
    net = require "models.lenet" { classes = 10 }, batch_size = 64,
    solver = { type = "sgd", base_lr = o.base_lr, momentum = o.momentum, weight_decay = 0.0005,
               lr_policy = "poly", power = 1, max_iter = max_iter },
  }
  for name, value in pairs(more) do options[name] = value end
  return lander.train(options)
end

if opt.train then
  local run = train(opt, opt.max_iter, { data = data.train, test_data = data.test,
    test_interval = 500, snapshot_prefix = opt.prefix .. "_best" })
  print(("%s: test accuracy %.4f"):format(run.status, run.accuracy or 0))
  return
end

local fitted, judged = data.train:split(#data.train * 11 // 12)
local found = lander.tune {
  search = { base_lr = opt.base_lrs, momentum = opt.momenta },
  method = "halving", budget = { min = opt.least, max = opt.most, factor = 3 },
  prefix = opt.prefix, processes = opt.processes,
  trial = function(o, max_iter)
    return train(o, max_iter, { data = fitted, test_data = judged, test_initialization = false,
                                retry = false }) -- one that diverges is out
  end,
}
print(found)
if found.status == "finished" and found.best then
  print(("next: build/lander scripts/tune_lenet.lua --train --base_lr=%g --momentum=%g"):format(
    found.best.options.base_lr, found.best.options.momentum))
end
