"""Write `palette.json`: the colours of classes, which both halves must give."""

from __future__ import annotations

import json
from pathlib import Path

from latentlens.core.palette import class_colours

FILE = Path(__file__).parent / "palette.json"
SIZES = (3, 8, 9, 100)


def text() -> str:
    """Write a list of colours per theme and number of classes."""
    golden = {
        theme: {str(n): class_colours(n, theme) for n in SIZES} for theme in ("light", "dark")
    }
    return json.dumps(golden, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
