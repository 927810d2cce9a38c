-- annotate.lua: annotations for editors (LuaCATS: lua-language-server and its like), as a file of
-- Lua that says what there is and does nothing:
--
--     build/lander lua/annotate.lua > lander.lua
--
-- Layers with their options, and a solver's options, come from the descriptions that the core
-- has of them. Methods of objects stand below, one a line: name(parameters) result: what it does.
local lander = require "lander"
local core = lander.core

-- luacheck: ignore 631 (a method is one line, however long)

-- ---- methods, by hand ----

local tensor = [[
size(dim?: integer) integer[]|integer: the sizes, or that of one dimension
stride(dim?: integer) integer[]|integer: the strides in elements, or that of one dimension
dim() integer: how many dimensions
numel() integer: how many elements
get(...: integer) number: one element
set(value: number, ...: integer) lander.tensor: sets one element
item() number: the number of a tensor that holds one
totable() table: nested tables
is_contiguous() boolean: whether the elements lie row by row, without gaps
view(...: integer) lander.tensor: the same elements in another shape; one size may be -1
reshape(...: integer) lander.tensor: a view where that is possible, else a copy
t() lander.tensor: rows become columns
transpose(dim1: integer, dim2: integer) lander.tensor: two dimensions change places
permute(...: integer) lander.tensor: dimensions in another order
narrow(dim: integer, start: integer, length: integer) lander.tensor: a range of one dimension
select(dim: integer, index: integer) lander.tensor: one position of a dimension, which goes away
squeeze(dim?: integer) lander.tensor: without dimensions of size 1
unsqueeze(dim: integer) lander.tensor: with a new dimension of size 1
expand(...: integer) lander.tensor: dimensions of size 1 repeated, without a copy
contiguous() lander.tensor: itself, or a copy that is contiguous
clone() lander.tensor: a copy
mm(u: lander.tensor) lander.tensor: the matrix product
bmm(u: lander.tensor) lander.tensor: the matrix product of each of a batch
dot(u: lander.tensor) number: the sum of the products
copy_(u: lander.tensor) lander.tensor: takes over the elements of u
fill_(value: number) lander.tensor: every element becomes value
zero_() lander.tensor: every element becomes 0
uniform_(low?: number, high?: number) lander.tensor: random numbers in [low, high)
normal_(mean?: number, std?: number) lander.tensor: normal random numbers
clamp(low?: number, high?: number) lander.tensor: between two bounds
clamp_(low?: number, high?: number) lander.tensor: between two bounds, in place
where(a: lander.tensor|number, b: lander.tensor|number) lander.tensor: a where it is 1, b where it is 0
all(dim?: integer, keep?: boolean) lander.tensor|boolean: whether none is 0
any(dim?: integer, keep?: boolean) lander.tensor|boolean: whether one is not 0
sort(dim?: integer, descending?: boolean) lander.tensor, lander.tensor: values and positions
topk(k: integer, dim?: integer, largest?: boolean) lander.tensor, lander.tensor: values and positions
gather(dim: integer, index: lander.tensor) lander.tensor: elements at the positions in index
index_select(dim: integer, index: lander.tensor|integer[]) lander.tensor: slices at positions
cat(u: lander.tensor, dim?: integer) lander.tensor: joined along a dimension
split(size: integer|integer[], dim?: integer) lander.tensor[]: a list of views
allclose(u: lander.tensor, rtol?: number, atol?: number) boolean: whether all are close
save_npy(path: string) lander.tensor: writes a .npy file
]]

-- The same with an underscore at the end works in place.
local unary = { neg = "-a", exp = "e^a", log = "the natural logarithm", sqrt = "the root",
  abs = "|a|", tanh = "the hyperbolic tangent", sigmoid = "1 / (1 + e^-a)", relu = "max(0, a)",
  sign = "-1, 0 or 1", floor = "the next integer below", isfinite = "1, or 0 for NaN and infinities" }
local binary = { add = "a + b", sub = "a - b", mul = "a b", div = "a / b", pow = "a^b",
  maximum = "the larger one", minimum = "the smaller one", eq = "1 where a == b",
  ne = "1 where a ~= b", lt = "1 where a < b", le = "1 where a <= b", gt = "1 where a > b",
  ge = "1 where a >= b" }
local reductions = { sum = "the sum", mean = "the mean", prod = "the product",
  min = "the smallest (and over a dimension its position)",
  max = "the largest (and over a dimension its position)", argmin = "the position of the smallest",
  argmax = "the position of the largest", norm = "the Euclidean norm",
  var = "the variance", std = "the standard deviation" }

