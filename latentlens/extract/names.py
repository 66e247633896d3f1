"""Layers by name, pattern or module."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase

from torch import nn

from latentlens.extract.calls import has_parameters, is_activation, is_leaf
from latentlens.extract.trace import Call

Wanted = str | nn.Module

MOST_CALLS = 4
"""How many calls of one module are watched unasked."""


class LayerNotFound(LookupError):
    """The model has no such layer, or did not run it."""


def default_names(calls: dict[str, Call]) -> tuple[list[str], list[str]]:
    """Choose the layers to watch if none are asked for.

    Returns
    -------
    tuple of (list of str, list of str)
        All layers with parameters and all activation functions, in order of
        execution, and sentences about what was left out.
    """
    chosen: list[str] = []
    often: dict[str, int] = {}
    for call in calls.values():
        if not _is_worth_watching(call):
            continue
        base, _, number = call.name.partition("#")
        if int(number or 1) > MOST_CALLS:
            often[base] = int(number)
        else:
            chosen.append(call.name)
    notes = [
        f"{base} is called {times} times for each batch; its first {MOST_CALLS} calls are watched, "
        "others by name in layers=."
        for base, times in often.items()
    ]
    return chosen, notes


def resolve(
    wanted: Wanted | Iterable[Wanted], calls: dict[str, Call], model: nn.Module
) -> list[str]:
    """Find the names of calls for names, fnmatch patterns and modules, in order of execution.

    Raises
    ------
    LayerNotFound
        If one of them fits nothing; the message gives the nearest names.
    """
    if not isinstance(wanted, str | nn.Module | Iterable):
        raise TypeError(f"A layer must be a name, a pattern or a module, got {wanted!r}.")
    many = [wanted] if isinstance(wanted, str | nn.Module) else list(wanted)
    found = {name for item in many for name in _find(item, calls, model)}
    return [name for name in calls if name in found]


def resolve_one(wanted: Wanted, calls: dict[str, Call], model: nn.Module) -> str:
    """Find the one call that `layer` names.

    Raises
    ------
    LayerNotFound
        If it fits nothing.
    ValueError
        If it fits several.
    """
    found = resolve(wanted, calls, model)
    if len(found) > 1:
        raise ValueError(
            f"layer fits {len(found)} calls: {', '.join(map(repr, found[:8]))}; name one of them."
        )
    return found[0]


def _is_worth_watching(call: Call) -> bool:
    if call.module is None:
        return call.is_activation or call.applies_weight
    if not call.name or not is_leaf(call.module):
        return False
    return has_parameters(call.module) or is_activation(call.module)


def _find(item: Wanted, calls: dict[str, Call], model: nn.Module) -> list[str]:
    if isinstance(item, nn.Module):
        found = [name for name, call in calls.items() if call.module is item]
        if found:
            return found
        name = next((name for name, module in model.named_modules() if module is item), None)
        if name is None:
            raise LayerNotFound(
                f"{type(item).__name__} given as a layer is no part of {type(model).__name__}."
            )
        raise LayerNotFound(_not_run(name, model))
    if not isinstance(item, str):
        raise TypeError(f"A layer must be a name, a pattern or a module, got {item!r}.")
    if item in calls:
        return [item]
    found = [name for name in calls if name and fnmatchcase(name, item)]
    if found:
        return found
    raise LayerNotFound(_unknown(item, calls, model))


def _unknown(name: str, calls: dict[str, Call], model: nn.Module) -> str:
    if name in dict(model.named_modules()):
        return _not_run(name, model)
    known = [call for call in calls if call]
    near = get_close_matches(name, known, n=3, cutoff=0.0)
    return (
        f"{type(model).__name__} has no layer {name!r}; the nearest names are "
        f"{', '.join(map(repr, near))}. "
        f"latentlens.layer_names(model, batch) lists all {len(known)}."
    )


def _not_run(name: str, model: nn.Module) -> str:
    return (
        f"{type(model).__name__} has a layer {name!r}, but its forward was not called for the "
        "first batch, so there is nothing to watch. Name a layer that runs."
    )
