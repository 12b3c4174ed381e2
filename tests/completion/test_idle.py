"""Work for documents left alone: begun after a pause, dropped or ended when they are touched."""

import asyncio
import threading
from collections.abc import AsyncIterator, Generator

import pytest

from completion.idle import IdleWork
from completion.worker import Job, Priority, Worker
from tests.waiting import until


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker(max_waiting=8)
    worker.start()
    yield worker
    await asyncio.to_thread(worker.stop, 5)


class Chore:
    """Endless work that says how it went."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.begun = threading.Event()
        self.closed = threading.Event()
        self.jobs: list[Job[int]] = []

    def steps(self) -> Generator[None, None, int]:
        try:
            while True:
                self.begun.set()
                yield
        finally:
            self.closed.set()

    def start(self) -> Job[int]:
        self.jobs.append(self.worker.submit(self.steps, Priority.REFRESH))
        return self.jobs[-1]


async def test_work_begins_after_the_pause_and_ends_when_touched(worker: Worker) -> None:
    idle, chore = IdleWork(0.01), Chore(worker)
    idle.due("doc", chore.start)
    assert not chore.jobs
    assert idle.busy
    await until(chore.begun.is_set)
    idle.touch("other")
    assert not chore.closed.is_set()
    idle.touch("doc")
    await until(chore.closed.is_set)
    assert not idle.busy


async def test_touching_before_the_pause_is_over_drops_it(worker: Worker) -> None:
    idle, chore, marker = IdleWork(0.05), Chore(worker), Chore(worker)
    idle.due("doc", chore.start)
    idle.touch("doc")
    idle.due("later", marker.start)
    await until(marker.begun.is_set)
    assert not chore.jobs
    idle.close()
    await until(marker.closed.is_set)


async def test_due_again_starts_the_pause_anew_and_work_happens_once(worker: Worker) -> None:
    idle, chore = IdleWork(0.02), Chore(worker)
    for _ in range(5):
        idle.due("doc", chore.start)
    await until(chore.begun.is_set)
    assert len(chore.jobs) == 1
    idle.close()
    await until(chore.closed.is_set)


async def test_work_that_fails_or_is_not_needed_is_forgotten(worker: Worker) -> None:
    def broken() -> Generator[None, None, int]:
        yield
        raise RuntimeError("broken")

    idle = IdleWork(0.0)
    idle.due("doc", lambda: worker.submit(broken, Priority.REFRESH))
    idle.due("other", lambda: None)
    await until(lambda: not idle.busy)
