"""Ranking and layout, worked out beside the notebook's own thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

import traitlets as t

from latentlens.core.record import Record
from latentlens.embed import Layout, layouts
from latentlens.samplers import SAMPLERS
from latentlens.session import ranked_message
from latentlens.widget.bar import bar
from latentlens.widget.conductor import Job, running_loop
from latentlens.widget.items import Items
from latentlens.widget.save import Saved
from latentlens.widget.state import OWN_PROJECTION

RANK_AT_ONCE = 20_000
"""More items are ranked once the map is painted, for which both take the processor."""
UNSEEN_S = 0.5
"""How long such a ranking waits for a view, or for a view to be drawn."""


class Arranging(Items):
    """The order and the places of the items."""

    _home: asyncio.AbstractEventLoop | None
    _saved: Saved | None
    _own_projection: Any
    _rank_later: asyncio.TimerHandle | None

    def _rank_in_time(self, n_items: int) -> None:
        """Rank now, or where that takes long once a view is painted or a moment has passed."""
        if self._home is None or running_loop() is None or n_items <= RANK_AT_ONCE:
            self._rank()
        else:
            self._rank_later = self._home.call_later(UNSEEN_S, self._rank_at_last)

    def _rank_at_last(self) -> None:
        if self._rank_later is not None:
            self._rank()

    def _rank(self) -> None:
        if self._rank_later is not None:
            self._rank_later.cancel()
            self._rank_later = None
        session, sampler = self._ready(), self.sampler

        def fit() -> Iterator[Any]:
            yield session.ranking(sampler)

        self._report("ranking", f"Ranking the items by {SAMPLERS[sampler].title}")
        self._conductor.beside(
            "ranking",
            Job(
                steps=fit(),
                on_step=self._take_ranking,
                on_end=partial(self._end, "ranking"),
                on_error=partial(self._fail, "ranking"),
            ),
        )

    def _take_ranking(self, ranking: Any) -> None:
        self._tell(
            # What ended the pass stays on the card; what ended an earlier ranking is over.
            error=self.error if self.status == "failed" else "",
            ranked=ranked_message(ranking),
        )

    def _first_points(self, record: Record) -> dict[str, Any]:
        """Give the layout as it was saved, or what is there at once."""
        if self._saved is not None:
            points = self._saved.points
            return {**points, "done": points["done"] and points["projection"] == self.projection}
        first = next(layouts("pca", record.latent, random_state=self._random_state))
        return {"projection": "pca", "xy": first.xy, "done": self.projection == "pca"}

    def _lay_out(self) -> None:
        latent = self._ready().record.latent
        self._report("layout", "Laying out the latent space")
        self._conductor.beside(
            "layout",
            Job(
                steps=layouts(self._wanted_layout(), latent, random_state=self._random_state),
                on_step=partial(self._take_layout, self.projection),
                on_end=partial(self._end, "layout"),
                on_error=partial(self._fail, "layout"),
                on_stop=self._stop_layout,
            ),
        )

    def _finish_layout(self, *, progress: bool) -> None:
        points = self.points
        if points["done"] and points["projection"] == self.projection:
            return
        try:
            # What runs beside hands its stages to this thread, which would wait for it here.
            self._conductor.stop("layout")
            steps = layouts(
                self._wanted_layout(), self._ready().record.latent, random_state=self._random_state
            )
            with bar("Laying out", wanted=progress) as tell:
                for layout in steps:
                    self._take_layout(self.projection, layout)
                    tell(round(100 * layout.progress), 100)
        except BaseException:
            self._take_back_layout(points)
            raise
        self._end("layout")

    def _wanted_layout(self) -> Any:
        return self._own_projection if self.projection == OWN_PROJECTION else self.projection

    def _take_layout(self, projection: str, layout: Layout) -> None:
        self._forget_trust()
        self._xy = layout.xy
        self._tell(points={"projection": projection, "xy": layout.xy, "done": layout.done})
        self._report("layout", layout.text, layout.progress)

    def _take_back_layout(self, points: dict[str, Any]) -> None:
        """Go back to an earlier map, so that the one that broke off is laid out when asked again.

        A stop by the user is different: the stage that is shown then stands.
        """
        self._forget_trust()
        self._xy = points["xy"]
        self._tell(points={**points, "done": points["projection"] != self.projection})
        self._report("layout")
        self._measure_trust()

    def _stop_layout(self) -> None:
        self._report("layout")
        if self.points is not None:
            self._tell(points={**self.points, "done": True})
        self._measure_trust()

    def _end(self, activity: str) -> None:
        self._report(activity)
        self._measure_trust()

    @t.observe("sampler")
    def _sampler_changed(self, _: Any) -> None:
        if self._session is not None:
            self._rank()

    @t.observe("projection")
    def _projection_changed(self, _: Any) -> None:
        if self._session is not None:
            self._lay_out()
