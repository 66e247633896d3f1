"""How good the sample is, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.checks import check_count, check_share
from latentlens.core.fidelity import QuerySet, group_cells
from latentlens.core.meter import Scores
from latentlens.session import fidelity
from latentlens.session.fidelity import Point
from latentlens.widget.asked import Asked
from latentlens.widget.fidelity import Fidelity, fidelity_frame, fidelity_notes, missing_frame

if TYPE_CHECKING:
    import pandas as pd


class Measuring(Asked):
    """The sample's fidelity, for `Results`."""

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
        TypeError
            If `fractions` is no sequence of numbers.

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
        shares = _shares(fractions)
        queries = QuerySet(
            session.record,
            by=by or self.by,
            k=self.k if k is None else k,
            measure=measure,
            layers=layers,
        )
        points = self._points(samplers, shares)
        scores = self._with_bar(
            fidelity.fidelity(session, queries, points),
            Scores,
            wanted=progress,
            doing="Scoring samples",
        )
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

    @property
    def missing(self) -> pd.DataFrame:
        """The cells (class x correctness) of which the current sample has no item.

        Empty where it has items of every cell that the data have; ``.attrs`` has
        ``read_out``, a line that says so.

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
        label: str | int,
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
            check_count(n, "n", len(self._ready().record))
        question = self._question(label=label, correctness=correctness, by=by, selection=[])
        rows = self._ready().most_outlying(question, n)
        self.added = np.union1d(self.added, rows)
        return rows


def _shares(fractions: Any) -> list[float]:
    if isinstance(fractions, str) or not isinstance(fractions, Iterable):
        raise TypeError(
            "fractions must be a sequence of numbers in (0, 1], such as [0.05, 0.1]; "
            f"got {fractions!r}."
        )
    shares = [check_share(each, "fractions", zero=False) for each in fractions]
    if not shares:
        raise ValueError("fractions must hold at least one share, such as 0.05; got none.")
    return shares
