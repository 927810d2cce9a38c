-- test_layers_activations.lua: prelu, elu, gelu, silu, softplus, power, exp, log and abs beside
-- their formulas.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"
local layers = require "tests.layers"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails
local apart, forward = layers.apart, layers.forward
local assert_near, assert_gradients = layers.assert_near, layers.assert_gradients

local exp, log = math.exp, math.log

-- The integral of the normal density from 0 to x, by Simpson's rule: good to 1e-15 for |x| < 3.
local function normal(x)
  local steps, sum = 400, 0
  local h = x / steps
  for i = 0, steps do
    local weight = (i == 0 or i == steps) and 1 or i % 2 == 1 and 4 or 2
    sum = sum + weight * exp(-(i * h) ^ 2 / 2)
  end
  return 0.5 + sum * h / 3 / math.sqrt(2 * math.pi)
end

local function gelu_tanh(x)
  local u = math.sqrt(2 / math.pi) * (x + 0.044715 * x ^ 3)
  return 0.5 * x * (2 - 2 / (exp(2 * u) + 1))
end

local cases = {
  { "elu", {}, function(x) return x > 0 and x or exp(x) - 1 end },
  { "elu", { alpha = 0.3 }, function(x) return x > 0 and x or 0.3 * (exp(x) - 1) end },
  { "gelu", {}, function(x) return x * normal(x) end },
  { "gelu", { approximate = "tanh" }, gelu_tanh },
  { "silu", {}, function(x) return x / (1 + exp(-x)) end },
  { "softplus", {}, function(x) return log(1 + exp(x)) end },
  { "softplus", { beta = 3, threshold = 2 }, function(x)
    return 3 * x > 2 and x or log(1 + exp(3 * x)) / 3
  end },
  { "power", {}, function(x) return x end },
  { "power", { scale = -2, shift = 3 }, function(x) return 3 - 2 * x end },
  { "power", { 2 }, function(x) return x * x end },
  { "power", { 3, scale = 0.5, shift = 1 }, function(x) return (1 + 0.5 * x) ^ 3 end },
  { "power", { -0.75, scale = 0.5, shift = 2 }, function(x) return (2 + 0.5 * x) ^ -0.75 end },
  { "power", { power = 0 }, function() return 1 end },
  { "exp", {}, exp },
  { "exp", { base = 2, scale = 0.5, shift = 1 }, function(x) return 2 ^ (1 + 0.5 * x) end },
  { "log", { shift = 3 }, function(x) return log(3 + x) end },
  { "log", { base = 10, scale = 0.3, shift = 1 }, function(x) return log(1 + 0.3 * x, 10) end },
  { "abs", {}, math.abs },
}

TestActivations = {}

