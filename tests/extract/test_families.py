import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens.extract import AmbiguousLatent, Pass, plan
from tests.extract.brute_force import assert_index_is_exact, raw_activations, run
from tests.extract.families import FAMILIES, N_CLASSES, Prototypes, TwoHeads, make, vector

N = 20


def loader(name: str, n: int = N) -> DataLoader:
    torch.manual_seed(1)
    x = FAMILIES[name].sample(n)
    return DataLoader(TensorDataset(x, torch.randint(0, N_CLASSES, (n,))), batch_size=8)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_latent_is_the_input_of_the_layer_that_makes_the_logits(name):
    model, data = make(name), loader(name)
    found = plan(model, data)
    record = run(found)
    with torch.no_grad():
        expected = FAMILIES[name].latent(model.eval(), data.dataset.tensors[0])
    np.testing.assert_allclose(record.latent, expected.numpy(), rtol=1e-4, atol=1e-5)
    assert record.latent_layer == FAMILIES[name].latent_layer


@pytest.mark.parametrize("name", FAMILIES)
def test_every_layer_of_the_record_equals_brute_force(name):
    model, data = make(name), loader(name)
    found = plan(model, data, keep=5)
    record = run(found)
    values = raw_activations(found, N)
    assert list(record.layers) == [spec.name for spec in found.layers]
    for layer in record.layers.values():
        assert_index_is_exact(record, layer, values[layer.name])
    latent = values[record.latent_layer]
    np.testing.assert_array_equal(record.latent, latent)


@pytest.mark.parametrize("name", FAMILIES)
def test_predictions_and_losses_are_those_of_the_bare_model(name):
    model, data = make(name), loader(name)
    record = run(plan(model, data))
    x, y = data.dataset.tensors
    with torch.no_grad():
        output = model.eval()(x)
    logits = output if isinstance(output, torch.Tensor) else getattr(output, "logits", output)
    logits = logits["logits"] if isinstance(logits, dict) else logits
    logits = logits[0] if isinstance(logits, tuple) else logits
    if name == "softmax":
        logits = logits.log()
    expected = nn.functional.cross_entropy(logits, y, reduction="none")
    np.testing.assert_array_equal(record.pred, logits.argmax(1))
    np.testing.assert_allclose(record.loss, expected, rtol=1e-4, atol=1e-5)


def test_layers_come_in_order_of_execution_with_their_activations():
    found = plan(make("lenet"), loader("lenet"))
    assert [spec.name for spec in found.layers] == [
        "conv1", "bn1", "relu", "fc1", "relu#2", "fc2",
    ]  # fmt: skip
    assert [spec.units for spec in found.layers] == [192, 192, 192, 9, 9, N_CLASSES]


def test_a_second_call_of_a_module_has_a_number():
    names = [spec.name for spec in plan(make("called twice"), loader("called twice")).layers]
    assert names == ["inner", "act", "inner#2", "act#2", "head"]


def test_the_latent_before_its_activation_is_kept_although_it_is_overwritten():
    model, data = make("vgg"), loader("vgg")
    record = run(plan(model, data))
    with torch.no_grad():
        features = model.eval().features(data.dataset.tensors[0]).flatten(1)
        before = model.classifier[0](features)
    np.testing.assert_allclose(record.pre_latent, before, rtol=1e-4, atol=1e-5)
    assert record.pre_latent.min() < 0


def test_where_no_activation_makes_the_latent_there_is_nothing_before_it():
    assert run(plan(make("resnet"), loader("resnet"))).pre_latent is None


def test_an_overwritten_output_is_kept_as_it_was():
    model, data = make("resnet"), loader("resnet")
    found = plan(model, data, layers=["blocks.0.bn"])
    record = run(found)
    with torch.no_grad():
        block, x = model.eval().blocks[0], model.stem(data.dataset.tensors[0])
        expected = block.bn(block.conv(x)).flatten(1)
    np.testing.assert_allclose(
        record.layers["blocks.0.bn"].unit_max, expected.amax(0), rtol=1e-4, atol=1e-5
    )


