"""Means from a probability sample: against formulas by hand, and against what they promise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from scipy.stats import t as student

from latentlens.core import (
    Design,
    Ranking,
    effective_size,
    index_activations,
    latent_scores,
    mean_estimate,
    value_bounds,
)
from latentlens.core.betting import betting_interval, draw_anew, lower_limit
from latentlens.core.linear import greg, hajek, leverage, weighted_ridge
from latentlens.core.worth import describe_estimate


def draw(group, rng, *, fraction, allocation="proportional", floor=0, probability=True):
    """Rank items at random within their groups, and cut a sample."""
    rank = np.zeros(len(group), np.int64)
    for g in np.unique(group):
        at = np.flatnonzero(group == g)
        rank[at] = rng.permutation(len(at))
    ranking = Ranking(
        sampler="made_up",
        group=group.astype(np.int32),
        log_ratio=rng.normal(size=len(group)),
        rank=rank,
        group_size=np.bincount(group).astype(np.int64),
        uses_j=False,
        probability=probability,
        allocation=allocation,
        floor=floor,
    )
    return Design.of(ranking.sample(fraction, 0.0), ranking)


def population(n=1200, units=30, seed=0):
    """Give a latent and activations that follow from it, from dense to sparse."""
    rng = np.random.default_rng(seed)
    latent = np.maximum(rng.normal(size=(n, 12)), 0).astype(np.float32)
    signal = latent @ rng.normal(size=(12, units)) + rng.normal(size=(n, units))
    return latent, np.maximum(signal - np.linspace(-2, 5, units), 0).astype(np.float32)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# -- the formulas ----------------------------------------------------------------


def test_the_effective_number_is_that_of_kish():
    assert effective_size(np.array([1.0, 1.0, 4.0])) == 36 / 18
    assert effective_size(np.zeros(0)) == 0


def test_a_simple_random_samples_mean_has_the_textbook_variance(rng):
    y = rng.normal(size=(40, 3))
    design = draw(np.zeros(40, int), rng, fraction=0.25)
    parts = hajek(y[design.rows], design, np.ones(10, bool))
    s = y[design.rows].var(axis=0, ddof=1)
    np.testing.assert_allclose(parts.mean, y[design.rows].mean(axis=0))
    np.testing.assert_allclose(parts.variance(), (1 - 10 / 40) * s / 10)


def test_the_variance_of_a_group_is_the_linearised_formula_term_by_term(rng):
    group = np.repeat([0, 1, 2], [30, 20, 6])
    y = rng.normal(size=(56, 4))
    member = rng.random(56) < 0.6
    design = draw(group, rng, fraction=0.4, allocation="equal")
    inside = member[design.rows]
    total = sum(w for w, chosen in zip(design.weight, inside, strict=True) if chosen)
    mean = sum(w * y[i] for w, i in zip(design.weight, design.rows, strict=True) if member[i])
    mean = mean / total
    variance = np.zeros(4)
    for h in range(3):
        here = design.stratum == h
        n_h, size_h = here.sum(), (group == h).sum()
        e = np.array([(y[i] - mean) * member[i] for i in design.rows[here]])
        w_h = size_h / n_h
        variance += (1 - n_h / size_h) * n_h * e.var(axis=0, ddof=1) * w_h**2 / total**2
    parts = hajek(y[design.rows], design, inside)
    np.testing.assert_allclose(parts.mean, mean)
    np.testing.assert_allclose(parts.variance(), variance)


def test_the_variance_along_a_direction_is_that_of_the_projected_values(rng):
    y = rng.normal(size=(50, 5))
    direction = rng.normal(size=(5, 1))
    design = draw(np.zeros(50, int), rng, fraction=0.3)
    inside = np.arange(15) < 9
    along = hajek(y[design.rows], design, inside).variance(direction)
    np.testing.assert_allclose(along, hajek(y[design.rows] @ direction, design, inside).variance())


def test_a_stratum_of_one_sampled_item_errs_on_the_high_side(rng):
    design = draw(np.repeat([0, 1], [10, 10]), rng, fraction=0.1)
    assert design.drawn.tolist() == [1, 1]
    y = rng.normal(size=(2, 1))
    e = y - y.mean()
    want = sum((1 - 0.1) * (10 * each) ** 2 for each in e) / 20**2
    np.testing.assert_allclose(hajek(y, design, np.ones(2, bool)).variance(), want)


def test_a_stratum_taken_whole_adds_no_variance(rng):
    group = np.repeat([0, 1], [100, 5])
    y = np.zeros((105, 1))
    y[100:] = rng.normal(size=(5, 1)) * 1000
    design = draw(group, rng, fraction=0.2, allocation="equal")
    assert design.taken_whole.tolist() == [False, True]
    y[:100] = 7.0
    only_whole = mean_estimate(y[design.rows], design, member=group == 1)
    assert only_whole.method_names[0] == "all_items"
    assert only_whole.low == only_whole.high == y[100:].mean()
    parts = hajek(y[design.rows], design, design.stratum == 1)
    np.testing.assert_array_equal(parts.variance(), 0)


def test_ridge_regression_is_the_penalised_normal_equation(rng):
    scores, values, weight = rng.normal(size=(30, 3)), rng.normal(size=(30, 2)), rng.random(30) + 1
    got = weighted_ridge(scores, values, weight)
    # As least squares on data with three more rows, one per penalised coefficient.
    root = np.sqrt(weight / weight.mean())[:, None]
    rows = np.vstack([root * np.c_[np.ones(30), scores], np.c_[np.zeros(3), np.eye(3)]])
    want = np.linalg.lstsq(rows, np.vstack([root * values, np.zeros((3, 2))]))[0]
    np.testing.assert_allclose(got, want, atol=1e-10)


def test_the_regression_estimate_is_prediction_powered_inference_at_lambda_one(rng):
    latent, y = population()
    scores, member = latent_scores(latent), latent[:, 0] > 0.5
    design = draw(np.zeros(len(y), int), rng, fraction=0.2)
    values = y[design.rows].astype(float)
    parts = greg(values, design, member, scores)
    predict = np.c_[np.ones(len(y)), scores] @ weighted_ridge(
        scores[design.rows], values, design.weight
    )
    inside = design.rows[member[design.rows]]
    want = predict[member].mean(axis=0) + (y[inside] - predict[inside]).mean(axis=0)
    np.testing.assert_allclose(parts.mean, want)


def test_a_residual_is_that_of_a_fit_without_the_item(rng):
    scores, values, weight = rng.normal(size=(25, 3)), rng.normal(size=(25, 2)), rng.random(25) + 1
    pull = leverage(scores, weight)
    known = np.c_[np.ones(25), scores]
    rest = values - known @ weighted_ridge(scores, values, weight)
    for i in range(25):
        others = np.arange(25) != i
        # The weights keep their scale, which the fit without the item would take anew.
        root = np.sqrt(weight / weight.mean())[others, None]
        rows = np.vstack([root * known[others], np.c_[np.zeros(3), np.eye(3)]])
        fit = np.linalg.lstsq(rows, np.vstack([root * values[others], np.zeros((3, 2))]))[0]
        np.testing.assert_allclose(values[i] - known[i] @ fit, rest[i] / (1 - pull[i]))


def test_regression_on_what_explains_everything_leaves_no_variance(rng):
    latent, _ = population()
    scores = latent_scores(latent)
    y = 100 + 1e-3 * scores @ rng.normal(size=(scores.shape[1], 4))
    member = latent[:, 1] > 0.5
    design = draw(np.zeros(len(y), int), rng, fraction=0.5)
    by_greg = greg(y[design.rows], design, member, scores)
    by_hajek = hajek(y[design.rows], design, member[design.rows])
    assert (by_greg.variance() < 1e-3 * by_hajek.variance()).all()
    np.testing.assert_allclose(by_greg.mean, y[member].mean(axis=0), rtol=1e-6)


def test_scores_are_standardised_principal_components():
    latent, _ = population()
    scores = latent_scores(latent, 5)
    np.testing.assert_allclose(scores.T @ scores / len(scores), np.eye(5), atol=1e-4)
    centred = latent - latent.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:5]
    own = np.abs(np.corrcoef((centred @ axes.T).T, scores.T)[:5, 5:])
    np.testing.assert_allclose(np.diag(own[:, ::-1]), 1, atol=1e-4)


def test_a_latent_without_variance_has_no_scores():
    assert latent_scores(np.ones((9, 4), np.float32)).shape == (9, 0)


def test_a_wide_latent_is_scored_from_some_of_its_items():
    rng = np.random.default_rng(3)
    hidden = rng.normal(size=(60, 2)) * [9, 5]
    wide = (hidden @ rng.normal(size=(2, 1500))).astype(np.float32)
    scores = latent_scores(wide, 2)
    explained = np.linalg.lstsq(scores, hidden - hidden.mean(axis=0))[1]
    assert (explained < 1e-3 * (hidden**2).sum(axis=0)).all()


# -- the rule --------------------------------------------------------------------


def test_a_t_interval_is_the_estimate_and_students_quantile(rng):
    _, y = population()
    member = np.arange(len(y)) % 2 == 0
    design = draw(np.zeros(len(y), int), rng, fraction=0.2)
    got = mean_estimate(y[design.rows], design, member=member, confidence=0.9)
    parts = hajek(y[design.rows].astype(float), design, member[design.rows])
    half = student.ppf(0.95, got.n_used - 1) * np.sqrt(parts.variance())
    np.testing.assert_allclose(got.high, parts.mean + half)
    np.testing.assert_allclose(got.low, parts.mean - half)
    assert set(got.method_names) == {"hajek_t"}
    assert set(got.trust) == {"approximate"}


def test_few_items_or_few_that_differ_are_given_a_guaranteed_interval(rng):
    latent, y = population()
    y[:, -1] = 0
    y[::40, -1] = 3
    design = draw(np.zeros(len(y), int), rng, fraction=0.25)
    bounds, scores = (y.min(axis=0), y.max(axis=0)), latent_scores(latent)
    large = np.ones(len(y), bool)
    small = np.arange(len(y)) < 120
    many = mean_estimate(y[design.rows], design, member=large, bounds=bounds, scores=scores)
    few = mean_estimate(y[design.rows], design, member=small, bounds=bounds, scores=scores)
    assert set(few.method_names) == {"betting"}
    assert set(few.trust) == {"guaranteed"}
    different = (y[design.rows] > 0).sum(axis=0)
    assert ((many.method_names == "betting") == (different < 20)).all()
    assert {"betting", "greg_t"} == set(many.method_names)
    for each in (many, few):
        assert (each.low <= each.mean).all()
        assert (each.mean <= each.high).all()


def test_items_of_strata_taken_whole_do_not_count_for_the_rule(rng):
    group = np.repeat([0, 1], [1000, 40])
    y = rng.random((1040, 2))
    design = draw(group, rng, fraction=0.08, allocation="equal")
    bounds = (np.zeros(2), np.ones(2))
    got = mean_estimate(y[design.rows], design, member=np.ones(1040, bool), bounds=bounds)
    assert design.drawn.tolist() == [43, 40]
    assert got.n_used == 83
    assert set(got.method_names) == {"betting"}


def test_without_bounds_few_items_get_a_t_interval_and_a_warning(rng):
    _, y = population()
    design = draw(np.zeros(len(y), int), rng, fraction=0.02)
    got = mean_estimate(y[design.rows], design, member=np.ones(len(y), bool))
    assert set(got.trust) == {"approximate"}
    assert "may be too narrow" in got.note


def test_all_items_give_the_mean_itself_with_no_width(rng):
    latent, y = population()
    member = latent[:, 0] > 1
    group = (latent[:, 1] > 1).astype(int)
    design = draw(group, rng, fraction=1.0)
    bounds = (y.min(axis=0), y.max(axis=0))
    got = mean_estimate(
        y[design.rows], design, member=member, bounds=bounds, scores=latent_scores(latent)
    )
    np.testing.assert_allclose(got.mean, y[member].mean(axis=0, dtype=float), atol=1e-12)
    np.testing.assert_array_equal(got.low, got.high)
    assert set(got.method_names) == {"all_items"}


def test_a_group_that_was_drawn_whole_by_luck_is_known_though_weights_differ(rng):
    group = np.repeat([0, 1], [50, 10])
    y = rng.normal(size=(60, 2))
    design = draw(group, rng, fraction=0.5, allocation="equal")
    assert len(set(design.weight)) == 2
    member = np.zeros(60, bool)
    member[design.rows[[0, 1, -1]]] = True
    got = mean_estimate(y[design.rows], design, member=member, bounds=(y.min(0), y.max(0)))
    np.testing.assert_allclose(got.mean, y[member].mean(axis=0))
    np.testing.assert_array_equal(got.low, got.high)


def test_an_absent_group_has_no_estimate_and_says_so(rng):
    y = rng.random((100, 3))
    design = draw(np.zeros(100, int), rng, fraction=0.1)
    member = np.ones(100, bool)
    member[design.rows] = False
    got = mean_estimate(y[design.rows], design, member=member, bounds=(0 * y[0], 1 + 0 * y[0]))
    assert np.isnan(got.mean).all()
    assert np.isnan(got.low).all()
    assert got.note == "None of the 90 items of the group is in the sample."
    nobody = mean_estimate(y[design.rows], design, member=np.zeros(100, bool))
    assert nobody.note == "The group has no items."


def test_a_ranked_sample_has_a_mean_but_no_interval_and_says_why(rng):
    y = rng.random((100, 3))
    design = draw(np.zeros(100, int), rng, fraction=0.6, probability=False)
    got = mean_estimate(y[design.rows], design, member=np.ones(100, bool))
    np.testing.assert_allclose(got.mean, y[design.rows].mean(axis=0))
    assert np.isnan(got.low).all()
    assert set(got.trust) == {"none"}
    assert "ranked, not drawn by chance" in got.note


def test_strata_that_gave_nothing_forbid_an_interval(rng):
    group = np.repeat([0, 1], [500, 2])
    y = rng.random((502, 1))
    design = draw(group, rng, fraction=0.1)
    got = mean_estimate(y[design.rows], design, member=np.ones(502, bool))
    assert "1 of the strata gave no item" in got.note
    assert "stratified_completion" in got.note


def test_membership_known_on_the_sample_alone_gives_an_estimated_size(rng):
    y = rng.random((400, 2))
    design = draw(np.zeros(400, int), rng, fraction=0.5)
    got = mean_estimate(y[design.rows], design, inside=np.arange(200) < 100)
    assert (got.n_used, got.n_group) == (100, 200)
    assert set(got.method_names) == {"hajek_t"}


def test_arguments_that_do_not_fit_are_refused_in_words(rng):
    y = rng.random((100, 2))
    design = draw(np.zeros(100, int), rng, fraction=0.1)
    everyone = np.ones(100, bool)
    with pytest.raises(ValueError, match=r"values must have shape \(10, units\).*got \(100, 2\)"):
        mean_estimate(y, design, member=everyone)
    with pytest.raises(ValueError, match=r"either member, .* or inside"):
        mean_estimate(y[:10], design)
    with pytest.raises(ValueError, match=r"member must have shape \(100,\).*got \(7,\)"):
        mean_estimate(y[:10], design, member=everyone[:7])
    other = Ranking(
        sampler="x", group=np.zeros(3, np.int32), log_ratio=np.zeros(3), rank=np.arange(3),
        group_size=np.array([3]),
    )  # fmt: skip
    longer = Ranking(
        sampler="x", group=np.zeros(4, np.int32), log_ratio=np.zeros(4), rank=np.arange(4),
        group_size=np.array([4]),
    )  # fmt: skip
    with pytest.raises(ValueError, match="drawn from 3 items, but ranking has 4"):
        Design.of(other.sample(1.0, 1.0), longer)


# -- the bounds from the index -----------------------------------------------------


@given(st.integers(0, 1000), st.integers(1, 8))
def test_bounds_from_the_index_hold_every_value_of_the_group(seed, keep):
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(20, 8)).astype(np.float32)
    nothing = np.full(20, -1, np.int32)
    layer = index_activations("a", raw, nothing, nothing, n_classes=1, keep=keep)
    member = rng.random(20) < 0.3
    low, high = value_bounds(layer, member)
    assert (raw[member] >= low).all()
    assert (raw[member] <= high).all()
    if keep == 8 and member.any():
        np.testing.assert_array_equal(high, raw[member].max(axis=0))


# -- the betting interval ----------------------------------------------------------


def plain_lower_limit(x, n_group, alpha):
    """Search a fine grid, with the capital written as in the article."""
    kept = []
    for mean in np.linspace(0, 1, 2001):
        capital, mu, squares, seen = 1.0, 0.5, 0.25, 0.0
        variance = 0.25
        for t, value in enumerate(x):
            left = (n_group * mean - seen) / (n_group - t)
            if left < 0:
                capital = np.inf
                break
            bet = np.sqrt(2 * np.log(2 / alpha) / (len(x) * variance))
            bet = min(bet, 0.5 / left) if left > 0 else bet
            capital *= 1 + bet * (value - left)
            seen += value
            mu = (0.5 + seen) / (t + 2)
            squares += (value - mu) ** 2
            variance = squares / (t + 2)
        if n_group * mean < seen:
            capital = np.inf
        if capital < 2 / alpha:
            kept.append(mean)
    return min(kept)


@pytest.mark.parametrize("m", [1, 7, 80])
def test_the_lower_limit_is_the_articles_by_plain_search(m, rng):
    x = rng.random((m, 3)) ** 2
    got = lower_limit(x, 90, 0.05)
    want = [plain_lower_limit(column, 90, 0.05) for column in x.T]
    np.testing.assert_allclose(got, want, atol=1 / 2000)


def test_the_interval_mirrors_when_the_values_do(rng):
    x, stratum = rng.random((30, 4)), np.zeros(30, np.int64)
    low, high = betting_interval(x, stratum, np.array([200]))
    mirrored = betting_interval(1 - x, stratum, np.array([200]))
    np.testing.assert_allclose(mirrored[0], 1 - high)
    np.testing.assert_allclose(mirrored[1], 1 - low)


def test_items_seen_bound_the_mean_even_when_all_but_one_are(rng):
    x = rng.random((99, 2))
    low, high = betting_interval(x, np.zeros(99, np.int64), np.array([100]))
    assert (low >= x.sum(axis=0) / 100 - 1e-9).all()
    assert (high <= (x.sum(axis=0) + 1) / 100 + 1e-9).all()


def test_constant_values_at_a_bound_are_no_trouble():
    for value in (0.0, 1.0):
        x = np.full((400, 1), value)
        low, high = betting_interval(x, np.zeros(400, np.int64), np.array([8000]))
        assert low <= value <= high
        assert high - low < 0.05


def test_drawing_anew_is_a_simple_random_sample_of_all_items():
    stratum = np.repeat([0, 1], [30, 30])
    sizes = np.array([100, 300])
    rng = np.random.default_rng(0)
    draws = [draw_anew(stratum, sizes, rng) for _ in range(200)]
    taken = [d[d >= 0] for d in draws]
    assert all(len(np.unique(t)) == len(t) for t in taken)
    # The share of stratum 1 among all draws is hypergeometric about 3/4; empty draws are its own.
    share = np.mean([np.mean((d < 0) | (d >= 30)) for d in draws])
    spread = np.sqrt(0.75 * 0.25 / sum(len(d) for d in draws))
    assert abs(share - 0.75) < 4 * spread


def test_strata_with_nothing_left_count_as_their_bound():
    x, stratum = np.full((40, 1), 0.5), np.zeros(40, np.int64)
    reached = betting_interval(x, stratum, np.array([400, 0]))
    partly = betting_interval(x, stratum, np.array([400, 100]))
    assert partly[0] < reached[0]
    assert partly[1] > reached[1]


# -- coverage ----------------------------------------------------------------------


def covered(group, y, member, *, fraction, draws, allocation="proportional", **options):
    """Count over draws how often each unit's interval holds the true mean."""
    truth = y[member].mean(axis=0, dtype=float)
    held = np.zeros(y.shape[1])
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        design = draw(group, rng, fraction=fraction, allocation=allocation)
        got = mean_estimate(y[design.rows], design, member=member, **options)
        held += (got.low - 1e-9 <= truth) & (truth <= got.high + 1e-9)
    return held


