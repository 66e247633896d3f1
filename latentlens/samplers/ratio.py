"""The likelihood ratio of a group against all others, in log space.

A ratio of 1, a logarithm of 0, is the boundary. Taken from probabilities it
would be lost where one of them rounds to 1; from log weights it is not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SMALLEST = 1e-12
"""Probabilities are taken to lie between this and one minus this."""
NEVER_SEEN = float(np.log(SMALLEST))
"""Log ratio of a group that the fit has no item of."""


def log_ratio(log_weight: NDArray[np.float64], own: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give log of the own group's weight over the sum of the others'.

    Parameters
    ----------
    log_weight : ndarray of shape (n_items, n_groups), float64
        Logarithms of weights, up to a constant per item; at least two groups.
    own : ndarray of shape (n_items,), int64
        Each item's group as a column of `log_weight`; -1 for one that has none.

    Returns
    -------
    ndarray of shape (n_items,), float64
    """
    rows = np.arange(len(own))
    column = np.maximum(own, 0)
    others = log_weight.copy()
    others[rows, column] = -np.inf
    # There is another group, so that a largest one is finite.
    largest = others.max(axis=1)
    others -= largest[:, None]
    np.exp(others, out=others)
    ratio = log_weight[rows, column] - largest - np.log(others.sum(axis=1))
    return np.where(own < 0, NEVER_SEEN, ratio)


def log_probability(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the logarithm of probabilities kept within [1e-12, 1 - 1e-12]."""
    return np.asarray(np.log(np.clip(probability, SMALLEST, 1 - SMALLEST)))
