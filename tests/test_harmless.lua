-- test_harmless.lua: names that come from files, or are typed, and would steer a terminal: what the
-- command says of them shows them as Lua has them, and UTF-8 as it is.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core = lander.core

TestHarmless = {}

local TABLE = "a\27[31mred.csv"

-- A folder with a table whose name, columns and classes are commands to a terminal, and two nets
-- that were trained on it.
local folder
local function run(...)
  local r = support.run({ ... }, { folder = folder })
  local said = r.out .. r.err
  lu.assertNil(said:find "[\1-\8\11-\31\127]", core.show { ..., said = said })
  lu.assertNil(said:find "\194[\128-\159]", core.show { ..., said = said })
  lu.assertIsNumber(utf8.len(said), core.show { ..., said = said })
  return said, r.status
end

local function prepare()
  folder = support.folder()
  local rows = { "ar\27[31mea,rooms,k\27[2Jind,pr\7ice" }
  for i = 1, 40 do
    rows[i + 1] = ("%d,%d,%s,%d"):format(1000 * i, i % 7, ({ "r\27[5mot", "gr\u{fc}n",
      "bl\u{9b}au", "\155" })[i % 4 + 1], 2 * i)
  end
  support.write(folder .. "/" .. TABLE, table.concat(rows, "\n"))
end

local function train(prefix, y, ...)
  return run("train", "mlp", "--hidden=4", "--max_iter=4", "--batch_size=10", "--test_interval=2",
    "--prefix=" .. prefix, ("--data=csv:%s,y=%d,x=1+2,normalize=true"):format(TABLE, y), ...)
end

function TestHarmless.setUp()
  if not folder then prepare() end
end

function TestHarmless.test_classes()
  local said, status = train("kinds", 3)
  lu.assertEquals(status, 0, said)
  -- What is said to do next can be typed.
  local words = said:match "next: %S+ (predict [^\n]*)"
  lu.assertStrContains(words, "$'a\\033\\13331mred.csv'")
  support.write(folder .. "/words", "printf '%s\\n' " .. words)
  lu.assertStrContains(support.run({ folder .. "/words" }, { program = "bash" }).out, TABLE)
  said = run("info", "kinds.npz")
  for _, text in ipairs { "csv:a\\027[31mred.csv,y=3", "ar\\027[31mea, rooms", "k\\027[2Jind",
                          "gr\u{fc}n", "bl\\194\\155au", "r\\027[5mot" } do
    lu.assertStrContains(said, text)
  end
  lu.assertStrContains(run("predict", "kinds.npz", TABLE), "a\\027[31mred.csv, line 2  ")
  lu.assertStrContains(run("test", "kinds.npz"), "data: csv:a\\027[31mred.csv,y=3")
  lu.assertStrContains(run("report", "kinds", "--to=p\27.html"), "p\\027.html")
  lu.assertStrContains(run("resume", "kinds", "--max_iter=6"), "$'--data=csv:a\\033\\13331mred")
end

function TestHarmless.test_numbers()
  local said, status = train("prices", 4, "--loss=mse_loss")
  lu.assertEquals(status, 0, said)
  lu.assertStrContains(said, "pr\\007ice")
  lu.assertStrContains(run("predict", "prices.npz", TABLE), "pr\\007ice ")
  lu.assertStrContains(run("info", "prices.npz"), "ar\\027[31mea ")
  -- What is far from 1 is named before the training.
  said = run("train", "mlp", "--max_iter=1", "--hidden=2", "--prefix=far", "--loss=mse_loss",
    ("--data=csv:%s,y=4,x=1+2"):format(TABLE))
  lu.assertStrContains(said, "input 'ar\\027[31mea' has mean")
end

function TestHarmless.test_errors()
  local function fails(text, ...)
    local said, status = run(...)
    lu.assertNotEquals(status, 0)
    lu.assertStrContains(said, text)
  end
  fails("there is no column", "train", "mlp", ("--data=csv:%s,y=no\27"):format(TABLE))
  fails("no model 'x\\027'", "train", "x\27")
  fails("no run 'x\\027'", "plot", "x\27")
  fails("no file 'x\\027.lua'", "x\27.lua")
  fails("unknown option --x\\027", "train", "mlp", "--x\27")
  fails("unknown option: '-\\027'", "-\27")
  fails("of 'a\\027[31mred.csv'", "-e", "error(setmetatable({}, { __tostring = function() "
    .. "return \"of 'a\\27[31mred.csv'\" end }))")
end

-- Warnings name files too, such as those that a folder of pictures leaves out.
function TestHarmless.test_warnings()
  local said = run("-e", "warn('of \27[31m gr\u{fc}n \127\u{9f}', '\\ttwo\\nlines\7')")
  lu.assertStrContains(said, "warning: of \\027[31m gr\u{fc}n \\127\\194\\159")
  lu.assertStrContains(said, "\ttwo\nlines\\007\n")
end

-- A journal is a file like others.
function TestHarmless.test_journals()
  local function info(text)
    support.write(folder .. "/x\27.jsonl", text)
    return (run("info", "x\27.jsonl"))
  end
  local row = '{"event":"train","iter":3,"loss":0.5}\n'
  lu.assertEquals(info(row), "x\\027.jsonl: running or cut off at iteration 3, loss 0.5, "
    .. "accuracy -\n")
  lu.assertStrContains(info(row .. "\27gone\n" .. row .. '{"event":'),
    "loss 0.5, accuracy -; 2 lines are no JSON, the first is line 2\n")
  lu.assertStrContains(info(row .. '\n{"event":"end","iter":"x","status":{},"loss":"h\\u001buge"}'),
    "running or cut off at iteration -, loss -, accuracy -; the loss in line 3 is the text "
    .. "'h\\027uge', expected a number\n")
  lu.assertStrContains(info '{"event":"train","iter":[1],"loss":[1]}', "line 1 is a table,")
  lu.assertStrContains(info '{"event":"end","iter":9,"loss":0.1,"accuracy":0.99999}', "y 0.99999\n")
end
