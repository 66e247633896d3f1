"""Simple random samples within strata: the probability sample for rare errors."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state

from latentlens.core.allocation import ALLOCATIONS
from latentlens.core.checks import check_choice, check_count
from latentlens.core.sample import Ranking
from latentlens.samplers.base import BaseSampler, rank_within
from latentlens.samplers.strata import STRATA, stratify

RULES = tuple(rule for rule in ALLOCATIONS if rule != "fixed")


class StratifiedSampler(BaseSampler):
    """Simple random sampling without replacement in each stratum.

    Each stratum has one permutation, of which a sample takes the head; with every
    allocation but "proportional" and "completion", whose shares may shrink by a
    few items where they are rounded or a stratum is completed, a larger sample
    contains every smaller one. An item weighs the size of its stratum over the
    number drawn from it. The paper's baseline [1]_ is the default.

    Parameters
    ----------
    strata : {"confusion", "correctness"}
        "confusion": one per predicted and true class. "correctness": per true
        class, right and wrong. Where only labels or only predictions are known,
        the strata are these, and `notes_` says so.
    allocation : {"proportional", "equal", "sqrt", "completion"}
        How a sample is shared; see `latentlens.core.allocate`. In proportion,
        rare cells such as most kinds of error usually get nothing.
    floor : {0, 1}
        Items that every stratum gets first, as far as the sample reaches.
    random_state : int, RandomState or None
        Seed of the permutations.

    References
    ----------
    .. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
       Learning Model Diagnosis", arXiv 2002.09754, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> label = np.repeat([0, 1], [98, 2])
    >>> sampler = StratifiedSampler(strata="correctness", allocation="equal")
    >>> sample = sampler.fit(np.zeros((100, 1)), label, np.zeros(100, int)).sample(0.04)
    >>> sorted(sample.weight.tolist())
    [1.0, 1.0, 49.0, 49.0]
    """

    def __init__(
        self,
        *,
        strata: Literal["confusion", "correctness"] = "confusion",
        allocation: Literal["proportional", "equal", "sqrt", "completion"] = "proportional",
        floor: Literal[0, 1] = 0,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.strata = strata
        self.allocation = allocation
        self.floor = floor
        self.random_state = random_state

    @property
    def _name(self) -> str:
        if (self.strata, self.allocation, self.floor) == ("confusion", "proportional", 0):
            return "stratified"
        return f"stratified_{self.allocation}"

    def _check_arguments(self) -> None:
        check_choice(self.strata, "strata", STRATA)
        check_choice(self.allocation, "allocation", RULES)
        check_count(self.floor, "floor", 1, low=0)

    def _rank(
        self,
        latent: NDArray[np.float64],  # noqa: ARG002
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
        pre_latent: ArrayLike | None,  # noqa: ARG002
    ) -> Ranking:
        group, note = stratify(label, pred, self.strata)
        self.notes_ += [note] if note else []
        n = len(group)
        return Ranking(
            sampler=self._name,
            group=group.astype(np.int32),
            log_ratio=np.zeros(n),
            rank=rank_within(group, check_random_state(self.random_state).random_sample(n)),
            group_size=np.bincount(group).astype(np.int64),
            uses_j=False,
            probability=True,
            allocation=self.allocation,
            floor=self.floor,
        )
