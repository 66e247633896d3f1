"""How often intervals hold the truth, and how wide they are, on real networks.

Groups are the nearest neighbours of random items in the latent space, as a lasso
would take them; samples are simple random ones, drawn anew for every figure. The
method, the rule and all their constants are fixed beforehand: nothing is tuned
here. Half widths are in standard deviations of the unit over the group. The
reference is the table of an earlier experiment on MNIST.

    python benchmarks/coverage.py [--only mnist] [--groups 10] [--draws 6]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
# numba imports the package called coverage if there is one, and must not take this file for it.
if (here := str(Path(__file__).parent)) in sys.path:
    sys.path.remove(here)

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import ConcatDataset, DataLoader

from latentlens import data, models
from latentlens.core import Design, Record, latent_scores, mean_estimate, value_bounds
from latentlens.core.betting import betting_interval
from latentlens.core.estimated import METHOD_NAMES
from latentlens.extract import Pass, plan, read_activations
from latentlens.samplers import MaxMarginSampler, RandomSampler

DENSE = 0.3
"""Share of the group's items for which a dense unit is not zero."""
UNITS_PER_LAYER = 300
EXPECTED_IN_SAMPLE = (25, 100)
LAYERS = {"mnist": ["act*"], "galaxy": ["act3", "act4", "act5"]}
REFERENCE = {
    # method: (dense coverage, half width, sparse coverage) at about 25, then at about 100 items
    "naive t, max margin": ((0.67, 0.40, 0.55), (0.45, 0.13, 0.72)),
    "Hajek t": ((0.82, 0.22, 0.65), (0.93, 0.17, 0.85)),
    "GREG t": ((0.93, 0.22, 0.86), (0.93, 0.13, 0.88)),
    "betting": ((1.0, 1.02, 1.0), (0.995, 0.35, 1.0)),
    "by the rule": (None, None),
}


@dataclass
class Layer:
    """Some units of a layer on all items, for the truth."""

    name: str
    unit: NDArray[np.int64]
    values: NDArray[np.float32]


def trained(name: str, weights: str | None) -> tuple[Any, Any]:
    """Give a network and the items it is looked at on; train it where no weights are at hand."""
    images = data.mnist() if name == "mnist" else data.galaxy()
    model = models.lenet5() if name == "mnist" else models.galaxy_cnn(len(images.classes))
    if weights:
        models.load_weights(model, weights)
    else:
        epochs = 1 if name == "mnist" else 4
        print(f"{name}: no weights named by LATENTLENS_WEIGHTS_{name.upper()}; training")
        loader = images.loader("train", batch_size=64, shuffle=True)
        models.train(model, loader, epochs, progress=False)
        kept = Path(tempfile.gettempdir()) / f"latentlens-{name}.pt"
        models.save_weights(model, kept)
        print(f"{name}: weights kept in {kept}; name it to spare the training")
    if name == "mnist":
        return model, images.dataset("test")
    # The galaxies are few, so those it was trained on are looked at as well.
    return model, ConcatDataset([images.dataset("train"), images.dataset("test")])


def read_truth(planned: Any, record: Record, rng: np.random.Generator) -> Iterator[Layer]:
    """Read some units of every layer on every item, but those from the latent on."""
    order = list(record.layers)
    names = order[: order.index(record.latent_layer)]
    chosen = {}
    for name in names:
        alive = np.flatnonzero(record.layers[name].unit_max > record.layers[name].unit_min)
        chosen[name] = np.sort(rng.permutation(alive)[:UNITS_PER_LAYER])
    for name in names:
        read = read_activations(planned, np.arange(len(record)), [name])
        values = np.concatenate([activations[name][:, chosen[name]] for _, activations in read])
        yield Layer(name, chosen[name], values)


