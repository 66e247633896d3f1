"""A ranking, made once; a sample, cut from it for any fraction and j."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.allocation import Allocation, allocate

if TYPE_CHECKING:
    import pandas as pd

OUTLIER = 1
EXEMPLAR = 2
DRAWN = 3
ADDED = 4
"""Taken besides what the sampler takes, by hand."""
ROLE_NAMES = ("", "outlier", "exemplar", "drawn", "added")
"""Names of the roles by their code; 0 is an item outside the sample."""


def sample_size(fraction: float, n_items: int) -> int:
    """Round `fraction` of `n_items`, half up, and take at least one item.

    Examples
    --------
    >>> from latentlens.core import sample_size
    >>> sample_size(0.05, 797)
    40
    """
    return max(1, min(n_items, int(np.floor(fraction * n_items + 0.5))))


def outlier_count(j: float, size: int) -> int:
    """Round the share `j` of `size`, half up.

    Examples
    --------
    >>> from latentlens.core import outlier_count
    >>> outlier_count(0.7, 40)
    28
    """
    return int(np.floor(j * size + 0.5))


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The order in which a sampler takes the items of each group.

    Parameters
    ----------
    sampler : str
        The sampler's name in the registry.
    group : ndarray of shape (n_items,), int32
        The group each item is ranked in.
    log_ratio : ndarray of shape (n_items,), float64
        Log likelihood ratio of the item's group against the others; low is near
        the boundary. Zero everywhere if the sampler has none.
    rank : ndarray of shape (n_items,), int64
        Position in the group's order, most outlying first.
    group_size : ndarray of shape (n_groups,), int64
    uses_j : bool
        Whether both ends are taken; if not, the head of the order alone.
    probability : bool
        Whether inclusion probabilities are known, so that intervals may be given.
    allocation : {"proportional", "equal", "sqrt", "completion", "fixed"}
        How a sample is shared among the groups; see `allocate`.
    floor : int
        What every group gets first.
    weigh : callable, optional
        Takes the rows of a sample and gives their weights, shape (n,) float64. If
        not given they are the group's size over its share of the sample where
        `probability` holds, and 1 elsewhere.
    notes : tuple of str
        Sentences for the reader; empty if the fit went as usual.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.samplers import RandomSampler
    >>> ranking = RandomSampler(random_state=0).fit(np.eye(6), [0, 0, 0, 1, 1, 1]).ranking_
    >>> ranking.sampler, ranking.sample(0.5, 0.7).index.tolist()
    ('random', [4, 2, 1])
    """

    sampler: str
    group: NDArray[np.int32]
    log_ratio: NDArray[np.float64]
    rank: NDArray[np.int64]
    group_size: NDArray[np.int64]
    uses_j: bool = True
    probability: bool = False
    allocation: Allocation = "proportional"
    floor: int = 0
    weigh: Callable[[NDArray[np.int64]], NDArray[np.float64]] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.group)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Items group by group, each group in its order; shape (n_items,)."""
        return np.lexsort((self.rank, self.group))

    @property
    def weighted(self) -> bool:
        """Whether sampled items may stand for different numbers of items."""
        return self.weigh is not None or (self.probability and len(self.group_size) > 1)

    @property
    def uses_fraction(self) -> bool:
        """Whether a sample's size can be chosen; if not, it is always the same."""
        return self.allocation != "fixed"

    def shares(self, fraction: float) -> NDArray[np.int64]:
        """Give how many items of each group a sample takes, shape (n_groups,).

        Examples
        --------
        >>> import numpy as np
        >>> from latentlens.samplers import RandomSampler
        >>> ranking = RandomSampler(random_state=0).fit(np.eye(6), [0, 0, 0, 1, 1, 1]).ranking_
        >>> ranking.shares(0.5)
        array([3])
        """
        n = sample_size(fraction, len(self))
        return allocate(n, self.group_size, self.allocation, floor=self.floor)

    def roles(self, fraction: float, j: float) -> NDArray[np.uint8]:
        """Say for every item whether and as what the sample takes it.

        Returns
        -------
        ndarray of shape (n_items,), uint8
            0 outside, else OUTLIER, EXEMPLAR or DRAWN (where j does not apply).

        Examples
        --------
        >>> import numpy as np
        >>> from latentlens.samplers import RandomSampler
        >>> ranking = RandomSampler(random_state=0).fit(np.eye(6), [0, 0, 0, 1, 1, 1]).ranking_
        >>> ranking.roles(0.5, 0.7)
        array([0, 3, 3, 0, 3, 0], dtype=uint8)
        """
        n_group = self.shares(fraction)
        if not self.uses_j:
            return np.where(self.rank < n_group[self.group], DRAWN, 0).astype(np.uint8)
        head = np.array([outlier_count(j, int(n)) for n in n_group], np.int64)
        tail = self.group_size - (n_group - head)
        role = np.where(self.rank >= tail[self.group], EXEMPLAR, 0)
        return np.where(self.rank < head[self.group], OUTLIER, role).astype(np.uint8)

    def sample(self, fraction: float, j: float) -> Sample:
        """Cut the sample: no refit, no randomness.

        Examples
        --------
        >>> import numpy as np
        >>> from latentlens.samplers import RandomSampler
        >>> ranking = RandomSampler(random_state=0).fit(np.eye(6), [0, 0, 0, 1, 1, 1]).ranking_
        >>> len(ranking.sample(0.5, 0.7))
        3
        """
        role = self.roles(fraction, j)
        index = np.flatnonzero(role)
        # Outliers first, the most outlying leading; then exemplars, the surest leading.
        exemplar = role[index] == EXEMPLAR
        key = np.where(exemplar, -self.log_ratio[index], self.log_ratio[index])
        within = np.where(exemplar, -self.rank[index], self.rank[index])
        index = index[np.lexsort((index, within, key, exemplar))]
        share = np.bincount(self.group[index], minlength=len(self.group_size))
        return Sample(
            index=index.astype(np.int64),
            role=role[index],
            weight=self._weights(index, share),
            group=self.group[index],
            log_ratio=self.log_ratio[index],
            n_items=len(self),
            # An item of a group that gave none had no chance at all.
            probability=self.probability and bool((share[self.group_size > 0] > 0).all()),
        )

    def _weights(self, index: NDArray[np.int64], share: NDArray[np.int64]) -> NDArray[np.float64]:
        if self.weigh is not None:
            return self.weigh(index)
        if not self.probability:
            return np.ones(len(index))
        group = self.group[index]
        return self.group_size[group] / share[group]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Some of the items, with how each was chosen.

    Parameters
    ----------
    index : ndarray of shape (n,), int64
        Rows of the record; outliers first, the most outlying leading, then
        exemplars, the surest leading, then those added by hand.
    role : ndarray of shape (n,), uint8
        OUTLIER, EXEMPLAR, DRAWN or ADDED; `ROLE_NAMES` has the words.
    weight : ndarray of shape (n,), float64
        How many items of its group each stands for: inverse inclusion probability,
        or what the sampler calibrated, or 1 where there is neither. Within a group
        the first two sum to its size.
    group : ndarray of shape (n,), int32
        The group each item was ranked in.
    log_ratio : ndarray of shape (n,), float64
    n_items : int
        How many items the sample was drawn from.
    probability : bool
        Whether every item's chance of being drawn is known and above zero. Only
        then may an estimate carry an interval.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.samplers import RandomSampler
    >>> ranking = RandomSampler(random_state=0).fit(np.eye(6), [0, 0, 0, 1, 1, 1]).ranking_
    >>> sample = ranking.sample(0.5, 0.7)
    >>> sample.index.tolist(), sample.weight.tolist(), sample.probability
    ([4, 2, 1], [2.0, 2.0, 2.0], True)
    """

    index: NDArray[np.int64]
    role: NDArray[np.uint8]
    weight: NDArray[np.float64]
    group: NDArray[np.int32]
    log_ratio: NDArray[np.float64]
    n_items: int
    probability: bool

    def __len__(self) -> int:
        return len(self.index)

    @property
    def note(self) -> str:
        """What to know before this sample is used for an estimate; often empty."""
        n = int((self.role == ADDED).sum())
        if not n:
            return ""
        items = "1 item was" if n == 1 else f"{n:,} items were"
        return (
            f"{items} added by hand. This is no probability sample: its items weigh alike, and "
            "an estimate from it carries no interval."
        )

    def topped_up(self, rows: NDArray[np.int64], ranking: Ranking) -> Sample:
        """Take some items besides; those that are in the sample stay as they are.

        What was added was not drawn by chance, so the weights no longer hold:
        all of them are 1, and `probability` is False.

        Parameters
        ----------
        rows : ndarray of shape (m,), int
        ranking : Ranking
            What this sample was cut from.

        Returns
        -------
        Sample
            Itself if it holds all of `rows`.

        Examples
        --------
        >>> import numpy as np
        >>> from latentlens.samplers import RandomSampler
        >>> ranking = RandomSampler(random_state=0).fit(np.eye(6), [0, 0, 0, 1, 1, 1]).ranking_
        >>> sample = ranking.sample(0.5, 0.7)
        >>> sample.topped_up(np.array([0]), ranking).probability
        False
        """
        new = np.setdiff1d(np.asarray(rows, np.int64), self.index)
        if not len(new):
            return self
        index = np.concatenate([self.index, new])
        return Sample(
            index=index,
            role=np.concatenate([self.role, np.full(len(new), ADDED, np.uint8)]),
            weight=np.ones(len(index)),
            group=ranking.group[index],
            log_ratio=ranking.log_ratio[index],
            n_items=self.n_items,
            probability=False,
        )

    @property
    def frame(self) -> pd.DataFrame:
        """The sample as a DataFrame, one row per item, indexed by row.

        Its rows are items, not figures about a group, so that none has an interval.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "role": np.array(ROLE_NAMES)[self.role],
            "weight": self.weight,
            "group": self.group,
            "log_ratio": self.log_ratio,
        }
        frame = pd.DataFrame(columns, index=pd.Index(self.index, name="row"))
        frame.attrs = {"probability": self.probability, "note": self.note}
        return frame
