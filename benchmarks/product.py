"""The running product, seen from an editor: a server process, a websocket, LSP."""

import itertools
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection

from assistant.cli.bridge import open_socket
from assistant.cli.running import RunningServer, find_server, status
from benchmarks.traces import Patch, applied

_START_S = 120.0
_LOAD_S = 600.0
_ANSWER_S = 300.0
_STOP_S = 10.0
_POLL_S = 0.1
_ROOT = Path(__file__).parents[1]


class ProductError(Exception):
    """The server did not start, or answered with an error."""


@contextmanager
def running_product(model: str | None = None) -> Generator[RunningServer]:
    """Start ``splice serve`` on a free port, wait until its model is loaded, stop it at the end.

    All other settings have their defaults. Raises ProductError with what the server said.
    """
    with tempfile.TemporaryDirectory(prefix="splice-bench-") as name, (Path(name) / "log").open("wb") as log:
        folder = Path(name)
        config = folder / "splice.toml"
        config.write_text(f"[server]\nport = 0\nstate_dir = {json.dumps(name)}\n", "utf-8")
        options = ["--config", str(config), *(("--model", model) if model else ())]
        process = subprocess.Popen(
            [sys.executable, "-m", "assistant", "serve", *options],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield _ready(process, folder)
        finally:
            _stop(process)


def _ready(process: subprocess.Popen[bytes], folder: Path) -> RunningServer:
    deadline = time.monotonic() + _START_S + _LOAD_S
    while time.monotonic() < deadline and process.poll() is None:
        server = find_server(folder)
        now = (status(server) if server else None) or {}
        if server is not None and now.get("state") == "ready":
            return server
        if now.get("state") == "failed":
            raise ProductError(str(now.get("detail")))
        time.sleep(_POLL_S)
    said = (folder / "log").read_text("utf-8", "replace").strip()
    raise ProductError(f"The server did not become ready. It said: {said[-500:] or 'nothing'}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Asked:
    """One inline completion request. ``trace`` is None when no model was asked."""

    text: str
    trace: dict[str, Any] | None
    answer_ms: float


@contextmanager
def editor(server: RunningServer) -> Generator["Editor"]:
    """An initialised LSP client."""
    with open_socket(server) as socket:
        client = Editor(socket)
        client.start()
        yield client


@dataclass
class Editor:
    """One connection; requests one after another. Positions are code points (UTF-32)."""

    socket: ClientConnection
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _traces: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def start(self) -> None:
        capabilities = {"general": {"positionEncodings": ["utf-32"]}}
        self._request("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._notify("initialized", {})

    def open(self, uri: str, text: str, *, language: str) -> "OpenFile":
        """Open a document, for as long as the caller wants it."""
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self._notify("textDocument/didOpen", {"textDocument": document})
        return OpenFile(self, uri, text)

    def close(self, uri: str) -> None:
        self._notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def change(self, uri: str, version: int, changes: Sequence[dict[str, Any]]) -> None:
        document = {"uri": uri, "version": version}
        self._notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})

    def ask(self, uri: str, position: dict[str, int]) -> Asked:
        """Ask for ghost text and wait for the answer."""
        self._traces.clear()
        started = time.perf_counter()
        result = self._request(
            "textDocument/inlineCompletion",
            {"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 2}},
        )
        answer_ms = (time.perf_counter() - started) * 1e3
        items: list[Any] = result["items"] if result else []
        own = [each["trace"] for each in self._traces if each["uri"] == uri]
        return Asked(items[0]["insertText"] if items else "", own[-1] if own else None, answer_ms)

    def _notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _request(self, method: str, params: Any) -> Any:
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = json.loads(self.socket.recv(timeout=_ANSWER_S))
            if message.get("method") == "splice/trace":
                self._traces.append(message["params"])
            elif message.get("method") == "splice/resync":
                raise ProductError(str(message["params"]))
            elif message.get("id") == number and "method" not in message:
                if "error" in message:
                    raise ProductError(str(message["error"]))
                return message.get("result")

    def _send(self, message: dict[str, Any]) -> None:
        self.socket.send(json.dumps({"jsonrpc": "2.0", **message}))


@dataclass
class OpenFile:
    """A document as the editor knows it."""

    client: Editor
    uri: str
    text: str
    version: int = 1

    def type(self, patches: Sequence[Patch]) -> None:
        """Edit the document and tell the server, incrementally."""
        changes: list[dict[str, Any]] = []
        for patch in patches:
            span = {
                "start": place_of(self.text, patch.position),
                "end": place_of(self.text, patch.position + patch.deleted),
            }
            changes.append({"range": span, "text": patch.inserted})
            self.text = applied(self.text, [patch])
        self.version += 1
        self.client.change(self.uri, self.version, changes)

    def ask(self, cursor: int) -> Asked:
        """Ask for ghost text at a code point."""
        return self.client.ask(self.uri, place_of(self.text, cursor))

    def close(self) -> None:
        self.client.close(self.uri)


def place_of(text: str, offset: int) -> dict[str, int]:
    """``Position`` in UTF-32 of a text whose line end is a line feed."""
    return {"line": text.count("\n", 0, offset), "character": offset - text.rfind("\n", 0, offset) - 1}
