"""Look at one batch, and find out how a model is to be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from latentlens.core.record import Reduce
from latentlens.extract.augmentation import augmentation_note
from latentlens.extract.calls import tensors_in
from latentlens.extract.guest import Guest
from latentlens.extract.layers import Choice, choose_layers
from latentlens.extract.names import Wanted
from latentlens.extract.output import (
    Predict,
    are_probabilities,
    as_logits,
    check_logits,
    find_logits,
    width,
)
from latentlens.extract.shapes import LayerSpec
from latentlens.extract.source import Source, open_source
from latentlens.extract.trace import Trace
from latentlens.extract.unpack import (
    Unpacked,
    batch_length,
    check_unpacked,
    map_tensors,
    move,
    read_labels,
    unpack_batch,
)

Unpack = Callable[[Any], Unpacked]

FIRST_LOOK = 13
"""How many items the first look takes where it may choose: a number that no layer's
width is likely to equal, so that the axis of the items is plain."""

HELD_BUDGET = 256_000_000
"""Bytes of one batch's activations that the pass holds at a time, where it may choose."""


@dataclass(kw_only=True)
class Plan:
    """How a model will be read; made by `plan`.

    Parameters
    ----------
    model : torch.nn.Module
        The model itself, out of any DataParallel or compiled wrapper.
    model_name : str
    n_items : int or None
        None for a stream, whose length shows at its end.
    classes : tuple of str
    latent_layer : str
        The name in `layers` whose activations are the latent.
    layers : tuple of LayerSpec
        In the order of execution.
    notes : list of str
        Sentences for the reader.
    random_access : bool
        Whether any item can be read again.
    keep : int
        K of the top-K index.
    pre_latent : LayerSpec or None
        What went into the activation function that makes the latent.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import plan
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> chosen.model_name, chosen.n_items, chosen.classes[:2]
    ('LeNet5', 797, ('0', '1'))
    """

    model: nn.Module
    model_name: str
    n_items: int | None
    classes: tuple[str, ...]
    latent_layer: str
    layers: tuple[LayerSpec, ...]
    notes: list[str]
    random_access: bool
    keep: int
    pre_latent: LayerSpec | None
    source: Source = field(repr=False)
    guest: Guest = field(repr=False)
    device: torch.device
    batch_size: int | None
    unpack: Unpack | None = field(repr=False)
    predict: Predict | None = field(repr=False)
    input_dtype: torch.dtype | None
    probabilities: bool

    @property
    def dataset(self) -> Any:
        """The dataset whose positions are the rows' ids; None for a stream without one."""
        return self.source.dataset

    @property
    def functions(self) -> bool:
        """Whether functional calls have to be heard."""
        modules = dict(self.model.named_modules())
        specs = [*self.layers, *([self.pre_latent] if self.pre_latent else [])]
        return any(spec.call.split("#")[0] not in modules for spec in specs)

    def open_batch(self, batch: Any) -> tuple[tuple[Any, ...], dict[str, Any], Any, int]:
        """Split a batch, bring it to the model, and count its items."""
        return _open(batch, self.model, self.unpack, self.device, self.input_dtype)

    def read_logits(self, output: Any, n: int) -> Tensor:
        """Take float32 logits of shape (n, n_classes) out of the model's output."""
        return self.read_scores(output, n)[0]

    def read_scores(self, output: Any, n: int) -> tuple[Tensor, Tensor]:
        """Take the logits out of the output, and say of which items all are sound.

        A score of minus infinity is sound: so a class is masked out.
        """
        logits = (self.predict or find_logits)(output)
        check_logits(logits, n)
        found = as_logits(logits, probabilities=self.probabilities)
        if found.shape[1] != len(self.classes):
            raise ValueError(
                f"A batch gave {found.shape[1]} scores per item, the first one "
                f"{len(self.classes)}. Say what they are with predict=lambda output: logits."
            )
        return found, (logits.reshape(n, -1) < torch.inf).all(1)


