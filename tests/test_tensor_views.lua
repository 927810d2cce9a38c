-- test_tensor_views.lua: views of storage, and what copies.
local lu = require "luaunit"
local lander = require "lander"

local function fails(text, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok, "an error was expected: " .. text)
  lu.assertStrContains(tostring(message), text)
end

local function grid()
  return lander.arange(1, 6):view(2, 3)
end

TestTensorViews = {}

function TestTensorViews.test_view_shares()
  local t = lander.arange(1, 6)
  local v = t:view(2, -1)
  lu.assertEquals(v:totable(), { { 1, 2, 3 }, { 4, 5, 6 } })
  v[1][1] = 10
  lu.assertEquals(t[1], 10)
  lu.assertEquals(t:view { 3, 2 }:size(), { 3, 2 })
  lu.assertEquals(lander.zeros(0, 4):view(2, 0):size(), { 2, 0 })
  lu.assertEquals(lander.zeros(0, 4):view(2, -1):size(), { 2, 0 })
  lu.assertEquals(lander.tensor(5):view(1, 1):totable(), { { 5 } })
  lu.assertEquals(lander.tensor { 5 }:view():totable(), 5)
end

function TestTensorViews.test_view_of_strided_tensors()
  local t = lander.arange(1, 24):view(2, 3, 4)
  local v = t:narrow(3, 1, 2):view(6, 2) -- the first two dimensions still merge
  lu.assertEquals(v[4]:totable(), { 13, 14 })
  v:fill_(0)
  lu.assertEquals(t:get(2, 1, 2), 0)
  lu.assertEquals(t:get(2, 1, 3), 15)
  fails("view: shape (2, 3, 2) is not contiguous, it can't be seen as (12) without a " ..
    "copy; reshape makes one", function() t:narrow(3, 1, 2):view(12) end)
  lu.assertEquals(t:permute(2, 1, 3):view(3, 2, 2, 2):size(), { 3, 2, 2, 2 })
end

function TestTensorViews.test_view_that_does_not_fit()
  local t = grid()
  fails("view: shape (2, 3) has 6 elements, which can't have shape (4, 2)", t.view, t, 4, 2)
  fails("view: shape (2, 3) has 6 elements, which can't have shape (-1, 4)", t.view, t,
    -1, 4)
  fails("only one size can be -1", t.view, t, -1, -1)
  fails("view: a size can't be negative: -2", t.view, t, -2, -3)
  fails("can't have shape (0, -1)", t.view, lander.zeros(0), 0, -1)
  fails("view: ", t.view, t, math.maxinteger, math.maxinteger)
end

function TestTensorViews.test_reshape_copies_where_it_must()
  local t = grid()
  local shared, copied = t:reshape(3, 2), t:t():reshape(-1)
  shared[1][1] = 9
  lu.assertEquals(t:get(1, 1), 9)
  lu.assertEquals(copied:totable(), { 1, 4, 2, 5, 3, 6 })
  fails("reshape: shape (3, 2) has 6 elements", function() t:t():reshape(5) end)
end

function TestTensorViews.test_dimensions_rearranged()
  local t = grid()
  lu.assertEquals(t:t():totable(), { { 1, 4 }, { 2, 5 }, { 3, 6 } })
  lu.assertEquals(t:transpose(1, -1):totable(), t:t():totable())
  local p = lander.zeros(2, 3, 4):permute(3, 1, 2)
  lu.assertEquals(p:size(), { 4, 2, 3 })
  lu.assertEquals(p:permute { -1, 1, 2 }:size(), { 3, 4, 2 })
  lu.assertFalse(p:is_contiguous())
  fails("t: expected a matrix, found shape (2)", function() lander.zeros(2):t() end)
  fails("permute: shape (2, 3) takes 2 dimensions, found 1", t.permute, t, 1)
  fails("permute: dimension 2 is named twice", t.permute, t, 2, 2)
  fails("permute: shape (2, 3) has no dimension 3, but 1 to 2", t.permute, t, 1, 3)
  fails("transpose: the dimension has to be a whole number, found nothing", t.transpose, t,
    1)
end

function TestTensorViews.test_parts()
  local t = grid()
  lu.assertEquals(t:narrow(2, 2, 2):totable(), { { 2, 3 }, { 5, 6 } })
  lu.assertEquals(t:narrow(-1, -1, 1):totable(), { { 3 }, { 6 } })
  lu.assertEquals(t:narrow(1, 3, 0):size(), { 0, 3 })
  lu.assertEquals(t:select(2, -1):totable(), { 3, 6 })
  lu.assertEquals(lander.tensor { 7, 8 }:select(1, 2):totable(), 8)
  t:select(2, 1):fill_(0)
  lu.assertEquals(t:totable(), { { 0, 2, 3 }, { 0, 5, 6 } })
  fails("narrow: dimension 2 of shape (2, 3) has no 3 positions from 2 on", t.narrow, t, 2,
    2, 3)
  fails("has no 1 positions from 0 on", t.narrow, t, 1, 0, 1)
  fails("has no -1 positions", t.narrow, t, 1, 1, -1)
  fails("positions", t.narrow, t, 1, math.maxinteger, math.maxinteger)
  fails("positions", t.narrow, t, 1, math.mininteger, 1)
  fails("select: position 4 is outside 1 to 3 in dimension 2", t.select, t, 2, 4)
