"""Summaries over HTTP: one while it is written, as server-sent events, or the one that was made last.

``POST /summaries`` and ``GET /summaries``; work for a client that has gone ends.
"""

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import BaseRouteHandler
from litestar.response import Stream

from assistant.errors import BadParams
from assistant.summaries import News, Summaries, event_of
from assistant.web.exchange import HttpRequest, error_body, gone, unless_gone
from assistant.web.questions import Body, event, read
from completion.summaries.cache import Summary
from completion.summaries.wanted import Wanted, level_of
from retrieval.errors import NoRepository

_MOST_BYTES = 65_536
Name = Annotated[str, msgspec.Meta(max_length=4096)]


class SummaryWish(Body, frozen=True):
    """The body. ``root`` is absolute; ``path`` lies in it, with ``/``, and is empty for the whole of it."""

    root: Name = ""
    path: Name = ""
    symbol: Name = ""
    level: Name | None = None


def summaries_route(summaries: Summaries | None) -> BaseRouteHandler:
    """The route. Without ``summaries`` it says that there are none."""

    @post("/summaries", status_code=200, request_max_body_size=_MOST_BYTES)
    async def summarize(request: HttpRequest) -> Response[Any]:
        wanted = wanted_of(read(SummaryWish, await request.body()))
        if summaries is None:
            raise NoRepository("Nothing is summarised here.")
        news = summaries.stream(wanted)
        first = await unless_gone(request, anext(news))
        if first is None:
            return gone()
        return Stream(_events(first, news), media_type="text/event-stream")

    return summarize


def known_route(summaries: Summaries | None) -> BaseRouteHandler:
    """``GET /summaries?root=&path=&symbol=&level=``: what was said last, and whether it is out of date."""

    @get("/summaries")
    async def last(request: HttpRequest) -> dict[str, Any]:
        given = {name: value for name, value in request.query_params.items() if value}
        wanted = wanted_of(read(SummaryWish, msgspec.json.encode(given)))
        known = await summaries.known(wanted) if summaries else None
        if known is None:
            return {"known": None}
        return {"known": {**msgspec.to_builtins(known.summary), "stale": known.stale}}

    return last


def wanted_of(wish: SummaryWish) -> Wanted:
    """What a body asks for. Raises BadParams and BadRequest."""
    root = Path(wish.root)
    if not root.is_absolute() or "\0" in wish.root + wish.path:
        raise BadParams("`root` is the absolute path of a folder.")
    return Wanted(root, wish.path, wish.symbol, level_of(wish.level))


async def _events(first: News | Summary, news: AsyncGenerator[News | Summary]) -> AsyncGenerator[bytes]:
    async with contextlib.aclosing(news):
        try:
            yield event(event_of(first))
            async for one in news:
                yield event(event_of(one))
        except Exception as error:  # noqa: BLE001 - told to the client, and logged where it is a bug
            yield event(error_body(error))
