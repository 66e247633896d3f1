"""Controls and panes: what one sets, what follows, and that the numbers are the lens's own."""

import pytest

from tests.browser.figures import ratio, short
from tests.browser.view import View, n_changed, until

pytestmark = pytest.mark.browser

SETUP = """
import numpy as np
from latentlens import LatentLens
from tests.browser.figures import figures
from tests.made_up import blobs

latent, label, logits = blobs(600, d=12, n_classes=5, seed=3)
rng = np.random.default_rng(0)
logits += rng.normal(size=logits.shape) * 4
wide = np.maximum(latent @ rng.normal(size=(12, 90)), 0)
lens = LatentLens.from_arrays(
    latent, label, logits=logits, classes=["ant", "bee", "cat", "dog", "eel"], keep=10,
    activations={"wide": wide}, images=rng.integers(0, 255, (600, 8, 8), dtype=np.uint8), k=5,
)
START = dict(layer="latent", fraction=0.05, j=0.7, sampler="max_margin", label="", by="true",
             correctness="all", k=5, measure="max", unit=-1, color_by="label", selection=[],
             projection="pca")
"""


@pytest.fixture(scope="module")
def shared(open_shared):
    notebook = open_shared(SETUP, "lens")
    notebook.run(0)
    notebook.run(1)
    return View(notebook).ready()


@pytest.fixture
def view(shared):
    """Give the module's view, as it was when it was new."""
    shared.notebook.tell("for name, value in START.items(): setattr(lens, name, value)")
    agree(shared)
    shared.notebook.asked.clear()
    return shared


def agree(view, **state):
    """Wait until the kernel has this state and the view shows the kernel's own numbers."""
    for name, value in state.items():
        until(lambda name=name: view.notebook.ask(f"lens.{name}"), value)
    wanted = {}

    def differing():
        wanted.update(view.notebook.ask("figures(lens)"))
        shown = on_screen(view, wanted["histogram"])
        return {
            name: (shown[name], value) for name, value in wanted.items() if shown[name] != value
        }

    until(differing, {})
    return wanted


def on_screen(view, exact):
    """Give what `figures` gives, as it stands on the screen.

    The histogram has room for some units only; the others are taken as they are.
    """
    histogram = view.histogram()
    assert len(histogram) >= min(len(exact), 5)
    return {
        "header": view.header(),
        "n": view.n("top-k"),
        "top_k": view.top_k(),
        "precision": view.score("top-k"),
        "histogram": {**exact, **histogram},
        "js_distance": view.score("max-neurons"),
        "strip": view.strip(),
    }


def test_header_map_panes_and_strip_show_what_the_lens_computes(view):
    wanted = agree(view)
    assert wanted["header"][:2] == [30, 600]
    assert view.legend() == view.notebook.ask(
        "lens.frame.groupby('true').in_sample.agg(['sum', 'size']).astype(int).values.tolist()"
    )
    assert view.n("mean") == view.n("max-neurons") == [30, 600]


def test_dragging_fraction_changes_rings_bars_and_histogram_with_no_question_to_the_kernel(view):
    before, rings, lengths = agree(view), view.picture(), view.bar_lengths()
    view.drag("Fraction", 0.3, release=False)
    after = agree(view, fraction=0.31)
    assert view.notebook.asked == []
    assert after["header"][0] == 186
    assert after["histogram"] != before["histogram"]
    assert after["js_distance"] != before["js_distance"]
    assert view.bar_lengths() != lengths
    assert n_changed(rings, view.picture()) > 100
    view.page.mouse.up()


def test_the_map_keeps_its_size_while_the_figures_change_beside_it(view):
    size = view.picture().shape
    for share in (0.1, 0.5, 0.9):
        view.drag("Fraction", share)
        agree(view)
        assert view.picture().shape == size


def test_dragging_j_changes_who_is_sampled_with_no_question_to_the_kernel(view):
    before, rings = agree(view), view.picture()
    view.drag("Outliers", 0.0, release=False)
    after = agree(view, j=0.0)
    assert view.notebook.asked == []
    assert after["header"][0] == before["header"][0]
    assert after["strip"] != before["strip"]
    assert n_changed(rings, view.picture()) > 100
    view.page.mouse.up()
    until(lambda: view.root.locator(".ll-strip canvas").count() >= 8)


