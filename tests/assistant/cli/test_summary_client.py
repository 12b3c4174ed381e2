"""Asking a running server for a summary: what it streams, what it refuses, and a server that breaks off."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.cli.errors import BridgeError
from assistant.cli.running import RunningServer, find_server
from assistant.cli.summary_client import ask_summary
from completion.summaries.wanted import Wanted


@pytest.fixture
def server(shared) -> RunningServer:
    found = find_server(shared.home.state)
    assert found
    return found


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "cart.py").write_text("def add(cart, thing):\n    return [*cart, thing]\n")
    return tmp_path


def test_the_news_come_before_the_summary(server: RunningServer, code: Path):
    seen: list[dict[str, Any]] = []
    made = ask_summary(server, Wanted(code, "cart.py", "add"), seen.append)
    assert (made.level, made.name) == ("function", "add")
    assert seen[0] == {"kind": "part", "done": 0, "total": 1, "name": "add"}


def test_what_the_server_refuses_is_its_sentence(server: RunningServer, code: Path):
    with pytest.raises(BridgeError, match="no single `gone`"):
        ask_summary(server, Wanted(code, "cart.py", "gone"), lambda _: None)


@pytest.fixture
def breaking() -> Iterator[Any]:
    """A server that answers whatever is asked with the bytes that a test gives it."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers: list[bytes] = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            while not asked.endswith(b"}"):
                asked.extend(connection.recv(65_536))
            connection.sendall(answers[0])

    asked = bytearray()
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()

    def begin(data: bytes) -> RunningServer:
        answers.append(data)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return RunningServer(url=url, pid=0, version="0", token="token")

    yield begin
    if answers:
        thread.join(30)
    listener.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (OK + b'data: {"kind": "text", "text": "So"}\n\n', "half-way"),
        (OK + b'data: {"error": {"code": 1, "message": "The disk is full."}}\n\n', "The disk is full."),
        (OK + b'data: {"kind": "summary", "text": 3}\n\n', "cannot be read"),
        (OK + b"data: nonsense\n\n", "half-way"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", "older than this command"),
        (b"no HTTP at all", "does not answer"),
    ],
)
def test_a_server_that_breaks_off_is_a_sentence(breaking, code: Path, data: bytes, sentence: str):
    with pytest.raises(BridgeError, match=sentence):
        ask_summary(breaking(data), Wanted(code, "cart.py"), lambda _: None)
