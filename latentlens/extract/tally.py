"""The top-K index and the running sums of all layers, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentlens.core.record import CELL_KINDS, LayerIndex, cells
from latentlens.extract.rows import Rows
from latentlens.extract.shapes import LayerSpec
from latentlens.extract.tensors import cell_sums, top_rows

WORTH_COMPILING = 20_000_000
"""From how many activations on the compiled loops save more time than they take to load."""


@dataclass(frozen=True)
class Cells:
    """Which rows of a batch count in which cells.

    Parameters
    ----------
    order : ndarray of shape (m,), int64
        Rows, cell by cell.
    start : ndarray of shape (n_present + 1,), int64
        Where each cell's rows begin in `order`.
    cell : ndarray of shape (n_present,), int64
        The cells that occur, as ``kind * n_classes + class``.
    """

    order: NDArray[np.int64]
    start: NDArray[np.int64]
    cell: NDArray[np.int64]

    @classmethod
    def of(cls, label: NDArray[np.int32], pred: NDArray[np.int32], n_classes: int) -> Cells:
        """Sort a batch's rows into their cells."""
        rows, numbers = [], []
        for kind, which, member in cells(label, pred):
            rows.append(np.flatnonzero(member))
            numbers.append(kind * n_classes + which[member].astype(np.int64))
        row, number = np.concatenate(rows), np.concatenate(numbers)
        order = np.argsort(number, kind="stable")
        cell, start = np.unique(number[order], return_index=True)
        return cls(row[order], np.append(start, len(row)).astype(np.int64), cell)


class LayerTally:
    """One layer's index and sums.

    Parameters
    ----------
    spec : LayerSpec
    n_classes, keep : int
    expected : int or None
        How many items will come, if known.
    """

    def __init__(self, spec: LayerSpec, n_classes: int, keep: int, expected: int | None) -> None:
        k = min(keep, spec.units)
        self.spec = spec
        self.keep = k
        self.unit = Rows((k,), np.uint16 if spec.units <= 1 << 16 else np.uint32, expected)
        self.value = Rows((k,), np.float32, expected)
        self.silent = Rows((), np.bool_, expected)
        self.total = np.zeros((CELL_KINDS * n_classes, spec.units))
        self.high = np.full(spec.units, -np.inf, np.float32)
        self.low = np.full(spec.units, np.inf, np.float32)
        self.nonfinite = 0

    def index(self) -> LayerIndex:
        """Give what has been counted so far."""
        return LayerIndex(
            name=self.spec.name,
            shape=self.spec.shape,
            reduce=self.spec.reduce,
            units=self.spec.units,
            top_unit=self.unit.done(),
            top_value=self.value.done(),
            silent=self.silent.done(),
            cell_sum=self.total.reshape(CELL_KINDS, -1, self.spec.units).copy(),
            unit_max=self.high.copy(),
            unit_min=self.low.copy(),
            nonfinite=self.nonfinite,
        )

    def take(self, n: int) -> None:
        """Count the next `n` rows as filled."""
        for rows in (self.unit, self.value, self.silent):
            rows.take(n)


