-- ResNet-18: He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2015),
-- table 1: a convolution of 7x7, four stages of two blocks. Where a stage halves the map the
-- shortcut is a projection (the paper's option B). 11,689,512 parameters for 3 channels
-- and 1000 classes.
--
--   local net = require "models.resnet18" { classes = 1000 }
--
-- Options: classes (1000), size (the input: {3, 224, 224}), seed (1).
local lander = require "lander"
local nn = lander.nn

local function conv(x, channels, kernel, stride)
  return x:conv { channels, kernel = kernel, stride = stride, pad = kernel // 2, bias = false,
    weight_filler = { "msra", variance_norm = "fan_out" } }:batch_norm {}
end

local function block(x, channels, stride)
  local y = conv(conv(x, channels, 3, stride):relu {}, channels, 3, 1)
  if stride > 1 then x = conv(x, channels, 1, stride) end
  return nn.add { y, x }:relu {}
end

return function(options)
  local opt = lander.options("models.resnet18", options,
    { classes = 1000, size = { 3, 224, 224 }, seed = 1 })
  local x = conv(nn.input(opt.size), 64, 7, 2):relu {}
  x = x:max_pool { 3, stride = 2, pad = 1 }
  for stage = 1, 4 do
    local channels = 32 << stage
    x = block(x, channels, stage > 1 and 2 or 1)
    x = block(x, channels, 1)
  end
  return nn.net { x:global_avg_pool {}:linear { opt.classes }, seed = opt.seed }
end
