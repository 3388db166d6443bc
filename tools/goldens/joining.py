"""Joining, cutting, repeating and reordering elements."""

import torch
import torch.nn.functional as F

from table import b, d, f, i, iv, op

LISTS = ([f(2, 3), f(1, 3)], [f(2, 3), f(2, 3), f(2, 3)])
op(
    "cat",
    torch.cat,
    (LISTS[0], 0),
    (LISTS[1], 1),
    ([f(2, 1), f(2, 0), f(2, 2)], -1),
    ([i(2), i(3)], 0),
    ([f(2), d(2)], 0),
    ([i(2), f(3)], 0),
    ([b(2), b(1)], 0),
    ([f(2, 3)], 0),
)
for name in ("concat", "concatenate"):
    op(
        name,
        getattr(torch, name),
        ([f(2, 3), f(1, 3)], 0),
        ([f(2, 1), f(2, 2)], -1),
        ([i(2), i(3)], 0),
        ([f(2), d(2)], 0),
    )
op(
    "stack",
    torch.stack,
    ([f(2, 3), f(2, 3)], 0),
    ([f(2, 3), f(2, 3)], 1),
    ([f(2), f(2), f(2)], -1),
    ([i(2), i(2)], 0),
    ([f(), f()], 0),
)
for name in ("hstack", "vstack", "dstack", "column_stack", "row_stack"):
    first = ([f(2, 3), f(2, 3)],)
    if name in ("vstack", "row_stack"):
        first = ([f(2, 3), f(1, 3)],)
    op(
        name,
        lambda x, function=getattr(torch, name, None): function(x),
        first,
        ([f(3), f(3)],),
        ([f(), f()],),
        ([i(2), i(2)],),
    )
op("split", torch.split, (f(5, 2), 2, 0), (f(2, 6), 3, 1), (i(4), 1, 0), (d(3), 5, -1))
op(
    "split_with_sizes",
    torch.split_with_sizes,
    (f(5, 2), [2, 3], 0),
    (f(2, 6), [1, 0, 5], 1),
    (i(4), [4], 0),
    (d(3), [1, 1, 1], -1),
)
op("chunk", torch.chunk, (f(5, 2), 2, 0), (f(2, 6), 3, 1), (i(4), 3, 0), (d(3), 5, -1))
op(
    "tensor_split",
    torch.tensor_split,
    (f(5, 2), 2, 0),
    (f(2, 6), 4, 1),
    (i(4), 3, 0),
    (d(3), 5, -1),
)
for name in ("tril", "triu"):
    op(
        name,
        getattr(torch, name),
        (f(3, 3), 0),
        (f(2, 4), 1),
        (f(2, 3, 3), -1),
        (i(3, 2), 0),
        (d(0, 2), 0),
        (b(3, 3), 0),
    )
