"""By how much two groups of items differ, unit by unit.

References
----------
.. [1] L. V. Hedges and I. Olkin, "Statistical Methods for Meta-Analysis",
   Academic Press 1985, chapter 5.
.. [2] S. Holm, "A simple sequentially rejective multiple test procedure",
   Scandinavian Journal of Statistics 6, 1979.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from latentlens.core.checks import check_share
from latentlens.core.moments import Moments

SAME = 1e-12
"""Means of constant units that differ by less than this share of themselves are equal."""

Matrix = NDArray[np.float64]
Pair = tuple[Moments, Moments]


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
        Of equal means, each unit by itself; NaN where there was no test.
    p_corrected : ndarray of shape (units,), float64
        The same, corrected for the number of units that were tested [2]_.
    flag : ndarray of shape (units,), bool
        Which differences stand after the correction.
    mean : (ndarray, ndarray) of shape (units,), float64
        The two weighted means.
    n : (int, int)
        Items of the two groups behind the numbers.
    effective_n : (float, float)
        As many equally weighted items tell as much.
    n_tested : int
        Units of which either group varies.
    confidence : float
        Of the intervals.
    simultaneous : bool
        Whether they hold for all tested units at once.
    note : str
        Why something is missing; may be empty.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import compare_groups
    >>> values = np.array([[1.0, 0.0], [2.0, 0.5], [3.0, 0.0], [7.0, 0.5], [8.0, 0.0], [9.0, 0.5]])
    >>> first = np.array([False, False, False, True, True, True])
    >>> found = compare_groups(values, first, ~first)
    >>> found.n, found.mean[0].round(2).tolist()
    ((3, 3), [8.0, 0.33])
    """

    effect: Matrix
    low: Matrix
    high: Matrix
    p_value: Matrix
    p_corrected: Matrix
    flag: NDArray[np.bool_]
    mean: tuple[Matrix, Matrix]
    n: tuple[int, int]
    effective_n: tuple[float, float]
    n_tested: int
    confidence: float
    simultaneous: bool
    note: str = ""


def compare_groups(
    values: NDArray[np.floating],
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
    *,
    weight: Matrix | None = None,
    why_not: str = "",
    confidence: float = 0.95,
    simultaneous: bool = True,
) -> GroupDifference:
    """Compare two groups' activations, each unit by itself.

    Parameters
    ----------
    values : ndarray of shape (n, units)
        Activations of the items at hand.
    first, second : ndarray of shape (n,), bool
        The groups; they share no item.
    weight : ndarray of shape (n,), optional
        Inverse inclusion probabilities; all the same if not given.
    why_not, confidence, simultaneous
        As in `difference`.

    Returns
    -------
    GroupDifference

    Raises
    ------
    ValueError
        If shapes do not agree or the groups share items.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import compare_groups
    >>> values = np.array([[1.0, 0.0], [2.0, 0.5], [3.0, 0.0], [7.0, 0.5], [8.0, 0.0], [9.0, 0.5]])
    >>> first = np.array([False, False, False, True, True, True])
    >>> found = compare_groups(values, first, ~first)
    >>> found.effect.round(2).tolist(), found.flag.tolist()
    ([4.8, 0.46], [True, False])
    """
    weight = np.ones(len(values)) if weight is None else np.asarray(weight, np.float64)
    _check_groups(values, first, second, weight)
    one, two = (Moments.of(values[mask], weight[mask]) for mask in (first, second))
    return difference(one, two, why_not=why_not, confidence=confidence, simultaneous=simultaneous)


def difference(
    one: Moments,
    two: Moments,
    *,
    why_not: str = "",
    confidence: float = 0.95,
    simultaneous: bool = True,
) -> GroupDifference:
    """Compare two groups by their moments, each unit by itself.

    The groups are taken as draws from what produces such items, so that the
    interval has width even where every item was read. Unequal weights count
    through the effective number of items.

    Parameters
    ----------
    one, two : Moments
    why_not : str
        Why there may be no interval and no test, as `Design.why_not` has it.
    confidence : float
        In (0, 1).
    simultaneous : bool
        Whether the intervals hold for all tested units at once (Bonferroni), or
        for each by itself.

    Returns
    -------
    GroupDifference

    Notes
    -----
    g is the difference of means over the pooled standard deviation, times
    1 - 3 / (4 (n1 + n2) - 9). Its standard error is the larger of the normal
    theory's, 1 / n1 + 1 / n2 + g^2 / (2 (n1 + n2)) [1]_, and of the one to first
    order in the groups' own third and fourth moments, with Welch's degrees of
    freedom: rectified units are skewed and vary more where they are active,
    for which the first alone is far too narrow. The p value is the larger of
    Student's and Welch's: a small group in which a unit happens to be silent
    throughout has no spread, which Welch's alone takes for certainty.

    A group that was chosen by what these units do differs in them by
    construction; p then says how clear-cut it is, and is no evidence.
    """
    check_share(confidence, "confidence", zero=False)
    pair = (one, two)
    note = why_not
    if min(one.n, two.n) < 2:
        note = f"The groups have {one.n:,} and {two.n:,} items here; two of each are needed."
    effect, p_value = _hedges(pair), _p_value(pair)
    if note:
        p_value = np.full(len(effect), np.nan)
    n_tested = int((~np.isnan(p_value)).sum())
    alpha = (1 - confidence) / (max(n_tested, 1) if simultaneous else 1)
    half = np.where(np.isnan(p_value), np.nan, _half_width(pair, effect, alpha))
    p_corrected = holm(p_value)
    return GroupDifference(
        effect=effect,
        low=effect - half,
        high=effect + half,
        p_value=p_value,
        p_corrected=p_corrected,
        flag=p_corrected <= 1 - confidence,
        mean=(one.mean, two.mean),
        n=(one.n, two.n),
        effective_n=(one.n_eff, two.n_eff),
        n_tested=n_tested,
        confidence=confidence,
        simultaneous=simultaneous,
        note=note,
    )


