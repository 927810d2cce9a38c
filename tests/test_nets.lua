-- test_nets.lua: looking at nets, features, weights from files.
local lu = require "luaunit"
local lander = require "lander"
local nn = lander.nn
local support = require "tests.support"
local fails = support.fails

local function make(classes, seed)
  return nn.net {
    nn.input { 1, 6, 6 }, nn.conv { 3, kernel = 3 }, nn.relu {}, nn.linear { classes }, seed = seed,
  }
end

TestNetMethods = {}

function TestNetMethods.test_the_summary_adds_up()
  local text = tostring(make(5))
  lu.assertStrContains(text, "conv1")
  -- 3 (3x3 + 1) + 5 (48 + 1) parameters; 36 + 48 + 48 + 5 reals
  local bytes = (36 + 48 + 48 + 5) * (lander.config().real == "double" and 8 or 4)
  local total = text:match("[^\n]+$"):gsub(",", "")
  lu.assertStrMatches(total, "total +275 +%d+ +" .. bytes .. " *")
end

function TestNetMethods.test_the_graph_for_graphviz()
  local dot = make(5):to_dot()
  lu.assertStrContains(dot, '"conv1" -> "relu1"')
  lu.assertStrContains(dot, 'label = "conv1\\nconv 3x4x4"')
end

function TestNetMethods.test_a_note_is_saved_with_it()
  local net = support.mlp(1)
  lu.assertNil(net:note())
  local path = support.folder() .. "/net.npz"
  net:save(path)
  lu.assertNil(lander.load(path):note())
  lu.assertEquals(net:note "one \n two":note(), "one \n two")
  net:save(path)
  lu.assertEquals(lander.load(path):note(), "one \n two")
  lu.assertEquals(net:clone():note(), "one \n two")
  lu.assertNil(net:note(nil):note())
  fails("text without zeros", net.note, net, "a\0b")
end

function TestNetMethods.test_features()
  local net = make(5)
  local x = lander.randn(2, 1, 6, 6)
  local f = net:features("conv1", x)
  lu.assertEquals(f:size(), { 2, 3, 4, 4 })
  net:forward(x * 0)
  lu.assertTrue(f:eq(net:features("conv1", x)):all())
  lu.assertEquals(net:phase(), "train")
  fails("did you mean 'conv1'", net.features, net, "cnov1", x)
  fails("expected a tensor of shape", net.features, net, "conv1", lander.zeros(2, 3))
end

function TestNetMethods.test_layer_by_name_even_when_a_method_has_that_name()
  local net = nn.net { nn.input { 2 }, nn.linear { 2, name = "loss" } }
  lu.assertEquals(net:layer("loss").type, "linear")
  lu.assertNil(net:layer "nothing")
end

TestWeights = {}

function TestWeights.test_all_of_them()
  local path = os.tmpname()
  local from, to = make(5, 1), make(5, 2)
  from:save(path)
  local report = to:load_weights(path)
  lu.assertEquals(#report.matched, 4)
  for name, p in pairs(from.params) do
    lu.assertTrue(p.data:eq(to.params[name].data):all())
  end
  os.remove(path)
end

function TestWeights.test_a_part_must_be_asked_for()
  local path = os.tmpname()
  make(5, 1):save(path)
  local to = make(7, 2)
  local before = to.params["conv1.weight"].data:clone()
  fails("linear1.weight (there 5x48, here 7x48)", to.load_weights, to, path)
  lu.assertTrue(before:eq(to.params["conv1.weight"].data):all())
  local report = to:load_weights(path, { partial = true })
  lu.assertEquals(report.matched, { "conv1.weight", "conv1.bias" })
  lu.assertEquals(#report.shape, 2)
  lu.assertStrContains(tostring(report), "2 of 4 parameters")
  fails("no parameter there has a name", function()
    local other = nn.net { nn.input { 2 }, nn.linear { 2, name = "other" } }
    other:load_weights(path, { partial = true })
  end)
  fails("did you mean 'partial'", to.load_weights, to, path, { partail = true })
  os.remove(path)
end
