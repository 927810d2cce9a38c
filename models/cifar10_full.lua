-- CIFAR-10 "full" as Caffe ships it (examples/cifar10/cifar10_full_train_test.prototxt,
-- after Krizhevsky's cuda-convnet): three convolutions, response normalisation within the
-- channels, one linear layer. 89,578 parameters for 3x32x32 and 10 classes.
--
--   local net = require "models.cifar10_full" { classes = 10 }
--
-- Caffe trains it with sgd, base_lr 0.001, momentum 0.9, weight_decay 0.004, batches of
-- 100, on images with the mean image taken out (pixels from 0 to 255); the linear layer's
-- weights decay 250 times as much.
-- Options: classes (10), size (the input: {3, 32, 32}), seed (1).
local lander = require "lander"
local nn = lander.nn

local function conv(outputs, std, bias_rate)
  return nn.conv { outputs, kernel = 5, pad = 2, lr_mult = { 1, bias_rate },
    weight_filler = { "gaussian", std = std } }
end

local function lrn()
  return nn.lrn { 3, alpha = 5e-5, beta = 0.75, norm_region = "within_channel" }
end

return function(options)
  local opt = lander.options("models.cifar10_full", options,
    { classes = 10, size = { 3, 32, 32 }, seed = 1 })
  return nn.net {
    nn.input(opt.size),
    conv(32, 0.0001, 2),
    nn.max_pool { 3, stride = 2, rounding = "ceil" },
    nn.relu {},
    lrn(),
    conv(32, 0.01, 2),
    nn.relu {},
    nn.avg_pool { 3, stride = 2, rounding = "ceil" },
    lrn(),
    conv(64, 0.01, 1),
    nn.relu {},
    nn.avg_pool { 3, stride = 2, rounding = "ceil" },
    nn.linear { opt.classes, weight_filler = { "gaussian", std = 0.01 },
      decay_mult = { 250, 0 } },
    seed = opt.seed,
  }
end
