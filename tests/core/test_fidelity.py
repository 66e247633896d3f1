"""Scores of samples, cell by cell, against raw activations and one cell at a time."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.core import answer, members, metrics, record_from_arrays
from latentlens.core.design import group_weights
from latentlens.core.fidelity import CORRECTNESS, QuerySet, group_cells, read_arrays
from latentlens.core.weighted import CellSums, weighted_sums


def made_up(seed=0, n=80, wide=23, *, unlabelled=False, tied=False):
    """Give a record and the raw activations behind it; some items are silent in "wide"."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, n)
    if unlabelled:
        label[rng.random(n) < 0.3] = -1
    pred = np.where(rng.random(n) < 0.3, rng.integers(0, 3, n), np.maximum(label, 0))
    raw = {
        "wide": np.maximum(rng.normal(size=(n, wide)), 0).astype(np.float32),
        "smooth": rng.normal(size=(n, 12)).astype(np.float32),
    }
    if tied:
        raw["wide"] = np.ceil(raw["wide"])
    raw["wide"][rng.random(n) < 0.2] = 0
    latent = np.abs(rng.normal(size=(n, 4))).astype(np.float32)
    record = record_from_arrays(latent, label, pred, activations=raw, classes=list("abc"), keep=8)
    return record, {**raw, "latent": latent}


def some_masks(record, seed=0):
    rng = np.random.default_rng(seed)
    return np.array([rng.random(len(record)) < share for share in (0.05, 0.3, 0.8, 1.0)])


def brute_precision(sample, full, k, measure):
    """Rank by definition; a unit as good as the k-th of all is a hit."""

    def score(values):
        if measure == "max":
            return values.max(axis=0).astype(np.float64)
        if measure == "mean":
            return values.mean(axis=0, dtype=np.float64)
        silent = (values == 0).all(axis=1)
        return np.bincount(values.argmax(axis=1)[~silent], minlength=values.shape[1]).astype(float)

    top = sorted(range(sample.shape[1]), key=lambda u: (-score(sample)[u], u))[:k]
    kth = sorted(score(full), reverse=True)[k - 1]
    return sum(score(full)[u] >= kth for u in top) / k


def brute_histogram(values):
    silent = (values == 0).all(axis=1)
    counts = np.bincount(values.argmax(axis=1)[~silent], minlength=values.shape[1])
    return np.append(counts, silent.sum())


def cell_members(queries, at, record):
    """Find the items of a cell the plain way."""
    cells = queries.cells
    cls = record.label if queries.by == "true" else record.pred
    of = [record.correct, record.incorrect, ~record.correct & ~record.incorrect]
    return (cls == cells.label[at]) & of[cells.correctness[at]]


def drive(steps):
    """Give what comes at the end, by layer."""
    return {step.layer: step for step in steps if not isinstance(step, tuple)}


@pytest.mark.parametrize("unlabelled", [False, True])
@pytest.mark.parametrize("by", ["true", "predicted"])
def test_cells_are_the_classes_by_correctness_that_have_items(by, unlabelled):
    record, _ = made_up(unlabelled=unlabelled)
    queries = QuerySet(record, by=by, k=3)
    for at in range(len(queries.cells)):
        member = cell_members(queries, at, record)
        np.testing.assert_array_equal(queries.cells.cell == at, member)
        assert queries.cells.size[at] == member.sum() > 0
    known = record.label >= 0 if by == "true" else np.ones(len(record), bool)
    np.testing.assert_array_equal(queries.cells.cell >= 0, known)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("by", ["true", "predicted"])
