"""Write `code.json`: traits of a lens, and the Python that both halves make of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from latentlens import LatentLens
from tests.made_up import made_up_record

FILE = Path(__file__).parent / "code.json"
TRAITS = {
    "sampler": "gmm_full",
    "fraction": 1.0,
    "j": 0.000025,
    "layer": "conv",
    "label": 'a "b" \\ ü\n',
    "by": "predicted",
    "correctness": "incorrect",
    "k": 7,
    "measure": "count",
    "color_by": "unit",
    "unit": 3,
    "selection": [3, 14, 15],
    "added": [1],
    "slices": {'dim "4"s': [4, 5], "ü": [0]},
}
"""One value of each trait that is not its default."""


def made_lens() -> LatentLens:
    """Make a lens with one class of an awkward name, and set its traits."""
    record = made_up_record()
    lens = LatentLens.from_arrays(
        record.latent,
        record.label,
        activations={"conv": np.zeros((len(record), 40))},
        classes=[TRAITS["label"], "bee", "cat"],
        keep=8,
    )
    for name, value in TRAITS.items():
        setattr(lens, name, value)
    return lens


def text() -> str:
    """Write what the browser is told, and what both must say."""
    lens = made_lens()
    golden = {"code": lens.about["code"], "traits": TRAITS, "text": lens.code}
    return json.dumps(golden, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
