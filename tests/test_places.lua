-- test_places.lua: the places that lander.train goes back to: which are good, which of their
-- files are there and when they go, and what a run that is resumed still knows of them.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local nn = lander.nn

local function keep_status(class)
  local before
  function class.setUp() before = lander.core.exit_status end
  function class.tearDown() lander.core.exit_status = before end
end

-- A net with everything that has a memory.
local function net(seed)
  return nn.net { seed = seed or 1, nn.input { 2 }, nn.linear { 12 }, nn.batch_norm {}, nn.relu {},
                  nn.dropout { 0.3 }, nn.linear { 2 } }
end

local function options(more)
  local o = {
    net = net(), data = support.blobs(53), batch_size = 8, quiet = true, display = 0,
    solver = { base_lr = 0.05, momentum = 0.9, max_iter = 400 },
  }
  for key, value in pairs(more or {}) do o[key] = value end
  return o
end

local function events(run, kind)
  local found = {}
  for _, e in ipairs(run.events) do
    if e.event == kind then found[#found + 1] = e end
  end
  return found
end

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
  lu.assertEquals(ways_back { 170, 120 }, { 100, 100 })
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
