"""One item by itself: what the model says of it, and what in it speaks for that."""

import re

import pytest

from tests.browser.figures import short
from tests.browser.view import View, until

pytestmark = pytest.mark.browser

SETUP = """
from latentlens import LatentLens
from tests.browser.network import classifier, loader

model = classifier()
lens = LatentLens(model, loader(model), fraction=0.02, k=3)
"""


def test_a_clicked_input_is_shown_large_with_attributions_that_say_how_complete_they_are(
    open_notebook,
):
    notebook = open_notebook(SETUP, "lens", height=1700)
    notebook.run(0)
    notebook.run(1)
    view = View(notebook).ready()
    view.pane("strip").locator("[data-row]").first.click()
    pane = view.pane("closeup")
    pane.locator("dl").wait_for()
    row = notebook.ask("int(lens.selection[0])")
    assert pane.locator(".ll-n").inner_text() == f"#{row}"
    before = pane.locator(".ll-overlay").count()
    pane.locator("select").first.select_option("integrated_gradients")
    pane.locator(".ll-overlay").wait_for()
    frame = f"lens.saliency({row}, 'integrated_gradients', progress=False).frame.iloc[0]"
    total, error = notebook.ask(f"{frame}[['total', 'error']].tolist()")
    said = pane.get_by_role("status").inner_text()
    assert before == 0
    shown = [re.search(rf"{words} (-?[\d.e-]*\d)", said)[1] for words in ("add up to", "error")]
    assert [float(number) for number in shown] == [short(total), short(error)]
    assert notebook.ask("[p.grad is None for p in model.parameters()]") == [True] * 6
    pane.get_by_role("button", name="Close the item").click()
    until(lambda: notebook.ask("len(lens.selection)"), 0)
    pane.wait_for(state="hidden")
