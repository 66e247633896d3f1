"""What an exported page says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.embed import PROJECTIONS
from latentlens.session import Session
from latentlens.widget.page.choice import Chosen

NAMED = 6
"""How many names are listed."""


def title_of(about: Mapping[str, Any]) -> str:
    """Give a title to a lens without one."""
    model = about["model"] or "A model"
    return f"{model} on {about['n_items']:,} items"


def line(left_out: Sequence[str]) -> str:
    """Give the line under the title."""
    said = "An exported lens: no kernel, no network."
    return f"{said} Left out: {'; '.join(left_out)}." if left_out else said


def left_out(
    session: Session,
    state: Mapping[str, Any],
    chosen: Chosen,
    samplers: Sequence[str],
    pictured: NDArray[np.int64],
) -> list[str]:
    """Say what the notebook has and the page has not."""
    record = session.record
    said: list[str] = []
    layers = [name for name in record.layers if name not in chosen.layers]
    if layers:
        said.append(f"{_count(len(layers), 'layer')} ({_listed(layers)})")
    kept = max(min(record.layers[name].keep, chosen.keep) for name in chosen.layers)
    if any(record.layers[name].keep > chosen.keep for name in chosen.layers):
        said.append(f"all but the {kept} largest units of each item: k up to {kept} here")
    if record.latent_layer in chosen.layers and not chosen.latent:
        said.append("the latent's values, so that neither a sample's mean nor neighbours are known")
    others = [name for name in chosen.layers if name != record.latent_layer]
    if others:
        said.append(f"the sample's mean of {_listed(others)} (it takes running the model)")
    if session.pictures is not None and len(pictured) < len(record):
        said.append(f"pictures of {len(record) - len(pictured):,} items")
    absent = len(state["about"]["samplers"]) - len(set(samplers))
    if absent:
        said.append(f"the rankings of {_count(absent, 'other sampler')}")
    if len(PROJECTIONS) > 1:
        said.append("other layouts of the map")
    return said


def left_out_columns(session: Session, columns: Sequence[str]) -> list[str]:
    """Say which columns of the metadata are not there."""
    absent = [name for name in session.metadata if name not in columns]
    return [f"{_count(len(absent), 'column')} ({_listed(absent)})"] if absent else []


def no_fidelity(why: str, part: str = "") -> str:
    """Say why the fidelity is not there, and when it will be."""
    return f"{part}fidelity ({why.rstrip('.')}; to_html puts it in once a sample can be scored)"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
