"""The widget: traits in, questions passed on, answers sent."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.from_arrays import record_from_arrays, units_of
from latentlens.core.metadata import Metadata
from latentlens.core.record import Record
from latentlens.session import Session
from latentlens.widget.about import describe, describe_items
from latentlens.widget.attributing import Attributing
from latentlens.widget.basis import Basis, check_images, fit_plan
from latentlens.widget.cell import Cell
from latentlens.widget.code import (
    code,
    constructor,
    plain_start,
    read_controls,
    start_lines,
    with_controls,
)
from latentlens.widget.conductor import Conductor, running_loop
from latentlens.widget.drawings import Drawings
from latentlens.widget.handover import Handover
from latentlens.widget.listening import Listening
from latentlens.widget.metadata import fit_rows, read_metadata
from latentlens.widget.reading import no_bar
from latentlens.widget.save import Saved, fitting_record, read_options
from latentlens.widget.state import CONTROLS, OWN_PROJECTION

if TYPE_CHECKING:
    from torch import nn

    from latentlens.extract import Pass, Plan


class LatentLens(Cell, Listening, Attributing, Drawings, Handover):
    """Look at a model through its latent space, on all items and on a sample.

    Shown as the last line of a cell it reads the data once, in steps between
    which the notebook stays usable, and then lets its panes follow the controls.
    Nothing of it needs the widget: `run`, `frame`, `sample`, `top_k`,
    `mean_activation` and `max_neurons` work in a script.

    Parameters
    ----------
    model : torch.nn.Module or Record
        A classifier, left exactly as it was; or the record of an earlier pass.
    loader : iterable of batches, optional
        Usually a ``DataLoader``; needed unless `model` is a record. Rows are
        positions in ``loader.dataset`` whatever order the loader has.
    layer : str or Module
        Where the latent is read: "auto" for the input of the layer that makes
        the logits, else a layer whose output it is.
    layers : sequence of str or Module, optional
        What to watch: names, patterns such as ``"conv*"`` or modules; all
        layers with parameters and all activations if not given.
    reduce : {"unit", "channel"}
        What a unit of a spatial layer is: one element, or a channel's maximum.
    keep : int
        K of the top-K index; `k` cannot exceed it.
    classes : sequence of str, optional
        Names of the classes; ``dataset.classes`` or "0", "1", ... if not given.
    unpack : callable, optional
        Batch -> (args, kwargs, target), where batches are unusual.
    predict : callable, optional
        Output of the model -> logits, where outputs are unusual.
    render : callable, optional
        The input of an item -> what people see of it: an image array, a string
        or a series. An item's input is what ``dataset[row]`` has beside the label.
    images : sequence, optional
        What to show of each row where there is no dataset to read it from.
    metadata : DataFrame, Table or mapping, optional
        What is known of the items besides: a pandas, polars or arrow table with
        one row per item of the dataset, in its order, or a mapping of names to
        sequences. Its columns colour the map, stand in the tooltips and in
        `frame`, and can be searched.
    projection : str, transformer or array
        "pca", "tsne" or "umap"; anything with ``fit_transform``; or the points
        themselves, shape (n_items, 2).
    device : str, optional
        Where to run the model; where its parameters are if not given.
    random_state : int
        Seed of samplers and layouts.
    **state
        Any of the traits below.

    Attributes
    ----------
    fraction : float
        Share of the items in the sample, in (0, 1].
    j : float
        Share of outliers in the sample, in [0, 1]; the rest are exemplars.
    sampler : str
        "max_margin", "gmm_full", "gmm_spherical", "coreset", "stratified_completion",
        "stratified", "latent_grid", "vas", "boundary_tree", "random",
        "max_margin_weighted", "gmm_full_weighted" or "gmm_spherical_weighted";
        ``latentlens.samplers.SAMPLERS`` has a title for each.
    layer, label, by, correctness
        The layer and the group of items the panes are about; no label means
        all classes, and `by` says whether it is the true or the predicted one.
    k, measure
        How many top units, and by what they are ranked: "max", "count", "mean".
    selection : ndarray of uint32
        Selected rows; empty for none.
    added : ndarray of uint32
        Rows taken into the sample besides what the sampler takes; see `top_up`.
    slices : mapping of str to rows
        Selections kept under names, shown as chips: ``lens.slices["late"] = rows``.
    color_by, unit
        What colours the map ("label", "pred", "correct", "loss", "margin", "unit",
        "kept", or a column of the metadata), and the unit of `layer` that was
        picked (-1: none).
    status : str
        "waiting", "running", "ready", "stopped" or "failed".
    progress : float
        Share done of what `doing` names.

    Raises
    ------
    ValueError, TypeError
        If the model and its data do not fit together, before any work is done.

    Examples
    --------
    >>> from latentlens import LatentLens, data, models
    >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader(), fraction=0.1)
    >>> lens.layer, len(lens.sample)
    ('act4', 80)
    >>> lens.fraction = 0.2
    >>> len(lens.sample)
    159
    """

    def __init__(
        self,
        model: nn.Module | Record,
        loader: Any = None,
        *,
        layer: Any = "auto",
        layers: Sequence[Any] | None = None,
        reduce: str = "unit",
        keep: int = 32,
        classes: Sequence[str] | None = None,
        unpack: Callable[[Any], Any] | None = None,
        predict: Callable[[Any], Any] | None = None,
        render: Callable[[Any], Any] | None = None,
        images: Sequence[Any] | None = None,
        metadata: Any = None,
        projection: Any = "pca",
        device: Any = None,
        random_state: int = 0,
        _saved: Saved | None = None,
        _made: str = "",
        _activations: Mapping[str, NDArray[np.float32]] | None = None,
        **state: Any,
    ) -> None:
        state = _only_controls(state)
        reading = {
            "layer": layer, "layers": layers, "reduce": reduce, "keep": keep, "classes": classes,
            "unpack": unpack, "predict": predict, "device": device,
        }  # fmt: skip
        self._made = _made or constructor(
            "LatentLens(record" if isinstance(model, Record) else "LatentLens(model, loader",
            **reading, render=render, images=images, metadata=metadata,
            projection=projection, random_state=random_state,
        )  # fmt: skip
        self._random_state = random_state
        self._render, self._images = render, images
        self._own_projection = None if isinstance(projection, str) else projection
        self._saved, self._activations = _saved, _activations
        self._set_idle()
        self._metadata = Metadata() if metadata is None else read_metadata(metadata)
        basis = (
            self._start_from(model)
            if isinstance(model, Record)
            else self._start_reading(model, loader, reading)
        )
        own = self._own_projection is not None
        super().__init__(
            layers=basis.widths, keep=basis.keep, classes=basis.classes, n_items=basis.n_items,
            columns=tuple(self._metadata), layer=basis.latent_layer, own_projection=own,
            projection=OWN_PROJECTION if own else projection, **state,
        )  # fmt: skip
        self._note_start(basis.latent_layer)
        self.on_msg(self._heard)
        if basis.known is not None:
            self._adopt(basis.known)

    def _set_idle(self) -> None:
        """Begin with nothing read and nothing under way."""
        self._home = running_loop()
        self._options = None if self._saved is None else self._saved.options
        self._plan: Plan | None = None
        self._pass: Pass | None = None
        self._session: Session | None = None
        self._conductor = Conductor()
        self._rank_later: asyncio.TimerHandle | None = None
        self._shown = False
        self._bar_step: Callable[[int], object] = no_bar
        self._activities: dict[str, tuple[str, float]] = {}
        self._reported = 0.0
        self._xy: NDArray[np.float32] | None = None

    def _start_from(self, record: Record) -> Basis:
        """Find what the controls are about in a record that is at hand."""
        check_images(self._images, len(record))
        self._metadata = fit_rows(self._metadata, len(record))
        return Basis.of_record(record)

    def _start_reading(self, model: Any, loader: Any, reading: dict[str, Any]) -> Basis:
        """Plan the pass, and hold all that was given against it."""
        plan, saved = self._look(model, loader, **reading), self._saved
        self._options = read_options(
            plan, **{name: reading[name] for name in ("layer", "layers", "reduce", "keep")}
        )
        known = None if saved is None else fitting_record(plan, saved.record, insist=saved.insist)
        self._metadata = fit_plan(self._metadata, plan, known)
        check_images(self._images, plan.n_items)
        self._try_render()
        return Basis.of_plan(plan, known)

    def _note_start(self, layer: str) -> None:
        """Note how the controls begin: Reset goes back to it, and the code says what changed."""
        start = plain_start(
            self,
            layer=layer,
            k=min(10, self._most_k or 10),
            projection="pca" if self._own_projection is None else OWN_PROJECTION,
        )
        if self._saved is None:
            self._made = with_controls(self._made, self, start)
        then = read_controls(self) if self._saved is None else self._saved.state
        self._start = start_lines({**start, **then})

    @classmethod
    def from_arrays(
        cls,
        latent: ArrayLike,
        label: ArrayLike | None = None,
        pred: ArrayLike | None = None,
        *,
        logits: ArrayLike | None = None,
        activations: Mapping[str, ArrayLike] | None = None,
        images: Sequence[Any] | None = None,
        classes: Sequence[str] | None = None,
        keep: int = 32,
        **options: Any,
    ) -> LatentLens:
        """Make a lens from arrays, for any framework or for embeddings at hand.

        Parameters
        ----------
        latent : array of shape (n_items, d)
        label, pred : array of shape (n_items,), optional
            Class numbers; -1 in `label` where unknown.
        logits : array of shape (n_items, n_classes), optional
        activations : mapping of str to array of shape (n_items, ...), optional
            Further layers, in the order of execution. The lens holds on to them, so
            that every question about them has its answer.
        images : sequence, optional
            What to show of each row: images, strings or series.
        classes : sequence of str, optional
        keep : int
            K of the top-K index.
        **options
            What `LatentLens` takes besides.

        Returns
        -------
        LatentLens

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.frame[["true", "pred", "correct"]].tail(2)
            true pred  correct
        row
        4      1    1     True
        5      1    0    False
        """
        record = record_from_arrays(
            latent, label, pred, logits=logits, activations=activations, classes=classes, keep=keep
        )
        check_images(images, len(record), "row of latent")
        known = {"label": label, "pred": pred, "logits": logits, "activations": activations}
        given = [f"{name}={name}" for name, value in known.items() if value is not None]
        made = constructor(
            ", ".join(["LatentLens.from_arrays(latent", *given]),
            **{**options, "images": images, "classes": classes, "keep": keep},
        )
        raw = units_of(activations or {})
        return cls(record, images=images, **{"_made": made, "_activations": raw, **options})

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse a public name that a lens does not have: a slip of the pen."""
        # A class derived by somebody else has attributes of its own.
        slip = not name.startswith("_") and not hasattr(type(self), name)
        if slip and type(self).__module__ == __name__:
            near = get_close_matches(name, self._settable(), n=3, cutoff=0.5) or CONTROLS
            raise AttributeError(
                f"LatentLens has no attribute {name!r} to set; the nearest names are "
                f"{', '.join(near)}."
            )
        super().__setattr__(name, value)

    @classmethod
    def _settable(cls) -> list[str]:
        """Name what may be set; of methods and what else a widget has, none is."""
        known = [name for name in dir(cls) if not name.startswith("_")]
        traits = cls.class_traits(sync=True, read_only=False)
        held = {name: inspect.getattr_static(cls, name) for name in known}
        return [
            name
            for name, value in held.items()
            if name in traits or (isinstance(value, property) and value.fset is not None)
        ]

    def __repr__(self) -> str:
        if self._session is None:
            name = "a record" if self._plan is None else self._plan.model_name
            return f"LatentLens({name}, {self._how_far()})"
        record = self._session.record
        known = record.correct | record.incorrect
        parts = [str(record.meta.get("model", "a record")), f"{len(record):,} items"]
        if known.any():
            parts.append(f"accuracy {100 * record.correct[known].mean():.1f} %")
        return f"LatentLens({', '.join([*parts, self._how_far()])})"

    def _adopt(self, record: Record) -> None:
        """Take over a record and show what follows from it."""
        # Of a stream the length shows only now; a pass that was stopped needs fewer.
        if isinstance(self._images, Sized) and len(self._images) < len(record):
            check_images(self._images, len(record))
        # What was measured of the map of a part is not about the whole.
        self._forget_trust()
        self._session = Session(
            record,
            read_activations=self._reader(),
            activations=self._activations,
            attribute=self._attributer(),
            pictures=self._pictures(),
            metadata=self._metadata_of(record),
            random_state=self._random_state,
            rankings=None if self._saved is None else self._saved.rankings,
            why_not_run=self._why_not_run(),
        )
        self._n_items = len(record)
        points = self._first_points(record)
        self._xy = points["xy"]
        with self.hold_sync():
            self._tell(
                about=describe(self._session, {"made": self._made, "start": self._start}),
                items=describe_items(record),
                points=points,
                status="ready",
            )
        # The pass stands whatever comes of it: the card has the words, and so has every
        # later question that needs a ranking.
        with suppress(ValueError):
            self._rank_in_time(len(record))
        if not points["done"]:
            self._lay_out()

    def _metadata_of(self, record: Record) -> Metadata:
        """Give the metadata of what was read, which is a part of the items after a stop."""
        n, known = len(record), self._metadata.n_items or 0
        over = self._pass is None or self._pass.over
        planned = self._plan is not None and known == self._plan.n_items
        if known > n and (planned or not over):
            return self._metadata.take(np.arange(n))
        # Of a stream the length shows only now.
        return fit_rows(self._metadata, n)

    def _ready(self) -> Session:
        if self._session is None:
            self.run()
        if self._session is None:
            raise RuntimeError(
                "The pass was stopped before it read anything; lens.run() goes on with it."
            )
        return self._session

    @property
    def code(self) -> str:
        """The Python that reproduces what is on screen.

        The call that made the lens, in which what no text can hold stands by its
        name, and a line for every control that is not as the call leaves it.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> lens = LatentLens.from_arrays([[0.0, 1.0], [1.0, 0.2], [0.9, 0.0]], [0, 1, 1])
        >>> lens.fraction, lens.correctness, lens.selection = 0.4, "correct", [1, 2]
        >>> print(lens.code)
        lens = LatentLens.from_arrays(latent, label=label)
        lens.fraction = 0.4
        lens.correctness = "correct"
        lens.selection = [1, 2]
        """
        return code(self, self._made, self._start)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self._shown = True
        if running_loop() is not None:
            self._begin_unless_over()
        bundle = super()._repr_mimebundle_(**kwargs)
        assert bundle is not None
        return {**bundle[0], **self._leave_picture()}, bundle[1]


def _only_controls(state: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is no trait that may be set."""
    for name in state:
        if name not in CONTROLS:
            raise TypeError(
                f"LatentLens has no option {name!r}; beside its parameters it takes "
                f"{', '.join(CONTROLS)}."
            )
    return state
