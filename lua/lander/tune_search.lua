-- tune_search.lua: which options lander.tune tries: all of a grid, or some drawn at random; and
-- with how much of the budget (successive halving).
local lander = ...
local core = lander.core

local fail = core.tune_fail

-- ---- one option's values ----

local scalar = { number = true, string = true, boolean = true }

local function is_value(value)
  if type(value) ~= "table" then return scalar[type(value)] end
  for key, item in pairs(value) do
    if math.type(key) ~= "integer" or not scalar[type(item)] then return false end
  end
  return #value > 0 and not core.has_hole(value)
end

-- A value for people, and for a command line.
function core.value_text(value)
  if type(value) == "table" then
    local items = {}
    for i, item in ipairs(value) do items[i] = core.value_text(item) end
    return table.concat(items, ",")
  end
  return type(value) == "number" and ("%.6g"):format(value) or tostring(value)
end

local function read_list(name, given)
  local seen, list = {}, {}
  for key in pairs(given) do
    if math.type(key) ~= "integer" then
      fail("search.%s: unknown word '%s'; a list of values has no names, a range is { low, high, "
        .. "log = true or false, points = n }", name, tostring(key))
    end
  end
  if #given == 0 or core.has_hole(given) then
    fail("search.%s: a list of values, or a range { low, high, log = true }, is needed", name)
  end
  for i, value in ipairs(given) do
    if not is_value(value) then
      fail("search.%s: value %d is a %s; numbers, texts, true, false and lists of them are "
        .. "searched", name, i, type(value))
    end
    local text = core.json(value, true)
    if seen[text] then fail("search.%s: %s is there twice", name, core.value_text(value)) end
    seen[text], list[i] = true, value
  end
  return { name = name, list = list }
end

-- `own`: the script's value. Between whole numbers lie whole numbers, where that is one too.
local function read_range(name, given, own)
  local low, high, points = given[1], given[2], given.points
  for key in pairs(given) do
    if key ~= 1 and key ~= 2 and key ~= "log" and key ~= "points" then
      fail("search.%s: a range is { low, high, log = true or false, points = n }, found '%s'",
        name, tostring(key))
    end
  end
  if not (type(low) == "number" and type(high) == "number" and low < high
    and core.is_finite(low) and core.is_finite(high)) then
    fail("search.%s: a range goes from a number to a higher one, found %s to %s", name,
      tostring(low), tostring(high))
  elseif given.log ~= nil and type(given.log) ~= "boolean" then
    fail("search.%s: log must be true or false", name)
  elseif given.log and low <= 0 then
    fail("search.%s: a range with log = true begins above 0, found %s", name,
      core.number_text(low))
  elseif points ~= nil and (math.type(points) ~= "integer" or points < 2) then
    fail("search.%s: points must be an integer from 2, found %s", name, tostring(points))
  end
  return { name = name, low = low, high = high, log = given.log or false, points = points,
           whole = math.type(low) == "integer" and math.type(high) == "integer"
             and math.type(own) ~= "float" }
end

-- The value that a table of tables has under a name such as "solver.momentum".
local function find(base, name)
  for part in name:gmatch "[^.]+" do
    if type(base) ~= "table" then return nil end
    base = base[part]
  end
  return base
end

-- The search as a list of { name =, list = } and { name =, low =, high =, log =, points =,
-- whole = }, by name. base: the script's options.
function core.read_search(search, base)
  local axes = {}
  for key in pairs(search) do
    if type(key) ~= "string" then fail("search: options have names, found an entry without one") end
  end
  for i, name in ipairs(core.sorted_keys(search)) do
    local given = search[name]
    if type(given) ~= "table" then
      fail("search.%s must be a list of values or a range { low, high, log = true }, found a %s",
        name, type(given))
    end
    local is_range = given.log ~= nil or given.points ~= nil
    axes[i] = (is_range and read_range or read_list)(name, given, find(base, name))
  end
  if #axes == 0 then fail("search is empty: nothing is tried") end
  return axes
end

-- The value at `part` (0 to 1) of a range: fractions with three digits, so that they can be
-- typed again. `high` may be a little more than the range's, for whole numbers that are cut.
local function at(axis, part, high)
  local low = axis.low
  local value = axis.log and low * (high / low) ^ part or low + part * (high - low)
  if not axis.whole then value = tonumber(("%.3g"):format(value)) end
  return math.max(low, math.min(axis.high, axis.whole and math.floor(value) or value))
end

-- ---- grid ----

