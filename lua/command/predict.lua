-- predict.lua: lander predict NET FILE...: what a saved net says of arrays.
local lander = ...
local core = lander.core

local command = {
  usage = "predict NET.npz FILE.npy ... [--top=K]",
  help = "the most likely classes of samples in .npy files, or the outputs of a regression",
  least = 2, most = math.huge,
  defaults = { top = 3 },
  about = { top = "how many classes to show" },
  more = "A file holds one sample, or several one after the other; classes count from one.",
}

-- The samples of a file as a batch of this net's input.
local function as_batch(net, path)
  local x, size = lander.load_npy(path), net:layers()[1].size
  local count = 1
  for _, n in ipairs(size) do count = count * n end
  if x:numel() == 0 or x:numel() % count ~= 0 then
    error(("%s holds %d numbers; a sample of this net is %s"):format(path, x:numel(),
      core.size_text(size)), 0)
  end
  return x:reshape(x:numel() // count, table.unpack(size))
end

local function is_classified(net)
  for _, info in ipairs(net:layers()) do
    if info.type == "softmax_loss" then return true end
  end
end

local function text_of(y, classified, top)
  local parts = {}
  if not classified then return tostring(y) end
  local values, classes = y:topk(math.min(top, y:numel()))
  for i = 1, values:numel() do
    parts[i] = ("class %d %.4f"):format(classes[i] // 1, values[i])
  end
  return table.concat(parts, "  ")
end

function command.run(opt)
  local net = core.commands.open_net(opt[1])
  local classified = is_classified(net)
  for i = 2, #opt do
    local y = net:predict(as_batch(net, opt[i]))
    for n = 1, y:size(1) do
      core.print(("%s %d  %s\n"):format(opt[i], n, text_of(y:select(1, n):contiguous():view(-1),
        classified, opt.top)))
    end
  end
end

return command
