from itertools import pairwise

import numpy as np
import pytest

from latentlens.samplers import RandomSampler


def test_samples_are_nested(blobs):
    fitted = RandomSampler().fit(*blobs())
    samples = [set(fitted.sample(f).index) for f in (0.05, 0.1, 0.4, 1.0)]
    assert all(small < large for small, large in pairwise(samples))


def test_it_is_a_probability_sample_with_weights(blobs):
    sample = RandomSampler().fit(*blobs()).sample(0.25)
    assert sample.probability
    assert sample.weight.tolist() == [4.0] * 30
    assert sample.weight.sum() == sample.n_items


def test_another_seed_gives_another_sample(blobs):
    first, second = (
        set(RandomSampler(random_state=s).fit(*blobs()).sample(0.3).index) for s in (0, 1)
    )
    assert first != second


def test_every_item_has_the_same_chance():
    latent, label = np.zeros((10, 1)), np.zeros(10, int)
    drawn = [RandomSampler(random_state=s).fit(latent, label).sample(0.3).index for s in range(400)]
    # 400 draws of 3 in 10: 120 expected per item, a standard deviation of 9.2.
    assert np.bincount(np.concatenate(drawn)) == pytest.approx(np.full(10, 120), abs=40)


def test_j_is_refused(blobs):
    fitted = RandomSampler().fit(*blobs())
    with pytest.raises(TypeError, match=r"RandomSampler takes no j, got 0.5: .* Leave it out"):
        fitted.sample(0.1, j=0.5)


def test_one_item_and_one_class_are_enough():
    assert RandomSampler().fit([[1.0]], [0]).sample(0.05).index.tolist() == [0]


def test_unknown_labels_are_no_obstacle(blobs):
    assert len(RandomSampler().fit(blobs()[0], np.full(120, -1)).sample(0.5)) == 60
