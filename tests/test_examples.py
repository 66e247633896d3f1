"""Every public name has an example in its docstring, and every example is so."""

from __future__ import annotations

import doctest
import inspect
from importlib import import_module
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = (
    "latentlens", "latentlens.core", "latentlens.samplers", "latentlens.extract",
    "latentlens.embed", "latentlens.data", "latentlens.models", "latentlens.experiments",
)  # fmt: skip
ANSWERS = (
    "latentlens.widget.fidelity.Fidelity", "latentlens.widget.groups.Comparison",
    "latentlens.widget.questions.Questions", "latentlens.widget.question_result.QuestionResult",
    "latentlens.widget.sample_run.SampleRun", "latentlens.widget.drawn.DrawnSample",
    "latentlens.widget.saliency.Saliency",
)  # fmt: skip
"""What the methods of a lens return."""
ASKED = ("LatentLens", "BaseSampler", "Ranking", "ImageData", *(
    name.rsplit(".", 1)[1] for name in ANSWERS if name != "latentlens.widget.drawn.DrawnSample"
))  # fmt: skip
"""Classes whose methods people call one by one; elsewhere the class's example shows them."""
HOSTS_CALL = ("set_state",)
SLOW = ("latentlens.experiments", "latentlens.models", "latentlens.extract")


def modules():
    """Name all modules without importing any."""
    paths = sorted((ROOT / "latentlens").rglob("*.py"))
    names = [path.relative_to(ROOT).with_suffix("") for path in paths]
    dotted = [".".join(name.parts).removesuffix(".__init__") for name in names]
    return [
        pytest.param(name, marks=pytest.mark.slow if name.startswith(SLOW) else ())
        for name, path in zip(dotted, paths, strict=True)
        if ">>> " in path.read_text()
    ]


@pytest.mark.parametrize("name", modules())
def test_the_examples_are_so(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LATENTLENS_DATA", str(tmp_path))
    said = []
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    for example in doctest.DocTestFinder().find(import_module(name), name):
        runner.run(example, out=said.append)
    assert runner.tries
    assert not runner.failures, "".join(said)


def named(room):
    module = import_module(room)
    names = getattr(module, "__all__", None) or [
        name
        for name, each in vars(module).items()
        if getattr(each, "__module__", None) == room and name[0] != "_"
    ]
    return {f"{room}.{name}": getattr(module, name) for name in names}


def shown():
    """Give what is public and called, by name: functions, classes, and methods of some."""
    things = {name: thing for room in ROOMS for name, thing in named(room).items()}
    for answer in ANSWERS:
        module, name = answer.rsplit(".", 1)
        things[answer] = getattr(import_module(module), name)
    called = {
        name: thing
        for name, thing in things.items()
        if inspect.isfunction(thing)
        or (inspect.isclass(thing) and not issubclass(thing, BaseException))
    }
    parts = {
        f"{name}.{part}": each
        for name, cls in called.items()
        if name.rsplit(".", 1)[1] in ASKED
        for part, each in parts_of(cls).items()
    }
    return called | parts


def parts_of(cls):
    """Give the public methods that the package itself defines, and properties of a lens."""
    wanted = (property, classmethod) if cls.__name__ == "LatentLens" else (classmethod,)
    return {
        name: part
        for home in reversed(cls.__mro__)
        if home.__module__.startswith("latentlens")
        for name, part in vars(home).items()
        if name[0] != "_" and name not in HOSTS_CALL
        if inspect.isfunction(part) or isinstance(part, wanted)
    }


def has_example_that_runs(thing):
    examples = doctest.DocTestParser().get_examples(inspect.getdoc(thing) or "")
    return any(doctest.SKIP not in example.options for example in examples)


@pytest.mark.slow
def test_every_public_name_has_an_example_that_runs():
    things = shown()
    assert {"latentlens.LatentLens.top_k", "latentlens.data.digits"} <= set(things)
    lacking = [name for name, thing in things.items() if not has_example_that_runs(thing)]
    assert not lacking, (
        f"{', '.join(lacking)}: their docstrings lack an Examples section with >>> that runs."
    )


def test_every_public_name_stands_in_the_reference():
    pages = "".join(path.read_text() for path in Path(ROOT, "docs/pages/api").glob("*.md"))
    for name in (*ROOMS[1:], *ANSWERS, "latentlens.LatentLens"):
        assert f"::: {name}\n" in pages, name
