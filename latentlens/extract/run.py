"""The pass: the model runs once over all items, a batch at a time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentlens.core.record import Record, count_cells
from latentlens.extract.guest import seed_everything, uninterrupted
from latentlens.extract.output import cross_entropy
from latentlens.extract.plan import Plan
from latentlens.extract.resume import open_batches
from latentlens.extract.rows import Rows
from latentlens.extract.shapes import LayerSpec
from latentlens.extract.tally import Tally
from latentlens.extract.unpack import read_labels
from latentlens.extract.watch import Watch


@dataclass(frozen=True)
class Progress:
    """How far a pass is.

    Parameters
    ----------
    done : int
        Items read.
    total : int or None
        Items in all; None for a stream.
    text : str
        The same in words.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import Pass, plan
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> step = next(Pass(chosen).steps())
    >>> step.done, step.total
    (0, 797)
    """

    done: int
    total: int | None
    text: str


class Pass:
    """One pass over a model and its data.

    Between two steps the model, its modes and the random states are exactly as
    they were, so that other work may come between.

    Parameters
    ----------
    plan : Plan

    Attributes
    ----------
    plan : Plan
    done : int
        Items read so far.
    seconds : dict of str to float
        Time spent on "data", "model" and "index".

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import Pass, plan
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> record = Pass(chosen).run(progress=False)
    >>> record.latent.shape
    (797, 84)
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.done = 0
        self.seconds = {"data": 0.0, "model": 0.0, "index": 0.0}
        self._ended = False
        self._not_finite: list[int] = []
        self._weights = ""
        self._batches: Iterator[Any] | None = None
        n, n_classes = plan.n_items, len(plan.classes)
        self._tally = Tally(plan.layers, n_classes, plan.keep, n)
        self._latent = Rows((_width(plan, plan.latent_layer),), np.float32, n)
        self._logits = Rows((n_classes,), np.float32, n)
        self._label = Rows((), np.int32, n)
        self._loss = Rows((), np.float32, n)
        before = plan.pre_latent
        self._pre_latent = None if before is None else Rows((before.units,), np.float32, n)
        self._specs = [*plan.layers, *([] if before is None else [before])]
        self._watch = Watch(plan.model, self._specs, functions=plan.functions)

    @property
    def over(self) -> bool:
        """Whether everything was read, rather than a part before a stop or an error."""
        return self._ended

    @property
    def warnings(self) -> list[str]:
        """Those of the notes without which numbers would be taken for what they are not."""
        augmented = self.plan.augmented
        return [*([augmented] if augmented else []), *_not_finite_note(self._not_finite, self.plan)]

    def steps(self) -> Iterator[Progress]:
        """Give an iterator that reads one batch a step; another one goes on where it stopped.

        A step that raises has counted nothing, and left everything as it was.

        Raises
        ------
        ModelChanged
            If the weights changed since the step before.

        Examples
        --------
        >>> from latentlens import data, models
        >>> from latentlens.extract import Pass, plan
        >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
        >>> reading = Pass(chosen)
        >>> steps = list(reading.steps())
        >>> steps[-1].done, reading.done
        (797, 797)
        """
        return _Steps(self)

    def run(self, progress: bool = True) -> Record:
        """Run the pass to its end.

        Parameters
        ----------
        progress : bool
            Whether to show a bar, in a notebook or a terminal.

        Returns
        -------
        Record

        Examples
        --------
        >>> from latentlens import data, models
        >>> from latentlens.extract import Pass, plan
        >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
        >>> len(Pass(chosen).run(progress=False))
        797
        """
        from tqdm.auto import tqdm

        with tqdm(total=self.plan.n_items, unit=" items", disable=not progress) as bar:
            bar.update(self.done)
            for step in self.steps():
                bar.update(step.done - bar.n)
        return self.record()

    def record(self) -> Record:
        """Give what was read so far; a note says so if that is not everything.

        Raises
        ------
        ValueError
            If nothing was read.

        Examples
        --------
        >>> from latentlens import data, models
        >>> from latentlens.extract import Pass, plan
        >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
        >>> reading = Pass(chosen)
        >>> for step in reading.steps():
        ...     pass
        ...
        >>> list(reading.record().layers)
        ['fc1', 'fc2', 'latent', 'fc3']
        """
        if not self.done:
            raise ValueError("The pass has read nothing yet; run it, or take a step of .steps().")
        plan = self.plan
        logits, label = self._logits.done(), self._label.done()
        pred = logits.argmax(1).astype(np.int32)
        ids = plan.source.ids
        return Record(
            latent=self._latent.done(),
            label=label,
            pred=pred,
            ids=np.arange(self.done) if ids is None else ids[: self.done].copy(),
            classes=plan.classes,
            cell_count=count_cells(label, pred, len(plan.classes)),
            latent_layer=plan.latent_layer,
            layers={layer.spec.name: layer.index() for layer in self._tally.layers},
            logits=logits,
            loss=self._loss.done(),
            pre_latent=None if self._pre_latent is None else self._pre_latent.done(),
            meta=self._meta(),
        )

    def _meta(self) -> dict[str, Any]:
        notes = [*self.plan.notes, *_not_finite_note(self._not_finite, self.plan)]
        if not self._ended:
            total = self.plan.n_items
            whole = "all" if total is None else f"{total:,}"
            notes.append(
                f"The pass was stopped after {self.done:,} of {whole} items; the rest is missing."
            )
        return {
            "model": self.plan.model_name,
            "weights": self._weights,
            "seconds": sum(self.seconds.values()),
            "timings": dict(self.seconds),
            "notes": notes,
            "random_access": self.plan.random_access,
            "batch_size": self.plan.batch_size,
            "keep": self.plan.keep,
            "torch": torch.__version__,
            "device": str(self.plan.device),
        }

    def _step(self) -> Progress | None:
        """Read one batch; None at the end."""
        if self._ended:
            return None
        if not self._weights:
            return self._prepare()
        began = time.perf_counter()
        with self.plan.guest.visit(seed=self.done):
            batch = self._next_batch()
            self.seconds["data"] += time.perf_counter() - began
            if batch is _END:
                self._ended = True
                self._tally.close()
                return None
            # Once more, so that a batch that is run again meets the same random numbers.
            seed_everything(self.done, self.plan.device)
            self._read(batch)
        return self._progress()

    def _prepare(self) -> Progress:
        """Do what comes before the first batch."""
        self.plan.guest.forget()
        self._tally.prepare()
        self._weights = weights_hash(self.plan.model)
        return Progress(0, self.plan.n_items, "ready to read")

    def _next_batch(self) -> Any:
        """Take the next batch; a source that broke off is opened again where it was."""
        if self._batches is None:
            self._batches = open_batches(self.plan, self._label.done())
        try:
            return next(self._batches, _END)
        except BaseException:
            self._batches = None
            raise

    def _read(self, batch: Any) -> None:
        began = time.perf_counter()
        plan = self.plan
        try:
            args, kwargs, target, n = plan.open_batch(batch)
            label = read_labels(target, n, plan.classes, self.done)
            logits, sound = self._run(args, kwargs, label)
            ran = time.perf_counter()
            self.seconds["model"] += ran - began
            # Counted as a whole or not at all, so that a stopped pass is still a record.
            with uninterrupted(), torch.inference_mode():
                self._count(logits, label, sound)
            self.seconds["index"] += time.perf_counter() - ran
        except BaseException:
            self._give_back(batch)
            raise
        finally:
            self._watch.expect(0, None)

    def _run(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], label: NDArray[np.int32]
    ) -> tuple[Tensor, Tensor]:
        """Run the model on a batch, catch what is counted; give logits, and which are sound."""
        n = len(label)
        self._watch.expect(n, kwargs.get("attention_mask"))
        with torch.inference_mode():
            with self._watch:
                output = self.plan.model(*args, **kwargs)
            logits, sound = self.plan.read_scores(output, n)
        self._check_caught()
        # The scores may have been brought elsewhere, or the model lie on several devices.
        finite = self._watch.caught[self.plan.latent_layer].isfinite().all(1)
        return logits, sound & finite.to(sound.device)

    def _give_back(self, batch: Any) -> None:
        """Keep a batch that was not counted for the next step."""
        if self._batches is not None:
            self._batches = chain([batch], self._batches)

    def _count(self, logits: Tensor, label: np.ndarray[Any, Any], sound: Tensor) -> None:
        scores = logits.cpu()
        pred = scores.numpy().argmax(1).astype(np.int32)
        loss = cross_entropy(scores, torch.from_numpy(label).long())
        caught = self._watch.caught
        self._not_finite += (self.done + np.flatnonzero(~sound.cpu().numpy())).tolist()
        counted = self._tally.add(caught, label, pred)
        self._latent.add(counted[self.plan.latent_layer].cpu().numpy())
        if self._pre_latent is not None and self.plan.pre_latent is not None:
            before = torch.nan_to_num(caught[self.plan.pre_latent.name], 0.0, 0.0, 0.0)
            self._pre_latent.add(before.cpu().numpy())
        self._logits.add(scores.numpy())
        self._label.add(label)
        self._loss.add(loss.numpy())
        self.done += len(label)

    def _check_caught(self) -> None:
        wanted: list[LayerSpec] = list(self.plan.layers)
        missing = [spec.name for spec in wanted if spec.name not in self._watch.caught]
        if missing:
            raise ValueError(
                f"{', '.join(missing[:5])} ran for the first batch but not for the one at item "
                f"{self.done:,}. Leave out with layers= what does not run every time."
            )

    def _progress(self) -> Progress:
        total = self.plan.n_items
        text = f"{self.done:,} items" if total is None else f"{self.done:,} of {total:,} items"
        return Progress(self.done, total, text)


