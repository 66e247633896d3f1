"""The charts that leave the notebook: their figures, their words, their size, their colours."""

import re

import numpy as np
import pandas as pd
import pytest

from latentlens import LatentLens
from latentlens.core.palette import OKABE_ITO, UNKNOWN, scale_colours
from latentlens.widget.look import INKS, MOST_ROWS, themed
from latentlens.widget.map_chart import FAINT
from tests.made_up import blobs, made_up_record

KINDS = ("map", "top_k", "max_neurons", "mean_activation", "fidelity", "confusion")
ALTAIR_LIMIT = 5000


@pytest.fixture(scope="module")
def lens():
    return LatentLens(made_up_record(), fraction=0.2, sampler="random")


def drawn(chart):
    """Give a chart's specification, its rows and its words."""
    spec = chart.to_dict()
    rows = max(spec["datasets"].values(), key=len)
    title = spec["title"]
    return spec, rows, " ".join([title["text"], *title["subtitle"]])


@pytest.mark.parametrize("kind", KINDS)
def test_a_chart_says_what_it_is_worth_names_its_axes_and_stays_small(lens, kind):
    spec, rows, words = drawn(lens.chart(kind))
    assert 0 < len(rows) < ALTAIR_LIMIT
    assert any(word in words for word in ("exact", "easured", "estimate", "sample,"))
    text = str(spec)
    assert "'title': 'unit'" in text or "x (no unit)" in text or "class" in text or "frac" in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_chart_can_be_restyled_set_beside_another_and_drawn_without_a_browser(lens, kind):
    import altair as alt
    import vl_convert

    both = alt.hconcat(lens.chart("top_k").properties(width=99), lens.chart(kind))
    spec = both.to_dict()
    assert spec["hconcat"][0]["width"] == 99
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")


def test_an_unknown_chart_is_refused_with_the_known_ones(lens):
    with pytest.raises(ValueError, match=r"kind must be one of 'map', 'top_k'.*, got 'pie'"):
        lens.chart("pie")


def test_an_unknown_option_is_refused_with_the_known_ones(lens):
    with pytest.raises(TypeError, match=r"does not take colour.*max_neurons: layer, label"):
        lens.chart("top_k", colour="red")
    with pytest.raises(ValueError, match="theme must be one of 'light', 'dark'"):
        lens.chart("map", theme="blue")


def test_a_dark_map_stands_on_dark_paper(lens):
    spec = lens.chart("map", theme="dark").to_dict()
    assert spec["background"] == INKS["dark"][0]
    assert "background" not in lens.chart("map").to_dict()


def test_the_map_has_every_item_with_its_place_and_role(lens):
    spec, rows, words = drawn(lens.chart("map"))
    frame = lens.frame
    assert len(rows) == len(frame)
    row = rows[7]
    assert row["x"] == pytest.approx(float(frame["x"][row["row"]]))
    assert {each["row"] for each in rows if each["in_sample"]} == set(lens.sample.index.tolist())
    wrong = ~frame["correct"]
    caught = (wrong & frame["in_sample"]).sum()
    assert "60 of 300 items are in the sample" in words
    assert f"{caught} of {wrong.sum()} errors" in words
    assert {"zoom", "classes", "size"} <= {each["name"] for each in spec["params"]}
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["ant", "bee", "cat"]
    assert scale["range"][:3] == list(OKABE_ITO[:3])


def test_a_map_of_many_items_holds_the_sample_and_says_how_many_others():
    latent, label, logits = blobs(7000)
    lens = LatentLens.from_arrays(latent, label, logits=logits, sampler="random")
    _, rows, words = drawn(lens.chart("map"))
    assert len(rows) == MOST_ROWS
    assert {each["row"] for each in rows if each["in_sample"]} == set(lens.sample.index.tolist())
    assert "Of the rest 4,150 of 6,650 are drawn, chosen at random." in words
    lens.fraction = 1.0
    _, rows, words = drawn(lens.chart("map"))
    assert len(rows) <= MOST_ROWS
    assert "Of the sample 2,250 of 7,000 are drawn" in words


TITLES = {
    "label": ("true", "True class"),
    "pred": ("pred", "Predicted class"),
    "correct": ("correct", "Right or wrong"),
    "loss": ("loss", "Loss (nats, log scale)"),
    "margin": ("margin", "Log ratio (low: near a boundary)"),
    "unit": ("unit", "Activation of unit 3 of conv"),
    "kept": ("kept", "Neighbours kept, of 15"),
    "age": ("value", "age"),
    "source": ("value", "source"),
}


