"""UMAP, which shows nothing until it is through."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from latentlens.embed.frame import Layout
from latentlens.embed.pca import principal_components

NEIGHBORS = 15
FEWEST = 5

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
    refusal = _refusal(plane)
    if refusal:
        yield Layout(xy=plane.astype(np.float32), done=True, progress=1.0, text=refusal)
        return
    text = "UMAP: running; it shows no steps on the way"
    if "umap" not in _compiled:
        text += ", and its first run compiles, which takes up to a minute"
    yield Layout(xy=plane.astype(np.float32), done=False, progress=0.0, text=text)
    xy = _fit(latent, plane, random_state)
    yield Layout(xy=xy, done=True, progress=1.0, text="UMAP")


def _refusal(plane: NDArray[np.float64]) -> str:
    if len(plane) < FEWEST:
        return f"UMAP needs at least {FEWEST} items and there are {len(plane)}; this is the PCA."
    if not np.ptp(plane):
        return "All items have the same latent, so UMAP has nothing to lay out; this is the PCA."
    return ""


def _fit(
    latent: NDArray[np.floating], plane: NDArray[np.float64], random_state: int
) -> NDArray[np.float32]:
    with _one_at_a_time:
        from umap import UMAP

        # One job, said outright: a seed forces it, and UMAP warns where it was not asked for.
        reducer = UMAP(
            n_neighbors=min(NEIGHBORS, len(latent) - 1),
            init=plane.astype(np.float32),
            n_jobs=1,
            random_state=random_state,
        )
        xy = reducer.fit_transform(np.ascontiguousarray(latent, np.float32))
        _compiled.add("umap")
    return np.asarray(xy, np.float32)
