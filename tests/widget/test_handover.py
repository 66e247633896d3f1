"""The examples in the docstrings of what leaves the notebook."""

import doctest

import pytest

from latentlens.widget.cell import Cell
from latentlens.widget.drawings import Drawings
from latentlens.widget.handover import Handover

ROOMS = (Cell, Drawings, Handover)
FOUND = [each for room in ROOMS for each in doctest.DocTestFinder().find(room) if each.examples]


@pytest.mark.parametrize("example", FOUND, ids=lambda example: example.name)
def test_the_example_of_a_method_runs(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.DocTestRunner(verbose=False).run(example).failed == 0


@pytest.mark.parametrize("room", ROOMS)
def test_every_method_has_an_example(room):
    named = {each.name for each in FOUND}
    own = [name for name in vars(room) if not name.startswith("_")]
    assert {f"{room.__name__}.{name}" for name in own} <= named
