-- test_tensor_math.lua: arithmetic, broadcasting, in place, reductions, products.
local lu = require "luaunit"
local lander = require "lander"

local double = lander.config().real == "double"
local nan, inf = 0 / 0, math.huge
-- A few units of the last place of results around 1.
local close = double and 1e-14 or 1e-6

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "an error was expected: " .. text)
  lu.assertStrContains(tostring(message), text)
end

-- Elements of a vector, where NaN equals NaN.
local function same(t, list)
  lu.assertEquals(t:numel(), #list)
  local flat = t:reshape(-1)
  for i, v in ipairs(list) do
    local found = flat[i]
    lu.assertTrue(found == v or (found ~= found and v ~= v),
      ("element %d: found %s, expected %s"):format(i, found, v))
  end
end

TestTensorArithmetic = {}

function TestTensorArithmetic.test_operators()
  local a, b = lander.tensor { 1, 2, 3 }, lander.tensor { 4, 5, 6 }
  same(a + b, { 5, 7, 9 })
  same(a - b, { -3, -3, -3 })
  same(a * b, { 4, 10, 18 })
  same(b / a, { 4, 2.5, 2 })
  same(b ^ a, { 4, 25, 216 })
  same(-a, { -1, -2, -3 })
  same(a + 1, { 2, 3, 4 })
  same(1 - a, { 0, -1, -2 })
  same(2 * a, { 2, 4, 6 })
  same(12 / a, { 12, 6, 4 })
  same(2 ^ a, { 2, 4, 8 })
  same(a ^ 2, { 1, 4, 9 })
  same(a:add(b):sub(1):mul(2):div(4):pow(1), { 2, 3, 4 })
end

function TestTensorArithmetic.test_functions()
  local x = lander.tensor { -2, -0.5, 0, 1, 3 }
  same(x:abs(), { 2, 0.5, 0, 1, 3 })
  same(x:relu(), { 0, 0, 0, 1, 3 })
  same(x:sign(), { -1, -1, 0, 1, 1 })
  same(x:floor(), { -2, -1, 0, 1, 3 })
  same(x:neg(), { 2, 0.5, 0, -1, -3 })
  same(x:maximum(0.5), { 0.5, 0.5, 0.5, 1, 3 })
  same(x:minimum(lander.tensor(0)), { -2, -0.5, 0, 0, 0 })
  same(x:clamp(-1, 2), { -1, -0.5, 0, 1, 2 })
  same(x:clamp(nil, 0), { -2, -0.5, 0, 0, 0 })
  same(x:clamp(0), { 0, 0, 0, 1, 3 })
  same(x:clamp(2, 1), { 1, 1, 1, 1, 1 })
  fails("clamp: expected a lower bound, an upper bound or both", x.clamp, x)
end

function TestTensorArithmetic.test_transcendental_functions()
  local x = lander.tensor { -3, -0.7, 0.001, 0.4, 2.5 }
  local reference = {
    exp = math.exp,
    tanh = function(v) return (math.exp(v) - math.exp(-v)) / (math.exp(v) + math.exp(-v)) end,
    sigmoid = function(v) return 1 / (1 + math.exp(-v)) end,
  }
  for name, f in pairs(reference) do
    local y = x[name](x)
    for i = 1, #x do
      lu.assertTrue(math.abs(y[i] - f(x[i])) <= close * (1 + math.abs(f(x[i]))), name)
    end
  end
  local p = lander.tensor { 0.1, 1, 7 }
  for i = 1, 3 do
    lu.assertAlmostEquals(p:log()[i], math.log(p[i]), 3 * close)
    lu.assertAlmostEquals(p:sqrt()[i], math.sqrt(p[i]), 3 * close)
  end
end

function TestTensorArithmetic.test_nan_and_infinity()
  local x = lander.tensor { nan, inf, -inf }
  same(x:relu(), { nan, inf, 0 })
  same(x:sign(), { nan, 1, -1 })
  same(x:clamp(-1, 1), { nan, 1, -1 })
  same(x:maximum(0), { nan, inf, 0 })
  same(lander.zeros(3):maximum(x), { nan, inf, 0 })
  same(x:minimum(0), { nan, 0, -inf })
  same(lander.zeros(3):minimum(x), { nan, 0, -inf })
  same(x:isfinite(), { 0, 0, 0 })
  same(x:sigmoid(), { nan, 1, 0 })
  same(x:tanh(), { nan, 1, -1 })
  same(x:exp(), { nan, inf, 0 })
  same(lander.tensor { -1, 0 }:log(), { nan, -inf })
  same(lander.tensor { -1 }:sqrt(), { nan })
  same(lander.tensor { 1, -1, 0 } / 0, { inf, -inf, nan })
  same(lander.tensor { 1, nan }:isfinite(), { 1, 0 })
end

function TestTensorArithmetic.test_comparisons()
  local a, b = lander.tensor { 1, 2, 3, nan }, lander.tensor { 2, 2, 2, 2 }
  same(a:eq(b), { 0, 1, 0, 0 })
  same(a:ne(b), { 1, 0, 1, 1 })
  same(a:lt(b), { 1, 0, 0, 0 })
  same(a:le(2), { 1, 1, 0, 0 })
  same(a:gt(b), { 0, 0, 1, 0 })
  same(a:ge(2), { 0, 1, 1, 0 })
  same(lander.tensor { 0.1 }:eq(0.1), { 1 }) -- a number is rounded as elements are
end

function TestTensorArithmetic.test_where()
  local x = lander.tensor { -1, 2, nan }
  same(lander.where(x:gt(0), x, 0), { 0, 2, 0 })
  same(x:gt(0):where(1, lander.tensor { 5, 6, 7 }), { 5, 1, 7 })
  lu.assertEquals(lander.where(lander.tensor { { 1 }, { 0 } }, lander.arange(1, 3), -1)
    :totable(), { { 1, 2, 3 }, { -1, -1, -1 } })
  fails("where: the condition comes first and is 0 or 1 everywhere; found -1", x.where, x,
    x:gt(0), 0)
  fails("where: shapes (3), (2) and () can't be broadcast", lander.where, x:gt(0),
    lander.zeros(2), 0)
  fails("where: expected a tensor or a number, found nothing", lander.where, x:gt(0), 1)
end

function TestTensorArithmetic.test_broadcasting()
  local row, column = lander.tensor { { 10, 20, 30 } }, lander.tensor { { 1 }, { 2 } }
  lu.assertEquals((row + column):totable(), { { 11, 21, 31 }, { 12, 22, 32 } })
  lu.assertEquals((lander.zeros(2, 3) + lander.arange(1, 3)):totable(),
    { { 1, 2, 3 }, { 1, 2, 3 } })
  lu.assertEquals((lander.zeros(0, 3) + row):size(), { 0, 3 })
  lu.assertEquals((lander.zeros(0) + 1):size(), { 0 })
  lu.assertEquals((lander.zeros(1, 0) + lander.zeros(4, 1)):size(), { 4, 0 })
  lu.assertEquals((lander.tensor(1) + lander.tensor(2)):totable(), 3)
  fails("add: shapes (2, 3) and (2) can't be broadcast together", function()
    return lander.zeros(2, 3) + lander.zeros(2)
  end)
  fails("mul: shapes (0) and (2) can't be broadcast together", function()
    return lander.zeros(0) * lander.zeros(2)
  end)
end

function TestTensorArithmetic.test_arguments_too_many()
  local t = lander.zeros(2)
  fails("add: expected 2 arguments, found 3", t.add, t, t, 2)
  fails("exp: expected 1 arguments, found 2", t.exp, t, 2)
end

TestTensorInPlace = {}

function TestTensorInPlace.test_returns_itself()
  local t = lander.tensor { 1, 4, 9 }
  lu.assertIs(t:add_(1), t)
  same(t, { 2, 5, 10 })
  same(t:sub_(lander.tensor { 1, 1, 1 }):mul_(2):div_(2):sqrt_(), { 1, 2, 3 })
  same(t:pow_(2):neg_():abs_():clamp_(2, 5), { 2, 4, 5 })
  same(t:maximum_(4):minimum_(4.5), { 4, 4, 4.5 })
  same(t:fill_(2):exp_():log_():floor_():fill_(-1):relu_():sign_():tanh_(), { 0, 0, 0 })
  same(t:sigmoid_(), { 0.5, 0.5, 0.5 })
  same(t:copy_(lander.tensor { 1, 2, 3 }):zero_(), { 0, 0, 0 })
  same(t:copy_(7), { 7, 7, 7 })
  lu.assertEquals(lander.zeros(2, 2):copy_(lander.tensor { 1, 2 }):totable(),
    { { 1, 2 }, { 1, 2 } })
end

function TestTensorInPlace.test_the_destination_keeps_its_shape()
  local t = lander.zeros(3)
  fails("add: a result of shape (2, 3) can't be written to a tensor of shape (3)", t.add_, t,
    lander.zeros(2, 3))
  fails("copy: a result of shape (2) can't be written to a tensor of shape (3)", t.copy_, t,
    lander.zeros(2))
  fails("copy: a result of shape (1, 3) can't be", t.copy_, t, lander.zeros(1, 3))
  same(t, { 0, 0, 0 })
end

function TestTensorInPlace.test_overlapping_memory()
  local n = 5
  local function square() return lander.arange(1, n * n):view(n, n) end
  local expected = square() + square():t()
  local t = square()
  t:add_(t:t())
  lu.assertEquals(t:totable(), expected:totable())

  local x = lander.arange(1, 6)
  x:narrow(1, 2, 5):copy_(x:narrow(1, 1, 5))
  same(x, { 1, 1, 2, 3, 4, 5 })
  x = lander.arange(1, 6)
  x:narrow(1, 1, 5):copy_(x:narrow(1, 2, 5))
  same(x, { 2, 3, 4, 5, 6, 6 })
  x = lander.arange(1, 4)
  x:mul_(x:narrow(1, 2, 1)) -- one of the elements that change is the factor
  same(x, { 2, 4, 6, 8 })
  x = lander.arange(1, 4)
  x:add_(x)
  same(x, { 2, 4, 6, 8 })
  t = square()
  t:sub_(t[1])
  same(t, (square() - square()[1]):view(-1):totable())
  t = square()
  t[2] = t[1]
  lu.assertEquals(t[2]:totable(), { 1, 2, 3, 4, 5 })
end

function TestTensorInPlace.test_large_overlap_over_several_pieces()
  local n = 200000
  local x = lander.arange(1, n)
  x:narrow(1, 2, n - 1):copy_(x:narrow(1, 1, n - 1))
  lu.assertEquals(x[1], 1)
  lu.assertTrue(x:narrow(1, 2, n - 1):eq(lander.arange(1, n - 1)):all())
end

TestTensorReductions = {}

function TestTensorReductions.test_over_everything()
  local t = lander.tensor { { 3, 1, 2 }, { -4, 5, 0.5 } }
  lu.assertEquals(t:sum(), 7.5)
  lu.assertEquals(t:mean(), 1.25)
  lu.assertEquals(t:prod(), -60)
  lu.assertEquals(t:min(), -4)
  lu.assertEquals(t:max(), 5)
  lu.assertEquals(t:argmin(), 4)
  lu.assertEquals(t:argmax(), 5)
  lu.assertEquals(math.type(t:argmax()), "integer")
  lu.assertAlmostEquals(t:norm(), math.sqrt(9 + 1 + 4 + 16 + 25 + 0.25), 1e-12)
  local var = (1.75 ^ 2 + 0.25 ^ 2 + 0.75 ^ 2 + 5.25 ^ 2 + 3.75 ^ 2 + 0.75 ^ 2) / 5
  lu.assertAlmostEquals(t:var(), var, 1e-12)
  lu.assertAlmostEquals(t:std(), math.sqrt(var), 1e-12)
  lu.assertTrue(t:all())
  lu.assertTrue(t:gt(4):any())
  lu.assertFalse(t:gt(4):all())
  lu.assertFalse(t:gt(5):any())
  lu.assertEquals(t:t():argmax(), 4) -- in row-major order of the view
end

function TestTensorReductions.test_over_a_dimension()
  local t = lander.tensor { { 3, 1, 2 }, { -4, 5, 0.5 } }
  lu.assertEquals(t:sum(1):totable(), { -1, 6, 2.5 })
  lu.assertEquals(t:sum(2):totable(), { 6, 1.5 })
  lu.assertEquals(t:sum(-1, true):totable(), { { 6 }, { 1.5 } })
  lu.assertEquals(t:sum(1, true):size(), { 1, 3 })
  lu.assertEquals(t:sum(nil, true):totable(), { { 7.5 } })
  lu.assertEquals(t:argmax(1):totable(), { 1, 2, 1 })
  lu.assertEquals(t:argmin(2):totable(), { 2, 1 })
  local largest, positions = t:max(2)
  lu.assertEquals(largest:totable(), { 3, 5 })
  lu.assertEquals(positions:totable(), { 1, 2 })
  lu.assertEquals(lander.tensor { 4, 2 }:mean(1):totable(), 3)
  fails("sum: shape (2, 3) has no dimension 3, but 1 to 2", t.sum, t, 3)
  fails("max: the dimension has to be a whole number, found a lander.tensor", t.max, t, t)
  fails("sum: a tensor without dimensions has no dimension 1", t.sum, lander.tensor(1), 1)
end

function TestTensorReductions.test_of_nothing()
  local t = lander.zeros(0, 3)
  lu.assertEquals(t:sum(), 0)
  lu.assertEquals(t:prod(), 1)
  lu.assertEquals(t:norm(), 0)
  lu.assertNaN(t:mean())
  lu.assertNaN(t:var())
  lu.assertNaN(lander.tensor { 3 }:std())
  lu.assertTrue(t:all())
  lu.assertFalse(t:any())
  lu.assertEquals(t:sum(1):totable(), { 0, 0, 0 })
  lu.assertEquals(t:max(2):size(), { 0 })
  same(t:mean(1), { nan, nan, nan })
  fails("max: there is nothing to choose from in shape (0, 3)", t.max, t)
  fails("argmin: there is nothing to choose from in shape (0, 3)", t.argmin, t, 1)
end

function TestTensorReductions.test_nan_wins()
  local t = lander.tensor { 1, nan, 3, nan, -2 }
  lu.assertNaN(t:max())
  lu.assertNaN(t:min())
  lu.assertEquals(t:argmax(), 2)
  lu.assertEquals(t:argmin(), 2)
  same(t:view(1, 5):max(2), { nan })
  lu.assertEquals(lander.full(nan, 3):argmax(), 1)
  lu.assertNaN(t:sum())
  lu.assertEquals(lander.full(-inf, 3):argmax(), 1)
  lu.assertEquals(lander.full(inf, 3):argmin(), 1)
end

function TestTensorReductions.test_large_ones_in_pieces()
  local n = 300000
  local t = lander.ones(n)
  lu.assertEquals(t:sum(), n)
  t[250001] = 2
  t[250002] = 2
  lu.assertEquals(t:argmax(), 250001)
  t[100000] = -1
  lu.assertEquals(t:argmin(), 100000)
  t[290000] = nan
  lu.assertEquals(t:argmax(), 290000)
  lu.assertEquals(t:argmin(), 290000)
  lu.assertNaN(t:max())
end

function TestTensorReductions.test_sums_are_taken_in_double()
  local n = 1 << 20
  local t = lander.full(0.1, n) -- summed in float, the error would be 1e-4 and more
  local exact = t[1] * n
  lu.assertTrue(math.abs(t:sum() - exact) <= 1e-10 * exact)
  lu.assertTrue(math.abs(t:mean() - t[1]) <= 1e-10)
  lu.assertTrue(t:std() < 1e-9)
end

function TestTensorReductions.test_bits_do_not_depend_on_threads_or_strides()
  local t = lander.zeros(500, 400):copy_(lander.arange(1, 200000):view(500, 400) * 0.37)
  t = (t * 1e-3):exp()
  local before = lander.threads()
  local function results()
    return { t:sum(), t:var(), t:norm(), t:dot(t), t:t():clone():t():sum() }
  end
  local expected
  for _, threads in ipairs { 1, 2, 3 } do
    lander.threads(threads)
    expected = expected or results()
    lu.assertEquals(results(), expected)
  end
  lander.threads(before)
  lu.assertEquals(expected[5], expected[1])
end

TestTensorProducts = {}

-- rows x inner times inner x columns, by the book.
local function product(a, b)
  local c = {}
  for i = 1, a:size(1) do
    c[i] = {}
    for j = 1, b:size(2) do
      local sum = 0
      for k = 1, a:size(2) do sum = sum + a:get(i, k) * b:get(k, j) end
      c[i][j] = sum
    end
  end
  return c
end

-- Small whole numbers, so that products are exact.
local function numbers(...)
  local t = lander.zeros(...)
  local flat = t:view(-1)
  for i = 1, #flat do flat[i] = i * 7 % 11 - 5 end
  return t
end

function TestTensorProducts.test_mm()
  local a, b = numbers(3, 4), numbers(4, 5)
  lu.assertEquals(a:mm(b):totable(), product(a, b))
  local at, bt = numbers(4, 3):t(), numbers(5, 4):t()
  lu.assertEquals(at:mm(b):totable(), product(at, b))
  lu.assertEquals(a:mm(bt):totable(), product(a, bt))
  lu.assertEquals(at:mm(bt):totable(), product(at, bt))
  local part = numbers(6, 9):narrow(2, 3, 4) -- rows further apart than long
  lu.assertEquals(part:mm(b):totable(), product(part, b))
  local strided = numbers(3, 4, 2):select(3, 2) -- neither rows nor columns contiguous
  lu.assertEquals(strided:mm(b):totable(), product(strided, b))
  local wide = lander.tensor { { 1, 2, 3, 4 } }:expand(3, 4)
  lu.assertEquals(wide:mm(b):totable(), product(wide, b))
  local column = numbers(3, 1)
  lu.assertEquals(column:mm(numbers(1, 2)):totable(), product(column, numbers(1, 2)))
end

function TestTensorProducts.test_mm_of_nothing()
  lu.assertEquals(lander.zeros(2, 0):mm(lander.zeros(0, 3)):totable(),
    { { 0, 0, 0 }, { 0, 0, 0 } })
  lu.assertEquals(lander.zeros(0, 2):mm(lander.zeros(2, 3)):size(), { 0, 3 })
end

function TestTensorProducts.test_bmm()
  local a, b = numbers(2, 3, 4), numbers(2, 4, 5)
  local c = a:bmm(b)
  for i = 1, 2 do lu.assertEquals(c[i]:totable(), product(a[i], b[i])) end
  local t = numbers(2, 4, 3):transpose(2, 3)
  lu.assertEquals(t:bmm(b)[2]:totable(), product(t[2], b[2]))
  local e = numbers(1, 3, 4):expand(2, 3, 4)
  lu.assertEquals(e:bmm(b)[2]:totable(), product(e[2], b[2]))
  local s = numbers(4, 3, 2):permute(3, 2, 1)
  lu.assertEquals(s:bmm(b)[1]:totable(), product(s[1], b[1]))
end

function TestTensorProducts.test_dot()
  local a, b = lander.tensor { 1, 2, 3 }, lander.tensor { 4, 5, 6 }
  lu.assertEquals(a:dot(b), 32)
  lu.assertEquals(lander.zeros(0):dot(lander.zeros(0)), 0)
  lu.assertEquals(numbers(2, 3):dot(numbers(3, 2):t():contiguous()),
    (numbers(2, 3) * numbers(3, 2):t()):sum())
end

function TestTensorProducts.test_shapes_that_do_not_fit()
  local a = lander.zeros(2, 3)
  fails("mm: shapes (2, 3) and (2, 3) don't fit: expected (m, k) and (k, n)", a.mm, a, a)
  fails("mm: shapes (2, 3) and (3) don't fit", a.mm, a, lander.zeros(3))
  fails("bmm: shapes (2, 3) and (2, 3) don't fit: expected (batch, m, k) and (batch, k, n)",
    a.bmm, a, a)
  fails("dot: shapes (2) and (3) don't fit", a.dot, lander.zeros(2), lander.zeros(3))
end

TestTensorAllclose = {}

function TestTensorAllclose.test_tolerances()
  local a = lander.tensor { 1, 1000 }
  lu.assertTrue(a:allclose(a + 0))
  lu.assertTrue(a:allclose(lander.tensor { 1.000005, 1000.005 }))
  lu.assertFalse(a:allclose(lander.tensor { 1.0001, 1000 }))
  lu.assertTrue(a:allclose(lander.tensor { 1.0001, 1000 }, 1e-3))
  lu.assertTrue(a:allclose(lander.tensor { 1.5, 1000 }, 0, 0.6))
  lu.assertTrue(lander.full(2, 3):allclose(2))
  fails("allclose: tolerances are at least 0", a.allclose, a, a, -1)
  fails("allclose: tolerances are at least 0", a.allclose, a, a, 0, nan)
  fails("allclose: shapes (2) and (3) can't be broadcast", a.allclose, a, lander.zeros(3))
end

function TestTensorAllclose.test_nan_and_infinity()
  local function t(v) return lander.tensor { v } end
  lu.assertFalse(t(nan):allclose(t(nan)))
  lu.assertFalse(t(1):allclose(t(nan)))
  lu.assertTrue(t(inf):allclose(t(inf)))
  lu.assertFalse(t(inf):allclose(t(-inf)))
  lu.assertFalse(t(inf):allclose(t(1), inf, inf))
  lu.assertFalse(t(1):allclose(t(inf)))
end
