"""Map, bars, strip and pointer: picking items and units, there and back."""

import re

import numpy as np
import pytest

from tests.browser.view import View, n_changed, until

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
from latentlens import LatentLens
from tests.made_up import blobs

latent, label, logits = blobs(500, d=10, n_classes=4, seed=5)
pictures = np.random.default_rng(0).integers(0, 255, (500, 6, 6), dtype=np.uint8)
lens = LatentLens.from_arrays(latent, label, logits=logits, images=pictures)
START = dict(layer="latent", unit=-1, color_by="label", selection=[], fraction=0.05)
"""
EVERYTHING = ((0.005, 0.005), (0.995, 0.005), (0.995, 0.995), (0.005, 0.995))


@pytest.fixture(scope="module")
def shared(open_shared):
    notebook = open_shared(SETUP, "lens")
    notebook.run(0)
    notebook.run(1)
    return View(notebook).ready()


@pytest.fixture
def view(shared):
    """Give the module's view with nothing picked."""
    shared.notebook.tell("for name, value in START.items(): setattr(lens, name, value)")
    until(lambda: chips(shared), [])
    until(lambda: shared.root.locator(".ll-map-colour").input_value(), "label")
    shared.page.mouse.move(5, 5)
    return shared


def chips(view):
    """Give what the map's bar says of the selection."""
    chip = view.root.locator(".ll-map-clear")
    return re.findall(r"\d+ selected", chip.inner_text()) if chip.is_visible() else []


def selection(view):
    return view.notebook.ask("lens.selection.tolist()")


def test_a_lasso_reaches_the_kernel_with_the_rows_it_holds(view):
    view.lasso((0.01, 0.01), (0.5, 0.01), (0.5, 0.99), (0.01, 0.99))
    until(lambda: len(selection(view)) > 0)
    rows = selection(view)
    x = np.array(view.notebook.ask("lens.frame.x.tolist()"))
    others = np.setdiff1d(np.arange(500), rows)
    assert 50 < len(rows) < 450
    assert x[rows].max() <= x[others].min()
    until(lambda: view.n("top-k")[1], len(rows))
    assert chips(view) == [f"{len(rows)} selected"]


def test_a_box_around_everything_selects_everything_and_alt_takes_away(view):
    view.lasso(EVERYTHING[0], EVERYTHING[2], tool="box")
    until(lambda: selection(view), list(range(500)))
    view.page.keyboard.down("Alt")
    view.lasso((0.005, 0.005), (0.5, 0.995), tool="box")
    view.page.keyboard.up("Alt")
    until(lambda: 50 < len(selection(view)) < 450)


def test_a_selection_set_in_python_is_shown(view):
    view.notebook.tell("lens.selection = [14, 3, 15]")
    until(lambda: chips(view), ["3 selected"])
    until(view.strip, [3, 14, 15])
    assert view.n("top-k")[1] == 3


def test_escape_lets_go_of_the_selection_and_empty_means_none(view):
    view.notebook.tell("lens.selection = [3, 14, 15]")
    until(lambda: chips(view), ["3 selected"])
    view.root.locator(".ll-map-surface").focus()
    view.page.keyboard.press("Escape")
    until(lambda: selection(view), [])
    until(lambda: view.n("top-k")[1], 500)


def test_a_click_on_a_bar_colours_the_map_and_lists_the_units_strongest_inputs(view):
    before = view.picture()
    bar = view.root.locator(".ll-row").nth(2)
    unit = int(bar.get_attribute("data-unit"))
    bar.click()
    until(lambda: view.notebook.ask("[lens.unit, lens.color_by]"), [unit, "unit"])
    strongest = view.notebook.ask(f"np.argsort(-latent[:, {unit}], kind='stable')[:8].tolist()")
    until(view.strip, strongest)
    until(lambda: view.root.locator(".ll-map-colour").input_value(), "unit")
    until(lambda: n_changed(before, view.picture()) > 100)
    bar.click()
    until(lambda: view.notebook.ask("[lens.unit, lens.color_by]"), [-1, "label"])


def test_hovering_an_item_shows_its_picture_and_its_facts(view):
    view.notebook.tell("lens.selection = [7]")
    until(lambda: chips(view), ["1 selected"])
    card = view.pane("strip").locator('[data-row="7"]')
    card.hover()
    ring = view.root.locator(".ll-map-ring.ll-shown")
    ring.wait_for(state="attached")
    at = [float(ring.get_attribute(axis)) for axis in ("cx", "cy")]
    surface = view.root.locator(".ll-map-surface")
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    view.page.mouse.move(box["x"] + at[0], box["y"] + at[1], steps=3)
    tip = view.root.locator(".ll-map-tip")
    tip.wait_for(state="visible")
    facts = view.notebook.ask("lens.frame.loc[7, ['true', 'pred']].tolist()")
    words = tip.inner_text().split()
    assert words[:2] == ["row", "7"]
    assert [words[words.index(name) + 1] for name in ("true", "predicted")] == facts
    until(lambda: tip.locator("canvas").count(), 1)
    shown = tip.locator("canvas").evaluate(
        "(c) => [...c.getContext('2d').getImageData(0, 0, 6, 6).data].filter((_, i) => i % 4 === 0)"
    )
    assert shown == view.notebook.ask("pictures[7].ravel().tolist()")


def test_the_legend_dims_a_class_and_brings_it_back(view):
    before = view.picture()
    dimmed = view.root.locator('.ll-legend-class[data-class="1"]')
    dimmed.click()
    until(lambda: n_changed(before, view.picture()) > 100)
    dimmed.click()
    until(lambda: n_changed(before, view.picture()), 0)
