"""make_tensors.py: what NumPy makes of our tensor operations, for
tests/test_compare_tensors.lua.

    /usr/bin/python3 tests/compare/make_tensors.py

It needs NumPy, and writes tensors.txt, tensors_given.npy and tensors_expected.npy beside
itself. Shapes and numbers are random, from a fixed seed. NumPy computes in float64.

The lines of a case in tensors.txt (arrays: see store.py; positions count from one):

    case add 12                   the operation, a word that the test knows
    tensor plain 2,3              an argument; plain, or a view that is not contiguous
    number 0.5                    likewise
    tensors 3                     likewise: a list of the next three tensors
    flag true
    nothing                       nil
    exactly 2,3                   a result, to the last bit (all of these are float32's)
    nearly 2,3                    a result, but for rounding
    refused                       in place of results: NumPy raised an error
"""
import sys
import warnings

import numpy as np

sys.dont_write_bytecode = True
from store import Store, rounded  # noqa: E402

R = np.random.RandomState(1995)

store = Store("tensors", ["Made by tests/compare/make_tensors.py with NumPy %s."
                          % np.__version__])

np.seterr(all="ignore")
warnings.simplefilter("ignore", RuntimeWarning)  # the variance of one number


# ---- a case --------------------------------------------------------------------------

def store_tensor(word, array):
    """Sometimes as the elements that a view picks out of more, or in another order."""
    array = np.asarray(array, np.float64)
    kind = R.choice(["plain", "plain", "transposed", "every_other"])
    if array.ndim == 0:
        kind = "plain"
    if kind == "transposed":
        array = array.T
    elif kind == "every_other":
        array = np.stack([array, np.full(array.shape, 77.0)], -1)
    store.give(word, kind, array=array)


def store_argument(a):
    if isinstance(a, np.ndarray):
        store_tensor("tensor", a)
    elif isinstance(a, list):
        store.line("tensors", len(a))
        for array in a:
            store_tensor("tensor", array)
    elif isinstance(a, bool):
        store.line("flag", "true" if a else "false")
    elif a is None:
        store.line("nothing")
    else:
        store.line("number", a)


def case(operation, arguments, f, near=False):
    """f is NumPy's way to compute it: an array or several, or an error."""
    store.case(operation)
    for a in arguments:
        store_argument(a)
    try:
        results = f()
    except (ValueError, IndexError):
        store.line("refused")
        return
    if not isinstance(results, (list, tuple)):
        results = [results]
    for r in results:
        store.expect("nearly" if near else "exactly", array=r)


# ---- random things -------------------------------------------------------------------

def integer(low, high):
    """Both bounds included."""
    return int(R.randint(low, high + 1))


def pick(*choices):
    return choices[R.randint(len(choices))]


def chance(p):
    return bool(R.rand() < p)


def shape(least=0, most=4, empty=0.05):
    return [0 if chance(empty) else integer(1, 4) for _ in range(integer(least, most))]


def numbers(size):
    """Of all sizes, some of them equal, and whole."""
    if chance(0.5):
        return np.asarray(R.randint(-3, 4, size), np.float64)
    return rounded(R.standard_normal(size) * 2)


def special(size):
    """Numbers, infinities and NaN among them."""
    a = np.asarray(numbers(size))
    some = R.rand(*a.shape) < 0.3
    return np.where(some, R.choice([np.inf, -np.inf, np.nan, 0.0], a.shape), a)


def values(size):
    return special(size) if chance(0.25) else numbers(size)


def partner(size, wrong=0.25):
    """A shape that goes together with `size` in arithmetic; often enough it does not."""
    other = [1 if chance(0.3) else n for n in size]
    if chance(0.4):
        other = other[integer(0, len(other)):]
    elif chance(0.3) and len(other) < 4:
        other = [integer(1, 3)] + other
    if other and chance(wrong + 0.1):
        d = integer(0, len(other) - 1)
        other[d] += integer(1, 2)
    return other


def some_dim(dims):
    """A dimension as we count and as NumPy does; sometimes one that is not there."""
    if chance(0.07):
        d = integer(dims + 1, dims + 2)
        return pick((d, d - 1), (-d, -d))
    d = integer(1, dims)
    return pick((d, d - 1), (d - dims - 1, d - dims - 1))


