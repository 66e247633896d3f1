"""All that crosses between kernel and browser, written once.

`js/src/protocol.gen.ts` is generated from this file by `make schema`; a test
fails when it is stale, or when a field of `State` is not a synced trait.

Three kinds of state, which never mix: `State` holds the traits (what one would
restore, link or observe), `Request` and `Reply` are messages (a question about
one thing, answered or refused by id), and what is local (hover, zoom) appears
nowhere here.

Annotations must stay real types: postponed ones hide which fields are optional.
"""

from typing import Literal, NotRequired, TypedDict

Status = Literal["waiting", "running", "ready", "stopped", "failed"]
Correctness = Literal["all", "correct", "incorrect"]
By = Literal["true", "predicted"]
Measure = Literal["max", "count", "mean"]
Kind = Literal["exact", "measured", "estimate", "sample"]
SaliencyMethod = Literal["gradient_x_input", "integrated_gradients", "occlusion"]
Allocation = Literal["proportional", "equal", "sqrt", "completion", "fixed"]


class NdArray(TypedDict):
    """An array as it travels: its bytes in C order, little-endian."""

    dtype: Literal["uint8", "uint16", "uint32", "int32", "float32", "float64"]
    shape: list[int]
    data: bytes


class LayerInfo(TypedDict):
    """One watched layer, in order of execution."""

    name: str
    units: int
    shape: list[int]
    reduce: Literal["unit", "channel", "token"]
    keep: int
    """How many units per item the index holds; `k` may not exceed it."""
    in_browser: bool
    """Whether the index is small enough to be sent; if not, the kernel answers."""


class SamplerInfo(TypedDict):
    """One entry of the sampler menu."""

    name: str
    title: str
    """What the menu shows."""
    uses_j: bool
    uses_fraction: bool
    reason: str
    """Why a control does not apply, in a sentence; empty where all do."""
    absent: str
    """Why it cannot be chosen here, in a sentence; empty where it can."""


class ColumnInfo(TypedDict):
    """One column of the metadata; its values are asked for by name."""

    name: str
    kind: Literal["number", "category", "text"]
    """A scale, colours, or words too many to be coloured."""
    n_missing: int
    n_levels: int
    """How many distinct values there are; 0 for numbers."""


class Start(TypedDict):
    """What a trait is right after the lens was made."""

    name: str
    written: str
    """As Python reads it."""


class Code(TypedDict):
    """How the lens was made, for the code that reproduces what is on screen."""

    made: str
    """The call."""
    start: list[Start]
    """Of each trait that may get a line, in the lines' order."""


class About(TypedDict):
    """What the header and the menus say; fixed once the pass is over."""

    model: str
    n_items: int
    classes: list[str]
    latent_layer: str
    latent_units: int
    latent_in_browser: bool
    """Whether the latent is small enough to be sent."""
    accuracy: float | None
    """Share of labelled items predicted correctly; None where nothing is known."""
    layers: list[LayerInfo]
    samplers: list[SamplerInfo]
    pictures: Literal["image", "text", "series", "none"]
    """What a thumbnail of an item is."""
    no_saliency: str
    """Why there are no attributions, in a sentence; empty where they can be asked for."""
    fixed_layout: str
    """Why no other layout can be chosen here, in a sentence; empty where one can."""
    columns: list[ColumnInfo]
    """What the metadata have."""
    notes: list[str]
    """Sentences the pass has for the reader."""
    code: Code


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


class Question(TypedDict):
    """One state of the controls, complete: traits may arrive later than messages."""

    layer: str
    sampler: str
    fraction: float
    j: float
    label: str
    by: By
    correctness: Correctness
    k: int
    measure: Measure
    selection: NdArray | None
    """None: the selection does not narrow the group."""
    added: NdArray | None
    """uint32 rows taken into the sample besides; None for none."""


class HelloRequest(TypedDict):
    """A view has appeared; the work may begin."""

    kind: Literal["hello"]
    id: int


class LayerRequest(TypedDict):
    """The index and the sums of one layer."""

    kind: Literal["layer"]
    id: int
    layer: str


