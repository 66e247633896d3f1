"""What an exported page holds, which has no kernel to ask."""

from typing import Literal, TypedDict

from latentlens.protocol.figures import QualityReply
from latentlens.protocol.state import Ranked, State
from latentlens.protocol.words import By, NdArray


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
