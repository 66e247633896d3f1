"""What an estimate is worth, in figures and in one line."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentlens.core.estimate import MeanEstimate
from latentlens.core.predicted import predicted_cosine_distance, predicted_overlap, read_out


def describe_estimate(
    estimate: MeanEstimate, kind: str, k: int, *, predict: bool = True
) -> dict[str, Any]:
    """Say what an estimate is worth: its fidelity where it is predicted, and the line.

    Parameters
    ----------
    estimate : MeanEstimate
    kind : str
        "measured", "estimate" or "sample".
    k : int
        Of how many top units by mean the precision is predicted.
    predict : bool
        Whether the fidelity is predicted; not where it is measured.
    """
    said: dict[str, Any] = {"note": estimate.note, "confidence": estimate.confidence}
    distance = overlap = half_width = None
    trust = ""
    if estimate.parts is not None:
        half_width = float(np.median(estimate.high - estimate.low)) / 2
        worths = set(estimate.trust)
        trust = worths.pop() if len(worths) == 1 else "partly guaranteed, partly approximate"
        if predict:
            distance = predicted_cosine_distance(estimate.parts)
            overlap = predicted_overlap(estimate.parts, k)
            said |= {
                "predicted_cosine_distance": distance,
                "predicted_precision": overlap,
            }
    said["read_out"] = read_out(
        kind,
        n_used=estimate.n_used,
        n_group=estimate.n_group,
        effective_n=estimate.effective_n,
        trust=trust,
        confidence=estimate.confidence,
        half_width=half_width,
        cosine_distance=distance,
        overlap=overlap,
        k=k,
        note=estimate.note,
    )
    return said
