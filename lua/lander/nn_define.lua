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
-- tells the output's size without the batch when it is not the first input's. With loss = true
-- forward(self, scores, target) returns one number for the batch, to be minimised, and
-- backward(self, scores, target, loss, dloss) the gradient of the scores.
local lander = ...
local core, nn = lander.core, lander.nn

local known = {
  inputs = "integer", loss = "boolean", help = "string", options = "table", size = "function",
  params = "function", forward = "function", backward = "function",
}

-- Fields of self, and options that all layers have.
local taken = {
  name = true, phase = true, params = true,
  share = true, lr_mult = true, decay_mult = true, loss_weight = true,
}

local function sorted_options(name, options)
  local list = {}
  for key, default in pairs(options or {}) do
    if type(key) ~= "string" or not key:find "^[%a_][%w_]*$" then
      error(("nn.define: %s: an option's name is a word, found %s"):format(name, tostring(key)), 0)
    end
    if taken[key] then
      error(("nn.define: %s: '%s' is no option's name, it means something already"):format(
        name, key), 0)
    end
    if type(default) == "number" and (default ~= default or math.abs(default) > 1e300) then
      error(("nn.define: %s: the default of option '%s' must be finite, found %s"):format(
        name, key, default), 0)
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
    if type(name) ~= "string" or not name:find "^[%a_][%w_]*$" or type(param) ~= "table" then
      error(("params: wanted name = { size = {...} }, the name a word, found %s = %s"):format(
        tostring(name), tostring(param)), 0)
    end
    local size = param.size or param
    list[#list + 1] = { name = name, size = size, filler = filler_text(param.filler) }
  end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

local function register(name, def)
  local options = sorted_options(name, def.options)
  core.define(name, {
    inputs = def.inputs or def.loss and 2 or 1, loss = def.loss, help = def.help, options = options,
    forward = def.forward, backward = def.backward,
    setup = function(self, size, ...)
      local out = def.size and def.size(self, size, ...) or size
      return out, list_params(def.params and def.params(self, size, ...))
    end,
  })
  core.add_layer { name = name, help = def.help or "a layer of this script", options = options,
    loss = def.loss }
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
  register(name, def)
end

function nn.define(name, def) core.at_user(define, name, def) end

-- ---- a loss that is a function: f(scores, target) -> loss, gradient of the scores ----

local function define_function_loss(f)
  register("function_loss", {
    loss = true, help = "a function of the script: loss, dscores = f(scores, target)",
    forward = function(self, scores, target)
      local loss, gradient = f(scores, target)
      if type(loss) ~= "number" then
        error("the loss's function must return the loss, a number, and the gradient of the scores")
      end
      self.gradient = gradient
      return loss
    end,
    backward = function(self, _, target, _, dloss)
      if not self.gradient then
        error("the loss's function must return the gradient of the scores behind the loss")
      end
      return self.gradient * dloss, target * 0
    end,
  })
end

local functions = setmetatable({}, { __mode = "k" }) -- net -> its function

-- Makes `f` the function of the next function_loss, which is `net`'s.
function core.use_function_loss(net, f)
  functions[net] = f
  define_function_loss(f)
end

function core.function_loss(net) return functions[net] end

-- So that a net which was trained so can be loaded, and predicts.
define_function_loss(function()
  error("this net's loss was a function of the script that trained it; it can predict, and be "
    .. "trained on after net:clone() without that line of net:text()", 0)
end)
