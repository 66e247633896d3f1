"""When pixels are on the screen, and what it took to bring them there.

A draw call returns long before a software rasteriser has drawn: reading one
pixel back waits for it, and the frame after that is when people see it.
"""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from typing import Any

import psutil

WATCH = """
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const seen = (window.__seen = { draws: [], keys: [], arrivals: [], wait: true, now });
  const pixels = { 0x1401: new Uint8Array(4), 0x1406: new Float32Array(4) };
  const finish = (gl) => {
    const type = gl.getParameter(0x8b9a);
    if (pixels[type]) gl.readPixels(0, 0, 1, 1, 0x1908, type, pixels[type]);
  };
  const names = ["drawArrays", "drawElements", "drawArraysInstanced", "drawElementsInstanced"];
  for (const { prototype } of [WebGLRenderingContext, WebGL2RenderingContext]) {
    for (const name of names.filter((each) => each in prototype)) {
      const draw = prototype[name];
      prototype[name] = function (...args) {
        draw.apply(this, args);
        const copies = name.endsWith("Instanced") ? args.at(-1) : 1;
        const vertices = (name.startsWith("drawArrays") ? args[2] : args[1]) * copies;
        const one = { vertices, issued: now(), painted: 0 };
        seen.draws.push(one);
        if (seen.wait) finish(this);
        requestAnimationFrame(() => {
          one.painted = now();
          one.words = document.querySelector(".ll-sample-line")?.textContent ?? "";
        });
      };
    }
  }
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) =>
        seen.arrivals.push({ at: now(), bytes: data.byteLength ?? data.length }));
    }
  };
  const key = ({ timeStamp }) => seen.keys.push(performance.timeOrigin + timeStamp);
  window.addEventListener("keydown", key, true);
  seen.forget = () => { seen.draws.length = seen.keys.length = seen.arrivals.length = 0; };
})();
"""


@dataclass(frozen=True)
class Times:
    """Times of one side in milliseconds."""

    name: str
    each: tuple[float, ...]

    @property
    def median(self) -> float:
        """Give the time that half of the repetitions stay under."""
        return statistics.median(self.each)

    @property
    def least(self) -> float:
        """Give the time that other work on the machine disturbed least."""
        return min(self.each)


def ratio(title: str, ours: Times, other: Times) -> str:
    """Write one line: both medians with minima, and the ratio of each."""
    sides = "  ".join(
        f"{side.name} {side.median:5.0f} ({side.least:5.0f}) ms" for side in (ours, other)
    )
    return (
        f"{title:<22} {sides}  {ours.median / other.median:5.2f}x of {other.name}"
        f" ({ours.least / other.least:.2f}x by minima)"
    )


def forget(page: Any) -> None:
    """Begin a measurement: nothing has been drawn, pressed or received."""
    page.evaluate("() => __seen.forget()")


def wait_painted(
    page: Any, *, after: float = 0, vertices: int = 1, arrival: int = 0
) -> dict[str, Any]:
    """Give the first draw that can show what was asked for, once it is on the screen.

    Parameters
    ----------
    page : Page
    after : float
        Epoch milliseconds before which a draw does not count.
    vertices : int
        How many vertices it has at least.
    arrival : int
        If given, it also comes after a message from the server of at least so many bytes.
    """
    return page.wait_for_function(
        """([after, vertices, arrival]) => {
          const came = __seen.arrivals.find(({ at, bytes }) => at >= after && bytes >= arrival);
          if (arrival && !came) return false;
          const from = Math.max(after, arrival ? came.at : 0);
          return __seen.draws.find((d) => d.issued >= from && d.vertices >= vertices && d.painted);
        }""",
        arg=[after, vertices, arrival],
        polling=10,
    ).json_value()


def wait_still(page: Any, ms: int = 400) -> None:
    """Wait until nothing has been drawn or received for a while."""
    page.wait_for_function(
        """(ms) => {
          const last = [__seen.draws.at(-1)?.issued, __seen.arrivals.at(-1)?.at];
          return last.every((at) => !at || __seen.now() - at > ms);
        }""",
        arg=ms,
    )


@dataclass(frozen=True)
class Cpu:
    """Processor time so far, in milliseconds."""

    renderer: float
    gpu: float
    kernel: float
    main_thread: float
    """Scripts, styles and layout on the page's main thread, by the browser's own count."""

    def since(self, start: Cpu, n: int) -> Cpu:
        """Give what each of `n` ticks took."""
        names = ("renderer", "gpu", "kernel", "main_thread")
        return Cpu(*((getattr(self, name) - getattr(start, name)) / n for name in names))

    def __str__(self) -> str:
        return (
            f"main thread {self.main_thread:5.0f} ms a tick; processor time of "
            f"renderer {self.renderer:4.0f}, GPU process {self.gpu:4.0f}, kernel {self.kernel:3.0f}"
        )


def cpu_now(session: Any) -> Cpu:
    """Read the processor time of the browser's processes and of the kernels."""
    spent = {"--type=renderer": 0.0, "--type=gpu-process": 0.0, "ipykernel": 0.0}
    for process in psutil.Process(os.getpid()).children(recursive=True):
        try:
            words, times = " ".join(process.cmdline()), process.cpu_times()
        except psutil.Error:
            continue
        for mark in spent:
            if mark in words:
                spent[mark] += 1e3 * (times.user + times.system)
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    busy = sum(metrics[f"{work}Duration"] for work in ("Script", "RecalcStyle", "Layout"))
    return Cpu(*spent.values(), main_thread=1e3 * busy)
