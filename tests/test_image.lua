-- lander.image and lander.data.images: pictures to tensors and back, in the terminal, folders.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core, fails = lander.core, support.fails

local PICTURES = "tests/data/pictures/"
local ROWS, COLUMNS = 7, 9

-- Whether a library is there is seen by reading a picture that is whole.
local function needs(name)
  local ok, message = pcall(lander.image.load, PICTURES .. name)
  if not ok then
    lu.skipIf(message:find "is not installed", message)
    error(message, 0)
  end
end

-- What make_pictures.py has drawn.
local function drawn(x, y, c) return (37 * x + 91 * y + 53 * c) % 256 end

local function byte(t, c, y, x) return t:get(c, y, x) * 255 end

local function check_drawn(t, channels, last)
  lu.assertEquals(t:size(), { channels, ROWS, COLUMNS })
  for c = 1, channels do
    for y = 1, ROWS do
      for x = 1, last or COLUMNS do
        lu.assertAlmostEquals(byte(t, c, y, x), drawn(x - 1, y - 1, c - 1), 1e-3)
      end
    end
  end
end

-- ---- reading ----

TestImageLoad = {}

-- As lander.data.images brings them to a size.
function TestImageLoad.test_to_a_size()
  needs "grey.png"
  local whole = lander.image.load(PICTURES .. "grey.png", { size = { ROWS, COLUMNS } })
  check_drawn(whole, 1)
  local small = lander.image.load(PICTURES .. "grey.png", { size = { 1, 1 } })
  lu.assertEquals(small:size(), { 1, 1, 1 })
  lu.assertAlmostEquals(small:item(), whole:mean(), 1 / 255)
  fails("size must be { rows, columns }", lander.image.load, PICTURES .. "grey.png",
    { size = { 3 } })
  for _, size in ipairs { { 3, 0 }, { -1, 2 }, { 1 << 15, 2 } } do
    fails("brought to 1 to 16384 rows and columns", lander.image.load, PICTURES .. "grey.png",
      { size = size })
  end
end

function TestImageLoad.test_png_of_many_kinds()
  needs "grey.png"
  check_drawn(lander.image.load(PICTURES .. "grey.png"), 1)
  for _, name in ipairs { "rgb", "rgb16", "interlaced" } do
    check_drawn(lander.image.load(PICTURES .. name .. ".png"), 3)
  end
  local bits = lander.image.load(PICTURES .. "bits.png")
  lu.assertEquals(bits:size(), { 1, ROWS, COLUMNS })
  lu.assertEquals({ bits:get(1, 1, 1), bits:get(1, 1, 2), bits:get(1, 2, 2) }, { 0, 1, 0 })
  local palette = lander.image.load(PICTURES .. "palette.png")
  for c, values in ipairs { { 255, 0, 0, 10 }, { 0, 255, 0, 20 }, { 0, 0, 255, 30 } } do
    for x = 1, 4 do lu.assertAlmostEquals(byte(palette, c, 3, x), values[x], 1e-3) end
  end
end

function TestImageLoad.test_what_is_transparent_lies_on_white()
  needs "grey.png"
  for name, channels in pairs { alpha = 3, grey_alpha = 1 } do
    local t = lander.image.load(PICTURES .. name .. ".png")
    check_drawn(t, channels, 5)
    lu.assertEquals(t:narrow(3, 6, 4):min(), 1)
  end
end

function TestImageLoad.test_jpeg()
  needs "rgb.jpg"
  for _, name in ipairs { "rgb", "progressive" } do
    local t = lander.image.load(PICTURES .. name .. ".jpg")
    lu.assertEquals(t:size(), { 3, 24, 40 })
    for y = 1, 24 do
      for x = 1, 40 do
        lu.assertAlmostEquals(t:get(1, y, x), (x - 1) / 39, 0.04)
        lu.assertAlmostEquals(t:get(2, y, x), (y - 1) / 23, 0.04)
        lu.assertAlmostEquals(t:get(3, y, x), 128 / 255, 0.04)
      end
    end
  end
  local grey = lander.image.load(PICTURES .. "grey.jpg")
  lu.assertEquals(grey:size(), { 1, 24, 40 })
  lu.assertAlmostEquals(grey:get(1, 12, 20), 19 / 39, 0.02)
end