def test_arrow_keys_move_a_slider_in_jupyterlab(view):
    view.slider("Fraction").focus()
    for _ in range(3):
        view.page.keyboard.press("ArrowRight")
    until(lambda: view.notebook.ask("round(lens.fraction, 2)"), 0.08)
    assert agree(view)["header"][:2] == [48, 600]


@pytest.mark.parametrize("share", [5, 10, 20, 40, 80])
def test_a_preset_sets_the_fraction(view, share):
    view.root.get_by_role("button", name=f"{share} %", exact=True).click()
    assert agree(view, fraction=share / 100)["header"][0] == 600 * share // 100


def test_a_class_narrows_every_pane_to_its_items(view):
    view.menu("Class").select_option("bee")
    wanted = agree(view, label="bee")
    assert 0 < wanted["n"][0] < wanted["n"][1] < 600


@pytest.mark.parametrize("correctness", ["correct", "incorrect"])
def test_correctness_narrows_every_pane_to_its_items(view, correctness):
    view.choose("correctness", correctness)
    wanted = agree(view, correctness=correctness)
    errors = wanted["header"][3]
    assert wanted["n"][1] == (errors if correctness == "incorrect" else 600 - errors)


def test_by_says_whether_the_class_is_the_true_or_the_predicted_one(view):
    view.menu("Class").select_option("cat")
    true = agree(view, label="cat")
    view.choose("by", "predicted")
    assert agree(view, by="predicted")["n"] != true["n"]


def test_k_says_how_many_bars_there_are(view):
    view.root.get_by_role("spinbutton").fill("8")
    assert len(agree(view, k=8)["top_k"]) == 8


def test_units_can_be_ranked_by_their_mean(view):
    by_max = agree(view)["top_k"]
    view.choose("measure", "mean")
    assert agree(view, measure="mean")["top_k"] != by_max


def test_another_layer_is_fetched_and_then_answers_in_the_browser(view):
    view.menu("Layer").select_option("wide")
    agree(view, layer="wide")
    view.notebook.asked.clear()
    view.drag("Fraction", 0.5)
    agree(view, layer="wide")
    assert "layer" not in view.notebook.asked
    assert "answer" not in view.notebook.asked


def test_the_mean_profile_shows_the_lens_own_means(view):
    frame = "lens.mean_activation()"
    wanted = view.notebook.ask(f"[*map(list, {frame}[['mean', 'exact_mean']].values)]")
    shown = [[unit, *map(short, pair)] for unit, pair in enumerate(wanted)]
    assert view.profile(len(wanted)) == shown
    distance = view.notebook.ask(f"{frame}.attrs['cosine_distance']")
    assert view.score("mean") == ratio(distance)


def test_a_value_set_in_python_moves_the_control_and_the_panes(view):
    view.notebook.tell("lens.fraction = 0.4; lens.label = 'dog'; lens.correctness = 'correct'")
    agree(view)
    assert view.slider("Fraction").input_value() == "0.4"
    assert view.menu("Class").input_value() == "dog"


def test_another_sampler_ranks_anew(view):
    before = agree(view)["strip"]
    view.menu("Sampler").select_option("random")
    until(lambda: view.notebook.ask("lens.ranked['sampler']"), "random")
    assert agree(view)["strip"] != before
    assert view.slider("Outliers").is_disabled()


def test_a_group_without_items_says_so_in_words(view):
    view.notebook.tell("rows = lens.frame; right = rows.index[rows.correct][:40].tolist()")
    view.notebook.tell("lens.selection = right; lens.correctness = 'incorrect'")
    words = "No incorrect items in the selection in the data."
    for pane in ("top-k", "max-neurons", "mean"):
        until(lambda pane=pane: view.instead(pane), words)


def test_reset_brings_back_what_the_call_gave(view):
    view.drag("Fraction", 0.6)
    view.choose("correctness", "incorrect")
    view.root.get_by_label("Top k").fill("7")
    agree(view, correctness="incorrect", k=7)
    view.root.get_by_role("button", name="Reset").click()
    agree(view, fraction=0.05, correctness="all", k=5)
