"""A sample's fidelity as a person asks for it, in Python and over the wire."""

import asyncio

import altair as alt
import numpy as np
import pandas as pd
import pytest
import torch
import traitlets as t
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from latentlens import LatentLens
from latentlens.core import meter, metrics
from latentlens.core.fidelity import QuerySet
from latentlens.samplers import SAMPLERS
from latentlens.session import fidelity
from latentlens.session.fidelity import seeds
from tests.extract.brute_force import raw_activations
from tests.made_up import blobs, made_up_record
from tests.widget.test_lens import Wire


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 2)
        self.hidden = nn.Linear(3 * 2 * 1, 12)
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        x = torch.relu(self.conv(x[:, None, :].unflatten(2, (3, 2)))).flatten(1)
        return self.head(torch.relu(self.hidden(x)))


@pytest.fixture(scope="module")
def data():
    latent, label, _ = blobs(n=200)
    return TensorDataset(torch.from_numpy(latent), torch.from_numpy(label))


@pytest.fixture(scope="module")
def model(data):
    torch.manual_seed(0)
    net, (x, y) = Net(), data.tensors
    optimizer = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net.requires_grad_(True)


@pytest.fixture
def lens(model, data):
    lens = LatentLens(model, DataLoader(data, batch_size=32), classes=["ant", "bee", "cat"], k=5)
    return lens.run(progress=False)


def test_every_cell_is_scored_as_the_raw_activations_have_it(lens):
    raw = raw_activations(lens._plan, 200)
    frame = lens.fidelity([0.1], ["max_margin"], progress=False).frame
    mask = np.zeros(200, bool)
    lens.fraction = 0.1
    mask[lens.sample.index] = True
    record = lens.record
    for row in frame[frame.layer != "all"].itertuples():
        inside = (record.label == record.classes.index(row.label)) & (
            record.correct if row.correctness == "correct" else record.incorrect
        )
        full, some = raw[row.layer][inside], raw[row.layer][inside & mask]
        assert (row.n_group, row.n_used, row.n_sample) == (len(full), len(some), 20)
        if not len(some):
            assert (row.cosine_distance, row.js_distance) == (1, 1)
            continue
        means = (part.mean(axis=0, dtype=np.float64) for part in (some, full))
        assert row.cosine_distance == pytest.approx(metrics.cosine_distance(*means), abs=1e-6)
        if full.shape[1] > 5:
            expected = metrics.precision_at_k(some.max(axis=0), full.max(axis=0), 5)
            assert row.precision == pytest.approx(expected)


def test_an_overall_row_is_the_plain_mean_of_its_cells(lens):
    result = lens.fidelity([0.1, 0.5], ["max_margin", "random"], progress=False)
    cells = result.frame[result.frame.layer != "all"]
    for row in result.overall.itertuples():
        own = cells[(cells.fraction == row.fraction) & (cells.sampler == row.sampler)]
        for score in ("precision", "cosine_distance", "js_distance"):
            assert getattr(row, score) == pytest.approx(own[score].mean())
    assert cells[cells.layer == "head"].precision.isna().all()
    assert "head: no more units than k = 5" in result.notes[0]


def test_at_fraction_one_there_is_no_error(lens):
    names = [name for name in SAMPLERS if lens._session.ranking(name).uses_fraction]
    overall = lens.fidelity([1.0], names, progress=False).overall
    assert overall.sampler.tolist() == names
    assert (overall.precision == 1).all()
    assert (overall.cosine_distance == 0).all()
    assert (overall.js_distance == 0).all()


def test_unless_told_the_current_sampler_is_scored_beside_random_and_coreset(lens):
    overall = lens.fidelity([0.1], progress=False).overall
    wanted = ["max_margin", "random", *(["coreset"] if "coreset" in SAMPLERS else [])]
    assert overall.sampler.tolist() == wanted
    assert set(overall.kind) == {"measured"}


def test_a_stream_has_s2_where_activations_are_at_hand_and_says_so(model, data):
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(zip(*data.tensors, strict=True))

    lens = LatentLens(model, DataLoader(Stream(), batch_size=32), k=5).run(progress=False)
    result = lens.fidelity([0.2], ["random"], progress=False)
    known = result.frame[result.frame.cosine_distance.notna()]
    at_hand = [lens.record.latent_layer, "head"]
    assert set(known.layer) == {*at_hand, "all"}
    assert f"the overall S2 is about {', '.join(at_hand)} alone." in result.notes[1]


