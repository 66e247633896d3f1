"""Gradients by the layers' activations, against torch's own way and by hand."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from latentlens.extract import GradientPass, Pass, plan, read_activations, read_gradients
from latentlens.extract.gradients import read_target
from tests.extract.brute_force import assert_index_is_exact
from tests.extract.families import FAMILIES, make
from tests.extract.test_guest import assert_same, belongings, loader, restless


def items(x, label=None, batch_size=4):
    y = torch.arange(len(x)) % 3 if label is None else label
    return DataLoader(TensorDataset(x, y), batch_size=batch_size)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Linear(8, 5),
                         nn.ReLU(inplace=True), nn.Linear(5, 3))  # fmt: skip


def by_hand(model, x, depth, scored):
    """Cut the network in two and let torch differentiate the second half, item by item."""
    rows = []
    for item in x:
        before = item[None]
        for module in model[:depth]:
            before = functional.relu(before) if isinstance(module, nn.ReLU) else module(before)
        before = before.detach().requires_grad_()
        after = before
        for module in model[depth:]:
            after = functional.relu(after) if isinstance(module, nn.ReLU) else module(after)
        rows.append(torch.autograd.grad(scored(after[0], len(rows)), before)[0][0])
    return torch.stack(rows).numpy()


def gradients(found, layers, target, rows=None):
    rows = range(found.n_items) if rows is None else rows
    parts = [values for _, values in read_gradients(found, rows, layers, target=target)]
    return {name: np.concatenate([part[name] for part in parts]) for name in layers}


@pytest.mark.parametrize(
    ("target", "scored"),
    [
        ("label", lambda out, i: out[i % 3]),
        ("pred", lambda out, _: out.max()),
        (2, lambda out, _: out[2]),
        ("loss", lambda out, i: functional.cross_entropy(out[None], torch.tensor([i % 3]))),
    ],
)
def test_gradients_are_torchs_own_through_the_rest_of_the_network(target, scored):
    model, x = network(), torch.randn(10, 6)
    found = gradients(plan(model, items(x)), ["0", "1", "2", "3", "4"], target)
    for depth, values in enumerate(found.values(), 1):
        np.testing.assert_allclose(values, by_hand(model, x, depth, scored), atol=1e-6)


def test_the_pass_indexes_the_gradients_and_keeps_the_models_own_predictions():
    model, x = network(), torch.randn(10, 6)
    found = plan(model, items(x), keep=3)
    record = GradientPass(found, "loss").run(progress=False)
    plain = Pass(plan(model, items(x), keep=3)).run(progress=False)
    values = gradients(found, list(record.layers), "loss")
    for name, layer in record.layers.items():
        assert_index_is_exact(record, layer, values[name])
    np.testing.assert_array_equal(record.latent, values[record.latent_layer])
    np.testing.assert_allclose(record.logits, plain.logits, atol=1e-6)
    np.testing.assert_allclose(record.loss, plain.loss, atol=1e-6)


def test_a_pooled_channels_gradient_is_the_sum_over_its_positions():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3))
    x = torch.randn(4, 1, 4, 4)
    whole = gradients(plan(model, items(x)), ["0"], 1)["0"]
    pooled = gradients(plan(model, items(x), reduce="channel"), ["0"], 1)["0"]
    np.testing.assert_allclose(pooled, whole.reshape(4, 2, 4).sum(2), atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("frozen", [False, True], ids=["trainable", "frozen"])
def test_every_family_has_gradients_at_every_layer_and_is_left_as_it_was(name, frozen):
    model = make(name).train().requires_grad_(not frozen)
    x = FAMILIES[name].sample(9)
    data = DataLoader(TensorDataset(x), batch_size=4)
    before = belongings(model)
    found = plan(model, data)
    record = GradientPass(found, "pred").run(progress=False)
    assert_same(before, belongings(model))
    assert record.layers.keys() == {spec.name for spec in found.layers}
    assert np.isfinite(record.latent).all()
    assert any(layer.top_value.any() for layer in record.layers.values())


def test_a_step_along_a_gradient_moves_the_score_by_that_much():
    """Finite differences at the last hidden layer of a network with in-place activations."""
    model, x = network().double(), torch.randn(6, 6).double()
    found = gradients(plan(model, items(x)), ["3"], 1)["3"]
    hidden = next(read_activations(plan(model, items(x, batch_size=6)), range(6), ["3"]))[1]["3"]
    z, step = torch.from_numpy(hidden).double(), 1e-3
    for unit in range(5):
        up, down = z.clone(), z.clone()
        up[:, unit] += step
        down[:, unit] -= step
        slope = (model[4](up) - model[4](down))[:, 1] / (2 * step)
        np.testing.assert_allclose(found[:, unit], slope.detach().numpy(), rtol=1e-4)


def run(model):
    GradientPass(plan(model, loader()), "label").run(progress=False)


def stop_early(model):
    steps = GradientPass(plan(model, loader()), "pred").steps()
    next(steps), next(steps)
    steps.close()


def fail(model):
    found = plan(model, loader())
    model.fail_at = model.calls.item() + 1
    GradientPass(found, "pred").run(progress=False)


def interrupt(model):
    model.fail_with = KeyboardInterrupt
    fail(model)


def fail_in_a_layer(model):
    found = plan(model, loader())
    list(read_gradients(found, [0, 3], ["fc1"], target=2))
    model.fail_at = model.calls.item() + 1
    list(read_gradients(found, [0, 3], ["fc1"], target=2))


@pytest.mark.parametrize(
    ("visit", "error"),
    [
        (run, None),
        (stop_early, None),
        (fail, RuntimeError),
        (interrupt, KeyboardInterrupt),
        (fail_in_a_layer, RuntimeError),
    ],
)
def test_taking_gradients_leaves_everything_as_it_was(visit, error):
    model = restless()
    before = belongings(model)
    if error is None:
        visit(model)
    else:
        with pytest.raises(error):
            visit(model)
    assert_same(before, belongings(model))


def test_inputs_made_in_inference_mode_and_callers_in_it_are_fine():
    model, x = network(), torch.randn(6, 6)
    want = gradients(plan(model, items(x)), ["0"], "pred")["0"]
    with torch.inference_mode():
        inside = plan(model, items(x.clone()))
        np.testing.assert_array_equal(gradients(inside, ["0"], "pred")["0"], want)


def test_a_model_made_in_inference_mode_is_refused_with_a_way_out():
    with torch.inference_mode():
        model = network()
    found = plan(model, items(torch.randn(6, 6)))
    with pytest.raises(ValueError, match=r"under torch.inference_mode.*copy.deepcopy\(model\)"):
        GradientPass(found, "pred")
    again = plan(copy.deepcopy(model), items(torch.randn(6, 6)))
    assert len(GradientPass(again, "pred").run(progress=False)) == 6


class Detached(nn.Module):
    def __init__(self, whole):
        super().__init__()
        self.backbone, self.head, self.whole = nn.Linear(6, 5), nn.Linear(5, 3), whole

    def forward(self, x):
        with torch.no_grad():
            x = self.backbone(x).relu()
        return self.head(x).detach() if self.whole else self.head(x)


def test_a_model_that_computes_without_gradients_is_refused_in_words():
    with pytest.raises(ValueError, match=r"Detached computes its scores under torch.no_grad"):
        run_pred(Detached(whole=True))


def test_a_layer_that_no_gradient_reaches_is_named():
    with pytest.raises(ValueError, match=r"No gradient reaches backbone.*layers="):
        run_pred(Detached(whole=False))


def run_pred(model):
    return GradientPass(plan(model, items(torch.randn(6, 6))), "pred").run(progress=False)


def test_a_target_that_needs_labels_is_refused_without_them():
    data = DataLoader(TensorDataset(torch.randn(6, 6)), batch_size=4)
    with pytest.raises(ValueError, match=r'"label" needs|target=\'label\' needs every item'):
        GradientPass(plan(network(), data), "label").run(progress=False)


@pytest.mark.parametrize("target", ["best", 3, -1, True, None, 1.0])
def test_an_unknown_target_is_refused(target):
    with pytest.raises(ValueError, match=r'target must be "label", "pred", "loss"'):
        read_target(target, ["a", "b", "c"])


def test_a_class_may_be_named():
    assert read_target("b", ["a", "b", "c"]) == 1
