"""One further pass that sums activations over many samples at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core import weighted
from latentlens.core.weighted import SUMS_BUDGET, CellSums
from latentlens.extract.plan import Plan
from latentlens.extract.read import read_activations
from latentlens.extract.run import Progress


def weighted_sums(
    plan: Plan,
    weights: NDArray[Any],
    layers: Sequence[str] | None = None,
    *,
    cells: NDArray[np.int64] | None = None,
    budget: int = SUMS_BUDGET,
    batch_size: int | None = None,
) -> Iterator[Progress | CellSums]:
    """Sum activations over many samples, and within each over cells, in one pass.

    Nothing of the activations is kept. Between two steps the model and the
    random states are as they were. With a weight of 1 for a sample's items, the
    sums over its number of items are the sample's means [1]_, query set S2.

    Parameters
    ----------
    plan : Plan
    weights : ndarray of shape (n_samples, n_items), bool or float
        Of each sample its items' weights, 0 for those outside.
    layers : sequence of str, optional
        Names in `plan.layers`; all of them if not given.
    cells : ndarray of shape (n_items,), int, optional
        The cell of each item, such as class and correctness; -1 for none. One
        cell of all items if not given.
    budget : int
        Bytes of running sums, ``n_samples * units * 8`` over all layers; what
        exceeds it takes another pass.
    batch_size : int, optional
        The plan's, if not given.

    Yields
    ------
    Progress or CellSums
        Progress after each batch, and a cell's sums once its last item was read.

    Raises
    ------
    ValueError
        Without random access, if a layer is not watched, or the shapes do not fit.
    ModelChanged
        If the weights of the model are no longer those of the pass.

    References
    ----------
    .. [1] P. Mehta et al., "Sampling for Deep Learning Model Diagnosis",
       arXiv:2002.09754, section on query sets.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import plan, weighted_sums
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> import numpy as np
    >>> *steps, sums = weighted_sums(chosen, np.ones((1, 797), np.float32), ["fc1"])
    >>> sums.layer, sums.sums.shape
    ('fc1', (1, 120))
    """
    units = {spec.name: spec.units for spec in plan.layers}
    wanted = list(units) if layers is None else list(layers)
    # Names and random access are checked before the first step.
    read_activations(plan, [], wanted)
    if cells is None:
        cells = np.zeros(np.shape(weights)[-1], np.int64)
    steps = weighted.weighted_sums(
        partial(read_activations, plan, batch_size=batch_size),
        weights,
        cells,
        {name: units[name] for name in wanted},
        budget=budget,
    )
    return (_progress(step) if isinstance(step, tuple) else step for step in steps)


def _progress(step: tuple[int, int]) -> Progress:
    done, total = step
    return Progress(done, total, f"{done:,} of {total:,} items")
