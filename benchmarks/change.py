"""How long a change takes until one sees it, and what a thousand of them leave behind.

A layer that is looked at for the first time comes from the kernel; one looked at before is
in the browser. A click on a neuron's bar colours the map by its activation. jupyter-scatter
has neither layers nor neurons: beside the click stands what it has nearest, colouring the same
70,000 points by the same values from Python, and for memory its slider of ipywidgets.

    python benchmarks/change.py [repetitions]
"""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from parts.paint import WATCH, Times, forget, ratio, wait_painted, wait_still

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.browser.lab import Lab, Notebook
from tests.browser.page import chromium

N = 70_000
TICKS = 1000
"""How often our slider is moved; the other's, of which each move takes longer, a tenth as often."""
DATA = f"""
import time
import numpy as np
from latentlens import LatentLens
from tests.made_up import blobs

latent, label, logits = blobs({N}, d=84, n_classes=10)
rng = np.random.default_rng(0)
wide = {{f"wide {{i}}": np.maximum(latent @ rng.normal(size=(84, 512)).astype("f4"), 0)
         for i in range(3)}}
lens = LatentLens.from_arrays(latent, label, logits=logits, activations=wide)
"""
THEIRS = """
import jscatter
import pandas as pd
scatter = jscatter.Scatter(
    data=pd.DataFrame({"x": lens._xy[:, 0], "y": lens._xy[:, 1]}), x="x", y="y", height=480)
scatter.show()
"""
# From a choice in a menu to the frame that shows other bars.
CHANGE_LAYER = """async (name) => {
  const menu = [...document.querySelectorAll(".ll-controls select")]
    .find((each) => [...each.options].some(({ value }) => value === name));
  const pane = document.querySelector('[data-pane="top-k"]');
  const bars = () => [...pane.querySelectorAll(".ll-row")].map((bar) => bar.textContent).join();
  const before = bars();
  const start = performance.now();
  menu.value = name;
  menu.dispatchEvent(new Event("change", { bubbles: true }));
  const shown = () => bars() !== before && !pane.classList.contains("ll-stale");
  while (!shown()) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""
TICK = """async (n) => {
  const slider = document.querySelector(".ll input[type=range]");
  for (let i = 0; i < n; i++) {
    slider.value = String(0.02 + (i % 90) / 100);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise(requestAnimationFrame);
  }
}"""


def main() -> None:
    """Print every figure."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    both = find_spec("jscatter") is not None
    if not both:
        print("For the other side: pip install jupyter-scatter")
    with Lab(Path(tempfile.mkdtemp())) as lab, chromium() as browser:
        layers(lab, browser, repetitions)
        neuron(lab, browser, repetitions, both=both)
        memory(lab, browser, both=both)


def opened(lab: Lab, browser: Any, *cells: str) -> Notebook:
    """Open cells, run them, and wait until what they show rests."""
    notebook = Notebook(lab, browser, before=WATCH).open(*cells)
    notebook.page.set_default_timeout(120_000)
    for cell in range(len(cells)):
        notebook.run(cell)
    wait_painted(notebook.page, vertices=int(0.9 * N))
    wait_still(notebook.page, 1500)
    return notebook


def layers(lab: Lab, browser: Any, repetitions: int) -> None:
    """Time a layer's first look, and later ones."""
    first, again = [], []
    for _ in range(max(1, repetitions // 2)):
        notebook = opened(lab, browser, DATA, "lens")
        for name in ("wide 0", "wide 1"):
            first.append(notebook.page.evaluate(CHANGE_LAYER, name))
            wait_still(notebook.page)
        for name in ("wide 0", "wide 1"):
            again.append(notebook.page.evaluate(CHANGE_LAYER, name))
            wait_still(notebook.page)
        notebook.close()
    for title, each in (("first", first), ("again", again)):
        times = Times("ours", tuple(each))
        print(f"layer to painted, {title}  {times.median:6.0f} ({times.least:.0f}) ms")


def neuron(lab: Lab, browser: Any, repetitions: int, *, both: bool) -> None:
    """Time a click on a bar until the map has its colours."""
    ours = [opened(lab, browser, DATA, "lens")]
    theirs = [opened(lab, browser, DATA, THEIRS)] if both else []
    mine, other = [], []
    for i in range(repetitions):
        for notebook in ours:
            mine.append(click(notebook, i))
        for notebook in theirs:
            other.append(recolour(notebook, i))
    for notebook in (*ours, *theirs):
        notebook.close()
    times = Times("ours", tuple(mine))
    if both:
        print(ratio("neuron to painted", times, Times("jupyter-scatter", tuple(other))))
    else:
        print(f"neuron to painted       {times.median:6.0f} ({times.least:.0f}) ms")


def click(notebook: Notebook, nth: int) -> float:
    """Click the bar that is `nth`, and give the time until the map is drawn."""
    page = notebook.page
    page.bring_to_front()
    wait_still(page)
    forget(page)
    start = page.evaluate(
        """(nth) => {
          const start = __seen.now();
          document.querySelectorAll(".ll-row")[nth].dispatchEvent(
            new MouseEvent("click", { bubbles: true }));
          return start;
        }""",
        nth % 5,
    )
    return float(wait_painted(page, after=start, vertices=N // 2)["painted"] - start)


def recolour(notebook: Notebook, nth: int) -> float:
    """Colour by a unit's values from Python, and give the time until the map is drawn."""
    page = notebook.page
    page.bring_to_front()
    wait_still(page)
    forget(page)
    said = notebook.tell(f"print(time.time() * 1e3); scatter.color(by=latent[:, {nth % 5}])")
    drawn = wait_painted(page, after=float(said), arrival=100_000)
    return float(drawn["painted"]) - float(said)


def memory(lab: Lab, browser: Any, *, both: bool) -> None:
    """Print by how much the page's heap grows with ticks, garbage collected."""
    notebook = opened(lab, browser, DATA, "lens")
    notebook.page.evaluate(TICK, 90)
    before = heap(notebook)
    notebook.page.evaluate(TICK, TICKS)
    print(f"heap after {TICKS:,} ticks   ours {heap(notebook) - before:+.2f} MB", end="")
    notebook.close()
    if both:
        notebook = opened(lab, browser, DATA, THEIRS)
        mark(notebook, 9)
        before = heap(notebook)
        mark(notebook, TICKS // 10)
        grown = heap(notebook) - before
        print(f"   jupyter-scatter {grown:+.2f} MB after {TICKS // 10}", end="")
        notebook.close()
    print()


def mark(notebook: Notebook, times: int) -> None:
    """Mark samples of rising size in jupyter-scatter, one after the other."""
    for i in range(times):
        forget(notebook.page)
        notebook.tell(f"scatter.selection(np.arange({1000 + i % 90}))")
        wait_painted(notebook.page)


def heap(notebook: Notebook) -> float:
    """Give the page's heap in megabytes, garbage collected."""
    wait_still(notebook.page, 1500)
    session = notebook.context.new_cdp_session(notebook.page)
    session.send("Performance.enable")
    for _ in range(3):
        session.send("HeapProfiler.collectGarbage")
    found = session.send("Performance.getMetrics")["metrics"]
    return next(one["value"] for one in found if one["name"] == "JSHeapUsedSize") / 1e6


if __name__ == "__main__":
    main()
