"""Sums over many samples at once, from activations that pass by and are not kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SUMS_BUDGET = 256 * 2**20
"""Bytes of running sums; what does not fit takes another pass over the data."""

Batch = tuple[NDArray[np.int64], Mapping[str, NDArray[np.float32]]]
"""Some rows, and their activations by layer."""

ReadActivations = Callable[[NDArray[np.int64], Sequence[str]], Iterator[Batch]]
"""Runs the model on some rows: (rows, layers) -> iterator of (rows, {layer: activations})."""

Part = tuple[str, slice]
"""Some of the samples in one layer."""


@dataclass(frozen=True, kw_only=True)
class CellSums:
    """The weighted sums of one layer over the items of one cell.

    Parameters
    ----------
    layer : str
    cell : int
    samples : slice
        Which samples; all of them unless the budget is too small for that.
    sums : ndarray of shape (n_samples, units), float64
        For each sample the sum of weight times activation over the cell's items.
    """

    layer: str
    cell: int
    samples: slice
    sums: NDArray[np.float64]


def weighted_sums(
    read: ReadActivations,
    weights: NDArray[Any],
    cells: NDArray[np.int64],
    units: Mapping[str, int],
    *,
    budget: int = SUMS_BUDGET,
) -> Iterator[tuple[int, int] | CellSums]:
    """Sum activations over the items of each cell, for many samples in one pass.

    Items are read cell by cell, so that only one cell's sums are held at a time:
    ``n_samples * units * 8`` bytes, over all layers. Where that exceeds the
    budget, some layers, or some samples of a wide one, take a pass of their own.
    Items without weight in any sample are not read.

    Parameters
    ----------
    read : callable
        Runs the model on some rows, a batch a step.
    weights : ndarray of shape (n_samples, n_items), bool or float
    cells : ndarray of shape (n_items,), int
        The cell of each item; -1 for none.
    units : mapping of str to int
        The layers wanted, with their units.
    budget : int
        Bytes.

    Yields
    ------
    (done, total) or CellSums
        How many items were read; and a cell's sums once its last item was. A
        cell without weight in any sample has none.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    if weights.ndim != 2 or cells.shape != weights.shape[1:]:
        raise ValueError(
            "weights must have shape (n_samples, n_items) and cells (n_items,); "
            f"got {weights.shape} and {cells.shape}."
        )
    rows = np.flatnonzero((weights != 0).any(axis=0) & (cells >= 0))
    rows = rows[np.argsort(cells[rows], kind="stable")]
    rounds = _rounds(units, len(weights), budget) if len(rows) else []
    for number, parts in enumerate(rounds):
        before, total = number * len(rows), len(rounds) * len(rows)
        batches = read(rows, list(dict.fromkeys(layer for layer, _ in parts)))
        for step in _one_round(batches, weights, cells, parts, units):
            yield (before + step, total) if isinstance(step, int) else step


def _rounds(units: Mapping[str, int], n_samples: int, budget: int) -> list[list[Part]]:
    """Share layers, and samples where one layer is too wide, among passes."""
    rounds: list[list[Part]] = []
    room = 0
    for layer, n_units in units.items():
        at_once = min(n_samples, max(1, budget // (8 * n_units)))
        for begin in range(0, n_samples, at_once):
            part = layer, slice(begin, min(begin + at_once, n_samples))
            size = 8 * n_units * (part[1].stop - begin)
            if size > room:
                rounds.append([])
                room = budget
            rounds[-1].append(part)
            room -= size
    return rounds


def _one_round(
    batches: Iterator[Batch],
    weights: NDArray[Any],
    cells: NDArray[np.int64],
    parts: list[Part],
    units: Mapping[str, int],
) -> Iterator[int | CellSums]:
    def zeros() -> list[NDArray[np.float64]]:
        return [np.zeros((at.stop - at.start, units[layer])) for layer, at in parts]

    def finished() -> Iterator[CellSums]:
        for (layer, at), sums in zip(parts, totals, strict=True):
            yield CellSums(layer=layer, cell=current, samples=at, sums=sums)

    current, totals, done = -1, zeros(), 0
    for chunk, activations in batches:
        for cell in np.unique(cells[chunk]):
            if cell != current:
                if current >= 0:
                    yield from finished()
                current, totals = int(cell), zeros()
            here = cells[chunk] == cell
            for (layer, at), total in zip(parts, totals, strict=True):
                weight = weights[at, chunk[here]].astype(np.float64)
                np.add(total, weight @ activations[layer][here].astype(np.float64), out=total)
        done += len(chunk)
        yield done
    yield from finished()
