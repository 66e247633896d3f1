"""A record built from arrays that somebody already holds.

The door for other frameworks and precomputed embeddings, and the plain,
independent way to the index that the streaming pass is tested against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.checks import check_class_names
from latentlens.core.record import CELL_KINDS, LayerIndex, Record, cells, count_cells

LATENT = "latent"
LOGITS = "logits"


def index_activations(
    name: str,
    activations: ArrayLike,
    label: NDArray[np.int32],
    pred: NDArray[np.int32],
    *,
    n_classes: int,
    keep: int = 32,
) -> LayerIndex:
    """Make a layer's top-K index and running sums from its raw activations.

    Parameters
    ----------
    name : str
        The layer's name.
    activations : array of shape (n_items, ...)
        Anything beyond the first axis is flattened to units.
    label, pred : ndarray of shape (n_items,), int32
        True and predicted class, -1 where unknown.
    n_classes : int
        How many classes there are.
    keep : int
        K, how many of the largest activations per item are kept.

    Returns
    -------
    LayerIndex

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import index_activations
    >>> values = [[0.1, 2.0, 0.0], [3.0, 0.5, 0.0], [1.0, 1.5, 0.0]]
    >>> label, pred = np.array([0, 1, 1]), np.array([0, 1, 0])
    >>> layer = index_activations("fc1", values, label, pred, n_classes=2)
    >>> layer.top_value[0].tolist()
    [2.0, 0.10000000149011612, 0.0]
    """
    raw = np.asarray(activations, np.float32)
    values, nonfinite = _rows_of_units(raw)
    top = np.argsort(-values, axis=1, kind="stable")[:, :keep]
    units = values.shape[1]
    return LayerIndex(
        name=name,
        shape=raw.shape[1:],
        reduce="unit",
        units=units,
        top_unit=top.astype(np.uint16 if units <= 2**16 else np.uint32),
        top_value=np.take_along_axis(values, top, axis=1),
        silent=np.asarray(~values.any(axis=1)),
        cell_sum=_cell_sums(values, label, pred, n_classes),
        unit_max=values.max(axis=0),
        unit_min=values.min(axis=0),
        nonfinite=nonfinite,
    )


def _cell_sums(
    values: NDArray[np.float32],
    label: NDArray[np.int32],
    pred: NDArray[np.int32],
    n_classes: int,
) -> NDArray[np.float64]:
    sums = np.zeros((CELL_KINDS, n_classes, values.shape[1]))
    for kind, cls, member in cells(label, pred):
        for c in np.unique(cls[member]):
            sums[kind, c] = values[member & (cls == c)].sum(axis=0, dtype=np.float64)
    return sums


def record_from_arrays(
    latent: ArrayLike,
    label: ArrayLike | None = None,
    pred: ArrayLike | None = None,
    *,
    logits: ArrayLike | None = None,
    activations: Mapping[str, ArrayLike] | None = None,
    classes: Sequence[str] | None = None,
    keep: int = 32,
) -> Record:
    """Build a record from a latent and whatever else is known.

    Parameters
    ----------
    latent : array of shape (n_items, d)
        One vector per item; anything beyond the first axis is flattened.
    label : array of shape (n_items,), optional
        True class as an integer, -1 where unknown.
    pred : array of shape (n_items,), optional
        Predicted class; the largest logit's if only `logits` is given.
    logits : array of shape (n_items, n_classes), optional
    activations : mapping of str to array of shape (n_items, ...), optional
        Further layers, in the order of execution.
    classes : sequence of str, optional
        Names; "0", "1", ... if not given.
    keep : int
        K of the top-K index.

    Returns
    -------
    Record

    Raises
    ------
    TypeError
        If an array is given as a path, or `activations` without names.
    ValueError
        If lengths differ, the latent is empty, flat or not finite, or a class lies
        outside `classes`, or two classes have one name.

    Examples
    --------
    >>> from latentlens.core import record_from_arrays
    >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.2, 0.9], [0.0, 0.7]]
    >>> record = record_from_arrays(latent, label=[0, 0, 1, 1], pred=[0, 1, 1, 1])
    >>> record.correct.tolist()
    [True, False, True, True]
    """
    z = _matrix(latent, "latent")
    n = len(z)
    scores = None if logits is None else _matrix(logits, "logits", n)
    y = _classes_of(label, "label", n)
    if pred is None and scores is not None:
        pred = scores.argmax(axis=1)
    y_hat = _classes_of(pred, "pred", n)
    if pred is not None and (y_hat < 0).any():
        raise ValueError("pred must be known for all items or left out; got -1 among them.")
    n_classes = _count_classes(y, y_hat, scores, classes)
    names = check_class_names(range(n_classes) if classes is None else classes)
    further = _named_layers(activations)
    raw = {name: _matrix(a, f"activations[{name!r}]", n) for name, a in further.items()}
    raw.setdefault(LATENT, z)
    if scores is not None:
        raw.setdefault(LOGITS, scores)
    return Record(
        latent=z,
        logits=scores,
        label=y,
        pred=y_hat,
        loss=None if scores is None else cross_entropy(scores, y),
        ids=np.arange(n),
        classes=names,
        cell_count=count_cells(y, y_hat, n_classes),
        latent_layer=LATENT,
        layers={
            name: index_activations(name, a, y, y_hat, n_classes=n_classes, keep=keep)
            for name, a in raw.items()
        },
        meta={"model": "arrays", "notes": [], "random_access": False},
    )


def units_of(activations: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float32]]:
    """Give layers' activations as the index takes them.

    Parameters
    ----------
    activations : mapping of str to array of shape (n_items, ...)

    Returns
    -------
    dict of str to ndarray of shape (n_items, units), float32
        The arrays' own memory where it holds such values already; zero for NaN
        and infinities.
    """
    return {
        name: _rows_of_units(np.asarray(values, np.float32))[0]
        for name, values in activations.items()
    }


def _rows_of_units(raw: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Give one row of units per item, zero for NaN and infinities, and how many those were."""
    flat = raw.reshape(len(raw), -1)
    finite = np.isfinite(flat)
    if finite.all():
        return flat, 0
    return np.where(finite, flat, np.float32(0)), int(flat.size - finite.sum())


