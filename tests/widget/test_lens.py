"""The lens as a person uses it from Python: made, set, asked, refused."""

import asyncio
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
import traitlets as t
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens import LatentLens, data, models
from latentlens.core import Record
from tests.made_up import blobs, made_up_record


@pytest.fixture
def lens():
    return LatentLens(made_up_record())


class Wire:
    """Stands for the browser: sends requests and keeps the replies."""

    def __init__(self, lens, monkeypatch):
        self.lens, self.replies = lens, []
        monkeypatch.setattr(lens, "send", lambda content, _: self.replies.append(content))

    def ask(self, **request):
        self.lens._heard(self.lens, request, [])
        return self.replies[-1] if self.replies else None


@pytest.fixture
def wire(lens, monkeypatch):
    return Wire(lens, monkeypatch)


# -- making one ------------------------------------------------------------------


def test_a_lens_of_arrays_is_ready_and_knows_its_record():
    latent, label, logits = blobs()
    lens = LatentLens.from_arrays(latent, label, logits=logits)
    assert lens.status == "ready"
    assert isinstance(lens.record, Record)
    assert lens.about["accuracy"] == np.mean(logits.argmax(axis=1) == label)
    np.testing.assert_array_equal(lens.items["label"], label)
    assert lens.layer == "latent"


def test_a_model_without_data_is_refused_in_words():
    with pytest.raises(TypeError, match=r"needs the data as well.*from_arrays"):
        LatentLens(object())


def test_an_unknown_option_is_refused_with_the_known_ones():
    with pytest.raises(TypeError, match=r"no option 'fractoin'.*fraction"):
        LatentLens(made_up_record(), fractoin=0.1)


def test_state_may_be_given_when_a_lens_is_made():
    lens = LatentLens(made_up_record(), fraction=0.2, label="bee", sampler="random", k=3)
    assert (lens.fraction, lens.label, lens.ranked["sampler"], lens.k) == (0.2, "bee", "random", 3)


def test_images_must_be_as_many_as_rows():
    latent, label, _ = blobs()
    with pytest.raises(ValueError, match="one entry per row of latent, 300; got 2"):
        LatentLens.from_arrays(latent, label, images=np.zeros((2, 4, 4)))


def test_images_of_a_model_must_be_as_many_as_its_items_before_any_work():
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    loader = DataLoader(TensorDataset(torch.rand(40, 6), torch.arange(40) % 2), batch_size=10)
    with pytest.raises(ValueError, match="images must hold one entry per item, 40; got 3"):
        LatentLens(model, loader, images=np.zeros((3, 4, 4)))
    with pytest.raises(ValueError, match="images must hold one entry per item, 300; got 3"):
        LatentLens(made_up_record(), images=np.zeros((3, 4, 4)))


def test_images_of_a_stream_must_suffice_when_its_length_is_known():
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    batches = [(torch.rand(10, 6), torch.arange(10) % 2) for _ in range(4)]
    lens = LatentLens(model, iter(batches), images=np.zeros((3, 4, 4)))
    with pytest.raises(ValueError, match="images must hold one entry per item, 40; got 3"):
        lens.run(progress=False)


def test_a_mask_given_before_the_pass_must_be_of_all_items():
    with pytest.raises(t.TraitError, match=r"selection as a mask must .* 300; got 10"):
        LatentLens(made_up_record(), selection=np.array([True] * 10))


def test_another_layer_drops_the_unit_that_it_does_not_have(lens):
    lens.layer = "conv"
    lens.unit, lens.color_by = lens.record.layers["conv"].units - 1, "unit"
    lens.layer = "logits"
    assert (lens.unit, lens.color_by) == (-1, "label")
    lens.unit = 0
    lens.layer = "conv"
    assert lens.unit == 0


def test_k_below_one_and_empty_rows_are_refused_in_plain_words(lens):
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        lens.top_k(k=0)
    with pytest.raises(ValueError, match="rows is empty; give at least one row"):
        lens.contrast(rows=[])


