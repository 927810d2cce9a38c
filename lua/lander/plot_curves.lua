-- plot_curves.lua: what is to be drawn, whatever it came as, as curves.
--
-- A curve is { name =, stretches = { { x =, y =, gone =, text =, trial = }, ... }, marks = {
-- { x =, to =, y =, text =, short =, diverged =, from = }, ... }, points =, whole = }. All numbers
-- in a stretch are finite; where values were not, there is a gap between two stretches, and a mark
-- (without a y: it has no place). gone: what an attempt did that the run went back from,
-- "diverged" or "trial" (trial = { base_lr =, lost = }); from: where it went back to. whole: the
-- axis holds what is gone too, however far off. iterations: x are whole numbers.
local lander = ...
local core = lander.core

local MOST_CURVES = 24
local MOST_STEPS, SAMPLES = 20000, 1000 -- of a function: whole numbers up to that many, or these

local function fail(text, ...)
  error(("lander.plot: " .. text):format(...), 0)
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
  local curve = core.new_curve(name)
  core.add_points(curve, x, core.smoothed(y, options))
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
  local curve = core.new_curve(name)
  core.add_points(curve, x, core.smoothed(y, options))
  return curve
end

-- ---- runs ----

local quantities = {
  loss = { event = "train", field = "loss", name = "loss" },
  rate = { event = "train", field = "rate", name = "rate", whole = true },
  test_loss = { event = "test", field = "loss", name = "test loss", points = true },
  accuracy = { event = "test", field = "accuracy", name = "accuracy", points = true },
}

-- Whether a row does not count: the run went back to before it, or to the very beginning.
local function is_gone(row, last)
  return row.iter > last or last == 0 and row.event == "train"
end

-- The points of one quantity: those that count, and for each attempt those that don't; `of` tells
-- whose they are.
local function collect(rows, quantity, attempts)
  local kept, gone = { x = {}, y = {}, of = {} }, {}
  for _, row in ipairs(rows) do
    local y = row.event == quantity.event and core.row_value(row, quantity.field)
    if y and row.iter then
      local attempt = row.attempt
      local list = kept
      if is_gone(row, attempts[attempt].last) then
        gone[attempt] = gone[attempt] or { x = {}, y = {}, of = {} }
        list = gone[attempt]
      end
      local i = #list.x + 1
      list.x[i], list.y[i], list.of[i] = row.iter, y, attempt
    end
  end
  return kept, gone
end

-- What is gone begins where it left the curve; a loss of the start, before there is a row, with
-- that of the untrained net.
local function branch(list, kept, from, first)
  if list.x[1] <= from then return end
  for i = #kept.x, 1, -1 do
    if kept.x[i] <= from then
      for _, key in ipairs { "x", "y", "of" } do table.insert(list[key], 1, kept[key][i]) end
      return
    end
  end
  if first and first.iter <= from then
    table.insert(list.x, 1, first.iter)
    table.insert(list.y, 1, first.loss)
  end
end

-- The event of the start, where it tells the loss of the untrained net.
local function first_loss(rows)
  for _, row in ipairs(rows) do
    if row.event == "start" and row.iter == 0 and row.loss then return row end
  end
end

