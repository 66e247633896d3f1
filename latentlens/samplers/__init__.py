"""Samplers: `fit` ranks all items once, `sample` cuts from the ranking."""

from latentlens.samplers.base import BaseSampler
from latentlens.samplers.gmm import GMMSampler
from latentlens.samplers.max_margin import MaxMarginSampler
from latentlens.samplers.registry import SAMPLERS, SamplerEntry
from latentlens.samplers.simple_random import RandomSampler

__all__ = [
    "SAMPLERS",
    "BaseSampler",
    "GMMSampler",
    "MaxMarginSampler",
    "RandomSampler",
    "SamplerEntry",
]
