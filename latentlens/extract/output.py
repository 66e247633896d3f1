"""The logits in what a model returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Predict = Callable[[Any], Tensor]

_HINT = "Say how with predict=lambda output: logits of shape (n_items, n_classes)."


def find_logits(output: Any) -> Tensor:
    """Take the logits out of a model's output.

    Known are a tensor, an object with `.logits`, a mapping with "logits", and a
    tuple or list whose first element is one of these.

    Raises
    ------
    TypeError
        If the output is nothing of the kind.
    """
    if isinstance(output, Tensor):
        return output
    logits = getattr(output, "logits", None)
    if isinstance(logits, Tensor):
        return logits
    if isinstance(output, Mapping) and isinstance(output.get("logits"), Tensor):
        found: Tensor = output["logits"]
        return found
    if isinstance(output, tuple | list) and output:
        return find_logits(output[0])
    keys = f" with the keys {', '.join(map(repr, output))}" if isinstance(output, Mapping) else ""
    raise TypeError(
        f"The model returned a {type(output).__name__}{keys}; known are a tensor, .logits, "
        f"['logits'] and a tuple that begins with one. {_HINT}"
    )


def check_logits(logits: Any, n: int) -> None:
    """Check that there is one row of scores per item.

    Raises
    ------
    TypeError, ValueError
        If not, naming `predict`.
    """
    if not isinstance(logits, Tensor):
        raise TypeError(f"predict must return a tensor, got {type(logits).__name__}. {_HINT}")
    if logits.ndim not in (1, 2) or len(logits) != n or not logits.numel():
        raise ValueError(
            f"For a batch of {n} items the model gave scores of shape {tuple(logits.shape)}; "
            f"expected one row of class scores per item. {_HINT}"
        )
    if not logits.is_floating_point():
        raise ValueError(f"The scores are {logits.dtype}, expected floating point. {_HINT}")


def width(logits: Tensor) -> int:
    """Count the scores per item, before a lone one becomes two classes."""
    return 1 if logits.ndim == 1 else logits.shape[1]


def are_probabilities(logits: Tensor) -> bool:
    """Say whether the scores look like probabilities: in [0, 1], rows summing to 1."""
    values = logits.detach().float()
    inside = bool(((values >= 0) & (values <= 1)).all())
    if width(logits) == 1 or not inside:
        return inside
    return bool(((values.sum(1) - 1).abs() < 1e-3).all())


def as_logits(logits: Tensor, *, probabilities: bool) -> Tensor:
    """Bring scores to finite float32 logits of at least two classes.

    Parameters
    ----------
    logits : Tensor of shape (n,), (n, 1) or (n, n_classes)
        A lone score z becomes the classes [0, z].
    probabilities : bool
        Whether the scores are probabilities, whose logarithm is taken.

    Returns
    -------
    Tensor of shape (n, n_classes), float32
    """
    values = logits.float()
    if width(logits) == 1:
        z = values.reshape(-1, 1)
        z = torch.logit(z, eps=1e-7) if probabilities else z
        values = torch.cat([torch.zeros_like(z), z], 1)
    elif probabilities:
        values = values.clamp_min(torch.finfo(torch.float32).tiny).log()
    return torch.nan_to_num(values, nan=0.0)


def cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """Give each item's loss in nats, NaN where its label is -1; shape (n,)."""
    known = label >= 0
    picked = logits.log_softmax(1).gather(1, label.clamp_min(0)[:, None])[:, 0]
    return torch.where(known, -picked, torch.nan)
