-- datasets.lua: data by a word of the command line:
--
--   KIND[:PLACE][,NAME=VALUE ...]     csv:iris.csv,y=kind    images:pets,size=64x64
--
-- The names are the options of lander.data.KIND; of numbers, NxM is a list, of anything a+b.
-- test=PLACE is the test part, of the same kind.
local lander, commands = ...
local core = lander.core
local datasets = {}

local function fail(word, text, ...)
  error(("--data=%s: " .. text):format(word, ...), 0)
end

-- ---- the kinds: how many places, and how they are read ----

local synthetic = lander.data.synthetic

local function both_of(read)
  return function(places, options) return read(places[1], options) end
end

local function one_of(read)
  return function(places, options) return { train = read(places[1], options) } end
end

local function pair_of(read)
  return function(places, options) return { train = read(places[1], places[2], options) } end
end

local function made(make)
  return function(_, options) return { train = make(options) } end
end

local kinds = {
  fashion_mnist = { least = 0, most = 1, form = "", read = both_of(lander.data.fashion_mnist) },
  mnist = { least = 1, most = 1, form = ":FOLDER", read = both_of(lander.data.mnist) },
  cifar10 = { least = 1, most = 1, form = ":FOLDER", read = both_of(lander.data.cifar10) },
  csv = { least = 1, most = 1, form = ":FILE,y=COLUMN", read = one_of(lander.data.csv) },
  images = { least = 1, most = 1, form = ":FOLDER", read = one_of(lander.data.images) },
  npz = { least = 1, most = 1, form = ":FILE", read = one_of(lander.data.npz) },
  idx = { least = 2, most = 2, form = ":IMAGES,LABELS", read = pair_of(lander.data.idx) },
  npy = { least = 2, most = 2, form = ":X,Y", read = pair_of(lander.data.npy) },
  xor = { least = 0, most = 0, form = "", read = made(synthetic.xor) },
  spiral = { least = 0, most = 0, form = "", read = made(synthetic.spiral) },
  blobs = { least = 0, most = 0, form = "", read = made(synthetic.blobs) },
}
-- Kinds whose classes have names that a test part has to share.
local named = { csv = true, images = true }
-- Kinds that bring a test part of their own.
local whole = { fashion_mnist = true, mnist = true, cifar10 = true }

-- ---- the word ----

-- "64x64" -> { 64, 64 }, "a+b" -> { "a", "b" }, "0.5" -> 0.5
local function read_value(text)
  local list = {}
  if text:find "^%d+x[%dx]*%d$" then
    for item in text:gmatch "%d+" do list[#list + 1] = math.tointeger(tonumber(item)) end
    return list
  elseif text:find "[^+]%+[^+]" and not tonumber(text) then
    for item in text:gmatch "[^+]+" do list[#list + 1] = core.value_of(item) end
    return list
  end
  return core.value_of(text)
end

-- Pieces between commas: places first, then options; behind test= places again. A comma in the
-- only place of a kind is a part of it.
local function read_pieces(word, kind, rest)
  local places, options, test = {}, {}, nil
  local into = places
  for piece in rest:gmatch "[^,]+" do
    local name, value = piece:match "^([%a_]+)=(.*)$"
    if name and not (#places == 0 and kind.least > 0) then
      if name == "test" then
        test = { value }
        into = test
      else
        options[name], into = read_value(value), nil
      end
    elseif not into then
      fail(word, "'%s' stands behind an option; places come first", piece)
    elseif #into > 0 and kind.most == 1 then
      into[#into] = into[#into] .. "," .. piece
    else
      into[#into + 1] = piece
    end
  end
  return places, options, test
end

local function check_count(word, name, kind, places)
  if #places < kind.least or #places > kind.most then
    fail(word, "%s is %s", name, kind.least == 0 and kind.most == 0 and "made up and has no place"
      or ("written --data=%s%s"):format(name, kind.form))
  end
end

local function names_of(data, name, options)
  if not named[name] or options.class_names then return options end
  local more = { class_names = data.train:class_names() }
  for key, value in pairs(options) do more[key] = value end
  return more
end

-- Data by a word -> { train =, test = nil or }
local function open(word)
  local name, rest = word:match "^([%w_]+):?(.*)$"
  local kind = kinds[name]
  if not kind then
    fail(word, "there is no such data%s; there are %s", core.did_you_mean(name or word,
      core.sorted_keys(kinds)), table.concat(core.sorted_keys(kinds), ", "))
  end
  local places, options, test = read_pieces(word, kind, rest)
  check_count(word, name, kind, places)
  if test and (whole[name] or kind.most == 0) then fail(word, "%s has no test=", name) end
  if name == "csv" and options.y == nil then
    fail(word, "which column is the target? It is written --data=csv%s", kind.form)
  end
  local data = kind.read(places, options)
  if test then
    check_count(word, name, kind, test)
    data.test = kind.read(test, names_of(data, name, options)).train
  end
  return data
end

-- ---- what the commands take ----

-- For a training: where there is no test part, a tenth of the samples, drawn by chance (always
-- the same ones), becomes one.
function datasets.open(word)
  local data = open(word)
  if not data.test and #data.train >= 10 then
    local n = #data.train
    data.train, data.test = data.train:shuffle(1):split(n - n // 10)
  end
  return data
end

-- The options of `lander test` for what a training of this word was tested on; "" for the default.
function datasets.test_options(word)
  local name, test = word:match "^[%w_]+", word:find(",test=", 1, true)
  local quoted = word:find "[^%w_.,:=/+-]" and "'" .. word:gsub("'", "'\\''") .. "'" or word
  return (word == "fashion_mnist" and "" or " --data=" .. quoted)
    .. ((whole[name] or test) and "" or " --part=test")
end

-- For looking: the part that is asked for: "train" or "test", as a training has them, or "all" of
-- what the word names; "": the test part of data that have one, else all.
function datasets.open_part(word, part)
  if part == "train" or part == "test" then
    return datasets.open(word)[part] or fail(word, "there are too few samples for a test part")
  elseif part ~= "" and part ~= "all" then
    core.exit(2, ("--part must be train, test or all, found '%s'"):format(part))
  end
  local data = open(word)
  return part == "" and data.test or data.train
end

datasets.about = "KIND:PLACE,NAME=VALUE...: see DATA"
datasets.part_about = "train, test or all; by itself the test part of data that have one, else all"
datasets.more = [[
DATA is one of
  fashion_mnist, mnist:FOLDER, cifar10:FOLDER
  csv:FILE,y=COLUMN            a table; y is a name in its header, or a number (-1: the last)
  images:FOLDER,size=32x32     pictures, a folder for each class
  npz:FILE, npy:X,Y, idx:IMAGES,LABELS
  xor, spiral, blobs           made up: spiral:n=600
with options of lander.data.KIND behind it (lander help csv): ,classes=10 ,scale=0.1 ,x=a+b.
,test=PLACE is the test part; without one a tenth of the samples, drawn by chance, is.]]

commands.datasets = datasets
