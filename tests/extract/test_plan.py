"""What the first look decides, and what it refuses."""

import re
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens.extract import LayerNotFound, Pass, plan, shapes
from tests.extract.brute_force import run
from tests.extract.families import FAMILIES, image, make, vector


def loader(x, y=None, **options):
    y = torch.zeros(len(x), dtype=torch.long) if y is None else y
    return DataLoader(TensorDataset(x, y), **{"batch_size": 4, **options})


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ("fc1", ["fc1"]),
        (["fc2", "conv*"], ["conv1", "fc2"]),
        ("relu*", ["relu", "relu#2"]),
        (["fc?", "bn1"], ["bn1", "fc1", "fc2"]),
    ],
)
def test_layers_go_by_name_and_pattern(layers, names):
    found = plan(make("lenet"), loader(image(9)), layers=layers, layer="fc2")
    assert [spec.name for spec in found.layers if spec.name != "fc2" or "fc2" in names] == names


def test_layers_go_by_module_and_in_a_mix():
    model = make("lenet")
    found = plan(model, loader(image(9)), layers=[model.fc1, "conv1"], layer="fc1")
    assert [spec.name for spec in found.layers] == ["conv1", "fc1"]


def test_a_latent_that_is_not_watched_stands_before_its_reader():
    found = plan(make("mlp"), loader(vector(9)), layers=["fc1", "fc2"])
    assert [spec.name for spec in found.layers] == ["fc1", "latent", "fc2"]
    assert found.latent_layer == "latent"


def test_a_container_can_be_watched():
    model = make("vgg")
    record = run(plan(model, loader(image(9)), layers="features"))
    assert record.layers["features"].shape == (4, 4, 4)


@pytest.mark.parametrize("options", [{"layers": ["fcc1"]}, {"layer": "fcc1"}])
def test_an_unknown_layer_is_answered_with_the_nearest_names(options):
    with pytest.raises(
        LayerNotFound, match=r"MLP has no layer 'fcc1'; the nearest names are 'fc1'"
    ):
        plan(make("mlp"), loader(vector(9)), **options)


def test_a_layer_that_does_not_run_is_said_to():
    model = make("mlp")
    model.spare = nn.Linear(2, 2)
    with pytest.raises(LayerNotFound, match="has a layer 'spare', but its forward was not called"):
        plan(model, loader(vector(9)), layers="spare")
    with pytest.raises(LayerNotFound, match="Linear given as a layer is no part of MLP"):
        plan(model, loader(vector(9)), layers=nn.Linear(2, 2))


def test_a_latent_that_fits_several_is_refused():
    with pytest.raises(ValueError, match="layer fits 2 calls: 'fc1', 'fc2'"):
        plan(make("mlp"), loader(vector(9)), layer="fc*")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"reduce": "mean"}, r'reduce must be "unit" or "channel", got \'mean\''),
        ({"keep": 0}, "keep must be a whole number of at least 1, got 0"),
        ({"classes": ["a"]}, "classes has 1 names, but the model has 4 classes"),
        ({"device": "meta"}, r"device is 'meta', but the model is on 'cpu'"),
        ({"predict": lambda out: out[:, None]}, r"scores of shape \(9, 1, 4\); .*predict=lambda"),
        ({"predict": lambda out: out.long()}, r"scores are torch.int64"),
    ],
)
def test_options_that_cannot_be_are_refused(options, says):
    with pytest.raises((ValueError, TypeError), match=says):
        plan(make("mlp"), loader(vector(9)), **options)


class Returns(nn.Module):
    def __init__(self, output):
        super().__init__()
        self.fc = nn.Linear(6, 3)
        self.output = output

    def forward(self, x):
        return self.output(self.fc(x))


@pytest.mark.parametrize("output", [lambda z: {"scores": z}, lambda _: "three"])
def test_an_unknown_output_asks_for_predict(output):
    with pytest.raises(TypeError, match="predict=lambda output: logits"):
        plan(Returns(output), loader(vector(9)))


def test_predict_takes_the_logits_out_of_any_output():
    model = Returns(lambda z: {"scores": [z]})
    record = run(plan(model, loader(vector(9)), predict=lambda out: out["scores"][0]))
    assert record.logits.shape == (9, 3)


def test_a_compiled_script_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is on its way out, and says so
        traced = torch.jit.trace(make("mlp"), vector(2))
    with pytest.raises(TypeError, match=r"compiled by torch\.jit"):
        plan(traced, loader(vector(9)))


def test_a_model_that_is_no_module_is_refused():
    with pytest.raises(TypeError, match=r"model must be a torch.nn.Module, got function"):
        plan(lambda x: x, loader(vector(9)))


def test_a_model_that_fails_on_the_first_batch_keeps_its_error_and_says_what_it_was_given():
    with pytest.raises(RuntimeError, match="mat1 and mat2") as caught:
        plan(nn.Linear(5, 2), loader(torch.zeros(8, 3)))
    (note,) = caught.value.__notes__
    assert re.search(r"called Linear\(float32 of shape \(\d, 3\)\) with the first items", note)
    assert "unpack=" in note


def test_a_lazy_model_is_not_given_its_shape():
    model = nn.Sequential(nn.LazyLinear(3))
    with pytest.raises(ValueError, match="get their shape from the first batch"):
        plan(model, loader(vector(9)))


def test_too_many_sums_are_brought_down_to_channels(monkeypatch):
    monkeypatch.setattr(shapes, "SUMS_BUDGET", 4 * 4 * 192 * 8 - 1)
    found = plan(make("lenet"), loader(image(9)))
    assert {spec.name: spec.reduce for spec in found.layers}["conv1"] == "channel"
    assert any("conv1 has 192 units, whose running sums would take" in n for n in found.notes)


