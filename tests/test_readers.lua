-- Readers as scripts see them: CIFAR-10, tables of text, NumPy's arrays; and map.
-- (tests/unit/test_readers.c has the damage and the formats' corners.)
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"

local data = lander.data

-- Fails unless f raises an error with that text, at this file's line.
local function refused(text, f)
  local message = support.fails(text, f)
  lu.assertStrContains(message, "tests/test_readers.lua:")
end

-- ---- CIFAR-10 ----

TestCifar = {}

-- A folder like the real one, with a few records a file: record k of all is of class
-- k % 10, all its red pixels are k, green ones k + 100, blue ones 255.
local function cifar_folder()
  local folder, k = support.folder(), 0
  local function write(name, records)
    local parts = {}
    for _ = 1, records do
      parts[#parts + 1] = string.char(k % 10) .. string.char(k):rep(1024)
        .. string.char(k + 100):rep(1024) .. "\255" .. ("\255"):rep(1023)
      k = k + 1
    end
    support.write(folder .. "/" .. name, table.concat(parts))
  end
  for i = 1, 5 do write(("data_batch_%d.bin"):format(i), 2 * i) end
  write("test_batch.bin", 3)
  return folder
end

function TestCifar.test_folder()
  local folder = cifar_folder()
  local sets = data.cifar10(folder)
  lu.assertEquals({ #sets.train, #sets.test }, { 30, 3 })
  lu.assertEquals({ sets.train.classes, sets.train:shape() }, { 10, { 3, 32, 32 } })
  local x, y = sets.train:get(13)
  lu.assertEquals(y, 3)
  lu.assertAlmostEquals(x:get(1, 1, 1), (12 / 255 - 0.4914) / 0.2470, 1e-5)
  lu.assertAlmostEquals(x:get(2, 32, 32), (112 / 255 - 0.4822) / 0.2435, 1e-5)
  lu.assertAlmostEquals(x:get(3, 5, 6), (1 - 0.4465) / 0.2616, 1e-5)
  lu.assertEquals(sets.test[1][2], 1)
  local raw = data.cifar10(folder, { scale = 1, mean = 0, std = 1, limit = 5 })
  lu.assertEquals({ #raw.train, #raw.test }, { 5, 3 })
  lu.assertEquals(raw.train[5][1]:get(2, 1, 1), 104)
  -- Each channel has a black of its own.
  local batch = sets.train:batches { size = 1, augment = { pad = 4, crop = 1 }, phase = "test",
    loop = true }:next()
  lu.assertEquals(batch:size(), { 1, 3, 1, 1 })
  batch = sets.train:batches { size = 1, augment = { pad = 1 } }:next()
  for c, mean in ipairs { 0.4914, 0.4822, 0.4465 } do
    lu.assertAlmostEquals(batch:get(1, c, 34, 2), -mean / ({ 0.2470, 0.2435, 0.2616 })[c], 1e-5)
  end
end

function TestCifar.test_gzipped()
  local folder = cifar_folder()
  local plain = data.cifar10(folder)
  if os.execute("gzip " .. folder .. "/data_batch_[24].bin") then
    local packed = data.cifar10(folder)
    lu.assertEquals(#packed.train, 30)
    for i = 1, 30 do support.same_bits(packed.train[i][1], plain.train[i][1]) end
  end
end

function TestCifar.test_refused()
  local folder = cifar_folder()
  refused("give the folder", function() data.cifar10() end)
  refused("no/such/folder/data_batch_1.bin", function() data.cifar10("no/such/folder") end)
  refused("options are a table", function() data.cifar10(folder, 3) end)
  refused("unknown option 'limt', did you mean 'limit'", function()
    data.cifar10(folder, { limt = 3 })
  end)
  refused("mean has 2 numbers", function() data.cifar10(folder, { mean = { 1, 2 } }) end)
  os.remove(folder .. "/test_batch.bin")
  refused("test_batch.bin", function() data.cifar10(folder) end)
end

-- ---- Tables ----

TestCsv = {}

local function table_of(text)
  return support.write(support.folder() .. "/table.csv", text)
end

local IRIS = "length,width,kind\n5.1,3.5,0\n7.0,3.2,1\n6.3,3.3,2\n"

function TestCsv.test_columns_have_the_headers_names()
  local path = table_of "a,kind,b c,d\n1,x,2,3\n4,y,5,6\n"
  lu.assertEquals(data.csv(path, { y = "kind" }):columns(), { "a", "b c", "d" })
  local part = data.csv(path, { y = "kind", x = { "d", "a" } }):shuffle(1):subset(2, 2)
  collectgarbage() -- the whole lives as long as its part
  lu.assertEquals(part:columns(), { "d", "a" })
  lu.assertNil(data.csv(table_of "1,2\n3,4\n", { y = 2 }):columns())
  lu.assertNil(lander.data.synthetic.xor():columns())
end

-- Where a sample was read is known of parts, and of what was made of them.
function TestCsv.test_places()
  local path = table_of "a,b,c\n1,2,3\n4,5,6\n7,8,10\n"
  local d = data.csv(path, { y = { "b", "c" } })
  lu.assertEquals({ d:targets(), d:place(-1) }, { { "b", "c" }, path .. ", line 4" })
  local other = d:shuffle(3):subset(2, 3)
  for _, made in ipairs { other, other:map(function(x, y) return x + 1, y end),
    (other:normalize()) } do
    for i = 1, 2 do
      local line = (other[i][1][1] + 5) // 3 -- 2, 3, 4 of 1, 4, 7
      lu.assertEquals(made:place(i), ("%s, line %d"):format(path, line))
    end
  end
  lu.assertNil(lander.data.synthetic.xor():place(1))
  lu.assertNil(data.csv(table_of "1,2\n3,4\n", { y = 2 }):targets())
  refused("there is no sample 4", function() d:place(4) end)
end

function TestCsv.test_classes()
  local d = data.csv(table_of(IRIS), { y = "kind", classes = 3 })
  lu.assertEquals({ #d, d.classes, d:shape(), d:target_shape() }, { 3, 3, { 2 }, {} })
  local x, y = d:get(2)
  lu.assertEquals(x:totable(), { 7, lander.tensor({ 3.2 })[1] })
  lu.assertEquals({ y, math.type(y) }, { 2, "integer" })
end

-- Rows to predict: no target, or one that is not looked at.
function TestCsv.test_without_a_target()
  local path = table_of "a,b,kind\n1,2,?\n3,4,\n"
  local d = data.csv(path, { y = "kind", read_y = false })
  lu.assertEquals({ #d, d.classes, d:shape(), d:target_shape() }, { 2, 0, { 2 }, {} })
  local x, y = d:get(2)
  lu.assertEquals(x:totable(), { 3, 4 })
  lu.assertTrue(y ~= y)
  x, y = data.csv(table_of "1,2\n3,4\n", { y = false }):get(1)
  lu.assertEquals(x:totable(), { 1, 2 })
  lu.assertTrue(y ~= y)
  lu.assertEquals(data.csv(path, { y = { 2, 3 }, read_y = false }):target_shape(), { 2 })
  refused("y is missing", function() data.csv(path, {}) end)
  refused("classes is for labels, and none are read", function()
    data.csv(path, { y = "kind", read_y = false, classes = 2 })
  end)
  refused("class_names is for labels", function()
    data.csv(path, { y = false, x = "a", class_names = { "a" } })
  end)
end

-- A column of words: classes in the order of the alphabet, or of the names that are given.
function TestCsv.test_words()
  local path = table_of 'a,kind\n1,setosa\n2,virginica\n3,setosa\n4,"versi, color"\n'
  local function labels(d)
    local list = {}
    for i = 1, #d do list[i] = select(2, d:get(i)) end
    return list
  end
  local d = data.csv(path, { y = "kind" })
  lu.assertEquals({ d.classes, d:class_names(), labels(d) },
    { 3, { "setosa", "versi, color", "virginica" }, { 1, 3, 1, 2 } })
  d = data.csv(path, { y = -1, class_names = { "virginica", "none", "versi, color", "setosa" } })
  lu.assertEquals({ d.classes, labels(d) }, { 4, { 4, 1, 4, 3 } })
  refused("line 4, column 2 (b): 'setosa' is none of the 2 classes", function()
    data.csv(table_of "a,b\n1,x\n2,x\n3,setosa\n", { y = 2, class_names = { "x", "y" } })
  end)
  refused("csv: class_names has 'x' twice", function()
    data.csv(path, { y = 2, class_names = { "x", "x" } })
  end)
  refused("there are no class_names", function() data.csv(path, { y = 2, class_names = {} }) end)
  refused("class_names must be a list", function() data.csv(path, { y = 2, class_names = 3 }) end)
  refused("(leave out classes for labels that are words)", function()
    data.csv(path, { y = 2, classes = 3 })
  end)
  refused("line 3, column 2 (b): '7' is a number, but the first sample has a word there", function()
    data.csv(table_of "a,b\n1,x\n2,7\n", { y = 2 })
  end)
  refused("line 3, column 2 (b): the field is empty, expected a word", function()
    data.csv(table_of "a,b\n1,x\n2,\n", { y = 2 })
  end)
  refused("labels (class_names) are one", function()
    data.csv(table_of(IRIS), { x = 1, y = { 2, 3 }, class_names = { "a" } })
  end)
  -- As many as a column of names may have, and one more.
  local rows = { "a,b" }
  for i = 1, 65536 do rows[i + 1] = ("0,w%d"):format(i) end
  d = data.csv(table_of(table.concat(rows, "\n")), { y = 2 })
  lu.assertEquals({ d.classes, d:class_names()[1], select(2, d:get(1)) }, { 65536, "w1", 1 })
  rows[#rows + 1] = "0,more"
  refused("there are more than 65536 different words", function()
    data.csv(table_of(table.concat(rows, "\n")), { y = 2 })
  end)
end

function TestCsv.test_columns()
  local path = table_of(IRIS)
  local d = data.csv(path, { x = { "width", 3 }, y = "length" })
  lu.assertEquals({ d.classes, d[3][1][2] }, { 0, 2 })
  lu.assertEquals(data.csv(path, { x = "width", y = { 1, -1 } }):target_shape(), { 2 })
  lu.assertEquals(data.csv(path, { x = "1:2", y = -1 }):shape(), { 2 })
  lu.assertEquals(data.csv(path, { y = -1, shape = { 1, 1, 2 } }):shape(), { 1, 1, 2 })
end

function TestCsv.test_separators()
  for separator, text in pairs { ["\t"] = "1\t2\n", [" "] = "1  2\n", [";"] = "1;2\n",
    [","] = "1,2\n", ["|"] = "1|2\n" } do
    local d = data.csv(table_of(text), { y = 2, separator = separator, header = false })
    lu.assertEquals(d[1][2], 2)
  end
end

-- What is not known can be read, and the training names its sample.
function TestCsv.test_nan()
  local status = lander.core.exit_status -- of this program, if the training's was the worst
  local d = data.csv(table_of "1,1\nnan,2\n", { y = 2, classes = 2, first = 1 })
  local x = d[2][1][1]
  lu.assertTrue(x ~= x)
  local run = lander.train { net = require "models.mlp" { 1, 2 }, data = d, batch_size = 2,
    solver = { base_lr = 0.1, max_iter = 5 }, quiet = true }
  lander.core.exit_status = status
  lu.assertEquals(run.status, "data_fault")
  lu.assertStrContains(run.message, "sample 2")
end

function TestCsv.test_refused()
  local path = table_of(IRIS)
  refused("y is missing", function() data.csv(path) end)
  refused("line 2, column 3 (kind): the label is 0, expected a whole number from 1 to 3", function()
    data.csv(path, { y = 3, classes = 3, first = 1 })
  end)
  -- What people meet first: another separator, a comma in a number, columns of text.
  refused("in its header, which is one field (is the separator another one?)", function()
    data.csv(table_of "a;b\n1;2\n", { y = "b" })
  end)
  refused("'1,5' is no number; numbers are written with a point", function()
    data.csv(table_of "a;b\n1,5;2\n", { y = "b", separator = ";" })
  end)
  refused("'n1' is no number; x=a uses those that are numbers here", function()
    data.csv(table_of "id,a,b\nn1,5,2\n", { y = "b" })
  end)
  refused("there is no column 'knd' in its header, did you mean 'kind'?", function()
    data.csv(path, { y = "knd" })
  end)
  refused("x must be columns", function() data.csv(path, { y = 1, x = true }) end)
  refused("y must be columns", function() data.csv(path, { y = { 1.5 } }) end)
  refused("path of a file", function() data.csv() end)
  refused("unknown option 'clases'", function() data.csv(path, { y = 1, clases = 3 }) end)
  refused("'separator' must be one of", function() data.csv(path, { y = 1, separator = "." }) end)
  refused("no/such/file", function() data.csv("no/such/file", { y = 1 }) end)
end

-- ---- NumPy's arrays ----

TestArrays = {}

function TestArrays.test_npy()
  local folder = support.folder()
  local x = lander.randn(6, 2, 3, 3)
  x:save_npy(folder .. "/x.npy")
  lander.tensor { 0, 1, 2, 0, 1, 2 }:save_npy(folder .. "/y.npy")
  local d = data.npy(folder .. "/x.npy", folder .. "/y.npy", { classes = 3 })
  lu.assertEquals({ #d, d.classes, d:shape(), d[6][2] }, { 6, 3, { 2, 3, 3 }, 3 })
  support.same_bits(d[4][1], x[4])
  -- Nobody else can change these: a thread makes the batches.
  local n = 0
  for batch in d:batches { size = 4 } do n = n + batch:size(1) end
  lu.assertEquals(n, 6)
  refused("the label of sample 3 is 2, expected a whole number from 0 to 1", function()
    data.npy(folder .. "/x.npy", folder .. "/y.npy", { classes = 2 })
  end)
  refused("second argument", function() data.npy(folder .. "/x.npy") end)
end

-- As NumPy wrote them, stored and compressed, of several types, by rows and by columns.
function TestArrays.test_written_by_numpy()
  for _, name in ipairs { "numpy", "numpy_compressed" } do
    local path = "tests/data/npz/" .. name .. ".npz"
    local d = data.npz(path, { x = "columns", y = "b1", classes = 2 })
    lu.assertEquals({ #d, d:shape(), d[1][2], d[2][2] }, { 2, { 3, 4 }, 2, 1 })
    lu.assertEquals(d[2][1]:totable(), { { 12, 13, 14, 15 }, { 16, 17, 18, 19 },
      { 20, 21, 22, 23 } })
    d = data.npz(path, { x = "f4", y = "u1", scale = 2, mean = 1 })
    lu.assertEquals({ d[1][1]:totable(), d[2][2] }, { { 2, -5.5, 5 }, 255 })
    refused("x has the shape (2, 3) and y (3)", function()
      data.npz(path, { x = "f4", y = "f8" })
    end)
    refused("x has the shape ()", function() data.npz(path, { x = "scalar", y = "f4" }) end)
  end
end

function TestArrays.test_saved_nets()
  local net = require "models.mlp" { 3, 4, 2 }
  local path = support.folder() .. "/net.npz"
  net:save(path)
  local names = { net.params[1].name, net.params[2].name }
  local d = data.npz(path, { x = names[1], y = names[2] })
  lu.assertEquals({ #d, d:shape(), d:target_shape() }, { 4, { 3 }, {} })
  support.same_bits(d[3][1], net.params[1].data[3])
  lu.assertEquals(d[3][2], net.params[2].data[3])
  refused("there is no member x.npy", function() data.npz(path) end)
  refused("x must be the name of a member, found a number", function()
    data.npz(path, { x = 1 })
  end)
  refused("unknown option 'z'", function() data.npz(path, { z = 1 }) end)
  for _, name in ipairs { "numpy", "numpy_compressed", "complex" } do
    refused(name .. ".npz", function() data.npz("tests/data/npz/" .. name .. ".npz") end)
  end
end

-- ---- map ----

TestMap = {}

function TestMap.test_x_alone_or_both()
  local x = lander.arange(1, 12):view(4, 3)
  local d = data.tensors(x, lander.tensor { 1, 2, 1, 2 }, { classes = 2 })
  local calls = 0
  local m = d:map(function(one)
    calls = calls + 1
    return one:narrow(1, 1, 2) * 10
  end)
  lu.assertEquals({ #m, m.classes, m:shape(), calls }, { 4, 2, { 2 }, 4 })
  lu.assertEquals(m[2][1]:totable(), { 40, 50 })
  lu.assertEquals({ m[2][2], m[3][2] }, { 2, 1 })
  m = m:map(function(one, class) return one, 3 - class end)
  lu.assertEquals({ m[2][2], m.classes }, { 1, 2 })
  m = m:map(function(one) return one, one * 2 end)
  lu.assertEquals({ m.classes, m:target_shape(), m[1][2]:totable() }, { 0, { 2 }, { 20, 40 } })
  lu.assertEquals(m:subset(2, 3)[1][1]:totable(), { 40, 50 })
end

-- What f returns is copied: it may give the same tensor again and again.
function TestMap.test_f_may_use_one_tensor()
  local one = lander.zeros(1)
  local n = 0
  local m = data.tensors(lander.zeros(3, 1), lander.ones(3)):map(function()
    n = n + 1
    return one:fill_(n)
  end)
  lu.assertEquals({ m[1][1][1], m[2][1][1], m[3][1][1] }, { 1, 2, 3 })
end

function TestMap.test_refused()
  local d = data.tensors(lander.arange(1, 3):view(3, 1), lander.ones(3), { classes = 1 })
  refused("expected a function", function() d:map(3) end)
  refused("its x of sample 1 is a nil", function() d:map(function() end) end)
  refused("its y of sample 1 is a string", function() d:map(function(x) return x, "a" end) end)
  refused("the x of sample 2 has the shape (2), that of sample 1 (1)", function()
    d:map(function(x) return lander.zeros(math.min(2, math.tointeger(x[1]))) end)
  end)
  refused("the label of sample 1 is 7, expected a whole number from 1 to 1", function()
    d:map(function(x) return x, 7 end)
  end)
  refused("no samples", function()
    data.tensors(lander.zeros(0, 1), lander.zeros(0)):map(function(x) return x end)
  end)
end
