"""What all experiments share: a model, its data, one pass over them, samplers fitted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

import latentlens
from latentlens.core import Ranking, Record, Sample
from latentlens.core.checks import check_choice, check_count, check_share

if TYPE_CHECKING:
    from torch import nn

    from latentlens.extract import Plan
    from latentlens.samplers import BaseSampler

MEASURES = ("max", "mean", "count")
REPEATED = ("random", "stratified", "stratified_completion", "latent_grid")
"""Samplers that rank in no time, drawn `draws` times as in the paper; so are the weighted variants.

The others are random too, in where they start or how they divide the items: those are fitted
`fits` times."""
WEIGHTED = ("max_margin", "gmm_full", "gmm_spherical")
"""Samplers of the paper that take j, and have a weighted variant."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the numbers depend on, beside the model and the data.

    Parameters
    ----------
    data : str
        Name of the data, for titles and for telling one run's files from another's.
    samplers : tuple of str
        Names in `latentlens.samplers.SAMPLERS`; if empty, all but the weighted
        variants, which `figure_6` draws itself.
    layers : tuple of str
        Layers whose units are asked about; all that are watched if empty.
    reduce : {"unit", "channel"}
        What counts as a unit of a spatial layer.
    measure : {"max", "mean", "count"}
        By what S1 ranks units, in the charts; the frames hold all three.
    by : {"true", "predicted"}
        Which class an item counts under.
    fraction, j, k : float, float, int
        What is held fixed while another one varies; `k` is S1's.
    fractions, js, ks : tuple
        What they vary over.
    draws : int
        How often samplers that rank in no time are drawn, each time with another seed.
    fits : int
        How often the others are fitted, each time with another seed.
    map_items : int
        How many items the map lays out.
    seed : int

    Examples
    --------
    >>> from latentlens.experiments import Settings
    >>> Settings(data="mnist", draws=20).quick().draws
    3
    """

    data: str
    samplers: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    reduce: Literal["unit", "channel"] = "unit"
    measure: Literal["max", "mean", "count"] = "max"
    by: Literal["true", "predicted"] = "true"
    fraction: float = 0.05
    j: float = 0.7
    k: int = 10
    fractions: tuple[float, ...] = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
    js: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    ks: tuple[int, ...] = (1, 5, 10, 25, 50, 75, 100)
    draws: int = 10
    fits: int = 5
    map_items: int = 3000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be run, in words."""
        from latentlens.samplers import SAMPLERS

        for name in self.samplers:
            check_choice(name, "samplers", SAMPLERS)
        check_choice(self.measure, "measure", MEASURES)
        check_choice(self.reduce, "reduce", ("unit", "channel"))
        check_choice(self.by, "by", ("true", "predicted"))
        for share in (self.fraction, *self.fractions):
            check_share(share, "fractions", zero=False)
        for share in (self.j, *self.js):
            check_share(share, "js")
        for count in (self.k, *self.ks):
            check_count(count, "ks", 10_000)
        check_count(self.draws, "draws", 1000)
        check_count(self.fits, "fits", 1000)
        check_count(self.map_items, "map_items", 4500, why="a chart holds 5,000 rows")

    def quick(self) -> Self:
        """Give the same with few fractions, few draws and a small map."""
        return replace(
            self,
            fractions=(0.05, 0.2, 0.8),
            js=(0.0, 0.5, 1.0),
            ks=(5, 10, 50),
            draws=3,
            fits=2,
            map_items=500,
        )


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """How one sample is drawn.

    Parameters
    ----------
    sampler : str
    fraction : float
    j : float or None
        None for the samplers that have none.
    seed : int
    weighted : bool
        Whether by the weighted variant.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Drawn, Experiment, Settings
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> len(experiment.sample(Drawn(sampler="random", fraction=0.1)))
    80
    """

    sampler: str
    fraction: float
    j: float | None = None
    seed: int = 0
    weighted: bool = False


