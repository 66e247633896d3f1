"""Questions about a group of items in one layer, answered from the record.

`js/src/query.ts` holds the same functions; `tests/golden/query.json` holds the
two equal. Items are visited in ascending order; maxima are float32, sums
float64, counts whole numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.answer import Answer, TopUnits
from latentlens.core.checks import check_choice, check_count, check_rows
from latentlens.core.metrics import (
    EMPTY_SCORE,
    chance_level,
    cosine_distance,
    hits,
    js_distance,
    top_units,
)
from latentlens.core.record import (
    CORRECT,
    UNDECIDED,
    WRONG_BY_PREDICTED,
    WRONG_BY_TRUE,
    LayerIndex,
)

BYS = ("true", "predicted")
CORRECTNESSES = ("all", "correct", "incorrect")
MEASURES = ("max", "count", "mean")

__all__ = [
    "BYS",
    "CORRECTNESSES",
    "MEASURES",
    "Answer",
    "TopUnits",
    "answer",
    "cell_mean",
    "check_k",
    "max_counts",
    "members",
    "row_mean",
    "top_units",
    "unit_maxima",
]

Mask = NDArray[np.bool_]
Mean = NDArray[np.float64]


def members(
    label: NDArray[np.int32],
    pred: NDArray[np.int32],
    *,
    label_class: int | None = None,
    by: str = "true",
    correctness: str = "all",
    selection: ArrayLike | None = None,
) -> Mask:
    """Say which items belong to a group.

    Parameters
    ----------
    label, pred : ndarray of shape (n_items,), int32
        -1 where unknown. An item with an unknown label or prediction is neither
        correct nor incorrect.
    label_class : int, optional
        The class; all items if not given.
    by : {"true", "predicted"}
        Whether `label_class` is looked up in `label` or in `pred`.
    correctness : {"all", "correct", "incorrect"}
    selection : array of rows, optional
        Only these; with no rows in it the group is empty.

    Returns
    -------
    ndarray of shape (n_items,), bool

    Raises
    ------
    ValueError
        If an argument is none of its choices or `selection` reaches outside.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import members
    >>> label, pred = np.array([0, 0, 1]), np.array([0, 1, 1])
    >>> members(label, pred, label_class=0, correctness="incorrect")
    array([False,  True, False])
    """
    check_choice(by, "by", BYS)
    check_choice(correctness, "correctness", CORRECTNESSES)
    member = np.ones(len(label), bool)
    if label_class is not None:
        member &= (label if by == "true" else pred) == label_class
    if correctness != "all":
        known = (label >= 0) & (pred >= 0)
        member &= known & ((label == pred) == (correctness == "correct"))
    if selection is not None:
        chosen = np.zeros(len(label), bool)
        chosen[check_rows(selection, "selection", len(label))] = True
        member &= chosen
    return member


def unit_maxima(layer: LayerIndex, member: Mask, k: int) -> NDArray[np.float32]:
    """Give each unit's largest activation among the first k of each item's list.

    The k largest of these are the group's k largest units with their exact
    maxima; other units may be larger than stated here, or unseen (-inf).

    Parameters
    ----------
    layer : LayerIndex
    member : ndarray of shape (n_items,), bool
    k : int
        At most ``layer.keep``.

    Returns
    -------
    ndarray of shape (units,), float32

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import index_activations
    >>> values = [[0.1, 2.0, 0.0], [3.0, 0.5, 0.0], [1.0, 1.5, 0.0]]
    >>> label, pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> layer = index_activations("fc1", values, label, pred, n_classes=2)
    >>> from latentlens.core import unit_maxima
    >>> unit_maxima(layer, np.array([True, False, True]), k=2).tolist()
    [1.0, 2.0, -inf]
    """
    maxima = np.full(layer.units, -np.inf, np.float32)
    rows = np.flatnonzero(member)
    np.maximum.at(maxima, layer.top_unit[rows, :k].ravel(), layer.top_value[rows, :k].ravel())
    return maxima


def max_counts(layer: LayerIndex, member: Mask) -> tuple[NDArray[np.uint32], int]:
    """Count of how many items each unit is the maximum.

    Returns
    -------
    counts : ndarray of shape (units,), uint32
    none : int
        Items without a maximal unit, every unit being zero.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import index_activations
    >>> values = [[0.1, 2.0, 0.0], [3.0, 0.5, 0.0], [1.0, 1.5, 0.0]]
    >>> label, pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> layer = index_activations("fc1", values, label, pred, n_classes=2)
    >>> from latentlens.core import max_counts
    >>> counts, none = max_counts(layer, np.ones(3, bool))
    >>> counts.tolist(), none  # units 0 and 1 lead one and two items; every item has a leader
    ([1, 2, 0], 0)
    """
    silent = layer.silent[member]
    first = layer.top_unit[member, 0][~silent]
    counts = np.bincount(first, minlength=layer.units).astype(np.uint32)
    return counts, int(silent.sum())


def row_mean(values: NDArray[Any], member: Mask) -> Mean | None:
    """Mean of the members' rows, summed in float64 in ascending order; None for no rows.

    Parameters
    ----------
    values : ndarray of shape (n_items, units)
    member : ndarray of shape (n_items,), bool

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import row_mean
    >>> row_mean(np.array([[1.0, 3.0], [2.0, 5.0]]), np.array([True, True])).tolist()
    [1.5, 4.0]
    """
    n = int(member.sum())
    if not n:
        return None
    return np.asarray(values[member].sum(axis=0, dtype=np.float64) / n)


def cell_mean(
    cell_sum: NDArray[np.float64],
    cell_count: NDArray[np.int64],
    *,
    n_group: int,
    label_class: int | None = None,
    by: str = "true",
    correctness: str = "all",
) -> Mean | None:
    """Give the exact mean activation of a class, by correctness, from the running sums.

    Parameters
    ----------
    cell_sum : ndarray of shape (CELL_KINDS, n_classes, units), float64
    cell_count : ndarray of shape (CELL_KINDS, n_classes)
    n_group : int
        How many items `members` gives. An item with neither label nor
        prediction lies in no cell; by this number the gap is noticed.
    label_class, by, correctness
        As in `members`.

    Returns
    -------
    ndarray of shape (units,), float64, or None
        None for an empty group, and where the cells do not hold `n_group` items.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import index_activations
    >>> values = [[0.1, 2.0, 0.0], [3.0, 0.5, 0.0], [1.0, 1.5, 0.0]]
    >>> label, pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> layer = index_activations("fc1", values, label, pred, n_classes=2)
    >>> from latentlens.core import cell_mean, count_cells
    >>> count = count_cells(label, pred, n_classes=2)
    >>> cell_mean(layer.cell_sum, count, n_group=2, label_class=1).tolist()
    [2.0, 1.0, 0.0]
    """
    check_choice(by, "by", BYS)
    check_choice(correctness, "correctness", CORRECTNESSES)
    any_class = label_class is None
    kinds = _kinds(cell_count, any_class=any_class, by=by, correctness=correctness)
    classes = slice(None) if label_class is None else slice(label_class, label_class + 1)
    n = int(cell_count[kinds, classes].sum())
    if not n or n != n_group:
        return None
    return np.asarray(cell_sum[kinds, classes].sum(axis=(0, 1)) / n)


def _kinds(
    cell_count: NDArray[np.int64], *, any_class: bool, by: str, correctness: str
) -> list[int]:
    """Name the kinds of cell that make up a group, no item twice."""
    wrong = WRONG_BY_PREDICTED if by == "predicted" and not any_class else WRONG_BY_TRUE
    if correctness == "correct":
        return [CORRECT]
    if correctness == "incorrect":
        return [wrong]
    # An undecided item stands under its prediction if predictions are known, as they are
    # wherever any item is decided; under that number it is of no true class.
    predicted = bool(cell_count[:UNDECIDED].any())
    joins = any_class or by == "predicted" or not predicted
    return [CORRECT, wrong, UNDECIDED] if joins else [CORRECT, wrong]


def check_k(k: int, layer: LayerIndex) -> int:
    """Give k after the layer's width, refusing more than the index can tell.

    Raises
    ------
    ValueError
        If k is below 1 or above ``layer.keep`` and the layer is wider than that.
    """
    k = min(check_count(k, "k"), layer.units)
    why = f"the index of layer {layer.name!r} holds {layer.keep} units per item; keep= sets it"
    return check_count(k, "k", layer.keep, why=why)


def answer(
    layer: LayerIndex,
    *,
    roles: NDArray[np.uint8],
    member: Mask,
    k: int = 10,
    measure: str = "max",
    raw: NDArray[Any] | None = None,
    sample_mean: Mean | None = None,
    exact_mean: Mean | None = None,
) -> Answer:
    """Compare a group's sampled items with the whole group.

    Parameters
    ----------
    layer : LayerIndex
    roles : ndarray of shape (n_items,), uint8
        0 for items outside the sample, as `Ranking.roles` gives it.
    member : ndarray of shape (n_items,), bool
        The group, as `members` gives it.
    k : int
        How many top units; at most what the index keeps.
    measure : {"max", "count", "mean"}
        By what the top units are ranked.
    raw : ndarray of shape (n_items, units), optional
        The layer's activations, where all are at hand; they give both means.
    sample_mean : ndarray of shape (units,), float64, optional
        The mean over the group's sampled items, where `raw` is not given.
    exact_mean : ndarray of shape (units,), float64, optional
        The mean over the group, as `cell_mean` gives it; goes before `raw`.

    Returns
    -------
    Answer

    Raises
    ------
    ValueError
        If k is more than the index can tell, or an argument is none of its choices.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import index_activations
    >>> values = [[0.1, 2.0, 0.0], [3.0, 0.5, 0.0], [1.0, 1.5, 0.0]]
    >>> label, pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> layer = index_activations("fc1", values, label, pred, n_classes=2)
    >>> from latentlens.core import answer
    >>> in_sample, member = np.array([1, 0, 1]), np.ones(3, bool)
    >>> found = answer(layer, roles=in_sample, member=member, k=1)
    >>> found.top.unit, found.exact_top.unit, found.precision
    ([1], [0], 0.0)
    """
    check_choice(measure, "measure", MEASURES)
    k = check_k(k, layer)
    used = member & (roles > 0)
    n_group, n_used = int(member.sum()), int(used.sum())
    if raw is not None:
        sample_mean = row_mean(raw, used)
        exact_mean = row_mean(raw, member) if exact_mean is None else exact_mean
    mean, exact_mean = sample_mean if n_used else None, exact_mean if n_group else None
    counts, none = max_counts(layer, used)
    exact_counts, exact_none = max_counts(layer, member)
    score: NDArray[Any] | None = mean
    exact: NDArray[Any] | None = exact_mean
    if measure == "max":
        score, exact = unit_maxima(layer, used, k), unit_maxima(layer, member, k)
    if measure == "count":
        score, exact = counts, exact_counts
    top = _top(score, exact, k, measure) if n_used else NO_UNITS
    return Answer(
        n_group=n_group,
        n_used=n_used,
        k=k,
        top=top,
        exact_top=_top(exact, exact, k, measure) if n_group else NO_UNITS,
        precision=_precision(top, exact, k) if n_group and k < layer.units else None,
        chance=chance_level(k, layer.units),
        counts=counts,
        exact_counts=exact_counts,
        none=none,
        exact_none=exact_none,
        js_distance=_js(counts, none, exact_counts, exact_none) if n_group else None,
        mean=mean,
        exact_mean=exact_mean,
        cosine_distance=_cosine(mean, exact_mean, n_used) if n_group else None,
    )


NO_UNITS = TopUnits(unit=[], value=[], hit=[], exact_value=[])


def _top(
    score: NDArray[Any] | None, exact: NDArray[Any] | None, k: int, measure: str
) -> TopUnits | None:
    if score is None:
        return None
    unit = top_units(score, k)
    hit = np.zeros(k, bool) if exact is None else hits(unit, exact, k)
    # The index bounds the maximum of a unit that misses the exact top k, no more.
    known = hit if measure == "max" else np.full(k, exact is not None)
    return TopUnits(
        unit=unit.tolist(),
        value=score[unit].astype(np.float64).tolist(),
        hit=hit.tolist(),
        exact_value=[
            float(exact[u]) if exact is not None and ok else None
            for u, ok in zip(unit, known, strict=True)
        ],
    )


def _precision(top: TopUnits | None, exact: NDArray[Any] | None, k: int) -> float | None:
    if top is None or (exact is None and top.unit):
        return None
    return sum(top.hit) / k


def _js(
    counts: NDArray[np.uint32], none: int, exact_counts: NDArray[np.uint32], exact_none: int
) -> float:
    return js_distance(np.append(counts, none), np.append(exact_counts, exact_none))


def _cosine(mean: Mean | None, exact_mean: Mean | None, n_used: int) -> float | None:
    if not n_used:
        return EMPTY_SCORE["cosine_distance"]
    if mean is None or exact_mean is None:
        return None
    return cosine_distance(mean, exact_mean)
