-- measure.lua: the net on a dataset, and what is wrong with a batch of data.
local lander = ...
local core = lander.core

-- The number of classes, when it is a matter of classes: of the net's scores.
function core.count_classes(net)
  local size
  local classified = false
  for _, info in ipairs(net:layers()) do
    if info.name == net:output_name() then size = info.size end
    classified = classified or info.type == "softmax_loss"
  end
  return classified and #size == 1 and size[1] or nil
end

local takes_classes = { softmax_loss = true, nll_loss = true, hinge_loss = true }

-- What labels may be, of a net whose loss takes classes: how many there are (nil: no such loss),
-- and the set of those that do not count.
local function label_rules(net)
  for line in net:text():gmatch "[^\n]+" do
    local type, scores, options = line:match "^%S+ = (%S+) %(([^,)]+)[^)]*%)(.*)"
    if takes_classes[type] then
      local ignored = {}
      for label in (options:match "ignore_label=(%S+)" or ""):gmatch "[^,]+" do
        ignored[tonumber(label)] = true
      end
      for _, info in ipairs(net:layers()) do
        if info.name == scores then return info.size[1], ignored end
      end
    end
  end
end

-- The first label that is none -> its sample (of the batch), its value, how many classes there are.
local function find_bad_label(net, y)
  local classes, ignored = label_rules(net)
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

-- What is wrong with the batch x, y, as words, or nil: a lower rate does not cure bad data.
-- Also as a table { sample =, field =, value =, expected = }. `raised`: the pass itself has failed
-- with an error, as a loss does whose labels are out of range.
function core.batch_fault(t, batches, x, y, raised)
  local samples = batches:samples()
  local function first(bad)
    for i = 1, bad:size(1) do
      if bad:select(1, i):max() > 0 then return i end
    end
  end
  -- Its value, and the place of that in the sample.
  local function not_finite(part, bad, what)
    local i = first(bad)
    local sample = part:select(1, i)
    if sample:dim() == 0 or sample:numel() == 1 then
      local value = sample:max()
      if value == value then value = sample:min() end
      return ("sample %d: the %s is %s"):format(samples[i], what, core.number_text(value)),
        { sample = samples[i], field = what, value = value, expected = "a finite number" }
    end
    sample = sample:contiguous():view(-1)
    local field = sample:isfinite():argmin()
    return ("sample %d: value %d of the %s is %s"):format(samples[i], field, what,
      core.number_text(sample[field])),
      { sample = samples[i], field = ("%s[%d]"):format(what, field), value = sample[field],
        expected = "a finite number" }
  end
  local bad = x:isfinite():eq(0)
  if bad:max() > 0 then return not_finite(x, bad, "input") end
  bad = y:isfinite():eq(0)
  if bad:max() > 0 then return not_finite(y, bad, "label") end
  if not raised then return end
  local i, label, classes = find_bad_label(t.net, y)
  if not i then return end
  local expected = ("a class from 1 to %d"):format(classes)
  return ("sample %d: label %s, expected %s"):format(samples[i], core.number_text(label), expected),
    { sample = samples[i], field = "label", value = label, expected = expected }
end

-- Hits of a batch: the place of the largest score of each sample beside its class.
local function count_hits(scores, target)
  return scores:argmax(2):eq(target):sum()
end

-- The loss of one batch; nil and how the training ends with it where there is none.
local function batch_loss(t, batches, x, y)
  local ok, loss = pcall(t.net.loss, t.net, x, y)
  if ok and core.is_finite(loss) then return loss end
  local fault, detail = core.batch_fault(t, batches, x, y, not ok)
  if fault then
    return nil, { status = "data_fault", message = "in the test data, " .. fault, fault = detail }
  elseif not ok then
    error(loss, 0)
  end
  return loss
end

local function measure(t)
  local net, loss, hits, count = t.net, 0, 0, 0
  local output = net[net:output_name()]
  local batches = t.test_data:batches {
    size = t.batch_size, reuse = true, augment = t.augment, phase = "test",
  }
  local left = t.test_batches or math.huge
  for x, y in batches do
    if core.stopped() then return nil, { status = "stopped", reason = "signal" } end
    local n = x:size(1)
    local value, ends = batch_loss(t, batches, x, y)
    if not value then return nil, ends end
    loss = loss + value * n
    if t.classes then hits = hits + count_hits(output.output, y) end
    count = count + n
    left = left - 1
    if left == 0 then break end
  end
  return loss / count, t.classes and hits / count or nil
end

-- The mean loss over the test data, and the share of samples whose class is right. Batches
-- weigh what they hold, so the short one at the end counts right. nil and how the training
-- ends with it when there is no result. The net comes out of the test phase in any case.
function core.measure(t)
  local training = t.net:phase() == "train"
  t.net:test_phase()
  local ok, loss, more = pcall(measure, t)
  if training then t.net:train_phase() end
  if ok then return loss, more end
  if core.stopped() then return nil, { status = "stopped", reason = "signal" } end
  error(core.plain_message(loss), 0)
end

-- lander.test(net, data[, { batch_size = 100 }]) -> { loss =, accuracy =, samples = }: the mean
-- loss of a net with a loss over a dataset, and the share of samples whose class is right (nil
-- where it is no matter of classes). Bad data is an error that names the sample.
function lander.test(net, data, options)
  local result = core.at_user(function()
    local wrong = core.check_options("lander.test", options or {}, { batch_size = "integer" })
    if wrong then error(wrong, 0) end
    if getmetatable(net) ~= core.net_metatable or getmetatable(data) ~= core.dataset_metatable then
      error("lander.test takes a net and a dataset", 0)
    end
    core.ensure_loss(net)
    local loss, more = core.measure { net = net, test_data = data,
      classes = core.count_classes(net), batch_size = options and options.batch_size or 100 }
    if not loss then error(more.message or more.status, 0) end
    return { loss = loss, accuracy = more, samples = #data }
  end)
  return result
end

-- The loss of five batches before any update: what the rules of the monitor compare with.
function core.measure_start(t)
  local losses = {}
  for i = 1, 5 do
    local read, x, y = pcall(t.batches.next, t.batches)
    local ok, loss
    if read then ok, loss = pcall(t.net.loss, t.net, x, y) end
    if read and not ok and not core.batch_fault(t, t.batches, x, y, true) then error(loss, 0) end
    -- What is wrong with the data shows again in the first step, and is told there.
    losses[i] = ok and loss or 0 / 0
  end
  return losses
end
