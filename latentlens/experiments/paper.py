"""All experiments in turn, written as they finish."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from latentlens.core.checks import check_choice
from latentlens.experiments.claim import Claim, claims
from latentlens.experiments.cost import draw_taken, draw_times, figure_7, table_4
from latentlens.experiments.experiment import Experiment, Settings
from latentlens.experiments.latent_map import draw_map, figure_1
from latentlens.experiments.page import page
from latentlens.experiments.render import write_chart
from latentlens.experiments.result import Result, load_result, save_result, write_whole
from latentlens.experiments.size import draw_sizes, table_1
from latentlens.experiments.sweep import (
    draw_by_fraction,
    draw_by_j,
    draw_by_k,
    draw_definitions,
    figure_4,
    figure_5,
    figure_6,
    s1_definitions,
)

if TYPE_CHECKING:
    from latentlens.experiments.result import Draw

PAPER_DATA = ("mnist", "galaxy")
"""What the paper is about."""


@dataclass(frozen=True)
class Entry:
    """One experiment: how it is run, and how its frame is drawn."""

    run: Callable[[Experiment], Result]
    draw: Callable[[Settings], Draw]


EXPERIMENTS: dict[str, Entry] = {
    "table_1": Entry(table_1, lambda _: draw_sizes),
    "figure_1": Entry(figure_1, lambda _: draw_map),
    "figure_4": Entry(figure_4, lambda settings: partial(draw_by_fraction, settings.measure)),
    "figure_5": Entry(figure_5, lambda settings: partial(draw_by_k, settings.measure)),
    "figure_6": Entry(figure_6, lambda settings: partial(draw_by_j, settings.measure)),
    "s1_definitions": Entry(s1_definitions, lambda _: draw_definitions),
    "figure_7": Entry(figure_7, lambda _: draw_times),
    "table_4": Entry(table_4, lambda _: draw_taken),
}
"""The figures and tables by name, in the order of the paper."""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A whole run.

    Parameters
    ----------
    results : dict of str to Result
    claims : list of Claim
    skipped : tuple of str
        Results that were there already, under equal settings.
    drawn : bool
        Whether the charts were written as SVG and PNG.
    page : Path
        The HTML page.

    Examples
    --------
    >>> from pathlib import Path
    >>> from latentlens.experiments import Paper
    >>> page = Path("index.html")
    >>> paper = Paper(results={}, claims=[], skipped=("figure_1",), drawn=False, page=page)
    >>> paper.skipped
    ('figure_1',)
    """

    results: dict[str, Result]
    claims: list[Claim]
    skipped: tuple[str, ...]
    drawn: bool
    page: Path


def run_paper(
    experiment: Experiment,
    folder: str | Path,
    *,
    names: Sequence[str] = (),
    redo: bool = False,
    say: Callable[[str], None] = print,
) -> Paper:
    """Run the experiments in turn, and write each as it finishes.

    What the folder already holds under equal settings is read, not run again, so
    that an ended run goes on where it stopped. Per result there are NAME.csv,
    NAME.json (settings, notes, time) and NAME.vl.json; NAME.svg and NAME.png where
    vl-convert is installed; claims.csv, and index.html with everything.

    Parameters
    ----------
    experiment : Experiment
    folder : str or Path
        Made if it is not there.
    names : sequence of str
        Names in `EXPERIMENTS`; all of them if empty. The page shows what is there
        of the others too.
    redo : bool
        Whether to run again what is there.
    say : callable
        Told a line per result.

    Returns
    -------
    Paper

    Raises
    ------
    ValueError
        If a name is not known.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, run_paper
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> paper = run_paper(experiment, "paper", names=["table_1"], say=lambda line: None)
    >>> list(paper.results)
    ['table_1']
    """
    for name in names:
        check_choice(name, "names", EXPERIMENTS)
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    results: dict[str, Result] = {}
    skipped: list[str] = []
    for name in EXPERIMENTS:
        asked = name in (names or EXPERIMENTS)
        found = None if redo and asked else _held(name, out, experiment)
        if found is None and not asked:
            continue
        if found is None:
            say(f"{name}: running")
            found = run(name, experiment)
            save_result(found, out, experiment.identity)
            say(f"{name}: {len(found.frame):,} rows in {found.seconds:.1f} s")
        else:
            skipped.append(name)
            say(f"{name}: there already, with equal settings")
        results[name] = found
    return _write_page(experiment, out, results, tuple(skipped))


def run(name: str, experiment: Experiment) -> Result:
    """Run one experiment and time it.

    Parameters
    ----------
    name : str
        A name in `EXPERIMENTS`.
    experiment : Experiment

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        If there is no such experiment.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, run
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> run("table_1", experiment).title
    'Table I: sizes of the data, the model and its activations'
    """
    check_choice(name, "name", EXPERIMENTS)
    # The pass is shared, so it is no one's time but its own.
    _ = experiment.record
    began = time.perf_counter()
    result = EXPERIMENTS[name].run(experiment)
    return replace(result, seconds=time.perf_counter() - began)


def _held(name: str, folder: Path, experiment: Experiment) -> Result | None:
    draw = EXPERIMENTS[name].draw(experiment.settings)
    return load_result(name, folder, experiment.identity, draw)


def _write_page(
    experiment: Experiment, folder: Path, results: dict[str, Result], skipped: tuple[str, ...]
) -> Paper:
    import pandas as pd

    said = claims(results, experiment.settings)
    write_whole(folder / "claims.csv", pd.DataFrame(map(asdict, said)).to_csv(index=False))
    drawings = {name: write_chart(result, folder) for name, result in results.items()}
    path = folder / "index.html"
    title = f"Sampling for deep learning model diagnosis, on {experiment.settings.data}"
    write_whole(path, page(title, facts(experiment, results), results, said, drawings))
    return Paper(
        results=results,
        claims=said,
        skipped=skipped,
        drawn=all(drawings.values()),
        page=path,
    )


def facts(experiment: Experiment, results: Mapping[str, Result]) -> list[str]:
    """Say in sentences what was run.

    Parameters
    ----------
    experiment : Experiment
    results : mapping of str to Result
    """
    settings = experiment.settings
    layers = ", ".join(settings.layers) or "all watched layers"
    seconds = sum(result.seconds for result in results.values())
    run_of = ", ".join(experiment.title(name) for name in experiment.samplers)
    wrong = ""
    if "table_4" in results:
        wrong = f", {results['table_4'].frame['all_incorrect'].iloc[0]:,} of them misclassified"
    carried = ""
    if settings.data not in PAPER_DATA:
        carried = (
            "The paper is about MNIST and galaxies: a verdict here says whether its statement "
            f"carries over to {settings.data}."
        )
    said = [
        f"{type(experiment.model).__name__} on {len(experiment.loader.dataset):,} items of "
        f"{settings.data}{wrong}; weights {str(experiment.identity['weights'])[:12]}.",
        carried,
        f"Samplers: {run_of}. Those that rank in no time are drawn {settings.draws} times, the "
        f"others fitted {settings.fits} times, always with another seed.",
        f"Layers asked about: {layers}, by {settings.reduce}; class is the {settings.by} one; "
        f"S1 ranks units by {settings.measure} unless said otherwise. Precision: larger is "
        "better; distances: smaller is better.",
        f"The results took {seconds:,.0f} s in all, besides training and the pass.",
    ]
    return [sentence for sentence in said if sentence]
