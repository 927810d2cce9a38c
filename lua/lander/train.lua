-- train.lua: lander.train: the loop with its tests, snapshots and journal, and what is
-- done when a training diverges: back to the start with a lower rate, until one works.
local lander = ...
local core = lander.core

local known = {
  net = "userdata", data = "userdata", test_data = "userdata", batch_size = "integer",
  solver = "table", loss = "any", display = "count", test_interval = "count",
  test_initialization = "boolean", snapshot = "count", snapshot_prefix = "string",
  keep = "integer", retry = "table|boolean", shuffle = "boolean", weights = "string",
  resume = "string", quiet = "boolean", on_iter = "function", on_test = "function",
  on_snapshot = "function", on_diverge = "function",
}

-- ---- exit statuses: the worst that happened in a script is the command's ----

local statuses = { diverged = 3, data_fault = 5, model_fault = 1, interrupted = 130, unsaved = 6 }
local rank = { [0] = 0, [1] = 1, [3] = 2, [5] = 3, [6] = 4, [130] = 5 }

local function note_status(word)
  local status = statuses[word]
  if rank[status] > rank[core.exit_status or 0] then core.exit_status = status end
end

-- ---- what can go wrong before iteration 0 goes wrong here ----

local function check_retry(retry)
  if retry == false then return { max = 0, factor = 0.1 } end
  if retry == nil or retry == true then retry = {} end
  local wrong = core.check_options("lander.train: retry", retry,
    { max = "count", factor = "number" })
  if wrong then error(wrong, 0) end
  local factor = retry.factor or 0.1
  if not (factor > 0 and factor < 1) then
    error(("lander.train: retry.factor must be between 0 and 1, found %s"):format(factor), 0)
  end
  return { max = retry.max or 5, factor = factor }
end

local function check(options)
  local wrong = core.check_options("lander.train", options, known)
  if wrong then error(wrong, 0) end
  for _, name in ipairs { "net", "data", "solver" } do
    if options[name] == nil then error(("lander.train: %s is missing"):format(name), 0) end
  end
  if getmetatable(options.net) ~= core.net_metatable then
    error("lander.train: net must be a net (nn.net { ... } makes one)", 0)
  end
  for _, name in ipairs { "data", "test_data" } do
    local data = options[name]
    if data and getmetatable(data) ~= core.dataset_metatable then
      error(("lander.train: %s must be a dataset (lander.data makes one)"):format(name), 0)
    end
  end
  if type(options.solver.base_lr) ~= "number"
    and type(options.solver.lr_policy) ~= "function" then
    error("lander.train: solver.base_lr, the learning rate, must be a number", 0)
  end
  if math.type(options.solver.max_iter) ~= "integer" or options.solver.max_iter < 1 then
    error("lander.train: solver.max_iter, the number of iterations, must be an integer from 1", 0)
  end
end

-- The folder of the prefix, and whether files can be made in it: a long run that can't be
-- saved should not begin.
local function probe_prefix(prefix)
  local folder = prefix:match "^(.*)/[^/]*$"
  if folder and folder ~= "" then core.make_dir(folder) end
  if not rawget(_G, "io") then return end
  local probe = prefix .. ".probe"
  local file, message = io.open(probe, "wb")
  if not file then error(("can't write beside '%s': %s"):format(prefix, message), 0) end
  file:close()
  if rawget(_G, "os") then os.remove(probe) end
end

local function copy_params(net)
  local copy = {}
  for i = 1, #net.params do copy[i] = net.params[i].data:clone() end
  return copy
end

local function restore_params(net, copy)
  for i = 1, #copy do net.params[i].data:copy_(copy[i]) end
end

-- The number of classes, when it is a matter of classes: of the net's scores.
local function count_classes(net)
  local size
  local classified = false
  for _, info in ipairs(net:layers()) do
    if info.name == net:output_name() then size = info.size end
    classified = classified or info.type == "softmax_loss"
  end
  return classified and #size == 1 and size[1] or nil
end

local function check_classes(t)
  local there = t.data.classes
  if t.classes and there > t.classes then
    error(("lander.train: the data have %d classes, the net's output '%s' has %d"):format(there,
      t.net:output_name(), t.classes), 0)
  end
end

-- A solver for the next attempt, at the start or where the resumed run stood.
local function new_solver(t)
  local options = {}
  for key, value in pairs(t.options.solver) do options[key] = value end
  options.loss = nil -- the net has it by now
  t.solver = lander.solver(t.net, options)
  t.base_lr = t.solver.base_lr
  if t.options.resume then
    local note = t.solver:restore(t.options.resume) or ""
    t.first_scale = tonumber(note:match "lr_scale=(%S+)") or t.first_scale
  end
end

