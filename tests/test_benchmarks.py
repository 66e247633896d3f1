"""Benchmarks are run by hand, so only that they start is tested here."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
NAMED = sorted(path.name for path in BENCHMARKS.glob("*.py"))


@pytest.mark.parametrize("name", NAMED)
def test_a_benchmark_says_what_it_measures_and_runs_only_as_a_script(name):
    tree = ast.parse((BENCHMARKS / name).read_text())
    assert ast.get_docstring(tree)
    assert ast.unparse(tree.body[-1]).startswith("if __name__ == '__main__':")


@pytest.mark.slow
def test_the_coverage_benchmark_is_not_taken_for_the_package_of_that_name():
    done = subprocess.run(
        [sys.executable, "coverage.py", "--help"],
        cwd=BENCHMARKS,
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: coverage.py")
