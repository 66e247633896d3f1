"""The top-K index and the running sums of all layers, batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentlens.core.record import CELL_KINDS, LayerIndex, cells
from latentlens.extract.rows import Rows
from latentlens.extract.shapes import LayerSpec
from latentlens.extract.tensors import cell_sums, top_rows

_Places = tuple[NDArray[Any], ...]

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
    first : ndarray of shape (n_present,), bool
        Whether no earlier cell has the same rows.
    """

    order: NDArray[np.int64]
    start: NDArray[np.int64]
    cell: NDArray[np.int64]
    first: NDArray[np.bool_]

    @classmethod
    def of(cls, label: NDArray[np.int32], pred: NDArray[np.int32], n_classes: int) -> Cells:
        """Sort a batch's rows into their cells."""
        rows, numbers = [], []
        seen = np.zeros(len(label), np.bool_)
        again = []
        for kind, which, member in cells(label, pred):
            rows.append(np.flatnonzero(member))
            numbers.append(kind * n_classes + which[member].astype(np.int64))
            if seen[member].all():
                again.append(kind)
            seen |= member
        row, number = np.concatenate(rows), np.concatenate(numbers)
        order = np.argsort(number, kind="stable")
        cell, start = np.unique(number[order], return_index=True)
        first = ~np.isin(cell // n_classes, again)
        return cls(row[order], np.append(start, len(row)).astype(np.int64), cell, first)

    def split(self, parts: int) -> list[int]:
        """Cut `order` between cells into at most `parts` parts; give all their ends."""
        even = np.linspace(0, len(self.order), parts + 1)
        return [int(end) for end in np.unique(self.start[np.searchsorted(self.start, even)])]


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
        self.high = np.full((1, spec.units), -np.inf, np.float32)
        self.low = np.full((1, spec.units), np.inf, np.float32)
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
            unit_max=self.high.max(0),
            unit_min=self.low.min(0),
            nonfinite=self.nonfinite,
        )

    def room(self, x: NDArray[np.float32], part: int) -> _Places:
        """Give the places of the next rows, and those of the sums, to one part of the work."""
        while part >= len(self.high):
            self.high = np.concatenate([self.high, self.high[:1]])
            self.low = np.concatenate([self.low, self.low[:1]])
        n = len(x)
        return (
            x, self.unit.room(n), self.value.room(n), self.silent.room(n), self.total,
            self.high[part], self.low[part],
        )  # fmt: skip

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
        self,
        caught: dict[str, Tensor],
        label: NDArray[np.int32],
        pred: NDArray[np.int32],
        rectified: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, Tensor]:
        """Count a batch.

        Parameters
        ----------
        caught : dict of str to Tensor of shape (n, units), float32
            By layer.
        label, pred : ndarray of shape (n,), int32
        rectified : mapping of str to str
            Of layers that may be the positive part of another, by name: that other.
            It saves work where it is so; where it is not, it does no harm.

        Returns
        -------
        dict of str to Tensor
            What was counted: `caught`, with zeros for NaN and infinities.
        """
        batch = Cells.of(label, pred, self._n_classes)
        counted = {}
        on_cpu: dict[str, NDArray[np.float32]] = {}
        for layer in self.layers:
            x = caught[layer.spec.name]
            if x.device.type == "cuda" or not self.compiled:
                counted[layer.spec.name] = _add_by_torch(layer, x, batch)
            else:
                on_cpu[layer.spec.name] = x.cpu().numpy()
        counted.update(self._add_on_cpu(on_cpu, batch, rectified))
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
        self, arrays: dict[str, NDArray[np.float32]], batch: Cells, rectified: Mapping[str, str]
    ) -> dict[str, Tensor]:
        if not arrays:
            return {}
        layers = [layer for layer in self.layers if layer.spec.name in arrays]
        threads = self._open_pool()
        ends = batch.split(threads)
        jobs = [
            _Job(pair, batch, arrays, part=part, begin=begin, end=end)
            for pair in _pairs(layers, rectified)
            for part, (begin, end) in enumerate(pairwise(ends))
        ]
        # The longest first, so that the threads end at about the same time.
        jobs.sort(key=lambda job: job.work, reverse=True)
        self._share(jobs)
        halted = [job for job in jobs if job.begin < job.end]
        for layer in {layer.spec.name: layer for job in halted for layer in job.pair}.values():
            arrays[layer.spec.name] = _clean(layer, arrays[layer.spec.name])
        for job in halted:
            job.run()
        return {name: torch.from_numpy(x) for name, x in arrays.items()}

    def _open_pool(self) -> int:
        threads = torch.get_num_threads()
        if threads > 1 and self._pool is None:
            self._pool = ThreadPoolExecutor(threads - 1, thread_name_prefix="latentlens pass")
        return threads

    def _share(self, jobs: list[_Job]) -> None:
        """Do all jobs, here and on the other threads; each takes the next when it is done."""
        left = iter(jobs)

        def work() -> None:
            for job in left:
                job.run()

        others = [] if self._pool is None else [
            self._pool.submit(work) for _ in range(torch.get_num_threads() - 1)
        ]  # fmt: skip
        work()
        for other in others:
            other.result()


class _Job:
    """The cells ``order[begin:end]`` of one layer, and of the one that is its positive part."""

    def __init__(
        self,
        pair: list[LayerTally],
        batch: Cells,
        arrays: dict[str, NDArray[np.float32]],
        *,
        part: int,
        begin: int,
        end: int,
    ) -> None:
        self.pair = pair
        self.begin, self.end = begin, end
        self.work = (end - begin) * sum(layer.spec.units for layer in pair)
        self._batch, self._arrays, self._part = batch, arrays, part
        # Made here, since only one thread may let the arrays grow.
        self._places = [layer.room(arrays[layer.spec.name], part)[1:] for layer in pair]

    def run(self) -> None:
        """Count from `begin`, and move it to the end, or to where a value is not finite."""
        from latentlens.extract import kernels

        first, *others = (
            (self._arrays[layer.spec.name], *places)
            for layer, places in zip(self.pair, self._places, strict=True)
        )
        none = (first[0][:0], *first[1:])
        batch = self._batch
        self.begin = kernels.read_rows(
            first, others[0] if others else none, batch.order, batch.start, batch.cell,
            batch.first, self.begin, self.end,
        )  # fmt: skip


def _pairs(layers: list[LayerTally], rectified: Mapping[str, str]) -> list[list[LayerTally]]:
    """Put each layer that may be the positive part of another with that one."""
    alone = {layer.spec.name: [layer] for layer in layers}
    for layer in layers:
        source = alone.get(rectified.get(layer.spec.name, ""))
        if source is not None and len(source) == 1 and source[0].spec.units == layer.spec.units:
            source.append(alone.pop(layer.spec.name)[0])
    return list(alone.values())


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
    np.maximum(layer.high, x.amax(0).cpu().numpy(), out=layer.high)
    np.minimum(layer.low, x.amin(0).cpu().numpy(), out=layer.low)
    return x
