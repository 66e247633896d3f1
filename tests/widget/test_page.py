"""The exported page: what it holds, what it says it lacks, and what it refuses."""

import asyncio
import base64
import hashlib
import json
import re
from functools import partial
from pathlib import Path
from threading import current_thread, main_thread

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens import LatentLens
from latentlens.core import record_from_arrays
from latentlens.embed import Layout
from latentlens.session import handle
from latentlens.widget import arranging
from latentlens.widget.page.arrays import Blocks
from tests.golden import make_page
from tests.made_up import blobs, made_up_record
from tests.widget.read_page import Elements, read_block, read_page

HOSTILE = ["</script><b>ant", 'b"e\u2028e', "<!-- cat & "]


@pytest.fixture
def lens():
    pictures = np.random.default_rng(0).integers(0, 255, (60, 5, 6), dtype=np.uint8)
    return LatentLens(made_up_record(60), images=pictures)


def layer_of(contents, name):
    (found,) = [layer for layer in contents["layers"] if layer["layer"] == name]
    return found


@pytest.mark.parametrize("name", make_page.arrays())
def test_an_array_comes_back_the_same_to_the_bit(name):
    array, options = make_page.arrays()[name]
    blocks = Blocks()
    blocks.add(array, **options)
    again = read_block(blocks.entries[0], blocks.texts[0])
    assert again.dtype == options.get("dtype", array.dtype)
    assert again.tobytes() == array.ravel().astype(again.dtype).tobytes()
    assert not set(blocks.texts[0]) & set("<>&\n")


def test_the_arrays_that_vitest_reads_are_current():
    kept = json.loads(make_page.FILE.read_text(encoding="utf-8"))
    made = json.loads(make_page.text())
    # Another zlib may pack the same bytes otherwise.
    for entry in (*kept, *made):
        again = read_block(entry["block"], entry.pop("text"))
        assert again.tolist() == entry["values"]
        del entry["block"]["bytes"]
    assert kept == made, "run `make golden`, and look at what changed"


def test_the_page_holds_the_layers_to_the_bit(lens):
    contents = read_page(lens.to_html(layers=["conv", "logits"]))
    for name in ("conv", "logits"):
        found, layer = layer_of(contents, name), lens.record.layers[name]
        assert found["top_unit"].tolist() == layer.top_unit.tolist()
        assert found["top_value"].tobytes() == layer.top_value.tobytes()
        assert found["silent"].tolist() == layer.silent.tolist()
        np.testing.assert_allclose(found["cell_sum"], layer.cell_sum, rtol=1e-7)
        assert found["cell_count"].tolist() == lens.record.cell_count.tolist()


def test_the_latent_stands_for_its_own_index(lens):
    contents = read_page(lens.to_html(layers=["latent"]))
    assert layer_of(contents, "latent")["top_unit"] is None
    assert contents["latent"].tobytes() == lens.record.latent.tobytes()


def test_an_index_that_does_not_follow_from_the_latent_is_written_out():
    record = made_up_record(60)
    other = record.layers["latent"].top_value
    other[3, 0] += 1
    found = layer_of(read_page(LatentLens(record).to_html(layers=["latent"])), "latent")
    assert found["top_value"].tobytes() == other.tobytes()


def test_the_page_starts_where_the_lens_stands(lens):
    lens.fraction, lens.j, lens.k, lens.layer = 0.2, 0.5, 4, "conv"
    lens.label, lens.by, lens.correctness, lens.measure = "bee", "predicted", "correct", "count"
    lens.color_by, lens.unit, lens.selection, lens.added = "unit", 7, [3, 4], [5]
    state = read_page(lens.to_html())["state"]
    for name in ("fraction", "j", "k", "layer", "label", "by", "correctness", "measure",
                 "color_by", "unit", "sampler", "projection", "status"):  # fmt: skip
        assert state[name] == getattr(lens, name), name
    assert state["selection"].tolist() == [3, 4]
    assert state["added"].tolist() == [5]
    assert state["ranked"]["rank"].tolist() == lens.ranked["rank"].tolist()
    assert state["points"]["xy"].tobytes() == lens.points["xy"].tobytes()
    assert state["items"]["label"].tolist() == lens.record.label.tolist()


