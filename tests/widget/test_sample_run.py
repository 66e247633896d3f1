"""Estimates as a lens gives them, and another model read on the sample alone."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens import LatentLens
from latentlens.core.query import top_units
from latentlens.session import Question, Session
from tests.made_up import blobs, made_up_record

N = 600


def network(seed, hidden=7):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, hidden), nn.ReLU(),
                         nn.Linear(hidden, 3))  # fmt: skip


@pytest.fixture(scope="module")
def data():
    latent, label, _ = blobs(n=N)
    return TensorDataset(torch.from_numpy(latent), torch.from_numpy(label))


@pytest.fixture(scope="module")
def lens(data):
    loader = DataLoader(data, batch_size=64)
    return LatentLens(network(0), loader, sampler="random", fraction=0.2).run(progress=False)


def activations(model, data, depth):
    with torch.inference_mode():
        return model[:depth](data.tensors[0]).numpy()


# -- estimates -------------------------------------------------------------------


def test_a_random_sample_carries_intervals_in_its_frame(lens):
    frame = lens.mean_activation(layer="0")
    assert set(frame["trust"]) <= {"approximate", "guaranteed"}
    assert (frame["low"] <= frame["mean"]).all()
    assert (frame["mean"] <= frame["high"]).all()
    assert (frame["effective_n"] == 120).all()
    assert set(frame["kind"]) == {"measured"}
    half_width = (frame["high"] - frame["low"]) / 2
    # One draw, of units that go together: within twice the interval all the same.
    assert (np.abs(frame["mean"] - frame["exact_mean"]) < 2 * half_width).all()
    assert frame.attrs["read_out"].startswith("measured, 120 of 600 items; approximate 95% int")


def test_a_selection_nobody_foresaw_is_estimated_and_its_fidelity_predicted(lens):
    rows = np.arange(0, N, 2)
    frame = lens.mean_activation(layer="0", selection=rows)
    assert set(frame["kind"]) == {"estimate"}
    assert frame["exact_mean"].isna().all()
    assert 0 < frame.attrs["predicted_cosine_distance"] < 0.1
    assert 0 < frame.attrs["predicted_precision"] <= 1
    assert "predicted cosine distance" in frame.attrs["read_out"]


def test_few_sampled_items_carry_guaranteed_intervals(lens, data):
    rows = np.arange(0, 100)
    frame = lens.mean_activation(layer="0", selection=rows)
    assert set(frame["method"]) == {"betting"}
    truth = activations(network(0), data, 1)[rows].mean(axis=0)
    assert (frame["low"] - 1e-6 <= truth).all()
    assert (truth <= frame["high"] + 1e-6).all()


def test_a_ranked_sample_has_no_interval_and_says_why(data):
    lens = LatentLens(network(0), DataLoader(data, batch_size=64), sampler="max_margin")
    frame = lens.run(progress=False).mean_activation(layer="0")
    assert frame[["low", "high"]].isna().all(axis=None)
    assert set(frame["method"]) == {"none"}
    assert "ranked, not drawn by chance" in frame.attrs["note"]
    assert frame.attrs["read_out"].endswith("draw by chance.")


def test_all_items_as_a_sample_are_the_exact_mean(data):
    lens = LatentLens(network(0), DataLoader(data, batch_size=64), sampler="random", fraction=1.0)
    frame = lens.run(progress=False).mean_activation(layer="0")
    np.testing.assert_allclose(frame["mean"], frame["exact_mean"], atol=1e-5)
    assert (frame["low"] == frame["high"]).all()
    assert set(frame["method"]) == {"all_items"}


def test_a_group_that_is_not_in_the_sample_has_no_number(lens):
    outside = np.setdiff1d(np.arange(N), lens.sample.index)[:5]
    frame = lens.mean_activation(layer="0", selection=outside)
    assert frame["mean"].isna().all()
    assert frame.attrs["read_out"] == (
        "empty in sample: none of the 5 items of the group was taken"
    )


def test_where_activations_exceed_the_budget_there_is_a_mean_and_the_reason():
    record = made_up_record()
    conv = np.ones((300, 40), np.float32)
    session = Session(
        record, read_activations=lambda rows, _: iter([(rows, {"conv": conv[rows]})]),
        held_budget=1000,
    )  # fmt: skip
    question = Question(layer="conv", sampler="random", fraction=0.5)
    assert session.estimate(question) is None


def test_what_was_run_for_an_estimate_is_not_run_again():
    record, asked = made_up_record(), []

    def read(rows, _):
        asked.extend(rows.tolist())
        yield rows, {"conv": np.ones((len(rows), 40), np.float32)}

    session = Session(record, read_activations=read)
    session.estimate(Question(layer="conv", sampler="random", fraction=0.1))
    session.estimate(Question(layer="conv", sampler="random", fraction=0.2, label="bee"))
    want = session.sample("random", 0.2, 0.7).index
    assert sorted(asked) == sorted(want.tolist())


def test_maxima_of_a_random_sample_are_lower_bounds_with_a_share_that_may_exceed_them(lens):
    frame = lens.top_k(4, layer="0", measure="max")
    assert (frame["low"] == frame["value"]).all()
    assert (frame["effective_n"] == 120).all()
    assert "at most 2.2% of the group exceeds one" in frame.attrs["read_out"]


def test_top_units_by_mean_carry_the_means_intervals(lens):
    means = lens.mean_activation(layer="0")
    frame = lens.top_k(4, layer="0", measure="mean")
    assert frame["unit"].tolist() == top_units_of(means["mean"].to_numpy(), 4)
    for name in ("low", "high"):
        np.testing.assert_array_equal(frame[name], means[name].loc[frame["unit"]])


def test_the_latents_own_mean_is_measured_against_the_exact_one(lens):
    frame = lens.top_k(3, layer=lens.record.latent_layer, measure="mean", selection=range(99))
    assert set(frame["kind"]) == {"measured"}
    assert frame["exact_value"].notna().all()


def test_what_is_exact_says_so_in_one_line(lens):
    frame = lens.max_neurons(layer="0", on="all")
    assert frame.attrs["read_out"] == "exact, 600 of 600 items"
    assert (frame["effective_n"] == 600).all()


WORTH = ["low", "high", "kind", "n_used", "n_group", "effective_n"]


@pytest.mark.parametrize("on", ["sample", "all"])
def test_every_figure_says_what_it_is_worth(lens, on):
    frames = [
        lens.top_k(4, layer="0", on=on),
        lens.top_k(4, layer="0", measure="mean", on=on),
        lens.mean_activation(layer="0", on=on),
        lens.max_neurons(layer="0", on=on),
        lens.questions.q1(layer="0", on=on).frame,
        lens.questions.q2("0", layer="0", on=on).frame,
    ]
    for frame in frames:
        assert set(WORTH) <= set(frame.columns)
        if on == "all":
            assert set(frame["kind"]) == {"exact"}
            value = frame[next(n for n in ("value", "mean", "exact_count") if n in frame)]
            np.testing.assert_array_equal(frame["low"], value)
            np.testing.assert_array_equal(frame["high"], value)
            np.testing.assert_array_equal(frame["effective_n"], frame["n_group"])


# -- another model -----------------------------------------------------------------


@pytest.fixture(scope="module")
def other(lens):
    return lens.run_on_sample(network(5, hidden=9), progress=False)


def test_another_model_reads_the_samples_items_and_no_others(lens, other, data):
    rows = np.sort(lens.sample.index)
    assert other.rows.tolist() == rows.tolist()
    assert other.record.ids.tolist() == rows.tolist()
    assert (other.weight == 5).all()
    np.testing.assert_allclose(
        other.record.latent, activations(network(5, hidden=9), data, 4)[rows], rtol=1e-5, atol=1e-6
    )


def test_its_means_come_with_intervals_about_the_truth(other, data):
    truth = activations(network(5, hidden=9), data, 1).mean(axis=0)
    frame = other.mean_activation(layer="0")
    half_width = (frame["high"] - frame["low"]) / 2
    # One draw, of units that go together: within twice the interval all the same.
    assert (np.abs(frame["mean"] - truth) < 2 * half_width).all()
    assert (half_width < activations(network(5, hidden=9), data, 1).std(axis=0)).all()
    assert set(frame["method"]) == {"greg_t"}
    assert set(frame["n_group"]) == {N}


def test_a_group_by_its_own_predictions_has_an_estimated_size(other):
    frame = other.mean_activation(layer="0", correctness="incorrect")
    wrong = int(other.record.incorrect.sum())
    assert set(frame["n_used"]) == {wrong}
    assert set(frame["n_group"]) == {5 * wrong}
    assert set(frame["method"]) == {"hajek_t"}


def test_its_top_units_by_maximum_are_lower_bounds(other):
    frame = other.top_k(3, layer="0")
    values = other.record.layers["0"].unit_max
    assert frame["unit"].tolist() == top_units_of(values, 3)
    assert (frame["low"] == frame["value"]).all()
    assert frame["high"].isna().all()
    assert "lower bounds" in frame.attrs["note"]


def test_its_top_units_by_count_are_shares_with_guaranteed_intervals_or_t(other):
    frame = other.top_k(12, layer="0", measure="count")
    best = np.bincount(other.record.layers["0"].top_unit[:, 0], minlength=12) / len(other)
    assert frame["unit"].iloc[0] == best.argmax()
    assert set(frame["trust"]) <= {"guaranteed", "approximate"}
    assert ((frame["low"] >= 0) & (frame["high"] <= 1)).all()


def test_its_top_units_by_mean_are_those_of_the_estimate(other):
    mean = other.mean_activation(layer="0")["mean"].to_numpy()
    frame = other.top_k(4, layer="0", measure="mean")
    assert frame["unit"].tolist() == top_units_of(mean, 4)


def test_an_empty_group_of_it_has_no_top_units(other):
    outside = np.setdiff1d(np.arange(N), other.rows)[:3]
    for frame in (
        other.top_k(3, layer="0", selection=outside),
        other.max_neurons(layer="0", selection=outside),
    ):
        assert frame.empty
        assert frame.attrs["read_out"] == (
            "empty in sample: none of the 3 items of the group was taken"
        )


def test_how_large_a_group_is_by_another_models_answers_is_not_made_up(other):
    outside = np.setdiff1d(np.arange(N), other.rows)[:3]
    group = {"layer": "0", "selection": outside, "correctness": "correct"}
    for frame in (other.top_k(3, **group), other.max_neurons(**group)):
        assert frame.empty
        assert frame.attrs["read_out"] == "empty in sample: no item of the group was taken"


@pytest.mark.parametrize("measure", ["max", "count", "mean"])
def test_k_is_a_whole_number_from_one_by_every_measure(other, measure):
    with pytest.raises(ValueError, match="k must be at least 1"):
        other.top_k(-3, layer="0", measure=measure)
    with pytest.raises(TypeError, match=r"k must be an integer, got 2\.5"):
        other.top_k(2.5, layer="0", measure=measure)
    with pytest.raises(ValueError, match="k must be at least 1"):
        other.mean_activation(layer="0", k=0)


def test_two_groups_of_it_have_true_maxima_or_none(lens, data):
    wide = lens.run_on_sample(network(5, hidden=90), progress=False)
    index = wide.record.layers["2"]
    values = activations(network(5, hidden=90), data, 3)[wide.rows]
    frame = wide.compare_groups({"label": "1"}, layer="2").frame
    known = frame.max_a.notna()
    assert index.keep <= known.sum() < 90
    truth = values[wide.record.label == 1].max(axis=0)
    np.testing.assert_allclose(frame.max_a[known], truth[known], rtol=1e-5)


@pytest.fixture(scope="module")
def weighted(data):
    loader = DataLoader(data, batch_size=64)
    lens = LatentLens(network(0), loader, sampler="coreset", fraction=0.3).run(progress=False)
    other = lens.run_on_sample(network(5), progress=False)
    assert len(set(other.weight.round(6))) > 2
    return other


def test_groups_that_a_weighted_sample_holds_whole_have_their_plain_means(weighted, data):
    order = weighted.rows[np.argsort(weighted.weight, kind="stable")]
    first, second = order[::2], order[1::2]
    frame = weighted.compare_groups(first, second, layer="2").frame
    values = activations(network(5), data, 3).astype(np.float64)
    np.testing.assert_allclose(frame.mean_a, values[first].mean(axis=0), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(frame.mean_b, values[second].mean(axis=0), rtol=1e-5, atol=1e-7)
    assert set(frame.kind) == {"exact"}


def test_beside_a_group_taken_whole_the_other_keeps_its_weights(weighted, data):
    whole = weighted.rows[:7]
    frame = weighted.compare_groups(whole, layer="2").frame
    values = activations(network(5), data, 3).astype(np.float64)
    rest = ~np.isin(weighted.rows, whole)
    mean = np.average(values[weighted.rows[rest]], axis=0, weights=weighted.weight[rest])
    np.testing.assert_allclose(frame.mean_a, values[whole].mean(axis=0), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(frame.mean_b, mean, rtol=1e-5, atol=1e-7)
    assert set(frame.kind) == {"sample"}


def test_groups_by_its_own_predictions_are_never_taken_for_whole(weighted, data):
    frame = weighted.compare_groups({"correctness": "correct"}, layer="2").frame
    inside = weighted.record.correct
    values = activations(network(5), data, 3).astype(np.float64)[weighted.rows]
    for mean, group in ((frame.mean_a, inside), (frame.mean_b, ~inside)):
        wanted = np.average(values[group], axis=0, weights=weighted.weight[group])
        np.testing.assert_allclose(mean, wanted, rtol=1e-5, atol=1e-7)
    assert set(frame.kind) == {"sample"}


def test_without_random_access_another_model_is_refused_in_words(data):
    batches = list(DataLoader(data, batch_size=64))
    lens = LatentLens(network(0), batches, sampler="random").run(progress=False)
    with pytest.raises(ValueError, match=r"needs random access, and this data is a stream"):
        lens.run_on_sample(network(1))


def test_a_lens_of_arrays_has_nothing_to_run_another_model_on():
    with pytest.raises(ValueError, match=r"run_on_sample needs the data"):
        LatentLens(made_up_record()).run_on_sample(network(1))


def top_units_of(values, k):
    return top_units(values, k).tolist()
