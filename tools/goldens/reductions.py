"""Reductions, and losses."""

import torch
import torch.nn.functional as F

from table import INF, NAN, b, bf, d, f, i, iv, op, special, v

I32, U8, I64, F64 = torch.int32, torch.uint8, torch.int64, torch.float64


def reduction(name, run, whole=True, extremes=True, small=True, lo=-2, hi=2):
    """Calls with (self, dims, keepdim); no dims mean all. `small`: of uint8 too."""
    calls = [
        (f(2, 3, lo=lo, hi=hi), [], False),
        (f(2, 3, lo=lo, hi=hi), [1], False),
        (f(2, 3, 4, lo=lo, hi=hi), [0, 2], True),
        (f(lo=lo, hi=hi), [], False),
        (f(2, 3, lo=lo, hi=hi), [-2], True),
        (d(5, lo=lo, hi=hi), [0], False),
        (bf(6, lo=lo, hi=hi), [], False),
    ]
    if whole:
        calls += [(i(2, 3), [1], False), (i(6, dtype=I32), [], False), (b(2, 3), [0], False)]
    if whole and small:
        calls.append((i(5, lo=0, hi=9, dtype=U8), [], True))
    if extremes:
        calls += [
            (special(), [], False),
            (v(NAN, 1.0, 2.0, 3.0, shape=[2, 2], leaf=False), [1], False),
        ]
    op(name, lambda x, dims, keepdim: run(x, dims, keepdim), *calls)


def over(function):
    return lambda x, dims, keepdim: function(
        x, dim=tuple(dims) if dims else tuple(range(x.dim())), keepdim=keepdim
    )


def one_by_one(function):
    """For functions of one dim: the last first."""

    def run(x, dims, keepdim):
        for dim in sorted(
            (dim % max(x.dim(), 1) for dim in dims) if dims else range(x.dim()), reverse=True
        ):
            x = function(x, dim=dim, keepdim=keepdim)
        return x

    return run


reduction("sum", over(torch.sum))
reduction(
    "prod",
    lambda x, dims, keepdim: (
        torch.prod(x) if not dims and not keepdim else one_by_one(torch.prod)(x, dims, keepdim)
    ),
    lo=0.5,
)
reduction("mean", over(torch.mean), whole=False)
reduction("amax", over(torch.amax))
reduction("amin", over(torch.amin))
for name in ("all", "any"):

    def run(x, dims, keepdim, function=getattr(torch, name)):
        return function(x) if x.dim() == 0 else one_by_one(function)(x, dims, keepdim)

    # uint8, of which they make uint8, is in the rows of tests/ops
    reduction(name, run, extremes=False, small=False)
reduction("nansum", over(torch.nansum))
reduction("nanmean", over(torch.nanmean), whole=False)
reduction("logsumexp", over(torch.logsumexp), whole=False)

for name in ("argmax", "argmin"):

    def run(x, dim, keepdim, function=getattr(torch, name)):
        return function(x, dim=dim, keepdim=keepdim)

    op(
        name,
        run,
        (f(2, 3), None, False),
        (f(2, 3), 1, False),
        (f(2, 3), 0, True),
        (i(6), 0, False),
        (f(), None, False),
        (v(1.0, NAN, 3.0), 0, False),
        (d(5), -1, True),
        (iv(1, 1, 0, 0), None, False),
    )
for name in ("max", "min", "median", "nanmedian", "mode"):

    def run(x, dim=None, keepdim=False, function=getattr(torch, name)):
        return function(x) if dim is None else function(x, dim, keepdim)

    op(
        name,
        run,
        (f(5), 0, False),
        (f(2, 5), 1, True),
        (f(3, 2), -2, False),
        (d(4), 0, False),
        (i(5, lo=-90, hi=91), 0, False),
        (v(1.0, NAN, 3.0, leaf=False), 0, False),
        (f(), 0, False),
        *([f(2, 3)] if "median" in name else []),
    )
op(
    "aminmax",
    lambda x, dim=None, keepdim=False: torch.aminmax(x, dim=dim, keepdim=keepdim),
    (f(2, 3), None, False),
    (f(2, 3), 1, True),
    (i(6), 0, False),
    (d(3), None, False),
)
for name in ("var", "std"):

    def run(x, dims, correction, keepdim, function=getattr(torch, name)):
        return function(x, dim=tuple(dims) or None, correction=correction, keepdim=keepdim)

    op(
        name,
        run,
        (f(2, 3), [], 1, False),
        (f(2, 3), [1], 0, True),
        (f(2, 3, 4), [0, 2], 1, False),
        (d(5), [0], 2, False),
        (f(4, 3), [-2], 1, True),
    )
