"""The numbers the panes show, as DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentlens.core.answer import Answer
from latentlens.core.design import Design, effective_size
from latentlens.core.estimated import MeanEstimate
from latentlens.core.metadata import Metadata
from latentlens.core.metrics import cosine_distance
from latentlens.core.predicted import (
    read_out,
    share_above_maximum,
)
from latentlens.core.record import Record
from latentlens.core.sample import ROLE_NAMES, Ranking
from latentlens.core.worth import describe_estimate

if TYPE_CHECKING:
    import pandas as pd

On = Literal["sample", "all"]
NONE_UNIT = -1
"""Stands for "no unit" in `max_neurons`: items for which every unit is zero."""


def items_frame(
    record: Record,
    ranking: Ranking,
    roles: NDArray[np.uint8],
    xy: NDArray[np.float32],
    metadata: Metadata,
) -> pd.DataFrame:
    """Put all that is known of each item into a DataFrame, indexed by row.

    Rows are items as they were read, not figures about a group: there is no sample
    behind them and no interval about them.
    """
    import pandas as pd

    columns: dict[str, Any] = {
        "position": record.ids,
        "true": class_names(record.label, record.classes),
        "pred": class_names(record.pred, record.classes),
        "correct": correctness(record),
        "loss": np.full(len(record), np.nan) if record.loss is None else record.loss,
        "margin": ranking.log_ratio,
        "group": ranking.group,
        "rank": ranking.rank,
        "role": np.array(ROLE_NAMES)[roles],
        "in_sample": roles > 0,
        "x": xy[:, 0],
        "y": xy[:, 1],
        **{column.name: column.plain() for column in metadata.columns},
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(len(record), name="row"))


def correctness(record: Record) -> Any:
    """Say which items are classified correctly: bool, or with NA where it is unknown."""
    import pandas as pd

    known = record.correct | record.incorrect
    if known.all():
        return record.correct
    return pd.arrays.BooleanArray(record.correct.copy(), ~known)


def class_names(cls: NDArray[np.int32], classes: tuple[str, ...]) -> NDArray[np.object_]:
    """Give each item's class by name, None where unknown."""
    names = np.array([*classes, None], dtype=object)
    return names[np.where(cls < 0, len(classes), cls)]


def top_k_frame(
    answer: Answer, on: On, measure: str = "max", estimate: MeanEstimate | None = None
) -> pd.DataFrame:
    """Put the top k units into a DataFrame, the most activated first.

    Parameters
    ----------
    answer : Answer
    on : {"sample", "all"}
    measure : {"max", "count", "mean"}
        A maximum over the sample is the least that the group's can be.
    estimate : MeanEstimate, optional
        Of the means, where they rank the units.

    Raises
    ------
    ValueError
        If the units of the group or of the sample cannot be ranked.
    """
    import pandas as pd

    top = answer.top if on == "sample" else answer.exact_top
    if top is None:
        raise ValueError(
            f"The mean of this layer over {'the sample' if on == 'sample' else 'the whole group'} "
            "is not known here. Rank by measure='max' or 'count', or without a selection."
        )
    columns: dict[str, Any] = {
        "unit": np.array(top.unit, np.int64),
        "value": np.array(top.value, np.float64),
    }
    if on == "sample":
        unit, nothing = columns["unit"], np.full(len(top.unit), np.nan)
        columns["low"] = columns["value"] if measure == "max" else nothing
        columns["high"] = nothing
        if estimate is not None:
            columns["low"], columns["high"] = estimate.low[unit], estimate.high[unit]
        columns["exact_value"] = np.array(top.exact_value, np.float64)
        columns["hit"] = np.array(top.hit, bool)
    else:
        # What is exact is its own interval.
        columns["low"] = columns["high"] = columns["value"]
    frame = pd.DataFrame(columns, index=pd.RangeIndex(1, len(top.unit) + 1, name="place"))
    frame.attrs = {"precision": answer.precision, "chance": answer.chance, "k": answer.k}
    return _stated(frame, answer, on, measured=answer.precision is not None)


def max_neurons_frame(answer: Answer, on: On) -> pd.DataFrame:
    """Put the histogram of maximally activated units into a DataFrame.

    Only units that are some item's maximum have a row; unit -1 stands for items
    without a maximal unit, every unit being zero.
    """
    import pandas as pd

    seen = np.flatnonzero(answer.exact_counts)
    unit = np.append(seen, NONE_UNIT) if answer.exact_none else seen
    exact = np.append(answer.exact_counts[seen], answer.exact_none)[: len(unit)].astype(np.int64)
    columns: dict[str, Any] = {"exact_count": exact}
    if on == "sample":
        count = np.append(answer.counts[seen], answer.none)[: len(unit)].astype(np.int64)
        nothing = np.full(len(unit), np.nan)
        columns = {"count": count, "low": nothing, "high": nothing, **columns}
    else:
        columns["low"] = columns["high"] = exact.astype(np.float64)
    frame = pd.DataFrame(columns, index=pd.Index(unit, name="unit"))
    frame = frame.sort_values("exact_count", ascending=False, kind="stable")
    frame.attrs = {"js_distance": answer.js_distance}
    return _stated(frame, answer, on, measured=True)


