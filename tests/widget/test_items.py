"""Metadata, search, named selections, neighbours and trust, as a notebook has them."""

from __future__ import annotations

import asyncio
from datetime import date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
import traitlets as t

from latentlens import LatentLens
from latentlens.session import handle
from latentlens.widget.metadata import fit_rows, read_metadata
from tests.made_up import blobs, made_up_record

AGE = np.arange(300) % 90
SOURCE = np.array(["lab-1", "lab-2", "street"])[np.arange(300) % 3]


@pytest.fixture
def lens():
    metadata = {"age": AGE, "source": SOURCE, "note": [None, "a Blur", "sharp"] * 100}
    return LatentLens(made_up_record(), metadata=metadata)


# -- metadata --------------------------------------------------------------------


def in_pandas():
    frame = pd.DataFrame({"age": [3, 4, 5], "weight": [1.5, None, 2], "who": ["b", None, "a"]})
    return frame.assign(ok=[True, False, True]).set_index(pd.Index([7, 8, 9]))


def in_polars():
    return pl.DataFrame(
        {"age": [3, 4, 5], "weight": [1.5, None, 2], "who": ["b", None, "a"],
         "ok": [True, False, True]}
    )  # fmt: skip


def in_arrow():
    return in_polars().to_arrow()


def in_a_mapping():
    return {"age": np.array([3, 4, 5]), "weight": [1.5, None, 2], "who": ["b", None, "a"],
            "ok": pl.Series([True, False, True])}  # fmt: skip


@pytest.mark.parametrize("make", [in_pandas, in_polars, in_arrow, in_a_mapping])
def test_a_table_is_the_same_whatever_it_comes_in(make):
    columns = read_metadata(make()).columns
    assert [(c.name, c.origin, c.kind, c.levels) for c in columns] == [
        ("age", "int", "number", ()),
        ("weight", "float", "number", ()),
        ("who", "text", "category", ("a", "b")),
        ("ok", "bool", "category", ("False", "True")),
    ]
    assert [c.values.tolist() for c in columns if c.name in ("age", "who", "ok")] == [
        [3, 4, 5], [1, -1, 0], [1, 0, 1],
    ]  # fmt: skip
    np.testing.assert_array_equal(columns[1].values, [1.5, np.nan, 2])


def test_categories_keep_their_order_and_dates_are_written_out():
    size = pd.Categorical(["L", "S", None], categories=["S", "M", "L"])
    day = pd.to_datetime(["2020-01-31", None, "2020-02-01 10:30"], format="mixed")
    found = read_metadata(pd.DataFrame({"size": size, "day": day}))
    assert found["size"].levels == ("S", "L")
    assert found["day"].levels == ("2020-01-31", "2020-02-01 10:30:00")
    assert found["day"].values.tolist() == [0, -1, 1]


def test_dates_and_times_of_day_are_written_out_as_python_has_them_too():
    moment = pd.Series(pd.to_datetime(["2020-01-31 08:30", None, "2019-02-01 10:00"]))
    found = read_metadata(pd.DataFrame({"day": moment.dt.date, "at": moment.dt.time}))
    assert found["day"].levels == ("2019-02-01", "2020-01-31")
    assert found["day"].values.tolist() == [1, -1, 0]
    assert found["at"].levels == ("08:30:00", "10:00:00")
    listed = read_metadata({"day": [date(2020, 1, 31), datetime(2020, 1, 31, 9), None]})
    assert listed["day"].levels == ("2020-01-31", "2020-01-31 09:00:00")
    lens = LatentLens.from_arrays(np.eye(3), metadata={"day": moment.dt.date})
    assert lens.find('day = "2019-02-01"').tolist() == [2]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (3, "metadata must be a table with one row per item .*got int"),
        ({"age": 3}, "column 'age' is int"),
        ({"a": [1, 2], "b": [1]}, "must be equally long; got 'a' 2, 'b' 1"),
        ({"pred": [1]}, "may not name a column 'pred': a lens has that already.*'my_pred'"),
        ({"Age": [1], "age": [1]}, "more than one column called 'age'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column called 'a'"),
        ({"a": [[1, 2], [3, 4]]}, r"one value per item; it has shape \(2, 2\)"),
        ({"a": [{}, {}]}, r"'a' must hold numbers, truth values, text.*\(dict\)"),
        ({"a": [[1, 2], [3]]}, r"'a' must hold .*\(list\)\. Give its parts as columns of their"),
        ({"a": [np.zeros(2), np.ones(3)]}, r"'a' must hold .*\(ndarray\)\. Give its parts"),
        (pd.DataFrame({"a": [np.zeros(2), np.ones(2)]}), r"'a' must hold .*\(ndarray\)"),
        (pd.DataFrame({"a": [[1], None]}), r"'a' must hold .*\(list\).*or join them into one text"),
        (pl.DataFrame({"a": [[1], [2]]}), r"'a' must hold .*List\(Int64\).*Give its parts"),
        ({"a": [1, "1"]}, r"'a' must hold .*\(int\)\. Turn it into one of these"),
        (
            {"a": pd.Categorical([1, "1", 2])},
            r"'a' has categories that read alike: 1, '1'\. Rename",
        ),
        (
            pd.DataFrame({"a": pd.Categorical([1, "1"])}),
            r"'a' has categories that read alike: 1, '1'.*make them one with astype\(str\)",
        ),
        ({'say "a"': [1]}, "words without quotes"),
        ({f"c{i}": [1] for i in range(201)}, "at most 200 columns; got 201"),
    ],
)
def test_what_is_no_metadata_is_refused_in_words(given, words):
    with pytest.raises((TypeError, ValueError), match=words):
        read_metadata(given)


