"""The interval about a sample's mean.

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
from latentlens.core.design import Design, effective_size
from latentlens.core.estimated import ALL_ITEMS, BETTING, GREG_T, HAJEK_T, NO_INTERVAL, MeanEstimate
from latentlens.core.linear import Linearised, greg, hajek

FEW_ITEMS = 50
"""Sampled items of the group below which a t interval is not trusted."""
FEW_DIFFERENT = 20
"""Values other than the commonest below which it is not either."""
UNITS_AT_ONCE = 512
"""Units whose betting intervals are searched for together, so that they stay in the cache."""

Matrix = NDArray[np.float64]
Bounds = tuple[NDArray[np.floating], NDArray[np.floating]]


@dataclass(frozen=True)
class Task:
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
        """Give the means with their intervals."""
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
