-- lander.plot: axes, curves, SVG, text, and the pictures in doc/.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"
local core, fails = lander.core, support.fails

local function texts(scale)
  local list = {}
  for i, tick in ipairs(scale.ticks) do list[i] = tick.text end
  return table.concat(list, " ")
end

local function svg(...)
  local path = support.folder() .. "/x.svg"
  local arguments = table.pack(...)
  arguments[#arguments].to = path
  lu.assertEquals(lander.plot(table.unpack(arguments)), path)
  return support.read(path)
end

local function text(...)
  local path = support.folder() .. "/x.txt"
  local arguments = table.pack(...)
  arguments[#arguments].to = path
  lander.plot(table.unpack(arguments))
  return support.read(path)
end

local function count(s, pattern)
  return select(2, s:gsub(pattern, ""))
end

local function row(iter, loss, attempt)
  return { event = "train", iter = iter, loss = loss, rate = 0.1 / attempt, attempt = attempt }
end

-- ---- axes ----

TestPlotScale = {}

function TestPlotScale.test_ticks_are_nice_numbers()
  local function ticks(low, high, n, tight)
    return texts(core.new_scale(low, high, { ticks = n or 5, tight = tight }))
  end
  lu.assertEquals(ticks(0, 3499, 6, true), "0 1,000 2,000 3,000")
  lu.assertEquals(ticks(0, 1), "0 0.2 0.4 0.6 0.8 1.0")
  lu.assertEquals(ticks(-0.013, 0.021), "-0.02 -0.01 0 0.01 0.02 0.03")
  lu.assertEquals(ticks(0, 3.2e-7), "0 1e-7 2e-7 3e-7 4e-7")
  lu.assertEquals(ticks(0, 4e9), "0 1e9 2e9 3e9 4e9")
  lu.assertEquals(ticks(95, 99), "95 96 97 98 99")
  lu.assertEquals(ticks(1, 99), "0 20 40 60 80 100") -- 0 is near, so it is shown
  lu.assertEquals(ticks(5, 5), "0 2 4 6 8")
  lu.assertEquals(ticks(0, 0), "-1.0 -0.5 0 0.5 1.0")
  lu.assertEquals(ticks(nil, nil), "") -- nothing is there to be measured
  lu.assertTrue(#core.new_scale(-1.7e308, 1.7e308, { ticks = 5 }).ticks > 1)
end

-- There is no half of an iteration.
function TestPlotScale.test_whole_numbers()
  local function ticks(low, high, n)
    return texts(core.new_scale(low, high, { ticks = n or 5, tight = true, whole = true }))
  end
  lu.assertEquals(ticks(0, 1), "0 1")
  lu.assertEquals(ticks(1, 1), "0 1 2")
  lu.assertEquals(ticks(0, 3), "0 1 2 3")
  lu.assertEquals(ticks(0, 60, 3), "0 20 40 60")
end

function TestPlotScale.test_log_ticks()
  local function ticks(low, high, n)
    return texts(core.new_scale(low, high, { ticks = n or 5, log = true }))
  end
  lu.assertEquals(ticks(1e-5, 1e-2), "1e-5 0.0001 0.001 0.01")
  lu.assertEquals(ticks(0.3, 7), "0.2 0.5 1 2 5 10") -- within two decades
  lu.assertEquals(ticks(1e-12, 1), "1e-12 1e-9 1e-6 0.001 1")
  lu.assertEquals(ticks(3, 3), "2 3 4 5") -- 2 and 5 alone would be few
  lu.assertEquals(ticks(0.03, 0.4, 2), "0.02 0.05 0.1 0.2 0.5") -- so would 0.1 alone
  lu.assertEquals(ticks(2e5, 6e8, 3), "1e6 1e7 1e8 1e9") -- and every second power
end

-- Of one label nothing can be read off, and two that are the same say nothing.
function TestPlotScale.test_every_axis_has_several_labels()
  local middle = 1e-7
  for n = 1, 24 do
    middle = 3.7 * middle
    for _, width in ipairs { 1e-6, 1e-3, 0.05, 0.4, 0.7, 0.95, 1.9 } do
      for _, options in ipairs { { ticks = 2 }, { ticks = 3 }, { ticks = 5, tight = true },
        { ticks = 3, log = true, tight = true }, { ticks = 5, log = true } } do
        local low, high = middle * (1 - width), middle * (1 + width)
        if options.log then low, high = middle / (1 + width) ^ n, middle * (1 + width) ^ n end
        local scale, seen = core.new_scale(low, high, options), {}
        local said = ("%g to %g, %d ticks: %s"):format(low, high, options.ticks, texts(scale))
        lu.assertTrue(#scale.ticks >= math.min(options.ticks, 3) and #scale.ticks <= 9, said)
        for _, tick in ipairs(scale.ticks) do
          lu.assertNil(seen[tick.text], said)
          seen[tick.text] = true
        end
      end
    end
  end
end

-- Axes end at 1e300, those of logarithms also at 1e-300; what is beyond leaves the picture.
function TestPlotScale.test_axes_end_before_numbers_do()
  local function log(low, high)
    return texts(core.new_scale(low, high, { ticks = 4, log = true }))
  end
  lu.assertEquals(log(5e-324, 1), "1e-300 1e-225 1e-150 1e-75 1")
  lu.assertEquals(log(5e-324, 1e-320), "5e-301 1e-300 2e-300")
  lu.assertEquals(log(1e301, 1.7e308), "5e299 1e300 2e300")
  lu.assertEquals(log(1e-320, 1e305), "1e-300 1e-150 1 1e150 1e300")
  local function linear(low, high)
    return texts(core.new_scale(low, high, { ticks = 3 }))
  end
  lu.assertEquals(linear(1.5e308, 1.7e308), "0 5e299 1e300 1.5e300")
  lu.assertEquals(linear(0, 5e-324), "-1 0 1")
  lu.assertEquals(linear(5e-324, 1e-310), "-1 0 1")
  local scale = core.new_scale(1e-320, 1e305, { ticks = 4, log = true })
  lu.assertAlmostEquals(core.scale_place(scale, 1), 0.5, 1e-12)
  lu.assertTrue(core.scale_place(scale, 5e-324) < 0)
  lu.assertTrue(core.scale_place(scale, 1e305) > 1)
  local s = text { 0.01, 5e-324, 1, 1e307, log = true }
  lu.assertStrContains(s, "left the picture, up to 1e307")
  lu.assertStrContains(s, "left the picture, down to 4.941e-324")
  lu.assertStrContains(s, "▼")
  s = text { 1.5e308, -1.5e308 } -- through the whole picture
  lu.assertStrContains(s, "left the picture, up to 1.5e308")
  lu.assertStrContains(s, "left the picture, down to -1.5e308")
end

function TestPlotScale.test_places()
  local scale = core.new_scale(0, 10, { ticks = 5 })
  lu.assertEquals(core.scale_place(scale, 5), 0.5)
  lu.assertEquals(core.scale_place(scale, 15), 1.5)
  lu.assertEquals(core.scale_place(scale, -1), -0.1)
  lu.assertEquals(core.scale_place(scale, 1e300), 1e6) -- far enough
  local log = core.new_scale(1, 100, { ticks = 5, log = true })
  lu.assertAlmostEquals(core.scale_place(log, 10), 0.5, 1e-12)
  lu.assertFalse(core.scale_holds(log, 0))
  lu.assertFalse(core.scale_holds(scale, 0 / 0))
end

-- ---- SVG ----

TestPlotSvg = {}

function TestPlotSvg.test_numbers_become_one_line()
  local s = svg { 1, 4, 9, 16, title = "squares" }
  lu.assertStrContains(s, ">squares</text>")
  lu.assertEquals(count(s, 'class="line"'), 1)
  lu.assertStrContains(s, 'aria-label="squares: ')
  -- From the left edge at the bottom (1 of 20) to the right one.
  lu.assertStrMatches(s, '.*class="line" d="M%d+%.?%d* [%d.]+L.*L616 [%d.]+".*', 1, #s)
end

function TestPlotSvg.test_points_that_change_nothing_are_left_out()
  local s = svg(function(t) return t < 1000 and 1 or 0.1 end, { range = { 0, 3499 } })
  local line = s:match 'class="line" d="M([^"]+)"'
  lu.assertEquals(count(line, "L"), 3) -- four corners
  lu.assertTrue(#svg(lander.rand(100000), {}) < 60000)
end

-- The lowest and the highest of many points are still there.
function TestPlotSvg.test_a_spike_among_many_points_is_drawn()
  local y = lander.zeros(50000)
  y[30000], y[40000] = 10, -10
  local line = svg(y, {}):match 'class="line" d="M([^"]+)"'
  local low, high = math.huge, -math.huge
  for at in line:gmatch " ([%d.]+)" do
    low, high = math.min(low, tonumber(at)), math.max(high, tonumber(at))
  end
  lu.assertTrue(high - low > 250, line)
end

function TestPlotSvg.test_what_is_not_finite_is_a_gap_with_a_mark()
  local s = svg { 1, 2, 0 / 0, 0 / 0, 3, 4, 1 / 0, 5, 6, -1 / 0 }
  lu.assertEquals(count(s, 'class="line" d'), 3)
  lu.assertEquals(count(s, "<title>"), 3) -- one for the two that stand side by side
  lu.assertStrContains(s, "<title>nan from 3 to 4</title>")
  lu.assertStrContains(s, "<title>inf at 7</title>")
  lu.assertStrContains(s, "<title>-inf at 10</title>")
  lu.assertStrContains(s, ">nan from 3 to 4, inf at 7, -inf at 10</text>")
  s = svg { 1, 0 / 0, 2, 0 / 0, 2, 0 / 0, 2, 0 / 0, 5 }
  lu.assertStrContains(s, ">not finite 4 times</text>")
end

function TestPlotSvg.test_several_have_names_shapes_and_colours()
  local s = svg({ 1, 2, 3 }, { 3, 2, 1 }, { names = { "up", "down" } })
  lu.assertStrContains(s, ">up</text>")
  lu.assertStrContains(s, ">down</text>")
  lu.assertStrContains(s, '<g class="k2">')
  lu.assertTrue(count(s, "<circle") >= 2) -- legend and curve
  s = svg(lander.rand(3, 5), {})
  lu.assertStrContains(s, ">row 3</text>")
end

-- Names differ at the end. A long legend doesn't leave the curves without room.
function TestPlotSvg.test_long_names_and_long_legends()
  lu.assertEquals(core.cut_middle("abcdefghij", 10, "…"), "abcdefghij")
  lu.assertEquals(core.cut_middle("abcdefghij", 6, "…"), "ab…hij")
  lu.assertEquals(core.cut_middle("äöüäöüäöü", 5, ".."), "ä..öü")
  lu.assertEquals(core.cut_middle("abcdef\xff", 5, ".."), "a..f\xff")
  local s = svg(lander.rand(20, 5), { width = 300, height = 160 })
  local high = tonumber(s:match 'height="(%d+)"')
  local top, bottom = s:match 'class="frame" d="M[%d.]+ ([%d.]+)V([%d.]+)H'
  lu.assertTrue(bottom - top > 70 and bottom + 0 < high, s:sub(1, 200))
  s = svg({ 1, 2 }, { 2, 1 }, { names = { ("long "):rep(50) .. "A", ("long "):rep(50) .. "B" },
    title = ("title "):rep(50) .. "C" })
  lu.assertStrMatches(s, ".*>long [^<]*…[^<]* A</text>.*>long [^<]*…[^<]* B</text>.*")
  lu.assertStrMatches(s, ".*>title [^<]*…[^<]* C</text>.*")
  local panels = svg({ history = { row(1, 2, 1), row(2, 1, 1) } }, lander.rand(10, 4),
    { what = { "loss", "rate" }, width = 200 })
  local total, first, second = panels:match
    'height="(%d+)".-height="(%d+)".-<svg [^>]-height="(%d+)"'
  lu.assertEquals(total + 0, first + second)
  lu.assertTrue(first + 0 > 220)
end

-- Letters of East Asia are wide; signs that turn a line are told, not obeyed.
function TestPlotSvg.test_names_of_all_scripts()
  local names = { ("漢"):rep(200), "a\u{202e}b\u{85}\n", "שלום" }
  local s = svg({ 1, 2 }, { 2, 1 }, { 3, 1 }, { names = names })
  local first = s:match ">(漢[^<]*…[^<]*漢)</text>"
  lu.assertTrue(13 * utf8.len(first) < 640, first)
  lu.assertStrContains(s, ">a\\226\\128\\174b\\194\\133\\n</text>")
  lu.assertStrContains(s, ">שלום</text>")
  local t = text({ 1, 2 }, { 2, 1 }, { 3, 1 }, { names = names, width = 40 })
  local width = core.text_width(t:match "[^\n]+")
  lu.assertTrue(width > 35 and width <= 40, width)
  lu.assertEquals({ core.text_width "漢字x", core.text_width "\255\255" }, { 5, 2 })
  lu.assertEquals({ core.cut_middle("漢字漢字x", 6, ".."), core.cut_middle("abcdef", 4, "…") },
    { "漢..x", "a…ef" })
  local stack = "e" .. ("\u{301}"):rep(200) .. "f"
  lu.assertEquals(core.with_few_marks(stack), "e\u{301}\u{301}\u{301}f")
  -- Broad letters take more room than others.
  lu.assertTrue(core.pixel_width "mW" > 2 * core.pixel_width "il")
  s = svg({ 1, 2 }, { 2, 1 }, { names = { ("W"):rep(44), "b" } })
  local first_row, second = s:match 'y="(%d+)">W.-y="(%d+)">b<'
  lu.assertEquals(first_row - second, -18) -- no room for both on one line
end

function TestPlotSvg.test_names_are_escaped()
  local s = svg({ 1, 2 }, { 2, 1 }, { names = { "<script>&\"", "a\0b\255" }, title = "<&>" })
  lu.assertStrContains(s, "&lt;script&gt;&amp;&quot;")
  lu.assertStrContains(s, ">a\\000b\\255</text>")
  lu.assertNil(s:find("<script", 1, true))
  lu.assertEquals(core.escape_xml "a\u{ffff}\u{fffe}\u{fffd}", "a??\u{fffd}") -- no XML
end

function TestPlotSvg.test_log_leaves_out_what_has_no_logarithm()
  local s = svg { 10, 100, 0, 1000, 10, log = true }
  lu.assertEquals(count(s, 'class="line" d'), 2)
  lu.assertStrContains(s, ">1000</text>")
end

function TestPlotSvg.test_x_of_its_own()
  local s = svg({ x = { 10, 20, 40 }, y = lander.tensor { 1, 2, 3 }, name = "a" }, {})
  lu.assertStrContains(s, ">40</text>")
  s = svg({ 1, 2, 3 }, { x = { 0.001, 0.1, 10 }, log = "x" })
  lu.assertStrContains(s, ">0.001</text>")
end

function TestPlotSvg.test_a_range_of_y()
  local s = svg { 1, 2, 1000, 3, y_range = { 0, 4 } }
  lu.assertStrContains(s, ">4.0</text>")
  lu.assertNil(s:find(">1,000</text>", 1, true))
  lu.assertStrContains(s, ">left the picture, up to 1,000</text>")
  s = svg { 1, -50, 1, y_range = { 0, 4 } }
  lu.assertStrContains(s, ">left the picture, down to -50</text>")
end

function TestPlotSvg.test_a_line_is_cut_at_the_border()
  local function cut(...)
    local points = {}
    for i, y in ipairs { ... } do points[i] = { 10.0 * i, y } end
    local pieces, exits = core.clip_line(points, 0, 10)
    return { pieces, exits }
  end
  lu.assertEquals(cut(1, 9), { { { { 10, 1 }, { 20, 9 } } }, {} })
  lu.assertEquals(cut(5, 15, 5), { { { { 10, 5 }, { 15, 10 } }, { { 25, 10 }, { 30, 5 } } },
    { { x = 15, to = 10 } } })
  lu.assertEquals(cut(-5, 15), { { { { 12.5, 0 }, { 17.5, 10 } } },
    { { x = 10, to = 0 }, { x = 17.5, to = 10 } } })
  lu.assertEquals(cut(20, 30, 40), { {}, { { x = 10, to = 10 } } })
  lu.assertEquals(cut(0, 10), { { { { 10, 0 }, { 20, 10 } } }, {} }) -- the border is inside
  lu.assertEquals(cut(7), { { { { 10, 7 } } }, {} })
end

-- One large value leaves no trace in means of values behind it, and sums may be too large.
function TestPlotSvg.test_smoothing_forgets()
  local function smooth(n, ...)
    return core.plot_curves({ { ... } }, { smooth = n })[1].stretches[1].y
  end
  lu.assertEquals(smooth(2, 1e20, 1, 1, 2), { 1e20, (1e20 + 1) / 2, 1, 1.5 })
  lu.assertEquals(smooth(3, 1, 2, 3, 4, 5, 6, 7), { 1, 1.5, 2, 3, 4, 5, 6 })
  lu.assertEquals(smooth(1, 1, 2), { 1, 2 })
  lu.assertEquals(smooth(2, 1.5e308, 1.5e308), { 1.5e308, 1.5e308 })
end

function TestPlotSvg.test_smoothing_is_the_mean_of_the_last()
  local curves = core.plot_curves({ { 1, 3, 0 / 0, 5, 7 } }, { smooth = 2 })
  lu.assertEquals(curves[1].stretches[1].y, { 1, 2 })
  lu.assertEquals(curves[1].stretches[2].y, { 4, 6 })
end

function TestPlotSvg.test_same_bytes_again()
  local function once() return svg({ 1, 5, 2 }, { 3, 3, 3 }, { title = "x" }) end
  lu.assertEquals(once(), once())
end

function TestPlotSvg.test_errors()
  fails("give it what is to be drawn", lander.plot)
  fails("give it what is to be drawn", lander.plot, {})
  fails("a function needs a range", lander.plot, math.sin)
  fails("a function needs a range", lander.plot, math.sin, { range = { 1, 0 / 0 } })
  fails("for 0 it returned a nil", lander.plot, function() end, { range = { 0, 1 } })
  fails("must end in .svg", lander.plot, { 1, 2, to = "x.png" })
  fails("did you mean 'title'", lander.plot, { 1, 2, titel = "x" })
  fails("number 2 is a string", lander.plot, { 1, "x" })
  fails("3 values and 2 places", lander.plot, { 1, 2, 3 }, { x = { 1, 2 } })
  fails("x must be finite", lander.plot, { 1, 2 }, { x = { 1, 0 / 0 } })
  fails("found 2x2x2", lander.plot, lander.rand(2, 2, 2))
  fails("more than 24", lander.plot, lander.rand(30, 2))
  fails("log must be", lander.plot, { 1, 2, log = "z" })
  fails("width must be from 200", lander.plot, { 1, 2, width = 3, to = "x.svg" })
  fails("style must be", lander.plot, { 1, 2, style = "crayon" })
  fails("thing 1 is a boolean", lander.plot, true)
  fails("thing 1 is nil", lander.plot, nil, { 1 })
  fails("can't write '/no/such/x.svg'", lander.plot, { 1, 2, to = "/no/such/x.svg" })
  fails("y_range = { low, high }", lander.plot, { 1, 2, y_range = { 2, 1 } })
  fails("and above 0", lander.plot, { 1, 2, y_range = { 0, 1 }, log = true })
  fails("unknown option 'z'", lander.plot, { { y = { 1, 2 }, z = 3 } })
end

-- ---- text ----

TestPlotText = {}

function TestPlotText.test_a_line_in_braille()
  lu.assertEquals(text { 0, 1, 2, 3, 4, width = 24, height = 5 }, [[
4 ┤                ⣀⠤⠒⠉
  │            ⢀⡠⠔⠉
2 ┤        ⢀⡠⠔⠊⠁
  │   ⢀⡠⠤⠒⠉⠁
0 ┤⡠⠔⠊⠁
  └─────┬────────┬─────
        2        4
]])
end

function TestPlotText.test_in_ascii()
  local s = text { 0, 1, 2, 3, 4, width = 30, height = 6, style = "ascii" }
  lu.assertNil(s:find "[\x80-\xff]")
  lu.assertEquals(count(s, "%*"), 26) -- one dot a column
end

function TestPlotText.test_no_line_is_wider_than_asked()
  for _, width in ipairs { 20, 31, 80, 200 } do
    local s = text({ 1e-8, 1e8, 1 / 0 }, { 3, 2, 1 },
      { names = { ("long "):rep(40), "x" }, title = ("word "):rep(50), width = width, log = true })
    for line in s:gmatch "[^\n]+" do
      lu.assertTrue(utf8.len(line) <= width, ("%d: %s"):format(width, line))
    end
  end
end

function TestPlotText.test_several_have_letters()
  local s = text(lander.arange(1, 20), lander.arange(20, 1, -1),
    { names = { "up", "down\27[31m" } })
  lu.assertStrContains(s, "a up  b down\\027[31m")
  local rows = s:gsub("^[^\n]*", "")
  lu.assertTrue(count(rows, "a") > 1)
  lu.assertTrue(count(rows, "b") > 1)
end

function TestPlotText.test_marks()
  lu.assertStrContains(text { 1, 0 / 0, 2 }, "× nan at 2")
end

-- What a pipe gets: no colours, and only ASCII where the locale has no more.
function TestPlotText.test_into_a_pipe()
  local code = "require 'lander'.plot({ 1, 5, 2, 9 }, { 2, 2 })"
  local function run(variables)
    local under = "env -u LC_ALL -u LC_CTYPE -u LANG " .. variables
    return support.run({ "-e", code }, { under = under }).out
  end
  lu.assertNil(run("LANG=C"):find "[\27\x80-\xff]")
  local s = run "LANG=de_DE.UTF-8"
  lu.assertNotNil(s:find "[\x80-\xff]")
  lu.assertNil(s:find "\27")
end

-- script(1) gives it a terminal.
function TestPlotText.test_in_a_terminal()
  if not os.execute "command -v script >/dev/null" then lu.skip "there is no script(1) here" end
  local function run(variables, columns)
    local code = "require 'lander'.plot({ 1, 2 }, { 2, 1 })"
    local command = ('stty cols %d; env %s %s -e "%s"'):format(columns, variables,
      support.executable, code)
    return support.run({ "-qec", command, "/dev/null" }, { program = "script" }).out
  end
  local s = run("LC_ALL=C.UTF-8 TERM=xterm NO_COLOR=", 40)
  lu.assertStrContains(s, "\27[36m")
  for line in s:gsub("\27%[%d+m", ""):gmatch "[^\r\n]+" do lu.assertTrue(utf8.len(line) <= 40) end
  s = run("LC_ALL=C.UTF-8 TERM=xterm NO_COLOR=1", 40)
  lu.assertNil(s:find "\27")
  lu.assertStrContains(s, "┤")
  lu.assertNil(run("LC_ALL=C.UTF-8 TERM=dumb", 40):find "[\27\x80-\xff]")
end

-- ---- runs ----

TestPlotRuns = {}

local function journal(rows)
  local lines = {}
  for i, event in ipairs(rows) do lines[i] = core.json(event) .. "\n" end
  return support.write(support.folder() .. "/run.jsonl", table.concat(lines))
end

-- Two attempts: the first went to 400, the second goes on from 200.
local function retried()
  return {
    { event = "start", iter = 0, attempt = 1 },
    row(100, 2.0, 1), row(200, 1.5, 1), row(300, 3.0, 1), row(400, 0 / 0, 1),
    { event = "diverged", iter = 412, rule = "R1", loss = 0 / 0, attempt = 1 },
    { event = "retry", iter = 412, back_to = 200, attempt = 2 },
    row(300, 1.2, 2), row(400, 1.0, 2),
    { event = "test", iter = 400, loss = 1.1, accuracy = 0.6, attempt = 2 },
    { event = "end", status = "finished", iter = 400, attempt = 2 },
  }
end

function TestPlotRuns.test_an_abandoned_attempt_branches_off()
  local curves, labels = core.plot_curves({ journal(retried()) }, {})
  lu.assertEquals(labels, { x = "iteration", y = "loss" })
  lu.assertEquals(#curves, 2)
  local loss, test = curves[1], curves[2]
  lu.assertEquals(loss.name, "loss")
  lu.assertEquals(loss.stretches, {
    { x = { 200, 300 }, y = { 1.5, 3 }, gone = "diverged",
      text = "attempt 1 diverged at 412: loss nan (rule R1)" },
    { x = { 100, 200, 300, 400 }, y = { 2, 1.5, 1.2, 1 } },
  })
  lu.assertEquals(#loss.marks, 2)
  lu.assertEquals(loss.marks[1], { x = 412, text = "attempt 1 diverged at 412: loss nan (rule R1)",
    short = "412 (nan)", diverged = true, from = 200 })
  lu.assertEquals(loss.marks[2].text, "nan at 400")
  lu.assertEquals(test.stretches, { { x = { 400 }, y = { 1.1 } } })
  lu.assertEquals(core.plot_curves({ journal(retried()) }, { what = "rate" })[1].stretches[2].y,
    { 0.1, 0.1, 0.1, 0.05, 0.05, 0.05 }) -- with a step
end

function TestPlotRuns.test_what_diverged_is_dashed_and_ends_in_a_cross()
  local path = journal(retried())
  local s = svg(path, { title = "a run" })
  lu.assertStrContains(s, 'class="line diverged"')
  lu.assertStrContains(s, ">diverged at 412 (nan)</text>")
  lu.assertStrContains(s, "attempt 1 diverged at 412: loss nan (rule R1)")
  lu.assertStrContains(text(path, {}), "╌╌× diverged at 412 (nan)")
end

-- A rate that diverged at 4 and one that diverged at 7, before there was a row; then trials of
-- 0.01 (kept), 0.003 and 0.001, which go back to the start.
local function searched(over)
  local rows = { { event = "start", iter = 0, loss = 2, attempt = 1 },
    { event = "diverged", iter = 4, rule = "R1", loss_is = "nan", rate = 1, base_lr = 1,
      attempt = 1 },
    { event = "retry", iter = 4, back_to = 0, attempt = 2 },
    { event = "diverged", iter = 7, rule = "R3", loss = 45024.2, rate = 0.1, base_lr = 0.1,
      attempt = 2 },
    { event = "retry", iter = 7, back_to = 0, attempt = 3 } }
  local function trial(attempt, rate, first, mean, best)
    for k = 1, 3 do
      rows[#rows + 1] = { event = "train", iter = 100 * k, loss = first / k, rate = rate,
                          attempt = attempt }
    end
    rows[#rows + 1] = { event = "trial", iter = 300, base_lr = rate, loss = mean, is_best = best,
                        back_to = 0, attempt = attempt + 1 }
  end
  trial(3, 0.01, 1.2, 0.5, true)
  trial(4, 0.003, 1.5, 0.6, false)
  trial(5, 0.001, 1.8, 0.7, false)
  for k = 1, over and 6 or 2 do
    rows[#rows + 1] = { event = "train", iter = 100 * k, loss = 1.2 / k, rate = 0.01, attempt = 6 }
  end
  return rows
end

-- What lost is told from what diverged and from what was kept, which did the same twice.
function TestPlotRuns.test_trials()
  local function outcomes(rows)
    local list = {}
    for i, trial in ipairs(core.trials_of(rows)) do
      list[i] = ("%d %s"):format(trial.attempt, trial.outcome)
    end
    return table.concat(list, ", ")
  end
  lu.assertEquals(outcomes(searched(true)), "3 kept, 4 lost, 5 lost")
  lu.assertEquals(outcomes(searched(false)), "3 best so far, 4 lost, 5 lost")
  -- The last one is the best: the training goes on from it, and may diverge later.
  local rows = searched(false)
  rows[#rows - 2].is_best, rows[#rows - 2].back_to, rows[#rows - 2].attempt = true, nil, 5
  rows[#rows], rows[#rows - 1] = nil, { event = "diverged", iter = 350, rule = "R4", attempt = 5 }
  rows[#rows + 1] = { event = "retry", iter = 350, back_to = 200, attempt = 6 }
  lu.assertEquals(outcomes(rows), "3 lost, 4 lost, 5 kept")
  local last = core.plot_curves({ journal(rows) }, { what = "loss" })[1].stretches[4]
  lu.assertEquals({ last.gone, last.x }, { "diverged", { 200, 300 } })

  local path = journal(searched(true))
  local loss = core.plot_curves({ path }, { what = "loss" })[1]
  local said = {}
  for i, stretch in ipairs(loss.stretches) do
    said[i] = ("%s %d-%d"):format(stretch.gone or "kept", stretch.x[1], stretch.x[#stretch.x])
  end
  lu.assertEquals(said, { "diverged 0-7", "trial 0-300", "trial 0-300", "kept 100-600" })
  lu.assertEquals(loss.stretches[2].text, "trial at 0.003, lost: mean loss 0.6")
  local s = svg(path, { what = "loss" })
  lu.assertEquals({ count(s, 'class="line trial"'), count(s, 'class="line diverged"') }, { 3, 2 })
  lu.assertStrContains(s, ">trials at 0.003, 0.001, lost</text>")
  lu.assertStrContains(s, "<title>trial at 0.003, lost: mean loss 0.6</title>")
  lu.assertStrContains(text(path, { what = "loss" }), "┈┈ trials at 0.003, 0.001, lost")
  lu.assertStrContains(text(path, path, {}), "┈┈ trials at 0.003, 0.001, lost") -- told once
  lu.assertStrContains(text(journal(searched(false)), { what = "loss" }),
    "┈┈ trials at 0.01, 0.003, 0.001\n")
end

-- Attempts that had no row are there: the loss and the rate with which they ended.
function TestPlotRuns.test_attempts_without_a_row()
  local path = journal(searched(true))
  local told = "diverged at 4 (nan), 7 (45,024)"
  lu.assertStrContains(svg(path, { what = "loss" }), (">%s</text>"):format(told))
  lu.assertStrContains(text(path, { what = "loss" }), "╌╌× " .. told)
  local rate = core.plot_curves({ path }, { what = "rate" })[1]
  lu.assertEquals({ rate.marks[1].x, rate.marks[1].y }, { 4, 1 })
  lu.assertEquals({ rate.marks[2].x, rate.marks[2].y }, { 7, 0.1 })
  for _, stretch in ipairs(rate.stretches) do lu.assertNotEquals(stretch.gone, "diverged") end
  local s = svg(path, { what = "rate" })
  lu.assertStrContains(s, ">diverged at 4 (1), 7 (0.1)</text>")
  lu.assertStrContains(s, ">1</text>") -- on the axis, though what counts is at 0.01
end

-- What is far off leaves the picture, with an arrow, and doesn't run along its border; what is
-- near is in it, and what counts keeps half of it.
function TestPlotRuns.test_what_is_gone_has_its_place()
  local function run(far)
    return journal { { event = "start", iter = 0, attempt = 1 },
      row(100, 2.0, 1), row(200, 1.0, 1), row(300, far, 1), row(350, far, 1), row(400, 1.5, 1),
      { event = "retry", iter = 410, back_to = 200, attempt = 2 },
      row(300, 0.8, 2), row(400, 0.6, 2) }
  end
  local function axis(path, log)
    local y = core.plot_y_scale(core.plot_curves({ path }, { what = "loss" }), log, {}, 5)
    return y.low .. " to " .. y.high
  end
  lu.assertEquals(axis(run(3.1)), "0.0 to 4.0")
  lu.assertEquals(axis(run(300)), "0.5 to 2.0")
  lu.assertEquals(axis(run(18), true), "0.5 to 20.0")
  lu.assertEquals(axis(run(300), true), "0.5 to 2.0")
  local near, far = svg(run(3.1), { what = "loss" }), svg(run(300), { what = "loss" })
  lu.assertNil(near:find("left the picture", 1, true))
  lu.assertStrContains(far, ">left the picture, up to 300</text>")
  lu.assertEquals(count(far, "l4 7h%-8z"), 2) -- in the legend, and where it left
  lu.assertStrMatches(far, '.*class="line diverged" d="M[%d.]+ [%d.]+L[%d.]+ [%d.]+M[%d.]+ [%d.]+L'
    .. '[%d.]+ [%d.]+"/>.*') -- out and in again
  lu.assertStrContains(text(run(300), { what = "loss" }), "▲ left the picture, up to 300")
  lu.assertEquals(count(text(run(300), { what = "loss", style = "ascii" }), "%^"), 2)
end

-- Nothing to see is said, and what stands alone is seen.
function TestPlotRuns.test_runs_with_little_in_them()
  local start = { event = "start", iter = 0, attempt = 1 }
  lu.assertEquals(count(text(journal { start, row(100, 1.2, 1) }, {}), "•"), 1)
  local nan = {}
  for i = 1, 5 do nan[i] = row(10 * i, 0 / 0, 1) end
  local s = text(journal(nan), {})
  lu.assertStrContains(s, "× nan from 10 to 50\n")
  lu.assertStrContains(s, " 50\n") -- on the axis
  lu.assertNil(s:find "┤") -- and no values on the other
  s = text(journal { row(10, 0, 1), row(20, 0, 1), row(30, 1, 1) }, { log = true })
  lu.assertStrContains(s, "  2 not above 0, without a logarithm\n")
  for line in text(journal(searched(true)), { width = 20 }):gmatch "[^\n]+" do
    lu.assertTrue(utf8.len(line) <= 20, line)
  end
  lu.assertStrContains(text(journal(searched(true)), { width = 20 }), "╌╌× 2 diverged\n")
  -- What is told one by one takes several lines rather than being left out.
  lu.assertStrContains(text(journal(searched(true)), { width = 30 }),
    "  ╌╌× diverged at 4 (nan),\n      7 (45,024)\n  ┈┈ trials at 0.003, 0.001,\n     lost\n")
  s = svg(journal(searched(true)), { width = 290 })
  lu.assertStrMatches(s, '.*>diverged at 4 %(nan%),</text>.*>7 %(45,024%)</text>.*')
end

-- A run that diverged for good: all that there is to see is what led there, on an axis that holds
-- it; the loss of the untrained net is where it began, once.
function TestPlotRuns.test_a_run_that_diverged_for_good()
  local rows = { { event = "start", iter = 0, loss = 2.5, attempt = 1 }, row(0, 2.5, 1),
    { event = "test", iter = 0, loss = 2.6, attempt = 1 },
    { event = "diverged", iter = 4, rule = "R1", loss_is = "nan", base_lr = 10, attempt = 1,
      before = { 2.4, 30, 4000, 5e6 } },
    { event = "end", status = "diverged", iter = 0, attempt = 1 } }
  local curves = core.plot_curves({ journal(rows) }, {})
  lu.assertEquals(curves[1].stretches, { { x = { 0, 1, 2, 3 }, y = { 2.5, 30, 4000, 5e6 },
    gone = "diverged", text = "attempt 1 at base_lr 10 diverged at 4: loss nan (rule R1)" } })
  lu.assertEquals(curves[1].marks[1].short, "4 (nan)")
  lu.assertTrue(core.only_gone(curves))
  local s = text(journal(rows), { what = "loss" })
  lu.assertStrMatches(s, ".*╌╌× diverged at 4 %(nan%)\n.*1e6 ┤.*10000 ┤.*")
  lu.assertStrContains(svg(journal(rows), {}), ">1e6</text>")
  -- It was resumed since: then it is a curve like others.
  rows[#rows + 1] = { event = "start", iter = 4, attempt = 1 }
  rows[#rows + 1] = row(5, 1, 1)
  lu.assertEquals(core.attempts_of(rows)[1].last, math.huge)
end

-- Losses before a divergence go on from the last row, whose attempt branches off where the next
-- one began.
function TestPlotRuns.test_the_losses_before_a_divergence()
  local loss = core.plot_curves({ journal { row(0, 3, 1), row(10, 2, 1), row(20, 1.5, 1),
    { event = "diverged", iter = 24, rule = "R3", loss = 99, attempt = 1,
      before = { 1, 1, 1, 1, 1, 7, 8, 9 } },
    { event = "retry", iter = 24, back_to = 10, attempt = 2 }, row(20, 1.4, 2) } },
    { what = "loss" })[1]
  lu.assertEquals(loss.stretches[1].x, { 10, 20, 21, 22, 23, 24 })
  lu.assertEquals(loss.stretches[1].y, { 2, 1.5, 7, 8, 9, 99 })
  lu.assertEquals(loss.stretches[2].x, { 0, 10, 20 })
end

-- Each attempt from the start has a row for it; what counts is the last one's.
function TestPlotRuns.test_every_attempt_from_the_start_begins_there()
  local rate = core.plot_curves({ journal { row(0, 3, 1),
    { event = "diverged", iter = 2, rule = "R1", loss_is = "nan", rate = 0.1, attempt = 1 },
    { event = "retry", iter = 2, back_to = 0, attempt = 2 }, row(0, 3, 2), row(20, 1.4, 2) } },
    { what = "rate" })[1]
  lu.assertEquals(rate.stretches[1].x, { 0, 2 })
  lu.assertEquals({ rate.stretches[2].x, rate.stretches[2].y }, { { 0, 20 }, { 0.05, 0.05 } })
end

-- The legend names no trial of which nothing is in the picture.
function TestPlotRuns.test_a_trial_that_is_not_seen_is_not_named()
  local rows = searched(true)
  for _, r in ipairs(rows) do
    if r.event == "train" and r.attempt == 4 then r.loss = 1000 * r.loss end
  end
  lu.assertStrContains(text(journal(rows), { what = "loss" }), "┈┈ trial at 0.001, lost")
end

-- Rows as lander.train writes them are read at once; that is no other reading.
function TestPlotRuns.test_rows_are_read_as_json_is()
  local lines = {
    '{"event":"train","attempt":2,"iter":5,"loss":0.5,"rate":1e-05}',
    '{"event":"train","attempt":1,"iter":6,"loss":-3,"rate":0}',
    '{"event":"train","attempt":1,"iter":7,"loss":1-2,"rate":0.1}', -- no number
    '{"event":"train","attempt":1,"iter":8,"loss":null,"loss_is":"nan","rate":0.1}',
    '{"event":"train","attempt":1,"iter":9,"loss":0.25,"rate":0.1', -- torn
  }
  local events = core.read_journal(support.write(support.folder() .. "/x.jsonl",
    table.concat(lines, "\n")))
  local expected = {}
  for _, line in ipairs(lines) do
    local ok, event = pcall(core.read_json, line)
    expected[#expected + 1] = ok and event or nil
  end
  lu.assertEquals({ #events, events }, { 3, expected })
  lu.assertEquals(math.type(events[2].loss), "integer")
end

-- A killed run writes some rows again: those behind the snapshot that it goes on from.
function TestPlotRuns.test_rows_of_a_resumed_run_come_once()
  local rows = {
    { event = "start", iter = 0, attempt = 1 },
    row(100, 2.0, 1), { event = "snapshot", iter = 100, attempt = 1 }, row(200, 1.5, 1),
    { event = "diverged", iter = 250, rule = "R3", loss = 9, attempt = 1 },
    { event = "retry", iter = 250, back_to = 0, attempt = 2 }, row(100, 7, 2),
    { event = "start", iter = 100, attempt = 1, resumed = "x_iter_100.npz" },
    row(200, 1.5, 1), row(300, 1.2, 1),
  }
  local curves = core.plot_curves({ journal(rows) }, {})
  lu.assertEquals(#curves, 1)
  lu.assertEquals(curves[1].stretches, { { x = { 100, 200, 300 }, y = { 2, 1.5, 1.2 } } })
  lu.assertEquals(curves[1].marks, {})
end

-- A real one, from the table and from its journal.
function TestPlotRuns.test_a_run_that_diverged()
  local prefix = support.folder() .. "/line"
  local nn, x = lander.nn, lander.arange(-1, 1, 1 / 32):view(-1, 1)
  local run = lander.train {
    net = nn.net { nn.input { 1 }, nn.linear { 1 } }, data = lander.data.tensors(x, x:mul(3)),
    batch_size = 16, loss = "mse_loss", quiet = true, display = 5, snapshot_prefix = prefix,
    solver = { base_lr = 100, max_iter = 60 },
  }
  lu.assertEquals(run.status, "finished")
  lu.assertTrue(run.retries > 0)
  local of_table = svg(run, { title = "a line" })
  lu.assertEquals(of_table, svg(prefix .. ".jsonl", { title = "a line" }))
  lu.assertEquals(count(of_table, "<g><title>attempt %d+ at base_lr [^ ]+ diverged"), run.retries)
end

-- What differs by decades has axes of its own, one above the other, over the same iterations.
function TestPlotRuns.test_panels()
  local run = { history = {}, events = {} }
  for i = 1, 40 do
    run.history[i] = { event = "train", iter = 10 * i, loss = 2 / i, attempt = 1,
                       rate = i <= 20 and 0.1 or 0.0001 }
  end
  for i = 1, 4 do
    run.events[i] = { event = "test", iter = 100 * i, loss = 3 / i, accuracy = 0.2 * i,
                      attempt = 1 }
  end
  local what = { "loss", "rate", "test_loss", "accuracy" }
  local picture = svg(run, { what = what, title = "all" })
  lu.assertEquals({ count(picture, "<svg "), count(picture, 'role="img"') }, { 4, 3 })
  lu.assertEquals(count(picture, ">all</text>"), 1)
  lu.assertEquals(count(picture, ">iteration</text>"), 1)
  lu.assertStrContains(picture, 'y="440"') -- the third panel's place
  lu.assertStrContains(picture, ">0.0001</text>") -- the rate has a logarithmic axis
  lu.assertStrContains(picture, ">test loss</text>") -- beside the loss, in its panel
  local lines = text(run, { what = what, style = "ascii" })
  lu.assertEquals({ count(lines, "a loss  b test loss\n"), count(lines, "\n  rate\n"),
    count(lines, "\n  accuracy\n"), count(lines, "\n +%+[+-]+\n") },
    { 1, 1, 1, 3 })
  local margin
  for line in lines:gmatch "[^\n]+" do
    local at = line:find "[|+]"
    if at then
      margin = margin or at
      lu.assertEquals({ line, at }, { line, margin }) -- one above the other
    end
  end
  -- A linear axis of rates where that is asked for; other things are in the first panel.
  lu.assertNil(svg(run, { what = "rate", log = false }):find(">0.0001</text>", 1, true))
  lu.assertStrContains(svg(run, { what = "rate" }), ">0.0001</text>")
  picture = svg(run, { 1, 2, 3 }, { what = { "loss", "rate" }, names = { "r", "numbers" } })
  lu.assertEquals(count(picture, ">numbers</text>"), 1)
  -- What a run does not have is left out.
  lu.assertEquals(count(svg({ history = run.history }, { what = { "loss", "accuracy" } }),
    'role="img"'), 1)
  fails("there is nothing to draw", svg, { history = {} }, { what = { "loss", "accuracy" } })
end

function TestPlotRuns.test_several()
  local path = journal(retried())
  local curves = core.plot_curves({ path, path }, { names = { "first", "second" } })
  lu.assertEquals(#curves, 2)
  lu.assertEquals(curves[2].name, "second")
  curves = core.plot_curves({ path, path }, { what = { "loss", "accuracy" } })
  lu.assertEquals(curves[4].name, "run: accuracy")
  -- As the command line has it, without the ending.
  local named = (path:gsub("%.jsonl$", ""))
  lu.assertEquals(#core.plot_curves({ named }, {}), #core.plot_curves({ path }, {}))
end

function TestPlotRuns.test_errors()
  fails("there is no journal '/no/such'", lander.plot, "/no/such")
  local path = support.write(support.folder() .. "/x.jsonl", "hello\n")
  fails("no line of it is a JSON object", lander.plot, path)
  fails("did you mean 'accuracy'", lander.plot, journal(retried()), { what = "acuracy" })
  fails("the run has no accuracy; it has loss, rate", lander.plot,
    journal { row(1, 2, 1) }, { what = "accuracy" })
end

-- A journal is a file like others: nothing in it may break a picture.
function TestPlotRuns.test_a_hostile_journal()
  local path = journal {
    row(100, 2.0, 1), { event = "train", iter = "x", loss = {} }, { event = "train", loss = 1 },
    { event = "train", iter = 200, loss = "<b>", attempt = 1 },
    { event = "train", iter = 1e308, loss = 1e308, attempt = 1 },
    { event = "retry", back_to = {}, attempt = 10 },
    { event = "retry", back_to = 1, attempt = 1e9 },
    { event = "diverged", iter = 5, rule = { "<" }, attempt = "y" },
    { event = "start", resumed = true, iter = 1e300 },
  }
  lu.assertStrContains(svg(path, {}), "</svg>")
end

-- ---- the pictures of doc/solver.md ----

TestCurves = {}

-- doc/curves.lua writes what is there, byte for byte; every schedule has its picture, and the
-- page shows it.
function TestCurves.test_pictures_are_up_to_date()
  local folder = support.folder()
  local r = support.run { "doc/curves.lua", folder }
  lu.assertEquals(r.status, 0, r.err)
  local page = support.read "doc/solver.md"
  local names = { "warmup", "plateau_loss", "diverging", "dead" }
  for _, schedule in ipairs(core.describe "schedule") do names[#names + 1] = schedule.name end
  for _, name in ipairs(names) do
    local now = support.read(("doc/curves/%s.svg"):format(name))
    lu.assertTrue(now == support.read(("%s/%s.svg"):format(folder, name)),
      name .. ".svg is not what build/lander doc/curves.lua draws")
    lu.assertTrue(#now < 16000, name)
    lu.assertStrContains(page, ("](curves/%s.svg)"):format(name))
  end
end
