"""t-SNE, frame by frame: each chunk of iterations is a picture and a chance to stop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.embed.frame import Layout
from latentlens.embed.pca import principal_components
from latentlens.embed.start import refusal, spread

PERPLEXITY = 30
EXAGGERATED = 100
"""Iterations of early exaggeration."""
PLAIN = 250
"""Iterations after it; nearest-neighbour accuracy no longer rises beyond."""
EXAGGERATION = 12
BARNES_HUT = 10_000
"""Up to this many items the tree is faster than the grid."""
CHUNK_SMALL, CHUNK_LARGE = 25, 10
"""Iterations per frame, up to and above `BARNES_HUT`: near half a second each."""
WIDEST = 50
"""Neighbours are sought among this many principal components at most."""
START_SPREAD = 1e-4
"""Standard deviation of the start; a wider one keeps t-SNE from untangling."""


def tsne_layouts(latent: NDArray[np.floating], *, random_state: int) -> Iterator[Layout]:
    """Give the principal components, then t-SNE as it settles.

    Parameters
    ----------
    latent : ndarray of shape (n_items, d)
        Finite values.
    random_state : int
        Equal seeds give equal layouts.

    Yields
    ------
    Layout
        The first is the PCA; closing the iterator stops the work.

    References
    ----------
    .. [1] L. van der Maaten and G. Hinton, "Visualizing Data using t-SNE",
       JMLR 9, 2008.
    .. [2] D. Kobak and P. Berens, "The art of using t-SNE for single-cell
       transcriptomics", Nature Communications 10, 2019: the start from PCA.
    """
    narrow = principal_components(
        latent, max(2, min(WIDEST, latent.shape[1])), random_state=random_state
    )
    plane = narrow[:, :2]
    if reason := refusal("t-SNE", plane):
        yield Layout(xy=plane.astype(np.float32), done=True, progress=1.0, text=reason)
        return
    text = _plan(len(latent), latent.shape[1])
    yield Layout(xy=plane.astype(np.float32), done=False, progress=0.0, text=text)
    seekable = latent if latent.shape[1] <= WIDEST else narrow
    embedding = _start(seekable, plane, random_state)
    yield from _refine(embedding)


def _perplexity(n_items: int) -> float:
    # Each item takes 3 x perplexity neighbours.
    return min(float(PERPLEXITY), (n_items - 1) / 3)


def _plan(n_items: int, width: int) -> str:
    words = ["t-SNE: finding each item's neighbours"]
    if width > WIDEST:
        words.append(f"in the first {WIDEST} principal components")
    perplexity = _perplexity(n_items)
    if perplexity < PERPLEXITY:
        words.append(f"at perplexity {perplexity:.3g}, all that {n_items} items allow")
    return " ".join(words)


def _start(latent: NDArray[np.floating], plane: NDArray[np.float64], random_state: int) -> Any:
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN

    # One core stays free for the kernel, which answers meanwhile.
    n_jobs = max(1, (os.cpu_count() or 1) - 1)
    affinities = PerplexityBasedNN(
        np.ascontiguousarray(latent, np.float64),
        perplexity=_perplexity(len(latent)),
        n_jobs=n_jobs,
        random_state=random_state,
    )
    return TSNEEmbedding(
        START_SPREAD * spread(plane, random_state),
        affinities,
        negative_gradient_method="bh" if len(latent) <= BARNES_HUT else "fft",
        n_jobs=n_jobs,
        random_state=random_state,
    )


def _refine(embedding: Any) -> Iterator[Layout]:
    total = EXAGGERATED + PLAIN
    chunk = CHUNK_SMALL if len(embedding) <= BARNES_HUT else CHUNK_LARGE
    for done in range(chunk, total + 1, chunk):
        exaggeration = EXAGGERATION if done <= EXAGGERATED else 1
        embedding.optimize(n_iter=chunk, exaggeration=exaggeration, inplace=True)
        yield Layout(
            xy=np.array(embedding, np.float32),
            done=done == total,
            progress=done / total,
            text=f"t-SNE: {done} of {total} iterations",
        )
