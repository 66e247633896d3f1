"""Traits of the lens: every one synced, each checked in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets as t
from numpy.typing import NDArray

from latentlens.core.checks import class_name
from latentlens.widget.wire import from_wire, to_wire


def synced(trait: Any, **metadata: Any) -> Any:
    """Mark a trait as shared with the browser."""
    return trait.tag(sync=True, **metadata)


def bundle() -> Any:
    """Make a trait for arrays that only the kernel writes: None, or a dict of them."""
    trait: Any = t.Any(None, allow_none=True, read_only=True)
    return synced(trait, to_json=lambda value, _: to_bundle(value), echo_update=False)


def to_bundle(value: Any) -> Any:
    """Write the arrays in a nested dict as they travel in a trait."""
    if isinstance(value, np.ndarray):
        return to_wire(value)
    if isinstance(value, Mapping):
        return {key: to_bundle(part) for key, part in value.items()}
    return value


class ClassName(t.Unicode[str, Any]):
    """A class by its name, for which its number may stand; "" and None mean all classes."""

    def validate(self, obj: Any, value: Any) -> str:
        """Accept what names a class."""
        return str(super().validate(obj, class_name(value)))


class Rows(t.TraitType[NDArray[np.uint32], Any]):
    """Rows of the data: distinct, ascending, uint32; None and () mean none."""

    default_value = np.zeros(0, np.uint32)
    info_text = "row numbers"

    def validate(self, obj: Any, value: Any) -> NDArray[np.uint32]:
        """Accept anything that lists whole numbers, or a mask of all rows."""
        if isinstance(value, str):
            raise t.TraitError(
                f"{self.name} must list row numbers, such as [3, 14, 15]; got the text {value!r}. "
                f'Give lens.find("{value}").'
            )
        array = np.asarray([] if value is None else value)
        if array.dtype == np.bool_ and array.ndim == 1:
            n_items = getattr(obj, "_n_items", None)
            if len(array) and n_items is not None and len(array) != n_items:
                raise t.TraitError(
                    f"{self.name} as a mask must have one entry per item, {n_items:,}; "
                    f"got {len(array):,}."
                )
            array = np.flatnonzero(array)
        if array.size == 0:
            return np.zeros(0, np.uint32)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise t.TraitError(
                f"{self.name} must list row numbers, such as [3, 14, 15]; got "
                f"{array.dtype} of shape {array.shape}."
            )
        if array.min() < 0:
            raise t.TraitError(f"{self.name} must hold rows from 0; got {array.min()}.")
        return np.unique(array).astype(np.uint32)

    def set(self, obj: Any, value: Any) -> None:
        """Set, and notify only if the rows changed."""
        new: Any = self._validate(obj, value)
        old: Any = self.get(obj)
        if not np.array_equal(old, new):
            super().set(obj, new)


class LayerName(t.Unicode[str, Any]):
    """A layer by its name, or a module for which its owner's check finds the name."""

    def validate(self, obj: Any, value: Any) -> Any:  # noqa: ARG002
        """Leave the judgement to the owner's check, which knows the model."""
        return value


def rows() -> Any:
    """Make a synced trait of rows."""
    return synced(
        Rows(),
        to_json=lambda value, _: to_wire(value),
        from_json=lambda value, _: from_wire(value),
        echo_update=False,
    )
