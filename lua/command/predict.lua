-- predict.lua: lander predict NET FILE...: what a saved net says of arrays, pictures, data.
local lander = ...
local core = lander.core
local datasets = core.commands.datasets

local command = {
  usage = "predict NET.npz [FILE ...] [--data=DATA] [--top=K]",
  help = "the most likely classes of samples, with probabilities, or the numbers of a regression",
  least = 1, most = math.huge,
  defaults = { top = 3, data = "", part = "" },
  examples = { data = datasets.example, part = "train" },
  about = { top = "how many classes to show", data = datasets.about, part = datasets.part_about },
  more = [[
A FILE is a .csv (rows, with the column of the target or without), a .npy array (one sample or
several one after the other) or a .png or .jpg picture, which is brought to the size of the net's.
It is read and scaled as the data were that the net was trained on, which lander train keeps with
the net, as it does the names of classes; --data says otherwise. A .npy for a net that was trained
on pictures has its numbers as the net has them. Without a FILE, --data is what is predicted; one of
them has to be there.
]] .. datasets.more .. [[


example: lander predict net.npz cat.png
example: lander predict net.npz new.csv --top=1
example: lander predict net.npz new.csv --data=csv:new.csv,separator=semicolon]],
}

-- ---- files, as the net's data were read ----

-- What makes (p * scale - mean) / std of a number, by the options of the data or what their kind
-- has by itself.
local function levels_of(p)
  local own, options = p and core.levels[p.name] or {}, p and p.options or {}
  return { scale = options.scale or own.scale or 1 / 255, mean = options.mean or own.mean or 0,
           std = options.std or own.std or 1 }
end

