"""The Python that reproduces what is on screen.

`js/src/code.ts` writes the same lines from the same traits; `tests/golden/code.json`
holds the two equal.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from latentlens.widget.state import State

LINES = (
    "sampler", "fraction", "j", "layer", "label", "by", "correctness", "k", "measure",
    "projection", "color_by", "unit", "selection", "added", "slices",
)  # fmt: skip
"""The traits that may get a line, in its order."""
NAMED = ("classes", "unpack", "predict", "render", "images", "metadata", "projection", "device")
"""Arguments that stand by their name, since no text can hold what was given."""
PLAIN = {"layer": "auto", "layers": None, "reduce": "unit", "keep": 32, "random_state": 0}
"""Arguments that stand with their value where it is text or a number, and what they are else."""


def constructor(start: str, **arguments: Any) -> str:
    """Write the call of `LatentLens` with these arguments, those that are plain left out."""
    given = {name: arguments.get(name) for name in NAMED}
    if isinstance(given["projection"], str):
        given["projection"] = None
    options: dict[str, Any] = {}
    for name, plain in PLAIN.items():
        value = unlike(arguments.get(name, plain), plain)
        (options if _is_text(value) else given)[name] = value
    return call(start, given, options)


def _is_text(value: Any) -> bool:
    each = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(part, str | int) or part is None for part in each)


def call(start: str, given: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """Write the call that makes a lens.

    Parameters
    ----------
    start : str
        Such as ``"LatentLens(model, loader"``.
    given : mapping
        Arguments that are written by their name if they are not None.
    options : mapping
        Arguments that are written with their value if it is not None.
    """
    parts = [start, *(f"{name}={name}" for name, value in given.items() if value is not None)]
    parts += [f"{name}={literal(value)}" for name, value in options.items() if value is not None]
    return ", ".join(parts) + ")"


def unlike(value: Any, default: Any) -> Any:
    """Give a value, or None where it is the default."""
    return None if type(value) is type(default) and value == default else value


def literal(value: Any) -> str:
    """Write a value as Python reads it."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return _plain_float(value)
    if isinstance(value, Mapping):
        parts = (f"{literal(name)}: {literal(part)}" for name, part in value.items())
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list | tuple | np.ndarray):
        return "[" + ", ".join(literal(each) for each in np.atleast_1d(value).tolist()) + "]"
    return str(value)


def _plain_float(value: float) -> str:
    """Write the shortest decimal that gives the same number, without an exponent."""
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def start_lines(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """Write what each trait is right after the call that makes the lens."""
    return [{"name": name, "written": literal(values[name])} for name in LINES]


def plain_start(lens: State, **values: Any) -> dict[str, Any]:
    """Give what each trait is unless somebody sets it; `values` go before the defaults."""
    traits = lens.traits()
    return {name: values.get(name, traits[name].default_value) for name in LINES}


def read_controls(lens: State) -> dict[str, Any]:
    """Give what each trait is now."""
    return {name: getattr(lens, name) for name in LINES}


def with_controls(made: str, lens: State, plain: Mapping[str, Any]) -> str:
    """Write a call with the traits that it sets: those of a new lens that are not plain."""
    written = {name: literal(value) for name, value in read_controls(lens).items()}
    given = [f"{name}={now}" for name, now in written.items() if now != literal(plain[name])]
    return ", ".join([made.removesuffix(")"), *given]) + ")"


def code(lens: State, made: str, start: list[dict[str, str]]) -> str:
    """Write the call, and a line for every trait that is not as the call leaves it."""
    changed = (
        f"lens.{line['name']} = {now}"
        for line in start
        if (now := literal(getattr(lens, line["name"]))) != line["written"]
    )
    return "\n".join([f"lens = {made}", *changed])
