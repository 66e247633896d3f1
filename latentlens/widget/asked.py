"""What all answers of a lens in Python start from: the session, and the question as it stands."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from latentlens.core.checks import class_name
from latentlens.session import Question, Session
from latentlens.widget.bar import bar
from latentlens.widget.state import State


class Asked(State):
    """A lens that can be asked; `LatentLens` brings the session."""

    @abstractmethod
    def _ready(self) -> Session:
        """Give the session; run the pass first if need be."""

    def _question(self, **changes: Any) -> Question:
        """Put the state of the controls, and what the caller changes, into a question."""
        state = {
            name: getattr(self, name)
            for name in ("layer", "sampler", "fraction", "j", "label", "by", "correctness", "k",
                         "measure", "selection", "added")
        }  # fmt: skip
        state |= {name: value for name, value in changes.items() if value is not None}
        state["label"] = class_name(state["label"])
        for name in ("selection", "added"):
            rows = np.asarray(state[name])
            state[name] = rows if rows.size else None
        return Question(**state)

    def _with_bar(
        self, steps: Iterator[Any], last: type, *, wanted: bool, doing: str = "Running the model"
    ) -> Any:
        """Drive steps to their end, which is a `last`, showing how far they are."""
        with bar(doing, wanted=wanted) as tell:
            for step in steps:
                if isinstance(step, last):
                    return step
                tell(*step)
        raise RuntimeError("The work ended without an answer.")
