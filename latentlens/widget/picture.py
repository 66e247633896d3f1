"""A lens as one picture: its charts side by side, or drawn by hand where no renderer is."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from latentlens.core.checks import check_choice, check_count
from latentlens.core.palette import Theme
from latentlens.widget.charts import maxima_chart
from latentlens.widget.draw_chart import about, draw_chart
from latentlens.widget.look import themed, titled
from latentlens.widget.snapshot import draw, headline, take_snapshot

if TYPE_CHECKING:
    from latentlens.widget.results import Results

MISSING = (
    "An SVG is drawn by vl-convert-python, which is not installed: "
    "`pip install 'latentlens[pictures]'` brings it. lens.to_png() works without."
)
FEW_BARS = 10
APART: dict[str, Any] = {"color": "independent", "shape": "independent"}
MOST_WIDE = 8_000


def can_render() -> bool:
    """Say whether altair charts can be drawn here without a browser."""
    return find_spec("vl_convert") is not None


def png(lens: Results, *, width: int, theme: Theme) -> bytes:
    """Draw a lens as PNG, `width` pixels wide where charts can be rendered."""
    check_count(width, "width", MOST_WIDE, low=100)
    check_choice(theme, "theme", ("light", "dark"))
    if not can_render():
        lens._ready()
        return draw(take_snapshot(lens), theme)
    import vl_convert

    spec = composed(lens, theme).to_dict()
    drawn: bytes = vl_convert.vegalite_to_png(spec, scale=width / _width(spec))
    return drawn


def svg(lens: Results, *, theme: Theme) -> str:
    """Draw a lens as SVG.

    Raises
    ------
    ImportError
        Without vl-convert-python.
    """
    check_choice(theme, "theme", ("light", "dark"))
    if not can_render():
        raise ImportError(MISSING)
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(composed(lens, theme).to_dict())
    return drawn


def _width(spec: dict[str, Any]) -> float:
    """Give the width that a composition has by itself, in pixels."""
    import vl_convert

    found = re.search(r'<svg[^>]*?\swidth="([\d.]+)"', vl_convert.vegalite_to_svg(spec))
    if found is None:
        raise RuntimeError("vl-convert wrote an SVG without a width.")
    return float(found.group(1))


def composed(lens: Results, theme: Theme) -> Any:
    """Set the map, the top units, the histogram and the means side by side."""
    import altair as alt

    layer, words = about(lens, {})
    frame = lens.max_neurons()
    title = f"items that each unit of {layer} leads, {words}"
    side = [draw_chart(lens, "top_k", {}), maxima_chart(frame, title, most=FEW_BARS)]
    mean = _mean(lens)
    left = [draw_chart(lens, "map", {"theme": theme}), *([] if mean is None else [mean])]
    columns = [alt.vconcat(*charts).resolve_scale(**APART) for charts in (left, side)]
    now = take_snapshot(lens)
    assert now is not None
    whole = alt.hconcat(*columns, title=titled(headline(now))).resolve_scale(**APART)
    return themed(whole, theme)


def _mean(lens: Results) -> Any:
    """Draw the means as far as they can be known: over the sample, else over all items."""
    for on in ("sample", "all"):
        try:
            return draw_chart(lens, "mean_activation", {"on": on})
        except ValueError:
            continue
    return None
