"""Items found by words, by the confusion matrix and by nearness; selections kept and undone."""

import re

import pytest

from tests.browser.view import View, until

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
import pandas as pd
from latentlens import LatentLens
from tests.made_up import blobs

latent, label, logits = blobs(500, d=10, n_classes=4, seed=5)
rng = np.random.default_rng(1)
metadata = pd.DataFrame({"age": rng.integers(1, 90, 500).astype(float),
                         "source": rng.choice(["lab-1", "<b>lab-2</b>", "street"], 500)})
metadata.loc[::50, "age"] = np.nan
lens = LatentLens.from_arrays(latent, label, logits=logits, metadata=metadata,
                              images=np.zeros((500, 4, 4), np.uint8))
"""


@pytest.fixture(scope="module")
def shared(open_shared):
    notebook = open_shared(SETUP, "lens", "left = 'alone'")
    for cell in range(2):
        notebook.run(cell)
    view = View(notebook).ready()
    until(lambda: "neighbours kept" in view.text(".ll-map-foot"))
    return view


@pytest.fixture
def view(shared):
    """Give the module's view with nothing selected, named or filtered."""
    shared.notebook.tell("lens.selection = []; lens.slices = {}; lens.label = ''")
    until(lambda: shared.root.locator(".ll-slice").count(), 0)
    until(lambda: shared.root.locator(".ll-map-clear").is_visible(), False)
    shared.page.mouse.move(5, 5)
    return shared


def find(view, text):
    box = view.root.get_by_label("Find items")
    box.fill(text)
    box.press("Enter")


def said(view):
    return view.root.locator(".ll-found").first.inner_text()


def selection(view):
    return view.notebook.ask("lens.selection.tolist()")


def test_a_condition_on_the_metadata_selects_the_rows_that_python_finds(view):
    wanted = view.notebook.ask('lens.find("age > 60 and source contains LAB and wrong").tolist()')
    assert 0 < len(wanted) < 50
    find(view, "age > 60 and source contains LAB and wrong")
    until(lambda: selection(view), wanted)
    assert said(view) == f"{len(wanted)} items: age > 60 and source contains LAB and wrong"
    find(view, "wrong or height > 2")
    until(lambda: said(view)[:49], 'At word 3, there is no column "height"; there is ')
    assert selection(view) == wanted


def test_or_not_and_the_columns_of_the_frame_find_what_python_finds(view):
    text = "not (age > 5 or in_sample) or role = outlier and margin < 0.5"
    wanted = view.notebook.ask(f"lens.find({text!r}).tolist()")
    assert wanted
    find(view, text)
    until(lambda: selection(view), wanted)


def test_a_column_colours_the_map_and_its_names_are_text(view):
    view.root.locator(".ll-map-colour").select_option("source")
    until(lambda: view.text(".ll-legend-title"), "source")
    counts = view.notebook.ask("metadata.source.value_counts().sort_index().to_dict()")
    lines = view.root.locator(".ll-legend-state")
    shown = dict(text.split("\n") for text in lines.all_inner_texts())
    assert shown == {name: str(n) for name, n in counts.items()}
    assert view.notebook.ask("lens.color_by") == "source"
    view.root.locator(".ll-map-colour").select_option("age")
    until(lambda: view.text(".ll-legend-title"), "age")
    assert "known for 490 of 500 items" in view.text(".ll-legend-note")


def test_undo_stays_in_the_lens_and_named_selections_go_both_ways(view):
    find(view, "3, 4")
    until(lambda: selection(view), [3, 4])
    view.root.get_by_label("Save as").fill("dim 4s")
    view.root.get_by_role("button", name="Save", exact=True).click()
    until(lambda: view.notebook.ask("{k: v.tolist() for k, v in lens.slices.items()}"),
          {"dim 4s": [3, 4]})  # fmt: skip
    view.notebook.tell("lens.slices['late'] = np.arange(500) > 497; lens.selection = [9]")
    view.root.locator('[data-take="late"]').click()
    until(lambda: selection(view), [498, 499])
    cells = view.page.evaluate("panel.content.widgets.length")
    view.root.locator(".ll-map-surface").focus()
    for wanted in ([9], [3, 4]):
        view.page.keyboard.press("Control+z")
        until(lambda: selection(view), wanted)
    view.page.keyboard.press("Control+Shift+z")
    until(lambda: selection(view), [9])
    assert view.page.evaluate("panel.content.widgets.length") == cells


def test_a_cell_of_the_confusion_matrix_is_walked_to_and_selects_its_items(view):
    pane = view.pane("confusion")
    if pane.locator("table").count() == 0:
        pane.locator(".ll-fold").click()
    pane.locator('[data-by="true"][data-label="1"]').focus()
    view.page.keyboard.press("ArrowRight")
    view.page.keyboard.press("Enter")
    title = view.page.evaluate("document.activeElement.title")
    true, pred, n, sampled = map(int, re.findall(r"\d+", title))
    frame = f"f = lens.frame; m = (f.true == '{true}') & (f.pred == '{pred}')"
    view.notebook.tell(frame)
    until(lambda: selection(view), view.notebook.ask("f.index[m].tolist()"))
    assert view.notebook.ask("[int(m.sum()), int((m & f.in_sample).sum())]") == [n, sampled]
    view.page.keyboard.press("Enter")
    until(lambda: selection(view), [])
    pane.locator('[data-by="predicted"][data-label="2"]').click()
    until(lambda: view.notebook.ask("[lens.label, lens.by]"), ["2", "predicted"])
    view.notebook.tell("lens.by = 'true'")


def test_a_clicked_item_shows_its_neighbours_and_the_map_says_what_it_keeps(view):
    mean = view.notebook.ask("lens.trust.attrs['mean']")
    assert f"neighbours kept {mean:.2f} (exact" in view.text(".ll-map-foot")
    view.root.locator('[data-tool="pan"]').first.click()
    surface = view.root.locator(".ll-map-surface")
    surface.scroll_into_view_if_needed()
    box = surface.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for step in range(0, 240, 3):
        view.page.mouse.move(x - 120 + step, y)
        if "ll-over" in surface.get_attribute("class"):
            break
    view.page.mouse.down()
    view.page.mouse.up()
    tab = view.pane("strip").locator('[value="near"]')
    until(lambda: tab.get_attribute("aria-pressed"), "true")
    until(lambda: len(view.strip(11)), 11)
    row, *near = view.strip(11)
    assert tab.inner_text() == f"near #{row}"
    assert near == view.notebook.ask(f"lens.neighbors({row})['row'].tolist()")
    view.page.keyboard.press("Escape")
    until(tab.is_disabled)
