"""Neurons and map as one thing: what marks a lasso, and what a clicked unit does."""

import pytest

from tests.browser.figures import short
from tests.browser.view import View, n_changed, until

pytestmark = pytest.mark.browser

SETUP = """
from latentlens import LatentLens
from tests.browser.network import classifier, loader

model = classifier()
lens = LatentLens(model, loader(model), fraction=0.1, k=4, keep=5)
"""
HIDDEN = "2"
"""The wider layer, of which the index holds 5 of 30 units and no raw values are at hand."""


@pytest.fixture
def view(open_notebook):
    notebook = open_notebook(SETUP, "lens", height=1900)
    notebook.run(0)
    notebook.run(1)
    return View(notebook).ready()


def effects(view):
    """Give unit, effect and half its interval of each row that has them, as they are written."""
    return view.pane("contrast").evaluate(
        """(pane) => [...pane.querySelectorAll(".ll-row")].map((row) => [
          Number(row.dataset.unit),
          ...row.querySelector("text.ll-right").textContent.split(" ±").map(Number),
        ]).filter((row) => row.length === 3)"""
    )


def told_effects(view):
    """Give the same by `lens.contrast`."""
    view.notebook.tell("frame = lens.contrast(progress=False).dropna(subset='effect').head(12)")
    view.notebook.tell("frame = frame.dropna(subset='low')")
    return view.notebook.ask(
        "[[int(r.unit), round(r.effect, 2), round((r.high - r.low) / 2, 2)]"
        " for r in frame.itertuples()]"
    )


def near(shown, wanted):
    """Whether two tables agree to the last digit that is written, which may be rounded apart."""
    if [row[0] for row in shown] != [row[0] for row in wanted] or not shown:
        return False
    pairs = [pair for rows in zip(shown, wanted, strict=True) for pair in zip(*rows, strict=True)]
    return all(abs(a - b) < 0.011 for a, b in pairs)


def strongest(view, n=12):
    """Give the rows that `lens.unit_values` says are the strongest of the group."""
    return view.notebook.ask(
        "lens.unit_values(lens.unit, progress=False).value"
        "[lens._session.member(lens._question())].dropna()"
        f".sort_values(ascending=False, kind='stable').index[:{n}].tolist()"
    )


def class_means(view):
    """Give the means and numbers of the unit's figure, class by class."""
    return view.pane("unit").evaluate(
        """(pane) => [...pane.querySelectorAll(".ll-class-row")].map((row) =>
          [...row.querySelectorAll("text.ll-right")].map((t) => t.textContent))"""
    )


def told_means(view):
    """Give the same by `lens.unit_means`."""
    view.notebook.tell(
        "means = lens.unit_means(lens.unit).pivot(index='label', columns='correctness',"
        " values=['mean', 'n'])"
    )
    return view.notebook.ask(
        "[[row[('mean', 'correct')], int(row[('n', 'correct')]), row[('mean', 'incorrect')],"
        " int(row[('n', 'incorrect')])] for _, row in means.iterrows()]"
    )


def test_why_are_the_items_of_a_class_wrong(view):
    view.notebook.tell(f"lens.layer = {HIDDEN!r}; lens.label = '0'; lens.by = 'predicted'")
    view.notebook.tell("lens.correctness = 'incorrect'")
    n = view.notebook.ask("len(lens.frame.query('pred == \"0\" and not correct'))")
    until(lambda: view.n("top-k")[1], n)
    rows = "[[int(r.unit), r.value] for r in lens.top_k().itertuples()]"
    until(
        lambda: [row[:2] for row in view.top_k()],
        [[unit, short(value)] for unit, value in view.notebook.ask(rows)],
    )
    worth = view.pane("top-k").locator(".ll-worth-full")
    assert worth.text_content() == view.notebook.ask("lens.top_k().attrs['read_out']")

    view.menu("Compare").select_option("correctness")
    until(lambda: "against" in view.pane("top-k").locator(".ll-n").inner_text())
    effect = view.pane("top-k").locator(".ll-row text.ll-faint").first
    until(lambda: "±" in effect.text_content())
    unit = int(view.pane("top-k").locator(".ll-row").first.get_attribute("data-unit"))
    both = "lens.compare_groups(dict(label='0', by='predicted', correctness='incorrect'))"
    told = view.notebook.ask(f"float({both}.frame.effect[{unit}])")
    assert float(effect.text_content().split(" ±")[0]) == pytest.approx(told, abs=0.0051)

    before = view.picture()
    view.pane("top-k").locator(".ll-row").first.click()
    until(lambda: view.notebook.ask("[lens.unit, lens.color_by]"), [unit, "unit"])
    until(lambda: n_changed(before, view.picture()) > 200)
    until(lambda: view.strip(12), strongest(view))
    told = told_means(view)
    until(
        lambda: [[row[1], row[3]] for row in class_means(view)],
        [[str(r[1]), str(r[3])] for r in told],
    )
    for shown, wanted in zip(class_means(view), told, strict=True):
        assert [float(shown[0]), float(shown[2])] == [short(wanted[0]), short(wanted[2])]


@pytest.mark.parametrize("layer", [None, HIDDEN])
def test_a_lasso_is_marked_by_the_units_that_the_lens_names(view, layer):
    if layer:
        view.notebook.tell(f"lens.layer = {layer!r}")
    assert "Draw a lasso" in view.instead("contrast")
    view.lasso((0.1, 0.1), (0.6, 0.1), (0.6, 0.9), (0.1, 0.9))
    until(lambda: view.notebook.ask("len(lens.selection) > 5"))
    wanted = told_effects(view)
    until(lambda: near(effects(view), wanted))
    assert view.kind("contrast") == "exact"
    line = view.pane("contrast").locator(".ll-worth-full").text_content()
    assert line == view.notebook.ask("lens.contrast(progress=False).attrs['read_out']")


def test_a_unit_of_a_layer_without_raw_values_is_shown_as_far_as_it_is_known(view):
    view.notebook.tell(f"lens.layer = {HIDDEN!r}")
    until(lambda: view.notebook.ask("lens.layer"), HIDDEN)
    until(lambda: len(view.top_k()), 4)
    view.pane("top-k").locator(".ll-row").nth(1).click()
    until(lambda: view.notebook.ask("lens.unit >= 0"))
    line = view.notebook.ask("lens.unit_values(lens.unit, progress=False).attrs['read_out']")
    assert "run for the sample" in line
    full = view.pane("unit").locator(".ll-worth-full")
    until(full.text_content, f"Activation {line}")
    kinds = "lens.unit_values(lens.unit, progress=False).kind"
    known = view.notebook.ask(f"int(({kinds} == 'exact').sum())")
    until(lambda: f"known for {known} of 400 items; at most" in view.text(".ll-legend-note"))
    until(lambda: view.strip(12), strongest(view))
