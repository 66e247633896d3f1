"""The slow way to everything a pass yields: keep all activations, then sort and sum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.record import LayerIndex, Record
from latentlens.extract import Pass, Plan, read_activations

Array = NDArray[Any]


def raw_activations(plan: Plan, n: int) -> dict[str, Array]:
    """Hold every layer's activations of all items."""
    names = [spec.name for spec in plan.layers]
    parts = [values for _, values in read_activations(plan, range(n), names)]
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def top(values: Array, k: int) -> Array:
    """Sort every row in full; equal values stay in the order of their units."""
    return np.argsort(-values, axis=1, kind="stable")[:, :k]


def assert_index_is_exact(record: Record, layer: LayerIndex, values: Array) -> None:
    """Compare one layer of a record with its raw activations."""
    order = top(values, layer.keep)
    np.testing.assert_array_equal(layer.top_unit, order)
    np.testing.assert_array_equal(layer.top_value, np.take_along_axis(values, order, 1))
    np.testing.assert_array_equal(layer.silent, (values == 0).all(1))
    np.testing.assert_array_equal(layer.unit_max, values.max(0))
    np.testing.assert_array_equal(layer.unit_min, values.min(0))
    np.testing.assert_allclose(layer.cell_sum, cell_sums(record, values), rtol=1e-12, atol=1e-12)


def cell_sums(record: Record, values: Array) -> Array:
    """Add up the cells item by item, as their definition reads."""
    total = np.zeros((4, len(record.classes), values.shape[1]))
    for row, (label, pred) in enumerate(zip(record.label, record.pred, strict=True)):
        item = values[row].astype(np.float64)
        if label < 0:
            total[3, pred] += item
        elif label == pred:
            total[0, label] += item
        else:
            total[1, label] += item
            total[2, pred] += item
    return total


def run(plan: Plan) -> Record:
    """Run a pass to its end, quietly."""
    return Pass(plan).run(progress=False)
