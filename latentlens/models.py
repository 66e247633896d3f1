"""The networks of the paper, and a short way to train one.

References
----------
.. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
   Learning Model Diagnosis (Technical Report)", arXiv 2002.09754, 2020.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class LeNet5(nn.Sequential):
    """LeNet-5 with batch norm; `fc2` is the paper's latent of 84 units.

    Examples
    --------
    >>> from latentlens import models
    >>> isinstance(models.lenet5(), models.LeNet5)
    True
    """


class GalaxyCNN(nn.Sequential):
    """Four convolutions and two fully connected layers; `fc1` is the paper's latent.

    Examples
    --------
    >>> from latentlens import models
    >>> isinstance(models.galaxy_cnn(), models.GalaxyCNN)
    True
    """


def lenet5(
    n_classes: int = 10, *, image_size: int = 28, channels: int = 1, seed: int = 0
) -> LeNet5:
    """Make the paper's LeNet-5 with batch norm, untrained.

    On 28 x 28 grey images it has 107,786 parameters, those of batch norm not
    counted. The logits have no batch norm.

    Parameters
    ----------
    n_classes : int
    image_size : int
        Height and width of the images, in pixels; a multiple of 4, at least 4.
    channels : int
        1 for grey images, 3 for colour.
    seed : int
        Of the initial weights; the global random state is left as it was.

    Returns
    -------
    LeNet5
        With layers conv1, bn1, act1, pool1, conv2, ... fc3.

    Raises
    ------
    ValueError
        If `image_size` cannot be halved twice.

    Examples
    --------
    >>> import torch
    >>> from latentlens import models
    >>> models.lenet5().eval()(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    if image_size < 4 or image_size % 4:
        raise ValueError(f"image_size must be a multiple of 4, for two poolings; got {image_size}.")
    with _seeded(seed):
        return LeNet5(
            OrderedDict(
                conv1=nn.Conv2d(channels, 6, 5, padding=2),
                bn1=nn.BatchNorm2d(6),
                act1=nn.ReLU(),
                pool1=nn.MaxPool2d(2),
                conv2=nn.Conv2d(6, 16, 5, padding=2),
                bn2=nn.BatchNorm2d(16),
                act2=nn.ReLU(),
                pool2=nn.MaxPool2d(2),
                flatten=nn.Flatten(),
                fc1=nn.Linear(16 * (image_size // 4) ** 2, 120),
                bn3=nn.BatchNorm1d(120),
                act3=nn.ReLU(),
                fc2=nn.Linear(120, 84),
                bn4=nn.BatchNorm1d(84),
                act4=nn.ReLU(),
                fc3=nn.Linear(84, n_classes),
            )
        )


def galaxy_cnn(n_classes: int = 2, *, seed: int = 0) -> GalaxyCNN:
    """Make a galaxy network of the paper's size, untrained.

    The paper gives the latent (64 units), batch norm after every convolution and
    1,095,842 parameters, but not the layers. This one has that number, running
    statistics of batch norm counted as Keras does; others have it too.

    Parameters
    ----------
    n_classes : int
    seed : int
        Of the initial weights; the global random state is left as it was.

    Returns
    -------
    GalaxyCNN
        For images of shape (3, 69, 69).

    Examples
    --------
    >>> import torch
    >>> from latentlens import models
    >>> models.galaxy_cnn().eval()(torch.zeros(2, 3, 69, 69)).shape
    torch.Size([2, 2])
    """
    with _seeded(seed):
        return GalaxyCNN(
            OrderedDict(
                conv1=nn.Conv2d(3, 32, 5, bias=False),
                bn1=nn.BatchNorm2d(32),
                act1=nn.ReLU(),
                pool1=nn.MaxPool2d(2),
                conv2=nn.Conv2d(32, 64, 5, bias=False),
                bn2=nn.BatchNorm2d(64),
                act2=nn.ReLU(),
                pool2=nn.MaxPool2d(2),
                conv3=nn.Conv2d(64, 128, 3, bias=False),
                bn3=nn.BatchNorm2d(128),
                act3=nn.ReLU(),
                conv4=nn.Conv2d(128, 128, 3, bias=False),
                bn4=nn.BatchNorm2d(128),
                act4=nn.ReLU(),
                flatten=nn.Flatten(),
                fc1=nn.Linear(128 * 10 * 10, 64),
                bn5=nn.BatchNorm1d(64),
                act5=nn.ReLU(),
                drop=nn.Dropout(0.5),
                fc2=nn.Linear(64, n_classes),
            )
        )


def train(
    model: nn.Module,
    loader: Iterable[Any],
    epochs: int = 3,
    *,
    lr: float = 1e-3,
    seed: int = 0,
    progress: bool = True,
) -> list[float]:
    """Train by Adam on the cross-entropy, in place, where the parameters are.

    Equal seeds give equal weights on one machine, whatever was drawn before; the
    global random state is left as it was, and the model is left in eval mode.

    Parameters
    ----------
    model : nn.Module
        Its output is the logits.
    loader : iterable of (inputs, labels)
    epochs : int
        How often to go through the data.
    lr : float
        Adam's step size.
    seed : int
        Of shuffling and dropout.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    list of float
        Mean loss of each epoch, in nats.

    Raises
    ------
    ValueError
        If `epochs` is not positive, or the loader gives no batch.

    Examples
    --------
    >>> from latentlens import data, models
    >>> digits, model = data.digits(), models.lenet5(image_size=8)
    >>> losses = models.train(model, digits.loader("train", shuffle=True), epochs=2, progress=False)
    >>> losses[1] < losses[0]
    True
    """
    from tqdm.auto import tqdm

    if not isinstance(model, nn.Module):
        raise TypeError(
            f"model must be a torch.nn.Module, got {type(model).__name__}. Are the arguments "
            "swapped? The model comes first, then the loader: models.train(model, loader)."
        )
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1, got {epochs}.")
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses: list[float] = []
    total = epochs * len(loader) if isinstance(loader, Sized) else None
    with _seeded(seed, model), tqdm(total=total, unit="batch", disable=not progress) as bar:
        model.train()
        for epoch in range(epochs):
            bar.set_description(f"epoch {epoch + 1} of {epochs}")
            losses.append(_epoch(model, loader, optimizer, bar))
            bar.set_postfix(loss=f"{losses[-1]:.3f}")
    model.eval()
    return losses


def _epoch(
    model: nn.Module, loader: Iterable[Any], optimizer: torch.optim.Optimizer, bar: Any
) -> float:
    device = next(model.parameters()).device
    total, n_items = 0.0, 0
    for inputs, labels in loader:
        loss = functional.cross_entropy(model(inputs.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        n_items += len(labels)
        bar.update()
    if not n_items:
        raise ValueError("loader gave no batch, so there is nothing to train on.")
    return total / n_items


def accuracy(model: nn.Module, loader: Iterable[Any]) -> float:
    """Give the share of items classified correctly, in [0, 1]; `model` is in eval mode after.

    Examples
    --------
    >>> from latentlens import data, models
    >>> digits, model = data.digits(), models.lenet5(image_size=8)
    >>> 0 <= models.accuracy(model, digits.loader("test")) <= 1
    True
    """
    device = next(model.parameters()).device
    model.eval()
    right, n_items = 0, 0
    with torch.inference_mode():
        for inputs, labels in loader:
            right += int((model(inputs.to(device)).argmax(1).cpu() == labels).sum())
            n_items += len(labels)
    return right / max(n_items, 1)


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Write the weights of `model`, and nothing else, to `path`.

    Examples
    --------
    >>> from latentlens import models
    >>> models.save_weights(models.lenet5(seed=3), "lenet5.pt")
    """
    torch.save(model.state_dict(), path)


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Read weights into `model`, in place; the file can hold weights only, never code.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the weights are another network's.

    Examples
    --------
    >>> from latentlens import models
    >>> first, second = models.lenet5(seed=3), models.lenet5(seed=4)
    >>> models.save_weights(first, "lenet5.pt")
    >>> models.load_weights(second, "lenet5.pt")
    >>> bool((first.fc3.weight == second.fc3.weight).all())
    True
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There are no weights at {path}; save_weights writes them.")
    state = torch.load(path, map_location="cpu", weights_only=True)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit this {type(model).__name__}: {error}") from None


@contextmanager
def _seeded(seed: int, model: nn.Module | None = None) -> Iterator[None]:
    """Draw from a seed inside, and put the global random state back outside."""
    devices = {each.device for each in model.parameters()} if model is not None else set()
    with torch.random.fork_rng([each for each in devices if each.type == "cuda"]):
        torch.manual_seed(seed)
        yield
