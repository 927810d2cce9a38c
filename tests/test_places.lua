-- test_places.lua: the places that lander.train goes back to: which are good, which of their
-- files are there and when they go, and what a run that is resumed still knows of them.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"

local keep_status = support.keep_status
local events = support.events
local net = support.net_with_memory
local options = support.small_training

-- Ruins the net, finite as it stays, after iteration iters[k] and the four behind it in attempt
-- number k.
local function ruin_at(iters)
  return function(e)
    local iter = iters[e.attempt]
    if iter and e.iter >= iter and e.iter < iter + 5 then
      e.net.params["linear2.bias"].data:set(1e6, 1)
    end
  end
end

local function files(folder, what)
  local names = {}
  for _, name in ipairs(lander.core.list_dir(folder)) do
    if name:find(what, 1, true) then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- Both functions, one after the other.
local function both(first, second)
  return function(e)
    first(e)
    return second(e)
  end
end

-- A run that is stopped as by a signal when it has seen `iter` in attempt `attempt`.
local function stopped_at(iter, attempt, o)
  o.on_iter = both(o.on_iter or function() end, function(e)
    if e.iter == iter and e.attempt == attempt then lander.core.stop(true) end
  end)
  local run = lander.train(o)
  lander.core.stop(false)
  lu.assertEquals({ run.reason, run.iter }, { "signal", iter })
  return run
end

TestResumedSearch = {}
keep_status(TestResumedSearch)

-- A run that is stopped in its second trial, of 200 iterations.
local function stopped_in_a_trial(iter)
  local prefix = support.folder() .. "/run"
  local function with(more)
    local o = options { on_iter = ruin_at { 60 }, snapshot_prefix = prefix }
    for key, value in pairs(more or {}) do o[key] = value end
    return o
  end
  stopped_at(iter, 3, with())
  return with, prefix
end

local function solver(max_iter, base_lr)
  return { base_lr = base_lr or 0.05, momentum = 0.9, max_iter = max_iter }
end

function TestResumedSearch.test_trials_are_as_long_as_they_were()
  for _, max_iter in ipairs { 360, 600 } do
    local with = stopped_in_a_trial(190)
    local run = lander.train(with { resume = "latest", solver = solver(max_iter) })
    lu.assertEquals({ run.status, run.iter, events(run, "trial")[1].iter },
      { "finished", max_iter, 200 })
  end
end

