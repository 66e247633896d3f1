"""Find items by a line of text: rows, classes, right or wrong, conditions on columns.

The grammar, in which "not" binds more than "and", and "and" more than "or"::

    some      = every (("or" | "|") every)*
    every     = one (("and" | "&") one)*
    one       = ("not" | "!" | "~") one | "(" some ")" | condition
    condition = words, up to the next of these; what is quoted is no such word

The same grammar stands in `js/src/search.ts`; `tests/golden/search.json` holds the
two equal, rows and words alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from latentlens.core.search_conditions import read_condition, what_can_be_typed
from latentlens.core.search_terms import (
    FIELDS,
    Joined,
    NotUnderstoodError,
    Query,
    Term,
    Vocabulary,
    describe_search,
    find_rows,
    named_columns,
)

__all__ = [
    "FIELDS", "Joined", "NotUnderstoodError", "Query", "Term", "Vocabulary", "describe_search",
    "find_rows", "named_columns", "read_search", "what_can_be_typed",
]  # fmt: skip

# Opened where a word begins, closed where one ends: "don't" has no quotes. The bound keeps
# a pasted list of thousands of quotes from being looked through for each of them.
_QUOTED = (
    r"""(?<![^\s()<>=!~])['\u2018“](?:[^"'\u2019”]|['\u2019”](?=[^\s()<>=!])){0,200}"""
    r"""['\u2019”](?![^\s()<>=!])"""
)
_TOKEN = re.compile(
    rf'''"[^"]*"|{_QUOTED}|[()]|(?<![^\s(!~])[!~](?!=)|(?:(?!{_QUOTED})[^\s()"])+|"'''
)
_BLANKS = str.maketrans(dict.fromkeys("\ufeff\x85\x1c\x1d\x1e\x1f\u2028\u2029\r", " "))
"""Pasted with a text, and not white space, or the end of a line, to each of the two engines."""
_SIGNS = {
    "and": "and", "&": "and", "&&": "and", "or": "or", "|": "or", "||": "or",
    "not": "not", "!": "not", "~": "not", "(": "(", ")": ")",
}  # fmt: skip
_IN_NAMES = re.compile(r'["()]|^[!~\'\u2018“]|(?<!\S)(?:and|or|not|[&|]{1,2})(?!\S)', re.IGNORECASE)
_EDGE = re.compile(r'[\s()<>=!"]')


MOST_NESTED = 100
"""Of "not" and parentheses in one line, which are read by recursion."""


