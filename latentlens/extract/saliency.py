"""What of an item's input speaks for a class or excites a unit: gradients by captum [1]_.

The model is a guest's host here too: captum may put hooks on it and ask its
inputs for gradients, but not leave any of that behind.

References
----------
.. [1] N. Kokhlikyan et al., "Captum: A unified and generic model interpretability
   library for PyTorch", arXiv:2009.07896.
.. [2] M. Sundararajan et al., "Axiomatic Attribution for Deep Networks", ICML 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentlens.core.checks import check_choice, check_count
from latentlens.core.picture import as_image
from latentlens.extract.gradients import Target, check_differentiable, check_traced, read_target
from latentlens.extract.occlusion import INPUTS_AT_ONCE, occlude
from latentlens.extract.plan import Plan
from latentlens.extract.read import checked_rows, positions
from latentlens.extract.scored import ScoredInputs, host
from latentlens.extract.shapes import LayerSpec

METHODS = ("gradient_x_input", "integrated_gradients", "occlusion")
ITEMS_AT_ONCE = 16
"""Items whose attributions are worked out together."""
STEPS_AT_ONCE = 5
"""Steps on the path of integrated gradients between which other work may come."""
WINDOWS = 7
"""How many windows of occlusion stand side by side, unless its size is given."""

Steps = Iterator["tuple[int, int] | Attribution"]


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """What one item's input contributes to a score.

    Parameters
    ----------
    row : int
    values : ndarray of the input's shape, float32
        Of integer inputs, such as tokens: (n_tokens, width of their embedding).
    axis : tuple of int
        Axes over which `values` are summed to what people see.
    score, baseline_score : float
        The target at the item, and at the baseline.
    target : int
        The class, or the unit.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import attribute, plan
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> *steps, found = attribute(chosen, [3], method="integrated_gradients")
    >>> found.row, found.values.shape, abs(found.error) < 0.1
    (3, (1, 8, 8), True)
    """

    row: int
    values: NDArray[np.float32]
    axis: tuple[int, ...]
    score: float
    baseline_score: float
    target: int

    @property
    def map(self) -> NDArray[np.float32]:
        """The attributions as people see the item: (H, W), (T,) or (features,)."""
        return self.values.sum(axis=self.axis, dtype=np.float64).astype(np.float32)

    @property
    def total(self) -> float:
        """The sum of all attributions."""
        return float(self.values.sum(dtype=np.float64))

    @property
    def error(self) -> float:
        """How far `total` is from what it would explain: the score less the baseline's."""
        return self.total - (self.score - self.baseline_score)


def attribute(
    plan: Plan,
    rows: Sequence[int] | NDArray[np.int64],
    *,
    method: str = "gradient_x_input",
    layer: str | None = None,
    unit: int | None = None,
    target: Target = "pred",
    baseline: float | NDArray[Any] = 0.0,
    steps: int = 50,
    window: int | None = None,
) -> Steps:
    """Attribute the score of a class, or a unit's activation, to the inputs of some rows.

    Between two steps the model and the random states are as they were.

    Parameters
    ----------
    plan : Plan
    rows : sequence of int
    method : {"gradient_x_input", "integrated_gradients", "occlusion"}
        Occlusion shares the fall of the score among the elements of the window that
        was covered, and averages over the windows that cover an element.
    layer : str, optional
        Name in `plan.layers`, with `unit`.
    unit : int, optional
        The unit whose activation is attributed, in place of a class's score.
    target : {"pred", "label"} or class
        Whose score.
    baseline : float or array of the input's shape
        What counts as nothing: the start of the path, and what a window is covered
        with. Of integer inputs, a value of the embedding.
    steps : int
        Points on the path of integrated gradients.
    window : int, optional
        Side of occlusion's windows; about a seventh of the shortest side if not given.

    Yields
    ------
    (done, total) or Attribution
        Progress, and an attribution for each row in order.

    Raises
    ------
    ImportError
        Without captum, of which only occlusion has no need.
    ValueError
        If an argument is none of its choices, or no attribution can be had.
    ModelChanged
        If the weights are no longer those of the pass.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.extract import Attribution, attribute, plan
    >>> chosen = plan(models.lenet5(image_size=8), data.digits().loader(), layers=["fc*"])
    >>> steps = attribute(chosen, [3], method="integrated_gradients")
    >>> found = [step for step in steps if isinstance(step, Attribution)]
    >>> found[0].map.shape
    (8, 8)
    """
    source = positions(plan, "saliency")
    at = checked_rows(rows, source)
    check_choice(method, "method", METHODS)
    check_count(steps, "steps", 10_000)
    if window is not None:
        check_count(window, "window", 10_000)
    wanted = _checked_target(plan, target)
    watched = _checked_unit(plan, layer, unit, target)
    if method != "occlusion":
        check_captum()
    check_differentiable(plan.model)
    chunks = [at[i : i + ITEMS_AT_ONCE] for i in range(0, len(at), ITEMS_AT_ONCE)]
    parts = _path(steps) if method == "integrated_gradients" else [(0.0, 1.0, 1)]
    done, total = 0, len(chunks) * len(parts)
    for chunk in chunks:
        with host(plan, chunk):
            asked = ScoredInputs.read(plan, source.read(chunk), int(chunk[0]), watched, wanted)
            start = asked.baseline(baseline)
        found = torch.zeros_like(asked.x)
        for part in parts:
            with host(plan, chunk):
                found += _attributions(asked, method, start, part, window)
            done += 1
            yield done, total
        with host(plan, chunk), torch.no_grad():
            answers = list(_answers(asked, chunk, found, start))
        yield from answers


