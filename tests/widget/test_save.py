"""A lens as a file: what comes back is what was saved, and what is wrong is refused."""

import numpy as np
import pytest
import torch
import traitlets as t
from pandas.testing import assert_frame_equal

from latentlens import LatentLens
from latentlens.extract import ModelChanged
from latentlens.store import read_archive, write_archive
from latentlens.widget.save import DERIVED, saved_traits
from latentlens.widget.traits import bundle, synced
from tests.browser.network import classifier, loader
from tests.made_up import blobs, made_up_record

CONTROLS = {
    "fraction": 0.21, "j": 0.4, "layer": "conv", "label": "bee", "by": "predicted",
    "correctness": "correct", "k": 5, "measure": "count", "color_by": "loss", "unit": 3,
}  # fmt: skip


@pytest.fixture
def lens():
    return LatentLens(made_up_record(), fraction=0.2)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.lens"


def changed(path, change):
    """Write a file again with another content, as one who wants to mislead would."""
    content = read_archive(path)
    change(content)
    write_archive(path, content)
    return path


# -- what comes back -------------------------------------------------------------


def test_a_lens_comes_back_with_its_frame_sample_and_answers_to_the_bit(lens, path):
    for name, value in CONTROLS.items():
        setattr(lens, name, value)
    lens.selection, lens.added = [3, 14, 15], [200, 201]
    assert lens.save(path) == path
    again = LatentLens.load(path)
    assert_frame_equal(again.frame, lens.frame, check_exact=True)
    for name in ("index", "role", "weight", "group"):
        np.testing.assert_array_equal(getattr(again.sample, name), getattr(lens.sample, name))
    assert_frame_equal(again.top_k(), lens.top_k(), check_exact=True)
    assert_frame_equal(again.max_neurons(), lens.max_neurons(), check_exact=True)
    np.testing.assert_array_equal(again.points["xy"], lens.points["xy"])
    assert {name: getattr(again, name) for name in CONTROLS} == CONTROLS
    assert again.selection.tolist() == [3, 14, 15]
    assert again.added.tolist() == [200, 201]
    assert again.status == "ready"
    told, before = ({**each.about, "code": None} for each in (again, lens))
    assert told == before


@pytest.mark.parametrize("sampler", ["coreset", "gmm_full", "boundary_tree", "latent_grid"])
def test_rankings_come_back_as_they_were_fitted_and_are_not_fitted_again(
    lens, path, sampler, monkeypatch
):
    lens.sampler = sampler
    before = lens.sample
    lens.save(path)
    monkeypatch.setattr("latentlens.samplers.base.BaseSampler.fit", None)
    again = LatentLens.load(path)
    np.testing.assert_array_equal(again.sample.index, before.index)
    np.testing.assert_array_equal(again.sample.weight, before.weight)
    assert again.sample.probability == before.probability


def test_a_sampler_that_was_not_fitted_ranks_by_the_same_seed(path):
    lens = LatentLens(made_up_record(), random_state=7)
    lens.save(path)
    again = LatentLens.load(path)
    lens.sampler = again.sampler = "random"
    np.testing.assert_array_equal(again.sample.index, lens.sample.index)


def test_a_layout_that_was_brought_along_comes_back(path):
    record = made_up_record()
    xy = np.random.default_rng(0).normal(size=(len(record), 2)).astype(np.float32)
    LatentLens(record, projection=xy).save(path)
    again = LatentLens.load(path)
    assert again.projection == "own"
    np.testing.assert_array_equal(again.points["xy"], xy)
    assert again.points["done"]


def test_every_synced_trait_is_saved_unless_it_follows_from_others(lens):
    synced_names = {name for name in lens.traits(sync=True) if not name.startswith("_")}
    missing = synced_names - set(saved_traits(lens)) - DERIVED
    assert missing == {"layout", "tabbable", "tooltip"}


