"""A lens as a file, all but its model, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from latentlens.core.checks import check_choice, check_rows
from latentlens.core.metadata import Metadata
from latentlens.core.picture import Pictures
from latentlens.core.record import Record
from latentlens.core.sample import Ranking
from latentlens.embed import PROJECTIONS
from latentlens.samplers import SAMPLERS
from latentlens.store import (
    KeptPictures,
    Parts,
    WrongFile,
    column_parts,
    picture_parts,
    ranking_parts,
    read_archive,
    read_columns,
    read_pictures,
    read_ranking,
    read_record,
    record_parts,
    refusing,
    write_archive,
)
from latentlens.widget.metadata import check_names
from latentlens.widget.page.contents import read_pictures as pictures_of
from latentlens.widget.state import OWN_PROJECTION, State

if TYPE_CHECKING:
    from latentlens.extract import Plan
    from latentlens.session import Session

DERIVED = frozenset(
    ("status", "progress", "doing", "error", "about", "items", "points", "ranked", "map_trust")
)
"""Traits that follow from the record, or say what is going on."""
FIRST = ("sampler", "projection")
"""Traits that a lens is made with, since work follows from them."""
FEW = 1_000
"""Up to so many items all pictures are saved unless something else is asked for."""
CHOICES = ("sample", "all", "none")
PROBES = 4
"""Rows that are read again to see whether the data are those of the file."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """What a file holds of a lens.

    Parameters
    ----------
    record : Record
    rankings : dict of str to Ranking
        Those that had been fitted.
    points : dict
        The layout: projection, xy of shape (n_items, 2) float32, and done.
    metadata : Metadata
    state : dict
        The traits.
    pictures : KeptPictures or None
    options : dict or None
        How the model was read: layer, layers, reduce, keep.
    random_state : int
    insist : bool
        Whether another model or other data are taken for those it was saved with.
    """

    record: Record
    rankings: dict[str, Ranking]
    points: dict[str, Any]
    metadata: Metadata
    state: dict[str, Any]
    pictures: KeptPictures | None
    options: dict[str, Any] | None
    random_state: int
    insist: bool = False

    @property
    def first_state(self) -> dict[str, Any]:
        """The traits that a lens is made with."""
        own = self.points["xy"] if self.state["projection"] == OWN_PROJECTION else None
        return {
            "sampler": self.state["sampler"],
            "projection": self.state["projection"] if own is None else own,
        }


# -- writing ---------------------------------------------------------------------


def saved_traits(lens: State) -> list[str]:
    """Name the traits that are saved: every synced one but those that follow from others."""
    of_any_widget = set(ipywidgets.DOMWidget.class_trait_names())
    names = set(lens.traits(sync=True)) - of_any_widget - DERIVED
    return sorted(name for name in names if not name.startswith("_"))


def write_saved(
    path: Path,
    lens: State,
    session: Session,
    *,
    pictures: str | ArrayLike,
    options: Mapping[str, Any] | None,
    random_state: int,
) -> None:
    """Write a lens whose pass is over."""
    record = session.record
    rankings = {name: ranking_parts(each) for name, each in session.rankings.items()}
    shown = session.pictures
    chosen = _chosen_rows(pictures, lens, session)
    content = {
        "record": record_parts(record),
        "rankings": {name: parts for name, parts in rankings.items() if parts is not None},
        "points": dict(lens.points),
        "metadata": column_parts(session.metadata),
        "state": {name: getattr(lens, name) for name in saved_traits(lens)},
        "pictures": None
        if shown is None or not len(chosen)
        else picture_parts(chosen, pictures_of(session, chosen), session.picture_kind()),
        "options": None if options is None else dict(options),
        "random_state": random_state,
    }
    import latentlens

    write_archive(path, content, by=latentlens.__version__)


def check_pictures(pictures: str | ArrayLike) -> None:
    """Refuse a word that does not say which pictures are saved.

    Raises
    ------
    ValueError
    """
    if isinstance(pictures, str):
        check_choice(pictures, "pictures", CHOICES)


def _chosen_rows(pictures: str | ArrayLike, lens: State, session: Session) -> NDArray[np.int64]:
    """Say of which rows the pictures are saved."""
    n = len(session.record)
    if not isinstance(pictures, str):
        return np.unique(check_rows(pictures, "pictures", n))
    if pictures == "none" or session.pictures is None:
        return np.zeros(0, np.int64)
    if pictures == "all" or n <= FEW:
        return np.arange(n)
    drawn = session.sample(lens.sampler, lens.fraction, lens.j, lens.added).index
    return np.union1d(drawn, lens.selection.astype(np.int64))


def read_options(plan: Plan, layer: Any, layers: Any, reduce: str, keep: int) -> dict[str, Any]:
    """Say in words that a file can hold how a model was read."""
    named = None if layers is None else _names(plan, layers)
    return {
        "layer": layer if isinstance(layer, str) else plan.latent_layer,
        "layers": named,
        "reduce": reduce,
        "keep": keep,
    }


def _names(plan: Plan, layers: Any) -> list[str]:
    wanted = [layers] if isinstance(layers, str) or not isinstance(layers, Sequence) else layers
    if all(isinstance(each, str) for each in wanted):
        return list(wanted)
    return [spec.call for spec in plan.layers if not spec.of_input]


# -- reading ---------------------------------------------------------------------


def read_saved(path: Path) -> Saved:
    """Read what `write_saved` wrote, believing nothing of it.

    Raises
    ------
    ValueError
        If it is no lens, damaged, or newer; one sentence says which and what to do.
    """
    with refusing(path):
        return _read(Parts(read_archive(path), "the lens"))


def _read(parts: Parts) -> Saved:
    record = read_record(parts.part("record"))
    state = _read_state(parts.part("state"))
    shown = parts.content.get("pictures")
    options = parts.content.get("options")
    return Saved(
        record=record,
        rankings={
            name: read_ranking(each, len(record))
            for name, each in parts.part("rankings").each()
            if name in SAMPLERS
        },
        points=_read_points(parts.part("points"), len(record)),
        metadata=_read_metadata(parts, len(record)),
        state=state,
        pictures=None if shown is None else read_pictures(parts.part("pictures"), len(record)),
        options=None if options is None else _read_options(parts.part("options")),
        random_state=parts.count("random_state", 0, 2**32 - 1),
    )


def _read_state(parts: Parts) -> dict[str, Any]:
    parts.text("sampler", SAMPLERS)
    parts.text("projection", (*PROJECTIONS, OWN_PROJECTION))
    return parts.content


def _read_metadata(parts: Parts, n: int) -> Metadata:
    # A lens without metadata may have been saved before there were any.
    if "metadata" not in parts.content:
        return Metadata()
    metadata = read_columns(parts.part("metadata"), n)
    try:
        check_names(list(metadata))
    except ValueError:
        raise parts.wrong("metadata") from None
    return metadata


def _read_points(parts: Parts, n: int) -> dict[str, Any]:
    return {
        "projection": parts.text("projection", (*PROJECTIONS, OWN_PROJECTION)),
        "xy": parts.array("xy", np.float32, (n, 2), finite=True),
        "done": parts.flag("done"),
    }


def _read_options(parts: Parts) -> dict[str, Any]:
    return {
        "layer": parts.text("layer"),
        "layers": None if parts.content.get("layers") is None else list(parts.texts("layers")),
        "reduce": parts.text("reduce", ("unit", "channel")),
        "keep": parts.count("keep", 1),
    }


def restore_traits(path: Path, lens: State, saved: Saved) -> None:
    """Set a lens's traits as they were, each checked as if it were typed.

    Raises
    ------
    ValueError
        If one of them cannot be.
    """
    known = set(saved_traits(lens)) - set(FIRST)
    with refusing(path):
        for name in sorted(known & saved.state.keys()):
            try:
                lens.set_trait(name, saved.state[name])
            except t.TraitError as error:
                words = str(error).rstrip(".")[:300]
                raise WrongFile(f"sets the lens to what it cannot be: {words}") from None


# -- the model -------------------------------------------------------------------


def fitting_record(plan: Plan, record: Record, *, insist: bool) -> Record:
    """Give a file's record for a model and its data, if it is about them.

    Parameters
    ----------
    plan : Plan
    record : Record
    insist : bool
        Take other weights and other inputs; the record then says so.

    Raises
    ------
    ValueError
        If the layers, the number of items, the weights, or the inputs are others.
    """
    _check_layers(plan, record)
    _check_rows(plan, record)
    other = _other_weights(plan, record) or _other_inputs(plan, record)
    if not other:
        return record
    if not insist:
        raise ValueError(
            f"{other} So the saved numbers are not about these. Give the model and the data that "
            "the lens was saved with, leave both out to see it as it was, or insist=True."
        )
    note = f"{other} It was loaded all the same: what is run from now on is about these."
    return replace(record, meta={**record.meta, "notes": [*record.meta.get("notes", ()), note]})


def _check_layers(plan: Plan, record: Record) -> None:
    widths = {spec.name: spec.units for spec in plan.layers}
    for name, layer in record.layers.items():
        if widths.get(name) != layer.units:
            raise ValueError(
                f"{plan.model_name} has no layer {name!r} of {layer.units:,} units, which the "
                "saved lens has. Give the model that it was saved with, or leave it out."
            )
    if plan.latent_layer != record.latent_layer:
        raise ValueError(
            f"The latent of {plan.model_name} is {plan.latent_layer!r}, and that of the saved "
            f"lens {record.latent_layer!r}. Give layer={record.latent_layer!r}."
        )


def _check_rows(plan: Plan, record: Record) -> None:
    ids = plan.source.ids
    if ids is not None and not np.array_equal(ids[: len(record)], record.ids):
        raise ValueError(
            f"loader gives other items than the {len(record):,} of the saved lens, which are "
            "rows of its dataset. Give the data that it was saved with."
        )


def _other_weights(plan: Plan, record: Record) -> str:
    from latentlens.extract.run import weights_hash

    before, now = str(record.meta.get("weights", "")), weights_hash(plan.model)
    if before == now:
        return ""
    if not before:
        return "The saved lens does not say which weights it was made with."
    return f"{plan.model_name} has other weights ({now[:8]}) than the saved lens ({before[:8]})."


def _other_inputs(plan: Plan, record: Record) -> str:
    """Run a few items and see whether their latent is the one that was saved."""
    if not plan.random_access:
        return ""
    from latentlens.extract import read_activations

    rows = np.unique(np.linspace(0, len(record) - 1, PROBES).astype(np.int64))
    for chunk, activations in read_activations(plan, rows, [record.latent_layer]):
        now, before = activations[record.latent_layer], record.latent[chunk]
        # Batches of another size sum in another order.
        near = np.isclose(now, before, rtol=1e-2, atol=1e-3 * max(np.abs(before).max(), 1e-6))
        if not near.all():
            row = int(chunk[np.flatnonzero(~near.all(axis=1))[0]])
            return f"Row {row} of loader has another latent than in the saved lens."
    return ""


def kept_pictures(saved: Saved | None) -> Pictures | None:
    """Give the pictures of a file, if there are some."""
    return None if saved is None else saved.pictures
