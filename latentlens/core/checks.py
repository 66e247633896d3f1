"""Checks of arguments: what was expected, what came, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def check_count(
    value: object, name: str, high: int | None = None, *, low: int = 1, why: str = ""
) -> int:
    """Give `value` as an int within ``low..high``.

    Parameters
    ----------
    value : object
        What the caller passed.
    name : str
        The argument's name as typed.
    high, low : int
        The bounds, both allowed; without `high` there is no upper one.
    why : str
        Where `high` comes from, for the message, such as ``"the index holds 32"``.

    Raises
    ------
    TypeError
        If `value` is no integer.
    ValueError
        If it is out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    count = int(value)
    if high is None and count < low:
        raise ValueError(f"{name} must be at least {low}, got {count}")
    if high is not None and not low <= count <= high:
        because = f" ({why})" if why else ""
        raise ValueError(f"{name} must be between {low} and {high}{because}, got {count}")
    return count


def check_share(value: object, name: str, *, zero: bool = True) -> float:
    """Give `value` as a float in [0, 1], or in (0, 1] without `zero`.

    Raises
    ------
    TypeError
        If `value` is no real number.
    ValueError
        If it is NaN or outside the interval.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number between 0 and 1, got {value!r}")
    inside = 0 <= float(value) <= 1 and (zero or float(value) > 0)
    if not inside:
        low = "0 and 1" if zero else "0 (excluded) and 1"
        raise ValueError(f"{name} must be between {low}, got {value!r}")
    return float(value)


def check_choice(value: object, name: str, choices: Collection[str]) -> str:
    """Give `value` if it is one of `choices`.

    Raises
    ------
    ValueError
        If it is not; the message lists the choices.
    """
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ValueError(f"{name} must be one of {listed}, got {value!r}")
    return value


def class_name(label: Any) -> Any:
    """Give the name that a class's number may stand for: 7 for "7"; None means all classes.

    Examples
    --------
    >>> class_name(7), class_name("cat"), class_name(None)
    ('7', 'cat', '')
    """
    if label is None:
        return ""
    whole = isinstance(label, int | np.integer) and not isinstance(label, bool)
    return str(int(label)) if whole else label


def check_class_names(names: Iterable[object]) -> tuple[str, ...]:
    """Give the names of classes as text, each of which must name one class.

    Raises
    ------
    ValueError
        If a class has no name, or two have the same.
    """
    texts = tuple(str(name) for name in names)
    for at in np.flatnonzero(_unclear(texts)).tolist():
        if not texts[at].strip():
            raise ValueError(f"classes must name every class; class {at} has no name.")
        other = texts.index(texts[at], texts.index(texts[at]) + 1)
        raise ValueError(
            f"classes must name each class once; {texts[at]!r} stands for class {at} and for class "
            f"{other}. Tell them apart, for example as '{texts[at]} ({at})'."
        )
    return texts


def numbered_apart(names: Iterable[object]) -> tuple[str, ...]:
    """Give the names of classes, those that are doubled or blank with the class's number.

    Examples
    --------
    >>> numbered_apart(["crane", "owl", "crane"])
    ('crane (0)', 'owl', 'crane (2)')
    """
    texts = tuple(str(name) for name in names)
    numbered = [f"{text} ({at})".strip() for at, text in enumerate(texts)]
    apart = list(texts)
    # One with its number may read as another's name does; then that one gets its own, too.
    while any(unclear := _unclear(apart)):
        apart = [numbered[at] if unclear[at] else text for at, text in enumerate(apart)]
    return tuple(apart)


def _unclear(texts: Sequence[str]) -> list[bool]:
    times = Counter(texts)
    return [times[text] > 1 or not text.strip() for text in texts]


def check_latent(latent: ArrayLike, name: str = "latent") -> NDArray[np.float64]:
    """Give `latent` as a finite float64 array of shape (n_items, d), both at least 1.

    Raises
    ------
    ValueError
        If it has another shape, no items, no units, or values that are not finite.
    """
    array = np.asarray(latent, dtype=np.float64)
    if array.ndim != 2:
        raise ValueError(
            f"{name} must have shape (n_items, d), got {array.shape}; flatten each item first"
        )
    if 0 in array.shape:
        raise ValueError(f"{name} must hold at least one item and one unit, got {array.shape}")
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        first = int(np.flatnonzero(~finite)[0])
        raise ValueError(
            f"{name} has NaN or infinite values in {int((~finite).sum())} of {len(array)} items, "
            f"the first in row {first}; drop those items or replace the values"
        )
    return array


def check_labels(
    label: ArrayLike, name: str, n_items: int, *, n_classes: int | None = None
) -> NDArray[np.int32]:
    """Give `label` as int32 of shape (n_items,), -1 where unknown.

    Parameters
    ----------
    label : array of shape (n_items,)
        Whole numbers from 0, or -1 where the class is unknown.
    name : str
        The argument's name as typed.
    n_items : int
        How many are expected.
    n_classes : int, optional
        One more than the largest number allowed.

    Raises
    ------
    ValueError
        If the shape is another, a value is no whole number, or lies outside the classes.
    """
    array = np.asarray(label)
    if array.shape != (n_items,):
        raise ValueError(f"{name} must have shape ({n_items},), one per item, got {array.shape}")
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise ValueError(
            f"{name} must hold class numbers from 0, with -1 where unknown, got {_first_odd(array)}"
        )
    whole = array.astype(np.int64)
    if (whole != array).any():
        raise ValueError(f"{name} must hold whole class numbers, got {_first_odd(array)}")
    low, high = int(whole.min(initial=-1)), int(whole.max(initial=-1))
    if low < -1:
        raise ValueError(f"{name} must hold class numbers from 0, or -1 if unknown, got {low}")
    if n_classes is not None and high >= n_classes:
        raise ValueError(
            f"{name} holds class {high}, but there are {n_classes} classes, 0 to {n_classes - 1}"
        )
    return whole.astype(np.int32)


def check_rows(rows: ArrayLike, name: str, n_items: int) -> NDArray[np.int64]:
    """Give `rows` as int64 of shape (n,), each within ``0..n_items - 1``.

    Raises
    ------
    ValueError
        If it is not one-dimensional, not whole, or reaches outside the items.
    """
    array = np.asarray(rows)
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be row numbers in one dimension, got {array.dtype} of shape {array.shape}"
        )
    if int(array.min()) < 0 or int(array.max()) >= n_items:
        raise ValueError(
            f"{name} must hold rows between 0 and {n_items - 1}, "
            f"got {int(array.min())} to {int(array.max())}"
        )
    return array.astype(np.int64)


def _first_odd(array: NDArray[Any]) -> str:
    if array.dtype.kind != "f":
        return f"dtype {array.dtype}"
    odd = ~np.isfinite(array) | (np.floor(array) != array)
    return repr(float(array[odd][0]))
