"""What a sample is worth: the fidelity pane, cells it lacks, the margin strip, weights."""

import pytest

from tests.browser.figures import ratio
from tests.browser.view import View, until

pytestmark = pytest.mark.browser

SETUP = """
from latentlens import LatentLens
from tests.browser.network import classifier, loader

model = classifier()
lens = LatentLens(model, loader(model), fraction=0.02, k=3)
"""


@pytest.fixture
def view(open_notebook):
    notebook = open_notebook(SETUP, "lens", height=1700)
    notebook.run(0)
    notebook.run(1)
    return View(notebook).ready()


def scores(view):
    """Give the three figures of each sampler, as the pane has them."""
    return view.pane("quality").evaluate(
        """(pane) => {
          const text = (cell) => cell.textContent.replace("★", "").trim();
          const rows = [...pane.querySelectorAll(".ll-scores tbody tr")];
          return Object.fromEntries(rows.map((row) =>
            [text(row.querySelector("th")), [...row.querySelectorAll("td")].map(text)]));
        }"""
    )


def test_the_fidelity_is_what_the_lens_measures_for_the_sample_random_and_coreset(view):
    view.pane("quality").scroll_into_view_if_needed()
    until(lambda: len(scores(view)), 3, seconds=40)
    until(lambda: "follows" in str(scores(view)), False, seconds=40)
    shown = scores(view)
    rows = view.notebook.ask(
        "lens.fidelity(fractions=[0.02], samplers=['max_margin', 'random', 'coreset'],"
        " progress=False).overall.fillna(-1).to_dict('records')"
    )
    titles = {"max_margin": "MaxMargin", "random": "Random", "coreset": "Coreset"}
    for row in rows:
        wanted = [
            ratio(row[name])
            + (f" ± {ratio(row[f'{name}_spread'])}" if row["sampler"] == "random" else "")
            for name in ("precision", "cosine_distance", "js_distance")
        ]
        assert shown[titles[row["sampler"]]] == wanted


def test_a_missing_cell_is_topped_up_with_one_click_which_the_fidelity_shows(view):
    view.notebook.tell("lens.fraction = 1 / 400")
    until(lambda: view.header()[:2], [1, 400])
    n, total = 1, 400
    view.pane("quality").scroll_into_view_if_needed()
    until(lambda: "0.3 %" in view.pane("quality").locator(".ll-verdict").inner_text(), seconds=40)
    before = float(scores(view)["MaxMargin"][0])
    chip = view.pane("missing").locator("[data-fill]").first
    chip.click()
    until(lambda: view.header()[0] > n)
    note = view.pane("quality").locator(".ll-note")
    until(lambda: "added by hand" in note.inner_text(), seconds=40)
    assert float(scores(view)["MaxMargin"][0]) > before
    exact = "lens.fidelity([1 / 400], ['max_margin'], progress=False).overall.precision[0]"
    assert scores(view)["MaxMargin"][0] == ratio(view.notebook.ask(exact))
    until(lambda: view.notebook.ask("len(lens.added)"), view.header()[0] - n)
    assert view.notebook.ask("len(lens.sample)") == view.header()[0]
    view.pane("missing").locator("[data-back]").first.click()
    until(lambda: view.header()[:2], [n, total])
    until(lambda: view.notebook.ask("len(lens.added)"), 0)


def test_dragging_a_bracket_of_the_margin_strip_sets_fraction_and_j(view):
    grip = view.pane("margin").get_by_role("slider").first
    grip.scroll_into_view_if_needed()
    before = view.notebook.ask("[lens.fraction, lens.j]")
    n = view.header()[0]
    grip.focus()
    for _ in range(5):
        view.page.keyboard.press("ArrowRight")
    until(lambda: view.header()[0] > n)
    until(lambda: view.notebook.ask("len(lens.sample)"), view.header()[0])
    assert view.notebook.ask("[lens.fraction, lens.j]") != before


def test_the_mean_of_a_sampler_that_weighs_its_items_is_the_kernels(view):
    view.menu("Sampler").select_option("stratified_completion")
    until(lambda: view.notebook.ask("lens.ranked['sampler']"), "stratified_completion")
    view.notebook.tell("lens.fraction = 0.2")
    cosine = "lens.mean_activation().attrs['cosine_distance']"
    until(lambda: view.score("mean"), ratio(view.notebook.ask(cosine)))
    assert view.slider("Outliers").is_disabled()
    field = view.pane("controls").locator(".ll-field", has_text="Outliers")
    assert "no two ends to choose between" in field.get_attribute("title")


def test_a_sample_drawn_by_chance_shows_its_interval_and_a_ranked_one_says_why_not(view):
    worth = view.pane("mean").locator(".ll-worth-full")
    view.notebook.tell("lens.fraction = 0.3; lens.sampler = 'random'")
    until(lambda: "95% interval" in worth.text_content())
    view.pane("mean").locator(".ll-band").wait_for(state="attached")
    view.notebook.tell("lens.sampler = 'max_margin'; lens.layer = '3'")
    until(lambda: "No interval" in worth.text_content())
    until(lambda: view.pane("mean").locator(".ll-band").count(), 0)
