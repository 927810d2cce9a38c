-- test_tensor.lua: making tensors, their elements, printing, random numbers, memory.
local lu = require "luaunit"
local lander = require "lander"

local double = lander.config().real == "double"
local nan, inf = 0 / 0, math.huge

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "an error was expected: " .. text)
  lu.assertStrContains(tostring(message), text)
end

TestTensorMaking = {}

function TestTensorMaking.test_from_tables()
  local t = lander.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  lu.assertEquals(t:size(), { 2, 3 })
  lu.assertEquals(t:totable(), { { 1, 2, 3 }, { 4, 5, 6 } })
  lu.assertEquals(lander.tensor { 7 }:totable(), { 7 })
  lu.assertEquals(lander.tensor(2.5):totable(), 2.5)
  lu.assertEquals(lander.tensor(2.5):dim(), 0)
  lu.assertEquals(lander.tensor {}:size(), { 0 })
  lu.assertEquals(lander.tensor { {}, {} }:size(), { 2, 0 })
end

function TestTensorMaking.test_from_a_tensor_is_a_copy()
  local t = lander.tensor { 1, 2 }
  local u = lander.tensor(t)
  u[1] = 5
  lu.assertEquals(t:totable(), { 1, 2 })
end

function TestTensorMaking.test_tables_that_are_no_tensor()
  local t = lander.tensor
  fails("tensor: rows have to be equally long: 1 entries at [2], but 2 before", t,
    { { 1, 2 }, { 3 } })
  fails("tensor: expected a number at [2][1], found a string", t, { { 1 }, { "x" } })
  fails("tensor: expected a number at [2], found a table", t, { 1, {} })
  fails("tensor: expected a table at [2], found a number", t, { { 1 }, 2 })
  fails("tensor: expected a number at [1], found a lander.tensor", t, { t { 1 } })
  fails("tensor: expected a list at the top, found the key 'x'", t, { x = 1 })
  fails("found a string", t, "1")
  fails("found nothing", t)
  local deep = { 1 }
  for _ = 1, 8 do deep = { deep } end
  fails("at most 8 dimensions", t, deep)
  local endless = {}
  endless[1] = endless
  fails("at most 8 dimensions", t, endless)
end

function TestTensorMaking.test_by_size()
  lu.assertEquals(lander.zeros(2, 2):totable(), { { 0, 0 }, { 0, 0 } })
  lu.assertEquals(lander.ones { 3 }:totable(), { 1, 1, 1 })
  lu.assertEquals(lander.full(7, 1, 2):totable(), { { 7, 7 } })
  lu.assertEquals(lander.zeros():totable(), 0)
  lu.assertEquals(lander.zeros(0, 3):size(), { 0, 3 })
  lu.assertEquals(lander.eye(2):totable(), { { 1, 0 }, { 0, 1 } })
  lu.assertEquals(lander.eye(2, 3):totable(), { { 1, 0, 0 }, { 0, 1, 0 } })
  lu.assertEquals(lander.eye(3, 1):totable(), { { 1 }, { 0 }, { 0 } })
end

function TestTensorMaking.test_sizes_that_make_no_sense()
  fails("zeros: a size can't be negative: -1", lander.zeros, 2, -1)
  fails("zeros: a size has to be a whole number, found 1.5", lander.zeros, 1.5)
  fails("zeros: a size has to be a whole number, found nan", lander.zeros, math.abs(nan))
  fails("zeros: a size has to be a whole number, found a string", lander.zeros, "2")
  fails("ones: a tensor has at most 8 dimensions, found 9", lander.ones,
    1, 1, 1, 1, 1, 1, 1, 1, 1)
  fails("more elements than a computer can address", lander.zeros, 1 << 40, 1 << 40)
  fails("can address", lander.zeros, 0, math.maxinteger, math.maxinteger)
  fails("negative", lander.zeros, math.mininteger)
  fails("full: the value has to be a number, found nil", lander.full, nil, 2)
  fails("eye: the number of rows", lander.eye)
end

