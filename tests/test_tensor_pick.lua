-- test_tensor_pick.lua: sorting, elements by position, joining.
local lu = require "luaunit"
local lander = require "lander"

local nan = 0 / 0

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "an error was expected: " .. text)
  lu.assertStrContains(tostring(message), text)
end

TestTensorSort = {}

function TestTensorSort.test_values_and_positions()
  local t = lander.tensor { { 3, 1, 2 }, { 0, -1, 5 } }
  local values, positions = t:sort()
  lu.assertEquals(values:totable(), { { 1, 2, 3 }, { -1, 0, 5 } })
  lu.assertEquals(positions:totable(), { { 2, 3, 1 }, { 2, 1, 3 } })
  values, positions = t:sort(1, true)
  lu.assertEquals(values:totable(), { { 3, 1, 5 }, { 0, -1, 2 } })
  lu.assertEquals(positions:totable(), { { 1, 1, 2 }, { 2, 2, 1 } })
  lu.assertTrue(values:is_contiguous())
  lu.assertEquals(lander.zeros(0):sort():size(), { 0 })
  lu.assertEquals(lander.zeros(2, 0, 3):sort(2):size(), { 2, 0, 3 })
  fails("sort: shape (2, 3) has no dimension 3", t.sort, t, 3)
end

function TestTensorSort.test_is_stable_both_ways()
  local _, up = lander.tensor { 1, 0, 1, 0, 1 }:sort()
  lu.assertEquals(up:totable(), { 2, 4, 1, 3, 5 })
  local _, down = lander.tensor { 1, 0, 1, 0, 1 }:sort(1, true)
  lu.assertEquals(down:totable(), { 1, 3, 5, 2, 4 })
end

function TestTensorSort.test_nan_is_the_largest()
  local values, positions = lander.tensor { nan, 1, nan, -1, math.huge }:sort()
  lu.assertEquals(positions:totable(), { 4, 2, 5, 1, 3 })
  lu.assertNaN(values[4])
  local _, down = lander.tensor { 1, nan, math.huge }:sort(1, true)
  lu.assertEquals(down:totable(), { 2, 3, 1 })
end

function TestTensorSort.test_large()
  local n = 5003 -- no power of two
  local t = lander.zeros(n)
  for i = 1, n do t[i] = i * 2741 % n end -- n is prime: all of 0 .. n-1
  local values, positions = t:sort()
  lu.assertTrue(values:eq(lander.arange(0, n - 1)):all())
  lu.assertTrue(t:gather(1, positions):eq(values):all())
end

function TestTensorSort.test_topk()
  local t = lander.tensor { { 3, 1, 2 }, { 0, -1, 5 } }
  local values, positions = t:topk(2)
  lu.assertEquals(values:totable(), { { 3, 2 }, { 5, 0 } })
  lu.assertEquals(positions:totable(), { { 1, 3 }, { 3, 1 } })
  values, positions = t:topk(1, 1, false)
  lu.assertEquals(values:totable(), { { 0, -1, 2 } })
  lu.assertEquals(positions:totable(), { { 2, 2, 1 } })
  lu.assertEquals(t:topk(0):size(), { 2, 0 })
  fails("topk: k is 4, but dimension 2 of shape (2, 3) has 3 positions", t.topk, t, 4)
  fails("topk: k is -1", t.topk, t, -1)
end

TestTensorByPosition = {}

function TestTensorByPosition.test_gather()
  local t = lander.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  lu.assertEquals(t:gather(2, lander.tensor { { 3 }, { 1 } }):totable(), { { 3 }, { 4 } })
  lu.assertEquals(t:gather(1, { { 2, 1, 2 } }):totable(), { { 4, 2, 6 } })
  lu.assertEquals(t:t():gather(-1, { { 2, 2 }, { 1, 1 } }):totable(),
    { { 4, 4 }, { 2, 2 } })
  fails("gather: position 0 (number 2 of the index) is not one of 1 to 3", t.gather, t, 2,
    { { 1 }, { 0 } })
  fails("gather: position 4", t.gather, t, 2, { { 4 } })
  fails("gather: position 1.5", t.gather, t, 2, { { 1.5 } })
  fails("gather: position ", t.gather, t, 2, { { nan } })
  fails("gather: position inf", t.gather, t, 2, { { math.huge } })
  fails("gather: an index of shape (1) doesn't fit a tensor of shape (2, 3)", t.gather, t, 2,
    { 1 })
  fails("gather: an index of shape (3, 1) doesn't fit", t.gather, t, 2, lander.ones(3, 1))
