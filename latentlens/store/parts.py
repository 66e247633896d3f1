"""What a file holds, taken out part by part, each checked before it is used."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from latentlens.store.archive import WrongFile


class Parts:
    """One mapping of a file's content.

    Parameters
    ----------
    content : Any
        Whatever stands there; refused if it is no mapping.
    where : str
        Its name in messages.

    Raises
    ------
    WrongFile
        From every method, if a part is missing or is not what was asked for.
    """

    def __init__(self, content: Any, where: str) -> None:
        self.where = where
        if not isinstance(content, dict):
            raise WrongFile(f"has no {where} that makes sense")
        self.content: dict[str, Any] = content

    def wrong(self, name: str) -> WrongFile:
        """Give the error about a part."""
        return WrongFile(f"has {name} of {self.where} that makes no sense")

    def part(self, name: str) -> Parts:
        """Give a part that is a mapping itself."""
        return Parts(self.content.get(name), f"{name} of {self.where}")

    def each(self) -> Iterator[tuple[str, Parts]]:
        """Give every part, all of which are mappings."""
        for name, content in self.content.items():
            yield name, Parts(content, f"{name[:60]} of {self.where}")

    def text(self, name: str, choices: Collection[str] | None = None) -> str:
        """Give a text, one of some if they are given."""
        value = self.content.get(name)
        if not isinstance(value, str) or (choices is not None and value not in choices):
            raise self.wrong(name)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Give a list of texts."""
        value = self.content.get(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.wrong(name)
        return tuple(value)

    def flag(self, name: str) -> bool:
        """Give a truth value."""
        value = self.content.get(name)
        if not isinstance(value, bool):
            raise self.wrong(name)
        return value

    def count(self, name: str, low: int = 0, high: int = 2**63 - 1) -> int:
        """Give a whole number within bounds, both allowed."""
        value = self.content.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(name)
        return value

    def counts(self, name: str) -> tuple[int, ...]:
        """Give a list of whole numbers from 0."""
        value = self.content.get(name)
        if not isinstance(value, list):
            raise self.wrong(name)
        if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in value):
            raise self.wrong(name)
        return tuple(value)

    def array(
        self, name: str, dtype: DTypeLike, shape: tuple[int | None, ...], *, finite: bool = False
    ) -> NDArray[Any]:
        """Give an array of a dtype and shape; None stands for any length from 1."""
        value = self.content.get(name)
        if not isinstance(value, np.ndarray) or value.dtype != np.dtype(dtype):
            raise self.wrong(name)
        if value.ndim != len(shape):
            raise self.wrong(name)
        fits = (have == want or (want is None and have > 0)
                for have, want in zip(value.shape, shape, strict=True))  # fmt: skip
        if not all(fits) or (finite and not np.isfinite(value).all()):
            raise self.wrong(name)
        return value

    def maybe(
        self, name: str, dtype: DTypeLike, shape: tuple[int | None, ...], *, finite: bool = False
    ) -> NDArray[Any] | None:
        """Give an array, or None where there is none."""
        if self.content.get(name) is None:
            return None
        return self.array(name, dtype, shape, finite=finite)
