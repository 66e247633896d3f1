"""The mean activation of a group from a probability sample, with an honest interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlens.core.checks import check_share
from latentlens.core.design import Design, effective_size
from latentlens.core.estimated import NO_INTERVAL, NOT_SAMPLED, MeanEstimate
from latentlens.core.interval import Bounds, Task
from latentlens.core.record import LayerIndex

Matrix = NDArray[np.float64]


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
            "The group has no items." if member is not None else NOT_SAMPLED
        )  # fmt: skip
        return _without(np.full(values.shape[1], np.nan), 0.0, words, confidence, counts)
    chosen = values[inside].astype(np.float64)
    whole = member is not None and n_used == n_group
    if design.why_not and not whole:
        mean = weight @ chosen / weight.sum()
        return _without(mean, effective_size(weight), design.why_not, confidence, counts)
    sizes = None if member is None else design.sizes(member)
    task = Task(values, design, member, inside, sizes, bounds, scores, confidence, seed)
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
