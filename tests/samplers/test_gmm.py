import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.decomposition import PCA

from latentlens.samplers import GMMSampler, gmm
from latentlens.samplers.gmm import centre, leading_components, log_weighted_density

COVARIANCES = ["full", "spherical"]


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_densities_agree_with_scipy(covariance, blobs):
    latent, label, _ = blobs()
    fitted = GMMSampler(covariance=covariance).fit(latent, label)
    points, mixture = centre(latent.astype(float)), fitted.mixture_
    for k in range(3):
        shape = mixture.covariances_[k] * (1 if covariance == "full" else np.eye(5))
        expected = multivariate_normal(mixture.means_[k], shape).logpdf(points)
        found = log_weighted_density(mixture, points)[:, k]
        assert found == pytest.approx(expected + np.log(mixture.weights_[k]))


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_items_are_ranked_by_their_cluster_against_all_others(covariance, blobs):
    latent, label, _ = blobs()
    fitted = GMMSampler(covariance=covariance).fit(latent, label)
    weight = log_weighted_density(fitted.mixture_, centre(latent.astype(float)))
    for i, row in enumerate(weight):
        best = int(row.argmax())
        assert fitted.ranking_.group[i] == best
        expected = row[best] - logsumexp(np.delete(row, best))
        assert fitted.log_ratio_[i] == pytest.approx(expected)


def test_ratios_do_not_saturate_between_far_clusters():
    rng = np.random.default_rng(0)
    latent = np.concatenate([rng.normal(0, 1, (60, 3)), rng.normal(200, 1, (60, 3))])
    fitted = GMMSampler().fit(latent, np.arange(120) % 2)
    assert len(np.unique(fitted.log_ratio_)) == 120


def test_there_are_as_many_clusters_as_classes_in_label(blobs):
    latent, label, pred = blobs()
    assert len(GMMSampler().fit(latent, label, pred).ranking_.group_size) == 3
    assert len(GMMSampler(n_components=5).fit(latent, label).ranking_.group_size) == 5


def test_without_labels_the_predictions_tell_the_number_of_clusters(blobs):
    latent, label, pred = blobs()
    fitted = GMMSampler().fit(latent, np.full_like(label, -1), pred)
    assert len(fitted.ranking_.group_size) == 3


def test_without_labels_and_predictions_the_number_must_be_said(blobs):
    latent, label, _ = blobs()
    with pytest.raises(ValueError, match=r"no label is known, .* say n_components="):
        GMMSampler().fit(latent, np.full_like(label, -1))


def test_there_are_no_more_clusters_than_items(blobs):
    latent, label, _ = blobs(n=4)
    with pytest.raises(ValueError, match=r"between 2 and 4 \(there are 4 items\), got 5"):
        GMMSampler(n_components=5).fit(latent, label)


def test_an_empty_cluster_gets_no_share_of_the_sample():
    latent = np.repeat([[0.0, 0.0], [9.0, 9.0]], 10, axis=0)
    fitted = GMMSampler(n_components=4).fit(latent, np.arange(20) % 2)
    assert 0 in fitted.ranking_.group_size
    assert len(fitted.sample(0.5)) == 10


def test_an_unknown_covariance_is_refused_by_fit(blobs):
    with pytest.raises(ValueError, match="covariance must be one of 'full', 'spherical', got"):
        GMMSampler(covariance="tied").fit(*blobs())


def test_a_fit_that_does_not_converge_says_so_without_a_warning(blobs):
    fitted = GMMSampler(max_iter=1).fit(*blobs())
    assert "still moving after 1 steps" in fitted.notes_[0]


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_dead_and_repeated_units_are_no_obstacle(covariance, blobs):
    latent, label, _ = blobs()
    wide = np.concatenate([latent, np.zeros((120, 3)), latent], axis=1)
    fitted = GMMSampler(covariance=covariance, n_components=20).fit(wide, label)
    assert np.isfinite(fitted.log_ratio_).all()


def purity(group, label):
    """Share of the items that belong to the commonest class of their cluster."""
    return sum(np.bincount(label[group == g]).max() for g in np.unique(group)) / len(label)


def test_a_bad_start_of_k_means_does_not_decide_the_clusters(monkeypatch):
    rng = np.random.default_rng(1)
    label = np.arange(3200) % 16
    points = 4 * rng.normal(size=(16, 8))[label] + 0.5 * rng.normal(size=(3200, 8))

    def purities():
        samplers = [GMMSampler(covariance="spherical", random_state=seed) for seed in range(6)]
        return [purity(s.fit(points, label).ranking_.group, label) for s in samplers]

    assert min(purities()) == 1
    monkeypatch.setattr(gmm, "STARTS", 1)
    assert min(purities()) < 1


def test_leading_components_agree_with_scikit_learn(blobs):
    points = centre(blobs()[0].astype(float))
    pca = PCA(2).fit(points)
    projected, share = leading_components(points, 2)
    assert np.abs(projected) == pytest.approx(np.abs(pca.transform(points)))
    assert share == pytest.approx(pca.explained_variance_ratio_.sum())


def test_a_wide_latent_is_narrowed_for_full_covariances_and_says_so(blobs, monkeypatch):
    monkeypatch.setattr(gmm, "WIDEST_FULL", 3)
    full, spherical = (GMMSampler(covariance=c).fit(*blobs()) for c in COVARIANCES)
    assert full.mixture_.means_.shape == (3, 3)
    assert "first 3 principal components of the latent's 5 units" in full.notes_[0]
    assert spherical.mixture_.means_.shape == (3, 5)
    assert spherical.notes_ == []
