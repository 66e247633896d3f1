"""How long it takes until one sees it: the lens against jupyter-scatter, in a real JupyterLab.

Both sides run in turn in one browser. Each shows the same 70,000 points with the
same sample marked; that it is the same sample is checked before anything is
timed. jupyter-scatter has no slider of its own, so one of ipywidgets drives it
from the kernel. Times are medians with minima, in milliseconds.

    python benchmarks/bench_browser.py [repetitions]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from paint import WATCH, Cpu, Times, cpu_now, forget, ratio, wait_painted, wait_still

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.browser.lab import Lab, Notebook, chromium

N = 70_000
MOST = int(0.9 * N)
"""A draw of so many vertices shows the points."""
TICKS = 12
TICK_MS = 500
STATIC = Path(__file__).parent.parent / "latentlens" / "static"

DATA = f"""
import time
import numpy as np
from latentlens import LatentLens
from latentlens.core import record_from_arrays
from latentlens.embed import layouts
from tests.made_up import blobs

latent, label, logits = blobs({N}, d=84, n_classes=10)
record = record_from_arrays(latent, label, logits=logits)
xy = next(layouts("pca", latent, random_state=0)).xy
"""
OURS = "lens = LatentLens(record)\nlens"
THEIRS = """
import pandas as pd
import jscatter
import ipywidgets
points = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "cls": label})
"""
SCATTER = "scatter = jscatter.Scatter(data=points, x='x', y='y', color_by='cls', height=480)\n"
SLIDER = """
lens = LatentLens(record)
ranking = lens._session.ranking("max_margin")
slider = ipywidgets.FloatSlider(0.05, min=0.01, max=1, step=0.01)
role = None

def mark(change):
    global role
    role = ranking.roles(change["new"], 0.7)
    {how}

slider.observe(mark, "value")
slider
"""
HOW = {
    "colour": "scatter.color(by=role.astype('f4'))",
    "selection": "scatter.selection(np.flatnonzero(role))",
}
LEAST_BYTES = {"colour": 100_000, "selection": 5_000}
"""What a message with the new colours, or the selected rows, holds at least."""


def main() -> None:
    """Print every figure."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    print_bundles()
    both = find_spec("jscatter") is not None
    if not both:
        print("For the other side of every ratio: pip install jupyter-scatter")
    with Lab(Path(tempfile.mkdtemp())) as lab, chromium() as browser:
        bench = Bench(lab, browser, repetitions)
        bench.first_paint(both=both)
        bench.slider(both=both)


def print_bundles() -> None:
    """Print what each widget sends to the browser."""
    ours = sum(file.stat().st_size for file in STATIC.glob("widget.*"))
    print(f"bundle                 ours {ours / 1e3:8.1f} kB", end="")
    found = find_spec("jscatter")
    if found and found.origin:
        files = Path(found.origin).parent.glob("bundle.*")
        other = sum(file.stat().st_size for file in files if file.suffix in (".js", ".css"))
        print(f"  jupyter-scatter {other / 1e3:8.1f} kB  {ours / other:5.2f}x", end="")
    print()


class Bench:
    """Measures in one JupyterLab, a fresh page and kernel at a time."""

    def __init__(self, lab: Lab, browser: Any, repetitions: int) -> None:
        self.lab, self.browser, self.repetitions = lab, browser, repetitions

    @contextmanager
    def page(self, *cells: str) -> Iterator[Notebook]:
        """Open cells with the first of them run."""
        notebook = Notebook(self.lab, self.browser, before=WATCH).open(*cells)
        notebook.page.set_default_timeout(60_000)
        try:
            notebook.run(0)
            yield notebook
        finally:
            notebook.close()

    # -- first paint -------------------------------------------------------------

    def first_paint(self, *, both: bool) -> None:
        """Time from running the cell to seeing the points, data and imports being there."""
        ours, other = [], []
        for _ in range(self.repetitions):
            ours.append(self._first(DATA, OURS))
            if both:
                other.append(self._first(DATA + THEIRS, SCATTER + "scatter.show()"))
        mine = Times("ours", tuple(ours))
        if both:
            print(ratio("first paint", mine, Times("jupyter-scatter", tuple(other))), flush=True)
        else:
            print(f"first paint            ours {mine.median:6.0f} ({mine.least:5.0f}) ms")

    def _first(self, *cells: str) -> float:
        with self.page(*cells) as notebook:
            wait_still(notebook.page)
            forget(notebook.page)
            start = notebook.page.evaluate("() => __seen.now()")
            notebook.run(1, wait=False)
            return wait_painted(notebook.page, vertices=MOST)["painted"] - start

    # -- slider ------------------------------------------------------------------

    def slider(self, *, both: bool) -> None:
        """Time from pressing a key on a slider to seeing the other sample."""
        in_browser, by_kernel, cost = self._our_slider()
        print(ratio("slider", in_browser, by_kernel), flush=True)
        print(f"  in the browser: {cost}")
        for how in HOW if both else ():
            other, cost = self._their_slider(how)
            print(ratio(f"slider, by {how}", in_browser, other), flush=True)
            print(f"  jupyter-scatter: {cost}")

    def _our_slider(self) -> tuple[Times, Times, Cpu]:
        with self.page(DATA, OURS) as notebook:
            notebook.run(1, wait=False)
            page = notebook.page
            page.locator(".ll-row").first.wait_for()
            handle = page.get_by_role("slider", name="Fraction")
            check_same(notebook, handle, "lens.frame.role.ne('').sum()")
            keys = [self._press(notebook, handle) for _ in range(self.repetitions)]
            told = [self._tell(notebook, 0.3 + i / 100) for i in range(self.repetitions)]
            cost = self._cost(notebook, handle)
        return Times("ours", tuple(keys)), Times("its kernel path", tuple(told)), cost

    def _their_slider(self, how: str) -> tuple[Times, Cpu]:
        cells = (DATA + THEIRS, SCATTER + "scatter.show()", SLIDER.format(how=HOW[how]))
        with self.page(*cells) as notebook:
            notebook.run(1, wait=False)
            wait_painted(notebook.page, vertices=MOST)
            notebook.run(2)
            handle = notebook.page.locator(".noUi-handle").first
            check_same(notebook, handle, "(role > 0).sum()")
            least = LEAST_BYTES[how]
            keys = [self._press(notebook, handle, arrival=least) for _ in range(self.repetitions)]
            return Times("jupyter-scatter", tuple(keys)), self._cost(notebook, handle)

    def _press(self, notebook: Notebook, handle: Any, *, arrival: int = 0) -> float:
        page = notebook.page
        wait_still(page)
        handle.focus()
        forget(page)
        page.keyboard.press("ArrowRight")
        pressed = page.wait_for_function("() => __seen.keys[0]").json_value()
        seen = wait_painted(page, after=pressed, arrival=arrival)
        return seen["painted"] - pressed

    def _tell(self, notebook: Notebook, fraction: float) -> float:
        page = notebook.page
        wait_still(page)
        forget(page)
        said = notebook.tell(f"print(time.time() * 1e3); lens.fraction = {fraction:.2f}")
        return wait_painted(page, after=float(said))["painted"] - float(said)

    def _cost(self, notebook: Notebook, handle: Any) -> Cpu:
        """Give what a tick takes beyond an idle page, when nothing waits for the pixels."""
        page = notebook.page
        session = notebook.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.evaluate("() => { __seen.wait = false; }")
        wait_still(page)
        handle.focus()
        marks = [cpu_now(session)]
        for key in ("ArrowRight", None):
            for _ in range(TICKS):
                if key:
                    page.keyboard.press(key)
                page.wait_for_timeout(TICK_MS)
            marks.append(cpu_now(session))
        ticking, idling = marks[1].since(marks[0], TICKS), marks[2].since(marks[1], TICKS)
        return ticking.since(idling, 1)


def check_same(notebook: Notebook, handle: Any, n_marked: str) -> None:
    """Hold what a slider marks to the sample's definition, one step up from the start."""
    handle.focus()
    notebook.page.keyboard.press("ArrowRight")
    wait_still(notebook.page, 1500)
    marked = notebook.ask(f"int({n_marked})")
    expected = int(np.floor(0.06 * N + 0.5))
    if marked != expected:
        raise RuntimeError(f"expected {expected:,} items in the sample, got {marked:,}")


if __name__ == "__main__":
    main()
