"""Threads that compute one pass together."""

import threading
from collections.abc import Callable
from typing import Any

Task = Callable[[int], None]


class Team:
    """The calling thread and ``threads - 1`` of its own, which sleep between two tasks.

    A task is called by every thread with its number, and should leave the interpreter's lock.
    One caller at a time.
    """

    def __init__(self, threads: int) -> None:
        """``threads`` is at least 1. Threads start with the first task."""
        self.threads = threads
        self._task: Task | None = None
        self._begin = [threading.Lock() for _ in range(threads - 1)]
        self._ended = [threading.Lock() for _ in range(threads - 1)]
        self._errors: list[BaseException] = []
        for lock in (*self._begin, *self._ended):
            lock.acquire()
        self._running: list[threading.Thread] = []

    def run(self, task: Task) -> None:
        """Let every thread call ``task`` and wait for all; an error of one is raised here."""
        self._start()
        self._task = task
        for lock in self._begin:
            lock.release()
        try:
            task(0)
        finally:
            for lock in self._ended:
                lock.acquire()
            self._task = None
        if self._errors:
            raise self._errors.pop()

    def close(self) -> None:
        """End the threads; the team is of no use then."""
        if self._running:
            self._task = None
            for lock in self._begin:
                lock.release()
            for thread in self._running:
                thread.join()
            self._running = []

    def _start(self) -> None:
        if len(self._running) < self.threads - 1:
            self._running = [
                threading.Thread(
                    target=self._serve, args=(number,), name=f"splice-kernel-{number}", daemon=True
                )
                for number in range(1, self.threads)
            ]
            for thread in self._running:
                thread.start()

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
            finally:
                del task  # a thread that sleeps keeps nothing alive
                ended.release()
