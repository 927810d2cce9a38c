-- image_text.lua: a picture in the terminal: two pixels to a letter, one above the other, with
-- colours; where there are none, letters that are darker and lighter.
local lander = ...
local core = lander.core

local WIDTH = 80
local HALF = "▀" -- its upper half in the letter's colour, its lower in the ground's
local ramps = { unicode = { " ", "░", "▒", "▓", "█" },
                ascii = { " ", ".", ":", "-", "=", "+", "*", "#", "%", "@" } }

-- Each `by` columns as one; the last has what is left over.
local function means(picture, by)
  local c, rows, columns = picture:size(1), picture:size(2), picture:size(3)
  local whole = columns // by
  local rest = columns - whole * by
  local parts = {}
  if whole > 0 then
    parts[1] = picture:narrow(3, 1, whole * by):reshape(c, rows, whole, by):mean(4)
  end
  if rest > 0 then parts[#parts + 1] = picture:narrow(3, whole * by + 1, rest):mean(3, true) end
  return lander.cat(parts, 3)
end

-- The picture with at most `width` columns: means of what comes together.
local function shrink(picture, width)
  local rows, columns = picture:size(2), picture:size(3)
  if columns <= width then return picture:totable(), rows, columns end
  local by = math.ceil(columns / width)
  local small = means(means(picture, by):transpose(2, 3):contiguous(), by):transpose(2, 3)
    :contiguous()
  return small:totable(), small:size(2), small:size(3)
end

local function byte(shade)
  return math.floor(shade * 255 + 0.5)
end

local sides = { 0, 95, 135, 175, 215, 255 } -- of the cube, as xterm has them

local function nearest_side(v)
  local best = 1
  for i, side in ipairs(sides) do
    if math.abs(side - v) < math.abs(sides[best] - v) then best = i end
  end
  return best - 1, (sides[best] - v) ^ 2
end

-- The number of the nearest colour among the 256: a cube with sides of 6, or one of 24 greys.
local function of_256(r, g, b)
  local x, off_x = nearest_side(r)
  local y, off_y = nearest_side(g)
  local z, off_z = nearest_side(b)
  local grey = math.max(0, math.min(23, math.floor(((r + g + b) / 3 - 8) / 10 + 0.5)))
  local level = 8 + 10 * grey
  local off = (level - r) ^ 2 + (level - g) ^ 2 + (level - b) ^ 2
  return off < off_x + off_y + off_z and 232 + grey or 16 + 36 * x + 6 * y + z
end

local function colour_code(kind, r, g, b, true_colour)
  if true_colour then return ("%d;2;%d;%d;%d"):format(kind, r, g, b) end
  return ("%d;5;%d"):format(kind, of_256(r, g, b))
end

local function half_blocks(pixels, rows, columns, true_colour)
  local c, lines = #pixels, {}
  local function code(kind, y, x)
    local r = byte(pixels[1][y][x])
    local g, b = r, r
    if c == 3 then g, b = byte(pixels[2][y][x]), byte(pixels[3][y][x]) end
    return colour_code(kind, r, g, b, true_colour)
  end
  for y = 1, rows, 2 do
    local parts, last = {}, nil
    for x = 1, columns do
      local now = code(38, y, x) .. (y < rows and ";" .. code(48, y + 1, x) or ";49")
      parts[x] = now ~= last and ("\27[%sm%s"):format(now, HALF) or HALF
      last = now
    end
    lines[#lines + 1] = table.concat(parts) .. "\27[0m"
  end
  return lines
end

-- The grey of a pixel: what the eye makes of red, green and blue (Rec. 601).
local function grey(pixels, y, x)
  if #pixels == 1 then return pixels[1][y][x] end
  return 0.299 * pixels[1][y][x] + 0.587 * pixels[2][y][x] + 0.114 * pixels[3][y][x]
end

local function letters(pixels, rows, columns, ramp)
  local lines = {}
  for y = 1, rows, 2 do
    local parts = {}
    for x = 1, columns do
      local shade = grey(pixels, y, x)
      if y < rows then shade = (shade + grey(pixels, y + 1, x)) / 2 end
      parts[x] = ramp[math.min(math.floor(shade * #ramp) + 1, #ramp)]
    end
    lines[#lines + 1] = (table.concat(parts):gsub(" +$", ""))
  end
  return lines
end

-- A picture of shades from 0 to 1 as text for the terminal. options: width.
function core.picture_text(picture, options)
  local width = options.width or core.width and core.width() or WIDTH
  local pixels, rows, columns = shrink(picture, width)
  local lines
  if core.colours and core.colours() and core.has_unicode() then
    local depth = core.environment "COLORTERM"
    lines = half_blocks(pixels, rows, columns, depth == "truecolor" or depth == "24bit")
  else
    lines = letters(pixels, rows, columns, core.has_unicode() and ramps.unicode or ramps.ascii)
  end
  return table.concat(lines, "\n") .. "\n"
end