def test_two_layers_that_add_up_to_the_logits_are_ambiguous():
    data = DataLoader(TensorDataset(vector(9), torch.zeros(9, dtype=torch.long)))
    with pytest.raises(AmbiguousLatent, match=r"'left' \(9, 6\) -> \(9, 4\), 'right'"):
        plan(TwoHeads(), data, layer="auto")


def test_a_model_without_a_linear_head_asks_for_a_name():
    torch.manual_seed(0)
    data = DataLoader(TensorDataset(vector(9), torch.zeros(9, dtype=torch.long)), batch_size=9)
    model = Prototypes()
    with pytest.raises(AmbiguousLatent, match=r"'embed' \(9, 6\) -> \(9, 5\)"):
        plan(model, data)
    record = run(plan(model, data, layer="embed"))
    with torch.no_grad():
        expected = model.embed(data.dataset.tensors[0])
    np.testing.assert_allclose(record.latent, expected, rtol=1e-5)


def test_a_named_layer_gives_its_output_and_a_module_does_the_same():
    model, data = make("mlp"), loader("mlp")
    by_name = run(plan(model, data, layer="fc1"))
    by_module = run(plan(model, data, layer=model.fc1))
    with torch.no_grad():
        expected = model.fc1(data.dataset.tensors[0])
    np.testing.assert_allclose(by_name.latent, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(by_name.latent, by_module.latent)
    assert by_name.latent_layer == "fc1"


def test_padding_does_not_count():
    model = make("output class")
    torch.manual_seed(3)
    ids = torch.randint(1, 20, (12, 6))
    mask = torch.ones(12, 6, dtype=torch.long)
    mask[:, 4:] = 0
    labels = torch.zeros(12, dtype=torch.long)
    rows = [{"input_ids": i, "attention_mask": m, "labels": y}
            for i, m, y in zip(ids, mask, labels, strict=True)]  # fmt: skip
    record = run(plan(model, DataLoader(rows, batch_size=5), layers=["embed"]))
    with torch.no_grad():
        expected = model.embed(ids)[:, :4].amax(1)
    np.testing.assert_array_equal(record.layers["embed"].unit_max, expected.amax(0))


def test_channels_are_reduced_to_their_spatial_maximum():
    model, data = make("lenet"), loader("lenet")
    found = plan(model, data, reduce="channel")
    record = run(found)
    with torch.no_grad():
        maps = model.eval().conv1(data.dataset.tensors[0])
    assert record.layers["conv1"].units == 3
    assert record.layers["conv1"].shape == (3, 8, 8)
    np.testing.assert_allclose(record.layers["conv1"].unit_max, maps.amax((0, 2, 3)), rtol=1e-5)


def test_one_score_becomes_two_classes():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1))
    x = vector(10)
    data = DataLoader(TensorDataset(x, torch.arange(10).float() % 2), batch_size=4)
    record = run(plan(model, data))
    with torch.no_grad():
        z = model(x)[:, 0]
    np.testing.assert_allclose(record.logits[:, 1], z, rtol=1e-5, atol=1e-6)
    assert (record.logits[:, 0] == 0).all()
    assert record.classes == ("0", "1")
    assert "one score z per item" in record.report()


def test_a_lone_probability_becomes_its_logit():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1), nn.Sigmoid())
    x = vector(10)
    data = DataLoader(TensorDataset(x, torch.arange(10) % 2), batch_size=4)
    record = run(plan(model, data))
    with torch.no_grad():
        z = model[:3](x)[:, 0]
    np.testing.assert_allclose(record.logits[:, 1], z, rtol=1e-3, atol=1e-5)


def test_a_pass_can_be_stopped_and_says_so():
    run_ = Pass(plan(make("mlp"), loader("mlp")))
    for step in run_.steps():
        if step.done >= 8:
            break
    record = run_.record()
    assert len(record) == 8
    assert "stopped after 8 of 20 items" in record.report()
    whole = run_.run(progress=False)
    assert len(whole) == N
    assert "stopped" not in whole.report()
