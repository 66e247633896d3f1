"""How the lens looks where things are unusual: themes, narrow cells, odd labels, no WebGL."""

import json

import pytest

from tests.browser.view import View, n_changed, until

pytestmark = pytest.mark.browser

SETUP = """
import ipywidgets
import numpy as np
from latentlens import LatentLens
from tests.made_up import blobs

latent, label, logits = blobs(400, d=8)
classes = ["<script>window.hacked = 1</script>", "<b>bold</b>", "a long name of a class " * 3]
pictures = np.random.default_rng(0).integers(0, 255, (400, 6, 6), dtype=np.uint8)
lens = LatentLens.from_arrays(latent, label, logits=logits, images=pictures, classes=classes)
"""
NO_WEBGL = """
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : get.call(this, kind, ...rest);
};
"""
CONTEXT = "document.querySelector('.ll-map-canvas').getContext('webgl2')"


@pytest.fixture(scope="module")
def shared(open_shared):
    notebook = open_shared(SETUP, "")
    notebook.run(0)
    return notebook


@pytest.fixture
def show(shared):
    """Give a function that shows a lens in the module's notebook and gives its view."""

    def shown(cell="lens"):
        shared.run(0)
        shared.run(1, cell)
        return View(shared).ready()

    yield shown
    shared.clear(1)
    until(shared.page.locator(".ll").count, 0)


def luminance(view, selector, what):
    """Give the relative luminance of an element's colour, in [0, 1]."""
    rgb = view.root.locator(selector).first.evaluate(
        """(el, what) => {
          const paint = new OffscreenCanvas(1, 1).getContext("2d");
          paint.fillStyle = getComputedStyle(el)[what];
          paint.fillRect(0, 0, 1, 1);
          return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }""",
        what,
    )
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_labels_are_shown_as_text_never_as_markup(show):
    view = show()
    names = view.notebook.ask("classes[:2]")
    shown = view.root.locator(".ll-legend-name").all_inner_texts()
    assert shown[:2] == names
    options = view.menu("Class").locator("option").all_inner_texts()
    assert [text.rsplit(" (")[0] for text in options[1:3]] == names
    view.notebook.tell("lens.label = classes[0]; lens.correctness = 'incorrect'")
    until(lambda: view.menu("Class").input_value(), names[0])
    assert view.page.evaluate("window.hacked") is None
    assert view.root.locator("script").count() == 0
    assert (
        view.root.locator("b", has_text="bold").count()
        == view.root.locator("b", has_text="<b>bold</b>").count()
    )


def test_the_dark_theme_turns_paper_and_ink_and_the_map(show):
    view = show()
    light = view.picture()
    view.notebook.wear("JupyterLab Dark")
    try:
        until(lambda: luminance(view, ".ll-map-surface", "backgroundColor") < 0.05)
        until(lambda: view.picture().mean() < 100 < light.mean())
        for words in (".ll-sample-line", ".ll-facts", ".ll-note", ".ll-n", ".ll-legend-count"):
            ink = luminance(view, words, "color")
            paper = luminance(view, ".ll-map-surface", "backgroundColor")
            assert (ink + 0.05) / (paper + 0.05) >= 4.5, words
    finally:
        view.notebook.wear("JupyterLab Light")
        until(lambda: luminance(view, ".ll-map-surface", "backgroundColor") > 0.9)


def test_in_a_narrow_cell_nothing_overflows_and_everything_is_there(show):
    view = show("ipywidgets.Box([lens], layout={'width': '420px'})")
    assert view.root.bounding_box()["width"] <= 420
    wide = view.root.evaluate(
        """(root) => {
          const edge = root.getBoundingClientRect().right + 1;
          const scrolls = (el) => el && (["auto", "scroll", "hidden"].includes(
            getComputedStyle(el).overflowX) || scrolls(el.parentElement));
          return [...root.querySelectorAll("*")]
            .filter((el) => el.getBoundingClientRect().right > edge)
            .filter((el) => !scrolls(el.parentElement.closest(".ll *")))
            .map((el) => el.outerHTML.slice(0, 120));
        }"""
    )
    assert wide == []
    for pane in ("header", "controls", "map", "top-k", "max-neurons", "mean", "strip"):
        assert view.pane(pane).is_visible()
    assert view.picture().shape[0] > 200


def test_without_webgl_the_map_is_drawn_on_a_plain_canvas_and_says_so(open_notebook):
    notebook = open_notebook(SETUP, "lens", before=NO_WEBGL)
    notebook.run(0)
    notebook.run(1)
    view = View(notebook).ready()
    assert "WebGL 2 is not available" in view.text(".ll-map-notice")
    before = view.picture()
    assert before.std() > 5
    view.drag("Fraction", 0.6)
    until(lambda: n_changed(before, view.picture()) > 100)
    view.lasso((0.01, 0.01), (0.99, 0.99), tool="box")
    until(lambda: view.notebook.ask("len(lens.selection)"), 400)


def test_a_lost_graphics_context_is_said_drawn_around_and_taken_back(show):
    view = show()
    before = view.picture()
    view.page.evaluate(f"window.lost = {CONTEXT}.getExtension('WEBGL_lose_context')")
    view.page.evaluate("lost.loseContext()")
    until(lambda: "was lost" in view.text(".ll-map-notice"))
    until(lambda: view.picture().std() > 5)
    view.page.evaluate("lost.restoreContext()")
    view.root.locator(".ll-map-notice").wait_for(state="hidden")
    until(lambda: n_changed(before, view.picture()), 0)


def test_a_widget_that_is_closed_leaves_no_graphics_context_behind(show):
    view = show()
    view.page.evaluate(f"window.context = {CONTEXT}")
    view.notebook.clear(1)
    until(lambda: view.page.evaluate("context.isContextLost()"))


def test_every_control_has_a_name_and_can_be_reached_by_tab(show):
    view = show()
    unnamed = view.root.evaluate(
        """(root) => [...root.querySelectorAll("input, select, button, [tabindex='0']")]
          .filter((el) => !(el.ariaLabel || el.labels?.length || el.textContent.trim()))
          .map((el) => el.outerHTML.slice(0, 120))"""
    )
    assert unnamed == [], json.dumps(unnamed, indent=1)
    view.menu("Sampler").focus()
    seen = set()
    for _ in range(40):
        view.page.keyboard.press("Tab")
        seen.add(view.page.evaluate("document.activeElement.closest('[data-pane]')?.dataset.pane"))
    assert {"controls", "map", "top-k", "max-neurons", "strip"} <= seen
