"""A pass that broke off in its data goes on behind what it has read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.extract.plan import Plan
from latentlens.extract.source import Positions
from latentlens.extract.unpack import read_labels


def open_batches(plan: Plan, label: NDArray[np.int32]) -> Iterator[Any]:
    """Open a plan's data behind the items that were read of it.

    What begins anew has the batches already read skipped; an iterator goes on
    where it is.

    Parameters
    ----------
    plan : Plan
    label : ndarray of shape (n_read,), int32
        Of the items read so far, by which another order of the batches shows.

    Returns
    -------
    iterator of batches

    Raises
    ------
    ValueError
        If an iterator gives nothing more, or what begins anew gives other batches.
    """
    source = plan.source
    if isinstance(source, Positions):
        return source.batches(plan.batch_size, begin=len(label))
    if not len(label):
        return source.batches()
    batches = source.again()
    if source.begins_anew:
        _skip(batches, plan, label)
        return batches
    batch = next(batches, _END)
    if batch is _END:
        raise ValueError(
            f"The loader broke off after {len(label):,} items, and as a {source.kind} it gives no "
            "more. What was read stays; to read all, make the lens anew with something that can "
            "be iterated again, such as a DataLoader or a list."
        )
    return chain([batch], batches)


def _skip(batches: Iterator[Any], plan: Plan, label: NDArray[np.int32]) -> None:
    """Take the batches that were read before, and hold them against what was read."""
    done = 0
    while done < len(label):
        batch = next(batches, _END)
        if batch is _END:
            raise _changed(label, f"it now ends after {done:,}")
        *_, target, n = plan.open_batch(batch)
        if done + n > len(label):
            raise _changed(label, f"its batches now part at {done:,} and {done + n:,}")
        if not np.array_equal(read_labels(target, n, plan.classes, done), label[done : done + n]):
            raise _changed(label, f"the labels from item {done:,} on are now others")
        done += n


def _changed(label: NDArray[np.int32], how: str) -> ValueError:
    return ValueError(
        f"The pass cannot go on behind the {len(label):,} items it has read: the loader, begun "
        f"anew, must give the same batches in the same order, but {how}. Make the lens anew to "
        "read all, with a loader that does not shuffle."
    )


_END = object()
