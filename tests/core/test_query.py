"""The index against full activations, by the definitions, item by item."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import distance

from latentlens.core import (
    answer,
    cell_mean,
    max_counts,
    members,
    query,
    record_from_arrays,
    unit_maxima,
)
from latentlens.core.answer import Answer

SEEDS = st.integers(0, 2**32 - 1)
BYS, CORRECTNESSES = ("true", "predicted"), ("all", "correct", "incorrect")
CLASSES = 3


class Made:
    """Made-up activations with many ties, and the record of them."""

    def __init__(self, seed, *, ties=True):
        rng = np.random.default_rng(seed)
        n, units = int(rng.integers(1, 14)), int(rng.integers(1, 8))
        values = rng.integers(-2, 4, (n, units)) if ties else rng.normal(size=(n, units))
        values = np.maximum(values, 0) if rng.random() < 0.5 else values
        values = np.where(rng.random((n, 1)) < 0.2, 0, values)
        self.raw = values.astype(np.float32)
        self.label = rng.integers(-1, CLASSES, n).astype(np.int32)
        self.pred = rng.integers(0, CLASSES, n).astype(np.int32)
        if rng.random() < 0.3:
            self.pred[:] = -1
        self.roles = (rng.random(n) < 0.6).astype(np.uint8)
        self.rng, self.units = rng, units
        self.record = record_from_arrays(
            rng.normal(size=(n, 2)),
            self.label,
            None if (self.pred < 0).all() else self.pred,
            activations={"a": self.raw},
            classes=["x", "y", "z"],
            keep=int(rng.integers(1, units + 1)),
        )
        self.layer = self.record.layers["a"]
        self.member = rng.random(n) < 0.7
        self.k = int(rng.integers(1, self.layer.keep + 1))


def order(value, k):
    """The k largest units by definition: by value, then by unit."""
    return sorted(range(len(value)), key=lambda u: (-value[u], u))[:k]


def is_in_group(label, pred, label_class, by, correctness):
    """Membership of one item, by definition."""
    if label_class is not None and (label if by == "true" else pred) != label_class:
        return False
    if correctness == "all":
        return True
    return label >= 0 and pred >= 0 and (label == pred) == (correctness == "correct")


@given(
    SEEDS, st.sampled_from([None, 0, 1, 2]), st.sampled_from(BYS), st.sampled_from(CORRECTNESSES)
)
def test_members_agree_with_the_definition(seed, label_class, by, correctness):
    made = Made(seed)
    chosen = made.rng.permutation(len(made.raw))[: len(made.raw) // 2]
    group = {"label_class": label_class, "by": by, "correctness": correctness}
    expected = [is_in_group(y, p, **group) for y, p in zip(made.label, made.pred, strict=True)]
    assert members(made.label, made.pred, **group).tolist() == expected
    narrowed = members(made.label, made.pred, **group, selection=chosen)
    assert narrowed.tolist() == [e and i in chosen for i, e in enumerate(expected)]


def test_an_empty_selection_leaves_no_member():
    label = np.zeros(4, np.int32)
    assert not members(label, label, selection=np.zeros(0, np.uint32)).any()


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ({"by": "label"}, "by must be one of 'true', 'predicted', got 'label'"),
        ({"correctness": "wrong"}, "correctness must be one of .* got 'wrong'"),
        ({"selection": [4]}, "selection must hold rows between 0 and 3"),
    ],
)
def test_members_say_what_a_group_may_be(group, words):
    label = np.zeros(4, np.int32)
    with pytest.raises(ValueError, match=words):
        members(label, label, **group)


@given(SEEDS)
def test_the_top_k_by_maximum_is_that_of_the_full_activations(seed):
    made = Made(seed)
    found = unit_maxima(made.layer, made.member, made.k)
    if not made.member.any():
        assert (found == -np.inf).all()
        return
    full = made.raw[made.member].max(axis=0)
    top = order(full, made.k)
    assert order(found, made.k) == top
    assert found[top].tolist() == full[top].tolist()
    assert (found <= full).all()


@given(SEEDS)
def test_max_counts_agree_with_counting_item_by_item(seed):
    made = Made(seed)
    counts, none = max_counts(made.layer, made.member)
    rows = made.raw[made.member]
    best = [order(row, 1)[0] for row in rows if row.any()]
    assert counts.tolist() == [best.count(u) for u in range(made.units)]
    assert none == sum(not row.any() for row in rows)
    assert counts.dtype == np.uint32


@given(SEEDS)
def test_cell_means_are_those_of_the_full_activations(seed):
    made = Made(seed)
    for label_class, by, correctness in itertools.product([None, 0, 1, 2], BYS, CORRECTNESSES):
        group = {"label_class": label_class, "by": by, "correctness": correctness}
        member = members(made.label, made.pred, **group)
        found = cell_mean(
            made.layer.cell_sum, made.record.cell_count, **group, n_group=int(member.sum())
        )
        in_no_cell = member & (made.label < 0) & (made.pred < 0)
        if not member.any() or in_no_cell.any():
            assert found is None
        else:
            full = made.raw[member].astype(float).mean(axis=0)
            assert found == pytest.approx(full, rel=1e-12, abs=1e-12)


def ask(made, measure, **given):
    return answer(
        made.layer, roles=made.roles, member=made.member, k=made.k, measure=measure, **given
    )


def full_scores(rows, measure):
    """Every unit's value over some rows, by definition."""
    if measure == "max":
        return rows.max(axis=0)
    if measure == "mean":
        return rows.astype(float).mean(axis=0)
    best = [order(row, 1)[0] for row in rows if row.any()]
    return np.bincount(best, minlength=rows.shape[1])


