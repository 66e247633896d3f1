"""Samplers: `fit` ranks all items once, `sample` cuts from the ranking."""

from latentlens.samplers.base import BaseSampler
from latentlens.samplers.boundary_tree import BoundaryTreeSampler
from latentlens.samplers.coreset import CoresetSampler
from latentlens.samplers.gmm import GMMSampler
from latentlens.samplers.latent_grid import LatentGridSampler
from latentlens.samplers.max_margin import MaxMarginSampler
from latentlens.samplers.registry import SAMPLERS, SamplerEntry
from latentlens.samplers.simple_random import RandomSampler
from latentlens.samplers.stratified import StratifiedSampler
from latentlens.samplers.vas import VASSampler

__all__ = [
    "SAMPLERS",
    "BaseSampler",
    "BoundaryTreeSampler",
    "CoresetSampler",
    "GMMSampler",
    "LatentGridSampler",
    "MaxMarginSampler",
    "RandomSampler",
    "SamplerEntry",
    "StratifiedSampler",
    "VASSampler",
]
