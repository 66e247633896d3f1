"""The desk where requests arrive: which kind is answered by what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from latentlens.core.checks import check_choice
from latentlens.session import contrast, item, items, quality, replies, unit
from latentlens.session.session import Session

ANSWERS: dict[str, Callable[[Session, Mapping[str, Any]], Iterator[dict[str, Any]]]] = {
    "layer": replies.layer,
    "latent": replies.latent,
    "means": replies.means,
    "answer": replies.answer,
    "pictures": replies.pictures,
    "quality": quality.quality,
    "contrast": contrast.reply,
    "column": items.column,
    "neighbors": items.neighbors,
    "unit": unit.reply,
    "item": item.item,
    "saliency": item.saliency,
}
"""A kind of `protocol.request.Request` and what answers it."""
RUN_MODEL = frozenset({"means", "contrast", "unit", "saliency"})
"""Kinds whose answer may run the model, which happens in slices on the kernel's own thread."""


def handle(session: Session, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Answer one request: progress replies, then one reply of substance.

    Raises
    ------
    ValueError
        If the request cannot be answered; the message says why.
    """
    kind, number = request["kind"], request["id"]
    check_choice(kind, "kind", tuple(ANSWERS))
    for reply in ANSWERS[kind](session, request):
        yield {"id": number, **reply}
