"""Attributions as a person asks for them, in Python and over the wire."""

import asyncio
import sys

import altair as alt
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens import LatentLens
from latentlens.core.metadata import Column
from latentlens.session import handle
from tests.made_up import made_up_record
from tests.widget.test_lens import Wire

SIDE = 6


def pictures(n=40):
    torch.manual_seed(1)
    return torch.rand(n, 1, SIDE, SIDE)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(inplace=True), nn.Flatten(),
                         nn.Linear(108, 5), nn.ReLU(inplace=True), nn.Linear(5, 3))  # fmt: skip


def make_lens(**options):
    data = TensorDataset(pictures(), torch.arange(40) % 3)
    options = {"classes": ["ant", "bee", "cat"], "fraction": 0.2, **options}
    return LatentLens(network(), DataLoader(data, batch_size=16), **options).run(progress=False)


@pytest.fixture(scope="module")
def lens():
    return make_lens()


def test_maps_have_the_shape_of_the_pictures_and_add_up_to_the_score(lens):
    found = lens.saliency([3, 7], "integrated_gradients", steps=200, progress=False)
    assert found.maps.shape == (2, SIDE, SIDE)
    with torch.no_grad():
        logits = network()(pictures()[[3, 7]])
        nothing = network()(torch.zeros(1, 1, SIDE, SIDE))[0]
    pred = logits.argmax(1)
    want = (logits[[0, 1], pred] - nothing[pred]).numpy()
    np.testing.assert_allclose(found.frame["difference"], want, atol=1e-5)
    np.testing.assert_allclose(found.maps.sum((1, 2)), want, rtol=0.02)
    np.testing.assert_allclose(found.frame["total"], found.maps.sum((1, 2)), rtol=1e-5)
    error = found.frame["total"] - found.frame["difference"]
    np.testing.assert_allclose(found.frame["error"], error, atol=1e-7)
    np.testing.assert_allclose(found.frame["relative_error"], error.abs() / np.abs(want), atol=1e-6)


def test_the_table_says_of_what_each_items_attributions_are(lens):
    frame = lens.saliency(5, target="bee", progress=False).frame
    assert frame.index.tolist() == [5]
    assert frame["target"].tolist() == ["bee"]
    assert frame["true"].tolist() == ["cat"]
    assert lens.saliency([4, 5], target="label", progress=False).frame["target"].tolist() == [
        "bee",
        "cat",
    ]


def test_a_unit_is_one_of_the_lenss_layer_unless_another_is_named(lens):
    layer = lens.layer
    assert lens.saliency(0, unit=2, progress=False).frame["target"].tolist() == [f"{layer} 2"]
    found = lens.saliency(0, unit=100, layer="0", progress=False)
    with torch.no_grad():
        value = network()[0](pictures()[:1]).flatten()[100].item()
    assert found.frame["score"].iloc[0] == pytest.approx(value, abs=1e-5)


def test_the_chart_shows_every_pixel_on_a_scale_that_is_even_about_zero(lens):
    chart = lens.saliency([3, 7], progress=False).chart()
    assert isinstance(chart, alt.FacetChart)
    assert len(chart.data) == 2 * SIDE * SIDE
    low, high = chart.to_dict()["spec"]["encoding"]["color"]["scale"]["domain"]
    assert low == -high
    assert high == pytest.approx(chart.data["attribution"].abs().max())


def test_a_chart_of_large_maps_sums_blocks_so_that_nothing_is_lost():
    from latentlens.widget.saliency import _shrunk

    values = np.random.default_rng(0).normal(size=(200, 130)).astype(np.float32)
    small = _shrunk(values)
    assert max(small.shape) <= 64
    assert small.sum() == pytest.approx(values.sum(), rel=1e-3)


def test_a_lens_without_its_model_or_data_says_so():
    lens = LatentLens(made_up_record())
    assert "take the model and its data" in lens.about["no_saliency"]
    with pytest.raises(ValueError, match=r"Attributions take the model and its data"):
        lens.saliency(0)
    stream = LatentLens(network(), [(pictures(), torch.zeros(40).long())]).run(progress=False)
    with pytest.raises(ValueError, match=r"with random access"):
        stream.saliency(0)


