"""Products, convolution, pooling, normalisation, attention."""

import torch
import torch.nn.functional as F

from table import bf, d, f, i, iv, op, v

I32, F64 = torch.int32, torch.float64

# ---- products
op(
    "matmul",
    torch.matmul,
    (f(2, 3), f(3, 4)),
    (f(3), f(3)),
    (f(2, 3), f(3)),
    (f(3), f(3, 2)),
    (f(2, 2, 3), f(2, 3, 2)),
    (f(2, 1, 2, 3), f(2, 3, 2)),
    (f(2, 0), f(0, 3)),
    (i(2, 3), i(3, 2)),
    (d(4, 4), d(4, 4)),
    (f(2, 2, 3), f(3)),
    (bf(3, 4), bf(4, 2)),
    (f(17, 33), f(33, 9)),
)
op(
    "mm",
    torch.mm,
    (f(2, 3), f(3, 4)),
    (i(2, 3), i(3, 2)),
    (d(1, 5), d(5, 1)),
    (f(0, 2), f(2, 3)),
    (f(20, 30), f(30, 10)),
)
op(
    "bmm",
    torch.bmm,
    (f(2, 2, 3), f(2, 3, 4)),
    (i(1, 2, 3), i(1, 3, 2)),
    (d(3, 1, 2), d(3, 2, 1)),
    (f(0, 2, 2), f(0, 2, 3)),
)
op("mv", torch.mv, (f(2, 3), f(3)), (i(2, 3), i(3)), (d(4, 1), d(1)), (f(2, 0), f(0)))
op("dot", torch.dot, (f(5), f(5)), (i(4), i(4)), (d(3), d(3)), (f(0), f(0)))
op("vdot", torch.vdot, (f(5), f(5)), (i(4), i(4)), (d(3), d(3)), (f(0), f(0)))
op(
    "inner",
    torch.inner,
    (f(5), f(5)),
    (f(2, 3), f(4, 3)),
    (d(3), d(2, 3)),
    (i(2, 2), i(2, 2)),
    (f(), f(2)),
)
op("outer", torch.outer, (f(3), f(2)), (i(2), i(3)), (d(2), d(2)), (f(0), f(2)))
op("ger", torch.ger, (f(3), f(2)), (i(2), i(3)), (d(2), d(2)), (f(0), f(2)))
op("kron", torch.kron, (f(2, 2), f(1, 3)), (f(2), f(3)), (i(2, 1), i(2, 2)), (d(1, 2), d(2, 1)))
op(
    "linalg_vecdot",
    lambda x, y, dim: torch.linalg.vecdot(x, y, dim=dim),
    (f(2, 3), f(2, 3), -1),
    (f(2, 3), f(3), -1),
    (d(2, 3), d(2, 3), 0),
    (f(4), f(4), 0),
)
for name in ("cross", "linalg_cross"):
    op(
        name,
        lambda x, y, dim: torch.linalg.cross(x, y, dim=dim),
        (f(2, 3), f(2, 3), -1),
        (f(3, 2), f(3, 2), 0),
        (d(3), d(3), -1),
        (i(3), i(3), 0),
    )
op(
    "addmm",
    lambda x, y, z, beta, alpha: torch.addmm(x, y, z, beta=beta, alpha=alpha),
    (f(2, 4), f(2, 3), f(3, 4), 1, 1),
    (f(4), f(2, 3), f(3, 4), 0.5, 2),
    (d(2, 1), d(2, 2), d(2, 3), 1, -1),
    (i(2, 2), i(2, 3), i(3, 2), 2, 3),
    (f(1), f(2, 0), f(0, 2), 1, 1),
)
op(
    "addmv",
    lambda x, y, z, beta, alpha: torch.addmv(x, y, z, beta=beta, alpha=alpha),
    (f(2), f(2, 3), f(3), 1, 1),
    (f(1), f(2, 3), f(3), 0.5, 2),
    (d(2), d(2, 2), d(2), 1, -1),
    (i(2), i(2, 3), i(3), 2, 3),
)
op(
    "addr",
    lambda x, y, z, beta, alpha: torch.addr(x, y, z, beta=beta, alpha=alpha),
    (f(2, 3), f(2), f(3), 1, 1),
    (f(3), f(2), f(3), 0.5, 2),
    (d(2, 2), d(2), d(2), 1, -1),
    (i(2, 3), i(2), i(3), 2, 3),
)
for name in ("baddbmm", "addbmm"):

    def run(x, y, z, beta, alpha, function=getattr(torch, name)):
        return function(x, y, z, beta=beta, alpha=alpha)

    shape = (2, 2, 4) if name == "baddbmm" else (2, 4)
    op(
        name,
        run,
        (f(*shape), f(2, 2, 3), f(2, 3, 4), 1, 1),
        (f(4), f(2, 2, 3), f(2, 3, 4), 0.5, 2),
        (d(*shape), d(2, 2, 2), d(2, 2, 4), 1, -1),
        (i(*shape), i(2, 2, 3), i(2, 3, 4), 2, 3),
    )
