-- test_registry.lua: a sweep over all layers of the library: each can be made, says what it
-- is, has a test, survives save and load, takes batches of changing sizes, and refuses
-- nonsense with words.
local lu = require "luaunit"
local lander = require "lander"
local core = lander.core

-- For each layer the least that makes it: what its input x is, and its line.
local IMAGE, VECTOR, SEQUENCE = "shape=4,6,6", "shape=6", "shape=5,4"
local LABEL, TARGET = "t = label ()\n", "t = label () shape=6\n"
local MINIMAL = {
  input = { VECTOR, "y = flatten (x)" }, label = { VECTOR, "y = flatten (x)\nt = label ()" },
  linear = { VECTOR, "y = linear (x) outputs=3" },
  conv = { IMAGE, "y = conv (x) outputs=3 kernel=3" },
  deconv = { IMAGE, "y = deconv (x) outputs=3 kernel=3" },
  max_pool = { IMAGE, "y = max_pool (x) kernel=2" },
  avg_pool = { IMAGE, "y = avg_pool (x) kernel=2" },
  group_norm = { IMAGE, "y = group_norm (x) groups=2" },
  reshape = { VECTOR, "y = reshape (x) shape=2,3" },
  permute = { SEQUENCE, "y = permute (x) order=2,1" },
  concat = { VECTOR, "y = concat (x, x)" }, slice = { VECTOR, "y = slice (x) parts=2" },
  split = { VECTOR, "y = split (x) outputs=2" },
  crop = { IMAGE, "y = crop (x) size=4,4 offset=1" }, tile = { VECTOR, "y = tile (x) times=2" },
  add = { VECTOR, "y = add (x, x)" }, mul = { VECTOR, "y = mul (x, x)" },
  maximum = { VECTOR, "y = maximum (x, x)" },
  embedding = { VECTOR, "y = embedding (x) entries=9 dim=3", indices = true },
  rnn = { SEQUENCE, "y = rnn (x) hidden=3" }, lstm = { SEQUENCE, "y = lstm (x) hidden=3" },
  gru = { SEQUENCE, "y = gru (x) hidden=3" }, attention = { SEQUENCE, "y = attention (x) heads=2" },
  softmax_loss = { VECTOR, LABEL .. "y = softmax_loss (x, t)" },
  nll_loss = { VECTOR, LABEL .. "y = nll_loss (x, t)" },
  hinge_loss = { VECTOR, LABEL .. "y = hinge_loss (x, t)" },
  accuracy = { VECTOR, LABEL .. "y = accuracy (x, t)" },
  mse_loss = { VECTOR, TARGET .. "y = mse_loss (x, t)" },
  sigmoid_loss = { VECTOR, TARGET .. "y = sigmoid_loss (x, t)" },
  huber_loss = { VECTOR, TARGET .. "y = huber_loss (x, t)" },
  l1_loss = { VECTOR, TARGET .. "y = l1_loss (x, t)" },
  contrastive_loss = { VECTOR, LABEL .. "y = contrastive_loss (x, x, t)" },
}
for name in ("global_avg_pool batch_norm lrn"):gmatch "%S+" do
  MINIMAL[name] = { IMAGE, "y = " .. name .. " (x)" }
end
for name in ([[relu sigmoid tanh prelu elu gelu silu softplus power exp log abs softmax
  log_softmax dropout layer_norm flatten reduction scale bias argmax]]):gmatch "%S+" do
  MINIMAL[name] = { VECTOR, "y = " .. name .. " (x)" }
end

local function text_of(name)
  local case = MINIMAL[name]
  lu.assertNotNil(case, name .. " has no entry in this test: give it one")
  return ("x = input () %s\n%s\n"):format(case[1], case[2])
end

local function each_layer(f)
  local count = 0
  for _, description in ipairs(core.describe "layer") do
    f(description.name, description)
    count = count + 1
  end
  lu.assertTrue(count > 50)
