"""Elementwise ops: functions of one tensor, of two, comparisons, logic, bits."""

import torch
import torch.nn.functional as F

from table import INF, NAN, b, bf, d, f, h, i, iv, op, special, v

I32, U8, I8 = torch.int32, torch.uint8, torch.int8


def unary(name, run=None, lo=-2, hi=2, whole=True, extremes=True):
    """`whole`: integers and bool are accepted too."""
    calls = [
        f(2, 3, lo=lo, hi=hi),
        f(lo=lo, hi=hi),
        f(0, 3),
        f(4, 1, 5, lo=lo, hi=hi),
        d(7, lo=lo, hi=hi),
        h(6, lo=lo, hi=hi),
        bf(5, lo=lo, hi=hi),
    ]
    if extremes:
        calls.append(special())
    if whole:
        first, last = max(int(lo), -5), 6 if hi > 1 else 2
        calls += [
            i(6, lo=first, hi=last),
            i(2, 3, lo=first, hi=last, dtype=I32),
            i(4, lo=max(first, 0), hi=last, dtype=U8),
            b(5),
        ]
    op(name, run or getattr(torch, name), *calls)


for each in (
    "exp",
    "expm1",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "erf",
    "square",
    "erfc",
    "exp2",
    "tan",
    "sinh",
    "cosh",
    "atan",
    "asinh",
    "sinc",
    "deg2rad",
    "rad2deg",
):
    unary(each)
for each in ("log", "log2", "log10", "sqrt", "rsqrt", "reciprocal"):
    unary(each, lo=0.25, hi=4)
unary("log1p", lo=-0.5, hi=4)
unary("acosh", lo=1.25, hi=4)
unary("lgamma", lo=0.25, hi=4)
unary("digamma", lo=0.5, hi=4)
unary("i0", whole=False, extremes=False)
for each in ("asin", "acos", "atanh", "erfinv"):
    unary(each, lo=-0.75, hi=0.75)
unary("logit", lambda x, eps=None: torch.logit(x, eps), lo=0.125, hi=0.875, whole=False)
for each in (
    "floor",
    "ceil",
    "round",
    "trunc",
    "sign",
    "isnan",
    "isinf",
    "isfinite",
    "logical_not",
    "isposinf",
    "isneginf",
    "sgn",
):
    unary(each, lo=-4, hi=4)
for each in ("fix", "absolute", "arcsin", "arccos", "arctan", "arcsinh", "arctanh", "negative"):
    unary(each, lo=-0.75, hi=0.75, whole=False)
unary("arccosh", lo=1.25, hi=4)
unary("signbit", lo=-4, hi=4)
unary("frac", whole=False, lo=-4, hi=4)
unary("abs")
unary("positive", whole=False)
op(
    "neg",
    torch.neg,
    f(2, 3),
    f(),
    f(0, 3),
    d(4),
    h(3),
    bf(3),
    special(),
    i(6),
    i(3, dtype=I32),
    i(4, lo=0, hi=9, dtype=U8),
)
op(
    "bitwise_not",
    torch.bitwise_not,
    i(2, 3),
    i(4, dtype=I32),
    i(4, lo=0, hi=9, dtype=U8),
    b(5),
    i(0, 2),
)

# ---- activations of one tensor
unary("relu", whole=False)
op("relu6", F.relu6, f(2, 3, lo=-4, hi=8), f(lo=-4, hi=8), d(5, lo=-4, hi=8), special(), f(0, 2))
for each, run in {
    "silu": F.silu,
    "mish": F.mish,
    "selu": F.selu,
    "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
    "softsign": F.softsign,
    "tanhshrink": F.tanhshrink,
    "logsigmoid": F.logsigmoid,
    "log_sigmoid": F.logsigmoid,
}.items():
    op(
        each,
        run,
        f(2, 3, lo=-4, hi=4),
        f(lo=-4, hi=4),
        f(0, 3),
        f(3, 1, 4, lo=-8, hi=8),
        # the derivative of PyTorch's hardsigmoid has a 1/6 of f32 precision
        f(7, lo=-4, hi=4, dtype=torch.float64, leaf=each != "hardsigmoid"),
        bf(5, lo=-4, hi=4),
        v(0.0, 20.0, -20.0, NAN, leaf=False),
    )
