import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentlens.samplers import LatentGridSampler
from latentlens.samplers.latent_grid import grid_cells


def test_cells_agree_with_scikit_learns_components_cut_at_the_middle():
    rng = np.random.default_rng(0)
    latent = rng.exponential(size=(200, 9)) * np.arange(1, 10)
    narrow = PCA(5, svd_solver="full").fit_transform(latent)
    above = narrow > (narrow.min(axis=0) + narrow.max(axis=0)) / 2
    cell = grid_cells(latent)
    for i in range(200):
        for k in range(i):
            assert (cell[i] == cell[k]) == (above[i] == above[k]).all()


def test_one_unit_makes_two_cells_by_hand():
    assert grid_cells(np.array([[0.0], [1.0], [4.0], [6.0], [10.0]])).tolist() == [0, 0, 0, 1, 1]


def test_equal_items_lie_in_one_cell():
    assert set(grid_cells(np.full((5, 3), 2.5))) == {0}


def test_every_cell_gives_as_many_and_small_ones_all_they_have():
    latent = np.concatenate([np.zeros(70), np.full(24, 10.0)])[:, None]
    fitted = LatentGridSampler().fit(latent, np.zeros(94, int))
    for n, shares in ((20, [10, 10]), (60, [36, 24]), (94, [70, 24])):
        sample = fitted.sample(n / 94)
        assert np.bincount(sample.group).tolist() == shares
        assert sample.weight.sum() == pytest.approx(94)


def test_a_sample_is_one_by_chance_with_weights():
    rng = np.random.default_rng(1)
    sample = LatentGridSampler().fit(rng.normal(size=(500, 6)), np.zeros(500, int)).sample(0.3)
    assert sample.probability
    assert abs(sample.weight.sum() - 500) < 1e-9