function TestImageLoad.test_channels()
  needs "rgb.png"
  local grey = lander.image.load(PICTURES .. "grey.png", { channels = 3 })
  lu.assertEquals(grey:size(), { 3, ROWS, COLUMNS })
  support.same_bits(grey[1], grey[3])
  -- The shade of a colour is the same in both formats.
  for name, most in pairs { ["rgb.png"] = 0.51 / 255, ["rgb.jpg"] = 4 / 255 } do
    local rgb = lander.image.load(PICTURES .. name)
    local shades = lander.image.load(PICTURES .. name, { channels = 1 })
    lu.assertEquals(shades:size(1), 1)
    local expected = rgb[1] * 0.299 + rgb[2] * 0.587 + rgb[3] * 0.114
    lu.assertTrue((shades[1] - expected):abs():max() < most, name)
  end
  fails("channels must be 1 (grey)", lander.image.load, PICTURES .. "rgb.png", { channels = 2 })
end

function TestImageLoad.test_errors()
  local folder = support.folder()
  fails("No such file", lander.image.load, folder .. "/none.png")
  fails("it is a directory", lander.image.load, folder)
  fails("begins neither as a PNG file", lander.image.load,
    support.write(folder .. "/x.png", "hello"))
  fails("e.png: it is empty, expected a PNG or JPEG", lander.image.load,
    support.write(folder .. "/e.png", ""))
  fails("nor as a JPEG file, but as a GIF", lander.image.load,
    support.write(folder .. "/g.png", "GIF89a"))
  fails("but as a WebP", lander.image.load,
    support.write(folder .. "/w.png", "RIFF\1\2\3\4WEBP"))
  fails("give the path", lander.image.load, 5)
  fails("did you mean 'channels'", lander.image.load, "x", { chanels = 1 })
end

-- Cut anywhere, a picture is an error that names its file; whatever a byte is changed to, it
-- is an error or a picture.
function TestImageLoad.test_damaged_files()
  needs "rgb.png"
  needs "rgb.jpg"
  local path = support.folder() .. "/damaged"
  for name in ("rgb.png interlaced.png palette.png progressive.jpg grey.jpg"):gmatch "%S+" do
    local whole = support.read(PICTURES .. name)
    for length = 0, #whole - 14, 7 do -- behind that only the end of a PNG file is missing
      fails(path, lander.image.load, support.write(path, whole:sub(1, length)))
    end
    for i = 1, #whole do
      local changed = whole:sub(1, i - 1) .. string.char((whole:byte(i) * 7 + i) % 256)
        .. whole:sub(i + 1)
      local ok, t = pcall(lander.image.load, support.write(path, changed))
      lu.assertTrue(ok and t:dim() == 3 or tostring(t):find(path, 1, true) ~= nil)
    end
  end
end

-- Sizes that the file can't have are told before memory is asked for.
function TestImageLoad.test_sizes_that_lie()
  needs "rgb.png"
  needs "rgb.jpg"
  local path = support.folder() .. "/lie"
  local function crc(text) -- bit by bit
    local c = 0xffffffff
    for i = 1, #text do
      c = c ~ text:byte(i)
      for _ = 1, 8 do c = (c >> 1) ~ (c & 1 == 1 and 0xedb88320 or 0) end
    end
    return c ~ 0xffffffff
  end
  local png = support.read(PICTURES .. "rgb.png")
  for size, message in pairs { [9000] = "too few for the 9000 rows", [900000] = "there may be",
                               [0] = "libpng", [0x7fffffff] = "libpng" } do
    local header = "IHDR" .. (">I4I4"):pack(size, size) .. png:sub(25, 29)
    support.write(path, png:sub(1, 12) .. header .. (">I4"):pack(crc(header)) .. png:sub(34))
    fails(message, lander.image.load, path)
  end
  local jpeg = support.read(PICTURES .. "rgb.jpg")
  local at = jpeg:find("\xff\xc0", 1, true) + 5
  for size, message in pairs { [4000] = "too few for the 4000 rows", [65500] = "there may be" } do
    support.write(path, jpeg:sub(1, at - 1) .. (">I2I2"):pack(size, size) .. jpeg:sub(at + 4))
    fails(message, lander.image.load, path)
  end
end

-- ---- writing ----

TestImageSave = {}

