"""Leave the model and the random states exactly as they were found."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class ModelChanged(RuntimeError):
    """The model's weights changed while it was being read."""


class Guest:
    """A visitor of `model`: what a visit touches is put back when it ends.

    Put back are the `training` flag of every submodule, `requires_grad` and
    `grad` of every parameter, the buffers, and the random states of Python,
    NumPy and torch. Hooks are taken off by those who put them on.

    Parameters
    ----------
    model : torch.nn.Module
    device : torch.device
        Where the model runs; its random state is kept too.
    """

    def __init__(self, model: nn.Module, device: torch.device) -> None:
        self._model = model
        self._device = device
        self._copies: dict[int, tuple[Tensor, int, Tensor]] = {}
        self._seen: list[tuple[int, int]] | None = None

    @contextmanager
    def visit(self, seed: int, *, runs_model: bool = True) -> Iterator[None]:
        """Put the model in evaluation mode and the random states at `seed`, for a while.

        Where only data are read, without `runs_model`, other weights do no harm; they
        are refused all the same by the next visit that runs the model.

        Raises
        ------
        ModelChanged
            If the weights are not those that the last visit left behind.
        """
        unchanged = self._seen is None or self._seen == _fingerprint(self._model)
        if runs_model and not unchanged:
            raise self._changed()
        state = _State(self._model, self._copies)
        random_state = _random_state(self._device)
        try:
            # The flag is set by hand: some models override `train` and `eval` to do more,
            # such as merging weights, which a guest has no business with.
            for module in self._model.modules():
                module.training = False
            seed_everything(seed, self._device)
            yield
        finally:
            with uninterrupted():
                state.restore()
                _restore_random_state(random_state, self._device)
                if unchanged:
                    self._seen = _fingerprint(self._model)

    def forget(self) -> None:
        """Accept the weights as they are now."""
        self._seen = None

    def _changed(self) -> ModelChanged:
        return ModelChanged(
            f"The weights of {type(self._model).__name__} are no longer those the pass began with, "
            "so rows read now would come from another model than the rest. Make a new lens for the "
            "model as it is; let a pass finish before training on."
        )


class _State:
    """What one visit may touch, as it was before."""

    def __init__(self, model: nn.Module, copies: dict[int, tuple[Tensor, int, Tensor]]) -> None:
        modules = list(model.modules())
        self._training = [(module, module.training) for module in modules]
        self._parameters = [
            (module._parameters, name, value, value.requires_grad, value.grad)
            for module in modules
            for name, value in module._parameters.items()
            if value is not None
        ]
        self._buffers = [
            (module._buffers, name, value, _copy(value, copies))
            for module in modules
            for name, value in module._buffers.items()
            if value is not None
        ]
        self._copies = copies

    def restore(self) -> None:
        for module, training in self._training:
            module.training = training
        for owner, name, value, requires_grad, grad in self._parameters:
            if owner.get(name) is not value:
                owner[name] = value
            if value.requires_grad != requires_grad:
                value.requires_grad_(requires_grad)
            if value.grad is not grad:
                value.grad = grad
        for buffers, name, buffer, copy in self._buffers:
            if buffers.get(name) is not buffer:
                buffers[name] = buffer
            if _version(buffer) != self._copies[id(buffer)][1]:
                with torch.no_grad():
                    buffer.copy_(copy)
                self._copies[id(buffer)] = (buffer, _version(buffer), copy)


def _copy(buffer: Tensor, copies: dict[int, tuple[Tensor, int, Tensor]]) -> Tensor:
    """Copy a buffer, or give the copy of an earlier visit if it still holds."""
    known = copies.get(id(buffer))
    if known is None or known[0] is not buffer or known[1] != _version(buffer):
        known = copies[id(buffer)] = (buffer, _version(buffer), buffer.detach().clone())
    return known[2]


def _version(tensor: Tensor) -> int:
    """Count the in-place changes of a tensor; inference tensors do not count."""
    return -1 if tensor.is_inference() else tensor._version


def _fingerprint(model: nn.Module) -> list[tuple[int, int]]:
    tensors: list[Tensor] = [*model.parameters(), *model.buffers()]
    return [(id(tensor), _version(tensor)) for tensor in tensors] + [
        (tensor.data_ptr(), 0) for tensor in tensors
    ]


def _random_state(device: torch.device) -> dict[str, Any]:
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002  the guest's own global state
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def _restore_random_state(state: dict[str, Any], device: torch.device) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if "cuda" in state:
        torch.cuda.set_rng_state_all(state["cuda"])
    if device.type == "mps":
        torch.mps.set_rng_state(state["mps"])


def seed_everything(seed: int, device: torch.device) -> None:
    """Seed Python's, NumPy's and torch's global random states."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    # Not torch.manual_seed: it would also seed a CUDA that starts later.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if device.type == "mps":
        torch.mps.manual_seed(seed)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the block is done; for a few lines that belong together."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[tuple[int, FrameType | None]] = []
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: arrived.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if arrived:
        before(*arrived[0])
