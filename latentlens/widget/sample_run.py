"""A sample's items read by another model, and what they tell of all items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.checks import check_choice
from latentlens.core.design import Design
from latentlens.core.estimate import MeanEstimate, mean_estimate
from latentlens.core.metrics import top_units
from latentlens.core.query import MEASURES, check_k, members, unit_maxima
from latentlens.core.record import LayerIndex, Record
from latentlens.core.worth import describe_estimate

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from latentlens.extract import Plan

ReadRows = Callable[[NDArray[np.int64], Sequence[str]], Any]


@dataclass(frozen=True, kw_only=True)
class SampleRun:
    """What another model makes of a sample, and of the items it was drawn from.

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
    """

    record: Record
    design: Design
    label: NDArray[np.int32]
    scores: NDArray[np.float64]
    read: ReadRows

    def __len__(self) -> int:
        return len(self.record)

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
        """
        index = self._layer(layer)
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
        """
        check_choice(measure, "measure", MEASURES)
        index = self._layer(layer)
        k = check_k(k, index) if measure == "max" else min(k, index.units)
        group = self._group(label, by, correctness, selection)
        values = self._is_maximum(index) if measure == "count" else self._values(index)
        bounds = _shares(index) if measure == "count" else None
        estimate = self._estimate(values, bounds=bounds, **group)
        if measure == "max":
            value = unit_maxima(index, self._inside(**group), k).astype(np.float64)
            nothing = np.full(index.units, np.nan)
            none = np.zeros(index.units, np.uint8)
            estimate = replace(estimate, low=value, high=nothing, method=none, parts=None,
                               note="Maxima over the sample are lower bounds.")  # fmt: skip
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

    # -- pieces ------------------------------------------------------------------

    def _layer(self, name: str | None) -> LayerIndex:
        name = self.record.latent_layer if name is None else name
        check_choice(name, "layer", tuple(self.record.layers))
        return self.record.layers[name]

    def _group(
        self, label: str, by: str, correctness: str, selection: ArrayLike | None
    ) -> dict[str, NDArray[np.bool_]]:
        """Say who belongs to a group: of all items if that is known, else of the sample's."""
        number = None
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
        read = self.read(everything, [index.name])
        return np.concatenate([activations[index.name] for _, activations in read])

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
        frame.attrs |= describe_estimate(estimate, kind, k)
        return frame


def run_on_rows(
    model: nn.Module,
    plan_before: Plan,
    record_before: Record,
    design: Design,
    *,
    scores: NDArray[np.float64],
    progress: bool = True,
    **options: Any,
) -> SampleRun:
    """Read a design's rows with another model.

    Parameters
    ----------
    model : torch.nn.Module
    plan_before : Plan
        How the data is read.
    record_before : Record
        What the first model made of it.
    design : Design
    scores : ndarray of shape (n_items, p)
        As `latent_scores` gives them for the first model's latent.
    progress : bool
    **options
        What `plan` takes: layer, layers, reduce, predict.

    Returns
    -------
    SampleRun

    Raises
    ------
    ValueError
        Without random access.
    """
    from latentlens.extract import Pass, loader_of_rows, plan, read_activations

    loader = loader_of_rows(plan_before, design.rows)
    planned = plan(
        model,
        loader,
        keep=plan_before.keep,
        classes=record_before.classes,
        unpack=plan_before.unpack,
        device=plan_before.device,
        **options,
    )
    record = Pass(planned).run(progress)
    return SampleRun(
        record=replace(record, ids=record_before.ids[design.rows]),
        design=design,
        label=record_before.label,
        scores=scores,
        read=partial(read_activations, planned),
    )


def _shares(index: LayerIndex) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.zeros(index.units), np.ones(index.units)
