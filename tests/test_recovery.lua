-- test_recovery.lua: what lander.train does when a training diverges: telling bad data and bad
-- nets apart, going back, the budget; and that none of it touches a run that is healthy.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local fails = support.fails
local nn = lander.nn

local keep_status = support.keep_status
local events = support.events
local net = support.net_with_memory
local options = support.small_training

-- Ruins the net, finite as it stays, after iteration `iter` and the four behind it, in
-- the first `attempts` attempts.
local function ruin_at(iter, attempts)
  return function(e)
    if e.attempt <= (attempts or 1) and e.iter >= iter and e.iter < iter + 5 then
      e.net.params["linear2.bias"].data:set(1e6, 1)
    end
  end
end

TestRateSearch = {}
keep_status(TestRateSearch)

-- A training whose loss is what `losses` says for the factor on its rate, 1e6 where it says
-- nothing: the net's output is its input, which is the target too, times what makes that loss.
-- Chance is 0.5.
local function told(losses, more)
  local solver
  nn.define("told_by_the_rate", {
    forward = function(_, x)
      local scale = solver and tonumber(solver.lr_scale) or 1
      return x * (1 - math.sqrt(2 * (losses[scale] or 1e6)))
    end,
    backward = function(_, _, _, dy) return dy end,
  })
  local x = lander.tensor { -1, 1, -1, 1 }:view(4, 1)
  local o = { net = nn.net { nn.input { 1 }, nn.told_by_the_rate {}, nn.bias {} },
    data = lander.data.tensors(x, x), batch_size = 2, shuffle = false, loss = "mse_loss",
    quiet = true, display = 0, solver = { base_lr = 1, max_iter = 400 },
    on_iter = function(e)
      solver = e.solver
      if more and more.each then more.each() end
    end }
  for key, value in pairs(more or {}) do if key ~= "each" then o[key] = value end end
  if o.display == "by itself" then o.display = nil end
  losses[1] = losses[1] or 0.4
  local run = lander.train(o)
  local tried = {}
  for i, e in ipairs(events(run, "trial")) do tried[i] = e.lr_scale end
  return run, tried
end

-- The first loss is 0.4, the one from the second iteration on is 1e6.
local function too_high(losses, more)
  local seen = 0
  return told(setmetatable({}, { __index = function(_, scale)
    if scale ~= 1 then return losses[scale] end
    seen = seen + 1
    return seen <= 6 and 0.4 or 1e6
  end, __newindex = function() end }), more)
end

function TestRateSearch.test_lower_rates_until_one_is_worse()
  local run, tried = too_high { [0.1] = 0.3, [0.03] = 0.2, [0.01] = 0.25 }
  lu.assertEquals({ run.status, run.retries, run.lr_scale, run.base_lr },
    { "finished", 1, 0.03, 0.03 })
  lu.assertEquals(tried, { 0.1, 0.03, 0.01 })
  local trials = events(run, "trial")
  lu.assertEquals({ trials[1].iter, trials[1].back_to, trials[3].back_to }, { 200, 0, 0 })
  lu.assertEquals({ trials[1].is_best, trials[2].is_best, trials[3].is_best },
    { true, true, false })
  lu.assertAlmostEquals(trials[2].loss, 0.2, 1e-6)
  lu.assertEquals(trials[3].attempt, 5) -- what was asked for, three trials, and the best again
end