local function prepare(options)
  check(options)
  local solver = options.solver
  local t = {
    options = options, net = options.net, data = options.data, test_data = options.test_data,
    batch_size = options.batch_size or 64, max_iter = solver.max_iter,
    display = options.display or 100, test_interval = options.test_interval or 0,
    snapshot = options.snapshot or 0, prefix = options.snapshot_prefix,
    keep = options.keep or 3, retry = check_retry(options.retry),
    seed = math.type(solver.random_seed) == "integer" and solver.random_seed or 1,
    average = math.type(solver.average_loss) == "integer" and solver.average_loss or 20,
    snapshots = {}, attempt = 1, first_scale = tonumber(solver.lr_scale) or 1,
    run = { status = "started", iter = 0, retries = 0, lr_scale = 1, history = {}, events = {} },
  }
  t.attempts = t.retry.max + 1
  if t.snapshot > 0 and not t.prefix then
    error("lander.train: snapshot needs snapshot_prefix, the beginning of the files' names", 0)
  end
  core.ensure_loss(t.net, options.loss or solver.loss)
  t.classes = count_classes(t.net)
  check_classes(t)
  t.weights_said = options.weights
    and tostring(t.net:load_weights(options.weights, { partial = true }))
  t.net:train_phase()
  new_solver(t)
  if t.prefix then probe_prefix(t.prefix) end
  t.batches = t.data:batches {
    size = t.batch_size, shuffle = options.shuffle ~= false, seed = t.seed, loop = true,
    reuse = true, -- nothing here keeps a batch
  }
  t.start = copy_params(t.net)
  t.journal = core.open_journal(t.prefix and t.prefix .. ".jsonl", options.resume ~= nil)
  t.progress = core.new_progress {
    every = t.display, total = t.max_iter, batch = t.batch_size, quiet = options.quiet,
  }
  return t
end

-- ---- the head of a run ----

