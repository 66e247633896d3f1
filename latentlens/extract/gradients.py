"""Gradients of a class's score, or of the loss, by what the layers give out.

They are taken by `torch.autograd.grad` at the activations, so that nothing is
left in the parameters' ``grad``, and whether parameters require gradients makes
no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latentlens.core.checks import check_choice
from latentlens.extract.calls import first_tensor
from latentlens.extract.plan import Plan
from latentlens.extract.read import Chunk, checked_rows, finite, positions
from latentlens.extract.run import Pass
from latentlens.extract.shapes import LayerSpec
from latentlens.extract.unpack import map_tensors, read_labels
from latentlens.extract.watch import Watch

TARGETS = ("label", "pred", "loss")
"""What gradients may be of, besides a class: the score of the true or of the predicted
class, or the cross-entropy."""

Target = str | int
"""One of `TARGETS`, or the number or the name of a class."""


class GradientPass(Pass):
    """A pass whose record holds gradients in place of activations.

    The logits, predictions and losses are the model's, the latent and all layers'
    indexes are gradients by the layers' activations. Of a layer that is pooled
    the gradient is the sum over the positions: by how much the target grows per
    unit of activation added at all of them.

    Parameters
    ----------
    plan : Plan
    target : str or int
        See `read_target`.

    Raises
    ------
    ValueError
        If there is no such target, or no gradient can go through the model.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import GradientPass, plan
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> record = GradientPass(chosen, "loss").run(progress=False)
    >>> record.layers["fc1"].units
    120
    """

    def __init__(self, plan: Plan, target: Target) -> None:
        self._target = read_target(target, plan.classes)
        check_differentiable(plan.model)
        super().__init__(replace(plan, pre_latent=None))
        self._watch: Probe = Probe(plan.model, self._specs, functions=plan.functions)

    def _run(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], label: NDArray[np.int32]
    ) -> tuple[Tensor, Tensor]:
        logits, caught = _gradients(self.plan, self._watch, (args, kwargs), label, self._target)
        self._watch.caught = caught
        self._check_caught()
        # The pass over all items has said which of them have no finite answer.
        return logits, logits.new_ones(len(label), dtype=torch.bool)


class Probe(Watch):
    """Hold some calls' tensors where gradients can be taken by them.

    What the model would overwrite goes on as a copy, and what requires no gradient
    as a new tensor that does.

    Attributes
    ----------
    probes : dict of str to Tensor
        By the name of the spec.
    """

    def expect(self, n: int, mask: Tensor | None) -> None:
        """Get ready for a batch of `n` items, with its attention mask if it has one."""
        super().expect(n, mask)
        self.probes: dict[str, Tensor] = {}

    def units(self, spec: LayerSpec, gradient: Tensor) -> Tensor:
        """Bring a gradient to float32 rows of units, pooled ones summed over their positions."""
        values = gradient.movedim(spec.batch_axis, 0)
        if spec.reduce == "channel":
            values = values.flatten(2).sum(2)
        elif spec.reduce == "token":
            values = values.flatten(1, -2)
            if self._mask is not None and self._mask.shape == values.shape[:2]:
                values = values * (self._mask.to(values.device) != 0)[..., None]
            values = values.sum(1)
        return values.reshape(self._n, spec.units).float().contiguous()

    def _entered(self, name: str, module: nn.Module | None, source: Tensor | None) -> None:
        del module
        specs = self._into.get(name)
        if not specs or source is None:
            return
        if not source.requires_grad or any(spec.overwritten for spec in specs):
            raise ValueError(
                f"No gradient can be taken by {specs[0].name}: it is what goes into {name}, and "
                "the model overwrites it or made it without gradients. Leave it out with layers=."
            )
        for spec in specs:
            self.probes[spec.name] = source

    def _left(self, name: str, module: nn.Module | None, inputs: Any, output: Any) -> Any:
        del module, inputs
        specs, tensor = self._out_of.get(name), first_tensor(output)
        if not specs or tensor is None:
            return None
        held = tensor if tensor.requires_grad else tensor.detach().requires_grad_()
        for spec in specs:
            self.probes[spec.name] = held
        if held is tensor and not any(spec.overwritten for spec in specs):
            return None
        return _put_first(output, held.clone(), name)


def read_gradients(
    plan: Plan,
    rows: Sequence[int] | NDArray[np.int64],
    layers: Sequence[str],
    *,
    target: Target = "pred",
) -> Iterator[Chunk]:
    """Run the model on some rows, a batch a step, and give gradients by layer.

    Between two steps the model and the random states are as they were.

    Parameters
    ----------
    plan : Plan
    rows : sequence of int
        Rows of the record.
    layers : sequence of str
        Names in `plan.layers`.
    target : str or int
        See `read_target`.

    Yields
    ------
    rows : ndarray of shape (n,), int64
    gradients : dict of str to ndarray of shape (n, units), float32
        Pooled as in `GradientPass`; zero for NaN and infinities.

    Raises
    ------
    ValueError
        Without random access, if a layer is not watched, or no gradient can be taken.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import plan, read_gradients
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> chunk = next(read_gradients(chosen, [3, 14], ["fc1"]))
    >>> chunk[-1]["fc1"].shape
    (2, 120)
    """
    source, wanted = positions(plan, "read_gradients"), read_target(target, plan.classes)
    specs = {spec.name: spec for spec in plan.layers}
    for name in layers:
        check_choice(name, "layers", tuple(specs))
    check_differentiable(plan.model)
    probe = Probe(plan.model, [specs[name] for name in layers], functions=plan.functions)
    at, size = checked_rows(rows, source), plan.batch_size or 64
    for begin in range(0, len(at), size):
        part = at[begin : begin + size]
        with plan.guest.visit(seed=int(part[0])):
            args, kwargs, known, n = plan.open_batch(source.read(part))
            label = read_labels(known, n, plan.classes, int(part[0]))
            _, caught = _gradients(plan, probe, (args, kwargs), label, wanted)
            values = {name: finite(gradient) for name, gradient in caught.items()}
            probe.expect(0, None)
        yield part, values


def read_target(target: object, classes: Sequence[str]) -> Target:
    """Read what a gradient shall be of.

    Parameters
    ----------
    target : {"label", "pred", "loss"}, or the number or the name of a class
        The score of the true, of the predicted or of a given class, or the
        cross-entropy. Scores are the record's logits; where a model gives one
        score per item, that of its first class is 0 throughout.
    classes : sequence of str

    Returns
    -------
    str or int
        One of `TARGETS`, or a class by its number.

    Raises
    ------
    ValueError
        If it is nothing of the kind.
    """
    if isinstance(target, str) and target in TARGETS:
        return target
    if isinstance(target, str) and target in classes:
        return list(classes).index(target)
    whole = isinstance(target, int | np.integer) and not isinstance(target, bool)
    if whole and 0 <= int(target) < len(classes):  # type: ignore[call-overload]
        return int(target)  # type: ignore[call-overload]
    raise ValueError(
        f'target must be "label", "pred", "loss", a class\'s name, or its number from 0 to '
        f"{len(classes) - 1}; got {target!r}."
    )


def check_differentiable(model: nn.Module) -> None:
    """Refuse a model through which torch can take no gradient.

    Raises
    ------
    ValueError
        If its parameters or buffers were made in inference mode.
    """
    if any(tensor.is_inference() for tensor in (*model.parameters(), *model.buffers())):
        raise ValueError(
            f"{type(model).__name__} was made or loaded under torch.inference_mode(), and torch "
            "takes no gradient through such parameters. Give a copy made outside of it: "
            "copy.deepcopy(model)."
        )


def score(logits: Tensor, label: NDArray[np.int32], target: Target) -> Tensor:
    """Give of each item what `target` names, shape (n,).

    Raises
    ------
    ValueError
        If that needs labels that are not known.
    """
    if target in ("label", "loss") and (label < 0).any():
        raise ValueError(
            f"target={target!r} needs every item's label, and {int((label < 0).sum()):,} of a "
            f'batch of {len(label):,} have none. Take target="pred" or a class.'
        )
    known = torch.from_numpy(label.astype(np.int64)).to(logits.device)
    if target == "loss":
        return functional.cross_entropy(logits, known, reduction="none")
    if target == "pred":
        known = logits.detach().argmax(1)
    elif target != "label":
        known = torch.full_like(known, int(target))
    return logits.gather(1, known[:, None])[:, 0]


@contextmanager
def with_gradients(plan: Plan) -> Iterator[None]:
    """Let torch record what it computes, whatever mode the caller is in."""
    recurrent = any(isinstance(module, nn.RNNBase) for module in plan.model.modules())
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.enable_grad())
        if plan.device.type == "cuda" and recurrent:
            # cuDNN goes back through recurrent layers in training mode only.
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield


def _gradients(
    plan: Plan,
    probe: Probe,
    given: tuple[tuple[Any, ...], dict[str, Any]],
    label: NDArray[np.int32],
    target: Target,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Run one batch; give its logits, and by layer the gradients of the items' own targets."""
    n = len(label)
    probe.expect(n, given[1].get("attention_mask"))
    with with_gradients(plan):
        args, kwargs = (map_tensors(part, _traced) for part in given)
        with probe:
            output = plan.model(*args, **kwargs)
        logits = plan.read_logits(output, n)
        check_traced(logits, plan.model)
        names = list(probe.probes)
        # Items do not see each other in evaluation mode, so the gradient of the sum is each's own.
        found = torch.autograd.grad(
            score(logits, label, target).sum(), list(probe.probes.values()), allow_unused=True
        )
    specs = {spec.name: spec for spec in plan.layers}
    lacking = [name for name, gradient in zip(names, found, strict=True) if gradient is None]
    if lacking:
        raise ValueError(
            f"No gradient reaches {', '.join(lacking[:5])}: the target does not depend on it, or "
            "the model computes it under torch.no_grad(). Leave it out with layers=."
        )
    with torch.no_grad():
        caught = {
            name: probe.units(specs[name], gradient)
            for name, gradient in zip(names, found, strict=True)
        }
    return logits.detach(), caught


