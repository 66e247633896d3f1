"""A trained network and its test data, ready to be experimented on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from latentlens.core.checks import check_choice
from latentlens.experiments.experiment import Experiment, Settings
from latentlens.experiments.result import write_whole

if TYPE_CHECKING:
    from torch import nn

    from latentlens.data import ImageData

LENET_LAYERS = ("act1", "act2", "act3", "act4")
GALAXY_LAYERS = ("pool1", "pool2", "act3", "act4", "act5")
QUICK_TRAIN = 6000
QUICK_TEST = 1500
BATCH = 256


@dataclass(frozen=True)
class Recipe:
    """How a data set's network is made and trained.

    Parameters
    ----------
    make : callable
        Takes the data and a seed, gives an untrained network.
    layers : tuple of str
        Layers asked about.
    steps : tuple of (int, float)
        Epochs and Adam's step size, one after the other.
    batch_size : int
        While training.
    """

    make: Callable[[ImageData, int], nn.Module]
    layers: tuple[str, ...]
    steps: tuple[tuple[int, float], ...]
    batch_size: int = 128


def _lenet(data: ImageData, seed: int) -> nn.Module:
    from latentlens import models

    return models.lenet5(len(data.classes), image_size=data.x_train.shape[1], seed=seed)


def _galaxy(data: ImageData, seed: int) -> nn.Module:
    from latentlens import models

    return models.galaxy_cnn(len(data.classes), seed=seed)


DATA: dict[str, Recipe] = {
    "mnist": Recipe(_lenet, LENET_LAYERS, ((1, 2e-3), (1, 2e-4))),
    "fashion_mnist": Recipe(_lenet, LENET_LAYERS, ((2, 2e-3), (1, 2e-4))),
    "digits": Recipe(_lenet, LENET_LAYERS, ((10, 1e-3),), 32),
    "galaxy": Recipe(_galaxy, GALAXY_LAYERS, ((4, 1e-3), (1, 1e-4)), 32),
}
"""The data sets that the experiments know."""


def prepare(
    data: str = "mnist",
    folder: str | Path = "paper",
    *,
    quick: bool = False,
    weights: str | Path | None = None,
    settings: Settings | None = None,
    progress: bool = True,
) -> Experiment:
    """Make a network for one of the data sets, trained, with its test split.

    Parameters
    ----------
    data : {"mnist", "fashion_mnist", "digits", "galaxy"}
    folder : str or Path
        Trained weights are kept there as weights.pt, and found again.
    quick : bool
        Whether to take few items, fractions and draws: a look at the machinery,
        not at the paper.
    weights : str or Path, optional
        Weights of the same network, in place of training.
    settings : Settings, optional
        In place of the data set's.
    progress : bool
        Whether to show bars.

    Returns
    -------
    Experiment

    Raises
    ------
    ValueError
        If the data set is not known, the weights are another network's, or the folder
        cannot be written.
    FileNotFoundError
        If there are no such weights.

    Examples
    --------
    >>> from latentlens import models
    >>> from latentlens.experiments import prepare
    >>> models.save_weights(models.lenet5(image_size=8), "mine.pt")
    >>> experiment = prepare("digits", "paper", quick=True, weights="mine.pt", progress=False)
    >>> experiment.settings.data, len(experiment.record)
    ('digits', 797)
    """
    from latentlens import data as sets
    from latentlens import models

    recipe = DATA[check_choice(data, "data", DATA)]
    images: ImageData = getattr(sets, data)()
    if quick:
        images = fewer(images)
    if settings is None:
        settings = Settings(data=data, layers=recipe.layers)
        settings = settings.quick() if quick else settings
    model = recipe.make(images, settings.seed)
    if weights is not None:
        models.load_weights(model, weights)
    else:
        _train_once(model, images, recipe, settings.seed, Path(folder), progress=progress)
    model.eval()
    return Experiment(model, images.loader("test", batch_size=BATCH), settings, progress=progress)


def make_folder(folder: Path) -> None:
    """Make a folder for results unless it is there, and try whether it can be written.

    Raises
    ------
    ValueError
        If it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"The results need a folder that can be written; {str(folder)!r} cannot be "
            f"({error.strerror}). Name another."
        ) from None


def fewer(images: ImageData) -> ImageData:
    """Take the first items of both splits."""
    return replace(
        images,
        x_train=images.x_train[:QUICK_TRAIN],
        y_train=images.y_train[:QUICK_TRAIN],
        x_test=images.x_test[:QUICK_TEST],
        y_test=images.y_test[:QUICK_TEST],
    )


def _train_once(
    model: nn.Module,
    images: ImageData,
    recipe: Recipe,
    seed: int,
    folder: Path,
    *,
    progress: bool,
) -> None:
    """Train, or read what was trained in the same way before."""
    from latentlens import models

    make_folder(folder)
    path, facts_path = folder / "weights.pt", folder / "weights.json"
    facts = _training_facts(images, recipe, seed)
    if path.is_file() and _read(facts_path) == facts:
        models.load_weights(model, path)
        return
    loader = images.loader("train", batch_size=recipe.batch_size, shuffle=True)
    for epochs, step_size in recipe.steps:
        models.train(model, loader, epochs, lr=step_size, seed=seed, progress=progress)
    # Facts first away and last back, so that they never tell of other weights.
    facts_path.unlink(missing_ok=True)
    beside = folder / ".weights.pt.part"
    models.save_weights(model, beside)
    beside.replace(path)
    write_whole(facts_path, json.dumps(facts, indent=2) + "\n")


def _training_facts(images: ImageData, recipe: Recipe, seed: int) -> dict[str, Any]:
    return {
        "data": images.name,
        "items": len(images.x_train),
        "labels": np.bincount(images.y_train).tolist(),
        "steps": [list(step) for step in recipe.steps],
        "batch_size": recipe.batch_size,
        "seed": seed,
    }


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
