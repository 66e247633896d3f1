"""The map as an altair chart: coloured and marked as the lens is."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.palette import UNKNOWN, Theme
from latentlens.widget.colouring import Colouring
from latentlens.widget.look import INKS, MOST_NAMED, MOST_ROWS, UNSEEN, titled

if TYPE_CHECKING:
    import pandas as pd

PROJECTIONS = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP", "own": "a layout of one's own"}
CROSS = "M-0.7,-0.7L0.7,0.7M-0.7,0.7L0.7,-0.7"
STOPS = 10
"""Colours between which a scale is mixed."""
SIZE = 50
"""Area of a sampled item's mark, in square pixels."""
FEW_SELECTED = 200
"""More selected items than this are ringed more tightly."""
PLAIN, FAINT = 0.4, 0.2
"""Opacity of items outside the sample; of all that are not selected, where any are."""


def map_chart(
    frame: pd.DataFrame,
    *,
    colouring: Colouring,
    selection: NDArray[np.uint32],
    projection: str,
    theme: Theme = "light",
) -> Any:
    """Draw the map: the sample ringed, its errors crossed, the rest thinned.

    What is selected has a wider ring of its own, and all else is faint. Named
    parameters: ``zoom`` (drag and wheel), ``size``, and ``classes`` (a click in the
    legend) where colours stand for names.

    Parameters
    ----------
    frame : DataFrame
        As ``lens.frame``.
    colouring : Colouring
        Of its rows.
    selection : ndarray of uint32
        Rows; none are selected where it is empty.
    projection : str
    theme : {"light", "dark"}
    """
    import altair as alt

    chosen = np.isin(np.arange(len(frame)), selection)
    rows, notes = _map_rows(_with_values(frame, colouring), chosen, colouring)
    drawn_by = PROJECTIONS.get(projection, projection)
    size = alt.param(name="size", value=SIZE)
    plain = alt.Chart(rows).encode(**_places(drawn_by), tooltip=_tooltip(colouring))
    base = plain.encode(color=_color(colouring, theme))
    layers = _layers(base, plain, int(chosen.sum()), theme)
    if not colouring.names:
        layers[:1] = _with_scale(layers[0], colouring, theme)
    # All in one layer: altair gives the parameters of several layers to each of them where
    # charts are set side by side, and Vega then finds them twice.
    rest = layers[0].add_params(size, alt.selection_interval(name="zoom", bind="scales"))
    if colouring.names:
        layers[0] = _fading(rest, colouring.field, FAINT if chosen.any() else PLAIN)
    else:
        layers[0] = rest
    return alt.layer(*layers).properties(
        title=titled(f"{len(frame):,} items by {drawn_by}", *notes), width=420, height=420
    )


def _layers(base: Any, plain: Any, selected: int, theme: Theme) -> list[Any]:
    """Give the marks from the lowest to the highest."""
    import altair as alt

    _, ink, _ = INKS[theme]
    of_group = "datum.selected && " if selected else ""
    size = alt.ExprRef("size")
    # Without `invalid` an item whose value is unknown would not be drawn at all.
    mark = {"invalid": None, "opacity": 1}
    rest = base.transform_filter("!datum.selected" if selected else "!datum.in_sample")
    layers = [rest.mark_circle(size=9, invalid=None, opacity=FAINT if selected else PLAIN)]
    if selected:
        inside = base.transform_filter("datum.selected && !datum.in_sample")
        layers.append(inside.mark_circle(size=20, **mark))
    ring = base.transform_filter(f"{of_group}datum.in_sample")
    layers.append(ring.mark_point(filled=True, size=size, stroke=ink, strokeWidth=1, **mark))
    cross = plain.transform_filter(f"{of_group}datum.in_sample && datum.wrong")
    layers.append(cross.mark_point(shape=CROSS, size=size, stroke=ink, strokeWidth=1, **mark))
    if selected:
        halo = plain.transform_filter("datum.selected")
        few = min(1, FEW_SELECTED / selected)
        wide = {
            "size": alt.ExprRef(f"{1.4 + 1.2 * few:.2f} * size"),
            "strokeWidth": 0.8 + 0.8 * few,
        }
        layers.append(halo.mark_point(filled=False, stroke=ink, **wide, **mark))
    return layers


def _fading(rest: Any, field: str, opacity: float) -> Any:
    """Let a click in the legend keep one colour and fade the others."""
    import altair as alt

    picked = alt.selection_point(name="classes", fields=[field], bind="legend")
    faded = alt.condition(picked, alt.value(opacity), alt.value(opacity / 10))
    return rest.encode(opacity=faded).add_params(picked)


def _places(drawn_by: str) -> dict[str, Any]:
    import altair as alt

    return {
        name: axis(f"{name}:Q", title=f"{drawn_by} {name} (no unit)").scale(zero=False)
        for name, axis in (("x", alt.X), ("y", alt.Y))
    }


def _tooltip(colouring: Colouring) -> list[Any]:
    import altair as alt

    known = ["row", "true", "pred", "correct", alt.Tooltip("margin:Q", format=".3g"), "role"]
    if colouring.field in ("true", "pred", "correct", "margin"):
        return known
    kind = "N" if colouring.names else "Q"
    return [*known, alt.Tooltip(f"{colouring.field}:{kind}", title=colouring.title)]


