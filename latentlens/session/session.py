"""The session: what is known of one model and its data, and what is asked of it.

It owns the record, the rankings and the raw activations that were run for the
sample. It knows neither torch nor Jupyter: the model is reached through
`read_activations`. So it can be tested, and used, with no kernel and no browser.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.answer import Answer
from latentlens.core.checks import check_choice, check_rows
from latentlens.core.design import Design
from latentlens.core.estimate import MeanEstimate, mean_estimate, value_bounds
from latentlens.core.fidelity import QuerySet
from latentlens.core.held import HeldActivations
from latentlens.core.linear import latent_scores
from latentlens.core.metadata import Column, Metadata
from latentlens.core.meter import Draw, Meter, Scores
from latentlens.core.picture import Pictures
from latentlens.core.query import answer, cell_mean, members, row_mean
from latentlens.core.record import LayerIndex, Record
from latentlens.core.sample import ADDED, Ranking, Sample, sample_size
from latentlens.samplers import SAMPLERS
from latentlens.session.question import Question

INDEX_LIMIT = 64 * 2**20
"""Bytes of one layer's index and sums up to which they are sent to the browser."""
LATENT_LIMIT = 32 * 2**20
"""Bytes of the latent up to which it is sent."""
HELD_BUDGET = 256 * 2**20
"""Bytes of raw activations kept for items of samples."""
REFERENCES = ("random", "coreset")
"""Samplers that a sample is compared with."""
TOP_UP = 10
"""How many items of a cell are added at most unless more are asked for."""

