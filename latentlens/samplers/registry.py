"""The samplers by name: what the menu shows and how each is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from latentlens.samplers.base import BaseSampler
from latentlens.samplers.gmm import GMMSampler
from latentlens.samplers.max_margin import MaxMarginSampler
from latentlens.samplers.simple_random import RandomSampler


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
    """

    title: str
    uses_j: bool
    make: Callable[[int], BaseSampler]
    uses_fraction: bool = True
    reason: str = ""


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
    "random": SamplerEntry(
        title="Random",
        uses_j=False,
        make=lambda seed: RandomSampler(random_state=seed),
    ),
}
