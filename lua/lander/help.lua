-- help.lua: help "conv", help "train", help(net): the text of the descriptions, with an example.
local lander = ...
local core = lander.core

local kinds = { "layer", "solver", "schedule", "filler" }
local titles = { layer = "layers (lander.nn)", solver = "solver types",
                 schedule = "schedules (lr_policy)", filler = "fillers" }

-- Longer texts about functions of the module, beside those: name -> text.
core.topics = {}

local function option_row(option)
  local kind = option.choices and table.concat(option.choices, "|") or option.kind
  local default = option.default and "default " .. option.default or "needed"
  return { "  " .. option.name, default, ("%s (%s)"):format(option.help or "", kind) }
end

local function describe(kind, d)
  local lines = { ("%s (%s): %s"):format(d.name, kind, d.help or "") }
  local rows = {}
  for _, option in ipairs(d.options or {}) do
    rows[#rows + 1] = option_row(option)
    -- A filler's own options are told once, by help "gaussian".
  end
  for _, line in ipairs(core.columns(rows, {})) do lines[#lines + 1] = line end
  if d.example then lines[#lines + 1] = "  example: " .. d.example end
  return table.concat(lines, "\n")
end

-- A model: the comment at the head of its file.
local function describe_model(name)
  local text = core.source_text("models/" .. name .. ".lua")
  local lines = {}
  for line in text:gmatch "[^\n]*\n" do
    if line:sub(1, 2) ~= "--" then break end
    lines[#lines + 1] = "  " .. line:gsub("^%-%- ?", "")
  end
  return ("%s (model; lander train %s):\n%s"):format(name, name, table.concat(lines)
    :gsub("%s+$", ""))
end

-- Options of any kind by their own name: help "lr_policy".
local function find_option(word)
  local found, owners = {}, {}
  for _, kind in ipairs(kinds) do
    for _, d in ipairs(core.describe(kind)) do
      for _, option in ipairs(d.options or {}) do
        if option.name == word then
          local row = option_row(option)
          local text = ("%s, %s"):format(row[3], row[2])
          if not owners[text] then
            owners[text] = {}
            found[#found + 1] = text
          end
          table.insert(owners[text], d.name)
        end
      end
    end
  end
  for i, text in ipairs(found) do
    found[i] = ("%s of %s: %s"):format(word, table.concat(owners[text], ", "), text)
  end
  return found
end

-- ---- functions and methods: help_texts.lua ----

-- Where the longer texts beside the functions belong.
local home = { tune = "training (lander)", range_test = "training (lander)" }

local function read_entries(group)
  local entries, entry = {}, nil
  for line in group.text:gmatch "[^\n]+" do
    local name, rest = line:match "^([%w_]+): (.*)$"
    if name then
      entry = { name = name, group = group, lines = { rest } }
      entries[#entries + 1] = entry
    else
      entry.lines[#entry.lines + 1] = line
    end
  end
  for _, e in ipairs(entries) do
    e.text = table.concat(e.lines, "\n"):gsub(" | ?", ": ", 1):gsub(": \n", ":\n", 1)
  end
  return entries
end

-- { { title =, owner =, entries = { { name =, text = } } } }, read when help is asked for.
local function groups()
  if core.help_groups then return core.help_groups end
  core.load_source "command/help_texts.lua"(lander)
  local looking
  for _, group in ipairs(core.help_groups) do
    group.entries = read_entries(group)
    looking = group
  end
  for _, name in ipairs(core.sorted_keys(core.topics)) do
    local into = looking
    for _, group in ipairs(core.help_groups) do
      if group.title == home[name] then into = group end
    end
    into.entries[#into.entries + 1] = { name = name, group = into, text = core.topics[name] }
  end
  return core.help_groups
end

-- Calls f(entry) for each function and method.
local function each_entry(f)
  for _, group in ipairs(groups()) do
    for _, entry in ipairs(group.entries) do f(entry) end
  end
end

-- A word may be a name, or one with what stands before it: mm, t:mm, lander.train.
local function is_meant(entry, word)
  return word == entry.name or word == entry.group.owner .. entry.name
    or word:gsub("^lander%.", "") == (entry.group.owner .. entry.name):gsub("^lander%.", "")
end

-- ---- values ----

local samples

-- Objects of each kind, to know their methods by.
local function sample_of(owner)
  if not samples then
    local net = lander.nn.net { lander.nn.input { 1 }, lander.nn.linear { 1 } }
    local d = lander.data.synthetic.xor()
    samples = { ["lander."] = { lander, lander.image }, ["lander.nn."] = { lander.nn },
      ["lander.data."] = { lander.data }, ["lander.data.synthetic."] = { lander.data.synthetic },
      ["t:"] = { lander.zeros(1) }, ["net:"] = { net },
      ["solver:"] = { lander.solver(net, { base_lr = 1 }) },
      ["d:"] = { d, d:batches { size = 1 } } }
  end
  return samples[owner]
end

local function field(owner, name)
  local ok, value = pcall(function() return owner[name] end)
  return ok and value or nil
end

-- The methods of an object, or the functions of a table of ours, a line each; nil: of none.
local function members(value)
  local rows, meta = {}, getmetatable(value)
  for _, group in ipairs(groups()) do
    for _, sample in ipairs(sample_of(group.owner)) do
      local same = type(value) == "userdata" and type(sample) == "userdata"
        and meta == getmetatable(sample)
      if same or value == sample then
        for _, entry in ipairs(group.entries) do
          if field(sample, entry.name) ~= nil then
            rows[#rows + 1] = (entry.text:gsub("\n(%S)", " %1"):gsub("\n.*", ""))
          end
        end
        break
      end
    end
  end
  return #rows > 0 and table.concat(rows, "\n") or nil
end

local function find_value(value)
  local found
  each_entry(function(entry)
    for _, sample in ipairs(sample_of(entry.group.owner)) do
      if not found and field(sample, entry.name) == value then found = entry.text end
    end
  end)
  for _, d in ipairs(core.describe "layer") do
    if not found and field(lander.nn, d.name) == value then found = describe("layer", d) end
  end
  return found or members(value)
end

-- ---- the text of help ----

-- Words as lines of the width of the window.
function core.wrapped(words)
  local width, lines, line = core.width and core.width() or 80, {}, " "
  for i, word in ipairs(words) do
    word = " " .. word .. (i < #words and "," or "")
    if #line + #word > width - 1 then
      lines[#lines + 1] = line
      line = " "
    end
    line = line .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function index()
  local parts = {}
  for _, group in ipairs(groups()) do
    local names = {}
    for i, entry in ipairs(group.entries) do names[i] = entry.name end
    table.sort(names)
    parts[#parts + 1] = group.title .. "\n" .. core.wrapped(names)
  end
  for _, kind in ipairs(kinds) do
    local names = {}
    for i, d in ipairs(core.describe(kind)) do names[i] = d.name end
    parts[#parts + 1] = titles[kind] .. "\n" .. core.wrapped(names)
  end
  parts[#parts + 1] = "models (require \"models.lenet\", lander train lenet)\n"
    .. core.wrapped(core.model_names())
  parts[#parts + 1] = 'help "conv", help "train", help "mm", help(net) tell more; so does doc/.'
  return table.concat(parts, "\n")
end

local find_word

-- About a word: what has that name, or options that do.
function find_word(word)
  local found = {}
  each_entry(function(entry)
    if is_meant(entry, word) then found[#found + 1] = entry.text end
  end)
  local short = word:match "^lander%.nn%.(.+)$" or word:match "^nn%.(.+)$" or word
  for _, kind in ipairs(kinds) do
    for _, d in ipairs(core.describe(kind)) do
      if d.name == short then found[#found + 1] = describe(kind, d) end
    end
  end
  for _, name in ipairs(core.model_names()) do
    if word == name or word == "models." .. name then found[#found + 1] = describe_model(name) end
  end
  local is_in_place = #found == 0 and word:match "^([%w.:]*%l)_$"
  if is_in_place then return find_word(is_in_place) end
  if #found == 0 then found = find_option(word) end
  for _, option in ipairs(#found == 0 and core.train_options() or {}) do
    if option == word then found = { word .. " of lander.train (doc/training.md):",
                                     table.unpack(find_word "train") } end
  end
  return found
end

-- All names that help knows.
function core.help_names()
  local names = {}
  each_entry(function(entry) names[#names + 1] = entry.name end)
  for _, kind in ipairs(kinds) do
    for _, d in ipairs(core.describe(kind)) do names[#names + 1] = d.name end
  end
  table.move(core.model_names(), 1, #core.model_names(), #names + 1, names)
  return names
end

-- The text of help: about a word, a function or an object, or everything there is; nil and a
-- message where there is none.
function core.help_text(word)
  if word == nil then return index() end
  if type(word) ~= "string" then
    local text = find_value(word)
    if text then return text end
    return nil, ("there is no help on this %s; help() lists what there is"):format(type(word))
  end
  local found = find_word(word)
  if #found > 0 then return table.concat(found, "\n") end
  return nil, ("there is no help on '%s'%s"):format(word,
    core.did_you_mean(word, core.help_names()))
end

-- lander.help([word or value]) prints it.
function lander.help(word)
  local text, message = core.help_text(word)
  core.print((text or message) .. "\n")
end
