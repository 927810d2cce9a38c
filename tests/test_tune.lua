-- test_tune.lua: lander.tune and lander.range_test.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core = lander.core
local fails = support.fails

-- ---- the search: which trials there are ----

TestTuneSearch = {}

-- Runs a search in this process; its trial is f, or the product of what is searched.
local function tune(options, f)
  local o = { metric = "loss", processes = 0, quiet = true, trial = f or function(opt)
    local product = 1
    for _, value in pairs(opt) do product = product * value end
    return product
  end }
  for key, value in pairs(options) do o[key] = value end
  return lander.tune(o)
end

-- The options that a search tried, in order, as texts.
local function tried(options)
  local list = {}
  tune(options, function(opt, budget)
    list[#list + 1] = core.options_text(opt) .. (budget and " @" .. budget or "")
    return 1
  end)
  return list
end

function TestTuneSearch.test_grid_is_all_in_order()
  lu.assertEquals(tried { search = { b = { 1, 2 }, a = { 0.5, 0.9 } } },
    { "a 0.5, b 1", "a 0.5, b 2", "a 0.9, b 1", "a 0.9, b 2" })
end

function TestTuneSearch.test_grid_of_ranges()
  lu.assertEquals(tried { search = { a = { 0.001, 1, log = true, points = 4 } } },
    { "a 0.001", "a 0.01", "a 0.1", "a 1" })
  lu.assertEquals(tried { search = { a = { 0.5, 0.9, log = false, points = 3 } } },
    { "a 0.5", "a 0.7", "a 0.9" })
  lu.assertEquals(tried { search = { a = { 1, 3, points = 9 } } }, { "a 1", "a 2", "a 3" })
  -- The script's own value says that it is a number with a fraction.
  lu.assertEquals(tried { search = { a = { 1, 2, points = 3 } }, options = { a = 0.1 } },
    { "a 1", "a 1.5", "a 2" })
end

function TestTuneSearch.test_random_is_a_function_of_the_seed()
  local search = { lr = { 1e-4, 1, log = true }, n = { 8, 64, log = true }, m = { 0.5, 0.9 } }
  local first = tried { search = search, method = "random", trials = 20, seed = 3 }
  lu.assertEquals(#first, 20)
  lu.assertEquals(tried { search = search, method = "random", trials = 20, seed = 3 }, first)
  lu.assertNotEquals(tried { search = search, method = "random", trials = 20, seed = 4 }, first)
  -- More of them begin with the same.
  local more = tried { search = search, method = "random", trials = 25, seed = 3 }
  lu.assertEquals({ table.unpack(more, 1, 20) }, first)
end

function TestTuneSearch.test_random_stays_within()
  local below = 0
  local r = tune { method = "random", trials = 200, search = {
    lr = { 1e-4, 1, log = true }, n = { 8, 10, log = false }, m = { "x", "y" } },
    trial = function(opt)
      lu.assertTrue(opt.lr >= 1e-4 and opt.lr <= 1)
      lu.assertEquals(math.type(opt.n), "integer")
      lu.assertTrue(opt.n >= 8 and opt.n <= 10)
      lu.assertTrue(opt.m == "x" or opt.m == "y")
      if opt.lr < 1e-2 then below = below + 1 end
      return 1
    end }
  lu.assertEquals(r.done, 200)
  lu.assertTrue(below > 70 and below < 130, "half of the logarithms lie below the middle")
end

function TestTuneSearch.test_nothing_is_drawn_twice()
  local list = tried { search = { a = { 1, 2, 3 }, b = { 1, 2, log = false } },
                       method = "random", trials = 6 }
  local seen = {}
  for _, words in ipairs(list) do
    lu.assertNil(seen[words], words)
    seen[words] = true
  end
  lu.assertEquals(#list, 6)
end

function TestTuneSearch.test_halving()
  local made, seen = {}, {}
  local r = tune({ search = { a = { 9, 5, 1, 7, 3, 8, 2, 6, 4 } }, method = "halving",
                   budget = { min = 10, max = 90 } },
    function(opt, budget, info)
      made[#made + 1] = ("%d@%d"):format(opt.a, budget)
      seen[info.rung] = (seen[info.rung] or 0) + 1
      return opt.a
    end)
  lu.assertEquals(made, { "9@10", "5@10", "1@10", "7@10", "3@10", "8@10", "2@10", "6@10", "4@10",
                          "1@30", "3@30", "2@30", "1@90" })
  lu.assertEquals(seen, { 9, 3, 1 })
  lu.assertEquals(r.best.options.a, 1)
  lu.assertEquals(r.best.budget, 90)
  -- Who came further comes first.
  local order = {}
  for i, row in ipairs(r.trials) do order[i] = row.options.a end
  lu.assertEquals(order, { 1, 2, 3, 4, 5, 6, 7, 8, 9 })
end

function TestTuneSearch.test_budgets_end_at_the_most()
  lu.assertEquals(core.make_rungs { min = 100, max = 1000 }, { 111, 333, 1000 })
  lu.assertEquals(core.make_rungs { min = 1, max = 8, factor = 2 }, { 1, 2, 4, 8 })
  lu.assertEquals(core.make_rungs { min = 0.5, max = 1.5 }, { 0.5, 1.5 })
end

function TestTuneSearch.test_who_diverged_or_failed_goes_no_further()
  local made = {}
  local r = tune({ search = { a = { 1, 2, 3, 4 } }, method = "halving",
                   budget = { min = 1, max = 2, factor = 2 } },
    function(opt, budget)
      made[#made + 1] = ("%d@%d"):format(opt.a, budget)
      if opt.a == 1 then return { status = "diverged", iter = 3 } end
      if opt.a == 2 then error "no" end
      return opt.a
    end)
  lu.assertEquals(made, { "1@1", "2@1", "3@1", "4@1", "3@2", "4@2" })
  lu.assertEquals({ r.done, r.diverged, r.failed }, { 2, 1, 1 })
end

function TestTuneSearch.test_options_are_laid_over_those_of_the_script()
  local base = { batch = 8, solver = { momentum = 0.9, gamma = 0.1 } }
  local seen = {}
  tune({ search = { ["solver.momentum"] = { 0.5, 0.99 } }, options = base }, function(opt)
    seen[#seen + 1] = ("%g %g %d"):format(opt.solver.momentum, opt.solver.gamma, opt.batch)
    opt.solver.gamma = 7 -- its own copy
    return 1
  end)
  lu.assertEquals(seen, { "0.5 0.1 8", "0.99 0.1 8" })
  lu.assertEquals(base.solver, { momentum = 0.9, gamma = 0.1 })
end

function TestTuneSearch.test_wrong_options_are_named_before_the_first_trial()
  local function wrong(text, options)
    if options.search == nil then options.search = { a = { 1 } } end
    fails(text, tune, options, function() error "a trial was made" end)
  end
  wrong("unknown option 'serch', did you mean 'search'?", { serch = {} })
  wrong("method = 'gird' is unknown, did you mean 'grid'?", { method = "gird" })
  wrong("metric = 'acuracy' is unknown, did you mean 'accuracy'?", { metric = "acuracy" })
  wrong("the script's options have no 'base_rl', did you mean 'base_lr'?",
    { search = { base_rl = { 1 } }, options = { base_lr = 1 } })
  wrong("did you mean 'solver.momentum'?",
    { search = { ["solver.momentun"] = { 1 } }, options = { solver = { momentum = 1 } } })
  wrong("search is empty", { search = {} })
  wrong("search.a must be a list", { search = { a = 3 } })
  wrong("search.a: a list of values", { search = { a = {} } })
  wrong("search.a: unknown word 'lgo'", { search = { a = { 1, 2, lgo = true } } })
  wrong("search.a: 2 is there twice", { search = { a = { 1, 2, 2 } } })
  wrong("value 2 is a function", { search = { a = { 1, print } } })
  wrong("begins above 0, found 0", { search = { a = { 0, 2, log = true } } })
  wrong("from a number to a higher one, found 2 to 1", { search = { a = { 2, 1, log = true } } })
  wrong("give search.a points", { search = { a = { 1, 2, log = true } } })
  wrong("points is for a grid", { search = { a = { 1, 2, points = 2 } }, method = "random",
                                  trials = 2 })
  wrong("search.a.b lies within search.a", { search = { a = { 1 }, ["a.b"] = { 2 } } })
  wrong("needs trials", { method = "random" })
  wrong("only 1 different", { method = "random", trials = 2 })
  wrong("trials is for random and halving", { trials = 2 })
  wrong("needs budget = { min =, max = }", { method = "halving" })
  wrong("budget goes from min", { method = "halving", budget = { min = 3, max = 1 } })
  wrong("no step of factor 3", { method = "halving", budget = { min = 1, max = 2 } })
  wrong("is for halving; give a number", { budget = { min = 1, max = 2 } })
  wrong("time_limit is for trials in processes", { time_limit = 3 })
  wrong("needs a prefix", { processes = 2 })
  fails("trial is missing", lander.tune, { search = { a = { 1 } } })
end

-- ---- what becomes of trials ----

TestTuneResults = {}

function TestTuneResults.test_kinds_of_results()
  local results = {
    0.5, { loss = 0.25 }, { status = "finished", loss = 0.75, retries = 2 },
    { status = "stopped", loss = 1 }, { status = "finished", loss = 0 / 0 },
    { status = "diverged", rule = "R3" }, { status = "data_fault", message = "sample 3" },
    "text", { status = "finished" },
  }
  local list = {}
  for i in ipairs(results) do list[i] = i end
  local r = tune({ search = { n = list } }, function(opt) return results[opt.n] end)
  local order, said = {}, {}
  for i, row in ipairs(r.trials) do
    order[i], said[row.trial] = row.trial, row.status .. " " .. (row.reason or "")
  end
  lu.assertEquals(order, { 2, 1, 3, 4, 5, 6, 7, 8, 9 })
  lu.assertEquals(said[3], "done ")
  lu.assertEquals(said[5], "diverged loss is nan")
  lu.assertEquals(said[6], "diverged rule R3")
  lu.assertEquals(said[7], "failed data_fault: sample 3")
  lu.assertStrContains(said[8], "the trial returned a string")
  lu.assertStrContains(said[9], "the run has no loss")
  lu.assertEquals({ r.done, r.diverged, r.failed }, { 4, 2, 3 })
  lu.assertEquals(r.trials[3].retries, 2)
  local text = tostring(r)
  lu.assertStrContains(text, "best: trial 2, n 2: loss 0.25")
  lu.assertStrContains(text, "9 trials: 4 done, 2 diverged, 3 failed")
  lu.assertStrContains(text, "trial 7 failed: data_fault: sample 3")
end

function TestTuneResults.test_accuracy_is_better_when_higher()
  local r = tune({ search = { a = { 0.5, 0.9, 0.7 } }, metric = "accuracy" },
    function(opt) return opt.a end)
  lu.assertEquals(r.best.options.a, 0.9)
  lu.assertStrContains(tostring(r), "a = 0.9 is at the highest end of what was searched")
end

function TestTuneResults.test_no_result_at_all()
  local r = tune({ search = { a = { 1, 2 } } }, function() return { status = "diverged" } end)
  lu.assertNil(r.best)
  lu.assertEquals(r.diverged, 2)
  lu.assertStrContains(tostring(r), "2 trials: 0 done, 2 diverged, 0 failed")
end

-- The rates of a real training: too high ones are seen by the guard within a few iterations.
function TestTuneResults.test_diverged_trials_are_stopped_early()
  local before = core.exit_status
  local data = lander.data.synthetic.blobs { n = 64, classes = 2, noise = 3 }
  local r = tune({ search = { base_lr = { 0.1, 1e4 } } }, function(opt)
    return lander.train { net = require "models.mlp" { 2, 16, 2 }, data = data,
      batch_size = 16, quiet = true, retry = false,
      solver = { type = "sgd", base_lr = opt.base_lr, momentum = 0.9, max_iter = 200 } }
  end)
  lu.assertEquals(r.best.options.base_lr, 0.1)
  lu.assertEquals(r.trials[2].status, "diverged")
  lu.assertTrue(r.trials[2].iter < 20)
  lu.assertEquals(core.exit_status, before, "a diverged trial is a result of the search")
end

-- ---- files ----

local function lines(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = line end
  return list
end

function TestTuneResults.test_csv_and_jsonl()
  local prefix = support.folder() .. "/t"
  tune({ search = { a = { 2, 1 / 3, 1 }, word = { 'x,"y"' } }, prefix = prefix }, function(opt)
    if opt.a == 2 then return { status = "diverged", message = "one\ntwo" } end
    return { loss = opt.a, iter = 7 }
  end)
  local csv = support.read(prefix .. ".csv")
  local head = "trial,rung,budget,a,word,status,value,iter,loss,test_loss,accuracy,retries,"
    .. "lr_scale,seconds,reason\n"
  lu.assertEquals(csv:sub(1, #head), head)
  local third = ("%.17g"):format(1 / 3)
  lu.assertStrContains(csv, ('\n2,1,,%s,"x,""y""",done,%s,7,%s,'):format(third, third, third))
  lu.assertStrContains(csv, ',diverged,,,,,,,,')
  lu.assertStrContains(csv, ',"one\ntwo"\n')
  local found = lines(prefix .. ".jsonl")
  lu.assertEquals(#found, 4)
  for _, line in ipairs(found) do lu.assertEquals(type(core.read_json(line)), "table") end
  lu.assertEquals(core.read_json(found[3]).value, 1 / 3)
  lu.assertEquals(core.read_json(found[1]).search.a[2], 1 / 3)
end

function TestTuneResults.test_it_goes_on_from_the_journal()
  local prefix = support.folder() .. "/t"
  local made
  local function search(more)
    local options = { search = { a = { 1, 2, 3 } }, prefix = prefix }
    for key, value in pairs(more or {}) do options[key] = value end
    made = 0
    return tune(options, function(opt)
      made = made + 1
      if opt.a == 2 then error "no" end
      return opt.a
    end)
  end
  local first = tostring(search())
  lu.assertEquals(made, 3)
  lu.assertEquals(tostring(search()), first)
  lu.assertEquals(made, 0)
  -- Without its last line, which a kill has torn.
  local text = support.read(prefix .. ".jsonl")
  support.write(prefix .. ".jsonl", text:sub(1, -20))
  lu.assertEquals(tostring(search()), first)
  lu.assertEquals(made, 1)
  search { again = true }
  lu.assertEquals(made, 1)
  search { resume = false }
  lu.assertEquals(made, 3)
end

function TestTuneResults.test_another_search_is_refused()
  local prefix = support.folder() .. "/t"
  local function search(more)
    local options = { search = { a = { 1, 2 } }, prefix = prefix, options = { a = 1, n = 5 } }
    for key, value in pairs(more) do options[key] = value end
    return tune(options, function() return 1 end)
  end
  search {}
  search { options = { a = 2, n = 5 } } -- a is searched: its own value has no say
  fails("search.a was [1,2], is now [1,2,3]", search, { search = { a = { 1, 2, 3 } } })
  fails("options.n was 5, is now 6", search, { options = { a = 1, n = 6 } })
  fails('metric was "loss", is now "accuracy"', search, { metric = "accuracy" })
  fails("budget was not given, is now [3]", search, { budget = 3 })
  support.write(prefix .. ".jsonl", '{"event":"start"}\n')
  fails("it is no journal of lander.tune", search, {})
end

function TestTuneResults.test_random_may_be_given_more()
  local prefix = support.folder() .. "/t"
  local made = 0
  local function search(trials)
    return tune({ search = { a = { 0.0, 1, log = false } }, method = "random", trials = trials,
                  prefix = prefix }, function(opt) made = made + 1 return opt.a end)
  end
  search(5)
  lu.assertEquals(#search(8).trials, 8)
  lu.assertEquals(made, 8)
end

-- ---- processes ----

TestTuneProcesses = {}

-- A script that searches: each trial notes that it was made, and does as its body says.
local script = [[
local lander = require "lander"
local core = lander.core
local opt = lander.args { folder = "", processes = 2, what = "" }
local function note(text)
  local file = assert(io.open(opt.folder .. "/made", "a"))
  file:write(text, "\n")
  file:close()
end
local r = lander.tune {
  search = { a = { 1, 2, 3, 4, 5, 6 } }, metric = "loss", prefix = opt.folder .. "/t",
  processes = opt.processes, %s
  trial = function(o, budget, info)
    note(o.a)
    %s
    return { loss = math.sin(o.a), iter = 10 }
  end }
for _, row in ipairs(r.trials) do
  print(row.trial, row.status, row.value, row.reason)
end
print(r.status, r.best and r.best.trial)
]]

local function write_script(body, options)
  local folder = support.folder()
  return folder, support.write(folder .. "/search.lua", script:format(options or "", body or ""))
end

local function run_script(folder, path, words, options)
  local all = { path, "--folder=" .. folder }
  for _, word in ipairs(words or {}) do all[#all + 1] = word end
  return support.run(all, options)
end

local function made(folder)
  local list = lines(folder .. "/made")
  table.sort(list)
  return table.concat(list, " ")
end

function TestTuneProcesses.test_the_same_as_in_one_process()
  local folder, path = write_script()
  local r = run_script(folder, path)
  lu.assertEquals(r.status, 0, r.err)
  lu.assertEquals(made(folder), "1 2 3 4 5 6")
  lu.assertStrContains(r.out, "finished\t5")
  lu.assertStrContains(r.err, "6 of 6: trial ")
  local other, again = write_script()
  lu.assertEquals(run_script(other, again, { "--processes=0" }).out, r.out)
  lu.assertEquals(run_script(folder, path).out, r.out, "from the journal")
  lu.assertEquals(made(folder), "1 2 3 4 5 6")
end

function TestTuneProcesses.test_a_stock_lua()
  if core.is_command == nil then return end
  local folder, path = write_script()
  local build = support.executable:match "^(.*)/lander$"
  if not build or not support.exists(build .. "/lander.so") or build:find "san" then
    lu.skip "no lander.so that a stock lua5.4 can load"
  end
  local r = run_script(folder, path, {}, { program = "lua5.4",
    under = ("env LUA_CPATH='%s/?.so'"):format(build) })
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.out, "finished\t5")
  lu.assertEquals(made(folder), "1 2 3 4 5 6")
end

function TestTuneProcesses.test_crashes_are_failed_trials()
  local folder, path = write_script([[
    if o.a == 1 then print "last words" os.exit(7) end
    if o.a == 2 then error "an error" end
    if o.a == 3 then os.execute "kill -9 $PPID" end
    if o.a == 4 then os.exit(0) end
    if o.a == 5 then return { status = "diverged", rule = "R1" } end]])
  local r = run_script(folder, path)
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.out, "1\tfailed\tnil\tit ended without a result, with exit status 7: "
    .. "last words")
  lu.assertStrMatches(r.out, ".*2\tfailed\tnil\t[^\n]*an error\n.*")
  lu.assertStrContains(r.out, "3\tfailed\tnil\tit was killed by signal 9")
  lu.assertStrContains(r.out, "4\tfailed\tnil\tit ended without a result, with exit status 0")
  lu.assertStrContains(r.out, "5\tdiverged\tnil\trule R1")
  lu.assertStrContains(r.out, "finished\t6")
end

function TestTuneProcesses.test_a_trial_that_hangs()
  local folder, path = write_script("if o.a == 2 then while true do end end", "time_limit = 3,")
  local r = run_script(folder, path)
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.out, "2\tfailed\tnil\tit took longer than the time limit of 3 s")
  lu.assertStrContains(r.out, "finished\t5")
end

-- Starts the script, lets it be until two trials are through, sends it a signal, and makes the
-- same again.
local function interrupted(signal)
  local folder, path = write_script [[
    while o.a > 2 and not io.open(opt.folder .. "/go") do os.execute "sleep 0.1" end]]
  local command = ([[
    '%s' '%s' --folder='%s' >'%s/out' 2>'%s/err' & pid=$!
    n=0; while [ "$(wc -l <'%s/t.jsonl')" != 3 ] && [ $n -lt 300 ]; do sleep 0.1; n=$((n+1)); done
    kill -%s $pid; wait $pid; echo $? >'%s/status'
    touch '%s/go']]):format(support.executable, path, folder, folder, folder, folder, signal,
    folder, folder)
  local pipe = assert(io.popen("{ " .. command .. "\n} 2>/dev/null"))
  pipe:close()
  local result = run_script(folder, path)
  return folder, result
end

-- No trial that has a result is made again.
local function check_interrupted(folder, r)
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.err, "2 of 6 trials are there already")
  lu.assertStrContains(r.out, "finished\t5")
  local count = {}
  for _, trial in ipairs(lines(folder .. "/made")) do count[trial] = (count[trial] or 0) + 1 end
  lu.assertEquals({ count["1"], count["2"], count["5"], count["6"] }, { 1, 1, 1, 1 })
  local trials = {}
  for _, line in ipairs(lines(folder .. "/t.jsonl")) do
    local row = core.read_json(line)
    if row.event == "trial" then
      lu.assertNil(trials[row.trial], "one line a trial")
      trials[row.trial] = row.status
    end
  end
  lu.assertEquals(trials, { "done", "done", "done", "done", "done", "done" })
end

function TestTuneProcesses.test_killed_and_gone_on()
  local folder, r = interrupted "KILL"
  check_interrupted(folder, r)
  lu.assertEquals(support.read(folder .. "/status"), "137\n")
end

function TestTuneProcesses.test_ctrl_c_and_gone_on()
  local folder, r = interrupted "INT"
  check_interrupted(folder, r)
  lu.assertEquals(support.read(folder .. "/status"), "130\n")
  lu.assertStrContains(support.read(folder .. "/err"), "stopped with 2 of 6 trials")
  -- Those that ran then are gone.
  local others = io.popen("ps -e -o args | grep -c '[s]earch.lua --folder=" .. folder .. "'")
  lu.assertEquals(others:read "l", "0")
  others:close()
end

function TestTuneProcesses.test_two_searches_in_one_script()
  local folder = support.folder()
  local path = support.write(folder .. "/two.lua", ([[
    local lander = require "lander"
    local function search(name, list)
      return lander.tune { search = { a = list }, metric = "loss", prefix = %q .. name,
        processes = 2, trial = function(o)
          local file = assert(io.open(%q .. "/made", "a"))
          file:write(name, o.a, "\n")
          file:close()
          return o.a
        end }
    end
    local first = search("/x", { 2, 1 }).best.options.a
    print(first, search("/y", { first + 5, first + 6 }).best.options.a)]]):format(folder, folder))
  local r = support.run { path }
  lu.assertEquals(r.out, "1\t6\n", r.err)
  lu.assertEquals(made(folder), "/x1 /x2 /y6 /y7")
end

function TestTuneProcesses.test_without_a_script_there_are_no_processes()
  local code = [[local r = lander.tune { search = { a = { 1, 2 } }, metric = "loss", prefix = %q,
    %s trial = function(o) return o.a end } print(r.best.trial)]]
  local prefix = support.folder() .. "/t"
  lu.assertEquals(support.run({ "-e", code:format(prefix, "") }).out, "1\n")
  lu.assertStrContains(support.run({ "-e", code:format(prefix, "processes = 2,") }).err,
    "needs a script that can be started again")
end

function TestTuneProcesses.test_tune_lenet()
  local prefix = support.folder() .. "/lenet"
  local r = support.run { "scripts/tune_lenet.lua", "--prefix=" .. prefix, "--base_lrs=0.01,100",
    "--momenta=0.5", "--least=6", "--most=18", "--folder=tests/data/fashion_mnist" }
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.out, "2 trials: 1 done, 1 diverged, 0 failed")
  lu.assertStrContains(r.out, "next: build/lander scripts/tune_lenet.lua --train --base_lr=0.01 "
    .. "--momentum=0.5")
  r = support.run { "scripts/tune_lenet.lua", "--prefix=" .. prefix, "--train", "--max_iter=2",
    "--folder=tests/data/fashion_mnist" }
  lu.assertStrContains(r.out, "finished: test accuracy 0.")
end

-- ---- the range test ----

TestRangeTest = {}

-- Everything that a training hangs on, with dropout and a history.
local function training()
  local nn = lander.nn
  local net = nn.net { nn.input { 2 }, nn.linear { 16 }, nn.batch_norm {}, nn.relu {},
                       nn.dropout { 0.3 }, nn.linear { 2 }, loss = "softmax_loss", seed = 3 }
  local data = support.blobs(70)
  local batches = data:batches { size = 16, shuffle = true, seed = 5, loop = true }
  local solver = lander.solver(net, { type = "sgd", base_lr = 0.02, momentum = 0.9,
    lr_policy = "step", gamma = 0.5, stepsize = 10, warmup_iter = 12, warmup_start = 0.001 })
  local function go(n)
    local losses = {}
    for i = 1, n do
      local x, y = batches:next()
      losses[i] = solver:step(x, y)
    end
    return losses
  end
  return { net = net, data = data, batches = batches, solver = solver, go = go }
end

local function sweep(t, more)
  local options = { solver = t.solver, batches = t.batches, iters = 40, from = 1e-3 }
  for key, value in pairs(more or {}) do options[key] = value end
  return lander.range_test(options)
end

-- A training that was looked at goes on as one that was not.
local function check_untouched(look)
  local a, b = training(), training()
  a.go(15)
  b.go(15)
  b.net:test_phase()
  look(b)
  lu.assertEquals(b.net:phase(), "test")
  lu.assertEquals(b.solver.iter, 15)
  lu.assertEquals(b.solver.base_lr, 0.02)
  lu.assertEquals(b.solver.lr_policy, a.solver.lr_policy)
  lu.assertEquals(b.batches:position(), a.batches:position())
  support.same_params(a.net, b.net)
  b.net:train_phase()
  lu.assertEquals(b.go(20), a.go(20))
  support.same_params(a.net, b.net)
end

function TestRangeTest.test_everything_is_as_it_was()
  check_untouched(function(t) lu.assertNotNil(sweep(t, { to = 1e4 }).diverged_at) end)
end

function TestRangeTest.test_also_after_an_error()
  check_untouched(function(t)
    fails("too few to tell anything", sweep, t, { from = 1e5, to = 1e9 })
  end)
end

function TestRangeTest.test_a_schedule_of_the_script_stays()
  check_untouched(function(t)
    local policy = function() return 0.5 end
    local word = t.solver.lr_policy
    t.solver.lr_policy = policy
    sweep(t)
    lu.assertEquals(t.solver.lr_policy, policy)
    t.solver.lr_policy = word
  end)
end

-- Ctrl-C raises an error in the middle of the sweep.
function TestRangeTest.test_also_after_ctrl_c()
  local path = support.write(support.folder() .. "/stop.lua", [[
    local lander = require "lander"
    local count = 0
    lander.nn.define("tires", {
      forward = function(_, x)
        count = count + 1
        if count == 20 then io.popen("kill -INT $PPID"):close() end -- os.execute would ignore it
        return x
      end,
      backward = function(_, _, _, dy) return dy end,
    })
    local net = require "models.mlp" { 2, 16, 2, activation = "tires" }
    local data = lander.data.synthetic.xor()
    local before = net:clone()
    local ok, message = pcall(lander.range_test, { net = net, data = data, from = 1e-9,
      to = 0.1, iters = 1 << 40, solver = { type = "sgd" } })
    print(ok, message, net.params[1].data:eq(before.params[1].data):sum())]])
  lu.assertStrMatches(support.run({ path }).out, "false\t[^\t]*interrupted\t32%.0\n")
end

-- The net's own options and data: nothing of the net is changed.
function TestRangeTest.test_on_a_net()
  local net, data = support.mlp(1), support.blobs(64)
  local before = net:clone()
  local r = lander.range_test { net = net, data = data, batch_size = 16, from = 1e-4, to = 1e3,
    solver = { type = "sgd", momentum = 0.9 }, iters = 60 }
  support.same_params(net, before)
  lu.assertEquals(#r.losses, #r.rates)
  lu.assertEquals(r.rates[1], 1e-4)
  lu.assertAlmostEquals(r.rates[60] or 1e3, 1e3, 1e-6)
  lu.assertTrue(r.suggestion == r.steepest or r.suggestion == r.tenth_of_min)
  lu.assertTrue(r.suggestion <= r.steepest and r.suggestion <= r.tenth_of_min)
  local tenth = r.minimum / 10
  lu.assertTrue(math.abs(r.tenth_of_min - tenth) < 0.05 * tenth)
  local text = tostring(r)
  lu.assertStrContains(text, "try base_lr = ")
  lu.assertStrContains(text, "rate")
end

-- The suggestion is a rate that works: a training with it learns.
function TestRangeTest.test_the_suggestion_works()
  local net, data = support.mlp(1), support.blobs(64)
  local solver = { type = "sgd", momentum = 0.9 }
  local r = lander.range_test { net = net, data = data, batch_size = 16, solver = solver }
  solver.base_lr, solver.max_iter = r.suggestion, 60
  local run = lander.train { net = net, data = data, batch_size = 16, quiet = true,
    retry = false, solver = solver }
  lu.assertEquals(run.status, "finished")
  lu.assertTrue(run.loss < 0.3)
end

function TestRangeTest.test_where_the_loss_falls_nowhere()
  local net, data = support.mlp(1), support.blobs(64)
  local r = lander.range_test { net = net, data = data, from = 1e-30, to = 1e-20, iters = 20,
    batch_size = 64, shuffle = false, solver = { type = "sgd" } }
  lu.assertNil(r.suggestion)
  lu.assertStrContains(tostring(r), "the loss fell nowhere")
  r = lander.range_test { net = net, data = data, from = 1e-4, to = 1e-2, iters = 40,
    batch_size = 64, solver = { type = "sgd" } }
  lu.assertStrContains(tostring(r), "a higher 'to' than 0.01 tells more")
end

function TestRangeTest.test_wrong_options_are_named()
  local net, data = support.mlp(1), support.blobs(64)
  local function wrong(text, more)
    local options = { net = net, data = data, solver = { type = "sgd" } }
    for key, value in pairs(more) do options[key] = value end
    fails(text, lander.range_test, options)
  end
  wrong("iters = 19 are too few points", { iters = 19 })
  wrong("unknown option 'form', did you mean 'from'?", { form = 1 })
  wrong("from 'from' up to 'to'", { from = 1, to = 0.1 })
  wrong("one of the two", { batches = data:batches { size = 2 } })
  wrong("data must be a dataset", { data = net })
  wrong("net is missing", { net = data })
  wrong("the solver is another net's", { solver = training().solver })
  fails("net is missing", lander.range_test, { data = data })
  fails("batch_size is for data", lander.range_test,
    { net = net, batches = data:batches { size = 2 }, batch_size = 3 })
end

-- ---- words ----

TestTuneWords = {}

function TestTuneWords.test_help()
  lu.assertStrContains(core.help_text "tune", "base_lr\nand momentum (0.5 to 0.99) must be tuned")
  lu.assertStrContains(core.help_text "range_test", "lander.range_test {")
end

-- The examples of doc/tuning.md run as they stand.
function TestTuneWords.test_the_examples_of_the_manual()
  local folder, count = support.folder(), 0
  for code in support.read("doc/tuning.md"):gmatch "```lua\n(.-)```" do
    count = count + 1
    local path = support.write(("%s/%d.lua"):format(folder, count), code)
    local r = support.run({ path }, { folder = folder })
    lu.assertEquals(r.status, 0, code .. r.err)
    lu.assertTrue(#r.out > 0)
  end
  lu.assertEquals(count, 2)
  lu.assertTrue(support.exists(folder .. "/runs/search.csv"))
end