-- A trial that is shorter than `display` has a row at its end all the same: a curve needs two.
function TestRateSearch.test_curves_go_to_the_end_of_a_trial()
  local run = too_high({ [0.1] = 0.3, [0.03] = 0.2, [0.01] = 0.25 }, { display = 250 })
  local rows = {}
  for i, row in ipairs(run.history) do rows[i] = ("%d: %d"):format(row.attempt, row.iter) end
  lu.assertEquals(table.concat(rows, ", "), "1: 0, 2: 0, 2: 200, 3: 0, 3: 200, 4: 0, 4: 200, "
    .. "5: 0, 5: 250, 5: 400")
  lu.assertAlmostEquals(run.history[7].loss, 0.25, 1e-6)
  lu.assertEquals(run.history[7].rate, 0.01)
  for _, what in ipairs { "loss", "rate" } do
    local lost
    for _, stretch in ipairs(lander.core.plot_curves({ run }, { what = what })[1].stretches) do
      if stretch.trial and stretch.trial.lost then lost = stretch.x end
    end
    lu.assertEquals({ lost[1], lost[#lost] }, { 0, 200 }, what)
  end
  lu.assertEquals(#too_high { [0.1] = 0.3, [0.03] = 0.2, [0.01] = 0.25 }.history, 1) -- display = 0
end

-- The lines of a trial start again at 0 each time: they say which rate they are a trial of.
function TestRateSearch.test_what_the_progress_says_of_a_trial()
  local function progress(display)
    local said, whole, before = {}, {}, lander.core.progress
    lander.core.progress = function(text)
      whole[#whole + 1] = text
      said[#said + 1] = text:match "^(%d+)/400 " and text:gsub("/.*left", "") or nil
    end
    local ok, run = pcall(too_high, { [0.1] = 0.3, [0.03] = 0.2, [0.01] = 0.25 },
      { quiet = false, display = display })
    lander.core.progress = before
    lu.assertTrue(ok, run)
    return said, table.concat(whole, "\n"), run
  end
  local said, whole, run = progress(150)
  lu.assertEquals(said, { "150  attempt 2, trial at base_lr 0.1",
    "150  attempt 3, trial at base_lr 0.03", "150  attempt 4, trial at base_lr 0.01",
    "150  attempt 5", "300  attempt 5", "400  attempt 5" })
  lu.assertStrContains(whole, "base_lr 1 -> 0.1, attempt 2 (retry 1 of 5).")
  lu.assertEquals(run.history[#run.history].attempt, 5) -- the same numbers
  said = progress "by itself" -- where nobody says how many, few lines of a trial
  lu.assertEquals({ said[1], said[3], said[7] }, { "80  attempt 2, trial at base_lr 0.1",
    "80  attempt 3, trial at base_lr 0.03", "20  attempt 5" })
end

-- Of two losses that are nearly the same none is the better one.
function TestRateSearch.test_why_a_rate_is_taken()
  local function why(losses)
    local said, before = "", lander.core.progress
    lander.core.progress = function(text)
      said = text:match "base_lr 0.1 ([^:]*): back to the start with it$" or said
    end
    local ok, run = pcall(too_high, losses, { quiet = false,
      solver = { base_lr = 1, max_iter = 400, lr_policy = "step", gamma = 0.9, stepsize = 1000 } })
    lander.core.progress = before
    lu.assertTrue(ok, run)
    return said
  end
  lu.assertEquals(why { [0.1] = 0.2, [0.03] = 0.3 }, "was better")
  lu.assertEquals(why { [0.1] = 0.2, [0.03] = 0.2001 }, "is as good, and higher")
  lu.assertEquals(why { [0.1] = 0.2 }, "was better") -- the other one diverged
  lu.assertEquals(why { [0.1] = 0.47, [0.03] = 0.48, [0.01] = 0.48, [0.003] = 0.49,
    [0.001] = 0.495, [0.0003] = 0.499 }, "had the lowest loss, but none has learnt much")
end

-- One event, one set of words: on the terminal, in the journal and wherever it is drawn.
function TestRateSearch.test_words_of_a_divergence()
  local core = lander.core
  local what = { rule = "R3", loss = 6.58e12, value = 247.6, baseline = 2.535, threshold = 7.6 }
  lu.assertEquals(core.divergence_words(what),
    "loss 6.58e+12, was 2.535 (rule R3, median of the last 5: 247.6)")
  lu.assertEquals(core.divergence_words { rule = "R5", loss = 2.3, value = 2.31, baseline = 2.302,
    reason = "dead net" },
    "loss 2.3, chance 2.302 (rule R5, dead net, mean of the last 100: 2.31)")
  lu.assertEquals(core.divergence_words { rule = "R1", loss_is = "nan", where = "conv1" },
    "loss nan (rule R1, first in conv1)")
  lu.assertEquals(core.divergence_words { rule = "R2", loss = 1.5, where = "conv1.bias" },
    "loss 1.5, gradient not finite (rule R2, first in conv1.bias)")
  lu.assertEquals(core.divergence_words { rule = "R7", loss = 1.5, where = "conv1.bias" },
    "loss 1.5, weights not finite (rule R7, first in conv1.bias)")
end

-- The losses that led to it are in the event, of this attempt and no other.
function TestRateSearch.test_the_losses_before_a_divergence()
  local seen = 0
  local run = told(setmetatable({}, { __index = function(_, scale)
    seen = scale == 1 and seen + 1 or seen
    return scale ~= 1 and 0.3 or seen <= 8 and 0.4 or 1e6
  end, __newindex = function() end }))
  local event = events(run, "diverged")[1]
  lu.assertEquals({ event.iter, #event.before, event.rule }, { 4, 4, "R3" })
  for i, loss in ipairs { 0.4, 0.4, 1e6, 1e6 } do
    lu.assertAlmostEquals(event.before[i], loss, 1e-6 * loss)
  end
  local all = run.solver:losses()
  lu.assertEquals({ #all, run.solver:losses(2) }, { 400, { all[399], all[400] } })
end

function TestRateSearch.test_a_schedule_lowers_the_rate_itself_and_so_a_lower_one_must_be_better()
  local losses = { [0.1] = 0.3, [0.03] = 0.31, [0.01] = 0.32 }
  local run, tried = too_high(losses)
  lu.assertEquals({ run.lr_scale, tried }, { 0.03, { 0.1, 0.03, 0.01 } }) -- 0.32 is 6 % more
  run, tried = too_high(losses, { solver = { base_lr = 1, max_iter = 400, lr_policy = "cosine" } })
  lu.assertEquals({ run.lr_scale, tried }, { 0.1, { 0.1, 0.03 } })
end

function TestRateSearch.test_what_has_learnt_nothing_is_no_better_than_another()
  local run, tried = too_high { [0.1] = 0.5, [0.03] = 0.9, [0.01] = 0.48, [0.003] = 0.2,
                                [0.001] = 0.45 }
  lu.assertEquals({ run.lr_scale, tried }, { 0.003, { 0.1, 0.03, 0.01, 0.003, 0.001 } })
  run, tried = too_high { [0.1] = 0.5, [0.03] = 0.6, [0.01] = 0.6, [0.003] = 0.6, [0.001] = 0.6,
                          [0.0003] = 0.6, [0.0001] = 0.1 }
  lu.assertEquals({ run.lr_scale, #tried }, { 0.1, 6 }) -- six are enough
end

-- Where nothing was learnt the margin would take the lowest rate of all.
function TestRateSearch.test_what_learns_slowly_is_not_made_slower()
  local run, tried = too_high { [0.1] = 0.46, [0.03] = 0.47, [0.01] = 0.48, [0.003] = 0.49,
                                [0.001] = 0.495, [0.0003] = 0.499 }
  lu.assertEquals({ run.lr_scale, #tried }, { 0.1, 6 })
end

function TestRateSearch.test_nothing_is_better_than_no_loss_at_all()
  local run, tried = too_high { [0.1] = 0, [0.03] = 0, [0.01] = 0 }
  lu.assertEquals({ run.lr_scale, tried }, { 0.1, { 0.1, 0.03 } })
end

-- A rate that held is not forgotten when a lower one has bad luck, which is no retry either.
function TestRateSearch.test_a_trial_that_diverges()
  local run, tried = too_high({ [0.1] = 0.3 }, { retry = { max = 1 } })
  lu.assertEquals({ run.status, run.retries, run.lr_scale, tried },
    { "finished", 1, 0.1, { 0.1, 0.03 } })
  local failed = events(run, "trial")[2]
  lu.assertNil(failed.loss)
  lu.assertEquals({ failed.is_best, failed.back_to, failed.attempt }, { false, 0, 4 })
  run, tried = too_high { [0.1] = 0.5, [0.01] = 0.2 } -- where nothing was learnt, the next one
  lu.assertEquals({ run.lr_scale, run.retries, tried }, { 0.01, 1, { 0.1, 0.03, 0.01, 0.003 } })
end

function TestRateSearch.test_on_diverge_has_the_last_word_in_a_trial_too()
  local function with(word, rate)
    local seen = 0
    return (too_high({ [0.1] = 0.3, [0.5] = 0.3 }, { on_diverge = function()
      seen = seen + 1
      if seen == 2 then return word, rate end
    end }))
  end
  local run = with "stop"
  lu.assertEquals({ run.status, run.message }, { "diverged", "stopped by on_diverge" })
  run = with("retry", 0.5)
  lu.assertEquals({ run.status, run.lr_scale, run.retries }, { "finished", 0.5, 2 })
end

-- Each trial of 200 iterations takes 200 seconds here; the one that diverged took 2.
function TestRateSearch.test_a_time_limit_leaves_time_for_the_training()
  local core, now = lander.core, 0
  local clock = core.clock
  core.clock = function() return now end
  local function trials(max_time)
    now = 0
    local ok, run, tried = pcall(too_high, { [0.1] = 0.3, [0.03] = 0.25, [0.01] = 0.2,
      [0.003] = 0.3 }, { max_time = max_time, solver = { base_lr = 1 }, retry = { trial = 200 },
      each = function() now = now + 1 end })
    lu.assertTrue(ok, run)
    return { run.reason, run.lr_scale, #tried }
  end
  local short, long = trials(780), trials(1500)
  core.clock = clock
  lu.assertEquals(short, { "max_time", 0.1, 1 })
  lu.assertEquals(long, { "max_time", 0.01, 4 })
end

-- What a trial had reached is nothing that the training has to beat, nor does it end a trial.
function TestRateSearch.test_early_stop_is_as_if_the_rate_had_been_asked_for()
  local function stopped(o)
    o.test_data, o.test_interval, o.early_stop = support.blobs(20), 10, 3
    o.solver.max_iter = 4000
    o.best = "loss"
    return lander.train(o)
  end
  local run = stopped(options { on_iter = ruin_at(5) })
  lu.assertEquals({ run.reason, run.retries }, { "early_stop", 1 })
  local trials = events(run, "trial")
  lu.assertEquals(trials[#trials].back_to, 0)
  local fresh = options()
  fresh.solver.lr_scale = run.lr_scale
  lu.assertEquals(stopped(fresh).iter, run.iter)
end

function TestRateSearch.test_the_floor_of_the_rate_ends_it()
  local run, tried = too_high({ [0.1] = 0.3, [0.03] = 0.2, [0.01] = 0.1 },
    { retry = { min_scale = 0.03 } })
  lu.assertEquals({ run.lr_scale, tried, events(run, "trial")[2].back_to }, { 0.03, { 0.1, 0.03 } })
end

function TestRateSearch.test_how_long_a_trial_is()
  local function length(more)
    local run = too_high({ [0.1] = 0.3, [0.03] = 0.4 }, more)
    local first = events(run, "trial")[1]
    return first and first.iter
  end
  local function solver(words)
    words.base_lr = 1
    return words
  end
  lu.assertEquals(length { solver = solver { max_iter = 700 } }, 300)
  lu.assertEquals(length { solver = solver { max_iter = 700, warmup_iter = 20 } }, 320)
  lu.assertEquals(length { solver = solver { max_iter = 700 }, retry = { trial = 50 } }, 50)
  lu.assertEquals(length { solver = solver { max_iter = 101 } }, 50)
  lu.assertNil(length { solver = solver { max_iter = 39 } })
  lu.assertNil(length { retry = { trial = 0 } })
  lu.assertNil(length { on_diverge = function() return "retry", 0.1 end })
end

-- What is left behind is what a training leaves that was asked to begin with the rate found.
function TestRateSearch.test_the_bits_of_the_rate_that_was_found()
  local o = options { on_iter = ruin_at(140) }
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries }, { "finished", 1 })
  lu.assertTrue(#events(run, "trial") >= 2 and run.lr_scale <= 0.1)
  local fresh = options()
  fresh.solver.lr_scale = run.lr_scale
  lander.train(fresh)
  support.same_params(o.net, fresh.net)
end

-- A good place at 100 is not gone back to before a trial would be over, at 200.
function TestRateSearch.test_as_long_as_little_is_done()
  local function ways(iter)
    local run = lander.train(options { on_iter = ruin_at(iter) })
    return { events(run, "retry")[1].back_to, #events(run, "trial") > 0 }
  end
  lu.assertEquals(ways(180), { 0, true })
  lu.assertEquals(ways(260), { 200, false })
end

TestGoingBack = {}
keep_status(TestGoingBack)

function TestGoingBack.test_before_there_is_a_good_place_it_starts_anew()
  local o = options { on_iter = ruin_at(140), retry = { trial = 0 } } -- 100 is good from 150 on
  local run = lander.train(o)
  local retry = events(run, "retry")[1]
  lu.assertEquals({ run.status, run.retries, retry.back_to }, { "finished", 1, 0 })
  lu.assertEquals({ retry.lr_scale, retry.momentum }, { 0.1, 0 })
  local fresh = options()
  fresh.solver.lr_scale = 0.1
  lander.train(fresh)
  support.same_params(o.net, fresh.net)
end

-- A net that is dead at its oldest place, which rule R4b notices later: from the start, then.
function TestGoingBack.test_a_place_that_holds_the_disease()
  local run = lander.train(options { on_iter = function(e)
    if e.attempt <= 2 and e.iter == 95 then
      e.net.params["linear2.weight"].data:zero_()
      e.net.params["batch_norm1.bias"].data:fill_(-100) -- no unit ever speaks again
    end
  end, solver = { base_lr = 0.02, momentum = 0.9, max_iter = 400 }, retry = { trial = 0 } })
  local retries = events(run, "retry")
  lu.assertEquals({ run.status, #retries }, { "finished", 2 })
  lu.assertEquals({ events(run, "diverged")[1].rule, events(run, "diverged")[2].rule },
    { "R4b", "R4b" })
  lu.assertEquals({ retries[1].back_to, retries[2].back_to }, { 100, 0 })
end

function TestGoingBack.test_then_to_the_newest_good_place_at_half_the_rate()
  local run = lander.train(options { on_iter = ruin_at(260) })
  local diverged, retry = events(run, "diverged")[1], events(run, "retry")[1]
  lu.assertEquals({ run.status, run.retries }, { "finished", 1 })
  lu.assertEquals({ retry.back_to, retry.lr_scale, retry.momentum, retry.tries_here },
    { 200, 0.5, 0.5, 1 })
  lu.assertNil(retry.skipped_to)
  lu.assertTrue(diverged.iter >= 260 and diverged.iter < 275)
  lu.assertEquals({ diverged.verdict, diverged.attempt, retry.attempt }, { "rate", 1, 2 })
  lu.assertEquals({ run.lr_scale, run.base_lr }, { 0.5, 0.025 })
end

-- The same by hand, with the pieces that the policy is made of.
function TestGoingBack.test_the_bits_of_a_retry()
  local o = options { on_iter = ruin_at(260) }
  lander.train(o)
  local by_hand = options()
  local solver = lander.solver(by_hand.net,
    { base_lr = 0.05, momentum = 0.9, max_iter = 400, average_loss = 20 })
  local batches = by_hand.data:batches { size = 8, shuffle = true, seed = 1, loop = true }
  for _ = 1, 200 do solver:step(batches:next()) end
  solver.lr_scale = 0.5
  solver:scale_history(0.5)
  for _ = 201, 400 do solver:step(batches:next()) end
  support.same_params(o.net, by_hand.net)
end

function TestGoingBack.test_the_same_place_again_goes_further_back_and_skips_the_data()
  -- Every way through iteration 260 is ruined, three times.
  local run = lander.train(options { on_iter = ruin_at(260, 3) })
  local retries = events(run, "retry")
  lu.assertEquals({ run.status, run.retries }, { "finished", 3 })
  lu.assertEquals({ retries[1].back_to, retries[2].back_to, retries[3].back_to }, { 200, 100, 100 })
  lu.assertEquals({ retries[1].momentum, retries[2].momentum, retries[3].momentum }, { 0.5, 0, 0 })
  lu.assertEquals({ retries[1].tries_here, retries[2].tries_here, retries[3].tries_here },
    { 1, 2, 3 })
  lu.assertNil(retries[1].skipped_to)
  -- The batches from the place up to the failing one.
  local failed = events(run, "diverged")[2].iter
  lu.assertEquals({ retries[2].skipped_from, retries[2].skipped_to }, { 800, 8 * (failed + 1) })
  lu.assertEquals(run.lr_scale, 0.125)
end

function TestGoingBack.test_a_newer_good_place_is_another_place()
  local at = { 260, 360 }
  local run = lander.train(options { on_iter = function(e)
    for attempt, iter in ipairs(at) do
      if e.attempt == attempt then ruin_at(iter, attempt)(e) end
    end
  end })
  local retries = events(run, "retry")
  lu.assertEquals({ #retries, retries[2].back_to, retries[2].tries_here }, { 2, 300, 1 })
end

function TestGoingBack.test_three_tries_at_one_place()
  local o = options { on_iter = ruin_at(260, 99), retry = { max = 9 } }
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries, run.message },
    { "diverged", 3, "3 retries at one place" })
  lu.assertEquals(lander.core.exit_status, 3)
  -- The last good state, not the ruined one.
  local _, x, y = support.blobs(53)
  o.net:test_phase()
  lu.assertTrue(o.net:loss(x, y) < 0.5)
  lu.assertTrue(run.iter == 100 or run.iter == 200)
end

function TestGoingBack.test_the_budget_and_the_floor()
  local function train(retry)
    local run = lander.train(options { on_iter = ruin_at(60, 99), retry = retry })
    lu.assertEquals({ run.status, run.iter }, { "diverged", 0 })
    return { run.retries, run.message }
  end
  lu.assertEquals(train { max = 2 }, { 2, "all 2 retries are spent" })
  lu.assertEquals(train(false), { 0, "retries are off" })
  lu.assertEquals(train { max = 9 },
    { 6, "the rate would come under 1e-06 of what was asked for" })
  lu.assertEquals(train { max = 9, min_scale = 0.02 },
    { 1, "the rate would come under 0.02 of what was asked for" })
end

function TestGoingBack.test_without_retries_the_last_good_state_is_kept_all_the_same()
  local prefix = support.folder() .. "/run"
  local o = options { retry = false, on_iter = ruin_at(260), snapshot_prefix = prefix }
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.iter, run.path }, { "diverged", 200, prefix .. ".npz" })
  local good = options()
  good.solver.max_iter = 200
  lander.train(good)
  support.same_params(lander.load(run.path), good.net)
end

function TestGoingBack.test_adam_too()
  local solver = { type = "adam", base_lr = 0.01, max_iter = 400 }
  local ok = pcall(lander.solver, net(), { type = "adam", base_lr = 0.01 })
  lu.skipIf(not ok, "no adam in this build")
  local run = lander.train(options { on_iter = ruin_at(260), solver = solver })
  lu.assertEquals({ run.status, run.retries, events(run, "retry")[1].back_to },
    { "finished", 1, 200 })
end

function TestGoingBack.test_options_of_the_policy()
  local run = lander.train(options { on_iter = ruin_at(60),
    retry = { every = 10, good_after = 20, late_factor = 0.25, trial = 50 } })
  lu.assertEquals({ events(run, "retry")[1].back_to, run.lr_scale }, { 40, 0.25 })
  fails("retry.late_factor must be between 0 and 1, found 1", lander.train,
    options { retry = { late_factor = 1 } })
  fails("did you mean 'same_place'", lander.train, options { retry = { sameplace = 1 } })
  fails("retry.min_scale must be between 0 and 1", lander.train,
    options { retry = { min_scale = 0 / 0 } })
end

TestHealthy = {}
keep_status(TestHealthy)

-- The guard sees healthy runs only: the same bits with it and without, and no word.
local function healthy(more)
  local runs, nets = {}, {}
  for i, guard in ipairs { true, false } do
    local o = more()
    o.solver.guard = guard
    runs[i], nets[i] = lander.train(o), o.net
    lu.assertEquals({ runs[i].status, runs[i].retries }, { "finished", 0 })
    lu.assertEquals(#events(runs[i], "warning"), 0)
  end
  support.same_params(nets[1], nets[2])
  return runs[1]
end

function TestHealthy.test_batch_norm_dropout_and_a_schedule_that_drops()
  healthy(function()
    return options { solver = { base_lr = 0.05, momentum = 0.9, max_iter = 700, lr_policy = "step",
                                gamma = 0.1, stepsize = 300 } }
  end)
end

function TestHealthy.test_iter_size()
  healthy(function()
    return options { solver = { base_lr = 0.05, momentum = 0.9, max_iter = 600, iter_size = 4 } }
  end)
end

function TestHealthy.test_fine_tuning_from_a_loss_near_0()
  local done = options()
  lander.train(done)
  healthy(function() return options { net = done.net:clone() } end)
end

function TestHealthy.test_a_schedule_that_raises_the_rate()
  healthy(function()
    return options { solver = { base_lr = 0.1, momentum = 0.9, max_iter = 600,
                                lr_policy = "one_cycle" } }
  end)
end

function TestHealthy.test_losses_below_zero()
  -- minus the score of the right answer, which may fall for ever
  healthy(function()
    return options { net = nn.net { seed = 1, nn.input { 2 }, nn.linear { 1 } },
      solver = { base_lr = 0.001, max_iter = 600 }, loss = function(y)
        local n = y:size(1)
        return -y:sum() / n, lander.full(-1 / n, n, 1)
      end }
  end)
end

TestTriage = {}
keep_status(TestTriage)

local function blobs_with(change)
  local _, x, y = support.blobs(53)
  change(x, y)
  return lander.data.tensors(x, y)
end

function TestTriage.test_nan_in_one_value_of_one_sample()
  local run = lander.train(options { data = blobs_with(function(x) x:set(0 / 0, 31, 2) end) })
  lu.assertEquals({ run.status, run.retries }, { "data_fault", 0 })
  lu.assertEquals(run.message, "sample 31: value 2 of the input is nan")
  lu.assertEquals({ run.fault.sample, run.fault.field }, { 31, "input[2]" })
  lu.assertEquals(lander.core.exit_status, 5)
end

function TestTriage.test_infinity_in_a_label()
  local _, x = support.blobs(53)
  local y = lander.zeros(53, 1)
  y:set(1 / 0, 40, 1)
  local run = lander.train(options { net = require "models.mlp" { 2, 4, 1 }, loss = "mse_loss",
    data = lander.data.tensors(x, y), solver = { base_lr = 0.01, max_iter = 50 } })
  lu.assertEquals({ run.status, run.message }, { "data_fault", "sample 40: the label is inf" })
end

function TestTriage.test_a_label_out_of_range()
  local run = lander.train(options { data = blobs_with(function(_, y) y:set(3, 12) end) })
  lu.assertEquals({ run.status, run.message },
    { "data_fault", "sample 12: label 3, expected a class from 1 to 2" })
  lu.assertEquals(run.fault.expected, "a class from 1 to 2")
end

nn.define("log_of", { forward = function(_, x) return (x - x):log() end,
                      backward = function(_, _, _, dy) return dy end })

function TestTriage.test_a_lua_layer_that_returns_log_0()
  local o = options { net = nn.net { nn.input { 2 }, nn.linear { 4 },
                                     nn.log_of { name = "bad_log" }, nn.linear { 2 } } }
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries, run.rule }, { "model_fault", 0, "R1" })
  lu.assertStrContains(run.message, "before the first update, layer 'bad_log' makes what is not "
    .. "finite of numbers from ")
  lu.assertEquals(lander.core.exit_status, 1)
end

-- Good for 120 iterations; then the layer itself makes NaN, whatever the weights are.
function TestTriage.test_a_layer_that_fails_later_is_told_from_the_rate()
  local calls = 0
  nn.define("fails_later", {
    forward = function(_, x)
      calls = calls + 1
      return calls > 200 and x * (0 / 0) or x
    end,
    backward = function(_, _, _, dy) return dy end,
  })
  local o = options { net = nn.net { nn.input { 2 }, nn.linear { 4 },
                                     nn.fails_later { name = "late" }, nn.linear { 2 } } }
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries, run.rule }, { "model_fault", 0, "R1" })
  lu.assertStrContains(run.message, "at the good weights of iteration 100, layer 'late' makes")
end

function TestTriage.test_nan_in_a_gradient_only()
  nn.define("bad_back", { forward = function(_, x) return x end,
                          backward = function(_, _, _, dy) return dy * (0 / 0) end })
  local o = options { net = nn.net { nn.input { 2 }, nn.linear { 4, name = "before" },
                                     nn.bad_back {}, nn.linear { 2 } } }
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries, run.rule }, { "model_fault", 0, "R2" })
  lu.assertStrContains(run.message, "the gradient of bad_back1 is not finite")
end

function TestTriage.test_nan_in_one_weight()
  -- Of the start: nothing is there to go back to.
  local o = options()
  o.net.params[1].data:set(0 / 0, 2, 1)
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.rule }, { "model_fault", "R7" })
  lu.assertStrContains(run.message, "linear1.weight")
  -- In the middle of a run: back to a place where it was not.
  local done = false
  run = lander.train(options { on_iter = function(e)
    if e.iter == 270 and not done then
      done = true
      e.net.params[1].data:set(0 / 0, 2, 1)
    end
  end })
  lu.assertEquals({ run.status, run.retries, events(run, "retry")[1].back_to },
    { "finished", 1, 200 })
end

function TestTriage.test_a_batch_times_a_thousand()
  -- Iteration 261 reads what was swollen a moment before; then it is as it was.
  local _, x, y = support.blobs(53)
  local swollen = 0
  local run = lander.train(options { data = lander.data.tensors(x, y), on_iter = function(e)
    if e.iter == 260 and swollen == 0 then
      swollen = 1
      x:mul_(1e3)
    elseif swollen == 1 and e.iter >= 261 then
      swollen = 2
      x:mul_(1e-3)
    end
  end })
  -- One swollen batch may pass or end in a retry, but not in a ruined net.
  lu.assertEquals(run.status, "finished")
  lu.assertTrue(run.loss < 0.5)
end

function TestTriage.test_a_schedule_that_jumps_a_hundredfold()
  local run = lander.train(options { net = require "models.mlp" { 1, 1 }, loss = "mse_loss",
    data = (function()
      local x = lander.arange(1, 32):view(32, 1):mul(1 / 8)
      return lander.data.tensors(x, x:mul(3))
    end)(),
    solver = { base_lr = 1, lr_policy = function(t) return t < 300 and 0.05 or 5 end,
               max_iter = 400 }, retry = { late_factor = 0.01 } })
  local diverged = events(run, "diverged")[1]
  lu.assertEquals({ run.status, run.retries > 0 }, { "finished", true })
  lu.assertTrue(diverged.iter >= 300 and diverged.iter < 320)
  lu.assertTrue(run.loss < 0.1)
end

-- What can't be read among the first five batches is told of as later: by the first step.
function TestTriage.test_data_that_can_not_be_read_at_the_start()
  local read = 0
  local _, x, y = support.blobs(53)
  local with_loss = support.mlp(1)
  lander.core.ensure_loss(with_loss)
  local losses = lander.core.measure_start { net = with_loss,
    batches = { next = function()
      read = read + 1
      if read == 3 then error("the file is torn", 0) end
      return x, y
    end } }
  lu.assertEquals({ #losses, losses[2], losses[3] == losses[3] }, { 5, losses[1], false })
end

TestTheScriptsWord = {}
keep_status(TestTheScriptsWord)

function TestTheScriptsWord.test_retry_with_a_rate()
  local run = lander.train(options { on_iter = ruin_at(260),
    on_diverge = function() return "retry", 0.01 end })
  lu.assertEquals({ run.status, run.base_lr, run.lr_scale }, { "finished", 0.01, 0.01 / 0.05 })
end

function TestTheScriptsWord.test_skip_leaves_one_iteration_out()
  local skipped = 0
  local calls = 0
  nn.define("spiky", { forward = function(_, x) return x end,
    backward = function(_, _, _, dy)
      calls = calls + 1
      return calls == 50 and dy * (1 / 0) or dy
    end })
  local run = lander.train(options { net = nn.net { seed = 1, nn.input { 2 }, nn.linear { 8 },
      nn.spiky {}, nn.linear { 2 } }, solver = { base_lr = 0.05, max_iter = 100 },
    on_diverge = function(e)
      skipped = skipped + 1
      lu.assertEquals({ e.rule, e.iter, #e.samples }, { "R2", 49, 8 })
      return "skip"
    end })
  lu.assertEquals({ run.status, run.retries, run.iter, skipped }, { "finished", 0, 100, 1 })
  lu.assertEquals(#events(run, "skip"), 1)
end

function TestTheScriptsWord.test_skipping_for_ever_is_no_training()
  local run = lander.train(options { on_iter = ruin_at(60), retry = { max = 5 },
    on_diverge = function() return "skip" end })
  lu.assertEquals({ run.status, run.message }, { "diverged", "a whole epoch was skipped" })
end

function TestTheScriptsWord.test_stop_and_nonsense()
  local run = lander.train(options { on_iter = ruin_at(60),
                                     on_diverge = function() return "stop" end })
  lu.assertEquals({ run.status, run.retries, run.message },
    { "diverged", 0, "stopped by on_diverge" })
  fails("on_diverge must return \"retry\" (and a rate), \"stop\", \"skip\" or nothing, it "
    .. "returned again", lander.train,
    options { on_iter = ruin_at(60), on_diverge = function() return "again" end })
  fails("must be a positive number, found nan", lander.train,
    options { on_iter = ruin_at(60), on_diverge = function() return "retry", 0 / 0 end })
end

TestRulesOfTheLoop = {}
keep_status(TestRulesOfTheLoop)

function TestRulesOfTheLoop.test_R6_what_fails_its_test_is_not_gone_back_to()
  -- Statistics that overflow in the test phase alone.
  local o = options { test_data = support.blobs(20), test_interval = 50, retry = { max = 3 } }
  local ruin = ruin_at(270)
  o.on_iter = function(e)
    local var = e.net.params["batch_norm1.var"] or e.net.params["batch_norm1.running_var"]
    if e.iter > 140 and e.iter < 260 then var.data:fill_(-1) end
    ruin(e)
  end
  local run = lander.train(o)
  lu.assertTrue(#events(run, "bad_test") > 0)
  lu.assertEquals(events(run, "retry")[1].back_to, 100)
end

function TestRulesOfTheLoop.test_R7_a_ruined_state_is_never_saved()
  local prefix = support.folder() .. "/run"
  local done = false
  -- The weights are ruined just before the snapshot that is due.
  local o = options { snapshot = 100, snapshot_prefix = prefix, keep = 9, on_iter = function(e)
    if e.iter == 300 and not done then
      done = true
      e.net.params[1].data:fill_(0 / 0)
    end
  end }
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries }, { "finished", 1 })
  lu.assertEquals({ events(run, "diverged")[1].rule, events(run, "retry")[1].back_to },
    { "R7", 200 })
  -- And just before the end.
  done = false
  o = options { snapshot_prefix = prefix, on_iter = function(e)
    if e.iter == 400 and not done then
      done = true
      e.net.params[1].data:fill_(1 / 0)
    end
  end }
  run = lander.train(o)
  lu.assertEquals({ run.status, run.retries, run.iter }, { "finished", 1, 400 })
  lu.assertTrue(lander.load(run.path).params[1].data:isfinite():min() == 1)
end

function TestRulesOfTheLoop.test_R5_says_that_the_rate_is_too_low_once()
  local run = lander.train(options { solver = { base_lr = 1e-7, max_iter = 700 } })
  local warnings = events(run, "warning")
  lu.assertEquals({ run.status, run.retries, #warnings }, { "finished", 0, 1 })
  lu.assertEquals({ warnings[1].rule, warnings[1].reason }, { "R5", "rate too low" })
end

TestPlacesOnDisk = {}
keep_status(TestPlacesOnDisk)

local function files(folder)
  local listing = io.popen(("ls '%s'"):format(folder))
  local text = listing:read "a"
  listing:close()
  return text
end

function TestPlacesOnDisk.test_beyond_the_memory_they_are_files_with_the_same_bits()
  local folder = support.folder()
  local o = options { on_iter = ruin_at(260), snapshot_prefix = folder .. "/run",
                      retry = { memory = 1 } }
  local seen = ""
  local ruin = o.on_iter
  o.on_iter = function(e)
    if e.iter == 250 then seen = files(folder) end
    ruin(e)
  end
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries, events(run, "retry")[1].back_to },
    { "finished", 1, 200 })
  for _, iter in ipairs { 0, 100, 200 } do lu.assertStrContains(seen, "run_ring_1_" .. iter) end
  local in_memory = options { on_iter = ruin_at(260) }
  lander.train(in_memory)
  support.same_params(o.net, in_memory.net)
  lu.assertNil(files(folder):find("ring", 1, true)) -- gone with the end
end

function TestPlacesOnDisk.test_without_a_folder_there_are_fewer()
  local run = lander.train(options { on_iter = ruin_at(360), retry = { memory = 1 } })
  lu.assertEquals({ run.status, run.retries }, { "finished", 1 })
end

-- From every snapshot of a run with retries: the same end.
local function resumed_everywhere(ruin, retries, most)
  local folder = support.folder()
  local function run_with(more)
    local o = options(more)
    o.on_iter = ruin
    return lander.train(o), o.net
  end
  local whole, whole_net = run_with { snapshot_prefix = folder .. "/whole", snapshot = 45 }
  lu.assertEquals({ whole.status, whole.retries }, { "finished", retries })
  local stops = 0
  for stop = 20, most, most // 11 do
    local prefix = ("%s/stopped_%d"):format(folder, stop)
    local seen = 0
    local first = options { snapshot_prefix = prefix, snapshot = 45 }
    first.on_iter = function(e)
      seen = seen + 1
      ruin(e)
      if seen == stop then lander.core.stop(true) end
    end
    local run = lander.train(first)
    lander.core.stop(false)
    lu.assertEquals(run.reason, "signal")
    local rest, rest_net = run_with { snapshot_prefix = prefix, resume = "latest", snapshot = 45,
                                      net = net(7) }
    lu.assertEquals({ stop, rest.status, rest.retries, rest.lr_scale },
      { stop, "finished", retries, whole.lr_scale })
    support.same_params(whole_net, rest_net)
    stops = stops + 1
  end
  lu.assertTrue(stops > 8)
end

function TestPlacesOnDisk.test_resumed_across_a_retry()
  resumed_everywhere(ruin_at(260, 2), 2, 400)
end

function TestPlacesOnDisk.test_resumed_across_a_search_of_the_rate()
  resumed_everywhere(ruin_at(60), 1, 640)
end