ReadActivations = Callable[
    [NDArray[np.int64], Sequence[str]],
    Iterator[tuple[NDArray[np.int64], Mapping[str, NDArray[np.float32]]]],
]


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
    metadata : Metadata, optional
        What is known of each item besides, one value per row.
    random_state : int
        Seed of every sampler.
    held_budget : int
        Bytes of raw activations that may be kept.
    rankings : mapping of str to Ranking, optional
        Rankings of these items that were fitted before, by sampler.
    """

    def __init__(
        self,
        record: Record,
        *,
        read_activations: ReadActivations | None = None,
        pictures: Pictures | None = None,
        metadata: Metadata | None = None,
        random_state: int = 0,
        held_budget: int = HELD_BUDGET,
        rankings: Mapping[str, Ranking] | None = None,
    ) -> None:
        self.record = record
        self.held = HeldActivations(len(record), held_budget)
        self._read = read_activations
        self.pictures = pictures
        self.metadata = metadata or Metadata()
        self._random_state = random_state
        self._rankings = dict(rankings or {})
        self._scores: NDArray[np.float64] | None = None
        self._lot: NDArray[np.int64] | None = None
        self._fitting = {name: threading.Lock() for name in SAMPLERS}
        self._raw = self._at_hand()
        self.meter = Meter(lambda draw: self.sample(*draw), self._raw, read_activations)

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

    @property
    def rankings(self) -> dict[str, Ranking]:
        """The rankings that were fitted so far, by sampler."""
        return dict(self._rankings)

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

    def weights(self, question: Question) -> NDArray[np.float64]:
        """Give what each item of the question's sample stands for, 0 outside it."""
        sample = self.sample(question.sampler, question.fraction, question.j, added=question.added)
        weight = np.zeros(len(self.record))
        weight[sample.index] = sample.weight
        return weight

    def _group(self, question: Question) -> dict[str, Any]:
        return {
            "label_class": self.label_class(question.label),
            "by": question.by,
            "correctness": question.correctness,
            "selection": question.selection,
        }

    def raw(self, layer: str) -> NDArray[np.float32] | None:
        """Give a layer's raw activations where all items' are at hand."""
        return self._raw.get(layer)

    def _at_hand(self) -> dict[str, NDArray[np.float32]]:
        """Find the layers that the record holds whole: the latent, and that of the logits."""
        record = self.record
        raw = {record.latent_layer: record.latent}
        if record.logits is not None:
            held = (name for name, layer in record.layers.items() if _holds(layer, record.logits))
            raw = {**dict.fromkeys(held, record.logits), **raw}
        return raw

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

    def answer(
        self,
        question: Question,
        *,
        run_model: bool = False,
        sample_mean: NDArray[np.float64] | None = None,
    ) -> Answer:
        """Answer a question as the panes show it.

        Parameters
        ----------
        question : Question
        run_model : bool
            Whether to run the model for a sample's mean that is not at hand; if
            not, that part of the answer is None.
        sample_mean : ndarray of shape (units,), float64, optional
            The sample's mean as it was estimated, in place of the plain one.
        """
        layer, raw = self.layer(question.layer), self.raw(question.layer)
        member, exact = self.member(question), self.exact_mean(question)
        if raw is not None and exact is None:
            exact = row_mean(raw, member)
        can_run = run_model and self._read is not None
        if sample_mean is None and (raw is not None or can_run):
            sample_mean = last(self.sample_mean(question)).mean
        return answer(
            layer,
            roles=self.roles(question),
            member=member,
            k=question.k,
            measure=question.measure,
            sample_mean=sample_mean,
            exact_mean=exact,
        )

    def sample_mean(self, question: Question) -> Iterator[tuple[int, int] | SampleMean]:
        """Work out the weighted mean activation over the group's items in the sample.

        Runs the model on those items that are not held yet; yields (done, total)
        on the way and the `SampleMean` at last.

        Raises
        ------
        ValueError
            If the model cannot be run on chosen items.
        """
        layer = self.layer(question.layer)
        weight = np.where(self.member(question), self.weights(question), 0.0)
        rows = np.flatnonzero(weight).astype(np.int64)
        raw = self.raw(question.layer)
        if raw is not None:
            total = weighted_sum(raw[rows], weight[rows])
            yield SampleMean(_over(total, weight), len(rows), "at hand for every item")
            return
        if self._read is None:
            raise ValueError(
                f"The sample's mean of {layer.name!r} needs the model run on chosen items, which "
                "this lens cannot do: its data has no random access, or it was made "
                "from arrays or loaded without its model."
            )
        yield from self._run_for_mean(layer, rows, weight)

    def _run_for_mean(
        self, layer: LayerIndex, rows: NDArray[np.int64], weight: NDArray[np.float64]
    ) -> Iterator[tuple[int, int] | SampleMean]:
        n_run = len(self.held.missing(layer.name, rows))
        total = np.zeros(layer.units)
        for done, n_missing, chunk, values in self.read(layer, rows):
            total += weighted_sum(values, weight[chunk])
            if done:
                yield done, n_missing
        yield SampleMean(_over(total, weight), len(rows), self._what_it_took(n_run))

    def read(
        self, layer: LayerIndex, rows: NDArray[np.int64]
    ) -> Iterator[tuple[int, int, NDArray[np.int64], NDArray[np.float32]]]:
        """Give activations piece by piece: what is held, then what is run, and held if it fits.

        Yields
        ------
        (done, total, rows, activations)
            Items run so far and in all, and one piece.
        """
        assert self._read is not None
        missing = self.held.missing(layer.name, rows)
        known = np.setdiff1d(rows, missing, assume_unique=True)
        fits = 4 * layer.units * len(missing) <= self.held.budget
        if len(known):
            yield 0, len(missing), known, self.held.values(layer.name, known)
        kept_rows: list[NDArray[np.int64]] = []
        kept: list[NDArray[np.float32]] = []
        done = 0
        for chunk, activations in self._read(missing, [layer.name]) if len(missing) else ():
            values = activations[layer.name]
            if fits:
                kept_rows.append(chunk)
                kept.append(values)
            done += len(chunk)
            yield done, len(missing), chunk, values
        if kept:
            self.held.hold(layer.name, np.concatenate(kept_rows), np.concatenate(kept))

    def has_activations(self, layer: LayerIndex) -> bool:
        """Whether a layer's activations are at hand, or the model can be run for them."""
        return self._read is not None or layer.name in self._raw

    @property
    def layers_at_hand(self) -> tuple[str, ...]:
        """Names of the layers of which every item's activations are at hand."""
        return tuple(self._raw)

    def drawn(self, member: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
        """Draw up to `n` items of a group by chance, always the same ones; rows ascend.

        Groups that overlap share what is drawn, as far as it goes.
        """
        rows = np.flatnonzero(member)
        if len(rows) <= n:
            return rows
        if self._lot is None:
            self._lot = np.random.default_rng(self._random_state).permutation(len(self.record))
        return np.sort(rows[np.argsort(self._lot[rows])[:n]])

    def _what_it_took(self, n_run: int) -> str:
        ran = f"ran the model on {n_run:,} items" if n_run else "all held from earlier questions"
        return f"{ran}; {self.held.nbytes / 2**20:.1f} of {self.held.budget / 2**20:.0f} MB held"

    # -- fidelity ----------------------------------------------------------------

    def compared(self, *samplers: str) -> list[str]:
        """Give the samplers to be shown beside some: those, random and coreset.

        A reference that cannot rank these items is left out.
        """
        for name in samplers:
            self.ranking(name)
        wanted = dict.fromkeys((*samplers, *REFERENCES))
        return [name for name in wanted if name in SAMPLERS and self._ranks(name)]

    def _ranks(self, sampler: str) -> bool:
        try:
            self.ranking(sampler)
        except ValueError:
            return False
        return True

    def draw(self, sampler: str, fraction: float, j: float) -> Draw:
        """Name a sample, whatever has no say in it put at 1."""
        ranking = self.ranking(sampler)
        return Draw(
            sampler, float(fraction) if ranking.uses_fraction else 1.0, j if ranking.uses_j else 1.0
        )

    def fidelity(
        self, queries: QuerySet, draws: Sequence[Draw]
    ) -> Iterator[tuple[int, int] | Scores]:
        """Score samples cell by cell.

        Runs the model, where it can, on those of their items that need it; what was
        found is remembered.

        Yields
        ------
        (done, total) or Scores
            Progress, and the scores at last.

        Raises
        ------
        ValueError
            If no item's class is known.
        """
        if not len(queries.cells):
            raise ValueError(why_no_quality(queries))
        yield from self.meter.from_index(queries, draws)
        yield from self.meter.from_model(queries, draws)
        yield self.meter.scores(queries, draws)

    def without_means(self, queries: QuerySet) -> tuple[str, ...]:
        """Name the layers whose means over a sample cannot be had here."""
        return self.meter.unknown(queries)

    def most_outlying(self, question: Question, n: int | None = None) -> NDArray[np.int64]:
        """Find items of a group that its sample does not take, the most outlying first.

        Parameters
        ----------
        question : Question
        n : int, optional
            How many; if not given, the sample's fraction of the group, at least 1
            and at most 10. Fewer where the group has no more.

        Returns
        -------
        ndarray of shape (at most n,), int64
            Rows.

        Raises
        ------
        ValueError
            If the group is empty in the data.
        """
        member = self.member(question)
        size = int(member.sum())
        if not size:
            raise ValueError("The data have no item in this group, so there is none to add.")
        if n is None:
            n = min(TOP_UP, sample_size(question.fraction, size))
        ranking = self.ranking(question.sampler)
        rows = np.flatnonzero(member & (self.roles(question) == 0))
        return rows[np.lexsort((ranking.rank[rows], ranking.log_ratio[rows]))][:n]

    # -- estimates ---------------------------------------------------------------

    @property
    def scores(self) -> NDArray[np.float64]:
        """What is known of every item and estimates lean on: components of the latent."""
        if self._scores is None:
            self._scores = latent_scores(self.record.latent)
        return self._scores

    def design(self, question: Question) -> Design:
        """Say how the question's sample was drawn."""
        sample = self.sample(question.sampler, question.fraction, question.j, question.added)
        return Design.of(sample, self.ranking(question.sampler))

    def estimate(self, question: Question) -> MeanEstimate | None:
        """Estimate the group's mean activation from the sample, with intervals.

        Runs the model on sampled items whose activations are not held: all of
        them where chance drew them, for they all teach the regression; else
        those of the group.

        Returns
        -------
        MeanEstimate or None
            None where raw activations cannot be had, or not all at once.
        """
        layer, member = self.layer(question.layer), self.member(question)
        design = self.design(question)
        fits = 4 * layer.units * len(design) <= self.held.budget
        if design.why_not or not fits:
            design = design.only(member[design.rows])
        values = self.activations(layer, design.rows)
        if values is None:
            return None
        # The latent's own means are known; regressed on itself it would tell nothing.
        leans = fits and layer.name != self.record.latent_layer
        return mean_estimate(
            values,
            design,
            member=member,
            bounds=value_bounds(layer, member),
            scores=self.scores if leans else None,
        )

    def activations(self, layer: LayerIndex, rows: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Give raw activations, shape (len(rows), units), and hold what was run for them.

        Returns None where the model cannot be run or they exceed the budget.
        """
        raw = self.raw(layer.name)
        if raw is not None:
            return raw[rows]
        if self._read is None or 4 * layer.units * len(rows) > self.held.budget:
            return None
        values = np.empty((len(rows), layer.units), np.float32)
        missing = self.held.missing(layer.name, rows)
        new = np.isin(rows, missing)
        if not new.all():
            values[~new] = self.held.values(layer.name, rows[~new])
        if len(missing):
            read = [chunk[layer.name] for _, chunk in self._read(missing, [layer.name])]
            values[new] = np.concatenate(read)
            self.held.hold(layer.name, missing, values[new])
        return values

    # -- what is known of the items ----------------------------------------------

    @property
    def columns(self) -> dict[str, Column]:
        """The columns that conditions may be about: the loss, and those of the metadata."""
        loss = self.record.loss
        own = {} if loss is None else {"loss": loss}
        numbers = {
            name: Column(name=name, origin="float", values=values.astype(np.float64))
            for name, values in own.items()
        }
        return {**numbers, **self.metadata}

    # -- what can be sent ------------------------------------------------------------

    def in_browser(self, layer: LayerIndex) -> bool:
        """Whether a layer is small enough to be sent."""
        return layer.index_bytes + layer.cell_sum.nbytes <= INDEX_LIMIT

    @property
    def latent_in_browser(self) -> bool:
        """Whether the latent is small enough to be sent."""
        return self.record.latent.nbytes <= LATENT_LIMIT

    def picture_kind(self) -> str:
        """Say what a thumbnail of an item is; "none" if there is nothing to show."""
        return "none" if self.pictures is None else self.pictures.kind()


def _holds(layer: LayerIndex, logits: NDArray[np.float32]) -> bool:
    """Whether a layer's activations are the logits, to the last bit."""
    # An index that holds fewer units than there are says nothing of the rest.
    if not layer.keep == layer.units == logits.shape[1]:
        return False
    top = np.take_along_axis(logits, layer.top_unit.astype(np.int64), axis=1)
    return np.array_equal(top, layer.top_value)


def weighted_sum(values: NDArray[np.float32], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum rows by weight, in float64."""
    total: NDArray[np.float64] = (values * weight[:, None]).sum(axis=0)
    return total


def _over(total: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide by all the weight; NaN throughout where there is none."""
    whole = weight.sum()
    return total / whole if whole else np.full(len(total), np.nan)


def last(steps: Iterator[tuple[int, int] | SampleMean]) -> SampleMean:
    """Drive `sample_mean` to its end."""
    for step in steps:
        if isinstance(step, SampleMean):
            return step
    raise RuntimeError("sample_mean ended without a mean.")


def why_no_quality(queries: QuerySet) -> str:
    """Say why samples cannot be scored."""
    if len(queries.cells):
        return f"k = {queries.k} covers all units of every layer; lower k to score a sample."
    known = "label" if queries.by == "true" else "prediction"
    return f"No item's {known} is known, so there are no cells to score a sample by."
