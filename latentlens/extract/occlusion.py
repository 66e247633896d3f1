"""How far a score falls where a window of the input is covered.

Captum's Occlusion gives every element the mean fall of the windows on it, after which
the windows that the edge cuts short can no longer be told from the whole ones.
"""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from latentlens.extract.scored import ScoredInputs

INPUTS_AT_ONCE = 64
"""Inputs that the model is given at a time, on a path or with a window covered."""


def occlude(
    asked: ScoredInputs, start: Tensor, size: tuple[int, ...], stride: tuple[int, ...]
) -> Tensor:
    """Share the fall of the score among what was covered, and average over the windows.

    Parameters
    ----------
    asked : ScoredInputs
    start : Tensor of the shape of `asked.x`
        What a window is covered with.
    size, stride : tuple of int
        Of the windows, by axis of an item. The edge cuts the last ones short.

    Returns
    -------
    Tensor of the shape of `asked.x`
    """
    windows = _places(tuple(asked.x.shape[1:]), size, stride)
    at_once = max(1, INPUTS_AT_ONCE // len(asked.x))
    found, times = torch.zeros_like(asked.x), torch.zeros_like(asked.x[0])
    with torch.no_grad():
        whole = asked.score(asked.x, asked.chosen, *asked.others)
        for i in range(0, len(windows), at_once):
            some = windows[i : i + at_once]
            for window, scores in zip(some, _scores_without(asked, start, some), strict=True):
                at = (slice(None), *window)
                share = (whole - scores) / times[window].numel()
                found[at] += share.view(-1, *[1] * len(window))
                times[window] += 1
    return found / times


def _scores_without(asked: ScoredInputs, start: Tensor, windows: list[tuple[slice, ...]]) -> Tensor:
    """Score the items with one window covered at a time, shape (n_windows, n)."""
    n = len(windows)
    x = asked.x.expand(n, *asked.x.shape).clone()
    for covered, window in zip(x, windows, strict=True):
        at = (slice(None), *window)
        covered[at] = start[at]
    rest = [_repeated(tensor, n) for tensor in (asked.chosen, *asked.others)]
    return asked.score(x.flatten(0, 1), *rest).view(n, -1)


def _repeated(tensor: Tensor, n: int) -> Tensor:
    return tensor.repeat(n, *[1] * (tensor.dim() - 1)) if tensor.dim() else tensor


def _places(
    shape: tuple[int, ...], size: tuple[int, ...], stride: tuple[int, ...]
) -> list[tuple[slice, ...]]:
    """Give the windows that cover a shape, none of them past its edge."""
    sides = [
        [slice(at, min(at + side, n)) for at in range(0, n - side + step, step)]
        for n, side, step in zip(shape, size, stride, strict=True)
    ]
    return list(product(*sides))
