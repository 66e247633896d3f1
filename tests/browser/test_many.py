"""A great many classes, and a great many ticks: usable still, and nothing left behind."""

import pytest

from tests.browser.view import View, until

pytestmark = pytest.mark.browser

THOUSAND = """
import numpy as np
from latentlens import LatentLens

rng = np.random.default_rng(0)
centres = rng.normal(size=(1000, 8)) * 3
label = np.minimum(rng.pareto(1.2, 3000) * 50, 999).astype(int)
latent = centres[label] + rng.normal(size=(3000, 8))
logits = latent @ centres.T - (centres**2).sum(axis=1) / 2
logits += rng.normal(size=logits.shape) * 6
lens = LatentLens.from_arrays(
    latent, label, logits=logits, classes=[f"species {c}" for c in range(1000)], k=5,
)
"""
# Elements written or made anew by what is done, which is what a tick costs the page.
COUNT_WRITES = """(root) => {
  window.writes = 0;
  const observer = new MutationObserver((records) => {
    for (const { addedNodes } of records) writes += 1 + addedNodes.length;
  });
  const all = { childList: true, characterData: true, attributes: true, subtree: true };
  observer.observe(root, all);
}"""


def test_of_a_thousand_classes_each_is_found_and_a_tick_writes_no_thousand_lines(open_notebook):
    notebook = open_notebook(THOUSAND, "lens", height=1800)
    notebook.run(0)
    notebook.run(1)
    view = View(notebook).ready()
    rows = view.root.locator(".ll-legend-class")
    assert rows.count() == 40
    sizes = view.notebook.ask("sorted(np.bincount(label, minlength=1000).tolist())[::-1][:40]")
    assert [all_items for _, all_items in view.legend()] == sizes
    view.root.get_by_label("Find a class by its name").fill("777")
    until(rows.all_inner_texts, ["species 777\n" + "{} / {}".format(*view.legend()[0])])
    view.root.get_by_label("Show species 777 only").click()
    until(lambda: rows.first.get_attribute("aria-pressed"), "true")
    view.root.get_by_role("button", name="show all").click()
    view.menu("Class").select_option("species 3")
    until(lambda: view.n("top-k")[1], notebook.ask("int((label == 3).sum())"))
    view.pane("margin").scroll_into_view_if_needed()
    assert view.pane("margin").locator(".ll-lane").count() == 40
    first = view.pane("margin").locator(".ll-lane title").first.text_content()
    assert first.replace(":", " ").startswith("species 3 ")
    view.slider("Fraction").focus()
    view.root.evaluate(COUNT_WRITES)
    view.page.keyboard.press("ArrowRight")
    until(lambda: view.header()[0], 180)
    assert 0 < view.page.evaluate("writes") < 1500