for name in ("var_mean", "std_mean"):

    def run(x, dims, correction, keepdim, function=getattr(torch, name)):
        return function(x, dim=tuple(dims) or None, correction=correction, keepdim=keepdim)

    op(
        name,
        run,
        (f(2, 3), [], 1, False),
        (f(2, 3), [1], 0, True),
        (f(2, 3, 4), [0, 2], 1, False),
        (d(5), [0], 2, False),
    )
op(
    "norm",
    lambda x, p, dims, keepdim: torch.norm(
        x, p, dim=tuple(dims) if dims else tuple(range(x.dim())), keepdim=keepdim
    ),
    (f(2, 3), 2, [], False),
    (f(2, 3), 1, [1], True),
    (f(2, 3), INF, [0], False),
    (d(5), 3, [0], False),
    (f(2, 3), 0, [1], False),
    (f(4), -INF, [0], False),
)
op(
    "linalg_vector_norm",
    lambda x, p, dims, keepdim: torch.linalg.vector_norm(
        x, p, dim=tuple(dims) if dims else None, keepdim=keepdim
    ),
    (f(2, 3), 2, [], False),
    (f(2, 3), 1, [1], True),
    (f(2, 3), INF, [0], False),
    (d(5), 3, [0], False),
    (f(2, 3), 0, [1], False),
    (f(4), -INF, [0], False),
)
op(
    "linalg_matrix_norm",
    lambda x, p, dims, keepdim: torch.linalg.matrix_norm(
        x, "fro" if p is None else p, dim=tuple(dims), keepdim=keepdim
    ),
    (f(2, 3), None, [-2, -1], False),
    (f(2, 3), 1, [-2, -1], True),
    (f(2, 3, 4), INF, [0, 2], False),
    (d(2, 2), -1, [0, 1], False),
)
op(
    "quantile",
    lambda x, q, dim=None, keepdim=False, mode="linear": torch.quantile(
        x, q, dim=dim, keepdim=keepdim, interpolation=mode
    ),
    (f(5), 0.5, 0, False, "linear"),
    (f(2, 5), 0.25, 1, True, "linear"),
    (f(2, 3), 0.75, None, False, "linear"),
    (d(6), 0.1, 0, False, "linear"),
)
op(
    "sum_to_size",
    lambda x, sizes: x.sum_to_size(sizes),
    (f(2, 3), [3]),
    (f(2, 3), [2, 1]),
    (f(2, 3), []),
    (i(4), [1]),
    (d(2, 1, 3), [1, 3]),
    (f(3), [3]),
)
op("dist", torch.dist, (f(2, 3), f(2, 3), 2), (f(3), f(3), 1), (d(4), d(1), 3), (f(3), f(3), INF))
op(
    "renorm",
    torch.renorm,
    (f(2, 3), 2, 0, 1.0),
    (f(2, 3), 1, 1, 0.5),
    (d(3, 2), 2, 0, 9.0),
    (f(2, 2, 2), 3, 1, 1.0),
)
op(
    "normalize",
    lambda x, p, dim, eps: F.normalize(x, p, dim, eps),
    (f(2, 3), 2.0, 1, 1e-12),
    (f(2, 3), 1.0, 0, 1e-12),
    (d(4), 2.0, 0, 1e-12),
    (f(2, 3, 2), 3.0, -1, 0.5),
)
op(
    "cosine_similarity",
    F.cosine_similarity,
    (f(2, 3), f(2, 3), 1, 1e-8),
    (f(2, 3), f(1, 3), 0, 1e-8),
    (d(4), d(4), 0, 1e-8),
    (f(2, 3, 2), f(2, 3, 2), -1, 1e-8),
)
op(
    "pairwise_distance",
    F.pairwise_distance,
    (f(2, 3), f(2, 3), 2.0, 1e-6, False),
    (f(2, 3), f(2, 3), 1.0, 1e-6, True),
    (d(4), d(4), 3.0, 1e-6, False),
    (f(2, 3), f(1, 3), 2.0, 0.5, False),
)
op(
    "cdist",
    torch.cdist,
    (f(2, 3), f(4, 3), 2.0),
    (f(2, 3), f(1, 3), 1.0),
    (d(2, 2, 2), d(2, 3, 2), 2.0),
    (f(2, 3), f(2, 3), 3.0),
)

