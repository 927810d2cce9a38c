-- test_annotations.lua: the annotations for editors are Lua, and leave no public name out.
local lu = require "luaunit"
local lander = require "lander"
local support = require "tests.support"

local core = lander.core

local function annotations()
  local r = support.run { "lua/annotate.lua" }
  lu.assertEquals({ r.status, r.err }, { 0, "" })
  return r.out
end

-- The tables of methods behind an object of ours: upvalues of what finds a field.
local function methods_of(object)
  local index, found = getmetatable(object).__index, {}
  local function add(t)
    for name, value in pairs(t) do
      if type(name) == "string" and type(value) == "function" and not name:find "^__" then
        found[name] = true
      end
    end
  end
  if type(index) == "table" then add(index) return found end
  for i = 1, 10 do
    local name, value = debug.getupvalue(index, i)
    if not name then break end
    if type(value) == "table" then add(value) end
  end
  return found
end

local function without(text, set, form)
  local missing = {}
  for name in pairs(set) do
    if not text:find("\nfunction " .. form:format(name) .. "(", 1, true) then
      missing[#missing + 1] = name
    end
  end
  table.sort(missing)
  return missing
end

local function objects()
  local net = lander.nn.net { lander.nn.input { 2 }, lander.nn.linear { 2 } }
  local data = lander.data.tensors(lander.ones(4, 2), lander.tensor { 1, 2, 1, 2 })
  return { tensor = lander.zeros(1), net = net, dataset = data,
    solver = lander.solver(net, { base_lr = 0.1 }), batches = data:batches { size = 2 } }
end

TestAnnotations = {}

function TestAnnotations.test_they_are_lua_that_does_nothing()
  local made = assert(load(annotations(), "annotations", "t", {}))()
  lu.assertEquals(type(made.train), "function")
  lu.assertNil(made.train {})
end

function TestAnnotations.test_every_method_is_in_them()
  local text = annotations()
  for kind, object in pairs(objects()) do
    local methods = methods_of(object)
    lu.assertTrue(next(methods) ~= nil, kind)
    lu.assertEquals(without(text, methods, "lander_" .. kind .. ":%s"), {},
      "write what they are into lua/annotate.lua: methods of a " .. kind)
  end
end

-- And nothing is in them that is not there.
function TestAnnotations.test_no_method_is_made_up()
  local text, object = annotations(), objects()
  local count = 0
  for kind, name in text:gmatch "\nfunction lander_(%l+):([%w_]+)%(" do
    count = count + 1
    if object[kind] then lu.assertTrue(methods_of(object[kind])[name], kind .. ":" .. name) end
  end
  lu.assertTrue(count > 100)
  for path in text:gmatch "\nfunction (lander%.[%w_.]+)%(" do
    local value = lander
    for name in path:gsub("^lander%.", ""):gmatch "[%w_]+" do value = value[name] end
    lu.assertNotNil(value, path)
  end
end

-- Before the tests begin, some of which define layers of their own.
local layers = {}
for name, value in pairs(lander.nn) do layers[name] = value end

function TestAnnotations.test_every_function_of_the_module_is_in_them()
  local text = annotations()
  local function check(t, form)
    local set = {}
    for name, value in pairs(t) do
      if type(value) == "function" or type(value) == "table" and getmetatable(value) then
        set[name] = true
      end
    end
    lu.assertEquals(without(text, set, form), {}, "write what they are into lua/annotate.lua")
  end
  local module = {}
  for name, value in pairs(lander) do
    if type(value) == "function" then module[name] = value end
  end
  check(module, "lander.%s")
  check(lander.data, "lander.data.%s")
  check(lander.data.synthetic, "lander.data.synthetic.%s")
  check(layers, "lander.nn.%s")
end

function TestAnnotations.test_every_layer_and_option_is_in_them()
  local text = annotations()
  for _, d in ipairs(core.describe "layer") do
    local head = "\n%-%-%-@class lander%.nn%." .. d.name .. "_options\n"
    local class = assert(text:match(head .. "(.-)\n\n"), d.name)
    for _, option in ipairs(d.options or {}) do
      lu.assertStrContains(class, "---@field " .. option.name .. "? ")
    end
  end
  local class = text:match "\n%-%-%-@class lander.solver_options\n(.-)\n\n"
  for _, d in ipairs(core.describe "solver") do
    for _, option in ipairs(d.options) do
      lu.assertStrContains(class, "---@field " .. option.name .. "? ")
    end
  end
  class = text:match "\n%-%-%-@class lander.train_options\n(.-)\n\n"
  for _, name in ipairs(core.train_options()) do
    lu.assertStrContains(class, "---@field " .. name)
  end
end
