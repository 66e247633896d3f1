from __future__ import annotations

import pytest
import torch

from latentlens import data, models


def n_parameters(model):
    """Count as the paper does: batch norm left out."""
    return sum(
        parameter.numel()
        for name, parameter in model.named_parameters()
        if not name.startswith("bn")
    )


def test_lenet5_has_the_papers_number_of_parameters():
    assert n_parameters(models.lenet5()) == 107_786


def test_galaxy_cnn_has_the_papers_number_of_parameters():
    model = models.galaxy_cnn()
    running = [each for name, each in model.named_buffers() if "running" in name]
    assert sum(each.numel() for each in [*model.parameters(), *running]) == 1_095_842


@pytest.mark.parametrize(
    ("model", "shape", "latent", "width", "classes"),
    [
        (models.lenet5(), (1, 28, 28), "act4", 84, 10),
        (models.lenet5(3, image_size=8, channels=3), (3, 8, 8), "act4", 84, 3),
        (models.galaxy_cnn(), (3, 69, 69), "act5", 64, 2),
    ],
    ids=["mnist", "small", "galaxy"],
)
def test_networks_give_logits_over_the_papers_latent(model, shape, latent, width, classes):
    seen = []
    model.get_submodule(latent).register_forward_hook(lambda *args: seen.append(args[-1]))
    assert model.eval()(torch.zeros(2, *shape)).shape == (2, classes)
    assert seen[0].shape == (2, width)


def test_an_image_that_cannot_be_halved_twice_is_refused():
    with pytest.raises(ValueError, match=r"image_size must be a multiple of 4, .*; got 30"):
        models.lenet5(image_size=30)


def test_a_seed_fixes_the_initial_weights_and_leaves_the_global_state():
    before = torch.get_rng_state()
    one, same, other = models.lenet5(seed=1), models.lenet5(seed=1), models.lenet5(seed=2)
    assert torch.equal(one.fc1.weight, same.fc1.weight)
    assert not torch.equal(one.fc1.weight, other.fc1.weight)
    assert torch.equal(torch.get_rng_state(), before)


def trained(seed=0, epochs=5):
    model = models.lenet5(image_size=8)
    loader = data.digits().loader("train", batch_size=64, shuffle=True)
    losses = models.train(model, loader, epochs, seed=seed, progress=False)
    return model, losses


def test_training_learns_digits_it_has_not_seen():
    model, losses = trained()
    assert losses == sorted(losses, reverse=True)
    assert models.accuracy(model, data.digits().loader("test")) > 0.88
    assert not model.training


def test_training_repeats_itself_whatever_was_drawn_before():
    first, losses = trained(epochs=1)
    torch.rand(7)
    before = torch.get_rng_state()
    again, same = trained(epochs=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert losses == same
    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))
    other, _ = trained(seed=1, epochs=1)
    assert not torch.equal(first.fc1.weight, other.fc1.weight)


def test_training_shows_its_progress(capsys):
    loader = data.digits().loader("train", batch_size=500)
    models.train(models.lenet5(image_size=8), loader, 2)
    shown = capsys.readouterr().err
    assert "epoch 2 of 2" in shown
    assert "4/4" in shown
    assert "loss=" in shown


def test_training_on_nothing_is_refused():
    with pytest.raises(ValueError, match="loader gave no batch"):
        models.train(models.lenet5(), [], progress=False)
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        models.train(models.lenet5(), [], 0)


def test_weights_come_back_as_they_were_saved(tmp_path):
    model, other = models.lenet5(seed=1), models.lenet5(seed=2)
    models.save_weights(model, tmp_path / "lenet.pt")
    models.load_weights(other, tmp_path / "lenet.pt")
    assert all(map(torch.equal, model.state_dict().values(), other.state_dict().values()))


def test_a_file_with_code_in_it_is_not_run(tmp_path):
    torch.save(models.lenet5(), tmp_path / "whole.pt")
    with pytest.raises(Exception, match="Weights only load failed"):
        models.load_weights(models.lenet5(), tmp_path / "whole.pt")


def test_weights_of_another_network_are_refused(tmp_path):
    models.save_weights(models.lenet5(image_size=8), tmp_path / "small.pt")
    with pytest.raises(ValueError, match=r"(?s)small.pt does not fit this LeNet5: .*fc1.weight"):
        models.load_weights(models.lenet5(), tmp_path / "small.pt")


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no weights at .*nowhere.pt"):
        models.load_weights(models.lenet5(), tmp_path / "nowhere.pt")


def test_training_says_when_model_and_loader_are_swapped():
    with pytest.raises(TypeError, match="arguments swapped"):
        models.train(data.digits().loader("train"), models.lenet5(image_size=8))
