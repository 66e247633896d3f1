"""Some items' inputs, and a score of them that depends on nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentlens.extract.gradients import Target, with_gradients
from latentlens.extract.guest import uninterrupted
from latentlens.extract.plan import Plan
from latentlens.extract.shapes import LayerSpec
from latentlens.extract.unpack import map_tensors, read_labels
from latentlens.extract.watch import Watch


@dataclass(frozen=True, kw_only=True)
class ScoredInputs:
    """Some items' inputs, and the score that is asked about, as captum calls it."""

    plan: Plan
    x: Tensor
    own: Tensor
    """The tensor of the batch that `x` stands for."""
    batch: tuple[Any, Any]
    chosen: Tensor
    """Class or unit by item, shape (n,)."""
    spec: LayerSpec | None
    embedding: _Embedding | None

    @classmethod
    def read(
        cls,
        plan: Plan,
        batch: Any,
        first: int,
        watched: tuple[LayerSpec, int] | None,
        target: Target,
    ) -> ScoredInputs:
        """Open a batch, and find out what each item's score is of.

        Parameters
        ----------
        plan : Plan
        batch : Any
            As the loader gives it.
        first : int
            The first item's row, for messages.
        watched : (LayerSpec, int) or None
            The layer and the unit, if it is a unit's activation.
        target : str or int
            Else the class.
        """
        args, kwargs, known, n = plan.open_batch(batch)
        args, kwargs = (map_tensors(part, _copied) for part in (args, kwargs))
        tensors = _tensors((args, kwargs))
        own = next((t for t in tensors if t.is_floating_point()), tensors[0])
        embedding = None if own.is_floating_point() else _embedded(plan, args, kwargs, n)
        x = own if embedding is None else embedding.output
        if watched is not None:
            chosen = torch.full((n,), watched[1])
        elif target == "pred":
            with torch.no_grad():
                chosen = plan.read_logits(plan.model(*args, **kwargs), n).argmax(1)
        elif target == "label":
            label = read_labels(known, n, plan.classes, first)
            if (label < 0).any():
                raise ValueError(
                    'target="label" needs the items\' labels, which are not all known. '
                    'Take target="pred" or a class.'
                )
            chosen = torch.from_numpy(label.astype(np.int64))
        else:
            chosen = torch.full((n,), int(target))
        return cls(
            plan=plan, x=x, own=own, batch=(args, kwargs), chosen=chosen.to(x.device),
            spec=None if watched is None else watched[0], embedding=embedding,
        )  # fmt: skip

    @property
    def others(self) -> tuple[Tensor, ...]:
        """The batch's other tensors, which captum repeats as it repeats `x`."""
        tensors = _tensors(self.batch)
        return tuple(t for t in tensors if t is not self.own or self.embedding is not None)

    def baseline(self, value: float | NDArray[Any]) -> Tensor:
        """Give what counts as nothing, in the shape of `x`.

        Raises
        ------
        ValueError
            If it does not fit.
        """
        given = torch.as_tensor(np.asarray(value), dtype=self.x.dtype, device=self.x.device)
        try:
            return given.expand(self.x.shape[1:]).expand(self.x.shape).clone()
        except RuntimeError as error:
            raise ValueError(
                f"baseline must be a number, or an array of an input's shape "
                f"{tuple(self.x.shape[1:])}; got shape {tuple(given.shape)}."
            ) from error

    def score(self, x: Tensor, chosen: Tensor, *others: Tensor) -> Tensor:
        """Give the target's value for each input, shape (n,)."""
        rest = iter(others)
        # The model may overwrite its input, which torch forbids of a leaf.
        given = x.clone()
        args, kwargs = map_tensors(
            self.batch,
            lambda t: given if t is self.own and self.embedding is None else next(rest),
        )
        watch = self._watch(len(x), kwargs.get("attention_mask"))
        with _instead(self.embedding, given):
            if watch is None:
                logits = self.plan.read_logits(self.plan.model(*args, **kwargs), len(x))
                return logits.gather(1, chosen[:, None])[:, 0]
            with watch:
                self.plan.model(*args, **kwargs)
        assert self.spec is not None
        return watch.caught[self.spec.name].gather(1, chosen[:, None])[:, 0]

    def _watch(self, n: int, mask: Tensor | None) -> Watch | None:
        if self.spec is None:
            return None
        modules = dict(self.plan.model.named_modules())
        functions = self.spec.call.split("#")[0] not in modules
        watch = Watch(self.plan.model, [self.spec], functions=functions)
        watch.expect(n, mask)
        return watch


