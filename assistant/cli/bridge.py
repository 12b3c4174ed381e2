"""Pipes LSP between standard input and output and the running server's websocket.

Two threads, one for each direction: the caller's writes what the server sends, a daemon thread sends
what the editor writes. A slow editor holds up only its own direction, and the websocket's flow control
carries that on to the server.
"""

import os
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol

import msgspec
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection, connect

from assistant.cli.errors import BridgeError, FramingError
from assistant.cli.framing import FrameDecoder, encode

READ_BYTES = 64 << 10
OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 0.5
MAX_MESSAGE_BYTES = 64 << 20
MAX_EXIT_CHARS = 1 << 10


class Endpoint(Protocol):
    """Where the server listens and what opens its door."""

    @property
    def socket_url(self) -> str:
        """``ws://host:port/lsp``."""
        ...

    @property
    def token(self) -> str:
        """The bearer token."""
        ...


@contextmanager
def open_socket(endpoint: Endpoint) -> Generator[ClientConnection]:
    """Connects to the server's ``/lsp``, past any proxy; closes at the end. Raises BridgeError."""
    with ExitStack() as stack:
        yield _entered(stack, endpoint)


def _entered(stack: ExitStack, endpoint: Endpoint) -> ClientConnection:
    where = f"The server at {endpoint.socket_url}"
    try:
        return stack.enter_context(_connect(endpoint))
    except InvalidStatus as error:
        raise BridgeError(f"{where} refused the connection ({error.response.status_code}).") from error
    except (OSError, WebSocketException) as error:
        raise BridgeError(f"{where} does not answer: {error}.") from error


def _connect(endpoint: Endpoint) -> AbstractContextManager[ClientConnection]:
    return connect(
        endpoint.socket_url,
        additional_headers={"Authorization": f"Bearer {endpoint.token}"},
        compression=None,
        proxy=None,
        open_timeout=OPEN_TIMEOUT_S,
        close_timeout=CLOSE_TIMEOUT_S,
        ping_interval=None,
        max_size=MAX_MESSAGE_BYTES,
    )


def pipe(socket: ClientConnection, *, stdin: int, stdout: int) -> None:
    """Pipes until the editor closes ``stdin`` or the server closes the socket.

    ``stdin`` and ``stdout`` are file descriptors and stay open. Returns when standard input ended, the
    editor is gone, or the server closed in good order after the editor's ``exit``; raises BridgeError when
    the server went away, FramingError when the editor's bytes are no LSP.
    """
    sender = _Sender(socket, stdin)
    threading.Thread(target=sender.run, name="splice-lsp-stdin", daemon=True).start()
    reason = "it was stopped."
    try:
        for message in socket:
            text = message if isinstance(message, str) else message.decode("utf-8")
            _write_all(stdout, encode(text))
    except BrokenPipeError:
        return
    except ConnectionClosed as closed:
        reason = _reason(closed)
    sender.raise_failure()
    if not sender.ended and not (sender.said_exit and socket.close_code == CloseCode.NORMAL_CLOSURE):
        raise BridgeError(f"The server closed the connection: {reason}")


class _Sender:
    """The direction from the editor to the server; ``run`` is the body of its thread."""

    def __init__(self, socket: ClientConnection, stdin: int) -> None:
        self._socket = socket
        self._stdin = stdin
        self._failure: FramingError | None = None
        self.ended = False
        """Set before the socket is closed, when standard input ended or made no sense."""
        self.said_exit = False
        """Set before the editor's ``exit`` is forwarded."""

    def run(self) -> None:
        try:
            self._forward()
        except FramingError as error:
            self._failure = error
        except ConnectionClosed:
            return
        self.ended = True
        self._socket.close()

    def raise_failure(self) -> None:
        """Raises FramingError if the editor's bytes were no LSP."""
        if self._failure is not None:
            raise self._failure

    def _forward(self) -> None:
        decoder = FrameDecoder()
        while data := os.read(self._stdin, READ_BYTES):
            for message in decoder.feed(data):
                self.said_exit = self.said_exit or _is_exit(message)
                self._socket.send(message)
        if decoder.pending:
            raise FramingError("Standard input ended in the middle of a message.")


class _Notification(msgspec.Struct):
    method: str = ""


def _is_exit(message: str) -> bool:
    """Whether the editor says goodbye; long messages are not read for it."""
    if len(message) > MAX_EXIT_CHARS:
        return False
    try:
        return msgspec.json.decode(message, type=_Notification).method == "exit"
    except msgspec.DecodeError:
        return False


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _reason(closed: ConnectionClosed) -> str:
    frame = closed.rcvd
    if frame is None:
        return "it was stopped or crashed."
    return f"{frame.reason or 'no reason was given'} (code {frame.code})."
