-- test_repl.lua: exploring: piped in, and typed on a pseudo-terminal.
local lu = require "luaunit"
local support = require "tests.support"
local run = support.run

TestRepl = {}

local function repl(input)
  return run({}, { input = input })
end

function TestRepl.test_values_are_printed()
  local r = repl "1 + 1\n'text'\nnil\n{ 1, 2, { a = 1 }, x = true }\nx = 3\nx, x + 1\n"
  lu.assertEquals(r.out, '2\n"text"\nnil\n{ 1, 2, { a = 1 }, x = true }\n3\n4\n')
  lu.assertEquals({ r.status, r.err }, { 0, "" })
end

function TestRepl.test_what_is_not_a_number()
  local r = repl "0/0\n-(0/0)\n{ 0/0, -1/0 }\nlander.full(0/0, 1)[1]\n"
  lu.assertEquals(r.out, "nan\nnan\n{ nan, -inf }\nnan\n")
end

function TestRepl.test_unfinished_input_goes_on()
  local r = repl "for i = 1, 2 do\nprint(i)\nend\nf = function(x)\nreturn x * 2\nend\nf(4)\n"
  lu.assertEquals({ r.status, r.out }, { 0, "1\n2\n8\n" })
  r = repl '{ 1,\n2 }\n1 +\n2\n"a" ..\n"b"\n'
  lu.assertEquals({ r.status, r.out }, { 0, '{ 1, 2 }\n3\n"ab"\n' })
  r = repl "for i = 1, 2 do\n"
  lu.assertEquals(r.status, 1)
  lu.assertStrContains(r.err, "expected")
end

-- The last of several statements may be a value.
function TestRepl.test_a_value_behind_a_semicolon()
  local r = repl("x = 5; x\nx = 6; y = ';'; x, y\nx = 7; _\n"
    .. "x = 1; for i = 1, 2 do\nx = x + i end\nx")
  lu.assertEquals({ r.out, r.err, r.status }, { '5\n6\n";"\n6\n4\n', "", 0 })
end

function TestRepl.test_errors_do_not_end_it()
  local r = repl "error 'one'\nx = = 2\nundefined.field\nprint 'still here'\n"
  lu.assertEquals({ r.status, r.out }, { 1, "still here\n" })
  lu.assertStrContains(r.err, "one")
  lu.assertStrContains(r.err, "unexpected symbol")
  lu.assertStrContains(r.err, "undefined")
end

function TestRepl.test_a_function_that_is_misspelled()
  local r = repl "lander.trian {}\nlander.zeros(2):summ()\nlander.zeros(2):qqqqqq()\nprnt(1)\n"
  lu.assertStrContains(r.err, "nil value (field 'trian'), did you mean 'train'?\n")
  lu.assertStrContains(r.err, "nil value (method 'summ'), did you mean 'sum'?\n")
  lu.assertStrContains(r.err, "nil value (method 'qqqqqq')\n")
end

-- A field that is misspelled is nil in Lua; at the prompt it is told, in place of the nil.
function TestRepl.test_a_name_that_is_misspelled()
  local r = repl "lander.tran\nlander.data.csw\nlandr\nx = nil\nx\nlander.zeros(1).y\nnil\n"
  lu.assertEquals({ r.status, r.out }, { 0, ("nil\n"):rep(3) })
  lu.assertEquals(r.err, "there is no 'tran' in lander, did you mean 'train'?\n"
    .. "there is no 'csw' in lander.data, did you mean 'csv'?\n"
    .. "there is no 'landr', did you mean 'lander'?\n")
  r = repl "require 'models.lnet'\nrequire('models.x.y')\nprnt(1)\nconv {}\ntrain {}\n"
  lu.assertStrMatches(r.err, "input:1: there is no model 'lnet', did you mean 'lenet'%?; built in "
    .. "are alexnet, [^\n]*models/lnet.lua is no file\n"
    .. "input:1: there is no model 'x.y'; [^\n]*models/x/y.lua is no file\n"
    .. "[^\n]*'prnt'%), did you mean 'print'%?\n"
    .. "[^\n]*'conv'%), did you mean 'lander.nn.conv'%?\n"
    .. "[^\n]*'train'%), did you mean 'lander.train'%?\n")
end

