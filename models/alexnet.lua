-- AlexNet: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
-- convolutional neural networks" (2012), in the variant that Caffe ships as bvlc_alexnet:
-- one tower, in which the two of the paper live on as groups = 2; normalisation before
-- pooling; crops of 227x227. 60,965,224 parameters for 1000 classes.
--
--   local net = require "models.alexnet" { classes = 1000 }
--
-- Caffe trains it with sgd, base_lr 0.01, momentum 0.9, weight_decay 0.0005, step policy
-- (gamma 0.1, stepsize 100000), batches of 256.
-- Options: classes (1000), size (the input: {3, 227, 227}), dropout (0.5), seed (1).
local lander = require "lander"
local nn = lander.nn

-- Biases learn at twice the rate and don't decay.
local function conv(options)
  options.lr_mult, options.decay_mult = { 1, 2 }, { 1, 0 }
  options.weight_filler = { "gaussian", std = 0.01 }
  options.bias_filler = { "constant", value = options.groups and 0.1 or 0 }
  return nn.conv(options)
end

local function linear(outputs, std, bias)
  return nn.linear { outputs, lr_mult = { 1, 2 }, decay_mult = { 1, 0 },
    weight_filler = { "gaussian", std = std }, bias_filler = { "constant", value = bias } }
end

local function lrn() return nn.lrn { 5, alpha = 1e-4, beta = 0.75 } end
local function pool() return nn.max_pool { 3, stride = 2, rounding = "ceil" } end

return function(options)
  local opt = lander.options("models.alexnet", options,
    { classes = 1000, size = { 3, 227, 227 }, dropout = 0.5, seed = 1 })
  return nn.net {
    nn.input(opt.size),
    conv { 96, kernel = 11, stride = 4 }, nn.relu {}, lrn(), pool(),
    conv { 256, kernel = 5, pad = 2, groups = 2 }, nn.relu {}, lrn(), pool(),
    conv { 384, kernel = 3, pad = 1 }, nn.relu {},
    conv { 384, kernel = 3, pad = 1, groups = 2 }, nn.relu {},
    conv { 256, kernel = 3, pad = 1, groups = 2 }, nn.relu {}, pool(),
    linear(4096, 0.005, 0.1), nn.relu {}, nn.dropout { opt.dropout },
    linear(4096, 0.005, 0.1), nn.relu {}, nn.dropout { opt.dropout },
    linear(opt.classes, 0.01, 0),
    seed = opt.seed,
  }
end
