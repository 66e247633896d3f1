"""One unit: its activation item by item, and its means, against the raw activations."""

import numpy as np
import pytest

from latentlens import LatentLens
from latentlens.core import record_from_arrays
from latentlens.core.written import short
from latentlens.session import Session, handle
from tests.made_up import blobs, made_up_record
from tests.widget.test_contrast import Model


@pytest.fixture
def conv():
    """The raw activations behind the record's "conv" layer."""
    latent, _, _ = blobs()
    return np.maximum(latent @ np.random.default_rng(1).normal(size=(6, 40)), 0).astype(np.float32)


@pytest.fixture
def record():
    return made_up_record()


@pytest.fixture
def lens(record, conv):
    lens = LatentLens(record, k=5, fraction=0.1)
    lens._session = Session(record, read_activations=Model(conv))
    lens.layer = "conv"
    return lens


def test_values_at_hand_are_exact_for_all_items(lens, record):
    frame = lens.unit_values(2, layer="latent")
    np.testing.assert_array_equal(frame.value, record.latent[:, 2])
    assert set(frame.kind) == {"exact"}
    assert frame.attrs["read_out"] == "exact for all 300 items"
    logits = next(name for name in lens.record.layers if name not in ("conv", "latent"))
    np.testing.assert_array_equal(lens.unit_values(1, layer=logits).value, record.logits[:, 1])


def test_the_index_gives_what_it_lists_and_bounds_the_rest(lens, conv):
    frame = lens.unit_values(7, run=False)
    # The eight largest of each item, the lower unit first among equals.
    best = np.argsort(-conv, axis=1, kind="stable")[:, :8]
    listed = (best == 7).any(axis=1)
    np.testing.assert_array_equal(frame.kind == "exact", listed)
    np.testing.assert_array_equal(frame.value[listed], conv[listed, 7])
    assert frame.value[~listed].isna().all()
    assert (frame.at_most >= conv[:, 7]).all()
    limit = frame.at_most[~listed].max()
    assert frame.attrs["read_out"] == (
        f"exact for {listed.sum()} of 300 items, by the index; at most {short(limit)} for the rest"
    )


def test_on_the_sample_the_model_is_run_for_what_the_index_does_not_have(lens, conv):
    frame, before = lens.unit_values(7), lens.unit_values(7, run=False)
    sampled = np.isin(frame.index, lens.sample.index)
    new = sampled & (before.kind == "bounded")
    assert new.any()
    np.testing.assert_array_equal(frame.source == "sample", new)
    known = frame.kind == "exact"
    np.testing.assert_array_equal(known, sampled | (before.kind == "exact"))
    np.testing.assert_array_equal(frame.value[known], conv[known, 7])
    assert f"by the index and {new.sum()} run for the sample" in frame.attrs["read_out"]


@pytest.mark.parametrize("by", ["true", "predicted"])
def test_means_by_class_and_correctness_are_exact_with_their_n(lens, record, conv, by):
    frame = lens.unit_means(3, by=by)
    known = record.label if by == "true" else record.pred
    assert len(frame) > 3
    assert frame.n.sum() == 300
    for row in frame.itertuples():
        right = record.label == record.pred
        inside = (known == record.classes.index(row.label)) & (
            right == (row.correctness == "correct")
        )
        assert row.n == inside.sum()
        assert row.mean == pytest.approx(conv[inside, 3].mean(dtype=np.float64), rel=1e-9)


def test_items_of_unknown_correctness_have_a_row_of_their_own():
    latent, label, _ = blobs()
    lens = LatentLens(record_from_arrays(latent, label), sampler="random")
    frame = lens.unit_means(0)
    assert set(frame.correctness) == {"unknown"}
    assert frame.n.tolist() == np.bincount(label).tolist()


def test_predicted_classes_are_never_listed_as_true_ones():
    latent, _, logits = blobs()
    pred = logits.argmax(axis=1)
    lens = LatentLens.from_arrays(latent, None, pred, sampler="random")
    assert lens.unit_means(0, by="true").empty
    by_predicted = lens.unit_means(0, by="predicted")
    assert set(by_predicted.correctness) == {"unknown"}
    assert by_predicted.n.tolist() == np.bincount(pred).tolist()


def test_a_unit_that_is_not_there_is_refused_in_words(lens):
    for ask in (lens.unit_values, lens.unit_means):
        with pytest.raises(ValueError, match=r"unit must be between 0 and 39 \(layer 'conv' has"):
            ask(40)


def test_the_message_holds_values_limit_and_means(lens):
    question = {"layer": "conv", "sampler": "max_margin", "fraction": 0.1, "j": 0.7, "label": "",
                "by": "true", "correctness": "all", "k": 5, "measure": "max", "selection": None,
                "added": None}  # fmt: skip
    request = {"kind": "unit", "id": 3, "question": question, "unit": 7}
    *progress, reply = handle(lens._session, request)
    frame, means = lens.unit_values(7), lens.unit_means(7)
    assert progress
    np.testing.assert_array_equal(reply["value"], frame.value)
    counts = frame.source.value_counts()
    assert (reply["n_listed"], reply["n_run"]) == (counts["index"], counts["sample"])
    assert reply["limit"] == pytest.approx(frame.attrs["limit"])
    shown = reply["mean"][reply["n"] > 0]
    np.testing.assert_array_equal(shown, means["mean"])
