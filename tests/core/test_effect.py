"""Two groups side by side, against scipy and the textbook's formulas."""

import numpy as np
import pytest
from scipy.stats import binom, ttest_ind
from scipy.stats import t as student

from latentlens.core import compare_groups
from latentlens.core.effect import difference, holm
from latentlens.core.moments import Moments


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def halves(n, split):
    first = np.arange(n) < split
    return first, ~first


def rectified(rng, n, shift, units):
    """Draw units that are silent much of the time."""
    return np.maximum(rng.normal(size=(n, units)) + shift, 0)


def test_the_effect_is_hedges_g_by_the_textbook(rng):
    x = rng.normal(size=(25, 3)) + np.arange(3)
    got = compare_groups(x, *halves(25, 10))
    a, b = x[:10], x[10:]
    pooled = (9 * a.var(axis=0, ddof=1) + 14 * b.var(axis=0, ddof=1)) / 23
    g = (a.mean(axis=0) - b.mean(axis=0)) / np.sqrt(pooled) * (1 - 3 / (4 * 25 - 9))
    np.testing.assert_allclose(got.effect, g)
    assert got.n == (10, 15)
    assert got.effective_n == pytest.approx((10, 15))


def test_the_interval_is_never_narrower_than_the_textbooks(rng):
    x = rng.normal(size=(600, 5)) + np.where(np.arange(600) < 200, 1, 0)[:, None]
    got = compare_groups(x, *halves(600, 200), simultaneous=False)
    error = np.sqrt(1 / 200 + 1 / 400 + got.effect**2 / 1200)
    half = (got.high - got.low) / 2
    assert (half >= 1.96 * error * 0.999).all()
    # Of normal values with one spread the two standard errors agree.
    np.testing.assert_allclose(half, 1.97 * error, rtol=0.12)


def test_of_rectified_units_the_interval_is_as_wide_as_resampling_says(rng):
    a, b = rectified(rng, 150, 2.0, 1), rectified(rng, 700, 0.0, 1)
    x = np.concatenate([a, b])
    got = compare_groups(x, *halves(850, 150), simultaneous=False)
    shaken = [
        compare_groups(
            np.concatenate([a[rng.integers(0, 150, 150)], b[rng.integers(0, 700, 700)]]),
            *halves(850, 150),
        ).effect[0]
        for _ in range(1500)
    ]
    half = (got.high - got.low)[0] / 2
    assert half == pytest.approx(1.97 * np.std(shaken), rel=0.08)
    plain = np.sqrt(1 / 150 + 1 / 700 + got.effect[0] ** 2 / 1700)
    assert half > 1.4 * 1.96 * plain


def test_simultaneous_intervals_are_wider_by_bonferroni_and_hold_together(rng):
    units, runs, held = 40, 60, 0
    # The effect that the groups' sources have, by numbers far beyond the groups'.
    far_a, far_b = rectified(rng, 10**6, 1.0, 1), rectified(rng, 10**6, 0.0, 1)
    pooled = (59 * far_a.var() + 249 * far_b.var()) / 308
    true = (far_a.mean() - far_b.mean()) / np.sqrt(pooled)
    for _ in range(runs):
        x = np.concatenate([rectified(rng, 60, 1.0, units), rectified(rng, 250, 0.0, units)])
        got = compare_groups(x, *halves(310, 60))
        held += bool(((got.low <= true) & (true <= got.high)).all())
    assert held >= binom.ppf(0.01, runs, 0.93)
    alone = compare_groups(x, *halves(310, 60), simultaneous=False)
    ratio = (got.high - got.low) / (alone.high - alone.low)
    assert ratio.min() > student.ppf(1 - 0.025 / units, 308) / 1.97 * 0.99


def test_the_p_value_is_the_larger_of_students_and_welchs_by_scipy(rng):
    x = rng.normal(size=(30, 4)) * [1, 2, 3, 4]
    x[:8] *= 3
    got = compare_groups(x, *halves(30, 8))
    both = [ttest_ind(x[:8], x[8:], equal_var=equal).pvalue for equal in (True, False)]
    np.testing.assert_allclose(got.p_value, np.maximum(*both))
    np.testing.assert_allclose(got.p_corrected, holm(np.maximum(*both)))


def test_a_unit_that_happens_to_be_silent_in_a_small_group_is_no_finding(rng):
    x = np.zeros((320, 1))
    x[20:50, 0] = rng.random(30)
    assert ttest_ind(x[:20], x[20:], equal_var=False).pvalue < 1e-5
    got = compare_groups(x, *halves(320, 20))
    assert not got.flag.any()
    assert got.low < 0 < got.high


def test_moments_gathered_in_pieces_are_those_of_the_whole(rng):
    x, weight = rng.normal(3, 2, size=(50, 4)), rng.random(50) + 0.5
    whole, pieces = Moments.of(x, weight), Moments.none(np.full(4, 2.5))
    for at in np.array_split(np.arange(50), 7):
        pieces = pieces.plus(x[at], weight[at])
    np.testing.assert_allclose(pieces.mean, np.average(x, axis=0, weights=weight))
    for power in (2, 3, 4):
        about = x - np.average(x, axis=0, weights=weight)
        want = np.average(about**power, axis=0, weights=weight)
        np.testing.assert_allclose(whole.central(power), want, rtol=1e-10)
        np.testing.assert_allclose(pieces.central(power), want, rtol=1e-10)
    assert pieces.n == 50
    one, other = (Moments.of(rng.normal(size=(9, 4))) for _ in range(2))
    np.testing.assert_allclose(difference(one, other).mean[0], one.mean)


def test_a_constant_unit_has_no_spread_wherever_it_lies():
    x = np.full((30, 1), np.float32(0.1) * 1e4)
    away = Moments.none(np.array([37.7])).plus(x)
    assert away.variance == 0
    assert Moments.of(x).variance == 0


def test_swapping_the_groups_turns_the_sign(rng):
    x = rng.normal(size=(20, 2))
    first, second = halves(20, 7)
    one, other = compare_groups(x, first, second), compare_groups(x, second, first)
    np.testing.assert_allclose(one.effect, -other.effect)
    np.testing.assert_allclose(one.low, -other.high)


def test_holms_correction_is_that_worked_by_hand():
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.005])
    # Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, never below the one before.
    np.testing.assert_allclose(holm(p), [0.03, np.nan, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]


def test_holm_flags_what_stepping_down_flags(rng):
    p = np.r_[rng.random(40), rng.random(10) * 1e-3]
    flag = np.zeros(50, bool)
    for step, at in enumerate(np.argsort(p)):
        if p[at] > 0.05 / (50 - step):
            break
        flag[at] = True
    np.testing.assert_array_equal(holm(p) <= 0.05, flag)


def test_of_units_that_do_not_differ_few_are_flagged_and_most_intervals_hold_zero(rng):
    x = rng.normal(size=(100, 200))
    first, second = halves(100, 40)
    got = compare_groups(x, first, second, simultaneous=False)
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