def test_what_cannot_be_scored_is_refused_in_words(lens):
    with pytest.raises(ValueError, match=r"fractions must be between 0 \(excluded\) and 1, got 2"):
        lens.fidelity([2])
    for odd in ("foo", 0.5):
        with pytest.raises(TypeError, match=r"fractions must be a sequence of numbers in \(0, 1\]"):
            lens.fidelity(odd)
    with pytest.raises(ValueError, match="fractions must hold at least one share"):
        lens.fidelity([])
    nameless = LatentLens.from_arrays(blobs()[0], sampler="random", k=2)
    with pytest.raises(ValueError, match="No item's label is known, so there are no cells"):
        nameless.fidelity([0.1])
    with pytest.raises(ValueError, match="sampler must be one of"):
        lens.fidelity([0.1], ["coin"])
    with pytest.raises(ValueError, match="layers must be one of"):
        lens.fidelity([0.1], layers=["fc9"])


def test_cells_that_a_weighted_sample_holds_whole_are_exact_and_count_in_full():
    lens = LatentLens(made_up_record())
    frame = lens.fidelity([0.1], ["coreset"], by="predicted", layers=["latent"]).frame
    whole = frame[frame.n_used == frame.n_group]
    assert len(whole)
    assert (whole.cosine_distance == 0).all()
    assert (whole.effective_n == whole.n_group).all()


def test_no_score_is_forgotten_while_its_own_query_gathers_it(lens, monkeypatch):
    whole = lens.fidelity([0.1, 0.3], ["max_margin", "random"], progress=False).frame
    monkeypatch.setattr(meter, "REMEMBERED", 3)
    known = lens._session.meter._known
    known.clear()
    again = lens.fidelity([0.1, 0.3], ["max_margin", "random"], progress=False).frame
    assert again.cosine_distance.notna().all()
    pd.testing.assert_frame_equal(again, whole)
    gathered = len(known)
    # The next query makes room, and its own are all there as well.
    few = lens.fidelity([0.1], ["max_margin"], progress=False).frame
    assert few.cosine_distance.notna().all()
    assert len(known) < gathered


def test_the_chart_is_drawn_from_few_rows_with_titled_axes(lens):
    chart = lens.fidelity([0.1, 0.5], ["max_margin", "random"], progress=False).chart()
    assert isinstance(chart, alt.FacetChart)
    assert len(chart.data) == 12
    band, line = chart.to_dict()["spec"]["layer"]
    assert line["encoding"]["x"]["title"] == "fraction of the items"
    assert band["encoding"]["y2"]["field"] == "high"


def test_random_is_averaged_over_ten_draws_whose_spread_and_seeds_are_given(lens):
    result = lens.fidelity([0.1], ["max_margin", "random"], progress=False)
    own, random = result.overall.itertuples()
    assert (own.n_draws, random.n_draws) == (1, 10)
    assert np.isnan(own.precision_spread)
    assert 0 < random.precision_spread < 0.2
    assert "random: mean over 10 draws, seeds 0 to 9; the spread" in " ".join(result.notes)
    by_hand = []
    for seed in range(10):
        other = LatentLens(lens.record, sampler="max_margin", k=5, random_state=seed)
        point = fidelity.point(other._session, "random", 0.1, 0.7)
        queries = QuerySet(lens.record, k=5)
        *_, scores = fidelity.fidelity(other._session, queries, [point])
        by_hand.append(scores.overall("s3")[0])
    assert random.js_distance == pytest.approx(np.mean(by_hand))
    assert random.js_distance_spread == pytest.approx(np.std(by_hand, ddof=1))


def test_every_row_says_what_it_is_worth(lens):
    frame = lens.fidelity([0.1], ["stratified", "max_margin"], progress=False).frame
    assert {"kind", "n_used", "n_group", "effective_n"} <= set(frame.columns)
    alike = frame[frame.sampler == "max_margin"]
    np.testing.assert_allclose(alike.effective_n, alike.n_used)
    assert (frame.effective_n <= frame.n_used + 1e-9).all()


def test_the_sample_that_is_shown_is_scored_with_what_was_added(lens):
    lens.fraction = 0.03
    before = lens.fidelity([0.03, 0.1], ["max_margin"], progress=False).overall
    for row in lens.missing.itertuples():
        lens.top_up(row.label, row.correctness)
    result = lens.fidelity([0.03, 0.1], ["max_margin"], progress=False)
    after = result.overall
    assert after.n_sample[0] == before.n_sample[0] + len(lens.added)
    assert after.precision[0] > before.precision[0]
    assert after.iloc[1].equals(before.iloc[1])
    assert "max_margin at 3.00% is scored with the row" in result.notes[-1]


# -- what is missing, and topping it up ------------------------------------------


def test_missing_cells_are_those_without_a_sampled_item():
    lens = LatentLens(made_up_record(), sampler="random", fraction=0.01)
    frame = lens.frame
    cells = frame.groupby(["true", "correct"]).in_sample.sum()
    gone = {(name, "correct" if right else "incorrect")
            for (name, right), n in cells.items() if n == 0}  # fmt: skip
    assert gone
    missing = lens.missing
    assert {(row.label, row.correctness) for row in missing.itertuples()} == gone
    assert lens.fidelity([0.01], k=8, progress=False).missing.equals(missing)
    n = frame.groupby(["true", "correct"]).ngroups
    assert missing.attrs["read_out"] == f"the sample has no item of {len(gone)} of the {n} cells"
    lens.fraction = 1.0
    assert lens.missing.empty
    assert lens.missing.attrs["read_out"] == f"empty, for the sample has items of all {n} cells"


