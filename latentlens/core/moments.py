"""The first four moments of some items' activations, gathered piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
POWERS = 4
AT_ONCE = 2**20
"""Activations whose powers are taken together, so that memory stays bounded."""
MEAN_ROUNDING = 1e-14
"""A mean below this share of the origin is zero but for rounding."""
ROUNDING = 1e-13, 1e-24
"""A variance below these shares of the squared distance and of the squared origin is rounding."""


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Weighted sums of powers, unit by unit, from which a group's moments follow.

    They add up, so that no activation need be held.

    Parameters
    ----------
    origin : ndarray of shape (units,), float64
        What powers are taken about; near the mean, so that nothing cancels.
    power : ndarray of shape (4, units), float64
        Sum of weight times the first to fourth power of the distance from `origin`.
    weight, weight_square : float
        Sum of the weights, and of their squares.
    n : int
        Items.
    """

    origin: Matrix
    power: Matrix
    weight: float = 0.0
    weight_square: float = 0.0
    n: int = 0

    @classmethod
    def none(cls, origin: Matrix) -> Moments:
        """Begin with no items."""
        return cls(origin=origin, power=np.zeros((POWERS, len(origin))))

    @classmethod
    def of(cls, values: NDArray[np.floating], weight: Matrix | None = None) -> Moments:
        """Gather the moments of items that are all at hand.

        Parameters
        ----------
        values : ndarray of shape (n, units)
        weight : ndarray of shape (n,), optional
            All the same if not given.
        """
        origin = values.mean(axis=0, dtype=np.float64) if len(values) else np.zeros(
            values.shape[1]
        )  # fmt: skip
        return cls.none(origin).plus(values, weight)

    def plus(self, values: NDArray[np.floating], weight: Matrix | None = None) -> Moments:
        """Give the moments with more items; parameters as in `of`."""
        weight = np.ones(len(values)) if weight is None else weight
        power, step = self.power.copy(), max(1, AT_ONCE // max(len(self.origin), 1))
        for start in range(0, len(values), step):
            piece = slice(start, start + step)
            away = values[piece].astype(np.float64) - self.origin
            term = weight[piece, None] * away
            for at in range(POWERS):
                power[at] += term.sum(axis=0)
                term *= away
        return replace(
            self,
            power=power,
            weight=self.weight + float(weight.sum()),
            weight_square=self.weight_square + float(weight @ weight),
            n=self.n + len(values),
        )

    @property
    def n_eff(self) -> float:
        """As many equally weighted items tell as much."""
        return self.weight**2 / self.weight_square if self.weight_square > 0 else 0.0

    @property
    def mean(self) -> Matrix:
        """Weighted mean; NaN without items."""
        mean = self.origin + self._raw(1)
        return np.where(np.abs(mean) <= MEAN_ROUNDING * np.abs(self.origin), 0, mean)

    @property
    def variance(self) -> Matrix:
        """Unbiased where all weigh alike; NaN for fewer than two items."""
        if self.n < 2 or self.n_eff <= 1:
            return np.full(len(self.origin), np.nan)
        return self.central(2) * self.n_eff / (self.n_eff - 1)

    def central(self, power: int) -> Matrix:
        """Give the weighted mean of a power, 2 to 4, of the distance from the mean."""
        shift, second = self._raw(1), self._raw(2)
        if power == 2:
            about_mean = second - shift**2
            rounding = np.maximum(ROUNDING[0] * second, ROUNDING[1] * self.origin**2)
            return np.where(about_mean <= rounding, 0, about_mean)
        third = self._raw(3)
        if power == 3:
            return third - 3 * shift * second + 2 * shift**3
        fourth = self._raw(4) - 4 * shift * third + 6 * shift**2 * second - 3 * shift**4
        return np.maximum(fourth, 0)

    def _raw(self, power: int) -> Matrix:
        if not self.n:
            return np.full(len(self.origin), np.nan)
        return np.asarray(self.power[power - 1] / self.weight)
