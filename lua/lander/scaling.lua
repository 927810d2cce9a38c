-- scaling.lua: nets learn from numbers around 0 whose deviation is about 1. d:normalize makes such
-- numbers of any, hints.lua says where they are missing, and what was taken out is kept with the
-- net, as is what else `lander predict` must know of the data.
local lander = ...
local core = lander.core

-- ---- how numbers are grouped: each column of a row, or the channels of a picture ----

-- { groups, numbers of a sample in each } of samples of this size.
local function grouped(size)
  if #size >= 3 then return { size[1], core.product(size, 2) } end
  return { core.product(size, 1), 1 }
end

local function in_groups(t, by)
  return t:contiguous():view(t:size(1), by[1], by[2])
end

-- ---- mean and deviation ----

-- Sums over the first and last size, on the side of double: a list of one number for each group.
local function add_up(sums, t)
  local row = t:sum(3):sum(1)
  for i = 1, row:numel() do sums[i] = (sums[i] or 0) + row[i] end
end

-- What the numbers of a batch are divided by, group by group, so that their squares are no larger
-- than a float: a power of two, which costs no digit.
local function units_of(t)
  local units = t:abs():max(3, true):max(1, true)
  for i = 1, units:size(2) do
    local most = units[1][i][1]
    units:set(most > 0 and 2.0 ^ math.floor(math.log(most, 2)) or 1, 1, i, 1)
  end
  return units
end

-- Of what a function that is called again and again returns, a batch or nil -> mean, std: lists
-- of a number for each group. Differences from the first sample are summed, as the mean may be far
-- from 0. What is not finite is left out: the training names it.
local function measure(next_batch, by)
  local origin, unit, sums, squares, counts = nil, nil, {}, {}, {}
  for t in next_batch do
    t = in_groups(t, by)
    local finite = t:isfinite()
    t = lander.where(finite, t, 0)
    unit = unit or units_of(t)
    t = t / unit
    origin = origin or t:narrow(1, 1, 1):narrow(3, 1, 1):clone()
    local off = (t - origin) * finite
    add_up(sums, off)
    add_up(squares, off * off)
    add_up(counts, finite)
  end
  local mean, std = {}, {}
  for i = 1, by[1] do
    local count = math.max(counts[i], 1)
    local off, by_unit = sums[i] / count, unit[1][i][1]
    mean[i] = (origin[1][i][1] + off) * by_unit
    std[i] = math.sqrt(math.max(squares[i] / count - off * off, 0)) * by_unit
  end
  return mean, std
end

-- Mean and deviation of one batch of samples of this size, by group.
function core.mean_and_deviation(t, size)
  local done
  return measure(function()
    local now = not done and t or nil
    done = true
    return now
  end, grouped(size))
end

-- A function that gives x (1) or y (2) of the next batch.
local function part_of(batches, which)
  return function() return (select(which, batches:next())) end
end