op(
    "gelu",
    lambda x, kind: F.gelu(x, approximate=["none", "tanh"][kind]),
    *[
        (x, kind)
        for kind in (0, 1)
        for x in (
            f(2, 3),
            f(),
            f(0, 3),
            f(3, 1, 4, lo=-8, hi=8),
            d(7),
            v(0.0, 20.0, -20.0, leaf=False),
        )
    ]
)
op(
    "leaky_relu",
    F.leaky_relu,
    (f(2, 3), 0.01),
    (f(2, 3), 0.5),
    (d(4), 0.125),
    (special(), 0.01),
    (f(0, 2), 0.01),
    (f(), 0.25),
)
op(
    "elu",
    F.elu,
    (f(2, 3), 1.0),
    (f(2, 3), 0.5),
    (d(4), 2.0),
    (v(-30.0, 0.0, 3.0, leaf=False), 1.0),
    (f(), 1.5),
)
op(
    "celu",
    F.celu,
    (f(2, 3), 1.0),
    (f(2, 3), 0.5),
    (d(4), 2.0),
    (v(-30.0, 0.0, 3.0, leaf=False), 1.0),
    (f(), 1.5),
)
op(
    "softplus",
    F.softplus,
    (f(2, 3), 1, 20),
    (f(2, 3), 2.0, 3.0),
    (d(4), 0.5, 20),
    (v(-30.0, 0.0, 30.0, leaf=False), 1, 20),
    (f(), 1, 20),
)
op(
    "hardtanh",
    F.hardtanh,
    (f(2, 3), -1.0, 1.0),
    (f(2, 3), -0.5, 1.5),
    (d(4), 0.0, 1.0),
    (special(), -1.0, 1.0),
    (f(), -1.0, 1.0),
    (f(0, 2), -1.0, 1.0),
)
op(
    "threshold",
    F.threshold,
    (f(2, 3), 0.5, -1.0),
    (f(4), 0.0, 0.0),
    (d(4), -0.5, 2.0),
    (i(6), 1, 9),
)
op(
    "softshrink",
    F.softshrink,
    (f(2, 3), 0.5),
    (f(4), 0.0),
    (d(4), 1.0),
    (v(0.5, -0.5, 2.0, leaf=False), 0.5),
)
op(
    "hardshrink",
    F.hardshrink,
    (f(2, 3), 0.5),
    (f(4), 0.0),
    (d(4), 1.0),
    (v(0.5, -0.5, 2.0, leaf=False), 0.5),
)
op("glu", F.glu, (f(2, 4), -1), (f(4, 3), 0), (d(2, 6, 2), 1), (f(0, 2), 1), (f(6), 0))
op("prelu", F.prelu, (f(2, 3), f(1)), (f(2, 3), f(3)), (d(2, 3, 4), d(3)), (f(4), f(1)))

# ---- two operands
PAIRS = [
    (f(2, 3), f(2, 3)),
    (f(2, 3), f(3)),
    (f(4, 1), f(1, 5)),
    (f(0, 3), f(3)),
    (f(), f(2)),
    (d(5), d(5)),
    (f(4), d(4)),
    (h(4), h(4)),
    (bf(4), f(4)),
    (f(2, 3), 1.5),
    (f(3), 2),
]
WHOLE = [
    (i(4), i(4)),
    (i(4), f(4)),
    (i(4, dtype=I32), i(4)),
    (i(4, dtype=I8), i(4, lo=0, dtype=U8)),
    (i(4), 2),
    (i(4), 1.5),
    (b(4), i(4)),
]


def binary(name, run=None, calls=None, more=()):
    op(name, run or getattr(torch, name), *(PAIRS + WHOLE if calls is None else calls), *more)


def with_alpha(name):
    run = getattr(torch, name)
    calls = [(*pair, 1) for pair in PAIRS + WHOLE] + [
        (f(2, 3), f(2, 3), 2),
        (f(2, 3), f(3), 0.5),
        (i(4), i(4), -3),
        (d(4), d(1), 1.25),
    ]
    op(name, lambda x, y, alpha: run(x, y, alpha=alpha), *calls)