op(
    "linear",
    F.linear,
    (f(2, 3), f(4, 3), f(4)),
    (f(2, 3), f(4, 3), None),
    (f(3), f(4, 3), f(4)),
    (f(2, 2, 3), f(4, 3), f(4)),
    (d(2, 3), d(1, 3), d(1)),
    (f(0, 3), f(4, 3), f(4)),
)
op(
    "bilinear",
    F.bilinear,
    (f(2, 3), f(2, 4), f(5, 3, 4), f(5)),
    (f(2, 3), f(2, 4), f(5, 3, 4), None),
    (d(3), d(2), d(1, 3, 2), d(1)),
    (f(2, 2, 3), f(2, 2, 1), f(2, 3, 1), f(2)),
)
op(
    "einsum",
    lambda equation, tensors: torch.einsum(equation, *tensors),
    ("ij,jk->ik", [f(2, 3), f(3, 4)]),
    ("bij,bjk->bik", [f(2, 2, 3), f(2, 3, 2)]),
    ("ii->i", [f(3, 3)]),
    ("ii", [f(3, 3)]),
    ("i,j->ij", [f(2), f(3)]),
    ("...ij->...ji", [f(2, 3, 4)]),
    ("bhqd,bhkd->bhqk", [d(1, 2, 3, 2), d(1, 2, 4, 2)]),
    ("ij,ij->", [f(2, 3), f(2, 3)]),
    ("ijk->j", [f(2, 3, 4)]),
    ("i,ij,j->", [f(2), f(2, 3), f(3)]),
)
op(
    "tensordot",
    lambda x, y, left, right: torch.tensordot(x, y, [left, right]),
    (f(2, 3, 4), f(4, 3), [2, 1], [0, 1]),
    (f(2, 3), f(3, 2), [1], [0]),
    (d(2, 3), d(3, 2), [0, 1], [1, 0]),
    (f(2), f(3), [], []),
)
op(
    "chain_matmul",
    lambda tensors: torch.linalg.multi_dot(tensors),
    ([f(2, 3), f(3, 4), f(4, 2)],),
    ([f(2, 3), f(3, 1)],),
    ([d(1, 2), d(2, 5), d(5, 1)],),
    ([f(2, 2), f(2, 2), f(2, 2), f(2, 2)],),
)
op(
    "linalg_multi_dot",
    lambda tensors: torch.linalg.multi_dot(tensors),
    ([f(2, 3), f(3, 4), f(4, 2)],),
    ([f(2, 3), f(3, 1)],),
    ([d(1, 2), d(2, 5), d(5, 1)],),
    ([f(3), f(3, 2), f(2)],),
)
op("trace", torch.trace, f(3, 3), f(2, 4), i(3, 3), d(3, 2))
op(
    "matrix_power",
    torch.matrix_power,
    (f(2, 2), 3),
    (f(2, 3, 3), 2),
    (f(2, 2, leaf=False), 0),
    (f(2, 2), 1),
)
op("matrix_exp", torch.matrix_exp, f(2, 2), f(2, 3, 3), d(2, 2), f(1, 1))

# ---- convolution
AUTO = ["none", "valid", "same"]


def convolve(function):
    """The last argument is the text of padding: none, valid, same."""

    def run(x, w, bias, stride, padding, dilation, groups, auto):
        return function(x, w, bias, stride, AUTO[auto] if auto else padding, dilation, groups)

    return run


