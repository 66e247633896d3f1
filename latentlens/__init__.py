"""See what a PyTorch model sees, where it hesitates, and whether a sample can tell.

Nothing heavy is imported until it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "LatentLens": "latentlens.widget",
    "Record": "latentlens.core",
    "LayerIndex": "latentlens.core",
    "Ranking": "latentlens.core",
    "Sample": "latentlens.core",
    "layer_names": "latentlens.extract",
}
_ROOMS = (
    "core", "data", "embed", "experiments", "extract", "models", "samplers", "session", "store",
    "widget",
)  # fmt: skip

__all__ = ["LatentLens", "LayerIndex", "Ranking", "Record", "Sample", "layer_names"]

if TYPE_CHECKING:
    from latentlens.core import LayerIndex, Ranking, Record, Sample
    from latentlens.extract import layer_names
    from latentlens.widget import LatentLens


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _ROOMS:
        return import_module(f"latentlens.{name}")
    raise AttributeError(f"module 'latentlens' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME, *_ROOMS])
