"""Arrays as text in a page: made small, and the same to the bit when they are read again.

`js/src/page/arrays.ts` reads them. An array becomes a block: its numbers are put in an
order that packs well, their bytes are sorted by significance, deflated [1]_, and written
in printable characters.

References
----------
.. [1] P. Deutsch, "DEFLATE Compressed Data Format Specification", RFC 1951, 1996.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentlens.widget.wire import DTYPES

ALPHABET = bytes(code for code in range(0x21, 0x7F) if code not in b"<>&")
"""91 printable characters, none of which means anything in HTML. 91² > 2¹³."""
BITS = 13
"""Bits in two characters: 16/13 of the bytes, where base64 takes 4/3."""
BLOCKS_AT_ONCE = 2**14
"""Groups of 13 bytes that are written at a time."""
LEVEL = 9
SPARSE = 0.9
"""Floats are stored without their zeros if no more than this share is not zero."""

Coding = Literal["plain", "descending", "sparse"]


class Blocks:
    """The arrays of one page, in the order in which they were added."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        """`protocol.page.Block` by number."""
        self.texts: list[str] = []
        """Their characters."""

    def add(
        self, array: NDArray[Any], coding: Coding = "plain", *, dtype: str | None = None
    ) -> dict[str, Any]:
        """Take an array, and give its `protocol.words.NdArray`, the block's number as its data.

        Parameters
        ----------
        array : ndarray
        coding : {"plain", "descending", "sparse"}
            "descending" is for float32 whose rows do not rise.
        dtype : str, optional
            What the numbers are read as; the array's own if not given. So numbers
            of 32 or 64 bits travel in 8 or 32.
        """
        dtype = dtype or array.dtype.name
        if not {dtype, array.dtype.name} <= set(DTYPES):
            raise TypeError(f"A page cannot hold an array of {array.dtype}.")
        packed = zlib.compress(CODINGS[coding](array), LEVEL)
        entry = {
            "dtype": dtype,
            "stored": array.dtype.name,
            "coding": coding,
            "columns": int(array.shape[-1]) if array.ndim > 1 else 1,
            "count": int(array.size),
            "bytes": len(packed),
        }
        self.entries.append(entry)
        self.texts.append(to_text(packed))
        return {"dtype": dtype, "shape": list(array.shape), "data": len(self.entries) - 1}

    def add_floats(self, array: NDArray[np.float32], *, dtype: str | None = None) -> dict[str, Any]:
        """Take floats in no order, by the coding that suits them."""
        filled = np.count_nonzero(array) > SPARSE * array.size
        return self.add(array, "plain" if filled else "sparse", dtype=dtype)

    def pack(self, message: Any) -> Any:
        """Replace the arrays in a message by blocks, each in its plain order."""
        if isinstance(message, np.ndarray):
            return self.add(narrowed(message), dtype=message.dtype.name)
        if isinstance(message, Mapping):
            return {key: self.pack(value) for key, value in message.items()}
        if isinstance(message, Sequence) and not isinstance(message, str):
            return [self.pack(value) for value in message]
        return message


def narrowed(array: NDArray[Any]) -> NDArray[Any]:
    """Give whole numbers in the smallest type that holds them; others as they are."""
    if array.dtype.kind not in "iu" or array.size == 0 or array.min() < 0:
        return array
    most = int(array.max())
    fits = next(kind for kind in (np.uint8, np.uint16, np.uint32) if most <= np.iinfo(kind).max)
    return array.astype(fits)


def plain(array: NDArray[Any]) -> bytes:
    """Sort the bytes of an array: the lowest byte of every number first, then the next."""
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return little.reshape(-1, 1).view(np.uint8).T.tobytes()


def descending(array: NDArray[np.float32]) -> bytes:
    """Write rows that do not rise by their steps, one column after the other.

    A float's bits are turned into a whole number of the same order, so that the
    step from one to the next is small and exact.
    """
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    steps = ordered.copy()
    steps[:, 1:] = ordered[:, :-1] - ordered[:, 1:]
    return plain(steps.T)


def sparse(array: NDArray[np.float32]) -> bytes:
    """Write a bit for each number, whether it is not zero, and then those that are not."""
    bits = np.ascontiguousarray(array, np.float32).reshape(-1).view(np.uint32)
    there = bits != 0
    return np.packbits(there, bitorder="little").tobytes() + plain(bits[there])


CODINGS = {"plain": plain, "descending": descending, "sparse": sparse}


def to_text(data: bytes) -> str:
    """Write bytes in printable characters, two for every 13 bits, the lowest bits first."""
    step = BITS * BLOCKS_AT_ONCE
    return "".join(_to_text(data[at : at + step]) for at in range(0, len(data), step))


def _to_text(data: bytes) -> str:
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    padded = np.zeros(-(-bits.size // BITS) * BITS, np.uint16)
    padded[: bits.size] = bits
    values = padded.reshape(-1, BITS) @ (1 << np.arange(BITS, dtype=np.uint16))
    characters = np.frombuffer(ALPHABET, np.uint8)
    pairs = np.column_stack(np.divmod(values, len(ALPHABET)))
    return characters[pairs].tobytes().decode("ascii")
