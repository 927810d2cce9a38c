-- range_test.lua: lander.range_test: the rate rises from iteration to iteration, and the loss
-- tells which rates are worth a training (L. N. Smith, Cyclical Learning Rates for Training
-- Neural Networks, 2017, section 3.3). Afterwards everything is as it was before.
local lander = ...
local core = lander.core

local LEAST = 10 -- points without which nothing can be told

local known = {
  net = "userdata", data = "userdata", batches = "userdata", solver = "table|userdata",
  batch_size = "integer", loss = "any", shuffle = "boolean", augment = "table",
  from = "number", to = "number", iters = "integer",
}

-- ---- options ----

local function fail(text, ...)
  error(("lander.range_test: " .. text):format(...), 0)
end

local function is_a(value, name)
  local meta = type(value) == "userdata" and getmetatable(value)
  return meta and meta.__name == "lander." .. name
end

local function check_kinds(options)
  local live = is_a(options.solver, "solver")
  if not (live or type(options.solver or {}) == "table") then
    fail("solver must be a table of options or a solver")
  elseif live and options.net and options.net ~= options.solver.net then
    fail("the solver is another net's; leave net out")
  elseif not live and not is_a(options.net, "net") then
    fail("net is missing (or a solver, which has one)")
  elseif (options.data == nil) == (options.batches == nil) then
    fail("give data (a dataset) or batches (that a training is going through), one of the two")
  elseif options.data and not is_a(options.data, "dataset") then
    fail("data must be a dataset (lander.data makes one)")
  elseif options.batches and not is_a(options.batches, "batches") then
    fail("batches must be what data:batches { ... } makes")
  end
  for _, name in ipairs { "batch_size", "shuffle", "augment" } do
    if options.batches and options[name] ~= nil then
      fail("%s is for data; batches are made already", name)
    end
  end
  if live and options.loss ~= nil then fail("loss is for a net without a solver") end
end

local function check_sweep(t)
  if not (t.from > 0 and t.from < t.to and core.is_finite(t.to)) then
    fail("the rates go from 'from' up to 'to', both above 0; found from = %s, to = %s",
      core.number_text(t.from), core.number_text(t.to))
  elseif t.iters < 2 * LEAST then
    fail("iters = %d are too few points to tell anything: at least %d", t.iters, 2 * LEAST)
  end
end

local function make_solver(t, options)
  if is_a(options.solver, "solver") then return options.solver end
  local words = { base_lr = t.from }
  for key, value in pairs(options.solver or {}) do words[key] = value end
  core.ensure_loss(options.net, options.loss or words.loss)
  words.loss = nil
  return lander.solver(options.net, words)
end

local function prepare(options)
  local wrong = core.check_options("lander.range_test", options, known)
  if wrong then error(wrong, 0) end
  check_kinds(options)
  local t = { from = options.from or 1e-6, to = options.to or 10, iters = options.iters or 100 }
  check_sweep(t)
  t.solver = make_solver(t, options)
  t.net = t.solver.net
  t.batches = options.batches or options.data:batches {
    size = options.batch_size or 64, shuffle = options.shuffle ~= false, seed = 1, loop = true,
    augment = options.augment, reuse = true,
  }
  return t
end

-- ---- as it was before ----

-- Puts everything back when it is closed, whatever ends the sweep.
local function keep(t)
  local solver, net, batches = t.solver, t.net, t.batches
  local before, phase, position = solver:checkpoint(), net:phase(), batches:position()
  local policy = solver.lr_policy
  return setmetatable({}, { __close = function()
    if type(policy) ~= "function" then solver.lr_policy = policy end
    solver:return_to(before)
    if type(policy) == "function" then solver.lr_policy = policy end
    batches:seek(position)
    if phase == "test" then net:test_phase() end
  end })
end

-- ---- the sweep ----

local function next_batch(batches)
  local x, y = batches:next()
  if x then return x, y end
  batches:seek(batches:position()) -- an epoch is over: the next one
  return batches:next()
end

-- One iteration; nil when it was rejected (the loss or the gradient is not finite).
local function step(t)
  local x, y = next_batch(t.batches)
  local loss, rule = t.solver:step(x, y)
  if not loss and rule ~= "R1" and rule ~= "R2" then
    error("lander.range_test: rejected by rule " .. tostring(rule), 0)
  end
  return loss
end

-- Whether the loss has left for good: it rose by three times the best, and by as much as it
-- was at first. `smooth` is a mean in which old losses fade.
local function has_left(smooth, best, first)
  return smooth > best + math.max(3 * math.abs(best), math.abs(first))
end

local function sweep(t)
  local _ <close> = keep(t)
  local rate = t.from
  t.solver.lr_policy = function() return rate end
  t.solver.lr_scale, t.solver.warmup_iter, t.solver.guard = 1, 0, false
  t.net:train_phase()
  local rates, losses, sum, weight, best = {}, {}, 0, 0, math.huge
  for i = 1, t.iters do
    rate = t.from * (t.to / t.from) ^ ((i - 1) / (t.iters - 1))
    local loss = step(t)
    if not loss then return rates, losses, rate end
    rates[i], losses[i] = rate, loss
    sum, weight = 0.8 * sum + loss, 0.8 * weight + 1
    if has_left(sum / weight, best, losses[1]) then return rates, losses, rate end
    best = math.min(best, sum / weight)
  end
  return rates, losses, nil
