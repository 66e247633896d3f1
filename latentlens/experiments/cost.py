"""Figure 7 and Table IV: how long a sample takes to draw, and how many errors it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from latentlens.experiments.experiment import Experiment
from latentlens.experiments.result import Result

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

REPEATS = 3
LONG_SECONDS = 5.0
"""A fit that takes longer is timed once."""


def figure_7(experiment: Experiment) -> Result:
    """Time how long each sampler takes to rank all items, and to cut one sample.

    Each is first run on a few items, so that compiling is not counted.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Result
        Columns sampler, title, step ("rank" or "cut"), seconds (the least of the
        repeats), repeats, items.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, figure_7
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> figure_7(experiment).frame.columns.tolist()[:4]
    ['sampler', 'title', 'step', 'seconds']
    """
    import pandas as pd

    settings = experiment.settings
    rows = []
    for name in experiment.bar(experiment.samplers, "timing"):
        _warm_up(experiment, name)
        rank, repeats = _time_rank(experiment, name)
        ranking = experiment.ranking(name, seed=settings.seed)
        cut = min(
            _seconds(partial(ranking.sample, settings.fraction, settings.j)) for _ in range(REPEATS)
        )
        for step, seconds, times in (("rank", rank, repeats), ("cut", cut, REPEATS)):
            rows.append(
                {
                    "sampler": name,
                    "title": experiment.title(name),
                    "step": step,
                    "seconds": seconds,
                    "repeats": times,
                    "items": len(experiment.record),
                }
            )
    n, d = experiment.record.latent.shape
    return Result(
        name="figure_7",
        title=f"Figure 7: time to draw ({n:,} items of {d} units)",
        frame=pd.DataFrame(rows),
        draw=draw_times,
        notes=(
            "Wall-clock time on this machine, one thread, whatever else ran; the least of "
            f"{REPEATS} runs, of one where it takes over {LONG_SECONDS:.0f} s. Ranking is done "
            "once; every further fraction and j only cuts. Compiling is not counted.",
        ),
    )


def table_4(experiment: Experiment) -> Result:
    """Count the correctly and incorrectly classified items that each sample takes.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Result
        Columns sampler, title, items, correct, incorrect (means over the draws),
        spread (standard deviation of `incorrect`), draws, all_incorrect,
        share_of_errors.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, table_4
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> table_4(experiment).frame.columns.tolist()[:4]
    ['sampler', 'title', 'items', 'correct']
    """
    import pandas as pd

    settings = experiment.settings
    wrong = experiment.record.incorrect
    right = experiment.record.correct
    rows = []
    for name in experiment.samplers:
        taken = np.array(
            [
                (len(sample), right[sample.index].sum(), wrong[sample.index].sum())
                for drawn in experiment.draws((name,), (settings.fraction,))
                for sample in (experiment.sample(drawn),)
            ]
        )
        items, correct, incorrect = taken.mean(axis=0)
        rows.append(
            {
                "sampler": name,
                "title": experiment.title(name),
                "items": items,
                "correct": correct,
                "incorrect": incorrect,
                "spread": taken[:, 2].std(ddof=1) if len(taken) > 1 else np.nan,
                "draws": len(taken),
                "all_incorrect": int(wrong.sum()),
                "share_of_errors": incorrect / wrong.sum() if wrong.any() else np.nan,
            }
        )
    return Result(
        name="table_4",
        title=f"Table IV: correct and incorrect items taken (fraction {settings.fraction:.0%})",
        frame=pd.DataFrame(rows),
        draw=draw_taken,
        notes=(f"The network gets {int(wrong.sum()):,} of {len(wrong):,} items wrong.",),
    )


def _warm_up(experiment: Experiment, name: str) -> None:
    from latentlens.samplers import SAMPLERS

    record = experiment.record
    rows = np.arange(0, len(record), max(1, len(record) // 300))
    before = None if record.pre_latent is None else record.pre_latent[rows]
    pred = record.pred[rows] if record.has_pred else None
    SAMPLERS[name].make(0).fit(record.latent[rows], record.label[rows], pred, before)


def _time_rank(experiment: Experiment, name: str) -> tuple[float, int]:
    times: list[float] = []
    while len(times) < REPEATS and (not times or times[-1] <= LONG_SECONDS):
        times.append(_seconds(lambda: experiment.fit(name, seed=experiment.settings.seed)))
    return min(times), len(times)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def draw_times(frame: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw `figure_7`."""
    import altair as alt

    from latentlens.experiments.look import COLOURS

    steps = ["rank", "cut"]
    return (
        alt.Chart(frame)
        .mark_point(filled=True, size=80)
        .encode(
            x=alt.X("seconds:Q", title="Seconds, log", scale=alt.Scale(type="log")),
            y=alt.Y("title:N", title=None, sort=None),
            color=alt.Color(
                "step:N", title="Step", scale=alt.Scale(domain=steps, range=list(COLOURS[:2]))
            ),
            shape=alt.Shape("step:N", title="Step", scale=alt.Scale(domain=steps)),
            tooltip=["title", "step", "seconds", "repeats"],
        )
        .properties(width=420)
    )


def draw_taken(frame: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw `table_4`."""
    import altair as alt

    from latentlens.experiments.look import COLOURS

    long = frame.melt(
        id_vars=["title"], value_vars=["correct", "incorrect"], var_name="kind", value_name="taken"
    )
    kinds = ["correct", "incorrect"]
    return (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X("taken:Q", title="Items taken"),
            y=alt.Y("title:N", title=None, sort=list(frame["title"])),
            color=alt.Color(
                "kind:N", title="Items", scale=alt.Scale(domain=kinds, range=list(COLOURS[:2]))
            ),
            tooltip=["title", "kind", "taken"],
        )
        .properties(width=420)
    )
