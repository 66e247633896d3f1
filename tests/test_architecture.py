"""The walls of the house: who may import what, and what importing does."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "latentlens"


@dataclass(frozen=True)
class Room:
    """What one folder or file of the package may import."""

    own: frozenset[str] = frozenset()
    """Other rooms."""
    top: frozenset[str] = frozenset()
    """Third parties, at module level."""
    inside: frozenset[str] = frozenset()
    """Third parties, inside functions besides."""


def room(own: str = "", top: str = "", inside: str = "") -> Room:
    return Room(*(frozenset(names.split()) for names in (own, top, inside)))


# core <- samplers, extract, embed <- session <- widget; the rest are leaves.
ROOMS = {
    "__init__": room(),
    "core": room(top="numpy scipy", inside="pandas"),
    "store": room("core", "numpy"),
    "samplers": room("core", "numpy scipy sklearn numba threadpoolctl"),
    # The inner loops of the pass are compiled.
    "extract": room("core", "torch numpy numba", "tqdm captum"),
    "embed": room("core", "numpy scipy", "sklearn umap openTSNE"),
    "protocol": room(),
    "session": room("core samplers extract embed protocol", "numpy", "torch"),
    "widget": room(
        "core store samplers extract embed session protocol",
        "numpy anywidget ipywidgets traitlets altair",
        "pandas torch tqdm IPython narwhals vl_convert",
    ),
    "data": room(top="numpy", inside="torch sklearn pooch requests platformdirs"),
    "models": room(top="torch", inside="tqdm"),
    "experiments": room(
        "core samplers extract embed data models",
        "numpy",
        "altair pandas scipy torch tqdm vl_convert",
    ),
    "cli": room("experiments", "typer"),
    "__main__": room("cli"),
}
HEAVY = "numpy scipy sklearn torch pandas numba umap openTSNE altair anywidget ipywidgets tqdm"


@dataclass(frozen=True)
class Import:
    """One import statement's target, and where it stands."""

    module: str
    place: str
    top: bool


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[Import]:
    """Give every import of a file; those for type checkers do not count as module level."""
    todo: list[tuple[ast.AST, bool]] = [(ast.parse(path.read_text()), True)]
    while todo:
        node, top = todo.pop()
        place = f"{path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, place, top) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            # `from latentlens import data` names a room too.
            names = (
                [f"{base}.{alias.name}" for alias in node.names] if base == "latentlens" else [base]
            )
            yield from (Import(name, place, top) for name in names)
        inner = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        todo += [(child, top and not inner and not typing) for child in ast.iter_child_nodes(node)]


FILES = sorted(PACKAGE.rglob("*.py"))
IDS = [str(path.relative_to(PACKAGE)) for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_file_has_a_room(path):
    assert room_of(path) in ROOMS, f"{path.name} has no line in the table of rooms"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_rooms_import_only_from_their_left(path):
    if path.name == "__init__.py" and path.parent == PACKAGE:
        # It names every room, and enters none before it is asked to.
        assert not [each for each in imports(path) if each.top and "latentlens." in each.module]
        return
    here = room_of(path)
    for each in imports(path):
        if each.module.startswith("latentlens."):
            there = each.module.split(".")[1]
            assert there in {here, *ROOMS[here].own}, f"{each.place}: {here} may not import {there}"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_rooms_import_only_the_libraries_they_are_allowed(path):
    here = ROOMS[room_of(path)]
    for each in imports(path):
        library = each.module.split(".")[0]
        if library in sys.stdlib_module_names or library == "latentlens":
            continue
        allowed = here.top if each.top else here.top | here.inside
        where = "at module level" if each.top else "inside functions"
        assert library in allowed, f"{each.place}: {library} is not allowed {where}"


def test_the_checks_above_see_what_they_forbid(tmp_path):
    made_up = tmp_path / "made_up.py"
    made_up.write_text(
        "import torch\nfrom latentlens import widget\n"
        "if TYPE_CHECKING:\n    import pandas\n"
        "def f():\n    from latentlens.session import Session\n"
    )
    assert {(each.module, each.top) for each in imports(made_up)} == {
        ("torch", True),
        ("latentlens.widget", True),
        ("pandas", False),
        ("latentlens.session", False),
    }


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout.strip()


def test_importing_loads_nothing_heavy_and_meddles_with_nothing():
    said = run_python(
        "import sys, warnings\n"
        "before = sys.excepthook, sys.displayhook, list(warnings.filters)\n"
        "import latentlens\n"
        f"print(sorted(set({HEAVY.split()!r}) & set(sys.modules)))\n"
        "print((sys.excepthook, sys.displayhook, list(warnings.filters)) == before)\n"
    )
    assert said.splitlines() == ["[]", "True"]


def test_dir_names_what_the_package_has():
    said = run_python(
        "import latentlens\n"
        "print(set(latentlens.__all__) <= set(dir(latentlens)), 'samplers' in dir(latentlens))"
    )
    assert said == "True True"


def test_an_unknown_name_is_an_attribute_error():
    import latentlens

    with pytest.raises(AttributeError, match="'latentlens' has no attribute 'Lens'"):
        _ = latentlens.Lens


def sources() -> list[Path]:
    """Give all that people read and write, dependencies and what is built left out."""
    kinds = {".py", ".ts", ".mjs", ".css", ".ipynb", ".html", ".md", ".toml", ".json"}
    folders = ("latentlens", "js/src", "js/tests", "js/play", "js/bench", "tests", "benchmarks")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    found += [*ROOT.glob("*.*"), *(ROOT / "js").glob("*.*"), *(ROOT / "notebooks").glob("*.ipynb")]
    skipped = {"__pycache__", "static", "out", "build", "node_modules"}
    return [
        path
        for path in found
        if path.suffix in kinds and not skipped & set(path.parts) and path != Path(__file__)
    ]


def test_no_file_is_called_utils():
    assert not [path for path in sources() if path.stem in {"util", "utils", "helper", "helpers"}]


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "/home/", "/root/", "/work/", "/opt/"])
def test_nothing_is_left_lying_about(word):
    found = [path for path in sources() if word in path.read_text()]
    assert not found, f"{word} stands in {found}"


@pytest.mark.parametrize("word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval("])
def test_the_browser_never_takes_data_for_markup(word):
    found = [path for path in (ROOT / "js" / "src").rglob("*.ts") if word in path.read_text()]
    assert not found, f"{word} stands in {found}"