def test_a_sampler_that_cannot_rank_says_so_and_the_map_stays():
    latent, _, _ = blobs(n=1)
    lens = LatentLens.from_arrays(latent, [0])
    assert lens.points["xy"].shape == (1, 2)
    assert lens.ranked is None
    assert "max_margin" in lens.error or "MaxMargin" in lens.error
    with pytest.raises(ValueError, match=lens.error[:20]):
        _ = lens.sample
    lens.sampler = "random"
    assert lens.error == ""
    assert lens.sample.index.tolist() == [0]


# -- traits ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("fraction", 0, r"fraction must be between 0 \(excluded\) and 1"),
        ("fraction", 1.5, r"fraction must be .*got 1.5"),
        ("j", -0.1, r"j must be between 0 and 1, got -0.1"),
        ("k", 0, "k must be at least 1; got 0"),
        ("k", 9, "k must be at most 8, what the index keeps per item; got 9.*larger keep="),
        ("sampler", "coin", "sampler must be one of 'max_margin'.*got 'coin'"),
        ("layer", "fc9", "layer must be one of 'conv', 'latent', 'logits'; got 'fc9'"),
        ("label", "dog", "label must be one of '', 'ant', 'bee', 'cat'; got 'dog'"),
        ("by", "guess", "by must be one of 'true', 'predicted'; got 'guess'"),
        ("correctness", "wrong", "correctness must be one of 'all', 'correct', 'incorrect'"),
        ("measure", "median", "measure must be one of 'max', 'count', 'mean'"),
        ("projection", "mds", "projection must be one of 'pca', 'tsne', 'umap'; got 'mds'"),
        ("color_by", "taste", "color_by must be one of 'label'"),
        ("unit", -2, "unit must be a unit of the layer, or -1 for none; got -2"),
        ("selection", [300], "selection must hold rows below 300; got 300"),
        ("selection", [-1], "selection must hold rows from 0; got -1"),
        ("unit", 999, r"unit must be below \d+, the units of layer 'latent', .*got 999"),
        ("selection", [0.5], "selection must list row numbers"),
        ("selection", [True] * 10, "selection as a mask must have one entry per item, 300; got 10"),
        ("added", [True] * 10, "added as a mask must have one entry per item, 300; got 10"),
        ("slices", {"a": [True] * 301}, r"slices\['a'\] as a mask must .*300; got 301"),
    ],
)
def test_a_trait_set_wrongly_raises_at_once_in_words(lens, name, value, words):
    before = getattr(lens, name)
    with pytest.raises(t.TraitError, match=words):
        setattr(lens, name, value)
    np.testing.assert_array_equal(getattr(lens, name), before)


def test_a_selection_is_distinct_ascending_positions_however_it_is_given(lens):
    lens.selection = [15, 3, 3, 14]
    assert lens.selection.dtype == np.uint32
    assert lens.selection.tolist() == [3, 14, 15]
    lens.selection = lens.items["label"] == 1
    np.testing.assert_array_equal(lens.selection, np.flatnonzero(lens.items["label"] == 1))
    lens.selection = []
    assert len(lens.selection) == 0


def test_observers_hear_of_a_selection_once_and_only_if_it_changed(lens):
    heard = []
    lens.observe(lambda change: heard.append(change["new"].tolist()), names="selection")
    lens.selection = [1, 2]
    lens.selection = [2, 1]
    lens.selection = None
    assert heard == [[1, 2], []]


def test_two_lenses_can_be_linked(lens):
    other = LatentLens(made_up_record())
    t.link((lens, "fraction"), (other, "fraction"))
    lens.fraction = 0.4
    assert other.fraction == 0.4


def test_what_only_the_kernel_writes_cannot_be_set(lens):
    with pytest.raises(t.TraitError, match="read-only"):
        lens.status = "failed"


def test_a_value_from_the_browser_that_does_not_fit_is_said_there_and_put_right(lens, monkeypatch):
    sent = []
    monkeypatch.setattr(lens, "send_state", lambda key=None: sent.append(key))
    lens.set_state({"fraction": 7.0})
    assert "fraction must be" in lens.error
    assert lens.fraction == 0.05
    assert ["fraction"] in sent


def test_another_sampler_brings_another_ranking(lens):
    lens.sampler = "random"
    assert lens.ranked["sampler"] == "random"
    assert not lens.ranked["uses_j"]


