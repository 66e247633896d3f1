"""Two groups of items side by side, unit by unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.checks import check_rows, class_name
from latentlens.core.effect import GroupDifference
from latentlens.core.query import max_counts, unit_maxima
from latentlens.core.record import LayerIndex
from latentlens.session import Question, Session
from latentlens.session.contrast import contrast, last_contrast, rest_of
from latentlens.widget.look import by_name, titled

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

SHOWN = 30
"""How many units a chart of two groups shows."""
WORDS = {"all": "", "correct": "right ", "incorrect": "wrong "}
PARTS = ("label", "correctness", "by", "selection")


@dataclass(frozen=True, kw_only=True)
class Group:
    """Some items and their name.

    Parameters
    ----------
    name : str
    member : ndarray of shape (n_items,), bool
    question : Question
        What asks for them.
    """

    name: str
    member: NDArray[np.bool_]
    question: Question


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two groups of items, unit by unit.

    Parameters
    ----------
    title : str
    frame : DataFrame
        Indexed by unit: ``mean_a``, ``mean_b``, ``max_a``, ``max_b``,
        ``count_a``, ``count_b`` (items of which the unit is the maximum), the
        standardised difference of the means ``effect`` (Hedges' g, positive where
        the first group's is larger) with ``low``, ``high``, ``p`` and ``flag`` as
        `LatentLens.contrast` has them, and ``n_a``, ``n_b``, ``n_used_a``,
        ``n_used_b``, ``kind``. ``kind`` is about the means; maxima and counts are
        exact. ``n_used`` is behind the effect.
    names : (str, str)
        The two groups.
    note : str
        Why something is missing; may be empty.

    Examples
    --------
    >>> from latentlens import LatentLens
    >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
    >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
    >>> both = lens.compare_groups({"label": "0"}, {"label": "1"})
    >>> both.title, both.names
    ('mean pattern of latent, 0s against 1s', ('0s', '1s'))
    """

    title: str
    frame: pd.DataFrame
    names: tuple[str, str]
    note: str = ""

    def chart(self) -> alt.Chart:
        """Draw the means of the units that differ most, a bar for each group.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> both = lens.compare_groups({"label": "0"}, {"label": "1"})
        >>> type(both.chart()).__name__
        'Chart'
        """
        import altair as alt

        frame = self.frame.assign(gap=(self.frame.mean_a - self.frame.mean_b).abs())
        size = frame.effect.abs() if frame.effect.notna().any() else frame.gap
        shown = frame.loc[size.sort_values(ascending=False, kind="stable").index[:SHOWN]]
        rows = _two_bars(shown.reset_index(), self.names)
        more = f", the {SHOWN} units that differ most" if len(frame) > SHOWN else ""
        chart: alt.Chart = (
            alt.Chart(rows, title=titled(self.title + more, self.note))
            .mark_bar()
            .encode(
                x=alt.X("unit:N", title="unit", sort=shown.index.tolist()),
                xOffset=alt.XOffset("group:N", sort=list(self.names)),
                y=alt.Y("mean:Q", title=f"mean activation ({frame.kind.iloc[0]})"),
                color=by_name("group", self.names, title="group"),
                tooltip=["unit", "group", alt.Tooltip("mean:Q", format=".4g"), "items",
                         alt.Tooltip("effect:Q", format=".2f")],
            )
        )  # fmt: skip
        return chart

    def _repr_html_(self) -> str:
        table: str = self.frame.head(10).to_html(float_format="{:.4g}".format)
        return f"<p>{self.title}</p>{table}<p>{self.note}</p>"


def group_words(label: str, correctness: str, by: str) -> str:
    """Name a group: "wrong 7s", "right items", "items called cat"."""
    word = WORDS[correctness]
    if not label:
        return f"{word}items"
    return f"{word}{label}s" if by == "true" else f"{word}items called {label}"


def read_group(session: Session, question: Question, asked: Any, name: str) -> Group:
    """Take a group as a caller gives it.

    Parameters
    ----------
    session : Session
    question : Question
        Where the rest comes from.
    asked : mapping, or rows, or mask
        A mapping may hold label, correctness, by and selection.
    name : str
        The argument's name as typed.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or holds anything else.
    """
    if isinstance(asked, str):
        known = asked in session.record.classes
        way = f'{{"label": "{asked}"}}' if known else f'lens.find("{asked}")'
        raise TypeError(
            f"{name} must list rows, or be a mask of all items or a mapping; got the text "
            f"{asked!r}. Give {way}."
        )
    plain = replace(question, label="", correctness="all", selection=None)
    if isinstance(asked, Mapping):
        return _described(session, plain, asked, name)
    rows = _as_rows(asked, name, len(session.record))
    if not len(rows):
        raise ValueError(f"{name} is empty; give at least one row.")
    whole = replace(plain, selection=rows.astype(np.uint32))
    items = "1 chosen item" if len(rows) == 1 else f"{len(rows):,} chosen items"
    return Group(name=items, member=session.member(whole), question=whole)


def _described(session: Session, plain: Question, asked: Mapping[str, Any], name: str) -> Group:
    for part in asked:
        if part not in PARTS:
            raise ValueError(f"{name} may hold {', '.join(PARTS)}; got {part!r}.")
    rows = asked.get("selection")
    chosen = None if rows is None else _as_rows(rows, "selection", len(session.record))
    label = class_name(asked.get("label"))
    whole = replace(plain, **{**asked, "label": label, "selection": chosen})
    words = group_words(whole.label, whole.correctness, whole.by)
    return Group(
        name=words if chosen is None else f"{words} of the selection",
        member=session.member(whole),
        question=whole,
    )


