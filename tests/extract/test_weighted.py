"""Sums over many samples from one further pass, against raw activations held whole."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from latentlens.core.weighted import CellSums
from latentlens.extract import ModelChanged, Pass, Progress, plan, weighted_sums
from tests.extract.brute_force import raw_activations
from tests.extract.families import make

N = 37


@pytest.fixture
def data():
    rng = torch.Generator().manual_seed(0)
    return TensorDataset(torch.rand(N, 6, generator=rng), torch.arange(N) % 4)


@pytest.fixture
def model():
    return make("mlp")


@pytest.fixture
def planned(model, data):
    planned = plan(model, DataLoader(data, batch_size=8))
    Pass(planned).run(progress=False)
    return planned


@pytest.fixture
def weights():
    rng = np.random.default_rng(0)
    return rng.random((6, N)) * (rng.random((6, N)) < 0.4)


def collected(steps, n_samples, n_cells):
    sums, units = {}, None
    for step in steps:
        if isinstance(step, CellSums):
            units = step.sums.shape[1]
            into = sums.setdefault(step.layer, np.zeros((n_samples, n_cells, units)))
            into[step.samples, step.cell] += step.sums
    return sums


@pytest.mark.parametrize("budget", [500, 10**9])
def test_the_sums_are_those_of_the_raw_activations(planned, weights, budget):
    raw = raw_activations(planned, N)
    cells = np.random.default_rng(1).integers(-1, 3, N)
    got = collected(weighted_sums(planned, weights, cells=cells, budget=budget), 6, 3)
    assert got.keys() == raw.keys()
    for name, values in raw.items():
        for cell in range(3):
            inside = cells == cell
            expected = weights[:, inside] @ values[inside].astype(np.float64)
            np.testing.assert_allclose(got[name][:, cell], expected, rtol=1e-5, atol=1e-6)


def test_without_cells_all_items_are_one(planned, weights):
    name = planned.latent_layer
    got = collected(weighted_sums(planned, weights > 0, [name]), 6, 1)
    expected = (weights > 0) @ raw_activations(planned, N)[name].astype(np.float64)
    np.testing.assert_allclose(got[name][:, 0], expected, rtol=1e-5, atol=1e-6)
    assert got.keys() == {name}


def test_only_weighted_items_are_read_and_progress_counts_them(model, data):
    read = []

    class Recording(Dataset):
        def __len__(self):
            return N

        def __getitem__(self, i):
            read.append(int(i))
            return data[i]

    planned = plan(model, DataLoader(Recording(), batch_size=8))
    read.clear()
    weights = np.zeros((2, N), bool)
    weights[0, [3, 5]] = weights[1, [5, 30]] = True
    steps = list(weighted_sums(planned, weights, batch_size=2))
    assert sorted(read) == [3, 5, 30]
    progress = [step for step in steps if isinstance(step, Progress)]
    assert [(step.done, step.total) for step in progress] == [(2, 3), (3, 3)]
    assert progress[-1].text == "3 of 3 items"


def test_between_two_steps_the_model_and_the_random_state_are_as_they_were(model, planned, weights):
    model.train()
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    for _ in weighted_sums(planned, weights):
        assert model.training
        assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.rand(3), expected)


def test_a_model_trained_on_meanwhile_is_refused(model, planned, weights):
    steps = weighted_sums(planned, weights, batch_size=4)
    next(steps)
    with torch.no_grad():
        next(model.parameters()).add_(1)
    with pytest.raises(ModelChanged, match="weights of"):
        list(steps)


def test_a_stream_and_unknown_layers_are_refused_in_words(model, planned, weights):
    class Stream(IterableDataset):
        def __iter__(self):
            return ((torch.zeros(6), 0) for _ in range(5))

    with pytest.raises(ValueError, match="needs random access"):
        weighted_sums(plan(model, DataLoader(Stream(), batch_size=2)), weights)
    with pytest.raises(ValueError, match=r"layers has 'fc9', which was not watched"):
        weighted_sums(planned, weights, ["fc9"])