local function grid_values(axis)
  if axis.list then return axis.list end
  if not axis.points then
    fail("a grid is made of lists: give search.%s points = n, or choose method = \"random\"",
      axis.name)
  end
  local values = {}
  for i = 1, axis.points do
    -- Half a step more, so that cutting is rounding.
    local high = axis.whole and axis.high + 0.5 or axis.high
    local value = at(axis, (i - 1) / (axis.points - 1), high)
    if value ~= values[#values] then values[#values + 1] = value end
  end
  return values
end

local function grid(axes)
  local made = { {} }
  for _, axis in ipairs(axes) do
    local longer = {}
    for _, options in ipairs(made) do
      for _, value in ipairs(grid_values(axis)) do
        local more = { [axis.name] = value }
        for name, old in pairs(options) do more[name] = old end
        longer[#longer + 1] = more
      end
    end
    made = longer
  end
  return made
end

-- ---- random ----

local function draw(axes, uniform)
  local options = {}
  for _, axis in ipairs(axes) do
    local part = uniform()
    if axis.list then
      options[axis.name] = axis.list[math.floor(part * #axis.list) + 1]
    else
      options[axis.name] = at(axis, part, axis.whole and axis.high + 1 or axis.high)
    end
  end
  return options
end

-- How many different ones there are; infinite with a range of fractions.
local function count(axes)
  local n = 1
  for _, axis in ipairs(axes) do
    n = n * (axis.list and #axis.list or axis.whole and axis.high - axis.low + 1 or math.huge)
  end
  return n
end

-- The first n of the endless list that the seed stands for, in which nothing is there twice.
local function random(axes, n, seed)
  if n > count(axes) then
    fail("trials = %d, but there are only %d different ones", n, count(axes))
  end
  for _, axis in ipairs(axes) do
    if axis.points then fail("search.%s: points is for a grid", axis.name) end
  end
  local uniform = core.generator(seed)
  local made, seen, vain = {}, {}, 0
  while #made < n do
    local options = draw(axes, uniform)
    local text = core.json(options, true)
    vain = seen[text] and vain + 1 or 0
    if vain == 0 then made[#made + 1] = options end
    if vain == 10000 then
      fail("trials = %d, but no more than %d different ones were found", n, #made)
    end
    seen[text] = true
  end
  return made
end

-- The options of every trial: a list of tables name -> value.
function core.make_candidates(axes, method, trials, seed)
  if method == "random" and not trials then
    fail("method = \"random\" needs trials, how many are drawn")
  elseif method == "grid" and trials then
    fail("trials is for random and halving; a grid has as many as it has")
  end
  if trials then return random(axes, trials, seed) end
  return grid(axes)
end

-- ---- successive halving ----

-- The budgets of the rungs, from the least to `max`, each `factor` times the one before.
-- K. Jamieson, A. Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter
-- Optimization, 2016; with the budgets as in L. Li et al., Hyperband, 2018.
function core.make_rungs(budget)
  local wrong = core.check_options("lander.tune: budget", budget,
    { min = "number", max = "number", factor = "number" })
  if wrong then error(wrong, 0) end
  local min, max, factor = budget.min, budget.max, budget.factor or 3
  if not (min and max and min > 0 and min < max and core.is_finite(max)) then
    fail("budget goes from min (above 0) to a higher max, found %s and %s", tostring(min),
      tostring(max))
  elseif not (factor > 1 and core.is_finite(factor)) then
    fail("budget.factor must be above 1, found %s", core.number_text(factor))
  end
  local last = math.floor(math.log(max / min) / math.log(factor) + 1e-9)
  if last == 0 then
    fail("budget: from %s to %s there is no step of factor %s", core.number_text(min),
      core.number_text(max), core.number_text(factor))
  end
  local whole = math.type(min) == "integer" and math.type(max) == "integer"
  local rungs = {}
  for i = 0, last do
    local value = max / factor ^ (last - i)
    rungs[i + 1] = whole and math.floor(value + 0.5) or value
  end
  return rungs, factor
end

-- ---- options for a trial ----

-- Tables anew, everything else as it is.
local function copy(value)
  if type(value) ~= "table" then return value end
  local result = {}
  for key, item in pairs(value) do result[key] = copy(item) end
  return result
end

-- `base` with the options laid over it, which have names such as "solver.momentum".
function core.lay_over(base, options)
  local result = copy(base)
  for name, value in pairs(options) do
    local owner = result
    for part in name:gmatch "([^.]+)%." do
      owner[part] = owner[part] or {}
      owner = owner[part]
    end
    owner[name:match "[^.]+$"] = copy(value)
  end
  return result
end
