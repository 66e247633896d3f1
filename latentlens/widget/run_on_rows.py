"""Some rows read again: by another model, or for gradients."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.checks import check_choice
from latentlens.core.design import Design
from latentlens.core.record import Record
from latentlens.widget.sample_run import SampleRun

if TYPE_CHECKING:
    from torch import nn

    from latentlens.extract import Plan

WHAT = ("activations", "gradients")
NEEDS_LABELS = ("label", "loss")


def run_on_rows(
    model: nn.Module | None,
    plan_before: Plan,
    record_before: Record,
    design: Design,
    *,
    scores: NDArray[np.float64],
    what: str = "activations",
    target: str | int | None = None,
    progress: bool = True,
    **options: Any,
) -> SampleRun:
    """Read a design's rows with another model, or for gradients.

    Parameters
    ----------
    model : torch.nn.Module or None
        None for the model of the first pass, read as it was there.
    plan_before : Plan
        How the data is read.
    record_before : Record
        What the first model made of it.
    design : Design
    scores : ndarray of shape (n_items, p)
        As `latent_scores` gives them for the first model's latent.
    what : {"activations", "gradients"}
    target : str or int, optional
        Of what gradients are taken.
    progress : bool
    **options
        What `plan` takes: layer, layers, reduce, predict.

    Returns
    -------
    SampleRun

    Raises
    ------
    ValueError
        Without random access, or if the target cannot be had.
    """
    from latentlens.extract import (
        GradientPass,
        Pass,
        loader_of_rows,
        read_activations,
        read_gradients,
    )

    check_choice(what, "what", WHAT)
    target = _checked_target(what, target, record_before, design.rows)
    loader = loader_of_rows(plan_before, design.rows)
    if model is None:
        planned = _same_way(plan_before, loader, options)
    else:
        planned = _anew(model, plan_before, record_before, loader, options)
    if what == "gradients":
        record = GradientPass(planned, target).run(progress)
        read = partial(read_gradients, planned, target=target)
    else:
        record, read = Pass(planned).run(progress), partial(read_activations, planned)
    return SampleRun(
        record=replace(record, ids=record_before.ids[design.rows]),
        design=design,
        label=record_before.label,
        scores=scores,
        read=read,
        what=what,
        target=target_words(target, record_before.classes) if what == "gradients" else "",
    )


def target_words(target: str | int, classes: tuple[str, ...]) -> str:
    """Say of what a gradient or an attribution is."""
    if target == "loss":
        return "the cross-entropy"
    if target in ("label", "pred"):
        return f"the score of the {'true' if target == 'label' else 'predicted'} class"
    return f"the score of class {classes[int(target)]}"


def _checked_target(
    what: str, target: str | int | None, record: Record, rows: NDArray[np.int64]
) -> str | int:
    from latentlens.extract.gradients import read_target

    if what != "gradients":
        if target is not None:
            raise ValueError('target is of gradients; ask with what="gradients".')
        return "pred"
    wanted = read_target("pred" if target is None else target, record.classes)
    unknown = int((record.label[rows] < 0).sum())
    if wanted in NEEDS_LABELS and unknown:
        raise ValueError(
            f"target={wanted!r} needs every item's label, and {unknown:,} of the sample's "
            f'{len(rows):,} items have none. Take target="pred" or a class.'
        )
    return wanted


def _anew(
    model: nn.Module,
    plan_before: Plan,
    record_before: Record,
    loader: Any,
    options: dict[str, Any],
) -> Plan:
    """Look at another model, its items unpacked and its index kept as the first one's."""
    from latentlens.extract import plan

    return plan(
        model,
        loader,
        keep=plan_before.keep,
        classes=record_before.classes,
        unpack=plan_before.unpack,
        device=plan_before.device,
        **options,
    )


def _same_way(plan_before: Plan, loader: Any, options: dict[str, Any]) -> Plan:
    """Read some rows with the first pass's model, as it was read there."""
    from latentlens.extract.source import open_source

    own = {"layer": "auto", "reduce": "unit", "predict": None}
    if any(options.get(name, default) != default for name, default in own.items()):
        raise ValueError(
            "layer, reduce and predict are the lens's own where no other model is given; "
            "give the model to read it in another way: run_on_sample(model, layer=...)."
        )
    with plan_before.guest.visit(seed=0):
        source = open_source(loader)
    layers = plan_before.layers
    if options.get("layers") is not None:
        known = tuple(spec.name for spec in layers)
        wanted = {check_choice(name, "layers", known) for name in options["layers"]}
        wanted.add(plan_before.latent_layer)
        layers = tuple(spec for spec in layers if spec.name in wanted)
    return replace(
        plan_before,
        source=source,
        n_items=source.n_items,
        layers=layers,
        pre_latent=None,
        notes=list(source.notes),
    )
