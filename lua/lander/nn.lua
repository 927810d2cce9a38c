-- nn.lua: layers, and the ways to put them together: chains, graphs, and both mixed.
--
-- A node is one layer that was written down: its type, its options as the core's text,
-- its inputs, and perhaps a name. One without inputs that is no source (nn.relu {}) is
-- open: a chain binds it to what stands before it. nn.net gives the nodes their names
-- and writes the text from which the core builds the net.
local lander = ...
local core = lander.core

local nn = {}
lander.nn = nn

local Node = { __name = "lander.node" }
local nodes_made = 0

local function is_node(value)
  return type(value) == "table" and getmetatable(value) == Node
end

-- ---- what the core describes ----

local described -- name -> description, in the core's order too

local function layers()
  if not described then
    described = {}
    for _, layer in ipairs(core.describe "layer") do described[layer.name] = layer end
  end
  return described
end

-- A layer that a script has defined, beside those of the library.
function core.add_layer(description)
  layers()[description.name] = description
  rawset(nn, description.name, nil)
end

local source = { input = true, label = true }
local function is_loss(name) return name:find "_loss$" ~= nil end
local function wants_label(name) return is_loss(name) or name == "accuracy" end

-- Losses and metrics whose label is a class; the others' has the shape of the output.
local class_label = { softmax_loss = true, nll_loss = true, hinge_loss = true, accuracy = true }

-- ---- nodes ----

local function new_node(kind, options, inputs, name)
  nodes_made = nodes_made + 1
  return setmetatable({
    type = kind, options = options, inputs = inputs, name = name, serial = nodes_made,
  }, Node)
end

local function check_name(kind, name)
  if name == nil then return end
  if type(name) ~= "string" or not name:find "^[%w_][%w_.%-/]*$" or #name > 127
    or name:find "[.%-/]$" then
    error(("%s: a name has letters, digits and _ (and . - / inside), found %s"):format(kind,
      type(name) == "string" and "'" .. name .. "'" or "a " .. type(name)), 0)
  end
end

local function check_entries(kind, entries, more)
  if type(entries) ~= "table" or is_node(entries) or more ~= nil then
    local example = layers()[kind].example
    error(("nn.%s takes one table%s"):format(kind, example and ": " .. example or ""), 0)
  end
end

