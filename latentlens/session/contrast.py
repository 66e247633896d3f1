"""Which units separate one group of items from another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.checks import check_choice
from latentlens.core.design import group_weights
from latentlens.core.effect import GroupDifference, difference
from latentlens.core.moments import Moments
from latentlens.core.record import LayerIndex
from latentlens.core.worth import describe_difference
from latentlens.session.question import Question
from latentlens.session.session import Session

RUN_ITEMS = 500
"""Items of a group that the model is run on at most, unless more are asked for."""
MOST_SENT = 4096
"""Units of a contrast that travel at most, those of largest effect first."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """What separates two groups, and how it is known.

    Parameters
    ----------
    difference : GroupDifference
    kind : {"exact", "estimate", "sample"}
        From every item of both groups; from items drawn by chance; or from a
        ranked sample, which bears no interval.
    n_group : (int, int)
        Items of the two groups; `difference.n` were read.
    """

    difference: GroupDifference
    kind: str
    n_group: tuple[int, int]

    @property
    def order(self) -> NDArray[np.int64]:
        """Units by the size of their effect, the largest first; those without one last."""
        size = np.abs(self.difference.effect)
        return np.argsort(np.where(np.isnan(size), np.inf, -size), kind="stable")

    @property
    def read_out(self) -> str:
        """What all of it is worth, in one line."""
        return describe_difference(self.difference, self.kind, self.n_group)


def rest_of(session: Session, question: Question) -> Mask:
    """Find what a group stands against by itself: the rest of its class.

    Beside a selection these are the items outside it that satisfy the same class
    and correctness, of the classes that the selected ones have; else the other
    items of the class. Where a group has its class whole, it is all other items.

    Parameters
    ----------
    session : Session
    question : Question
        Its group.

    Returns
    -------
    ndarray of shape (n_items,), bool
    """
    member = session.member(question)
    chosen = question.selection is not None
    same = replace(question, selection=None, correctness=question.correctness if chosen else "all")
    rest = session.member(same) & ~member
    if chosen:
        record = session.record
        known = record.label if question.by == "true" else record.pred
        rest &= np.isin(known, known[member])
    return rest if rest.any() else ~member


def opposite_of(session: Session, question: Question) -> Mask:
    """Find the items of the same group with the other correctness.

    Raises
    ------
    ValueError
        If the group is neither of correct nor of incorrect items.
    """
    check_choice(question.correctness, "correctness", ("correct", "incorrect"))
    other = "correct" if question.correctness == "incorrect" else "incorrect"
    return session.member(replace(question, correctness=other))


def check_not_all(member: Mask, way: str = "") -> None:
    """Refuse a group of all items, which leaves nothing to compare it with.

    Parameters
    ----------
    member : ndarray of shape (n_items,), bool
    way : str
        What else the caller can do, such as ", or give rows=".

    Raises
    ------
    ValueError
    """
    if member.all():
        raise ValueError(
            "All items are chosen, so there is nothing to compare them with. Select some on the "
            f"map, or choose a class or correctness{way}."
        )


def contrast(
    session: Session,
    layer: LayerIndex,
    first: Mask,
    second: Mask,
    *,
    run: int = RUN_ITEMS,
    question: Question | None = None,
    confidence: float = 0.95,
) -> Iterator[tuple[int, int] | Contrast]:
    """Compare two groups unit by unit.

    Exact over all items where activations are at hand. Else the model is run on
    up to `run` items of each group, all of them or so many drawn by chance; with
    ``run=0``, on the groups' items in the question's sample.

    Parameters
    ----------
    session : Session
    layer : LayerIndex
    first, second : ndarray of shape (n_items,), bool
        Groups that share no item.
    run : int
    question : Question, optional
        Names the sample; needed with ``run=0``.
    confidence : float
        Of the intervals, for all units at once.

    Yields
    ------
    (done, total) or Contrast
        Progress of the model's run, and what was found at last.

    Raises
    ------
    ValueError
        If the model would have to be run, and cannot be.
    """
    groups = (first, second)
    raw = session.raw(layer.name)
    if raw is not None:
        moments = [Moments.of(raw[group]) for group in groups]
        yield _found(moments, groups, "", confidence)
        return
    if not session.has_activations(layer):
        raise ValueError(
            f"What separates groups in {layer.name!r} needs the model run on chosen items, which "
            f"this lens cannot do: {session.why_not_run}. The layers whose activations are at "
            "hand can be asked: "
            f"{', '.join(map(repr, session.layers_at_hand))}."
        )
    weight, why_not = _weights(session, groups, run, question)
    origin = layer.cell_sum.sum(axis=(0, 1)) / max(int(session.record.cell_count.sum()), 1)
    moments = [Moments.none(origin), Moments.none(origin)]
    rows = np.flatnonzero(weight)
    for done, total, chunk, values in session.read(layer, rows):
        for at, group in enumerate(groups):
            own = group[chunk]
            moments[at] = moments[at].plus(values[own], weight[chunk[own]])
        yield done, total
    yield _found(moments, groups, why_not, confidence, sampled=not run)


def _weights(
    session: Session, groups: tuple[Mask, Mask], run: int, question: Question | None
) -> tuple[NDArray[np.float64], str]:
    """Weigh the items to read, and say why no interval can be had of them; empty if one can."""
    weight = np.zeros(len(session.record))
    if run:
        for group in groups:
            weight[session.drawn(group, run)] = 1
        return weight, ""
    if question is None:
        return weight, ""
    drawn = session.weights(question)
    for group in groups:
        weight += group_weights(drawn, group)
    return weight, session.design(question).why_not


def _found(
    moments: list[Moments],
    groups: tuple[Mask, Mask],
    why_not: str,
    confidence: float,
    *,
    sampled: bool = False,
) -> Contrast:
    n_group = int(groups[0].sum()), int(groups[1].sum())
    whole = all(part.n == n for part, n in zip(moments, n_group, strict=True))
    if whole:
        # However they were drawn, all are there: every item stands for itself.
        why_not = ""
    found = difference(*moments, why_not=why_not, confidence=confidence)
    if sampled and not whole and min(found.n) < 2:
        found = replace(
            found, note=f"{found.note} run=True reads the groups' own items, not the sample's."
        )
    kind = "exact" if whole else "sample" if why_not else "estimate"
    return Contrast(difference=found, kind=kind, n_group=n_group)


def last_contrast(steps: Iterator[tuple[int, int] | Contrast]) -> Contrast:
    """Drive `contrast` to its end."""
    for step in steps:
        if isinstance(step, Contrast):
            return step
    raise RuntimeError("contrast ended without an answer.")


def reply(session: Session, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Send what separates a group from the rest of its class.

    Raises
    ------
    ValueError
        If all items are chosen, the layer's activations cannot be had, or there is
        nothing to compare with.
    """
    question = Question.read(request)
    against = {"rest": rest_of, "opposite": opposite_of}
    check_choice(request["against"], "against", tuple(against))
    layer = session.layer(question.layer)
    first = session.member(question)
    check_not_all(first)
    second = against[request["against"]](session, question)
    for step in contrast(session, layer, first, second):
        if isinstance(step, Contrast):
            yield message(step)
        else:
            yield {"kind": "progress", "done": step[0], "total": step[1]}


def message(found: Contrast) -> dict[str, Any]:
    """Give a contrast as `protocol.figures.ContrastReply` has it."""
    unit, parts = found.order[:MOST_SENT], found.difference
    columns = {
        "effect": parts.effect,
        "low": parts.low,
        "high": parts.high,
        "p": parts.p_corrected,
        "mean": parts.mean[0],
        "other_mean": parts.mean[1],
    }
    return {
        "kind": "contrast",
        "unit": unit.astype(np.uint32),
        **{name: column[unit] for name, column in columns.items()},
        "n": list(parts.n),
        "n_group": list(found.n_group),
        "n_stand": int(parts.flag.sum()),
        "known": found.kind,
        "read_out": found.read_out,
        "note": parts.note,
    }
