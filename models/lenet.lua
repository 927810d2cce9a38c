-- LeNet as Caffe ships it: two convolutions with max pooling, two linear layers.
-- LeCun et al., "Gradient-based learning applied to document recognition" (1998).
-- 431,080 parameters for 28x28 and 10 classes.
-- On Fashion-MNIST: 0.89 test accuracy after 3,500 iterations of 64 images with the
-- step policy (scripts/lenet_fashion.lua).
--
--   local net = require "models.lenet" { classes = 10 }
--
-- Options: classes (10), size (the input: {1, 28, 28}), seed (1).
local lander = require "lander"
local nn = lander.nn

return function(options)
  local opt = lander.options("models.lenet", options,
    { classes = 10, size = { 1, 28, 28 }, seed = 1 })
  return nn.net {
    nn.input(opt.size),
    nn.conv { 20, kernel = 5 },
    nn.max_pool { 2, stride = 2 },
    nn.conv { 50, kernel = 5 },
    nn.max_pool { 2, stride = 2 },
    nn.linear { 500 },
    nn.relu {},
    nn.linear { opt.classes },
    seed = opt.seed,
  }
end
