"""The lessons: run once for the pages, with their lenses written as pages that live by themselves.

python docs/lessons.py 01-quickstart    # into build/lessons
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
BUILT = ROOT / "build" / "lessons"
"""Where executed lessons and exported lenses lie."""
WIDGET = "application/vnd.jupyter.widget-view+json"
RUN_S = 170
"""How long a lesson's cell may take."""


@dataclass(frozen=True)
class Export:
    """A lens of a lesson that becomes a page.

    Parameters
    ----------
    name : str
        Of the page's file.
    lesson : str
        The notebook, without its suffix.
    lens : str
        The lens's name in it.
    title, words : str
        For the gallery.
    """

    name: str
    lesson: str
    lens: str
    title: str
    words: str


EXPORTS = (
    Export("digits", "01-quickstart", "lens", "Digits",
           "LeNet-5 on 797 small digits. Set *Items* to *incorrect*: what are the errors like?"),
    Export("words", "03-your-own-model", "lens", "Opinions in words",
           "A network of 258 parameters reads sentences. Read the wrong ones: one word is in all."),
    Export("signals", "03-your-own-model", "sensor_lens", "Signals",
           "Three wave forms under noise. Compare the outliers with the exemplars."),
    Export("shortcut", "04-reading-neurons", "lens", "A planted shortcut",
           "A network that has learned something other than a seven. What do the errors share?"),
    Export("galaxies", "06-galaxies", "lens", "Galaxies",
           "Spiral or not. Colour the map by correctness: the errors lie between the two crowds."),
)  # fmt: skip


def lesson_names() -> list[str]:
    """Give the lessons in their order."""
    return sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def run_lesson(name: str, folder: Path = BUILT) -> Path:
    """Run a notebook and write it with its outputs, and its lenses as pages, into a folder."""
    from nbclient import NotebookClient

    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    lenses = [export for export in EXPORTS if export.lesson == name]
    lines = [
        f"{export.lens}.to_html({path + '.html'!r}, pictures='all', title={export.title!r})\n"
        f"{export.lens}.to_png({path + '.png'!r}, width=1000)"
        for export in lenses
        for path in [str(folder.resolve() / export.name)]
    ]
    notebook.cells.append(nbformat.v4.new_code_cell("\n".join(lines)))
    with TemporaryDirectory() as scratch:
        where = {"metadata": {"path": scratch}}
        NotebookClient(
            notebook,
            timeout=RUN_S,
            resources=where,
            kernel_name="python3",
            store_widget_state=False,  # the pages show no widget
        ).execute()
    del notebook.cells[-1]
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def as_markdown(name: str) -> tuple[str, dict[str, bytes]]:
    """Give a lesson as Markdown, and its pictures by their paths beside it.

    With outputs where `run_lesson` has left them, else without.
    """
    from nbconvert import MarkdownExporter

    ran = BUILT / f"{name}.ipynb"
    notebook = nbformat.read(ran if ran.is_file() else NOTEBOOKS / ran.name, as_version=4)
    for cell in notebook.cells:
        cell["outputs"] = [each for each in cell.get("outputs", ()) if is_worth_showing(each)]
    resources = {"unique_key": name, "output_files_dir": f"{name}-files"}
    text, resources = MarkdownExporter().from_notebook_node(notebook, resources)
    # pandas brings a style of its own, for light pages.
    text = re.sub(r"<style scoped>.*?</style>\n?", "", text, flags=re.DOTALL)
    return under_title(text, preface(name)), resources.get("outputs") or {}


def is_worth_showing(output: Any) -> bool:
    """Leave out widgets, which need a kernel, and progress bars."""
    if output.output_type == "stream":
        return output.name == "stdout"
    return WIDGET not in output.get("data", {})


def exported() -> list[Export]:
    """Give the lenses that were built."""
    return [export for export in EXPORTS if (BUILT / f"{export.name}.html").is_file()]


def preface(name: str) -> str:
    """Say where the notebook is and whether a lens of it can be tried."""
    live = [
        f"[{export.title}](../gallery/{export.name}.html)"
        for export in exported()
        if export.lesson == name
    ]
    tried = f" What it builds can be tried here: {', '.join(live)}." if live else ""
    return f"*This is `notebooks/{name}.ipynb`, as it ran.*{tried}"


def under_title(text: str, line: str) -> str:
    """Put a line under the first heading."""
    title, rest = text.split("\n", 1)
    return f"{title}\n\n{line}\n{rest}"


def has_galaxies() -> bool:
    """Look for the one data set that is not to be had without the reader."""
    return Path(os.environ.get("LATENTLENS_DATA", "nowhere"), "galaxy.npz").is_file()


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        if wanted == "06-galaxies" and not has_galaxies():
            print("06-galaxies needs galaxy.npz in LATENTLENS_DATA; its page shows no outputs.")
            continue
        print(run_lesson(wanted))
