"""How well samples answer, as tables and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.fidelity import CORRECTNESS, GroupCells, QuerySet
from latentlens.core.meter import Scores

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


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How well samples answer three query sets, cell by cell [1]_.

    Parameters
    ----------
    frame : DataFrame
        One row per sampler, fraction, layer, class and correctness, and after
        them one per sampler and fraction with "all" in the other three: the
        plain mean over the cells. Columns: ``n_sample``, ``n_used`` and
        ``n_group`` (the cell's items in the sample and in all), ``precision``
        (S1) with its ``chance``, ``cosine_distance`` (S2), ``js_distance`` (S3)
        and ``kind``, which is "measured": against the exact answer. A cell that
        the sample does not contain counts 0, 1 and 1. NaN where something is not
        known, or S1 says nothing.
    missing : DataFrame
        The cells that the current sample does not contain: label, correctness
        and n_group.
    notes : tuple of str
        Sentences for the reader.

    References
    ----------
    .. [1] P. Mehta et al., "Sampling for Deep Learning Model Diagnosis",
       arXiv:2002.09754, section on metrics.
    """

    frame: pd.DataFrame
    missing: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def overall(self) -> pd.DataFrame:
        """The overall rows alone, one per sampler and fraction."""
        rows = self.frame[self.frame["layer"] == ALL]
        wanted = ["sampler", "fraction", "n_sample", *TITLES, "kind"]
        return rows[wanted].reset_index(drop=True)

    def chart(self) -> alt.Chart:
        """Draw fraction against each of the three scores, a line per sampler."""
        import altair as alt

        rows = self.overall.melt(
            ["sampler", "fraction", "n_sample"], list(TITLES), "score", "value"
        ).dropna()
        rows["score"] = rows["score"].map(TITLES)
        chart: alt.Chart = (
            alt.Chart(rows, title="How well samples answer, by fraction")
            .mark_line(point=True)
            .encode(
                x=alt.X("fraction:Q", title="fraction of the items").scale(type="log"),
                y=alt.Y("value:Q", title="mean over all cells"),
                color=alt.Color("sampler:N", title="sampler"),
                column=alt.Column("score:N", title=None, sort=list(TITLES.values())),
                tooltip=["sampler", "fraction", "n_sample", alt.Tooltip("value:Q", format=".3f")],
            )
            .properties(width=180, height=180)
            .resolve_scale(y="independent")
        )
        return chart

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{note}</p>" for note in self.notes)
        table: str = self.overall.to_html(index=False, float_format="{:.3f}".format)
        return table + notes


def fidelity_frame(queries: QuerySet, scores: Scores, fractions: Sequence[float]) -> pd.DataFrame:
    """Put scores into a DataFrame: all cells, then the overall rows.

    Parameters
    ----------
    queries : QuerySet
    scores : Scores
    fractions : sequence of float
        The fraction asked for of each draw.
    """
    import pandas as pd

    cells, classes = scores.cells, queries.record.classes
    n_samples, n_layers, n_cells = scores.s1.shape
    sample, layer, cell = (each.ravel() for each in np.indices((n_samples, n_layers, n_cells)))
    samplers = np.array([draw.sampler for draw in scores.draws], object)
    chance = np.array([queries.chance(name) for name in scores.layers])
    columns: dict[str, Any] = {
        "sampler": samplers[sample],
        "fraction": np.array(fractions, np.float64)[sample],
        "n_sample": scores.n_sample[sample],
        "layer": np.array(scores.layers, object)[layer],
        "label": cell_labels(cells, classes)[cell],
        "correctness": np.array(CORRECTNESS, object)[cells.correctness[cell]],
        "n_used": scores.n_used[sample, cell],
        "n_group": cells.size[cell],
        "precision": scores.s1.ravel(),
        "chance": chance[layer],
        "cosine_distance": scores.s2.ravel(),
        "js_distance": scores.s3.ravel(),
    }
    overall = {
        "sampler": samplers,
        "fraction": np.array(fractions, np.float64),
        "n_sample": scores.n_sample,
        "layer": ALL,
        "label": ALL,
        "correctness": ALL,
        "n_used": scores.n_used.sum(axis=1),
        "n_group": cells.size.sum(),
        "precision": scores.overall("s1"),
        "chance": chance[~np.isnan(chance)].mean() if (~np.isnan(chance)).any() else np.nan,
        "cosine_distance": scores.overall("s2", known=True),
        "js_distance": scores.overall("s3"),
    }
    parts = [pd.DataFrame(part) for part in (columns, overall)]
    frame = pd.concat([part for part in parts if len(part)], ignore_index=True)
    frame.attrs = {"k": queries.k, "measure": queries.measure, "by": queries.by}
    return frame.assign(kind="measured")


def missing_frame(
    cells: GroupCells, classes: Sequence[str], roles: NDArray[np.uint8]
) -> pd.DataFrame:
    """List the cells of which a sample has no item."""
    import pandas as pd

    gone = cells.count(roles > 0) == 0
    columns = {
        "label": cell_labels(cells, classes)[gone],
        "correctness": np.array(CORRECTNESS, object)[cells.correctness[gone]],
        "n_group": cells.size[gone],
    }
    return pd.DataFrame(columns)


def cell_labels(cells: GroupCells, classes: Sequence[str]) -> NDArray[np.object_]:
    """Give the name of each cell's class."""
    return np.array(list(classes), dtype=object)[cells.label]


def fidelity_notes(queries: QuerySet, unknown: Sequence[str], *, n_added: int = 0) -> list[str]:
    """Say what the numbers leave out.

    Parameters
    ----------
    queries : QuerySet
    unknown : sequence of str
        Layers whose means over a sample cannot be had.
    n_added : int
        Rows that were added to the current sample by hand.
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
    if n_added:
        rows = "1 row" if n_added == 1 else f"{n_added:,} rows"
        notes.append(f"The samples are scored as they are drawn, without {rows} added by hand.")
    return notes
