"""Raw activations: what is at hand, what is held, and what the model is run for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from latentlens.core.held import HeldActivations
from latentlens.core.record import LayerIndex, Record

HELD_BUDGET = 256 * 2**20
"""Bytes of raw activations kept for items of samples."""

NO_ACCESS = "its data has no random access, or it was made from arrays"
"""Why a lens cannot run the model on chosen items, unless it is known better."""

ReadActivations = Callable[
    [NDArray[np.int64], Sequence[str]],
    Iterator[tuple[NDArray[np.int64], Mapping[str, NDArray[np.float32]]]],
]


class RawActivations:
    """The raw activations of one record's items, as far as they can be had.

    Parameters
    ----------
    record : Record
    read_activations : callable, optional
        Runs the model on some rows.
    held_budget : int
        Bytes that may be kept of what was run.
    activations : mapping of str to ndarray of shape (n_items, units), optional
        Layers of which somebody else holds them all.
    why_not_run : str
        Why there is no `read_activations`, for a message.
    """

    def __init__(
        self,
        record: Record,
        read_activations: ReadActivations | None,
        held_budget: int,
        activations: Mapping[str, NDArray[np.float32]] | None = None,
        *,
        why_not_run: str = NO_ACCESS,
    ) -> None:
        self.record, self.why_not_run = record, why_not_run
        self.held = HeldActivations(len(record), held_budget)
        self._read = read_activations
        self._raw = {**(activations or {}), **self._at_hand()}

    def raw(self, layer: str) -> NDArray[np.float32] | None:
        """Give a layer's raw activations where all items' are at hand."""
        return self._raw.get(layer)

    def _at_hand(self) -> dict[str, NDArray[np.float32]]:
        """Find the layers that the record holds whole: the latent, and that of the logits."""
        record = self.record
        raw = {record.latent_layer: record.latent}
        if record.logits is not None:
            held = (name for name, layer in record.layers.items() if _holds(layer, record.logits))
            raw = {**dict.fromkeys(held, record.logits), **raw}
        return raw

    def has_activations(self, layer: LayerIndex) -> bool:
        """Whether a layer's activations are at hand, or the model can be run for them."""
        return self._read is not None or layer.name in self._raw

    @property
    def layers_at_hand(self) -> tuple[str, ...]:
        """Names of the layers of which every item's activations are at hand."""
        return tuple(self._raw)

    def read(
        self, layer: LayerIndex, rows: NDArray[np.int64]
    ) -> Iterator[tuple[int, int, NDArray[np.int64], NDArray[np.float32]]]:
        """Give activations piece by piece: what is held, then what is run, and held if it fits.

        Yields
        ------
        (done, total, rows, activations)
            Items run so far and in all, and one piece.
        """
        assert self._read is not None
        missing = self.held.missing(layer.name, rows)
        known = np.setdiff1d(rows, missing, assume_unique=True)
        fits = self.fits(layer, len(missing))
        if len(known):
            yield 0, len(missing), known, self.held.values(layer.name, known)
        kept_rows: list[NDArray[np.int64]] = []
        kept: list[NDArray[np.float32]] = []
        done = 0
        for chunk, activations in self._read(missing, [layer.name]) if len(missing) else ():
            values = activations[layer.name]
            if fits:
                kept_rows.append(chunk)
                kept.append(values)
            done += len(chunk)
            yield done, len(missing), chunk, values
        if kept:
            self.held.hold(layer.name, np.concatenate(kept_rows), np.concatenate(kept))

    def fits(self, layer: LayerIndex, n: int) -> bool:
        """Whether the raw activations of `n` items may be held."""
        return 4 * layer.units * n <= self.held.budget

    def reading(
        self, layer: LayerIndex, rows: NDArray[np.int64]
    ) -> Iterator[tuple[int, int] | NDArray[np.float32]]:
        """Read raw activations that fit, running the model on those not held yet.

        Yields
        ------
        (done, total) or ndarray of shape (len(rows), units)
            Progress, and the activations at last.
        """
        raw = self.raw(layer.name)
        if raw is not None:
            yield raw[rows]
            return
        values = np.empty((len(rows), layer.units), np.float32)
        place = np.zeros(len(self.record), np.int64)
        place[rows] = np.arange(len(rows))
        for done, total, chunk, piece in self.read(layer, rows):
            values[place[chunk]] = piece
            if done:
                yield done, total
        yield values

    def activations(self, layer: LayerIndex, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Give raw activations, shape (len(rows), units), and hold what was run for them.

        Returns None where the model cannot be run or they exceed the budget.
        """
        at_hand = self.raw(layer.name) is not None
        if not at_hand and not (self._read is not None and self.fits(layer, len(rows))):
            return None
        *_, values = self.reading(layer, rows)
        assert isinstance(values, np.ndarray)
        return values


def _holds(layer: LayerIndex, logits: NDArray[np.float32]) -> bool:
    """Whether a layer's activations are the logits, to the last bit."""
    # An index that holds fewer units than there are says nothing of the rest.
    if not layer.keep == layer.units == logits.shape[1]:
        return False
    top = np.take_along_axis(logits, layer.top_unit.astype(np.int64), axis=1)
    return np.array_equal(top, layer.top_value)
