-- chance.lua: the chance level: the loss of the best answer that doesn't look at its input. Rules
-- R4b and R5 compare with it. A net knows it where all classes are as frequent; where they are
-- not, and for targets that are numbers, it is a matter of the data.
local lander = ...
local core = lander.core

-- How many samples of the data are looked at: as many as hold ten million numbers.
local function enough(data)
  local size = 1
  for _, n in ipairs(data:shape()) do size = size * n end
  return math.min(math.max(10000000 // size, 1000), 10000)
end

-- How often each label occurs, a list in the order in which they are met (a sum has the same bits
-- every time), and how many there are; nil where they are no labels.
local function count_labels(batches, most)
  local counts, places, count = {}, {}, 0
  for _, y in batches do
    y = y:contiguous():view(-1)
    for i = 1, y:numel() do
      local label = y[i]
      if not (label >= 1 and label == label // 1) then return nil end
      if not places[label] then
        places[label], counts[#counts + 1] = #counts + 1, 0
      end
      counts[places[label]], count = counts[places[label]] + 1, count + 1
    end
    if batches:position() >= most then break end
  end
  return counts, count
end

-- Of softmax_loss and nll_loss: the entropy of the labels.
local function entropy(batches, most)
  local counts, count = count_labels(batches, most)
  if not counts then return nil end
  local sum = 0
  for _, n in ipairs(counts) do sum = sum - n / count * math.log(n / count) end
  return sum
end

-- Of mse_loss: half the variance, summed over the numbers of a target. Sums are taken from one
-- of the targets on: theirs may be far from zero.
local function half_variance(batches, most)
  local origin, sum, squares, count = nil, 0, 0, 0
  for _, y in batches do
    y = y:contiguous():view(y:size(1), -1)
    origin = origin or y:select(1, 1):clone()
    local off = y - origin
    sum, squares = off:sum(1) + sum, squares + (off * off):sum()
    count = count + y:size(1)
    if batches:position() >= most then break end
  end
  local mean = sum / count
  return (squares / count - (mean * mean):sum()) / 2
end

local of_the_data = { softmax_loss = entropy, nll_loss = entropy, mse_loss = half_variance }

-- What is measured for a net with one loss, without options, against the label.
local function measure_of(net)
  local found, losses = nil, 0
  for line in net:text():gmatch "[^\n]+" do
    local name = line:match "^%S+ = (%S+_loss) "
    if name then
      losses = losses + 1
      local target = line:match "^%S+ = %S+ %(%S+, (%S+)%)%s*$"
      found = target and (net:text():find("\n" .. target .. " = label (", 1, true))
        and of_the_data[name]
    end
  end
  return losses == 1 and found or nil
end

-- What the data say; nil where nothing was measured. Data that can't be read are told of where
-- they are trained on.
local function measured(net, data, batch_size)
  local measure = measure_of(net)
  if not measure then return nil end
  local batches <close> = data:batches { size = batch_size, shuffle = true, seed = 1, reuse = true }
  local read, chance = pcall(measure, batches, enough(data))
  return read and chance and core.is_finite(chance) and chance > 0 and chance or nil
end

-- The chance level of a net on a dataset: as the data have it, else as the net has it; nil where
-- neither is known.
function core.chance(net, data, batch_size)
  return measured(net, data, batch_size) or net:chance()
end
