-- report_several.lua: what a page tells of several runs beside each other: how they ended, by what
-- they were made, and in what they differ.
local lander = ...
local core = lander.core
core.page = core.page or {} -- report_page.lua fills it
local page = core.page

local MOST_LINES = 6 -- of a net, that another one has not

-- ---- what a run was made of ----

local function start_of(rows)
  return core.last_event(rows, "start")
end

-- The command that began a run, as it is typed; nil: a script in another program, or nobody knows.
function core.run_command(rows)
  local words = start_of(rows).command
  return words and core.shell_words { "lander", table.unpack(words) }
end

-- The model of `lander train MODEL`; nil where that is not what was typed first.
function core.run_model(rows)
  local words = start_of(rows).command or {}
  return words[1] == "train" and words[2] and not words[2]:find "^%-" and words[2] or nil
end

local function solver_of(run)
  local solver = start_of(run.rows).solver
  return type(solver) == "table" and solver or {}
end

-- ---- tables ----

local MOST_COLUMNS = 4 -- runs; of more each has a line, not a column

-- lines: { what, of the first run, of the second, ..., number =, words = }, texts of the page but
-- for what. options: { numbers = (most lines are such), unseen = }
local function side_by_side(caption, head, runs, lines, options)
  local columns, rows = {}, {}
  if #runs <= MOST_COLUMNS then
    columns[1] = { head }
    for i, run in ipairs(runs) do
      columns[i + 1] = { run.name, number = options.numbers, name = true }
    end
    for i, line in ipairs(lines) do
      rows[i] = { page.show(line[1]), table.unpack(line, 2) }
    end
  else
    columns[1] = { "run", name = true }
    for k, line in ipairs(lines) do
      columns[k + 1] = { line[1], number = line.number, words = line.words }
    end
    for i, run in ipairs(runs) do
      rows[i] = { page.name(run.name) }
      for k, line in ipairs(lines) do rows[i][k + 1] = line[i + 1] end
    end
  end
  return page.table(caption, columns, rows, options.unseen)
end

-- Facts that not all runs have come where a run that has them would show them.
local places = {}
for i, name in ipairs { "status", "iterations", "loss", "test loss", "test accuracy",
                        "mean absolute error", "R2", "best accuracy", "base_lr", "retries" } do
  places[name] = i
end

-- The table of how the runs ended.
function core.report_results(runs)
  local lines, line_of = {}, {}
  for i, run in ipairs(runs) do
    for _, fact in ipairs(core.run_facts(run.rows)) do
      local line = line_of[fact[1]]
      if not line then
        line = { fact[1], number = fact[1] ~= "status" }
        for k = 1, #runs do line[k + 1] = "-" end
        line_of[fact[1]] = line
        lines[#lines + 1] = line
      end
      line[i + 1] = fact[2]
    end
  end
  table.sort(lines, function(a, b) return places[a[1]] < places[b[1]] end)
  return side_by_side("Results", "result", runs, lines, { numbers = true, unseen = true })
end


-- ---- differences ----

-- { what, of the first run, ... }, nil where all runs have the same.
local function line_of(what, runs, tell)
  local line, same = { what, words = what == "layers" }, true
  for i, run in ipairs(runs) do
    line[i + 1] = tell(run)
    same = same and line[i + 1] == line[2]
  end
  return not same and line or nil
end

local function lines_of_net(run)
  local net, list = start_of(run.rows).net, {}
  for line in (type(net) == "string" and net or ""):gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

-- Of each net the lines of its text that not all of them have.
local function net_teller(runs)
  local have = {} -- how many
  for _, run in ipairs(runs) do
    for _, line in ipairs(lines_of_net(run)) do have[line] = (have[line] or 0) + 1 end
  end
  return function(run)
    local own = {}
    for _, line in ipairs(lines_of_net(run)) do
      if have[line] < #runs then own[#own + 1] = page.name(line) end
    end
    local more = #own - MOST_LINES
    return #own == 0 and "-" or table.concat(own, "<br>", 1, math.min(#own, MOST_LINES))
      .. (more > 0 and ("<br>and %d more"):format(more) or "")
  end
end

-- What is not the same in all runs of what their journals tell.
local function differences(runs)
  local lines = {}
  local function add(what, tell) lines[#lines + 1] = line_of(what, runs, tell) end
  add("model", function(run) return page.show(core.run_model(run.rows)) end)
  for _, field in ipairs { "data", "samples", "batch_size", "seed" } do
    add(field, function(run) return page.show(start_of(run.rows)[field]) end)
  end
  add("layers", net_teller(runs))
  local keys = {}
  for _, run in ipairs(runs) do
    for key in pairs(solver_of(run)) do keys[key] = true end
  end
  for _, key in ipairs(core.sorted_keys(keys)) do
    add(key, function(run) return page.show(solver_of(run)[key]) end)
  end
  if #lines == 0 then
    return page.paragraph("The net, the data, the size of a batch, the seed and the solver's "
      .. "options are the same in all runs.")
  end
  return side_by_side("Net, data and options", "what", runs, lines, {})
end

local function commands(runs)
  local rows = {}
  for _, run in ipairs(runs) do
    local command = core.run_command(run.rows)
    if command then
      rows[#rows + 1] = { page.name(run.name), ("<code>%s</code>"):format(page.escape(command)) }
    end
  end
  return #rows > 0 and page.table("Commands that began them", { { "run", name = true },
    { "command", words = true } }, rows) or ""
end

function core.report_differences(runs)
  return differences(runs) .. commands(runs)
end
