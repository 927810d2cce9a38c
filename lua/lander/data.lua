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

-- The result of a core function, or its message as an error there. Called in parentheses: a
-- tail call would lose a level.
local function check(level, dataset, message)
  if not dataset then error(message, level + 1) end
  return dataset
end


--- A pair of IDX files, plain or gzipped. Options: scale (1/255), mean (0), std (1):
--- a pixel p becomes (p * scale - mean) / std; classes (10); limit (all).
function data.idx(images, labels, options)
  check_text(images, "idx: the first argument", 2)
  check_text(labels, "idx: the second argument", 2)
  check_options(options, "idx", 2)
  return (check(2, core.data_idx(images, labels, options)))
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
local function with_defaults(options, mean, std)
  local all = { mean = mean, std = std }
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
  options = with_defaults(options, 0.28604, 0.35302)
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
  return (check(2, sets, message))
end

--- MNIST: { train =, test = } from the folder `dir`, normalised by the mean and deviation
--- of its training images (0.1307, 0.3081); options as for idx.
function data.mnist(dir, options)
  if type(dir) ~= "string" then
    error("mnist: give the folder that has train-images-idx3-ubyte.gz and its three "
      .. "companions", 2)
  end
  check_options(options, "mnist", 2)
  return (check(2, open_folder(dir, with_defaults(options, 0.1307, 0.3081))))
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