def test_another_projection_brings_another_layout(lens):
    lens.projection = "tsne"
    assert lens.points["projection"] == "tsne"
    assert lens.points["done"]


def test_a_layout_of_the_callers_own_is_taken_as_it_is():
    xy = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    lens = LatentLens(made_up_record(), projection=xy)
    np.testing.assert_array_equal(lens.points["xy"], xy)
    lens.projection = "pca"
    lens.projection = "own"
    np.testing.assert_array_equal(lens.frame[["x", "y"]], xy)


# -- results ---------------------------------------------------------------------


def test_the_frame_has_a_row_per_item_and_marks_the_sample(lens):
    frame = lens.frame
    assert len(frame) == 300
    assert frame.index[frame.in_sample].tolist() == sorted(lens.sample.index.tolist())
    assert set(frame.true) == {"ant", "bee", "cat"}
    np.testing.assert_array_equal(frame.correct, lens.record.correct)


def test_where_a_label_is_unknown_so_is_correctness():
    latent, label, logits = blobs()
    label[:10] = -1
    frame = LatentLens.from_arrays(latent, label, logits=logits).frame
    assert frame.correct[:10].isna().all()
    assert not frame.correct[10:].isna().any()
    assert frame.true[:10].isna().all()


def test_rows_of_the_frame_are_what_a_selection_names(lens):
    lens.selection = [3, 14, 15]
    assert lens.frame.loc[lens.selection].index.tolist() == [3, 14, 15]


def test_the_same_state_gives_the_same_sample(lens):
    np.testing.assert_array_equal(lens.sample.index, LatentLens(made_up_record()).sample.index)


def test_top_k_follows_the_controls_unless_told_otherwise(lens):
    lens.layer, lens.label, lens.k = "conv", "bee", 4
    assert len(lens.top_k()) == 4
    assert lens.top_k().n_group.iloc[0] == (lens.record.label == 1).sum()
    assert lens.top_k(2, label="").n_group.iloc[0] == 300


def test_the_exact_top_k_is_that_of_the_raw_activations(lens):
    latent, label, _ = blobs()
    conv = np.maximum(latent @ np.random.default_rng(1).normal(size=(6, 40)), 0)
    maxima = conv.astype(np.float32)[label == 2].max(axis=0)
    frame = lens.top_k(5, layer="conv", label="cat", on="all")
    assert frame.unit.tolist() == np.argsort(-maxima, kind="stable")[:5].tolist()
    assert set(frame.kind) == {"exact"}


def test_a_full_sample_is_as_good_as_everything(lens):
    lens.fraction = 1.0
    assert lens.top_k(5, layer="conv").attrs["precision"] == 1
    assert lens.max_neurons(layer="conv").attrs["js_distance"] == 0
    assert lens.mean_activation(layer="latent").attrs["cosine_distance"] == pytest.approx(
        0, abs=1e-12
    )


def test_numbers_over_a_selection_are_about_its_items(lens):
    lens.selection = [5, 6, 7, 8]
    counts = lens.max_neurons(layer="conv", on="all")
    assert counts.exact_count.sum() == 4
    assert lens.max_neurons(layer="conv", selection=[], on="all").exact_count.sum() == 300


def test_a_mean_that_cannot_be_known_is_refused_in_words(lens):
    with pytest.raises(ValueError, match="the model cannot be run on chosen items"):
        lens.mean_activation(layer="conv")
    with pytest.raises(ValueError, match="known for the latent layer alone"):
        lens.mean_activation(layer="conv", selection=[1, 2], on="all")


