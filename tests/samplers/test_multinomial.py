import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from latentlens.samplers import MaxMarginSampler, multinomial
from latentlens.samplers.base import rank_within, standardise
from latentlens.samplers.multinomial import fit_multinomial


def logits(points, label):
    """Give scikit-learn's, of every class."""
    score = LogisticRegression(max_iter=1000).fit(points, label).decision_function(points)
    return score if score.ndim > 1 else np.stack([np.zeros(len(score)), score], axis=1)


@pytest.fixture(params=[2**18, 400], ids=["one block", "many blocks"])
def _cut(request, monkeypatch):
    monkeypatch.setattr(multinomial, "BLOCK_VALUES", request.param)


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("n_classes", [2, 3, 30])
def test_the_fit_is_scikit_learns(n_classes, blobs):
    latent, label, _ = blobs(n=240, n_classes=n_classes)
    points = standardise(latent.astype(np.float64))
    fitted = fit_multinomial(points, label, n_classes, 1000)
    np.testing.assert_allclose(fitted.scores(points), logits(points, label), atol=1e-8)


def test_the_fit_does_not_depend_on_how_many_cores_there_are(blobs, monkeypatch):
    latent, label, _ = blobs(n=240, n_classes=30)
    monkeypatch.setattr(multinomial, "BLOCK_VALUES", 400)
    found = []
    for n_cores in (1, 3):
        monkeypatch.setattr(os, "cpu_count", lambda n=n_cores: n)
        found.append(fit_multinomial(latent.astype(np.float64), label, 30, 1000).coefficient)
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize(("n_cores", "most"), [(None, 2), (3, 6), (64, 16)])
def test_no_more_blocks_are_held_than_two_for_each_worker(n_cores, most, blobs, monkeypatch):
    held = [0]

    class Counting(ThreadPoolExecutor):
        def submit(self, work, *arguments):
            future = super().submit(work, *arguments)
            held.append(held[-1] + 1)
            give = future.result

            def result(*timeout):
                held.append(held[-1] - 1)
                return give(*timeout)

            future.result = result
            return future

    monkeypatch.setattr(os, "cpu_count", lambda: n_cores)
    monkeypatch.setattr(multinomial, "ThreadPoolExecutor", Counting)
    monkeypatch.setattr(multinomial, "BLOCK_VALUES", 400)
    latent, label, _ = blobs(n=240, n_classes=30)
    fit_multinomial(latent.astype(np.float64), label, 30, 2)
    assert (max(held), held[-1]) == (most, 0)


def test_it_stops_at_the_steps_it_may_take(blobs):
    latent, label, _ = blobs()
    assert fit_multinomial(latent.astype(np.float64), label, 3, 2).steps == 2


def test_digits_are_ranked_as_scikit_learns_probabilities_rank_them():
    latent, label = load_digits(return_X_y=True)
    score = logits(standardise(latent), label)
    own = score[np.arange(len(label)), label]
    others = score.copy()
    others[np.arange(len(label)), label] = -np.inf
    ratio = own - np.logaddexp.reduce(others, axis=1)
    sampler = MaxMarginSampler(method="multinomial").fit(latent, label, label)
    assert sampler.ranking_.rank.tolist() == rank_within(label, ratio).tolist()
