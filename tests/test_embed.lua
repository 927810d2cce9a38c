-- test_embed.lua: the hosts of tests/embed do what their first lines say. (Those that are
-- called test_*.c check by themselves, and are run by tests/all.sh.)
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"

local build = support.executable:match "^(.*)/[^/]*$"

-- Runs a host in a folder of its own.
local function host(name, words, options)
  options = options or {}
  options.program = build .. "/embed/" .. name
  return support.run(words, options)
end

TestEmbed = {}

-- A net of two numbers whose answer is known.
local function save_net(path)
  local nn = lander.nn
  local net = nn.net { nn.input { 2 }, nn.linear { 2, name = "scores" } }
  lander.core.ensure_loss(net)
  net.params["scores.weight"].data:copy_(lander.tensor { { 1, 2 }, { 3, -1 } })
  net.params["scores.bias"].data:copy_(lander.tensor { 0.5, 0 })
  net:save(path)
end

function TestEmbed.test_predict_in_under_40_lines()
  local path = support.folder() .. "/net.npz"
  save_net(path)
  local r = host("predict", { path }, { input = "1 1\n0 2\n-3 -5" })
  lu.assertEquals({ r.status, r.out, r.err }, { 0, "1 0.8176\n1 0.9985\n2 0.9998\n", "" })
  r = host("predict", { path }, { input = "1 1 0" })
  lu.assertEquals({ r.status, r.err }, { 1, "predict: the last sample is cut short\n" })
  r = host("predict", { path .. ".none" })
  lu.assertEquals(r.status, 1)
  lu.assertStrContains(r.err, "No such file")
  local lines = 0
  for _ in io.lines "tests/embed/predict.c" do lines = lines + 1 end
  lu.assertTrue(lines < 40)
end

-- Stopped by a signal and gone on with, it ends in the very file that it would have made. However
-- long the signal takes, the training has not ended by itself.
function TestEmbed.test_train_stops_on_a_flag()
  local folder = support.folder()
  local pipe = assert(io.popen(([[
    '%s/embed/train' %s/parts.npz 1000000000 >%s/out 2>&1 & pid=$!
    until grep -q loss %s/out || ! kill -0 $pid; do sleep 0.01; done 2>/dev/null
    kill -INT $pid; wait $pid; tail -n 1 %s/out]]):format(build, folder, folder, folder, folder)))
  local iter = pipe:read("a"):match "^stopped after iteration (%d+)\n$"
  pipe:close()
  lu.assertNotNil(iter)
  local more = ("%d"):format(iter + 100)
  for _, name in ipairs { "parts", "whole" } do
    local r = host("train", { ("%s/%s.npz"):format(folder, name), more })
    lu.assertEquals({ r.status, r.err }, { 0, "" })
  end
  lu.assertTrue(os.execute(("cmp -s %s/whole.npz %s/parts.npz"):format(folder, folder)))
end

function TestEmbed.test_two_engines_in_two_threads()
  local r = host("threads", {})
  lu.assertEquals({ r.status, r.err }, { 0, "" })
  lu.assertStrContains(r.out, "the same bits")
end

function TestEmbed.test_cpp()
  if not support.exists(build .. "/embed/classify") then lu.skip "there is no C++ compiler" end
  local r = host("classify", {})
  lu.assertEquals({ r.status, r.err, r.out }, { 0, "", [[
0 xor 0 = 0
0 xor 1 = 1
1 xor 0 = 1
1 xor 1 = 0
bent: 8 numbers for each of 4 samples
]] })
end

function TestEmbed.test_a_plain_script()
  if build:find "san" then lu.skip "a sanitizer has to be loaded before lua5.4" end
  local pipe = io.popen(("LUA_CPATH='%s/?.so' lua5.4 tests/embed/script.lua 2>&1"):format(build))
  lu.assertEquals(pipe:read "a", "finished after 100 iterations\n(3, 1) is of class 1\n")
  pipe:close()
end

-- ---- somebody else's host ----

local config = [[
server.document-root = "%s"
server.bind = "127.0.0.1"
server.port = %d
server.errorlog = "%s/errors"
server.modules = ( "mod_magnet" )
magnet.attract-raw-url-to = ( "%s/tests/embed/lighttpd.lua" )
]]

-- Starts the server on a port that is free, asks, and ends it.
local client = [[
cd '%s'
for port in 21741 28233 33717 39119; do
  sed "s/^server.port.*/server.port = $port/" config >used
  LUA_CPATH='%s/?.so' lighttpd -D -f used & server=$!
  for try in $(seq 100); do
    sleep 0.1
    kill -0 $server 2>/dev/null || break
    if bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" 2>/dev/null; then break 2; fi
  done
done
trap 'kill $server' EXIT
for query in 2,3 -2,-1 nonsense; do
  bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'GET /?$query HTTP/1.0\r\n\r\n' >&3; cat <&3"
done
cat errors >&2
]]