class Tally:
    """All layers' indexes and sums.

    On a CPU the compiled loops of `kernels` do the work, shared among as many
    threads as torch uses; elsewhere, and where there is too little to do to be
    worth loading them, torch does it where the activations are.

    Parameters
    ----------
    specs : sequence of LayerSpec
    n_classes, keep : int
    expected : int or None
        How many items will come, if known.
    compiled : bool, optional
        Whether to use the compiled loops on a CPU; by the amount of work if not given.
    """

    def __init__(
        self,
        specs: Sequence[LayerSpec],
        n_classes: int,
        keep: int,
        expected: int | None,
        *,
        compiled: bool | None = None,
    ) -> None:
        work = sum(spec.units for spec in specs) * (expected or WORTH_COMPILING)
        self.compiled = work >= WORTH_COMPILING if compiled is None else compiled
        self.layers = [LayerTally(spec, n_classes, keep, expected) for spec in specs]
        self._n_classes = n_classes
        self._threads = 1
        self._pool: ThreadPoolExecutor | None = None

    def add(
        self, caught: dict[str, Tensor], label: NDArray[np.int32], pred: NDArray[np.int32]
    ) -> dict[str, Tensor]:
        """Count a batch.

        Parameters
        ----------
        caught : dict of str to Tensor of shape (n, units), float32
            By layer.
        label, pred : ndarray of shape (n,), int32

        Returns
        -------
        dict of str to Tensor
            What was counted: `caught`, with zeros for NaN and infinities.
        """
        batch = Cells.of(label, pred, self._n_classes)
        counted = {}
        on_cpu: list[tuple[LayerTally, Tensor]] = []
        for layer in self.layers:
            x = caught[layer.spec.name]
            if x.device.type == "cuda" or not self.compiled:
                counted[layer.spec.name] = _add_by_torch(layer, x, batch)
            else:
                on_cpu.append((layer, x.cpu()))
        counted.update(self._add_on_cpu(on_cpu, batch))
        for layer in self.layers:
            layer.take(len(label))
        return counted

    def prepare(self) -> None:
        """Load the compiled loops, which takes seconds the first time on a machine."""
        if self.compiled:
            from latentlens.extract import kernels

            kernels.load()

    def close(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _add_on_cpu(
        self, layers: list[tuple[LayerTally, Tensor]], batch: Cells
    ) -> dict[str, Tensor]:
        if not layers:
            return {}
        from latentlens.extract import kernels

        n = len(layers[0][1])
        arrays = [x.numpy() for _, x in layers]
        finite = np.ones((self._open_pool(), len(layers)), np.bool_)

        def rank(part: int, parts: int) -> None:
            rows = slice(n * part // parts, n * (part + 1) // parts)
            for i, (layer, _) in enumerate(layers):
                finite[part, i] = _rank_rows(layer, arrays[i], rows)

        def total(part: int, parts: int) -> None:
            for i, (layer, _) in enumerate(layers):
                units = layer.spec.units
                kernels.add_rows(
                    arrays[i], batch.order, batch.start, batch.cell, layer.total, layer.high,
                    layer.low, units * part // parts, units * (part + 1) // parts,
                )  # fmt: skip

        for layer, _ in layers:
            layer.unit.room(n), layer.value.room(n), layer.silent.room(n)
        self._share(rank)
        for i in np.flatnonzero(~finite.all(0)):
            arrays[i] = _clean(layers[i][0], arrays[i])
            _rank_rows(layers[i][0], arrays[i], slice(n))
        self._share(total)
        return {
            layer.spec.name: torch.from_numpy(x)
            for (layer, _), x in zip(layers, arrays, strict=True)
        }

    def _open_pool(self) -> int:
        self._threads = torch.get_num_threads()
        if self._threads > 1 and self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads - 1, thread_name_prefix="latentlens pass")
        return self._threads

    def _share(self, work: Callable[[int, int], None]) -> None:
        """Do all parts of some work, the last one on this thread."""
        parts = self._threads
        if self._pool is None:
            for part in range(parts):
                work(part, parts)
            return
        others = [self._pool.submit(work, part, parts) for part in range(parts - 1)]
        work(parts - 1, parts)
        for other in others:
            other.result()


def _rank_rows(layer: LayerTally, x: NDArray[np.float32], rows: slice) -> bool:
    """Put the largest activations of some rows of a batch in their places; say if all is finite."""
    from latentlens.extract import kernels

    n, some = len(x), x[rows]
    finite: bool = kernels.top_rows(
        some,
        some.view(np.int32),
        layer.unit.room(n)[rows],
        layer.value.room(n)[rows],
        layer.silent.room(n)[rows],
    )
    return finite


def _clean(layer: LayerTally, x: NDArray[np.float32]) -> NDArray[np.float32]:
    finite = np.isfinite(x)
    layer.nonfinite += int(x.size - np.count_nonzero(finite))
    return np.where(finite, x, np.float32(0))


def _add_by_torch(layer: LayerTally, x: Tensor, batch: Cells) -> Tensor:
    finite = x.isfinite()
    if not bool(finite.all()):
        layer.nonfinite += int((~finite).sum())
        x = torch.where(finite, x, torch.zeros_like(x))
    n = len(x)
    unit, value = top_rows(x, layer.keep)
    layer.unit.room(n)[:] = unit.cpu().numpy()
    layer.value.room(n)[:] = value.cpu().numpy()
    layer.silent.room(n)[:] = (x == 0).all(1).cpu().numpy()
    present = np.repeat(np.arange(len(batch.cell)), np.diff(batch.start))
    order = torch.from_numpy(batch.order).to(x.device)
    sums = cell_sums(x, order, torch.from_numpy(present).to(x.device), len(batch.cell))
    layer.total[batch.cell] += sums.cpu().numpy()
    layer.high = np.maximum(layer.high, x.amax(0).cpu().numpy())
    layer.low = np.minimum(layer.low, x.amin(0).cpu().numpy())
    return x
