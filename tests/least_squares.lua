-- least_squares.lua: a problem whose gradients are done by hand, for the tests of solvers.
--
-- y = x W^T + b for a batch; loss 1/(2n) sum of squares; W is (2, 3), b (2).
local lander = require "lander"
local nn = lander.nn

local problem = {
  X = { { 1, 2, -1 }, { 0.5, -1, 2 }, { -1, 0, 1 }, { 2, 1, 0.5 } },
  T = { { 1, 0 }, { -1, 2 }, { 0.5, 0.5 }, { 0, -1 } },
  W = { { 0.1, -0.2, 0.3 }, { 0.4, 0, -0.5 } }, -- in the beginning
  B = { 0.05, -0.1 },
}

-- -> loss, dW, dB
function problem.gradients(W, B)
  local X, T = problem.X, problem.T
  local loss, dW, dB = 0, { { 0, 0, 0 }, { 0, 0, 0 } }, { 0, 0 }
  for s, x in ipairs(X) do
    for o = 1, 2 do
      local d = B[o] - T[s][o]
      for i = 1, 3 do d = d + W[o][i] * x[i] end
      loss = loss + d * d / (2 * #X)
      dB[o] = dB[o] + d / #X
      for i = 1, 3 do dW[o][i] = dW[o][i] + d * x[i] / #X end
    end
  end
  return loss, dW, dB
end

-- The norm of all numbers of some rows.
function problem.norm(rows)
  local squares = 0
  for _, row in ipairs(rows) do
    for _, value in ipairs(row) do squares = squares + value * value end
  end
  return math.sqrt(squares)
end

local function sign(v) return v > 0 and 1 or v < 0 and -1 or 0 end

-- The gradient of each regularisation_type.
problem.pull = {
  L1 = function(w) return sign(w) end,
  L2 = function(w) return w end,
  L1L2 = function(w) return sign(w) + w end,
}

-- mult: { lr =, decay = }, each a list for W and b.
function problem.net(mult)
  local net = nn.net {
    nn.input { 3 }, nn.linear { 2, lr_mult = mult and mult.lr, decay_mult = mult and mult.decay },
  }
  net.params[1].data:copy_(lander.tensor(problem.W))
  net.params[2].data:copy_(lander.tensor(problem.B))
  return net
end

return problem
