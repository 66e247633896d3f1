"""Write `search.json`: lines of text, and what both search engines must make of them.

`latentlens/core/search.py` reads them here, `js/src/search.ts` in vitest. The file holds
``classes``, ``label``, ``pred``, ``ids``, ``columns`` (each with name, values, null where
missing, and levels) and ``searches``: text and either ``rows`` and ``words``, how it was
read, or ``error``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from latentlens.core.metadata import Column
from latentlens.core.search import (
    NotUnderstoodError,
    Vocabulary,
    describe_search,
    find_rows,
    read_search,
)

N = 40
CLASSES = ["0", "1", "New York", "as is", "dog"]
TEXTS = [
    "3", "#3", "row 3", "rows 3, 14, 15", "3, 14 15", "3-6", "#103", "#100-104, 2", "item 0",
    "40", "#40", "39", "5, 99", "1, 1, 2",
    "0", "class 0", "CLASS 0", "true 1 pred 0", "true dog predicted New York", "new york",
    '"New York"', "class as is", "as is", "pred 1", "predicted 1", "class = 1", "pred == dog",
    "class 9", "true 1 pred 9", "label 1", "class New York pred dog", "pred = cat",
    "wrong", "right", "Incorrect", "correct", "wrong and 1", "wrong & 1 and age > 20",
    "age > 30", "age>30", "age >= 30.0", "age < 3e1", "age <= -1", "age = 30", "age == 30",
    "age != 30", "Age > +20.5", "age = .5", "age > old", "age > ", "age is missing",
    "age is known", "age contains 3",
    "source = lab-2", "source = LAB-2", "source != lab-2", "source = lab-9", "source > lab-1",
    "source contains LAB", "source is missing", 'source = "lab and 3"', "source = lab and 3",
    '"place of birth" = Köln', "place of birth contains ÖL", "place of birth contains a b",
    "ok = true", "ok = False", "ok != true", "loss > 0.5", "loss is missing",
    "height > 3", "nonsense", "", "   ", "and", "wrong and", "class", "3, x", "#", "3.5", "-3",
    "source = ", "<b>", "kept > 0.5", "12345678901",
]  # fmt: skip


def made_up() -> dict[str, Any]:
    """Give forty items, their classes and columns."""
    rng = np.random.default_rng(8)
    label = rng.integers(-1, len(CLASSES), N)
    pred = np.where(rng.random(N) < 0.6, np.maximum(label, 0), rng.integers(0, len(CLASSES), N))
    age = rng.choice([-1, 0.5, 20.5, 30, 31, 64.25], N)
    age[::7] = np.nan
    loss = rng.random(N).astype(np.float32).astype(np.float64)
    loss[label < 0] = np.nan

    def words(name: str, levels: tuple[str, ...], origin: Any = "text") -> Column:
        values = rng.integers(-1, len(levels), N).astype(np.int32)
        return Column(name=name, origin=origin, values=values, levels=levels)

    columns = [
        Column(name="loss", origin="float", values=loss),
        Column(name="age", origin="float", values=age),
        words("source", ("LAB-2", "lab and 3", "lab-1", "lab-2", "street")),
        words("place of birth", ("Basel", "Köln", "KÖLN", "a b")),
        words("ok", ("False", "True"), "bool"),
    ]
    ids = np.arange(N) + 100
    return {
        "label": label.astype(np.int32),
        "pred": pred.astype(np.int32),
        "ids": ids,
        "columns": {column.name: column for column in columns},
    }


def search(text: str, items: dict[str, Any]) -> dict[str, Any]:
    """Give what a line of text finds, or why it finds nothing."""
    numbers = {name: column.kind == "number" for name, column in items["columns"].items()}
    known = Vocabulary(n_items=N, classes=CLASSES, columns=numbers)
    try:
        terms = read_search(text, known)
    except NotUnderstoodError as error:
        return {"text": text, "error": str(error)}
    rows = find_rows(terms, **items)
    return {"text": text, "rows": rows.tolist(), "words": describe_search(terms, known)}


def plain(column: Column) -> dict[str, Any]:
    """Write a column as JSON has it."""
    gone, values = column.missing, column.values.tolist()
    return {
        "name": column.name,
        "values": [None if gone[row] else value for row, value in enumerate(values)],
        "levels": None if column.kind == "number" else list(column.levels),
    }


def text() -> str:
    """Give the file's contents."""
    items = made_up()
    parts = {
        "classes": CLASSES,
        **{name: items[name].tolist() for name in ("label", "pred", "ids")},
        "columns": [plain(column) for column in items["columns"].values()],
        "searches": [search(each, items) for each in TEXTS],
    }
    lines = [f" {json.dumps(name)}: {_lines(part)}" for name, part in parts.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(part: list[Any]) -> str:
    """Write one entry per line where entries are objects."""
    if not isinstance(part[0], dict):
        return json.dumps(part)
    return "[\n  " + ",\n  ".join(json.dumps(each, ensure_ascii=False) for each in part) + "\n ]"


if __name__ == "__main__":
    Path(__file__).with_name("search.json").write_text(text(), encoding="utf-8")
