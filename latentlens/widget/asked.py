"""What all answers of a lens in Python start from: the session, and the question as it stands."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from latentlens.core.checks import class_name
from latentlens.session import Question, Session
from latentlens.widget.state import State


class Asked(State):
    """A lens that can be asked; `LatentLens` brings the session."""

    _shown: bool

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
        from tqdm.auto import tqdm

        with tqdm(disable=not wanted or self._shown, desc=doing) as bar:
            for step in steps:
                if isinstance(step, last):
                    return step
                bar.total = step[1]
                bar.update(step[0] - bar.n)
        raise RuntimeError("The work ended without an answer.")