end

-- ---- what it tells ----

-- Around point i, over `half` points on either side: the mean loss, and the slope of the
-- straight line through them in the logarithm of the rate (least squares).
local function around(rates, losses, i, half)
  half = math.min(half, i - 1, #losses - i)
  local n, sum_x, sum_y = 2 * half + 1, 0, 0
  for k = i - half, i + half do
    sum_x, sum_y = sum_x + math.log(rates[k], 10), sum_y + losses[k]
  end
  local xy, xx = 0, 0
  for k = i - half, i + half do
    local dx = math.log(rates[k], 10) - sum_x / n
    xy, xx = xy + dx * losses[k], xx + dx * dx
  end
  return sum_y / n, xx > 0 and xy / xx or 0
end

local function find(r)
  local half = math.max(2, #r.losses // 20)
  local least, steepest = math.huge, 0
  local at, steep_at
  for i = 1, #r.losses do
    r.smoothed[i], r.slopes[i] = around(r.rates, r.losses, i, half)
    if r.smoothed[i] < least then least, at = r.smoothed[i], i end
  end
  for i = 1 + half, at do
    if r.slopes[i] < steepest then steepest, steep_at = r.slopes[i], i end
  end
  return at, steep_at
end

-- A rate that can be read and typed: two digits.
local function readable(rate)
  return tonumber(("%.2g"):format(rate))
end

local function tell(t, rates, losses, diverged_at)
  local r = { rates = rates, losses = losses, smoothed = {}, slopes = {},
              diverged_at = diverged_at }
  if #losses < LEAST then
    fail("the loss blew up at rate %s, after %d points: too few to tell anything (%d are "
      .. "needed); begin lower, at from = %s, or look at the data and the net",
      core.number_text(diverged_at), #losses, LEAST, core.number_text(t.from / 1000))
  end
  local minimum, steepest = find(r)
  r.minimum = rates[minimum]
  if not steepest or r.smoothed[minimum] >= r.smoothed[1] then
    r.message = "the loss fell nowhere: there is nothing to suggest"
    return r
  end
  r.steepest, r.tenth_of_min = readable(rates[steepest]), readable(r.minimum / 10)
  r.suggestion = math.min(r.steepest, r.tenth_of_min)
  if minimum == #losses and not diverged_at then
    r.message = ("the loss was still falling at the end: a higher 'to' than %s tells more")
      :format(core.number_text(t.to))
  end
  return r
end

-- ---- as a text ----

-- About twenty of the points, with bars that show where it falls: up to the highest loss on
-- the way down, and cut where it blows up.
local function curve(r)
  local low, high = math.huge, -math.huge
  for i, loss in ipairs(r.smoothed) do
    low = math.min(low, loss)
    if r.rates[i] <= r.minimum then high = math.max(high, loss) end
  end
  local rows = { { "rate", "loss", "" } }
  for i = 1, #r.losses, math.max(1, #r.losses // 20) do
    local part = (r.smoothed[i] - low) / math.max(high - low, 1e-30)
    rows[#rows + 1] = { ("%.2e"):format(r.rates[i]), core.number_text(r.smoothed[i]),
                        ("*"):rep(math.floor(30 * math.min(part, 1.2) + 0.5)) }
  end
  return core.columns(rows, { [2] = true })
end

local function text(r)
  local lines = curve(r)
  if r.diverged_at then
    lines[#lines + 1] = ("the loss blew up at rate %s"):format(core.number_text(r.diverged_at))
  end
  if r.suggestion then
    lines[#lines + 1] = ("steepest at %s, a tenth of the minimum's rate is %s: try base_lr = %s")
      :format(core.number_text(r.steepest), core.number_text(r.tenth_of_min),
      core.number_text(r.suggestion))
  end
  lines[#lines + 1] = r.message
  return table.concat(lines, "\n")
end

core.topics.range_test = [==[
lander.range_test { net =, data =, solver = { ... } }: which learning rates are worth a training.
The rate rises from `from` to `to`, a little each iteration; where the loss falls fastest, and
a tenth of the rate where it is least, are good first guesses for base_lr. Nothing is changed.
  solver       options as for lander.solver, or a solver that is in use (then net is its own)
  data, batch_size (64), shuffle, augment, loss    as for lander.train
  batches      in place of data: batches that are in use; their place is put back
  from, to     rates (1e-6, 10)
  iters        how many iterations, each with a rate of its own (100; at least 20)
  -> { suggestion =, steepest =, tenth_of_min =, minimum =, diverged_at =, rates =, losses =,
       smoothed =, slopes =, message = }; print shows it
  example: print(lander.range_test { net = net, data = data.train, solver = { type = "sgd" } })]==]

-- lander.range_test { net =, data =, solver =, ... } -> a table that print shows; the least of
-- the two guesses is its `suggestion`, nil where the loss fell nowhere
function lander.range_test(options)
  local t = core.at_user(prepare, options)
  local result = core.at_user(function() return tell(t, sweep(t)) end)
  return setmetatable(result, { __tostring = text })
end
