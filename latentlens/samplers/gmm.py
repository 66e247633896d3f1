"""Groups found by a Gaussian mixture, items ranked by how surely they belong."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import BayesianGaussianMixture
from sklearn.utils import check_random_state

from latentlens.core.checks import check_choice, check_count, check_share
from latentlens.samplers.base import Grouped, TwoEndedSampler
from latentlens.samplers.ratio import log_ratio

STARTS = 10
WIDEST_FULL = 128
"""Units up to which full covariances are fitted; a step's time grows with their square."""
VARIANCE_FLOOR = 1e-6
"""Added to the clusters' variances; the latent's mean variance is 1."""


class GMMSampler(TwoEndedSampler):
    """Both ends of each cluster of a variational Gaussian mixture [1]_ [2]_.

    An item's group is its cluster k, and it is ranked by the logarithm of
    w_k N_k(x) over the sum of the other clusters' w_m N_m(x). Labels are used
    for nothing but their number.

    Parameters
    ----------
    covariance : {"full", "spherical"}
        Shape of the clusters. A latent of more than 128 units is reduced to as
        many principal components for "full", and `notes_` says so.
    j : float
        Share of outliers in a sample, in [0, 1]; the rest are exemplars.
    random_state : int, RandomState or None
        Seed of the clusters' start.
    n_components : int, optional
        How many clusters; if not given, as many as there are classes in `label`,
        or in `pred` where no label is known, and at most as many as items.
    max_iter : int
        How many steps the fit may take; `notes_` says when they did not suffice.
    weighted : bool
        Whether to draw at random, items near the boundary with greater chance,
        in place of taking the two ends. A ratio below 1/100 counts as 1/100, one
        above 100 as 100; the seed is `random_state`.

    References
    ----------
    .. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
       Learning Model Diagnosis", arXiv 2002.09754, 2020.
    .. [2] H. Attias, "A variational Bayesian framework for graphical models", 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.samplers import GMMSampler
    >>> rng = np.random.default_rng(0)
    >>> label = np.repeat([0, 1], 50)
    >>> latent = rng.normal(size=(100, 4)) + 3 * label[:, None]
    >>> sampler = GMMSampler().fit(latent, label)
    >>> len(sampler.sample(0.1))
    10
    """

    mixture_: BayesianGaussianMixture

    def __init__(
        self,
        *,
        covariance: Literal["full", "spherical"] = "full",
        j: float = 0.7,
        random_state: int | np.random.RandomState | None = 0,
        n_components: int | None = None,
        max_iter: int = 100,
        weighted: bool = False,
    ) -> None:
        self.covariance = covariance
        self.j = j
        self.random_state = random_state
        self.n_components = n_components
        self.max_iter = max_iter
        self.weighted = weighted

    @property
    def _name(self) -> str:
        return f"gmm_{self.covariance}" + ("_weighted" if self.weighted else "")

    def _check_arguments(self) -> None:
        check_choice(self.covariance, "covariance", ("full", "spherical"))
        check_share(self.j, "j")
        check_count(self.max_iter, "max_iter", np.iinfo(np.int64).max)

    def _group(
        self,
        latent: NDArray[np.float64],
        label: NDArray[np.int32],
        pred: NDArray[np.int32] | None,
    ) -> Grouped:
        n_components = self._count_components(label, pred)
        points = self._narrow(centre(latent))
        self.mixture_ = self._fit_mixture(points, n_components)
        if not self.mixture_.converged_:
            self.notes_.append(
                f"The Gaussian mixture was still moving after {self.max_iter} steps; "
                "its ranking is usable, and max_iter= allows more."
            )
        weight = log_weighted_density(self.mixture_, points)
        group = weight.argmax(axis=1)
        return Grouped(group=group, log_ratio=log_ratio(weight, group), n_groups=n_components)

    def _narrow(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.covariance == "spherical" or points.shape[1] <= WIDEST_FULL:
            return points
        narrow, share = leading_components(points, WIDEST_FULL)
        self.notes_.append(
            f"Full covariances were fitted to the first {WIDEST_FULL} principal components of the "
            f"latent's {points.shape[1]:,} units, which hold {share:.1%} of its variance."
        )
        return narrow

    def _fit_mixture(
        self, points: NDArray[np.float64], n_components: int
    ) -> BayesianGaussianMixture:
        # The prior is the items' covariance, as in scikit-learn, kept away from singular: a
        # cluster that loses its items has nothing else, and dead units have no variance.
        spread = np.cov(points.T).reshape(points.shape[1], -1)
        floored = spread + VARIANCE_FLOOR * np.eye(points.shape[1])
        mixture = BayesianGaussianMixture(
            n_components=n_components,
            covariance_type=self.covariance,
            covariance_prior=floored if self.covariance == "full" else np.diag(floored).mean(),
            max_iter=self.max_iter,
            reg_covar=VARIANCE_FLOOR,
        )
        with warnings.catch_warnings():
            # Said in notes_ instead, where the reader of a widget sees it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            seed = best_start(points, n_components, self.random_state)
            return mixture.set_params(random_state=seed).fit(points)

    def _count_components(self, label: NDArray[np.int32], pred: NDArray[np.int32] | None) -> int:
        n = len(label)
        if self.n_components is not None:
            return check_count(
                self.n_components, "n_components", n, low=2, why=f"there are {n} items"
            )
        n_classes = len(self.classes_)
        if not n_classes and pred is not None:
            n_classes = len(np.unique(pred))
        if not n_classes:
            raise ValueError(
                "no label is known, so GMMSampler cannot tell how many clusters to look for; "
                "say n_components="
            )
        if min(n, n_classes) < 2:
            raise ValueError(
                f"GMMSampler needs at least 2 clusters to rank items between, got {n_classes} "
                f"class(es) and {n} item(s); say n_components=, or use RandomSampler"
            )
        return min(n, n_classes)


def best_start(
    points: NDArray[np.float64],
    n_components: int,
    random_state: int | np.random.RandomState | None,
) -> int:
    """Give the seed, of ten, from which k-means finds the tightest clusters.

    The mixture starts from one run of k-means with the seed it is given. A run
    that splits one class and merges two others ruins the ranking, and the
    mixture's own bound does not tell: it prefers such a start at times.

    Parameters
    ----------
    points : ndarray of shape (n_items, d), float64
    n_components : int
    random_state : int, RandomState or None
        Where the ten seeds are drawn from.

    Returns
    -------
    int
    """
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=STARTS)
    inertia = [
        KMeans(n_components, n_init=1, random_state=seed).fit(points).inertia_ for seed in seeds
    ]
    return int(seeds[np.argmin(inertia)])


