"""The pages build with no broken link and ask nothing of the network."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys

import nbformat
import pytest

from tests.conftest import ROOT

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the pages, with the lessons' outputs only where they are at hand."""
    site = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-f", DOCS / "mkdocs.yml",
         "-d", site],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return site


@pytest.mark.slow
def test_the_pages_build_with_every_link_leading_somewhere(site):
    names = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    lessons = {f"lessons/{path.stem}.html" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {"index.html", "how-it-works.html", "limits.html", "gallery.html"} | lessons <= names


@pytest.mark.slow
def test_no_page_asks_anything_of_the_network(site):
    loads = r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?(?:https?:)?//[^"' >]*"""
    links = (
        r"""<link(?![^>]*rel=["']?(?:canonical|next|prev))[^>]*href=["']?(?:https?:)?//[^"' >]*"""
    )
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert not re.findall(loads, text), page
        assert not re.findall(links, text), page


@pytest.mark.slow
def test_the_drawing_stands_in_its_page_and_follows_its_colours(site):
    page = (site / "how-it-works.html").read_text()
    assert '<svg class="drawing"' in page
    sheet = (DOCS / "pages" / "assets" / "pages.css").read_text()
    for scheme in ("default", "slate"):
        assert f'[data-md-color-scheme="{scheme}"] svg.drawing' in sheet


@pytest.mark.slow
def test_the_reference_shows_methods_that_a_lens_inherits(site):
    page = (site / "api" / "lens.html").read_text()
    for method in ("run", "top_k", "fidelity", "contrast", "to_html", "save"):
        assert f'id="latentlens.LatentLens.{method}"' in page


def test_every_lens_of_the_gallery_is_made_by_its_lesson():
    sys.path.insert(0, str(DOCS))
    try:
        from lessons import EXPORTS
    finally:
        sys.path.remove(str(DOCS))
    for export in EXPORTS:
        lesson = nbformat.read(ROOT / "notebooks" / f"{export.lesson}.ipynb", as_version=4)
        code = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "code")
        made = {
            target.id
            for node in ast.walk(ast.parse(code))
            if isinstance(node, ast.Assign) and "LatentLens" in ast.unparse(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        assert export.lens in made, export.name
