-- gradients.lua: lander.check_gradients: the gradients that backward makes, beside
-- differences of the objective that forward makes.
--
-- The objective is the net's loss, or for a net without one the output times random
-- numbers, summed (a plain sum would be blind to softmax and normalisation). Central
-- differences: (f(w + h) - f(w - h)) / 2h. Where the two one-sided differences disagree by
-- as much, however small the step, there is a kink (relu, max pooling) at w, and no
-- derivative to compare with: such elements are counted, not judged. Curvature looks
-- alike at one step, but shrinks with it.
local lander = ...
local core = lander.core

local known = { step = "number", tolerance = "number", samples = "integer", seed = "count" }

-- The steps and bounds of each element type. `smaller`: how often a step is tried that is
-- a tenth of the one before. `rounding`: that of the objective, relative.
local defaults = {
  double = { step = 1e-5, tolerance = 1e-6, floor = 1e-3, smaller = 2, rounding = 0x1p-52 },
  float = { step = 1e-2, tolerance = 2e-2, floor = 5e-2, smaller = 1, rounding = 0x1p-23 },
}

local function prepare(net, x, target, options)
  local wrong = core.check_options("lander.check_gradients", options, known)
  if wrong then error(wrong, 0) end
  if getmetatable(net) ~= core.net_metatable then
    error("lander.check_gradients takes a net, an input, a target (or nil) and options", 0)
  end
  for _, name in ipairs { "step", "tolerance" } do
    local value = options[name]
    if value and not (value > 0 and value < 1) then
      error(("lander.check_gradients: %s must be between 0 and 1, found %s"):format(name, value), 0)
    end
  end
  local inputs = type(x) == "table" and table.move(x, 1, #x, 1, {}) or { x }
  for i, input in ipairs(inputs) do
    if type(input) ~= "userdata" then
      error(("lander.check_gradients: input %d is a %s, expected a tensor"):format(i,
        type(input)), 0)
    end
  end
  local check = { net = net, data = inputs, options = options }
  for key, value in pairs(defaults[lander.config().real]) do check[key] = options[key] or value end
  check.inputs = table.move(inputs, 1, #inputs, 1, {})
  if target ~= nil then check.inputs[#inputs + 1] = target end
  return check
end

-- The objective as a function, and its gradients made: those of the loss when there is a
-- target for it, else of a random projection of the output.
local function set_objective(check)
  local net = check.net
  local data = #check.data
  if net:has_loss() and #check.inputs > data then
    check.objective = function() return net:loss(check.inputs) end
    check.objective()
    net:backward()
    return
  end
  local projection = net:forward(check.data):clone():normal_(0, 1)
  check.objective = function() return net:forward(check.data):mul(projection):sum() end
  check.objective()
  net:backward(projection)
end

-- Which of n elements are looked at: all, or `most` of them spread over the whole.
local function chosen(n, most)
  local list = {}
  local count = math.min(n, most or n)
  for i = 1, count do list[i] = 1 + (i - 1) * n // count end
  return list
end

local function relative(a, b, floor)
  local scale = math.max(math.abs(a), math.abs(b), floor)
  return scale > 0 and math.abs(a - b) / scale or math.abs(a - b)
end

-- Whether error a is worse than b; NaN is worse than any number.
local function worse(a, b)
  return b == b and (a ~= a or a > b)
end

-- Differences at element i with step h: central, forward, backward.
local function differences(check, values, i, h, at)
  local w = values[i]
  values[i] = w + h
  local up, up_w = check.objective(), values[i]
  values[i] = w - h
  local down, down_w = check.objective(), values[i]
  values[i] = w
  -- The steps as they are after rounding to the element type.
  return (up - down) / (up_w - down_w), (up - at) / (up_w - w), (at - down) / (w - down_w)
end

-- Whether what one-sided differences differ by, at one step after the other, is a kink:
-- large at every step, and no smaller at the last than at the first. (Half as large it may
-- be: of a kink beside w the last step sees less than the first.)
local function is_kink(gaps, tolerance)
  return math.min(table.unpack(gaps)) > 10 * tolerance and gaps[#gaps] > 0.4 * gaps[1]
end

-- The error of one element, or nil at a kink.
local function element_error(check, values, i, gradient, floor, at)
  local h = check.step * math.max(1, math.abs(values[i]))
  local first, gaps = nil, {}
  for _ = 0, check.smaller do
    local central, forward, backward = differences(check, values, i, h, at)
    local e = relative(gradient, central, floor)
    if e <= check.tolerance or e ~= e then return e end
    first = first or e
    gaps[#gaps + 1] = relative(forward, backward, floor)
    h = h / 10
  end
  if not is_kink(gaps, check.tolerance) then return first end
end

-- What an error is relative to, at least: a share of the largest gradient, and so much that
-- the rounding of the objective stays below the tolerance. It is 0 when a gradient is not
-- finite.
local function error_floor(check, grad, at)
  local largest = grad:abs():max()
  if not core.is_finite(largest) then return 0 end
  local noise = 2 * check.rounding * math.abs(at) / check.step
  return math.max(check.floor * largest, noise / check.tolerance, 1e-12)
end

local function check_tensor(check, name, values, gradients)
  local row = { name = name, error = 0, checked = 0, skipped = 0 }
  local n = values:numel()
  local flat, grad = values:view(n), gradients:contiguous():clone():view(n)
  local at = check.objective()
  local floor = error_floor(check, grad, at)
  for _, i in ipairs(chosen(n, check.options.samples)) do
    local e = element_error(check, flat, i, grad[i], floor, at)
    if e then
      row.checked = row.checked + 1
      if worse(e, row.error) then row.error, row.worst = e, i end
    else
      row.skipped = row.skipped + 1
    end
  end
  -- One that is not finite is wrong, whether it was among the chosen or not.
  if floor == 0 then row.error, row.worst = 0 / 0, nil end
  row.ok = row.error <= check.tolerance and row.checked > 0
  return row
end

local Report = { __name = "lander.gradients" }

Report.__tostring = function(result)
  local rows = { { "gradient of", "error", "checked", "kinks", "" } }
  for _, row in ipairs(result.report) do
    rows[#rows + 1] = { row.name, core.number_text(row.error), tostring(row.checked),
      tostring(row.skipped), row.ok and "" or "WRONG" }
  end
  local right = { [2] = true, [3] = true, [4] = true }
  return table.concat(core.columns(rows, right), "\n")
    .. ("\n%s: worst relative error %s, allowed %s"):format(result.ok and "good" or "WRONG",
      core.number_text(result.worst), core.number_text(result.tolerance))
    .. (not result.ok and lander.config().real == "float"
      and "\nfloat rounds too much for a sharp check; try the double build: make REAL=double" or "")
end

-- Whether an input may have any value. One that holds indices, or a mask, refuses others
-- than its own: there is no derivative in it.
local function is_continuous(check, values)
  local flat = values:view(values:numel())
  local first = flat[1]
  flat[1] = first + check.step
  local ok = pcall(check.objective)
  flat[1] = first
  return ok
end

-- Gradients are gathered first: every later forward pass would be in their way.
local function gather(check)
  local list = {}
  for name, param in pairs(check.net.params) do
    if not param.frozen then
      list[#list + 1] = { name, param.data, param.grad:clone() }
    end
  end
  local place = 0
  for _, info in ipairs(check.net:layers()) do
    if info.type == "input" then
      place = place + 1
      local read, gradient = pcall(function() return check.net[info.name].gradient end)
      if read then -- else nothing reads this input
        list[#list + 1] = { info.name, check.data[place], gradient:clone(), is_input = true }
      end
    end
  end
  return list
end

local function run(net, x, target, options)
  local check = prepare(net, x, target, options)
  for i, input in ipairs(check.data) do
    -- The caller's tensors stay as they are; those that are changed here are ours.
    check.data[i] = input:contiguous():clone()
    check.inputs[i] = check.data[i]
  end
  net:want_input_gradient(true)
  local ok, result = pcall(function()
    set_objective(check)
    local report = { ok = true, worst = 0, tolerance = check.tolerance, report = {} }
    for _, entry in ipairs(gather(check)) do
      if not entry.is_input or is_continuous(check, entry[2]) then
        local row = check_tensor(check, table.unpack(entry))
        report.report[#report.report + 1] = row
        report.ok = report.ok and row.ok
        if worse(row.error, report.worst) then report.worst = row.error end
      end
    end
    return setmetatable(report, Report)
  end)
  net:want_input_gradient(false)
  if not ok then error(result, 0) end
  return result
end

-- lander.check_gradients(net, x, target, { step =, tolerance =, samples = }) ->
--   { ok =, worst =, report = { { name =, error =, checked =, skipped =, ok = }, ... } }
-- `samples`: at most so many elements of each parameter.
function lander.check_gradients(net, x, target, options)
  return (core.at_user(run, net, x, target, options or {}))
end
