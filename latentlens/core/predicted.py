"""How good a sample's answer is where the truth was never run; and saying so.

The cosine distance of means and the overlap of top units by mean can be
predicted from the sample alone. The top units by maximum cannot: no resampling
knows of a maximum that was not drawn, so of maxima only a bound is stated.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlens.core.design import Design
from latentlens.core.linear import Linearised
from latentlens.core.metrics import top_units
from latentlens.core.written import percent, whole

RESAMPLES = 200

Matrix = NDArray[np.float64]


def predicted_cosine_distance(parts: Linearised) -> float:
    """Predict the cosine distance between an estimated mean and the true one.

    To second order in the error it is half the error's variance across the
    mean's direction, over the squared length of the true mean; the estimate's
    own squared length is too long by the whole variance.

    Parameters
    ----------
    parts : Linearised

    Returns
    -------
    float
        In [0, 1]; 1 where the mean drowns in its error, 0 where nothing is uncertain.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import Design
    >>> from latentlens.samplers import RandomSampler
    >>> values = np.arange(40.0)[:, None]
    >>> sampler = RandomSampler(random_state=0).fit(values, np.zeros(40, int))
    >>> design = Design.of(sampler.sample(0.5), sampler.ranking_)
    >>> from latentlens.core import mean_estimate, predicted_cosine_distance
    >>> two = np.hstack([values, values[::-1]])
    >>> found = mean_estimate(two[design.rows], design, member=np.ones(40, bool))
    >>> round(predicted_cosine_distance(found.parts), 3)
    0.004
    """
    length = float(np.sqrt(parts.mean @ parts.mean))
    total = float(parts.variance().sum())
    if total == 0:
        return 0.0
    left = length**2 - total
    if left <= 0:
        return 1.0
    along = float(parts.variance((parts.mean / length)[:, None])[0])
    return float(np.clip((total - along) / (2 * left), 0, 1))


def predicted_overlap(
    parts: Linearised, k: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> float | None:
    """Predict which share of the top k units by mean are truly among them.

    The mean overlap between the sample's top k and those of bootstrap samples,
    whose deviations are narrowed for the share of each stratum that was drawn.

    Parameters
    ----------
    parts : Linearised
    k : int
    resamples : int
    seed : int

    Returns
    -------
    float or None
        In [0, 1]; None where k covers the layer, for then it would be 1 whatever the sample.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import Design
    >>> from latentlens.samplers import RandomSampler
    >>> values = np.arange(40.0)[:, None]
    >>> sampler = RandomSampler(random_state=0).fit(values, np.zeros(40, int))
    >>> design = Design.of(sampler.sample(0.5), sampler.ranking_)
    >>> from latentlens.core import mean_estimate, predicted_overlap
    >>> four = np.hstack([values, values[::-1], 2 * values, values / 9])
    >>> found = mean_estimate(four[design.rows], design, member=np.ones(40, bool))
    >>> predicted_overlap(found.parts, k=1)
    1.0
    """
    if k >= len(parts.mean):
        return None
    top = np.zeros(len(parts.mean), bool)
    top[top_units(parts.mean, k)] = True
    rng = np.random.default_rng(seed)
    shaken = parts.mean + bootstrap_deviations(parts, resamples, rng)
    best = np.argpartition(-shaken, k - 1, axis=1)[:, :k]
    return float(top[best].mean())


def bootstrap_deviations(
    parts: Linearised, resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Resample within strata, and give how far each resample's mean lies from the estimate.

    Items outside the group pull nothing but are drawn as well, so that the
    number of the group's items varies as it does in the sample.

    Returns
    -------
    ndarray of shape (resamples, units), float64
    """
    times = np.zeros((resamples, len(parts.weight)))
    for h in np.unique(parts.stratum[parts.unsampled > 0]):
        at = np.flatnonzero(parts.stratum == h)
        n = int(parts.drawn[h])
        chances = np.r_[np.full(len(at), 1 / n), max(0.0, 1 - len(at) / n)]
        drawn = rng.multinomial(n, chances / chances.sum(), size=resamples)[:, :-1]
        unsampled = 1 - n / parts.stratum_size[h]
        # n / (n - 1) makes the resamples' variance the unbiased one.
        times[:, at] = (drawn - 1) * np.sqrt(unsampled * n / max(n - 1, 1))
    pull = parts.weight[:, None] * parts.residual / parts.weight.sum()
    return np.asarray(times @ pull)


