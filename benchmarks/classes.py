"""Time to fit a logistic regression of many classes, against scikit-learn's.

Both sides run here, on the same made-up items of 64 units, 10,000 of them, one
thread to the matrix products. CPU seconds are the process's own; wall-clock seconds
are less where our blocks find several cores idle. The fits are the same but for
rounding, which the last column gives: the largest difference of any logit.

    python benchmarks/classes.py [10] [100] [1000]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from latentlens.samplers.base import standardise
from latentlens.samplers.multinomial import fit_multinomial

N, WIDTH = 10_000, 64
CLASSES = (10, 100, 1000)


def timed(function: Callable[[], Any]) -> tuple[Any, float, float]:
    """Give what a function gives, its CPU seconds, and those of the clock."""
    cpu, clock = time.process_time(), time.perf_counter()
    made = function()
    return made, time.process_time() - cpu, time.perf_counter() - clock


def bench(n_classes: int) -> None:
    """Fit both, and print their times."""
    rng = np.random.default_rng(0)
    label = rng.permutation(np.arange(N) % n_classes)
    centre = rng.normal(size=(n_classes, WIDTH))
    points = standardise(np.maximum(0.5 * centre[label] + 1.5 * rng.normal(size=(N, WIDTH)), 0))
    ours, cpu, clock = timed(lambda: fit_multinomial(points, label, n_classes, 1000))
    theirs, their_cpu, their_clock = timed(
        lambda: LogisticRegression(max_iter=1000).fit(points, label)
    )
    apart = np.abs(ours.scores(points) - theirs.decision_function(points)).max()
    print(
        f"{n_classes:5} classes: scikit-learn {their_cpu:6.2f} s of CPU, {their_clock:6.2f} s; "
        f"ours {cpu:6.2f} s, {cpu / their_cpu:.2f}x; by the clock {clock:6.2f} s, "
        f"{clock / their_clock:.2f}x; apart {apart:.0e}",
        flush=True,
    )


if __name__ == "__main__":
    with threadpool_limits(limits=1):
        for n in [int(each) for each in sys.argv[1:]] or CLASSES:
            bench(n)
