-- Datasets seen from Lua: the small part of Fashion-MNIST that is here, bad files, tensors,
-- parts, batches, made-up data. (tests/unit/test_data.c looks from inside.)
local lu = require "luaunit"
local lander = require "lander"

local SUBSET = "tests/data/fashion_mnist"

-- Fails unless f(...) raises an error that has every one of `parts`.
local function refused(parts, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok)
  for _, part in ipairs(parts) do lu.assertStrContains(message, part) end
  return message
end

local files -- made by a test, removed after it

local function file_of(content)
  local path = os.tmpname()
  files[#files + 1] = path
  local f <close> = assert(io.open(path, "wb"))
  assert(f:write(content))
  return path
end

local function content_of(path)
  local f <close> = assert(io.open(path, "rb"))
  return f:read "a"
end

-- The content of an IDX file with these sizes.
local function idx(sizes, bytes)
  local header = { "\0\0\8", string.char(#sizes) }
  for _, size in ipairs(sizes) do header[#header + 1] = (">I4"):pack(size) end
  return table.concat(header) .. bytes
end

local IMAGES = idx({ 3, 2, 2 }, "\0\1\2\3" .. "\4\5\6\7" .. "\252\253\254\255")
local LABELS = idx({ 3 }, "\0\9\5")

-- ---- IDX ----

TestIdx = {}

function TestIdx.setUp() files = {} end

function TestIdx.tearDown()
  for _, path in ipairs(files) do os.remove(path) end
end

function TestIdx.test_samples()
  local d = lander.data.idx(file_of(IMAGES), file_of(LABELS), { scale = 1, mean = 4, std = 2 })
  lu.assertEquals(#d, 3)
  lu.assertEquals(d.classes, 10)
  lu.assertEquals(d:shape(), { 1, 2, 2 })
  lu.assertEquals(d:target_shape(), {})
  local x, y = d:get(2)
  lu.assertEquals(x:totable(), { { { 0, 0.5 }, { 1, 1.5 } } })
  lu.assertEquals(y, 10) -- classes count from one
  lu.assertEquals(math.type(y), "integer")
  lu.assertEquals(d[1][1]:totable(), { { { -2, -1.5 }, { -1, -0.5 } } })
  lu.assertEquals(d[1][2], 1)
  lu.assertEquals(d[-1][2], 6)
  lu.assertEquals(d[-3][2], 1)
  lu.assertEquals(tostring(d), "dataset of 3 samples (1, 2, 2), 10 classes")
end

function TestIdx.test_positions_outside()
  local d = lander.data.idx(file_of(IMAGES), file_of(LABELS))
  for _, i in ipairs { 0, 4, -4, math.maxinteger, math.mininteger } do
    refused({ "no sample " .. i, "1 to 3", "tests/test_data.lua:" }, function() return d[i] end)
  end
  lu.assertNil(d.no_such_method)
  lu.assertNil(d[1.5])
end

function TestIdx.test_bad_files()
  local images, labels = file_of(IMAGES), file_of(LABELS)
  local function bad(parts, content_images, content_labels)
    refused(parts, lander.data.idx, content_images and file_of(content_images) or images,
      content_labels and file_of(content_labels) or labels)
  end
  bad({ "not an IDX file", "0x7f454c46", "expected 0x00000803" }, "\x7fELF and so on")
  bad({ "ends inside its header" }, "")
  bad({ "ends inside its header" }, "\0\0\8")
  bad({ "ends inside its header" }, IMAGES:sub(1, 15))
  bad({ "cut short" }, IMAGES:sub(1, -2))
  bad({ "has 13 bytes behind its header, which says 12" }, IMAGES .. "x")
  bad({ "claims more" }, idx({ 0xffffffff, 0xffffffff, 0xffffffff }, "1234"))
  bad({ "claims more" }, idx({ 0x80000000, 0x80000000, 4, 4 }, "1234"))
  bad({ "no samples" }, idx({ 0, 2, 2 }, ""))
  bad({ "not a file of images", "5 sizes" }, idx({ 1, 1, 1, 1, 1 }, "x"))
  bad({ "not a file of images" }, LABELS)
  bad({ "not a file of labels" }, nil, IMAGES)
  bad({ "3 images", "2 labels" }, nil, idx({ 2 }, "\1\2"))
  bad({ "sample 2 is 10, expected 0 to 9" }, nil, idx({ 3 }, "\0\10\5"))
end

function TestIdx.test_names_the_file()
  local path = file_of("nonsense")
  refused({ path, "0x6e6f6e73" }, lander.data.idx, path, file_of(LABELS))
  refused({ "no/such/file", "tests/test_data.lua:" }, function()
    lander.data.idx("no/such/file", "no/such/labels")
  end)
  refused({ "tests", "directory" }, lander.data.idx, "tests", "tests")
end

function TestIdx.test_gzip()
  local images = content_of(SUBSET .. "/t10k-images-idx3-ubyte.gz")
  local labels = SUBSET .. "/t10k-labels-idx1-ubyte.gz"
  for _, length in ipairs { 2, 10, 30, 1000, #images // 2, #images - 9, #images - 1 } do
    local path = file_of(images:sub(1, length))
    refused({ path, "cut short" }, lander.data.idx, path, labels)
  end
  local path = file_of(images:sub(1, -8) .. "\255\255\255" .. images:sub(-4)) -- its CRC-32
  refused({ path, "damaged" }, lander.data.idx, path, labels)
  path = file_of(images .. "more")
  refused({ path, "something else follows" }, lander.data.idx, path, labels)
end

function TestIdx.test_options()
  local images, labels = file_of(IMAGES), file_of(LABELS)
  refused({ "idx", "scael", "scale" }, lander.data.idx, images, labels, { scael = 1 })
  refused({ "idx", "std" }, lander.data.idx, images, labels, { std = 0 })
  refused({ "idx", "std" }, lander.data.idx, images, labels, { std = 0 / 0 })
  refused({ "options are a table" }, lander.data.idx, images, labels, 3)
  refused({ "first argument" }, lander.data.idx)
  refused({ "second argument" }, lander.data.idx, images)
  lu.assertEquals(#lander.data.idx(images, labels, { limit = 2 }), 2)
end

-- ---- Fashion-MNIST ----

TestFashionMnist = {}

function TestFashionMnist.test_subset()
  local data = lander.data.fashion_mnist(SUBSET)
  lu.assertEquals({ #data.train, #data.test }, { 2000, 500 })
  lu.assertEquals({ data.train.classes, data.test.classes }, { 10, 10 })
  lu.assertEquals(data.train:shape(), { 1, 28, 28 })
  -- The first labels of the whole set: ankle boot, T-shirt, T-shirt, dress; of the test set:
  -- ankle boot, pullover, trouser, trouser.
  local first = {}
  for i = 1, 4 do
    first[i], first[4 + i] = data.train[i][2], data.test[i][2]
  end
  lu.assertEquals(first, { 10, 1, 1, 4, 10, 3, 2, 2 })
  -- Normalised by the whole set's mean and deviation; a part of it comes near. A corner is
  -- black.
  local sum, squares, n = 0, 0, 0
  for x in data.train:batches { size = 500 } do
    sum = sum + x:sum()
    squares = squares + (x * x):sum()
    n = n + x:numel()
  end
  lu.assertAlmostEquals(sum / n, 0, 0.02)
  lu.assertAlmostEquals(squares / n, 1, 0.02)
  lu.assertAlmostEquals(data.train[1][1]:get(1, 1, 1), -0.28604 / 0.35302, 1e-6)
end

function TestFashionMnist.test_options()
  local data = lander.data.fashion_mnist(SUBSET, { mean = 0, std = 1, scale = 1, limit = 20 })
  lu.assertEquals({ #data.train, #data.test }, { 20, 20 })
  lu.assertEquals(data.train[1][1]:max(), 255)
  refused({ "unknown", "limt", "limit", "tests/test_data.lua:" }, function()
    lander.data.fashion_mnist(SUBSET, { limt = 20 })
  end)
  refused({ "folder", "number" }, lander.data.fashion_mnist, 3)
end

function TestFashionMnist.test_missing()
  refused({ "no/such/folder", "dataset-fashion-mnist", "tests/test_data.lua:" }, function()
    lander.data.fashion_mnist("no/such/folder")
  end)
  refused({ "no/such/folder" }, lander.data.mnist, "no/such/folder")
  refused({ "give the folder" }, lander.data.mnist)
  lu.assertEquals(#lander.data.mnist(SUBSET).test, 500)
end

-- Runs f as where the package is not installed; returns its results and the warnings.
local function without_package(f)
  local core, warnings = lander.core, {}
  local data_idx, warn = core.data_idx, core.warn
  core.data_idx = function(images, ...)
    if images:find("^/usr/share") then return nil, "can't open '" .. images .. "'", "io" end
    return data_idx(images, ...)
  end
  core.warn = function(text) warnings[#warnings + 1] = text end
  local results = table.pack(pcall(f))
  core.data_idx, core.warn = data_idx, warn
  return warnings, table.unpack(results, 1, results.n)
end

function TestFashionMnist.test_fallback_warns()
  local warnings, ok, data = without_package(function()
    return lander.data.fashion_mnist { limit = 30 }
  end)
  lu.assertTrue(ok)
  lu.assertEquals(#data.train, 30)
  lu.assertEquals(#warnings, 1)
  lu.assertStrContains(warnings[1], "2000 + 500")
  lu.assertStrContains(warnings[1], "dataset-fashion-mnist")
  -- A folder that was named is the one that is meant.
  warnings, ok = without_package(function()
    return lander.data.fashion_mnist("/usr/share/nowhere")
  end)
  lu.assertFalse(ok)
  lu.assertEquals(warnings, {})
end

-- ---- Tensors, parts ----

TestTensorDataset = {}

function TestTensorDataset.test_tensors()
  local x, y = lander.tensor { { 1, 2 }, { 3, 4 }, { 5, 6 } }, lander.tensor { 1, 2, 1 }
  local d = lander.data.tensors(x, y, { classes = 2 })
  lu.assertEquals(#d, 3)
  lu.assertEquals(d.classes, 2)
  lu.assertEquals(d:shape(), { 2 })
  lu.assertEquals(d[3][1]:totable(), { 5, 6 })
  lu.assertEquals(d[2][2], 2)
  d = lander.data.tensors(x, x)
  lu.assertEquals(d.classes, 0)
  lu.assertEquals(d[2][2]:totable(), { 3, 4 })
  -- Columns of x are not contiguous: they are copied.
  d = lander.data.tensors(x:t(), lander.tensor { 7, 8 })
  lu.assertEquals(d[1][1]:totable(), { 1, 3, 5 })
end

function TestTensorDataset.test_refused()
  local x = lander.zeros(3, 2)
  refused({ "(3, 2)", "(4)", "tests/test_data.lua:" }, function()
    lander.data.tensors(x, lander.zeros(4))
  end)
  refused({ "sample 1 is 0", "1 to 2" }, lander.data.tensors, x, lander.zeros(3),
    { classes = 2 })
  refused({ "class" }, lander.data.tensors, x, lander.ones(3), { clases = 2 })
  refused({ "tensor" }, lander.data.tensors, x, { 1, 2, 3 })
  refused({ "tensor" }, lander.data.tensors)
end

function TestTensorDataset.test_parts()
  local d = lander.data.tensors(lander.zeros(10, 1), lander.arange(1, 10), { classes = 10 })
  local part = d:subset(3, 6)
  lu.assertEquals({ #part, part[1][2], part[-1][2], part.classes }, { 4, 3, 6, 10 })
  lu.assertEquals(#d:subset(-2), 2)
  local train, test = d:split(7)
  d = nil
  collectgarbage()
  lu.assertEquals({ #train, #test, train[7][2], test[1][2] }, { 7, 3, 7, 8 })
  lu.assertEquals(test:subset(2, 2)[1][2], 9)
  lu.assertNil(d)
  refused({ "comes before" }, train.subset, train, 4, 3)
  refused({ "no sample 8" }, train.subset, train, 4, 8)
  refused({ "no sample 0" }, train.subset, train, 0, 3)
  refused({ "split" }, train.split, train, 7)
  refused({ "split" }, train.split, train, 0)
  refused({ "bad argument #1 to 'split'" }, train.split, train, 0.7)
end

-- ---- Batches ----

TestShuffle = {}

function TestShuffle.test_the_same_samples_in_another_order()
  local x = lander.arange(1, 50)
  local d = lander.data.tensors(x:view(-1, 1), lander.where(x:gt(25), 2, 1), { classes = 2 })
  d:name_classes { "low", "high" }
  local function values(part)
    local list = {}
    for i = 1, #part do
      local value, class = part:get(i)
      list[i] = value[1] // 1
      lu.assertEquals(class, list[i] > 25 and 2 or 1)
    end
    return list
  end
  local order = values(d:shuffle(3))
  lu.assertEquals(order, values(d:shuffle(3))) -- the seed decides
  lu.assertNotEquals(order, values(d:shuffle(4)))
  lu.assertEquals(values(d:shuffle()), values(d:shuffle(1)))
  local sorted = table.move(order, 1, 50, 1, {})
  table.sort(sorted)
  lu.assertEquals(sorted, values(d))
  -- Parts of it, with what the whole has, and batches; it keeps the whole alive.
  local first, rest = d:shuffle(3):split(40)
  collectgarbage()
  lu.assertEquals({ #first, #rest, rest.classes, rest:class_names() },
    { 40, 10, 2, { "low", "high" } })
  lu.assertEquals(values(rest), table.move(order, 41, 50, 1, {}))
  local seen = {}
  for batch in first:batches { size = 15 } do
    for i = 1, batch:size(1) do seen[#seen + 1] = batch[i][1] // 1 end
  end
  lu.assertEquals(seen, table.move(order, 1, 40, 1, {}))
  local few = values(first:subset(3, 5):shuffle(9):shuffle(2))
  table.sort(few)
  local same = table.move(order, 3, 5, 1, {})
  table.sort(same)
  lu.assertEquals(few, same)
end

TestBatches = {}

local function numbers(n) -- sample i has x = { i, -i } and y = i
  local x = {}
  for i = 1, n do x[i] = { i, -i } end
  return lander.data.tensors(lander.tensor(x), lander.arange(1, n))
end

-- All y of the batches that f gives, in order, and the batches' sizes.
local function collect(f)
  local all, sizes = {}, {}
  for x, y in f do
    lu.assertEquals(x:select(2, 2):totable(), (-y):totable())
    sizes[#sizes + 1] = #y
    for _, v in ipairs(y:totable()) do all[#all + 1] = math.tointeger(v) end
  end
  return all, sizes
end

function TestBatches.test_in_order()
  local all, sizes = collect(numbers(10):batches { size = 4 })
  lu.assertEquals(all, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })
  lu.assertEquals(sizes, { 4, 4, 2 })
end

function TestBatches.test_every_loop_is_an_epoch_with_its_own_order()
  local d = numbers(50)
  local b = d:batches { size = 8, shuffle = true, seed = 3 }
  local first, second = collect(b), collect(b)
  lu.assertNotEquals(first, second)
  lu.assertItemsEquals(first, second)
  lu.assertEquals(b:position(), 100)
  b:seek(0)
  lu.assertEquals(collect(b), first)
  lu.assertEquals(collect(d:batches { size = 8, shuffle = true, seed = 3 }), first)
  lu.assertNotEquals(collect(d:batches { size = 8, shuffle = true, seed = 4 }), first)
end

function TestBatches.test_what_a_script_keeps_stays()
  local kept = {}
  for x in numbers(40):batches { size = 4 } do kept[#kept + 1] = x end
  for i, x in ipairs(kept) do lu.assertEquals(x:get(1, 1), 4 * i - 3) end
end

function TestBatches.test_reuse_lends()
  local d = numbers(40)
  local b = d:batches { size = 4, loop = true, reuse = true }
  local first = b:next()
  local second = b:next()
  lu.assertEquals({ first:get(1, 1), second:get(1, 1) }, { 1, 5 })
  for _ = 1, 3 do b:next() end -- what was lent is used again, and outlives its batches
  lu.assertNotEquals(first:get(1, 1), 1)
  b = nil -- luacheck: ignore
  collectgarbage()
  lu.assertTrue(first:get(1, 1) > 0)
  lu.assertEquals(#collect(d:batches { size = 7, reuse = true }), 40)
  refused({ "reuse" }, d.batches, d, { size = 4, reuse = 1 })
end

function TestBatches.test_next_position_samples()
  local b = numbers(10):batches { size = 4, shuffle = true, loop = true }
  lu.assertEquals(b:position(), 0)
  lu.assertEquals(b:samples(), {})
  local _, y = b:next()
  lu.assertEquals(b:samples(), y:totable())
  for _ = 1, 9 do _, y = b:next() end
  lu.assertEquals(b:position(), 40)
  local last = y:totable()
  b:seek(36)
  _, y = b:next()
  lu.assertEquals(y:totable(), last)
  b = numbers(5):batches { size = 5 }
  lu.assertNotNil(b:next())
  lu.assertNil(b:next())
  lu.assertNil(b:next())
end

function TestBatches.test_outlives_its_dataset()
  local b = numbers(10):batches { size = 4 }
  collectgarbage()
  collectgarbage()
  lu.assertEquals(#collect(b), 10)
end

function TestBatches.test_refused()
  local d = numbers(10)
  refused({ "size" }, d.batches, d)
  refused({ "size" }, d.batches, d, {})
  refused({ "size" }, d.batches, d, { size = 0 })
  refused({ "shufle", "shuffle" }, d.batches, d, { size = 1, shufle = true })
  refused({ "table" }, d.batches, d, 4)
  local b = d:batches { size = 4 }
  refused({ "0 or more" }, b.seek, b, -1)
  refused({ "lander.batches" }, b.next, d)
end

function TestBatches.test_close()
  local d = numbers(10)
  local b = d:batches { size = 4 }
  do
    local closing <close> = b
    lu.assertNotNil(closing:next())
  end
  refused({ "closed" }, function() b:next() end)
  do
    local closing <close> = d
    lu.assertEquals(#closing, 10)
  end
  refused({ "closed" }, function() return #d end)
end

-- ---- Made-up data ----

TestSynthetic = {}

function TestSynthetic.test_xor()
  local d = lander.data.synthetic.xor()
  lu.assertEquals(#d, 4)
  for _, sample in ipairs { d[1], d[2], d[3], d[4] } do
    local x = sample[1]:totable()
    lu.assertEquals(sample[2], x[1] ~= x[2] and 2 or 1)
  end
  lu.assertEquals(#lander.data.synthetic.xor { n = 100, noise = 0.1 }, 100)
end

function TestSynthetic.test_spiral_and_blobs()
  for name, make in pairs { spiral = lander.data.synthetic.spiral,
    blobs = lander.data.synthetic.blobs } do
    local d = make { n = 90, classes = 4, seed = 7 }
    lu.assertEquals({ #d, d.classes, d:shape() }, { 90, 4, { 2 } }, name)
    local seen = {}
    for i = 1, #d do seen[d[i][2]] = true end
    lu.assertEquals(#seen, 4)
    local again = make { n = 90, classes = 4, seed = 7 }
    local other = make { n = 90, classes = 4, seed = 8 }
    lu.assertEquals(d[50][1]:totable(), again[50][1]:totable())
    lu.assertNotEquals(d[50][1]:totable(), other[50][1]:totable())
  end
  lu.assertEquals(lander.data.synthetic.blobs { dims = 5 }:shape(), { 5 })
end

function TestSynthetic.test_refused()
  local synthetic = lander.data.synthetic
  refused({ "spiral", "clases", "classes", "tests/test_data.lua:" }, function()
    synthetic.spiral { clases = 2 }
  end)
  refused({ "xor", "n = 0", "tests/test_data.lua:" }, function() synthetic.xor { n = 0 } end)
  refused({ "n = 1.5" }, synthetic.xor, { n = 1.5 })
  refused({ "noise" }, synthetic.xor, { noise = 0 / 0 })
  refused({ "n = many" }, synthetic.blobs, { n = "many" })
  refused({ "table" }, synthetic.blobs, 3)
end

TestLentTensors = {}

-- A batch shows the tensors as they are when it is asked for, in a subset too: nothing was
-- read ahead.
function TestLentTensors.test_changes_between_batches_are_seen()
  local x, y = lander.zeros(8, 2), lander.ones(8)
  local whole = lander.data.tensors(x, y)
  for _, d in ipairs { whole, whole:subset(1, 8) } do
    local batches = d:batches { size = 2 }
    for i = 1, 4 do
      x:fill_(i)
      lu.assertEquals(batches:next():sum(), 4 * i)
    end
  end
end