class _Steps:
    """An iterator that an interrupt does not end, as it would a generator."""

    def __init__(self, run: Pass) -> None:
        self._run: Pass | None = run

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Progress:
        step = None if self._run is None else self._run._step()
        if step is None:
            raise StopIteration
        return step

    def close(self) -> None:
        """Take no further step."""
        self._run = None


_END = object()


def weights_hash(model: nn.Module) -> str:
    """Give the sha256 of all parameters and buffers, with their names, as 64 hex digits."""
    digest = hashlib.sha256()
    for name, tensor in chain(model.named_parameters(), model.named_buffers()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        values = tensor.detach().contiguous().cpu().reshape(-1)
        if values.numel():
            digest.update(values.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _width(plan: Plan, name: str) -> int:
    return next(spec.units for spec in plan.layers if spec.name == name)


def _not_finite_note(rows: list[int], plan: Plan) -> list[str]:
    """Say which items the model has no finite answer for; none is left out."""
    if not rows:
        return []
    items = "1 item has" if len(rows) == 1 else f"{len(rows):,} items have"
    return [
        f"{items} a latent or logits that are NaN or infinite; the first is row {rows[0]:,}. "
        f"They are not left out: such a value of {plan.latent_layer} counts as zero, so their "
        "place, their rank and their predicted class mean nothing. Check these items' inputs."
    ]
