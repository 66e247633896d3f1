"""UMAP, which shows nothing until it is through."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from latentlens.embed.frame import Layout
from latentlens.embed.pca import principal_components
from latentlens.embed.start import refusal, spread

NEIGHBORS = 15

# Not every threading layer of numba bears two callers at once.
_one_at_a_time = Lock()
_compiled: set[str] = set()


def umap_layouts(latent: NDArray[np.floating], *, random_state: int) -> Iterator[Layout]:
    """Give the principal components, then the UMAP.

    Parameters
    ----------
    latent : ndarray of shape (n_items, d)
        Finite values.
    random_state : int
        Equal seeds give equal layouts; the price is that one core does the work.

    Yields
    ------
    Layout
        Two frames. Closing the iterator between them stops the work; UMAP
        itself cannot be interrupted.

    References
    ----------
    .. [1] L. McInnes, J. Healy and J. Melville, "UMAP: Uniform Manifold
       Approximation and Projection for Dimension Reduction", 2018.
    """
    plane = principal_components(latent, random_state=random_state)
    if reason := refusal("UMAP", plane):
        yield Layout(xy=plane.astype(np.float32), done=True, progress=1.0, text=reason)
        return
    text = "UMAP: running; it shows no steps on the way"
    if "umap" not in _compiled:
        text += ", and its first run compiles, which takes up to a minute"
    yield Layout(xy=plane.astype(np.float32), done=False, progress=0.0, text=text)
    xy = _fit(latent, plane, random_state)
    yield Layout(xy=xy, done=True, progress=1.0, text="UMAP")


def _fit(
    latent: NDArray[np.floating], plane: NDArray[np.float64], random_state: int
) -> NDArray[np.float32]:
    with _one_at_a_time:
        from umap import UMAP

        # One job, said outright: a seed forces it, and UMAP warns where it was not asked for.
        reducer = UMAP(
            n_neighbors=min(NEIGHBORS, len(latent) - 1),
            init=spread(plane, random_state).astype(np.float32),
            n_jobs=1,
            random_state=random_state,
        )
        xy = reducer.fit_transform(np.ascontiguousarray(latent, np.float32))
        _compiled.add("umap")
    return np.asarray(xy, np.float32)
