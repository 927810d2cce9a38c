-- nn.lua: layers, and the ways to put them together: chains, graphs, and both mixed.
--
-- A node is one layer that was written down: its type, its options as the core's text,
-- its inputs, and perhaps a name. One without inputs that is no source (nn.relu {}) is
-- open: a chain binds it to what stands before it. One output of a layer that has several
-- is a node too: of the type "output", with the layer as its input and a number. nn.net
-- gives the nodes their names and writes the text from which the core builds the net.
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
local function is_loss(name)
  return name:find "_loss$" ~= nil or layers()[name] and layers()[name].loss == true
end
local function wants_label(name) return is_loss(name) or name == "accuracy" end

-- Losses and metrics take one input and then the label, but for those that take more.
local inputs_before_label = { contrastive_loss = 2 }

local function lacks_label(node)
  return wants_label(node.type) and #node.inputs == (inputs_before_label[node.type] or 1)
end

-- Losses and metrics whose label is a class, one for each place of (classes, places ...),
-- or one number a sample; the others' has the shape of the output.
local class_label = { softmax_loss = true, nll_loss = true, hinge_loss = true, accuracy = true }
local single_label = { contrastive_loss = true }

local function label_size(kind, size)
  if single_label[kind] then return {} end
  if not class_label[kind] then return size end
  local places = table.move(size, 2, #size, 1, {})
  while places[#places] == 1 do places[#places] = nil end
  return places
end

-- ---- nodes ----

local function new_node(kind, options, inputs, name)
  nodes_made = nodes_made + 1
  return setmetatable({
    type = kind, options = options, inputs = inputs, name = name, serial = nodes_made,
  }, Node)
end

-- Output number k of a layer.
local function new_output(node, k)
  local output = new_node("output", "", { node })
  output.number = k
  return output
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
    if changed then
      result = new_node(node.type, node.options, inputs, node.name)
      result.number = rawget(node, "number")
    end
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

-- ---- outputs: x:slice { parts = 2 }:output(1) ----

local most_outputs = 16

local function check_output(node, k)
  if not is_node(node) then error("write y:output(k) with a colon", 0) end
  if node.type == "output" then
    error("this is one output of a layer already; it has no others", 0)
  end
  if math.type(k) ~= "integer" or k < 1 or k > most_outputs then
    error(("output(k): the outputs of a layer count from 1 to at most %d, found %s"):format(
      most_outputs, tostring(k)), 0)
  end
end

local function output(node, k)
  check_output(node, k)
  return new_output(node, k)
end

-- How many outputs a layer has, as its options tell; nil where they don't.
local function count_outputs(node)
  local function option(name) return (" " .. node.options):match(" " .. name .. "=(%S+)") end
  if node.type == "split" then return tonumber(option "outputs") end
  if node.type ~= "slice" then return nil end
  local points = option "points"
  if not points then return tonumber(option "parts") end
  return 2 + select(2, points:gsub(",", ""))
end

local function outputs(node, count)
  check_output(node, count or 1)
  count = count or count_outputs(node)
  if not count then
    error(("%s: say how many outputs are wanted: y:outputs(2)"):format(node.type), 0)
  end
  local list = {}
  for k = 1, count do list[k] = output(node, k) end
  return list
end

-- ---- methods on nodes: x:conv { 16 } ----

local node_methods = {
  chain = function(self, chain) return (core.at_user(apply_chain, chain, self, {})) end,
  output = function(self, k) return (core.at_user(output, self, k)) end,
  outputs = function(self, count)
    local list = core.at_user(outputs, self, count)
    return table.unpack(list)
  end,
}

Node.__index = function(node, key)
  if type(key) ~= "string" then return nil end
  if key == "name" then return nil end
  if node_methods[key] then return node_methods[key] end
  if not layers()[key] then error(unknown_layer(key), 2) end
  return function(self, entries, more)
    if self ~= node then
      error(("write x:%s { ... } with a colon"):format(key), 2)
    end
    return (core.at_user(make, key, self, entries, more))
  end
end

local function short_name(node)
  if node.type == "output" then return ("%s:%d"):format(short_name(node.inputs[1]), node.number) end
  return rawget(node, "name") or node.type
end

Node.__tostring = function(node)
  if node.type == "output" then
    return ("output %d of %s"):format(node.number, tostring(node.inputs[1]))
  end
  local inputs = {}
  for i, input in ipairs(node.inputs) do inputs[i] = short_name(input) end
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

-- Names the nodes. An output is called as its layer is, with its number (slice1:2), but
-- for those in `copied`, which get a layer of their own.
local function name_nodes(nodes, taken, copied)
  local counts, names = {}, {}
  for _, node in ipairs(nodes) do
    if copied[node] then
      names[node] = default_name("split", counts, taken)
    elseif node.type == "output" then
      local of = names[node.inputs[1]]
      names[node] = node.number > 1 and of .. ":" .. node.number or of
    else
      names[node] = rawget(node, "name") or default_name(node.type, counts, taken)
    end
  end
  return names
end

local function write_lines(nodes, names, copied)
  local lines = {}
  for _, node in ipairs(nodes) do
    local inputs = {}
    for k, input in ipairs(node.inputs) do inputs[k] = names[input] end
    if copied[node] then
      inputs[1] = inputs[1] .. ":" .. node.number
      lines[#lines + 1] = line_of(names[node], "split", inputs, "outputs=1")
    elseif node.type ~= "output" then
      lines[#lines + 1] = line_of(names[node], node.type, inputs, node.options)
    end
  end
  return table.concat(lines)
end

-- ---- losses behind a net that is built ----

local function layer_info(net, name)
  for _, info in ipairs(net:layers()) do
    if info.name == name then return info end
  end
end

-- Appends one loss or metric that reads `inputs`, with the net's label, or one of its own.
local function append_loss(net, kind, options, name, inputs)
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
    local shape = label_size(kind, layer_info(net, inputs[1]).size)
    text = line_of(label, "label", {}, #shape > 0 and "shape=" .. table.concat(shape, ",") or "")
  end
  name = name or default_name(kind, {}, taken)
  inputs[#inputs + 1] = label
  core.net_append(net, text .. line_of(name, kind, inputs, options))
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
  local f = type(loss) == "function" and loss
  if f then loss = "function_loss" end
  if loss ~= nil and type(loss) ~= "string" then
    error(("loss must be the name of a loss layer (\"mse_loss\") or a function, found a %s")
      :format(type(loss)), 0)
  end
  if net:has_loss() then
    if loss and not has_layer(net, loss) or f and core.function_loss(net) ~= f then
      error(("the net has a loss of its own; leave loss = %s out"):format(f and "function"
        or '"' .. loss .. '"'), 0)
    end
    return
  end
  if f then core.use_function_loss(net, f) end
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
  append_loss(net, loss, "", nil, { input })
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
    local list = lacks_label(node) and later or now
    list[#list + 1] = node
  end
  -- The net's output, and an input whose shape is looked at, are first outputs.
  local copied = {}
  if main.type == "output" then copied[main] = true end
  for _, node in ipairs(later) do
    local input = node.inputs[1]
    if input.type == "output" and input.number > 1 then copied[input] = true end
  end
  local names = name_nodes(now, explicit_names(nodes), copied)
  local net = core.net_build(write_lines(now, names, copied), spec.seed or 1)
  for _, node in ipairs(later) do
    local inputs = {}
    for k, input in ipairs(node.inputs) do inputs[k] = names[input] end
    append_loss(net, node.type, node.options, rawget(node, "name"), inputs)
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
