-- plot_points.lua: of the points { x, y } of a line, in pixels, those that are seen.
local lander = ...
local core = lander.core

local MANY = 2560 -- points; of fewer none is left out for its column

-- Of many points in one column of pixels: the first, the lowest, the highest and the last.
function core.thin_points(points)
  if #points <= MANY then return points end
  local result, i = {}, 1
  while i <= #points do
    local column, low, high = math.floor(points[i][1]), i, i
    local last = i
    while points[last + 1] and math.floor(points[last + 1][1]) == column do
      last = last + 1
      if points[last][2] < points[low][2] then low = last end
      if points[last][2] > points[high][2] then high = last end
    end
    local seen
    for _, k in ipairs { i, math.min(low, high), math.max(low, high), last } do
      if k ~= seen then result[#result + 1] = points[k] end
      seen = k
    end
    i = last + 1
  end
  return result
end

local function distance(p, a, b)
  local dx, dy = b[1] - a[1], b[2] - a[2]
  local length = math.sqrt(dx * dx + dy * dy)
  if length == 0 then return math.sqrt((p[1] - a[1]) ^ 2 + (p[2] - a[2]) ^ 2) end
  return math.abs((p[1] - a[1]) * dy - (p[2] - a[2]) * dx) / length
end

local INVISIBLE = 0.1 -- pixels that a line may be off

-- Points that the line through their neighbours passes anyway are left out (Ramer 1972,
-- Douglas and Peucker 1973).
function core.simplify_points(points)
  local keep = { [1] = true, [#points] = true }
  local parts = { { 1, #points } }
  while #parts > 0 do
    local part = table.remove(parts)
    local worst, most = nil, INVISIBLE
    for i = part[1] + 1, part[2] - 1 do
      local d = distance(points[i], points[part[1]], points[part[2]])
      if d > most then worst, most = i, d end
    end
    if worst then
      keep[worst] = true
      parts[#parts + 1] = { part[1], worst }
      parts[#parts + 1] = { worst, part[2] }
    end
  end
  local result = {}
  for i, point in ipairs(points) do
    if keep[i] then result[#result + 1] = point end
  end
  return result
end
