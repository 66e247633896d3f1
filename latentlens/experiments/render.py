"""Charts into files: Vega-Lite always, SVG and PNG where a renderer is at hand."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from latentlens.experiments.result import Result, write_whole

MISSING = (
    "The charts were not drawn: vl-convert-python is not installed. "
    "`pip install 'latentlens[paper]'` brings it; the second run then only draws. "
    "Beside each table lies its chart as Vega-Lite (.vl.json), which any Vega viewer opens."
)
PNG_SCALE = 2
_ID = re.compile(r'(\bid="|url\(#|href="#)')


def can_draw() -> bool:
    """Say whether SVG and PNG can be made here."""
    return find_spec("vl_convert") is not None


def write_chart(result: Result, folder: Path) -> str:
    """Write NAME.vl.json and, where a renderer is at hand, NAME.svg and NAME.png.

    Returns
    -------
    str
        The SVG; empty without a renderer.
    """
    specification: dict[str, Any] = result.chart().to_dict()
    write_whole(folder / f"{result.name}.vl.json", json.dumps(specification))
    if not can_draw():
        return ""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(specification)
    write_whole(folder / f"{result.name}.svg", svg)
    png = vl_convert.vegalite_to_png(specification, scale=PNG_SCALE)
    write_whole(folder / f"{result.name}.png", png)
    return svg


def own_ids(svg: str, name: str) -> str:
    """Put a name before every id in an SVG, so that several can stand in one page."""
    return _ID.sub(lambda found: f"{found.group(1)}{name}-", svg)