op(
    "conv1d",
    convolve(F.conv1d),
    (f(2, 3, 7), f(4, 3, 3), f(4), 1, 0, 1, 1, 0),
    (f(2, 4, 9), f(2, 2, 3), None, 2, 1, 2, 2, 0),
    (d(1, 1, 5), d(1, 1, 5), d(1), 1, 2, 1, 1, 0),
    (f(1, 2, 6), f(2, 1, 2), f(2), 3, 0, 1, 2, 0),
    (f(1, 2, 6), f(2, 2, 4), f(2), 1, 0, 1, 1, 2),
)
op(
    "conv2d",
    convolve(F.conv2d),
    (f(2, 3, 5, 6), f(4, 3, 3, 3), f(4), [1, 1], [0, 0], [1, 1], 1, 0),
    (f(1, 4, 7, 6), f(2, 2, 3, 2), None, [2, 1], [1, 2], [2, 1], 2, 0),
    (d(1, 1, 4, 4), d(1, 1, 4, 4), d(1), [1, 1], [2, 0], [1, 1], 1, 0),
    (f(1, 2, 5, 5), f(2, 1, 2, 2), f(2), [3, 2], [0, 0], [1, 1], 2, 0),
    (f(2, 3, 4, 4), f(5, 3, 1, 1), f(5), [1, 1], [0, 0], [1, 1], 1, 0),
    (f(0, 1, 3, 3), f(1, 1, 2, 2), f(1), [1, 1], [0, 0], [1, 1], 1, 0),
    (f(1, 2, 5, 5), f(2, 2, 2, 3), f(2), [1, 1], [0, 0], [2, 1], 1, 2),
    (f(1, 2, 5, 5), f(2, 2, 2, 3), f(2), [2, 1], [0, 0], [1, 1], 1, 1),
)
op(
    "conv3d",
    convolve(F.conv3d),
    (f(1, 2, 4, 5, 4), f(3, 2, 2, 3, 2), f(3), [1, 1, 1], [0, 0, 0], [1, 1, 1], 1, 0),
    (f(1, 2, 4, 4, 4), f(2, 1, 2, 2, 2), None, [2, 1, 2], [1, 0, 1], [1, 2, 1], 2, 0),
    (d(1, 1, 3, 3, 3), d(1, 1, 3, 3, 3), d(1), [1, 1, 1], [1, 1, 1], [1, 1, 1], 1, 0),
    (f(2, 1, 2, 2, 2), f(1, 1, 1, 1, 1), f(1), [1, 1, 1], [0, 0, 0], [1, 1, 1], 1, 0),
)
op(
    "conv_transpose1d",
    F.conv_transpose1d,
    (f(2, 3, 5), f(3, 4, 3), f(4), 1, 0, 0, 1, 1),
    (f(2, 4, 5), f(4, 1, 3), None, 2, 1, 1, 2, 2),
    (d(1, 1, 4), d(1, 1, 2), d(1), 2, 0, 0, 1, 1),
    (f(1, 2, 3), f(2, 1, 2), f(1), 3, 0, 0, 1, 1),
)
op(
    "conv_transpose2d",
    F.conv_transpose2d,
    (f(2, 3, 4, 5), f(3, 4, 3, 3), f(4), [1, 1], [0, 0], [0, 0], 1, [1, 1]),
    (f(1, 4, 3, 4), f(4, 1, 3, 2), None, [2, 1], [1, 0], [1, 0], 2, [1, 2]),
    (d(1, 1, 3, 3), d(1, 1, 2, 2), d(1), [2, 2], [0, 0], [0, 0], 1, [1, 1]),
    (f(1, 2, 2, 2), f(2, 3, 2, 2), f(3), [2, 2], [1, 1], [0, 0], 1, [1, 1]),
)
op(
    "conv2d_input_grad",
    lambda sizes, grad, weight, stride, padding, dilation, groups: torch.nn.grad.conv2d_input(
        sizes, weight, grad, stride, padding, dilation, groups
    ),
    ([2, 3, 5, 6], f(2, 4, 3, 4, leaf=False), f(4, 3, 3, 3, leaf=False), [1, 1], [0, 0], [1, 1], 1),
    ([1, 4, 7, 6], f(1, 2, 3, 9, leaf=False), f(2, 2, 3, 2, leaf=False), [2, 1], [1, 2], [2, 1], 2),
    (
        [1, 1, 4, 4],
        f(1, 1, 5, 1, leaf=False, dtype=F64),
        f(1, 1, 4, 4, leaf=False, dtype=F64),
        [1, 1],
        [2, 0],
        [1, 1],
        1,
    ),
    ([1, 2, 5, 5], f(1, 2, 2, 2, leaf=False), f(2, 1, 2, 2, leaf=False), [3, 2], [0, 0], [1, 1], 2),
)
op(
    "conv2d_weight_grad",
    lambda sizes, grad, x, stride, padding, dilation, groups: torch.nn.grad.conv2d_weight(
        x, sizes, grad, stride, padding, dilation, groups
    ),
    ([4, 3, 3, 3], f(2, 4, 3, 4, leaf=False), f(2, 3, 5, 6, leaf=False), [1, 1], [0, 0], [1, 1], 1),
    ([2, 2, 3, 2], f(1, 2, 3, 9, leaf=False), f(1, 4, 7, 6, leaf=False), [2, 1], [1, 2], [2, 1], 2),
    (
        [1, 1, 4, 4],
        f(1, 1, 5, 1, leaf=False, dtype=F64),
        f(1, 1, 4, 4, leaf=False, dtype=F64),
        [1, 1],
        [2, 0],
        [1, 1],
        1,
    ),
    ([2, 1, 2, 2], f(1, 2, 2, 2, leaf=False), f(1, 2, 5, 5, leaf=False), [3, 2], [0, 0], [1, 1], 2),
)
op(
    "im2col",
    lambda x, kernel, dilation, padding, stride: F.unfold(x, kernel, dilation, padding, stride),
    (f(1, 2, 4, 5), [2, 2], [1, 1], [0, 0], [1, 1]),
    (f(2, 1, 5, 5), [3, 2], [1, 2], [1, 0], [2, 1]),
    (d(1, 1, 3, 3), [3, 3], [1, 1], [1, 1], [2, 2]),
    (f(1, 1, 2, 2), [1, 1], [1, 1], [0, 0], [1, 1]),
)
op(
    "col2im",
    lambda x, size, kernel, dilation, padding, stride: F.fold(
        x, size, kernel, dilation, padding, stride
    ),
    (f(1, 8, 12), [4, 5], [2, 2], [1, 1], [0, 0], [1, 1]),
    (f(1, 4, 4), [4, 4], [2, 2], [1, 1], [0, 0], [2, 2]),
    (d(1, 9, 4), [3, 3], [3, 3], [1, 1], [1, 1], [2, 2]),
    (f(2, 1, 4), [2, 2], [1, 1], [1, 1], [0, 0], [1, 1]),
)

