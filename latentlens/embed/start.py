"""Where an iterative layout starts, and when there is nothing to start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEWEST = 5
"""Below this no perplexity of one or more leaves each item three neighbours for it."""
SPECK = 0.01
"""Noise in the start, as a share of its spread."""


def refusal(name: str, plane: NDArray[np.float64]) -> str:
    """Say why `name` cannot lay these items out, or nothing if it can."""
    if len(plane) < FEWEST:
        return f"{name} needs at least {FEWEST} items and there are {len(plane)}; this is the PCA"
    if not np.ptp(plane):
        return f"All items have one latent, so {name} has nothing to lay out; this is the PCA"
    return ""


def spread(plane: NDArray[np.float64], random_state: int) -> NDArray[np.float64]:
    """Scale the PCA to standard deviation 1 along its first axis, with a speck of noise.

    The noise parts items that coincide and lets a line leave its line.
    """
    noise = np.random.default_rng(random_state).standard_normal(plane.shape)
    return plane / plane[:, 0].std() + SPECK * noise
