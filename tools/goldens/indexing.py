"""Indexing, order, running totals."""

import torch
import torch.nn.functional as F

from table import NAN, b, d, f, i, iv, op, special, v

I32, F32, F64 = torch.int32, torch.float32, torch.float64

# ---- indexing
ROWS = iv(0, 2, 1, 1, shape=[2, 2])
op(
    "gather",
    torch.gather,
    (f(3, 2), 0, ROWS),
    (f(2, 3), 1, iv(2, 0, 1, 0, shape=[2, 2])),
    (i(4), 0, iv(3, 3, 0)),
    (d(2, 3), -1, iv(0, 1, shape=[2, 1])),
    (f(3), 0, iv(shape=[0])),
)
op(
    "take_along_dim",
    torch.take_along_dim,
    (f(3, 2), iv(0, 2, 1, 1, shape=[2, 2]), 0),
    (f(2, 3), iv(2, 0, 1, 0, shape=[2, 2]), 1),
    (f(2, 2), iv(3, 0, 1), None),
    (i(4), iv(3, 3, 0), 0),
)
op(
    "take",
    torch.take,
    (f(3, 2), iv(0, 5, 3)),
    (f(4), iv(-1, 2, shape=[2, 1])),
    (i(3), iv(0, 0)),
    (d(2, 2), iv(shape=[0])),
)
TARGETS = [
    (f(3, 2), 0, iv(0, 2, 1, 0, shape=[2, 2]), f(2, 2)),
    (f(2, 3), 1, iv(2, 0, 1, 0, shape=[2, 2]), f(2, 2)),
    (i(4), 0, iv(3, 0), i(2)),
    (d(3), 0, iv(2), d(1)),
    (f(3), 0, iv(shape=[0]), f(0)),
]
op("scatter_add", torch.scatter_add, *TARGETS)
HOW = [None, "add", "multiply"]
op(
    "scatter",
    lambda x, dim, index, source, how: torch.scatter(
        x, dim, index, source, **({"reduce": HOW[how]} if how else {})
    ),
    (f(3, 2), 0, iv(0, 2, 1, 0, shape=[2, 2]), f(2, 2), 0),
    (f(2, 3), 1, iv(2, 0, 1, 0, shape=[2, 2]), f(2, 2), 0),
    (i(4), 0, iv(3, 0), i(2), 0),
    (d(3), 0, iv(2), d(1), 0),
    (f(3), 0, iv(2, 1), 1.5, 0),
    (f(3, leaf=False), 0, iv(2, 2), f(2, leaf=False), 1),
    (f(3, leaf=False), 0, iv(2, 2), f(2, leaf=False), 2),
)
FOLDS = [None, "sum", "prod", "mean", "amax", "amin"]
op(
    "scatter_reduce",
    lambda x, dim, index, source, fold, include_self: torch.scatter_reduce(
        x, dim, index, source, FOLDS[fold], include_self=include_self
    ),
    *[
        (f(3, lo=0.5), 0, iv(0, 1, 0, 1, 2, 1), f(6, lo=0.5), fold, own)
        for fold in (1, 2, 3, 4, 5)
        for own in (True, False)
    ],
    (f(3, 2), 1, iv(0, 1, 1, 0, shape=[2, 2]), f(2, 2), 1, True)
)
op(
    "put",
    torch.Tensor.put,
    (f(3, 2), iv(0, 5), f(2), False),
    (f(4), iv(-1, 2), f(2), True),
    (i(3), iv(0, 2), i(2), False),
    (d(2, 2), iv(1, 1), d(2), True),
)
op(
    "index_select",
    torch.index_select,
    (f(3, 2), 0, iv(2, 0, 2)),
    (f(2, 3), 1, iv(1)),
    (i(4), -1, iv(3, 3)),
    (d(2, 2), 0, iv(shape=[0])),
    (f(3, 2), 0, iv(1, 0, dtype=I32)),
)
op(
    "index_add",
    lambda x, dim, index, source, alpha=1: torch.index_add(x, dim, index, source, alpha=alpha),
    (f(3, 2), 0, iv(0, 2, 0), f(3, 2), 1),
    (f(2, 3), 1, iv(1, 0), f(2, 2), 2),
    (i(4), 0, iv(3, 3), i(2), 1),
    (d(3), 0, iv(1), d(1), -0.5),
)
op(
    "index_copy",
    torch.index_copy,
    (f(3, 2), 0, iv(0, 2), f(2, 2)),
    (f(2, 3), 1, iv(1, 0), f(2, 2)),
    (i(4), 0, iv(3, 1), i(2)),
    (d(3), 0, iv(1), d(1)),
)
op(
    "index_fill",
    torch.index_fill,
    (f(3, 2), 0, iv(0, 2), 1.5),
    (f(2, 3), 1, iv(1), -1),
    (i(4), 0, iv(3, 1), 7),
    (d(3), 0, iv(1), f(leaf=False, dtype=F64)),
)
op(
    "index_put",
    lambda x, indices, values, accumulate=False: torch.index_put(x, indices, values, accumulate),
    (f(3, 2), [iv(0, 2)], f(2, 2), False),
    (f(3, 2), [iv(0, 2), iv(1, 0)], f(2), False),
    (f(3), [iv(1, 1, 0)], f(3), True),
    (i(4), [iv(3, 0)], i(1), False),
)
op(
    "index",
    lambda x, indices: x[tuple(indices)],
    (f(3, 2), [iv(0, 2)]),
    (f(3, 2), [iv(0, 2), iv(1, 0)]),
    (i(4), [iv(3, -1)]),
    (d(2, 3), [iv(1, 0, shape=[2, 1]), iv(0, 2)]),
)
op(
    "masked_fill",
    torch.masked_fill,
    (f(2, 3), b(2, 3), 1.5),
    (f(2, 3), b(3), -9),
    (i(4), b(4), 7),
    (d(2, 2), b(2, 1), f(leaf=False, dtype=F64)),
    (f(0, 2), b(2), 0.0),
)
op(
    "masked_select",
    torch.masked_select,
    (f(2, 3), b(2, 3)),
    (f(2, 3), b(3)),
    (i(4), b(4)),
    (d(2, 1), b(2, 2)),
    (f(0, 2), b(2)),
)
op(
    "masked_scatter",
    torch.masked_scatter,
    (f(2, 3), b(2, 3), f(6)),
    (f(4), b(4), f(2, 2)),
    (i(4), b(4), i(4)),
    (d(2, 2), b(2), d(4)),
)
op("nonzero", torch.nonzero, i(2, 3, lo=0, hi=2), b(6), f(4), i(), v(0.0, NAN, 1.0), i(0, 2))
op("argwhere", torch.argwhere, i(2, 3, lo=0, hi=2), b(6), f(4), v(0.0, NAN, 1.0))
op(
    "count_nonzero",
    lambda x, dims=None: torch.count_nonzero(x, dims or None),
    (i(2, 3, lo=0, hi=2), []),
    (b(6), []),
    (f(2, 3), [1]),
    (i(2, 3, 2, lo=0, hi=2), [0, 2]),
    (special(), []),
)
op(
    "one_hot",
    F.one_hot,
    (iv(0, 2, 1), 3),
    (iv(0, 2, 1, 0, shape=[2, 2]), 4),
    (iv(0, 2), -1),
    (iv(1, shape=[]), 2),
    (iv(shape=[0]), 3),
)
op(
    "searchsorted",
    lambda edges, x, small, right, order=None: torch.searchsorted(
        edges, x, out_int32=small, right=right, sorter=order
    ),
    (v(1, 3, 5, 7, leaf=False), f(4, lo=0, hi=8), False, False),
    (v(1, 3, 5, 7, leaf=False), v(3, 5, 8, leaf=False), False, True),
    (iv(1, 3, 5, 1, 2, 3, shape=[2, 3]), iv(3, 2, 0, 9, shape=[2, 2]), False, False),
    (iv(1, 3, 3, 5), iv(3, 0), True, False),
    (iv(5, 1, 3), iv(3, 0), False, False, iv(1, 2, 0)),
)
op(
    "bucketize",
    lambda x, edges, small, right: torch.bucketize(x, edges, out_int32=small, right=right),
    (f(4, lo=0, hi=8), v(1, 3, 5, 7, leaf=False), False, False),
    (v(3, 5, 8, leaf=False), v(1, 3, 5, 7, leaf=False), False, True),
    (iv(3, 0), iv(1, 3, 3, 5), True, False),
    (i(2, 2, lo=0, hi=8), iv(1, 3, 5), False, False),
)
op(
    "bincount",
    lambda x, weights=None, minlength=0: torch.bincount(x, weights, minlength),
    (iv(0, 1, 1, 3), None, 0),
    (iv(0, 1, 1, 3), None, 6),
    (iv(0, 2, 2), f(3, leaf=False), 0),
    (iv(shape=[0]), None, 2),
)
op("histc", torch.histc, (f(20), 4, -2, 2), (f(20), 5, 0, 0), (f(8), 3, 0, 1), (d(8), 2, -1, 1))
op(
    "isin",
    lambda x, y: torch.isin(x, y),
    (i(6), i(3)),
    (i(2, 3), iv(0, 1)),
    (f(3), v(1.0, 2.0, leaf=False)),
    (i(0), i(2)),
)

