-- sparse_autoencoder.lua: an autoencoder whose hidden units are seldom active, the
-- classical exercise in back-propagation (A. Ng, "Sparse autoencoder", CS294A lecture notes,
-- 2011): sigmoid units, and the cost
--   1 / (2 n) sum |y - x|^2 + decay / 2 sum W^2 + beta sum over units of KL(rho || rho_j),
-- rho_j being the mean activity of unit j in the batch, and KL(rho || r) = rho log(rho / r)
-- + (1 - rho) log((1 - rho) / (1 - r)). The penalty is a layer in Lua that hands its input
-- on and adds its own gradient; what it costs is added here, for the gradient check.
--
-- On Fashion-MNIST: FIGURE
local lander = require "lander"
local nn = lander.nn
local opt = lander.args { hidden = 196, rho = 0.1, beta = 1, decay = 1e-4, base_lr = 0.1,
                          batch_size = 200, max_iter = 3000,
                          data = "/usr/share/datasets/fashion-mnist" }

local function penalty(mean, rho)
  return (rho * (rho / mean):log() + (1 - rho) * ((1 - rho) / (1 - mean)):log()):sum()
end

nn.define("sparsity", {
  options = { rho = 0.1, beta = 1 },
  forward = function(_, x) return x:clone() end,
  backward = function(self, x, _, dy)
    local mean = x:mean(1, true):clamp(1e-6, 1 - 1e-6)
    local slope = (1 - self.rho) / (1 - mean) - self.rho / mean
    return dy + slope * (self.beta / x:size(1))
  end,
})

local function build(pixels, hidden)
  return nn.net {
    nn.input { pixels },
    nn.linear { hidden, decay_mult = { 1, 0 } },
    nn.sigmoid { name = "code" },
    nn.sparsity { rho = opt.rho, beta = opt.beta },
    nn.linear { pixels, decay_mult = { 1, 0 } },
    nn.sigmoid {},
    loss = "mse_loss",
  }
end
