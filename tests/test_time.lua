-- test_time.lua: lander.time, and the scripts of scripts/bench on tiny sizes. What they say is
-- looked at, not how long anything took.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local nn = lander.nn

TestTime = {}

local function small()
  return nn.net { nn.input { 1, 8, 8 }, nn.conv { 4, kernel = 3 }, nn.relu {}, nn.linear { 3 } }
end

function TestTime.test_every_layer_has_a_time()
  local report = lander.time(small(), 5, 0)
  local names, shares = {}, 0
  for i, row in ipairs(report.layers) do
    names[i] = row.name
    lu.assertTrue(row.forward > 0 and row.backward > 0, row.name)
    shares = shares + row.share
  end
  lu.assertEquals(names, { "conv1", "relu1", "linear1" })
  lu.assertAlmostEquals(shares, 1, 1e-9)
  lu.assertEquals(report.batch, 5)
end

-- By hand: 4 maps of 6x6 from 3x3, three products of a linear layer, two of the first one.
function TestTime.test_operations_and_bytes()
  local layers = lander.time(small(), 5, 0).layers
  lu.assertEquals(layers[1].operations, 2 * 2 * 5 * 4 * 36 * 9)
  lu.assertEquals(layers[2].operations, 0)
  lu.assertEquals(layers[3].operations, 3 * 2 * 5 * 3 * 144)
  lu.assertEquals(layers[2].bytes, 5 * 144 * (support.is_double and 8 or 4))
end

function TestTime.test_it_prints_a_table()
  local text = tostring(lander.time(small(), 5, 0))
  lu.assertStrContains(text, "forward ms")
  lu.assertStrMatches(text, ".*\nconv1 +conv +[%d.]+ +[%d.]+ +[%d.]+ %% .*")
  lu.assertStrContains(text, "batch 5")
end

function TestTime.test_inputs_of_one_s_own_and_losses()
  local net = nn.net { nn.input { 4 }:embedding { 7, 3 }:linear { 2 } }
  lu.assertEquals(#lander.time(net, 2, 0).layers, 2)
  lander.core.ensure_loss(net)
  local report = lander.time(net, { lander.ones(3, 4), lander.ones(3) }, 0)
  lu.assertEquals(report.batch, 3)
  lu.assertEquals(report.layers[3].name, "softmax_loss1")
  lu.assertEquals(#lander.time(net, 2, 0).layers, 3)
end

function TestTime.test_times_add_up_while_they_are_wanted()
  local net = small()
  local function forward_time() return net:layers()[2].forward_time end
  local x = lander.randn(2, 1, 8, 8)
  net:forward(x)
  lu.assertEquals(forward_time(), 0)
  net:time(true):forward(x)
  local once = forward_time()
  net:forward(x)
  lu.assertTrue(once > 0 and forward_time() > once)
  local twice = forward_time()
  net:time(false):forward(x)
  lu.assertEquals(forward_time(), twice)
  lu.assertEquals(net:time(true):layers()[2].forward_time, 0)
end

function TestTime.test_help()
  lu.assertStrContains(lander.core.help_text "time", "lander.time(net[, batch")
  lu.assertStrContains(lander.core.help_text(), "training (lander)")
  local _, message = lander.core.help_text "tims"
  lu.assertStrContains(message, "did you mean 'time'?")
end

TestBenchmarks = {}

local function bench(words)
  local r = support.run(words)
  lu.assertEquals(r.status, 0, r.err)
  return r.out
end

function TestBenchmarks.test_steps()
  local path = support.folder() .. "/steps.jsonl"
  local out = bench { "scripts/bench/steps.lua", "--tiny", "--seconds=0", "--threads=1,2",
    "--json=" .. path }
  for name in ("mlp lenet cifar10_quick resnet20 char_lstm gpt_tiny"):gmatch "%S+" do
    lu.assertStrMatches(out, ".*\n" .. name .. " +2 +1 +[%d.]+ .*")
  end
  local lines = support.read(path)
  lu.assertEquals(select(2, lines:gsub("\n", "")), 12)
  lu.assertStrContains(lines, '"net":"lenet"')
end

function TestBenchmarks.test_layers()
  local out = bench { "scripts/bench/layers.lua", "--tiny", "--threads=2" }
  lu.assertStrContains(out, "2 threads at best: ")
  for name in ("conv linear lstm attention max_pool batch_norm relu update"):gmatch "%S+" do
    lu.assertStrMatches(out, ".*\n" .. name .. "[^\n]* G[FB][^\n]+.*")
  end
end

function TestBenchmarks.test_memory_and_start()
  local out = bench { "scripts/bench/memory.lua", "--net=mlp", "--tiny" }
  lu.assertStrMatches(out, "mlp +batch +2 +[%d.]+ MB\n")
  out = bench { "scripts/bench/start.lua", "--times=1", "--program=" .. support.executable }
  lu.assertStrMatches(out, "start: [%d.]+ ms .*")
end

-- Of programs that always take the same time.
function TestBenchmarks.test_turns()
  local function program(name, ms) return name .. "=echo '{\"median_ms\": " .. ms .. "}' #" end
  local out = bench { "scripts/bench/turns.lua", "--rounds=3", "--nets=mlp", program("a", 2),
    program("b", 5), program("c", 1) }
  lu.assertStrContains(out, "a 2.00 ms   b 5.00 ms   ratio 2.50   c 1.00 ms   ratio 0.50")
end
