"""Inputs of every kind: pictures small and large, grey and coloured, text, sound, or none."""

import pytest

from tests.browser.view import View, until

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
from latentlens import LatentLens
from tests.made_up import blobs

latent, label, logits = blobs(60, d=8, n_classes=3, seed=3)
rng = np.random.default_rng(0)

def show(images):
    names = ["a class of sounds", "a class of words", "a class of things"]
    options = dict(images=images, classes=names, fraction=0.5)
    return LatentLens.from_arrays(latent, label, logits=logits, **options)

def sound(i):
    time = np.arange(16_000) / 16_000
    wave = np.sin(2 * np.pi * (3 + i) * time) * np.exp(-3 * time)
    return (30_000 * np.stack([wave, wave[::-1]])).astype(np.int16)
"""
KINDS = {
    "tiny": "rng.integers(0, 255, (60, 8, 8), dtype=np.uint8)",
    "colour": "rng.random((60, 3, 32, 32)).astype('f4')",
    "large": "[np.kron(rng.integers(0, 255, (4, 3, 3), dtype=np.uint8),"
    " np.ones((256, 256, 1), np.uint8)) for _ in range(60)]",
    "text": "[f'An example, the {i}th of some, with more words than a card has room for.'"
    " for i in range(60)]",
    "sound": "[sound(i) for i in range(60)]",
    "none": "None",
}
PICTURE = """(card) => {
  const image = card.querySelector("canvas");
  const pixels = image?.getContext("2d").getImageData(0, 0, image.width, image.height).data;
  return {
    size: image && [image.width, image.height],
    grey: pixels && pixels.every((v, i) => i % 4 === 3 || v === pixels[i - (i % 4)]),
    drawn: image && getComputedStyle(image).imageRendering,
    text: card.querySelector(".ll-text")?.textContent,
    lines: card.querySelectorAll(".ll-series path").length,
  };
}"""
WANTED = {
    "tiny": {"size": [8, 8], "grey": True, "drawn": "pixelated"},
    "colour": {"size": [32, 32], "grey": False, "drawn": "pixelated"},
    "large": {"size": [69, 93], "grey": False, "drawn": "auto"},
    "text": {},
    "sound": {"lines": 2},
    "none": {},
}


@pytest.fixture(scope="module")
def shared(open_shared):
    notebook = open_shared(SETUP, "")
    notebook.run(0)
    return notebook


@pytest.mark.parametrize("kind", KINDS)
def test_an_input_is_shown_as_what_it_is(shared, kind):
    shared.run(1, f"lens = show({KINDS[kind]})\nlens")
    view = View(shared).ready()
    card = view.pane("strip").locator("[data-row]").first
    card.scroll_into_view_if_needed()
    until(lambda: card.locator(".ll-coming").count(), 0)
    nothing = {"size": None, "grey": None, "drawn": None, "text": None, "lines": 0}
    wanted = {**nothing, **WANTED[kind]}
    if kind == "text":
        row = int(card.get_attribute("data-row"))
        wanted["text"] = shared.ask(f"lens._images[{row}]")
    assert card.evaluate(PICTURE) == wanted
    assert view.pane("strip").locator(".ll-bare").count() == (kind == "none")
    shared.clear(1)
    until(shared.page.locator(".ll").count, 0)
