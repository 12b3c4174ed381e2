"""Work for documents that have been left alone: begun after a pause, ended by the next request.

Lives on the event loop. One timer or one job a document, never both.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from completion.worker import Job

Start = Callable[[], Job[int] | None]
"""Submits the work; None when there is nothing to do."""


class IdleWork:
    """What is due when a document was left alone for ``after_s`` seconds."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._jobs: dict[str, Job[int]] = {}

    @property
    def busy(self) -> bool:
        """Whether anything is due or runs."""
        return bool(self._timers or self._jobs)

    def due(self, document: str, start: Start) -> None:
        """Call ``start`` after the pause, unless the document is touched before."""
        self.touch(document)
        loop = asyncio.get_running_loop()
        self._timers[document] = loop.call_later(self._after_s, self._begin, document, start)

    def touch(self, document: str) -> None:
        """The document is in use again: what is due is dropped, what runs ends within one step."""
        timer, job = self._timers.pop(document, None), self._jobs.pop(document, None)
        if timer is not None:
            timer.cancel()
        if job is not None:
            job.cancel()

    def close(self) -> None:
        """Drop and end everything."""
        for document in {*self._timers, *self._jobs}:
            self.touch(document)

    def _begin(self, document: str, start: Start) -> None:
        del self._timers[document]
        job = start()
        if job is not None:
            self._jobs[document] = job
            job.result.add_done_callback(partial(self._on_done, document, job))

    def _on_done(self, document: str, job: Job[int], result: asyncio.Future[int]) -> None:
        if self._jobs.get(document) is job:
            del self._jobs[document]
        if not result.cancelled():
            result.exception()  # whoever asks next is told; nobody waits for this one
