"""A JSON-RPC client over a real websocket, for tests."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

URI = "file:///work/a.py"
PATIENCE_S = 30.0


class RpcError(Exception):
    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]


class Client:
    """Requests and notifications; everything that comes in is kept in order in ``seen``."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self._ids = itertools.count(1)
        self._reading = asyncio.ensure_future(self._read())
        self.patience_s = PATIENCE_S

    async def _read(self) -> None:
        async for frame in self.socket:
            async with self._news:
                self.seen.append(json.loads(frame))
                self._news.notify_all()

    async def find(self, fits, *, after: int = 0) -> dict[str, Any]:
        async def seek() -> dict[str, Any]:
            async with self._news:
                while True:
                    for message in self.seen[after:]:
                        if fits(message):
                            return message
                    await self._news.wait()

        return await asyncio.wait_for(seek(), self.patience_s)

    async def send(self, method: str, params: Any, message_id: int | str | None = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if message_id is not None:
            message["id"] = message_id
        await self.socket.send(json.dumps(message))

    async def ask(self, method: str, params: Any) -> int:
        message_id = next(self._ids)
        await self.send(method, params, message_id)
        return message_id

    async def answer(self, message_id: int | str | None) -> Any:
        message = await self.find(lambda m: "method" not in m and m.get("id") == message_id)
        if "error" in message:
            raise RpcError(message["error"])
        return message["result"]

    async def request(self, method: str, params: Any = None) -> Any:
        return await self.answer(await self.ask(method, params))

    async def notified(self, method: str, *, after: int = 0) -> dict[str, Any]:
        return (await self.find(lambda m: m.get("method") == method, after=after))["params"]

    # Words of LSP

    async def initialize(self, *encodings: str) -> dict[str, Any]:
        general = {"positionEncodings": list(encodings)} if encodings else {}
        params = {"processId": None, "rootUri": None, "capabilities": {"general": general}}
        result = await self.request("initialize", params)
        await self.send("initialized", {})
        return result

    async def open(self, text: str, *, uri: str = URI, version: int = 1, language: str = "python") -> None:
        item = {"uri": uri, "languageId": language, "version": version, "text": text}
        await self.send("textDocument/didOpen", {"textDocument": item})

    async def change(self, version: int, *changes: dict[str, Any], uri: str = URI) -> None:
        params = {"textDocument": {"uri": uri, "version": version}, "contentChanges": list(changes)}
        await self.send("textDocument/didChange", params)

    async def close_document(self, uri: str = URI) -> None:
        await self.send("textDocument/didClose", {"textDocument": {"uri": uri}})

    async def ask_inline(self, line: int, character: int, **more: Any) -> int:
        return await self.ask("textDocument/inlineCompletion", inline(line, character, **more))

    async def inline(self, line: int, character: int, **more: Any) -> list[dict[str, Any]]:
        return (await self.answer(await self.ask_inline(line, character, **more)))["items"]


def inline(line: int, character: int, *, uri: str = URI, kind: int = 2, **more: Any) -> dict[str, Any]:
    context = {"triggerKind": kind} | (
        {"selectedCompletionInfo": more.pop("chosen")} if "chosen" in more else {}
    )
    position = {"line": line, "character": character}
    return {"textDocument": {"uri": uri}, "position": position, "context": context, **more}


def insert(line: int, character: int, text: str) -> dict[str, Any]:
    place = {"line": line, "character": character}
    return {"range": {"start": place, "end": place}, "text": text}


def replace(start: tuple[int, int], end: tuple[int, int], text: str) -> dict[str, Any]:
    places = [{"line": line, "character": character} for line, character in (start, end)]
    return {"range": {"start": places[0], "end": places[1]}, "text": text}


@contextlib.asynccontextmanager
async def connected(url: str, token: str, **options: Any) -> AsyncIterator[Client]:
    address = url.replace("http://", "ws://") + "/lsp"
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(address, additional_headers=headers, max_size=None, **options) as socket:
        client = Client(socket)
        try:
            yield client
        finally:
            client._reading.cancel()