def test_a_synced_trait_that_did_not_exist_yesterday_is_saved_by_itself(path):
    class Wider(LatentLens):
        slices = synced(t.Dict())
        table = bundle()

    lens = Wider(made_up_record())
    lens.slices = {"hard": np.array([1, 2], np.uint32)}
    lens.set_trait("table", {"age": np.arange(3.0), "unit": "years"})
    lens.save(path)
    again = Wider.load(path)
    assert again.slices["hard"].tolist() == [1, 2]
    assert again.table["age"].tolist() == [0, 1, 2]
    assert again.table["unit"] == "years"
    assert LatentLens.load(path).fraction == lens.fraction


def test_a_lens_that_was_loaded_can_be_saved_again(lens, path, tmp_path):
    lens.save(path)
    LatentLens.load(path).save(tmp_path / "again.lens")
    assert (tmp_path / "again.lens").read_bytes() == path.read_bytes()


# -- pictures --------------------------------------------------------------------


def with_pictures(n=300):
    latent, label, logits = blobs(n)
    images = np.random.default_rng(0).integers(0, 255, (n, 5, 6), np.uint8)
    return LatentLens.from_arrays(latent, label, logits=logits, images=images), images


def shown(lens, row):
    return lens._ready().pictures([row])[0]


def test_all_pictures_of_few_items_come_back(path):
    lens, images = with_pictures()
    lens.save(path)
    again = LatentLens.load(path)
    assert again.about["pictures"] == "image"
    for row in (0, 150, 299):
        np.testing.assert_array_equal(shown(again, row).image, images[row])


def test_an_item_that_is_opened_has_its_picture_without_the_model(path):
    lens, images = with_pictures()
    lens.save(path)
    opened = LatentLens.load(path)._ready().pictures.large(7)
    np.testing.assert_array_equal(opened.image, images[7])


def test_of_many_items_the_pictures_of_sample_and_selection_come_back(path):
    lens, images = with_pictures(1200)
    lens.selection = outside = np.flatnonzero(~lens.frame["in_sample"])[:2]
    lens.save(path)
    again = LatentLens.load(path)
    for row in [*outside, *lens.sample.index[:3]]:
        np.testing.assert_array_equal(shown(again, int(row)).image, images[row])
    rest = np.flatnonzero(~lens.frame["in_sample"])[2]
    assert shown(again, int(rest)).kind == "none"


@pytest.mark.parametrize(("which", "n"), [("none", 0), ("all", 1200), ([4, 2, 4], 2)])
def test_which_pictures_are_saved_can_be_said(path, which, n):
    lens, _ = with_pictures(1200)
    lens.save(path, pictures=which)
    kept = LatentLens.load(path)._ready().pictures
    found = 0 if kept is None else sum(p.kind == "image" for p in kept(range(1200)))
    assert found == n


def test_texts_and_series_come_back(path):
    latent, label, _ = blobs(4)
    mixed = ["a text", np.linspace(0, 1, 9, dtype=np.float32), None, np.zeros((4, 4, 3), np.uint8)]
    lens = LatentLens.from_arrays(latent, label, images=mixed, sampler="random")
    lens.save(path)
    again = LatentLens.load(path)
    assert shown(again, 0).text == "a text"
    np.testing.assert_array_equal(shown(again, 1).series, mixed[1])
    assert [shown(again, row).kind for row in range(4)] == ["text", "series", "none", "image"]


def test_another_word_for_pictures_is_refused_before_anything_is_written(lens, path):
    with pytest.raises(ValueError, match="pictures must be one of 'sample', 'all', 'none'"):
        lens.save(path, pictures="some")
    with pytest.raises(ValueError, match="pictures must"):
        lens.save(path, pictures=[300])
    assert not path.exists()


