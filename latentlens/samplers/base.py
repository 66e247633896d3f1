"""What all samplers share: checks, the order within groups, and the slicing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from latentlens.core.checks import check_labels, check_latent, check_share
from latentlens.core.sample import Ranking, Sample

RATIO_CAP = 100
"""Likelihood ratios are kept between this and its reciprocal before items are weighed."""


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """What a sampler makes of the items, before they are put in order.

    Parameters
    ----------
    group : ndarray of shape (n_items,), int
        From 0.
    log_ratio : ndarray of shape (n_items,), float64
        Low is near the boundary, and taken first.
    n_groups : int
        Some may be empty.
    """

    group: NDArray[np.int64]
    log_ratio: NDArray[np.float64]
    n_groups: int


class BaseSampler(BaseEstimator, ABC):
    """A sampler ranks all items once, in `fit`; `sample` cuts from the ranking.

    Attributes
    ----------
    ranking_ : Ranking
        Group and rank of every item.
    log_ratio_ : ndarray of shape (n_items,), float64
    order_ : ndarray of shape (n_items,), int64
        Items group by group, the most outlying of each group leading.
    classes_ : ndarray of shape (n_classes,), int32
        The classes that occur in `label`.
    notes_ : list of str
        Sentences for the reader; empty if the fit went as usual.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.samplers import BaseSampler, MaxMarginSampler
    >>> rng = np.random.default_rng(0)
    >>> label = np.repeat([0, 1], 50)
    >>> latent = rng.normal(size=(100, 4)) + 3 * label[:, None]
    >>> sampler = MaxMarginSampler()
    >>> isinstance(sampler, BaseSampler), sorted(sampler.get_params())
    (True, ['group_by', 'j', 'method', 'random_state', 'weighted'])
    """

    ranking_: Ranking
    log_ratio_: NDArray[np.float64]
    order_: NDArray[np.int64]
    classes_: NDArray[np.int32]
    notes_: list[str]

    def fit(
        self,
        latent: ArrayLike,
        label: ArrayLike,
        pred: ArrayLike | None = None,
        pre_latent: ArrayLike | None = None,
    ) -> Self:
        """Rank all items.

        Parameters
        ----------
        latent : array of shape (n_items, d)
            Each item's representation; finite.
        label : array of shape (n_items,)
            True classes as numbers from 0; -1 where unknown. Items without a
            label are ranked with the others.
        pred : array of shape (n_items,), optional
            Predicted classes, known for all items or for none.
        pre_latent : array of shape (n_items, d'), optional
            The latent before its activation function, where there is one; only
            `CoresetSampler` looks at it.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If shapes do not agree, a value is not finite, or these items cannot
            be ranked; the message says why.

        Examples
        --------
        >>> import numpy as np
        >>> from latentlens.samplers import MaxMarginSampler
        >>> rng = np.random.default_rng(0)
        >>> label = np.repeat([0, 1], 50)
        >>> latent = rng.normal(size=(100, 4)) + 3 * label[:, None]
        >>> sampler = MaxMarginSampler().fit(latent, label)
        >>> sampler.classes_.tolist(), sampler.log_ratio_.shape
        ([0, 1], (100,))
        """
        space = check_latent(latent)
        n = len(space)
        true = check_labels(label, "label", n)
        self._check_arguments()
        self.notes_ = []
        self.classes_ = np.unique(true[true >= 0])
        # One thread: the ranking must not depend on how many cores there are.
        with threadpool_limits(limits=1):
            ranking = self._rank(space, true, check_pred(pred, n), pre_latent)
        self.ranking_ = replace(ranking, notes=tuple(self.notes_))
        self.log_ratio_ = self.ranking_.log_ratio
        self.order_ = self.ranking_.order
        return self

    def sample(self, fraction: float, j: float | None = None) -> Sample:
        """Cut a sample; nothing is fitted again.

        Parameters
        ----------
        fraction : float
            Share of the items, in (0, 1]; at least one item is taken.
        j : float, optional
            Share of outliers in the sample, in [0, 1]; the sampler's own if not
            given.

        Returns
        -------
        Sample

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        TypeError, ValueError
            If an argument is of the wrong kind or out of bounds, or `j` is given
            to a sampler that has none.

        Examples
        --------
        >>> import numpy as np
        >>> from latentlens.samplers import MaxMarginSampler
        >>> rng = np.random.default_rng(0)
        >>> label = np.repeat([0, 1], 50)
        >>> latent = rng.normal(size=(100, 4)) + 3 * label[:, None]
        >>> sampler = MaxMarginSampler().fit(latent, label)
        >>> sampler.sample(0.1, j=0.5).frame["role"].value_counts().to_dict()
        {'outlier': 6, 'exemplar': 4}
        """
        check_is_fitted(self, "ranking_")
        fraction = check_share(fraction, "fraction", zero=False)
        return self.ranking_.sample(fraction, self._outlier_share(j))

    def _outlier_share(self, j: float | None) -> float:
        if j is not None:
            raise TypeError(
                f"{type(self).__name__} takes no j, got {j!r}: it has no two ends to choose "
                "between. Leave it out, or use MaxMarginSampler or GMMSampler"
            )
        return 0.0

    @abstractmethod
    def _check_arguments(self) -> None:
        """Refuse what `__init__` was given, in words."""

    @property
    @abstractmethod
    def _name(self) -> str:
        """The sampler's name in the registry."""

    @abstractmethod
    def _rank(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
        pre_latent: ArrayLike | None,
    ) -> Ranking:
        """Rank all items."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class TwoEndedSampler(BaseSampler):
    """Groups, and in each an order from the boundary to its heart.

    With `weighted` the order is drawn instead, without replacement, each item's
    chance in proportion to the capped reciprocal of its ratio, and j does not
    apply. A smaller sample is part of every larger one.
    """

    j: float
    random_state: int | np.random.RandomState | None
    weighted: bool

    def _outlier_share(self, j: float | None) -> float:
        if self.weighted and j is not None:
            raise TypeError(
                f"{type(self).__name__}(weighted=True) takes no j, got {j!r}: it draws by weight "
                "from the whole group. Leave it out, or fit without weighted"
            )
        return check_share(self.j if j is None else j, "j")

    @abstractmethod
    def _group(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
    ) -> Grouped:
        """Give every item a group and a log ratio."""

    def _rank(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
        pre_latent: ArrayLike | None,  # noqa: ARG002
    ) -> Ranking:
        made = self._group(latent, label, pred)
        key = made.log_ratio
        if self.weighted:
            key = drawing_key(made.log_ratio, check_random_state(self.random_state))
        return Ranking(
            sampler=self._name,
            group=made.group.astype(np.int32),
            log_ratio=made.log_ratio,
            rank=rank_within(made.group, key),
            group_size=np.bincount(made.group, minlength=made.n_groups).astype(np.int64),
            uses_j=not self.weighted,
        )


def drawing_key(log_ratio: NDArray[np.float64], rng: np.random.RandomState) -> NDArray[np.float64]:
    """Give keys whose ascending order draws items by weight, without replacement.

    An item's weight is 1 / ratio, the ratio kept within [1/100, 100]; its key is
    an exponential variable over its weight [1]_. The item of the smallest key
    would have been drawn first, and so on.

    Returns
    -------
    ndarray of shape (n_items,), float64

    References
    ----------
    .. [1] P. Efraimidis and P. Spirakis, "Weighted random sampling with a
       reservoir", Information Processing Letters 97, 2006.
    """
    cap = np.log(RATIO_CAP)
    return np.asarray(rng.exponential(size=len(log_ratio)) * np.exp(np.clip(log_ratio, -cap, cap)))


def check_pred(pred: ArrayLike | None, n_items: int) -> NDArray[np.int32] | None:
    """Give predictions, or None if there are none.

    Raises
    ------
    ValueError
        If they are known for some items only.
    """
    if pred is None:
        return None
    known = check_labels(pred, "pred", n_items)
    missing = int((known < 0).sum())
    if missing == n_items:
        return None
    if missing:
        raise ValueError(
            f"pred must be known for all items or for none, got -1 for {missing} of {n_items}"
        )
    return known


def rank_within(group: NDArray[np.int64], key: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give each item's position in its group by ascending `key`; ties keep their order.

    Returns
    -------
    ndarray of shape (n_items,), int64
    """
    order = np.lexsort((key, group))
    size = np.bincount(group)
    start = np.repeat(np.cumsum(size) - size, size)
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - start
    return rank


def standardise(latent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale each unit to mean 0 and standard deviation 1; a constant one becomes 0.

    Parameters
    ----------
    latent : ndarray of shape (n_items, d), float64

    Returns
    -------
    ndarray of shape (n_items, d), float64
    """
    # Divided by the largest value first: squares of extreme values leave float64.
    largest = np.abs(latent).max(axis=0)
    scaled = latent / np.where(largest > 0, largest, 1)
    centred = scaled - scaled.mean(axis=0)
    spread = centred.std(axis=0)
    # What varies by less than float32 can hold is rounding, not signal.
    constant = spread <= 4 * np.finfo(np.float32).eps
    return np.asarray(np.where(constant, 0, centred / np.where(constant, 1, spread)))
