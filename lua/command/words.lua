-- words.lua: what words of the command line name: files, nets, runs. What isn't there is wrong
-- usage, and is told with what is there in its place.
local lander, commands = ...
local core = lander.core

-- ---- files ----

local function folder_of(path)
  return path:match "^(.*)/[^/]*$"
end

-- The file in the same folder whose name is nearly this one, ", did you mean 'x'?" or "".
local function near_file(path)
  local folder, names = folder_of(path), {}
  for _, name in ipairs(core.list_dir(folder == "" and "/" or folder or ".") or {}) do
    names[#names + 1] = (folder and folder .. "/" or "") .. name
  end
  table.sort(names)
  return core.did_you_mean(path, names)
end

-- "~/x" -> "/home/me/x": a shell does that at the beginning of a word alone, not in --data=csv:~/x.
function commands.at_home(path)
  local home = os.getenv "HOME"
  return home and path:gsub("^~/", function() return home .. "/" end) or path
end

-- A file, a pipe, whatever can be opened.
local function is_there(path)
  if core.file_exists(path) then return true end
  local folder, last = folder_of(path), path:match "[^/]*$"
  for _, name in ipairs(core.list_dir(folder == "" and "/" or folder or ".") or {}) do
    if name == last then return true end
  end
  return false
end

-- Ends the command where there is no such file. `before` is what stands before its name in the
-- message.
function commands.check_file(path, before)
  if is_there(path) then return end
  before = before or ""
  if core.list_dir(path) then
    core.exit(2, ("%s'%s' is a folder, expected a file"):format(before, path))
  end
  local folder = folder_of(path)
  if folder and folder ~= "" and not core.list_dir(folder) then
    core.exit(2, ("%sthere is no folder '%s'"):format(before, folder))
  end
  core.exit(2, ("%sthere is no file '%s'%s"):format(before, path, near_file(path)))
end

function commands.check_folder(path, before)
  if core.list_dir(path) then return end
  core.exit(2, ("%s%s"):format(before, core.file_exists(path)
    and ("'%s' is a file, expected a folder"):format(path)
    or ("there is no folder '%s'%s"):format(path, near_file(path))))
end

-- Ends the command where the option is no whole number from 1.
function commands.check_count(name, value)
  if math.type(value) ~= "integer" or value < 1 then
    core.exit(2, ("--%s must be a whole number from 1, found %s"):format(name,
      core.number_text(value)))
  end
end

-- ---- nets ----

local function is_model(word)
  for _, name in ipairs(core.model_names()) do
    if name == word then return true end
  end
  return false
end

commands.is_model = is_model

-- A model's name as a script or a folder has it, models.lenet or models/lenet.lua, for lenet.
local function model_in(word)
  local name = word:match "^models[./]([%w_]+)$" or word:match "([%w_]+)%.lua$"
  return name and is_model(name) and name
end

local function unknown_model(word)
  if core.list_dir(word) then
    core.exit(2, ("'%s' is a folder, expected a model, a saved net (.npz) or a file that returns "
      .. "one (.lua)"):format(word))
  elseif core.file_exists(word .. ".npz") then
    core.exit(2, ("there is no file '%s', did you mean '%s.npz'?"):format(word, word))
  elseif core.file_exists(word) then
    core.exit(2, ("'%s' is no net: one is a saved net (.npz), or a file that returns one (.lua)")
      :format(word))
  elseif word:find "/" and not model_in(word) then
    commands.check_file(word)
  end
  local near = model_in(word) or core.nearest(word, core.model_names())
  core.exit(2, ("there is no model '%s'%s"):format(word, near
    and (", did you mean '%s'?"):format(near) or ("; there are %s; a saved net ends in .npz, a "
    .. "file that returns one in .lua"):format(table.concat(core.model_names(), ", "))))
end

-- A model that is built in. What it says of its options names no place in it.
local function make_model(word, options)
  local ok, net = pcall(require("models." .. word), options or {})
  if not ok then error((tostring(net):gsub("^models/[%w_]+%.lua:%d+: ", "")), 0) end
  return net
end

local function run_file(path, options)
  if model_in(path) and not core.file_exists(path) then unknown_model(path) end
  commands.check_file(path)
  local chunk, message = loadfile(path)
  if not chunk then error(message, 0) end
  local made = chunk()
  return type(made) == "function" and made(options or {}) or made
end

-- A net: a saved one (.npz), a file that returns one or a function (.lua), or the name of a
-- model that is built in.
function commands.open_net(word, options)
  if word:find "%.npz$" then
    commands.check_file(word)
    return lander.load(word)
  end
  if is_model(word) then return make_model(word, options) end
  local may_be_lua = word:find "%.lua$" or word:find "/" and not word:find "%.%w+$"
  if not may_be_lua or core.file_exists(word .. ".npz") then unknown_model(word) end
  local net = run_file(word, options)
  if getmetatable(net) ~= core.net_metatable then
    error(("%s returns %s, expected a net or a function that returns one"):format(word,
      net == nil and "nothing" or "a " .. type(net)), 0)
  end
  return net
end

-- A net that was trained: a model that is built in has not been.
function commands.open_trained(word)
  if is_model(word) then
    core.exit(2, ("%s is a model, and no net that was trained: lander train %s makes one "
      .. "(runs/train_%s.npz)"):format(word, word, word))
  end
  return commands.open_net(word)
end

-- ---- runs ----

-- The prefix of a run, which is given by that or by one of its files.
function commands.prefix_of(run)
  local prefix = run:match "^(.+)_iter_%d+%.npz$" or run:match "^(.+)_best%.npz$"
  for _, ending in ipairs { "jsonl", "npz", "html", "log" } do
    prefix = prefix or run:match("^(.+)%." .. ending .. "$")
  end
  return prefix or run
end

-- The runs whose journals are in a folder, by their prefixes.
local function add_runs(list, folder)
  for _, name in ipairs(core.list_dir(folder == "" and "." or folder) or {}) do
    local run = name:match "^(.+)%.jsonl$"
    if run then list[#list + 1] = folder == "" and run or folder .. "/" .. run end
  end
end

-- Those that may be meant by a word: in its folder, and where `lander train` puts them.
local function runs_near(word)
  local list, folder = {}, folder_of(word) or ""
  add_runs(list, folder)
  if folder ~= "runs" then add_runs(list, "runs") end
  table.sort(list)
  return list
end

local MOST_RUNS = 5 -- that are named

-- ", did you mean 'runs/lenet'?", or what there is.
local function hint_of_runs(word)
  local runs = runs_near(word)
  local near = core.nearest(word, runs)
  for _, run in ipairs(near and {} or runs) do -- or the name without its folder
    local name = run:match "[^/]+$"
    local is_meant = name == word or name == "train_" .. word
    if is_meant or core.nearest(word, { name }) then near = run end
  end
  if near then return (", did you mean '%s'?"):format(near) end
  if #runs == 0 then return "; lander train and scripts write runs" end
  return ("; there %s %s%s"):format(#runs == 1 and "is" or "are",
    table.concat(runs, ", ", 1, math.min(#runs, MOST_RUNS)), #runs > MOST_RUNS and " ..." or "")
end

-- The journal of a run that is there.
function commands.journal_of(run)
  local path = commands.prefix_of(run) .. ".jsonl"
  if not core.file_exists(path) then
    core.exit(2, ("there is no run '%s' (no file %s)%s"):format(run, path, hint_of_runs(run)))
  end
  return path
end

-- Of several runs, each once: runs/a* are all the files of a run.
function commands.journals_of(runs)
  local journals, seen = {}, {}
  for _, run in ipairs(runs) do
    local journal = commands.journal_of(run)
    if not seen[journal] then journals[#journals + 1] = journal end
    seen[journal] = true
  end
  return journals
end
