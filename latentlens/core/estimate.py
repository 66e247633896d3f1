"""The mean activation of a group from a probability sample, with an honest interval.

Which interval a unit gets is a rule, fixed before any value is seen beyond
what the rule names: the betting interval, which holds at any size, where few
items or few that differ stand behind it; else a t interval, which holds
approximately.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from latentlens.core.betting import betting_interval
from latentlens.core.checks import check_share
from latentlens.core.design import Design, effective_size
from latentlens.core.linear import Linearised, greg, hajek
from latentlens.core.record import LayerIndex

NO_INTERVAL, ALL_ITEMS, BETTING, HAJEK_T, GREG_T = range(5)
METHOD_NAMES = ("none", "all_items", "betting", "hajek_t", "greg_t")
"""Names of the methods by their code."""
TRUST_NAMES = ("none", "guaranteed", "guaranteed", "approximate", "approximate")
"""What an interval by each method is worth."""

FEW_ITEMS = 50
"""Sampled items of the group below which a t interval is not trusted."""
FEW_DIFFERENT = 20
"""Values other than the commonest below which it is not either."""
UNITS_AT_ONCE = 512
"""Units whose betting intervals are searched for together, so that they stay in the cache."""

Matrix = NDArray[np.float64]
Bounds = tuple[NDArray[np.floating], NDArray[np.floating]]


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
        return bool((self.method == ALL_ITEMS).all())

    @property
    def method_names(self) -> NDArray[np.str_]:
        """The method of each unit by name."""
        return np.array(METHOD_NAMES)[self.method]

    @property
    def trust(self) -> NDArray[np.str_]:
        """What each unit's interval is worth: "guaranteed", "approximate" or "none"."""
        return np.array(TRUST_NAMES)[self.method]


