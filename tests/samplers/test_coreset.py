import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.samplers import CoresetSampler, StratifiedSampler, coreset
from latentlens.samplers.coreset import (
    extreme_places,
    find_extremes,
    order_stratum,
    reach,
    similarities,
)
from latentlens.samplers.loops import herd

SEEDS = st.integers(0, 2**32 - 1)


def herd_anew(kernel, mean, extremes, places):
    """Work every sum out anew for every place."""
    order, queue = [], list(extremes)
    for place, is_extreme in enumerate(places):
        queue = [i for i in queue if i not in order]
        if is_extreme and queue:
            order.append(queue[0])
            continue
        left = [i for i in range(len(mean)) if i not in order]
        lacking = [mean[i] - kernel[i, order].sum(dtype=float) / (place + 1) for i in left]
        order.append(left[int(np.argmax(lacking))])
    return order


@given(SEEDS)
def test_herding_agrees_with_working_everything_out_anew(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(25, 3))
    kernel = np.exp(-np.square(points[:, None] - points).sum(axis=2)).astype(np.float32)
    mean = kernel.mean(axis=1, dtype=np.float64)
    extremes = rng.permutation(25)[:6]
    places = rng.random(20) < rng.random()
    found = herd(kernel, mean, extremes, places)
    assert found.tolist() == herd_anew(kernel, mean, extremes, places)


def test_extremes_take_every_second_place_behind_the_second_and_then_four_of_ten():
    places = np.flatnonzero(extreme_places(41))
    assert places.tolist() == [*range(2, 21, 2), 23, 25, 28, 30, 33, 35, 38, 40]


@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_places_of_fewer_items_are_the_first_of_more(n):
    assert extreme_places(n).tolist() == extreme_places(60)[:n].tolist()


@given(SEEDS, st.integers(1, 30))
def test_similarity_falls_with_distance_and_where_the_largest_unit_is_another(seed, n):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, 3)).astype(np.float32)
    unit = rng.integers(0, 3, n)
    found = similarities(points, unit, np.arange(n), np.arange(n))
    apart = np.sqrt(np.square(points[:, None] - points).sum(axis=2, dtype=float))
    among = apart[np.triu_indices(n, 1)]
    # The square of a median of two is not the median of the squares.
    median = np.sqrt(np.median(np.square(among))) if n > 1 else 1
    expected = np.exp(-apart / median) * np.where(unit[:, None] == unit, 1, 0.7)
    assert found == pytest.approx(expected, abs=2e-3)


def test_items_that_are_all_equal_are_all_alike():
    alike = similarities(np.ones((4, 2), np.float32), np.zeros(4, int), np.arange(4), np.arange(4))
    assert alike.tolist() == np.ones((4, 4)).tolist()


@given(SEEDS, st.integers(2, 12), st.integers(1, 12))
def test_reach_is_mahalanobis_distance_about_zero(seed, n, d):
    points = np.random.default_rng(seed).normal(size=(n, d))
    spread = np.atleast_2d(np.cov(points.T, bias=True))
    spread = spread + np.diag(spread).mean() * np.eye(d)
    expected = [x @ np.linalg.inv(spread) @ x for x in points]
    assert reach(points) == pytest.approx(expected, rel=1e-6)


def test_extremes_by_hand():
    latent = np.array([[0, 0], [5, 0], [0, 9], [1, 1], [1, 2]], np.float32)
    strong = np.array([[0.0], [-0.1], [0.2], [3.0], [1.0]])
    # By units: 2, then 1. By reach of one unit: 3, 4, 2, 1, 0.
    assert find_extremes(latent, strong).tolist() == [2, 3, 1, 4, 0]


def test_rare_errors_are_taken_whole(blobs):
    latent, label, pred = blobs(n=600)
    wrong = label != pred
    sample = CoresetSampler().fit(latent, label, pred).sample(0.2)
    assert wrong[sample.index].sum() == wrong.sum()
    assert set(sample.weight[wrong[sample.index]]) == {1.0}


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.3])
def test_its_weighted_means_are_closer_than_those_of_random_items(fraction, blobs):
    latent, label, pred = blobs(n=1200, d=8)

    def error(sampler):
        ranking = sampler.fit(latent, label, pred).ranking_
        sample, total = ranking.sample(fraction, 0.0), 0.0
        for g in np.unique(sample.group):
            mine = sample.group == g
            mean = np.average(latent[sample.index[mine]], axis=0, weights=sample.weight[mine])
            total += np.linalg.norm(mean - latent[ranking.group == g].mean(axis=0))
        return total

    random = [
        error(StratifiedSampler(strata="correctness", allocation="completion", random_state=s))
        for s in range(5)
    ]
    assert error(CoresetSampler()) < 0.6 * np.mean(random)


def test_extremes_come_from_the_pre_activation_latent(blobs):
    latent, label, pred = blobs()
    pre = latent.copy()
    rows = np.flatnonzero((label == 0) & (pred == 0))
    pre[rows[7]] = -100
    plain, told = (
        CoresetSampler().fit(latent, label, pred, given).ranking_ for given in (None, pre)
    )
    # The second extreme, in the fifth place.
    assert told.rank[rows[7]] == 4
    assert plain.rank[rows[7]] > 4


def test_a_pre_activation_latent_of_other_items_is_refused(blobs):
    latent, label, pred = blobs()
    with pytest.raises(ValueError, match="pre_latent must have one row per item, 120, got 119"):
        CoresetSampler().fit(latent, label, pred, latent[1:])
    with pytest.raises(ValueError, match="pre_latent has NaN or infinite values in 1"):
        CoresetSampler().fit(latent, label, pred, np.where(np.arange(120)[:, None], latent, np.nan))


def test_a_stratum_larger_than_the_pool_has_all_its_items_and_its_extremes_early(monkeypatch):
    monkeypatch.setattr(coreset, "HEAD", 20)
    monkeypatch.setattr(coreset, "POOL", 60)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(300, 4)).astype(np.float32)
    order = order_stratum(
        points, points.astype(float), points.argmax(axis=1), np.random.RandomState(0)
    )
    assert sorted(order) == list(range(300))
    assert points.max() == points[order[:3]].max()
    extremes = find_extremes(points, points.astype(float))[:8]
    assert set(extremes) <= set(order[:20].tolist())


def test_the_head_of_a_large_stratum_has_its_mean(monkeypatch):
    monkeypatch.setattr(coreset, "HEAD", 50)
    monkeypatch.setattr(coreset, "POOL", 200)
    rng = np.random.default_rng(1)
    points = rng.normal(size=(2000, 2)).astype(np.float32)
    order = order_stratum(
        points, points.astype(float), points.argmax(axis=1), np.random.RandomState(0)
    )
    random = [np.linalg.norm(points[rng.permutation(2000)[:50]].mean(axis=0)) for _ in range(200)]
    assert np.linalg.norm(points[order[:50]].mean(axis=0)) < np.median(random)


def test_strata_of_one_item_are_no_obstacle():
    latent = np.arange(12.0).reshape(6, 2)
    sample = CoresetSampler().fit(latent, [0, 0, 0, 0, 1, 2], [0, 0, 0, 1, 1, 0]).sample(0.5)
    assert len(sample) == 3
    assert np.isfinite(sample.weight).all()


def test_it_is_no_probability_sample(blobs):
    assert not CoresetSampler().fit(*blobs()).sample(0.2).probability
