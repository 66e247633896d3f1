"""Some of the items as a loader of their own, so that another model can read them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Subset

from latentlens.extract.plan import Plan
from latentlens.extract.source import Positions


def loader_of_rows(plan: Plan, rows: NDArray[np.int64]) -> DataLoader[Any]:
    """Make a loader of some rows of a plan's data, collated as there.

    Parameters
    ----------
    plan : Plan
    rows : ndarray of shape (n,), int64
        Rows of the record; the loader keeps their order.

    Returns
    -------
    DataLoader

    Raises
    ------
    ValueError
        Without random access.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import loader_of_rows, plan
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> images, labels = next(iter(loader_of_rows(chosen, [3, 14, 15])))
    >>> images.shape
    torch.Size([3, 1, 8, 8])
    """
    source = plan.source
    if not isinstance(source, Positions):
        raise ValueError(
            "Reading the sample's items again needs random access, and this data is a stream: "
            f"{source.notes[0]} Give a DataLoader over a dataset with positions."
        )
    part: Subset[Any] = Subset(source.dataset, source.ids[rows].tolist())
    return DataLoader(part, batch_size=source.batch_size, collate_fn=source.collate)
