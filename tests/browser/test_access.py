"""The lens for everyone: by axe's rules, keys, ear and touch, without motion, in both themes."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.page import opening
from tests.browser.test_page import Exported, make_lens
from tests.browser.view import View, n_changed, until

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
from latentlens import LatentLens
from tests.made_up import blobs

latent, label, logits = blobs(300, d=12, n_classes=5, seed=3)
logits += np.random.default_rng(0).normal(size=logits.shape) * 4
pictures = np.random.default_rng(0).integers(0, 255, (300, 8, 8), dtype=np.uint8)
lens = LatentLens.from_arrays(
    latent, label, logits=logits, classes=["ant", "bee", "cat", "dog", "eel"], images=pictures, k=5,
)
"""
MODEL = """
import numpy as np
from latentlens import LatentLens
from tests.browser.network import classifier, loader

model = classifier()
about = {"age": np.arange(400) % 90, "source": np.repeat(["ward", "lab"], 200)}
lens = LatentLens(model, loader(model), fraction=0.1, k=3, metadata=about)
"""
# Text in figures, which axe leaves out; a canvas gives the colours as they are painted.
FAINT_TEXT = """(root) => {
  const paint = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).map((c) =>
      c <= 10 ? c / 3294.6 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = luminance(getComputedStyle(root).backgroundColor);
  return [...root.querySelectorAll("svg text")].filter((text) => {
    const ink = luminance(getComputedStyle(text).fill);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < 4.5;
  }).map((text) => text.outerHTML.slice(0, 120));
}"""
MOVING = """(root) => [root, ...root.querySelectorAll("*")].filter((el) =>
  ["", "::before", "::after"].some((part) => {
    const { transitionDuration, animationName } = getComputedStyle(el, part || null);
    return parseFloat(transitionDuration) > 0 || animationName !== "none";
  })).map((el) => el.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def view(open_shared):
    notebook = open_shared(SETUP, "lens", height=2000)
    notebook.run(0)
    notebook.run(1)
    # JupyterLab's body has no height and hides what overflows: axe would take all for hidden.
    notebook.page.add_style_tag(content="body { height: 100vh; }")
    return View(notebook).ready()


def complaints(view, where=".ll"):
    """Give what axe finds serious or critical in the lens, each with its elements."""
    both = {"resultTypes": ["violations", "passes"]}
    found = Axe().run(view.page, context=where, options=both).response
    read = next(rule for rule in found["passes"] if rule["id"] == "color-contrast")
    assert len(read["nodes"]) > 50, "axe has not seen the text"
    grave = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in grave]


@pytest.fixture(params=["JupyterLab Light", "JupyterLab Dark"])
def themed(view, request):
    """Give the view in a theme; all notebooks share it."""
    view.notebook.wear(request.param)
    yield view
    view.notebook.wear("JupyterLab Light")


def test_axe_and_the_eye_find_nothing_to_complain_of(themed):
    view = themed
    view.pane("tables").scroll_into_view_if_needed()
    until(lambda: "follows" in view.pane("quality").inner_text(), False, seconds=40)
    assert complaints(view) == []
    view.pane("tables").get_by_role("button").click()
    view.notebook.tell("lens.selection = [1, 2, 3]; lens.unit = 3; lens.color_by = 'unit'")
    view.notebook.tell("lens.set_trait('error', 'made up for this test')")
    until(lambda: view.pane("tables").locator("caption").nth(1).inner_text(), "3 items selected")
    view.root.locator(".ll-notice").wait_for()
    assert complaints(view) == []
    assert view.root.evaluate(FAINT_TEXT) == []
    view.pane("tables").get_by_role("button").click()
    view.notebook.tell("lens.selection = []; lens.unit = -1; lens.color_by = 'label'")
    view.notebook.tell("lens.set_trait('error', '')")
    until(lambda: view.root.locator(".ll-notice").count(), 0)


def test_axe_and_the_eye_let_an_item_a_unit_a_contrast_and_the_confusions_pass(open_notebook):
    """All that is closed at first is open at once, about a lasso's items and then one of them."""
    notebook = open_notebook(MODEL, "lens", height=2000)
    notebook.run(0)
    notebook.run(1)
    notebook.page.add_style_tag(content="body { height: 100vh; }")
    view = View(notebook).ready()
    view.pane("confusion").locator("table").wait_for()
    view.pane("tables").get_by_role("button").click()
    notebook.tell("lens.unit = 3")
    view.lasso((0.02, 0.02), (0.98, 0.02), (0.98, 0.6), (0.02, 0.6))
    view.pane("contrast").scroll_into_view_if_needed()
    view.pane("contrast").locator("svg.ll-effects [data-unit]").first.wait_for()
    assert grave(view) == []
    view.pane("strip").locator("[data-row]").first.click()
    item = view.pane("closeup")
    item.locator("dl").wait_for()
    item.locator("select").first.select_option("integrated_gradients")
    item.locator(".ll-overlay").wait_for()
    assert grave(view) == []


