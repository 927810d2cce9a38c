-- A multi-layer perceptron: linear layers with an activation between them.
-- Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors"
-- (1986). Its scores go to the loss as they are. 669,706 parameters with the sizes that it
-- has when none are given.
--
--   local net = require "models.mlp" { 2, 16, 16, 2, activation = "tanh" }
--
-- The unnamed entries are the sizes: inputs, hidden layers, outputs (784, 512, 512, 10).
-- Options: activation (the name of a layer, "relu"), filler (of the weights, "xavier"), size
-- (of an input with several dimensions, such as { 1, 28, 28 }; it takes the first entry's place),
-- seed (1).
local lander = require "lander"
local nn = lander.nn

return function(options)
  local opt = lander.options("models.mlp", options,
    { 784, 512, 512, 10, activation = "relu", filler = { "xavier" }, size = {}, seed = 1 })
  local last = #opt
  if last < 2 then
    error("models.mlp: at least two sizes are needed, inputs and outputs", 2)
  end
  local chain = { nn.input(#opt.size > 0 and opt.size or { opt[1] }), seed = opt.seed }
  if #opt.size > 1 then chain[2] = nn.flatten {} end
  for i = 2, last do
    chain[#chain + 1] = nn.linear { opt[i], weight_filler = opt.filler }
    if i < last then chain[#chain + 1] = nn[opt.activation] {} end
  end
  return nn.net(chain)
end
