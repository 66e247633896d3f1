"""The widget: traits in, questions passed on, answers sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets as t
from numpy.typing import ArrayLike, NDArray

from latentlens.core.from_arrays import record_from_arrays
from latentlens.core.metadata import Metadata
from latentlens.core.picture import Pictures
from latentlens.core.record import Record
from latentlens.embed import Layout, layouts
from latentlens.samplers import SAMPLERS
from latentlens.session import RUN_MODEL, Session, handle, ranked_message
from latentlens.widget.attributing import Attributing, why_no_saliency
from latentlens.widget.cell import Cell
from latentlens.widget.code import code, constructor, plain_start, start_lines
from latentlens.widget.conductor import Conductor, Job, running_loop
from latentlens.widget.drawings import Drawings
from latentlens.widget.handover import Handover
from latentlens.widget.items import Items
from latentlens.widget.metadata import fit_rows, read_metadata
from latentlens.widget.save import Saved, fitting_record, kept_pictures, read_options
from latentlens.widget.state import CONTROLS, OWN_PROJECTION
from latentlens.widget.wire import pack, unpack

if TYPE_CHECKING:
    from torch import nn

    from latentlens.extract import Pass, Plan

RANK_AT_ONCE = 20_000
"""More items are ranked once the map is painted, for which both take the processor."""
UNSEEN_S = 0.5
"""How long such a ranking waits for a view, or for a view to be drawn."""
REPORT_S = 0.1
"""How often progress is reported at most."""


class LatentLens(Cell, Items, Attributing, Drawings, Handover):
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
        "max_margin", "gmm_full", "gmm_spherical" or "random".
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
        **state: Any,
    ) -> None:
        self._home = running_loop()
        self._made = _made or constructor(
            "LatentLens(record" if isinstance(model, Record) else "LatentLens(model, loader",
            layer=layer, layers=layers, reduce=reduce, keep=keep, classes=classes, unpack=unpack,
            predict=predict, render=render, images=images, metadata=metadata,
            projection=projection, device=device, random_state=random_state,
        )  # fmt: skip
        self._saved = _saved
        self._options = None if _saved is None else _saved.options
        self._plan: Plan | None = None
        self._pass: Pass | None = None
        self._session: Session | None = None
        self._conductor = Conductor()
        self._rank_later: asyncio.TimerHandle | None = None
        self._shown = False
        self._bar_step: Callable[[int], object] = _no_bar
        self._activities: dict[str, tuple[str, float]] = {}
        self._reported = 0.0
        self._random_state = random_state
        self._render, self._images = render, images
        self._own_projection = None if isinstance(projection, str) else projection
        self._xy: NDArray[np.float32] | None = None
        known = model if isinstance(model, Record) else None
        self._metadata = Metadata() if metadata is None else read_metadata(metadata)
        if isinstance(model, Record):
            classes, latent_layer = model.classes, model.latent_layer
            widths = {name: layer.units for name, layer in model.layers.items()}
            keep = max(layer.keep for layer in model.layers.values())
            self._metadata = fit_rows(self._metadata, len(model))
        else:
            plan = self._look(
                model, loader, layer=layer, layers=layers, reduce=reduce, keep=keep,
                classes=classes, unpack=unpack, predict=predict, device=device,
            )  # fmt: skip
            classes, latent_layer = plan.classes, plan.latent_layer
            widths = {spec.name: spec.units for spec in plan.layers}
            self._options = read_options(plan, layer, layers, reduce, keep)
            if _saved is not None:
                known = fitting_record(plan, _saved.record, insist=_saved.insist)
            self._metadata = _fit_plan(self._metadata, plan)
            self._try_render()
        super().__init__(
            layers=widths,
            keep=keep,
            classes=classes,
            own_projection=self._own_projection is not None,
            columns=tuple(self._metadata),
            layer=latent_layer,
            projection=projection if self._own_projection is None else OWN_PROJECTION,
            **_only_controls(state),
        )
        start = plain_start(
            self,
            layer=latent_layer,
            k=min(10, self._most_k or 10),
            projection="pca" if self._own_projection is None else OWN_PROJECTION,
        )
        self._start = start_lines(start if _saved is None else {**start, **_saved.state})
        self.on_msg(self._heard)
        if known is not None:
            self._adopt(known)

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
            Further layers, in the order of execution.
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
        if images is not None and len(images) != len(record):
            raise ValueError(
                f"images must hold one entry per row of latent, {len(record):,}; "
                f"got {len(images):,}."
            )
        known = {"label": label, "pred": pred, "logits": logits, "activations": activations}
        given = [f"{name}={name}" for name, value in known.items() if value is not None]
        made = constructor(
            ", ".join(["LatentLens.from_arrays(latent", *given]),
            **{**options, "images": images, "classes": classes, "keep": keep},
        )
        return cls(record, images=images, **{"_made": made, **options})

    # -- the pass ----------------------------------------------------------------

    def run(self, *, progress: bool = True) -> LatentLens:
        """Do the pass now, to its end; nothing if it is done.

        After a stop, an error or an interrupt it goes on where it was.

        Parameters
        ----------
        progress : bool
            Whether to show a bar, in a notebook or a terminal; a lens that is on
            show has one of its own.

        Returns
        -------
        LatentLens
            Itself, so that ``LatentLens(model, loader).run()`` is a lens.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> lens.run(progress=False).status
        'ready'
        """
        if self.status == "ready" or self._plan is None:
            return self
        with self._bar(progress and not self._shown) as self._bar_step:
            self._begin()
            self._conductor.finish("pass")
        return self

    @contextmanager
    def _bar(self, wanted: bool) -> Iterator[Callable[[int], object]]:
        from tqdm.auto import tqdm

        total = self._plan.n_items if self._plan else None
        with tqdm(total=total, unit=" items", disable=not wanted) as bar:
            try:
                yield lambda done: bar.update(done - bar.n)
            finally:
                self._bar_step = _no_bar

    def cancel(self) -> None:
        """Stop what is running: the pass, keeping what it read, a contrast, or else the layout.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> lens.cancel()  # nothing is running, so nothing happens
        >>> lens.status
        'waiting'
        """
        for name in ("pass", "contrast", "layout"):
            if self._conductor.stop(name):
                return

    def _look(self, model: nn.Module, loader: Any, **options: Any) -> Plan:
        if loader is None:
            raise TypeError(
                "LatentLens(model, loader) needs the data as well: an iterable of batches, such as "
                "a DataLoader. For arrays use LatentLens.from_arrays(latent, label, ...)."
            )
        from latentlens.extract import plan

        self._plan = plan(model, loader, **options)
        return self._plan

    def _try_render(self) -> None:
        """Let a `render` that fails do so before the pass."""
        if self._render is not None and self._plan is not None and self._plan.random_access:
            from latentlens.extract import read_inputs

            Pictures(partial(read_inputs, self._plan), render=self._render).kind()

    def _begin(self) -> None:
        """Start the pass unless it is under way or done."""
        if self._conductor.busy("pass") or self._plan is None:
            return
        from latentlens.extract import Pass

        if self._pass is None:
            self._pass = Pass(self._plan)
        self._tell(status="running", error="")
        self._conductor.here(
            "pass",
            Job(
                steps=self._pass.steps(),
                on_step=self._read_on,
                on_end=partial(self._finish_pass, "ready"),
                on_error=self._fail_pass,
                on_stop=partial(self._finish_pass, "stopped"),
            ),
        )

    def _read_on(self, step: Any) -> None:
        share = step.done / step.total if step.total else 0.0
        self._bar_step(step.done)
        self._report("pass", f"Reading the data: {step.text}", share)

    def _finish_pass(self, status: str, error: str = "") -> None:
        """Take over what was read, be it everything or the part before a stop."""
        self._report("pass")
        assert self._pass is not None
        if self._pass.done:
            self._adopt(self._pass.record())
        self._tell(status=status)
        if error:
            self._tell(error=error)

    def _fail_pass(self, error: Exception) -> None:
        self._finish_pass("failed", f"{type(error).__name__}: {error}")

    def _adopt(self, record: Record) -> None:
        """Take over a record and show what follows from it."""
        self._session = Session(
            record,
            read_activations=self._reader(),
            attribute=self._attributer(),
            pictures=self._pictures(),
            # Of a stream the length shows only now.
            metadata=fit_rows(self._metadata, len(record)),
            random_state=self._random_state,
            rankings=None if self._saved is None else self._saved.rankings,
        )
        self._n_items = len(record)
        points = self._first_points(record)
        self._xy = points["xy"]
        with self.hold_sync():
            self._tell(
                about=self._describe(record),
                items={
                    "label": record.label,
                    "pred": record.pred,
                    "loss": record.loss,
                    "ids": _other_than_rows(record.ids),
                },
                points=points,
                status="ready",
            )
        # The pass stands whatever comes of it: the card has the words, and so has every
        # later question that needs a ranking.
        with suppress(ValueError):
            self._rank_in_time(len(record))
        if not points["done"]:
            self._lay_out()

    def _first_points(self, record: Record) -> dict[str, Any]:
        """Give the layout as it was saved, or what is there at once."""
        if self._saved is not None:
            points = self._saved.points
            return {**points, "done": points["done"] and points["projection"] == self.projection}
        first = next(layouts("pca", record.latent, random_state=self._random_state))
        return {"projection": "pca", "xy": first.xy, "done": self.projection == "pca"}

    def _reader(self) -> Any:
        if self._plan is None or not self._plan.random_access:
            return None
        from latentlens.extract import read_activations

        return partial(read_activations, self._plan)

    def _attributer(self) -> Any:
        if self._plan is None or not self._plan.random_access:
            return None
        from latentlens.extract import attribute

        return partial(attribute, self._plan)

    def _pictures(self) -> Pictures | None:
        images = self._images
        if images is not None:
            return Pictures(lambda wanted: [images[row] for row in wanted], render=self._render)
        if self._plan is None or not self._plan.random_access:
            return kept_pictures(self._saved)
        from latentlens.extract import read_inputs

        return Pictures(partial(read_inputs, self._plan), render=self._render)

    def _describe(self, record: Record) -> dict[str, Any]:
        session = self._ready()
        known = record.correct | record.incorrect
        return {
            "model": str(record.meta.get("model", "")),
            "n_items": len(record),
            "classes": list(record.classes),
            "latent_layer": record.latent_layer,
            "latent_units": int(record.latent.shape[1]),
            "latent_in_browser": session.latent_in_browser,
            "accuracy": float(record.correct[known].mean()) if known.any() else None,
            "layers": [
                {
                    "name": layer.name,
                    "units": layer.units,
                    "shape": list(layer.shape),
                    "reduce": layer.reduce,
                    "keep": layer.keep,
                    "in_browser": session.in_browser(layer),
                }
                for layer in record.layers.values()
            ],
            "samplers": [
                {
                    "name": name,
                    "title": entry.title,
                    "uses_j": entry.uses_j,
                    "uses_fraction": entry.uses_fraction,
                    "reason": entry.reason,
                    "absent": "",
                }
                for name, entry in SAMPLERS.items()
            ],
            "pictures": session.picture_kind(),
            "no_saliency": why_no_saliency(session),
            "fixed_layout": "",
            "columns": [
                {
                    "name": column.name,
                    "kind": column.kind,
                    "n_missing": int(column.missing.sum()),
                    "n_levels": len(column.levels),
                }
                for column in session.metadata.columns
            ],
            "notes": list(record.meta.get("notes", ())),
            "code": {"made": self._made, "start": self._start},
        }

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

    def _ready(self) -> Session:
        if self._session is None:
            self.run()
        if self._session is None:
            raise RuntimeError(
                "The pass was stopped before it read anything; lens.run() goes on with it."
            )
        return self._session

    # -- ranking and layout ------------------------------------------------------

    def _rank_in_time(self, n_items: int) -> None:
        """Rank now, or where that takes long once a view is painted or a moment has passed."""
        if self._home is None or running_loop() is None or n_items <= RANK_AT_ONCE:
            self._rank()
        else:
            self._rank_later = self._home.call_later(UNSEEN_S, self._rank_at_last)

    def _rank_at_last(self) -> None:
        if self._rank_later is not None:
            self._rank()

    def _rank(self) -> None:
        if self._rank_later is not None:
            self._rank_later.cancel()
            self._rank_later = None
        session, sampler = self._ready(), self.sampler

        def fit() -> Iterator[Any]:
            yield session.ranking(sampler)

        self._report("ranking", f"Ranking the items by {SAMPLERS[sampler].title}")
        self._conductor.beside(
            "ranking",
            Job(
                steps=fit(),
                on_step=self._take_ranking,
                on_end=partial(self._end, "ranking"),
                on_error=partial(self._fail, "ranking"),
            ),
        )

    def _take_ranking(self, ranking: Any) -> None:
        self._tell(
            # What ended the pass stays on the card; what ended an earlier ranking is over.
            error=self.error if self.status == "failed" else "",
            ranked=ranked_message(ranking),
        )

    def _lay_out(self) -> None:
        latent = self._ready().record.latent
        self._report("layout", "Laying out the latent space")
        self._conductor.beside(
            "layout",
            Job(
                steps=layouts(self._wanted_layout(), latent, random_state=self._random_state),
                on_step=partial(self._take_layout, self.projection),
                on_end=partial(self._end, "layout"),
                on_error=partial(self._fail, "layout"),
                on_stop=self._stop_layout,
            ),
        )

    def _finish_layout(self) -> None:
        points = self.points
        if points["done"] and points["projection"] == self.projection:
            return
        # What runs beside hands its stages to this thread, which would wait for it here.
        self._conductor.stop("layout")
        for layout in layouts(
            self._wanted_layout(), self._ready().record.latent, random_state=self._random_state
        ):
            self._take_layout(self.projection, layout)
        self._end("layout")

    def _wanted_layout(self) -> Any:
        return self._own_projection if self.projection == OWN_PROJECTION else self.projection

    def _take_layout(self, projection: str, layout: Layout) -> None:
        self._forget_trust()
        self._xy = layout.xy
        self._tell(points={"projection": projection, "xy": layout.xy, "done": layout.done})
        self._report("layout", layout.text, layout.progress)

    def _stop_layout(self) -> None:
        self._report("layout")
        if self.points is not None:
            self._tell(points={**self.points, "done": True})
        self._measure_trust()

    def _end(self, activity: str) -> None:
        self._report(activity)
        self._measure_trust()

    def _fail(self, activity: str, error: Exception) -> None:
        self._report(activity)
        self._tell(error=str(error))

    # -- what is going on --------------------------------------------------------

    def _report(self, activity: str, text: str = "", share: float = 0.0) -> None:
        """Say what an activity is at; without words, that it is over."""
        known = self._activities.pop(activity, None)
        if text:
            self._activities[activity] = (text, share)
        now = time.monotonic()
        if text and known is not None and now - self._reported < REPORT_S:
            return
        self._reported = now
        doing, progress = next(reversed(self._activities.values()), ("", 0.0))
        self._tell(doing=doing, progress=min(max(progress, 0.0), 1.0))

    def _tell(self, **traits: Any) -> None:
        for name, value in traits.items():
            self.set_trait(name, value)

    # -- the browser's side ------------------------------------------------------

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self._shown = True
        if running_loop() is not None:
            self._begin_unless_over()
        bundle = super()._repr_mimebundle_(**kwargs)
        assert bundle is not None
        return {**bundle[0], **self._leave_picture()}, bundle[1]

    def _begin_unless_over(self) -> None:
        if self._session is None and self.status == "waiting":
            self._begin()

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        """Take a message on the thread the lens was made on.

        JupyterLab sends widgets' messages to a subshell, a thread beside the one that runs
        cells; there the model would be touched while a cell is at it.
        """
        take = super()._handle_msg
        if self._home is None or self._home.is_closed() or running_loop() is self._home:
            take(msg)
        else:
            self._home.call_soon_threadsafe(take, msg)

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take values from the browser; what is wrong with one is said there."""
        try:
            super().set_state(sync_data)
        except (t.TraitError, ValueError) as error:
            self._tell(error=str(error))
            self.send_state(list(sync_data))

    def _heard(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        request = unpack(content, buffers)
        number = request["id"]
        try:
            if request["kind"] == "hello":
                self._shown = True
                self._reply({"kind": "ok", "id": number})
                self._begin_unless_over()
                self._rank_at_last()
                self._measure_trust()
            elif request["kind"] == "cancel":
                if request.get("what"):
                    self._conductor.stop(request["what"])
                else:
                    self.cancel()
                self._reply({"kind": "ok", "id": number})
            else:
                self._answer(request)
        except Exception as error:
            self._refuse(number, error)

    def _answer(self, request: dict[str, Any]) -> None:
        if self._session is None:
            raise RuntimeError("The pass is not over yet; ask again when it is.")
        kind, number = request["kind"], request["id"]
        replies = handle(self._session, request)
        if kind == "quality":
            self._answer_quality(number, replies)
        elif kind in RUN_MODEL:
            self._conductor.here(kind, self._answering(number, replies))
        else:
            for reply in replies:
                self._reply(reply)

    def _answering(
        self, number: int, replies: Iterator[Any], on_end: Callable[[], None] = lambda: None
    ) -> Job:
        return Job(
            steps=replies,
            on_step=self._reply,
            on_end=on_end,
            on_error=partial(self._refuse, number),
            on_stop=lambda: self._reply({"kind": "dropped", "id": number}),
        )

    def _answer_quality(self, number: int, replies: Iterator[Any]) -> None:
        """Score by the index on a worker, then run the model, if need be, on this thread."""

        def run_model() -> None:
            self._conductor.here("quality", self._answering(number, replies))

        first = _through_first(replies, "quality")
        self._conductor.beside("quality", self._answering(number, first, run_model))

    def _reply(self, reply: dict[str, Any]) -> None:
        buffers: list[memoryview] = []
        content = pack(reply, buffers)
        self.send(content, buffers)

    def _refuse(self, number: int, error: Exception) -> None:
        self._reply({"kind": "error", "id": number, "message": str(error)})

    # -- reactions ---------------------------------------------------------------

    @t.observe("sampler")
    def _sampler_changed(self, _: Any) -> None:
        if self._session is not None:
            self._rank()

    @t.observe("projection")
    def _projection_changed(self, _: Any) -> None:
        if self._session is not None:
            self._lay_out()


def _fit_plan(metadata: Metadata, plan: Plan) -> Metadata:
    """Give the metadata of the items that will be read, where their number is known."""
    if plan.n_items is None:
        return metadata
    ids = plan.source.ids if plan.random_access else None
    return fit_rows(metadata, plan.n_items, ids, len(plan.dataset) if plan.random_access else None)


def _through_first(replies: Iterator[Any], kind: str) -> Iterator[Any]:
    """Take replies up to the first of a kind, and leave the rest where they are."""
    for reply in replies:
        yield reply
        if reply["kind"] == kind:
            return


def _no_bar(done: int) -> None:
    """Draw nothing."""


def _only_controls(state: dict[str, Any]) -> dict[str, Any]:
    """Refuse what is no trait that may be set."""
    for name in state:
        if name not in CONTROLS:
            raise TypeError(
                f"LatentLens has no option {name!r}; beside its parameters it takes "
                f"{', '.join(CONTROLS)}."
            )
    return state


def _other_than_rows(ids: NDArray[np.int64]) -> NDArray[np.int32] | None:
    """Give the positions in the dataset, None where they are the rows."""
    return None if (ids == np.arange(len(ids))).all() else ids.astype(np.int32)
