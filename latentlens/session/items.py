"""Answers about single items and about what is known of all besides, as they travel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from latentlens.core.checks import check_choice, check_count
from latentlens.core.neighbors import nearest
from latentlens.session.session import Session

MOST_NEIGHBORS = 200


def column(session: Session, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Send one column of the metadata.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    name = check_choice(request["column"], "column", tuple(session.metadata))
    found = session.metadata[name]
    yield {
        "kind": "column",
        "column": name,
        "values": found.values,
        "levels": list(found.levels),
    }


def neighbors(session: Session, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Find the items nearest to one in the latent.

    Raises
    ------
    TypeError, ValueError
        If `row` or `n` is no such number.
    """
    latent = session.record.latent
    row = check_count(request["row"], "row", len(latent) - 1, low=0)
    rows, distance = nearest(latent, row, check_count(request["n"], "n", MOST_NEIGHBORS))
    yield {
        "kind": "neighbors",
        "row": row,
        "rows": rows.astype(np.uint32),
        "distance": distance.astype(np.float32),
    }