with_alpha("add")
with_alpha("sub")
binary("mul", more=[(b(4), b(4)), (special(), special())])
binary("div", more=[(i(4), i(4, lo=1)), (v(1.0, -1.0, 0.0, leaf=False), 0.0)])
op(
    "rsub",
    lambda x, y, alpha: torch.rsub(x, y, alpha=alpha),
    (f(2, 3), f(3), 1),
    (f(4), 2.0, 1),
    (i(4), i(4), 2),
    (d(3), d(3), 1.5),
)
for each in ("maximum", "minimum", "fmax", "fmin"):
    calls = [pair for pair in PAIRS + WHOLE if not isinstance(pair[1], (int, float))]
    binary(each, calls=calls, more=[(v(NAN, 1.0, INF, leaf=False), v(1.0, NAN, -INF, leaf=False))])
for each in ("eq", "ne", "lt", "le", "gt", "ge"):
    binary(each, more=[(b(4), b(4)), (special(), special()), (special(), 0.0)])
for each in ("logical_and", "logical_or", "logical_xor"):
    calls = [pair for pair in PAIRS + WHOLE if not isinstance(pair[1], (int, float))]
    binary(each, calls=calls, more=[(b(4), b(4)), (special(), special())])
for each in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    binary(
        each,
        calls=[
            (i(2, 3), i(3)),
            (i(4, dtype=I32), i(4, dtype=I32)),
            (b(5), b(5)),
            (i(4, lo=0, dtype=U8), i(4)),
            (i(4), 3),
            (i(0), i(1)),
            (b(4), i(4)),
        ],
    )
for each in ("bitwise_left_shift", "bitwise_right_shift"):
    binary(
        each,
        calls=[
            (i(2, 3), i(3, lo=0)),
            (i(4, dtype=I32), i(4, lo=0, dtype=I32)),
            (i(4, lo=0, hi=90, dtype=U8), i(4, lo=0, hi=8, dtype=U8)),
            (i(4), 2),
            (i(0), i(1, lo=0)),
        ],
    )
op(
    "pow",
    torch.pow,
    (f(2, 3, lo=0.25), f(2, 3)),
    (f(2, 3), 2),
    (f(2, 3), 3.0),
    (f(4, lo=0.25), -0.5),
    (f(4), 0),
    (d(4, lo=0.25), d(1)),
    (i(4, lo=0), i(4, lo=0, hi=4)),
    (i(4), 2),
    (i(4, lo=1), 0.5),
    (v(0.0, 0.0, 1.0, -2.0, INF, leaf=False), v(0.0, 2.0, NAN, 3.0, -1.0, leaf=False)),
    (i(4, lo=0), f(4)),
    (2.0, f(3)),
    (f(4, lo=0.25), 0.5),
)
APART = [
    (f(2, 3, lo=-8, hi=8), f(2, 3, lo=1, hi=3)),
    (f(4, 1, lo=-8, hi=8), f(1, 5, lo=1, hi=3)),
    (d(5, lo=-8, hi=8), d(5, lo=1, hi=3)),
    (f(3, lo=-8, hi=8), 2.0),
    (f(3, lo=-8, hi=8), -3),
    (i(8), i(8, lo=1, hi=4)),
    (i(8), -3),
    (i(8, dtype=I32), 2),
    (i(8), f(8, lo=1, hi=3)),
    (v(-7.0, 7.0, -1.0, 5.5, INF, NAN, leaf=False), v(3.0, -3.0, INF, 0.0, 2.0, 1.0, leaf=False)),
    (f(0, 3), f(3)),
]
for each in ("remainder", "fmod", "floor_divide"):
    binary(each, calls=APART)
binary("true_divide", calls=[(f(2, 3), f(3, lo=1)), (i(4), i(4, lo=1)), (f(4), 2), (i(4), 2.0)])
SMOOTH = [
    (f(2, 3, lo=0.5, hi=2), f(2, 3, lo=0.5, hi=2)),
    (f(4, 1, lo=0.5, hi=2), f(1, 5, lo=0.5, hi=2)),
    (d(5, lo=0.5, hi=2), d(5, lo=0.5, hi=2)),
    (f(lo=0.5, hi=2), f(3, lo=0.5, hi=2)),
    (f(0, 3), f(3)),
    (f(4), f(4)),
]
for each in ("atan2", "arctan2", "hypot", "logaddexp", "logaddexp2", "copysign", "ldexp"):
    binary(each, calls=SMOOTH)
for each, run in {"xlogy": torch.xlogy, "xlog1py": torch.special.xlog1py}.items():
    binary(
        each,
        run,
        calls=SMOOTH[:-1] + [(v(0.0, 0.0, 1.0, leaf=False), v(0.0, NAN, 0.0, leaf=False))],
    )
