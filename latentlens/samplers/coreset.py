"""A sample made to answer well: rare groups whole, the others by herding."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from latentlens.core.calibration import Calibration
from latentlens.core.checks import check_latent
from latentlens.core.sample import Ranking
from latentlens.samplers.base import BaseSampler
from latentlens.samplers.gmm import centre
from latentlens.samplers.loops import herd
from latentlens.samplers.strata import stratify

HEAD = 2000
"""Items of a stratum that are put in order by herding, where it is larger than the pool."""
POOL = 200 + 2 * HEAD
"""Candidates of a stratum; their kernel takes 70 MB."""
EXTREMES_PER_TEN = 4
PAIRED = 500
"""Items between which the median distance is taken."""


class CoresetSampler(BaseSampler):
    """Few items that answer much like all: strata, extremes, herding, weights.

    The strata are true class x right or wrong; small ones are taken whole as far
    as that promises less error ("completion", see `latentlens.core.allocate`).
    Within a stratum the order is such that every head of it is good. Four places
    of ten go to extremes, which have the maxima that top units are asked for: by
    turns the item of a latent unit's maximum, the units of largest maximum
    leading; the item whose pre-activation latent is farthest from zero in units of
    the stratum's own spread (Mahalanobis); and the one whose is longest.
    The other six are herded [1]_: each is the item that brings the mean of a
    Gaussian kernel over the head closest to that over the stratum, extremes
    counted, the bandwidth being the median squared distance.

    Herding takes the square of the items, so of a stratum of more than 4,200
    items a pool of its first 800 extremes and random ones is drawn, 2,000 of it
    are put in order, and all others follow at random.

    `Sample.weight` is calibrated: the smallest change from equal weights in each
    stratum that moves the mean latent of its sample to its own. It uses nothing
    but the latent, labels and predictions. It is no probability sample, so
    estimates from it carry no interval; `StratifiedSampler` with
    ``strata="correctness", allocation="completion"`` is one, with the same strata.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seed of the pools and of the order of what lies outside them.

    References
    ----------
    .. [1] Y. Chen, M. Welling and A. Smola, "Super-samples from kernel herding",
       UAI 2010.
    """

    def __init__(self, *, random_state: int | np.random.RandomState | None = 0) -> None:
        self.random_state = random_state

    @property
    def _name(self) -> str:
        return "coreset"

    def _check_arguments(self) -> None:
        check_random_state(self.random_state)

    def _rank(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
        pre_latent: ArrayLike | None,
    ) -> Ranking:
        group, note = stratify(label, pred, "correctness")
        self.notes_ += [note] if note else []
        size = np.bincount(group).astype(np.int64)
        strong = scale_down(latent, pre_latent)
        points = centre(latent).astype(np.float32)
        rng = check_random_state(self.random_state)
        rank = np.empty(len(group), np.int64)
        by_group = np.argsort(group, kind="stable")
        for rows in np.split(by_group, np.cumsum(size)[:-1]):
            rank[rows[order_stratum(points[rows], strong[rows], rng)]] = np.arange(len(rows))
        return Ranking(
            sampler=self._name,
            group=group.astype(np.int32),
            log_ratio=np.zeros(len(group)),
            rank=rank,
            group_size=size,
            uses_j=False,
            allocation="completion",
            weigh=Calibration(points=points, group=group.astype(np.int32), group_size=size),
        )


def scale_down(latent: NDArray[np.float64], pre_latent: ArrayLike | None) -> NDArray[np.float64]:
    """Give the pre-activation latent, or the latent without one, with 1 as largest entry.

    Raises
    ------
    ValueError
        If `pre_latent` has another number of items, or values that are not finite.
    """
    strong = latent if pre_latent is None else check_latent(pre_latent, "pre_latent")
    if len(strong) != len(latent):
        raise ValueError(f"pre_latent must have one row per item, {len(latent)}, got {len(strong)}")
    largest = np.abs(strong).max()
    return strong / (largest if largest > 0 else 1)


def order_stratum(
    points: NDArray[np.float32], strong: NDArray[np.float64], rng: np.random.RandomState
) -> NDArray[np.int64]:
    """Put the items of one stratum in the order in which samples take them.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32
        The latent.
    strong : ndarray of shape (n, d'), float64
        The pre-activation latent.
    rng : RandomState

    Returns
    -------
    ndarray of shape (n,), int64
    """
    n = len(points)
    extremes = find_extremes(points, strong)
    shuffled = rng.permutation(n).astype(np.int64)
    if n <= POOL:
        return herd_pool(points, shuffled, shuffled, extremes, n)
    extremes = extremes[: HEAD * EXTREMES_PER_TEN // 10]
    typical = shuffled[: POOL - len(extremes)]
    pool = np.concatenate([extremes, np.setdiff1d(typical, extremes)])
    head = herd_pool(points, pool, typical, extremes, HEAD)
    outside = np.ones(n, np.bool_)
    outside[head] = False
    return np.concatenate([head, shuffled[outside[shuffled]]])


def herd_pool(
    points: NDArray[np.float32],
    pool: NDArray[np.int64],
    typical: NDArray[np.int64],
    extremes: NDArray[np.int64],
    n: int,
) -> NDArray[np.int64]:
    """Herd `n` items of a pool to the mean of the typical ones, extremes interspersed."""
    spread = squared_distances(points[typical[:PAIRED]], points[typical[:PAIRED]])
    apart = spread[np.triu_indices(len(spread), 1)]
    bandwidth = float(np.median(apart)) if len(apart) else 0.0
    place = np.empty(len(points), np.int64)
    place[pool] = np.arange(len(pool))
    kernel = squared_distances(points[pool], points[pool])
    np.exp(kernel / -np.float32(bandwidth if bandwidth > 0 else 1), out=kernel)
    mean = kernel[:, place[typical]].mean(axis=1, dtype=np.float64)
    return pool[herd(kernel, mean, place[extremes], n, EXTREMES_PER_TEN)]


def squared_distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the squared distance of every row of `a` to every row of `b`."""
    product = a @ b.T
    product *= -2
    product += np.square(a).sum(axis=1)[:, None]
    product += np.square(b).sum(axis=1)
    return np.maximum(product, 0, out=product)


def find_extremes(points: NDArray[np.float32], strong: NDArray[np.float64]) -> NDArray[np.int64]:
    """List items by turns from three orders; none twice.

    Those that have units' maxima, the units of largest maximum leading; those of
    great `reach`; and those of great length.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32
        The latent.
    strong : ndarray of shape (n, d'), float64
        The pre-activation latent.

    Returns
    -------
    ndarray of shape (n,), int64
        All items, since all have a length.
    """
    top = points.max(axis=0)
    varied = np.flatnonzero(top > points.min(axis=0))
    units = varied[np.argsort(-top[varied], kind="stable")]
    orders = [
        points[:, units].argmax(axis=0),
        np.argsort(-reach(strong), kind="stable"),
        np.argsort(-np.square(strong).sum(axis=1), kind="stable"),
    ]
    turn = np.concatenate([3 * np.arange(len(order)) + i for i, order in enumerate(orders)])
    listed = np.concatenate(orders)[np.argsort(turn, kind="stable")]
    first = np.sort(np.unique(listed, return_index=True)[1])
    return np.asarray(listed[first], np.int64)


def reach(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each item's squared distance from zero in units of the items' own spread.

    Mahalanobis' distance about zero, where the network is silent, with a tenth of
    the mean variance on the diagonal of the covariance.

    Returns
    -------
    ndarray of shape (n,), float64
    """
    n, d = points.shape
    apart = points - points.mean(axis=0)
    ridge = 0.1 * np.square(apart).mean()
    if ridge <= np.finfo(np.float64).eps * np.square(points).mean():
        return np.square(points).sum(axis=1)
    if n > d:
        spread = apart.T @ apart / n + ridge * np.eye(d)
        return np.einsum("ij,ji->i", points, np.linalg.solve(spread, points.T))
    # The same by Woodbury's identity, with n unknowns in place of d.
    across = apart @ points.T
    inside = np.linalg.solve(apart @ apart.T + n * ridge * np.eye(n), across)
    return (np.square(points).sum(axis=1) - np.einsum("ij,ij->j", across, inside)) / ridge
