"""The session: what is known of one model and its data, and what is asked of it.

It owns the record, the rankings and the raw activations that were run for the
sample. It knows neither torch nor Jupyter: the model is reached through
`read_activations`. So it can be tested, and used, with no kernel and no browser.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.answer import Answer
from latentlens.core.checks import check_choice, check_rows
from latentlens.core.design import Design, group_weights
from latentlens.core.estimated import MeanEstimate
from latentlens.core.linear import latent_scores
from latentlens.core.metadata import Column, Metadata
from latentlens.core.meter import Draw, Meter
from latentlens.core.picture import Pictures
from latentlens.core.query import answer, cell_mean, members, row_mean
from latentlens.core.record import LayerIndex, Record
from latentlens.core.sample import ADDED, Ranking, Sample, sample_size
from latentlens.samplers import SAMPLERS
from latentlens.session import means
from latentlens.session.activations import (
    HELD_BUDGET,
    NO_ACCESS,
    RawActivations,
    ReadActivations,
)
from latentlens.session.means import SampleMean
from latentlens.session.question import Question

INDEX_LIMIT = 64 * 2**20
"""Bytes of one layer's index and sums up to which they are sent to the browser."""
LATENT_LIMIT = 32 * 2**20
"""Bytes of the latent up to which it is sent."""
TOP_UP = 10
"""How many items of a cell are added at most unless more are asked for."""


class Session(RawActivations):
    """Answers questions about one record.

    Parameters
    ----------
    record : Record
        What the pass yielded.
    read_activations : callable, optional
        Runs the model on some rows: ``(rows, layers)`` -> iterator of
        ``(rows, {layer: activations})``. Without it a layer's mean over a sample
        is known for the latent, and what `activations` has, alone.
    activations : mapping of str to ndarray of shape (n_items, units), optional
        Layers of which all items' activations are at hand.
    attribute : callable, optional
        Attributes scores to inputs: ``(rows, **options)`` -> progress and attributions.
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
    why_not_run : str
        Why there is no `read_activations`, for a message.
    """

    def __init__(
        self,
        record: Record,
        *,
        read_activations: ReadActivations | None = None,
        activations: Mapping[str, NDArray[np.float32]] | None = None,
        attribute: Callable[..., Iterator[Any]] | None = None,
        pictures: Pictures | None = None,
        metadata: Metadata | None = None,
        random_state: int = 0,
        held_budget: int = HELD_BUDGET,
        rankings: Mapping[str, Ranking] | None = None,
        why_not_run: str = NO_ACCESS,
    ) -> None:
        super().__init__(
            record, read_activations, held_budget, activations, why_not_run=why_not_run
        )
        self.attribute = attribute
        self.pictures = pictures
        self.metadata = metadata or Metadata()
        self.random_state = random_state
        self._rankings = dict(rankings or {})
        self._scores: NDArray[np.float64] | None = None
        self._lot: NDArray[np.int64] | None = None
        self._fitting = {name: threading.Lock() for name in SAMPLERS}
        self._redrawn: dict[tuple[str, int], Ranking] = {}
        self.meter = Meter(self.sample_of, self._raw, read_activations)

    # -- samples -----------------------------------------------------------------

    def ranking(self, sampler: str, seed: int | None = None) -> Ranking:
        """Give the sampler's ranking of all items, fitted once.

        Safe to call from several threads; the second caller waits for the first.

        Parameters
        ----------
        sampler : str
        seed : int, optional
            The session's own, if not given.

        Raises
        ------
        ValueError
            If there is no such sampler, or it cannot rank these items.
        """
        check_choice(sampler, "sampler", tuple(SAMPLERS))
        with self._fitting[sampler]:
            if seed is None or seed == self.random_state:
                if sampler not in self._rankings:
                    self._rankings[sampler] = self._fit(sampler, self.random_state)
                return self._rankings[sampler]
            if (sampler, seed) not in self._redrawn:
                self._redrawn[sampler, seed] = self._fit(sampler, seed)
            return self._redrawn[sampler, seed]

    def _fit(self, sampler: str, seed: int) -> Ranking:
        estimator, record = SAMPLERS[sampler].make(seed), self.record
        pred = record.pred if record.has_pred else None
        estimator.fit(record.latent, record.label, pred, record.pre_latent)
        return estimator.ranking_

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

    def sample_of(self, draw: Draw) -> Sample:
        """Give the sample that a draw names."""
        ranking = self.ranking(draw.sampler, draw.seed)
        return ranking.sample(draw.fraction, draw.j).topped_up(np.array(draw.added), ranking)

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
        if sample_mean is None and raw is not None:
            weight = group_weights(self.weights(question), member)
            rows = np.flatnonzero(weight)
            sample_mean = means.weighted_mean(raw[rows], weight[rows])
        elif sample_mean is None and run_model and self._read is not None:
            sample_mean = means.last(self.sample_mean(question)).mean
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
        """Work out the mean over the group's items in the sample; see `means.sample_mean`."""
        return means.sample_mean(self, question)

    def drawn(self, member: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
        """Draw up to `n` items of a group by chance, always the same ones; rows ascend.

        Groups that overlap share what is drawn, as far as it goes.
        """
        rows = np.flatnonzero(member)
        if len(rows) <= n:
            return rows
        if self._lot is None:
            self._lot = np.random.default_rng(self.random_state).permutation(len(self.record))
        return np.sort(rows[np.argsort(self._lot[rows])[:n]])

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

        Returns
        -------
        MeanEstimate or None
            None where raw activations cannot be had, or not all at once.
        """
        if self.raw(question.layer) is None and not self._read is not None:
            return None
        return means.last(self.sample_mean(question)).estimate

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
