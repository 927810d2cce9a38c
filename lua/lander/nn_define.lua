-- nn_define.lua: layers that a script computes itself.
--
--   nn.define("swish", {
--     options = { beta = 1 },                          -- numbers; self.beta
--     forward = function(self, x) return x * (x * self.beta):sigmoid() end,
--     backward = function(self, x, y, dy) ... return dx end,
--   })
--
-- With parameters: params(self, size) returns { weight = { size = {3, 4}, filler = "xavier" } },
-- they are self.params.weight in forward and backward, and backward returns their gradients
-- behind those of the inputs: return dx, { weight = dw }. With several inputs (inputs = 2) the
-- functions get all of them, and backward returns a gradient for each. size(self, size, ...)
-- tells the output's size without the batch when it is not the first input's.
local lander = ...
local core, nn = lander.core, lander.nn

local known = {
  inputs = "integer", help = "string", options = "table", size = "function",
  params = "function", forward = "function", backward = "function",
}

local function sorted_options(name, options)
  local list = {}
  for key, default in pairs(options or {}) do
    if type(key) ~= "string" or not key:find "^[%a_][%w_]*$" then
      error(("nn.define: %s: an option's name is a word, found %s"):format(name, tostring(key)), 0)
    end
    if type(default) ~= "number" then
      error(("nn.define: %s: option '%s' must have a number as its default, found a %s"):format(
        name, key, type(default)), 0)
    end
    list[#list + 1] = { key, ("%.17g"):format(default) }
  end
  table.sort(list, function(a, b) return a[1] < b[1] end)
  return list
end

-- "xavier", or { "gaussian", std = 0.01 }, as the core's text.
local function filler_text(filler)
  if filler == nil then return "" end
  if type(filler) == "string" then return "filler=" .. filler end
  local words = {}
  for key, value in pairs(filler) do
    words[#words + 1] = (key == 1 or key == "type") and "filler=" .. tostring(value)
      or ("filler.%s=%s"):format(key, tostring(value))
  end
  table.sort(words)
  return table.concat(words, " ")
end

local function list_params(params)
  local list = {}
  for name, param in pairs(params or {}) do
    local size = param.size or param
    list[#list + 1] = { name = name, size = size, filler = filler_text(param.filler) }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function define(name, def)
  if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" then
    error("nn.define: the first argument is the layer's name, a word", 0)
  end
  if type(def) ~= "table" then error("nn.define: the second argument is a table", 0) end
  local wrong = core.check_options("nn.define: " .. name, def, known)
  if wrong then error(wrong, 0) end
  for _, key in ipairs { "forward", "backward" } do
    if not def[key] then error(("nn.define: %s: %s is missing"):format(name, key), 0) end
  end
  local options = sorted_options(name, def.options)
  core.define(name, {
    inputs = def.inputs or 1, help = def.help, options = options,
    forward = def.forward, backward = def.backward,
    setup = function(self, size, ...)
      local out = def.size and def.size(self, size, ...) or size
      return out, list_params(def.params and def.params(self, size, ...))
    end,
  })
  core.add_layer { name = name, help = def.help or "a layer of this script", options = options }
end

function nn.define(name, def) return core.at_user(define, name, def) end