def test_topping_a_cell_up_ends_its_being_missing():
    lens = LatentLens(made_up_record(), sampler="random", fraction=0.01)
    row = lens.missing.iloc[0]
    added = lens.top_up(row.label, row.correctness)
    assert 1 <= len(added) <= 10
    assert lens.added.tolist() == sorted(added)
    assert not (
        (lens.missing.label == row.label) & (lens.missing.correctness == row.correctness)
    ).any()
    assert (lens.frame.role[added] == "added").all()
    assert not lens.sample.probability
    assert "added by hand" in lens.sample.note
    assert "added by hand" in lens.fidelity([0.01], k=8, progress=False).notes[-1]
    lens.added = []
    assert lens.sample.probability


def test_topping_up_again_goes_on_with_the_next_items_and_ends_with_the_cell():
    lens = LatentLens(made_up_record(), fraction=0.01)
    first, second = lens.top_up("bee", "correct", 2), lens.top_up("bee", "correct", 3)
    assert not set(first) & set(second)
    assert len(lens.added) == 5
    lens.top_up("bee", "correct", 300)
    assert lens.frame.in_sample[lens.frame.true.eq("bee") & lens.frame.correct].all()
    assert len(lens.top_up("bee", "correct")) == 0


def test_numbers_are_over_the_topped_up_sample():
    lens = LatentLens(made_up_record(), sampler="random", fraction=0.05, layer="conv", k=5)
    before = lens.top_k(label="bee").n_used.iloc[0]
    added = lens.top_up("bee", "correct", 4)
    assert lens.top_k(label="bee").n_used.iloc[0] == before + len(added) == before + 4


def test_rows_added_must_be_rows_of_the_data():
    lens = LatentLens(made_up_record())
    with pytest.raises(t.TraitError, match="added must hold rows below 300; got 300"):
        lens.added = [300]
    with pytest.raises(ValueError, match="n must be between 1 and 300, got 0"):
        lens.top_up("bee", n=0)
    with pytest.raises(ValueError, match="label must be one of 'ant'"):
        lens.top_up("dog")


# -- over the wire ---------------------------------------------------------------


ASK = {"kind": "quality", "sampler": "max_margin", "fraction": 0.3, "j": 0.7, "by": "true", "k": 5}


def test_quality_comes_first_without_s2_and_then_with_it(lens, monkeypatch):
    wire = Wire(lens, monkeypatch)
    wire.ask(id=1, **ASK)
    replies = [reply for reply in wire.replies if reply["kind"] == "quality"]
    assert [reply["done"] for reply in replies] == [False, True]
    assert set(replies[0]["curves"][0]["s2"]) == {None}
    assert None not in replies[1]["curves"][0]["s2"]
    wire.ask(id=2, **ASK)
    again = [reply for reply in wire.replies if reply["kind"] == "quality"][2:]
    assert [(reply["id"], reply["done"]) for reply in again] == [(2, True)]
    assert again[0]["curves"] == replies[1]["curves"]


def test_a_newer_question_drops_the_older_but_never_one_about_means(lens, monkeypatch):
    async def scene():
        wire = Wire(lens, monkeypatch)
        question = {"layer": "conv", "sampler": "random", "fraction": 0.9}
        wire.ask(id=1, **ASK)
        wire.ask(kind="means", id=2, question=question)
        wire.ask(id=3, **ASK)
        for _ in range(500):
            await asyncio.sleep(0.02)
            if any(reply.get("done") is True for reply in wire.replies):
                break
        await asyncio.sleep(0.05)
        return [(reply["id"], reply["kind"]) for reply in wire.replies]

    heard = [each for each in asyncio.run(scene()) if each[1] != "progress"]
    assert sorted(set(heard)) == [(1, "dropped"), (2, "means"), (3, "quality")]


def test_quality_that_cannot_be_had_is_refused_in_words(monkeypatch):
    latent, _, _ = blobs()
    lens = LatentLens.from_arrays(latent, sampler="random", k=2)
    wire = Wire(lens, monkeypatch)
    with pytest.raises(ValueError, match="No item's label is known"):
        lens._answer({"id": 1, **ASK, "sampler": "random", "k": 2})
    assert wire.replies[-1]["kind"] == "error"


def test_the_last_of_all_seeds_is_followed_by_the_first():
    latent, label, logits = blobs()
    lens = LatentLens.from_arrays(latent, label, logits=logits, random_state=2**32 - 1)
    drawn = seeds(lens._ready())
    assert drawn[:3] == [None, 0, 1]
    assert lens._ready().ranking("random", drawn[1]).rank.shape == (len(latent),)
