"""Records, samples, queries and metrics: NumPy in, NumPy out."""

from latentlens.core import metrics, query
from latentlens.core.allocation import ALLOCATIONS, Allocation, allocate
from latentlens.core.answer import Answer, TopUnits
from latentlens.core.from_arrays import index_activations, record_from_arrays
from latentlens.core.metrics import (
    chance_level,
    cosine_distance,
    js_distance,
    precision_at_k,
    query_set_accuracy,
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
    "LayerIndex",
    "Ranking",
    "Record",
    "Sample",
    "TopUnits",
    "allocate",
    "answer",
    "cell_mean",
    "cells",
    "chance_level",
    "cosine_distance",
    "count_cells",
    "index_activations",
    "js_distance",
    "max_counts",
    "members",
    "metrics",
    "outlier_count",
    "precision_at_k",
    "query",
    "query_set_accuracy",
    "record_from_arrays",
    "row_mean",
    "sample_size",
    "unit_maxima",
]
