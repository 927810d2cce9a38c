-- A deep autoencoder: Hinton and Salakhutdinov, "Reducing the dimensionality of data with
-- neural networks" (2006), 784-1000-500-250-30 and back, sigmoid units, a linear code.
-- 2,837,314 parameters.
--
--   local net = require "models.autoencoder" { 784, 1000, 500, 250, 30 }
--   net:loss(x, x) -- the pictures are their own targets, (batch, 784), from 0 to 1
--
-- It has its loss, sigmoid_loss, and predicts pixels; the code is net["code"].output.
-- The unnamed entries are the sizes, from the input to the code. Options: activation (the
-- name of a layer, "sigmoid"), seed (1).
local lander = require "lander"
local nn = lander.nn

return function(options)
  local opt = lander.options("models.autoencoder", options,
    { 784, 1000, 500, 250, 30, activation = "sigmoid", seed = 1 })
  local last = #opt
  if last < 2 then
    error("models.autoencoder: at least two sizes are needed, of the input and the code", 2)
  end
  local chain = { nn.input { opt[1] }, loss = "sigmoid_loss", seed = opt.seed }
  for i = 2, last do
    chain[#chain + 1] = nn.linear { opt[i], name = i == last and "code" or nil }
    if i < last then chain[#chain + 1] = nn[opt.activation] {} end
  end
  for i = last - 1, 1, -1 do
    chain[#chain + 1] = nn.linear { opt[i] }
    if i > 1 then chain[#chain + 1] = nn[opt.activation] {} end
  end
  return nn.net(chain)
end
