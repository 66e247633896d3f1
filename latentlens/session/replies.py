"""Answers as they travel: what the panes ask for by themselves.

Each takes the session and a request of `protocol/request.py`, and yields progress replies
and then one of substance, as plain dicts of NumPy arrays, which `widget/wire.py` packs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from latentlens.core.design import effective_size, group_weights
from latentlens.core.estimated import MeanEstimate
from latentlens.core.query import row_mean
from latentlens.core.sample import Ranking
from latentlens.core.worth import describe_estimate
from latentlens.session.means import SampleMean
from latentlens.session.question import Question
from latentlens.session.session import Session

PICTURES_AT_ONCE = 200

Request = Mapping[str, Any]
Replies = Iterator[dict[str, Any]]


def ranked_message(ranking: Ranking) -> dict[str, Any]:
    """Write a ranking as `protocol.state.Ranked`."""
    small = ranking.group_size.size <= 2**16
    return {
        "sampler": ranking.sampler,
        "group": ranking.group.astype(np.uint16 if small else np.uint32),
        "rank": ranking.rank.astype(np.uint32),
        "group_size": ranking.group_size.astype(np.uint32),
        "log_ratio": ranking.log_ratio.astype(np.float64),
        "uses_j": ranking.uses_j,
        "probability": ranking.probability,
        "weighted": ranking.weighted,
        "allocation": ranking.allocation,
        "floor": ranking.floor,
        "notes": list(ranking.notes),
    }


def layer(session: Session, request: Request) -> Replies:
    """Send a layer's index and sums."""
    index = session.layer(request["layer"])
    yield {
        "kind": "layer",
        "layer": index.name,
        "top_unit": index.top_unit,
        "top_value": index.top_value,
        "silent": index.silent.astype(np.uint8),
        "cell_sum": index.cell_sum,
        "cell_count": session.record.cell_count.astype(np.float64),
    }


def latent(session: Session, _: Request) -> Replies:
    """Send the latent of every item."""
    yield {"kind": "latent", "latent": session.record.latent}


def means(session: Session, request: Request) -> Replies:
    """Work out the sample's mean, and say what it is worth."""
    question = Question.read(request["question"])
    member = session.member(question)
    for step in session.sample_mean(question):
        if isinstance(step, SampleMean):
            yield {
                "kind": "means",
                "mean": step.mean,
                "n_used": step.n_used,
                "effective_n": effective_size(group_weights(session.weights(question), member)),
                **_worth(session, question, step.estimate),
                "note": step.note,
            }
        else:
            yield {"kind": "progress", "done": step[0], "total": step[1]}


def _worth(session: Session, question: Question, estimate: MeanEstimate | None) -> dict[str, Any]:
    """Say what the sample's mean is worth: the exact one, or an interval, and the line."""
    exact, raw = session.exact_mean(question), session.raw(question.layer)
    if exact is None and raw is not None:
        exact = row_mean(raw, session.member(question))
    if estimate is None:
        return {"exact": exact, "low": None, "high": None, "worth": ""}
    # An interval is about the estimate that it was made with, such as the regression's.
    own = {"mean": estimate.mean, "low": estimate.low, "high": estimate.high}
    kind = "sample" if estimate.parts is None else "estimate"
    kind = kind if exact is None else "measured"
    said = describe_estimate(estimate, kind, question.k, predict=exact is None)
    given = own if estimate.parts is not None else {"low": None, "high": None}
    return {"exact": exact, **given, "worth": said["read_out"]}


def answer(session: Session, request: Request) -> Replies:
    """Answer a question as the panes show it, where the index stays in the kernel."""
    question = Question.read(request["question"])
    yield {"kind": "answer", "answer": session.answer(question).message()}


def pictures(session: Session, request: Request) -> Replies:
    """Send what people see of some rows.

    Raises
    ------
    ValueError
        If more rows are asked for than travel at a time.
    """
    rows = [int(row) for row in request["rows"]]
    if len(rows) > PICTURES_AT_ONCE:
        raise ValueError(f"At most {PICTURES_AT_ONCE} pictures at a time; got {len(rows)}.")
    if session.pictures is None:
        yield {"kind": "pictures", "pictures": [{"row": r, "kind": "none"} for r in rows]}
        return
    drawn = zip(rows, session.pictures(rows), strict=True)
    yield {"kind": "pictures", "pictures": [picture_message(row, p) for row, p in drawn]}


def picture_message(row: int, picture: Any) -> dict[str, Any]:
    """Give what people see of one item as `protocol.items.Picture` has it."""
    return {"row": row, **{k: v for k, v in vars(picture).items() if v is not None}}
