"""How a sample is shared among groups.

`js/src/allocation.ts` holds the same rules; `tests/golden/query.json` holds the two
equal. Whole numbers wherever a rule allows it; where it does not, only operations
that round alike everywhere (+, -, *, / and the square root), sums in a stated order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from latentlens.core.checks import check_choice

Allocation = Literal["proportional", "equal", "sqrt", "completion", "fixed"]
ALLOCATIONS: tuple[Allocation, ...] = get_args(Allocation)

EMPTY_ERROR = 1.2
"""What "completion" expects of a group without an item; one of an item costs below 1."""
MARGIN = 1e-9
"""Far above rounding, far below the step from one item of a group to its next."""

Sizes = NDArray[np.int64]


def allocate(
    n: int, sizes: Sizes, allocation: Allocation = "proportional", *, floor: int = 0
) -> Sizes:
    """Share `n` items among groups; none is asked for more than it has.

    Parameters
    ----------
    n : int
        How many items to share, at most ``sizes.sum()``.
    sizes : ndarray of shape (n_groups,), int64
    allocation : {"proportional", "equal", "sqrt", "completion", "fixed"}
        "proportional": to the sizes, by largest remainder. "equal": the same for
        every group, small ones whole. "sqrt": to the square roots of the sizes.
        "completion": the smallest groups whole and the others equally, as many
        whole as make the sum over groups of sqrt(1/n - 1/size) least. "fixed":
        the first group whole and nothing else, whatever `n` is. Of groups with
        equal claims the one that comes first is served first.
    floor : int
        What every group gets before the rule shares the rest, as far as `n` and
        its size allow; without effect on "fixed".

    Returns
    -------
    ndarray of shape (n_groups,), int64
        Sums to `n`, but for "fixed".

    Raises
    ------
    ValueError
        If there is no such rule.

    Examples
    --------
    >>> from latentlens.core import allocate
    >>> allocate(10, [90, 9, 1]).tolist()
    [9, 1, 0]
    >>> allocate(10, [90, 9, 1], "completion").tolist()
    [4, 5, 1]
    """
    check_choice(allocation, "allocation", ALLOCATIONS)
    sizes = np.asarray(sizes, np.int64)
    if allocation == "fixed":
        return np.where(np.arange(len(sizes)) == 0, sizes, 0)
    low = np.minimum(sizes, floor)
    base = _equal(min(n, int(low.sum())), low)
    return base + RULES[allocation](n - int(base.sum()), sizes - base)


def _proportional(n: int, sizes: Sizes) -> Sizes:
    total = max(int(sizes.sum()), 1)
    share, remainder = np.divmod(n * sizes, total)
    first = np.argsort(-remainder, kind="stable")[: n - int(share.sum())]
    share[first] += 1
    return share


def _equal(n: int, sizes: Sizes) -> Sizes:
    if n >= sizes.sum():
        return sizes.copy()
    ascending = np.sort(sizes)
    whole = np.cumsum(ascending) - ascending
    level = (n - whole) // np.arange(len(sizes), 0, -1)
    # With the groups before it whole, the first one that is larger than the level.
    level = level[np.flatnonzero(level < ascending)[0]]
    share = np.minimum(sizes, level)
    share[np.flatnonzero(sizes > level)[: n - int(share.sum())]] += 1
    return share


def _sqrt(n: int, sizes: Sizes) -> Sizes:
    """Serve the group least served, (2 share + 1)^2 / size, again and again.

    The rule of Webster and Sainte-Lague on square roots, so that a larger sample
    takes nothing from any group. All but the last round is found by bisection.
    """
    if n >= sizes.sum():
        return sizes.copy()

    def served(level: float) -> Sizes:
        return np.minimum(sizes, (1 + np.floor(np.sqrt(level * sizes)).astype(np.int64)) // 2)

    low, high = 0.0, 4.0 * int(sizes.max())
    while low < (middle := (low + high) / 2) < high:
        if served(middle).sum() <= n:
            low = middle
        else:
            high = middle
    share = served(low * (1 - MARGIN))
    claim = np.full(len(sizes), np.inf)
    claim[share < sizes] = ((2 * share + 1) ** 2 / np.maximum(sizes, 1))[share < sizes]
    share[np.argsort(claim, kind="stable")[: n - int(share.sum())]] += 1
    return share


def _completion(n: int, sizes: Sizes) -> Sizes:
    order = np.argsort(sizes, kind="stable")
    ascending = sizes[order]
    if n >= ascending.sum():
        return sizes.copy()
    whole = np.cumsum(ascending) - ascending
    least, best = np.inf, ascending
    for m in range(int(np.searchsorted(whole, n, side="right"))):
        rest = ascending[m:]
        level, left = divmod(n - int(whole[m]), len(rest))
        # Otherwise group m is whole anyway, which is what the next m says.
        if level < rest[0]:
            share = np.where(np.arange(len(rest)) < left, level + 1, level)
            error = float(np.cumsum(_expected_error(share, rest))[-1])
            if error < least:
                least, best = error, np.concatenate([ascending[:m], share])
    given = np.empty_like(sizes)
    given[order] = best
    return given


def _expected_error(share: Sizes, sizes: Sizes) -> NDArray[np.float64]:
    """Expect of a sample mean, up to a factor, what simple random sampling gives."""
    error = np.sqrt(1 / np.maximum(share, 1) - 1 / sizes)
    return np.where(share > 0, error, EMPTY_ERROR)


RULES: dict[str, Callable[[int, Sizes], Sizes]] = {
    "proportional": _proportional,
    "equal": _equal,
    "sqrt": _sqrt,
    "completion": _completion,
}
