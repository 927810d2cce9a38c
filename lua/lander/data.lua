-- data.lua: datasets by name, and small ones that are made up.
--
-- A dataset d has #d, d[i] (a table { x, y }), d:get(i) (x and y), d:shape(), d.classes,
-- d:subset(first, last), d:split(n) and d:batches { size =, shuffle =, seed =, loop =,
-- augment =, phase = }. The batches are tensors of their own; with reuse = true they are
-- only lent, which is faster: they stay as they are until the next batch but one is asked
-- for. doc/data.md is the page about all this.
local lander = ...
local core = lander.core

lander.data = {}
local data = lander.data

-- ---- checks: `level` is where the user's line is, as for error() ----

local function check_text(value, what, level)
  if type(value) ~= "string" then
    error(("%s must be the path of a file, found a %s"):format(what, type(value)), level + 1)
  end
end

local function check_options(options, owner, level)
  if options ~= nil and type(options) ~= "table" then
    error(("%s: options are a table { name = value }, found a %s"):format(owner,
      type(options)), level + 1)
  end
end

local function check_names(names, owner, level)
  if names ~= nil and type(names) ~= "table" then
    error(("%s: class_names must be a list of texts, found a %s"):format(owner, type(names)),
      level + 1)
  end
end

-- The result of a core function, or its message as an error there; which kind of error it is, the
-- command wants to know. Called in parentheses: a tail call would lose a level.
local function check(level, dataset, message, kind)
  if dataset then return dataset end
  core.reading_failed = kind
  error(message, level + 1)
end


--- A pair of IDX files, plain or gzipped. Options: scale (1/255), mean (0), std (1):
--- a pixel p becomes (p * scale - mean) / std; classes (10); limit (all).
function data.idx(images, labels, options)
  check_text(images, "idx: the first argument", 2)
  check_text(labels, "idx: the second argument", 2)
  check_options(options, "idx", 2)
  local d = check(2, core.data_idx(images, labels, options))
  return core.keep_first_label(d)
end

-- Column names or numbers, one or a list, as the text that the core reads.
local function columns_text(value, name, level)
  if value == nil then return nil end
  local list = type(value) == "table" and value or { value }
  local words = {}
  for i, word in ipairs(list) do
    if type(word) ~= "string" and math.type(word) ~= "integer" then
      error(("csv: %s must be columns, by number or by name, found a %s"):format(name,
        type(word)), level + 1)
    end
    words[i] = tostring(word)
  end
  return table.concat(words, ",")
end

local SEPARATORS = { ["\t"] = "tab", [" "] = "space" }

