"""The Jupyter widget."""

from latentlens.widget.lens import LatentLens

__all__ = ["LatentLens"]
