"""How good samples of several sizes are, as it travels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from latentlens.core.fidelity import QuerySet
from latentlens.core.meter import Draw, Scores
from latentlens.samplers import SAMPLERS
from latentlens.session.question import Question
from latentlens.session.session import REFERENCES, Session, why_no_quality

FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Sample sizes of the quality pane's curves, beside the one asked about."""
SCORES = ("s1", "s2", "s3")


def quality(session: Session, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Score a sample and its references: first by the index, then by the model's means.

    Raises
    ------
    ValueError
        If there are no cells, or no layer wider than k, to score a sample by.
    """
    asked = Question.read({**request, "layer": session.record.latent_layer})
    queries = QuerySet(session.record, by=asked.by, k=asked.k)
    fractions = sorted({*FRACTIONS, float(asked.fraction)})
    samplers = session.compared(asked.sampler)
    draws = [session.draw(name, share, asked.j) for name in samplers for share in fractions]
    if not len(queries.cells) or len(queries.skipped) == len(queries.layers):
        raise ValueError(why_no_quality(queries))
    for done, total in session.meter.from_index(queries, draws):
        yield {"kind": "progress", "done": done, "total": total}
    complete = not session.meter.lacks_means(queries, draws)
    yield _message(queries, session.meter.scores(queries, draws), fractions, done=complete)
    if complete:
        return
    for done, total in session.meter.from_model(queries, draws):
        yield {"kind": "progress", "done": done, "total": total}
    yield _message(queries, session.meter.scores(queries, draws), fractions, done=True)


def _message(
    queries: QuerySet, scores: Scores, fractions: Sequence[float], *, done: bool
) -> dict[str, Any]:
    s1, s2, s3 = (scores.overall(score).reshape(-1, len(fractions)) for score in SCORES)
    draws: Sequence[Draw] = scores.draws[:: len(fractions)]
    return {
        "kind": "quality",
        "fractions": list(fractions),
        "curves": [
            {
                "sampler": draw.sampler,
                "title": SAMPLERS[draw.sampler].title,
                "s1": s1[at].tolist(),
                "s2": [None if np.isnan(x) or not done else float(x) for x in s2[at]],
                "s3": s3[at].tolist(),
            }
            for at, draw in enumerate(draws)
        ],
        "n_cells": len(queries.layers) * len(queries.cells),
        "skipped": list(queries.skipped),
        "done": done,
    }


def known_quality(session: Session, request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give what `quality` would answer if it takes no work; None if it does."""
    asked = Question.read({**request, "layer": session.record.latent_layer})
    queries = QuerySet(session.record, by=asked.by, k=asked.k)
    fractions = sorted({*FRACTIONS, float(asked.fraction)})
    samplers = (asked.sampler, *REFERENCES)
    if not len(queries.cells) or not set(samplers) <= session.rankings.keys():
        return None
    compared = session.compared(asked.sampler)
    draws = [session.draw(name, share, asked.j) for name in compared for share in fractions]
    if session.meter.lacks_index(queries, draws):
        return None
    complete = not session.meter.lacks_means(queries, draws)
    return {
        **_message(queries, session.meter.scores(queries, draws), fractions, done=complete),
        # Nothing more will come.
        "done": True,
    }
