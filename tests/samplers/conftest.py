import numpy as np
import pytest


@pytest.fixture(scope="session")
def blobs():
    """Make a latent of overlapping classes, with labels and a few wrong predictions."""

    def make(n=120, d=5, n_classes=3, seed=0):
        rng = np.random.default_rng(seed)
        label = rng.permutation(np.arange(n) % n_classes)
        latent = 2 * rng.normal(size=(n_classes, d))[label] + rng.normal(size=(n, d))
        pred = np.where(rng.random(n) < 0.1, rng.integers(0, n_classes, n), label)
        return latent.astype(np.float32), label.astype(np.int32), pred.astype(np.int32)

    return make
