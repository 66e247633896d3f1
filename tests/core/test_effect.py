"""Two groups side by side, against scipy and the textbook's formulas."""

import numpy as np
import pytest
from scipy.stats import binom, false_discovery_control, norm, ttest_ind

from latentlens.core import compare_groups
from latentlens.core.effect import false_discovery_flags


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def halves(n, split):
    first = np.arange(n) < split
    return first, ~first


def test_the_effect_is_hedges_g_by_the_textbook(rng):
    x = rng.normal(size=(25, 3)) + np.arange(3)
    first, second = halves(25, 10)
    got = compare_groups(x, first, second)
    a, b = x[:10], x[10:]
    pooled = (9 * a.var(axis=0, ddof=1) + 14 * b.var(axis=0, ddof=1)) / 23
    g = (a.mean(axis=0) - b.mean(axis=0)) / np.sqrt(pooled) * (1 - 3 / (4 * 25 - 9))
    error = np.sqrt(1 / 10 + 1 / 15 + g**2 / (2 * 25))
    np.testing.assert_allclose(got.effect, g)
    np.testing.assert_allclose(got.low, g - norm.ppf(0.975) * error)
    np.testing.assert_allclose(got.high, g + norm.ppf(0.975) * error)
    assert got.n == (10, 15)
    assert got.effective_n == pytest.approx((10, 15))


def test_the_p_value_is_welchs_by_scipy(rng):
    x = rng.normal(size=(30, 4)) * [1, 2, 3, 4]
    first, second = halves(30, 8)
    got = compare_groups(x, first, second)
    want = ttest_ind(x[:8], x[8:], equal_var=False).pvalue
    np.testing.assert_allclose(got.p_value, want)


def test_swapping_the_groups_turns_the_sign(rng):
    x = rng.normal(size=(20, 2))
    first, second = halves(20, 7)
    one, other = compare_groups(x, first, second), compare_groups(x, second, first)
    np.testing.assert_allclose(one.effect, -other.effect)
    np.testing.assert_allclose(one.low, -other.high)


def test_flags_are_those_of_scipys_correction(rng):
    p = np.r_[rng.random(40), rng.random(10) * 1e-3]
    np.testing.assert_array_equal(
        false_discovery_flags(p, 0.05), false_discovery_control(p) <= 0.05
    )
    p[:3] = np.nan
    flag = false_discovery_flags(p, 0.05)
    assert not flag[:3].any()
    np.testing.assert_array_equal(flag[3:], false_discovery_control(p[3:]) <= 0.05)


def test_of_units_that_do_not_differ_few_are_flagged_and_most_intervals_hold_zero(rng):
    x = rng.normal(size=(100, 200))
    first, second = halves(100, 40)
    got = compare_groups(x, first, second)
    held = int(((got.low <= 0) & (got.high >= 0)).sum())
    assert held >= binom.ppf(1e-3, 200, 0.95)
    assert got.flag.sum() <= 2
    shifted = x + np.where(first[:, None], 2.0, 0.0)
    assert compare_groups(shifted, first, second).flag.all()


def test_weights_give_the_means_of_what_they_stand_for(rng):
    x = rng.normal(size=(6, 2))
    weight = np.array([1.0, 3, 2, 1, 1, 4])
    first, second = halves(6, 3)
    got = compare_groups(x, first, second, weight=weight)
    np.testing.assert_allclose(got.mean[0], np.average(x[:3], axis=0, weights=weight[:3]))
    np.testing.assert_allclose(got.mean[1], np.average(x[3:], axis=0, weights=weight[3:]))
    assert got.effective_n == pytest.approx((36 / 14, 36 / 18))


def test_the_scale_of_the_weights_does_not_matter(rng):
    x, weight = rng.normal(size=(12, 2)), rng.random(12) + 0.5
    first, second = halves(12, 6)
    one = compare_groups(x, first, second, weight=weight)
    other = compare_groups(x, first, second, weight=20 * weight)
    np.testing.assert_allclose(one.effect, other.effect)
    np.testing.assert_allclose(one.p_value, other.p_value)


def test_a_ranked_sample_has_an_effect_but_no_interval_and_no_flag(rng):
    x = rng.normal(size=(20, 2))
    first, second = halves(20, 10)
    got = compare_groups(x + 9 * first[:, None], first, second, why_not="No interval: ranked.")
    assert (got.effect > 2).all()
    assert np.isnan(got.low).all()
    assert not got.flag.any()
    assert got.note == "No interval: ranked."


@pytest.mark.parametrize("split", [0, 1])
def test_groups_of_fewer_than_two_have_no_effect_and_say_so(rng, split):
    x = rng.normal(size=(9, 2))
    first, second = halves(9, split)
    got = compare_groups(x, first, second)
    assert np.isnan(got.effect).all()
    assert not got.flag.any()
    assert (
        got.note == f"The groups have {split} and {9 - split} items here; two of each are needed."
    )


def test_units_that_do_not_vary_have_no_effect_or_an_undefined_one():
    x = np.zeros((8, 2))
    first, second = halves(8, 4)
    x[first, 1] = 1
    got = compare_groups(x, first, second)
    assert got.effect[0] == 0
    assert np.isnan(got.effect[1])
    assert np.isnan(got.p_value).all()


def test_groups_that_share_items_are_refused():
    with pytest.raises(ValueError, match=r"first and second must share no item, but 2 are in both"):
        compare_groups(np.zeros((5, 1)), np.arange(5) < 3, np.arange(5) > 0)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"first, second and weight \(n,\); got \(5, 1\), \(4,\)"):
        compare_groups(np.zeros((5, 1)), np.ones(4, bool), np.zeros(5, bool))
