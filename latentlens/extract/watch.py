"""Catch the activations of one batch while the model runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor, nn

from latentlens.extract.calls import Listener, first_tensor
from latentlens.extract.shapes import LayerSpec, to_units


class Watch(Listener):
    """Catch what some calls take in or give out, as rows of units.

    Parameters
    ----------
    model : torch.nn.Module
    specs : iterable of LayerSpec
        What to catch.
    functions : bool
        Whether any of them is a functional call.

    Attributes
    ----------
    caught : dict of str to Tensor of shape (n, units), float32
        By the name of the spec. May share memory with the model's tensors.
    """

    def __init__(self, model: nn.Module, specs: Iterable[LayerSpec], *, functions: bool) -> None:
        self._into: dict[str, list[LayerSpec]] = {}
        self._out_of: dict[str, list[LayerSpec]] = {}
        for spec in specs:
            side = self._into if spec.of_input else self._out_of
            side.setdefault(spec.call, []).append(spec)
        modules = {call.split("#")[0] for call in (*self._into, *self._out_of)}
        super().__init__(model, modules, functions=functions)
        self.expect(0, None)

    def expect(self, n: int, mask: Tensor | None) -> None:
        """Get ready for a batch of `n` items, with its attention mask if it has one."""
        self.begin()
        self.caught: dict[str, Tensor] = {}
        self._n, self._mask = n, mask

    def _entered(self, name: str, module: nn.Module | None, source: Tensor | None) -> None:
        del module
        self._catch(self._into.get(name), source)

    def _left(self, name: str, module: nn.Module | None, inputs: Any, output: Any) -> Any:
        del module, inputs
        specs = self._out_of.get(name)
        if specs is not None:
            self._catch(specs, first_tensor(output))

    def _function(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if not self.is_named(func, args, kwargs):
            return func(*args, **kwargs)
        name = self.function_name(func.__name__)
        self._entered(name, None, first_tensor(args, kwargs))
        output = func(*args, **kwargs)
        instead = self._left(name, None, (args, kwargs), output)
        return output if instead is None else instead

    def _catch(self, specs: list[LayerSpec] | None, tensor: Tensor | None) -> None:
        if not specs or tensor is None:
            return
        for spec in specs:
            self.caught[spec.name] = to_units(tensor, spec, self._n, self._mask)
