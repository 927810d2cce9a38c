-- scripts/lenet_fashion.lua
local lander = require "lander"
local opt  = lander.args { base_lr = 0.01, max_iter = 3500, batch_size = 64 }   -- --base_lr=0.1 --help
local data = lander.data.fashion_mnist()                  -- .train, .test
local net  = require "models.lenet" { classes = 10 }

local run = lander.train {
  net = net, data = data.train, test_data = data.test, batch_size = opt.batch_size,
  solver = { type = "sgd", base_lr = opt.base_lr, momentum = 0.9, weight_decay = 0.0005,
             lr_policy = "step", gamma = 0.1, stepsize = 1000, max_iter = opt.max_iter },
  display = 100, test_interval = 500, snapshot = 1000, snapshot_prefix = "runs/lenet",
}
print(run.status, run.iter, run.loss, run.accuracy)       -- finished 3500 0.23... 0.89...
