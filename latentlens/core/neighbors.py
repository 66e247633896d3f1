"""Nearest neighbours, exact, in blocks of rows, and how many of them a map keeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

NEIGHBORS = 15
"""k of the neighbour overlap: neighbours per item that a map may keep."""
EXACT_PAIRS = 10_000**2
"""Up to so many pairs of items every item's neighbours are found; beyond, a sample's."""
MOST_PAIRS = 100_000_000
FEWEST, MOST = 200, 2_000
"""Items measured beyond `EXACT_PAIRS`, at least and at most."""
BLOCK_BYTES = 32 * 2**20
NOT_MEASURED = 255


def nearest(
    latent: NDArray[np.float32], row: int, n: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the items nearest to one, itself left out, the nearest first.

    Parameters
    ----------
    latent : ndarray of shape (n_items, d), float32
    row : int
    n : int
        How many; all others where there are fewer.

    Returns
    -------
    rows : ndarray of shape (n,), int64
        Of equal distances the smaller row comes first.
    distance : ndarray of shape (n,), float64
        Euclidean.
    """
    size = max(1, BLOCK_BYTES // (8 * latent.shape[1]))
    squared = np.concatenate(
        [
            np.square(latent[at : at + size] - latent[row].astype(np.float64)).sum(axis=1)
            for at in range(0, len(latent), size)
        ]
    )
    squared[row] = np.inf
    order = np.argsort(squared, kind="stable")[: min(n, len(latent) - 1)]
    return order, np.sqrt(squared[order])


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Of each item's k nearest neighbours in the latent, how many are so on the map.

    Near on the map is what is no farther than the k-th nearest.

    Parameters
    ----------
    kept : ndarray of shape (n_items,), uint8
        0..k, or `NOT_MEASURED`.
    k : int
    n_measured : int
    mean : float
        Share kept, in [0, 1], over the items measured.
    error : float
        Standard error of `mean` where a sample of items was measured, 0 where all were.
    random : float
        What a map with its items strewn at random would keep.
    """

    kept: NDArray[np.uint8]
    k: int
    n_measured: int
    mean: float
    error: float
    random: float


def neighbor_overlap(
    latent: NDArray[np.float32],
    xy: NDArray[np.float32],
    *,
    k: int = NEIGHBORS,
    seed: int = 0,
    exact_pairs: int = EXACT_PAIRS,
) -> Iterator[tuple[int, int] | Overlap]:
    """Measure item by item how many neighbours in the latent a map keeps.

    Every item is measured up to `exact_pairs` pairs, else a random sample of
    items, each against all others. The mean over all items is Q_NX(k) of [1]_.

    Parameters
    ----------
    latent : ndarray of shape (n_items, d), float32
    xy : ndarray of shape (n_items, 2), float32
    k : int
        Neighbours per item; fewer where there are fewer items.
    seed : int
        Of the sample of items.
    exact_pairs : int

    Yields
    ------
    (done, total) or Overlap
        Progress, and the overlap at last; nothing but an overlap without
        measured items where there are fewer than two items.

    References
    ----------
    .. [1] J. A. Lee and M. Verleysen, "Quality assessment of dimensionality
       reduction: Rank-based criteria", Neurocomputing 72(7-9), 2009.
    """
    n = len(latent)
    k = min(k, n - 1)
    rows = measured_rows(n, seed=seed, exact_pairs=exact_pairs)
    kept = np.full(n, NOT_MEASURED, np.uint8)
    space = _centred(latent)
    norm = np.square(space).sum(axis=1)
    if k > 0:
        reach = _distance_to(xy, rows, k)
    size = max(1, BLOCK_BYTES // (8 * n))
    for at in range(0, len(rows) if k > 0 else 0, size):
        block = rows[at : at + size]
        near = _nearest_rows(space, norm, block, k)
        apart = np.linalg.norm(xy[near] - xy[block, None].astype(np.float64), axis=2)
        kept[block] = (apart <= reach[at : at + size, None]).sum(axis=1)
        yield at + len(block), len(rows)
    yield _overlap(kept, k, n)


def measured_rows(n: int, *, seed: int, exact_pairs: int = EXACT_PAIRS) -> NDArray[np.int64]:
    """Choose the items to measure, ascending: all, or a random sample of them."""
    if n * n <= exact_pairs:
        return np.arange(n)
    wanted = min(n, MOST, max(FEWEST, MOST_PAIRS // n))
    return np.sort(np.random.default_rng(seed).choice(n, wanted, replace=False))


def _centred(space: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give float64 around its mean, where squared norms lose the least."""
    values = space.astype(np.float64)
    centred: NDArray[np.float64] = values - values.mean(axis=0)
    return centred


def _distance_to(xy: NDArray[np.float32], rows: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Give how far the k-th nearest on the map is; what is as far as that is near too."""
    places = xy.astype(np.float64)
    # The nearest of all is the item itself, or one at the same place.
    far = np.asarray(cKDTree(places).query(places[rows], k=k + 1)[0])
    # A tree and a norm may differ in the last bit.
    reach: NDArray[np.float64] = far[:, k] * (1 + 1e-12)
    return reach


def _nearest_rows(
    space: NDArray[np.float64], norm: NDArray[np.float64], rows: NDArray[np.int64], k: int
) -> NDArray[np.int64]:
    """Give the k nearest of each row, shape (len(rows), k); of those equally far the first."""
    # The row's own norm is the same for all and orders nothing.
    far = space[rows] @ space.T
    far *= -2
    far += norm
    far[np.arange(len(rows)), rows] = np.inf
    kth = np.partition(far, k - 1, axis=1)[:, k - 1, None]
    near = far <= kth
    for row in np.flatnonzero(near.sum(axis=1) > k):
        level = np.flatnonzero(far[row] == kth[row])
        near[row, level[k - int((far[row] < kth[row]).sum()) :]] = False
    return np.nonzero(near)[1].reshape(len(rows), k)


def _overlap(kept: NDArray[np.uint8], k: int, n: int) -> Overlap:
    shares = kept[kept != NOT_MEASURED] / max(k, 1)
    m = len(shares)
    mean = float(shares.mean()) if m else float("nan")
    error = float(shares.std(ddof=1) / np.sqrt(m) * np.sqrt(1 - m / n)) if 1 < m < n else 0.0
    return Overlap(
        kept=kept,
        k=k,
        n_measured=m,
        mean=mean,
        error=error,
        random=k / (n - 1) if n > 1 else float("nan"),
    )
