"""Items ranked by how clearly a linear classifier tells their class."""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC
from sklearn.utils import check_random_state

from latentlens.core.checks import check_choice, check_share
from latentlens.samplers.base import Grouped, TwoEndedSampler, standardise
from latentlens.samplers.coupling import couple, fit_platt
from latentlens.samplers.multinomial import fit_multinomial
from latentlens.samplers.ratio import log_probability, log_ratio

GROUP_BY = ("auto", "predicted", "classifier", "true")
METHODS = ("auto", "coupling", "multinomial")
COUPLING_WORK = 10_000_000
"""Labelled items times classes times units up to which "auto" couples pairwise machines."""
COUPLING_CLASSES = 20
"""Classes up to which it does; the pairs grow with their square."""
FOLDS = 3
MOST_STEPS = 1000
"""Of the logistic regression, which takes a few dozen as a rule."""


class MaxMarginSampler(TwoEndedSampler):
    """Both ends of each class, by the margin of a linear classifier [1]_.

    A classifier is fitted to the latent and the true classes. Within each group
    the items are ranked by the logarithm of p / (1 - p), p being the probability
    that it gives the group's class; 0 is the boundary. A sample takes outliers
    from the low end and exemplars from the high end. Where no item has a label the
    classifier is fitted to the predictions, and `notes_` says so.

    Parameters
    ----------
    j : float
        Share of outliers in a sample, in [0, 1]; the rest are exemplars.
    random_state : int, RandomState or None
        Seed of the folds that "coupling" calibrates on; "multinomial" has no
        randomness.
    group_by : {"auto", "predicted", "classifier", "true"}
        The class an item is ranked in: the network's prediction, the fitted
        classifier's, or the label (the classifier's where there is none).
        "auto" is the prediction where it is given, else the classifier's.
        Grouping by prediction finds more of the errors.
    method : {"auto", "coupling", "multinomial"}
        "coupling" is the paper's: one linear support vector machine per pair of
        classes, Platt's sigmoid, pairwise coupling. "multinomial" is logistic
        regression, of about the same quality and many times faster. "auto"
        couples where labelled items times classes times units are at most
        10 million, about a second's work, and classes at most 20.
    weighted : bool
        Whether to draw at random, items near the boundary with greater chance,
        in place of taking the two ends. A ratio below 1/100 counts as 1/100, one
        above 100 as 100; the seed is `random_state`.

    Attributes
    ----------
    method_ : {"coupling", "multinomial"}
        Which was used.

    References
    ----------
    .. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
       Learning Model Diagnosis", arXiv 2002.09754, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> latent = np.array([[-2.0], [-1.0], [-0.1], [0.1], [1.0], [2.0]])
    >>> sampler = MaxMarginSampler(j=1.0).fit(latent, [0, 0, 0, 1, 1, 1])
    >>> sorted(sampler.sample(0.34).index.tolist())
    [2, 3]
    """

    method_: str

    def __init__(
        self,
        *,
        j: float = 0.7,
        random_state: int | np.random.RandomState | None = 0,
        group_by: Literal["auto", "predicted", "classifier", "true"] = "auto",
        method: Literal["auto", "coupling", "multinomial"] = "auto",
        weighted: bool = False,
    ) -> None:
        self.j = j
        self.random_state = random_state
        self.group_by = group_by
        self.method = method
        self.weighted = weighted

    @property
    def _name(self) -> str:
        return "max_margin_weighted" if self.weighted else "max_margin"

    def _check_arguments(self) -> None:
        check_share(self.j, "j")
        check_choice(self.group_by, "group_by", GROUP_BY)
        check_choice(self.method, "method", METHODS)

    def _group(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
    ) -> Grouped:
        if pred is not None and not (label >= 0).any():
            label, self.classes_ = pred, np.unique(pred)
            self.notes_.append(
                "No item has a label, so max margin ranks by the boundary between predictions."
            )
        if len(self.classes_) < 2:
            raise ValueError(
                "MaxMarginSampler needs labels of at least 2 classes to find a boundary between, "
                f'got {len(self.classes_)}; RandomSampler (lens.sampler = "random") needs none'
            )
        if self.group_by == "predicted" and pred is None:
            raise ValueError(
                'group_by="predicted" needs pred; pass it to fit, or say group_by="classifier"'
            )
        known = label >= 0
        self.method_ = self._choose_method(int(known.sum()) * latent.shape[1])
        points = standardise(latent)
        fit = self._coupled if self.method_ == "coupling" else self._multinomial
        log_weight = fit(points, points[known], label[known])
        own = self._own_class(self.classes_[log_weight.argmax(axis=1)], label, pred)
        column = np.searchsorted(self.classes_, own)
        seen = np.append(self.classes_, -1)[column] == own
        return Grouped(
            group=own.astype(np.int64),
            log_ratio=log_ratio(log_weight, np.where(seen, column, -1)),
            n_groups=int(max(own.max(), self.classes_[-1])) + 1,
        )

    def _choose_method(self, n_values: int) -> str:
        if self.method != "auto":
            return self.method
        n_classes = len(self.classes_)
        light = n_classes <= COUPLING_CLASSES and n_values * n_classes <= COUPLING_WORK
        return "coupling" if light else "multinomial"

    def _own_class(
        self,
        classified: NDArray[np.int32],
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
    ) -> NDArray[np.int32]:
        if self.group_by == "true":
            return np.where(label >= 0, label, classified)
        if self.group_by == "classifier" or pred is None:
            return classified
        return pred

    def _multinomial(
        self,
        points: NDArray[np.float64],
        fitted: NDArray[np.float64],
        label: NDArray[np.int32],
    ) -> NDArray[np.float64]:
        column = np.searchsorted(self.classes_, label)
        model = fit_multinomial(fitted, column, len(self.classes_), MOST_STEPS)
        if model.steps >= MOST_STEPS:
            self.notes_.append(
                f"The logistic regression was still moving after {MOST_STEPS} steps; "
                "its ranking is usable."
            )
        return model.scores(points)

    def _coupled(
        self,
        points: NDArray[np.float64],
        fitted: NDArray[np.float64],
        label: NDArray[np.int32],
    ) -> NDArray[np.float64]:
        rng = check_random_state(self.random_state)
        n_classes = len(self.classes_)
        pair = np.zeros((len(points), n_classes, n_classes))
        for i, k in combinations(range(n_classes), 2):
            members = (label == self.classes_[i]) | (label == self.classes_[k])
            first = label[members] == self.classes_[i]
            pair[:, i, k] = pair_probability(points, fitted[members], first, rng)
            pair[:, k, i] = 1 - pair[:, i, k]
        return log_probability(couple(pair))


