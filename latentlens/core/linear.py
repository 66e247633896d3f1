"""Means over a group from a stratified sample, and their variances.

Both estimators are linear in the items to first order, and so have their
variance from the items' residuals [1]_.

References
----------
.. [1] C.-E. Särndal, B. Swensson and J. Wretman, "Model Assisted Survey
   Sampling", Springer 1992, chapters 5 to 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse.linalg
from numpy.typing import NDArray

from latentlens.core.design import Design

COMPONENTS = 20
"""Principal components of the latent that the regression knows."""
RIDGE = 1.0
"""Penalty on a standardised component's coefficient, as much as one item weighs."""
WIDE_LATENT = 1024
"""Units above which the components come from a part of the items."""
ITEMS_OF_WIDE = 2048

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Linearised:
    """An estimated mean with what each sampled item of the group adds to its error.

    Parameters
    ----------
    mean : ndarray of shape (units,), float64
    residual : ndarray of shape (m, units), float64
        Of the group's sampled items; an item outside the group has none.
    weight : ndarray of shape (m,), float64
    stratum : ndarray of shape (m,), int64
    stratum_size, drawn : ndarray of shape (n_strata,), int64
    """

    mean: Matrix
    residual: Matrix
    weight: Matrix
    stratum: NDArray[np.int64]
    stratum_size: NDArray[np.int64]
    drawn: NDArray[np.int64]

    @property
    def unsampled(self) -> Matrix:
        """The share of its stratum that was not drawn, for each item; shape (m,)."""
        share = 1 - self.drawn / np.maximum(self.stratum_size, 1)
        return np.asarray(np.maximum(share, 0)[self.stratum])

    def variance(self, direction: Matrix | None = None) -> Matrix:
        """Give the variance of each unit's mean.

        Parameters
        ----------
        direction : ndarray of shape (units, p), optional
            Of the mean along these directions instead.

        Returns
        -------
        ndarray of shape (units,) or (p,), float64
        """
        residual = self.residual if direction is None else self.residual @ direction
        pull = self.weight[:, None] * residual / self.weight.sum()
        total = np.zeros(pull.shape[1])
        for h in np.unique(self.stratum[self.unsampled > 0]):
            inside = pull[self.stratum == h]
            total += (1 - self.drawn[h] / self.stratum_size[h]) * _spread(inside, self.drawn[h])
        return total


def _spread(pull: Matrix, drawn: int) -> Matrix:
    """Give n times the variance of one stratum's pulls; items outside the group pull nothing."""
    squares = (pull**2).sum(axis=0)
    if drawn < 2:
        # One item has no spread of its own; about zero, it errs on the high side.
        return np.asarray(squares)
    about_mean = np.maximum(squares - pull.sum(axis=0) ** 2 / drawn, 0)
    return np.asarray(about_mean * drawn / (drawn - 1))


def hajek(values: Matrix, design: Design, inside: NDArray[np.bool_]) -> Linearised:
    """Estimate a group's mean by the weighted mean of its sampled items.

    Parameters
    ----------
    values : ndarray of shape (n, units)
        Activations of `design.rows`.
    design : Design
    inside : ndarray of shape (n,), bool
        Which of them belong to the group; at least one.

    Returns
    -------
    Linearised
    """
    weight, chosen = design.weight[inside], values[inside]
    mean = weight @ chosen / weight.sum()
    return _linearised(mean, chosen - mean, design, inside)


