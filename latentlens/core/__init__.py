"""Records, samples, queries and metrics: NumPy in, NumPy out."""

from latentlens.core import metrics, query
from latentlens.core.allocation import ALLOCATIONS, Allocation, allocate
from latentlens.core.answer import Answer, TopUnits
from latentlens.core.design import Design, effective_size
from latentlens.core.effect import GroupDifference, compare_groups
from latentlens.core.estimate import mean_estimate, value_bounds
from latentlens.core.estimated import MeanEstimate
from latentlens.core.from_arrays import index_activations, record_from_arrays
from latentlens.core.linear import latent_scores
from latentlens.core.metrics import (
    chance_level,
    cosine_distance,
    js_distance,
    precision_at_k,
    query_set_accuracy,
)
from latentlens.core.predicted import (
    certified_top_k,
    predicted_cosine_distance,
    predicted_overlap,
    read_out,
    share_above_maximum,
)
from latentlens.core.query import answer, cell_mean, max_counts, members, row_mean, unit_maxima
from latentlens.core.record import (
    CELL_KINDS,
    CORRECT,
    UNDECIDED,
    WRONG_BY_PREDICTED,
    WRONG_BY_TRUE,
    LayerIndex,
    Record,
    cells,
    count_cells,
)
from latentlens.core.sample import (
    ADDED,
    DRAWN,
    EXEMPLAR,
    OUTLIER,
    ROLE_NAMES,
    Ranking,
    Sample,
    outlier_count,
    sample_size,
)

__all__ = [
    "ADDED",
    "ALLOCATIONS",
    "CELL_KINDS",
    "CORRECT",
    "DRAWN",
    "EXEMPLAR",
    "OUTLIER",
    "ROLE_NAMES",
    "UNDECIDED",
    "WRONG_BY_PREDICTED",
    "WRONG_BY_TRUE",
    "Allocation",
    "Answer",
    "Design",
    "GroupDifference",
    "LayerIndex",
    "MeanEstimate",
    "Ranking",
    "Record",
    "Sample",
    "TopUnits",
    "allocate",
    "answer",
    "cell_mean",
    "cells",
    "certified_top_k",
    "chance_level",
    "compare_groups",
    "cosine_distance",
    "count_cells",
    "effective_size",
    "index_activations",
    "js_distance",
    "latent_scores",
    "max_counts",
    "mean_estimate",
    "members",
    "metrics",
    "outlier_count",
    "precision_at_k",
    "predicted_cosine_distance",
    "predicted_overlap",
    "query",
    "query_set_accuracy",
    "read_out",
    "record_from_arrays",
    "row_mean",
    "sample_size",
    "share_above_maximum",
    "unit_maxima",
    "value_bounds",
]
