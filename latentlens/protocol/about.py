"""What the header and the menus say."""

from typing import Literal, TypedDict


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
