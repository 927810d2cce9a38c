-- test_tensor_sweep.lua: some hundred random chains of views, broadcasts and reductions,
-- each compared with plain Lua (naive.lua), element by element.
local lu = require "luaunit"
local lander = require "lander"
local naive = require "tests.naive"

local double = lander.config().real == "double"

-- Numbers of a sequence that is the same everywhere.
local state
local function random(low, high)
  state = (state * 6364136223846793005 + 1442695040888963407)
  return low + ((state >> 33) % (high - low + 1))
end

-- Small multiples of 1/4: sums and products of a few are exact in float too.
local function element()
  return random(-12, 12) / 4
end

local function random_size(dims)
  local size = {}
  for d = 1, dims do size[d] = random(1, 12) == 1 and 0 or random(1, 4) end
  return size
end

local function random_tensor(size)
  local t = lander.zeros(size)
  local a = naive.make(size, function(at)
    local value = element()
    t:set(value, table.unpack(at))
    return value
  end)
  return t, a
end

local function check(t, a, what, tolerance)
  lu.assertEquals(t:size(), a.size, what)
  local found = naive.of(t)
  for k, expected in ipairs(a.at) do
    local v = found.at[k]
    local near = v == expected or (v ~= v and expected ~= expected) or
      math.abs(v - expected) <= (tolerance or 0) * math.max(1, math.abs(expected))
    if not near then
      lu.fail(("%s: element %d is %s, expected %s"):format(what, k, v, expected))
    end
  end
end

