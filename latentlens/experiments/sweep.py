"""Figures 4 to 6: how well samples answer, by fraction, by k and by j; and what S1 means."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from latentlens.experiments.experiment import MEASURES, WEIGHTED, Drawn, Experiment
from latentlens.experiments.result import Result
from latentlens.experiments.score import score_draws

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

S1 = tuple(f"S1 {measure}" for measure in MEASURES)
TIES = (
    "By count, where k exceeds the number of units that are ever an item's maximum, all others tie "
    "at zero and count as hits: precision then says only how many cells the sample misses."
)
BY_SAMPLE = ["sampler", "title", "variant"]


def figure_4(experiment: Experiment) -> Result:
    """Score every sampler at every fraction: S1 by three definitions, S2 and S3.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Result
        Columns sampler, title, variant, fraction, metric, score (mean over the
        draws), spread (their standard deviation), low, high, draws, items.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, figure_4
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> figure_4(experiment).frame.columns.tolist()[:4]
    ['sampler', 'title', 'variant', 'fraction']
    """
    settings = experiment.settings
    drawn = experiment.draws(experiment.samplers, settings.fractions)
    scored, notes = score_draws(experiment, drawn, ks=(settings.k,))
    frame = over_draws(_one_size(scored), [*BY_SAMPLE, "fraction", "metric"])
    return Result(
        name="figure_4",
        title=f"Figure 4: quality by fraction (k = {settings.k}, j = {settings.j})",
        frame=frame,
        draw=partial(draw_by_fraction, settings.measure),
        notes=(*notes, _draws_note(experiment), _sizes_note(frame, len(experiment.record))),
    )


def figure_5(experiment: Experiment) -> Result:
    """Score every sampler at one fraction for every k: S1 by three definitions.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Result
        Columns as in `figure_4`, with k in place of the fraction, and `chance`,
        the precision of units picked blindly.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, figure_5
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> figure_5(experiment).frame.columns.tolist()[:4]
    ['sampler', 'title', 'variant', 'k']
    """
    settings = experiment.settings
    drawn = experiment.draws(experiment.samplers, (settings.fraction,))
    scored, notes = score_draws(experiment, drawn, ks=settings.ks)
    scored = scored[scored["metric"].isin(S1)]
    frame = over_draws(scored, [*BY_SAMPLE, "k", "metric", "chance"])
    return Result(
        name="figure_5",
        title=f"Figure 5: precision by k (fraction {settings.fraction:.0%}, j = {settings.j})",
        frame=frame,
        draw=partial(draw_by_k, settings.measure),
        notes=(
            *notes,
            _draws_note(experiment),
            "Grey marks: units picked blindly. Layers drop out as k reaches their width, so "
            "that the curves are not lifted by layers whose precision is 1 by construction.",
            TIES,
        ),
    )


def figure_6(experiment: Experiment) -> Result:
    """Score the samplers that take j at every j, their weighted variants beside them.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Result
        Columns as in `figure_4`, with j in place of the fraction; `variant` is
        "both ends" or "weighted". A weighted variant has no j: its score is
        repeated at every j, to be drawn as a line.

    Raises
    ------
    ValueError
        If no sampler of the settings takes j.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, figure_6
    >>> settings = Settings(
    ...     data="digits", samplers=("max_margin",), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> figure_6(experiment).frame.columns.tolist()[:4]
    ['sampler', 'title', 'variant', 'j']
    """
    import pandas as pd

    settings = experiment.settings
    names = [name for name in experiment.samplers if name in WEIGHTED]
    if not names:
        raise ValueError(
            f"figure_6 needs a sampler that takes j, such as {', '.join(WEIGHTED)}; "
            f"the settings have {', '.join(experiment.samplers)}."
        )
    drawn: list[Drawn] = []
    for j in settings.js:
        drawn += experiment.draws(names, (settings.fraction,), j=j)
    drawn += experiment.draws(names, (settings.fraction,), weighted=True)
    scored, notes = score_draws(experiment, drawn, ks=(settings.k,))
    own = scored[scored["variant"] == "both ends"]
    spread = scored[scored["variant"] == "weighted"].drop(columns="j")
    spread = spread.merge(pd.DataFrame({"j": settings.js}), how="cross")
    frame = over_draws(pd.concat([own, spread]), [*BY_SAMPLE, "j", "metric"])
    return Result(
        name="figure_6",
        title=f"Figure 6: quality by j (fraction {settings.fraction:.0%}, k = {settings.k})",
        frame=frame,
        draw=partial(draw_by_j, settings.measure),
        notes=(
            *notes,
            "Dashed: the weighted variants, which draw by the capped reciprocal of the ratio and "
            f"have no j; mean of {settings.draws} draws from one fit, with their range.",
        ),
    )


def s1_definitions(experiment: Experiment) -> Result:
    """Score every sampler by every definition of S1: measure, unit and k.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    Result
        Columns as in `figure_5`, and `reduce`: "unit" or "channel".

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, s1_definitions
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> s1_definitions(experiment).frame.columns.tolist()[:4]
    ['sampler', 'title', 'variant', 'reduce']
    """
    import pandas as pd

    settings = experiment.settings
    parts: list[pd.DataFrame] = []
    said: list[str] = []
    for reduce in ("unit", "channel"):
        there = experiment.with_reduce(reduce)
        drawn = there.draws(there.samplers, (settings.fraction,))
        scored, notes = score_draws(there, drawn, ks=(settings.k, max(settings.ks)))
        parts.append(scored[scored["metric"].isin(S1)].assign(reduce=reduce))
        said += [f"By {reduce}: {note}" for note in notes]
    frame = over_draws(pd.concat(parts), [*BY_SAMPLE, "reduce", "k", "metric", "chance"])
    return Result(
        name="s1_definitions",
        title=f"What S1 means: measure, unit and k (fraction {settings.fraction:.0%})",
        frame=frame,
        draw=draw_definitions,
        notes=(*said, _draws_note(experiment), TIES),
    )


def over_draws(scored: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Average over the draws: mean, standard deviation, lowest, highest and how many.

    Parameters
    ----------
    scored : DataFrame
        One score per draw.
    by : list of str
        The columns that tell apart what is not a draw of the same.
    """
    grouped = scored.groupby(by, sort=False, dropna=False)
    frame = grouped.agg(
        score=("score", "mean"),
        spread=("score", "std"),
        low=("score", "min"),
        high=("score", "max"),
        draws=("score", "size"),
        items=("items", "mean"),
    )
    return frame.reset_index()


def _one_size(scored: pd.DataFrame) -> pd.DataFrame:
    """Give samplers whose size comes out of the data one fraction, the mean over their draws."""
    from latentlens.samplers import SAMPLERS

    own = ~scored["sampler"].map(lambda name: SAMPLERS[name].uses_fraction)
    mean = scored.groupby("sampler")["fraction"].transform("mean")
    return scored.assign(fraction=scored["fraction"].where(~own, mean))


def _draws_note(experiment: Experiment) -> str:
    by_times: dict[int, list[str]] = {}
    for name in experiment.samplers:
        by_times.setdefault(len(experiment.seeds(name)), []).append(experiment.title(name))
    said = [f"of {times} draws for {', '.join(names)}" for times, names in by_times.items()]
    return f"Means, with the range, {'; '.join(said)}; each draw has a seed of its own."


def _sizes_note(frame: pd.DataFrame, n_items: int) -> str:
    """Name the samplers whose samples are not of the size asked for."""
    from latentlens.samplers import SAMPLERS

    size = frame[["sampler", "title", "fraction", "items"]].drop_duplicates()
    said = []
    for sampler, title, fraction, items in size.itertuples(index=False):
        if not SAMPLERS[sampler].uses_fraction:
            said.append(f"{title} has one size, of {items:,.0f} items")
        elif abs(items - fraction * n_items) > 1:
            said.append(f"{title} gave {items:,.0f} items at {fraction:.0%}")
    if not said:
        return "Every sample has the size asked for."
    return f"Samples of another size than asked for: {'; '.join(said)}."


def draw_by_fraction(measure: str, frame: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw `figure_4`, with S1 by `measure`."""
    return _three(frame, measure, "fraction", "Fraction of the items", "%")


def draw_by_j(measure: str, frame: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw `figure_6`, with S1 by `measure`."""
    return _three(frame, measure, "j", "j, share of outliers", ".2")


def _three(frame: pd.DataFrame, measure: str, x: str, title: str, form: str) -> alt.TopLevelMixin:
    import altair as alt

    from latentlens.experiments.look import curves, side_by_side

    axis = alt.X(f"{x}:Q", title=title, axis=alt.Axis(format=form, tickCount=5))
    dash = None
    if frame["variant"].nunique() > 1:
        dash = alt.StrokeDash(
            "variant:N",
            title="Variant",
            scale=alt.Scale(domain=["both ends", "weighted"], range=[[1, 0], [5, 4]]),
        )
    return side_by_side(
        [curves(frame, metric, axis, dash=dash) for metric in (f"S1 {measure}", "S2", "S3")]
    )


def draw_by_k(measure: str, frame: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw `figure_5`: S1 by `measure` first, then by the two others."""
    import altair as alt

    from latentlens.experiments.look import curves, side_by_side

    axis = alt.X("k:Q", title="k", scale=alt.Scale(type="log"))
    blind = (
        alt.Chart(frame[["k", "chance"]].drop_duplicates())
        .mark_point(shape="cross", color="#999999", size=30)
        .encode(x=axis, y="chance:Q")
    )
    shown = [f"S1 {measure}", *(name for name in S1 if name != f"S1 {measure}")]
    return side_by_side([alt.layer(curves(frame, name, axis), blind) for name in shown])


def draw_definitions(frame: pd.DataFrame) -> alt.TopLevelMixin:
    """Draw `s1_definitions`."""
    import altair as alt

    from latentlens.experiments.look import by_sampler

    titles: Any = list(dict.fromkeys(frame["title"]))
    base = alt.Chart(frame)
    return (
        base.mark_point(filled=True, size=50)
        .encode(
            x=alt.X("score:Q", title="Precision", scale=alt.Scale(domain=[0, 1])),
            y=alt.Y("title:N", title=None, sort=titles),
            tooltip=["title", "metric", "reduce", "k", "score", "spread", "chance"],
            **by_sampler(titles),
        )
        .properties(width=190)
        .facet(
            column=alt.Column("metric:N", title=None),
            row=alt.Row("where:N", title=None),
        )
        .transform_calculate(where="'by ' + datum.reduce + ', k = ' + datum.k")
    )
