"""Weights that move a sample's mean to its group's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FLOOR = 0.25
"""No weight falls below this share of the equal one."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Weighs the items of a sample such that, group by group, its mean is the group's.

    Parameters
    ----------
    points : ndarray of shape (n_items, d), float
        What is known of every item.
    group : ndarray of shape (n_items,), int
    group_size : ndarray of shape (n_groups,), int64
    """

    points: NDArray[np.floating]
    group: NDArray[np.int32]
    group_size: NDArray[np.int64]

    def __call__(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the weights of the rows `index`; a group's sum to its size.

        Returns
        -------
        ndarray of shape (n,), float64
        """
        weight = np.ones(len(index))
        own = self.group[index]
        for g in np.unique(own):
            mine = own == g
            size = int(self.group_size[g])
            if mine.sum() < size:
                points = self.points[index[mine]].astype(np.float64)
                weight[mine] = size * calibrate(points, self._mean[g])
        return weight

    @cached_property
    def _mean(self) -> NDArray[np.float64]:
        mean = np.zeros((len(self.group_size), self.points.shape[1]))
        for g in np.flatnonzero(self.group_size):
            mean[g] = self.points[self.group == g].mean(axis=0, dtype=np.float64)
        return mean


def calibrate(points: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the smallest change from equal weights that moves the mean of `points` to `mean`.

    The regression estimator's weights [1]_, with the points' mean variance on the
    diagonal of their covariance, so that few points need not reach a mean of many
    units; then kept above a quarter of the equal weight.

    Parameters
    ----------
    points : ndarray of shape (n, d), float64
    mean : ndarray of shape (d,), float64

    Returns
    -------
    ndarray of shape (n,), float64
        Positive, and sums to 1.

    References
    ----------
    .. [1] J.-C. Deville and C.-E. Sarndal, "Calibration estimators in survey
       sampling", Journal of the American Statistical Association 87, 1992.
    """
    n = len(points)
    centre = points.mean(axis=0)
    apart = points - centre
    ridge = np.square(apart).mean()
    if ridge <= np.finfo(np.float64).eps * np.square(points).mean():
        return np.full(n, 1 / n)
    # The same step from the smaller of the two systems, n or d unknowns.
    if n <= points.shape[1]:
        gram = apart @ apart.T / n + ridge * np.eye(n)
        step = np.linalg.solve(gram, apart @ (mean - centre))
    else:
        gram = apart.T @ apart / n + ridge * np.eye(points.shape[1])
        step = apart @ np.linalg.solve(gram, mean - centre)
    weight = np.maximum(1 + step, FLOOR)
    return np.asarray(weight / weight.sum())