def test_metadata_and_named_selections_are_in_it():
    lens = LatentLens(
        made_up_record(60), metadata={"age": np.arange(60) / 4, "who": ["a", "b"] * 30}
    )
    lens.slices = {"late": [58, 59], "dim": [3]}
    contents = read_page(lens.to_html())
    assert [each["column"] for each in contents["columns"]] == ["age", "who"]
    assert contents["columns"][0]["values"].tolist() == (np.arange(60) / 4).tolist()
    assert contents["columns"][1]["levels"] == ["a", "b"]
    slices = contents["state"]["slices"]
    assert [(each["name"], each["rows"].tolist()) for each in slices] == [
        ("late", [58, 59]), ("dim", [3]),
    ]  # fmt: skip


def test_samplers_that_are_not_in_it_say_why(lens):
    contents = read_page(lens.to_html(samplers=["random"]))
    absent = {entry["name"]: entry["absent"] for entry in contents["state"]["about"]["samplers"]}
    here = [name for name, why in absent.items() if not why]
    assert here == ["max_margin", "random"]
    assert sorted(each["sampler"] for each in contents["rankings"]) == here
    assert "no kernel" in absent["coreset"]


def test_pictures_are_those_of_the_sample_and_the_selection(lens):
    lens.selection = [1, 2]
    pictures = read_page(lens.to_html())["pictures"]
    assert pictures["rows"] == sorted({1, 2, *lens.sample.index.tolist()})
    first = lens._images[pictures["rows"][0]]
    assert pictures["values"][: first.size].tolist() == first.ravel().tolist()
    assert pictures["shapes"] == [[5, 6]]
    assert read_page(lens.to_html(pictures="none"))["pictures"]["rows"] == []
    assert read_page(lens.to_html(pictures=[8]))["pictures"]["rows"] == [8]


def test_columns_of_the_metadata_are_in_it_as_far_as_they_fit():
    rng = np.random.default_rng(0)
    metadata = {"size": rng.normal(size=60), "colour": ["red", "blue", None] * 20}
    long = [f"{rng.integers(10**9)}" * 200 for _ in range(60)]
    lens = LatentLens(made_up_record(60), metadata={"note": long, **metadata}, color_by="colour")
    html = lens.to_html(limit_mb=0.27)
    contents = read_page(html)
    found = {column["column"]: column for column in contents["columns"]}
    assert sorted(found) == ["colour", "size"]
    assert found["colour"]["levels"] == ["blue", "red"]
    assert found["colour"]["values"].tolist() == [1, 0, -1] * 20
    assert [each["name"] for each in contents["state"]["about"]["columns"]] == ["size", "colour"]
    assert "1 column (note)" in Elements(html).all("p")[0]["text"]
    everything = read_page(lens.to_html(limit_mb=5))["columns"]
    assert {column["column"] for column in everything} == {"note", "size", "colour"}
    (size,) = [column["values"] for column in everything if column["column"] == "size"]
    assert size.tobytes() == metadata["size"].tobytes()


def test_large_pictures_are_shrunk_until_they_fit_and_the_page_says_so():
    pictures = np.random.default_rng(0).integers(0, 255, (60, 90, 60, 3), dtype=np.uint8)
    lens = LatentLens(made_up_record(60), images=pictures)
    html = lens.to_html(pictures="all", limit_mb=1.0)
    contents = read_page(html)["pictures"]
    ((high, wide, channels),) = contents["shapes"]
    assert (high, wide, channels) == (45, 30, 3)
    blocks = pictures[7].reshape(45, 2, 30, 2, 3).mean(axis=(1, 3))
    found = contents["values"].reshape(60, 45, 30, 3)[7]
    assert abs(found - blocks).max() <= 0.5 + 1e-4
    assert "pictures' detail beyond 45 pixels" in Elements(html).all("p")[0]["text"]