local steps = {
  function(t, a)
    local order, dims = {}, #a.size
    for d = 1, dims do table.insert(order, random(1, d), d) end
    if dims == 0 then return t, a end
    return t:permute(order), naive.permute(a, order)
  end,
  function(t, a)
    if #a.size == 0 then return t, a end
    local dim = random(1, #a.size)
    local start = random(1, a.size[dim] + 1)
    local length = random(0, a.size[dim] - start + 1)
    if length == 0 and random(1, 4) > 1 then return t, a end
    return t:narrow(dim - (random(0, 1) == 1 and #a.size + 1 or 0), start, length),
      naive.narrow(a, dim, start, length)
  end,
  function(t, a)
    if #a.size < 2 then return t, a end
    local dim = random(1, #a.size)
    if a.size[dim] == 0 then return t, a end
    local i = random(1, a.size[dim])
    return t:select(dim, i), naive.select(a, dim, i)
  end,
  function(t, a)
    if #a.size > 4 then return t, a end
    local dim, size = random(1, #a.size + 1), table.move(a.size, 1, #a.size, 1, {})
    table.insert(size, dim, 1)
    return t:unsqueeze(dim), naive.reshape(a, size)
  end,
  function(t, a)
    local size = {}
    for _, s in ipairs(a.size) do if s ~= 1 then size[#size + 1] = s end end
    return t:squeeze(), naive.reshape(a, size)
  end,
  function(t, a)
    local size = {}
    for d, s in ipairs(a.size) do size[d] = s == 1 and random(0, 3) or s end
    if #size < 4 then table.insert(size, 1, random(1, 2)) end
    return t:expand(size), naive.expand(a, size)
  end,
  function(t, a)
    local size = { -1, a.size[#a.size] or 1 }
    if naive.count(a.size) == 0 then return t, a end
    local rows = naive.count(a.size) // size[2]
    return t:reshape(size), naive.reshape(a, { rows, size[2] })
  end,
}

-- A tensor seen through some random views.
local function random_view()
  local t, a = random_tensor(random_size(random(0, 4)))
  for _ = 1, random(0, 4) do t, a = steps[random(1, #steps)](t, a) end
  return t, a
end

-- A shape that can be broadcast with another.
local function compatible(size)
  local other = {}
  for d = random(1, #size + 1), #size do
    other[#other + 1] = random(1, 3) == 1 and 1 or size[d]
  end
  return other
end

TestTensorSweep = {}

function TestTensorSweep.setUp()
  state = 20240229
end

function TestTensorSweep.test_views()
  for i = 1, 400 do
    local t, a = random_view()
    check(t, a, "views " .. i)
    check(t:clone(), a, "clone " .. i)
    check(t:contiguous(), a, "contiguous " .. i)
  end
end

local binary = {
  add = function(p, q) return p + q end,
  sub = function(p, q) return p - q end,
  mul = function(p, q) return p * q end,
  maximum = math.max,
  lt = function(p, q) return p < q and 1 or 0 end,
  eq = function(p, q) return p == q and 1 or 0 end,
}
local binary_names = { "add", "sub", "mul", "maximum", "lt", "eq" }

function TestTensorSweep.test_broadcasts()
  for i = 1, 400 do
    local name = binary_names[random(1, #binary_names)]
    local t, a = random_view()
    local u, b = random_tensor(compatible(a.size))
    if random(1, 3) == 1 then -- strided, too
      local dims = {}
      for d = #b.size, 1, -1 do dims[#dims + 1] = d end
      if #dims > 0 then
        local back = u:permute(dims):clone():permute(dims)
        u = back
      end
    end
    local f = binary[name]
    check(t[name](t, u), naive.binary(f, a, b), name .. " " .. i)
    check(u[name](u, t), naive.binary(f, b, a), name .. " swapped " .. i)
    check(t[name](t, 0.5), naive.map(function(v) return f(v, 0.5) end, a), name)
  end
end

function TestTensorSweep.test_in_place()
  for i = 1, 300 do
    local t, a = random_view()
    t = t:clone()
    if #a.size > 1 then -- written through a view of other strides
      t = t:transpose(1, -1):clone():transpose(1, -1)
    end
    local u, b = random_tensor(compatible(a.size))
    local expected = naive.binary(binary.add, a, b)
    check(t:add_(u), expected, "add_ " .. i)
  end
end

function TestTensorSweep.test_in_place_on_overlapping_views()
  for i = 1, 200 do
    local n, length = random(4, 9), random(2, 4)
    local base, a = random_tensor({ n, n })
    local function part()
      local row, column = random(1, n - length + 1), random(1, n - length + 1)
      local t = base:narrow(1, row, length):narrow(2, column, length)
      local b = naive.narrow(naive.narrow(a, 1, row, length), 2, column, length)
      if random(0, 1) == 1 then return t:t(), naive.permute(b, { 2, 1 }) end
      return t, b
    end
    local to, before = part()
    local from, values = part()
    local name = binary_names[random(1, 4)]
    to[name .. "_"](to, from)
    check(to, naive.binary(binary[name], before, values), name .. "_ " .. i)
  end
end

function TestTensorSweep.test_reductions()
  local names = { "sum", "mean", "prod", "min", "max", "argmin", "argmax", "norm", "var",
    "std", "all", "any" }
  -- Elements are exact; a root or a quotient is rounded once to the element type.
  local tolerance = double and 1e-14 or 3e-7
  for i = 1, 400 do
    local t, a = random_view()
    if random(1, 4) == 1 and naive.count(a.size) > 0 then -- somewhere a NaN
      local k = random(1, #a.at)
      t = t:clone()
      t:view(-1)[k] = 0 / 0
      a = naive.make(a.size, function(_, at) return at == k and 0 / 0 or a.at[at] end)
    end
    for _, name in ipairs(names) do
      local what = name .. " " .. i
      local chooses = name:find "m[ia][nx]"
      if #a.size > 0 then
        local dim = random(1, #a.size)
        if not (chooses and a.size[dim] == 0) then
          local expected = naive.reduce(naive[name], a, dim)
          check((t[name](t, dim)), expected, what, tolerance)
          lu.assertEquals((t[name](t, dim, true)):size(dim), 1)
        end
      end
      if not (chooses and #a.at == 0) then
        local whole, expected = t[name](t), naive[name](a.at)
        if type(whole) == "boolean" then whole = whole and 1 or 0 end
        check(lander.tensor(whole), { size = {}, at = { expected } }, what, tolerance)
      end
    end
  end
end

function TestTensorSweep.test_sort_and_gather()
  for i = 1, 200 do
    local t, a = random_view()
    if #a.size > 0 then
      local dim, descending = random(1, #a.size), random(0, 1) == 1
      local values, positions = t:sort(dim, descending)
      check(t:gather(dim, positions), naive.of(values), "gather " .. i)
      local sorted = naive.reduce(function(list)
        for k = 2, #list do
          if descending and list[k - 1] < list[k] then return 0 end
          if not descending and list[k - 1] > list[k] then return 0 end
        end
        return 1
      end, naive.of(values), dim)
      for _, ok in ipairs(sorted.at) do lu.assertEquals(ok, 1) end
      check(t:sum(dim), naive.of(values:sum(dim)), "the same elements " .. i)
    end
  end
end

function TestTensorSweep.test_large_strided()
  -- Enough elements for several pieces, through a transposed and narrowed view.
  local n, m = 700, 300
  local t = lander.arange(1, n * m):view(n, m)
  local u = t:t():narrow(2, 3, n - 5) -- (m, n - 5)
  local v = u + lander.arange(1, n - 5)
  for _, at in ipairs { { 1, 1 }, { m, n - 5 }, { 123, 456 }, { 299, 2 }, { 2, 694 } } do
    local i, j = at[1], at[2]
    lu.assertEquals(v:get(i, j), (j + 1) * m + i + j)
  end
end
