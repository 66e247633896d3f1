"""How a sample was drawn, as far as an estimate has to know it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentlens.core.sample import Ranking, Sample

RANKED = (
    "No interval: the sample was ranked, not drawn by chance, so nothing is known of how far its "
    "mean may be off. The samplers random, latent_grid, stratified and stratified_completion "
    "draw by chance."
)


@dataclass(frozen=True, kw_only=True)
class Design:
    """A stratified sample: whom it took, from which strata, and with what weight.

    A simple random sample is one of a single stratum.

    Parameters
    ----------
    rows : ndarray of shape (n,), int64
        Sampled items whose activations are at hand.
    weight : ndarray of shape (n,), float64
        Inverse inclusion probability of each.
    stratum : ndarray of shape (n,), int64
    item_stratum : ndarray of shape (n_items,), int64
        The stratum of every item, sampled or not.
    stratum_size : ndarray of shape (n_strata,), int64
        Items in each stratum.
    drawn : ndarray of shape (n_strata,), int64
        How many of them were drawn; `rows` may hold fewer after `only`.
    why_not : str
        Why nothing may carry an interval; empty for a probability sample.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import Design
    >>> from latentlens.samplers import RandomSampler
    >>> values = np.arange(40.0)[:, None]
    >>> sampler = RandomSampler(random_state=0).fit(values, np.zeros(40, int))
    >>> design = Design.of(sampler.sample(0.5), sampler.ranking_)
    >>> len(design.rows), float(design.weight[0]), design.why_not
    (20, 2.0, '')
    """

    rows: NDArray[np.int64]
    weight: NDArray[np.float64]
    stratum: NDArray[np.int64]
    item_stratum: NDArray[np.int64]
    stratum_size: NDArray[np.int64]
    drawn: NDArray[np.int64]
    why_not: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, sample: Sample, ranking: Ranking) -> Design:
        """Take the design from a sample and the ranking it was cut from; rows ascend.

        Raises
        ------
        ValueError
            If the two are not about the same items.
        """
        if sample.n_items != len(ranking):
            raise ValueError(
                f"sample was drawn from {sample.n_items:,} items, but ranking has "
                f"{len(ranking):,}; give the ranking that the sample was cut from"
            )
        order = np.argsort(sample.index, kind="stable")
        stratum = sample.group[order].astype(np.int64)
        return cls(
            rows=sample.index[order],
            weight=sample.weight[order].astype(np.float64),
            stratum=stratum,
            item_stratum=ranking.group.astype(np.int64),
            stratum_size=ranking.group_size.astype(np.int64),
            drawn=np.bincount(stratum, minlength=len(ranking.group_size)).astype(np.int64),
            why_not=_why_not(sample, ranking),
        )

    def only(self, keep: NDArray[np.bool_]) -> Design:
        """Leave out rows whose activations are not at hand; what was drawn stays known.

        Parameters
        ----------
        keep : ndarray of shape (n,), bool
        """
        return replace(
            self, rows=self.rows[keep], weight=self.weight[keep], stratum=self.stratum[keep]
        )

    @property
    def taken_whole(self) -> NDArray[np.bool_]:
        """Which strata were drawn to the last item; shape (n_strata,)."""
        return np.asarray(self.drawn >= self.stratum_size)

    def sizes(self, member: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count a group's items in each stratum; shape (n_strata,)."""
        counts = np.bincount(self.item_stratum[member], minlength=len(self.stratum_size))
        return counts.astype(np.int64)


def group_weights(weight: NDArray[np.float64], member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give what each sampled item of a group stands for, 0 for all others.

    Where the sample holds the whole group, every item stands for itself, however it was drawn.

    Parameters
    ----------
    weight : ndarray of shape (n_items,), float64
        0 outside the sample.
    member : ndarray of shape (n_items,), bool

    Returns
    -------
    ndarray of shape (n_items,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core.design import group_weights
    >>> weight = np.array([3.0, 1.0, 0.0])
    >>> group_weights(weight, np.array([True, True, False])).tolist()
    [1.0, 1.0, 0.0]
    >>> group_weights(weight, np.array([True, False, True])).tolist()
    [3.0, 0.0, 0.0]
    """
    whole = bool((weight[member] > 0).all())
    return np.where(member, 1.0 if whole else weight, 0.0)


def effective_size(weight: NDArray[np.float64]) -> float:
    """Give Kish's effective sample size, the squared sum of the weights over the sum of squares.

    Returns
    -------
    float
        The number of items if all weigh the same; 0 for none.

    Examples
    --------
    >>> effective_size(np.array([2.0, 2.0, 2.0]))
    3.0
    """
    squares = float(weight @ weight)
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def _why_not(sample: Sample, ranking: Ranking) -> str:
    if sample.probability:
        return ""
    if sample.note:
        return f"No interval: {sample.note}"
    if not ranking.probability:
        return RANKED
    sampled = np.bincount(sample.group, minlength=len(ranking.group_size))
    empty = int(((sampled == 0) & (ranking.group_size > 0)).sum())
    return (
        f"No interval: {empty:,} of the strata gave no item to the sample, so some items had no "
        "chance of being drawn. Take a larger fraction, or the sampler stratified_completion."
    )
