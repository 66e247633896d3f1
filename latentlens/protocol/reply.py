"""What the kernel says to a question."""

from typing import Literal, TypedDict

from latentlens.protocol.figures import (
    AnswerReply,
    ContrastReply,
    MeansReply,
    QualityReply,
    UnitReply,
)
from latentlens.protocol.items import (
    ColumnReply,
    ItemReply,
    NeighborsReply,
    PicturesReply,
    SaliencyReply,
)
from latentlens.protocol.words import NdArray


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
