"""Name every call of a forward pass while it happens.

A module's call has the module's dotted name; its second call in one forward
pass is ``name#2``. A functional call (``F.relu``) has the name of the module
that makes it and of the function: ``block.relu``, ``block.relu#2``.

Hooks and a function mode, not graph tracing: they see what runs, whatever the
model's control flow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, Self

from torch import Tensor, nn
from torch.nn.modules import activation
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

_ACTIVATION_NAMES = (
    "relu relu_ gelu silu silu_ tanh tanh_ sigmoid sigmoid_ elu elu_ leaky_relu leaky_relu_ selu "
    "selu_ celu celu_ softplus hardswish hardsigmoid hardtanh hardtanh_ relu6 mish prelu rrelu "
    "logsigmoid softsign tanhshrink"
)

ACTIVATIONS = frozenset(_ACTIVATION_NAMES.split())
"""Functions that count as activation functions, as torch names them."""

LINEAR_FUNCTIONS = {
    "linear": 1,
    "conv1d": 1,
    "conv2d": 1,
    "conv3d": 1,
    "matmul": 1,
    "mm": 1,
    "__matmul__": 1,
    "addmm": 2,
}
"""Functions that apply a weight to an input, with the position of the weight."""

_NAMED = ACTIVATIONS | LINEAR_FUNCTIONS.keys()

LINEAR_MODULES = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Modules that may make the logits."""


def is_activation(module: nn.Module) -> bool:
    """Say whether a module is an activation function."""
    if isinstance(module, nn.MultiheadAttention) or any(module.children()):
        return False
    home = type(module).__module__
    return home == activation.__name__ or home.rsplit(".", 1)[-1] in ("activation", "activations")


def is_leaf(module: nn.Module) -> bool:
    """Say whether a module's inside is its own business."""
    return isinstance(module, nn.MultiheadAttention) or not any(True for _ in module.children())


def has_parameters(module: nn.Module) -> bool:
    """Say whether a module has parameters of its own."""
    return any(value is not None for value in module._parameters.values())


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Give the tensors in nested tuples, lists, mappings and output classes, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors_in(item)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from tensors_in(vars(value))


def first_tensor(*values: Any) -> Tensor | None:
    """Give the first floating-point tensor in `values`, if there is one."""
    found = (t for value in values for t in tensors_in(value) if t.is_floating_point())
    return next(found, None)


class Listener:
    """Hear the calls of some modules, and of functions, for as long as it is entered.

    Subclasses say what to do in `_entered`, `_left` and `_function`.

    Parameters
    ----------
    model : torch.nn.Module
    names : collection of str, optional
        Modules to hear; all of them if not given.
    functions : bool
        Whether to hear functional calls too; then all modules are heard, since
        a functional call is named after the module that makes it.
    """

    def __init__(
        self, model: nn.Module, names: Iterable[str] | None = None, *, functions: bool
    ) -> None:
        wanted = None if functions or names is None else frozenset(names)
        self._names = {
            module: name
            for name, module in model.named_modules()
            if wanted is None or name in wanted
        }
        self._root = model
        self._weights = {storage(p) for p in model.parameters()} if functions else set()
        self._tap = _Tap(self._function) if functions else None
        self._handles: list[RemovableHandle] = []
        self.begin()

    def begin(self) -> None:
        """Forget the calls of the forward pass before."""
        self._stack: list[tuple[str, nn.Module]] = []
        self._count: Counter[str] = Counter()

    def __enter__(self) -> Self:
        try:
            for module in self._names:
                self._handles += [
                    module.register_forward_pre_hook(self._enter, with_kwargs=True),
                    module.register_forward_hook(self._leave, with_kwargs=True),
                ]
        except BaseException:
            self._take_off()
            raise
        if self._tap is not None:
            self._tap.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if self._tap is not None:
                self._tap.__exit__(*error)
        finally:
            self._take_off()

    def _take_off(self) -> None:
        while self._handles:
            self._handles.pop().remove()

    def _enter(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        name = self._numbered(self._names[module])
        self._stack.append((name, module))
        self._entered(name, module, first_tensor(args, kwargs))

    def _leave(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> Any:
        name, _ = self._stack.pop()
        return self._left(name, module, (args, kwargs), output)

    def _numbered(self, name: str) -> str:
        self._count[name] += 1
        times = self._count[name]
        return name if times == 1 else f"{name}#{times}"

    def owner(self) -> tuple[str, nn.Module]:
        """Name the module that is running, without its call number."""
        name, module = self._stack[-1] if self._stack else ("", self._root)
        return self._names.get(module, name), module

    def function_name(self, function: str) -> str:
        """Name a functional call that is about to happen."""
        owner, _ = self.owner()
        return self._numbered(f"{owner}.{function}" if owner else function)

    def is_open(self) -> bool:
        """Say whether functional calls have names here: not inside a leaf module."""
        _, module = self.owner()
        return module is self._root or not is_leaf(module)

    def is_named(self, func: Callable[..., Any], args: Any, kwargs: Any) -> bool:
        """Say whether a functional call gets a name, were it made now."""
        title = getattr(func, "__name__", "")
        if title not in _NAMED or not self.is_open():
            return False
        return title in ACTIVATIONS or self.applies_weight(func, args, kwargs)

    def applies_weight(self, func: Callable[..., Any], args: Any, kwargs: Any) -> bool:
        """Say whether a functional call applies one of the model's own weights."""
        place = LINEAR_FUNCTIONS.get(getattr(func, "__name__", ""))
        if place is None:
            return False
        weight = args[place] if len(args) > place else kwargs.get("weight")
        return isinstance(weight, Tensor) and storage(weight) in self._weights

    def _entered(self, name: str, module: nn.Module | None, source: Tensor | None) -> None:
        """Act on a call that begins; `source` is its first tensor."""

    def _left(self, name: str, module: nn.Module | None, inputs: Any, output: Any) -> Any:
        """Act on a call that ended; what is returned takes the output's place, unless None."""

    def _function(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Make a functional call, and act on it."""
        return func(*args, **kwargs)


class _Tap(TorchFunctionMode):
    def __init__(self, function: Callable[[Callable[..., Any], Any, Any], Any]) -> None:
        super().__init__()
        self._call = function

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        del types
        return self._call(func, args, kwargs or {})


def storage(tensor: Tensor) -> int:
    """Give the address of the memory behind a tensor; 0 where it has none."""
    try:
        return tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):
        return 0


def is_same(a: Tensor, b: Tensor) -> bool:
    """Say whether two tensors are the same values in the same memory, up to their shape."""
    if a is b:
        return True
    if storage(a) == 0 or a.device != b.device:
        return False
    same_place = storage(a) == storage(b) and a.storage_offset() == b.storage_offset()
    return same_place and a.numel() == b.numel() and a.is_contiguous() == b.is_contiguous()


__all__ = [
    "ACTIVATIONS",
    "LINEAR_FUNCTIONS",
    "LINEAR_MODULES",
    "Listener",
    "first_tensor",
    "has_parameters",
    "is_activation",
    "is_leaf",
    "is_same",
    "storage",
    "tensors_in",
]
