"""make_layers.py: what PyTorch makes of our layers, for tests/test_compare_layers.lua.

    /usr/bin/python3 tests/compare/make_layers.py

It needs NumPy and PyTorch (Debian: apt install python3-torch; made with 1.13.1, which
calls itself 1.13.0a0), and writes layers.txt, layers_given.npy and layers_expected.npy
beside itself; the tests need only these. Shapes, options and numbers are random, from a
fixed seed. PyTorch computes in float64.

The lines of a case in layers.txt (arrays: see store.py):

    case lstm 12
    phase test                    the net's phase; every net has its own text
    net h = lstm (x) hidden=3     after the inputs' lines
    input x 2,5,4                 data, the batch first: net line and numbers
    label t 2                     likewise, for a loss
    param h.bias 3                a parameter or state that is set before
    dy 2,5,3                      the gradient that is sent in; without it: a loss
    output 2,5,3                  what comes out
    gradient x 2,5,4              the gradient of an input
    grad h.bias 3                 the gradient of a parameter
    after h.running_mean 3        a state after the pass forward
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.dont_write_bytecode = True
from store import Store, rounded  # noqa: E402

R = np.random.RandomState(1998)

store = Store("layers", ["Made by tests/compare/make_layers.py with PyTorch %s."
                         % torch.__version__])


# ---- a case --------------------------------------------------------------------------

def normal(*size):
    return rounded(R.standard_normal(size))


def between(low, high, *size):
    return rounded(R.uniform(low, high, size))


def pick(*choices):
    return choices[R.randint(len(choices))]


def integer(low, high):
    """Both bounds included."""
    return int(R.randint(low, high + 1))


def quarter(low, high):
    """A number for an option: one that the net's text holds exactly."""
    return integer(int(low * 4), int(high * 4)) / 4


def yes():
    return bool(R.randint(2))


def word(flag):
    return "true" if flag else "false"


def listed(values):
    """An option of one number for every side, or one number alone where all agree."""
    values = list(values)
    if len(set(values)) == 1 and yes():
        values = values[:1]
    return ",".join(map(str, values))


def case(kind, net, inputs, f, params=None, fixed=(), labels=None, states=None,
         phase="test", weight=1):
    """Runs f on a table of all arrays as tensors, and stores what comes out.

    inputs, labels, params, states: arrays by name. fixed: inputs without a gradient
    (indices, masks). f returns the output; of a loss one number, whose gradient counts
    `weight` times; with states: the output and a table of the states afterwards."""
    params, labels, states = params or {}, labels or {}, states or {}
    t = {}
    for arrays in (inputs, params, labels, states):
        for name, array in arrays.items():
            t[name] = torch.tensor(array, dtype=torch.float64)
    learnt = [n for n in list(inputs) + list(params) if n not in fixed]
    for name in learnt:
        t[name].requires_grad_()
    y, after = f(t) if states else (f(t), {})
    is_loss = y.dim() == 0

    store.case(kind)
    store.line("phase", phase)
    for word_, arrays in (("input", inputs), ("label", labels)):
        for name, array in arrays.items():
            store.give(word_, name, array=array)
    for line in net:
        store.line("net", line)
    for arrays in (params, states):
        for name, array in arrays.items():
            store.give("param", name, array=array)
    if is_loss:
        (y * weight).backward()
    else:
        dy = normal(*y.shape)
        y.backward(torch.tensor(dy))
        store.give("dy", array=dy)
    store.expect("output", array=y.detach().numpy())
    for name in learnt:
        gradient = t[name].grad
        if gradient is None:
            gradient = torch.zeros_like(t[name])
        store.expect("gradient" if name in inputs else "grad", name,
                     array=gradient.numpy())
    for name, value in after.items():
        store.expect("after", name, array=value.detach().numpy())


def sample_shape(least=1, most=3, side=5):
    return [integer(1, side) for _ in range(integer(least, most))]


# ---- products ------------------------------------------------------------------------

def linear():
    shape, outputs, bias = sample_shape(), integer(1, 6), yes()
    x = normal(integer(1, 4), *shape)
    params = {"y.weight": normal(outputs, int(np.prod(shape)))}
    if bias:
        params["y.bias"] = normal(outputs)
    case("linear", ["y = linear (x) outputs=%d bias=%s" % (outputs, word(bias))],
         {"x": x}, lambda t: F.linear(t["x"].flatten(1), t["y.weight"], t.get("y.bias")),
         params)


