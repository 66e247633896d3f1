"""Search by a line of text; `tests/golden/search.json` has the grammar case by case."""

from __future__ import annotations

import json

import numpy as np
import pytest

from latentlens.core.metadata import Column
from latentlens.core.search import NotUnderstoodError, Vocabulary, find_rows, read_search
from tests.conftest import ROOT

GOLDEN = json.loads((ROOT / "tests/golden/search.json").read_text(encoding="utf-8"))
FOUND = {each["text"]: each.get("rows") for each in GOLDEN["searches"]}


def value(name, row):
    """Give an item's value as a person would read it, None if there is none."""
    column = next(each for each in GOLDEN["columns"] if each["name"] == name)
    at = column["values"][row]
    return at if at is None or column["levels"] is None else column["levels"][at]


# What a person would pick by going through the items one by one.
BY_HAND = {
    "3, 14 15": lambda i: i in (3, 14, 15),
    "#100-104, 2": lambda i: 100 <= GOLDEN["ids"][i] <= 104 or i == 2,
    "class New York pred dog": lambda i: (GOLDEN["label"][i], GOLDEN["pred"][i]) == (2, 4),
    "wrong": lambda i: -1 < GOLDEN["label"][i] != GOLDEN["pred"][i],
    "age != 30": lambda i: value("age", i) not in (None, 30),
    "age is missing": lambda i: value("age", i) is None,
    "source != lab-2": lambda i: value("source", i) not in (None, "lab-2"),
    "place of birth contains ÖL": lambda i: "öl" in (value("place of birth", i) or "").lower(),
    "ok = true": lambda i: value("ok", i) == "True",
    "wrong & 1 and age > 20": lambda i: (
        -1 < GOLDEN["label"][i] != GOLDEN["pred"][i]
        and GOLDEN["label"][i] == 1
        and (value("age", i) or 0) > 20
    ),
}


@pytest.mark.parametrize("text", BY_HAND)
def test_a_search_finds_what_going_through_the_items_finds(text):
    assert FOUND[text] == [i for i in range(len(GOLDEN["label"])) if BY_HAND[text](i)]


def test_a_class_goes_before_a_row_of_that_number():
    known = Vocabulary(n_items=10, classes=["7"], columns={})
    assert read_search("7", known)[0].kind == "true"
    assert read_search("#7", known)[0].kind == "rows"


def test_what_can_be_typed_is_said_without_columns_too():
    known = Vocabulary(n_items=10, classes=["ant", "bee"], columns={})
    with pytest.raises(NotUnderstoodError, match=r"true ant pred bee\), wrong, or right; \"and\""):
        read_search("whatever", known)


def test_ten_columns_are_not_all_listed():
    known = Vocabulary(n_items=1, classes=["a"], columns={f"c{i}": True for i in range(10)})
    with pytest.raises(NotUnderstoodError, match="there is c0, c1, c2, c3, c4 and 5 more"):
        read_search("age > 3", known)


def test_an_item_without_a_class_is_neither_right_nor_wrong():
    label, pred = np.array([-1, 0, 1], np.int32), np.array([0, 0, 0], np.int32)
    known = Vocabulary(n_items=3, classes=["a", "b"], columns={})
    rows = [find_rows(read_search(text, known), label=label, pred=pred, columns={}).tolist()
            for text in ("right", "wrong")]  # fmt: skip
    assert rows == [[1], [2]]


def test_a_column_with_many_distinct_words_is_text():
    levels = tuple(f"{i:04}" for i in range(1001))
    codes = np.arange(1001, dtype=np.int32)
    assert Column(name="note", origin="text", values=codes, levels=levels).kind == "text"
    few = Column(name="note", origin="text", values=codes[:3], levels=levels[:3])
    assert few.kind == "category"
