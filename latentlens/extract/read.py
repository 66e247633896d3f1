"""Read some items again: their activations, or the inputs themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentlens.extract.plan import Plan
from latentlens.extract.source import Positions
from latentlens.extract.unpack import LABEL_KEYS
from latentlens.extract.watch import Watch

Chunk = tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]


def read_activations(
    plan: Plan,
    rows: Sequence[int] | NDArray[np.int64],
    layers: Sequence[str],
    *,
    batch_size: int | None = None,
) -> Iterator[Chunk]:
    """Run the model on some rows, a batch a step, and give their raw activations.

    Between two steps the model and the random states are as they were.

    Parameters
    ----------
    plan : Plan
    rows : sequence of int
        Rows of the record.
    layers : sequence of str
        Names in `plan.layers`.
    batch_size : int, optional
        The pass's, if not given.

    Yields
    ------
    rows : ndarray of shape (n,), int64
    activations : dict of str to ndarray of shape (n, units), float32
        Reduced as in the pass; zero for NaN and infinities.

    Raises
    ------
    ValueError
        Without random access, or if a layer is not watched.
    ModelChanged
        If the weights are no longer those of the pass.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import plan, read_activations
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> chunk = next(read_activations(chosen, [3, 14], ["fc1"]))
    >>> chunk[-1]["fc1"].shape
    (2, 120)
    """
    source = positions(plan, "read_activations")
    specs = {spec.name: spec for spec in plan.layers}
    unknown = [name for name in layers if name not in specs]
    if unknown:
        raise ValueError(
            f"layers has {unknown[0]!r}, which was not watched; watched are "
            f"{', '.join(map(repr, specs))}."
        )
    watch = Watch(plan.model, [specs[name] for name in layers], functions=plan.functions)
    return _chunks(
        plan, source, watch, checked_rows(rows, source), batch_size or plan.batch_size or 64
    )


def read_inputs(plan: Plan, rows: Sequence[int] | NDArray[np.int64]) -> list[Any]:
    """Read the dataset's own inputs at some rows, uncollated.

    Parameters
    ----------
    plan : Plan
    rows : sequence of int
        Rows of the record.

    Returns
    -------
    list
        Of an item (x, y, ...) its x; of a mapping its entry beside the label, or
        all of them if there are several; tensors on the CPU.

    Raises
    ------
    ValueError
        Without random access.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import plan, read_inputs
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> len(read_inputs(chosen, [3, 14])), read_inputs(chosen, [3])[0][0].shape
    (2, torch.Size([8, 8]))
    """
    source = positions(plan, "read_inputs")
    at = checked_rows(rows, source)
    with plan.guest.visit(seed=int(at[0]) if len(at) else 0, runs_model=False):
        return [_input(item) for item in source.items(at)]


def _chunks(
    plan: Plan, source: Positions, watch: Watch, rows: NDArray[np.int64], size: int
) -> Iterator[Chunk]:
    for begin in range(0, len(rows), size):
        part = rows[begin : begin + size]
        with plan.guest.visit(seed=int(part[0])), torch.inference_mode():
            args, kwargs, _, n = plan.open_batch(source.read(part))
            watch.expect(n, kwargs.get("attention_mask"))
            with watch:
                plan.model(*args, **kwargs)
            values = {name: finite(caught) for name, caught in watch.caught.items()}
            watch.expect(0, None)
        yield part, values


def finite(caught: Tensor) -> NDArray[np.float32]:
    """Give an array on the CPU, zero for NaN and infinities."""
    values: NDArray[np.float32] = torch.nan_to_num(caught, 0.0, 0.0, 0.0).cpu().numpy()
    return values


def positions(plan: Plan, what: str) -> Positions:
    """Give a plan's source, of which any row can be read; else refuse what asks for it."""
    if isinstance(plan.source, Positions):
        return plan.source
    raise ValueError(
        f"{what} needs random access, and this data is a stream: {plan.source.notes[0]} "
        "Give a DataLoader over a dataset with positions."
    )


def checked_rows(rows: Sequence[int] | NDArray[np.int64], source: Positions) -> NDArray[np.int64]:
    """Give rows as an array, once they are all there."""
    at = np.asarray(rows, np.int64).reshape(-1)
    n = len(source.ids)
    outside = at[(at < 0) | (at >= n)]
    if len(outside):
        raise ValueError(f"rows has {outside[0]}, but the record has the rows 0..{n - 1}.")
    return at


def _input(item: Any) -> Any:
    if isinstance(item, tuple | list) and item:
        return _input_of_mapping(item[0])
    return _input_of_mapping(item)


def _input_of_mapping(item: Any) -> Any:
    if isinstance(item, Tensor):
        return item.detach().cpu()
    if not isinstance(item, Mapping):
        return item
    rest = {name: value for name, value in item.items() if name not in LABEL_KEYS}
    if len(rest) == 1:
        return _input_of_mapping(next(iter(rest.values())))
    return {name: v.detach().cpu() if isinstance(v, Tensor) else v for name, v in rest.items()}
