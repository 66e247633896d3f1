"""The place of a file: checked before any work is done, and written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


def check_target(path: str | Path, example: str, *, endings: tuple[str, ...] = ()) -> Path:
    """Give the file to write.

    Parameters
    ----------
    path : str or Path
    example : str
        The name of such a file, for the message.
    endings : tuple of str
        What its name may end in, where another ending would be taken for another format.

    Raises
    ------
    TypeError
        If it is no path.
    IsADirectoryError, FileNotFoundError, PermissionError, ValueError
        If it is a folder, its folder is not there, it cannot be written, or ends otherwise.
    """
    target = _named(path, example)
    if target.is_dir():
        raise IsADirectoryError(
            f"path must name a file, such as {str(target / example)!r}; {str(target)!r} is "
            "a folder."
        )
    real = _behind_links(target)
    if not real.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(real.parent)!r} for {real.name!r}; make it first."
        )
    if endings and target.suffix.lower() not in ("", *endings):
        raise ValueError(
            f"path must end in {' or '.join(endings)}, for that is what is written; got "
            f"{target.name!r}. Name it {target.with_suffix(endings[0]).name!r}."
        )
    if target.exists() and not target.is_file():
        raise ValueError(f"path must name a file; {str(target)!r} is a device. Name another.")
    for place in (target, real.parent):
        if place.exists() and not os.access(place, os.W_OK):
            raise PermissionError(
                f"{str(place)!r} may only be read. Name another file, or make it writable."
            )
    return target


def check_source(path: str | Path, example: str) -> Path:
    """Give the file to read.

    Parameters
    ----------
    path : str or Path
    example : str
        The name of such a file, for the message.

    Raises
    ------
    TypeError
        If it is no path.
    FileNotFoundError, PermissionError, ValueError
        If it is not there, may not be read, or is no file.
    """
    source = _named(path, example)
    if not source.exists():
        raise FileNotFoundError(f"There is no file {str(source)!r} to load a lens from.")
    if not source.is_file():
        raise ValueError(f"{str(source)!r} is no file; give one that lens.save wrote.")
    if not os.access(source, os.R_OK):
        raise PermissionError(f"{str(source)!r} may not be read; ask whoever owns it.")
    return source


def _named(path: str | Path, example: str) -> Path:
    if isinstance(path, str | os.PathLike):
        return Path(path)
    raise TypeError(f"path must name a file, such as {example!r}; got {path!r}.")


@contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """Give a file beside `target` that takes its place at the end, or vanishes on an error.

    A symbolic link stays one, and the file behind it is replaced; an older file's
    rights stay as they were.
    """
    target = _behind_links(target)
    file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - it is closed before it is renamed
        dir=target.parent, prefix=f".{target.name}.", suffix=".part", delete=False
    )
    part = Path(file.name)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.chmod(_rights(target))
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_whole(target: Path, data: bytes) -> Path:
    """Write a file, or leave the older one as it was; give its place."""
    with replacing(target) as file:
        file.write(data)
    return target


def _behind_links(target: Path) -> Path:
    return Path(os.path.realpath(target)) if target.is_symlink() else target


def _rights(target: Path) -> int:
    """Give an older file's, or those of any new file; a temporary one is nobody else's."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
