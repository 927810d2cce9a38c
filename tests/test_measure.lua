-- What is measured of a net that classifies, and what its page says of that.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core, nn = lander.core, lander.nn

TestMeasure = {}

-- A net that always says the same: these scores.
local function constant_net(scores, options)
  local h = nn.input { 1 }:linear { #scores, name = "scores" }
  local loss = { nn.label {} }
  for key, value in pairs(options or {}) do loss[key] = value end
  local net = nn.net { h, loss = h:softmax_loss(loss) }
  net.params["scores.weight"].data:zero_()
  net.params["scores.bias"].data:copy_(lander.tensor(scores))
  return net
end

local function data_of(labels)
  return lander.data.tensors(lander.zeros(#labels, 1), lander.tensor(labels))
end

local function page_of(net, data)
  local folder = support.folder()
  support.write(folder .. "/a.jsonl",
    '{"event":"train","iter":1,"loss":1,"rate":1,"attempt":1}\n')
  return support.read(lander.report(folder .. "/a.jsonl", { to = folder .. "/a.html", net = net,
    data = data }))
end

-- -log softmax of class 1 is 0.3133 with scores 1 and 0, of class 2 1.3133.
function TestMeasure.test_ignored_labels_weigh_nothing()
  local net = constant_net({ 1, 0 }, { ignore_label = 3 })
  local data = data_of { 1, 3, 3, 3, 2, 2, 1, 3 }
  for _, batch_size in ipairs { 8, 4, 3, 1 } do
    local result = lander.test(net, data, { batch_size = batch_size })
    lu.assertAlmostEquals(result.loss, 0.81326, 1e-5)
    lu.assertEquals(result.accuracy, 0.5)
  end
  local none = lander.test(net, data_of { 3, 3 })
  lu.assertEquals({ none.loss, none.accuracy }, { 0, 0 })
  lu.assertStrContains(page_of(net, data), "2 of 4 test samples right: 50.0%. The labels of 4 do "
    .. "not count (ignore_label).")
end

-- A label that is ignored may be one of the classes; a guess of it is no hit.
function TestMeasure.test_an_ignored_class()
  local net = constant_net({ 1, 0 }, { ignore_label = 1 })
  lu.assertEquals(lander.test(net, data_of { 1, 1, 2, 2 }).accuracy, 0)
end

-- The best loss is that of the samples that count: one batch holds one of these, one two.
function TestMeasure.test_the_best_is_decided_without_ignored_labels()
  local prefix = support.folder() .. "/a"
  local run = lander.train { net = constant_net({ 1, 0 }, { ignore_label = 3 }), quiet = true,
    data = data_of { 2, 2 }, test_data = data_of { 2, 3, 3, 1, 1, 3 }, batch_size = 3,
    retry = false, snapshot_prefix = prefix, snapshot = 2, test_interval = 2,
    early_stop = { patience = 9, metric = "loss" },
    solver = { base_lr = 0.1, max_iter = 2 } }
  local best = lander.load(prefix .. "_best.npz")
  local loss, p = 0, best:predict(lander.zeros(1, 1))
  for _, label in ipairs { 2, 1, 1 } do loss = loss - math.log(p:get(1, label)) / 3 end
  lu.assertEquals({ run.best.metric, run.best.iter }, { "loss", 2 })
  lu.assertAlmostEquals(run.best.value, loss, 1e-5)
end

function TestMeasure.test_scores_that_are_no_numbers_are_no_hits()
  local net = constant_net { 0, 0 }
  net.params["scores.bias"].data:fill_(0 / 0)
  lu.assertEquals(lander.test(net, data_of { 1, 1, 2 }).accuracy, 0)
  lu.assertStrContains(page_of(net, data_of { 1, 1, 2 }), "0 of 3 test samples right: 0.0%. "
    .. "For 3 there was no class or no finite score.")
end

-- The loss reads another layer than the one that is the net's output.
function TestMeasure.test_accuracy_is_of_what_the_loss_reads()
  local x = nn.input { 1 }
  local other, scores = x:linear { 2, name = "other" }, x:linear { 2, name = "scores" }
  local net = nn.net { other, loss = scores:softmax_loss { nn.label {} } }
  for _, param in ipairs(net.params) do param.data:zero_() end
  net.params["scores.bias"].data:copy_(lander.tensor { 0, math.log(3) })
  net.params["other.bias"].data:copy_(lander.tensor { 5, 0 })
  lu.assertEquals(net:output_name(), "other")
  lu.assertEquals(lander.test(net, data_of { 2, 2, 2, 1 }).accuracy, 0.75)
  local page = page_of(net, data_of { 2, 2, 2, 1 })
  lu.assertStrContains(page, "3 of 4 test samples right: 75.0%.")
  lu.assertStrContains(page, '<td>class 1</td><td>class 2</td><td class="number">75.0%</td>')
end

-- More samples than are looked at, class by class: right are half of them, and the worst mistakes
-- have their numbers in the data.
function TestMeasure.test_the_page_draws_a_fair_sample()
  local n = 12000
  local labels = lander.ones(n)
  labels:narrow(1, n // 2 + 1, n // 2):fill_(2)
  local data = lander.data.tensors(lander.zeros(n, 1), labels)
  local result = core.predictions(constant_net { 1, 0 }, data, 2,
    { batch_size = 100, seconds = math.huge })
  lu.assertEquals(result.looked, 10000)
  lu.assertAlmostEquals(result.hits / result.count, 0.5, 0.02)
  for _, mistake in ipairs(result.worst) do lu.assertTrue(mistake.sample > n // 2) end
  local hurried = core.predictions(constant_net { 1, 0 }, data, 2,
    { batch_size = 1000, seconds = 0 })
  lu.assertEquals(hurried.looked, 1000)
  lu.assertAlmostEquals(hurried.hits / hurried.count, 0.5, 0.1)
  lu.assertStrContains(page_of(constant_net { 1, 0 }, data),
    "(10,000 of 12,000 were looked at, drawn by chance.)")
end

function TestMeasure.test_shares_are_not_rounded_to_all_or_nothing()
  local percent = core.page.percent
  lu.assertEquals(percent(1), "100.0%")
  lu.assertEquals(percent(0), "0.0%")
  lu.assertEquals(percent(0.8934), "89.3%")
  lu.assertEquals(percent(0.9996), "99.96%")
  lu.assertEquals(percent(1 - 1 / 3000000), "99.99997%")
  lu.assertEquals(percent(1 / 10000), "0.01%")
end

function TestMeasure.test_counts_have_commas()
  lu.assertEquals(core.count_text(1234567), "1,234,567")
  lu.assertEquals(core.count_text(-1234567), "-1,234,567")
  lu.assertEquals(core.count_text(-123), "-123")
end

-- Weights that all lie from 0 to 1 are stretched too: the page says that white is the highest.
function TestMeasure.test_filters_are_black_to_white()
  local net = nn.net { nn.input { 1, 2, 2 }, nn.conv { 1, kernel = 2 }, nn.flatten {} }
  net.params[1].data:copy_(lander.tensor { 0.1, 0.2, 0.125, 0.1 }:reshape(1, 1, 2, 2))
  local bytes = core.report_filters(net)
  local white = core.page.picture(lander.tensor { { 0, 1 }, { 0.25, 0 } }, { zoom = 10, alt = "" })
  lu.assertStrContains(bytes, white:match "base64,([^\"]+)")
end
