"""Strata made of what is known of every item: its label and its prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STRATA = ("confusion", "correctness")


def stratify(
    label: NDArray[np.int32], pred: NDArray[np.int32] | None, strata: str
) -> tuple[NDArray[np.int64], str]:
    """Give every item its stratum.

    Where only one of label and prediction is known, that one is the stratum, and
    items without a label stand apart from those that have one.

    Parameters
    ----------
    label : ndarray of shape (n_items,), int32
        -1 where unknown.
    pred : ndarray of shape (n_items,), int32, or None
    strata : {"confusion", "correctness"}
        "confusion": the pair of prediction and label. "correctness": the label,
        and whether the prediction is the same.

    Returns
    -------
    stratum : ndarray of shape (n_items,), int64
        From 0, in order of the label and then of the prediction; none is empty.
    note : str
        What was missing, in a sentence; empty if nothing was.
    """
    known = label >= 0
    if pred is None:
        first, second = label, np.zeros_like(label)
    elif strata == "confusion":
        first, second = label, pred
    else:
        first, second = label, np.where(known, label != pred, pred)
    pair = (first.astype(np.int64) + 1) * (int(second.max()) + 1) + second
    stratum = np.unique(pair, return_inverse=True)[1].astype(np.int64)
    return stratum, _missing(bool(known.any()), pred is not None)


def _missing(has_label: bool, has_pred: bool) -> str:
    if has_label and has_pred:
        return ""
    if has_label:
        return "No prediction is known, so the strata are the classes alone."
    if has_pred:
        return "No item has a label, so the strata are the predicted classes alone."
    return "Neither labels nor predictions are known, so all items are one stratum."
