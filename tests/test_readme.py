"""What the README and CONTRIBUTING say holds."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT

PAGES = ("README.md", "CONTRIBUTING.md")


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)


def make_targets():
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_named_exists(page):
    named = set(re.findall(r"\bmake ([a-z-]+)\b(?= |`|$)", "\n".join(blocks(page, "sh"))))
    named |= set(re.findall(r"`make ([a-z-]+)`", (ROOT / page).read_text()))
    assert named
    assert named <= make_targets()


@pytest.mark.parametrize("page", PAGES)
def test_every_shell_line_is_one_that_make_understands(page):
    lines = [
        line.split("#")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()
    ]
    assert lines
    for line in lines:
        done = subprocess.run(
            [*line.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_every_target_that_make_lists_exists():
    listed = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    names = set(re.findall(r"^  make ([a-z-]+) +\S", listed, re.M))
    assert {"demo", "test", "quick", "bench", "clean"} <= names
    assert names <= make_targets()


@pytest.mark.parametrize("page", [*PAGES, "CHANGELOG.md"])
def test_every_file_named_exists(page):
    text = (ROOT / page).read_text()
    named = set(re.findall(r"`((?:latentlens|js|tests|notebooks|benchmarks)/[\w./-]*)`", text))
    named |= set(re.findall(r"\]\(([\w./-]+)\)", text))
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


def test_every_room_is_on_the_map():
    text = (ROOT / "README.md").read_text()
    rooms = {path.name for path in (ROOT / "latentlens").iterdir() if path.name[0] not in "_."}
    rooms -= {"static"}
    assert not [room for room in rooms if f"latentlens/{room}" not in text]


@pytest.mark.slow
def test_the_python_of_the_readme_runs_on_digits():
    first, *further = blocks("README.md", "python")
    assert len(first.splitlines()) <= 11
    checks = (
        "assert len(lens.frame) == 797\n"
        "assert len(lens.sample.subset()) == len(lens.sample) == 80\n"
        "assert len(lens.top_k(k=5)) == 5\n"
    )
    code = first + checks + "".join(further) + "assert 0 < len(lens.selection) < 80\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_names_every_control_and_its_values():
    from latentlens.embed import PROJECTIONS
    from latentlens.samplers import SAMPLERS

    text = (ROOT / "README.md").read_text()
    controls = (
        "sampler fraction j layer label by correctness k measure projection color_by selection"
    )
    for name in [*controls.split(), *PROJECTIONS, *SAMPLERS]:
        assert f"`{name}`" in text, f"README does not name {name}"
