-- image_text.lua: a picture in the terminal: two pixels to a letter, one above the other, with
-- colours; where there are none, letters that are darker and lighter.
local lander = ...
local core = lander.core

local WIDTH = 80
local HALF = "▀" -- its upper half in the letter's colour, its lower in the ground's
local ramps = { unicode = { " ", "░", "▒", "▓", "█" },
                ascii = { " ", ".", ":", "-", "=", "+", "*", "#", "%", "@" } }

-- The picture with at most `width` columns: means of what comes together.
local function shrink(picture, width)
  local c, rows, columns = picture:size(1), picture:size(2), picture:size(3)
  if columns <= width then return picture:totable(), rows, columns end
  local by = math.ceil(columns / width)
  local new_rows, new_columns = math.max(rows // by, 1), columns // by
  local high = math.min(by, rows)
  local small = picture:narrow(2, 1, new_rows * high):narrow(3, 1, new_columns * by)
    :reshape(c, new_rows, high, new_columns, by):mean(5):mean(3)
  return small:totable(), new_rows, new_columns
end

local function byte(shade)
  return math.floor(shade * 255 + 0.5)
end

-- The number of a colour among the 256: 24 greys, or a cube with sides of 6.
local function of_256(r, g, b)
  if r == g and g == b then
    local grey = (r - 8 + 5) // 10
    return grey < 0 and 16 or grey > 23 and 231 or 232 + grey
  end
  local function side(v) return (v * 5 + 127) // 255 end
  return 16 + 36 * side(r) + 6 * side(g) + side(b)
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
