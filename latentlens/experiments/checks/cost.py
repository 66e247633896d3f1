"""The paper's statements about bytes and seconds (table 1 and figure 7)."""

from __future__ import annotations

import numpy as np

from latentlens.experiments.checks.found import Checked, Found, graded


def sizes(found: Found) -> Checked:
    """Compare the size of all activations with the input's."""
    times = found.one("table_1", "times_input", what="all layers")
    return (
        f"All activations take {times:,.0f} times the input as stored, "
        f"{np.log10(times):.1f} orders of magnitude, gradients and checkpoints not counted.",
        graded(times >= 10**2.5),
    )


def seconds_to_rank(found: Found) -> Checked:
    """Give the seconds that the quick samplers take."""
    names = ("random", "stratified", "gmm_spherical", "gmm_full", "max_margin")
    rank = {name: found.one("figure_7", "seconds", sampler=name, step="rank") for name in names}
    quick = ("stratified", "gmm_spherical", "gmm_full")
    told = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in rank.items())
    return (
        f"To rank: {told}.",
        graded(
            min(rank, key=lambda name: rank[name]) == "random",
            all(rank[name] < 1 for name in quick),
            rank["max_margin"] < 5,
        ),
    )


def slow_samplers(found: Found) -> Checked:
    """Compare the seconds of VAS and the boundary tree with MaxMargin's."""
    slow = [
        found.one("figure_7", "seconds", sampler=name, step="rank")
        for name in ("vas", "boundary_tree")
    ]
    margin = found.one("figure_7", "seconds", sampler="max_margin", step="rank")
    return (
        f"Compiled, VAS takes {slow[0]:.3g} s and the boundary tree {slow[1]:.3g} s, "
        f"{slow[0] / margin:.2g} and {slow[1] / margin:.2g} times MaxMargin.",
        graded(*(seconds >= 100 * margin for seconds in slow)),
    )
