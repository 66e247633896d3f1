"""One file for nested facts and arrays: a zip of .npy files and a manifest in JSON.

A file may come from anywhere, so nothing in it is believed before it is checked:
the manifest says of every array how large it is, the sizes are added up before
anything is allocated, and what the zip holds besides is refused. No name in a file
becomes a path, and nothing in it is ever executed: arrays of objects, which would
need pickle, are refused.
"""

from __future__ import annotations

import errno
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from latentlens.store.target import replacing

FORMAT = "latentlens"
VERSION = 1
"""Rises when a reader of the version before could not read what is written."""
MANIFEST = "manifest.json"
MANIFEST_LIMIT = 32 * 2**20
LIMIT = 16 * 2**30
"""Bytes of all arrays together up to which a file is read."""
RATIO = 100
"""A file larger than `SMALL` may not promise more bytes than this times its own size."""
SMALL = 64 * 2**20
DTYPES = ("|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8")
ARRAY = "$array"
"""The key that stands, with a number, where an array was."""
CALLED_SO = re.compile(r"\$*\$array")
"""Keys that are called as that one is; they are written with one more "$" before."""
CHUNK = 2**22
LEVEL = 1
"""Of deflate: the others take several times as long and save a few per cent."""
BEGINS = b"PK\x03\x04"
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The date of every member, so that equal content gives equal bytes."""

DAMAGED = "take another copy of it, or save it again with lens.save"


class WrongFile(ValueError):
    """What a file holds is not what it should be; says what, and what to do.

    Parameters
    ----------
    what : str
        What is wrong, to be read after the file's name.
    remedy : str
        What to do about it.
    """

    def __init__(self, what: str, remedy: str = DAMAGED) -> None:
        super().__init__(f"{what}; {remedy}")


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turn whatever reading a file may raise into one sentence that names it.

    Raises
    ------
    ValueError
        In place of `WrongFile` and of what zip, JSON and NumPy raise on bad data.
    """
    damage = (
        zipfile.BadZipFile, zlib.error, EOFError, struct.error, UnicodeError, RecursionError,
        OverflowError, KeyError, IndexError, TypeError, AttributeError, NotImplementedError,
        RuntimeError, ValueError, MemoryError,
    )  # fmt: skip
    try:
        yield
    except WrongFile as wrong:
        raise ValueError(f"{str(path)!r} {wrong}.") from None
    except OSError as error:
        # A false offset in the zip leads to a place that no file has.
        if error.errno != errno.EINVAL:
            raise
        raise ValueError(f"{str(path)!r} is damaged; {DAMAGED}.") from None
    except damage:
        raise ValueError(f"{str(path)!r} is damaged; {DAMAGED}.") from None


def write_archive(path: Path, content: Mapping[str, Any], *, by: str = "") -> None:
    """Write nested facts and arrays, whole or not at all.

    Parameters
    ----------
    path : Path
        Replaced if it is there, once everything is written beside it.
    content : mapping
        Of str to None, bool, int, float, str, numeric arrays, and sequences and
        mappings of them. Floats must be finite.
    by : str
        The version of what writes.

    Raises
    ------
    TypeError, ValueError
        If it holds anything else; nothing is written.
    """
    arrays: list[NDArray[Any]] = []
    plain = _take_out(content, arrays)
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "by": by,
        "arrays": [_describe(array) for array in arrays],
        "content": plain,
    }
    text = json.dumps(manifest, allow_nan=False).encode()
    with replacing(path) as file:
        _write_members(file, text, arrays, zipfile.ZIP_DEFLATED)
        if _promises_too_much(sum(array.nbytes for array in arrays), file.tell()):
            file.seek(0)
            file.truncate()
            _write_members(file, text, arrays, zipfile.ZIP_STORED)


def read_archive(path: Path) -> dict[str, Any]:
    """Read what `write_archive` wrote.

    Call it within `refusing`, which puts what is wrong into one sentence.

    Returns
    -------
    dict
        The content, its arrays in place, sequences as lists.

    Raises
    ------
    WrongFile
        If the file is no such file, is damaged, larger than it may be, or newer.
    """
    size = path.stat().st_size
    _check_beginning(path)
    with zipfile.ZipFile(path) as archive:
        manifest = _read_manifest(archive)
        specs = [_Spec.read(entry) for entry in manifest["arrays"]]
        total = sum(spec.nbytes for spec in specs)
        if total > LIMIT or _promises_too_much(total, size):
            raise WrongFile(
                f"claims to hold {total / 2**20:,.0f} MB in {size / 2**20:,.1f} MB, more than is "
                "read from such a file",
                "do not use it unless you know where it comes from",
            )
        _check_members(archive, specs)
        arrays = [_read_array(archive, i, spec) for i, spec in enumerate(specs)]
    content = _put_back(manifest["content"], arrays)
    if not isinstance(content, dict):
        raise WrongFile("has a manifest without content")
    return content


# -- writing ---------------------------------------------------------------------


def _take_out(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """Replace every array by its number, and NumPy's scalars by Python's."""
    if isinstance(value, np.ndarray):
        arrays.append(_portable(value))
        return {ARRAY: len(arrays) - 1}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"A lens is saved with names as keys; got {key!r}.")
        return {_written(key): _take_out(part, arrays) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_take_out(part, arrays) for part in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"A {type(value).__name__} cannot be saved, only numbers, texts and arrays.")


def _written(key: str) -> str:
    return f"${key}" if CALLED_SO.fullmatch(key) else key


def _as_named(key: str) -> str:
    return key[1:] if key != ARRAY and CALLED_SO.fullmatch(key) else key


