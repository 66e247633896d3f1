"""The fidelity of many samples, each worked out once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlens.core.design import effective_size, group_weights
from latentlens.core.fidelity import Floats, GroupCells, MeanScores, QuerySet, read_arrays
from latentlens.core.sample import Sample
from latentlens.core.weighted import ReadActivations

REMEMBERED = 20_000
"""Scores of one sample in one layer that are kept between queries; the oldest go first."""


class Draw(NamedTuple):
    """What names a sample: the same draw is the same sample."""

    sampler: str
    fraction: float
    j: float
    seed: int | None = None
    """Of the sampler; None for the one that is shown."""
    added: tuple[int, ...] = ()
    """Rows taken into it besides, ascending."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How well some samples answer, cell by cell.

    Parameters
    ----------
    draws : tuple of Draw
        The samples.
    layers : tuple of str
    cells : GroupCells
    skipped : tuple of str
        Layers that have no part in S1, k covering all their units.
    n_sample : ndarray of shape (n_samples,), int64
    n_used : ndarray of shape (n_samples, n_cells), int64
        The sample's items of each cell.
    effective_n : ndarray of shape (n_samples, n_cells + 1), float64
        As many equally weighted items tell as much; last of all cells together.
    s1, s2, s3 : ndarray of shape (n_samples, n_layers, n_cells), float64
        precision@k, cosine distance and Jensen-Shannon distance; NaN where unknown.
    """

    draws: tuple[Draw, ...]
    layers: tuple[str, ...]
    cells: GroupCells
    skipped: tuple[str, ...]
    n_sample: NDArray[np.int64]
    n_used: NDArray[np.int64]
    effective_n: Floats
    s1: Floats
    s2: Floats
    s3: Floats

    def overall(self, score: str, *, known: bool = False) -> Floats:
        """Average a score over all cells that have items [1]_.

        Parameters
        ----------
        score : {"s1", "s2", "s3"}
            S1 is averaged over the layers that have a part in it.
        known : bool
            Whether layers without this score are left out. If not, one such layer
            makes the average unknown.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            NaN where unknown.

        References
        ----------
        .. [1] P. Mehta et al., "Sampling for Deep Learning Model Diagnosis",
           arXiv:2002.09754, section on metrics.
        """
        values = getattr(self, score)
        counted = np.array([score != "s1" or name not in self.skipped for name in self.layers])
        if known:
            counted &= ~np.isnan(values).all(axis=(0, 2))
        values = values[:, counted].reshape(len(self.draws), -1)
        return values.mean(axis=1) if values.size else np.full(len(self.draws), np.nan)


class Meter:
    """Scores samples and remembers what it found.

    Parameters
    ----------
    sample : callable
        Gives the sample of a `Draw`.
    raw : mapping of str to ndarray of shape (n_items, units)
        Layers whose activations are all at hand.
    read : callable, optional
        Runs the model on some rows; without it S2 is known for `raw` alone.
    """

    def __init__(
        self,
        sample: Callable[[Draw], Sample],
        raw: Mapping[str, NDArray[Any]],
        read: ReadActivations | None = None,
    ) -> None:
        self._sample, self._raw, self._read = sample, raw, read
        self._known: OrderedDict[tuple[Any, ...], tuple[Floats, ...]] = OrderedDict()

    def unknown(self, queries: QuerySet) -> tuple[str, ...]:
        """Name the layers whose means over a sample cannot be had here."""
        return () if self._read else tuple(name for name in queries.layers if name not in self._raw)

    def lacks_means(self, queries: QuerySet, draws: Sequence[Draw]) -> bool:
        """Whether `read_means` would have to run the model."""
        return bool(self._read and self._missing(queries, draws, self._others(queries), "means"))

    def from_index(self, queries: QuerySet, draws: Sequence[Draw]) -> Iterator[tuple[int, int]]:
        """Score samples by the index, and by activations at hand, a layer a step."""
        self._forget(queries, draws)
        missing = self._missing(queries, draws, queries.layers, "index")
        masks = self._weights(queries, missing).astype(bool)
        for done, step in enumerate(queries.from_index(masks) if missing else (), 1):
            for number, draw in enumerate(missing):
                self._keep(queries, draw, step.layer, "index", (step.s1[number], step.s3[number]))
            yield done, len(queries.layers)
        at_hand = [name for name in queries.layers if name in self._raw]
        yield from self._means(queries, draws, at_hand, read_arrays(self._raw))

    def from_model(self, queries: QuerySet, draws: Sequence[Draw]) -> Iterator[tuple[int, int]]:
        """Score samples by their means in the other layers, in one pass over their items."""
        if self._read is not None:
            yield from self._means(queries, draws, self._others(queries), self._read)

    def scores(self, queries: QuerySet, draws: Sequence[Draw]) -> Scores:
        """Put together what is known; the rest is NaN."""
        shape = len(draws), len(queries.layers), len(queries.cells)
        s1, s2, s3 = (np.full(shape, np.nan) for _ in range(3))
        for number, draw in enumerate(draws):
            for at, layer in enumerate(queries.layers):
                by_index = self._known.get(self._key(queries, draw, layer, "index"))
                by_mean = self._known.get(self._key(queries, draw, layer, "means"))
                if by_index is not None:
                    s1[number, at], s3[number, at] = by_index
                if by_mean is not None:
                    s2[number, at] = by_mean[1]
                if by_mean is not None and queries.measure == "mean":
                    s1[number, at] = by_mean[0]
        weights = self._weights(queries, draws)
        masks = weights.astype(bool)
        return Scores(
            draws=tuple(draws),
            layers=tuple(queries.layers),
            cells=queries.cells,
            skipped=queries.skipped,
            n_sample=masks.sum(axis=1),
            n_used=queries.used(masks),
            effective_n=_effective(queries, weights),
            s1=s1,
            s2=s2,
            s3=s3,
        )

    def _others(self, queries: QuerySet) -> list[str]:
        return [name for name in queries.layers if name not in self._raw]

    def _means(
        self,
        queries: QuerySet,
        draws: Sequence[Draw],
        layers: Sequence[str],
        read: ReadActivations,
    ) -> Iterator[tuple[int, int]]:
        missing = self._missing(queries, draws, layers, "means")
        if not missing:
            return
        weights = self._weights(queries, missing)
        for step in queries.from_means(weights, read, layers=layers):
            if not isinstance(step, MeanScores):
                yield step
                continue
            for number, draw in enumerate(missing):
                self._keep(queries, draw, step.layer, "means", (step.s1[number], step.s2[number]))

    def _weights(self, queries: QuerySet, draws: Sequence[Draw]) -> NDArray[Any]:
        """Give each sample's weights, shape (n_samples, n_items); bool where all weigh alike."""
        samples = [self._sample(draw) for draw in draws]
        alike = all(len(np.unique(sample.weight)) == 1 for sample in samples)
        dtype = np.bool_ if alike else np.float64
        weights: NDArray[Any] = np.zeros((len(samples), len(queries.record)), dtype)
        for number, sample in enumerate(samples):
            weights[number, sample.index] = True if alike else sample.weight
        return weights

    def _missing(
        self, queries: QuerySet, draws: Sequence[Draw], layers: Any, what: str
    ) -> list[Draw]:
        return [
            draw
            for draw in dict.fromkeys(draws)
            if any(self._key(queries, draw, name, what) not in self._known for name in layers)
        ]

    def _key(self, queries: QuerySet, draw: Draw, layer: str, what: str) -> tuple[Any, ...]:
        # S2 has no k, so that another one asks nothing of the model.
        ranked = what == "index" or queries.measure == "mean"
        asked = (queries.k, queries.measure) if ranked else ()
        return what, draw, layer, queries.by, asked

    def _keep(
        self, queries: QuerySet, draw: Draw, layer: str, what: str, scores: tuple[Floats, ...]
    ) -> None:
        self._known[self._key(queries, draw, layer, what)] = scores

    def _forget(self, queries: QuerySet, draws: Sequence[Draw]) -> None:
        """Drop the oldest scores beyond `REMEMBERED`, but none that this query is about.

        Only where a query begins, so that it never loses what it gathers itself.
        """
        own = {
            self._key(queries, draw, layer, what)
            for draw in draws
            for layer in queries.layers
            for what in ("index", "means")
        }
        others = [key for key in self._known if key not in own]
        for key in others[: max(len(self._known) - REMEMBERED, 0)]:
            del self._known[key]


def _effective(queries: QuerySet, weights: NDArray[Any]) -> Floats:
    """Give each sample's effective number of items in each cell, and in all of them."""
    cell, n = queries.cells.cell, len(queries.cells)
    inside, found = cell >= 0, np.zeros((len(weights), n + 1))
    for number, of_cell in enumerate(queries.cells.weights(weights)):
        own = of_cell[inside].astype(np.float64)
        sums, squares = (np.bincount(cell[inside], w, minlength=n) for w in (own, own**2))
        found[number, :n] = sums**2 / np.where(squares > 0, squares, 1)
        found[number, n] = effective_size(group_weights(weights[number].astype(float), inside))
    return found