class Experiment:
    """A model and its data, read once, with the samplers fitted to its latent.

    Nothing is run before it is asked for, and nothing is run twice. No raw
    activations are kept.

    Parameters
    ----------
    model : nn.Module
        In eval mode.
    loader : DataLoader
        Over a dataset with positions; its test split, as in the paper.
    settings : Settings
    progress : bool
        Whether to show bars.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> experiment.samplers, len(experiment.record)
    (('coreset', 'random'), 797)
    """

    def __init__(
        self, model: nn.Module, loader: Any, settings: Settings, *, progress: bool = True
    ) -> None:
        self.model = model
        self.loader = loader
        self.settings = settings
        self.progress = progress
        self._rankings: dict[tuple[str, int, bool], Ranking] = {}

    @cached_property
    def plan(self) -> Plan:
        """How the model is read."""
        from latentlens.extract import plan

        return plan(
            self.model,
            self.loader,
            layers=list(self.settings.layers) or None,
            reduce=self.settings.reduce,
            keep=max(self.settings.k, *self.settings.ks),
        )

    @cached_property
    def record(self) -> Record:
        """What one pass gives."""
        from latentlens.extract import Pass

        return Pass(self.plan).run(progress=self.progress)

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """All that the numbers depend on, JSON-able; known without a pass."""
        from latentlens.extract.run import weights_hash

        # Frames hold S1 by every measure, so `measure` is the charts' alone.
        settings = {k: v for k, v in asdict(self.settings).items() if k != "measure"}
        return {
            "latentlens": latentlens.__version__,
            "weights": weights_hash(self.model),
            "items": len(self.loader.dataset),
            **settings,
            "samplers": self.samplers,
        }

    @property
    def samplers(self) -> tuple[str, ...]:
        """The samplers' names, in the order of the registry."""
        from latentlens.samplers import SAMPLERS

        every = [name for name in SAMPLERS if not name.endswith("_weighted")]
        wanted = self.settings.samplers or every
        return tuple(name for name in SAMPLERS if name in wanted)

    def layers(self) -> tuple[str, ...]:
        """Give the layers that are asked about."""
        return self.settings.layers or tuple(self.record.layers)

    def with_reduce(self, reduce: Literal["unit", "channel"]) -> Experiment:
        """Give the same experiment with another notion of a unit; the rankings stay."""
        if reduce == self.settings.reduce:
            return self
        settings = replace(self.settings, reduce=reduce)
        other = Experiment(self.model, self.loader, settings, progress=self.progress)
        # The latent is the same, so its rankings are.
        other._rankings = self._rankings
        return other

    def title(self, sampler: str) -> str:
        """Give a sampler's title."""
        from latentlens.samplers import SAMPLERS

        return SAMPLERS[sampler].title

    def seeds(self, sampler: str, *, weighted: bool = False) -> range:
        """Give the seeds a sampler is drawn with: more for those that are quick to rank."""
        quick = weighted or sampler in REPEATED or sampler.endswith("_weighted")
        first = self.settings.seed
        return range(first, first + (self.settings.draws if quick else self.settings.fits))

    def ranking(self, sampler: str, *, seed: int = 0, weighted: bool = False) -> Ranking:
        """Give a sampler's ranking of the items; the second time, the same one.

        The weighted variants draw again from one fit, so that fitting is not what varies.
        """
        key = (sampler, seed, weighted)
        if key not in self._rankings:
            self._rankings[key] = (
                redrawn(self.ranking(sampler, seed=self.settings.seed), seed)
                if weighted
                else self.fit(sampler, seed=seed).ranking_
            )
        return self._rankings[key]

    def fit(self, sampler: str, *, seed: int = 0) -> BaseSampler:
        """Fit a sampler to the latent."""
        from latentlens.samplers import SAMPLERS

        record = self.record
        pred = record.pred if record.has_pred else None
        return (
            SAMPLERS[sampler].make(seed).fit(record.latent, record.label, pred, record.pre_latent)
        )

    def sample(self, drawn: Drawn) -> Sample:
        """Cut a sample."""
        ranking = self.ranking(drawn.sampler, seed=drawn.seed, weighted=drawn.weighted)
        return ranking.sample(drawn.fraction, drawn.j or 0.0)

    def draws(
        self,
        samplers: Sequence[str],
        fractions: Sequence[float],
        *,
        j: float | None = None,
        weighted: bool = False,
    ) -> list[Drawn]:
        """List the samples of some samplers at some fractions, with all their seeds.

        A sampler whose size is its own output is listed once.
        """
        from latentlens.samplers import SAMPLERS

        share = self.settings.j if j is None else j
        return [
            Drawn(
                sampler=name,
                fraction=fraction,
                j=share if SAMPLERS[name].uses_j and not weighted else None,
                seed=seed,
                weighted=weighted,
            )
            for name in samplers
            for fraction in (fractions if SAMPLERS[name].uses_fraction else fractions[:1])
            for seed in self.seeds(name, weighted=weighted)
        ]

    def bar(self, todo: Sequence[Any], what: str) -> Any:
        """Give the things to do, with a progress bar."""
        from tqdm.auto import tqdm

        return tqdm(todo, desc=what, leave=False, disable=not self.progress)

    def accuracy(self) -> float:
        """Share of labelled items that are classified correctly."""
        return float(np.mean(self.record.correct[self.record.label >= 0]))


def redrawn(ranking: Ranking, seed: int) -> Ranking:
    """Give a ranking's weighted variant: each group in an order drawn by weight.

    Parameters
    ----------
    ranking : Ranking
        Of a sampler that takes both ends.
    seed : int
    """
    from latentlens.samplers.base import drawing_key, rank_within

    key = drawing_key(ranking.log_ratio, np.random.RandomState(seed))
    rank = rank_within(ranking.group.astype(np.int64), key)
    return replace(ranking, rank=rank, uses_j=False)
