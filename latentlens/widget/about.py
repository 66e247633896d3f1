"""What the header and the menus say, fixed once the pass is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.metadata import Column
from latentlens.core.record import LayerIndex, Record
from latentlens.samplers import SAMPLERS, SamplerEntry
from latentlens.session import Session
from latentlens.widget.attributing import why_no_saliency


def describe(session: Session, code: Mapping[str, Any]) -> dict[str, Any]:
    """Say what `protocol.about.About` has.

    Parameters
    ----------
    session : Session
    code : mapping
        What the reader's code is made of; see `protocol.about.Code`.
    """
    record = session.record
    known = record.correct | record.incorrect
    return {
        "model": str(record.meta.get("model", "")),
        "n_items": len(record),
        "classes": list(record.classes),
        "latent_layer": record.latent_layer,
        "latent_units": int(record.latent.shape[1]),
        "latent_in_browser": session.latent_in_browser,
        "accuracy": float(record.correct[known].mean()) if known.any() else None,
        "layers": [_layer(session, layer) for layer in record.layers.values()],
        "samplers": [_sampler(name, entry) for name, entry in SAMPLERS.items()],
        "pictures": session.picture_kind(),
        "no_saliency": why_no_saliency(session),
        "fixed_layout": "",
        "columns": [_column(column) for column in session.metadata.columns],
        "notes": list(record.meta.get("notes", ())),
        "code": dict(code),
    }


def _layer(session: Session, layer: LayerIndex) -> dict[str, Any]:
    return {
        "name": layer.name,
        "units": layer.units,
        "shape": list(layer.shape),
        "reduce": layer.reduce,
        "keep": layer.keep,
        "in_browser": session.in_browser(layer),
    }


def _sampler(name: str, entry: SamplerEntry) -> dict[str, Any]:
    return {
        "name": name,
        "title": entry.title,
        "uses_j": entry.uses_j,
        "uses_fraction": entry.uses_fraction,
        "reason": entry.reason,
        "absent": "",
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "n_missing": int(column.missing.sum()),
        "n_levels": len(column.levels),
    }


def describe_items(record: Record) -> dict[str, Any]:
    """Say what `protocol.state.Items` has."""
    return {
        "label": record.label,
        "pred": record.pred,
        "loss": record.loss,
        "ids": _other_than_rows(record.ids),
    }


def _other_than_rows(ids: NDArray[np.int64]) -> NDArray[np.int32] | None:
    """Give the positions in the dataset, None where they are the rows."""
    return None if (ids == np.arange(len(ids))).all() else ids.astype(np.int32)
