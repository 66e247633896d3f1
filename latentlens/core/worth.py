"""What an estimate is worth, in figures and in one line."""

from __future__ import annotations

from typing import Any

import numpy as np

from latentlens.core.effect import GroupDifference
from latentlens.core.estimated import NOT_SAMPLED, MeanEstimate
from latentlens.core.predicted import predicted_cosine_distance, predicted_overlap, read_out
from latentlens.core.written import whole


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
    if estimate.complete:
        # A sample that holds the whole group tells as much as the group; counts cannot show
        # that it does, since the group's may itself be estimated.
        n = estimate.n_used
        return said | {"read_out": read_out("exact", n_used=n, n_group=n)}
    if estimate.note == NOT_SAMPLED:
        return said | {"read_out": "empty in sample: no item of the group was taken"}
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


def describe_difference(found: GroupDifference, kind: str, n_group: tuple[int, int]) -> str:
    """Say in one line what a difference between two groups is worth.

    Parameters
    ----------
    found : GroupDifference
    kind : str
        "exact", "estimate" or "sample".
    n_group : (int, int)
        Items of the two groups.

    Returns
    -------
    str
    """
    sides = [f"{n:,} of {whole:,}" for n, whole in zip(found.n, n_group, strict=True)]
    said = [f"{kind}, {' against '.join(sides)} items"]
    worth = [whole(n) for n in found.effective_n]
    if any(n < m - 0.5 for n, m in zip(found.effective_n, found.n, strict=True)):
        said[0] += f" (worth {' against '.join(worth)} equally weighted ones)"
    if found.n_tested:
        units = "1 unit" if found.n_tested == 1 else f"{found.n_tested:,} units"
        at_once = f"for all {units} at once (Bonferroni)" if found.simultaneous else "unit by unit"
        said.append(f"approximate {found.confidence:.0%} intervals {at_once}")
        said.append(f"p corrected for {units} (Holm)")
    return "; ".join(said) + (f". {found.note}" if found.note else "")
