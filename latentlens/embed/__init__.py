"""2-D layouts of a latent: one signature, a seed, progress and a stop."""

from latentlens.embed.frame import Layout
from latentlens.embed.layout import PROJECTIONS, layouts

__all__ = ["PROJECTIONS", "Layout", "layouts"]
