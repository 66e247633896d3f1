"""What the browser asks."""

from typing import Literal, NotRequired, TypedDict

from latentlens.protocol.words import By, Correctness, Measure, NdArray, SaliencyMethod


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
