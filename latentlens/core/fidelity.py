"""How well a sample answers three query sets, cell by cell.

A cell is a class, correct or incorrect, in a layer [1]_. S1 is precision@k of
its most activated units, S2 the cosine distance of its mean activation, S3 the
Jensen-Shannon distance of the histogram of its maximally activated units; each
compares the cell's sampled items with all of its items.

S1 by maximum or by count and S3 follow from the index, on both sides exactly.
S2 and S1 by mean need the raw activations of the sampled items once: from one
pass that sums them for all samples (`weighted_sums`).

References
----------
.. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
   Learning Model Diagnosis", arXiv 2002.09754, 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.checks import check_choice, check_count
from latentlens.core.metrics import EMPTY_SCORE
from latentlens.core.query import BYS, MEASURES, check_k
from latentlens.core.record import (
    CORRECT,
    UNDECIDED,
    WRONG_BY_PREDICTED,
    WRONG_BY_TRUE,
    LayerIndex,
    Record,
)
from latentlens.core.weighted import (
    SUMS_BUDGET,
    Batch,
    CellSums,
    ReadActivations,
    weighted_sums,
)

Floats = NDArray[np.float64]
Masks = NDArray[np.bool_]

CORRECTNESS = ("correct", "incorrect", "unknown")
"""Names of a cell's correctness by their code; unknown where label or prediction is."""
BLOCK = 4096
"""Rows of activations at hand that are summed at a time."""