-- A node from what the user wrote between the braces; `first` is its first input.
local function make(kind, first, entries, more)
  check_entries(kind, entries, more)
  check_name(kind, entries.name)
  if core.has_hole(entries) then
    error(("%s: there is a nil among the unnamed entries"):format(kind), 0)
  end
  local inputs, options = { first }, {}
  for _, entry in ipairs(entries) do
    local list = is_node(entry) and inputs or options
    list[#list + 1] = entry
  end
  for key, value in pairs(entries) do
    if is_node(value) and math.type(key) ~= "integer" then
      error(("%s: '%s' is a layer; inputs stand without a name"):format(kind, key), 0)
    end
    if math.type(key) ~= "integer" and key ~= "name" then options[key] = value end
  end
  return new_node(kind, core.layer_options(kind, options), inputs, entries.name)
end

local function unknown_layer(word)
  return ("there is no layer '%s'%s"):format(word,
    core.did_you_mean(word, core.sorted_keys(layers())))
end

-- nn.conv, nn.relu ... are made when first asked for, from the descriptions.
setmetatable(nn, {
  __index = function(_, kind)
    if type(kind) ~= "string" then return nil end
    if not layers()[kind] then error(unknown_layer(kind), 2) end
    local function constructor(entries, more)
      return (core.at_user(make, kind, nil, entries, more))
    end
    rawset(nn, kind, constructor)
    return constructor
  end,
  __pairs = function()
    for name in pairs(layers()) do local _ = nn[name] end
    return next, nn, nil
  end,
})

-- ---- binding open nodes ----

local function is_open(node)
  return #node.inputs == 0 and not source[node.type]
end

-- `node` with what is open in it bound to `current`; nodes that hold nothing open stay
-- the same ones, so that graphs keep what they share.
local function bind(node, current, bound)
  if bound[node] then return bound[node] end
  local result = node
  if is_open(node) then
    if not current then
      error(("a net begins with nn.input { ... } (the size of a sample); '%s' has nothing "
        .. "before it"):format(node.name or node.type), 0)
    end
    result = new_node(node.type, node.options, { current }, node.name)
  else
    local inputs, changed = {}, false
    for i, input in ipairs(node.inputs) do
      inputs[i] = bind(input, current, bound)
      changed = changed or inputs[i] ~= input
    end
    if changed then result = new_node(node.type, node.options, inputs, node.name) end
  end
  bound[node] = result
  return result
end

-- Applies a chain (nested ones too) to `current`. Every node it ends in goes to `roots`.
-- A loss or metric is looked at beside the chain, which goes on from before it.
local function apply_chain(chain, current, roots)
  for i, entry in ipairs(chain) do
    if is_node(entry) then
      local node = bind(entry, current, {})
      roots[#roots + 1] = node
      if not wants_label(node.type) and node.type ~= "label" then current = node end
    elseif type(entry) == "table" then
      current = apply_chain(entry, current, roots)
    else
      error(("entry %d of the chain is a %s, expected a layer such as nn.relu {}")
        :format(i, type(entry)), 0)
    end
  end
  return current
end

-- ---- methods on nodes: x:conv { 16 } ----

Node.__index = function(node, key)
  if type(key) ~= "string" then return nil end
  if key == "name" then return nil end
  if key == "chain" then
    return function(self, chain)
      return (core.at_user(apply_chain, chain, self, {}))
    end
  end
  if not layers()[key] then error(unknown_layer(key), 2) end
  return function(self, entries, more)
    if self ~= node then
      error(("write x:%s { ... } with a colon"):format(key), 2)
    end
    return (core.at_user(make, key, self, entries, more))
  end
end

Node.__tostring = function(node)
  local inputs = {}
  for i, input in ipairs(node.inputs) do inputs[i] = rawget(input, "name") or input.type end
  return ("%s%s (%s)%s"):format(
    rawget(node, "name") and node.name .. " = " or "", node.type,
    table.concat(inputs, ", "), node.options ~= "" and " " .. node.options or "")
end

-- ---- from nodes to text ----

-- All nodes that `roots` need, the oldest first: a node is younger than its inputs.
local function reachable(roots)
  local seen, list = {}, {}
  local function visit(node)
    if seen[node] then return end
    seen[node] = true
    for _, input in ipairs(node.inputs) do visit(input) end
    list[#list + 1] = node
  end
  for _, root in ipairs(roots) do visit(root) end
  table.sort(list, function(a, b) return a.serial < b.serial end)
  return list
end

-- The net's output is its last layer that is no loss: `main`, and what comes from it,
-- go behind all others.
local function in_order(nodes, main)
  local after = { [main] = true }
  local first, last = {}, {}
  for _, node in ipairs(nodes) do
    for _, input in ipairs(node.inputs) do
      if after[input] then after[node] = true end
    end
    local list = (after[node] or wants_label(node.type)) and last or first
    list[#list + 1] = node
  end
  return table.move(last, 1, #last, #first + 1, first)
end

local bare = { input = "data", label = "label" }

local function explicit_names(nodes)
  local taken = {}
  for _, node in ipairs(nodes) do
    local name = rawget(node, "name")
    if name and taken[name] then
      error(("two layers are called '%s'; names must differ"):format(name), 0)
    end
    if name then taken[name] = true end
  end
  return taken
end

-- data, conv1, conv2, linear1, softmax_loss1: the type and a count. Input and label, which
-- a net usually has once, go without a number the first time.
local function default_name(kind, counts, taken)
  local stem = bare[kind] or kind
  local name
  repeat
    counts[stem] = (counts[stem] or 0) + 1
    name = bare[kind] and counts[stem] == 1 and stem or stem .. counts[stem]
  until not taken[name]
  taken[name] = true
  return name
end

local function line_of(name, kind, inputs, options)
  return ("%s = %s (%s)%s\n"):format(name, kind, table.concat(inputs, ", "),
    options ~= "" and " " .. options or "")
end

local function write_lines(nodes, names)
  local lines = {}
  for i, node in ipairs(nodes) do
    local inputs = {}
    for k, input in ipairs(node.inputs) do inputs[k] = names[input] end
    lines[i] = line_of(names[node], node.type, inputs, node.options)
  end
  return table.concat(lines)
end

-- ---- losses behind a net that is built ----

local function layer_info(net, name)
  for _, info in ipairs(net:layers()) do
    if info.name == name then return info end
  end
end

-- Appends one loss or metric that reads `input`, with the net's label, or one of its own.
local function append_loss(net, kind, options, name, input)
  local taken, label, labels = {}, nil, 0
  for _, info in ipairs(net:layers()) do
    taken[info.name] = true
    if info.type == "label" then label, labels = info.name, labels + 1 end
  end
  if labels > 1 then
    error(("%s: the net has %d labels; say which: y:%s { label }"):format(kind, labels, kind), 0)
  end
  local text = ""
  if not label then
    label = default_name("label", {}, taken)
    local shape = not class_label[kind] and layer_info(net, input).size or {}
    text = line_of(label, "label", {}, #shape > 0 and "shape=" .. table.concat(shape, ",") or "")
  end
  name = name or default_name(kind, {}, taken)
  core.net_append(net, text .. line_of(name, kind, { input, label }, options))
end

local function has_layer(net, kind)
  for _, info in ipairs(net:layers()) do
    if info.type == kind then return true end
  end
  return false
end

-- Gives a net without a loss one: `loss` is the name of a loss layer (softmax_loss). A net
-- that was given it by an earlier training keeps it.
function core.ensure_loss(net, loss)
  if loss ~= nil and type(loss) ~= "string" then
    error(("loss must be the name of a loss layer (\"mse_loss\"), found a %s%s")
      :format(type(loss), type(loss) == "function" and ": functions can't be losses yet" or ""), 0)
  end
  if net:has_loss() then
    if loss and not has_layer(net, loss) then
      error(("the net has a loss of its own; leave loss = \"%s\" out"):format(loss), 0)
    end
    return
  end
  loss = loss or "softmax_loss"
  if not (layers()[loss] and is_loss(loss)) then
    local losses = {}
    for _, name in ipairs(core.sorted_keys(layers())) do
      if is_loss(name) then losses[#losses + 1] = name end
    end
    error(("there is no loss '%s'%s (there are %s)"):format(loss,
      core.did_you_mean(loss, losses), table.concat(losses, ", ")), 0)
  end
  local input = net:output_name()
  -- softmax_loss wants the scores; behind a softmax those are what goes into it.
  local info = layer_info(net, input)
  if loss == "softmax_loss" and info.type == "softmax" then input = info.inputs[1] end
  append_loss(net, loss, "", nil, input)
end

-- ---- nn.net ----

local function loss_list(loss)
  if loss == nil then return {} end
  if type(loss) == "string" then
    if not layers()[loss] then error(unknown_layer(loss), 0) end
    return { make(loss, nil, {}) }
  end
  if is_node(loss) then return { loss } end
  if type(loss) == "table" then return loss end
  error(("nn.net: loss must be a layer or the name of one, found a %s"):format(type(loss)), 0)
end

local function check_spec(spec)
  if type(spec) ~= "table" or is_node(spec) then
    error("nn.net takes one table: nn.net { nn.input { 28 }, nn.linear { 10 } }", 0)
  end
  if core.has_hole(spec) then error("nn.net: there is a nil among the layers", 0) end
  local named = {}
  for key, value in pairs(spec) do
    if math.type(key) ~= "integer" then named[key] = value end
  end
  local wrong = core.check_options("nn.net", named, { loss = "any", seed = "count" })
  if wrong then error(wrong, 0) end
  if #spec == 0 and spec.loss == nil then error("nn.net: there is no layer", 0) end
end

-- The layer that people mean by the net's output.
local function main_output(roots, losses)
  for i = #roots, 1, -1 do
    if not wants_label(roots[i].type) and roots[i].type ~= "label" then return roots[i] end
  end
  local loss = roots[1] or losses[1]
  return is_node(loss) and loss.inputs[1] or nil
end

local function build(spec)
  check_spec(spec)
  local roots = {}
  apply_chain(spec, nil, roots)
  local losses = loss_list(spec.loss)
  local main = main_output(roots, losses)
  if not main then error("nn.net: there is no layer with an output", 0) end
  apply_chain(losses, main, roots)

  -- Losses without a label come at the end, when the shape of the output is known.
  local nodes, now, later = in_order(reachable(roots), main), {}, {}
  for _, node in ipairs(nodes) do
    local list = wants_label(node.type) and #node.inputs == 1 and later or now
    list[#list + 1] = node
  end
  local taken, counts, names = explicit_names(nodes), {}, {}
  for _, node in ipairs(now) do
    names[node] = rawget(node, "name") or default_name(node.type, counts, taken)
  end
  local net = core.net_build(write_lines(now, names), spec.seed or 1)
  for _, node in ipairs(later) do
    append_loss(net, node.type, node.options, rawget(node, "name"), names[node.inputs[1]])
  end
  return net
end

local function build_net(spec)
  local ok, result = pcall(build, spec)
  if ok then return result end
  result = core.plain_message(result)
  -- The lines of the text are nothing that the user wrote.
  error(type(result) == "string" and result:gsub("^line %d+: ", "") or result, 0)
end

-- nn.net { layers..., loss =, seed = } -> net
nn.net = function(spec)
  return (core.at_user(build_net, spec))
end

-- ---- methods of nets ----

local methods = core.net_methods

-- The layers as a table of text, with totals.
function methods.summary(net)
  local rows = { { "layer", "type", "output", "parameters", "multiply-adds" } }
  local parameters, multiply_adds = 0, 0
  for _, info in ipairs(net:layers()) do
    rows[#rows + 1] = {
      info.name, info.type, core.size_text(info.size),
      info.parameters > 0 and core.count_text(info.parameters) or "",
      info.multiply_adds > 0 and core.count_text(info.multiply_adds) or "",
    }
    parameters = parameters + info.parameters
    multiply_adds = multiply_adds + info.multiply_adds
  end
  rows[#rows + 1] = {
    "total", "", "", core.count_text(parameters), core.count_text(multiply_adds),
  }
  local lines = core.columns(rows, { [4] = true, [5] = true })
  local rule = ("-"):rep(#lines[1])
  table.insert(lines, 2, rule)
  table.insert(lines, #lines, rule)
  return table.concat(lines, "\n")
end

-- Another net with the same layers and the same values of the parameters.
function methods.clone(net)
  local copy = core.net_build(net:text(), 1)
  for i = 1, #net.params do copy.params[i].data:copy_(net.params[i].data) end
  if net:phase() == "test" then copy:test_phase() end
  return copy
end

core.net_metatable.__tostring = methods.summary
