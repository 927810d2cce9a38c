-- train_options.lua: the options of lander.train, checked: what can go wrong before iteration 0
-- goes wrong here.
local lander = ...
local core = lander.core

local known = {
  net = "userdata", data = "userdata", test_data = "userdata", batch_size = "integer",
  solver = "table|userdata", loss = "any", shuffle = "boolean", augment = "table",
  weights = "string", resume = "string",
  max_epoch = "number", max_time = "number", early_stop = "table|integer",
  best = "string|boolean", dry_run = "boolean", overfit = "integer",
  display = "count", test_interval = "count", test_initialization = "boolean",
  snapshot = "count", snapshot_prefix = "string", keep = "integer", quiet = "boolean",
  retry = "table|boolean",
  on_iter = "function", on_test = "function", on_snapshot = "function", on_diverge = "function",
}

-- The names of all options, for completion, and the type that each must have.
function core.train_options()
  return core.sorted_keys(known), known
end

-- What `lander train` says of those that are words of its command line.
core.train_words = {
  batch_size = "samples in a minibatch",
  best = "loss or accuracy: what the best net is chosen by; --no-best: it is not saved",
  display = "iterations between two rows (by itself 1 to 100, by max_iter)",
  dry_run = "two iterations of everything, and nothing left behind",
  early_stop = "ends after so many tests that were not better",
  keep = "how many snapshots stay (3)",
  loss = "of a net that has none: softmax_loss for classes, mse_loss for numbers by itself",
  max_epoch = "times through the data, in place of max_iter",
  max_time = "seconds, in place of max_iter",
  overfit = "trains on so many minibatches only, which a net must be able to learn by heart",
  quiet = "no progress",
  resume = "a snapshot to go on from, or latest",
  retry = "whether a training that diverges is tried again at a lower rate",
  shuffle = "whether the samples' order is drawn anew for each epoch",
  snapshot = "iterations between two snapshots, and one at the end; 0: none",
  test_initialization = "whether the untrained net is tested too",
  test_interval = "iterations between two tests (by itself 1 to 500); 0: one at the end",
  weights = "a saved net whose weights it begins with",
}

local function fail(text, ...)
  error(("lander.train: " .. text):format(...), 0)
end

local metrics = { loss = true, accuracy = true }

local function check_metric(option, metric, t)
  if not metrics[metric] then
    fail("%s must be \"loss\" or \"accuracy\", found '%s'", option, metric)
  elseif not t.test_data then
    fail("%s = \"%s\" needs test_data, where it is measured", option, metric)
  elseif metric == "accuracy" and not t.classes then
    fail("%s = \"accuracy\" needs a net whose loss is softmax_loss; \"loss\" is there for any",
      option)
  end
  return metric
end

-- What the best net is chosen by (t.metric, nil without tests), whether it is saved, and
-- after how many tests without a better one the training ends.
function core.read_best(t)
  local options = t.options
  local stop, best = options.early_stop, options.best
  if math.type(stop) == "integer" then stop = { patience = stop } end
  if stop then
    local wrong = core.check_options("lander.train: early_stop", stop,
      { patience = "integer", metric = "string", min_delta = "number" })
    if wrong then error(wrong, 0) end
    local delta = stop.min_delta or 0
    if delta < 0 or delta ~= delta then fail("early_stop.min_delta must not be negative") end
    if t.test_interval == 0 then fail("early_stop needs test_interval, as it counts tests") end
    t.early_stop = { patience = stop.patience or 5, min_delta = stop.min_delta or 0 }
  end
  t.keep_best = best ~= false
  local default = t.test_data and (t.classes and "accuracy" or "loss") or nil
  t.metric = default
  if type(best) == "string" then t.metric = check_metric("best", best, t) end
  if stop and stop.metric then t.metric = check_metric("early_stop.metric", stop.metric, t) end
  if stop and not t.metric then fail("early_stop needs test_data, on which it looks") end
  if type(best) == "string" and t.metric ~= best then
    fail("best is chosen by %s, early_stop by %s: one run has one metric", best, t.metric)
  end
end

function core.is_solver(value)
  local meta = type(value) == "userdata" and getmetatable(value)
  return type(meta) == "table" and meta.__name == "lander.solver"
end

