-- test_compare_rules.lua: update rules against PyTorch's optimizers, some iterations of a
-- small net. The cases are in tests/compare, where make_rules.py made them and says what
-- corresponds to what; no PyTorch is needed here.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local reader = require "tests.compare.reader"

local cases = reader.read("rules", { input = true, label = true, param = true }, { after = true })

-- What counts as small; the parameters are about 1.
local FLOOR = 0.1

-- What an iteration has rounded, the pairs that lbfgs makes of it magnify in the next ones.
local tolerance = { lbfgs = support.is_double and reader.tolerance or 1e-3 }

local function lines(case, word)
  local found = {}
  for _, line in ipairs(case.lines) do
    if line[1] == word then found[#found + 1] = line end
  end
  return found
end

local function first(case, word) return lines(case, word)[1] end

local function source(line)
  local size = line.array:size()
  table.remove(size, 1)
  return ("%s = %s () shape=%s"):format(line[2], line[1], table.concat(size, ","))
end

local function build(case)
  local text = { source(first(case, "input")), source(first(case, "label")) }
  for _, line in ipairs(lines(case, "net")) do text[#text + 1] = line.rest end
  local net = lander.core.net_build(table.concat(text, "\n"), 1)
  for _, line in ipairs(lines(case, "param")) do
    net.params[line[2]].data:copy_(line.array)
  end
  return net
end

local function options_of(case)
  local options = {}
  for key, value in first(case, "solver").rest:gmatch "(%S+)=(%S+)" do
    options[key] = tonumber(value) or value
  end
  return options
end

local function check(case)
  local solver = lander.solver(build(case), options_of(case))
  local x, t = first(case, "input").array, first(case, "label").array
  for _, line in ipairs(lines(case, "after")) do
    while solver.iter < tonumber(line[2]) do assert(solver:step(x, t)) end
    local wrong = reader.error(solver.net.params[line[3]].data, line.array, FLOOR)
    local near = wrong <= (tolerance[case.kind] or reader.tolerance) -- false for NaN
    if not near then
      error(("after %s: relative error %.3g"):format(line.rest, wrong), 0)
    end
  end
end

TestCompareRules = {}

function TestCompareRules.test_every_rule_has_cases()
  local left_out = { gd = true, lars = true } -- make_rules.py says why
  local seen = {}
  for _, case in ipairs(cases) do seen[options_of(case).type] = true end
  for _, type in ipairs(lander.core.describe "solver") do
    lu.assertTrue(seen[type.name] or left_out[type.name], type.name .. " has no case")
  end
end

-- One test for each kind of case.
for _, case in ipairs(cases) do
  local name = "test_" .. case.kind
  TestCompareRules[name] = TestCompareRules[name] or function()
    local wrong, tried = {}, 0
    for _, one in ipairs(cases) do
      if one.kind == case.kind then
        local ok, message = pcall(check, one)
        tried = tried + 1
        if not ok then
          wrong[#wrong + 1] = ("%s %s: %s\n  %s"):format(one.kind, one.number, message,
            first(one, "solver").rest)
        end
      end
    end
    lu.assertEquals(#wrong, 0, ("%d of %d cases: %s"):format(#wrong, tried,
      table.concat(wrong, "\n")))
  end
end