-- The losses before a divergence, one by one, from where the attempt has no row. The loss that
-- update number u is made of, counting from 0, is of the weights after u updates.
local function add_before(list, row, last)
  local first = row.iter - #row.before
  for i, loss in ipairs(row.before) do
    local x = first + i - 1
    if x > (list.x[#list.x] or last) then list.x[#list.x + 1], list.y[#list.y + 1] = x, loss end
  end
end

-- A mark at each divergence, which is the end of what its attempt did, though it has no row.
local function add_divergences(curve, rows, quantity, attempts, gone)
  for _, row in ipairs(rows) do
    if row.event == "diverged" and row.iter then
      local value = core.row_value(row, quantity.field)
      local y = value and core.is_finite(value) and value or nil
      local last = attempts[row.attempt].last
      curve.marks[#curve.marks + 1] = { x = row.iter, y = y, diverged = true,
        from = last <= row.iter and last or nil, text = core.divergence_text(row),
        short = core.iteration_text(row.iter)
          .. (value and (" (%s)"):format(core.short_number(value)) or "") }
      if row.iter > last then
        local list = gone[row.attempt] or { x = {}, y = {}, of = {} }
        if row.before and quantity.field == "loss" then add_before(list, row, last) end
        if y then
          list.x[#list.x + 1], list.y[#list.y + 1] = row.iter, y
          list.of[#list.x] = row.attempt
          list.ended = true
        end
        gone[row.attempt] = #list.x > 0 and list or nil
      end
    end
  end
end

local function run_curve(name, rows, what, options)
  local quantity, attempts = quantities[what], core.attempts_of(rows)
  local kept, gone = collect(rows, quantity, attempts)
  local curve = core.new_curve(name)
  curve.points, curve.whole, curve.iterations = quantity.points, quantity.whole, true
  kept.y = core.smoothed(kept.y, options)
  for _, list in pairs(gone) do list.y = core.smoothed(list.y, options) end
  if quantity.event == "train" then add_divergences(curve, rows, quantity, attempts, gone) end
  local stepped = what == "rate" and not options.smooth and core.rate_stepper(rows, attempts)
  for _, number in ipairs(core.sorted_numbers(gone)) do
    local list, attempt = gone[number], attempts[number]
    -- The training went back to the start with a rate that is kept, and did the same once more.
    if not (attempt.trial and attempt.trial.kept) then
      branch(list, kept, attempt.last, what == "loss" and first_loss(rows))
      if stepped then list = stepped(list) end
      local trial = attempt.trial
      if #list.x > 1 or not list.ended then -- the end alone is its mark
        core.add_points(curve, list.x, list.y, { gone = trial and "trial" or "diverged",
          text = attempt.text, trial = trial })
      end
    end
  end
  if stepped then kept = stepped(kept) end
  core.add_points(curve, kept.x, kept.y)
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
      fail("what = '%s' is unknown%s; a run has loss, test_loss, accuracy, rate", tostring(word),
        core.did_you_mean(tostring(word), core.sorted_keys(quantities)))
    end
  end
  return list
end

-- Whether all that there is of a run is what it went back from, but for its very beginning: then
-- that is what there is to see.
function core.only_gone(curves)
  local low, high, gone = math.huge, -math.huge, false
  for _, curve in ipairs(curves) do
    for _, mark in ipairs(curve.marks) do gone = gone or mark.diverged end
    for _, stretch in ipairs(curve.stretches) do
      for _, x in ipairs(stretch.gone and {} or stretch.x) do
        low, high = math.min(low, x), math.max(high, x)
      end
    end
  end
  return gone and low >= high
end

-- Whether all values are above zero and differ much: then a logarithm shows how they fell.
function core.suits_log(curves)
  local low, high = math.huge, 0
  for _, curve in ipairs(curves) do
    for _, stretch in ipairs(curve.stretches) do
      for _, y in ipairs(stretch.y) do low, high = math.min(low, y), math.max(high, y) end
    end
    for _, mark in ipairs(curve.marks) do
      if mark.y then low, high = math.min(low, mark.y), math.max(high, mark.y) end
    end
  end
  return low > 0 and high > 5 * low
end

-- Whether what counts goes over two decades and more, as a regression's loss may: on another axis
-- most of it would be a line at 0.
function core.goes_over_decades(curves)
  local low, high = math.huge, 0
  for _, curve in ipairs(curves) do
    for _, stretch in ipairs(curve.stretches) do
      for _, y in ipairs(stretch.gone and {} or stretch.y) do
        low, high = math.min(low, y), math.max(high, y)
      end
    end
  end
  return low > 0 and high >= 100 * low
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
  local rows = options.rows and options.rows[run] or core.run_rows(run, not options.smooth)
  if options.rows then options.rows[run] = rows end -- for the next panel
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

-- Where runs have no rows of what is asked for: what they have.
function core.plot_nothing(things, whats)
  local has = {}
  for _, thing in ipairs(things) do
    for _, row in ipairs(kind_of(thing) == "run" and core.run_rows(thing) or {}) do
      for name, quantity in pairs(quantities) do
        if row.event == quantity.event and core.row_value(row, quantity.field) then
          has[name] = true
        end
      end
    end
  end
  local names = table.concat(core.sorted_keys(has), ", ")
  fail("there is nothing to draw: the run has no %s%s", table.concat(whats, ", "),
    names == "" and ", nor other rows" or "; it has " .. names)
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
    core.plot_nothing(things, whats)
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
