"""A marimo app with a lens in it, served to headless Chromium as people are served it."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import indent

from tests.browser.page import PATIENCE_MS, Page
from tests.browser.server import HOST, Server

APP = """
import marimo

app = marimo.App()


@app.cell
def _():
{setup}
    view = mo.ui.anywidget(lens)
    view
    return lens, mo, view


@app.cell
def _(mo, view):
    mo.md(f"{{len(view.selection)}} rows chosen, fraction {{view.fraction:.2f}}")
    return


if __name__ == "__main__":
    app.run()
"""
CONFIG = """
[display]
theme = "system"
"""


class Marimo(Server):
    """An app of two cells: one shows a lens, the other says what it hears of it.

    Parameters
    ----------
    root : Path
    setup : str
        Code that makes ``lens``; it may ask ``mo.query_params()`` what to make.
    """

    name = "marimo"
    alive = "health"

    def __init__(self, root: Path, setup: str) -> None:
        super().__init__(root)
        self.app = root / "app.py"
        self.app.write_text(
            APP.format(setup=indent(f"import marimo as mo\n{setup.strip()}", "    "))
        )

    def command(self) -> list[str]:
        """Give the words that start it."""
        return [
            *(sys.executable, "-m", "marimo", "-y", "run", "--headless", "--no-token"),
            *("--host", HOST, "--port", str(self.port), str(self.app)),
        ]

    def environment(self) -> dict[str, str]:
        """Give a home of its own to all that remembers something."""
        config = self.root / "config" / "marimo" / "marimo.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(CONFIG)
        state = {f"XDG_{name}_HOME": str(self.root / name.lower()) for name in ("STATE", "CACHE")}
        return {**state, "XDG_CONFIG_HOME": str(self.root / "config")}


class AppPage(Page):
    """The app, open in a session of its own; the parameters are a page's."""

    def open(self, query: str = "") -> AppPage:
        """Open the app with these parameters."""
        self.page.goto(self.server.url(f"?{query}"))
        self.page.locator(".ll").wait_for()
        self.page.set_default_timeout(PATIENCE_MS)
        return self

    def heard(self) -> str:
        """Give what the second cell says."""
        return self.page.get_by_text("rows chosen").inner_text()
