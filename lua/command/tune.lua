-- tune.lua: lander tune SCRIPT: a search over the options of a script that trains once.
local lander = ...
local core = lander.core

local command = {
  usage = "tune SCRIPT.lua NAME=VALUES ... [-- OPTIONS]",
  help = "searches the options of a script for the best result",
  least = 2, most = math.huge,
  defaults = { method = "grid", trials = 0, metric = "accuracy", processes = -1, seed = 1,
               prefix = "", time_limit = 0.0, resume = true },
  about = {
    method = "grid or random", trials = "how many, of random", seed = "of random",
    metric = "accuracy, test_loss or loss", processes = "at a time; as many as threads",
    prefix = "how files begin (runs/tune_SCRIPT)", time_limit = "seconds for a trial",
    resume = "whether it goes on with what its files have of the same search",
  },
  more = [[
VALUES are a list (base_lr=0.001,0.01,0.1) or a range (momentum=0.5:0.99; by factors:
base_lr=1e-4:1:log). The script reads them with lander.args, and gets the OPTIONS as they are;
what counts is its last lander.train.
example: lander tune scripts/lenet_fashion.lua base_lr=0.003,0.01,0.03 -- --max_iter=300]],
}

local function read_values(text)
  local low, high, log = text:match "^([^:,]+):([^:,]+)(:?l?o?g?)$"
  if low and tonumber(low) and tonumber(high) and (log == "" or log == ":log") then
    return { tonumber(low), tonumber(high), log = log == ":log" }
  end
  local list = {}
  for item in text:gmatch "[^,]+" do list[#list + 1] = core.value_of(item) end
  return list
end

-- Words of the form NAME=VALUES are searched; the rest goes to the script as it is.
local function split(words)
  local search, rest = {}, {}
  for i = 2, #words do
    local name, values = words[i]:match "^([%a_][%w_.]*)=(.+)$"
    if name then search[name] = read_values(values) else rest[#rest + 1] = words[i] end
  end
  return search, rest
end

-- The script, with the searched options behind its own words; returns its last training.
local function run_script(path, rest, o, info)
  local before = arg
  arg = { [0] = path }
  for i, word in ipairs(rest) do arg[i] = word end
  for name, value in pairs(o) do arg[#arg + 1] = ("--%s=%s"):format(name, tostring(value)) end
  core.last_run = nil
  core.trial_prefix = info.prefix -- its files are beside the search, not over the user's own
  local chunk, message = loadfile(path)
  if not chunk then error(message, 0) end
  chunk(table.unpack(arg))
  arg, core.trial_prefix = before, nil
  return core.last_run or error(path .. " did not train: it must call lander.train", 0)
end

function command.run(opt)
  local search, rest = split(opt)
  if not next(search) then
    core.commands.usage_error(command, "nothing to search: give NAME=VALUES")
  end
  local name = opt[1]:match "([^/]+)$":gsub("%.lua$", "")
  local result = lander.tune {
    search = search, method = opt.method, metric = opt.metric, seed = opt.seed,
    trials = opt.trials > 0 and opt.trials or nil,
    resume = opt.resume, processes = opt.processes >= 0 and opt.processes or nil,
    time_limit = opt.time_limit > 0 and opt.time_limit or nil,
    prefix = opt.prefix ~= "" and opt.prefix or "runs/tune_" .. name,
    trial = function(o, _, info) return run_script(opt[1], rest, o, info) end,
  }
  core.print(tostring(result) .. "\n")
  -- What happened to the trials was said; where none has a result, so says the status.
  if not result.best and result.status == "finished" then
    core.exit(result.diverged > 0 and 3 or 1, "")
  end
end

return command
