"""The synced traits, and what is in them."""

from typing import TypedDict

from latentlens.protocol.about import About
from latentlens.protocol.words import Allocation, By, Correctness, Measure, NdArray, Status


class Items(TypedDict):
    """What is known of every item."""

    label: NdArray
    """int32, -1 unknown."""
    pred: NdArray
    """int32, -1 unknown."""
    loss: NdArray | None
    """float32, nats, NaN unknown."""
    ids: NdArray | None
    """int32 positions in the dataset; None if row and position are the same."""


class Points(TypedDict):
    """A layout of the items in the plane."""

    projection: str
    xy: NdArray
    """(n_items, 2) float32."""
    done: bool
    """False while the layout is still moving."""


class Ranked(TypedDict):
    """The order in which a sampler takes the items of each group."""

    sampler: str
    group: NdArray
    """(n_items,) uint16 or uint32."""
    rank: NdArray
    """(n_items,) uint32, most outlying first."""
    group_size: NdArray
    """(n_groups,) uint32."""
    log_ratio: NdArray
    """(n_items,) float64: the order of the sample must come out the same on both sides."""
    uses_j: bool
    probability: bool
    weighted: bool
    """Whether sampled items weigh differently; their mean is then asked of the kernel."""
    allocation: Allocation
    """How a sample is shared among the groups."""
    floor: int
    """What every group gets first."""
    notes: list[str]
    """Sentences the sampler has for the reader."""


class Trust(TypedDict):
    """How far a map can be believed: neighbours in the latent that are so on the map."""

    projection: str
    k: int
    """Neighbours per item."""
    kept: NdArray
    """(n_items,) uint8: how many of them the map keeps; 255 where it was not measured."""
    mean: float
    """Share kept, over the items measured."""
    error: float
    """Standard error of `mean`; 0 where every item was measured."""
    random: float
    """What items strewn at random would keep."""
    n_measured: int


class Slice(TypedDict):
    """A selection under a name."""

    name: str
    rows: NdArray
    """uint32, ascending."""


class State(TypedDict):
    """The synced traits; a field's name is the trait's."""

    status: Status
    progress: float
    """Share done of what `doing` names, in [0, 1]."""
    doing: str
    """What the kernel is at, in words; empty when idle."""
    error: str
    """What went wrong, in a sentence; empty if nothing did."""
    about: About | None
    items: Items | None
    points: Points | None
    ranked: Ranked | None
    sampler: str
    fraction: float
    j: float
    layer: str
    label: str
    """A class's name; empty for all classes."""
    by: By
    correctness: Correctness
    k: int
    measure: Measure
    """By what the top-k units are ranked."""
    projection: str
    color_by: str
    """"label", "pred", "correct", "loss", "margin", "unit", "kept" or a column's name."""
    unit: int
    """The unit of `layer` that was picked; -1 for none."""
    selection: NdArray
    """uint32 rows, ascending; empty for none."""
    added: NdArray
    """uint32 rows taken into the sample besides what the sampler takes; ascending."""
    slices: list[Slice]
    """Selections kept under names, in the order they were made."""
    map_trust: Trust | None
    """Of the layout in `points`; None until it is measured."""
