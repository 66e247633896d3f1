"""The paper's figures and tables, on real data.

Each function takes a prepared `Experiment` and gives a `Result` with a tidy
`.frame` and an Altair `.chart()`.

References
----------
.. [1] P. Mehta, S. Portillo, M. Balazinska and A. Connolly, "Sampling for Deep
   Learning Model Diagnosis", arXiv 2002.09754, 2020.
"""

from latentlens.experiments.claim import Claim, claims
from latentlens.experiments.cost import figure_7, table_4
from latentlens.experiments.experiment import Drawn, Experiment, Settings
from latentlens.experiments.latent_map import figure_1
from latentlens.experiments.paper import EXPERIMENTS, Paper, run, run_paper
from latentlens.experiments.prepare import DATA, prepare
from latentlens.experiments.result import Result
from latentlens.experiments.score import score_draws
from latentlens.experiments.size import table_1
from latentlens.experiments.sweep import figure_4, figure_5, figure_6, s1_definitions

__all__ = [
    "DATA",
    "EXPERIMENTS",
    "Claim",
    "Drawn",
    "Experiment",
    "Paper",
    "Result",
    "Settings",
    "claims",
    "figure_1",
    "figure_4",
    "figure_5",
    "figure_6",
    "figure_7",
    "prepare",
    "run",
    "run_paper",
    "s1_definitions",
    "score_draws",
    "table_1",
    "table_4",
]
