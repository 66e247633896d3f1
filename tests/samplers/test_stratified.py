from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.samplers import StratifiedSampler
from latentlens.samplers.strata import stratify

RULES = ["proportional", "equal", "sqrt", "completion"]


def rare_errors(n=400, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    pred = np.where(np.arange(n) % 40 == 0, 1 - label, label)
    return rng.normal(size=(n, 3)), label, pred


@given(st.integers(0, 2**32 - 1), st.sampled_from(["confusion", "correctness"]))
def test_items_share_a_stratum_if_and_only_if_they_share_its_definition(seed, strata):
    rng = np.random.default_rng(seed)
    label, pred = rng.integers(-1, 3, 30), rng.integers(0, 3, 30)
    stratum, note = stratify(label.astype(np.int32), pred.astype(np.int32), strata)
    pairs = zip(label.tolist(), pred.tolist(), strict=True)
    if strata == "confusion":
        expected = list(pairs)
    else:
        expected = [(t, t != p) if t >= 0 else (t, p) for t, p in pairs]
    for i in range(30):
        for k in range(30):
            assert (stratum[i] == stratum[k]) == (expected[i] == expected[k])
    assert note == ""
    assert sorted(set(stratum)) == list(range(stratum.max() + 1))


def test_in_proportion_rare_errors_get_nothing():
    latent, label, pred = rare_errors()
    sample = StratifiedSampler().fit(latent, label, pred).sample(0.05)
    assert (label == pred)[sample.index].all()
    assert not sample.probability


@pytest.mark.parametrize("rule", ["equal", "completion"])
def test_other_rules_let_them_in_and_the_sample_is_one_by_chance(rule):
    latent, label, pred = rare_errors()
    sampler = StratifiedSampler(strata="correctness", allocation=rule)
    sample = sampler.fit(latent, label, pred).sample(0.05)
    assert (label != pred)[sample.index].sum() >= 8
    assert sample.probability
    assert sample.weight.sum() == pytest.approx(400)


def test_a_stratum_taken_whole_weighs_one():
    latent, label, pred = rare_errors()
    sampler = StratifiedSampler(strata="correctness", allocation="completion")
    sample = sampler.fit(latent, label, pred).sample(0.1)
    wrong = (label != pred)[sample.index]
    assert wrong.sum() == 10
    assert set(sample.weight[wrong]) == {1.0}


@pytest.mark.parametrize("rule", RULES)
def test_each_stratum_gives_the_head_of_one_permutation(rule):
    ranking = StratifiedSampler(allocation=rule).fit(*rare_errors()).ranking_
    for fraction in (0.02, 0.1, 0.5):
        taken = ranking.roles(fraction, 0.0) > 0
        for g, n in enumerate(ranking.shares(fraction)):
            assert sorted(ranking.rank[taken & (ranking.group == g)]) == list(range(n))


@pytest.mark.parametrize("rule", ["equal", "sqrt"])
def test_a_larger_sample_contains_a_smaller_one(rule):
    fitted = StratifiedSampler(allocation=rule).fit(*rare_errors())
    samples = [set(fitted.sample(f).index) for f in (0.02, 0.05, 0.1, 0.4, 1.0)]
    assert all(small < large for small, large in pairwise(samples))


def test_every_item_of_a_stratum_has_the_same_chance():
    label = np.repeat([0, 1], 5)
    drawn = [
        StratifiedSampler(allocation="equal", random_state=seed)
        .fit(np.zeros((10, 1)), label, label)
        .sample(0.4)
        .index
        for seed in range(300)
    ]
    # 2 of 5, 300 times: 120 expected, a standard deviation of 8.5.
    assert np.bincount(np.concatenate(drawn)) == pytest.approx(np.full(10, 120), abs=36)


@pytest.mark.parametrize(
    ("label", "pred", "words", "n_strata"),
    [
        ([0, 1, 0, -1], None, "the strata are the classes alone", 3),
        ([-1] * 4, [0, 1, 2, 2], "the strata are the predicted classes alone", 3),
        ([-1] * 4, None, "all items are one stratum", 1),
    ],
)
@pytest.mark.parametrize("strata", ["confusion", "correctness"])
def test_what_is_missing_is_said(label, pred, words, n_strata, strata):
    fitted = StratifiedSampler(strata=strata).fit(np.zeros((4, 1)), label, pred)
    assert words in fitted.ranking_.notes[0]
    assert len(fitted.ranking_.group_size) == n_strata


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"strata": "cell"}, "strata must be one of 'confusion', 'correctness', got 'cell'"),
        ({"allocation": "fixed"}, "allocation must be one of .*'completion', got 'fixed'"),
        ({"floor": 2}, "floor must be between 0 and 1, got 2"),
    ],
)
def test_arguments_are_checked(arguments, words):
    with pytest.raises(ValueError, match=words):
        StratifiedSampler(**arguments).fit(np.zeros((4, 1)), [0, 1, 0, 1])
