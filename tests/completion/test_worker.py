"""The engine thread: order, cancellation, errors, stopping."""

import asyncio
import contextlib
import gc
import threading
import weakref
from collections.abc import AsyncIterator, Generator

import pytest

from completion.errors import EngineBusy, EngineStopped
from completion.worker import Priority, Worker
from tests.waiting import until


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker(max_waiting=4)
    worker.start()
    yield worker
    await asyncio.to_thread(worker.stop, 5)


class Script:
    """A job that waits for permission before each step and remembers what happened."""

    def __init__(self, log: list[str], name: str, steps: int) -> None:
        self.log, self.name, self.count = log, name, steps
        self.go = threading.Semaphore(0)
        self.began = threading.Event()

    def steps(self) -> Generator[None, None, str]:
        try:
            for number in range(self.count):
                self.began.set()
                assert self.go.acquire(timeout=10)
                self.log.append(f"{self.name}{number}")
                yield
        finally:
            self.log.append(f"{self.name}.")
        return self.name

    def run(self) -> None:
        self.go.release(self.count)


async def test_a_job_runs_on_the_engine_thread_and_answers(worker: Worker) -> None:
    def steps() -> Generator[None, None, str]:
        yield
        return threading.current_thread().name

    assert await worker.submit(steps, Priority.INTERACTIVE).result == "splice-engine"


async def test_urgent_jobs_wait_for_one_step_only(worker: Worker) -> None:
    log: list[str] = []
    slow, urgent = Script(log, "s", 3), Script(log, "u", 2)
    background = worker.submit(slow.steps, Priority.SUMMARY)
    await asyncio.to_thread(slow.began.wait, 10)
    foreground = worker.submit(urgent.steps, Priority.INTERACTIVE)
    urgent.run()
    slow.run()
    assert await asyncio.gather(background.result, foreground.result) == ["s", "u"]
    assert log == ["s0", "u0", "u1", "u.", "s1", "s2", "s."]


async def test_equals_go_in_the_order_they_came(worker: Worker) -> None:
    log: list[str] = []
    scripts = [Script(log, name, 2) for name in "abc"]
    jobs = [worker.submit(script.steps, Priority.INTERACTIVE) for script in scripts]
    for script in scripts:
        script.run()
    await asyncio.gather(*(job.result for job in jobs))
    assert log == ["a0", "a1", "a.", "b0", "b1", "b.", "c0", "c1", "c."]


async def test_a_cancelled_job_ends_within_one_step(worker: Worker) -> None:
    log: list[str] = []
    script = Script(log, "a", 100)
    job = worker.submit(script.steps, Priority.INTERACTIVE)
    await asyncio.to_thread(script.began.wait, 10)
    job.cancel()
    script.run()
    with pytest.raises(asyncio.CancelledError):
        await job.result
    assert log == ["a0", "a."]


async def test_a_job_cancelled_before_its_turn_never_begins(worker: Worker) -> None:
    log: list[str] = []
    first, second = Script(log, "a", 1), Script(log, "b", 1)
    running = worker.submit(first.steps, Priority.INTERACTIVE)
    waiting = worker.submit(second.steps, Priority.INTERACTIVE)
    waiting.cancel()
    first.run()
    await running.result
    with pytest.raises(asyncio.CancelledError):
        await waiting.result
    assert log == ["a0", "a."]


async def test_a_cancelled_job_ends_though_another_is_more_urgent(worker: Worker) -> None:
    """It may hold a cache, which nobody wants any more."""
    log: list[str] = []
    slow, urgent = Script(log, "s", 3), Script(log, "u", 3)
    background = worker.submit(slow.steps, Priority.SUMMARY)
    await asyncio.to_thread(slow.began.wait, 10)
    foreground = worker.submit(urgent.steps, Priority.INTERACTIVE)
    slow.run()
    await asyncio.to_thread(urgent.began.wait, 10)
    background.cancel()
    urgent.run()
    assert await foreground.result == "u"
    assert log == ["s0", "u0", "s.", "u1", "u2", "u."]


