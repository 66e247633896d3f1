"""Metadata as people bring it: pandas, polars or arrow tables, or a mapping of columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.metadata import Column, Metadata

if TYPE_CHECKING:
    import narwhals as nw

TAKEN = frozenset(
    ("class", "color_by", "correct", "group", "in_sample", "item", "kept", "label", "loss",
     "margin", "position", "pred", "predicted", "rank", "role", "row", "true", "unit", "x", "y")
)  # fmt: skip
"""Names with a meaning of their own, in `frame`, in a search or in the colour menu."""
MOST_COLUMNS = 200
WANTED = (
    "metadata must be a table with one row per item (pandas, polars or arrow), or a mapping of "
    "column names to sequences"
)


def read_metadata(given: Any) -> Metadata:
    """Take over a table, each column checked.

    Parameters
    ----------
    given : DataFrame, Table, mapping of str to sequence, or Metadata

    Raises
    ------
    TypeError
        If it is no table, or a column holds what is neither number, truth value,
        text, category nor date.
    ValueError
        If names are doubled or have a meaning of their own, or lengths differ.
    """
    if isinstance(given, Metadata):
        return given
    import narwhals as nw

    if isinstance(given, Mapping):
        columns = _series_of(given)
    else:
        # Where doubled names are possible at all, narwhals would refuse them in its own words.
        if type(given).__module__.split(".")[0] in ("pandas", "pyarrow"):
            _refuse_doubles([str(name) for name in getattr(given, "column_names", None) or given])
        try:
            table = nw.from_native(given, eager_only=True)
        except TypeError:
            raise TypeError(f"{WANTED}; got {type(given).__name__}.") from None
        columns = {name: table[name] for name in table.columns}
    check_names(list(columns))
    return Metadata(tuple(_column(name, series) for name, series in columns.items()))


def fit_rows(
    metadata: Metadata,
    n_items: int,
    ids: NDArray[np.int64] | None = None,
    n_dataset: int | None = None,
) -> Metadata:
    """Give the metadata of the items that are read.

    Parameters
    ----------
    metadata : Metadata
    n_items : int
        How many items are read.
    ids : ndarray of shape (n_items,), int64, optional
        Their positions in the dataset.
    n_dataset : int, optional
        How many items the dataset has, of which the loader may read a part.

    Raises
    ------
    ValueError
        If the rows are as many as neither.
    """
    n = metadata.n_items
    if n is None or n == n_items:
        return metadata
    if ids is not None and n == n_dataset:
        return metadata.take(ids)
    partly = n_dataset is not None and n_dataset != n_items
    of_all = f", or per item of the dataset, {n_dataset:,}" if partly else ""
    raise ValueError(
        f"metadata must have one row per item, {n_items:,}{of_all}; got {n:,}. "
        "Row i belongs to item i, whatever index the table has."
    )


def _series_of(given: Mapping[Any, Any]) -> dict[str, nw.Series[Any]]:
    columns: dict[str, Any] = {}
    lengths: dict[str, int] = {}
    for name, values in given.items():
        if isinstance(values, str) or not hasattr(values, "__len__"):
            raise TypeError(f"{WANTED}; column {name!r} is {type(values).__name__}.")
        if _axes(values) != 1:
            raise TypeError(
                f"metadata column {name!r} must have one value per item; it has shape "
                f"{np.shape(values)}. Pass its parts as columns of their own."
            )
        columns[name], lengths[name] = _series(values), len(values)
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} {n:,}" for name, n in lengths.items())
        raise ValueError(f"metadata columns must be equally long; got {listed}.")
    return columns


def _series(values: Any) -> nw.Series[Any]:
    import narwhals as nw
    import pandas as pd

    try:
        return nw.from_native(values, series_only=True)
    except TypeError:
        return nw.from_native(pd.Series(values), series_only=True)


def check_names(names: Sequence[Any]) -> None:
    """Refuse names that no column can have.

    Raises
    ------
    ValueError
    """
    for name in names:
        if not isinstance(name, str) or not name.strip() or '"' in name:
            raise ValueError(
                f"metadata column names must be words without quotes; got {name!r}. Rename it."
            )
    clashing = sorted(name for name in names if name.lower() in TAKEN)
    if clashing:
        raise ValueError(
            f"metadata may not name a column {', '.join(map(repr, clashing))}: a lens has that "
            f"already. Rename it, for example to {'my_' + clashing[0]!r}."
        )
    _refuse_doubles([name.lower() for name in names])
    if len(names) > MOST_COLUMNS:
        raise ValueError(
            f"metadata may have at most {MOST_COLUMNS} columns; got {len(names):,}. "
            "Pass those that you want to see."
        )


def _refuse_doubles(names: Sequence[str]) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ValueError(
            f"metadata has more than one column called {', '.join(map(repr, doubled))} "
            "(capitals do not count). Rename them."
        )


def _column(name: str, series: nw.Series[Any]) -> Column:
    import narwhals as nw

    kind = series.dtype
    if kind == nw.Boolean:
        truth = np.array([-1 if _gone(v) else int(v) for v in series.to_list()], np.int32)
        return Column(name=name, origin="bool", values=truth, levels=("False", "True"))
    if kind.is_numeric():
        return _numbers(name, series, whole=kind.is_integer())
    if kind in (nw.Categorical, nw.Enum):
        return _words(name, series.to_list(), _category_order(name, series))
    if kind in (nw.Date, nw.Datetime, nw.Time):
        return _words(name, [None if _gone(v) else _day(v) for v in series.to_list()])
    values = series.to_list()
    if kind == nw.String or all(isinstance(v, str | bool | np.bool_) or _gone(v) for v in values):
        return _words(name, values)
    if all(isinstance(v, date | time) or _gone(v) for v in values):
        return _words(name, [None if _gone(v) else _day(v) for v in values])
    odd = next(v for v in values if not (isinstance(v, str | bool | np.bool_) or _gone(v)))
    several = isinstance(odd, list | tuple | dict | set | np.ndarray) or hasattr(odd, "shape")
    raise TypeError(
        f"metadata column {name!r} must hold numbers, truth values, text, categories or dates; "
        f"got {kind} ({type(odd).__name__}). "
        + (
            "Give its parts as columns of their own, or join them into one text."
            if several
            else "Turn it into one of these, or leave it out."
        )
    )


def _axes(values: Any) -> int:
    """Count the axes of a column's values, where all of them are of one shape."""
    try:
        return np.ndim(values)
    except ValueError:
        return 1


