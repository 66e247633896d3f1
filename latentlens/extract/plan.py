"""Look at one batch, and find out how a model is to be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from latentlens.core.checks import check_class_names, numbered_apart
from latentlens.core.record import Reduce
from latentlens.extract.guest import Guest
from latentlens.extract.layers import Choice, choose_layers
from latentlens.extract.look import (
    Look,
    Unpack,
    find_device,
    half_dtype,
    look_at,
    open_batch,
    unwrap,
)
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
from latentlens.extract.source import Source
from latentlens.extract.trace import Trace
from latentlens.extract.unpack import read_labels

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
    augmented : str
        Which items differ when they are read again, and why; empty if none does.

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
    augmented: str = ""

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
        return open_batch(batch, self.model, self.unpack, self.device, self.input_dtype)

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
    model, notes = unwrap(model)
    where = find_device(model, device)
    look = look_at(model, loader, where, unpack, predict)
    check_logits(look.logits, look.n)
    scores = width(look.logits)
    names, name_note = _class_names(classes, look.source.dataset, max(scores, 2))
    choice = choose_layers(
        look.trace, model, look.logits, scores=scores, n=look.n, layer=layer, layers=layers,
        reduce=reduce, n_classes=len(names),
    )  # fmt: skip
    probabilities = not choice.makes_logits and are_probabilities(look.logits)
    read_labels(look.target, look.n, names, 0)
    as_logits(look.logits, probabilities=probabilities)
    size, size_note = _batch_size(look.source, choice)
    notes += [*look.source.notes, look.augmented, name_note, *choice.notes]
    notes += [_probability_note(probabilities), _single_note(scores, names)]
    notes += [_dtype_note(look.input_dtype), size_note]
    return _plan_of(
        look, choice, model=model, classes=names, notes=[note for note in notes if note],
        keep=keep, device=where, batch_size=size, unpack=unpack, predict=predict,
        probabilities=probabilities,
    )  # fmt: skip


def _plan_of(look: Look, choice: Choice, *, model: nn.Module, **chosen: Any) -> Plan:
    """Put what was seen and what was chosen into a plan."""
    return Plan(
        model=model,
        model_name=type(model).__name__,
        n_items=look.source.n_items,
        latent_layer=choice.latent_layer,
        layers=choice.layers,
        random_access=look.source.random_access,
        pre_latent=choice.pre_latent,
        source=look.source,
        guest=look.guest,
        input_dtype=look.input_dtype,
        augmented=look.augmented,
        **chosen,
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
    model, _ = unwrap(model)
    device = find_device(model, None)
    args, kwargs, _, _ = open_batch(batch, model, None, device, half_dtype(model))
    guest = Guest(model, device)
    with guest.visit(seed=0), torch.no_grad(), Trace(model) as trace:
        model(*args, **kwargs)
    return [name for name in trace.calls if name]


def _check_options(reduce: Reduce, keep: int) -> None:
    if reduce not in ("unit", "channel"):
        raise ValueError(f'reduce must be "unit" or "channel", got {reduce!r}.')
    if not isinstance(keep, int) or keep < 1:
        raise ValueError(f"keep must be a whole number of at least 1, got {keep!r}.")


def _class_names(
    classes: Sequence[str] | None, dataset: Any, n: int
) -> tuple[tuple[str, ...], str]:
    if classes is not None:
        names = check_class_names(classes)
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
    names = numbered_apart(found)
    doubled = sum(name != str(given) for name, given in zip(names, found, strict=True))
    if not doubled:
        return names, ""
    return names, (
        f"dataset.classes has {doubled} names that are blank or stand for several classes; they "
        "bear the class's number besides."
    )


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