@dataclass(frozen=True, kw_only=True)
class GroupCells:
    """The items by class and correctness.

    Parameters
    ----------
    by : {"true", "predicted"}
        Which class is meant.
    cell : ndarray of shape (n_items,), int64
        The cell of each item; -1 where its class is unknown.
    label : ndarray of shape (n_cells,), int64
        The class of each cell.
    correctness : ndarray of shape (n_cells,), int64
        Codes of `CORRECTNESS`.
    size : ndarray of shape (n_cells,), int64
        Items of each cell, at least 1.
    """

    by: str
    cell: NDArray[np.int64]
    label: NDArray[np.int64]
    correctness: NDArray[np.int64]
    size: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.size)

    def count(self, mask: Masks) -> NDArray[np.int64]:
        """Count the items of each cell that are in a mask, shape (n_cells,)."""
        return np.bincount(self.cell[mask & (self.cell >= 0)], minlength=len(self))

    def weights(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Give what each sampled item of its cell stands for, as `group_weights` does.

        Where a sample holds a whole cell, every item of it stands for itself, however
        it was drawn.

        Parameters
        ----------
        weights : ndarray of shape (n_samples, n_items), bool or float
            0 outside a sample.

        Returns
        -------
        ndarray of shape (n_samples, n_items), of the same type
        """
        if weights.dtype == np.bool_:
            return weights
        own = weights.copy()
        for row, used in zip(own, map(self.count, weights > 0), strict=True):
            whole = np.append(used == self.size, False)
            row[whole[self.cell]] = 1
        return own


def group_cells(record: Record, by: str = "true") -> GroupCells:
    """Sort the items into cells of class x correctness that are not empty.

    Raises
    ------
    ValueError
        If `by` is none of its choices.
    """
    check_choice(by, "by", BYS)
    cls = (record.label if by == "true" else record.pred).astype(np.int64)
    code = np.select([record.correct, record.incorrect], [0, 1], 2)
    key = np.where(cls >= 0, cls * len(CORRECTNESS) + code, -1)
    found, cell, size = np.unique(key, return_inverse=True, return_counts=True)
    unknown = int(found[0] == -1) if len(found) else 0
    label, correctness = np.divmod(found[unknown:], len(CORRECTNESS))
    return GroupCells(
        by=by,
        cell=cell.astype(np.int64) - unknown,
        label=label,
        correctness=correctness,
        size=size[unknown:].astype(np.int64),
    )


@dataclass(frozen=True, kw_only=True)
class IndexScores:
    """What the index alone says of one layer.

    Parameters
    ----------
    layer : str
    s1 : ndarray of shape (n_samples, n_cells), float64
        precision@k; NaN in a layer with no more units than k, and by mean.
    s3 : ndarray of shape (n_samples, n_cells), float64
        Jensen-Shannon distance.
    """

    layer: str
    s1: Floats
    s3: Floats


@dataclass(frozen=True, kw_only=True)
class MeanScores:
    """What one layer's means say.

    Parameters
    ----------
    layer : str
    s1 : ndarray of shape (n_samples, n_cells), float64
        precision@k of the units with the largest mean; NaN throughout unless asked
        for, and in a layer with no more units than k.
    s2 : ndarray of shape (n_samples, n_cells), float64
        Cosine distance.
    """

    layer: str
    s1: Floats
    s2: Floats


class QuerySet:
    """The questions a sample is scored by: all cells of some layers.

    Parameters
    ----------
    record : Record
    by : {"true", "predicted"}
        Which class makes the cells.
    k : int
        How many top units S1 is about.
    measure : {"max", "count", "mean"}
        By what S1 ranks the units.
    layers : sequence of str, optional
        All watched layers if not given.

    Attributes
    ----------
    cells : GroupCells
    layers : dict of str to LayerIndex
    skipped : tuple of str
        Layers with no more units than k: precision is 1 there by construction, so
        they have no part in S1.

    Raises
    ------
    ValueError
        If a layer is not watched, k is more than the index can tell, or an
        argument is none of its choices.

    References
    ----------
    .. [1] P. Mehta et al., "Sampling for Deep Learning Model Diagnosis",
       arXiv:2002.09754, section on query sets.
    """

    def __init__(
        self,
        record: Record,
        *,
        by: str = "true",
        k: int = 10,
        measure: str = "max",
        layers: Sequence[str] | None = None,
    ) -> None:
        wanted = list(record.layers) if layers is None else list(layers)
        for name in wanted:
            check_choice(name, "layers", tuple(record.layers))
        self.record, self.by = record, by
        self.k = check_count(k, "k")
        self.measure = check_choice(measure, "measure", MEASURES)
        self.cells = group_cells(record, by)
        self.layers = {name: record.layers[name] for name in wanted}
        self.skipped = tuple(name for name in wanted if self.layers[name].units <= k)
        for name, layer in self.layers.items():
            if name not in self.skipped and measure == "max":
                check_k(k, layer)

    def chance(self, layer: str) -> float:
        """precision@k of units picked blindly; NaN where the layer has no part in S1."""
        return float("nan") if layer in self.skipped else self.k / self.layers[layer].units

    def used(self, masks: Masks) -> NDArray[np.int64]:
        """Count each sample's items of each cell, shape (n_samples, n_cells)."""
        used = np.zeros((len(masks), len(self.cells)), np.int64)
        for number, mask in enumerate(masks):
            used[number] = self.cells.count(mask)
        return used

    def from_index(self, masks: Masks) -> Iterator[IndexScores]:
        """Score samples by what the index holds, a layer a step.

        Parameters
        ----------
        masks : ndarray of shape (n_samples, n_items), bool
        """
        used = self.used(masks)
        for name, layer in self.layers.items():
            firsts = _Firsts(layer, self.cells)
            s1, s3 = np.full(used.shape, np.nan), np.full(used.shape, np.nan)
            s3[:] = [firsts.distance(mask) for mask in masks]
            if name not in self.skipped and self.measure == "count":
                s1[:] = [firsts.precision(mask, self.k) for mask in masks]
            if name not in self.skipped and self.measure == "max":
                maxima = _Maxima(layer, self.cells, self.k)
                s1[:] = [maxima.precision(mask) for mask in masks]
            if name not in self.skipped and self.measure != "mean":
                s1[used == 0] = EMPTY_SCORE["precision"]
            yield IndexScores(layer=name, s1=s1, s3=s3)

    def from_means(
        self,
        weights: NDArray[Any],
        read: ReadActivations,
        *,
        layers: Sequence[str] | None = None,
        rank: bool | None = None,
        budget: int = SUMS_BUDGET,
    ) -> Iterator[tuple[int, int] | MeanScores]:
        """Score samples by their means, in one pass over the sampled items.

        Parameters
        ----------
        weights : ndarray of shape (n_samples, n_items), bool or float
            0 outside a sample; a cell's mean is weighted by them, unless the sample
            holds the whole cell.
        read : callable
            Runs the model on some rows, a batch a step.
        layers : sequence of str, optional
            All layers of the query set if not given.
        rank : bool, optional
            Whether to score S1 by mean as well; if not given, where that is the measure.
        budget : int
            Bytes of running sums; see `weighted_sums`.

        Yields
        ------
        (done, total) or MeanScores
            Progress, and at the end one `MeanScores` per layer.
        """
        wanted = list(self.layers) if layers is None else list(layers)
        weights = self.cells.weights(weights)
        total, whole = self._totals(weights)
        rank = self.measure == "mean" if rank is None else rank
        scores = {name: self._blank(name, total, whole, rank=rank) for name in wanted}
        # A cell taken whole has the exact mean, to the last bit.
        needed = weights * ~np.pad(whole, ((0, 0), (0, 1)))[:, self.cells.cell]
        units = {name: self.layers[name].units for name in wanted}
        for step in weighted_sums(read, needed, self.cells.cell, units, budget=budget):
            if isinstance(step, CellSums):
                self._score(step, total, scores[step.layer], rank=rank)
            else:
                yield step
        yield from scores.values()

    def _totals(self, weights: NDArray[Any]) -> tuple[Floats, Masks]:
        """Sum the weights of each cell, and find the cells taken whole, whose weights are 1."""
        cell, n = self.cells.cell, len(self.cells)
        rows = np.flatnonzero(cell >= 0)
        rows = rows[np.argsort(cell[rows], kind="stable")]
        if not n:
            return np.zeros((len(weights), 0)), np.zeros((len(weights), 0), bool)
        start = np.searchsorted(cell[rows], np.arange(n))
        inside = weights[:, rows].astype(np.float64)
        low, high = (f.reduceat(inside, start, axis=1) for f in (np.minimum, np.maximum))
        return np.add.reduceat(inside, start, axis=1), (low == high) & (low > 0)

    def _blank(self, layer: str, total: Floats, whole: Masks, *, rank: bool) -> MeanScores:
        """Score what needs no activations: cells that are empty or taken whole."""
        s1, s2 = np.full(total.shape, np.nan), np.full(total.shape, np.nan)
        s2[total == 0], s2[whole] = EMPTY_SCORE["cosine_distance"], 0.0
        if rank and layer not in self.skipped:
            s1[total == 0], s1[whole] = EMPTY_SCORE["precision"], 1.0
        return MeanScores(layer=layer, s1=s1, s2=s2)

    def _score(self, sums: CellSums, total: Floats, scores: MeanScores, *, rank: bool) -> None:
        weight = total[sums.samples, sums.cell]
        open_ = np.isnan(scores.s2[sums.samples, sums.cell])
        at = np.arange(len(total))[sums.samples][open_]
        mean = sums.sums[open_] / weight[open_, None]
        exact = self.exact_mean(sums.layer, sums.cell)
        scores.s2[at, sums.cell] = _cosine_distances(mean, exact)
        if rank and sums.layer not in self.skipped:
            top = np.argsort(-mean, axis=1, kind="stable")[:, : self.k]
            kth = np.sort(exact)[-self.k]
            scores.s1[at, sums.cell] = (exact[top] >= kth).mean(axis=1)

    def exact_mean(self, layer: str, cell: int) -> Floats:
        """Give the mean activation over all items of a cell, from the running sums.

        Returns
        -------
        ndarray of shape (units,), float64
        """
        wrong = WRONG_BY_TRUE if self.by == "true" else WRONG_BY_PREDICTED
        kind = (CORRECT, wrong, UNDECIDED)[self.cells.correctness[cell]]
        sums = self.layers[layer].cell_sum[kind, self.cells.label[cell]]
        return np.asarray(sums / self.cells.size[cell])


def read_arrays(raw: Mapping[str, NDArray[Any]]) -> ReadActivations:
    """Make activations at hand readable as if the model were run for them.

    Parameters
    ----------
    raw : mapping of str to ndarray of shape (n_items, units)
    """

    def read(rows: NDArray[np.int64], layers: Sequence[str]) -> Iterator[Batch]:
        for begin in range(0, len(rows), BLOCK):
            chunk = rows[begin : begin + BLOCK]
            yield chunk, {name: raw[name][chunk] for name in layers}

    return read


class _Maxima:
    """The k largest activations of every item of a layer, by cell and unit.

    Kept as a list sorted by (cell, unit) and then by value, so that a sample's
    maxima are the first entries that belong to it; a table of all cells and units
    would be larger than the index in a wide layer.
    """

    def __init__(self, layer: LayerIndex, cells: GroupCells, k: int) -> None:
        rows = np.flatnonzero(cells.cell >= 0)
        unit = layer.top_unit[rows, :k].astype(np.int64)
        key = (cells.cell[rows, None] * layer.units + unit).ravel()
        value = layer.top_value[rows, :k].ravel().astype(np.float64)
        order = np.lexsort((-value, key))
        self._row, self._value = np.repeat(rows, unit.shape[1])[order], value[order]
        key = key[order]
        first = _firsts_of_runs(key)
        self._pair = np.cumsum(first) - 1
        self._cell = key[first] // layer.units
        self._n_cells, self._k = len(cells), k
        exact = self._value[first]
        kth = exact[_top_of_cells(self._cell, exact, k, last=True)]
        self._hit = exact >= kth[self._cell]

    def precision(self, mask: Masks) -> Floats:
        """Give a sample's precision@k in each cell, shape (n_cells,)."""
        kept = np.flatnonzero(mask[self._row])
        kept = kept[_firsts_of_runs(self._pair[kept])]
        pair = self._pair[kept]
        pair = pair[_top_of_cells(self._cell[pair], self._value[kept], self._k)]
        hits = np.bincount(self._cell[pair], weights=self._hit[pair], minlength=self._n_cells)
        return hits / self._k


class _Firsts:
    """The maximal unit of every item of a layer, counted by cell."""

    def __init__(self, layer: LayerIndex, cells: GroupCells) -> None:
        self._cells, self._units = cells, layer.units
        rows = np.flatnonzero((cells.cell >= 0) & ~layer.silent)
        key = cells.cell[rows] * layer.units + layer.top_unit[rows, 0]
        self._key, pair = np.unique(key, return_inverse=True)
        # Items without a maximal unit have a bin of their own in each cell.
        self._bin_of = np.full(len(cells.cell), -1, np.int64)
        self._bin_of[rows] = pair
        silent = (cells.cell >= 0) & layer.silent
        self._bin_of[silent] = len(self._key) + cells.cell[silent]
        self._cell = np.append(self._key // layer.units, np.arange(len(cells)))
        self._exact = self._count(np.ones(len(cells.cell), bool))

    def _count(self, mask: Masks) -> NDArray[np.int64]:
        return np.bincount(self._bin_of[mask & (self._bin_of >= 0)], minlength=len(self._cell))

    def distance(self, mask: Masks) -> Floats:
        """Give a sample's Jensen-Shannon distance in each cell, shape (n_cells,)."""
        used = self._cells.count(mask)
        p = self._exact / self._cells.size[self._cell]
        q = self._count(mask) / np.maximum(used, 1)[self._cell]
        middle = (p + q) / 2
        parts = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
        total = np.bincount(self._cell, weights=parts, minlength=len(self._cells))
        return np.where(used, np.sqrt(np.clip(total, 0, 1)), EMPTY_SCORE["js_distance"])

    def precision(self, mask: Masks, k: int) -> Floats:
        """Give a sample's precision@k by count in each cell, shape (n_cells,)."""
        n_pairs, n_cells = len(self._key), len(self._cells)
        exact, cell = self._exact[:n_pairs], self._cell[:n_pairs]
        count = self._count(mask)[:n_pairs]
        seen = np.flatnonzero(count)
        top = seen[_top_of_cells(cell[seen], count[seen], k)]
        kth = np.zeros(n_cells)
        enough = np.bincount(cell, minlength=n_cells) >= k
        last = _top_of_cells(cell, exact, k, last=True)
        kth[np.unique(cell)] = exact[last]
        kth[~enough] = 0
        hits = np.bincount(cell[top], weights=exact[top] >= kth[cell[top]], minlength=n_cells)
        short = k - np.bincount(cell[top], minlength=n_cells)
        for at in np.flatnonzero(short).tolist():
            hits[at] += self._filled_up(at, seen[cell[seen] == at], int(short[at]), kth[at], k)
        return hits / k

    def _filled_up(self, cell: int, seen: NDArray[np.int64], n: int, kth: float, k: int) -> int:
        """Count hits among units that the sample never saw first: those of lowest number."""
        if kth == 0:
            return n
        unseen = np.setdiff1d(np.arange(k), self._key[seen] - cell * self._units)[:n]
        key = unseen + cell * self._units
        at = np.minimum(np.searchsorted(self._key, key), len(self._key) - 1)
        return int(((self._key[at] == key) & (self._exact[at] >= kth)).sum())


def _firsts_of_runs(values: NDArray[np.int64]) -> Masks:
    """Mark the first of each run of equal values."""
    first = np.ones(len(values), bool)
    first[1:] = values[1:] != values[:-1]
    return first


def _top_of_cells(
    cell: NDArray[np.int64], value: NDArray[Any], k: int, *, last: bool = False
) -> NDArray[np.int64]:
    """Find the k largest values of each cell; equal ones stand in their order.

    With `last`, only the smallest of these, one for each cell that occurs.
    """
    order = np.lexsort((-value, cell))
    begins = np.flatnonzero(_firsts_of_runs(cell[order]))
    sizes = np.diff(np.append(begins, len(order)))
    if last:
        return order[begins + np.minimum(sizes, k) - 1]
    place = np.arange(len(order)) - np.repeat(begins, sizes)
    return order[place < k]


def _relative_entropy(p: Floats, m: Floats) -> Floats:
    terms = np.zeros(len(p))
    held = (p > 0) & (m > 0)
    terms[held] = p[held] * np.log2(p[held] / m[held])
    return terms


def _cosine_distances(means: Floats, exact: Floats) -> Floats:
    """Compare means of shape (n, units) with the exact one, as `cosine_distance` does.

    Sums of float32 neither leave float64 when squared nor vanish, so nothing is scaled.
    """
    norms, norm = np.sqrt((means**2).sum(axis=1)), np.sqrt((exact**2).sum())
    zeros = (norms == 0) | (norm == 0)
    cosine = (means @ exact) / np.where(zeros, 1.0, norms * norm)
    alone = np.where((norms == 0) & (norm == 0), 0.0, 1.0)
    return np.where(zeros, alone, np.clip(1 - cosine, 0, 2))
