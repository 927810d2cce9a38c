-- image_grid.lua: whatever a tensor holds as one picture: shades from 0 to 1, several side by
-- side.
local lander = ...
local core = lander.core

local GREY = 0.5 -- the shade between two pictures of a grid
local MOST = 10000 -- pictures

local function fail(text, ...)
  error(("lander.image: " .. text):format(...), 0)
end

-- The pictures as (n, channels, rows, columns), channels being 1 or 3, and how many columns
-- of them belong together.
local function read_pictures(t)
  local size = t:size()
  if #size == 2 then return t:reshape(1, 1, size[1], size[2]) end
  if #size == 3 then
    if size[1] == 1 or size[1] == 3 then return t:reshape(1, table.unpack(size)) end
    return t:reshape(size[1], 1, size[2], size[3])
  end
  if #size ~= 4 then
    fail("a tensor of 2 to 4 dimensions can be seen, (rows, columns) to (n, channels, rows, "
      .. "columns), found %s", core.size_text(size))
  end
  if size[2] == 1 or size[2] == 3 then return t end
  return t:reshape(size[1] * size[2], 1, size[3], size[4]), size[2]
end

local LARGE, TAMED = 1e37, 2.0 ^ -4 -- what is larger has differences that are no numbers any more

local function clamped(t, low, high)
  if math.max(math.abs(low), math.abs(high)) > LARGE then
    t, low, high = t:mul(TAMED), low * TAMED, high * TAMED
  end
  return t:sub(low):div(high - low):clamp(0, 1)
end

-- Shades of one picture; what is not finite is magenta.
local function shades(t, low, high)
  local finite = t:isfinite()
  if finite:min() == 1 then return clamped(t, low, high) end
  local calm = clamped(finite:where(t, 0), low, high)
  if calm:size(1) == 1 then calm = calm:expand(3, calm:size(2), calm:size(3)):contiguous() end
  local bad = finite:min(1):eq(0)
  for channel, shade in ipairs { 1, 0, 1 } do
    calm:select(1, channel):copy_(bad:where(shade, calm:select(1, channel)))
  end
  return calm
end

local function enlarge(t, zoom)
  if zoom == 1 then return t end
  local c, rows, columns = t:size(1), t:size(2), t:size(3)
  return t:reshape(c, rows, 1, columns, 1):expand(c, rows, zoom, columns, zoom)
    :reshape(c, rows * zoom, columns * zoom)
end

-- All pictures in rows of `across`, with lines of `gap` pixels and some shade between them.
local function arrange(list, across, gap, ground)
  local c, rows, columns = 1, list[1]:size(2), list[1]:size(3)
  for _, picture in ipairs(list) do c = math.max(c, picture:size(1)) end
  local down = (#list + across - 1) // across
  local grid = lander.full(ground, c, down * (rows + gap) - gap, across * (columns + gap) - gap)
  for i, picture in ipairs(list) do
    local row, column = (i - 1) // across, (i - 1) % across
    if picture:size(1) < c then picture = picture:expand(c, rows, columns) end
    grid:narrow(2, row * (rows + gap) + 1, rows):narrow(3, column * (columns + gap) + 1, columns)
      :copy_(picture)
  end
  return grid
end

-- The tensor as one picture (1 or 3, rows, columns) of shades from 0 to 1. options: range,
-- each, columns, zoom; gap and ground, the width and shade of what lies between pictures.
function core.picture(t, options)
  local pictures, across = read_pictures(t)
  local n = pictures:size(1)
  if pictures:numel() == 0 then
    fail("there is nothing in a tensor of %s", core.size_text(t:size()))
  end
  if n > MOST then
    fail("%s pictures are more than can be seen (%s); t:narrow(1, 1, 100) are the first 100",
      core.count_text(n), core.count_text(MOST))
  end
  local low, high = core.shades(pictures, options.range)
  local list, zoom = {}, options.zoom or 1
  for i = 1, n do
    local picture = pictures:select(1, i)
    if options.each then low, high = core.shades(picture, options.range) end
    list[i] = enlarge(shades(picture, low, high), zoom)
  end
  if n == 1 then return list[1] end
  return arrange(list, options.columns or across or math.ceil(math.sqrt(n)),
    options.gap or zoom > 1 and 2 or 1, options.ground or GREY)
end
