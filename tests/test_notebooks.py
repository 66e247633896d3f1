"""The notebooks run top to bottom, and are kept without outputs that could lie."""

from __future__ import annotations

import subprocess
from functools import cache
from tempfile import TemporaryDirectory
from textwrap import dedent

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
QUICKSTART = ROOT / "notebooks" / "01-quickstart.ipynb"
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

# What a lesson says it saw, put to its own variables in its own kernel after its last cell.
SEEN = {
    "02-paper": """
        scores = results["figure_4"].frame.query("fraction == 0.05")
        scores = scores.pivot(index="sampler", columns="metric", values="score")
        of_the_size = scores.drop(index=["coreset", "stratified_completion"])
        assert of_the_size["S1 max"].idxmax() == "max_margin"
        assert of_the_size["S2"].idxmin() == of_the_size["S3"].idxmin() == "max_margin"
        assert scores["S1 max"]["coreset"] > scores["S1 max"]["max_margin"]
        assert scores["S2"]["coreset"] < scores["S2"]["max_margin"]
        assert scores["S3"]["coreset"] < scores["S3"]["max_margin"]
        assert scores["S1 max"]["stratified"] < scores["S1 max"]["random"] + 0.03
        taken = results["table_4"].frame.set_index("sampler")
        assert taken.share_of_errors["max_margin"] > 0.5
        assert taken.incorrect["coreset"] < taken.incorrect["max_margin"]
        by_j = results["figure_6"].frame.query("sampler == 'max_margin' and variant == 'both ends'")
        by_j = by_j.pivot(index="j", columns="metric", values="score")
        assert by_j["S1 max"].idxmin() == by_j["S2"].idxmax() == by_j["S3"].idxmax() == 0
    """,
    "03-your-own-model": """
        texts = pd.Series([item["text"] for item in test])
        negated = texts.str.contains("not").to_numpy()
        assert 1 / 15 < negated.mean() < 1 / 9
        assert negated[~lens.frame.correct].all()
        assert not negated[lens.frame.correct].any()
        assert second.frame.correct.all()
        roles = frame.groupby("role")[["correct", "noise"]].mean()
        assert roles.noise["outlier"] > roles.noise["exemplar"]
        assert roles.correct["outlier"] < 0.2
        assert roles.correct["exemplar"] == 1
    """,
    "04-reading-neurons": """
        assert later < first - 0.05
        assert len(called_seven) + len(lost_seven) > 0.6 * len(wrong)
        assert contrast.set_index("unit").flag[neuron]
        assert hidden[strongest].sum() >= 8
        assert len(set(y_later[strongest])) > 1
        assert hidden[called_seven].mean() > 0.9
        assert (share > 0.5).all()
        assert (called(called_seven, removed) == y_later[called_seven]).mean() > 0.75
        assert (called(lost_seven, added) == 7).mean() > 0.9
        assert (called(sevens, clean) == 7).mean() < 0.3
    """,
    "05-is-5-percent-enough": """
        found = fidelity.overall.set_index(["fraction", "sampler"])["precision"].loc[0.05]
        assert min(found["max_margin"], found["coreset"]) > 0.65
        assert found["random"] < 0.5
        assert set(lens.missing["correctness"]) == {"incorrect"}
        held = {name: pd.DataFrame(each).held.mean() for name, each in rows.items()}
        assert held["by chance, the lens's interval"] >= 0.95
        assert held["by chance, the textbook's"] < 0.88
        assert held["MaxMargin, the textbook's"] < 0.88
        assert top["high"].isna().all()
    """,
    "06-galaxies": """
        wrong = (~frame.correct).groupby(frame.true).sum()
        assert 0.5 < wrong["spiral"] / wrong["non spiral"] < 2
        by_certainty = (~frame.correct).groupby(fifth, observed=True).sum()
        assert by_certainty[1] > 0.35 * by_certainty.sum()
        assert by_certainty[5] < 0.06 * by_certainty.sum()
        assert min(errors["max_margin"], errors["coreset"]) > 33 / 3 > errors["random"]
        assert scores.precision.max() - scores.precision.min() < 0.15
        assert contrast.set_index("unit").flag[[lacking, excess]].all()
        assert shares["excess"] < 0.3 < 0.7 < shares["lacking"]
    """,
}
REAL_DATA = ("06-galaxies",)
"""Lessons that have nothing to show without the real data."""


@cache
def executed(path):
    """Run a notebook in a folder of its own, ask whether it saw what it says, give its cells."""
    notebook = nbformat.read(path, as_version=4)
    asked = nbformat.v4.new_code_cell(dedent(SEEN.get(path.stem, "")))
    notebook.cells.append(asked)
    with TemporaryDirectory() as folder:
        where = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=120, resources=where, kernel_name="python3").execute()
    return notebook.cells[:-1]


def outputs(cells):
    return [output for cell in cells for output in cell.get("outputs", ())]


@pytest.mark.notebook
@every_notebook
def test_notebooks_run_top_to_bottom(path, request):
    if path.stem in REAL_DATA:
        request.getfixturevalue("real_data")
    found = outputs(executed(path))
    assert "error" not in {output.output_type for output in found}
    warned = [text for each in found if "Warning" in (text := each.get("text", ""))]
    assert not warned


@pytest.mark.notebook
def test_the_quickstart_shows_a_lens_and_its_tables():
    shown = [output.data for output in outputs(executed(QUICKSTART)) if "data" in output]
    widgets = [data for data in shown if "application/vnd.jupyter.widget-view+json" in data]
    assert widgets
    tables = [data["text/html"] for data in shown if "<table" in data.get("text/html", "")]
    assert len(tables) >= 3


def as_in_git(path):
    """Read a notebook as it is staged: opening and running it changes the file."""
    name = path.relative_to(ROOT).as_posix()
    text = subprocess.run(
        ["git", "show", f":{name}"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return nbformat.reads(text, as_version=4)


@every_notebook
def test_notebooks_are_kept_unexecuted(path):
    cells = as_in_git(path).cells
    assert not outputs(cells)
    assert {cell.get("execution_count") for cell in cells} == {None}


@every_notebook
def test_notebooks_open_with_a_question_and_end_with_what_was_seen(path):
    first, *_, last = nbformat.read(path, as_version=4).cells
    assert first.cell_type == last.cell_type == "markdown"
    assert "?" in first.source
    assert last.source.startswith("## What was seen")


@pytest.mark.slow
def test_what_the_quickstart_says_it_saw_is_so():
    from latentlens import LatentLens, data, models

    digits = data.digits()
    model = models.lenet5(image_size=8)
    loader = digits.loader("train", batch_size=32, shuffle=True)
    models.train(model, loader, epochs=10, progress=False)
    frame = LatentLens(model, digits.loader("test")).frame
    wrong = ~frame["correct"]
    assert frame["in_sample"].sum() == 40
    assert wrong[frame["role"] == "outlier"].mean() > 0.5
    assert not wrong[frame["role"] == "exemplar"].any()
    assert wrong[frame["in_sample"]].sum() > 0.5 * wrong.sum()