local net = [[
forward(x: lander.tensor, ...: lander.tensor) lander.tensor: the output
backward(dy?: lander.tensor) lander.net: from the loss, or from the gradient of the output
predict(x: lander.tensor, ...: lander.tensor) lander.tensor: the output in test phase, scores as probabilities
loss(x: lander.tensor, target: lander.tensor, ...: lander.tensor) number: the loss
features(layer: string, x: lander.tensor, ...: lander.tensor) lander.tensor: the output of a layer, by its name
save(path: string) lander.net: writes the net as .npz
load_weights(path: string, options?: table) table: takes over the parameters of a saved net
clone() lander.net: a copy
phase() "train"|"test": which phase it is in
train_phase() lander.net: to the train phase
test_phase() lander.net: to the test phase
reset(seed: integer) lander.net: fills all parameters anew
keep(on: boolean) lander.net: whether no output or gradient is written over to save memory
want_input_gradient(on: boolean) lander.net: whether backward makes the gradients of the inputs
time(on: boolean) lander.net: whether the time of each layer is added up, in layers()
layers() table[]: what there is to know of each layer
layer(name: string) lander.layer?: a layer by its name
labels() integer: how many labels it takes
has_loss() boolean: whether there is a loss in it
output_name() string: the layer whose output is the net's
chance() number?: the loss of a net that knows nothing
text() string: the net as text
summary() string: a table of the layers
note(text?: string) string: the text that is saved with the net; given: sets it
to_dot() string: a graph for Graphviz
]]

local solver = [[
step(x: lander.tensor, target: lander.tensor, ...: lander.tensor) number?, string?, string?: one iteration: the loss, or nil, the rule and where
probe(x: lander.tensor, target: lander.tensor, ...: lander.tensor) table: what a minibatch does, without an update
lr() number: the rate of the next iteration
rate_at(t: integer) number: the rate of iteration t, counting from 0
options() table: all options as they are now
losses(most?: integer) number[]: of the last accepted iterations, the newest one last
baseline(losses: number[]) lander.solver: the losses before any update, that the monitor compares with
check() boolean?, string?, string?, string?: true; or nil, "R7", the parameter, a message
checkpoint(reuse?: lander.checkpoint) lander.checkpoint: everything as it is now, in memory
return_to(checkpoint: lander.checkpoint) lander.solver: puts everything back
scale_history(factor: number) lander.solver: makes the velocity smaller
snapshot(path: string, note?: string) lander.solver: writes everything that going on needs
restore(path: string) string?: goes on from a snapshot; returns its note
]]

local dataset = [[
get(i: integer) lander.tensor, lander.tensor: one sample, x and y
batches(options: { size: integer, shuffle?: boolean, seed?: integer, loop?: boolean, augment?: table }) lander.batches: minibatches
subset(first: integer, last?: integer) lander.dataset: the samples first .. last
split(n: integer) lander.dataset, lander.dataset: the first n samples, and the others
shuffle(seed?: integer) lander.dataset: the same samples in another order
map(f: fun(x: lander.tensor, y: lander.tensor): lander.tensor, lander.tensor) lander.dataset: with every sample changed
shape() integer[]: of a sample's x
target_shape() integer[]: of a sample's y
normalize(numbers?: table) lander.dataset, table: mean taken out, divided by the deviation
columns() string[]?: what a table's header calls the numbers of x
targets() string[]?: what a table's header calls the numbers of y
place(i: integer) string?: where a sample was read: a file and its line
class_names() string[]?: what the classes are called
name_classes(names: string[]) lander.dataset: gives the classes names
]]

local batches = [[
next() lander.tensor?, lander.tensor?: the next minibatch, x and y; nil after the end
position() integer: samples given out so far
seek(position: integer) lander.batches: goes to a place in the data
shape() integer[]: of a sample's x in these batches
samples() integer[]: which samples the last batch was made of
]]

