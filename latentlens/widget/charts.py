"""What the panes show as altair charts, which people restyle; each under 5,000 rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentlens.core.palette import VIRIDIS
from latentlens.core.record import Record
from latentlens.widget.look import ALL, MOST_ROWS, SAMPLE, titled

if TYPE_CHECKING:
    import pandas as pd

MOST_BARS = 30
MOST_CLASSES = 60
"""Classes that a confusion matrix shows; 60 x 60 cells stay below the rows of a chart."""
TEXT_CLASSES = 20
"""Classes up to which its cells say their number."""
VALUES = {"max": "largest activation", "count": "items led by the unit", "mean": "mean activation"}


def _chart(rows: Any) -> Any:
    import altair as alt

    return alt.Chart(rows)


# -- units -----------------------------------------------------------------------


def top_chart(frame: pd.DataFrame, title: str, *, measure: str) -> Any:
    """Draw the most activated units as bars, hollow where not among the exact top k.

    Parameters
    ----------
    frame : DataFrame
        As `LatentLens.top_k` gives it.
    title : str
    measure : {"max", "count", "mean"}
    """
    import altair as alt

    attrs, rows = frame.attrs, frame.reset_index()
    order = rows["unit"].tolist()
    unit = alt.Y("unit:N", title="unit", sort=order)
    base = _chart(rows).encode(y=unit)
    bar = base.mark_bar(fill=SAMPLE, stroke=SAMPLE).encode(
        x=alt.X("value:Q", title=f"{VALUES[measure]} ({attrs['kind']})"),
        tooltip=[name for name in rows if name not in ("kind", "effective_n")],
    )
    if "hit" in rows:
        bar = bar.encode(
            fillOpacity=alt.FillOpacity(
                "hit:N",
                title="in the exact top k",
                scale=alt.Scale(domain=[True, False], range=[1, 0]),
            )
        )
    text = base.mark_text(align="left", dx=4).encode(
        x="value:Q", text=alt.Text("value:Q", format=".3~g")
    )
    layers = [bar, text]
    if measure == "mean" and "high" in rows and rows["high"].notna().any():
        layers.append(base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q"))
    notes = [attrs["read_out"]]
    if attrs.get("precision") is not None:
        notes.append(
            f"precision@{attrs['k']} {attrs['precision']:.2f} (measured), "
            f"{attrs['chance']:.2f} by chance. Hollow: not in the exact top k."
        )
    return alt.layer(*layers).properties(title=titled(title, *notes), width=320)


def maxima_chart(frame: pd.DataFrame, title: str, *, most: int = MOST_BARS) -> Any:
    """Draw of how many items each unit is the maximum, as shares of the sample and of all.

    The bars carry their counts.

    Parameters
    ----------
    frame : DataFrame
        As `LatentLens.max_neurons` gives it.
    title : str
    most : int
        How many units are drawn.
    """
    import altair as alt
    import pandas as pd

    shown = frame.head(most)
    names = np.where(shown.index < 0, "none", shown.index.astype(str)).tolist()
    parts = [
        pd.DataFrame({"unit": names, "of": of, "count": shown[column].to_numpy(),
                      "share": shown[column].to_numpy() / max(int(frame[column].sum()), 1)})
        for column, of in (("count", "sample"), ("exact_count", "all items"))
        if column in shown
    ]  # fmt: skip
    rows = pd.concat(parts, ignore_index=True)
    groups = list(dict.fromkeys(rows["of"]))
    base = _chart(rows).encode(
        y=alt.Y("unit:N", title="unit", sort=names),
        x=alt.X("share:Q", title="share of the items that it leads").axis(format="%"),
        yOffset=alt.YOffset("of:N", sort=groups),
    )
    colours = [SAMPLE, ALL] if len(groups) == 2 else [ALL if groups == ["all items"] else SAMPLE]
    bar = base.mark_bar().encode(
        color=alt.Color("of:N", title="of", scale=alt.Scale(domain=groups, range=colours)),
        tooltip=["unit", "of", "count", alt.Tooltip("share:Q", format=".2%")],
    )
    text = base.mark_text(align="left", dx=3, fontSize=9).encode(text="count:Q")
    notes = [frame.attrs["read_out"]]
    if frame.attrs.get("js_distance") is not None:
        notes.append(f"Jensen-Shannon distance {frame.attrs['js_distance']:.3f} (measured).")
    if len(frame) > most:
        notes.append(f"The first {most} of {len(frame):,} units that lead any item.")
    return (bar + text).properties(
        title=titled(title, *notes), width=320, height=alt.Step(24, **{"for": "position"})
    )


def mean_chart(frame: pd.DataFrame, title: str) -> Any:
    """Draw the mean activation of each unit, with the exact one and the interval if known.

    Parameters
    ----------
    frame : DataFrame
        As `LatentLens.mean_activation` gives it.
    title : str
    """
    import altair as alt

    notes = [frame.attrs["read_out"]] if "read_out" in frame.attrs else []
    most = MOST_ROWS // 2
    if len(frame) > most:
        frame = frame.loc[np.sort(frame["mean"].nlargest(most).index)]
        notes.append(f"The {most:,} units with the largest mean.")
    rows = frame.reset_index()
    exact_only = "exact_mean" not in rows
    columns = {"mean": "all items"} if exact_only else {"mean": "sample", "exact_mean": "all items"}
    long = rows.melt("unit", list(columns), "of", "value").dropna()
    long["of"] = long["of"].map(columns)
    groups = list(columns.values())
    scale = alt.Scale(domain=groups, range=[ALL] if exact_only else [SAMPLE, ALL])
    unit = alt.X("unit:Q", title="unit")
    marks = _chart(long).encode(
        x=unit,
        y=alt.Y("value:Q", title=f"mean activation ({frame['kind'].iloc[0]})"),
        color=alt.Color("of:N", title="of", scale=scale),
        shape=alt.Shape("of:N", title="of", scale=alt.Scale(domain=groups)),
        tooltip=["unit", "of", alt.Tooltip("value:Q", format=".4g")],
    )
    layers: list[Any] = [marks.mark_point(size=24)]
    if not exact_only and rows["low"].notna().any():
        band = _chart(rows[["unit", "low", "high"]].dropna())
        layers.insert(0, band.mark_rule(color=SAMPLE, opacity=0.5).encode(
            x=unit, y="low:Q", y2="high:Q"))  # fmt: skip
    distance = frame.attrs.get("cosine_distance")
    if distance is not None and not exact_only:
        notes.append(f"Cosine distance {distance:.3f}.")
    return alt.layer(*layers).properties(title=titled(title, *notes), width=420, height=220)


# -- classes ---------------------------------------------------------------------


def confusion_chart(record: Record, sampled: np.ndarray[Any, Any]) -> Any:
    """Draw how many items of each class were taken for which.

    Parameters
    ----------
    record : Record
    sampled : ndarray of shape (n_items,), bool
        Those in the sample, whose number the tooltips say.

    Raises
    ------
    ValueError
        If classes or predictions are not known.
    """
    import altair as alt

    known = record.correct | record.incorrect
    if not known.any():
        raise ValueError(
            "A confusion matrix needs items whose class and prediction are both known; this lens "
            "has none. Give label and pred, or logits."
        )
    rows, names, note = _confusion_rows(record, known, sampled)
    accuracy = record.correct[known].mean()
    base = _chart(rows).encode(
        x=alt.X("predicted:N", title="predicted class", sort=names),
        y=alt.Y("true:N", title="true class", sort=names),
    )
    scale = alt.Scale(domain=[0, 1], range=list(VIRIDIS))
    cells = base.mark_rect().encode(
        color=alt.Color("share:Q", title="share of the true class", scale=scale),
        tooltip=["true", "predicted", "count", "in_sample", alt.Tooltip("share:Q", format=".2%")],
    )
    title = titled(
        "Which class was taken for which",
        f"{int(known.sum()):,} items, accuracy {accuracy:.2%} (exact).",
        note,
    )
    if len(names) > TEXT_CLASSES:
        return cells.properties(title=title)
    text = base.mark_text(fontSize=10).encode(
        text="count:Q",
        color=alt.condition("datum.share > 0.6", alt.value("#000000"), alt.value("#ffffff")),
    )
    return (cells + text).properties(title=title)


def _confusion_rows(
    record: Record, known: np.ndarray[Any, Any], sampled: np.ndarray[Any, Any]
) -> tuple[pd.DataFrame, list[str], str]:
    import pandas as pd

    n = len(record.classes)
    wrong = known & record.incorrect
    shown, note = np.arange(n), ""
    if n > MOST_CLASSES:
        errors = np.bincount(record.label[wrong], minlength=n)
        errors += np.bincount(record.pred[wrong], minlength=n)
        shown = np.sort(np.argsort(-errors, kind="stable")[:MOST_CLASSES])
        note = f"The {MOST_CLASSES} of {n:,} classes with most errors."
    pair = record.label.astype(np.int64) * n + record.pred
    counts = np.zeros((2, n, n), np.int64)
    for at, rows in enumerate((known, known & sampled)):
        counts[at] = np.bincount(pair[rows], minlength=n * n).reshape(n, n)
    total = np.maximum(counts[0].sum(axis=1, keepdims=True), 1)
    names = [record.classes[i] for i in shown]
    true, predicted = np.meshgrid(names, names, indexing="ij")
    part = np.ix_(shown, shown)
    frame = pd.DataFrame(
        {
            "true": true.ravel(),
            "predicted": predicted.ravel(),
            "count": counts[0][part].ravel(),
            "in_sample": counts[1][part].ravel(),
            "share": (counts[0] / total)[part].ravel(),
        }
    )
    return frame, names, note
