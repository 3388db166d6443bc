"""Creation, copies, views."""

import torch

from table import b, bf, d, f, h, i, op

I32, U8, I64, F32, F64, BOOL = (
    torch.int32,
    torch.uint8,
    torch.int64,
    torch.float32,
    torch.float64,
    torch.bool,
)

# ---- creation; the last argument is the dtype
for name in ("zeros", "ones"):

    def run(sizes, dtype=None, function=getattr(torch, name)):
        return function(sizes, dtype=dtype)

    op(
        name,
        run,
        ([2, 3], None),
        ([], None),
        ([0, 2], F32),
        ([4], I64),
        ([3], F64),
        ([2, 1, 2], BOOL),
        ([3], U8),
    )
op(
    "full",
    lambda sizes, value, dtype=None: torch.full(sizes, value, dtype=dtype),
    ([2, 3], 1.5, None),
    ([], 2.5, None),
    ([0, 2], 1.0, None),
    ([4], 7, I64),
    ([3], 2.9, I32),
    ([2], 3, F64),
    ([2], True, BOOL),
)
for name in ("zeros_like", "ones_like"):

    def run(x, dtype=None, function=getattr(torch, name)):
        return function(x, dtype=dtype)

    op(
        name,
        run,
        (f(2, 3), None),
        (i(4), None),
        (f(), F64),
        (b(2), None),
        (f(0, 2), None),
        (d(3), I32),
    )
op(
    "full_like",
    lambda x, value, dtype=None: torch.full_like(x, value, dtype=dtype),
    (f(2, 3), 2, None),
    (i(4), 3, None),
    (f(), 1.5, F64),
    (b(2), True, None),
    (f(0, 2), 1.0, None),
    (d(3), 2.9, I32),
)
op(
    "arange",
    lambda start, end, step, dtype=None: torch.arange(start, end, step, dtype=dtype),
    (0, 5, 1, None),
    (1, 10, 3, None),
    (0.0, 1.0, 0.25, None),
    (5, 0, -2, None),
    (0, 0, 1, None),
    (0, 5, 2, F64),
    (1, 4, 1, I32),
)
op(
    "linspace",
    lambda start, end, steps, dtype=None: torch.linspace(start, end, steps, dtype=dtype),
    (0, 1, 5, None),
    (-2.0, 2.0, 9, None),
    (1, 1, 3, None),
    (0, 10, 1, None),
    (3, -3, 4, F64),
    (0, 1, 0, None),
)
op(
    "logspace",
    lambda start, end, steps, base=10.0, dtype=None: torch.logspace(
        start, end, steps, base, dtype=dtype
    ),
    (0, 1, 5, 10.0, None),
    (-2.0, 2.0, 5, 2.0, None),
    (1, 1, 3, 10.0, None),
    (0, 3, 1, 10.0, None),
    (0, 2, 3, 10.0, F64),
)
op(
    "eye",
    lambda n, m, dtype=None: torch.eye(n, m, dtype=dtype),
    (3, 3, None),
    (2, 4, None),
    (4, 2, I64),
    (0, 3, None),
    (2, 2, F64),
)
op(
    "scalar_tensor",
    lambda value, dtype=None: torch.scalar_tensor(value, dtype=dtype),
    (1.5, F32),
    (3, I64),
    (True, BOOL),
    (2.25, F64),
)
op(
    "tril_indices",
    lambda rows, columns, offset, dtype: torch.tril_indices(rows, columns, offset, dtype=dtype),
    (3, 3, 0, I64),
    (2, 4, 1, I64),
    (4, 2, -1, I64),
    (0, 3, 0, I64),
)
op(
    "triu_indices",
    lambda rows, columns, offset, dtype: torch.triu_indices(rows, columns, offset, dtype=dtype),
    (3, 3, 0, I64),
    (2, 4, 1, I64),
    (4, 2, -1, I64),
    (0, 3, 0, I64),
)