@dataclass(frozen=True)
class _Token:
    text: str
    start: int
    sign: str
    """What it does: "and", "or", "not", a parenthesis, or nothing."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def read_search(text: str, vocabulary: Vocabulary) -> Query:
    """Read a line of text as conditions, joined by "and", "or", "not" and parentheses.

    Parameters
    ----------
    text : str
        Such as ``"3, 14, 15"``, ``"class 7 and wrong"``, ``"true 4 pred 9"``,
        ``"age > 30"``, ``"source = lab-2 or source is missing"``,
        ``"not (note contains blur)"``. A class's name alone means its items, so that a
        row whose number is a class's name is asked for as ``"#7"`` or ``"row 7"``. A name
        with a joining word or a parenthesis in it may be quoted; a class or column
        is known by its name without quotes as well. Single and typographic quotes quote too,
        unless the quotes are the name's own.
    vocabulary : Vocabulary

    Raises
    ------
    NotUnderstoodError
        If part of it means nothing; the message says what was expected, what came and at
        which word.
    """
    return _Parser(text.translate(_BLANKS), vocabulary).read()


class _Parser:
    """Recursive descent over one line."""

    def __init__(self, text: str, known: Vocabulary) -> None:
        self._text, self._known = text, known
        self._tokens = list(_tokens(text, known))
        self._at = 0

    def read(self) -> Query:
        if not self._tokens:
            return read_condition("", self._known)
        for token in self._tokens:
            if token.text == '"':
                raise self._refusal('expected a closing ", but the line ends', token)
        nested = [token for token in self._tokens if token.sign in ("not", "(")]
        if len(nested) > MOST_NESTED:
            got = f'expected at most {MOST_NESTED} "not" and parentheses, got {len(nested)}'
            raise self._refusal(got, nested[MOST_NESTED])
        query = self._some()
        if self._next is None:
            return query
        raise self._unexpected(self._next, "the end")

    @property
    def _next(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _some(self) -> Query:
        return self._joined("or", self._every)

    def _every(self) -> Query:
        return self._joined("and", self._one)

    def _joined(self, sign: Literal["and", "or"], part: Callable[[], Query]) -> Query:
        parts = [part()]
        while self._next is not None and self._next.sign == sign:
            self._at += 1
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(sign, tuple(parts))

    def _one(self) -> Query:
        token = self._next
        if token is None:
            last = self._tokens[-1]
            raise self._refusal(
                f'expected a condition after "{last.text}", but the line ends', last
            )
        if token.sign == "not":
            self._at += 1
            return Joined("not", (self._one(),))
        if token.sign == "(":
            return self._group(token)
        if token.sign:
            raise self._refusal(f'expected a condition, got "{token.text}"', token)
        return self._condition(token)

    def _group(self, opening: _Token) -> Query:
        self._at += 1
        query = self._some()
        if self._next is None:
            raise self._refusal('expected ")" for this "(", but the line ends', opening)
        if self._next.sign != ")":
            raise self._unexpected(self._next, '")"')
        self._at += 1
        return query

    def _condition(self, first: _Token) -> Query:
        end = first.end
        while self._next is not None and self._next.sign in ("", "not"):
            end = self._next.end
            self._at += 1
        part = self._text[first.start : end]
        try:
            return read_condition(part, self._known)
        except NotUnderstoodError as error:
            at = first.start + _place(error.got, part)
            raise NotUnderstoodError(self._placed(str(error), at), error.got) from None

    def _unexpected(self, token: _Token, end: str) -> NotUnderstoodError:
        hint = "; quote a name that has parentheses" if token.sign == "(" else ""
        return self._refusal(f'expected "and", "or" or {end}, got "{token.text}"{hint}', token)

    def _refusal(self, message: str, token: _Token) -> NotUnderstoodError:
        words = message[0].upper() + message[1:] + "."
        return NotUnderstoodError(self._placed(words, token.start), token.text)

    def _placed(self, message: str, at: int) -> str:
        """Say at which word, where there is more than one."""
        if len(self._text.split()) == 1:
            return message
        word = len(self._text[: at + 1].split())
        return f"At word {word}, {message[0].lower()}{message[1:]}"


def _place(got: str, part: str) -> int:
    """Say where in a part what was refused stands: a word of its own, or else in one."""
    if got == part:
        return 0
    whole = re.finditer(rf"(?<!\S){re.escape(got)}(?!\S)", part) if got else ()
    return max((found.start() for found in whole), default=max(part.rfind(got), 0))


def _tokens(text: str, known: Vocabulary) -> Iterator[_Token]:
    """Part a line into words, quoted text and signs; a name with signs in it stays whole."""
    names = [name for name in (*known.classes, *known.columns) if _needs_care(name)]
    names.sort(key=len, reverse=True)
    at = 0
    while found := _TOKEN.search(text, at):
        at = found.start()
        name = next((name for name in names if _stands_at(name, text, at)), "")
        token = text[at : at + len(name)] if name else found[0]
        yield _Token(token, at, "" if name else _SIGNS.get(token.lower(), ""))
        at += len(token)


def _needs_care(name: str) -> bool:
    return bool(_IN_NAMES.search(name)) and name.lower() not in _SIGNS and name != '"'


def _stands_at(name: str, text: str, at: int) -> bool:
    end = at + len(name)
    fits = text[at:end].lower() == name.lower()
    before, after = at == 0 or _EDGE.match(text[at - 1]), end >= len(text) or _EDGE.match(text[end])
    return bool(fits and before and after)
