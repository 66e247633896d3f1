"""One item looked at closely: what the model says of it, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from latentlens.core.checks import check_count
from latentlens.session.replies import picture_message
from latentlens.session.session import Session

CLASSES_SHOWN = 5
NO_ATTRIBUTIONS = (
    "Attributions take the model and its data with random access; this lens has not got both."
)


def item(session: Session, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Send what is known of one item: a large picture, likely classes, metadata.

    Raises
    ------
    TypeError, ValueError
        If there is no such row.
    """
    record = session.record
    row = check_count(request["row"], "row", len(record) - 1, low=0)
    order, probability = np.zeros(0, np.int64), np.zeros(0)
    if record.logits is not None:
        logits = record.logits[row].astype(np.float64)
        shares = np.exp(logits - logits.max())
        order = np.argsort(-shares, kind="stable")[:CLASSES_SHOWN]
        probability = shares[order] / shares.sum()
    picture: dict[str, Any] = {"row": row, "kind": "none"}
    if session.pictures is not None:
        picture = picture_message(row, session.pictures.large(row))
    one = np.array([row])
    yield {
        "kind": "item",
        "row": row,
        "classes": order.tolist(),
        "probability": probability.tolist(),
        "picture": picture,
        "metadata": [
            [name, _said(column.take(one).plain()[0])] for name, column in session.metadata.items()
        ],
    }


def saliency(session: Session, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Attribute a class's score, or a unit's activation, to one item's input.

    Raises
    ------
    ImportError
        Without captum.
    ValueError
        If no attribution can be had.
    """
    if session.attribute is None:
        raise ValueError(NO_ATTRIBUTIONS)
    row = check_count(request["row"], "row", len(session.record) - 1, low=0)
    of_unit = request["unit"] >= 0
    aimed = (
        {"layer": request["layer"], "unit": request["unit"]}
        if of_unit
        else {"target": request["target"]}
    )
    for step in session.attribute([row], method=request["method"], **aimed):
        if isinstance(step, tuple):
            yield {"kind": "progress", "done": step[0], "total": step[1]}
            continue
        yield {
            "kind": "saliency",
            "row": row,
            "method": request["method"],
            "of": f"{request['layer']} {step.target}" if of_unit
            else session.record.classes[step.target],
            "map": step.map,
            "score": step.score,
            "baseline_score": step.baseline_score,
            "total": step.total,
            "error": step.error,
        }  # fmt: skip


def _said(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return "missing" if np.isnan(value) else f"{value:.6g}"
    return "missing" if value is None or str(value) in ("<NA>", "nan") else str(value)
