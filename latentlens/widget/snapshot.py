"""A lens as it is now, in words and as a picture, without a browser.

Both stand beside the widget in a saved notebook, for those who read it without a
kernel. Nothing is fitted and no model is run for them: what is not known yet is
left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentlens.core.answer import Answer
from latentlens.core.palette import N_MANY, UNKNOWN, Theme, class_colours
from latentlens.core.record import Record
from latentlens.samplers import SAMPLERS
from latentlens.widget.colouring import Colouring, colour_items
from latentlens.widget.groups import group_words
from latentlens.widget.raster import Canvas, text_width

if TYPE_CHECKING:
    from latentlens.widget.results import Results

MOST_DOTS = 20_000
"""Items outside the sample that a picture shows at most."""
BRING_BACK = "This is the lens as it was when the notebook was saved; run the cell again to use it."
UNREAD = "The data had not been read when this was saved; run the cell again."
MEASURES = {"max": "largest activation", "count": "items led", "mean": "mean activation"}


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What is known of a lens at one moment.

    Parameters
    ----------
    record : Record
    xy : ndarray of shape (n_items, 2), float32
    projection : str
    roles : ndarray of shape (n_items,), uint8
        0 outside the sample.
    sample : str
        How the sample was drawn, in words; empty while the ranking is not known.
    layer, group, measure : str
        What the answer is about.
    answer : Answer or None
    colouring : Colouring
        As far as it is known.
    chosen : ndarray of shape (n_items,), bool
        Which items are selected.
    """

    record: Record
    xy: NDArray[np.float32]
    projection: str
    roles: NDArray[np.uint8]
    sample: str
    layer: str
    group: str
    measure: str
    answer: Answer | None
    colouring: Colouring
    chosen: NDArray[np.bool_]

    @property
    def sampled(self) -> NDArray[np.bool_]:
        """Which items are in the sample."""
        return self.roles > 0

    @property
    def title(self) -> str:
        """The model and its latent."""
        latent, name = self.record.latent, self.record.meta.get("model") or "model"
        return f"{name}, latent {self.record.latent_layer} ({latent.shape[1]:,} units)"


def take_snapshot(lens: Results) -> Snapshot | None:
    """Look at a lens; None before its pass is over."""
    session, xy = lens._session, lens._xy
    if session is None or xy is None or lens.points is None:
        return None
    ranked = lens.sampler in session.rankings
    question = lens._question()
    return Snapshot(
        record=session.record,
        xy=xy,
        projection=lens.points["projection"],
        roles=session.roles(question) if ranked else np.zeros(len(xy), np.uint8),
        sample=_sample_words(lens) if ranked else "",
        layer=lens.layer,
        group=_group(lens),
        measure=lens.measure,
        answer=session.answer(question) if ranked else None,
        colouring=colour_items(lens, work=False),
        chosen=np.isin(np.arange(len(xy)), lens.selection),
    )


def _sample_words(lens: Results) -> str:
    entry = SAMPLERS[lens.sampler]
    fraction = f", fraction {lens.fraction:.4g}" if entry.uses_fraction else ""
    outliers = f", j {lens.j:.4g}" if entry.uses_j else ""
    return f"{entry.title}{fraction}{outliers}"


def _group(lens: Results) -> str:
    words = group_words(lens.label, lens.correctness, lens.by)
    return f"{words} of the selection" if len(lens.selection) else words


# -- words -----------------------------------------------------------------------


def facts(now: Snapshot) -> list[tuple[str, str]]:
    """Give what is known as pairs of a name and words; every figure says what it is worth."""
    record, answer = now.record, now.answer
    known = record.correct | record.incorrect
    rows = [("model", now.title), ("items", f"{len(record):,}")]
    if known.any():
        rows.append(("accuracy", f"{record.correct[known].mean():.2%} (exact)"))
    if answer is None:
        return [*rows, ("sample", "not drawn yet")]
    n, wrong = int(now.sampled.sum()), record.incorrect
    rows.append(("sample", f"{n:,} items: {now.sample}"))
    if wrong.any():
        caught = int((wrong & now.sampled).sum())
        rows.append(("errors in the sample", f"{caught:,} of {int(wrong.sum()):,} (exact)"))
    rows.append(("shown", f"{now.layer}, {now.group}: {answer.n_used:,} of {answer.n_group:,} "
                 "items in the sample"))  # fmt: skip
    if answer.top is not None and answer.top.unit:
        units = ", ".join(map(str, answer.top.unit))
        rows.append((f"top {answer.k} by {MEASURES[now.measure]}", f"{units} (of the sample)"))
    rows += _measured(answer)
    return rows