def neighbours(record: Record, size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Take the nearest items in the latent space to a random one."""
    centre = record.latent[rng.integers(len(record))]
    distance = ((record.latent - centre) ** 2).sum(axis=1)
    member = np.zeros(len(record), bool)
    member[np.argsort(distance, kind="stable")[:size]] = True
    return member


class Count:
    """Coverage and half widths, gathered over units, groups and draws."""

    def __init__(self) -> None:
        self.held = [0, 0]
        self.n = [0, 0]
        self.width: list[list[float]] = [[], []]

    def add(self, low: Any, high: Any, truth: Any, spread: Any, dense: Any) -> None:
        """Count the units of one estimate; rounding of float32 is no miss."""
        slack = 1e-5 * spread
        held = (low - slack <= truth) & (truth <= high + slack)
        for kind, which in enumerate((dense, ~dense)):
            self.held[kind] += int(held[which].sum())
            self.n[kind] += int(which.sum())
            self.width[kind] += ((high - low)[which] / 2 / spread[which]).tolist()

    def figures(self, kind: int) -> tuple[float, float]:
        """Give coverage and median half width of dense (0) or sparse (1) units."""
        if not self.n[kind]:
            return np.nan, np.nan
        return self.held[kind] / self.n[kind], float(np.nanmedian(self.width[kind]))


def estimates(
    layer: Layer, record: Record, member: Any, *, design: Design, ranked: Design, scores: Any
) -> dict[str, Any]:
    """Make every kind of interval from one draw."""
    index = record.layers[layer.name]
    low, high = value_bounds(index, member)
    bounds = low[layer.unit], high[layer.unit]
    values = layer.values[design.rows]
    return {
        "naive t, max margin": mean_estimate(layer.values[ranked.rows], ranked, member=member),
        "Hajek t": mean_estimate(values, design, member=member),
        "GREG t": mean_estimate(values, design, member=member, scores=scores),
        "betting": betting_alone(values, design, member, bounds),
        "by the rule": mean_estimate(values, design, member=member, bounds=bounds, scores=scores),
    }


def betting_alone(values: Any, design: Design, member: Any, bounds: Any) -> Any:
    """Bet on every unit, whatever the rule says."""
    inside = member[design.rows]
    span = np.where(bounds[1] > bounds[0], bounds[1] - bounds[0], 1)
    scaled = np.clip((values[inside] - bounds[0]) / span, 0, 1)
    low, high = betting_interval(scaled, design.stratum[inside], design.sizes(member))
    return Interval(bounds[0] + span * low, bounds[0] + span * high)


@dataclass
class Interval:
    """Two ends."""

    low: Any
    high: Any


def measure(
    layers: list[Layer], record: Record, *, fraction: float, size: int, groups: int, draws: int
) -> tuple[dict[str, Count], NDArray[np.int64], float]:
    """Draw samples, and count for every method how often it holds the truth."""
    rng = np.random.default_rng(size)
    scores = latent_scores(record.latent)
    margin = MaxMarginSampler().fit(record.latent, record.label, record.pred)
    cut = margin.sample(fraction)
    # As if chance had drawn it: what the interval would claim.
    pretend = RandomSampler(random_state=0).fit(record.latent, record.label).ranking_
    n = len(cut)
    order = np.sort(cut.index)
    zeros = np.zeros(n, np.int64)
    ranked = Design(
        rows=order,
        weight=np.full(n, len(record) / n),
        stratum=zeros,
        item_stratum=pretend.group.astype(np.int64),
        stratum_size=pretend.group_size,
        drawn=np.array([n]),
    )
    counts: dict[str, Count] = {name: Count() for name in REFERENCE}
    used = np.zeros(len(METHOD_NAMES), np.int64)
    taken = []
    for _ in range(groups):
        member = neighbours(record, size, rng)
        for _ in range(draws):
            sampler = RandomSampler(random_state=int(rng.integers(2**31)))
            ranking = sampler.fit(record.latent, record.label).ranking_
            design = Design.of(ranking.sample(fraction, 0.0), ranking)
            taken.append(int(member[design.rows].sum()))
            for layer in layers:
                inside = layer.values[member]
                truth, spread = inside.mean(axis=0, dtype=np.float64), inside.std(axis=0)
                dense = (inside != 0).mean(axis=0) >= DENSE
                varies = spread > 1e-6
                made = estimates(layer, record, member, design=design, ranked=ranked, scores=scores)
                used += np.bincount(made["by the rule"].method, minlength=len(used))
                for name, each in made.items():
                    counts[name].add(
                        each.low[varies], each.high[varies], truth[varies],
                        spread[varies], dense[varies],
                    )  # fmt: skip
    return counts, used, float(np.mean(taken))


def report(
    counts: dict[str, Count], used: NDArray[np.int64], taken: float, size: int, reference: int
) -> None:
    """Print one block of the table."""
    share = ", ".join(
        f"{name} {n / used.sum():.0%}" for name, n in zip(METHOD_NAMES, used, strict=True) if n
    )
    print(f"\ngroups of {size:,}, about {taken:.0f} of them sampled; the rule took {share}")
    print(f"{'interval':22}{'dense':>16}{'sparse':>16}   reference (MNIST)")
    for name, count in counts.items():
        (dense, width), (sparse, sparse_width) = count.figures(0), count.figures(1)
        known = REFERENCE[name][reference]
        said = "" if known is None else "{:.2f} / {:.2f}   {:.2f}".format(*known)
        print(f"{name:22}{dense:>8.3f} / {width:5.2f}{sparse:>8.3f} / {sparse_width:5.2f}   {said}")


def marks(counts: dict[str, Count], taken: float) -> None:
    """Say whether the marks are reached, and by how much they are missed."""
    greg, _ = counts["GREG t"].figures(0)
    betting = [counts["betting"].figures(kind)[0] for kind in (0, 1)]
    least = float(np.nanmin(betting))
    if taken >= 75:
        print(f"mark GREG t >= .90 on dense units: {greg:.3f}, {greg - 0.90:+.3f}")
    print(f"mark betting >= .95 everywhere: {least:.3f}, {least - 0.95:+.3f}")


def bench(name: str, weights: str | None, *, fraction: float, groups: int, draws: int) -> None:
    """Measure one network."""
    began = time.perf_counter()
    model, items = trained(name, weights)
    planned = plan(model, DataLoader(items, batch_size=256), layers=LAYERS[name])
    record = Pass(planned).run(progress=False)
    layers = list(read_truth(planned, record, np.random.default_rng(0)))
    accuracy = record.correct.mean()
    print(
        f"\n== {name}: {len(record):,} items, accuracy {accuracy:.1%}, "
        f"{', '.join(f'{each.name} ({len(each.unit)} units)' for each in layers)}; "
        f"samples of {fraction:.0%}, {groups} groups x {draws} draws"
    )
    for which, expected in enumerate(EXPECTED_IN_SAMPLE):
        size = min(int(expected / fraction), len(record))
        counts, used, taken = measure(
            layers, record, fraction=fraction, size=size, groups=groups, draws=draws
        )
        report(counts, used, taken, size, which)
        marks(counts, taken)
    print(f"{name}: {time.perf_counter() - began:.0f} s")


def main() -> None:
    """Measure MNIST and the galaxies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--only", choices=["mnist", "galaxy"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    # The galaxies are fewer, so that the same number of sampled items takes a larger share.
    for name, fraction in (("mnist", 0.05), ("galaxy", 0.10)):
        if options.only in (None, name):
            weights = os.environ.get(f"LATENTLENS_WEIGHTS_{name.upper()}")
            bench(name, weights, fraction=fraction, groups=options.groups, draws=options.draws)


if __name__ == "__main__":
    main()