async def test_a_crash_belongs_to_its_own_job(worker: Worker) -> None:
    def crash() -> Generator[None, None, None]:
        yield
        raise RuntimeError("boom")

    def fine() -> Generator[None, None, int]:
        yield
        return 7

    bad = worker.submit(crash, Priority.INTERACTIVE)
    good = worker.submit(fine, Priority.INTERACTIVE)
    with pytest.raises(RuntimeError, match="boom"):
        await bad.result
    assert await good.result == 7


class Model:
    """Something large."""


@pytest.mark.parametrize("fails", [False, True])
async def test_nothing_of_a_job_outlives_it(worker: Worker, *, fails: bool) -> None:
    """Not while the thread waits for the next job, and not within an error's traceback."""
    held: list[weakref.ref[Model]] = []

    async def work() -> None:
        model = Model()
        held.append(weakref.ref(model))

        def steps() -> Generator[None, None, str]:
            yield
            if fails:
                raise RuntimeError(repr(model))
            return repr(model)

        with contextlib.suppress(RuntimeError):
            await worker.submit(steps, Priority.INTERACTIVE).result

    await work()
    await until(lambda: gc.collect() >= 0 and held[0]() is None)


async def test_a_full_queue_is_refused_with_a_sentence(worker: Worker) -> None:
    log: list[str] = []
    scripts = [Script(log, str(number), 1) for number in range(5)]
    jobs = [worker.submit(script.steps, Priority.INTERACTIVE) for script in scripts[:4]]
    with pytest.raises(EngineBusy, match="4 requests are waiting"):
        worker.submit(scripts[4].steps, Priority.INTERACTIVE)
    jobs.append(worker.submit(scripts[4].steps, Priority.CONTROL))
    for script in scripts:
        script.run()
    await asyncio.gather(*(job.result for job in jobs))
    assert worker.waiting == 0


async def test_cancelled_jobs_make_room_while_a_step_is_long(worker: Worker) -> None:
    """While a model loads, every keystroke cancels one job and queues another."""
    log: list[str] = []
    loading = Script(log, "load", 1)
    worker.submit(loading.steps, Priority.CONTROL)
    await asyncio.to_thread(loading.began.wait, 10)
    for number in range(50):
        script = Script(log, str(number), 1)
        script.run()
        job = worker.submit(script.steps, Priority.INTERACTIVE)
        if number < 49:
            job.cancel()
    assert worker.waiting == 2
    loading.run()
    assert await job.result == "49"
    assert log == ["load0", "load.", "490", "49."]


async def test_a_job_that_exits_does_not_end_the_thread(worker: Worker) -> None:
    def leave() -> Generator[None, None, None]:
        yield
        raise SystemExit(3)

    def fine() -> Generator[None, None, int]:
        yield
        return 7

    bad = worker.submit(leave, Priority.INTERACTIVE)
    good = worker.submit(fine, Priority.INTERACTIVE)
    assert await good.result == 7
    assert isinstance(bad.result.exception(), SystemExit)


async def test_stopping_ends_every_job(worker: Worker) -> None:
    log: list[str] = []
    running, waiting = Script(log, "a", 2), Script(log, "b", 1)
    jobs = [worker.submit(script.steps, Priority.INTERACTIVE) for script in (running, waiting)]
    await asyncio.to_thread(running.began.wait, 10)
    stopping = asyncio.create_task(asyncio.to_thread(worker.stop, 5))
    while not worker._stopping:  # noqa: ASYNC110 # it has no event to wait for
        await asyncio.sleep(0)
    running.go.release()
    assert await stopping
    for job in jobs:
        with pytest.raises(EngineStopped):
            await job.result
    assert log == ["a0", "a."]
    with pytest.raises(EngineStopped):
        worker.submit(running.steps, Priority.INTERACTIVE)
