-- A model of text, character by character: Graves, "Generating sequences with recurrent
-- neural networks" (2013); Karpathy, "The unreasonable effectiveness of recurrent neural
-- networks" (2015). An embedding, two LSTM layers of 256 units, scores for the next
-- character. 886,880 parameters for 96 symbols (the printable ones of ASCII and the end of
-- a line).
--
--   local net = require "models.char_lstm" { symbols = 96, steps = 64 }
--
-- Input: (batch, steps) numbers of symbols, from 1 on; output: (batch, symbols, steps)
-- scores, with which softmax_loss takes targets of (batch, steps). scripts/char_lstm.lua
-- trains one.
-- Options: symbols (96), steps (64), embedding (64), hidden (256), layers (2), dropout (0,
-- before the scores), seed (1).
local lander = require "lander"
local nn = lander.nn

return function(options)
  local opt = lander.options("models.char_lstm", options, { symbols = 96, steps = 64,
    embedding = 64, hidden = 256, layers = 2, dropout = 0.0, seed = 1 })
  return nn.net {
    nn.input { opt.steps },
    nn.embedding { opt.symbols, opt.embedding },
    nn.lstm { opt.hidden, layers = opt.layers },
    nn.dropout { opt.dropout },
    -- A linear layer at every step is a convolution of width 1 over (features, steps).
    nn.permute { 2, 1 },
    nn.conv { opt.symbols, kernel = 1 },
    seed = opt.seed,
  }
end