op("diag", torch.diag, (f(3), 0), (f(3, 4), 0), (f(2), 1), (f(3, 3), -1), (i(2), -1))
op(
    "diag_embed",
    torch.diag_embed,
    (f(3), 0, -2, -1),
    (f(2, 3), 1, -2, -1),
    (f(2, 3), 0, 0, 2),
    (i(2), -1, 0, 1),
)
op("diagflat", torch.diagflat, (f(3), 0), (f(2, 2), 1), (i(2), -1), (d(1), 0))
op(
    "repeat",
    lambda x, sizes: x.repeat(sizes),
    (f(2, 3), [2, 1]),
    (f(3), [2, 2]),
    (i(2), [3]),
    (d(1, 2), [0, 2]),
    (f(), [2]),
)
op("tile", torch.tile, (f(2, 3), [2, 1]), (f(2, 3), [2]), (f(3), [2, 2]), (i(2), [3]), (f(), [2]))
op(
    "repeat_interleave",
    lambda x, repeats, dim=None: torch.repeat_interleave(x, repeats, dim),
    (f(2, 3), 2, 0),
    (f(2, 3), 3, 1),
    (f(2, 2), 2, None),
    (i(3), 2, 0),
    (f(3, 2), iv(1, 0, 2), 0),
)
op(
    "flip",
    torch.flip,
    (f(2, 3), [0]),
    (f(2, 3), [0, 1]),
    (f(2, 3, 2), [-1]),
    (i(4), [0]),
    (b(3), [0]),
    (d(0, 2), [0]),
)
op("fliplr", torch.fliplr, f(2, 3), f(1, 4), i(2, 2), d(2, 2, 2))
op("flipud", torch.flipud, f(2, 3), f(4), i(2, 2), d(2, 2, 2))
op(
    "roll",
    torch.roll,
    (f(5), [2], [0]),
    (f(2, 3), [1, -1], [0, 1]),
    (f(2, 3), [2], []),
    (i(4), [-5], [0]),
    (d(0, 2), [1], [0]),
)
op(
    "rot90",
    torch.rot90,
    (f(2, 3), 1, [0, 1]),
    (f(2, 3), 2, [0, 1]),
    (f(2, 3), -1, [1, 0]),
    (i(2, 2, 2), 3, [1, 2]),
)
op(
    "meshgrid",
    lambda tensors, indexing: torch.meshgrid(tensors, indexing=["ij", "xy"][indexing]),
    ([f(2), f(3)], 0),
    ([f(2), f(3)], 1),
    ([i(2), i(1), i(3)], 0),
    ([f(), f(2)], 0),
)
op(
    "broadcast_tensors",
    lambda tensors: torch.broadcast_tensors(*tensors),
    ([f(2, 1), f(3)],),
    ([f(), f(2)],),
    ([i(1), i(4)],),
    ([f(0, 2), f(2)],),
)
op(
    "block_diag",
    lambda tensors: torch.block_diag(*tensors),
    ([f(2, 2), f(1, 3)],),
    ([f(2), f()],),
    ([i(1, 1), i(2, 1)],),
    ([f(2, 2)],),
)
op(
    "cartesian_prod",
    lambda tensors: torch.cartesian_prod(*tensors),
    ([f(2), f(3)],),
    ([f(3)],),
    ([i(2), i(1), i(2)],),
    ([f(0), f(2)],),
)
BORDERS = ["constant", "reflect", "replicate", "circular"]
op(
    "pad",
    lambda x, sizes, mode, value: F.pad(x, sizes, BORDERS[mode], value),
    (f(2, 3), [1, 2], 0, 0.0),
    (f(2, 3), [1, 0, 2, 1], 0, 1.5),
    (f(1, 2, 5), [2, 1], 1, None),
    (f(1, 2, 5), [2, 3], 2, None),
    (f(1, 2, 5), [2, 1], 3, None),
    (f(1, 1, 4, 5), [1, 2, 3, 1], 1, None),
    (f(1, 1, 4, 5), [1, 2, 3, 1], 2, None),
    (f(1, 1, 4, 5), [1, 2, 3, 1], 3, None),
    (f(2, 5), [-1, -2], 0, 0.0),
    (i(3), [1, 1], 0, 7),
    (d(2, 4), [0, 1], 0, 0.0),
)
op(
    "pixel_shuffle",
    F.pixel_shuffle,
    (f(1, 4, 2, 3), 2),
    (f(2, 9, 1, 1), 3),
    (d(4, 2, 2), 2),
    (f(1, 1, 2, 2), 1),
)
op(
    "pixel_unshuffle",
    F.pixel_unshuffle,
    (f(1, 1, 4, 6), 2),
    (f(2, 1, 3, 3), 3),
    (d(1, 4, 4), 2),
    (f(1, 1, 2, 2), 1),
)
op(
    "channel_shuffle",
    F.channel_shuffle,
    (f(1, 4, 2, 3), 2),
    (f(2, 6, 1, 1), 3),
    (d(1, 4, 2, 2), 4),
    (f(1, 2, 2, 2), 1),
)
