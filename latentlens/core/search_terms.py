"""What a search is once it is read: conditions joined by "and", "or" and "not".

The same stands in `js/src/search_terms.ts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentlens.core.metadata import Column
from latentlens.core.sample import ROLE_NAMES

Compare = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "missing", "known"]
Masks = NDArray[np.bool_]

FIELDS: Mapping[str, bool] = {
    "margin": True, "rank": True, "group": True, "role": False, "in_sample": False,
    "true": False, "pred": False, "correct": False, "row": True, "position": True,
    "x": True, "y": True, "kept": True,
}  # fmt: skip
"""Columns that every lens has, and whether each holds numbers: those of its frame, and `kept`."""
TRUTH = ("False", "True")
LEVELS = {"role": ROLE_NAMES, "in_sample": TRUTH, "correct": TRUTH}
"""All that those without numbers can say; classes apart."""


class NotUnderstoodError(ValueError):
    """A search that means nothing here; the message says what can be typed.

    Parameters
    ----------
    message : str
    got : str
        The words that it is about, as they were typed.
    """

    def __init__(self, message: str, got: str = "") -> None:
        super().__init__(message)
        self.got = got


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What a search may speak of.

    Parameters
    ----------
    n_items : int
    classes : sequence of str
    columns : mapping of str to bool
        The columns there are, and whether each holds numbers.
    """

    n_items: int
    classes: Sequence[str]
    columns: Mapping[str, bool]


@dataclass(frozen=True, kw_only=True)
class Term:
    """One condition of a search; `kind` says which of the other fields count."""

    kind: Literal["rows", "true", "pred", "state", "column"]
    rows: tuple[tuple[int, int], ...] = ()
    """Ranges of rows, both ends included."""
    positions: tuple[tuple[int, int], ...] = ()
    """Ranges of positions in the dataset, written with a #."""
    label_class: int = -1
    right: bool = False
    column: str = ""
    compare: Compare = "="
    value: str = ""
    written: str = ""
    """`value` with the quotes it was written in, which may be the level's own."""
    number: float = 0.0
    """`value`, where the column holds numbers."""


@dataclass(frozen=True)
class Joined:
    """Searches joined: all must hold, or one, or the only one must not."""

    join: Literal["and", "or", "not"]
    parts: tuple[Query, ...]


Query = Term | Joined


def named_columns(query: Query) -> list[str]:
    """List the columns that a search names, each once, in the order they are named."""
    if isinstance(query, Term):
        return [query.column] if query.kind == "column" else []
    return list(dict.fromkeys(name for part in query.parts for name in named_columns(part)))


# -- in words --------------------------------------------------------------------


def describe_search(query: Query, known: Vocabulary) -> str:
    """Say how a search was read, such as "true class 4 and predicted 9"."""
    if isinstance(query, Term):
        return _describe(query, known)
    parts = [_inside(query.join, part, known) for part in query.parts]
    return f"not {parts[0]}" if query.join == "not" else f" {query.join} ".join(parts)


def _inside(join: str, part: Query, known: Vocabulary) -> str:
    """Describe a part, in parentheses where it would be read otherwise without them."""
    words = describe_search(part, known)
    looser = isinstance(part, Joined) and (part.join == "or" or (join, part.join) == ("not", "and"))
    return f"({words})" if looser and join != "or" else words


def _describe(term: Term, known: Vocabulary) -> str:
    if term.kind == "true":
        return f"true class {known.classes[term.label_class]}"
    if term.kind == "pred":
        return f"predicted {known.classes[term.label_class]}"
    if term.kind == "state":
        return "right" if term.right else "wrong"
    if term.kind == "rows":
        return "rows"
    if term.compare in ("missing", "known"):
        return f"{term.column} is {term.compare}"
    value = term.value or '""'
    return f"{term.column} {term.compare} {value}"


# -- in rows ---------------------------------------------------------------------


def find_rows(
    query: Query,
    *,
    label: NDArray[np.int32],
    pred: NDArray[np.int32],
    columns: Mapping[str, Column],
    ids: NDArray[np.int64] | None = None,
) -> NDArray[np.uint32]:
    """Give the rows for which a search holds.

    A missing value meets no condition but "is missing"; "not" gives all items that what
    follows it does not find, those without a value among them.

    Parameters
    ----------
    query : Term or Joined
    label, pred : ndarray of shape (n_items,), int32
        -1 where unknown.
    columns : mapping of str to Column
        At least those that are named.
    ids : ndarray of shape (n_items,), int64, optional
        Positions in the dataset; the rows themselves if not given.

    Returns
    -------
    ndarray of uint32, ascending
    """
    ids = np.arange(len(label)) if ids is None else ids

    def holds(query: Query) -> Masks:
        if isinstance(query, Term):
            return _holds(query, label, pred, columns, ids)
        masks = [holds(part) for part in query.parts]
        if query.join == "not":
            return ~masks[0]
        joined: Masks = (np.logical_and if query.join == "and" else np.logical_or).reduce(masks)
        return joined

    return np.flatnonzero(holds(query)).astype(np.uint32)


def _holds(
    term: Term,
    label: NDArray[np.int32],
    pred: NDArray[np.int32],
    columns: Mapping[str, Column],
    ids: NDArray[np.int64],
) -> Masks:
    if term.kind == "rows":
        return _listed(term, ids)
    if term.kind == "column":
        return _meets(columns[term.column], term)
    if term.kind == "true":
        return label == term.label_class
    if term.kind == "pred":
        return pred == term.label_class
    same = label == pred
    return (label >= 0) & (pred >= 0) & (same if term.right else ~same)


def _listed(term: Term, ids: NDArray[np.int64]) -> Masks:
    listed = np.zeros(len(ids), bool)
    for first, last in term.rows:
        listed[first : last + 1] = True
    for first, last in term.positions:
        listed |= (ids >= first) & (ids <= last)
    return listed


def _meets(column: Column, term: Term) -> Masks:
    missing = column.missing
    if term.compare == "missing":
        return missing
    if term.compare == "known":
        return ~missing
    if column.kind != "number":
        accepted = np.array([*_accepted(column.levels, term), False])
        found: Masks = ~missing & accepted[column.values]
        return found
    sides = {
        "=": column.values == term.number,
        "!=": column.values != term.number,
        "<": column.values < term.number,
        "<=": column.values <= term.number,
        ">": column.values > term.number,
        ">=": column.values >= term.number,
    }
    met: Masks = ~missing & sides[term.compare]
    return met


def _accepted(levels: Sequence[str], term: Term) -> list[bool]:
    """Say which of a column's distinct values a condition accepts."""
    low = term.value.lower()
    if term.compare == "contains":
        return [low in level.lower() for level in levels]
    exact = next((value for value in (term.written, term.value) if value in levels), None)
    if exact is not None:
        equal = [level == exact for level in levels]
    else:
        equal = [level.lower() == low for level in levels]
    return equal if term.compare == "=" else [not each for each in equal]
