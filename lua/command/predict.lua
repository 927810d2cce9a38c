-- predict.lua: lander predict NET FILE...: what a saved net says of arrays, pictures, data.
local lander = ...
local core = lander.core
local datasets = core.commands.datasets

local command = {
  usage = "predict NET.npz [FILE ...] [--data=DATA] [--top=K]",
  help = "the most likely classes of samples, or the outputs of a regression",
  least = 1, most = math.huge,
  defaults = { top = 3, data = "", part = "" },
  about = { top = "how many classes to show", data = datasets.about, part = datasets.part_about },
  more = [[
A FILE is a .npy array, of one sample or several one after the other, as the net has them (scaled,
say), or a .png or .jpg picture, whose pixels become numbers from 0 to 1. Classes count from one;
with --data they have the names that the data have.
]] .. datasets.more .. [[


example: lander predict net.npz cat.png
example: lander predict net.npz --data=csv:new.csv,y=kind --top=1]],
}

-- A picture as the net's input: its channels; it must have the rows and columns.
local function read_picture(path, size)
  if #size ~= 3 then
    error(("%s: a sample of this net is %s, no picture"):format(path, core.size_text(size)), 0)
  end
  local x = lander.image.load(path, { channels = size[1] })
  if x:size(2) ~= size[2] or x:size(3) ~= size[3] then
    error(("%s has %d rows and %d columns, the net's pictures %d and %d"):format(path, x:size(2),
      x:size(3), size[2], size[3]), 0)
  end
  return x
end

-- The samples of a file as a batch of this net's input.
local function as_batch(net, path)
  local size, ending = net:layers()[1].size, path:lower():match "%.(%w+)$"
  local picture = ending == "png" or ending == "jpg" or ending == "jpeg"
  local x = picture and read_picture(path, size) or lander.load_npy(path)
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

local function text_of(y, classified, top, names)
  local parts = {}
  if not classified then return tostring(y) end
  local values, classes = y:topk(math.min(top, y:numel()))
  for i = 1, values:numel() do
    local class = math.tointeger(classes[i])
    parts[i] = ("%s %.4f"):format(names and names[class] or "class " .. class, values[i])
  end
  return table.concat(parts, "  ")
end

-- Says what the net makes of a batch; samples are counted from `first` on.
local function say(net, x, what, opt, names, first)
  local y, classified = net:predict(x), is_classified(net)
  for n = 1, y:size(1) do
    core.print(("%s %d  %s\n"):format(what, first + n - 1,
      text_of(y:select(1, n):contiguous():view(-1), classified, opt.top, names)))
  end
end

function command.run(opt)
  local net = core.commands.open_net(opt[1])
  if #opt == 1 and opt.data == "" then
    core.commands.usage_error(command, "nothing to predict: give files, or --data=DATA")
  elseif opt.top < 1 or not math.tointeger(opt.top) then
    core.exit(2, ("--top must be a whole number from 1, found %s"):format(opt.top))
  end
  for i = 2, #opt do say(net, as_batch(net, opt[i]), opt[i], opt, nil, 1) end
  if opt.data == "" then return end
  local data, first = datasets.open_part(opt.data, opt.part), 1
  local names = data:class_names()
  for x in data:batches { size = 100 } do
    say(net, x, "sample", opt, names, first)
    first = first + x:size(1)
  end
end

return command
