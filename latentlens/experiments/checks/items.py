"""The paper's statements about where items lie, and which are taken (figure 1 and table 4)."""

from __future__ import annotations

import numpy as np

from latentlens.experiments.checks.found import PAPER, Checked, Found, Missing, graded


def separated(found: Found) -> Checked:
    """Ask the plane itself: of each item's nearest neighbours, how many have its class."""
    from scipy.spatial import cKDTree

    frame = found.frame("figure_1")
    plane, label = frame[["x", "y"]].to_numpy(), frame["class"].to_numpy()
    if len(frame) < 12:
        raise Missing("figure_1 has too few items")
    near = np.asarray(cKDTree(plane).query(plane, 11)[1])[:, 1:]
    same = (label[near] == label[:, None]).mean(axis=1)
    right = frame["correct"].to_numpy(bool)
    wrong = f", {same[~right].mean():.0%} round the errors" if (~right).any() else ""
    return (
        f"Of an item's ten nearest neighbours in the plane {same[right].mean():.0%} have its "
        f"class{wrong}.",
        graded((same[right].mean() >= 0.9) != (found.settings.data == "galaxy")),
    )


def errors_taken(found: Found) -> Checked:
    """Compare what share of the errors each sampler takes."""
    share = {
        name: found.one("table_4", "share_of_errors", sampler=name)
        for name in PAPER
        if name in set(found.frame("table_4")["sampler"])
    }
    if "max_margin" not in share or np.isnan(share["max_margin"]):
        raise Missing("table_4 has no errors taken by max_margin")
    told = ", ".join(f"{name} {value:.0%}" for name, value in share.items())
    return (
        f"Share of all errors taken: {told}.",
        graded(share["max_margin"] == max(share.values()), share["max_margin"] > 0.5),
    )
