"""The notebooks run top to bottom, and are kept without outputs that could lie."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def executed(path, tmp_path, monkeypatch):
    """Run a notebook in a folder of its own and give its cells."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": tmp_path}}, kernel_name="python3"
    )
    client.execute()
    return notebook.cells


def outputs(cells):
    return [output for cell in cells for output in cell.get("outputs", ())]


@pytest.mark.notebook
@every_notebook
def test_notebooks_run_top_to_bottom(executed):
    kinds = {output.output_type for output in outputs(executed)}
    assert "error" not in kinds
    warned = [text for each in outputs(executed) if "Warning" in (text := each.get("text", ""))]
    assert not warned


@pytest.mark.notebook
@pytest.mark.parametrize("path", [NOTEBOOKS[0]], ids=lambda path: path.stem)
def test_the_quickstart_shows_a_lens_and_its_tables(executed):
    shown = [output.data for output in outputs(executed) if "data" in output]
    widgets = [data for data in shown if "application/vnd.jupyter.widget-view+json" in data]
    assert widgets
    tables = [data["text/html"] for data in shown if "<table" in data.get("text/html", "")]
    assert len(tables) >= 3


@every_notebook
def test_notebooks_are_kept_unexecuted(path):
    cells = nbformat.read(path, as_version=4).cells
    assert not outputs(cells)
    assert {cell.get("execution_count") for cell in cells} == {None}


@every_notebook
def test_notebooks_open_with_a_question_and_end_with_what_was_seen(path):
    first, *_, last = nbformat.read(path, as_version=4).cells
    assert first.cell_type == last.cell_type == "markdown"
    assert "?" in first.source
    assert last.source.startswith("## What was seen")