def test_of_the_layers_a_lens_was_given_every_mean_and_contrast_is_known():
    latent, label, logits = blobs()
    raw = np.random.default_rng(4).normal(size=(len(latent), 3, 5))
    raw[7, 0, 0] = np.nan
    lens = LatentLens.from_arrays(
        latent, label, logits=logits, activations={"conv": raw}, fraction=0.2
    )
    lens.layer = "conv"
    units = np.nan_to_num(raw.reshape(len(raw), -1).astype(np.float32))
    sample = lens.sample
    found = lens.mean_activation()["mean"].to_numpy()
    np.testing.assert_allclose(found, units[sample.index].mean(axis=0), atol=1e-6)
    right = lens.top_k(measure="mean", k=3)["unit"].tolist()
    assert right == np.argsort(-units[sample.index].mean(axis=0))[:3].tolist()
    one, other = np.arange(40), np.arange(40, 90)
    apart = lens.contrast(one, against=other).set_index("unit").sort_index()
    assert apart["kind"].eq("exact").all()
    np.testing.assert_allclose(apart["mean_b"], units[other].mean(axis=0), atol=1e-6)
    exact = lens.mean_activation(selection=one, on="all")["mean"]
    np.testing.assert_allclose(exact, units[one].mean(axis=0), atol=1e-6)
    scored = lens.fidelity(fractions=[0.2], samplers=["random"], layers=["conv"], progress=False)
    assert np.isfinite(scored.overall["cosine_distance"]).all()


def test_asking_on_anything_else_is_refused(lens):
    with pytest.raises(ValueError, match="on must be 'sample' or 'all', got 'half'"):
        lens.top_k(on="half")


def test_a_lens_of_arrays_has_no_dataset_to_take_a_subset_of(lens):
    with pytest.raises(ValueError, match=r"random access.*Use \.index"):
        lens.sample.subset()


# -- messages --------------------------------------------------------------------


def test_a_request_is_answered_by_its_id(wire):
    reply = wire.ask(kind="layer", id=5, layer="conv")
    assert (reply["id"], reply["kind"], reply["layer"]) == (5, "layer", "conv")
    assert reply["top_unit"]["shape"] == [300, 8]


def test_a_request_that_cannot_be_answered_is_refused_in_words(wire):
    reply = wire.ask(kind="layer", id=6, layer="fc9")
    assert (reply["id"], reply["kind"]) == (6, "error")
    assert "layer must be one of" in reply["message"]


def test_a_newer_question_for_means_drops_the_older(lens, monkeypatch):
    async def scene():
        wire = Wire(lens, monkeypatch)
        question = {"layer": "latent", "sampler": "random", "fraction": 0.1}
        wire.ask(kind="means", id=1, question=question)
        wire.ask(kind="means", id=2, question=question)
        await asyncio.sleep(0.1)
        return [(reply["id"], reply["kind"]) for reply in wire.replies]

    assert asyncio.run(scene()) == [(1, "dropped"), (2, "means")]


def test_hello_is_heard(wire):
    assert wire.ask(kind="hello", id=1) == {"kind": "ok", "id": 1}


def test_messages_that_come_on_another_thread_are_taken_on_the_lens_own():
    async def scene():
        lens, threads = LatentLens(made_up_record()), []
        lens.observe(lambda _: threads.append(threading.current_thread()), "fraction")
        data = {"method": "update", "state": {"fraction": 0.2}, "buffer_paths": []}
        message = {"content": {"data": data}, "buffers": []}
        await asyncio.to_thread(lens._handle_msg, message)
        await asyncio.sleep(0)
        assert lens.fraction == 0.2
        assert threads == [threading.current_thread()]

    asyncio.run(scene())


def test_many_items_are_ranked_once_a_view_says_that_it_is_there(monkeypatch):
    monkeypatch.setattr("latentlens.widget.arranging.RANK_AT_ONCE", 10)
    monkeypatch.setattr("latentlens.widget.arranging.UNSEEN_S", 60)

    async def scene():
        lens = LatentLens(made_up_record())
        Wire(lens, monkeypatch)
        ranked = asyncio.Event()
        lens.observe(lambda _: ranked.set(), names="ranked")
        before = lens._conductor.busy("ranking")
        lens._heard(lens, {"kind": "hello", "id": 1}, [])
        await asyncio.wait_for(ranked.wait(), 10)
        return before, lens.ranked["sampler"]

    assert asyncio.run(scene()) == (False, "max_margin")


def test_many_items_are_ranked_after_a_while_without_a_view(monkeypatch):
    monkeypatch.setattr("latentlens.widget.arranging.RANK_AT_ONCE", 10)
    monkeypatch.setattr("latentlens.widget.arranging.UNSEEN_S", 0)

    async def scene():
        lens = LatentLens(made_up_record())
        ranked = asyncio.Event()
        lens.observe(lambda _: ranked.set(), names="ranked")
        await asyncio.wait_for(ranked.wait(), 10)
        return lens.ranked["sampler"]

    assert asyncio.run(scene()) == "max_margin"


