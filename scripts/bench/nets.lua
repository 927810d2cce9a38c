-- nets.lua: the six nets that steps.lua and pytorch.py time, and a batch for each.
--
--   local net, batch, x, y = nets.make "lenet"
local lander = require "lander"

local nets = { names = { "mlp", "lenet", "cifar10_quick", "resnet20", "char_lstm", "gpt_tiny" } }

local pictures = {
  mlp = { { 784 }, 64, { 784, 512, 512, 10 } },
  lenet = { { 1, 28, 28 }, 64 },
  cifar10_quick = { { 3, 32, 32 }, 100 },
  resnet20 = { { 3, 32, 32 }, 128 },
}
local texts = {
  char_lstm = { steps = 64, symbols = 96, batch = 32 },
  gpt_tiny = { steps = 128, symbols = 96, batch = 16 },
}

-- Numbers from 1 to `most` in no apparent order.
local function symbols(most, ...)
  return (lander.rand(...) * most):floor() + 1
end

-- tiny: a batch of two, for tests of the scripts.
function nets.make(name, tiny)
  local model = require("models." .. name)
  lander.seed(1)
  local picture, text = pictures[name], texts[name]
  if picture then
    local batch = tiny and 2 or picture[2]
    return model(picture[3]), batch, lander.randn(batch, table.unpack(picture[1])),
      symbols(10, batch)
  elseif text then
    local batch, steps = tiny and 2 or text.batch, tiny and 4 or text.steps
    return model { steps = steps, symbols = text.symbols }, batch,
      symbols(text.symbols, batch, steps), symbols(text.symbols, batch, steps)
  end
end

function nets.solver(net)
  return lander.solver(net, { type = "sgd", base_lr = 0.001, momentum = 0.9,
    weight_decay = 0.0005 })
end

return nets
