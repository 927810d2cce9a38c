-- plot_text.lua: curves as text: with the dots of braille letters, eight to a letter, or in plain
-- ASCII where the terminal has no others.
--
-- Several curves carry letters, which the legend explains: colours are not everyone's, nor every
-- terminal's. What the run went back from is dashed, or dotted.
local lander = ...
local core = lander.core

local WIDTH, MOST_WIDTH, LEAST_WIDTH, HEIGHT = 80, 120, 20, 16
local LETTERS_APART = 24 -- cells between two letters on one curve
local colours = { 36, 33, 32, 35, 31, 34 }

-- The dot at column x, row y of a braille letter.
local dots = { { 0x01, 0x08 }, { 0x02, 0x10 }, { 0x04, 0x20 }, { 0x40, 0x80 } }

local styles = {
  braille = { across = 2, high = 4, bar = "│", tick = "┤", corner = "└", floor = "─", foot = "┬",
              bad = "×", up = "▲", down = "▼", point = "•", diverged = "╌╌", ended = "╌╌×",
              trial = "┈┈", none = "" },
  ascii = { across = 1, high = 1, bar = "|", tick = "+", corner = "+", floor = "-", foot = "+",
            bad = "x", up = "^", down = "v", point = "o", diverged = ":::", ended = ":::x",
            trial = "...", none = "" },
}

-- ---- words ----

local function length(text)
  return core.text_width(text)
end

-- ---- the canvas ----

local Canvas = {}
Canvas.__index = Canvas

local function new_canvas(columns, rows, style)
  local cells = {}
  for row = 1, rows do cells[row] = {} end
  return setmetatable({ columns = columns, rows = rows, style = style, cells = cells,
                        width = columns * style.across, height = rows * style.high }, Canvas)
end

function Canvas:cell(column, row)
  local cell = self.cells[row][column]
  if not cell then
    cell = { bits = 0 }
    self.cells[row][column] = cell
  end
  return cell
end