function TestResumedSearch.test_another_rate_is_meant_as_it_stands()
  local with = stopped_in_a_trial(120)
  local run = lander.train(with { resume = "latest", solver = solver(400, 0.01) })
  lu.assertEquals({ run.status, run.base_lr, #events(run, "trial") }, { "finished", 0.01, 0 })
end

function TestResumedSearch.test_no_trials_are_wanted_any_more()
  local with = stopped_in_a_trial(120)
  local run = lander.train(with { resume = "latest", retry = { trial = 0 } })
  lu.assertEquals({ run.status, run.iter, #events(run, "trial") }, { "finished", 400, 0 })
end

function TestResumedSearch.test_without_the_start_there_is_nothing_to_compare()
  local with, prefix = stopped_in_a_trial(120)
  assert(os.remove(prefix .. "_ring_1_0.npz"))
  local run = lander.train(with { resume = "latest" })
  lu.assertEquals({ run.status, run.iter, #events(run, "trial") }, { "finished", 400, 0 })
end

-- Back at the start, a run stands before the iteration at which it was resumed.
function TestResumedSearch.test_stopped_before_where_it_was_resumed()
  local with = stopped_in_a_trial(190)
  local run = stopped_at(60, 4, with { resume = "latest" })
  lu.assertEquals(events(run, "snapshot")[1].iter, 60)
  lu.assertNotNil(run.path)
end

TestGoodPlaces = {}
keep_status(TestGoodPlaces)

local function ways_back(iters, more)
  local o = options(more)
  o.on_iter = ruin_at(iters)
  local run = lander.train(o)
  local ways = {}
  for _, e in ipairs(events(run, "retry")) do ways[#ways + 1] = e.back_to end
  return ways, run
end

-- What is diverged from soon after going back was good all the same.
function TestGoodPlaces.test_they_stay_good_after_going_back()
  lu.assertEquals(ways_back { 360, 320, 230 }, { 300, 200, 100 })
  lu.assertEquals(ways_back({ 170, 120 }, { retry = { trial = 0 } }), { 100, 100 })
end

function TestGoodPlaces.test_the_last_good_state_is_one_of_them()
  local ways, run = ways_back({ 360, 320 }, { retry = { max = 1, ring = 1 } })
  lu.assertEquals({ ways, run.status, run.iter }, { { 300 }, "diverged", 300 })
end

-- A place that was good in the first attempt, gone back to by the second, which is stopped soon.
function TestGoodPlaces.test_a_resumed_run_knows_that_they_are_good()
  local prefix = support.folder() .. "/run"
  local function with(more)
    local o = options { on_iter = ruin_at { 360, 330 }, retry = { ring = 1 } }
    for key, value in pairs(more or {}) do o[key] = value end
    return o
  end
  local whole = with()
  local run = lander.train(whole)
  stopped_at(310, 2, with { snapshot_prefix = prefix, snapshot = 45 })
  local rest = with { snapshot_prefix = prefix, resume = "latest", net = net(5) }
  local again = lander.train(rest)
  lu.assertEquals({ events(run, "retry")[2].back_to, events(again, "retry")[1].back_to },
    { 300, 300 })
  support.same_params(whole.net, rest.net)
end

-- A net that is dead before it has learnt anything was so at every place but the start.
function TestGoodPlaces.test_R5_goes_back_to_the_start()
  local young = net()
  young.params["linear2.weight"].data:mul_(0.3) -- begins near chance
  local run = lander.train(options { net = young,
    solver = { base_lr = 0.05, momentum = 0.9, max_iter = 900 },
    on_iter = function(e)
      if e.attempt == 1 and e.iter <= 5 then
        e.net.params["linear1.weight"].data:fill_(50)
        e.net.params["linear2.weight"].data:zero_()
        e.net.params["batch_norm1.bias"].data:fill_(-1000) -- no unit ever speaks again
      end
    end })
  local diverged, retry = events(run, "diverged")[1], events(run, "retry")[1]
  lu.assertEquals({ run.status, run.retries, diverged.rule, diverged.reason },
    { "finished", 1, "R5", "dead net" })
  lu.assertTrue(diverged.iter > 150, "there were good places")
  lu.assertEquals({ retry.back_to, retry.lr_scale }, { 0, 0.1 })
end

TestPlacesFiles = {}
keep_status(TestPlacesFiles)

-- A retry that ends at a place: what tests had found when it was taken is known again, also by
-- a run that was resumed in between.
function TestPlacesFiles.test_what_tests_had_found_goes_along()
  local prefix = support.folder() .. "/run"
  local function with(more)
    local o = options { net = support.mlp(1), test_data = support.blobs(20), test_interval = 10,
                        early_stop = 28, best = "loss" }
    -- No test is better than the first, so that they count up.
    o.solver = { base_lr = 0, momentum = 0.9, max_iter = 400 }
    o.on_iter = ruin_at { 260 }
    for key, value in pairs(more or {}) do o[key] = value end
    return o
  end
  local run = lander.train(with())
  lu.assertEquals({ run.retries, run.reason }, { 1, "early_stop" })
  stopped_at(255, 1, with { snapshot_prefix = prefix, snapshot = 45 })
  local again = lander.train(with { snapshot_prefix = prefix, resume = "latest" })
  lu.assertEquals({ again.retries, again.reason, again.iter, again.test_loss },
    { 1, "early_stop", run.iter, run.test_loss })
end

-- The floor is a part of the rate that was asked for in the first place.
function TestPlacesFiles.test_the_first_scale_goes_along()
  local prefix = support.folder() .. "/run"
  local function with(more)
    local o = options { retry = { min_scale = 0.3 }, on_iter = ruin_at { 260 } }
    o.solver = { base_lr = 0.5, lr_scale = 0.1, momentum = 0.9, max_iter = 400 }
    for key, value in pairs(more) do o[key] = value end
    return o
  end
  stopped_at(255, 1, with { snapshot_prefix = prefix, snapshot = 45 })
  local o = with { snapshot_prefix = prefix, resume = "latest" }
  o.solver.lr_scale = nil
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries, run.lr_scale }, { "finished", 1, 0.05 })
end

-- A snapshot that rule R6 has marked is none of the good ones that stay, after a resume too.
function TestPlacesFiles.test_the_mark_of_R6_goes_along()
  local function left(folder)
    local list = {}
    for _, name in ipairs(files(folder, "_iter_")) do
      list[#list + 1] = tonumber(name:match "_iter_(%d+)")
    end
    table.sort(list)
    return list
  end
  local function with(folder, more)
    local o = options { test_data = support.blobs(20), test_interval = 30, snapshot = 20, keep = 3,
                        snapshot_prefix = folder .. "/run", resume = "latest" }
    -- The test at 60 fails: what was kept since 30 is bad, and 20 stays though 40 is old enough.
    o.on_iter = function(e)
      local var = e.net.params["batch_norm1.running_var"].data
      if e.iter == 59 or e.iter == 60 then var:fill_(-1) elseif e.iter == 61 then var:fill_(1) end
    end
    for key, value in pairs(more or {}) do o[key] = value end
    return o
  end
  local whole, parts = support.folder(), support.folder()
  local found
  local function look(folder, iter)
    return function(e)
      if e.iter == iter then found = left(folder) end
    end
  end
  local o = with(whole)
  local before = o.on_iter
  o.on_iter = both(before, look(whole, 105))
  local run = lander.train(o)
  lu.assertEquals(#events(run, "bad_test"), 1)
  lu.assertEquals(found, { 20, 40, 60, 80, 100 })
  stopped_at(80, 1, with(parts))
  lander.train(with(parts, { on_iter = look(parts, 105) }))
  lu.assertEquals(found, { 20, 40, 60, 80, 100 })
end

-- Whenever a run is killed, the files are there that the newest snapshot names.
function TestPlacesFiles.test_what_the_newest_snapshot_names_is_there()
  local folder = support.folder()
  local prefix = folder .. "/run"
  local newest, looked, dropped = nil, 0, 0
  local ruin = ruin_at { 470, 440 }
  lander.train(options { snapshot = 70, snapshot_prefix = prefix,
    retry = { memory = 1, every = 50 },
    solver = { base_lr = 0.05, momentum = 0.9, max_iter = 600 },
    on_snapshot = function(e)
      local reader = lander.solver(net(), { base_lr = 0.05, momentum = 0.9 })
      newest = lander.core.read_json(reader:restore(e.path)).ring
    end,
    on_iter = function(e)
      for _, place in ipairs(newest or {}) do
        looked = looked + 1
        local name = ("run_ring_%d_%d.npz"):format(place.attempt, place.iter)
        if not support.exists(folder .. "/" .. name) then
          lu.fail(("%s is gone at iteration %d"):format(name, e.iter))
        end
      end
      dropped = math.max(dropped, #files(folder, "_ring_") - #(newest or {}))
      ruin(e)
    end })
  lu.assertTrue(looked > 1000 and dropped > 0)
  lu.assertEquals(files(folder, "_ring_"), {})
end

-- Places that no snapshot names are files for the run alone.
function TestPlacesFiles.test_without_snapshots_they_go_when_they_are_dropped_and_at_the_end()
  local folder = support.folder()
  local most = 0
  local run = lander.train(options { snapshot_prefix = folder .. "/run", retry = { memory = 1 },
    solver = { base_lr = 0.05, max_iter = 1000 },
    on_iter = function(e)
      if e.iter % 100 == 50 then most = math.max(most, #files(folder, "_ring_")) end
      return e.iter == 950 and "stop" or nil
    end })
  lu.assertEquals({ run.status, most }, { "stopped", 4 }) -- the start and three
  lu.assertEquals(files(folder, "_ring_"), {})
end

-- Where a finished run is made longer, the start and the first place of the ring are one file.
function TestPlacesFiles.test_the_start_of_a_longer_run_stays()
  local folder = support.folder()
  local function with(max_iter, more)
    local o = options { snapshot = 50, snapshot_prefix = folder .. "/run", resume = "latest" }
    o.solver.max_iter = max_iter
    for key, value in pairs(more or {}) do o[key] = value end
    return o
  end
  lander.train(with(400))
  local run = lander.train(with(1000, { on_iter = function(e)
    if e.iter == 900 then lu.assertTrue(support.exists(folder .. "/run_ring_1_400.npz")) end
  end }))
  lu.assertEquals({ run.iter, files(folder, "_ring_") }, { 1000, {} })
end

-- The start has to be there, in memory where its file can't be written.
function TestPlacesFiles.test_a_full_disk_at_the_start()
  local folder = support.folder()
  -- A folder in the place of its file: renaming the file to it fails, for root too.
  lander.core.make_dir(folder .. "/run_ring_1_0.npz/x")
  local with = { snapshot_prefix = folder .. "/run", retry = { memory = 1, trial = 0 } }
  local o, usual = options(with), options { retry = { trial = 0 } }
  o.on_iter, usual.on_iter = ruin_at { 60 }, ruin_at { 60 }
  local run = lander.train(o)
  lu.assertEquals({ run.status, run.retries, events(run, "retry")[1].back_to },
    { "finished", 1, 0 })
  lu.assertEquals(events(run, "snapshot_failed")[1].iter, 0)
  lander.train(usual)
  support.same_params(o.net, usual.net)
end

-- Files go away where a host has given its scripts no os, too.
function TestPlacesFiles.test_without_os()
  local folder = support.folder()
  local os_before = os
  os = nil -- luacheck: ignore
  local ok, run = pcall(lander.train, options { snapshot = 50, keep = 1,
    snapshot_prefix = folder .. "/run", retry = { memory = 1 } })
  os = os_before -- luacheck: ignore
  lu.assertEquals({ ok, ok and run.status or run }, { true, "finished" })
  lu.assertEquals({ files(folder, "_ring_"), files(folder, ".probe") }, { {}, {} })
  lu.assertTrue(#files(folder, "_iter_") <= 3)
end

function TestPlacesFiles.test_one_whose_file_is_gone_is_none()
  local folder = support.folder()
  local ruin, newest = ruin_at { 260 }, folder .. "/run_ring_1_200.npz"
  local run = lander.train(options { snapshot_prefix = folder .. "/run", retry = { memory = 1 },
    on_iter = function(e)
      if e.iter == 255 and e.attempt == 1 then assert(os.remove(newest)) end
      ruin(e)
    end })
  lu.assertEquals({ run.status, run.retries, events(run, "retry")[1].back_to },
    { "finished", 1, 100 })
end

-- Killed when a snapshot was there and what no snapshot names any more was not gone yet.
function TestPlacesFiles.test_what_a_killed_run_had_still_to_remove()
  local folder = support.folder()
  local function with()
    return options { snapshot = 45, snapshot_prefix = folder .. "/run", resume = "latest",
                     on_iter = ruin_at { 260 } }
  end
  local clean = lander.core.ring_clean
  function lander.core.ring_clean(t, all)
    if #t.stale > 0 then error "killed" end
    clean(t, all)
  end
  local ok = pcall(lander.train, with())
  lander.core.ring_clean = clean
  lu.assertEquals({ ok, #files(folder, "_ring_") > 0 }, { false, true })
  local run = lander.train(with())
  lu.assertEquals({ run.status, files(folder, "_ring_") }, { "finished", {} })
end

TestKilledAcrossRetries = {}
keep_status(TestKilledAcrossRetries)

-- Killed in the middle of many iterations, between the files of places and the snapshot that names
-- them, and before those go that none names any more; gone on with each time.
function TestKilledAcrossRetries.test_the_bits_and_nothing_left()
  local folder = support.folder()
  local script = support.write(folder .. "/train.lua", [[
    local lander = require "lander"
    local support = require "tests.support"
    local opt = lander.args { prefix = "", resume = false, life = 1000, where = "", memory = 1e9 }
    local nn = lander.nn
    local net = nn.net { seed = 1, nn.input { 2 }, nn.linear { 12 }, nn.batch_norm {}, nn.relu {},
                         nn.dropout { 0.3 }, nn.linear { 2, name = "last" } }
    local seen = 0
    local function die(where)
      if opt.where == where and seen >= opt.life then os.execute "kill -9 $PPID" end
    end
    local write, clean = lander.core.ring_write, lander.core.ring_clean
    function lander.core.ring_write(t)
      local written = write(t)
      die "write"
      return written
    end
    function lander.core.ring_clean(t, all)
      die "clean"
      clean(t, all)
    end
    local run = lander.train { net = net, data = support.blobs(53), batch_size = 8, quiet = true,
      solver = { base_lr = 0.05, momentum = 0.9, max_iter = 400 }, snapshot = 7, keep = 2,
      retry = { every = 20, good_after = 10, memory = opt.memory },
      snapshot_prefix = opt.prefix, resume = opt.resume and "latest" or nil,
      on_iter = function(e)
        if e.attempt <= 2 and e.iter >= 260 and e.iter < 265 then
          e.net.params["last.bias"].data:set(1e6, 1)
        end
        seen = seen + 1
        die "iter"
      end }
    print(run.status, run.iter, run.retries)
  ]])
  local function run(name, ...)
    return support.run { script, "--prefix=" .. folder .. "/" .. name, ... }
  end
  lu.assertStrContains(run("whole").out, "finished\t400\t2")
  local whole = lander.load(folder .. "/whole.npz")
  -- What a run leaves that is killed while it writes its next snapshot.
  local function leave_half()
    local newest = 0
    for _, name in ipairs(files(folder, "killed_iter_")) do
      newest = math.max(newest, tonumber(name:match "_iter_(%d+)"))
    end
    if newest < 393 then
      support.write(("%s/killed_iter_%d.npz.tmp-999999999-0"):format(folder, newest + 7), "half")
    end
  end
  for _, memory in ipairs { "--memory=1e9", "--memory=1" } do
    local places = { "iter", "write", "clean" }
    local kills, done = 0, nil
    while not done and kills < 80 do
      local result = run("killed", "--resume", memory, "--where=" .. places[1 + kills % 3],
        "--life=" .. 16 + kills * 7 % 13)
      done = result.out:find("finished\t400\t2", 1, true)
      if not done then
        kills = kills + 1
        leave_half()
      end
    end
    lu.assertTrue(done and kills > 20, kills .. " kills")
    support.same_params(whole, lander.load(folder .. "/killed.npz"))
    lu.assertEquals({ files(folder, "_ring_"), files(folder, ".tmp-") }, { {}, {} })
    for _, name in ipairs(files(folder, "killed")) do os.remove(folder .. "/" .. name) end
  end
end

-- Files that are half written when a run is killed go away with the next run of that prefix, at
-- whatever iterations it comes to snapshots; what is another's, or may be, stays.
function TestPlacesFiles.test_what_a_killed_run_was_writing_goes()
  local folder = support.folder()
  local gone = { "run_iter_7.npz", "run_ring_2_300.npz", "run_best.npz", "run.npz", "run.html" }
  local stays = { "run_two_iter_7.npz.tmp-999999999-0", "other.npz.tmp-999999999-0",
                  "run_iter_7.npz.tmp-1-0", "run_iter_7.npz.tmp-999999999", "run.npz.tmp-0-0",
                  "run.txt.tmp-999999999-0" }
  for _, name in ipairs(gone) do
    support.write(("%s/%s.tmp-999999999-1"):format(folder, name), "half")
  end
  for _, name in ipairs(stays) do support.write(folder .. "/" .. name, "half") end
  lander.train(options { snapshot_prefix = folder .. "/run",
                         on_iter = function() return "stop" end })
  local left = files(folder, ".tmp-")
  table.sort(left)
  table.sort(stays)
  lu.assertEquals(left, stays)
end
