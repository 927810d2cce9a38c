-- faults.lua: what is wrong with a batch of data: numbers that are not finite, or whose squares are
-- not, and labels that are no class; each with its sample, and the place where that was read.
local lander = ...
local core = lander.core

local takes_classes = { softmax_loss = true, nll_loss = true, hinge_loss = true }

local function ignored_labels(options)
  local ignored = {}
  for label in (options:match "ignore_label=(%S+)" or ""):gmatch "[^,]+" do
    ignored[tonumber(label)] = true
  end
  return ignored
end

-- The loss of a net that takes classes (`type`: only one of that type): { scores = the layer that
-- it reads, size = of that, ignored = the set of labels that do not count }. Of several, the one
-- that reads the net's output, else the last. nil: there is none.
function core.class_loss(net, type)
  local found
  for line in net:text():gmatch "[^\n]+" do
    local kind, scores, options = line:match "^%S+ = (%S+) %(([^,)]+)[^)]*%)(.*)"
    for _, info in ipairs(takes_classes[kind] and (type or kind) == kind and net:layers() or {}) do
      if info.name == scores and not (found and found.scores == net:output_name()) then
        found = { scores = scores, size = info.size, ignored = ignored_labels(options) }
      end
    end
  end
  return found
end

-- The first label that is none -> its sample (of the batch), its value, how many classes there are.
local function find_bad_label(net, y)
  local loss = core.class_loss(net)
  local classes, ignored = loss and loss.size[1], loss and loss.ignored
  for i = 1, classes and y:size(1) or 0 do
    local labels = y:select(1, i)
    for _, label in ipairs(labels:dim() == 0 and { labels:max() }
      or labels:contiguous():view(-1):totable()) do
      if (label < 1 or label > classes or label % 1 ~= 0) and not ignored[label] then
        return i, label, classes
      end
    end
  end
end

-- The sample of a batch by its number in the data, and where it was read: "sample 32 (houses.csv,
-- line 10)".
local function sample_text(d, number)
  local place = d:place(number)
  return ("sample %d%s"):format(number, place and (" (%s)"):format(place) or ""), place
end

-- The first number of a part (x or y of a batch) for which `bad` is 1 -> its sample of the batch,
-- its place in that, its value; nil: there is none.
local function find_first(part, bad)
  if bad:max() == 0 then return nil end
  local n = part:size(1)
  bad, part = bad:contiguous():view(n, -1), part:contiguous():view(n, -1)
  local i = math.tointeger(bad:max(2):argmax())
  local field = math.tointeger(bad[i]:argmax())
  return i, field, part[i][field], bad:size(2)
end

-- A number of an input, a label or a target: by its column's name, where it has one.
local function number_name(d, what, field, count)
  local names, target_names = d:columns(), d:targets()
  if what ~= "input" and target_names then
    return core.column_text("target", target_names, field, count)
  elseif what == "input" and names and #d:shape() < 3 then
    return core.column_text(what, names, field, count)
  end
  return count == 1 and what or ("value %d of the %s"):format(field, what)
end

-- A fault of a number, in words and as a table.
local function number_fault(at, what, i, field, value, count, expected)
  local number = at.batches:samples()[i]
  local sample, place = sample_text(at.data, number)
  local said = number_name(at.data, what, field, count)
  return ("%s: %s%s is %s"):format(sample, said:find "^value" and "" or "the ", said,
      core.number_text(value)),
    { sample = number, place = place, value = value, expected = expected,
      field = count == 1 and what or ("%s[%d]"):format(what, field) }
end

-- Beyond it the square of a number, of which some are added up, is not finite.
local TOO_LARGE = lander.config().real == "double" and 1e150 or 1e18

local function takes_squares(net)
  for _, info in ipairs(net:layers()) do
    if info.type == "mse_loss" then return true end
  end
end

local function too_large(net, at, x, y)
  if not takes_squares(net) then return nil end
  for _, part in ipairs { { y, "target" }, { x, "input" } } do
    local i, field, value, count = find_first(part[1], part[1]:abs():gt(TOO_LARGE))
    if i then
      local said, detail = number_fault(at, part[2], i, field, value, count,
        "a number whose square is finite")
      return ("%s, too large for its square to be a number: it is the scale of the data, not the "
        .. "net; %s"):format(said, core.normalize_advice()), detail
    end
  end
end

-- What is wrong with the batch x, y of at.batches, which are made of at.data, as words, or nil: a
-- lower rate does not cure bad data. Also as a table { sample =, place =, field =, value =,
-- expected = }. `raised`: the pass itself has failed with an error, as a loss does whose labels are
-- out of range.
function core.batch_fault(t, at, x, y, raised)
  for _, part in ipairs { { x, "input" }, { y, "label" } } do
    local i, field, value, count = find_first(part[1], part[1]:isfinite():eq(0))
    if i then
      local said, detail = number_fault(at, part[2], i, field, value, count, "a finite number")
      return said .. (detail.place and "; fill it in, or leave that line out" or ""), detail
    end
  end
  local said, detail = too_large(t.net, at, x, y)
  if said then return said, detail end
  if not raised then return end
  local i, label, classes = find_bad_label(t.net, y)
  if not i then return end
  local number = at.batches:samples()[i]
  local sample, place = sample_text(at.data, number)
  local expected = ("a class from 1 to %d"):format(classes)
  return ("%s: label %s, expected %s"):format(sample, core.number_text(label), expected),
    { sample = number, place = place, field = "label", value = label, expected = expected }
end
