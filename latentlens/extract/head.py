"""Which call makes the logits; its input is the latent."""

from __future__ import annotations

from torch import Tensor

from latentlens.extract.calls import storage
from latentlens.extract.trace import Call, Trace


class AmbiguousLatent(ValueError):
    """No single layer makes the logits."""


def find_head(trace: Trace, logits: Tensor, width: int) -> Call:
    """Find the call that makes the logits.

    It is the linear layer or convolution on which the logits depend with no
    other such layer between: the only one, or the only one of their width.
    Where the flow of data could not be followed, it is the one that shares
    memory with them, or else the only one of their width.

    Parameters
    ----------
    trace : Trace
        Of the forward pass that made `logits`.
    logits : Tensor
    width : int
        Scores per item.

    Raises
    ------
    AmbiguousLatent
        If there is none, or more than one; the message lists the candidates.
    """
    near = trace.behind(logits)
    among = near or trace.candidates()
    sharing = [call for call in among if _shares(call, logits)]
    if len(sharing) == 1:
        return sharing[0]
    fitting = [call for call in among if _width(call) == width]
    if len(fitting) == 1:
        return fitting[0]
    raise AmbiguousLatent(_message(trace, among, width))


def _shares(call: Call, logits: Tensor) -> bool:
    return call.output is not None and storage(call.output) == storage(logits) != 0


def _width(call: Call) -> int:
    if call.output is None or not call.output.ndim:
        return 0
    return call.output.shape[1 if call.is_convolution and call.output.ndim > 2 else -1]


def _message(trace: Trace, among: list[Call], width: int) -> str:
    if not among:
        return (
            "No linear layer or convolution was seen in the forward pass, so the latent cannot be "
            "found. Name the layer whose output it is: layer='...'. The calls seen were: "
            f"{_list(list(trace.calls.values()))}."
        )
    return (
        f"The {width} scores per item cannot be traced to one layer. Candidates, as input -> "
        f"output: {_list(among)}. Name the layer whose output is the latent: layer='...'."
    )


def _list(calls: list[Call]) -> str:
    shown = [f"{call.name!r} {_shape(call.source)} -> {_shape(call.output)}" for call in calls[:12]]
    more = f", and {len(calls) - 12} more" if len(calls) > 12 else ""
    return ", ".join(shown) + more


def _shape(tensor: Tensor | None) -> str:
    return "?" if tensor is None else str(tuple(tensor.shape))