# ---- order; values are distinct, or the order is stable
op(
    "sort",
    lambda x, dim, descending, stable: torch.sort(x, dim=dim, descending=descending, stable=stable),
    (f(5), -1, False, False),
    (f(3, 4), 0, False, False),
    (f(3, 4), 1, True, True),
    (i(8), -1, False, True),
    (i(8), -1, True, True),
    (special(), 0, False, True),
    (special(), 0, True, True),
    (f(), 0, False, False),
    (f(0, 2), 0, False, False),
    (d(6), 0, True, False),
)
op(
    "argsort",
    lambda x, dim, descending, stable: torch.argsort(
        x, dim=dim, descending=descending, stable=stable
    ),
    (f(5), -1, False, False),
    (f(3, 4), 0, False, False),
    (f(3, 4), 1, True, True),
    (i(8), -1, False, True),
    (i(8), -1, True, True),
    (special(), 0, False, True),
)
op("msort", torch.msort, f(5), f(3, 2), i(6), d(2, 2))
op(
    "topk",
    torch.topk,
    (f(6), 3, -1, True, True),
    (f(3, 5), 2, 1, True, True),
    (f(5, 3), 2, 0, False, True),
    (f(4), 4, 0, True, True),
    (d(6), 1, -1, False, True),
    (f(3), 0, 0, True, True),
)
op(
    "kthvalue",
    torch.kthvalue,
    (f(6), 3, -1, False),
    (f(3, 5), 2, 1, True),
    (f(5, 3), 5, 0, False),
    (d(6), 1, -1, False),
)
for name in ("cumsum", "cumprod"):
    op(
        name,
        lambda x, dim, dtype=None, function=getattr(torch, name): function(x, dim, dtype=dtype),
        (f(5), 0, None),
        (f(3, 4), 0, None),
        (f(3, 4), -1, None),
        (i(5), 0, None),
        (b(4), 0, None),
        (f(), 0, None),
        (f(0, 2), 0, None),
        (d(2, 3), 1, None),
        (i(4), 0, F32),
        (f(4, 2), 0, F64),
    )
