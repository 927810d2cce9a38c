-- plot_flags.lua: attempts that diverged within a few pixels, such as those of a few iterations
-- before a long run: nobody sees their lines, so each, or a group of them, has a flag with its
-- iteration and loss.
local lander = ...
local core = lander.core

local SHORT, NEAR = 8, 16 -- pixels: of an attempt's line; between flags that are one
local ROWS, HEIGHT = 6, 16 -- lines of texts at an edge, pixels of one
local GAP, STAFF = 8, 14 -- pixels between two texts, from the staff to its text
local MOST_NAMED = 3

-- The groups of a curve's short attempts: { x =, marks = }, from the left.
local function groups_of(curve, px)
  local marks, groups = {}, {}
  for _, mark in ipairs(curve.marks) do
    if mark.diverged and mark.from and px(mark.x) and px(mark.from)
      and px(mark.x) - px(mark.from) < SHORT then
      marks[#marks + 1] = mark
    end
  end
  table.sort(marks, function(a, b) return a.x < b.x end)
  for _, mark in ipairs(marks) do
    local last = groups[#groups]
    if last and px(mark.x) - last.x < NEAR then
      last.marks[#last.marks + 1] = mark
    else
      groups[#groups + 1] = { x = px(mark.x), marks = { mark } }
    end
  end
  return groups
end

-- What may be said of a group, the longest first.
local function texts_of(marks)
  local named = {}
  for i = 1, math.min(#marks, MOST_NAMED) do named[i] = marks[i].short end
  local more = #marks > MOST_NAMED and (" and %d more"):format(#marks - MOST_NAMED) or ""
  local list = table.concat(named, ", ") .. more
  if #marks == 1 then return { "diverged at " .. list, list } end
  return { "diverged at " .. list, ("diverged at %s and %d more"):format(named[1], #marks - 1),
    ("%d diverged, %s to %s"):format(#marks,
    core.iteration_text(marks[1].x), core.iteration_text(marks[#marks].x)),
    ("%d diverged"):format(#marks) }
end

-- Column of pixels -> { highest, lowest } y of what counts there.
local function columns_of(curves, picture)
  local columns = {}
  local function add(x, y)
    local column = columns[x // 1] or { y, y }
    columns[x // 1] = { math.min(column[1], y), math.max(column[2], y) }
  end
  for _, curve in ipairs(curves) do
    for _, stretch in ipairs(curve.stretches) do
      local last
      for _, points in ipairs(stretch.gone and {} or picture:pieces(stretch)) do
        for _, point in ipairs(points) do
          last = last or point
          for x = last[1] // 1 + 1, point[1] // 1 do
            add(x, last[2] + (x - last[1]) / (point[1] - last[1]) * (point[2] - last[2]))
          end
          add(point[1], point[2])
          last = point
        end
        last = nil
      end
    end
  end
  return columns
end

-- The lines on which texts may stand, the best first: from the upper edge down, since losses fall,
-- then from the lower one up: { y = (of the base), edge = (where the staff begins) }.
local function lines_of(picture)
  local lines = {}
  for _, edge in ipairs { { picture.top, 1, 14 }, { picture.bottom, -1, 12 } } do
    for row = 0, ROWS - 1 do
      local y = edge[1] + edge[2] * (edge[3] + HEIGHT * row)
      if y > picture.top + HEIGHT - 4 and y < picture.bottom - 4 then
        lines[#lines + 1] = { y = y, edge = edge[1] }
      end
    end
  end
  return lines
end

-- What texts and curves have taken of a picture.
local Room = {}
Room.__index = Room

function Room:is_free(y, from, to)
  for _, taken in ipairs(self.taken) do
    if math.abs(taken.y - y) < HEIGHT and to + GAP > taken.from and from < taken.to + GAP then
      return false
    end
  end
  return true
end

function Room:is_crossed(y, from, to)
  for x = from // 1, to // 1 do
    local column = self.columns[x]
    if column and column[1] < y + 4 and column[2] > y - HEIGHT + 2 then return true end
  end
  return false
end

-- The best line on which from..to is free, and, unless `crossed`, no curve is; nil: none is.
function Room:find(from, to, crossed)
  for _, line in ipairs(self.lines) do
    if self:is_free(line.y, from, to) and (crossed or not self:is_crossed(line.y, from, to)) then
      return line
    end
  end
end

-- Gives a flag a text, a side and a line where there is room.
function Room:place(flag, width_of, crossed)
  for _, text in ipairs(texts_of(flag.marks)) do
    local width = width_of(text) + STAFF
    for _, side in ipairs { 1, -1 } do
      local from = side > 0 and flag.x or flag.x - width
      local inside = from >= self.left and from + width <= self.right
      local line = inside and self:find(from, from + width, crossed)
      if line then
        table.insert(self.taken, { y = line.y, from = from, to = from + width })
        flag.text, flag.side, flag.y, flag.edge = text, side, line.y, line.edge
        return true
      end
    end
  end
end

-- The flags of a picture { left =, right =, top =, bottom =, pieces = }: { curve = (its number),
-- x =, y = (of the text), edge = (y where the staff begins), text =, side = (1: right of the staff,
-- or -1) }; none where its legend tells as much. px: where an iteration is, nil: nowhere; width_of:
-- of a text, in pixels.
function core.plot_flags(curves, picture, px, width_of)
  local flags = {}
  if core.legend_names_marks(curves) then return flags end
  local room = setmetatable({ left = picture.left, right = picture.right, taken = {},
    lines = lines_of(picture), columns = columns_of(curves, picture) }, Room)
  for i, curve in ipairs(curves) do
    for _, flag in ipairs(curve.whole and {} or groups_of(curve, px)) do
      flag.curve = i
      if room:place(flag, width_of, false) or room:place(flag, width_of, true) then
        flags[#flags + 1] = flag
      end
    end
  end
  return flags
end