def greg(values: Matrix, design: Design, member: NDArray[np.bool_], scores: Matrix) -> Linearised:
    """Estimate a group's mean by regression on what is known of every item.

    The mean of the fitted values over the whole group, plus the weighted mean
    of what the fit leaves over on its sampled items. One solve for all units.

    Parameters
    ----------
    values : ndarray of shape (n, units)
        Activations of `design.rows`, in the group or not: all of them fit.
    design : Design
    member : ndarray of shape (n_items,), bool
        The group.
    scores : ndarray of shape (n_items, p)
        As `latent_scores` gives them.

    Returns
    -------
    Linearised
    """
    inside = member[design.rows]
    coefficient = weighted_ridge(scores[design.rows], values, design.weight)
    rest = values[inside] - _fitted(scores[design.rows[inside]], coefficient)
    weight = design.weight[inside]
    left_over = weight @ rest / weight.sum()
    mean = _fitted(scores[member].mean(axis=0)[None], coefficient)[0] + left_over
    # A fit that an item took part in leaves too little of it over; without it there is more.
    alone = rest / (1 - leverage(scores[design.rows], design.weight)[inside])[:, None]
    return _linearised(mean, alone - weight @ alone / weight.sum(), design, inside)


def weighted_ridge(scores: Matrix, values: Matrix, weight: Matrix) -> Matrix:
    """Regress all units at once on an intercept and the scores.

    Parameters
    ----------
    scores : ndarray of shape (n, p)
    values : ndarray of shape (n, units)
    weight : ndarray of shape (n,)
        Scaled to a mean of 1; the intercept bears no penalty.

    Returns
    -------
    ndarray of shape (1 + p, units), float64
        The intercept leads.
    """
    _, weighted, normal = _normal_equation(scores, weight)
    return np.asarray(scipy.linalg.solve(normal, weighted.T @ values, assume_a="pos"))


def leverage(scores: Matrix, weight: Matrix) -> Matrix:
    """Give the pull of each item on its own fitted value, in [0, 1); shape (n,)."""
    known, weighted, normal = _normal_equation(scores, weight)
    return np.asarray(
        (weighted * scipy.linalg.solve(normal, known.T, assume_a="pos").T).sum(axis=1)
    )


def _normal_equation(scores: Matrix, weight: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    known = np.column_stack([np.ones(len(scores)), scores])
    weighted = known * (weight / weight.mean())[:, None]
    penalty = np.diag(np.r_[0.0, np.full(scores.shape[1], RIDGE)])
    return known, weighted, weighted.T @ known + penalty


def latent_scores(latent: NDArray[np.float32], n_components: int = COMPONENTS) -> Matrix:
    """Give every item's leading principal components, each scaled to variance 1.

    Parameters
    ----------
    latent : ndarray of shape (n_items, d)
    n_components : int
        At most; directions without variance are left out.

    Returns
    -------
    ndarray of shape (n_items, p), float64

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import latent_scores
    >>> latent_scores(np.eye(6, dtype=np.float32), n_components=2).shape
    (6, 2)
    """
    n, d = latent.shape
    centre = latent.mean(axis=0, dtype=np.float64)
    k = min(n_components, d)
    if d > WIDE_LATENT:
        some = latent[:: max(1, -(-n // ITEMS_OF_WIDE))].astype(np.float64) - centre
        k = min(k, min(some.shape) - 1)
        start = np.ones(min(some.shape))
        axes = scipy.sparse.linalg.svds(some, k=k, v0=start)[2].T if k > 0 else np.zeros((d, 0))
    else:
        centred = latent.astype(np.float64) - centre
        axes = scipy.linalg.eigh(centred.T @ centred, subset_by_index=(d - k, d - 1))[1]
    scores = latent @ axes - centre @ axes
    spread = scores.std(axis=0)
    kept = spread > 1e-6 * spread.max(initial=0)
    return np.asarray(scores[:, kept] / spread[kept])


def _fitted(scores: Matrix, coefficient: Matrix) -> Matrix:
    return np.asarray(coefficient[0] + scores @ coefficient[1:])


def _linearised(
    mean: Matrix, residual: Matrix, design: Design, inside: NDArray[np.bool_]
) -> Linearised:
    return Linearised(
        mean=mean,
        residual=residual,
        weight=design.weight[inside],
        stratum=design.stratum[inside],
        stratum_size=design.stratum_size,
        drawn=design.drawn,
    )
