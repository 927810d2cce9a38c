-- help_texts.lua: what help says of the functions of the module and of the methods of its objects;
-- read when help is asked for. One line `name: call | what it does`, under it what belongs to it,
-- and last the example, with an indent, which a test runs. Longer texts (core.topics) stand beside
-- the functions they are about.
local lander = ...
local core = lander.core

-- { { title =, owner = (how a method is called), text = }, ... }
core.help_groups = {}

local function group(title, owner, text)
  core.help_groups[#core.help_groups + 1] = { title = title, owner = owner, text = text }
end

group("training (lander)", "lander.", [==[
train: lander.train { net =, data =, solver = {...}, ... } -> run | the loop: minibatches, tests,
snapshots, and what is done when the loss blows up (doc/training.md).
  test_data, batch_size (64), loss, augment, shuffle
  solver          a table for lander.solver, max_iter in it; or a solver, which goes on (run.solver)
  max_epoch, max_time, early_stop    other ends than solver.max_iter
  display, test_interval, snapshot    iterations between two rows, tests, snapshots
  snapshot_prefix how files begin;  keep (3), resume, weights
  retry           { max = 5, factor = 0.1 }: what is done about a divergence; false: nothing
  on_iter, on_test, on_snapshot, on_diverge    functions; returning "stop" ends the run
  dry_run, overfit, quiet
  run: status, reason, iter, loss, accuracy, best, retries, history, events, net, solver ...
  example: lander.train { net = net, data = data, solver = { base_lr = 0.1, max_iter = 5 } }
solver: lander.solver(net, { type =, base_lr =, ... }) -> solver | one iteration at a time:
solver:step. Options can be read and set while it runs (solver.base_lr = 0.001); help "sgd" lists
them, help "step" and the like those of the schedules.
  example: solver = lander.solver(net, { type = "sgd", base_lr = 0.1, momentum = 0.9 })
retry: lander.retry { base_lr =, factor = 0.1, attempts = 5, attempt = function(base_lr, n) ...
end } | calls attempt with base_lr, then base_lr * factor ..., until the run it returns has
finished; gives { base_lr =, run =, attempts = }. When none did that is an error which shows
them.
  example: lander.retry { base_lr = 0.1, attempt = function(base_lr) return base_lr < 1 end }
test: lander.test(net, data[, { batch_size = 100 }]) -> { loss =, accuracy =, samples = } | mean
loss of a net over a dataset, and the share of samples whose class is right; of numbers
regression = { mae =, r2 = }: the mean absolute error, and R2, which is 1 where all is right.
  example: lander.test(net, data).accuracy
load: lander.load(path) -> net | a net that net:save or lander.train saved.
  example: net:save "x.npz" net = lander.load "x.npz"
check_gradients: lander.check_gradients(net, x, target[, { step =, tolerance =, samples = }]) |
compares the gradients of backward with differences of the loss: { ok =, worst =, report = };
print shows it.
  example: lander.check_gradients(net, x, y)
args: lander.args { base_lr = 0.1, verbose = false } -> options | a script's options, from the
words behind its name: --base_lr=0.2, --verbose, --help. The kind of each is that of its default.
  example: opt = lander.args { base_lr = 0.1, sizes = { 100, 50 } }
options: lander.options(owner, given, defaults) -> options | the options that a function takes:
those given, else the defaults; what is misspelled or of another kind is an error.
  example: lander.options("mine", { size = 3 }, { size = 2, bias = true })
config: lander.config() -> { version =, real =, threads =, instructions =, blas = } | what this
build uses on this machine.
  example: lander.config().threads
threads: lander.threads([n]) -> n | how many threads compute, after setting it. Results are the
same bits with any number.
  example: lander.threads(2)
seed: lander.seed(n) | what rand, randn, uniform_ and normal_ draw from here on.
  example: lander.seed(1)
help: lander.help([word or value]) | prints help on a layer, an option, a function, a method.
  example: lander.help "conv"
version: lander.version | the version, a text.
  example: print(lander.version)
]==])

group("tensors: making (lander)", "lander.", [==[
tensor: lander.tensor { { 1, 2 }, { 3, 4 } } | a tensor of the numbers of nested tables.
  example: lander.tensor { { 1, 2 }, { 3, 4 } }
zeros: lander.zeros(2, 3) | zeros, of that shape.
  example: lander.zeros(2, 3)
ones: lander.ones(2, 3) | ones, of that shape.
  example: lander.ones(2, 3)
full: lander.full(value, 2, 3) | that value everywhere.
  example: lander.full(0.5, 2, 3)
rand: lander.rand(2, 3) | uniform random numbers in [0, 1); lander.seed sets what comes.
  example: lander.rand(2, 3)
randn: lander.randn(2, 3) | normal random numbers, of mean 0 and deviation 1.
  example: lander.randn(2, 3)
arange: lander.arange(a, b[, step]) | a, a + step ... up to b.
  example: lander.arange(1, 5)
eye: lander.eye(n) | the unit matrix.
  example: lander.eye(3)
cat: lander.cat({ t, u }, dim) | tensors joined along a dimension (1); t:cat(u, dim) too.
  example: lander.cat({ t, u }, 1)
stack: lander.stack({ t, u }, dim) | tensors of one shape along a new dimension.
  example: lander.stack({ t, u }, 1)
where: lander.where(condition, t, u) | elements of t where the condition is not 0, else those of
u.
  example: lander.where(t:gt(1), t, 0)
load_npy: lander.load_npy(path) -> tensor | a NumPy array.
  example: lander.save_npy("t.npy", t) t = lander.load_npy "t.npy"
save_npy: lander.save_npy(path, t) | a NumPy array, written; t:save_npy(path) too.
  example: lander.save_npy("t.npy", t)
]==])

group("tensors: shape and elements", "t:", [==[
size: t:size() -> { 2, 3 }; t:size(d) -> a number | the shape; #t is the first size.
  example: t:size(), t:size(1), #t
dim: t:dim() | how many dimensions.
  example: t:dim()
numel: t:numel() | how many elements.
  example: t:numel()
get: t:get(i, j, ...) -> number | an element; t[i] is a view or a number.
  example: t:get(1, 2), t[1]
set: t:set(value, i, j, ...) -> t | sets an element; t[i] = x too.
  example: t:set(7, 1, 2)
item: t:item() -> number | the number of a tensor that holds one.
  example: lander.ones(1, 1):item()
totable: t:totable() | nested tables.
  example: t:totable()
view: t:view(3, -1) | the same numbers in another shape, shared; -1: what is left.
  example: t:view(-1)
reshape: t:reshape(3, -1) | as view; a copy where the numbers don't lie side by side.
  example: t:t():reshape(-1)
t: t:t() | rows become columns, a view.
  example: t:t()
transpose: t:transpose(d1, d2) | two dimensions change places, a view.
  example: t:transpose(1, 2)
permute: t:permute(2, 1) | dimensions in another order, a view.
  example: t:permute(2, 1)
narrow: t:narrow(d, start, length) | a part along a dimension, a view.
  example: t:narrow(1, 1, 1)
select: t:select(d, i) | one slice, a view with a dimension less.
  example: t:select(2, 1)
squeeze: t:squeeze([d]) | without dimensions of size 1, a view.
  example: lander.ones(1, 3, 1):squeeze()
unsqueeze: t:unsqueeze(d) | with a new dimension of size 1, number d, a view.
  example: t:unsqueeze(1)
expand: t:expand(4, -1) | dimensions of size 1 repeated, a view; -1: as it is.
  example: lander.ones(1, 3):expand(4, -1)
split: t:split(size[, d]) | a list of views along a dimension (1); size: a number or a list.
  example: t:split(1)
contiguous: t:contiguous() | itself, or a copy whose numbers lie side by side.
  example: t:t():contiguous()
is_contiguous: t:is_contiguous() | whether its numbers lie side by side.
  example: t:is_contiguous()
stride: t:stride() | how far apart neighbours of each dimension lie.
  example: t:stride()
clone: t:clone() | a copy.
  example: t:clone()
gather: t:gather(d, index) | elements by their position along a dimension.
  example: t:gather(2, lander.tensor { { 1 }, { 2 } })
index_select: t:index_select(d, { 2, 1 }) | slices by number; a list or a tensor.
  example: t:index_select(1, { 2, 1 })
sort: t:sort([d[, descending]]) -> values, positions | along a dimension (the last).
  example: t:sort(1, true)
topk: t:topk(k[, d[, largest]]) -> values, positions | the k largest in order; largest = false:
least.
  example: t:topk(1)
]==])

group("tensors: arithmetic (a name with _ works in place)", "t:", [==[
add: t:add(u), t + u | the sum; u is a tensor or a number, shapes broadcast as NumPy's. In place:
add_.
  example: t:add(1):add_(t)
sub: t:sub(u), t - u | the difference. In place: sub_.
  example: t - 1
mul: t:mul(u), t * u | the product, element by element. In place: mul_.
  example: t * t
div: t:div(u), t / u | the quotient. In place: div_.
  example: t / 2
pow: t:pow(u), t ^ u | the power. In place: pow_.
  example: t ^ 2
neg: t:neg(), -t | the negative. In place: neg_.
  example: -t
mm: t:mm(u) | the matrix product of (m, k) and (k, n).
  example: t:mm(t)
bmm: t:bmm(u) | a matrix product for each pair of (n, m, k) and (n, k, p).
  example: lander.ones(4, 2, 3):bmm(lander.ones(4, 3, 2))
dot: t:dot(u) -> number | the sum of the products of their elements.
  example: lander.ones(3):dot(lander.arange(1, 3))
exp: t:exp() | e to the power of each element. In place: exp_.
  example: t:exp()
log: t:log() | the natural logarithm. In place: log_.
  example: t:log()
sqrt: t:sqrt() | the square root. In place: sqrt_.
  example: t:sqrt()
abs: t:abs() | without the sign. In place: abs_.
  example: t:abs()
sign: t:sign() | -1, 0 or 1. In place: sign_.
  example: t:sign()
floor: t:floor() | rounded down. In place: floor_.
  example: t:floor()
tanh: t:tanh() | the hyperbolic tangent. In place: tanh_.
  example: t:tanh()
sigmoid: t:sigmoid() | 1 / (1 + exp(-x)). In place: sigmoid_.
  example: t:sigmoid()
relu: t:relu() | max(x, 0). In place: relu_.
  example: t:relu()
clamp: t:clamp(low, high) | into these bounds; nil: none. In place: clamp_.
  example: t:clamp(0, nil)
maximum: t:maximum(u) | the larger of each pair. In place: maximum_.
  example: t:maximum(0)
minimum: t:minimum(u) | the smaller of each pair. In place: minimum_.
  example: t:minimum(0)
eq: t:eq(u) | 1 where they are equal, else 0. In place: eq_.
  example: t:eq(1)
ne: t:ne(u) | 1 where they differ. In place: ne_.
  example: t:ne(1)
lt: t:lt(u) | 1 where t < u. In place: lt_.
  example: t:lt(2)
le: t:le(u) | 1 where t <= u. In place: le_.
  example: t:le(2)
gt: t:gt(u) | 1 where t > u. In place: gt_.
  example: t:gt(2)
ge: t:ge(u) | 1 where t >= u. In place: ge_.
  example: t:ge(2)
isfinite: t:isfinite() | 1 where it is neither infinite nor NaN. In place: isfinite_.
  example: t:isfinite()
allclose: t:allclose(u[, rtol[, atol]]) | whether all are equal within tolerances (1e-5, 1e-8).
  example: t:allclose(t + 1e-9)
copy_: t:copy_(u) -> t | takes the values of u, a tensor or a number.
  example: t:copy_(u)
fill_: t:fill_(value) -> t | that value everywhere.
  example: t:fill_(0.5)
zero_: t:zero_() -> t | zero everywhere.
  example: t:zero_()
uniform_: t:uniform_([low, high]) -> t | uniform random numbers (0, 1).
  example: t:uniform_(-1, 1)
normal_: t:normal_([mean, std]) -> t | normal random numbers (0, 1).
  example: t:normal_(0, 0.1)
]==])

group("tensors: sums and the like (over all, or a dimension)", "t:", [==[
sum: t:sum([d[, keep]]) | of all, a number; of a dimension, a tensor; keep: it stays, with size
1.
  example: t:sum(), t:sum(1), t:sum(2, true)
mean: t:mean([d[, keep]]) | the mean.
  example: t:mean(1)
prod: t:prod([d[, keep]]) | the product.
  example: t:prod()
min: t:min() -> number; t:min(d[, keep]) -> values, positions | the least.
  example: t:min(1)
max: t:max() -> number; t:max(d[, keep]) -> values, positions | the largest.
  example: t:max(1)
argmin: t:argmin([d[, keep]]) | where the least is, from 1.
  example: t:argmin(2)
argmax: t:argmax([d[, keep]]) | where the largest is, from 1.
  example: t:argmax(2)
norm: t:norm([d[, keep]]) | the root of the sum of squares.
  example: t:norm()
std: t:std([d[, keep]]) | the standard deviation.
  example: t:std()
var: t:var([d[, keep]]) | the variance.
  example: t:var()
all: t:all([d[, keep]]) | whether none is 0.
  example: t:gt(0):all()
any: t:any([d[, keep]]) | whether one is not 0.
  example: t:gt(3):any()
]==])

group("nets: making (lander.nn)", "lander.nn.", [==[
net: lander.nn.net { layers ... } or { output, loss = node, seed = 1 } | a net of a chain of
layers or of the graph behind a node. The layers' constructors are functions of lander.nn and
methods of nodes.
  example: lander.nn.net { lander.nn.input { 2 }, lander.nn.linear { 3 } }
define: lander.nn.define(name, { forward =, backward =, options =, params =, loss = }) | a layer
in Lua, on tensors: forward = function(self, x) return y end, backward = function(self, x, y, dy)
return dx end.
  example: lander.nn.define("double", { forward = function(_, x) return x * 2 end,
    backward = function(_, _, _, dy) return dy * 2 end })
function_loss: loss = function(y, target) return loss, dy end | what lander.train and
lander.solver make of a loss that is a function: a number for the batch, and its gradient in the
net's output.
  example: lander.solver(lander.nn.net { lander.nn.input { 2 }, lander.nn.linear { 2 } },
    { base_lr = 0.1, loss = function(a, b) return (a - b):pow(2):sum() / 2, a - b end })
]==])

group("nets", "net:", [==[
forward: net:forward(x, ...) -> output | the output in the net's phase.
  example: net:forward(x)
backward: net:backward([dy]) -> net | gradients into net.params[name].grad: of the loss, or of
dy.
  example: net:loss(x, y) net:backward()
predict: net:predict(x, ...) -> output | the output in the test phase, scores as probabilities.
  example: net:predict(x):argmax(2)
loss: net:loss(x, target) -> number | the loss of a batch.
  example: net:loss(x, y)
summary: net:summary() | the layers, their sizes and costs, as text; print(net) shows it.
  example: print(net:summary())
layers: net:layers() | a list of what is known of each: name, type, inputs, size, parameters ...
  example: #net:layers()
layer: net:layer(name) | a layer, with .output of the last pass; net["conv1"] too.
  example: net:layer("linear1")
features: net:features(name, x) -> tensor | a layer's output for x, in the test phase.
  example: net:features("linear1", x)
save: net:save(path) | an .npz, which lander.load and numpy.load read.
  example: net:save "x.npz"
load_weights: net:load_weights(path[, { partial = true }]) | parameters of a saved net, by name.
  example: net:save "x.npz" net:load_weights "x.npz"
clone: net:clone() | a copy, with its weights.
  example: net:clone()
reset: net:reset([seed]) -> net | parameters filled anew.
  example: net:reset(2)
train_phase: net:train_phase() -> net | dropout drops, batch_norm looks at the batch.
  example: net:train_phase()
test_phase: net:test_phase() -> net | as it will be used.
  example: net:test_phase()
phase: net:phase() | "train" or "test".
  example: net:phase()
keep: net:keep(on) -> net | no output is written over to save memory (as a solver's net does).
  example: net:keep(true)
want_input_gradient: net:want_input_gradient(on) -> net | backward makes the gradient of the
input too.
  example: net:want_input_gradient(true)
time: net:time(on) -> net | measures each layer; lander.time shows it.
  example: net:time(false)
text: net:text() | the net as text, as a saved net holds it.
  example: print(net:text())
note: net:note() -> text or nil; net:note(text) | a text that is saved with the net; lander.train
writes into it what lander predict must know of the data.
  example: net:note "mine" print(net:note())
to_dot: net:to_dot() | the graph in the language of Graphviz.
  example: print(net:to_dot())
has_loss: net:has_loss() | whether there is a loss among its layers.
  example: net:has_loss()
output_name: net:output_name() | the layer whose output is the net's.
  example: net:output_name()
labels: net:labels() | the names of the layers that take the targets.
  example: net:labels()
chance: net:chance() | the loss of a net that knows nothing; nil where that is not known.
  example: net:chance()
params: net.params["conv1.weight"], net.params[1] | the parameters in order and by name: .data
and .grad are tensors on the net's own memory; .lr_mult, .decay_mult and .frozen can be set.
  example: net.params[1].data:size(), #net.params
]==])

group("solvers", "solver:", [==[
step: solver:step(x, target) -> loss | one iteration; nil and a rule when it was rejected, with
the weights as they were.
  example: solver:step(x, y)
lr: solver:lr() | the rate of the next iteration.
  example: solver:lr()
rate_at: solver:rate_at(t) | the rate of iteration t, counting from 0.
  example: solver:rate_at(100)
options: solver:options() | a table of all options as they are.
  example: solver:options().base_lr
losses: solver:losses([most]) | the losses of the last accepted iterations, the newest one last.
  example: solver:losses(5)
snapshot: solver:snapshot(path) | weights, history, iteration, as an .npz.
  example: solver:snapshot "s.npz" solver:restore "s.npz"
restore: solver:restore(path) | back to a snapshot.
  example: solver:snapshot "s.npz" solver:restore "s.npz"
checkpoint: solver:checkpoint([reuse]) -> checkpoint | the same in memory; reuse: an older one,
whose memory it takes.
  example: here = solver:checkpoint() solver:return_to(here)
return_to: solver:return_to(checkpoint) | back to a checkpoint.
  example: here = solver:checkpoint() solver:return_to(here)
check: solver:check() | true, or nil, "R7" and the parameter that is not finite.
  example: solver:check()
probe: solver:probe(x, target) | a pass without an update, and what in it is not finite.
  example: solver:probe(x, y).loss
scale_history: solver:scale_history(factor) | momentum times a factor.
  example: solver:scale_history(0.5)
baseline: solver:baseline { losses ..., chance = } | what the rules of divergence compare with.
  example: solver:baseline { 1.1, 1.2 }
]==])

group("data (lander.data)", "lander.data.", [==[
fashion_mnist: lander.data.fashion_mnist([dir]) -> { train =, test = } | pictures of clothes, 10
classes.
  example: lander.data.fashion_mnist("tests/data/fashion_mnist").test
mnist: lander.data.mnist(dir) -> { train =, test = } | handwritten digits, from the folder of its
four files.
  example: lander.data.mnist("tests/data/fashion_mnist").test
cifar10: lander.data.cifar10(dir) -> { train =, test = } | small colour pictures, from the folder
of its six files in the binary version.
  example: pcall(lander.data.cifar10, "cifar-10-batches-bin")
idx: lander.data.idx(images, labels[, options]) | a pair of IDX files, plain or gzipped.
  options: scale (1/255), mean, std, classes (10), limit
  example: lander.data.idx("tests/data/fashion_mnist/t10k-images-idx3-ubyte.gz",
    "tests/data/fashion_mnist/t10k-labels-idx1-ubyte.gz")
csv: lander.data.csv(path, { y = "price" }) | a table in a text file; a column of words gives
classes.
  options: y (name or number; false: none), read_y, x, header, separator, decimal, classes,
  class_names, first, shape, scale, mean, std; behind --data=csv:FILE also test (a file) and
  normalize (true)
  example: io.open("t.csv", "w"):write("a,b,kind\n1,2,cat\n3,4,dog\n"):close()
    lander.data.csv("t.csv", { y = "kind" })
npy: lander.data.npy(x_path, y_path[, { classes = }]) | two NumPy arrays.
  example: t:save_npy "t.npy" lander.data.npy("t.npy", "t.npy")
npz: lander.data.npz(path[, { x = "x", y = "y", classes = }]) | members of a .npz file.
  example: pcall(lander.data.npz, "my.npz")
images: lander.data.images(folder[, { size = { rows, columns } }]) | PNG and JPEG pictures, a
folder for each class.
  options: size, channels (3), class_names, scale, mean, std
  example: pcall(lander.data.images, "pets", { size = { 64, 64 } })
tensors: lander.data.tensors(x, y[, { classes = }]) | tensors with as many rows.
  example: lander.data.tensors(x, y, { classes = 2 })
]==])

group("data, made up (lander.data.synthetic)", "lander.data.synthetic.", [==[
xor: lander.data.synthetic.xor { n = 4, noise = 0 } | exclusive or.
  example: lander.data.synthetic.xor()
spiral: lander.data.synthetic.spiral { n = 300, classes = 3, noise = 0.1 } | arms of a spiral.
  example: lander.data.synthetic.spiral { n = 100 }
blobs: lander.data.synthetic.blobs { n = 300, classes = 3, dims = 2, noise = 0.5 } | round heaps.
  example: lander.data.synthetic.blobs { classes = 2 }
]==])

group("datasets and batches", "d:", [==[
batches: d:batches { size = 64, shuffle = true, seed = 1, loop = false, augment = {} } |
minibatches, for a loop; a thread makes the next one meanwhile.
  example: for x, y in d:batches { size = 2 } do print(x:size(1)) end
get: d:get(i) -> x, y | a sample; d[i] is a table of both, #d how many there are.
  example: d:get(1), #d
shape: d:shape() | the sizes of one x; of batches too.
  example: d:shape()
target_shape: d:target_shape() | the sizes of one y.
  example: d:target_shape()
subset: d:subset(first, last) | a part.
  example: d:subset(1, 2)
split: d:split(n) -> first, rest | the first n samples, and the rest.
  example: d:split(2)
shuffle: d:shuffle([seed]) | the same samples in another order, which the seed (1) decides.
  example: d:shuffle():split(2)
normalize: d:normalize([numbers]) -> dataset, numbers | x with the mean taken out and divided by
the deviation, column by column; y too, where it holds numbers. A test set takes the training set's
numbers.
  example: d, numbers = d:normalize() d = d:normalize(numbers)
map: d:map(function(x, y) return x, y end) | what a function makes of every sample, in memory.
  example: d:map(function(x) return x * 2 end)
columns: d:columns() | what a table's header calls the numbers of x, or nil.
  example: d:columns()
targets: d:targets() | what a table's header calls the numbers of y, or nil.
  example: d:targets()
place: d:place(i) | where sample i was read: "houses.csv, line 12"; nil where nobody knows.
  example: d:place(2)
class_names: d:class_names() | the names of the classes, or nil.
  example: d:class_names()
name_classes: d:name_classes { "a", "b" } -> d | gives them names, for tables and pages.
  example: d:name_classes { "no", "yes" }
next: batches:next() -> x, y | the next batch; nothing after the end of the epoch.
  example: d:batches { size = 2 }:next()
position: batches:position() | how many samples were given out.
  example: d:batches { size = 2 }:position()
seek: batches:seek(position) | to any place.
  example: d:batches { size = 2 }:seek(2)
samples: batches:samples() | the numbers of the samples in the last batch.
  example: b = d:batches { size = 2 } b:next() b:samples()
]==])

group("looking (lander)", "lander.", [==[
load: lander.image.load(path[, { channels =, size = { rows, columns } }]) -> tensor | a PNG or JPEG
as (channels, rows, columns), from 0 to 1.
  example: pcall(lander.image.load, "cat.png")
]==])
