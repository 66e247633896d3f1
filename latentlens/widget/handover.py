"""What a lens hands on: a file of itself, and a page."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from numpy.typing import ArrayLike

from latentlens.protocol.state import State
from latentlens.samplers import SAMPLERS
from latentlens.store import check_source, check_target, write_whole
from latentlens.widget.bar import bar
from latentlens.widget.code import constructor, literal
from latentlens.widget.page import make_page, read_wanted
from latentlens.widget.results import Results
from latentlens.widget.save import (
    Saved,
    check_pictures,
    read_saved,
    restore_traits,
    write_saved,
)

if TYPE_CHECKING:
    from torch import nn

WhichPictures = Literal["sample", "all", "none"]


class Handover(Results):
    """What leaves the notebook, and comes back."""

    _options: Mapping[str, Any] | None
    _random_state: int

    @abstractmethod
    def _finish_layout(self, *, progress: bool) -> None:
        """Lay the items out to the end, now, if a layout is still coming."""

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
        FileNotFoundError, IsADirectoryError, PermissionError
            If there is no such folder, `path` is a folder, or it may not be written.
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
        target = check_target(path, "run.lens")
        check_pictures(pictures)
        session = self._ready()
        write_saved(
            target,
            self,
            session,
            pictures=pictures,
            options=self._options,
            random_state=self._random_state,
        )
        return target

    def to_html(
        self,
        path: str | Path | None = None,
        *,
        layers: Sequence[str] | None = None,
        keep: int | None = None,
        pictures: str | ArrayLike = "sample",
        samplers: Sequence[str] | None = None,
        title: str | None = None,
        limit_mb: float = 5.0,
        progress: bool = True,
    ) -> str:
        """Write the lens as one HTML file that works with no kernel and no network.

        It starts where the lens stands, and its sliders, lasso and menus work as in the
        notebook, on the same ranking and index. What it cannot do it says: under its title
        is a line with all that was left out. Activations are the same to the bit; sums
        behind exact means are rounded to float32.

        Parameters
        ----------
        path : str or Path, optional
            The file. Without one nothing is written and its text is returned.
        layers : sequence of str, optional
            The layers it shows; those that fit, if not given: the current one, the
            latent's, then the others in their order.
        keep : int, optional
            How many units per item and layer; as many as fit, if not given. On the page k
            goes no higher.
        pictures : {"sample", "all", "none"} or array of rows
            Whose pictures it has. "sample" is the current sample and the selection.
        samplers : sequence of str, optional
            The samplers that can be chosen; those whose rankings are at hand, if not given.
        title : str, optional
        limit_mb : float
            How large it may be, in millions of bytes.
        progress : bool
            Whether to show a bar while the items are laid out and samples scored.

        Returns
        -------
        str
            The file's size and what was left out; without `path` the page itself.

        Raises
        ------
        ValueError
            If an argument names what is not there, or the page would be larger than
            `limit_mb`; the message says what takes how much.
        FileNotFoundError, IsADirectoryError, PermissionError
            If `path` cannot be written, before anything is made.

        Examples
        --------
        >>> from latentlens import LatentLens
        >>> latent = [[1.0, 0.1], [0.8, 0.3], [0.6, 0.5], [0.2, 0.9], [0.0, 0.7], [0.5, 0.6]]
        >>> lens = LatentLens.from_arrays(latent, label=[0, 0, 0, 1, 1, 1], pred=[0, 0, 1, 1, 1, 0])
        >>> told = lens.to_html("page.html", progress=False)
        >>> "Left out" in told
        True
        """
        target = (
            None if path is None else check_target(path, "page.html", endings=(".html", ".htm"))
        )
        wanted = read_wanted(
            layers=layers, keep=keep, pictures=pictures, samplers=samplers, title=title,
            limit_mb=limit_mb, there=self._layers, known_samplers=SAMPLERS, k=self.k,
        )  # fmt: skip
        session = self._ready()
        self._finish_layout(progress=progress)
        state = self.get_state(list(State.__annotations__))
        with bar("Scoring samples", wanted=progress) as tell:
            page = make_page(session, state, wanted, tell)
        if target is None:
            return page.html
        write_whole(target, page.html.encode())
        return page.report(target)

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
        FileNotFoundError, PermissionError
            If there is no such file, or it may not be read.
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
        path = check_source(path, "run.lens")
        if (model is None) != (loader is None):
            raise TypeError(
                "LatentLens.load(path, model, loader) needs the model and its data, or neither."
            )
        saved = replace(read_saved(path), insist=insist)
        both = "" if model is None else ", model, loader"
        made = f"LatentLens.load({literal(str(path))}{both}{', insist=True' if insist else ''}"
        lens = _make(cls, saved, model, loader, {"_made": constructor(made, **options), **options})
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