@pytest.fixture
def coloured():
    rng = np.random.default_rng(0)
    age = np.where(rng.random(300) < 0.1, np.nan, rng.integers(20, 80, 300))
    table = {"age": age, "source": rng.choice(["a.b", "c"], 300)}
    lens = LatentLens(made_up_record(), metadata=table, sampler="random")
    lens.layer = "conv"
    lens.unit = 3
    return lens


def map_svg(lens):
    import vl_convert

    chart = themed(lens.chart("map"), "light")
    return vl_convert.vegalite_to_svg(chart.to_dict())


def first_color(lens, theme="light"):
    return lens.chart("map", theme=theme).to_dict()["layer"][0]["encoding"]["color"]


@pytest.mark.parametrize("color_by", TITLES)
def test_the_map_is_coloured_as_the_lens_is_and_its_legend_says_by_what(coloured, color_by):
    coloured.color_by = color_by
    color = first_color(coloured)
    assert (color["field"], color["legend"]["title"]) == TITLES[color_by]
    assert TITLES[color_by][1] in map_svg(coloured)


def test_each_item_has_the_value_that_the_lens_knows_of_it(coloured):
    wanted = {
        "unit": coloured.unit_values(3, progress=False)["value"],
        "kept": coloured.trust["kept"],
        "age": coloured.frame["age"],
        "source": coloured.frame["source"],
        "correct": coloured.frame["correct"].map({True: "right", False: "wrong"}),
    }
    for color_by, values in wanted.items():
        coloured.color_by = color_by
        field = TITLES[color_by][0]
        _, rows, words = drawn(coloured.chart("map"))
        assert len(rows) == 300
        got = [row[field] for row in sorted(rows, key=lambda row: row["row"])]
        want = [None if value != value else value for value in values.tolist()]  # noqa: PLR0124
        assert got == pytest.approx(want)
        n = want.count(None)
        grey = f"Grey: {n} items of which {TITLES[color_by][1]} is not known."
        assert (grey in words) == (n > 0)


def test_items_without_a_value_are_grey_and_still_drawn(coloured):
    coloured.color_by = "age"
    spec = coloured.chart("map").to_dict()
    known, grey, ring = spec["layer"][:3]
    assert "isValid(datum.value)" in str(known["transform"])
    assert "!isValid(datum.value)" in str(grey["transform"])
    assert grey["encoding"]["color"] == {"value": UNKNOWN["light"]}
    assert ring["encoding"]["color"]["condition"]["value"] == UNKNOWN["light"]
    assert ring["mark"]["invalid"] is None
    assert map_svg(coloured).count(UNKNOWN["light"]) == coloured.frame["age"].isna().sum()


def test_items_of_an_infinite_value_are_drawn_at_the_ends_of_the_scale():
    age = np.arange(300.0)
    age[[0, 1, 2, 3]] = np.inf, -np.inf, -np.inf, np.nan
    lens = LatentLens(made_up_record(), metadata={"age": age}, sampler="random", color_by="age")
    _, rows, words = drawn(lens.chart("map"))
    value = {row["row"]: row["value"] for row in rows}
    assert [value[row] for row in range(5)] == [299, 4, 4, None, 4]
    assert "At the ends of the scale: 3 items of which age is infinite." in words
    assert "Grey: 1 items of which age is not known." in words
    circles = count_filled(map_svg(lens))
    lens.color_by = "label"
    assert circles == count_filled(map_svg(lens))


def test_a_column_of_words_without_any_value_is_unknown_of_every_item():
    table = {"source": pd.Series([None] * 300, dtype="object").astype("category")}
    lens = LatentLens(made_up_record(), metadata=table, sampler="random", color_by="source")
    spec, rows, words = drawn(lens.chart("map"))
    assert {row["value"] for row in rows} == {None}
    assert "Grey: 300 items of which source is not known." in words
    assert "isValid" in str(spec["layer"][1]["transform"])
    assert map_svg(lens).count(UNKNOWN["light"]) == 300