local function batches_of(d)
  return d:batches { size = math.min(#d, 1000) }
end

-- What is taken out of these data, and divided by: { mean =, std = }, and y_mean and y_std where
-- y holds numbers. A column that is always the same is divided by 1.
local function numbers_of(d)
  local numbers = {}
  numbers.mean, numbers.std = measure(part_of(batches_of(d), 1), grouped(d:shape()))
  if d.classes == 0 then
    numbers.y_mean, numbers.y_std = measure(part_of(batches_of(d), 2), grouped(d:target_shape()))
  end
  for _, std in ipairs { numbers.std, numbers.y_std } do
    for i, value in ipairs(std) do std[i] = value > 0 and value or 1.0 end
  end
  return numbers
end

-- ---- taking it out, and putting it back ----

local function as_row(list)
  return lander.tensor(list):view(1, #list, 1)
end

-- (t - mean) / std of a batch t, of samples of any shape with as many groups.
function core.normalized(t, mean, std)
  local by = { #mean, t:numel() // t:size(1) // #mean }
  return ((in_groups(t, by) - as_row(mean)) / as_row(std)):view(table.unpack(t:size()))
end

-- The other way: t * std + mean.
function core.denormalized(t, mean, std)
  local by = { #mean, t:numel() // t:size(1) // #mean }
  return (in_groups(t, by) * as_row(std) + as_row(mean)):view(table.unpack(t:size()))
end

-- Datasets that were normalised -> by which numbers; and what else is known of them.
local about = setmetatable({}, { __mode = "k" })

-- What is known of a dataset: { data = (a word of the command line), normalize = numbers,
-- first_label = (what the first class is in the file) }.
function core.about_data(d)
  about[d] = about[d] or {}
  return about[d]
end

local methods = core.dataset_metatable.__methods

-- The engine's own methods, called from here, don't know what they are called.
local function named(name, make)
  return function(...)
    local results = table.pack(pcall(make, ...))
    if results[1] then return table.unpack(results, 2, results.n) end
    error((core.plain_message(results[2]):gsub("bad argument #(%d+) to '%?'", function(at)
      return ("bad argument #%d to '%s'"):format(at - 1, name)
    end)), 0)
  end
end

-- What is known of a dataset is known of its parts.
local function with_knowledge(name)
  local make = named(name, methods[name])
  return function(d, ...)
    local parts = table.pack(core.at_user(make, d, ...))
    for _, part in ipairs(about[d] and parts or {}) do
      for key, value in pairs(about[d]) do core.about_data(part)[key] = value end
    end
    return table.unpack(parts, 1, parts.n)
  end
end

for _, name in ipairs { "subset", "split", "shuffle" } do
  methods[name] = with_knowledge(name)
end

local function check_numbers(d, numbers)
  if type(numbers) ~= "table" or type(numbers.mean) ~= "table" or type(numbers.std) ~= "table" then
    error("normalize: the numbers are those that d:normalize() returned behind the dataset", 0)
  end
  local by = grouped(d:shape())
  if #numbers.mean ~= by[1] or #numbers.std ~= by[1] then
    error(("normalize: the numbers are for %d columns, the data have %d"):format(#numbers.mean,
      by[1]), 0)
  end
end

-- What the columns of x are called, by the table's header. nil where a name could be taken for a
-- number or for two.
local function columns_of(d)
  local names, seen = d:columns(), {}
  for _, name in ipairs(names or {}) do
    local plain = name:find "^%S" and name:find "%S$" and not name:find "[,:]"
    if not plain or tonumber(name) or seen[name] then return nil end
    seen[name] = true
  end
  return names
end

local function normalize(d, numbers)
  if #d == 0 then error("normalize: there are no samples", 0) end
  if numbers == nil then numbers = numbers_of(d) end
  check_numbers(d, numbers)
  local x = lander.zeros(#d, table.unpack(d:shape()))
  local y = lander.zeros(#d, table.unpack(d:target_shape()))
  local at = 1
  for bx, by in batches_of(d) do
    x:narrow(1, at, bx:size(1)):copy_(core.normalized(bx, numbers.mean, numbers.std))
    if numbers.y_mean and d.classes == 0 then
      by = core.normalized(by, numbers.y_mean, numbers.y_std)
    end
    y:narrow(1, at, bx:size(1)):copy_(by)
    at = at + bx:size(1)
  end
  local made, message = core.own_tensors(x, y, d.classes > 0 and d or nil)
  if not made then error(message, 0) end
  core.take_places(made, d, true)
  core.about_data(made).normalize = numbers
  return made, numbers
end

--- d:normalize([numbers]): a dataset, in memory, from whose x the mean is taken out, and which is
--- divided by the deviation: of each column of a row, of each channel of a picture; where y holds
--- numbers, from y too. Returns these numbers as well: the test set's have to be the training
--- set's.
function methods.normalize(d, numbers)
  local made, by
  core.at_user(function() made, by = normalize(d, numbers) end)
  return made, by
end

-- ---- what a net knows of the data that it was trained on ----

-- Writes it into the net's note, unless a script has put a text of its own there. crop: whether it
-- is trained on parts of pictures.
function core.note_data(net, d, crop)
  local known, names, columns = core.about_data(d), d:class_names(), columns_of(d)
  if net:note() and not core.noted_data(net) then return end
  local targets, first = d:targets(), known.first_label
  if not (known.data or known.normalize or names or columns or targets or first or crop) then
    return net:note(nil)
  end
  net:note(core.json({ lander = 1, data = known.data, normalize = known.normalize,
    class_names = names, first_label = first, columns = columns, targets = targets, crop = crop },
    true))
end

-- The middle of a picture, of this size, as a test has it of a net that was trained on parts.
function core.middle(x, size)
  for i = 0, 1 do
    local all, part = x:size(-1 - i), size[#size - i]
    if all > part then x = x:narrow(-1 - i, (all - part) // 2 + 1, part) end
  end
  return x
end

-- What a training has noted: { data =, normalize =, class_names =, first_label =, columns =,
-- targets =, crop = }, or nil.
function core.noted_data(net)
  local ok, note = pcall(core.read_json, net:note() or "")
  return ok and type(note) == "table" and note.lander == 1 and note or nil
end
