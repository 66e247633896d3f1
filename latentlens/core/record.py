"""What one pass over a model and its data yields.

Everything here is NumPy and frozen. The arrays may be memory-mapped. Rows are
items in the order of `Record.ids`; nothing else in the package has an order of
its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Reduce = Literal["unit", "channel", "token"]

CORRECT = 0
"""Kind of cell: label and prediction agree; the cell's class is both."""
WRONG_BY_TRUE = 1
"""Kind of cell: they differ, counted under the label."""
WRONG_BY_PREDICTED = 2
"""Kind of cell: they differ, counted under the prediction."""
UNDECIDED = 3
"""Kind of cell: one of the two is unknown, counted under the one that is known."""
CELL_KINDS = 4


@dataclass(frozen=True, kw_only=True)
class LayerIndex:
    """The top-K index of one layer and its running sums.

    From the index alone the top-k units by maximum or by count, and the
    distribution of maximally activated units, are exact for any group of items
    as long as k is at most K: a unit that is the group's k-th largest or better
    is among the k largest of the item where it attains its maximum, or k units
    of that item would be larger.

    Parameters
    ----------
    name : str
        The layer's dotted name in the model; a second call of the same module
        is written ``name#2``.
    shape : tuple of int
        Shape of one item's activation before `reduce`, such as (C, H, W).
    reduce : {"unit", "channel", "token"}
        "unit": every element is a unit. "channel": the spatial maximum of each
        channel. "token": the maximum over the tokens of a sequence.
    units : int
        How many units an item has after `reduce`.
    top_unit : ndarray of shape (n_items, K), uint16 or uint32
        The K units with the largest activation, largest first; equal values
        stand in order of their unit. K = min(keep, units).
    top_value : ndarray of shape (n_items, K), float32
        Their activations.
    silent : ndarray of shape (n_items,), bool
        Items for which every unit is exactly zero; they have no maximal unit.
    cell_sum : ndarray of shape (CELL_KINDS, n_classes, units), float64
        Sum of the activations of the items of each cell; `Record.cell_count`
        has their number.
    unit_max, unit_min : ndarray of shape (units,), float32
        Extremes over all items.
    nonfinite : int
        How many activations were NaN or infinite; they count as zero above.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import index_activations
    >>> values = [[0.1, 2.0, 0.0], [3.0, 0.5, 0.0], [1.0, 1.5, 0.0]]
    >>> label, pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> layer = index_activations("fc1", values, label, pred, n_classes=2)
    >>> layer.units, layer.keep, layer.top_unit[:, 0].tolist()
    (3, 3, [1, 0, 1])
    """

    name: str
    shape: tuple[int, ...]
    reduce: Reduce
    units: int
    top_unit: NDArray[np.unsignedinteger[Any]]
    top_value: NDArray[np.float32]
    silent: NDArray[np.bool_]
    cell_sum: NDArray[np.float64]
    unit_max: NDArray[np.float32]
    unit_min: NDArray[np.float32]
    nonfinite: int = 0

    @property
    def keep(self) -> int:
        """K: how many units per item the index holds."""
        return self.top_unit.shape[1]

    @property
    def index_bytes(self) -> int:
        """Size of the part that grows with the items."""
        return self.top_unit.nbytes + self.top_value.nbytes + self.silent.nbytes

    @property
    def sum_bytes(self) -> int:
        """Size of the part that does not."""
        return self.cell_sum.nbytes + self.unit_max.nbytes + self.unit_min.nbytes

    @property
    def raw_bytes(self) -> int:
        """What the layer's activations would take in float32."""
        return 4 * self.units * len(self.top_unit)