def _measured(answer: Answer) -> list[tuple[str, str]]:
    named = [
        (f"precision@{answer.k}", answer.precision),
        ("cosine distance of the means", answer.cosine_distance),
        ("Jensen-Shannon distance of the maximal units", answer.js_distance),
    ]
    return [(name, f"{value:.3f} (measured)") for name, value in named if value is not None]


def as_text(now: Snapshot | None) -> str:
    """Write the facts as lines of text."""
    if now is None:
        return UNREAD
    rows = facts(now)
    wide = max(len(name) for name, _ in rows)
    return "\n".join([*(f"{name:<{wide}}  {words}" for name, words in rows), BRING_BACK])


def as_html(now: Snapshot | None) -> str:
    """Write the facts as a table, in a box that the live widget hides."""
    if now is None:
        return f'<div class="ll-snapshot"><p>{UNREAD}</p></div>'
    rows = "".join(
        f'<tr><th style="text-align: left">{escape(name)}</th>'
        f'<td style="text-align: left">{escape(words)}</td></tr>'
        for name, words in facts(now)
    )
    return f'<div class="ll-snapshot"><table>{rows}</table><p>{BRING_BACK}</p></div>'


# -- picture ---------------------------------------------------------------------

WIDTH, HEIGHT = 1520, 880
DENSITY = 2
"""Pixels of the picture for one on screen."""
MAP = (20, 60, 800)
"""Left, top and side of the map's square."""
SIDE_X, SIDE_WIDTH = 860, 640
PAPER = {
    "light": ("#ffffff", "#1a1a1a", "#6b6b6b", "#d9d9d9"),
    "dark": ("#111111", "#eeeeee", "#a0a0a0", "#3a3a3a"),
}
"""Background, text, quiet text and lines."""
INK, QUIET, LINE, BAR = 1, 2, 3, 4
FIRST_INK = 6
MOST_INKS = 2 * N_MANY
"""Colours of classes or of a scale; a picture holds 256.

Where the inks of classes begin again, so do their colours.
"""
MOST_UNITS = 32


def draw(now: Snapshot | None, theme: Theme = "light") -> bytes:
    """Draw the map, the top units and the histogram of maximal units as PNG."""
    own = [] if now is None else now.colouring.palette(theme, MOST_INKS)[:MOST_INKS]
    colours = (*PAPER[theme], class_colours(1)[0], UNKNOWN[theme], *own)
    if now is None:
        canvas = Canvas(WIDTH, 80, colours)
        canvas.text(20, 30, UNREAD, INK)
        return canvas.png()
    canvas = Canvas(WIDTH, HEIGHT, colours)
    canvas.text(20, 20, headline(now), INK)
    _draw_map(canvas, now)
    if now.answer is not None:
        _draw_top(canvas, now, now.answer)
        _draw_maxima(canvas, now.answer)
    _draw_legend(canvas, now.colouring)
    return canvas.png()


def headline(now: Snapshot) -> str:
    """Say how much is in the sample, in one line."""
    n, total = int(now.sampled.sum()), len(now.record)
    sampled = f"{n:,} of {total:,} items in the sample" if now.sample else f"{total:,} items"
    wrong = now.record.incorrect
    caught = int((wrong & now.sampled).sum())
    errors = f", {caught:,} of {int(wrong.sum()):,} errors" if wrong.any() and now.sample else ""
    return f"{now.record.meta.get('model') or 'model'}: {sampled}{errors}"


def _draw_map(canvas: Canvas, now: Snapshot) -> None:
    left, top, side = MAP
    canvas.box(left, top, side, side, LINE, hollow=True)
    low, high = now.xy.min(axis=0), now.xy.max(axis=0)
    # One scale for both axes: distances in the map mean something.
    scale = (side - 40) / max(float((high - low).max()), 1e-12)
    middle = (now.xy - (low + high) / 2) * scale
    x = (left + side / 2 + middle[:, 0]).astype(np.int64)
    y = (top + side / 2 - middle[:, 1]).astype(np.int64)
    ink = _inks(now.colouring)
    marked = now.sampled & (now.chosen | ~now.chosen.any())
    rest = np.flatnonzero(~marked & ~now.chosen)
    thinned = len(rest) > MOST_DOTS
    if thinned:
        rest = np.random.default_rng(0).permutation(rest)[:MOST_DOTS]
    chosen, drawn = np.flatnonzero(now.chosen), np.flatnonzero(marked)
    front = np.full(len(x), INK, np.uint8)
    canvas.stamp(x[rest], y[rest], ink[rest], "disc", 1 if len(chosen) else 2)
    canvas.stamp(x[chosen], y[chosen], ink[chosen], "disc", 4)
    canvas.stamp(x[drawn], y[drawn], ink[drawn], "disc", 5)
    canvas.stamp(x[drawn], y[drawn], front[drawn], "ring", 7)
    wrong = drawn[now.record.incorrect[drawn]]
    canvas.stamp(x[wrong], y[wrong], front[wrong], "cross", 7)
    canvas.stamp(x[chosen], y[chosen], front[chosen], "ring", 11)
    words = f"{now.projection}; ring: sampled, cross: error"
    words += f", wide ring: {len(chosen):,} selected" if len(chosen) else ""
    words += f", {MOST_DOTS:,} of the others" if thinned else ""
    canvas.text(left + 10, top + side - 25, words, QUIET, size=2)


