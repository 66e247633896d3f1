"""Confidence intervals for means of bounded values that hold at any size.

References
----------
.. [1] I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random
   variables by betting", JRSS B 86, 2024; sections 4 and 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STAKE = 0.5
"""The share c of the largest bet that cannot lose everything."""
HALVINGS = 24
"""Steps of the search for a limit: its error is 2**-24 of the range, outward."""
FOLD = 64
"""Factors multiplied before a logarithm is taken, so that no product leaves float64."""
TYPICAL_SPREAD = 0.25
"""Standard deviation assumed when the number of draws is chosen, of values in [0, 1]."""

Matrix = NDArray[np.float64]


def betting_interval(
    values: Matrix,
    stratum: NDArray[np.int64],
    sizes: NDArray[np.int64],
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Matrix, Matrix]:
    """Bound the mean of a finite group from items drawn at random in each of its strata.

    The hedged capital of a gambler who bets against a mean stays below
    2 / (1 - confidence) with at least that confidence if the mean is true [1]_;
    means it does not stay below for are excluded. No assumption is made but the
    bounds and the draw without replacement.

    From several strata a simple random sample of the whole group is drawn anew:
    each draw chooses a stratum with a chance in proportion to its items left,
    then its next sampled item. Where none is left the draw counts as the bound.
    Strata of which every item is sampled enter as they are.

    Parameters
    ----------
    values : ndarray of shape (m, units)
        The group's sampled items, in [0, 1].
    stratum : ndarray of shape (m,), int64
    sizes : ndarray of shape (n_strata,), int64
        The group's items in each stratum.
    confidence : float
        In (0, 1), for each unit by itself.
    seed : int
        Of the order in which the items are bet on.

    Returns
    -------
    low, high : ndarray of shape (units,), float64
    """
    sampled = np.bincount(stratum, minlength=len(sizes))
    whole = sampled >= sizes
    known = values[whole[stratum]].sum(axis=0)
    n_open = int(sizes[~whole].sum())
    if not n_open:
        return known / sizes.sum(), known / sizes.sum()
    rng = np.random.default_rng(seed)
    drawn = draw_anew(stratum, np.where(whole, 0, sizes), rng)
    missing = drawn < 0
    seen = values[drawn]
    low = lower_limit(np.where(missing[:, None], 0, seen), n_open, 1 - confidence)
    above = lower_limit(np.where(missing[:, None], 0, 1 - seen), n_open, 1 - confidence)
    n = sizes.sum()
    return (known + n_open * low) / n, (known + n_open * (1 - above)) / n


def draw_anew(
    stratum: NDArray[np.int64], sizes: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw a simple random sample of all strata's items from a stratified one.

    Parameters
    ----------
    stratum : ndarray of shape (m,), int64
        Of the sampled items.
    sizes : ndarray of shape (n_strata,), int64
        Items in each; 0 leaves a stratum out.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (draws,), int64
        Positions in `stratum`; -1 where the stratum drawn has no sampled item left.
    """
    open_strata = np.flatnonzero(sizes)
    items = [rng.permutation(np.flatnonzero(stratum == h)) for h in open_strata]
    if len(items) == 1:
        return items[0] if len(items[0]) else np.array([-1])
    at_hand = np.array([len(each) for each in items])
    size = sizes[open_strata]
    draws = _number_of_draws(at_hand, size)
    # The strata of a simple random sample, in order: a shuffled list of all items' strata.
    came = rng.permutation(np.repeat(np.arange(len(size)), size))[:draws]
    drawn = np.full(draws, -1, np.int64)
    for h, each in enumerate(items):
        places = np.flatnonzero(came == h)[: len(each)]
        drawn[places] = each[: len(places)]
    return drawn


def _number_of_draws(at_hand: NDArray[np.int64], size: NDArray[np.int64]) -> int:
    """Weigh more draws against draws that find their stratum empty; knows no value."""
    share = size / size.sum()
    most = max(int(at_hand.sum()), 1)
    draws = np.arange(1, most + 1)
    expected = share[:, None] * draws
    short = np.maximum(expected - at_hand[:, None], 0).sum(axis=0)
    width = TYPICAL_SPREAD * np.sqrt(2 * np.log(40) / draws) + short / draws
    return int(draws[np.argmin(width)])


def lower_limit(values: Matrix, n_group: int, alpha: float) -> Matrix:
    """Give the largest mean that the gambler who bets on more makes untenable.

    Parameters
    ----------
    values : ndarray of shape (m, units)
        In [0, 1], in an order that chance has made.
    n_group : int
        Items that the draw was from, without replacement.
    alpha : float
        Twice the probability with which the true mean may lie below.

    Returns
    -------
    ndarray of shape (units,), float64
        Not below what the values alone leave possible.
    """
    m = len(values)
    before = np.cumsum(values, axis=0) - values
    bet = _bets(values, before, alpha)
    # Items not seen are at least 0 and at most 1: the mean cannot lie outside these.
    low = values.sum(axis=0) / n_group
    high = 1 - (m - values.sum(axis=0)) / n_group
    threshold = np.log(2 / alpha)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        untenable = _log_capital(middle, values, before, bet, n_group) >= threshold
        low, high = np.where(untenable, middle, low), np.where(untenable, high, middle)
    return np.asarray(low)


def _bets(values: Matrix, before: Matrix, alpha: float) -> Matrix:
    """Give each draw's bet from the draws before it: the predictable plug-in of [1]_."""
    t = np.arange(1, len(values) + 1)[:, None]
    running_mean = (0.5 + before + values) / (t + 1)
    squares = (values - running_mean) ** 2
    variance = (0.25 + np.cumsum(squares, axis=0) - squares) / t
    return np.asarray(np.sqrt(2 * np.log(2 / alpha) / (len(values) * variance)))


def _log_capital(mean: Matrix, values: Matrix, before: Matrix, bet: Matrix, n_group: int) -> Matrix:
    """Give the gambler's log capital; it falls as the mean rises, for each factor does."""
    total, product = np.zeros(len(mean)), np.ones(len(mean))
    tiny = np.finfo(np.float64).tiny
    # A factor lies between 1 - c and 1 + the stake, which is below 7 whatever the values.
    for t, (value, sum_before, stake) in enumerate(zip(values, before, bet, strict=True)):
        left = np.maximum((n_group * mean - sum_before) / (n_group - t), tiny)
        # min(stake, c / left) * (value - left), written so that nothing overflows.
        capped = np.minimum(stake * left, STAKE)
        product *= 1 - capped + capped * (value / left)
        if t % FOLD == FOLD - 1 or t == len(values) - 1:
            total, product = total + np.log(product), np.ones(len(mean))
    return total
