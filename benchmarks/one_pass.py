"""How much a pass costs on top of the model's own work.

Both sides run in turn in one process: the pass, with every layer's top-K index
and sums, and a bare inference loop over the same loader that keeps nothing.
What the pass yields is compared with sorting and summing the raw activations
before anything is timed.

    python benchmarks/one_pass.py

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

from latentlens.core.record import Record, Reduce
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
        self.blocks = nn.Sequential(*(Block(a, b, 1 + (a != b)) for a, b in pairwise(widths)))
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


def nine_in_ten(model: nn.Module, data: TensorDataset) -> TensorDataset:
    """Label the items as an untrained model sees them, one in ten otherwise.

    How many cells the sums have to reach depends on how many items are wrong.
    """
    images = data.tensors[0]
    with torch.no_grad():
        label = torch.cat([model.eval()(x).argmax(1) for x in images.split(256)])
    label[::10] = (label[::10] + 1) % 10
    return TensorDataset(images, label)


def check(found: Plan, record: Record) -> None:
    """Compare all layers that are modules with brute force on their raw activations."""
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
            found.model(x)
    for handle in handles:
        handle.remove()
    for name in watched:
        layer = record.layers[name]
        values = torch.cat(caught.pop(name)).numpy()
        order = np.argsort(-values, axis=1, kind="stable")[:, : layer.keep]
        assert (layer.top_unit == order).all(), name
        assert (layer.top_value == np.take_along_axis(values, order, 1)).all(), name
        for c in range(len(record.classes)):
            total = values[record.correct & (record.label == c)].sum(0, dtype=np.float64)
            assert np.allclose(layer.cell_sum[0, c], total, rtol=1e-10, atol=1e-9), name


def bare(model: nn.Module, loader: DataLoader) -> None:
    """Run the model over the loader and keep nothing."""
    with torch.inference_mode():
        for x, _ in loader:
            model(x)


def in_turn(
    sides: dict[str, Callable[[], object]], times: int
) -> dict[str, dict[str, list[float]]]:
    """Time the sides alternately, so that a loaded machine slows all of them.

    Returns
    -------
    dict
        For each side "wall" and "cpu" seconds of each round; the latter counts
        all threads and does not depend on who else uses the machine.
    """
    seconds: dict[str, dict[str, list[float]]] = {name: {"wall": [], "cpu": []} for name in sides}
    for _ in range(times):
        for name, side in sides.items():
            wall, cpu = time.perf_counter(), time.process_time()
            side()
            seconds[name]["wall"].append(time.perf_counter() - wall)
            seconds[name]["cpu"].append(time.process_time() - cpu)
    return seconds


def compare(
    title: str, model: nn.Module, data: TensorDataset, *, times: int, reduce: Reduce = "unit"
) -> None:
    """Check, time and print one network."""
    model.eval()
    loader = DataLoader(data, batch_size=256)
    found = plan(model, loader, keep=KEEP, reduce=reduce)
    record = Pass(found).run(progress=False)
    if reduce == "unit":
        check(found, record)
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
        f"{title}, reduce={reduce}: {len(record):,} items, {len(found.layers)} layers, "
        f"{units:,} units per item, batches of {found.batch_size}, "
        f"{torch.get_num_threads()} threads"
    )
    for clock in ("wall", "cpu"):
        for side, what in (("bare", "bare loop over the loader"), ("batches", "model alone")):
            ours, other = np.array(seconds["pass"][clock]), np.array(seconds[side][clock])
            print(
                f"  {clock:4}  pass {ours.min():6.2f} s  {what:25} {other.min():6.2f} s  "
                f"{ours.min() / other.min():5.2f}x of the fastest, "
                f"{np.median(ours / other):5.2f}x in the median round"
            )
    print(f"  index of K = {KEEP}: {index / raw:.2%} of the raw activations")
    print("  " + record.report().replace("\n", "\n  "), flush=True)


if __name__ == "__main__":
    torch.manual_seed(0)
    small, large = lenet5(), SmallResNet()
    images, colours = nine_in_ten(small, digits()), nine_in_ten(large, pictures(256))
    compare("LeNet-5 with batch norm", small, images, times=9)
    compare("Small ResNet", large, colours, times=5)
    compare("Small ResNet", large, colours, times=5, reduce="channel")
