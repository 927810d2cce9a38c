-- A multi-layer perceptron: linear layers with an activation between them.
-- Its scores go to the loss as they are.
--
--   local net = require "models.mlp" { 2, 16, 16, 2, activation = "tanh" }
--
-- The unnamed entries are the sizes: inputs, hidden layers, outputs. Options: activation
-- (the name of a layer, "relu"), filler (of the weights, "xavier"), seed (1).
local nn = require("lander").nn

return function(options)
  local last = #options
  if last < 2 then
    error("models.mlp: at least two sizes are needed, inputs and outputs", 2)
  end
  local chain = { nn.input { options[1] }, seed = options.seed }
  for i = 2, last do
    chain[#chain + 1] = nn.linear { options[i], weight_filler = options.filler }
    if i < last then
      chain[#chain + 1] = nn[options.activation or "relu"] {}
    end
  end
  return nn.net(chain)
end
