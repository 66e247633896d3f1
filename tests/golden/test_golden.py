import json
import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMES = (
    "allocate",
    "sample_size",
    "rankings",
    "samples",
    "contrasts",
    "units",
    "records",
    "questions",
)


@pytest.fixture(scope="module")
def made():
    return json.loads(runpy.run_path(str(HERE / "make_golden.py"))["text"]())


@pytest.fixture(scope="module")
def kept():
    return json.loads((HERE / "query.json").read_text(encoding="utf-8"))


def flatten(value, path=""):
    """Give every number and word of a nested structure by its path."""
    if isinstance(value, dict) and value:
        parts = value.items()
    elif isinstance(value, list) and value:
        parts = enumerate(value)
    else:
        return {path: value}
    return {k: v for name, part in parts for k, v in flatten(part, f"{path}/{name}").items()}


def split(value):
    """Give the fractions apart from whatever must be the same to the bit."""
    flat = flatten(value)
    fractions = {path: part for path, part in flat.items() if isinstance(part, float)}
    return fractions, {path: part for path, part in flat.items() if path not in fractions}


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_file_is_current(made, kept, name):
    fractions, rest = split(made[name])
    kept_fractions, kept_rest = split(kept[name])
    assert rest == kept_rest, "run `make golden`, and look at what changed"
    assert fractions == pytest.approx(kept_fractions, rel=1e-12, abs=1e-12)


def test_the_golden_file_holds_nothing_else(kept):
    assert set(kept) == set(NAMES)


@pytest.mark.parametrize("field", ["precision", "js_distance", "cosine_distance", "mean", "top"])
def test_the_golden_questions_have_and_lack_every_field(kept, field):
    lacking = [q["answer"][field] is None for q in kept["questions"]]
    assert any(lacking)
    assert not all(lacking)


def test_the_golden_searches_are_current():
    made = runpy.run_path(str(HERE / "make_search.py"))["text"]()
    kept = (HERE / "search.json").read_text(encoding="utf-8")
    assert made == kept, "run `make golden`, and look at what changed"
