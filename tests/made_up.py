"""Small made-up data that several tests share."""

from __future__ import annotations

import numpy as np

from latentlens.core import Record, record_from_arrays


def blobs(n: int = 300, d: int = 6, n_classes: int = 3, seed: int = 0):
    """Give overlapping clusters: latent, label and logits that mostly fit them."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(n_classes, d)) * 2
    label = rng.integers(0, n_classes, n)
    latent = np.maximum(centre[label] + rng.normal(size=(n, d)), 0).astype(np.float32)
    logits = -((latent[:, None] - np.maximum(centre, 0)) ** 2).sum(axis=2).astype(np.float32)
    return latent, label, logits


def made_up_record(n: int = 300, *, wide: int = 40, keep: int = 8, seed: int = 0) -> Record:
    """Give a record with a latent, the logits and a wider layer called "conv"."""
    latent, label, logits = blobs(n, seed=seed)
    rng = np.random.default_rng(seed + 1)
    conv = np.maximum(latent @ rng.normal(size=(latent.shape[1], wide)), 0)
    return record_from_arrays(
        latent,
        label,
        logits=logits,
        activations={"conv": conv},
        classes=["ant", "bee", "cat"],
        keep=keep,
    )
