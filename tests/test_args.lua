-- test_args.lua: options of a script from the command line.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"

local function args(defaults, ...)
  return lander.args(defaults, { [0] = "script.lua", ... })
end

-- A usage error: an object that says its exit status.
local function refused(text, defaults, ...)
  local ok, exit = pcall(args, defaults, ...)
  lu.assertFalse(ok)
  lu.assertEquals(exit.exit_status, 2)
  lu.assertStrContains(tostring(exit), text)
end

TestArgs = {}

function TestArgs.test_defaults_stay_without_words()
  local opt = args { base_lr = 0.01, name = "x", on = true }
  lu.assertEquals(opt, { base_lr = 0.01, name = "x", on = true })
end

function TestArgs.test_values_behind_equals_and_in_a_word_of_their_own()
  local opt = args({ base_lr = 0.01, max_iter = 10 }, "--base_lr=0.1", "--max_iter", "5")
  lu.assertEquals(opt.base_lr, 0.1)
  lu.assertEquals(opt.max_iter, 5)
  lu.assertEquals(math.type(opt.max_iter), "integer")
  lu.assertEquals(args({ n = 1 }, "--n", "-3").n, -3)
  lu.assertEquals(args({ n = 1 }, "--n=1e3").n, 1000)
  lu.assertEquals(args({ base_lr = 1 }, "--base-lr=0.5").base_lr, 0.5)
  lu.assertEquals(args({ ["my-n"] = 1 }, "--my-n=2")["my-n"], 2)
  lu.assertEquals(args({ s = "" }, "--s=a=b", "-5"), { "-5", s = "a=b" })
end

function TestArgs.test_flags()
  lu.assertEquals(args({ fast = false }, "--fast").fast, true)
  lu.assertEquals(args({ fast = true }, "--no-fast").fast, false)
  lu.assertEquals(args({ fast = true }, "--fast=false").fast, false)
  refused("--fast must be true or false, found 'maybe'", { fast = true }, "--fast=maybe")
end

function TestArgs.test_nested_tables()
  local defaults = { solver = { momentum = 0.9, type = "sgd" } }
  local opt = args(defaults, "--solver.momentum=0.95")
  lu.assertEquals(opt.solver, { momentum = 0.95, type = "sgd" })
  lu.assertEquals(defaults.solver.momentum, 0.9) -- the caller's table stays as it was
end

function TestArgs.test_lists()
  lu.assertEquals(args({ sizes = { 1, 2 } }, "--sizes=100,50,25").sizes, { 100, 50, 25 })
  lu.assertEquals(args({ names = { "a" } }, "--names=x,y").names, { "x", "y" })
end

function TestArgs.test_other_words_have_places()
  local opt = args({ "net.npz", n = 1 }, "other.npz", "--n=2", "more", "--", "--n=3")
  lu.assertEquals({ opt[1], opt[2], opt[3], opt.n }, { "other.npz", "more", "--n=3", 2 })
  lu.assertEquals(args({ "net.npz" })[1], "net.npz")
end

function TestArgs.test_usage_errors()
  refused("unknown option --base_rl, did you mean --base_lr?", { base_lr = 1 }, "--base_rl=2")
  refused("--n must be a number, found 'many'", { n = 1 }, "--n=many")
  refused("--n needs a value", { n = 1 }, "--n")
  refused("--n needs a value: --n=1\n", { n = 1, m = 1 }, "--n", "--m=1")
  refused("--n must be a finite number, found 'inf'", { n = 1 }, "--n=inf")
  refused("--n must be a finite number, found '-NaN'", { n = 1 }, "--n=-NaN")
  refused("--n must be finite numbers with commas between them, found 'inf'", { n = { 1 } },
    "--n=1,inf")
  refused("--n must be a finite number, found '1e999'", { n = 1 }, "--n=1e999")
  lu.assertEquals(args({ most = math.huge }, "--most=1e999").most, math.huge)
  -- A default that does nothing is no example.
  refused("--n needs a value: --n=NUMBER\n", { n = 0 }, "--n")
  refused("--s needs a value: --s=TEXT\n", { s = "" }, "--s")
  refused("unknown option --no-n", { n = 1 }, "--no-n")
  refused("'--=3' is no option", { n = 1 }, "--=3")
end

function TestArgs.test_wrong_defaults_are_the_scripts_error()
  local message = support.fails("the default of 'f' is a function", lander.args, { f = print })
  lu.assertStrContains(message, "lander.args")
  support.fails("takes a table of defaults", lander.args, 3)
end

function TestArgs.test_exit_statuses_of_the_command()
  local folder = support.folder()
  local script = support.write(folder .. "/s.lua", [[
    local lander = require "lander"
    local opt = lander.args { base_lr = 0.01, fast = false }
    print(opt.base_lr, opt.fast)
  ]])
  local run = support.run { script, "--base_lr=0.5", "--fast" }
  lu.assertEquals({ run.status, run.out }, { 0, "0.5\ttrue\n" })
  run = support.run { script, "--bas_lr=0.5" }
  lu.assertEquals({ run.status, run.out }, { 2, "" })
  lu.assertStrContains(run.err, "did you mean --base_lr?")
  run = support.run { script, "--help" }
  lu.assertEquals(run.status, 0)
  lu.assertStrContains(run.out, "--base_lr=NUMBER")
  lu.assertStrContains(run.out, "default 0.01")
  lu.assertEquals(run.err, "")
end

-- A table of the user's own is no exit of ours, whatever it has.
function TestArgs.test_an_error_that_says_an_exit_status()
  local run = support.run { "-e", "error { exit_status = 0, message = 'mine' }" }
  lu.assertEquals({ run.status, run.out }, { 1, "" })
  lu.assertStrContains(run.err, 'message = "mine"')
  run = support.run { "-e", "error(setmetatable({ exit_status = 7 }, { __tostring = function() "
    .. "return 'seven' end }))" }
  lu.assertEquals({ run.status, run.err:match "^[^\n]*" }, { 1, "lander: seven" })
end

function TestArgs.test_an_option_without_its_dashes_is_not_lost()
  local ok, exit = pcall(lander.args, { max_iter = 5 }, { "max_iter=50" })
  lu.assertFalse(ok)
  lu.assertEquals(exit.exit_status, 2)
  lu.assertStrContains(exit.message, "is written --max_iter=50")
  lu.assertEquals(lander.args({ max_iter = 5 }, { "--", "max_iter=50" })[1], "max_iter=50")
end
