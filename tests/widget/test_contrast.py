"""Which units separate two groups: as DataFrames, as messages, and against brute force."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from latentlens import LatentLens
from latentlens.core.effect import compare_groups, holm
from latentlens.session import Question, Session, handle
from latentlens.session.contrast import Contrast, contrast, last_contrast, rest_of
from tests.made_up import blobs, made_up_record

N = 300


class Model:
    """Stands for the model: gives the rows asked for in batches, and remembers them."""

    def __init__(self, conv):
        self.conv, self.asked = conv, []

    def __call__(self, rows, layers):
        assert layers == ["conv"]
        for start in range(0, len(rows), 16):
            chunk = rows[start : start + 16]
            self.asked += chunk.tolist()
            yield chunk, {"conv": self.conv[chunk]}


@pytest.fixture
def conv():
    """The raw activations behind the record's "conv" layer."""
    latent, _, _ = blobs()
    return np.maximum(latent @ np.random.default_rng(1).normal(size=(6, 40)), 0).astype(np.float32)


@pytest.fixture
def record():
    return made_up_record()


@pytest.fixture
def lens(record):
    lens = LatentLens(record, k=5, fraction=0.2)
    lens.layer = record.latent_layer
    return lens


@pytest.fixture
def running(lens, record, conv):
    """A lens whose model can be run, and the model."""
    model = Model(conv)
    lens._session = Session(record, read_activations=model)
    lens.layer = "conv"
    return lens, model


def masks(record, rows):
    """Give a selection of bees and the other bees."""
    first = np.isin(np.arange(N), rows)
    return first, (record.label == 1) & ~first


