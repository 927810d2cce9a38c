-- test_train.lua: lander.train and lander.retry: the loop, its files, divergence.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local fails = support.fails

-- A small run on two clouds of points; `more` is laid over the options.
local function options(more)
  local o = {
    net = support.mlp(1), data = support.blobs(64), batch_size = 16, quiet = true, retry = false,
    solver = { type = "sgd", base_lr = 0.1, momentum = 0.9, max_iter = 60 },
  }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

local function train(more)
  return lander.train(options(more))
end

local function solver(base_lr, max_iter)
  return { type = "sgd", base_lr = base_lr, momentum = 0.9, max_iter = max_iter or 60 }
end

local function journal(path)
  local events = {}
  for line in io.lines(path) do events[#events + 1] = line end
  return events
end

local keep_status = support.keep_status

TestTrain = {}
keep_status(TestTrain)

function TestTrain.test_it_learns()
  local run = train { test_data = support.blobs(50) }
  lu.assertEquals(run.status, "finished")
  lu.assertEquals(run.iter, 60)
  lu.assertTrue(run.loss < 0.2)
  lu.assertEquals(run.accuracy, 1)
  lu.assertEquals(run.retries, 0)
  lu.assertEquals(run.lr_scale, 1)
end

function TestTrain.test_xor()
  local run = train { data = support.xor(), test_data = support.xor(), batch_size = 4,
                      solver = solver(0.5, 300) }
  lu.assertEquals(run.accuracy, 1)
end

function TestTrain.test_regression_has_no_accuracy()
  local x = lander.arange(1, 32):view(32, 1):mul(1 / 32)
  local net = require "models.mlp" { 1, 1 }
  local data = lander.data.tensors(x, x:mul(3):add(1))
  local run = train { net = net, data = data, test_data = data, loss = "mse_loss",
                      solver = solver(0.1, 300) }
  lu.assertEquals(run.status, "finished")
  lu.assertNil(run.accuracy)
  lu.assertTrue(run.test_loss < 1e-3)
  lu.assertAlmostEquals(net.params["linear1.weight"].data[1][1], 3, 0.2)
end

function TestTrain.test_the_short_last_batch_counts_right()
  -- 50 samples in batches of 16: a mean of batch means would weigh the last two too much.
  local data, x, y = support.blobs(50)
  local net = support.mlp(1)
  local run = train { net = net, test_data = data, solver = solver(0.01, 1) }
  net:test_phase()
  lu.assertAlmostEquals(run.test_loss, net:loss(x, y), 1e-5)
  local hits = net:forward(x):argmax(2):eq(y):sum()
  lu.assertAlmostEquals(run.accuracy, hits / 50, 1e-6)
end

function TestTrain.test_the_same_seed_gives_the_same_bits()
  local a, b = options(), options()
  lander.train(a)
  lander.train(b)
  support.same_params(a.net, b.net)
end

function TestTrain.test_callbacks()
  local iters, tests = {}, {}
  train {
    test_data = support.blobs(20), test_interval = 4,
    solver = solver(0.1, 10),
    on_iter = function(e) iters[#iters + 1] = e.iter end,
    on_test = function(e) tests[#tests + 1] = e.iter end,
  }
  lu.assertEquals(iters, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })
  lu.assertEquals(tests, { 0, 4, 8, 10 })
end

function TestTrain.test_the_word_stop_stops()
  local run = train { on_iter = function(e) return e.iter == 7 and "stop" or nil end }
  lu.assertEquals({ run.status, run.iter }, { "stopped", 7 })
  run = train { test_data = support.blobs(20), test_interval = 5,
                test_initialization = false, on_test = function() return "stop" end }
  lu.assertEquals({ run.status, run.iter, run.reason }, { "stopped", 5, "callback" })
end

function TestTrain.test_the_stop_flag_stops_after_the_iteration()
  local run = train { on_iter = function(e) if e.iter == 3 then lander.core.stop(true) end end }
  lander.core.stop(false)
  lu.assertEquals({ run.status, run.iter }, { "stopped", 3 })
  lu.assertEquals(lander.core.exit_status, 130)
end

function TestTrain.test_errors_in_callbacks_are_the_scripts()
  fails("mine", train, { on_iter = function() error "mine" end })
end

function TestTrain.test_the_loss_is_smoothed_over_average_loss()
  local losses = {}
  local function run(average)
    local o = options { on_iter = function(e) losses[e.iter] = e.loss end }
    o.solver.average_loss = average
    return lander.train(o).loss
  end
  lu.assertAlmostEquals(run(1), losses[60], 1e-12)
  lu.assertAlmostEquals(run(2), (losses[59] + losses[60]) / 2, 1e-12)
end

function TestTrain.test_a_net_may_be_trained_twice()
  local x = lander.arange(1, 8):view(8, 1):mul(1 / 8)
  local o = options { net = require "models.mlp" { 1, 1 }, loss = "mse_loss",
                      data = lander.data.tensors(x, x), batch_size = 4 }
  lu.assertEquals(lander.train(o).status, "finished")
  lu.assertEquals(lander.train(o).status, "finished")
end

local function iterations_of(run)
  local list = {}
  for i, row in ipairs(run.history) do list[i] = row.iter end
  return table.concat(list, " ")
end

function TestTrain.test_history_has_a_row_for_each_display()
  local run = train { display = 20 }
  lu.assertEquals(iterations_of(run), "0 20 40 60")
  lu.assertAlmostEquals(run.history[3].rate, 0.1, 1e-6)
  lu.assertEquals(iterations_of(train { display = 45 }), "0 45 60") -- and the last
  lu.assertEquals(iterations_of(train { display = 0 }), "60")
end

-- Curves begin with what was measured before the first update.
function TestTrain.test_history_begins_with_the_first_loss()
  local run = train { display = 20 }
  local first = run.history[1]
  lu.assertEquals(first, { event = "train", iter = 0, loss = run.events[1].loss, rate = first.rate,
                           attempt = 1 })
  lu.assertAlmostEquals(first.rate, 0.1, 1e-6)
  run.solver.max_iter = 100
  local on = lander.train { solver = run.solver, data = options().data, quiet = true, display = 20,
                            max_epoch = 100 }
  lu.assertNotEquals(on.history[1].iter, 0) -- it goes on behind its first iterations
end

-- Of a short run too there is a curve, and of a long one not a row too many.
function TestTrain.test_display_by_itself()
  local found = {}
  for i, most in ipairs { 1, 2, 39, 40, 100, 300, 700, 1000, 1999, 2000, 1e6 // 1,
                          math.maxinteger } do
    found[i] = lander.core.display_for(most)
  end
  lu.assertEquals(found, { 1, 1, 1, 2, 5, 10, 20, 50, 50, 100, 100, 100 })
  lu.assertEquals(#train({}).history, 31)
end

-- The tests of `lander train`, where nobody says how many.
function TestTrain.test_test_interval_by_itself()
  local found = {}
  for i, most in ipairs { 1, 9, 10, 50, 100, 300, 999, 1000, 2499, 2500, math.maxinteger } do
    found[i] = lander.core.test_interval_for(most)
  end
  lu.assertEquals(found, { 1, 1, 2, 10, 20, 50, 100, 200, 200, 500, 500 })
end

TestThreads = {}
keep_status(TestThreads)

-- The promise of determinism, through products large enough to be cut up: this is what
-- finds two threads in each other's way. It finds them when they do run at the same time: on
-- a busy machine a pass proves little.
function TestThreads.test_lenet_has_the_same_bits_with_1_2_and_3_threads()
  local before = lander.threads()
  local data = lander.data.fashion_mnist "tests/data/fashion_mnist"
  local nets = {}
  for n = 1, 3 do
    lander.threads(n)
    nets[n] = require "models.lenet" { classes = 10 }
    local run = train { net = nets[n], data = data.train, batch_size = 64,
                        solver = solver(0.01, 50) }
    lu.assertEquals({ n, run.status }, { n, "finished" })
  end
  lander.threads(before)
  support.same_params(nets[1], nets[2])
  support.same_params(nets[1], nets[3])
end

TestTrainFiles = {}
keep_status(TestTrainFiles)

function TestTrainFiles.test_net_snapshots_and_journal()
  local prefix = support.folder() .. "/deep/er/run"
  local o = options { snapshot = 10, snapshot_prefix = prefix, keep = 2, display = 20 }
  local run = lander.train(o)
  lu.assertEquals(run.path, prefix .. ".npz")
  support.same_params(lander.load(run.path), o.net)
  lu.assertFalse(support.exists(prefix .. "_iter_30.npz"))
  lu.assertTrue(support.exists(prefix .. "_iter_50.npz"))
  lu.assertTrue(support.exists(prefix .. "_iter_60.npz"))
  lu.assertFalse(support.exists(prefix .. ".probe"))
  local rows = journal(prefix .. ".jsonl")
  lu.assertStrContains(rows[1], '{"event":"start"')
  lu.assertStrContains(rows[#rows], '{"event":"end"')
  lu.assertStrContains(rows[#rows], '"status":"finished"')
end

function TestTrainFiles.test_a_run_that_was_stopped_leaves_a_snapshot()
  local function stopped_at_10(more)
    local prefix = support.folder() .. "/run"
    more.snapshot_prefix, more.test_data, more.test_interval = prefix, support.blobs(20), 5
    local run = train(more)
    lander.core.stop(false)
    lu.assertEquals({ run.status, run.iter }, { "stopped", 10 })
    lu.assertTrue(support.exists(prefix .. "_iter_10.npz"))
  end
  stopped_at_10 { on_test = function(e) if e.iter == 10 then lander.core.stop(true) end end }
  -- Between the iteration and the test that is due.
  stopped_at_10 { on_iter = function(e) if e.iter == 10 then lander.core.stop(true) end end }
end

function TestTrainFiles.test_one_that_was_stopped_before_it_began_costs_no_older_file()
  local prefix = support.folder() .. "/run"
  local path = support.write(prefix .. ".npz", "an older net")
  local run = train { snapshot_prefix = prefix, test_data = support.blobs(20),
                      test_initialization = true, on_test = function() return "stop" end }
  lu.assertEquals({ run.status, run.iter, run.path }, { "stopped", 0 })
  lu.assertEquals(support.read(path), "an older net")
end

function TestTrainFiles.test_the_journal_tells_of_an_error()
  local prefix = support.folder() .. "/run"
  fails("mine", train, { snapshot_prefix = prefix, on_iter = function() error "mine" end })
  local rows = journal(prefix .. ".jsonl")
  lu.assertStrContains(rows[#rows], '{"event":"end"')
  lu.assertStrContains(rows[#rows], '"status":"error"')
  lu.assertStrContains(rows[#rows], "mine")
end

function TestTrainFiles.test_a_folder_that_cannot_be_made_is_found_before_iteration_0()
  local file = support.write(support.folder() .. "/file", "x")
  local iterations = 0
  fails("file", train, {
    snapshot_prefix = file .. "/run", on_iter = function() iterations = iterations + 1 end,
  })
  lu.assertEquals(iterations, 0)
end

function TestTrainFiles.test_resumed_runs_end_in_the_same_bits()
  local prefix = support.folder() .. "/run"
  local whole = options { snapshot = 30, snapshot_prefix = prefix, keep = 5 }
  lander.train(whole)
  local rest = options { resume = prefix .. "_iter_30.npz", net = support.mlp(5) }
  local run = lander.train(rest)
  lu.assertEquals(run.iter, 60)
  support.same_params(whole.net, rest.net)
end

function TestTrainFiles.test_weights_of_a_saved_net()
  local path = support.folder() .. "/net.npz"
  local saved = support.mlp(7)
  saved:save(path)
  local o = options { weights = path, solver = solver(0, 1), net = support.mlp(8) }
  lander.train(o)
  support.same_params(saved, o.net)
  fails("no parameter there has a name and shape", train, {
    weights = path, net = require "models.mlp" { 2, 5, 5, 5 },
  })
end

function TestTrainFiles.test_what_can_not_begin_costs_no_older_journal()
  local prefix = support.folder() .. "/run"
  lander.train(options { snapshot_prefix = prefix })
  local before = support.read(prefix .. ".jsonl")
  fails("expected", train, { snapshot_prefix = prefix,
    data = lander.data.tensors(lander.zeros(8, 2), lander.ones(8, 5)) })
  fails("the data have samples of 5, the net's input 'data' takes 2", train, {
    snapshot_prefix = prefix, data = lander.data.tensors(lander.zeros(8, 5), lander.ones(8)) })
  lu.assertEquals(support.read(prefix .. ".jsonl"), before)
end

TestTrainOptions = {}
keep_status(TestTrainOptions)

function TestTrainOptions.test_unknown_and_wrong_options()
  local message = fails("unknown option 'bach_size', did you mean 'batch_size'?", function()
    return (train { bach_size = 3 })
  end)
  lu.assertStrMatches(message, "tests/test_train%.lua:%d+: .*")
  fails("option 'batch_size' must be an integer from 1, found 0", train, { batch_size = 0 })
  fails("option 'batch_size' must be an integer from 1, found 2.5", train, { batch_size = 2.5 })
  fails("unknown option 'momentun'", train,
    { solver = { base_lr = 1, max_iter = 1, momentun = 0 } })
  fails("when does it end? Give solver.max_iter", train, { solver = { base_lr = 1 } })
  fails("or a function, found a number", train, { loss = 7 })
  fails("max_iter belongs into solver = { ... }", train, { max_iter = 7 })
  fails("option 'retry' must be a table or a boolean, found a string", train, { retry = "no" })
  fails("net must be a net", train, { net = io.stdout })
  fails("data must be a dataset", train, { data = support.mlp() })
  fails("snapshot needs snapshot_prefix", train, { snapshot = 5 })
  fails("retry.factor must be between 0 and 1", train, { retry = { factor = 2 } })
  fails("lander.train takes a table", lander.train, 3)
  fails("lander.train: data is missing", lander.train, { net = support.mlp(), solver = {} })
end

TestDivergence = {}
keep_status(TestDivergence)

-- A regression diverges whenever the rate is over 2 / curvature, which here is about 20.
local function steep(more)
  local x = lander.arange(1, 32):view(32, 1):mul(1 / 8)
  local o = options {
    net = require "models.mlp" { 1, 1 }, data = lander.data.tensors(x, x:mul(3)),
    batch_size = 8, loss = "mse_loss", solver = solver(100, 100), retry = { max = 5, factor = 0.1 },
  }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

function TestDivergence.test_a_lower_rate_is_found()
  local o = steep()
  local run = lander.train(o)
  lu.assertEquals(run.status, "finished")
  lu.assertTrue(run.retries >= 3)
  lu.assertEquals(run.base_lr, 100 * run.lr_scale)
  lu.assertAlmostEquals(run.lr_scale, 0.1 ^ run.retries, 1e-12)
  lu.assertTrue(run.loss < 0.1)
  lu.assertTrue(lander.core.recovered)
end

function TestDivergence.test_a_retry_has_the_bits_of_a_fresh_run_at_that_rate()
  local o = steep()
  local run = lander.train(o)
  local fresh = steep { solver = solver(run.base_lr, 100), retry = false }
  lu.assertEquals(lander.train(fresh).status, "finished")
  support.same_params(o.net, fresh.net)
end

function TestDivergence.test_dropout_starts_anew_too()
  local nn = lander.nn
  local function net()
    return nn.net { nn.input { 1 }, nn.linear { 8 }, nn.dropout {}, nn.linear { 1 } }
  end
  local o = steep { net = net() }
  local run = lander.train(o)
  lu.assertEquals(run.status, "finished")
  lu.assertTrue(run.retries > 0)
  local fresh = steep { net = net(), solver = solver(run.base_lr, 100), retry = false }
  lander.train(fresh)
  support.same_params(o.net, fresh.net)
end

function TestDivergence.test_a_spent_budget_leaves_the_start_behind()
  local o = steep { retry = { max = 1, factor = 0.9 } }
  local start = o.net:clone()
  o.snapshot_prefix = support.folder() .. "/run"
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries }, { "diverged", 1 })
  support.same_params(o.net, start)
  lu.assertEquals(run.path, o.snapshot_prefix .. ".npz")
  support.same_params(lander.load(run.path), start)
  lu.assertEquals(lander.core.exit_status, 3)
end

function TestDivergence.test_what_an_abandoned_attempt_measured_is_forgotten()
  local o = steep { retry = false, test_interval = 1 }
  o.test_data = o.data
  local tests = 0
  o.on_test = function() tests = tests + 1 end
  local run = lander.train(o)
  lu.assertEquals(run.status, "diverged")
  lu.assertTrue(tests > 0)
  lu.assertNil(run.test_loss)
end

function TestDivergence.test_snapshots_are_those_of_the_last_attempt()
  local o = steep { snapshot = 1, keep = 2, snapshot_prefix = support.folder() .. "/run",
                    solver = solver(100, 3) }
  -- The first attempt is told to diverge in its third iteration, with two files written.
  local told = false
  o.on_iter = function(e)
    if e.iter == 2 and not told then
      told = true
      e.net.params[1].data:fill_(support.is_double and 1e300 or 1e30) -- finite: it is saved
    end
  end
  o.solver.base_lr = 0.01
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries }, { "finished", 1 })
  local fresh = steep { solver = solver(0.001, 2), retry = false }
  lander.train(fresh)
  support.same_params(lander.load(o.snapshot_prefix .. "_iter_2.npz"), fresh.net)
  lu.assertTrue(support.exists(o.snapshot_prefix .. "_iter_3.npz"))
end

function TestDivergence.test_events_and_the_callback()
  local seen = {}
  local prefix = support.folder() .. "/run"
  local run = lander.train(steep {
    snapshot_prefix = prefix, on_diverge = function(e) seen[#seen + 1] = e end,
  })
  lu.assertEquals(#seen, run.retries)
  lu.assertEquals(seen[1].base_lr, 100)
  lu.assertStrMatches(seen[1].rule, "R[123]")
  lu.assertEquals(seen[1].attempt, 1)
  local text = support.read(prefix .. ".jsonl")
  local _, count = text:gsub('{"event":"retry"', "")
  lu.assertEquals(count, run.retries)
  lu.assertNil(text:find("nan,", 1, true)) -- null, beside a word
end

function TestDivergence.test_on_diverge_may_stop()
  local run = lander.train(steep { on_diverge = function() return "stop" end })
  lu.assertEquals({ run.status, run.retries }, { "diverged", 0 })
end

function TestDivergence.test_bad_data_is_not_blamed_on_the_rate()
  local data, x, y = support.blobs(64)
  lu.assertEquals(#data, 64)
  x:set(0 / 0, 17, 2)
  local run = train { data = lander.data.tensors(x, y), retry = { max = 5 } }
  lu.assertEquals({ run.status, run.retries }, { "data_fault", 0 })
  lu.assertStrContains(run.message, "sample 17")
  lu.assertEquals(lander.core.exit_status, 5)

  data, x, y = support.blobs(64)
  lu.assertEquals(#data, 64)
  y:set(7, 9)
  lander.core.exit_status = nil
  run = train { data = lander.data.tensors(x, y), retry = { max = 5 } }
  lu.assertEquals({ run.status, run.retries }, { "data_fault", 0 })
  lu.assertStrContains(run.message, "sample 9")
  lu.assertStrContains(run.message, "1")
  lu.assertStrContains(run.message, "2")
end

function TestDivergence.test_bad_test_data()
  local _, x, y = support.blobs(50)
  local phases = {}
  local function run(why, bad_x, bad_y)
    local o = options { test_data = lander.data.tensors(bad_x, bad_y), test_interval = 10,
                        test_initialization = false }
    local result = lander.train(o)
    phases[#phases + 1] = o.net:phase()
    lu.assertEquals({ result.status, result.iter }, { "data_fault", 10 })
    lu.assertStrContains(result.message, "in the test data, sample 42: " .. why)
    lu.assertEquals(lander.core.exit_status, 5)
  end
  local bad = x:clone()
  bad:set(0 / 0, 42, 2)
  run("value 2 of the input is nan", bad, y)
  bad = y:clone()
  bad:set(3, 42)
  run("label 3, expected a class from 1 to 2", x, bad)
  lu.assertEquals(phases, { "train", "train" })
end

function TestDivergence.test_weights_that_are_not_finite_are_a_model_fault()
  local net = support.mlp(1)
  net.params[1].data:fill_(0 / 0)
  local run = train { net = net, retry = { max = 5 } }
  lu.assertEquals({ run.status, run.retries }, { "model_fault", 0 })
  lu.assertStrContains(run.message, "linear1")
end

TestRetry = {}
keep_status(TestRetry)

function TestRetry.test_the_outer_loop()
  local rates = {}
  local best = lander.retry {
    base_lr = 1, factor = 0.1, attempts = 5,
    attempt = function(base_lr, n)
      rates[n] = base_lr
      return { status = n < 3 and "diverged" or "finished", iter = 10 * n, loss = 1 }
    end,
  }
  lu.assertEquals(rates, { 1, 0.1, 0.01 })
  lu.assertEquals(best.base_lr, 0.01)
  lu.assertEquals(#best.attempts, 3)
  lu.assertEquals(best.attempts[1].status, "diverged")
  lu.assertEquals(best.run.iter, 30)
end

function TestRetry.test_with_real_trainings()
  local best = lander.retry {
    base_lr = 100, attempts = 6,
    attempt = function(base_lr)
      return lander.train(steep { retry = false, solver = solver(base_lr, 50) })
    end,
  }
  lu.assertEquals(best.run.status, "finished")
  lu.assertTrue(#best.attempts > 1)
  lu.assertNotEquals(lander.core.exit_status, 3)
  -- The net and the solver are those of the run that counts: the others' memory is free.
  lu.assertTrue(best.run.net ~= nil and best.run.solver.iter == 50)
  lu.assertEquals({ best.attempts[1].run.net, best.attempts[1].run.solver }, {})
end

function TestRetry.test_a_spent_budget_shows_the_attempts()
  local message = fails("none of 2 attempts finished", lander.retry, {
    base_lr = 1, attempts = 2, attempt = function() return { status = "diverged", iter = 4 } end,
  })
  lu.assertStrContains(message, "attempt 1: base_lr 1: diverged at iteration 4")
  lu.assertStrContains(message, "attempt 2: base_lr 0.1")
end

function TestRetry.test_what_a_lower_rate_does_not_cure()
  fails("ended with data_fault, which a lower rate does not cure: sample 3", lander.retry, {
    base_lr = 1, attempt = function() return { status = "data_fault", message = "sample 3" } end,
  })
end

function TestRetry.test_the_first_rate_is_the_one_that_was_asked_for()
  local best = lander.retry { base_lr = 1 / 3, attempt = function() return true end }
  lu.assertEquals(best.base_lr, 1 / 3)
end

function TestRetry.test_an_attempt_that_returns_nothing_is_a_mistake()
  for _, result in ipairs { {}, 7 } do
    fails("attempt must return a run, true or false", lander.retry,
      { base_lr = 1, attempt = function() return result end })
  end
  fails("it returned a nil", lander.retry, { base_lr = 1, attempt = function() end })
end

function TestRetry.test_wrong_options()
  fails("attempt is missing", lander.retry, { base_lr = 1 })
  fails("did you mean 'attempts'", lander.retry, { atempts = 3 })
  fails("base_lr, the first rate", lander.retry, { attempt = print })
  fails("base_lr, the first rate", lander.retry, { attempt = print, base_lr = 0 / 0 })
  fails("factor must be between", lander.retry, { attempt = print, base_lr = 1, factor = 1 })
end
