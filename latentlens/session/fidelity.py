"""Which samples are scored beside which, and how they are averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentlens.core.fidelity import QuerySet
from latentlens.core.meter import Draw, Scores
from latentlens.samplers import SAMPLERS

if TYPE_CHECKING:
    from latentlens.session.session import Session

REFERENCES = ("random", "coreset")
"""Samplers that a sample is compared with."""
AVERAGED = "random"
"""The sampler whose scores are averaged over `DRAWS` seeds."""
SEEDS = 2**32
"""How many seeds NumPy knows; after the last one the first follows."""
DRAWS = 10


@dataclass(frozen=True)
class Point:
    """One place of a curve: a sampler at a fraction, and the draws that its scores average.

    Parameters
    ----------
    sampler : str
    fraction : float
        As it was asked for.
    draws : tuple of Draw
    """

    sampler: str
    fraction: float
    draws: tuple[Draw, ...]


@dataclass(frozen=True)
class Averages:
    """Scores at some points, each averaged over its draws.

    Parameters
    ----------
    mean, spread : ndarray of shape (n_points, ...), float64
        The spread is the standard deviation over the draws; NaN for a single one.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]


def compared(session: Session, *samplers: str) -> list[str]:
    """Give the samplers to be shown beside some: those, random and coreset.

    A reference that cannot rank these items is left out.
    """
    for name in samplers:
        session.ranking(name)
    wanted = dict.fromkeys((*samplers, *REFERENCES))
    return [name for name in wanted if name in SAMPLERS and _ranks(session, name)]


def point(
    session: Session, sampler: str, fraction: float, j: float, added: Sequence[int] = ()
) -> Point:
    """Name a single draw by the session's own seed, whatever has no say in it put at 1.

    Parameters
    ----------
    session : Session
    sampler : str
    fraction, j : float
    added : sequence of int
        Rows taken into it besides.
    """
    ranking = session.ranking(sampler)
    share = float(fraction) if ranking.uses_fraction else 1.0
    draw = Draw(sampler, share, j if ranking.uses_j else 1.0, added=tuple(sorted(map(int, added))))
    return Point(sampler, float(fraction), (draw,))


def averaged_point(session: Session, sampler: str, fraction: float, j: float) -> Point:
    """Name the draws that a sampler is scored by as a reference: several, where chance draws."""
    single = point(session, sampler, fraction, j)
    if sampler != AVERAGED:
        return single
    return Point(
        sampler, single.fraction, tuple(single.draws[0]._replace(seed=s) for s in seeds(session))
    )


def seeds(session: Session) -> list[int | None]:
    """Give the seeds of averaged draws, the session's own first, which goes without a number."""
    return [None, *((session.random_state + i) % SEEDS for i in range(1, DRAWS))]


def seed_words(session: Session) -> str:
    """Say which seeds those are."""
    first = session.random_state
    return f"{DRAWS} draws, seeds {first} to {(first + DRAWS - 1) % SEEDS}"


def draws_of(points: Sequence[Point]) -> list[Draw]:
    """Give the draws of some points, one after another."""
    return [draw for each in points for draw in each.draws]


def average(values: NDArray[np.float64], points: Sequence[Point]) -> Averages:
    """Average what was found of `draws_of(points)`, point by point.

    Parameters
    ----------
    values : ndarray of shape (n_draws, ...)
    points : sequence of Point
    """
    ends = np.cumsum([len(each.draws) for each in points])[:-1]
    parts = np.split(values, ends) if points else []
    return Averages(
        mean=np.array([part.mean(axis=0) for part in parts]),
        spread=np.array([_deviation(part) for part in parts]),
    )


def fidelity(
    session: Session, queries: QuerySet, points: Sequence[Point]
) -> Iterator[tuple[int, int] | Scores]:
    """Score the draws of some points cell by cell.

    Runs the model, where it can, on those of their items that need it; what was
    found is remembered.

    Yields
    ------
    (done, total) or Scores
        Progress, and the scores of `draws_of(points)` at last.

    Raises
    ------
    ValueError
        If no item's class is known.
    """
    if not len(queries.cells):
        raise ValueError(why_no_quality(queries))
    draws = draws_of(points)
    yield from session.meter.from_index(queries, draws)
    yield from session.meter.from_model(queries, draws)
    yield session.meter.scores(queries, draws)


def why_no_quality(queries: QuerySet) -> str:
    """Say why samples cannot be scored."""
    if len(queries.cells):
        return f"k = {queries.k} covers all units of every layer; lower k to score a sample."
    known = "label" if queries.by == "true" else "prediction"
    return f"No item's {known} is known, so there are no cells to score a sample by."


def _ranks(session: Session, sampler: str) -> bool:
    try:
        session.ranking(sampler)
    except ValueError:
        return False
    return True


def _deviation(part: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(part) < 2:
        return np.full(part.shape[1:], np.nan)
    return np.asarray(part.std(axis=0, ddof=1))