def test_a_class_named_by_a_number_may_be_given_as_one(lens):
    digits = LatentLens(replace(lens.record, classes=("7", "8", "9")))
    digits.label = 8
    assert digits.label == "8"
    assert digits.top_k(label=7).equals(digits.top_k(label="7"))
    digits.label = None
    assert digits.label == ""
    with pytest.raises(t.TraitError, match=r"label must be one of '', '7', '8', '9'; got '1'"):
        digits.label = 1


# -- as a person writes it -------------------------------------------------------


def test_a_class_named_by_a_number_may_be_given_as_one_in_every_question():
    latent, label, _ = blobs()
    lens = LatentLens.from_arrays(latent, label, (label + np.arange(len(label)) % 2) % 3)
    assert lens.questions.q2(1).frame.equals(lens.questions.q2("1").frame)
    assert lens.questions.q3(1).title == lens.questions.q3("1").title
    assert lens.questions.q5(0, np.int64(1), layer="latent").title.endswith("0s taken for 1s")
    assert lens.compare_groups({"label": 0}, {"label": 1}).names == ("0s", "1s")
    assert len(lens.top_up(2, n=3)) == 3


@pytest.mark.parametrize(("slip", "meant"), [("fractions", "fraction"), ("colour_by", "color_by")])
def test_a_misspelt_trait_is_refused_with_the_nearest_names(lens, slip, meant):
    with pytest.raises(AttributeError, match=rf"no attribute '{slip}'.*{meant}"):
        setattr(lens, slip, 0.3)


@pytest.mark.parametrize("slip", ["statuss", "point", "dooing", "abouts", "item", "layr", "esm"])
def test_what_a_misspelt_trait_may_have_meant_can_be_set(lens, slip):
    with pytest.raises(AttributeError, match="the nearest names are") as said:
        setattr(lens, slip, None)
    for name in str(said.value).split(" are ")[1].rstrip(".").split(", "):
        setattr(lens, name, getattr(lens, name))


def test_a_class_derived_from_a_lens_may_have_attributes_of_its_own():
    class Titled(LatentLens):
        def __init__(self, title, *args, **options):
            self.title = title
            super().__init__(*args, **options)

    assert Titled("mine", made_up_record()).title == "mine"


def test_a_lens_can_be_laid_out_named_and_observed_as_any_widget(lens):
    seen = []
    lens.observe(seen.append, "fraction")
    lens.layout.width, lens.tooltip, lens.comm = "90%", "a lens", lens.comm
    lens.add_traits(note=t.Unicode())
    lens.note, lens._own, lens.fraction = "kept", 1, 0.4
    assert (lens.note, lens.layout.width, len(seen)) == ("kept", "90%", 1)


def test_a_lens_says_in_a_line_what_it_is():
    latent, label, _ = blobs()
    lens = LatentLens.from_arrays(latent, label, label)
    assert repr(lens) == "LatentLens(arrays, 300 items, accuracy 100.0 %, ready)"
    assert repr(lens.questions) == f"Questions(q1, q2, q3) of {lens!r}"
    unlabelled = LatentLens.from_arrays(latent)
    assert repr(unlabelled) == "LatentLens(arrays, 300 items, ready)"


def test_a_sampler_that_needs_labels_names_the_one_that_needs_none():
    latent, _, _ = blobs()
    lens = LatentLens.from_arrays(latent)
    with pytest.raises(ValueError, match=r'lens\.sampler = "random"'):
        _ = lens.frame
    lens.sampler = "random"
    assert len(lens.frame) == 300


def test_a_layer_may_be_set_by_its_module_and_a_stranger_is_refused():
    model = models.lenet5(image_size=8)
    lens = LatentLens(model, data.digits().loader())
    assert repr(lens) == "LatentLens(LeNet5, waiting)"
    lens.layer = model.conv1
    assert lens.layer == "conv1"
    with pytest.raises(t.TraitError, match=r"layer must be one of 'conv1'.*got ReLU\(\)"):
        lens.layer = nn.ReLU()