# ---- element by element --------------------------------------------------------------

UNARY = {"neg": np.negative, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "abs": np.abs,
         "tanh": np.tanh, "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
         "relu": lambda a: np.maximum(a, 0), "sign": np.sign, "floor": np.floor,
         "isfinite": np.isfinite}
BINARY = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
          "pow": np.power, "maximum": np.maximum, "minimum": np.minimum, "eq": np.equal,
          "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
          "ge": np.greater_equal}
ROUNDED = {"exp", "log", "sqrt", "tanh", "sigmoid", "add", "sub", "mul", "div", "pow"}


def unary(name):
    a = values(shape())
    case(name + pick("", "", "_"), [a], lambda: UNARY[name](a), name in ROUNDED)


def binary(name):
    f, size = BINARY[name], shape()
    a, b = values(size), values(partner(size))
    if chance(0.15):
        b = float(integer(-3, 3)) if chance(0.5) else pick(0.5, -1.25)
    if chance(0.3) and not isinstance(b, float):
        a, b = b, a
    if chance(0.25):
        case(name + "_", [a, b], lambda: f(a, b, out=a.copy(), casting="unsafe"),
             name in ROUNDED)
    else:
        case(name, [a, b], lambda: f(a, b), name in ROUNDED)


def operator(name):
    f, size = BINARY[name], shape()
    a, b = numbers(size), pick(2.0, 0.5, -3.0, numbers(partner(size)))
    if isinstance(b, float) and chance(0.5):
        a, b = b, a
    case("operator_" + name, [a, b], lambda: f(a, b), True)


def clamp():
    size = shape()
    a, low, high = values(size), pick(-1, -0.5, None), pick(1, 0.25, None)
    if low is None and high is None:
        low = 0
    if chance(0.3):
        low, high = numbers(partner(size)), numbers(partner(size))
    case("clamp", [a, low, high],
         lambda: np.minimum(np.maximum(a, -np.inf if low is None else low),
                            np.inf if high is None else high))


def where():
    size = shape()
    a = R.randint(0, 2, partner(size, 0.1)).astype(np.float64)
    b, c = values(size), pick(values(partner(size, 0.1)), 0.5)
    case("where", [a, b, c], lambda: np.where(a != 0, b, c))


# ---- reductions ----------------------------------------------------------------------

REDUCTIONS = {
    "sum": np.sum, "mean": np.mean, "prod": np.prod, "min": np.min, "max": np.max,
    "norm": lambda a, axis: np.sqrt(np.sum(a * a, axis)),
    "var": lambda a, axis: np.var(a, axis, ddof=1),
    "std": lambda a, axis: np.std(a, axis, ddof=1),
    "argmin": lambda a, axis: np.argmin(a, axis) + 1,
    "argmax": lambda a, axis: np.argmax(a, axis) + 1,
    "all": lambda a, axis: np.all(a != 0, axis), "any": lambda a, axis: np.any(a != 0, axis)}
EXACT_REDUCTIONS = {"min", "max", "argmin", "argmax", "all", "any"}
POSITIONS = {"min": "argmin", "max": "argmax"}


def kept(f, a, axis):
    """With the dimension, or all of them, left in as 1."""
    r = f(a, axis)
    return np.expand_dims(r, axis) if axis is not None else np.reshape(r, [1] * a.ndim)


def reduction(name):
    f, near = REDUCTIONS[name], name not in EXACT_REDUCTIONS
    if chance(0.25):
        a = values(shape())
        return case(name, [a], lambda: f(a, None), near)
    a, keep = values(shape(1)), chance(0.4)
    dim, axis = some_dim(a.ndim)
    if chance(0.1):
        dim, axis, keep = None, None, True
    names = [name] + ([POSITIONS[name]] if name in POSITIONS else [])

    def several():
        return [(kept if keep else lambda g, *args: g(*args))(REDUCTIONS[n], a, axis)
                for n in names]

    case(name, [a, dim, True] if keep else [a, dim], several, near)


# ---- views ---------------------------------------------------------------------------

def permute():
    a = numbers(shape(1))
    order = list(R.permutation(a.ndim))
    if chance(0.15):
        order[0] = order[-1]
    if chance(0.1):
        order = order[:-1]
    case("permute", [a] + [int(d) + 1 for d in order], lambda: np.transpose(a, order))


