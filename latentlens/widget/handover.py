"""What a lens hands on: a file of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import ArrayLike

from latentlens.widget.results import Results
from latentlens.widget.save import Saved, read_saved, restore_traits, write_saved

if TYPE_CHECKING:
    from torch import nn

WhichPictures = Literal["sample", "all", "none"]


class Handover(Results):
    """What leaves the notebook, and comes back."""

    _options: Mapping[str, Any] | None
    _random_state: int

    def save(self, path: str | Path, *, pictures: WhichPictures | ArrayLike = "sample") -> Path:
        """Save the lens, all but its model and its data, in one file.

        Saved are the record of the pass, the rankings that were fitted, the layout,
        every control, and pictures. The file is a zip of NumPy arrays and one JSON
        text; it is written beside its place and then put there, so that an older
        file stands until the new one is whole.

        Parameters
        ----------
        path : str or Path
            Such as "run.lens".
        pictures : {"sample", "all", "none"} or array of rows
            Which pictures go with it. "sample": those of the sample and of the
            selection, or all where there are no more than 1,000 items.

        Returns
        -------
        Path
            Where it is.

        Raises
        ------
        FileNotFoundError
            If there is no such folder.
        ValueError
            If `pictures` is none of these.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> lens = LatentLens.from_arrays([[0.0, 1.0], [1.0, 0.2], [0.9, 0.0]], [0, 1, 1])
        >>> lens.fraction = 0.5
        >>> path = lens.save("run.lens")
        >>> LatentLens.load("run.lens").fraction
        0.5
        """
        session, path = self._ready(), Path(path)
        write_saved(
            path,
            self,
            session,
            pictures=pictures,
            options=self._options,
            random_state=self._random_state,
        )
        return path

    @classmethod
    def load(
        cls,
        path: str | Path,
        model: nn.Module | None = None,
        loader: Any = None,
        *,
        insist: bool = False,
        **options: Any,
    ) -> Self:
        """Load a lens that `save` wrote.

        Nothing in the file is executed, and nothing of it is believed unchecked.
        Without a model the lens answers what its record knows; with the model and
        the data it was made with, it can run the model on chosen items again.

        Parameters
        ----------
        path : str or Path
        model : torch.nn.Module, optional
            The model that the lens was made with; its weights are compared.
        loader : iterable of batches, optional
            The same data, in the same order; needed with `model`. A few items are
            read again and compared.
        insist : bool
            Take another model of the same layers, or other data of the same size,
            all the same; the lens then says so.
        **options
            What `LatentLens` takes besides and no file holds: unpack, predict,
            render, device, images.

        Returns
        -------
        LatentLens
            With the same sample, layout and controls.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is not the file of a lens, is damaged, or was written by a later
            version; or if the model or its data are not those of the file.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> lens = LatentLens.from_arrays([[0.0, 1.0], [1.0, 0.2], [0.9, 0.0]], [0, 1, 1])
        >>> again = LatentLens.load(lens.save("run.lens"))
        >>> again.frame.equals(lens.frame)
        True
        """
        path = Path(path)
        if (model is None) != (loader is None):
            raise TypeError(
                "LatentLens.load(path, model, loader) needs the model and its data, or neither."
            )
        saved = replace(read_saved(path), insist=insist)
        lens = _make(cls, saved, model, loader, options)
        restore_traits(path, lens, saved)
        return lens


def _make(cls: Any, saved: Saved, model: Any, loader: Any, options: dict[str, Any]) -> Any:
    own = {
        **saved.first_state,
        "random_state": saved.random_state,
        "metadata": saved.metadata,
        "_saved": saved,
        **options,
    }
    if model is None:
        return cls(saved.record, **own)
    keep = max(layer.keep for layer in saved.record.layers.values())
    read = saved.options or {"keep": keep}
    return cls(model, loader, **{"classes": saved.record.classes, **read, **own})
