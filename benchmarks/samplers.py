"""Time to rank all items, and to cut a sample, against scikit-learn's calibrated machine.

Both sides run here, on one thread, on the same made-up latent of 64 units behind a
ReLU, 10 classes and 1 % of errors; times are the process's own, so that other work on
the machine does not count. The machine is CalibratedClassifierCV(LinearSVC), three
folds, fitted to the labels and asked for probabilities; it takes minutes at a million
items, where the ratio is to ten times its time at 100,000 and says so. The mixtures
are timed at 10,000 items.

    python benchmarks/samplers.py [10000] [100000] [1000000]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import LinearSVC

from latentlens.samplers import SAMPLERS
from latentlens.samplers.base import standardise

WIDTH, N_CLASSES = 64, 10
FRACTION = 0.05
SIZES = (10_000, 100_000, 1_000_000)
MEASURED_TO = 100_000
"""Items up to which the machine is run."""
LARGEST = {"gmm": 10_000}
"""Items up to which samplers whose name begins so are run."""


@dataclass(frozen=True)
class Timed:
    """CPU seconds to rank, to cut without weights and with them, and the machine's."""

    rank: float
    roles: float
    cut: float
    machine: float

    def __str__(self) -> str:
        return (
            f"rank {self.rank:8.3f} s {self.rank / self.machine:8.4f}x   "
            f"roles {self.roles * 1e3:7.2f} ms {self.roles / self.machine:.6f}x   "
            f"sample with weights {self.cut * 1e3:8.2f} ms {self.cut / self.machine:.6f}x"
        )


def make_items(n: int) -> tuple[Any, Any, Any]:
    """Make overlapping classes behind a ReLU, with 1 % of them predicted wrongly."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, N_CLASSES, n)
    centre = rng.normal(size=(N_CLASSES, WIDTH)).astype(np.float32)
    noise = rng.standard_normal((n, WIDTH), np.float32)
    latent = np.maximum(0.5 * centre[label] + 1.5 * noise, 0)
    pred = np.where(rng.random(n) < 0.01, rng.integers(0, N_CLASSES, n), label)
    return latent, label, pred


def seconds(function: Callable[[], Any], times: int = 1) -> float:
    """Give the shortest of some runs, in CPU seconds: other work on the machine does not count."""
    took = []
    for _ in range(times):
        start = time.process_time()
        function()
        took.append(time.process_time() - start)
    return min(took)


def machine(latent: Any, label: Any) -> float:
    """Time scikit-learn's calibrated machine."""
    points = standardise(latent.astype(np.float64))
    model = CalibratedClassifierCV(LinearSVC(dual=False), cv=3, method="sigmoid")
    return seconds(lambda: model.fit(points, label).predict_proba(points))


def bench(n: int, scaled_from: tuple[int, float] | None) -> tuple[float, dict[str, Timed]]:
    """Time every sampler at one size; give what the machine took, and each of them."""
    latent, label, pred = make_items(n)
    if n <= MEASURED_TO or scaled_from is None:
        other, how = machine(latent, label), "measured"
    else:
        other = scaled_from[1] * n / scaled_from[0]
        how = f"{n / scaled_from[0]:g} times that at {scaled_from[0]:,}"
    print(f"\nn = {n:,} x {WIDTH}: the machine takes {other:.2f} s ({how})", flush=True)
    timed = {}
    for name, entry in SAMPLERS.items():
        if any(name.startswith(start) and n > most for start, most in LARGEST.items()):
            continue
        sampler = entry.make(0)
        sampler.fit(latent[:500], label[:500], pred[:500])  # compile
        rank = seconds(lambda s=sampler: s.fit(latent, label, pred))  # type: ignore[misc]
        ranking = sampler.ranking_
        sampler.sample(FRACTION)
        roles = seconds(lambda r=ranking: r.roles(FRACTION, 0.7), 3)  # type: ignore[misc]
        cut = seconds(lambda s=sampler: s.sample(FRACTION), 3)  # type: ignore[misc]
        timed[name] = Timed(rank, roles, cut, other)
        print(f"{name:24} {timed[name]}", flush=True)
    return other, timed


def table(by_size: dict[int, dict[str, Timed]]) -> None:
    """Print all ratios in Markdown: to rank, then to cut a sample with its weights."""
    heads = [f"{step} {n:,}" for step in ("rank", "cut") for n in by_size]
    print(f"\n| x of the machine | {' | '.join(heads)} |\n" + "|---" * (len(heads) + 1) + "|")
    for name in SAMPLERS:
        found = [timed.get(name) for timed in by_size.values()]
        ranks = [f"{t.rank / t.machine:.3f}" if t else "-" for t in found]
        cuts = [f"{t.cut / t.machine:.5f}" if t else "-" for t in found]
        print(f"| {name} | {' | '.join(ranks + cuts)} |")


if __name__ == "__main__":
    last, sizes = None, {}
    for size in [int(each) for each in sys.argv[1:]] or SIZES:
        took, sizes[size] = bench(size, last)
        last = (size, took)
    table(sizes)
