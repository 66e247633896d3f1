"""Selections kept under names, as a trait that both sides may change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from latentlens.widget.traits import Rows, synced
from latentlens.widget.wire import from_wire, to_wire

LONGEST_NAME = 60

Held = dict[str, NDArray[np.uint32]]


class Slices(MutableMapping[str, Any]):
    """The named selections of a lens: name -> rows, uint32, ascending.

    Setting and deleting changes what the lens shows. Anything that `selection`
    takes is taken: rows or a mask of all items.

    Parameters
    ----------
    owner : HasTraits
    name : str
        The trait's.
    """

    def __init__(self, owner: t.HasTraits, name: str) -> None:
        self._owner, self._name = owner, name

    def _held(self) -> Held:
        held: Held = self._owner._trait_values.get(self._name, {})
        return held

    def __getitem__(self, name: str) -> NDArray[np.uint32]:
        held = self._held()
        if name not in held:
            listed = ", ".join(map(repr, held)) or "none yet"
            raise KeyError(f"there is no slice {name!r}; there are {listed}")
        return held[name].copy()

    def __setitem__(self, name: str, rows: ArrayLike) -> None:
        setattr(self._owner, self._name, {**self._held(), name: rows})

    def __delitem__(self, name: str) -> None:
        self[name]
        left = {other: rows for other, rows in self._held().items() if other != name}
        setattr(self._owner, self._name, left)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._held()))

    def __len__(self) -> int:
        return len(self._held())

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name!r}: {len(rows):,} rows" for name, rows in self._held().items())
        return f"Slices({{{sizes}}})"


class SlicesTrait(t.TraitType[Any, Any]):
    """A mapping of names to rows; what is got is a view that can be set item by item."""

    # Never changed in place, as `traitlets` asks of a default.
    default_value: Held = {}  # noqa: RUF012
    info_text = "a mapping of names to rows"

    def get(self, obj: t.HasTraits, cls: Any = None) -> Any:
        """Give the view; it always shows what is held now."""
        super().get(obj, cls)
        return Slices(obj, str(self.name))

    def validate(self, obj: Any, value: Any) -> Held:
        """Check every name and its rows, in words."""
        if not isinstance(value, Mapping):
            raise t.TraitError(
                "slices must map names to rows, such as {'dim 4s': [3, 14, 15]}; "
                f"got {type(value).__name__}."
            )
        return {_checked_name(name): _checked_rows(name, obj, value[name]) for name in value}

    def set(self, obj: Any, value: Any) -> None:
        """Set, and notify only if a name, the order of the names or a row changed."""
        new: Any = self._validate(obj, value)
        old = Slices(obj, str(self.name))._held()
        same = list(old) == list(new) and all(np.array_equal(old[n], new[n]) for n in new)
        if not same:
            super().set(obj, new)


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or name != name.strip():
        raise t.TraitError(f"A slice's name must be words without spaces around; got {name!r}.")
    if len(name) > LONGEST_NAME:
        raise t.TraitError(
            f"A slice's name may have {LONGEST_NAME} characters; {name[:20]!r}... has {len(name)}."
        )
    return name


def _checked_rows(name: str, obj: Any, value: Any) -> NDArray[np.uint32]:
    checked = Rows()
    checked.name = f"slices[{name!r}]"
    rows = checked.validate(obj, value)
    if not len(rows):
        raise t.TraitError(
            f"slices[{name!r}] must hold at least one row; got none. "
            f"To remove it: del lens.slices[{name!r}]."
        )
    return rows


def slices() -> Any:
    """Make a synced trait of named rows."""
    return synced(
        SlicesTrait(),
        to_json=lambda value, _: [{"name": name, "rows": to_wire(value[name])} for name in value],
        from_json=lambda value, _: _from_list(value),
        echo_update=False,
    )


def _from_list(value: Sequence[Mapping[str, Any]]) -> Held:
    return {each["name"]: from_wire(each["rows"]) for each in value}
