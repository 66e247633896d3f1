"""What the paper's text says, beside what came out here.

References
----------
.. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
   Learning Model Diagnosis", arXiv 2002.09754, 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from latentlens.experiments.experiment import Settings
from latentlens.experiments.result import Result

if TYPE_CHECKING:
    import pandas as pd

Verdict = Literal["holds", "holds in part", "does not hold", "not measured"]

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


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of the paper beside what was measured.

    Parameters
    ----------
    of : str
        The result it is about.
    paper : str
        What the paper's text says.
    here : str
        What came out, in figures.
    verdict : {"holds", "holds in part", "does not hold", "not measured"}

    Examples
    --------
    >>> from latentlens.experiments import Claim
    >>> claim = Claim(of="table_1", paper="100,000 units", here="13,000", verdict="does not hold")
    >>> claim.verdict
    'does not hold'
    """

    of: str
    paper: str
    here: str
    verdict: Verdict


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


def claims(results: Mapping[str, Result], settings: Settings) -> list[Claim]:
    """Hold every statement of the paper against the results.

    Parameters
    ----------
    results : mapping of str to Result
    settings : Settings

    Returns
    -------
    list of Claim
        In the order of the figures; "not measured" where something was not run.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, claims, run
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> found = claims({"table_1": run("table_1", experiment)}, settings)
    >>> {claim.verdict for claim in found if claim.of == "figure_4"}
    {'not measured'}
    """
    found = Found(results, settings)
    said = []
    for of, paper, check in STATEMENTS:
        try:
            here, verdict = check(found)
        except Missing as missing:
            here, verdict = f"{missing}.", "not measured"
        said.append(Claim(of=of, paper=paper, here=here, verdict=verdict))
    return said


Checked = tuple[str, Verdict]


def _graded(*held: bool) -> Verdict:
    if all(held):
        return "holds"
    return "holds in part" if any(held) else "does not hold"


def _sizes(found: Found) -> Checked:
    times = found.one("table_1", "times_input", what="all layers")
    return (
        f"All activations take {times:,.0f} times the input as stored, "
        f"{np.log10(times):.1f} orders of magnitude, gradients and checkpoints not counted.",
        _graded(times >= 10**2.5),
    )


def _separated(found: Found) -> Checked:
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
        _graded((same[right].mean() >= 0.9) != (found.settings.data == "galaxy")),
    )


def _grid(found: Found) -> Checked:
    grid, random = found.scores("latent_grid"), found.scores("random")
    return (
        found.told("latent_grid", "random") + ".",
        _graded(abs(grid[0] - random[0]) < NEAR and abs(grid[2] - random[2]) < NEAR, grid[1] < 0.1),
    )


def _stratified(found: Found) -> Checked:
    own, random = found.scores("stratified"), found.scores("random")
    return (
        found.told("stratified", "random") + ".",
        _graded(own[0] - random[0] >= NEAR, random[2] - own[2] >= NEAR),
    )


def _vas(found: Found) -> Checked:
    own, other = found.scores("vas"), found.scores("stratified")
    return (
        found.told("vas", "stratified") + ".",
        _graded(abs(own[0] - other[0]) < NEAR, abs(own[2] - other[2]) < NEAR),
    )


def _full(found: Found) -> Checked:
    full, spherical = found.scores("gmm_full"), found.scores("gmm_spherical")
    return found.told("gmm_full", "gmm_spherical") + ".", _graded(*_better(full, spherical))


def _spherical(found: Found) -> Checked:
    spherical, other = found.scores("gmm_spherical"), found.scores("stratified")
    better = _better(spherical, other)
    galaxy = found.settings.data == "galaxy"
    return (
        found.told("gmm_spherical", "stratified") + ".",
        _graded(*(each != galaxy for each in better)),
    )