def test_a_folder_that_is_missing_is_named(lens, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere.* for 'run.lens'"):
        lens.save(tmp_path / "nowhere" / "run.lens")


# -- the model -------------------------------------------------------------------


@pytest.fixture(scope="module")
def model():
    return classifier()


@pytest.fixture
def of_model(model, path):
    lens = LatentLens(model, loader(model, 120), sampler="random", fraction=0.2).run(progress=False)
    lens.save(path)
    return lens


def test_with_model_and_data_the_lens_runs_the_model_again_and_reads_nothing_before(
    of_model, model, path
):
    again = LatentLens.load(path, model, loader(model, 120))
    assert again.status == "ready"
    assert_frame_equal(again.mean_activation(layer="1"), of_model.mean_activation(layer="1"))
    assert len(again.sample.subset()) == len(of_model.sample)
    picture = shown(again, 3).image
    np.testing.assert_array_equal(picture, shown(of_model, 3).image)


def test_a_lens_whose_model_was_trained_on_is_saved_with_its_pictures(path, tmp_path):
    model = classifier()
    lens = LatentLens(model, loader(model, 40), sampler="random").run(progress=False)
    with torch.no_grad():
        model[1].weight.add_(1)
    kept = LatentLens.load(lens.save(path))
    np.testing.assert_array_equal(shown(kept, 3).image, shown(lens, 3).image)
    lens.to_html(tmp_path / "page.html")
    with pytest.raises(ModelChanged, match="no longer those the pass began with"):
        lens.mean_activation(layer="1", on="sample")


def test_pictures_are_read_a_part_at_a_time_when_a_lens_is_saved(path):
    lens, images = with_pictures(450)
    shown_at = lens._ready().pictures
    asked = []
    read = shown_at._read
    shown_at._read = lambda rows: asked.append(len(rows)) or read(rows)
    lens.save(path)
    assert max(asked) == 200
    np.testing.assert_array_equal(shown(LatentLens.load(path), 449).image, images[449])


def test_without_the_model_what_needs_it_says_so(of_model, path):
    again = LatentLens.load(path)
    assert_frame_equal(again.top_k(layer="1"), of_model.top_k(layer="1"))
    with pytest.raises(ValueError, match="model cannot be run"):
        again.mean_activation(layer="1")


def test_other_weights_are_refused_unless_one_insists_and_then_it_says_so(of_model, path):
    assert of_model.status == "ready"
    other = classifier(seed=1)
    with pytest.raises(ValueError, match=r"other weights .*insist=True"):
        LatentLens.load(path, other, loader(classifier(), 120))
    lens = LatentLens.load(path, other, loader(classifier(), 120), insist=True)
    assert "loaded all the same" in lens.about["notes"][-1]


def test_other_data_of_the_same_size_are_refused(of_model, model, path):
    assert of_model.status == "ready"
    other = loader(model, 120)
    other.dataset.pictures = other.dataset.pictures.flip(0)
    with pytest.raises(ValueError, match="Row 0 of loader has another latent"):
        LatentLens.load(path, model, other)


def test_fewer_data_and_another_network_are_refused(of_model, model, path):
    assert of_model.status == "ready"
    with pytest.raises(ValueError, match="loader gives other items than the 120"):
        LatentLens.load(path, model, loader(model, 60))
    narrow = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 4))
    with pytest.raises(ValueError, match=r"Sequential has no layer '1' of 30 units"):
        LatentLens.load(path, narrow, loader(model, 120))


def test_a_model_needs_its_data(of_model, model, path):
    assert of_model.status == "ready"
    with pytest.raises(TypeError, match="needs the model and its data, or neither"):
        LatentLens.load(path, model)


def test_the_model_is_left_as_it_was(of_model, model, path):
    assert of_model.status == "ready"
    LatentLens.load(path, model, loader(model, 120))
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())


# -- files that are wrong --------------------------------------------------------


