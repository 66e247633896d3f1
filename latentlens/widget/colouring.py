"""By what the items of a picture are coloured; the widget's own, `js/src/map/colouring.ts`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from latentlens.core.metadata import Column
from latentlens.core.neighbors import NOT_MEASURED
from latentlens.core.palette import CORRECT, WRONG, Theme, class_colours, scale_colours
from latentlens.core.record import Record
from latentlens.core.unit import UnitValues
from latentlens.session.unit import unit_values

if TYPE_CHECKING:
    from latentlens.widget.items import Items
    from latentlens.widget.results import Results

LEAST_LOSS = 1e-6
"""A loss below this is as good as none; in nats."""
STATES = ("right", "wrong")


@dataclass(frozen=True, kw_only=True)
class Colouring:
    """What an item's colour says, and each item's value.

    Parameters
    ----------
    title : str
        Of the legend.
    field : str
        What the values are called in a chart's rows.
    values : ndarray of shape (n_items,)
        With `names`, int positions in them, -1 where unknown; else floats, NaN where unknown.
    names : tuple of str
        Of what is no number.
    span : (float, float)
        The numbers at the ends of the scale; what lies beyond has their colours.
    log : bool
        Whether the scale is one of powers.
    bright_low : bool
        Whether it is the low numbers that should be seen first.
    """

    title: str
    field: str
    values: NDArray[np.float64] | NDArray[np.int64]
    names: tuple[str, ...] = ()
    span: tuple[float, float] = (0.0, 1.0)
    log: bool = False
    bright_low: bool = False

    @property
    def unknown(self) -> NDArray[np.bool_]:
        """Which items have no colour of their own."""
        return self.values < 0 if self.names else np.isnan(self.values)

    @property
    def infinite(self) -> NDArray[np.bool_]:
        """Which items have a number that no scale holds."""
        return np.isinf(self.values)

    def palette(self, theme: Theme, n: int) -> list[str]:
        """Give the colours of the names, or `n` along the scale."""
        if self.names == STATES and self.field == "correct":
            return [CORRECT, WRONG]
        if self.names:
            return class_colours(len(self.names), theme)
        colours = scale_colours(n, theme)
        return colours[::-1] if self.bright_low else colours

    def shares(self) -> NDArray[np.float64]:
        """Give each number's place along the scale, in [0, 1]; NaN where unknown."""
        values, (low, high) = self.values.astype(np.float64), self.span
        if self.log:
            values, low, high = np.log10(np.maximum(values, LEAST_LOSS)), *np.log10(self.span)
        return np.clip((values - low) / ((high - low) or 1.0), 0, 1)


def colour_items(lens: Results, *, work: bool = True) -> Colouring:
    """Find out what the lens's `color_by` says of each item.

    Parameters
    ----------
    lens : Results
    work : bool
        Whether what is not known yet is worked out: the sampler's ranking, how well the
        map keeps neighbours, a unit's activation on the sample.
    """
    record, by = lens.record, lens.color_by
    if by in OF_RECORD:
        return OF_RECORD[by](record)
    if by in COLOURS and (by != "unit" or lens.unit >= 0):
        return COLOURS[by](lens, work)
    if by in lens._ready().metadata:
        return _by_column(lens._ready().metadata[by])
    return _by_class(record, "pred" if by == "pred" else "true")


def _by_class(record: Record, field: str) -> Colouring:
    values = record.label if field == "true" else record.pred
    title = "True class" if field == "true" else "Predicted class"
    return Colouring(title=title, field=field, values=values.astype(np.int64), names=record.classes)


def _by_correctness(record: Record) -> Colouring:
    values = np.select([record.correct, record.incorrect], [0, 1], -1)
    return Colouring(title="Right or wrong", field="correct", values=values, names=STATES)


def _by_loss(record: Record) -> Colouring:
    loss = record.loss
    values = np.full(len(record), np.nan) if loss is None else loss.astype(np.float64)
    logs = np.log10(np.maximum(values, LEAST_LOSS))
    low, high = (int(f(end)) for f, end in zip((np.floor, np.ceil), _quantiles(logs, 0.01, 0.999),
                                               strict=True))  # fmt: skip
    return Colouring(
        title="Loss (nats, log scale)",
        field="loss",
        values=values,
        span=(10.0**low, 10.0 ** max(low + 1, high)),
        log=True,
    )


def _by_margin(lens: Results, work: bool) -> Colouring:
    session = lens._ready()
    known = work or lens.sampler in session.rankings
    values = session.ranking(lens.sampler).log_ratio if known else np.full(len(lens.record), np.nan)
    return Colouring(
        title="Log ratio (low: near a boundary)",
        field="margin",
        values=values,
        span=_quantiles(values, 0.02, 0.98),
        bright_low=True,
    )


def _by_unit(lens: Results, work: bool) -> Colouring:
    session, question = lens._ready(), lens._question()
    steps = unit_values(session, question, lens.unit, run=work)
    found = next(step for step in steps if isinstance(step, UnitValues))
    values = found.value.astype(np.float64)
    noun = "channel" if session.layer(lens.layer).reduce == "channel" else "unit"
    title = f"Activation of {noun} {lens.unit} of {lens.layer}"
    return Colouring(title=title, field="unit", values=values, span=_quantiles(values, 0, 1))


def _by_kept(lens: Results, work: bool) -> Colouring:
    items = cast("Items", lens)
    # The trust is measured when it is asked for, if that was not done yet.
    measured = work and not items.trust.empty
    overlap, values, k = items._overlap, np.full(len(lens.record), np.nan), 0
    if overlap is not None and (measured or not work):
        k = overlap.k
        values = np.where(overlap.kept == NOT_MEASURED, np.nan, overlap.kept / max(k, 1))
    title = f"Neighbours kept, of {k}"
    return Colouring(title=title, field="kept", values=values, bright_low=True)


def _by_column(column: Column) -> Colouring:
    # A column of words without any value has no names; the widget shows it as unknown too.
    if column.kind == "number" or not column.levels:
        values = np.where(column.missing, np.nan, column.values)
        return Colouring(
            title=column.name, field="value", values=values, span=_quantiles(values, 0, 1)
        )
    codes = column.values.astype(np.int64)
    return Colouring(title=column.name, field="value", values=codes, names=column.levels)


def _quantiles(values: NDArray[np.float64], low: float, high: float) -> tuple[float, float]:
    """Give two quantiles of the finite values; (0, 0) if there are none."""
    finite = np.sort(values[np.isfinite(values)])
    if not len(finite):
        return 0.0, 0.0
    at = [int(share * (len(finite) - 1) + 0.5) for share in (low, high)]
    return float(finite[at[0]]), float(finite[at[1]])


OF_RECORD: dict[str, Callable[[Record], Colouring]] = {"correct": _by_correctness, "loss": _by_loss}
COLOURS: dict[str, Callable[[Results, bool], Colouring]] = {
    "margin": _by_margin,
    "unit": _by_unit,
    "kept": _by_kept,
}
