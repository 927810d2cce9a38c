-- time.lua: lander.time: where the time of a training step goes, layer by layer.
local lander = ...
local core = lander.core

-- Inputs that are numbers of something, or a mask of zeros and ones: made of ones.
local function takes_ones(net)
  local found = {}
  for _, info in ipairs(net:layers()) do
    if info.type == "label" or info.type == "embedding" then
      found[info.type == "label" and info.name or info.inputs[1]] = true
    end
    for i = 2, #info.inputs do found[info.inputs[i]] = true end
  end
  return found
end

local function make_inputs(net, batch)
  local ones, data, labels = takes_ones(net), {}, {}
  for _, info in ipairs(net:layers()) do
    if info.type == "input" or info.type == "label" then
      local list = info.type == "label" and labels or data
      local new = ones[info.name] and lander.ones or lander.randn
      list[#list + 1] = new(batch, table.unpack(info.size))
    end
  end
  return table.move(labels, 1, #labels, #data + 1, data)
end

-- Which layers give a gradient to what is before them: all but those behind inputs alone.
local function passes_on(layers)
  local needs, result = {}, {}
  for _, info in ipairs(layers) do
    for _, input in ipairs(info.inputs) do result[info.name] = result[info.name] or needs[input] end
    needs[info.name] = info.parameters > 0 or result[info.name]
  end
  return result
end

local function bytes_of(info, batch)
  local count = info.batched and batch or 1
  for _, n in ipairs(info.size) do count = count * n end
  return count * (lander.config().real == "double" and 8 or 4)
end

-- A pass backward has a product for the weights, and another for the input's gradient.
local function operations(info, batch, passes)
  local products = 1 + (info.parameters > 0 and 1 or 0) + (passes and 1 or 0)
  return 2 * info.multiply_adds * batch * products
end

local function text(report)
  local rows = { { "layer", "type", "forward ms", "backward ms", "share", "GFLOP/s", "bytes" } }
  for _, row in ipairs(report.layers) do
    rows[#rows + 1] = { row.name, row.type, ("%.3f"):format(row.forward * 1000),
      ("%.3f"):format(row.backward * 1000), ("%.1f %%"):format(100 * row.share),
      row.operations > 0 and ("%.1f"):format(row.operations / row.total * 1e-9) or "",
      core.count_text(row.bytes) }
  end
  rows[#rows + 1] = { "total", "", ("%.3f"):format(report.forward * 1000),
    ("%.3f"):format(report.backward * 1000), "", "", "" }
  local lines = core.columns(rows, { [3] = true, [4] = true, [5] = true, [6] = true, [7] = true })
  lines[#lines + 1] = ("medians of %d passes, batch %d, %d threads; bytes: the output"):format(
    report.passes, report.batch, lander.threads())
  return table.concat(lines, "\n")
end

-- The times of one pass, by layer: { { forward, backward }, ... }
local function one_pass(net, inputs, dy)
  net:time(true)
  net:forward(table.unpack(inputs))
  net:backward(dy)
  net:time(false)
  local times = {}
  for i, info in ipairs(net:layers()) do times[i] = { info.forward_time, info.backward_time } end
  return times
end

local function median(passes, layer, which)
  local values = {}
  for i, times in ipairs(passes) do values[i] = times[layer][which] end
  table.sort(values)
  return values[(#values + 1) // 2]
end

local function measure(net, inputs, seconds)
  net:forward(table.unpack(inputs)) -- what it allocates does not count
  local dy
  if not net:has_loss() then dy = net[net:output_name()].output:clone() end
  net:backward(dy)
  local passes, finish = {}, core.clock() + seconds
  repeat passes[#passes + 1] = one_pass(net, inputs, dy) until #passes >= 5
    and (core.clock() > finish or #passes >= 100)
  return passes
end

core.topics.time = [==[
lander.time(net[, batch[, seconds]]): where the time of a training step goes: for each layer a
forward and a backward pass in milliseconds, its share, GFLOP/s, and the bytes of its output.
  batch     how many made-up samples (32), or a list of tensors: the inputs, the labels last
  seconds   how long it may take (1)
  example: lander.time(require "models.lenet" {}, 64)]==]

-- lander.time(net[, batch[, seconds]]) -> a table with a row for each layer, which print shows:
-- the time of a forward and a backward pass. batch: how many made-up samples (32), or a list of
-- tensors, the net's inputs with the labels last. seconds: how long it may take (1).
function lander.time(net, batch, seconds)
  local inputs = batch
  if type(batch) ~= "table" then inputs = make_inputs(net, batch or 32) end
  local count = inputs[1]:size(1)
  local passes = measure(net, inputs, seconds or 1)
  local report = { layers = {}, forward = 0, backward = 0, passes = #passes, batch = count }
  local layers = net:layers()
  local passes_gradient = passes_on(layers)
  for i, info in ipairs(layers) do
    if info.type ~= "input" and info.type ~= "label" then
      local row = { name = info.name, type = info.type, forward = median(passes, i, 1),
        backward = median(passes, i, 2), bytes = bytes_of(info, count),
        operations = operations(info, count, passes_gradient[info.name]) }
      row.total = row.forward + row.backward
      report.layers[#report.layers + 1] = row
      report.forward, report.backward = report.forward + row.forward, report.backward + row.backward
    end
  end
  for _, row in ipairs(report.layers) do
    row.share = row.total / (report.forward + report.backward)
  end
  return setmetatable(report, { __tostring = text })
end
