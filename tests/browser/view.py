"""One view of a lens, read and handled as a person would."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.browser.page import PATIENCE_MS, Page


def until(probe: Callable[[], Any], wanted: Any = True, *, seconds: float = 20.0) -> None:
    """Wait until a probe gives what is wanted; what it gave at last stands in the failure."""
    end = time.monotonic() + seconds
    found = probe()
    while found != wanted and time.monotonic() < end:
        time.sleep(0.05)
        found = probe()
    if found != wanted:
        raise AssertionError(f"waited {seconds} s for {differences(wanted, found)}")


def differences(wanted: Any, found: Any) -> str:
    """Say what differs, by key where there are keys."""
    if not (isinstance(wanted, dict) and isinstance(found, dict)):
        return f"{wanted!r}, got {found!r}"
    keys = [key for key in {**wanted, **found} if wanted.get(key) != found.get(key)]
    return "; ".join(f"{key}: {differences(wanted.get(key), found.get(key))}" for key in keys)


def n_changed(before: NDArray[np.int16], after: NDArray[np.int16]) -> int:
    """Count the pixels that one would see change."""
    return int((abs(before - after).sum(axis=2) > 30).sum())


class View:
    """The lens shown as the `nth` of a notebook."""

    def __init__(self, notebook: Page, nth: int = 0) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.root = notebook.page.locator(".ll").nth(nth)

    def ready(self) -> View:
        """Wait until the panes show an answer."""
        self.root.locator(".ll-row").first.wait_for(timeout=PATIENCE_MS)
        return self

    def pane(self, name: str):
        """Give a pane by its name."""
        return self.root.locator(f'[data-pane="{name}"]')

    def text(self, selector: str) -> str:
        """Give the text of the first element found."""
        return self.root.locator(selector).first.inner_text()

    # -- reading -----------------------------------------------------------------

    def header(self) -> list[int]:
        """Give the numbers of "n of N items in the sample, e of E errors"."""
        words = self.text(".ll-sample-line").replace(",", "")
        return [int(number) for number in re.findall(r"\d+", words)]

    def n(self, pane: str) -> list[int]:
        """Give how many items a pane is from, and how many the group has."""
        words = self.pane(pane).locator(".ll-n").inner_text().replace(",", "")
        return [int(number) for number in re.findall(r"\d+", words)]

    def score(self, pane: str) -> str:
        """Give a pane's distance from the exact figure as it is written, empty if there is none."""
        value = self.pane(pane).locator(".ll-score b")
        return value.inner_text().split(" ·")[0] if value.count() else ""

    def kind(self, pane: str) -> str:
        """Give how a pane's figure is known."""
        return self.pane(pane).locator(".ll-badge").inner_text().lower()

    def instead(self, pane: str) -> str:
        """Give the words that stand in a figure's place."""
        return self.pane(pane).locator(".ll-instead").inner_text()

    def top_k(self) -> list[list[Any]]:
        """Give each bar's unit, value and whether it is a hit."""
        return self.pane("top-k").evaluate(
            """(pane) => [...pane.querySelectorAll(".ll-row")].map((row) => [
              Number(row.dataset.unit),
              parseFloat(row.querySelector("text.ll-right").textContent.replaceAll(",", "")),
              row.classList.contains("ll-hit"),
            ])"""
        )

    def bar_lengths(self) -> list[float]:
        """Give the bars' lengths in CSS pixels."""
        return self.pane("top-k").evaluate(
            """(pane) => [...pane.querySelectorAll(".ll-row .ll-bar")].map((bar) =>
              Number(bar.getAttribute("width")))"""
        )

    def histogram(self) -> dict[str, list[int]]:
        """Give of how many items each unit is the maximum: in the sample, and exactly.

        "-1" stands for items without a maximal unit.
        """
        bins = self.pane("max-neurons").evaluate(
            """(pane) => [...pane.querySelectorAll(".ll-bin")].map((bin) =>
              [bin.dataset.unit ?? "-1", bin.getAttribute("aria-label").replaceAll(",", "")])"""
        )
        return {unit: [int(n) for n in re.findall(r"\((\d+)\)", words)] for unit, words in bins}

    def profile(self, units: int) -> list[list[float]]:
        """Give the numbers the mean's read-out says of each unit, the pointer moved over them."""
        chart = self.pane("mean").locator(".ll-profile")
        said = chart.evaluate(
            """(chart, units) => {
              const { left, top, width } = chart.getBoundingClientRect();
              const edge = Number(chart.querySelector(".ll-zero").getAttribute("x1"));
              return Array.from({ length: units }, (_, unit) => {
                const clientX = left + edge + ((unit + 0.5) / units) * (width - edge);
                chart.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY: top + 5 }));
                return chart.closest("section").querySelector(".ll-readout").textContent;
              });
            }""",
            units,
        )
        return [[float(n) for n in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)] for text in said]

    def strip(self, n: int = 8) -> list[int]:
        """Give the rows of the first cards of the strip."""
        return self.pane("strip").evaluate(
            """(pane, n) => [...pane.querySelectorAll("[data-row]")]
              .map((card) => [new DOMMatrix(card.style.transform).e, Number(card.dataset.row)])
              .sort(([a], [b]) => a - b).map(([, row]) => row).slice(0, n)""",
            n,
        )

    def legend(self) -> list[list[int]]:
        """Give each class's count in the sample and in the data."""
        texts = self.root.locator(".ll-legend-count").all_inner_texts()
        return [[int(number) for number in text.replace(",", "").split("/")] for text in texts]

    def picture(self) -> NDArray[np.int16]:
        """Give the map's pixels as they are painted, without its rounded corners."""
        shot = Image.open(BytesIO(self.root.locator(".ll-map-surface").screenshot()))
        return np.asarray(shot.convert("RGB"), np.int16)[4:-4, 4:-4]

    # -- handling ----------------------------------------------------------------

    def slider(self, caption: str):
        """Give the slider of a caption."""
        return self._field(caption).locator("input[type=range]")

    def menu(self, caption: str):
        """Give the menu of a caption."""
        return self._field(caption).locator("select")

    def _field(self, caption: str):
        begins = re.compile(rf"^\s*{caption}")
        return self.pane("controls").locator(".ll-field").filter(has_text=begins)

    def choose(self, key: str, value: str) -> None:
        """Choose one of a few values side by side."""
        self.pane("controls").locator(f'[name^="ll-{key}-"][value="{value}"]').check()

    def drag(self, caption: str, to: float, *, steps: int = 6, release: bool = True) -> None:
        """Drag a slider with the mouse to a share of its width."""
        slider = self.slider(caption)
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        value, low, high = slider.evaluate("(el) => [el.value, el.min, el.max].map(Number)")
        y = box["y"] + box["height"] / 2
        # The thumb's middle keeps half its width from either end.
        edge, room = box["x"] + 8, box["width"] - 16
        self.page.mouse.move(edge + room * (value - low) / (high - low), y)
        self.page.mouse.down()
        self.page.mouse.move(edge + room * to, y, steps=steps)
        if release:
            self.page.mouse.up()

    def lasso(self, *corners: tuple[float, float], tool: str = "lasso") -> None:
        """Draw around a part of the map; corners as shares of its width and height."""
        self.pane("map").locator(f'[data-tool="{tool}"]').first.click()
        surface = self.root.locator(".ll-map-surface")
        surface.scroll_into_view_if_needed()
        box = surface.bounding_box()
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
        self.page.mouse.move(*at[0])
        self.page.mouse.down()
        for x, y in at[1:]:
            self.page.mouse.move(x, y, steps=4)
        self.page.mouse.up()