# ---- pooling
WINDOWS2 = [
    (f(2, 2, 5, 6), [2, 2], [], [0, 0], [1, 1], False),
    (f(1, 1, 6, 6), [3, 2], [2, 1], [1, 1], [1, 1], False),
    (d(1, 2, 5, 5), [2, 2], [1, 1], [0, 0], [2, 2], False),
    (f(1, 1, 4, 4), [3, 3], [3, 3], [1, 1], [1, 1], False),
    (f(1, 1, 5, 6), [2, 3], [2, 2], [0, 1], [1, 1], True),
]
WINDOWS1 = [
    (f(2, 2, 7), 2, None, 0, 1, False),
    (f(1, 1, 6), 3, 2, 1, 1, False),
    (d(1, 2, 5), 2, 1, 0, 2, False),
    (f(1, 1, 4), 3, 3, 1, 1, False),
    (f(1, 1, 6), 3, 2, 0, 1, True),
]


def max_pool(function, **options):
    def run(x, kernel, stride, padding, dilation, ceil_mode):
        return function(x, kernel, stride or None, padding, dilation, ceil_mode, **options)

    return run


op("max_pool2d_with_indices", max_pool(F.max_pool2d, return_indices=True), *WINDOWS2)
op("max_pool1d_with_indices", max_pool(F.max_pool1d, return_indices=True), *WINDOWS1)
op(
    "max_pool2d",
    max_pool(F.max_pool2d),
    *[(f(*call[0].shape, dtype=call[0].dtype), *call[1:]) for call in WINDOWS2],
)
op(
    "max_pool1d",
    max_pool(F.max_pool1d),
    *[(f(*call[0].shape, dtype=call[0].dtype), *call[1:]) for call in WINDOWS1],
)