def test_a_wrong_length_is_refused_before_the_model_is_run():
    from torch.utils.data import DataLoader, TensorDataset

    torch = pytest.importorskip("torch")
    calls = []

    class Net(torch.nn.Linear):
        def forward(self, x):
            calls.append(len(x))
            return super().forward(x)

    data = TensorDataset(torch.randn(20, 3), torch.zeros(20, dtype=torch.long))
    looked = len(calls)
    with pytest.raises(ValueError, match=r"one row per item, 20; got 19\. Row i belongs to item i"):
        LatentLens(Net(3, 2), DataLoader(data, 5), metadata={"age": range(19)})
    # One look at a batch is not the pass.
    assert sum(calls[looked:]) < 20


def test_metadata_of_the_whole_dataset_follow_the_items_that_are_read():
    metadata = read_metadata({"age": np.arange(10)})
    ids = np.array([2, 5, 9])
    assert fit_rows(metadata, 3, ids, 10)["age"].values.tolist() == [2, 5, 9]
    with pytest.raises(ValueError, match=r"per item, 4, or per item of the dataset, 12; got 10"):
        fit_rows(metadata, 4, np.arange(4), 12)


def test_the_frame_has_the_columns_as_they_were():
    latent, label, logits = blobs(4)
    metadata = pd.DataFrame(
        {"n": [1, 2, 3, 4], "x2": [1.5, np.nan, 0, 1], "b": [True, False, True, False],
         "m": pd.array([1, None, 3, 4], "Int64"), "who": ["b", "a", None, "b"]}
    )  # fmt: skip
    lens = LatentLens.from_arrays(latent, label, logits=logits, metadata=metadata)
    frame = lens.frame
    assert [str(frame[name].dtype) for name in metadata] == [
        "int64", "float64", "bool", "Int64", "category",
    ]  # fmt: skip
    assert frame["who"].tolist()[:2] == ["b", "a"]
    pd.testing.assert_frame_equal(
        frame[["n", "x2", "b", "m"]], metadata[["n", "x2", "b", "m"]], check_names=False,
        check_index_type=False,
    )  # fmt: skip


def test_columns_are_listed_and_sent_by_name(lens):
    assert [tuple(column.values()) for column in lens.about["columns"]] == [
        ("age", "number", 0, 0), ("source", "category", 0, 3), ("note", "category", 100, 2),
    ]  # fmt: skip
    [reply] = handle(lens._session, {"kind": "column", "id": 4, "column": "source"})
    assert (reply["id"], reply["levels"]) == (4, ["lab-1", "lab-2", "street"])
    assert reply["values"].dtype == np.int32
    with pytest.raises(ValueError, match="column must be one of 'age', 'source', 'note'"):
        list(handle(lens._session, {"kind": "column", "id": 5, "column": "height"}))


def test_the_map_can_be_coloured_by_a_column_of_this_lens_alone(lens):
    lens.color_by = "age"
    with pytest.raises(t.TraitError, match=r"color_by must be one of .*'kept', 'age', 'source'"):
        lens.color_by = "height"


# -- search ----------------------------------------------------------------------


def test_find_gives_the_rows_that_the_frame_has(lens):
    frame = lens.frame
    wanted = frame[(frame["age"] > 30) & (frame["true"] == "bee") & (frame["loss"] > 0.1)].index
    found = lens.find("age > 30 and bee and loss > 0.1")
    assert found.dtype == np.uint32
    assert found.tolist() == wanted.tolist()
    assert lens.find("note contains BLUR").tolist() == list(range(1, 300, 3))
    lens.selection = found
    assert lens.selection.tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("margin < 0.5 or rank >= 9", "margin < 0.5 or rank >= 9"),
        ("not (group = 1 or in_sample)", "not (group == 1 or in_sample)"),
        ("role = outlier and position != 3", "role == 'outlier' and position != 3"),
        ('role = "" and x > 0 and not y > 0', "role == '' and x > 0 and not y > 0"),
        ("true != bee and pred = bee", "true != 'bee' and pred == 'bee'"),
        ("row <= 100 & ~(correct = true)", "row <= 100 and not (correct == True)"),
    ],
)
def test_find_takes_every_column_that_the_frame_has(lens, text, query):
    wanted = lens.frame.query(query).index.tolist()
    assert wanted
    assert lens.find(text).tolist() == wanted


