"""Every item with the same chance: the probability sample to compare with."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from latentlens.core.sample import Ranking
from latentlens.samplers.base import BaseSampler


class RandomSampler(BaseSampler):
    """Simple random sampling without replacement.

    The order is one permutation, so a larger sample contains every smaller one.
    Each item weighs the number of items over the sample's size.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seed of the permutation.

    Examples
    --------
    >>> import numpy as np
    >>> sampler = RandomSampler().fit(np.eye(10), np.arange(10))
    >>> set(sampler.sample(0.2).index) <= set(sampler.sample(0.5).index)
    True
    """

    def __init__(self, *, random_state: int | np.random.RandomState | None = 0) -> None:
        self.random_state = random_state

    @property
    def _name(self) -> str:
        return "random"

    def _check_arguments(self) -> None:
        check_random_state(self.random_state)

    def _rank(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],  # noqa: ARG002
        pred: NDArray[np.int32] | None,  # noqa: ARG002
        pre_latent: ArrayLike | None,  # noqa: ARG002
    ) -> Ranking:
        n = len(latent)
        return Ranking(
            sampler=self._name,
            group=np.zeros(n, np.int32),
            log_ratio=np.zeros(n),
            rank=check_random_state(self.random_state).permutation(n).astype(np.int64),
            group_size=np.array([n], np.int64),
            uses_j=False,
            probability=True,
        )
