-- VGG-11, configuration A of Simonyan and Zisserman, "Very deep convolutional networks for
-- large-scale image recognition" (2014): convolutions of 3x3 only, no normalisation.
-- 132,863,336 parameters for 224x224 and 1000 classes.
--
--   local net = require "models.vgg11" { classes = 1000 }
--
-- Options: classes (1000), size (the input: {3, 224, 224}), dropout (0.5), seed (1).
local lander = require "lander"
local nn = lander.nn

-- Channels of the convolutions between one pooling and the next.
local stages = { { 64 }, { 128 }, { 256, 256 }, { 512, 512 }, { 512, 512 } }

return function(options)
  local opt = lander.options("models.vgg11", options,
    { classes = 1000, size = { 3, 224, 224 }, dropout = 0.5, seed = 1 })
  local chain = { nn.input(opt.size), seed = opt.seed }
  for _, stage in ipairs(stages) do
    for _, channels in ipairs(stage) do
      chain[#chain + 1] = nn.conv { channels, kernel = 3, pad = 1, weight_filler = "msra" }
      chain[#chain + 1] = nn.relu {}
    end
    chain[#chain + 1] = nn.max_pool { 2, stride = 2 }
  end
  for _ = 1, 2 do
    chain[#chain + 1] = nn.linear { 4096, weight_filler = { "gaussian", std = 0.01 } }
    chain[#chain + 1] = nn.relu {}
    chain[#chain + 1] = nn.dropout { opt.dropout }
  end
  chain[#chain + 1] = nn.linear { opt.classes, weight_filler = { "gaussian", std = 0.01 } }
  return nn.net(chain)
end