def grave(view):
    """Give what axe and the eye complain of in both themes."""
    found = []
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        view.notebook.wear(theme)
        view.root.locator(".ll-map-surface").wait_for()
        found += [(theme, *one) for one in complaints(view)]
        found += [(theme, one) for one in view.root.evaluate(FAINT_TEXT)]
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of_in_an_exported_page(browser, opened, tmp_path, scheme):
    target = tmp_path / "page.html"
    make_lens().to_html(target)
    with opening(Exported, None, browser, opened) as open_page:
        view = View(open_page(target, color_scheme=scheme)).ready()
        assert complaints(view, "body") == []
        assert view.root.evaluate(FAINT_TEXT) == []


class Fingers:
    """Fingers on the map, at shares of its width and height."""

    def __init__(self, view):
        surface = view.root.locator(".ll-map-surface")
        surface.scroll_into_view_if_needed()
        self.box = surface.bounding_box()
        self.session = view.notebook.context.new_cdp_session(view.page)

    def touch(self, kind, *places):
        """Send one event; a finger is known by its place in the list."""
        box = self.box
        points = [
            {"id": i, "x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            for i, (x, y) in enumerate(places)
        ]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def move(self, *paths):
        """Put fingers down, move each along its path of as many places, and lift them."""
        steps = list(zip(*paths, strict=True))
        self.touch("touchStart", *steps[0])
        for places in steps[1:]:
            self.touch("touchMove", *places)
        self.touch("touchEnd")


def test_one_finger_draws_a_lasso_and_moves_the_map_and_two_zoom_it(browser, opened, tmp_path):
    target = tmp_path / "page.html"
    make_lens().to_html(target)
    with opening(Exported, None, browser, opened) as open_page:
        view = View(open_page(target, has_touch=True)).ready()
        view.root.locator('[data-tool="lasso"]').tap()
        fingers = Fingers(view)
        corners = [(0.02, 0.02), (0.5, 0.02), (0.5, 0.5), (0.5, 0.98), (0.02, 0.98), (0.02, 0.5)]
        fingers.move(corners)
        # A third of the points are in the left heap.
        until(lambda: view.n("top-k")[1], 134)
        view.root.locator(".ll-map-clear").tap()
        view.root.locator('[data-tool="pan"]').tap()
        whole = view.picture()
        fingers.move([(0.5, 0.5), (0.6, 0.5), (0.8, 0.5)])
        until(lambda: n_changed(whole, view.picture()) > 100)
        view.root.get_by_role("button", name="Show everything").tap()
        until(lambda: n_changed(whole, view.picture()), 0)
        fingers.move([(0.4, 0.5), (0.3, 0.5), (0.1, 0.5)], [(0.6, 0.5), (0.7, 0.5), (0.9, 0.5)])
        until(lambda: n_changed(whole, view.picture()) > 100)


def test_keys_alone_go_from_item_to_item_select_one_and_hear_what_it_is(view):
    view.root.locator(".ll-map-surface").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        view.page.keyboard.press(key)
    said = view.root.locator(".ll-map-stage > [role=status]")
    until(lambda: said.inner_text().startswith("row "))
    row = int(said.inner_text().split(",")[0].removeprefix("row "))
    facts = view.notebook.ask(f"lens.frame.loc[{row}, ['true', 'pred']].tolist()")
    assert f"true {facts[0]}, predicted {facts[1]}" in said.inner_text()
    view.page.keyboard.press("Enter")
    until(lambda: view.notebook.ask("lens.selection.tolist()"), [row])
    until(said.inner_text, f"row {row} selected")
    view.page.keyboard.press("Escape")
    until(lambda: view.notebook.ask("lens.selection.tolist()"), [])


def test_where_motion_is_not_wanted_nothing_moves_by_itself(view):
    view.page.emulate_media(reduced_motion="reduce")
    assert view.root.evaluate(MOVING) == []
    view.page.emulate_media(reduced_motion="no-preference")
    assert view.root.evaluate(MOVING) != []
