"""Slow work: in slices here, on a worker beside, and never two of a name."""

import asyncio
import threading
import time

import pytest

from latentlens.widget.conductor import Conductor, Job


class Log:
    """Collects what a job reports."""

    def __init__(self):
        self.steps, self.ends, self.errors, self.stops = [], 0, [], 0

    def job(self, steps):
        return Job(
            steps=iter(steps),
            on_step=self.steps.append,
            on_end=lambda: setattr(self, "ends", self.ends + 1),
            on_error=self.errors.append,
            on_stop=lambda: setattr(self, "stops", self.stops + 1),
        )


def slow(n, pause=0.05):
    for i in range(n):
        time.sleep(pause)
        yield i


def failing():
    yield 1
    raise ValueError("no more")


def test_without_a_loop_a_job_runs_to_its_end_at_once():
    log = Log()
    Conductor().here("work", log.job(range(3)))
    assert (log.steps, log.ends) == ([0, 1, 2], 1)


def test_without_a_loop_an_error_is_raised_and_heard():
    log = Log()
    with pytest.raises(ValueError, match="no more"):
        Conductor().here("work", log.job(failing()))
    assert [str(error) for error in log.errors] == ["no more"]
    assert log.ends == 0


def test_messages_get_their_turn_between_slices():
    async def scene():
        log, seen = Log(), []
        conductor = Conductor()
        conductor.here("work", log.job(slow(4)))
        while conductor.busy("work"):
            await asyncio.sleep(0)
            seen.append(len(log.steps))
        return log, seen

    log, seen = asyncio.run(scene())
    assert log.steps == [0, 1, 2, 3]
    assert len(set(seen)) > 2


def test_a_newer_job_of_the_same_name_stops_the_older():
    async def scene():
        old, new = Log(), Log()
        conductor = Conductor()
        conductor.here("work", old.job(slow(50)))
        await asyncio.sleep(0.1)
        conductor.here("work", new.job(range(2)))
        await asyncio.sleep(0.2)
        return old, new

    old, new = asyncio.run(scene())
    assert old.stops == 1
    assert old.ends == 0
    assert len(old.steps) < 50
    assert (new.steps, new.ends) == ([0, 1], 1)


def test_finishing_takes_over_where_the_slices_were():
    async def scene():
        log = Log()
        conductor = Conductor()
        conductor.here("work", log.job(slow(6)))
        await asyncio.sleep(0.1)
        begun = len(log.steps)
        conductor.finish("work")
        return log, begun

    log, begun = asyncio.run(scene())
    assert 0 < begun < 6
    assert (log.steps, log.ends) == ([0, 1, 2, 3, 4, 5], 1)


def test_an_interrupt_leaves_the_job_to_be_finished_later():
    def interrupted():
        yield 0
        raise KeyboardInterrupt

    log = Log()
    conductor = Conductor()
    with pytest.raises(KeyboardInterrupt):
        conductor.here("work", log.job(interrupted()))
    assert conductor.busy("work")
    assert (log.steps, log.errors) == ([0], [])


def test_work_beside_runs_on_another_thread_and_reports_on_this_one():
    async def scene():
        here, steps_on, reports_on = threading.get_ident(), [], []

        def steps():
            steps_on.append(threading.get_ident())
            yield 1

        conductor, ended = Conductor(), asyncio.Event()
        conductor.beside(
            "work",
            Job(
                steps=steps(),
                on_step=lambda _: reports_on.append(threading.get_ident()),
                on_end=ended.set,
                on_error=lambda _: None,
            ),
        )
        await asyncio.wait_for(ended.wait(), 5)
        return here, steps_on, reports_on

    here, steps_on, reports_on = asyncio.run(scene())
    assert steps_on != [here]
    assert reports_on == [here]


def test_stopped_work_beside_reports_nothing_more_and_is_closed():
    closed = threading.Event()

    def steps():
        try:
            yield from slow(100)
        finally:
            closed.set()

    async def scene():
        log = Log()
        conductor = Conductor()
        conductor.beside("work", log.job(steps()))
        await asyncio.sleep(0.12)
        assert conductor.stop("work")
        reported = len(log.steps)
        await asyncio.sleep(0.2)
        return log, reported

    log, reported = asyncio.run(scene())
    assert len(log.steps) == reported < 100
    assert log.stops == 1
    assert closed.wait(2)


def test_an_error_beside_is_heard_here():
    async def scene():
        log = Log()
        conductor = Conductor()
        conductor.beside("work", log.job(failing()))
        await asyncio.sleep(0.2)
        return log

    log = asyncio.run(scene())
    assert log.steps == [1]
    assert [str(error) for error in log.errors] == ["no more"]
