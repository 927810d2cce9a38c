-- complete.lua: what TAB makes of a line: names, fields, methods, options inside braces, file
-- names inside texts, parameter names inside net.params["...".
local lander = ...
local core = lander.core

-- ---- where the cursor stands ----

-- The text before the cursor, its last open quote (nil: none) and the open brackets behind
-- it, innermost last: { { mark = "{", at = }, ... }.
local function scan(line)
  local open, quote, quote_at = {}, nil, nil
  local i = 1
  while i <= #line do
    local c = line:sub(i, i)
    if quote then
      if c == "\\" then i = i + 1 elseif c == quote then quote = nil end
    elseif c == '"' or c == "'" then
      quote, quote_at = c, i
    elseif c == "{" or c == "(" or c == "[" then
      open[#open + 1] = { mark = c, at = i }
    elseif c == "}" or c == ")" or c == "]" then
      table.remove(open)
    elseif line:find("^%-%-", i) then
      return nil
    end
    i = i + 1
  end
  return open, quote and quote_at
end

-- The keys of what a text ends in, such as net.params["conv1.weight"]: nil where that can't be told
-- without calling something.
local function keys_at_end(text)
  local keys = {}
  while true do
    local before, bracket = text:match "^(.*)(%b[])$"
    if bracket then
      local key = bracket:match "^%[%s*[\"'](.*)[\"']%s*%]$" or tonumber(bracket:sub(2, -2))
      if key == nil then return nil end
      table.insert(keys, 1, key)
      text = before
    else
      local start, name = text:match "^(.-)([%a_][%w_]*)$"
      if not name then return nil end
      table.insert(keys, 1, name)
      text = start:match "^(.*[^.])%.$"
      if not text then return not start:find "[.:]$" and keys or nil end
    end
  end
end

-- The value that a text ends in; nothing of the user's is called but what indexing calls.
local function resolve(text)
  local value = _G
  for _, key in ipairs(keys_at_end(text) or { {} }) do
    local ok, found = pcall(function() return value[key] end)
    if not ok or found == nil then return nil end
    value = found
  end
  return value
end

-- ---- what our own objects have ----

-- The tables behind an object: its methods are upvalues of the function that finds them.
local function tables_behind(index)
  local found = { type(index) == "table" and index or nil }
  if type(index) ~= "function" then return found end
  for i = 1, 10 do
    local name, value = debug.getupvalue(index, i)
    if not name then break end
    if type(value) == "table" then found[#found + 1] = value end
  end
  return found
end

local fields_of = {
  ["lander.net"] = { "params" },
  ["lander.param"] = { "name", "data", "grad", "lr_mult", "decay_mult", "frozen" },
  ["lander.layer"] = { "name", "type", "inputs", "size", "parameters", "output", "outputs",
                       "gradient" },
  ["lander.dataset"] = { "classes" },
}

-- What can be read as a field and is no method: of a solver its options.
local function own_fields(value)
  local meta = getmetatable(value)
  local kind = type(meta) == "table" and meta.__name
  if kind == "lander.solver" then
    local names = { "iter", "loss", "net" }
    for name in pairs(value:options()) do names[#names + 1] = name end
    return names
  end
  return fields_of[kind] or {}
end

-- ---- candidates ----

local function add_keys(set, t)
  if type(t) ~= "table" then return end
  for key in next, t do
    if type(key) == "string" and key:find "^[%a_][%w_]*$" then set[key] = true end
  end
end

-- Names behind a dot or a colon of this value.
local function fields(value, only_functions)
  local set = {}
  add_keys(set, value)
  local meta = getmetatable(value)
  if value == lander.nn then
    for _, d in ipairs(core.describe "layer") do set[d.name] = true end
  elseif type(meta) == "table" then
    for _, t in ipairs(tables_behind(meta.__index)) do add_keys(set, t) end
    for _, name in ipairs(own_fields(value)) do set[name] = true end
  end
  if type(value) == "string" then add_keys(set, string) end
  if only_functions then
    for name in pairs(set) do
      local ok, field = pcall(function() return value[name] end)
      if not ok or type(field) ~= "function" then set[name] = nil end
    end
  end
  return set
end

local keywords = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function",
  "goto", "if", "in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until",
  "while" }

-- Before the first letter only what the session has made, and where everything else is.
local function globals(word)
  if word == "" then
    local set = { lander = true, nn = true }
    for _, name in ipairs(core.own_names()) do set[name] = true end
    return set
  end
  local set = fields(_G)
  for _, other in ipairs(keywords) do set[other] = true end
  return set
end

local function options_of(kind, name)
  local set = {}
  for _, d in ipairs(core.describe(kind)) do
    if name == nil or d.name == name then
      for _, option in ipairs(d.options or {}) do set[option.name] = true end
    end
  end
  return set
end

-- Options of the call whose brace stands at `at`: nn.conv {, x:conv {, lander.solver(net, {,
-- lander.train {, solver = {.
local function call_options(line, at)
  local before = line:sub(1, at - 1)
  if before:find "solver%s*=%s*$" or before:find "solver%s*%([^{}]*$" then
    return options_of("solver", line:sub(at):match "type%s*=%s*[\"'](%w+)")
  end
  local name = before:match "([%a_][%w_]*)%s*%(?%s*$"
  if not name then return nil end
  if name == "train" then
    local set = {}
    for _, option in ipairs(core.train_options()) do set[option] = true end
    return set
  end
  local set = options_of("layer", name)
  return next(set) and set or nil
end

local function file_names(prefix)
  local set = {}
  local folder = prefix:match "^(.*/)" or ""
  for _, name in ipairs(core.list_dir(folder == "" and "." or folder) or {}) do
    if name:sub(1, 1) ~= "." or prefix:match "([^/]*)$":sub(1, 1) == "." then
      set[folder .. name] = true
    end
  end
  return set
end

-- What may stand in the brackets behind an object: keys of tables, a net's parameters and layers.
local function keys_of(value)
  local set = {}
  if getmetatable(value) == core.net_metatable then
    for _, info in ipairs(value:layers()) do set[info.name] = true end
  end
  pcall(function()
    for name in pairs(value) do
      if type(name) == "string" then set[name] = true end
    end
  end)
  return set
end

local function help_words()
  local set = {}
  for _, name in ipairs(core.help_names()) do set[name] = true end
  return set
end

-- Texts that have a meaning of their own where the quote stands.
local function texts(line, quote_at)
  local before = line:sub(1, quote_at - 1)
  local owner = before:match "^(.*)%[%s*$"
  if owner then
    local set = keys_of(resolve(owner))
    if next(set) then return set end
  end
  if before:find "help%s*%(?%s*$" then return help_words() end
  local option = before:match "([%a_]+)%s*=%s*$"
  local kind = option == "lr_policy" and "schedule" or option == "type" and "solver"
    or option == "filler" and "filler"
  if kind then
    local set = {}
    for _, d in ipairs(core.describe(kind)) do set[d.name] = true end
    return set
  end
  if before:find "require%s*%(?%s*$" then
    local set = {}
    for _, name in ipairs(core.model_names()) do set["models." .. name] = true end
    return set
  end
end

-- ---- putting it together ----

local function matching(set, word)
  local list = {}
  for name in pairs(set or {}) do
    if name:sub(1, #word) == word then list[#list + 1] = name end
  end
  table.sort(list)
  return list
end

local function common_start(list)
  local start = list[1]
  for _, name in ipairs(list) do
    local n = 0
    while n < #start and n < #name and start:byte(n + 1) == name:byte(n + 1) do n = n + 1 end
    start = start:sub(1, n)
  end
  return start
end

-- The word before the cursor, what it may become, and what follows the only one.
local function candidates(line)
  local open, quote_at = scan(line)
  if not open then return "", {} end
  if quote_at then
    local word = line:sub(quote_at + 1)
    return word, texts(line, quote_at) or file_names(word), ""
  end
  local word = line:match "^%s*help%s+([%w_]*)$" or line:match "^%s*:doc%s+([%w_]*)$"
  if word and rawget(_G, "help") == lander.help then return word, help_words(), "" end
  word = line:match "^%s*:(%a*)$"
  if word then return word, core.own_words(), "" end
  local owner, mark, name = line:match "^(.-[^.])([.:])([%a_]?[%w_]*)$"
  if owner then return name, fields(resolve(owner), mark == ":"), "" end
  word = line:match "[%w_]*$"
  local brace = open[#open]
  local options = brace and brace.mark == "{" and line:sub(brace.at):find "[{,]%s*[%w_]*$"
    and call_options(line, brace.at)
  if options then return word, options, " = " end
  return word, globals(word), ""
end

-- As columns in the width of the window.
local function as_columns(list)
  local widest = 0
  for i, name in ipairs(list) do
    list[i] = name:match "([^/]+/?)$" or name
    widest = math.max(widest, #list[i])
  end
  local per_line = math.max(1, core.width() // (widest + 2))
  local rows = math.ceil(#list / per_line)
  local lines = {}
  for r = 1, rows do
    local cells = {}
    for i = r, #list, rows do cells[#cells + 1] = list[i] .. (" "):rep(widest - #list[i]) end
    lines[r] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end

-- core.complete(line before the cursor) -> how many bytes at its end are replaced, by what, and
-- the choices as text where there are several; nothing when there is nothing to complete.
return function(line)
  local word, set, behind = candidates(line)
  local list = matching(set, word)
  if #list == 0 then return end
  if #list == 1 then return #word, list[1] .. (list[1]:find "/$" and "" or behind) end
  local start = common_start(list)
  return #word, start, #start == #word and as_columns(list) or nil
end