local functions = [[
lander.tensor(values: table) lander.tensor: from nested tables
lander.zeros(...: integer) lander.tensor: of zeros
lander.ones(...: integer) lander.tensor: of ones
lander.full(...: number) lander.tensor: full(value, sizes ...): of one value
lander.rand(...: integer) lander.tensor: uniform in [0, 1)
lander.randn(...: integer) lander.tensor: normal, mean 0, deviation 1
lander.arange(first: number, last: number, step?: number) lander.tensor: first, first + step ... last
lander.eye(n: integer) lander.tensor: the identity
lander.cat(tensors: lander.tensor[], dim?: integer) lander.tensor: joined along a dimension
lander.stack(tensors: lander.tensor[], dim?: integer) lander.tensor: joined along a new dimension
lander.where(condition: lander.tensor, a: lander.tensor|number, b: lander.tensor|number) lander.tensor: a where it is 1, else b
lander.load_npy(path: string) lander.tensor: reads a .npy file
lander.save_npy(path: string, t: lander.tensor): writes a .npy file
lander.seed(n: integer): where the random numbers of tensors begin
lander.threads(n?: integer) integer: how many threads share the work
lander.config() table: version, element type, threads, instruction set
lander.load(path: string) lander.net: reads a saved net
lander.solver(net: lander.net, options: lander.solver_options) lander.solver: what minimises the net's loss
lander.train(options: lander.train_options) lander.run: a training
lander.test(net: lander.net, data: lander.dataset, options?: table) table: loss and accuracy
lander.retry(options: table) table: tries again with lower rates until an attempt finishes
lander.tune(options: table) table: tries options, and tells which were best
lander.range_test(options: table) table: which learning rates are worth a training
lander.args(defaults: table, words?: string[]) table: the options of a script, from its command line
lander.options(owner: string, given: table?, defaults: table) table: the options of a function, checked
lander.check_gradients(net: lander.net, ...: lander.tensor) table: gradients beside differences
lander.time(net: lander.net, batch?: integer|lander.tensor[], seconds?: number) table: where the time of a step goes
lander.plot(...: any) string?: draws curves
lander.report(...: any) string: a page about runs
lander.help(word?: string): explains
lander.image.load(path: string, options?: table) lander.tensor: reads PNG and JPEG
lander.data.idx(images: string, labels: string, options?: table) lander.dataset: a pair of IDX files
lander.data.mnist(dir: string, options?: table) table: MNIST: .train and .test
lander.data.fashion_mnist(dir?: string, options?: table) table: Fashion-MNIST: .train and .test
lander.data.cifar10(dir: string, options?: table) table: CIFAR-10: .train and .test
lander.data.csv(path: string, options: table) lander.dataset: a table in a text file
lander.data.npy(x: string, y: string, options?: table) lander.dataset: two .npy files
lander.data.npz(path: string, options?: table) lander.dataset: two members of a .npz file
lander.data.images(dir: string, options?: table) lander.dataset: a folder of pictures
lander.data.tensors(x: lander.tensor, y: lander.tensor, options?: table) lander.dataset: tensors
lander.data.synthetic.xor(options?: table) lander.dataset: exclusive or
lander.data.synthetic.spiral(options?: table) lander.dataset: spirals
lander.data.synthetic.blobs(options?: table) lander.dataset: clouds of points
lander.nn.net(spec: table) lander.net: builds a net from a chain or a graph of layers
lander.nn.define(name: string, definition: table) function: a layer in Lua
lander.nn.function_loss(f: function) lander.node: a loss in Lua
]]

local fields = {
  ["lander.net"] = { "params lander.params parameters, in order and by name" },
  ["lander.params"] = { "[integer|string] lander.param" },
  ["lander.param"] = { "name string", "data lander.tensor", "grad lander.tensor",
    "lr_mult number times the learning rate", "decay_mult number times the weight decay",
    "frozen boolean not trained" },
  ["lander.layer"] = { "name string", "type string", "output lander.tensor of the last pass",
    "gradient lander.tensor of the output, in the last pass" },
  ["lander.solver"] = { "iter integer how many updates were made", "loss number smoothed",
    "net lander.net" },
  ["lander.run"] = {
    'status "finished"|"stopped"|"diverged"|"data_fault"|"model_fault"', "iter integer",
    "loss number", "accuracy number?", "retries integer", "lr_scale number", "history table[]",
    "events table[]" },
  ["lander.checkpoint"] = { "iter integer" },
}

-- ---- writing ----

local function say(...)
  io.write(string.format(...), "\n")
end

