"""The web application: every route, and one conversation for every websocket."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from litestar import Litestar, MediaType, Request, Response, WebSocket, get, post, websocket
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException, NotFoundException, WebSocketDisconnect
from litestar.handlers import BaseRouteHandler

from assistant.errors import (
    INTERNAL,
    ClientError,
    FrameTooLarge,
    TooManyConnections,
    Unauthorized,
    report,
)
from assistant.lsp.documents import Limits
from assistant.lsp.server import EditorServer
from assistant.lsp.source import CompletionSource
from assistant.settings import ServerConfig
from assistant.summaries import Summaries
from assistant.web import pages
from assistant.web.access import COOKIE, Access, LoginCodes
from assistant.web.exchange import Exchange, error_body
from assistant.web.guards import App, Guard
from assistant.web.infill import infill_route
from assistant.web.openai import completion_routes
from assistant.web.search import search_routes
from assistant.web.socket import CloseCode, Outgoing, converse
from assistant.web.stats import Stats
from assistant.web.summaries import known_route, summaries_route
from assistant.workspaces import Workspaces


@dataclass(frozen=True)
class WebParts:
    """What the application is made of."""

    source: CompletionSource
    config: ServerConfig
    access: Access
    codes: LoginCodes
    stats: Stats
    limits: Limits
    playground: Path
    """The built playground; it need not exist."""
    workspaces: Workspaces | None = None
    """None: nothing is indexed."""
    summaries: Summaries | None = None
    """None: nothing is summarised."""


def build_app(parts: WebParts) -> Guard:
    """The whole application behind its guard."""
    handlers = [
        *_status_routes(parts),
        *_login_routes(parts),
        *search_routes(parts.workspaces),
        summaries_route(parts.summaries),
        known_route(parts.summaries),
        *_completion_routes(parts),
        _socket_route(parts),
        _playground_route(parts),
    ]
    app = Litestar(
        handlers,
        openapi_config=None,
        logging_config=None,
        exception_handlers={HTTPException: _on_http_error, Exception: _on_error},
        request_max_body_size=4096,
    )
    return Guard(cast("App", app), parts.access)


def _status_routes(parts: WebParts) -> list[BaseRouteHandler]:
    @get("/health", sync_to_thread=False)
    def health() -> dict[str, Any]:
        return parts.stats.health(parts.source.status())

    @get("/status")
    async def status() -> dict[str, Any]:
        folders = await parts.workspaces.describe() if parts.workspaces else []
        return {**parts.stats.full(parts.source.status()), "workspaces": folders}

    return [health, status]


def _login_routes(parts: WebParts) -> list[BaseRouteHandler]:
    @get("/login", sync_to_thread=False)
    def login(request: Request[Any, Any, Any]) -> Response[str]:
        if not parts.codes.redeem(request.query_params.get("code", "")):
            sentence = "This login link was used already, or is too old. Ask for a new one: splice doctor."
            return Response(pages.locked_page(sentence), media_type=MediaType.HTML, status_code=401)
        cookie = Cookie(COOKIE, value=parts.access.token, httponly=True, samesite="strict", path="/")
        return Response(pages.welcome_page(), media_type=MediaType.HTML, cookies=[cookie])

    @post("/login-code", status_code=200, sync_to_thread=False)
    def login_code() -> dict[str, str]:
        return {"code": parts.codes.issue()}

    return [login, login_code]


def _completion_routes(parts: WebParts) -> list[BaseRouteHandler]:
    exchange = Exchange(
        parts.source,
        max_bytes=parts.config.max_frame_bytes,
        max_pending=parts.config.max_pending,
        on_done=lambda: parts.stats.count("completed"),
    )
    return [infill_route(exchange), *completion_routes(exchange)]


def _playground_route(parts: WebParts) -> BaseRouteHandler:
    @get(["/", "/{_:path}"])
    async def playground(request: Request[Any, Any, Any]) -> Response[Any]:
        path = request.scope["path"]
        name = "index.html" if path == "/" else path
        file = await asyncio.to_thread(pages.read_file, parts.playground, name)
        if file is not None:
            return Response(file.content, media_type=file.media_type, headers={"cache-control": file.cache})
        if path == "/":
            return Response(pages.not_built_page(), media_type=MediaType.HTML, status_code=503)
        raise NotFoundException(f"There is nothing at {path[:100]}.")

    return playground


def _socket_route(parts: WebParts) -> BaseRouteHandler:
    numbers = itertools.count(1)

    @websocket("/lsp")
    async def lsp(socket: WebSocket[Any, Any, Any]) -> None:
        config, stats = parts.config, parts.stats
        await socket.accept()
        if stats.connections >= config.max_connections:
            sentence = str(TooManyConnections(f"At most {config.max_connections} clients may be connected."))
            await socket.close(CloseCode.TRY_AGAIN_LATER, sentence)
            return
        outgoing = Outgoing(socket.send_text, config.outgoing_bytes, config.send_timeout_s)
        server = EditorServer(
            connection=str(next(numbers)),
            source=parts.source,
            limits=parts.limits,
            on_event=stats.count,
            on_exit=outgoing.close,
            workspaces=parts.workspaces,
            summaries=parts.summaries,
        )
        stats.connections += 1
        try:
            code = await converse(server, outgoing, _receiver(socket))
        finally:
            stats.connections -= 1
        await _close(socket, code)

    return lsp


def _receiver(socket: WebSocket[Any, Any, Any]) -> Callable[[], Awaitable[str | bytes | None]]:
    async def receive() -> str | bytes | None:
        message: Any = await socket.receive()
        if message["type"] != "websocket.receive":
            return None
        text = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    return receive


async def _close(socket: WebSocket[Any, Any, Any], code: CloseCode) -> None:
    if socket.connection_state == "disconnect" or code is CloseCode.TRY_AGAIN_LATER:
        return  # Gone, or too slow to be told.
    try:
        await socket.close(code)
    except (WebSocketDisconnect, OSError):
        return  # Gone in the meantime.


def code_of(status: int) -> int:
    """The JSON-RPC code of an HTTP error that is none of ours, as of one of ours of the same kind."""
    if status >= 500:
        return INTERNAL.rpc
    kinds = {401: Unauthorized, 403: Unauthorized, 413: FrameTooLarge}
    return report(kinds.get(status, ClientError)()).codes.rpc


def _on_http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    content = {"error": {"code": code_of(error.status_code), "message": error.detail}}
    return Response(content, status_code=error.status_code)


def _on_error(_: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    return Response(error_body(error), status_code=report(error).codes.http)
