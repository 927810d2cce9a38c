-- plot.lua: lander.plot: curves in the terminal, as SVG, or as text. plot_curves.lua has what
-- can be drawn, plot_scale.lua the axes, plot_svg.lua and plot_text.lua the two pictures.
local lander = ...
local core = lander.core

local known = {
  to = "string", title = "string", what = "string|table", names = "table", range = "table",
  x = "any", log = "boolean|string", smooth = "integer", width = "integer", height = "integer",
  x_label = "string", y_label = "string", style = "string", y_range = "table",
}

local function fail(text, ...)
  error(("lander.plot: " .. text):format(...), 0)
end

local function is_options(value)
  if type(value) ~= "table" then return false end
  local kind = core.plot_kind(value)
  return kind == nil
    or kind == "numbers" and getmetatable(value) == nil and next(value, #value) ~= nil
end

-- { thing, ..., option = } or { 1, 2, 3, option = }: its things join the others.
local function read_table(value, things, options)
  for key, entry in pairs(value) do
    if math.type(key) ~= "integer" then options[key] = entry end
  end
  local entries = table.move(value, 1, #value, 1, {})
  if type(entries[1]) == "number" then entries = { entries } end
  table.move(entries, 1, #entries, #things + 1, things)
end

-- The things that are to be drawn, and the options, of lander.plot(thing, ..., { option = }) or
-- lander.plot { thing, ..., option = }.
local function read_arguments(...)
  local things, options = {}, {}
  local count = select("#", ...)
  for i = 1, count do
    local value = select(i, ...)
    if i == count and is_options(value) then
      read_table(value, things, options)
    elseif value == nil then
      fail("thing %d is nil", i)
    else
      things[i] = value
    end
  end
  return things, options
end

local function check_things(things)
  if #things == 0 then
    fail("give it what is to be drawn: a run, the path of a journal, a tensor, numbers or a "
      .. "function")
  end
  for i, thing in ipairs(things) do
    if not core.plot_kind(thing) then
      fail("thing %d is a %s, expected a run, the path of a journal, a tensor, numbers or a "
        .. "function", i, type(thing))
    end
  end
end

local function read_log(log)
  if log == nil or log == false then return "" end
  if log == true then return "y" end
  if log ~= "x" and log ~= "y" and log ~= "xy" then
    fail("log must be true, \"y\", \"x\" or \"xy\", found '%s'", log)
  end
  return log
end

local function check_y_range(options)
  local range = options.y_range
  if not range then return end
  local low, high = range[1], range[2]
  if not (type(low) == "number" and type(high) == "number" and low < high
    and core.is_finite(high - low) and (low > 0 or not options.log:find "y")) then
    fail("y_range = { low, high } must be two numbers, the first the lower one%s",
      options.log:find "y" and " and above 0" or "")
  end
end

local function check_size(options, name, least, most)
  local size = options[name]
  if size and (size < least or size > most) then
    fail("%s must be from %d to %d, found %d", name, least, most, size)
  end
end

local function read_options(given)
  local wrong = core.check_options("lander.plot", given, known)
  if wrong then error(wrong, 0) end
  local options = {}
  for key, value in pairs(given) do options[key] = value end
  options.log, options.log_given = read_log(given.log), given.log ~= nil
  check_y_range(options)
  options.rows = {}
  if given.to then
    options.kind = given.to:match "%.(%a+)$"
    if options.kind ~= "svg" and options.kind ~= "txt" then
      fail("to = '%s' must end in .svg (a picture) or .txt (as in the terminal)", given.to)
    end
  end
  local svg = options.kind == "svg"
  check_size(options, "width", svg and 200 or 20, svg and 4000 or 500)
  check_size(options, "height", svg and 150 or 5, svg and 4000 or 200)
  return options
end

-- Quantities of runs that share an axis; others differ by decades and have a panel each.
local axis_of = { test_loss = "loss" }

-- { { "loss", "test_loss" }, { "rate" } }: what each panel shows.
local function panels_of(what)
  local panels, by_axis = {}, {}
  for _, word in ipairs(type(what) == "table" and what or { what }) do
    local axis = axis_of[word] or word
    if not by_axis[axis] then
      by_axis[axis] = {}
      panels[#panels + 1] = by_axis[axis]
    end
    table.insert(by_axis[axis], word)
  end
  return panels
end

-- Rates that fell by decades, and losses that went through the roof when there is nothing else,
-- are seen on a logarithmic axis, unless an axis was asked for.
local function with_log(options, what, curves)
  local decades = #what == 1 and what[1] == "rate" or core.only_gone(curves)
  if options.log_given or not (decades and core.suits_log(curves)) then return options end
  return setmetatable({ log = "y" }, { __index = options })
end

-- { { curves =, labels =, options = }, ... }, one above the other. Numbers and functions are in
-- the first; one that has nothing to show is left out.
local function make_panels(things, options)
  local whats, panels, runs = panels_of(options.what), {}, {}
  for i, thing in ipairs(things) do
    if core.plot_kind(thing) == "run" then
      runs[#runs + 1] = { thing, options.names and options.names[i] }
    end
  end
  for n, what in ipairs(#whats > 0 and whats or { false }) do
    local shown = setmetatable({ what = what or nil, may_be_empty = #whats > 1 },
      { __index = options })
    local these = things
    if n > 1 then
      these, shown.names = {}, {}
      for i, run in ipairs(runs) do these[i], shown.names[i] = run[1], run[2] end
    end
    local curves, labels = core.plot_curves(these, shown)
    if #curves > 0 then
      panels[#panels + 1] = { curves = curves, options = with_log(shown, what or {}, curves),
        labels = { x = options.x_label or labels.x, y = options.y_label or labels.y } }
    end
  end
  if #panels == 0 then
    core.plot_nothing(things, type(options.what) == "table" and options.what or { options.what })
  end
  return panels
end

local function prepare(...)
  local things, given = read_arguments(...)
  local options = read_options(given)
  check_things(things)
  return make_panels(things, options), options
end

local function plot(...)
  local panels, options = core.as_usage("plot", prepare, ...)
  if options.kind == "svg" then
    return core.write_text(options.to, core.plot_svg_panels(panels, options))
  end
  local text = core.plot_text_panels(panels, options)
  if options.to then return core.write_text(options.to, text) end
  core.print(text)
end

core.topics.plot = [==[
lander.plot(thing, ..., { options }): curves in the terminal, or in a file. A thing is a run, the
path of a journal, numbers, a tensor, a function (with range), or { x =, y =, name = }.
  to        a file: .svg for a picture, .txt for text
  what      of runs: "loss", "test_loss", "accuracy", "rate", or a list of these
  range     { from, to } of functions
  names, title, x_label, y_label    texts
  log       true, "x", "xy": logarithmic axes;  y_range  { low, high }
  smooth    the mean of so many values
  example: lander.plot("runs/lenet.jsonl", { what = "loss", to = "loss.svg" })]==]

-- lander.plot(thing, ..., options): draws runs, journals (their paths), tensors, numbers and
-- functions. doc/looking.md has the options.
function lander.plot(...)
  local path = core.at_user(plot, ...)
  if path then return path end
end

local results = { plot = true, report = true } -- commands whose result is a file

-- Writes a whole file, so that a full disk costs no older one; returns its path.
function core.write_text(path, text)
  local ok, message = pcall(core.write_file, path, text)
  if ok then return path end
  if results[core.running_command] then core.exit(6, message) end
  error(message, 0)
end
