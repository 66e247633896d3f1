"""Pictures drawn with NumPy alone: dots, rings, crosses, bars, letters; written as PNG."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latentlens.widget.glyphs import PITCH, dots

MOST_COLOURS = 256
LEVEL = 6
"""Of the packing: 9 takes eight times as long, while a cell waits, and saves a tenth."""


class Canvas:
    """A picture whose pixels are numbers of colours.

    Parameters
    ----------
    width, height : int
        In pixels.
    colours : sequence of str
        At most 256, such as "#0072b2"; the first is the background.
    """

    def __init__(self, width: int, height: int, colours: Sequence[str]) -> None:
        if len(colours) > MOST_COLOURS:
            raise ValueError(f"A canvas has at most 256 colours, got {len(colours)}.")
        self.pixels: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
        self._colours = [bytes.fromhex(colour.removeprefix("#")) for colour in colours]

    def stamp(
        self, x: NDArray[np.int64], y: NDArray[np.int64], ink: NDArray[np.uint8], shape: str,
        radius: int,
    ) -> None:  # fmt: skip
        """Set the same mark at many places, later ones above earlier ones.

        Parameters
        ----------
        x, y : ndarray of shape (n,), int64
            Pixels; what lies outside the picture is left out.
        ink : ndarray of shape (n,), uint8
            The colour's number of each.
        shape : {"disc", "ring", "cross"}
        radius : int
            In pixels.
        """
        high, wide = self.pixels.shape
        dy, dx = _mark(shape, radius)
        # Mark by mark, so that where two lie above each other the later one is assigned last.
        at_x, at_y = (x[:, None] + dx).reshape(-1), (y[:, None] + dy).reshape(-1)
        inside = (at_x >= 0) & (at_x < wide) & (at_y >= 0) & (at_y < high)
        self.pixels[at_y[inside], at_x[inside]] = np.repeat(ink, len(dx))[inside]

    def box(
        self, x: int, y: int, width: int, height: int, ink: int, *, hollow: bool = False
    ) -> None:
        """Fill a rectangle, or with `hollow` draw its edge, two pixels wide."""
        self.pixels[y : y + height, x : x + width] = ink
        if hollow and width > 4 and height > 4:
            self.pixels[y + 2 : y + height - 2, x + 2 : x + width - 2] = 0

    def text(
        self, x: int, y: int, words: str, ink: int, *, size: int = 3, right: bool = False
    ) -> None:
        """Write a line whose top left (or with `right` top right) corner is at x, y."""
        line = np.kron(dots(words), np.ones((size, size), np.bool_))
        if right:
            x -= line.shape[1]
        high, wide = self.pixels.shape
        x = max(x, 0)
        line = line[: max(high - y, 0), : max(wide - x, 0)]
        part = self.pixels[y : y + line.shape[0], x : x + line.shape[1]]
        part[line] = ink

    def png(self) -> bytes:
        """Write the picture as PNG with a palette (ISO/IEC 15948:2004)."""
        high, wide = self.pixels.shape
        header = struct.pack(">IIBBBBB", wide, high, 8, 3, 0, 0, 0)
        # Every line begins with the number of its filter; 0 is none.
        lines = np.concatenate([np.zeros((high, 1), np.uint8), self.pixels], axis=1)
        return b"".join(
            [
                b"\x89PNG\r\n\x1a\n",
                _chunk(b"IHDR", header),
                _chunk(b"PLTE", b"".join(self._colours)),
                _chunk(b"IDAT", zlib.compress(lines.tobytes(), LEVEL)),
                _chunk(b"IEND", b""),
            ]
        )


def text_width(words: str, size: int = 3) -> int:
    """Give how many pixels a line of text takes."""
    return PITCH * size * len(words)


def _mark(shape: str, radius: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the pixels of a mark about its middle, rows and columns."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    distance = np.hypot(x, y)
    if shape == "disc":
        wanted = distance <= radius + 0.3
    elif shape == "ring":
        wanted = (distance <= radius + 0.3) & (distance > radius - 1.7)
    else:
        wanted = (np.abs(np.abs(x) - np.abs(y)) <= 1) & (distance <= radius + 0.5)
    return y[wanted], x[wanted]


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
