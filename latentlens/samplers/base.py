"""What all samplers share: checks, the order within groups, and the slicing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from latentlens.core.checks import check_labels, check_latent, check_share
from latentlens.core.sample import Ranking, Sample


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
    """

    ranking_: Ranking
    log_ratio_: NDArray[np.float64]
    order_: NDArray[np.int64]
    classes_: NDArray[np.int32]
    notes_: list[str]

    def fit(self, latent: ArrayLike, label: ArrayLike, pred: ArrayLike | None = None) -> Self:
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

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If shapes do not agree, a value is not finite, or these items cannot
            be ranked; the message says why.
        """
        space = check_latent(latent)
        n = len(space)
        true = check_labels(label, "label", n)
        self._check_arguments()
        self.notes_ = []
        self.classes_ = np.unique(true[true >= 0])
        # One thread: the ranking must not depend on how many cores there are.
        with threadpool_limits(limits=1):
            made = self._group(space, true, check_pred(pred, n))
        self.ranking_ = replace(self._rank(made), notes=tuple(self.notes_))
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
        """
        check_is_fitted(self, "ranking_")
        fraction = check_share(fraction, "fraction", zero=False)
        return self.ranking_.sample(fraction, self._outlier_share(j))

    def _outlier_share(self, j: float | None) -> float:
        return check_share(self.get_params()["j"] if j is None else j, "j")

    @abstractmethod
    def _check_arguments(self) -> None:
        """Refuse what `__init__` was given, in words."""

    @abstractmethod
    def _group(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
    ) -> Grouped:
        """Give every item a group and a log ratio."""

    @property
    @abstractmethod
    def _name(self) -> str:
        """The sampler's name in the registry."""

    def _rank(self, made: Grouped) -> Ranking:
        return Ranking(
            sampler=self._name,
            group=made.group.astype(np.int32),
            log_ratio=made.log_ratio,
            rank=rank_within(made.group, made.log_ratio),
            group_size=np.bincount(made.group, minlength=made.n_groups).astype(np.int64),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


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