class LatentRequest(TypedDict):
    """The latent of every item."""

    kind: Literal["latent"]
    id: int


class MeansRequest(TypedDict):
    """The sample's mean activation of a layer whose raw values are not in the browser."""

    kind: Literal["means"]
    id: int
    question: Question


class AnswerRequest(TypedDict):
    """Everything the panes show, for a layer whose index stays in the kernel."""

    kind: Literal["answer"]
    id: int
    question: Question


class PicturesRequest(TypedDict):
    """Thumbnails of some rows, at most 200 at a time."""

    kind: Literal["pictures"]
    id: int
    rows: list[int]


class QualityRequest(TypedDict):
    """How well samples of several sizes answer, beside random ones."""

    kind: Literal["quality"]
    id: int
    sampler: str
    fraction: float
    j: float
    by: By
    k: int
    added: NdArray | None
    """uint32 rows taken into the sample of this fraction besides; None for none."""


class ContrastRequest(TypedDict):
    """Which units separate a group of items from another."""

    kind: Literal["contrast"]
    id: int
    layer: str
    label: str
    by: By
    correctness: Correctness
    selection: NdArray | None
    against: Literal["rest", "opposite"]
    """The rest of the group's class, or the same group with the other correctness."""


class ColumnRequest(TypedDict):
    """The values of one column of the metadata."""

    kind: Literal["column"]
    id: int
    column: str


class NeighborsRequest(TypedDict):
    """The items nearest to one in the latent."""

    kind: Literal["neighbors"]
    id: int
    row: int
    n: int


class UnitRequest(TypedDict):
    """One unit's activation on every item, as far as it can be known, and its means."""

    kind: Literal["unit"]
    id: int
    question: Question
    """Names the layer, the sample and what is meant by class."""
    unit: int


class ItemRequest(TypedDict):
    """What is known of one item."""

    kind: Literal["item"]
    id: int
    row: int


class SaliencyRequest(TypedDict):
    """What of an item's input speaks for a class, or excites a unit."""

    kind: Literal["saliency"]
    id: int
    row: int
    method: SaliencyMethod
    target: str
    """"pred", "label" or a class's name; of no account where a unit is given."""
    layer: str
    unit: int
    """-1 for none."""


class CancelRequest(TypedDict):
    """Stop what is running: the pass, the contrast or the layout, or what is named."""

    kind: Literal["cancel"]
    id: int
    what: NotRequired[Literal["saliency"]]


class OkReply(TypedDict):
    """Heard."""

    kind: Literal["ok"]
    id: int


class LayerReply(TypedDict):
    """One layer's index and sums."""

    kind: Literal["layer"]
    id: int
    layer: str
    top_unit: NdArray
    """(n_items, K) uint16 or uint32."""
    top_value: NdArray
    """(n_items, K) float32, descending."""
    silent: NdArray
    """(n_items,) uint8."""
    cell_sum: NdArray
    """(4, n_classes, units) float64: correct, wrong by true class, wrong by
    predicted class, undecided."""
    cell_count: NdArray
    """(4, n_classes) float64."""


class LatentReply(TypedDict):
    """The latent of every item."""

    kind: Literal["latent"]
    id: int
    latent: NdArray
    """(n_items, d) float32."""


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


class Picture(TypedDict):
    """One item as people see it; `kind` says which field is filled."""

    row: int
    kind: Literal["image", "text", "series", "none"]
    image: NotRequired[NdArray]
    """(H, W) or (H, W, 3) uint8."""
    text: NotRequired[str]
    series: NotRequired[NdArray]
    """(T,) or (T, channels) float32."""


class PicturesReply(TypedDict):
    """The thumbnails asked for, in the order of the rows."""

    kind: Literal["pictures"]
    id: int
    pictures: list[Picture]


class ItemReply(TypedDict):
    """What is known of one item."""

    kind: Literal["item"]
    id: int
    row: int
    classes: list[int]
    """The likeliest classes by number, the first leading; none without logits."""
    probability: list[float]
    """Of each of them, by softmax."""
    picture: Picture
    """Larger than a thumbnail."""
    metadata: list[list[str]]
    """[column, value] of each column."""


