-- report.lua: a page for every run, <prefix>.html, and lander.report, which makes pages of runs
-- afterwards and compares several (report_several.lua). report_page.lua has the pieces,
-- report_net.lua what is about a net.
local lander = ...
local core = lander.core
core.page = core.page or {} -- report_page.lua fills it
local page = core.page

local MOST_ROWS = 400         -- of a table of rows; of more, some between are left out
local MOST_JOURNAL = 20 << 20 -- bytes of a journal that is read again at the end of a run
local SHARE, LEAST = 0.02, 0.25 -- of the run's time, and seconds, that predictions may take

-- ---- curves ----

-- Whether a run has such numbers; one of the untrained net alone shows nothing.
local function has(rows, event, field)
  for _, row in ipairs(rows) do
    if row.event == event and (row[field] or row[field .. "_is"])
      and (event ~= "test" or row.iter ~= 0) then
      return true
    end
  end
  return false
end

local pictures = {
  { "Loss", { "loss", "test_loss" }, "train", "loss" },
  { "Accuracy", { "accuracy" }, "test", "accuracy" },
  { "Rate", { "rate" }, "train", "rate" },
}

-- runs: { { rows =, name =, look = }, ... }. All pictures have the same iterations, one above the
-- other.
local function curves(runs)
  local panels, parts = {}, {}
  for _, picture in ipairs(pictures) do
    local title, what, event, field = table.unpack(picture)
    local things = {}
    for _, run in ipairs(runs) do
      if has(run.rows, event, field) then
        things[#things + 1] = run
      end
    end
    if #things > 0 then
      if #things > 1 then what = { what[1] } end
      local list, labels = core.curves_of_rows(things, what)
      local log = (title == "Rate" or core.only_gone(list)) and core.suits_log(list)
        or title == "Loss" and core.goes_over_decades(list)
      panels[#panels + 1] = { curves = list, labels = labels,
                              options = { title = title, log = log and "y" or nil } }
    end
  end
  local range = core.panels_range(panels)
  for i, panel in ipairs(panels) do
    panel.options.x_range = range
    parts[i] = page.plot(panel.curves, panel.labels, panel.options)
  end
  if #parts == 0 then return page.paragraph "The run ended before there was anything to draw." end
  return table.concat(parts)
end

-- ---- the journal ----

-- At most MOST_ROWS of a list, evenly, the last one always.
local function thinned(list)
  if #list <= MOST_ROWS then return list end
  local result = {}
  for i = 1, MOST_ROWS do result[i] = list[i * #list // MOST_ROWS] end
  return result
end

-- What is told elsewhere: in the other columns, at the head, in the words of a divergence.
local told, told_in_words = {}, {}
for key in ("event iter attempt net advice"):gmatch "%S+" do told[key] = true end
for key in ("rule where reason loss loss_is value value_is baseline"):gmatch "%S+" do
  told_in_words[key] = true
end

local function words_of(row)
  local diverged = row.event == "diverged"
  local parts = { diverged and page.escape(core.divergence_words(row)) or nil }
  for _, key in ipairs(core.sorted_keys(row)) do
    local value = row[key]
    if not (told[key] or diverged and told_in_words[key]) and type(value) ~= "table" then
      parts[#parts + 1] = ("%s %s"):format(page.escape(key), page.show(value))
    end
  end
  return table.concat(parts, "; ")
end

-- count: how many rows of the curves there are, where `rows` are thinned; false: it isn't known.
local function journal(rows, path, count)
  local events, trains, attempts_of = {}, {}, core.attempts_of(rows)
  for _, row in ipairs(rows) do
    if row.event == "train" then
      trains[#trains + 1] = row
    else
      local trial = row.event == "trial" and row.back_to -- it has the number of what follows
      events[#events + 1] = { page.show(row.event), page.show(row.iter),
                              page.show(trial and row.attempt - 1 or row.attempt), words_of(row) }
    end
  end
  local shown = thinned(trains)
  for i, row in ipairs(shown) do
    shown[i] = { page.show(row.iter), page.show(row.loss or row.loss_is), page.show(row.rate),
                 page.show(row.attempt), core.fate_of(attempts_of[row.attempt]) }
  end
  local text = path and ("Everything is in %s."):format(core.harmless_word(path))
    or "The run had no journal."
  if #events > MOST_ROWS then
    text = ("%s Of %s events %d are shown."):format(text, core.count_text(#events), MOST_ROWS)
  end
  return page.paragraph(text)
    .. page.table("Events", { { "event" }, { "iteration", number = true },
      { "attempt", number = true }, { "details", words = true } },
      thinned(events))
    .. page.details(("Rows of the curves (%d%s)"):format(#shown,
      count ~= false and " of " .. core.count_text(count or #trains) or ""),
      page.table("Rows", { { "iteration", number = true }, { "loss", number = true },
        { "rate", number = true }, { "attempt", number = true }, { "which" } }, shown, true))
end

-- ---- options ----

local function options_table(caption, options)
  local lines = {}
  for _, key in ipairs(core.sorted_keys(options)) do
    local value = options[key]
    if type(value) ~= "table" or #value > 0 then
      lines[#lines + 1] = { page.show(key), page.show(value) }
    end
  end
  return #lines > 0 and page.table(caption, { { "option" }, { "value" } }, lines) or ""
end

local function options_of(rows, more)
  local start = core.last_event(rows, "start")
  local parts = {}
  if type(start.solver) == "table" then
    parts[1] = options_table("The solver's, with their defaults", start.solver)
  end
  local training = { samples = start.samples, batch_size = start.batch_size, seed = start.seed,
                     lander = start.version, data = start.data, model = core.run_model(rows) }
  for key, value in pairs(more or {}) do training[key] = value end
  parts[#parts + 1] = options_table("The training's, and what it ran on", training)
  if type(start.net) == "string" then
    parts[#parts + 1] = page.details("The net as text", ("<pre>%s</pre>"):format(
      page.escape(start.net)))
  end
  return table.concat(parts)
end

-- ---- one run ----

-- What there is to tell of a net whose outputs are neither classes nor compared one by one.
local function tested(run)
  local loss, more = core.measure { net = run.net, test_data = run.data,
                                    batch_size = run.batch_size }
  if not loss then error(more.message or more.status, 0) end
  return page.paragraph(("The mean loss over %s samples is %s."):format(
    core.count_text(#run.data), core.number_text(loss)))
end

-- run: { rows =, count =, name =, path =, net =, data = (to test), classes =, more =, seconds =,
-- batch_size =, augment =, untrained =, shows_loss = }
local function one_run(run)
  local sections = {}
  local function add(id, title, content)
    if content then sections[#sections + 1] = { id = id, title = title, content = content } end
  end
  add("curves", "Curves", curves { { rows = run.rows } })
  add("attempts", "Attempts", core.report_attempts(run.rows))
  if run.net and run.data and run.classes and not core.stopped() then
    local name_of = core.class_namer(core.noted_data(run.net), run.data)
    local result = core.predictions(run.net, run.data, run.classes, run)
    add("confusion", "Confusion matrix", core.report_confusion(result, run.data, name_of))
    add("mistakes", "Worst mistakes", core.report_mistakes(result, run.data, name_of))
  end
  if run.net and run.data and not (run.untrained or core.stopped()) then
    add("regression", "Predicted and true", core.report_regression(run.net, run.data, run))
  end
  if run.shows_loss then add("test", "Test", tested(run)) end
  if run.net and not run.untrained then
    add("filters", "First-layer filters", core.report_filters(run.net))
  end
  add("net", "Net", run.net and core.report_layers(run.net))
  add("journal", "Journal", journal(run.rows, run.path, run.count))
  add("options", "Options", options_of(run.rows, run.more))
  return page.write(run.name, core.report_head(run.rows), sections)
end

-- ---- several runs ----

local function several_runs(runs, title)
  return page.write(title, page.paragraph(("%d runs side by side."):format(#runs)), {
    { id = "results", title = "Results", content = core.report_results(runs) },
    { id = "curves", title = "Curves", content = curves(runs) },
    { id = "options", title = "What differs", content = core.report_differences(runs) },
  })
end

-- ---- at the end of a training ----

-- The rows of a training: also those before it was resumed; and how many they are, where some are
-- left out.
local function rows_of_training(t)
  local path = t.journal.path
  local whole = t.resume and path and (core.file_size(path) or math.huge) <= MOST_JOURNAL
  return core.run_rows(whole and path or t.run, true)
end

local function training_options(t)
  local config, options = lander.config(), t.options
  local more = { threads = config.threads, instructions = config.instructions, real = config.real }
  for _, key in ipairs { "display", "test_interval", "snapshot", "max_epoch", "max_time", "resume",
                         "weights", "overfit", "shuffle" } do
    more[key] = options[key]
  end
  more.test_samples = t.test_data and #t.test_data
  for _, key in ipairs(t.augment and core.sorted_keys(t.augment) or {}) do
    more["augment." .. key] = t.augment[key]
  end
  for _, key in ipairs(core.sorted_keys(t.retry)) do more["retry." .. key] = t.retry[key] end
  return more
end

-- Writes <prefix>.html. Whatever goes wrong with it is a warning: the run is what counts.
function core.write_report(t)
  local spent = t.seconds_before + core.clock() - t.began
  local ok, message = pcall(function() -- the path, or what is wrong
    local rows, count = rows_of_training(t)
    return core.write_text(t.prefix .. ".html", one_run {
      rows = rows, count = count, path = t.journal.path,
      name = core.harmless_word((t.prefix:gsub("^.*/", ""))),
      net = t.net, untrained = t.solver.iter == 0, classes = t.classes,
      data = t.solver.iter > 0 and t.test_data or nil, more = training_options(t),
      batch_size = t.batch_size, augment = t.augment, seconds = math.max(LEAST, SHARE * spent),
    })
  end)
  t.net:train_phase()
  t.progress:say(ok and "page: " .. message
    or "warning: no report: " .. core.plain_message(message))
end

-- ---- lander.report ----

local known = { to = "string", net = "userdata", data = "userdata", title = "string" }

local function read_arguments(...)
  local things = table.pack(...)
  local options = {}
  local last = things[things.n]
  if things.n > 0 and type(last) == "table" and not last.history then
    options = last
    things[things.n] = nil
    things.n = things.n - 1
    for _, thing in ipairs(last) do
      things.n = things.n + 1
      things[things.n] = thing
    end
  end
  local named = {}
  for key, value in pairs(options) do
    if math.type(key) ~= "integer" then named[key] = value end
  end
  local wrong = core.check_options("lander.report", named, known)
  if wrong then error(wrong, 0) end
  return things, named
end

local function read_runs(things)
  local runs, taken = {}, {}
  for i = 1, things.n do
    local run = things[i]
    if type(run) ~= "string" and not (type(run) == "table" and type(run.history) == "table") then
      error(("lander.report: thing %d is a %s, expected a run or the path of a journal"):format(i,
        type(run)), 0)
    end
    local name = page.cut(core.harmless_word(core.run_name(run, i)))
    taken[name] = (taken[name] or 0) + 1
    local rows, count = core.run_rows(run, true)
    runs[i] = { rows = rows, count = count, path = type(run) == "string" and run or nil,
                look = things.n > 1 and i or nil,
                name = taken[name] > 1 and ("%s (%d)"):format(name, taken[name]) or name }
  end
  if #runs == 0 then
    error("lander.report: give it runs, or the paths of their journals (runs/lenet.jsonl)", 0)
  end
  return runs
end

local function check_net(run, options)
  if options.net and getmetatable(options.net) ~= core.net_metatable then
    error("lander.report: net must be a net", 0)
  end
  if options.data and getmetatable(options.data) ~= core.dataset_metatable then
    error("lander.report: data must be a dataset, on which the net is tested", 0)
  elseif options.data and not options.net then
    error("lander.report: net is missing: it is what is tested on the data", 0)
  end
  run.net = options.data and core.with_loss(options.net, options.data) or options.net
  run.data, run.batch_size, run.seconds = options.data, 100, math.huge
  run.classes = run.net and core.count_classes(run.net)
  run.shows_loss = run.data and not run.classes and not core.new_regression(run.net, run.data)
end

local function prepare(...)
  local things, options = read_arguments(...)
  if not options.to then error("lander.report: to, the name of the page, is missing", 0) end
  local runs = read_runs(things)
  if #runs == 1 then
    check_net(runs[1], options)
  elseif options.net or options.data then
    error("lander.report: net and data belong to one run, found several", 0)
  end
  return runs, options
end

local function report(...)
  local runs, options = core.as_usage("report", prepare, ...)
  local text
  if #runs == 1 then
    runs[1].name = options.title or runs[1].name
    text = one_run(runs[1])
  else
    text = several_runs(runs, options.title or "Runs")
  end
  return core.write_text(options.to, text)
end

core.topics.report = [==[
lander.report(run, ..., { to = "x.html" }): a page about a run (what lander.train returns, or the
path of its journal), or one that compares several. lander.train writes <snapshot_prefix>.html.
  net, data   of one run: a net, and a dataset to test it on, for what is told of them
  title       the page's heading
  example: lander.report("runs/a.jsonl", "runs/b.jsonl", { to = "compare.html" })]==]

-- lander.report(run, ..., { to = "x.html" }): a page about a run, with net and data (a dataset
-- to test it on) also about the net; of several runs one that compares them. A run is what
-- lander.train returns or the path of its journal. Returns the path.
function lander.report(...)
  return (core.at_user(report, ...))
end