local function data_text(t)
  local text = ("data: %s samples of %s"):format(core.count_text(#t.data),
    core.size_text(t.data:shape()))
  if t.test_data then text = text .. (", %s to test"):format(core.count_text(#t.test_data)) end
  return text
end

-- The loss of five batches before any update: what rule R3 compares with.
local function measure_start(t)
  local losses, sum = {}, 0
  for i = 1, 5 do
    local x, y = t.batches:next()
    local ok, loss = pcall(t.net.loss, t.net, x, y)
    if not ok and not core.batch_fault(t, t.batches, x, y) then error(loss, 0) end
    -- What is wrong with the data shows again in the first step, and is told there.
    losses[i] = ok and loss or 0 / 0
    sum = sum + losses[i]
  end
  t.baseline = losses
  t.first_loss = sum / 5
  return t.first_loss
end

local function say_head(t, first_loss)
  local config, say = lander.config(), function(text) t.progress:say(text) end
  say(("lander %s, %s, seed %d, %d thread%s, %s, BLAS %s"):format(config.version, config.real,
    t.seed, config.threads, config.threads == 1 and "" or "s", config.instructions,
    tostring(config.blas)))
  say(t.net:summary())
  say(data_text(t))
  if t.weights_said then say(t.weights_said) end
  if not first_loss then
    return say(("resumed from %s at iteration %d"):format(t.options.resume, t.solver.iter))
  end
  local chance = t.classes and (", chance for %d classes %s"):format(t.classes,
    core.number_text(math.log(t.classes))) or ""
  say(("first loss %s%s"):format(core.number_text(first_loss), chance))
end

local function begin(t)
  local first_loss = not t.options.resume and measure_start(t) or nil
  say_head(t, first_loss)
  core.train_event(t, { event = "start", version = lander.version, seed = t.seed,
    net = t.net:text(), samples = #t.data, batch_size = t.batch_size, loss = first_loss,
    chance = t.classes and math.log(t.classes), solver = t.options.solver,
    resumed = t.options.resume })
end

-- ---- attempts ----

-- Everything as it was at the start, bit for bit, with the rate of this attempt.
local function start_attempt(t)
  restore_params(t.net, t.start)
  t.net:train_phase()
  if t.attempt > 1 then new_solver(t) end
  if t.baseline then t.solver:baseline(t.baseline) end
  t.run.lr_scale = core.scaled(t.first_scale, t.retry.factor, t.attempt - 1)
  t.run.base_lr = core.scaled(t.base_lr, t.run.lr_scale, 1)
  t.solver.lr_scale = t.run.lr_scale
  t.first_iter = t.solver.iter
  t.run.iter = t.first_iter
  -- What an abandoned attempt measured says nothing about these weights.
  t.run.loss, t.run.test_loss, t.run.accuracy = nil, nil, nil
  t.batches:seek(t.solver.iter * t.batch_size)
end

local function describe(t, what)
  local loss = core.number_text(what.loss)
  if what.rule == "R3" and t.baseline then
    loss = ("%s, was %s"):format(loss, core.number_text(t.first_loss))
  elseif what.rule == "R2" then
    loss = loss .. ", gradient not finite"
  end
  local where = what.where and (", first in %s"):format(what.where) or ""
  return ("diverged at %d: loss %s (rule %s%s)"):format(t.solver.iter, loss, what.rule, where)
end

-- What to do after a divergence: true for another attempt.
local function diverged(t, what)
  local retries_left = t.retry.max - (t.attempt - 1)
  local event = core.train_event(t, {
    event = "diverged", iter = t.solver.iter, rule = what.rule, where = what.where,
    loss = what.loss, gradient_norm = what.gradient_norm, threshold = what.threshold,
    rate = what.rate, lr_scale = t.run.lr_scale, base_lr = t.run.base_lr,
    retries_left = retries_left, samples = t.batches:samples(),
  })
  local said = describe(t, what)
  local word = t.options.on_diverge and t.options.on_diverge(event)
  if word == "stop" or retries_left == 0 then
    t.progress:say(said .. (word == "stop" and ". Stopped by on_diverge." or "."))
    return false
  end
  local scale = core.scaled(t.first_scale, t.retry.factor, t.attempt)
  local base_lr = core.scaled(t.run.base_lr, t.retry.factor, 1)
  t.attempt = t.attempt + 1
  t.run.retries = t.run.retries + 1
  t.progress:say(("%s. Back to the start, base_lr %s -> %s, try %d of %d."):format(said,
    core.number_text(t.run.base_lr), core.number_text(base_lr), t.attempt, t.attempts))
  core.train_event(t, { event = "retry", iter = t.solver.iter, from = t.first_iter,
    lr_scale = scale,
    base_lr = base_lr, retries_left = retries_left - 1 })
  return true
end

-- While this runs, Ctrl-C raises the stop flag and nothing else.
local function catch_stop()
  if not core.catch_stop then return nil end
  core.catch_stop(true)
  return setmetatable({}, { __close = function() core.catch_stop(false) end })
end

local function run_attempts(t)
  local _ <close> = catch_stop()
  local what
  repeat
    start_attempt(t)
    what = core.run_attempt(t)
  until what.status ~= "diverged" or not diverged(t, what)
  return what
end

-- ---- the end ----

local function save(t)
  local path = t.prefix .. ".npz"
  local ok, message = pcall(t.net.save, t.net, path)
  if ok then
    t.run.path = path
  else
    t.run.message = core.plain_message(message)
    t.progress:say("error: the net could not be saved: " .. t.run.message)
    note_status "unsaved"
  end
end

local function say_end(t)
  local run = t.run
  local accuracy = run.accuracy and (", test accuracy %.4f"):format(run.accuracy) or ""
  t.progress:say(("%s at %d: loss %s%s"):format(run.status, run.iter,
    core.number_text(run.loss), accuracy))
  if run.retries > 0 and run.status == "finished" then
    t.progress:say(("recovered: %d %s, base_lr %s -> %s"):format(run.retries,
      run.retries == 1 and "retry" or "retries",
      core.number_text(t.base_lr * t.first_scale + 0.0), core.number_text(run.base_lr)))
  end
  if run.path then
    t.progress:say(("saved: %s, journal: %s"):format(run.path, t.journal.path or "none"))
  end
end

-- Bad data or a net that makes NaN by itself leave nothing new to save; nor does a run that
-- was stopped before its first iteration, which must not cost an older file.
local function worth_saving(t, status)
  return status == "finished" or status == "diverged"
    or status == "stopped" and t.solver.iter > t.first_iter
end

local advice = "No rate worked: look at the data (scaled? labels right?) and the layers' "
  .. "initial values, or start with a lower base_lr."

local function finish(t, what)
  local run = t.run
  run.status, run.message, run.rule = what.status, what.message, what.rule
  run.iter = t.solver.iter
  local good = what.status == "finished" or what.status == "stopped"
  if what.status == "stopped" and core.stopped() then note_status "interrupted" end
  if what.status == "finished" and run.retries > 0 then core.recovered = true end
  if not good then note_status(what.status) end
  if what.status == "diverged" then
    -- The last good state: never leave a ruined net behind, here or on the disk.
    restore_params(t.net, t.start)
    run.loss, run.test_loss, run.accuracy = what.loss, nil, nil
  elseif not good then
    t.progress:say(("%s at %d: %s"):format((what.status:gsub("_", " ")), run.iter,
      what.message))
  end
  if t.prefix and worth_saving(t, what.status) then save(t) end
  say_end(t)
  if what.status == "diverged" and t.retry.max > 0 then t.progress:say(advice) end
  core.train_event(t, { event = "end", status = run.status, iter = run.iter, loss = run.loss,
    accuracy = run.accuracy, retries = run.retries, base_lr = run.base_lr, path = run.path,
    message = run.message })
  return run
end

-- Closes the journal however the training ends; an error (of a callback, say) is told there.
local function close_at_end(t)
  return setmetatable({}, { __close = function(_, message)
    if message ~= nil then
      core.train_event(t, { event = "end", status = "error", iter = t.solver.iter,
        message = tostring(message) })
    end
    t.journal:close()
  end })
end

-- lander.train { net =, data =, solver = { base_lr =, max_iter =, ... }, ... } -> a run:
--   { status =, iter =, loss =, test_loss =, accuracy =, retries =, lr_scale =, base_lr =,
--     history =, events =, path =, rule =, message = }, as doc/scripts.md tells
function lander.train(options)
  local t = core.at_user(prepare, options)
  local _ <close> = close_at_end(t)
  core.at_user(begin, t)
  return finish(t, run_attempts(t))
end
