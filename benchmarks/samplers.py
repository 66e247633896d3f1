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


def bench(n: int, scaled_from: tuple[int, float] | None) -> float:
    """Time every sampler at one size; give what the machine took."""
    latent, label, pred = make_items(n)
    if n <= MEASURED_TO or scaled_from is None:
        other, how = machine(latent, label), "measured"
    else:
        other = scaled_from[1] * n / scaled_from[0]
        how = f"{n / scaled_from[0]:g} times that at {scaled_from[0]:,}"
    print(f"\nn = {n:,} x {WIDTH}: the machine takes {other:.2f} s ({how})")
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
        print(
            f"{name:24} rank {rank:8.3f} s {rank / other:8.4f}x   roles {roles * 1e3:7.2f} ms "
            f"{roles / other:.6f}x   sample with weights {cut * 1e3:8.2f} ms {cut / other:.6f}x",
            flush=True,
        )
    return other


if __name__ == "__main__":
    last = None
    for size in [int(each) for each in sys.argv[1:]] or SIZES:
        last = (size, bench(size, last))
