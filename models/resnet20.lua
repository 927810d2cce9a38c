-- ResNet-20 for CIFAR-10: He, Zhang, Ren and Sun, "Deep residual learning for image
-- recognition" (2015), section 4.2: three stages of 16, 32 and 64 channels, 6n + 2 layers.
-- The shortcuts are the paper's option A, as there: where the channels double, every second
-- place of the input and zeros for the new channels. So they have no parameters:
--
--   depth 20: 269,722 (0.27M in the paper)     depth 44:   658,586 (0.66M)
--   depth 32: 464,154 (0.46M)                  depth 56:   853,018 (0.85M)
--
--   local net = require "models.resnet20" { depth = 32 }
--
-- The paper trains it with sgd, base_lr 0.1, momentum 0.9, weight_decay 0.0001, a tenth of
-- the rate after 32,000 and 48,000 of 64,000 iterations, batches of 128.
-- On Fashion-MNIST: 0.919 test accuracy after 3 epochs (scripts/resnet20.lua).
-- Options: depth (20), shortcut ("zeros"; "projection" is option B, a convolution of 1x1,
-- 272,474 parameters at depth 20), classes (10), size (the input: {3, 32, 32}), seed (1).
local lander = require "lander"
local nn = lander.nn

local function conv(x, channels, kernel, stride)
  return x:conv { channels, kernel = kernel, stride = stride, pad = kernel // 2, bias = false,
    weight_filler = "msra" }:batch_norm {}
end

local shortcuts = {}

function shortcuts.zeros(x)
  local taken = x:avg_pool { 1, stride = 2 } -- keeps nothing for the way back, as max_pool would
  return nn.concat { taken, taken:power { scale = 0 } }
end

function shortcuts.projection(x, channels) return conv(x, channels, 1, 2) end

local function block(x, channels, stride, shortcut)
  local y = conv(conv(x, channels, 3, stride):relu {}, channels, 3, 1)
  if stride > 1 then x = shortcut(x, channels) end
  return nn.add { y, x }:relu {}
end

return function(options)
  local opt = lander.options("models.resnet20", options,
    { depth = 20, shortcut = "zeros", classes = 10, size = { 3, 32, 32 }, seed = 1 })
  local n = (opt.depth - 2) // 6
  if n < 1 or opt.depth ~= 6 * n + 2 then
    error(("models.resnet20: depth must be 6n + 2 (8, 14, 20, 32, 56 ...), found %d"):format(
      opt.depth), 2)
  end
  local shortcut = shortcuts[opt.shortcut]
  if not shortcut then
    error(("models.resnet20: shortcut must be \"zeros\" or \"projection\", found \"%s\""):format(
      opt.shortcut), 2)
  end
  local x = conv(nn.input(opt.size), 16, 3, 1):relu {}
  for stage = 1, 3 do
    for i = 1, n do
      x = block(x, 8 << stage, stage > 1 and i == 1 and 2 or 1, shortcut)
    end
  end
  return nn.net { x:global_avg_pool {}:linear { opt.classes }, seed = opt.seed }
end
