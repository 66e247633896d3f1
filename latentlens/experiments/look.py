"""How the charts look: colours that colour-blind readers tell apart, with shapes beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from latentlens.core.palette import OKABE_ITO

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

COLOURS = (*(OKABE_ITO[i] for i in (0, 3, 2, 5, 1, 4, 7)), "#882255", "#999933", "#777777")
"""The first seven are those of Okabe and Ito (2008), the others of Tol's muted scheme."""

SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
    "M-1,-1L1,-1L-1,1L1,1Z",
    "M-1,-0.5L-0.5,-1L0,-0.5L0.5,-1L1,-0.5L0.5,0L1,0.5L0.5,1L0,0.5L-0.5,1L-1,0.5L-0.5,0Z",
)
"""As many as colours; the last two, an hourglass and an X, are SVG paths."""

CAPTIONS = {
    "S1 max": "S1: precision of the top units by maximum",
    "S1 mean": "S1: precision of the top units by mean",
    "S1 count": "S1: precision of the top units by count",
    "S2": "S2: cosine distance of the means (log)",
    "S3": "S3: Jensen-Shannon distance",
}

Marks = dict[str, Any]


def cycle(values: Sequence[str], n: int) -> list[str]:
    """Give `n` of the values, from the front again when they are used up."""
    return [values[i % len(values)] for i in range(n)]


def by_sampler(titles: Sequence[str], *, shape: bool = True) -> Marks:
    """Encode the column `title` by colour, and by shape, in the order given."""
    import altair as alt

    names = list(titles)
    legend = alt.Legend(title="Sampler", labelLimit=320)
    colours = alt.Scale(domain=names, range=cycle(COLOURS, len(names)))
    marks: Marks = {"color": alt.Color("title:N", legend=legend, scale=colours)}
    if shape:
        shapes = alt.Scale(domain=names, range=cycle(SHAPES, len(names)))
        marks["shape"] = alt.Shape("title:N", legend=legend, scale=shapes)
    return marks


def score_axis(metric: str) -> alt.Y:
    """Give the axis of a metric; S2 spans orders of magnitude, so its axis is logarithmic."""
    import altair as alt

    scale = alt.Scale(type="log") if metric == "S2" else alt.Scale(domain=[0, 1])
    return alt.Y("score:Q", title=CAPTIONS[metric], scale=scale)


def curves(
    frame: pd.DataFrame, metric: str, x: alt.X, *, dash: alt.StrokeDash | None = None
) -> Any:
    """Draw one metric's curves, with a band from lowest to highest draw where there are several.

    Parameters
    ----------
    frame : DataFrame
        Columns title, metric, score, low, high, draws and that of `x`.
    metric : str
    x : alt.X
    dash : alt.StrokeDash, optional
    """
    import altair as alt

    rows = frame[frame["metric"] == metric]
    if metric == "S2":
        rows = rows[rows["score"] > 0]
    titles = list(dict.fromkeys(frame["title"]))
    base = alt.Chart(rows).properties(width=250, height=260)
    detail = {} if dash is None else {"strokeDash": dash}
    line = base.mark_line(strokeWidth=1.5).encode(
        x=x, y=score_axis(metric), **by_sampler(titles, shape=False), **detail
    )
    shown = [c for c in ("title", "variant", "fraction", "j", "k", "score", "spread", "draws")
             if c in rows]  # fmt: skip
    point = base.mark_point(filled=True, size=36, opacity=0.9).encode(
        x=x, y=score_axis(metric), tooltip=shown, **by_sampler(titles)
    )
    repeated = rows[(rows["draws"] > 1) & ((metric != "S2") | (rows["low"] > 0))]
    ends = alt.Chart(repeated).mark_rule(strokeWidth=1, opacity=0.6)
    spread = ends.encode(x=x, y="low:Q", y2="high:Q", **by_sampler(titles, shape=False))
    return alt.layer(line, spread, point)


def side_by_side(charts: Sequence[Any]) -> alt.HConcatChart:
    """Set charts beside each other under one legend."""
    import altair as alt

    return alt.hconcat(*charts).resolve_scale(color="shared", shape="shared")