def test_texts_are_pictures_too():
    lens = LatentLens(made_up_record(60), images=[f"text {row} </script>" for row in range(60)])
    pictures = read_page(lens.to_html(pictures=[7]))["pictures"]
    assert (pictures["kind"], pictures["texts"]) == ("text", ["text 7 </script>"])


def test_labels_and_title_cannot_leave_their_place():
    latent, label, logits = blobs(60)
    lens = LatentLens.from_arrays(latent, label, logits=logits, classes=HOSTILE)
    plain = LatentLens.from_arrays(latent, label, logits=logits)
    html = lens.to_html(title='<img src=x onerror=alert(1)> & "more"')
    found, expected = Elements(html), Elements(plain.to_html())
    assert [each["tag"] for each in found.found] == [each["tag"] for each in expected.found]
    assert found.all("h1")[0]["text"] == '<img src=x onerror=alert(1)> & "more"'
    assert read_page(html)["state"]["about"]["classes"] == HOSTILE
    assert html.isascii() or "\u2028" not in html


def test_the_policy_lets_the_pages_own_scripts_run_and_nothing_in(lens):
    elements = Elements(lens.to_html())
    policy = elements.all("meta")[1]["content"]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    run = [each for each in elements.all("script") if each.get("type") in (None, "module")]
    digests = [base64.b64encode(hashlib.sha256(each["text"].encode()).digest()) for each in run]
    assert re.findall(r"sha256-([^']+)", policy) == [digest.decode() for digest in digests]
    assert len(run) == 2
    assert not [each for each in elements.found if {"src", "href"} & each.keys()]


def test_the_same_state_gives_the_same_page(lens):
    again = LatentLens(made_up_record(60), images=lens._images)
    assert lens.to_html() == again.to_html()


def test_what_was_left_out_stands_in_the_page_and_in_the_answer(lens, tmp_path):
    said = lens.to_html(tmp_path / "page.html", layers=["conv"], keep=10 if lens.k > 8 else 8)
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    line = Elements(html).all("p")[0]["text"]
    for words in ("2 layers (latent, logits)", "the sample's mean of conv", "12 other samplers"):
        assert words in said
        assert words in line
    assert said.startswith(f"{tmp_path / 'page.html'}: 0.2 MB.")


def test_a_smaller_index_is_said_and_holds_as_much(lens):
    lens.k = 3
    html = lens.to_html(layers=["conv"], keep=3)
    assert layer_of(read_page(html), "conv")["top_unit"].shape == (60, 3)
    assert "k up to 3 here" in Elements(html).all("p")[0]["text"]
    about = read_page(html)["state"]["about"]
    assert [layer["keep"] for layer in about["layers"]] == [3]


def test_without_a_choice_the_page_takes_the_layers_that_fit():
    rng = np.random.default_rng(0)
    latent, label, logits = blobs(1500, d=20)
    wide = {f"layer{i}": rng.normal(size=(1500, 60)).astype(np.float32) for i in range(5)}
    record = record_from_arrays(latent, label, logits=logits, activations=wide)
    lens = LatentLens(record, k=10)
    html = lens.to_html(limit_mb=0.6)
    shown = [layer["name"] for layer in read_page(html)["state"]["about"]["layers"]]
    assert len(html.encode()) <= 600_000
    assert 1 < len(shown) < len(record.layers)
    assert lens.layer in shown


def test_a_page_that_would_be_too_large_is_refused_with_what_to_leave_out(lens):
    with pytest.raises(ValueError, match=r"limit_mb=0\.17: .*layer conv.*Leave something out"):
        lens.to_html(layers=["conv", "latent"], limit_mb=0.17)


