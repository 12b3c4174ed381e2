"""The door: an ASGI middleware in front of every route, for HTTP and websockets alike."""

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from assistant.errors import Unauthorized, report
from assistant.web.access import Access, Header
from assistant.web.pages import locked_page, security_headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
"""ASGI 3.0; a scope is as plain a mapping as a message."""

OPEN_PATHS = frozenset({"/health"})
"""Without any token."""
CODE_PATHS = frozenset({"/login"})
"""Guarded by their own one-time code."""


class Guard:
    """Lets a request through to ``app``, or answers it with 401 or 403."""

    def __init__(self, app: App, access: Access) -> None:
        self._app = app
        self._access = access
        self._headers = security_headers(access.origins)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, self._with_headers(send))
        elif scope["type"] == "http":
            await _refuse(scope, send, refusal, self._headers)
        else:
            await receive()
            await _refuse_socket(scope, send, refusal)

    def _refusal(self, scope: Message) -> tuple[int, str] | None:
        access, headers = self._access, scope["headers"]
        if not access.has_own_host(headers):
            return 403, "This server answers to its own address only; the Host header names another."
        if not access.has_no_foreign_origin(headers):
            return 403, "A page of another origin may not use this server."
        if scope["type"] == "websocket":
            allowed = access.may_open_socket(headers)
        else:
            free = scope["path"] in OPEN_PATHS | CODE_PATHS
            allowed = free or access.has_bearer(headers) or access.has_cookie(headers)
        return None if allowed else (401, "A token is needed. Open the link that `splice serve` printed.")

    def _with_headers(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                added = [item for item in self._headers if item[0] not in given]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        return sending


async def _refuse(scope: Message, send: Send, refusal: tuple[int, str], headers: Sequence[Header]) -> None:
    status, sentence = refusal
    accepts = b"".join(value for name, value in scope["headers"] if name.lower() == b"accept")
    if b"text/html" in accepts:
        kind, body = b"text/html; charset=utf-8", locked_page(sentence).encode()
    else:
        kind, body = b"application/json", _error_body(sentence)
    own = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _refuse_socket(scope: Message, send: Send, refusal: tuple[int, str]) -> None:
    status, sentence = refusal
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008, "reason": sentence})
        return
    body, kind = _error_body(sentence), [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": kind})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})


def _error_body(sentence: str) -> bytes:
    code = report(Unauthorized()).codes.rpc
    return json.dumps({"error": {"code": code, "message": sentence}}).encode()
