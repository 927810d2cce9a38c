-- help.lua: help "conv": the text of the descriptions, with an example.
local lander = ...
local core = lander.core

local kinds = { "layer", "solver", "schedule", "filler" }
local titles = { layer = "layers (lander.nn)", solver = "solver types",
                 schedule = "schedules (lr_policy)", filler = "fillers" }

-- Functions of the module: name -> text.
core.topics = {}

local function option_row(option, prefix)
  local kind = option.choices and table.concat(option.choices, "|") or option.kind
  local default = option.default and "default " .. option.default or "needed"
  return { "  " .. prefix .. option.name, default, ("%s (%s)"):format(option.help or "", kind) }
end

local function describe(kind, d)
  local lines = { ("%s (%s): %s"):format(d.name, kind, d.help or "") }
  local rows = {}
  for _, option in ipairs(d.options or {}) do
    rows[#rows + 1] = option_row(option, "")
    -- A filler's own options are told once, by help "gaussian".
  end
  for _, line in ipairs(core.columns(rows, {})) do lines[#lines + 1] = line end
  if d.example then lines[#lines + 1] = "  example: " .. d.example end
  return table.concat(lines, "\n")
end

local function list(kind)
  local rows = {}
  for _, d in ipairs(core.describe(kind)) do rows[#rows + 1] = { "  " .. d.name, d.help or "" } end
  return titles[kind] .. "\n" .. table.concat(core.columns(rows, {}), "\n")
end

-- Options of any kind by their own name: help "lr_policy".
local function find_option(word)
  local found = {}
  for _, kind in ipairs(kinds) do
    for _, d in ipairs(core.describe(kind)) do
      for _, option in ipairs(d.options or {}) do
        if option.name == word then
          local row = option_row(option, "")
          found[#found + 1] = ("%s of %s: %s, %s"):format(word, d.name, row[3], row[2])
        end
      end
    end
  end
  return found
end

-- The text of help: about a word, or everything there is.
function core.help_text(word)
  if word == nil then
    local parts = {}
    for i, kind in ipairs(kinds) do parts[i] = list(kind) end
    local topics = core.sorted_keys(core.topics)
    parts[#parts + 1] = "functions (lander)\n  " .. table.concat(topics, ", ")
    parts[#parts + 1] = 'help "conv" tells more; so does doc/.'
    return table.concat(parts, "\n\n")
  end
  if type(word) ~= "string" then return core.show(word) end
  local found, names = {}, {}
  for _, kind in ipairs(kinds) do
    for _, d in ipairs(core.describe(kind)) do
      names[#names + 1] = d.name
      if d.name == word then found[#found + 1] = describe(kind, d) end
    end
  end
  for name in pairs(core.topics) do names[#names + 1] = name end
  if core.topics[word] then found[#found + 1] = core.topics[word] end
  if #found == 0 then found = find_option(word) end
  if #found == 0 then
    return ("there is no help on '%s'%s"):format(word, core.did_you_mean(word, names))
  end
  return table.concat(found, "\n")
end

-- lander.help([word]) prints it.
function lander.help(word)
  core.print(core.help_text(word) .. "\n")
end
