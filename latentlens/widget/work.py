"""What a lens is at: its jobs, how far they are, and what went wrong."""

from __future__ import annotations

import time
from typing import Any

from latentlens.session import Session
from latentlens.widget.conductor import Conductor
from latentlens.widget.results import Results

REPORT_S = 0.1
"""How often progress is reported at most."""


class Work(Results):
    """Jobs that report; `LatentLens` starts them."""

    _conductor: Conductor
    _session: Session | None
    _random_state: int
    _activities: dict[str, tuple[str, float]]
    _reported: float

    def _report(self, activity: str, text: str = "", share: float = 0.0) -> None:
        """Say what an activity is at; without words, that it is over."""
        known = self._activities.pop(activity, None)
        if text:
            self._activities[activity] = (text, share)
        now = time.monotonic()
        if text and known is not None and now - self._reported < REPORT_S:
            return
        self._reported = now
        doing, progress = next(reversed(self._activities.values()), ("", 0.0))
        self._tell(doing=doing, progress=min(max(progress, 0.0), 1.0))

    def _fail(self, activity: str, error: Exception) -> None:
        self._report(activity)
        self._tell(error=str(error))

    def _tell(self, **traits: Any) -> None:
        for name, value in traits.items():
            self.set_trait(name, value)
