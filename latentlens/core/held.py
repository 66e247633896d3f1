"""Raw activations of a few items, held within a budget."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray


class HeldActivations:
    """Raw activations by layer and row; the layer used longest ago goes first.

    Parameters
    ----------
    n_items : int
        Rows are 0..n_items-1.
    budget : int
        Bytes that may be held in all.
    """

    def __init__(self, n_items: int, budget: int) -> None:
        self.budget = budget
        self._n_items = n_items
        self._slot: OrderedDict[str, NDArray[np.int64]] = OrderedDict()
        self._values: dict[str, NDArray[np.float32]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return sum(values.nbytes for values in self._values.values())

    def missing(self, layer: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give those of `rows` that are not held for `layer`."""
        if layer not in self._slot:
            return rows
        return rows[self._slot[layer][rows] < 0]

    def values(self, layer: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give the activations of held `rows`, shape (len(rows), units)."""
        self._slot.move_to_end(layer)
        return self._values[layer][self._slot[layer][rows]]

    def hold(self, layer: str, rows: NDArray[np.int64], values: NDArray[np.float32]) -> bool:
        """Keep `values` of `rows`, giving up other layers for it if need be.

        Returns
        -------
        bool
            False if they do not fit even then; nothing is kept of them.
        """
        own = self._values.get(layer)
        wanted = values.nbytes + (0 if own is None else own.nbytes)
        if wanted > self.budget:
            return False
        while (
            self._slot and self.nbytes - (0 if own is None else own.nbytes) + wanted > self.budget
        ):
            oldest = next(name for name in self._slot if name != layer)
            del self._slot[oldest], self._values[oldest]
        slot = self._slot.setdefault(layer, np.full(self._n_items, -1, np.int64))
        start = 0 if own is None else len(own)
        slot[rows] = np.arange(start, start + len(rows))
        self._values[layer] = values if own is None else np.concatenate([own, values])
        self._slot.move_to_end(layer)
        return True
