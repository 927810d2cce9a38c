-- A small GPT: Radford et al., "Language models are unsupervised multitask learners" (GPT-2,
-- 2019): blocks of causal attention and a perceptron of four times the width, each behind a
-- layer normalisation and beside a shortcut; learnt positions; GELU. Unlike GPT-2's, the
-- last layer has weights of its own. 834,304 parameters with the sizes below and 96 symbols.
--
--   local net = require "models.gpt_tiny" { symbols = 96, steps = 128 }
--
-- Input: (batch, steps) numbers of symbols, from 1 on; output: (batch, symbols, steps)
-- scores of what follows, with which softmax_loss takes targets of (batch, steps).
-- Options: symbols (96), steps (128), width (128), layers (4), heads (4), dropout (0),
-- seed (1).
local lander = require "lander"
local nn = lander.nn

local small = { "gaussian", std = 0.02 }

-- The same one at every step.
local function linear(outputs, bias)
  return nn.linear { outputs, axis = -1, bias = bias, weight_filler = small }
end

local function dropout(x, opt)
  return opt.dropout > 0 and x:dropout { opt.dropout } or x
end

local function perceptron(opt)
  return { linear(4 * opt.width), nn.gelu {}, linear(opt.width) }
end

-- x + dropout(chain(layer_norm(x)))
local function residual(x, opt, chain)
  return nn.add { x, dropout(x:layer_norm { dims = 1 }:chain(chain), opt) }
end

return function(options)
  local opt = lander.options("models.gpt_tiny", options, { symbols = 96, steps = 128,
    width = 128, layers = 4, heads = 4, dropout = 0.0, seed = 1 })
  local x = nn.input { opt.steps }
    :embedding { opt.symbols, opt.width, weight_filler = small }
    :bias { num_axes = -1, bias_filler = small, name = "positions" }
  x = dropout(x, opt)
  for _ = 1, opt.layers do
    x = residual(x, opt, { nn.attention { opt.heads, causal = true, weight_filler = small } })
    x = residual(x, opt, perceptron(opt))
  end
  local scores = x:layer_norm { dims = 1 }:chain { linear(opt.symbols, false) }
  return nn.net { scores:permute { 2, 1 }, seed = opt.seed }
end