end

function TestTensorViews.test_dimensions_of_size_one()
  local t = lander.zeros(1, 3, 1)
  lu.assertEquals(t:squeeze():size(), { 3 })
  lu.assertEquals(t:squeeze(1):size(), { 3, 1 })
  lu.assertEquals(t:squeeze(2):size(), { 1, 3, 1 })
  lu.assertEquals(t:squeeze(-1):size(), { 1, 3 })
  lu.assertEquals(grid():unsqueeze(1):size(), { 1, 2, 3 })
  lu.assertEquals(grid():unsqueeze(-1):size(), { 2, 3, 1 })
  lu.assertEquals(grid():t():unsqueeze(2):totable(),
    { { { 1, 4 } }, { { 2, 5 } }, { { 3, 6 } } })
  fails("unsqueeze: shape (2, 3) has no place 4 for a new dimension, but 1 to 3",
    function() grid():unsqueeze(4) end)
  fails("unsqueeze: shape (1, 1, 1, 1, 1, 1, 1, 1) has 8 dimensions already",
    function() lander.zeros(1, 1, 1, 1, 1, 1, 1, 1):unsqueeze(1) end)
end

function TestTensorViews.test_expand()
  local t = lander.tensor { { 1 }, { 2 } }
  local e = t:expand(3, -1, 2)
  lu.assertEquals(e:size(), { 3, 2, 2 })
  lu.assertEquals(e[3]:totable(), { { 1, 1 }, { 2, 2 } })
  t[1][1] = 5
  lu.assertEquals(e:get(2, 1, 2), 5)
  lu.assertEquals(lander.tensor(4):expand(2):totable(), { 4, 4 })
  lu.assertEquals(t:expand(2, 0):size(), { 2, 0 })
  fails("expand: shape (2, 1) can't be expanded to (3, 1)", t.expand, t, 3, 1)
  fails("expand: shape (2, 1) can't be expanded to (2)", t.expand, t, 2)
  fails("can't be expanded to (-1, 2, 1)", t.expand, t, -1, 2, 1)
  fails("expand: shape", t.expand, t, math.maxinteger, 2, 4)
end

function TestTensorViews.test_expanded_tensors_are_not_written_to()
  local e = lander.tensor { { 1 }, { 2 } }:expand(2, 3)
  local words = "can't write to an expanded tensor of shape (2, 3): its elements share memory"
  fails("add: " .. words, function() e:add_(1) end)
  fails("fill: " .. words, function() e:fill_(1) end)
  fails("copy: " .. words, function() e:copy_(lander.zeros(2, 3)) end)
  fails("index: " .. words, function() e[1] = 0 end)
  fails("normal: " .. words, function() e:normal_() end)
  lu.assertEquals(e:clone():add_(1):totable(), { { 2, 2, 2 }, { 3, 3, 3 } })
end

function TestTensorViews.test_contiguous_and_clone()
  local t = grid()
  lu.assertIs(t:contiguous(), t)
  local c = t:t():contiguous()
  lu.assertTrue(c:is_contiguous())
  lu.assertEquals(c:totable(), t:t():totable())
  local copy = t:clone()
  copy[1][1] = 0
  lu.assertEquals(t:get(1, 1), 1)
end

function TestTensorViews.test_split()
  local t = lander.arange(1, 10):view(2, 5)
  local parts = t:split(2, 2)
  lu.assertEquals(#parts, 3)
  lu.assertEquals(parts[2]:totable(), { { 3, 4 }, { 8, 9 } })
  lu.assertEquals(parts[3]:size(), { 2, 1 })
  lu.assertEquals(#t:split(1), 2)
  parts = t:split({ 1, 4, 0 }, -1)
  lu.assertEquals(parts[2]:totable(), { { 2, 3, 4, 5 }, { 7, 8, 9, 10 } })
  lu.assertEquals(parts[3]:size(), { 2, 0 })
  parts[1]:zero_()
  lu.assertEquals(t:get(2, 1), 0)
  fails("split: the parts have to add up to the 5 positions of dimension 2 of shape (2, 5)",
    t.split, t, { 1, 3 }, 2)
  fails("add up", t.split, t, { 3, 3 }, 2)
  fails("add up", t.split, t, { 6, -1 }, 2)
  fails("split: the size of a part has to be at least 1, found 0", t.split, t, 0)
end
