"""A projection's name, estimator or array in; frames of a layout out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.embed.frame import Layout, finite
from latentlens.embed.pca import principal_components
from latentlens.embed.tsne import tsne_layouts
from latentlens.embed.umap import umap_layouts


@runtime_checkable
class Transformer(Protocol):
    """Anything that lays items out: most scikit-learn transformers, UMAP, PaCMAP."""

    def fit_transform(self, X: Any) -> Any:  # noqa: D102
        ...


def _pca_layouts(latent: NDArray[np.floating], *, random_state: int) -> Iterator[Layout]:
    plane = principal_components(latent, random_state=random_state)
    yield Layout(xy=plane.astype(np.float32), done=True, progress=1.0, text="PCA")


_BY_NAME: dict[str, Callable[..., Iterator[Layout]]] = {
    "pca": _pca_layouts,
    "tsne": tsne_layouts,
    "umap": umap_layouts,
}
PROJECTIONS = tuple(_BY_NAME)
"""The names that `layouts` knows."""


def layouts(
    projection: str | Transformer | ArrayLike, latent: ArrayLike, *, random_state: int = 0
) -> Iterator[Layout]:
    """Lay the items out in the plane, each stage as it comes.

    Arguments are checked at once, work is done as the iterator is drawn from;
    that may be in another thread, and closing the iterator stops it. No global
    random state is read or set.

    Parameters
    ----------
    projection : str, transformer or array
        "pca": at once. "tsne": PCA, then t-SNE every few iterations. "umap":
        PCA, then the result. An object with `fit_transform`: PCA, then what it
        returns. An array of shape (n_items, 2): itself.
    latent : array of shape (n_items, d)
        NaN and infinite values count as zero, and the text says so.
    random_state : int
        Equal seeds give equal layouts.

    Returns
    -------
    iterator of Layout
        At least one; the last has ``done`` set.

    Raises
    ------
    ValueError
        If the name is not known, or a shape does not fit.
    TypeError
        If `projection` is none of the above.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.embed import layouts
    >>> for layout in layouts("pca", np.eye(6, 4, dtype=np.float32)):
    ...     print(layout.xy.shape, layout.done)
    ...
    (6, 2) True
    """
    matrix = np.asarray(latent)
    if matrix.ndim != 2:
        raise ValueError(f"latent must have shape (n_items, d), got {matrix.shape}.")
    if isinstance(projection, str):
        return _named(projection, matrix, random_state)
    if isinstance(projection, Transformer):
        return _fitted(projection, matrix, random_state)
    xy = _plane(projection, len(matrix), "projection")
    return iter([Layout(xy=xy, done=True, progress=1.0, text="")])


def _named(name: str, latent: NDArray[np.floating], random_state: int) -> Iterator[Layout]:
    if name not in _BY_NAME:
        raise ValueError(
            f"projection must be one of {', '.join(map(repr, PROJECTIONS))}, an object with "
            f"fit_transform or an array of shape (n_items, 2); got {name!r}."
        )
    clean, note = finite(latent)
    return _noted(_BY_NAME[name](clean, random_state=random_state), note)


def _noted(frames: Iterator[Layout], note: str) -> Iterator[Layout]:
    for frame in frames:
        text = "; ".join(filter(None, (frame.text, note)))
        yield Layout(xy=frame.xy, done=frame.done, progress=frame.progress, text=text)


def _fitted(
    transformer: Transformer, latent: NDArray[np.floating], random_state: int
) -> Iterator[Layout]:
    clean, note = finite(latent)
    return _noted(_two_frames(transformer, clean, random_state), note)


def _two_frames(
    transformer: Transformer, latent: NDArray[np.floating], random_state: int
) -> Iterator[Layout]:
    name = type(transformer).__name__
    plane = principal_components(latent, random_state=random_state)
    yield Layout(xy=plane.astype(np.float32), done=False, progress=0.0, text=f"{name}: running")
    xy = _plane(transformer.fit_transform(latent), len(latent), f"{name}.fit_transform")
    yield Layout(xy=xy, done=True, progress=1.0, text=name)


def _plane(values: Any, n_items: int, name: str) -> NDArray[np.float32]:
    """Check that `values` are one finite point in the plane per item."""
    try:
        xy = np.asarray(values, np.float32)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be one of {', '.join(map(repr, PROJECTIONS))}, an object with "
            f"fit_transform or an array of shape (n_items, 2); got {type(values).__name__}."
        ) from None
    if xy.shape != (n_items, 2):
        raise ValueError(
            f"{name} must give shape ({n_items}, 2), one point per item, got {xy.shape}."
        )
    n_bad = int((~np.isfinite(xy)).any(axis=1).sum())
    if n_bad:
        raise ValueError(f"{name} has NaN or infinite positions for {n_bad} of {n_items} items.")
    return xy