function TestRepl.test_a_local_is_gone_with_its_line()
  local r = repl "local x, y = 5, 6\nx\nlocal z = 5 print(z)\nlocal function f() end\nlocal q\n"
  lu.assertEquals({ r.status, r.out }, { 0, "5\n" })
  lu.assertEquals(r.err, "x, y were local to this line and gone now; without 'local' it stays\n"
    .. "there is no 'x': it was local to its line\n"
    .. "f was local to this line and gone now; without 'local' it stays\n"
    .. "q was local to this line and gone now; without 'local' it stays\n")
end

-- Words for a shell, or for other shells than this one.
function TestRepl.test_words_of_other_shells()
  local function says(line, text)
    local r = repl(line .. "\n")
    lu.assertEquals({ line, r.status, r.out }, { line, 1, "" })
    lu.assertStrContains(r.err, text)
  end
  says("train lenet", "'train' is a command of the shell (lander train --help); here it is "
    .. "lander.train {")
  says("lander info runs/x.npz", "here it is lander.load")
  says("ls -l", "os.execute \"ls -l\"")
  says("!make it", "os.execute \"make it\"")
  says("cd ..", "the folder that lander was started in")
  says("%timeit f(x)", ":time f(x) is how")
  lu.assertEquals(repl("test = 5\ntest\ntime = nil\ntime or 3\n=1 + 1\n= 'x'\n").out,
    '5\n3\n2\n"x"\n')
  lu.assertEquals(repl("conv?\n").out, repl("help conv\n").out)
  lu.assertEquals(repl("?lander.train\n").out, repl("help train\n").out)
end

function TestRepl.test_tables()
  local r = repl [[
t = {} for i = 1, 1000 do t[i] = i end
t
setmetatable({ 1 }, { __len = error, __pairs = error, __index = error })
{ 1, setmetatable({}, { __tostring = function() error "boom" end }) }
t = { 5 } t.t = t
t
{ h = { {1}, {2}, {3}, {4} }, a = { {}, {1} } }
{ require "models.mlp" { 2, 3, 2 } }
f = function() end
{ f, print, nn }
]]
  lu.assertEquals(r.err, "")
  local first, rest = r.out:match "^({\n.-\n})\n(.*)$"
  lu.assertStrContains(first, "\n  1, 2, 3,")
  lu.assertStrContains(first, "40, ... 960 more\n")
  lu.assertEquals(rest, "{ 1 }\n{ 1, a table whose __tostring failed: input:1: boom }\n"
    .. "{ 5, t = { 5, t = {...} } }\n{ a = { {}, {...} }, h = { {...}, ... 3 more } }\n"
    .. "{ net of 4 layers }\n{ function (input:1), function (built in), lander.nn }\n")
end

-- What a terminal would obey is written as Lua has it.
function TestRepl.test_letters_that_are_commands_to_the_terminal()
  local r = repl [[
"a\27[2J\0\200\u{9b}\u{e9}\t\\\""
{ ["\27]0;x\7"] = 1 }
error "\27[2J\u{9b}\nx"
("x"):rep(20000)
("\u{e9}"):rep(9999)
error()
]]
  lu.assertStrContains(r.out, [["a\027[2J\000\200\194\155]] .. "\u{e9}" .. [[\t\\\""]])
  lu.assertStrContains(r.out, '{ ["\\027]0;x\\007"] = 1 }')
  lu.assertStrContains(r.out, '"' .. ("x"):rep(10000) .. '"... 20,000 bytes\n')
  lu.assertStrContains(r.out, '"' .. ("\u{e9}"):rep(5000) .. '"... 19,998 bytes\n')
  lu.assertStrContains(r.err, "input:1: \\027[2J\\194\\155\nx\n")
  lu.assertStrContains(r.err, "an error without a message\n")
end

function TestRepl.test_tensors_nets_and_help()
  local r = repl [[
nn = lander.nn
lander.tensor { 1, 2 }
nn.net { nn.input { 3 }, nn.linear { 2 } }
help "linear"
]]
  lu.assertEquals(r.status, 0)
  lu.assertStrContains(r.out, tostring(require("lander").tensor { 1, 2 }))
  lu.assertStrMatches(r.out, ".*layer%s+type%s+output.*linear1%s+linear%s+2%s+8.*")
  lu.assertStrContains(r.out, "nn.linear")