# ---- losses
KINDS = ["none", "mean", "sum"]  # 0, 1, 2 in Tenon
op(
    "softmax",
    lambda x, dim: torch.softmax(x, dim),
    (f(2, 3), 1),
    (f(2, 3), 0),
    (f(2, 3, 4), -2),
    (d(5), 0),
    (f(), 0),
    (v(1000.0, 0.0, -1000.0, leaf=False), 0),
    (f(0, 3), 1),
    (bf(4), 0),
    (v(NAN, 1.0, leaf=False), 0),
)
op(
    "log_softmax",
    lambda x, dim: torch.log_softmax(x, dim),
    (f(2, 3), 1),
    (f(2, 3), 0),
    (f(2, 3, 4), -2),
    (d(5), 0),
    (f(), 0),
    (v(1000.0, 0.0, -1000.0, leaf=False), 0),
    (f(0, 3), 1),
    (bf(4), 0),
)
op(
    "softmin",
    lambda x, dim: F.softmin(x, dim),
    (f(2, 3), 1),
    (f(2, 3), 0),
    (d(5), 0),
    (f(2, 3, 4), -2),
)
op(
    "softmax_grad",
    lambda grad, y, dim: torch.ops.aten._softmax_backward_data(grad, y, dim, y.dtype),
    (f(2, 3, leaf=False), f(2, 3, lo=0, hi=1, leaf=False), 1),
    (f(2, 3, leaf=False), f(2, 3, lo=0, hi=1, leaf=False), 0),
    (f(5, dtype=F64, leaf=False), f(5, dtype=F64, lo=0, hi=1, leaf=False), 0),
    (f(2, 2, 3, leaf=False), f(2, 2, 3, lo=0, hi=1, leaf=False), -2),
)
op(
    "log_softmax_grad",
    lambda grad, y, dim: torch.ops.aten._log_softmax_backward_data(grad, y, dim, y.dtype),
    (f(2, 3, leaf=False), f(2, 3, hi=0, leaf=False), 1),
    (f(2, 3, leaf=False), f(2, 3, hi=0, leaf=False), 0),
    (f(5, dtype=F64, leaf=False), f(5, dtype=F64, hi=0, leaf=False), 0),
    (f(2, 2, 3, leaf=False), f(2, 2, 3, hi=0, leaf=False), -2),
)


def classes(*shape, count=4):
    return i(*shape, lo=0, hi=count)


op(
    "nll_loss",
    lambda x, target, weight, ignored, kind: F.nll_loss(
        x, target, weight, ignore_index=ignored, reduction=KINDS[kind]
    ),
    *[(f(5, 4, hi=0), classes(5), None, -100, kind) for kind in (0, 1, 2)],
    *[(f(5, 4, hi=0), classes(5), f(4, lo=0.5, leaf=False), 1, kind) for kind in (0, 1, 2)],
    (f(2, 4, 3, hi=0), classes(2, 3), None, -100, 1),
    (f(4, hi=0), iv(2, shape=[]), None, -100, 1),
    (d(3, 4, hi=0), classes(3), None, 2, 1),
    (f(2, 4, 2, 3, hi=0), classes(2, 2, 3), f(4, lo=0.5, leaf=False), -100, 0),
)


op(
    "cross_entropy",
    lambda x, target, weight, ignored, kind, smoothing: F.cross_entropy(
        x, target, weight, ignore_index=ignored, reduction=KINDS[kind], label_smoothing=smoothing
    ),
    *[(f(5, 4), classes(5), None, -100, kind, 0.0) for kind in (0, 1, 2)],
    *[(f(5, 4), classes(5), f(4, lo=0.5, leaf=False), 1, kind, 0.125) for kind in (0, 1, 2)],
    (f(2, 4, 3), classes(2, 3), None, -100, 1, 0.0),
    (f(4), iv(2, shape=[]), None, -100, 1, 0.25),
    (d(3, 4), classes(3), None, 2, 1, 0.0),
    (f(3, 4), f(3, 4, lo=0, hi=1, leaf=False), None, -100, 1, 0.0),
    (f(3, 4), f(3, 4, lo=0, hi=1, leaf=False), f(4, lo=0.5, leaf=False), -100, 2, 0.125),
)
PLAIN = [(f(2, 3), f(2, 3)), (f(4), f(4)), (d(2, 2), d(2, 2)), (f(), f())]


