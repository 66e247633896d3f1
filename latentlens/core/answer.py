"""What the panes show for one question, as `protocol.figures.Answer` has it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class TopUnits:
    """The k most activated units of a group, largest first.

    Parameters
    ----------
    unit : list of int
        Equal values stand in order of their unit. Empty for an empty group.
    value : list of float
        By the measure: the maximum, the count, or the mean.
    hit : list of bool
        Whether the unit is among the group's exact top k, ties included.
    exact_value : list of (float or None)
        The unit's exact value, where it is known.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import index_activations
    >>> values = [[0.1, 2.0, 0.0], [3.0, 0.5, 0.0], [1.0, 1.5, 0.0]]
    >>> label, pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> layer = index_activations("fc1", values, label, pred, n_classes=2)
    >>> from latentlens.core import answer
    >>> found = answer(layer, roles=np.array([1, 0, 1]), member=np.ones(3, bool), k=2)
    >>> found.top.unit, found.top.value, found.top.hit
    ([1, 0], [2.0, 1.0], [True, True])
    """

    unit: list[int]
    value: list[float]
    hit: list[bool]
    exact_value: list[float | None]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Everything about one group of items in one layer, in the sample and exactly.

    Parameters
    ----------
    n_group : int
        Items of the group.
    n_used : int
        Those of them that are in the sample.
    k : int
        After the layer's width is taken into account.
    top : TopUnits, optional
        The sample's top k; None where the measure is the mean and the sample's
        mean is not known.
    exact_top : TopUnits, optional
        The group's; None where only a sample can tell.
    precision : float, optional
        Precision@k; None where there is nothing to compare or k covers the
        layer; 0 for a sample without items of the group.
    chance : float
        Precision@k of k units picked blindly.
    counts, exact_counts : ndarray of shape (units,), uint32
        Of how many items the unit is the maximum.
    none, exact_none : int
        Items without a maximal unit, every unit being zero.
    js_distance : float, optional
        Of the two histograms, base 2, with the items without a maximal unit as
        a last bin; 1 for an empty sample, None for an empty group.
    mean, exact_mean : ndarray of shape (units,), float64, optional
        Mean activation, where it is known; None for no items.
    cosine_distance : float, optional
        Between the two means; 1 for an empty sample, None for an empty group.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import index_activations
    >>> values = [[0.1, 2.0, 0.0], [3.0, 0.5, 0.0], [1.0, 1.5, 0.0]]
    >>> label, pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> layer = index_activations("fc1", values, label, pred, n_classes=2)
    >>> from latentlens.core import answer
    >>> found = answer(layer, roles=np.array([1, 0, 1]), member=np.ones(3, bool), k=1)
    >>> found.n_used, found.n_group, round(found.js_distance, 3)
    (2, 3, 0.437)
    """

    n_group: int
    n_used: int
    k: int
    top: TopUnits | None
    exact_top: TopUnits | None
    precision: float | None
    chance: float
    counts: NDArray[np.uint32]
    exact_counts: NDArray[np.uint32]
    none: int
    exact_none: int
    js_distance: float | None
    mean: NDArray[np.float64] | None
    exact_mean: NDArray[np.float64] | None
    cosine_distance: float | None

    def message(self) -> dict[str, Any]:
        """Give the fields by name, as `protocol.figures.Answer` has them; arrays stay arrays."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            name: asdict(value) if isinstance(value, TopUnits) else value
            for name, value in values.items()
        }
