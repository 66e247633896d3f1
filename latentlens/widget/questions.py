"""The paper's questions by name: each a table, a chart and a sentence.

References
----------
.. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
   Learning Model Diagnosis", arXiv 2002.09754, 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from latentlens.core.checks import check_choice, class_name
from latentlens.core.query import BYS
from latentlens.widget.frames import On
from latentlens.widget.groups import Comparison, group_words
from latentlens.widget.question_result import (
    QuestionResult,
    draw_classes,
    draw_counts,
    draw_top,
)

if TYPE_CHECKING:
    import pandas as pd

    from latentlens.widget.lens import LatentLens


class Questions:
    """The questions of the paper [1]_ that are about one model, by name.

    Parameters
    ----------
    lens : LatentLens

    References
    ----------
    .. [1] P. Mehta et al., "Sampling for Deep Learning Model Diagnosis",
       arXiv:2002.09754, section on queries.

    Examples
    --------
    >>> from latentlens import LatentLens
    >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
    >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
    >>> lens.questions.menu().index.tolist()
    ['q1', 'q2', 'q3']
    """

    def __init__(self, lens: LatentLens) -> None:
        self._lens = lens

    def __repr__(self) -> str:
        return f"Questions({', '.join(self.menu().index)}) of {self._lens!r}"

    def menu(self) -> pd.DataFrame:
        """List the questions for this model, each with the call that asks it.

        Returns
        -------
        DataFrame
            Indexed by name: the question in words and the call.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.questions.menu()["call"].loc["q3"]
        "lens.questions.q3('0')"
        """
        import pandas as pd

        label, predicted = self._examples()
        layer, hidden, conv = self._lens.layer, self._latent_layer(), self._last_spatial()
        k = min(10, self._lens.record.layers[layer].keep)
        wrong = f"wrong {label}s"
        rows = [
            ("q1", f"mean activation of {layer} by class", f"q1(layer={layer!r})"),
            (
                "q2",
                f"top {k} neurons of {layer} for {wrong}",
                f"q2({label!r}, {k}, layer={layer!r})",
            ),
            ("q3", f"mean pattern of {hidden}, {wrong} against right {label}s", f"q3({label!r})"),
        ]
        if conv is not None:
            taken = f"{label}s taken for {predicted}s"
            question = f"maximally activated neurons of {conv} for {taken}"
            rows.append(("q5", question, f"q5({label!r}, {predicted!r})"))
        calls = [(name, question, f"lens.questions.{call}") for name, question, call in rows]
        return pd.DataFrame(calls, columns=["name", "question", "call"]).set_index("name")

    def q1(
        self, *, layer: str | None = None, by: str | None = None, on: On = "all"
    ) -> QuestionResult:
        """Mean activation of all units of a layer, class by class (Q1 of [1]_).

        Parameters
        ----------
        layer : str, optional
            The lens's, if not given.
        by : {"true", "predicted"}, optional
            Which class is meant; the lens's choice if not given.
        on : {"all", "sample"}
            Over all items, which is exact, or over the sample's.

        Returns
        -------
        QuestionResult
            Its frame has a row per class and unit; classes without items are left out.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.questions.q1().frame[["label", "unit", "mean"]].round(2)
          label  unit  mean
        0     0     0  0.80
        1     0     1  0.30
        2     1     0  0.23
        3     1     1  0.73
        """
        import pandas as pd

        lens, layer, by = self._lens, layer or self._lens.layer, by or self._lens.by
        check_choice(by, "by", BYS)
        known = lens.record.label if by == "true" else lens.record.pred
        parts = []
        for number, label in enumerate(lens.record.classes):
            if not (known == number).any():
                continue
            part = lens.mean_activation(
                layer=layer, label=label, by=by, correctness="all", selection=[], on=on
            )
            parts.append(part.reset_index().assign(label=label))
        if not parts:
            raise ValueError(f"No item's class is known by={by!r}, so there is nothing to average.")
        wanted = ["label", "unit", "mean", "low", "high", "kind", "n_used", "n_group",
                  "effective_n"]  # fmt: skip
        frame = pd.concat([part[wanted] for part in parts], ignore_index=True)
        frame.attrs = {}
        which = "" if by == "true" else " predicted"
        return QuestionResult(
            title=f"mean activation of {layer} by{which} class", frame=frame, draw=draw_classes
        )

    def q2(
        self,
        label: str | int | None,
        k: int = 10,
        *,
        layer: str | None = None,
        correctness: str = "incorrect",
        by: str | None = None,
        measure: str = "max",
        on: On = "all",
    ) -> QuestionResult:
        """Top-k units of a layer for the wrong items of a class (Q2 of [1]_).

        Parameters
        ----------
        label : str
            The class; "" for all.
        k : int
            How many units; fewer in a narrower layer.
        layer, by
            As the lens has them, if not given.
        correctness : {"incorrect", "correct", "all"}
        measure : {"max", "count", "mean"}
            By what the units are ranked.
        on : {"all", "sample"}

        Returns
        -------
        QuestionResult

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.questions.q2("0", k=1).title
        'top 1 neurons of latent for wrong 0s'
        """
        lens, layer, by = self._lens, layer or self._lens.layer, by or self._lens.by
        named: str = class_name(label)
        frame = lens.top_k(
            k, layer=layer, label=named, by=by, correctness=correctness, measure=measure,
            selection=[], on=on,
        )  # fmt: skip
        words = group_words(named, correctness, by)
        title = f"top {len(frame) or k} neurons of {layer} for {words}"
        frame.attrs["measure"] = measure
        return QuestionResult(title=title, frame=frame, draw=draw_top)

    def q3(
        self, label: str | int | None, *, layer: str | None = None, by: str | None = None
    ) -> Comparison:
        """Mean pattern of the last hidden layer, wrong against right items (Q3 of [1]_).

        Parameters
        ----------
        label : str
            The class; "" for all.
        layer : str, optional
            The latent's, if not given.
        by : {"true", "predicted"}, optional

        Returns
        -------
        Comparison

        Raises
        ------
        ValueError
            If the class has no wrong or no right items.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.questions.q3("0").frame[["mean_a", "mean_b"]].round(2)
              mean_a  mean_b
        unit
        0        0.6     0.9
        1        0.5     0.2
        """
        group = {"label": class_name(label), "by": by or self._lens.by}
        return self._lens.compare_groups(
            {**group, "correctness": "incorrect"},
            {**group, "correctness": "correct"},
            layer=layer or self._latent_layer(),
        )

    def q5(
        self, true: str | int, predicted: str | int, *, layer: str | None = None, on: On = "all"
    ) -> QuestionResult:
        """Maximally activated units for items of one class taken for another (Q5 of [1]_).

        Parameters
        ----------
        true, predicted : str
            The two classes.
        layer : str, optional
            The last one called "conv", or else the last of shape (C, H, W), if not
            given.
        on : {"all", "sample"}

        Returns
        -------
        QuestionResult
            Its frame has a row for each unit that is some item's maximum.

        Raises
        ------
        ValueError
            If there are no such items, or no such layer.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> lens.questions.q5("0", "1", layer="latent").frame[["exact_count"]]
              exact_count
        unit
        0               1
        """
        lens, classes = self._lens, self._lens.record.classes
        true = check_choice(class_name(true), "true", classes)
        predicted = check_choice(class_name(predicted), "predicted", classes)
        layer = layer or self._last_spatial()
        if layer is None:
            raise ValueError("No watched layer is a convolution; name one with layer=.")
        record = lens.record
        rows = np.flatnonzero(
            (record.label == classes.index(true)) & (record.pred == classes.index(predicted))
        )
        if not len(rows):
            raise ValueError(f"The data have no {true}s taken for {predicted}s.")
        frame = lens.max_neurons(
            layer=layer, label="", by="true", correctness="all", selection=rows, on=on
        )
        words = f"{true}s" if true == predicted else f"{true}s taken for {predicted}s"
        title = f"maximally activated neurons of {layer} for {words}"
        return QuestionResult(title=title, frame=frame, draw=draw_counts)

    def _latent_layer(self) -> str:
        return self._lens.record.latent_layer

    def _last_spatial(self) -> str | None:
        """Find the last convolution's layer: by its name, or else by its shape."""
        layers = self._lens.record.layers
        named = [name for name in layers if "conv" in name.lower()]
        spatial = [name for name, layer in layers.items() if len(layer.shape) == 3]
        return next(reversed(named or spatial), None)

    def _examples(self) -> tuple[str, str]:
        """Find the most frequent confusion, for the menu to speak of."""
        record = self._lens.record
        n = len(record.classes)
        wrong = record.incorrect
        pairs = np.bincount(record.label[wrong] * n + record.pred[wrong], minlength=n * n)
        label, predicted = divmod(int(pairs.argmax()), n)
        return record.classes[label], record.classes[predicted]
