-- curves.lua: writes doc/curves/*.svg, the pictures of doc/solver.md: the rate of every schedule
-- over the iterations, with the numbers that stand there, and what divergence looks like.
--   build/lander doc/curves.lua [FOLDER]
local lander = require "lander"
local nn = lander.nn

local folder = arg[1] or "doc/curves"
local LAST = 3499 -- of max_iter = 3500

-- base_lr is 0.01 in all of them, max_iter 3500.
local schedules = {
  { name = "fixed", options = {} },
  { name = "step", log = true, options = { gamma = 0.1, stepsize = 1000 } },
  { name = "exp", options = { gamma = 0.999 } },
  { name = "inv", options = { gamma = 0.001, power = 0.75 } },
  { name = "multistep", log = true, options = { gamma = 0.1, stepvalue = { 1500, 2500, 3000 } } },
  { name = "poly", options = { power = 2 } },
  { name = "sigmoid", options = { gamma = -0.005, stepsize = 1750 } },
  { name = "cosine", options = {} },
  { name = "one_cycle", options = {} },
  { name = "warmup", policy = "cosine", options = { warmup_iter = 500, warmup_start = 0.1 } },
}
local plateau = { lr_policy = "plateau", gamma = 0.1, patience = 300, threshold = 0.001,
  min_lr = 1e-5 }

-- A net whose loss is |x|, whatever is done to it, so that losses can be given to its solver.
local function solver(options)
  local one = { "constant", value = 1 }
  local net = nn.net { nn.input { 1 }, nn.linear { 1, weight_filler = one, lr_mult = 0 } }
  options.base_lr, options.max_iter, options.loss = 0.01, LAST + 1, "l1_loss"
  return lander.solver(net, options)
end

local function draw(name, title, log, curve, label)
  lander.plot(curve, {
    to = ("%s/%s.svg"):format(folder, name), title = title, log = log, height = 220,
    range = { 0, LAST }, x_label = "iteration", y_label = label or "rate",
  })
end

for _, schedule in ipairs(schedules) do
  local options = { lr_policy = schedule.policy or schedule.name }
  for key, value in pairs(schedule.options) do options[key] = value end
  local s = solver(options)
  draw(schedule.name, schedule.name .. (schedule.policy and " before " .. schedule.policy or ""),
    schedule.log, function(t) return s:rate_at(t) end)
end

-- What a training does under this schedule, in short: the loss sinks towards a level that
-- comes down with the rate. In 1024ths, so that it is the same in floats and doubles.
local s = solver(plateau)
local target, loss, losses, rates = lander.zeros(1, 1), 2.3, {}, {}
for i = 1, LAST + 1 do
  rates[i] = s:lr()
  local level = 0.3 + 40 * rates[i]
  loss = loss + 0.01 * (level - loss)
  losses[i] = math.floor(loss * 1024) / 1024
  s:step(lander.full(losses[i], 1, 1), target)
end
local x = {}
for i = 1, #rates do x[i] = i - 1 end
draw("plateau", "plateau", true, { x = x, y = rates })
draw("plateau_loss", "the loss that plateau looks at", false, { x = x, y = losses }, "loss")

-- What doc/diverging.lua has recorded.
local runs = {}
for line in io.lines "doc/curves/diverging.csv" do
  local name, numbers = line:match "^([^,]+),(.*)"
  local run = { x = {}, y = {}, name = name }
  for number in numbers:gmatch "[^,]+" do
    run.x[#run.x + 1], run.y[#run.y + 1] = #run.x, tonumber(number)
  end
  runs[#runs + 1] = run
end
local dead = table.remove(runs)

lander.plot(runs[1], runs[2], runs[3], runs[4], runs[5], {
  to = folder .. "/diverging.svg", title = "LeNet with five rates", log = true, smooth = 5,
  y_range = { 0.1, 100 }, x_label = "iteration", y_label = "loss, mean of 5", height = 320,
})
dead.name = "loss"
lander.plot {
  dead, { x = { 0, 199 }, y = { math.log(10), math.log(10) }, name = "ln 10, chance" },
  to = folder .. "/dead.svg", title = "a net that dies", x_label = "iteration", y_label = "loss",
  y_range = { 0, 16 }, height = 260,
}
