-- test_resume.lua: snapshots of lander.train, which of them stay, and going on from one with
-- the same bits.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local fails = support.fails

local keep_status = support.keep_status

-- A net with everything that has a memory: dropout, batch norm's statistics.
local function net(seed)
  local nn = lander.nn
  return nn.net { seed = seed, nn.input { 2 }, nn.linear { 12 }, nn.batch_norm {}, nn.relu {},
                  nn.dropout { 0.3 }, nn.linear { 2 } }
end

-- 53 samples in batches of 8: most snapshots stand in the middle of an epoch.
local function options(more)
  local o = {
    net = net(1), data = support.blobs(53), test_data = support.blobs(20), batch_size = 8,
    quiet = true, retry = false, test_interval = 7, display = 5,
    solver = { type = "sgd", base_lr = 0.05, momentum = 0.9, weight_decay = 0.001, max_iter = 60,
               lr_policy = "plateau", gamma = 0.5, patience = 8, average_loss = 4 },
  }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

local function rows(prefix, kind)
  local found = {}
  for _, event in ipairs(lander.core.read_journal(prefix .. ".jsonl")) do
    if event.event == kind then found[#found + 1] = event end
  end
  return found
end

TestResume = {}
keep_status(TestResume)

function TestResume.test_the_same_bits_from_every_snapshot()
  local prefix = support.folder() .. "/run"
  local whole = options { snapshot = 1, snapshot_prefix = prefix, keep = 100 }
  local run = lander.train(whole)
  lu.assertTrue(whole.net.params["linear1.weight"] ~= nil)
  for k = 1, 59, 3 do
    local rest = options { resume = ("%s_iter_%d.npz"):format(prefix, k), net = net(9) }
    local again = lander.train(rest)
    lu.assertEquals({ k, again.iter, again.loss, again.test_loss, again.best.value },
      { k, 60, run.loss, run.test_loss, run.best.value })
    support.same_params(whole.net, rest.net)
  end
end

-- Pictures, made ready by the prefetch thread, cropped and mirrored at random.
function TestResume.test_the_same_bits_with_augmentation()
  local prefix = support.folder() .. "/run"
  local data = lander.data.fashion_mnist "tests/data/fashion_mnist"
  local function with(more)
    local nn = lander.nn
    local o = options {
      net = nn.net { seed = 1, nn.input { 1, 24, 24 }, nn.conv { 4, kernel = 5, stride = 2 },
                     nn.batch_norm {}, nn.relu {}, nn.dropout { 0.2 }, nn.linear { 10 } },
      data = data.train:subset(1, 101), test_data = data.test:subset(1, 50), batch_size = 16,
      augment = { mirror = true, pad = 2, crop = 24 },
      solver = { type = "nesterov", base_lr = 0.01, momentum = 0.9, max_iter = 30 },
    }
    for key, value in pairs(more) do o[key] = value end
    return o
  end
  local whole = with { snapshot = 1, snapshot_prefix = prefix, keep = 100 }
  local run = lander.train(whole)
  lu.assertEquals(run.status, "finished")
  for k = 2, 28, 5 do
    local rest = with { resume = ("%s_iter_%d.npz"):format(prefix, k) }
    lu.assertEquals(lander.train(rest).test_loss, run.test_loss)
    support.same_params(whole.net, rest.net)
  end
end

-- Every update rule, by another process.
function TestResume.test_every_solver_in_a_new_process()
  local folder = support.folder()
  local script = support.write(folder .. "/train.lua", [[
    local lander = require "lander"
    local support = require "tests.support"
    local opt = lander.args { prefix = "", type = "sgd", max_iter = 40 }
    local nn = lander.nn
    local net = nn.net { seed = 1, nn.input { 2 }, nn.linear { 8 }, nn.batch_norm {}, nn.relu {},
                         nn.dropout { 0.3 }, nn.linear { 2 } }
    local full = opt.type == "lbfgs"
    local run = lander.train { net = net, data = support.blobs(53), batch_size = full and 53 or 8,
      quiet = true, solver = { type = opt.type, base_lr = 0.01, max_iter = opt.max_iter },
      snapshot = 13, snapshot_prefix = opt.prefix, resume = "latest" }
    assert(run.status == "finished" and run.iter == opt.max_iter, run.message)
  ]])
  local types = 0
  for _, type in ipairs(lander.core.describe "solver") do
    types = types + 1
    local function train(name, max_iter)
      local r = support.run { script, "--type=" .. type.name, "--prefix=" .. folder .. "/" .. name,
                              "--max_iter=" .. max_iter }
      lu.assertEquals({ type.name, r.status, r.err }, { type.name, 0, "" })
      return lander.load(folder .. "/" .. name .. ".npz")
    end
    local whole = train(type.name, 40)
    train(type.name .. "2", 19)
    support.same_params(whole, train(type.name .. "2", 40))
  end
  lu.assertTrue(types >= 9)
end

function TestResume.test_a_test_that_a_signal_cut_off_is_made_up_for()
  local prefix = support.folder() .. "/run"
  local whole = options()
  lander.train(whole)
  local tests = {}
  local first = options { snapshot_prefix = prefix,
    on_iter = function(e) if e.iter == 7 then lander.core.stop(true) end end,
    on_test = function(e) tests[#tests + 1] = e.iter end }
  local run = lander.train(first)
  lander.core.stop(false)
  lu.assertEquals({ run.status, run.reason, run.iter }, { "stopped", "signal", 7 })
  local rest = options { snapshot_prefix = prefix, resume = "latest",
    on_test = function(e) tests[#tests + 1] = e.iter end, net = net(3) }
  lander.train(rest)
  lu.assertEquals(tests, { 0, 7, 14, 21, 28, 35, 42, 49, 56, 60 })
  support.same_params(whole.net, rest.net)
end

function TestResume.test_latest_is_the_newest_that_is_there()
  local prefix = support.folder() .. "/run"
  local o = options { snapshot = 20, snapshot_prefix = prefix, keep = 3 }
  lander.train(o)
  os.remove(prefix .. "_iter_60.npz")
  local rest = options { resume = "latest", snapshot_prefix = prefix, net = net(2) }
  lander.train(rest)
  support.same_params(o.net, rest.net)
  lu.assertEquals(rows(prefix, "start")[2].resumed, prefix .. "_iter_40.npz")
  lu.assertEquals(rows(prefix, "start")[2].iter, 40)
end

function TestResume.test_latest_before_there_is_one_is_the_beginning()
  local prefix = support.folder() .. "/run"
  local whole, first = options(), options { resume = "latest", snapshot_prefix = prefix }
  lander.train(whole)
  lander.train(first)
  support.same_params(whole.net, first.net)
  fails("resume = \"latest\" needs snapshot_prefix", lander.train, options { resume = "latest" })
end

function TestResume.test_a_finished_run_has_nothing_left_but_can_be_made_longer()
  local prefix = support.folder() .. "/run"
  local o = options { snapshot = 25, snapshot_prefix = prefix }
  local first = lander.train(o)
  local again = options { resume = "latest", snapshot_prefix = prefix, net = net(4) }
  local run = lander.train(again)
  lu.assertEquals({ run.iter, run.loss }, { 60, first.loss })
  support.same_params(o.net, again.net)
  local longer, whole = options { resume = "latest", snapshot_prefix = prefix }, options()
  longer.solver.max_iter, whole.solver.max_iter = 80, 80
  lander.train(longer)
  lander.train(whole)
  support.same_params(longer.net, whole.net)
end

function TestResume.test_a_torn_line_of_the_journal_does_no_harm()
  local prefix = support.folder() .. "/run"
  lander.train(options { snapshot = 20, snapshot_prefix = prefix })
  local file = io.open(prefix .. ".jsonl", "a")
  file:write '{"event":"train","iter":61,"lo'
  file:close()
  lander.train(options { snapshot = 20, snapshot_prefix = prefix, resume = "latest" })
  lu.assertEquals(#rows(prefix, "end"), 2)
end

function TestResume.test_one_for_the_other_says_which_to_use()
  local prefix = support.folder() .. "/run"
  lander.train(options { snapshot = 60, snapshot_prefix = prefix })
  fails("weights = path begins a new training", lander.train,
    options { resume = prefix .. ".npz" })
  fails("resume = path goes on with that training", lander.train,
    options { weights = prefix .. "_iter_60.npz" })
  fails("give one of the two", lander.train,
    options { weights = prefix .. ".npz", resume = prefix .. "_iter_60.npz" })
  fails("No such file", lander.train, options { resume = prefix .. "_iter_61.npz" })
end

function TestResume.test_another_run_is_told_apart()
  local prefix = support.folder() .. "/run"
  lander.train(options { snapshot = 60, snapshot_prefix = prefix })
  local path = prefix .. "_iter_60.npz"
  fails("that run had 53 samples to train on, here are 52", lander.train,
    options { resume = path, data = support.blobs(52) })
  local o = options { resume = path }
  o.solver.random_seed = 4
  fails("that run had random_seed = 1, here it is 4", lander.train, o)
  fails("a snapshot of another net", lander.train, options { resume = path, net = support.mlp(1) })
  local solver = lander.solver(lander.nn.net { lander.nn.input { 2 }, lander.nn.linear { 2 } },
    { base_lr = 1 })
  local plain = prefix .. "_plain.npz"
  solver:snapshot(plain)
  fails("has a note that is none of lander.train's", lander.train, options { resume = plain,
    net = solver.net, solver = { base_lr = 1, max_iter = 2 } })
  solver:snapshot(plain, "my own note")
  fails("solver:restore(path) reads such a snapshot", lander.train, options { resume = plain,
    net = solver.net, solver = { base_lr = 1, max_iter = 2 } })
end

-- A run that was rescued has a factor on its rate, which a rate that is asked for anew has not.
function TestResume.test_another_base_lr_is_meant_as_it_stands()
  local prefix = support.folder() .. "/run"
  local function resumed(base_lr)
    local o = options { resume = prefix .. "_iter_60.npz", net = net(3) }
    o.solver = { base_lr = base_lr, momentum = 0.9, max_iter = 61 }
    local rates = {}
    o.on_iter = function(e) rates[#rates + 1] = e.rate end
    return lander.train(o), rates[1]
  end
  local first = options { snapshot = 60, snapshot_prefix = prefix }
  first.solver = { base_lr = 0.5, lr_scale = 0.1, momentum = 0.9, max_iter = 60 }
  lander.train(first)
  local run, rate = resumed(0.5)
  lu.assertAlmostEquals(rate, 0.05, 1e-12)
  lu.assertAlmostEquals(run.base_lr, 0.05, 1e-12)
  run, rate = resumed(0.02)
  lu.assertAlmostEquals(rate, 0.02, 1e-12)
  lu.assertEquals(run.base_lr, 0.02)
end

TestKeep = {}
keep_status(TestKeep)

local function left(prefix)
  local iters = {}
  for i = 0, 500 do
    if support.exists(("%s_iter_%d.npz"):format(prefix, i)) then iters[#iters + 1] = i end
  end
  return iters
end

function TestKeep.test_the_last_ones_and_a_good_one()
  local prefix = support.folder() .. "/run"
  local o = options { snapshot = 10, snapshot_prefix = prefix, keep = 2 }
  o.solver.max_iter = 120
  -- Good are those that 50 more iterations followed.
  o.on_snapshot = function(e)
    local there = left(prefix)
    lu.assertEquals({ there[#there], there[#there - 1] },
      e.iter == 10 and { 10 } or { e.iter, e.iter - 10 })
  end
  lander.train(o)
  local there = left(prefix)
  lu.assertTrue(there[1] <= 70 and there[1] >= 10, "a good one")
  lu.assertTrue(#there <= 4)
  lu.assertEquals({ there[#there - 1], there[#there] }, { 110, 120 })
end

function TestKeep.test_no_more_than_keep_where_they_are_far_apart()
  local prefix = support.folder() .. "/run"
  local o = options { snapshot = 60, snapshot_prefix = prefix, keep = 2 }
  o.solver.max_iter = 300
  lander.train(o)
  lu.assertEquals(left(prefix), { 240, 300 })
end

function TestKeep.test_a_resumed_run_clears_up_after_the_first()
  local prefix = support.folder() .. "/run"
  local function part(max_iter)
    local o = options { snapshot = 60, snapshot_prefix = prefix, keep = 2, resume = "latest" }
    o.solver.max_iter = max_iter
    lander.train(o)
  end
  part(120)
  lu.assertEquals(left(prefix), { 60, 120 })
  part(240)
  lu.assertEquals(left(prefix), { 180, 240 })
end

function TestKeep.test_the_best_by_a_metric()
  local prefix = support.folder() .. "/run"
  local o = options { snapshot_prefix = prefix, best = "loss" }
  local least, at = math.huge, 0
  o.on_test = function(e)
    if e.loss < least then least, at = e.loss, e.iter end
  end
  local run = lander.train(o)
  lu.assertEquals({ run.best.metric, run.best.value, run.best.iter }, { "loss", least, at })
  local best = lander.load(prefix .. "_best.npz")
  best:test_phase()
  local _, x, y = support.blobs(20)
  lu.assertAlmostEquals(best:loss(x, y), least, 1e-4) -- batches of 8, summed in another order
  o = options { snapshot_prefix = prefix .. "2", best = false }
  lander.train(o)
  lu.assertFalse(support.exists(prefix .. "2_best.npz"))
end

-- A disk that is full while training: RLIMIT_FSIZE stands for it.
function TestKeep.test_a_full_disk_is_a_warning_and_the_older_file_stays_whole()
  local prefix = support.folder() .. "/run"
  local script = support.write(prefix .. ".lua", ([[
    local lander = require "lander"
    local support = require "tests.support"
    local net = lander.nn.net { lander.nn.input { 2 }, lander.nn.linear { 3000 },
                                lander.nn.linear { 2 } }
    local grown = false
    local run = lander.train { net = net, data = support.blobs(64), batch_size = 16,
      solver = { base_lr = 0.001, max_iter = 30 }, snapshot = 10, snapshot_prefix = %q,
      retry = false, on_snapshot = function() grown = true end }
    print(run.status, run.iter, grown, run.path, run.message)
    for _, e in ipairs(run.events) do
      if e.event == "snapshot_failed" then print(e.iter, e.message) end
    end
  ]]):format(prefix))
  -- 1 block is 512 or 1024 bytes: no snapshot fits, the journal does.
  local result = support.run({ "-c", ("ulimit -f 24; trap '' XFSZ; exec %s %s"):format(
    support.executable, script) }, { program = "/bin/sh" })
  lu.assertStrContains(result.out, "finished\t30\tfalse\tnil")
  lu.assertStrContains(result.out, "10\tcan't write")
  lu.assertStrContains(result.err, "warning: no snapshot: can't write")
  lu.assertEquals(result.status, 6)
end

-- A disk that is full for a while: /dev/full stands for it, in the journal's place.
function TestKeep.test_the_journal_goes_on_after_a_full_disk()
  local prefix = support.folder() .. "/run"
  local journal
  local open = lander.core.open_journal
  lander.core.open_journal = function(...)
    journal = open(...)
    return journal
  end
  local function latest() return lander.core.find_resume("latest", prefix) end
  local found, o = {}, options { snapshot = 10, snapshot_prefix = prefix, keep = 1 }
  o.on_iter = function(e)
    if e.iter == 25 or e.iter == 45 then
      journal:close()
      journal.path = e.iter == 25 and "/dev/full" or prefix .. ".jsonl"
    end
    if e.iter % 10 == 5 then found[#found + 1] = latest() end
  end
  local ok, run = pcall(lander.train, o)
  lander.core.open_journal = open
  lu.assertEquals({ ok, ok and run.status or run }, { true, "finished" })
  local function snapshot(iter) return ("%s_iter_%d.npz"):format(prefix, iter) end
  -- What was not written there can't be found, and what was has to stay until then.
  lu.assertEquals(found, { snapshot(10), snapshot(20), snapshot(20), snapshot(20), snapshot(50) })
  lu.assertEquals(latest(), snapshot(60))
  lu.assertEquals(#rows(prefix, "end"), 1)
end

function TestKeep.test_a_snapshot_that_fails_leaves_the_older_one()
  local folder = support.folder()
  local prefix = folder .. "/run"
  local o = options { snapshot = 10, snapshot_prefix = prefix, keep = 1 }
  -- A folder in the place of the second snapshot: renaming the file to it fails, for root too.
  assert(os.execute(("mkdir -p '%s_iter_20.npz/x'"):format(prefix)))
  local run = lander.train(o)
  local failed
  for _, e in ipairs(run.events) do
    if e.event == "snapshot_failed" then failed = e end
  end
  lu.assertEquals({ run.status, failed.iter }, { "finished", 20 })
  local fresh = options()
  lander.train(fresh)
  support.same_params(o.net, fresh.net)
  lu.assertTrue(support.exists(prefix .. "_iter_60.npz"))
end

TestKilled = {}
keep_status(TestKilled)

-- Killed at random moments, gone on with each time: the bits of a run that never was.
function TestKilled.test_dozens_of_times()
  local folder = support.folder()
  local script = support.write(folder .. "/train.lua", [[
    local lander = require "lander"
    local support = require "tests.support"
    local opt = lander.args { prefix = "", resume = false, max_iter = 8000 }
    local nn = lander.nn
    local net = nn.net { seed = 1, nn.input { 2 }, nn.linear { 12 }, nn.batch_norm {}, nn.relu {},
                         nn.dropout { 0.3 }, nn.linear { 2 } }
    local run = lander.train { net = net, data = support.blobs(53), test_data = support.blobs(20),
      batch_size = 8, test_interval = 40, quiet = true, display = 10,
      solver = { base_lr = 0.05, momentum = 0.9, max_iter = opt.max_iter, lr_policy = "plateau",
                 gamma = 0.9, patience = 20, average_loss = 10 },
      snapshot = 7, snapshot_prefix = opt.prefix, resume = opt.resume and "latest" or nil }
    print(run.status, run.iter)
  ]])
  local seconds = support.run { script, "--prefix=" .. folder .. "/whole" }
  lu.assertStrContains(seconds.out, "finished\t8000")
  local kills, done, life = 0, nil, 0
  for _ = 1, 400 do
    -- From dead before it began to long enough to get somewhere.
    life = (life * 37 + 11) % 101
    local result = support.run({ script, "--prefix=" .. folder .. "/killed", "--resume" },
      { under = ("timeout -s KILL %.3f"):format(kills < 50 and 0.005 + life * 0.002 or 60) })
    if result.out:find "finished" then done = true break end
    lu.assertNotStrContains(result.err, "lander:")
    kills = kills + 1
  end
  lu.assertTrue(done)
  lu.assertTrue(kills >= 25, "only " .. kills .. " kills") -- fifty, where the machine is not fast
  support.same_params(lander.load(folder .. "/whole.npz"), lander.load(folder .. "/killed.npz"))
end

-- ---- a solver that is still there ----

TestGoesOn = {}
keep_status(TestGoesOn)

local function stop_at(iter)
  return function(e) if e.iter == iter then lander.core.stop(true) end end
end

local function stopped(o)
  local run = lander.train(o)
  lander.core.stop(false)
  lu.assertEquals({ run.status, run.reason }, { "stopped", "signal" })
  return run
end

function TestGoesOn.test_the_bits_of_a_run_that_was_never_stopped()
  local whole = options()
  local last = lander.train(whole)
  local o = options { on_iter = stop_at(23) }
  local run = stopped(o)
  lu.assertEquals({ run.net == o.net, run.solver.iter, run.iter }, { true, 23, 23 })
  local again = lander.train { solver = run.solver, data = o.data, test_data = o.test_data,
    batch_size = 8, quiet = true, retry = false, test_interval = 7 }
  lu.assertEquals({ again.status, again.iter, again.loss, again.accuracy, again.best.value },
    { "finished", 60, last.loss, last.accuracy, last.best.value })
  support.same_params(whole.net, o.net)
end

-- Another rate, steps by hand, and on, farther than was asked for at first.
function TestGoesOn.test_with_another_rate()
  local prefix = support.folder() .. "/run"
  local o = options { on_iter = stop_at(20), snapshot_prefix = prefix }
  local run = stopped(o)
  run.solver.base_lr = 0.001
  local x, y = o.data:batches { size = 8 }:next()
  lu.assertTrue(run.solver:step(x, y) > 0)
  run.solver.max_iter = 70
  local again = lander.train { solver = run.solver, data = o.data, batch_size = 8, quiet = true,
    snapshot_prefix = prefix, display = 5 }
  lu.assertEquals({ again.status, again.iter, again.base_lr }, { "finished", 70, 0.001 })
  lu.assertEquals(again.history[#again.history].rate, run.solver:lr())
  -- One journal tells of both.
  lu.assertEquals({ rows(prefix, "start")[1].iter, rows(prefix, "start")[2].iter }, { 0, 21 })
  -- Files of another name begin anew.
  run.solver.max_iter = 80
  lander.train { solver = run.solver, data = o.data, batch_size = 8, quiet = true,
    snapshot_prefix = prefix .. "2" }
  lu.assertEquals(#rows(prefix .. "2", "start"), 1)
end

-- After a rescue the factor is on the rate. A rate that is set by hand is meant as it stands; one
-- that a callback sets while it runs is not, or it would undo the rescue.
function TestGoesOn.test_a_rate_by_hand_after_a_rescue()
  local o = support.small_training { retry = { trial = 0 } }
  o.solver = { base_lr = 1e4, max_iter = 60 }
  local run = lander.train(o)
  lu.assertTrue(run.retries > 0)
  local scale = run.solver.lr_scale
  lu.assertEquals(scale, run.lr_scale)
  run.solver.momentum, run.solver.max_iter = 0.5, 100 -- no rates
  lu.assertEquals(run.solver.lr_scale, scale)
  local rates = {}
  lander.train { solver = run.solver, data = o.data, batch_size = 8, quiet = true,
    on_iter = function(e)
      e.solver.base_lr = 5e3
      rates[#rates + 1] = e.solver:lr()
      return "stop"
    end }
  lu.assertAlmostEquals(rates[1], 5e3 * scale, 1e-9 * rates[1])
  lu.assertEquals(run.solver.lr_scale, scale)
  run = lander.train(support.small_training { solver = { base_lr = 1e4, max_iter = 60 } })
  run.solver.base_lr = 0.001
  lu.assertEquals({ run.solver.base_lr, run.solver.lr_scale, run.solver:lr() }, { 0.001, 1, 0.001 })
  fails("unknown option 'base_lrr', did you mean", function() run.solver.base_lrr = 1 end)
  -- A factor that somebody set by hand is theirs.
  run.solver.lr_scale = 0.5
  run.solver.base_lr = 0.01
  lu.assertEquals(run.solver:lr(), 0.005)
end

function TestGoesOn.test_mistakes()
  local o = options { on_iter = stop_at(3) }
  local run = stopped(o)
  local function wrong(text, more)
    local given = { solver = run.solver, data = o.data, max_epoch = 1 }
    for key, value in pairs(more) do given[key] = value end
    fails(text, lander.train, given)
  end
  wrong("this solver is another net's", { net = net(1) })
  wrong("leave out resume, weights and dry_run", { dry_run = true })
  wrong("solver must be a table of options, or a solver that goes on", { solver = lander.zeros(1) })
end

-- What is said of a run that was stopped is of the net as it was trained.
function TestGoesOn.test_the_test_of_the_untrained_net_is_not_the_results()
  local run = stopped(options { on_iter = stop_at(5) })
  lu.assertEquals({ run.accuracy, run.test_loss }, {})
  run = stopped(options { on_iter = stop_at(9) })
  lu.assertTrue(run.accuracy ~= nil and run.test_loss ~= nil)
end

-- The snapshot of a run that was stopped is there to go on from; when that is finished, nobody
-- needs it. Those that were asked for stay.
function TestGoesOn.test_the_snapshot_of_a_stop_goes_away()
  local prefix = support.folder() .. "/run"
  stopped(options { on_iter = stop_at(23), snapshot_prefix = prefix })
  lu.assertTrue(support.exists(prefix .. "_iter_23.npz"))
  lander.train(options { resume = "latest", snapshot_prefix = prefix })
  lu.assertFalse(support.exists(prefix .. "_iter_23.npz"))
  stopped(options { on_iter = stop_at(23), snapshot_prefix = prefix, snapshot = 20 })
  lander.train(options { resume = "latest", snapshot_prefix = prefix, snapshot = 20 })
  lu.assertFalse(support.exists(prefix .. "_iter_23.npz"))
  lu.assertTrue(support.exists(prefix .. "_iter_20.npz"))
  lu.assertTrue(support.exists(prefix .. "_iter_60.npz"))
end

-- A disk with room for a snapshot and no more, which is what counts; where there is none for it
-- either a warning comes once.
function TestGoesOn.test_a_disk_that_is_nearly_full()
  local folder = support.folder()
  local script = support.write(folder .. "/s.lua", [[
    local lander = require "lander"
    local opt = lander.args { folder = "", block = false }
    local nn = lander.nn
    local net = nn.net { nn.input { 2 }, nn.linear { 30000 }, nn.linear { 2 } }
    local x = lander.randn(64, 2)
    local run = lander.train { net = net, data = lander.data.tensors(x, x:select(2, 1):gt(0) + 1),
      batch_size = 16, solver = { base_lr = 1e-4, momentum = 0.9, max_iter = 60 }, keep = 1,
      snapshot = 20, display = 0, best = false, snapshot_prefix = opt.folder .. "/run",
      retry = { every = 5, good_after = 2 },
      on_iter = function(e)
        if e.iter == 1 and opt.block then
          local file = io.open(opt.folder .. "/big", "wb")
          file:write(("x"):rep(16 << 20))
          file:close()
        end
      end }
    print(run.status, run.iter)
  ]])
  -- A snapshot and a place have 1.8 MB each, and there are three snapshots for a moment.
  local disk, size = folder .. "/disk", support.is_double and "12400k" or "6200k"
  lander.core.make_dir(disk)
  local function full(words)
    return support.run({ "-rm", "sh", "-c", ("mount -t tmpfs -o size=%s none '%s' && '%s' '%s' "
      .. "--folder='%s' %s; ls '%s'"):format(size, disk, support.executable, script, disk, words,
      disk) }, { program = "unshare" })
  end
  local r = full ""
  if r.err:find "unshare" or r.err:find "mount" then lu.skip("no mounts here: " .. r.err) end
  local function warnings() return select(2, r.err:gsub("warning: [^\n]*%.npz'", "")) end
  lu.assertEquals({ r.status, r.out:match "[^\n]*", warnings() }, { 0, "finished\t60", 1 }, r.err)
  lu.assertStrContains(r.err, "warning: a place to go back to is not on the disk: can't write")
  lu.assertStrContains(r.out, "run_iter_60.npz")
  r = full "--block"
  lu.assertEquals({ r.out:match "[^\n]*", r.out:find("_iter_"), warnings() },
    { "finished\t60", nil, 2 }, r.err)
end