@pytest.mark.parametrize("allocation", ["proportional", "equal"])
def test_guaranteed_intervals_cover_every_unit_as_promised(allocation):
    latent, y = population()
    member = latent[:, 0] > 0.3
    group = (latent[:, 1] > 1).astype(int) + (latent[:, 2] > 1.5)
    draws = 60
    held = covered(
        group, y, member, fraction=0.05, draws=draws, allocation=allocation,
        bounds=(y.min(axis=0), y.max(axis=0)),
    )  # fmt: skip
    # A unit that is covered with 95 % stays below this once in 1,000; of 30 units, never twice.
    least = binom.ppf(1e-3, draws, 0.95)
    assert (held < least).sum() <= 1


def test_regression_intervals_cover_dense_units_nearly_as_promised():
    latent, y = population()
    member = latent[:, 0] > 0
    dense = (y[member] > 0).mean(axis=0) >= 0.3
    draws = 60
    held = covered(
        np.zeros(len(y), int), y[:, dense], member, fraction=0.2, draws=draws,
        scores=latent_scores(latent),
    )  # fmt: skip
    n = draws * int(dense.sum())
    # The mark is 90 %; units share their draws, so no more than the draws count as independent.
    assert held.sum() / n >= 0.90 - 2 * np.sqrt(0.9 * 0.1 / draws)


