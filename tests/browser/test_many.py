"""A great many classes, and a great many ticks: usable still, and nothing left behind."""

from dataclasses import dataclass

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
    names = view.root.locator(".ll-map-names text")
    until(lambda: 3 < names.count() < 25)
    view.root.get_by_label("Show species 777 only").click()
    until(lambda: rows.first.get_attribute("aria-pressed"), "true")
    until(names.count, notebook.ask("int((label == 777).any())"))
    view.root.get_by_role("button", name="show all").click()
    view.menu("Class").select_option("species 3")
    until(lambda: view.n("top-k")[1], notebook.ask("int((label == 3).sum())"))
    until(names.all_text_contents, ["species 3"])
    view.pane("margin").scroll_into_view_if_needed()
    assert view.pane("margin").locator(".ll-lane").count() == 40
    first = view.pane("margin").locator(".ll-lane title").first.text_content()
    assert first.replace(":", " ").startswith("species 3 ")
    view.slider("Fraction").focus()
    view.root.evaluate(COUNT_WRITES)
    view.page.keyboard.press("ArrowRight")
    until(lambda: view.header()[0], 180)
    assert 0 < view.page.evaluate("writes") < 1500


LAYERS = """
import gc, threading
import ipywidgets
import numpy as np
from comm import get_comm_manager
from latentlens import LatentLens
from tests.made_up import blobs

latent, label, logits = blobs(400, d=12, n_classes=5, seed=3)
rng = np.random.default_rng(0)
layers = {f"layer {i}": rng.normal(size=(400, 20)) for i in range(3)}
images = rng.integers(0, 255, (400, 8, 8), dtype=np.uint8)
lens = LatentLens.from_arrays(latent, label, logits=logits, activations=layers, images=images)
plain = ipywidgets.IntSlider()

def held():
    gc.collect()
    ours = sum(str(type(o).__module__).startswith("latentlens") for o in gc.get_objects())
    threads = sum(t.name.startswith("latentlens") for t in threading.enumerate())
    return [len(get_comm_manager().comms), threads, ours]
"""
KEEP_CONTEXTS = """
window.contexts = new Set();
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  const context = get.call(this, kind, ...rest);
  if (context && kind.startsWith("webgl")) contexts.add(new WeakRef(context));
  return context;
};
"""
TICK = """async (n) => {
  const slider = document.querySelector(".ll input[type=range]");
  for (let i = 0; i < n; i++) {
    slider.value = String(0.02 + ((n - i) % 90) / 100);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    // Two to a frame, as a quick hand makes them.
    if (i % 2) await new Promise(requestAnimationFrame);
  }
}"""
CHANGE_LAYER = """async (n) => {
  const has = (menu) => [...menu.options].some(({ value }) => value === "layer 0");
  const menu = [...document.querySelectorAll(".ll-controls select")].find(has);
  for (let i = 0; i < n; i++) {
    menu.value = `layer ${i % 3}`;
    menu.dispatchEvent(new Event("change", { bubbles: true }));
    for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  }
}"""
HEAP_SLACK = 2**20
"""Bytes by which a page's heap may differ after the same was done again: 2 kB a frame shows."""
NODE_SLACK = 20


@dataclass
class Held:
    """What a page and its kernel hold on to after everything that can be has been let go."""

    notebook: object

    def __post_init__(self):
        self.session = self.notebook.context.new_cdp_session(self.notebook.page)
        for domain in ("Performance", "HeapProfiler"):
            self.session.send(f"{domain}.enable")

    def __call__(self):
        last, now = None, self._page()
        while last is None or now[1:] != last[1:]:
            last, now = now, self._page()
        return now, self.notebook.ask("held()")

    def _page(self):
        self.session.send("HeapProfiler.collectGarbage")
        found = self.session.send("Performance.getMetrics")["metrics"]
        values = {one["name"]: int(one["value"]) for one in found}
        return [values[name] for name in ("JSHeapUsedSize", "Nodes", "JSEventListeners")]

    def growth(self, do):
        """Give by how much the page's heap, nodes and listeners grow, and what the kernel holds."""
        before, kernel = self()
        do()
        after, kernel_after = self()
        assert kernel_after == kernel
        return [b - a for a, b in zip(before, after, strict=True)]

    def leaks(self, do, most=(HEAP_SLACK, NODE_SLACK, 0)):
        """Give the growth of a second round where both grew by more than `most`, else nothing.

        What leaks does so every time; a page just opened gains some once, seconds later.
        """
        for _ in range(2):
            grown = self.growth(do)
            if all(n <= limit for n, limit in zip(grown, most, strict=True)):
                return []
        return grown


def test_a_thousand_ticks_a_hundred_layers_and_twenty_shows_leave_nothing_behind(open_notebook):
    # A small window, for the frames of a software rasteriser are not what is tried here.
    notebook = open_notebook(LAYERS, "lens", "plain", width=640, height=480, before=KEEP_CONTEXTS)
    page = notebook.page
    notebook.run(0)
    notebook.run(1)
    View(notebook).ready()

    def show(cell, what):
        for _ in range(20):
            notebook.run(cell)
            page.locator(what).wait_for()
            notebook.clear(cell)
            page.locator(what).wait_for(state="detached")

    def rest():
        until(lambda: notebook.ask("[lens.doing, lens.layer]"), ["", "layer 0"])

    held = Held(notebook)
    page.evaluate(TICK, 90)
    page.evaluate(CHANGE_LAYER, 4)
    rest()
    assert held.leaks(lambda: (page.evaluate(TICK, 1000), rest())) == []
    assert held.leaks(lambda: (page.evaluate(CHANGE_LAYER, 100), rest())) == []
    notebook.clear(1)
    page.locator(".ll").wait_for(state="detached")
    # JupyterLab itself keeps something of every output that was shown, a plain slider's too.
    heap, nodes, listeners = held.growth(lambda: show(2, ".widget-slider"))
    most = (heap + HEAP_SLACK, nodes + NODE_SLACK, listeners)
    assert held.leaks(lambda: show(1, ".ll-map-canvas"), most) == []
    alive = "[...contexts].filter((kept) => kept.deref()?.isContextLost() === false).length"
    assert page.evaluate(alive) == 0
