"""Ranking against scikit-learn's calibrated machine; a query against raw activations.

Both sides run here, on one thread, on made-up data; results are compared first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import spearmanr
from sklearn.calibration import CalibratedClassifierCV
from sklearn.svm import LinearSVC

from latentlens.core import (
    Ranking,
    Record,
    answer,
    cell_mean,
    js_distance,
    members,
    record_from_arrays,
)
from latentlens.samplers import MaxMarginSampler
from latentlens.samplers.base import standardise

FRACTION, J, K = 0.05, 0.7, 10


def best_of(function: Callable[[], Any], times: int = 3) -> float:
    """Give the shortest of several runs, in seconds."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        took.append(time.perf_counter() - start)
    return min(took)


def make_latent(n: int, d: int, n_classes: int) -> tuple[Any, Any, Any]:
    """Make overlapping classes behind a ReLU, with 1 % of them predicted wrongly."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, n_classes, n)
    centre = rng.normal(size=(n_classes, d))
    latent = np.maximum(0.5 * centre[label] + 1.5 * rng.normal(size=(n, d)), 0).astype(np.float32)
    pred = np.where(rng.random(n) < 0.01, rng.integers(0, n_classes, n), label)
    return latent, label, pred


def bench_fit(n: int = 10_000, d: int = 84, n_classes: int = 10) -> None:
    """Time a fit that ranks every item."""
    latent, label, pred = make_latent(n, d, n_classes)
    points = standardise(latent.astype(np.float64))

    def calibrated() -> Any:
        model = CalibratedClassifierCV(LinearSVC(dual=False), cv=3, method="sigmoid")
        return model.fit(points, label).predict_proba(points)

    theirs = calibrated()[np.arange(n), pred]
    other = best_of(calibrated)
    samplers = {
        "MaxMargin coupling": MaxMarginSampler(method="coupling"),
        "MaxMargin multinomial": MaxMarginSampler(method="multinomial"),
    }
    for name, sampler in samplers.items():
        sampler.fit(latent, label, pred)
        agreement = spearmanr(theirs, sampler.log_ratio_).statistic
        assert agreement > 0.6, f"{name} ranks otherwise"
        fit = best_of(lambda s=sampler: s.fit(latent, label, pred), times=2)  # type: ignore[misc]
        cut = best_of(lambda s=sampler: s.sample(FRACTION, j=J), times=20)  # type: ignore[misc]
        print(
            f"fit  {name:22} n={n:>6} d={d} {fit * 1e3:9.1f} ms  {fit / other:6.3f}x of "
            f"CalibratedClassifierCV(LinearSVC); rank correlation {agreement:.2f}; "
            f"slice {cut * 1e3:.2f} ms, {cut / other:.6f}x"
        )


def make_ranking(n: int) -> Ranking:
    """Rank items at random in ten groups."""
    rng = np.random.default_rng(1)
    group = (np.arange(n) % 10).astype(np.int32)
    rank = np.zeros(n, np.int64)
    for g in range(10):
        rank[group == g] = rng.permutation(np.count_nonzero(group == g))
    return Ranking(
        sampler="made_up",
        group=group,
        log_ratio=rng.normal(size=n),
        rank=rank,
        group_size=np.bincount(group).astype(np.int64),
    )


def tick(record: Record, ranking: Ranking) -> Any:
    """Do what one step of a slider asks for."""
    group = {"label_class": 3, "by": "true", "correctness": "all"}
    layer = record.layers["hidden"]
    member = members(record.label, record.pred, **group)  # type: ignore[arg-type]
    n_group = int(member.sum())
    exact = cell_mean(layer.cell_sum, record.cell_count, n_group=n_group, **group)  # type: ignore[arg-type]
    roles = ranking.roles(FRACTION, J)
    return answer(layer, roles=roles, member=member, k=K, measure="max", exact_mean=exact)


def tick_raw(raw: Any, record: Record, ranking: Ranking) -> Any:
    """Do the same from full activations."""
    member = record.label == 3
    used = member & (ranking.roles(FRACTION, J) > 0)
    parts = []
    for rows in (used, member):
        values = raw[rows]
        best = np.where(values.any(axis=1), values.argmax(axis=1), values.shape[1])
        counts = np.bincount(best, minlength=values.shape[1] + 1)
        top = np.argsort(-values.max(axis=0), kind="stable")[:K]
        parts.append((top, counts, values.mean(axis=0, dtype=np.float64)))
    return parts


def bench_tick(n: int, units: int) -> None:
    """Time a slider's step on the index against the same on raw activations."""
    rng = np.random.default_rng(2)
    raw = np.maximum(rng.standard_normal((n, units), np.float32), 0)
    label = rng.integers(0, 10, n)
    record = record_from_arrays(np.zeros((n, 1)), label, label, activations={"hidden": raw})
    ranking = make_ranking(n)
    ours, (sample, exact) = tick(record, ranking), tick_raw(raw, record, ranking)
    assert ours.top.unit == sample[0].tolist()
    assert ours.exact_top.unit == exact[0].tolist()
    assert ours.js_distance == js_distance(sample[1], exact[1])
    np.testing.assert_allclose(ours.exact_mean, exact[2], rtol=1e-9)
    ours_s = best_of(lambda: tick(record, ranking), times=20)
    raw_s = best_of(lambda: tick_raw(raw, record, ranking), times=3)
    layer = record.layers["hidden"]
    print(
        f"tick n={n:>6} units={units:>5} {ours_s * 1e3:7.2f} ms  {ours_s / raw_s:6.3f}x of raw "
        f"activations, at {layer.index_bytes / layer.raw_bytes:.1%} of their memory"
    )


if __name__ == "__main__":
    bench_fit()
    bench_tick(10_000, 2048)
    bench_tick(70_000, 512)
