"""What a reader asks: one state of the controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Question:
    """One state of the controls; see `protocol.request.Question` for the fields."""

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
