"""What a cell keeps of a lens for those who read the notebook without its kernel."""

import asyncio
import struct
import zlib
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from latentlens import LatentLens
from latentlens.core.palette import (
    CORRECT,
    OKABE_ITO,
    UNKNOWN,
    WRONG,
    class_colours,
    scale_colours,
)
from latentlens.widget import cell, raster
from latentlens.widget.snapshot import BRING_BACK, UNREAD, as_html, as_text, draw, take_snapshot
from tests.browser.network import classifier, loader
from tests.golden.make_palette import FILE, text
from tests.made_up import made_up_record

VIEW = "application/vnd.jupyter.widget-view+json"


class Shell:
    """Stands for IPython in a kernel: ends cells, and keeps what is displayed."""

    def __init__(self, monkeypatch):
        self.shown = []
        self.events = SimpleNamespace(callbacks={"post_run_cell": []}, register=self.register)
        monkeypatch.setattr(cell, "_jupyter_shell", lambda: self)
        monkeypatch.setattr("IPython.display.display", self.display)

    def register(self, name, run):
        self.events.callbacks[name].append(run)

    def display(self, data, *, display_id, update, raw, metadata=None):
        assert raw
        self.shown.append((display_id, update, data, metadata))

    def end_cell(self):
        self.shown.clear()
        for run in self.events.callbacks["post_run_cell"]:
            run(None)
        return self.shown


@pytest.fixture
def shell(monkeypatch):
    cell._OUTPUTS.clear()
    return Shell(monkeypatch)


@pytest.fixture
def lens():
    lens = LatentLens(made_up_record(), fraction=0.1)
    # Where a loop is running the ranking is still under way.
    assert len(lens.sample) == 30
    return lens