def plan(
    model: nn.Module,
    loader: Any,
    *,
    layer: Wanted = "auto",
    layers: Wanted | Iterable[Wanted] | None = None,
    reduce: Reduce = "unit",
    keep: int = 32,
    classes: Sequence[str] | None = None,
    unpack: Unpack | None = None,
    predict: Predict | None = None,
    device: torch.device | str | None = None,
) -> Plan:
    """Look at one batch, find the latent and the layers, and refuse what cannot work.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is found.
    loader : iterable of batches
        A DataLoader is read by position in its dataset, whatever its order;
        anything else is a stream, taken as it comes.
    layer : str or torch.nn.Module
        "auto": the latent is the *input* of the layer that makes the logits. A
        name or a module: the latent is that layer's *output*.
    layers : str, torch.nn.Module, or several of them, optional
        Layers to watch, by name, fnmatch pattern or module; if not given, all
        that have parameters and all activation functions.
    reduce : {"unit", "channel"}
        Of spatial layers: every element a unit, or the maximum of each channel.
        Sequences are always reduced to their maximum over the tokens.
    keep : int
        How many of an item's largest activations are kept in each layer.
    classes : sequence of str, optional
        Names; else `dataset.classes`, else "0", "1", ...
    unpack : callable, optional
        ``batch -> (args, kwargs, target)``, for batches of an unknown kind.
    predict : callable, optional
        ``output -> logits``, for outputs of an unknown kind.
    device : torch.device or str, optional
        Where the inputs go; the model is never moved.

    Returns
    -------
    Plan

    Raises
    ------
    TypeError, ValueError
        If the model, the loader, a batch or the output is not of a known kind;
        the message says what to do.
    AmbiguousLatent
        If no single layer makes the logits; the message lists the candidates.
    LayerNotFound
        If `layer` or `layers` names none.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import plan
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> chosen.latent_layer, [layer.name for layer in chosen.layers]
    ('latent', ['fc1', 'fc2', 'latent', 'fc3'])
    """
    _check_options(reduce, keep)
    model, notes = _unwrap(model)
    where = _find_device(model, device)
    guest = Guest(model, where)
    with guest.visit(seed=0):
        source = open_source(loader)
        batch = source.first(FIRST_LOOK)
        dtype = _half_dtype(model)
        args, kwargs, target, n = _open(batch, model, unpack, where, dtype)
        args, kwargs = map_tensors(args, _ordinary), map_tensors(kwargs, _ordinary)
        with torch.inference_mode(mode=False), torch.no_grad(), Trace(model) as trace:
            logits = (predict or find_logits)(_call(model, args, kwargs))
        augmented = augmentation_note(source)
    check_logits(logits, n)
    scores = width(logits)
    names, name_note = _class_names(classes, source.dataset, max(scores, 2))
    choice = choose_layers(
        trace, model, logits, scores=scores, n=n, layer=layer, layers=layers, reduce=reduce,
        n_classes=len(names),
    )  # fmt: skip
    probabilities = not choice.makes_logits and are_probabilities(logits)
    read_labels(target, n, names, 0)
    as_logits(logits, probabilities=probabilities)
    notes += [*source.notes, augmented, name_note, *choice.notes]
    notes += [_probability_note(probabilities), _single_note(scores, names), _dtype_note(dtype)]
    size, size_note = _batch_size(source, choice)
    return Plan(
        model=model,
        model_name=type(model).__name__,
        n_items=source.n_items,
        classes=names,
        latent_layer=choice.latent_layer,
        layers=choice.layers,
        notes=[note for note in (*notes, size_note) if note],
        random_access=source.random_access,
        keep=keep,
        pre_latent=choice.pre_latent,
        source=source,
        guest=guest,
        device=where,
        batch_size=size,
        unpack=unpack,
        predict=predict,
        input_dtype=dtype,
        probabilities=probabilities,
    )


