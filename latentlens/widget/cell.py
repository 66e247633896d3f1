"""What a cell keeps of a lens beside the widget: a picture and a table.

A notebook that is read without its kernel shows no widget: GitHub and nbviewer
know none, and JupyterLab says "model not found". So a cell that shows a lens gets
two more outputs, a PNG and a table, which the live widget hides (`cell.css`).
They are outputs of their own since to update the widget's would draw it anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

from latentlens.widget.results import Results
from latentlens.widget.save import DERIVED, saved_traits
from latentlens.widget.snapshot import (
    DENSITY,
    WIDTH,
    as_html,
    as_text,
    draw,
    take_snapshot,
)

REST_S = 1.5
"""How long a lens must be at rest before its picture is drawn anew."""
DRAWN_FROM = {"points", "ranked"}
"""Traits beside the controls that a picture follows."""
ONE_LINE = "A latentlens widget; beside it stand a picture and a table of it."

log = logging.getLogger(__name__)


class Cell(Results):
    """A lens that leaves its picture in the cell that shows it."""

    _home: asyncio.AbstractEventLoop | None

    def _leave_picture(self) -> dict[str, Any]:
        """Say what else the output that holds the widget is to hold.

        In a Jupyter kernel the picture and the table follow as outputs of their own
        when the cell is through; elsewhere they go into the widget's.
        """
        shell = _jupyter_shell()
        if shell is None:
            now = take_snapshot(self)
            picture = {} if now is None else {"image/png": draw(now)}
            return {"text/plain": as_text(now), **picture}
        _watch_cells(shell)
        self._outputs().wanted = True
        return {"text/plain": ONE_LINE}

    def _outputs(self) -> Outputs:
        if self not in _OUTPUTS:
            _OUTPUTS[self] = Outputs(self)
            own = set(saved_traits(self)) | (DRAWN_FROM & DERIVED)
            self.observe(self._picture_is_old, names=sorted(own))
        return _OUTPUTS[self]

    def _picture_is_old(self, _: Any = None) -> None:
        """Draw the picture anew when nothing has changed for a while, or a cell is through."""
        outputs = self._outputs()
        outputs.old = True
        if outputs.timer is not None:
            outputs.timer.cancel()
        if self._home is not None and not self._home.is_closed():
            outputs.timer = self._home.call_later(REST_S, outputs.refresh)


class Outputs:
    """The picture and the table of one lens, wherever they are shown.

    Parameters
    ----------
    lens : Results
    """

    def __init__(self, lens: Results) -> None:
        self._lens = weakref.ref(lens)
        self._names = (uuid4().hex, uuid4().hex)
        self._shown = False
        self.wanted = False
        self.old = False
        self.timer: asyncio.TimerHandle | None = None

    def after_cell(self) -> None:
        """Show what a cell asked for, or bring what is shown up to date."""
        if self.wanted:
            self.wanted = False
            self._publish(update=False)
        else:
            self.refresh()

    def refresh(self) -> None:
        """Draw anew what is old."""
        if self.old and self._shown:
            self._publish(update=True)

    def _publish(self, *, update: bool) -> None:
        from IPython.display import display

        lens = self._lens()
        if lens is None:
            return
        self._shown, self.old = True, False
        try:
            now = take_snapshot(lens)
            words, picture = as_text(now), draw(now)
        except Exception:
            # A picture is no reason to interrupt whoever works with the lens.
            log.exception("the picture beside a lens could not be drawn")
            return
        show = partial(display, raw=True, update=update)
        size = {"image/png": {"width": WIDTH // DENSITY}}
        show({"image/png": picture, "text/plain": words}, metadata=size, display_id=self._names[0])
        show({"text/html": as_html(now), "text/plain": words}, display_id=self._names[1])


_OUTPUTS: weakref.WeakKeyDictionary[Results, Outputs] = weakref.WeakKeyDictionary()


def _after_cell(*_: Any) -> None:
    for outputs in list(_OUTPUTS.values()):
        outputs.after_cell()


def _watch_cells(shell: Any) -> None:
    callbacks: list[Callable[..., None]] = shell.events.callbacks["post_run_cell"]
    if _after_cell not in callbacks:
        shell.events.register("post_run_cell", _after_cell)


def _jupyter_shell() -> Any:
    """Give IPython where cells may have several outputs that are hidden and updated."""
    if "google.colab" in sys.modules or any(name.startswith("VSCODE_") for name in os.environ):
        return None
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None
