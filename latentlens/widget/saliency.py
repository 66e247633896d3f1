"""Attributions as maps, a table and a chart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.record import Record
from latentlens.widget import frames

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from latentlens.extract import Attribution

MOST_ITEMS = 10_000
"""Items whose attributions are held together."""
MOST_CELLS = 4_900
"""Rows of a chart, which altair holds to 5,000."""
COMPLETE = {
    "gradient_x_input": "Gradient times input need not add up to it where the model bends.",
    "integrated_gradients": "Integrated gradients add up to it as the steps grow.",
    "occlusion": "Occlusion need not add up to it where pixels act together.",
}


@dataclass(frozen=True, kw_only=True)
class Saliency:
    """What of some items' inputs speaks for a class, or excites a unit.

    Parameters
    ----------
    attributions : tuple of Attribution
        One per item, in the order asked for; ``.values`` has the input's shape.
    record : Record
    method : str
    layer : str or None
        The layer of the unit; None for classes.
    baseline : str
        What counts as nothing, in words.

    Examples
    --------
    >>> from latentlens import LatentLens, data, models
    >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
    >>> found = lens.saliency([3], method="integrated_gradients", progress=False)
    >>> bool((found.frame["relative_error"] < 0.05).all())
    True
    """

    attributions: tuple[Attribution, ...]
    record: Record = field(repr=False)
    method: str
    layer: str | None
    baseline: str

    def __len__(self) -> int:
        return len(self.attributions)

    @property
    def maps(self) -> NDArray[np.float32]:
        """Signed attributions as people see the items: shape (n, H, W) or (n, length).

        Raises
        ------
        ValueError
            If the items' inputs have several shapes; ``.attributions`` has each.
        """
        shapes = {each.map.shape for each in self.attributions}
        if len(shapes) > 1:
            raise ValueError(
                f"The maps have {len(shapes)} shapes, so there is no single array of them; "
                "take them from .attributions one by one."
            )
        return np.array([each.map for each in self.attributions], np.float32)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per item: classes, target, scores, and the completeness error.

        ``total`` is the sum of the attributions, ``difference`` the score less the
        baseline's, which it should be; ``error`` is the first less the second, and
        ``relative_error`` its size as a share of the second's. Each row is about one
        item and worked out from it alone, so there is no sample behind it and no
        interval.
        """
        import pandas as pd

        rows = np.array([each.row for each in self.attributions], np.int64)
        score = np.array([each.score for each in self.attributions], np.float64)
        nothing = np.array([each.baseline_score for each in self.attributions], np.float64)
        error = np.array([each.error for each in self.attributions], np.float64)
        size = np.abs(score - nothing)
        columns: dict[str, Any] = {
            "position": self.record.ids[rows],
            "true": frames.class_names(self.record.label[rows], self.record.classes),
            "pred": frames.class_names(self.record.pred[rows], self.record.classes),
            "target": [self.target(each) for each in self.attributions],
            "score": score,
            "baseline_score": nothing,
            "difference": score - nothing,
            "total": [each.total for each in self.attributions],
            "error": error,
            "relative_error": np.abs(error) / np.where(size > 0, size, np.nan),
            "method": self.method,
            "baseline": self.baseline,
        }
        return pd.DataFrame(columns, index=pd.Index(rows, name="row"))

    def target(self, attribution: Attribution) -> str:
        """Say of what an attribution is: a class, or a unit of a layer.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> found = lens.saliency([3], target="7", progress=False)
        >>> found.target(found.attributions[0])
        '7'
        """
        if self.layer is not None:
            return f"{self.layer} {attribution.target}"
        return self.record.classes[attribution.target]

    def chart(self) -> alt.FacetChart:
        """Draw the maps side by side, as many as altair's row limit lets in.

        Positive attributions are orange and negative ones purple, on one scale for all.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> type(lens.saliency([3], progress=False).chart()).__name__
        'FacetChart'
        """
        import altair as alt

        cells = self._cells()
        most = float(np.abs(cells["attribution"]).max()) or 1.0
        colour = alt.Color("attribution:Q", title="attribution").scale(
            scheme="purpleorange", domain=[-most, most]
        )
        base = alt.Chart(cells, title=f"{self.method.replace('_', ' ')}, baseline {self.baseline}")
        if "y" in cells:
            drawn = base.mark_rect().encode(
                x=alt.X("x:O", title=None).axis(None), y=alt.Y("y:O", title=None).axis(None)
            )
        else:
            drawn = base.mark_bar().encode(
                x=alt.X("x:O", title="position"), y=alt.Y("attribution:Q", title="attribution")
            )
        chart: alt.FacetChart = (
            drawn.encode(color=colour, tooltip=list(cells.columns))
            .properties(width=140, height=140)
            .facet(alt.Facet("item:N", title=None, sort=None), columns=4)
        )
        return chart

    def _cells(self) -> pd.DataFrame:
        """Give one row per pixel of the first items, large maps summed block by block."""
        import pandas as pd

        parts: list[pd.DataFrame] = []
        room = MOST_CELLS
        for each in self.attributions:
            cells = _shrunk(each.map)
            if parts and cells.size > room:
                break
            room -= cells.size
            at = np.indices(cells.shape).reshape(cells.ndim, -1)
            places = {"y": at[0], "x": at[1]} if cells.ndim == 2 else {"x": at[0]}
            item = f"#{self.record.ids[each.row]} for {self.target(each)}"
            parts.append(pd.DataFrame({**places, "attribution": cells.ravel(), "item": item}))
        return pd.concat(parts, ignore_index=True)

    def _repr_html_(self) -> str:
        shown = ["true", "pred", "target", "score", "difference", "total", "error"]
        table: str = self.frame[shown].head(10).to_html(float_format="{:.4g}".format)
        return (
            f"<p>{self.method.replace('_', ' ')}, baseline {self.baseline}: <em>total</em> should "
            f"be <em>difference</em>. {COMPLETE[self.method]}</p>{table}"
        )


def check_few(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Refuse no rows at all, or too many.

    Raises
    ------
    ValueError
    """
    if 0 < len(rows) <= MOST_ITEMS:
        return rows
    raise ValueError(
        f"rows must hold from 1 to {MOST_ITEMS:,} items, got {len(rows):,}; ask for some at a time."
    )


def _shrunk(values: NDArray[np.float32], side: int = 64) -> NDArray[np.float32]:
    """Sum blocks until no side is longer than `side`; nothing of the sum is lost."""
    for axis, size in enumerate(values.shape):
        limit = side if values.ndim > 1 else MOST_CELLS // 4
        step = -(-size // limit)
        starts = np.arange(0, size, step)
        values = np.add.reduceat(values, starts, axis=axis)
    return values
