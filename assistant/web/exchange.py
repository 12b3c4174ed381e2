"""Completions over HTTP: one answer a request, whole or piece by piece, and nothing for who has gone."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Stream

from assistant.errors import INTERNAL, FrameTooLarge, TooManyRequests, report
from assistant.lsp.source import CompletionSource
from assistant.web.questions import Question, encoded, event
from completion.records import Completion

_log = logging.getLogger(__name__)

HttpRequest = Request[Any, Any, Any]
Pieces = AsyncGenerator[str | Completion]
"""Text behind text, as it is inserted, and at the end the whole answer."""
T = TypeVar("T")

_GONE = 499
"""nginx's status of a request whose client has gone; nobody reads it."""


class Exchange:
    """Asks the completion service for whoever comes by HTTP. Lives on the event loop."""

    def __init__(
        self, source: CompletionSource, *, max_bytes: int, max_pending: int, on_done: Callable[[], None]
    ) -> None:
        """``max_bytes`` bound a body, ``max_pending`` the unanswered requests of all clients."""
        self.max_bytes = max_bytes
        self._source = source
        self._max_pending = max_pending
        self._pending = 0
        self._on_done = on_done

    @property
    def model(self) -> str:
        """The name of the model that answers; empty until it is known."""
        return self._source.status().model or ""

    async def body(self, request: HttpRequest) -> bytes:
        """The body of a request. Raises ``FrameTooLarge``."""
        try:
            return await request.body()
        except HTTPException as error:
            if error.status_code == 413:
                raise FrameTooLarge(f"A body may have {self.max_bytes:,} bytes at most.") from error
            raise

    async def answer(
        self, request: HttpRequest, question: Question, show: Callable[[Completion], Any]
    ) -> Response[bytes]:
        """The answer as ``show`` makes it JSON. Raises what the service raises, or ``TooManyRequests``."""
        completion = await unless_gone(request, self._complete(question, None))
        return gone() if completion is None else as_json(show(completion))

    async def stream(
        self, request: HttpRequest, question: Question, show: Callable[[str | Completion], bytes]
    ) -> Response[Any]:
        """The answer piece by piece, as server-sent events that ``show`` makes.

        What goes wrong before the first piece is raised, as by :meth:`answer`; behind it, it is an event.
        """
        pieces = self._pieces(question)
        first = await unless_gone(request, anext(pieces))
        if first is None:
            return gone()
        return Stream(_events(first, pieces, show), media_type="text/event-stream")

    async def _complete(self, question: Question, hear: Callable[[str], None] | None) -> Completion:
        if self._pending >= self._max_pending:
            raise TooManyRequests(f"{self._pending} requests wait for an answer already; try again.")
        self._pending += 1
        try:
            completion = await self._source.complete(question.request, hear)
        finally:
            self._pending -= 1
        self._on_done()
        return completion

    async def _pieces(self, question: Question) -> Pieces:
        news, latest, sent = asyncio.Event(), "", ""

        def hear(text: str) -> None:
            nonlocal latest
            latest = text
            news.set()

        task = asyncio.ensure_future(self._complete(question, hear))
        task.add_done_callback(lambda _: news.set())
        try:
            while not task.done():
                await news.wait()
                news.clear()
                sure = question.sure(latest)
                if len(sure) > len(sent) and sure.startswith(sent) and not task.done():
                    yield question.outside(sure[len(sent) :])
                    sent = sure
            completion = task.result()
            if completion.text.startswith(sent) and completion.text != sent:
                yield question.outside(completion.text[len(sent) :])
            yield completion
        finally:
            task.cancel()


async def _events(
    first: str | Completion, pieces: Pieces, show: Callable[[str | Completion], bytes]
) -> AsyncGenerator[bytes]:
    try:
        yield show(first)
        async for piece in pieces:
            yield show(piece)
    except Exception as error:  # noqa: BLE001 - told to the client, and logged where it is a bug
        yield event(error_body(error))
    finally:
        await pieces.aclose()


async def unless_gone(request: HttpRequest, work: Coroutine[Any, Any, T]) -> T | None:
    """What ``work`` gives; None when the client has gone before, which ends the work."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        task.cancel()
    if task.done():
        return task.result()
    await asyncio.gather(task, return_exceptions=True)
    return None


async def _until_gone(request: HttpRequest) -> None:
    """Return when the client of a request that was read has closed its connection."""
    while True:
        message: Any = await request.receive()
        if message["type"] == "http.disconnect":
            return


def error_body(error: Exception) -> dict[str, Any]:
    """An error as it is told in JSON; one that is a bug is logged."""
    told = report(error)
    if told.codes == INTERNAL:
        _log.error("A request failed.", exc_info=error)
    return {"error": {"code": told.codes.rpc, "message": told.sentence}}


def as_json(content: Any) -> Response[bytes]:
    """``content`` as an answer."""
    return Response(encoded(content), media_type="application/json")


def gone() -> Response[bytes]:
    """For nobody."""
    return Response(b"", status_code=_GONE)
