"""A sample that knows the data it was drawn from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.sample import Sample

if TYPE_CHECKING:
    from torch.utils.data import Subset


@dataclass(frozen=True, kw_only=True)
class DrawnSample(Sample):
    """A sample of a lens: what `Sample` has, and the way back to the data.

    Parameters
    ----------
    dataset : object
        ``loader.dataset``; None without random access.
    position : ndarray of shape (n,), int64
        Where the sampled items stand in `dataset`.
    why_no_dataset : str
        Why there is no `dataset`, for the message of `subset`.

    Examples
    --------
    >>> from latentlens import LatentLens, data, models
    >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
    >>> sample = lens.sample
    >>> len(sample), sample.index.tolist() == sample.position.tolist()
    (40, True)
    """

    dataset: Any
    position: NDArray[np.int64]
    why_no_dataset: str = ""

    @classmethod
    def of(
        cls, sample: Sample, *, dataset: Any, ids: NDArray[np.int64], why_no_dataset: str = ""
    ) -> DrawnSample:
        """Tie a sample to the dataset whose positions are `ids`."""
        parts = {f.name: getattr(sample, f.name) for f in fields(sample)}
        return cls(
            **parts, dataset=dataset, position=ids[sample.index], why_no_dataset=why_no_dataset
        )

    def subset(self) -> Subset[Any]:
        """Give the sampled items as a dataset, in the sample's order.

        Raises
        ------
        ValueError
            If the data has no random access.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> image, label = lens.sample.subset()[0]
        >>> image.shape
        torch.Size([1, 8, 8])
        """
        if self.dataset is None:
            raise ValueError(
                "subset() needs a dataset with random access, which this lens has not: "
                f"{self.why_no_dataset}. Use .index, the sampled rows, instead."
            )
        from torch.utils.data import Subset

        return Subset(self.dataset, self.position.tolist())
