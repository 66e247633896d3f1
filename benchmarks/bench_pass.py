"""How much a pass costs on top of the model's own work.

Both sides run in turn in one process: the pass, with every layer's top-K index
and sums, and a bare inference loop over the same loader that keeps nothing.
What the pass yields is compared with sorting and summing the raw activations
before anything is timed.

    python benchmarks/bench_pass.py

Digits are read from ``mnist.npz`` in the folder that LATENTLENS_DATA names;
without it seeded random images stand in.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from latentlens.core.record import Record
from latentlens.extract import Pass, Plan, plan
from latentlens.models import lenet5

KEEP = 32


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.short = nn.Conv2d(width, out, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Apply both, and add the shortcut in place, as the usual code does."""
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.short(x)
        return functional.relu(out)


class SmallResNet(nn.Module):
    """A residual network for 32 x 32 colour images, ResNet-20's plan at twice its width."""

    def __init__(self) -> None:
        super().__init__()
        widths = [32, 32, 32, 32, 64, 64, 64, 128, 128, 128]
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(widths[0])
        self.blocks = nn.Sequential(
            *(Block(a, b, 1 + (a != b)) for a, b in pairwise(widths))
        )
        self.fc = nn.Linear(widths[-1], 10)

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits of images of shape (n, 3, 32, 32)."""
        x = self.blocks(functional.relu(self.bn(self.stem(x))))
        return self.fc(x.mean((2, 3)))


def digits() -> TensorDataset:
    """Give 10,000 grey images of 28 x 28 pixels with their classes."""
    folder = os.environ.get("LATENTLENS_DATA")
    if folder is None:
        rng = torch.Generator().manual_seed(0)
        images = torch.rand(10_000, 1, 28, 28, generator=rng)
        return TensorDataset(images, torch.randint(0, 10, (10_000,), generator=rng))
    with np.load(Path(folder) / "mnist.npz") as held:
        images = torch.from_numpy(held["x_test"]).float()[:, None] / 255
        return TensorDataset(images, torch.from_numpy(held["y_test"]).long())


def pictures(n: int) -> TensorDataset:
    """Give random colour images of 32 x 32 pixels."""
    rng = torch.Generator().manual_seed(1)
    images = torch.randn(n, 3, 32, 32, generator=rng)
    return TensorDataset(images, torch.randint(0, 10, (n,), generator=rng))


def check(found: Plan, record: Record, n: int) -> None:
    """Compare the first `n` items' index, and all cells' sums, with brute force."""
    caught: dict[str, list[Tensor]] = {spec.call: [] for spec in found.layers}
    modules = dict(found.model.named_modules())
    watched = [name for name in caught if name in modules]
    handles = [
        # A copy: some outputs are changed in place later.
        modules[name].register_forward_hook(
            lambda _m, _i, out, name=name: caught[name].append(out.detach().flatten(1).clone())
        )
        for name in watched
    ]
    with torch.inference_mode():
        for x, _ in DataLoader(found.dataset, batch_size=found.batch_size or 1):
            if sum(map(len, caught[watched[0]])) < n:
                found.model(x)
    for handle in handles:
        handle.remove()
    for name in watched:
        layer = record.layers[name]
        values = torch.cat(caught[name])[:n].numpy()
        order = np.argsort(-values, axis=1, kind="stable")[:, : layer.keep]
        assert (layer.top_unit[:n] == order).all(), name
        assert (layer.top_value[:n] == np.take_along_axis(values, order, 1)).all(), name
        if n == len(record):
            right = record.correct
            for c in range(len(record.classes)):
                total = values[right & (record.label == c)].sum(0, dtype=np.float64)
                assert np.allclose(layer.cell_sum[0, c], total, rtol=1e-10, atol=1e-9), name


def bare(model: nn.Module, loader: DataLoader) -> None:
    """Run the model over the loader and keep nothing."""
    with torch.inference_mode():
        for x, _ in loader:
            model(x)


def in_turn(sides: dict[str, Callable[[], object]], times: int) -> dict[str, list[float]]:
    """Time both sides alternately, so that a loaded machine slows both."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(times):
        for name, side in sides.items():
            begun = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - begun)
    return seconds


def compare(title: str, model: nn.Module, data: TensorDataset, *, times: int, held: int) -> None:
    """Check, time and print one network."""
    model.eval()
    loader = DataLoader(data, batch_size=256)
    found = plan(model, loader, keep=KEEP)
    record = Pass(found).run(progress=False)
    check(found, record, held)
    whole = [x for x, _ in DataLoader(data, batch_size=256)]

    def without_loader() -> None:
        with torch.inference_mode():
            for x in whole:
                model(x)

    seconds = in_turn(
        {
            "bare": lambda: bare(model, loader),
            "batches": without_loader,
            "pass": lambda: Pass(found).run(progress=False),
        },
        times,
    )
    units = sum(spec.units for spec in found.layers)
    index = sum(layer.index_bytes for layer in record.layers.values())
    raw = sum(layer.raw_bytes for layer in record.layers.values())
    print(
        f"{title}: {len(record):,} items, {len(found.layers)} layers, {units:,} units per item, "
        f"batches of {found.batch_size}, {torch.get_num_threads()} threads"
    )
    for side, what in (("bare", "a bare loop over the loader"), ("batches", "the model alone")):
        pairs = np.array(seconds["pass"]) / np.array(seconds[side])
        print(
            f"  pass {min(seconds['pass']):6.2f} s   {what:28} {min(seconds[side]):6.2f} s   "
            f"{min(seconds['pass']) / min(seconds[side]):5.2f}x of the fastest, "
            f"{np.median(pairs):5.2f}x in the median pair"
        )
    print(f"  index of K = {KEEP}: {index / raw:.2%} of the raw activations")
    print("  " + record.report().replace("\n", "\n  "))


if __name__ == "__main__":
    torch.manual_seed(0)
    compare("LeNet-5 with batch norm", lenet5(), digits(), times=7, held=10_000)
    compare("small ResNet", SmallResNet(), pictures(512), times=3, held=512)
