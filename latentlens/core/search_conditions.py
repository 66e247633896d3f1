"""One condition of a search, such as "age > 30", "class 7" or "wrong", read as a term.

The same stands in `js/src/search_conditions.ts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from latentlens.core.search_terms import (
    FIELDS,
    LEVELS,
    Compare,
    Joined,
    NotUnderstoodError,
    Query,
    Term,
    Vocabulary,
)

_ROW = "#?[0-9]{1,9}(?:-#?[0-9]{1,9})?"
_QUOTES = {'"': '"', "'": "'", "\u2018": "\u2019", "“": "”"}
_QUOTED = "|".join(f"{opened}[^{closed}]*{closed}" for opened, closed in _QUOTES.items())
# (?a:) for keywords: a long s or a dotless i is none of their letters, as in the browser.
_ROWS = re.compile(rf"(?:(?a:rows?|items?)\s+)?({_ROW}(?:[\s,]+{_ROW})*)", re.IGNORECASE)
_TRUE = re.compile(r"(?a:class|true|label)\s+(.+)", re.IGNORECASE)
_PRED = re.compile(r"(?a:pred|predicted)\s+(.+)", re.IGNORECASE)
_BOTH = re.compile(r"(.+?)\s+(?a:pred|predicted)\s+(.+)", re.IGNORECASE)
_COMPARE = re.compile(rf'({_QUOTED}|[^"]+?)\s*(!=|<=|>=|==|=|<|>)\s*(.+)')
_CONTAINS = re.compile(rf"({_QUOTED}|.+?)\s+(?a:contains)\s+(.+)", re.IGNORECASE)
_IS = re.compile(rf"({_QUOTED}|.+?)\s+(?a:is)\s+(not\s+)?((?a:missing|known))", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_UNFINISHED = re.compile(r"\s*(?:[!<>=]+|\s(?a:is|contains))$", re.IGNORECASE)
_CLASSES = {"class": "true", "true": "true", "label": "true", "pred": "pred", "predicted": "pred"}
_STATES = {"wrong": False, "incorrect": False, "right": True, "correct": True}
MOST_CHARACTERS = 1000
"""Of a condition; a list of rows may be longer. What is much longer was pasted by mistake."""


def read_condition(part: str, known: Vocabulary) -> Query:
    """Read what stands between "and", "or" and parentheses.

    Raises
    ------
    NotUnderstoodError
        If it means nothing; the message says what can be typed.
    """
    named = _match(part, known.classes)
    if named >= 0:
        return Term(kind="true", label_class=named)
    if part.lower() in _STATES:
        return Term(kind="state", right=_STATES[part.lower()])
    if part.lower() == "in_sample" and "in_sample" in known.columns:
        return Term(kind="column", column="in_sample", value="True")
    if rows := _ROWS.fullmatch(part):
        return _read_rows(rows[1], known)
    if len(part) > MOST_CHARACTERS:
        got = f"a condition has at most {MOST_CHARACTERS} characters, this one has {len(part)}"
        raise NotUnderstoodError(f"Not understood: {got}. {what_can_be_typed(known)}", part)
    found = _read_column(part, known)
    if found is not None:
        return found
    if true := _TRUE.fullmatch(part):
        return _read_true(true[1], known)
    if pred := _PRED.fullmatch(part):
        return Term(kind="pred", label_class=_need_class(pred[1], known))
    _check_whole(part, known)
    near = _nearest(part, [*known.classes, *_STATES, *known.columns])
    raise NotUnderstoodError(f'Not understood: "{part}"{near}. {what_can_be_typed(known)}', part)


def _check_whole(part: str, known: Vocabulary) -> None:
    """Say of a column's name alone what is lacking."""
    named = _UNFINISHED.sub("", part)
    of_classes = _CLASSES.get(named.lower(), "")
    at = _match(of_classes or named, list(known.columns))
    if at < 0 and not of_classes:
        return
    name = named if of_classes else list(known.columns)[at]
    example = "> 1" if known.columns.get(name) else "contains a"
    such = f"{name} = {known.classes[0]}" if of_classes else f"{name} {example}"
    raise NotUnderstoodError(
        f'Expected a condition on "{name}", such as {such}; got "{part}".', part
    )


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
                f"There is no row {max(ends)}: rows go from 0 to {known.n_items - 1}.", word
            )
    return Term(kind="rows", rows=tuple(rows), positions=tuple(positions))


def _read_true(text: str, known: Vocabulary) -> Query:
    both = _BOTH.fullmatch(text) if _match(text, known.classes) < 0 else None
    if both is None:
        return Term(kind="true", label_class=_need_class(text, known))
    true, pred = _need_class(both[1], known), _need_class(both[2], known)
    return Joined("and", (Term(kind="true", label_class=true), Term(kind="pred", label_class=pred)))


