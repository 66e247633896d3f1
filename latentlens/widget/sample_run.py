"""A sample's items read by another model or by gradients, and what they tell of all items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.checks import check_choice, check_count, class_name
from latentlens.core.design import Design, group_weights
from latentlens.core.effect import compare_groups
from latentlens.core.estimate import mean_estimate
from latentlens.core.estimated import MeanEstimate
from latentlens.core.held import HeldActivations
from latentlens.core.metrics import top_units
from latentlens.core.query import MEASURES, check_k, max_counts, members, unit_maxima
from latentlens.core.record import LayerIndex, Record
from latentlens.core.worth import describe_estimate
from latentlens.widget.frames import NONE_UNIT
from latentlens.widget.groups import PARTS, Comparison, effect_columns, exact_maxima, group_words

if TYPE_CHECKING:
    import pandas as pd

ReadRows = Callable[[NDArray[np.int64], Sequence[str]], Any]
HELD_BUDGET = 256 * 2**20
"""Bytes of values kept for further questions about the same layers."""
REST = "the rest of the sample"
WHY_NOT_GUARANTEED = (
    "No interval of a mean is guaranteed here: what a unit is at least and at most over all items "
    "is not known, since only the sample was run."
)


@dataclass(frozen=True, kw_only=True)
class SampleRun:
    """What another model, or gradients, make of a sample and of the items it was drawn from.

    Values are activations or gradients, as `what` says; all that is said of
    activations holds for gradients alike, the largest being the most positive.
    Bounds of the values over all items are unknown, so that intervals of means are
    approximate; shares of items lie in [0, 1], and may be guaranteed.

    Groups are asked for as of a lens. Those of true classes, and selections, are
    known for all items; those of this model's predictions on the sample alone,
    so that their size is estimated too.

    Parameters
    ----------
    record : Record
        Of the sample only, its rows in the order of `rows`.
    design : Design
        Which rows of the first record these are, how they were drawn, and the
        weight of each.
    label : ndarray of shape (n_items,), int32
        True classes of all items.
    scores : ndarray of shape (n_items, p), float64
        What the first model's latent says of every item.
    read : callable
        Runs this model: ``(positions in record, layers)`` -> chunks.
    what : {"activations", "gradients"}
    target : str
        Of what the gradients are, in words; empty for activations.
    held : HeldActivations
        Values that were read for earlier questions.

    Examples
    --------
    >>> from latentlens import LatentLens, data, models
    >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
    >>> lens.sampler = "random"
    >>> other = lens.run_on_sample(models.lenet5(image_size=8, seed=1), progress=False)
    >>> len(other.record), other.record.latent_layer
    (40, 'act4')
    """

    record: Record
    design: Design
    label: NDArray[np.int32]
    scores: NDArray[np.float64]
    read: ReadRows
    what: str = "activations"
    target: str = ""
    held: HeldActivations = field(
        default_factory=lambda: HeldActivations(0, HELD_BUDGET), repr=False
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "held", HeldActivations(len(self.record), self.held.budget))

    def __len__(self) -> int:
        return len(self.record)

    def __repr__(self) -> str:
        of = f" of {self.target}" if self.target else ""
        model = self.record.meta.get("model", "")
        return f"SampleRun({self.what}{of}, {model}, {len(self):,} items)"

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the first record, one for each row of this one."""
        return self.design.rows

    @property
    def weight(self) -> NDArray[np.float64]:
        """How many items each sampled item stands for."""
        return self.design.weight

    def mean_activation(
        self,
        *,
        layer: str | None = None,
        label: str = "",
        by: str = "true",
        correctness: str = "all",
        selection: ArrayLike | None = None,
        k: int = 10,
    ) -> pd.DataFrame:
        """Estimate each unit's mean activation over a group, with an interval.

        Parameters
        ----------
        layer : str, optional
            The latent's, if not given.
        label : str
            A class; all of them if empty.
        by : {"true", "predicted"}
        correctness : {"all", "correct", "incorrect"}
            By this model's predictions.
        selection : array of rows, optional
            Rows of the first record.
        k : int
            Of how many top units the precision is predicted.

        Returns
        -------
        DataFrame
            Indexed by unit: mean, low, high, method, trust, kind, n_used, n_group
            and effective_n. ``.attrs`` as of `LatentLens.mean_activation`.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> lens.sampler = "random"
        >>> other = lens.run_on_sample(models.lenet5(image_size=8, seed=1), progress=False)
        >>> other.mean_activation(layer="fc1").shape[0]
        120
        """
        index = self._layer(layer)
        k = _check_k(k, index)
        estimate = self._estimate(self._values(index), **self._group(label, by, correctness,
                                                                     selection))  # fmt: skip
        return self._framed(estimate, {"mean": estimate.mean}, k=k)

    def top_k(
        self,
        k: int = 10,
        *,
        layer: str | None = None,
        label: str = "",
        by: str = "true",
        correctness: str = "all",
        measure: str = "max",
        selection: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Give the k most activated units of a group, as far as the sample tells.

        Parameters
        ----------
        k : int
        measure : {"max", "count", "mean"}
            A maximum over the sample is a lower bound of the group's; a count is
            given as the estimated share of the group's items.
        layer, label, by, correctness, selection
            As in `mean_activation`.

        Returns
        -------
        DataFrame
            Indexed by place from 1: unit, value, low, high, method, trust, kind,
            n_used, n_group and effective_n.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> lens.sampler = "random"
        >>> other = lens.run_on_sample(models.lenet5(image_size=8, seed=1), progress=False)
        >>> len(other.top_k(k=5, layer="fc1"))
        5
        """
        check_choice(measure, "measure", MEASURES)
        index = self._layer(layer)
        k = check_k(k, index) if measure == "max" else _check_k(k, index)
        group = self._group(label, by, correctness, selection)
        values = self._is_maximum(index) if measure == "count" else self._values(index)
        bounds = _shares(index) if measure == "count" else None
        estimate = self._estimate(values, bounds=bounds, **group)
        if measure == "max":
            value = unit_maxima(index, self._inside(**group), k).astype(np.float64)
            nothing = np.full(index.units, np.nan)
            none = np.zeros(index.units, np.uint8)
            note = "Maxima over the sample are lower bounds." if estimate.n_used else estimate.note
            estimate = replace(
                estimate, low=value, high=nothing, method=none, parts=None, note=note
            )
        else:
            value = estimate.mean
        if not estimate.n_used:
            k = 0
        frame = self._framed(estimate, {"value": value}, k=max(k, 1))
        order = top_units(value, k) if k else np.zeros(0, np.int64)
        top = frame.iloc[order].reset_index()
        top.index = top.index + 1
        top.index.name = "place"
        top.attrs = frame.attrs
        return top

    def max_neurons(
        self,
        *,
        layer: str | None = None,
        label: str = "",
        by: str = "true",
        correctness: str = "all",
        selection: ArrayLike | None = None,
    ) -> pd.DataFrame:
        """Count of how many items of a group each unit is the maximum.

        Parameters
        ----------
        layer, label, by, correctness, selection
            As in `mean_activation`.

        Returns
        -------
        DataFrame
            Indexed by unit, -1 for items whose values are all zero; units that lead
            no sampled item have no row. Columns: count, the sampled items it leads;
            share, the estimated share of the group's items, with low, high, method,
            trust, kind, n_used, n_group and effective_n.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> lens.sampler = "random"
        >>> other = lens.run_on_sample(models.lenet5(image_size=8, seed=1), progress=False)
        >>> int(other.max_neurons(layer="fc3")["count"].sum())
        40
        """
        import pandas as pd

        index = self._layer(layer)
        group = self._group(label, by, correctness, selection)
        leader = np.where(index.silent, NONE_UNIT, index.top_unit[:, 0].astype(np.int64))
        units, count = np.unique(leader[self._inside(**group)], return_counts=True)
        leads = (leader[:, None] == units).astype(np.float32)
        bounds = np.zeros(len(units)), np.ones(len(units))
        estimate = self._estimate(leads, bounds=bounds, **group)
        frame = self._framed(estimate, {"count": count, "share": estimate.mean}, k=1)
        frame.index = pd.Index(units, name="unit")
        order = np.argsort(-frame["share"].to_numpy(), kind="stable")
        return frame.iloc[order]

    def compare_groups(self, a: Any, b: Any = None, *, layer: str | None = None) -> Comparison:
        """Put two groups of the sample's items side by side, unit by unit.

        Parameters
        ----------
        a, b : mapping, or array of rows
            A mapping may hold label, correctness, by and selection; rows are those of
            the first record. Without `b` it is the sample's other items.
        layer : str, optional
            The latent's, if not given.

        Returns
        -------
        Comparison
            As of `LatentLens.compare_groups`; all of it from the sample. A group that
            the sample holds whole has its plain mean, however the sample was drawn, and
            ``kind`` is "exact" where both are.

        Raises
        ------
        ValueError
            If a group has no item in the sample, or they share some.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> lens.sampler = "random"
        >>> other = lens.run_on_sample(models.lenet5(image_size=8, seed=1), progress=False)
        >>> other.compare_groups({"label": "3"}).names
        ('3s', 'the rest of the sample')
        """
        import pandas as pd

        index = self._layer(layer)
        group_a, name_a = self._named(a, "a")
        group_b, name_b = (_others(group_a), REST) if b is None else self._named(b, "b")
        first, second = self._inside(**group_a), self._inside(**group_b)
        for inside, name in ((first, name_a), (second, name_b)):
            if not inside.any():
                raise ValueError(f"The sample has no {name}, so there is nothing to compare.")
        if (first & second).any():
            raise ValueError(
                f"a and b must share no item, but {int((first & second).sum()):,} of the sample "
                f"are in both: {name_a} and {name_b}."
            )
        (weight_a, whole_a), (weight_b, whole_b) = map(self._weights, (group_a, group_b))
        whole = whole_a and whole_b
        difference = compare_groups(
            self._values(index), first, second, weight=weight_a + weight_b,
            why_not="" if whole else self.design.why_not,
        )  # fmt: skip
        columns: dict[str, Any] = {"mean_a": difference.mean[0], "mean_b": difference.mean[1]}
        for side, inside in (("a", first), ("b", second)):
            columns[f"max_{side}"] = exact_maxima(index, inside)
            columns[f"count_{side}"] = max_counts(index, inside)[0].astype(np.int64)
        frame = pd.DataFrame(
            columns | effect_columns(index, difference),
            index=pd.RangeIndex(index.units, name="unit"),
        )
        frame = frame.assign(n_a=int(first.sum()), n_b=int(second.sum()))
        frame["kind"] = "exact" if whole else "sample"
        frame.attrs = {"a": name_a, "b": name_b, "layer": index.name, "note": difference.note}
        title = f"mean {self.what} of {index.name}, {name_a} against {name_b}"
        return Comparison(title=title, frame=frame, names=(name_a, name_b), note=difference.note)

    # -- pieces ------------------------------------------------------------------

    def _named(self, asked: Any, argument: str) -> tuple[dict[str, NDArray[np.bool_]], str]:
        """Say who belongs to a group, as `_group` does, and name it."""
        given = asked if isinstance(asked, Mapping) else {"selection": asked}
        for part in given:
            if part not in PARTS:
                raise ValueError(f"{argument} may hold {', '.join(PARTS)}; got {part!r}.")
        group = {"label": "", "by": "true", "correctness": "all", "selection": None, **given}
        group["label"] = class_name(group["label"])
        words = group_words(group["label"], group["correctness"], group["by"])
        name = words if group["selection"] is None else f"chosen {words}"
        return self._group(**group), name

    def _weights(self, group: dict[str, NDArray[np.bool_]]) -> tuple[NDArray[np.float64], bool]:
        """Give what each of the sample's items stands for in a group, and whether it is whole.

        Of a group by this model's own predictions only the sample's part is known, so that
        it is whole where the sample is all there is.
        """
        inside, n = self._inside(**group), len(self.label)
        member = group.get("member")
        if member is None:
            member = np.ones(n, bool)
            member[self.rows] = inside
        weight = np.zeros(n)
        weight[self.rows] = self.weight
        own = group_weights(weight, member)[self.rows]
        return np.where(inside, own, 0.0), bool(inside.sum() == member.sum())

    def _layer(self, name: str | None) -> LayerIndex:
        name = self.record.latent_layer if name is None else name
        check_choice(name, "layer", tuple(self.record.layers))
        return self.record.layers[name]

    def _group(
        self, label: str, by: str, correctness: str, selection: ArrayLike | None
    ) -> dict[str, NDArray[np.bool_]]:
        """Say who belongs to a group: of all items if that is known, else of the sample's."""
        label, number = class_name(label), None
        if label:
            check_choice(label, "label", self.record.classes)
            number = self.record.classes.index(label)
        everyone = self.label
        chosen = members(everyone, everyone, selection=selection)
        own = members(self.record.label, self.record.pred, label_class=number, by=by,
                      correctness=correctness)  # fmt: skip
        if correctness == "all" and (by == "true" or number is None):
            return {"member": chosen & members(everyone, everyone, label_class=number)}
        return {"inside": own & chosen[self.rows]}

    def _inside(
        self,
        member: NDArray[np.bool_] | None = None,
        inside: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        if inside is not None:
            return inside
        assert member is not None
        return np.asarray(member[self.rows])

    def _values(self, index: LayerIndex) -> NDArray[np.float32]:
        if index.name == self.record.latent_layer:
            return self.record.latent
        everything = np.arange(len(self.record))
        if not len(self.held.missing(index.name, everything)):
            return self.held.values(index.name, everything)
        read = self.read(everything, [index.name])
        values = np.concatenate([part[index.name] for _, part in read])
        self.held.hold(index.name, everything, values)
        return values

    def _is_maximum(self, index: LayerIndex) -> NDArray[np.float32]:
        values = np.zeros((len(self.record), index.units), np.float32)
        values[np.arange(len(values)), index.top_unit[:, 0]] = ~index.silent
        return values

    def _estimate(self, values: NDArray[np.float32], **options: Any) -> MeanEstimate:
        return mean_estimate(values, self.design, scores=self.scores, **options)

    def _framed(self, estimate: MeanEstimate, columns: dict[str, Any], *, k: int) -> pd.DataFrame:
        import pandas as pd

        kind = "estimate" if estimate.parts is not None else "sample"
        frame = pd.DataFrame(
            {
                **columns,
                "low": estimate.low,
                "high": estimate.high,
                "method": estimate.method_names,
                "trust": estimate.trust,
                "kind": kind,
                "n_used": estimate.n_used,
                "n_group": estimate.n_group,
                "effective_n": estimate.effective_n,
            },
            index=pd.RangeIndex(len(estimate.mean), name="unit"),
        )
        if kind == "estimate" and not (estimate.trust == "guaranteed").any():
            note = f"{estimate.note} {WHY_NOT_GUARANTEED}".strip()
            estimate = replace(estimate, note=note)
        frame.attrs |= describe_estimate(estimate, kind, k)
        return frame


def _others(group: dict[str, NDArray[np.bool_]]) -> dict[str, NDArray[np.bool_]]:
    """Take all items but the group's, as far as it is known who they are."""
    return {name: ~mask for name, mask in group.items()}


def _check_k(k: int, index: LayerIndex) -> int:
    """Give k after the layer's width, whatever its index keeps."""
    return min(check_count(k, "k"), index.units)


def _shares(index: LayerIndex) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.zeros(index.units), np.ones(index.units)
