"""A saved notebook, read with its kernel and without."""

import json

import pytest

from tests.browser.view import View, until

pytestmark = pytest.mark.browser

SETUP = """
from latentlens import LatentLens
from tests.browser.network import classifier, loader
model = classifier()
"""
LENS = "lens = LatentLens(model, loader(model))\nlens"
OUTPUTS = """() => [...document.querySelectorAll(".jp-OutputArea-child")]
  .map((output) => [output.checkVisibility(), output.innerText])"""


@pytest.fixture
def saved(open_notebook):
    """Give a notebook whose second cell shows a lens, changed by the third, and saved."""
    notebook = open_notebook(SETUP, LENS, "lens.fraction = 0.3")
    notebook.run(0)
    notebook.run(1)
    View(notebook).ready()
    notebook.page.evaluate("() => { window.first = document.querySelector('.ll'); }")
    notebook.run(2)
    until(lambda: hidden_words(notebook))
    notebook.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
    return notebook


def hidden_words(notebook):
    """Say whether the hidden table tells of the last state."""
    text = notebook.page.evaluate("() => document.querySelector('.ll-snapshot')?.textContent ?? ''")
    return "120 items" in text


def test_a_live_lens_hides_its_picture_and_its_table_and_is_never_drawn_anew(saved):
    visible = [shown for shown, _ in saved.page.evaluate(OUTPUTS)]
    assert visible == [True, False, False]
    assert saved.page.evaluate("() => window.first === document.querySelector('.ll')")


def test_without_its_kernel_the_notebook_shows_the_picture_and_how_to_bring_it_back(
    saved, lab, browser, request
):
    name = saved.page.evaluate("() => panel.context.path")
    content = json.loads((lab.root / name).read_text())
    kinds = [sorted(output["data"]) for output in content["cells"][1]["outputs"]]
    assert kinds[1:] == [["image/png", "text/plain"], ["text/html", "text/plain"]]
    saved.page.evaluate("() => panel.sessionContext.shutdown()")
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    request.addfinalizer(context.close)
    page = context.new_page()
    page.goto(lab.url(f"lab/tree/{name}?reset&token={lab.token}"))
    page.locator(".ll-snapshot").wait_for()
    picture = page.locator(".jp-RenderedImage img")
    assert picture.bounding_box()["width"] == 760
    assert picture.evaluate("(img) => img.naturalWidth") == 1520
    assert "run the cell again to use it" in page.locator(".ll-snapshot").inner_text()
    assert page.locator(".ll").count() == 0
