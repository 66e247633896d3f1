"""The same number of items from every cell of a coarse grid over the latent."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from latentlens.core.sample import Ranking
from latentlens.samplers.base import BaseSampler, rank_within
from latentlens.samplers.gmm import centre, leading_components

DIMENSIONS = 5


class LatentGridSampler(BaseSampler):
    """Random items from the cells of a grid of two bins in each of five dimensions [1]_.

    The dimensions are the latent's first principal components, each cut at the
    middle of its range. Every cell gives the same number of items, and a cell with
    fewer gives all it has. In the paper the sample then falls short of its size;
    here the other cells make up for it, so that a fraction of 1 takes everything.
    Each cell has one permutation, so a larger sample contains every smaller one.
    An item weighs the size of its cell over the number drawn from it.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seed of the permutations.

    References
    ----------
    .. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
       Learning Model Diagnosis", arXiv 2002.09754, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.samplers import LatentGridSampler
    >>> rng = np.random.default_rng(0)
    >>> label = np.repeat([0, 1], 50)
    >>> latent = rng.normal(size=(100, 4)) + 3 * label[:, None]
    >>> sampler = LatentGridSampler().fit(latent, label)
    >>> len(sampler.sample(0.1))
    10
    """

    def __init__(self, *, random_state: int | np.random.RandomState | None = 0) -> None:
        self.random_state = random_state

    @property
    def _name(self) -> str:
        return "latent_grid"

    def _check_arguments(self) -> None:
        check_random_state(self.random_state)

    def _rank(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],  # noqa: ARG002
        pred: NDArray[np.int32] | None,  # noqa: ARG002
        pre_latent: ArrayLike | None,  # noqa: ARG002
    ) -> Ranking:
        group = grid_cells(latent)
        n = len(group)
        return Ranking(
            sampler=self._name,
            group=group.astype(np.int32),
            log_ratio=np.zeros(n),
            rank=rank_within(group, check_random_state(self.random_state).random_sample(n)),
            group_size=np.bincount(group).astype(np.int64),
            uses_j=False,
            probability=True,
            allocation="equal",
        )


def grid_cells(latent: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give each item's cell: bit i says on which side of the middle of component i it lies.

    Returns
    -------
    ndarray of shape (n_items,), int64
        In 0..31.
    """
    narrow, _ = leading_components(centre(latent), min(DIMENSIONS, latent.shape[1]))
    # A component's direction has no sign of its own; its heaviest item lies above.
    heaviest = np.abs(narrow).argmax(axis=0)
    narrow = narrow * np.where(narrow[heaviest, np.arange(narrow.shape[1])] < 0, -1, 1)
    above = narrow > (narrow.min(axis=0) + narrow.max(axis=0)) / 2
    return np.asarray(above @ (1 << np.arange(narrow.shape[1])))
