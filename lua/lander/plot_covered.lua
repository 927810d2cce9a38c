-- plot_covered.lua: which curves lie under others that are the same: those are drawn broader, so
-- that both are seen.
local lander = ...
local core = lander.core

local SAMPLE, SAME, MOST = 200, 1, 3 -- points that are compared, pixels that are none, broader ones

-- The points of a curve that count and have a place, in pixels.
local function points_of(curve, picture)
  local list = {}
  for _, stretch in ipairs(curve.stretches) do
    for _, piece in ipairs(stretch.gone and {} or picture:pieces(stretch)) do
      table.move(piece, 1, #piece, #list + 1, list)
    end
  end
  return list
end

local function by_place(points)
  local map = {}
  for _, point in ipairs(points) do map[point[1]] = point[2] end
  return map
end

-- Whether half of the points and more are those of another curve.
local function is_covered(points, map)
  local every, looked, same = math.max(#points // SAMPLE, 1), 0, 0
  for i = 1, #points, every do
    local other = map[points[i][1]]
    looked = looked + 1
    if other and math.abs(other - points[i][2]) <= SAME then same = same + 1 end
  end
  return looked > 1 and 2 * same >= looked
end

-- Of each curve how many of the later ones lie on it (at most MOST), and whether it shares its
-- place with any: two lists.
function core.covered_curves(curves, picture)
  local points, maps, under, shared = {}, {}, {}, {}
  for i, curve in ipairs(curves) do
    points[i] = points_of(curve, picture)
    maps[i], under[i], shared[i] = by_place(points[i]), 0, false
  end
  for i = 1, #curves do
    for k = i + 1, #curves do
      if is_covered(points[i], maps[k]) then
        under[i], shared[i], shared[k] = math.min(under[i] + 1, MOST), true, true
      end
    end
  end
  return under, shared
end