def the_rest(session: Session, group: Group) -> Group:
    """Give what a group stands against by itself, as `rest_of` has it."""
    asked, rest = group.question, rest_of(session, group.question)
    record, number = session.record, session.label_class(asked.label)
    known = record.label if asked.by == "true" else record.pred
    # Beside a class taken whole there are only items of others.
    label = asked.label if number is not None and (known[rest] == number).all() else ""
    words = group_words(label, "all" if asked.selection is None else asked.correctness, asked.by)
    whole = replace(
        asked, label="", correctness="all", selection=np.flatnonzero(rest).astype(np.uint32)
    )
    return Group(name=f"other {words}", member=rest, question=whole)


def check_apart(a: Group, b: Group, names: tuple[str, str] = ("a", "b")) -> None:
    """Refuse groups that are empty or share items.

    Raises
    ------
    ValueError
    """
    for group in (a, b):
        if not group.member.any():
            raise ValueError(f"There are no {group.name} in the data, so nothing to compare.")
    shared = int((a.member & b.member).sum())
    if shared:
        raise ValueError(
            f"{names[0]} and {names[1]} must share no item, but {shared:,} are in both: "
            f"{a.name} and {b.name}."
        )


def check_spread(a: Group, b: Group, names: tuple[str, str] = ("a", "b")) -> None:
    """Refuse a single item, which has no spread to measure an effect in.

    Raises
    ------
    ValueError
    """
    for name, group in zip(names, (a, b), strict=True):
        if group.member.sum() == 1:
            raise ValueError(
                f"{name} must hold at least two items, for one has no spread to measure an effect "
                f"in; got 1 ({group.name}). lens.compare_groups sets it beside the means of others."
            )


def compare(session: Session, a: Group, b: Group) -> Comparison:
    """Put two groups side by side in the layer their questions name.

    Means are exact where running sums or activations at hand tell them, or where
    the model was run on every item of the group; see `contrast` for the rest.

    Raises
    ------
    ValueError
        If a group is empty or they share items.
    """
    import pandas as pd

    check_apart(a, b)
    layer = session.layer(a.question.layer)
    found = None
    if session.has_activations(layer):
        found = last_contrast(contrast(session, layer, a.member, b.member))
    means = [session.exact_mean(group.question) for group in (a, b)]
    exact = [mean is not None for mean in means]
    for at in range(2):
        if means[at] is None and found is not None:
            means[at] = found.difference.mean[at]
            exact[at] = found.difference.n[at] == found.n_group[at]
        elif means[at] is None:
            means[at] = np.full(layer.units, np.nan)
    columns: dict[str, Any] = {"mean_a": means[0], "mean_b": means[1]}
    parts = None if found is None else found.difference
    columns |= _from_index(layer, a, b) | effect_columns(layer, parts)
    frame = pd.DataFrame(columns, index=pd.RangeIndex(layer.units, name="unit"))
    frame = frame.assign(
        n_a=int(a.member.sum()), n_b=int(b.member.sum()), kind="exact" if all(exact) else "estimate"
    )
    note = found.difference.note if found else f"{NO_EFFECT}, for {session.why_not_run}."
    frame.attrs = {"a": a.name, "b": b.name, "layer": layer.name, "note": note}
    return Comparison(
        title=f"mean pattern of {layer.name}, {a.name} against {b.name}",
        frame=frame,
        names=(a.name, b.name),
        note=note,
    )


NO_EFFECT = "No effect size: it needs raw activations, and the model cannot be run on chosen items"


def effect_columns(layer: LayerIndex, parts: GroupDifference | None) -> dict[str, Any]:
    """Give the columns of a difference, NaN throughout where there is none."""
    if parts is None:
        nothing = np.full(layer.units, np.nan)
        return {"effect": nothing, "low": nothing, "high": nothing, "p": nothing, "flag": False,
                "n_used_a": 0, "n_used_b": 0}  # fmt: skip
    return {
        "effect": parts.effect,
        "low": parts.low,
        "high": parts.high,
        "p": parts.p_corrected,
        "flag": parts.flag,
        "n_used_a": parts.n[0],
        "n_used_b": parts.n[1],
    }


def _from_index(layer: LayerIndex, a: Group, b: Group) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for side, group in (("a", a), ("b", b)):
        columns[f"max_{side}"] = exact_maxima(layer, group.member)
        columns[f"count_{side}"] = max_counts(layer, group.member)[0].astype(np.int64)
    return columns


def exact_maxima(layer: LayerIndex, member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give the maxima of the units for which the index tells them, NaN for the rest."""
    maxima = unit_maxima(layer, member, layer.keep).astype(np.float64)
    least = np.sort(maxima)[-layer.keep]
    return np.where(maxima >= least, maxima, np.nan)


def _as_rows(asked: ArrayLike, name: str, n_items: int) -> NDArray[np.int64]:
    array = np.asarray(asked)
    if array.dtype == np.bool_ and array.shape == (n_items,):
        array = np.flatnonzero(array)
    return np.unique(check_rows(array, name, n_items))


def _two_bars(shown: pd.DataFrame, names: tuple[str, str]) -> pd.DataFrame:
    import pandas as pd

    sides = [
        shown[["unit", f"mean_{side}", f"n_{side}", "effect"]]
        .set_axis(["unit", "mean", "items", "effect"], axis=1)
        .assign(group=name)
        for side, name in zip("ab", names, strict=True)
    ]
    return pd.concat(sides, ignore_index=True)
