-- reader.lua: the cases that make_layers.py and make_tensors.py have stored (store.py says
-- how), and how near a result has to be.
local lander = require "lander"

local reader = {}

-- Relative errors: in float, rounding alone makes some 1e-7 for each of a few dozen sums.
reader.tolerance = lander.config().real == "double" and 1e-10 or 1e-5

local function sizes(text)
  local list = {}
  if text ~= "-" then
    for n in text:gmatch "%d+" do list[#list + 1] = math.tointeger(n) end
  end
  return list
end

local function count(size)
  local n = 1
  for _, s in ipairs(size) do n = n * s end
  return n
end

-- Gives out the arrays of a file, one after the other.
local function arrays(path)
  local all, at = lander.load_npy(path), 1
  local function take(size)
    local n = count(size)
    local t = all:narrow(1, at, n):reshape(size)
    at = at + n
    return t
  end
  local function left() return all:numel() + 1 - at end
  return take, left
end

-- Reads the set of cases `name`: a list of { kind =, number =, lines = { { word, ...,
-- array = tensor }, ... } }. given and expected: the words of lines that end in the size of
-- an array, in one file or the other.
function reader.read(name, given, expected)
  local base = "tests/compare/" .. name
  local take_given, given_left = arrays(base .. "_given.npy")
  local take_expected, expected_left = arrays(base .. "_expected.npy")
  local cases = {}
  for text in io.lines(base .. ".txt") do
    local words = {}
    for w in text:gmatch "%S+" do words[#words + 1] = w end
    local word = words[1]
    if word == "case" then
      cases[#cases + 1] = { kind = words[2], number = words[3], lines = {} }
    elseif word ~= "#" then
      local line = { word, rest = text:match "^%S+%s*(.*)$", table.unpack(words, 2) }
      local take = given[word] and take_given or expected[word] and take_expected
      if take then line.array = take(sizes(words[#words])) end
      table.insert(cases[#cases].lines, line)
    end
  end
  assert(given_left() == 0 and expected_left() == 0,
    base .. ".txt names fewer numbers than the .npy files hold")
  return cases
end

local function same_size(a, b)
  if a:dim() ~= b:dim() then return false end
  for d = 1, a:dim() do
    if a:size(d) ~= b:size(d) then return false end
  end
  return true
end

local function shape(t)
  return "(" .. table.concat(t:size(), ", ") .. ")"
end

-- ||found - expected|| / ||expected||, where the norm of what is expected counts as no
-- less than if each of its numbers were `floor`: what is nearly zero only by cancellation
-- (a gradient behind a normalisation) can't be near in proportion to itself.
function reader.error(found, expected, floor)
  local least = floor * math.sqrt(expected:numel())
  local norm = expected:norm()
  if norm < least then norm = least end -- NaN stays
  local difference = (found - expected):norm()
  return difference == 0 and norm == norm and 0 or difference / norm
end

-- nil, or words that say what is wrong. floor: see above.
function reader.compare(found, expected, floor)
  if not same_size(found, expected) then
    return ("shape %s, expected %s"):format(shape(found), shape(expected))
  end
  local wrong = reader.error(found, expected, floor)
  if wrong <= reader.tolerance then return nil end -- NaN is not
  return ("relative error %.3g, at most %g expected"):format(wrong, reader.tolerance)
end

return reader
