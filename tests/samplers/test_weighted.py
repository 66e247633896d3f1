from itertools import pairwise

import numpy as np
import pytest

from latentlens.samplers import GMMSampler, MaxMarginSampler
from latentlens.samplers.base import RATIO_CAP, drawing_key

every_weighted = pytest.mark.parametrize(
    "sampler", [MaxMarginSampler(weighted=True), GMMSampler(weighted=True)], ids=str
)


def shares_of_first(log_ratio, draws=4000):
    rng = np.random.RandomState(0)
    first = [drawing_key(np.array(log_ratio), rng).argmin() for _ in range(draws)]
    return np.bincount(first, minlength=len(log_ratio)) / draws


def test_the_first_item_is_drawn_in_proportion_to_the_reciprocal_of_its_ratio():
    ratio = np.array([1.0, 2.0, 4.0])
    expected = (1 / ratio) / (1 / ratio).sum()
    # Of 4,000 draws a share has a standard deviation below .008.
    assert shares_of_first(np.log(ratio)) == pytest.approx(expected, abs=0.032)


def test_ratios_beyond_the_cap_count_as_the_cap():
    far = np.log(RATIO_CAP)
    shares = shares_of_first([50.0, far, -50.0, -far])
    assert shares == pytest.approx([0, 0, 0.5, 0.5], abs=0.032)


def test_without_replacement_the_chances_follow_those_who_are_left():
    ratio, rng = np.array([1.0, 2.0, 4.0]), np.random.RandomState(1)
    orders = [drawing_key(np.log(ratio), rng).argsort() for _ in range(4000)]
    second = [order[1] for order in orders if order[0] == 0]
    # Once the first is gone, 1/2 and 1/4 share the chance.
    assert np.mean(np.array(second) == 1) == pytest.approx(2 / 3, abs=0.045)


@every_weighted
def test_samples_are_nested_within_groups(sampler, blobs):
    ranking = sampler.fit(*blobs()).ranking_
    for g in range(len(ranking.group_size)):
        taken = [
            {i for i in ranking.sample(f, 0.0).index if ranking.group[i] == g}
            for f in (0.1, 0.2, 0.4)
        ]
        assert all(small <= large for small, large in pairwise(taken))


@every_weighted
def test_another_seed_gives_another_sample_of_the_same_ratios(sampler, blobs):
    first = sampler.set_params(random_state=0).fit(*blobs())
    sample, ratio = first.sample(0.2), first.log_ratio_
    again = sampler.set_params(random_state=1).fit(*blobs())
    assert set(again.sample(0.2).index) != set(sample.index)
    assert np.corrcoef(again.log_ratio_, ratio)[0, 1] > 0.5


def test_items_near_the_boundary_are_preferred(blobs):
    fitted = MaxMarginSampler(weighted=True).fit(*blobs(n=600))
    taken = np.zeros(600, bool)
    taken[fitted.sample(0.1).index] = True
    ratio = fitted.log_ratio_
    assert np.median(ratio[taken]) < np.median(ratio[~taken])


@every_weighted
def test_it_is_no_probability_sample(sampler, blobs):
    sample = sampler.fit(*blobs()).sample(0.2)
    assert not sample.probability
    assert set(sample.weight) == {1.0}
