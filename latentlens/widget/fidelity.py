"""How well samples answer, as tables and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.fidelity import CORRECTNESS, GroupCells, QuerySet
from latentlens.core.meter import Scores
from latentlens.session.fidelity import Averages, Point, average
from latentlens.widget.look import by_name, titled

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

ALL = "all"
"""Stands in the overall rows for the layer, the class and the correctness."""
TITLES = {
    "precision": "precision@k (S1)",
    "cosine_distance": "cosine distance (S2)",
    "js_distance": "Jensen-Shannon distance (S3)",
}
SPREADS = tuple(f"{score}_spread" for score in TITLES)
SCORES = dict(zip(TITLES, ("s1", "s2", "s3"), strict=True))


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How well samples answer three query sets, cell by cell [1]_.

    Parameters
    ----------
    frame : DataFrame
        One row per sampler, fraction, layer, class and correctness, and after
        them one per sampler and fraction with "all" in the other three: the
        plain mean over the cells. Columns: ``n_sample``, ``n_draws`` (how many
        samples are averaged: several for random ones), ``n_used`` and ``n_group``
        (the cell's items in the sample, on average over the draws, and in all),
        ``effective_n`` (Kish's, of the items' weights), ``precision`` (S1) with its
        ``chance``, ``cosine_distance`` (S2), ``js_distance`` (S3), each of the
        three with its ``_spread``, the standard deviation over the draws, and
        ``kind``, which is "measured": against the exact answer. There is no
        ``low`` and ``high``: nothing is estimated, and how the scores vary with
        chance is their spread. A cell that the sample does not contain counts 0,
        1 and 1. NaN where something is not known, or S1 says nothing.
    missing : DataFrame
        The cells that the current sample does not contain: label, correctness,
        n_used (none), n_group and kind ("exact": they were counted).
    notes : tuple of str
        Sentences for the reader.

    References
    ----------
    .. [1] P. Mehta et al., "Sampling for Deep Learning Model Diagnosis",
       arXiv:2002.09754, section on metrics.

    Examples
    --------
    >>> from latentlens import LatentLens
    >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
    >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
    >>> fidelity = lens.fidelity([0.5], ["coreset"], k=1, progress=False)
    >>> len(fidelity.frame), fidelity.frame["kind"].unique().tolist()
    (5, ['measured'])
    """

    frame: pd.DataFrame
    missing: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def overall(self) -> pd.DataFrame:
        """The overall rows alone, one per sampler and fraction.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> fidelity = lens.fidelity([0.5], ["coreset"], k=1, progress=False)
        >>> fidelity.overall[["sampler", "fraction", "precision"]]
           sampler  fraction  precision
        0  coreset       0.5       0.75
        """
        rows = self.frame[self.frame["layer"] == ALL]
        wanted = ["sampler", "fraction", "n_sample", "n_draws", *TITLES, *SPREADS, "kind"]
        return rows[wanted].reset_index(drop=True)

    def chart(self) -> alt.FacetChart:
        """Draw fraction against each of the three scores, a line per sampler.

        Scores that are averaged over draws have a band of one spread either way.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> fidelity = lens.fidelity([0.5], ["coreset"], k=1, progress=False)
        >>> type(fidelity.chart()).__name__
        'FacetChart'
        """
        import altair as alt

        rows = self._long()
        names = list(dict.fromkeys(rows["sampler"]))
        encoding: dict[str, Any] = {
            "x": alt.X("fraction:Q", title="fraction of the items").scale(type="log"),
            "color": by_name("sampler", names, title="sampler"),
        }
        base = alt.Chart(rows)
        line = base.mark_line(point=alt.OverlayMarkDef(size=50, filled=True)).encode(
            **encoding,
            y=alt.Y("value:Q", title="mean over all cells"),
            shape=alt.Shape("sampler:N", title="sampler", sort=names),
            tooltip=["sampler", "fraction", "n_sample", "n_draws",
                     alt.Tooltip("value:Q", format=".3f"), alt.Tooltip("spread:Q", format=".3f")],
        )  # fmt: skip
        band = base.mark_area(opacity=0.2).encode(
            **encoding, y=alt.Y("low:Q", title="mean over all cells"), y2="high:Q"
        )
        title = titled(
            "How well samples answer, by fraction",
            "Measured against the exact answers; mean over all cells "
            "(layer x class x correctness).",
            *self.notes,
        )
        chart: alt.FacetChart = (
            alt.layer(band.transform_filter("datum.n_draws > 1"), line)
            .properties(width=180, height=180)
            .facet(
                alt.Facet("score:N", title=None, sort=list(TITLES.values())), columns=3, title=title
            )
            .resolve_scale(y="independent")
        )
        return chart

    def _long(self) -> pd.DataFrame:
        """Give the overall rows with one score each, and the ends of its band."""
        import pandas as pd

        keys = ["sampler", "fraction", "n_sample", "n_draws"]
        parts = []
        for score, title in TITLES.items():
            part = self.overall[[*keys, score, f"{score}_spread"]]
            part = part.set_axis([*keys, "value", "spread"], axis=1).assign(score=title)
            parts.append(part)
        rows = pd.concat(parts, ignore_index=True).dropna(subset="value")
        half = rows["spread"].fillna(0)
        return rows.assign(low=rows["value"] - half, high=rows["value"] + half)

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{note}</p>" for note in self.notes)
        table: str = self.overall.to_html(index=False, float_format="{:.3f}".format)
        return table + notes