@given(SEEDS, st.sampled_from(["max", "count", "mean"]))
def test_an_answer_agrees_with_the_full_activations(seed, measure):
    # Without ties but for silent items; those have tests of their own.
    made = Made(seed, ties=False)
    used = made.member & (made.roles > 0)
    given_answer = ask(made, measure, raw=made.raw)
    assert (given_answer.n_group, given_answer.n_used) == (made.member.sum(), used.sum())
    if not used.any():
        return
    sample = full_scores(made.raw[used], measure)
    exact = full_scores(made.raw[made.member], measure)
    top, exact_top = order(sample, made.k), order(exact, made.k)
    assert given_answer.top.unit == top
    assert given_answer.top.value == pytest.approx(sample[top].tolist())
    assert given_answer.exact_top.unit == exact_top
    hit = [bool(exact[u] >= exact[exact_top[-1]]) for u in top]
    assert given_answer.top.hit == hit
    if made.k < made.units:
        assert given_answer.precision == sum(hit) / made.k
    for u, value in zip(top, given_answer.top.exact_value, strict=True):
        assert value is None or value == pytest.approx(exact[u])


@given(SEEDS)
def test_an_answers_distances_agree_with_scipy(seed):
    made = Made(seed)
    used = made.member & (made.roles > 0)
    given_answer = ask(made, "max", raw=made.raw)
    if not used.any():
        return
    histograms = [
        [*full_scores(rows, "count"), sum(not row.any() for row in rows)]
        for rows in (made.raw[used], made.raw[made.member])
    ]
    js = distance.jensenshannon(*histograms, base=2)
    assert given_answer.js_distance == pytest.approx(js, abs=1e-7)
    means = [full_scores(rows, "mean") for rows in (made.raw[used], made.raw[made.member])]
    if all(mean.any() for mean in means):
        assert given_answer.cosine_distance == pytest.approx(distance.cosine(*means), abs=1e-12)


@given(SEEDS)
def test_hidden_ties_alone_can_turn_a_hit_into_a_miss(seed):
    made = Made(seed)
    used = made.member & (made.roles > 0)
    if not used.any():
        return
    given_answer = ask(made, "max")
    exact = made.raw[made.member].max(axis=0)
    kth = exact[order(exact, made.k)[-1]]
    for u, hit in zip(given_answer.top.unit, given_answer.top.hit, strict=True):
        assert exact[u] >= kth if hit else exact[u] <= kth