def test_the_pass_is_run_first_and_refusals_come_before_it(tmp_path):
    x = torch.rand(40, 6)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    loader = DataLoader(TensorDataset(x, torch.arange(40) % 2), batch_size=10)
    lens = LatentLens(model, loader)
    refusals = [
        (ValueError, r"layers must be one of '0', '1', '2', got 'conv'", {"layers": ["conv"]}),
        (TypeError, r"layers must be a list of names, such as \['0'\]", {"layers": "0"}),
        (ValueError, "layers must name at least one", {"layers": []}),
        (ValueError, "keep must be between 10 .*starts with the lens's k", {"keep": 3}),
        (ValueError, "pictures must be one of 'sample', 'all', 'none'", {"pictures": "some"}),
        (ValueError, "or a list of rows", {"pictures": [0.5]}),
        (ValueError, "samplers must be one of 'max_margin'", {"samplers": ["mine"]}),
        (TypeError, "title must be a string, got 3", {"title": 3}),
        (ValueError, "limit_mb must be a positive number", {"limit_mb": 0}),
        (FileNotFoundError, "no folder .*make it first", {"path": tmp_path / "no" / "page.html"}),
        (IsADirectoryError, "is a folder", {"path": tmp_path}),
    ]
    for kind, words, options in refusals:
        with pytest.raises(kind, match=words):
            lens.to_html(**options)
    assert lens.status == "waiting"
    with pytest.raises(ValueError, match="pictures must hold rows between 0 and 39"):
        lens.to_html(pictures=[40])
    assert lens.status == "ready"
    assert layer_of(read_page(lens.to_html()), "0")["top_value"].shape == (40, 5)


def test_a_layout_that_is_still_coming_is_waited_for():
    async def export():
        xy = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
        lens = LatentLens(made_up_record(60), projection=xy)
        assert lens.points["projection"] == "pca"
        return lens, xy, lens.to_html()

    lens, xy, html = asyncio.run(export())
    state = read_page(html)["state"]
    assert (state["projection"], state["points"]["projection"]) == ("own", "own")
    assert state["points"]["xy"].tobytes() == lens.points["xy"].tobytes()
    np.testing.assert_allclose(state["points"]["xy"], xy)