end

-- Inputs of n samples: positive numbers, so that log and embedding have what they want.
local function inputs_of(name, net, n)
  local size = net:layers()[1].size
  local x = lander.rand(n, table.unpack(size)) + 0.5
  if MINIMAL[name].indices then x = x:floor() + 1 end
  local t
  if net:labels() > 0 then
    t = name == "contrastive_loss" and lander.ones(n) or lander.ones(n, table.unpack(
      MINIMAL[name][2]:find "shape=6" and { 6 } or {}))
  end
  return x, t
end

local function same(a, b)
  lu.assertEquals(a:size(), b:size())
  lu.assertTrue(a:eq(b):all())
end

local function value(net, name, x, t)
  if t then net:forward(x, t) else net:forward(x) end
  return net:layer(name == "label" and "t" or "y").output:clone()
end

TestRegistry = {}

function TestRegistry.test_each_can_be_made_and_says_what_it_is()
  each_layer(function(name, description)
    lu.assertTrue(#description.help > 20, name)
    lu.assertTrue(#description.example > 5, name)
    for _, option in ipairs(description.options) do
      lu.assertTrue(#(option.help or "") > 3, name .. "." .. option.name)
    end
    local net = core.net_build(text_of(name), 1)
    lu.assertEquals(core.net_build(net:text(), 1):text(), net:text())
  end)
end

function TestRegistry.test_each_is_named_in_a_test()
  local all = {}
  for path in io.popen("ls tests/test_*.lua tests/compare/*.txt"):lines() do
    if not path:find "test_registry" then all[#all + 1] = assert(io.open(path)):read "a" end
  end
  local text = table.concat(all, "\n")
  each_layer(function(name)
    lu.assertTrue(text:find("%f[%w_]" .. name .. "%f[^%w_]") ~= nil, name)
  end)
end

function TestRegistry.test_each_survives_save_and_load()
  local path = os.tmpname()
  each_layer(function(name)
    local net = core.net_build(text_of(name), 3):test_phase()
    net:save(path)
    local again = lander.load(path):test_phase()
    local x, t = inputs_of(name, net, 2)
    same(value(net, name, x, t), value(again, name, x, t))
  end)
  os.remove(path)
end

function TestRegistry.test_each_takes_batches_of_changing_sizes()
  each_layer(function(name)
    local net = core.net_build(text_of(name), 3):test_phase()
    local x, t = inputs_of(name, net, 5)
    local whole = value(net, name, x, t)
    for _, n in ipairs { 1, 5, 2, 5, 3 } do
      local part = value(net, name, x:narrow(1, 1, n), t and t:narrow(1, 1, n))
      if whole:dim() > 0 and whole:size(1) == 5 then
        lu.assertTrue(part:allclose(whole:narrow(1, 1, n), 1e-5, 1e-6), name)
      end
    end
  end)
end

function TestRegistry.test_each_refuses_nonsense_with_words()
  each_layer(function(name, description)
    local text = text_of(name)
    local line = text:match("[%w]+ = " .. name .. " %([^\n]*")
    local function refuses(changed, words)
      local at, last = text:find(line, 1, true)
      local wrong = text:sub(1, at - 1) .. changed .. text:sub(last + 1)
      local ok, message = pcall(core.net_build, wrong, 1)
      lu.assertFalse(ok, changed)
      lu.assertStrContains(message, words)
    end
    refuses(line .. " nonsense=1", "unknown option 'nonsense'")
    refuses(line:gsub(" = " .. name, " = " .. name .. "x"), "did you mean '" .. name .. "'")
    for _, option in ipairs(description.options) do
      local key = option.name
      local without = line:gsub(" " .. key .. "=%S+", "")
      refuses(without .. (" %s=?!"):format(key), "'" .. key .. "'")
      if option.default == nil then refuses(without, "'" .. key .. "' is required") end
    end
  end)
end
