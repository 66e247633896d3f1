"""Slow work, done without ever holding up the notebook.

Work that touches the user's model runs `here`, on the kernel's own thread, a
slice at a time, so that messages and the user's next cell come between two
slices. Pure NumPy work runs `beside`, on a worker thread; its results are taken
over on the kernel's thread. Where no event loop runs, as in a script, both
simply run to their end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

SLICE_S = 0.03
"""How long a slice lasts before messages get their turn."""

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Give the event loop that runs on this thread, if one does."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@dataclass(eq=False)
class Job:
    """Some work in steps and what to do with them.

    Parameters
    ----------
    steps : iterator
        Each item is handed to `on_step`.
    on_step : callable
    on_end : callable
        Called once when the steps are exhausted, not when stopped.
    on_error : callable
        Called with the exception a step raised.
    on_stop : callable
        Called when something newer, or the user, stops the job.
    """

    steps: Iterator[Any]
    on_step: Callable[[Any], None]
    on_end: Callable[[], None]
    on_error: Callable[[Exception], None]
    on_stop: Callable[[], None] = lambda: None
    stopped: threading.Event = field(default_factory=threading.Event)
    task: asyncio.Task[None] | None = None


class Conductor:
    """Keeps at most one job per name; a newer one stops the older."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def busy(self, name: str) -> bool:
        """Whether a job of this name is under way."""
        return name in self._jobs

    def here(self, name: str, job: Job) -> None:
        """Run a job on this thread, in slices if an event loop allows it."""
        self.stop(name)
        self._jobs[name] = job
        loop = running_loop()
        if loop is None:
            self.finish(name)
        else:
            job.task = loop.create_task(self._in_slices(name, job))

    def beside(self, name: str, job: Job) -> None:
        """Run a job's steps on a worker thread and everything else on this one."""
        self.stop(name)
        self._jobs[name] = job
        loop = running_loop()
        if loop is None:
            self.finish(name)
        else:
            worker = threading.Thread(
                target=self._on_worker,
                args=(name, job, loop),
                name=f"latentlens {name}",
                daemon=True,
            )
            worker.start()

    def finish(self, name: str) -> None:
        """Run what is left of a `here` job to its end, now.

        Raises
        ------
        Exception
            Whatever a step raises, after `on_error` has heard of it. An interrupt
            leaves the job where it is; finishing again goes on from there.
        """
        job = self._jobs.get(name)
        if job is None:
            return
        if job.task is not None:
            job.task.cancel()
            job.task = None
        try:
            for step in job.steps:
                job.on_step(step)
        except Exception as error:
            self._fail(name, job, error)
            raise
        self._end(name, job)

    def stop(self, name: str) -> bool:
        """Stop a job; False if there was none."""
        job = self._jobs.pop(name, None)
        if job is None:
            return False
        job.stopped.set()
        if job.task is not None:
            job.task.cancel()
        job.on_stop()
        return True

    def let_go(self, name: str) -> None:
        """Forget a job that an interrupt left, so that it can be begun again."""
        self._jobs.pop(name, None)

    async def _in_slices(self, name: str, job: Job) -> None:
        try:
            until = time.monotonic() + SLICE_S
            for step in job.steps:
                job.on_step(step)
                if time.monotonic() >= until:
                    await asyncio.sleep(0)
                    until = time.monotonic() + SLICE_S
        except Exception as error:
            self._fail(name, job, error)
        else:
            self._end(name, job)

    def _on_worker(self, name: str, job: Job, loop: asyncio.AbstractEventLoop) -> None:
        def deliver(what: Callable[..., None], *args: Any) -> None:
            if not job.stopped.is_set():
                what(*args)

        def post(what: Callable[..., None], *args: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(deliver, what, *args)

        try:
            for step in job.steps:
                if job.stopped.is_set():
                    return
                post(job.on_step, step)
        except Exception as error:
            post(self._fail, name, job, error)
        else:
            post(self._end, name, job)
        finally:
            close = getattr(job.steps, "close", None)
            if close is not None:
                close()

    def _end(self, name: str, job: Job) -> None:
        self._forget(name, job)
        job.on_end()

    def _fail(self, name: str, job: Job, error: Exception) -> None:
        self._forget(name, job)
        log.error("%s failed", name, exc_info=error)
        job.on_error(error)

    def _forget(self, name: str, job: Job) -> None:
        if self._jobs.get(name) is job:
            del self._jobs[name]