def _better(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[bool, bool, bool]:
    return a[0] > b[0], a[1] < b[1], a[2] < b[2]


def _ranked(found: Found, metric: str) -> list[str]:
    """Order the paper's samplers that were run, the best first."""
    run = [name for name in PAPER if name in set(found.frame("figure_4")["sampler"])]
    if len(run) < 2:
        raise Missing("fewer than two of the paper's samplers were run")
    score = {name: found.score(name, metric) for name in run}
    return sorted(run, key=score.__getitem__, reverse=metric.startswith("S1"))


def _best(found: Found) -> Checked:
    larger = _larger(found)
    ranked = [
        [name for name in _ranked(found, metric) if name not in larger]
        for metric in (found.s1, "S2", "S3")
    ]
    told = ", ".join(f"{m} {names[0]}" for m, names in zip(("S1", "S2", "S3"), ranked, strict=True))
    out = f" Left out, with larger samples: {', '.join(larger)}." if larger else ""
    return (
        f"Best of the {len(ranked[0])} that were run: {told}. {found.told('max_margin')}.{out}",
        _graded(*(names[0] == "max_margin" for names in ranked)),
    )


def _larger(found: Found) -> list[str]:
    """Name the samplers whose one sample is larger than MaxMargin's at the fixed fraction."""
    frame = found.frame("figure_4")
    asked = found.one("figure_4", "items", sampler="max_margin", fraction=found.settings.fraction)
    least = frame.groupby("sampler")["items"].min()
    return [name for name in PAPER if name in least.index and least[name] > asked + 1]


def _tree(found: Found) -> Checked:
    found.scores("boundary_tree")
    ranked = [_ranked(found, metric) for metric in (found.s1, "S3")]
    place = [1 + names.index("boundary_tree") for names in ranked]
    size = found.one("figure_4", "items", sampler="boundary_tree")
    asked = found.one("figure_4", "items", sampler="max_margin", fraction=found.settings.fraction)
    return (
        f"Place {place[0]} on S1 and {place[1]} on S3 of {len(ranked[0])}, with {size:,.0f} items "
        f"against {asked:,.0f} of the others.",
        _graded(place[0] == 2, place[1] == 2, size <= asked),
    )


def _knee(found: Found) -> Checked:
    last = max(found.settings.fractions)
    grid = found.one("figure_4", "items", sampler="latent_grid", fraction=last)
    other = found.one("figure_4", "items", sampler="max_margin", fraction=last)
    smaller = grid < 0.99 * other
    why = "" if smaller else "; what small cells cannot give, the larger ones do"
    return (
        f"At {last:.0%} it takes {grid:,.0f} items where MaxMargin takes {other:,.0f}{why}.",
        _graded(smaller),
    )


def _top_100(found: Found) -> Checked:
    own = found.one("figure_5", "score", sampler="max_margin", metric=found.s1, k=100)
    paper = 0.70 if found.settings.data == "galaxy" else 0.98
    others = [
        f"by {measure} {found.one('figure_5', 'score', sampler='max_margin', metric=m, k=100):.2f}"
        for measure, m in (("max", "S1 max"), ("mean", "S1 mean"), ("count", "S1 count"))
    ]
    channel = _channel(found)
    return f"MaxMargin: {', '.join(others)}{channel}.", _graded(abs(own - paper) < 0.05)


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


def _rises(found: Found) -> Checked:
    rows = found.frame("figure_5")
    rows = rows[(rows["sampler"] == "max_margin") & (rows["metric"] == found.s1)]
    if len(rows) < 2:
        raise Missing("figure_5 has one k")
    rows = rows.sort_values("k")
    k, score, chance = (rows[name].to_numpy() for name in ("k", "score", "chance"))
    return (
        f"MaxMargin {score[0]:.2f} at k = {k[0]}, {score[-1]:.2f} at {k[-1]}; "
        f"picked blindly {chance[0]:.2f} and {chance[-1]:.2f}.",
        _graded(bool(score[-1] > score[0])),
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


def _plateau(found: Found) -> Checked:
    j, s1 = _at_j(found, found.s1)
    high = s1[j >= 0.5]
    paper = 0.57 if found.settings.data == "galaxy" else 0.8
    return (
        f"From j = 0.5 on between {high.min():.2f} and {high.max():.2f}.",
        _graded(high.max() - high.min() < NEAR, abs(high.mean() - paper) < 0.05),
    )


def _flat(found: Found) -> Checked:
    j, s2 = _at_j(found, "S2")
    least, most, at = s2.min(), s2.max(), j[s2.argmax()]
    return (
        f"S2 from {least:.4f} to {most:.4f}, largest at j = {at:g}: a factor of "
        f"{most / least if least > 0 else np.inf:.0f}.",
        _graded(most < 2 * least),
    )


def _worst(found: Found) -> Checked:
    (j, s1), (_, s3) = _at_j(found, found.s1), _at_j(found, "S3")
    worst = j[s1.argmin()], j[s3.argmax()]
    return (
        f"S1 is lowest at j = {worst[0]:g}, S3 largest at j = {worst[1]:g}.",
        _graded(worst[0] == 0, worst[1] == 0),
    )


def _weighted(found: Found) -> Checked:
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
        _graded(*worse, all(loose)),
    )


def _times(found: Found) -> Checked:
    names = ("random", "stratified", "gmm_spherical", "gmm_full", "max_margin")
    rank = {name: found.one("figure_7", "seconds", sampler=name, step="rank") for name in names}
    quick = ("stratified", "gmm_spherical", "gmm_full")
    told = ", ".join(f"{name} {seconds:.3g} s" for name, seconds in rank.items())
    return (
        f"To rank: {told}.",
        _graded(
            min(rank, key=lambda name: rank[name]) == "random",
            all(rank[name] < 1 for name in quick),
            rank["max_margin"] < 5,
        ),
    )


def _slow(found: Found) -> Checked:
    slow = [
        found.one("figure_7", "seconds", sampler=name, step="rank")
        for name in ("vas", "boundary_tree")
    ]
    margin = found.one("figure_7", "seconds", sampler="max_margin", step="rank")
    return (
        f"Compiled, VAS takes {slow[0]:.3g} s and the boundary tree {slow[1]:.3g} s, "
        f"{slow[0] / margin:.2g} and {slow[1] / margin:.2g} times MaxMargin.",
        _graded(*(seconds >= 100 * margin for seconds in slow)),
    )


def _errors(found: Found) -> Checked:
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
        _graded(share["max_margin"] == max(share.values()), share["max_margin"] > 0.5),
    )