--- A table in a text file, plain or gzipped: a line is a sample. Options: y, the column that
--- is the target, by number (from 1, or -1 backwards) or by its name in the header, or a
--- list of them; x, those of the input (all others; "2:5" is a range); header ("auto", true,
--- false), separator (","), classes (0: y holds numbers), first (0: the label of the first
--- class in the file), shape (of a sample's x), scale, mean and std. A column of words gives
--- classes, in the order of the alphabet or of class_names; d:class_names() tells them. Rows to
--- predict: y = false (there is no target), or read_y = false (it is there, and not looked at).
function data.csv(path, options)
  check_text(path, "csv: the first argument", 2)
  check_options(options, "csv", 2)
  options = options or {}
  if options.y == nil then
    error("csv: y is missing: the column that is the target, such as y = -1 for the last one "
      .. "or y = \"price\"; y = false where there is none", 2)
  end
  local x, y = columns_text(options.x, "x", 2), columns_text(options.y or nil, "y", 2)
  local others = {}
  for name, value in pairs(options) do
    if name ~= "x" and name ~= "y" and name ~= "class_names" then others[name] = value end
  end
  others.separator = SEPARATORS[options.separator] or options.separator
  check_names(options.class_names, "csv", 2)
  local d = check(2, core.data_csv(path, x, y, others, options.class_names))
  return core.keep_first_label(d, options)
end

--- Two .npy files, x (n, ...) and y (n, ...). Options: classes (0: y holds numbers), first
--- (0: the label of the first class in the file), scale, mean and std.
function data.npy(x, y, options)
  check_text(x, "npy: the first argument", 2)
  check_text(y, "npy: the second argument", 2)
  check_options(options, "npy", 2)
  local d = check(2, core.data_npy(x, y, options))
  return core.keep_first_label(d, options)
end

--- The members x and y of an .npz file. Options: x ("x") and y ("y"), their names; and those
--- of npy.
function data.npz(path, options)
  check_text(path, "npz: the first argument", 2)
  check_options(options, "npz", 2)
  local names, others = { x = "x", y = "y" }, {}
  for name, value in pairs(options or {}) do
    if not names[name] then
      others[name] = value
    elseif type(value) == "string" then
      names[name] = value
    else
      error(("npz: %s must be the name of a member, found a %s"):format(name, type(value)), 2)
    end
  end
  local d = check(2, core.data_npz(path, names.x, names.y, others))
  return core.keep_first_label(d, others)
end

--- Tensors x (n, ...) and y (n, ...). Options: classes, when y holds labels from 1 on;
--- prefetch (false): batches are made ahead by a thread, so the tensors must stay as they are.
function data.tensors(x, y, options)
  check_options(options, "tensors", 2)
  return (check(2, core.data_tensors(x, y, options)))
end

-- ---- the MNIST family: four files in a folder ----

local FILES = {
  train = { "train-images-idx3-ubyte", "train-labels-idx1-ubyte" },
  test = { "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" },
}

-- One of the two sets, gzipped or plain. nil, the message and its kind when there is none.
local function open_set(dir, names, options)
  local images, labels = dir .. "/" .. names[1], dir .. "/" .. names[2]
  local set, message, kind = core.data_idx(images .. ".gz", labels .. ".gz", options)
  if set or kind ~= "io" then return set, message, kind end
  local plain = core.data_idx(images, labels, options)
  if plain then return plain end
  return nil, message, kind
end

local function open_folder(dir, options)
  local train, message, kind = open_set(dir, FILES.train, options)
  if not train then return nil, message, kind end
  local test
  test, message, kind = open_set(dir, FILES.test, options)
  if not test then return nil, message, kind end
  return { train = train, test = test }
end

-- The options, with the set's own normalisation where nothing is said about it.
local function with_defaults(options, levels)
  local all = { mean = levels.mean, std = levels.std }
  for name, value in pairs(options or {}) do all[name] = value end
  return all
end

-- (dir, options), either of which may be left out.
local function folder_and_options(dir, options, owner)
  if type(dir) == "table" and options == nil then dir, options = nil, dir end
  if dir ~= nil and type(dir) ~= "string" then
    error(("%s: the folder must be a text, found a %s"):format(owner, type(dir)), 3)
  end
  check_options(options, owner, 3)
  return dir, options
end

local FASHION_LEVELS = { mean = 0.28604, std = 0.35302 }
local MNIST_LEVELS = { mean = 0.1307, std = 0.3081 }
local FASHION_CLASSES = { "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt",
                          "sneaker", "bag", "boot" }
local FASHION_DIR = "/usr/share/datasets/fashion-mnist"
local FASHION_SUBSET = "tests/data/fashion_mnist"
local FASHION_ADVICE = "install the package dataset-fashion-mnist, or give the folder that "
  .. "has train-images-idx3-ubyte.gz and its three companions"

--- Fashion-MNIST: { train =, test = }, from `dir` or where its Debian package puts it; when
--- it is not there, the first 2000 + 500 images, which come with Lander, with a warning.
--- Pixels have the mean and deviation of the training images taken out (0.2860, 0.3530);
--- options as for idx.
function data.fashion_mnist(dir, options)
  dir, options = folder_and_options(dir, options, "fashion_mnist")
  options = with_defaults(options, FASHION_LEVELS)
  local sets, message, kind = open_folder(dir or FASHION_DIR, options)
  if not sets and not dir and kind == "io" then
    sets = open_folder(FASHION_SUBSET, options)
    if sets then
      core.warn(("Fashion-MNIST is not in %s: using the small part of it that comes with "
        .. "Lander, 2000 + 500 images instead of 60000 + 10000; accuracies will be lower "
        .. "(install the package dataset-fashion-mnist)"):format(FASHION_DIR))
    end
  end
  if not sets and kind == "io" then
    error(("fashion_mnist: %s; %s"):format(message, FASHION_ADVICE), 2)
  end
  check(2, sets, message, kind)
  for _, set in pairs(sets) do
    if set.classes == #FASHION_CLASSES then set:name_classes(FASHION_CLASSES) end
  end
  return sets
end

--- MNIST: { train =, test = } from the folder `dir`, normalised by the mean and deviation
--- of its training images (0.1307, 0.3081); options as for idx.
function data.mnist(dir, options)
  if type(dir) ~= "string" then
    error("mnist: give the folder that has train-images-idx3-ubyte.gz and its three "
      .. "companions", 2)
  end
  check_options(options, "mnist", 2)
  local sets = check(2, open_folder(dir, with_defaults(options, MNIST_LEVELS)))
  for _, set in pairs(sets) do core.keep_first_label(set) end
  return sets
end

local CIFAR_TRAIN = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
  "data_batch_4.bin", "data_batch_5.bin" }
