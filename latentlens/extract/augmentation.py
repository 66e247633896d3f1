"""Notice that a dataset gives the same item differently each time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentlens.extract.source import Positions, Source

ROWS = 32
SECONDS = 2.0
"""How many items are read twice, and for how long at most."""

_RANDOM_WORDS = ("random", "jitter", "noise", "erasing", "augment", "cutout", "dropout")


def augmentation_note(source: Source) -> str:
    """Read some items twice; give a sentence if two reads differ, naming the cause."""
    if not isinstance(source, Positions):
        return ""
    rows = np.unique(np.linspace(0, len(source.ids) - 1, min(ROWS, len(source.ids))).astype(int))
    until = time.monotonic() + SECONDS
    for row in rows:
        (first,), (second,) = source.items([row]), source.items([row])
        if not is_equal(first, second):
            return (
                f"Two reads of the item at position {source.ids[row]} differ: {_cause(source)}. "
                "What is shown of an item is then not what the model saw; "
                "use the dataset without augmentation."
            )
        if time.monotonic() > until:
            break
    return ""


def is_equal(a: Any, b: Any) -> bool:
    """Compare two items of a dataset, whatever they are made of; NaN equals NaN."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        same = a.shape == b.shape and a.dtype == b.dtype
        return same and bool(torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(is_equal(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(is_equal, a, b))
    if hasattr(a, "__array__") and hasattr(b, "__array__"):
        left, right = np.asarray(a), np.asarray(b)
        return np.array_equal(left, right, equal_nan=left.dtype.kind in "fc")
    own_equality: Any = type(a).__eq__
    if own_equality is object.__eq__:
        # Nothing to compare by; two objects of one type say nothing about augmentation.
        return type(a) is type(b)
    return bool(a == b)


def _cause(source: Positions) -> str:
    """Name the random part of the dataset's transform, where it can be seen."""
    dataset: Any = source.dataset
    while not hasattr(dataset, "transform") and hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    transform = getattr(dataset, "transform", None)
    if transform is None:
        return f"{type(source.dataset).__name__} is random"
    parts = _parts(transform)
    named = [part for part in parts if any(word in part.lower() for word in _RANDOM_WORDS)]
    return f"dataset.transform is random ({', '.join(named or parts)})"


def _parts(transform: Any) -> list[str]:
    inner = getattr(transform, "transforms", None)
    if inner is None and isinstance(transform, torch.nn.Sequential):
        inner = list(transform)
    if inner is None:
        return [getattr(transform, "__name__", type(transform).__name__)]
    return [name for part in inner for name in _parts(part)]
