"""Items spread out over the latent: visualization-aware sampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from latentlens.core.sample import Ranking
from latentlens.samplers.base import BaseSampler
from latentlens.samplers.gmm import centre
from latentlens.samplers.loops import (
    interchange,
    kernel_sum,
    least_redundant_first,
    nearest_distance,
)

SMALLEST_BLOCK = 32
LARGEST = 2048
"""Items that are found by interchange; the others follow them."""
POOL = 20_000
"""Candidates that a block is exchanged with, and neighbours that distances are taken to."""
REST_WORK = 40_000_000
"""Kernels that may be worked out to put the others in order."""
QUERIES = 200


class VASSampler(BaseSampler):
    """Few items close together: the sum of a Gaussian kernel over all pairs is small [1]_.

    The kernel is exp(-|x - y|^2 / (2 e^2)), e being the median distance of 200
    items to their nearest neighbour that is not equal to them; the paper's e, a
    hundredth of the largest distance, makes every kernel vanish in a latent of
    many units.

    The interchange of [1]_ finds a sample of one size, and another for another
    size. Here a larger sample shall contain a smaller one, so the sizes 32, 64,
    128 and so on to 2,048 are found one after the other: what is there stays, as
    many new items are drawn, and interchange (EXPAND, SHRINK) runs over the new
    ones alone, with all items as candidates, or 20,000 drawn anew from more than
    that. Within a block those come first that are shrunk last. The remaining items
    follow in ascending order of their kernel with the sample, or as much of it as
    40 million kernels cover; ties stand in a random order.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seed of what a block starts from and of the candidates' order.

    Attributes
    ----------
    bandwidth_ : float
        e, in units of the latent's root mean squared deviation from its mean.

    References
    ----------
    .. [1] Y. Park, M. Cafarella and B. Mozafari, "Visualization-aware sampling for
       very large databases", ICDE 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.samplers import VASSampler
    >>> rng = np.random.default_rng(0)
    >>> label = np.repeat([0, 1], 50)
    >>> latent = rng.normal(size=(100, 4)) + 3 * label[:, None]
    >>> sampler = VASSampler().fit(latent, label)
    >>> len(sampler.sample(0.1))
    10
    """

    bandwidth_: float

    def __init__(self, *, random_state: int | np.random.RandomState | None = 0) -> None:
        self.random_state = random_state

    @property
    def _name(self) -> str:
        return "vas"

    def _check_arguments(self) -> None:
        check_random_state(self.random_state)

    def _rank(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],  # noqa: ARG002
        pred: NDArray[np.int32] | None,  # noqa: ARG002
        pre_latent: ArrayLike | None,  # noqa: ARG002
    ) -> Ranking:
        points = centre(latent).astype(np.float32)
        rng = check_random_state(self.random_state)
        n = len(points)
        self.bandwidth_ = median_neighbour_distance(points, rng)
        scale = 1 / (2 * self.bandwidth_**2)
        rank = np.empty(n, np.int64)
        rank[_follow(points, _spread(points, scale, rng), scale, rng)] = np.arange(n)
        return Ranking(
            sampler=self._name,
            group=np.zeros(n, np.int32),
            log_ratio=np.zeros(n),
            rank=rank,
            group_size=np.array([n], np.int64),
            uses_j=False,
        )


def median_neighbour_distance(points: NDArray[np.float32], rng: np.random.RandomState) -> float:
    """Give the median distance of some items to their nearest; 1 if all items are equal."""
    others = rng.permutation(len(points))[:POOL]
    nearest = nearest_distance(points, others[:QUERIES], others)
    nearest = nearest[np.isfinite(nearest)]
    return float(np.median(nearest)) if len(nearest) else 1.0


def _spread(
    points: NDArray[np.float32], scale: float, rng: np.random.RandomState
) -> NDArray[np.int64]:
    """Find blocks of items by interchange, each as large as all before it."""
    chosen = np.zeros(0, np.int64)
    while len(chosen) < min(LARGEST, len(points)):
        free = rng.permutation(np.setdiff1d(np.arange(len(points)), chosen))[:POOL]
        size = max(SMALLEST_BLOCK, len(chosen))
        block = interchange(points, chosen, free[:size], free, scale)
        block = least_redundant_first(points, chosen, block, scale)
        chosen = np.concatenate([chosen, block])
    return chosen


def _follow(
    points: NDArray[np.float32],
    chosen: NDArray[np.int64],
    scale: float,
    rng: np.random.RandomState,
) -> NDArray[np.int64]:
    """Append the items that were not chosen, those least like the chosen first."""
    rest = rng.permutation(np.setdiff1d(np.arange(len(points)), chosen))
    like = kernel_sum(points, rest, chosen[: REST_WORK // max(len(rest), 1)], scale)
    return np.concatenate([chosen, rest[np.argsort(like, kind="stable")]])
