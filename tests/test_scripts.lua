-- test_scripts.lua: the scripts in scripts/, each for a moment and on little data.
local lu = require "luaunit"
local support = require "tests.support"

local subset = "--folder=tests/data/fashion_mnist"

-- Runs a script; all that it prints.
local function script(name, words)
  table.insert(words, 1, ("scripts/%s.lua"):format(name))
  local r = support.run(words)
  lu.assertEquals(r.status, 0, r.err)
  return r.out, r.err
end

-- A number behind some words of the output.
local function number(out, pattern)
  local found = out:match(pattern)
  lu.assertNotNil(found, ("'%s' in: %s"):format(pattern, out))
  return tonumber(found)
end

-- What the gradient checks may be off by: differences of floats have few digits.
local tolerance = support.is_double and 1e-4 or 2e-2

TestScripts = {}

function TestScripts.test_softmax_regression()
  local out = script("softmax_regression", { "--max_iter=20", subset })
  lu.assertTrue(number(out, "gradient check: (%S+)") < tolerance)
  lu.assertTrue(number(out, "test accuracy (%S+)") > 0.5)
end

function TestScripts.test_sparse_autoencoder()
  local out = script("sparse_autoencoder", { "--max_iter=3", "--hidden=16", subset })
  lu.assertTrue(number(out, "gradient check: (%S+)") < tolerance)
  local activity = number(out, "mean activity ([%d.]+)")
  lu.assertTrue(activity > 0 and activity < 1)
end

function TestScripts.test_rbm()
  local out = script("rbm", { "--max_iter=20", "--hidden=32", subset })
  lu.assertStrContains(out, "epoch 1, momentum 0.5")
  lu.assertTrue(number(out, "test: squared error of a pixel (%S+)") < 0.1)
end

function TestScripts.test_rbm_changes_its_momentum()
  local out = script("rbm", { "--epochs=2", "--later=1", "--hidden=8", subset })
  lu.assertStrContains(out, "epoch 2, momentum 0.9")
end

function TestScripts.test_resnet20()
  local prefix = support.folder() .. "/resnet"
  local out = script("resnet20", { "--max_iter=2", "--depth=8", "--batch_size=4", subset,
    "--prefix=" .. prefix })
  lu.assertStrContains(out, "finished after 2 iterations")
  lu.assertTrue(support.exists(prefix .. ".npz"))
end

-- A text that it can learn by heart: letters in their order.
function TestScripts.test_char_lstm()
  local path = support.folder() .. "/text"
  support.write(path, ("abcdefgh\n"):rep(200))
  local words = { "--text=" .. path, "--max_iter=60", "--streams=4", "--steps=16", "--hidden=32",
    "--write=50" }
  local out = script("char_lstm", words)
  lu.assertTrue(number(out, "test: (%S+) bits") < 3) -- of log2(9) = 3.17
  lu.assertTrue(#out:match "bits a character\n(.*)" > 50)
end

function TestScripts.test_wrong_words_are_usage_errors()
  for name in ("softmax_regression sparse_autoencoder rbm resnet20 char_lstm"):gmatch "%S+" do
    local r = support.run { ("scripts/%s.lua"):format(name), "--max_iterr=3" }
    lu.assertEquals(r.status, 2)
    lu.assertStrContains(r.err, "did you mean --max_iter?")
  end
end

-- Short enough to be read at a sitting, and with the figure that it reaches.
function TestScripts.test_heads()
  for name in ("softmax_regression sparse_autoencoder rbm resnet20 char_lstm"):gmatch "%S+" do
    local text = support.read(("scripts/%s.lua"):format(name))
    lu.assertTrue(select(2, text:gsub("\n", "")) < 100, name)
    local head = text:match "^(.-)\nlocal "
    lu.assertStrMatches(head, ".*\n%-%- On .*%d%.%d+.*", 1, #head, name)
  end
end
