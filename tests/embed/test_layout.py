from __future__ import annotations

import random
import threading

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from latentlens.embed import PROJECTIONS, Layout, layouts

# UMAP compiles for a quarter of a minute.
umap = pytest.param("umap", marks=pytest.mark.slow)
every_name = pytest.mark.parametrize("name", ["pca", "tsne", umap])


def clusters(n_items=90, width=6, seed=0):
    """Three far apart clouds, and which one each item is of."""
    rng = np.random.default_rng(seed)
    label = np.arange(n_items) % 3
    return (rng.standard_normal((n_items, width)) + 12 * np.eye(width)[label]), label


def knn_accuracy(xy, label):
    return cross_val_score(KNeighborsClassifier(10), xy, label, cv=3).mean()


def global_random_states():
    legacy = np.random.get_state()  # noqa: NPY002
    return random.getstate(), legacy[1].tolist(), legacy[2], torch.get_rng_state().tolist()


def test_pca_is_there_at_once():
    latent, _ = clusters()
    (frame,) = layouts("pca", latent)
    assert frame.done
    assert frame.progress == 1
    assert frame.xy.shape == (90, 2)
    assert frame.xy.dtype == np.float32
    expected = PCA(2).fit_transform(latent)
    np.testing.assert_allclose(np.abs(frame.xy), np.abs(expected), atol=1e-4)


def test_tsne_begins_with_the_pca_and_ends_done():
    latent, _ = clusters()
    frames = list(layouts("tsne", latent))
    (pca,) = layouts("pca", latent)
    np.testing.assert_array_equal(frames[0].xy, pca.xy)
    assert [frame.done for frame in frames] == [False] * (len(frames) - 1) + [True]
    progress = [frame.progress for frame in frames]
    assert progress == sorted(set(progress))
    assert (progress[0], progress[-1]) == (0, 1)


def test_neighbours_share_their_label_more_often_as_tsne_settles():
    bundle = load_digits()
    latent, label = bundle.data[:600], bundle.target[:600]
    first, *_, last = layouts("tsne", latent)
    # All that 64 dimensions know of the label should survive in the plane.
    known = knn_accuracy(latent, label)
    assert knn_accuracy(first.xy, label) < known - 0.2
    assert knn_accuracy(last.xy, label) > known - 0.02


@pytest.mark.parametrize("name", ["tsne", umap])
def test_one_seed_gives_one_layout_and_another_seed_another(name):
    latent, _ = clusters()
    *_, first = layouts(name, latent, random_state=3)
    *_, again = layouts(name, latent, random_state=3)
    *_, other = layouts(name, latent, random_state=4)
    np.testing.assert_array_equal(first.xy, again.xy)
    assert np.abs(first.xy - other.xy).max() > 1e-3


@pytest.mark.slow
def test_umap_keeps_clusters_apart_and_says_that_it_shows_no_steps():
    latent, label = clusters()
    first, last = layouts("umap", latent)
    assert "shows no steps" in first.text
    assert not first.done
    assert last.done
    assert knn_accuracy(last.xy, label) == 1


@pytest.fixture
def chunks(monkeypatch):
    """Note of every chunk of t-SNE by what method it moved and how many iterations it took."""
    from openTSNE import TSNEEmbedding

    noted = []
    optimize = TSNEEmbedding.optimize

    def noting(self, n_iter, **options):
        noted.append((self.gradient_descent_params["negative_gradient_method"], n_iter))
        return optimize(self, n_iter, **options)

    monkeypatch.setattr(TSNEEmbedding, "optimize", noting)
    return noted


def test_closing_stops_tsne_between_two_chunks(chunks):
    frames = layouts("tsne", clusters()[0])
    next(frames)
    next(frames)
    frames.close()
    assert chunks == [("bh", 25)]
    assert next(frames, None) is None


def test_many_items_move_by_the_grid_and_in_smaller_steps(chunks, monkeypatch):
    latent, _ = clusters()
    monkeypatch.setattr("latentlens.embed.tsne.BARNES_HUT", len(latent) - 1)
    frames = layouts("tsne", latent)
    next(frames)
    frame = next(frames)
    frames.close()
    assert chunks == [("fft", 10)]
    assert np.isfinite(frame.xy).all()


def test_closing_before_the_first_chunk_never_seeks_neighbours(monkeypatch):
    monkeypatch.setattr("latentlens.embed.tsne._start", lambda *_: pytest.fail("went on"))
    frames = layouts("tsne", clusters()[0])
    next(frames)
    frames.close()


@every_name
def test_global_random_states_stay_as_they_were(name):
    latent, _ = clusters(30)
    before = global_random_states()
    list(layouts(name, latent))
    assert global_random_states() == before


