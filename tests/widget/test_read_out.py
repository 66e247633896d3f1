"""The line that says what a figure is worth: the same in a frame and in the browser's pane."""

from dataclasses import asdict

import numpy as np
import pytest

from latentlens import LatentLens
from latentlens.session import Session, handle
from tests.made_up import blobs, made_up_record
from tests.widget.test_contrast import Model


@pytest.fixture
def lens():
    latent, _, _ = blobs()
    conv = np.maximum(latent @ np.random.default_rng(1).normal(size=(6, 40)), 0).astype(np.float32)
    record = made_up_record()
    lens = LatentLens(record, k=5, fraction=0.2)
    lens._session = Session(record, read_activations=Model(conv))
    return lens


@pytest.mark.parametrize("sampler", ["max_margin", "random", "stratified", "coreset"])
@pytest.mark.parametrize("layer", ["latent", "conv"])
@pytest.mark.parametrize(
    "group", [{}, {"label": "bee"}, {"selection": np.arange(0, 300, 4)}, {"fraction": 1.0}]
)
def test_the_means_line_is_the_frames(lens, sampler, layer, group):
    lens.sampler, lens.layer = sampler, layer
    for name, value in group.items():
        setattr(lens, name, value)
    request = {"kind": "means", "id": 1, "question": asdict(lens._question())}
    *_, reply = handle(lens._session, request)
    frame = lens.mean_activation()
    assert reply["worth"] == frame.attrs["read_out"]
    assert reply["effective_n"] == pytest.approx(frame.effective_n.iloc[0])


def test_maxima_of_a_sample_are_lower_bounds_with_or_without_chance(lens):
    lens.layer = "conv"
    assert "maxima are lower bounds only. No interval" in lens.top_k().attrs["read_out"]
    lens.sampler = "random"
    line = lens.top_k().attrs["read_out"]
    assert "maxima are lower bounds: with 95% confidence at most" in line
    assert "lower bounds" not in lens.top_k(measure="count").attrs["read_out"]
    assert "lower bounds" not in lens.top_k(on="all").attrs["read_out"]


def test_a_whole_group_is_exact_and_a_missing_one_is_never_zero(lens):
    lens.fraction = 1.0
    for frame in (lens.top_k(), lens.max_neurons(), lens.mean_activation()):
        assert frame.attrs["read_out"] == "exact, 300 of 300 items"
    lens.fraction = 0.01
    outside = np.setdiff1d(np.arange(300), lens.sample.index)[:7]
    for ask in (lens.top_k, lens.max_neurons, lens.mean_activation):
        line = ask(selection=outside).attrs["read_out"]
        assert line == "empty in sample: none of the 7 items of the group was taken"


@pytest.mark.parametrize("on", ["sample", "all"])
def test_a_group_without_items_is_said_to_have_none(on):
    latent, label, _ = blobs()
    lens = LatentLens.from_arrays(latent, label, label)
    nobody = {"label": "1", "correctness": "incorrect", "on": on}
    for measure in ("max", "count", "mean"):
        frame = lens.top_k(measure=measure, **nobody)
        assert frame.empty
        assert frame.attrs["read_out"] == "the group has no items"
    assert lens.max_neurons(**nobody).empty
    for frame in (lens.max_neurons(**nobody), lens.mean_activation(**nobody)):
        assert frame.attrs["read_out"] == "the group has no items"
    if on == "sample":
        assert "the group has no items" in str(lens.chart("top_k", **nobody).to_dict()["title"])


def test_no_score_is_given_where_k_covers_the_layer(lens):
    lens.layer, lens.sampler = "latent", "random"
    assert lens.top_k(k=6).attrs["precision"] is None
    assert "precision" not in lens.mean_activation(selection=np.arange(90)).attrs["read_out"]


@pytest.mark.parametrize("budget", [2**20, 100])
def test_a_group_that_a_weighted_sample_holds_whole_has_its_plain_mean(budget):
    latent, _, _ = blobs()
    conv = np.maximum(latent @ np.random.default_rng(1).normal(size=(6, 40)), 0).astype(np.float32)
    record = made_up_record()
    lens = LatentLens(record, k=5, fraction=0.2, sampler="coreset")
    lens._session = Session(record, read_activations=Model(conv), held_budget=budget)
    order = np.argsort(lens.sample.weight)
    rows = np.sort(lens.sample.index[np.concatenate([order[:5], order[-5:]])])
    lens.layer, lens.selection = "conv", rows
    truth = conv[rows].mean(axis=0, dtype=np.float64)
    request = {"kind": "means", "id": 1, "question": asdict(lens._question())}
    *_, reply = handle(lens._session, request)
    np.testing.assert_allclose(reply["mean"], truth, rtol=1e-5, atol=1e-9)
    assert reply["effective_n"] == pytest.approx(10)
    frame = lens.mean_activation()
    np.testing.assert_allclose(frame["mean"], truth, rtol=1e-5, atol=1e-9)
    assert set(frame.effective_n) == {10}
    top = lens.top_k(measure="mean")
    np.testing.assert_allclose(top.value, np.sort(truth)[::-1][:5], rtol=1e-5)
    lens.layer = "latent"
    np.testing.assert_allclose(
        lens.mean_activation()["mean"], record.latent[rows].mean(axis=0), rtol=1e-5
    )
