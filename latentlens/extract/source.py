"""In which order the items are read, and whether any of them can be read again.

Rows of the record are positions in `loader.dataset`, whatever order the loader
gives: what has positions is read by position, and only a stream is taken as it
comes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
    default_collate,
)


class Positions:
    """Items of a dataset that has positions; any of them can be read again.

    Parameters
    ----------
    loader : torch.utils.data.DataLoader
        Gives the dataset, the batch size, `collate_fn` and the workers.
    """

    random_access = True

    def __init__(self, loader: DataLoader[Any]) -> None:
        self.dataset: Any = loader.dataset
        self.notes: list[str] = []
        self._loader = loader
        self.collate: Callable[[list[Any]], Any] = loader.collate_fn
        self.ids, self.batch_size = self._order(loader)
        self.n_items: int | None = len(self.ids)

    def _order(self, loader: DataLoader[Any]) -> tuple[NDArray[np.int64], int]:
        everything = np.arange(len(self.dataset), dtype=np.int64)
        batches: Any = loader.batch_sampler
        own_batches = type(batches) is not BatchSampler
        size = _batch_size(batches)
        sampler = batches if own_batches else loader.sampler
        if not own_batches and type(sampler) is SequentialSampler:
            return everything, size
        if not own_batches and _is_shuffle(sampler, len(everything)):
            self.notes.append("The loader shuffles; the items are read in the dataset's order.")
            return everything, size
        with _lent(getattr(sampler, "generator", None)):
            drawn = chain.from_iterable(sampler) if own_batches else iter(sampler)
            if not hasattr(sampler, "__len__"):
                drawn = islice(drawn, len(everything))
            chosen = np.unique(np.fromiter((int(i) for i in drawn), np.int64))
        if len(chosen) < len(everything):
            self.notes.append(
                f"The loader's {type(sampler).__name__} draws {len(chosen):,} of "
                f"{len(everything):,} items; those are read, each once, in the dataset's order."
            )
        return chosen, size

    def read(self, rows: Sequence[int] | NDArray[np.int64]) -> Any:
        """Collate the batch of these rows, as the loader would."""
        at = self.ids[np.asarray(rows, np.int64)]
        if type(self.dataset) is TensorDataset and self.collate is default_collate:
            # The same tensors as collating item by item, in one step.
            return [tensor[torch.from_numpy(at)] for tensor in self.dataset.tensors]
        return self.collate(self._items(at.tolist()))

    def items(self, rows: Sequence[int] | NDArray[np.int64]) -> list[Any]:
        """Read these rows' items from the dataset, uncollated."""
        return self._items(self.ids[np.asarray(rows, np.int64)].tolist())

    def _items(self, at: list[int]) -> list[Any]:
        fetch = getattr(self.dataset, "__getitems__", None)
        return list(fetch(at)) if fetch is not None else [self.dataset[i] for i in at]

    def first(self, n: int) -> Any:
        """Read the first batch, of at most `n` items."""
        return self.read(np.arange(min(n, len(self.ids))))

    def batches(self, batch_size: int | None = None, *, begin: int = 0) -> Iterator[Any]:
        """Read the rows from `begin` on, in order."""
        size = batch_size or self.batch_size
        if self._loader.num_workers > 0:
            yield from self._with_workers(size, begin)
            return
        for start in range(begin, len(self.ids), size):
            yield self.read(np.arange(start, min(start + size, len(self.ids))))

    def _with_workers(self, size: int, begin: int) -> Iterator[Any]:
        old = self._loader
        with warnings.catch_warnings():
            # The user's own loader has already said that it has many workers.
            warnings.simplefilter("ignore")
            loader: DataLoader[Any] = DataLoader(
                self.dataset,
                batch_size=size,
                sampler=self.ids[begin:].tolist(),
                num_workers=old.num_workers,
                collate_fn=self.collate,
                pin_memory=old.pin_memory and torch.cuda.is_available(),
                timeout=old.timeout,
                worker_init_fn=old.worker_init_fn,
                multiprocessing_context=old.multiprocessing_context,
                prefetch_factor=old.prefetch_factor,
            )
        yield from loader


