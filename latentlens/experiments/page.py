"""One HTML page of a run, which needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import isnan
from typing import TYPE_CHECKING

from latentlens.experiments.claim import Claim
from latentlens.experiments.render import MISSING, own_ids
from latentlens.experiments.result import Result

if TYPE_CHECKING:
    import pandas as pd

SHOWN_ROWS = 200
"""Longer tables are cut on the page, which says so; the CSV has them whole."""

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff;
  max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; font-size: .85rem; }
th, td { border-bottom: 1px solid #ddd; padding: .3rem .6rem; text-align: left;
  vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } svg { max-width: 100%; height: auto; }
.verdict { font-weight: 600; white-space: nowrap; }
.holds { color: #00664b; } .part { color: #7a5200; } .not { color: #a33b00; }
.unknown { color: #555; }
"""
CLASSES = {
    "holds": "holds",
    "holds in part": "part",
    "does not hold": "not",
    "not measured": "unknown",
}


def page(
    title: str,
    facts: Sequence[str],
    results: Mapping[str, Result],
    said: Sequence[Claim],
    drawings: Mapping[str, str],
) -> str:
    """Write the page: what the paper says beside what came out, then every figure.

    Parameters
    ----------
    title : str
    facts : sequence of str
        Sentences on the model and the data.
    results : mapping of str to Result
    said : sequence of Claim
    drawings : mapping of str to str
        The SVG of each result; left out where there was no renderer, and the page says so.

    Returns
    -------
    str
        HTML without a script or an address to load from.
    """
    parts = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(fact)}</p>" for fact in facts),
        "" if any(drawings.values()) else f"<p><strong>{escape(MISSING)}</strong></p>",
        _claims(said),
        *(_section(result, drawings.get(name, "")) for name, result in results.items()),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body>\n</html>\n"
    )


def _claims(said: Sequence[Claim]) -> str:
    rows = "".join(
        f'<tr><td><a href="#{escape(claim.of)}">{escape(claim.of)}</a></td>'
        f"<td>{escape(claim.paper)}</td><td>{escape(claim.here)}</td>"
        f'<td class="verdict {CLASSES[claim.verdict]}">{escape(claim.verdict)}</td></tr>'
        for claim in said
    )
    return (
        "<h2>What the paper says, and what came out</h2>\n"
        "<p>The left column restates the paper's running text (Mehta, Portillo, Balazinska and "
        "Connolly, arXiv 2002.09754); the right one has this run's figures.</p>\n"
        '<div class="wide"><table><thead><tr><th>About</th><th>The paper</th><th>Here</th>'
        f"<th>Verdict</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _section(result: Result, svg: str) -> str:
    figure = ""
    if svg:
        label = escape(result.title, quote=True)
        drawing = own_ids(svg, result.name)
        figure = f'<div class="wide" role="img" aria-label="{label}">{drawing}</div>'
    notes = "".join(f"<p>{escape(note)}</p>" for note in result.notes)
    return (
        f'<h2 id="{escape(result.name)}">{escape(result.title)}</h2>\n{figure}\n{notes}\n'
        f"<details{'' if svg else ' open'}><summary>Table, as in {escape(result.name)}.csv"
        f"</summary>{_table(result.frame)}</details>"
    )


def _table(frame: pd.DataFrame) -> str:
    head = "".join(f"<th>{escape(str(name))}</th>" for name in frame.columns)
    body = "".join(
        "<tr>" + "".join(_entry(value) for value in row) + "</tr>"
        for row in frame.head(SHOWN_ROWS).itertuples(index=False)
    )
    cut = "" if len(frame) <= SHOWN_ROWS else (
        f"<p>The first {SHOWN_ROWS} of {len(frame):,} rows.</p>"
    )  # fmt: skip
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"</div>{cut}"
    )


def _entry(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td>{escape(str(value))}</td>"
    if isnan(value):
        return "<td></td>"
    return f'<td class="n">{value:{",.4g" if isinstance(value, float) else ","}}</td>'