def loss(name, run, *rest, calls=PLAIN):
    op(name, run, *[(*pair, *rest, kind) for pair in calls for kind in (0, 1, 2)])


loss("mse_loss", lambda x, y, kind: F.mse_loss(x, y, reduction=KINDS[kind]))
loss("l1_loss", lambda x, y, kind: F.l1_loss(x, y, reduction=KINDS[kind]))
op(
    "smooth_l1_loss",
    lambda x, y, kind, beta: F.smooth_l1_loss(x, y, reduction=KINDS[kind], beta=beta),
    *[
        (*pair, kind, beta)
        for pair in PLAIN
        for kind, beta in ((0, 1.0), (1, 0.5), (2, 2.0), (1, 0.0))
    ],
)
op(
    "huber_loss",
    lambda x, y, kind, delta: F.huber_loss(x, y, reduction=KINDS[kind], delta=delta),
    *[(*pair, kind, delta) for pair in PLAIN for kind, delta in ((0, 1.0), (1, 0.5), (2, 2.0))],
)
ODDS = [
    (f(2, 3, lo=0.125, hi=0.875), f(2, 3, lo=0, hi=1, leaf=False)),
    (d(4, lo=0.125, hi=0.875), f(4, lo=0, hi=1, dtype=F64, leaf=False)),
    (v(0.0, 1.0, 0.5, leaf=False), v(0.0, 1.0, 1.0, leaf=False)),
]
op(
    "binary_cross_entropy",
    lambda x, y, weight, kind: F.binary_cross_entropy(x, y, weight, reduction=KINDS[kind]),
    *[(*pair, None, kind) for pair in ODDS for kind in (0, 1, 2)],
    (f(2, 3, lo=0.125, hi=0.875), f(2, 3, lo=0, hi=1, leaf=False), f(3, lo=0, leaf=False), 1),
)
SCORES = [
    (f(2, 3), f(2, 3, lo=0, hi=1, leaf=False)),
    (d(4), f(4, lo=0, hi=1, dtype=F64, leaf=False)),
    (v(-100.0, 100.0, 0.0, leaf=False), v(0.0, 1.0, 1.0, leaf=False)),
]
op(
    "binary_cross_entropy_with_logits",
    lambda x, y, weight, kind, pos_weight: F.binary_cross_entropy_with_logits(
        x, y, weight, pos_weight=pos_weight, reduction=KINDS[kind]
    ),
    *[(*pair, None, kind, None) for pair in SCORES for kind in (0, 1, 2)],
    (
        f(2, 3),
        f(2, 3, lo=0, hi=1, leaf=False),
        f(3, lo=0, leaf=False),
        1,
        f(3, lo=1, hi=3, leaf=False),
    ),
    (f(2, 3), f(2, 3, lo=0, hi=1, leaf=False), None, 0, f(3, lo=1, hi=3, leaf=False)),
)
op(
    "kl_div",
    lambda x, y, kind, log_target: F.kl_div(
        x, y, reduction=(KINDS + ["batchmean"])[kind], log_target=log_target
    ),
    *[(f(2, 3, hi=0), f(2, 3, lo=0, hi=1), kind, False) for kind in (0, 1, 2, 3)],
    *[(d(3, 2, hi=0), d(3, 2, hi=0), kind, True) for kind in (0, 1, 2, 3)],
    (f(2, hi=0), v(0.0, 1.0, leaf=False), 0, False),
)
op(
    "poisson_nll_loss",
    lambda x, y, log_input, full, eps, kind: F.poisson_nll_loss(
        x, y, log_input=log_input, full=full, eps=eps, reduction=KINDS[kind]
    ),
    *[
        (f(2, 3), f(2, 3, lo=0, hi=4, leaf=False), log_input, full, 1e-8, kind)
        for log_input, full, kind in ((True, False, 0), (True, True, 1), (True, False, 2))
    ],
    (f(2, 3, lo=0.5), f(2, 3, lo=0, hi=4, leaf=False), False, False, 1e-8, 1),
    (d(3, lo=0.5), f(3, lo=0, hi=4, dtype=F64, leaf=False), False, True, 1e-8, 1),
)
op(
    "gaussian_nll_loss",
    lambda x, y, var, full, eps, kind: F.gaussian_nll_loss(
        x, y, var, full=full, eps=eps, reduction=KINDS[kind]
    ),
    *[(f(2, 3), f(2, 3), f(2, 3, lo=0.5), False, 1e-6, kind) for kind in (0, 1, 2)],
    (d(3), d(3), d(3, lo=0.5), True, 1e-6, 1),
    (f(2, 3), f(2, 3), f(2, 1, lo=0.5), False, 1e-6, 1),
)
SIGNS = [
    (f(4), v(1.0, -1.0, 1.0, -1.0, leaf=False)),
    (d(2, 2), v(1.0, -1.0, -1.0, 1.0, shape=[2, 2], dtype=F64, leaf=False)),
]
op(
    "hinge_embedding_loss",
    lambda x, y, margin, kind: F.hinge_embedding_loss(x, y, margin=margin, reduction=KINDS[kind]),
    *[(*pair, margin, kind) for pair in SIGNS for margin, kind in ((1.0, 0), (0.5, 1), (1.0, 2))],
)
op(
    "soft_margin_loss",
    lambda x, y, kind: F.soft_margin_loss(x, y, reduction=KINDS[kind]),
    *[(*pair, kind) for pair in SIGNS for kind in (0, 1, 2)],
)
op(
    "margin_ranking_loss",
    lambda x, y, target, margin, kind: F.margin_ranking_loss(
        x, y, target, margin=margin, reduction=KINDS[kind]
    ),
    *[
        (f(4), f(4), v(1.0, -1.0, 1.0, -1.0, leaf=False), margin, kind)
        for margin, kind in ((0.0, 0), (0.5, 1), (1.0, 2))
    ],
    (d(2), d(2), v(1.0, -1.0, dtype=F64, leaf=False), 0.25, 1),
)
op(
    "cosine_embedding_loss",
    lambda x, y, target, margin, kind: F.cosine_embedding_loss(
        x, y, target, margin=margin, reduction=KINDS[kind]
    ),
    *[
        (f(3, 4), f(3, 4), v(1.0, -1.0, 1.0, leaf=False), margin, kind)
        for margin, kind in ((0.0, 0), (0.5, 1), (0.25, 2))
    ],
    (d(2, 3), d(2, 3), v(1.0, -1.0, dtype=F64, leaf=False), 0.0, 1),
)
op(
    "triplet_margin_loss",
    lambda a, p, n, margin, power, eps, swap, kind: F.triplet_margin_loss(
        a, p, n, margin=margin, p=power, eps=eps, swap=swap, reduction=KINDS[kind]
    ),
    *[
        (f(3, 4), f(3, 4), f(3, 4), margin, 2.0, 1e-6, swap, kind)
        for margin, swap, kind in ((1.0, False, 0), (0.5, False, 1), (1.0, True, 2))
    ],
    (d(2, 3), d(2, 3), d(2, 3), 1.0, 1.0, 1e-6, False, 1),
)
op(
    "multi_margin_loss",
    lambda x, target, p, margin, weight, kind: F.multi_margin_loss(
        x, target, p=p, margin=margin, weight=weight, reduction=KINDS[kind]
    ),
    (f(3, 4), classes(3), 1, 1.0, None, 0),
    (f(3, 4), classes(3), 2, 1.0, None, 1),
    (f(3, 4), classes(3), 1, 0.5, f(4, lo=0.5, leaf=False), 2),
    (d(2, 4), classes(2), 1, 1.0, None, 1),
)
op(
    "multilabel_soft_margin_loss",
    lambda x, y, weight, kind: F.multilabel_soft_margin_loss(
        x, y, weight=weight, reduction=KINDS[kind]
    ),
    *[(f(3, 4), f(3, 4, lo=0, hi=1, leaf=False), None, kind) for kind in (0, 1)],
    (f(3, 4), f(3, 4, lo=0, hi=1, leaf=False), f(4, lo=0.5, leaf=False), 2),
    (d(2, 3), f(2, 3, lo=0, hi=1, dtype=F64, leaf=False), None, 1),
)
op(
    "ctc_loss",
    lambda x, targets, inputs, lengths, blank, kind, zero: F.ctc_loss(
        x, targets, inputs, lengths, blank=blank, reduction=KINDS[kind], zero_infinity=zero
    ),
    *[
        (f(6, 2, 4, hi=0), iv(1, 2, 3, 1, 1, 2, shape=[2, 3]), iv(6, 5), iv(3, 2), 0, kind, False)
        for kind in (0, 1, 2)
    ],
    (f(6, 1, 4, hi=0, dtype=F64), iv(0, 1, shape=[1, 2]), iv(6), iv(2), 3, 1, False),
)
