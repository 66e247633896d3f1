"""By how much two groups of items differ, unit by unit.

References
----------
.. [1] L. V. Hedges and I. Olkin, "Statistical Methods for Meta-Analysis",
   Academic Press 1985, chapter 5.
.. [2] Y. Benjamini and Y. Hochberg, "Controlling the False Discovery Rate",
   JRSS B 57, 1995.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from latentlens.core.checks import check_share
from latentlens.core.design import effective_size

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GroupDifference:
    """Each unit's standardised mean difference between two groups.

    Parameters
    ----------
    effect : ndarray of shape (units,), float64
        Hedges' g, positive where the first group's mean is larger; NaN where a
        group has fewer than two items or neither varies and the means differ.
    low, high : ndarray of shape (units,), float64
        Its interval; NaN without one.
    p_value : ndarray of shape (units,), float64
        Of Welch's t test of equal means; NaN without one.
    flag : ndarray of shape (units,), bool
        Which differences stand after correction for the number of units.
    mean : (ndarray, ndarray) of shape (units,), float64
        The two weighted means.
    n : (int, int)
        Items of the two groups behind the numbers.
    effective_n : (float, float)
        As many equally weighted items tell as much.
    note : str
        Why something is missing; may be empty.
    """

    effect: Matrix
    low: Matrix
    high: Matrix
    p_value: Matrix
    flag: NDArray[np.bool_]
    mean: tuple[Matrix, Matrix]
    n: tuple[int, int]
    effective_n: tuple[float, float]
    note: str = ""


def compare_groups(
    values: NDArray[np.floating],
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    *,
    weight: Matrix | None = None,
    why_not: str = "",
    confidence: float = 0.95,
    false_discoveries: float = 0.05,
) -> GroupDifference:
    """Compare two groups' activations, each unit by itself.

    The groups are taken as draws from what produces such items, so that the
    interval has width even where every item was read. Unequal weights count
    through the effective number of items.

    Parameters
    ----------
    values : ndarray of shape (n, units)
        Activations of the items at hand.
    first, second : ndarray of shape (n,), bool
        The groups; they share no item.
    weight : ndarray of shape (n,), optional
        Inverse inclusion probabilities; all the same if not given.
    why_not : str
        Why there may be no interval and no flag, as `Design.why_not` has it.
    confidence : float
        In (0, 1).
    false_discoveries : float
        Expected share of false flags among the flags, by [2]_.

    Returns
    -------
    GroupDifference

    Raises
    ------
    ValueError
        If shapes do not agree or the groups share items.

    Notes
    -----
    g is the difference of means over the pooled standard deviation, times
    1 - 3 / (4 (n1 + n2) - 9); its variance is taken as
    1 / n1 + 1 / n2 + g^2 / (2 (n1 + n2)) [1]_.
    """
    check_share(confidence, "confidence", zero=False)
    check_share(false_discoveries, "false_discoveries", zero=False)
    weight = np.ones(len(values)) if weight is None else np.asarray(weight, np.float64)
    _check_groups(values, first, second, weight)
    one, two = (_Moments.of(values[mask], weight[mask]) for mask in (first, second))
    effect = _hedges(one, two)
    low, high = _interval(effect, one.n_eff, two.n_eff, confidence)
    p_value = _welch(one, two)
    note = why_not
    if min(one.n, two.n) < 2:
        note = f"The groups have {one.n:,} and {two.n:,} items here; two of each are needed."
    if note:
        low, high, p_value = (np.full(len(effect), np.nan) for _ in range(3))
    return GroupDifference(
        effect=effect,
        low=low,
        high=high,
        p_value=p_value,
        flag=false_discovery_flags(p_value, false_discoveries),
        mean=(one.mean, two.mean),
        n=(one.n, two.n),
        effective_n=(one.n_eff, two.n_eff),
        note=note,
    )


def false_discovery_flags(p_value: Matrix, level: float) -> NDArray[np.bool_]:
    """Flag what stands after the correction of Benjamini and Hochberg [2]_.

    Parameters
    ----------
    p_value : ndarray of shape (n,)
        NaN where there was no test; it counts as none.
    level : float
        Expected share of false flags among the flags.

    Returns
    -------
    ndarray of shape (n,), bool

    Examples
    --------
    >>> false_discovery_flags(np.array([0.9, 0.001, 0.04]), 0.05).tolist()
    [False, True, False]
    """
    flag = np.zeros(len(p_value), bool)
    tested = np.flatnonzero(~np.isnan(p_value))
    order = tested[np.argsort(p_value[tested], kind="stable")]
    passed = p_value[order] <= level * np.arange(1, len(order) + 1) / max(len(order), 1)
    if passed.any():
        flag[order[: int(np.flatnonzero(passed)[-1]) + 1]] = True
    return flag


@dataclass(frozen=True)
class _Moments:
    mean: Matrix
    variance: Matrix
    n: int
    n_eff: float

    @classmethod
    def of(cls, values: NDArray[np.floating], weight: Matrix) -> _Moments:
        n, n_eff = len(values), effective_size(weight)
        if not n:
            nothing = np.full(values.shape[1], np.nan)
            return cls(nothing, nothing, 0, 0.0)
        share = weight / weight.sum()
        mean = share @ values.astype(np.float64)
        if n < 2 or n_eff <= 1:
            return cls(mean, np.full(len(mean), np.nan), n, n_eff)
        # With equal weights the familiar division by n - 1.
        spread = share @ (values - mean) ** 2 * n_eff / (n_eff - 1)
        return cls(mean, spread, n, n_eff)


def _hedges(one: _Moments, two: _Moments) -> Matrix:
    df = one.n_eff + two.n_eff - 2
    difference = one.mean - two.mean
    if df <= 0:
        return np.full(len(difference), np.nan)
    pooled = ((one.n_eff - 1) * one.variance + (two.n_eff - 1) * two.variance) / df
    flat = pooled <= 0
    standard = difference / np.sqrt(np.where(flat, 1, pooled))
    undefined = np.where(difference == 0, 0.0, np.nan)
    return np.asarray((1 - 3 / (4 * df - 1)) * np.where(flat, undefined, standard))


def _interval(effect: Matrix, n1: float, n2: float, confidence: float) -> tuple[Matrix, Matrix]:
    if min(n1, n2) <= 1:
        nothing = np.full(len(effect), np.nan)
        return nothing, nothing
    variance = 1 / n1 + 1 / n2 + effect**2 / (2 * (n1 + n2))
    half = norm.ppf((1 + confidence) / 2) * np.sqrt(variance)
    return effect - half, effect + half


def _welch(one: _Moments, two: _Moments) -> Matrix:
    if min(one.n_eff, two.n_eff) <= 1:
        return np.full(len(one.mean), np.nan)
    of_mean = one.variance / one.n_eff, two.variance / two.n_eff
    error = of_mean[0] + of_mean[1]
    varies = error > 0
    safe = np.where(varies, error, 1)
    below = of_mean[0] ** 2 / (one.n_eff - 1) + of_mean[1] ** 2 / (two.n_eff - 1)
    df = safe**2 / np.where(varies, below, 1)
    p = 2 * student.sf(np.abs(one.mean - two.mean) / np.sqrt(safe), df)
    return np.asarray(np.where(varies, p, np.nan))


def _check_groups(
    values: NDArray[np.floating],
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    weight: Matrix,
) -> None:
    n = len(values)
    if values.ndim != 2 or any(each.shape != (n,) for each in (first, second, weight)):
        raise ValueError(
            "values must have shape (n, units), and first, second and weight (n,); got "
            f"{values.shape}, {first.shape}, {second.shape} and {weight.shape}"
        )
    shared = int((first & second).sum())
    if shared:
        raise ValueError(
            f"first and second must share no item, but {shared:,} are in both; leave them out of "
            "one of the two"
        )
