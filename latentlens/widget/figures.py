"""The numbers of the figures: top units, maximal units, means, and two groups side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latentlens.widget import frames
from latentlens.widget.asked import Asked
from latentlens.widget.frames import On
from latentlens.widget.groups import Comparison, compare, read_group, the_rest

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike


class Figures(Asked):
    """What the panes beside the map show, for `Results`."""

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
            chance, and ``read_out``, a line that says what all of it is worth, and
            why there is no row where no item is in the group or the sample.

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
        return frames.mean_activation_frame(answer, _checked(on), estimate, session.why_not_run)

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


def _checked(on: str) -> On:
    if on not in ("sample", "all"):
        raise ValueError(f"on must be 'sample' or 'all', got {on!r}.")
    return "sample" if on == "sample" else "all"
