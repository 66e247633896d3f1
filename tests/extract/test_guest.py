"""A model is left as it was found, whatever happens."""

import copy
import gc
import random
import signal
import threading
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from latentlens.extract import (
    LayerNotFound,
    ModelChanged,
    Pass,
    layer_names,
    plan,
    read_activations,
    read_inputs,
)
from tests.extract.families import FAMILIES, make


class Restless(nn.Module):
    """Everything that a guest might disturb: batch norm, dropout, a counter, frozen parts."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        self.bn = nn.BatchNorm1d(8)
        self.frozen = nn.Sequential(nn.BatchNorm1d(8), nn.Dropout(0.5))
        self.fc2 = nn.Linear(8, 3)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", torch.zeros(1))
        self.fail_at = -1
        self.fail_with: type[BaseException] = RuntimeError

    def forward(self, x):
        self.calls += 1
        self.last = x.mean()[None]
        x = functional.dropout(self.frozen(self.bn(self.fc1(x)).relu()), 0.3)
        if self.calls == self.fail_at:
            raise self.fail_with("made to fail")
        return self.fc2(x)


class Noisy(Dataset):
    """Draws from every global random state."""

    def __len__(self):
        return 20

    def __getitem__(self, i):
        noise = random.random() + np.random.rand() + torch.rand(()).item()  # noqa: NPY002
        return torch.full((6,), float(i)) + noise, i % 3


def restless() -> Restless:
    torch.manual_seed(0)
    model = Restless().train()
    model.frozen.eval()
    model.fc1.weight.requires_grad_(False)
    model(torch.randn(5, 6)).sum().backward()
    return model


def belongings(model: nn.Module) -> dict:
    """Everything that must be the same afterwards, copied."""
    return {
        "training": {name: module.training for name, module in model.named_modules()},
        "hooks": {
            name: (
                len(m._forward_hooks),
                len(m._forward_pre_hooks),
                len(m._forward_hooks_with_kwargs),
            )
            for name, m in model.named_modules()
        },
        "buffers": {name: b.clone() for name, b in model.named_buffers()},
        "which buffers": {name: id(b) for name, b in model.named_buffers()},
        "parameters": {name: p.detach().clone() for name, p in model.named_parameters()},
        "requires_grad": {name: p.requires_grad for name, p in model.named_parameters()},
        "grads": {
            name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()
        },
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002
        "torch": torch.get_rng_state(),
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "interrupt": signal.getsignal(signal.SIGINT),
    }


def assert_same(before, after) -> None:
    assert type(before) is type(after)
    if isinstance(before, dict):
        assert before.keys() == after.keys()
        for key in before:
            assert_same(before[key], after[key])
    elif isinstance(before, tuple | list):
        assert len(before) == len(after)
        for one, other in zip(before, after, strict=True):
            assert_same(one, other)
    elif isinstance(before, torch.Tensor | np.ndarray):
        assert (before == after).all()
    else:
        assert before == after


def loader() -> DataLoader:
    return DataLoader(Noisy(), batch_size=8, shuffle=True)


def succeed(model):
    Pass(plan(model, loader())).run(progress=False)


def stop_early(model):
    steps = Pass(plan(model, loader())).steps()
    next(steps), next(steps)
    steps.close()


def raise_in_the_plan(model):
    model.fail_at = model.calls.item() + 1
    plan(model, loader())


def raise_in_the_pass(model):
    run = Pass(plan(model, loader()))
    model.fail_at = model.calls.item() + 1
    run.run(progress=False)


def interrupt_the_pass(model):
    model.fail_with = KeyboardInterrupt
    raise_in_the_pass(model)


def ask_for_a_layer_that_is_not_there(model):
    plan(model, loader(), layers=["fc9"])


def ask_for_a_latent_that_is_not_there(model):
    plan(model, loader(), layer="fc9")


def give_batches_that_do_not_fit(model):
    Pass(plan(model, loader(), unpack=lambda batch: ((batch[0][:, :2],), {}, None)))


def give_labels_outside_the_classes(model):
    data = TensorDataset(torch.zeros(20, 6), torch.arange(20))
    Pass(plan(model, DataLoader(data, batch_size=2), classes=["a", "b", "c"])).run(progress=False)


def read_some_rows(model):
    found = plan(model, loader())
    for _ in read_activations(found, [3, 1, 2], ["fc1"], batch_size=2):
        pass
    read_inputs(found, [4])


def fail_reading_some_rows(model):
    found = plan(model, loader())
    model.fail_at = model.calls.item() + 1
    for _ in read_activations(found, [3, 1, 2], ["fc1"], batch_size=2):
        pass


def list_the_names(model):
    layer_names(model, torch.zeros(4, 6))


VISITS = {
    visit.__name__: (visit, error)
    for visit, error in [
        (succeed, None),
        (stop_early, None),
        (raise_in_the_plan, RuntimeError),
        (raise_in_the_pass, RuntimeError),
        (interrupt_the_pass, KeyboardInterrupt),
        (ask_for_a_layer_that_is_not_there, LayerNotFound),
        (ask_for_a_latent_that_is_not_there, LayerNotFound),
        (give_batches_that_do_not_fit, RuntimeError),
        (give_labels_outside_the_classes, ValueError),
        (read_some_rows, None),
        (fail_reading_some_rows, RuntimeError),
        (list_the_names, None),
    ]
}


@pytest.mark.parametrize("name", VISITS)
def test_a_visit_leaves_everything_as_it_was(name):
    visit, error = VISITS[name]
    model = restless()
    before = belongings(model)
    if error is None:
        visit(model)
    else:
        with pytest.raises(error):
            visit(model)
    assert_same(before, belongings(model))


def test_everything_is_as_it_was_between_two_steps():
    model = restless()
    before = belongings(model)
    for _ in Pass(plan(model, loader())).steps():
        assert_same(before, belongings(model))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_left_as_it_was(name):
    model = make(name).train()
    x = FAMILIES[name].sample(9)
    before = belongings(model)
    Pass(plan(model, DataLoader(TensorDataset(x), batch_size=4))).run(progress=False)
    assert_same(before, belongings(model))


def test_a_model_that_overrides_train_is_not_told():
    class Merging(nn.Linear):
        told = 0

        def train(self, mode=True):
            self.told += 1
            return super().train(mode)

    model = nn.Sequential(nn.Linear(6, 5), Merging(5, 3))
    told = model[1].told
    succeed(model)
    assert model[1].told == told


def test_hooks_of_others_stay_and_are_heard():
    model = restless()
    heard = []
    model.fc1.register_forward_hook(lambda *_: heard.append(1))
    succeed(model)
    assert len(model.fc1._forward_hooks) == 1
    assert len(heard) == 4


def test_two_runs_give_identical_latents_whatever_the_random_states():
    model = restless()
    first = Pass(plan(model, loader())).run(progress=False)
    torch.rand(3), random.random()
    second = Pass(plan(model, loader())).run(progress=False)
    np.testing.assert_array_equal(first.latent, second.latent)
    np.testing.assert_array_equal(first.ids, second.ids)
    assert first.meta["weights"] == second.meta["weights"]


def test_training_between_two_steps_is_noticed():
    model = restless()
    steps = Pass(plan(model, loader())).steps()
    next(steps), next(steps)
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    optimiser.step()
    with pytest.raises(
        ModelChanged, match="weights of Restless are no longer those the pass began with"
    ):
        next(steps)


def test_training_between_the_plan_and_the_pass_is_fine():
    model = restless()
    run = Pass(plan(model, loader()))
    with torch.no_grad():
        model.fc2.weight.zero_()
    assert (run.run(progress=False).logits == model.fc2.bias.detach().numpy()).all()


def test_evaluating_the_model_between_two_steps_is_fine():
    model = restless()
    for _ in Pass(plan(model, loader())).steps():
        copy.deepcopy(model).eval()(torch.randn(3, 6))


def test_an_interrupted_pass_goes_on_where_it_was():
    model = restless()
    whole = Pass(plan(model, loader())).run(progress=False)
    run = Pass(plan(model, loader()))
    steps = run.steps()
    next(steps), next(steps)
    model.fail_with, model.fail_at = KeyboardInterrupt, model.calls.item() + 1
    with pytest.raises(KeyboardInterrupt):
        next(steps)
    assert run.done == 8
    model.fail_at = -1
    for _ in steps:
        pass
    np.testing.assert_array_equal(run.record().latent, whole.latent)


def test_a_pass_outside_the_main_thread_works_too():
    model = restless()
    failed = []

    def work():
        try:
            succeed(model)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert not failed


def test_no_activation_outlives_its_step():
    """The pass holds no tensor of the model once a step is over."""
    seen = []
    model = make("mlp")
    model.fc1.register_forward_hook(lambda _m, _i, out: seen.append(weakref.ref(out)))
    run = Pass(plan(model, DataLoader(TensorDataset(torch.randn(20, 6)), batch_size=8)))
    for _ in run.steps():
        gc.collect()
        assert not any(ref() is not None for ref in seen)


def test_the_model_is_freed_with_the_pass():
    model = make("mlp")
    gone = weakref.ref(model)
    run = Pass(plan(model, DataLoader(TensorDataset(torch.randn(20, 6)), batch_size=8)))
    record = run.run(progress=False)
    del run, model
    gc.collect()
    assert gone() is None
    assert len(record) == 20