def test_a_class_named_unknown_is_not_mixed_up_with_what_is_unknown():
    latent, label, _ = blobs(50)
    label = np.where(label == 0, -1, label)
    lens = LatentLens.from_arrays(latent, label, classes=["a", "unknown", "b"], sampler="random")
    spec, rows, _ = drawn(lens.chart("map"))
    scale = spec["layer"][0]["encoding"]["color"]["scale"]
    assert scale["domain"] == ["a", "unknown", "b", "(unknown)"]
    named = {-1: "(unknown)", 1: "unknown", 2: "b"}
    assert all(row["true"] == named[label[row["row"]]] for row in rows)
    lens.color_by = "loss"
    _, rows, _ = drawn(lens.chart("map"))
    assert all(row["true"] == named[label[row["row"]]] for row in rows)


def test_the_scale_has_the_widgets_colours_and_span(coloured):
    coloured.color_by = "loss"
    scale = first_color(coloured)["scale"]
    loss = coloured.frame["loss"]
    low, high = scale["domain"]
    assert scale["type"] == "log"
    assert np.log10([low, high]).round(9).tolist() == [round(np.log10(low)), round(np.log10(high))]
    assert low <= max(loss.quantile(0.01), 1e-6)
    assert high >= loss.quantile(0.99)
    assert scale["range"] == scale_colours(10)
    assert first_color(coloured, "dark")["scale"]["range"] == scale_colours(10, "dark")
    coloured.color_by = "margin"
    assert first_color(coloured)["scale"]["range"] == scale_colours(10)[::-1]


def count_filled(svg):
    """Count items, rings and crosses apart."""
    return len(re.findall(r"<path [^>]*role=.graphics-symbol.[^>]*stroke-width=.0", svg))


def test_what_is_selected_is_ringed_and_all_else_is_faint(coloured):
    rows = np.arange(0, 300, 7)
    coloured.selection = rows
    spec, drawn_rows, words = drawn(coloured.chart("map"))
    assert {row["row"] for row in drawn_rows if row["selected"]} == set(rows.tolist())
    rest, *_, halo = spec["layer"]
    assert rest["transform"] == [{"filter": "!datum.selected"}]
    assert rest["encoding"]["opacity"]["condition"]["value"] == FAINT
    assert halo["transform"] == [{"filter": "datum.selected"}]
    assert halo["mark"]["filled"] is False
    both = np.isin(coloured.sample.index, rows).sum()
    assert f"{len(rows)} are selected and have a wide ring; {both} of them are sampled" in words
    assert count_rings(map_svg(coloured)) == len(rows) + both
    coloured.selection = []
    assert "are selected" not in drawn(coloured.chart("map"))[2]
    assert count_rings(map_svg(coloured)) == len(coloured.sample.index)


def count_rings(svg):
    """Count items outlined in ink, whichever ring it is, crosses and axes apart."""
    marks = re.findall(r"<path [^>]*role=.graphics-symbol.[^>]*>", svg)
    return sum('stroke="#1a1a1a"' in mark and "A" in re.search(r' d="([^"]*)"', mark)[1]
               for mark in marks)  # fmt: skip


def test_of_many_items_the_selected_are_drawn_first():
    latent, label, logits = blobs(7000)
    lens = LatentLens.from_arrays(latent, label, logits=logits, sampler="random")
    lens.selection = np.arange(2000)
    _, rows, words = drawn(lens.chart("map"))
    assert len(rows) <= MOST_ROWS
    assert sum(row["selected"] for row in rows) == 2000
    lens.selection = np.arange(3000)
    _, rows, words = drawn(lens.chart("map"))
    assert len(rows) <= MOST_ROWS
    assert "Of the selection 2,250 of 3,000 are drawn, chosen at random." in words


def test_what_is_not_drawn_is_counted_beside_a_selection_too():
    latent, label, logits = blobs(7000)
    lens = LatentLens.from_arrays(latent, label, logits=logits, sampler="random", fraction=0.9)
    sampled, outside = lens.sample.index, np.setdiff1d(np.arange(7000), lens.sample.index)
    lens.selection = outside
    assert "Of the sample 2,250 of 6,300 are drawn, chosen at random." in drawn_words(lens)
    lens.selection = sampled[:2300]
    words = drawn_words(lens)
    assert "Of the rest of the sample 2,250 of 4,000 are drawn, chosen at random." in words
    assert "Of the rest none of 700 is drawn." in words


def drawn_words(lens):
    return drawn(lens.chart("map"))[2]


def test_items_of_unknown_class_are_drawn_as_unknown():
    latent, label, _ = blobs(50)
    lens = LatentLens.from_arrays(latent, np.where(label == 0, -1, label), sampler="random")
    _, rows, _ = drawn(lens.chart("map"))
    assert "unknown" in {row["true"] for row in rows}


