-- Network in Network for CIFAR-10: Lin, Chen and Yan, "Network in network" (2013).
-- Convolutions followed by ones of 1x1 (a perceptron at every place), and the mean of a map
-- for each class in place of linear layers. 966,986 parameters (0.97M in the paper) for
-- 3 channels and 10 classes.
--
--   local net = require "models.nin" { classes = 10 }
--
-- Options: classes (10), size (the input: {3, 32, 32}), dropout (0.5), seed (1).
local lander = require "lander"
local nn = lander.nn

-- A convolution and, behind it, perceptrons of these sizes.
local function block(kernel, outputs, ...)
  local chain = {
    nn.conv { outputs, kernel = kernel, pad = kernel // 2, weight_filler = "msra" },
    nn.relu {},
  }
  for _, size in ipairs { ... } do
    chain[#chain + 1] = nn.conv { size, kernel = 1, weight_filler = "msra" }
    chain[#chain + 1] = nn.relu {}
  end
  return chain
end

return function(options)
  local opt = lander.options("models.nin", options,
    { classes = 10, size = { 3, 32, 32 }, dropout = 0.5, seed = 1 })
  return nn.net {
    nn.input(opt.size),
    block(5, 192, 160, 96),
    nn.max_pool { 3, stride = 2, rounding = "ceil" },
    nn.dropout { opt.dropout },
    block(5, 192, 192, 192),
    nn.avg_pool { 3, stride = 2, rounding = "ceil" },
    nn.dropout { opt.dropout },
    block(3, 192, 192, opt.classes),
    nn.global_avg_pool {},
    seed = opt.seed,
  }
end
