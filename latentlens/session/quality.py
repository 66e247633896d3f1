"""How good samples of several sizes are, as it travels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.fidelity import QuerySet
from latentlens.samplers import SAMPLERS
from latentlens.session.fidelity import (
    Point,
    average,
    averaged_point,
    compared,
    draws_of,
    point,
    seed_words,
    why_no_quality,
)
from latentlens.session.question import Question
from latentlens.session.session import Session

FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Sample sizes of the quality pane's curves, beside the one asked about."""
SCORES = ("s1", "s2", "s3")


def quality(session: Session, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Score a sample and its references: first by the index, then by the model's means.

    The first curve is the sample's own, at the fraction asked about with what was
    added to it by hand.

    Raises
    ------
    ValueError
        If there are no cells, or no layer wider than k, to score a sample by.
    """
    asked = Question.read({**request, "layer": session.record.latent_layer})
    queries = QuerySet(session.record, by=asked.by, k=asked.k)
    curves = _curves(session, asked)
    draws = draws_of([each for curve in curves for each in curve])
    if not len(queries.cells) or len(queries.skipped) == len(queries.layers):
        raise ValueError(why_no_quality(queries))
    for done, total in session.meter.from_index(queries, draws):
        yield {"kind": "progress", "done": done, "total": total}
    complete = not session.meter.lacks_means(queries, draws)
    yield _message(session, queries, curves, done=complete)
    if complete:
        return
    for done, total in session.meter.from_model(queries, draws):
        yield {"kind": "progress", "done": done, "total": total}
    yield _message(session, queries, curves, done=True)


def _curves(session: Session, asked: Question) -> list[list[Point]]:
    """Give the points of the sample's own curve and of its references."""
    fractions = sorted({*FRACTIONS, float(asked.fraction)})
    names = compared(session, asked.sampler)
    added = () if asked.added is None else asked.added.tolist()
    fixed = not session.ranking(asked.sampler).uses_fraction
    own = [
        point(session, asked.sampler, share, asked.j,
              added if fixed or share == float(asked.fraction) else ())
        for share in fractions
    ]  # fmt: skip
    # Chance drew a random sample, so it stands beside the mean of others like it.
    others = names if asked.sampler == "random" else names[1:]
    return [
        own,
        *(
            [averaged_point(session, name, share, asked.j) for share in fractions]
            for name in others
        ),
    ]


def _message(
    session: Session, queries: QuerySet, curves: Sequence[Sequence[Point]], *, done: bool
) -> dict[str, Any]:
    points = [each for curve in curves for each in curve]
    scores = session.meter.scores(queries, draws_of(points))
    found = {score: average(scores.overall(score), points) for score in SCORES}
    shape = len(curves), len(curves[0])

    def values(numbers: NDArray[np.float64], at: int, score: str) -> list[float | None]:
        known = done or score != "s2"
        row = numbers.reshape(shape)[at]
        return [float(x) if known and not np.isnan(x) else None for x in row]

    return {
        "kind": "quality",
        "fractions": [each.fraction for each in curves[0]],
        "curves": [
            {
                "sampler": curve[0].sampler,
                "title": _title(curve, own=at == 0),
                "draws": len(curve[0].draws),
                **{score: values(found[score].mean, at, score) for score in SCORES},
                **{f"{score}_spread": values(found[score].spread, at, score) for score in SCORES},
            }
            for at, curve in enumerate(curves)
        ],
        "n_cells": len(queries.layers) * len(queries.cells),
        "skipped": list(queries.skipped),
        "seeds": seed_words(session),
        "done": done,
    }


def _title(curve: Sequence[Point], *, own: bool) -> str:
    title = SAMPLERS[curve[0].sampler].title
    return "This draw" if own and curve[0].sampler == "random" else title
