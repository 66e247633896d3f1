"""One forward pass, written down: what was called, in which order, and what came of what."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from latentlens.extract.calls import (
    ACTIVATIONS,
    LINEAR_MODULES,
    Listener,
    first_tensor,
    is_activation,
    tensors_in,
)


@dataclass
class Call:
    """One call of a module, or of a function that has a name.

    Parameters
    ----------
    name : str
    module : torch.nn.Module or None
        None for a functional call.
    source, output : Tensor or None
        The first floating-point tensor that went in and that came out.
    source_version, output_version : int
        Their versions at that moment; a later version means overwritten.
    applies_weight : bool
        Whether it may make the logits: a linear layer, a convolution, or the like.
    """

    name: str
    module: nn.Module | None
    source: Tensor | None
    source_version: int
    output: Tensor | None = None
    output_version: int = 0
    applies_weight: bool = False

    @property
    def is_activation(self) -> bool:
        """Whether it is an activation function, module or not."""
        if self.module is None:
            return self.name.rsplit(".", 1)[-1].split("#")[0] in ACTIVATIONS
        return is_activation(self.module)

    @property
    def is_convolution(self) -> bool:
        """Whether its output has the channels first."""
        if self.module is None:
            return self.name.rsplit(".", 1)[-1].startswith("conv")
        return isinstance(self.module, nn.Conv1d | nn.Conv2d | nn.Conv3d)

    @property
    def source_overwritten(self) -> bool:
        """Whether what went in was changed in place later."""
        return self.source is not None and self.source._version != self.source_version

    @property
    def output_overwritten(self) -> bool:
        """Whether what came out was changed in place later."""
        return self.output is not None and self.output._version != self.output_version


class Trace(Listener):
    """The calls of one forward pass and the flow of data between them.

    To be entered around a forward pass without gradients, outside inference
    mode: there tensors count their in-place changes.

    Parameters
    ----------
    model : torch.nn.Module

    Attributes
    ----------
    calls : dict of str to Call
        In the order in which they began to yield, by name.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model, functions=True)
        self.calls: dict[str, Call] = {}
        self._flow: dict[int, tuple[weakref.ref[Tensor], frozenset[str]]] = {}
        self._running: list[Call] = []

    def behind(self, tensor: Tensor) -> list[Call]:
        """Give the weight-applying calls that `tensor` depends on with no other between."""
        names = self._origin(tensor)
        return [call for call in self.calls.values() if call.name in names]

    def candidates(self) -> list[Call]:
        """Give all calls that may make logits."""
        return [call for call in self.calls.values() if call.applies_weight]

    def _entered(self, name: str, module: nn.Module | None, source: Tensor | None) -> None:
        version = 0 if source is None else source._version
        call = Call(name, module, source, version)
        call.applies_weight = isinstance(module, LINEAR_MODULES)
        self._running.append(call)

    def _left(self, name: str, module: nn.Module | None, inputs: Any, output: Any) -> None:
        del module
        call = self._running.pop()
        call.output = first_tensor(output)
        call.output_version = 0 if call.output is None else call.output._version
        self.calls[name] = call
        before = self._origins(inputs)
        for tensor in tensors_in(output):
            if call.applies_weight:
                self._mark(tensor, frozenset([name]))
            elif not self._origin(tensor):
                # Its inside was not seen, so what came out is taken to depend on what went in.
                self._mark(tensor, before)

    def _function(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        applies = self.applies_weight(func, args, kwargs)
        if not self.is_named(func, args, kwargs):
            if applies and self._running:
                self._running[-1].applies_weight = True
            return self._pass_on(func, args, kwargs)
        name = self.function_name(func.__name__)
        self._entered(name, None, first_tensor(args, kwargs))
        self._running[-1].applies_weight = applies
        output = self._pass_on(func, args, kwargs)
        self._left(name, None, (args, kwargs), output)
        return output

    def _pass_on(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        before = self._origins((args, kwargs))
        output = func(*args, **kwargs)
        if before:
            for tensor in tensors_in(output):
                self._mark(tensor, before)
        return output

    def _mark(self, tensor: Tensor, origin: frozenset[str]) -> None:
        self._flow[id(tensor)] = (weakref.ref(tensor), origin)

    def _origin(self, tensor: Tensor) -> frozenset[str]:
        known = self._flow.get(id(tensor))
        # The address may have belonged to a tensor that is gone.
        return known[1] if known is not None and known[0]() is tensor else frozenset()

    def _origins(self, value: Any) -> frozenset[str]:
        origins = [self._origin(tensor) for tensor in tensors_in(value)]
        return frozenset[str]().union(*origins)
