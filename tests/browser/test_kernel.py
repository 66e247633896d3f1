"""The pass, the kernel's answers, and what becomes of a lens without its kernel."""

import pytest

from tests.browser.figures import ratio, short
from tests.browser.view import View, until

pytestmark = pytest.mark.browser

SETUP = """
from latentlens import LatentLens
from tests.browser.figures import figures
from tests.browser.network import Breaks, classifier, loader
model = classifier()
"""
SLOW = "lens = LatentLens(model, loader(model, 400, pause_s=0.01))\nlens"
QUICK = "lens = LatentLens(model, loader(model))\nlens"
BIG = QUICK.replace("loader(model)", "loader(model, 3000)")


@pytest.fixture(scope="module")
def shared(open_shared):
    notebook = open_shared(SETUP, "", "")
    notebook.run(0)
    return notebook


@pytest.fixture
def show(shared):
    """Give a function that shows a lens in the module's notebook and gives its view."""

    def shown(cell):
        shared.run(0)
        shared.asked.clear()
        shared.run(1, cell)
        return View(shared)

    yield shown
    shared.clear(1)
    shared.clear(2)
    until(shared.page.locator(".ll").count, 0)


def test_a_model_shows_progress_at_once_leaves_the_notebook_usable_and_then_shows_its_panes(show):
    view = show(SLOW)
    view.root.locator(".ll-working progress").wait_for(timeout=1500)
    until(lambda: 0 < view.notebook.ask("lens.progress") < 1)
    assert view.notebook.ask("lens.status") == "running"
    view.ready()
    assert view.notebook.ask("lens.status") == "ready"
    until(view.header, view.notebook.ask("figures(lens)['header']"))
    assert "latent 4 (12 units)" in view.text(".ll-facts")
    assert view.notebook.ask("model.training") is True


def test_a_pass_that_is_stopped_keeps_what_it_read_and_says_so(show):
    view = show("lens = LatentLens(model, loader(model, 4000, pause_s=0.01))\nlens")
    until(lambda: view.notebook.ask("lens.progress") > 0.02)
    view.root.get_by_role("button", name="Stop").click()
    view.ready()
    assert view.notebook.ask("lens.status") == "stopped"
    read = view.notebook.ask("len(lens.record)")
    assert 0 < read < 4000
    until(lambda: view.header()[1], read)
    assert f"stopped after {read} of 4,000" in view.text(".ll-notices")


def test_a_model_that_raises_says_so_in_words_and_is_left_as_it_was(show):
    view = show("model = Breaks()\nlens = LatentLens(model, loader(model))\nlens").ready()
    assert view.notebook.ask("[lens.status, model.training]") == ["failed", True]
    assert view.notebook.ask("sum(len(m._forward_hooks) for m in model.modules())") == 0
    until(lambda: view.notebook.ask("[lens.ranked is not None, lens.doing]"), [True, ""])
    assert "RuntimeError: no more of this" in view.text('.ll-notice[data-tone="error"]')
    assert view.header()[1] == view.notebook.ask("len(lens.record)") < 400


def test_another_layers_mean_comes_from_running_the_model_on_the_sample(show):
    view = show(QUICK).ready()
    view.menu("Layer").select_option("1")
    until(lambda: view.notebook.ask("lens.layer"), "1")
    until(lambda: "ran the model on 20 items" in view.pane("mean").inner_text().lower())
    wanted = view.notebook.ask("lens.mean_activation()[['mean', 'exact_mean']].values.tolist()")
    assert view.profile(30) == [[u, *map(short, pair)] for u, pair in enumerate(wanted)]
    distance = view.notebook.ask("lens.mean_activation().attrs['cosine_distance']")
    assert view.score("mean") == ratio(distance)
    assert view.notebook.asked.count("means") == 1


def test_what_the_browser_sends_is_taken_on_the_thread_that_runs_cells(show):
    view = show(QUICK).ready()
    view.notebook.tell("import threading; heard = []")
    view.notebook.tell("lens.observe(lambda _: heard.append(threading.current_thread().name), 'j')")
    view.drag("Outliers", 0.2)
    until(lambda: view.notebook.ask("sorted(set(heard))"), ["MainThread"])


def test_tsne_arrives_frame_by_frame_and_can_be_stopped(show):
    view = show(BIG).ready()
    view.menu("Map").select_option("tsne")
    stop = view.root.locator(".ll-map-moving button")
    stop.wait_for()
    until(lambda: view.notebook.ask("[lens.points['projection'], lens.points['done']]")[0], "tsne")
    stop.click()
    until(lambda: view.notebook.ask("[lens.points['done'], lens.doing]"), [True, ""])
    stop.wait_for(state="hidden")
    assert "t-SNE" in view.text(".ll-map-foot")


def test_a_lens_shown_twice_is_live_in_both_places(show):
    first = show(QUICK).ready()
    notebook = first.notebook
    notebook.run(2, "lens")
    second = View(notebook, nth=1).ready()
    second.drag("Fraction", 0.5)
    until(lambda: first.header() == second.header() == notebook.ask("figures(lens)['header']"))
    first.root.locator(".ll-row").first.click()
    until(lambda: second.pane("strip").get_by_role("button", pressed=True).inner_text()[:4], "unit")
    notebook.clear(1)
    until(notebook.page.locator(".ll").count, 1)
    survivor = View(notebook)
    survivor.drag("Fraction", 0.2)
    until(lambda: survivor.header() == notebook.ask("figures(lens)['header']"))
    assert survivor.header()[0] < 200


def test_after_the_kernel_restarts_a_card_says_so_and_the_sliders_still_work(open_notebook):
    notebook = open_notebook(SETUP, BIG)
    notebook.run(0)
    notebook.run(1)
    view = View(notebook).ready()
    until(lambda: view.header()[0], 150)
    before = view.picture()
    view.menu("Map").select_option("tsne")
    layout = view.root.locator(".ll-map-moving")
    layout.wait_for()
    notebook.restart()
    until(lambda: "Kernel gone" in view.text(".ll-notices"))
    layout.wait_for(state="hidden")
    assert view.picture().shape == before.shape
    view.drag("Fraction", 0.5)
    until(lambda: view.header()[0], 1530)
    assert len(view.top_k()) == 10
    assert view.menu("Sampler").is_disabled()
