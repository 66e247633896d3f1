"""A real JupyterLab or Notebook 7, and a notebook open in it.

`Lab` starts the server with settings of its own; `Notebook` opens a notebook in
it, runs cells, asks the kernel and hears what the widget asks it. Requests that
leave the machine cannot be resolved and are recorded.
"""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path

from tests.browser.page import PATIENCE_MS, Page
from tests.browser.server import HOST, Server

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
    "docmanager-extension/plugin": {"autosave": False},
}
APPS = {
    "lab": (
        "jupyterlab",
        "lab/tree/{name}?reset",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ),
    "notebook": ("notebook", "notebooks/{name}?reset"),
}
"""Of each application: its module, a notebook's address, and its options."""


class Lab(Server):
    """A Jupyter server with nobody else's settings, kernels or extensions.

    Parameters
    ----------
    root : Path
    app : {"lab", "notebook"}
        JupyterLab or Notebook 7.
    theme : str
    """

    name = "Jupyter"

    def __init__(self, root: Path, *, app: str = "lab", theme: str = "JupyterLab Light") -> None:
        super().__init__(root)
        self.theme = theme
        self.module, self.address, *self.options = APPS[app]
        self.alive = f"api/status?token={self.token}"

    def command(self) -> list[str]:
        """Give the words that start it."""
        return [
            *(sys.executable, "-m", self.module, "--no-browser", "--allow-root"),
            *("--expose-app-in-browser", *self.options),
            *(f"--ServerApp.ip={HOST}", f"--ServerApp.port={self.port}"),
            *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}"),
            f"--IdentityProvider.token={self.token}",
        ]

    def environment(self) -> dict[str, str]:
        """Give folders of its own to all that remembers something."""
        state = self.root / ".state"
        self._write_settings(state / "settings")
        return {
            "JUPYTER_CONFIG_DIR": str(state / "config"),
            "JUPYTER_DATA_DIR": str(state / "data"),
            "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
            "IPYTHONDIR": str(state / "ipython"),
        }

    def _write_settings(self, folder: Path) -> None:
        themes = {"apputils-extension/themes": {"theme": self.theme}}
        for name, values in {**SETTINGS, **themes}.items():
            file = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))


class Notebook(Page):
    """One notebook, open in one page; the parameters are a page's."""

    def open(self, *cells: str) -> Notebook:
        """Write a notebook of these cells and open it with a kernel of its own."""
        name = f"{secrets.token_hex(4)}.ipynb"
        (self.server.root / name).write_text(json.dumps(notebook(cells)))
        address = self.server.address.format(name=name)
        self.page.goto(self.server.url(f"{address}&token={self.server.token}"))
        self.page.wait_for_function("() => window.jupyterapp")
        self.page.evaluate("async () => { await window.jupyterapp.restored; }")
        self.page.wait_for_function(
            """() => {
              const panel = jupyterapp.shell.currentWidget;
              const kernel = panel?.sessionContext?.session?.kernel;
              if (!kernel || !panel.content?.widgets?.length) return false;
              Object.assign(window, { panel, kernel });
              return kernel.status === "idle" && kernel.connectionStatus === "connected";
            }"""
        )
        self.page.set_default_timeout(PATIENCE_MS)
        # What the host logs before there is a lens is its own affair: Notebook 7.6 does.
        self.errors.clear()
        return self

    def run(self, cell: int, code: str | None = None, *, wait: bool = True) -> None:
        """Run one cell; with `wait`, until the kernel says it is done.

        With `code` the cell is a new one: what it said before, and its output, are gone.
        """
        self.page.evaluate(
            """async ([cell, code, wait]) => {
              const { model } = panel.content.widgets[cell];
              if (code !== null) {
                model.sharedModel.setSource(code);
                model.outputs.clear();
              }
              panel.content.activeCellIndex = cell;
              panel.content.deselectAll();
              const ran = jupyterapp.commands.execute("notebook:run-cell");
              if (wait) await ran;
            }""",
            [cell, code, wait],
        )

    def clear(self, cell: int) -> None:
        """Clear one cell's output."""
        self.page.evaluate("(cell) => panel.content.widgets[cell].model.outputs.clear()", cell)

    def ask(self, expression: str):
        """Give the value of a Python expression in the kernel, by way of JSON."""
        text = self.tell(f"import json as _j; print(_j.dumps({expression}))")
        return json.loads(text)

    def tell(self, code: str) -> str:
        """Run code in the kernel, outside any cell, and give what it printed."""
        out = self.page.evaluate(
            """async (code) => {
              let out = "", error = null;
              const future = panel.sessionContext.session.kernel.requestExecute({
                code, store_history: false });
              future.onIOPub = ({ header, content }) => {
                if (header.msg_type === "stream") out += content.text;
                if (header.msg_type === "error") error = content.ename + ": " + content.evalue;
              };
              await future.done;
              return { out, error };
            }""",
            code,
        )
        if out["error"]:
            raise RuntimeError(out["error"])
        return out["out"]

    def wear(self, theme: str) -> None:
        """Change JupyterLab's theme, and wait until nothing hides the notebook any more."""
        self.page.evaluate(
            "(theme) => jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
        )
        # The command returns at once; the theme's name comes after its style, the splash goes last.
        self.page.locator(f'body[data-jp-theme-name="{theme}"]').wait_for(state="attached")
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def restart(self) -> None:
        """Restart the kernel, as one does from the menu."""
        self.page.evaluate(
            """async () => {
              await panel.sessionContext.session.kernel.restart();
              await panel.sessionContext.session.kernel.info;
            }"""
        )

    def close(self) -> None:
        """Close the page and end its kernel."""
        self.page.evaluate(
            "async () => { await window.panel?.sessionContext?.shutdown().catch(() => {}); }"
        )
        super().close()


def notebook(cells) -> dict:
    """Write code cells as a notebook."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{i}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for i, source in enumerate(cells)
        ],
    }
