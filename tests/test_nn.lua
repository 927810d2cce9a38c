-- test_nn.lua: constructors, chains, graphs, names, losses, summary, clone.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local nn, fails = lander.nn, support.fails

-- The lines of a net's text, without runs of spaces.
local function lines(net)
  local list = {}
  for line in net:text():gmatch "[^\n]+" do list[#list + 1] = (line:gsub("%s+", " ")) end
  return list
end

local function names(net)
  local list = {}
  for i, info in ipairs(net:layers()) do list[i] = info.name end
  return table.concat(list, " ")
end

-- An error must stand at the line of this file that made it.
local function fails_here(text, f, ...)
  local message = fails(text, f, ...)
  lu.assertStrMatches(message, "tests/test_nn%.lua:%d+: .*")
end

TestChains = {}

function TestChains.test_names_are_type_and_count()
  local net = nn.net {
    nn.input { 1, 12, 12 }, nn.conv { 2, kernel = 3 }, nn.relu {}, nn.conv { 3, kernel = 3 },
    nn.linear { 4 }, nn.linear { 2 },
  }
  lu.assertEquals(names(net), "data conv1 relu1 conv2 linear1 linear2")
  lu.assertNotNil(net.params["conv2.weight"])
  lu.assertEquals(lines(net)[2], "conv1 = conv (data) outputs=2 kernel=3")
end

function TestChains.test_given_names_and_default_names_keep_apart()
  local net = nn.net {
    nn.input { 4, name = "x" }, nn.linear { 3 }, nn.linear { 2, name = "linear2" }, nn.linear { 2 },
  }
  lu.assertEquals(names(net), "x linear1 linear2 linear3")
  fails_here("two layers are called 'a'; names must differ", function()
    return (nn.net { nn.input { 2 }, nn.linear { 2, name = "a" }, nn.relu { name = "a" } })
  end)
end

function TestChains.test_chains_in_chains()
  local block = { nn.linear { 3 }, nn.relu {} }
  local net = nn.net { nn.input { 2 }, block, { block, { nn.linear { 2 } } } }
  lu.assertEquals(names(net), "data linear1 relu1 linear2 relu2 linear3")
end

function TestChains.test_a_loss_in_a_chain_gets_a_label()
  local net = nn.net { nn.input { 3 }, nn.linear { 2 }, nn.softmax_loss {}, nn.accuracy {} }
  lu.assertEquals(names(net), "data linear1 label softmax_loss1 accuracy1")
  lu.assertTrue(net:has_loss())
  lu.assertEquals(net:output_name(), "linear1")
  -- mse_loss compares with a target of the output's shape.
  net = nn.net { nn.input { 3 }, nn.linear { 2 }, loss = "mse_loss" }
  local x, y = lander.ones(4, 3), lander.zeros(4, 2)
  lu.assertTrue(net:loss(x, y) > 0)
end

TestGraphs = {}

function TestGraphs.test_methods_on_nodes()
  local x = nn.input { 3, 8, 8, name = "image" }
  local h = x:conv { 4, kernel = 3, pad = 1, bias = false }:relu {}
  local y = h:max_pool { 2, stride = 2 }:linear { 10 }
  local net = nn.net { y, loss = y:softmax_loss { nn.label {} } }
  lu.assertEquals(names(net), "image conv1 relu1 max_pool1 label linear1 softmax_loss1")
  lu.assertEquals(net:output_name(), "linear1")
end

function TestGraphs.test_nodes_are_shared_not_copied()
  local x = nn.input { 4 }
  local h = x:linear { 4 }
  local net = nn.net { h:relu {}, h:tanh {} }
  lu.assertEquals(names(net), "data linear1 relu1 tanh1")
end

function TestGraphs.test_chains_go_on_from_nodes()
  local x = nn.input { 4 }
  local net = nn.net { x:linear { 3 }, nn.relu {}, nn.linear { 2 }:tanh {} }
  lu.assertEquals(names(net), "data linear1 relu1 linear2 tanh1")
  local y = x:chain { nn.linear { 3 }, nn.relu {} }
  lu.assertEquals(names(nn.net { y }), "data linear1 relu1")
end

function TestGraphs.test_several_inputs_and_outputs()
  local a, b = nn.input { 2, name = "a" }, nn.input { 3, name = "b" }
  local p, q = a:linear { 4, name = "p" }, b:linear { 5, name = "q" }
  local net = nn.net { q, p }
  lu.assertEquals(net:output_name(), "p") -- the last one that is named
  local y = net:forward(lander.ones(2, 2), lander.ones(2, 3))
  lu.assertEquals(y:size(2), 4)
  lu.assertEquals(net["q"].output:size(2), 5)
end

function TestGraphs.test_the_main_output_stays_last_beside_an_auxiliary_loss()
  local x = nn.input { 4 }
  local h = x:linear { 4 }:relu {}
  local y, aux = h:linear { 3, name = "main" }, h:linear { 3, name = "aux" }
  local label = nn.label {}
  local net = nn.net { y, loss = { y:softmax_loss { label }, aux:softmax_loss { label } } }
  lu.assertEquals(net:output_name(), "main")
  lu.assertEquals(net:labels(), 1)
end

TestNnErrors = {}

function TestNnErrors.test_unknown_words()
  fails_here("there is no layer 'konv', did you mean 'conv'?", function() return (nn.konv {}) end)
  fails_here("unknown option 'kernal', did you mean 'kernel'?", function()
    return (nn.conv { 3, kernal = 3 })
  end)
  fails_here("there is no layer 'reluu'", function() return (nn.input { 2 }:reluu {}) end)
  fails_here("nn.net: unknown option 'sed', did you mean 'seed'?", function()
    return (nn.net { nn.input { 2 }, sed = 1 })
  end)
  fails_here("there is no layer 'mse_los', did you mean 'mse_loss'?", function()
    return (nn.net { nn.input { 2 }, nn.linear { 2 }, loss = "mse_los" })
  end)
end

function TestNnErrors.test_wrong_values()
  fails_here("nn.linear takes one table", function() return (nn.linear(3)) end)
  fails_here("linear", function() return (nn.linear { -1 }) end)
  fails_here("linear", function() return (nn.linear { "many" }) end)
  fails_here("linear", function() return (nn.linear {}) end)
  fails_here("there is a nil among the unnamed entries", function()
    return (nn.conv { nil, 3 })
  end)
  for _, name in ipairs { "a b", "", "-a", "a.", "ä", ("x"):rep(200), 7 } do
    fails_here("a name has letters", function() return (nn.relu { name = name }) end)
  end
end

function TestNnErrors.test_chains_that_make_no_sense()
  fails_here("a net begins with nn.input", function()
    return (nn.net { nn.conv { 3, kernel = 3 } })
  end)
  fails_here("there is no layer", function() return (nn.net {}) end)
  fails_here("entry 2 of the chain is a number", function()
    return (nn.net { nn.input { 2 }, 3 })
  end)
  fails_here("there is a nil among the layers", function()
    return (nn.net { nn.input { 2 }, nil, nn.relu {} })
  end)
  fails_here("nn.net takes one table", function() return (nn.net(3)) end)
end

function TestNnErrors.test_shapes_that_do_not_fit_name_the_layer()
  fails_here("conv1", function()
    return (nn.net { nn.input { 1, 4, 4 }, nn.conv { 2, kernel = 9 } })
  end)
end

TestNets = {}

function TestNets.test_seeds_decide_the_weights()
  local function net(seed) return nn.net { nn.input { 5 }, nn.linear { 4 }, seed = seed } end
  support.same_params(net(3), net(3))
  lu.assertNotEquals(net(3).params[1].data[1][1], net(4).params[1].data[1][1])
end

function TestNets.test_summary_adds_up()
  local net = require "models.lenet" { classes = 10 }
  local text = tostring(net)
  lu.assertEquals(text, net:summary())
  -- 20*25+20, 50*500+50, 500*800+500, 10*500+10
  lu.assertStrContains(text, "520")
  lu.assertStrContains(text, "25,050")
  lu.assertStrContains(text, "400,500")
  lu.assertStrMatches(text, ".*\ntotal%s+431,080%s+2,293,000.*")
  lu.assertStrContains(text, "50x8x8")
end

function TestNets.test_clones_are_alike_and_apart()
  local net = nn.net { nn.input { 3 }, nn.linear { 2 }, seed = 9 }
  net:test_phase()
  local copy = net:clone()
  support.same_params(net, copy)
  lu.assertEquals(copy:phase(), "test")
  copy.params[1].data:fill_(0)
  lu.assertNotEquals(net.params[1].data[1][1], 0)
end

function TestNets.test_a_loss_is_appended_once()
  local net = nn.net { nn.input { 3 }, nn.linear { 2 } }
  lander.core.ensure_loss(net)
  lander.core.ensure_loss(net)
  lu.assertEquals(names(net), "data linear1 label softmax_loss1")
  fails("the net has a loss of its own", lander.core.ensure_loss, net, "mse_loss")
  fails("there is no loss 'mse_los', did you mean 'mse_loss'?", lander.core.ensure_loss,
    nn.net { nn.input { 3 }, nn.linear { 2 } }, "mse_los")
end

function TestNets.test_softmax_loss_reads_the_scores_before_a_softmax()
  local net = nn.net { nn.input { 3 }, nn.linear { 2 }, nn.softmax {} }
  lander.core.ensure_loss(net)
  lu.assertStrContains(net:text(), "softmax_loss (linear1, label)")
end

TestGradients = {}

function TestGradients.test_right_gradients_are_good()
  local net = nn.net { nn.input { 3 }, nn.linear { 4 }, nn.tanh {}, nn.linear { 3 },
                       nn.softmax_loss {} }
  local x = lander.randn(5, 3)
  local before = x:clone()
  local result = lander.check_gradients(net, x, lander.tensor { 1, 2, 3, 1, 2 })
  lu.assertTrue(result.ok, tostring(result))
  lu.assertEquals(#result.report, 5) -- four parameters and the input
  support.same_bits(x, before)
end

function TestGradients.test_without_a_loss_the_output_is_projected()
  local net = nn.net { nn.input { 3 }, nn.linear { 4 }, nn.softmax {} }
  local result = lander.check_gradients(net, lander.randn(4, 3))
  lu.assertTrue(result.ok, tostring(result))
end

function TestGradients.test_sampling()
  local net = nn.net { nn.input { 10 }, nn.linear { 20 } }
  local result = lander.check_gradients(net, lander.randn(2, 10), nil, { samples = 7 })
  lu.assertEquals(result.report[1].checked, 7)
end

-- The report on a net whose backward makes what `spoil` turns the gradients into.
local function spoilt(spoil, options)
  local net = nn.net { nn.input { 6 }, nn.linear { 8 }, nn.tanh {}, nn.linear { 5 },
                       nn.softmax_loss {}, seed = 3 }
  -- Small gradients, which the rounding of the loss is large beside.
  net.params[3].data:mul_(1e-3)
  local x, y = lander.rand(16, 6), lander.ones(16)
  for i = 1, 16 do y:set(1 + i % 5, i) end
  local methods = lander.core.net_methods
  local backward = methods.backward
  methods.backward = function(self, ...)
    backward(self, ...)
    spoil(self.params[1].grad:view(-1))
  end
  local ok, result = pcall(lander.check_gradients, net, x, y, options)
  methods.backward = backward
  lu.assertTrue(ok, result)
  return result.report[1], result
end

function TestGradients.test_wrong_gradients_are_found()
  local row, result = spoilt(function() end)
  lu.assertTrue(result.ok, tostring(result))
  lu.assertEquals({ row.checked, row.skipped }, { 48, 0 })
  row, result = spoilt(function(g) g:mul_(-1) end)
  lu.assertEquals({ row.ok, row.skipped, result.ok }, { false, 0, false })
  for _, value in ipairs { 0 / 0, 1 / 0, -1 / 0, 1 } do
    row = spoilt(function(g) g[2] = value end)
    lu.assertFalse(row.ok, tostring(value))
  end
  -- Element 2 is not among the three that are looked at, and not finite nevertheless.
  row = spoilt(function(g) g[2] = 1 / 0 end, { samples = 3 })
  lu.assertFalse(row.ok)
  if support.is_double then
    row = spoilt(function(g) g[7] = -g[7] end)
    lu.assertEquals({ row.ok, row.worst }, { false, 7 })
  end
end

function TestGradients.test_kinks_are_not_judged()
  local net = nn.net { nn.input { 4 }, nn.relu {} }
  local result = lander.check_gradients(net, lander.tensor { { 0, 1, -1, 2 } })
  lu.assertEquals({ result.ok, result.report[1].checked, result.report[1].skipped },
    { true, 3, 1 })
end

function TestGradients.test_wrong_values()
  local net = nn.net { nn.input { 1 }, nn.linear { 1 } }
  local x = lander.ones(1, 1)
  for _, value in ipairs { 0, -1, 1, 0 / 0 } do
    fails_here("step must be between 0 and 1", function()
      return (lander.check_gradients(net, x, nil, { step = value }))
    end)
  end
  fails_here("tolerance must be between 0 and 1", function()
    return (lander.check_gradients(net, x, nil, { tolerance = 1 / 0 }))
  end)
  fails_here("input 1 is a string, expected a tensor", function()
    return (lander.check_gradients(net, "x"))
  end)
end

function TestGradients.test_unknown_options()
  local net = nn.net { nn.input { 1 }, nn.linear { 1 } }
  fails_here("did you mean 'samples'", function()
    return (lander.check_gradients(net, lander.ones(1, 1), nil, { sample = 1 }))
  end)
end

TestHelp = {}

function TestHelp.test_every_description_has_its_text()
  for _, layer in ipairs(lander.core.describe "layer") do
    local text = lander.core.help_text(layer.name)
    lu.assertStrContains(text, layer.help)
    for _, option in ipairs(layer.options) do
      lu.assertStrContains(text, option.name)
      lu.assertStrContains(text, option.help)
    end
  end
  lu.assertStrContains(lander.core.help_text(), "layers (lander.nn)")
  lu.assertStrContains(select(2, lander.core.help_text "konv"), "did you mean 'conv'?")
end