# ---- copies
for name in ("clone", "contiguous", "detach"):
    run = {
        "clone": torch.clone,
        "contiguous": lambda x: x.contiguous(),
        "detach": lambda x: x.detach(),
    }[name]
    op(name, run, f(2, 3), i(4), b(2, 2), f(), d(0, 3), bf(3))
op(
    "to",
    lambda x, dtype: x.to(dtype),
    (f(2, 3), F64),
    (f(6, lo=-4, hi=4), I64),
    (i(4), F32),
    (i(6), BOOL),
    (d(3), F32),
    (f(5), torch.bfloat16),
    (f(5), torch.float16),
    (b(3), F32),
    (i(3, lo=0), U8),
    (f(3), None),
    (h(3), F32),
)
op(
    "copy_",
    lambda x, y: x.clone().copy_(y),
    (f(2, 3), f(2, 3)),
    (f(2, 3), f(3)),
    (f(3), i(3)),
    (i(3), f(3, leaf=False)),
    (d(2), f(2)),
    (f(0, 2), f(2)),
    (b(3), f(3, leaf=False)),
)
op(
    "fill_",
    lambda x, y: x.clone().fill_(y),
    (f(2, 3), 1.5),
    (i(3), 2),
    (f(2), f()),
    (b(2), True),
    (f(), -1),
)
op("zero_", lambda x: x.clone().zero_(), f(2, 3), i(3), b(2), f(), d(0, 2))

# ---- views
op(
    "as_strided",
    torch.as_strided,
    (f(3, 4), [2, 2], [4, 1], 1),
    (f(6), [2, 3], [1, 2], 0),
    (f(5), [3, 3], [1, 1], 0),
    (d(4), [], [], 2),
    (i(6), [2], [3], 1),
)
for name in ("view", "reshape"):

    def run(x, sizes, view=name == "view"):
        return x.view(sizes) if view else torch.reshape(x, sizes)

    op(
        name,
        run,
        (f(2, 3), [3, 2]),
        (f(4, 3), [-1]),
        (f(2, 6), [2, -1, 3]),
        (i(4), [2, 2]),
        (f(), [1, 1]),
        (f(0, 3), [3, 0]),
        (d(4), [4, 1]),
    )
op(
    "flatten",
    torch.flatten,
    (f(2, 3, 4), 0, -1),
    (f(2, 3, 4), 1, 2),
    (f(2, 3, 4), 0, 1),
    (f(), 0, -1),
    (i(2, 2), 0, -1),
)
op(
    "unflatten",
    lambda x, dim, sizes: x.unflatten(dim, sizes),
    (f(6), 0, [2, 3]),
    (f(2, 6), 1, [3, -1]),
    (i(4, 2), -2, [2, 2]),
    (d(0, 4), 1, [2, 2]),
)
op("t", torch.t, f(2, 3), f(4), f(), i(3, 1), d(0, 2))
for name in ("transpose", "swapaxes", "swapdims"):
    op(
        name,
        getattr(torch, name),
        (f(2, 3), 0, 1),
        (f(2, 3, 4), -1, 0),
        (i(2, 3), 1, 0),
        (f(), 0, 0),
        (d(3, 2, 0), 1, 2),
    )
op(
    "permute",
    torch.permute,
    (f(2, 3, 4), [2, 0, 1]),
    (f(2, 3), [1, 0]),
    (i(4), [0]),
    (f(), []),
    (d(2, 1, 3, 2), [-1, 0, -2, 1]),
)
for name in ("movedim", "moveaxis"):
    op(
        name,
        getattr(torch, name),
        (f(2, 3, 4), [0], [2]),
        (f(2, 3, 4), [0, 1], [-1, 0]),
        (i(2, 3), [1], [0]),
        (d(2, 1, 3, 2), [3, 0], [0, 2]),
    )
op(
    "select",
    torch.select,
    (f(2, 3), 0, 1),
    (f(2, 3), 1, -1),
    (f(2, 3, 4), -2, 2),
    (i(4), 0, 0),
    (d(2, 2), 0, 1),
)


