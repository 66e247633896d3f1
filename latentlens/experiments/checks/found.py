"""The figures of a run, and the verdict on what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from latentlens.experiments.experiment import Settings
from latentlens.experiments.result import Result

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["holds", "holds in part", "does not hold", "not measured"]
Checked = tuple[str, Verdict]
"""What came out, in figures, and what that makes of the statement."""

NEAR = 0.1
"""Scores of S1 and S3 that differ by less are called about equal: one top unit of ten."""
PAPER = (
    "random",
    "stratified",
    "vas",
    "boundary_tree",
    "latent_grid",
    "gmm_spherical",
    "gmm_full",
    "max_margin",
)
"""The paper's eight samplers."""


class Missing(LookupError):
    """A claim is about something that was not run."""


class Found:
    """The figures of a run, looked up by what the claims are about."""

    def __init__(self, results: Mapping[str, Result], settings: Settings) -> None:
        self._results = results
        self.settings = settings
        self.s1 = f"S1 {settings.measure}"

    def frame(self, name: str) -> pd.DataFrame:
        """Give a result's frame."""
        if name not in self._results:
            raise Missing(f"{name} was not run")
        return self._results[name].frame

    def one(self, name: str, column: str, **where: object) -> float:
        """Give the one number of `column` in the row that `where` picks."""
        rows = self.frame(name)
        for key, value in where.items():
            same = np.isclose(rows[key], value) if isinstance(value, float) else rows[key] == value
            rows = rows[same]
        if not len(rows):
            said = ", ".join(f"{key} {value}" for key, value in where.items())
            raise Missing(f"{name} has no {said}")
        return float(rows[column].iloc[0])

    def score(self, sampler: str, metric: str, fraction: float | None = None) -> float:
        """Give a sampler's score in figure 4; a sampler of a size of its own has but one."""
        rows = self.frame("figure_4")
        rows = rows[(rows["sampler"] == sampler) & (rows["metric"] == metric)]
        if not len(rows):
            raise Missing(f"{sampler} was not run")
        at = self.settings.fraction if fraction is None else fraction
        near = rows[np.isclose(rows["fraction"], at)]
        return float((near if len(near) else rows)["score"].iloc[0])

    def scores(self, sampler: str) -> tuple[float, float, float]:
        """Give S1, S2 and S3 of a sampler at the fixed fraction."""
        s1, s2, s3 = (self.score(sampler, metric) for metric in (self.s1, "S2", "S3"))
        return s1, s2, s3

    def told(self, *samplers: str) -> str:
        """Say the three scores of some samplers."""
        said = []
        for name in samplers:
            s1, s2, s3 = self.scores(name)
            said.append(f"{name} S1 {s1:.2f}, S2 {s2:.4f}, S3 {s3:.2f}")
        return "; ".join(said)


def graded(*held: bool) -> Verdict:
    """Give the verdict on a statement of several parts."""
    if all(held):
        return "holds"
    return "holds in part" if any(held) else "does not hold"