op(
    "max_pool2d_grad",
    lambda grad, indices, sizes: torch.ops.aten.max_pool2d_with_indices_backward(
        grad, torch.zeros(sizes, dtype=grad.dtype), [2, 2], [2, 2], [0, 0], [1, 1], False, indices
    ),
    (f(1, 1, 2, 2, leaf=False), iv(0, 3, 12, 15, shape=[1, 1, 2, 2]), [1, 1, 4, 4]),
    (f(1, 2, 1, 2, leaf=False), iv(1, 2, 4, 7, shape=[1, 2, 1, 2]), [1, 2, 2, 4]),
    (f(1, 1, 1, 1, leaf=False, dtype=F64), iv(2, shape=[1, 1, 1, 1]), [1, 1, 2, 2]),
    (f(2, 1, 1, 1, leaf=False), iv(2, 0, shape=[2, 1, 1, 1]), [2, 1, 2, 2]),
)
op(
    "max_unpool2d",
    lambda x, indices, kernel, stride, padding, size: F.max_unpool2d(
        x, indices, kernel, stride or None, padding, size or None
    ),
    (f(1, 1, 2, 2), iv(0, 3, 12, 15, shape=[1, 1, 2, 2]), [2, 2], [], [0, 0], []),
    (f(1, 2, 1, 2), iv(1, 2, 4, 7, shape=[1, 2, 1, 2]), [2, 2], [2, 2], [0, 0], [2, 4]),
    (d(1, 1, 1, 1), iv(2, shape=[1, 1, 1, 1]), [2, 2], [2, 2], [0, 0], []),
    (f(2, 1, 1, 2), iv(2, 0, 4, 3, shape=[2, 1, 1, 2]), [2, 2], [2, 2], [0, 0], [3, 5]),
)
MEANS2 = [
    (f(2, 2, 5, 6), [2, 2], [], [0, 0], True, False, None),
    (f(1, 1, 6, 6), [3, 2], [2, 1], [1, 1], True, False, None),
    (f(1, 1, 6, 6), [3, 2], [2, 1], [1, 1], False, False, None),
    (d(1, 2, 5, 5), [2, 2], [1, 1], [0, 0], True, False, None),
    (f(1, 1, 5, 6), [2, 3], [2, 2], [0, 1], False, True, None),
    (f(1, 1, 5, 6), [2, 3], [2, 2], [0, 1], True, True, 3),
]
op(
    "avg_pool2d",
    lambda x, k, s, p, whole, ceil, divisor: F.avg_pool2d(x, k, s or None, p, ceil, whole, divisor),
    *MEANS2,
)


def avg_pool2d_grad(grad, sizes, k, s, p, whole, ceil, divisor):
    x = torch.zeros(sizes, dtype=grad.dtype, requires_grad=True)
    return torch.autograd.grad(F.avg_pool2d(x, k, s or None, p, ceil, whole, divisor), x, grad)[0]


op(
    "avg_pool2d_grad",
    avg_pool2d_grad,
    (f(2, 2, 2, 3, leaf=False), [2, 2, 5, 6], [2, 2], [], [0, 0], True, False, None),
    (f(1, 1, 3, 7, leaf=False), [1, 1, 6, 6], [3, 2], [2, 1], [1, 1], False, False, None),
    (f(1, 2, 4, 4, leaf=False, dtype=F64), [1, 2, 5, 5], [2, 2], [1, 1], [0, 0], True, False, None),
    (f(1, 1, 3, 4, leaf=False), [1, 1, 5, 6], [2, 3], [2, 2], [0, 1], True, True, 3),
)
op(
    "avg_pool1d",
    lambda x, k, s, p, whole, ceil: F.avg_pool1d(x, k, s, p, ceil, whole),
    (f(2, 2, 7), 2, None, 0, True, False),
    (f(1, 1, 6), 3, 2, 1, True, False),
    (f(1, 1, 6), 3, 2, 1, False, False),
    (d(1, 2, 5), 2, 1, 0, True, False),
    (f(1, 1, 6), 3, 2, 1, True, True),
)