def by_hand(values, first, second):
    """Compare two groups unit by unit, the slow way."""
    rows = []
    for unit in range(values.shape[1]):
        a, b = values[first, unit].astype(float), values[second, unit].astype(float)
        df = len(a) + len(b) - 2
        pooled = ((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / df
        g, p = 0.0, np.nan
        if pooled:
            p = max(ttest_ind(a, b, equal_var=equal).pvalue for equal in (True, False))
            g = (a.mean() - b.mean()) / np.sqrt(pooled) * (1 - 3 / (4 * df - 1))
        rows.append({"unit": unit, "effect": g, "p": p, "mean_a": a.mean(), "mean_b": b.mean()})
    frame = pd.DataFrame(rows)
    return frame.assign(p=holm(frame.p.to_numpy())).set_index("unit")


def test_a_selection_is_contrasted_with_the_rest_of_its_class_exactly_where_all_is_known(
    lens, record
):
    rows = np.flatnonzero(record.label == 1)[:25]
    first, second = masks(record, rows)
    frame = lens.contrast(rows)
    want = by_hand(record.latent, first, second).loc[frame.unit]
    for name in ("effect", "p", "mean_a", "mean_b"):
        np.testing.assert_allclose(frame[name], want[name], rtol=1e-9)
    assert (frame.effect.abs().diff().dropna() <= 0).all()
    assert set(frame.kind) == {"exact"}
    assert set(frame.n_used_a) == set(frame.n_a) == {25}
    assert set(frame.n_used_b) == set(frame.n_b) == {int(second.sum())}
    # One unit is silent in all bees, and is not tested.
    assert frame.attrs["read_out"] == (
        f"exact, 25 of 25 against {second.sum()} of {second.sum()} items; approximate 95% "
        "intervals for all 5 units at once (Bonferroni); p corrected for 5 units (Holm)"
    )
    assert frame.attrs["b"] == "other items"


def test_without_rows_it_is_about_the_selection_that_the_controls_narrow(lens, record):
    chosen = np.flatnonzero((record.label == 1) | (record.label == 2))[:60]
    lens.selection, lens.label = chosen, "bee"
    of_bees = chosen[record.label[chosen] == 1]
    asked = {"label": "bee", "selection": chosen}
    pd.testing.assert_frame_equal(lens.contrast(), lens.contrast(asked))
    assert set(lens.contrast().n_a) == {len(of_bees)}
    lens.selection, lens.correctness = [], "incorrect"
    bees, wrong = record.label == 1, record.incorrect
    assert set(lens.contrast().n_a) == {int((bees & wrong).sum())}
    assert set(lens.contrast().n_b) == {int((bees & ~wrong).sum())}


def test_any_second_group_may_be_given(lens, record):
    frame = lens.contrast({"label": "bee"}, against={"label": "cat"})
    want = by_hand(record.latent, record.label == 1, record.label == 2)
    np.testing.assert_allclose(frame.effect, want.effect.loc[frame.unit], rtol=1e-9)
    assert (frame.attrs["a"], frame.attrs["b"]) == ("bees", "cats")


def test_a_class_taken_whole_stands_against_all_other_items(lens, record):
    frame = lens.contrast({"label": "bee"})
    assert set(frame.n_b) == {int((record.label != 1).sum())}
    assert frame.attrs["b"] == "other items"


def test_two_groups_side_by_side_have_the_same_effects(lens, record):
    rows = np.flatnonzero(record.label == 1)[:25]
    both = lens.compare_groups(rows, layer="latent").frame
    frame = lens.contrast(rows, layer="latent").set_index("unit").loc[both.index]
    for name in ("effect", "low", "high", "p", "flag", "n_used_a"):
        np.testing.assert_array_equal(both[name], frame[name])


def test_the_model_is_run_on_the_groups_own_items_and_then_all_is_exact(running, record, conv):
    lens, model = running
    rows = np.flatnonzero(record.label == 1)[:25]
    first, second = masks(record, rows)
    frame = lens.contrast(rows)
    assert sorted(model.asked) == np.flatnonzero(first | second).tolist()
    want = by_hand(conv, first, second).loc[frame.unit]
    np.testing.assert_allclose(frame.effect, want.effect, rtol=1e-6)
    assert set(frame.kind) == {"exact"}
    lens.contrast(rows)
    assert len(model.asked) == int((first | second).sum())


def test_of_a_larger_group_so_many_are_drawn_by_chance(running, record, conv):
    lens, model = running
    rows = np.flatnonzero(record.label == 1)[:25]
    frame = lens.contrast(rows, run=30)
    first, second = masks(record, rows)
    read = np.isin(np.arange(N), model.asked)
    assert int(read.sum()) == 55
    want = compare_groups(conv, first, second & read)
    np.testing.assert_allclose(frame.effect, want.effect[frame.unit], rtol=1e-6)
    np.testing.assert_allclose(frame.low, want.low[frame.unit], rtol=1e-5)
    assert set(frame.kind) == {"estimate"}
    assert frame.attrs["read_out"].startswith(
        f"estimate, 25 of 25 against 30 of {second.sum()} items; approximate 95% intervals"
    )


def test_what_is_drawn_is_drawn_by_chance_and_always_the_same(record, conv):
    session = Session(record, read_activations=Model(conv))
    everyone = np.ones(N, bool)
    few, many = session.drawn(everyone, 20), session.drawn(everyone, 50)
    assert set(few) <= set(many)
    assert (np.diff(many) > 0).all()
    again = Session(record, read_activations=Model(conv), random_state=0).drawn(everyone, 20)
    other = Session(record, read_activations=Model(conv), random_state=1).drawn(everyone, 20)
    assert set(again) == set(few) != set(other)


def test_on_the_sample_alone_a_ranked_one_bears_no_interval(running, record):
    lens, model = running
    rows = np.flatnonzero(record.label == 1)
    lens.fraction = 0.5
    frame = lens.contrast(rows[:40], run=False)
    sampled = np.isin(rows, lens.sample.index)
    assert set(frame.n_used_a) == {int(sampled[:40].sum())}
    assert set(model.asked) <= set(lens.sample.index)
    assert frame.low.isna().all()
    assert frame.effect.notna().any()
    assert set(frame.kind) == {"sample"}
    assert "No interval: the sample was ranked" in frame.attrs["read_out"]


def test_a_sample_drawn_by_chance_counts_with_its_weights(running, record, conv):
    lens, _ = running
    lens.sampler, lens.fraction = "stratified_completion", 0.4
    bees, cats = record.label == 1, record.label == 2
    frame = lens.contrast({"label": "bee"}, against={"label": "cat"}, run=False)
    sample = lens.sample
    want = compare_groups(
        conv[sample.index], bees[sample.index], cats[sample.index], weight=sample.weight
    )
    np.testing.assert_allclose(frame.effect, want.effect[frame.unit], rtol=1e-5)
    np.testing.assert_allclose(frame.effective_n_a, want.effective_n[0])
    assert set(frame.kind) == {"estimate"}


@pytest.mark.parametrize("sampler", ["coreset", "stratified_completion"])
def test_groups_that_a_weighted_sample_holds_whole_are_compared_item_by_item(
    running, conv, sampler
):
    lens, _ = running
    lens.sampler, lens.fraction = sampler, 0.3
    order = lens.sample.index[np.argsort(lens.sample.weight)]
    first, second = (np.isin(np.arange(N), order[at::2]) for at in (0, 1))
    frame = lens.contrast(first, against=second, run=False)
    want = compare_groups(conv, first, second)
    np.testing.assert_allclose(frame.mean_a, want.mean[0][frame.unit], rtol=1e-6)
    np.testing.assert_allclose(frame.effect, want.effect[frame.unit], rtol=1e-5)
    np.testing.assert_allclose(frame.effective_n_b, second.sum())
    assert set(frame.kind) == {"exact"}


def test_a_group_that_the_sample_misses_is_told_how_to_be_read(running, record):
    lens, _ = running
    outside = np.setdiff1d(np.flatnonzero(record.label == 1), lens.sample.index)[:9]
    frame = lens.contrast(outside, run=False)
    assert frame.effect.isna().all()
    assert "two of each are needed. run=True reads the groups' own items" in frame.attrs["note"]


def test_what_cannot_be_contrasted_is_refused_in_words(lens):
    with pytest.raises(ValueError, match="All items are chosen, so there is nothing to compare"):
        lens.contrast()
    with pytest.raises(ValueError, match=r"needs the model run on chosen items.*'latent'"):
        lens.contrast({"label": "bee"}, layer="conv")
    with pytest.raises(ValueError, match="rows and against must share no item, but 1 are in both"):
        lens.contrast([1, 2], against=[2, 3])
    with pytest.raises(ValueError, match="against must hold rows between 0 and 299"):
        lens.contrast([1, 2], against=[300])
    with pytest.raises(ValueError, match="rows is empty; give at least one row"):
        lens.contrast([])
    with pytest.raises(ValueError, match="run must be between 0 and 300"):
        lens.contrast([1, 2], run=-1)
    with pytest.raises(ValueError, match=r"confidence must be .*got 1\.5"):
        lens.contrast([1, 2], confidence=1.5)
    with pytest.raises(ValueError, match=r"confidence must be below 1"):
        lens.contrast([1, 2], confidence=1.0)


def test_one_item_has_no_spread_and_is_refused_before_the_model_is_run(running):
    lens, model = running
    with pytest.raises(ValueError, match=r"rows must hold at least two.*got 1 \(1 chosen item\)"):
        lens.contrast([7])
    with pytest.raises(ValueError, match=r"against must hold at least two.*lens\.compare_groups"):
        lens.contrast([1, 2], against=[7])
    with pytest.raises(ValueError, match=r"run must be 0 or at least 2.*got 1"):
        lens.contrast([1, 2], run=1)
    assert not model.asked


# -- as it travels -----------------------------------------------------------------


def ask(session, **changes):
    request = {
        "kind": "contrast", "id": 1, "layer": "conv", "label": "", "by": "true",
        "correctness": "all", "selection": None, "against": "rest", **changes,
    }  # fmt: skip
    return list(handle(session, request))


def test_the_message_holds_what_the_frame_holds_and_progress_before(running, record):
    lens, _ = running
    rows = np.flatnonzero(record.label == 1)[:25].astype(np.uint32)
    *progress, reply = ask(lens._session, selection=rows)
    assert [step["kind"] for step in progress] == ["progress"] * len(progress)
    assert progress[-1]["done"] == progress[-1]["total"] > 0
    frame = lens.contrast(rows)
    np.testing.assert_array_equal(reply["unit"], frame.unit)
    for name, column in (("effect", "effect"), ("low", "low"), ("p", "p"), ("mean", "mean_a"),
                         ("other_mean", "mean_b")):  # fmt: skip
        # What was held and what was run come in another order.
        np.testing.assert_allclose(reply[name], frame[column], rtol=1e-12)
    assert reply["n_stand"] == int(frame.flag.sum())
    assert (reply["known"], reply["read_out"]) == ("exact", frame.attrs["read_out"])


def test_a_group_of_one_is_not_told_to_run_what_was_run(running):
    lens, _ = running
    *_, reply = ask(lens._session, selection=np.array([7], np.uint32))
    assert reply["note"].endswith("two of each are needed.")
    assert "run=True" not in reply["read_out"]


def test_all_items_are_refused_before_the_model_is_run(running):
    lens, model = running
    with pytest.raises(ValueError, match="All items are chosen, so there is nothing to compare"):
        ask(lens._session)
    assert not model.asked


def test_a_group_may_stand_against_its_other_correctness(record, conv):
    session = Session(record, read_activations=Model(conv))
    wrong = ask(session, label="bee", correctness="incorrect", against="opposite")[-1]
    bees = record.label == 1
    assert wrong["n"] == [int((bees & record.incorrect).sum()), int((bees & record.correct).sum())]
    with pytest.raises(ValueError, match="correctness must be one of 'correct', 'incorrect'"):
        ask(session, label="bee", against="opposite")
    with pytest.raises(ValueError, match="against must be one of 'rest', 'opposite'"):
        ask(session, label="bee", against="all")


def test_the_rest_keeps_to_the_classes_and_the_correctness_of_a_selection(record):
    session = Session(record)
    rows = np.flatnonzero(record.label != 2)[:40].astype(np.uint32)
    question = Question(layer="latent", selection=rows, correctness="correct")
    rest = rest_of(session, question)
    want = record.correct & (record.label != 2) & ~np.isin(np.arange(N), rows)
    np.testing.assert_array_equal(rest, want)


def test_what_was_read_is_the_same_whether_held_or_run_anew(record, conv):
    first, second = record.label == 0, record.label == 1
    layer = record.layers["conv"]
    held = Session(record, read_activations=Model(conv))
    bare = Session(record, read_activations=Model(conv), held_budget=100)
    found = [
        last_contrast(contrast(session, layer, first, second)) for session in (held, bare, held)
    ]
    assert all(isinstance(each, Contrast) for each in found)
    for each in found[1:]:
        np.testing.assert_allclose(each.difference.effect, found[0].difference.effect, rtol=1e-12)
    assert bare.held.nbytes == 0