class SaliencyReply(TypedDict):
    """Attributions of one item, and what they should add up to."""

    kind: Literal["saliency"]
    id: int
    row: int
    method: SaliencyMethod
    of: str
    """The class, or the layer and its unit."""
    map: NdArray
    """float32: (H, W) of an image, else (length,)."""
    score: float
    """The target's value at the item."""
    baseline_score: float
    """And at the baseline, which is zeros."""
    total: float
    """Sum of the attributions."""
    error: float
    """`total` less (`score` less `baseline_score`)."""


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


class ColumnReply(TypedDict):
    """One column of the metadata."""

    kind: Literal["column"]
    id: int
    column: str
    values: NdArray
    """(n_items,): numbers as float64, NaN where missing; else int32 positions in
    `levels`, -1 where missing."""
    levels: list[str]


class NeighborsReply(TypedDict):
    """The items nearest to one, the nearest first."""

    kind: Literal["neighbors"]
    id: int
    row: int
    rows: NdArray
    """uint32."""
    distance: NdArray
    """float32, Euclidean."""


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


class ProgressReply(TypedDict):
    """How far an answer is; the answer itself follows."""

    kind: Literal["progress"]
    id: int
    done: int
    total: int


class ErrorReply(TypedDict):
    """Why there is no answer, in a sentence."""

    kind: Literal["error"]
    id: int
    message: str


class DroppedReply(TypedDict):
    """A newer question of the same kind took this one's place."""

    kind: Literal["dropped"]
    id: int


Request = (
    HelloRequest
    | LayerRequest
    | LatentRequest
    | MeansRequest
    | AnswerRequest
    | PicturesRequest
    | QualityRequest
    | ContrastRequest
    | ColumnRequest
    | NeighborsRequest
    | UnitRequest
    | ItemRequest
    | SaliencyRequest
    | CancelRequest
)
Reply = (
    OkReply
    | LayerReply
    | LatentReply
    | MeansReply
    | AnswerReply
    | PicturesReply
    | QualityReply
    | ItemReply
    | SaliencyReply
    | ContrastReply
    | ColumnReply
    | NeighborsReply
    | UnitReply
    | ProgressReply
    | ErrorReply
    | DroppedReply
)


class Block(TypedDict):
    """One array of an exported page, whose text stands in an element of its own."""

    dtype: Literal["uint8", "uint16", "uint32", "int32", "float32", "float64"]
    """What its numbers are read as."""
    stored: Literal["uint8", "uint16", "uint32", "int32", "float32", "float64"]
    """What they are written as."""
    coding: Literal["plain", "descending", "sparse"]
    columns: int
    """The length of the last axis, or 1 where there is one axis only."""
    count: int
    bytes: int
    """Length of what was deflated."""


class PageLayer(TypedDict):
    """One layer of an exported page; arrays as in `LayerReply`."""

    layer: str
    keep: int
    top_unit: NdArray | None
    """None: the index follows from the latent."""
    top_value: NdArray | None
    silent: NdArray | None
    cell_sum: NdArray
    cell_count: NdArray


class PagePictures(TypedDict):
    """The pictures of some rows, one after the other."""

    kind: Literal["image", "text", "series", "none"]
    rows: list[int]
    shapes: list[list[int]]
    """Of images or series; one entry where all are alike."""
    values: NdArray | None
    texts: list[str]


class PageQuality(TypedDict):
    """What was known of samples' quality, and by what it was asked."""

    sampler: str
    j: float
    by: By
    k: int
    added: list[int]
    """Rows that were taken into the sample besides."""
    reply: QualityReply


class PageColumn(TypedDict):
    """One column of the metadata; arrays as in `ColumnReply`."""

    column: str
    values: NdArray
    levels: list[str]


class PageContents(TypedDict):
    """All that an exported page holds."""

    state: State
    layers: list[PageLayer]
    latent: NdArray | None
    rankings: list[Ranked]
    pictures: PagePictures
    quality: list[PageQuality]
    columns: list[PageColumn]
    blocks: list[Block]