STATEMENTS: tuple[tuple[str, str, Callable[[Found], Checked]], ...] = (
    (
        "table_1",
        "All artifacts together are about three orders of magnitude larger than the input.",
        _sizes,
    ),
    (
        "figure_1",
        "On MNIST the latents of the classes lie apart (those of the galaxies do not).",
        _separated,
    ),
    (
        "figure_4",
        "The simple latent grid is about as good as random: S2 off by less than 10 %, "
        "S1 and S3 poor.",
        _grid,
    ),
    (
        "figure_4",
        "Stratifying by the confusion matrix is much better than random on S1 and S3.",
        _stratified,
    ),
    ("figure_4", "VAS is about as good as stratifying by the confusion matrix.", _vas),
    ("figure_4", "The mixture with full covariances is better than the spherical one.", _full),
    (
        "figure_4",
        "The spherical mixture is better than stratifying on MNIST, worse on galaxies.",
        _spherical,
    ),
    ("figure_4", "MaxMargin is the best of the eight on all three query sets.", _best),
    (
        "figure_4",
        "The boundary tree is second on S1 and S3, with the smallest sample of all.",
        _tree,
    ),
    (
        "figure_4",
        "At 80 % the latent grid's curve has a knee: its small cells are used up, so that its "
        "sample is smaller than asked for.",
        _knee,
    ),
    (
        "figure_5",
        "Precision of the top 100 from 5 %: .98 on MNIST, .70 on galaxies.",
        _top_100,
    ),
    ("figure_5", "Precision rises with k.", _rises),
    (
        "figure_6",
        "Over j the precision of the top 10 reaches a plateau: .8 on MNIST, .57 on galaxies.",
        _plateau,
    ),
    ("figure_6", "S2 hardly depends on j.", _flat),
    ("figure_6", "S1 and S3 are worst at j = 0.", _worst),
    ("figure_6", "The weighted variants are not better, and less stable.", _weighted),
    (
        "figure_7",
        "For 5 % of 2,118 items random is fastest, stratifying and the mixtures take less than "
        "a second, MaxMargin 1.5 s.",
        _times,
    ),
    (
        "figure_7",
        "VAS and the boundary tree take about three orders of magnitude longer.",
        _slow,
    ),
    ("table_4", "MaxMargin's sample holds more of the errors than the others'.", _errors),
)