def fidelity_frame(queries: QuerySet, scores: Scores, points: Sequence[Point]) -> pd.DataFrame:
    """Put scores into a DataFrame: all cells, then the overall rows.

    Parameters
    ----------
    queries : QuerySet
    scores : Scores
        Of the points' draws, one after another.
    points : sequence of Point
    """
    import pandas as pd

    cells, classes = scores.cells, queries.record.classes
    n_points, n_layers, n_cells = len(points), len(scores.layers), len(cells)
    at, layer, cell = (each.ravel() for each in np.indices((n_points, n_layers, n_cells)))
    chance = np.array([queries.chance(name) for name in scores.layers])
    shared = _of_points(scores, points)
    n_used = average(scores.n_used.astype(np.float64), points).mean
    effective_n = average(scores.effective_n, points).mean
    by_cell = {name: average(getattr(scores, s), points) for name, s in SCORES.items()}
    overall = {
        name: average(scores.overall(s, known=s == "s2"), points) for name, s in SCORES.items()
    }
    columns: dict[str, Any] = {
        **{name: values[at] for name, values in shared.items()},
        "layer": np.array(scores.layers, object)[layer],
        "label": cell_labels(cells, classes)[cell],
        "correctness": np.array(CORRECTNESS, object)[cells.correctness[cell]],
        "n_used": n_used[at, cell],
        "n_group": cells.size[cell],
        "effective_n": effective_n[at, cell],
        "chance": chance[layer],
        **_score_columns(by_cell),
    }
    known = chance[~np.isnan(chance)]
    whole: dict[str, Any] = {
        **shared,
        "layer": ALL,
        "label": ALL,
        "correctness": ALL,
        "n_used": n_used.sum(axis=1),
        "n_group": cells.size.sum(),
        "effective_n": effective_n[:, -1],
        "chance": known.mean() if len(known) else np.nan,
        **_score_columns(overall),
    }
    parts = [pd.DataFrame(part) for part in (columns, whole)]
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    frame.attrs = {"k": queries.k, "measure": queries.measure, "by": queries.by}
    return frame.assign(kind="measured")


def _of_points(scores: Scores, points: Sequence[Point]) -> dict[str, NDArray[Any]]:
    n_sample = average(scores.n_sample.astype(np.float64), points).mean
    return {
        "sampler": np.array([each.sampler for each in points], object),
        "fraction": np.array([each.fraction for each in points], np.float64),
        "n_sample": n_sample.round().astype(np.int64),
        "n_draws": np.array([len(each.draws) for each in points], np.int64),
    }


def _score_columns(scores: dict[str, Averages]) -> dict[str, NDArray[np.float64]]:
    columns = {}
    for name, values in scores.items():
        columns[name], columns[f"{name}_spread"] = values.mean.ravel(), values.spread.ravel()
    return columns


def missing_frame(
    cells: GroupCells, classes: Sequence[str], roles: NDArray[np.uint8]
) -> pd.DataFrame:
    """List the cells of which a sample has no item; ``.attrs["read_out"]`` says how many."""
    import pandas as pd

    gone = cells.count(roles > 0) == 0
    columns = {
        "label": cell_labels(cells, classes)[gone],
        "correctness": np.array(CORRECTNESS, object)[cells.correctness[gone]],
        "n_used": 0,
        "n_group": cells.size[gone],
        "kind": "exact",
    }
    frame = pd.DataFrame(columns)
    n = len(cells.size)
    frame.attrs["read_out"] = (
        f"the sample has no item of {len(frame)} of the {n} cells"
        if len(frame)
        else f"empty, for the sample has items of all {n} cells"
    )
    return frame


def cell_labels(cells: GroupCells, classes: Sequence[str]) -> NDArray[np.object_]:
    """Give the name of each cell's class."""
    return np.array(list(classes), dtype=object)[cells.label]


def fidelity_notes(
    queries: QuerySet, unknown: Sequence[str], points: Sequence[Point], seeds: str
) -> list[str]:
    """Say what the numbers leave out and what they average.

    Parameters
    ----------
    queries : QuerySet
    unknown : sequence of str
        Layers whose means over a sample cannot be had.
    points : sequence of Point
        What was scored.
    seeds : str
        Which draws are averaged, in words.
    """
    notes = []
    if queries.skipped:
        notes.append(
            f"{', '.join(queries.skipped)}: no more units than k = {queries.k}, so precision says "
            "nothing there and S1 is averaged without."
        )
    if unknown:
        rest = [name for name in queries.layers if name not in unknown]
        notes.append(
            f"{', '.join(unknown)}: the sample's mean is not known, since the model cannot be run "
            "on chosen items here, or the lens was made from a record; the overall S2 is "
            + (f"about {', '.join(rest)} alone." if rest else "not known either.")
        )
    averaged = dict.fromkeys(each.sampler for each in points if len(each.draws) > 1)
    notes += [f"{name}: mean over {seeds}; the spread is their standard deviation."
              for name in averaged]  # fmt: skip
    topped = [each for each in points if each.draws[0].added]
    for each in topped[:1]:
        n = len(each.draws[0].added)
        rows = "the row" if n == 1 else f"the {n:,} rows"
        at = "" if len(topped) > 1 else f" at {each.fraction:.2%}"
        notes.append(f"{each.sampler}{at} is scored with {rows} added by hand.")
    return notes