op("heaviside", torch.heaviside, (f(2, 3), f(3)), (special(), f(1)), (i(6), i(1)), (d(3), d(3)))
op(
    "nextafter",
    torch.nextafter,
    (f(2, 3), f(3)),
    (d(3), d(3)),
    (v(0.0, 1.0), v(1.0, 1.0)),
    (f(4), f(4)),
)
op(
    "gcd",
    torch.gcd,
    (i(8, lo=-30, hi=31), i(8, lo=-30, hi=31)),
    (i(4, lo=0), iv(0, 6, 0, 9)),
    (i(4, dtype=I32), i(4, dtype=I32)),
    (i(2, 1), i(1, 3)),
)
op(
    "lcm",
    torch.lcm,
    (i(8, lo=-30, hi=31), i(8, lo=-30, hi=31)),
    (i(4, lo=0), iv(0, 6, 0, 9)),
    (i(4, dtype=I32), i(4, dtype=I32)),
    (i(2, 1), i(1, 3)),
)
op(
    "isclose",
    lambda x, y, rtol=1e-5, atol=1e-8, equal_nan=False: torch.isclose(
        x, y, rtol=rtol, atol=atol, equal_nan=equal_nan
    ),
    (f(2, 3), f(2, 3), 0.5, 0.25, False),
    (special(), special(), 1e-5, 1e-8, False),
    (special(), special(), 1e-5, 1e-8, True),
    (i(4), i(4), 0.0, 1.0, False),
    (d(3), d(1), 1e-5, 1.0, False),
)

# ---- three operands and parameters
for each in ("addcmul", "addcdiv"):

    def run(x, y, z, value, function=getattr(torch, each)):
        return function(x, y, z, value=value)

    op(
        each,
        run,
        (f(2, 3), f(2, 3), f(2, 3, lo=1), 1),
        (f(2, 3), f(3), f(2, 1, lo=1), 0.5),
        (d(4), d(4), d(4, lo=1), -2),
        (f(), f(2), f(2, lo=1), 1.5),
        (f(0, 2), f(2), f(1, lo=1), 1),
    )
op(
    "lerp",
    torch.lerp,
    (f(2, 3), f(2, 3), 0.25),
    (f(2, 3), f(2, 3), f(3, lo=0, hi=1)),
    (d(4), d(4), 0.75),
    (f(4), f(4), 1.0),
    (f(2, 1), f(3), 0.5),
    (f(2, 3), f(3), f(2, 1, lo=0, hi=1)),
)
op(
    "clamp",
    torch.clamp,
    (f(2, 3), -0.5, 0.5),
    (f(2, 3), None, 0.25),
    (f(2, 3), 0.25, None),
    (i(6), -2, 2),
    (d(4), -1, 1),
    (special(), -1.0, 1.0),
    (f(3), 1.0, -1.0),
    (i(4, dtype=I32), 0, None),
    (f(0, 2), 0.0, 1.0),
    (i(4), 0.5, None),
)
op(
    "clip",
    torch.clip,
    (f(2, 3), -0.5, 0.5),
    (f(2, 3), None, 0.25),
    (i(6), -2, 2),
    (special(), -1.0, 1.0),
)
op("clamp_min", torch.clamp_min, (f(2, 3), 0.25), (i(6), 0), (special(), 0.0), (d(4), -1.0))
op("clamp_max", torch.clamp_max, (f(2, 3), 0.25), (i(6), 0), (special(), 0.0), (d(4), -1.0))
op(
    "nan_to_num",
    torch.nan_to_num,
    (special(), None, None, None),
    (special(), 2.0, 9.0, -9.0),
    (f(2, 3), None, None, None),
    (i(4), 1.0, None, None),
    (v(NAN, INF, 1.0), 0.5, 4.0, None),
    (d(3), 0.0, None, None),
)
op(
    "where",
    torch.where,
    (b(2, 3), f(2, 3), f(2, 3)),
    (b(3), f(2, 3), f(2, 1)),
    (b(4), i(4), i(4)),
    (b(4), f(4), i(4)),
    (b(2, 1), d(3), d(2, 3)),
    (b(), f(2), f(2)),
    (b(4), f(4), 0.0),
    (b(4), 1, f(4)),
    (b(0, 2), f(2), f(2)),
)
