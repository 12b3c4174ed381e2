"""The engine thread: the only crossing between the event loop and the engine.

A job is a generator of steps. The thread takes one step of the most urgent job at a time and
looks at cancellation and at newly arrived jobs between steps, so an urgent job waits for at
most one step of another, and a cancelled job ends within one.
"""

import asyncio
import contextlib
import heapq
import itertools
import threading
from collections.abc import Callable, Generator
from enum import IntEnum
from typing import Generic, TypeVar, cast

from completion.errors import EngineBusy, EngineStopped

T = TypeVar("T")
Steps = Generator[None, None, T]


class Priority(IntEnum):
    """Urgency; lower goes first. Equals go in the order they came, each to its end."""

    CONTROL = 0
    """Loading the model, dropping caches."""
    INTERACTIVE = 1
    PREFETCH = 2
    REFRESH = 3
    SUMMARY = 4
    EMBEDDING = 5


class Job(Generic[T]):
    """One piece of work on its way to the engine thread and back.

    The event loop makes it, cancels it and awaits ``result``; the engine thread steps it.
    """

    def __init__(self, start: Callable[[], Steps[T]], loop: asyncio.AbstractEventLoop) -> None:
        """``start`` is called on the engine thread, when the job's turn comes."""
        self.result: asyncio.Future[T] = loop.create_future()
        self._start = start
        self._loop = loop
        self._cancelled = threading.Event()
        self._steps: Steps[T] | None = None
        self.begun = False
        """Whether the engine thread has looked at the job."""

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the engine thread to close the job at its next look; may be called twice."""
        self._cancelled.set()

    def step(self) -> Callable[[], None] | None:
        """Take one step, on the engine thread. When it was the last: how to tell the result."""
        try:
            if self.cancelled:
                self.close()
                return lambda: self._tell(self.result.cancel)
            if self._steps is None:
                self._steps = self._start()
            next(self._steps)
        except StopIteration as end:
            value = end.value
            return lambda: self._tell(self._resolve, value)
        except BaseException as error:  # noqa: BLE001 # whatever a job raises belongs to who awaits it
            failure = error
            return lambda: self._tell(self._reject, failure)
        return None

    def fail(self, error: Exception) -> None:
        """End the job with ``error``, on the engine thread."""
        try:
            self.close()
        finally:
            self._tell(self._reject, error)

    def close(self) -> None:
        """Close the steps, on the engine thread; what they hold is given back."""
        if self._steps is not None:
            self._steps.close()

    def _tell(self, call: Callable[..., object], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(call, *args)

    def _resolve(self, value: T) -> None:
        if not self.result.done():
            self.result.set_result(value)

    def _reject(self, error: BaseException) -> None:
        if not self.result.done():
            self.result.set_exception(error)


class Worker:
    """Runs jobs on one thread, most urgent first."""

    def __init__(self, max_waiting: int) -> None:
        """``max_waiting`` bounds the jobs that are queued or running, but for CONTROL."""
        self._max_waiting = max_waiting
        self._queue: list[tuple[Priority, int, Job[object]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="splice-engine", daemon=True)

    @property
    def waiting(self) -> int:
        """Jobs queued or running that somebody still wants."""
        with self._changed:
            return sum(not job.cancelled for _, _, job in self._queue)

    def start(self) -> None:
        """Start the thread. Call once."""
        self._thread.start()

    def submit(self, start: Callable[[], Steps[T]], priority: Priority) -> Job[T]:
        """Queue a job from the event loop.

        Raises EngineBusy when the queue is full, EngineStopped after :meth:`stop`.
        """
        job = Job(start, asyncio.get_running_loop())
        with self._changed:
            if self._stopping:
                raise EngineStopped("The engine was stopped.")
            self._drop_unwanted()
            if len(self._queue) >= self._max_waiting and priority is not Priority.CONTROL:
                raise EngineBusy(f"{len(self._queue)} requests are waiting for the model already; try again.")
            heapq.heappush(self._queue, (priority, next(self._numbers), cast("Job[object]", job)))
            self._changed.notify()
        return job

    def stop(self, timeout_s: float) -> bool:
        """End every job with EngineStopped and the thread; returns whether it ended in time.

        A step that is running is waited for, ``timeout_s`` seconds at most.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while self._take_step():
            pass
        with self._changed:
            left = [self._queue.pop() for _ in range(len(self._queue))]
        for _, _, job in left:
            with contextlib.suppress(Exception):
                job.fail(EngineStopped("The engine was stopped."))

    def _take_step(self) -> bool:
        """One step of the most urgent job; False when the worker is stopping.

        Nothing of the job outlives the call: what waits for the next one holds no caches, no model.
        """
        entry = self._most_urgent()
        if entry is None:
            return False
        ended = entry[2].step()
        if ended is not None:
            with self._changed:
                self._queue.remove(entry)
                heapq.heapify(self._queue)
            ended()
        return True

    def _drop_unwanted(self) -> None:
        """Forget the jobs that were cancelled before they began; the caller holds the lock.

        While a model loads, every keystroke cancels a job and queues another.
        """
        unwanted = [entry for entry in self._queue if entry[2].cancelled and not entry[2].begun]
        for entry in unwanted:
            self._queue.remove(entry)
            entry[2].result.cancel()
        heapq.heapify(self._queue)

    def _most_urgent(self) -> tuple[Priority, int, Job[object]] | None:
        """Wait for a job; None when the worker is stopping. The job stays in the queue.

        One that was cancelled goes first: to close it takes no time, and it gives back what it holds.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopping)
            if self._stopping:
                return None
            cancelled = (entry for entry in self._queue if entry[2].cancelled)
            entry = next(cancelled, self._queue[0])
            entry[2].begun = True
            return entry
