"""What a lens answers about single units: what separates groups, and what one unit does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from latentlens.core.checks import check_choice, check_count, check_share
from latentlens.core.query import BYS
from latentlens.core.record import LayerIndex
from latentlens.core.unit import SOURCES, UNKNOWN, UnitValues, unit_cell_means
from latentlens.session import Question, Session
from latentlens.session.contrast import RUN_ITEMS, Contrast, check_not_all, contrast
from latentlens.session.unit import check_unit, unit_values
from latentlens.widget.asked import Asked
from latentlens.widget.groups import (
    Group,
    check_apart,
    check_spread,
    effect_columns,
    read_group,
    the_rest,
)

if TYPE_CHECKING:
    import pandas as pd


class Neurons(Asked):
    """Answers about units, for `Results`."""

    def contrast(
        self,
        rows: Any = None,
        *,
        against: Any = None,
        layer: str | None = None,
        run: bool | int = True,
        confidence: float = 0.95,
        progress: bool = True,
    ) -> pd.DataFrame:
        """Find the units that separate some items from the rest of their class.

        Exact over all items where activations are at hand: for the latent, and
        for the logits. For other layers the model is run on the groups' own items,
        all of them or `run` drawn by chance.

        Parameters
        ----------
        rows : rows, mask or mapping, optional
            A mapping may hold label, correctness, by and selection. What the
            controls say, if not given: the selection, narrowed to the class and
            the correctness that are chosen.
        against : rows, mask or mapping, optional
            The second group. If not given, the rest: beside a selection the items
            outside it of the classes it has, else the other items of the class;
            all other items where the first group has its class whole.
        layer : str, optional
            The lens's, if not given.
        run : bool or int
            How many items of each group the model is run on at most; True for 500.
            False for the groups' items in the current sample, with its weights;
            only of a sample drawn by chance are there intervals then.
        confidence : float
            In (0, 1).
        progress : bool
            Whether to show a bar while the model runs.

        Returns
        -------
        DataFrame
            Indexed by place from 1, the largest effect first: unit, effect (Hedges'
            g [1]_, positive where the first group's mean is larger), low and high
            for all units at once (Bonferroni), p corrected for the number of units
            (Holm), flag where it is at most 1 - confidence, both means, and the
            items behind them with kind. ``.attrs`` names the groups and has
            ``read_out``, a line that says what all of it is worth.

        Raises
        ------
        ValueError
            If a group is empty or of one item, they share items, or the model cannot
            be run for the layer.

        Notes
        -----
        The intervals are about the difference between what produces such items,
        and approximate; `difference` in ``latentlens.core.effect`` says how they
        are made. Items that were chosen by what the units do, as a lasso on the map
        chooses them, differ by construction: p then says how clear-cut the
        difference is, and is no evidence that there is one.

        References
        ----------
        .. [1] L. V. Hedges and I. Olkin, "Statistical Methods for Meta-Analysis",
           Academic Press 1985, chapter 5.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> found = lens.contrast({"label": "0"}, against={"label": "1"})
        >>> found[["unit", "effect", "mean_a", "mean_b"]].round(2)
               unit  effect  mean_a  mean_b
        place
        1         0    1.99     0.8    0.23
        2         1   -1.95     0.3    0.73
        """
        if check_share(confidence, "confidence", zero=False) == 1:
            raise ValueError("confidence must be below 1: no finite interval is certain; got 1.0")
        session = self._ready()
        most = (
            RUN_ITEMS if run is True else check_count(run or 0, "run", len(session.record), low=0)
        )
        question = self._question(layer=layer)
        index = session.layer(question.layer)
        first = _controls_group(session, question) if rows is None else read_group(
            session, question, rows, "rows"
        )  # fmt: skip
        second = (
            the_rest(session, first)
            if against is None
            else read_group(session, question, against, "against")
        )
        check_apart(first, second, ("rows", "against"))
        if most == 1:
            raise ValueError("run must be 0 or at least 2, for one item has no spread; got 1")
        check_spread(first, second, ("rows", "against"))
        steps = contrast(
            session, index, first.member, second.member,
            run=most, question=question, confidence=confidence,
        )  # fmt: skip
        found: Contrast = self._with_bar(steps, Contrast, wanted=progress)
        return contrast_frame(found, (first, second), index)

    def unit_values(
        self,
        unit: int,
        *,
        layer: str | None = None,
        run: bool = True,
        progress: bool = True,
    ) -> pd.DataFrame:
        """Give one unit's activation on every item, as far as it can be known.

        Parameters
        ----------
        unit : int
        layer : str, optional
            The lens's, if not given.
        run : bool
            Whether the model is run on those of the sample's items for which the
            index does not have it.
        progress : bool
            Whether to show a bar meanwhile.

        Returns
        -------
        DataFrame
            Indexed by row: value (NaN where unknown), kind ("exact" or "bounded"),
            at_most (the value, or what the index says it is at most), and source
            ("at hand", "index", "sample" or empty). ``.attrs`` has ``read_out``,
            which says in one line for how many items it is known.

        Raises
        ------
        ValueError
            If the layer has no such unit.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.unit_values(0)["value"].nlargest(2)
        row
        0    1.0
        1    0.8
        Name: value, dtype: float32
        """
        import pandas as pd

        session, question = self._ready(), self._question(layer=layer)
        unit = check_unit(unit, session.layer(question.layer))
        steps = unit_values(session, question, unit, run=run)
        found: UnitValues = self._with_bar(steps, UnitValues, wanted=progress)
        frame = pd.DataFrame(
            {
                "value": found.value,
                "kind": np.where(found.source == UNKNOWN, "bounded", "exact"),
                "at_most": found.at_most,
                "source": np.array(SOURCES)[found.source],
            },
            index=pd.RangeIndex(len(found.value), name="row"),
        )
        frame.attrs = {"unit": unit, "layer": question.layer, "limit": found.limit,
                       "read_out": found.read_out}  # fmt: skip
        return frame

    def unit_means(
        self, unit: int, *, layer: str | None = None, by: str | None = None
    ) -> pd.DataFrame:
        """Give one unit's mean over each class, correct and incorrect items apart.

        Exact, by the running sums of the pass.

        Parameters
        ----------
        unit : int
        layer : str, optional
            The lens's, if not given.
        by : {"true", "predicted"}, optional
            Which class an incorrect item counts under; as the lens has it.

        Returns
        -------
        DataFrame
            A row for each class and correctness ("correct", "incorrect", or
            "unknown") that has items: label, correctness, mean, n and kind.

        Raises
        ------
        ValueError
            If the layer has no such unit.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.unit_means(0)[["label", "correctness", "mean"]].head(2)
          label correctness  mean
        0     0     correct   0.9
        1     1     correct   0.1
        """
        import pandas as pd

        session, question = self._ready(), self._question(layer=layer, by=by)
        check_choice(question.by, "by", BYS)
        index, record = session.layer(question.layer), session.record
        unit = check_unit(unit, index)
        mean, n = unit_cell_means(
            index, record.cell_count, unit, question.by, has_pred=record.has_pred
        )
        frame = pd.DataFrame(
            {
                "label": np.tile(np.array(record.classes, object), 3),
                "correctness": np.repeat(["correct", "incorrect", "unknown"], len(record.classes)),
                "mean": mean.ravel(),
                "n": n.ravel(),
                "kind": "exact",
            }
        )
        frame = frame[frame.n > 0].reset_index(drop=True)
        frame.attrs = {"unit": unit, "layer": index.name}
        return frame


def contrast_frame(found: Contrast, groups: tuple[Group, Group], layer: LayerIndex) -> pd.DataFrame:
    """Put a contrast into a DataFrame, the largest effect first."""
    import pandas as pd

    parts, order = found.difference, found.order
    frame = pd.DataFrame(
        {
            "unit": np.arange(len(order)),
            **effect_columns(layer, parts),
            "mean_a": parts.mean[0],
            "mean_b": parts.mean[1],
            "n_a": found.n_group[0],
            "n_b": found.n_group[1],
            "effective_n_a": parts.effective_n[0],
            "effective_n_b": parts.effective_n[1],
            "kind": found.kind,
        }
    ).iloc[order]
    frame.index = pd.RangeIndex(1, len(order) + 1, name="place")
    frame.attrs = {
        "a": groups[0].name,
        "b": groups[1].name,
        "layer": layer.name,
        "kind": found.kind,
        "confidence": parts.confidence,
        "note": parts.note,
        "read_out": found.read_out,
    }
    return frame


def _controls_group(session: Session, question: Question) -> Group:
    """Give the group that the controls are about; refuse all items."""
    check_not_all(session.member(question), ", or give rows=")
    asked = {name: getattr(question, name) for name in ("label", "correctness", "by", "selection")}
    return read_group(session, question, asked, "rows")
