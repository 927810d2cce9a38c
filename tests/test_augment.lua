-- Augmentation as scripts see it: each sample is one of the crops that there are, all of
-- them come, and from any place in the data the same ones. (tests/unit/test_augment.c has
-- the draws.)
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"

local SUBSET = "tests/data/fashion_mnist"

TestAugment = {}

local function whole(t) -- all numbers of a tensor as one word
  return table.concat(t:contiguous():view(t:numel()):totable(), " ")
end

-- Every crop of `rows` x `columns` of t (1, r, c) with zeros around it, and its mirror image.
local function crops(t, pad, rows, columns)
  local r, c = t:size(2), t:size(3)
  local padded = lander.zeros(1, r + 2 * pad, c + 2 * pad)
  padded:narrow(2, pad + 1, r):narrow(3, pad + 1, c):copy_(t)
  local found, count = {}, 0
  for i = 1, r + 2 * pad - rows + 1 do
    for j = 1, c + 2 * pad - columns + 1 do
      local crop = padded:narrow(2, i, rows):narrow(3, j, columns)
      local mirrored = crop:clone()
      for k = 1, columns do
        mirrored:narrow(3, k, 1):copy_(crop:narrow(3, columns + 1 - k, 1))
      end
      found[whole(crop)], found[whole(mirrored)] = 0, 0
      count = count + 2
    end
  end
  return found, count
end

function TestAugment.test_all_crops_and_nothing_else()
  local x = lander.arange(1, 12):view(1, 1, 3, 4)
  local d = lander.data.tensors(x, lander.ones(1))
  local found, count = crops(x[1], 1, 3, 3)
  lu.assertEquals(count, 3 * 4 * 2)
  local batches = d:batches { size = 48, loop = true, seed = 2,
    augment = { mirror = true, crop = 3, pad = 1 } }
  lu.assertEquals(batches:shape(), { 1, 3, 3 })
  for _ = 1, 50 do
    local batch = batches:next()
    for i = 1, 48 do
      local word = whole(batch[i])
      lu.assertNotNil(found[word], word)
      found[word] = found[word] + 1
    end
  end
  for word, times in pairs(found) do -- 100 each, give or take five deviations
    lu.assertTrue(times > 50 and times < 150, word .. ": " .. times)
  end
end

function TestAugment.test_any_place_any_batch_size_same_bits()
  local d = lander.data.fashion_mnist(SUBSET, { limit = 150 }).train
  local augment = { mirror = true, crop = { 24, 20 }, pad = { 4, 2 } }
  local function batches(size, seed)
    return d:batches { size = size, shuffle = true, loop = true, seed = seed or 1,
      augment = augment }
  end
  local all = batches(600):next() -- four epochs
  lu.assertEquals(all:size(), { 600, 1, 24, 20 })
  local b = batches(40)
  for _, place in ipairs { 280, 0, 140, 139, 560, 280 } do
    b:seek(place)
    support.same_bits(b:next(), all:narrow(1, place + 1, 40))
  end
  lu.assertFalse(batches(600, 2):next():allclose(all))
  -- A sample of the second epoch is not the one of the first, shuffled or not.
  local plain = d:batches { size = 300, loop = true, augment = augment }:next()
  lu.assertFalse(plain:narrow(1, 1, 150):allclose(plain:narrow(1, 151, 150)))
end

function TestAugment.test_the_same_table_for_tests()
  local d = lander.data.fashion_mnist(SUBSET, { limit = 20 }).test
  local augment = { mirror = true, crop = 28, pad = 4 }
  local b = d:batches { size = 20, phase = "test", augment = augment }
  support.same_bits(b:next(), d:batches { size = 20 }:next())
  support.same_bits(d:batches { size = 20, phase = "test", augment = { crop = 24 } }:next(),
    d:batches { size = 20 }:next():narrow(3, 3, 24):narrow(4, 3, 24))
end

-- Black is what a black pixel of the file becomes, not zero.
function TestAugment.test_padding_is_black()
  local d = lander.data.fashion_mnist(SUBSET, { limit = 20 }).train
  local x = d:batches { size = 1, augment = { pad = 1 } }:next()
  lu.assertEquals(x:size(), { 1, 1, 30, 30 })
  lu.assertAlmostEquals(x:get(1, 1, 1, 1), -0.28604 / 0.35302, 1e-6)
  lu.assertEquals(x:get(1, 1, 30, 17), x:get(1, 1, 1, 1))
end

function TestAugment.test_nothing_asked_for()
  local d = lander.data.fashion_mnist(SUBSET, { limit = 20 }).train
  support.same_bits(d:batches { size = 20, augment = {} }:next(), d:batches { size = 20 }:next())
  lu.assertEquals(d:batches { size = 20, augment = nil }:shape(), d:shape())
end

function TestAugment.test_tensors_with_a_thread_and_without()
  local x, y = lander.randn(30, 2, 6, 6), lander.ones(30)
  local function all(options)
    local parts = {}
    for part in lander.data.tensors(x, y, options):batches { size = 7, shuffle = true,
      augment = { mirror = true, crop = 5 } } do
      parts[#parts + 1] = part
    end
    return lander.cat(parts, 1)
  end
  support.same_bits(all { prefetch = true }, all {})
  support.fails("prefetch", all, { prefetch = 3 })
end

function TestAugment.test_refused()
  local d = lander.data.fashion_mnist(SUBSET, { limit = 20 }).train
  local function batches(augment, phase)
    return d:batches { size = 1, augment = augment, phase = phase }
  end
  support.fails("did you mean 'augment.mirror'", batches, { miror = true })
  support.fails("'augment.mirror' must be true or false", batches, { mirror = 1 })
  support.fails("augment.crop=29,29 is larger", batches, { crop = 29 })
  support.fails("augment.crop=20,29 is larger", batches, { crop = { 20, 29 } })
  support.fails("augment must be a table", batches, true)
  support.fails("no unnamed entries", batches, { 28 })
  support.fails("must be one of 'train', 'test'", batches, {}, "tests")
  support.fails("plain values", batches, { crop = { {} } })
end