def transpose():
    a = numbers(shape(1))
    (d1, axis1), (d2, axis2) = some_dim(a.ndim), some_dim(a.ndim)
    case("transpose", [a, d1, d2], lambda: np.swapaxes(a, axis1, axis2))


def matrix_transpose():
    a = numbers(shape(2, 2))
    case("t", [a], lambda: a.T)


def taken(a, axis, places):
    """The slices at these places, or at one (np.take is not strict with empty arrays)."""
    first = np.moveaxis(a, axis, 0)[places]
    return first if np.ndim(places) == 0 else np.moveaxis(first, 0, axis)


def narrow():
    a = numbers(shape(1))
    dim, axis = some_dim(a.ndim)
    size = a.shape[axis] if -a.ndim <= axis < a.ndim else 2
    start = integer(1, size + 1)
    length = integer(0, max(0, size - start + 1) + (1 if chance(0.2) else 0))
    places = np.arange(start - 1, start - 1 + length)
    case("narrow", [a, dim, start, length], lambda: taken(a, axis, places))


def select():
    a = numbers(shape(1))
    dim, axis = some_dim(a.ndim)
    size = a.shape[axis] if -a.ndim <= axis < a.ndim else 2
    i = integer(1, size + (1 if chance(0.2) else 0)) if size else 1
    place = i - 1
    if chance(0.3):
        i = place = -i
    case("select", [a, dim, i], lambda: taken(a, axis, place))


def reshape():
    a = numbers(shape())
    rest, size = a.size, []
    while rest > 1 and len(size) < 4:
        n = pick(*[k for k in range(1, rest + 1) if rest % k == 0])
        size.append(n)
        rest //= n
    size.append(rest)
    if chance(0.3):
        size[integer(0, len(size) - 1)] = -1
    if chance(0.2):
        size[integer(0, len(size) - 1)] += 2
    case("reshape", [a] + size, lambda: np.reshape(a, size))


def squeeze():
    a = numbers([n if chance(0.5) else 1 for n in shape()])
    ones = [d for d, n in enumerate(a.shape) if n == 1]
    if not ones or chance(0.5):
        return case("squeeze", [a], lambda: np.squeeze(a))
    d = ones[integer(0, len(ones) - 1)]
    case("squeeze", [a, d + 1], lambda: np.squeeze(a, d))


def unsqueeze():
    a = numbers(shape(0, 3))
    dim, axis = some_dim(a.ndim + 1)
    case("unsqueeze", [a, dim], lambda: np.expand_dims(a, axis))


def expand():
    size = shape(1, 3)
    a = numbers(size)
    to = [n if n != 1 or chance(0.3) else integer(1, 4) for n in size]
    if chance(0.3):
        to = [integer(1, 3)] + to
    if chance(0.25):
        to[-1] += 1
    case("expand", [a] + to, lambda: np.broadcast_to(a, to))


def split():
    a = numbers(shape(1, 3, 0))
    d = integer(0, a.ndim - 1)
    size = integer(1, a.shape[d] + 1)
    case("split", [a, size, d + 1],
         lambda: np.split(a, range(size, a.shape[d], size), d))


def copies():
    a = values(shape())
    case(pick("contiguous", "clone"), [a], lambda: a.copy())


# ---- products ------------------------------------------------------------------------

def matrices(batch, wrong=0.2):
    m, k, n = integer(1, 6), integer(1, 6), integer(1, 6)
    other = k + (integer(1, 2) if chance(wrong) else 0)
    return numbers(batch + [m, k]), numbers(batch + [other, n])


def mm():
    a, b = matrices([])
    case("mm", [a, b], lambda: a @ b, True)


def bmm():
    a, b = matrices([integer(2, 4)])
    if chance(0.15):
        b = np.concatenate([b, b])
    case("bmm", [a, b], lambda: a @ b, True)


def dot():
    n = integer(0, 9)
    a, b = numbers([n]), numbers([n + (2 if chance(0.2) else 0)])
    case("dot", [a, b], lambda: np.dot(a, b), True)


# ---- picking and joining -------------------------------------------------------------

def ordered(a, axis, descending):
    """Values and positions; equal ones in their order, NaN as larger than all."""
    key = -a if descending else a
    places = np.argsort(key, axis, kind="stable")
    return np.take_along_axis(a, places, axis), places + 1