def cross_entropy(logits: NDArray[np.float32], label: NDArray[np.int32]) -> NDArray[np.float32]:
    """Give each item's cross-entropy in nats, NaN where the label is unknown."""
    z = logits.astype(np.float64)
    z = z - z.max(axis=1, keepdims=True)
    known = label >= 0
    own = z[np.arange(len(z)), np.where(known, label, 0)]
    loss = np.log(np.exp(z).sum(axis=1)) - own
    return np.where(known, loss, np.nan).astype(np.float32)


def _named_layers(activations: Mapping[str, ArrayLike] | None) -> Mapping[str, ArrayLike]:
    if activations is None or isinstance(activations, Mapping):
        return activations or {}
    raise TypeError(
        "activations must map names of layers to arrays, such as {'fc1': array}; got "
        f"{type(activations).__name__}. Give it a name: activations={{'fc1': ...}}."
    )


def _matrix(values: ArrayLike, name: str, n: int | None = None) -> NDArray[np.float32]:
    if isinstance(values, str | PathLike):
        raise TypeError(
            f"{name} must be an array with one row per item; got the path {str(values)!r}. "
            f"Load it first: np.load({str(values)!r})."
        )
    array = np.asarray(values, np.float32)
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must hold one row per item, got shape {array.shape}.")
    if name == "latent" and array.ndim == 1:
        raise ValueError(
            f"latent must have shape (n_items, d), one vector per item; got {array.shape}. Give "
            "it before it was flattened, or latent.reshape(-1, 1) if an item has one value."
        )
    if n is not None and len(array) != n:
        raise ValueError(f"{name} must have as many rows as latent, {n:,}; got {len(array):,}.")
    array = array.reshape(len(array), -1)
    if name in ("latent", "logits") and not np.isfinite(array).all():
        bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
        raise ValueError(
            f"{name} must be finite; {len(bad):,} rows are not, the first is row {bad[0]}. "
            "Leave those rows out or replace the values."
        )
    return array


def _classes_of(values: ArrayLike | None, name: str, n: int) -> NDArray[np.int32]:
    if values is None:
        return np.full(n, -1, np.int32)
    array: NDArray[Any] = np.asarray(values)
    if array.shape != (n,):
        raise ValueError(f"{name} must have shape ({n},), one class per item; got {array.shape}.")
    if array.dtype.kind == "f" and not np.equal(array, np.round(array)).all():
        raise ValueError(f"{name} must hold class numbers, got fractions such as {array[0]}.")
    if array.dtype.kind not in "iufb":
        raise ValueError(
            f"{name} must hold class numbers 0..C-1, got {array.dtype}; pass the names as classes=."
        )
    return array.astype(np.int32)


def _count_classes(
    label: NDArray[np.int32],
    pred: NDArray[np.int32],
    logits: NDArray[np.float32] | None,
    classes: Sequence[str] | None,
) -> int:
    seen = int(max(label.max(), pred.max(), 0)) + 1
    if int(min(label.min(), pred.min())) < -1:
        raise ValueError("label and pred must be class numbers from 0, or -1 where unknown.")
    if logits is not None and logits.shape[1] < seen:
        raise ValueError(
            f"label and pred go up to class {seen - 1}, but logits has {logits.shape[1]} columns."
        )
    wanted = logits.shape[1] if logits is not None else seen
    if classes is None:
        return wanted
    if len(classes) < wanted:
        raise ValueError(f"classes must name {wanted} classes, got {len(classes)}.")
    return len(classes)
