"""Write `page.json`: arrays as a page holds them, and the numbers they stand for.

vitest reads the blocks with `js/src/page/arrays.ts`. Each entry is
``{name, block, text, values}``, the block as `protocol.page.Block`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from latentlens.widget.page.arrays import Blocks

FILE = Path(__file__).with_name("page.json")


def arrays() -> dict[str, tuple[np.ndarray, dict[str, Any]]]:
    """Give arrays of every kind and coding, with ties, both signs and both zeros."""
    rng = np.random.default_rng(0)
    falling = -np.sort(-rng.normal(size=(7, 5)).astype(np.float32), axis=1)
    falling[2] = [3, 3, 0, -0.0, -3]
    rare = np.maximum(rng.normal(-1, 1, (6, 7)), 0).astype(np.float32)
    return {
        "falling": (falling, {"coding": "descending"}),
        "rare": (rare, {"coding": "sparse"}),
        "nothing": (np.zeros((2, 3), np.float32), {"coding": "sparse"}),
        "wide": (rng.normal(size=9), {}),
        "rounded": (rng.normal(size=9).astype(np.float32), {"dtype": "float64"}),
        "narrow": (np.arange(200, 256, dtype=np.uint8), {"dtype": "uint16"}),
        "classes": (np.array([-1, 0, 70_000], np.int32), {}),
        "empty": (np.zeros(0, np.uint32), {}),
    }


def entries() -> list[dict[str, Any]]:
    """Give what the file holds."""
    blocks, found = Blocks(), []
    for name, (array, options) in arrays().items():
        blocks.add(array, **options)
        entry = {"name": name, "block": blocks.entries[-1], "text": blocks.texts[-1]}
        found.append({**entry, "values": array.ravel().tolist()})
    return found


def text() -> str:
    """Give the file's text."""
    return json.dumps(entries(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
