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
  core.exit(2, ("--data=%s: " .. text):format(word, ...))
end

-- Ends the command after a reader of lander.data has failed, with the status that its kind of error
-- means: bad data, or words that say how to read them wrongly.
function datasets.fail_reading(message)
  local kind = core.reading_failed
  local is_bad = kind == "format" or kind == "data"
  core.exit(is_bad and 5 or kind == "memory" and 1 or 2, message)
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
      if options[name] ~= nil or name == "test" and test then
        fail(word, "%s is there twice", name)
      elseif value == "" then
        fail(word, "%s= has no value", name)
      elseif name == "test" then
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

local function with(options, more)
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  for key, value in pairs(more) do
    if all[key] == nil then all[key] = value end
  end
  return all
end

-- How a file is written that stands there without its kind.
local endings = { csv = "csv:%s,y=COLUMN", tsv = "csv:%s,y=COLUMN,separator=tab",
                  txt = "csv:%s,y=COLUMN", npz = "npz:%s", npy = "npy:%s,LABELS.npy" }

local function unknown_kind(word, name)
  local ending = endings[name:gsub("%.gz$", ""):match "%.(%w+)$" or ""]
  local form = ending or core.list_dir(name) and "images:%s,size=32x32"
    or core.file_exists(name) and "csv:%s,y=COLUMN"
  if form then
    fail(word, "which kind of data is it? Perhaps --data=" .. form .. " (lander train --help has "
      .. "the kinds)", name)
  end
  local names = core.sorted_keys(kinds)
  fail(word, "there is no such data%s", core.known_words(name, names))
end

-- A word in its parts: { word =, name =, kind =, places =, options =, test =, normalize = }.
local function parse(word)
  if word:find "^%a+://" then fail(word, "addresses are not read: fetch the file first") end
  local name, rest = word:match "^([%w_]+):(.*)$"
  name, rest = name or word:match "^([^,]*)", rest or word:match "^[^,]*,?(.*)$"
  local kind = kinds[name]
  if not kind then unknown_kind(word, name) end
  local places, options, test = read_pieces(word, kind, rest)
  check_count(word, name, kind, places)
  for _, list in ipairs { places, test or {} } do
    for i, place in ipairs(list) do list[i] = commands.at_home(place) end
  end
  if test and (whole[name] or kind.most == 0) then fail(word, "%s has no test=", name) end
  if test then check_count(word, name, kind, test) end
  local normalize = options.normalize
  options.normalize = nil
  if normalize ~= nil and type(normalize) ~= "boolean" then
    fail(word, "normalize must be true or false, found '%s'", tostring(normalize))
  end
  return { word = word, name = name, kind = kind, places = places, options = options,
           test = test, normalize = normalize }
end