for kind in ("avg", "max"):
    op(
        f"adaptive_{kind}_pool1d",
        getattr(F, f"adaptive_{kind}_pool1d"),
        (f(2, 3, 7), 3),
        (f(1, 2, 5), 1),
        (d(1, 2, 5), 2),
        (f(3, 7), 2),
    )
    op(
        f"adaptive_{kind}_pool2d",
        getattr(F, f"adaptive_{kind}_pool2d"),
        (f(2, 3, 7, 5), [3, 2]),
        (f(1, 2, 5, 4), [1, 1]),
        (d(1, 2, 5, 4), [2, 2]),
        (f(3, 7, 5), [2, 2]),
    )
op(
    "adaptive_max_pool2d_with_indices",
    lambda x, size: F.adaptive_max_pool2d(x, size, return_indices=True),
    (f(2, 3, 7, 5), [3, 2]),
    (f(1, 2, 5, 4), [1, 1]),
    (d(1, 2, 5, 4), [2, 2]),
    (f(3, 7, 5), [2, 2]),
)
op(
    "lp_pool2d",
    lambda x, p, k, s, ceil: F.lp_pool2d(x, p, k, s or None, ceil),
    (f(1, 2, 4, 4), 2.0, [2, 2], [], False),
    (f(1, 1, 5, 5, lo=0.5), 1.0, [3, 2], [1, 2], False),
    (d(1, 1, 4, 4, lo=0.5), 3.0, [2, 2], [], False),
    (f(1, 1, 4, 4), 2.0, [2, 2], [1, 1], False),
)
MODES = ["nearest", "linear", "bilinear", "trilinear", "area", "nearest-exact"]


def interpolate(x, size, scale, mode, align, recompute):
    align = None if MODES[mode].startswith("nearest") or MODES[mode] == "area" else align
    return F.interpolate(x, size or None, scale, MODES[mode], align, recompute)


op(
    "interpolate",
    interpolate,
    (f(1, 2, 3, 4), [6, 8], None, 0, False, False),
    (f(1, 2, 3, 4), [5, 7], None, 0, False, False),
    (f(1, 2, 4, 4), [2, 3], None, 0, False, False),
    (f(1, 2, 3, 4), [6, 8], None, 2, False, False),
    (f(1, 2, 3, 4), [5, 7], None, 2, True, False),
    (d(1, 1, 4, 4), [2, 3], None, 2, False, False),
    (f(1, 2, 5), [8], None, 1, False, False),
    (f(1, 2, 5), [8], None, 0, False, False),
    (f(1, 2, 4, 6), [2, 3], None, 4, False, False),
    (f(1, 2, 3, 4), [5, 7], None, 5, False, False),
    (f(1, 1, 4, 5), [], 1.5, 2, False, False),
    (f(1, 1, 4, 5), [], 1.5, 2, False, True),
    (f(1, 1, 4, 5), [], 1.5, 0, False, False),
)
op(
    "upsample_nearest2d",
    lambda x, size: F.interpolate(x, size=size, mode="nearest"),
    (f(1, 2, 3, 4), [6, 8]),
    (f(1, 2, 3, 4), [5, 7]),
    (f(1, 2, 4, 4), [2, 3]),
    (d(2, 1, 2, 2), [4, 4]),
)
op(
    "upsample_bilinear2d",
    lambda x, size, align: F.interpolate(x, size=size, mode="bilinear", align_corners=align),
    (f(1, 2, 3, 4), [6, 8], False),
    (f(1, 2, 3, 4), [5, 7], True),
    (f(1, 2, 4, 4), [2, 3], False),
    (d(2, 1, 2, 2), [4, 4], True),
)