def _color(colouring: Colouring, theme: Theme) -> Any:
    import altair as alt

    grey = UNKNOWN[theme]
    if colouring.names:
        unknown = bool(colouring.unknown.any())
        names = [*colouring.names, *([_name_of_unknown(colouring.names)] if unknown else [])]
        colours = [*colouring.palette(theme, STOPS), *([grey] if unknown else [])]
        named = len(names) <= MOST_NAMED + 1
        legend = alt.Legend(title=colouring.title, symbolLimit=MOST_NAMED + 1, symbolOpacity=1)
        return alt.Color(
            f"{colouring.field}:N",
            scale=alt.Scale(domain=names, range=colours),
            legend=legend if named else None,
        )
    known = _scaled(colouring, theme, legend=None)
    # The unknown come first: Vega-Lite gives them the scale's low end before it comes to an else.
    return alt.condition(f"!isValid(datum.{colouring.field})", alt.value(grey), known)


def _scaled(colouring: Colouring, theme: Theme, *, legend: Any) -> Any:
    import altair as alt

    scale = alt.Scale(
        type="log" if colouring.log else "linear",
        domain=list(colouring.span),
        range=colouring.palette(theme, STOPS),
        clamp=True,
    )
    return alt.Color(f"{colouring.field}:Q", scale=scale, legend=legend)


def _with_scale(rest: Any, colouring: Colouring, theme: Theme) -> list[Any]:
    """Part the known from the unknown: Vega draws no scale beside a condition."""
    import altair as alt

    legend = alt.Legend(type="gradient", title=colouring.title, titleLimit=260, gradientOpacity=1)
    known = f"isValid(datum.{colouring.field})"
    of_scale = rest.transform_filter(known).encode(color=_scaled(colouring, theme, legend=legend))
    grey = rest.transform_filter(f"!{known}").encode(color=alt.value(UNKNOWN[theme]))
    return [of_scale, grey] if colouring.unknown.any() else [of_scale]


def _with_values(frame: pd.DataFrame, colouring: Colouring) -> pd.DataFrame:
    """Give the columns of the chart, with what the colour says under its field's name.

    Vega draws nothing that is infinite: such a number is put at its end of the scale.
    """
    columns = ["true", "pred", "correct", "loss", "margin", "role", "in_sample", "x", "y"]
    values: Any = colouring.values
    if colouring.names:
        names = np.array([*colouring.names, _name_of_unknown(colouring.names)], object)
        values = names[np.where(colouring.unknown, len(colouring.names), values)]
    else:
        values = np.where(colouring.infinite, np.clip(values, *colouring.span), values)
    wrong = frame["correct"].eq(False).fillna(False).to_numpy(bool)
    named = {
        name: frame[name].fillna(_name_of_unknown(set(frame[name].dropna())))
        for name in ("true", "pred")
    }
    return frame[columns].assign(**{**named, "wrong": wrong, colouring.field: values})


def _name_of_unknown(names: Collection[Any]) -> str:
    """Give what is unknown a name that is none of these."""
    name = UNSEEN
    while name in names:
        name = f"({name})"
    return name


def _map_rows(
    frame: pd.DataFrame, chosen: NDArray[np.bool_], colouring: Colouring
) -> tuple[pd.DataFrame, list[str]]:
    """Take the sample, what is selected, and as many of the rest as a chart may hold."""
    sampled = frame["in_sample"].to_numpy(bool)
    rng = np.random.default_rng(0)
    of_sample = "the rest of the sample" if (sampled & chosen).any() else "the sample"
    parts = [
        ("the selection", np.flatnonzero(chosen)),
        (of_sample, np.flatnonzero(sampled & ~chosen)),
        ("the rest", np.flatnonzero(~sampled & ~chosen)),
    ]
    taken: list[NDArray[np.int64]] = []
    thinned, room = [], MOST_ROWS
    for what, rows in parts:
        most = room if what == "the rest" else min(MOST_ROWS // 2, room)
        kept = rng.choice(rows, most, replace=False) if len(rows) > most else rows
        room -= len(kept)
        taken.insert(0, kept)
        if len(kept) < len(rows):
            some = f"{len(kept):,} of {len(rows):,} are drawn, chosen at random."
            none = f"none of {len(rows):,} is drawn."
            thinned.append(f"Of {what} {some if len(kept) else none}")
    rows = np.concatenate(taken)
    drawn = frame.iloc[rows].assign(selected=chosen[rows]).reset_index()
    drawn["correct"] = drawn["correct"].astype(object)
    return drawn, [*_words(frame, chosen, colouring), *thinned]


def _words(frame: pd.DataFrame, chosen: NDArray[np.bool_], colouring: Colouring) -> list[str]:
    sampled, wrong = frame["in_sample"].to_numpy(bool), frame["wrong"].to_numpy(bool)
    n = f"{sampled.sum():,} of {len(frame):,} items are in the sample"
    errors = f"with {(wrong & sampled).sum():,} of {wrong.sum():,} errors"
    notes = [f"{n} and ringed, {errors}, which are crossed (exact)."]
    if chosen.any():
        notes = [
            f"{n}, {errors} (exact).",
            f"{chosen.sum():,} are selected and have a wide ring; {(chosen & sampled).sum():,} of "
            "them are sampled: larger, and crossed where wrong. All others are faint.",
        ]
    unknown = int(colouring.unknown.sum())
    if unknown:
        notes.append(f"Grey: {unknown:,} items of which {colouring.title} is not known.")
    infinite = int(colouring.infinite.sum())
    if infinite:
        notes.append(
            f"At the ends of the scale: {infinite:,} items of which {colouring.title} is infinite."
        )
    return notes
