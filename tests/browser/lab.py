"""A real JupyterLab in headless Chromium, alone on the machine's loopback.

`Lab` starts the server with settings of its own; `Notebook` opens a notebook in
it, runs cells, asks the kernel and hears what the widget asks it. Requests that
leave the machine cannot be resolved and are recorded.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
HOST = "127.0.0.1"
START_S = 60
OPEN_MS = 60_000
PATIENCE_MS = 15_000
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--no-first-run",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    f"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE {HOST}",
)
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none", "autoStartDefaultKernel": True},
    "docmanager-extension/plugin": {"autosave": False},
}


def find_chromium() -> str | None:
    """Give the browser to use: LATENTLENS_CHROMIUM, else one on the path."""
    named = os.environ.get("LATENTLENS_CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome")
    return named or next(filter(None, map(shutil.which, names)), None)


def free_port() -> int:
    """Give a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Lab:
    """A JupyterLab server with nobody else's settings, kernels or extensions."""

    def __init__(self, root: Path, *, theme: str = "JupyterLab Light") -> None:
        self.root, self.theme = root, theme
        self.port, self.token = free_port(), secrets.token_hex(16)
        self.log = root / "lab.log"

    def __enter__(self) -> Lab:
        state = self.root / ".state"
        self._write_settings(state / "settings")
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(state / "config"),
            "JUPYTER_DATA_DIR": str(state / "data"),
            "JUPYTER_RUNTIME_DIR": str(state / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(state / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces"),
            "IPYTHONDIR": str(state / "ipython"),
            # Kernels make their data with the tests' own modules.
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        }
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
            *("--expose-app-in-browser", "--LabApp.news_url=None"),
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            *(f"--ServerApp.ip={HOST}", f"--ServerApp.port={self.port}"),
            *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.root}"),
            f"--IdentityProvider.token={self.token}",
        ]
        self._out = self.log.open("w")
        self._server = subprocess.Popen(
            command, cwd=self.root, env=environment, stdout=self._out, stderr=subprocess.STDOUT
        )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        try:
            self._server.wait(15)
        except subprocess.TimeoutExpired:
            self._server.kill()
        self._out.close()

    def url(self, path: str) -> str:
        """Give the address of something on this server."""
        return f"http://{HOST}:{self.port}/{path}"

    def _write_settings(self, folder: Path) -> None:
        themes = {"apputils-extension/themes": {"theme": self.theme}}
        for name, values in {**SETTINGS, **themes}.items():
            file = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self._server.poll() is not None:
                raise RuntimeError(f"JupyterLab ended:\n{self.log.read_text()[-3000:]}")
            try:
                with urllib.request.urlopen(self.url(f"api/status?token={self.token}"), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}")


@contextmanager
def chromium(*flags: str):
    """Give a Playwright browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), headless=True, args=[*CHROMIUM_FLAGS, *flags]
        )
        try:
            yield browser
        finally:
            browser.close()


class Notebook:
    """One notebook, open in one page.

    Parameters
    ----------
    lab, browser
    width, height : int
        The window's size in CSS pixels.
    before : str
        JavaScript that runs before any of the page's own.
    """

    def __init__(
        self, lab: Lab, browser, *, width: int = 1400, height: int = 1100, before: str = ""
    ) -> None:
        self.lab = lab
        self.context = browser.new_context(viewport={"width": width, "height": height})
        self.page = self.context.new_page()
        self.page.set_default_timeout(OPEN_MS)
        if before:
            self.page.add_init_script(before)
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.asked: list[str] = []
        self.page.on("websocket", lambda socket: socket.on("framesent", self._note_frame))
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._note_request)

    def open(self, *cells: str) -> Notebook:
        """Write a notebook of these cells and open it with a kernel of its own."""
        name = f"{secrets.token_hex(4)}.ipynb"
        (self.lab.root / name).write_text(json.dumps(notebook(cells)))
        self.page.goto(self.lab.url(f"lab/tree/{name}?reset&token={self.lab.token}"))
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
        self.context.close()

    def _note_console(self, message) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _note_frame(self, frame: str | bytes) -> None:
        """Note the kind of a message that a widget sends as a question of its own."""
        text = frame if isinstance(frame, str) else frame.decode("latin-1")
        if '"method":"custom"' in text:
            self.asked += re.findall(r'"content":\{"kind":"(\w+)"', text)

    def _note_request(self, request) -> None:
        if not request.url.startswith((f"http://{HOST}", f"ws://{HOST}", "data:", "blob:")):
            self.outside.append(request.url)


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
