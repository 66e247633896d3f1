"""One question in, one answer out.

The session owns the record, the rankings and the raw activations that were run
for the sample. It knows neither torch nor Jupyter: the model is reached through
`read_activations`, and what it answers are plain dicts of NumPy arrays, which
`widget/wire.py` packs. So it can be tested, and used, with no kernel and no browser.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.answer import Answer
from latentlens.core.checks import check_choice, check_rows
from latentlens.core.held import HeldActivations
from latentlens.core.picture import Pictures
from latentlens.core.query import answer, cell_mean, members
from latentlens.core.record import LayerIndex, Record
from latentlens.core.sample import ADDED, Ranking, Sample
from latentlens.samplers import SAMPLERS

INDEX_LIMIT = 64 * 2**20
"""Bytes of one layer's index and sums up to which they are sent to the browser."""
LATENT_LIMIT = 32 * 2**20
"""Bytes of the latent up to which it is sent."""
HELD_BUDGET = 256 * 2**20
"""Bytes of raw activations kept for items of samples."""
PICTURES_AT_ONCE = 200

ReadActivations = Callable[
    [NDArray[np.int64], Sequence[str]],
    Iterator[tuple[NDArray[np.int64], Mapping[str, NDArray[np.float32]]]],
]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One state of the controls; see `protocol.Question` for the fields."""

    layer: str
    sampler: str = "max_margin"
    fraction: float = 0.05
    j: float = 0.7
    label: str = ""
    by: str = "true"
    correctness: str = "all"
    k: int = 10
    measure: str = "max"
    selection: NDArray[np.uint32] | None = None
    added: NDArray[np.uint32] | None = None

    @classmethod
    def read(cls, message: Mapping[str, Any]) -> Question:
        """Take the fields of a message that a question has."""
        return cls(**{f.name: message[f.name] for f in fields(cls) if f.name in message})


@dataclass(frozen=True)
class SampleMean:
    """The mean activation over some items, and what it took to know it."""

    mean: NDArray[np.float64]
    n_used: int
    note: str


class Session:
    """Answers questions about one record.

    Parameters
    ----------
    record : Record
        What the pass yielded.
    read_activations : callable, optional
        Runs the model on some rows: ``(rows, layers)`` -> iterator of
        ``(rows, {layer: activations})``. Without it a layer's mean over a sample
        is known for the latent alone.
    pictures : Pictures, optional
        What people see of an item.
    random_state : int
        Seed of every sampler.
    held_budget : int
        Bytes of raw activations that may be kept.
    """

    def __init__(
        self,
        record: Record,
        *,
        read_activations: ReadActivations | None = None,
        pictures: Pictures | None = None,
        random_state: int = 0,
        held_budget: int = HELD_BUDGET,
    ) -> None:
        self.record = record
        self.held = HeldActivations(len(record), held_budget)
        self._read = read_activations
        self._pictures = pictures
        self._random_state = random_state
        self._rankings: dict[str, Ranking] = {}
        self._fitting = {name: threading.Lock() for name in SAMPLERS}

    # -- samples -----------------------------------------------------------------

    def ranking(self, sampler: str) -> Ranking:
        """Give the sampler's ranking of all items, fitted once.

        Safe to call from several threads; the second caller waits for the first.

        Raises
        ------
        ValueError
            If there is no such sampler, or it cannot rank these items.
        """
        check_choice(sampler, "sampler", tuple(SAMPLERS))
        with self._fitting[sampler]:
            if sampler not in self._rankings:
                estimator = SAMPLERS[sampler].make(self._random_state)
                record = self.record
                pred = record.pred if record.has_pred else None
                estimator.fit(record.latent, record.label, pred, record.pre_latent)
                self._rankings[sampler] = estimator.ranking_
            return self._rankings[sampler]

    def sample(
        self, sampler: str, fraction: float, j: float, added: ArrayLike | None = None
    ) -> Sample:
        """Cut a sample from the sampler's ranking, and take the `added` rows besides."""
        ranking = self.ranking(sampler)
        sample = ranking.sample(fraction, j)
        if added is None:
            return sample
        return sample.topped_up(check_rows(added, "added", len(self.record)), ranking)

    # -- answers -----------------------------------------------------------------

    def layer(self, name: str) -> LayerIndex:
        """Give a watched layer.

        Raises
        ------
        ValueError
            If no such layer is watched.
        """
        check_choice(name, "layer", tuple(self.record.layers))
        return self.record.layers[name]

    def label_class(self, label: str) -> int | None:
        """Give the number of the class named `label`; None for the empty name."""
        if label == "":
            return None
        check_choice(label, "label", self.record.classes)
        return self.record.classes.index(label)

    def member(self, question: Question) -> NDArray[np.bool_]:
        """Say which items belong to the group a question is about."""
        return members(self.record.label, self.record.pred, **self._group(question))

    def roles(self, question: Question) -> NDArray[np.uint8]:
        """Say which items the question's sample takes, and as what."""
        roles = self.ranking(question.sampler).roles(question.fraction, question.j)
        if question.added is not None:
            rows = check_rows(question.added, "added", len(self.record))
            roles[rows[roles[rows] == 0]] = ADDED
        return roles

    def _group(self, question: Question) -> dict[str, Any]:
        return {
            "label_class": self.label_class(question.label),
            "by": question.by,
            "correctness": question.correctness,
            "selection": question.selection,
        }

    def raw(self, layer: str) -> NDArray[np.float32] | None:
        """Give a layer's raw activations where all items' are at hand."""
        return self.record.latent if layer == self.record.latent_layer else None

    def exact_mean(self, question: Question) -> NDArray[np.float64] | None:
        """Give the mean over the whole group, None where only a sample can tell."""
        if question.selection is not None:
            return None
        group = self._group(question)
        del group["selection"]
        return cell_mean(
            self.layer(question.layer).cell_sum,
            self.record.cell_count,
            n_group=int(self.member(question).sum()),
            **group,
        )

    def answer(self, question: Question, *, run_model: bool = False) -> Answer:
        """Answer a question as the panes show it.

        Parameters
        ----------
        question : Question
        run_model : bool
            Whether to run the model for a sample's mean that is not at hand; if
            not, that part of the answer is None.
        """
        layer, raw = self.layer(question.layer), self.raw(question.layer)
        sample_mean = None
        if run_model and raw is None and self._read is not None:
            sample_mean = last(self.sample_mean(question)).mean
        return answer(
            layer,
            roles=self.roles(question),
            member=self.member(question),
            k=question.k,
            measure=question.measure,
            raw=raw,
            sample_mean=sample_mean,
            exact_mean=self.exact_mean(question),
        )

    def sample_mean(self, question: Question) -> Iterator[tuple[int, int] | SampleMean]:
        """Work out the mean activation over the group's items in the sample.

        Runs the model on those items that are not held yet; yields (done, total)
        on the way and the `SampleMean` at last.

        Raises
        ------
        ValueError
            If the model cannot be run on chosen items.
        """
        layer = self.layer(question.layer)
        used = (self.roles(question) > 0) & self.member(question)
        rows = np.flatnonzero(used).astype(np.int64)
        raw = self.raw(question.layer)
        if raw is not None:
            yield SampleMean(mean_of(raw[rows]), len(rows), "from the latent of every item")
            return
        if self._read is None:
            raise ValueError(
                f"The sample's mean of {layer.name!r} needs the model run on chosen items, which "
                "this lens cannot do: its data has no random access, or it was made from arrays."
            )
        yield from self._run_for_mean(layer, rows)

    def _run_for_mean(
        self, layer: LayerIndex, rows: NDArray[np.int64]
    ) -> Iterator[tuple[int, int] | SampleMean]:
        assert self._read is not None
        missing = self.held.missing(layer.name, rows)
        known = np.setdiff1d(rows, missing, assume_unique=True)
        fits = 4 * layer.units * len(missing) <= self.held.budget
        total = np.zeros(layer.units)
        if len(known):
            total += self.held.values(layer.name, known).sum(axis=0, dtype=np.float64)
        kept_rows: list[NDArray[np.int64]] = []
        kept: list[NDArray[np.float32]] = []
        done = 0
        for chunk, activations in self._read(missing, [layer.name]) if len(missing) else ():
            values = activations[layer.name]
            total += values.sum(axis=0, dtype=np.float64)
            if fits:
                kept_rows.append(chunk)
                kept.append(values)
            done += len(chunk)
            yield done, len(missing)
        if kept:
            self.held.hold(layer.name, np.concatenate(kept_rows), np.concatenate(kept))
        mean = total / len(rows) if len(rows) else np.full(layer.units, np.nan)
        yield SampleMean(mean, len(rows), self._what_it_took(len(missing)))

    def _what_it_took(self, n_run: int) -> str:
        ran = f"ran the model on {n_run:,} items" if n_run else "all held from earlier questions"
        return f"{ran}; {self.held.nbytes / 2**20:.1f} of {self.held.budget / 2**20:.0f} MB held"

    # -- messages ----------------------------------------------------------------

    def handle(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Answer one request: progress replies, then one reply of substance.

        Raises
        ------
        ValueError
            If the request cannot be answered; the message says why.
        """
        kind, number = request["kind"], request["id"]
        answers: dict[str, Callable[[Mapping[str, Any]], Iterator[dict[str, Any]]]] = {
            "layer": self._reply_layer,
            "latent": self._reply_latent,
            "means": self._reply_means,
            "answer": self._reply_answer,
            "pictures": self._reply_pictures,
        }
        check_choice(kind, "kind", tuple(answers))
        for reply in answers[kind](request):
            yield {"id": number, **reply}

    def in_browser(self, layer: LayerIndex) -> bool:
        """Whether a layer is small enough to be sent."""
        return layer.index_bytes + layer.cell_sum.nbytes <= INDEX_LIMIT

    @property
    def latent_in_browser(self) -> bool:
        """Whether the latent is small enough to be sent."""
        return self.record.latent.nbytes <= LATENT_LIMIT

    def picture_kind(self) -> str:
        """Say what a thumbnail of an item is; "none" if there is nothing to show."""
        return "none" if self._pictures is None else self._pictures.kind()

    def _reply_layer(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        layer = self.layer(request["layer"])
        yield {
            "kind": "layer",
            "layer": layer.name,
            "top_unit": layer.top_unit,
            "top_value": layer.top_value,
            "silent": layer.silent.astype(np.uint8),
            "cell_sum": layer.cell_sum,
            "cell_count": self.record.cell_count.astype(np.float64),
        }

    def _reply_latent(self, _: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        yield {"kind": "latent", "latent": self.record.latent}

    def _reply_means(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        question = Question.read(request["question"])
        for step in self.sample_mean(question):
            if isinstance(step, SampleMean):
                yield {
                    "kind": "means",
                    "mean": step.mean,
                    "n_used": step.n_used,
                    "exact": self.exact_mean(question),
                    "note": step.note,
                }
            else:
                yield {"kind": "progress", "done": step[0], "total": step[1]}

    def _reply_answer(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        question = Question.read(request["question"])
        yield {"kind": "answer", "answer": parts_of(self.answer(question))}

    def _reply_pictures(self, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        rows = [int(row) for row in request["rows"]]
        if len(rows) > PICTURES_AT_ONCE:
            raise ValueError(f"At most {PICTURES_AT_ONCE} pictures at a time; got {len(rows)}.")
        if self._pictures is None:
            yield {"kind": "pictures", "pictures": [{"row": r, "kind": "none"} for r in rows]}
            return
        drawn = zip(rows, self._pictures(rows), strict=True)
        yield {"kind": "pictures", "pictures": [_picture_message(row, p) for row, p in drawn]}


def _picture_message(row: int, picture: Any) -> dict[str, Any]:
    return {"row": row, **{k: v for k, v in parts_of(picture).items() if v is not None}}


def parts_of(value: Any) -> Any:
    """Write a frozen dataclass, and those inside it, as dicts; arrays are not copied."""
    if not is_dataclass(value):
        return value
    return {f.name: parts_of(getattr(value, f.name)) for f in fields(value)}


def mean_of(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Average rows in float64; NaN throughout where there are none."""
    if not len(values):
        return np.full(values.shape[1], np.nan)
    mean: NDArray[np.float64] = values.mean(axis=0, dtype=np.float64)
    return mean


def last(steps: Iterator[tuple[int, int] | SampleMean]) -> SampleMean:
    """Drive `sample_mean` to its end."""
    for step in steps:
        if isinstance(step, SampleMean):
            return step
    raise RuntimeError("sample_mean ended without a mean.")