-- "x: lander.tensor, dim?: integer" as annotations; returns the names. Commas inside brackets
-- belong to a type.
local function parameters(text)
  local names, depth, from = {}, 0, 1
  text = text .. ","
  for at = 1, #text do
    local c = text:sub(at, at)
    if c:find "[({<]" then depth = depth + 1 elseif c:find "[)}>]" then depth = depth - 1 end
    if c == "," and depth == 0 then
      local name, kind = text:sub(from, at - 1):match "^%s*([%w_.]+%??):%s*(.-)%s*$"
      if name then
        say("---@param %s %s", name, kind)
        names[#names + 1] = name:gsub("%?", "")
      end
      from = at + 1
    end
  end
  return table.concat(names, ", ")
end

-- "name(parameters) results: what it does". `owner`: of a method, "lander.tensor:".
local function write_function(line, owner)
  local name, given, rest = line:match "^([%w_.]+)(%b())%s*(.*)$"
  local results, about = rest:match "^(.-):%s+([^:]+.*)$"
  say("---%s", about or rest)
  local names = parameters(given:sub(2, -2))
  if results and results ~= "" then say("---@return %s", results) end
  say("function %s%s(%s) end\n", owner or "", name, names)
end

local function write_class(name, methods, of)
  say("---@class %s%s", name, of or "")
  for _, field in ipairs(fields[name] or {}) do say("---@field %s", field) end
  local variable = name:gsub("%.", "_")
  say("local %s = {}\n", variable)
  for line in (methods or ""):gmatch "[^\n]+" do write_function(line, variable .. ":") end
end

local function add_pairs(list, set, signature)
  for _, name in ipairs(core.sorted_keys(set)) do
    list[#list + 1] = signature:format(name, set[name])
    list[#list + 1] = signature:format(name .. "_", set[name] .. ", in place")
  end
end

local function tensor_methods()
  local list = {}
  add_pairs(list, unary, "%s() lander.tensor: %s")
  add_pairs(list, binary, "%s(b: lander.tensor|number) lander.tensor: %s")
  for _, name in ipairs(core.sorted_keys(reductions)) do
    list[#list + 1] = ("%s(dim?: integer, keep?: boolean) any: %s"):format(name, reductions[name])
  end
  return tensor .. table.concat(list, "\n")
end

-- ---- what the core describes ----

local kinds = { int = "integer", number = "number", bool = "boolean", ints = "integer|integer[]",
                numbers = "number|number[]" }

local function kind_of(option)
  if not option.choices then return kinds[option.kind] end
  local words = {}
  for i, word in ipairs(option.choices) do words[i] = ("%q"):format(word) end
  if option.kind == "group" then words[#words + 1] = "table" end
  return table.concat(words, "|")
end

local function write_option(option)
  local default = option.default
  local said = default and default ~= "" and (" (default %s)"):format(default) or ""
  say("---@field %s? %s %s%s", option.name, kind_of(option), option.help or "", said)
end

-- Options of all that is called together, each once; unnamed entries are those with a place.
local function write_options(class, descriptions, more)
  local seen, places = {}, {}
  say("---@class %s", class)
  for _, line in ipairs(more or {}) do say("---@field %s", line) end
  for _, d in ipairs(descriptions) do
    for _, option in ipairs(d.options or {}) do
      if not seen[option.name] then write_option(option) end
      seen[option.name] = true
      local place = option.position
      if place and place > 0 and not places[place] then
        places[place] = true
        say("---@field [%d] any %s", place, option.name)
      elseif place == -1 then
        say("---@field [integer] any %s", option.name)
      end
    end
  end
  say ""
end

local function write_layers()
  local layers = core.describe "layer"
  for _, d in ipairs(layers) do
    write_options("lander.nn." .. d.name .. "_options", { d }, { "name? string of the layer" })
    say("---%s", d.help or "")
    if d.example then say("---\n---    %s", d.example) end
    say("---@param options lander.nn.%s_options", d.name)
    say("---@return lander.node\nfunction lander.nn.%s(options) end\n", d.name)
  end
  write_class "lander.node"
  for _, d in ipairs(layers) do
    say("---%s", d.help or "")
    say("---@param options lander.nn.%s_options", d.name)
    say("---@return lander.node\nfunction lander_node:%s(options) end\n", d.name)
  end
end

local function names_of(kind)
  local words = {}
  for i, d in ipairs(core.describe(kind)) do words[i] = ("%q"):format(d.name) end
  return table.concat(words, "|")
end

local function write_solver_options()
  write_options("lander.solver_options", core.describe "solver",
    { "type? " .. names_of "solver" .. " the update rule" })
  say "---@class lander.train_options"
  local known = { net = "lander.net", data = "lander.dataset", test_data = "lander.dataset",
    solver = "lander.solver_options", retry = "table|false" }
  for _, name in ipairs(core.train_options()) do
    say("---@field %s%s %s", name, (name == "net" or name == "data" or name == "solver") and "" or "?",
      known[name] or "any")
  end
  say ""
end

say "---@meta lander\n"
say("-- Lander %s. Made by lua/annotate.lua from the descriptions of layers and solvers.\n", lander.version)
say("---@class lander\n---@field version string %s\nlocal lander = {}", lander.version)
say "lander.nn, lander.core, lander.image = {}, {}, {}\nlander.data = { synthetic = {} }\n"
for _, name in ipairs { "lander.params", "lander.param", "lander.layer", "lander.run",
                        "lander.checkpoint" } do
  write_class(name)
end
write_class("lander.tensor", tensor_methods())
write_class("lander.net", net)
write_solver_options()
write_class("lander.solver", solver, ": lander.solver_options")
write_class("lander.dataset", dataset)
write_class("lander.batches", batches)
for line in functions:gmatch "[^\n]+" do write_function(line) end
write_layers()
say "return lander"