@every_name
def test_a_worker_thread_gives_the_same_layout(name):
    latent, _ = clusters(30)
    found: list[Layout] = []
    thread = threading.Thread(target=lambda: found.extend(layouts(name, latent)))
    thread.start()
    thread.join()
    *_, here = layouts(name, latent)
    np.testing.assert_array_equal(found[-1].xy, here.xy)


@every_name
@pytest.mark.parametrize(
    "latent",
    [
        np.empty((0, 3)),
        np.ones((1, 3)),
        np.arange(12.0).reshape(4, 3),
        np.zeros((20, 3)),
        np.arange(20.0)[:, None],
        np.repeat(np.eye(3), 10, axis=0),
        np.full((9, 2), np.nan),
        np.where(np.eye(12, 4) > 0, np.inf, np.arange(48.0).reshape(12, 4)),
    ],
    ids=["none", "one", "four", "constant", "line", "twins", "all-nan", "some-inf"],
)
def test_odd_latents_end_in_finite_positions(name, latent):
    *_, last = layouts(name, latent)
    assert last.done
    assert last.xy.shape == (len(latent), 2)
    assert np.isfinite(last.xy).all()


def test_a_line_of_items_may_leave_its_line():
    *_, last = layouts("tsne", np.arange(40.0)[:, None])
    assert np.linalg.matrix_rank(last.xy - last.xy.mean(axis=0), tol=1e-2) == 2


def test_the_text_counts_values_that_are_not_finite():
    latent, _ = clusters(12)
    latent[2, 1], latent[5, 0] = np.nan, -np.inf
    (frame,) = layouts("pca", latent)
    assert frame.text == "PCA; 2 latent values are NaN or infinite, taken as zero"
    latent[2, 1] = latent[5, 0] = 0
    (clean,) = layouts("pca", latent)
    np.testing.assert_array_equal(frame.xy, clean.xy)


def test_the_text_says_when_few_items_lower_the_perplexity():
    latent, _ = clusters(13)
    assert "perplexity 4, all that 13 items allow" in next(layouts("tsne", latent)).text
    assert "perplexity" not in next(layouts("tsne", clusters(100)[0])).text


def test_the_text_says_in_what_space_neighbours_are_sought():
    rng = np.random.default_rng(0)
    first = next(layouts("tsne", rng.standard_normal((20, 70))))
    assert "in the first 50 principal components" in first.text


@pytest.mark.parametrize("name", ["tsne", "umap"])
def test_too_few_items_are_shown_as_pca_with_the_reason(name):
    (frame,) = layouts(name, np.eye(4))
    assert frame.text.endswith("needs at least 5 items and there are 4; this is the PCA")


def test_a_transformer_is_fitted_after_a_first_look():
    latent, _ = clusters()
    first, last = layouts(PCA(2, random_state=0), latent)
    assert first.text == "PCA: running"
    assert not first.done
    np.testing.assert_allclose(last.xy, PCA(2, random_state=0).fit_transform(latent), atol=1e-5)


def test_given_positions_are_taken_as_they_are():
    xy = np.random.default_rng(0).standard_normal((7, 2))
    (frame,) = layouts(xy, np.zeros((7, 3)))
    np.testing.assert_array_equal(frame.xy, xy.astype(np.float32))


def test_the_names_are_those_tested_here():
    assert PROJECTIONS == ("pca", "tsne", "umap")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'pca', 'tsne', 'umap', an object .*; got 'trimap'"):
        layouts("trimap", np.zeros((3, 2)))


def test_a_wrong_kind_of_projection_is_named():
    with pytest.raises(TypeError, match=r"projection must be one of .*; got dict"):
        layouts({}, np.zeros((3, 2)))


def test_positions_for_other_items_are_refused():
    with pytest.raises(ValueError, match=r"projection must give shape \(3, 2\), .*, got \(4, 2\)"):
        layouts(np.zeros((4, 2)), np.zeros((3, 2)))


def test_a_transformer_into_three_dimensions_is_refused():
    with pytest.raises(ValueError, match=r"PCA.fit_transform must give shape \(90, 2\)"):
        list(layouts(PCA(3), clusters()[0]))


def test_positions_that_are_not_finite_are_counted():
    xy = np.zeros((4, 2))
    xy[1] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite positions for 1 of 4 items"):
        layouts(xy, np.zeros((4, 3)))


def test_a_latent_that_is_no_matrix_is_refused():
    with pytest.raises(ValueError, match=r"latent must have shape \(n_items, d\), got \(5,\)"):
        layouts("pca", np.zeros(5))
