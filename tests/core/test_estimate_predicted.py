"""What a sample predicts of its own answers, and the line that says so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.core import (
    certified_top_k,
    cosine_distance,
    mean_estimate,
    precision_at_k,
    predicted_cosine_distance,
    predicted_overlap,
    read_out,
    share_above_maximum,
)
from latentlens.core.linear import hajek
from latentlens.core.predicted import bootstrap_deviations
from tests.core.test_estimate import draw, population


def parts_of(y, member, seed, fraction=0.1):
    rng = np.random.default_rng(seed)
    design = draw(np.zeros(len(y), int), rng, fraction=fraction)
    return hajek(y[design.rows].astype(float), design, member[design.rows])


def test_the_predicted_cosine_distance_is_the_true_one_on_average():
    latent, y = population()
    member = latent[:, 0] > 0.3
    truth = y[member].mean(axis=0, dtype=float)
    draws = [parts_of(y, member, seed) for seed in range(150)]
    true = np.array([cosine_distance(parts.mean, truth) for parts in draws])
    predicted = np.array([predicted_cosine_distance(parts) for parts in draws])
    # The means of 150 draws agree up to three of their standard errors.
    error = np.sqrt((true.var() + predicted.var()) / len(draws))
    assert abs(true.mean() - predicted.mean()) < 3 * error
    assert error < 0.1 * true.mean()


def test_the_closed_form_is_the_formula_with_the_full_covariance():
    _, y = population(units=6)
    parts = parts_of(y, np.ones(len(y), bool), 0)
    n, size = len(parts.weight), len(y)
    covariance = (1 - n / size) * np.cov(parts.residual.T) / n
    u = parts.mean / np.linalg.norm(parts.mean)
    trace = np.trace(covariance)
    want = (trace - u @ covariance @ u) / (2 * (parts.mean @ parts.mean - trace))
    np.testing.assert_allclose(predicted_cosine_distance(parts), want)


def test_a_mean_that_drowns_in_its_error_is_predicted_at_distance_one():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(200, 50))
    assert predicted_cosine_distance(parts_of(y, np.ones(200, bool), 1, fraction=0.03)) == 1


def test_all_items_are_predicted_to_be_exact():
    _, y = population()
    parts = parts_of(y, np.ones(len(y), bool), 0, fraction=1.0)
    assert predicted_cosine_distance(parts) == 0
    assert predicted_overlap(parts, 5) == 1


def test_resamples_deviate_with_the_estimates_own_variance():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], [60, 30, 4])
    y = rng.normal(size=(94, 3))
    design = draw(group, rng, fraction=0.4, allocation="equal")
    parts = hajek(y[design.rows], design, rng.random(len(design)) < 0.7)
    deviation = bootstrap_deviations(parts, 20_000, rng)
    # A variance from 20,000 resamples is within 3 % but for one in a thousand.
    np.testing.assert_allclose(deviation.var(axis=0), parts.variance(), rtol=0.035)


def test_the_predicted_overlap_is_near_the_true_precision():
    latent, y = population(n=2000, units=60, seed=4)
    member = latent[:, 0] > 0.2
    truth = y[member].mean(axis=0, dtype=float)
    draws = [parts_of(y, member, seed, fraction=0.05) for seed in range(60)]
    true = np.mean([precision_at_k(parts.mean, truth, k=8) for parts in draws])
    predicted = np.mean([predicted_overlap(parts, 8) for parts in draws])
    assert true < 0.97
    # The reference found a mean absolute error of .05 per case.
    assert abs(predicted - true) < 0.05


def test_no_overlap_is_predicted_where_k_covers_the_layer():
    _, y = population(units=6)
    assert predicted_overlap(parts_of(y, np.ones(len(y), bool), 0), 6) is None


# -- maxima ------------------------------------------------------------------------


def test_at_most_three_over_m_of_a_group_exceeds_the_maximum():
    design = draw(np.zeros(10_000, int), np.random.default_rng(0), fraction=0.05)
    member = np.arange(10_000) < 4000
    m = int(member[design.rows].sum())
    share = share_above_maximum(design, member)
    assert 0.9 * 3 / m < share <= 3 / m


def test_the_share_above_a_maximum_holds_as_often_as_promised():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1], [300, 100])
    y, held, draws = rng.random(400) + group, 0, 400
    member = rng.random(400) < 0.8
    for seed in range(draws):
        design = draw(group, np.random.default_rng(seed), fraction=0.1, allocation="equal")
        largest = y[design.rows[member[design.rows]]].max()
        held += np.mean(y[member] > largest) <= share_above_maximum(design, member)
    # 95 % less three standard errors of a share of 400 draws.
    assert held / draws >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / draws)


def test_nothing_can_exceed_the_maximum_of_all_items():
    design = draw(np.zeros(50, int), np.random.default_rng(0), fraction=1.0)
    assert share_above_maximum(design, np.ones(50, bool)) == 0


def test_a_stratum_not_seen_may_exceed_it_whole():
    design = draw(np.repeat([0, 1], [100, 50]), np.random.default_rng(0), fraction=0.5)
    unseen = np.ones(150, bool)
    unseen[design.rows[design.stratum == 1]] = False
    inside = int((unseen & (np.arange(150) >= 100)).sum())
    assert share_above_maximum(design, unseen) >= inside / unseen.sum()


# -- the top units -----------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 7))
def test_certain_units_are_in_every_ranking_the_intervals_allow(seed, k):
    rng = np.random.default_rng(seed)
    middle, half = rng.normal(size=8), rng.random(8)
    low, high = middle - half, middle + half
    certain, possible = certified_top_k(low, high, k)
    assert (certain <= possible).all()
    for _ in range(20):
        truth = rng.uniform(low, high)
        top = np.argsort(-truth)[:k]
        assert set(np.flatnonzero(certain)) <= set(top) <= set(np.flatnonzero(possible))


def test_units_without_an_interval_may_always_be_among_the_top():
    certain, possible = certified_top_k(
        np.array([5.0, np.nan, 0.0]), np.array([6.0, np.nan, 1.0]), 1
    )
    assert certain.tolist() == [False, False, False]
    assert possible.tolist() == [True, True, False]


def test_certified_units_of_a_sample_are_truly_at_the_top():
    _, y = population(units=20)
    member = np.ones(len(y), bool)
    truth = np.argsort(-y.mean(axis=0))[:5]
    design = draw(np.zeros(len(y), int), np.random.default_rng(0), fraction=0.5)
    got = mean_estimate(y[design.rows], design, member=member, confidence=1 - 0.05 / 20)
    certain, possible = certified_top_k(got.low, got.high, 5)
    assert certain.any()
    assert set(np.flatnonzero(certain)) <= set(truth) <= set(np.flatnonzero(possible))


def test_a_k_that_covers_the_layer_certifies_nothing():
    with pytest.raises(ValueError, match="k must be below the number of units, 2, got 2"):
        certified_top_k(np.zeros(2), np.ones(2), 2)


# -- the line ----------------------------------------------------------------------


def test_the_line_names_all_that_is_known():
    said = read_out(
        "estimate", n_used=120, n_group=1000, effective_n=60.2, trust="approximate",
        half_width=0.0213, cosine_distance=0.0067, overlap=0.87, k=10, above=0.025,
    )  # fmt: skip
    assert said == (
        "estimate, 120 of 1,000 items (worth 60 equally weighted ones); approximate 95% interval, "
        "typically ±0.0213; predicted cosine distance 0.0067; predicted precision at 10 0.87; "
        "maxima are lower bounds: with 95% confidence at most 2.5% of the group exceeds one"
    )


def test_the_line_of_an_exact_number_is_short():
    said = read_out("exact from the index", n_used=9, n_group=9, effective_n=9.0)
    assert said == "exact from the index, 9 of 9 items"


def test_the_line_of_an_empty_sample_gives_no_number():
    said = read_out("estimate", n_used=0, n_group=8, cosine_distance=0.5)
    assert said == "empty in sample: none of the 8 items of the group was taken"


def test_the_line_ends_with_the_reason():
    said = read_out("sample", n_used=3, n_group=8, note="No interval: ranked.")
    assert said == "sample, 3 of 8 items. No interval: ranked."
