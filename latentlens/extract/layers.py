"""Which layers are watched, and which of them is the latent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from latentlens.core.record import Reduce
from latentlens.extract.calls import is_same, storage
from latentlens.extract.head import find_head
from latentlens.extract.names import Wanted, default_names, resolve, resolve_one
from latentlens.extract.shapes import CHANNELS_LAST, LayerSpec, describe
from latentlens.extract.trace import Call, Trace

CHANNELS_FIRST = (_ConvNd, _NormBase, nn.GroupNorm)
"""Modules whose output has the channels before any number of places."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the first look decided.

    Parameters
    ----------
    layers : tuple of LayerSpec
    latent_layer : str
    pre_latent : LayerSpec or None
    makes_logits : bool
        Whether the latent is the input of a layer whose output is the logits as they are.
    notes : list of str
    """

    layers: tuple[LayerSpec, ...]
    latent_layer: str
    pre_latent: LayerSpec | None
    makes_logits: bool
    notes: list[str]


@dataclass(frozen=True, kw_only=True)
class _Setting:
    """What every description needs to know."""

    trace: Trace
    n: int
    reduce: Reduce
    n_classes: int
    channels_last: dict[str, bool]
    batch_first: dict[str, bool]

    def describe(
        self, name: str, call: Call, *, of_input: bool = False, reduce: Reduce | None = None
    ) -> tuple[LayerSpec | None, str]:
        channels_last = self.channels_last[call.name]
        if of_input and isinstance(call.module, CHANNELS_FIRST):
            channels_last = False
        return describe(
            name, call, of_input=of_input, n=self.n, channels_last=channels_last,
            batch_first=self.batch_first[call.name], reduce=reduce or self.reduce,
            n_classes=self.n_classes,
        )  # fmt: skip


def choose_layers(
    trace: Trace,
    model: nn.Module,
    logits: Tensor,
    *,
    scores: int,
    n: int,
    layer: Wanted,
    layers: Wanted | Iterable[Wanted] | None,
    reduce: Reduce,
    n_classes: int,
) -> Choice:
    """Decide on the layers from the trace of one batch of `n` items.

    Raises
    ------
    AmbiguousLatent, LayerNotFound, ValueError
    """
    setting = _Setting(
        trace=trace, n=n, reduce=reduce, n_classes=n_classes,
        channels_last=_channels_last(trace), batch_first=_batch_first(trace, model),
    )  # fmt: skip
    calls = trace.calls
    names, notes = default_names(calls) if layers is None else (resolve(layers, calls, model), [])
    described = [setting.describe(name, calls[name]) for name in names]
    notes += [note for _, note in described if note]
    specs = [spec for spec, _ in described if spec is not None]
    automatic = isinstance(layer, str) and layer == "auto"
    head = find_head(trace, logits, scores) if automatic else None
    if head is not None:
        (latent, note), tensor = _input_of(head, setting), head.source
    else:
        named = calls[resolve_one(layer, calls, model)]
        (latent, note), tensor = setting.describe(named.name, named), named.output
    if latent is None or tensor is None:
        raise ValueError(f"The latent cannot be read: {note} Name another with layer=.")
    notes += [note] if note else []
    specs, latent_layer = _place(specs, latent, tensor, trace)
    return Choice(
        layers=tuple(specs),
        latent_layer=latent_layer,
        pre_latent=_before_activation(tensor, latent, setting),
        makes_logits=_makes_logits(head, logits),
        notes=notes,
    )


def _makes_logits(head: Call | None, logits: Tensor) -> bool:
    if head is None or head.output is None:
        return False
    return storage(head.output) == storage(logits)


def _input_of(head: Call, setting: _Setting) -> tuple[LayerSpec | None, str]:
    """Describe the head's input; of a map that it slides over, each channel's maximum."""
    slides = (
        head.is_convolution
        and head.output is not None
        and head.output.ndim > 2
        and head.output.shape[2:].numel() > 1
    )
    spec, note = setting.describe(
        "latent", head, of_input=True, reduce="channel" if slides else None
    )
    if spec is not None and spec.reduce != "unit":
        what = "tokens" if spec.reduce == "token" else "places"
        note = f"The latent is each unit's maximum over the {what} that {head.name} is applied to."
    return spec, note


def _place(
    specs: list[LayerSpec], latent: LayerSpec, tensor: Tensor, trace: Trace
) -> tuple[list[LayerSpec], str]:
    """Find the watched layer that is the latent, or put the latent in before its reader."""
    same = [
        i
        for i, spec in enumerate(specs)
        if _is_output(trace.calls[spec.call], tensor)
        and (spec.units == latent.units or latent.reduce != "unit")
    ]
    if same:
        i = same[-1]
        if specs[i].units != latent.units:
            specs[i] = replace(specs[i], reduce=latent.reduce, units=latent.units)
        return specs, specs[i].name
    taken = {spec.name for spec in specs}
    name = latent.name if latent.name not in taken else f"{latent.name} of {latent.call}"
    order = list(trace.calls)
    at = order.index(latent.call)
    before = [spec for spec in specs if order.index(spec.call) < at]
    return [*before, replace(latent, name=name), *specs[len(before) :]], name


def _is_output(call: Call, tensor: Tensor) -> bool:
    return call.output is not None and not call.output_overwritten and is_same(call.output, tensor)


def _before_activation(tensor: Tensor, latent: LayerSpec, setting: _Setting) -> LayerSpec | None:
    """Find what went into the activation function that makes the latent."""
    makers = [
        call
        for call in setting.trace.calls.values()
        if call.is_activation and _is_output(call, tensor)
    ]
    if not makers:
        return None
    spec, _ = setting.describe("pre-latent", makers[-1], of_input=True, reduce=latent.reduce)
    return spec


def _channels_last(trace: Trace) -> dict[str, bool]:
    """Say for each call where its output has the features; what keeps shapes follows the last."""
    last = False
    found = {}
    for name, call in trace.calls.items():
        if isinstance(call.module, CHANNELS_FIRST) or call.is_convolution:
            last = False
        elif isinstance(call.module, CHANNELS_LAST) or call.applies_weight:
            last = True
        found[name] = last
    return found


def _batch_first(trace: Trace, model: nn.Module) -> dict[str, bool]:
    """Say for each call whether its items come first, as its module or one around it says."""
    modules = dict(model.named_modules())
    found = {}
    for name in trace.calls:
        parts = name.split("#")[0].split(".")
        around = [modules.get(".".join(parts[:i])) for i in range(len(parts) + 1)]
        found[name] = all(getattr(module, "batch_first", True) for module in around)
    return found