for name in ("cummax", "cummin"):
    op(
        name,
        getattr(torch, name),
        (f(5), 0),
        (f(3, 4), 0),
        (f(3, 4), -1),
        (i(6), 0),
        (d(2, 3), 1),
        (v(1.0, NAN, 2.0), 0),
    )
op("logcumsumexp", torch.logcumsumexp, (f(5), 0), (f(3, 4), 0), (f(3, 4), -1), (d(2, 3), 1))
op(
    "unique",
    lambda x, in_order, inverse, counts, dim=None: torch.unique(
        x, sorted=in_order, return_inverse=inverse, return_counts=counts, dim=dim
    ),
    (i(8), True, True, True),
    (iv(3, 1, 3, 2), True, False, False),
    (v(2.0, 1.0, 2.0, leaf=False), True, True, False),
    (i(2, 4), True, True, True),
)
op(
    "unique_consecutive",
    lambda x, inverse, counts, dim=None: torch.unique_consecutive(
        x, return_inverse=inverse, return_counts=counts, dim=dim
    ),
    (iv(1, 1, 2, 2, 2, 1), True, True),
    (v(2.0, 2.0, 1.0, leaf=False), True, False),
    (iv(shape=[0]), True, True),
    (iv(1, 1, 2, 2, shape=[2, 2]), False, True),
)
op("diff", torch.diff, (f(5), 1, -1), (f(3, 4), 1, 0), (f(6), 2, -1), (i(4), 1, -1))
