"""What a lens answers in Python: the numbers of its panes, and some more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.record import Record
from latentlens.widget import frames
from latentlens.widget.drawn import DrawnSample
from latentlens.widget.figures import Figures
from latentlens.widget.measuring import Measuring
from latentlens.widget.neurons import Neurons
from latentlens.widget.questions import Questions
from latentlens.widget.run_on_rows import run_on_rows
from latentlens.widget.sample_run import SampleRun

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from latentlens.extract import Plan


class Results(Figures, Measuring, Neurons):
    """The answers of a lens, whose controls are its traits.

    Nothing here touches the browser: `LatentLens` brings the session.
    """

    _plan: Plan | None
    _xy: NDArray[np.float32] | None

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
        return DrawnSample.of(
            drawn, dataset=dataset, ids=session.record.ids, why_no_dataset=session.why_not_run
        )

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
                f"run_on_sample needs the data, which this lens has not: {session.why_not_run}."
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
