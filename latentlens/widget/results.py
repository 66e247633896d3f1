"""What a lens answers in Python: the numbers of its panes, and some more."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.checks import check_count, check_share
from latentlens.core.fidelity import QuerySet, group_cells
from latentlens.core.meter import Scores
from latentlens.core.record import Record
from latentlens.session import Question, Session, fidelity
from latentlens.session.fidelity import Point
from latentlens.widget import frames
from latentlens.widget.drawn import DrawnSample
from latentlens.widget.fidelity import Fidelity, fidelity_frame, fidelity_notes, missing_frame
from latentlens.widget.frames import On
from latentlens.widget.groups import Comparison, compare, read_group, the_rest
from latentlens.widget.neurons import Neurons
from latentlens.widget.questions import Questions
from latentlens.widget.run_on_rows import run_on_rows
from latentlens.widget.sample_run import SampleRun

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from latentlens.extract import Plan


class Results(Neurons):
    """The answers of a lens, whose controls are its traits.

    Nothing here touches the browser: `LatentLens` brings the session.
    """

    _plan: Plan | None
    _xy: NDArray[np.float32] | None
    _shown: bool

    @abstractmethod
    def _ready(self) -> Session:
        """Give the session; run the pass first if need be."""

    @property
    def record(self) -> Record:
        """What the pass yielded; the pass is run if need be.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.record.latent.shape, lens.record.classes
        ((6, 2), ('0', '1'))
        """
        return self._ready().record

    @property
    def sample(self) -> DrawnSample:
        """The current sample: `.index`, `.role`, `.weight`, `.frame`, `.subset()`.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.sampler, lens.fraction = "random", 0.5
        >>> lens.sample.index.tolist(), lens.sample.probability
        ([4, 2, 1], True)
        """
        session = self._ready()
        drawn = session.sample(self.sampler, self.fraction, self.j, self.added)
        dataset = self._plan.dataset if self._plan and self._plan.random_access else None
        return DrawnSample.of(drawn, dataset=dataset, ids=session.record.ids)

    @property
    def frame(self) -> pd.DataFrame:
        """All items, one row each: classes, loss, role in the sample, place, and metadata.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.frame.query("not correct")[["true", "pred"]]
            true pred
        row
        2      0    1
        5      1    0
        """
        session = self._ready()
        assert self._xy is not None
        ranking = session.ranking(self.sampler)
        roles = session.roles(self._question())
        return frames.items_frame(session.record, ranking, roles, self._xy, session.metadata)

    def top_k(
        self,
        k: int | None = None,
        *,
        layer: str | None = None,
        label: str | None = None,
        by: str | None = None,
        correctness: str | None = None,
        measure: str | None = None,
        selection: ArrayLike | None = None,
        on: On = "sample",
    ) -> pd.DataFrame:
        """Give the k most activated units of a group (query set S1 of [1]_).

        Whatever is not given is as the controls have it.

        Parameters
        ----------
        k : int, optional
            How many units.
        layer, label, by, correctness : str, optional
            The layer and the group; ``label=""`` for all classes.
        measure : {"max", "count", "mean"}, optional
            By what units are ranked.
        selection : array of rows, optional
            Only these items; an empty one stands for all.
        on : {"sample", "all"}
            Over the group's items in the sample, or all of them, which is exact.

        Returns
        -------
        DataFrame
            Indexed by place from 1: unit, value, and on a sample the exact value
            where it is known and whether the unit is among the exact top k; with
            kind, n_used, n_group and effective_n, and low and high: a mean's
            interval, or what a maximum is at least; the value itself where it is
            exact. ``.attrs`` has precision@k,
            chance, and ``read_out``, a line that says what all of it is worth.

        References
        ----------
        .. [1] P. Mehta et al., "Sampling for Deep Learning Model Diagnosis",
           arXiv:2002.09754, section on query sets.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.top_k(k=1, correctness="incorrect", on="all")
               unit  value  low  high   kind  n_used  n_group  effective_n
        place
        1         0    0.6  0.6   0.6  exact       2        2          2.0
        """
        question = self._question(
            k=k, layer=layer, label=label, by=by, correctness=correctness, measure=measure,
            selection=selection,
        )  # fmt: skip
        session, estimate = self._ready(), None
        by_mean = question.measure == "mean"
        if by_mean and _checked(on) == "sample":
            estimate = session.estimate(question)
        answer = session.answer(
            question,
            run_model=by_mean and estimate is None,
            sample_mean=None if estimate is None else estimate.mean,
        )
        frame = frames.top_k_frame(answer, _checked(on), question.measure, estimate)
        return frames.with_worth(
            frame, session.design(question), session.member(question),
            maxima=question.measure == "max",
        )  # fmt: skip

    def mean_activation(
        self,
        *,
        layer: str | None = None,
        label: str | None = None,
        by: str | None = None,
        correctness: str | None = None,
        selection: ArrayLike | None = None,
        on: On = "sample",
    ) -> pd.DataFrame:
        """Give each unit's mean activation over a group (query set S2).

        Over a sample the model is run on those of its items whose activations
        are not held yet. Parameters as in `top_k`.

        Returns
        -------
        DataFrame
            Indexed by unit: mean, and on a sample its interval (low, high, and
            the method and what it is worth) and the exact mean where it is known;
            with kind, n_used, n_group and effective_n. Only a sample drawn by
            chance has intervals. ``.attrs`` has the cosine distance, or the
            predicted one where the exact mean is not known, ``note`` with the
            reason for what is missing, and ``read_out``, all of it in one line.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.mean_activation(label="1", on="all")
                  mean       low      high   kind  n_used  n_group  effective_n
        unit
        0     0.233333  0.233333  0.233333  exact       3        3          3.0
        1     0.733333  0.733333  0.733333  exact       3        3          3.0
        """
        question = self._question(
            layer=layer, label=label, by=by, correctness=correctness, selection=selection
        )
        session = self._ready()
        estimate = session.estimate(question) if _checked(on) == "sample" else None
        answer = session.answer(question, run_model=on == "sample" and estimate is None)
        return frames.mean_activation_frame(answer, _checked(on), estimate)

    def max_neurons(
        self,
        *,
        layer: str | None = None,
        label: str | None = None,
        by: str | None = None,
        correctness: str | None = None,
        selection: ArrayLike | None = None,
        on: On = "sample",
    ) -> pd.DataFrame:
        """Count of how many items of a group each unit is the maximum (query set S3).

        Parameters as in `top_k`.

        Returns
        -------
        DataFrame
            Indexed by unit, -1 for items whose units are all zero: count on the
            sample and exact_count; with low, high, kind, n_used, n_group and
            effective_n. On a sample low and high are NaN: the exact count stands
            beside it.
            ``.attrs`` has the Jensen-Shannon distance and ``read_out``.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.max_neurons(on="all")
              exact_count  low  high   kind  n_used  n_group  effective_n
        unit
        0               3  3.0   3.0  exact       6        6          6.0
        1               3  3.0   3.0  exact       6        6          6.0
        """
        question = self._question(
            layer=layer, label=label, by=by, correctness=correctness, selection=selection
        )
        session = self._ready()
        frame = frames.max_neurons_frame(session.answer(question), _checked(on))
        return frames.with_worth(frame, session.design(question), session.member(question))

    def run_on_sample(
        self,
        model: nn.Module | None = None,
        *,
        what: str = "activations",
        target: str | int | None = None,
        layer: Any = "auto",
        layers: Sequence[Any] | None = None,
        reduce: str = "unit",
        predict: Callable[[Any], Any] | None = None,
        progress: bool = True,
    ) -> SampleRun:
        """Read the current sample's items, and no others, with another model or for gradients.

        Gradients are of a score or the loss, each item's by its own activations;
        in a pooled layer, by how much the target grows per unit of activation added
        at all positions of a channel or token. An interrupt leaves the model as it
        was, and gives nothing.

        Parameters
        ----------
        model : torch.nn.Module, optional
            Another checkpoint, or another architecture for the same data; the lens's
            own if not given.
        what : {"activations", "gradients"}
        target : {"pred", "label", "loss"} or class, optional
            Of what gradients are taken: the score of the predicted class, which is
            the default, of the true one or of a class by name or number, or the loss.
        layer, layers, reduce, predict
            As for a lens; of its own model only `layers` can be chosen, by name.
        progress : bool
            Whether to show a bar.

        Returns
        -------
        SampleRun
            The record of the sample, its weights, and queries with intervals:
            `mean_activation`, `top_k`, `max_neurons` and `compare_groups`.

        Raises
        ------
        ValueError
            If the data has no random access, or no gradient can be taken.
        ModelChanged
            If the lens's own model was trained since the pass.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> lens.sampler = "random"
        >>> other = lens.run_on_sample(models.lenet5(image_size=8, seed=1), progress=False)
        >>> len(other.record)
        40
        >>> frame = other.mean_activation(layer="fc1")
        >>> bool((frame["low"] <= frame["mean"]).all())
        True
        """
        session = self._ready()
        if self._plan is None:
            raise ValueError(
                "run_on_sample needs the data, and this lens was made from arrays or a record. "
                "Make one with LatentLens(model, loader)."
            )
        question = self._question()
        return run_on_rows(
            model,
            self._plan,
            session.record,
            session.design(question),
            scores=session.scores,
            what=what,
            target=target,
            layer=layer,
            layers=layers,
            reduce=reduce,
            predict=predict,
            progress=progress,
        )

    def fidelity(
        self,
        fractions: Sequence[float] = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0),
        samplers: Sequence[str] | None = None,
        *,
        by: str | None = None,
        layers: Sequence[str] | None = None,
        k: int | None = None,
        measure: str = "max",
        progress: bool = True,
    ) -> Fidelity:
        """Score samples against the exact answers, cell by cell (metrics of [1]_).

        A cell is a layer x class x correctness. Top units by maximum or by count,
        and the histogram of maximal units, follow from the index on both sides.
        For means the model is run once over the samples' items, summing for all
        samples at once; what was scored before is not run again. Where a sampler
        gives its items weights the means are weighted by them.

        Parameters
        ----------
        fractions : sequence of float
            Sizes of the samples, in (0, 1].
        samplers : sequence of str, optional
            The current one, "random" and "coreset", if not given. "random" is the
            mean over ten draws, with their spread; the sample that is shown is scored
            with what was added to it by hand.
        by : {"true", "predicted"}, optional
            Which class is meant; as the lens has it, if not given.
        layers : sequence of str, optional
            All watched layers, if not given.
        k : int, optional
            Of how many units precision is taken; the lens's, if not given.
        measure : {"max", "count", "mean"}
            By what units are ranked for it.
        progress : bool
            Whether to show a bar.

        Returns
        -------
        Fidelity
            ``.frame`` has all cells and the overall rows, ``.overall`` the latter
            alone, ``.missing`` the cells that the current sample does not contain.

        Raises
        ------
        ValueError
            If an argument is none of its choices, or no item's class is known.

        References
        ----------
        .. [1] P. Mehta et al., "Sampling for Deep Learning Model Diagnosis",
           arXiv:2002.09754, section on metrics.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> fidelity = lens.fidelity([0.5, 1.0], ["coreset"], k=1, progress=False)
        >>> fidelity.overall[["fraction", "precision"]]
           fraction  precision
        0       0.5       0.75
        1       1.0       1.00
        """
        session = self._ready()
        shares = [check_share(each, "fractions", zero=False) for each in fractions]
        if not shares:
            raise ValueError("fractions must hold at least one share, such as 0.05; got none.")
        queries = QuerySet(
            session.record,
            by=by or self.by,
            k=self.k if k is None else k,
            measure=measure,
            layers=layers,
        )
        points = self._points(samplers, shares)
        scores = self._drive(fidelity.fidelity(session, queries, points), progress=progress)
        unknown = session.meter.unknown(queries)
        roles = session.roles(self._question())
        return Fidelity(
            frame=fidelity_frame(queries, scores, points),
            missing=missing_frame(queries.cells, session.record.classes, roles),
            notes=tuple(fidelity_notes(queries, unknown, points, fidelity.seed_words(session))),
        )

    def _points(self, samplers: Sequence[str] | None, shares: Sequence[float]) -> list[Point]:
        """Name the draws to be scored: the sample that is shown with what was added to it."""
        session = self._ready()
        names = fidelity.compared(session, self.sampler) if samplers is None else list(samplers)
        points = []
        for name in names:
            fixed = not session.ranking(name).uses_fraction
            for share in shares:
                shown = name == self.sampler and (fixed or share == self.fraction)
                topped = shown and len(self.added) > 0
                if topped:
                    points.append(fidelity.point(session, name, share, self.j, self.added))
                else:
                    points.append(fidelity.averaged_point(session, name, share, self.j))
        return points

    def _drive(self, steps: Iterator[Any], *, progress: bool) -> Scores:
        from tqdm.auto import tqdm

        with tqdm(disable=not progress or self._shown, desc="Scoring samples") as bar:
            for step in steps:
                if isinstance(step, Scores):
                    return step
                bar.total = step[1]
                bar.update(step[0] - bar.n)
        raise RuntimeError("The scoring ended without scores.")

    @property
    def missing(self) -> pd.DataFrame:
        """The cells (class x correctness) of which the current sample has no item.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.sampler, lens.fraction = "random", 0.5
        >>> lens.missing
          label correctness  n_used  n_group   kind
        0     1   incorrect       0        1  exact
        """
        session = self._ready()
        cells = group_cells(session.record, self.by)
        return missing_frame(cells, session.record.classes, session.roles(self._question()))

    def top_up(
        self,
        label: str,
        correctness: str = "incorrect",
        n: int | None = None,
        *,
        by: str | None = None,
    ) -> NDArray[np.int64]:
        """Take the most outlying items of a group into the sample besides.

        They join `added`; setting that to ``[]`` takes them out again. A sample
        that was topped up is no probability sample, so that nothing estimated
        from it carries an interval.

        Parameters
        ----------
        label : str
            The class; "" for all.
        correctness : {"incorrect", "correct", "all"}
        n : int, optional
            How many. If not given, the sample's fraction of the group, at least 1
            and at most 10; fewer where no more are left outside.
        by : {"true", "predicted"}, optional
            Which class is meant; as the lens has it, if not given.

        Returns
        -------
        ndarray of int64
            The rows that were added.

        Raises
        ------
        ValueError
            If the data have no such items.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.sampler, lens.fraction = "random", 0.3
        >>> lens.top_up("1", "incorrect")
        array([5])
        >>> lens.sample.probability
        False
        """
        if n is not None:
            check_count(n, "n", len(self.record))
        question = self._question(label=label, correctness=correctness, by=by, selection=[])
        rows = self._ready().most_outlying(question, n)
        self.added = np.union1d(self.added, rows)
        return rows

    @property
    def questions(self) -> Questions:
        """The paper's questions by name: `.menu()`, `.q1()`, `.q2()`, `.q3()`, `.q5()`.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.questions.menu()["question"].loc["q3"]
        'mean pattern of latent, wrong 0s against right 0s'
        """
        self._ready()
        return Questions(self)

    def compare_groups(self, a: Any, b: Any = None, *, layer: str | None = None) -> Comparison:
        """Put two groups of items side by side, unit by unit.

        Parameters
        ----------
        a, b : mapping, or array of rows, or mask
            A mapping may hold label, correctness, by and selection, such as
            ``{"label": "7", "correctness": "incorrect"}``. Without `b` it is the
            rest: the other items of the class of `a`, or of all.
        layer : str, optional
            The lens's, if not given.

        Returns
        -------
        Comparison
            Means, maxima and counts of both groups with their numbers of items,
            and the standardised difference (Hedges' g [1]_) of the means.

        Raises
        ------
        ValueError
            If a group is empty, or they share items.

        References
        ----------
        .. [1] L. V. Hedges and I. Olkin, "Statistical Methods for Meta-Analysis",
           Academic Press 1985, chapter 5.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> both = lens.compare_groups({"label": "0"}, {"label": "1"})
        >>> both.frame[["mean_a", "mean_b", "effect"]].round(2)
              mean_a  mean_b  effect
        unit
        0        0.8    0.23    1.99
        1        0.3    0.73   -1.95
        """
        session = self._ready()
        question = self._question(layer=layer)
        first = read_group(session, question, a, "a")
        second = the_rest(session, first) if b is None else read_group(session, question, b, "b")
        return compare(session, first, second)

    def _question(self, **changes: Any) -> Question:
        """Put the state of the controls, and what the caller changes, into a question."""
        state = {
            name: getattr(self, name)
            for name in ("layer", "sampler", "fraction", "j", "label", "by", "correctness", "k",
                         "measure", "selection", "added")
        }  # fmt: skip
        state |= {name: value for name, value in changes.items() if value is not None}
        for name in ("selection", "added"):
            rows = np.asarray(state[name])
            state[name] = rows if rows.size else None
        return Question(**state)


def _checked(on: str) -> On:
    if on not in ("sample", "all"):
        raise ValueError(f"on must be 'sample' or 'all', got {on!r}.")
    return "sample" if on == "sample" else "all"