def test_rows_must_be_rows(lens):
    with pytest.raises(ValueError, match=r"rows must hold from 1 to 10,000 items, got 0"):
        lens.saliency([])
    with pytest.raises(ValueError, match=r"rows must hold rows between 0 and 39, got 40"):
        lens.saliency([40])


def test_without_captum_occlusion_works_and_gradients_say_how_to_get_it(monkeypatch):
    before = make_lens().saliency(0, "occlusion", progress=False).maps
    monkeypatch.setitem(sys.modules, "captum", None)
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    lens = make_lens()
    assert lens.about["no_saliency"] == ""
    with pytest.raises(ImportError, match=r"'latentlens\[saliency\]'\. Occlusion works without"):
        lens.saliency(0, progress=False)
    np.testing.assert_array_equal(lens.saliency(0, "occlusion", progress=False).maps, before)


# -- over the wire -----------------------------------------------------------------

ASK = {"kind": "saliency", "row": 3, "method": "integrated_gradients", "target": "pred",
       "layer": "", "unit": -1}  # fmt: skip


def test_an_item_is_told_with_a_large_picture_its_likely_classes_and_its_metadata(monkeypatch):
    table = pd.DataFrame({"age": [1.5] * 40, "site": pd.Series(["a", None] * 20, dtype="string")})
    lens = make_lens(metadata=table)
    wire = Wire(lens, monkeypatch)
    wire.ask(id=1, kind="item", row=3)
    reply = wire.replies[-1]
    with torch.no_grad():
        shares = network()(pictures()[3:4]).softmax(1)[0].numpy()
    assert reply["classes"] == np.argsort(-shares).tolist()
    np.testing.assert_allclose(reply["probability"], np.sort(shares)[::-1], atol=1e-6)
    assert reply["picture"]["kind"] == "image"
    assert reply["metadata"] == [["age", "1.5"], ["site", "missing"]]


def test_of_an_item_only_its_own_metadata_is_written_out(monkeypatch):
    lens = make_lens(metadata=pd.DataFrame({"age": range(40), "seen": [True, False] * 20}))
    sizes, plain = [], Column.plain
    monkeypatch.setattr(Column, "plain", lambda each: sizes.append(len(each)) or plain(each))
    *_, reply = handle(lens._session, {"kind": "item", "id": 1, "row": 3})
    assert reply["metadata"] == [["age", "3"], ["seen", "False"]]
    assert sizes == [1, 1]


def test_attributions_come_with_progress_and_what_they_should_add_up_to(lens, monkeypatch):
    wire = Wire(lens, monkeypatch)
    wire.ask(id=1, **ASK)
    told = [(reply["done"], reply["total"]) for reply in wire.replies[:-1]]
    assert told == [(i, 10) for i in range(1, 11)]
    reply = wire.replies[-1]
    row = lens.saliency(3, "integrated_gradients", progress=False).frame.loc[3]
    for name in ("score", "baseline_score", "total", "error"):
        assert reply[name] == pytest.approx(row[name], abs=1e-6)
    assert reply["of"] == row["target"]


def test_of_a_unit_too(lens, monkeypatch):
    wire = Wire(lens, monkeypatch)
    wire.ask(id=1, **{**ASK, "layer": "0", "unit": 7, "method": "occlusion"})
    assert wire.replies[-1]["of"] == "0 7"


def test_a_newer_question_and_a_stop_drop_what_is_under_way(lens, monkeypatch):
    async def scene():
        wire = Wire(lens, monkeypatch)
        wire.ask(id=1, **ASK)
        wire.ask(id=2, **ASK)
        wire.ask(id=3, kind="cancel", what="saliency")
        for _ in range(20):
            await asyncio.sleep(0.01)
        return [(reply["id"], reply["kind"]) for reply in wire.replies]

    heard = [each for each in asyncio.run(scene()) if each[1] != "progress"]
    assert heard == [(1, "dropped"), (2, "dropped"), (3, "ok")]


def test_an_attribution_that_cannot_be_had_is_refused_in_words(lens, monkeypatch):
    wire = Wire(lens, monkeypatch)
    with pytest.raises(ValueError, match="row must be"):
        lens._answer({"id": 1, **ASK, "row": 99})
    assert wire.replies[-1]["kind"] == "error"
