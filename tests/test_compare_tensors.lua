-- test_compare_tensors.lua: tensor operations against NumPy, refusals included. The cases
-- are in tests/compare, where make_tensors.py made them; no NumPy is needed here.
local lu = require "luaunit"
local lander = require "lander"
local reader = require "tests.compare.reader"

-- Results are about 1; below this they are what cancellation has left.
local FLOOR = 0.01

local cases = reader.read("tensors", { tensor = true }, { exactly = true, nearly = true })

-- ---- operations: methods of tensors, but for these ----

local operations = setmetatable({
  operator_add = function(a, b) return a + b end,
  operator_sub = function(a, b) return a - b end,
  operator_mul = function(a, b) return a * b end,
  operator_div = function(a, b) return a / b end,
  operator_pow = function(a, b) return a ^ b end,
  split = function(t, ...) return table.unpack(t:split(...)) end,
}, { __index = function(_, name)
  if lander[name] then return lander[name] end -- cat, stack, where, arange ...
  return function(t, ...) return t[name](t, ...) end
end })

-- ---- arguments ----

-- What a tensor was stored as tells which view of it is the argument.
local views = {
  plain = function(t) return t end,
  transposed = function(t)
    local order = {}
    for d = 1, t:dim() do order[d] = t:dim() + 1 - d end
    return t:permute(order)
  end,
  every_other = function(t) return t:select(-1, 1) end,
}

local readers = {
  tensor = function(line) return views[line[2]](line.array:clone()) end,
  number = function(line) return tonumber(line[2]) end,
  flag = function(line) return line[2] == "true" end,
  nothing = function() return nil end,
}

-- The arguments; the tensors of a list belong to one.
local function arguments(case)
  local list, n, listed, left = {}, 0, nil, 0
  for _, line in ipairs(case.lines) do
    if line[1] == "tensors" then
      listed, left, n = {}, tonumber(line[2]), n + 1
      list[n] = listed
    elseif left > 0 then
      listed[#listed + 1], left = readers.tensor(line), left - 1
    elseif readers[line[1]] then
      n = n + 1
      list[n] = readers[line[1]](line)
    end
  end
  return list, n
end

-- ---- results ----

local function flat(t)
  return t:reshape(t:numel()):totable()
end

local function is_finite(v)
  return v - v == 0
end

-- NaN where NaN is expected, and infinities likewise.
local function check_bits(found, expected)
  for i, e in ipairs(expected) do
    local f = found[i]
    if f ~= e and (f == f or e == e) then
      return ("number %d is %s, expected %s"):format(i, f, e)
    end
  end
end

-- What is not finite has to be the same; it is then left out of the comparison.
local function check_near(found, expected)
  local fs, es = {}, {}
  for i, e in ipairs(expected) do
    if is_finite(e) then
      fs[#fs + 1], es[#es + 1] = found[i], e
    else
      local wrong = check_bits({ found[i] }, { e })
      if wrong then return wrong end
    end
  end
  if #es > 0 then return reader.compare(lander.tensor(fs), lander.tensor(es), FLOOR) end
end

local checks = { exactly = check_bits, nearly = check_near }

local function as_tensor(value)
  if type(value) == "boolean" then value = value and 1 or 0 end
  return type(value) == "number" and lander.tensor(value) or value
end

local function check_result(line, value)
  local found, expected = as_tensor(value), line.array
  local a, b = table.concat(found:size(), ","), table.concat(expected:size(), ",")
  if a ~= b then return ("shape (%s), expected (%s)"):format(a, b) end
  return checks[line[1]](flat(found), flat(expected))
end

-- ---- a case ----

-- The target of an operation in place is as it was.
local function check_refusal(case, args, ok, message)
  if ok then return "NumPy refuses this" end
  local operation = case.kind:gsub("^operator_", ""):gsub("_$", "")
  if not tostring(message):find(operation, 1, true) then
    return "the error does not name the operation: " .. tostring(message)
  end
  if case.kind:find "_$" then
    local before = arguments(case)[1]
    return check_bits(flat(args[1]), flat(before))
  end
end

local function check(case)
  local args, n = arguments(case)
  local got = table.pack(pcall(operations[case.kind], table.unpack(args, 1, n)))
  local results = {}
  for _, line in ipairs(case.lines) do
    if line[1] == "refused" then return check_refusal(case, args, got[1], got[2]) end
    if checks[line[1]] then results[#results + 1] = line end
  end
  if not got[1] then return tostring(got[2]) end
  if got.n - 1 ~= #results then
    return ("%d results, expected %d"):format(got.n - 1, #results)
  end
  for i, line in ipairs(results) do
    local wrong = check_result(line, got[i + 1])
    if wrong then return wrong end
  end
end

-- A case that fails is shown whole.
local function describe(case, message)
  local text = { ("%s %s: %s"):format(case.kind, case.number, message) }
  for _, line in ipairs(case.lines) do
    text[#text + 1] = "  " .. line[1] .. " " .. line.rest
    if line.array then text[#text] = text[#text] .. " " .. tostring(line.array) end
  end
  return table.concat(text, "\n")
end

-- ---- the tests ----

TestCompareTensors = {}

function TestCompareTensors.test_there_are_enough_cases()
  local refused = 0
  for _, case in ipairs(cases) do
    if case.lines[#case.lines][1] == "refused" then refused = refused + 1 end
  end
  lu.assertTrue(#cases >= 500)
  lu.assertTrue(refused >= 50)
end

function TestCompareTensors.test_wrong_numbers_are_noticed()
  local inf, nan = math.huge, 0 / 0
  for _, f in pairs(checks) do
    lu.assertNil(f({ 1, inf, nan }, { 1, inf, nan }))
    lu.assertNotNil(f({ 1.01 }, { 1 }))
    lu.assertNotNil(f({ nan }, { 1 }))
    lu.assertNotNil(f({ 1 }, { nan }))
    lu.assertNotNil(f({ -inf }, { inf }))
    lu.assertNotNil(f({ inf }, { 1 }))
  end
end

-- One test for each operation.
for _, case in ipairs(cases) do
  local name = "test_" .. case.kind
  TestCompareTensors[name] = TestCompareTensors[name] or function()
    local wrong, tried = {}, 0
    for _, one in ipairs(cases) do
      if one.kind == case.kind then
        local message = check(one)
        tried = tried + 1
        if message then wrong[#wrong + 1] = describe(one, message) end
      end
    end
    lu.assertEquals(#wrong, 0, ("%d of %d cases: %s"):format(#wrong, tried, wrong[1]))
  end
end