def holm(p_value: Matrix) -> Matrix:
    """Correct for the number of tests, however they depend on each other [2]_.

    Parameters
    ----------
    p_value : ndarray of shape (n,)
        NaN where there was no test; it counts as none.

    Returns
    -------
    ndarray of shape (n,), float64
        At most 1; NaN where there was no test.

    Examples
    --------
    >>> holm(np.array([0.9, 0.001, 0.02])).round(3).tolist()
    [0.9, 0.003, 0.04]
    """
    corrected = np.full(len(p_value), np.nan)
    tested = np.flatnonzero(~np.isnan(p_value))
    order = tested[np.argsort(p_value[tested], kind="stable")]
    times = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p_value[order] * times), 1)
    return corrected


def _pooled(pair: Pair) -> tuple[Matrix, float]:
    """Give the variance that both groups are taken to share, and its degrees of freedom."""
    one, two = pair
    df = one.n_eff + two.n_eff - 2
    if df <= 0:
        return np.full(len(one.mean), np.nan), 0.0
    return ((one.n_eff - 1) * one.variance + (two.n_eff - 1) * two.variance) / df, df


def _hedges(pair: Pair) -> Matrix:
    pooled, df = _pooled(pair)
    gap = pair[0].mean - pair[1].mean
    if df <= 0:
        return np.full(len(gap), np.nan)
    flat = pooled <= 0
    standard = gap / np.sqrt(np.where(flat, 1, pooled))
    size = np.maximum(np.abs(pair[0].mean), np.abs(pair[1].mean))
    undefined = np.where(np.abs(gap) <= SAME * size, 0.0, np.nan)
    return np.asarray((1 - 3 / (4 * df - 1)) * np.where(flat, undefined, standard))


def _half_width(pair: Pair, effect: Matrix, alpha: float) -> Matrix:
    """Give half the interval's width by the larger of two standard errors."""
    pooled, df = _pooled(pair)
    if min(pair[0].n_eff, pair[1].n_eff) <= 1:
        return np.full(len(effect), np.nan)
    scale = np.where(pooled > 0, pooled, 1)
    parts = [
        _pull(group, sign, effect, scale, (group.n_eff - 1) / df)
        for group, sign in zip(pair, (1, -1), strict=True)
    ]
    n1, n2 = pair[0].n_eff, pair[1].n_eff
    plain = 1 / n1 + 1 / n2 + effect**2 / (2 * (n1 + n2))
    error = np.sqrt(np.maximum(parts[0] + parts[1], plain))
    return np.asarray(student.ppf(1 - alpha / 2, _satterthwaite(pair, parts)) * error)


def _pull(group: Moments, sign: int, effect: Matrix, scale: Matrix, share: float) -> Matrix:
    """Give what one group's chance adds to the variance of g, to first order."""
    lean = effect * share / scale
    second, third, fourth = (group.central(power) for power in (2, 3, 4))
    variance = (
        group.variance / scale
        - sign * lean * third / np.sqrt(scale)
        + lean**2 * (fourth - second**2) / 4
    )
    return np.maximum(variance, 0) / group.n_eff


def _p_value(pair: Pair) -> Matrix:
    """Test for equal means by Student and by Welch, and take the larger p."""
    one, two = pair
    if min(one.n_eff, two.n_eff) <= 1:
        return np.full(len(one.mean), np.nan)
    gap = np.abs(one.mean - two.mean)
    pooled, df = _pooled(pair)
    varies = pooled > 0
    safe = np.where(varies, pooled, 1)
    parts = [group.variance / group.n_eff for group in pair]
    error = np.where(varies, parts[0] + parts[1], 1)
    by_student = student.sf(gap / np.sqrt(safe * (1 / one.n_eff + 1 / two.n_eff)), df)
    by_welch = student.sf(gap / np.sqrt(error), _satterthwaite(pair, parts))
    return np.asarray(np.where(varies, 2 * np.maximum(by_student, by_welch), np.nan))


def _satterthwaite(pair: Pair, parts: list[Matrix]) -> Matrix:
    """Give Welch's degrees of freedom of a sum of two variances, at least 1."""
    below = sum(part**2 / (group.n_eff - 1) for group, part in zip(pair, parts, strict=True))
    safe = np.where(below > 0, below, 1)
    return np.maximum(np.where(below > 0, (parts[0] + parts[1]) ** 2 / safe, 1), 1)


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
