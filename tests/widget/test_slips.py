"""What a newcomer writes first, and the words that say how it is written."""

import numpy as np
import pytest
import traitlets as t
from torch.utils.data import DataLoader, TensorDataset

from latentlens import LatentLens
from tests.browser.network import classifier, loader

LATENT = np.random.default_rng(0).random((12, 3), np.float32)
LABEL = np.arange(12) % 2


@pytest.fixture
def lens():
    return LatentLens.from_arrays(LATENT, LABEL)


def test_a_search_that_is_no_text_is_refused(lens):
    with pytest.raises(TypeError, match=r'line of text.*got 8\. Say "class 8" or "row 8"\.'):
        lens.find(8)
    with pytest.raises(TypeError, match=r'such as "wrong", .*; got None\.$'):
        lens.find(None)


def test_a_class_given_as_a_group_is_told_how_a_class_is_given(lens):
    with pytest.raises(TypeError, match=r'rows must .* got the text \'1\'. Give \{"label": "1"\}'):
        lens.contrast("1")


def test_a_search_given_as_rows_is_told_of_find(lens):
    with pytest.raises(TypeError, match=r'against must .* Give lens\.find\("wrong"\)'):
        lens.contrast([1, 2], against="wrong")
    with pytest.raises(t.TraitError, match=r'selection must list .* lens\.find\("wrong"\)'):
        lens.selection = "wrong"
    with pytest.raises(t.TraitError, match=r"slices\['c'\] must list .* lens\.find\(\"wrong\"\)"):
        lens.slices["c"] = "wrong"


def test_a_tensor_in_place_of_the_loader_is_told_to_be_wrapped():
    model = classifier()
    items = loader(model, 20).dataset
    with pytest.raises(
        TypeError, match=r"one Tensor of shape \(20, 1, 6, 6\); wrap it: DataLoader"
    ):
        LatentLens(model, items.pictures)
    wrapped = DataLoader(TensorDataset(items.pictures, items.label), batch_size=8)
    assert LatentLens(model, wrapped).status == "waiting"


def test_arrays_in_another_form_are_refused_by_their_own_name():
    with pytest.raises(TypeError, match=r"activations must map names .* got ndarray\."):
        LatentLens.from_arrays(LATENT, LABEL, activations=LATENT)
    with pytest.raises(TypeError, match=r"latent must be an array .* np\.load\('lat\.npy'\)"):
        LatentLens.from_arrays("lat.npy")
    with pytest.raises(ValueError, match=r"latent must have shape \(n_items, d\).* got \(36,\)"):
        LatentLens.from_arrays(LATENT.ravel(), LABEL)


@pytest.fixture
def loaded(tmp_path):
    model = classifier()
    whole = LatentLens(model, loader(model, 60), layer="4", layers=["1", "4"]).run(progress=False)
    return LatentLens.load(whole.save(tmp_path / "run.lens"))


HOW = r"loaded without a model; go on with LatentLens\.load\(path, model, loader\)"


def test_a_lens_loaded_without_its_model_says_how_to_run_it(loaded):
    with pytest.raises(ValueError, match=f"mean is not known.*{HOW}"):
        loaded.mean_activation(layer="1")
    with pytest.raises(ValueError, match=f"subset.*{HOW}"):
        loaded.sample.subset()
    with pytest.raises(ValueError, match=f"needs the model run.*{HOW}"):
        loaded.contrast(np.arange(9), layer="1")
    with pytest.raises(ValueError, match=f"run_on_sample needs.*{HOW}"):
        loaded.run_on_sample(classifier())
    groups = (np.arange(9), np.arange(9, 20))
    assert "LatentLens.load(path, model, loader)" in loaded.compare_groups(*groups, layer="1").note


def test_arrays_that_were_saved_are_not_said_to_lack_a_model(lens, tmp_path):
    again = LatentLens.load(lens.save(tmp_path / "arrays.lens"))
    with pytest.raises(ValueError, match="it was made from arrays or a record"):
        again.sample.subset()
