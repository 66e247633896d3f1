"""Records and rankings as parts of a file, and back with every part checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from latentlens.core.allocation import ALLOCATIONS, Allocation
from latentlens.core.calibration import Calibration
from latentlens.core.checks import check_class_names
from latentlens.core.record import CELL_KINDS, LayerIndex, Record, Reduce, count_cells
from latentlens.core.sample import Ranking
from latentlens.store.archive import WrongFile
from latentlens.store.parts import Parts

MOST_ID = 2**31 - 1
"""Positions in a dataset travel to the browser as int32."""


def record_parts(record: Record) -> dict[str, Any]:
    """Take a record apart."""
    parts = {f.name: getattr(record, f.name) for f in fields(Record)}
    parts["meta"] = _plain(record.meta)
    # A list, for the order of execution is part of it.
    parts["layers"] = [_layer_parts(layer) for layer in record.layers.values()]
    return parts


def _layer_parts(layer: LayerIndex) -> dict[str, Any]:
    return {f.name: getattr(layer, f.name) for f in fields(LayerIndex)}


def _plain(value: Any) -> Any:
    """Give JSON-able facts as JSON knows them; None for numbers that it cannot hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def read_record(parts: Parts) -> Record:
    """Put a record together again.

    Raises
    ------
    WrongFile
        If a part is missing, or does not fit to the others.
    """
    latent = parts.array("latent", np.float32, (None, None), finite=True)
    n, classes = len(latent), _read_classes(parts)
    label, pred = (_classes_of(parts, name, n, len(classes)) for name in ("label", "pred"))
    if (pred < 0).any() and (pred >= 0).any():
        raise parts.wrong("pred")
    ids = parts.array("ids", np.int64, (n,))
    cell_count = parts.array("cell_count", np.int64, (CELL_KINDS, len(classes)))
    if ids.min() < 0 or ids.max() > MOST_ID:
        raise parts.wrong("ids")
    if not np.array_equal(cell_count, count_cells(label, pred, len(classes))):
        raise parts.wrong("cell_count")
    record = Record(
        latent=latent,
        label=label,
        pred=pred,
        ids=ids,
        classes=classes,
        cell_count=cell_count,
        latent_layer=parts.text("latent_layer"),
        layers=_read_layers(parts, n, len(classes)),
        logits=parts.maybe("logits", np.float32, (n, len(classes)), finite=True),
        loss=parts.maybe("loss", np.float32, (n,)),
        pre_latent=parts.maybe("pre_latent", np.float32, (n, None), finite=True),
        meta=_read_meta(parts.part("meta")),
    )
    own = record.layers.get(record.latent_layer)
    if own is None or own.units != latent.shape[1]:
        raise parts.wrong("latent_layer")
    return record


def _read_classes(parts: Parts) -> tuple[str, ...]:
    try:
        return check_class_names(parts.texts("classes"))
    except WrongFile:
        raise
    except ValueError:
        raise parts.wrong("classes") from None


def _classes_of(parts: Parts, name: str, n: int, n_classes: int) -> NDArray[np.int32]:
    number = parts.array(name, np.int32, (n,))
    if number.min() < -1 or number.max() >= n_classes:
        raise parts.wrong(name)
    return number


def _read_meta(parts: Parts) -> dict[str, Any]:
    for name in ("model", "weights"):
        if name in parts.content:
            parts.text(name)
    if "notes" in parts.content:
        parts.texts("notes")
    return parts.content


def _read_layers(parts: Parts, n: int, n_classes: int) -> dict[str, LayerIndex]:
    listed = parts.content.get("layers")
    if not isinstance(listed, list):
        raise parts.wrong("layers")
    layers = [
        _read_layer(Parts(each, f"layer {i} of {parts.where}"), n, n_classes)
        for i, each in enumerate(listed)
    ]
    if len({layer.name for layer in layers}) < len(layers):
        raise parts.wrong("layers")
    return {layer.name: layer for layer in layers}


