-- advice.lua: what a run that did not go well has to say at its end, and what to do next: lines for
-- the terminal, which the journal keeps for the run's page.
local lander = ...
local core = lander.core

-- ---- commands ----

-- The words of `lander train` once more: without what is said of `name`, or with this in its place.
local function with(words, name, value)
  local result, i = {}, 1
  while words[i] do
    local option, equals = words[i]:match "^%-%-([^=]+)(=?)"
    option = option and option:gsub("%-", "_"):gsub("^no_", "")
    if option ~= name then
      result[#result + 1] = words[i]
    elseif equals == "" and value and words[i + 1] then
      i = i + 1 -- its value is the next word
    end
    i = i + 1
  end
  if value then result[#result + 1] = ("--%s=%s"):format(name, value) end
  return result
end

local function command(words)
  return "next: " .. core.shell_words { core.program or "lander", table.unpack(words) }
end

-- ---- a run that diverged ----

-- The rates at which it diverged, one after the other.
local function rates_tried(t)
  local rates = {}
  for _, event in ipairs(t.run.events) do
    local rate = event.event == "diverged" and event.base_lr
    if rate and rate ~= rates[#rates] then rates[#rates + 1] = rate end
  end
  return rates
end

local look_elsewhere = "Where rates far below fail too it is not the rate: look at the data "
  .. "(scaled? labels right?) and the layers' initial values."

-- Nothing was tried: let it be tried, or take a lower rate.
local function no_retries(t, rate)
  local lower = core.number_text(rate * (t.run.iter > 0 and t.retry.late_factor or t.retry.factor))
  local words = core.running_command == "train" and core.command_words
  if not words then
    return { ("next: retry = true, which looks for a rate that works by itself; or a base_lr of "
      .. "%s. %s"):format(lower, look_elsewhere) }
  end
  return { "With retries it looks for a rate that works by itself:", command(with(words, "retry")),
    "Or a lower rate, as it is:", command(with(words, "base_lr", lower)), look_elsewhere }
end

-- What another try needs, by the reason why there was none.
local more_tries = {
  { "retries are spent", "max = %d", function(t) return 2 * t.retry.max end },
  { "retries at one place", "same_place = %d", function(t) return 2 * t.retry.same_place end },
  { "would come under", "min_scale = %.3g", function(t) return 1e-3 * t.retry.min_scale end },
}

-- What was tried where no try is left.
local function no_more_retries(t, rates)
  local said = {}
  for i, rate in ipairs(rates) do said[i] = core.number_text(rate) end
  for _, more in ipairs(more_tries) do
    if t.run.message:find(more[1], 1, true) then
      -- `lander train` has no words for the rest of retry.
      local tries = core.running_command and ""
        or (", or retry = { %s }"):format(more[2]:format(more[3](t)))
      return { ("tried base_lr %s: it diverged at each."):format(table.concat(said, ", ")),
        ("next: a base_lr below %s%s. %s"):format(said[#said], tries, look_elsewhere) }
    end
  end
  return {}
end

-- ---- a run that has learnt nothing ----

local LEAST = 100 -- iterations that are enough to have learnt something

local function nothing_learnt(t)
  local loss, first = t.run.loss, t.first_loss
  if t.run.iter < LEAST or not loss then return {} end
  if t.chance and loss >= t.solver.guard_stall * t.chance then
    return { ("the loss is no better than chance, %s: nothing was learnt. Look at the labels, at "
      .. "the rate, and at the scale of the data (d:normalize(); normalize=true behind --data).")
      :format(core.number_text(t.chance)) }
  elseif first and loss >= first then
    return { ("the loss is no lower than that of the untrained net, %s."):format(
      core.number_text(first)) }
  end
  return {}
end

-- What there is to say, a list of lines; those that begin with "next:" tell what to do.
function core.advice(t)
  if t.run.status == "finished" then return nothing_learnt(t) end
  local rates = rates_tried(t)
  if t.run.status ~= "diverged" or #rates == 0 then return {} end
  return t.retry.max == 0 and no_retries(t, rates[#rates]) or no_more_retries(t, rates)
end