def test_the_bars_are_those_of_top_k(lens):
    _, rows, words = drawn(lens.chart("top_k", k=4, layer="conv", label="bee"))
    frame = lens.top_k(4, layer="conv", label="bee")
    assert [row["unit"] for row in rows] == frame["unit"].tolist()
    assert [row["value"] for row in rows] == pytest.approx(frame["value"].tolist())
    assert "top 4 units of conv, bees" in words
    assert f"precision@4 {frame.attrs['precision']:.2f} (measured)" in words
    assert f"{frame.attrs['n_used']} of {frame.attrs['n_group']} items" in words


def test_bars_that_are_no_hits_are_hollow_so_that_colour_is_not_the_only_cue(lens):
    spec = lens.chart("top_k", layer="conv").to_dict()
    opacity = spec["layer"][0]["encoding"]["fillOpacity"]
    assert opacity["scale"] == {"domain": [True, False], "range": [1, 0]}


def test_a_mean_drawn_by_chance_has_its_interval(lens):
    assert "low" in str(lens.chart("top_k", measure="mean").to_dict()["layer"][2])
    assert "interval" in drawn(lens.chart("mean_activation"))[2]


def test_the_histogram_has_the_counts_of_max_neurons_and_shows_them(lens):
    spec, rows, words = drawn(lens.chart("max_neurons"))
    frame = lens.max_neurons()
    of_sample = {row["unit"]: row["count"] for row in rows if row["of"] == "sample"}
    assert of_sample == {
        "none" if unit < 0 else str(unit): n for unit, n in frame["count"].head(30).items()
    }
    assert spec["layer"][1]["encoding"]["text"]["field"] == "count"
    assert f"{frame.attrs['js_distance']:.3f} (measured)" in words


def test_the_means_are_those_of_mean_activation(lens):
    _, rows, _ = drawn(lens.chart("mean_activation"))
    frame = lens.mean_activation()
    exact = [row["value"] for row in rows if row["of"] == "all items"]
    assert exact == pytest.approx(frame["exact_mean"].tolist())


def test_all_items_alone_can_be_drawn(lens):
    for kind in ("top_k", "max_neurons", "mean_activation"):
        assert "exact" in str(lens.chart(kind, on="all").to_dict())


def test_a_wide_layer_is_cut_to_its_largest_means_and_says_so():
    rng = np.random.default_rng(0)
    latent = rng.random((20, 3))
    lens = LatentLens.from_arrays(
        latent, [0, 1] * 10, activations={"wide": rng.random((20, 3000))}, sampler="random"
    )
    _, rows, words = drawn(lens.chart("mean_activation", layer="wide", on="all"))
    assert len(rows) == 2250
    assert "The 2,250 units with the largest mean." in words


def test_the_confusion_matrix_counts_pairs_and_writes_them_into_its_cells(lens):
    spec, rows, words = drawn(lens.chart("confusion"))
    frame = lens.frame
    for row in rows:
        same = (frame["true"] == row["true"]) & (frame["pred"] == row["predicted"])
        assert row["count"] == same.sum()
        assert row["in_sample"] == (same & frame["in_sample"]).sum()
    assert spec["layer"][1]["encoding"]["text"]["field"] == "count"
    assert f"accuracy {lens.about['accuracy']:.2%} (exact)" in words


def test_of_many_classes_the_matrix_has_those_with_most_errors_and_says_so():
    rng = np.random.default_rng(0)
    n = 80
    label = np.arange(400) % n
    pred = np.where(label < 10, (label + 1) % n, label)
    lens = LatentLens.from_arrays(rng.random((400, 3)), label, pred, sampler="random")
    _, rows, words = drawn(lens.chart("confusion"))
    assert len(rows) == 3600
    assert {str(each) for each in range(11)} <= {row["true"] for row in rows}
    assert "The 60 of 80 classes with most errors." in words


def test_a_matrix_without_predictions_is_refused_in_words():
    latent, label, _ = blobs(30)
    lens = LatentLens.from_arrays(latent, label, sampler="random")
    with pytest.raises(ValueError, match="needs items whose class and prediction are both known"):
        lens.chart("confusion")


def test_the_fidelity_chart_takes_the_methods_own_arguments(lens):
    _, rows, words = drawn(lens.chart("fidelity", fractions=(0.1, 0.5), samplers=["random"]))
    assert {row["fraction"] for row in rows} == {0.1, 0.5}
    assert "Measured against the exact answers" in words
