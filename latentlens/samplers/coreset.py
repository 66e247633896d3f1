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
EARLY = 20
"""Places of a stratum, after its first, up to which every second goes to an extreme."""
LATE_PER_TEN = 4
"""Of ten places behind them, how many do."""
OTHER_UNIT = 0.7
"""Factor of the kernel of two items whose largest units differ."""
PAIRED = 500
"""Items between which the median distance is taken."""


class CoresetSampler(BaseSampler):
    """Few items that answer much like all: strata, extremes, herding, weights.

    The strata are true class x right or wrong; small ones are taken whole as far
    as that promises less error ("completion", see `latentlens.core.allocate`).
    Within a stratum the order is such that every head of it is good. The first two
    places are herded; from then on every second one goes to an extreme, behind the
    twentieth four of ten, because a few of them have most of the maxima that top
    units are asked for. Extremes are by turns the item of a latent unit's maximum,
    the units of largest maximum leading, and the item whose pre-activation latent
    is farthest from zero in units of the stratum's own spread (Mahalanobis).

    The other places are herded [1]_: each goes to the item that brings the mean of
    a kernel over the head closest to that over the stratum, extremes counted. The
    kernel is exp(-distance / median distance) between pre-activation latents, times
    0.7 where the largest units of the two latents are not the same one, so that
    sums of activations and counts of largest units are both met.

    Herding takes the square of the items, so of a stratum of more than 4,200
    items a pool of its first 801 extremes and random ones is drawn, 2,000 of it
    are put in order, and all others follow at random.

    `Sample.weight` is calibrated: the smallest change from equal weights in each
    stratum that moves the mean of its sample's latents, and of their values before
    the activation, to its own. It uses nothing but these, labels and predictions.
    It is no probability sample, so estimates from it carry no interval;
    `StratifiedSampler` with ``strata="correctness", allocation="completion"`` is
    one, with the same strata.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seed of the pools and of the order of what lies outside them.

    References
    ----------
    .. [1] Y. Chen, M. Welling and A. Smola, "Super-samples from kernel herding",
       UAI 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.samplers import CoresetSampler
    >>> rng = np.random.default_rng(0)
    >>> label = np.repeat([0, 1], 50)
    >>> latent = rng.normal(size=(100, 4)) + 3 * label[:, None]
    >>> sampler = CoresetSampler().fit(latent, label)
    >>> len(sampler.sample(0.1))
    10
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
        unit = np.where(latent.any(axis=1), latent.argmax(axis=1), latent.shape[1])
        rng = check_random_state(self.random_state)
        rank = np.empty(len(group), np.int64)
        by_group = np.argsort(group, kind="stable")
        for rows in np.split(by_group, np.cumsum(size)[:-1]):
            order = order_stratum(points[rows], strong[rows], unit[rows], rng)
            rank[rows[order]] = np.arange(len(rows))
        if pre_latent is not None:
            points = np.hstack([points, centre(strong).astype(np.float32)])
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
    points: NDArray[np.float32],
    strong: NDArray[np.float64],
    unit: NDArray[np.int64],
    rng: np.random.RandomState,
) -> NDArray[np.int64]:
    """Put the items of one stratum in the order in which samples take them.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32
        The latent.
    strong : ndarray of shape (n, d'), float64
        The pre-activation latent.
    unit : ndarray of shape (n,), int64
        Each item's largest unit.
    rng : RandomState

    Returns
    -------
    ndarray of shape (n,), int64
    """
    n = len(points)
    extremes = find_extremes(points, strong)
    # Centred, so that float32 holds the distances.
    near = (strong - strong.mean(axis=0)).astype(np.float32)
    shuffled = rng.permutation(n).astype(np.int64)
    if n <= POOL:
        kernel = similarities(near, unit, shuffled, shuffled[:PAIRED])
        return herd_pool(kernel, shuffled, shuffled, extremes, n)
    extremes = extremes[: int(extreme_places(HEAD).sum())]
    typical = shuffled[: POOL - len(extremes)]
    pool = np.concatenate([extremes, np.setdiff1d(typical, extremes)])
    kernel = similarities(near, unit, pool, typical[:PAIRED])
    head = herd_pool(kernel, pool, typical, extremes, HEAD)
    outside = np.ones(n, np.bool_)
    outside[head] = False
    return np.concatenate([head, shuffled[outside[shuffled]]])


def extreme_places(n: int) -> NDArray[np.bool_]:
    """Say which of the first `n` places of a stratum go to extremes.

    Returns
    -------
    ndarray of shape (n,), bool
    """
    behind_first = np.maximum(np.arange(n + 1) - 1, 0)
    early = np.minimum(behind_first, EARLY)
    due = early // 2 + LATE_PER_TEN * (behind_first - early) // 10
    return due[1:] > due[:-1]


def herd_pool(
    kernel: NDArray[np.float32],
    pool: NDArray[np.int64],
    typical: NDArray[np.int64],
    extremes: NDArray[np.int64],
    n: int,
) -> NDArray[np.int64]:
    """Herd `n` items of a pool to the mean of the typical ones, extremes interspersed."""
    place = np.empty(pool.max() + 1, np.int64)
    place[pool] = np.arange(len(pool))
    mean = kernel[:, place[typical]].mean(axis=1, dtype=np.float64)
    return pool[herd(kernel, mean, place[extremes], extreme_places(n))]


def similarities(
    near: NDArray[np.float32],
    unit: NDArray[np.int64],
    pool: NDArray[np.int64],
    paired: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Give the kernel of all pairs of a pool; the median distance is that of `paired` items.

    Returns
    -------
    ndarray of shape (n_pool, n_pool), float32
    """
    apart = squared_distances(near[paired], near[paired])[np.triu_indices(len(paired), 1)]
    median = np.float32(np.median(apart)) if len(apart) else np.float32(0)
    kernel = squared_distances(near[pool], near[pool])
    kernel /= median if median > 0 else np.float32(1)
    np.sqrt(kernel, out=kernel)
    np.exp(np.negative(kernel, out=kernel), out=kernel)
    other = unit[pool][:, None] != unit[pool]
    return np.multiply(kernel, np.float32(OTHER_UNIT), out=kernel, where=other)


def squared_distances(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the squared distance of every row of `a` to every row of `b`."""
    product = a @ b.T
    product *= -2
    product += np.square(a).sum(axis=1)[:, None]
    product += np.square(b).sum(axis=1)
    return np.maximum(product, 0, out=product)


def find_extremes(points: NDArray[np.float32], strong: NDArray[np.float64]) -> NDArray[np.int64]:
    """List items by turns from two orders; none twice.

    Those that have units' maxima, the units of largest maximum leading, and those
    of great `reach`.

    Parameters
    ----------
    points : ndarray of shape (n, d), float32
        The latent.
    strong : ndarray of shape (n, d'), float64
        The pre-activation latent.

    Returns
    -------
    ndarray of shape (n,), int64
        All items, since all have a reach.
    """
    top = points.max(axis=0)
    varied = np.flatnonzero(top > points.min(axis=0))
    units = varied[np.argsort(-top[varied], kind="stable")]
    orders = [
        points[:, units].argmax(axis=0),
        np.argsort(-reach(strong), kind="stable"),
    ]
    turn = np.concatenate([2 * np.arange(len(order)) + i for i, order in enumerate(orders)])
    listed = np.concatenate(orders)[np.argsort(turn, kind="stable")]
    first = np.sort(np.unique(listed, return_index=True)[1])
    return np.asarray(listed[first], np.int64)


def reach(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give each item's squared distance from zero in units of the items' own spread.

    Mahalanobis' distance about zero, where the network is silent, with the mean
    variance on the diagonal of the covariance.

    Returns
    -------
    ndarray of shape (n,), float64
    """
    n, d = points.shape
    apart = points - points.mean(axis=0)
    ridge = np.square(apart).mean()
    if ridge <= np.finfo(np.float64).eps * np.square(points).mean():
        return np.square(points).sum(axis=1)
    if n > d:
        spread = apart.T @ apart / n + ridge * np.eye(d)
        return np.einsum("ij,ji->i", points, np.linalg.solve(spread, points.T))
    # The same by Woodbury's identity, with n unknowns in place of d.
    across = apart @ points.T
    inside = np.linalg.solve(apart @ apart.T + n * ridge * np.eye(n), across)
    return (np.square(points).sum(axis=1) - np.einsum("ij,ij->j", across, inside)) / ridge
