-- test_compare_layers.lua: layers against PyTorch: outputs, gradients of inputs and of
-- parameters, running statistics. The cases are in tests/compare, where make_layers.py
-- made them; no PyTorch is needed here.
local lu = require "luaunit"
local lander = require "lander"
local reader = require "tests.compare.reader"

-- Numbers in the cases are about 1; below this they are what cancellation has left.
local FLOOR = 0.01

local given = { input = true, label = true, param = true, dy = true }
local expected = { output = true, gradient = true, grad = true, after = true }
local cases = reader.read("layers", given, expected)

local function lines(case, word)
  local found = {}
  for _, line in ipairs(case.lines) do
    if line[1] == word then found[#found + 1] = line end
  end
  return found
end

-- A line of a net's text for data or labels that lie (batch, ...).
local function source(line)
  local size = line.array:size()
  table.remove(size, 1)
  local shape = #size > 0 and " shape=" .. table.concat(size, ",") or ""
  return ("%s = %s ()%s"):format(line[2], line[1], shape)
end

local function build(case)
  local text = {}
  for _, word in ipairs { "input", "label" } do
    for _, line in ipairs(lines(case, word)) do text[#text + 1] = source(line) end
  end
  for _, line in ipairs(lines(case, "net")) do text[#text + 1] = line.rest end
  local net = lander.core.net_build(table.concat(text, "\n"), 1)
  for _, line in ipairs(lines(case, "param")) do
    net.params[line[2]].data:copy_(line.array)
  end
  return net:want_input_gradient()
end

-- Both passes -> what a line of the case expects
local function run(case)
  local net, data = build(case), {}
  if lines(case, "phase")[1][2] == "test" then net:test_phase() else net:train_phase() end
  for _, word in ipairs { "input", "label" } do
    for _, line in ipairs(lines(case, word)) do data[#data + 1] = line.array end
  end
  local dy = lines(case, "dy")[1]
  local y = net:forward(table.unpack(data))
  if not dy then y = net.y.output end
  local found = { output = function() return y end }
  y = y:clone()
  net:backward(dy and dy.array)
  found.gradient = function(name) return net[name].gradient end
  found.grad = function(name) return net.params[name].grad end
  found.after = function(name) return net.params[name].data end
  return found
end

local function check(case)
  local found = run(case)
  for _, line in ipairs(case.lines) do
    if expected[line[1]] then
      local what = found[line[1]](line[2])
      local wrong = reader.compare(what, line.array, FLOOR)
      if wrong then error(("%s: %s"):format(line[1] .. " " .. line.rest, wrong), 0) end
    end
  end
end

-- A case that fails is shown whole.
local function describe(case, message)
  local text = { ("%s %s: %s"):format(case.kind, case.number, message) }
  for _, line in ipairs(case.lines) do text[#text + 1] = "  " .. line[1] .. " " .. line.rest end
  return table.concat(text, "\n")
end

TestCompareLayers = {}

function TestCompareLayers.test_there_are_enough_cases()
  lu.assertTrue(#cases >= 300)
end

-- Layers without a gradient, whose output is no number to be compared with a tolerance.
local left_out = { accuracy = true, argmax = true }

function TestCompareLayers.test_every_layer_has_cases()
  local seen = {}
  for _, case in ipairs(cases) do
    for _, line in ipairs(case.lines) do
      if line[1] == "net" then seen[line.rest:match "= (%S+) %("] = true end
      if line[1] == "input" or line[1] == "label" then seen[line[1]] = true end
    end
  end
  for _, layer in ipairs(lander.core.describe "layer") do
    lu.assertTrue(seen[layer.name] or left_out[layer.name], layer.name .. " has no case")
  end
end

function TestCompareLayers.test_wrong_numbers_are_noticed()
  local a = lander.tensor { 1, 2, 3 }
  lu.assertNil(reader.compare(a, a, FLOOR))
  lu.assertNotNil(reader.compare(a + 1e-4, a, FLOOR))
  lu.assertNotNil(reader.compare(a, a:reshape(3, 1), FLOOR))
  for _, bad in ipairs { 0 / 0, 1 / 0 } do
    lu.assertNotNil(reader.compare(lander.tensor { 1, 2, bad }, a, FLOOR))
    lu.assertNotNil(reader.compare(a, lander.tensor { 1, 2, bad }, FLOOR))
  end
end

-- One test for each kind of case.
for _, case in ipairs(cases) do
  local name = "test_" .. case.kind
  TestCompareLayers[name] = TestCompareLayers[name] or function()
    local wrong, tried = {}, 0
    for _, one in ipairs(cases) do
      if one.kind == case.kind then
        local ok, message = pcall(check, one)
        tried = tried + 1
        if not ok then wrong[#wrong + 1] = describe(one, message) end
      end
    end
    lu.assertEquals(#wrong, 0, ("%d of %d cases: %s"):format(#wrong, tried, wrong[1]))
  end
end
