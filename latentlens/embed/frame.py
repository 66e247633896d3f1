"""One frame of a layout, and what is done to a latent before it is laid out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where the items lie in the plane, at one moment of a layout.

    Parameters
    ----------
    xy : ndarray of shape (n_items, 2), float32
        Positions; only distances within one layout mean anything.
    done : bool
        Whether this is the last frame.
    progress : float
        Share of the work done, in [0, 1].
    text : str
        What is going on, in words; empty where there is nothing to say.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.embed import layouts
    >>> last = list(layouts("pca", np.eye(6, 4, dtype=np.float32)))[-1]
    >>> last.done, last.progress
    (True, 1.0)
    """

    xy: NDArray[np.float32]
    done: bool
    progress: float
    text: str


def finite(latent: NDArray[np.floating]) -> tuple[NDArray[np.floating], str]:
    """Replace NaN and infinite values by zero, and say how many there were.

    Returns
    -------
    latent : ndarray of shape (n_items, d)
        The same array if all its values are finite.
    note : str
        Empty if there were none.
    """
    known = np.isfinite(latent)
    n_bad = latent.size - int(known.sum())
    if not n_bad:
        return latent, ""
    values = "value is" if n_bad == 1 else "values are"
    return np.where(known, latent, 0), f"{n_bad:,} latent {values} NaN or infinite, taken as zero"