def windows(sides, largest_kernel=4, pad_below_kernel=False, dilated=True):
    """Sizes, kernel, stride, pad and dilation of each side, so that a window fits."""
    sizes, kernel, stride, pad, dilation = [], [], [], [], []
    for _ in range(sides):
        k = integer(1, largest_kernel)
        d = pick(1, 1, 1, 2, 3) if dilated else 1
        p = integer(0, k // 2 if pad_below_kernel else 3)
        covered = d * (k - 1) + 1
        low = max(1, covered - 2 * p)
        sizes.append(integer(low, low + pick(0, 3, 6)))
        kernel.append(k)
        stride.append(integer(1, 4))
        pad.append(p)
        dilation.append(d)
    return sizes, kernel, stride, pad, dilation


def conv(sides):
    sizes, kernel, stride, pad, dilation = windows(sides)
    groups = pick(1, 1, 2, 3)
    channels = groups * integer(1, 3)
    outputs = channels if groups == 3 else groups * integer(1, 3)
    if groups == 3 and yes():
        groups = channels  # depthwise
    bias = yes()
    params = {"y.weight": normal(outputs, channels // groups, *kernel)}
    if bias:
        params["y.bias"] = normal(outputs)
    f = F.conv1d if sides == 1 else F.conv2d
    case("conv%d" % sides,
         ["y = conv (x) outputs=%d kernel=%s stride=%s pad=%s dilation=%s groups=%d bias=%s"
          % (outputs, listed(kernel), listed(stride), listed(pad), listed(dilation), groups,
             word(bias))],
         {"x": normal(integer(1, 3), channels, *sizes)},
         lambda t: f(t["x"], t["y.weight"], t.get("y.bias"), stride, pad, dilation, groups),
         params)


def deconv(sides):
    while True:
        sizes = [integer(1, 5) for _ in range(sides)]
        kernel = [integer(1, 4) for _ in range(sides)]
        stride = [integer(1, 3) for _ in range(sides)]
        dilation = [pick(1, 1, 2) for _ in range(sides)]
        pad = [integer(0, 2) for _ in range(sides)]
        more = [integer(0, max(s, d) - 1) for s, d in zip(stride, dilation)]
        out = [(n - 1) * s - 2 * p + d * (k - 1) + m + 1 for n, s, p, d, k, m in
               zip(sizes, stride, pad, dilation, kernel, more)]
        if min(out) >= 1:
            break
    groups = pick(1, 1, 2, 3)
    channels, each, bias = groups * integer(1, 2), integer(1, 3), yes()
    params = {"y.weight": normal(channels, each, *kernel)}
    if bias:
        params["y.bias"] = normal(groups * each)
    f = F.conv_transpose1d if sides == 1 else F.conv_transpose2d
    case("deconv%d" % sides,
         ["y = deconv (x) outputs=%d kernel=%s stride=%s pad=%s output_pad=%s dilation=%s "
          "groups=%d bias=%s" % (groups * each, listed(kernel), listed(stride), listed(pad),
                                 listed(more), listed(dilation), groups, word(bias))],
         {"x": normal(integer(1, 3), channels, *sizes)},
         lambda t: f(t["x"], t["y.weight"], t.get("y.bias"), stride, pad, more, groups,
                     dilation), params)


# ---- pooling -------------------------------------------------------------------------

def pool_case(kind, sides):
    sizes, kernel, stride, pad, _ = windows(sides, pad_below_kernel=True, dilated=False)
    ceil, valid = yes(), yes()
    options = "kernel=%s stride=%s pad=%s rounding=%s" % (
        listed(kernel), listed(stride), listed(pad), "ceil" if ceil else "floor")
    if pick(True, False, False):  # the default: the window's size
        stride = kernel
        options = options.replace(options.split()[1] + " ", "")
    if kind == "max_pool":
        pool = F.max_pool1d if sides == 1 else F.max_pool2d
        f = lambda t: pool(t["x"], kernel, stride, pad, 1, ceil)
    else:
        options += " divisor=%s" % ("valid" if valid else "padded")
        pool = F.avg_pool1d if sides == 1 else F.avg_pool2d
        f = lambda t: pool(t["x"], kernel, stride, pad, ceil, not valid)
    case("%s%d" % (kind, sides), ["y = %s (x) %s" % (kind, options)],
         {"x": normal(integer(1, 3), integer(1, 3), *sizes)}, f)


def global_avg_pool():
    x = normal(integer(1, 3), integer(1, 4), *sample_shape(1, 2))
    case("global_avg_pool", ["y = global_avg_pool (x)"], {"x": x},
         lambda t: t["x"].flatten(2).mean(2))


# ---- element by element --------------------------------------------------------------

def elementwise(kind, options, f, spread=2.0, params=None, x=None):
    if x is None:
        x = normal(integer(1, 4), *sample_shape()) * spread
        x = rounded(x)
    case(kind, [("y = %s (x) %s" % (kind, options)).rstrip()], {"x": x}, f, params)


def activations():
    slope = pick(0.01, 0.5, -0.25, 2)
    alpha = quarter(0.25, 2)
    beta, threshold = quarter(0.25, 4), pick(20, 2, 0.5)
    elementwise("relu", "", lambda t: F.relu(t["x"]))
    elementwise("relu", "slope=%s" % slope, lambda t: F.leaky_relu(t["x"], slope))
    elementwise("elu", "alpha=%g" % alpha, lambda t: F.elu(t["x"], alpha))
    elementwise("gelu", "", lambda t: F.gelu(t["x"]))
    elementwise("gelu", "approximate=tanh", lambda t: F.gelu(t["x"], approximate="tanh"))
    elementwise("silu", "", lambda t: F.silu(t["x"]), pick(2, 20))
    elementwise("sigmoid", "", lambda t: torch.sigmoid(t["x"]), pick(2, 10))
    elementwise("tanh", "", lambda t: torch.tanh(t["x"]), pick(0.1, 2, 5))
    elementwise("softplus", "beta=%g threshold=%s" % (beta, threshold),
                lambda t: F.softplus(t["x"], beta, threshold), pick(2, 10))
    elementwise("dropout", "ratio=0.%d" % integer(1, 9), lambda t: F.dropout(t["x"], 0.5,
                                                                         False))


def prelu(shared):
    x = normal(integer(1, 4), *sample_shape())
    params = {"y.weight": normal(1 if shared else x.shape[1])}
    elementwise("prelu", "channel_shared=%s" % word(shared),
                lambda t: F.prelu(t["x"], t["y.weight"]), params=params, x=x)


def shapes_kept():
    x = normal(integer(1, 3), *sample_shape(2, 4, 4))
    case("flatten", ["y = flatten (x)"], {"x": x}, lambda t: t["x"].flatten(1))
    elementwise("abs", "", lambda t: t["x"].abs())
    a, b, n = quarter(-2, 2), quarter(0.25, 2), pick(1, 2, 3)
    elementwise("power", "power=%d scale=%g shift=%g" % (n, b, a),
                lambda t: (a + b * t["x"]) ** n)
    elementwise("exp", "", lambda t: t["x"].exp(), 1)
    elementwise("log", "", lambda t: t["x"].log(), x=between(0.1, 5, 2, integer(1, 9)))


def softmax(kind):
    x = normal(integer(1, 4), *sample_shape())
    x = rounded(x * pick(1, 5))
    axis = integer(1, x.ndim - 1)
    given = axis if yes() else axis - x.ndim
    f = F.softmax if kind == "softmax" else F.log_softmax
    case(kind, ["y = %s (x) axis=%d" % (kind, given)], {"x": x}, lambda t: f(t["x"], axis))


# ---- several inputs or outputs, and shapes -------------------------------------------

def same_shapes(count):
    size = [integer(1, 4)] + sample_shape()
    return {name: normal(*size) for name in "abc"[:count]}


def merge(kind):
    inputs = same_shapes(integer(2, 3))
    coeff, options = [1] * len(inputs), ""
    if kind == "add" and yes():
        coeff = [quarter(-2, 2) for _ in inputs]
        options = " coeff=" + ",".join("%g" % c for c in coeff)

    def f(t):
        y = t["a"] * coeff[0]
        for name, c in list(zip(inputs, coeff))[1:]:
            y = (y + t[name] * c if kind == "add" else
                 y * t[name] if kind == "mul" else torch.maximum(y, t[name]))
        return y

    case(kind, ["y = %s (%s)%s" % (kind, ", ".join(inputs), options)], inputs, f)


def some_axis(dims):
    """One of a sample's dimensions as PyTorch counts, and as an option."""
    axis = integer(1, dims)
    return axis, axis if yes() else axis - dims - 1


def concat():
    size, batch = sample_shape(), integer(1, 3)
    axis, given = some_axis(len(size))
    inputs = {}
    for name in "abcd"[:integer(1, 4)]:
        size[axis - 1] = integer(1, 4)
        inputs[name] = normal(batch, *size)
    case("concat", ["y = concat (%s) axis=%d" % (", ".join(inputs), given)], inputs,
         lambda t: torch.cat([t[name] for name in inputs], axis))


def slice_():
    """The parts change places; one of them may get no gradient."""
    size, parts = sample_shape(), integer(2, 4)
    axis, given = some_axis(len(size))
    lengths = [integer(1, 3)] * parts if yes() else [integer(1, 3) for _ in range(parts)]
    size[axis - 1] = sum(lengths)
    points = np.cumsum(lengths)[:-1]
    options = "parts=%d" % parts if len(set(lengths)) == 1 else "points=" + ",".join(
        map(str, points))
    order = [int(i) for i in R.permutation(parts)][:integer(1, parts)]
    case("slice", ["s = slice (x) %s axis=%d" % (options, given),
                   "y = concat (%s) axis=%d" % (", ".join("s:%d" % (i + 1) for i in order),
                                                given)],
         {"x": normal(integer(1, 3), *size)},
         lambda t: torch.cat([t["x"].split(lengths, axis)[i] for i in order], axis))


def split():
    copies = integer(2, 4)
    case("split", ["s = split (x) outputs=%d" % copies,
                   "y = mul (%s)" % ", ".join("s:%d" % (i + 1) for i in range(copies))],
         {"x": normal(integer(1, 3), *sample_shape())}, lambda t: t["x"] ** copies)


def permute():
    size = sample_shape(1, 4, 4)
    order = [int(d) + 1 for d in R.permutation(len(size))]
    case("permute", ["y = permute (x) order=" + ",".join(map(str, order))],
         {"x": normal(integer(1, 3), *size)}, lambda t: t["x"].permute(0, *order))


def reshape():
    a, b, c = integer(1, 4), integer(1, 4), integer(1, 4)
    to, text = pick(([c, a * b], "%d,-1" % c), ([b, a, c], "%d,%d,%d" % (b, a, c)),
                    ([a, b * c], "0,-1"))
    case("reshape", ["y = reshape (x) shape=" + text], {"x": normal(integer(1, 3), a, b, c)},
         lambda t: t["x"].reshape(-1, *to))


def tile():
    size, times = sample_shape(), integer(1, 3)
    axis, given = some_axis(len(size))
    repeats = [times if d == axis else 1 for d in range(len(size) + 1)]
    case("tile", ["y = tile (x) times=%d axis=%d" % (times, given)],
         {"x": normal(integer(1, 3), *size)}, lambda t: t["x"].repeat(*repeats))


def crop():
    batch, channels, height, width = integer(1, 3), integer(1, 3), integer(1, 5), integer(1, 5)
    h, w = integer(1, height), integer(1, width)
    top, left = integer(0, height - h), integer(0, width - w)
    case("crop", ["y = crop (x) size=%d,%d offset=%d,%d" % (h, w, top, left)],
         {"x": normal(batch, channels, height, width)},
         lambda t: t["x"][:, :, top:top + h, left:left + w])


def reduction():
    size = sample_shape()
    axis, given = some_axis(len(size))
    operation, coeff = pick("sum", "mean", "asum", "sumsq"), quarter(-2, 2)
    f = {"sum": lambda x: x.sum(axis), "mean": lambda x: x.mean(axis),
         "asum": lambda x: x.abs().sum(axis), "sumsq": lambda x: (x * x).sum(axis)}[operation]
    case("reduction", ["y = reduction (x) operation=%s axis=%d coeff=%g"
                       % (operation, given, coeff)], {"x": normal(integer(1, 3), *size)},
         lambda t: f(t["x"].flatten(axis)) * coeff)


def channel_wise(kind):
    """scale and bias, learnt ones."""
    size, more = sample_shape(2, 3), yes()
    axis, given = some_axis(len(size))
    like = [1] * axis + size[axis - 1:axis] + [1] * (len(size) - axis)
    params = {"y.weight": normal(like[axis])} if kind == "scale" else {}
    if kind == "bias" or more:
        params["y.bias"] = normal(like[axis])
    options = " bias=" + word(more) if kind == "scale" else ""

    def f(t):
        y = t["x"]
        if kind == "scale":
            y = y * t["y.weight"].reshape(like)
        return y + t["y.bias"].reshape(like) if "y.bias" in t else y

    case(kind, ["y = %s (x) axis=%d%s" % (kind, given, options)],
         {"x": normal(integer(1, 4), *size)}, f, params)


# ---- normalisation -------------------------------------------------------------------

def scale_and_shift(affine, *size):
    if not affine:
        return {}
    return {"y.weight": normal(*size), "y.bias": normal(*size)}


def batch_norm(phase):
    channels, affine = integer(1, 5), pick(True, True, False)
    x = rounded(normal(integer(3, 6), channels, *pick([], [3], [3, 4], [1, 2])) * 2 + 1)
    eps, momentum = pick(1e-5, 1e-3, 0.1), pick(0.1, 0.01, 0.5, 1.0)
    states = {"y.running_mean": normal(channels), "y.running_var": between(0.5, 2, channels)}

    def f(t):
        mean, var = t["y.running_mean"].clone(), t["y.running_var"].clone()
        y = F.batch_norm(t["x"], mean, var, t.get("y.weight"), t.get("y.bias"),
                         phase == "train", momentum, eps)
        return y, {"y.running_mean": mean, "y.running_var": var}

    case("batch_norm", ["y = batch_norm (x) eps=%g momentum=%g affine=%s"
                        % (eps, momentum, word(affine))],
         {"x": x}, f, scale_and_shift(affine, channels), states=states, phase=phase)


def layer_norm():
    shape = sample_shape(1, 3)
    shape[-1] += 3
    dims, affine, eps = integer(0, len(shape)), pick(True, True, False), pick(1e-5, 0.1)
    size = shape[-dims:] if dims else shape
    case("layer_norm", ["y = layer_norm (x) dims=%d eps=%g affine=%s"
                        % (dims, eps, word(affine))],
         {"x": normal(integer(1, 4), *shape)},
         lambda t: F.layer_norm(t["x"], size, t.get("y.weight"), t.get("y.bias"), eps),
         scale_and_shift(affine, *size))


def group_norm():
    groups, affine, eps = integer(1, 3), pick(True, True, False), pick(1e-5, 0.1)
    channels = groups * integer(1, 3)
    sizes = pick([4], [2, 3], [5, 1])
    case("group_norm", ["y = group_norm (x) groups=%d eps=%g affine=%s"
                        % (groups, eps, word(affine))],
         {"x": normal(integer(1, 4), channels, *sizes)},
         lambda t: F.group_norm(t["x"], groups, t.get("y.weight"), t.get("y.bias"), eps),
         scale_and_shift(affine, channels))


def lrn(region):
    size, alpha = integer(1, 6), quarter(0.25, 2)
    beta, k = quarter(0.25, 1.5), quarter(0.5, 2)
    options = "local_size=%d alpha=%g beta=%g k=%g norm_region=%s" % (
        size, alpha, beta, k, region)

    def f(t):
        x = t["x"]
        if region == "across_channels":
            return F.local_response_norm(x, size, alpha, beta, k)
        ends = (size // 2, (size - 1) // 2) * 2
        return x * (k + alpha * F.avg_pool2d(F.pad(x * x, ends), size, 1)) ** -beta

    case("lrn", ["y = lrn (x) " + options],
         {"x": normal(integer(1, 3), integer(1, 6), integer(1, 5), integer(1, 5))}, f)


# ---- sequences -----------------------------------------------------------------------

def embedding():
    entries, dim = integer(2, 6), integer(1, 4)
    x = R.randint(1, entries + 1, [integer(1, 4)] + sample_shape(1, 2, 4))
    x = x.astype(np.float64)
    case("embedding", ["y = embedding (x) entries=%d dim=%d" % (entries, dim)], {"x": x},
         lambda t: F.embedding(t["x"].long() - 1, t["y.weight"]),
         {"y.weight": normal(entries, dim)}, fixed=["x"])


GATES = {"rnn": 1, "gru": 3, "lstm": 4}


def recurrent_params(kind, features, hidden, layers, directions, bias):
    params, order = {}, []
    for k in range(layers):
        width = features if k == 0 else directions * hidden
        for d in range(directions):
            rows, end = GATES[kind] * hidden, "_l%d%s" % (k, "_reverse" if d else "")
            sizes = {"weight_ih": [rows, width], "weight_hh": [rows, hidden]}
            if bias:
                sizes.update(bias_ih=[rows], bias_hh=[rows])
            for name, size in sizes.items():
                order.append("h." + name + end)
                params[order[-1]] = rounded(normal(*size) * 0.5)
    return params, order


def recurrent(kind):
    """The output is that of all steps, or the state after the last, or everything."""
    batch, steps, features = integer(1, 4), integer(1, 6), integer(1, 4)
    hidden, both, bias = integer(1, 4), yes(), pick(True, True, False)
    layers = integer(1, 2 if both else 3)
    directions = 2 if both else 1
    mask, state, activation = yes(), yes(), pick("tanh", "relu")
    states = 2 if kind == "lstm" else 1
    shown = pick([1], [2], list(range(1, states + 2)))
    lengths = [integer(1, steps) for _ in range(batch)]
    inputs = {"x": normal(batch, steps, features)}
    if mask:
        inputs["mask"] = np.array([[float(s < n) for s in range(steps)] for n in lengths])
    if state:
        for name in ["before", "cell"][:states]:
            inputs[name] = normal(batch, layers * directions, hidden)
    params, order = recurrent_params(kind, features, hidden, layers, directions, bias)

    def run(t):
        name = kind if kind != "rnn" else "rnn_" + activation
        run_ = getattr(torch._VF, name)
        zeros = torch.zeros(layers * directions, batch, hidden, dtype=torch.float64)
        before = [t[n].transpose(0, 1) if state else zeros for n in ["before", "cell"][:states]]
        before = tuple(before) if states == 2 else before[0]
        weights = [t[n] for n in order]
        if not mask:
            out = run_(t["x"], before, weights, bias, layers, 0.0, False, both, True)
            return [out[0]] + [o.transpose(0, 1) for o in out[1:]]
        packed = torch.nn.utils.rnn.pack_padded_sequence(t["x"], lengths, True, False)
        by = packed.sorted_indices
        before = tuple(b[:, by] for b in before) if states == 2 else before[:, by]
        out = run_(packed.data, packed.batch_sizes, before, weights, bias, layers, 0.0,
                   False, both)
        y = torch.nn.utils.rnn.PackedSequence(out[0], packed.batch_sizes, by,
                                              packed.unsorted_indices)
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, True, 0.0, steps)
        return [y] + [o[:, packed.unsorted_indices].transpose(0, 1) for o in out[1:]]

    options = "hidden=%d layers=%d bidirectional=%s bias=%s mask=%s state=%s" % (
        hidden, layers, word(both), word(bias), word(mask), word(state))
    if kind == "rnn":
        options += " nonlinearity=" + activation
    net = ["h = %s (%s) %s" % (kind, ", ".join(inputs), options)]
    if shown != [1]:
        net += ["y%d = flatten (h:%d)" % (i, i) for i in shown]
        net.append("y = concat (%s)" % ", ".join("y%d" % i for i in shown))

    def f(t):
        out = run(t)
        return out[0] if shown == [1] else torch.cat([out[i - 1].flatten(1) for i in shown], 1)

    case(kind, net, inputs, f, params, fixed=["mask"])


def attention():
    heads = integer(1, 3)
    dim, batch, steps = heads * integer(1, 3), integer(1, 3), integer(1, 6)
    bias, two = yes(), pick(True, False, False)
    causal = not two and yes()
    inputs = {"x": normal(batch, steps, dim)}
    if two:
        inputs["other"] = normal(batch, integer(1, 6), dim)
    params = {"y.in_weight": normal(3 * dim, dim)}
    if bias:
        params["y.in_bias"] = normal(3 * dim)
    params["y.out_weight"] = normal(dim, dim)
    if bias:
        params["y.out_bias"] = normal(dim)

    def f(t):
        x = t["x"].transpose(0, 1)
        other = t["other"].transpose(0, 1) if two else x
        mask = torch.ones(steps, steps, dtype=torch.bool).triu(1) if causal else None
        y, _ = F.multi_head_attention_forward(
            x, other, other, dim, heads, t["y.in_weight"], t.get("y.in_bias"), None, None,
            False, 0.0, t["y.out_weight"], t.get("y.out_bias"), training=False,
            need_weights=False, attn_mask=mask)
        return y.transpose(0, 1)

    case("attention", ["y = attention (%s) heads=%d bias=%s causal=%s"
                       % (", ".join(inputs), heads, word(bias), word(causal))],
         inputs, f, params)


# ---- losses --------------------------------------------------------------------------

def some_labels(x):
    """A class for each place of x (batch, classes, ...), from 1."""
    size = (x.shape[0],) + x.shape[2:]
    return R.randint(1, x.shape[1] + 1, size).astype(np.float64)


def scores():
    return rounded(normal(integer(1, 5), integer(2, 6), *pick([], [3], [2, 3])) * pick(1, 4))


def ignoring(x):
    """Labels, one of them to be ignored (not all), and the option that says so."""
    labels = some_labels(x)
    ignored = int(R.randint(1, x.shape[1] + 1))
    if yes() or np.all(labels == ignored):
        return labels, -100, ""
    if yes():  # one that is no class
        labels = np.where(labels == ignored, 255.0, labels)
        ignored = 255
    return labels, ignored - 1, " ignore_label=%d" % ignored


def softmax_loss():
    x, weight, smoothing = scores(), pick(1, 1, 0.5), pick(0, 0, 0.125, 0.5)
    labels, ignored, options = ignoring(x)
    if smoothing:
        options += " label_smoothing=%g" % smoothing
    case("softmax_loss", ["y = softmax_loss (x, t) loss_weight=%g%s" % (weight, options)],
         {"x": x},
         lambda t: F.cross_entropy(t["x"], t["t"].long() - 1, ignore_index=ignored,
                                   label_smoothing=smoothing),
         labels={"t": labels}, weight=weight)


def nll_loss():
    x = scores()
    labels, ignored, options = ignoring(x)
    direct = yes()  # without log_softmax before it: any numbers will do
    net = [] if direct else ["p = log_softmax (x)"]
    case("nll_loss", net + ["y = nll_loss (%s, t)%s" % ("x" if direct else "p", options)],
         {"x": x},
         lambda t: F.nll_loss(t["x"] if direct else F.log_softmax(t["x"], 1),
                              t["t"].long() - 1, ignore_index=ignored), labels={"t": labels})


def pair_loss(kind, options, f, targets=normal):
    """PyTorch's sum over everything, divided by the batch. The target is a label, or an
    input that has a gradient."""
    x = normal(integer(1, 5), *sample_shape())
    target, weight = targets(*x.shape), pick(1, 1, 0.25)
    net = ["y = %s (x, t) loss_weight=%g%s" % (kind, weight, options)]
    g = lambda t: f(t["x"], t["t"]) / x.shape[0]
    if yes():
        case(kind, net, {"x": x}, g, labels={"t": target}, weight=weight)
    else:
        case(kind, net, {"x": x, "t": target}, g, weight=weight)


def pair_losses():
    delta = quarter(0.25, 2)
    pair_loss("mse_loss", "", lambda x, t: F.mse_loss(x, t, reduction="sum") / 2)
    pair_loss("l1_loss", "", lambda x, t: F.l1_loss(x, t, reduction="sum"))
    pair_loss("huber_loss", " delta=%g" % delta,
              lambda x, t: F.huber_loss(x, t, reduction="sum", delta=delta))
    pair_loss("sigmoid_loss", "",
              lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="sum"),
              lambda *size: between(0, 1, *size))


def hinge_loss():
    x, squared = scores(), yes()

    def f(t):
        sides = 2 * torch.movedim(F.one_hot(t["t"].long() - 1, x.shape[1]), -1, 1) - 1
        terms = F.hinge_embedding_loss(t["x"] * sides, -torch.ones(1), reduction="none")
        return (terms ** 2 if squared else terms).sum(1).mean()

    case("hinge_loss", ["y = hinge_loss (x, t) norm=%s" % ("L2" if squared else "L1")],
         {"x": x}, f, labels={"t": some_labels(x)})


def contrastive_loss():
    a, margin = normal(integer(1, 5), *sample_shape()), pick(0.5, 4, 12)
    b, similar = normal(*a.shape), R.randint(0, 2, len(a)).astype(np.float64)

    def f(t):
        d = (t["a"] - t["b"]).flatten(1).norm(dim=1)
        apart = F.relu(margin - d)
        return (t["t"] * d ** 2 + (1 - t["t"]) * apart ** 2).mean() / 2

    case("contrastive_loss", ["y = contrastive_loss (a, b, t) margin=%g" % margin],
         {"a": a, "b": b}, f, labels={"t": similar})


# ---- whole nets ----------------------------------------------------------------------

def conv_net():
    """Convolution, normalisation while training, a sum around it, pooling, a loss."""
    batch, channels, classes = integer(2, 4), integer(1, 4), integer(2, 5)
    params = {"c1.weight": normal(channels, 2, 3, 3),
              "c2.weight": normal(channels, channels, 3, 3),
              "n.weight": normal(channels), "n.bias": normal(channels),
              "out.weight": rounded(normal(classes, channels * 9) * 0.3),
              "out.bias": normal(classes)}
    states = {"n.running_mean": normal(channels), "n.running_var": between(0.5, 2, channels)}

    def f(t):
        mean, var = t["n.running_mean"].clone(), t["n.running_var"].clone()
        h = F.conv2d(t["x"], t["c1.weight"], None, 1, 1)
        r = F.relu(F.batch_norm(h, mean, var, t["n.weight"], t["n.bias"], True))
        r = F.max_pool2d(h + F.conv2d(r, t["c2.weight"], None, 1, 1), 2)
        loss = F.cross_entropy(F.linear(r.flatten(1), t["out.weight"], t["out.bias"]),
                               t["t"].long() - 1)
        return loss, {"n.running_mean": mean, "n.running_var": var}

    case("net_conv", ["c1 = conv (x) outputs=%d kernel=3 pad=1 bias=false" % channels,
                      "n = batch_norm (c1)", "r = relu (n)",
                      "c2 = conv (r) outputs=%d kernel=3 pad=1 bias=false" % channels,
                      "sum = add (c1, c2)", "p = max_pool (sum) kernel=2",
                      "out = linear (p) outputs=%d" % classes, "y = softmax_loss (out, t)"],
         {"x": normal(batch, 2, 6, 6)}, f, params, states=states, phase="train",
         labels={"t": R.randint(1, classes + 1, batch).astype(np.float64)})


def transformer():
    """A block of a GPT, on indices, with a loss at every step."""
    batch, steps, heads, entries = integer(1, 3), integer(1, 5), integer(1, 2), integer(2, 5)
    dim = 4 * heads
    small = lambda *size: rounded(normal(*size) * 0.5)
    params = {"e.weight": normal(entries, dim), "n.weight": normal(dim), "n.bias": normal(dim),
              "a.in_weight": small(3 * dim, dim), "a.in_bias": small(3 * dim),
              "a.out_weight": small(dim, dim), "a.out_bias": small(dim),
              "h.weight": small(entries, dim, 1)}

    def f(t):
        x = F.embedding(t["x"].long() - 1, t["e.weight"])
        n = F.layer_norm(x, [dim], t["n.weight"], t["n.bias"]).transpose(0, 1)
        mask = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        a, _ = F.multi_head_attention_forward(
            n, n, n, dim, heads, t["a.in_weight"], t["a.in_bias"], None, None, False, 0.0,
            t["a.out_weight"], t["a.out_bias"], training=False, need_weights=False,
            attn_mask=mask)
        h = F.gelu(x + a.transpose(0, 1)).transpose(1, 2)
        return F.cross_entropy(F.conv1d(h, t["h.weight"]), t["t"].long() - 1)

    def indices():
        return R.randint(1, entries + 1, [batch, steps]).astype(np.float64)

    case("net_transformer", ["e = embedding (x) entries=%d dim=%d" % (entries, dim),
                             "n = layer_norm (e) dims=1",
                             "a = attention (n) heads=%d causal=true" % heads,
                             "sum = add (e, a)", "g = gelu (sum)",
                             "p = permute (g) order=2,1",
                             "h = conv (p) outputs=%d kernel=1 bias=false" % entries,
                             "y = softmax_loss (h, t)"],
         {"x": indices()}, f, params, fixed=["x"], labels={"t": indices()})


# ---- all of them ---------------------------------------------------------------------

def main():
    plan = [
        (12, linear), (16, conv, 1), (30, conv, 2), (10, deconv, 1), (20, deconv, 2),
        (8, pool_case, "max_pool", 1), (16, pool_case, "max_pool", 2),
        (8, pool_case, "avg_pool", 1), (20, pool_case, "avg_pool", 2), (5, global_avg_pool),
        (5, activations), (4, prelu, True), (4, prelu, False), (5, shapes_kept),
        (8, softmax, "softmax"), (8, softmax, "log_softmax"),
        (6, merge, "add"), (5, merge, "mul"), (5, merge, "maximum"), (8, concat), (8, slice_),
        (3, split), (8, permute), (6, reshape), (5, tile), (5, crop), (8, reduction),
        (5, channel_wise, "scale"), (3, channel_wise, "bias"),
        (10, batch_norm, "train"), (6, batch_norm, "test"), (12, layer_norm),
        (10, group_norm), (8, lrn, "across_channels"), (6, lrn, "within_channel"),
        (6, embedding), (16, recurrent, "rnn"), (24, recurrent, "lstm"),
        (20, recurrent, "gru"), (16, attention),
        (20, softmax_loss), (10, nll_loss), (8, pair_losses), (8, hinge_loss),
        (6, contrastive_loss), (4, conv_net), (4, transformer)]
    for times, make, *options in plan:
        for _ in range(times):
            make(*options)
    store.save()


if __name__ == "__main__":
    main()
