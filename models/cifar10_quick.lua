-- CIFAR-10 "quick" as Caffe ships it (examples/cifar10/cifar10_quick_train_test.prototxt,
-- after Krizhevsky's cuda-convnet): three convolutions with overlapping pooling, two
-- linear layers. 145,578 parameters for 3x32x32 and 10 classes.
--
--   local net = require "models.cifar10_quick" { classes = 10 }
--
-- Caffe trains it with sgd, base_lr 0.001, momentum 0.9, weight_decay 0.004, batches of
-- 100, on images with the mean image taken out (pixels from 0 to 255).
-- Options: classes (10), size (the input: {3, 32, 32}), seed (1).
local lander = require "lander"
local nn = lander.nn

-- Biases learn at twice the rate.
local function conv(outputs, std)
  return nn.conv { outputs, kernel = 5, pad = 2, lr_mult = { 1, 2 },
    weight_filler = { "gaussian", std = std } }
end

local function linear(outputs)
  return nn.linear { outputs, lr_mult = { 1, 2 }, weight_filler = { "gaussian", std = 0.1 } }
end

return function(options)
  local opt = lander.options("models.cifar10_quick", options,
    { classes = 10, size = { 3, 32, 32 }, seed = 1 })
  return nn.net {
    nn.input(opt.size),
    conv(32, 0.0001),
    nn.max_pool { 3, stride = 2, rounding = "ceil" },
    nn.relu {},
    conv(32, 0.01),
    nn.relu {},
    nn.avg_pool { 3, stride = 2, rounding = "ceil" },
    conv(64, 0.01),
    nn.relu {},
    nn.avg_pool { 3, stride = 2, rounding = "ceil" },
    linear(64),
    linear(opt.classes),
    seed = opt.seed,
  }
end
