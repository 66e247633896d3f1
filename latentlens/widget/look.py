"""How charts look: one palette, the widget's; titles that say what a figure is worth."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from latentlens.core.palette import OKABE_ITO, Theme, class_colours

if TYPE_CHECKING:
    import altair as alt

SAMPLE, ALL = OKABE_ITO[0], OKABE_ITO[1]
"""Colours of what is about the sample, and about all items."""
UNSEEN = "unknown"
MOST_ROWS = 4_500
"""Rows of a chart; altair refuses more than 5,000."""
LINE_LENGTH = 76
MOST_NAMED = 40
"""Classes that a legend names at most."""
INKS = {"light": ("#ffffff", "#1a1a1a", "#c8c8c8"), "dark": ("#111111", "#eeeeee", "#4a4a4a")}
"""Background, text and lines."""


def titled(text: str, *notes: str) -> alt.TitleParams:
    """Make a title with what is to be said of the figure under it."""
    import altair as alt

    lines = [line for note in notes if note for line in wrap(note, LINE_LENGTH)]
    return alt.TitleParams(text=text, subtitle=lines, anchor="start", subtitleFontSize=11)


def by_name(field: str, names: Sequence[str], *, title: str) -> Any:
    """Colour a column of a few names, in their order."""
    import altair as alt

    scale = alt.Scale(domain=list(names), range=class_colours(len(names)))
    return alt.Color(f"{field}:N", title=title, scale=scale)


def themed(chart: Any, theme: Theme) -> Any:
    """Set background, text and lines for light or dark paper."""
    ground, ink, line = INKS[theme]
    return (
        chart.properties(background=ground)
        .configure_title(color=ink, subtitleColor=ink)
        .configure_axis(
            labelColor=ink, titleColor=ink, gridColor=line, domainColor=line, tickColor=line
        )
        .configure_legend(labelColor=ink, titleColor=ink)
        .configure_header(labelColor=ink, titleColor=ink)
        .configure_text(color=ink)
        .configure_view(stroke=line)
    )
