"""Figure 1: the latents in the plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentlens.core import Record
from latentlens.experiments.experiment import Experiment
from latentlens.experiments.result import Result

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd


def figure_1(experiment: Experiment) -> Result:
    """Lay the latents out by t-SNE, by class, errors marked.

    Of more items than `Settings.map_items` some are left out at random, errors last.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Result
        Columns x, y, class (its name), correct, row.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, figure_1
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> figure_1(experiment).frame.columns.tolist()[:4]
    ['x', 'y', 'class', 'correct']
    """
    import pandas as pd

    from latentlens.embed import layouts

    record, settings = experiment.record, experiment.settings
    rows = thinned(record, settings.map_items, settings.seed)
    *_, last = layouts("tsne", record.latent[rows], random_state=settings.seed)
    frame = pd.DataFrame(
        {
            "x": last.xy[:, 0],
            "y": last.xy[:, 1],
            "class": np.array(record.classes)[record.label[rows]],
            "correct": record.correct[rows],
            "row": rows,
        }
    )
    n_errors = int(record.incorrect.sum())
    n_shown = int(record.incorrect[rows].sum())
    return Result(
        name="figure_1",
        title="Figure 1: the latents, by t-SNE",
        frame=frame,
        draw=draw_map,
        notes=(
            f"{len(rows):,} of {len(record):,} items, drawn at random besides the errors; "
            f"{n_shown:,} of {n_errors:,} errors are among them, marked by crosses. Distances "
            "between groups mean little in t-SNE.",
        ),
    )


def thinned(record: Record, n: int, seed: int) -> NDArray[np.int64]:
    """Take at most `n` labelled rows, errors first, the rest at random; ascending."""
    labelled = np.flatnonzero(record.label >= 0)
    order = np.random.default_rng(seed).permutation(labelled)
    wrong = record.incorrect[order]
    return np.sort(np.concatenate([order[wrong], order[~wrong]])[:n])


def draw_map(frame: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw `figure_1`."""
    import altair as alt

    from latentlens.experiments.look import COLOURS, cycle

    names = sorted(frame["class"].unique())
    colour = alt.Color(
        "class:N",
        title="Class",
        scale=alt.Scale(domain=names, range=cycle(COLOURS, len(names))),
    )
    plane = {
        "x": alt.X("x:Q", title="t-SNE 1", axis=alt.Axis(ticks=False, labels=False, grid=False)),
        "y": alt.Y("y:Q", title="t-SNE 2", axis=alt.Axis(ticks=False, labels=False, grid=False)),
    }
    base = alt.Chart(frame).properties(width=520, height=480)
    right = base.transform_filter("datum.correct")
    wrong = base.transform_filter("!datum.correct")
    return alt.layer(
        right.mark_circle(size=12, opacity=0.6).encode(color=colour, **plane),
        wrong.mark_point(size=70, shape="cross", stroke="black", strokeWidth=0.8, filled=True)
        .encode(color=colour, tooltip=["class", "row"], **plane),
    )  # fmt: skip
