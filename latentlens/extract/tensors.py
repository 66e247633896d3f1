"""The top-K index and the sums by torch operations alone, on any device.

What a GPU does, and the independent way by which the tests hold the compiled
loops to account.
"""

from __future__ import annotations

import torch
from torch import Tensor


def top_rows(x: Tensor, keep: int) -> tuple[Tensor, Tensor]:
    """Give each row's largest units, equal values by ascending unit.

    `torch.topk` promises no order among equal values, so the rows are ranked by
    integers that hold the value's order in the upper half and the unit in the
    lower; no two are equal.

    Parameters
    ----------
    x : Tensor of shape (n, units), float32, finite

    Returns
    -------
    unit : Tensor of shape (n, keep), int64
    value : Tensor of shape (n, keep), float32
    """
    bits = (x + 0.0).view(torch.int32).to(torch.int64)  # + 0.0 makes -0.0 equal 0.0
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
    last = 0xFFFFFFFF
    keys = (ordered << 32) | (last - torch.arange(x.shape[1], device=x.device))
    best = keys.topk(keep, dim=1).values
    unit = last - (best & last)
    return unit, x.gather(1, unit)


def cell_sums(x: Tensor, order: Tensor, present: Tensor, n_present: int) -> Tensor:
    """Sum rows by cell in float64.

    A product with the matrix of membership: unlike scattered additions, it comes
    out the same each time.

    Parameters
    ----------
    x : Tensor of shape (n, units), float32
    order, present : Tensor of shape (m,), int64
        Row ``order[i]`` is in cell number ``present[i]``.
    n_present : int

    Returns
    -------
    Tensor of shape (n_present, units), float64
    """
    member = torch.zeros(n_present, len(x), dtype=torch.float64, device=x.device)
    member[present, order] = 1
    return member @ x.double()