function TestImageSave.test_there_and_back()
  needs "rgb.png"
  local path = support.folder() .. "/x.png"
  for _, name in ipairs { "grey.png", "rgb.png" } do
    local t = lander.image.load(PICTURES .. name)
    lu.assertEquals(lander.image(t, { to = path }), path)
    support.same_bits(lander.image.load(path), t)
  end
  local t = lander.tensor { { 0, 1 }, { 0.5, 0.25 } } -- (rows, columns)
  lander.image(t, { to = path })
  local bytes = lander.image.load(path):mul(255):add(0.5):floor():totable()
  lu.assertEquals(bytes, { { { 0, 255 }, { 128, 64 } } })
end

-- zlib alone is enough to write, and the file's frame is as the standard has it.
function TestImageSave.test_the_same_bytes_without_a_reader()
  local path = support.folder() .. "/x.png"
  lander.image(lander.zeros(2, 3), { to = path })
  local png = support.read(path)
  lu.assertEquals(png:sub(1, 8), "\x89PNG\r\n\x1a\n")
  lu.assertEquals(png:sub(9, 29), (">I4"):pack(13) .. "IHDR" .. (">I4I4"):pack(3, 2)
    .. "\8\0\0\0\0")
  lu.assertEquals(png:sub(-12), "\0\0\0\0IEND\xae\x42\x60\x82")
end

