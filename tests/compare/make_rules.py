"""make_rules.py: what PyTorch's optimizers make of our update rules, for
tests/test_compare_rules.lua.

    /usr/bin/python3 tests/compare/make_rules.py

It needs what make_layers.py needs, and writes rules.txt, rules_given.npy and
rules_expected.npy beside itself. A small net learns a minibatch, the same one in
every iteration. PyTorch computes in float64.

The lines of a case in rules.txt (arrays: see store.py):

    case adam 12
    solver type=adam base_lr=0.01    the options
    net h = linear (x) outputs=5     after the lines of input and label
    input x 8,4
    label t 8,3
    param h.weight 5,4               a parameter before
    after 10 h.weight 5,4            a parameter after that many iterations

Where PyTorch means the same by other words:

    sgd, nesterov   torch.optim.SGD: the rate is outside of V there, which makes no
                    difference while it stays the same
    adam            eps is added to the corrected root there: delta / sqrt(1 - beta2^t) of
                    iteration t is the same
    rmsprop         alpha = rms_decay;  adadelta: rho = momentum;  elsewhere eps = delta
    lbfgs           one iteration a step; the regulariser is part of the closure's loss;
                    its bound of 25 looks leaves out the first, so max_evaluations is 26
    L1, L1L2        are no options there: the regulariser is part of the loss
lars has no counterpart in PyTorch, and gd is sgd without momentum.
"""
import math
import sys

import numpy as np
import torch

sys.dont_write_bytecode = True
from store import Store, rounded  # noqa: E402

R = np.random.RandomState(1999)

store = Store("rules", ["Made by tests/compare/make_rules.py with PyTorch %s."
                        % torch.__version__])

LOOK = (1, 2, 5, 10)  # after these iterations the parameters are compared


def normal(*size):
    return rounded(R.standard_normal(size))


def pick(*choices):
    return choices[R.randint(len(choices))]


# ---- the net -------------------------------------------------------------------------

def make_net():
    """Two layers; weights that are not near 0, where L1 would have a kink."""
    inputs, hidden, outputs, n = R.randint(2, 6), R.randint(2, 7), R.randint(1, 4), 8
    arrays = {"x": normal(n, inputs), "t": normal(n, outputs)}
    params = {"h.weight": normal(hidden, inputs), "h.bias": normal(hidden),
              "y.weight": normal(outputs, hidden), "y.bias": normal(outputs)}
    for array in params.values():
        array += np.where(array < 0, -0.25, 0.25)
    return arrays, {name: rounded(0.5 * array) for name, array in params.items()}


def loss_of(arrays, p):
    x, t = torch.tensor(arrays["x"]), torch.tensor(arrays["t"])
    h = torch.tanh(x @ p["h.weight"].T + p["h.bias"])
    y = h @ p["y.weight"].T + p["y.bias"]
    return ((y - t) ** 2).sum() / (2 * len(x))


def penalty(kind, decay, mult, p):
    """lambda r(W), with a decay_mult for weights and biases."""
    total = 0
    for name, w in p.items():
        strength = decay * mult[name.endswith("bias")]
        if kind in ("L2", "L1L2"):
            total = total + strength / 2 * (w ** 2).sum()
        if kind in ("L1", "L1L2"):
            total = total + strength * w.abs().sum()
    return total


# ---- a case --------------------------------------------------------------------------