@pytest.mark.parametrize("measure", ["max", "count", "mean"])
def test_every_score_is_that_of_the_raw_activations(measure, by, seed):
    record, raw = made_up(seed, unlabelled=seed == 2)
    masks = some_masks(record, seed)
    queries = QuerySet(record, by=by, k=5, measure=measure, layers=["wide", "smooth"])
    index = {step.layer: step for step in queries.from_index(masks)}
    means = drive(queries.from_means(masks, read_arrays(raw)))
    for layer in queries.layers:
        for at in range(len(queries.cells)):
            member = cell_members(queries, at, record)
            for number, mask in enumerate(masks):
                sample, full = raw[layer][member & mask], raw[layer][member]
                s1 = (means if measure == "mean" else index)[layer].s1[number, at]
                s2, s3 = means[layer].s2[number, at], index[layer].s3[number, at]
                if not len(sample):
                    assert (s1, s2, s3) == (0, 1, 1)
                    continue
                assert s1 == pytest.approx(brute_precision(sample, full, 5, measure), abs=1e-12)
                mean, exact = (part.mean(axis=0, dtype=np.float64) for part in (sample, full))
                assert s2 == pytest.approx(metrics.cosine_distance(mean, exact), abs=1e-12)
                histograms = brute_histogram(sample), brute_histogram(full)
                assert s3 == pytest.approx(metrics.js_distance(*histograms), abs=1e-7)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.sampled_from(["max", "count"]))
def test_all_cells_at_once_are_the_cells_one_by_one(seed, k, measure):
    record, _ = made_up(seed % 50, n=40, tied=seed % 2 == 0)
    mask = np.random.default_rng(seed).random(40) < 0.3
    queries = QuerySet(record, k=k, measure=measure)
    for step in queries.from_index(mask[None]):
        for at in range(len(queries.cells)):
            kind = CORRECTNESS[queries.cells.correctness[at]]
            member = members(
                record.label, record.pred, label_class=queries.cells.label[at], correctness=kind
            )
            one = answer(
                record.layers[step.layer], roles=mask.astype(np.uint8), member=member, k=k,
                measure=measure,
            )  # fmt: skip
            if step.layer not in queries.skipped:
                assert step.s1[0, at] == pytest.approx(one.precision, abs=1e-12)
            assert step.s3[0, at] == pytest.approx(one.js_distance, abs=1e-7)


def test_a_sample_of_everything_has_no_error_at_all_and_needs_no_model():
    record, _ = made_up()
    everything = np.ones((1, len(record)), bool)

    def never(rows, layers):
        pytest.fail(f"the model was run on {rows} for {layers}")

    for measure in ("max", "count"):
        for step in QuerySet(record, k=5, measure=measure, layers=["wide"]).from_index(everything):
            assert (step.s1 == 1).all()
            assert (step.s3 == 0).all()
    queries = QuerySet(record, k=5, measure="mean", layers=["wide"])
    step = drive(queries.from_means(everything, never))["wide"]
    assert (step.s1 == 1).all()
    assert (step.s2 == 0).all()


def test_layers_with_no_more_units_than_k_have_no_part_in_s1():
    record, _ = made_up()
    queries = QuerySet(record, k=4)
    assert queries.skipped == ("latent",)
    scores = {step.layer: step.s1 for step in queries.from_index(some_masks(record))}
    assert np.isnan(scores["latent"]).all()
    assert not np.isnan(scores["wide"]).any()
    assert np.isnan(queries.chance("latent"))
    assert queries.chance("wide") == 4 / 23


