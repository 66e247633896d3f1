"""Principal components: the layout that is there at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

BLOCK = 8192
"""Rows at a time: the latent may be memory-mapped and larger than memory in float64."""
DENSE = 1024
"""Up to this width the covariance is decomposed exactly."""
SPARE = 10
"""Directions more than asked for, which make the iteration below converge."""
ROUNDS = 12


def principal_components(
    latent: NDArray[np.floating], n_components: int = 2, *, random_state: int = 0
) -> NDArray[np.float64]:
    """Project onto the directions of largest variance.

    Each direction's largest loading is positive, so the same latent always gives
    the same picture. Directions that do not exist, or have no variance, give
    zeros. Up to 1,024 dimensions the directions are exact; beyond, they come
    from subspace iteration [1]_.

    Parameters
    ----------
    latent : ndarray of shape (n_items, d)
        Finite values.
    n_components : int
        How many directions.
    random_state : int
        Where subspace iteration starts.

    Returns
    -------
    ndarray of shape (n_items, n_components), float64
        In units of the latent, centred.

    References
    ----------
    .. [1] N. Halko, P.-G. Martinsson and J. Tropp, "Finding Structure with
       Randomness", SIAM Review 53(2), 2011.
    """
    n_items, width = latent.shape
    if not n_items or not width:
        return np.zeros((n_items, n_components))
    mean = latent.mean(axis=0, dtype=np.float64)
    if width <= DENSE:
        axes = _exact_axes(latent, mean, min(n_components, width))
    else:
        axes = _iterated_axes(latent, mean, n_components, random_state)
    lead = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    axes *= np.where(lead < 0, -1.0, 1.0)
    out = np.zeros((n_items, n_components))
    for start, block in _centred(latent, mean):
        out[start : start + len(block), : axes.shape[1]] = block @ axes
    return out


def _centred(
    latent: NDArray[np.floating], mean: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    for start in range(0, len(latent), BLOCK):
        yield start, latent[start : start + BLOCK] - mean


def _exact_axes(
    latent: NDArray[np.floating], mean: NDArray[np.float64], n_axes: int
) -> NDArray[np.float64]:
    width = latent.shape[1]
    scatter = np.zeros((width, width))
    for _, block in _centred(latent, mean):
        scatter += block.T @ block
    _, axes = eigh(scatter, subset_by_index=[width - n_axes, width - 1])
    return np.ascontiguousarray(axes[:, ::-1])


def _iterated_axes(
    latent: NDArray[np.floating], mean: NDArray[np.float64], n_axes: int, random_state: int
) -> NDArray[np.float64]:
    rng = np.random.default_rng(random_state)
    basis, _ = np.linalg.qr(rng.standard_normal((latent.shape[1], n_axes + SPARE)))
    for _ in range(ROUNDS):
        image = np.zeros_like(basis)
        for _, block in _centred(latent, mean):
            image += block.T @ (block @ basis)
        small = basis.T @ image
        # Rayleigh-Ritz: within the subspace, the directions in order of their variance.
        _, turn = np.linalg.eigh((small + small.T) / 2)
        best = basis @ turn[:, ::-1][:, :n_axes]
        basis, _ = np.linalg.qr(image)
    return best
