"""The listening socket, and uvicorn around the application."""

import asyncio
import contextlib
import errno
import ipaddress
import socket
from collections.abc import Generator
from typing import Any, cast

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from assistant.errors import BadSetting, PortInUse
from assistant.web.guards import App

_GRACE_S = 0.3
"""How long a client may take to read what is left when its conversation is over."""


class PromptSocket(WebSocketsSansIOProtocol):
    """uvicorn's websocket, but one that does not wait for a client that has stopped reading."""

    async def run_asgi(self) -> None:
        """Cut the connection if it has not closed by itself soon after its conversation."""
        await super().run_asgi()
        self.loop.call_later(_GRACE_S, self.transport.abort)

    def shutdown(self) -> None:
        """The server stops."""
        super().shutdown()
        self.loop.call_later(_GRACE_S, self.transport.abort)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int) -> socket.socket:
    """Listen on ``host`` and ``port`` (0: any free one). Raises ``PortInUse`` or ``BadSetting``."""
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise BadSetting(f"`server.host` is not an address of this machine: {host}.") from error
    listener = socket.socket(family, kind, number)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise _bind_error(error, host, port) from error
    listener.setblocking(False)
    return listener


def _bind_error(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"Another program listens on port {port} of {host}. Stop it, or choose another port: "
            "splice serve --port 0 takes any free one."
        )
    if error.errno == errno.EACCES:
        return BadSetting(f"This user may not listen on port {port}. Choose one above 1023.")
    return BadSetting(f"`server.host` {host} cannot be listened on: {error.strerror}.")


class PlainServer(uvicorn.Server):
    """Uvicorn that leaves the signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield


async def serve(app: App, listener: socket.socket, *, max_frame_bytes: int, stopping: asyncio.Event) -> None:
    """Serve ``app`` on ``listener`` until ``stopping`` is set; every connection is closed on return.

    There is no access log, which would tell login codes, and no header of a proxy is believed. Frames up to
    twice the limit are read, so that they are answered and not cut off.
    """
    config = uvicorn.Config(
        cast("Any", app),
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        http="h11",
        ws=PromptSocket,
        ws_max_size=2 * max_frame_bytes,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    server = PlainServer(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    waiting = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        server.should_exit = True
        await serving