def test_big_batches_are_read_in_smaller_ones(monkeypatch):
    module = sys.modules["latentlens.extract.plan"]  # the function has the module's name
    model, data = make("mlp"), loader(vector(9), batch_size=9)
    whole = run(plan(model, data))
    monkeypatch.setattr(module, "HELD_BUDGET", 4 * 24 * 2)
    found = plan(model, data)
    assert found.batch_size == 2
    np.testing.assert_allclose(run(found).latent, whole.latent, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32_at_the_border(dtype):
    x = vector(9)
    model = make("mlp").to(dtype)
    record = run(plan(model, loader(x)))
    with torch.no_grad():
        expected = model.fc1(x.to(dtype)).relu().float()
    np.testing.assert_array_equal(record.latent, expected)
    assert record.logits.dtype == np.float32
    assert f"computes in {dtype}" in record.report()


def test_nan_and_infinities_are_counted_and_count_as_zero():
    model = make("mlp")
    x = vector(9)
    x[2, 0] = torch.nan
    x[5] = torch.inf
    with torch.no_grad():
        raw = model.fc1(x)
    record = run(plan(model, loader(x)))
    layer = record.layers["fc1"]
    assert layer.nonfinite == int((~raw.isfinite()).sum()) > 0
    clean = torch.where(raw.isfinite(), raw, 0.0).numpy()
    np.testing.assert_allclose(layer.unit_max, clean.max(0), rtol=1e-5)
    np.testing.assert_allclose(layer.top_value[:, 0], clean.max(1), rtol=1e-5)
    assert np.isfinite(record.latent).all()
    assert np.isfinite(record.logits).all()
    assert "fc1: " in record.report()


class AnySize(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))


def test_inputs_of_several_sizes_have_channels_but_no_units():
    torch.manual_seed(0)
    batches = [(torch.rand(3, 1, 6, 6), [0, 1, 0]), (torch.rand(2, 1, 8, 8), [1, 0])]
    record = run(plan(AnySize(), batches, reduce="channel"))
    assert record.layers["conv"].units == 3
    with pytest.raises(ValueError, match=r"conv gave shape \(2, 3, 6, 6\).*reduce='channel'"):
        Pass(plan(AnySize(), batches)).run(progress=False)


def test_sequences_of_several_lengths_have_a_maximum_over_the_tokens():
    model = make("transformer")
    batches = [(torch.randint(1, 20, (3, 5)), [0, 1, 0]), (torch.randint(1, 20, (2, 7)), [1, 0])]
    record = run(plan(model, batches))
    assert record.layers["embed"].reduce == "token"
    assert len(record) == 5


class Sometimes(nn.Module):
    def __init__(self):
        super().__init__()
        self.extra = nn.Linear(6, 6)
        self.fc = nn.Linear(6, 2)

    def forward(self, x):
        return self.fc(self.extra(x) if len(x) > 2 else x)


def test_a_layer_that_does_not_run_every_time_is_named():
    batches = [(vector(3), None), (vector(2), None)]
    with pytest.raises(ValueError, match="extra ran for the first batch but not for the one at"):
        run(plan(Sometimes(), batches))


class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(6, 6)
        self.fc = nn.Linear(6, 2)

    def forward(self, x):
        for _ in range(9):
            x = self.cell(x).tanh()
        return self.fc(x)


def test_a_module_called_often_is_watched_a_few_times():
    found = plan(Loop(), loader(vector(9)))
    assert [s.name for s in found.layers if s.name.startswith("cell")] == [
        "cell", "cell#2", "cell#3", "cell#4",
    ]  # fmt: skip
    assert any("cell is called 9 times" in note for note in found.notes)
    assert plan(Loop(), loader(vector(9)), layers="cell#9").layers[0].name == "cell#9"


def test_classes_come_from_the_argument_first():
    found = plan(make("mlp"), loader(vector(9)), classes=["a", "b", "c", "d"])
    assert found.classes == ("a", "b", "c", "d")


def test_classes_are_told_apart_where_the_dataset_does_not():
    data = loader(vector(9))
    data.dataset.classes = ["crane", "owl", "crane", " "]
    found = plan(make("mlp"), data)
    assert found.classes == ("crane (0)", "owl", "crane (2)", "(3)")
    assert any("dataset.classes has 3 names that are blank or" in note for note in found.notes)
    with pytest.raises(ValueError, match=r"'crane' stands for class 0 and for class 2.*'crane \(0"):
        plan(make("mlp"), data, classes=data.dataset.classes)


def test_the_record_says_what_was_read():
    record = run(plan(make("mlp"), loader(vector(9))))
    assert record.meta["model"] == "MLP"
    assert len(record.meta["weights"]) == 64
    assert record.meta["seconds"] > 0
    assert record.meta["random_access"] is True


def test_the_hash_follows_the_weights():
    data = loader(vector(9))
    model = make("mlp")
    first = run(plan(model, data)).meta["weights"]
    with torch.no_grad():
        model.fc2.bias[0] += 1e-3
    assert run(plan(model, data)).meta["weights"] != first


def test_a_plan_says_how_many_items_there_are():
    found = plan(make("mlp"), loader(vector(9)))
    steps = list(Pass(found).steps())
    assert found.n_items == 9
    assert [(step.done, step.total) for step in steps] == [(0, 9), (4, 9), (8, 9), (9, 9)]
    assert steps[-1].text == "9 of 9 items"


def test_nothing_read_is_no_record():
    with pytest.raises(ValueError, match="has read nothing yet"):
        Pass(plan(make("mlp"), loader(vector(9)))).record()


def test_every_family_has_words_for_its_notes():
    for name, family in FAMILIES.items():
        found = plan(make(name), loader(family.sample(9)))
        assert all(note.endswith(".") for note in found.notes), found.notes
