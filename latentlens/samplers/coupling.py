"""Probabilities from a support vector machine's decision values.

References
----------
.. [1] J. Platt, "Probabilistic outputs for support vector machines and
   comparisons to regularized likelihood methods", 1999.
.. [2] H.-T. Lin, C.-J. Lin and R. Weng, "A note on Platt's probabilistic outputs
   for support vector machines", Machine Learning 68, 2007.
.. [3] T.-F. Wu, C.-J. Lin and R. Weng, "Probability estimates for multi-class
   classification by pairwise coupling", JMLR 5, 2004.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

MIN_PAIR = 1e-7
"""Pairwise probabilities are kept this far from 0 and 1, as libsvm does."""
ROWS_AT_ONCE = 4096


def fit_platt(decision: NDArray[np.float64], positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit the sigmoid P(positive | f) = 1 / (1 + exp(a f + b)).

    Cross-entropy against targets drawn in from 0 and 1 [1]_, by Newton's method
    with backtracking [2]_.

    Parameters
    ----------
    decision : ndarray of shape (n,), float64
        Decision values f.
    positive : ndarray of shape (n,), bool
        At least one of each kind.

    Returns
    -------
    tuple of float
        a and b.
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    target = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    ab = np.array([0.0, np.log((n_negative + 1) / (n_positive + 1))])
    design = np.stack([decision, np.ones_like(decision)])
    loss = _platt_loss(ab, design, target)
    for _ in range(100):
        p = expit(-(ab @ design))
        gradient = design @ (target - p)
        if np.abs(gradient).max() < 1e-5:
            break
        hessian = (design * (p * (1 - p))) @ design.T + 1e-12 * np.eye(2)
        step = -np.linalg.solve(hessian, gradient)
        size, slope = 1.0, float(gradient @ step)
        while size >= 1e-10:
            new = ab + size * step
            new_loss = _platt_loss(new, design, target)
            if new_loss < loss + 1e-4 * size * slope:
                break
            size /= 2
        else:
            break
        ab, loss = new, new_loss
    return float(ab[0]), float(ab[1])


def _platt_loss(
    ab: NDArray[np.float64], design: NDArray[np.float64], target: NDArray[np.float64]
) -> float:
    z = ab @ design
    return float(np.sum(target * z + np.logaddexp(0, -z)))


def couple(pair: NDArray[np.float64]) -> NDArray[np.float64]:
    """Combine pairwise probabilities into one distribution per item.

    Minimises sum_ij (r_ji p_i - r_ij p_j)^2 with the p_i summing to 1, the
    second method of [3]_, by its linear system.

    Parameters
    ----------
    pair : ndarray of shape (n_items, n_classes, n_classes), float64
        r_ij, the probability of class i given that it is i or j; the diagonal
        is not read.

    Returns
    -------
    ndarray of shape (n_items, n_classes), float64
        Each row sums to 1.
    """
    n, n_classes, _ = pair.shape
    p = np.empty((n, n_classes))
    for start in range(0, n, ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        p[rows] = _solve(np.clip(pair[rows], MIN_PAIR, 1 - MIN_PAIR))
    return p


def _solve(pair: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve [[Q, 1], [1', 0]] [p; b] = [0; 1] for each item."""
    n, n_classes, _ = pair.shape
    diagonal = np.arange(n_classes)
    other_way = pair.transpose(0, 2, 1).copy()
    other_way[:, diagonal, diagonal] = 0
    system = np.ones((n, n_classes + 1, n_classes + 1))
    system[:, :-1, :-1] = -other_way * pair
    system[:, diagonal, diagonal] = (other_way**2).sum(axis=2)
    system[:, -1, -1] = 0
    right = np.zeros((n, n_classes + 1, 1))
    right[:, -1] = 1
    p = np.maximum(np.linalg.solve(system, right)[:, :-1, 0], 0)
    return np.asarray(p / p.sum(axis=1, keepdims=True))
