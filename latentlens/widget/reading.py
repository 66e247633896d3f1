"""The pass as a lens does it: in steps on the kernel's own thread, stopped and gone on with."""

from __future__ import annotations

import sys
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from latentlens.core.picture import Pictures
from latentlens.core.record import Record
from latentlens.widget.conductor import Job
from latentlens.widget.save import Saved, kept_pictures
from latentlens.widget.work import Work

if TYPE_CHECKING:
    from torch import nn

    from latentlens.extract import Pass, Plan


class Reading(Work):
    """The pass, and what else is read from the model and its data."""

    _pass: Pass | None
    _saved: Saved | None
    _render: Callable[[Any], Any] | None
    _images: Sequence[Any] | None
    _bar_step: Callable[[int], object]

    @abstractmethod
    def _adopt(self, record: Record) -> None:
        """Take over a record and show what follows from it."""

    def run(self, *, progress: bool = True) -> Self:
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
        with self._bar(progress and not self._shown) as self._bar_step, self._interruptible():
            self._begin()
            self._conductor.finish("pass")
        self._warn()
        return self

    def _warn(self) -> None:
        """Say in a script, which sees no widget, what its reader must know."""
        if self._shown or self._pass is None or not self._pass.over:
            return
        for text in self._pass.warnings:
            warnings.warn(text, UserWarning, stacklevel=_callers_level())

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Say of a pass that an interrupt ends that it stopped; the next one goes on with it."""
        try:
            yield
        finally:
            if self.status == "running":
                self._conductor.let_go("pass")
                self._report("pass")
                self._tell(status="stopped")

    def _how_far(self) -> str:
        """Give the status, and of a pass that broke off how many items it read."""
        reading = self._pass
        if self.status not in ("stopped", "failed") or reading is None:
            return self.status
        total = reading.plan.n_items
        whole = "" if total is None else f" of {total:,}"
        return f"{self.status} at {reading.done:,}{whole} items"

    @contextmanager
    def _bar(self, wanted: bool) -> Iterator[Callable[[int], object]]:
        from tqdm.auto import tqdm

        total = self._plan.n_items if self._plan else None
        with tqdm(total=total, unit=" items", disable=not wanted) as bar:
            try:
                yield lambda done: bar.update(done - bar.n)
            finally:
                self._bar_step = no_bar

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

    def _layer_name(self, layer: Any) -> Any:
        """Give the name of a module of the model; anything else as it is."""
        if self._plan is None or isinstance(layer, str):
            return layer
        named = self._plan.model.named_modules()
        return next((name for name, module in named if module is layer), layer)

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

    def _begin_unless_over(self) -> None:
        if self._session is None and self.status == "waiting":
            self._begin()

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

    def _reader(self) -> Any:
        if self._plan is None or not self._plan.random_access:
            return None
        from latentlens.extract import read_activations

        return partial(read_activations, self._plan)

    def _why_not_run(self) -> str:
        """Say why the model cannot be run on chosen items, where it cannot."""
        if self._plan is not None:
            return "its data has no random access"
        if self._saved is None or self._saved.record.meta.get("model") == "arrays":
            return "it was made from arrays or a record, not as LatentLens(model, loader)"
        return "it was loaded without a model; go on with LatentLens.load(path, model, loader)"

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


def _callers_level() -> int:
    """Count the frames up to the caller's own code, for whoever calls this."""
    level, frame = 0, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("latentlens"):
        level, frame = level + 1, frame.f_back
    return level + 1


def no_bar(done: int) -> None:
    """Draw nothing."""