def sliced(x, dim, start, stop, step=1):
    index = [slice(None)] * x.dim()
    index[dim] = slice(start, stop, step)
    return x[tuple(index)]


op(
    "slice",
    sliced,
    (f(5), 0, 1, 4, 1),
    (f(3, 6), 1, 0, 6, 2),
    (f(3, 6), -1, -4, -1, 1),
    (f(4), 0, 3, 99, 1),
    (i(4), 0, 2, 1, 1),
    (d(5, 2), 0, 0, 5, 3),
)
op(
    "narrow",
    torch.narrow,
    (f(5), 0, 1, 3),
    (f(3, 6), 1, 2, 4),
    (f(3, 6), -1, 0, 0),
    (i(4), 0, 3, 1),
    (d(5, 2), 0, -2, 2),
)
op(
    "squeeze",
    lambda x, dim=None: torch.squeeze(x) if dim is None else torch.squeeze(x, dim),
    (f(1, 3, 1), None),
    (f(1, 3, 1), 0),
    (f(1, 3, 1), 1),
    (f(1, 3, 1), -1),
    (f(), None),
    (i(1, 1), None),
)
op("unsqueeze", torch.unsqueeze, (f(3), 0), (f(2, 3), -1), (f(2, 3), 1), (f(), 0), (i(4), -2))
op(
    "expand",
    lambda x, sizes: x.expand(sizes),
    (f(1, 3), [2, 3]),
    (f(3), [4, 3]),
    (f(2, 1), [-1, 5]),
    (f(), [2, 2]),
    (i(1), [0]),
)
op(
    "expand_as",
    lambda x, y: x.expand_as(y),
    (f(1, 3), f(2, 3, leaf=False)),
    (f(3), i(4, 3)),
    (f(), f(2, 2, leaf=False)),
    (i(1), f(0, leaf=False)),
)
op(
    "view_as",
    lambda x, y: x.view_as(y),
    (f(6), f(2, 3, leaf=False)),
    (f(3), i(3, 1)),
    (f(), f(1, leaf=False)),
    (i(4), f(2, 2, leaf=False)),
)
op(
    "reshape_as",
    lambda x, y: x.reshape_as(y),
    (f(6), f(2, 3, leaf=False)),
    (f(3), i(3, 1)),
    (f(), f(1, leaf=False)),
    (i(4), f(2, 2, leaf=False)),
)
op(
    "broadcast_to",
    torch.broadcast_to,
    (f(1, 3), [2, 3]),
    (f(3), [4, 3]),
    (f(), [2, 2]),
    (i(2, 1), [2, 3]),
)
op("unbind", torch.unbind, (f(2, 3), 0), (f(2, 3), 1), (i(3), 0), (d(2, 0), 0), (f(2, 1, 2), -1))
op(
    "diagonal",
    torch.diagonal,
    (f(3, 3), 0, 0, 1),
    (f(3, 4), 1, 0, 1),
    (f(3, 4), -1, 0, 1),
    (f(2, 3, 4), 0, 1, 2),
    (i(2, 3, 2), 0, -1, 0),
)
op(
    "unfold",
    lambda x, dim, size, step: x.unfold(dim, size, step),
    (f(7), 0, 3, 2),
    (f(2, 6), 1, 2, 1),
    (i(5), 0, 5, 1),
    (d(4, 3), 0, 2, 2),
)
op("mT", lambda x: x.mT, f(2, 3), f(2, 3, 4), i(3, 1), d(2, 2))
op("adjoint", torch.adjoint, f(2, 3), f(2, 3, 4), i(3, 1), d(2, 2))
op("atleast_1d", torch.atleast_1d, f(), f(3), f(2, 3), i())
op("atleast_2d", torch.atleast_2d, f(), f(3), f(2, 3), i())
op("atleast_3d", torch.atleast_3d, f(), f(3), f(2, 3), i(2, 2, 2))
op("ravel", torch.ravel, f(2, 3), f(), i(4, 1), d(0, 2))
