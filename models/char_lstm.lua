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
-- With state = true it has two more inputs, the state that the text before has left, each of
-- (batch, layers, hidden), zeros at first; behind a pass net["lstm1"].outputs has the new
-- state as its second and third.
-- Options: symbols (96), steps (64), embedding (64), hidden (256), layers (2), dropout (0,
-- before the scores), state (false), seed (1).
local lander = require "lander"
local nn = lander.nn

return function(options)
  local opt = lander.options("models.char_lstm", options, { symbols = 96, steps = 64,
    embedding = 64, hidden = 256, layers = 2, dropout = 0.0, state = false, seed = 1 })
  local lstm = { nn.input { opt.steps }:embedding { opt.symbols, opt.embedding },
    opt.hidden, layers = opt.layers, state = opt.state }
  if opt.state then
    lstm[#lstm + 1] = nn.input { opt.layers, opt.hidden, name = "h" }
    lstm[#lstm + 1] = nn.input { opt.layers, opt.hidden, name = "c" }
  end
  local states = nn.lstm(lstm)
  if opt.dropout > 0 then states = states:dropout { opt.dropout } end
  return nn.net { states:linear { opt.symbols, axis = -1 }:permute { 2, 1 }, seed = opt.seed }
end
