-- plot_svg.lua: curves as SVG: text of a few kilobytes, the same bytes for the same curves.
--
-- Curves differ by colour and by the shape of their points; what the run went back from is dashed,
-- or dotted.
-- The colours change with the reader's (prefers-color-scheme).
local lander = ...
local core = lander.core

local WIDTH, HEIGHT = 640, 360
local LETTER = 7 -- about the width of one, of a number
local TITLE = 1.3 -- how much wider a title's letters are than those of other texts
local FREE_ROWS = 2 -- of a legend; more make the picture higher
local COLOURS, SHAPES = 6, 5

-- Contrast of at least 4.5 to 1 with the ground, light and dark.
local light = { "#0b5cad", "#b8480b", "#1a7344", "#8331a7", "#8a5a00", "#00707c" }
local dark = { "#78b7ff", "#ffa36b", "#63d297", "#d7a1f5", "#e8c24a", "#58d0dc" }

-- ---- words ----

local function number(x)
  return (("%.1f"):format(x):gsub(",", "."):gsub("%.0$", ""):gsub("^%-0$", "0"))
end

-- Bytes that are no UTF-8, and characters that XML has no place for, become marks of a question.
local function escape(text)
  if not utf8.len(text) then text = text:gsub("[\x80-\xff]", "?") end
  text = text:gsub("[%z\1-\8\11\12\14-\31]", "?"):gsub("\xef\xbf[\xbe\xbf]", "?")
  return (text:gsub('[&<>"]', {
    ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;",
  }))
end

core.escape_xml = escape

local function colour_rules(colours)
  local rules = {}
  for i, colour in ipairs(colours) do
    rules[i] = (".k%d{stroke:%s;fill:%s}"):format(i, colour, colour)
  end
  return table.concat(rules)
end

-- What the classes in a picture look like; a page with several pictures has it once.
function core.svg_style()
  return table.concat({
    ".plot text{font:13px sans-serif;fill:#333;stroke:none}",
    ".plot .ground{fill:#fff;stroke:none}",
    ".plot .title{font-size:15px;font-weight:bold}",
    ".plot .grid{stroke:#ddd}.plot .frame{stroke:#888;fill:none}",
    ".plot .line{fill:none;stroke-width:1.8;stroke-linejoin:round}",
    ".plot .diverged{stroke-width:1.3;stroke-dasharray:6 4}",
    ".plot .trial{stroke-width:1.6;stroke-dasharray:.1 4;stroke-linecap:round}",
    ".plot .under1,.plot .under2,.plot .under3{stroke-opacity:.55;stroke-width:5}",
    ".plot .under2{stroke-width:8.2}.plot .under3{stroke-width:11.4}",
    ".plot .bad{fill:none;stroke-width:2}.plot .staff{fill:none;stroke-width:1.3}",
    ".plot .flag{stroke:#fff;stroke-width:3px;paint-order:stroke}",
    ".plot .any{stroke:#555;fill:#555}",
    colour_rules(light),
    "@media(prefers-color-scheme:dark){.plot .ground{fill:#161a1f}.plot text{fill:#ddd}",
    ".plot .grid{stroke:#444}.plot .any{stroke:#bbb;fill:#bbb}.plot .flag{stroke:#161a1f}",
    colour_rules(dark), "}",
  }, "\n")
end

-- ---- drawing ----

local Picture = {}
Picture.__index = Picture