function TestImageSave.test_other_numbers_are_stretched()
  needs "grey.png"
  local path = support.folder() .. "/x.png"
  local function written(t, options)
    options = options or {}
    options.to = path
    lander.image(t, options)
    return lander.image.load(path):mul(255):add(0.5):floor():totable()
  end
  lu.assertEquals(written(lander.tensor { { -1, 3 }, { 1, 0 } }), { { { 0, 255 }, { 128, 64 } } })
  lu.assertEquals(written(lander.tensor { { -1, 3 }, { 1, 0 } }, { range = { 0, 1 } }),
    { { { 0, 255 }, { 255, 0 } } })
  lu.assertEquals(written(lander.full(7, 1, 1)), { { { 128 } } })
  lu.assertEquals(written(lander.tensor { { 0 / 0, 0 }, { 1 / 0, 1 } }), -- magenta
    { { { 255, 0 }, { 255, 255 } }, { { 0, 0 }, { 0, 255 } }, { { 255, 0 }, { 255, 255 } } })
  lu.assertEquals(#written(lander.full(0 / 0, 2, 2)), 3)
end

-- The differences of such numbers are none any more.
function TestImageSave.test_huge_numbers()
  local shades = core.picture(lander.tensor { { -3e38, 0, 3e38 } }, {})
  lu.assertAlmostEquals(shades:get(1, 1, 1), 0, 1e-6)
  lu.assertAlmostEquals(shades:get(1, 1, 2), 0.5, 1e-6)
  lu.assertAlmostEquals(shades:get(1, 1, 3), 1, 1e-6)
  lu.assertAlmostEquals(core.picture(lander.full(3e38, 2, 2), {}):get(1, 1, 1), 0.5, 1e-3)
end

function TestImageSave.test_grids()
  local function size(t, options) return core.picture(t, options or {}):size() end
  lu.assertEquals(size(lander.rand(5, 4, 6)), { 1, 9, 20 }) -- 2 x 3, lines between
  lu.assertEquals(size(lander.rand(5, 3, 4, 6)), { 3, 9, 20 })
  lu.assertEquals(size(lander.rand(5, 1, 4, 6), { columns = 5 }), { 1, 4, 34 })
  lu.assertEquals(size(lander.rand(4, 2, 3, 3)), { 1, 15, 7 }) -- a row an output
  lu.assertEquals(size(lander.rand(3, 4, 6)), { 3, 4, 6 })
  lu.assertEquals(size(lander.rand(4, 6), { zoom = 3 }), { 1, 12, 18 })
  local four = lander.tensor { 1, 2, 3, 4 }:view(4, 1, 1, 1)
  local grid = core.picture(four, { range = { 0, 4 } })
  lu.assertEquals(grid:totable(), { { { 0.25, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }, { 0.75, 0.5, 1 } } })
  grid = core.picture(lander.tensor { 0, 5, 0, 50 }:view(2, 1, 1, 2), { each = true })
  lu.assertEquals(grid:totable(), { { { 0, 1, 0.5, 0, 1 } } })
end

function TestImageSave.test_filters()
  local net = require "models.lenet" {}
  local w, name = core.filters(net)
  lu.assertEquals({ name, w:size() }, { "conv1", { 20, 1, 5, 5 } })
  lu.assertEquals(core.filters(net, "conv2"):size(), { 50, 20, 5, 5 })
  local mlp = lander.nn.net { lander.nn.input { 1, 28, 28 }, lander.nn.linear { 10 } }
  lu.assertEquals(core.filters(mlp):size(), { 10, 1, 28, 28 })
  fails("did you mean 'conv1'", lander.image, net, { layer = "convl" })
  fails("no layer with weights", lander.image, lander.nn.net { lander.nn.input { 2 },
    lander.nn.relu {} })
end

function TestImageSave.test_errors()
  fails("give it a tensor", lander.image, "x")
  fails("must end in .png", lander.image, lander.zeros(2, 2), { to = "x.jpg" })
  fails("found 3", lander.image, lander.zeros(3))
  fails("nothing in a tensor", lander.image, lander.zeros(0, 2, 2))
  fails("more than can be seen", lander.image, lander.zeros(10001, 1, 1, 1))
  fails("range = { black, white }", lander.image, lander.zeros(2, 2), { range = { 1, 1 } })
  fails("range = { black, white }", lander.image, lander.zeros(2, 2), { range = { 0, 0 / 0 } })
  fails("belongs to a net", lander.image, lander.zeros(2, 2), { layer = "x" })
  fails("can't write '/no/such/x.png'", lander.image, lander.zeros(2, 2),
    { to = "/no/such/x.png" })
end

-- ---- in the terminal ----

TestImageText = {}

-- What is left over where rows or columns come together is seen too.
function TestImageText.test_the_last_rows_are_seen()
  local t = lander.zeros(1, 5, 7)
  t:select(2, 5):fill_(1)
  t:select(3, 7):fill_(1)
  local function letters(picture)
    local list = {}
    for _, code in utf8.codes(core.picture_text(picture, { width = 3 })) do
      list[#list + 1] = utf8.char(code)
    end
    return list
  end
  local black, white = letters(lander.zeros(1, 2, 1))[1], letters(lander.ones(1, 2, 1))[1]
  local seen = letters(t)
  lu.assertEquals(#seen, 4) -- with the end of the line
  lu.assertEquals(seen[3], white) -- the seventh column alone
  lu.assertNotEquals(seen[1], black) -- the fifth row among three
end

-- Of each shade of red the nearest there is, in levels as xterm has them.
function TestImageText.test_the_nearest_of_256_colours()
  local colours, unicode, environment = core.colours, core.has_unicode, core.environment
  core.colours, core.has_unicode = function() return true end, function() return true end
  core.environment = function() end
  local function number(r, g, b)
    local picture = lander.tensor { { { r / 255 } }, { { g / 255 } }, { { b / 255 } } }
    return tonumber(core.picture_text(picture, {}):match "38;5;(%d+)")
  end
  local ok, message = pcall(function()
    lu.assertEquals(number(95, 0, 0), 52)
    lu.assertEquals(number(70, 0, 0), 52)   -- 95 is nearer than 0
    lu.assertEquals(number(40, 0, 0), 233)  -- 18 of all three is nearer than 0 or 95 of red
    lu.assertEquals(number(255, 175, 0), 214)
    lu.assertEquals(number(128, 128, 128), 244)
    lu.assertEquals(number(127, 129, 128), 244) -- a grey is nearer than any side of the cube
    lu.assertEquals(number(0, 0, 0), 16)
    lu.assertEquals(number(255, 255, 255), 231)
  end)
  core.colours, core.has_unicode, core.environment = colours, unicode, environment
  if not ok then error(message, 0) end
end

function TestImageText.test_letters()
  local lines = core.picture_text(lander.tensor { { { 0, 0.5, 1 }, { 0, 0.5, 1 } } }, {})
  lu.assertEquals(#lines:gsub("[^\n]", ""), 1) -- two pixels, one above the other
  local wide = core.picture_text(lander.rand(1, 10, 300), { width = 30 })
  for line in wide:gmatch "[^\n]+" do lu.assertTrue(utf8.len(line) <= 30) end
end

function TestImageText.test_colours_where_the_terminal_has_them()
  if not os.execute "command -v script >/dev/null" then lu.skip "there is no script(1) here" end
  local function run(variables)
    local code = "local l = require 'lander'; l.image(l.tensor { { 0, 1 }, { 1, 0 } })"
    local command = ('env %s %s -e "%s"'):format(variables, support.executable, code)
    return support.run({ "-qec", command, "/dev/null" }, { program = "script" }).out
  end
  lu.assertStrContains(run "LC_ALL=C.UTF-8 TERM=xterm NO_COLOR= COLORTERM=",
    "\27[38;5;16;48;5;231m▀\27[38;5;231;48;5;16m▀\27[0m")
  lu.assertStrContains(run "LC_ALL=C.UTF-8 TERM=xterm NO_COLOR= COLORTERM=truecolor",
    "\27[38;2;0;0;0;48;2;255;255;255m▀")
  lu.assertNil(run("LC_ALL=C.UTF-8 TERM=xterm NO_COLOR=1"):find "\27")
  lu.assertNil(run("LC_ALL=C TERM=dumb"):find "[\27\x80-\xff]")
end

-- ---- folders ----

TestImageFolder = {}

local function new_folder(files)
  local folder = support.folder()
  for path, content in pairs(files) do
    assert(os.execute(("mkdir -p '%s/%s'"):format(folder, path:match "^(.*)/" or ".")))
    if type(content) == "string" then
      support.write(folder .. "/" .. path, content)
    else
      core.image_save(content, folder .. "/" .. path, 0, 255)
    end
  end
  return folder
end

local function grey(v, rows, columns) return lander.full(v, rows or 2, columns or 3) end

local function pets()
  return new_folder { ["dog/b.png"] = grey(4), ["dog/a.PNG"] = grey(3), ["cat/1.png"] = grey(1),
                      ["cat/10.png"] = grey(2), ["cat/.hidden.png"] = "x", ["cat/README"] = "x",
                      ["cat/deeper/x.png"] = grey(9) }
end

function TestImageFolder.test_a_folder_a_class()
  needs "grey.png"
  local d = lander.data.images(pets(), { channels = 1, scale = 1 })
  lu.assertEquals({ #d, d.classes }, { 4, 2 })
  lu.assertEquals(d:class_names(), { "cat", "dog" })
  lu.assertEquals(d:shape(), { 1, 2, 3 })
  local found = {}
  for i = 1, #d do
    local x, y = d:get(i)
    found[i] = { x:max(), y }
  end
  lu.assertEquals(found, { { 1, 1 }, { 2, 1 }, { 3, 2 }, { 4, 2 } }) -- 1.png, 10.png, a, b
  lu.assertEquals(d:subset(3):class_names(), { "cat", "dog" })
end

function TestImageFolder.test_rgb_and_levels()
  needs "rgb.png"
  local x = lander.tensor { 0, 51, 255 }:view(3, 1, 1)
  local d = lander.data.images(new_folder { ["a/1.png"] = x }, { mean = { 0, 0.2, 0 },
    std = { 1, 1, 0.5 } })
  local found = d:get(1):view(-1):totable()
  for i, value in ipairs { 0, 0, 2 } do lu.assertAlmostEquals(found[i], value, 1e-6) end
end

function TestImageFolder.test_names_of_another_set()
  needs "grey.png"
  local folder = new_folder { ["dog/b.png"] = grey(4) }
  local d = lander.data.images(folder, { class_names = { "bird", "cat", "dog" } })
  lu.assertEquals({ #d, d.classes }, { 1, 3 })
  lu.assertEquals(select(2, d:get(1)), 3)
  fails("'" .. folder .. "/dog' is none of the 2 classes", lander.data.images, folder,
    { class_names = { "a", "b" } })
  fails("class_names must be texts, number 2 is a number", lander.data.images, folder,
    { class_names = { "a", 5 } })
end

function TestImageFolder.test_sizes()
  needs "grey.png"
  local folder = new_folder { ["a/1.png"] = grey(8, 4, 4), ["a/2.png"] = grey(8, 4, 6) }
  local message = fails("a/2.png has 4 rows and 6 columns", lander.data.images, folder)
  lu.assertStrContains(message, "a/1.png")
  local d = lander.data.images(folder, { size = { 2, 3 } })
  lu.assertEquals(d:shape(), { 3, 2, 3 })
  lu.assertEquals(lander.data.images(folder, { size = 5 }):shape(), { 3, 5, 5 })
  fails("size is rows and columns", lander.data.images, folder, { size = { 1, 2, 3 } })
  fails("channels must be 3", lander.data.images, folder, { channels = 2 })
end

-- Each new pixel is the mean of the area that it covers.
function TestImageFolder.test_another_size_is_a_mean()
  needs "grey.png"
  local function resized(t, size)
    local d = lander.data.images(new_folder { ["a/1.png"] = t }, { channels = 1, scale = 1,
      size = size })
    return d:get(1)[1]:totable()
  end
  local t = lander.tensor { { 0, 100, 200 }, { 40, 80, 20 } }
  lu.assertEquals(resized(t, { 1, 3 }), { { 20, 90, 110 } })
  lu.assertEquals(resized(t, { 2, 1 }), { { 100 }, { 47 } }) -- 46.67
  lu.assertEquals(resized(t, { 1, 2 }), { { 43, 103 } }) -- (20 + 90/2) / 1.5
  lu.assertEquals(resized(t:narrow(1, 1, 1), { 2, 6 }),
    { { 0, 0, 100, 100, 200, 200 }, { 0, 0, 100, 100, 200, 200 } })
end

function TestImageFolder.test_many_classes()
  needs "grey.png"
  local files = {}
  for k = 1, 300 do files[("%03d/x.png"):format(k)] = grey(k % 256, 1, 1) end
  local d = lander.data.images(new_folder(files), { channels = 1, scale = 1 })
  lu.assertEquals({ #d, d.classes }, { 300, 300 })
  local x, y = d:get(299)
  lu.assertEquals({ x:max(), y }, { 299 % 256, 299 })
end

function TestImageFolder.test_errors()
  needs "grey.png"
  fails("can't read the folder '/no/such'", lander.data.images, "/no/such")
  fails("has no folders with pictures", lander.data.images, support.folder())
  fails("has no folders with pictures", lander.data.images, new_folder { ["x.png"] = grey(1) })
  fails("empty' has no pictures", lander.data.images,
    new_folder { ["a/1.png"] = grey(1), ["empty/README"] = "x" })
  local folder = new_folder { ["a/1.png"] = grey(1), ["a/2.png"] = "no picture" }
  fails(folder .. "/a/2.png: begins neither as a PNG file does nor as a JPEG file; mend the file, "
    .. "or take it away", lander.data.images, folder)
  fails("but pictures of its own: put each into a folder that is called as its class is (",
    lander.data.images, new_folder { ["x.png"] = grey(1) })
  fails("a' has no pictures (.png, .jpg, .jpeg), but others, such as 1.gif: make PNG of them",
    lander.data.images, new_folder { ["a/1.gif"] = "GIF89a" })
  folder = new_folder { ["a/b/1.png"] = grey(1) }
  fails("a' has no pictures (.png, .jpg, .jpeg), but folders, such as b: if those are the classes, "
    .. "name the folder that they are in, '" .. folder .. "/a'", lander.data.images, folder)
  folder = new_folder { ["a/1.png"] = grey(1), ["a/2.png"] = grey(1, 3, 2) }
  fails("on the command line size=", lander.data.images, folder)
  fails("unknown option 'sise'", lander.data.images, folder, { sise = 3 })
end

function TestImageFolder.test_it_trains()
  needs "grey.png"
  local files = {}
  for i = 1, 8 do
    files[("dark/%d.png"):format(i)] = grey(10 * i)
    files[("light/%d.png"):format(i)] = grey(170 + 10 * i)
  end
  local nn, d = lander.nn, lander.data.images(new_folder(files))
  local net = nn.net { nn.input { 3, 2, 3 }, nn.linear { 2 } }
  local run = lander.train { net = net, data = d, test_data = d, batch_size = 4, quiet = true,
                             solver = { base_lr = 0.5, max_iter = 100 } }
  lu.assertEquals(run.accuracy, 1)
end

TestClassNames = {}

function TestClassNames.test_of_fashion_mnist()
  local folder = "tests/data/fashion_mnist"
  local names = lander.data.fashion_mnist(folder).test:class_names()
  lu.assertEquals({ #names, names[10] }, { 10, "boot" })
  lu.assertNil(lander.data.fashion_mnist(folder, { classes = 12 }).test:class_names())
end

function TestClassNames.test_given_once()
  local x = lander.zeros(4, 2)
  local d = lander.data.tensors(x, lander.tensor { 1, 2, 1, 2 }, { classes = 2 })
  lu.assertNil(d:class_names())
  local part = d:subset(1, 2)
  fails("1 names are given, but there are 2", d.name_classes, d, { "a" })
  d:name_classes { "yes", "no" }
  lu.assertEquals(d:class_names(), { "yes", "no" })
  lu.assertNil(part:class_names()) -- made before
  part:name_classes { "p", "q" }
  lu.assertEquals(d:subset(1, 2):class_names(), { "yes", "no" })
  fails("have names already", d.name_classes, d, { "a", "b" })
end