@contextmanager
def host(plan: Plan, rows: NDArray[np.int64]) -> Iterator[None]:
    """Visit the model for one step; whatever it raises, hooks and gradients do not stay."""
    before = [(hooks, dict(hooks)) for module in plan.model.modules() for hooks in _hooks(module)]
    with plan.guest.visit(seed=int(rows[0])), with_gradients(plan):
        try:
            yield
        finally:
            with uninterrupted():
                for hooks, own in before:
                    for key in set(hooks) - set(own):
                        del hooks[key]


def _hooks(module: nn.Module) -> list[Any]:
    """Give the tables of a module's hooks."""
    return [
        table
        for name, table in vars(module).items()
        if name.endswith(("_hooks", "_hooks_with_kwargs", "_hooks_always_called")) and table
        is not None and hasattr(table, "keys")
    ]  # fmt: skip


@contextmanager
def _instead(embedding: _Embedding | None, output: Tensor) -> Iterator[None]:
    """Let a call of an embedding give out something else."""
    if embedding is None:
        yield
        return
    calls = count()

    def swap(_: nn.Module, __: Any, given: Tensor) -> Tensor:
        return output if next(calls) == embedding.call else given

    handle = embedding.module.register_forward_hook(swap)
    try:
        yield
    finally:
        handle.remove()


@dataclass(frozen=True)
class _Embedding:
    """One call of an embedding: what went in, and what came out."""

    module: nn.Module
    call: int
    """Which of the module's calls in a forward pass it is."""
    ids: Tensor
    output: Tensor


def _embedded(plan: Plan, args: Any, kwargs: Any, n: int) -> _Embedding:
    """Find the embedding that integer inputs go into, and what it makes of them."""
    seen: list[_Embedding] = []

    def note(module: nn.Module, given: Any, named: dict[str, Any], output: Tensor) -> None:
        ids = given[0] if given else named["input"]
        call = sum(one.module is module for one in seen)
        seen.append(_Embedding(module, call, ids, output.detach().clone()))

    found = [m for m in plan.model.modules() if isinstance(m, nn.Embedding)]
    handles: list[Any] = []
    try:
        handles += [module.register_forward_hook(note, with_kwargs=True) for module in found]
        with torch.no_grad():
            plan.model(*args, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
    inputs = [t for t in _tensors((args, kwargs)) if not t.is_floating_point()]
    # Positions are embedded too, maybe first, and lead with n where a batch is as long as an item.
    tests: list[Callable[[_Embedding], bool]] = [
        lambda one: any(one.ids is t for t in inputs),
        lambda one: any(torch.equal(one.ids, t.to(one.ids)) for t in inputs),
        lambda one: any(one.ids.shape == t.shape for t in inputs),
        lambda _: True,
    ]
    per_item = [one for one in seen if one.output.shape[:1] == (n,)]
    for fits in tests:
        if fitting := next(filter(fits, per_item), None):
            return fitting
    raise ValueError(
        "The inputs are whole numbers, of which there is no gradient, and no nn.Embedding "
        f"of {plan.model_name} was called that would turn them into numbers that vary."
    )


def _tensors(batch: Any) -> list[Tensor]:
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    map_tensors(batch, note)
    return found


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().clone()