def test_find_says_which_word_it_does_not_know(lens):
    with pytest.raises(ValueError, match='At word 3, there is no column "agee", the nearest is'):
        lens.find("bee or agee > 3")


def test_find_knows_what_the_map_keeps(lens):
    kept = lens.trust["kept"]
    assert lens.find("kept < 0.3").tolist() == kept.index[kept < 0.3].tolist()


def test_find_says_what_can_be_typed(lens):
    with pytest.raises(ValueError, match=r'Not understood: "\?"\. Type rows .*loss > 1, source'):
        lens.find("?")


# -- named selections ------------------------------------------------------------


def test_slices_are_a_mapping_that_both_sides_see(lens):
    seen = []
    lens.observe(lambda change: seen.append(list(change["new"])), names="slices")
    slices = lens.slices
    slices["dim 4s"] = [9, 4, 4]
    lens.slices["late"] = np.arange(300) >= 298
    assert {name: rows.tolist() for name, rows in slices.items()} == {
        "dim 4s": [4, 9], "late": [298, 299],
    }  # fmt: skip
    assert slices["late"].dtype == np.uint32
    del lens.slices["dim 4s"]
    assert (list(slices), len(slices)) == (["late"], 1)
    assert seen == [["dim 4s"], ["dim 4s", "late"], ["late"]]


def test_slices_travel_as_a_list_in_their_order(lens):
    lens.slices = {"b": [2], "a": [1, 5]}
    state = lens.get_state("slices")["slices"]
    assert [each["name"] for each in state] == ["b", "a"]
    lens.set_state({"slices": [{"name": "c", "rows": state[1]["rows"]}]})
    assert {name: rows.tolist() for name, rows in lens.slices.items()} == {"c": [1, 5]}
    assert repr(lens.slices) == "Slices({'c': 2 rows})"


def test_the_same_slices_are_no_change(lens):
    lens.slices = {"a": [1, 5]}
    lens.observe(lambda _: pytest.fail("nothing changed"), names="slices")
    lens.slices["a"] = [5, 1, 1]


@pytest.mark.parametrize(
    ("name", "rows", "words"),
    [
        ("a", [300], r"slices\['a'\] must hold rows below 300; got 300"),
        ("a", [], r"slices\['a'\] must hold at least one row; got none.*del lens.slices\['a'\]"),
        ("a", [0.5], r"slices\['a'\] must list row numbers"),
        ("", [1], "name must be words without spaces around; got ''"),
        (4, [1], "name must be words.*got 4"),
        ("a" * 61, [1], "may have 60 characters; .* has 61"),
    ],
)
def test_a_slice_set_wrongly_is_refused_in_words(lens, name, rows, words):
    with pytest.raises(t.TraitError, match=words):
        lens.slices[name] = rows
    assert not lens.slices


def test_a_slice_that_is_not_there_is_said_to_be_missing(lens):
    lens.slices["a"] = [1]
    with pytest.raises(KeyError, match=r"there is no slice 'b'; there are 'a'"):
        lens.slices["b"]
    with pytest.raises(KeyError, match="no slice 'b'"):
        del lens.slices["b"]
    with pytest.raises(t.TraitError, match=r"slices must map names to rows.*got list"):
        lens.slices = [1, 2]


# -- neighbours and trust --------------------------------------------------------


def test_neighbors_are_the_nearest_in_the_latent_with_what_is_known_of_them(lens):
    near = lens.neighbors(7, n=4)
    latent, frame = lens.record.latent.astype(np.float64), lens.frame
    far = np.sqrt(((latent - latent[7]) ** 2).sum(axis=1))
    order = [row for row in np.argsort(far, kind="stable") if row != 7][:4]
    assert near["row"].tolist() == order
    np.testing.assert_allclose(near["distance"], far[order])
    for name in ("true", "pred", "correct", "in_sample"):
        assert near[name].tolist() == frame.loc[order, name].tolist()


