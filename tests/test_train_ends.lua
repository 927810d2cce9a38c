-- test_train_ends.lua: when lander.train ends, trying a training out, and its log.
local lu = require "luaunit"
local lander = require "lander"
local core = lander.core
local support = require "tests.support"
local fails = support.fails

local keep_status = support.keep_status

local function options(more)
  local o = {
    net = support.mlp(1), data = support.blobs(50), batch_size = 16, quiet = true, retry = false,
    solver = { type = "sgd", base_lr = 0.1, momentum = 0.9, max_iter = 60 },
  }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

TestEnds = {}
keep_status(TestEnds)

local function ending(more)
  local run = lander.train(options(more))
  return { run.status, run.reason, run.iter }
end

function TestEnds.test_max_epoch_beside_max_iter()
  local solver = { base_lr = 0.1 }
  lu.assertEquals(ending { max_epoch = 2, solver = solver }, { "finished", "max_epoch", 7 })
  lu.assertEquals(ending { max_epoch = 0.5, solver = solver }, { "finished", "max_epoch", 2 })
  lu.assertEquals(ending { max_epoch = 2 }, { "finished", "max_epoch", 7 })
  lu.assertEquals(ending { max_epoch = 200 }, { "finished", "max_iter", 60 })
  -- Schedules that need the end know it.
  local rates = {}
  lander.train(options { max_epoch = 2, solver = { base_lr = 0.7, lr_policy = "poly", power = 1 },
    on_iter = function(e) rates[#rates + 1] = e.rate end })
  for t = 0, 6 do lu.assertAlmostEquals(rates[t + 1], 0.7 * (1 - t / 7), 1e-12) end
end

function TestEnds.test_max_time()
  local began = lander.core.clock()
  local run = lander.train(options { max_time = 0.2, solver = { base_lr = 0.01 } })
  local spent = lander.core.clock() - began
  lu.assertEquals({ run.status, run.reason }, { "finished", "max_time" })
  lu.assertTrue(run.iter > 0 and spent >= 0.2)
  lu.assertEquals(run.history[#run.history].iter, run.iter)
end

function TestEnds.test_max_time_counts_what_was_spent_before_a_resume()
  local prefix = support.folder() .. "/run"
  local o = { max_time = 0.2, solver = { base_lr = 0.01 }, snapshot_prefix = prefix,
              snapshot = 1000000 }
  local first = lander.train(options(o))
  o.resume = "latest"
  lu.assertEquals(ending(o), { "finished", "max_time", first.iter })
end

function TestEnds.test_early_stop()
  -- With a rate of 0 no test is better than the one before the first iteration.
  local o = { test_data = support.blobs(20), test_interval = 5, early_stop = 3,
              solver = { base_lr = 0, max_iter = 60 } }
  lu.assertEquals(ending(o), { "finished", "early_stop", 15 })
  o.early_stop = { patience = 2, metric = "loss" }
  lu.assertEquals(ending(o), { "finished", "early_stop", 10 })
  -- One that becomes better by less than min_delta has not.
  o.solver = { base_lr = 0.001, max_iter = 60 }
  lu.assertEquals(ending(o), { "finished", "max_iter", 60 })
  o.early_stop.min_delta = 0.5
  lu.assertEquals(ending(o), { "finished", "early_stop", 10 })
end

-- That the untrained net was the best is no reason to be silent about it.
function TestEnds.test_the_best_may_be_the_untrained_net()
  local said, before = {}, lander.core.progress
  lander.core.progress = function(text) said[#said + 1] = text end
  local ok, run = pcall(lander.train, options { test_data = support.blobs(20), test_interval = 5,
    quiet = false, solver = { base_lr = 0, max_iter = 10 } })
  lander.core.progress = before
  lu.assertTrue(ok, run)
  lu.assertStrMatches(table.concat(said, "\n"),
    ".*\nbest accuracy: %S+ at 0, of the untrained net: no later test was better.*")
end

function TestEnds.test_early_stop_counts_on_after_a_resume()
  local prefix = support.folder() .. "/run"
  local o = { test_data = support.blobs(20), test_interval = 5, early_stop = 3, snapshot = 5,
              snapshot_prefix = prefix, solver = { base_lr = 0, max_iter = 10 } }
  lu.assertEquals(ending(o), { "finished", "max_iter", 10 })
  o.solver.max_iter, o.resume = 60, "latest"
  lu.assertEquals(ending(o), { "finished", "early_stop", 15 })
end

function TestEnds.test_what_makes_no_sense_is_said_before_iteration_0()
  local test_data = support.blobs(20)
  local function wrong(text, more) fails(text, lander.train, options(more)) end
  wrong("when does it end?", { solver = { base_lr = 1 } })
  wrong("max_epoch must be a positive number, found 0", { max_epoch = 0 })
  wrong("max_time must be a positive number, found nan", { max_time = 0 / 0 })
  wrong("early_stop needs test_data", { early_stop = 3, test_interval = 5 })
  wrong("early_stop needs test_interval", { early_stop = 3, test_data = test_data })
  wrong("unknown option 'patince', did you mean 'patience'?",
    { early_stop = { patince = 3 }, test_data = test_data, test_interval = 1 })
  wrong("min_delta must not be negative",
    { early_stop = { min_delta = -1 }, test_data = test_data, test_interval = 1 })
  wrong("best must be \"loss\" or \"accuracy\", found 'acuracy'",
    { best = "acuracy", test_data = test_data })
  wrong("best = \"loss\" needs test_data", { best = "loss" })
  wrong("one run has one metric", { best = "loss", test_data = test_data, test_interval = 1,
    early_stop = { metric = "accuracy" } })
  wrong("batch_size = 16 can't be cut in solver.iter_size = 3 equal parts",
    { solver = { base_lr = 0.1, iter_size = 3, max_iter = 10 } })
  local x = lander.arange(1, 50):view(50, 1)
  local data = lander.data.tensors(x, x)
  wrong("best = \"accuracy\" needs a net whose loss is softmax_loss", { best = "accuracy",
    net = require "models.mlp" { 1, 1 }, loss = "mse_loss", data = data, test_data = data })
end

TestTrying = {}
keep_status(TestTrying)

function TestTrying.test_a_dry_run_does_everything_and_leaves_nothing()
  local folder = support.folder()
  local o = options { dry_run = true, test_data = support.blobs(50), snapshot = 1000,
                      test_interval = 500, snapshot_prefix = folder .. "/run" }
  local start, tests, snapshots = o.net:clone(), {}, {}
  o.on_test = function(e) tests[#tests + 1] = e.iter end
  o.on_snapshot = function(e)
    snapshots[#snapshots + 1] = e.iter
    lu.assertTrue(support.exists(e.path))
  end
  support.write(folder .. "/run.npz", "an older net")
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.reason, run.iter }, { "finished", "dry_run", 2 })
  lu.assertEquals({ tests, snapshots }, { { 0, 2 }, { 2 } })
  support.same_params(o.net, start)
  local listing = io.popen(("ls '%s'"):format(folder))
  lu.assertEquals(listing:read "a", "run.npz\n")
  listing:close()
  lu.assertEquals(support.read(folder .. "/run.npz"), "an older net")
  fails("leave out resume", lander.train, options { dry_run = true, resume = "latest" })
end

function TestTrying.test_a_dry_run_whose_snapshot_fails_says_so()
  local folder = support.folder()
  -- A folder in the place of the snapshot: renaming the file to it fails, for root too.
  lander.core.make_dir(folder .. "/run_dry_run_iter_2.npz/x")
  local o = options { dry_run = true, snapshot_prefix = folder .. "/run" }
  local start = o.net:clone()
  fails("dry_run: the snapshot could not be written", lander.train, o)
  support.same_params(o.net, start)
  lu.assertEquals(lander.core.list_dir(folder), { "run_dry_run_iter_2.npz/" })
end

function TestTrying.test_a_dry_run_tests_two_batches()
  local seen = 0
  lander.nn.define("count_calls", { forward = function(_, x) seen = seen + 1 return x end,
                                    backward = function(_, _, _, dy) return dy end })
  local nn = lander.nn
  local o = options { dry_run = true, test_data = support.blobs(160),
                      net = nn.net { nn.input { 2 }, nn.count_calls {}, nn.linear { 2 } } }
  lander.train(o)
  lu.assertEquals(seen, 5 + 2 + 2 + 2) -- the first losses, two tests, two iterations
end

function TestTrying.test_overfit_sees_the_same_batches_only()
  local o = options { overfit = 1, test_data = support.blobs(20), test_interval = 60,
                      solver = { base_lr = 0.3, momentum = 0.9, max_iter = 120 } }
  -- Labels that can only be learnt by heart.
  local _, x, y = support.blobs(50)
  for i = 1, 50 do y:set(1 + (i * i) % 3 % 2, i) end
  o.data = lander.data.tensors(x, y)
  o.net = require "models.mlp" { 2, 64, 2, activation = "tanh" }
  o.solver.max_iter = 1500
  local run = lander.train(o)
  lu.assertEquals(run.accuracy, 1)
  lu.assertTrue(run.loss < 0.1)
end

TestLog = {}
keep_status(TestLog)

local function lines(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = line end
  return list
end

-- What Caffe's parse_log.py looks for, in its own words.
local function parse(path)
  local train, test, iter, rate = {}, {}, -1, nil
  local solving
  for _, line in ipairs(lines(path)) do
    lu.assertStrMatches(line, "I%d%d%d%d %d%d:%d%d:%d%d%.%d%d%d%d%d%d +%d+ [%w_]+%.?%w*:%d+%] .*")
    solving = solving or line:find "Solving" ~= nil
    iter = tonumber(line:match "Iteration (%d+)") or iter
    rate = tonumber(line:match "lr = ([-+]?[0-9]*%.?[0-9]+[eE]?[-+]?[0-9]*)") or rate
    local name, value = line:match "Train net output #%d+: (%S+) = ([%.%deE+-]+)"
    if name then train[#train + 1] = { iter = iter, [name] = tonumber(value) } end
    if #train > 0 and train[#train].iter == iter then train[#train].rate = rate end
    name, value = line:match "Test net output #%d+: (%S+) = ([%.%deE+-]+)"
    if name then
      if #test == 0 or test[#test].iter ~= iter then test[#test + 1] = { iter = iter } end
      test[#test][name] = tonumber(value)
    end
  end
  lu.assertTrue(solving)
  return train, test
end

-- The worked example, run for real: 0.01 until 999, then a tenth every 1000.
function TestLog.test_the_step_example_read_from_its_own_log()
  local prefix = support.folder() .. "/run"
  local run = lander.train(options {
    snapshot_prefix = prefix, display = 100, test_data = support.blobs(20), test_interval = 500,
    solver = { type = "sgd", base_lr = 0.01, momentum = 0.9, weight_decay = 0.0005,
               lr_policy = "step", gamma = 0.1, stepsize = 1000, max_iter = 3500 } })
  lu.assertEquals(run.iter, 3500)
  local train, test = parse(prefix .. ".log")
  lu.assertEquals(#train, 35)
  for i, row in ipairs(train) do
    lu.assertEquals(row.iter, 100 * (i - 1))
    lu.assertAlmostEquals(row.rate, 0.01 * 0.1 ^ ((i - 1) // 10), 1e-12)
    lu.assertTrue(row.loss > 0)
  end
  lu.assertEquals(#test, 8)
  lu.assertEquals({ test[1].iter, test[8].iter, test[8].accuracy }, { 0, 3500, 1 })
  lu.assertAlmostEquals(test[8].loss, run.test_loss, 1e-5)
end

-- Every single iteration, from the journal of a run.
function TestLog.test_the_rate_of_every_iteration()
  local prefix = support.folder() .. "/run"
  lander.train(options { snapshot_prefix = prefix, display = 1,
    solver = { base_lr = 0.01, lr_policy = "step", gamma = 0.1, stepsize = 20, max_iter = 70 } })
  local seen = -1
  for _, e in ipairs(lander.core.read_journal(prefix .. ".jsonl")) do
    if e.event == "train" then
      seen = seen + 1
      lu.assertEquals(e.iter, seen)
      lu.assertAlmostEquals(e.rate, 0.01 * 0.1 ^ (math.max(seen - 1, 0) // 20), 1e-12)
    end
  end
  lu.assertEquals(seen, 70)
end

TestAsking = {}

-- A second an iteration; it is suspended for a thousand seconds at 20, and slow from 50 on.
function TestAsking.test_the_speed_is_that_of_late()
  local clock, progress = core.clock, core.progress
  local now, said = 0, {}
  core.clock = function() return now end
  core.progress = function(text) said[#said + 1] = text end
  local p = core.new_progress { every = 10, total = 100, batch = 3 }
  p.live = false
  p:start(0)
  for iter = 1, 60 do
    now = now + (iter == 20 and 1000 or iter > 50 and 2 or 1)
    p:iteration(iter, 0.5, 0.01)
  end
  p:status()
  core.clock, core.progress = clock, progress
  for i, text in ipairs { "3 samples/s  1m30s left", "0 samples/s  2h14m left",
                          "3 samples/s  1m10s left", "3 samples/s  1m00s left",
                          "3 samples/s  50s left", "2 samples/s  1m20s left" } do
    lu.assertStrContains(said[i], text)
  end
  lu.assertEquals(said[7], said[6])
end

-- A training that goes on until a file appears.
local function long_training(folder)
  return support.write(folder .. "/long.lua", ([[
    local lander = require "lander"
    local support = require "tests.support"
    local folder = %q
    support.write(folder .. "/begun", "")
    local run = lander.train { net = support.mlp(1), data = support.blobs(64), batch_size = 16,
      retry = false, display = 0, snapshot_prefix = folder .. "/run", max_time = 20,
      solver = { base_lr = 0.01 },
      on_iter = function(e)
        if e.iter == 10 then support.write(folder .. "/training", "") end
        if support.exists(folder .. "/end") then return "stop" end
      end }
    print(run.status, run.reason)
  ]]):format(folder))
end

-- Signals while a training runs: SIGHUP takes a snapshot, SIGUSR1 prints the status line.
function TestAsking.test_signals_that_ask()
  local folder = support.folder()
  local script = long_training(folder)
  local result = support.run({ "-c", ([[
    %s %s 2>%s/err & child=$!
    cd %s
    until_true() {
      for i in $(seq 600); do "$@" && return; sleep 0.05; done
    }
    until_true test -e training
    kill -HUP $child; until_true grep -qs '"event":"snapshot"' run.jsonl
    kill -USR1 $child; until_true grep -qs 'left$' err
    touch end; wait $child; cat err >&2]]):format(support.executable, script, folder, folder) },
    { program = "/bin/sh" })
  lu.assertEquals({ result.status, result.out }, { 0, "stopped\tcallback\n" })
  lu.assertStrMatches(result.err, ".*%d+  loss %S+  rate 0.01  [%d,]+ samples/s  %d+s left\n.*")
  local _, snapshots = support.read(folder .. "/run.jsonl"):gsub('"event":"snapshot"', "")
  lu.assertEquals(snapshots, 1)
end
