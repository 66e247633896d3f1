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
    FIELDS,
    NotUnderstoodError,
    Vocabulary,
    describe_search,
    find_rows,
    read_search,
)
from latentlens.core.search_terms import LEVELS

N = 40
CLASSES = ["0", "1", "New York", "as is", "dog", "salt or pepper", "crane (bird)", "or"]
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
    "3 or 5", "1 or wrong and age > 20", "(1 or wrong) and age > 20", "not wrong", "NOT not 1",
    "not wrong and 1", "not (wrong and 1)", "not (age > 30)", "not age > 30", "!wrong", "~ right",
    "~(age > 30) & (loss < 0.5) | row < 3", "((dog))", "(1 or (dog and (right || wrong)))",
    "(3, 14) or (#100-104 and not 2)", "not (1 or dog) and (source = street or ok = true)",
    "true dog predicted New York or not (true 1 pred 0)", 'source = "lab and 3" or 2',
    '"source" = "lab-1"or(age=30)', "salt or pepper", "not salt or pepper and right",
    "class crane (bird) or dog", "(crane (bird))", "true crane (bird) pred salt or pepper",
    '"or"', 'class "or" or dog', "source contains not a", "pred != dog", "true != 1",
    "class != New York", "pred = true", "true != pred", "label is missing", "pred is known",
    "true contains o", "age is not missing", "ok is not known", "role = outlier",
    "role != outlier", 'role = ""', "role is missing", "in_sample", "IN_SAMPLE = false",
    "correct = true", "correct is missing", "not in_sample and correct = False", "margin < 0.2",
    "rank <= 1 and group = 2", "position >= 130", "row >= 35 and row != 39", "x > 0 and y < -0.5",
    "kept = 0.5", "agee > 30", "wrong and agee > 30", "1 or dgo", "class dgo", "wrnog",
    "in sample", "role = outlyer", "true = 9 or 1", "right and 2, 99", "margn < 1", "true > 1",
    "or", "1 or", "1 or or 2", "not", "(", ")", "()", "(1", "(1 or (dog)", "1)", "(1) dog",
    "1 (dog)", "wrong and (age > 30", "(age > 30)) and wrong", 'source = "lab', '1 and "',
    "age > 30 not wrong", "note (x) = 3", "1 and and 2", "age and 30",
    "not " * 100 + "1", "not " * 101 + "1", "(" * 2_000,
    # At which word, where the same letters stand in an earlier one.
    "class a", "wrong and class s", "age > e", "role = ro", "pred r", "age > age",
    "wrong and age>e", "(role = ro) or 1", 'wrong and age = ""', "wrong and agee > 3",
    "source = a (b)", "(source = a (b))",
    # In single and typographic quotes, which may be a name's or a level's own.
    "source == 'lab-1'", "source=='lab and 3' or 2", "'place of birth' = Köln", "'odd name' > 5",
    "('place of birth'='a b')", "true 'New York' pred 'dog'", "'salt or pepper' or \u2018dog\u2019",
    "source = “lab and 3”", "class “or”", "source contains 'LAB'", "age > '30'", "age > 'e'",
    "status = 'good or bad'", "status = good or bad", "status = 'fair'", "status != 'FAIR'",
    "status contains 'o'", "status = don't", "status = 'don't'", "status = rock 'n' roll",
    "not 'wrong", "source = 'lab", "source = \"'lab-1'\"", "'dog' 'dog'",
    # Pasted, or with letters that are a keyword's in other capitals to one of the engines only.
    "\ufeffwrong", "wrong\x85or\x1cage\u2028>\u202930", "source\r=\x1flab-1\x1d", "\x1e",
    "age İs m\u0131ss\u0131ng", "age \u0131s known", "\u0131tem 3", "row\u017f 3", "cla\u017fs dog",
    "source conta\u0131n\u017f lab",
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
    label, pred = label.astype(np.int32), pred.astype(np.int32)
    columns += fields(rng, label, pred, ids)
    columns.append(words("status", ("'good or bad'", "don't", "fair", "good", "rock 'n' roll")))
    return {
        "label": label,
        "pred": pred,
        "ids": ids,
        "columns": {column.name: column for column in columns},
    }


def fields(rng: Any, label: Any, pred: Any, ids: Any) -> list[Column]:
    """Give the columns that every lens has."""
    known = (label >= 0) & (pred >= 0)
    roles = rng.integers(0, 5, N).astype(np.int32)
    codes = {
        "role": roles,
        "in_sample": (roles > 0).astype(np.int32),
        "true": label,
        "pred": pred,
        "correct": np.where(known, label == pred, -1).astype(np.int32),
    }
    numbers = {
        "margin": rng.random(N),
        "rank": rng.permutation(N),
        "group": rng.integers(0, 4, N),
        "row": np.arange(N),
        "position": ids,
        "x": rng.standard_normal(N).astype(np.float32),
        "y": rng.standard_normal(N).astype(np.float32),
        "kept": rng.integers(0, 5, N) / 4,
    }
    levels = {"true": tuple(CLASSES), "pred": tuple(CLASSES), **LEVELS}
    return [
        Column(name=name, origin="float", values=numbers[name].astype(np.float64))
        if holds_numbers
        else Column(name=name, origin="text", values=codes[name], levels=levels[name])
        for name, holds_numbers in FIELDS.items()
    ]


def search(text: str, items: dict[str, Any]) -> dict[str, Any]:
    """Give what a line of text finds, or why it finds nothing."""
    numbers = {name: column.kind == "number" for name, column in items["columns"].items()}
    known = Vocabulary(n_items=N, classes=CLASSES, columns=numbers)
    try:
        query = read_search(text, known)
    except NotUnderstoodError as error:
        return {"text": text, "error": str(error)}
    rows = find_rows(query, **items)
    return {"text": text, "rows": rows.tolist(), "words": describe_search(query, known)}


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
