"""Multinomial logistic regression of many classes, a block of items at a time.

What is minimised, from where, and when it stops are as in scikit-learn's
`LogisticRegression`, and so is the fit, up to rounding. A block's scores stay in
the processor's cache, and no more blocks than two for each worker are ever under
way or waiting to be added up.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Matrix = NDArray[np.float64]
Part = tuple[float, Matrix]
Each = Callable[..., Iterable[Part]]

BLOCK_VALUES = 2**18
"""Units and scores in a block, 2 MB of them."""
MOST_WORKERS = 8
"""Each holds two blocks' slopes, of d + 1 times as many values as there are classes."""
STILL = 1e-4
"""The steepest slope of the mean loss that counts as none."""


@dataclass(frozen=True)
class Multinomial:
    """A fitted regression.

    Parameters
    ----------
    coefficient : ndarray of shape (d + 1, n_classes), float64
        The intercepts stand last. Of two classes the first has zeros.
    steps : int
        How many it took.
    """

    coefficient: Matrix
    steps: int

    def scores(self, points: Matrix) -> Matrix:
        """Give the logits of each item's classes, of shape (n_items, n_classes)."""
        return np.asarray(points @ self.coefficient[:-1] + self.coefficient[-1])


def fit_multinomial(
    points: Matrix, column: NDArray[np.int64], n_classes: int, max_steps: int
) -> Multinomial:
    """Fit a multinomial logistic regression with a ridge of weight 1.

    The blocks are shared among the cores, and added up in their own order: the
    result does not depend on how many cores there are.

    Parameters
    ----------
    points : ndarray of shape (n_items, d), float64
    column : ndarray of shape (n_items,), int64
        Each item's class, from 0 to `n_classes` - 1.
    n_classes : int
        2 or more.
    max_steps : int

    Returns
    -------
    Multinomial
    """
    workers = min(MOST_WORKERS, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers, "latentlens ranking") as pool:
        loss = _Loss(points, column, n_classes, partial(_in_order, pool, 2 * workers))
        found = minimize(
            loss,
            np.zeros(loss.n_free),
            method="L-BFGS-B",
            jac=True,
            options={
                "maxiter": max_steps,
                "maxls": 50,
                "gtol": STILL,
                "ftol": 64 * np.finfo(np.float64).eps,
            },
        )
    return Multinomial(loss.whole(found.x), int(found.nit))


def _in_order(
    pool: ThreadPoolExecutor, ahead: int, work: Callable[..., Part], *arguments: Iterable[Matrix]
) -> Iterator[Part]:
    """Give what `work` makes of each set of arguments, at most `ahead` of them at a time."""
    waiting: deque[Future[Part]] = deque()
    for each in zip(*arguments, strict=True):
        if len(waiting) == ahead:
            yield waiting.popleft().result()
        waiting.append(pool.submit(work, *each))
    while waiting:
        yield waiting.popleft().result()


class _Loss:
    """The mean log loss of coefficients with the ridge's, and its slope."""

    def __init__(
        self, points: Matrix, column: NDArray[np.int64], n_classes: int, each: Each
    ) -> None:
        self._n = len(points)
        height = points.shape[1] + 1
        size = max(1, BLOCK_VALUES // (height + n_classes))
        cuts = range(size, self._n, size)
        self._blocks = np.split(points, cuts), np.split(column, cuts)
        self._each = each if cuts else map
        # Two classes share one logit, whose ridge is paid once.
        self._fixed = np.zeros((height, 1 if n_classes == 2 else 0))
        self.n_free = height * (n_classes - self._fixed.shape[1])

    def whole(self, free: Matrix) -> Matrix:
        """Give all coefficients, of shape (d + 1, n_classes), from those that move."""
        return np.column_stack([self._fixed, free.reshape(len(self._fixed), -1)])

    def __call__(self, free: Matrix) -> tuple[float, Matrix]:
        coefficient = self.whole(free)
        ridge = coefficient.copy()
        ridge[-1] = 0
        loss, slope = 0.5 * float((ridge**2).sum()), ridge
        for part, part_slope in self._each(partial(_block_loss, coefficient), *self._blocks):
            loss += part
            slope += part_slope
        return loss / self._n, slope[:, self._fixed.shape[1] :].ravel() / self._n


def _block_loss(
    coefficient: Matrix, points: Matrix, column: NDArray[np.int64]
) -> tuple[float, Matrix]:
    """Give the summed log loss of some items, and its slope of shape (d + 1, n_classes).

    Scores are held class by class: few classes are then as quickly gone through as many.
    """
    at = column, np.arange(len(column))
    with_one = np.vstack([points.T, np.ones(len(points))])
    score = coefficient.T @ with_one
    score -= score.max(axis=0)
    own = score[at]
    np.exp(score, out=score)
    total = score.sum(axis=0)
    # To divide the items by the total is to divide the many more scores.
    score[at] -= total
    with_one /= total
    return float((np.log(total) - own).sum()), with_one @ score.T
