"""What of a batch goes into the model, and what it is compared with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Unpacked = tuple[tuple[Any, ...], dict[str, Any], Any]
"""(args, kwargs, target) of one batch."""

LABEL_KEYS = ("labels", "label", "targets", "target", "y")
"""Keys of a mapping that hold the true class, in order of preference."""

_HINT = "Say how with unpack=lambda batch: (args, kwargs, target)."


def unpack_batch(batch: Any, model: nn.Module) -> Unpacked:
    """Split a batch into the model's arguments and the target.

    Known are ``x``, ``(x,)``, ``(x, y)``, ``(x, y, ...)`` as tuple or list, and
    mappings with one of `LABEL_KEYS`. A mapping's other entries go to the
    arguments of `forward` that have their names; a lone tensor whose name fits
    none goes in first place.

    Parameters
    ----------
    batch : Any
    model : torch.nn.Module

    Returns
    -------
    tuple of (tuple, dict, Any)
        The target is None where the batch has none.

    Raises
    ------
    TypeError
        If the batch is nothing of the kind.
    """
    if isinstance(batch, Tensor):
        return (batch,), {}, None
    if isinstance(batch, Mapping) or hasattr(batch, "keys"):
        return _unpack_mapping(dict(batch), model)
    if isinstance(batch, tuple | list) and batch:
        return _unpack_sequence(batch, model)
    raise TypeError(
        f"A batch is a {type(batch).__name__}; known are (x, y), (x, y, ...), a tensor and a "
        f"mapping with a key such as 'labels'. {_HINT}"
    )


def _unpack_sequence(batch: Sequence[Any], model: nn.Module) -> Unpacked:
    target = batch[1] if len(batch) > 1 else None
    if isinstance(batch[0], Mapping) or hasattr(batch[0], "keys"):
        args, kwargs, own = _unpack_mapping(dict(batch[0]), model)
        return args, kwargs, own if target is None else target
    return (batch[0],), {}, target


def _unpack_mapping(batch: dict[str, Any], model: nn.Module) -> Unpacked:
    key = next((name for name in LABEL_KEYS if name in batch), None)
    target = batch.pop(key) if key is not None else None
    accepted = _arguments(model)
    fitting = {name: value for name, value in batch.items() if accepted is None or name in accepted}
    tensors = [value for value in batch.values() if isinstance(value, Tensor)]
    if fitting and (accepted is not None or len(tensors) > 1):
        return (), fitting, target
    if len(tensors) == 1:
        return (tensors[0],), {}, target
    if fitting:
        return (), fitting, target
    raise TypeError(
        f"A batch is a mapping with the keys {', '.join(map(repr, batch)) or '(none)'}, none of "
        f"which is an argument of {type(model).__name__}.forward. {_HINT}"
    )


def _arguments(model: nn.Module) -> set[str] | None:
    """Name the arguments of `forward`; None if it takes any."""
    parameters = inspect.signature(model.forward).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters if p.kind is not p.VAR_POSITIONAL}


def check_unpacked(found: object) -> Unpacked:
    """Give what `unpack` made of a batch.

    Raises
    ------
    TypeError
        If it is no (args, kwargs, target).
    """
    if isinstance(found, tuple) and len(found) == 3:
        args, kwargs, target = found
        if isinstance(args, tuple | list) and isinstance(kwargs, Mapping):
            return tuple(args), dict(kwargs), target
    came = type(found).__name__
    if isinstance(found, tuple):
        came = f"({', '.join(type(part).__name__ for part in found)})"
    raise TypeError(
        "unpack must return (args, kwargs, target): a tuple and a dict of the model's arguments, "
        f"and the true classes or None, such as ((x,), {{}}, y); got {came}."
    )


def batch_length(args: tuple[Any, ...], kwargs: dict[str, Any], tensors: Callable[..., Any]) -> int:
    """Count the items of a batch: the length of its first tensor."""
    for tensor in tensors((args, kwargs)):
        if tensor.ndim:
            return len(tensor)
    raise TypeError(f"A batch holds no tensor that could go into the model. {_HINT}")


def move(value: Any, device: torch.device, dtype: torch.dtype | None) -> Any:
    """Bring all tensors to the model's device, and floating ones to `dtype` if given."""

    def moved(tensor: Tensor) -> Tensor:
        floating = dtype is not None and tensor.is_floating_point()
        return tensor.to(device, dtype if floating else tensor.dtype, non_blocking=True)

    return map_tensors(value, moved)


