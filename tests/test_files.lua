-- Files seen from Lua: .npy, and saved nets that are whole, cut, altered or something else.
-- (tests/unit/test_npz.c looks from inside.)
local lu = require "luaunit"
local lander = require "lander"

local path

local function write(content)
  local f <close> = assert(io.open(path, "wb"))
  assert(f:write(content))
end

local function read()
  local f <close> = assert(io.open(path, "rb"))
  return f:read "a"
end

local function refused(parts, f, ...)
  local ok, message = pcall(f, ...)
  lu.assertFalse(ok)
  for _, part in ipairs(parts) do lu.assertStrContains(message, part) end
end

-- What a Python with numpy says, or nil where there is none.
local function numpy(code)
  local pipe = io.popen(("/usr/bin/python3 -c 'import numpy, zipfile; %s' 2>/dev/null")
    :format(code))
  local answer = pipe:read "a"
  return pipe:close() and answer:gsub("%s+$", "") or nil
end

local has_numpy = numpy "print(1)" ~= nil

-- ---- .npy ----

TestNpy = {}

function TestNpy.setUp() path = os.tmpname() end
function TestNpy.tearDown() os.remove(path) end

function TestNpy.test_round_trip()
  local t = lander.tensor { { 1.5, -2 }, { 1e-3, 4 }, { 0 / 0, 1 / 0 } }
  lu.assertIs(t:save_npy(path), t)
  local u = lander.load_npy(path)
  lu.assertEquals(tostring(u), tostring(t))
  lander.save_npy(path, t:t()) -- not contiguous
  lu.assertEquals(tostring(lander.load_npy(path)), tostring(t:t()))
  lander.save_npy(path, lander.zeros(0, 3))
  lu.assertEquals(lander.load_npy(path):numel(), 0)
end

function TestNpy.test_numpy_reads_it()
  lu.skipIf(not has_numpy, "no numpy here")
  lander.tensor { { 1, 2.5, 3 }, { 4, 5, -6 } }:save_npy(path)
  local type = lander.config().real == "double" and "float64" or "float32"
  lu.assertEquals(numpy(("a = numpy.load(%q); print(a.dtype, a.shape, a.tolist())"):format(path)),
    type .. " (2, 3) [[1.0, 2.5, 3.0], [4.0, 5.0, -6.0]]")
end

function TestNpy.test_numpy_wrote_it()
  lu.skipIf(not has_numpy, "no numpy here")
  numpy(('numpy.save(open(%q, "wb"), numpy.arange(6, dtype="i2").reshape(2, 3).T)'):format(path))
  lu.assertEquals(lander.load_npy(path):totable(), { { 0, 3 }, { 1, 4 }, { 2, 5 } })
end

function TestNpy.test_refused()
  refused({ "no/such.npy", "tests/test_files.lua:" }, function()
    lander.load_npy "no/such.npy"
  end)
  refused({ "no/such/folder" }, lander.save_npy, "no/such/folder/a.npy", lander.zeros(1))
  refused({ "directory" }, lander.save_npy, "tests", lander.zeros(1))
  write "something else"
  refused({ path, "not a .npy file" }, lander.load_npy, path)
  refused({ "tensor" }, lander.save_npy, path, 3)
end

function TestNpy.test_cut()
  lander.ones(10):save_npy(path)
  local whole = read()
  for length = 0, #whole - 1 do
    write(whole:sub(1, length))
    refused({ path }, lander.load_npy, path)
  end
end

-- ---- saved nets ----

TestSavedNet = {}

function TestSavedNet.setUp() path = os.tmpname() end
function TestSavedNet.tearDown() os.remove(path) end

local function small_net()
  local nn = lander.nn
  return nn.net { nn.input { 1, 6, 6 }, nn.conv { 2, kernel = 3 }, nn.relu {}, nn.linear { 3 } }
end

function TestSavedNet.test_round_trip()
  local net = small_net()
  net:save(path)
  local again = lander.load(path)
  local x = lander.rand(4, 1, 6, 6)
  lu.assertEquals(again:predict(x):totable(), net:predict(x):totable())
end

function TestSavedNet.test_numpy_reads_it()
  lu.skipIf(not has_numpy, "no numpy here")
  local net = small_net()
  net:save(path)
  lu.assertEquals(numpy(('z = numpy.load(%q); print(z["conv1.weight"].shape, '
    .. 'zipfile.ZipFile(%q).testzip())'):format(path, path)), "(2, 1, 3, 3) None")
  lu.assertAlmostEquals(tonumber(numpy(('print(repr(float(numpy.load(%q)["linear1.weight"]'
    .. '.astype("f8").sum())))'):format(path))), net.params["linear1.weight"].data:sum(), 1e-5)
end

function TestSavedNet.test_cut()
  small_net():save(path)
  local whole = read()
  for length = 0, #whole - 1, 97 do
    write(whole:sub(1, length))
    refused({ path }, lander.load, path)
  end
  write(whole:sub(1, -2))
  refused({ path }, lander.load, path)
end

function TestSavedNet.test_altered_by_one_bit()
  small_net():save(path)
  local whole = read()
  for place = 1, #whole do
    local bit = 1 << place % 8
    write(whole:sub(1, place - 1) .. string.char(whole:byte(place) ~ bit) .. whole:sub(place + 1))
    refused({ path }, lander.load, path)
  end
end

function TestSavedNet.test_damage_names_the_member()
  small_net():save(path)
  local whole = read()
  local header = whole:find("linear1.weight.npy", 1, true)
  local place = header + 300 -- among its numbers
  write(whole:sub(1, place) .. string.char(whole:byte(place + 1) ~ 1) .. whole:sub(place + 2))
  refused({ path, "linear1.weight.npy", "CRC-32", "tests/test_files.lua:" }, function()
    lander.load(path)
  end)
end

function TestSavedNet.test_something_else()
  refused({ "no/such.npz" }, lander.load, "no/such.npz")
  refused({ "directory" }, lander.load, "tests")
  write "this is no zip file, but it is long enough to be one"
  refused({ path, "not a zip file" }, lander.load, path)
  write ""
  refused({ path, "not a zip file" }, lander.load, path)
  -- A zip file of arrays that is no net.
  refused({ "tests/data/npz/numpy.npz", "net.txt" }, lander.load, "tests/data/npz/numpy.npz")
end

TestClaim = {}

-- Of those that want a file one is told that it has it.
function TestClaim.test_one_has_it()
  local claim, folder = lander.core.claim_file, os.tmpname()
  os.remove(folder)
  lander.core.make_dir(folder)
  lu.assertTrue(claim(folder .. "/x"))
  lu.assertFalse(claim(folder .. "/x"))
  lu.assertNil(claim(folder .. "/none/x"))
  lander.core.remove_file(folder .. "/x")
  os.remove(folder)
end
