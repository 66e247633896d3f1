"""One figure or table: its numbers, what is to be said of them, and its chart."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    Draw = Callable[[pd.DataFrame], alt.TopLevelMixin]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one experiment gave.

    Parameters
    ----------
    name : str
        Such as "figure_4".
    title : str
    frame : DataFrame
        Tidy: one number per row, what it is of in the other columns. Scores are
        measured against exact answers, so that nothing is estimated and the spread
        and the ends are those of several draws.
    draw : callable
        Makes the chart of a frame.
    notes : tuple of str
        Sentences for the reader.
    seconds : float
        How long it took.

    Examples
    --------
    >>> from latentlens import data, models
    >>> from latentlens.experiments import Experiment, Settings, table_1
    >>> settings = Settings(
    ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
    ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
    ... )
    >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
    >>> experiment = Experiment(model, loader, settings, progress=False)
    >>> result = table_1(experiment)
    >>> result.name, len(result.frame) > 0
    ('table_1', True)
    """

    name: str
    title: str
    frame: pd.DataFrame
    draw: Draw = field(repr=False)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def chart(self) -> alt.TopLevelMixin:
        """Draw the frame.

        Examples
        --------
        >>> from latentlens import data, models
        >>> from latentlens.experiments import Experiment, Settings, table_1
        >>> settings = Settings(
        ...     data="digits", samplers=("coreset", "random"), layers=("fc1", "fc2"),
        ...     fractions=(0.1,), js=(0.5,), ks=(5,), k=5, draws=2, fits=1, map_items=50,
        ... )
        >>> model, loader = models.lenet5(image_size=8), data.digits().loader()
        >>> experiment = Experiment(model, loader, settings, progress=False)
        >>> type(table_1(experiment).chart()).__name__
        'Chart'
        """
        return self.draw(self.frame)


def settings_hash(settings: Mapping[str, Any]) -> str:
    """Give the sha256 of settings, whatever their order."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def save_result(result: Result, folder: Path, settings: Mapping[str, Any]) -> None:
    """Write NAME.csv and NAME.json; the second names the first, and comes last.

    Each file appears whole or not at all, so that a run can be ended at any time.

    Parameters
    ----------
    result : Result
    folder : Path
        Made if it is not there.
    settings : mapping
        JSON-able; all that the numbers depend on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = result.frame.to_csv(index=False)
    meta = {
        "name": result.name,
        "title": result.title,
        "notes": list(result.notes),
        "seconds": round(result.seconds, 3),
        "settings": dict(settings),
        "settings_hash": settings_hash(settings),
        "csv_sha256": hashlib.sha256(table.encode()).hexdigest(),
    }
    write_whole(folder / f"{result.name}.csv", table)
    write_whole(folder / f"{result.name}.json", json.dumps(meta, indent=2) + "\n")


def load_result(name: str, folder: Path, settings: Mapping[str, Any], draw: Draw) -> Result | None:
    """Read a result written under equal settings; None if there is none, or none whole.

    Parameters
    ----------
    name : str
    folder : Path
    settings : mapping
        As `save_result` was given them.
    draw : callable
        Makes the chart.
    """
    import pandas as pd

    try:
        meta = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        table = (folder / f"{name}.csv").read_text(encoding="utf-8")
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    whole = meta.get("csv_sha256") == hashlib.sha256(table.encode()).hexdigest()
    if not whole or meta.get("settings_hash") != settings_hash(settings):
        return None
    return Result(
        name=name,
        title=meta["title"],
        # Class names may be numbers in words, and None may be a class.
        frame=pd.read_csv(StringIO(table), dtype={"class": str}, keep_default_na=False,
                          na_values=[""]),
        draw=draw,
        notes=tuple(meta["notes"]),
        seconds=float(meta["seconds"]),
    )  # fmt: skip


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is never seen half written."""
    raw = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(raw)
    os.replace(beside, path)  # noqa: PTH105
