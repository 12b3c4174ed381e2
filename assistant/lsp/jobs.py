"""The completion that runs for each document, and the one request that waits for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from assistant.errors import Superseded
from assistant.lsp.source import CompletionSource
from assistant.session import Answer, EditorSession, Ticket
from completion.records import Completion

Render = Callable[[EditorSession, Answer | None], Any]
"""Makes the result of a request; called while the answer fits the session's text."""
OnPartial = Callable[[Answer], None]
OnDone = Callable[[EditorSession, Ticket, Completion], None]


@dataclass(eq=False)
class _Job:
    session: EditorSession
    ticket: Ticket
    waiter: asyncio.Future[Any]
    on_partial: OnPartial | None
    task: asyncio.Task[Completion]


class Jobs:
    """At most one running completion a document. The newest request waits; older ones are answered."""

    def __init__(self, source: CompletionSource, *, render: Render, on_done: OnDone) -> None:
        self._source = source
        self._render = render
        self._on_done = on_done
        self._jobs: dict[str, _Job] = {}

    def wait(
        self, session: EditorSession, ticket: Ticket, on_partial: OnPartial | None
    ) -> asyncio.Future[Any]:
        """The rendered answer to ``ticket``; its completion is started unless it runs already.

        Whoever waited for the document before gets ``Superseded``. Cancelling the future cancels the
        completion within one decode step, unless a newer request waits for it by then.
        """
        waiter = asyncio.get_running_loop().create_future()
        job = self._jobs.get(session.key)
        if job is not None and job.ticket is ticket:
            _fail(job.waiter, _superseded())
            job.waiter, job.on_partial = waiter, on_partial
        else:
            self.drop(session, _superseded())
            job = self._start(session, ticket, waiter, on_partial)
        waiter.add_done_callback(partial(self._on_waiter_done, job))
        return waiter

    def drop(self, session: EditorSession, reason: Exception) -> None:
        """End what runs for the document; whoever waits gets ``reason``."""
        job = self._jobs.pop(session.key, None)
        if job is not None:
            _fail(job.waiter, reason)
            _end(job)

    def prune(self, session: EditorSession) -> None:
        """After an edit: end what runs if its answer could not be shown any more; the answer is empty."""
        job = self._jobs.get(session.key)
        if job is not None and session.is_hopeless(job.ticket):
            del self._jobs[session.key]
            if not job.waiter.done():
                job.waiter.set_result(self._render(session, None))
            _end(job)

    async def close(self) -> None:
        """End everything, and wait until it has ended."""
        jobs = list(self._jobs.values())
        for job in jobs:
            job.waiter.cancel()
            _end(job)
        await asyncio.gather(*(job.task for job in jobs), return_exceptions=True)

    def _start(
        self,
        session: EditorSession,
        ticket: Ticket,
        waiter: asyncio.Future[Any],
        on_partial: OnPartial | None,
    ) -> _Job:
        task = asyncio.ensure_future(
            self._source.complete(ticket.request, lambda text: self._on_text(job, text))
        )
        job = _Job(session, ticket, waiter, on_partial, task)
        self._jobs[session.key] = job
        task.add_done_callback(partial(self._on_task_done, job))
        return job

    def _on_text(self, job: _Job, text: str) -> None:
        if job.on_partial is None or job.waiter.done():
            job.session.hear(job.ticket, text)
        elif (answer := job.session.progress(job.ticket, text)) is not None:
            job.on_partial(answer)

    def _on_waiter_done(self, job: _Job, waiter: asyncio.Future[Any]) -> None:
        if waiter.cancelled() and job.waiter is waiter:
            self._forget(job)
            _end(job)

    def _on_task_done(self, job: _Job, task: asyncio.Task[Completion]) -> None:
        self._forget(job)
        if task.cancelled():
            job.session.cancel(job.ticket)
            job.waiter.cancel()
        elif (error := task.exception()) is not None:
            job.session.cancel(job.ticket)
            _fail(job.waiter, error)
        else:
            answer = job.session.finish(job.ticket, task.result())
            self._on_done(job.session, job.ticket, task.result())
            if not job.waiter.done():
                job.waiter.set_result(self._render(job.session, answer))

    def _forget(self, job: _Job) -> None:
        if self._jobs.get(job.session.key) is job:
            del self._jobs[job.session.key]


def _end(job: _Job) -> None:
    job.session.cancel(job.ticket)
    job.task.cancel()


def _fail(waiter: asyncio.Future[Any], reason: BaseException) -> None:
    if not waiter.done():
        waiter.set_exception(reason)


def _superseded() -> Superseded:
    return Superseded("A newer request for this document replaced this one.")