def _read_layer(parts: Parts, n: int, n_classes: int) -> LayerIndex:
    units = parts.count("units", 1, 2**32)
    top_value = parts.array("top_value", np.float32, (n, None), finite=True)
    width = np.uint16 if units <= 2**16 else np.uint32
    top_unit = parts.array("top_unit", width, top_value.shape)
    if top_unit.max() >= units or top_value.shape[1] > units:
        raise parts.wrong("top_unit")
    if (top_value[:, 1:] > top_value[:, :-1]).any():
        raise parts.wrong("top_value")
    reduce = cast(Reduce, parts.text("reduce", get_args(Reduce)))
    return LayerIndex(
        name=parts.text("name"),
        shape=_read_shape(parts, reduce, units),
        reduce=reduce,
        units=units,
        top_unit=top_unit,
        top_value=top_value,
        silent=parts.array("silent", np.bool_, (n,)),
        cell_sum=parts.array("cell_sum", np.float64, (CELL_KINDS, n_classes, units), finite=True),
        unit_max=parts.array("unit_max", np.float32, (units,), finite=True),
        unit_min=parts.array("unit_min", np.float32, (units,), finite=True),
        nonfinite=parts.count("nonfinite"),
    )


def _read_shape(parts: Parts, reduce: Reduce, units: int) -> tuple[int, ...]:
    """Read the shape of an item's activation, of which every unit is a part."""
    shape = parts.counts("shape")
    # Of channels the first axis is kept, and of tokens their width.
    kept = {"unit": shape, "channel": shape[:1], "token": shape[-1:]}[reduce]
    if math.prod(kept) != units or math.prod(shape) > 2**53:
        raise parts.wrong("shape")
    return shape


# -- rankings --------------------------------------------------------------------


def ranking_parts(ranking: Ranking) -> dict[str, Any] | None:
    """Take a ranking apart; None if its weights come from something that cannot be kept."""
    parts = {f.name: getattr(ranking, f.name) for f in fields(Ranking)}
    weigh = parts.pop("weigh")
    if weigh is None:
        return parts
    return {**parts, "calibrated_by": weigh.points} if isinstance(weigh, Calibration) else None


def read_ranking(parts: Parts, n: int) -> Ranking:
    """Put a ranking of `n` items together again.

    Raises
    ------
    WrongFile
        If it is no order of the items of each group.
    """
    group = parts.array("group", np.int32, (n,))
    rank = parts.array("rank", np.int64, (n,))
    group_size = parts.array("group_size", np.int64, (None,))
    if group.min() < 0 or group.max() >= len(group_size):
        raise parts.wrong("group")
    if not np.array_equal(group_size, np.bincount(group, minlength=len(group_size))):
        raise parts.wrong("group_size")
    if not np.array_equal(rank[np.lexsort((rank, group))], _places(group_size)):
        raise parts.wrong("rank")
    log_ratio = parts.array("log_ratio", np.float64, (n,))
    if np.isnan(log_ratio).any():
        raise parts.wrong("log_ratio")
    points = _points(parts, n)
    return Ranking(
        sampler=parts.text("sampler"),
        group=group,
        log_ratio=log_ratio,
        rank=rank,
        group_size=group_size,
        uses_j=parts.flag("uses_j"),
        probability=parts.flag("probability"),
        allocation=cast(Allocation, parts.text("allocation", ALLOCATIONS)),
        floor=parts.count("floor", 0, MOST_ID),
        notes=parts.texts("notes"),
        weigh=None
        if points is None
        else Calibration(points=points, group=group, group_size=group_size),
    )


def _places(group_size: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give 0, 1, ... of each group, one after the other."""
    start = np.repeat(np.cumsum(group_size) - group_size, group_size)
    return np.arange(group_size.sum()) - start


def _points(parts: Parts, n: int) -> NDArray[np.floating[Any]] | None:
    if parts.content.get("calibrated_by") is None:
        return None
    return parts.array("calibrated_by", np.float32, (n, None), finite=True)
