"""The pass over a model and its data: layers, latent, top-K index, running sums."""

from latentlens.extract.gradients import GradientPass, read_gradients
from latentlens.extract.guest import ModelChanged
from latentlens.extract.head import AmbiguousLatent
from latentlens.extract.names import LayerNotFound
from latentlens.extract.part import loader_of_rows
from latentlens.extract.plan import Plan, layer_names, plan
from latentlens.extract.read import read_activations, read_inputs
from latentlens.extract.run import Pass, Progress
from latentlens.extract.saliency import Attribution, attribute
from latentlens.extract.shapes import LayerSpec
from latentlens.extract.weighted import weighted_sums

__all__ = [
    "AmbiguousLatent",
    "Attribution",
    "GradientPass",
    "LayerNotFound",
    "LayerSpec",
    "ModelChanged",
    "Pass",
    "Plan",
    "Progress",
    "attribute",
    "layer_names",
    "loader_of_rows",
    "plan",
    "read_activations",
    "read_gradients",
    "read_inputs",
    "weighted_sums",
]