end

function TestTensorByPosition.test_index_select()
  local t = lander.tensor { { 1, 2, 3 }, { 4, 5, 6 } }
  lu.assertEquals(t:index_select(2, { 3, 1, 3 }):totable(), { { 3, 1, 3 }, { 6, 4, 6 } })
  lu.assertEquals(t:t():index_select(1, lander.tensor { 2 }):totable(), { { 2, 5 } })
  lu.assertEquals(t:index_select(1, {}):size(), { 0, 3 })
  lu.assertEquals(lander.zeros(3, 0):index_select(1, { 2, 2 }):size(), { 2, 0 })
  fails("index_select: position 3 (number 1 of the index) is not one of 1 to 2",
    t.index_select, t, 1, { 3 })
  fails("index_select: position -1", t.index_select, t, 1, { -1 })
  fails("index_select: the index has one dimension, found shape (1, 1)", t.index_select, t,
    1, { { 1 } })
  fails("index_select: expected a tensor, found a number", t.index_select, t, 1, 1)
  fails("not one of 1 to 0", t.index_select, lander.zeros(0), 1, { 1 })
end

TestTensorJoining = {}

function TestTensorJoining.test_cat()
  local a, b = lander.tensor { { 1, 2 } }, lander.tensor { { 3, 4 }, { 5, 6 } }
  lu.assertEquals(lander.cat({ a, b }):totable(), { { 1, 2 }, { 3, 4 }, { 5, 6 } })
  lu.assertEquals(lander.cat({ b, b:t() }, 2):totable(), { { 3, 4, 3, 5 }, { 5, 6, 4, 6 } })
  lu.assertEquals(lander.cat(a, b, 1):size(), { 3, 2 })
  lu.assertEquals(a:cat(a, -1):totable(), { { 1, 2, 1, 2 } })
  lu.assertEquals(lander.cat { lander.zeros(0, 2), a }:totable(), { { 1, 2 } })
  fails("cat: shapes (1, 2) (number 1) and (2, 2) (number 2) differ elsewhere than in the " ..
    "dimension to be joined", lander.cat, { a, b }, 2)
  fails("cat: shapes (1, 2) (number 1) and (2) (number 2) differ", lander.cat,
    { a, lander.zeros(2) })
  fails("cat: expected a list of tensors, found an empty one", lander.cat, {})
  fails("cat: expected a list of tensors, found a number", lander.cat, 1)
  fails("cat: expected a tensor, found a number", lander.cat, { a, 1 })
  fails("cat: shape (1, 2) has no dimension 3", lander.cat, { a }, 3)
  fails("has no dimension", lander.cat, { lander.tensor(1) })
end

function TestTensorJoining.test_stack()
  local a, b = lander.tensor { 1, 2 }, lander.tensor { 3, 4 }
  lu.assertEquals(lander.stack({ a, b }):totable(), { { 1, 2 }, { 3, 4 } })
  lu.assertEquals(lander.stack({ a, b }, 2):totable(), { { 1, 3 }, { 2, 4 } })
  lu.assertEquals(lander.stack({ a, b }, -1):totable(), { { 1, 3 }, { 2, 4 } })
  lu.assertEquals(lander.stack { lander.tensor(1), lander.tensor(2) }:totable(), { 1, 2 })
  fails("stack: shapes (2) (number 1) and (1) (number 2) differ", lander.stack,
    { a, lander.zeros(1) })
  fails("stack: shape (2) has no place 3 for a new dimension, but 1 to 2", lander.stack,
    { a, b }, 3)
end
