"""Nearest neighbours and what a map keeps of them, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from latentlens.core import neighbors
from latentlens.core.neighbors import (
    NOT_MEASURED,
    Overlap,
    measured_rows,
    nearest,
    neighbor_overlap,
)
from tests.made_up import blobs


def overlap_of(latent, xy, **options) -> Overlap:
    *_, last = neighbor_overlap(latent, xy, **options)
    return last


def by_scikit_learn(latent, xy, k):
    """Count shared neighbours item by item."""
    sets = [
        NearestNeighbors(n_neighbors=k, algorithm="brute")
        .fit(space.astype(np.float64))
        .kneighbors(return_distance=False)
        for space in (latent, xy)
    ]
    return [len(set(a) & set(b)) for a, b in zip(*sets, strict=True)]


@pytest.fixture
def spaces():
    rng = np.random.default_rng(3)
    latent = rng.normal(size=(230, 12)).astype(np.float32)
    return latent, (latent[:, :2] + rng.normal(size=(230, 2)) / 3).astype(np.float32)


def test_the_nearest_are_scikit_learns_at_their_distances(spaces):
    latent, _ = spaces
    there = NearestNeighbors(n_neighbors=7, algorithm="brute").fit(latent.astype(np.float64))
    far, near = there.kneighbors()
    for row in (0, 17, 229):
        rows, distance = nearest(latent, row, 7)
        assert rows.tolist() == near[row].tolist()
        np.testing.assert_allclose(distance, far[row], rtol=1e-6)


def test_an_item_is_not_its_own_neighbour_and_of_equals_the_first_come_first():
    latent = np.zeros((5, 3), np.float32)
    rows, distance = nearest(latent, 2, 10)
    assert rows.tolist() == [0, 1, 3, 4]
    assert distance.tolist() == [0.0] * 4


def test_blocks_change_nothing(spaces, monkeypatch):
    latent, xy = spaces
    whole, near = overlap_of(latent, xy), nearest(latent, 5, 9)
    monkeypatch.setattr(neighbors, "BLOCK_BYTES", 8 * 230 * 7)
    np.testing.assert_array_equal(overlap_of(latent, xy).kept, whole.kept)
    np.testing.assert_array_equal(nearest(latent, 5, 9)[0], near[0])


def test_the_overlap_is_scikit_learns_item_by_item(spaces):
    latent, xy = spaces
    found = overlap_of(latent, xy, k=15)
    assert found.kept.tolist() == by_scikit_learn(latent, xy, 15)
    assert found.mean == pytest.approx(np.mean(found.kept) / 15)
    assert (found.n_measured, found.error, found.random) == (230, 0.0, 15 / 229)


def test_a_map_that_is_the_latent_keeps_all_and_a_shuffled_one_what_chance_keeps():
    rng = np.random.default_rng(0)
    xy = rng.normal(size=(1500, 2)).astype(np.float32)
    assert overlap_of(xy, xy).mean == 1.0
    strewn = overlap_of(xy, rng.permutation(xy))
    assert strewn.mean == pytest.approx(strewn.random, abs=4 * 0.025 / np.sqrt(1500))


def test_maps_are_ordered_as_trustworthiness_orders_them():
    latent, _, _ = blobs(300, d=10, seed=4)
    rng = np.random.default_rng(0)
    maps = [latent[:, :2] + rng.normal(size=(300, 2)).astype(np.float32) * s for s in (0.1, 1, 9)]
    kept = [overlap_of(latent, xy).mean for xy in maps]
    theirs = [trustworthiness(latent, xy, n_neighbors=15) for xy in maps]
    assert kept == sorted(kept, reverse=True)
    assert theirs == sorted(theirs, reverse=True)


def test_items_that_are_the_same_in_both_spaces_are_all_near_one_another():
    latent = np.repeat(np.arange(3.0, dtype=np.float32), 40)[:, None]
    assert overlap_of(latent, np.hstack([latent, latent])).mean == 1.0


def test_beyond_the_limit_a_random_sample_is_measured_and_says_so(spaces, monkeypatch):
    monkeypatch.setattr(neighbors, "MOST", 100)
    latent, xy = spaces
    exact = overlap_of(latent, xy)
    some = overlap_of(latent, xy, exact_pairs=100)
    measured = some.kept != NOT_MEASURED
    assert some.n_measured == measured.sum() == 100
    np.testing.assert_array_equal(some.kept[measured], exact.kept[measured])
    assert some.error > 0
    assert some.mean == pytest.approx(exact.mean, abs=4 * some.error)


def test_how_many_are_measured_falls_with_the_number_of_items_to_a_floor():
    sizes = [len(measured_rows(n, seed=0)) for n in (10_000, 10_001, 200_000, 3_000_000)]
    assert sizes == [10_000, 2_000, 500, 200]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_items_have_as_many_neighbours_as_there_are(n):
    latent = np.arange(3 * n, dtype=np.float32).reshape(n, 3)
    found = overlap_of(latent, latent[:, :2])
    assert found.kept.tolist() == ([n - 1] * n if n > 1 else [NOT_MEASURED])
    assert found.mean == 1.0 if n > 1 else np.isnan(found.mean)
