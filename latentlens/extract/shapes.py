"""From a layer's output, of whatever shape, to one row of units per item."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor, nn

from latentlens.core.record import CELL_KINDS, Reduce
from latentlens.extract.trace import Call

SUMS_BUDGET = 256_000_000
"""Bytes that the running sums of one layer may take before its channels are pooled."""

CHANNELS_LAST = (nn.Linear, nn.LayerNorm, nn.Embedding, nn.RNNBase, nn.MultiheadAttention)
"""Modules whose output has the features last, after any number of tokens."""


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """What is kept of one layer.

    Parameters
    ----------
    name : str
    shape : tuple of int
        Shape of one item's activation before `reduce`.
    reduce : {"unit", "channel", "token"}
        "unit": every element is a unit. "channel": the spatial maximum of each
        channel. "token": the maximum over the tokens of a sequence, padding
        left out where the batch has an attention mask.
    units : int
    call : str
        The call it is read from.
    of_input : bool
        Whether it is what went into that call, not what came out.
    overwritten : bool
        Whether the model changes it in place later, so that it must be copied.
    batch_axis : int
        Which axis counts the items.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import plan
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> chosen.layers[0].name, chosen.layers[0].shape, chosen.layers[0].units
    ('fc1', (120,), 120)
    """

    name: str
    shape: tuple[int, ...]
    reduce: Reduce
    units: int
    call: str
    of_input: bool = False
    overwritten: bool = False
    batch_axis: int = 0


def describe(
    name: str,
    call: Call,
    *,
    of_input: bool,
    n: int,
    channels_last: bool,
    batch_first: bool,
    reduce: Reduce,
    n_classes: int,
) -> tuple[LayerSpec | None, str]:
    """Work out how to read a layer's units from one example.

    Returns
    -------
    tuple of (LayerSpec or None, str)
        None if its rows are not the batch's items. The sentence, if not empty,
        is for the reader.
    """
    tensor = call.source if of_input else call.output
    axis = _batch_axis(tensor, n, batch_first=batch_first)
    if tensor is None or axis is None:
        found = "no floating-point tensor" if tensor is None else f"shape {tuple(tensor.shape)}"
        return None, f"{name} gives {found} for {n} items and is not watched."
    shape = tuple(size for i, size in enumerate(tensor.shape) if i != axis)
    how, note = _choose(name, shape, channels_last, reduce, n_classes)
    spec = LayerSpec(
        name=name,
        shape=shape,
        reduce=how,
        units=_units(shape, how),
        call=call.name,
        of_input=of_input,
        overwritten=call.source_overwritten if of_input else call.output_overwritten,
        batch_axis=axis,
    )
    return spec, note


def to_units(tensor: Tensor, spec: LayerSpec, n: int, mask: Tensor | None) -> Tensor:
    """Bring a layer's output to float32 rows of units.

    Parameters
    ----------
    tensor : Tensor
        Items on `spec.batch_axis`.
    spec : LayerSpec
    n : int
        How many items the batch has.
    mask : Tensor of shape (n, n_tokens), optional
        Nonzero where a token counts.

    Returns
    -------
    Tensor of shape (n, spec.units), float32, contiguous
        May share memory with `tensor`, unless `spec.overwritten`.

    Raises
    ------
    ValueError
        If the shape does not fit what the first batch showed.
    """
    values = tensor.movedim(spec.batch_axis, 0)
    if spec.reduce == "token":
        values = _token_maximum(values, mask)
    elif spec.reduce == "channel":
        values = values.flatten(2).amax(2)
    elif values.ndim != 2:
        values = values.reshape(len(values), -1)
    if values.shape != (n, spec.units):
        raise ValueError(_misfit(tensor, spec, n))
    rows = values.float().contiguous()
    is_view = rows.data_ptr() == tensor.data_ptr()
    return rows.clone() if spec.overwritten and is_view else rows


def _token_maximum(values: Tensor, mask: Tensor | None) -> Tensor:
    values = values.flatten(1, -2)
    if mask is None or mask.shape != values.shape[:2]:
        return values.amax(1)
    kept = mask.to(values.device) != 0
    pooled = values.masked_fill(~kept[..., None], -torch.inf).amax(1)
    return pooled.masked_fill(~kept.any(1)[:, None], 0.0)


def _batch_axis(tensor: Tensor | None, n: int, *, batch_first: bool) -> int | None:
    if tensor is None or tensor.ndim == 0 or not tensor.numel():
        return None
    first = tensor.shape[0] == n
    second = tensor.ndim > 2 and tensor.shape[1] == n
    if first and (batch_first or not second):
        return 0
    return 1 if second else None


def _choose(
    name: str, shape: tuple[int, ...], channels_last: bool, reduce: Reduce, n_classes: int
) -> tuple[Reduce, str]:
    if len(shape) < 2:
        return "unit", ""
    if channels_last:
        return "token", ""
    size = CELL_KINDS * n_classes * prod(shape) * 8
    if reduce == "unit" and size > SUMS_BUDGET:
        return "channel", (
            f"{name} has {prod(shape):,} units, whose running sums would take "
            f"{size / 1e6:,.0f} MB; its {shape[0]:,} channels' maxima are kept instead."
        )
    return ("channel" if reduce == "channel" else "unit"), ""


def _units(shape: tuple[int, ...], reduce: Reduce) -> int:
    if reduce == "token":
        return shape[-1]
    return shape[0] if reduce == "channel" and shape else prod(shape)


def _misfit(tensor: Tensor, spec: LayerSpec, n: int) -> str:
    advice = (
        " Inputs of several sizes have no common units: use reduce='channel'."
        if spec.reduce == "unit" and len(spec.shape) > 1
        else " Leave it out with layers=."
    )
    return (
        f"{spec.name} gave shape {tuple(tensor.shape)} for {n} items, but for the first batch "
        f"one item's was {spec.shape}.{advice}"
    )
