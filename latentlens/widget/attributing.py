"""A lens that says what of its items' inputs the model goes by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentlens.core.checks import check_rows
from latentlens.session import Session
from latentlens.session.item import NO_ATTRIBUTIONS
from latentlens.widget.results import Results
from latentlens.widget.saliency import Saliency, check_few

if TYPE_CHECKING:
    from latentlens.extract import Attribution


class Attributing(Results):
    """Attributions; `LatentLens` brings the session."""

    def saliency(
        self,
        rows: int | ArrayLike,
        method: str = "gradient_x_input",
        *,
        layer: str | None = None,
        unit: int | None = None,
        target: str | int = "pred",
        baseline: float | NDArray[Any] = 0.0,
        steps: int = 50,
        window: int | None = None,
        progress: bool = True,
    ) -> Saliency:
        """Say what of some items' inputs speaks for a class, or excites a unit.

        Gradients are worked out by captum [1]_, a few items at a time; an interrupt leaves the
        model as it was. Only integrated gradients promise that the attributions add
        up to the score less the baseline's; how far any method is from it is told.
        Of whole numbers, such as tokens, it is their embedding that is attributed.

        Parameters
        ----------
        rows : int or array of rows
        method : {"gradient_x_input", "integrated_gradients", "occlusion"}
            Occlusion covers window after window with the baseline, shares the fall of
            the score among a window's elements, and averages where windows overlap.
        layer : str, optional
            The layer of `unit`; the lens's, if not given.
        unit : int, optional
            The unit whose activation is attributed, in place of a class's score.
        target : {"pred", "label"} or class
            Whose score: the predicted, the true or a given class, by name or number.
        baseline : float or array of the input's shape
            What counts as nothing.
        steps : int
            Points on the path of integrated gradients.
        window : int, optional
            Side of occlusion's windows; about a seventh of the shortest side if not
            given. They overlap by half; the last ones end at the edge.
        progress : bool
            Whether to show a bar.

        Returns
        -------
        Saliency
            ``.maps``, ``.frame`` with the completeness error, ``.chart()``.

        Raises
        ------
        ImportError
            Without captum, of which only occlusion has no need:
            ``pip install 'latentlens[saliency]'``.
        ValueError
            If an argument is none of its choices, or no attribution can be had.
        ModelChanged
            If the model was trained since the pass.

        References
        ----------
        .. [1] N. Kokhlikyan et al., "Captum: A unified and generic model
           interpretability library for PyTorch", arXiv:2009.07896.

        Examples
        --------
        >>> from latentlens import LatentLens, data, models
        >>> lens = LatentLens(models.lenet5(image_size=8), data.digits().loader())
        >>> found = lens.saliency([3, 14], progress=False)
        >>> found.maps.shape
        (2, 8, 8)
        """
        session = self._ready()
        if session.attribute is None:
            raise ValueError(NO_ATTRIBUTIONS)
        chosen = check_few(check_rows(np.atleast_1d(np.asarray(rows)), "rows", len(self.record)))
        if unit is not None and layer is None:
            layer = self.layer
        steps_ = session.attribute(
            chosen, method=method, layer=layer, unit=unit, target=target, baseline=baseline,
            steps=steps, window=window,
        )  # fmt: skip
        return Saliency(
            attributions=tuple(_collect(steps_, progress=progress)),
            record=session.record,
            method=method,
            layer=layer if unit is not None else None,
            baseline="an array" if np.ndim(baseline) else f"{float(np.asarray(baseline)):g}",
        )


def why_no_saliency(session: Session) -> str:
    """Say why a lens has no attributions; empty if it has."""
    return NO_ATTRIBUTIONS if session.attribute is None else ""


def _collect(steps: Any, *, progress: bool) -> Sequence[Attribution]:
    from tqdm.auto import tqdm

    found: list[Attribution] = []
    with tqdm(disable=not progress, desc="Attributing") as bar:
        for step in steps:
            if isinstance(step, tuple):
                bar.total = step[1]
                bar.update(step[0] - bar.n)
            else:
                found.append(step)
    return found