def read_png(data):
    """Give the pixels' colours, shape (high, wide, 3), by a reader of its own."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(
            kind + body
        )
        chunks[kind], at = body, at + 12 + size
    wide, high = struct.unpack(">II", chunks[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(high, wide + 1)
    assert not lines[:, 0].any()
    return np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)[lines[:, 1:]]


# -- the outputs -----------------------------------------------------------------


def test_a_cell_that_shows_a_lens_gets_a_picture_and_a_table_when_it_is_through(lens, shell):
    data, _ = lens._repr_mimebundle_()
    assert data[VIEW]["model_id"] == lens.model_id
    assert data["text/plain"] == cell.ONE_LINE
    (first, _, picture, size), (second, _, table, _) = shell.end_cell()
    assert first != second
    assert picture["image/png"] == draw(take_snapshot(lens))
    assert size == {"image/png": {"width": 760}}
    assert table["text/html"].startswith('<div class="ll-snapshot">')
    assert BRING_BACK in table["text/plain"]


def test_at_the_end_of_a_cell_that_changed_the_lens_both_are_updated_in_place(lens, shell):
    lens._repr_mimebundle_()
    names = [name for name, *_ in shell.end_cell()]
    assert shell.end_cell() == []
    lens.fraction = 0.5
    found = shell.end_cell()
    assert [(name, update) for name, update, *_ in found] == [(name, True) for name in names]
    assert "150 items" in found[1][2]["text/plain"]


def test_a_lens_that_is_not_shown_draws_nothing(lens, shell):
    cell._watch_cells(shell)
    lens.fraction = 0.5
    assert shell.end_cell() == []


def test_what_changes_between_cells_is_drawn_when_it_rests_and_once(shell, monkeypatch):
    monkeypatch.setattr(cell, "REST_S", 0)

    async def change():
        lens = LatentLens(made_up_record())
        # The ranking comes from a worker, and would be a change of its own.
        while lens.ranked is None:
            await asyncio.sleep(0)
        lens._repr_mimebundle_()
        while lens.ranked is None:
            await asyncio.sleep(0)
        shell.end_cell()
        shell.shown.clear()
        for fraction in (0.2, 0.3, 0.4):
            lens.fraction = fraction
        while not shell.shown:
            await asyncio.sleep(0)
        return len(shell.shown), shell.shown[1][2]["text/plain"]

    n, words = asyncio.run(change())
    assert n == 2
    assert "120 items" in words


def test_before_the_pass_is_over_the_table_says_so(shell):
    model = classifier()
    lens = LatentLens(model, loader(model, 40))
    lens._repr_mimebundle_()
    assert UNREAD in shell.end_cell()[1][2]["text/html"]
    lens.run(progress=False)
    assert "40" in shell.end_cell()[1][2]["text/html"]


def test_a_picture_that_fails_is_logged_and_stops_nobody(lens, shell, monkeypatch, caplog):
    monkeypatch.setattr(cell, "draw", lambda _: 1 / 0)
    lens._repr_mimebundle_()
    assert shell.end_cell() == []
    assert "could not be drawn" in caplog.text


def test_where_outputs_cannot_be_hidden_the_picture_goes_into_the_widgets_own(lens):
    data, _ = lens._repr_mimebundle_()
    assert read_png(data["image/png"]).shape == (880, 1520, 3)
    assert "MaxMargin, fraction 0.1, j 0.7" in data["text/plain"]


# -- the table -------------------------------------------------------------------


def test_the_table_says_what_the_lens_says(lens):
    lens.label, lens.layer, lens.k = "bee", "conv", 4
    words = as_text(take_snapshot(lens))
    top, frame = lens.top_k(), lens.frame
    wrong = ~frame["correct"]
    caught = (wrong & frame["in_sample"]).sum()
    assert f"{lens.about['accuracy']:.2%} (exact)" in words
    assert f"{caught} of {wrong.sum()} (exact)" in words
    assert f"{', '.join(map(str, top['unit']))} (of the sample)" in words
    assert f"{top.attrs['precision']:.3f} (measured)" in words
    assert f"conv, bees: {top.attrs['n_used']} of {top.attrs['n_group']}" in words


def test_names_in_the_table_are_text_and_never_markup():
    record = made_up_record()
    classes = ["<b>ant</b>", "bee", "cat"]
    lens = LatentLens.from_arrays(record.latent, record.label, classes=classes)
    lens.label = "<b>ant</b>"
    html = as_html(take_snapshot(lens))
    assert "<b>" not in html
    assert "&lt;b&gt;ant" in html


def test_a_ranking_that_is_not_fitted_yet_is_not_fitted_for_a_picture(lens, monkeypatch):
    session = lens._ready()
    monkeypatch.setattr(session, "_rankings", {})
    assert "not drawn yet" in as_text(take_snapshot(lens))
    assert session.rankings == {}


# -- the picture -----------------------------------------------------------------


def test_the_picture_has_every_class_in_its_colour_and_no_other(lens):
    pixels = read_png(draw(take_snapshot(lens))).reshape(-1, 3)
    found = {"#" + bytes(colour).hex() for colour in np.unique(pixels, axis=0)}
    assert set(OKABE_ITO[:3]) <= found
    assert "#ffffff" in found
    assert not set(OKABE_ITO[3:7]) & found


def colours_of(lens):
    pixels = read_png(draw(take_snapshot(lens)))
    found = np.unique(pixels[60:, :820].reshape(-1, 3), axis=0)
    return {"#" + bytes(colour).hex() for colour in found}


def test_the_picture_is_coloured_as_the_lens_is_and_rings_what_is_selected():
    lens = LatentLens(made_up_record(), sampler="random")
    lens.color_by = "correct"
    assert {CORRECT, WRONG} <= colours_of(lens)
    assert OKABE_ITO[1] not in colours_of(lens)
    lens.color_by = "loss"
    assert len(set(scale_colours(240)) & colours_of(lens)) > 20
    lens.color_by = "kept"
    assert UNKNOWN["light"] in colours_of(lens), "what was never measured is not measured for it"


def test_the_picture_rings_what_is_selected_and_nothing_else():
    lens = LatentLens(made_up_record(), sampler="random")
    outside = np.setdiff1d(np.arange(300), lens.sample.index)[:1]
    lens.selection = outside
    pixels = read_png(draw(take_snapshot(lens)))[60:860, 20:820]
    y, x = np.nonzero((pixels == 0x1A).all(axis=2))
    assert len(y) > 40
    assert max(np.ptp(y), np.ptp(x)) == 22


def test_a_dark_picture_is_dark(lens):
    pixels = read_png(draw(take_snapshot(lens), "dark"))
    assert np.median(pixels) == 0x11


def test_later_marks_lie_above_earlier_ones():
    canvas = raster.Canvas(9, 9, ["#000000", "#0000ff", "#00ff00"])
    at = np.array([4, 4])
    canvas.stamp(at, at, np.array([1, 2], np.uint8), "disc", 2)
    assert set(np.unique(canvas.pixels)) == {0, 2}


def test_marks_beyond_the_edge_are_cut_off():
    canvas = raster.Canvas(9, 9, ["#000000", "#0000ff"])
    canvas.stamp(np.array([-1, 100]), np.array([0, 4]), np.ones(2, np.uint8), "disc", 2)
    assert canvas.pixels[:, 5:].sum() == 0
    assert canvas.pixels[0, 0] == 1


def test_many_points_are_thinned_and_the_picture_says_so(monkeypatch):
    monkeypatch.setattr("latentlens.widget.snapshot.MOST_DOTS", 50)
    said = []
    monkeypatch.setattr(raster.Canvas, "text", lambda *args, **_: said.append(args[3]))
    draw(take_snapshot(LatentLens(made_up_record())))
    assert any("50 of the others" in words for words in said)


@pytest.mark.parametrize("n", [2, 8, 9, 100, 1000])
def test_any_number_of_classes_can_be_drawn(n):
    latent = np.random.default_rng(0).normal(size=(1000, 3))
    lens = LatentLens.from_arrays(latent, np.arange(1000) % n, sampler="random")
    assert read_png(draw(take_snapshot(lens))).shape == (880, 1520, 3)


@pytest.mark.parametrize("n", [100, 250, 1000])
def test_a_class_among_many_has_the_colour_of_the_palette(n):
    record = replace(made_up_record(), classes=tuple(map(str, range(n))))
    last = LatentLens(replace(record, label=np.full(300, n - 1, np.int32)), sampler="random")
    other = set(class_colours(n)) - {class_colours(n)[-1]}
    assert class_colours(n)[-1] in colours_of(last)
    assert not other & colours_of(last)


def test_the_colours_are_the_widgets():
    assert FILE.read_text(encoding="utf-8") == text(), "run `make golden`"


# -- the saved notebook ----------------------------------------------------------

TEN_THOUSAND = """
import numpy as np
from latentlens import LatentLens
rng = np.random.default_rng(0)
latent = rng.normal(size=(10_000, 84)).astype(np.float32)
images = rng.integers(0, 255, (10_000, 28, 28), np.uint8)
lens = LatentLens.from_arrays(
    latent, rng.integers(0, 10, 10_000), logits=latent[:, :10], images=images, sampler="random"
)
lens
"""


@pytest.mark.notebook
def test_a_saved_notebook_of_ten_thousand_items_grows_by_at_most_three_megabytes():
    cells = (TEN_THOUSAND, "lens.fraction = 0.1\nlen(lens.sample)")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    before = len(nbformat.writes(notebook))
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert [sorted(output.data) for output in outputs] == [
        [VIEW, "text/plain"],
        ["image/png", "text/plain"],
        ["text/html", "text/plain"],
    ]
    assert "1,000 items" in outputs[2].data["text/plain"]
    # What nbclient keeps besides: all the state of all widgets.
    assert VIEW.replace("view", "state") in notebook.metadata.widgets
    assert len(nbformat.writes(notebook)) - before < 3e6
