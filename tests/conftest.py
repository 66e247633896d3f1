"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Two cores are shared with a browser and a kernel, so idle threads must not spin; set before any
# library starts its threads.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# A loaded machine is no failure, and a run can be repeated.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")


ROOT = Path(__file__).parent.parent
"""The project's folder."""


@pytest.fixture(scope="session")
def root() -> Path:
    """Give the project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Give the folder of real data, or skip and say what is missing."""
    named = os.environ.get("LATENTLENS_DATA")
    if not named:
        pytest.skip("LATENTLENS_DATA names no folder; it should hold mnist.npz and galaxy.npz.")
    folder = Path(named).resolve()
    missing = [name for name in ("mnist.npz", "galaxy.npz") if not (folder / name).is_file()]
    if missing:
        pytest.skip(f"LATENTLENS_DATA={named} has no {' and no '.join(missing)}.")
    return folder
