-- retry.lua: the plain outer loop around a training that may diverge: fresh weights, and
-- base_lr times a factor, until an attempt finishes.
--
--   local best = lander.retry { base_lr = 1, factor = 0.1, attempts = 5,
--     attempt = function(base_lr, n)
--       return lander.train { net = build(), retry = false, ... }
--     end }
local lander = ...
local core = lander.core

local known = { base_lr = "number", factor = "number", attempts = "integer", attempt = "function" }

local function check(options)
  local wrong = core.check_options("lander.retry", options, known)
  if wrong then error(wrong, 0) end
  if not options.attempt then
    error("lander.retry: attempt is missing: a function (base_lr, n) that returns a run", 0)
  end
  if not (options.base_lr and options.base_lr > 0 and options.base_lr < math.huge) then
    error("lander.retry: base_lr, the first rate, must be a positive number", 0)
  end
  local factor = options.factor or 0.1
  if not (factor > 0 and factor < 1) then
    error(("lander.retry: factor must be between 0 and 1, found %s"):format(factor), 0)
  end
end

-- base_lr * factor^n without the crumbs of binary multiplication: 1 * 0.1 * 0.1 is 0.01,
-- so that the attempt has the bits of a run that was started at 0.01.
function core.scaled(base, factor, n)
  if n == 0 or factor == 1 then return base + 0.0 end
  return tonumber(("%.12g"):format(base * factor ^ n)) + 0.0
end

local function describe(attempts)
  local lines = {}
  for i, a in ipairs(attempts) do
    lines[i] = ("  attempt %d: base_lr %s: %s at iteration %s, loss %s"):format(i,
      core.number_text(a.base_lr), a.status, a.iter or "-", core.number_text(a.loss))
  end
  return table.concat(lines, "\n")
end

-- What the function returned, as a run: a run, or whether it worked.
local function as_run(result)
  if type(result) == "boolean" then
    return { status = result and "finished" or "diverged" }
  elseif type(result) == "table" and type(result.status) == "string" then
    return result
  end
  error(("lander.retry: attempt must return a run, true or false; it returned a %s%s"):format(
    type(result), type(result) == "table" and " without a status" or ""), 3)
end

-- lander.retry { base_lr =, factor =, attempts =, attempt = } ->
--   { base_lr =, run =, attempts = { { base_lr =, status =, iter =, loss = }, ... } }
function lander.retry(options)
  core.at_user(check, options)
  local before, attempts, most = core.exit_status, {}, options.attempts or 5
  for n = 1, most do
    local base_lr = core.scaled(options.base_lr, options.factor or 0.1, n - 1)
    local run = as_run(options.attempt(base_lr, n))
    attempts[n] = { base_lr = base_lr, status = run.status, iter = run.iter, loss = run.loss,
                    run = run }
    if run.status == "finished" or run.status == "stopped" then
      -- What diverged on the way here is no result of the script.
      if run.status == "finished" then core.exit_status = before end
      core.recovered = core.recovered or n > 1
      return { base_lr = base_lr, run = run, attempts = attempts }
    elseif run.status ~= "diverged" then
      error(("lander.retry: attempt %d ended with %s, which a lower rate does not cure%s"):format(
        n, tostring(run.status), run.message and ": " .. run.message or ""), 2)
    end
    -- The next attempt may want the memory.
    if core.is_solver(run.solver) then run.net, run.solver = nil, nil end
  end
  error(("lander.retry: none of %d attempts finished\n%s"):format(most, describe(attempts)), 2)
end
