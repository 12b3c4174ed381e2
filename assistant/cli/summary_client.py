"""Asks the running server for a summary and reads what it streams."""

import contextlib
import http.client
import json
from collections.abc import Callable, Generator, Iterator
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec

from assistant.cli.errors import BridgeError
from assistant.cli.running import RunningServer
from completion.summaries.cache import Summary
from completion.summaries.wanted import Wanted

_PATIENCE_S = 600.0
"""Without a word from the server: a model that loads, a long prompt behind others."""
_EVENT = b"data: "
Show = Callable[[dict[str, Any]], None]


def ask_summary(server: RunningServer, wanted: Wanted, show: Show) -> Summary:
    """The summary from ``server``; ``show`` gets every other event. Raises BridgeError.

    An exception on the way, such as Ctrl-C, closes the connection, and the server ends its work.
    """
    with _answer(server, wanted) as answer:
        for event in _events(answer):
            if event.get("kind") == "summary":
                return _summary(event)
            if "error" in event:
                raise BridgeError(_sentence(event))
            show(event)
    raise BridgeError("The server ended the summary half-way; its log says why.")


@contextlib.contextmanager
def _answer(server: RunningServer, wanted: Wanted) -> Generator[http.client.HTTPResponse]:
    """The open answer, past any proxy."""
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=_PATIENCE_S)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    body = {"root": str(wanted.root), "path": wanted.path, "symbol": wanted.symbol, "level": wanted.level}
    try:
        connection.request("POST", "/summaries", json.dumps(body), headers)
        answer = connection.getresponse()
        if answer.status != http.client.OK:
            raise BridgeError(_sentence(_read(answer.read())))
        yield answer
    except (OSError, http.client.HTTPException) as error:
        raise BridgeError(f"The server does not answer: {error}.") from error
    finally:
        connection.close()


def _events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in answer:
        if line.startswith(_EVENT):
            yield _read(line[len(_EVENT) :])


def _read(data: bytes) -> dict[str, Any]:
    try:
        event: object = json.loads(data)
    except ValueError:
        event = None
    return cast("dict[str, Any]", event) if isinstance(event, dict) else {}


def _summary(event: dict[str, Any]) -> Summary:
    try:
        return msgspec.convert(event, Summary)
    except msgspec.ValidationError as error:
        raise BridgeError(f"The server's answer cannot be read: {error}.") from error


def _sentence(event: dict[str, Any]) -> str:
    match event:
        case {"error": {"message": str() as message}}:
            return message
        case _:
            return "The server knows no summaries: it may be older than this command. Start it anew."