@pytest.mark.parametrize(("row", "n", "words"), [
    (300, 1, "row must be between 0 and 299, got 300"),
    (0, 0, "n must be between 1 and 299, got 0"),
    (0.5, 1, "row must be an integer, got 0.5"),
])  # fmt: skip
def test_neighbors_say_what_they_take(lens, row, n, words):
    with pytest.raises((TypeError, ValueError), match=words):
        lens.neighbors(row, n)


def test_the_browser_gets_the_same_neighbours(lens):
    [reply] = handle(lens._session, {"kind": "neighbors", "id": 1, "row": 7, "n": 10})
    assert reply["rows"].tolist() == lens.neighbors(7)["row"].tolist()


def test_more_neighbours_than_there_are_give_all_whatever_integer_asks(lens):
    assert len(lens.neighbors(1, np.int64(5000))) == len(lens.neighbors(1, 5000)) == 299


def test_trust_is_of_the_map_that_is_shown(lens):
    frame = lens.trust
    assert frame.attrs["kind"] == "exact"
    assert frame.attrs["mean"] == pytest.approx(frame["kept"].mean())
    assert lens.map_trust["kept"].tolist() == (frame["kept"] * 15).round().tolist()
    lens._take_layout("own", type("L", (), {"xy": lens._xy[::-1].copy(), "done": True,
                                            "text": "", "progress": 1.0}))  # fmt: skip
    assert lens.map_trust is None
    assert lens.trust.attrs["mean"] < 0.2 < frame.attrs["mean"]


async def measured(lens):
    """Wait until a map was measured; give what was told of it."""
    told = asyncio.Queue()
    lens.observe(lambda change: change["new"] and told.put_nowait(change["new"]), names="map_trust")
    return await asyncio.wait_for(told.get(), 60)


def say_hello(lens):
    lens._heard(lens, {"kind": "hello", "id": 1}, [])


def test_a_lens_that_is_shown_is_measured_by_itself_once_its_map_is_at_rest(monkeypatch):
    async def shown():
        lens = LatentLens(made_up_record())
        monkeypatch.setattr(lens, "send", lambda *_: None)
        say_hello(lens)
        return await measured(lens)

    found = asyncio.run(shown())
    assert (found["n_measured"], found["projection"]) == (300, "pca")


def test_the_newest_layout_is_the_one_that_is_measured(monkeypatch):
    class Reversed:
        def fit_transform(self, latent):
            return latent[::-1, :2]

    async def shown():
        lens = LatentLens(made_up_record(), projection=Reversed())
        monkeypatch.setattr(lens, "send", lambda *_: None)
        say_hello(lens)
        first = await measured(lens)
        lens.projection = "pca"
        return first, await measured(lens)

    first, second = asyncio.run(shown())
    assert (first["projection"], second["projection"]) == ("own", "pca")
    assert first["mean"] < 0.2 < second["mean"]


def test_a_lens_that_nobody_looks_at_is_not_measured():
    async def not_shown():
        lens = LatentLens(made_up_record())
        while lens.ranked is None or lens._conductor.busy("ranking"):
            await asyncio.sleep(0)
        return lens._conductor.busy("trust"), lens.map_trust

    assert asyncio.run(not_shown()) == (False, None)


def test_a_script_does_not_wait_for_what_it_has_not_asked_for(lens):
    assert lens.map_trust is None


# -- what is handed on -----------------------------------------------------------


def test_metadata_and_slices_are_saved_with_the_lens(lens, tmp_path):
    lens.slices = {"late": [298, 299], "dim": [3]}
    lens.color_by = "source"
    again = LatentLens.load(lens.save(tmp_path / "run.lens"))
    assert {name: rows.tolist() for name, rows in again.slices.items()} == {
        "dim": [3], "late": [298, 299],
    }  # fmt: skip
    assert again.color_by == "source"
    pd.testing.assert_frame_equal(again.frame, lens.frame)
    assert again.find("age > 80 and note is missing").tolist() == [
        row for row in range(300) if AGE[row] > 80 and row % 3 == 0
    ]


def test_a_file_whose_columns_make_no_sense_is_refused():
    from latentlens.store import Parts, WrongFile, column_parts, read_columns

    parts = column_parts(read_metadata({"who": ["a", "b"], "age": [1, 2]}))
    assert read_columns(Parts(parts, "the lens"), 2)["who"].levels == ("a", "b")
    with pytest.raises(WrongFile, match="values of 0 of the lens"):
        read_columns(Parts(parts, "the lens"), 3)
    parts["0"]["values"] = np.array([0, 2], np.int32)
    with pytest.raises(WrongFile, match="values of 0 of the lens"):
        read_columns(Parts(parts, "the lens"), 2)
    parts["0"] = {**parts["1"], "name": "AGE"}
    with pytest.raises(WrongFile, match="two columns of one name"):
        read_columns(Parts(parts, "the lens"), 2)
