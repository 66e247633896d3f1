"""What one unit does, item by item and class by class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from latentlens.core.checks import check_count
from latentlens.core.record import LayerIndex
from latentlens.core.unit import (
    LISTED,
    RUN,
    UNKNOWN,
    UnitValues,
    at_hand,
    listed,
    unit_cell_means,
    with_run,
)
from latentlens.session.question import Question
from latentlens.session.session import Session


def check_unit(unit: int, layer: LayerIndex) -> int:
    """Give the number of a unit, refusing one that the layer does not have."""
    why = f"layer {layer.name!r} has {layer.units:,} units"
    return check_count(unit, "unit", layer.units - 1, low=0, why=why)


def unit_values(
    session: Session, question: Question, unit: int, *, run: bool = True
) -> Iterator[tuple[int, int] | UnitValues]:
    """Find a unit's activation on every item, as far as it can be known.

    For all items where activations are at hand; else where the index has it, and
    on the question's sample, on which the model is run.

    Yields
    ------
    (done, total) or UnitValues
        Progress of the model's run, and what was found at last.
    """
    layer = session.layer(question.layer)
    raw = session.raw(layer.name)
    if raw is not None:
        yield at_hand(raw[:, unit].copy())
        return
    known = listed(layer, unit)
    if run and session.has_activations(layer):
        unknown = known.source == UNKNOWN
        rows = np.flatnonzero(unknown & (session.roles(question) > 0))
        for done, total, chunk, values in session.read(layer, rows):
            known = with_run(known, chunk, values[:, unit])
            yield done, total
    yield known


def reply(session: Session, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Send what one unit does.

    Raises
    ------
    ValueError
        If the layer has no such unit.
    """
    question = Question.read(request["question"])
    layer = session.layer(question.layer)
    unit = check_unit(request["unit"], layer)
    record = session.record
    mean, n = unit_cell_means(layer, record.cell_count, unit, question.by, has_pred=record.has_pred)
    for step in unit_values(session, question, unit):
        if not isinstance(step, UnitValues):
            yield {"kind": "progress", "done": step[0], "total": step[1]}
            continue
        count = np.bincount(step.source, minlength=4)
        yield {
            "kind": "unit",
            "value": step.value,
            "n_listed": int(count[LISTED]),
            "n_run": int(count[RUN]),
            "limit": step.limit,
            "mean": mean,
            "n": n.astype(np.float64),
        }