end

function TestRepl.test_it_comes_after_a_script()
  local script = support.write(support.folder() .. "/s.lua", "value = 5")
  local r = run({ "-i", script }, { input = "value\nt = lander.zeros(3, 4)\n:who\n" })
  lu.assertEquals({ r.status, r.out }, { 0, "5\nt      tensor  3x4\nvalue  number  5\n" })
end

function TestRepl.test_the_last_result_and_the_quiet_semicolon()
  local r = repl "6 * 7\n_ + 1\n'hidden';\n_\nx = 1;\nx\n"
  lu.assertEquals({ r.status, r.out }, { 0, '42\n43\n"hidden"\n1\n' })
end

function TestRepl.test_words_to_the_repl_itself()
  local r = repl "net = require 'models.lenet' {}\n:who\n:time 1 + 1\n:doc conv\n:help\n"
  lu.assertEquals({ r.status, r.err }, { 0, "" })
  lu.assertStrMatches(r.out, "net  net  8 layers\n2\n%d+%.%d+ ms\nconv .*:time EXPRESSION.*")
  r = repl ":tim 1\n"
  lu.assertEquals(r.status, 1)
  lu.assertStrContains(r.err, "there is no :tim, did you mean 'time'?; :help lists")
end

-- What people type who know other shells.
function TestRepl.test_bare_words()
  for _, word in ipairs { "exit", "quit", "exit()", " quit ; " } do
    local r = repl(word .. "\nprint 'still here'\n")
    lu.assertEquals({ word, r.status, r.out, r.err }, { word, 0, "", "" })
  end
  local r = repl "quit = 5\nquit\n"
  lu.assertEquals(r.out, "5\n")
  lu.assertEquals(repl("help\n").out, repl("help()\n").out)
  lu.assertEquals(repl("help conv\n").out, repl('help "conv"\n').out)
  lu.assertStrContains(repl("help lander.train\n").out, "lander.train { net =")
  lu.assertStrContains(repl("help stpe\n").out, "did you mean 'step'?")
  lu.assertEquals(repl("help = 3\nhelp\n").out, "3\n")
end

function TestRepl.test_objects_without_a_text_of_their_own()
  local r = repl [[
net = require "models.mlp" { 2, 3, 2 }
net.params
lander.data.synthetic.xor():batches { size = 2 }
lander
]]
  lu.assertEquals({ r.err, r.out }, { "", ("linear1.weight  3x2\nlinear1.bias    3\n"
    .. "linear2.weight  2x3\nlinear2.bias    2\nbatches of 2, 0 samples given out\n"
    .. "lander %s: help lists what there is\n"):format(require("lander").version) })
end

TestCompletion = {}

-- What TAB makes of a line: the word it completes to, and the choices.
local function complete(line, before)
  local r = repl((before or "") .. ("local n, text, list = lander.core.complete(%q) "
    .. "print(n, text, list)\n"):format(line))
  lu.assertEquals(r.err, "")
  local text = r.out:match "^%d+\t(.-)\t" or nil
  return text, r.out
end

