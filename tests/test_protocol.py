"""One schema for both sides: the generated file is current, the traits are its fields."""

import subprocess
import sys
from pathlib import Path

from js.gen_protocol import PARTS
from latentlens.protocol.state import State as Fields

ROOT = Path(__file__).parent.parent
OWN_OF_IPYWIDGETS = {"layout", "tabbable", "tooltip"}


def test_the_generated_types_are_current():
    check = subprocess.run(
        [sys.executable, ROOT / "js" / "gen_protocol.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout + check.stderr


def test_every_file_of_the_protocol_is_written():
    folder = ROOT / "latentlens" / "protocol"
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(PARTS)


def test_every_field_of_the_state_is_a_synced_trait_and_the_other_way_round():
    from latentlens.widget.state import State

    synced = {name for name in State.class_trait_names(sync=True) if not name.startswith("_")}
    assert synced - OWN_OF_IPYWIDGETS == set(Fields.__annotations__)
