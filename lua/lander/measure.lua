-- measure.lua: the net on a dataset.
local lander = ...
local core = lander.core

-- The number of classes, when it is a matter of classes: of the scores that softmax_loss reads.
function core.count_classes(net)
  local loss = core.class_loss(net, "softmax_loss")
  return loss and #loss.size == 1 and loss.size[1] or nil
end

-- The loss of a net that has none, where nothing else is asked for: of classes, softmax_loss;
-- where a target is as many numbers as the net gives out, mse_loss.
function core.loss_for(net, data)
  local output
  for _, info in ipairs(net:layers()) do
    if info.name == net:output_name() then output = info end
  end
  local same = core.product(output.size) == core.product(data:target_shape())
  return data.classes == 0 and same and "mse_loss" or "softmax_loss"
end

-- 1 for each label of a batch that counts, 0 for those that the loss ignores.
local function labels_that_count(ignored, target)
  local counted = target:mul(0):add(1)
  for label in pairs(ignored) do counted = counted * target:ne(label) end
  return counted
end

-- Hits of a batch: the place of the largest score of each sample beside its class. Where a score is
-- no number there is no largest.
local function count_hits(scores, target, counted)
  return (scores:argmax(2):eq(target) * scores:isfinite():min(2) * counted):sum()
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
  local net, loss, hits, weight, count = t.net, 0, 0, 0, 0
  local output, of_classes = net[net:output_name()], core.class_loss(net)
  local scored = t.classes and core.class_loss(net, "softmax_loss")
  local batches = t.test_data:batches {
    size = t.batch_size, reuse = true, augment = t.augment, phase = "test",
  }
  local regression = core.new_regression(net, t.test_data)
  local left = t.test_batches or math.huge
  for x, y in batches do
    if core.stopped() then return nil, { status = "stopped", reason = "signal" } end
    local value, ends = batch_loss(t, batches, x, y)
    if not value then return nil, ends end
    local n = of_classes and next(of_classes.ignored)
      and labels_that_count(of_classes.ignored, y):sum() or x:size(1)
    loss, weight = loss + value * n, weight + n
    if scored then
      local counted = labels_that_count(scored.ignored, y)
      hits = hits + count_hits(net[scored.scores].output, y, counted)
      count = count + counted:sum()
    end
    if regression then regression:add(output.output, y) end
    left = left - 1
    if left == 0 then break end
  end
  return loss / math.max(weight, 1), scored and hits / math.max(count, 1) or nil,
    regression and regression:result()
end

-- The mean loss over the test data, the share of samples whose class is right (nil where there are
-- no classes), and how far off numbers are (nil where there are none; see regression.lua). Batches
-- weigh what they hold, so the short one at the end counts right, and labels that the loss ignores
-- count neither there nor as hits. nil and how the training ends
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

-- The net, or where it has no loss a copy that has the one that a training on these data would
-- choose: a look at a net leaves it as it is.
function core.with_loss(net, data)
  if net:has_loss() then return net end
  local copy = net:clone()
  core.ensure_loss(copy, core.loss_for(net, data))
  return copy
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
    net = core.with_loss(net, data)
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
