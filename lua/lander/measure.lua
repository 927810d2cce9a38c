-- measure.lua: the net on a dataset.
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

-- Hits of a batch: the place of the largest score of each sample beside its class.
local function count_hits(scores, target)
  return scores:argmax(2):eq(target):sum()
end

-- The loss of one batch; nil and how the training ends with it where there is none.
local function batch_loss(t, batches, x, y)
  local ok, loss = pcall(t.net.loss, t.net, x, y)
  if ok and core.is_finite(loss) then return loss end
  local fault, detail = core.batch_fault(t, { data = t.test_data, batches = batches }, x, y, not ok)
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
  local regression = core.new_regression(net, t.test_data)
  local left = t.test_batches or math.huge
  for x, y in batches do
    if core.stopped() then return nil, { status = "stopped", reason = "signal" } end
    local n = x:size(1)
    local value, ends = batch_loss(t, batches, x, y)
    if not value then return nil, ends end
    loss = loss + value * n
    if t.classes then hits = hits + count_hits(output.output, y) end
    if regression then regression:add(output.output, y) end
    count = count + n
    left = left - 1
    if left == 0 then break end
  end
  return loss / count, t.classes and hits / count or nil, regression and regression:result()
end

-- The mean loss over the test data, the share of samples whose class is right (nil where there are
-- no classes), and how far off numbers are (nil where there are none; see regression.lua). Batches
-- weigh what they hold, so the short one at the end counts right. nil and how the training ends
-- with it when there is no result. The net comes out of the test phase in any case.
function core.measure(t)
  local training = t.net:phase() == "train"
  t.net:test_phase()
  local ok, loss, more, regression = pcall(measure, t)
  if training then t.net:train_phase() end
  if ok then return loss, more, regression end
  if core.stopped() then return nil, { status = "stopped", reason = "signal" } end
  error(core.plain_message(loss), 0)
end

-- lander.test(net, data[, { batch_size = 100 }]) -> { loss =, accuracy =, samples =,
-- regression = }: the mean loss of a net with a loss over a dataset, and the share of samples whose
-- class is right (nil where it is no matter of classes). Of numbers, regression is { mae =, r2 =,
-- columns = }, in the units that they had before d:normalize(). Bad data is an error that names the
-- sample.
function lander.test(net, data, options)
  local result = core.at_user(function()
    local wrong = core.check_options("lander.test", options or {}, { batch_size = "integer" })
    if wrong then error(wrong, 0) end
    if getmetatable(net) ~= core.net_metatable or getmetatable(data) ~= core.dataset_metatable then
      error("lander.test takes a net and a dataset", 0)
    end
    core.ensure_loss(net)
    local loss, more, regression = core.measure { net = net, test_data = data,
      classes = core.count_classes(net), batch_size = options and options.batch_size or 100 }
    if not loss then error(more.message or more.status, 0) end
    return { loss = loss, accuracy = more, regression = regression, samples = #data }
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
    if read and not ok and not core.batch_fault(t, t, x, y, true) then error(loss, 0) end
    -- What is wrong with the data shows again in the first step, and is told there.
    losses[i] = ok and loss or 0 / 0
  end
  return losses
end
