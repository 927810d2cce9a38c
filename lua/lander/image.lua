-- image.lua: lander.image: tensors as pictures, in the terminal and as PNG, and pictures as
-- tensors. image_grid.lua puts several into one, image_text.lua draws in the terminal.
local lander = ...
local core = lander.core

local image = {}
lander.image = image

local known = {
  to = "string", range = "table", columns = "integer", zoom = "integer", each = "boolean",
  layer = "string", width = "integer",
}

local function fail(text, ...)
  error(("lander.image: " .. text):format(...), 0)
end

local tensor_metatable = getmetatable(lander.zeros(1))

local function is_tensor(value)
  return getmetatable(value) == tensor_metatable
end

-- ---- filters ----

-- The size of what a net takes in, when that has rows and columns.
local function input_size(net)
  for _, info in ipairs(net:layers()) do
    if info.type == "input" then return #info.size >= 2 and info.size or nil end
  end
end

local function find_weight(net, layer)
  local name = layer and layer .. ".weight"
  if name and net.params[name] then return net.params[name].data, layer end
  local names = {}
  for _, info in ipairs(net:layers()) do
    local param = net.params[info.name .. ".weight"]
    if param and param.data:dim() >= 2 then
      if not layer then return param.data, info.name end
      names[#names + 1] = info.name
    end
  end
  if not layer then fail("the net has no layer with weights") end
  fail("the net has no layer '%s' with weights%s; there are %s", layer,
    core.did_you_mean(layer, names), table.concat(names, ", "))
end

-- The weights of a layer (the first that has some) as pictures: one for each output. Those of
-- a linear layer on pictures have the pictures' size.
function core.filters(net, layer)
  local weight, name = find_weight(net, layer)
  if weight:dim() ~= 2 then return weight, name end
  local size, count = input_size(net), 1
  for _, n in ipairs(size or {}) do count = count * n end
  if size and count == weight:size(2) then
    if #size == 2 then size = { 1, size[1], size[2] } end
    if #size == 3 then return weight:reshape(weight:size(1), table.unpack(size)), name end
  end
  return weight, name
end

-- ---- what is black and what is white ----

-- The lowest and highest number that is finite.
function core.finite_bounds(t)
  local finite = t:isfinite()
  if finite:min() == 1 then return t:min(), t:max() end
  if finite:max() == 0 then return 0, 1 end
  local some = t:contiguous():view(-1)
  some = some[finite:contiguous():view(-1):argmax()]
  local tame = finite:where(t, some)
  return tame:min(), tame:max()
end

-- Numbers from 0 to 1 are shades as they are; others are stretched.
function core.shades(t, range)
  if range then
    local low, high = range[1], range[2]
    if not (type(low) == "number" and type(high) == "number" and low < high
      and core.is_finite(high - low)) then
      fail("range = { black, white } must be two numbers, the first the lower one")
    end
    return low, high
  end
  local low, high = core.finite_bounds(t)
  if low >= 0 and high <= 1 then return 0, 1 end
  if low == high then
    local room = math.max(1, math.abs(low) / 1000)
    return low - room, high + room
  end
  return low, high
end

-- ---- the function ----

local function read_thing(thing, options)
  if is_tensor(thing) then
    if options.layer then fail("layer = '%s' belongs to a net, found a tensor", options.layer) end
    return thing
  end
  if getmetatable(thing) == core.net_metatable then return (core.filters(thing, options.layer)) end
  fail("give it a tensor, or a net whose filters are to be seen, found a %s", type(thing))
end

local function show(_, thing, options)
  options = options or {}
  local wrong = core.check_options("lander.image", options, known)
  if wrong then error(wrong, 0) end
  local t = read_thing(thing, options)
  if options.to then
    if not options.to:find "%.png$" then fail("to = '%s' must end in .png", options.to) end
    core.image_save(core.picture(t, options), options.to, 0, 1)
    return options.to
  end
  core.print(core.picture_text(core.picture(t, options), options))
end

core.topics.image = [==[
lander.image(t, { options }): a tensor as a picture, a batch as a grid, or the filters of a net's
layer; in the terminal, or as a PNG file. lander.image.load(path) reads PNG and JPEG.
  to        a .png file
  range     { black, white }; else numbers from 0 to 1 are shades, others are stretched
  each      true: each picture of a grid is stretched by itself
  columns   of a grid;  zoom  each pixel n times n;  layer  of a net
  example: lander.image(require "models.lenet" {}, { layer = "conv1", to = "filters.png" })]==]

-- A tensor, a batch as a grid, or the filters of a net's layer: in the terminal, or as a PNG
-- file (to = "x.png"). doc/looking.md has the options.
setmetatable(image, {
  __call = function(...)
    local path = core.at_user(show, ...)
    if path then return path end
  end,
})

local function load_picture(path, options)
  if type(path) ~= "string" then
    error(("lander.image.load: give the path of a file, found a %s"):format(type(path)), 0)
  end
  options = options or {}
  local wrong = core.check_options("lander.image.load", options, { channels = "count",
    size = "table" })
  if wrong then error(wrong, 0) end
  local size = options.size or { 0, 0 }
  if math.type(size[1]) ~= "integer" or math.type(size[2]) ~= "integer" then
    error("lander.image.load: size must be { rows, columns }", 0)
  end
  local t, message = core.image_load(path, options.channels or 0, size[1], size[2])
  if not t then error(message, 0) end
  return t
end

--- A PNG or JPEG file as a tensor (channels, rows, columns) of numbers from 0 to 1.
--- Options: channels: 1 (grey), 3 (RGB); size: { rows, columns } that it is brought to, each
--- new pixel being the mean of the area it covers; else as the file has them.
function image.load(path, options)
  return (core.at_user(load_picture, path, options))
end
