-- test_tune_command.lua: lander tune: its words, what is checked before the first trial, Ctrl-C.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local run = support.run

TestTuneCommand = {}

local script = [[
local lander = require "lander"
local opt = lander.args { base_lr = 0.1, momentum = 0.9, max_iter = 5, wait = "", word = "a" }
local data = lander.data.synthetic.blobs { n = 60 }
print "the script"
lander.train {
  net = require "models.mlp" { 2, 4, 3 }, data = data, %s batch_size = 20,
  solver = { base_lr = opt.base_lr, momentum = opt.momentum, max_iter = opt.max_iter },
  on_iter = function(e)
    -- A trial at this rate goes on until it is told to stop.
    if opt.base_lr > 0.3 and opt.wait ~= "" and e.iter == 3 then
      io.open(opt.wait, "w"):close()
      while not lander.core.stopped() do
        if lander.core.signalled "snapshot" then io.open(opt.wait .. "2", "w"):close() end
        os.execute "sleep 0.02"
      end
    end
  end, snapshot_prefix = "never",
}
]]

local function write(folder, name, text)
  return support.write(folder .. "/" .. name, text)
end

local function write_script(folder, more)
  return write(folder, "s.lua", script:format(more or "test_data = data,"))
end

-- What is wrong is told before anything else is done.
function TestTuneCommand.test_wrong_words_are_told_before_the_first_trial()
  local folder = support.folder()
  write_script(folder)
  write(folder, "blind.lua", script:format "")
  write(folder, "idle.lua", "print 'hello'")
  write(folder, "torn.lua", "local x = = 1")
  local function wrong(status, text, ...)
    local r = run({ "tune", ... }, { folder = folder })
    lu.assertEquals({ r.out, r.status }, { "", status }, text)
    lu.assertStrContains(r.err, text)
  end
  wrong(2, "there is no file 'none.lua'", "none.lua", "base_lr=1,2")
  wrong(1, "torn.lua:1: unexpected symbol", "torn.lua", "base_lr=1,2")
  wrong(2, "there is no model 'lent', did you mean 'lenet'?", "lent", "base_lr=1,2")
  wrong(2, "idle.lua did not train", "idle.lua", "base_lr=1,2")
  wrong(2, "unknown option --base_lrr, did you mean --base_lr?\n(lander s.lua --help shows",
    "s.lua", "base_lrr=1,2")
  wrong(2, "--base_lr must be a number, found 'x'", "s.lua", "word=a,b", "base_lr=1,x")
  wrong(2, "--max_iter must be a number, found 'x'", "s.lua", "base_lr=1,2", "--", "--max_iter=x")
  wrong(2, "has no test_data, so there is no accuracy: --metric=loss", "blind.lua", "base_lr=1,2")
  wrong(2, "what is searched has no dashes: base_lr=0.1:1:log:5\n", "s.lua", "--base_lr=0.1..1",
    "momentum=0,0.9")
  wrong(2, "a range is written base_lr=0.1:1:log", "s.lua", "base_lr=0.1..1")
  wrong(2, "base_lr=0.1:1:log:5 tries five values of it", "s.lua", "base_lr=0.1:1:log")
  wrong(2, "did you mean --processes?", "s.lua", "base_lr=1,2", "--proceses=1")
  wrong(2, "stands behind --", "s.lua", "base_lr=1,2", "--max_iter", "7")
  wrong(2, "--method is grid or random", "s.lua", "base_lr=1,2", "--method=gird")
  wrong(2, "base_lr: 1 is there twice", "s.lua", "base_lr=1,1")
  wrong(2, "base_lr is there twice", "s.lua", "base_lr=1,2", "base_lr=3")
  wrong(2, "nothing to search", "s.lua", "--seed=3")
  wrong(2, "SCRIPT.lua or MODEL is missing", "base_lr=1,2", "--seed=3")
  wrong(2, "'more' is too much", "s.lua", "more", "base_lr=1,2")
  wrong(2, "did you mean 'spiral'?", "mlp", "base_lr=1,2", "--", "--data=spirl")
  wrong(2, "unknown option --hiden, did you mean --hidden?\n(lander train --help", "mlp",
    "base_lr=1,2", "--", "--data=spiral", "--hiden=3")
  wrong(2, "did you mean 'adam'?", "mlp", "type=sgd,admm", "--", "--data=spiral", "--hidden=3")
  wrong(2, "it is for pictures", "lenet", "base_lr=1,2", "--", "--data=spiral")
  lu.assertNil(lander.core.list_dir(folder .. "/runs"))
end

function TestTuneCommand.test_a_script_and_what_comes_next()
  local folder = support.folder()
  write_script(folder)
  local r = run({ "tune", "s.lua", "base_lr=0.001:0.1:log:3", "word='b c',d", "--processes=0", "--",
    "--max_iter=6" }, { folder = folder })
  lu.assertEquals(r.status, 0, r.err)
  lu.assertEquals(select(2, r.out:gsub("the script", "")), 6)
  lu.assertStrContains(r.out, "6 trials: 6 done")
  local next_words = r.err:match "\nnext: (.-)\n$"
  lu.assertStrMatches(next_words,
    "%S+ s.lua %-%-max_iter=6 %-%-base_lr=0%.1 '%-%-word='\\''b c'\\'''")
  r = run({ "-c", next_words }, { folder = folder, program = "/bin/sh" })
  lu.assertStrContains(r.err, "finished at 6")
  -- With other words behind -- it is another search.
  r = run({ "tune", "s.lua", "base_lr=0.001:0.1:log:3", "word='b c',d" }, { folder = folder })
  lu.assertStrContains(r.err, "runs/tune_s.jsonl has another search: command was")