function Picture:add(text, ...)
  self.parts[#self.parts + 1] = text:format(...)
end

function Picture:px(x)
  return self.left + core.scale_place(self.x, x) * (self.right - self.left)
end

function Picture:py(y)
  return self.bottom - core.scale_place(self.y, y) * (self.bottom - self.top)
end

function Picture:text(x, y, text, attributes)
  self:add('<text x="%s" y="%s"%s>%s</text>', number(x), number(y), attributes or "", escape(text))
end

-- A point, in the shape of curve i.
local function shape(i, x, y)
  local function n(dx, dy) return number(x + dx) .. " " .. number(y + dy) end
  local kind = (i - 1) % SHAPES
  if kind == 0 then return ('<circle cx="%s" cy="%s" r="3.2"/>'):format(number(x), number(y)) end
  local outline = ({
    { n(-3, -3), n(3, -3), n(3, 3), n(-3, 3) },
    { n(0, -4), n(4, 3.2), n(-4, 3.2) },
    { n(0, -4.4), n(4.4, 0), n(0, 4.4), n(-4.4, 0) },
    { n(0, 4), n(4, -3.2), n(-4, -3.2) },
  })[kind]
  return ('<path d="M%sz"/>'):format(table.concat(outline, "L"))
end

local function cross(x, y)
  return ('<path class="bad" d="M%s %sl8 8m0 -8l-8 8"/>'):format(number(x - 4), number(y - 4))
end

-- A triangle that points up (`by` above 0) or down.
local function arrow(x, tip, by)
  return ('<path d="M%s %sl4 %dh-8z"/>'):format(number(x), number(tip), by)
end

function Picture:axes(labels)
  self:add('<g class="grid">')
  for _, tick in ipairs(self.y.ticks) do
    self:add('<path d="M%s %sH%s"/>', number(self.left), number(self:py(tick.at)),
      number(self.right))
  end
  self:add '</g>'
  self:add('<path class="frame" d="M%s %sV%sH%s"/>', number(self.left), number(self.top),
    number(self.bottom), number(self.right))
  for _, tick in ipairs(self.y.ticks) do
    self:text(self.left - 7, self:py(tick.at) + 4, tick.text, ' text-anchor="end"')
  end
  for _, tick in ipairs(self.x.ticks) do
    local x = self:px(tick.at)
    self:add('<path class="frame" d="M%s %sv5"/>', number(x), number(self.bottom))
    self:text(x, self.bottom + 19, tick.text, ' text-anchor="middle"')
  end
  if labels.x then
    self:text((self.left + self.right) / 2, self.bottom + 38, labels.x, ' text-anchor="middle"')
  end
  if labels.y then
    local y = (self.top + self.bottom) / 2
    self:text(16, y, labels.y, (' text-anchor="middle" transform="rotate(-90 16 %s)"'):format(
      number(y)))
  end
end

-- The points of a stretch that have a place, in pieces.
function Picture:pieces(stretch)
  local pieces, piece = {}, nil
  for i, y in ipairs(stretch.y) do
    local x = stretch.x[i]
    if core.scale_holds(self.x, x) and core.scale_holds(self.y, y) then
      if not piece then
        piece = {}
        pieces[#pieces + 1] = piece
      end
      piece[#piece + 1] = { self:px(x), self:py(y) }
    else
      piece = nil
    end
  end
  return pieces
end

-- A line with what is told of it, and an arrow where it leaves the picture.
function Picture:line(points, class, title)
  local pieces, exits = core.clip_line(core.thin_points(points), self.top, self.bottom)
  local parts = {}
  for i, piece in ipairs(pieces) do
    local line = {}
    for k, point in ipairs(core.simplify_points(piece)) do
      line[k] = number(point[1]) .. " " .. number(point[2])
    end
    parts[i] = table.concat(line, "L")
  end
  title = title and ("<title>%s</title>"):format(escape(title))
  if #pieces == 1 and #pieces[1] == 1 then
    local point = shape(1, pieces[1][1][1], pieces[1][1][2])
    self:add('<g class="%s">%s%s</g>', class:gsub("^line ?", ""), title or "", point)
  elseif #pieces > 0 then
    self:add('<path class="%s" d="M%s"%s', class, table.concat(parts, "M"),
      title and (">%s</path>"):format(title) or "/>")
  end
  self:arrows(exits)
end

local ARROWS_APART = 12 -- pixels

-- Above the upper edge, and at the lower one, where the labels are below.
function Picture:arrows(exits)
  for _, exit in ipairs(exits) do
    local up = exit.to == self.top
    local last = up and "last_up" or "last_down"
    if math.abs(exit.x - (self[last] or -math.huge)) >= ARROWS_APART then
      self[last] = exit.x
      self.parts[#self.parts + 1] = up and arrow(exit.x, self.top - 8, 7)
        or arrow(exit.x, self.bottom - 1, -7)
    end
  end
end

local SHAPES_APART = 90 -- pixels

-- Shapes on a curve that is one of several: at some of its points. part: how far the first one is
-- from the beginning, as a part of the distance between two.
function Picture:shapes(i, points, all, part)
  local last = part > 0 and points[1][1] - (1 - part) * SHAPES_APART or -math.huge
  for _, point in ipairs(points) do
    local inside = point[2] >= self.top and point[2] <= self.bottom
    if inside and (all or point[1] - last >= SHAPES_APART) then
      self.parts[#self.parts + 1] = shape(i, point[1], point[2])
      last = point[1]
    end
  end
end

-- At the edge where its value is beyond it, with an arrow, or where it has none.
function Picture:marks(curve)
  for _, mark in ipairs(curve.marks) do
    if core.scale_holds(self.x, mark.x) then
      local x, y = self:px(mark.x), self.top
      if mark.y and core.scale_holds(self.y, mark.y) then
        y = math.max(self.top, math.min(self.bottom, self:py(mark.y)))
        if y ~= self:py(mark.y) then self:arrows { { x = x, to = y } } end
      end
      self:add('<g><title>%s</title>%s</g>', escape(mark.text), cross(x, y))
    end
  end
end

-- The class of a line that so many others lie on.
local function under_class(count)
  return count > 0 and " under" .. count or ""
end

-- A curve has a look of its own where it is one of those of other pictures too.
function Picture:curve(i, curve, several)
  local under, shared = under_class(self.under[i]), self.shared[i]
  local part = shared and (i - 1) / #self.under or 0
  i = curve.look or i
  self:add('<g class="k%d">', (i - 1) % COLOURS + 1)
  for _, stretch in ipairs(curve.stretches) do
    for _, points in ipairs(self:pieces(stretch)) do
      self:line(points, "line" .. (stretch.gone and " " .. stretch.gone or under), stretch.text)
      if curve.points or several and not stretch.gone then
        self:shapes(i, points, curve.points and #points <= 60 and not shared, part)
      end
    end
  end
  self:marks(curve)
  self:add '</g>'
end

-- Flags of short attempts, with what each came to.
function Picture:flags(curves)
  local flags = core.plot_flags(curves, self, function(x)
    return core.scale_holds(self.x, x) and self:px(x) or nil
  end, core.pixel_width)
  for _, flag in ipairs(flags) do
    local y, by, look = flag.y, flag.side, curves[flag.curve].look or flag.curve
    self:add('<g class="k%d"><path class="staff" d="M%s %sV%s"/>%s', (look - 1) % COLOURS + 1,
      number(flag.x), number(flag.edge), number(y - 4),
      #curves > 1 and shape(look, flag.x + 5 * by, y - 4) or cross(flag.x + 5 * by, y - 4))
    self:text(flag.x + 12 * by, y, flag.text, (' class="flag" text-anchor="%s"'):format(
      by > 0 and "start" or "end"))
    self:add '</g>'
  end
end

local ANSWERS, APART = 240, 12 -- places in a picture that tell their values, pixels between two

-- What the pointer finds along a curve: its value there, which a browser shows without a script.
function Picture:answers(curve, count)
  local apart = math.max(APART, (self.right - self.left) * count / ANSWERS)
  for _, stretch in ipairs(curve.stretches) do
    local last = -math.huge
    for k, y in ipairs(stretch.gone and {} or stretch.y) do
      local x = stretch.x[k]
      local px = self:px(x)
      local py = px - last >= apart and core.scale_holds(self.y, y) and self:py(y)
      if py and py >= self.top and py <= self.bottom then
        self:add('<circle class="ask" cx="%s" cy="%s" r="7"><title>%s%s at %s</title></circle>',
          number(px), number(py), curve.name and escape(curve.name) .. " " or "",
          core.number_text(y), escape(core.short_number(x)))
        last = px
      end
    end
  end
end

-- ---- the legend ----

local function width_of(text)
  return 34 + core.pixel_width(text) + 16
end

-- A text as lines that fit into so many pixels.
local function fitting(entry, room)
  local function fits(text) return width_of(text) <= room end
  if fits(entry.text) then return { entry.text } end
  local cut = core.cut_middle(entry.short or entry.text, math.max(room - 50, 30), "…",
    core.pixel_width)
  return not entry.curve and core.wrap_at_commas(entry.text, fits) or { cut }
end

-- Gives each entry its lines and place; returns how many rows there are.
local function place_legend(entries, left, right)
  local x, row = left, 1
  for _, entry in ipairs(entries) do
    entry.lines = fitting(entry, right - left)
    local width = width_of(entry.lines[1])
    if x > left and x + width > right then x, row = left, row + 1 end
    entry.x, entry.row = x, row
    x = x + width
    if #entry.lines > 1 then x, row = right, row + #entry.lines - 1 end
  end
  return #entries > 0 and row or 0
end

local samples = {
  bad = function(x, y) return cross(x, y) end,
  up = function(x, y) return arrow(x, y - 4, 7) end,
  down = function(x, y) return arrow(x, y + 4, -7) end,
  none = function() return nil end,
}

function Picture:legend(entries, top, several)
  for _, entry in ipairs(entries) do
    local x, y = entry.x, top + 18 * entry.row - 8
    local colour = entry.curve and (entry.look - 1) % COLOURS + 1 or not several and 1
    self:add('<g class="%s">', colour and "k" .. colour or "any")
    if samples[entry.draw] then
      self.parts[#self.parts + 1] = samples[entry.draw](x + 13, y)
    else
      local ended = entry.draw == "ended"
      local class = ended and " diverged" or entry.draw and " " .. entry.draw
        or under_class(self.under[entry.curve])
      self:add('<path class="line%s" d="M%s %sh%d"/>', class, number(x), number(y),
        ended and 18 or 26)
      if ended then self.parts[#self.parts + 1] = cross(x + 21, y) end
      if entry.curve and several then
        self.parts[#self.parts + 1] = shape(entry.look, x + 13, y)
      end
    end
    for i, line in ipairs(entry.lines) do self:text(x + 33, y + 18 * i - 14, line) end
    self:add '</g>'
  end
end

-- ---- the whole ----

local function widest(ticks)
  local most = 0
  for _, tick in ipairs(ticks) do most = math.max(most, #tick.text) end
  return most * LETTER
end

local MOST_TOLD = 8 -- marks

-- In words, for who can't see it.
local function describe(curves, labels)
  local names = {}
  for _, curve in ipairs(curves) do names[#names + 1] = curve.name end
  local low, high = core.plot_bounds(curves, "y", false)
  local text = #names > 0 and table.concat(names, ", ") or labels.y or "a curve"
  if labels.x then text = text .. " by " .. labels.x end
  if low then
    text = ("%s; from %s to %s"):format(text, core.number_text(low), core.number_text(high))
  end
  local told = {}
  for _, curve in ipairs(curves) do
    for _, mark in ipairs(curve.marks) do told[#told + 1] = mark.text end
  end
  if #told > MOST_TOLD then
    told[MOST_TOLD] = ("and %d more"):format(#told - MOST_TOLD + 1)
  end
  return table.concat({ text, table.unpack(told, 1, MOST_TOLD) }, "; ")
end

-- Axes, legend and the places of all.
local function lay_out(curves, labels, options)
  local log = options.log or ""
  local width, height = options.width or WIDTH, options.height or HEIGHT
  local p = setmetatable({ parts = {}, width = width }, Picture)
  p.y = core.plot_y_scale(curves, log:find "y" ~= nil, options, height // 45)
  p.x = core.plot_x_scale(curves, log:find "x" ~= nil, options, width // 100)
  p.left, p.right = math.max(18 + widest(p.y.ticks) + (labels.y and 18 or 0),
    options.margin or 0), width - 24
  p.entries = core.legend_entries(curves, p.y, labels.y)
  for _, entry in ipairs(p.entries) do
    entry.look = entry.curve and (curves[entry.curve].look or entry.curve)
  end
  local rows = place_legend(p.entries, p.left, p.right)
  p.height = height + 18 * math.max(rows - FREE_ROWS, 0)
  p.legend_top = options.title and 34 or 10
  p.top = p.legend_top + 18 * rows + 8
  p.bottom = p.height - 28 - (labels.x and 20 or 0)
  return p
end

-- The curves as SVG, and how high it has become. options: title, log ("y", "x", "xy"), width,
-- height (a long legend adds to it), inline (true: the page around it has core.svg_style()), ask
-- (true: the pointer is told values).
function core.plot_svg(curves, labels, options)
  local several = #curves > 1
  local p = lay_out(curves, labels, options)
  local said = (options.title or labels.y or "curves") .. ": " .. describe(curves, labels)
  p:add('<svg xmlns="http://www.w3.org/2000/svg"%s viewBox="0 0 %d %d" width="%d" height="%d" '
    .. 'class="plot" role="img" aria-label="%s">', options.at and (' y="%d"'):format(options.at)
    or "", p.width, p.height, p.width, p.height, escape(said))
  if not options.inline then
    p:add("<style>%s</style>", core.svg_style())
    p:add('<path class="ground" d="M0 0H%dV%dH0z"/>', p.width, p.height)
  end
  if options.title then
    local title = core.cut_middle(core.harmless_word(options.title), (p.right - p.left) / TITLE,
      "…", core.pixel_width)
    p:text(p.left, 22, title, ' class="title"')
  end
  p.under, p.shared = core.covered_curves(curves, p)
  p:axes(labels)
  p:legend(p.entries, p.legend_top, several)
  for i, curve in ipairs(curves) do p:curve(i, curve, several) end
  p:flags(curves)
  for _, curve in ipairs(options.ask and curves or {}) do p:answers(curve, #curves) end
  p:add "</svg>"
  return table.concat(p.parts, "\n") .. "\n", p.height
end

local PANEL_HEIGHT, PANEL_MARGIN = 220, 90

-- Panels { curves =, labels =, options = } one above the other, over the same x.
function core.plot_svg_panels(panels, options)
  if #panels == 1 then
    return core.plot_svg(panels[1].curves, panels[1].labels, panels[1].options)
  end
  local width, range = options.width or WIDTH, core.panels_range(panels)
  local each = options.height and options.height // #panels or PANEL_HEIGHT
  local parts, top = {}, 0
  for n, panel in ipairs(panels) do
    local shown = setmetatable({ height = each, inline = true, at = top, x_range = range,
      margin = PANEL_MARGIN }, { __index = panel.options })
    if n > 1 then shown.title = false end
    local label = n < #panels and { y = panel.labels.y } or panel.labels
    local svg, height = core.plot_svg(panel.curves, label, shown)
    parts[n], top = svg, top + height
  end
  local head = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" '
    .. 'height="%d" class="plot">\n<style>%s</style>\n<path class="ground" d="M0 0H%dV%dH0z"/>\n')
    :format(width, top, width, top, core.svg_style(), width, top)
  return head .. table.concat(parts, "\n") .. "\n</svg>\n"
end
