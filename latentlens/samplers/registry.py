"""The samplers by name: what the menu shows and how each is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from latentlens.samplers.base import BaseSampler
from latentlens.samplers.boundary_tree import BoundaryTreeSampler
from latentlens.samplers.coreset import CoresetSampler
from latentlens.samplers.gmm import GMMSampler
from latentlens.samplers.latent_grid import LatentGridSampler
from latentlens.samplers.max_margin import MaxMarginSampler
from latentlens.samplers.simple_random import RandomSampler
from latentlens.samplers.stratified import StratifiedSampler
from latentlens.samplers.vas import VASSampler


@dataclass(frozen=True, kw_only=True)
class SamplerEntry:
    """One entry of the menu.

    Parameters
    ----------
    title : str
        What the menu shows.
    uses_j : bool
        Whether the share of outliers matters.
    make : callable
        Takes a seed, gives a sampler that is not fitted yet.
    uses_fraction : bool
        Whether the sample's size can be chosen.
    reason : str
        Why a control does not apply, in a sentence; empty where all do.

    Examples
    --------
    >>> from latentlens.samplers import SAMPLERS
    >>> entry = SAMPLERS["max_margin"]
    >>> entry.title, entry.uses_j, entry.make(0)
    ('MaxMargin', True, MaxMarginSampler())
    """

    title: str
    uses_j: bool
    make: Callable[[int], BaseSampler]
    uses_fraction: bool = True
    reason: str = ""


NO_ENDS = "has no two ends to choose between, so the share of outliers does nothing."

SAMPLERS: dict[str, SamplerEntry] = {
    "max_margin": SamplerEntry(
        title="MaxMargin",
        uses_j=True,
        make=lambda seed: MaxMarginSampler(random_state=seed),
    ),
    "gmm_full": SamplerEntry(
        title="Gaussian mixture, full",
        uses_j=True,
        make=lambda seed: GMMSampler(covariance="full", random_state=seed),
    ),
    "gmm_spherical": SamplerEntry(
        title="Gaussian mixture, spherical",
        uses_j=True,
        make=lambda seed: GMMSampler(covariance="spherical", random_state=seed),
    ),
    "coreset": SamplerEntry(
        title="Coreset",
        uses_j=False,
        make=lambda seed: CoresetSampler(random_state=seed),
        reason=f"A coreset {NO_ENDS}",
    ),
    "stratified_completion": SamplerEntry(
        title="Stratified by class and correctness",
        uses_j=False,
        make=lambda seed: StratifiedSampler(
            strata="correctness", allocation="completion", random_state=seed
        ),
        reason=f"A stratified random sample {NO_ENDS}",
    ),
    "stratified": SamplerEntry(
        title="Stratified by confusion cell, in proportion",
        uses_j=False,
        make=lambda seed: StratifiedSampler(random_state=seed),
        reason=f"A stratified random sample {NO_ENDS}",
    ),
    "latent_grid": SamplerEntry(
        title="Latent grid",
        uses_j=False,
        make=lambda seed: LatentGridSampler(random_state=seed),
        reason=f"A random sample from the cells of a grid {NO_ENDS}",
    ),
    "vas": SamplerEntry(
        title="Visualization-aware (VAS)",
        uses_j=False,
        make=lambda seed: VASSampler(random_state=seed),
        reason=f"A sample spread out evenly {NO_ENDS}",
    ),
    "boundary_tree": SamplerEntry(
        title="Boundary tree",
        uses_j=False,
        make=lambda seed: BoundaryTreeSampler(random_state=seed),
        uses_fraction=False,
        reason="A boundary tree is one sample whose size follows from the data, "
        "so fraction and share of outliers do nothing.",
    ),
    "random": SamplerEntry(
        title="Random",
        uses_j=False,
        make=lambda seed: RandomSampler(random_state=seed),
        reason=f"A random sample {NO_ENDS}",
    ),
    "max_margin_weighted": SamplerEntry(
        title="MaxMargin, weighted",
        uses_j=False,
        make=lambda seed: MaxMarginSampler(weighted=True, random_state=seed),
        reason=f"A weighted draw {NO_ENDS}",
    ),
    "gmm_full_weighted": SamplerEntry(
        title="Gaussian mixture, full, weighted",
        uses_j=False,
        make=lambda seed: GMMSampler(covariance="full", weighted=True, random_state=seed),
        reason=f"A weighted draw {NO_ENDS}",
    ),
    "gmm_spherical_weighted": SamplerEntry(
        title="Gaussian mixture, spherical, weighted",
        uses_j=False,
        make=lambda seed: GMMSampler(covariance="spherical", weighted=True, random_state=seed),
        reason=f"A weighted draw {NO_ENDS}",
    ),
}
