from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.samplers import RandomSampler, VASSampler, vas
from latentlens.samplers.loops import (
    interchange,
    kernel_sum,
    least_redundant_first,
    responsibilities,
)
from latentlens.samplers.vas import median_neighbour_distance

SEEDS = st.integers(0, 2**32 - 1)
NONE = np.zeros(0, np.int64)


def gauss(a, b, scale):
    return np.exp(-scale * np.square(a[:, None].astype(float) - b[None]).sum(axis=2))


def draw(seed, n=30, d=3):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def by_hand(points, fixed, block, candidates, scale):
    """Work every responsibility out anew for every candidate."""
    kernel = gauss(points, points, scale)
    block = list(block)
    for item in candidates:
        if item in block:
            continue
        expanded = [*block, item]
        total = [sum(kernel[i, k] for k in [*fixed, *expanded] if k != i) for i in expanded]
        worst = int(np.argmax(total))
        if worst < len(block):
            block[worst] = item
    return block


@given(SEEDS)
def test_interchange_agrees_with_working_everything_out_anew(seed):
    points = draw(seed)
    order = np.random.default_rng(seed + 1).permutation(30)
    fixed, free = order[:4], order[4:]
    found = interchange(points, fixed, free[:5], free, 0.7)
    assert found.tolist() == by_hand(points, fixed, free[:5], free, 0.7)


@given(SEEDS)
def test_interchange_never_raises_the_sum_of_kernels(seed):
    points, free = draw(seed), np.arange(30)
    after = interchange(points, NONE, free[:6], free, 0.5)
    before, now = (responsibilities(points, NONE, b, 0.5).sum() for b in (free[:6], after))
    assert now <= before + 1e-9
    assert len(set(after.tolist())) == 6


@given(SEEDS)
def test_responsibilities_and_sums_agree_with_the_kernel_matrix(seed):
    points = draw(seed)
    fixed, block = np.arange(5), np.arange(5, 12)
    kernel = gauss(points, points, 0.3)
    within = kernel[np.ix_(block, block)].sum(axis=1) - 1 + kernel[np.ix_(block, fixed)].sum(axis=1)
    assert responsibilities(points, fixed, block, 0.3) == pytest.approx(within, rel=1e-4)
    expected = kernel[np.ix_(block, fixed)].sum(axis=1)
    assert kernel_sum(points, block, fixed, 0.3) == pytest.approx(expected, rel=1e-4)


@given(SEEDS)
def test_what_is_shrunk_first_stands_last(seed):
    points, block = draw(seed), np.arange(8)
    kernel, left, removed = gauss(points, points, 0.5), list(range(8)), []
    while left:
        worst = max(left, key=lambda i: kernel[i, left].sum() + kernel[i, 20])
        left.remove(worst)
        removed.append(worst)
    found = least_redundant_first(points, np.array([20]), block, 0.5)
    assert found.tolist() == removed[::-1]


def test_the_bandwidth_is_the_median_distance_to_a_neighbour_elsewhere():
    points = np.array([[0.0], [0.0], [1.0], [3.0], [7.0]], np.float32)
    # Nearest elsewhere: 1, 1, 1, 2, 4.
    found = median_neighbour_distance(points, np.random.RandomState(0))
    assert found == pytest.approx(1.0)
    assert median_neighbour_distance(np.ones((4, 2), np.float32), np.random.RandomState(0)) == 1.0


def test_of_two_crowds_and_a_loner_a_small_sample_has_all_three():
    rng = np.random.default_rng(0)
    crowds = [rng.normal(c, 0.1, (size, 2)) for c, size in ((0, 200), (5, 40))]
    latent = np.concatenate([*crowds, [[20.0, 20.0]]])
    index = VASSampler().fit(latent, np.zeros(241, int)).sample(32 / 241).index
    assert 240 in index
    # A sixth of the crowd's items would be 27 and 5.
    assert (index < 200).sum() < 24


def test_a_sample_is_more_spread_out_than_a_random_one(blobs):
    latent, label, _ = blobs(n=800)
    fitted = VASSampler().fit(latent, label)
    random = RandomSampler().fit(latent, label)
    points, scale = latent.astype(float), 0.1
    for fraction in (0.05, 0.2, 0.5):
        chosen, drawn = (points[s.sample(fraction).index] for s in (fitted, random))
        assert gauss(chosen, chosen, scale).sum() < gauss(drawn, drawn, scale).sum()


def test_samples_are_nested(blobs):
    fitted = VASSampler().fit(*blobs(n=300))
    samples = [set(fitted.sample(f).index) for f in (0.03, 0.1, 0.11, 0.5, 1.0)]
    assert all(small < large for small, large in pairwise(samples))


def test_items_beyond_the_limit_follow_the_least_like_first(blobs, monkeypatch):
    monkeypatch.setattr(vas, "LARGEST", 64)
    latent, label, _ = blobs(n=300)
    fitted = VASSampler().fit(latent, label)
    order = fitted.order_
    points = vas.centre(latent.astype(float))
    like = gauss(points[order[64:]], points[order[:64]], 1 / (2 * fitted.bandwidth_**2)).sum(axis=1)
    assert (np.diff(like) > -1e-4).all()
    assert sorted(order) == list(range(300))
