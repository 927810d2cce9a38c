-- naive.lua: tensors as plain Lua, the slow and obvious way, to compare with. An array has
-- .size and its elements in row-major order in .at.
local naive = {}

local function count(size)
  local n = 1
  for _, s in ipairs(size) do n = n * s end
  return n
end
naive.count = count

-- The positions (from 1) of element number k of a shape.
local function positions(size, k)
  local at, rest = {}, k - 1
  for d = #size, 1, -1 do
    at[d] = rest % size[d] + 1
    rest = rest // size[d]
  end
  return at
end

local function number_of(size, at)
  local k = 0
  for d = 1, #size do k = k * size[d] + at[d] - 1 end
  return k + 1
end

-- An array whose element at each place is f(positions).
function naive.make(size, f)
  local a = { size = size, at = {} }
  for k = 1, count(size) do a.at[k] = f(positions(size, k), k) end
  return a
end

function naive.get(a, at)
  return a.at[number_of(a.size, at)]
end

function naive.of(t)
  return naive.make(t:size(), function(at) return t:get(table.unpack(at)) end)
end

-- ---- views ----

local function copy(list)
  return table.move(list, 1, #list, 1, {})
end

function naive.permute(a, order)
  local size = {}
  for d, from in ipairs(order) do size[d] = a.size[from] end
  return naive.make(size, function(at)
    local from = {}
    for d, o in ipairs(order) do from[o] = at[d] end
    return naive.get(a, from)
  end)
end

function naive.narrow(a, dim, start, length)
  local size = copy(a.size)
  size[dim] = length
  return naive.make(size, function(at)
    local from = copy(at)
    from[dim] = at[dim] + start - 1
    return naive.get(a, from)
  end)
end

function naive.select(a, dim, i)
  local size = copy(a.size)
  table.remove(size, dim)
  return naive.make(size, function(at)
    local from = copy(at)
    table.insert(from, dim, i)
    return naive.get(a, from)
  end)
end

function naive.reshape(a, size)
  return { size = size, at = a.at }
end

function naive.expand(a, size)
  local added = #size - #a.size
  return naive.make(size, function(at)
    local from = {}
    for d = 1, #a.size do from[d] = a.size[d] == 1 and 1 or at[d + added] end
    return naive.get(a, from)
  end)
end

-- ---- arithmetic ----

-- The shape that two are broadcast to, or nil.
function naive.common(one, other)
  local dims, size = math.max(#one, #other), {}
  for d = 1, dims do
    local p, q = one[d - dims + #one] or 1, other[d - dims + #other] or 1
    if p ~= q and p ~= 1 and q ~= 1 then return nil end
    size[d] = p == 1 and q or p
  end
  return size
end

function naive.binary(f, a, b)
  local size = naive.common(a.size, b.size)
  a, b = naive.expand(a, size), naive.expand(b, size)
  return naive.make(size, function(_, k) return f(a.at[k], b.at[k]) end)
end

function naive.map(f, a)
  return naive.make(a.size, function(_, k) return f(a.at[k]) end)
end

-- f gets a list of the elements along dim.
function naive.reduce(f, a, dim)
  local size = copy(a.size)
  table.remove(size, dim)
  return naive.make(size, function(at)
    local list = {}
    for i = 1, a.size[dim] do
      local from = copy(at)
      table.insert(from, dim, i)
      list[i] = naive.get(a, from)
    end
    return f(list)
  end)
end

-- ---- reductions of a list ----

function naive.sum(list)
  local sum = 0
  for _, v in ipairs(list) do sum = sum + v end
  return sum
end

function naive.prod(list)
  local product = 1
  for _, v in ipairs(list) do product = product * v end
  return product
end

function naive.mean(list)
  return naive.sum(list) / #list
end

function naive.var(list)
  local mean, sum = naive.mean(list), 0
  for _, v in ipairs(list) do sum = sum + (v - mean) ^ 2 end
  return #list > 1 and sum / (#list - 1) or 0 / 0
end

function naive.std(list)
  return math.sqrt(naive.var(list))
end

function naive.norm(list)
  local sum = 0
  for _, v in ipairs(list) do sum = sum + v * v end
  return math.sqrt(sum)
end

-- The position of the first best one, or of the first NaN.
local function best(list, better)
  local at = 1
  for i, v in ipairs(list) do
    if v ~= v then return i end
    if better(v, list[at]) then at = i end
  end
  return at
end

function naive.argmax(list)
  return best(list, function(a, b) return a > b end)
end

function naive.argmin(list)
  return best(list, function(a, b) return a < b end)
end

function naive.max(list)
  return list[naive.argmax(list)]
end

function naive.min(list)
  return list[naive.argmin(list)]
end

function naive.all(list)
  for _, v in ipairs(list) do if v == 0 then return 0 end end
  return 1
end

function naive.any(list)
  for _, v in ipairs(list) do if v ~= 0 then return 1 end end
  return 0
end

return naive