function TestCompletion.test_what_it_knows()
  local model = 'net = require "models.lenet" {}\nsolver = lander.solver(net, { base_lr = 1 })\n'
  lu.assertEquals(complete "land", "lander")
  lu.assertEquals(complete "lander.nn.batch_n", "batch_norm")
  lu.assertEquals(complete "x = lander.fu", "full")
  lu.assertEquals(complete "lander.nn.conv { 3, kern", "kernel = ")
  lu.assertEquals(complete "nn.conv{kernel=3,outp", "outputs = ")
  lu.assertEquals(complete("net:summ", model), "summary")
  lu.assertEquals(complete("solver.base_", model), "base_lr")
  lu.assertEquals(complete("solver:st", model), "step")
  lu.assertEquals(complete('net.params["conv2.w', model), "conv2.weight")
  lu.assertEquals(complete('net["lin', model), "linear")
  lu.assertEquals(complete 'lander.solver(net, { lr_policy = "pla', "plateau")
  lu.assertEquals(complete "lander.solver(net, { weight_", "weight_decay = ")
  lu.assertEquals(complete 'lander.solver(net, { type = "rms', "rmsprop")
  lu.assertEquals(complete "lander.train { snapshot_p", "snapshot_prefix = ")
  lu.assertEquals(complete "lander.train { solver = { clip", "clip_gradients = ")
  lu.assertEquals(complete 'require "models.alex', "models.alexnet")
  lu.assertEquals(complete 'help "group_n', "group_norm")
  lu.assertEquals(complete "help group_n", "group_norm")
  lu.assertEquals(complete 'lander.load_npy "scripts/len', "scripts/lenet_fashion.lua")
  lu.assertEquals(complete 'lander.load_npy "scri', "scripts/")
  lu.assertEquals(complete "whi", "while")
  lu.assertEquals(complete("net.par", model), "params")
  lu.assertEquals(complete("net.params['conv1.weight'].gr", model), "grad")
  lu.assertEquals(complete("f(net.params[1].data:siz", model), "size")
  lu.assertEquals(complete('net["conv1"].outpu', model), "output")
  lu.assertEquals(complete("d:bat", "d = lander.data.synthetic.xor()\n"), "batches")
  lu.assertEquals(complete("x .. some_gl", "some_global = 1\n"), "some_global")
  lu.assertEquals(complete ":ti", "time")
  lu.assertEquals(complete ":doc group_n", "group_norm")
end

-- What can't be told without calling something is nothing, not anything; before the first letter
-- of a name stand the session's own.
function TestCompletion.test_nothing_and_own_names()
  for _, line in ipairs { "f(x).", "('x'):", "t[f(1)].na", "nothing.", "3.", "a.b.c:" } do
    local r = repl(("t = {}\nprint(lander.core.complete(%q))\n"):format(line))
    lu.assertEquals({ line, r.out }, { line, "\n" })
  end
  local _, all = complete("print(", "my_net = 1\nyours = 2\n")
  lu.assertStrContains(all, "lander  my_net  nn      yours\n")
end

function TestCompletion.test_several_choices_and_none()
  lu.assertEquals(complete "lander.zero", "zeros")
  local text, all = complete "lander.nn.soft"
  lu.assertEquals(text, "soft")
  lu.assertStrContains(all, "softmax       softmax_loss  softplus")
  for _, line in ipairs {
    "nothing_like_it.x", "-- a comment lan", "lander.nn.zzz", "undefined:me",
  } do
    local r = repl(("print(lander.core.complete(%q))\n"):format(line))
    lu.assertEquals({ line, r.out }, { line, "\n" })
  end
end

TestTyping = {}

local typed = support.typed

function TestTyping.test_results_completion_and_errors()
  local out = typed {
    "expect > ", "type 1 + 1\\r", "expect \\n2",
    "type lander.nn.softm\\t\\t", "expect softmax       softmax_loss", "type \\x03", "expect ^C",
    "type lander.nn.con\\tv { ke\\t3, outputs = 4 }\\r", "expect conv () kernel=3 outputs=4",
    "type for i = 1, 2 do\\r", "expect >> ", "type print(i * 21) end\\r", "expect \\n42",
    "type error 'boom'\\r", "expect input:1: boom",
    "expect > ", "type 1 + \\x03", "expect ^C", "type 'alive'\\r", 'expect "alive"',
    "type \\x04", "end",
  }
  lu.assertStrContains(out, "ok, exit status 0")
end

-- TAB, of each kind that there is: what it makes of the line is what is run.
function TestTyping.test_tab_of_each_kind()
  local folder = support.folder()
  support.write(folder .. "/a file.txt", "there")
  local script = support.write(folder .. "/s.lua", ([[
    lander, nn = require "lander", require "lander".nn
    net = require "models.mlp" { 2, 3, 2 }
    solver = lander.solver(net, { base_lr = 0.25 })
    some_global = 41
    folder = %q
  ]]):format(folder))
  local out = typed({
    "expect > ",
    "type some_gl\\t + 1\\r", "expect \\n42",                               -- a global
    "type lander.vers\\t\\r", 'expect \\n"0.',                               -- a field
    "type net:out\\t()\\r", 'expect \\n"linear2"',                          -- a method
    "type solver.base_\\t\\r", "expect \\n0.25",                            -- an option as a field
    "type nn.conv { outp\\t2, ker\\t3 }\\r", "expect outputs=2",            -- of a layer
    "type lander.solver(net, { base_\\t0.5, wei\\t0.125 }).weight_decay\\r", "expect \\n0.125",
    'type lander.solver(net, { base_lr = 1, lr_policy = "fi\\t" }).lr_policy\\r',
    'expect \\n"fixed"',
    'type net.params["linear1.w\\t"].name\\r', 'expect \\n"linear1.weight"',  -- a parameter
    ('type io.open("%s/a f\\t"):read "a"\\r'):format(folder), 'expect \\n"there"', -- a file
    "type no_such_thing\\t == nil\\r", "expect \\ntrue",                    -- nothing
    "type \\x04", "end",
  }, folder, "-i " .. script)
  lu.assertStrContains(out, "ok, exit status 0")