@dataclass(frozen=True, kw_only=True)
class Record:
    """What one pass yields: never the raw activations, but the latent.

    Parameters
    ----------
    latent : ndarray of shape (n_items, d), float32
        The input of the layer that makes the logits.
    label, pred : ndarray of shape (n_items,), int32
        True and predicted class; -1 where unknown. `pred` is known for all
        items or for none.
    ids : ndarray of shape (n_items,), int64
        Positions in ``loader.dataset``.
    classes : tuple of str
        Names of the classes.
    cell_count : ndarray of shape (CELL_KINDS, n_classes), int64
        Items per cell; see `cells`.
    latent_layer : str
        The name in `layers` whose activations are `latent`.
    layers : mapping of str to LayerIndex
        In the order of execution.
    logits : ndarray of shape (n_items, n_classes), float32, optional
    loss : ndarray of shape (n_items,), float32, optional
        Cross-entropy in nats; NaN where the label is unknown.
    pre_latent : ndarray of shape (n_items, d'), float32, optional
        The latent before its activation function, where there is one.
    meta : mapping
        JSON-able facts: ``model``, ``weights`` (hash), ``seconds``, ``notes``
        (sentences for the reader), ``random_access`` (bool).

    Examples
    --------
    >>> from latentlens.core import record_from_arrays
    >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.2, 0.9], [0.0, 0.7]]
    >>> record = record_from_arrays(latent, label=[0, 0, 1, 1], pred=[0, 1, 1, 1])
    >>> len(record), record.latent_layer, record.incorrect.tolist()
    (4, 'latent', [False, True, False, False])
    """

    latent: NDArray[np.float32]
    label: NDArray[np.int32]
    pred: NDArray[np.int32]
    ids: NDArray[np.int64]
    classes: tuple[str, ...]
    cell_count: NDArray[np.int64]
    latent_layer: str
    layers: Mapping[str, LayerIndex]
    logits: NDArray[np.float32] | None = None
    loss: NDArray[np.float32] | None = None
    pre_latent: NDArray[np.float32] | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.latent)

    @property
    def has_pred(self) -> bool:
        """Whether predictions are known (for all items or for none)."""
        return bool(len(self.pred)) and bool(self.pred[0] >= 0)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Which items are classified correctly; False where either is unknown."""
        return (self.label == self.pred) & (self.label >= 0)

    @property
    def incorrect(self) -> NDArray[np.bool_]:
        """Which items are classified incorrectly; False where either is unknown."""
        return (self.label != self.pred) & (self.label >= 0) & (self.pred >= 0)

    def report(self) -> str:
        """Say what was kept, how large it is, and what was noticed on the way."""
        index = sum(layer.index_bytes for layer in self.layers.values())
        sums = sum(layer.sum_bytes for layer in self.layers.values())
        raw = sum(layer.raw_bytes for layer in self.layers.values())
        lines = [
            f"{len(self):,} items, {len(self.classes)} classes, {len(self.layers)} layers, "
            f"latent {self.latent_layer!r} of {self.latent.shape[1]} units.",
            f"Top-K index {_megabytes(index)}, {index / max(raw, 1):.1%} of the raw activations' "
            f"{_megabytes(raw)}; running sums {_megabytes(sums)}, whatever the number of items.",
        ]
        lines += [
            f"{layer.name}: {layer.nonfinite:,} activations were NaN or infinite and count as zero."
            for layer in self.layers.values()
            if layer.nonfinite
        ]
        return "\n".join([*lines, *self.meta.get("notes", ())])


def cells(
    label: NDArray[np.int32], pred: NDArray[np.int32]
) -> list[tuple[int, NDArray[np.int32], NDArray[np.bool_]]]:
    """Give each kind of cell with the class it counts under and the items in it.

    A correct item lies in one cell and an incorrect one in two, under its label
    and under its prediction, so that sums over either view of "class" are exact.

    Parameters
    ----------
    label, pred : ndarray of shape (n,), int32
        -1 where unknown.

    Returns
    -------
    list of (kind, class of shape (n,), member of shape (n,) bool)
        One entry per kind, in the order of their numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import CORRECT, WRONG_BY_TRUE, cells
    >>> label, pred = np.array([0, 0, 1]), np.array([0, 1, 1])
    >>> found = {kind: (cls.tolist(), member.tolist()) for kind, cls, member in cells(label, pred)}
    >>> found[WRONG_BY_TRUE]
    ([0, 0, 1], [False, True, False])
    """
    known = (label >= 0) & (pred >= 0)
    wrong = known & (label != pred)
    either = np.where(pred >= 0, pred, label).astype(np.int32)
    return [
        (CORRECT, label, known & (label == pred)),
        (WRONG_BY_TRUE, label, wrong),
        (WRONG_BY_PREDICTED, pred, wrong),
        (UNDECIDED, either, ~known & (either >= 0)),
    ]


def count_cells(
    label: NDArray[np.int32], pred: NDArray[np.int32], n_classes: int
) -> NDArray[np.int64]:
    """Count the items of each cell.

    Returns
    -------
    ndarray of shape (CELL_KINDS, n_classes), int64

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import CORRECT, count_cells
    >>> count_cells(np.array([0, 0, 1]), np.array([0, 1, 1]), n_classes=2)[CORRECT]
    array([1, 1])
    """
    counts = np.zeros((CELL_KINDS, n_classes), np.int64)
    for kind, cls, member in cells(label, pred):
        counts[kind] = np.bincount(cls[member], minlength=n_classes)
    return counts


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"
