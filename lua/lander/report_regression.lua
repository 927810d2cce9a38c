-- report_regression.lua: what a page tells of a net whose targets are numbers: what it says of the
-- test data beside what is true, as a picture and as the samples that are furthest off.
local lander = ...
local core = lander.core
core.page = core.page or {} -- report_page.lua fills it
local page = core.page

local MOST_SAMPLES = 10000 -- that are looked at
local MOST_POINTS = 1000   -- of a picture
local MOST_TOLD = 250      -- points that tell what they are
local MOST_COLUMNS = 4     -- of a target, a picture each
local MOST_WORST = 10
local MOST_LETTERS = 24    -- of a target's name beside an axis
local MARGIN = 84

-- The picture twice, with letters of about the same size.
local sizes = { { width = 540, height = 436, class = "broad", ticks = 6 },
                { width = 328, height = 300, class = "narrow", ticks = 3 } }

-- ---- the data ----

-- What the net says of the test data and what is true, in the units of the data outside:
-- { result =, columns = { { said =, is = }, ... }, samples = }; nil where targets are no numbers.
-- `seconds`: when it takes longer, the rest is left out.
local function outcomes(net, data, options)
  local regression = core.new_regression(net, data)
  if not regression then return nil end
  local known, columns, samples = core.about_data(data).normalize, {}, {}
  for i = 1, math.min(regression.columns, MOST_COLUMNS) do columns[i] = { said = {}, is = {} } end
  -- They may lie in the order of their targets, so they are drawn by chance.
  local batches <close> = data:batches { size = options.batch_size, shuffle = true, seed = 1,
                                         augment = options.augment, phase = "test" }
  local began = core.clock()
  for x, y in batches do
    local output = net:predict(x)
    regression:add(output, y)
    if known and known.y_mean then
      output = core.denormalized(output, known.y_mean, known.y_std)
      y = core.denormalized(y, known.y_mean, known.y_std)
    end
    output, y = output:contiguous():view(y:size(1), -1), y:contiguous():view(y:size(1), -1)
    for _, sample in ipairs(batches:samples()) do samples[#samples + 1] = sample end
    for i, column in ipairs(columns) do
      for n = 1, y:size(1) do
        column.said[#column.said + 1], column.is[#column.is + 1] = output[n][i], y[n][i]
      end
    end
    if #samples >= MOST_SAMPLES or core.clock() - began > options.seconds then break end
  end
  return { result = regression:result(), columns = columns, samples = samples, data = data }
end

local function sample_name(found, k)
  return page.sample(found.data, found.samples[k])
end

-- ---- the picture ----

local function px(x)
  return ("%.1f"):format(x):gsub("%.0$", "")
end

local function axes(add, x, y, left, right, top, bottom, name)
  add '<g class="grid">'
  for _, tick in ipairs(y.ticks) do
    add(('<path d="M%d %sH%d"/>'):format(left, px(bottom - core.scale_place(y, tick.at)
      * (bottom - top)), right))
  end
  add "</g>"
  add(('<path class="frame" d="M%d %dV%dH%d"/>'):format(left, top, bottom, right))
  for _, tick in ipairs(y.ticks) do
    add(('<text x="%d" y="%s" text-anchor="end">%s</text>'):format(left - 7,
      px(bottom - core.scale_place(y, tick.at) * (bottom - top) + 4), tick.text))
  end
  for _, tick in ipairs(x.ticks) do
    local at = px(left + core.scale_place(x, tick.at) * (right - left))
    add(('<path class="frame" d="M%s %dv5"/><text x="%s" y="%d" text-anchor="middle">%s</text>')
      :format(at, bottom, at, bottom + 19, tick.text))
  end
  local middle = (top + bottom) // 2
  add(('<text x="%d" y="%d" text-anchor="middle">true%s</text>'):format((left + right) // 2,
    bottom + 40, name))
  add(('<text x="16" y="%d" text-anchor="middle" transform="rotate(-90 16 %d)">predicted%s</text>')
    :format(middle, middle, name))
end

-- Which points are drawn: at most MOST_POINTS, evenly.
local function chosen(count)
  local list = {}
  for k = 1, math.min(count, MOST_POINTS) do
    list[k] = count <= MOST_POINTS and k or k * count // MOST_POINTS
  end
  return list
end

-- Predicted over true, with the line on which both are the same. size: one of `sizes`.
local function scatter(found, column, name, size)
  local low, high = math.huge, -math.huge
  for _, list in ipairs { column.is, column.said } do
    for _, value in ipairs(list) do
      if core.is_finite(value) then low, high = math.min(low, value), math.max(high, value) end
    end
  end
  if low > high then return "" end
  local scale = core.new_scale(low, high, { ticks = size.ticks })
  local parts, left, right, top, bottom = {}, MARGIN, size.width - 40, 12, size.height - 52
  local function add(text) parts[#parts + 1] = text end
  add(('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
    .. 'class="plot %s" role="img" aria-label="predicted over true%s, %s samples, from %s to %s">')
    :format(size.width, size.height, size.width, size.height, size.class, name,
      core.count_text(#column.is), core.amount_text(low), core.amount_text(high)))
  axes(add, scale, scale, left, right, top, bottom, name)
  add(('<path class="line diverged any" d="M%d %dL%d %d"><title>predicted = true</title></path>')
    :format(left, bottom, right, top))
  add '<g class="k1" fill-opacity="0.55">'
  local points = chosen(#column.is)
  for _, k in ipairs(points) do
    local is, said = column.is[k], column.said[k]
    if core.is_finite(is) and core.is_finite(said) then
      local title = #points <= MOST_TOLD and ("<title>%s: predicted %s, true %s</title>"):format(
        sample_name(found, k), core.amount_text(said), core.amount_text(is)) or ""
      add(('<circle cx="%s" cy="%s" r="3.4">%s</circle>'):format(
        px(left + core.scale_place(scale, is) * (right - left)),
        px(bottom - core.scale_place(scale, said) * (bottom - top)), title))
    end
  end
  add "</g></svg>"
  return table.concat(parts)
end

-- ---- the samples that are furthest off ----

local function worst(found, column, caption)
  local order, off = {}, {}
  for k, said in ipairs(column.said) do
    order[k], off[k] = k, math.abs(said - column.is[k])
    if off[k] ~= off[k] then off[k] = math.huge end
  end
  table.sort(order, function(a, b) return off[a] > off[b] or off[a] == off[b] and a < b end)
  local rows = {}
  for i = 1, math.min(#order, MOST_WORST) do
    local k = order[i]
    local is, said = column.is[k], column.said[k]
    rows[i] = { sample_name(found, k), core.amount_text(is), core.amount_text(said),
                core.amount_text(said - is) }
  end
  return page.table(caption, { { "sample", name = true }, { "true", number = true },
    { "predicted", number = true }, { "off by", number = true } }, rows)
end

-- The section of a run's page; nil where targets are no numbers.
function core.report_regression(net, data, options)
  local found = outcomes(net, data, options)
  if not found or #found.samples == 0 then return nil end
  local parts = { page.paragraph(("Of %s test samples: %s."):format(
    core.count_text(#found.samples), core.regression_text(found.result))),
    page.paragraph("Each point is a sample. On the dashed line what was predicted is true; above "
      .. "it it was too much.") }
  for i, column in ipairs(found.columns) do
    local known = found.result.columns[i].name
    known = known and page.cut(core.harmless_word(known), MOST_LETTERS)
    local name = known or #found.result.columns > 1 and "target " .. i or ""
    local label = name ~= "" and " " .. name or ""
    for _, size in ipairs(sizes) do
      parts[#parts + 1] = scatter(found, column, page.escape(label), size)
    end
    parts[#parts + 1] = worst(found, column, ("Furthest off%s"):format(
      name ~= "" and ": " .. name or ""))
  end
  if #found.result.columns > #found.columns then
    parts[#parts + 1] = page.paragraph(("The first %d of %d targets."):format(#found.columns,
      #found.result.columns))
  end
  return table.concat(parts)
end
