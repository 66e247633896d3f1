"""The answer to a question of the paper: a table, a chart and a title."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from latentlens.core.palette import VIRIDIS
from latentlens.widget.charts import maxima_chart, top_chart

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

MOST_CELLS = 4_000
"""Cells of a heat map; a chart's data stay under 5,000 rows."""


@dataclass(frozen=True, kw_only=True)
class QuestionResult:
    """The answer to a question by name.

    Parameters
    ----------
    title : str
        The question in words, such as "top 10 neurons of conv2 for wrong 7s".
    frame : DataFrame
        With kind, n_used and n_group.
    draw : callable
        Makes the chart.

    Examples
    --------
    >>> from latentlens import LatentLens
    >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
    >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
    >>> asked = lens.questions.q2("0", k=1)
    >>> asked.title, asked.frame["unit"].tolist()
    ('top 1 neurons of latent for wrong 0s', [0])
    """

    title: str
    frame: pd.DataFrame
    draw: Callable[[QuestionResult], Any] = field(repr=False)

    def chart(self) -> alt.Chart:
        """Draw the answer.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> type(lens.questions.q1().chart()).__name__
        'Chart'
        """
        chart: alt.Chart = self.draw(self)
        return chart

    def _repr_html_(self) -> str:
        table: str = self.frame.head(10).to_html(float_format="{:.4g}".format)
        return f"<p>{self.title}</p>{table}"


def draw_classes(result: QuestionResult) -> Any:
    """Draw means as a heat map, classes by units."""
    import altair as alt

    frame = result.frame
    spread = frame.groupby("unit")["mean"].agg(np.ptp).sort_values(ascending=False, kind="stable")
    most = max(1, MOST_CELLS // frame["label"].nunique())
    rows = frame[frame["unit"].isin(spread.index[:most])]
    more = f", the {most:,} units that differ most" if len(spread) > most else ""
    return (
        alt.Chart(rows, title=result.title + more)
        .mark_rect()
        .encode(
            x=alt.X("unit:O", title="unit").axis(labelOverlap=True),
            y=alt.Y("label:N", title="class", sort=None),
            color=alt.Color(
                "mean:Q",
                title=f"mean ({frame['kind'].iloc[0]})",
                scale=alt.Scale(range=list(VIRIDIS)),
            ),
            tooltip=["label", "unit", alt.Tooltip("mean:Q", format=".4g"), "n_used", "n_group"],
        )
    )


def draw_top(result: QuestionResult) -> Any:
    """Draw the top units as bars."""
    return top_chart(result.frame, _counted(result), measure=result.frame.attrs["measure"])


def draw_counts(result: QuestionResult) -> Any:
    """Draw of how many items each unit is the maximum."""
    return maxima_chart(result.frame, _counted(result))


def _counted(result: QuestionResult) -> str:
    attrs = result.frame.attrs
    return f"{result.title} ({attrs['n_used']:,} of {attrs['n_group']:,} items)"