def test_a_naive_interval_from_a_ranked_sample_would_not_cover():
    """The reason why a ranked sample carries none: the same formula fails on it."""
    latent, y = population()
    group = np.zeros(len(y), int)
    rank = np.argsort(np.argsort(-latent[:, 0], kind="stable")).astype(np.int64)
    ranking = Ranking(
        sampler="x", group=group.astype(np.int32), log_ratio=np.zeros(len(y)), rank=rank,
        group_size=np.array([len(y)]), uses_j=False, probability=True,
    )  # fmt: skip
    design = Design.of(ranking.sample(0.2, 0.0), ranking)
    got = mean_estimate(y[design.rows], design, member=np.ones(len(y), bool))
    truth = y.mean(axis=0)
    assert np.mean((got.low <= truth) & (truth <= got.high)) < 0.5


# -- the whole group in the sample --------------------------------------------------


@pytest.mark.parametrize("why_not", ["", "No interval: the sample was ranked."])
def test_a_group_that_is_all_in_the_sample_has_its_plain_mean_whatever_the_weights(rng, why_not):
    group = np.repeat([0, 1], [30, 6])
    design = draw(group, rng, fraction=0.4, allocation="equal")
    design = replace(design, why_not=why_not)
    values = rng.normal(size=(36, 4))
    member = np.zeros(36, bool)
    member[np.concatenate([design.rows[:4], design.rows[-3:]])] = True
    inside = member[design.rows]
    assert len(np.unique(design.weight[inside])) > 1
    found = mean_estimate(values[design.rows], design, member=member)
    np.testing.assert_allclose(found.mean, values[member].mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(found.low, found.high)
    assert found.complete
    assert (found.effective_n, found.n_used, found.n_group) == (7.0, 7, 7)
    assert describe_estimate(found, "sample", 2)["read_out"] == "exact, 7 of 7 items"


def test_a_group_known_on_the_sample_alone_is_not_exact_because_its_rounded_size_says_so(rng):
    design = draw(np.zeros(40, int), rng, fraction=0.95)
    inside = np.arange(38) < 7
    found = mean_estimate(rng.normal(size=(38, 3)), design, inside=inside)
    assert found.n_used == found.n_group == 7
    assert not found.complete
    assert describe_estimate(found, "estimate", 2)["read_out"].startswith("estimate, 7 of 7")


def test_a_group_known_on_a_sample_of_all_items_is_exact(rng):
    design = draw(np.zeros(40, int), rng, fraction=1.0)
    found = mean_estimate(rng.normal(size=(40, 3)), design, inside=np.arange(40) < 7)
    assert found.complete
    assert describe_estimate(found, "estimate", 2)["read_out"] == "exact, 7 of 7 items"