def mean_estimate(
    values: NDArray[np.floating],
    design: Design,
    *,
    member: NDArray[np.bool_] | None = None,
    inside: NDArray[np.bool_] | None = None,
    bounds: Bounds | None = None,
    scores: Matrix | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> MeanEstimate:
    """Estimate each unit's mean activation over a group, with an interval.

    Fewer than `FEW_ITEMS` sampled items of the group, or fewer than
    `FEW_DIFFERENT` values of a unit other than its commonest, call for the
    betting interval, which is guaranteed; otherwise it is a t interval about the
    regression estimate, or about the weighted mean without `scores`. Items are
    counted by their effective number, here and as degrees of freedom, and those
    of strata taken whole not at all: no chance is in them.

    Parameters
    ----------
    values : ndarray of shape (n, units)
        Activations of `design.rows`.
    design : Design
    member : ndarray of shape (n_items,), bool, optional
        The group.
    inside : ndarray of shape (n,), bool, optional
        The group on `design.rows` alone, where no more is known; one of the two.
    bounds : (ndarray, ndarray) of shape (units,), optional
        What each unit is at least and at most over the group. Without them the
        betting interval cannot be had, and a note says so.
    scores : ndarray of shape (n_items, p), optional
        What is known of every item, as `latent_scores` gives it.
    confidence : float
        In (0, 1).
    seed : int
        Of the order in which the betting interval takes the items.

    Returns
    -------
    MeanEstimate

    Raises
    ------
    ValueError
        If shapes do not agree, or not exactly one of `member` and `inside` is given.

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
    >>> bool(found.low[0] < values.mean() < found.high[0])
    True
    """
    confidence = check_share(confidence, "confidence", zero=False)
    inside = _inside(values, design, member, inside)
    if member is None and len(design) == len(design.item_stratum):
        # What is known on a sample of all items is known of all.
        member = np.zeros(len(design), bool)
        member[design.rows] = inside
    weight, n_used = design.weight[inside], int(inside.sum())
    n_group = round(float(weight.sum())) if member is None else int(member.sum())
    counts = n_used, n_group
    if not n_used:
        words = f"None of the {n_group:,} items of the group is in the sample." if n_group else (
            "The group has no items." if member is not None else "The group is not in the sample."
        )  # fmt: skip
        return _without(np.full(values.shape[1], np.nan), 0.0, words, confidence, counts)
    chosen = values[inside].astype(np.float64)
    whole = member is not None and n_used == n_group
    if design.why_not and not whole:
        mean = weight @ chosen / weight.sum()
        return _without(mean, effective_size(weight), design.why_not, confidence, counts)
    sizes = None if member is None else design.sizes(member)
    task = _Task(values, design, member, inside, sizes, bounds, scores, confidence, seed)
    return task.estimate(n_group)


def value_bounds(layer: LayerIndex, member: NDArray[np.bool_]) -> tuple[Matrix, Matrix]:
    """Bound each unit's activation over a group by what the pass has seen.

    A unit's maximum over the group is the largest value the index lists for it;
    where an item's list leaves it out, it is at most the list's last value.

    Parameters
    ----------
    layer : LayerIndex
    member : ndarray of shape (n_items,), bool

    Returns
    -------
    low, high : ndarray of shape (units,), float64

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import index_activations
    >>> values = [[0.1, 2.0, 0.0], [3.0, 0.5, 0.0], [1.0, 1.5, 0.0]]
    >>> label, pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> layer = index_activations("fc1", values, label, pred, n_classes=2)
    >>> from latentlens.core import value_bounds
    >>> low, high = value_bounds(layer, np.ones(3, bool))
    >>> low.tolist(), high.tolist()
    ([0.10000000149011612, 0.5, 0.0], [3.0, 2.0, 0.0])
    """
    rows = np.flatnonzero(member)
    high = np.full(layer.units, -np.inf)
    np.maximum.at(high, layer.top_unit[rows].ravel(), layer.top_value[rows].ravel())
    if layer.keep < layer.units and len(rows):
        high = np.maximum(high, layer.top_value[rows, -1].max())
    low = layer.unit_min.astype(np.float64)
    return low, np.clip(high, low, layer.unit_max.astype(np.float64))


@dataclass(frozen=True)
class _Task:
    """What one estimate is made of; the group has items in the sample, which chance drew."""

    values: NDArray[np.floating]
    design: Design
    member: NDArray[np.bool_] | None
    inside: NDArray[np.bool_]
    sizes: NDArray[np.int64] | None
    bounds: Bounds | None
    scores: Matrix | None
    confidence: float
    seed: int

    def estimate(self, n_group: int) -> MeanEstimate:
        parts, kind = self._linear()
        low, high, method = self._t_interval(parts, kind)
        mean, low, high = self._within_bounds(parts.mean, low, high)
        mean, low, high, method = self._guaranteed(mean, low, high, method)
        return MeanEstimate(
            mean=mean,
            low=low,
            high=high,
            method=method,
            confidence=self.confidence,
            n_used=int(self.inside.sum()),
            n_group=n_group,
            effective_n=self._effective_n,
            note=self._note(method),
            parts=parts,
        )

    # -- pieces ------------------------------------------------------------------

    @property
    def stratum(self) -> NDArray[np.int64]:
        """Of the group's sampled items."""
        return self.design.stratum[self.inside]

    @property
    def by_chance(self) -> NDArray[np.bool_]:
        """Which of the group's sampled items are from strata that were not taken whole."""
        return np.asarray(~self.design.taken_whole[self.stratum])

    @property
    def worth(self) -> float:
        """As many equally weighted items drawn by chance tell as much."""
        return effective_size(self.design.weight[self.inside][self.by_chance])

    @property
    def complete(self) -> bool:
        """Whether every item of the group is in the sample."""
        return self.sizes is not None and int(self.inside.sum()) == int(self.sizes.sum())

    @property
    def _effective_n(self) -> float:
        """As many equally weighted items tell as much, those of strata taken whole counted too."""
        if self.complete:
            return float(self.inside.sum())
        return effective_size(self.design.weight[self.inside])

    def _linear(self) -> tuple[Linearised, int]:
        """Give the estimate of which the errors are known to first order, and its method."""
        values = self.values.astype(np.float64)
        if self.complete:
            # However it was drawn, every item stands for itself.
            alone = replace(
                self.design, weight=np.ones(len(self.design)), drawn=self.design.stratum_size
            )
            return hajek(values, alone, self.inside), ALL_ITEMS
        if self.member is None or self.scores is None:
            return hajek(values, self.design, self.inside), HAJEK_T
        if len(self.design) <= self.scores.shape[1] + 1:
            return hajek(values, self.design, self.inside), HAJEK_T
        return greg(values, self.design, self.member, self.scores), GREG_T

    def _t_interval(self, parts: Linearised, kind: int) -> tuple[Matrix, Matrix, NDArray[np.uint8]]:
        units = len(parts.mean)
        if self.complete:
            return parts.mean, parts.mean, np.full(units, ALL_ITEMS, np.uint8)
        if self.worth < 2:
            nothing = np.full(units, np.nan)
            return nothing, nothing, np.full(units, NO_INTERVAL, np.uint8)
        half = student.ppf((1 + self.confidence) / 2, self.worth - 1) * np.sqrt(parts.variance())
        return parts.mean - half, parts.mean + half, np.full(units, kind, np.uint8)

    def _within_bounds(
        self, mean: Matrix, low: Matrix, high: Matrix
    ) -> tuple[Matrix, Matrix, Matrix]:
        if self.bounds is None:
            return mean, low, high
        least, most = self.bounds
        return np.clip(mean, least, most), np.maximum(low, least), np.minimum(high, most)

    def _guaranteed(
        self, mean: Matrix, low: Matrix, high: Matrix, method: NDArray[np.uint8]
    ) -> tuple[Matrix, Matrix, Matrix, NDArray[np.uint8]]:
        """Put the betting interval where the rule asks for it."""
        if self.complete or self.bounds is None or self.sizes is None:
            return mean, low, high, method
        chosen = np.flatnonzero(self._too_few())
        mean, low, high, method = mean.copy(), low.copy(), high.copy(), method.copy()
        for begin in range(0, len(chosen), UNITS_AT_ONCE):
            units = chosen[begin : begin + UNITS_AT_ONCE]
            low[units], high[units] = self._bet_on(units)
        mean[chosen] = np.clip(mean[chosen], low[chosen], high[chosen])
        method[chosen] = BETTING
        return mean, low, high, method

    def _too_few(self) -> NDArray[np.bool_]:
        units = self.values.shape[1]
        if self.worth < FEW_ITEMS:
            return np.ones(units, bool)
        drawn = self.values[self.inside][self.by_chance]
        # Where one value is the commonest by far, it is the median: zero for a sparse unit.
        different = (drawn != np.median(drawn, axis=0)).sum(axis=0)
        return np.asarray(different < FEW_DIFFERENT)

    def _bet_on(self, units: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
        assert self.bounds is not None
        assert self.sizes is not None
        least = np.asarray(self.bounds[0], np.float64)[units]
        span = np.asarray(self.bounds[1], np.float64)[units] - least
        scaled = (self.values[self.inside][:, units] - least) / np.where(span > 0, span, 1)
        low, high = betting_interval(
            np.clip(scaled, 0, 1),
            self.stratum,
            self.sizes,
            confidence=self.confidence,
            seed=self.seed,
        )
        return least + span * low, least + span * high

    def _note(self, method: NDArray[np.uint8]) -> str:
        if (method == NO_INTERVAL).any():
            return "No interval: one item drawn by chance has no spread, and no bounds are known."
        rule_unmet = not self.complete and (self.bounds is None or self.sizes is None)
        if rule_unmet and self._too_few().any():
            return (
                "Units with few items or few values that differ have a t interval that may be too "
                "narrow: without the units' bounds no guaranteed interval can be had."
            )
        return ""


def _inside(
    values: NDArray[np.floating],
    design: Design,
    member: NDArray[np.bool_] | None,
    inside: NDArray[np.bool_] | None,
) -> NDArray[np.bool_]:
    """Say which of the design's rows belong to the group."""
    if values.ndim != 2 or len(values) != len(design):
        raise ValueError(
            f"values must have shape ({len(design)}, units), one row per row of design, "
            f"got {values.shape}"
        )
    if (member is None) == (inside is None):
        raise ValueError("give either member, the group among all items, or inside, not both")
    if member is None:
        assert inside is not None
        return inside
    if member.shape != design.item_stratum.shape:
        raise ValueError(
            f"member must have shape {design.item_stratum.shape}, one entry per item, "
            f"got {member.shape}"
        )
    return np.asarray(member[design.rows])


def _without(
    mean: Matrix, effective_n: float, note: str, confidence: float, counts: tuple[int, int]
) -> MeanEstimate:
    nothing = np.full(len(mean), np.nan)
    return MeanEstimate(
        mean=mean,
        low=nothing,
        high=nothing,
        method=np.full(len(mean), NO_INTERVAL, np.uint8),
        confidence=confidence,
        n_used=counts[0],
        n_group=counts[1],
        effective_n=effective_n,
        note=note,
    )