def layer_names(model: nn.Module, batch: Any = None) -> list[str]:
    """List the names that `layer` and `layers` know.

    Parameters
    ----------
    model : torch.nn.Module
    batch : Any, optional
        A batch of the loader. With it the model is run once, and the list holds
        every call in the order of execution, functional ones and second calls
        included; without it, the names of all submodules.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from latentlens import layer_names, models
    >>> layer_names(models.lenet5(image_size=8))[:3]
    ['conv1', 'bn1', 'act1']
    """
    if batch is None:
        return [name for name, _ in model.named_modules() if name]
    model, _ = _unwrap(model)
    device = _find_device(model, None)
    args, kwargs, _, _ = _open(batch, model, None, device, _half_dtype(model))
    guest = Guest(model, device)
    with guest.visit(seed=0), torch.no_grad(), Trace(model) as trace:
        model(*args, **kwargs)
    return [name for name in trace.calls if name]


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


def _open(
    batch: Any,
    model: nn.Module,
    unpack: Unpack | None,
    device: torch.device,
    dtype: torch.dtype | None,
) -> tuple[tuple[Any, ...], dict[str, Any], Any, int]:
    found = unpack(batch) if unpack is not None else unpack_batch(batch, model)
    args, kwargs, target = check_unpacked(found)
    args, kwargs = move(tuple(args), device, dtype), move(dict(kwargs), device, dtype)
    return args, kwargs, target, batch_length(args, kwargs, tensors_in)


def _check_options(reduce: Reduce, keep: int) -> None:
    if reduce not in ("unit", "channel"):
        raise ValueError(f'reduce must be "unit" or "channel", got {reduce!r}.')
    if not isinstance(keep, int) or keep < 1:
        raise ValueError(f"keep must be a whole number of at least 1, got {keep!r}.")


def _unwrap(model: nn.Module) -> tuple[nn.Module, list[str]]:
    """Take the model out of its wrappers; refuse what hooks cannot see into."""
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


def _find_device(model: nn.Module, device: torch.device | str | None) -> torch.device:
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


def _half_dtype(model: nn.Module) -> torch.dtype | None:
    """Give the model's dtype if it is a half precision, which its inputs must have too."""
    dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
    return dtypes.pop() if dtypes in ({torch.float16}, {torch.bfloat16}) else None


def _class_names(
    classes: Sequence[str] | None, dataset: Any, n: int
) -> tuple[tuple[str, ...], str]:
    if classes is not None:
        names = tuple(str(name) for name in classes)
        if len(names) != n:
            raise ValueError(f"classes has {len(names)} names, but the model has {n} classes.")
        return names, ""
    numbers = tuple(str(i) for i in range(n))
    while dataset is not None and not hasattr(dataset, "classes") and hasattr(dataset, "dataset"):
        dataset = dataset.dataset
    found = getattr(dataset, "classes", None)
    if not isinstance(found, Sequence | np.ndarray) or isinstance(found, str):
        return numbers, ""
    if len(found) != n:
        return numbers, (
            f"dataset.classes has {len(found)} names, but the model has {n} classes; "
            "they are numbered instead."
        )
    return tuple(str(name) for name in found), ""


def _batch_size(source: Source, choice: Choice) -> tuple[int | None, str]:
    """Take smaller batches than the loader's where holding one's activations is too much."""
    if not source.random_access:
        return None, ""
    loader_size = cast(int, getattr(source, "batch_size", 1))
    size = int(max(1, HELD_BUDGET // max(4 * sum(spec.units for spec in choice.layers), 1)))
    if size >= loader_size:
        return loader_size, ""
    return size, (
        f"Items are read {size} at a time, not {loader_size}, so that the activations of one "
        f"batch take no more than {HELD_BUDGET / 1e6:,.0f} MB."
    )


def _probability_note(probabilities: bool) -> str:
    return (
        "The model returns probabilities; their logarithms are kept as logits."
        if probabilities
        else ""
    )


def _single_note(scores: int, names: tuple[str, ...]) -> str:
    if scores > 1:
        return ""
    return f"The model gives one score z per item; it is read as the logits [0, z] of {names}."


def _dtype_note(dtype: torch.dtype | None) -> str:
    if dtype is None:
        return ""
    return f"The model computes in {dtype}; inputs are brought to it and activations to float32."
