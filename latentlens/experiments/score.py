"""Many samples scored at once: S1 by maximum, mean and count, S2, S3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.fidelity import MeanScores, QuerySet
from latentlens.experiments.experiment import Drawn, Experiment

if TYPE_CHECKING:
    import pandas as pd

Scores = dict[str, NDArray[np.float64]]


def score_draws(
    experiment: Experiment, drawn: Sequence[Drawn], *, ks: Sequence[int]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Score samples by all three query sets, averaged over layers and cells.

    S1 by maximum and by count and S3 come from the index; S1 by mean and S2 from
    one further pass for every k.

    Parameters
    ----------
    experiment : Experiment
    drawn : sequence of Drawn
    ks : sequence of int
        S2 and S3, which have no k, are given with the first.

    Returns
    -------
    frame : DataFrame
        Columns sampler, title, variant, fraction, j, seed, items, k, metric, score,
        chance (of S1, by units picked blindly).
    notes : tuple of str

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, score_draws
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> frame, notes = score_draws(experiment, experiment.draws(["random"], [0.1]), ks=(5,))
    >>> len(frame) > 0
    True
    """
    import pandas as pd

    masks, weights, told = _taken(experiment, drawn)
    rows: list[pd.DataFrame] = []
    notes: list[str] = []
    for at, k in enumerate(ks):
        scores, chance, said = _score_at(experiment, masks, weights, k, every=at == 0)
        notes += said
        rows += [
            pd.DataFrame(told).assign(k=k, metric=metric, score=score, chance=chance)
            for metric, score in scores.items()
        ]
    return pd.concat(rows, ignore_index=True), tuple(dict.fromkeys(notes))


def _taken(
    experiment: Experiment, drawn: Sequence[Drawn]
) -> tuple[NDArray[np.bool_], NDArray[np.float64], list[dict[str, Any]]]:
    """Cut all samples: who is in them, with which weight, and how they were drawn."""
    weights = np.zeros((len(drawn), len(experiment.record)))
    told = []
    for row, each in zip(weights, experiment.bar(drawn, "drawing"), strict=True):
        sample = experiment.sample(each)
        row[sample.index] = sample.weight
        told.append(
            {
                "sampler": each.sampler,
                "title": experiment.title(each.sampler),
                "variant": "weighted" if each.weighted else "both ends",
                "fraction": _fraction(each, len(sample), len(experiment.record)),
                "j": np.nan if each.j is None else each.j,
                "seed": each.seed,
                "items": len(sample),
            }
        )
    return weights > 0, weights, told


def _fraction(drawn: Drawn, size: int, n_items: int) -> float:
    """Give the fraction asked for, or the one that came of a size that cannot be chosen."""
    from latentlens.samplers import SAMPLERS

    return drawn.fraction if SAMPLERS[drawn.sampler].uses_fraction else size / n_items


def _score_at(
    experiment: Experiment,
    masks: NDArray[np.bool_],
    weights: NDArray[np.float64],
    k: int,
    *,
    every: bool,
) -> tuple[Scores, float, list[str]]:
    """Score all samples at one k; S2 and S3 besides if `every`."""
    by_max, by_count = (_query(experiment, k, measure) for measure in ("max", "count"))
    index = list(by_max.from_index(masks))
    means = list(_means(experiment, by_max, weights, k))
    scores = {
        "S1 max": _overall([each.s1 for each in index]),
        "S1 mean": _overall([each.s1 for each in means]),
        "S1 count": _overall([each.s1 for each in by_count.from_index(masks)]),
    }
    if every:
        scores["S2"] = _overall([each.s2 for each in means])
        scores["S3"] = _overall([each.s3 for each in index])
    chance = [by_max.chance(name) for name in by_max.layers if name not in by_max.skipped]
    return scores, float(np.mean(chance)) if chance else float("nan"), _notes(by_max)


def _query(experiment: Experiment, k: int, measure: str) -> QuerySet:
    return QuerySet(
        experiment.record,
        by=experiment.settings.by,
        k=k,
        measure=measure,
        layers=experiment.layers(),
    )


def _means(
    experiment: Experiment, query: QuerySet, weights: NDArray[np.float64], k: int
) -> Iterator[MeanScores]:
    """Make the further pass, and give what it says of each layer."""
    from tqdm.auto import tqdm

    from latentlens.extract import read_activations

    steps = query.from_means(weights, partial(read_activations, experiment.plan), rank=True)
    with tqdm(
        desc=f"means of {len(weights):,} samples, k = {k}",
        unit=" items",
        leave=False,
        disable=not experiment.progress,
    ) as bar:
        for step in steps:
            if isinstance(step, MeanScores):
                yield step
                continue
            done, bar.total = step
            bar.update(done - bar.n)


def _overall(layers: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Average over layers and cells, those without a score left out; shape (n_samples,)."""
    every = np.concatenate(layers, axis=1)
    known = ~np.isnan(every)
    n = known.sum(axis=1)
    return np.where(n > 0, np.where(known, every, 0).sum(axis=1) / np.maximum(n, 1), np.nan)


def _notes(query: QuerySet) -> list[str]:
    n = len(query.cells)
    said = [
        f"Mean over {len(query.layers)} layers ({', '.join(query.layers)}) x {n} cells of "
        "class and correctness that have items; a cell the sample misses counts 0, 1 and 1."
    ]
    if query.skipped:
        said.append(
            f"At k = {query.k} S1 leaves out {', '.join(query.skipped)}, with no more units."
        )
    return said
