-- generate.lua: writes doc/layers.md from the descriptions that are in the library.
--   build/lander doc/generate.lua [--check]
-- --check changes nothing and fails when the page is not what it would write.
local lander = require "lander"

local lines = {}
local function add(format, ...) lines[#lines + 1] = format:format(...) end

local function words(list) return "`" .. table.concat(list, "`, `") .. "`" end

local KINDS = {
  int = "integer", number = "number", bool = "true or false", ints = "integers",
  numbers = "numbers",
}

local function number(x)
  return math.tointeger(x) and ("%d"):format(x) or ("%g"):format(x)
end

local function kind_of(option)
  if option.kind == "group" then return "one of the fillers" end
  if option.choices then return words(option.choices) end
  local kind = KINDS[option.kind]
  if option.min and option.kind ~= "bool" then
    kind = ("%s, %s to %s"):format(kind, number(option.min), number(option.max))
  end
  return kind
end

local function place_of(option)
  if not option.position then return "" end
  return option.position < 0 and " (all unnamed entries)"
    or (" (unnamed entry %d)"):format(option.position)
end

local function default_of(option)
  if not option.default then return "must be given" end
  return option.default == "" and "none" or "`" .. option.default .. "`"
end

local function escape(text) return (text:gsub("|", "\\|")) end -- a bar would end the cell

local function options_table(options)
  if #options == 0 then
    add "No options."
    return
  end
  add "| option | default | values | what it is |"
  add "|---|---|---|---|"
  for _, o in ipairs(options) do
    add("| `%s`%s | %s | %s | %s |", o.name, place_of(o),
      default_of(o), kind_of(o), escape(o.help or ""))
  end
end

-- The options that all have -> a list, and a set of their names.
local function shared_options(all)
  local count, list, set = {}, {}, {}
  for _, d in ipairs(all) do
    for _, o in ipairs(d.options) do count[o.name] = (count[o.name] or 0) + 1 end
  end
  for _, o in ipairs(all[1].options) do
    if count[o.name] == #all then
      list[#list + 1] = o
      set[o.name] = true
    end
  end
  return list, set
end

local function without(options, set)
  local left = {}
  for _, o in ipairs(options) do
    if not set[o.name] then left[#left + 1] = o end
  end
  return left
end

-- What all of them have is said once, in front.
local function chapter(title, kind, intro)
  local all = lander.core.describe(kind)
  local shared, set = shared_options(all)
  add("\n## %s\n", title)
  add("%s", intro)
  if #shared > 0 then
    add "\nAll of them have these options, and the ones that stand with each.\n"
    options_table(shared)
  end
  for _, d in ipairs(all) do
    add("\n### %s\n", d.name)
    add("%s.\n", d.help)
    if d.example then add("```lua\n%s\n```\n", d.example) end
    local own = without(d.options, set)
    if #own > 0 or #shared == 0 then options_table(own) end
  end
end

add "# Layers, fillers, solvers and schedules"
add "\nWritten by `build/lander doc/generate.lua` from the descriptions in the library. Sizes leave"
add "out the batch. Every layer also takes `name`, and every layer with weights `lr_mult` and"
add "`decay_mult`: a number, or a list with one for each weight."
chapter("Layers", "layer", "As constructors in `lander.nn`, and as methods of graph nodes.")
chapter("Fillers", "filler",
  "Initial values: `weight_filler = \"xavier\"`, `bias_filler = { \"constant\", value = 0.1 }`.")
chapter("Solver types", "solver", "`type = ...` in `lander.solver` and `lander.train`.")
chapter("Schedules", "schedule", "`lr_policy = ...`; t is the iteration, from 0.")
local page = table.concat(lines, "\n") .. "\n"

local PATH = "doc/layers.md"
if arg[1] == "--check" then
  local file = io.open(PATH)
  local now = file and file:read "a"
  if file then file:close() end
  if now ~= page then
    error(PATH .. " is not what the library says; run: build/lander doc/generate.lua", 0)
  end
else
  local file = assert(io.open(PATH, "w"))
  file:write(page)
  file:close()
end
