"""The paper's questions by name, and two groups side by side."""

import numpy as np
import pandas as pd
import pytest

from latentlens import LatentLens
from latentlens.core import record_from_arrays
from latentlens.core.effect import compare_groups
from tests.made_up import blobs

WIDE = 40


@pytest.fixture
def raw():
    """What lies behind the lens's layers: "conv" of shape (2, 4, 5), and the latent."""
    latent, label, logits = blobs()
    rng = np.random.default_rng(1)
    conv = np.maximum(latent @ rng.normal(size=(6, WIDE)), 0).astype(np.float32)
    return {"conv": conv, "latent": latent, "label": label, "pred": logits.argmax(axis=1)}


@pytest.fixture
def lens(raw):
    _, _, logits = blobs()
    record = record_from_arrays(
        raw["latent"], raw["label"], logits=logits, classes=["ant", "bee", "cat"], keep=8,
        activations={"conv": raw["conv"].reshape(-1, 2, 4, 5)},
    )  # fmt: skip
    lens = LatentLens(record, k=5, fraction=0.2)
    lens.layer = "conv"
    return lens


def data_of(chart):
    """Give the chart's rows, after altair has checked it against its schema."""
    rows = max(chart.to_dict()["datasets"].values(), key=len)
    assert len(rows) < 5000
    return pd.DataFrame(rows)


def titles(chart):
    spec = chart.to_dict()
    marks = spec["layer"][0] if "layer" in spec else spec
    return {name: channel.get("title") for name, channel in marks["encoding"].items()
            if isinstance(channel, dict)}  # fmt: skip


# -- by name ---------------------------------------------------------------------


def test_q1_gives_every_class_its_mean_over_all_items(lens, raw):
    result = lens.questions.q1()
    table = result.frame.pivot(index="label", columns="unit", values="mean")
    for number, name in enumerate(["ant", "bee", "cat"]):
        expected = raw["conv"][raw["label"] == number].mean(axis=0, dtype=np.float64)
        np.testing.assert_allclose(table.loc[name], expected, rtol=1e-12)
    assert set(result.frame.kind) == {"exact"}
    assert result.title == "mean activation of conv by class"


def test_q1_by_predicted_class_says_so(lens, raw):
    result = lens.questions.q1(layer="latent", by="predicted")
    bees = result.frame[result.frame.label == "bee"]
    np.testing.assert_allclose(
        bees["mean"], raw["latent"][raw["pred"] == 1].mean(axis=0, dtype=np.float64), rtol=1e-12
    )
    assert result.title == "mean activation of latent by predicted class"
    with pytest.raises(ValueError, match="by must be one of"):
        lens.questions.q1(by="guess")


def test_q2_gives_the_top_units_of_the_wrong_items_of_a_class(lens, raw):
    result = lens.questions.q2("bee", 4)
    wrong = (raw["label"] == 1) & (raw["pred"] != 1)
    expected = np.argsort(-raw["conv"][wrong].max(axis=0), kind="stable")[:4]
    assert result.frame.unit.tolist() == expected.tolist()
    assert result.title == "top 4 neurons of conv for wrong bees"
    assert result.frame.n_group.iloc[0] == wrong.sum()


def test_q2_on_the_sample_marks_hits(lens):
    result = lens.questions.q2("bee", 4, correctness="correct", on="sample")
    assert {"hit", "exact_value"} <= set(result.frame.columns)
    assert titles(result.chart())["fillOpacity"] == "in the exact top k"
    assert result.title == "top 4 neurons of conv for right bees"


def test_q3_sets_wrong_against_right_items_of_a_class_in_the_last_hidden_layer(lens, raw):
    result = lens.questions.q3("bee")
    bee, wrong = raw["label"] == 1, raw["label"] != raw["pred"]
    for side, inside in (("a", bee & wrong), ("b", bee & ~wrong)):
        expected = raw["latent"][inside].mean(axis=0, dtype=np.float64)
        np.testing.assert_allclose(result.frame[f"mean_{side}"], expected, rtol=1e-12)
        assert set(result.frame[f"n_{side}"]) == {inside.sum()}
    assert result.title == "mean pattern of latent, wrong bees against right bees"


def test_q5_counts_the_maximal_units_of_items_taken_for_another_class(lens, raw):
    wrong = (raw["label"] != raw["pred"]).nonzero()[0][0]
    names = ["ant", "bee", "cat"]
    true, predicted = names[raw["label"][wrong]], names[raw["pred"][wrong]]
    result = lens.questions.q5(true, predicted)
    inside = (raw["label"] == raw["label"][wrong]) & (raw["pred"] == raw["pred"][wrong])
    values = raw["conv"][inside]
    expected = np.bincount(values.argmax(axis=1)[values.any(axis=1)], minlength=WIDE)
    got = result.frame.exact_count
    assert got[got.index >= 0].to_dict() == {u: n for u, n in enumerate(expected) if n}
    assert result.title == f"maximally activated neurons of conv for {true}s taken for {predicted}s"


def test_questions_without_items_are_refused_in_words(raw):
    lens = LatentLens.from_arrays(
        raw["latent"], raw["label"], raw["label"], classes=["ant", "bee", "cat"]
    )
    with pytest.raises(ValueError, match="There are no wrong bees in the data"):
        lens.questions.q3("bee")
    with pytest.raises(ValueError, match="No watched layer is a convolution; name one"):
        lens.questions.q5("ant", "bee")
    with pytest.raises(ValueError, match="The data have no ants taken for bees"):
        lens.questions.q5("ant", "bee", layer="latent")
    with pytest.raises(ValueError, match="predicted must be one of 'ant', 'bee', 'cat'"):
        lens.questions.q5("ant", "dog", layer="latent")
    nameless = LatentLens.from_arrays(raw["latent"], sampler="random")
    with pytest.raises(ValueError, match="No item's class is known by='true'"):
        nameless.questions.q1()