def _inks(colouring: Colouring) -> NDArray[np.uint8]:
    """Give each item's colour on the canvas; that before the first stands for unknown."""
    if colouring.names:
        own = colouring.values % min(len(colouring.names), MOST_INKS)
    else:
        own = np.nan_to_num(colouring.shares()) * (MOST_INKS - 1) + 0.5
    inks: NDArray[np.uint8] = np.where(colouring.unknown, -1, own.astype(np.int64)) + FIRST_INK
    return inks.astype(np.uint8)


def _draw_legend(canvas: Canvas, colouring: Colouring) -> None:
    """Name the colours, as far as there is room in one line."""
    canvas.text(SIDE_X, 832, colouring.title[:52], QUIET, size=2)
    x, y = SIDE_X, 854
    if not colouring.names:
        ends = [f"{end:.3g}" for end in colouring.span]
        canvas.text(x, y, ends[0], INK, size=2)
        x += text_width(ends[0], 2) + 10
        for step in range(MOST_INKS):
            canvas.box(x + step, y, 1, 14, FIRST_INK + step)
        canvas.text(x + MOST_INKS + 10, y, ends[1], INK, size=2)
        return
    for place, name in enumerate(colouring.names[:MOST_INKS]):
        words = name[:12]
        if x + 30 + text_width(words, 2) > WIDTH:
            canvas.text(x, y, "...", QUIET, size=2)
            return
        canvas.box(x, y, 14, 14, FIRST_INK + place)
        canvas.text(x + 20, y, words, INK, size=2)
        x += 36 + text_width(words, 2)


def _draw_top(canvas: Canvas, now: Snapshot, answer: Answer) -> None:
    canvas.text(SIDE_X, 60, f"top {answer.k} units of {now.layer}"[:36], INK)
    words = f"{MEASURES[now.measure]} in the sample; filled: in the exact top"
    canvas.text(SIDE_X, 92, words, QUIET, size=2)
    top = answer.top
    if top is None or not top.unit:
        return
    shown = list(zip(top.unit, top.value, top.hit, strict=True))[:10]
    most = max(*(value for _, value, _ in shown), 1e-12)
    for place, (unit, value, hit) in enumerate(shown):
        y = 120 + 30 * place
        length = int(400 * max(value, 0) / most)
        canvas.text(SIDE_X + 90, y, str(unit), INK, right=True)
        canvas.box(SIDE_X + 100, y, length, 22, BAR, hollow=not hit)
        canvas.text(SIDE_X + 110 + length, y, f"{value:.3g}", QUIET)


def _draw_maxima(canvas: Canvas, answer: Answer) -> None:
    distance = "" if answer.js_distance is None else f", JS distance {answer.js_distance:.3f}"
    canvas.text(SIDE_X, 460, "items that each unit leads", INK)
    canvas.text(SIDE_X, 492, f"sample{distance} from all", QUIET, size=2)
    order = np.argsort(-answer.counts.astype(np.int64), kind="stable")[:MOST_UNITS]
    order = order[answer.counts[order] > 0]
    if not len(order):
        return
    high, pitch = 280, SIDE_WIDTH // MOST_UNITS
    most = int(answer.counts[order[0]])
    for place, unit in enumerate(order):
        length = int(high * answer.counts[unit] / most)
        canvas.box(SIDE_X + pitch * place, 520 + high - length, pitch - 4, length, BAR)
    canvas.box(SIDE_X, 520 + high, SIDE_WIDTH, 2, LINE)
    canvas.text(SIDE_X, 810, f"unit {order[0]}: {most:,}", QUIET, size=2)
    last = f"unit {order[-1]}: {int(answer.counts[order[-1]]):,}"
    canvas.text(SIDE_X + SIDE_WIDTH, 810, last, QUIET, size=2, right=True)