def mean_activation_frame(
    answer: Answer, on: On, estimate: MeanEstimate | None = None, why_not_run: str = ""
) -> pd.DataFrame:
    """Put each unit's mean activation into a DataFrame.

    Parameters
    ----------
    answer : Answer
    on : {"sample", "all"}
    estimate : MeanEstimate, optional
        What the sample tells, where raw activations are at hand; goes before the
        answer's own mean.
    why_not_run : str
        Why the model cannot be run on chosen items, where it cannot.

    Raises
    ------
    ValueError
        If the mean is not known.
    """
    import pandas as pd

    n_units = len(answer.counts)
    exact = _known(answer.exact_mean, n_units, answer.n_group)
    mean = _known(answer.mean, n_units, answer.n_used) if estimate is None else estimate.mean
    wanted = mean if on == "sample" else exact
    if wanted is None:
        raise ValueError(
            "The mean over the whole selection is known for the latent layer alone; ask with "
            "on='sample', or without a selection."
            if on == "all"
            else "The sample's mean is not known: the model cannot be run on chosen items, for "
            f"{why_not_run}."
        )
    columns: dict[str, Any] = {"mean": wanted}
    if on == "sample":
        columns |= _interval_columns(estimate, n_units)
        columns["exact_mean"] = np.full(n_units, np.nan) if exact is None else exact
    else:
        columns["low"] = columns["high"] = wanted
    frame = pd.DataFrame(columns, index=pd.RangeIndex(n_units, name="unit"))
    frame = _stated(frame, answer, on, measured=answer.exact_mean is not None)
    frame.attrs["cosine_distance"] = answer.cosine_distance
    if on == "sample":
        return _worth(frame, answer, estimate)
    n_group = answer.n_group
    frame.attrs["read_out"] = read_out("exact", n_used=n_group, n_group=n_group)
    return frame.assign(effective_n=float(n_group))


def with_worth(
    frame: pd.DataFrame, design: Design, member: NDArray[np.bool_], *, maxima: bool = False
) -> pd.DataFrame:
    """Add the effective number of items, and the line that says what the frame is worth.

    Parameters
    ----------
    frame : DataFrame
        With kind, n_used and n_group in its ``.attrs``.
    design : Design
    member : ndarray of shape (n_items,), bool
        The group.
    maxima : bool
        Whether the frame shows maxima, which a sample bounds from below.
    """
    kind, n_used, n_group = (frame.attrs[name] for name in ("kind", "n_used", "n_group"))
    # A sample that holds the whole group tells as much as the group.
    if kind == "exact" or n_used == n_group > 0:
        frame.attrs["read_out"] = read_out("exact", n_used=n_used, n_group=n_group)
        return frame.assign(effective_n=float(n_group))
    effective_n = effective_size(design.weight[member[design.rows]])
    bounded = maxima and not design.why_not and n_used > 0
    frame.attrs["read_out"] = read_out(
        kind,
        n_used=n_used,
        n_group=n_group,
        effective_n=effective_n,
        maxima=maxima,
        above=share_above_maximum(design, member) if bounded else None,
        note=design.why_not,
    )
    return frame.assign(effective_n=effective_n)


NO_ROOM = (
    "No interval: the group's activations in this layer exceed the memory for raw activations. "
    "Take a smaller fraction."
)


def _interval_columns(estimate: MeanEstimate | None, n_units: int) -> dict[str, Any]:
    if estimate is None:
        nothing = np.full(n_units, np.nan)
        return {"low": nothing, "high": nothing, "method": "none", "trust": "none"}
    return {
        "low": estimate.low,
        "high": estimate.high,
        "method": estimate.method_names,
        "trust": estimate.trust,
    }


def _worth(frame: pd.DataFrame, answer: Answer, estimate: MeanEstimate | None) -> pd.DataFrame:
    """Add the effective number of items, the fidelity, and the line that says it all."""
    if estimate is None:
        frame.attrs |= {"note": NO_ROOM}
        frame.attrs["read_out"] = read_out(
            frame.attrs["kind"],
            n_used=answer.n_used,
            n_group=answer.n_group,
            note=NO_ROOM,
        )
        return frame.assign(effective_n=float(answer.n_used))
    exact = answer.exact_mean
    if exact is None and estimate.parts is not None:
        frame["kind"] = "estimate"
        frame.attrs["kind"] = "estimate"
    if exact is not None and estimate.n_used:
        frame.attrs["cosine_distance"] = cosine_distance(estimate.mean, exact)
    kind = frame.attrs["kind"]
    frame.attrs |= describe_estimate(estimate, kind, answer.k, predict=exact is None)
    return frame.assign(effective_n=estimate.effective_n)


def _known(
    mean: NDArray[np.float64] | None, n_units: int, n_items: int
) -> NDArray[np.float64] | None:
    return np.full(n_units, np.nan) if mean is None and n_items == 0 else mean


def _stated(frame: pd.DataFrame, answer: Answer, on: On, *, measured: bool) -> pd.DataFrame:
    """Say of every row what it is worth and how many items stand behind it."""
    kind = "exact" if on == "all" else "measured" if measured else "sample"
    n_used = answer.n_group if on == "all" else answer.n_used
    frame.attrs |= {"kind": kind, "n_used": n_used, "n_group": answer.n_group}
    return frame.assign(kind=kind, n_used=n_used, n_group=answer.n_group)
