"""A small classifier and its data, made in the kernels of the tests."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

N_CLASSES = 4
SIDE = 6


class Items(Dataset):
    """Small pictures that a classifier mostly gets right.

    Parameters
    ----------
    model : nn.Module
        Gives most of the labels; every seventh item has another one.
    n : int
    pause_s : float
        How long reading an item takes.
    broken : int
        The position at which reading fails; -1 for none.
    """

    def __init__(self, model: nn.Module, n: int = 400, *, pause_s: float = 0, broken: int = -1):
        noise = torch.Generator().manual_seed(1)
        self.pictures = torch.rand(n, 1, SIDE, SIDE, generator=noise)
        with torch.no_grad():
            self.label = model.eval()(self.pictures).argmax(dim=1)
        model.train()
        self.label[::7] = (self.label[::7] + 1) % N_CLASSES
        self.pause_s, self.broken = pause_s, broken

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, position: int) -> tuple[Tensor, int]:
        time.sleep(self.pause_s)
        if position == self.broken:
            raise OSError(f"picture {position} cannot be read")
        return self.pictures[position], int(self.label[position])


def classifier(seed: int = 0) -> nn.Sequential:
    """Make a network with two hidden layers, the last of 12 units."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(SIDE * SIDE, 30),
        nn.ReLU(),
        nn.Linear(30, 12),
        nn.ReLU(),
        nn.Linear(12, N_CLASSES),
    )


def loader(model: nn.Module, n: int = 400, **options: float) -> DataLoader:
    """Give the items in batches of 20."""
    return DataLoader(Items(model, n, **options), batch_size=20)


class Breaks(nn.Module):
    """Works on what it first sees and breaks in the middle of the pass."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.seen = classifier(), 0

    def forward(self, x: Tensor) -> Tensor:
        self.seen += len(x)
        if self.seen > 600:
            raise RuntimeError("no more of this")
        return self.inner(x)