def map_tensors(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Put a changed tensor in the place of each, in nested tuples, lists and mappings."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        return {name: map_tensors(item, change) for name, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(map_tensors(item, change) for item in value))
    if isinstance(value, tuple | list):
        return type(value)(map_tensors(item, change) for item in value)
    return value


def read_labels(target: Any, n: int, classes: tuple[str, ...], start: int) -> NDArray[np.int32]:
    """Turn a batch's target into class numbers.

    Parameters
    ----------
    target : Any
        Class numbers of shape (n,) or (n, 1), whole-valued if floating; one-hot
        rows of shape (n, n_classes); names from `classes`; None if unknown.
    n : int
        How many items the batch has.
    classes : tuple of str
    start : int
        The first item's row, for messages.

    Returns
    -------
    ndarray of shape (n,), int32
        -1 where the target is None or -1.

    Raises
    ------
    ValueError
        If a label is not a class, or is not a single class at all.
    """
    if target is None:
        return np.full(n, -1, np.int32)
    if isinstance(target, str | bytes | Mapping):
        raise ValueError(f"A batch's target is a {type(target).__name__}. {_HINT}")
    if not isinstance(target, Tensor):
        target = _from_names(list(target), classes)
    values = torch.as_tensor(target).detach().cpu()
    values = values.double() if values.is_floating_point() else values.long()
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim == 2:
        values = _from_one_hot(values, start)
    if values.ndim != 1 or len(values) != n:
        raise ValueError(
            f"A batch of {n} items has a target of shape {tuple(values.shape)}; expected one "
            f"class per item. {_HINT}"
        )
    _check_classes(values.numpy(), classes, start)
    return values.numpy().astype(np.int32)


def _from_names(values: list[Any], classes: tuple[str, ...]) -> Any:
    if not values or not isinstance(values[0], str):
        return values
    number = {name: i for i, name in enumerate(classes)}
    unknown = next((value for value in values if value not in number), None)
    if unknown is not None:
        raise ValueError(
            f"The label {unknown!r} is none of the classes {', '.join(map(repr, classes[:10]))}; "
            "name them with classes=."
        )
    return [number[value] for value in values]


def _from_one_hot(values: Tensor, start: int) -> Tensor:
    is_one_hot = ((values == 0) | (values == 1)).all(1) & (values.sum(1) == 1)
    if not bool(is_one_hot.all()):
        bad = int((~is_one_hot).nonzero()[0, 0])
        raise ValueError(
            f"The target of item {start + bad} is {_short(values[bad].tolist())}: neither a class "
            f"number nor one-hot. Soft and multiple labels have no single class. {_HINT}"
        )
    return values.argmax(1)


def _check_classes(values: NDArray[Any], classes: tuple[str, ...], start: int) -> None:
    inside = (values == np.floor(values)) & (values >= -1) & (values < len(classes))
    if inside.all():
        return
    bad = int(np.flatnonzero(~inside)[0])
    raise ValueError(
        f"The label of item {start + bad} is {values[bad]:g}, but the model has {len(classes)} "
        f"classes, so labels must be 0..{len(classes) - 1}, or -1 for unknown."
    )


def _short(values: list[Any]) -> str:
    text = ", ".join(f"{value:g}" for value in values[:6])
    return f"[{text}, ...]" if len(values) > 6 else f"[{text}]"
