"""What is known of the items besides: columns of numbers, categories or text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ColumnKind = Literal["number", "category", "text"]
Origin = Literal["int", "float", "bool", "text"]

MOST_LEVELS = 1000
"""Up to so many distinct values a column is a category, whose colours can still be told."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of metadata.

    Parameters
    ----------
    name : str
    origin : {"int", "float", "bool", "text"}
        What the values were.
    values : ndarray of shape (n_items,)
        Numbers as float64, NaN where missing; else int32 positions in `levels`,
        -1 where missing.
    levels : tuple of str
        The distinct values of what is no number: categories in their order, other
        text in the order of its characters.
    """

    name: str
    origin: Origin
    values: NDArray[Any]
    levels: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def kind(self) -> ColumnKind:
        """What the column is to the eye: a scale, colours, or words."""
        if self.origin in ("int", "float"):
            return "number"
        return "category" if len(self.levels) <= MOST_LEVELS else "text"

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Which items have no value."""
        gone: NDArray[np.bool_] = (
            np.isnan(self.values) if self.kind == "number" else self.values < 0
        )
        return gone

    def take(self, rows: NDArray[np.int64]) -> Column:
        """Give the column of some items, in their order."""
        return replace(self, values=self.values[rows])

    def plain(self) -> Any:
        """Give the values as pandas has them."""
        import pandas as pd

        if self.origin == "float":
            return self.values
        if self.origin == "int":
            return _whole(self.values, self.missing)
        if self.origin == "bool":
            # Levels are "False", "True".
            truth = self.values == 1
            return pd.arrays.BooleanArray(truth, self.missing) if self.missing.any() else truth
        return pd.Categorical.from_codes(self.values, categories=pd.Index(self.levels))


def _whole(values: NDArray[np.float64], missing: NDArray[np.bool_]) -> Any:
    import pandas as pd

    whole = np.where(missing, 0, values).astype(np.int64)
    return pd.arrays.IntegerArray(whole, missing) if missing.any() else whole


@dataclass(frozen=True)
class Metadata(Mapping[str, Column]):
    """Columns by name, each with one value per item; made by `LatentLens(metadata=...)`.

    Parameters
    ----------
    columns : tuple of Column
    """

    columns: tuple[Column, ...] = ()

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (column.name for column in self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def n_items(self) -> int | None:
        """How many items the columns have values for; None without columns."""
        return len(self.columns[0]) if self.columns else None

    def take(self, rows: NDArray[np.int64]) -> Metadata:
        """Give the metadata of some items, in their order."""
        return Metadata(tuple(column.take(rows) for column in self.columns))
