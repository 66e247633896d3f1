"""Pictures of some rows as parts of a file, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from latentlens.core.picture import NOTHING, SIDE, Picture, PictureKind, Pictures
from latentlens.store.parts import Parts

MOST_VALUES = 2**16
"""Values of one series at most."""


class KeptPictures(Pictures):
    """Pictures of some rows; the others have none.

    Parameters
    ----------
    kept : dict of int to Picture
    kind : {"image", "text", "series", "none"}
        What the pictures are.
    """

    def __init__(self, kept: dict[int, Picture], kind: PictureKind) -> None:
        super().__init__(lambda rows: [None for _ in rows])
        self._kept, self._kind = kept, kind

    def __call__(self, rows: Sequence[int]) -> list[Picture]:
        """Give the pictures of `rows`, in their order."""
        return [self._kept.get(int(row), NOTHING) for row in rows]

    def large(self, row: int) -> Picture:
        """Give the picture of one row, no larger than it was kept."""
        return self([row])[0]

    def kind(self, row: int = 0) -> PictureKind:  # noqa: ARG002
        """Say what the pictures are."""
        return self._kind


def picture_parts(
    rows: NDArray[np.int64], pictures: Sequence[Picture], kind: str
) -> dict[str, Any]:
    """Take the pictures of some rows apart.

    Parameters
    ----------
    rows : ndarray of shape (n,), int64
    pictures : sequence of n Picture
    kind : {"image", "text", "series", "none"}
    """
    shape = np.zeros((len(rows), 3), np.int32)
    for i, picture in enumerate(pictures):
        array = picture.series if picture.image is None else picture.image
        if array is not None:
            shape[i, : array.ndim] = array.shape
    images = [p.image.reshape(-1) for p in pictures if p.image is not None]
    series = [p.series.reshape(-1) for p in pictures if p.series is not None]
    return {
        "kind": kind,
        "rows": np.asarray(rows, np.int64),
        "kinds": [picture.kind for picture in pictures],
        "shape": shape,
        "images": np.concatenate([np.zeros(0, np.uint8), *images]),
        "series": np.concatenate([np.zeros(0, np.float32), *series]),
        "texts": [picture.text or "" for picture in pictures],
    }


def read_pictures(parts: Parts, n_items: int) -> KeptPictures:
    """Put pictures together again.

    Raises
    ------
    WrongFile
        If they do not fit to their shapes.
    """
    kinds, texts = parts.texts("kinds"), parts.texts("texts")
    n = len(kinds)
    rows = parts.content.get("rows")
    if not isinstance(rows, np.ndarray) or rows.dtype != np.int64 or rows.shape != (n,):
        raise parts.wrong("rows")
    if len(texts) != n or (n and not 0 <= rows.min() <= rows.max() < n_items):
        raise parts.wrong("rows")
    shapes = _shapes(parts, n)
    left = {name: _whole(parts, name, dtype) for name, dtype in VALUES.items()}
    kept: dict[int, Picture] = {}
    for row, kind, shape, text in zip(rows.tolist(), kinds, shapes, texts, strict=True):
        if kind == "image":
            kept[row] = Picture("image", image=_next(parts, left, "images", shape))
        elif kind == "series":
            kept[row] = Picture("series", series=_next(parts, left, "series", shape))
        elif kind == "text":
            kept[row] = Picture("text", text=text)
    if any(len(rest) for rest in left.values()):
        raise parts.wrong("shape")
    return KeptPictures(kept, cast(PictureKind, parts.text("kind", get_args(PictureKind))))


VALUES = {"images": np.uint8, "series": np.float32}


def _whole(parts: Parts, name: str, dtype: Any) -> NDArray[Any]:
    values = parts.content.get(name)
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype != dtype:
        raise parts.wrong(name)
    return values


def _shapes(parts: Parts, n: int) -> list[tuple[int, ...]]:
    shape = parts.content.get("shape")
    if not isinstance(shape, np.ndarray) or shape.dtype != np.int32 or shape.shape != (n, 3):
        raise parts.wrong("shape")
    if n and (shape.min() < 0 or shape.max() > MOST_VALUES):
        raise parts.wrong("shape")
    return [tuple(length for length in each if length) for each in shape.tolist()]


def _next(
    parts: Parts, left: dict[str, NDArray[Any]], name: str, shape: tuple[int, ...]
) -> NDArray[Any]:
    """Take the values of the next picture off the front."""
    size = int(np.prod(shape, dtype=np.int64)) if shape else 0
    plausible = (
        len(shape) in (1, 2)
        if name == "series"
        else len(shape) in (2, 3) and max(shape[:2]) <= SIDE and shape[2:] in ((), (3,))
    )
    if not plausible or not 0 < size <= len(left[name]):
        raise parts.wrong("shape")
    values, left[name] = left[name][:size], left[name][size:]
    return values.reshape(shape)
