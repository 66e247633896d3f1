"""The state of a lens: its traits, each checked in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets as t
from numpy.typing import NDArray

from latentlens.core.checks import check_share
from latentlens.core.query import BYS, CORRECTNESSES, MEASURES
from latentlens.embed import PROJECTIONS
from latentlens.samplers import SAMPLERS
from latentlens.widget.slices import slices
from latentlens.widget.traits import ClassName, LayerName, bundle, rows, synced

STATIC = Path(__file__).parent.parent / "static"
COLORS = ("label", "pred", "correct", "loss", "margin", "unit", "kept")
OWN_PROJECTION = "own"
"""The projection's name when the caller brought a transformer or an array."""
CONTROLS = (
    "sampler", "fraction", "j", "label", "by", "correctness", "k", "measure", "color_by", "unit",
    "selection", "added", "slices",
)  # fmt: skip
"""Traits that may be given when a lens is made."""

if not (STATIC / "widget.js").exists():
    raise ImportError(
        "latentlens is installed without its browser half (latentlens/static/widget.js). "
        "In a checkout run `make setup`; otherwise reinstall latentlens from a wheel."
    )


class State(anywidget.AnyWidget):
    """The synced traits of a lens; `protocol.state.State` has the meaning of each.

    Parameters
    ----------
    layers : mapping of str to int
        The layers that may be shown, with their units.
    keep : int
        How many units per item the index holds.
    classes : sequence of str
        The classes' names.
    own_projection : bool
        Whether the caller brought a projection.
    columns : sequence of str
        What the metadata have.
    n_items : int, optional
        How many items there are, where that is known before the pass.
    **state
        Values of the traits.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    status = synced(t.Unicode("waiting", read_only=True))
    progress = synced(t.Float(0.0, read_only=True))
    doing = synced(t.Unicode("", read_only=True))
    error = synced(t.Unicode("", read_only=True))
    about = bundle()
    items = bundle()
    points = bundle()
    ranked = bundle()

    sampler = synced(t.Unicode("max_margin"))
    fraction = synced(t.Float(0.05))
    j = synced(t.Float(0.7))
    layer = synced(LayerName(""))
    label = synced(ClassName(""))
    by = synced(t.Unicode("true"))
    correctness = synced(t.Unicode("all"))
    k = synced(t.Int(10))
    measure = synced(t.Unicode("max"))
    projection = synced(t.Unicode("pca"))
    color_by = synced(t.Unicode("label"))
    unit = synced(t.Int(-1))
    selection = rows()
    added = rows()
    slices = slices()
    map_trust = bundle()

    def __init__(
        self,
        *,
        layers: Mapping[str, int],
        keep: int,
        classes: Sequence[str],
        own_projection: bool,
        columns: Sequence[str] = (),
        n_items: int | None = None,
        **state: Any,
    ) -> None:
        self._layers, self._classes = tuple(layers), ("", *classes)
        self._units = dict(layers)
        # An index that holds a layer whole can rank any number of its units.
        self._most_k = keep if any(units > keep for units in layers.values()) else None
        self._projections = (*PROJECTIONS, OWN_PROJECTION) if own_projection else PROJECTIONS
        self._n_items = n_items
        self._colors = (*COLORS, *columns)
        if self._most_k is not None:
            state.setdefault("k", min(10, self._most_k))
        super().__init__(**state)

    @t.validate("fraction")
    def _check_fraction(self, proposal: Any) -> float:
        return _in_words(check_share, proposal["value"], "fraction", zero=False)

    @t.validate("j")
    def _check_j(self, proposal: Any) -> float:
        return _in_words(check_share, proposal["value"], "j")

    @t.validate("k")
    def _check_k(self, proposal: Any) -> int:
        k = int(proposal["value"])
        if k < 1:
            raise t.TraitError(f"k must be at least 1; got {k}.")
        if self._most_k is not None and k > self._most_k:
            raise t.TraitError(
                f"k must be at most {self._most_k}, what the index keeps per item; got {k}. "
                "For more, make the lens with a larger keep=."
            )
        return k

    @t.validate("label")
    def _check_label(self, proposal: Any) -> str:
        return _one_of(proposal["value"], "label", self._classes)

    @t.validate("layer")
    def _check_layer(self, proposal: Any) -> str:
        return _one_of(self._layer_name(proposal["value"]), "layer", self._layers)

    def _layer_name(self, layer: Any) -> Any:
        """Give the name of what was set as layer, where something else can stand for it."""
        return layer

    @t.validate("sampler")
    def _check_sampler(self, proposal: Any) -> str:
        return _one_of(proposal["value"], "sampler", tuple(SAMPLERS))

    @t.validate("by")
    def _check_by(self, proposal: Any) -> str:
        return _one_of(proposal["value"], "by", BYS)

    @t.validate("correctness")
    def _check_correctness(self, proposal: Any) -> str:
        return _one_of(proposal["value"], "correctness", CORRECTNESSES)

    @t.validate("measure")
    def _check_measure(self, proposal: Any) -> str:
        return _one_of(proposal["value"], "measure", MEASURES)

    @t.validate("color_by")
    def _check_color_by(self, proposal: Any) -> str:
        return _one_of(proposal["value"], "color_by", self._colors)

    @t.validate("projection")
    def _check_projection(self, proposal: Any) -> str:
        return _one_of(proposal["value"], "projection", self._projections)

    @t.validate("unit")
    def _check_unit(self, proposal: Any) -> int:
        if proposal["value"] < -1:
            raise t.TraitError(
                f"unit must be a unit of the layer, or -1 for none; got {proposal['value']}."
            )
        units = self._units.get(self.layer)
        if units is not None and proposal["value"] >= units:
            raise t.TraitError(
                f"unit must be below {units:,}, the units of layer {self.layer!r}, or -1 for "
                f"none; got {proposal['value']}."
            )
        return int(proposal["value"])

    @t.observe("layer")
    def _drop_absent_unit(self, _: Any) -> None:
        if self.unit >= self._units.get(self.layer, self.unit + 1):
            self.unit = -1
            if self.color_by == "unit":
                self.color_by = "label"

    @t.validate("selection", "added")
    def _check_rows(self, proposal: Any) -> NDArray[np.uint32]:
        return self._below_end(proposal["value"], proposal["trait"].name)

    @t.validate("slices")
    def _check_slices(self, proposal: Any) -> dict[str, NDArray[np.uint32]]:
        held: dict[str, NDArray[np.uint32]] = proposal["value"]
        return {name: self._below_end(held[name], f"slices[{name!r}]") for name in held}

    def _below_end(self, chosen: NDArray[np.uint32], name: str) -> NDArray[np.uint32]:
        if self._n_items is not None and len(chosen) and chosen[-1] >= self._n_items:
            raise t.TraitError(
                f"{name} must hold rows below {self._n_items:,}; got {chosen[-1]:,}."
            )
        return chosen


def _in_words(check: Callable[..., float], *args: Any, **options: Any) -> float:
    try:
        return check(*args, **options)
    except (TypeError, ValueError) as error:
        raise t.TraitError(str(error)) from None


def _one_of(value: Any, name: str, choices: Sequence[str]) -> str:
    if isinstance(value, str) and value in choices:
        return value
    listed = ", ".join(repr(choice) for choice in choices[:20])
    more = f" and {len(choices) - 20} more" if len(choices) > 20 else ""
    raise t.TraitError(f"{name} must be one of {listed}{more}; got {value!r}.")
