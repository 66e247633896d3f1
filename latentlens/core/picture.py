"""What a person sees of an item: a small image, a text, a series or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

PictureKind = Literal["image", "text", "series", "none"]

SIDE = 96
"""Longest side of a thumbnail in pixels; larger inputs are averaged down."""
LARGE_SIDE = 384
"""The same of a picture that is looked at by itself."""
TEXT_LENGTH = 280
SERIES_LENGTH = 512
"""Most steps of a series; of a longer one each stretch keeps its extremes."""
SERIES_CHANNELS = 3
INPUT_KEYS = ("pixel_values", "image", "images", "input", "inputs", "x", "text", "sentence")
"""Where a dict-like item may keep what a person would look at, likeliest first."""


@dataclass(frozen=True)
class Picture:
    """One item as people see it; `kind` says which field is filled.

    Parameters
    ----------
    kind : {"image", "text", "series", "none"}
    image : ndarray of shape (H, W) or (H, W, 3), uint8, optional
    text : str, optional
    series : ndarray of shape (T,) or (T, channels), float32, optional
    """

    kind: PictureKind
    image: NDArray[np.uint8] | None = None
    text: str | None = None
    series: NDArray[np.float32] | None = None


NOTHING = Picture("none")


class Pictures:
    """Turns items of a dataset into pictures, all on the same brightness scale.

    Parameters
    ----------
    read : callable
        Gives the dataset's items at some rows.
    render : callable, optional
        Item -> image array, string or series, where the guess below is not
        what people want to see.
    value_range : tuple of float, optional
        What is black and what is white in float images. If not given: [0, 1]
        where values stay within it, else the extremes of the first items read.
    """

    def __init__(
        self,
        read: Callable[[Sequence[int]], list[Any]],
        *,
        render: Callable[[Any], Any] | None = None,
        value_range: tuple[float, float] | None = None,
    ) -> None:
        self._read = read
        self._render = render
        self._range = value_range

    def __call__(self, rows: Sequence[int]) -> list[Picture]:
        """Give the pictures of `rows`, in their order.

        Raises
        ------
        ValueError
            If `render` fails, with the row it failed on.
        """
        return [self._picture(row, item) for row, item in zip(rows, self._read(rows), strict=True)]

    def large(self, row: int) -> Picture:
        """Give the picture of one row at the size of something looked at by itself."""
        return self._picture(row, self._read([row])[0], LARGE_SIDE)

    def kind(self, row: int = 0) -> PictureKind:
        """Say what the pictures are, judged by one row."""
        return self([row])[0].kind

    def _picture(self, row: int, item: Any, side: int = SIDE) -> Picture:
        if self._render is None:
            return self._draw(input_of(item), side)
        try:
            shown = self._render(item)
        except Exception as error:
            raise ValueError(
                f"render failed on row {row}: {type(error).__name__}: {error}. It is given "
                "an item's input and should return an image array, a string or a series."
            ) from error
        return self._draw(shown, side)

    def _draw(self, value: Any, side: int) -> Picture:
        if isinstance(value, str):
            return Picture("text", text=value[:TEXT_LENGTH])
        array = as_array(value)
        if array is None or array.size == 0:
            return NOTHING
        image = as_image(array)
        if image is not None:
            return Picture("image", image=self._to_bytes(shrink(image, side)))
        series = as_series(array)
        return NOTHING if series is None else Picture("series", series=thin(series))

    def _to_bytes(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        if image.dtype == np.uint8:
            return image
        values = np.nan_to_num(image.astype(np.float32))
        if self._range is None:
            self._range = self._guess_range(values)
        low, high = self._range
        scaled = (values - low) / max(high - low, 1e-12)
        return (np.clip(scaled, 0, 1) * 255 + 0.5).astype(np.uint8)

    def _guess_range(self, values: NDArray[np.float32]) -> tuple[float, float]:
        low, high = float(values.min()), float(values.max())
        if low >= 0 and high <= 1:
            return 0.0, 1.0
        if low >= 0 and high <= 255:
            return 0.0, 255.0
        return low, high


def input_of(item: Any) -> Any:
    """Find what a person would look at in an item of a dataset."""
    if isinstance(item, Mapping):
        return next((item[key] for key in INPUT_KEYS if key in item), None)
    if isinstance(item, (tuple, list)) and item:
        return input_of(item[0]) if isinstance(item[0], Mapping) else item[0]
    return item


def as_array(value: Any) -> NDArray[Any] | None:
    """Give tensors, PIL images and arrays as NumPy, anything else as None."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.float() if value.is_floating_point() else value
    try:
        array: NDArray[Any] = np.asarray(value)
    except (ValueError, TypeError, RuntimeError):
        return None
    return array if array.dtype.kind in "biuf" else None


def as_image(array: NDArray[Any]) -> NDArray[Any] | None:
    """Give (H, W) or (H, W, 3) if `array` is laid out like an image, else None."""
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (3, 4):
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 3 and array.shape[2] in (1, 3, 4):
        array = array[:, :, 0] if array.shape[2] == 1 else array[:, :, :3]
    plausible = array.ndim in (2, 3) and min(array.shape[:2]) >= 4
    return array if plausible and (array.ndim == 2 or array.shape[2] == 3) else None


def as_series(array: NDArray[Any]) -> NDArray[np.float32] | None:
    """Give (T,) or (T, channels) if `array` is laid out like a series, else None.

    Of whole numbers only 16 bits are taken for a sound: wider ones are tokens.
    """
    series = array.squeeze()
    if series.dtype.kind != "f" and series.dtype != np.int16:
        return None
    if series.ndim == 2 and series.shape[0] <= SERIES_CHANNELS < series.shape[1]:
        series = series.T
    few = series.ndim == 1 or (series.ndim == 2 and series.shape[1] <= SERIES_CHANNELS)
    return series.astype(np.float32) if few and len(series) > 1 else None


def thin(series: NDArray[np.float32], length: int = SERIES_LENGTH) -> NDArray[np.float32]:
    """Keep of each stretch its lowest and its highest value, so that no spike is lost."""
    if len(series) <= length:
        return series
    stretches = np.array_split(series, length // 2)
    ends = [(part.min(axis=0), part.max(axis=0)) for part in stretches]
    return np.array(ends, np.float32).reshape(-1, *series.shape[1:])


def shrink(image: NDArray[Any], side: int = SIDE) -> NDArray[Any]:
    """Average blocks of pixels until the longest side is at most `side`."""
    step = -(-max(image.shape[:2]) // side)
    if step == 1:
        return image
    # A strip thinner than a block keeps one line of pixels.
    down, across = (min(step, n) for n in image.shape[:2])
    high, wide = image.shape[0] // down, image.shape[1] // across
    blocks = image[: high * down, : wide * across]
    blocks = blocks.reshape(high, down, wide, across, *image.shape[2:])
    mean = blocks.astype(np.float32).mean(axis=(1, 3))
    return (mean + 0.5).astype(np.uint8) if image.dtype == np.uint8 else mean
