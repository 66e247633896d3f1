"""Gradients on the sample, and the questions a sample that was run can answer."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from latentlens import LatentLens
from latentlens.core.effect import compare_groups
from latentlens.extract import ModelChanged
from tests.made_up import blobs

N = 300


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 12), nn.ReLU(inplace=True), nn.Linear(12, 7), nn.ReLU(),
                         nn.Linear(7, 3))  # fmt: skip


def make_lens(model, label=None, **options):
    latent, known, _ = blobs(n=N)
    label = known if label is None else label
    data = TensorDataset(torch.from_numpy(latent), torch.from_numpy(label))
    options = {"sampler": "random", "fraction": 0.4, **options}
    return LatentLens(model, DataLoader(data, batch_size=64), **options).run(progress=False)


@pytest.fixture(scope="module")
def lens():
    return make_lens(network())


@pytest.fixture(scope="module")
def run(lens):
    return lens.run_on_sample(what="gradients", target="loss", progress=False)


def losses_gradients(rows):
    """By the last hidden layer, all items in one call of torch."""
    latent, label, _ = blobs(n=N)
    model = network()
    hidden = model[:4](torch.from_numpy(latent)).detach().requires_grad_()
    loss = functional.cross_entropy(model[4](hidden), torch.from_numpy(label).long(),
                                    reduction="sum")  # fmt: skip
    return torch.autograd.grad(loss, hidden)[0].numpy()[rows]


def test_the_samples_gradients_make_a_record_of_the_same_layers(lens, run):
    assert run.record.layers.keys() == lens.record.layers.keys()
    assert run.rows.tolist() == np.sort(lens.sample.index).tolist()
    np.testing.assert_allclose(run.record.latent, losses_gradients(run.rows), atol=1e-6)
    np.testing.assert_allclose(run.record.logits, lens.record.logits[run.rows], atol=1e-5)
    assert repr(run) == "SampleRun(gradients of the cross-entropy, Sequential, 120 items)"


def test_their_mean_has_an_interval_about_the_mean_over_all_items(run):
    truth = losses_gradients(np.arange(N)).mean(axis=0)
    frame = run.mean_activation()
    half_width = (frame["high"] - frame["low"]) / 2
    # One draw, of units that go together: within twice the interval all the same.
    assert (np.abs(frame["mean"] - truth) <= 2 * half_width).all()
    assert set(frame["trust"]) == {"approximate"}
    assert "what a unit is at least and at most over all items is not known" in frame.attrs["note"]


def test_the_sample_is_run_once_for_a_layer_however_often_it_is_asked(lens):
    run = lens.run_on_sample(what="gradients", progress=False)
    asked = []

    def read(rows, layers):
        asked.append(layers)
        return inner(rows, layers)

    inner = run.read
    object.__setattr__(run, "read", read)
    for label in ("", "0", "1"):
        run.mean_activation(layer="0", label=label)
    assert asked == [["0"]]


def test_top_units_are_those_of_the_largest_gradient(run):
    frame = run.top_k(3)
    best = losses_gradients(run.rows).max(axis=0)
    assert frame["value"].tolist() == pytest.approx(np.sort(best)[::-1][:3].tolist(), abs=1e-6)


def test_max_neurons_counts_who_leads_the_sampled_items_and_estimates_the_share(run):
    frame = run.max_neurons(layer="2")
    top = run.record.layers["2"].top_unit[:, 0].astype(int)
    lead = np.where(run.record.layers["2"].silent, -1, top)
    counts = pd.Series(lead).value_counts()
    assert frame["count"].to_dict() == counts.to_dict()
    assert frame["share"].sum() == pytest.approx(1, abs=0.05)
    assert ((frame["low"] >= 0) & (frame["high"] <= 1) & (frame["low"] <= frame["share"])).all()
    assert frame.attrs["read_out"].startswith("estimate, 120 of 300 items")


def test_max_neurons_of_a_group_that_is_not_in_the_sample_is_empty(run):
    outside = np.setdiff1d(np.arange(N), run.rows)[:3]
    assert len(run.max_neurons(selection=outside)) == 0


def test_two_groups_gradients_are_compared_unit_by_unit(run):
    right, wrong = run.record.correct, run.record.incorrect
    compared = run.compare_groups({"correctness": "correct"}, {"correctness": "incorrect"})
    want = compare_groups(losses_gradients(run.rows), right, wrong, weight=run.weight)
    np.testing.assert_allclose(compared.frame["effect"], want.effect, rtol=1e-3)
    assert compared.frame["n_a"].iloc[0] == right.sum()
    assert compared.title == "mean gradients of 3, right items against wrong items"


def test_a_group_is_compared_with_the_rest_of_the_sample(run):
    compared = run.compare_groups(run.rows[:40])
    assert compared.frame[["n_a", "n_b"]].iloc[0].tolist() == [40, 80]


def test_groups_that_are_empty_or_share_items_are_refused(run):
    outside = np.setdiff1d(np.arange(N), run.rows)[:3]
    with pytest.raises(ValueError, match=r"The sample has no chosen items"):
        run.compare_groups(outside)
    with pytest.raises(ValueError, match=r"a and b must share no item, but 2 of the sample"):
        run.compare_groups(run.rows[:4], run.rows[2:6])
    with pytest.raises(ValueError, match=r"a may hold label, correctness, by, selection"):
        run.compare_groups({"klass": "1"})


def test_another_models_gradients_can_be_had_too(lens):
    run = lens.run_on_sample(network(5), what="gradients", target="1", progress=False)
    # The last layer is linear, so the gradient by what goes into it is the class's weight.
    weight = network(5)[4].weight[1].detach().numpy()
    np.testing.assert_allclose(run.record.latent, np.tile(weight, (120, 1)), atol=1e-6)


def test_a_model_trained_since_the_pass_is_noticed():
    model = network()
    lens = make_lens(model)
    with torch.no_grad():
        model[0].weight.add_(1)
    with pytest.raises(ModelChanged, match=r"no longer those the pass began with"):
        lens.run_on_sample(what="gradients", progress=False)


def test_gradients_that_need_labels_are_refused_before_the_model_is_run():
    label = blobs(n=N)[1].copy()
    label[:100] = -1
    lens = make_lens(network(), label)
    with pytest.raises(ValueError, match=r"target='loss' needs every item's label, and \d+ of the"):
        lens.run_on_sample(what="gradients", target="loss", progress=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"what": "weights"}, r"what must be"),
        ({"target": "loss"}, r'target is of gradients; ask with what="gradients"'),
        ({"what": "gradients", "target": "best"}, r'target must be "label", "pred", "loss"'),
        ({"what": "gradients", "layer": "0"}, r"layer, reduce and predict are the lens's own"),
        ({"what": "gradients", "layers": ["9"]}, r"layers must be"),
    ],
)
def test_what_cannot_be_had_is_refused_in_words(lens, options, words):
    with pytest.raises(ValueError, match=words):
        lens.run_on_sample(progress=False, **options)


def test_some_layers_alone_may_be_asked_for(lens):
    run = lens.run_on_sample(what="gradients", layers=["0"], progress=False)
    assert list(run.record.layers) == ["0", "3"]