def sort():
    descending = chance(0.5)
    a = numbers(shape(1)) if descending else values(shape(1))
    dim, axis = some_dim(a.ndim)
    case("sort", [a, dim, descending], lambda: ordered(a, axis, descending))


def topk():
    a = numbers(shape(1, 3, 0))
    d, largest = integer(0, a.ndim - 1), chance(0.5)
    k = integer(0, a.shape[d] + (1 if chance(0.2) else 0))
    case("topk", [a, k, d + 1, largest],
         lambda: [taken(r, d, np.arange(k)) for r in ordered(a, d, largest)])


def gather():
    a = numbers(shape(1, 3, 0))
    d = integer(0, a.ndim - 1)
    size = list(a.shape)
    size[d] = integer(1, 5)
    index = R.randint(0, a.shape[d] + (1 if chance(0.15) else 0), size)
    case("gather", [a, d + 1, index + 1.0], lambda: np.take_along_axis(a, index, d))


def index_select():
    a = numbers(shape(1, 3, 0))
    dim, axis = some_dim(a.ndim)
    most = a.shape[axis] if -a.ndim <= axis < a.ndim else 2
    index = R.randint(0, most + (1 if chance(0.15) else 0), integer(1, 5))
    case("index_select", [a, dim, index + 1.0], lambda: taken(a, axis, index))


def cat():
    size, count = shape(1, 3), integer(1, 4)
    dim, axis = some_dim(len(size))
    parts = []
    for _ in range(count):
        s = list(size)
        if -len(s) <= axis < len(s):
            s[axis] = integer(0, 3)
        if chance(0.08):
            s[integer(0, len(s) - 1)] += 1
        if chance(0.04):
            s.append(1)
        parts.append(numbers(s))
    case("cat", [parts, dim], lambda: np.concatenate(parts, axis))


def stack():
    size = shape(0, 3)
    dim, axis = some_dim(len(size) + 1)
    parts = [numbers(size) for _ in range(integer(1, 4))]
    if len(parts) > 1 and chance(0.15):
        parts[-1] = numbers(size + [2])
    case("stack", [parts, dim], lambda: np.stack(parts, axis))


# ---- making and comparing ------------------------------------------------------------

def arange():
    first, step = integer(-5, 5), pick(1, 2, 0.5, -1, -0.25)
    last = first + step * integer(0, 6)
    case("arange", [first, last, step], lambda: np.arange(first, last + step / 2, step))


def made():
    size = shape(1, 3)
    case("zeros", size, lambda: np.zeros(size))
    case("full", [0.5] + size, lambda: np.full(size, 0.5))
    case("eye", [size[0]], lambda: np.eye(size[0]))


def copy_():
    size = shape()
    a, b = numbers(size), values(partner(size))

    def f():
        out = a.copy()
        np.copyto(out, b)
        return out

    case("copy_", [a, b], f)


def allclose():
    size = shape()
    a, b = values(size), numbers(partner(size))
    if chance(0.6):
        b = a + rounded(R.standard_normal(a.shape) * pick(0, 1e-7, 0.01))
        b = rounded(b)
    rtol, atol = pick(1e-3, 0.1), pick(0, 0.05)
    case("allclose", [a, b, rtol, atol], lambda: np.allclose(a, b, rtol, atol))


# ---- all of them ---------------------------------------------------------------------

def main():
    for name in UNARY:
        for _ in range(8):
            unary(name)
    for name in BINARY:
        for _ in range(14):
            binary(name)
    for name in ["add", "sub", "mul", "div", "pow"]:
        for _ in range(4):
            operator(name)
    for name in REDUCTIONS:
        for _ in range(12):
            reduction(name)
    plan = [(16, clamp), (14, where), (10, permute), (10, transpose), (4, matrix_transpose),
            (14, narrow), (14, select), (16, reshape), (8, squeeze), (8, unsqueeze),
            (12, expand), (8, split), (6, copies), (14, mm), (12, bmm), (8, dot), (16, sort),
            (12, topk), (12, gather), (12, index_select), (18, cat), (12, stack),
            (8, arange), (3, made), (10, copy_), (14, allclose)]
    for times, make in plan:
        for _ in range(times):
            make()
    store.save()


if __name__ == "__main__":
    main()
