"""Replies of what is known item by item."""

from typing import Literal, NotRequired, TypedDict

from latentlens.protocol.words import NdArray, SaliencyMethod


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