def pair_probability(
    points: NDArray[np.float64],
    fitted: NDArray[np.float64],
    first: NDArray[np.bool_],
    rng: np.random.RandomState,
) -> NDArray[np.float64]:
    """Give each point's probability of the first of two classes.

    The sigmoid is fitted to decision values of items left out of the machine's
    own fit, where both classes have two items or more.

    Parameters
    ----------
    points : ndarray of shape (n_items, d), float64
        What to give probabilities for.
    fitted : ndarray of shape (n, d), float64
        Items of the two classes.
    first : ndarray of shape (n,), bool
        Which of these are of the first class.
    rng : RandomState
        Deals the items out to folds.

    Returns
    -------
    ndarray of shape (n_items,), float64
    """
    machine = _machine(fitted, first)
    folds = min(FOLDS, int(first.sum()), int((~first).sum()))
    if folds < 2:
        decision = machine.decision_function(fitted)
    else:
        decision = np.empty(len(fitted))
        for train, test in StratifiedKFold(folds, shuffle=True, random_state=rng).split(
            fitted, first
        ):
            decision[test] = _machine(fitted[train], first[train]).decision_function(fitted[test])
    a, b = fit_platt(decision, first)
    return np.asarray(expit(-(a * machine.decision_function(points) + b)))


def _machine(points: NDArray[np.float64], first: NDArray[np.bool_]) -> LinearSVC:
    # The primal problem: no randomness, and Newton steps that converge.
    return LinearSVC(dual=False).fit(points, first)