-- One dot, from 0 at the left and the top; `plain` is what it is in ASCII.
function Canvas:dot(x, y, curve, plain)
  local style = self.style
  local cell = self:cell(x // style.across + 1, y // style.high + 1)
  if style.across == 1 then cell.text = plain end
  cell.bits = cell.bits | dots[y % 4 + 1][x % 2 + 1]
  cell.curve = curve
end

-- Which dots of a line are drawn, of how many: all, most, or every third.
local patterns = { whole = { 1, 1 }, diverged = { 5, 8 }, trial = { 1, 3 } }

-- A line between two dots (Bresenham).
function Canvas:line(x1, y1, x2, y2, curve, plain, pattern)
  local dx, dy = math.abs(x2 - x1), -math.abs(y2 - y1)
  local sx, sy = x1 < x2 and 1 or -1, y1 < y2 and 1 or -1
  local off = dx + dy
  while true do
    self.count = (self.count or 0) + 1
    if self.count % pattern[2] < pattern[1] then self:dot(x1, y1, curve, plain) end
    if x1 == x2 and y1 == y2 then return end
    local twice = 2 * off
    if twice >= dy then off, x1 = off + dy, x1 + sx end
    if twice <= dx then off, y1 = off + dx, y1 + sy end
  end
end

-- A letter over the dots.
function Canvas:put(x, y, curve, text)
  local cell = self:cell(x // self.style.across + 1, y // self.style.high + 1)
  cell.text, cell.curve = text, curve
end

local function paint(text, curve, coloured)
  if not (coloured and curve) then return text end
  return ("\27[%dm%s\27[0m"):format(colours[(curve - 1) % #colours + 1], text)
end

function Canvas:row_text(row, coloured)
  local parts, last = {}, 0
  for column = 1, self.columns do
    local cell = self.cells[row][column]
    if cell then
      parts[column] = paint(cell.text or utf8.char(0x2800 + cell.bits), cell.curve, coloured)
      last = column
    else
      parts[column] = " "
    end
  end
  return table.concat(parts, "", 1, last)
end

-- ---- curves on it ----

local function letter_of(i)
  return string.char(96 + i)
end

local Chart = {}
Chart.__index = Chart

local function nearest(x)
  return math.floor(x + 0.5)
end

-- The dot of a value, on the canvas or above or below it; nil: it has no place.
function Chart:place(x, y)
  if not (core.scale_holds(self.x, x) and core.scale_holds(self.y, y)) then return nil end
  local c = self.canvas
  return nearest(core.scale_place(self.x, x) * (c.width - 1)),
    nearest((1 - core.scale_place(self.y, y)) * (c.height - 1))
end

-- As place, but only of what is on the canvas.
function Chart:inside(x, y)
  local px, py = self:place(x, y)
  if px and py >= 0 and py < self.canvas.height then return px, py end
end

-- A line through dots, where it leaves the canvas with an arrow (once a cell of the border).
function Chart:line(i, points, plain, pattern)
  local canvas = self.canvas
  local pieces, exits = core.clip_line(points, 0, canvas.height - 1)
  if #points == 1 and #pieces == 1 then
    canvas:put(nearest(points[1][1]), nearest(points[1][2]), i, canvas.style.point)
    return
  end
  for _, piece in ipairs(pieces) do
    local last = piece[1]
    for k = 2, #piece do
      local point = piece[k]
      canvas:line(nearest(last[1]), nearest(last[2]), nearest(point[1]), nearest(point[2]), i,
        plain, pattern)
      last = point
    end
  end
  for _, exit in ipairs(exits) do
    exit.curve = i
    table.insert(self.exits, exit)
  end
end

-- Where values have no place there is a gap.
function Chart:stretch(i, stretch, plain)
  local points, pattern = {}, patterns[stretch.gone or "whole"]
  for k, y in ipairs(stretch.y) do
    local px, py = self:place(stretch.x[k], y)
    if px then
      points[#points + 1] = { px, py }
    else
      self:line(i, points, plain, pattern)
      points = {}
    end
  end
  self:line(i, points, plain, pattern)
end

-- Letters along a curve: after the lines of all, so that they are seen.
function Chart:letters(i, curve)
  local apart = LETTERS_APART * self.canvas.style.across
  local next_x = 6 * i -- those of two curves that are alike lie side by side
  for _, stretch in ipairs(curve.stretches) do
    for k, y in ipairs(stretch.y) do
      local px, py = self:inside(stretch.x[k], y)
      if px and px >= next_x then
        self.canvas:put(px, py, i, letter_of(i))
        next_x = px + apart
      end
    end
  end
end

function Chart:arrows()
  for _, exit in ipairs(self.exits) do
    local style = self.canvas.style
    self.canvas:put(nearest(exit.x), exit.to, exit.curve,
      exit.to == 0 and style.up or style.down)
  end
end

function Chart:shows_arrow(side)
  if side ~= "up" and side ~= "down" then return true end
  local canvas = self.canvas
  for _, cell in pairs(canvas.cells[side == "up" and 1 or canvas.rows]) do
    if cell.text == canvas.style[side] then return true end
  end
  return false
end

-- At the edge where its value is beyond it, or none.
function Chart:marks(i, curve)
  for _, mark in ipairs(curve.marks) do
    local y = mark.y and core.scale_holds(self.y, mark.y) and mark.y or self.y.high
    local px, py = self:place(mark.x, y)
    if px then
      py = math.max(0, math.min(self.canvas.height - 1, py))
      self.canvas:put(px, py, i, self.canvas.style.bad)
    end
  end
end

local plain_lines = { diverged = ":", trial = "." }

function Chart:curves(curves)
  local several = #curves > 1
  self.exits = {}
  for i, curve in ipairs(curves) do
    for _, stretch in ipairs(curve.stretches) do
      self:stretch(i, stretch, plain_lines[stretch.gone] or several and letter_of(i) or "*")
    end
  end
  self:arrows()
  for i, curve in ipairs(curves) do
    if several then self:letters(i, curve) end
    self:marks(i, curve)
  end
end

-- ---- around it ----

-- An entry's text as lines of so many letters.
local function fitting(entry, room)
  local function fits(text) return length(text) <= room end
  if fits(entry.text) then return { entry.text } end
  local cut = core.cut_middle(entry.short or entry.text, room, "..")
  return not entry.curve and core.wrap_at_commas(entry.text, fits) or { cut }
end

-- The legend's entries with their letters and signs, but those of arrows that are under a mark.
function Chart:legend(curves, width)
  local entries, style = {}, self.canvas.style
  for _, entry in ipairs(core.legend_entries(curves, self.y, nil, true)) do
    local sign = entry.draw and style[entry.draw]
    local owner = entry.of or #curves > 1 and entry.curve
    local head = (sign and sign ~= "" and sign .. " " or "")
      .. (owner and letter_of(owner) .. " " or "")
    entry.head, entry.lines = head, fitting(entry, width - length(head))
    if self:shows_arrow(entry.draw) then entries[#entries + 1] = entry end
  end
  return entries
end

-- Entries side by side as long as there is room; one that takes several lines stands alone.
local function legend_lines(entries, width, coloured)
  local lines, used = {}, width
  local function add(text, curve)
    local fits = used + 2 + length(text) <= width - 2
    used = (fits and used or 0) + 2 + length(text)
    text = "  " .. paint(text, curve, coloured)
    if fits then lines[#lines] = lines[#lines] .. text else lines[#lines + 1] = text end
  end
  for _, entry in ipairs(entries) do
    if #entry.lines > 1 then used = width end
    for i, line in ipairs(entry.lines) do
      add((i == 1 and entry.head or (" "):rep(length(entry.head))) .. line, entry.curve)
      if #entry.lines > 1 then used = width end
    end
  end
  return lines
end

-- Row of the canvas -> label, for the ticks of y.
local function y_labels(chart)
  local labels, width = {}, 0
  for _, tick in ipairs(chart.y.ticks) do
    local _, py = chart:place(chart.x.low, tick.at)
    local row = py and py // chart.canvas.style.high + 1
    if row and not labels[row] then
      labels[row] = tick.text
      width = math.max(width, #tick.text)
    end
  end
  return labels, width
end

-- The line under the canvas, and the labels under that.
local function x_lines(chart, label)
  local canvas, style = chart.canvas, chart.canvas.style
  local floor, words, used = {}, {}, 0
  for column = 1, canvas.columns do floor[column] = style.floor end
  for _, tick in ipairs(chart.x.ticks) do
    local px = chart:place(tick.at, chart.y.low) or chart:place(tick.at, chart.y.high)
    local column = px // style.across + 1
    local from = math.max(1, math.min(column - #tick.text // 2, canvas.columns - #tick.text + 1))
    if from > used then
      floor[column] = style.foot
      words[#words + 1] = (" "):rep(from - used - 1) .. tick.text
      used = from + #tick.text
      words[#words + 1] = " "
    end
  end
  local line = table.concat(words)
  label = label and core.harmless_word(label)
  if label and used + 2 + length(label) <= canvas.columns then
    line = line .. (" "):rep(canvas.columns - used - length(label)) .. label
  end
  return table.concat(floor), (line:gsub("%s+$", ""))
end

-- Whether letters beyond ASCII come out as what they are: what the name of the locale says.
function core.has_unicode()
  local variable = core.environment
  if not variable or variable "TERM" == "dumb" then return false end
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local locale = variable(name)
    if locale and locale ~= "" then return locale:upper():find "UTF%-?8" ~= nil end
  end
  return false
end

-- Width, style and whether there are colours: of the window, or, for a file, what any reader
-- can be expected to have.
local function read_window(options)
  local window = not options.to
  local name = options.style or (options.to or core.has_unicode()) and "braille" or "ascii"
  if not styles[name] then
    error(("lander.plot: style must be \"braille\" or \"ascii\", found '%s'"):format(name), 0)
  end
  local width = options.width
    or math.min(window and core.width and core.width() or WIDTH, MOST_WIDTH)
  return math.max(width, LEAST_WIDTH), styles[name], window and core.colours and core.colours()
end

-- The curves as text. options: title, log, width, height, style ("braille", "ascii"), to.
function core.plot_text(curves, labels, options)
  local width, style, coloured = read_window(options)
  local log, rows = options.log or "", options.height or HEIGHT
  local chart = setmetatable({}, Chart)
  chart.y = core.plot_y_scale(curves, log:find "y" ~= nil, options, math.max(rows // 3, 3))
  chart.x = core.plot_x_scale(curves, log:find "x" ~= nil, options, math.max(width // 14, 2))
  chart.canvas = new_canvas(1, rows, style)
  local words, margin = y_labels(chart)
  margin = math.max(margin, options.margin or 0)
  chart.canvas = new_canvas(math.max(width - margin - 3, 8), rows, style)
  chart:curves(curves)
  local lines = {}
  if options.title then
    lines[1] = core.cut_middle(core.harmless_word(options.title), width, "..")
  end
  for _, line in ipairs(legend_lines(chart:legend(curves, width - 2), width, coloured)) do
    lines[#lines + 1] = line
  end
  for row = 1, rows do
    local word = words[row] or ""
    lines[#lines + 1] = ("%s%s %s%s"):format((" "):rep(margin - #word), word,
      words[row] and style.tick or style.bar, chart.canvas:row_text(row, coloured))
  end
  local floor, under = x_lines(chart, labels.x)
  lines[#lines + 1] = (" "):rep(margin + 1) .. style.corner .. floor
  lines[#lines + 1] = (" "):rep(margin + 2) .. under
  for i, line in ipairs(lines) do lines[i] = line:gsub("%s+$", "") end
  return table.concat(lines, "\n") .. "\n"
end

local PANEL_HEIGHT, PANEL_MARGIN = 9, 6 -- lines of each, and letters for the labels of y

-- Panels { curves =, labels =, options = } one above the other, over the same x.
function core.plot_text_panels(panels, options)
  if #panels == 1 then
    return core.plot_text(panels[1].curves, panels[1].labels, panels[1].options)
  end
  local parts, range = {}, core.panels_range(panels)
  local height = options.height and math.max(options.height // #panels, 4) or PANEL_HEIGHT
  for n, panel in ipairs(panels) do
    local shown = setmetatable({ height = height, margin = PANEL_MARGIN, x_range = range },
      { __index = panel.options })
    if n > 1 then shown.title = false end
    for _, curve in ipairs(panel.curves) do curve.name = curve.name or panel.labels.y end
    local label = n < #panels and { y = panel.labels.y } or panel.labels
    parts[n] = core.plot_text(panel.curves, label, shown)
  end
  return table.concat(parts)
end