# ---- normalisation
op(
    "batch_norm",
    lambda x, mean, var, weight, bias, training, momentum, eps: F.batch_norm(
        x,
        mean if mean is None else mean.clone(),
        var if var is None else var.clone(),
        weight,
        bias,
        training,
        momentum,
        eps,
    ),
    (f(4, 3), None, None, f(3), f(3), True, 0.1, 1e-5),
    (f(2, 3, 4, 2), f(3, leaf=False), f(3, lo=0.5, leaf=False), f(3), f(3), True, 0.1, 1e-5),
    (f(2, 3, 4, 2), f(3, leaf=False), f(3, lo=0.5, leaf=False), f(3), f(3), False, 0.1, 1e-5),
    (f(2, 3, 5), None, None, None, None, True, 0.1, 1e-3),
    (d(4, 2), None, None, d(2), d(2), True, 0.1, 1e-5),
)


def standardize(x, weight, bias, dims, eps):
    mean, var = x.mean(dims, keepdim=True), x.var(dims, unbiased=False, keepdim=True)
    y = (x - mean) / torch.sqrt(var + eps)
    y = y if weight is None else y * weight
    return mean, var, y if bias is None else y + bias


op(
    "standardize",
    standardize,
    (f(4, 3), f(3), f(3), [0], 1e-5),
    (f(2, 3, 4), f(3, 1), f(3, 1), [0, 2], 1e-3),
    (f(2, 5), None, None, [1], 1e-5),
    (d(3, 4), d(4), None, [-1], 1e-5),
)
op(
    "layer_norm",
    lambda x, shape, weight, bias, eps: F.layer_norm(x, shape, weight, bias, eps),
    (f(2, 5), [5], f(5), f(5), 1e-5),
    (f(2, 5), [5], None, None, 1e-5),
    (f(2, 3, 4), [3, 4], f(3, 4), f(3, 4), 1e-3),
    (d(3, 4), [4], d(4), d(4), 1e-5),
    (f(2, 2, 6), [6], f(6), None, 1e-5),
)
op(
    "rms_norm",
    lambda x, shape, weight, eps: F.rms_norm(x, shape, weight, eps),
    (f(2, 5), [5], f(5), 1e-5),
    (f(2, 5), [5], None, 1e-5),
    (f(2, 3, 4), [3, 4], f(3, 4), 1e-3),
    (d(3, 4), [4], d(4), 1e-5),
    (f(2, 5), [5], f(5), None),
)
op(
    "group_norm",
    lambda x, groups, weight, bias, eps: F.group_norm(x, groups, weight, bias, eps),
    (f(2, 4, 3), 2, f(4), f(4), 1e-5),
    (f(2, 4, 3, 2), 4, None, None, 1e-5),
    (f(2, 6, 2), 1, f(6), f(6), 1e-3),
    (d(3, 4), 2, d(4), d(4), 1e-5),
)
op(
    "instance_norm",
    lambda x, mean, var, weight, bias, use_input, momentum, eps: F.instance_norm(
        x, mean, var, weight, bias, use_input, momentum, eps
    ),
    (f(2, 3, 5), None, None, f(3), f(3), True, 0.1, 1e-5),
    (f(2, 3, 4, 2), None, None, None, None, True, 0.1, 1e-5),
    (f(2, 3, 5), f(3, leaf=False), f(3, lo=0.5, leaf=False), f(3), f(3), False, 0.1, 1e-5),
    (d(1, 2, 4), None, None, d(2), d(2), True, 0.1, 1e-3),
)
op(
    "local_response_norm",
    F.local_response_norm,
    (f(2, 5, 3), 3, 1e-4, 0.75, 1.0),
    (f(1, 4, 2, 2), 2, 0.5, 0.5, 2.0),
    (d(1, 3, 2), 5, 1e-2, 0.75, 1.0),
    (f(2, 1, 3), 1, 1e-4, 0.75, 1.0),
)

