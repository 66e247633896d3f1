"""Arrays that grow as rows arrive."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Rows:
    """An array of rows, filled from the front.

    Parameters
    ----------
    shape : tuple of int
        Shape of one row.
    dtype : dtype
    expected : int or None
        How many rows will come; None if nobody knows.
    """

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike, expected: int | None) -> None:
        self._values = np.zeros((64 if expected is None else expected, *shape), dtype)
        self._filled = 0

    def room(self, n: int) -> NDArray[Any]:
        """Give the place of the next `n` rows, to be filled and then taken by `take`."""
        end = self._filled + n
        if end > len(self._values):
            grown = np.zeros((max(end, 2 * len(self._values)), *self._values.shape[1:]),
                             self._values.dtype)  # fmt: skip
            grown[: self._filled] = self._values[: self._filled]
            self._values = grown
        return self._values[self._filled : end]

    def take(self, n: int) -> None:
        """Count the next `n` rows as filled."""
        self._filled += n

    def add(self, values: NDArray[Any]) -> None:
        """Append rows."""
        self.room(len(values))[:] = values
        self.take(len(values))

    def done(self) -> NDArray[Any]:
        """Give the rows so far; a copy, unless all that were expected are there."""
        if self._filled == len(self._values):
            return self._values
        return self._values[: self._filled].copy()
