"""What is kept: a lens as a file against gzipped pickle, and how much a saved notebook grows.

Both on 10,000 items. The file holds what the lens needs to answer again, checked
when it is read; pickle, gzipped as fast as can be, holds the same objects and runs
whatever a file says; it is the measure of time and size. That both bring the same
sample back is checked before anything is timed. The notebook is run by nbclient,
which keeps all the state of all widgets, and saved once more as JupyterLab does,
without that state; jupyter-scatter shows as many points beside it where it is
installed.

    python benchmarks/saving.py
"""

from __future__ import annotations

import gzip
import pickle
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import nbformat
import numpy as np
from nbclient import NotebookClient

sys.path.insert(0, str(Path(__file__).parent.parent))

from latentlens import LatentLens

N = 10_000
WIDTHS = {"conv1": 864, "conv2": 256, "fc1": 120, "fc2": 84}
LENS = f"""
import numpy as np
from latentlens import LatentLens
rng = np.random.default_rng(0)
latent = rng.normal(size=({N}, 84)).astype(np.float32)
lens = LatentLens.from_arrays(
    latent, rng.integers(0, 10, {N}), logits=latent[:, :10], sampler="random"
)
lens
"""
SCATTER = f"""
import jscatter, pandas
import numpy as np
xy = np.random.default_rng(0).normal(size=({N}, 2))
frame = pandas.DataFrame({{"x": xy[:, 0], "y": xy[:, 1], "c": np.arange({N}) % 10}})
jscatter.Scatter(data=frame, x="x", y="y", color_by="c").show()
"""


def best_of(run: Callable[[], Any], times: int = 3) -> tuple[float, Any]:
    """Give the shortest of several runs in seconds, and what the last one gave."""
    took, found = [], None
    for _ in range(times):
        start = perf_counter()
        found = run()
        took.append(perf_counter() - start)
    return min(took), found


def make_lens() -> LatentLens:
    """Make a lens of four layers with pictures, whose sampler has ranked."""
    rng = np.random.default_rng(0)
    latent = np.maximum(rng.normal(size=(N, WIDTHS["fc2"])), 0).astype(np.float32)
    mixed = {
        name: np.maximum(latent @ rng.normal(size=(latent.shape[1], width)), 0)
        for name, width in WIDTHS.items()
    }
    return LatentLens.from_arrays(
        latent,
        rng.integers(0, 10, N),
        logits=latent[:, :10],
        activations=mixed,
        images=rng.integers(0, 255, (N, 28, 28), np.uint8),
        sampler="stratified",
    )


def pickled(lens: LatentLens, path: Path) -> tuple[Any, Any]:
    """Write and read the same objects by pickle."""
    session = lens._ready()
    drawn = sorted({*lens.sample.index.tolist(), *lens.selection.tolist()})
    kept = session.record, session.rankings, lens.points, session.pictures(drawn)

    def write() -> None:
        path.write_bytes(gzip.compress(pickle.dumps(kept, protocol=5), 1))

    def read() -> Any:
        return pickle.loads(gzip.decompress(path.read_bytes()))

    return best_of(write), best_of(read)


def bench_file() -> None:
    """Time saving and loading, and weigh the files."""
    with tempfile.TemporaryDirectory() as folder:
        own, other = Path(folder) / "run.lens", Path(folder) / "run.pickle"
        lens = make_lens()
        lens.sample  # noqa: B018 - ranks, so that both sides have a ranking
        saved, _ = best_of(lambda: lens.save(own))
        loaded, again = best_of(lambda: LatentLens.load(own))
        (dumped, _), (undumped, (_, rankings, *_)) = pickled(lens, other)
        drawn = rankings["stratified"].sample(lens.fraction, lens.j)
        assert np.array_equal(again.sample.index, lens.sample.index)
        assert np.array_equal(drawn.index, lens.sample.index)
        assert again.frame.equals(lens.frame)
        sizes = [path.stat().st_size / 1e6 for path in (own, other)]
    rows = [("save, s", saved, dumped), ("load to a lens, s", loaded, undumped),
            ("size, MB", *sizes)]  # fmt: skip
    print(f"{N:,} items, {len(WIDTHS) + 2} layers, K = 32{'':>6}  lens   pickled   ratio")
    for name, ours, theirs in rows:
        print(f"  {name:<30} {ours:>7.2f}  {theirs:>7.2f}  {ours / theirs:>6.2f}")


def growth(code: str) -> tuple[float, float]:
    """Give by how many MB a notebook grows: as nbclient keeps it, and without widget state."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    before = len(nbformat.writes(notebook))
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    with_state = len(nbformat.writes(notebook)) - before
    notebook.metadata.pop("widgets", None)
    return with_state / 1e6, (len(nbformat.writes(notebook)) - before) / 1e6


def bench_notebook() -> None:
    """Weigh a saved notebook."""
    ours = growth(LENS)
    print(f"a saved notebook of {N:,} items grows by, MB   with widget state   without")
    print(f"  latentlens, its picture and table included {ours[0]:>18.2f} {ours[1]:>9.2f}")
    if find_spec("jscatter") is None:
        print("  jupyter-scatter is not installed, so nothing stands beside it")
        return
    theirs = growth(SCATTER)
    print(f"  jupyter-scatter, the points alone {theirs[0]:>27.2f} {theirs[1]:>9.2f}")
    print(f"  ratio of the first: {ours[0] / theirs[0]:.2f}")


def main() -> None:
    """Run both."""
    bench_file()
    bench_notebook()


if __name__ == "__main__":
    main()