def check_captum() -> None:
    """Refuse what needs captum where it is not installed.

    Raises
    ------
    ImportError
        With the line that installs it.
    """
    try:
        import captum.attr  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "These attributions are worked out by captum, which is not installed here: "
            "pip install 'latentlens[saliency]'. Occlusion works without."
        ) from error


def _attributions(
    asked: ScoredInputs,
    method: str,
    start: Tensor,
    part: tuple[float, float, int],
    window: int | None,
) -> Tensor:
    """Work by one method; `part` is a piece of the path and its number of steps."""
    if method == "occlusion":
        size, stride = _windows(tuple(asked.x.shape[1:]), window, asked.embedding is not None)
        return occlude(asked, start, size, stride)
    from captum.attr import InputXGradient, IntegratedGradients

    more = {"additional_forward_args": (asked.chosen, *asked.others)}
    if method == "gradient_x_input":
        x = asked.x.detach().clone().requires_grad_()
        check_traced(asked.score(x, *more["additional_forward_args"]), asked.plan.model)
        return InputXGradient(asked.score).attribute(x, **more).detach()
    begin, end, steps = part
    # The path's integral is the sum of its pieces' [2]_.
    ends = [(start + share * (asked.x - start)).requires_grad_() for share in (begin, end)]
    check_traced(asked.score(ends[1], *more["additional_forward_args"]), asked.plan.model)
    return IntegratedGradients(asked.score).attribute(
        ends[1], baselines=ends[0].detach(), n_steps=steps,
        internal_batch_size=max(INPUTS_AT_ONCE, len(asked.x)), **more,
    ).detach()  # fmt: skip


def _answers(
    asked: ScoredInputs, rows: NDArray[np.int64], found: Tensor, start: Tensor
) -> Iterator[Attribution]:
    """Give each row's attribution with the scores it should account for."""
    ends = [asked.score(x, asked.chosen, *asked.others).double() for x in (asked.x, start)]
    axis = summed_axes(tuple(found.shape[1:]), embedded=asked.embedding is not None)
    values = torch.nan_to_num(found.float()).cpu().numpy()
    for at, row in enumerate(rows.tolist()):
        yield Attribution(
            row=row,
            values=values[at],
            axis=axis,
            score=float(ends[0][at]),
            baseline_score=float(ends[1][at]),
            target=int(asked.chosen[at]),
        )


def summed_axes(shape: tuple[int, ...], *, embedded: bool = False) -> tuple[int, ...]:
    """Say over which axes of an input attributions are summed, so that a picture is left.

    Parameters
    ----------
    shape : tuple of int
        Of one item's input.
    embedded : bool
        Whether it is (n_tokens, width of the embedding).

    Returns
    -------
    tuple of int
        Channels of an image, first or last; the shorter axis of a series with several
        channels; the width of an embedding.
    """
    if embedded:
        return tuple(range(1, len(shape)))
    if len(shape) < 2:
        return ()
    if len(shape) == 2:
        image = as_image(np.zeros(shape)) is not None
        return () if image else (int(np.argmin(shape)),)
    last = len(shape) == 3 and shape[2] in (1, 3, 4) and shape[0] not in (1, 3, 4)
    return (2,) if last else tuple(range(len(shape) - 2))


def _windows(
    shape: tuple[int, ...], window: int | None, embedded: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give occlusion's window and stride: half a window on, over all channels at once."""
    summed = summed_axes(shape, embedded=embedded)
    sides = [size for at, size in enumerate(shape) if at not in summed]
    side = window or max(1, -(-min(sides) // WINDOWS))
    if len(sides) == 1 and window is None:
        # A token, or a feature, by itself; a series in pieces.
        side = 1 if embedded else max(1, -(-sides[0] // 64))
    size = tuple(n if at in summed else min(side, n) for at, n in enumerate(shape))
    stride = tuple(n if at in summed else max(1, min(side, n) // 2) for at, n in enumerate(shape))
    return size, stride


def _path(steps: int) -> list[tuple[float, float, int]]:
    """Cut a path into pieces: where each begins and ends, and its number of steps."""
    n = max(1, steps // STEPS_AT_ONCE)
    sizes = [steps // n + (1 if i < steps % n else 0) for i in range(n)]
    return [(i / n, (i + 1) / n, size) for i, size in enumerate(sizes)]


def _checked_target(plan: Plan, target: Target) -> Target:
    if target == "loss":
        raise ValueError('target must be "pred", "label" or a class; the loss is not attributed.')
    return read_target(target, plan.classes)


def _checked_unit(
    plan: Plan, layer: str | None, unit: int | None, target: Target
) -> tuple[LayerSpec, int] | None:
    if unit is None:
        if layer is not None:
            raise ValueError(
                f"layer={layer!r} needs unit=, the unit whose activation is attributed."
            )
        return None
    specs = {spec.name: spec for spec in plan.layers}
    check_choice(layer or "", "layer", tuple(specs))
    if target != "pred":
        raise ValueError("Give either target=, a class, or unit= with layer=; not both.")
    spec = specs[layer or ""]
    whole = isinstance(unit, int | np.integer) and not isinstance(unit, bool)
    if not whole or not 0 <= unit < spec.units:
        raise ValueError(
            f"unit must be from 0 to {spec.units - 1} in layer {layer!r}, got {unit!r}."
        )
    return spec, int(unit)


Attribute = Callable[..., Steps]
"""`attribute` with its plan filled in."""