function TestEmbed.test_lighttpd()
  if not os.execute "PATH=$PATH:/usr/sbin command -v lighttpd >/dev/null"
    or not os.execute "command -v bash >/dev/null" or build:find "san" then
    lu.skip "there is no lighttpd here (lighttpd-modules-lua)"
  end
  local here = io.popen("pwd"):read "l"
  local folder = support.folder()
  support.write(folder .. "/config", config:format(folder, 0, folder, here))
  local path = build:find "^/" and build or here .. "/" .. build
  local script = support.write(folder .. "/client.sh", client:format(folder, path))
  local pipe = io.popen(("PATH=$PATH:/usr/sbin sh %s 2>&1"):format(script))
  local said = pipe:read "a"
  pipe:close()
  lu.assertStrContains(said, "class 1, probability 1.00")
  lu.assertStrContains(said, "class 2, probability 1.00")
  lu.assertStrContains(said, "give me a point")
end

-- ---- scripts that are not trusted ----

local training = [[
local x, y = lander.randn(64, 4), lander.ones(64)
for i = 1, 64 do y[i] = x[i][1] > 0 and 1 or 2 end
net = lander.nn.net { lander.nn.input { 4 }, lander.nn.linear { 8 }, lander.nn.relu {},
  lander.nn.linear { 2 } }
function train(options)
  options.net, options.data, options.batch_size = net, lander.data.tensors(x, y), 16
  options.solver = { base_lr = 0.1, max_iter = options.max_iter or 50 }
  options.max_iter = nil
  return lander.train(options)
end
]]

-- What becomes of a script: its status and what it says, and its folder.
local function in_sandbox(code, megabytes, seconds)
  local folder = support.folder()
  local script = support.write(folder .. "/script.lua", training .. code)
  os.execute(("mkdir %s/box"):format(folder))
  local r = host("sandbox", { script, folder .. "/box", tostring(megabytes or 64),
    tostring(seconds or 20) })
  return r, folder
end

local function refused(what, code, megabytes, seconds)
  local r = in_sandbox(code, megabytes, seconds)
  lu.assertEquals(r.status, 1, code)
  lu.assertStrContains(r.err, what)
  lu.assertNotStrContains(r.err, "bytes are lost")
end

TestSandbox = {}

function TestSandbox.test_a_training()
  local r, folder = in_sandbox [[
    local run = train { snapshot_prefix = "runs/a", display = 10 }
    print(run.status, lander.load("runs/a.npz"):predict(lander.ones(1, 4)):size(2))]]
  lu.assertEquals({ r.status, r.out }, { 0, "finished\t2\n" })
  lu.assertStrContains(r.err, "50/50  loss")
  lu.assertTrue(support.exists(folder .. "/box/runs/a.npz"))
  lu.assertTrue(support.exists(folder .. "/box/runs/a.jsonl"))
end

function TestSandbox.test_files_outside()
  local outside = { "lander.load_npy '/etc/passwd'", "lander.load '../net.npz'",
    "net:save '/tmp/stolen.npz'", "train { snapshot_prefix = '../a' }",
    "lander.plot({ 1, 2, 3 }, { to = '/tmp/stolen.svg' })",
    "lander.data.csv('/etc/passwd', { y = -1 })",
    "lander.core.make_dir '/tmp/stolen'", "assert(lander.core.list_dir '/')" }
  for _, code in ipairs(outside) do refused("the host does not allow it", code) end
end

function TestSandbox.test_memory()
  refused("not enough memory", "x = lander.zeros(8000, 8000)")
  refused("not enough memory", "local t = {} while true do t[#t + 1] = lander.ones(1000) end")
  refused("not enough memory", "local s = 'x' while true do s = s .. s end")
  local r = in_sandbox [[
    print(pcall(lander.zeros, 8000, 8000))
    for i = 1, 2000 do local garbage = lander.zeros(100, 1000) end
    print(train {}.status)]]
  lu.assertEquals(r.status, 0, r.err)
  lu.assertStrMatches(r.out, "false\t.*memory.*\nfinished\n")
end

function TestSandbox.test_time()
  local had = "this script has had its time"
  refused(had, "while true do end", 64, 0.2)
  refused(had, "while true do pcall(function() while true do end end) end", 64, 0.2)
  refused(had, "train { max_iter = 1000000000, max_epoch = 1000000000 }", 64, 0.5)
  refused(had, "local s = lander.solver(net, { base_lr = 0.1 })\n"
    .. "while true do pcall(train, {}) end", 64, 0.5)
  refused("no finalizers", "setmetatable({}, { __gc = function() while true do end end })")
end

-- With their metatable, __gc of tensors would be a finalizer, or be gone: memory lost.
function TestSandbox.test_metatables_of_the_module()
  for _, value in ipairs { "lander.ones(1)", "net", "lander.data.tensors(x, y)", "''" } do
    refused("table expected", ("getmetatable(%s).__gc = nil"):format(value))
  end
  refused("nil value (field 'net_metatable')", "lander.core.net_metatable.__gc = nil")
  refused("nil value (field 'dataset_metatable')", "lander.core.dataset_metatable.__gc = nil")
  refused("nil value (field 'load_source')", "lander.core.load_source 'x'")
end

function TestSandbox.test_what_is_not_there()
  for _, name in ipairs { "io", "os", "require", "package", "debug", "load", "loadfile", "dofile",
                          "collectgarbage" } do
    refused(("a nil value (global '%s')"):format(name), name .. "()")
  end
end
