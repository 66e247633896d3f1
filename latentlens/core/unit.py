"""One unit of a layer: its activation on each item as far as it is known, and its means.

`js/src/unit.ts` holds the same functions for what is in the browser;
`tests/golden/query.json` holds the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentlens.core.record import (
    CORRECT,
    UNDECIDED,
    WRONG_BY_PREDICTED,
    WRONG_BY_TRUE,
    LayerIndex,
)
from latentlens.core.written import short

UNKNOWN, AT_HAND, LISTED, RUN = range(4)
"""Where a unit's activation on an item is known from."""
SOURCES = ("", "at hand", "index", "sample")
"""Words for the same."""


@dataclass(frozen=True, kw_only=True)
class UnitValues:
    """A unit's activation on every item, as far as it is known.

    Parameters
    ----------
    value : ndarray of shape (n_items,), float32
        Exact where it is known, NaN elsewhere.
    source : ndarray of shape (n_items,), uint8
        UNKNOWN, AT_HAND, LISTED (the index has it) or RUN (the model was run on
        the item for the sample).
    at_most : ndarray of shape (n_items,), float32
        The value, or what the index says it is at most.
    """

    value: NDArray[np.float32]
    source: NDArray[np.uint8]
    at_most: NDArray[np.float32]

    @property
    def limit(self) -> float | None:
        """What the unknown values are at most; None where all are known."""
        unknown = self.source == UNKNOWN
        return float(self.at_most[unknown].max()) if unknown.any() else None

    @property
    def read_out(self) -> str:
        """For how many items the value is known and from where, in one line."""
        n = np.bincount(self.source, minlength=len(SOURCES))
        return describe_unit(int(n[LISTED]), int(n[RUN]), len(self.source), self.limit)


def describe_unit(n_listed: int, n_run: int, n_items: int, limit: float | None) -> str:
    """Say for how many items a unit's activation is known.

    Parameters
    ----------
    n_listed : int
        Items whose value the index has.
    n_run : int
        Items of the sample that it does not have, run for it.
    n_items : int
    limit : float, optional
        What the others' values are at most; None where all are known.

    Examples
    --------
    >>> describe_unit(10, 0, 50, 1.5)
    'exact for 10 of 50 items, by the index; at most 1.5 for the rest'
    """
    if limit is None:
        return f"exact for all {n_items:,} items"
    known = f"exact for {n_listed + n_run:,} of {n_items:,} items, by the index"
    run = f" and {n_run:,} run for the sample" if n_run else ""
    return f"{known}{run}; at most {short(limit)} for the rest"


def at_hand(column: NDArray[np.float32]) -> UnitValues:
    """Take a unit's activations where all are at hand."""
    return UnitValues(value=column, source=np.full(len(column), AT_HAND, np.uint8), at_most=column)


def listed(layer: LayerIndex, unit: int) -> UnitValues:
    """Read a unit's activations off the index.

    An item whose list leaves the unit out has it at most as active as the last
    of its list.
    """
    value = np.full(len(layer.top_unit), np.nan, np.float32)
    row, place = np.nonzero(layer.top_unit == unit)
    value[row] = layer.top_value[row, place]
    known = ~np.isnan(value)
    return UnitValues(
        value=value,
        source=np.where(known, LISTED, UNKNOWN).astype(np.uint8),
        at_most=np.where(known, value, layer.top_value[:, -1]),
    )


def with_run(known: UnitValues, rows: NDArray[np.int64], values: NDArray[np.float32]) -> UnitValues:
    """Add what the model says of some items, where it was not known before."""
    new = known.source[rows] == UNKNOWN
    value, source, at_most = known.value.copy(), known.source.copy(), known.at_most.copy()
    value[rows[new]] = at_most[rows[new]] = values[new]
    source[rows[new]] = RUN
    return UnitValues(value=value, source=source, at_most=at_most)


def unit_cell_means(
    layer: LayerIndex,
    cell_count: NDArray[np.int64],
    unit: int,
    by: str = "true",
    *,
    has_pred: bool,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Give a unit's exact mean over each class, for correct, incorrect and undecided items.

    Parameters
    ----------
    layer : LayerIndex
    cell_count : ndarray of shape (CELL_KINDS, n_classes)
    unit : int
    by : {"true", "predicted"}
        Which class an incorrect item counts under.
    has_pred : bool
        Whether predictions are known, which the counts of items without labels do not tell.

    Returns
    -------
    mean : ndarray of shape (3, n_classes), float64
        NaN for no items.
    n : ndarray of shape (3, n_classes), int64
    """
    wrong = WRONG_BY_TRUE if by == "true" else WRONG_BY_PREDICTED
    kinds = [CORRECT, wrong, UNDECIDED]
    n = cell_count[kinds].copy()
    # Undecided items stand under their prediction if there is one, else under their label.
    if has_pred != (by == "predicted"):
        n[2] = 0
    total = layer.cell_sum[kinds, :, unit]
    return np.where(n > 0, total / np.maximum(n, 1), np.nan), n