def check_traced(scores: Tensor, model: nn.Module) -> None:
    """Refuse scores that carry no trace of how they came about.

    Raises
    ------
    ValueError
        If the model computes them without gradients.
    """
    if not scores.requires_grad:
        raise ValueError(
            f"{type(model).__name__} computes its scores under torch.no_grad() or "
            "torch.inference_mode(), or detaches them, so no gradient can be taken through it."
        )


def _traced(tensor: Tensor) -> Tensor:
    """Copy an input: torch may record it then, and the model may overwrite it."""
    if tensor.is_floating_point():
        return tensor.detach().clone().requires_grad_().clone()
    return tensor.clone() if tensor.is_inference() else tensor


def _put_first(output: Any, instead: Tensor, name: str) -> Any:
    """Put another tensor in the place of an output's first floating-point one."""
    first, placed = first_tensor(output), []

    def place(tensor: Tensor) -> Tensor:
        if tensor is not first:
            return tensor
        placed.append(tensor)
        return instead

    changed = map_tensors(output, place) if isinstance(output, Tensor | tuple | list) else output
    if not placed:
        raise ValueError(
            f"No gradient can be taken by {name}: it gives out a {type(output).__name__} that the "
            "model overwrites or makes without gradients. Leave it out with layers=."
        )
    return changed


__all__ = [
    "TARGETS",
    "GradientPass",
    "Probe",
    "Target",
    "check_differentiable",
    "check_traced",
    "read_gradients",
    "read_target",
    "score",
    "with_gradients",
]