function TestActivations.test_each_formula_and_its_gradient()
  for _, case in ipairs(cases) do
    local kind, options, f = table.unpack(case)
    for _, size in ipairs { { 7, 3, 5 }, { 2, 1 }, { 3, 41 } } do
      local x = apart(table.unpack(size))
      assert_near(forward(nn[kind](options), x), naive.map(f, naive.of(x)), kind)
      local net = nn.net { nn.input(table.move(size, 2, #size, 1, {})), nn[kind](options) }
      assert_gradients(net, x)
    end
  end
end

-- Far from zero, where the naive formulas overflow or cancel.
function TestActivations.test_large_and_small_numbers()
  local tiny = support.is_double and 1e-15 or 2e-7 -- relative
  local function check(layer, x, expected)
    local y = forward(layer, lander.tensor { { x } })[1][1]
    lu.assertTrue(y == expected or math.abs(y / expected - 1) <= tiny, tostring(layer) .. " " .. y)
  end
  check(nn.softplus {}, 1000, 1000)
  check(nn.softplus { threshold = 1e5 }, 1000, 1000)
  check(nn.softplus {}, -1000, 0)
  check(nn.elu {}, -1000, -1)
  check(nn.elu {}, -2 ^ -30, -2 ^ -30 + 2 ^ -61)
  check(nn.gelu {}, 1000, 1000)
  check(nn.gelu {}, -1000, 0)
  check(nn.gelu { approximate = "tanh" }, -1000, 0)
  check(nn.silu {}, 1000, 1000)
  check(nn.silu {}, -1000, 0)
  check(nn.log {}, 1, 0)
  check(nn.log {}, 0, -1 / 0)
  check(nn.exp {}, -1 / 0, 0)
  check(nn.abs {}, -1 / 0, 1 / 0)
end

function TestActivations.test_nan_travels_both_ways()
  local nan = 0 / 0
  local more = { { "prelu", {} }, { "prelu", { channel_shared = false } } }
  for _, list in ipairs { cases, more } do
    for _, case in ipairs(list) do
      local kind, options = case[1], case[2]
      if options.power ~= 0 then -- anything to the power of 0 is 1
        local net = nn.net { nn.input { 1 }, nn[kind](options) }
        net:want_input_gradient()
        local y = net:forward(lander.tensor { { nan }, { 1 } })
        lu.assertTrue(y[1][1] ~= y[1][1] and y[2][1] == y[2][1], kind)
        net:backward(lander.tensor { { 1 }, { nan } })
        local dx = net["data"].gradient
        lu.assertTrue(dx[2][1] ~= dx[2][1], kind)
      end
    end
  end
  lu.assertTrue(tostring(forward(nn.log {}, lander.tensor { { -1 } })[1][1]):find "nan" ~= nil)
end

function TestActivations.test_gradients_at_zero()
  local function slope(layer)
    local net = nn.net { nn.input { 1 }, layer }
    net:want_input_gradient()
    net:forward(lander.zeros(1, 1))
    net:backward(lander.ones(1, 1))
    return net["data"].gradient[1][1]
  end
  lu.assertEquals(slope(nn.abs {}), 0)
  lu.assertEquals(slope(nn.power { 2 }), 0)
  lu.assertEquals(slope(nn.power { 0 }), 0)
  lu.assertEquals(slope(nn.power { 1 }), 1)
  lu.assertEquals(slope(nn.elu {}), 1)
  lu.assertEquals(slope(nn.gelu {}), 0.5)
  lu.assertEquals(slope(nn.silu {}), 0.5)
  lu.assertEquals(slope(nn.softplus {}), 0.5)
end

function TestActivations.test_options_that_cannot_be()
  local function build(layer) return function() nn.net { nn.input { 2 }, layer } end end
  fails("exp: option 'base' must be above 0, or -1 for e, got 0", build(nn.exp { base = 0 }))
  fails("exp: option 'base'", build(nn.exp { base = -0.5 }))
  fails("log: option 'base' must be above 0, but not 1, or -1 for e, got 1",
    build(nn.log { base = 1 }))
  fails("approximate", function() build(nn.gelu { approximate = "tahn" })() end)
  fails("beta", function() build(nn.softplus { beta = 0 })() end)
  fails("alpha", function() build(nn.elu { alpha = 0 / 0 })() end)
end

-- ---- prelu ----

TestPrelu = {}

local function prelu(size, options)
  local net = nn.net { nn.input(table.move(size, 2, #size, 1, {})), nn.prelu(options) }
  return net, net.params["prelu1.weight"].data
end

function TestPrelu.test_one_slope_or_one_a_channel()
  for _, size in ipairs { { 4, 3 }, { 3, 2, 5 }, { 2, 3, 4, 9 }, { 1, 1, 2 }, { 1, 70 } } do
    for _, shared in ipairs { true, false } do
      local net, weight = prelu(size, { channel_shared = shared })
      lu.assertEquals(weight:size(), { shared and 1 or size[2] })
      lu.assertEquals({ weight:min(), weight:max() }, { 0.25, 0.25 })
      weight:uniform_(-0.5, 0.5)
      local x = apart(table.unpack(size))
      assert_near(net:forward(x), naive.make(size, function(at)
        local v = x:get(table.unpack(at))
        return v > 0 and v or v * weight[shared and 1 or at[2]]
      end))
      assert_gradients(net, x)
    end
  end
end

function TestPrelu.test_where_it_begins()
  local _, weight = prelu({ 1, 3 }, { init = -0.5, channel_shared = false })
  lu.assertEquals(weight:totable(), { -0.5, -0.5, -0.5 })
  fails("init", function() nn.prelu { init = 0 / 0 } end)
end

function TestPrelu.test_threads_do_not_change_a_bit()
  local function run(threads)
    local before = lander.threads()
    lander.threads(threads)
    local net = prelu({ 1, 5, 6000 }, { channel_shared = false })
    lander.seed(2)
    local x = lander.randn(9, 5, 6000)
    net:forward(x)
    net:backward(x)
    lander.threads(before)
    return net.params["prelu1.weight"].grad
  end
  local one = run(1)
  support.same_bits(one, run(2))
  support.same_bits(one, run(3))
end

-- Numbers whose cube is too large have the slope of a large number.
function TestActivations.test_gelu_of_huge_numbers()
  for _, approximate in ipairs { "none", "tanh" } do
    local net = nn.net { nn.input { 4 }, nn.gelu { approximate = approximate } }
    net:want_input_gradient(true)
    net:forward(lander.tensor { { 1e19, 1e20, -1e20, 1e30 } })
    net:backward(lander.ones(1, 4))
    lu.assertEquals(net.data.gradient:totable(), { { 1, 1, 0, 1 } })
  end
end