-- Options that are read here and in lander.data.KIND, which the core doesn't know.
local function own_names(p)
  local names = { "normalize", p.name == "csv" and "x" or nil }
  if p.name == "csv" or p.name == "npz" then names = { "normalize", "x", "y" } end
  if named[p.name] then names[#names + 1] = "class_names" end
  if not whole[p.name] and p.kind.most > 0 then names[#names + 1] = "test" end
  return names
end

-- About an option that there isn't: the core's message names those that it has.
local function with_own_names(p, message)
  local owner, name, list = message:match "^(.-): unknown option '(.-)'; [%l ]-are (.*)$"
  if not list then return message end
  local names = own_names(p)
  for known in list:gmatch "[%w_]+" do names[#names + 1] = known end
  table.sort(names)
  return ("%s: unknown option '%s'%s"):format(owner, name, core.known_words(name, names))
end

-- Reads places; what fails is bad data, or wrong usage where it is the words that are wrong.
local function read_places(p, places, options)
  for _, place in ipairs(places) do
    if p.kind.form:find "FOLDER" then
      commands.check_folder(place, ("--data=%s: "):format(p.word))
    elseif p.name ~= "fashion_mnist" then
      commands.check_file(place, ("--data=%s: "):format(p.word))
    end
  end
  core.reading_failed = nil
  local ok, data = pcall(p.kind.read, places, options)
  if ok then return data end
  local message = core.plain_message(data)
  if type(message) ~= "string" then error(message, 0) end
  datasets.fail_reading(with_own_names(p, message))
end

-- What a parsed word names -> { train =, test = nil or }, as the files have them.
local function read(p)
  if p.name == "csv" and p.options.y == nil then
    fail(p.word, "which column is the target? It is written --data=csv%s", p.kind.form)
  end
  local data = read_places(p, p.places, p.options)
  if p.test then
    local names = named[p.name] and { class_names = data.train:class_names() } or {}
    data.test = read_places(p, p.test, with(p.options, names)).train
  end
  return data
end

-- Where there is no test part, a tenth of the samples, drawn by chance (always the same ones),
-- becomes one.
local function with_test(data)
  if not data.test and #data.train >= 10 then
    local n = #data.train
    data.train, data.test = data.train:shuffle(1):split(n - n // 10)
  end
  return data
end

-- ---- what the commands take ----

-- Whether two words name the same places and target, however these are read.
function datasets.same(a, b)
  if a == b then return true end
  local p, q = parse(a), parse(b)
  return p.name == q.name and core.json(p.places) == core.json(q.places)
    and core.json(p.options.y) == core.json(q.options.y)
end

-- For a training. What is known of the data goes with the net.
function datasets.open(word)
  local p = parse(word)
  local data = with_test(read(p))
  if p.normalize then
    local numbers
    data.train, numbers = data.train:normalize()
    data.test = data.test and data.test:normalize(numbers)
  end
  core.about_data(data.train).data = word
  return data
end

-- ---- for a net that was trained: by what it knows of its data ----

-- Data of the classes that fashion_mnist has are taken for it.
local function known_of(net)
  local known = core.noted_data(net) or {}
  if not known.data and (known.class_names or {})[1] == "T-shirt" then
    known.data = "fashion_mnist"
  end
  return known
end

-- The word of a training, of a saved net or (nil) of a new one.
function datasets.word_for(net, word)
  return word ~= "" and word or net and known_of(net).data or "fashion_mnist"
end

-- A word in its parts, as the net's own data were read: those of the same kind give the options
-- that it leaves out; classes are in the order that the net knows. Without a word the net's own.
-- Columns are found by their names; by_place says which they are where a file has none.
local function parse_for(known, word)
  if word == "" then word = known.data end
  if not word then return nil end
  local p = parse(word)
  local own = known.data and parse(known.data)
  local by_name = p.name == "csv" and p.options.x == nil and known.columns
  if own and own.name == p.name then p.options = with(p.options, own.options) end
  if by_name then
    p.by_place = p.options.x or false
    p.options = with({ x = by_name }, p.options)
  end
  if named[p.name] and known.class_names then
    p.options = with(p.options, { class_names = known.class_names })
  end
  return p
end

local function check_fits(net, d, word, path)
  local size, found = net:layers()[1].size, d:shape()
  local same = #size == #found
  for i = 1, #size do same = same and size[i] == found[i] end
  if same then return d end
  fail(word, "it has samples of %s, %s was trained on %s", core.size_text(found), path,
    core.size_text(size))
end

-- As the net's own data were: the middle of pictures of which it saw parts, and normalised.
local function as_known(known, d, net, word, path)
  if known.crop and #d:shape() == 3 then
    local size = net:layers()[1].size
    d = d:map(function(x) return core.middle(x, size) end)
  end
  check_fits(net, d, word, path)
  return known.normalize and d:normalize(known.normalize) or d
end

-- Where the classes are not the net's, the shapes may be the reason, which is then told.
local function read_for(net, p, path)
  local ok, data = pcall(read, p)
  if ok then return data end
  local message = core.plain_message(data)
  if p.options.class_names then
    p.options.class_names = nil
    local read_without, other = pcall(read, p)
    if read_without and not known_of(net).crop then check_fits(net, other.train, p.word, path) end
  end
  error(message, 0)
end

-- The part that is asked for, and which one that is, in words.
local function part_of(net, p, part, path)
  local data = read_for(net, p, path)
  if part == "" and data.test then part = "test" end
  if part == "train" or part == "test" then
    data = with_test(data)
    return data[part] or fail(p.word, "there are too few samples for a test part"),
      ("the %s part"):format(part)
  end
  return data.train, "all of it"
end

datasets.known_of, datasets.parse_for = known_of, parse_for

-- For looking at a net, from the file `path`: the part that is asked for, "train" or "test", as a
-- training has them, or "all" of what the word names; "": the test part of data that have one, else
-- all. Without a word the data that the net was trained on, of which "" is the test part.
function datasets.open_for(net, path, word, part)
  if part ~= "" and part ~= "train" and part ~= "test" and part ~= "all" then
    core.exit(2, ("--part must be train, test or all, found '%s'"):format(part))
  end
  local known = known_of(net)
  if word == "" then
    word, part = known.data, part == "" and "test" or part
    if not word then
      core.exit(2, ("which data? %s doesn't say what it was trained on: give --data=DATA"):format(
        path))
    end
  end
  local d, which = part_of(net, parse_for(known, word), part, path)
  core.write_error(("data: %s, %s\n"):format(core.harmless_word(word), which))
  return as_known(known, d, net, word, path)
end

datasets.about = "KIND:PLACE,NAME=VALUE...: see DATA"
datasets.example = "csv:iris.csv,y=kind"
datasets.part_about = "train, test or all; by itself the test part of data that have one, else all"
datasets.own_about = "KIND:PLACE,NAME=VALUE...: see DATA; by itself what the net was trained on"
datasets.more = [[
DATA is one of
  fashion_mnist, mnist:FOLDER, cifar10:FOLDER
  csv:FILE,y=COLUMN            a table; y is a name in its header, or a number (-1: the last)
  images:FOLDER,size=32x32     pictures, a folder for each class
  npz:FILE, npy:X,Y, idx:IMAGES,LABELS
  xor, spiral, blobs           made up: spiral:n=600
with options of lander.data.KIND behind it (lander help csv): ,classes=10 ,scale=0.1 ,x=a+b.
,normalize=true takes each column's (a picture's channel's) mean out and divides by its deviation.
,test=PLACE is the test part; without one a tenth of the samples, drawn by chance, is.]]

commands.datasets = datasets
