"""One browser and one JupyterLab for all tests here, one notebook per module or per test.

After every test no page may have logged an error or have looked outside the machine.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.lab import Lab, Notebook
from tests.browser.page import Page, chromium, find_chromium, opening

OUT = Path(__file__).parent / "out"


@pytest.fixture(scope="session")
def browser():
    """Give Chromium, or skip; LATENTLENS_REQUIRE_BROWSER makes its absence a failure."""
    if find_chromium() is None:
        words = (
            "No Chromium found. Install one (Debian: `apt-get install chromium`) or name it in "
            "LATENTLENS_CHROMIUM."
        )
        if os.environ.get("LATENTLENS_REQUIRE_BROWSER"):
            pytest.fail(words)
        pytest.skip(words)
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Give a JupyterLab with the light theme."""
    with Lab(tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="session")
def opened():
    """Give the list of all pages that are open."""
    return []


@pytest.fixture
def open_notebook(lab, browser, opened):
    """Open notebooks for one test alone."""
    with opening(Notebook, lab, browser, opened) as open_one:
        yield open_one


@pytest.fixture(scope="module")
def open_shared(lab, browser, opened):
    """Open notebooks for the tests of a module, which leave them as they found them."""
    with opening(Notebook, lab, browser, opened) as open_one:
        yield open_one


@pytest.fixture(autouse=True)
def quiet(opened, open_notebook, request):  # noqa: ARG001 - looks before they are closed
    """Fail a test whose page logs an error or asks for anything outside; keep evidence."""
    yield
    heard = [line for one in opened for line in (*one.errors, *one.outside)]
    if heard or getattr(request.node, "failed", False):
        for i, one in enumerate(opened):
            keep_evidence(one, f"{request.node.name}-{i}")
    for one in opened:
        one.errors.clear()
        one.outside.clear()
    assert heard == []


def keep_evidence(notebook: Page, name: str) -> None:
    """Keep what the page showed and said."""
    OUT.mkdir(exist_ok=True)
    notebook.page.screenshot(path=OUT / f"{name}.png", full_page=True)
    said = [*notebook.errors, "-- outside --", *notebook.outside, "-- server --"]
    (OUT / f"{name}.txt").write_text("\n".join([*said, notebook.server.log.read_text()[-5000:]]))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Tell fixtures whether their test failed."""
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed
