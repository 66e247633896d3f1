"""How long it takes until one sees it: the lens against jupyter-scatter, in a real JupyterLab.

Both sides run in turn in one browser. Each shows the same 70,000 points with the
same sample marked; that it is the same sample is checked before anything is
timed. jupyter-scatter has no slider of its own, so one of ipywidgets drives it
from the kernel. Times are medians with minima, in milliseconds.

    python benchmarks/browser.py [repetitions]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from parts.paint import WATCH, Cpu, Times, cpu_now, forget, ratio, wait_painted, wait_still

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.browser.lab import Lab, Notebook
from tests.browser.page import chromium

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
        with ExitStack() as pages:
            sides = [pages.enter_context(self._our_slider())]
            for how in HOW if both else ():
                sides.append(pages.enter_context(self._their_slider(how)))
            pressed: list[list[float]] = [[] for _ in sides]
            for _ in range(self.repetitions):
                for side, times in zip(sides, pressed, strict=True):
                    times.append(self._press(side))
            # Samples of the same sizes, for a larger one takes longer to draw.
            told = [self._tell(sides[0], 0.06 + i / 100) for i in range(self.repetitions)]
            ours, *others = (Times(s.name, tuple(t)) for s, t in zip(sides, pressed, strict=True))
            for other in (Times("its kernel path", tuple(told)), *others):
                print(ratio("slider", ours, other), flush=True)
            for side in sides:
                print(f"  {side.name:<28} {self._cost(side)}", flush=True)

    @contextmanager
    def _our_slider(self) -> Iterator[Side]:
        with self.page(DATA, OURS) as notebook:
            notebook.run(1, wait=False)
            notebook.page.locator(".ll-row").first.wait_for()
            handle = notebook.page.locator(".ll-field", has_text="Fraction").locator("input")
            side = Side("ours", notebook, handle)
            check_same(side, "lens.frame.role.ne('').sum()")
            yield side

    @contextmanager
    def _their_slider(self, how: str) -> Iterator[Side]:
        cells = (DATA + THEIRS, SCATTER + "scatter.show()", SLIDER.format(how=HOW[how]))
        with self.page(*cells) as notebook:
            notebook.run(1, wait=False)
            wait_painted(notebook.page, vertices=MOST)
            notebook.run(2)
            handle = notebook.page.locator(".noUi-handle").first
            side = Side(f"jupyter-scatter by {how}", notebook, handle, LEAST_BYTES[how])
            check_same(side, "(role > 0).sum()")
            yield side

    def _press(self, side: Side) -> float:
        page = side.bring_forward()
        forget(page)
        page.keyboard.press("ArrowRight")
        pressed = page.wait_for_function("() => __seen.keys[0]").json_value()
        seen = wait_painted(page, after=pressed, arrival=side.arrival)
        return seen["painted"] - pressed

    def _tell(self, side: Side, fraction: float) -> float:
        page = side.bring_forward()
        forget(page)
        said = side.notebook.tell(f"print(time.time() * 1e3); lens.fraction = {fraction:.2f}")
        return wait_painted(page, after=float(said))["painted"] - float(said)

    def _cost(self, side: Side) -> Cpu:
        """Give what a tick takes beyond an idle page, when nothing waits for the pixels."""
        page = side.bring_forward()
        session = side.notebook.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.evaluate("() => { __seen.wait = false; }")
        marks = [cpu_now(session)]
        for key in ("ArrowRight", None):
            for _ in range(TICKS):
                if key:
                    page.keyboard.press(key)
                page.wait_for_timeout(TICK_MS)
            marks.append(cpu_now(session))
        ticking, idling = marks[1].since(marks[0], TICKS), marks[2].since(marks[1], TICKS)
        return ticking.since(idling, 1)


@dataclass(frozen=True)
class Side:
    """A slider that is ready to be moved.

    Parameters
    ----------
    name : str
    notebook : Notebook
    handle : Locator
        What takes the keys.
    arrival : int
        Bytes that come from the kernel, at least, before the new sample can be seen.
    """

    name: str
    notebook: Notebook
    handle: Any
    arrival: int = 0

    def bring_forward(self) -> Any:
        """Give the page, in front, at rest and with the slider focused."""
        page = self.notebook.page
        page.bring_to_front()
        self.handle.focus()
        wait_still(page)
        return page


def check_same(side: Side, n_marked: str) -> None:
    """Hold what a slider marks to the sample's definition, one step up from the start."""
    page = side.bring_forward()
    page.keyboard.press("ArrowRight")
    wait_still(page, 1500)
    marked = side.notebook.ask(f"int({n_marked})")
    expected = int(np.floor(0.06 * N + 0.5))
    if marked != expected:
        raise RuntimeError(f"expected {expected:,} items in the sample, got {marked:,}")


if __name__ == "__main__":
    main()