def test_a_file_that_is_not_there_is_named(path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        LatentLens.load(path)


def test_a_folder_is_no_lens(tmp_path):
    with pytest.raises(ValueError, match=r"is no file; give one that lens\.save wrote"):
        LatentLens.load(tmp_path)


def put(*keys, to):
    """Give a change that sets one entry deep in a file's content."""

    def change(content):
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = to(content[keys[-1]]) if callable(to) else to

    return change


def with_entry(index, value):
    def to(array):
        array = array.copy()
        array[index] = value
        return array

    return to


LAYER = ("record", "layers", 0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (put("record", to=None), "has no record of the lens"),
        (put("record", "latent", to=None), "has latent of record"),
        (put("record", "latent", to=lambda z: z.astype(np.float64)), "has latent of record"),
        (put("record", "latent", to=lambda z: z[:0]), "has latent of record"),
        (put("record", "label", to=with_entry(0, 3)), "has label of record"),
        (put("record", "label", to=with_entry(0, -2)), "has label of record"),
        (put("record", "pred", to=with_entry(0, -1)), "has pred of record"),
        (put("record", "latent", to=with_entry((0, 0), np.nan)), "has latent of record"),
        (put("record", "logits", to=with_entry((0, 0), np.inf)), "has logits of record"),
        (put("record", "ids", to=with_entry(0, -1)), "has ids of record"),
        (put("record", "ids", to=with_entry(0, 2**40)), "has ids of record"),
        (put("record", "cell_count", to=with_entry((0, 0), -1)), "has cell_count of record"),
        (put("record", "cell_count", to=lambda n: n + 1), "has cell_count of record"),
        (put("record", "cell_count", to=lambda n: n * np.nan), "has cell_count of record"),
        (put("record", "classes", to=["a", 1, "b"]), "has classes of record"),
        (put("record", "classes", to=["ant", "bee", "ant"]), "has classes of record"),
        (put("record", "classes", to=["ant", " ", "bee"]), "has classes of record"),
        (put("record", "latent_layer", to="conv"), "has latent_layer of record"),
        (put("record", "meta", "notes", to="a note"), "has notes of meta of record"),
        (put("record", "layers", to={}), "has layers of record"),
        (put(*LAYER, "top_unit", to=with_entry((0, 0), 40)), "has top_unit of layer 0"),
        (put(*LAYER, "top_unit", to=lambda u: u[:5]), "has top_unit of layer 0"),
        (put(*LAYER, "top_value", to=with_entry((0, 0), np.nan)), "has top_value of layer 0"),
        (put(*LAYER, "top_value", to=lambda v: v[:, ::-1]), "has top_value of layer 0"),
        (put(*LAYER, "cell_sum", to=with_entry((0, 0, 0), np.nan)), "has cell_sum of layer 0"),
        (put(*LAYER, "units", to=0), "has units of layer 0"),
        (put(*LAYER, "units", to=41), "has shape of layer 0"),
        (put(*LAYER, "units", to=True), "has units of layer 0"),
        (put(*LAYER, "nonfinite", to=-1), "has nonfinite of layer 0"),
        (put(*LAYER, "shape", to=[-1]), "has shape of layer 0"),
        (put(*LAYER, "shape", to=[2**40]), "has shape of layer 0"),
        (put(*LAYER, "reduce", to="eval"), "has reduce of layer 0"),
        (put("record", "layers", 1, "name", to="conv"), "has layers of record"),
        (put("rankings", "max_margin", "rank", to=with_entry(0, -1)), "has rank of max_margin"),
        (put("rankings", "max_margin", "rank", to=lambda r: r * 0), "has rank of max_margin"),
        (put("rankings", "max_margin", "group", to=with_entry(0, 9)), "has group of max_margin"),
        (put("rankings", "max_margin", "group_size", to=lambda n: n + 1), "has group_size of max"),
        (
            put("rankings", "max_margin", "log_ratio", to=with_entry(0, np.nan)),
            "has log_ratio of max_margin",
        ),
        (put("rankings", "max_margin", "allocation", to="all"), "has allocation of max_margin"),
        (put("rankings", "max_margin", "floor", to=-1), "has floor of max_margin"),
        (put("rankings", "max_margin", "floor", to=2**40), "has floor of max_margin"),
        (put("points", "xy", to=with_entry((0, 0), np.nan)), "has xy of points"),
        (put("points", "xy", to=lambda xy: xy[:5]), "has xy of points"),
        (put("state", "fraction", to=2.0), "fraction must be between 0"),
        (put("state", "fraction", to="much"), "fraction"),
        (put("state", "selection", to=np.array([300], np.uint32)), "selection must hold rows"),
        (put("state", "selection", to=np.array(3.5)), "selection must list row numbers"),
        (put("state", "layer", to="fc9"), "layer must be one of"),
        (put("state", "sampler", to="coin"), "has sampler of state"),
        (put("state", "projection", to="eval"), "has projection of state"),
        (put("state", to=[]), "has no state of the lens"),
        (put("random_state", to=-1), "has random_state of the lens"),
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused_in_one_sentence(lens, path, change, words):
    lens.save(path)
    changed(path, change)
    with pytest.raises(ValueError, match=words) as caught:
        LatentLens.load(path)
    said = str(caught.value)
    assert said.startswith(repr(str(path)))
    assert "; take another copy of it, or save it again" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "change",
    [
        put("metadata", to=[]),
        put("metadata", "0", "name", to="pred"),
        put("metadata", "0", "name", to="PLACE"),
        put("metadata", "0", "origin", to="date"),
        put("metadata", "0", "values", to=lambda values: values[1:]),
        put("metadata", "0", "name", to='a"b'),
        put("metadata", "0", "values", to=with_entry(0, np.inf)),
        put("metadata", "0", "values", to=with_entry(0, 0.5)),
        put("metadata", "1", "values", to=with_entry(0, 2)),
        put("metadata", "1", "levels", to=["Ulm", "Ulm"]),
        put("metadata", "1", "origin", to="bool"),
        put("state", "slices", to={"hard": np.array([300], np.uint32)}),
        put("state", "slices", to={"hard": "all"}),
        put("state", "slices", to=[1]),
    ],
)
def test_metadata_and_slices_that_do_not_fit_are_refused(path, change):
    n = len(made_up_record())
    table = {"size": np.arange(n), "place": [["Ulm", "Rome"][i % 2] for i in range(n)]}
    lens = LatentLens(made_up_record(), metadata=table, slices={"hard": [1, 2]})
    lens.save(path)
    assert LatentLens.load(path).slices["hard"].tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"run\.lens' (has|sets)"):
        LatentLens.load(changed(path, change))