def _category_order(name: str, series: nw.Series[Any]) -> list[str] | None:
    """Give categories in the order they were given; None where they have none."""
    import narwhals as nw

    if isinstance(series.dtype, nw.Enum):
        return list(map(str, series.dtype.categories))
    of_pandas = getattr(getattr(series.to_native(), "cat", None), "categories", None)
    if of_pandas is None:
        return None
    names = list(map(str, of_pandas))
    times = Counter(names)
    doubled = [given for given, text in zip(of_pandas, names, strict=True) if times[text] > 1]
    if doubled:
        raise ValueError(
            f"metadata column {name!r} has categories that read alike: "
            f"{', '.join(map(repr, doubled))}. Rename one of them, or make them one with "
            "astype(str)."
        )
    return names


def _numbers(name: str, series: nw.Series[Any], *, whole: bool) -> Column:
    values = np.array([np.nan if _gone(v) else v for v in series.to_list()], np.float64)
    whole = whole and bool((np.abs(values[~np.isnan(values)]) < 2**53).all())
    return Column(name=name, origin="int" if whole else "float", values=values)


def _words(name: str, values: Sequence[Any], order: Sequence[str] | None = None) -> Column:
    texts = [None if _gone(value) else str(value) for value in values]
    seen = {text for text in texts if text is not None}
    levels = sorted(seen) if order is None else [level for level in order if level in seen]
    number = {level: at for at, level in enumerate(levels)}
    codes = np.array([-1 if text is None else number[text] for text in texts], np.int32)
    return Column(name=name, origin="text", values=codes, levels=tuple(levels))


def _day(moment: Any) -> str:
    """Write a date, and the time of day unless all it says is midnight."""
    return str(moment).removesuffix(" 00:00:00")


def _gone(value: Any) -> bool:
    """Whether a value says that there is none: None, NaN, NA, NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    # Of an array that is one truth value per element.
    differs = value != value  # noqa: PLR0124
    return isinstance(differs, bool | np.bool_) and bool(differs)
