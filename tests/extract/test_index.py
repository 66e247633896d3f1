"""The compiled loops and the plain torch way against sorting everything."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from latentlens.core.record import CELL_KINDS
from latentlens.extract import kernels, tensors
from latentlens.extract.shapes import LayerSpec
from latentlens.extract.tally import Cells, Tally
from tests.extract.brute_force import top

SHAPES = [(1, 1), (3, 2), (5, 40), (4, 255), (4, 256), (4, 257), (3, 700), (2, 5000)]
KINDS = ("normal", "relu", "sparse", "constant", "negative", "few values", "zeros", "signed zeros")


def made_up(kind: str, shape: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(len(kind) + shape[1])
    x = rng.normal(size=shape)
    values = {
        "normal": x,
        "relu": np.maximum(x, 0),
        "sparse": np.maximum(x - 2.5, 0),
        "constant": np.full(shape, 1.5),
        "negative": -np.abs(x) - 1,
        "few values": rng.integers(-1, 2, shape),
        "zeros": np.zeros(shape),
        "signed zeros": np.where(rng.random(shape) < 0.5, -0.0, 0.0),
    }[kind]
    return values.astype(np.float32)


def by_kernel(x: np.ndarray, keep: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    k = min(keep, x.shape[1])
    unit, value = np.zeros((len(x), k), np.uint16), np.zeros((len(x), k), np.float32)
    silent = np.zeros(len(x), np.bool_)
    assert kernels.top_rows(x, x.view(np.int32), unit, value, silent)
    return unit, value, silent


def by_torch(x: np.ndarray, keep: int) -> tuple[np.ndarray, np.ndarray]:
    unit, value = tensors.top_rows(torch.from_numpy(x), min(keep, x.shape[1]))
    return unit.numpy(), value.numpy()


@pytest.mark.parametrize("keep", [1, 4, 32, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_both_ways_equal_a_stable_sort(kind, keep):
    for shape in SHAPES:
        x = made_up(kind, shape)
        order = top(x, keep)
        unit, value, silent = by_kernel(x, keep)
        np.testing.assert_array_equal(unit, order)
        np.testing.assert_array_equal(value, np.take_along_axis(x, order, 1))
        np.testing.assert_array_equal(silent, (x == 0).all(1))
        unit, value = by_torch(x, keep)
        np.testing.assert_array_equal(unit, order)
        np.testing.assert_array_equal(value, np.take_along_axis(x, order, 1))


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 600)),
        elements=st.one_of(
            st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 3.4e38, -3.4e38]),
            st.floats(-10, 10, width=32),
        ),
        fill=st.sampled_from([0.0, 1.0]),
    ),
    st.integers(1, 40),
)
def test_both_ways_equal_a_stable_sort_for_any_values(x, keep):
    order = top(x, keep)
    np.testing.assert_array_equal(by_kernel(x, keep)[0], order)
    np.testing.assert_array_equal(by_torch(x, keep)[0], order)


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 255, 256, 299])
def test_the_loop_notices_what_is_not_finite(bad, at):
    x = made_up("normal", (3, 300))
    x[1, at] = bad
    unit, value = np.zeros((3, 4), np.uint16), np.zeros((3, 4), np.float32)
    assert not kernels.top_rows(x, x.view(np.int32), unit, value, np.zeros(3, np.bool_))


def spec(units: int, name: str = "layer") -> LayerSpec:
    return LayerSpec(name=name, shape=(units,), reduce="unit", units=units, call=name)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("units", [3, 513, 1100])
def test_sums_equal_adding_item_by_item(compiled, units):
    rng = np.random.default_rng(units)
    n_classes, sizes = 3, (40, 9, 1)
    tally = Tally([spec(units)], n_classes, 8, sum(sizes), compiled=compiled)
    total = np.zeros((CELL_KINDS, n_classes, units))
    everything = []
    for n in sizes:
        x = (rng.normal(size=(n, units)) * 10 ** rng.uniform(-3, 3, (n, 1))).astype(np.float32)
        label, pred = (
            rng.integers(-1, 3, n).astype(np.int32),
            rng.integers(0, 3, n).astype(np.int32),
        )
        tally.add({"layer": torch.from_numpy(x)}, label, pred)
        everything.append(x)
        for row in range(n):
            item = x[row].astype(np.float64)
            if label[row] < 0:
                total[3, pred[row]] += item
            elif label[row] == pred[row]:
                total[0, label[row]] += item
            else:
                total[1, label[row]] += item
                total[2, pred[row]] += item
    layer = tally.layers[0].index()
    tally.close()
    x = np.concatenate(everything)
    # Sums of cancelling terms are compared on the scale of the terms.
    scale = np.abs(x).sum(0).astype(np.float64)
    assert (np.abs(layer.cell_sum - total) <= 1e-13 * scale).all()
    np.testing.assert_array_equal(layer.unit_max, x.max(0))
    np.testing.assert_array_equal(layer.unit_min, x.min(0))
    np.testing.assert_array_equal(layer.top_unit, top(x, 8))


def test_what_float32_would_lose_is_not_lost():
    x = np.full((20_000, 1), 0.1, np.float32)
    x[0] = 1e6
    label = np.zeros(len(x), np.int32)
    for compiled in (False, True):
        tally = Tally([spec(1)], 1, 1, len(x), compiled=compiled)
        tally.add({"layer": torch.from_numpy(x)}, label, label)
        found = tally.layers[0].index().cell_sum[0, 0, 0]
        tally.close()
        assert abs(found - x.astype(np.float64).sum()) < 1e-6


@pytest.mark.parametrize("compiled", [False, True])
def test_batches_with_nan_count_as_zeros_there(compiled):
    x = made_up("normal", (6, 300))
    x[2, 7], x[4, 299] = np.nan, np.inf
    label = np.zeros(6, np.int32)
    tally = Tally([spec(300)], 1, 5, 6, compiled=compiled)
    counted = tally.add({"layer": torch.from_numpy(x)}, label, label)
    layer = tally.layers[0].index()
    tally.close()
    clean = np.where(np.isfinite(x), x, np.float32(0))
    assert layer.nonfinite == 2
    np.testing.assert_array_equal(layer.top_unit, top(clean, 5))
    np.testing.assert_array_equal(counted["layer"].numpy(), clean)
    np.testing.assert_allclose(layer.cell_sum[0, 0], clean.sum(0, dtype=np.float64), rtol=1e-12)


def test_threads_change_nothing():
    x = torch.from_numpy(made_up("normal", (50, 700)))
    label = np.arange(50, dtype=np.int32) % 3
    found = []
    before = torch.get_num_threads()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        tally = Tally([spec(700)], 3, 9, 50, compiled=True)
        tally.add({"layer": x}, label, label[::-1].copy())
        found.append(tally.layers[0].index())
        tally.close()
    torch.set_num_threads(before)
    for other in found[1:]:
        np.testing.assert_array_equal(other.cell_sum, found[0].cell_sum)
        np.testing.assert_array_equal(other.top_unit, found[0].top_unit)


def test_cells_are_listed_row_by_row():
    label, pred = np.array([0, 1, 1, -1], np.int32), np.array([0, 1, 0, 2], np.int32)
    cells = Cells.of(label, pred, 3)
    held = {
        int(cell): cells.order[a:b].tolist()
        for cell, a, b in zip(cells.cell, cells.start[:-1], cells.start[1:], strict=True)
    }
    assert held == {0: [0], 1: [1], 3 + 1: [2], 6 + 0: [2], 9 + 2: [3]}


def test_wide_layers_have_wide_numbers():
    tally = Tally([spec(70_000)], 1, 2, 2, compiled=True)
    x = torch.zeros(2, 70_000)
    x[:, 69_999] = 1
    label = np.zeros(2, np.int32)
    tally.add({"layer": x}, label, label)
    assert tally.layers[0].index().top_unit.tolist() == [[69_999, 0], [69_999, 0]]