-- One number for all, or a list of one for each channel, as a tensor beside a batch of pictures.
local function each_channel(value)
  local list = type(value) == "table" and value or { value }
  return lander.tensor(list):view(#list, 1, 1)
end

local function scaled(x, levels, unit)
  return (x * (unit * levels.scale) - each_channel(levels.mean)) / each_channel(levels.std)
end

local function read_picture(p, path, size, crop)
  if #size ~= 3 then
    core.exit(2, ("%s: a sample of this net is %s, no picture"):format(path, core.size_text(size)))
  end
  local whole = crop and p and p.options.size or nil
  if math.type(whole) then whole = { whole, whole } end
  local x = lander.image.load(path, { channels = size[1], size = whole or { size[2], size[3] } })
  x = core.middle(x, size)
  return scaled(x, levels_of(p), 255)
end

local function read_array(p, path)
  local x = lander.load_npy(path)
  if not p or p.name ~= "npy" and p.name ~= "npz" then return x end
  local levels = levels_of(p)
  if type(levels.mean) == "table" or type(levels.std) == "table" then
    error(("%s: these data have a mean and std for each channel; give pictures, or --data=npz:FILE")
      :format(path), 0)
  end
  return (x * levels.scale - levels.mean) / levels.std
end

-- Options that say nothing of how rows are read.
local left_out = { class_names = true, classes = true, first = true, shape = true }

-- The options of a table whose target is not looked at, or isn't there; x says which columns.
local function row_options(p, x)
  local with_y, without = {}, {}
  for name, value in pairs(p and p.name == "csv" and p.options or {}) do
    if not left_out[name] then with_y[name], without[name] = value, value end
  end
  with_y.read_y, without.y = false, false
  with_y.x, without.x = x, x
  return with_y.y and { with_y, without } or { without }
end

-- Rows to predict: with the column of the target or without.
local function rows_of(p, path, size, x)
  local d, message
  for _, options in ipairs(row_options(p, x)) do
    local ok, found = pcall(lander.data.csv, path, options)
    if ok and core.product(found:shape()) == core.product(size) then return found end
    if ok then d = d or found else message = core.plain_message(found) end
  end
  return nil, d, message
end

-- The columns are found by their names, or by their places where the file has no header.
local function read_rows(p, path, size)
  local rows, d, message = rows_of(p, path, size, p and p.options.x)
  if not rows and p and p.by_place ~= nil and message and message:find "has no header" then
    rows, d, message = rows_of(p, path, size, p.by_place or nil)
  end
  if rows then
    local x = rows:batches({ size = #rows }):next()
    return x, function(n) return rows:place(n) end
  end
  if not d then datasets.fail_reading(message) end
  core.exit(2, ("%s has %d columns for the input, a sample of this net is %s: say which, with "
    .. "--data=csv:%s,x=NAME+NAME, or y=NAME for those to leave out"):format(path,
    core.product(d:shape()), core.size_text(size), path))
end

local readers = { csv = read_rows, npy = read_array, png = read_picture, jpg = read_picture,
                  jpeg = read_picture }

local function reader_of(path)
  return readers[path:lower():match "%.(%w+)$"]
end

-- Before any of them is predicted.
local function check_files(opt)
  for i = 2, #opt do
    local path = opt[i]
    if core.list_dir(path) then
      core.exit(2, ("%s is a folder: %s/*.png names the pictures in it"):format(path,
        path:gsub("/+$", "")))
    elseif not reader_of(path) then
      core.exit(2, ("%s: a FILE is a .csv, .npy, .png or .jpg"):format(path))
    end
    core.commands.check_file(path)
  end
end

-- The samples of a file as a batch of this net's input, and a function that says what sample n is
-- called; `word` says how it is read where that is not as the net's own data were.
local function as_batch(net, path, word, ending)
  local known, size = datasets.known_of(net), net:layers()[1].size
  local reader = ending and readers[ending] or reader_of(path)
  local p, count = datasets.parse_for(known, word), core.product(size)
  -- What can't be read there is bad data.
  local x, name_of = core.with_status(5, "predict", reader, p, path, size, known.crop)
  if x:numel() == 0 or x:numel() % count ~= 0 then
    error(("%s holds %d numbers; a sample of this net is %s"):format(path, x:numel(),
      core.size_text(size)), 0)
  end
  x = x:reshape(x:numel() // count, table.unpack(size))
  name_of = name_of or function(n)
    return x:size(1) == 1 and path or ("%s, sample %d"):format(path, n)
  end
  local by = known.normalize
  return by and core.normalized(x, by.mean, by.std) or x, name_of
end

-- ---- saying it ----

local function is_classified(net)
  for _, info in ipairs(net:layers()) do
    if info.type == "softmax_loss" then return true end
  end
end

local function class_text(y, top, name_of)
  local parts = {}
  local values, classes = y:topk(math.min(top, y:numel()))
  for i = 1, values:numel() do
    parts[i] = ("%s %.2f%%"):format(name_of(math.tointeger(classes[i])), 100 * values[i])
  end
  return table.concat(parts, "  ")
end

local MOST = 20 -- numbers on a line

local function number_text(y, names)
  if y:numel() > MOST then return tostring(y) end
  local parts = {}
  for i = 1, y:numel() do
    local large = math.abs(y[i]) >= 1e6 and math.abs(y[i]) < 1e15
    local name = names and core.harmless_word(names[i]) .. " " or ""
    parts[i] = name .. (large and "%.0f" or "%.6g"):format(y[i])
  end
  return table.concat(parts, "  ")
end

-- A function that says what the net makes of a batch; called(n): what its sample n is called. A
-- target that was normalised is given back in its own units.
local function teller(net, opt)
  local known, classified = datasets.known_of(net), is_classified(net)
  local by, name_of = known.normalize, core.class_namer(known)
  return function(x, called)
    local y = net:predict(x)
    if by and by.y_mean then y = core.denormalized(y, by.y_mean, by.y_std) end
    for n = 1, y:size(1) do
      local row = y:select(1, n):contiguous():view(-1)
      core.print(("%s  %s\n"):format(core.harmless_word(called(n)), classified
        and class_text(row, opt.top, name_of) or number_text(row, known.targets)))
    end
  end
end

-- Of a table in --data, which may lack the target; nil where a part is asked for, or where it is
-- something else.
local function table_of(p, part)
  if not p or p.name ~= "csv" or part == "train" or part == "test" then return nil end
  return part == "" and p.test and p.test[1] or p.places[1]
end

local function tell_data(net, opt, tell)
  local path = table_of(datasets.parse_for(datasets.known_of(net), opt.data), opt.part)
  if path then return tell(as_batch(net, path, opt.data, "csv")) end
  local d = datasets.open_for(net, opt[1], opt.data, opt.part)
  local before = 0
  for x in d:batches { size = 100 } do
    tell(x, function(n) return d:place(before + n) or "sample " .. before + n end)
    before = before + x:size(1)
  end
end

function command.run(opt)
  local net = core.commands.open_trained(opt[1])
  if #opt == 1 and opt.data == "" then
    core.commands.usage_error(command, "nothing to predict: give files, or --data=DATA")
  end
  core.commands.check_count("top", opt.top)
  check_files(opt)
  local tell = teller(net, opt)
  if #opt == 1 then return tell_data(net, opt, tell) end
  for i = 2, #opt do tell(as_batch(net, opt[i], opt.data)) end
end

return command