def _read_column(part: str, known: Vocabulary) -> Term | None:
    if found := _IS.fullmatch(part):
        name = _need_column(found[1], known)
        is_missing = (found[3].lower() == "missing") != bool(found[2])
        return Term(kind="column", column=name, compare="missing" if is_missing else "known")
    if found := _CONTAINS.fullmatch(part):
        name = _need_column(found[1], known)
        if known.columns[name]:
            raise NotUnderstoodError(
                f'"{name}" holds numbers, which contain nothing: ask such as {name} > 1.', found[1]
            )
        return Term(kind="column", column=name, compare="contains", value=_unquote(found[2]))
    if found := _COMPARE.fullmatch(part):
        compare: Any = "=" if found[2] == "==" else found[2]
        by: Any = _CLASSES.get(found[1].lower())
        if by and compare in ("=", "!="):
            return _read_class(by, compare, found[3], known)
        return _read_comparison(_need_column(found[1], known), compare, found[3], known)
    return None


def _read_class(by: Any, compare: Compare, text: str, known: Vocabulary) -> Term:
    """Read "pred != 4", or "pred != true", which is wrong."""
    other = _CLASSES.get(text.lower(), by)
    if other != by and _match(text, known.classes) < 0:
        return Term(kind="state", right=compare == "=")
    at = _need_class(text, known)
    if compare == "=":
        return Term(kind=by, label_class=at)
    return Term(kind="column", column=by, compare="!=", value=known.classes[at])


def _read_comparison(name: str, compare: Compare, written: str, known: Vocabulary) -> Term:
    value = _unquote(written)
    if not known.columns[name]:
        if compare not in ("=", "!="):
            raise NotUnderstoodError(
                f'"{name}" holds text, which has no order: ask with =, != or contains.', compare
            )
        _check_level(name, value)
        return Term(kind="column", column=name, compare=compare, value=value, written=written)
    if not _NUMBER.fullmatch(value):
        raise NotUnderstoodError(
            f'"{name}" holds numbers: compare it with one, such as {name} > 1; got "{value}".',
            value,
        )
    return Term(kind="column", column=name, compare=compare, value=value, number=float(value))


def _check_level(name: str, value: str) -> None:
    levels = LEVELS.get(name) if name in FIELDS else None
    if levels is None or _match(value, levels) >= 0:
        return
    said = ", ".join(level or '""' for level in levels)
    near = _nearest(value, levels)
    raise NotUnderstoodError(f'"{name}" is one of {said}; got "{value}"{near}.', value)


# -- names -----------------------------------------------------------------------


def _unquote(text: str) -> str:
    text = text.strip()
    quoted = len(text) > 1 and _QUOTES.get(text[0]) == text[-1]
    return text[1:-1] if quoted else text


def _match(text: str, names: Sequence[str]) -> int:
    """Find a name as it is written, or with other capitals, or in quotes; -1 if there is none."""
    lower = [name.lower() for name in names]
    for wanted in (text.strip(), _unquote(text)):
        if wanted in names:
            return list(names).index(wanted)
        if wanted.lower() in lower:
            return lower.index(wanted.lower())
    return -1


def _need_class(text: str, known: Vocabulary) -> int:
    at = _match(text, known.classes)
    if at < 0:
        name, near = _unquote(text), _nearest(text, known.classes)
        raise NotUnderstoodError(
            f'There is no class "{name}"{near}; the classes are {_few(known.classes)}.', text
        )
    return at


def _need_column(text: str, known: Vocabulary) -> str:
    names = list(known.columns)
    at = _match(_CLASSES.get(text.lower(), text), names)
    if at < 0:
        name, near = _unquote(text), _nearest(text, names)
        raise NotUnderstoodError(
            f'There is no column "{name}"{near}; there is {_few(names)}.', text
        )
    return names[at]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more if names else "none"


def _nearest(text: str, names: Sequence[str]) -> str:
    """Say which name may have been meant; nothing where all are far."""
    word = _unquote(text).lower()
    best, least = "", (len(word) + 1) // 3 + 1
    for name in names:
        # As many letters at least are to be put in or taken out.
        if abs(len(name.lower()) - len(word)) >= least:
            continue
        steps = _distance(word, name.lower())
        if steps < least:
            best, least = name, steps
    return f", the nearest is {best}" if best else ""


def _distance(one: str, other: str) -> int:
    """Count the letters to put in, take out, change or swap with the next (Damerau 1964)."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        row = [i + 1]
        for j, wanted in enumerate(other):
            row.append(min(last[j + 1] + 1, row[j] + 1, last[j] + (letter != wanted)))
            if i and j and letter == other[j - 1] and one[i - 1] == wanted:
                row[-1] = min(row[-1], before[j - 1] + 1)
        before, last = last, row
    return last[-1]


def what_can_be_typed(known: Vocabulary) -> str:
    """Say it by examples of these data."""
    first, other = known.classes[0], known.classes[-1]
    number = next((name for name, holds_numbers in known.columns.items() if holds_numbers), "")
    text = next((name for name, number in known.columns.items()
                 if not number and name not in FIELDS), "")  # fmt: skip
    role = "role = outlier" if "role" in known.columns else ""
    examples = [f"{number} > 1" if number else "", f"{text} contains a" if text else "", role]
    conditions = ", ".join(example for example in examples if example)
    return (
        f"Type rows (3, 14, 15 or #12), a class (class {first}, true {first} pred {other}), "
        + (f"wrong or right, or a condition ({conditions})" if conditions else "wrong, or right")
        + '; "and", "or", "not" and parentheses join them.'
    )
