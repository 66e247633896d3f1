"""What the author of a page asks for, checked before any work is done."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.checks import check_choice, check_count

PICTURES = ("sample", "all", "none")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a page should hold; None stands for what fits.

    Parameters
    ----------
    layers : tuple of str, optional
    keep : int, optional
        Units per item and layer.
    pictures : {"sample", "all", "none"} or ndarray of rows
    samplers : tuple of str, optional
        Whose rankings; those that were fitted if None.
    title : str, optional
    limit : int
        Bytes.
    """

    layers: tuple[str, ...] | None
    keep: int | None
    pictures: str | NDArray[np.int64]
    samplers: tuple[str, ...] | None
    title: str | None
    limit: int


def read_wanted(
    *,
    layers: Sequence[str] | None,
    keep: int | None,
    pictures: Any,
    samplers: Sequence[str] | None,
    title: str | None,
    limit_mb: float,
    there: Collection[str],
    known_samplers: Collection[str],
    k: int,
) -> Wanted:
    """Check what was asked for.

    Raises
    ------
    TypeError, ValueError
        If something is not there or makes no sense.
    """
    if isinstance(limit_mb, bool) or not isinstance(limit_mb, Real) or not float(limit_mb) > 0:
        raise ValueError(f"limit_mb must be a positive number of megabytes, got {limit_mb!r}.")
    if title is not None and not isinstance(title, str):
        raise TypeError(f"title must be a string, got {title!r}.")
    if keep is not None:
        why = "the page starts with the lens's k" if k > 1 else ""
        keep = check_count(keep, "keep", 2**32, low=k, why=why)
    if isinstance(pictures, str):
        check_choice(pictures, "pictures", PICTURES)
    else:
        pictures = _rows(pictures)
    return Wanted(
        layers=_names(layers, "layers", there),
        keep=keep,
        pictures=pictures,
        samplers=_names(samplers, "samplers", known_samplers),
        title=title,
        limit=int(float(limit_mb) * 1e6),
    )


def _names(
    names: Sequence[str] | None, argument: str, there: Collection[str]
) -> tuple[str, ...] | None:
    if names is None:
        return None
    if isinstance(names, str):
        raise TypeError(f"{argument} must be a list of names, such as [{names!r}]; got a string.")
    if not names:
        raise ValueError(f"{argument} must name at least one; leave it out for what fits.")
    return tuple(dict.fromkeys(check_choice(name, argument, there) for name in names))


def _rows(rows: Any) -> NDArray[np.int64]:
    array = np.asarray(rows)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        choices = ", ".join(map(repr, PICTURES))
        raise ValueError(f"pictures must be one of {choices}, or a list of rows; got {rows!r}.")
    return np.unique(array.astype(np.int64))