def _portable(array: NDArray[Any]) -> NDArray[Any]:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    if little.dtype.str not in DTYPES:
        raise TypeError(f"An array of {array.dtype} cannot be saved, only numbers and truths.")
    return little


def _describe(array: NDArray[Any]) -> dict[str, Any]:
    return {"dtype": array.dtype.str, "shape": list(array.shape), "crc32": _crc(array)}


def _crc(array: NDArray[Any]) -> int:
    return zlib.crc32(array.reshape(-1).view(np.uint8).data)


def _write_members(file: IO[bytes], text: bytes, arrays: list[NDArray[Any]], method: int) -> None:
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(_member(MANIFEST, method), text)
        for i, array in enumerate(arrays):
            with archive.open(_member(_array_name(i), method), "w", force_zip64=True) as out:
                np.lib.format.write_array(out, array, version=(1, 0), allow_pickle=False)


def _member(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, FIRST_DAY)
    info.compress_type = method
    # zipfile has no other way to say this of a member that is written piece by piece.
    info._compresslevel = LEVEL  # type: ignore[attr-defined]
    return info


def _array_name(i: int) -> str:
    return f"arrays/{i}.npy"


# -- reading ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Spec:
    """What the manifest says of an array."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    crc32: int

    @classmethod
    def read(cls, entry: Any) -> _Spec:
        if not isinstance(entry, dict) or entry.get("dtype") not in DTYPES:
            raise WrongFile("holds an array of a kind that no lens has")
        shape, crc32 = entry.get("shape"), entry.get("crc32")
        if not isinstance(shape, list) or not all(map(_is_count, shape)) or not _is_count(crc32):
            raise WrongFile("holds an array whose shape makes no sense")
        if len(shape) > 8 or max(shape, default=0) > LIMIT:
            raise WrongFile("holds an array whose shape makes no sense")
        return cls(np.dtype(entry["dtype"]), tuple(shape), crc32)

    @property
    def nbytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _promises_too_much(total: int, size: int) -> bool:
    return total > SMALL and total > RATIO * size


def _check_beginning(path: Path) -> None:
    with path.open("rb") as file:
        begins = file.read(len(BEGINS))
    if begins != BEGINS:
        raise WrongFile("is no file of a lens", "give one that lens.save wrote")
    if not zipfile.is_zipfile(path):
        raise WrongFile("is cut short or damaged")


def _read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    if MANIFEST not in archive.namelist():
        raise WrongFile("is no file of a lens", "give one that lens.save wrote")
    info = archive.getinfo(MANIFEST)
    if info.file_size > MANIFEST_LIMIT:
        raise WrongFile("has a manifest larger than any lens's")
    _check_method(info)
    with archive.open(info) as file:
        manifest = json.loads(file.read(MANIFEST_LIMIT), parse_constant=_no_number)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise WrongFile("is no file of a lens", "give one that lens.save wrote")
    version = manifest.get("version")
    if not _is_count(version):
        raise WrongFile("does not say in which format it is written")
    if version > VERSION:
        raise WrongFile(
            f"is written in format {str(version)[:20]}, and this latentlens reads up to format "
            f"{VERSION}",
            "load it with the latentlens that saved it, or a later one",
        )
    if not isinstance(manifest.get("arrays"), list):
        raise WrongFile("has a manifest that lists no arrays")
    return manifest


def _no_number(name: str) -> Any:
    raise WrongFile(f"has {name} where a number should stand")


def _check_method(info: zipfile.ZipInfo) -> None:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise WrongFile("is packed in a way that no lens's file is")


def _check_members(archive: zipfile.ZipFile, specs: list[_Spec]) -> None:
    """Refuse members that are missing, occur twice, or do not belong to a lens."""
    wanted = [MANIFEST, *(_array_name(i) for i in range(len(specs)))]
    if sorted(archive.namelist()) != sorted(wanted):
        raise WrongFile("holds other files than those of a lens")


def _read_array(archive: zipfile.ZipFile, i: int, spec: _Spec) -> NDArray[Any]:
    info = archive.getinfo(_array_name(i))
    _check_method(info)
    with archive.open(info) as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise WrongFile(f"is damaged (array {i} is no array)")
        shape, by_columns, dtype = np.lib.format.read_array_header_1_0(file)
        if (shape, by_columns, dtype) != (spec.shape, False, spec.dtype):
            raise WrongFile(f"is damaged (array {i} is not what the manifest says)")
        if info.file_size != file.tell() + spec.nbytes:
            raise WrongFile(f"is damaged (array {i} has another size than it says)")
        array = _fill(file, spec)
    if _crc(array) != spec.crc32:
        raise WrongFile(f"is damaged (array {i} fails its check sum)")
    return array


def _fill(file: IO[bytes], spec: _Spec) -> NDArray[Any]:
    array = np.empty(spec.shape, spec.dtype)
    into = array.reshape(-1).view(np.uint8)
    done = 0
    while done < spec.nbytes:
        chunk = file.read(min(CHUNK, spec.nbytes - done))
        if not chunk:
            raise EOFError
        into[done : done + len(chunk)] = np.frombuffer(chunk, np.uint8)
        done += len(chunk)
    return array


def _put_back(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {ARRAY}:
            number = value[ARRAY]
            if not _is_count(number):
                raise WrongFile("refers to an array that it does not hold")
            return arrays[number]
        return {_as_named(key): _put_back(part, arrays) for key, part in value.items()}
    if isinstance(value, list):
        return [_put_back(part, arrays) for part in value]
    return value