local CIFAR_TEST = { "test_batch.bin" }
local CIFAR_LEVELS = { mean = { 0.4914, 0.4822, 0.4465 }, std = { 0.2470, 0.2435, 0.2616 } }

-- What the kinds do with a number by themselves, where it is not (p / 255 - 0) / 1.
core.levels = { fashion_mnist = FASHION_LEVELS, mnist = MNIST_LEVELS, cifar10 = CIFAR_LEVELS,
                csv = { scale = 1 }, npy = { scale = 1 }, npz = { scale = 1 } }

--- CIFAR-10: { train =, test = } from the folder `dir`, which has the six files of its binary
--- version, plain or gzipped. Each channel has the mean and deviation of the training images
--- taken out. Options: scale (1/255), mean, std, limit.
function data.cifar10(dir, options)
  if type(dir) ~= "string" then
    error("cifar10: give the folder that has data_batch_1.bin to data_batch_5.bin and "
      .. "test_batch.bin", 2)
  end
  check_options(options, "cifar10", 2)
  options = with_defaults(options, CIFAR_LEVELS)
  local function open(names)
    local paths = {}
    for i, name in ipairs(names) do paths[i] = dir .. "/" .. name end
    return core.data_cifar10(paths, options)
  end
  local train = check(2, open(CIFAR_TRAIN))
  return { train = train, test = check(2, open(CIFAR_TEST)) }
end

-- ---- pictures ----

--- A folder with a folder of PNG and JPEG pictures for each class. Options: channels (3; 1:
--- grey), size ({ rows, columns }, to which all are brought; else all must have the same),
--- class_names (the folders' names in the order of the classes; else the order of the
--- alphabet), scale, mean, std as for idx. d:class_names() tells the names.
function data.images(dir, options)
  check_text(dir, "images: the first argument", 2)
  check_options(options, "images", 2)
  local given = {}
  for key, value in pairs(options or {}) do given[key] = value end
  local names = given.class_names
  given.class_names = nil
  check_names(names, "images", 2)
  return (check(2, core.data_images(dir, names, given)))
end

-- ---- map ----

local TENSOR = getmetatable(lander.zeros(1))