@pytest.mark.parametrize("name", ["$array", "$$array", "state", "__proto__"])
def test_a_slice_may_have_any_name(lens, path, name):
    lens.slices[name] = [3, 14, 15]
    again = LatentLens.load(lens.save(path))
    assert list(again.slices) == [name]
    assert again.slices[name].tolist() == [3, 14, 15]


@pytest.mark.parametrize(
    "change",
    [
        put("pictures", "rows", to=with_entry(0, 300)),
        put("pictures", "rows", to=lambda rows: rows[1:]),
        put("pictures", "shape", to=with_entry((0, 0), 10**6)),
        put("pictures", "shape", to=with_entry((0, 0), -1)),
        put("pictures", "shape", to=with_entry((0, 0), 4)),
        put("pictures", "images", to=lambda values: values[:-1]),
        put("pictures", "kinds", to=["image"]),
        put("pictures", "kind", to="film"),
        put("pictures", to=[1]),
    ],
)
def test_pictures_that_do_not_fit_their_shapes_are_refused(path, change):
    lens, _ = with_pictures(30)
    lens.save(path)
    with pytest.raises(ValueError, match="pictures"):
        LatentLens.load(changed(path, change))


def test_a_flipped_bit_in_a_saved_lens_is_noticed(lens, path):
    lens.save(path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"run\.lens' is damaged"):
        LatentLens.load(path)
