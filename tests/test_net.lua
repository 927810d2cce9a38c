-- test_net.lua: nets from text, graphs, gradients that add up, threads, files.
local lu = require "luaunit"
local lander = require "lander"
local build = lander.core.net_build

local function fails(pattern, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "expected an error with '" .. pattern .. "'")
  lu.assertStrContains(tostring(message), pattern)
end

local function same_bits(a, b)
  lu.assertEquals(a:numel(), b:numel())
  lu.assertEquals(a:eq(b):sum(), a:numel())
end

local SMALL = [[
data = input () shape=3
hidden = linear (data) outputs=4
act = tanh (hidden)
scores = linear (act) outputs=2
label = label ()
loss = softmax_loss (scores, label)
]]

TestNetText = {}

function TestNetText.test_it_reads_comments_blank_lines_and_spaces()
  local text = "# a net\n\n  data=input()shape=2 # two\r\n\ty = linear ( data ) outputs=3\n"
  local net = build(text, 1)
  lu.assertEquals(#net:layers(), 2)
  lu.assertEquals(net:layers()[2].size, { 3 })
end

function TestNetText.test_its_own_text_builds_the_same_net()
  local net = build(SMALL .. "param scores.bias lr_mult=2 decay_mult=0\n", 7)
  local again = build(net:text(), 7)
  lu.assertEquals(again:text(), net:text())
  lu.assertEquals(again.params["scores.bias"].lr_mult, 2)
  for name, p in pairs(net.params) do same_bits(p.data, again.params[name].data) end
end

function TestNetText.test_errors_name_line_and_layer()
  fails("line 2: y: there is no layer 'linaer', did you mean 'linear'?", build,
    "x = input () shape=2\ny = linaer (x) outputs=2", 1)
  fails("line 2: y: linear: unknown option 'output', did you mean 'outputs'?", build,
    "x = input () shape=2\ny = linear (x) output=2", 1)
  fails("there is no layer 'daat' before it, did you mean 'data'?", build,
    "data = input () shape=2\ny = linear (daat) outputs=2", 1)
  fails("line 2: x: there is a layer of that name already", build,
    "x = input () shape=2\nx = linear (x) outputs=2", 1)
  fails("linear takes 1 inputs, 0 are given", build,
    "x = input () shape=2\ny = linear () outputs=2", 1)
  fails("'x' has 1 output, not 2", build,
    "x = input () shape=2\ny = linear (x:2) outputs=2", 1)
  fails("a net needs an input layer", build, "", 1)
  fails("there is no such parameter, did you mean", build,
    "x = input () shape=2\ny = linear (x) outputs=2\nparam y.wieght lr_mult=2", 1)
end

function TestNetText.test_nonsense_is_refused_with_words()
  for _, text in ipairs { "=", "x", "x =", "x = (", "x = input (", "x = input () shape=",
    "x = input () shape=0", "x = input () shape=-1", "x = input () shape=1e30", "x = input () =",
    "x = input () shape=2 shape=2", "param", "param x", "x = input () shape=2\ny = relu (x:0)",
    "x = input () shape=2\ny = relu (x:99999999999999)", "\1\2\3", ("x"):rep(500) .. " = input ()",
    "x = input () shape=" .. ("1,"):rep(40), "x = input (x, y, z) shape=1" } do
    local ok, message = pcall(build, text, 1)
    lu.assertFalse(ok, text)
    lu.assertTrue(#tostring(message) > 10, text)
  end
end

function TestNetText.test_huge_shapes_are_an_error()
  fails("", build, "x = input () shape=16777216,16777216,16777216\ny = linear (x) outputs=2", 1)
  fails("", build, "x = input () shape=16777216\ny = linear (x) outputs=16777216", 1)
end

function TestNetText.test_a_param_line_keeps_what_it_does_not_name()
  local net = build("x = input () shape=2\ny = linear (x) outputs=2 decay_mult=3\n"
    .. "param y.bias lr_mult=2", 1)
  lu.assertEquals(net.params["y.bias"].decay_mult, 3)
  lu.assertEquals(net.params["y.bias"].lr_mult, 2)
  lu.assertEquals(build(net:text(), 1):text(), net:text())
  fails("twice", build, "x = input () shape=2\ny = linear (x) outputs=2\n"
    .. "param y.bias lr_mult=2 lr_mult=3", 1)
  fails("no '..'", build, "x = input () shape=2\na/../../y = linear (x) outputs=2", 1)
end

TestNetGraph = {}

-- y = tanh(x W1) used by two readers: the gradients of both must add up.
function TestNetGraph.test_gradients_of_a_shared_tensor_add_up()
  local text = [[
data = input () shape=3
a = linear (data) outputs=4
b = linear (a) outputs=1
c = linear (a) outputs=1
t1 = label ()
t2 = label ()
l1 = mse_loss (b, t1)
l2 = mse_loss (c, t2)
]]
  local x, t1, t2 = lander.randn(5, 3), lander.randn(5), lander.randn(5)
  local both = build(text, 3)
  both:forward(x, t1, t2)
  both:backward()
  local sum = lander.zeros(4, 3)
  for skip = 1, 2 do
    local one = build(text, 3)
    -- A loss whose reader's weights are zero sends nothing back.
    one.params[skip == 1 and "b.weight" or "c.weight"].data:zero_()
    one:forward(x, t1, t2)
    one:backward()
    sum:add_(one.params["a.weight"].grad)
  end
  lu.assertTrue(sum:allclose(both.params["a.weight"].grad, 1e-4, 1e-6))
end

function TestNetGraph.test_backward_twice_gives_the_same_bits()
  local net = build(SMALL, 1)
  local x, t = lander.randn(4, 3), lander.tensor { 1, 2, 1, 2 }
  net:forward(x, t)
  net:backward()
  local first = net.params["hidden.weight"].grad:clone()
  net:backward()
  same_bits(first, net.params["hidden.weight"].grad)
end

function TestNetGraph.test_frozen_parameters_get_no_gradient()
  local net = build(SMALL, 1)
  net.params["scores.weight"].frozen = true
  net.params["scores.weight"].grad:fill_(5)
  net:forward(lander.randn(4, 3), lander.tensor { 1, 2, 1, 2 })
  net:backward()
  lu.assertEquals(net.params["scores.weight"].grad:sum(), 5 * 8)
  lu.assertTrue(net.params["hidden.weight"].grad:abs():sum() > 0)
  lu.assertStrContains(net:text(), "param scores.weight frozen=true")
end

function TestNetGraph.test_input_gradient_when_wanted()
  local net = build(SMALL, 1)
  local x, t = lander.randn(4, 3), lander.tensor { 1, 2, 1, 2 }
  net:forward(x, t):sum()
  net:backward()
  fails("no gradient", function() return net["data"].gradient end)
  net:want_input_gradient()
  net:forward(x, t)
  net:backward()
  lu.assertEquals(net["data"].gradient:size(), x:size())
end

function TestNetGraph.test_appending_a_loss_keeps_weights_and_failing_changes_nothing()
  local net = build("data = input () shape=3\ny = linear (data) outputs=2", 1)
  local before, text = net.params["y.weight"].data:clone(), net:text()
  fails("there is no layer", lander.core.net_append, net,
    "label = label ()\nl = sotfmax_loss (y, label)")
  lu.assertEquals(net:text(), text)
  fails("without parameters", lander.core.net_append, net, "z = linear (y) outputs=2")
  lu.assertEquals(net:text(), text)
  lander.core.net_append(net, "label = label ()\nl = softmax_loss (y, label)")
  lu.assertTrue(net:has_loss())
  same_bits(before, net.params["y.weight"].data)
  lu.assertTrue(net:loss(lander.randn(2, 3), lander.tensor { 1, 2 }) > 0)
end

function TestNetGraph.test_nothing_stands_behind_a_loss()
  fails("'loss' gives one number for the whole batch", build, SMALL .. "z = relu (loss)", 1)
end

TestNetRun = {}

function TestNetRun.test_shapes_that_do_not_fit()
  local net = build(SMALL, 1)
  fails("data: expected a tensor of shape (batch, 3), got (2, 4)", net.forward, net,
    lander.zeros(2, 4))
  fails("the batch is empty", net.forward, net, lander.zeros(0, 3))
  fails("label: a batch of 3, but the first input has 2", net.forward, net, lander.zeros(2, 3),
    lander.ones(3))
  fails("the net takes 1 input", net.forward, net)
  fails("backward needs a forward pass", net.backward, build(SMALL, 1))
  net:forward(lander.zeros(2, 3))
  fails("no labels", net.backward, net)
  fails("tensor", net.forward, net, 5)
end

function TestNetRun.test_labels_out_of_range_are_named()
  local net = build(SMALL, 1)
  for _, label in ipairs { 0, 3, 1.5, -1, 0 / 0, 1 / 0 } do
    local ok, message = pcall(net.loss, net, lander.zeros(3, 3), lander.tensor { 1, 2, label })
    lu.assertFalse(ok)
    lu.assertStrContains(message, "sample 3")
    lu.assertStrContains(message, "1..2")
  end
end

function TestNetRun.test_the_batch_may_change_from_call_to_call()
  local net = build(SMALL, 1)
  local x, t = lander.randn(9, 3), lander.ones(9)
  local whole = net:forward(x):clone()
  for _, n in ipairs { 1, 9, 4, 9, 2 } do
    same_bits(net:forward(x:narrow(1, 1, n)), whole:narrow(1, 1, n))
    net:loss(x:narrow(1, 1, n), t:narrow(1, 1, n))
    net:backward()
  end
end

function TestNetRun.test_inputs_need_not_be_contiguous()
  local net = build(SMALL, 1)
  local x = lander.randn(3, 5)
  same_bits(net:forward(x:t()):clone(), net:forward(x:t():contiguous()))
end

function TestNetRun.test_predict_gives_probabilities_and_forward_scores()
  local net = build(SMALL, 1)
  local x = lander.randn(6, 3)
  local p, scores = net:predict(x), net:forward(x)
  lu.assertEquals(p:size(), { 6, 2 })
  lu.assertTrue((p:sum(2) - 1):abs():max() < 1e-6)
  lu.assertTrue(p:argmax(2):eq(scores:argmax(2)):sum() == 6)
  lu.assertEquals(net:phase(), "train")
end

-- The same bits with 1, 2 and 3 threads, after 50 iterations of a net with convolutions.
function TestNetRun.test_the_number_of_threads_does_not_change_a_bit()
  local function train(threads)
    local before = lander.threads()
    lander.threads(threads)
    lander.seed(5)
    local net = require "models.lenet" { classes = 10 }
    local solver = lander.solver(net, { type = "sgd", base_lr = 0.01, momentum = 0.9,
      weight_decay = 0.0005 })
    local x, t = lander.randn(16, 1, 28, 28), lander.zeros(16)
    for i = 1, 16 do t[i] = i % 10 + 1 end
    for _ = 1, 50 do solver:step(x, t) end
    lander.threads(before)
    return net
  end
  local one = train(1)
  for threads = 2, 3 do
    local other = train(threads)
    for name, p in pairs(one.params) do same_bits(p.data, other.params[name].data) end
  end
end

TestNetFiles = {}

local function temporary() return os.tmpname() end

function TestNetFiles.test_saved_and_loaded_it_gives_the_same_bits()
  local path = temporary()
  local net = build(SMALL .. "param hidden.weight lr_mult=0.5\n", 9)
  net:save(path)
  local again = lander.load(path)
  local x = lander.randn(5, 3)
  same_bits(net:predict(x), again:predict(x))
  lu.assertEquals(again:text(), net:text())
  os.remove(path)
end

function TestNetFiles.test_a_cut_or_altered_file_is_refused()
  local path = temporary()
  build(SMALL, 9):save(path)
  local file = assert(io.open(path, "rb"))
  local whole = file:read "a"
  file:close()
  local function attempt(content)
    local out = assert(io.open(path, "wb"))
    out:write(content)
    out:close()
    return pcall(lander.load, path)
  end
  for cut = 0, #whole - 1, 37 do lu.assertFalse((attempt(whole:sub(1, cut)))) end
  for at = 1, #whole do
    local flipped = whole:sub(1, at - 1)
      .. string.char(whole:byte(at) ~ (1 << (at % 8))) .. whole:sub(at + 1)
    local ok, message = attempt(flipped)
    lu.assertFalse(ok, "a flipped bit in byte " .. at .. " went unnoticed")
    lu.assertStrContains(message, path)
  end
  lu.assertTrue((attempt(whole)))
  os.remove(path)
end

function TestNetFiles.test_files_that_cannot_be()
  fails("/nowhere/at/all", lander.load, "/nowhere/at/all/net.npz")
  fails("/nowhere/at/all", function() build(SMALL, 1):save "/nowhere/at/all/net.npz" end)
  local path = temporary()
  local out = assert(io.open(path, "wb"))
  out:write "this is no zip"
  out:close()
  fails(path, lander.load, path)
  os.remove(path)
end

TestParams = {}

function TestParams.test_settings_are_checked()
  local p = build(SMALL, 1).params["hidden.weight"]
  fails("lr_mult must be", function() p.lr_mult = -1 end)
  fails("decay_mult must be", function() p.decay_mult = 0 / 0 end)
  fails("can't be set", function() p.data = 3 end)
  lu.assertEquals(p.lr_mult, 1)
end

function TestParams.test_views_outlive_the_net()
  local data
  do
    local net = build(SMALL, 1)
    data = net.params["hidden.weight"].data
  end
  collectgarbage()
  collectgarbage()
  lu.assertEquals(data:size(), { 4, 3 })
  data:fill_(2)
  lu.assertEquals(data:sum(), 24)
end

function TestParams.test_seeds_decide()
  local a, b, c = build(SMALL, 1), build(SMALL, 1), build(SMALL, 2)
  same_bits(a.params[1].data, b.params[1].data)
  lu.assertFalse(a.params[1].data:eq(c.params[1].data):sum() == 12)
  same_bits(c:reset(1).params[1].data, a.params[1].data)
end

TestShare = {}

local TIED = [[
data = input () shape=3
a = linear (data) outputs=3
b = linear (a) outputs=3 share=a
c = linear (b) outputs=3 bias=false share=b
label = label ()
loss = softmax_loss (c, label)
]]

function TestShare.test_shared_weights_are_one_parameter_and_gradients_add_up()
  local net = build(TIED, 2)
  lu.assertEquals(#net.params, 2)
  local result = lander.check_gradients(net, lander.randn(4, 3), lander.tensor { 1, 2, 3, 1 })
  lu.assertTrue(result.ok, tostring(result.worst))
  lu.assertEquals(build(net:text(), 2):text(), net:text())
  lu.assertStrContains(net:text(), "b = linear (a) outputs=3 share=a")
end

function TestShare.test_a_layer_may_share_a_part_and_own_the_rest()
  local net = build("data = input () shape=3\na = linear (data) outputs=3 bias=false\n"
    .. "b = linear (a) outputs=3 share=a\n", 2)
  lu.assertEquals(#net.params, 2)
  lu.assertNotNil(net.params["b.bias"])
  local x, dy = lander.randn(4, 3), lander.randn(4, 3)
  net:forward(x)
  net.params["b.bias"].grad:fill_(0 / 0)
  net:backward(dy)
  lu.assertTrue(net.params["b.bias"].grad:allclose(dy:sum(1), 1e-5, 1e-6))
end

function TestShare.test_errors()
  fails("share: there is no layer 'aa' before it, did you mean 'a'?", build,
    "data = input () shape=3\na = linear (data) outputs=3\nb = linear (a) outputs=3 share=aa", 1)
  fails("has no weight of a name and shape", build,
    "data = input () shape=3\na = linear (data) outputs=3\nb = linear (a) outputs=2 share=a", 1)
end

TestLossWeight = {}

function TestLossWeight.test_losses_are_weighted_and_added()
  local text = [[
data = input () shape=2
y = linear (data) outputs=2
t = label () shape=2
one = mse_loss (y, t) loss_weight=0.25
two = mse_loss (y, t) loss_weight=3
]]
  local x, t = lander.randn(3, 2), lander.randn(3, 2)
  local net = build(text, 1)
  local plain = build(text:gsub(" loss_weight=%S+", ""):gsub("two[^\n]+\n", ""), 1)
  local loss = plain:loss(x, t)
  plain:backward()
  lu.assertAlmostEquals(net:loss(x, t), 3.25 * loss, 1e-5)
  net:backward()
  lu.assertTrue(net.params[1].grad:allclose(plain.params[1].grad * 3.25, 1e-4, 1e-6))
  lu.assertEquals(build(net:text(), 1):text(), net:text())
  fails("loss_weight is for losses", build, "x = input () shape=2 loss_weight=2", 1)
end