end

-- In a window of 30 columns choices stand in lines that fit, and so do curves.
function TestTyping.test_a_narrow_window()
  local out = typed { "expect > ", "type os.execute 'stty cols 30'\\r", "expect > ",
    "type lander.nn.so\\t\\t", "expect softmax       softplus\\r\\nsoftmax_loss\\r", "type \\x03",
    "expect ^C", "type nn.net { nn.input { 2 }, nn.linear { 3 } }\\r",
    "expect parameters\\r", "expect > ",
    "type lander.plot { 3, 1, 2 }\\r", "expect > ", "type \\x04", "end" }
  for line in out:match("lander.plot { 3, 1, 2 }(.-)> "):gmatch "[^\r\n]+" do
    line = line:gsub("\27%[[%d;]*%a", "")
    lu.assertTrue((utf8.len(line) or #line) <= 30, line)
  end
end

-- A terminal that can do nothing: no escapes, no live line.
function TestTyping.test_a_dumb_terminal()
  local out = typed({ "expect > ",
    "type 6 * 7\\r", "expect 42", "type lander.plot { 3, 1, 2 }\\r", "expect > ",
    "type data, net = lander.data.synthetic.blobs(), require 'models.mlp' { 2, 4, 3 }\\r",
    "expect > ", "type run = lander.train { net = net, data = data, "
      .. "solver = { base_lr = 0.1, max_iter = 200 } }\\r",
    "expect 200/200", "expect finished", "type exit\\r", "end" }, nil, nil, "env TERM=dumb")
  lu.assertNil(out:find("\27", 1, true), out)
end

function TestTyping.test_history_is_kept()
  local home = support.folder()
  typed({ "expect > ", "type 123 * 2\\r", "expect 246", "type f = function()\\r", "expect >> ",
          "type return 7 end\\r", "expect > ",
          -- What another session adds meanwhile.
          "type io.open('" .. home .. "/state/lander/history', 'a')"
          .. [[:write('333\\\\040*\\\\0402\\n')]]
          .. ":close();\\r", "expect > ", "type \\x04", "end" }, home)
  -- The last ones: that of the other, this session's own, an entry of two lines, the first.
  typed({ "expect > ", "type \\e[A\\r", "expect \\n666",
          "type \\e[A\\e[A\\e[A", "expect return 7 end", "type \\r", "expect > ", "type f()\\r",
          "expect \\n7", "type \\e[A\\e[A\\e[A\\e[A\\e[A\\e[A\\r", "expect \\n246",
          "type \\x04", "end" }, home)
  local text = support.read(home .. "/state/lander/history")
  lu.assertStrContains(text, "\nf\\040=\\040function()\\012return\\0407\\040end\n")
end

function TestTyping.test_a_history_that_can_not_be_kept()
  local home = support.folder()
  os.execute("mkdir -p " .. home .. "/state/lander/history")
  typed({ "expect the history is not kept: ", "expect it is no file", "expect > ",
          "type 6 * 7\\r", "expect \\n42", "type \\e[A\\r", "expect \\n42", "type \\x04",
          "end" }, home)
  os.execute("rm -r " .. home .. "/state")
  support.write(home .. "/state", "a file where a folder should be")
  typed({ "expect the history is not kept: ", "expect > ", "type \\x04", "end" }, home)
  home = support.folder()
  os.execute("mkdir -p " .. home .. "/state/lander")
  support.write(home .. "/state/lander/history", "my own notes\n")
  typed({ "expect it is no history", "expect > ", "type 6 * 7\\r", "expect 42", "type \\x04",
          "end" }, home)
  lu.assertEquals(support.read(home .. "/state/lander/history"), "my own notes\n")
end

-- Of a text that is pasted, and at the beginning of a line, a TAB is one; letters may have
-- several bytes.
function TestTyping.test_pasting_and_other_letters()
  lu.assertStrContains(typed {
    "expect > ",
    "type \\e[200~function f(x)\\r\\treturn x\\t+ 1\\rend\\rf(41)\\r\\e[201~", "expect \\n42",
    "type \\t'caf\xC3\xA9 \xE6\x97\xA5'\\r", 'expect \n"caf\xC3\xA9 \xE6\x97\xA5"',
    "type x = { ['\xC3\xA9t\xC3\xA9'] = 5 }\\r", "expect > ",
    "type x['\xC3\xA9t\\t']\\r", "expect \\n5",
    "type '" .. ("x"):rep(300) .. "'\\r", 'expect \\n"xxx', "expect > ",
    "type \\xff\\x01\\xfe\\x03", "expect ^C", "type 'alive'\\r", 'expect "alive"',
    "type \\x04", "end",
  }, "ok, exit status 0")
end

function TestTyping.test_ctrl_z_at_the_prompt()
  local out = typed({ "expect > ", "type x = 4\\r", "expect > ", "type x + \\x1a",
    "expect is stopped", "expect > ", "type 3\\r", "expect \\n7", "type \\x04",
    "expect is over", "end" }, nil, nil,
    [[bash -m -c '"$@"; echo is stopped; fg; echo is over' sh]])
  lu.assertStrContains(out, "ok, exit status 0")
end

-- A Ctrl-D that is typed while something runs leaves when that is done.
function TestTyping.test_ctrl_d_typed_ahead()
  lu.assertStrContains(typed {
    "expect > ", "type print 'busy' os.execute 'sleep 0.3'\\r", "expect \\nbusy",
    "type \\x04", "end" }, "ok, exit status 0")
end

-- Ctrl-C ends a training at its iteration, and a long computation, as often as one likes.
function TestTyping.test_ctrl_c_gives_the_prompt_back()
  local folder = support.folder()
  local script = support.write(folder .. "/s.lua", [[
    lander = require "lander"
    local support = require "tests.support"
    net = support.mlp(1)
    solver = lander.solver(net, { base_lr = 0.1 })
    local data, x, y = support.blobs(64)
    function long()
      return lander.train { net = net, data = data, quiet = true, solver = { base_lr = 0.1 },
        max_time = 60, on_iter = function(e) if e.iter == 5 then print "busy" end end }.reason
    end
    function step() return solver:step(x, y) end
  ]])
  local steps = { "expect > " }
  for _ = 1, 3 do
    for _, step in ipairs {
      "type long()\\r", "expect \\nbusy", "type \\x03", 'expect ^C\\r\\n"signal"',
    } do
      steps[#steps + 1] = step
    end
  end
  -- A loop that asks for memory: ThreadSanitizer holds signals back until the program does.
  for _, step in ipairs {
    "type print 'loop' while true do local t = {} end\\r", "expect \\nloop", "type \\x03",
    "expect interrupted", "type solver.base_lr = 0.001\\r", "expect > ",
    "type step() > 0, solver.iter\\r", "expect true", "expect 1", "type \\x04", "end",
  } do
    steps[#steps + 1] = step
  end
  lu.assertStrContains(typed(steps, folder, "-i " .. script), "ok, exit status 0")
end

-- A training that is stopped three times, and goes on with its solver.
function TestTyping.test_a_training_is_stopped_and_goes_on()
  local folder = support.folder()
  local script = support.write(folder .. "/s.lua", [[
    lander = require "lander"
    local support = require "tests.support"
    d, x, y = support.blobs(64)
    function report(e) if e.iter % 1000 == 5 then print "busy" end end
    more = { data = d, quiet = true, on_iter = report, max_time = 60 }
  ]])
  local steps = {
    "expect > ", "type more.net = support or require('tests.support').mlp(1)\\r", "expect > ",
    "type more.solver = { base_lr = 0.1 } run = lander.train(more)\\r", "expect \\nbusy",
    "type \\x03", "expect > ",
  }
  for _ = 1, 2 do
    for _, step in ipairs {
      "type run.solver.base_lr = 0.001\\r", "expect > ", "type run.solver:step(x, y) > 0\\r",
      "expect true", "type more.solver, more.net = run.solver, nil\\r", "expect > ",
      "type run = lander.train(more)\\r", "expect \\nbusy", "type \\x03", "expect > ",
    } do
      steps[#steps + 1] = step
    end
  end
  for _, step in ipairs { "type run.status, run.solver.iter == run.iter\\r", 'expect "stopped"',
                          "expect true", "type \\x04", "end" } do
    steps[#steps + 1] = step
  end
  lu.assertStrContains(typed(steps, folder, "-i " .. script), "ok, exit status 0")
end

-- It was the script's, before the session.
function TestTyping.test_ctrl_c_in_the_script_of_a_session()
  local folder = support.folder()
  local script = support.write(folder .. "/s.lua", "x = 6 print 'in' while true do end")
  lu.assertStrContains(typed({ "expect in", "type \\x03", "expect interrupted", "expect > ",
    "type x * 7\\r", "expect 42", "type \\x04", "end" }, folder, "-i " .. script),
    "ok, exit status 0")
end

-- Also a loop in a coroutine, and one that waits for a line; twice is stronger than a pcall.
function TestTyping.test_ctrl_c_wherever_it_comes()
  local steps = { "expect > " }
  local forever = "while true do local t = {} end"
  for _, case in ipairs {
    { "coroutine.wrap(function() print 'in' " .. forever .. " end)()", 1 },
    { "coroutine.resume(coroutine.create(function() coroutine.wrap(function() print 'in' "
      .. forever .. " end)() end)) " .. forever, 2 },
    -- The word comes when the wait has begun: a signal just before it would be for the next.
    { "os.execute '(sleep 0.3; echo; echo in) &' io.read()", 1 },
    { "print 'in' while true do pcall(function() " .. forever .. " end) end", 2 },
    { "print 'in' while true do pcall(coroutine.wrap(function() " .. forever .. " end)) end", 2 },
  } do
    steps[#steps + 1] = "type " .. case[1] .. "\\r"
    steps[#steps + 1] = "expect \\nin"
    for _ = 1, case[2] do
      -- The line ends when the signal has come.
      for _, step in ipairs { "type \\x03", "expect ^C", "expect \\n" } do
        steps[#steps + 1] = step
      end
    end
    steps[#steps + 1] = "expect interrupted"
    steps[#steps + 1] = "expect > "
  end
  for _, step in ipairs { "type co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) "
    .. "error('from ' .. b) end)\\r", "expect > ", "type co(1)\\r", "expect \\n2",
    "type co 'within'\\r", "expect from within", "expect > ",
    "type coroutine.resume(5)\\r", "expect coroutine expected",
    "type coroutine.resume(coroutine.create(function(...) return ... end), 1, 2)\\r",
    "expect true\\r\\n1\\r\\n2", "type \\x04", "end" } do
    steps[#steps + 1] = step
  end
  lu.assertStrContains(typed(steps), "ok, exit status 0")
end

function TestTyping.test_sigterm_ends_what_runs()
  local out = typed { "expect > ", "type os.execute '(sleep 0.3; kill -TERM $PPID) &' "
    .. "while true do local t = {} end\\r", "expect interrupted", "end" }
  lu.assertStrContains(out, "ok, exit status 130")
end

function TestTyping.test_sigterm_at_the_prompt_ends_it()
  local out = typed { "expect > ", "type os.execute('(sleep 0.7; kill -TERM $PPID) &')\\r",
    "expect true", "end" }
  lu.assertStrContains(out, "ok, exit status")
end

-- What asks a training for its status is nothing to a session without one; who hangs up ends it.
function TestTyping.test_other_signals_at_the_prompt()
  local out = typed { "expect > ", "type os.execute 'kill -USR1 $PPID'\r", "expect true",
    "type 6 * 7\r", "expect 42", "type os.execute('(sleep 0.1; kill -HUP $PPID) &')\r", "end" }
  lu.assertStrContains(out, "ok, exit status 129")
end