def test_weights_tilt_the_mean():
    record, raw = made_up()
    rng = np.random.default_rng(0)
    weights = rng.random((2, len(record)))
    queries = QuerySet(record, k=3, layers=["smooth"])
    weights[
        :, [np.flatnonzero(queries.cells.cell == at)[0] for at in range(len(queries.cells))]
    ] = 0
    scores = drive(queries.from_means(weights, read_arrays(raw)))["smooth"].s2
    for at in range(len(queries.cells)):
        inside = queries.cells.cell == at
        mean = np.average(raw["smooth"][inside], axis=0, weights=weights[1, inside])
        exact = raw["smooth"][inside].mean(axis=0, dtype=np.float64)
        assert scores[1, at] == pytest.approx(metrics.cosine_distance(mean, exact), abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_a_cell_taken_whole_is_exact_whatever_its_items_weigh(seed):
    record, raw = made_up(seed % 7, unlabelled=True)
    rng = np.random.default_rng(seed)
    queries = QuerySet(record, k=3, measure="mean", layers=["smooth"])
    cell = queries.cells.cell
    weights = rng.random((3, len(record))) * (rng.random((3, len(record))) < 0.5)
    for sample in weights:
        whole = np.isin(cell, rng.choice(len(queries.cells), 2, replace=False))
        sample[whole] = rng.random(whole.sum()) + 0.01
    scores = drive(queries.from_means(weights, read_arrays(raw)))["smooth"]
    for at, sample in itertools.product(range(len(queries.cells)), range(3)):
        member = cell == at
        own = group_weights(weights[sample], member)
        if not own.any():
            continue
        exact = raw["smooth"][member].mean(axis=0, dtype=np.float64)
        mean = own @ raw["smooth"].astype(np.float64) / own.sum()
        wanted = metrics.cosine_distance(mean, exact)
        assert scores.s2[sample, at] == pytest.approx(wanted, abs=1e-12)
        if (weights[sample, member] > 0).all():
            assert (scores.s1[sample, at], scores.s2[sample, at]) == (1, 0)


def test_a_mean_of_zero_is_as_far_as_can_be_from_another():
    label, pred = [0, 0, 0], [0, 0, 0]
    raw = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], np.float32)
    record = record_from_arrays(raw, label, pred)
    queries = QuerySet(record, k=1)
    masks = np.array([[1, 0, 0], [0, 1, 0]], bool)
    assert drive(queries.from_means(masks, read_arrays({"latent": raw})))["latent"].s2.tolist() == [
        [1.0],
        [0.0],
    ]


def test_data_without_classes_have_no_cells():
    record = record_from_arrays(np.ones((4, 3)))
    queries = QuerySet(record, k=2)
    assert len(group_cells(record)) == 0
    masks = np.ones((2, 4), bool)
    assert next(queries.from_index(masks)).s3.shape == (2, 0)
    raw = {"latent": record.latent}
    assert drive(queries.from_means(masks, read_arrays(raw)))["latent"].s2.shape == (2, 0)


def test_what_cannot_be_asked_is_refused_in_words():
    record, _ = made_up()
    with pytest.raises(ValueError, match=r"layers must be one of 'wide', .*got 'fc9'"):
        QuerySet(record, layers=["fc9"])
    with pytest.raises(ValueError, match=r"k must be between 1 and 8 .*holds 8 units per item"):
        QuerySet(record, k=9)
    with pytest.raises(ValueError, match="by must be one of 'true', 'predicted', got 'guess'"):
        QuerySet(record, by="guess")
    with pytest.raises(ValueError, match=r"weights must have shape .*got \(2, 3\) and \(4,\)"):
        next(weighted_sums(read_arrays({}), np.ones((2, 3)), np.zeros(4, int), {}))


@pytest.mark.parametrize("budget", [1, 700, 10**9])
def test_a_small_budget_takes_more_passes_and_gives_the_same_sums(budget):
    rng = np.random.default_rng(0)
    raw = {name: rng.normal(size=(30, n)).astype(np.float32) for name, n in (("a", 7), ("b", 20))}
    weights, cells = rng.random((5, 30)) * (rng.random((5, 30)) < 0.5), rng.integers(-1, 3, 30)
    read, opened = read_arrays(raw), []

    def counted(rows, layers):
        opened.append(layers)
        return read(rows, layers)

    units = {"a": 7, "b": 20}
    steps = list(weighted_sums(counted, weights, cells, units, budget=budget))
    assert len(opened) == {1: 10, 700: 3, 10**9: 1}[budget]
    got = {name: np.zeros((3, 5, n)) for name, n in units.items()}
    for step in steps:
        if isinstance(step, CellSums):
            got[step.layer][step.cell, step.samples] += step.sums
    for name, values in raw.items():
        for cell in range(3):
            inside = cells == cell
            np.testing.assert_allclose(
                got[name][cell], weights[:, inside] @ values[inside].astype(float), rtol=1e-12
            )
    progress = [step for step in steps if isinstance(step, tuple)]
    assert progress[-1][0] == progress[-1][1]