# ---- attention
op(
    "embedding",
    lambda weight, index, padding, scale: F.embedding(
        index, weight, padding_idx=padding, scale_grad_by_freq=scale
    ),
    (f(5, 3), i(4, lo=0, hi=5), None, False),
    (f(5, 2), i(2, 3, lo=0, hi=5), None, False),
    (f(3, 2), i(6, lo=0, hi=3), 1, False),
    (f(3, 2), iv(2, shape=[]), None, False),
    (d(2, 2), i(4, lo=0, hi=2, dtype=I32), None, False),
    (f(3, 2), i(6, lo=0, hi=3), None, True),
)
op(
    "embedding_dense_backward",
    lambda grad, index, rows, padding, scale: torch.ops.aten.embedding_dense_backward(
        grad, index, rows, -1 if padding is None else padding, scale
    ),
    (f(4, 3, leaf=False), i(4, lo=0, hi=5), 5, None, False),
    (f(2, 3, 2, leaf=False), i(2, 3, lo=0, hi=5), 5, None, False),
    (f(6, 2, leaf=False), i(6, lo=0, hi=3), 3, 1, False),
    (f(6, 2, leaf=False), i(6, lo=0, hi=3), 3, None, True),
    (f(2, leaf=False, dtype=F64), iv(1, shape=[]), 2, None, False),
)


def attend(q, k, v_, mask, dropout, causal, scale, *grouped):
    options = {} if scale is None else {"scale": scale}
    if grouped and grouped[0]:
        options["enable_gqa"] = True
    return F.scaled_dot_product_attention(q, k, v_, mask, 0.0, causal, **options)


Q = (1, 2, 3, 4)
op(
    "scaled_dot_product_attention",
    attend,
    (f(*Q), f(1, 2, 5, 4), f(1, 2, 5, 4), None, 0.0, False, None, False),
    (f(*Q), f(*Q), f(*Q), None, 0.0, True, None, False),
    (
        f(*Q),
        f(1, 2, 5, 4),
        f(1, 2, 5, 4),
        v(*[True] * 10, False, True, True, True, False, shape=[3, 5], dtype=torch.bool),
        0.0,
        False,
        None,
        False,
    ),
    (f(*Q), f(1, 2, 5, 4), f(1, 2, 5, 3), f(3, 5), 0.0, False, None, False),
    (f(*Q), f(*Q), f(*Q), None, 0.0, False, 0.25, False),
    (d(*Q), d(*Q), d(*Q), None, 0.0, True, None, False),
    (f(2, 3, 4), f(2, 3, 4), f(2, 3, 4), None, 0.0, False, None, False),
    (f(1, 4, 3, 2), f(1, 2, 3, 2), f(1, 2, 3, 2), None, 0.0, False, None, True),
)


BAGS = ["sum", "mean", "max"]
op(
    "embedding_bag",
    lambda weight, index, offsets, mode, weights, last, padding: F.embedding_bag(
        index,
        weight,
        offsets,
        mode=BAGS[mode],
        per_sample_weights=weights,
        include_last_offset=last,
        padding_idx=padding,
    ),
    *[(f(5, 3), i(2, 4, lo=0, hi=5), None, mode, None, False, None) for mode in (0, 1, 2)],
    (f(5, 3), i(6, lo=0, hi=5), iv(0, 2, 2), 0, f(6), False, None),
    (f(5, 3), i(6, lo=0, hi=5), iv(0, 4), 1, None, False, 1),
    (f(5, 3), i(6, lo=0, hi=5), iv(0, 3, 6), 0, None, True, None),
    (d(4, 2), i(1, 3, lo=0, hi=4), None, 1, None, False, None),
)


def rope(x, base, offset, interleaved):
    """Written out: PyTorch has no function of that name."""
    half = x.shape[-1] // 2
    speed = base ** (-torch.arange(half, dtype=x.dtype) / half)
    angle = torch.outer(torch.arange(offset, offset + x.shape[-2], dtype=x.dtype), speed)
    pairs = (x[..., 0::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    a = pairs[0] * angle.cos() - pairs[1] * angle.sin()
    c = pairs[0] * angle.sin() + pairs[1] * angle.cos()
    return torch.stack([a, c], -1).flatten(-2) if interleaved else torch.cat([a, c], -1)


op(
    "rope",
    rope,
    (f(3, 4), 10000.0, 0, False),
    (f(2, 3, 6), 100.0, 5, False),
    (f(1, 2, 3, 4), 10000.0, 2, True),
    (d(4, 2), 10000.0, 1, False),
)
