"""The paper's statements about k and j (figures 5 and 6)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentlens.experiments.checks.found import NEAR, Checked, Found, Missing, graded


def top_100(found: Found) -> Checked:
    """Compare the precision of the top 100 with the paper's figure."""
    own = found.one("figure_5", "score", sampler="max_margin", metric=found.s1, k=100)
    paper = 0.70 if found.settings.data == "galaxy" else 0.98
    others = [
        f"by {measure} {found.one('figure_5', 'score', sampler='max_margin', metric=m, k=100):.2f}"
        for measure, m in (("max", "S1 max"), ("mean", "S1 mean"), ("count", "S1 count"))
    ]
    channel = _channel(found)
    return f"MaxMargin: {', '.join(others)}{channel}.", graded(abs(own - paper) < 0.05)


def _channel(found: Found) -> str:
    try:
        own = found.one(
            "s1_definitions",
            "score",
            sampler="max_margin",
            metric=found.s1,
            reduce="channel",
            k=100,
        )
    except Missing:
        return ""
    return f"; by channel {own:.2f}"


def rises_with_k(found: Found) -> Checked:
    """Compare precision at the least and the largest k."""
    rows = found.frame("figure_5")
    rows = rows[(rows["sampler"] == "max_margin") & (rows["metric"] == found.s1)]
    if len(rows) < 2:
        raise Missing("figure_5 has one k")
    rows = rows.sort_values("k")
    k, score, chance = (rows[name].to_numpy() for name in ("k", "score", "chance"))
    return (
        f"MaxMargin {score[0]:.2f} at k = {k[0]}, {score[-1]:.2f} at {k[-1]}; "
        f"picked blindly {chance[0]:.2f} and {chance[-1]:.2f}.",
        graded(bool(score[-1] > score[0])),
    )


def plateau_over_j(found: Found) -> Checked:
    """See how much precision moves from j = 0.5 on, and where it is."""
    j, s1 = _at_j(found, found.s1)
    high = s1[j >= 0.5]
    paper = 0.57 if found.settings.data == "galaxy" else 0.8
    return (
        f"From j = 0.5 on between {high.min():.2f} and {high.max():.2f}.",
        graded(high.max() - high.min() < NEAR, abs(high.mean() - paper) < 0.05),
    )


def flat_over_j(found: Found) -> Checked:
    """See how far S2 moves with j."""
    j, s2 = _at_j(found, "S2")
    least, most, at = s2.min(), s2.max(), j[s2.argmax()]
    return (
        f"S2 from {least:.4f} to {most:.4f}, largest at j = {at:g}: a factor of "
        f"{most / least if least > 0 else np.inf:.0f}.",
        graded(most < 2 * least),
    )


def worst_at_zero(found: Found) -> Checked:
    """Find the j at which S1 and S3 are worst."""
    (j, s1), (_, s3) = _at_j(found, found.s1), _at_j(found, "S3")
    worst = j[s1.argmin()], j[s3.argmax()]
    return (
        f"S1 is lowest at j = {worst[0]:g}, S3 largest at j = {worst[1]:g}.",
        graded(worst[0] == 0, worst[1] == 0),
    )


def weighted_is_no_better(found: Found) -> Checked:
    """Compare MaxMargin at the best of its j with its weighted variant, on all three."""
    said, worse, loose = [], [], []
    for metric in (found.s1, "S2", "S3"):
        _, own = _at_j(found, metric)
        best = own.max() if metric == found.s1 else own.min()
        mean, low, high = (
            found.one("figure_6", column, sampler="max_margin", variant="weighted", metric=metric)
            for column in ("score", "low", "high")
        )
        said.append(f"{metric[:2]} {best:.3g}, weighted {mean:.3g} ({low:.3g} to {high:.3g})")
        worse.append(bool(mean <= best if metric == found.s1 else mean >= best))
        loose.append(high > low)
    return (
        f"MaxMargin at its best j: {'; '.join(said)}.",
        graded(*worse, all(loose)),
    )


def _at_j(found: Found, metric: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = found.frame("figure_6")
    rows = rows[
        (rows["sampler"] == "max_margin")
        & (rows["variant"] == "both ends")
        & (rows["metric"] == metric)
    ]
    if len(rows) < 3:
        raise Missing("figure_6 has no MaxMargin at three j")
    rows = rows.sort_values("j")
    return rows["j"].to_numpy(), rows["score"].to_numpy()
