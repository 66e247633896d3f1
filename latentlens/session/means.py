"""The mean activation over a group's items in the sample, and what it is worth.

One road for all who ask: it reads the activations that are not held yet, tells how
far it is, and ends with the mean and its estimate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentlens.core.design import Design, group_weights
from latentlens.core.estimate import mean_estimate, value_bounds
from latentlens.core.estimated import MeanEstimate
from latentlens.core.record import LayerIndex
from latentlens.session.question import Question

if TYPE_CHECKING:
    from latentlens.session.session import Session

Progress = tuple[int, int]
"""(done, total) items."""


@dataclass(frozen=True)
class SampleMean:
    """The mean activation over some items, and what it took to know it.

    Parameters
    ----------
    mean : ndarray of shape (units,), float64
        Weighted; NaN throughout where the group has no item in the sample.
    n_used : int
        Items behind it.
    note : str
        What it took.
    estimate : MeanEstimate, optional
        The group's mean as the sample tells it, with intervals where chance drew the
        sample; None where the activations exceed the memory for them.
    """

    mean: NDArray[np.float64]
    n_used: int
    note: str
    estimate: MeanEstimate | None = None


def sample_mean(session: Session, question: Question) -> Iterator[Progress | SampleMean]:
    """Work out a sample's mean: progress on the way, and the `SampleMean` at last.

    The model is run on sampled items whose activations are not held: all of them
    where chance drew them, for they all teach the regression; else those of the
    group. What exceeds the memory passes by and is summed.

    Raises
    ------
    ValueError
        If the model cannot be run on chosen items.
    """
    layer, member = session.layer(question.layer), session.member(question)
    at_hand = session.raw(layer.name) is not None
    if not session.has_activations(layer):
        raise ValueError(
            f"The sample's mean of {layer.name!r} needs the model run on chosen items, which "
            f"this lens cannot do: {session.why_not_run}."
        )
    design = session.design(question)
    fits = at_hand or session.fits(layer, len(design))
    if design.why_not or not fits:
        design = design.only(member[design.rows])
    if not fits and not session.fits(layer, len(design)):
        yield from _summed(session, layer, design, member)
        return
    n_run = 0 if at_hand else len(session.held.missing(layer.name, design.rows))
    for step in session.reading(layer, design.rows):
        if isinstance(step, tuple):
            yield step
            continue
        estimate = mean_estimate(
            step,
            design,
            member=member,
            bounds=value_bounds(layer, member),
            # The latent's own means are known; regressed on itself it would tell nothing.
            scores=session.scores if fits and layer.name != session.record.latent_layer else None,
        )
        mean = estimate.mean
        if estimate.parts is not None and not estimate.complete:
            inside = member[design.rows]
            mean = weighted_mean(step[inside], design.weight[inside])
        note = "at hand for every item" if at_hand else _what_it_took(session, n_run)
        yield SampleMean(mean, estimate.n_used, note, estimate)


def last(steps: Iterator[Progress | SampleMean]) -> SampleMean:
    """Drive `sample_mean` to its end."""
    for step in steps:
        if isinstance(step, SampleMean):
            return step
    raise RuntimeError("sample_mean ended without a mean.")


def weighted_mean(values: NDArray[np.float32], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average rows by weight, in float64; NaN throughout where there is none."""
    return _over((values * weight[:, None]).sum(axis=0), weight)


def _summed(
    session: Session, layer: LayerIndex, design: Design, member: NDArray[np.bool_]
) -> Iterator[Progress | SampleMean]:
    """Sum what is too much to be held, a batch at a time."""
    weight = np.zeros(len(session.record))
    weight[design.rows] = design.weight
    weight = group_weights(weight, member)
    total = np.zeros(layer.units)
    n_run = len(session.held.missing(layer.name, design.rows))
    for done, n_missing, chunk, values in session.read(layer, design.rows):
        total += (values * weight[chunk, None]).sum(axis=0)
        if done:
            yield done, n_missing
    note = _what_it_took(session, n_run)
    yield SampleMean(_over(total, weight), len(design), note)


def _over(total: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide by all the weight; NaN throughout where there is none."""
    whole = weight.sum()
    return total / whole if whole else np.full(len(total), np.nan)


def _what_it_took(session: Session, n_run: int) -> str:
    ran = f"ran the model on {n_run:,} items" if n_run else "all held from earlier questions"
    held = session.held
    return f"{ran}; {held.nbytes / 2**20:.1f} of {held.budget / 2**20:.0f} MB held"
