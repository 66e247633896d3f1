"""A lens as one PNG or SVG, with a renderer and without."""

import struct

import pytest

from latentlens import LatentLens
from latentlens.widget import picture
from tests.made_up import made_up_record


@pytest.fixture
def lens():
    return LatentLens(made_up_record(), fraction=0.2)


def size(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


def test_a_png_is_as_wide_as_it_is_asked_to_be(lens, tmp_path):
    path = lens.to_png(tmp_path / "lens.png", width=700)
    assert path == tmp_path / "lens.png"
    assert abs(size(path.read_bytes())[0] - 700) <= 1


def test_an_svg_has_the_words_of_its_charts(lens):
    text = lens.to_svg(theme="dark")
    wrong = ~lens.frame["correct"]
    caught = (wrong & lens.frame["in_sample"]).sum()
    assert f"60 of 300 items in the sample, {caught} of {wrong.sum()} errors" in text
    for words in ("300 items by PCA", "top 6 units of latent", "leads, all items", "mean act"):
        assert words in text
    assert "#111111" in text
    assert "True class" in text
    lens.color_by, lens.selection = "loss", [3, 5]
    for words in ("Loss (nats, log scale)", "2 are selected and have a wide ring"):
        assert words in lens.to_svg()


def test_an_svg_can_be_written(lens, tmp_path):
    path = lens.to_svg(tmp_path / "lens.svg")
    assert "300 items by PCA" in path.read_text()


def test_where_the_samples_mean_is_not_known_the_exact_one_is_drawn(lens):
    lens.layer = "conv"
    assert "mean activation of conv" in lens.to_svg()
    lens.selection = lens.sample.index[:3]
    assert "mean activation of conv" not in lens.to_svg()


def test_without_a_renderer_the_png_is_drawn_by_hand_and_an_svg_says_what_is_missing(
    lens, monkeypatch
):
    monkeypatch.setattr(picture, "can_render", lambda: False)
    assert size(lens.to_png()) == (1520, 880)
    with pytest.raises(ImportError, match=r"pip install 'latentlens\[pictures\]'"):
        lens.to_svg()


def test_wrong_arguments_are_refused_in_words(lens, tmp_path):
    with pytest.raises(ValueError, match="theme must be one of 'light', 'dark'"):
        lens.to_png(theme="blue")
    with pytest.raises(ValueError, match="theme must be"):
        lens.to_svg(theme="blue")
    with pytest.raises(ValueError, match="width must be between 100 and 8000"):
        lens.to_png(width=5)
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere.* for 'lens.png'"):
        lens.to_png(tmp_path / "nowhere" / "lens.png")
