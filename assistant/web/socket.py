"""One websocket, one language server. A client that stops reading is let go, with bounded memory."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from enum import IntEnum

from litestar.exceptions import WebSocketDisconnect

from assistant.lsp.server import EditorServer

_log = logging.getLogger(__name__)


class CloseCode(IntEnum):
    """Of a websocket (RFC 6455, section 7.4.1, and its registry)."""

    NORMAL = 1000
    TRY_AGAIN_LATER = 1013


class Outgoing:
    """Messages on their way to a client, at most ``max_bytes`` of them. pygls writes, ``run`` sends."""

    def __init__(self, send: Callable[[str], Awaitable[None]], max_bytes: int, timeout_s: float) -> None:
        self._send = send
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._changed = asyncio.Event()
        self._finished = False
        self.overflowed = asyncio.Event()
        """Set when the client does not read; what was waiting is gone, and nothing more is taken."""

    def write(self, data: bytes) -> None:
        """Queue one message."""
        if self._finished:
            return
        self._bytes += len(data)
        self._waiting.append(data)
        if self._bytes > self._max_bytes:
            self._give_up()
        self._changed.set()

    def close(self) -> None:
        """Take no more; ``run`` ends when what waits is sent."""
        self._finished = True
        self._changed.set()

    async def run(self) -> None:
        """Send one message after the other, until ``close``, an overflow, or a client that is gone.

        A send to a client that is gone raises OSError (ASGI specification, "Disconnected client").
        """
        while True:
            while self._waiting:
                await self._send_one(self._waiting.popleft())
            if self._finished:
                return
            self._changed.clear()
            await self._changed.wait()

    async def _send_one(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._send(data.decode("ascii"))
        except TimeoutError:
            self._give_up()
        except OSError:
            self._drop()
        self._bytes -= len(data)

    def _give_up(self) -> None:
        self._drop()
        self.overflowed.set()

    def _drop(self) -> None:
        self._finished = True
        self._waiting.clear()


async def converse(
    server: EditorServer, outgoing: Outgoing, receive: Callable[[], Awaitable[str | bytes | None]]
) -> CloseCode:
    """Carry frames until the client leaves, says ``exit``, or stops reading.

    ``receive`` gives None when the client is gone. The server's completions have ended on return.
    """
    server.rpc.set_writer(outgoing, include_headers=False)

    async def read() -> None:
        while (frame := await receive()) is not None:
            server.receive(frame)

    tasks = [asyncio.ensure_future(work) for work in (read(), outgoing.run(), outgoing.overflowed.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect):
                _log.error("A connection failed.", exc_info=outcome)
        await server.close()
    return CloseCode.TRY_AGAIN_LATER if outgoing.overflowed.is_set() else CloseCode.NORMAL
