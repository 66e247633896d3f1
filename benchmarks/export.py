"""A lens as one file: how large it is, how long it takes to write, and until one sees it.

The lens holds 10,000 items, five layers of a network of LeNet's size, and pictures of the
sample; on MNIST where LATENTLENS_DATA and LATENTLENS_WEIGHTS are there, else on made-up
activations. jupyter-scatter's part is what it can export: the same points in a notebook
that was run and saved with its widgets' state, then turned into HTML by ipywidgets'
own `embed`, which holds no lasso that selects, no layers and no sample.

    python benchmarks/export.py [repetitions]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from latentlens import LatentLens, data, models
from latentlens.core import record_from_arrays
from tests.browser.page import chromium
from tests.made_up import blobs

N = 10_000
LAYERS = ["act1", "act2", "act3", "act4", "fc3"]
SHAPES = {"act1": 4704, "act2": 3136, "act3": 120, "fc3": 10}


def make_lens() -> LatentLens:
    """Give the lens: LeNet-5 on MNIST, or numbers of the same size."""
    weights = os.environ.get("LATENTLENS_WEIGHTS")
    if weights and os.environ.get("LATENTLENS_DATA"):
        model = models.lenet5()
        models.load_weights(model, weights)
        return LatentLens(model.eval(), data.mnist().loader("test")).run(progress=False)
    print("made-up activations; for MNIST set LATENTLENS_DATA and LATENTLENS_WEIGHTS")
    latent, label, logits = blobs(N, d=84, n_classes=10)
    rng = np.random.default_rng(0)
    activations = {
        name: np.maximum(rng.normal(size=(N, units)), 0).astype(np.float32)
        for name, units in SHAPES.items()
    }
    record = record_from_arrays(latent, label, logits=logits, activations=activations)
    pictures = rng.integers(0, 255, (N, 28, 28), dtype=np.uint8) // 200 * 200
    return LatentLens(record, images=pictures)


def export_theirs(lens: LatentLens, path: Path) -> float:
    """Write jupyter-scatter's page of the same points; gives the seconds it took."""
    import jscatter
    import pandas as pd
    from ipywidgets.embed import embed_minimal_html

    xy, label = lens.points["xy"], lens.record.label
    points = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "cls": label})
    scatter = jscatter.Scatter(data=points, x="x", y="y", color_by="cls", height=480)
    start = time.perf_counter()
    embed_minimal_html(path, views=[scatter.widget], title="points")
    return time.perf_counter() - start


def painted_ms(browser: Any, path: Path) -> float:
    """Open a page and wait until its map is painted and its panes show an answer."""
    page = browser.new_page(viewport={"width": 1400, "height": 1100})
    try:
        start = time.perf_counter()
        page.goto(path.as_uri())
        page.locator(".ll-row").first.wait_for(timeout=30_000)
        page.evaluate("() => new Promise((run) => requestAnimationFrame(() => setTimeout(run)))")
        return 1e3 * (time.perf_counter() - start)
    finally:
        page.close()


def why_blank(browser: Any, path: Path) -> str:
    """Open a page with the network blocked, and say what came of it."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("requestfailed", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    shown = page.locator("canvas").count()
    page.close()
    return "shown" if shown else f"blank without a network, asks for {asked[0] if asked else '?'}"


def main() -> None:
    """Print every figure."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    lens = make_lens()
    layers = [name for name in LAYERS if name in lens.record.layers]
    if len(layers) < len(LAYERS):
        layers = list(lens.record.layers)[:5]
    folder = Path(tempfile.mkdtemp())
    ours, theirs = folder / "ours.html", folder / "theirs.html"
    seconds = []
    for _ in range(max(2, repetitions // 2)):
        start = time.perf_counter()
        said = lens.to_html(ours, layers=layers)
        seconds.append(time.perf_counter() - start)
    print(said)
    both = find_spec("jscatter") is not None
    their_s = export_theirs(lens, theirs) if both else float("nan")
    print_pair("size, MB", ours.stat().st_size / 1e6, theirs.stat().st_size / 1e6 if both else None)
    print_pair("export, s", statistics.median(seconds), their_s if both else None)
    with chromium() as browser:
        painted_ms(browser, ours)
        times = [painted_ms(browser, ours) for _ in range(repetitions)]
        blank = why_blank(browser, theirs) if both else "not installed"
    print(f"load to painted, ms    ours {statistics.median(times):8.0f}  (least {min(times):.0f})"
          f"  jupyter-scatter {blank}")  # fmt: skip


def print_pair(name: str, ours: float, theirs: float | None) -> None:
    """Print one figure of both sides, and their ratio."""
    print(f"{name:22} ours {ours:8.2f}", end="")
    print("" if theirs is None else f"  jupyter-scatter {theirs:8.2f}  {ours / theirs:5.2f}x")


if __name__ == "__main__":
    main()
