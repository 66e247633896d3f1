"""The exported page, opened from the disk by a browser that reaches nothing else."""

import numpy as np
import pytest
from playwright.sync_api import expect

from latentlens import LatentLens
from tests.browser.page import PATIENCE_MS, Page, opening
from tests.browser.test_looks import NO_WEBGL
from tests.browser.view import View, n_changed, until
from tests.made_up import made_up_record

pytestmark = pytest.mark.browser

N = 400
CLASSES = ["<script>window.hacked = 1</script>", "</script><b>bee</b>", "cat\u2028"]


class Exported(Page):
    """An exported page; whatever it asks for beside itself is noted."""

    def open(self, path):
        """Open a file."""
        self.file = path
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.goto(path.as_uri())
        return self

    def _note_request(self, request):
        if request.url != self.file.as_uri():
            self.outside.append(request.url)


def make_lens():
    """Give a lens with hostile labels and two heaps of points, left and right."""
    pictures = np.random.default_rng(0).integers(0, 255, (N, 6, 6), dtype=np.uint8)
    record = made_up_record(N, keep=12)
    vars(record)["classes"] = tuple(CLASSES)
    xy = np.random.default_rng(1).normal(size=(N, 2))
    xy[:, 0] += np.where(np.arange(N) % 3, 6, -6)
    lens = LatentLens(record, images=pictures, projection=xy, fraction=0.1, k=6)
    lens.layer = "conv"
    return lens


@pytest.fixture(scope="module")
def lens():
    return make_lens()


@pytest.fixture(scope="module")
def path(lens, tmp_path_factory):
    target = tmp_path_factory.mktemp("page") / "page & more.html"
    lens.to_html(target, title="Made-up <b>classes</b>", samplers=["max_margin", "random"])
    return target


@pytest.fixture
def show(browser, opened, path):
    """Give a function that opens the page and gives its lens; the page must have been quiet."""
    with opening(Exported, None, browser, opened) as open_page:
        yield lambda **options: View(open_page(path, **options)).ready()
        own = [one for one in opened if isinstance(one, Exported)]
        assert [line for one in own for line in (*one.errors, *one.outside)] == []


def numbers(frame):
    """Give a frame of top units as the pane writes it."""
    pairs = zip(frame["unit"], frame["value"], strict=True)
    return [[int(unit), float(f"{value:.3g}")] for unit, value in pairs]


def check(view, lens):
    """The panes say what Python says at the same settings."""
    top = lens.top_k()
    until(lambda: [row[:2] for row in view.top_k()], numbers(top))
    assert view.n("top-k") == [top.attrs["n_used"], top.attrs["n_group"]]
    assert [hit for *_, hit in view.top_k()] == top["hit"].tolist()
    precision = top.attrs["precision"]
    assert view.score("top-k") == ("" if precision is None else f"{precision:.2f}")
    counts = lens.max_neurons()
    for unit, (sample, exact) in view.histogram().items():
        assert [sample, exact] == counts.loc[int(unit), ["count", "exact_count"]].tolist()


@pytest.fixture
def same(lens):
    """Put the lens back afterwards."""
    before = {name: getattr(lens, name) for name in
              ("fraction", "j", "label", "by", "correctness", "k", "layer", "selection",
               "sampler")}  # fmt: skip
    yield lens
    lens.set_trait("selection", [])
    for name, value in before.items():
        setattr(lens, name, value)


def test_the_page_starts_where_the_lens_stood_and_says_what_it_lacks(show, lens):
    view = show()
    check(view, lens)
    expect(view.page.locator("h1")).to_have_text("Made-up <b>classes</b>")
    assert "the sample's mean of conv" in view.page.locator("header p").inner_text()
    assert view.header()[:2] == [len(lens.sample.index), N]
    assert view.page.evaluate("window.hacked") is None
    assert view.root.locator(".ll-legend-name").all_inner_texts()[:2] == CLASSES[:2]


def test_sliders_class_correctness_and_k_answer_as_python_does(show, same):
    view = show()
    view.drag("Fraction", 0.3)
    same.fraction = float(view.slider("Fraction").input_value())
    check(view, same)
    view.drag("Outliers", 0.2)
    same.j = float(view.slider("Outliers").input_value())
    check(view, same)
    view.menu("Class").select_option(CLASSES[1])
    same.label = CLASSES[1]
    check(view, same)
    view.choose("by", "predicted")
    view.choose("correctness", "correct")
    same.by, same.correctness = "predicted", "correct"
    check(view, same)
    view.root.get_by_label("Top k").fill("3")
    same.k = 3
    check(view, same)
    view.root.get_by_role("button", name="Reset").click()
    same.fraction, same.j, same.k = 0.1, 0.7, 6
    same.label, same.by, same.correctness = "", "true", "all"
    check(view, same)


def test_layers_and_samplers_change_and_what_is_not_there_cannot_be_chosen(show, same):
    view = show()
    view.menu("Layer").select_option("latent")
    same.layer = "latent"
    check(view, same)
    mean = same.mean_activation()
    said = view.profile(len(mean))
    assert [pair[1] for pair in said] == pytest.approx(mean["mean"].tolist(), rel=5e-3)
    view.menu("Sampler").select_option("random")
    same.sampler = "random"
    check(view, same)
    coreset = view.menu("Sampler").locator("option[value=coreset]")
    assert coreset.is_disabled()
    assert "no kernel" in coreset.get_attribute("title")
    assert view.menu("Map").is_disabled()


def test_what_needs_the_kernel_is_refused_in_a_sentence(show):
    view = show()
    view.drag("Fraction", 0.5)
    until(lambda: "This page has no kernel: the sample's mean of conv" in view.pane("mean")
          .inner_text())  # fmt: skip
    assert view.kind("mean") == "exact"


@pytest.mark.parametrize("before", ["", NO_WEBGL], ids=["webgl", "no webgl"])
def test_a_lasso_selects_and_the_panes_follow(show, same, before):
    view = show(before=before)
    picture = view.picture()
    assert picture.std() > 5
    view.lasso((0.01, 0.01), (0.5, 0.01), (0.5, 0.99), (0.01, 0.99))
    same.selection = np.flatnonzero(same.points["xy"][:, 0] < 0)
    check(view, same)
    assert f"{len(same.selection)} selected" in view.pane("controls").inner_text()
    assert n_changed(picture, view.picture()) > 50


def test_the_pictures_are_those_of_the_sample(show, lens):
    view = show()
    until(lambda: view.strip(3), lens.sample.index[:3].tolist())
    card = view.pane("strip").locator("[data-row] canvas").first
    card.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_system_until_its_switch_is_used(show, scheme):
    view = show(color_scheme=scheme)
    bright = {"light": lambda m: m > 150, "dark": lambda m: m < 100}
    other = "dark" if scheme == "light" else "light"
    until(lambda: bool(bright[scheme](view.picture().mean())))
    view.page.get_by_role("button", name=other.capitalize(), exact=True).click()
    until(lambda: bool(bright[other](view.picture().mean())))


def test_a_narrow_window_scrolls_one_way_only(show):
    view = show(width=420, height=900)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 420
