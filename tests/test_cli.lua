-- test_cli.lua: the command: statuses, streams, commands, signals.
local lu = require "luaunit"
local support = require "tests.support"
local core = require("lander").core
local run = support.run

-- A script that trains two clouds of points; %s are lines of lander.train's options.
local training = [[
local lander = require "lander"
local x, y = lander.zeros(8, 2), lander.ones(8)
for i = 1, 8 do x:set(i, i, 1); y:set(1 + i %% 2, i) end
local net = require "models.mlp" { 2, 8, 2 }
local run = lander.train { net = net, data = lander.data.tensors(x, y), batch_size = 4, %s }
print(run.status, run.iter)
]]

local function script(text)
  return support.write(support.folder() .. "/script.lua", text)
end

local function train(options, words)
  words = words or {}
  words[#words + 1] = script(training:format(options))
  return run(words)
end

TestCommand = {}

function TestCommand.test_code_and_arguments()
  local r = run { "-e", "print(1 + 1, type(lander.nn))" }
  lu.assertEquals({ r.status, r.out, r.err }, { 0, "2\ttable\n", "" })
  r = run { "-e", "x = 1", "-e", "print(x)" }
  lu.assertEquals(r.out, "1\n")
  r = run { script "print(arg[0] ~= nil, arg[1], select('#', ...), (...))", "one", "two" }
  lu.assertEquals(r.out, "true\tone\t2\tone\n")
  r = run({ "-", "word" }, { input = "print(..., arg[1])" })
  lu.assertEquals({ r.status, r.out }, { 0, "word\tword\n" })
end

function TestCommand.test_help_and_version()
  local r = run { "--help" }
  lu.assertEquals({ r.status, r.err }, { 0, "" })
  lu.assertStrContains(r.out, "usage: lander")
  r = run { "--version" }
  lu.assertEquals(r.status, 0)
  lu.assertStrMatches(r.out, "lander %d+%.%d+%.%d+\n.*")
end

function TestCommand.test_usage_errors()
  local r = run { "--nonsense" }
  lu.assertEquals({ r.status, r.out }, { 2, "" })
  lu.assertStrContains(r.err, "unknown option: '--nonsense'")
  lu.assertStrContains(run({ "--stric" }).err, "'--stric', did you mean '--strict'?")
  lu.assertEquals(run({ "-e" }).status, 2)
end

function TestCommand.test_errors_show_the_users_own_lines()
  local path = script(table.concat({
    "local lander = require 'lander'",
    "local function f()",
    "  lander.nn.net { 3 }",
    "end",
    "f()",
  }, "\n"))
  local r = run { path }
  lu.assertEquals({ r.status, r.out }, { 1, "" })
  lu.assertStrContains(r.err, "script.lua:3: entry 1 of the chain is a number")
  lu.assertStrContains(r.err, "script.lua:5: in the main part")
  lu.assertNil(r.err:find("lander/nn.lua", 1, true))
  lu.assertNil(r.err:find("[C]", 1, true))
  lu.assertEquals(run({ "/nonexistent/script.lua" }).status, 2)
  r = run { script "x = = 1" }
  lu.assertEquals(r.status, 1)
  lu.assertStrContains(r.err, "script.lua:1:")
  r = run { script "error { code = 7 }" }
  lu.assertEquals(r.status, 1)
  lu.assertStrContains(r.err, "code = 7")
end

function TestCommand.test_output_that_is_lost()
  local path = script "print 'gone'"
  local r = run({ "-c", support.executable .. " " .. path .. " >/dev/full" },
    { program = "sh" })
  lu.assertEquals(r.status, 1)
  lu.assertStrContains(r.err, "the output could not be written")
end

function TestCommand.test_models_are_built_in()
  local path = script "print(#require 'models.lenet' {}.params)"
  local r = run({ path }, { folder = "/" })
  lu.assertEquals({ r.status, r.out, r.err }, { 0, "8\n", "" })
end

function TestCommand.test_modules_beside_the_script_are_found()
  local folder = support.folder()
  support.write(folder .. "/mine.lua", "return 42")
  support.write(folder .. "/s.lua", "print(require 'mine')")
  local r = run({ folder .. "/s.lua" }, { folder = "/" })
  lu.assertStrMatches(r.out, "42\t.*")
end

-- A file does not take the place of a stream that is closed, and get what is printed.
function TestCommand.test_closed_streams()
  local folder = support.folder()
  local path = support.write(folder .. "/s.lua", [[
    local file = io.open(arg[1], "w")
    io.stderr:write "lost" io.stdout:write "lost"
    file:write(tostring(io.read "l")) file:close()]])
  for streams, status in pairs { [">/dev/null 2>&-"] = 0, [">&- 2>&-"] = 1,
                                 ["<&- >/dev/null 2>&1"] = 0 } do
    local command = ("'%s' '%s' '%s/out' </dev/null %s"):format(support.executable, path, folder,
      streams)
    local _, _, got = os.execute(command)
    lu.assertEquals({ support.read(folder .. "/out"), got, streams }, { "nil", status, streams })
  end
end

-- Coroutines are the command's own, which keeps account of those that run: as stock Lua has them.
function TestCommand.test_coroutines_are_as_in_lua()
  local path = support.write(support.folder() .. "/s.lua", [[
    local wrap, create, resume = coroutine.wrap, coroutine.create, coroutine.resume
    local function nest(n) return n == 0 and 0 or 1 + wrap(nest)(n - 1) end
    local function nest_in(n)
      if n == 0 then return 0 end
      return 1 + select(2, assert(resume(create(nest_in), n - 1)))
    end
    print(nest(190), nest_in(190), select(2, pcall(nest, 1000)):match "C stack overflow")
    local function closes(what)
      return setmetatable({}, { __close = function()
        print "closed"
        if what then error(what) end
      end })
    end
    local bad = wrap(function() local _ <close> = closes() error "bad" end)
    print(pcall(bad)) print(pcall(bad))
    print(pcall(wrap(function() local _ <close> = closes "in close" error "bad" end)))
    print(pcall(wrap(function() error { } end)))
    print(resume(create(function(...) return ... end)))
    local co = create(function(...) return coroutine.yield(...) end)
    print(resume(co, 1, nil, 3)) print(resume(co, nil)) print(resume(co))
    print(resume(coroutine.running()))
    print(select("#", resume(create(function(...) return ... end), table.unpack({}, 1, 400000))))
    print(resume(create(function(...) return select("#", ...) end), table.unpack({}, 1, 600000)))
    co = create(function() local _ <close> = closes "late" coroutine.yield() end)
    print(resume(co)) print(coroutine.close(co)) print(coroutine.status(co), coroutine.close(co))
    print(pcall(coroutine.close, coroutine.running()))
    local own own = wrap(function() return pcall(own) end) print(own())]])
  local results = {}
  for i, program in ipairs { support.executable, "lua5.4" } do
    local r = support.run({ path }, { program = program })
    results[i] = { (r.out:gsub("0x%x+", "somewhere")), r.err, r.status }
  end
  lu.assertEquals(results[1], results[2])
  lu.assertStrContains(results[1][1], "190\t190\tC stack overflow\n")
end

TestStatuses = {}

function TestStatuses.test_finished()
  local r = train "solver = { base_lr = 0.01, max_iter = 5 }"
  lu.assertEquals({ r.status, r.out }, { 0, "finished\t5\n" })
  lu.assertStrContains(r.err, "first loss") -- progress and log go to stderr
  lu.assertNil(r.err:find("\r", 1, true)) -- plain lines where no terminal is
end

function TestStatuses.test_diverged()
  local r = train "solver = { base_lr = 1e30, max_iter = 50 }, retry = { max = 1 }"
  lu.assertEquals(r.status, 3)
  lu.assertStrContains(r.out, "diverged")
  lu.assertStrMatches(r.err, ".*diverged at %d+: loss .*%(rule R[123].*Back to the start, "
    .. "base_lr 1e%+30 %-> 1e%+29, attempt 2 %(retry 1 of 1%)%..*")
end

-- What was tried, and what to do next, by the reason why no try is left.
function TestStatuses.test_the_advice_at_the_end()
  local function advice(retry)
    return train(("solver = { base_lr = 1e30, max_iter = 50 }, retry = { %s }"):format(retry)).err
  end
  local err = advice "max = 2"
  lu.assertStrContains(err, "\ntried base_lr 1e+30, 1e+29, 1e+28: it diverged at each.\n"
    .. "next: a base_lr below 1e+28, or retry = { max = 4 }. ")
  lu.assertStrContains(err, "\ndiverged: the net is as it was at 0\n")
  lu.assertNil(err:find("-nan", 1, true))
  local small = "--data=fashion_mnist:tests/data/fashion_mnist"
  local command = run { "train", "lenet", small, "--base_lr=1e9", "--max_iter=9",
                        "--prefix=" .. support.folder() .. "/x" }
  lu.assertEquals(command.status, 3)
  lu.assertStrContains(command.err, "\nnext: a base_lr below 1e+04. Where rates far")
  lu.assertStrContains(advice "min_scale = 0.5", "or retry = { min_scale = 0.0005 }. ")
  lu.assertNil(advice("max = 0"):find("tried", 1, true))
  local r = run { script(training:format
    "quiet = true, solver = { base_lr = 1e30, max_iter = 50 }, retry = false"
    .. "print(run.loss)") }
  lu.assertStrMatches(r.out, "diverged\t%d+\n[%w.+]+\n") -- nan, inf or large, and no -nan
end

-- Where nothing was tried, the commands that try it, as they are typed.
function TestStatuses.test_the_advice_without_retries()
  local words = { "train", "lenet", "--data=fashion_mnist:tests/data/fashion_mnist", "--base_lr",
                  "1e9", "--retry=false", "--max_iter=9",
                  "--prefix=" .. support.folder() .. "/a b" }
  local r = run(words)
  local prefix = "'" .. words[8] .. "'"
  local begin = ("\nnext: %s train lenet %s"):format(support.executable, words[3])
  lu.assertStrContains(r.err, ("%s --base_lr 1e9 --max_iter=9 %s\n"):format(begin, prefix))
  lu.assertStrContains(r.err, ("%s --retry=false --max_iter=9 %s --base_lr=1e+08\n"):format(begin,
    prefix))
end

function TestStatuses.test_recovered()
  local options = [[solver = { base_lr = 1e6, max_iter = 50 }, retry = { max = 8, factor = 0.01,
    min_scale = 1e-12 }]]
  local r = train(options)
  lu.assertEquals(r.status, 0)
  lu.assertStrMatches(r.err, ".*recovered: %d+ retr[a-z]+, base_lr 1e%+06 %-> .*")
  lu.assertEquals(train(options, { "--strict" }).status, 4)
end

-- Behind the command as well; a script is told where it goes.
function TestStatuses.test_strict_behind_the_command()
  local words = { "train", "mlp", "--hidden=8", "--data=blobs", "--max_iter=50", "--base_lr=1000",
                  "--strict", "--prefix=" .. support.folder() .. "/x" }
  local r = run(words)
  lu.assertStrContains(r.err, "\nrecovered: ")
  lu.assertEquals(r.status, 4)
  r = run { script "require 'lander'.args { base_lr = 1 }", "--strict" }
  lu.assertEquals(r.status, 2)
  lu.assertStrContains(r.err, "--strict is lander's own: it goes before the script")
end

function TestStatuses.test_a_retry_without_an_attempt_left()
  local path = script(('local function attempt(base_lr)\n%s\nreturn run end\n'):format(
    training:format "solver = { base_lr = 1e30 * base_lr, max_iter = 50 }, retry = false")
    .. "require 'lander'.retry { base_lr = 1, attempts = 2, attempt = attempt }")
  local r = run { path }
  lu.assertEquals(r.status, 3)
  lu.assertStrContains(r.err, "none of 2 attempts finished")
end

function TestStatuses.test_bad_data()
  local r = train [[solver = { base_lr = 0.1, max_iter = 5 }, on_iter = function()
    y:fill_(9) x:fill_(0/0) end]]
  lu.assertEquals(r.status, 5)
  lu.assertStrContains(r.err, "sample")
end

function TestStatuses.test_last_save_fails()
  local folder = support.folder()
  local r = train(([[solver = { base_lr = 0.1, max_iter = 5 }, snapshot_prefix = "%s/sub/run",
    on_iter = function() os.execute "rm -rf '%s/sub'" end]]):format(folder, folder))
  lu.assertEquals(r.status, 6)
  lu.assertStrContains(r.err, "could not be saved")
end

TestSignals = {}

-- The thread sanitizer holds a signal back until the program makes a system call.
local holds_signals = support.executable:find "/tsan/" ~= nil
local why = "the thread sanitizer holds signals back"

-- What is waited for has half a minute: a busy machine stands still for a second now and then.
local patience = [[
until_true() {
  for i in $(seq 600); do "$@" && return; sleep 0.05; done
}
]]

-- Runs a script and sends it a signal when it has said that it is ready.
local function interrupted(text, signals)
  local folder = support.folder()
  local path = support.write(folder .. "/s.lua", text)
  local program = support.write(folder .. "/go.sh", patience .. ([[
'%s' '%s' >'%s/out' 2>'%s/err' &
pid=$!
cd '%s'
until_true grep -qs ready out
%s
wait $pid
]]):format(support.executable, path, folder, folder, folder, signals))
  local _, _, status = os.execute("sh '" .. program .. "'")
  local out, err = support.read(folder .. "/out"), support.read(folder .. "/err")
  return { status = status, out = out, err = err }
end

function TestSignals.test_a_training_stops_after_its_iteration()
  for _, signal in ipairs { "INT", "TERM" } do
    local r = interrupted(training:format [[solver = { base_lr = 0.01, max_iter = 100000000 },
      on_iter = function(e) if e.iter == 10 then print "ready" io.stdout:flush() end end]],
      "kill -" .. signal .. " $pid")
    lu.assertEquals(r.status, 130)
    lu.assertStrContains(r.out, "stopped") -- the script went on to its end
  end
end

-- SIGHUP: a snapshot; SIGUSR1: the status line; the training goes on. Then Ctrl-C: what is said
-- at its end is of the net that was trained, and what to type next.
function TestSignals.test_what_a_training_is_asked_for()
  local prefix = support.folder() .. "/run"
  local r = interrupted(training:format(([[solver = { base_lr = 0.01, max_iter = 100000000 },
    test_data = lander.data.tensors(x, y), test_interval = 50000000, snapshot_prefix = %q,
    display = 0, on_iter = function(e) if e.iter == 10 then print "ready" io.stdout:flush() end end,
    on_snapshot = function(e) print("snapshot", e.iter) io.stdout:flush() end]]):format(prefix)),
    "kill -USR1 $pid; until_true grep -qs 'left$' err; "
      .. "kill -HUP $pid; until_true grep -qs snapshot out; kill -INT $pid")
  lu.assertEquals(r.status, 130)
  lu.assertStrMatches(r.err, ".*\n%d+/100000000  loss [^\n]* left\n.*")
  lu.assertStrMatches(r.out, "ready\nsnapshot\t%d+\n.*stopped\t%d+\n")
  lu.assertStrMatches(r.err, ".*\nstopped at %d+ %(signal%): loss [%w.%-]+\n.*")
  lu.assertStrContains(r.err, "\nnext: " .. support.executable .. " resume " .. prefix .. "\n")
  lu.assertNil(r.err:find("best accuracy", 1, true)) -- no net but the untrained one was tested
end

function TestSignals.test_lua_code_is_interrupted()
  lu.skipIf(holds_signals, why)
  local r = interrupted("print 'ready' io.stdout:flush() while true do end", "kill -INT $pid")
  lu.assertEquals(r.status, 130)
  lu.assertStrContains(r.err, "interrupted")
end

-- What closes a coroutine is Lua code too.
function TestSignals.test_closing_a_coroutine_is_interrupted()
  lu.skipIf(holds_signals, why)
  for _, how in ipairs { "coroutine.wrap(f)()", "local co = coroutine.create(f) "
    .. "coroutine.resume(co) assert(coroutine.close(co))" } do
    local r = interrupted(([[
      local ends = setmetatable({}, { __close = function()
        print "ready" io.stdout:flush() while true do end
      end })
      local function f(...)
        local _ <close> = ends
        if coroutine.isyieldable() and %s then coroutine.yield() end
        error "closes"
      end
      ]]):format(how:find "close" ~= nil) .. how, "kill -INT $pid")
    lu.assertEquals(r.status, 130)
    lu.assertStrContains(r.err, "interrupted")
  end
end

function TestSignals.test_a_second_signal_ends_it_at_once()
  lu.skipIf(holds_signals, why)
  local r = interrupted(
    "print 'ready' io.stdout:flush() while true do pcall(function() while true do end end) end",
    -- On a busy machine two may come as one.
    "for i in $(seq 100); do kill -INT $pid 2>/dev/null || break; sleep 0.2; done")
  lu.assertEquals(r.status, 130)
end

-- Also while data are read or a net is made, whatever becomes of what fails there.
function TestSignals.test_before_the_training_begins()
  lu.skipIf(holds_signals, why)
  local model = support.write(support.folder() .. "/m.lua",
    "return function() io.popen('kill -INT $PPID'):close() while true do end end")
  local r = run { "train", model, "--data=blobs" }
  lu.assertEquals({ r.status, r.out }, { 130, "" })
  lu.assertStrContains(r.err, "interrupted")
end

-- Nobody types what would come next.
function TestSignals.test_ctrl_c_ends_a_session_that_is_piped_in()
  lu.skipIf(holds_signals, why)
  for _, lines in ipairs { "print 'ready' while true do end\nprint 'and on'\n",
                           "print 'ready'\n" } do
    local folder = support.folder()
    local path = support.write(folder .. "/lines", "io.stdout:setvbuf 'no'\n" .. lines)
    local _, _, status = os.execute(patience .. ([[
      mkfifo '%s/pipe'
      '%s' <'%s/pipe' >'%s/out' 2>'%s/err' & pid=$!
      cd '%s'
      exec 3>pipe; cat '%s' >&3 # it stays open: more could come
      until_true grep -qs ready out
      for i in $(seq 100); do kill -INT $pid 2>/dev/null || break; sleep 0.2; done
      wait $pid]]):format(folder, support.executable, folder, folder, folder, folder, path))
    lu.assertEquals({ status, support.read(folder .. "/out") }, { 130, "true\nready\n" })
  end
end

TestCommands = {}

function TestCommands.test_a_dry_run_does_not_speak_of_files()
  local r = run { "train", "mlp", "--data=blobs", "--dry_run", "--prefix="
    .. support.folder() .. "/a" }
  lu.assertEquals(r.status, 0)
  lu.assertStrContains(r.err, "(dry_run)")
  lu.assertNil(r.err:find "saved" or r.err:find "_dry_run%.")
end

-- Each has files of its own; one that could not begin leaves none.
function TestCommands.test_trainings_that_begin_at_once()
  local folder = support.folder()
  local program = support.executable:find "^/" and support.executable
    or io.popen("pwd"):read "l" .. "/" .. support.executable
  os.execute(([[
    cd '%s' && for i in 1 2 3 4 5 6; do
      '%s' train mlp --data=blobs --max_iter=3 --quiet >/dev/null 2>&1 &
    done
    '%s' train mlp --data=none.csv >/dev/null 2>&1
    '%s' train mlp --data=blobs --batch_size=100000 --momentum=7 >/dev/null 2>&1
    wait]]):format(folder, program, program, program))
  local journals = 0
  for _, name in ipairs(core.list_dir(folder .. "/runs")) do
    if name:find "%.jsonl$" then
      local _, starts = support.read(folder .. "/runs/" .. name):gsub('"event":"start"', "")
      lu.assertEquals({ name, starts }, { name, 1 })
      journals = journals + 1
    end
  end
  lu.assertEquals(journals, 6)
end

function TestCommands.test_a_training_without_a_script()
  local folder = support.folder()
  local r = run({ "train", "mlp", "--data=blobs", "--max_iter=30", "--batch_size=16",
                  "--base_lr=0.01", "--prefix=" .. folder .. "/run", "--snapshot=20" })
  lu.assertEquals({ r.status, r.out:match "%S+ %S+" }, { 0, "finished 30" }) -- sizes of the data
  lu.assertStrMatches(r.err, ".*\ndata +input +2 .*linear1 +linear +512 .*linear3 +linear +3 .*")
  local model = support.write(folder .. "/two.lua",
    "return function(o) return require 'models.mlp' { 2, 8, o.classes } end")
  r = run({ "train", model, "--data=blobs", "--max_iter=30", "--batch_size=16", "--base_lr=0.01",
            "--prefix=" .. folder .. "/two", "--snapshot=20", "--type=adam", "--momentum=0.9" })
  lu.assertEquals(r.status, 0)
  lu.assertStrMatches(r.out, "finished 30 %S+ [01]%.?%d*\n") -- loss and accuracy
  r = run { "test", folder .. "/two.npz", "--data=blobs", "--part=test" }
  lu.assertStrMatches(r.out, "loss %S+, accuracy 0?1?%.%d+, 30 samples\n")
  r = run { "summary", folder .. "/run.npz" }
  lu.assertStrContains(r.out, "linear1")
  r = run { "summary", "lenet", "--dot" }
  lu.assertStrContains(r.out, "digraph net")
  r = run { "info", folder .. "/run.npz", folder .. "/run_iter_20.npz", folder .. "/run.jsonl" }
  lu.assertStrContains(r.out, "a saved net")
  lu.assertStrContains(r.out, "a snapshot")
  lu.assertStrContains(r.out, "finished at iteration 30")
  require("lander").save_npy(folder .. "/x.npy", require("lander").zeros(2, 2))
  r = run { "predict", folder .. "/run.npz", folder .. "/x.npy", "--top=2" }
  lu.assertStrMatches(r.out, ".*x.npy, sample 1  class %d [%d.]+%%  class %d [%d.]+%%\n.*x.npy, "
    .. "sample 2  class .*")
  r = run { "time", folder .. "/run.npz", "--batch=4", "--seconds=0.01" }
  lu.assertStrContains(r.out, "forward")
end

-- Without a prefix no older run is written over.
function TestCommands.test_a_training_takes_a_free_name()
  local folder = support.folder()
  support.write(folder .. "/two.lua",
    "return function(o) return require 'models.mlp' { 2, 8, o.classes } end")
  local function train_two(...)
    return run({ "train", "two.lua", "--data=blobs", "--snapshot=5", "--max_iter=10", ... },
      { folder = folder }).err
  end
  lu.assertStrContains(train_two(), "saved: runs/train_two.npz")
  lu.assertStrContains(train_two(), "saved: runs/train_two_2.npz")
  lu.assertStrContains(train_two "--resume=latest", "from runs/train_two_2_iter_10.npz")
  local r = run({ "resume", "runs/train_two" }, { folder = folder })
  lu.assertStrContains(r.err, "resumed from runs/train_two_iter_10.npz at iteration 10")
  local err = train_two "--prefix=runs/train_two"
  lu.assertStrContains(err, "\nruns/train_two: the files of an older run are written over\n")
  lu.assertStrContains(err, "saved: runs/train_two.npz")
  lu.assertFalse(support.exists(folder .. "/runs/train_two_3.npz"))
end

-- A run that is finished says so, and what to type; words behind it come behind its own.
function TestCommands.test_a_run_that_is_finished()
  local folder = support.folder()
  local function lander_(...) return run({ ... }, { folder = folder }) end
  lander_("train", "mlp", "--hidden=4", "--data=blobs", "--max_iter=20", "--snapshot=10",
    "--prefix=a")
  local r = lander_("resume", "a")
  lu.assertEquals(r.status, 0)
  lu.assertStrMatches(r.out, "finished 20 [%d.]+ [%d.]+\n") -- the loss that it had
  lu.assertStrContains(r.err, " train mlp --hidden=4 --data=blobs --max_iter=20 --snapshot=10 ")
  lu.assertStrMatches(r.err, ".*\nit is finished: 20 of 20 iterations are done; %S+ resume a "
    .. "%-%-max_iter=40 makes it longer\n.*")
  r = lander_("resume", "a", "--max_iter=30")
  lu.assertStrMatches(r.err, "%S+ train mlp [^\n]*%-%-max_iter=30\n.*")
  lu.assertNil(r.err:find("--max_iter=20", 1, true)) -- it can be typed as it stands
  lu.assertStrMatches(r.out, "finished 30 [%d.]+ [%d.]+\n")
  -- Without a snapshot it would begin anew, over what is there.
  lander_("train", "mlp", "--hidden=4", "--data=blobs", "--max_iter=20", "--prefix=b",
    "--snapshot=0")
  local before = support.read(folder .. "/b.npz")
  r = lander_("resume", "b")
  lu.assertEquals({ r.status, r.out, support.read(folder .. "/b.npz") }, { 2, "", before })
  lu.assertStrMatches(r.err, ".*b is finished and has no snapshot to go on from %(%-%-snapshot=100 "
    .. "would have kept one%). To train its net further: %S+ train b.npz\n")
  -- Which takes the data that it was trained on.
  lu.assertStrContains(lander_("train", "b.npz", "--max_iter=2").err,
    "data: 270 samples of 2, 3 classes, 30 to test")
end

function TestCommands.test_a_run_goes_on_with_its_own_script()
  local folder = support.folder()
  local path = support.write(folder .. "/s.lua", ([[
    local lander = require "lander"
    local support = require "tests.support"
    local opt = lander.args { max_iter = 10 }
    local run = lander.train { net = support.mlp(1), data = support.blobs(64), batch_size = 16,
      solver = { base_lr = 0.1, max_iter = 20 }, snapshot = 10, snapshot_prefix = %q,
      on_iter = function(e) if e.iter == opt.max_iter then return "stop" end end }
    print(run.status, run.iter)
  ]]):format(folder .. "/run"))
  lu.assertEquals(run({ path, "--max_iter=10" }).out, "stopped\t10\n")
  local r = run { "resume", folder .. "/run" }
  lu.assertStrContains(r.err, "resumed from " .. folder .. "/run_iter_10.npz at iteration 10")
  lu.assertStrContains(r.out, "finished\t20")
  lu.assertStrContains(run({ "resume", folder .. "/none" }).err, "there is no run '")
  support.write(folder .. "/old.jsonl", '{"event":"start"}\n')
  lu.assertStrContains(run({ "resume", folder .. "/old" }).err, "does not say what script")
  -- A run may be given by any of its files.
  for _, ending in ipairs { "", ".jsonl", ".npz", ".html", ".log", "_iter_10.npz", "_best.npz" } do
    r = run { "plot", folder .. "/run" .. ending, "--to=" .. folder .. "/x.txt" }
    lu.assertEquals({ ending, r.status }, { ending, 0 }, r.err)
  end
end

-- Data of every kind, by one word.
function TestCommands.test_data_by_a_word()
  local lander = require "lander"
  local folder = support.folder()
  local function at(name) return folder .. "/" .. name end
  local rows = { "a,b,kind" }
  for i = 1, 60 do -- class by class
    local class = i <= 30 and 0 or 1
    rows[i + 1] = ("%d.%02d,%d,%s"):format(5 * class, i, -class, class == 0 and "left" or "right")
  end
  support.write(at "t,1.csv", table.concat(rows, "\n"))
  support.write(at "two.lua",
    "return function(o) return require 'models.mlp' { 2, 8, o.classes } end")
  local csv = "--data=csv:t,1.csv,y=kind"
  local function lander_(...) return run({ ... }, { folder = folder }) end
  local r = lander_("train", "two.lua", csv, "--max_iter=60", "--base_lr=0.1")
  lu.assertStrMatches(r.out, "finished 60 %S+ 1\n")
  lu.assertStrContains(r.err, "data: 54 samples of 2, 2 classes, 6 to test")
  local program = r.err:match "\nnext: (%S+) plot runs/train_two\nnext: "
  lu.assertStrContains(r.err, "\nnext: " .. program .. " test runs/train_two.npz\nnext: " .. program
    .. " predict runs/train_two.npz t,1.csv\n")
  lu.assertStrContains(program, support.executable) -- as it was called
  r = lander_("test", "runs/train_two.npz") -- which knows what it was trained on
  lu.assertEquals(r.err, "data: csv:t,1.csv,y=kind, the test part\n")
  lu.assertStrContains(r.out, "1.0000, 6 samples")
  r = lander_("test", "runs/train_two.npz", csv)
  lu.assertStrContains(r.out, "1.0000, 60 samples")
  lu.assertEquals(r.err, "data: csv:t,1.csv,y=kind, all of it\n")
  lu.assertStrContains(lander_("test", "runs/train_two.npz", csv, "--part=test").out,
    "1.0000, 6 samples")
  -- The page names the classes.
  lu.assertStrContains(support.read(at "runs/train_two.html"), ">right<")
  r = lander_("predict", "runs/train_two.npz", csv, "--top=1")
  lu.assertStrMatches(r.out, "t,1.csv, line 2  left [%d.]+%%\nt,1.csv, line 3  left .*line 61  "
    .. "right [%d.]+%%\n")
  -- The test part of its own, whose names are the training's.
  support.write(at "new.csv", "a,b,kind\n5.5,-1,right\n5.6,-1,right\n")
  r = lander_("train", "two.lua", csv .. ",test=new.csv", "--max_iter=5")
  lu.assertStrContains(r.err, "60 samples of 2, 2 classes, 2 to test")
  lu.assertStrContains(lander_("test", "runs/train_two.npz", csv .. ",test=new.csv").out,
    "1.0000, 2 samples")
  -- NumPy's arrays, IDX files, made up ones.
  lander.save_npy(at "x.npy", lander.randn(20, 2))
  lander.save_npy(at "y.npy", lander.arange(0, 19):mul(0))
  r = lander_("train", "two.lua", "--data=npy:x.npy,y.npy,classes=2", "--max_iter=5")
  lu.assertStrContains(r.err, "18 samples of 2, 2 classes, 2 to test")
  local idx = "tests/data/fashion_mnist/t10k-"
  r = run { "train", "lenet", ("--data=idx:%simages-idx3-ubyte.gz,%slabels-idx1-ubyte.gz,limit=40")
    :format(idx, idx), "--max_iter=2", "--prefix=" .. at "idx" }
  lu.assertStrContains(r.err, "36 samples of 1x28x28, 10 classes, 4 to test")
  r = run { "train", "mlp", ("--data=idx:%simages-idx3-ubyte.gz,%slabels-idx1-ubyte.gz,limit=40")
    :format(idx, idx), "--hidden=7,6", "--max_iter=2", "--prefix=" .. at "idx2" }
  lu.assertStrMatches(r.err, ".*flatten1 +flatten +784 .*linear1 +linear +7 .*linear2 +linear +6 .*"
    .. "linear3 +linear +10 .*")
  -- A model that is told the size of its input.
  r = lander_("train", "resnet20", "--data=images:none", "--max_iter=1")
  lu.assertEquals(r.status, 2)
  r = lander_("train", "two.lua", "--data=blobs:n=50,classes=2", "--max_iter=5")
  lu.assertStrContains(r.err, "45 samples of 2, 2 classes, 5 to test")
end

function TestCommands.test_data_that_are_pictures()
  local lander = require "lander"
  local folder = support.folder()
  for _, class in ipairs { "bright", "dark" } do
    lander.core.make_dir(folder .. "/p/" .. class)
    for i = 1, 10 do
      local shade = class == "bright" and 0.8 or 0.2
      lander.image(lander.full(shade, 6, 5), { to = ("%s/p/%s/%d.png"):format(folder, class, i) })
    end
  end
  support.write(folder .. "/p/dark/x.gif", "GIF89a")
  support.write(folder .. "/net.lua", "local nn = require 'lander'.nn return function(o) return "
    .. "nn.net { nn.input { 3, 6, 5 }, nn.linear { o.classes or 2 } } end")
  local r = run({ "train", "net.lua", "--data=images:p", "--max_iter=100", "--base_lr=0.1",
                  "--prefix=runs/p" }, { folder = folder })
  if r.err:find "is not installed" then lu.skip(r.err) end
  lu.assertStrMatches(r.out, "finished 100 %S+ 1\n")
  lu.assertStrContains(r.err, "1 thing in 'p' is left out, such as p/dark/x.gif: only .png")
  r = run({ "predict", "runs/p.npz", "p/dark/1.png", "p/bright/1.png", "--top=1" },
    { folder = folder })
  lu.assertStrMatches(r.out, "p/dark/1.png  dark [%d.]+%%\np/bright/1.png  bright [%d.]+%%\n")
  r = run({ "predict", "runs/p.npz", "--data=images:p", "--top=1" }, { folder = folder })
  lu.assertStrMatches(r.out, "p/bright/1.png  bright [%d.]+%%\n.*p/dark/9.png  dark [%d.]+%%\n")
  -- A picture of another size is brought to the net's; data beside files are not predicted.
  lander.image(lander.full(0.8, 40, 30), { to = folder .. "/large.png" })
  r = run({ "predict", "runs/p.npz", "large.png", "--data=images:p", "--top=1" },
    { folder = folder })
  lu.assertStrMatches(r.out, "large.png  bright [%d.]+%%\n")
  -- A picture is scaled as the data were: a net of one weight shows its input.
  support.write(folder .. "/one.lua", "local nn = require 'lander'.nn return nn.net { "
    .. "nn.input { 3, 1, 1 }, nn.flatten {}, nn.linear { 2, bias = false, "
    .. "weight_filler = { 'constant', value = 1 } }, nn.softmax {} }")
  r = run({ "train", "one.lua", "--data=images:p,size=1x1,mean=0.5,std=0.1", "--max_iter=60",
            "--base_lr=0.1", "--prefix=runs/one" }, { folder = folder })
  lu.assertStrMatches(r.out, "finished 60 %S+ 1\n")
  r = run({ "predict", "runs/one.npz", "p/dark/1.png", "large.png", "--top=1" },
    { folder = folder })
  lu.assertStrMatches(r.out, "p/dark/1.png  dark [%d.]+%%\nlarge.png  bright [%d.]+%%\n")
end

-- A net that was trained on parts of pictures is shown their middle.
function TestCommands.test_parts_of_pictures()
  local lander = require "lander"
  local folder = support.folder()
  for _, class in ipairs { "frame", "plain" } do -- which differ at the edge, and in the middle
    lander.core.make_dir(folder .. "/p/" .. class)
    for i = 1, 10 do
      local picture = lander.full(0.5, 10, 8)
      if class == "frame" then picture:narrow(1, 4, 4):narrow(2, 4, 2):fill_(i / 20 + 0.5) end
      lander.image(picture, { to = ("%s/p/%s/%d.png"):format(folder, class, i) })
    end
  end
  local function lander_(...) return run({ ... }, { folder = folder }) end
  local r = lander_("train", "mlp", "--hidden=16", "--data=images:p,size=10x8,channels=1",
    "--crop=6", "--max_iter=300", "--base_lr=0.1", "--prefix=m")
  if r.err:find "is not installed" then lu.skip(r.err) end
  lu.assertEquals(r.status, 0, r.err)
  local said = r.err:match "\ntest at 300: (loss %S+), accuracy"
  lu.assertStrContains(lander_("test", "m.npz").out, said)
  r = lander_("predict", "m.npz", "p/frame/10.png", "p/plain/1.png", "--top=1")
  lu.assertStrMatches(r.out, "p/frame/10.png  frame [%d.]+%%\np/plain/1.png  plain [%d.]+%%\n")
  local file, data = r.out:match "plain ([%d.]+)", lander_("predict", "m.npz", "--data=images:p",
    "--top=1").out:match "p/plain/1.png  plain ([%d.]+)"
  lu.assertEquals(file, data)
  lu.assertStrContains(lander_("predict", "m.npz", "p/plain").err,
    "p/plain is a folder: p/plain/*.png names the pictures in it")
end

-- Rows have no target yet; a file is read and scaled as the net's own data were.
function TestCommands.test_rows_to_predict()
  local folder = support.folder()
  local rows, prices = { "size;rooms;kind" }, { "size,price" }
  for i = 1, 60 do
    rows[i + 1] = ("%d;%d;%s"):format(1000 * (i % 2), i, i % 2 == 0 and "flat" or "house")
    prices[i + 1] = ("%d,%d"):format(100 * i, 1000000 + 5000 * i)
  end
  support.write(folder .. "/t.csv", table.concat(rows, "\n"))
  support.write(folder .. "/prices.csv", table.concat(prices, "\n"))
  support.write(folder .. "/new.csv", "size;rooms\n1000;7\n0;7\n")
  support.write(folder .. "/bare.csv", "1000;7\n0;7\n")
  support.write(folder .. "/asked.csv", "size;rooms;kind\n1000;7;?\n0;7;\n")
  support.write(folder .. "/wide.csv", "size;rooms;more\n1000;7;1\n")
  local function lander_(...) return run({ ... }, { folder = folder }) end
  local kinds = "--data=csv:t.csv,y=kind,separator=;"
  local r = lander_("train", "mlp", "--hidden=8", kinds .. ",normalize=true", "--max_iter=60",
    "--base_lr=0.1", "--prefix=k")
  lu.assertStrMatches(r.out, "finished 60 %S+ 1\n")
  for _, name in ipairs { "new", "bare", "asked" } do
    r = lander_("predict", "k.npz", name .. ".csv", "--top=1")
    lu.assertStrMatches(r.out, "%l+.csv, line %d  house [%d.]+%%\n%l+.csv, line %d  flat "
      .. "[%d.]+%%\n", nil, nil,
      name .. r.err)
  end
  r = lander_("predict", "k.npz", "--data=csv:new.csv", "--top=1")
  lu.assertStrMatches(r.out, "new.csv, line 2  house [%d.]+%%\nnew.csv, line 3  flat [%d.]+%%\n")
  -- Columns are found by their names, in any order and beside others.
  lu.assertStrMatches(lander_("predict", "k.npz", "wide.csv", "--top=1").out,
    "wide.csv, line %d  house [%d.]+%%\n")
  support.write(folder .. "/turned.csv", "more;rooms;kind;size\n1;7;house;1000\n1;7;flat;0\n")
  lu.assertStrMatches(lander_("predict", "k.npz", "turned.csv", "--top=1").out,
    "turned.csv, line %d  house [%d.]+%%\nturned.csv, line %d  flat [%d.]+%%\n")
  lu.assertStrContains(lander_("test", "k.npz", "--data=csv:turned.csv").out, "accuracy 1.0000")
  support.write(folder .. "/other.csv", "income;age\n1000;7\n")
  lu.assertStrContains(lander_("predict", "k.npz", "other.csv").err,
    "other.csv: there is no column 'size' in its header")
  support.write(folder .. "/wrong.csv", "size;rooms\n1000;x\n")
  lu.assertStrContains(lander_("predict", "k.npz", "wrong.csv").err,
    "wrong.csv: line 2, column 2 (rooms): 'x' is no number")
  support.write(folder .. "/three.csv", "1000;7;1\n")
  lu.assertStrContains(lander_("predict", "k.npz", "three.csv").err,
    "three.csv has 3 columns for the input, a sample of this net is 2")
  lu.assertStrMatches(lander_("predict", "k.npz", "three.csv",
    "--data=csv:three.csv,separator=;,x=1:2", "--top=1").out,
    "three.csv, line %d  house [%d.]+%%\n")
  lu.assertStrContains(lander_("predict", "k.npz", "t.txt").err,
    "t.txt: a FILE is a .csv, .npy, .png or .jpg")
  -- Labels that are numbers are told as the table has them.
  for _, first in ipairs { 0, 5 } do
    local labels = { "a,label" }
    for i = 1, 40 do labels[i + 1] = ("%d,%d"):format(i % 2, first + i % 2) end
    support.write(folder .. "/labels.csv", table.concat(labels, "\n"))
    support.write(folder .. "/a.csv", "a\n1\n")
    local word = "--data=csv:labels.csv,y=label,classes=2" .. (first > 0 and ",first=5" or "")
    lander_("train", "mlp", "--hidden=4", word, "--max_iter=100", "--base_lr=0.5",
      "--prefix=l" .. first)
    lu.assertStrMatches(lander_("predict", ("l%d.npz"):format(first), "a.csv", "--top=1").out,
      ("a.csv, line 2  label %d [%%d.]+%%%%\n"):format(first + 1))
  end
  -- Numbers in their own units, and a loss for them.
  r = lander_("train", "mlp", "--hidden=8", "--data=csv:prices.csv,y=price", "--max_iter=2",
    "--base_lr=1e-15", "--prefix=raw")
  lu.assertNil(r.err:find("no better than chance", 1, true)) -- too short to tell
  lu.assertStrMatches(r.out, "finished 2 loss %S+ test_loss %S+\n") -- there is no accuracy
  lu.assertStrContains(r.err, "\nloss: mse_loss, as the targets are numbers\n")
  lu.assertStrMatches(r.err, ".*\nhint: input '%l+' has mean %S+ and deviation %S+, target "
    .. "'price' has mean %S+ and deviation %S+: nets learn badly [^\n]*; add ,normalize=true to "
    .. "%-%-data\n.*")
  r = lander_("train", "mlp", "--hidden=8", "--data=csv:prices.csv,y=price,normalize=true",
    "--max_iter=200", "--base_lr=0.05", "--prefix=p")
  local told = "mean absolute error [%d,.]+ %(price%), R2 [01]%.%d+"
  lu.assertStrMatches(r.err, ".*\nfinished at 200: loss %S+, test " .. told .. "\n.*")
  lu.assertStrMatches(lander_("test", "p.npz").out, "loss %S+, " .. told .. ", %d+ samples\n")
  lu.assertStrMatches(lander_("info", "p.npz").out, ".*\ndata +csv:prices.csv,y=price,"
    .. "normalize=true\ninputs +size\ntarget +price\nmean, deviation +size %S+ and %S+\n"
    .. "of the target +price %S+ and %S+\n")
  lu.assertStrMatches(lander_("info", "k.npz").out, ".*\ndata +csv:t.csv,y=kind,separator=;[^\n]*\n"
    .. "inputs +size, rooms\ntarget +kind\nclasses +2: flat, house\n.*")
  lu.assertNil(r.err:find("hint:", 1, true))
  lu.assertNil(r.err:find("no better than chance", 1, true))
  r = lander_("train", "mlp", "--hidden=8", "--data=csv:prices.csv,y=price", "--max_iter=100",
    "--base_lr=1e-15", "--prefix=slow")
  lu.assertStrMatches(r.err, ".*\nthe loss is no better than chance, %S+: nothing was learnt%..*")
  support.write(folder .. "/size.csv", "size\n3000\n")
  local price = tonumber(lander_("predict", "p.npz", "size.csv").out
    :match "size.csv, line 2  price (%d+)\n")
  lu.assertAlmostEquals(price, 1150000, 15000)
  lu.assertStrContains(lander_("train", "mlp", kinds .. ",normalize=3").err,
    "normalize must be true or false, found '3'")
end

-- A net that doesn't say what it was trained on is not tested on what happens to be there.
function TestCommands.test_a_test_wants_the_nets_data()
  local folder = support.folder()
  support.mlp(1):save(folder .. "/net.npz")
  local r = run { "test", folder .. "/net.npz" }
  lu.assertEquals({ r.status, r.out }, { 2, "" })
  lu.assertStrContains(r.err, "net.npz doesn't say what it was trained on: give --data=DATA")
  local small = "--data=fashion_mnist:tests/data/fashion_mnist"
  r = run { "test", folder .. "/net.npz", small }
  lu.assertEquals(r.status, 2)
  lu.assertStrMatches(r.err, ".*has samples of 1x28x28, %S+net.npz was trained on 2\n")
  -- Shapes come before classes.
  support.write(folder .. "/a.csv", "a,b,kind\n1,2,x\n3,4,y\n")
  support.write(folder .. "/b.csv", "a,kind\n1,z\n3,z\n")
  run({ "train", "mlp", "--hidden=2", "--data=csv:a.csv,y=kind", "--max_iter=1", "--prefix=a" },
    { folder = folder })
  lu.assertStrContains(run({ "test", "a.npz", "--data=csv:b.csv" }, { folder = folder }).err,
    "b.csv: there is no column 'b' in its header")
  support.write(folder .. "/bare.csv", "1,2,3,x\n")
  lu.assertStrContains(run({ "test", "a.npz", "--data=csv:bare.csv,y=-1,x=1:3" },
    { folder = folder }).err, "has samples of 3, a.npz was trained on 2")
  support.write(folder .. "/b.csv", "a,b,kind\n1,2,z\n3,4,z\n")
  lu.assertStrContains(run({ "test", "a.npz", "--data=csv:b.csv" }, { folder = folder }).err,
    "'z' is none of the 2 classes")
end

-- A model is told what the data are; where it is not for them, that is told before iteration 0.
function TestCommands.test_models_for_data_of_any_size()
  local lander = require "lander"
  local folder = support.folder()
  local function train_on(model, data)
    return run({ "train", model, "--data=" .. data, "--max_iter=1", "--batch_size=4",
                 "--prefix=" .. model:gsub("%.lua$", "") .. #data }, { folder = folder })
  end
  lander.save_npy(folder .. "/x.npy", lander.randn(12, 3, 16, 20))
  lander.save_npy(folder .. "/y.npy", lander.arange(0, 11))
  lander.save_npy(folder .. "/rows.npy", lander.randn(12, 5))
  support.write(folder .. "/net.lua", "local nn = require 'lander'.nn\nreturn function(o) return "
    .. "nn.net { nn.input(o.size), nn.flatten {}, nn.linear { o.outputs } } end")
  local pictures, labels = "npy:x.npy,y.npy", ",classes=12"
  local rows = "npy:rows.npy,y.npy"
  for _, words in ipairs { { "lenet", pictures .. labels, "linear2 .- 12 " },
    { "lenet", pictures, "mse_loss" }, { "net.lua", rows .. labels, "linear1 .- 12 " },
    { "net.lua", pictures, "linear1 .- 1 " } } do
    local r = train_on(words[1], words[2])
    lu.assertEquals(r.status, 0, r.err)
    lu.assertStrMatches(r.err, ".*" .. words[3] .. ".*")
  end
  local function refused(model, data, said)
    local r = train_on(model, data)
    lu.assertEquals({ r.status, r.out }, { model == "wrong.lua" and 1 or 2, "" })
    lu.assertStrContains(r.err, said)
  end
  refused("lenet", rows .. labels, "; it is for pictures; for rows of numbers there is mlp")
  refused("alexnet", pictures .. labels, "; of pictures, images:FOLDER,size=227x227 brings all")
  refused("autoencoder", rows, "autoencoder takes samples of 784, the data have 5; lander help ")
  support.write(folder .. "/fixed.lua", "local nn = require 'lander'.nn\n"
    .. "return nn.net { nn.input { 7 }, nn.linear { 2 } }")
  refused("fixed.lua", rows, "fixed.lua takes samples of 7, the data have 5; a file that returns")
  support.write(folder .. "/wrong.lua", "return function(o) return o.size.x.y end")
  refused("wrong.lua", rows, "wrong.lua:1: attempt to index")
  -- A script's own net.
  lu.assertStrContains(run { script [[local lander = require "lander"
    lander.train { net = require "models.mlp" { 5, 3 }, data = lander.data.synthetic.blobs(),
      solver = { base_lr = 0.1, max_iter = 3 } }]] }.err,
    "script.lua:2: lander.train: the data have samples of 2, the net's input 'data' takes 5")
end

-- What goes wrong in a command is told without places in the command's own files; a script keeps
-- its own.
function TestCommands.test_messages_name_no_places_of_ours()
  local folder = support.folder()
  local net, text = folder .. "/net.npz", support.write(folder .. "/x.txt", "no net")
  support.mlp(1):save(net)
  for _, words in ipairs {
    { "test", "nofile.npz" }, { "test", text }, { "info", text }, { "info", "nofile.npz" },
    { "summary", "nofile.lua" }, { "predict", net, "nofile.npy" }, { "predict", net, text },
    { "time", "lenet", "--batch=0" }, { "train", "lenet", "--max_iter=0" },
    { "train", "lenet", "--type=sdg" }, { "train", "lenet", "--data=npz:nofile" },
    { "plot", "nofile" }, { "report", "nofile" }, { "resume", "nofile" },
    { "-e", "lander.plot(3)" }, { "-e", "lander.image(3)" },
  } do
    local r = run(words)
    local said = table.concat(words, " ") .. ": " .. r.err
    lu.assertTrue(r.status == 1 or r.status == 2, said)
    lu.assertNil(r.err:find "[%w_]+/[%w_]+%.lua:%d+:", said)
  end
  lu.assertStrContains(run({ "-e", "local x = 1\nlander.plot(3)" }).err,
    "(command line):2: lander.plot: thing 1 is a number")
  local path = script "local lander = require 'lander'\n\nlander.plot(3)"
  lu.assertStrContains(run({ path }).err, "script.lua:3: lander.plot: thing 1 is a number")
  lu.assertStrContains(run({ "summary", script "\nerror 'mine'" }).err, "script.lua:2: mine")
end

function TestCommands.test_a_search_without_a_result()
  local folder = support.folder()
  local prefix = "--prefix=" .. folder .. "/t"
  local path = script("local opt = require 'lander'.args { base_lr = 1 }\n"
    .. training:format "solver = { base_lr = 1e5, max_iter = 50 }")
  -- A training of its own would go down to a rate that works; a trial of a rate does not.
  local r = run { "tune", path, "base_lr=1,2", prefix, "--metric=loss" }
  lu.assertEquals(r.status, 3, r.err)
  lu.assertStrContains(r.out, "2 diverged")
end

function TestCommands.test_another_search_with_the_same_files()
  local prefix = "--prefix=" .. support.folder() .. "/t"
  local path = script("local opt = require 'lander'.args { base_lr = 0.1 }\n"
    .. training:format "solver = { base_lr = opt.base_lr, max_iter = 5 }")
  local r = run { "tune", path, "base_lr=0.1,0.2", prefix, "--metric=loss" }
  lu.assertEquals(r.status, 0, r.err)
  r = run { "tune", path, "base_lr=0.1,0.3", prefix, "--metric=loss" }
  lu.assertStrContains(r.err, "(--no-resume begins anew, another prefix keeps both)")
  r = run { "tune", path, "base_lr=0.1,0.3", prefix, "--metric=loss", "--no-resume" }
  lu.assertEquals(r.status, 0, r.err)
end

function TestCommands.test_help_pages_and_completions_come_from_one_table()
  local help = run { "--help" }
  local man, all = run({ "help", "--man" }).out, {}
  for _, shell in ipairs { "bash", "zsh", "fish" } do
    all[shell] = run({ "help", "--completion=" .. shell }).out
  end
  for line in help.out:match("\ncommands[^\n]*\n(.*)\nExit"):gmatch "[^\n]+" do
    local command = line:match "^  (%l+)"
    lu.assertStrContains(man, ".SS lander " .. command)
    local r = run { command, "--help" }
    lu.assertEquals({ r.status, r.err }, { 0, "" })
    for option in r.out:gmatch "%-%-([%l_]+)" do
      if option ~= "no" and option ~= "help" then
        lu.assertStrContains(man:gsub("\\", ""), "--" .. option)
        lu.assertStrContains(all.bash, "--" .. option)
        lu.assertStrContains(all.fish, "-l " .. option)
      end
    end
    for shell, text in pairs(all) do lu.assertStrContains(text, command, false, shell) end
  end
  local train_help = run({ "train", "--help" }).out
  lu.assertStrMatches(train_help, ".* at%s+a lower rate %(yes%)\n.*")
  lu.assertStrMatches(train_help, ".* nothing left%s+behind %(no%)\n.*")
  for line in train_help:gmatch "[^\n]+" do -- of a window of 80 columns
    lu.assertTrue(#line <= 80 or not line:find "^  %-%-", line)
  end
  lu.assertStrContains(man, "csv:FILE,y=COLUMN")
  lu.assertEquals(run({ "help", "--completion=tcsh" }).status, 2)
  lu.assertStrContains(run({ "help", "conv" }).out, "kernel")
  lu.assertStrContains(run({ "help", "train" }).out, "usage: lander train")
  -- The shells themselves read it.
  local folder = support.folder()
  local path = support.write(folder .. "/lander.bash", all.bash)
  local r = run({ "-c", ". " .. path .. "; COMP_WORDS=(lander tr); COMP_CWORD=1; _lander; "
    .. "echo ${COMPREPLY[0]}" }, { program = "bash" })
  lu.assertEquals(r.out, "train\n")
end

function TestCommands.test_curves_and_a_search()
  local folder = support.folder()
  local path = support.write(folder .. "/s.lua", ([[
    local lander = require "lander"
    local opt = lander.args { base_lr = 0.1, momentum = 0.5, max_iter = 20 }
    local d = lander.data.synthetic.blobs()
    lander.train { net = require "models.mlp" { 2, 8, 3 }, data = d, test_data = d, quiet = true,
      batch_size = 16, retry = false, snapshot_prefix = %q, display = 5,
      solver = { base_lr = opt.base_lr, momentum = opt.momentum, max_iter = opt.max_iter } }
  ]]):format(folder .. "/run"))
  lu.assertEquals(run({ path }).status, 0)
  local r = run { "plot", folder .. "/run", "--to=" .. folder .. "/run.svg" }
  lu.assertEquals({ r.status, r.out, r.err }, { 0, folder .. "/run.svg\n", "" })
  lu.assertStrContains(support.read(folder .. "/run.svg"), "<svg")
  lu.assertStrContains(run({ "plot", folder .. "/run", "--what=rate" }).out, "rate")
  r = run { "report", folder .. "/run", folder .. "/run.jsonl", "--to=" .. folder .. "/two.html" }
  lu.assertEquals({ r.status, r.out }, { 0, folder .. "/two.html\n" }, r.err)
  r = run { "report", folder .. "/run", "--to=" .. folder .. "/one.html", "--title=One run",
            "--net=" .. folder .. "/run.npz", "--data=blobs" }
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrContains(support.read(folder .. "/one.html"), "<title>One run</title>")
  lu.assertStrContains(support.read(folder .. "/one.html"), ">Confusion matrix</h2>")
  r = run { "tune", path, "base_lr=0.0001,0.1", "momentum=0.5,0.9", "--prefix=" .. folder .. "/t",
            "--", "--max_iter=30" }
  lu.assertEquals({ r.status, select(2, r.out:gsub("done", "")) > 0 }, { 0, true }, r.err)
  local _, rows = support.read(folder .. "/t.jsonl"):gsub('"status":"done"', "")
  lu.assertEquals(rows, 4)
  lu.assertTrue(support.exists(folder .. "/t_trials/1.log")) -- in processes of their own
  lu.assertStrContains(support.read(folder .. "/run.jsonl"), '"iter":20,') -- the first run's own
  lu.assertEquals(run({ "tune", path, "--prefix=x" }).status, 2)
end
