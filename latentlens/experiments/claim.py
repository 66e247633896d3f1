"""What the paper's text says, beside what came out here.

References
----------
.. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
   Learning Model Diagnosis", arXiv 2002.09754, 2020.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from latentlens.experiments.checks import cost, items, k_and_j, samplers
from latentlens.experiments.checks.found import Checked, Found, Missing, Verdict
from latentlens.experiments.experiment import Settings
from latentlens.experiments.result import Result

STATEMENTS: tuple[tuple[str, str, Callable[[Found], Checked]], ...] = (
    (
        "table_1",
        "All artifacts together are about three orders of magnitude larger than the input.",
        cost.sizes,
    ),
    (
        "figure_1",
        "On MNIST the latents of the classes lie apart (those of the galaxies do not).",
        items.separated,
    ),
    (
        "figure_4",
        "The simple latent grid is about as good as random: S2 off by less than 10 %, "
        "S1 and S3 poor.",
        samplers.grid_like_random,
    ),
    (
        "figure_4",
        "Stratifying by the confusion matrix is much better than random on S1 and S3.",
        samplers.stratified_over_random,
    ),
    (
        "figure_4",
        "VAS is about as good as stratifying by the confusion matrix.",
        samplers.vas_like_stratified,
    ),
    (
        "figure_4",
        "The mixture with full covariances is better than the spherical one.",
        samplers.full_over_spherical,
    ),
    (
        "figure_4",
        "The spherical mixture is better than stratifying on MNIST, worse on galaxies.",
        samplers.spherical_over_stratified,
    ),
    (
        "figure_4",
        "MaxMargin is the best of the eight on all three query sets.",
        samplers.max_margin_is_best,
    ),
    (
        "figure_4",
        "The boundary tree is second on S1 and S3, with the smallest sample of all.",
        samplers.tree_is_second,
    ),
    (
        "figure_4",
        "At 80 % the latent grid's curve has a knee: its small cells are used up, so that its "
        "sample is smaller than asked for.",
        samplers.knee_of_grid,
    ),
    (
        "figure_5",
        "Precision of the top 100 from 5 %: .98 on MNIST, .70 on galaxies.",
        k_and_j.top_100,
    ),
    ("figure_5", "Precision rises with k.", k_and_j.rises_with_k),
    (
        "figure_6",
        "Over j the precision of the top 10 reaches a plateau: .8 on MNIST, .57 on galaxies.",
        k_and_j.plateau_over_j,
    ),
    ("figure_6", "S2 hardly depends on j.", k_and_j.flat_over_j),
    ("figure_6", "S1 and S3 are worst at j = 0.", k_and_j.worst_at_zero),
    (
        "figure_6",
        "The weighted variants are not better, and less stable.",
        k_and_j.weighted_is_no_better,
    ),
    (
        "figure_7",
        "For 5 % of 2,118 items random is fastest, stratifying and the mixtures take less than "
        "a second, MaxMargin 1.5 s.",
        cost.seconds_to_rank,
    ),
    (
        "figure_7",
        "VAS and the boundary tree take about three orders of magnitude longer.",
        cost.slow_samplers,
    ),
    (
        "table_4",
        "MaxMargin's sample holds more of the errors than the others'.",
        items.errors_taken,
    ),
)


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
