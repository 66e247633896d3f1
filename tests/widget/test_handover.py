"""The examples in the docstrings of what leaves the notebook."""

import doctest

import pytest

from latentlens.widget import handover

FOUND = [each for each in doctest.DocTestFinder().find(handover.Handover) if each.examples]


@pytest.mark.parametrize("example", FOUND, ids=lambda example: example.name)
def test_the_example_of_a_method_runs(example, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.DocTestRunner(verbose=False).run(example).failed == 0


def test_every_method_has_an_example():
    named = {each.name for each in FOUND}
    own = [name for name, each in vars(handover.Handover).items() if not name.startswith("_")]
    assert {f"Handover.{name}" for name in own} <= named