end

function TestTuneCommand.test_models()
  local folder = support.folder()
  write(folder, "net.lua", [[
    local nn = require "lander".nn
    return function(o) return nn.net { nn.input(o.size), nn.linear { o.outputs } } end]])
  local function tune(model, ...)
    local r = run({ "tune", model, "base_lr=0.1,1e4", "--processes=1", "--", "--max_iter=30",
      "--data=blobs:n=100", ... }, { folder = folder })
    lu.assertEquals(r.status, 0, r.err)
    -- Not even with retries, which train has: it is the rate that is tried.
    lu.assertStrContains(r.out, "2 trials: 1 done, 1 diverged, 0 failed")
    return r.err:match "\nnext: %S+ (.-)\n$"
  end
  lu.assertEquals(tune("mlp", "--hidden=8"),
    "train mlp --max_iter=30 --data=blobs:n=100 --hidden=8 --base_lr=0.1")
  lu.assertEquals(tune "net.lua", "train net.lua --max_iter=30 --data=blobs:n=100 --base_lr=0.1")
  lu.assertTrue(support.exists(folder .. "/runs/tune_net_trials/1.npz"))
end

-- A script may catch what its training raises; its own words don't fail where the check ends them.
function TestTuneCommand.test_a_script_that_catches_errors()
  local folder = support.folder()
  write(folder, "s.lua", (script:format("test_data = data,")
    :gsub("\nlander.train {", "\npcall(lander.train, {"):gsub('"never",\n}', '"never",\n})')))
  local r = run({ "tune", "s.lua", "base_lr=0.1,0.2", "--processes=0" }, { folder = folder })
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.out, "2 trials: 2 done")
  r = run({ "tune", "s.lua", "base_lr=-1,0.2", "--processes=0" }, { folder = folder })
  lu.assertEquals({ r.status, r.out }, { 1, "" }) -- as of that script by itself
  lu.assertStrContains(r.err, "'base_lr' must be a number from 0 to 1e+30, got '-1'")
end

-- A range of an option that takes fractions has them, however its ends are typed; and a dash in
-- front is part of a file's name.
function TestTuneCommand.test_ranges_and_prefixes()
  local folder = support.folder()
  write_script(folder)
  local r = run({ "tune", "s.lua", "momentum=0:1:3", "--prefix=-rf", "--processes=1" },
    { folder = folder })
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(r.out, "\n    2       0.5 ")
  lu.assertTrue(support.exists(folder .. "/-rf.csv"))
  write(folder, "mine.csv", "1,2")
  r = run({ "tune", "s.lua", "base_lr=1,2", "--prefix=mine" }, { folder = folder })
  lu.assertEquals(r.status, 2)
  lu.assertStrContains(r.err, "mine.csv is there, and is of no search (there is no mine.jsonl)")
  lu.assertEquals(support.read(folder .. "/mine.csv"), "1,2")
end

-- Ctrl-C at a terminal: the table of what there is, how to go on, nothing left behind.
function TestTuneCommand.test_ctrl_c()
  local folder = support.folder()
  local words = ("tune %s base_lr=0.1,0.2,0.5,0.6 --prefix=%s/t --processes=2 -- --wait=%s/waits")
    :format(write_script(folder), folder, folder)
  local out = support.typed({ "expect 2 of 4", "file " .. folder .. "/waits", "type \\x03",
    "expect stopped with 2 of 4 trials", "expect best: trial 1", "expect next: ", "end" },
    folder, words)
  lu.assertStrContains(out, "ok, exit status 130")
  lu.assertStrContains(out, support.executable .. " " .. words)
  local pipe = io.popen("ps -e -o args | grep -F " .. folder .. " | grep -v grep")
  lu.assertEquals(pipe:read "a", "")
  pipe:close()
  for _, name in ipairs(lander.core.list_dir(folder .. "/t_trials")) do
    lu.assertNil(name:find(".tmp-", 1, true), name)
    lu.assertNil(name:find("claims", 1, true), name)
  end
  local r = run({ "-c", support.executable .. " " .. words .. "2" }, { program = "sh" })
  lu.assertStrContains(r.err, "has another search: command was")
end

-- A terminal that is closed stops a search as little as it does a training, which is asked for a
-- snapshot.
function TestTuneCommand.test_a_closed_terminal()
  local folder = support.folder()
  local waits = folder .. "/waits"
  local words = ("tune %s base_lr=0.1,0.5 --prefix=%s/t --processes=2 -- --wait=%s"):format(
    write_script(folder), folder, waits)
  local out = support.typed({ "file " .. waits, "expect 1 of 2", "hang up",
    "file " .. waits .. "2", "type \\x03", "expect stopped with 1 of 2", "end" }, folder, words)
  lu.assertStrContains(out, "ok, exit status 130")
end

-- What stands for an option that is left out is no value that anybody would give.
function TestTuneCommand.test_help_tells_no_inner_defaults()
  local help = support.run({ "tune", "--help" }).out
  for _, inner in ipairs { "(-1)", "(0.0)", "(0)" } do lu.assertNotStrContains(help, inner) end
  lu.assertStrContains(help, "by itself as many as threads")
  local page = support.run({ "help", "--man" }).out
  lu.assertNotStrContains(page, "(default \\-1)")
end