-- A solver that is there already, in place of options for a new one.
local function check_solver(options)
  local solver = options.solver
  if solver == nil or type(solver) == "table" then return end
  if not core.is_solver(solver) then
    fail("solver must be a table of options, or a solver that goes on (run.solver)")
  elseif options.net and options.net ~= solver.net then
    fail("this solver is another net's: leave net out")
  elseif options.resume or options.weights or options.dry_run then
    fail("a solver that goes on has its weights: leave out resume, weights and dry_run")
  end
end

local function check_limits(options)
  local most = options.solver.max_iter
  if core.is_solver(options.solver) and most == 0 then most = nil end
  if most ~= nil and (math.type(most) ~= "integer" or most < 1) then
    fail("solver.max_iter, the number of iterations, must be an integer from 1, found %s",
      type(most) == "number" and core.number_text(most) or "a " .. type(most))
  end
  for _, name in ipairs { "max_epoch", "max_time" } do
    local value = options[name]
    if value and not (value > 0 and core.is_finite(value)) then
      fail("%s must be a positive number, found %s", name, core.number_text(value))
    end
  end
  if not (most or options.max_epoch or options.max_time or options.dry_run) then
    fail("when does it end? Give solver.max_iter (iterations), max_epoch or max_time (seconds)")
  end
end

local function check_parts(options)
  local batch, parts = options.batch_size or 64, options.solver.iter_size
  if math.type(parts) == "integer" and parts > 0 and batch % parts ~= 0 then
    fail("batch_size = %d can't be cut in solver.iter_size = %d equal parts", batch, parts)
  end
end

local function check_together(options)
  if (options.snapshot or 0) > 0 and not options.snapshot_prefix then
    fail("snapshot needs snapshot_prefix, the beginning of the files' names")
  elseif options.resume and options.weights then
    fail("resume goes on with a training, weights begins a new one with the weights of a saved "
      .. "net: give one of the two")
  elseif options.dry_run and options.resume then
    fail("dry_run tries what a new training does; leave out resume")
  end
end

-- For an option of the solver's that was given one floor too high.
local function belongs_to_solver(options)
  for _, d in ipairs(type(options) == "table" and core.describe "solver" or {}) do
    for _, option in ipairs(d.options or {}) do
      if options[option.name] ~= nil and not known[option.name] then
        return (" (%s belongs into solver = { ... })"):format(option.name)
      end
    end
  end
  return ""
end

-- The largest of these distances of which `least` fit into the iterations, else 1.
local function distance(distances, least, iterations)
  local found = 1
  for _, n in ipairs(distances) do
    if least * n <= iterations then found = n end
  end
  return found
end

-- Iterations between two rows where nobody says: 20 to 50 rows make a curve that can be read, and
-- of a long run there is one every 100.
function core.display_for(iterations)
  return distance({ 2, 5, 10, 20, 50, 100 }, 20, iterations)
end

-- The same of tests, for the command: 5 to 12 of a short run, as each costs as much as many
-- iterations.
function core.test_interval_for(iterations)
  return distance({ 2, 5, 10, 20, 50, 100, 200, 500 }, 5, iterations)
end

function core.check_train(options)
  local wrong = core.check_options("lander.train", options, known)
  if wrong then error(wrong .. belongs_to_solver(options), 0) end
  check_solver(options)
  local given = { net = options.net or core.is_solver(options.solver) and options.solver.net,
                  data = options.data, solver = options.solver }
  for _, name in ipairs { "net", "data", "solver" } do
    if not given[name] then fail("%s is missing", name) end
  end
  if getmetatable(given.net) ~= core.net_metatable then
    fail("net must be a net (nn.net { ... } makes one)")
  end
  for _, name in ipairs { "data", "test_data" } do
    local data = options[name]
    if data and getmetatable(data) ~= core.dataset_metatable then
      fail("%s must be a dataset (lander.data makes one)", name)
    end
  end
  if type(options.solver.base_lr) ~= "number"
    and type(options.solver.lr_policy) ~= "function" then
    fail("solver.base_lr, the learning rate, must be a number")
  end
  check_limits(options)
  check_parts(options)
  check_together(options)
  return core.read_retry(options.retry)
end

-- The folder of the prefix, and whether files can be made in it: a long run that can't be
-- saved should not begin.
function core.probe_prefix(prefix)
  local folder = prefix:match "^(.*)/[^/]*$"
  if folder and folder ~= "" then core.make_dir(folder) end
  local probe = prefix .. ".probe"
  local file, message = core.append_file(probe)
  if not file then error(("can't write beside '%s': %s"):format(prefix, message), 0) end
  file:close()
  core.remove_file(probe)
end
