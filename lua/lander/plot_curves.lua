-- plot_curves.lua: what is to be drawn, whatever it came as, as curves.
--
-- A curve is { name =, stretches = { { x =, y =, abandoned = }, ... }, marks = { { x =, y =,
-- text = }, ... }, points = }. All numbers in a stretch are finite; where a value was not,
-- there is a gap between two stretches, and a mark (without a y: it has no place).
local lander = ...
local core = lander.core

local MOST_CURVES = 24
local MOST_STEPS, SAMPLES = 20000, 1000 -- of a function: whole numbers up to that many, or these

local function fail(text, ...)
  error(("lander.plot: " .. text):format(...), 0)
end

-- ---- stretches ----

-- Adds the points to the curve: stretches between values that are not finite, and a mark for
-- each row of those.
local function add_points(curve, x, y, abandoned)
  local stretch, bad
  for i = 1, #y do
    if not core.is_finite(y[i]) then
      stretch = nil
      local text = core.number_text(y[i])
      if not (bad and bad.what == text) then
        bad = { x = x[i], what = text,
                text = ("%s at %s"):format(text, core.number_text(x[i])) }
        curve.marks[#curve.marks + 1] = bad
      end
    else
      bad = nil
      if not stretch then
        stretch = { x = {}, y = {}, abandoned = abandoned }
        curve.stretches[#curve.stretches + 1] = stretch
      end
      stretch.x[#stretch.x + 1], stretch.y[#stretch.y + 1] = x[i], y[i]
    end
  end
end

local function new_curve(name)
  return { name = name, stretches = {}, marks = {} }
end

-- The mean of the last n values that are finite; what is not finite stays.
local function smooth(y, n)
  local result, kept, sum, first = {}, {}, 0, 1
  for i, value in ipairs(y) do
    result[i] = value
    if core.is_finite(value) then
      kept[#kept + 1] = value
      sum = sum + value
      if #kept - first >= n then
        sum, first = sum - kept[first], first + 1
      end
      result[i] = sum / (#kept - first + 1)
    end
  end
  return result
end

local function smoothed(y, options)
  return options.smooth and smooth(y, options.smooth) or y
end

-- ---- numbers ----

local tensor_metatable = getmetatable(lander.zeros(1))

local function is_tensor(value)
  return getmetatable(value) == tensor_metatable
end

-- The numbers of a list or of a tensor of one dimension.
local function read_numbers(list, what)
  if is_tensor(list) then
    if list:dim() ~= 1 then
      fail("%s: a tensor of one dimension is a curve, found %s", what, core.size_text(list:size()))
    end
    return list:totable()
  end
  if type(list) ~= "table" then fail("%s must be numbers, found a %s", what, type(list)) end
  for i, value in ipairs(list) do
    if type(value) ~= "number" then
      fail("%s must be numbers, number %d is a %s", what, i, type(value))
    end
  end
  return list
end

local function count_from_one(n)
  local x = {}
  for i = 1, n do x[i] = i end
  return x
end

local function numbers_curve(name, x, y, options)
  x = x and read_numbers(x, "x") or count_from_one(#y)
  if #x ~= #y then fail("there are %d values and %d places for them (x)", #y, #x) end
  for _, place in ipairs(x) do
    if not core.is_finite(place) then
      fail("x must be finite, found %s", core.number_text(place))
    end
  end
  local curve = new_curve(name)
  add_points(curve, x, smoothed(y, options))
  return curve
end

-- ---- functions ----

local function read_range(range)
  local low, high = range and range[1], range and range[2]
  if not (type(low) == "number" and type(high) == "number" and low < high
    and core.is_finite(high - low)) then
    fail("a function needs a range to be drawn on: range = { 0, 1000 }")
  end
  return low, high
end

-- At every whole number, as a schedule is asked, where the range has whole bounds.
local function function_points(range)
  local low, high = read_range(range)
  local x = {}
  if math.type(low) == "integer" and math.type(high) == "integer" and high - low <= MOST_STEPS
    and high - low >= 10 then
    for t = low, high do x[#x + 1] = t end
  else
    for i = 0, SAMPLES do x[#x + 1] = low + (high - low) * i / SAMPLES end
  end
  return x
end

local function function_curve(name, f, options)
  local x, y = function_points(options.range), {}
  for i, at in ipairs(x) do
    y[i] = f(at)
    if type(y[i]) ~= "number" then
      fail("the function must return a number, for %s it returned a %s", core.number_text(at),
        type(y[i]))
    end
  end
  local curve = new_curve(name)
  add_points(curve, x, smoothed(y, options))
  return curve
end

-- ---- runs ----

local quantities = {
  loss = { event = "train", field = "loss", name = "loss" },
  rate = { event = "train", field = "rate", name = "rate" },
  test_loss = { event = "test", field = "loss", name = "test loss", points = true },
  accuracy = { event = "test", field = "accuracy", name = "accuracy", points = true },
}

-- What a row has for a field: a number that is not finite is null in a journal, with a word.
local function value_of(row, field)
  local word = row[field .. "_is"]
  if row[field] == nil and word then
    return word == "nan" and 0 / 0 or word == "-inf" and -math.huge or math.huge
  end
  return row[field]
end

-- For each attempt the last iteration of it that counts: a later one went back to there.
local function last_kept(rows)
  local last, most = {}, 1
  for _, row in ipairs(rows) do most = math.max(most, row.attempt) end
  for attempt = 1, most do last[attempt] = math.huge end
  for _, row in ipairs(rows) do
    if (row.event == "retry" or row.event == "trial") and row.back_to then
      for attempt = 1, row.attempt - 1 do
        last[attempt] = math.min(last[attempt], row.back_to)
      end
    end
  end
  return last
end

-- The points of one quantity: those that count, and for each attempt those that don't.
local function collect(rows, quantity)
  local last = last_kept(rows)
  local kept, abandoned = { x = {}, y = {} }, {}
  for _, row in ipairs(rows) do
    local y = row.event == quantity.event and value_of(row, quantity.field)
    if y and row.iter then
      local attempt = row.attempt
      local list = kept
      if row.iter > last[attempt] then
        abandoned[attempt] = abandoned[attempt] or { x = {}, y = {} }
        list = abandoned[attempt]
      end
      list.x[#list.x + 1], list.y[#list.y + 1] = row.iter, y
    end
  end
  return kept, abandoned, last
end

-- An abandoned stretch begins where it left the curve.
local function branch(list, kept, from)
  for i = #kept.x, 1, -1 do
    if kept.x[i] <= from then
      table.insert(list.x, 1, kept.x[i])
      table.insert(list.y, 1, kept.y[i])
      return
    end
  end
end

local function add_divergences(curve, rows)
  for _, row in ipairs(rows) do
    if row.event == "diverged" and row.iter then
      local y = value_of(row, "loss")
      curve.marks[#curve.marks + 1] = {
        x = row.iter, y = y and core.is_finite(y) and y or nil,
        text = ("attempt %d diverged at %d (rule %s)"):format(row.attempt, row.iter,
          tostring(row.rule)),
      }
    end
  end
end

local function run_curve(name, rows, what, options)
  local quantity = quantities[what]
  local kept, abandoned, last = collect(rows, quantity)
  local curve = new_curve(name)
  curve.points = quantity.points
  kept.y = smoothed(kept.y, options)
  for _, attempt in ipairs(core.sorted_numbers(abandoned)) do
    local list = abandoned[attempt]
    list.y = smoothed(list.y, options)
    branch(list, kept, last[attempt])
    add_points(curve, list.x, list.y, true)
  end
  add_points(curve, kept.x, kept.y)
  if what == "loss" then add_divergences(curve, rows) end
  return #kept.x + #curve.stretches + #curve.marks > 0 and curve or nil
end

function core.sorted_numbers(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

-- Curves of runs { rows =, name =, look = } whose rows are at hand: of one run all quantities in
-- `what`, of several one.
function core.curves_of_rows(runs, what)
  local curves = {}
  for _, run in ipairs(runs) do
    for _, word in ipairs(what) do
      local curve = run_curve(#runs > 1 and run.name or quantities[word].name, run.rows, word, {})
      if curve then
        curve.look = run.look
        curves[#curves + 1] = curve
      end
    end
  end
  return curves, { x = "iteration", y = quantities[what[1]].name }
end

-- The quantities that are asked for; loss and test loss of one run, the loss of several.
local function read_what(what, runs)
  if what == nil then return runs == 1 and { "loss", "test_loss" } or { "loss" } end
  local list = type(what) == "table" and what or { what }
  for _, word in ipairs(list) do
    if not quantities[word] then
      fail("what = '%s'%s: a run has loss, test_loss, accuracy, rate", tostring(word),
        core.did_you_mean(tostring(word), core.sorted_keys(quantities)))
    end
  end
  return list
end

-- Whether all values are above zero and differ much: then a logarithm shows how they fell.
function core.suits_log(curves)
  local low, high = math.huge, 0
  for _, curve in ipairs(curves) do
    for _, stretch in ipairs(curve.stretches) do
      for _, y in ipairs(stretch.y) do low, high = math.min(low, y), math.max(high, y) end
    end
  end
  return low > 0 and high > 5 * low
end

-- ---- all together ----

-- What a thing is: "run", "function", "numbers" (a tensor too), "curve" ({ x =, y = }); nil.
local function kind_of(thing)
  if type(thing) == "string" then return "run" end
  if type(thing) == "function" then return "function" end
  if is_tensor(thing) then return "numbers" end
  if type(thing) ~= "table" then return nil end
  if type(thing.history) == "table" then return "run" end
  if thing.y ~= nil then return "curve" end
  return type(thing[1]) == "number" and "numbers" or nil
end

core.plot_kind = kind_of

local function add_tensor(curves, name, t, options)
  if t:dim() <= 1 then
    curves[#curves + 1] = numbers_curve(name, options.x, read_numbers(t, "a curve"), options)
    return
  elseif t:dim() ~= 2 then
    fail("a tensor of one dimension is a curve, of two a curve a row, found %s",
      core.size_text(t:size()))
  elseif t:size(1) > MOST_CURVES then
    fail("a tensor of %s would be %d curves, more than %d", core.size_text(t:size()), t:size(1),
      MOST_CURVES)
  end
  for i = 1, t:size(1) do
    curves[#curves + 1] = numbers_curve(("%s %d"):format(name or "row", i), options.x,
      t:select(1, i):totable(), options)
  end
end

local function add_run(curves, name, run, whats, alone, options)
  local rows = core.run_rows(run)
  for _, what in ipairs(whats) do
    local word = quantities[what].name
    local full = alone and word or #whats == 1 and name or ("%s: %s"):format(name, word)
    curves[#curves + 1] = run_curve(full, rows, what, options)
  end
end

local function count_runs(things)
  local count = 0
  for _, thing in ipairs(things) do
    if kind_of(thing) == "run" then count = count + 1 end
  end
  return count
end

local function check_curve(curve)
  local wrong = core.check_options("lander.plot: a curve", curve,
    { x = "any", y = "any", name = "string" })
  if wrong then error(wrong, 0) end
end

-- The curves of all things, and what the axes are called where that is known.
function core.plot_curves(things, options)
  local curves, runs = {}, count_runs(things)
  local whats = read_what(options.what, runs)
  for i, thing in ipairs(things) do
    local kind, name = kind_of(thing), options.names and options.names[i]
    if kind == "run" then
      add_run(curves, name or core.run_name(thing, i), thing, whats, #things == 1, options)
    elseif kind == "function" then
      curves[#curves + 1] = function_curve(name, thing, options)
    elseif kind == "curve" then
      check_curve(thing)
      curves[#curves + 1] = numbers_curve(thing.name or name, thing.x or options.x,
        read_numbers(thing.y, "y"), options)
    elseif is_tensor(thing) then
      add_tensor(curves, name, thing, options)
    else
      curves[#curves + 1] = numbers_curve(name, options.x, read_numbers(thing, "a curve"), options)
    end
  end
  if #curves == 0 and not options.may_be_empty then
    fail("there is nothing to draw: the run has no such rows")
  end
  if #curves > MOST_CURVES then
    fail("%d curves are more than can be told apart (%d)", #curves, MOST_CURVES)
  end
  for i, curve in ipairs(curves) do
    curve.name = curve.name or #curves > 1 and ("curve %d"):format(i) or nil
  end
  local labels = runs > 0 and { x = "iteration", y = quantities[whats[1]].name } or {}
  return curves, labels
end
