-- Several runs in one picture: curves that lie on each other, and attempts too short to be seen.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"

local function svg(...)
  local things = { ... }
  local options = type(things[#things]) == "table" and things[#things].options and things[#things]
  if options then things[#things] = nil else options = {} end
  options.options = nil
  options.to = support.folder() .. "/x.svg"
  things[#things + 1] = options
  return support.read(lander.plot(table.unpack(things)))
end

-- A run of 50,000 iterations after attempts { iter, loss, back_to } that diverged.
local function long_run(attempts, loss)
  local run = { history = {}, events = {} }
  for n, a in ipairs(attempts) do
    table.insert(run.events, { event = "diverged", attempt = n, iter = a[1], loss = a[2],
                               rule = "R3" })
    table.insert(run.events, { event = "retry", attempt = n + 1, iter = a[1],
                               back_to = a[3] or 0 })
  end
  for i = 100, 50000, 100 do
    table.insert(run.history, { event = "train", attempt = #attempts + 1, iter = i, rate = 1,
                                loss = (loss or 2) * math.exp(-i / 2e4) })
  end
  return run
end

local function flags(s)
  local list = {}
  for text in s:gmatch '<text [^>]*class="flag"[^>]*>([^<]*)<' do list[#list + 1] = text end
  return list
end

TestPlotTogether = {}

-- The lower ones of curves that are the same are broader, in the legend too; their shapes come in
-- turns.
function TestPlotTogether.test_curves_that_are_the_same()
  local run = long_run {}
  local s = svg(run, run, long_run({}, 3), run)
  local function widths(pattern)
    local list = {}
    for class in s:gmatch(pattern) do list[#list + 1] = class end
    return list
  end
  lu.assertEquals(widths 'class="(line[^"]*)" d="M[%d.]+ [%d.]+h26"',
    { "line under2", "line under1", "line", "line" })
  lu.assertEquals(widths 'class="(line[^"]*)" d="M[%d.]+ [%d.]+L', { "line under2", "line under1",
    "line", "line" })
  local first = s:match '<circle cx="([%d.]+)" [^>]*/>\n<circle'
  local second = s:match 'class="line under1" d="M[^h]-"/>\n<path d="M([%d.]+)'
  lu.assertTrue(math.abs(first - second) > 15, first .. " " .. second)
  lu.assertNil(svg(long_run {}, long_run({}, 3)):find('class="line under', 1, true))
  lu.assertNil(svg({ 1, 2, 3 }, { 3, 2, 1 }):find('class="line under', 1, true))
end

-- A flag for each run's attempts; the legend of the terminal has them too.
function TestPlotTogether.test_short_attempts_of_several_runs()
  local a = long_run { { 3, 4.5e4 }, { 8, 77 }, { 12, 9.8 }, { 30, 5 } }
  local b = long_run({ { 5, 33 } }, 1.5)
  lu.assertEquals(flags(svg(a, b)), { "diverged at 3 (45,000), 8 (77), 12 (9.8) and 1 more",
    "diverged at 5 (33)" })
  lu.assertEquals(flags(svg(a, b, { options = true, width = 300 })),
    { "4 diverged, 3 to 30", "5 (33)" })
  local path = lander.plot(a, b, { to = support.folder() .. "/x.txt", width = 100 })
  local text = support.read(path)
  lu.assertStrContains(text, "× a diverged at 3 (45,000), 8 (77), 12 (9.8) and 1 more\n")
  lu.assertStrContains(text, "× b diverged at 5 (33)\n")
  text = support.read(lander.plot(a, { to = support.folder() .. "/x.txt", width = 100 }))
  lu.assertStrContains(text, "× diverged at 3 (45,000), 8 (77), 12 (9.8) and 1 more\n")
end

-- Of one run with few of them the legend tells as much; of what is long enough to be seen there is
-- no flag, nor of rates, whose axis has them all.
function TestPlotTogether.test_where_no_flag_is_needed()
  lu.assertEquals(flags(svg(long_run { { 3, 4.5e4 }, { 8, 77 } })), {})
  local many = {}
  for i = 1, 5 do many[i] = { 10000, 30 + i } end
  lu.assertEquals(flags(svg(long_run(many))), {})
  for i = 1, 5 do many[i] = { 1233 + i, 30 + i, 1230 } end
  lu.assertEquals(flags(svg(long_run(many))),
    { "diverged at 1,234 (31), 1,235 (32), 1,236 (33) and 2 more" })
  lu.assertEquals(flags(svg(long_run(many), { options = true, what = "rate" })), {})
end

-- Each has its place: no two on each other, none beyond the picture.
function TestPlotTogether.test_flags_have_room()
  local runs = {}
  for i = 1, 6 do
    runs[i] = long_run({ { 2 + i, 50 + i }, { 20000 + i, 60 + i, 20000 },
      { 49999, 9, 49990 } }, 2 + i / 10)
  end
  local s = svg(table.unpack(runs))
  local boxes = {}
  for x, y, anchor, text in s:gmatch
    '<text x="([%d.]+)" y="([%d.]+)" class="flag" text%-anchor="(%a+)">([^<]*)<' do
    local width = 7 * #text
    local from = anchor == "start" and x + 0 or x - width
    boxes[#boxes + 1] = { from, from + width, y + 0, text }
  end
  lu.assertTrue(#boxes >= 12, #boxes)
  for i, a in ipairs(boxes) do
    lu.assertTrue(a[1] > 40 and a[2] < 640, a[4])
    for k = i + 1, #boxes do
      local b = boxes[k]
      lu.assertTrue(a[2] <= b[1] or b[2] <= a[1] or math.abs(a[3] - b[3]) >= 15, a[4] .. b[4])
    end
  end
end
