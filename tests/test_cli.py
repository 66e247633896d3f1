"""The command line, from its arguments to its files."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from latentlens.cli import app

pytestmark = pytest.mark.slow

QUICK = ["--data", "digits", "--quick", "--no-progress"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Run two results of the quick form."""
    out = tmp_path_factory.mktemp("paper")
    done = invoke("--out", str(out), *QUICK, "--only", "figure_4", "--only", "table_4")
    assert done.exit_code == 0, done.output
    return out


def invoke(*arguments):
    return CliRunner().invoke(app, ["paper", *arguments])


def test_it_writes_tables_charts_weights_and_a_page(folder):
    written = {path.name for path in folder.iterdir()}
    wanted = {f"{name}.{kind}" for name in ("figure_4", "table_4") for kind in ("csv", "json")}
    assert wanted | {"index.html", "claims.csv", "weights.pt", "figure_4.vl.json"} <= written
    assert len(pd.read_csv(folder / "figure_4.csv")) > 20


def test_a_second_run_reads_what_is_there(folder):
    before = (folder / "figure_4.csv").stat().st_mtime_ns
    done = invoke("--out", str(folder), *QUICK, "--only", "figure_4", "--measure", "mean")
    assert "figure_4: there already, with equal settings" in done.output
    assert (folder / "figure_4.csv").stat().st_mtime_ns == before
    assert "by mean" in (folder / "figure_4.vl.json").read_text()


def test_it_says_what_the_paper_says_and_what_came_out(folder):
    done = invoke("--out", str(folder), *QUICK, "--only", "table_4")
    assert "table_4: MaxMargin's sample holds more of the errors" in done.output
    assert "[not measured] figure_7" in done.output
    assert str(folder / "index.html") in done.output.replace("\n", "")


def test_it_takes_weights_that_are_there(folder, tmp_path):
    given = ["--weights", str(folder / "weights.pt")]
    done = invoke("--out", str(tmp_path), *QUICK, *given, "--only", "table_4")
    assert done.exit_code == 0
    assert not (tmp_path / "weights.pt").exists()
    there, here = (pd.read_csv(each / "table_4.csv") for each in (folder, tmp_path))
    pd.testing.assert_frame_equal(there, here)


def test_errors_are_words_not_tracebacks(tmp_path):
    done = invoke("--out", str(tmp_path), *QUICK, "--weights", str(tmp_path / "none.pt"))
    assert done.exit_code == 2
    assert "Error: There are no weights at" in done.output
    done = invoke("--out", str(tmp_path), *QUICK, "--only", "figure_9")
    assert done.exit_code == 2
    assert "got 'figure_9'" in done.output


def test_the_package_run_as_a_module_is_the_command():
    run = [sys.executable, "-m", "latentlens", "paper", "--help"]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert "Usage: latentlens paper" in told


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    path = tmp_path / "file"
    path.touch()
    done = invoke("--out", str(path), *QUICK)
    assert done.exit_code == 2
    assert "is a file" in " ".join(done.output.replace("│", " ").split())


def test_a_folder_that_cannot_be_made_is_refused_before_training(tmp_path, monkeypatch):
    def train(*_, **__):
        raise AssertionError("it trained all the same")

    monkeypatch.setattr("latentlens.models.train", train)
    (tmp_path / "file").touch()
    done = invoke("--out", str(tmp_path / "file" / "paper"), *QUICK)
    assert done.exit_code == 2
    assert "The results need a folder that can be written" in " ".join(done.output.split())
    assert "Name another." in done.output