@given(SEEDS)
def test_an_exact_value_is_exact_or_not_given(seed):
    made = Made(seed)
    given_answer = ask(made, "max")
    full = made.raw[made.member].max(axis=0, initial=-np.inf)
    for u, hit, value in zip(
        given_answer.top.unit, given_answer.top.hit, given_answer.top.exact_value, strict=True
    ):
        assert value == (full[u] if hit else None)


@given(SEEDS, st.sampled_from(["max", "count", "mean"]))
def test_a_sample_of_everything_misses_nothing(seed, measure):
    made = Made(seed)
    made.roles[:] = 1
    given_answer = ask(made, measure, raw=made.raw)
    if not made.member.any():
        return
    assert all(given_answer.top.hit)
    assert given_answer.precision in (1.0, None)
    assert given_answer.js_distance == 0
    assert given_answer.cosine_distance == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("measure", ["max", "count", "mean"])
def test_an_empty_sample_scores_worst(measure):
    made = Made(5)
    made.roles[:] = 0
    made.k = 1
    made.member[:] = True
    given_answer = ask(made, measure, raw=made.raw)
    assert given_answer.top.unit == []
    assert len(given_answer.exact_top.unit) == made.k
    assert (given_answer.precision, given_answer.js_distance) == (0, 1)
    assert (given_answer.mean, given_answer.cosine_distance) == (None, 1)


@pytest.mark.parametrize("measure", ["max", "count", "mean"])
def test_an_empty_group_has_nothing_to_compare(measure):
    made = Made(3)
    made.member[:] = False
    given_answer = ask(made, measure, raw=made.raw)
    assert given_answer.top.unit == given_answer.exact_top.unit == []
    assert given_answer.precision is None
    assert given_answer.js_distance is None
    assert given_answer.cosine_distance is None


def test_without_activations_the_mean_is_not_known():
    made = Made(3)
    given_answer = ask(made, "mean")
    assert given_answer.top is given_answer.exact_top is given_answer.precision is None
    assert given_answer.cosine_distance is None
    assert given_answer.js_distance is not None


def test_a_sample_mean_alone_has_no_hits_and_no_precision():
    made = Made(3)
    given_answer = ask(made, "mean", sample_mean=np.arange(made.units, dtype=float))
    assert given_answer.top.unit == order(np.arange(made.units), made.k)
    assert not any(given_answer.top.hit)
    assert given_answer.top.exact_value == [None] * made.k
    assert given_answer.precision is None


def test_k_is_cut_to_the_width_of_the_layer_and_precision_left_out():
    record = record_from_arrays(np.eye(4, 3), [0, 1, 2, 0], [0, 1, 2, 1])
    given_answer = answer(
        record.layers["latent"], roles=np.ones(4, np.uint8), member=np.ones(4, bool), k=10
    )
    assert (given_answer.k, given_answer.chance, given_answer.precision) == (3, 1.0, None)


def test_more_than_the_index_holds_is_refused():
    record = record_from_arrays(np.eye(4, 9), [0, 1, 2, 0], keep=2)
    with pytest.raises(ValueError, match=r"k must be between 1 and 2 .* holds 2 .* keep= .* got 3"):
        query.check_k(3, record.layers["latent"])


def test_an_unknown_measure_is_refused():
    made = Made(0)
    with pytest.raises(
        ValueError, match="measure must be one of 'max', 'count', 'mean', got 'sum'"
    ):
        ask(made, "sum")


def test_a_message_has_the_fields_of_the_protocol():
    from latentlens.protocol import figures

    message = ask(Made(1), "max").message()
    assert set(message) == set(figures.Answer.__annotations__)
    assert set(message["top"]) == set(figures.TopUnits.__annotations__)
    assert json.dumps(message["top"])


def test_an_answer_cannot_be_changed():
    given_answer = ask(Made(1), "max")
    assert isinstance(given_answer, Answer)
    with pytest.raises(AttributeError):
        given_answer.k = 3
