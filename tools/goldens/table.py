"""The table of calls: what an op is in PyTorch, and the arguments it is called with."""

import torch

import formula

NAMES = {
    torch.bool: "bool",
    torch.uint8: "uint8",
    torch.int8: "int8",
    torch.int16: "int16",
    torch.int32: "int32",
    torch.int64: "int64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float32: "float32",
    torch.float64: "float64",
}


class Spec:
    """A tensor operand: values by formula from (seed, lo, hi), or a few explicit ones."""

    def __init__(self, shape, dtype, lo=0, hi=0, values=None, leaf=True):
        self.shape, self.dtype, self.lo, self.hi, self.values = list(shape), dtype, lo, hi, values
        self.leaf = leaf and dtype.is_floating_point  # whether gradients are asked for
        self.seed = None

    def numel(self):
        count = 1
        for size in self.shape:
            count *= size
        return count

    def tensor(self):
        if self.values is not None:
            data = torch.tensor(
                self.values, dtype=torch.float64 if self.dtype.is_floating_point else torch.int64
            )
        elif self.dtype.is_floating_point:
            data = torch.tensor(
                [formula.real(self.seed, i, self.lo, self.hi) for i in range(self.numel())],
                dtype=torch.float64,
            )
        else:
            data = torch.tensor(
                [formula.integer(self.seed, i, self.lo, self.hi) for i in range(self.numel())],
                dtype=torch.int64,
            )
        return data.reshape(self.shape).to(self.dtype).requires_grad_(self.leaf)

    def json(self):
        entry = {"dtype": NAMES[self.dtype], "shape": self.shape}
        if self.values is None:
            entry.update(seed=self.seed, lo=self.lo, hi=self.hi)
        else:  # JSON has no nan and inf
            entry["values"] = [v if abs(v) < 1e300 else str(float(v)) for v in self.values]
        return entry


def f(*shape, lo=-2, hi=2, dtype=torch.float32, leaf=True):
    return Spec(shape, dtype, lo, hi, leaf=leaf)


def d(*shape, lo=-2, hi=2):
    return Spec(shape, torch.float64, lo, hi)


def h(*shape, lo=-2, hi=2):
    return Spec(shape, torch.float16, lo, hi)


def bf(*shape, lo=-2, hi=2):
    return Spec(shape, torch.bfloat16, lo, hi)


def i(*shape, lo=-5, hi=6, dtype=torch.int64):
    return Spec(shape, dtype, lo, hi)


def b(*shape):
    return Spec(shape, torch.bool, 0, 2)


def v(*values, shape=None, dtype=torch.float32, leaf=True):
    values = [int(value) if isinstance(value, bool) else value for value in values]
    return Spec([len(values)] if shape is None else shape, dtype, values=values, leaf=leaf)


def iv(*values, shape=None, dtype=torch.int64):
    return v(*values, shape=shape, dtype=dtype)


NAN, INF = float("nan"), float("inf")


def special(leaf=False):
    """NaN, infinities, zeros of both signs, halves."""
    return v(NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, leaf=leaf)


class Op:
    def __init__(self, name, run, calls):
        self.name, self.run = name, run
        self.calls = [call if isinstance(call, tuple) else (call,) for call in calls]
        for number, call in enumerate(self.calls):
            for place, spec in enumerate(specs_of(call)):
                spec.seed = formula.seed_of(f"{name}/{number}/{place}")


OPS = {}


def op(name, run, *calls):
    """`run` takes the arguments in the order of Tenon's schema and calls PyTorch."""
    assert name not in OPS, name
    OPS[name] = Op(name, run, calls)


def specs_of(call):
    for argument in call:
        if isinstance(argument, Spec):
            yield argument
        elif isinstance(argument, (list, tuple)):
            yield from (one for one in argument if isinstance(one, Spec))


def argument_json(argument):
    if isinstance(argument, Spec):
        return argument.json()
    if isinstance(argument, (list, tuple)):
        return [argument_json(one) for one in argument]
    if isinstance(argument, torch.dtype):
        return {"dtype": NAMES[argument]}
    if isinstance(argument, float) and not abs(argument) < 1e300:
        return {"number": str(argument)}
    return argument


def tensors_in(values):
    """The tensors of an argument list or a result, in order."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from tensors_in(value)


def build(argument):
    if isinstance(argument, Spec):
        return argument.tensor()
    if isinstance(argument, (list, tuple)):
        return [build(one) for one in argument]
    return argument


def results_of(entry, call):
    """(outputs, gradients by position among the tensors of the arguments; {} if not differentiable).
    The gradients are those of the sum of out * weights over all outputs that have one."""
    arguments = [build(argument) for argument in call]
    outputs = list(tensors_in([entry.run(*arguments)]))
    followed = [(k, out) for k, out in enumerate(outputs) if out.requires_grad]
    leaves = [(k, t) for k, t in enumerate(tensors_in(arguments)) if t.requires_grad]
    gradients = {}
    if followed and leaves:
        weights = [Spec(out.shape, out.dtype, -1, 1) for _, out in followed]
        for weight, (k, _) in zip(weights, followed):
            weight.seed, weight.leaf = formula.seed_of(f"weight/{k}"), False
        try:
            grads = torch.autograd.grad(
                [out for _, out in followed],
                [leaf for _, leaf in leaves],
                [weight.tensor() for weight in weights],
                allow_unused=True,
            )
        except RuntimeError as error:  # floor_divide, heaviside
            if "is not implemented" not in str(error):
                raise
            grads = [None] * len(leaves)
        gradients = {k: grad for (k, _), grad in zip(leaves, grads) if grad is not None}
    return [out.detach() for out in outputs], gradients
