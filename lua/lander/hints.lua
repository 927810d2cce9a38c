-- hints.lua: what is said of the data at the head of a run, before a training is spent on it:
-- numbers that are far from 1, a target that looks like labels, data without anything to learn.
-- All of it is judged by a few hundred samples.
local lander = ...
local core = lander.core

local SAMPLES = 256
local FAR = 30   -- a mean or deviation beyond it is said
local LABELS = 10 -- of more the target is not taken for labels

-- A column as people know it: by its name, else by its number where there are several.
local function column_text(what, names, i, count)
  if names and names[i] and names[i] ~= "" then
    return ("%s '%s'"):format(what, core.harmless_word(names[i]))
  end
  return count == 1 and what or ("%s %d"):format(what, i)
end

core.column_text = column_text

-- ---- the scale ----

-- Whether the numbers of x are places in a table, which no one scales.
local function are_symbols(net)
  for _, info in ipairs(net:layers()) do
    if info.type == "embedding" then return true end
  end
end

local function far_one(mean, std)
  local worst, at = FAR, nil
  for i = 1, #mean do
    local size = math.max(math.abs(mean[i]), std[i])
    if size > worst and core.is_finite(size) then worst, at = size, i end
  end
  return at
end

local function far_text(what, names, t, size)
  local mean, std = core.mean_and_deviation(t, size)
  local at = far_one(mean, std)
  return at and ("%s has mean %s and deviation %s"):format(column_text(what, names, at, #mean),
    core.number_text(mean[at]), core.number_text(std[at]))
end

-- What the command line, or a script, is told to do.
local function either(word, script)
  return core.running_command == "train" and ("add %s to --data"):format(word) or script
end

-- How the scale of the data is put right, as the words of a command or of a script.
function core.normalize_advice()
  return either(",normalize=true", "d:normalize() takes both out (doc/data.md)")
end

local function scaling_text(d, x, y)
  local names, target_names = d:columns(), d:targets()
  local picture = #d:shape() >= 3
  local said = {}
  said[1] = far_text(picture and "channel" or "input", not picture and names or nil, x, d:shape())
  said[#said + 1] = d.classes == 0 and far_text("target", target_names, y, d:target_shape()) or nil
  if #said == 0 then return nil end
  return ("%s: nets learn badly from numbers so far from 1; %s"):format(table.concat(said, ", "),
    core.normalize_advice())
end

-- ---- the target ----

-- A number that is whole but for what normalising and its way back have left; nil: it is not.
local function whole(value)
  if value ~= value or math.abs(value) > 1e6 then return nil end
  local nearest = math.floor(value + 0.5)
  return math.abs(value - nearest) < 1e-4 * math.max(math.abs(value), 1) and nearest or nil
end

-- The lowest and highest of whole numbers, and how many different ones there are; nil where they
-- are more than labels would be.
local function whole_range(y)
  local low, high, seen, count = math.huge, -math.huge, {}, 0
  for i = 1, y:numel() do
    local value = whole(y[i])
    if not value then return nil end
    if not seen[value] then seen[value], count = true, count + 1 end
    low, high = math.min(low, value), math.max(high, value)
    if high - low >= LABELS then return nil end
  end
  return low, high, count
end

local function list_text(low, high)
  return high == low + 1 and ("%d or %d"):format(low, high)
    or ("a whole number from %d to %d"):format(low, high)
end

-- A target of numbers: is it one of labels?
local function numbers_text(d, y)
  local target, by = column_text("target", d:targets(), 1, 1), core.about_data(d).normalize
  if by then y = core.denormalized(y:view(-1, 1), by.y_mean, by.y_std):view(-1) end
  local low, high, count = whole_range(y)
  if not low then return nil end
  if count == 1 then
    return ("the %s is %d in all of %d samples: there is nothing to learn"):format(target, low,
      y:numel())
  end
  local classes = high - low + 1
  return ("the %s is %s in %d samples; if these are classes and no amounts, %s"):format(target,
    list_text(low, high), y:numel(), either(
      (",classes=%d%s"):format(classes, low ~= 0 and (",first=%d"):format(low) or ""),
      ("classes = %d%s where the data are read makes labels of them"):format(classes,
        low ~= 0 and (", first = %d"):format(low) or "")))
end

-- A target of classes: is there something to tell apart?
local function classes_text(d, y)
  local names = d:class_names() or {}
  local low, high, count = whole_range(y)
  if count == 1 and low == high then
    return ("all of %d samples are of one class, %s: there is nothing to tell apart"):format(
      y:numel(), names[low] and ("'%s'"):format(core.harmless_word(names[low])) or "number " .. low)
  elseif names[1] and d.classes > LABELS and 2 * d.classes > #d then
    local target = d:targets()
    return ("%s samples are of %s classes, such as '%s' and '%s'%s"):format(core.count_text(#d),
      core.count_text(d.classes), core.harmless_word(names[1]), core.harmless_word(names[2]), target
        and (": is '%s' the column that you meant?"):format(core.harmless_word(target[1])) or "")
  end
end

-- ---- all of it ----

-- What is to be said of the data at the head of a training, a list of texts. `unasked`: nobody
-- has said that the targets are numbers. Data that can't be read are
-- told of where they are trained on.
function core.data_hints(net, d, unasked)
  local read, x, y = pcall(function()
    return d:batches({ size = math.min(#d, SAMPLES), shuffle = true, seed = 1 }):next()
  end)
  if not (read and x) then return {} end
  local hints = {}
  hints[1] = not are_symbols(net) and scaling_text(d, x, y) or nil
  if d.classes > 0 and #d:target_shape() == 0 then
    hints[#hints + 1] = classes_text(d, y)
  elseif d.classes == 0 and unasked and y:numel() == y:size(1) then
    hints[#hints + 1] = numbers_text(d, y:contiguous():view(-1))
  end
  return hints
end