class Stream:
    """Batches taken as they come; nothing can be read twice.

    Parameters
    ----------
    loader : iterable of batches
    why : str
        Why the items have no positions.

    Attributes
    ----------
    kind : str
        Name of the loader's type.
    begins_anew : bool
        Whether iterating it again gives the first batch again.
    """

    random_access = False

    def __init__(self, loader: Iterable[Any], why: str) -> None:
        self.dataset: Any = getattr(loader, "dataset", None)
        self.ids: NDArray[np.int64] | None = None
        self.n_items: int | None = None
        self.notes = [
            f"{why}: the order of this pass is kept as it came, and random access is off."
        ]
        self._loader = loader
        self.kind = type(loader).__name__
        self.begins_anew = True
        self._begun: Iterator[Any] | None = None

    def first(self, n: int) -> Any:
        """Take the first batch, and keep it for the first pass."""
        del n
        stream = self._open()
        batch = next(stream, None)
        if batch is None:
            raise ValueError(_EMPTY)
        self._begun = chain([batch], stream)
        self.begins_anew = stream is not self._loader
        return batch

    def batches(self) -> Iterator[Any]:
        """Give all batches: what `first` took, and the rest."""
        begun, self._begun = self._begun, None
        if begun is not None:
            return begun
        if not self.begins_anew:
            raise ValueError(
                f"loader is a {self.kind} and its batches are used up; "
                "give something that can be iterated again, such as a DataLoader or a list."
            )
        return self._open()

    def again(self) -> Iterator[Any]:
        """Open the loader once more: from its start, or where it is if it cannot begin anew."""
        return self._open()

    def _open(self) -> Iterator[Any]:
        with _lent(getattr(self._loader, "generator", None)):
            return iter(self._loader)


Source = Positions | Stream

_EMPTY = "loader gives no batch; latentlens needs at least one item to look at."


def open_source(loader: Any) -> Source:
    """Find out how `loader` can be read.

    Raises
    ------
    TypeError
        If `loader` cannot be iterated, or is a dataset or a tensor and not a loader.
    ValueError
        If it is empty.
    """
    if isinstance(loader, Dataset):
        raise TypeError(
            f"loader must give batches, but it is the dataset {type(loader).__name__} itself; "
            "wrap it: DataLoader(dataset, batch_size=256)."
        )
    if isinstance(loader, Tensor | np.ndarray):
        raise TypeError(
            f"loader must give batches of inputs and labels, but it is one {type(loader).__name__} "
            f"of shape {tuple(loader.shape)}; wrap it: "
            "DataLoader(TensorDataset(inputs, labels), batch_size=256)."
        )
    if not isinstance(loader, Iterable):
        raise TypeError(
            f"loader must be an iterable of batches, such as a DataLoader, "
            f"got {type(loader).__name__}."
        )
    if not isinstance(loader, DataLoader):
        return Stream(loader, f"loader is a {type(loader).__name__}, not a DataLoader")
    if isinstance(loader.dataset, IterableDataset):
        return Stream(loader, f"{type(loader.dataset).__name__} is an IterableDataset")
    if type(loader).__iter__ is not DataLoader.__iter__:
        return Stream(loader, f"{type(loader).__name__} makes its batches in its own way")
    if loader.batch_sampler is None:
        return Stream(loader, "The loader has batch_size=None, so each item is a batch")
    source = Positions(loader)
    if source.n_items == 0:
        raise ValueError(_EMPTY)
    return source


@contextmanager
def _lent(generator: Any) -> Iterator[None]:
    """Put back the state of a random generator that is not ours."""
    if not isinstance(generator, torch.Generator):
        yield
        return
    state = generator.get_state()
    try:
        yield
    finally:
        generator.set_state(state)


def _is_shuffle(sampler: Any, n: int) -> bool:
    if type(sampler) is not RandomSampler:
        return False
    return not sampler.replacement and sampler.num_samples == n


def _batch_size(batches: Any) -> int:
    size = getattr(batches, "batch_size", None)
    return size if isinstance(size, int) and size > 0 else 64
