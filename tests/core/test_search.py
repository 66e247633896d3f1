"""Search by a line of text; `tests/golden/search.json` has the grammar case by case."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.core import search_conditions
from latentlens.core.metadata import Column
from latentlens.core.search import (
    FIELDS,
    NotUnderstoodError,
    Vocabulary,
    describe_search,
    find_rows,
    read_search,
)
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
    assert read_search("7", known).kind == "true"
    assert read_search("#7", known).kind == "rows"


def test_quotes_that_are_a_names_own_are_part_of_it():
    classes = ["'tis or dogs", "rock 'n' roll", "a 'b", "'c'", "c"]
    known = Vocabulary(n_items=10, classes=classes, columns={})
    for name in classes:
        words = describe_search(read_search(f"{name} or wrong", known), known)
        assert words == f"true class {name} or wrong"
    assert describe_search(read_search("pred ''c''", known), known) == "predicted 'c'"
    quoted = read_search("class 'rock 'n' roll'", known)
    assert describe_search(quoted, known) == "true class rock 'n' roll"


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


# -- and, or, not ----------------------------------------------------------------

N = 30
CLASSES = ["0", "1", "salt or pepper"]
CONDITIONS = {
    "0": lambda i: i["true"] == "0",
    "salt or pepper": lambda i: i["true"] == "salt or pepper",
    "wrong": lambda i: None not in (i["true"], i["pred"]) and i["true"] != i["pred"],
    "age > 3": lambda i: i["age"] is not None and i["age"] > 3,
    "age is not missing": lambda i: i["age"] is not None,
    "row < 11": lambda i: i["row"] < 11,
    "3, 5-9": lambda i: i["row"] == 3 or 5 <= i["row"] <= 9,
    "pred != 1": lambda i: i["pred"] not in (None, "1"),
    '"age" <= 2': lambda i: i["age"] is not None and i["age"] <= 2,
}


def naive(query, item):
    """Evaluate a nested list, item by item."""
    if isinstance(query, str):
        return CONDITIONS[query](item)
    join, *parts = query
    held = [naive(part, item) for part in parts]
    return not held[0] if join == "not" else (all if join == "and" else any)(held)


def written(query, rng, inside=""):
    """Write a nested list as a line, with no more parentheses than it takes, or with more."""
    if isinstance(query, str):
        return query if rng.random() < 0.8 else f"( {query})"
    join, *parts = query
    words = [written(part, rng, join) for part in parts]
    sign = {"and": ["and", "&", "AND"], "or": ["or", "|", "||"], "not": ["not ", "!", "~ "]}[join]
    one = str(rng.choice(sign))
    line = one + words[0] if join == "not" else f" {one} ".join(words)
    binds = ["", "or", "and", "not"]
    return f"({line})" if binds.index(join) < binds.index(inside) or rng.random() < 0.2 else line


queries = st.recursive(
    st.sampled_from(sorted(CONDITIONS)),
    lambda part: st.one_of(
        st.tuples(st.just("not"), part),
        st.tuples(st.sampled_from(["and", "or"]), part, part),
        st.tuples(st.sampled_from(["and", "or"]), part, part, part),
    ),
    max_leaves=8,
)


@given(queries, st.integers(0, 2**32 - 1))
def test_a_joined_search_finds_what_a_naive_reader_of_its_tree_finds(query, seed):
    rng = np.random.default_rng(seed)
    label, pred = rng.integers(-1, 3, (2, N)).astype(np.int32)
    age = np.where(rng.random(N) < 0.3, np.nan, rng.integers(0, 6, N).astype(float))
    columns = {"age": age, "row": np.arange(N, dtype=float)}
    columns = {name: Column(name=name, origin="float", values=v) for name, v in columns.items()}
    columns["pred"] = Column(name="pred", origin="text", values=pred, levels=tuple(CLASSES))
    items = [
        {"row": i, "true": [*CLASSES, None][label[i]], "pred": [*CLASSES, None][pred[i]],
         "age": None if np.isnan(age[i]) else age[i]}
        for i in range(N)
    ]  # fmt: skip
    known = Vocabulary(n_items=N, classes=CLASSES, columns={"age": True, **FIELDS})
    read = read_search(written(query, rng), known)
    found = find_rows(read, label=label, pred=pred, columns=columns)
    assert found.tolist() == [i for i in range(N) if naive(query, items[i])]
    # What is said of it is read as the same again.
    again = describe_search(read, known).replace("rows", "3, 5-9").replace("true class", "class")
    found_again = find_rows(read_search(again, known), label=label, pred=pred, columns=columns)
    assert found_again.tolist() == found.tolist()


@given(st.text(alphabet=" ()!&|~\"'“”\ufeffab0<>=#,-", max_size=24))
def test_any_line_is_read_or_refused_as_not_understood(text):
    known = Vocabulary(n_items=3, classes=["a", "b (a)"], columns={"b": False, **FIELDS})
    with suppress(NotUnderstoodError):
        read_search(text, known)


def test_names_of_quite_another_length_are_not_compared_letter_by_letter(monkeypatch):
    compared = []

    def counted(one, other):
        compared.append(other)
        return distance(one, other)

    distance = search_conditions._distance
    monkeypatch.setattr(search_conditions, "_distance", counted)
    known = Vocabulary(n_items=3, classes=["ant", "anteater", "ape"], columns={})
    with pytest.raises(NotUnderstoodError, match=r'no class "annt", the nearest is ant;'):
        read_search("class annt", known)
    assert compared == ["ant"]
    with pytest.raises(NotUnderstoodError, match=r'no class "a+"; the classes are'):
        read_search(f"class {'a' * 300}", known)
    assert compared == ["ant"]


@given(st.text("abé ", max_size=9), st.lists(st.text("abAé", max_size=9), max_size=6))
def test_the_nearest_name_is_that_of_all_names(word, names):
    steps = [search_conditions._distance(word.strip(), name.lower()) for name in names]
    near = [name for name, n in zip(names, steps, strict=True) if n == min(steps)]
    meant = near and min(steps) <= (len(word.strip()) + 1) // 3 and near[0]
    said = f", the nearest is {near[0]}" if meant else ""
    assert search_conditions._nearest(word, names) == said


@pytest.mark.parametrize("paste", ["x" * 100_000, f"wrong{' ' * 100_000}x"])
def test_a_paste_is_refused_by_its_length_before_it_is_gone_through(paste):
    known = Vocabulary(n_items=3, classes=["ant"], columns={"age": True})
    words = f"at most 1000 characters, this one has {len(paste)}. Type rows"
    with pytest.raises(NotUnderstoodError, match=words) as said:
        read_search(paste, known)
    assert len(str(said.value)) < 400


def test_a_list_of_rows_may_be_as_long_as_it_is():
    known = Vocabulary(n_items=5000, classes=["ant"], columns={})
    found = find_rows(
        read_search(", ".join(map(str, range(5000))), known),
        label=np.zeros(5000, np.int32), pred=np.zeros(5000, np.int32), columns={},
    )  # fmt: skip
    assert len(found) == 5000


@pytest.mark.parametrize("line", ["", "   ", "«ant»", "“class ant”"])
def test_a_line_of_nothing_or_in_other_quotes_is_answered_with_what_can_be_typed(line):
    known = Vocabulary(n_items=3, classes=["ant"], columns={"age": True})
    with pytest.raises(NotUnderstoodError, match=rf'ot understood: "{line.strip()}".* Type rows'):
        read_search(line, known)


def test_every_word_of_a_line_stands_alone_without_a_place():
    known = Vocabulary(n_items=3, classes=["ant"], columns={"age": True})
    with pytest.raises(NotUnderstoodError, match=r'^There is no column "agee", the nearest is age'):
        read_search("agee>3", known)
    with pytest.raises(NotUnderstoodError, match=r'^At word 3, there is no column "agee"'):
        read_search("ant or agee>3", known)