def test_the_menu_lists_calls_that_give_what_it_says(lens):
    menu = lens.questions.menu()
    assert menu.index.tolist() == ["q1", "q2", "q3", "q5"]
    for row in menu.itertuples():
        result = eval(row.call, {"lens": lens})
        assert result.title == row.question


@pytest.mark.parametrize(
    "ask",
    [
        lambda q: q.q1(),
        lambda q: q.q2("bee", 5),
        lambda q: q.q2("bee", 5, on="sample", correctness="all"),
        lambda q: q.q3("bee"),
        lambda q: q.q3("bee", layer="conv"),
        lambda q: q.q5("bee", "bee"),
        lambda q: q.q5("bee", "bee", on="sample"),
    ],
)
def test_every_chart_is_valid_small_and_titled(lens, ask):
    result = ask(lens.questions)
    chart = result.chart()
    assert len(data_of(chart))
    title = chart.to_dict()["title"]
    assert (title if isinstance(title, str) else title["text"]).startswith(result.title)
    assert titles(chart)["x"]
    assert titles(chart)["y"]


def test_a_wide_layer_is_charted_by_the_units_that_differ_most():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 60)
    wide = rng.normal(size=(60, 3000)).astype(np.float32)
    wide[label == 1, 77] += 50
    lens = LatentLens.from_arrays(
        wide[:, :4], label, label, activations={"wide": wide}, sampler="random"
    )
    lens.layer = "wide"
    chart = lens.questions.q1().chart()
    rows = data_of(chart)
    assert 77 in set(rows.unit)
    assert "the 1,333 units that differ most" in chart.to_dict()["title"]


# -- two groups ------------------------------------------------------------------


def test_two_groups_have_their_exact_means_maxima_and_counts_with_n(lens, raw):
    a = {"label": "bee", "correctness": "correct"}
    frame = lens.compare_groups(a, {"label": "cat"}, layer="conv").frame
    bees = (raw["label"] == 1) & (raw["pred"] == 1)
    for side, inside in (("a", bees), ("b", raw["label"] == 2)):
        values = raw["conv"][inside]
        np.testing.assert_allclose(
            frame[f"mean_{side}"], values.mean(axis=0, dtype=np.float64), rtol=1e-12
        )
        maxima = values.max(axis=0)
        best = np.argsort(-maxima, kind="stable")[:8]
        known = frame[f"max_{side}"].dropna()
        assert set(known.index) == set(best)
        np.testing.assert_array_equal(frame[f"max_{side}"][best], maxima[best])
        counts = np.bincount(values.argmax(axis=1)[values.any(axis=1)], minlength=WIDE)
        np.testing.assert_array_equal(frame[f"count_{side}"], counts)
        assert set(frame[f"n_{side}"]) == {inside.sum()}
    assert set(frame.kind) == {"exact"}


def test_the_effect_is_that_of_all_items_where_activations_are_at_hand(lens, raw):
    frame = lens.compare_groups({"label": "bee"}, {"label": "cat"}, layer="latent").frame
    expected = compare_groups(raw["latent"], raw["label"] == 1, raw["label"] == 2)
    np.testing.assert_allclose(frame.effect, expected.effect)
    assert set(frame.n_used_a) == {(raw["label"] == 1).sum()}


def test_without_a_model_there_is_no_effect_and_the_note_says_why(lens):
    result = lens.compare_groups({"label": "bee"}, {"label": "cat"}, layer="conv")
    assert result.frame.effect.isna().all()
    assert "the model cannot be run on chosen items" in result.note
    assert len(data_of(result.chart())) == 60


def test_a_selection_is_compared_with_the_rest_of_its_class(lens, raw):
    rows = np.flatnonzero(raw["label"] == 1)[:5]
    result = lens.compare_groups({"label": "bee", "selection": rows}, layer="latent")
    rest = (raw["label"] == 1) & ~np.isin(np.arange(300), rows)
    expected = raw["latent"][rest].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(result.frame.mean_b, expected, rtol=1e-6)
    assert result.names == ("bees of the selection", "other bees")


def test_rows_and_masks_are_groups_too(lens, raw):
    mask = raw["label"] == 1
    by_mask = lens.compare_groups(mask, layer="latent")
    by_rows = lens.compare_groups(np.flatnonzero(mask), np.flatnonzero(~mask), layer="latent")
    pd.testing.assert_frame_equal(by_mask.frame, by_rows.frame)
    assert by_mask.names == (f"{mask.sum()} chosen items", "other items")


def test_the_lens_own_controls_do_not_narrow_a_group(lens, raw):
    lens.selection, lens.label, lens.correctness = [1, 2, 3], "ant", "incorrect"
    frame = lens.compare_groups({"label": "bee"}, {"label": "cat"}, layer="latent").frame
    assert set(frame.n_a) == {(raw["label"] == 1).sum()}


def test_groups_that_cannot_be_compared_are_refused_in_words(lens):
    with pytest.raises(ValueError, match=r"a and b must share no item, but .* bees and items"):
        lens.compare_groups({"label": "bee"}, {})
    with pytest.raises(ValueError, match=r"a may hold label, .*got 'lable'"):
        lens.compare_groups({"lable": "bee"})
    with pytest.raises(ValueError, match="b must hold rows between 0 and 299"):
        lens.compare_groups([0], [300])
    with pytest.raises(ValueError, match="a is empty; give at least one row"):
        lens.compare_groups([])
