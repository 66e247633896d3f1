"""How far a sample's answer is from the exact one.

References
----------
.. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
   Learning Model Diagnosis", arXiv 2002.09754, 2020.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.checks import check_choice, check_count

Metric = Literal["precision", "cosine_distance", "js_distance"]

EMPTY_SCORE: dict[str, float] = {"precision": 0.0, "cosine_distance": 1.0, "js_distance": 1.0}
"""What a group counts whose items are all missing from the sample [1]_."""


def top_units(value: NDArray[Any], k: int) -> NDArray[np.int64]:
    """Order units by value, largest first; equal values stand in order of their unit.

    Parameters
    ----------
    value : ndarray of shape (units,)
    k : int
        How many units to give; all of them if there are fewer.

    Returns
    -------
    ndarray of shape (min(k, units),), int64
    """
    return np.argsort(-value.astype(np.float64), kind="stable")[:k].astype(np.int64)


def hits(top: NDArray[np.int64], exact: NDArray[Any], k: int) -> NDArray[np.bool_]:
    """Say which of the units in `top` are among the exact top k.

    A unit that ties with the k-th is among them, so that the order of equal
    units never decides.

    Parameters
    ----------
    top : ndarray of shape (m,), int64
        Units.
    exact : ndarray of shape (units,)
        The exact value of every unit; at least k are finite.
    k : int
        At most the number of units.

    Returns
    -------
    ndarray of shape (m,), bool
    """
    kth = exact[top_units(exact, k)[-1]]
    return np.asarray(exact[top] >= kth)


def precision_at_k(sample: ArrayLike, exact: ArrayLike, k: int) -> float:
    """Share of the sample's k largest units that are among the exact k largest.

    With k above the number of units n, k is n and the precision 1 by
    construction; compare it with `chance_level` [1]_.

    Parameters
    ----------
    sample, exact : array of shape (units,)
        Every unit's value in the sample and over all items.
    k : int
        How many units; at least 1.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If the shapes differ, or k is below 1.

    Examples
    --------
    >>> precision_at_k([3, 2, 1, 0], [3, 0, 1, 2], k=2)
    0.5
    """
    value, exact_value = _pair(sample, exact)
    k = min(check_count(k, "k"), len(value))
    return float(hits(top_units(value, k), exact_value, k).mean())


def chance_level(k: int, units: int) -> float:
    """Precision@k of k units picked blindly: min(k, units) / units.

    Examples
    --------
    >>> from latentlens.core import chance_level
    >>> chance_level(10, 84)
    0.11904761904761904
    """
    return min(k, units) / units


def cosine_distance(u: ArrayLike, v: ArrayLike) -> float:
    """One minus the cosine of the angle between two vectors.

    Parameters
    ----------
    u, v : array of shape (units,)

    Returns
    -------
    float
        In [0, 2], in [0, 1] for vectors without negative entries; 0 if both
        are zero and 1 if one of them is.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> cosine_distance([1, 0], [0, 2])
    1.0
    """
    a, b = _pair(u, v)
    scale_a, scale_b = np.abs(a).max(), np.abs(b).max()
    if scale_a == 0 or scale_b == 0:
        return 0.0 if scale_a == scale_b else 1.0
    # Squares of extreme entries leave float64, so the largest entry becomes 1 first.
    a, b = a / scale_a, b / scale_b
    cosine = (a @ b) / (np.sqrt(a @ a) * np.sqrt(b @ b))
    return float(np.clip(1 - cosine, 0, 2))


def js_distance(p: ArrayLike, q: ArrayLike) -> float:
    """Jensen-Shannon distance of two histograms, with logarithms to base 2.

    Parameters
    ----------
    p, q : array of shape (bins,)
        Counts or weights, not negative; each is normalised to sum to 1.

    Returns
    -------
    float
        In [0, 1]; 0 if both are empty and 1 if one of them is.

    Raises
    ------
    ValueError
        If the shapes differ or an entry is negative.

    Examples
    --------
    >>> js_distance([2, 0], [0, 5])
    1.0
    """
    a, b = _pair(p, q)
    if (a < 0).any() or (b < 0).any():
        raise ValueError("p and q must hold counts of at least 0, got a negative one")
    total_a, total_b = a.sum(), b.sum()
    if total_a == 0 or total_b == 0:
        return 0.0 if total_a == total_b else 1.0
    a, b = a / total_a, b / total_b
    middle = (a + b) / 2
    divergence = (_relative_entropy(a, middle) + _relative_entropy(b, middle)) / 2
    return float(np.sqrt(np.clip(divergence, 0, 1)))


def query_set_accuracy(metric: Metric, scores: Iterable[float | None]) -> float:
    """Average a metric over the groups of a query set.

    Parameters
    ----------
    metric : {"precision", "cosine_distance", "js_distance"}
    scores : iterable of float or None
        One per group that is not empty over all items; None where the sample
        has no item of the group, which counts 0, 1 and 1 respectively [1]_.

    Returns
    -------
    float
        The plain mean; NaN without any group.

    Raises
    ------
    ValueError
        If the metric is another.

    Examples
    --------
    >>> query_set_accuracy("precision", [1.0, None])
    0.5
    """
    empty = EMPTY_SCORE[check_choice(metric, "metric", EMPTY_SCORE)]
    filled = [empty if score is None else score for score in scores]
    return float(np.mean(filled)) if filled else float("nan")


def _relative_entropy(p: NDArray[np.float64], m: NDArray[np.float64]) -> float:
    # A weight so small that its half is zero has nothing to add.
    held = (p > 0) & (m > 0)
    return float(np.sum(p[held] * np.log2(p[held] / m[held])))


def _pair(u: ArrayLike, v: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = np.asarray(u, np.float64), np.asarray(v, np.float64)
    if first.ndim != 1 or first.shape != second.shape or not first.size:
        raise ValueError(
            "both must have the same shape (units,) with at least one unit, "
            f"got {first.shape} and {second.shape}"
        )
    return first, second
