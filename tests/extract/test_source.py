"""Batches of every kind, in every order."""

from collections import UserDict, namedtuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from latentlens.extract import Pass, layer_names, plan, read_activations, read_inputs
from tests.extract.brute_force import run
from tests.extract.families import MLP, HuggingFaceLike, make

X = torch.arange(60.0).reshape(10, 6) / 60
Y = torch.tensor([0, 1, 2, 3, 0, 1, 2, 3, 0, 1])


class Pairs(Dataset):
    classes = ("ant", "bee", "cat", "dog")

    def __len__(self):
        return len(X)

    def __getitem__(self, i):
        return X[i], int(Y[i])


class Counting(IterableDataset):
    def __iter__(self):
        return ((X[i], Y[i]) for i in range(10))


class Jittered(Pairs):
    class RandomShift:
        def __call__(self, x):
            return x + torch.rand(())

    def __init__(self):
        self.transform = self.RandomShift()

    def __getitem__(self, i):
        return self.transform(X[i]), int(Y[i])


@pytest.fixture
def model() -> MLP:
    return make("mlp")


def expected_latent(model: MLP, rows=slice(None)) -> np.ndarray:
    with torch.no_grad():
        return model.fc1(X[rows]).relu().numpy()


def assert_reads(record, model, rows=slice(None)) -> None:
    np.testing.assert_allclose(record.latent, expected_latent(model, rows), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(record.label, Y[rows])


def test_a_shuffling_loader_is_read_in_the_datasets_order(model):
    record = run(plan(model, DataLoader(Pairs(), batch_size=3, shuffle=True)))
    assert_reads(record, model)
    np.testing.assert_array_equal(record.ids, np.arange(10))
    assert "loader shuffles" in record.report()
    assert record.classes == ("ant", "bee", "cat", "dog")


def test_a_loaders_own_generator_is_not_touched(model):
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(Pairs(), batch_size=3, sampler=SubsetRandomSampler([7, 2], generator))
    loader.generator = generator
    before = generator.get_state()
    run(plan(model, loader))
    assert (generator.get_state() == before).all()


def test_a_subset_sampler_gives_its_positions_once_each_in_order(model):
    loader = DataLoader(Pairs(), batch_size=3, sampler=SubsetRandomSampler([7, 2, 5, 9]))
    found = plan(model, loader)
    record = run(found)
    assert_reads(record, model, [2, 5, 7, 9])
    assert record.ids.tolist() == [2, 5, 7, 9]
    assert "SubsetRandomSampler draws 4 of 10 items" in record.report()
    np.testing.assert_array_equal(read_inputs(found, [1])[0], X[5])
    rows, values = next(read_activations(found, [3, 0], ["act1"]))
    assert rows.tolist() == [3, 0]
    np.testing.assert_allclose(values["act1"], expected_latent(model, [9, 2]), rtol=1e-5)


def test_a_sampler_that_repeats_gives_each_item_once(model):
    torch.manual_seed(0)
    loader = DataLoader(Pairs(), batch_size=4, sampler=WeightedRandomSampler(torch.ones(10), 30))
    record = run(plan(model, loader))
    assert len(np.unique(record.ids)) == len(record)


def test_a_batch_sampler_is_flattened(model):
    loader = DataLoader(Pairs(), batch_sampler=[[3, 1], [0, 8]])
    record = run(plan(model, loader))
    assert record.ids.tolist() == [0, 1, 3, 8]


def test_items_that_drop_last_would_drop_are_read(model):
    record = run(plan(model, DataLoader(Pairs(), batch_size=4, drop_last=True)))
    assert len(record) == 10


def test_workers_read_the_same(model):
    record = run(plan(model, DataLoader(Pairs(), batch_size=4, num_workers=1, shuffle=True)))
    assert_reads(record, model)


def test_a_subset_of_a_dataset_counts_positions_in_the_subset(model):
    record = run(plan(model, DataLoader(Subset(Pairs(), [4, 6, 1]), batch_size=2)))
    assert_reads(record, model, [4, 6, 1])
    assert record.ids.tolist() == [0, 1, 2]
    assert record.classes == Pairs.classes


def batches_of(kind):
    return [kind(X[i : i + 4], Y[i : i + 4]) for i in range(0, 10, 4)]


Batch = namedtuple("Batch", "x y")
KINDS = {
    "pairs": lambda x, y: (x, y),
    "lists": lambda x, y: [x, y],
    "triples": lambda x, y: (x, y, {"path": ["a"] * len(x)}),
    "named tuples": Batch,
    "mappings with forward's names": lambda x, y: {"x": x, "label": y, "id": y},
    "mappings with other names": lambda x, y: {"image": x, "target": y},
    "mappings of another class": lambda x, y: UserDict(x=x, labels=y),
    "a mapping beside the target": lambda x, y: ({"x": x}, y),
    "columns of labels": lambda x, y: (x, y[:, None]),
    "whole-valued floats": lambda x, y: (x, y.double()),
    "one-hot rows": lambda x, y: (x, nn.functional.one_hot(y, 4).float()),
    "lists of numbers": lambda x, y: (x, y.tolist()),
    "names": lambda x, y: (x, [str(int(i)) for i in y]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_batches_are_known(model, kind):
    assert_reads(run(plan(model, batches_of(KINDS[kind]))), model)


@pytest.mark.parametrize("kind", [lambda x, _: x, lambda x, _: (x,), lambda x, _: {"x": x}])
def test_without_targets_labels_are_unknown(model, kind):
    record = run(plan(model, batches_of(kind)))
    assert (record.label == -1).all()
    assert np.isnan(record.loss).all()
    assert record.cell_count[3].sum() == 10


def test_anything_else_is_unpacked_by_hand(model):
    batches = [("skip me", X[:5], {"truth": Y[:5]}), ("and me", X[5:], {"truth": Y[5:]})]
    with pytest.raises(TypeError, match=r"no tensor that could go into the model.*unpack=lambda"):
        plan(model, batches)
    found = plan(model, batches, unpack=lambda b: ((b[1],), {}, b[2]["truth"]))
    assert_reads(run(found), model)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (torch.full((4,), 0.5), r"label of item 0 is 0.5"),
        (torch.tensor([0, 1, 4, 1]), r"label of item 2 is 4, but the model has 4 classes"),
        (torch.full((4, 4), 0.25), r"target of item 0 is \[0.25.*neither a class number nor"),
        (torch.zeros(3), r"batch of 4 items has a target of shape \(3,\)"),
        (["ant"] * 4, r"label 'ant' is none of the classes '0', '1'"),
        ({"a": 1}, r"target is a dict"),
    ],
)
def test_targets_that_are_no_classes_are_refused_in_words(model, target, says):
    with pytest.raises(ValueError, match=says):
        plan(model, [(X[:4], target)])


def test_a_wrong_label_later_on_is_named_by_its_row(model):
    steps = Pass(plan(model, [(X[:4], Y[:4]), (X[4:6], torch.tensor([1, 9]))])).steps()
    with pytest.raises(ValueError, match="label of item 5 is 9"):
        list(steps)


def test_minus_one_is_an_unknown_label(model):
    record = run(plan(model, [(X[:3], torch.tensor([0, -1, 2]))]))
    assert record.label.tolist() == [0, -1, 2]
    assert np.isnan(record.loss[1])


def test_an_iterable_dataset_keeps_its_first_order_and_has_no_random_access(model):
    found = plan(model, DataLoader(Counting(), batch_size=4))
    record = run(found)
    assert_reads(record, model)
    assert not found.random_access
    assert found.n_items is None
    assert "Counting is an IterableDataset" in record.report()
    with pytest.raises(ValueError, match="read_inputs needs random access"):
        read_inputs(found, [0])
    with pytest.raises(ValueError, match="read_activations needs random access"):
        read_activations(found, [0], ["fc1"])


def test_a_generator_loses_no_batch_to_the_plan(model):
    found = plan(model, ((X[i : i + 3], Y[i : i + 3]) for i in range(0, 10, 3)))
    assert_reads(run(found), model)
    with pytest.raises(ValueError, match="generator and its batches are used up"):
        run(found)


def test_a_list_of_batches_can_be_read_twice(model):
    found = plan(model, batches_of(KINDS["pairs"]))
    assert_reads(run(found), model)
    assert_reads(run(found), model)


def test_a_loader_without_automatic_batching_is_a_stream(model):
    record = run(plan(model, DataLoader(TensorDataset(X[None], Y[None]), batch_size=None)))
    assert_reads(record, model)


def test_augmentation_is_noticed_and_named(model):
    found = plan(model, DataLoader(Jittered(), batch_size=4))
    notes = [note for note in found.notes if "Two reads" in note]
    assert len(notes) == 1
    assert "dataset.transform is random (RandomShift)" in notes[0]


def test_a_steady_dataset_has_no_such_note(model):
    assert plan(model, DataLoader(Pairs(), batch_size=4)).notes == []


def test_two_passes_over_an_augmented_dataset_are_identical(model):
    found = plan(model, DataLoader(Jittered(), batch_size=4))
    np.testing.assert_array_equal(run(found).latent, run(found).latent)


def test_inputs_come_back_as_the_dataset_gives_them(model):
    found = plan(model, DataLoader(Pairs(), batch_size=4, shuffle=True))
    inputs = read_inputs(found, [9, 0])
    assert torch.equal(inputs[0], X[9])
    assert torch.equal(inputs[1], X[0])
    with pytest.raises(ValueError, match=r"rows has 10, but the record has the rows 0\.\.9"):
        read_inputs(found, [10])


def test_inputs_of_mappings_are_what_stands_beside_the_label():
    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": 1} for _ in range(4)]
    found = plan(make("output class"), DataLoader(rows, batch_size=2))
    assert read_inputs(found, [2])[0].tolist() == [1, 2, 3]


def test_a_text_classifier_is_read_unaided():
    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": i % 4, "idx": i} for i in range(9)]
    model = HuggingFaceLike()
    record = run(plan(model, DataLoader(rows, batch_size=4)))
    assert record.label.tolist() == [i % 4 for i in range(9)]


@pytest.mark.parametrize(
    ("loader", "error", "says"),
    [
        ([], ValueError, "loader gives no batch"),
        (DataLoader(TensorDataset(X[:0])), ValueError, "loader gives no batch"),
        (Pairs(), TypeError, "it is the dataset Pairs itself; wrap it"),
        (3, TypeError, "iterable of batches, such as a DataLoader, got int"),
        ([{"a": X, "b": X, "y": Y}], TypeError, r"keys 'a', 'b', none of which is an argument"),
    ],
)
def test_loaders_that_cannot_work_are_refused_in_words(model, loader, error, says):
    with pytest.raises(error, match=says):
        plan(model, loader)


def test_names_in_order_of_execution(model):
    assert layer_names(model) == ["fc1", "act1", "fc2"]
    assert layer_names(make("lenet"), torch.rand(2, 1, 8, 8)) == [
        "conv1", "bn1", "relu", "fc1", "relu#2", "fc2",
    ]  # fmt: skip
