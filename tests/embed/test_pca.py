from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.embed.pca import DENSE, principal_components


def by_svd(latent, n_components=2):
    """The same by another road: singular vectors of the centred matrix."""
    centred = latent.astype(np.float64) - latent.astype(np.float64).mean(axis=0)
    _, _, rows = np.linalg.svd(centred, full_matrices=False)
    axes = rows[:n_components].T
    lead = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    return centred @ (axes * np.sign(lead))


def stretched(n_items, width, seed=0):
    """Normal data whose axes have clearly different spreads."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.standard_normal((width, width)))
    return (rng.standard_normal((n_items, width)) * 0.6 ** np.arange(width)) @ turn + 3


@given(st.integers(10, 60), st.integers(2, 8), st.integers(0, 2**32 - 1))
def test_components_agree_with_singular_vectors(n_items, width, seed):
    latent = stretched(n_items, width, seed)
    ours, theirs = principal_components(latent), by_svd(latent)
    # Each axis is unique only up to sign, which may tip where two loadings are all but equal.
    for column in range(2):
        near = [np.abs(ours[:, column] - sign * theirs[:, column]).max() for sign in (1, -1)]
        assert min(near) < 1e-6


def test_the_sign_does_not_depend_on_the_order_of_items():
    latent = stretched(40, 5)
    order = np.random.default_rng(1).permutation(40)
    np.testing.assert_allclose(
        principal_components(latent[order]), principal_components(latent)[order], atol=1e-9
    )


def test_a_shift_of_all_items_changes_nothing():
    latent = stretched(40, 5)
    np.testing.assert_allclose(
        principal_components(latent + 1000), principal_components(latent), atol=1e-8
    )


def test_blocks_of_rows_add_up(monkeypatch):
    latent = stretched(50, 6)
    whole = principal_components(latent)
    monkeypatch.setattr("latentlens.embed.pca.BLOCK", 7)
    np.testing.assert_allclose(principal_components(latent), whole, atol=1e-9)


def test_wide_latents_give_the_singular_vectors_too():
    rng = np.random.default_rng(0)
    width = DENSE + 40
    scale = np.r_[9.0, 5.0, np.full(width - 2, 0.3)]
    latent = rng.standard_normal((60, width)) * scale
    np.testing.assert_allclose(principal_components(latent), by_svd(latent), atol=1e-6)


def test_one_dimension_leaves_the_second_coordinate_zero():
    xy = principal_components(np.array([[1.0], [4.0], [7.0]]))
    np.testing.assert_allclose(xy, [[-3, 0], [0, 0], [3, 0]])


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (5, 0), (5, 3)])
def test_nothing_to_tell_apart_gives_zeros(shape):
    xy = principal_components(np.full(shape, 2.5))
    assert xy.shape == (shape[0], 2)
    assert not xy.any()
