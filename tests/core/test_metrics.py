import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import distance

from latentlens.core import (
    chance_level,
    cosine_distance,
    js_distance,
    precision_at_k,
    query_set_accuracy,
)

SEEDS = st.integers(0, 2**32 - 1)


def counts(seed, size):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 6, size) + np.eye(size, dtype=int)[rng.integers(size)]


@given(SEEDS, SEEDS, st.integers(1, 12))
def test_cosine_distance_agrees_with_scipy(seed_u, seed_v, size):
    u = np.random.default_rng(seed_u).normal(size=size)
    v = np.random.default_rng(seed_v).normal(size=size)
    assert cosine_distance(u, v) == pytest.approx(distance.cosine(u, v), abs=1e-12)


@pytest.mark.parametrize(
    ("u", "v", "expected"), [([0, 0], [0, 0], 0), ([0, 0], [1, 2], 1), ([1, 2], [0, 0], 1)]
)
def test_cosine_distance_is_defined_for_zero_vectors(u, v, expected):
    assert cosine_distance(u, v) == expected


def test_cosine_distance_of_opposite_vectors_is_two():
    assert cosine_distance([1, -3], [-2, 6]) == pytest.approx(2)


def test_cosine_distance_survives_extreme_entries():
    assert cosine_distance([1e200, 0], [1e-200, 1e-200]) == pytest.approx(1 - math.sqrt(0.5))


@given(SEEDS, SEEDS, st.integers(1, 12))
def test_js_distance_agrees_with_scipy_to_base_two(seed_p, seed_q, size):
    p, q = counts(seed_p, size), counts(seed_q, size)
    # scipy's own is a root of a difference, so it keeps half the digits near zero.
    assert js_distance(p, q) == pytest.approx(distance.jensenshannon(p, q, base=2), abs=1e-7)


@pytest.mark.parametrize(
    ("p", "q", "expected"), [([0, 0], [0, 0], 0), ([0, 0], [1, 2], 1), ([1, 2], [0, 0], 1)]
)
def test_js_distance_is_defined_for_empty_histograms(p, q, expected):
    assert js_distance(p, q) == expected


def test_js_distance_of_histograms_without_a_common_bin_is_one():
    assert js_distance([3, 0, 1], [0, 9, 0]) == 1


def test_js_distance_refuses_negative_counts():
    with pytest.raises(ValueError, match="at least 0"):
        js_distance([1, -1], [1, 1])


@given(SEEDS, st.integers(1, 10), st.integers(1, 12))
def test_precision_agrees_with_the_share_of_units_at_least_as_large_as_the_kth(seed, units, k):
    rng = np.random.default_rng(seed)
    sample, exact = rng.integers(0, 4, units), rng.integers(0, 4, units)
    k_eff = min(k, units)
    kth = sorted(exact, reverse=True)[k_eff - 1]
    top = sorted(range(units), key=lambda u: (-sample[u], u))[:k_eff]
    assert precision_at_k(sample, exact, k) == sum(exact[u] >= kth for u in top) / k_eff


def test_a_unit_that_ties_with_the_kth_is_a_hit():
    assert precision_at_k([0, 0, 1], [5, 2, 2], k=2) == 1.0


def test_precision_is_one_where_k_covers_the_layer():
    assert precision_at_k([1, 2, 3], [3, 2, 1], k=9) == 1.0


def test_precision_says_what_k_may_be():
    with pytest.raises(ValueError, match="k must be at least 1"):
        precision_at_k([1, 2], [1, 2], k=0)


@pytest.mark.parametrize("metric", [cosine_distance, js_distance])
def test_metrics_refuse_vectors_of_different_length(metric):
    with pytest.raises(ValueError, match=r"same shape .* got \(2,\) and \(3,\)"):
        metric([1, 2], [1, 2, 3])


def test_chance_is_the_share_of_the_layer_that_k_covers():
    assert (chance_level(10, 84), chance_level(100, 84)) == (10 / 84, 1)


@pytest.mark.parametrize(
    ("metric", "empty"), [("precision", 0), ("cosine_distance", 1), ("js_distance", 1)]
)
def test_a_group_missing_from_the_sample_counts_worst(metric, empty):
    assert query_set_accuracy(metric, [0.5, None]) == (0.5 + empty) / 2


def test_the_score_of_no_groups_is_nan():
    assert math.isnan(query_set_accuracy("precision", []))


def test_query_set_accuracy_names_its_metrics():
    with pytest.raises(ValueError, match=r"metric must be one of 'precision', .* got 'recall'"):
        query_set_accuracy("recall", [])
