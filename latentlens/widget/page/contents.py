"""What a page holds, as `protocol.page.PageContents`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.from_arrays import index_activations
from latentlens.core.picture import Picture, shrink
from latentlens.core.record import LayerIndex, Record
from latentlens.session import Session
from latentlens.widget.page.arrays import Blocks, narrowed
from latentlens.widget.page.choice import Chosen

PICTURES_AT_ONCE = 200
PICTURES_TRIED = 100
"""How many pictures are packed to tell how large all of them will be."""
SIDES = (64, 48, 32, 24)
"""Pixels to which pictures are shrunk, one after the other, until they fit."""
NOT_FITTED = "This page has no kernel, and this sampler's ranking was left out of it."
NO_SALIENCY = "This page has no kernel, which attributions take."
FIXED_LAYOUT = "This page has no kernel to lay the items out anew."


def pack_state(
    state: Mapping[str, Any],
    chosen: Chosen,
    samplers: Sequence[str],
    columns: Sequence[str],
    blocks: Blocks,
) -> dict[str, Any]:
    """Write the traits as they stand, and what of them holds for a page."""
    about = state["about"]
    layers = [
        {**layer, "keep": min(layer["keep"], chosen.keep), "in_browser": True}
        for layer in about["layers"]
        if layer["name"] in chosen.layers
    ]
    offered = [
        {**entry, "absent": "" if entry["name"] in samplers else NOT_FITTED}
        for entry in about["samplers"]
    ]
    about = {
        **about,
        "layers": layers,
        "samplers": offered,
        "latent_in_browser": chosen.latent,
        "fixed_layout": FIXED_LAYOUT,
        "columns": [entry for entry in about["columns"] if entry["name"] in columns],
        "no_saliency": NO_SALIENCY,
    }
    idle: dict[str, Any] = {"progress": 0.0, "doing": "", "error": ""}
    left_out = {each["name"] for each in state["about"]["columns"]} - set(columns)
    if state["color_by"] in left_out:
        idle["color_by"] = "label"
    points = {**state["points"], "done": True}
    return blocks.pack({**state, **idle, "about": about, "points": points})


def pack_layer(record: Record, layer: LayerIndex, chosen: Chosen, blocks: Blocks) -> dict[str, Any]:
    """Write a layer as `protocol.page.PageLayer`.

    Its sums are rounded to float32, which changes a mean by less than one part in
    ten million; activations are the same to the bit.
    """
    keep = min(layer.keep, chosen.keep)
    sums = layer.cell_sum.astype(np.float32)
    index: dict[str, Any] = {"top_unit": None, "top_value": None, "silent": None}
    if not (chosen.latent and follows_from_latent(record, layer)):
        top = layer.top_unit[:, :keep]
        index = {
            "top_unit": blocks.add(narrowed(top), dtype=top.dtype.name),
            "top_value": blocks.add(layer.top_value[:, :keep], "descending"),
            "silent": blocks.add(layer.silent.astype(np.uint8)),
        }
    return {
        "layer": layer.name,
        "keep": keep,
        **index,
        "cell_sum": blocks.add_floats(sums, dtype="float64"),
        "cell_count": blocks.pack(record.cell_count.astype(np.float64)),
    }


def follows_from_latent(record: Record, layer: LayerIndex) -> bool:
    """Whether a layer's index is, to the bit, what the values of the latent give."""
    if layer.name != record.latent_layer or record.latent.shape[1] != layer.units:
        return False
    again = index_activations(
        layer.name, record.latent, record.label, record.pred,
        n_classes=len(record.classes), keep=layer.keep,
    )  # fmt: skip
    return (
        np.array_equal(again.top_unit, layer.top_unit)
        and np.array_equal(again.top_value, layer.top_value)
        and np.array_equal(again.silent, layer.silent)
    )


def choose_columns(session: Session, color_by: str, room: float) -> list[str]:
    """Name the columns of the metadata that fit, the one on show first."""
    fit: list[str] = []
    for name in sorted(session.metadata, key=lambda name: name != color_by):
        blocks = Blocks()
        packed = pack_column(session, name, blocks)
        size = len(blocks.texts[0]) + sum(map(len, packed["levels"]))
        if size <= room:
            room -= size
            fit.append(name)
    return [name for name in session.metadata if name in fit]


def pack_column(session: Session, name: str, blocks: Blocks) -> dict[str, Any]:
    """Write a column as `protocol.page.PageColumn`."""
    column = session.metadata[name]
    values = blocks.pack(column.values)
    return {"column": name, "values": values, "levels": list(column.levels)}


def read_pictures(session: Session, rows: NDArray[np.int64]) -> list[Picture]:
    """Give what people see of some rows; nothing where there is nothing to see."""
    if session.pictures is None:
        return []
    found: list[Picture] = []
    for at in range(0, len(rows), PICTURES_AT_ONCE):
        found += session.pictures([int(row) for row in rows[at : at + PICTURES_AT_ONCE]])
    return found


def fit_pictures(pictures: Sequence[Picture], room: float) -> tuple[list[Picture], int]:
    """Shrink pictures until they fit, or no further.

    Returns
    -------
    pictures : list of Picture
    side : int
        Pixels of the longest side of what was shrunk; 0 if nothing was.
    """
    shown, side = list(pictures), 0
    for most in SIDES:
        some = shown[:: max(1, len(shown) // PICTURES_TRIED)]
        blocks = Blocks()
        pack_pictures(np.arange(len(some)), some, blocks)
        if sum(map(len, blocks.texts)) * len(shown) <= room * len(some):
            break
        shown = [
            p if p.image is None else replace(p, image=shrink(p.image, most)) for p in pictures
        ]
        side = max((max(p.image.shape[:2]) for p in shown if p.image is not None), default=0)
    return shown, side


def pack_pictures(
    rows: NDArray[np.int64], pictures: Sequence[Picture], blocks: Blocks
) -> dict[str, Any]:
    """Write pictures as `protocol.page.PagePictures`, the values of all in one array."""
    kind = next((picture.kind for picture in pictures if picture.kind != "none"), "none")
    own = [(row, p) for row, p in zip(rows.tolist(), pictures, strict=False) if p.kind == kind]
    values = [p.image if kind == "image" else p.series for _, p in own]
    arrays = [value for value in values if value is not None]
    shapes = [list(array.shape) for array in arrays]
    alike = all(shape == shapes[0] for shape in shapes)
    return {
        "kind": kind,
        "rows": [row for row, _ in own] if kind != "none" else [],
        "shapes": shapes[:1] if alike else shapes,
        "values": blocks.pack(np.concatenate([a.ravel() for a in arrays])) if arrays else None,
        "texts": [p.text or "" for _, p in own] if kind == "text" else [],
    }
