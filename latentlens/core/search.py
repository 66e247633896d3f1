"""Find items by a line of text: rows, classes, right or wrong, conditions on columns.

The same grammar stands in `js/src/search.ts`; `tests/golden/search.json` holds the
two equal, rows and words alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentlens.core.metadata import Column

_JOIN = re.compile(r'"[^"]*"|\s+(?:and|&)\s+', re.IGNORECASE)
_ROW = "#?[0-9]{1,9}(?:-#?[0-9]{1,9})?"
_ROWS = re.compile(rf"(?:(?:rows?|items?)\s+)?({_ROW}(?:[\s,]+{_ROW})*)", re.IGNORECASE)
_TRUE = re.compile(r"(?:class|true|label)\s+(.+)", re.IGNORECASE)
_PRED = re.compile(r"(?:pred|predicted)\s+(.+)", re.IGNORECASE)
_BOTH = re.compile(r"(.+?)\s+(?:pred|predicted)\s+(.+)", re.IGNORECASE)
_COMPARE = re.compile(r'("[^"]*"|[^"]+?)\s*(!=|<=|>=|==|=|<|>)\s*(.+)')
_CONTAINS = re.compile(r'("[^"]*"|.+?)\s+contains\s+(.+)', re.IGNORECASE)
_IS = re.compile(r'("[^"]*"|.+?)\s+is\s+(missing|known)', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_CLASSES = {"class": "true", "true": "true", "label": "true", "pred": "pred", "predicted": "pred"}
_STATES = {"wrong": False, "incorrect": False, "right": True, "correct": True}

Compare = Literal["=", "!=", "<", "<=", ">", ">=", "contains", "missing", "known"]


class NotUnderstoodError(ValueError):
    """A search that means nothing here; the message says what can be typed."""


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
    number: float = 0.0
    """`value`, where the column holds numbers."""


def read_search(text: str, vocabulary: Vocabulary) -> list[Term]:
    """Read a line of text as conditions that must all hold.

    Parameters
    ----------
    text : str
        Such as ``"3, 14, 15"``, ``"class 7 and wrong"``, ``"true 4 pred 9"``,
        ``"age > 30"``, ``"source = lab-2"``, ``"note contains blur"`` or
        ``"age is missing"``. A class's name alone means its items, so that a row
        whose number is a class's name is asked for as ``"#7"`` or ``"row 7"``.
    vocabulary : Vocabulary

    Raises
    ------
    NotUnderstoodError
        If part of it means nothing; the message says what can be typed.
    """
    return [term for part in _parts(text) for term in _read_part(part, vocabulary)]


def _parts(text: str) -> list[str]:
    parts, start = [], 0
    for found in _JOIN.finditer(text):
        if found[0].startswith('"'):
            continue
        parts.append(text[start : found.start()].strip())
        start = found.end()
    return [*parts, text[start:].strip()]


def _read_part(part: str, known: Vocabulary) -> list[Term]:
    named = _class_of(part, known)
    if named is not None:
        return [Term(kind="true", label_class=named)]
    if part.lower() in _STATES:
        return [Term(kind="state", right=_STATES[part.lower()])]
    if rows := _ROWS.fullmatch(part):
        return [_read_rows(rows[1], known)]
    found = _read_condition(part, known)
    if found is not None:
        return [found]
    if true := _TRUE.fullmatch(part):
        return _read_true(true[1], known)
    if pred := _PRED.fullmatch(part):
        return [Term(kind="pred", label_class=_need_class(pred[1], known))]
    raise NotUnderstoodError(f'Not understood: "{part}". {what_can_be_typed(known)}')


def _read_rows(text: str, known: Vocabulary) -> Term:
    rows, positions = [], []
    for word in re.split(r"[\s,]+", text):
        ends = [int(end.lstrip("#")) for end in word.split("-")]
        if word.startswith("#"):
            positions.append((min(ends), max(ends)))
        elif max(ends) < known.n_items:
            rows.append((min(ends), max(ends)))
        else:
            raise NotUnderstoodError(
                f"There is no row {max(ends)}: rows go from 0 to {known.n_items - 1}."
            )
    return Term(kind="rows", rows=tuple(rows), positions=tuple(positions))


def _read_true(text: str, known: Vocabulary) -> list[Term]:
    both = _BOTH.fullmatch(text) if _class_of(text, known) is None else None
    if both is None:
        return [Term(kind="true", label_class=_need_class(text, known))]
    true, pred = _need_class(both[1], known), _need_class(both[2], known)
    return [Term(kind="true", label_class=true), Term(kind="pred", label_class=pred)]


def _read_condition(part: str, known: Vocabulary) -> Term | None:
    if found := _IS.fullmatch(part):
        name = _need_column(found[1], known)
        is_missing = found[2].lower() == "missing"
        return Term(kind="column", column=name, compare="missing" if is_missing else "known")
    if found := _CONTAINS.fullmatch(part):
        name = _need_column(found[1], known)
        if known.columns[name]:
            raise NotUnderstoodError(
                f'"{name}" holds numbers, which contain nothing: ask such as {name} > 1.'
            )
        return Term(kind="column", column=name, compare="contains", value=_unquote(found[2]))
    if found := _COMPARE.fullmatch(part):
        compare: Any = "=" if found[2] == "==" else found[2]
        by: Any = _CLASSES.get(found[1].lower())
        if by and compare == "=":
            return Term(kind=by, label_class=_need_class(found[3], known))
        return _read_comparison(_need_column(found[1], known), compare, _unquote(found[3]), known)
    return None


def _read_comparison(name: str, compare: Compare, value: str, known: Vocabulary) -> Term:
    if not known.columns[name]:
        if compare not in ("=", "!="):
            raise NotUnderstoodError(
                f'"{name}" holds text, which has no order: ask with =, != or contains.'
            )
        return Term(kind="column", column=name, compare=compare, value=value)
    if not _NUMBER.fullmatch(value):
        raise NotUnderstoodError(
            f'"{name}" holds numbers: compare it with one, such as {name} > 1; got "{value}".'
        )
    return Term(kind="column", column=name, compare=compare, value=value, number=float(value))


def _unquote(text: str) -> str:
    text = text.strip()
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1] if quoted else text


def _match(text: str, names: Sequence[str]) -> int:
    """Find a name as it is written, or else with other capitals; -1 if there is none."""
    text = _unquote(text)
    if text in names:
        return list(names).index(text)
    lower = [name.lower() for name in names]
    return lower.index(text.lower()) if text.lower() in lower else -1


def _class_of(text: str, known: Vocabulary) -> int | None:
    at = _match(text, known.classes)
    return None if at < 0 else at


def _need_class(text: str, known: Vocabulary) -> int:
    at = _match(text, known.classes)
    if at < 0:
        raise NotUnderstoodError(
            f'There is no class "{_unquote(text)}"; the classes are {_few(known.classes)}.'
        )
    return at


def _need_column(text: str, known: Vocabulary) -> str:
    names = list(known.columns)
    at = _match(text, names)
    if at < 0:
        raise NotUnderstoodError(f'There is no column "{_unquote(text)}"; there is {_few(names)}.')
    return names[at]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more if names else "none"


def what_can_be_typed(known: Vocabulary) -> str:
    """Say it by examples of these data."""
    first, other = known.classes[0], known.classes[-1]
    number = next((name for name, holds_numbers in known.columns.items() if holds_numbers), "")
    text = next((name for name, holds_numbers in known.columns.items() if not holds_numbers), "")
    examples = [f"{number} > 1" if number else "", f"{text} contains a" if text else ""]
    conditions = ", ".join(example for example in examples if example)
    return (
        f"Type rows (3, 14, 15 or #12), a class (class {first}, true {first} pred {other}), "
        + (f"wrong or right, or a condition ({conditions})" if conditions else "wrong, or right")
        + '; "and" joins them.'
    )


def describe_search(terms: Sequence[Term], known: Vocabulary) -> str:
    """Say how a search was read, such as "true class 4, predicted 9"."""
    return ", ".join(_describe(term, known) for term in terms)


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
    return f"{term.column} {term.compare} {term.value}"


def find_rows(
    terms: Sequence[Term],
    *,
    label: NDArray[np.int32],
    pred: NDArray[np.int32],
    columns: Mapping[str, Column],
    ids: NDArray[np.int64] | None = None,
) -> NDArray[np.uint32]:
    """Give the rows for which all conditions hold.

    A missing value meets no condition but "is missing".

    Parameters
    ----------
    terms : sequence of Term
    label, pred : ndarray of shape (n_items,), int32
        -1 where unknown.
    columns : mapping of str to Column
        At least those that the terms name.
    ids : ndarray of shape (n_items,), int64, optional
        Positions in the dataset; the rows themselves if not given.

    Returns
    -------
    ndarray of uint32, ascending
    """
    found = np.ones(len(label), bool)
    for term in terms:
        if term.kind == "rows":
            found &= _listed(term, np.arange(len(label)) if ids is None else ids)
        elif term.kind == "column":
            found &= _meets(columns[term.column], term)
        else:
            found &= _is(term, label, pred)
    return np.flatnonzero(found).astype(np.uint32)


def _listed(term: Term, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    listed = np.zeros(len(ids), bool)
    for first, last in term.rows:
        listed[first : last + 1] = True
    for first, last in term.positions:
        listed |= (ids >= first) & (ids <= last)
    return listed


def _is(term: Term, label: NDArray[np.int32], pred: NDArray[np.int32]) -> NDArray[np.bool_]:
    if term.kind == "true":
        return label == term.label_class
    if term.kind == "pred":
        return pred == term.label_class
    same = label == pred
    return (label >= 0) & (pred >= 0) & (same if term.right else ~same)


def _meets(column: Column, term: Term) -> NDArray[np.bool_]:
    missing = column.missing
    if term.compare == "missing":
        return missing
    if term.compare == "known":
        return ~missing
    if column.kind != "number":
        accepted = np.array([*_accepted(column.levels, term), False])
        found: NDArray[np.bool_] = ~missing & accepted[column.values]
        return found
    sides = {
        "=": column.values == term.number,
        "!=": column.values != term.number,
        "<": column.values < term.number,
        "<=": column.values <= term.number,
        ">": column.values > term.number,
        ">=": column.values >= term.number,
    }
    met: NDArray[np.bool_] = ~missing & sides[term.compare]
    return met


def _accepted(levels: Sequence[str], term: Term) -> list[bool]:
    """Say which of a column's distinct values a condition accepts."""
    low = term.value.lower()
    if term.compare == "contains":
        return [low in level.lower() for level in levels]
    if term.value in levels:
        equal = [level == term.value for level in levels]
    else:
        equal = [level.lower() == low for level in levels]
    return equal if term.compare == "=" else [not each for each in equal]
