"""The rooms beside JupyterLab in which a lens must paint, answer and be heard."""

import pytest

from tests.browser.lab import Lab, Notebook
from tests.browser.marimo_app import AppPage, Marimo
from tests.browser.page import opening
from tests.browser.view import View, until

pytestmark = pytest.mark.browser

MODEL = """
from latentlens import LatentLens
from tests.browser.figures import figures
from tests.browser.network import Breaks, classifier, loader
model = classifier()
"""
SLOW = "LatentLens(model, loader(model, 400, pause_s=0.01))"
BROKEN = "LatentLens(Breaks(), loader(model, 800))"
HALF = ((0.01, 0.01), (0.55, 0.01), (0.55, 0.99), (0.01, 0.99))


@pytest.fixture(scope="module")
def notebook_7(tmp_path_factory, browser, opened):
    """Give a notebook in Notebook 7 in which a model is about to be looked at."""
    with (
        Lab(tmp_path_factory.mktemp("notebook"), app="notebook") as server,
        opening(Notebook, server, browser, opened) as open_one,
    ):
        notebook = open_one(MODEL, "")
        notebook.run(0)
        yield notebook


@pytest.fixture(scope="module")
def marimo(tmp_path_factory):
    """Give a marimo app whose model breaks if its address says so."""
    setup = f"{MODEL}lens = {BROKEN} if 'broken' in mo.query_params() else {SLOW}"
    with Marimo(tmp_path_factory.mktemp("marimo"), setup) as server:
        yield server


@pytest.fixture
def open_app(marimo, browser, opened):
    """Open the app in pages of their own."""
    with opening(AppPage, marimo, browser, opened) as open_one:
        yield open_one


def test_notebook_7_shows_progress_panes_and_hears_a_slider_and_a_lasso(notebook_7):
    notebook_7.run(1, f"lens = {SLOW}\nlens")
    view = View(notebook_7)
    view.root.locator(".ll-working progress").wait_for()
    view.ready()
    view.drag("Fraction", 0.3)
    until(lambda: notebook_7.ask("[round(lens.fraction, 2), len(lens.sample)]"), [0.31, 124])
    until(view.header, notebook_7.ask("figures(lens)['header']"))
    view.lasso(*HALF)
    until(lambda: 0 < notebook_7.ask("len(lens.selection)") < 400)
    until(lambda: view.n("top-k")[1], notebook_7.ask("len(lens.selection)"))


def test_notebook_7_says_in_words_what_a_model_raised(notebook_7):
    notebook_7.run(1, f"lens = {BROKEN}\nlens")
    words = View(notebook_7).ready().text('.ll-notice[data-tone="error"]')
    assert "RuntimeError: no more of this" in words


def test_a_kernel_that_was_shut_down_is_known_to_be_gone_at_the_next_question(notebook_7):
    notebook_7.run(1, "lens = LatentLens(model, loader(model))\nlens")
    view = View(notebook_7).ready()
    until(lambda: view.header()[0], 20)
    notebook_7.page.evaluate("async () => { await panel.sessionContext.shutdown(); }")
    view.menu("Layer").select_option("1")
    until(lambda: "Kernel gone" in view.text(".ll-notices"), seconds=5)
    notebook_7.errors.clear()
    # What cannot be sent is not tried: the widget manager would log an error each time.
    view.drag("Fraction", 0.5)
    until(lambda: view.header()[0], 204)


def test_marimo_shows_progress_panes_and_hears_a_slider_and_a_lasso(open_app):
    page = open_app()
    view = View(page)
    view.root.locator(".ll-working progress").wait_for()
    view.ready()
    view.drag("Fraction", 0.3)
    until(page.heard, "0 rows chosen, fraction 0.31")
    until(lambda: view.header()[:2], [124, 400])
    view.lasso(*HALF)
    until(lambda: view.n("top-k")[1] < 400)
    rows = view.n("top-k")[1]
    assert rows > 0
    until(page.heard, f"{rows} rows chosen, fraction 0.31")
    view.menu("Layer").select_option("1")
    until(lambda: "ran the model on" in view.pane("mean").inner_text().lower())


def test_marimo_says_in_words_what_a_model_raised(open_app):
    view = View(open_app("broken=1")).ready()
    assert "RuntimeError: no more of this" in view.text('.ll-notice[data-tone="error"]')


def test_in_marimo_keys_walk_along_the_bars_and_the_lens_turns_dark_with_the_page(open_app):
    page = open_app(color_scheme="dark")
    view = View(page).ready()
    bars = view.root.locator(".ll-row")
    bars.first.press("Enter")
    view.root.locator(".ll-row[aria-pressed=true]").wait_for()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Enter")
    until(lambda: bars.nth(1).get_attribute("aria-pressed"), "true")
    assert view.picture().mean() < 100
    page.page.emulate_media(color_scheme="light")
    until(lambda: view.picture().mean() > 200)