function TestTensorMaking.test_arange_has_its_last_number()
  lu.assertEquals(lander.arange(1, 5):totable(), { 1, 2, 3, 4, 5 })
  lu.assertEquals(lander.arange(0, 1, 0.25):totable(), { 0, 0.25, 0.5, 0.75, 1 })
  lu.assertEquals(lander.arange(5, 1, -2):totable(), { 5, 3, 1 })
  lu.assertEquals(lander.arange(1, 6, 2):totable(), { 1, 3, 5 })
  lu.assertEquals(lander.arange(2, 1):size(), { 0 })
  lu.assertEquals(lander.arange(0, 0.3, 0.1):numel(), 4) -- 0.3 / 0.1 is less than 3
  fails("arange: expected finite bounds and a step that is not 0", lander.arange, 1, 2, 0)
  fails("arange: expected finite bounds", lander.arange, 1, inf)
  fails("arange: expected finite bounds", lander.arange, nan, 1)
  fails("more elements", lander.arange, 0, 1e300)
  fails("arange: the last number has to be a number, found nothing", lander.arange, 3)
end

TestTensorElements = {}

function TestTensorElements.test_what_it_says_of_itself()
  local t = lander.zeros(2, 3, 4)
  lu.assertEquals(t:size(2), 3)
  lu.assertEquals(t:size(-1), 4)
  lu.assertEquals(t:stride(), { 12, 4, 1 })
  lu.assertEquals(t:dim(), 3)
  lu.assertEquals(#t, 2)
  lu.assertEquals(t:numel(), 24)
  lu.assertTrue(t:is_contiguous())
  fails("size: shape (2, 3, 4) has no dimension 4", t.size, t, 4)
  fails("size: shape (2, 3, 4) has no dimension 0", t.size, t, 0)
  fails("size: shape (2, 3, 4) has no dimension -4", t.size, t, -4)
  fails("no length", function() return #lander.tensor(1) end)
end

function TestTensorElements.test_indexing()
  local t = lander.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  lu.assertEquals(t[2]:totable(), { 4, 5, 6 })
  lu.assertEquals(t[-1][-2], 5)
  lu.assertEquals(t[1][3], 3)
  t[1][3] = 30
  lu.assertEquals(t:get(1, 3), 30)
  t[2] = 0
  lu.assertEquals(t:totable(), { { 1, 2, 30 }, { 0, 0, 0 } })
  t[-1] = lander.tensor { 7, 8, 9 }
  lu.assertEquals(t[2]:totable(), { 7, 8, 9 })
  t[1] = t[2]
  lu.assertEquals(t[1]:totable(), { 7, 8, 9 })
  lu.assertEquals(t:t()[3]:totable(), { 9, 9 })
  lu.assertNil(t.nothing)
end

function TestTensorElements.test_indexing_outside()
  local t = lander.zeros(2, 3)
  fails("index: position 3 is outside 1 to 2 in dimension 1 of shape (2, 3)",
    function() return t[3] end)
  fails("position 0 is outside", function() return t[0] end)
  fails("position -3 is outside", function() return t[-3] end)
  fails("a position has to be a whole number, found 1.5", function() return t[1.5] end)
  fails("outside", function() return t[math.mininteger] end)
  fails("position 4 is outside 1 to 3", function() t[1][4] = 1 end)
  fails("can't set 'x'", function() t.x = 1 end)
  fails("expected a tensor or a number, found a table", function() t[1] = {} end)
  fails("shape (2) can't be written to a tensor of shape (3)",
    function() t[1] = lander.zeros(2) end)
  fails("no positions", function() return lander.tensor(1)[1] end)
  fails("position 1 is outside 1 to 0", function() return lander.zeros(0)[1] end)
end

function TestTensorElements.test_get_and_set()
  local t = lander.zeros(2, 3)
  lu.assertIs(t:set(5, 2, -1), t)
  lu.assertEquals(t:get(-1, 3), 5)
  lu.assertEquals(lander.tensor(4):get(), 4)
  lu.assertEquals(lander.tensor { { 4 } }:item(), 4)
  fails("get: shape (2, 3) takes 2 positions, found 1", t.get, t, 1)
  fails("set: shape (2, 3) takes 2 positions, found 3", t.set, t, 0, 1, 1, 1)
  fails("set: the value has to be a number, found nil", t.set, t, nil, 1, 1)
  fails("item: expected one element, found shape (2, 3)", t.item, t)
  fails("set: can't write to an expanded tensor of shape (2, 3)", function()
    lander.zeros(1, 3):expand(2, 3):set(1, 1, 1)
  end)
end

function TestTensorElements.test_arguments_that_are_no_tensor()
  local t = lander.zeros(2, 2)
  fails("mm: expected a tensor, found a table", t.mm, t, {})
  fails("mm: expected a tensor, found nothing", t.mm, t)
  fails("sum: expected a tensor, found a number", t.sum, 1)
  fails("add: expected a tensor or a number, found a string", function() return t + "1" end)
  fails("add_: expected a tensor, found a number", t.add_, 1, 2)
  fails("add: expected a tensor or a number, found a boolean", t.add, t, true)
end

function TestTensorElements.test_errors_have_the_place_in_the_script()
  local _, message = pcall(function() lander.zeros(2):mm(lander.zeros(2)) end)
  lu.assertStrMatches(message, "tests/test_tensor.lua:%d+: mm: .*")
end

TestTensorPrint = {}

function TestTensorPrint.test_columns_line_up()
  lu.assertEquals(tostring(lander.tensor { { 1, -2.5 }, { 100, 0.125 } }),
    "[[  1.     -2.5  ]\n [100.      0.125]]")
  lu.assertEquals(tostring(lander.tensor { 1, 2, 3 }), "[1. 2. 3.]")
  lu.assertEquals(tostring(lander.tensor { 0.1, 1 / 3 }), "[0.1    0.3333]")
end

function TestTensorPrint.test_exponents()
  lu.assertEquals(tostring(lander.tensor { 1e-6, 1 }), "[1.e-06 1.e+00]")
  lu.assertEquals(tostring(lander.tensor { -1.25e9, 3 }), "[-1.25e+09  3.00e+00]")
end

function TestTensorPrint.test_what_is_not_finite()
  lu.assertEquals(tostring(lander.tensor { nan, 1.5, -inf, inf }),
    "[ nan  1.5 -inf  inf]")
  lu.assertEquals(tostring(lander.tensor { nan, nan }), "[nan nan]")
end

function TestTensorPrint.test_small_and_empty()
  lu.assertEquals(tostring(lander.tensor(2.5)), "2.5")
  lu.assertEquals(tostring(lander.tensor(3)), "3.0")
  lu.assertEquals(tostring(lander.zeros(0, 3)), "[]")
  lu.assertEquals(tostring(lander.zeros(2, 1, 2)), "[[[0. 0.]]\n\n [[0. 0.]]]")
end

function TestTensorPrint.test_long_rows_are_wrapped()
  local text = tostring(lander.arange(1, 30))
  lu.assertEquals(text,
    "[ 1.  2.  3.  4.  5.  6.  7.  8.  9. 10. 11. 12. 13. 14. 15. 16. 17. 18.\n" ..
    " 19. 20. 21. 22. 23. 24. 25. 26. 27. 28. 29. 30.]")
end

function TestTensorPrint.test_large_ones_are_shortened()
  lu.assertEquals(tostring(lander.arange(1, 1001)),
    "[1.000e+00 2.000e+00 3.000e+00 ... 9.990e+02 1.000e+03 1.001e+03]")
  lu.assertEquals(tostring(lander.zeros(1001)), "[0. 0. 0. ... 0. 0. 0.]")
  lu.assertEquals(tostring(lander.zeros(500, 3)),
    "[[0. 0. 0.]\n [0. 0. 0.]\n [0. 0. 0.]\n ...\n [0. 0. 0.]\n [0. 0. 0.]\n [0. 0. 0.]]")
  lu.assertEquals(tostring(lander.zeros(1):expand(1 << 40)), "[0. 0. 0. ... 0. 0. 0.]")
end

function TestTensorPrint.test_views_print_their_elements()
  lu.assertEquals(tostring(lander.tensor { { 1, 2 }, { 3, 4 } }:t()),
    "[[1. 3.]\n [2. 4.]]")
end

TestTensorRandom = {}

function TestTensorRandom:setUp()
  self.seed = lander.core.seed()
end

function TestTensorRandom:tearDown()
  lander.seed(self.seed)
end

function TestTensorRandom.test_the_seed_decides()
  lander.seed(7)
  lu.assertEquals(lander.core.seed(), 7)
  local a, b = lander.rand(100), lander.rand(100)
  lander.seed(7)
  local c = lander.rand(200)
  lu.assertEquals(c:totable(), a:cat(b):totable()) -- draws go on where they stopped
  lander.seed(8)
  lu.assertFalse(lander.rand(100):allclose(a))
  fails("seed: the seed has to be a whole number, found 1.5", lander.seed, 1.5)
  fails("seed: the seed", lander.seed)
end

function TestTensorRandom.test_distributions()
  -- Within 5 deviations of the estimates: n = 1e5; mean 1/sqrt(12n), std/sqrt(n) ...
  lander.seed(1)
  local n = 100000
  local u = lander.rand(n)
  lu.assertAlmostEquals(u:mean(), 0.5, 5 / math.sqrt(12 * n))
  lu.assertTrue(u:min() >= 0 and u:max() < 1)
  local g = lander.randn(n)
  lu.assertAlmostEquals(g:mean(), 0, 5 / math.sqrt(n))
  lu.assertAlmostEquals(g:std(), 1, 5 / math.sqrt(2 * n))
  u:uniform_(-2, 3)
  lu.assertTrue(u:min() >= -2 and u:max() < 3)
  lu.assertAlmostEquals(u:mean(), 0.5, 25 / math.sqrt(12 * n))
  g:normal_(10, 2)
  lu.assertAlmostEquals(g:mean(), 10, 10 / math.sqrt(n))
  lu.assertEquals(lander.zeros(3):uniform_(2, 2):totable(), { 2, 2, 2 })
  lu.assertEquals(lander.zeros(3):normal_(4, 0):totable(), { 4, 4, 4 })
end

function TestTensorRandom.test_views_are_filled_in_row_major_order()
  lander.seed(3)
  local a = lander.zeros(5, 4)
  a:t():uniform_()
  lander.seed(3)
  lu.assertEquals(a:t():totable(), lander.rand(4, 5):totable())
end

function TestTensorRandom.test_parameters_that_make_no_sense()
  local t = lander.zeros(2)
  fails("uniform: expected finite bounds", t.uniform_, t, 1, 0)
  fails("uniform: expected finite bounds", t.uniform_, t, nan, 1)
  fails("uniform: expected finite bounds", t.uniform_, t, -inf, inf)
  fails("normal: expected a finite mean", t.normal_, t, 0, -1)
  fails("normal: expected a finite mean", t.normal_, t, 0, nan)
  fails("normal: expected a finite mean", t.normal_, t, inf)
  fails("uniform: can't write to an expanded tensor", function()
    lander.zeros(1):expand(3):uniform_()
  end)
end

TestTensorMemory = {}

function TestTensorMemory.test_temporaries_are_collected()
  collectgarbage()
  local before, most = lander.core.tensor_bytes(), 0
  local function note() most = math.max(most, lander.core.tensor_bytes() - before) end
  local function add_ones(times, ...)
    local t = lander.zeros(...)
    for _ = 1, times do
      t = t + 1
      note()
    end
    lu.assertEquals(t[-1], times)
  end
  add_ones(40000, 8000) -- 1280 MB, twice that in double
  add_ones(200, 1000000) -- few and large: Lua alone would see no reason to collect
  lu.assertTrue(most < 100e6 + 2 * before, "memory grew by " .. most)
  collectgarbage()
  lu.assertTrue(lander.core.tensor_bytes() <= before)
end

function TestTensorMemory.test_closing()
  local kept
  do
    local t <close> = lander.ones(3)
    kept = t
  end
  fails("sum: expected a tensor, found one that was closed", kept.sum, kept)
end

function TestTensorMemory.test_views_keep_the_elements()
  local row = lander.tensor { { 1, 2 }, { 3, 4 } }[2]
  collectgarbage()
  lu.assertEquals(row:totable(), { 3, 4 })
end

function TestTensorMemory.test_positions_fit_the_element_type()
  if double then lu.success() end
  local wide = lander.zeros(1):expand((1 << 24) + 1)
  fails("sort: positions up to 16777217 can't be held exactly", wide.sort, wide)
end