def share_above_maximum(
    design: Design, member: NDArray[np.bool_], *, confidence: float = 0.95
) -> float:
    """Bound the share of a group that exceeds a maximum seen in the sample.

    If D items of the group exceed it, none of them was drawn; that has a chance
    of at most (1 - f)**D, where f is the smallest share of the group's items
    that was drawn from a stratum (Wilks 1941, for finite groups). Hence at most
    about 3 / m of the group at 95 % confidence, m being its sampled items.

    Parameters
    ----------
    design : Design
    member : ndarray of shape (n_items,), bool
        The group; not empty.
    confidence : float

    Returns
    -------
    float
        In [0, 1]; for each unit by itself.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import Design
    >>> from latentlens.samplers import RandomSampler
    >>> values = np.arange(40.0)[:, None]
    >>> sampler = RandomSampler(random_state=0).fit(values, np.zeros(40, int))
    >>> design = Design.of(sampler.sample(0.5), sampler.ranking_)
    >>> from latentlens.core import share_above_maximum
    >>> share_above_maximum(design, np.ones(40, bool))
    0.1
    """
    sizes = design.sizes(member)
    sampled = np.bincount(design.stratum[member[design.rows]], minlength=len(sizes))
    blind = (sampled == 0) & (sizes > 0)
    partly = (sampled > 0) & (sampled < sizes)
    above = int(sizes[blind].sum())
    if partly.any():
        drawn = float((sampled[partly] / sizes[partly]).min())
        most = int(np.floor(np.log(1 - confidence) / np.log1p(-drawn)))
        above += min(most, int((sizes - sampled)[partly].sum()))
    return above / int(sizes.sum())


def certified_top_k(
    low: Matrix, high: Matrix, k: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which units are surely among the top k, and which may be.

    Parameters
    ----------
    low, high : ndarray of shape (units,)
        Intervals that hold together: each at confidence 1 - alpha / units.
    k : int
        Below the number of units.

    Returns
    -------
    certain, possible : ndarray of shape (units,), bool
        A unit is certain if its lower bound exceeds the (k+1)-th largest upper
        bound, and possible unless k lower bounds exceed its upper one. Units
        without an interval are possible, and make no other certain.

    Examples
    --------
    >>> import numpy as np
    >>> from latentlens.core import certified_top_k
    >>> sure, possible = certified_top_k(np.array([5.0, 3.0, 0.0]), np.array([6.0, 4.0, 3.5]), k=2)
    >>> sure.tolist(), possible.tolist()
    ([True, False, False], [True, True, True])
    """
    upper, lower = np.where(np.isnan(high), np.inf, high), np.where(np.isnan(low), -np.inf, low)
    if k >= len(upper):
        raise ValueError(f"k must be below the number of units, {len(upper)}, got {k}")
    rival = np.sort(upper)[::-1][k]
    kth = np.sort(lower)[::-1][k - 1]
    return np.asarray(lower > rival), np.asarray(upper >= kth)


def read_out(
    kind: str,
    *,
    n_used: int,
    n_group: int,
    effective_n: float | None = None,
    trust: str = "",
    confidence: float = 0.95,
    half_width: float | None = None,
    cosine_distance: float | None = None,
    overlap: float | None = None,
    k: int | None = None,
    maxima: bool = False,
    above: float | None = None,
    note: str = "",
) -> str:
    """Say in one line what a number is worth.

    Parameters
    ----------
    kind : str
        "exact from the pass", "exact from the index", "measured" or "estimate".
    n_used, n_group : int
        Items behind the number, and in the group.
    effective_n : float, optional
        Shown where weights make it less than `n_used`.
    trust : str
        "guaranteed", "approximate", "none" or empty.
    confidence : float
    half_width : float, optional
        Of a typical unit's interval.
    cosine_distance, overlap : float, optional
        Predicted; `overlap` of the `k` top units by mean.
    k : int, optional
    maxima : bool
        Whether these are maxima over a sample, which bound the group's from below.
    above : float, optional
        What `share_above_maximum` gave for them.
    note : str
        Added at the end.

    Returns
    -------
    str

    Examples
    --------
    >>> from latentlens.core import read_out
    >>> read_out("estimate", n_used=40, n_group=797, trust="approximate", half_width=0.1)
    'estimate, 40 of 797 items; approximate 95% interval, typically ±0.1'
    """
    if not n_group:
        return "the group has no items"
    if not n_used:
        return f"empty in sample: none of the {n_group:,} items of the group was taken"
    said = [f"{kind}, {n_used:,} of {n_group:,} items"]
    if effective_n is not None and effective_n < n_used - 0.5:
        said[0] += f" (worth {whole(effective_n)} equally weighted ones)"
    if half_width is not None and np.isfinite(half_width):
        said.append(f"{trust} {confidence:.0%} interval, typically ±{half_width:.3g}".strip())
    if cosine_distance is not None:
        said.append(f"predicted cosine distance {cosine_distance:.2g}")
    if overlap is not None:
        said.append(f"predicted precision at {k} {overlap:.2f}")
    if above is not None:
        said.append(
            f"maxima are lower bounds: with {confidence:.0%} confidence at most {percent(above)} "
            "of the group exceeds one"
        )
    elif maxima:
        said.append("maxima are lower bounds only")
    return "; ".join(said) + (f". {note}" if note else "")
