"""The words that all the rest is said in, and an array as it travels."""

from typing import Literal, TypedDict

Status = Literal["waiting", "running", "ready", "stopped", "failed"]
Correctness = Literal["all", "correct", "incorrect"]
By = Literal["true", "predicted"]
Measure = Literal["max", "count", "mean"]
Kind = Literal["exact", "measured", "estimate", "sample"]
SaliencyMethod = Literal["gradient_x_input", "integrated_gradients", "occlusion"]
Allocation = Literal["proportional", "equal", "sqrt", "completion", "fixed"]


class NdArray(TypedDict):
    """An array as it travels: its bytes in C order, little-endian."""

    dtype: Literal["uint8", "uint16", "uint32", "int32", "float32", "float64"]
    shape: list[int]
    data: bytes
