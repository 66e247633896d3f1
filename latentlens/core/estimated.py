"""A group's mean activation as a sample knows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentlens.core.linear import Linearised

NO_INTERVAL, ALL_ITEMS, BETTING, HAJEK_T, GREG_T = range(5)
METHOD_NAMES = ("none", "all_items", "betting", "hajek_t", "greg_t")
"""Names of the methods by their code."""
TRUST_NAMES = ("none", "guaranteed", "guaranteed", "approximate", "approximate")
"""What an interval by each method is worth."""
NOT_SAMPLED = "The group is not in the sample."
"""Of a group whose size is not known either."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class MeanEstimate:
    """Each unit's mean over a group, as a sample knows it.

    Parameters
    ----------
    mean : ndarray of shape (units,), float64
        NaN throughout where the group has no item in the sample.
    low, high : ndarray of shape (units,), float64
        The interval; NaN where none may be given.
    method : ndarray of shape (units,), uint8
        Codes; `METHOD_NAMES` and `TRUST_NAMES` have the words.
    confidence : float
        Of each unit's interval by itself.
    n_used, n_group : int
        The group's items in the sample, and in all; the latter is estimated
        where membership is known on the sample alone.
    effective_n : float
        As many equally weighted items tell as much.
    note : str
        Why there is no interval, or what a reader of it should know; may be empty.
    parts : Linearised, optional
        Where variances come from; None without an interval.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import Design
    >>> from latentlens.samplers import RandomSampler
    >>> values = np.arange(40.0)[:, None]
    >>> sampler = RandomSampler(random_state=0).fit(values, np.zeros(40, int))
    >>> design = Design.of(sampler.sample(0.5), sampler.ranking_)
    >>> from latentlens.core import mean_estimate
    >>> found = mean_estimate(values[design.rows], design, member=np.ones(40, bool))
    >>> found.n_used, found.n_group, found.trust.tolist()
    (20, 40, ['approximate'])
    """

    mean: Matrix
    low: Matrix
    high: Matrix
    method: NDArray[np.uint8]
    confidence: float
    n_used: int
    n_group: int
    effective_n: float
    note: str = ""
    parts: Linearised | None = None

    @property
    def complete(self) -> bool:
        """Whether every item of the group is known to be in the sample, so that it is exact."""
        return self.n_used > 0 and bool((self.method == ALL_ITEMS).all())

    @property
    def method_names(self) -> NDArray[np.str_]:
        """The method of each unit by name."""
        return np.array(METHOD_NAMES)[self.method]

    @property
    def trust(self) -> NDArray[np.str_]:
        """What each unit's interval is worth: "guaranteed", "approximate" or "none"."""
        return np.array(TRUST_NAMES)[self.method]
