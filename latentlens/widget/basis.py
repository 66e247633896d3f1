"""What is known of a lens before anything is read: from a record, or from a look at a batch."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from latentlens.core.metadata import Metadata
from latentlens.core.record import Record
from latentlens.widget.metadata import fit_rows

if TYPE_CHECKING:
    from latentlens.extract import Plan


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What the controls of a lens are checked against.

    Parameters
    ----------
    widths : dict of str to int
        The layers that may be shown, with their units.
    keep : int
        How many units per item the index holds.
    classes : tuple of str
    latent_layer : str
    n_items : int or None
        None for a stream, whose length shows at its end.
    known : Record or None
        What need not be read any more.
    """

    widths: dict[str, int]
    keep: int
    classes: tuple[str, ...]
    latent_layer: str
    n_items: int | None
    known: Record | None

    @classmethod
    def of_record(cls, record: Record) -> Basis:
        """Say it of a record."""
        return cls(
            widths={name: layer.units for name, layer in record.layers.items()},
            keep=max(layer.keep for layer in record.layers.values()),
            classes=record.classes,
            latent_layer=record.latent_layer,
            n_items=len(record),
            known=record,
        )

    @classmethod
    def of_plan(cls, plan: Plan, known: Record | None) -> Basis:
        """Say it of a pass to come, or of one that a file has the record of."""
        return cls(
            widths={spec.name: spec.units for spec in plan.layers},
            keep=plan.keep,
            classes=plan.classes,
            latent_layer=plan.latent_layer,
            n_items=plan.n_items,
            known=known,
        )


def fit_plan(metadata: Metadata, plan: Plan, known: Record | None) -> Metadata:
    """Give the metadata of the items that will be read, where their number is known.

    Raises
    ------
    ValueError
        If there are rows for another number of items.
    """
    # A file may hold a part of the items, and the metadata of that part.
    if plan.n_items is None or (known is not None and metadata.n_items == len(known)):
        return metadata
    ids = plan.source.ids if plan.random_access else None
    return fit_rows(metadata, plan.n_items, ids, len(plan.dataset) if plan.random_access else None)


def check_images(images: Sequence[Any] | None, n_items: int | None, per: str = "item") -> None:
    """Refuse pictures of another number of items, where their number is known.

    Raises
    ------
    ValueError
    """
    if isinstance(images, Sized) and n_items is not None and len(images) != n_items:
        raise ValueError(f"images must hold one entry per {per}, {n_items:,}; got {len(images):,}.")
