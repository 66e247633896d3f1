"""How well every sampler's samples answer, beside the reference figures.

A score is the mean over layers, true classes and correct or incorrect: precision@10
of the top units by maximum and by mean (larger is better), cosine distance of the
means and Jensen-Shannon distance of the maximally activated units (smaller is
better). The first and the last follow from the index, the others from one further
pass over the sampled items; means are weighted by the sample. Nothing is stored.

    python benchmarks/fidelity.py [mnist] [held_back] [galaxy]

"mnist" is the test split, as in the reference; "held_back" the first 10,000 training
images and a network that never saw them, on which nothing was chosen; "galaxy" all
images of a network trained on the first part. Data is read from the folder that
LATENTLENS_DATA names. Networks are trained here; LATENTLENS_WEIGHTS_MNIST names weights
of the LeNet-5 for "mnist" instead, LATENTLENS_WEIGHTS_GALAXY those for "galaxy".
The reference is another network of the same make, so figures differ by that too.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import ConcatDataset, DataLoader, Subset

from latentlens import data, models
from latentlens.core import Record, Sample
from latentlens.core.fidelity import QuerySet
from latentlens.extract import Pass, Plan, plan, read_activations
from latentlens.samplers import (
    BoundaryTreeSampler,
    CoresetSampler,
    GMMSampler,
    LatentGridSampler,
    MaxMarginSampler,
    RandomSampler,
    StratifiedSampler,
    VASSampler,
)

FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.2)
K = 10
DRAWS = 10
LENET = ["act1", "act2", "act3", "act4"]
GALAXY = ["act3", "act4", "act5"]
SAMPLERS: dict[str, Any] = {
    "stratified by CM": StratifiedSampler,
    "latent grid": LatentGridSampler,
    "VAS": VASSampler,
    "GMM spherical": lambda: GMMSampler(covariance="spherical"),
    "GMM full": GMMSampler,
    "boundary tree": BoundaryTreeSampler,
    "boundary tree, predicted": lambda: BoundaryTreeSampler(on="predicted"),
    "MaxMargin, by classifier": lambda: MaxMarginSampler(group_by="classifier"),
    "MaxMargin": MaxMarginSampler,
    "MaxMargin, weighted": lambda: MaxMarginSampler(weighted=True),
    "stratified, completion": lambda: StratifiedSampler(
        strata="correctness", allocation="completion"
    ),
    "coreset": CoresetSampler,
}
MNIST_REFERENCE = {
    ("random", 0.05): (0.364, 0.505, 0.344, 0.648),
    ("random", 0.2): (0.479, 0.622, 0.238, 0.503),
    ("stratified by CM", 0.05): (0.296, 0.454, 0.462, 0.683),
    ("stratified by CM", 0.2): (0.509, 0.661, 0.153, 0.486),
    ("latent grid", 0.05): (0.366, 0.504, 0.334, 0.669),
    ("latent grid", 0.2): (0.485, 0.618, 0.205, 0.530),
    ("VAS", 0.05): (0.408, 0.566, 0.248, 0.626),
    ("VAS", 0.2): (0.675, 0.754, 0.073, 0.362),
    ("GMM spherical", 0.05): (0.658, 0.753, 0.030, 0.408),
    ("GMM spherical", 0.2): (0.839, 0.932, 0.0035, 0.150),
    ("GMM full", 0.05): (0.582, 0.686, 0.078, 0.482),
    ("GMM full", 0.2): (0.766, 0.872, 0.014, 0.238),
    ("boundary tree", 0.05): (0.651, 0.756, 0.032, 0.393),
    ("MaxMargin, by classifier", 0.01): (0.544, 0.640, 0.0635, 0.554),
    ("MaxMargin, by classifier", 0.05): (0.754, 0.853, 0.0104, 0.294),
    ("MaxMargin, by classifier", 0.2): (0.821, 0.935, 0.0032, 0.152),
    ("MaxMargin", 0.05): (0.775, 0.891, 0.0087, 0.242),
    ("coreset", 0.01): (0.714, 0.831, 0.0163, 0.357),
    ("coreset", 0.05): (0.781, 0.944, 0.0016, 0.208),
    ("coreset", 0.2): (0.840, 0.975, 0.0003, 0.120),
}
GALAXY_REFERENCE = {
    ("MaxMargin, by classifier", 0.01): (0.375, 0.629, 0.0662, 0.670),
    ("MaxMargin, by classifier", 0.05): (0.371, 0.817, 0.0161, 0.554),
    ("MaxMargin, by classifier", 0.2): (0.596, 0.900, 0.0068, 0.361),
    ("coreset", 0.01): (0.425, 0.842, 0.0166, 0.646),
    ("coreset", 0.05): (0.558, 0.904, 0.0034, 0.503),
    ("coreset", 0.2): (0.779, 0.942, 0.0006, 0.282),
}


def mnist() -> Plan:
    """Give the test split and a LeNet-5."""
    images, net = data.mnist(), models.lenet5()
    if weights := os.environ.get("LATENTLENS_WEIGHTS_MNIST"):
        models.load_weights(net, weights)
    else:
        train(net, images.dataset("train"), ((1, 2e-3), (1, 2e-4)), batch_size=128)
    return look(net, images.dataset("test"), LENET)


def held_back() -> Plan:
    """Give the first 10,000 training images and a LeNet-5 trained on the others."""
    images, net = data.mnist().dataset("train"), models.lenet5(seed=11)
    rest = Subset(images, range(10_000, len(images)))
    train(net, rest, ((1, 2e-3), (1, 3e-4)), batch_size=128)
    return look(net, Subset(images, range(10_000)), LENET)


def galaxy() -> Plan:
    """Give all galaxies and a network trained on the training split."""
    images, net = data.galaxy(), models.galaxy_cnn()
    if weights := os.environ.get("LATENTLENS_WEIGHTS_GALAXY"):
        models.load_weights(net, weights)
    else:
        steps = ((3, 1e-3), (2, 5e-4), (1, 2e-4), (1, 1e-4))
        train(net, images.dataset("train"), steps, batch_size=64)
    return look(net, ConcatDataset([images.dataset("train"), images.dataset("test")]), GALAXY)


def train(net: Any, items: Any, steps: Iterable[tuple[int, float]], *, batch_size: int) -> None:
    """Train by Adam, some epochs at each step size."""
    loader = DataLoader(items, batch_size=batch_size, shuffle=True)
    for epochs, lr in steps:
        models.train(net, loader, epochs, lr=lr)


def look(net: Any, items: Any, layers: list[str]) -> Plan:
    """Plan the pass over some items."""
    net.eval()
    return plan(net, DataLoader(items, batch_size=250), layers=layers)


def draw(record: Record) -> tuple[list[tuple[str, float, float]], list[Sample]]:
    """Draw all samples: for each its sampler, fraction, and the seconds its ranking took."""
    about: list[tuple[str, float, float]] = []
    samples: list[Sample] = []
    made = [("random", lambda seed=s: RandomSampler(random_state=seed)) for s in range(DRAWS)]
    for name, make in [*made, *SAMPLERS.items()]:
        few = slice(0, 300)
        make().fit(record.latent[few], record.label[few], record.pred[few])  # compile
        start = time.perf_counter()
        sampler = make().fit(record.latent, record.label, record.pred, record.pre_latent)
        took = time.perf_counter() - start
        for fraction in FRACTIONS if sampler.ranking_.uses_fraction else (0.05,):
            about.append((name, fraction, took))
            samples.append(sampler.sample(fraction))
    return about, samples


def score(
    planned: Plan, record: Record, layers: list[str], samples: list[Sample]
) -> NDArray[np.float64]:
    """Score samples, shape (n_samples, 4)."""
    weights = np.zeros((len(samples), len(record)))
    for row, sample in zip(weights, samples, strict=True):
        row[sample.index] = sample.weight
    query = QuerySet(record, k=K, layers=layers)

    def read(rows: Any, names: Any) -> Any:
        return read_activations(planned, rows, names)

    index = list(query.from_index(weights > 0))
    means = [s for s in query.from_means(weights, read, rank=True) if not isinstance(s, tuple)]
    parts = [
        [s.s1 for s in index],
        [s.s1 for s in means],
        [s.s2 for s in means],
        [s.s3 for s in index],
    ]
    return np.stack([np.concatenate(part, axis=1).mean(axis=1) for part in parts], axis=1)


def report(
    name: str, planned: Plan, layers: list[str], reference: dict[tuple[str, float], Any]
) -> None:
    """Print one data set's table."""
    record = Pass(planned).run(progress=False)
    about, samples = draw(record)
    scores = score(planned, record, layers, samples)
    wrong = int(record.incorrect.sum())
    print(f"\n{name}: {len(record):,} items, {wrong} errors; S1 max / S1 mean / S2 / S3")
    for key in dict.fromkeys((sampler, fraction) for sampler, fraction, _ in about):
        rows = [i for i, (sampler, fraction, _) in enumerate(about) if (sampler, fraction) == key]
        taken = np.mean([record.incorrect[samples[i].index].sum() for i in rows])
        told = " ".join(f"{value:.4f}" for value in scores[rows].mean(axis=0))
        beside = " ".join(f"{value:.4f}" for value in reference[key]) if key in reference else "-"
        print(
            f"{key[0]:26}{key[1]:5.0%} {len(samples[rows[0]]):6,} items {taken:7.1f} errors"
            f"   {told}   reference {beside}   ranked in {about[rows[0]][2]:.2f} s"
        )
    compare({key: scores[i] for i, key in enumerate((s, f) for s, f, _ in about)})


def compare(scores: dict[tuple[str, float], Any]) -> None:
    """Say where the coreset is better than MaxMargin grouped by prediction."""
    for fraction in FRACTIONS:
        # Distances count the other way round.
        gain = (scores["coreset", fraction] - scores["MaxMargin", fraction]) * (1, 1, -1, -1)
        told = ", ".join(
            f"{name} {'better' if more > 0 else 'NOT BETTER'} by {abs(more):.4f}"
            for name, more in zip(("S1 max", "S1 mean", "S2", "S3"), gain, strict=True)
        )
        print(f"coreset against MaxMargin at {fraction:.0%}: {told}")


if __name__ == "__main__":
    sets = {
        "mnist": (mnist, LENET, MNIST_REFERENCE),
        "held_back": (held_back, LENET, {}),
        "galaxy": (galaxy, GALAXY, GALAXY_REFERENCE),
    }
    for chosen in sys.argv[1:] or sets:
        prepare, asked, beside = sets[chosen]
        report(chosen, prepare(), asked, beside)
