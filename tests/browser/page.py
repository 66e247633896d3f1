"""A headless Chromium, and a page in it whose errors and requests are heard."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager

from tests.browser.server import HOST

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


def find_chromium() -> str | None:
    """Give the browser to use: LATENTLENS_CHROMIUM, else one on the path."""
    named = os.environ.get("LATENTLENS_CHROMIUM")
    names = ("chromium", "chromium-browser", "google-chrome")
    return named or next(filter(None, map(shutil.which, names)), None)


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


class Page:
    """One page of a server in a window of its own.

    Parameters
    ----------
    server : Server
    browser
    width, height : int
        The window's size in CSS pixels.
    before : str
        JavaScript that runs before any of the page's own.
    **options
        What Playwright's ``new_context`` takes besides.
    """

    def __init__(
        self, server, browser, *, width: int = 1400, height: int = 1100, before: str = "", **options
    ) -> None:
        self.server = server
        self.context = browser.new_context(viewport={"width": width, "height": height}, **options)
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

    def close(self) -> None:
        """Close the page."""
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


@contextmanager
def opening(kind: type[Page], server, browser, opened: list[Page]):
    """Give a function that opens pages of a kind; all are closed at the end.

    Its arguments are those of ``open``, its options those of the page. What is open
    stands in `opened`.
    """
    own: list[Page] = []

    def open_one(*args: str, **options) -> Page:
        own.append(kind(server, browser, **options))
        opened.append(own[-1])
        return own[-1].open(*args)

    try:
        yield open_one
    finally:
        for one in own:
            opened.remove(one)
            one.close()
