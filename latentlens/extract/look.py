"""A first look: run a model on a few items, and leave it as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from latentlens.extract.augmentation import augmentation_note
from latentlens.extract.calls import tensors_in
from latentlens.extract.guest import Guest
from latentlens.extract.output import Predict, find_logits
from latentlens.extract.source import Source, open_source
from latentlens.extract.trace import Trace
from latentlens.extract.unpack import (
    Unpacked,
    batch_length,
    check_unpacked,
    map_tensors,
    move,
    unpack_batch,
)

Unpack = Callable[[Any], Unpacked]

FIRST_LOOK = 13
"""How many items the first look takes where it may choose: a number that no layer's
width is likely to equal, so that the axis of the items is plain."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the model made of some items.

    Parameters
    ----------
    guest : Guest
    source : Source
    trace : Trace
        The calls that were made.
    logits : Tensor
        As they came, unchecked.
    target : Any
        The items' true classes, as they came.
    n : int
        How many items there were.
    input_dtype : torch.dtype or None
        The half precision that inputs are brought to.
    augmented : str
        A sentence where the data change from one reading to the next.
    """

    guest: Guest
    source: Source
    trace: Trace
    logits: Tensor
    target: Any
    n: int
    input_dtype: torch.dtype | None
    augmented: str


def look_at(
    model: nn.Module,
    loader: Any,
    device: torch.device,
    unpack: Unpack | None,
    predict: Predict | None,
) -> Look:
    """Run the model on the loader's first items, and leave it as it was."""
    guest = Guest(model, device)
    with guest.visit(seed=0):
        source = open_source(loader)
        batch = source.first(FIRST_LOOK)
        dtype = half_dtype(model)
        args, kwargs, target, n = open_batch(batch, model, unpack, device, dtype)
        args, kwargs = map_tensors(args, _ordinary), map_tensors(kwargs, _ordinary)
        with torch.inference_mode(mode=False), torch.no_grad(), Trace(model) as trace:
            logits = (predict or find_logits)(_call(model, args, kwargs))
        augmented = augmentation_note(source)
    return Look(
        guest=guest, source=source, trace=trace, logits=logits, target=target, n=n,
        input_dtype=dtype, augmented=augmented,
    )  # fmt: skip


def _call(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the model on the first batch; if it fails, add to the error what it was given."""
    try:
        return model(*args, **kwargs)
    except Exception as error:
        given = [_in_brief(arg) for arg in args]
        given += [f"{name}={_in_brief(arg)}" for name, arg in kwargs.items()]
        error.add_note(
            f"latentlens called {type(model).__name__}({', '.join(given)}) with the first items of "
            "loader. If that is not how, say so: unpack=lambda batch: (args, kwargs, target)."
        )
        raise


def _ordinary(tensor: Tensor) -> Tensor:
    """Give a tensor that counts its in-place changes."""
    with torch.inference_mode(mode=False):
        return tensor.clone() if tensor.is_inference() else tensor


def _in_brief(arg: Any) -> str:
    if isinstance(arg, Tensor):
        return f"{str(arg.dtype).removeprefix('torch.')} of shape {tuple(arg.shape)}"
    return type(arg).__name__


def open_batch(
    batch: Any,
    model: nn.Module,
    unpack: Unpack | None,
    device: torch.device,
    dtype: torch.dtype | None,
) -> tuple[tuple[Any, ...], dict[str, Any], Any, int]:
    """Split a batch, bring it to the model, and count its items."""
    found = unpack(batch) if unpack is not None else unpack_batch(batch, model)
    args, kwargs, target = check_unpacked(found)
    args, kwargs = move(tuple(args), device, dtype), move(dict(kwargs), device, dtype)
    return args, kwargs, target, batch_length(args, kwargs, tensors_in)


def unwrap(model: nn.Module) -> tuple[nn.Module, list[str]]:
    """Take the model out of its wrappers, and note which they were.

    Raises
    ------
    TypeError, ValueError
        If it is none, or one that hooks cannot see into.
    """
    notes: list[str] = []
    if not isinstance(model, nn.Module):
        swapped = " Are the arguments swapped? The model comes first, then the loader."
        hint = swapped if hasattr(model, "__iter__") else ""
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}.{hint}")
    while True:
        inner = getattr(model, "_orig_mod", None)
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = model.module
        if not isinstance(inner, nn.Module):
            break
        notes.append(f"The model is run without its {type(model).__name__} wrapper.")
        model = inner
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError(
            f"model is a {type(model).__name__}, compiled by torch.jit: its layers cannot be "
            "watched. Give the nn.Module that it was made from."
        )
    lazy = [p for p in model.parameters() if isinstance(p, nn.parameter.UninitializedParameter)]
    if lazy:
        raise ValueError(
            f"{type(model).__name__} has {len(lazy)} parameters that get their shape from the "
            "first batch. Run the model on one batch before giving it to latentlens."
        )
    return model, notes


def find_device(model: nn.Module, device: torch.device | str | None) -> torch.device:
    """Say where the inputs go: where the model is.

    Raises
    ------
    ValueError
        If another device was asked for.
    """
    tensors = [*model.parameters(), *model.buffers()]
    wanted = None if device is None else torch.device(device)
    if not tensors:
        return wanted or torch.device("cpu")
    here = tensors[0].device
    if wanted is not None and (wanted.type != here.type or wanted.index not in (None, here.index)):
        raise ValueError(
            f"device is {str(wanted)!r}, but the model is on {str(here)!r}, and latentlens does "
            f"not move what is yours. Move it yourself: model.to({str(wanted)!r})."
        )
    return here


def half_dtype(model: nn.Module) -> torch.dtype | None:
    """Give the model's dtype if it is a half precision, which its inputs must have too."""
    dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
    return dtypes.pop() if dtypes in ({torch.float16}, {torch.bfloat16}) else None
