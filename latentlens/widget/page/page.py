"""The page: what it holds, chosen to fit, and the file around it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlens.core.checks import check_rows
from latentlens.samplers import SAMPLERS
from latentlens.session import Question, Session, ranked_message
from latentlens.session.quality import quality
from latentlens.widget.bar import Tell
from latentlens.widget.page import words
from latentlens.widget.page.arrays import Blocks
from latentlens.widget.page.choice import Chosen, choose, measure
from latentlens.widget.page.contents import (
    choose_columns,
    fit_pictures,
    pack_column,
    pack_layer,
    pack_pictures,
    pack_state,
    read_pictures,
)
from latentlens.widget.page.document import bundle_size, write_document
from latentlens.widget.page.wanted import Wanted
from latentlens.widget.wire import from_wire

PICTURES_SHARE = 0.4
"""Pictures that take more of a page are shrunk."""
COLUMNS_SHARE = 0.25
"""As much of a page the metadata may take."""
TRIES = 4
"""How often less is put in because a page came out larger than its parts foretold."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page and what is not in it.

    Parameters
    ----------
    html : str
    left_out : tuple of str
        In words, as the page says it.
    """

    html: str
    left_out: tuple[str, ...]

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self.html.encode())

    def report(self, path: Path) -> str:
        """Say what was written."""
        left_out = f" Left out: {'; '.join(self.left_out)}." if self.left_out else ""
        return f"{path}: {self.size / 1e6:.1f} MB.{left_out}"


def make_page(session: Session, state: Mapping[str, Any], wanted: Wanted, tell: Tell) -> Page:
    """Make the page of a lens.

    Parameters
    ----------
    session : Session
    state : mapping
        `protocol.state.State`, as the lens's traits are sent.
    wanted : Wanted
    tell : callable
        Hears how many steps of the scoring are done, and of how many.

    Raises
    ------
    ValueError
        If it does not fit, before it is made.
    """
    state = with_arrays(state)
    parts = Parts(session, state, wanted, tell)
    room = float(wanted.limit)
    for _ in range(TRIES):
        chosen = choose(
            session.record, parts.sizes, wanted, layer=state["layer"], k=state["k"], limit=room
        )
        page = parts.assemble(chosen)
        if page.size <= wanted.limit:
            return page
        room *= 0.99 * wanted.limit / page.size
    raise ValueError(
        f"The page came out at {page.size / 1e6:.1f} MB, more than limit_mb="
        f"{wanted.limit / 1e6:g}. Leave something out with layers= or keep=, or raise limit_mb."
    )


def with_arrays(value: Any) -> Any:
    """Read the arrays in what traits send."""
    if isinstance(value, Mapping):
        if value.keys() == {"dtype", "shape", "data"}:
            return from_wire(value)
        return {key: with_arrays(part) for key, part in value.items()}
    return [with_arrays(part) for part in value] if isinstance(value, list) else value


class Parts:
    """What the page of one lens is made of."""

    def __init__(
        self, session: Session, state: Mapping[str, Any], wanted: Wanted, tell: Tell
    ) -> None:
        self.session, self.wanted = session, wanted
        record = session.record
        self.samplers = wanted.samplers or tuple(
            name for name in SAMPLERS if name in session.rankings
        )
        if state["sampler"] not in self.samplers:
            self.samplers = (state["sampler"], *self.samplers)
        rankings = {name: ranked_message(session.ranking(name)) for name in self.samplers}
        self.rankings = list(rankings.values())
        self.state = {**state, "ranked": rankings[state["sampler"]]}
        self.quality, self.no_quality = self._quality(tell)
        question = Question(**{name: state[name] for name in ("layer", "sampler", "fraction", "j",
                                                              "added")})  # fmt: skip
        sampled = np.flatnonzero(session.roles(question))
        self.rows = rows_shown(wanted.pictures, len(record), sampled, state["selection"])
        read = read_pictures(session, self.rows)
        self.pictures, self.side = fit_pictures(read, PICTURES_SHARE * wanted.limit)
        self.columns = choose_columns(session, state["color_by"], COLUMNS_SHARE * wanted.limit)
        self.sizes = measure(record, self._fixed())

    def _quality(self, tell: Tell) -> tuple[list[dict[str, Any]], str]:
        """Work the quality out where it is not known, or say why it cannot be."""
        asked = {name: self.state[name] for name in ("sampler", "j", "by", "k", "fraction",
                                                   "added")}  # fmt: skip
        reply, why = None, ""
        try:
            for step in quality(self.session, asked):
                if step["kind"] == "progress":
                    tell(step["done"], step["total"])
                else:
                    reply = step
        # Whatever stops the model, such as weights trained on since, the page is not lost by it.
        except Exception as error:
            why = words.no_fidelity(str(error), part="" if reply is None else "S2 of the ")
        if reply is None:
            return [], why
        j = asked["j"] if self.state["ranked"]["uses_j"] else 0
        added = asked["added"].tolist()
        own = {n: asked[n] for n in ("sampler", "by", "k")}
        return [{**own, "j": j, "added": added, "reply": {**reply, "done": True}}], why

    def _fixed(self) -> dict[str, int]:
        """Measure what is there whatever layers are chosen."""
        blocks = Blocks()
        nothing = Chosen(layers=(), keep=0, latent=False)
        state = pack_state(self.state, nothing, self.samplers, self.columns, blocks)
        blocks.pack(self.rankings)
        items = sum(map(len, blocks.texts)) + len(json.dumps(state))
        columns = Blocks()
        packed = [pack_column(self.session, name, columns) for name in self.columns]
        levels = len(json.dumps([each["levels"] for each in packed]))
        shown = Blocks()
        pack_pictures(self.rows, self.pictures, shown)
        pictures = sum(map(len, shown.texts)) + sum(len(p.text or "") for p in self.pictures)
        return {
            "the widget": bundle_size(),
            "items and rankings": items,
            "metadata": sum(map(len, columns.texts)) + levels,
            "pictures": pictures,
        }

    def assemble(self, chosen: Chosen) -> Page:
        """Put the page together."""
        record, blocks = self.session.record, Blocks()
        layers = [record.layers[name] for name in chosen.layers]
        latent: Any = None
        contents = {
            "state": pack_state(self.state, chosen, self.samplers, self.columns, blocks),
            "layers": [pack_layer(record, layer, chosen, blocks) for layer in layers],
            "latent": latent,
            "rankings": blocks.pack(self.rankings),
            "pictures": pack_pictures(self.rows, self.pictures, blocks),
            "columns": [pack_column(self.session, name, blocks) for name in self.columns],
            "quality": self.quality,
        }
        if chosen.latent:
            contents["latent"] = blocks.add_floats(record.latent)
        contents["blocks"] = blocks.entries
        left_out = words.left_out(self.session, self.state, chosen, self.samplers, self.rows)
        left_out += words.left_out_columns(self.session, self.columns)
        if self.no_quality:
            left_out.append(self.no_quality)
        if self.side:
            left_out.append(f"pictures' detail beyond {self.side} pixels")
        title = self.wanted.title or words.title_of(self.state["about"])
        html = write_document(title, words.line(left_out), contents, blocks.texts)
        return Page(html=html, left_out=tuple(left_out))


def rows_shown(
    pictures: str | NDArray[np.int64], n_items: int, *sampled: NDArray[Any]
) -> NDArray[np.int64]:
    """Say of which rows the page has pictures."""
    if not isinstance(pictures, str):
        return check_rows(pictures, "pictures", n_items)
    if pictures == "none":
        return np.zeros(0, np.int64)
    if pictures == "all":
        return np.arange(n_items)
    return np.unique(np.concatenate([rows.astype(np.int64) for rows in sampled]))
