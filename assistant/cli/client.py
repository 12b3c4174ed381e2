"""A small LSP client: asks the running server for one completion."""

import itertools
import json
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from assistant.cli.bridge import open_socket
from assistant.cli.errors import BridgeError
from assistant.cli.place import Place, language_of
from assistant.cli.running import RunningServer
from completion.config import Reuse

ANSWER_TIMEOUT_S = 300.0
"""Long enough for a model that is still being loaded."""


class Answer(NamedTuple):
    """A completion and what it cost."""

    text: str
    trace: dict[str, Any] | None


def ask_server(server: RunningServer, place: Place, text: str, *, reuse: Reuse | None = None) -> Answer:
    """The completion at ``place`` from ``server``. Raises BridgeError with the server's own sentence."""
    with open_socket(server) as socket:
        client = _Client(socket)
        client.request("initialize", _hello())
        client.notify("initialized", {})
        uri = _uri(place.path)
        document = {"uri": uri, "languageId": language_of(place.path), "version": 1, "text": text}
        client.notify("textDocument/didOpen", {"textDocument": document})
        result = client.request("textDocument/inlineCompletion", _question(uri, place, reuse))
        client.request("shutdown", None)
        client.notify("exit", None)
        return _first(result)


def _hello() -> dict[str, Any]:
    return {
        "processId": None,
        "rootUri": None,
        "capabilities": {"general": {"positionEncodings": ["utf-32"]}},
    }


def _uri(path: Path) -> str:
    return path.absolute().as_uri()


def _question(uri: str, place: Place, reuse: Reuse | None) -> dict[str, Any]:
    question = {
        "textDocument": {"uri": uri},
        "position": {"line": place.line - 1, "character": place.column - 1},
        "context": {"triggerKind": 1},
    }
    return question if reuse is None else question | {"splice": {"reuse": reuse}}


class _Splice(msgspec.Struct, frozen=True):
    trace: dict[str, Any] | None = None


class _Item(msgspec.Struct, frozen=True, rename="camel"):
    insert_text: str
    splice: _Splice = _Splice()


class _List(msgspec.Struct, frozen=True):
    items: tuple[_Item, ...] = ()


def _first(result: object) -> Answer:
    """The first item of an answer; an empty text when there is none. Raises BridgeError."""
    try:
        items = msgspec.convert(result, _List | None)
    except msgspec.ValidationError as error:
        raise BridgeError(f"The server's answer cannot be read: {error}.") from error
    if items is None or not items.items:
        return Answer("", None)
    return Answer(items.items[0].insert_text, items.items[0].splice.trace)


class _Client:
    """Requests and notifications over an open socket, one at a time."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def request(self, method: str, params: Any) -> Any:
        """The result; what else arrives meanwhile is passed over. Raises BridgeError for an error."""
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") != number or "method" in message:
                continue
            if "error" in message:
                raise BridgeError(str(message["error"].get("message", message["error"])))
            return message.get("result")

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._socket.send(json.dumps({"jsonrpc": "2.0", **message}))
        except ConnectionClosed as error:
            raise BridgeError("The server closed the connection.") from error

    def _receive(self) -> dict[str, Any]:
        try:
            return json.loads(self._socket.recv(timeout=ANSWER_TIMEOUT_S))
        except TimeoutError as error:
            raise BridgeError(f"The server did not answer within {ANSWER_TIMEOUT_S:.0f} s.") from error
        except ConnectionClosed as error:
            raise BridgeError("The server closed the connection.") from error