def centre(latent: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move to mean 0 and scale all units alike, to a mean variance of 1.

    The clusters' shapes stay; what the mixture adds to their variances then
    means the same for every latent.
    """
    largest = np.abs(latent).max()
    scaled = latent / (largest if largest > 0 else 1)
    centred = scaled - scaled.mean(axis=0)
    spread = np.sqrt(np.square(centred).mean())
    constant = spread <= 4 * np.finfo(np.float32).eps
    return np.asarray(np.zeros_like(centred) if constant else centred / spread)


def leading_components(points: NDArray[np.float64], n: int) -> tuple[NDArray[np.float64], float]:
    """Project centred points on their first principal components.

    Returns
    -------
    projected : ndarray of shape (n_items, n), float64
    share : float
        How much of the variance is left, in [0, 1].
    """
    variance, direction = np.linalg.eigh(points.T @ points)
    share = variance[-n:].sum() / max(variance.sum(), np.finfo(np.float64).tiny)
    return points @ direction[:, : -n - 1 : -1], float(share)


def log_weighted_density(
    mixture: BayesianGaussianMixture, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give log w_k N_k(x) of every cluster k.

    Parameters
    ----------
    mixture : BayesianGaussianMixture
        Fitted, with "full" or "spherical" covariances.
    points : ndarray of shape (n_items, d), float64

    Returns
    -------
    ndarray of shape (n_items, n_components), float64
    """
    d = points.shape[1]
    density = np.empty((len(points), len(mixture.means_)))
    for k, (mean, root) in enumerate(
        zip(mixture.means_, mixture.precisions_cholesky_, strict=True)
    ):
        # The root of the precision is a matrix, or one number for a sphere.
        whitened = (points - mean) @ root if np.ndim(root) else (points - mean) * root
        log_det = np.log(np.diag(root)).sum() if np.ndim(root) else d * np.log(root)
        density[:, k] = log_det - 0.5 * (np.square(whitened).sum(axis=1) + d * np.log(2 * np.pi))
    weight = np.maximum(mixture.weights_, np.finfo(np.float64).tiny)
    return np.asarray(density + np.log(weight))