local function same_size(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

-- What f gave for a sample, in its row of `into`, which the first sample makes.
local function keep(into, n, i, value, what)
  local number = math.type(value) ~= nil
  if not number and getmetatable(value) ~= TENSOR then
    error(("map: f must return x, a tensor, and may return y, a tensor or a number; its %s of "
      .. "sample %d is a %s"):format(what, i, type(value)), 3)
  end
  local size = number and {} or value:size()
  into.size = into.size or size
  into.rows = into.rows or lander.zeros(n, table.unpack(size))
  if not same_size(size, into.size) then
    error(("map: the %s of sample %d has the shape (%s), that of sample 1 (%s)"):format(what, i,
      table.concat(size, ", "), table.concat(into.size, ", ")), 3)
  end
  if number then into.rows[i] = value else into.rows[i]:copy_(value) end
end

-- A dataset of tensors that nobody else has, with the classes of d, where one is given.
function core.own_tensors(x, y, d)
  local made, message = core.data_tensors(x, y, { prefetch = true, classes = d and d.classes or 0 })
  if made and d and d:class_names() then made:name_classes(d:class_names()) end
  if made and d then core.about_data(made).first_label = core.about_data(d).first_label end
  return made, message
end

--- d:map(f): a dataset, in memory, of what f(x, y) returns for every sample: an x, and a y
--- where it changes. f is called once for each, in order, now.
function core.dataset_metatable.__methods.map(d, f)
  if type(f) ~= "function" then
    error(("map: expected a function of x and y, found a %s"):format(type(f)), 2)
  end
  local n = #d
  if n == 0 then error("map: there are no samples", 2) end
  local x, y = {}, {}
  for i = 1, n do
    local old_x, old_y = d:get(i)
    local new_x, new_y = f(old_x, old_y)
    keep(x, n, i, new_x, "x")
    keep(y, n, i, new_y == nil and old_y or new_y, "y")
  end
  local made = check(2, core.own_tensors(x.rows, y.rows, #y.size == 0 and d or nil))
  core.take_places(made, d, false)
  return made
end

-- ---- made-up data, for trying things out ----

data.synthetic = {}
local synthetic = data.synthetic

-- A generator of its own (SplitMix64), so that the same seed gives the same points on every
-- machine and nobody else's random numbers move.
local function generator(seed)
  local state = seed
  local function uniform() -- [0, 1)
    state = state + 0x9e3779b97f4a7c15
    local z = (state ~ (state >> 30)) * 0xbf58476d1ce4e5b9
    z = (z ~ (z >> 27)) * 0x94d049bb133111eb
    return ((z ~ (z >> 31)) >> 11) * 0x1p-53
  end
  local function normal() -- Box and Muller
    return math.sqrt(-2 * math.log(1 - uniform())) * math.cos(2 * math.pi * uniform())
  end
  return uniform, normal
end

core.generator = generator

-- The value of an option: a number in [low, high], whole when its default is.
local function number(options, owner, name, default, low, high)
  local value = options[name]
  if value == nil then return default end
  local whole = math.type(default) == "integer"
  if type(value) ~= "number" or not (value >= low and value <= high)
    or (whole and not math.tointeger(value)) then
    error(("synthetic.%s: %s = %s, expected a %snumber from %g to %g"):format(owner, name,
      tostring(value), whole and "whole " or "", low, high), 4)
  end
  return whole and math.tointeger(value) or value
end

-- The options of a set: defaults with their bounds, in a table by name.
local function read_options(owner, given, known)
  check_options(given, "synthetic." .. owner, 3)
  local values, names = {}, {}
  for name in pairs(known) do names[#names + 1] = name end
  table.sort(names)
  for name in pairs(given or {}) do
    if not known[name] then
      error(("synthetic.%s: unknown option '%s'%s; there are %s"):format(owner,
        tostring(name), core.did_you_mean(tostring(name), names),
        table.concat(names, ", ")), 3)
    end
  end
  for _, name in ipairs(names) do
    values[name] = number(given or {}, owner, name, table.unpack(known[name]))
  end
  return values
end

local SEED = { 1, 0, 2 ^ 53 }
local MANY = 1e6

--- Exclusive or: n points (4) around the corners of the square (0,0) (0,1) (1,0) (1,1), of
--- class 2 where the two coordinates differ, else 1. Options: n, noise (0), seed.
function synthetic.xor(options)
  local o = read_options("xor", options,
    { n = { 4, 1, MANY }, noise = { 0.0, 0, 1e3 }, seed = SEED })
  local _, normal = generator(o.seed)
  local x, y = {}, {}
  for i = 1, o.n do
    local a, b = (i - 1) // 2 % 2, (i - 1) % 2
    x[i] = { a + o.noise * normal(), b + o.noise * normal() }
    y[i] = (a ~ b) + 1
  end
  return data.tensors(lander.tensor(x), lander.tensor(y), { classes = 2 })
end

--- Arms of a spiral in the plane, one for each class, n points (300) in all. Options: n,
--- classes (3), noise (0.1: of the angle), seed.
function synthetic.spiral(options)
  local o = read_options("spiral", options, { n = { 300, 1, MANY },
    classes = { 3, 1, 1000 }, noise = { 0.1, 0, 1e3 }, seed = SEED })
  local _, normal = generator(o.seed)
  local x, y = {}, {}
  local arm = math.max((o.n - 1) // o.classes, 1)
  for i = 1, o.n do
    local class, radius = (i - 1) % o.classes, (i - 1) // o.classes / arm
    local angle = 2 * math.pi * class / o.classes + 4 * radius + o.noise * normal()
    x[i] = { radius * math.cos(angle), radius * math.sin(angle) }
    y[i] = class + 1
  end
  return data.tensors(lander.tensor(x), lander.tensor(y), { classes = o.classes })
end

--- Round heaps of points, one for each class, n points (300) in all. Options: n, classes
--- (3), dims (2), noise (0.5: the deviation within a heap), seed.
function synthetic.blobs(options)
  local o = read_options("blobs", options, { n = { 300, 1, MANY },
    classes = { 3, 1, 1000 }, dims = { 2, 1, 1000 }, noise = { 0.5, 0, 1e3 }, seed = SEED })
  local uniform, normal = generator(o.seed)
  local centre, x, y = {}, {}, {}
  for class = 1, o.classes do
    centre[class] = {}
    for d = 1, o.dims do centre[class][d] = 10 * uniform() - 5 end
  end
  for i = 1, o.n do
    local class = (i - 1) % o.classes + 1
    x[i], y[i] = {}, class
    for d = 1, o.dims do x[i][d] = centre[class][d] + o.noise * normal() end
  end
  return data.tensors(lander.tensor(x), lander.tensor(y), { classes = o.classes })
end
