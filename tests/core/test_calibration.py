import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.core.calibration import FLOOR, Calibration, calibrate

SEEDS = st.integers(0, 2**32 - 1)


def make(seed, n, d):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, d))
    return points, points.mean(axis=0) + 0.05 * rng.normal(size=d)


@given(SEEDS, st.integers(2, 12), st.integers(1, 12))
def test_weights_agree_with_least_squares(seed, n, d):
    points, mean = make(seed, n, d)
    apart = points - points.mean(axis=0)
    ridge = np.square(apart).mean()
    # The change v from equal weights that makes n |v|^2 + |A'v - t|^2 / ridge least.
    system = np.concatenate([np.sqrt(n) * np.eye(n), apart.T / np.sqrt(ridge)])
    right = np.concatenate([np.zeros(n), (mean - points.mean(axis=0)) / np.sqrt(ridge)])
    expected = np.maximum(1 / n + np.linalg.lstsq(system, right, rcond=None)[0], FLOOR / n)
    assert calibrate(points, mean) == pytest.approx(expected / expected.sum())


@given(SEEDS, st.integers(1, 30), st.integers(1, 6))
def test_weights_are_positive_and_sum_to_one(seed, n, d):
    points, mean = make(seed, n, d)
    weight = calibrate(points, mean + 10)
    assert weight.sum() == pytest.approx(1)
    assert (weight > 0).all()


def test_the_weighted_mean_lies_closer_to_the_groups():
    rng = np.random.default_rng(0)
    points = rng.exponential(size=(500, 3))
    sample = points[:60]
    mean = points.mean(axis=0)
    before = np.linalg.norm(sample.mean(axis=0) - mean)
    assert np.linalg.norm(calibrate(sample, mean) @ sample - mean) < 0.6 * before


@pytest.mark.parametrize("value", [0.0, 3.7])
def test_equal_points_weigh_alike(value):
    assert calibrate(np.full((4, 3), value), np.ones(3)).tolist() == [0.25] * 4


def test_each_groups_weights_sum_to_its_size_and_a_whole_groups_are_one():
    rng = np.random.default_rng(1)
    group = np.repeat([0, 1, 2], [50, 4, 6]).astype(np.int32)
    weigh = Calibration(
        points=rng.normal(size=(60, 4)), group=group, group_size=np.array([50, 4, 6])
    )
    index = np.array([50, 3, 51, 7, 52, 1, 53, 20])
    weight = weigh(index)
    assert weight[group[index] == 1].tolist() == [1.0] * 4
    assert weight[group[index] == 0].sum() == pytest.approx(50)
    assert len(set(weight[group[index] == 0])) == 4