def case(kind, make, options, decays=("L2", "L1", "L1L2"), multipliers=True,
         decay_in_loss=True):
    """make(groups) returns the optimizer, groups being PyTorch's parameter groups without
    a rate; and perhaps what is done to it before iteration t."""
    arrays, params = make_net()
    regulariser, decay = pick(*decays), pick(0, 0.125, 0.03125)
    lr_mult, decay_mult = (1, 1), (1, 1)
    if multipliers:
        lr_mult, decay_mult = pick((1, 1), (1, 2), (0.5, 0)), pick((1, 1), (1, 0), (2, 0.5))
    p = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}

    rate = options["base_lr"]
    if multipliers:
        groups = [{"params": [p[name] for name in p if name.endswith("bias") == bool(i)],
                   "lr": rate * lr_mult[i]} for i in range(2)]
        if not decay_in_loss:
            for i in range(2):
                groups[i]["weight_decay"] = decay * decay_mult[i]
    else:
        groups = list(p.values())
    optimizer, prepare = make(groups)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(arrays, p)
        if decay_in_loss:
            loss = loss + penalty(regulariser, decay, decay_mult, p)
        loss.backward()
        return loss

    store.case(kind)
    words = dict({"type": kind}, **options)
    if decay:
        words.update(weight_decay=decay, regularization_type=regulariser)
    store.line("solver", *("%s=%s" % pair for pair in words.items()))
    mult = "lr_mult=%s,%s decay_mult=%s,%s" % (lr_mult + decay_mult)
    store.line("net", "h = linear (x) outputs=%d %s" % (len(params["h.bias"]), mult))
    store.line("net", "a = tanh (h)")
    store.line("net", "y = linear (a) outputs=%d %s" % (len(params["y.bias"]), mult))
    store.line("net", "loss = mse_loss (y, t)")
    store.give("input", "x", array=arrays["x"])
    store.give("label", "t", array=arrays["t"])
    for name, array in params.items():
        store.give("param", name, array=array)
    for t in range(1, max(LOOK) + 1):
        if prepare:
            prepare(optimizer, t)
        optimizer.step(closure)
        if t in LOOK:
            for name, w in p.items():
                store.expect("after", t, name, array=w.detach().numpy().copy())


# ---- the rules -----------------------------------------------------------------------

def sgd(kind):
    o = {"base_lr": pick(0.1, 0.03), "momentum": pick(0.5, 0.9)}
    case(kind, lambda groups: (torch.optim.SGD(
        groups, lr=1, momentum=o["momentum"], nesterov=kind == "nesterov"), None), o)


def adagrad():
    o = {"base_lr": pick(0.1, 0.03), "delta": pick(1e-8, 1e-3)}
    case("adagrad", lambda groups: (torch.optim.Adagrad(groups, eps=o["delta"]), None), o)


def rmsprop():
    o = {"base_lr": pick(0.01, 0.003), "rms_decay": pick(0.99, 0.9), "delta": pick(1e-8, 1e-3)}
    case("rmsprop", lambda groups: (torch.optim.RMSprop(
        groups, alpha=o["rms_decay"], eps=o["delta"]), None), o)


def adadelta():
    o = {"base_lr": pick(1, 3), "momentum": pick(0.95, 0.9), "delta": pick(1e-6, 1e-4)}
    case("adadelta", lambda groups: (torch.optim.Adadelta(
        groups, rho=o["momentum"], eps=o["delta"]), None), o)


def adam():
    o = {"base_lr": pick(0.01, 0.003), "momentum": pick(0.9, 0.5), "momentum2": pick(0.999, 0.9),
         "delta": pick(1e-8, 1e-3)}

    def prepare(optimizer, t):
        for group in optimizer.param_groups:
            group["eps"] = o["delta"] / math.sqrt(1 - o["momentum2"] ** t)

    case("adam", lambda groups: (torch.optim.Adam(
        groups, betas=(o["momentum"], o["momentum2"])), prepare), o)


def adamw():
    o = {"base_lr": pick(0.01, 0.003), "momentum": pick(0.9, 0.5), "momentum2": pick(0.999, 0.9),
         "delta": pick(1e-8, 1e-3)}
    case("adamw", lambda groups: (torch.optim.AdamW(
        groups, betas=(o["momentum"], o["momentum2"]), eps=o["delta"]), None), o,
         decays=("L2",), decay_in_loss=False)


def lbfgs():
    o = {"base_lr": pick(1, 0.5, 20), "history_size": pick(2, 4, 10), "max_evaluations": 26}
    case("lbfgs", lambda groups: (torch.optim.LBFGS(
        groups, lr=o["base_lr"], max_iter=1, history_size=o["history_size"],
        tolerance_grad=0, line_search_fn="strong_wolfe"), None), o,
         decays=("L2",), multipliers=False)


def main():
    plan = [(8, sgd, "sgd"), (8, sgd, "nesterov"), (8, adagrad), (8, rmsprop), (8, adadelta),
            (10, adam), (10, adamw), (16, lbfgs)]
    for times, make, *options in plan:
        for _ in range(times):
            make(*options)
    store.save()


if __name__ == "__main__":
    main()
