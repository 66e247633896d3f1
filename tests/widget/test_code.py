"""The Python that reproduces what is on screen, and that running it does so."""

import json

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from torch import nn

from latentlens import LatentLens
from latentlens.widget.code import LINES, literal
from latentlens.widget.save import saved_traits
from tests.browser.network import classifier, loader
from tests.golden.make_code import FILE, TRAITS, made_lens, text
from tests.made_up import blobs, made_up_record


def test_a_new_lens_is_the_call_that_made_it():
    model = classifier()
    assert LatentLens(model, loader(model)).code == "lens = LatentLens(model, loader)"
    assert LatentLens(made_up_record()).code == "lens = LatentLens(record)"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layer": "1"}, 'layer="1"'),
        ({"layers": ["1", "4"]}, 'layers=["1", "4"]'),
        ({"reduce": "channel", "keep": 5}, 'reduce="channel", keep=5'),
        ({"classes": list("abcd")}, "classes=classes"),
        ({"random_state": 7}, "random_state=7"),
        ({"render": lambda item: item}, "render=render"),
        ({"projection": np.zeros((400, 2))}, "projection=projection"),
    ],
)
def test_what_was_given_stands_in_the_call_with_its_value_or_its_name(options, words):
    model = classifier()
    lens = LatentLens(model, loader(model), **options)
    assert lens.code == f"lens = LatentLens(model, loader, {words})"


def test_a_module_that_was_given_stands_by_its_argument():
    model = classifier()
    linear = next(each for each in model if isinstance(each, nn.Linear))
    assert LatentLens(model, loader(model), layer=linear).code.endswith("layer=layer)")


def test_arrays_that_were_given_stand_by_their_names():
    latent, label, logits = blobs(30)
    lens = LatentLens.from_arrays(latent, label, logits=logits)
    assert lens.code == "lens = LatentLens.from_arrays(latent, label=label, logits=logits)"


def test_controls_that_were_given_stand_in_the_call_and_what_changed_since_below_it():
    latent, label, _ = blobs(30)
    lens = LatentLens.from_arrays(latent, label, sampler="random", fraction=0.3, selection=[1, 2])
    made = 'LatentLens.from_arrays(latent, label=label, sampler="random", fraction=0.3'
    assert lens.code == f"lens = {made}, selection=[1, 2])"
    lens.fraction = 0.05
    assert lens.code.splitlines()[1:] == ["lens.fraction = 0.05"]


def test_the_start_is_what_the_call_gave_and_of_a_loaded_lens_what_the_file_held(tmp_path):
    def start(lens: LatentLens) -> dict[str, object]:
        lines = lens.about["code"]["start"]
        return {line["name"]: json.loads(line["written"]) for line in lines}

    lens = LatentLens(made_up_record(), fraction=0.1, k=3, added=[7])
    lens.fraction, lens.label = 0.4, "bee"
    assert (
        start(lens).items()
        >= {"fraction": 0.1, "k": 3, "j": 0.7, "label": "", "added": [7]}.items()
    )
    again = LatentLens.load(lens.save(tmp_path / "run.lens"))
    assert start(again).items() >= {"fraction": 0.4, "k": 3, "label": "bee", "added": [7]}.items()


def test_running_the_code_brings_the_same_answers_back():
    record = made_up_record()
    lens = LatentLens(record, fraction=0.3, sampler="random")
    lens.layer, lens.label, lens.correctness, lens.k = "conv", "bee", "correct", 5
    lens.selection, lens.added, lens.slices = np.arange(99), [7], {"a b": [1, 2]}
    names = {"LatentLens": LatentLens, "record": record}
    exec(lens.code, names)
    again = names["lens"]
    assert_frame_equal(again.frame, lens.frame)
    assert_frame_equal(again.top_k(), lens.top_k())
    assert again.code == lens.code


def test_of_a_loaded_lens_it_is_the_file_and_what_changed_since(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    LatentLens(made_up_record(), fraction=0.3, label="bee").save("run.lens")
    lens = LatentLens.load("run.lens")
    assert lens.code == 'lens = LatentLens.load("run.lens")'
    lens.fraction = 0.05
    assert lens.code.splitlines()[1:] == ["lens.fraction = 0.05"]


def test_every_control_that_is_saved_gets_a_line():
    lens = LatentLens(made_up_record())
    assert set(saved_traits(lens)) <= set(LINES)


@pytest.mark.parametrize("value", [0.05, 1.0, 1e-5, 2.5e-7, 0.1 + 0.2, "a", 'a"b\\', [1, 2], {}])
def test_a_literal_reads_back_as_what_it_was(value):
    assert eval(literal(value)) == value
    assert "e-" not in literal(value)


def test_the_golden_case_is_what_the_lens_says():
    assert FILE.read_text(encoding="utf-8") == text(), "run `make golden`"
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    assert set(TRAITS) | {"projection"} == set(LINES)
    assert golden["text"] == made_lens().code
    assert golden["text"].count("\nlens.") == len(TRAITS)