def test_a_page_that_cannot_be_written_leaves_the_old_one(lens, tmp_path, monkeypatch):
    target = tmp_path / "page.html"
    target.write_text("before")

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        lens.to_html(target)
    assert target.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_an_interrupt_at_the_last_moment_leaves_the_old_page_alone(lens, tmp_path, monkeypatch):
    target = tmp_path / "page.html"
    target.write_text("before")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        lens.to_html(target)
    assert target.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def small_lens():
    """Make a lens whose model is at hand."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    loader = DataLoader(TensorDataset(torch.rand(40, 6), torch.arange(40) % 2), batch_size=10)
    return model, LatentLens(model, loader, k=1).run(progress=False)


def test_scoring_interrupted_leaves_no_page_and_can_be_done_again(tmp_path):
    model, lens = small_lens()

    def interrupt(*_):
        raise KeyboardInterrupt

    hook = model.register_forward_hook(interrupt)
    with pytest.raises(KeyboardInterrupt):
        lens.to_html(tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []
    hook.remove()
    assert not any(part._forward_hooks for part in model.modules())
    _, untouched = small_lens()
    assert read_page(lens.to_html())["quality"] == read_page(untouched.to_html())["quality"]


def test_a_layout_interrupted_leaves_no_page_and_no_work_that_never_ends(tmp_path):
    class Interrupted:
        def fit_transform(self, latent):
            if current_thread() is main_thread():
                raise KeyboardInterrupt
            return np.zeros((len(latent), 2))

    async def export():
        lens = LatentLens(made_up_record(60), projection=Interrupted())
        with pytest.raises(KeyboardInterrupt):
            lens.to_html(tmp_path / "page.html")
        return lens

    lens = asyncio.run(export())
    assert list(tmp_path.iterdir()) == []
    assert "layout" not in lens._activities
    assert lens.points["projection"] == "pca"
    assert lens.points["done"]


@pytest.mark.parametrize("under_way", [False, True])
def test_a_layout_interrupted_in_between_is_laid_out_anew_for_the_next_page(monkeypatch, under_way):
    lens = LatentLens(made_up_record(60), projection="tsne")
    half, whole = (np.full((60, 2), fill, np.float32) for fill in (2, 3))
    if under_way:
        lens._take_layout("tsne", Layout(xy=half, done=False, progress=0.1, text=""))
    else:
        lens._take_layout("pca", Layout(xy=half, done=True, progress=1.0, text=""))

    def stages(*_, breaks, **__):
        yield Layout(xy=half - 1, done=False, progress=0.1, text="")
        yield Layout(xy=half + 7, done=False, progress=0.2, text="")
        if breaks:
            raise KeyboardInterrupt
        yield Layout(xy=whole, done=True, progress=1.0, text="")

    monkeypatch.setattr(arranging, "layouts", partial(stages, breaks=True))
    with pytest.raises(KeyboardInterrupt):
        lens.to_html(progress=False)
    assert (lens.frame[["x", "y"]] == 2).all(axis=None), "the map is the one before"
    assert "layout" not in lens._activities
    monkeypatch.setattr(arranging, "layouts", partial(stages, breaks=False))
    lens.to_html(progress=False)
    assert lens.points["done"]
    assert lens.points["projection"] == "tsne"
    assert (lens.frame[["x", "y"]] == 3).all(axis=None)


@pytest.mark.parametrize("on_screen", [False, True])
def test_a_bar_says_how_far_the_scoring_is_on_screen_or_not(on_screen, capsys):
    _, lens = small_lens()
    if on_screen:
        lens._repr_mimebundle_()
    lens.to_html()
    said = capsys.readouterr().err
    assert "Scoring samples: 100%" in said
    lens.to_html()
    assert capsys.readouterr().err == "", "what is known takes no bar"


def test_no_bar_is_shown_where_none_is_wanted(capsys):
    _, lens = small_lens()
    lens.to_html(progress=False)
    assert capsys.readouterr().err == ""


def test_the_quality_is_worked_out_for_the_page(lens):
    lens.k = 3
    (known,) = read_page(lens.to_html())["quality"]
    asked = {"sampler": "max_margin", "fraction": 0.05, "j": 0.7, "by": "true", "k": 3}
    *_, told = handle(lens._ready(), {"kind": "quality", "id": 1, **asked})
    assert {name: known[name] for name in ("sampler", "j", "by", "k")} == {
        name: asked[name] for name in ("sampler", "j", "by", "k")
    }
    assert known["reply"] == {**known["reply"], "curves": told["curves"], "done": True}
    assert all(value is not None for value in known["reply"]["curves"][0]["s1"])


def test_the_page_runs_the_model_for_the_quality_once():
    torch.manual_seed(0)
    x = torch.rand(40, 6)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    loader = DataLoader(TensorDataset(x, torch.arange(40) % 2), batch_size=10)
    lens = LatentLens(model, loader, k=1)
    (first,) = read_page(lens.to_html())["quality"]
    assert all(value is not None for value in first["reply"]["curves"][0]["s2"])
    runs = []
    model.register_forward_hook(lambda *_: runs.append(1))
    (again,) = read_page(lens.to_html())["quality"]
    assert (again, runs) == (first, [])


def test_where_the_model_cannot_run_the_fidelity_is_by_the_index_alone(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    loader = DataLoader(TensorDataset(torch.rand(40, 6), torch.arange(40) % 2), batch_size=10)
    lens = LatentLens(model, loader, k=1).run(progress=False)
    with torch.no_grad():
        model[0].weight.add_(1)
    said = lens.to_html(tmp_path / "page.html")
    assert "S2 of the fidelity (The weights of Sequential" in said
    (known,) = read_page((tmp_path / "page.html").read_text(encoding="utf-8"))["quality"]
    first = known["reply"]["curves"][0]
    assert known["reply"]["done"]
    assert None not in first["s1"]
    assert set(first["s2"]) == {None}


def test_fidelity_that_cannot_be_known_is_said_to_be_left_out(tmp_path):
    latent, _, logits = blobs(60)
    lens = LatentLens.from_arrays(latent, [-1] * 60, logits=logits, k=1)
    said = lens.to_html(tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert read_page(html)["quality"] == []
    words = (
        "fidelity (No item's label is known, so there are no cells to score a sample by; to_html"
    )
    assert words in said
    assert words in Elements(html).all("p")[0]["text"]
