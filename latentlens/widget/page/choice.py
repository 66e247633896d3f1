"""Which layers fit a page, and how many units per item of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentlens.core.record import LayerIndex, Record
from latentlens.widget.page.arrays import Blocks, narrowed
from latentlens.widget.page.wanted import Wanted

ROWS_TRIED = 1000
"""How many items' arrays are packed to tell how large all of them will be."""
UNITS_TRIED = 2000
LEAST = 10
"""As many units per item are kept if they fit: k as it starts."""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What goes into a page.

    Parameters
    ----------
    layers : tuple of str
        In the order of execution.
    keep : int
        Units per item; a narrower layer keeps all of its own.
    latent : bool
        Whether every value of the latent does.
    """

    layers: tuple[str, ...]
    keep: int
    latent: bool


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many bytes of a page things take, about.

    Parameters
    ----------
    fixed : dict of str to int
        By what it is in words: what is there whatever is chosen.
    column : dict of str to float
        One unit of every item of a layer.
    sums : dict of str to float
        A layer's sums.
    latent : float
    """

    fixed: dict[str, int]
    column: dict[str, float]
    sums: dict[str, float]
    latent: float


def measure(record: Record, fixed: dict[str, int]) -> Sizes:
    """Tell how large the parts of a page are, from some of the items."""
    step = max(1, len(record) // ROWS_TRIED)
    rows = np.arange(0, len(record), step)
    scale = len(record) / len(rows)
    return Sizes(
        fixed=fixed,
        column={
            name: scale * _index_size(layer, rows) / layer.keep
            for name, layer in record.layers.items()
        },
        sums={name: _sums_size(layer) for name, layer in record.layers.items()},
        latent=scale * latent_size(record.latent[rows]),
    )


def _index_size(layer: LayerIndex, rows: NDArray[np.int64]) -> int:
    blocks = Blocks()
    blocks.add(narrowed(layer.top_unit[rows]))
    blocks.add(layer.top_value[rows], "descending")
    return sum(map(len, blocks.texts))


def _sums_size(layer: LayerIndex) -> float:
    step = max(1, layer.units // UNITS_TRIED)
    some = layer.cell_sum[:, :, ::step].astype(np.float32)
    blocks = Blocks()
    blocks.add_floats(some)
    return len(blocks.texts[0]) * layer.units / some.shape[2]


def latent_size(latent: NDArray[np.float32]) -> int:
    """Tell how many characters every value of some rows' latent takes."""
    blocks = Blocks()
    blocks.add_floats(latent)
    return len(blocks.texts[0])


def choose(
    record: Record, sizes: Sizes, wanted: Wanted, *, layer: str, k: int, limit: float
) -> Chosen:
    """Choose what fits.

    Without layers of the author's choice: the one on show, the latent's, and as many of
    the others, in their order, as fit with 10 units per item; then as many units as fit.

    Raises
    ------
    ValueError
        If what was asked for, or one layer alone, does not fit.
    """
    most = max(each.keep for each in record.layers.values())
    least = min(wanted.keep or max(LEAST, k), most)
    room = limit - sum(sizes.fixed.values())

    def fits(names: Sequence[str], keep: int, latent: bool) -> bool:
        return cost(record, sizes, names, keep, latent) <= room

    for whole in (True, False):
        names = list(wanted.layers or dict.fromkeys([layer, *[record.latent_layer] * whole]))
        latent = whole and record.latent_layer in names
        if not fits(names, least, latent):
            continue
        for name in by_interest(record) if wanted.layers is None else ():
            if name not in names and fits([*names, name], least, latent):
                names.append(name)
        tried = range(most, least - 1, -1) if wanted.keep is None else (least,)
        keep = next(each for each in tried if fits(names, each, latent))
        shown = tuple(name for name in record.layers if name in names)
        return Chosen(layers=shown, keep=keep, latent=latent)
    names = list(wanted.layers or [layer])
    raise ValueError(too_large(record, sizes, wanted, names, least))


def by_interest(record: Record) -> list[str]:
    """Give the layers in the order in which a page takes them.

    Of layers of one shape in a row, such as a convolution, its norm and its activation,
    the last comes first: it is what the next layer sees.
    """
    names, shapes = list(record.layers), [layer.shape for layer in record.layers.values()]
    last = [shape != after for shape, after in zip(shapes, [*shapes[1:], None], strict=True)]
    return sorted(names, key=lambda name: not last[names.index(name)])


def cost(record: Record, sizes: Sizes, names: Sequence[str], keep: int, latent: bool) -> float:
    """Tell how large some layers are; the index of the latent's follows from its values."""
    follows = record.latent_layer if latent else None
    index = sum(
        sizes.column[name] * min(keep, record.layers[name].keep)
        for name in names
        if name != follows
    )
    return index + sum(sizes.sums[name] for name in names) + sizes.latent * latent


def too_large(record: Record, sizes: Sizes, wanted: Wanted, names: Sequence[str], keep: int) -> str:
    """Say what makes a page too large, and what may be left out."""
    parts = dict(sizes.fixed)
    for name in names:
        parts[f"layer {name}"] = int(cost(record, sizes, [name], keep, latent=False))
    total = sum(parts.values())
    listed = sorted(parts.items(), key=lambda part: -part[1])
    said = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in listed[:6])
    return (
        f"The page would take about {total / 1e6:.1f} MB, more than "
        f"limit_mb={wanted.limit / 1e6:g}: {said}. Leave something out with layers=, keep= "
        f"(here {keep}), pictures='none' or samplers=, or raise limit_mb."
    )
