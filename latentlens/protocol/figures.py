"""Replies of figures: what a group's units do, and what a sample is worth."""

from typing import Literal, TypedDict

from latentlens.protocol.words import Kind, NdArray


class MeansReply(TypedDict):
    """The mean activation over the group's items in the sample."""

    kind: Literal["means"]
    id: int
    mean: NdArray
    """(units,) float64; NaN throughout for an empty group."""
    n_used: int
    effective_n: float
    """As many equally weighted items tell as much."""
    exact: NdArray | None
    """(units,) float64 mean over the whole group, where it is known."""
    low: NdArray | None
    """(units,) float64, the interval's lower ends; None where none may be given."""
    high: NdArray | None
    worth: str
    """What the mean is worth, in one line; empty where nothing can be said."""
    note: str
    """What it took, such as "ran the model on 212 items; 3.1 of 256 MB held"."""


class TopUnits(TypedDict):
    """The k most activated units of a group."""

    unit: list[int]
    value: list[float]
    """By `measure`: the maximum, the count, or the mean."""
    hit: list[bool]
    """Whether the unit is among the group's exact top k, ties included."""
    exact_value: list[float | None]
    """The same unit's exact value, where it is known."""


class Answer(TypedDict):
    """What the panes show for one question."""

    n_group: int
    n_used: int
    """Items of the group that are in the sample."""
    k: int
    """k after the layer's width is taken into account."""
    top: TopUnits | None
    """None where the measure is the mean and the sample's mean is not known here."""
    exact_top: TopUnits | None
    """The exact top k; None where only a sample can tell."""
    precision: float | None
    """precision@k; None where there is nothing to compare or k covers the layer."""
    chance: float
    """precision@k of k units picked blindly."""
    counts: NdArray
    """(units,) uint32: of how many sampled items the unit is the maximum."""
    exact_counts: NdArray
    """(units,) uint32: the same over the whole group."""
    none: int
    """Sampled items with no maximal unit, every unit being zero."""
    exact_none: int
    js_distance: float | None
    """Jensen-Shannon distance of the two histograms, base 2; 1 for an empty sample."""
    mean: NdArray | None
    """(units,) float64 over the sampled items, where their raw values are here."""
    exact_mean: NdArray | None
    """(units,) float64 over the group, where it is known."""
    cosine_distance: float | None
    """Between the two means; 1 for an empty sample."""


class AnswerReply(TypedDict):
    """What the panes show for one question."""

    kind: Literal["answer"]
    id: int
    answer: Answer


class QualityCurve(TypedDict):
    """One sampler's scores by fraction, each a mean over all cells that have items."""

    sampler: str
    title: str
    draws: int
    """How many samples each score is the mean of."""
    s1: list[float | None]
    """precision@k of the top units by maximum."""
    s2: list[float | None]
    """Cosine distance of the means; None until the model has run for it."""
    s3: list[float | None]
    """Jensen-Shannon distance of the maximally activated units."""
    s1_spread: list[float | None]
    """Standard deviation over the draws; None for a single one."""
    s2_spread: list[float | None]
    s3_spread: list[float | None]


class QualityReply(TypedDict):
    """Curves of the sample asked about, which comes first, of random and of coreset samples."""

    kind: Literal["quality"]
    id: int
    fractions: list[float]
    """Ascending; the fraction asked about is among them."""
    curves: list[QualityCurve]
    n_cells: int
    """Cells (layer x class x correctness) averaged over."""
    skipped: list[str]
    """Layers left out because k covers all their units."""
    seeds: str
    """Which draws are averaged, in words."""
    done: bool
    """False for a first reply whose s2 are still to come."""


class ContrastReply(TypedDict):
    """Which units separate two groups, the largest effect first; arrays of shape (n_units,)."""

    kind: Literal["contrast"]
    id: int
    unit: NdArray
    """uint32; of a very wide layer those of largest effect alone."""
    effect: NdArray
    """float64: Hedges' g, positive where the first group's mean is larger; NaN where undefined."""
    low: NdArray
    """float64: its interval for all units at once; NaN where none may be given."""
    high: NdArray
    p: NdArray
    """float64: of equal means, corrected for the number of units."""
    mean: NdArray
    other_mean: NdArray
    n: list[int]
    """Items of the two groups that were read."""
    n_group: list[int]
    n_stand: int
    """Units whose difference stands after the correction."""
    known: Kind
    read_out: str
    """What all of it is worth, in one line."""
    note: str


class UnitReply(TypedDict):
    """What one unit does."""

    kind: Literal["unit"]
    id: int
    value: NdArray
    """(n_items,) float32, exact where it is known and NaN elsewhere."""
    n_listed: int
    """Items whose value the index has."""
    n_run: int
    """Further items of the sample, on which the model was run."""
    limit: float | None
    """What the values of the others are at most; None where all are known."""
    mean: NdArray
    """(3, n_classes) float64: over the correct, incorrect and undecided items of each class."""
    n: NdArray
    """(3, n_classes) float64: how many those are."""
