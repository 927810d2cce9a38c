-- test_false_alarms.lua: what looks like a divergence, like bad data or like the best net and is
-- none: healthy runs of unusual losses, labels that do not count, iterations left out.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local nn = lander.nn

local keep_status = support.keep_status
local events = support.events

local function train(options)
  local o = { data = support.blobs(53), batch_size = 8, quiet = true, display = 0 }
  for key, value in pairs(options) do o[key] = value end
  return lander.train(o)
end

local function without_a_word(run)
  lu.assertEquals({ run.status, run.retries, #events(run, "diverged"), #events(run, "warning") },
    { "finished", 0, 0, 0 })
end

TestHealthyLosses = {}
keep_status(TestHealthyLosses)

-- Chance is half the variance here, and a ten thousandth of the loss of an untrained net.
local function regression(mean, spread, solver)
  local x = lander.arange(1, 256):view(256, 1):mul(1 / 128) - 1
  return train { loss = "mse_loss", data = lander.data.tensors(x, x * spread + mean),
    net = nn.net { seed = 3, nn.input { 1 }, nn.linear { 16 }, nn.tanh {}, nn.linear { 1 } },
    batch_size = 16, solver = solver }
end

function TestHealthyLosses.test_a_mean_far_above_the_spread()
  without_a_word(regression(100, 0.01, { base_lr = 0.001, momentum = 0.9, max_iter = 1500 }))
  without_a_word(regression(2000, 10, { base_lr = 0.001, max_iter = 1500 }))
end

function TestHealthyLosses.test_a_mean_far_above_the_spread_with_adam()
  without_a_word(regression(300, 50, { type = "adam", base_lr = 0.01, max_iter = 4000 }))
end

-- One sample in twenty is of the second class: the mean of a few batches is a matter of luck.
local function rare_positives(seed, base_lr)
  lander.seed(seed)
  local n = 2000
  local x, y = lander.randn(n, 10), lander.ones(n)
  for i = 20, n, 20 do
    y:set(2, i)
    x:set(x:get(i, 1) + 1.2, i, 1)
  end
  return train { data = lander.data.tensors(x, y), batch_size = 16,
    net = nn.net { seed = 1, nn.input { 10 }, nn.linear { 8 }, nn.tanh {}, nn.linear { 2 } },
    solver = { base_lr = base_lr, momentum = 0.9, max_iter = 3000 } }
end

function TestHealthyLosses.test_rare_positives()
  for seed = 1, 3 do
    for _, base_lr in ipairs { 0.03, 0.1 } do without_a_word(rare_positives(seed, base_lr)) end
  end
end

TestLabels = {}
keep_status(TestLabels)

-- Every seventh label is 255, which does not count.
local function with_ignored(solver, more)
  local _, x, y = support.blobs(53)
  for i = 1, 53, 7 do y:set(255, i) end
  local scores = nn.input { 2 }:linear { 8 }:relu {}:linear { 2, name = "linear2" }
  local o = { data = lander.data.tensors(x, y), solver = solver, retry = { max = 9 },
    net = nn.net { seed = 1, scores,
                   loss = scores:softmax_loss { nn.label {}, ignore_label = 255 } } }
  for key, value in pairs(more or {}) do o[key] = value end
  return train(o)
end

function TestLabels.test_one_that_is_ignored_is_no_fault_of_the_data()
  local run = with_ignored({ base_lr = 0.05, momentum = 0.9, max_iter = 300 }, {
    on_iter = function(e)
      if e.attempt == 1 and e.iter >= 160 and e.iter < 165 then
        e.net.params["linear2.bias"].data:set(1e30, 1)
        e.net.params["linear2.weight"].data:fill_(1e30)
      end
    end })
  lu.assertEquals({ run.status, run.message, #events(run, "diverged") }, { "finished", nil, 1 })
  -- Nor is it one where the loss is not finite, and the data are looked at.
  run = with_ignored({ base_lr = 0.05, max_iter = 9 }, { retry = false, on_iter = function(e)
    if e.iter == 5 then e.net.params["linear2.weight"].data:fill_(1 / 0) end
  end })
  lu.assertEquals({ run.status, events(run, "diverged")[1].rule }, { "diverged", "R1" })
end

function TestLabels.test_one_out_of_range_is_a_fault_with_every_loss_of_classes()
  for _, loss in ipairs { "nll_loss", "hinge_loss", "softmax_loss" } do
    for _, label in ipairs { 3, 0, 1.5 } do
      local _, x, y = support.blobs(53)
      y:set(label, 12)
      local run = train { loss = loss, data = lander.data.tensors(x, y),
        net = nn.net { seed = 1, nn.input { 2 }, nn.linear { 2 }, nn.log_softmax {} },
        solver = { base_lr = 0.05, max_iter = 50 } }
      lu.assertEquals({ loss, run.status, run.message }, { loss, "data_fault",
        ("sample 12: label %s, expected a class from 1 to 2"):format(
          lander.core.number_text(label)) })
      lu.assertEquals({ run.fault.sample, run.fault.value }, { 12, label })
    end
  end
end

TestBest = {}
keep_status(TestBest)

-- Negative variances make every score NaN, and none of those is a hit, though all labels are 1.
function TestBest.test_what_was_measured_of_nan_is_not_the_best()
  local _, x, y = support.blobs(20)
  local prefix = support.folder() .. "/run"
  local accuracies = {}
  local run = train { test_data = lander.data.tensors(x, y:fill_(1)), test_interval = 50,
    net = nn.net { seed = 1, nn.input { 2 }, nn.linear { 12 }, nn.batch_norm {}, nn.relu {},
                   nn.linear { 2 } },
    snapshot_prefix = prefix, solver = { base_lr = 0.001, max_iter = 200 },
    on_iter = function(e)
      if e.iter == 100 then e.net.params["batch_norm1.running_var"].data:fill_(-1) end
    end,
    on_test = function(e) accuracies[e.iter] = e.accuracy end }
  lu.assertEquals({ accuracies[100], #events(run, "bad_test") }, { 0, 1 })
  lu.assertTrue(accuracies[0] < 1 and accuracies[50] < 1)
  lu.assertNotEquals(run.best.iter, 100)
  local best = lander.load(run.best.path)
  best:test_phase()
  local loss = best:loss(x, y)
  lu.assertTrue(loss == loss)
end

TestLeftOut = {}
keep_status(TestLeftOut)

-- Skipping three iterations is no try at the place that a retry goes back to then.
function TestLeftOut.test_a_skip_is_no_try()
  local calls, asked = 0, 0
  nn.define("spiky_four_times", { forward = function(_, x) return x end,
    backward = function(_, _, _, dy)
      calls = calls + 1
      local spike = calls >= 260 and calls <= 275 and calls % 5 == 0
      return spike and dy * (1 / 0) or dy
    end })
  local run = train {
    net = nn.net { seed = 1, nn.input { 2 }, nn.linear { 8 }, nn.spiky_four_times {},
                   nn.linear { 2 } },
    solver = { base_lr = 0.05, max_iter = 400 },
    on_diverge = function()
      asked = asked + 1
      return asked <= 3 and "skip" or nil
    end }
  local retry = events(run, "retry")
  lu.assertEquals({ run.status, #events(run, "skip"), #retry }, { "finished", 3, 1 })
  lu.assertEquals({ retry[1].tries_here, retry[1].momentum, retry[1].skipped_to },
    { 1, 0.5, nil })
end

-- A rate that a script asks for is the rate, also where it has changed base_lr since it began.
function TestLeftOut.test_a_rate_that_is_asked_for_after_base_lr_was_changed()
  local rate
  local run = train { net = support.mlp(1),
    solver = { base_lr = 0.05, momentum = 0.9, max_iter = 400 },
    on_iter = function(e)
      rate = e.rate
      if e.iter == 150 then e.solver.base_lr = 0.01 end
      if e.attempt == 1 and e.iter >= 290 and e.iter < 295 then
        e.net.params["linear2.bias"].data:set(1e6, 1)
      end
    end,
    on_diverge = function() return "retry", 0.002 end }
  lu.assertEquals({ run.retries, run.base_lr }, { 1, 0.002 })
  lu.assertAlmostEquals(rate, 0.002, 1e-15)
end
