"""Arrays as they travel between kernel and browser.

In a trait an array is `protocol.words.NdArray` with its bytes in `data`; ipywidgets
takes such bytes out of the JSON by itself. In a message it is the same, with the
number of a buffer in `data`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = ("uint8", "uint16", "uint32", "int32", "float32", "float64")


def to_wire(array: NDArray[Any]) -> dict[str, Any]:
    """Write an array as `protocol.words.NdArray`."""
    array = np.ascontiguousarray(array)
    if array.dtype.name not in DTYPES:
        raise TypeError(f"To travel, an array must be {' or '.join(DTYPES)}; got {array.dtype}.")
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "data": little.reshape(-1).view(np.uint8).data,
    }


def from_wire(message: Mapping[str, Any]) -> NDArray[Any]:
    """Read a `protocol.words.NdArray`.

    Raises
    ------
    ValueError
        If dtype, shape and the number of bytes do not fit together.
    """
    if message.get("dtype") not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}; got {message.get('dtype')!r}.")
    dtype = np.dtype(message["dtype"]).newbyteorder("<")
    data = bytes(message["data"])
    shape = tuple(message["shape"])
    if len(data) != dtype.itemsize * int(np.prod(shape)):
        raise ValueError(f"An array of {dtype} and shape {shape} cannot have {len(data)} bytes.")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def pack(message: Any, buffers: list[memoryview]) -> Any:
    """Replace the arrays in a message by `NdArray` whose bytes go to `buffers`."""
    if isinstance(message, np.ndarray):
        wire = to_wire(message)
        buffers.append(wire["data"])
        return {**wire, "data": len(buffers) - 1}
    if isinstance(message, Mapping):
        return {key: pack(value, buffers) for key, value in message.items()}
    if isinstance(message, Sequence) and not isinstance(message, str):
        return [pack(value, buffers) for value in message]
    return message


def unpack(message: Any, buffers: Sequence[Any]) -> Any:
    """Undo `pack`."""
    if isinstance(message, Mapping):
        if {"dtype", "shape", "data"} <= message.keys():
            return from_wire({**message, "data": buffers[message["data"]]})
        return {key: unpack(value, buffers) for key, value in message.items()}
    if isinstance(message, Sequence) and not isinstance(message, str):
        return [unpack(value, buffers) for value in message]
    return message
