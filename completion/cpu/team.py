"""Threads that compute one pass together."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

Task = Callable[[int], None]

_PATIENCE_S = 2.0
"""How long closing waits for a thread that is still in a task."""


class Team:
    """The calling thread and ``threads - 1`` of its own, which sleep between two tasks.

    A task is called by every thread with its number, and should leave the interpreter's lock.
    One caller at a time. Where threads wait for each other, one that raises would be waited for
    without end: ``on_error`` is called then, by the thread that raised.
    """

    def __init__(self, threads: int, *, on_error: Callable[[], None] = lambda: None) -> None:
        """``threads`` is at least 1. Threads start with the first task."""
        self.threads = threads
        self._on_error = on_error
        self._task: Task | None = None
        self._closed = False
        self._begin = [threading.Lock() for _ in range(threads - 1)]
        self._ended = [threading.Lock() for _ in range(threads - 1)]
        self._errors: list[BaseException] = []
        for lock in (*self._begin, *self._ended):
            lock.acquire()
        self._running: list[threading.Thread] = []

    def run(self, task: Task) -> None:
        """Let every thread call ``task`` and wait for all; an error of one is raised here."""
        self._start()
        self._errors = []
        self._task = task
        try:
            for lock in self._begin:
                lock.release()
            task(0)
        except BaseException:
            self._on_error()
            raise
        finally:
            for lock in self._ended:
                lock.acquire()
            self._task = None
        if self._errors:
            raise self._errors.pop()

    def close(self) -> None:
        """End the threads; the team is of no use then. A thread in a task is left to end by itself."""
        if self._closed:
            return
        self._closed = True
        for lock, _ in zip(self._begin, self._running, strict=False):
            with contextlib.suppress(RuntimeError):  # it is about to begin a task, and ends behind it
                lock.release()
        for thread in self._running:
            if thread is not threading.current_thread():
                thread.join(_PATIENCE_S)
        self._running = []

    def _start(self) -> None:
        """Start the threads that are not there; raises RuntimeError where the system has none left."""
        if self._closed:
            raise RuntimeError("The team is closed.")
        for number in range(len(self._running) + 1, self.threads):
            name = f"splice-kernel-{number}"
            thread = threading.Thread(target=self._serve, args=(number,), name=name, daemon=True)
            thread.start()
            self._running.append(thread)

    def _serve(self, number: int) -> None:
        begin, ended = self._begin[number - 1], self._ended[number - 1]
        while True:
            begin.acquire()
            task: Any = self._task
            if task is None:
                return
            try:
                task(number)
            except BaseException as error:  # noqa: BLE001 # belongs to who runs the task
                self._errors.append(error)
                self._on_error()
            finally:
                del task  # a thread that sleeps keeps nothing alive
                ended.release()
            if self._closed:
                return
